"""Tokens: access tokens and id tokens as RS256 JWTs, refresh tokens as opaque strings that this tenant can
verify.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from pbisetup.sandbox import base64url
from pbisetup.sandbox.entra.authority import Client, instant, visible
from pbisetup.sandbox.entra.federation import stamp
from pbisetup.sandbox.entra.refusal import Refused
from pbisetup.sandbox.entra.resources import GRAPH, audience
from pbisetup.sandbox.home import INSTANCES, home
from pbisetup.sandbox.wire import World

Object = dict[str, Any]

PLAIN_SERVICE_PRINCIPAL = "0997a1d0-0d1d-4acb-b408-d5ca73121e90"
"""`wids` of app-only tokens often hold this; it is no directory role (powerbi.md 5, recorded)."""
PLAIN_MEMBER = "b79fbf4d-3ef9-4689-8143-76b194e85509"
"""What `wids` of a user's token ends in, beside the roles (many published tokens)."""
REFRESH_TOKEN_LIFE = timedelta(days=90)
SPA_TOKEN_LIFE = timedelta(hours=24)
MOST_GROUPS = 200
"""Of the groups claim in a JWT; more are left for Graph to tell (entra.md 7; entra-docs, directory-service-limits)."""


@dataclass(frozen=True)
class Target:
    """What a token is for."""

    resource: Object
    """The service principal of the resource."""
    asked: str
    """The resource as the client named it."""
    cae: bool
    """Whether the client declared that it can handle claims challenges (`xms_cc`: CP1)."""
    uti: str = ""
    """The token's own id, which the sign-in log repeats; empty: a new one."""
    life: int | None = None
    """Seconds, where who asks for it sets its life."""
    newer_than: int = 0
    """The moment that a claims challenge set (`nbf`): the token counts as issued then at the earliest."""


def access_token(world: World, client: Client, target: Target, specific: Object) -> tuple[str, int]:
    """An access token and its life in seconds.

    `specific` holds what tells an app's token from a user's (`app_claims`, `user_claims`). The resource
    decides the version, not the endpoint (entra.md 6.3).
    """
    # Life is random between 60 and 90 minutes; a client that declared CP1 gets 20 to 28 hours where the
    # resource evaluates continuously, which for apps is Graph only (entra.md 4.3, 7).
    resource = target.resource
    long_lived = target.cae and str(resource["appId"]).lower() == GRAPH
    life = target.life or (72_000 + secrets.randbelow(28_800) if long_lived else 3_600 + secrets.randbelow(1_800))
    now = int(world.now().timestamp())
    begin = max(now - 300, min(target.newer_than, now))  # five minutes back (entra.md 7)
    claims: Object = {
        "iat": begin,
        "nbf": begin,
        "exp": now + life,
        "aio": _opaque(48),
        "rh": "1." + _opaque(24),
        "tid": world.tenant.id,
        "uti": target.uti or new_id(),
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
            "xms_ftd": _opaque(48),
            **{k: v for k, v in specific.items() if k not in _only_v1(registration)},
        }
        if "upn" in specific:
            claims["preferred_username"] = specific["upn"]
    else:
        issuer = home(world.tenant).token_issuer.format(tenant=world.tenant.id)
        claims |= {
            "aud": audience(world, resource, target.asked),
            "iss": issuer,
            "appid": client.app_id,
            "appidacr": client.acr,
            "app_displayname": client.name,
            "tenant_region_scope": INSTANCES[home(world.tenant).name].region,
            "ver": "1.0",
            **specific,
        }
        if specific.get("idtyp") == "app":
            claims["idp"] = issuer
    return _sign(world, claims), life


def _only_v1(registration: Object) -> set[str]:
    """Claims that a v2 token lacks unless the API asks for them (`optionalClaims`)."""
    optional = (registration.get("optionalClaims") or {}).get("accessToken") or ()
    more = {"given_name", "family_name", "ipaddr", "puid"}
    return {"idtyp", "wids", "upn", "unique_name", *more} - {str(each.get("name")) for each in optional}


