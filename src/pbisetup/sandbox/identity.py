"""What one tenant keeps across a reset: its id, and the secrets that each start makes anew."""

from __future__ import annotations

import hashlib
import secrets
import string
import uuid
from dataclasses import dataclass


@dataclass(frozen=True)
class Identity:
    """What one tenant keeps across a reset, so that what `sandbox env` printed stays true."""

    tenant_id: str
    operator_secret: str
    password: str

    @classmethod
    def new(cls, tenant_id: str | None = None) -> Identity:
        """A fresh operator secret and user password, for a new tenant or a given one."""
        letters = string.ascii_letters + string.digits
        secret = "".join(secrets.choice(letters + "-_.~") for _ in range(40))
        return cls(tenant_id or str(uuid.uuid4()), secret, "".join(secrets.choice(letters) for _ in range(20)))

    def id(self, name: str) -> str:
        """An object id of this tenant: random by the tenant id, the same after each reset."""
        return str(uuid.UUID(bytes=hashlib.sha256(f"{self.tenant_id}/{name}".encode()).digest()[:16], version=4))

    @property
    def operator_id(self) -> str:
        """Client id of the operator application."""
        return self.id("app operator client")
