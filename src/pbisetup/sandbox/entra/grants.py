"""The grants of the token endpoint, one function each, from a checked request to the answer's fields."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import Any

from pbisetup.sandbox.entra import codes, device, mint, on_behalf, policy
from pbisetup.sandbox.entra.authority import (
    Client,
    check_audience,
    find_client,
    find_user,
    instant,
    require_service_principal,
)
from pbisetup.sandbox.entra.consent import delegated_scopes
from pbisetup.sandbox.entra.credential import authenticate
from pbisetup.sandbox.entra.federation import stamp
from pbisetup.sandbox.entra.refusal import Refused
from pbisetup.sandbox.entra.reply import find as find_reply
from pbisetup.sandbox.entra.resources import (
    GRAPH,
    GRAPH_AUDIENCE,
    OIDC_SCOPES,
    Asked,
    find_resource,
    normal,
    parse_scope,
)
from pbisetup.sandbox.entra.sign_ins import Attempt
from pbisetup.sandbox.wire import World

Object = dict[str, Any]


@dataclass(frozen=True)
class Request:
    """A token request with what both endpoints have in common."""

    form: dict[str, str]
    own_tenant: bool
    """False when it came to `common` or `organizations`."""
    v1: bool
    authority: str = ""
    """The tenant as the path names it."""
    origin: str | None = None
    """Where a page in a browser asks from (`Origin`), None for everybody else."""
    attempt: Attempt = field(default_factory=Attempt)
    """Filled in on the way, for the sign-in log."""

    def need(self, name: str) -> str:
        """A form field that must be there. Raises Refused."""
        value = self.form.get(name, "")
        if not value.strip():
            raise Refused("parameter_missing", name=name)
        return value

    def asked(self, fallback: str | None = None) -> Asked:
        """What the token is for: `resource` on v1, `scope` on v2. Raises Refused."""
        if self.v1:
            resource = self.form.get("resource") or fallback or self.need("resource")
            if resource.endswith("/.default"):
                resource = resource.removesuffix("/.default")
            return Asked(resource, (".default",), frozenset({"openid", "offline_access", "profile"}), resource)
        return parse_scope(self.form.get("scope") or fallback or self.need("scope"))

    @property
    def wishes(self) -> Wishes:
        """What `claims` asks of the access token; what nobody here can fulfil is left out. Raises Refused."""
        try:
            claims = json.loads(self.form.get("claims") or "{}")
        except (ValueError, RecursionError):
            raise Refused("claims_malformed") from None
        wanted = claims.get("access_token") if isinstance(claims, dict) else None
        if not isinstance(wanted, dict):
            return Wishes()
        clients = wanted.get("xms_cc")
        values = clients.get("values") if isinstance(clients, dict) else None
        nbf = wanted.get("nbf")
        moment = str(nbf.get("value", "")) if isinstance(nbf, dict) else ""
        return Wishes(
            isinstance(values, list) and any(str(each).upper() == "CP1" for each in values),
            int(moment) if moment.isascii() and moment.isdigit() and len(moment) < 12 else 0,
        )


@dataclass(frozen=True)
class Wishes:
    """What a client asks for by the `claims` parameter."""

    cae: bool = False
    """It declared that it can handle claims challenges (`xms_cc`: CP1)."""
    newer_than: int = 0
    """The `nbf` of a challenge: an older token will not do."""


@dataclass(frozen=True)
class SignedIn:
    """A user with how the sign-in went."""

    user: Object
    flow: str
    mfa: bool = False
    spa: bool = False
    since: str = ""
    """When the user signed in, where that was before this request."""
    nonce: str | None = None


def client_credentials(world: World, request: Request) -> Object:
    """A token for the app itself.

    guess: the order in which the real service checks; client, then credential, then service principal, then
    resource.
    """
    app_id = request.need("client_id")
    if not request.own_tenant:
        # powerbi.md 6.3: `common` is answered in the name of the directory "Microsoft Services".
        client = find_client(world, app_id, directory="Microsoft Services")
        if (client.application or {}).get("signInAudience", "AzureADMyOrg") == "AzureADMyOrg":
            raise Refused("client_unknown", app=app_id, directory="Microsoft Services")
        raise Refused("tenant_not_inferred")
    asked = request.asked()
    client = _client(world, request, app_id)
    proven = authenticate(world, client, request.form)
    if proven is None:
        raise Refused("credential_missing_app_only")
    request.attempt.client = proven
    principal = require_service_principal(world, proven)
    if asked.scopes != (".default",):
        raise Refused("scope_not_default", scope=asked.text)
    resource = find_resource(world, asked.resource)
    request.attempt.resource = resource
    return app_answer(world, request, proven, principal, asked, resource)


def app_answer(
    world: World, request: Request, client: Client, principal: Object, asked: Asked, resource: Object
) -> Object:
    """The fields of an app-only token's answer. Raises Refused where the tenant's policies object."""
    attempt = request.attempt
    specific = mint.app_claims(world, principal, resource)
    policy.check_app_assignment(client, resource, specific.get("roles", []))
    policy.check_app(world, client, principal, resource)
    specific |= mint.membership_claims(world, principal, resource)
    attempt.uti = mint.new_id()
    wishes = request.wishes
    target = mint.Target(resource, asked.resource, wishes.cae, attempt.uti, newer_than=wishes.newer_than)
    token, life = mint.access_token(world, client, target, specific)
    return {
        "token_type": "Bearer",
        "expires_in": life - 1,
        "ext_expires_in": life - 1,
        "access_token": token,
        **({"resource": asked.resource} if request.v1 else {}),
    }


def authorization_code(world: World, request: Request) -> Object:
    """The tokens of a code that the authorize endpoint sent to the client."""
    client = _client(world, request, request.need("client_id"))
    request.need("code")
    platform = _platform(client, request.form.get("redirect_uri", ""))
    sent = request.form.get("client_secret") or request.form.get("client_assertion")
    if sent and platform in ("spa", "publicClient"):
        raise Refused("public_client_with_credential")
    client = authenticate(world, client, request.form) or client
    if client.proof is None and platform == "web":
        raise Refused("credential_missing")
    request.attempt.client = client
    if not client.first_party:
        require_service_principal(world, client)
    _check_origin(request, spa=platform == "spa")
    redeemed = codes.redeem(world, client, request.form)
    if platform is None and client.proof is None and not client.is_public:
        raise Refused("credential_missing")  # the address was taken from the app meanwhile
    signed_in = SignedIn(redeemed.user, "authorization_code", redeemed.mfa, redeemed.spa, nonce=redeemed.nonce or None)
    return _for_user(world, request, client, signed_in, _of_code(request, redeemed.scope))


def _platform(client: Client, address: str) -> str | None:
    """The kind of reply address a code went to; None for one that is not registered, which redeeming will refuse."""
    try:
        return find_reply(client, address).platform
    except Refused:
        return None


def _of_code(request: Request, first: str) -> Asked:
    """What a code is redeemed for: what is named now, else the first API of what was agreed to."""
    if request.v1:
        return request.asked(first or GRAPH_AUDIENCE)
    words = first.split()
    oidc = frozenset(word for word in words if word.lower() in OIDC_SCOPES)
    text = request.form.get("scope", "")
    if not text.strip():
        apis = [word for word in words if word not in oidc]
        same = [word for word in apis if _api(word) == _api(apis[0])]
        text = " ".join([*same, *sorted(oidc)])
    asked = parse_scope(text)
    return replace(asked, oidc=asked.oidc | oidc)


def _api(word: str) -> str:
    resource, slash, _ = word.rpartition("/")
    return normal(resource) if slash else normal(GRAPH_AUDIENCE)


def device_code(world: World, request: Request) -> Object:
    """The tokens of a device code whose user has signed in."""
    client = _user_client(world, request)
    # Python sends both spellings, older clients only `code` (clients.md 2).
    code = request.form.get("device_code") or request.form.get("code") or request.need("device_code")
    pending = device.redeem(world, client.app_id, code)
    user = world.tenant.users.get(str(pending["user"]))
    if user is None:
        raise Refused("device_code_unknown")
    # Whoever approves without a page (control, `auto_approve`) stands for a user who passes what they can.
    able = user.get("_mfa") != "denied" and user.get("_mfaRegistered") is not False
    signed_in = SignedIn(user, "device_code", bool(pending.get("mfa")) or (able and _mfa_matters(world)))
    answer = _for_user(world, request, client, signed_in, request.asked(fallback=str(pending["scope"])))
    device.forget(world, code)
    return answer


def _mfa_matters(world: World) -> bool:
    return bool(len(world.tenant.conditionalAccessPolicies)) or policy.security_defaults(world)


def refresh_token(world: World, request: Request) -> Object:
    """New tokens for a user who signed in before; a token of Azure CLI's family serves any of its members."""
    client = _user_client(world, request, for_refresh=True)
    grant, issued = mint.read_refresh_token(world, client, request.need("refresh_token"))
    same = grant.app.lower() == client.app_id.lower()
    family = client.first_party and find_client(world, grant.app).first_party
    user = world.tenant.users.get(grant.user)
    if user is None or not (same or family):
        raise Refused("refresh_token_invalid")
    request.attempt.user = user
    _check_origin(request, spa=grant.spa)
    for name in ("signInSessionsValidFromDateTime", "lastPasswordChangeDateTime"):
        # Graph writes whole seconds: a token of the same second is older only where the seconds differ.
        if user.get(name) and instant(str(user[name])) > issued:
            raise Refused("grant_revoked", issued=stamp(issued.timestamp()), valid_from=user[name])
    signed_in = SignedIn(user, "refresh_token", grant.mfa, grant.spa, since=grant.signed_in)
    return _for_user(world, request, client, signed_in, request.asked(fallback=grant.scope or None))


