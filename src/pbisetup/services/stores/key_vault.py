"""The store `key-vault:NAME`: a client secret is one secret of the vault, a certificate one of its certificates.

They have names of their own, because a certificate's secret and a plain one cannot share one, and a deleted name is taken
for months. Which of the two counts: the certificate, unless it is marked as superseded; else the secret, unless it is. So
every change of what counts is one request: a new version, or that mark. What was superseded stays readable until it is
retired.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Literal

from pbisetup.model.errors import Evidence, StoreError
from pbisetup.model.facts import Absent, Fact, Known, Unknown
from pbisetup.model.secret import Secret
from pbisetup.model.tenant import Note, StoredCredential
from pbisetup.services.app_sign_in import Credential
from pbisetup.services.certificate import NotReadable, make_pair, pair_of_pem, read_pair
from pbisetup.services.identity import TokenSource
from pbisetup.services.network import Network
from pbisetup.services.stores.notes import note_text, read_note
from pbisetup.services.stores.store import CLIENT, PASSWORD, TENANT, Kept, OpenStore
from pbisetup.services.stores.vault_client import CERTIFICATES_OFFICER, SECRETS_OFFICER, WALLS, VaultClient, VaultError

Kind = Literal["secret", "certificate"]
NOTE, SUPERSEDED, RESERVED = "pbisetup-note", "pbisetup-superseded", "pbisetup-reserved"
LONGEST_TAG, MOST_TAGS = 256, 15
"""azure-docs about-secrets (512 since 2023; the older limit holds for both)."""
_PEM, _PFX = "application/x-pem-file", "application/x-pkcs12"
_ROLES: dict[Kind, tuple[str, ...]] = {
    "secret": (SECRETS_OFFICER,),
    "certificate": (CERTIFICATES_OFFICER, SECRETS_OFFICER),
}


@dataclass(frozen=True)
class _Held:
    """What counts in the vault now."""

    kind: Kind
    version: str
    tags: dict[str, str]
    value: Secret = field(repr=False)
    """The client secret, or the certificate with its key as PEM."""
    thumbprint: str = ""

    @property
    def note(self) -> Note:
        return read_note("".join(self.tags.get(name, "") for name in _note_names()))


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
        self.secret_name = f"pbisetup-{project}-{environment}"
        self.certificate_name = f"certificate-{self.secret_name}"
        self.kind = kind
        self.vault = VaultClient(network, vault, sign_in)
        self._network = network

    def stored(self) -> Fact[StoredCredential]:
        """What the vault holds, without the secret."""
        evidence = Evidence(self.name, "operator", "read")
        try:
            held = self.held()
        except StoreError as error:
            return Unknown(error.message, error.evidence[0] if error.evidence else evidence, error.code)
        except NotReadable as error:
            return Unknown(f"the certificate in the {self.name} {error}", evidence)
        if held is None:
            fact = f"it holds no {self.secret_name} that is enabled, and no {self.certificate_name}"
            return Absent(Evidence(self.name, "operator", fact))
        tenant, client = held.tags.get(TENANT, ""), held.tags.get(CLIENT, "")
        hint = held.value.reveal()[:3] if held.kind == "secret" else ""
        found = StoredCredential(self.name, tenant, client, hint, held.kind, held.thumbprint, held.note)
        return Known(found, evidence)

    def credential(self) -> Credential | None:
        """The credential with its secret, or None where the vault has none, or names no app beside it."""
        try:
            held = self.held()
        except (StoreError, NotReadable):
            return None
        if held is None or not (held.tags.get(TENANT) and held.tags.get(CLIENT)):
            return None
        secret, pem = (held.value, None) if held.kind == "secret" else (None, held.value)
        return Credential(held.kind, held.tags[TENANT], held.tags[CLIENT], self.name, secret=secret, pem=pem)

    def open(self) -> OpenStore:
        """Prove that the credential can be kept here, without a change to what readers see. Raises StoreError.

        What is there gets the tags that it has; where nothing is, a disabled placeholder is left under the name.
        """
        if self.kind == "federated":
            raise StoreError(
                "PBI115",
                "a key vault keeps secrets and certificates, and a federated credential has neither",
                remedy='Use store = "env-file", which keeps the ids.',
            )
        held = self.held(passing=True)
        if self.kind == "certificate":
            self._prove_certificate()
        else:
            self._prove_secret(held)
        return _OpenKeyVault(self)

    def forget(self, client_id: str) -> None:
        """Delete this app's credential; the vault can recover it for as long as it keeps what was deleted.

        What belongs to another app stays. Raises StoreError where it cannot be deleted.
        """
        secrets, certificates = self.vault.secrets, self.vault.certificates
        try:
            if _only_of(client_id, self.versions("secret")):
                self.vault.found(lambda: secrets.begin_delete_secret(self.secret_name), SECRETS_OFFICER)
            if _only_of(client_id, self._certificate_versions()):
                delete = partial(certificates.begin_delete_certificate, self.certificate_name)
                self.vault.found(delete, CERTIFICATES_OFFICER)
        except VaultError as error:
            raise StoreError(
                "PBI113",
                f"the credential could not be taken out of the {self.name}: {error.message}",
                remedy=f"It opens nothing any more. {error.remedy or 'Delete it yourself, or run again.'}",
                command=error.command,
                evidence=error.evidence,
            ) from None

    # what the open store needs

    def held(self, *, passing: bool = False) -> _Held | None:
        """What counts now. Raises StoreError; NotReadable, where a certificate is there that cannot be read.

        Who may not read certificates sees the secret, and is refused where that is marked as superseded. `passing`: over
        a certificate that cannot be read, because it is about to be replaced.
        """
        denied: VaultError | None = None
        try:
            found = self._certificate()
        except NotReadable:
            if not passing:
                raise
            found = None
        except VaultError as error:
            if error.status != 403 or error.reason in WALLS or self.kind == "certificate":
                raise
            found, denied = None, error
        return found or self._secret(denied)

    def _certificate(self) -> _Held | None:
        vault, name = self.vault, self.certificate_name
        found = vault.found(lambda: vault.certificates.get_certificate(name), *_ROLES["certificate"])
        properties = found.properties if found else None
        if properties is None or not properties.enabled:
            return None
        tags, version = dict(properties.tags or {}), str(properties.version)
        if SUPERSEDED in tags:
            return None
        secret = vault.ask(lambda: vault.secrets.get_secret(name, version), SECRETS_OFFICER)
        pem = _as_pem(str(secret.value or ""), str(secret.properties.content_type or ""))
        return _Held("certificate", version, tags, pem, pair_of_pem(pem).thumbprint)

    def _secret(self, denied: VaultError | None) -> _Held | None:
        vault = self.vault
        try:
            found = vault.found(lambda: vault.secrets.get_secret(self.secret_name), SECRETS_OFFICER)
        except VaultError as error:
            if error.reason == "SecretDisabled":
                return None
            raise
        if found is None or not found.value:
            return None
        tags = dict(found.properties.tags or {})
        if SUPERSEDED in tags:
            if denied is not None:  # a certificate has taken its place, and may not be read
                raise denied
            return None
        return _Held("secret", str(found.properties.version), tags, Secret(found.value))

    def versions(self, kind: Kind) -> list[Any]:
        """The properties of every version that there is of this kind. Raises VaultError."""
        vault = self.vault
        if kind == "secret":
            return vault.ask(
                lambda: list(vault.secrets.list_properties_of_secret_versions(self.secret_name)), SECRETS_OFFICER
            )
        name = self.certificate_name
        return vault.ask(
            lambda: list(vault.certificates.list_properties_of_certificate_versions(name)), CERTIFICATES_OFFICER
        )

    def _certificate_versions(self) -> list[Any]:
        """Nothing where certificates may not be seen, and none was asked for."""
        try:
            return self.versions("certificate")
        except VaultError as error:
            if error.status != 403 or self.kind == "certificate":
                raise
            return []

    def change(self, kind: Kind, version: str | None, **properties: Any) -> None:
        """Change tags, days or `enabled` of a version, the latest where none is named. Raises VaultError."""
        vault = self.vault
        if kind == "secret":
            update: Any = partial(vault.secrets.update_secret_properties, self.secret_name, version, **properties)
        else:
            update = partial(
                vault.certificates.update_certificate_properties, self.certificate_name, version, **properties
            )
        vault.ask(update, *_ROLES[kind])

    def put_secret(self, value: Secret, tags: dict[str, str], expires: datetime | None) -> str:
        """A new version; its id. Raises VaultError."""
        secrets, name = self.vault.secrets, self.secret_name
        kept = self.vault.ask(
            lambda: secrets.set_secret(name, value.reveal(), enabled=True, tags=tags, expires_on=expires),
            SECRETS_OFFICER,
        )
        return str(kept.properties.version)

    def put_certificate(self, pem: Secret, tags: dict[str, str], *, enabled: bool = True) -> str:
        """A new version; its id. Raises VaultError."""
        from azure.keyvault.certificates import CertificateContentType, CertificatePolicy

        policy = CertificatePolicy(issuer_name="Unknown", content_type=CertificateContentType.pem, exportable=True)
        kept = self.vault.ask(
            lambda: self.vault.certificates.import_certificate(
                self.certificate_name, pem.reveal().encode(), enabled=enabled, tags=tags, policy=policy
            ),
            *_ROLES["certificate"],
        )
        assert kept.properties is not None
        return str(kept.properties.version)

    def _prove_secret(self, held: _Held | None) -> None:
        if held is not None:
            # Its own tags once more. Where a certificate counts, that is what will be marked as superseded.
            self.change(held.kind, held.version, tags=held.tags)
        if held is None or held.kind == "certificate":
            self._reserve("secret", self._reserve_secret)

    def _prove_certificate(self) -> None:
        vault, name = self.vault, self.certificate_name
        self._reserve("certificate", self._reserve_certificate)
        try:
            vault.found(lambda: vault.secrets.get_secret(name), SECRETS_OFFICER)
        except VaultError as error:
            if error.reason != "SecretDisabled":  # which only those are told who may read it
                raise

    def _reserve(self, kind: Kind, make: Callable[[], None]) -> None:
        """Prove that a version can be written: on the latest where there is one, else by a disabled first one."""
        latest = self._latest(kind)
        if latest is None:
            try:
                make()
                return
            except VaultError as error:
                if error.reason != "ObjectIsDeletedButRecoverable":
                    raise
            self._recover(kind)
            # What comes back opens nothing any more, and nobody is to find it.
            self.change(kind, None, enabled=False)
        elif latest.enabled:
            self.change(kind, latest.version, tags=dict(latest.tags or {}))
        else:
            self.change(kind, latest.version, enabled=False)

    def _latest(self, kind: Kind) -> Any | None:
        vault = self.vault
        if kind == "certificate":
            found = vault.found(
                lambda: vault.certificates.get_certificate(self.certificate_name), *_ROLES["certificate"]
            )
            return found.properties if found else None
        try:
            held = vault.found(lambda: vault.secrets.get_secret(self.secret_name), SECRETS_OFFICER)
            return held.properties if held else None
        except VaultError as error:
            if error.reason != "SecretDisabled":
                raise
            return _DISABLED

    def _reserve_secret(self) -> None:
        secrets, tags = self.vault.secrets, {RESERVED: "a credential is going to be kept here"}
        self.vault.ask(
            lambda: secrets.set_secret(self.secret_name, "nothing yet", enabled=False, tags=tags), SECRETS_OFFICER
        )

    def _reserve_certificate(self) -> None:
        pair = make_pair("pbisetup placeholder", self._network.now(), timedelta(days=1))
        self.put_certificate(pair.pem, {RESERVED: "a credential is going to be kept here"}, enabled=False)

    def _recover(self, kind: Kind) -> None:
        vault = self.vault
        if kind == "secret":
            vault.ask(lambda: vault.secrets.begin_recover_deleted_secret(self.secret_name).wait(), SECRETS_OFFICER)
        else:
            recover = vault.certificates.begin_recover_deleted_certificate
            vault.ask(lambda: recover(self.certificate_name).wait(), *_ROLES["certificate"])


@dataclass(frozen=True)
class _Disabled:
    """A latest version that may not be read because it is disabled."""

    version: str | None = None
    enabled: bool = False
    tags: dict[str, str] = field(default_factory=dict)


_DISABLED = _Disabled()


class _OpenKeyVault:
    def __init__(self, store: KeyVault) -> None:
        self._store = store

    def keep(self, kept: Kept) -> str:
        store = self._store
        value = _value_of(kept)
        kind: Kind = "secret" if kept.secret is not None else "certificate"
        thumbprint = "" if kind == "secret" else pair_of_pem(value).thumbprint
        for left in reversed(range(1 + store._network.patience.again)):
            try:
                self._place(kept, kind, value, thumbprint)
                break
            except VaultError as error:
                # Nobody answered: it may have been done all the same, and doing it again is harmless.
                if left and error.reason == "Unreachable":
                    continue
                if self._counts(kind, value, thumbprint, kept):
                    break
                self._give_up(kind, value)
                raise StoreError(
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
        before = store.held(passing=True)
        tags = _tags(kept, before.tags if before else {})
        days = _days(kept.note)
        if before and before.kind == kind and (before.thumbprint or before.value) == (thumbprint or value):
            # The same credential with another note; a certificate's days are its own.
            store.change(kind, before.version, tags=tags, **({"expires_on": days} if kind == "secret" and days else {}))
        elif kind == "certificate":
            store.put_certificate(value, tags)
        else:
            store.put_secret(value, tags, days)
            if before and before.kind == "certificate":
                store.change("certificate", before.version, tags={**before.tags, SUPERSEDED: "secret"})

    def _counts(self, kind: Kind, value: Secret, thumbprint: str, kept: Kept) -> bool:
        """Whether it is this credential with this note that counts now."""
        try:
            now = self._store.held(passing=True)
        except StoreError:
            return False
        same = now is not None and (now.thumbprint or now.value) == (thumbprint or value)
        return now is not None and now.kind == kind and same and now.note == kept.note

    def _give_up(self, kind: Kind, value: Secret) -> None:
        """A secret that was put there and does not count: nobody is to find it."""
        store = self._store
        with suppress(StoreError, NotReadable):
            now = store.held(passing=True)
            latest = store._secret(None)
            if kind == "secret" and now and now.kind == "certificate" and latest and latest.value == value:
                store.change("secret", latest.version, enabled=False)

    def _sweep(self, kind: Kind, note: Note) -> None:
        """Disable what is retired: every version but what counts and what still has its time of grace.

        A secret that has it is marked, too, for those who may not see that there is a certificate.
        """
        store, kept = self._store, {old.key_id for old in note.retiring}
        kinds: tuple[Kind, ...] = ("secret", "certificate")
        with suppress(StoreError, NotReadable):
            now = store.held()
            if now is None or now.kind != kind:
                return
            for each in kinds:
                with suppress(StoreError):
                    for version in store.versions(each):
                        if not version.enabled or (each == kind and version.version == now.version):
                            continue
                        tags = dict(version.tags or {})
                        if _key_of(tags) not in kept:
                            store.change(each, version.version, enabled=False)
                        elif each != kind and SUPERSEDED not in tags:
                            store.change(each, version.version, tags={**tags, SUPERSEDED: kind})


def _value_of(kept: Kept) -> Secret:
    """What goes into the vault. Raises StoreError."""
    if kept.secret is not None:
        return kept.secret
    if kept.certificate is not None:
        return kept.certificate
    if kept.file is None:
        raise StoreError("PBI115", "a key vault keeps secrets and certificates, and this credential has neither")
    return _brought(kept.file)


def _brought(path: Path) -> Secret:
    """A certificate that somebody brought: a vault cannot point at a file, so it is imported."""
    password = os.environ.get(PASSWORD)
    try:
        return read_pair(path, Secret(password) if password else None).pem
    except NotReadable as error:
        raise StoreError("PBI113", f"the certificate {path.name} {error}") from None


def _as_pem(value: str, content_type: str) -> Secret:
    """The secret behind a certificate as PEM. Raises NotReadable."""
    if content_type != _PFX:
        return Secret(value)
    import base64

    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, pkcs12

    try:
        key, own, _ = pkcs12.load_key_and_certificates(base64.b64decode(value), None)
        assert key is not None
        assert own is not None
    except (ValueError, TypeError, AssertionError):
        raise NotReadable("holds no certificate with its key") from None
    made = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) + own.public_bytes(Encoding.PEM)
    return Secret(made.decode())


def _note_names() -> list[str]:
    return [NOTE, *(f"{NOTE}-{number}" for number in range(2, MOST_TAGS + 1))]


def _tags(kept: Kept, before: dict[str, str]) -> dict[str, str]:
    """Ids and note; tags that are not ours stay, as many as there is room for. Raises StoreError."""
    text = note_text(kept.note)
    parts = [text[start : start + LONGEST_TAG] for start in range(0, len(text), LONGEST_TAG)]
    names = _note_names()
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


def _key_of(tags: dict[str, str]) -> str:
    return read_note("".join(tags.get(name, "") for name in _note_names())).key_id or ""


def _only_of(client_id: str, versions: list[Any]) -> bool:
    """Whether what is under a name is this app's: one that it holds is, and of what can be read all is."""
    owners = {(version.tags or {}).get(CLIENT, "").lower() for version in versions}
    live = {(version.tags or {}).get(CLIENT, "").lower() for version in versions if version.enabled}
    return client_id.lower() in owners and live <= {client_id.lower()}
