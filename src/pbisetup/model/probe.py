"""What the app's own token got: the raw material of a diagnosis, as plain values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pbisetup.model.claims import Claims
from pbisetup.model.errors import Evidence

Signature = Literal["verified", "wrong", "no key", "not checked"]


@dataclass(frozen=True)
class Configured:
    """The credential that was tried, as it is configured; never its value."""

    where: str
    tenant_id: str
    client_id: str
    has_secret: bool
    secret_looks_like_guid: bool = False
    secret_has_odd_ends: bool = False
    """Whether quotes or white space surround it."""


@dataclass(frozen=True)
class TokenAttempt:
    """One try at the token endpoint: claims, or why there are none."""

    claims: Claims | None = None
    opaque: bool = False
    """A token was issued whose claims cannot be read."""
    codes: tuple[int, ...] = ()
    """AADSTS numbers of a refusal."""
    oauth_error: str = ""
    message: str = ""
    failure: str = ""
    """Code of the error where Entra itself gave no answer."""
    evidence: tuple[Evidence, ...] = ()

    @property
    def issued(self) -> bool:
        return self.claims is not None or self.opaque


@dataclass(frozen=True)
class ApiAnswer:
    """What an API said to the app."""

    status: int
    code: str | None
    message: str
    evidence: Evidence

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300


@dataclass(frozen=True)
class WorkspaceSeen:
    """Whether the app can see a workspace that it should."""

    key: str
    visible: bool
    answer: ApiAnswer | None


@dataclass(frozen=True)
class Probe:
    """Everything that was tried as the app."""

    configured: Configured | None
    token: TokenAttempt | None
    signature: Signature
    groups: ApiAnswer | None
    """GET /v1.0/myorg/groups: 200 with an empty list means that the tenant setting admits the app (powerbi.md 6.1)."""
    workspaces: tuple[WorkspaceSeen, ...]
    requests: int
    unreachable: str | None = None
    """Why the API could not be asked."""
    failure: str = ""
    """Code of the error where the API itself gave no answer."""


@dataclass(frozen=True)
class Expected:
    """What the token should say; None where it is not known from here."""

    tenant_id: str | None
    client_id: str | None
    sp_object_id: str | None
    audiences: tuple[str, ...]
    issuers: tuple[str, ...]
    portal: str
    """Origin of the cloud's Fabric portal, for links in remedies."""
    sign_in: Literal["app", "user"] = "app"
    scopes: frozenset[str] = frozenset()
