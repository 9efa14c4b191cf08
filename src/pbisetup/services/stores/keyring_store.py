"""The store `keyring`: what the operating system itself keeps secrets in (Windows Credential Manager, macOS Keychain, the
Secret Service or KWallet of a Linux desktop), through the package `keyring`, an extra of pbisetup.

One entry holds everything, so replacing it is one step. The backends are other people's code and may wait for a person who
is asked to unlock something: each call has a time limit, and whatever they raise becomes a StoreError.
"""

from __future__ import annotations

import json
import os
import secrets
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from pbisetup.model.errors import Evidence, StoreError
from pbisetup.model.facts import Absent, Fact, Known, Unknown
from pbisetup.model.manifest import CredentialKind
from pbisetup.model.secret import Secret
from pbisetup.model.tenant import StoredCredential
from pbisetup.services.app_sign_in import Credential
from pbisetup.services.certificate import NotReadable, thumbprint_of, thumbprint_of_pem
from pbisetup.services.stores.notes import note_text, read_note
from pbisetup.services.stores.store import PASSWORD, Kept, OpenStore, Unclear

if TYPE_CHECKING:
    from keyring.backend import KeyringBackend

T = TypeVar("T")

SERVICE = "pbisetup"
_PROOF = "pbisetup-proof"
"""The throw-away entry's service. Not ours with another user: Windows keeps one entry a service, and moves the others."""
_WINDOWS_BYTES = 2560
"""CRED_MAX_CREDENTIAL_BLOB_SIZE, 5 * 512, of UTF-16 (wincred.h); more is error 1783: jaraco/keyring issue 355."""
_SIZES = {"secret": 700, "certificate": 4000, "federated": 700}
"""Characters of an entry, about: what the throw-away entry has, too."""
_ELSEWHERE = "No credential was made. `env-file` in the manifest keeps it in a private file instead."
_turn = threading.Lock()
"""Windows moves entries of the same service about: never two at once."""