def password(world: World, request: Request) -> Object:
    """Tokens for a user name and password (ROPC), as `az login -u -p` asks for them."""
    from pbisetup.sandbox.entra.signin import check_password

    # `consumers` was refused before, whatever the app (token.py). The v1 endpoint takes the grant on `common` (source:
    # nordvall/TokenClient#1, azure-docs#16902, msal4j#382: what worked there failed after the move to v2).
    if request.authority.lower() == "common" and not request.v1:
        raise Refused("password_grant_on_common")
    client = _user_client(world, request)
    name = request.need("username")
    user = find_user(world, name) if "@" in name else None
    if user is None:
        raise Refused("user_unknown", user=name, tenant=world.tenant.id)
    request.attempt.user = user
    given = request.need("password")
    if not user.get("_passwordHash"):
        raise Refused("password_none")
    check_password(world, user, given)
    return _for_user(world, request, client, SignedIn(user, "password"), request.asked())


def on_behalf_of(world: World, request: Request) -> Object:
    """Tokens for the user whose token the client was called with, to call another API for that user."""
    client = _client(world, request, request.need("client_id"))
    use = request.need("requested_token_use")
    if use != "on_behalf_of":  # guess: no published answer for another use
        raise Refused("not_a_form")
    assertion = request.need("assertion")
    asked = request.asked()
    proven = authenticate(world, client, request.form)
    if proven is None:
        raise Refused("credential_missing")
    request.attempt.client = proven
    require_service_principal(world, proven)
    claims = on_behalf.read(world, proven, assertion)
    user = world.tenant.users.get(str(claims.get("oid", "")))
    if user is None:
        raise Refused("user_unknown", user=claims.get("oid"), tenant=world.tenant.id)
    mfa = "mfa" in (claims.get("amr") or ())
    return _for_user(world, request, proven, SignedIn(user, "on_behalf_of", mfa), asked)


