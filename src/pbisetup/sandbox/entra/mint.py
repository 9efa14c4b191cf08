"""Tokens: access tokens and id tokens as RS256 JWTs, refresh tokens as opaque strings that this tenant can
verify.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from pbisetup.catalog.clouds import clouds
from pbisetup.sandbox.entra.authority import Client, instant, visible
from pbisetup.sandbox.entra.causes import Refused
from pbisetup.sandbox.entra.resources import GRAPH, audience
from pbisetup.sandbox.wire import World

Object = dict[str, Any]

PLAIN_SERVICE_PRINCIPAL = "0997a1d0-0d1d-4acb-b408-d5ca73121e90"
"""`wids` of app-only tokens often hold this; it is no directory role (powerbi.md 5, recorded)."""
REFRESH_TOKEN_LIFE = timedelta(days=90)


@dataclass(frozen=True)
class Target:
    """What a token is for."""

    resource: Object
    """The service principal of the resource."""
    asked: str
    """The resource as the client named it."""
    cae: bool
    """Whether the client declared that it can handle claims challenges (`xms_cc`: CP1)."""


def access_token(world: World, client: Client, target: Target, specific: Object) -> tuple[str, int]:
    """An access token and its life in seconds.

    `specific` holds what tells an app's token from a user's (`app_claims`, `user_claims`). The resource
    decides the version, not the endpoint (entra.md 6.3).
    """
    # Life is random between 60 and 90 minutes; a client that declared CP1 gets 20 to 28 hours where the
    # resource evaluates continuously, which for apps is Graph only (entra.md 4.3, 7).
    resource = target.resource
    long_lived = target.cae and str(resource["appId"]).lower() == GRAPH
    life = 72_000 + secrets.randbelow(28_800) if long_lived else 3_600 + secrets.randbelow(1_800)
    now = int(world.now().timestamp())
    claims: Object = {
        "iat": now - 300,
        "nbf": now - 300,  # five minutes back (entra.md 7)
        "exp": now + life,
        "aio": _opaque(48),
        "rh": "1." + _opaque(24),
        "tid": world.tenant.id,
        "uti": _opaque(16),
        **({"xms_cc": ["CP1"]} if long_lived else {}),
    }
    registration = world.tenant.applications.by("appId", str(resource["appId"])) or {}
    if (registration.get("api") or {}).get("requestedAccessTokenVersion") == 2:
        claims |= {
            "aud": resource["appId"],
            "iss": issuer_v2(world),
            "azp": client.app_id,
            "azpacr": client.acr,
            "ver": "2.0",
            **{k: v for k, v in specific.items() if k not in ("idtyp", "wids", "upn", "unique_name")},
        }
        if "upn" in specific:
            claims["preferred_username"] = specific["upn"]
    else:
        issuer = clouds()["public"].token_issuer.format(tenant=world.tenant.id)
        claims |= {
            "aud": audience(resource, target.asked),
            "iss": issuer,
            "appid": client.app_id,
            "appidacr": client.acr,
            "app_displayname": client.name,
            "tenant_region_scope": "EU",
            "ver": "1.0",
            **specific,
        }
        if specific.get("idtyp") == "app":
            claims["idp"] = issuer
    return _sign(world, claims), life


def app_claims(world: World, principal: Object, resource: Object) -> Object:
    """Claims of an app-only token. `roles` is absent, not empty, where nothing is granted (entra.md 7)."""
    names = {str(role["id"]).lower(): role["value"] for role in resource.get("appRoles") or ()}
    roles = [
        names[str(grant.get("appRoleId")).lower()]
        for grant in world.tenant.appRoleAssignments.where(principalId=principal["id"], resourceId=resource["id"])
        if str(grant.get("appRoleId")).lower() in names and visible(world, grant)
    ]
    return {
        "idtyp": "app",
        "oid": principal["id"],
        "sub": principal["id"],
        **({"roles": sorted(roles)} if roles else {}),
        "wids": [PLAIN_SERVICE_PRINCIPAL],
    }


def user_claims(client: Client, user: Object, scopes: list[str]) -> Object:
    """Claims of a delegated token."""
    name = user["userPrincipalName"]
    return {
        "idtyp": "user",
        "acr": "1",
        "amr": ["pwd"],
        "name": user.get("displayName", name),
        "oid": user["id"],
        "scp": " ".join(scopes),
        "sub": pairwise(user["id"], client.app_id),
        "unique_name": name,
        "upn": name,
        "wids": list(user.get("directoryRoles") or ()),
    }


def id_token(world: World, client: Client, user: Object, nonce: str | None) -> str:
    """An id token; a nonce must come back unchanged, or msal-node refuses it (clients.md 2)."""
    now = int(world.now().timestamp())
    claims = {
        "aud": client.app_id,
        "iss": issuer_v2(world),
        "iat": now - 300,
        "nbf": now - 300,
        "exp": now + 3600,
        "name": user.get("displayName"),
        "oid": user["id"],
        "preferred_username": user["userPrincipalName"],
        "rh": "1." + _opaque(24),
        "sub": pairwise(user["id"], client.app_id),
        "tid": world.tenant.id,
        "uti": _opaque(16),
        "ver": "2.0",
    }
    return _sign(world, claims | ({"nonce": nonce} if nonce else {}))


def client_info(world: World, user: Object) -> str:
    """What MSAL keys its account cache with."""
    return _b64(json.dumps({"uid": user["id"], "utid": world.tenant.id}).encode())


def pairwise(user_id: str, app_id: str) -> str:
    """`sub` of a user: another one for each client."""
    return _b64(hashlib.sha256(f"{user_id}/{app_id}".lower().encode()).digest())


def issuer_v2(world: World) -> str:
    """`iss` of v2 tokens: the real cloud's, wherever this server listens."""
    return f"{clouds()['public'].login}/{world.tenant.id}/v2.0"


def refresh_token(world: World, client: Client, user: Object) -> str:
    """A refresh token: its content with a MAC by the tenant's key, so that it outlives this process."""
    content = {
        "app": client.app_id,
        "user": user["id"],
        "tid": world.tenant.id,
        "issued": world.now().isoformat(),
    }
    payload = _b64(json.dumps(content).encode())
    return f"1.{payload}.{_mac(world, payload)}"


def read_refresh_token(world: World, token: str) -> Object:
    """The content of a refresh token (`app`, `user`). Raises Refused where it is not ours, or is too old."""
    version, _, rest = token.partition(".")
    payload, _, mac = rest.partition(".")
    if version != "1" or not hmac.compare_digest(mac.encode(), _mac(world, payload).encode()):
        raise Refused("refresh_token_invalid")
    content: Object = json.loads(base64.urlsafe_b64decode(payload + "=="))
    if content["tid"] != world.tenant.id:
        raise Refused("refresh_token_invalid")
    if world.now() - instant(content["issued"]) > REFRESH_TOKEN_LIFE:
        raise Refused("refresh_token_expired", issued=content["issued"])
    return content


def _mac(world: World, payload: str) -> str:
    secret = hashlib.sha256(b"refresh" + world.keys.to_pem().encode()).digest()
    return _b64(hmac.new(secret, payload.encode(), hashlib.sha256).digest())


def _sign(world: World, claims: Object) -> str:
    import jwt

    kid = world.keys.kid
    return jwt.encode(claims, world.keys.private_key, algorithm="RS256", headers={"kid": kid, "x5t": kid, "typ": "JWT"})


def _opaque(size: int) -> str:
    return _b64(secrets.token_bytes(size))


def _b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
