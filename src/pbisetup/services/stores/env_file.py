"""The store `.env.<environment>` beside the manifest: the lines that azure-identity's EnvironmentCredential reads.

A certificate that was made here lies beside it, in a file of its own that the lines point at; it is written first, so that
the lines never name what is not there.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import shlex
import stat
import sys
from collections.abc import Mapping
from pathlib import Path

from pbisetup.model.errors import Evidence, StoreError
from pbisetup.model.facts import Absent, Fact, Known, Unknown
from pbisetup.model.secret import Secret
from pbisetup.model.tenant import Note, StoredCredential
from pbisetup.services import git
from pbisetup.services.app_sign_in import Credential
from pbisetup.services.certificate import NotReadable, thumbprint_of
from pbisetup.services.files import PrivateFile, write_private
from pbisetup.services.stores.notes import note_text, read_note
from pbisetup.services.stores.store import CERTIFICATE, CLIENT, PASSWORD, SECRET, TENANT, Kept, OpenStore

OURS = (TENANT, CLIENT, SECRET, CERTIFICATE)
"""What is written here. A password of a brought certificate is its owner's, like every other line."""
_LINE = re.compile(r"\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=(.*)")
_NOTE = re.compile(r"#\s*pbisetup: (.*)")


class EnvFile:
    """`.env.<environment>` with AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET or AZURE_CLIENT_CERTIFICATE_PATH.

    Other lines of the file stay as they are.
    """

    readable = True

    def __init__(self, folder: Path, environment: str, brought: Path | None = None) -> None:
        """`brought` is the certificate that will be named: `open` looks at it before anything is made."""
        self.folder = folder
        self.brought = brought
        self.path = folder / f".env.{environment}"
        self.name = self.path.name

    def stored(self) -> Fact[StoredCredential]:
        """What the file holds, without the secret."""
        evidence = Evidence(self.name, "local", "read")
        try:
            values, note = self._read()
        except FileNotFoundError:
            return Absent(Evidence(self.name, "local", "there is no such file"))
        except (OSError, UnicodeDecodeError) as error:
            return Unknown(f"{self.name} cannot be read: {_reason(error)}", evidence)
        tenant, client, secret, certificate = (values.get(key, "") for key in OURS)
        if secret:
            return Known(StoredCredential(self.name, tenant, client, secret[:3], "secret", note=note), evidence)
        if certificate:
            path = self._place(certificate)
            try:
                thumbprint = thumbprint_of(path, values.get(PASSWORD) or os.environ.get(PASSWORD))
            except NotReadable as error:
                return Absent(Evidence(self.name, "local", f"the certificate {path.name} {error}"))
            held = StoredCredential(self.name, tenant, client, "", "certificate", thumbprint, note)
            return Known(held, evidence)
        if client and note.key_id:
            return Known(StoredCredential(self.name, tenant, client, "", "federated", note=note), evidence)
        return Absent(Evidence(self.name, "local", "the file holds no AZURE_CLIENT_SECRET"))

    def credential(self) -> Credential | None:
        """The credential with its secret, or None where the file is missing or names no app."""
        try:
            values, note = self._read()
        except (OSError, UnicodeDecodeError):
            return None
        tenant, client, secret, certificate = (values.get(key, "") for key in OURS)
        if not (tenant and client):
            return None
        if secret:
            return Credential("secret", tenant, client, self.name, secret=Secret(secret))
        if certificate:
            path, password = self._place(certificate), values.get(PASSWORD) or os.environ.get(PASSWORD)
            return Credential(
                "certificate",
                tenant,
                client,
                self.name,
                certificate=path,
                certificate_password=Secret(password) if password else None,
                broken="" if path.is_file() else f"{CERTIFICATE} names {path.name}, which is no file",
            )
        return Credential("federated" if note.key_id else "none", tenant, client, self.name)

    def open(self) -> OpenStore:
        """Prove that the credential can be kept here. Raises StoreError with the reason; nothing was made yet."""
        if self.path.is_symlink():
            raise StoreError(
                "PBI112",
                f"{self.name} is a symbolic link, so the secret would land somewhere else",
                remedy="Replace the link by a file, or use another folder.",
            )
        if git.is_tracked(self.path):
            raise StoreError(
                "PBI111",
                f"git tracks {self.name}: the next commit would publish the secret",
                remedy="Take it out of git first; it stays on the disk.",
                command=f"git rm --cached {self.name}",
            )
        self._refuse_open_folder()
        if self.brought is not None:
            refuse_shared(self.brought)
        try:
            self._refuse_odd()
            before = self.path.read_text(encoding="utf-8") if self.path.exists() else ""
            file = PrivateFile(self.path)
        except (OSError, UnicodeDecodeError) as error:
            raise self._unusable(error) from None
        try:
            file.refuse_readers()
            # Room for everything that keep() writes, while there is nothing to lose: lines, a certificate with its key.
            file.reserve(len(before.encode()) + 8192)
            git.ignore(self.path, ".env.*")
            # A .gitignore that names the file alone leaves its certificates to the next commit.
            git.ignore(self._pem("0" * 12), ".env.*")
        except (OSError, UnicodeDecodeError) as error:
            file.discard()
            raise self._unusable(error) from None
        return _OpenEnvFile(self, file)

    def forget(self, client_id: str) -> None:
        """Take this app's credential out; other lines stay, and a file with nothing else in it goes.

        A credential of another app stays, and so does a certificate that was brought. Raises StoreError where the file
        cannot be changed.
        """
        try:
            if self._read()[0].get(CLIENT, "").lower() != client_id.lower():
                return
            if self.path.is_symlink():
                raise StoreError(
                    "PBI112",
                    f"{self.name} is a symbolic link, and is left as it is",
                    remedy=f"Take {', '.join(OURS)} out of the file that it points at.",
                )
            with self.path.open(encoding="utf-8", newline="") as file:
                left = _without(file.read())
            if left.strip():
                write_private(self.path, left)
            else:
                self.path.unlink()
            self.sweep(())
        except FileNotFoundError:
            return
        except (OSError, UnicodeDecodeError) as error:
            raise StoreError(
                "PBI113",
                f"the credential could not be taken out of {self.path}: {_reason(error)}",
                remedy=f"It opens nothing any more. Take {', '.join(OURS)} out yourself, or run again.",
            ) from None

    def certificate_path(self, pem: str) -> Path:
        """Where a certificate that was made here lies: two of them never share a file."""
        from pbisetup.services.certificate import thumbprint_of_pem

        return self._pem(thumbprint_of_pem(pem)[:12].lower())

    def sweep(self, wanted: tuple[Path, ...]) -> None:
        """Remove the files of certificates that were made here, but for these."""
        for path in self.folder.glob(f"{self.name}.*.pem"):
            if re.fullmatch(r"[0-9a-f]{12}", path.name[len(self.name) + 1 : -4]) and path not in wanted:
                path.unlink(missing_ok=True)

    def current_certificate(self) -> Path | None:
        """The file that the lines point at now."""
        try:
            named = self._read()[0].get(CERTIFICATE, "")
        except (OSError, UnicodeDecodeError):
            return None
        return self._place(named) if named else None

    def _pem(self, thumbprint: str) -> Path:
        return self.folder / f"{self.name}.{thumbprint}.pem"

    def _place(self, named: str) -> Path:
        return self.folder / Path(named).expanduser()

    def _refuse_open_folder(self) -> None:
        """Where everybody may write, everybody may put a file of their own in the place of this one."""
        if sys.platform == "win32":
            return
        with contextlib.suppress(OSError):
            if self.folder.resolve().stat().st_mode & stat.S_IWOTH:
                raise StoreError(
                    "PBI118",
                    f"everybody on this machine may write to the folder {self.folder}",
                    remedy="No credential was made. Use a folder of your own, or close this one.",
                    command="chmod o-w .",
                )

    def _unusable(self, error: Exception) -> StoreError:
        return StoreError(
            "PBI113",
            f"the secret could not be kept in {self.path}: {_reason(error)}",
            remedy="No secret was made. Free the disk or make the folder writable, and run again.",
        )

    def _refuse_odd(self) -> None:
        """Raise OSError where the path is something that reading would wait for, or that is no file at all."""
        if self.path.exists() and not self.path.is_file():
            raise OSError(errno.EINVAL, "it is no regular file")

    def _read(self) -> tuple[dict[str, str], Note]:
        self._refuse_odd()
        text = self.path.read_text(encoding="utf-8")
        lines = text.split("\n")
        values = {m[1]: _unquoted(m[2]) for line in lines if (m := _LINE.fullmatch(line))}
        said = next((m[1] for line in lines if (m := _NOTE.match(line.strip()))), "")
        return values, read_note(said)