def app_claims(world: World, principal: Object, resource: Object) -> Object:
    """Claims of an app-only token. `roles` is absent, not empty, where nothing is granted (entra.md 7)."""
    # A role without a value can be assigned, and is in no token (Graph: appRole.value).
    names = {str(role["id"]).lower(): role["value"] for role in resource.get("appRoles") or () if role.get("value")}
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
        **({"xms_mirid": arm_id(principal)} if arm_id(principal) else {}),
    }


def arm_id(principal: Object) -> str | None:
    """Where a managed identity lives in Azure, which its service principal names among its alternative names."""
    if principal.get("servicePrincipalType") != "ManagedIdentity":
        return None
    return next((str(each) for each in principal.get("alternativeNames") or () if str(each).startswith("/")), None)


def membership_claims(world: World, principal: Object, resource: Object) -> Object:
    """`groups`, and a user's app roles, as the API's registration asks for them (entra.md 7)."""
    registration = world.tenant.applications.by("appId", str(resource["appId"])) or {}
    asked = {each.strip() for each in str(registration.get("groupMembershipClaims") or "").split(",")}
    groups = world.tenant.groups_of(str(principal["id"]), transitive=True)
    claims: Object = {}
    wanted: list[Object] = []
    if asked & {"All", "SecurityGroup"}:
        wanted = [each for each in groups if "All" in asked or each.get("securityEnabled") is not False]
    elif "ApplicationGroup" in asked:
        assigned = {str(each.get("principalId")) for each in _assignments(world, resource)}
        wanted = [each for each in world.tenant.groups_of(str(principal["id"])) if each["id"] in assigned]
    if len(wanted) > MOST_GROUPS:
        address = f"https://graph.windows.net/{world.tenant.id}/users/{principal['id']}/getMemberObjects"
        claims |= {"_claim_names": {"groups": "src1"}, "_claim_sources": {"src1": {"endpoint": address}}}
    elif wanted:
        claims["groups"] = [each["id"] for each in wanted]
    return claims


def user_roles(world: World, user: Object, resource: Object) -> Object:
    """App roles of an API that a user holds, directly or through a group."""
    names = {str(role["id"]).lower(): role.get("value") for role in resource.get("appRoles") or ()}
    holders = {str(user["id"]), *(str(each["id"]) for each in world.tenant.groups_of(str(user["id"])))}
    held = {
        names.get(str(each.get("appRoleId")).lower())
        for each in _assignments(world, resource)
        if str(each.get("principalId")) in holders and visible(world, each)
    }
    found = sorted(str(each) for each in held if each)
    return {"roles": found} if found else {}


def _assignments(world: World, resource: Object) -> list[Object]:
    return world.tenant.appRoleAssignments.where(resourceId=resource["id"])


def user_claims(world: World, user: Object, resource: Object, scopes: list[str], *, mfa: bool = False) -> Object:
    """Claims of a delegated token. `mfa`: whether the user passed a second factor."""
    member = [] if user.get("userType") == "Guest" else [PLAIN_MEMBER]  # guess: that a guest has not
    address = world.tenant.section("network").get("ipAddress")
    names = {"given_name": user.get("givenName"), "family_name": user.get("surname"), "ipaddr": address}
    name = user["userPrincipalName"]
    return {
        "idtyp": "user",
        "acr": "1",
        "amr": ["pwd", "mfa"] if mfa else ["pwd"],
        "name": user.get("displayName", name),
        "oid": user["id"],
        "scp": " ".join(scopes),
        # guess: how it is made
        "puid": "1003" + hashlib.sha256(str(user["id"]).encode()).hexdigest()[:12].upper(),
        "sub": pairwise(user["id"], str(resource["appId"])),
        "unique_name": name,
        "upn": name,
        "wids": [*(user.get("directoryRoles") or ()), *member],
        **{each: value for each, value in names.items() if value},
    }


