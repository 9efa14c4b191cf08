"""What one tenant keeps across a reset: its id, and the secrets that each start makes anew."""

from __future__ import annotations

import hashlib
import secrets
import string
import uuid
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Identity:
    """What one tenant keeps across a reset, so that what `sandbox env` printed stays true."""

    tenant_id: str
    operator_secret: str
    password: str
    app_secret: str = ""
    """Of the apps that a scenario brings; like the operator's made anew at each start."""
    number: int = 1
    """Its place among the tenants of one sandbox."""

    @classmethod
    def new(cls, tenant_id: str | None = None) -> Identity:
        """Fresh secrets and a user password, for a new tenant or a given one."""
        letters = string.ascii_letters + string.digits

        def text(alphabet: str, length: int) -> str:
            return "".join(secrets.choice(alphabet) for _ in range(length))

        return cls(
            tenant_id or str(uuid.uuid4()), text(letters + "-_.~", 40), text(letters, 20), text(letters + "_.~", 40)
        )

    def beside(self, number: int, tenant_id: str | None = None) -> Identity:
        """Another tenant of the same sandbox, new or kept. The secrets of this start are all tenants': one set of
        variables serves for each.
        """
        return replace(self, tenant_id=tenant_id or str(uuid.uuid4()), number=number)

    def id(self, name: str) -> str:
        """An object id of this tenant: random by the tenant id, the same after each reset."""
        return str(uuid.UUID(bytes=hashlib.sha256(f"{self.tenant_id}/{name}".encode()).digest()[:16], version=4))

    @property
    def operator_id(self) -> str:
        """Client id of the operator application."""
        return self.id("app operator client")