class _OpenEnvFile:
    def __init__(self, store: EnvFile, file: PrivateFile) -> None:
        self._store, self._file = store, file

    def keep(self, kept: Kept) -> str:
        store = self._store
        if kept.file is not None:
            refuse_shared(kept.file)
        values = {TENANT: kept.tenant_id, CLIENT: kept.client_id}
        if kept.secret is not None:
            values[SECRET] = kept.secret.reveal()
        made: Path | None = None
        # Whoever has read the lines may still be about to open the file that they named.
        before = store.current_certificate()
        try:
            if kept.certificate is not None:
                pem = kept.certificate.reveal()
                made = store.certificate_path(pem)
                write_private(made, pem)
            if named := made or kept.file:
                values[CERTIFICATE] = _quoted(str(named.absolute()))
            note = note_text(kept.note)
            # As it is now: proving the credential takes a while, in which a person may have written into the file.
            lines = store.path.read_text(encoding="utf-8") if store.path.exists() else ""
            self._file.commit(_merged(lines, values, f"# pbisetup: {note}" if note else ""))
        except (OSError, UnicodeDecodeError) as error:
            if made is not None and made != before:  # the same one may be kept again, for a new note
                with contextlib.suppress(OSError):
                    made.unlink(missing_ok=True)
            raise StoreError(
                "PBI113", f"the secret could not be kept in {self._store.path}: {_reason(error)}"
            ) from None
        if len(kept.note.retiring) < 2:  # else more than one of them still has its time
            with contextlib.suppress(OSError):
                store.sweep(tuple(path for path in (made, before) if path))
        return store.name

    def close(self) -> None:
        self._file.discard()


