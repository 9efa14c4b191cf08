"""What every store of credentials does, whatever keeps them.

A store is opened and proved writable before a credential is made, so that a full disk, a read-only folder, a file that git
tracks or a vault that may not be written to is found while there is nothing to lose.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from pbisetup.model.errors import StoreError
from pbisetup.model.facts import Fact
from pbisetup.model.secret import Secret
from pbisetup.model.tenant import Note, StoredCredential
from pbisetup.services.app_sign_in import Credential

TENANT, CLIENT = "AZURE_TENANT_ID", "AZURE_CLIENT_ID"
SECRET, CERTIFICATE, PASSWORD = (
    "AZURE_CLIENT_SECRET",
    "AZURE_CLIENT_CERTIFICATE_PATH",
    "AZURE_CLIENT_CERTIFICATE_PASSWORD",
)
"""The names by which azure-identity's EnvironmentCredential knows them."""


@dataclass(frozen=True)
class Kept:
    """A credential on its way into a store. At most one of `secret`, `certificate` and `file` is set."""

    tenant_id: str
    client_id: str
    note: Note
    secret: Secret | None = None
    """A client secret."""
    certificate: Secret | None = None
    """A certificate that was made here: its private key and itself, as PEM."""
    file: Path | None = None
    """A certificate that was brought: it stays where it is, where the store can say that."""
    password: Secret | None = None
    """Of that file; never kept: its owner gives it anew."""

    @property
    def kind(self) -> Literal["secret", "certificate", "federated"]:
        if self.secret is not None:
            return "secret"
        return "certificate" if self.certificate or self.file else "federated"


class Unclear(StoreError):
    """Whether the store took the credential is not known: its last answer never came.

    Both the one before and the new one stay in the directory then, because either may be what is held. `stored()` tells when
    it answers again; where the value cannot be read it names no key id, and the next run makes another one.
    """


class OpenStore(Protocol):
    """A store that was proved writable and waits for a credential."""

    def keep(self, kept: Kept) -> str:
        """Put it in the place of what was there, all at once, and say where.

        Raises StoreError; then what was there before is there still, and nothing of the new one is anywhere. Raises Unclear,
        which is one, where that cannot be known.
        """
        ...

    def close(self) -> None:
        """Give up what was reserved, if nothing was kept."""
        ...


class Store(Protocol):
    """Where the credential of one environment is kept."""

    @property
    def name(self) -> str:
        """What a person calls it: `.env.dev`, `standard output`, `key vault NAME`."""
        ...

    @property
    def readable(self) -> bool:
        """Whether the credential can be taken out again: not what was printed, or is a secret of a pipeline's."""
        ...

    def stored(self) -> Fact[StoredCredential]:
        """What it holds, without the secret. Raises nothing: what cannot be read is unknown, with the reason."""
        ...

    def credential(self) -> Credential | None:
        """What to sign in to the app with; None where nothing whole is held or it cannot be taken out. Raises nothing."""
        ...

    def open(self) -> OpenStore:
        """Prove that a credential can be kept here. Raises StoreError with the reason; nothing was made yet."""
        ...

    def forget(self, client_id: str) -> None:
        """Take the credential of this app out, if it is here. Raises StoreError where that cannot be done."""
        ...