def _client(world: World, request: Request, app_id: str) -> Client:
    client = find_client(world, app_id)
    request.attempt.client = client
    check_audience(client, request.authority)
    return client


def _user_client(world: World, request: Request, *, for_refresh: bool = False) -> Client:
    """The client of a user flow, with how it proved itself. Raises Refused."""
    client = _client(world, request, request.need("client_id"))
    proven = authenticate(world, client, request.form)
    if proven is None and not client.is_public and not (for_refresh and _has_public_reply(client)):
        raise Refused("credential_missing")
    request.attempt.client = proven or client
    if not client.first_party:
        require_service_principal(world, client)
    if not for_refresh:
        _check_origin(request, spa=False)
    return proven or client


def _has_public_reply(client: Client) -> bool:
    """Whether an app signs users in where no secret can be kept."""
    return any(((client.application or {}).get(each) or {}).get("redirectUris") for each in ("spa", "publicClient"))


def _check_origin(request: Request, *, spa: bool) -> None:
    """What was signed in to in a page can only be redeemed by one, and nothing else can (entra-docs, redirect URIs)."""
    if spa and request.origin is None:
        raise Refused("spa_not_cross_origin")
    if not spa and request.origin is not None:
        raise Refused("cross_origin_not_spa", origin=request.origin)


