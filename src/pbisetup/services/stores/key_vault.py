"""The store `key-vault:NAME`: a client secret is one secret of the vault, a certificate one of its certificates.

They have names of their own, because a certificate's secret and a plain one cannot share one, and a deleted name is taken
for months. Which of the two counts: the certificate, unless it is marked as superseded; else the secret, unless it is. So
every change of what counts is one request: a new version, or that mark. What was superseded stays readable until it is
retired.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Literal

from pbisetup.model.errors import Evidence, StoreError
from pbisetup.model.facts import Absent, Fact, Known, Unknown
from pbisetup.model.secret import Secret
from pbisetup.model.tenant import Note, StoredCredential
from pbisetup.services.app_sign_in import Credential
from pbisetup.services.certificate import NotReadable, read_pair, thumbprint_of_pem
from pbisetup.services.identity import TokenSource
from pbisetup.services.network import Network
from pbisetup.services.stores.notes import note_text
from pbisetup.services.stores.store import CLIENT, TENANT, Kept, OpenStore, Unclear
from pbisetup.services.stores.vault_client import CERTIFICATES_OFFICER, SECRETS_OFFICER, VaultClient, VaultError
from pbisetup.services.stores.vault_contents import (
    LONGEST_TAG,
    MOST_TAGS,
    RESERVED,
    SUPERSEDED,
    Kind,
    VaultContents,
    key_of,
    note_names,
)


class KeyVault:
    """A vault of the operator's cloud. `kind` is the credential that is going to be kept: `open` proves the rights for it.

    `sign_in` gives tokens of the operator; it is called when the first request needs one.
    """

    readable = True

    def __init__(
        self,
        network: Network,
        vault: str,
        project: str,
        environment: str,
        kind: Literal["secret", "certificate", "federated"],
        sign_in: Callable[[], TokenSource],
    ) -> None:
        self.name = f"key vault {vault}"
        self.kind = kind
        self.tries = 1 + network.patience.again
        """How often a request is sent that nobody answers."""
        self.contents = VaultContents(
            VaultClient(network, vault, sign_in),
            f"pbisetup-{project}-{environment}",
            network.now,
            wants_certificates=kind == "certificate",
        )

    def stored(self) -> Fact[StoredCredential]:
        """What the vault holds, without the secret."""
        evidence = Evidence(self.name, "operator", "read")
        try:
            held = self.contents.held()
        except StoreError as error:
            return Unknown(error.message, error.evidence[0] if error.evidence else evidence, error.code)
        except NotReadable as error:
            return Unknown(f"the certificate in the {self.name} {error}", evidence)
        if held is None:
            fact = f"it holds no {self.contents.secret_name} that is enabled, and no {self.contents.certificate_name}"
            return Absent(Evidence(self.name, "operator", fact))
        tenant, client = held.tags.get(TENANT, ""), held.tags.get(CLIENT, "")
        hint = held.value.reveal()[:3] if held.kind == "secret" else ""
        found = StoredCredential(self.name, tenant, client, hint, held.kind, held.thumbprint, held.note)
        return Known(found, evidence)

    def credential(self) -> Credential | None:
        """The credential with its secret, or None where the vault has none, or names no app beside it."""
        try:
            held = self.contents.held()
        except (StoreError, NotReadable):
            return None
        if held is None or not (held.tags.get(TENANT) and held.tags.get(CLIENT)):
            return None
        secret, pem = (held.value, None) if held.kind == "secret" else (None, held.value)
        return Credential(held.kind, held.tags[TENANT], held.tags[CLIENT], self.name, secret=secret, pem=pem)

    def open(self) -> OpenStore:
        """Prove that the credential can be kept here, without a change to what readers see. Raises StoreError.

        What is enabled is enabled once more; where nothing is, a disabled placeholder is left under the name.
        """
        if self.kind == "federated":
            raise StoreError(
                "PBI119",
                "a key vault keeps secrets and certificates, and a federated credential has neither",
                remedy='Use store = "env-file", which keeps the ids.',
            )
        contents = self.contents
        held = contents.held(passing=True)
        if held is not None:
            # What counts is what will be changed, or marked as superseded. It is enabled already; saying so once more
            # cannot undo what another run has just written.
            contents.change(held.kind, held.version, enabled=True)
        if held is None or held.kind != self.kind:
            contents.prove(self.kind)
        if self.kind == "certificate":
            contents.prove_readable()
        return _OpenKeyVault(self)

    def forget(self, client_id: str) -> None:
        """Delete this app's credential; the vault can recover it for as long as it keeps what was deleted.

        What belongs to another app stays. Raises StoreError where it cannot be deleted.
        """
        contents, vault = self.contents, self.contents.vault
        try:
            if _only_of(client_id, contents.versions("secret")):
                vault.found(partial(vault.secrets.begin_delete_secret, contents.secret_name), SECRETS_OFFICER)
            if _only_of(client_id, contents.certificate_versions()):
                delete = partial(vault.certificates.begin_delete_certificate, contents.certificate_name)
                vault.found(delete, CERTIFICATES_OFFICER)
        except VaultError as error:
            raise StoreError(
                "PBI113",
                f"the credential could not be taken out of the {self.name}: {error.message}",
                remedy=f"It opens nothing any more. {error.remedy or 'Delete it yourself, or run again.'}",
                command=error.command,
                evidence=error.evidence,
            ) from None


class _OpenKeyVault:
    def __init__(self, store: KeyVault) -> None:
        self._store = store

    def keep(self, kept: Kept) -> str:
        store = self._store
        value = _value_of(kept)
        kind: Kind = "secret" if kept.secret is not None else "certificate"
        thumbprint = "" if kind == "secret" else thumbprint_of_pem(value.reveal())
        for left in reversed(range(store.tries)):
            try:
                self._place(kept, kind, value, thumbprint)
                break
            except VaultError as error:
                # Nobody answered: it may have been done all the same, and doing it again is harmless.
                if left and error.reason == "Unreachable":
                    continue
                counts = self._counts(kind, value, thumbprint, kept)
                if counts:
                    break
                if counts is False:
                    self._give_up(kind, value)
                raise (Unclear if counts is None else StoreError)(
                    "PBI113",
                    f"the credential could not be kept in the {store.name}: {error.message}",
                    remedy=error.remedy,
                    command=error.command,
                    evidence=error.evidence,
                ) from None
        self._sweep(kind, kept.note)
        return store.name

    def close(self) -> None:
        """A placeholder stays, disabled: deleting it would take the name for months."""

    def _place(self, kept: Kept, kind: Kind, value: Secret, thumbprint: str) -> None:
        store = self._store
        before = store.contents.held(passing=True)
        tags = _tags(kept, before.tags if before else {})
        days = _days(kept.note)
        if before and before.kind == kind and (before.thumbprint or before.value) == (thumbprint or value):
            # The same credential with another note; a certificate's days are its own.
            store.contents.change(
                kind, before.version, tags=tags, **({"expires_on": days} if kind == "secret" and days else {})
            )
        elif kind == "certificate":
            store.contents.put_certificate(value, tags)
        else:
            store.contents.put_secret(value, tags, days)
            if before and before.kind == "certificate":
                store.contents.change("certificate", before.version, tags={**before.tags, SUPERSEDED: "secret"})

    def _counts(self, kind: Kind, value: Secret, thumbprint: str, kept: Kept) -> bool | None:
        """Whether it is this credential with this note that counts now; None where the vault does not answer."""
        try:
            now = self._store.contents.held(passing=True)
        except StoreError:
            return None
        same = now is not None and (now.thumbprint or now.value) == (thumbprint or value)
        # As text: a note keeps seconds, and what is kept here may have more.
        return now is not None and now.kind == kind and same and note_text(now.note) == note_text(kept.note)

    def _give_up(self, kind: Kind, value: Secret) -> None:
        """A secret that was put there and does not count: nobody is to find it."""
        store = self._store
        with suppress(StoreError, NotReadable):
            now = store.contents.held(passing=True)
            latest = store.contents.secret(None)
            if kind == "secret" and now and now.kind == "certificate" and latest and latest.value == value:
                store.contents.change("secret", latest.version, enabled=False)

    def _sweep(self, kind: Kind, note: Note) -> None:
        """Disable what is retired: every version but what counts and what still has its time of grace.

        A secret that has it is marked, too, for those who may not see that there is a certificate.
        """
        store, kept = self._store, {old.key_id for old in note.retiring}
        kinds: tuple[Kind, ...] = ("secret", "certificate")
        with suppress(StoreError, NotReadable):
            now = store.contents.held()
            if now is None or now.kind != kind:
                return
            for each in kinds:
                with suppress(StoreError):
                    for version in store.contents.versions(each):
                        if not version.enabled or (each == kind and version.version == now.version):
                            continue
                        tags = dict(version.tags or {})
                        if key_of(tags) not in kept:
                            store.contents.change(each, version.version, enabled=False)
                        elif each != kind and SUPERSEDED not in tags:
                            store.contents.change(each, version.version, tags={**tags, SUPERSEDED: kind})


def _value_of(kept: Kept) -> Secret:
    """What goes into the vault. Raises StoreError."""
    if kept.secret is not None:
        return kept.secret
    if kept.certificate is not None:
        return kept.certificate
    if kept.file is None:
        raise StoreError("PBI119", "a key vault keeps secrets and certificates, and this credential has neither")
    return _brought(kept.file, kept.password)


def _brought(path: Path, password: Secret | None) -> Secret:
    """A certificate that somebody brought: a vault cannot point at a file, so it is imported."""
    try:
        return read_pair(path, password).pem
    except NotReadable as error:
        raise StoreError("PBI113", f"the certificate {path.name} {error}") from None


def _tags(kept: Kept, before: dict[str, str]) -> dict[str, str]:
    """Ids and note; tags that are not ours stay, as many as there is room for. Raises StoreError."""
    text = note_text(kept.note)
    parts = [text[start : start + LONGEST_TAG] for start in range(0, len(text), LONGEST_TAG)]
    names = note_names()
    if len(parts) + 3 > MOST_TAGS:
        raise StoreError(
            "PBI113", f"the note beside the credential has {len(text)} characters, more than a vault takes"
        )
    ours = {TENANT: kept.tenant_id, CLIENT: kept.client_id, **dict(zip(names, parts, strict=False))}
    drop = {TENANT, CLIENT, SUPERSEDED, RESERVED, *names}
    others = [(name, value) for name, value in before.items() if name not in drop]
    return {**dict(others[: MOST_TAGS - 1 - len(ours)]), **ours}  # one is left for the mark


def _days(note: Note) -> datetime | None:
    """When the credential ends, so that the vault can tell of it too; a vault goes on handing out what has ended."""
    try:
        return datetime.fromisoformat(note.ends).replace(tzinfo=UTC) if note.ends else None
    except ValueError:
        return None


def _only_of(client_id: str, versions: list[Any]) -> bool:
    """Whether what is under a name is this app's: one that it holds is, and of what can be read all is."""
    owners = {(version.tags or {}).get(CLIENT, "").lower() for version in versions}
    live = {(version.tags or {}).get(CLIENT, "").lower() for version in versions if version.enabled}
    return client_id.lower() in owners and live <= {client_id.lower()}
