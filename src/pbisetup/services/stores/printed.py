"""The store that keeps nothing: the credential goes to standard output, once."""

from __future__ import annotations

import sys
from collections.abc import Callable

from pbisetup.model.errors import StoreError
from pbisetup.model.facts import Fact, Unknown
from pbisetup.model.tenant import StoredCredential
from pbisetup.services.app_sign_in import Credential
from pbisetup.services.stores.store import CERTIFICATE, CLIENT, SECRET, TENANT, Kept, OpenStore

_AGAIN = "It was taken off the app again. Let standard output go somewhere where there is room, and run again."


class PrintOnce:
    """Lines as an env-file has them; of a certificate that was made here, then the PEM."""

    name = "standard output"
    readable = False

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write

    def stored(self) -> Fact[StoredCredential]:
        return Unknown("it was printed, not stored")

    def credential(self) -> Credential | None:
        return None

    def open(self) -> OpenStore:
        if sys.stdout is None or sys.stdout.closed:
            raise StoreError(
                "PBI119",
                "standard output is closed, so the credential would be printed nowhere",
                remedy="No credential was made. Let it go somewhere, or choose another store.",
            )
        return self

    def forget(self, client_id: str) -> None:
        """Nothing was kept."""

    def keep(self, kept: Kept) -> str:
        values = {TENANT: kept.tenant_id, CLIENT: kept.client_id}
        if kept.secret is not None:
            values[SECRET] = kept.secret.reveal()
        if kept.file is not None:
            values[CERTIFICATE] = str(kept.file)
        text = "".join(f"{key}={value}\n" for key, value in values.items())
        pem = kept.certificate.reveal() if kept.certificate is not None else ""
        try:
            self._write(text + pem)
        except (OSError, SystemExit) as error:
            # Whoever writes for people ends silently where nobody reads any more; here something would be lost.
            why = (
                (error.strerror or str(error)) if isinstance(error, OSError) else "nobody reads it, or the disk is full"
            )
            raise StoreError("PBI113", f"the credential could not be printed: {why}", remedy=_AGAIN) from None
        return self.name

    def close(self) -> None:
        """Nothing was reserved."""