def _merged(before: str, values: Mapping[str, str], note: str) -> str:
    """The file's text with these values set: lines of other variables and comments stay, in their order."""
    left = dict(values)
    lines = []
    # Not splitlines(), which also splits at form feeds and at separators that a value may hold.
    for line in before.removesuffix("\n").split("\n") if before else ():
        if _NOTE.match(line.strip()):
            continue
        match = _LINE.fullmatch(line)
        if match and match[1] in OURS:
            if match[1] in left:
                lines.append(f"{match[1]}={left.pop(match[1])}")
            continue
        lines.append(line)
    lines.extend(f"{key}={value}" for key, value in left.items())
    if note:
        key = next((name for name in (SECRET, CERTIFICATE) if name in values), CLIENT)
        lines.insert(next(i for i, line in enumerate(lines) if line.startswith(f"{key}=")), note)
    return "\n".join(lines) + "\n"


def _without(before: str) -> str:
    """The file's text without the credential and the note on it."""
    # Not splitlines(), which also splits at form feeds and at separators that a value may hold.
    kept = [line for line in before.split("\n") if not (_NOTE.match(line.strip()) or _is_credential(line))]
    return "\n".join(kept)


def _is_credential(line: str) -> bool:
    match = _LINE.fullmatch(line)
    return match is not None and match[1] in OURS


def _unquoted(value: str) -> str:
    value = value.strip()
    if len(value) >= 2 and value[0] == value[-1] and value[0] in "'\"":
        return value[1:-1]
    return value


def _quoted(path: str) -> str:
    """The path so that shells and the dotenv libraries of all languages read the same.

    Quotes only where it takes them, because `docker run --env-file` takes them for a part of the value.
    Raises OSError where no way of writing it down is read alike: what has several lines, or both kinds of quotes.
    """
    if not path.isprintable():
        raise OSError(errno.EINVAL, "the path of the certificate has characters that an env-file cannot hold")
    if re.fullmatch(r"[\w/\\:.,+@=~-]+", path):
        return path
    if "'" not in path:
        return f"'{path}'"
    if not re.search(r'["$`\\]', path):
        return f'"{path}"'
    raise OSError(errno.EINVAL, "the path of the certificate has quotes that an env-file cannot hold")


def refuse_shared(file: Path) -> None:
    """Raise StoreError where a certificate that was brought is open to others: in git, or by its mode.

    What is not there is not its matter.
    """
    for each in dict.fromkeys((file, file.resolve())):
        if git.is_tracked(each):
            raise StoreError(
                "PBI111",
                f"git tracks {each.name}, the certificate with its key",
                remedy="Whoever has the repository has the key. Take it out of git, and bring a new one: the old one stays "
                "in the history.",
                command=f"git rm --cached {shlex.quote(each.name)}",
            )
    if sys.platform == "win32":
        return
    with contextlib.suppress(FileNotFoundError):
        if file.stat().st_mode & 0o077:
            raise StoreError(
                "PBI113",
                f"others on this machine can read {file.name}, the certificate with its key",
                remedy="Nothing was changed. Leave it to its owner alone, and run again.",
                command=f"chmod 600 {shlex.quote(str(file))}",
            )


def _reason(error: Exception) -> str:
    return (error.strerror or str(error)) if isinstance(error, OSError) else str(error)
