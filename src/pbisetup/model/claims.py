"""A decoded access token, as plain values. Decoding says nothing about whether the token is genuine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(frozen=True)
class Claims:
    """What a token says. Missing claims are empty; `raw` keeps all of them."""

    audience: str
    issuer: str
    tenant_id: str
    client_id: str
    """`appid` of a v1 token, `azp` of a v2 one."""
    object_id: str
    subject: str
    version: str
    roles: frozenset[str] = frozenset()
    scopes: frozenset[str] = frozenset()
    directory_roles: frozenset[str] = frozenset()
    credential: str = ""
    """`appidacr`/`azpacr`: 0 public client, 1 secret, 2 certificate or assertion."""
    issued: datetime | None = None
    expires: datetime | None = None
    account: str = ""
    algorithm: str = ""
    key_id: str = ""
    raw: Mapping[str, Any] = field(default_factory=dict)

    @property
    def app_only(self) -> bool:
        """Whether it was issued to a service principal itself: no scopes, and `idtyp` app or oid = sub (entra.md 7)."""
        if self.scopes:
            return False
        return self.raw.get("idtyp") == "app" or (bool(self.object_id) and self.object_id == self.subject)