class KeyringStore:
    """An entry of the service `pbisetup`, with project and environment as the user name."""

    readable = True

    def __init__(
        self,
        project_id: str,
        environment: str,
        *,
        kind: CredentialKind = "secret",
        brought: bool = False,
        patience: float = 60,
    ) -> None:
        """`kind` is what will be kept; `brought`: of a certificate only the path. `patience` in seconds, for each call."""
        self.user = f"{project_id}/{environment}"
        self.name = f"keyring ({self.user})"
        self._large = kind == "certificate" and not brought
        self._size = _SIZES[kind] if self._large else _SIZES["secret"]
        self._patience = patience

    def stored(self) -> Fact[StoredCredential]:
        """What the entry holds, without the secret."""
        evidence = Evidence(self.name, "local", "read")
        try:
            entry = self._entry()
        except StoreError as error:
            return Unknown(error.message, evidence)
        if entry is None:
            return Absent(Evidence(self.name, "local", "there is no such entry"))
        kind, note = entry["kind"], read_note(entry["note"])
        thumbprint = ""
        if kind == "certificate":
            path, pem = entry["path"], entry["pem"]
            try:
                thumbprint = thumbprint_of(Path(path), os.environ.get(PASSWORD)) if path else thumbprint_of_pem(pem)
            except NotReadable as error:
                what = f"the certificate {Path(path).name}" if path else "the certificate in it"
                return Absent(Evidence(self.name, "local", f"{what} {error}"))
        held = StoredCredential(
            self.name, entry["tenant"], entry["client"], entry["secret"][:3], kind, thumbprint, note
        )
        return Known(held, evidence)

    def credential(self) -> Credential | None:
        """The credential with its secret, or None where there is none or it cannot be read."""
        try:
            entry = self._entry()
        except StoreError:
            return None
        if entry is None:
            return None
        tenant, client = entry["tenant"], entry["client"]
        if entry["kind"] == "secret":
            return Credential("secret", tenant, client, self.name, secret=Secret(entry["secret"]))
        if entry["pem"]:
            return Credential("certificate", tenant, client, self.name, pem=Secret(entry["pem"]))
        if not entry["path"]:
            return Credential("federated", tenant, client, self.name)
        path, password = Path(entry["path"]), os.environ.get(PASSWORD)
        return Credential(
            "certificate",
            tenant,
            client,
            self.name,
            certificate=path,
            certificate_password=Secret(password) if password else None,
            broken="" if path.is_file() else f"the keyring names {path.name}, which is no file",
        )

    def open(self) -> OpenStore:
        """Prove that an entry of this size can be written, by another one that is removed again. Raises StoreError."""
        rings = self._rings()
        if self._large and any(_is_windows(ring) for ring in rings[:1]):
            raise StoreError(
                "PBI119",
                f"Windows Credential Manager keeps at most {_WINDOWS_BYTES // 2:,} characters in an entry, and a "
                "certificate with its key has about 2,900",
                remedy="No credential was made. Keep a certificate in env-file or in key-vault:NAME there; a secret fits.",
            )
        value = secrets.token_hex(16).ljust(self._size, ".")
        self._write(_PROOF, value, rings)
        found = self._read(_PROOF, rings)
        self._delete(_PROOF, rings)
        if found != value:
            raise StoreError(
                "PBI119",
                f"the {_title(rings[0])} gives back something else than what was put into it",
                remedy=_ELSEWHERE,
            )
        # What is there may be somebody else's: it is not overwritten unread.
        self._entry()
        return _OpenKeyring(self)

    def forget(self, client_id: str) -> None:
        """Remove the entry, where it is this app's. Raises StoreError where that cannot be done."""
        rings = self._rings()
        entry = self._entry()
        if entry is not None and entry["client"].lower() == client_id.lower():
            self._delete(SERVICE, rings)

    def replace(self, text: str) -> None:
        """Put this into the entry. Raises StoreError where the old text is still in it, Unclear where it is not known."""
        rings = self._rings()
        if _is_windows(rings[0]) and len(text.encode("utf-16-le")) > _WINDOWS_BYTES:
            raise StoreError(
                "PBI113",
                f"the credential has {len(text):,} characters, and Windows Credential Manager keeps at most "
                f"{_WINDOWS_BYTES // 2:,} in an entry",
                remedy="Keep it in env-file or in key-vault:NAME.",
            )
        try:
            self._write(SERVICE, text, rings)
        except Unclear:
            raise
        except StoreError as error:
            try:
                now = self._read(SERVICE, rings)
            except StoreError:
                raise Unclear(error.code, error.message, remedy=error.remedy, evidence=error.evidence) from None
            if now != text:
                raise
        else:
            self._confirm(text, rings)

    def _confirm(self, text: str, rings: list[Any]) -> None:
        """Read back what was taken without a word: a keyring that forgets it has not kept it."""
        try:
            now = self._read(SERVICE, rings)
        except StoreError as error:
            raise Unclear(error.code, error.message, remedy=error.remedy, evidence=error.evidence) from None
        if now != text:
            raise StoreError(
                "PBI113",
                "the keyring took the credential, and does not have it",
                remedy="It was taken off the app again. Keep it in env-file or in key-vault:NAME.",
            )

    # -- the package ---------------------------------------------------------------------------------------------------

    def _entry(self) -> dict[str, Any] | None:
        """The fields of the entry, each a text; None where there is none. Raises StoreError."""
        text = self._read(SERVICE, self._rings())
        if text is None:
            return None
        try:
            given = json.loads(text)
            entry = {key: given.get(key, "") for key in ("tenant", "client", "kind", "secret", "pem", "path", "note")}
        except (ValueError, AttributeError):
            entry = {}
        if entry.get("kind") not in _SIZES or not all(isinstance(value, str) for value in entry.values()):
            raise StoreError(
                "PBI119",
                f"the entry {self.user} of {SERVICE} in the keyring is not one that pbisetup wrote",
                remedy="It is left as it is. Remove it, and run again.",
            )
        return entry

    def _rings(self) -> list[KeyringBackend]:
        """The backends that may be used, the best first. Raises StoreError where there is none."""
        try:
            import keyring
            from keyring.backends import chainer
        except ImportError:
            raise StoreError(
                "PBI119",
                "the store keyring needs the package keyring, which is not installed",
                remedy=f"{_ELSEWHERE} The package comes with the extra keyring.",
                command='pip install "pbisetup[keyring]"',
            ) from None
        chosen = self._timed(keyring.get_keyring, "be opened")
        found = list(chosen.backends) if isinstance(chosen, chainer.ChainerBackend) else [chosen]
        usable = [ring for ring in found if _is_real(ring)]
        if usable:
            return usable
        plain = next((_title(ring) for ring in found if _module(ring).startswith("keyrings.alt")), None)
        why = (
            f"this machine has only {plain}, which keeps secrets in a file that it does not protect well"
            if plain
            else "this machine has no keyring that can be used"
        )
        raise StoreError(
            "PBI119",
            why,
            remedy=f"{_ELSEWHERE} On Linux the keyring is that of the desktop's session (GNOME Keyring, KWallet); a server "
            "or a container has none.",
            command="python -m keyring --list-backends",
        )

    def _read(self, service: str, rings: list[KeyringBackend]) -> str | None:
        def read() -> str | None:
            values = (ring.get_password(service, self.user) for ring in rings)
            return next((value for value in values if value is not None), None)

        return self._timed(read, "be read")

    def _write(self, service: str, value: str, rings: list[KeyringBackend]) -> None:
        def write() -> None:
            for ring in rings:
                try:
                    return ring.set_password(service, self.user, value)
                except NotImplementedError:  # one that only reads, as those for package feeds
                    continue
            raise NotImplementedError

        self._timed(write, "be written", unclear=service == SERVICE)

    def _delete(self, service: str, rings: list[KeyringBackend]) -> None:
        from keyring.errors import PasswordDeleteError

        def delete() -> None:
            for ring in rings:
                try:
                    ring.delete_password(service, self.user)
                except (NotImplementedError, PasswordDeleteError):
                    if ring.get_password(service, self.user) is not None:
                        raise

        self._timed(delete, "be changed")

    def _timed(self, action: Callable[[], T], doing: str, *, unclear: bool = False) -> T:
        """What `action` returns. Raises StoreError for whatever it raises, and where it does not come back."""
        done: list[T] = []
        failed: list[BaseException] = []

        def run() -> None:
            with _turn:
                try:
                    done.append(action())
                except BaseException as error:  # the backend's, of any kind
                    failed.append(error)

        thread = threading.Thread(target=run, daemon=True)  # one that waits for a person must not keep the program
        thread.start()
        thread.join(self._patience)
        if done:
            return done[0]
        if failed:
            raise self._failure(failed[0], doing)
        kind = Unclear if unclear else StoreError
        raise kind(
            "PBI119",
            f"the keyring did not answer within {self._patience:g} seconds",
            remedy="It may be locked and wait for its password in a window. Unlock it, and run again.",
        )

    def _failure(self, error: BaseException, doing: str) -> StoreError:
        from keyring.errors import InitError, KeyringError, KeyringLocked, NoKeyringError

        if isinstance(error, KeyringLocked | InitError):
            return StoreError(
                "PBI119",
                "the keyring is locked",
                remedy=f"Unlock it (on a Linux desktop: sign in, or unlock the login keyring), and run again. {_ELSEWHERE}",
                evidence=(self._seen(error),),
            )
        if isinstance(error, NoKeyringError):
            return StoreError("PBI119", "this machine has no keyring that can be used", remedy=_ELSEWHERE)
        # Of what is not the package's own only the kind is told: its words may hold anything.
        seen = (
            self._seen(error) if isinstance(error, KeyringError) else Evidence("keyring", "local", type(error).__name__)
        )
        return StoreError("PBI119", f"the keyring could not {doing}", remedy=_ELSEWHERE, evidence=(seen,))

    def _seen(self, error: BaseException) -> Evidence:
        said = " ".join(str(error).split())[:200]
        return Evidence("keyring", "local", f"{type(error).__name__}: {said}" if said else type(error).__name__)


