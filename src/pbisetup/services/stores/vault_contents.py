"""What a key vault holds for one environment: which of secret and certificate counts, and how a version is written.

Tags hold the ids of tenant and app and the note. A placeholder is disabled, so that nobody takes it for a credential.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Literal

from pbisetup.model.secret import Secret
from pbisetup.model.tenant import Note
from pbisetup.services.certificate import NotReadable, make_pair, thumbprint_of_pem
from pbisetup.services.stores.notes import read_note
from pbisetup.services.stores.vault_client import (
    CERTIFICATES_OFFICER,
    SECRETS_OFFICER,
    WALLS,
    VaultClient,
    VaultError,
)

Kind = Literal["secret", "certificate"]
NOTE, SUPERSEDED, RESERVED = "pbisetup-note", "pbisetup-superseded", "pbisetup-reserved"
LONGEST_TAG, MOST_TAGS = 256, 15
"""azure-docs about-secrets (512 since 2023; the older limit holds for both)."""
_PFX = "application/x-pkcs12"
RECOVERY_TRIES, RECOVERY_PAUSE = 15, 2.0
_ROLES: dict[Kind, tuple[str, ...]] = {
    "secret": (SECRETS_OFFICER,),
    "certificate": (CERTIFICATES_OFFICER, SECRETS_OFFICER),
}


@dataclass(frozen=True)
class Held:
    """What counts in the vault now."""

    kind: Kind
    version: str
    tags: dict[str, str]
    value: Secret = field(repr=False)
    """The client secret, or the certificate with its key as PEM."""
    thumbprint: str = ""

    @property
    def note(self) -> Note:
        return read_note("".join(self.tags.get(name, "") for name in note_names()))


class VaultContents:
    """The secret and the certificate of one environment in a vault. `wants_certificates`: the caller needs to see them."""

    def __init__(
        self, vault: VaultClient, secret_name: str, now: Callable[[], datetime], *, wants_certificates: bool
    ) -> None:
        self.vault = vault
        self.secret_name = secret_name
        self.certificate_name = f"certificate-{secret_name}"
        self._now = now
        self._wants_certificates = wants_certificates

    def held(self, *, passing: bool = False) -> Held | None:
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
            if error.status != 403 or error.reason in WALLS or self._wants_certificates:
                raise
            found, denied = None, error
        return found or self.secret(denied)

    def _certificate(self) -> Held | None:
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
        return Held("certificate", version, tags, pem, thumbprint_of_pem(pem.reveal()))

    def secret(self, denied: VaultError | None) -> Held | None:
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
        return Held("secret", str(found.properties.version), tags, Secret(found.value))

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

    def certificate_versions(self) -> list[Any]:
        """Nothing where certificates may not be seen, and none was asked for."""
        try:
            return self.versions("certificate")
        except VaultError as error:
            if error.status != 403 or self._wants_certificates:
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

    def put_secret(self, value: Secret, tags: dict[str, str], expires: datetime | None, *, enabled: bool = True) -> str:
        """A new version; its id. Raises VaultError."""
        secrets, name = self.vault.secrets, self.secret_name
        kept = self.vault.once(
            lambda: secrets.set_secret(name, value.reveal(), enabled=enabled, tags=tags, expires_on=expires),
            SECRETS_OFFICER,
        )
        return str(kept.properties.version)

    def put_certificate(self, pem: Secret, tags: dict[str, str], *, enabled: bool = True) -> str:
        """A new version; its id. Raises VaultError."""
        from azure.keyvault.certificates import CertificateContentType, CertificatePolicy

        policy = CertificatePolicy(issuer_name="Unknown", content_type=CertificateContentType.pem, exportable=True)
        kept = self.vault.once(
            lambda: self.vault.certificates.import_certificate(
                self.certificate_name, pem.reveal().encode(), enabled=enabled, tags=tags, policy=policy
            ),
            *_ROLES["certificate"],
        )
        assert kept.properties is not None
        return str(kept.properties.version)

    def prove(self, kind: Kind) -> None:
        """Prove that a version can be written: on the latest where there is one, else by a disabled first one."""
        latest = self._latest(kind)
        if latest is None:
            try:
                # A second placeholder, where the answer to the first was lost, opens nothing either.
                self.vault.ask(partial(self._reserve, kind))
                return
            except VaultError as error:
                if error.reason != "ObjectIsDeletedButRecoverable":
                    raise
            self._recover(kind)
            # What comes back opens nothing any more, and nobody is to find it.
            self.change(kind, None, enabled=False)
        elif latest.enabled:
            self.change(kind, latest.version, enabled=True)
        else:
            self.change(kind, latest.version, enabled=False)

    def prove_readable(self) -> None:
        """Raise VaultError where the secret behind the certificate may not be read."""
        try:
            self.vault.found(lambda: self.vault.secrets.get_secret(self.certificate_name), SECRETS_OFFICER)
        except VaultError as error:
            if error.reason != "SecretDisabled":  # which only those are told who may read it
                raise

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

    def _reserve(self, kind: Kind) -> None:
        tags = {RESERVED: "a credential is going to be kept here"}
        if kind == "secret":
            self.put_secret(Secret("nothing yet"), tags, None, enabled=False)
        else:
            pair = make_pair("pbisetup placeholder", self._now(), timedelta(days=1))
            self.put_certificate(pair.pem, tags, enabled=False)

    def _recover(self, kind: Kind) -> None:
        vault = self.vault
        recover: Callable[[], Any]
        if kind == "secret":
            recover = partial(vault.secrets.begin_recover_deleted_secret, self.secret_name)
        else:
            recover = partial(vault.certificates.begin_recover_deleted_certificate, self.certificate_name)
        vault.ask(recover, *_ROLES[kind])
        # It takes some seconds; the packages' own way to wait does so in a thread that prints what goes wrong.
        for _ in range(RECOVERY_TRIES):
            if self._latest(kind) is not None:
                return
            time.sleep(RECOVERY_PAUSE)


@dataclass(frozen=True)
class _Disabled:
    """A latest version that may not be read because it is disabled."""

    version: str | None = None
    enabled: bool = False
    tags: dict[str, str] = field(default_factory=dict)


_DISABLED = _Disabled()


def _as_pem(value: str, content_type: str) -> Secret:
    """The secret behind a certificate as PEM. Raises NotReadable."""
    if content_type != _PFX:
        if "PRIVATE KEY-----" not in value:
            raise NotReadable("holds no certificate with its key")
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


def note_names() -> list[str]:
    return [NOTE, *(f"{NOTE}-{number}" for number in range(2, MOST_TAGS + 1))]


def key_of(tags: dict[str, str]) -> str:
    return read_note("".join(tags.get(name, "") for name in note_names())).key_id or ""