def id_token(world: World, client: Client, user: Object, nonce: str | None, **hashes: str) -> str:
    """An id token; `hashes` are `c_hash` and `at_hash` where it comes through the browser. A nonce must come back
    unchanged, or msal-node refuses it (clients.md 2).
    """
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
    return _sign(world, claims | ({"nonce": nonce} if nonce else {}) | hashes)


def client_info(world: World, user: Object) -> str:
    """What MSAL keys its account cache with."""
    return base64url.encode(json.dumps({"uid": user["id"], "utid": world.tenant.id}).encode())


def pairwise(user_id: str, app_id: str) -> str:
    """`sub` of a user: another one for each app that is to read the token, the client of an id token and the API of an
    access token.
    """
    # Source: Microsoft Q&A 2129876 (2024-12): pairwise by recipient, tenant and user. guess: an API is the recipient.
    return base64url.encode(hashlib.sha256(f"{user_id}/{app_id}".lower().encode()).digest())


def issuer_v2(world: World) -> str:
    """`iss` of v2 tokens: the real cloud's, wherever this server listens."""
    return f"{home(world.tenant).login}/{world.tenant.id}/v2.0"


def new_id() -> str:
    """The id of a token."""
    return _opaque(16)


@dataclass(frozen=True)
class Grant:
    """What a refresh token stands for."""

    app: str
    user: str
    scope: str = ""
    """What the first sign-in asked for."""
    mfa: bool = False
    spa: bool = False
    signed_in: str = ""
    """When the user signed in; a token for a page in a browser lives from then."""


def refresh_token(world: World, grant: Grant) -> str:
    """A refresh token: its content with a MAC by the tenant's key, so that it outlives this process."""
    now = world.now().isoformat()
    content = {**asdict(grant), "signed_in": grant.signed_in or now, "tid": world.tenant.id, "issued": now}
    payload = base64url.encode(json.dumps(content).encode())
    return f"1.{payload}.{_mac(world, payload)}"


def read_refresh_token(world: World, client: Client, token: str) -> tuple[Grant, datetime]:
    """What a refresh token stands for, and when it was issued. Raises Refused where it is not ours, or is too old.

    It is its user's rather than a tenant's (entra-docs, refresh-tokens): one that another tenant issued is read, and its
    user is not known here.
    """
    version, _, rest = token.partition(".")
    payload, _, mac = rest.partition(".")
    if version != "1" or not hmac.compare_digest(mac.encode(), _mac(world, payload).encode()):
        raise Refused("refresh_token_invalid")
    content: Object = json.loads(base64url.decode(payload))
    home_id = content.pop("tid")
    if home_id != world.tenant.id:
        tenant = world.tenant.section("tenant")["displayName"]
        raise Refused("user_of_another_tenant", home=home_id, tenant=tenant, app=client.app_id, name=client.name)
    issued = instant(content.pop("issued"))
    grant = Grant(**content)
    if grant.spa and world.now() - instant(grant.signed_in) > SPA_TOKEN_LIFE:
        raise Refused("spa_token_expired", issued=stamp(instant(grant.signed_in).timestamp()))
    if world.now() - issued > REFRESH_TOKEN_LIFE:
        raise Refused("refresh_token_expired", issued=stamp(issued.timestamp()))
    return grant, issued


def _mac(world: World, payload: str) -> str:
    secret = hashlib.sha256(b"refresh" + world.keys.secret()).digest()
    return base64url.encode(hmac.new(secret, payload.encode(), hashlib.sha256).digest())


def _sign(world: World, claims: Object) -> str:
    import jwt

    kid = world.keys.kid
    # Tokens of version 2.0 name the key once (source: live fixture token-claims-client-credentials of entra-emulator).
    thumbprint = {} if claims.get("ver") == "2.0" else {"x5t": kid}
    headers = {"kid": kid, **thumbprint, "typ": "JWT"}
    return jwt.encode(claims, world.keys.private_key, algorithm="RS256", headers=headers)


def _opaque(size: int) -> str:
    return base64url.encode(secrets.token_bytes(size))
