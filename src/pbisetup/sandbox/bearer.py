"""Who calls: the bearer token of a request, verified with the tenant's own key."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from pbisetup.sandbox.wire import Call, World

Fault = Literal["missing", "malformed", "signature", "expired", "not_yet_valid", "foreign_tenant"]


class BadToken(Exception):
    """The request carries no token that this tenant can accept; each service answers it in its own way."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault)
        self.fault: Fault = fault


@dataclass(frozen=True)
class Caller:
    """An authenticated caller, as its token says."""

    kind: Literal["user", "app"]
    object_id: str
    """Object id of the user or of the service principal."""
    client_id: str
    audience: str
    """`aud` as it stands in the token, without a trailing slash."""
    roles: frozenset[str]
    """Application permissions in the token."""
    scopes: frozenset[str]
    """Delegated permissions in the token; empty for an app."""
    claims: dict[str, Any]


def read_bearer(world: World, call: Call) -> Caller:
    """The caller of a request. Raises BadToken; checks signature, life and tenant, not the audience."""
    import jwt

    scheme, _, token = call.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise BadToken("missing")
    try:
        claims = jwt.decode(
            token.strip(),
            world.keys.public_key,
            algorithms=["RS256"],
            # Life is judged against the tenant's clock below, audience by each service.
            options={"verify_aud": False, "verify_exp": False, "verify_nbf": False, "verify_iat": False},
        )
    except jwt.InvalidSignatureError:
        raise BadToken("signature") from None
    except (jwt.PyJWTError, ValueError):
        raise BadToken("malformed") from None
    now = world.now().timestamp()
    if claims.get("exp", 0) <= now:
        raise BadToken("expired")
    if claims.get("nbf", 0) > now + 300:
        raise BadToken("not_yet_valid")
    if claims.get("tid") != world.tenant.id:
        raise BadToken("foreign_tenant")
    scopes = frozenset(str(claims.get("scp", "")).split())
    return Caller(
        kind="user" if "scp" in claims else "app",
        object_id=str(claims.get("oid", "")),
        client_id=str(claims.get("appid") or claims.get("azp") or ""),
        audience=str(claims.get("aud", "")).rstrip("/"),
        roles=frozenset(claims.get("roles", ())),
        scopes=scopes,
        claims=claims,
    )