class _OpenKeyring:
    def __init__(self, store: KeyringStore) -> None:
        self._store = store

    def keep(self, kept: Kept) -> str:
        fields = {"tenant": kept.tenant_id, "client": kept.client_id, "kind": kept.kind}
        if kept.secret is not None:
            fields["secret"] = kept.secret.reveal()
        if kept.certificate is not None:
            fields["pem"] = kept.certificate.reveal()
        if kept.file is not None:
            fields["path"] = str(kept.file.absolute())
        fields["note"] = note_text(kept.note)
        self._store.replace(json.dumps(fields))
        return self._store.name

    def close(self) -> None:
        """Nothing was reserved."""


def _module(ring: KeyringBackend) -> str:
    return type(ring).__module__


def _title(ring: KeyringBackend) -> str:
    return f"{_module(ring)}.{type(ring).__name__}"


def _is_real(ring: KeyringBackend) -> bool:
    """Neither one that keeps nothing nor one of keyrings.alt, which write files that anybody can decipher, or prompt."""
    from keyring.backends import fail, null

    return not isinstance(ring, fail.Keyring | null.Keyring) and not _module(ring).startswith("keyrings.alt")


def _is_windows(ring: KeyringBackend) -> bool:
    from keyring.backends import Windows

    return isinstance(ring, Windows.WinVaultKeyring)