def told_scopes(resource: Object, asked: Asked, granted: list[str]) -> str:
    """`scope` of an answer: the OIDC scopes bare and only beside Graph's, then what is granted, then what was asked,
    by which MSAL finds a cached token. A permission of Graph is named as it was asked for, short or with the resource.
    """
    # Source: recorded answers in several repositories (a device code of 2026-09, a dump of 2024-10, mocks whose answer
    # to `.default` ends in it; a short one "taken from an actual response"). guess: the order of the OIDC scopes, which
    # differs there; that other APIs' answers have none; that one which was asked, but is not granted, is told.
    if str(resource["appId"]).lower() != GRAPH:
        return " ".join(f"{asked.resource}/{name}" for name in dict.fromkeys([*granted, *asked.scopes]))
    held = {name.lower() for name in (*granted, *asked.oidc)}
    oidc = [name for name in ("profile", "openid", "email") if name in held]
    words = {word.lower() for word in asked.text.split()}
    rest = [name for name in dict.fromkeys([*granted, *asked.scopes]) if name.lower() not in OIDC_SCOPES]
    if ".default" not in asked.text:  # only OIDC scopes were asked
        rest = [name for name in rest if name != ".default"]
    # In v1's text there is the resource alone. guess: one short name makes the whole answer short.
    short = any(name.lower() in words for name in asked.scopes)
    return " ".join([*oidc, *(name if short else f"{asked.resource}/{name}" for name in rest)])


def _for_user(world: World, request: Request, client: Client, signed_in: SignedIn, asked: Asked) -> Object:
    user, attempt = signed_in.user, request.attempt
    attempt.user, attempt.mfa = user, signed_in.mfa
    resource = find_resource(world, asked.resource)
    attempt.resource = resource
    policy.check_user(world, client, user, resource, flow=signed_in.flow, mfa=signed_in.mfa)
    if signed_in.flow == "refresh_token":
        policy.check_frequency(world, client, user, resource, since=signed_in.since, mfa=signed_in.mfa)
    if not asked.scopes:  # only OIDC scopes: the token is for Graph with what is granted there
        asked = Asked(asked.resource, (".default",), asked.oidc, asked.text)
    scopes = delegated_scopes(world, client, user, resource, asked)
    specific = mint.user_claims(world, user, resource, scopes, mfa=signed_in.mfa)
    specific |= mint.membership_claims(world, user, resource) | mint.user_roles(world, user, resource)
    attempt.uti = mint.new_id()
    wishes = request.wishes
    target = mint.Target(resource, asked.resource, wishes.cae, attempt.uti, newer_than=wishes.newer_than)
    token, life = mint.access_token(world, client, target, specific)
    answer: Object = {
        "token_type": "Bearer",
        "scope": told_scopes(resource, asked, scopes),
        "expires_in": life - 1,
        "ext_expires_in": life - 1,
        "access_token": token,
    }
    if request.v1:
        answer |= {"resource": asked.resource, "scope": " ".join(scopes)}
    # A refresh token replaces itself with each use (entra-docs, refresh-tokens); the old one goes on working.
    if "offline_access" in asked.oidc or signed_in.flow == "refresh_token":
        grant = mint.Grant(client.app_id, str(user["id"]), asked.text, signed_in.mfa, signed_in.spa, signed_in.since)
        answer["refresh_token"] = mint.refresh_token(world, grant)
    if client.first_party:
        answer["foci"] = "1"
    if "openid" in asked.oidc:
        answer["id_token"] = mint.id_token(world, client, user, signed_in.nonce or request.form.get("nonce"))
    if request.form.get("client_info") == "1":
        answer["client_info"] = mint.client_info(world, user)
    return answer
