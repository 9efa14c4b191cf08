"""The grants of the token endpoint, one function each, from a checked request to the answer's fields."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from pbisetup.sandbox.entra import device, mint
from pbisetup.sandbox.entra.authority import Client, find_client, find_user, require_service_principal
from pbisetup.sandbox.entra.causes import Refused
from pbisetup.sandbox.entra.consent import delegated_scopes
from pbisetup.sandbox.entra.credential import authenticate, hash_secret
from pbisetup.sandbox.entra.resources import Asked, find_resource, parse_scope
from pbisetup.sandbox.wire import World

Object = dict[str, Any]


@dataclass(frozen=True)
class Request:
    """A token request with what both endpoints have in common."""

    form: dict[str, str]
    own_tenant: bool
    """False when it came to `common` or `organizations`."""
    v1: bool

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
    def cae(self) -> bool:
        """Whether the client declared that it can handle claims challenges (`xms_cc`: CP1)."""
        try:
            wanted = json.loads(self.form.get("claims") or "{}")["access_token"]["xms_cc"]["values"]
        except (ValueError, KeyError, TypeError):
            return False
        return isinstance(wanted, list) and "CP1" in wanted


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
    client = find_client(world, app_id)
    proven = authenticate(world, client, request.form)
    if proven is None:
        raise Refused("credential_missing_app_only")
    principal = require_service_principal(world, proven)
    if asked.scopes != (".default",):
        raise Refused("scope_not_default", scope=asked.text)
    resource = find_resource(world, asked.resource)
    specific = mint.app_claims(world, principal, resource)
    if resource.get("appRoleAssignmentRequired") and "roles" not in specific:
        raise Refused(
            "assignment_required",
            app=client.app_id,
            name=client.name,
            resource=resource["appId"],
            resource_name=resource.get("displayName"),
        )
    token, life = mint.access_token(world, proven, mint.Target(resource, asked.resource, request.cae), specific)
    return {
        "token_type": "Bearer",
        "expires_in": life - 1,
        "ext_expires_in": life - 1,
        "access_token": token,
        **({"resource": asked.resource} if request.v1 else {}),
    }


def device_code(world: World, request: Request) -> Object:
    """The tokens of a device code whose user has signed in."""
    client = _user_client(world, request)
    # Python sends both spellings, older clients only `code` (clients.md 2).
    code = request.form.get("device_code") or request.form.get("code") or request.need("device_code")
    pending = device.redeem(world, client.app_id, code)
    user = world.tenant.users.get(str(pending["user"]))
    if user is None:
        raise Refused("device_code_unknown")
    answer = _for_user(world, request, client, user, request.asked(fallback=str(pending["scope"])))
    device.forget(world, code)
    return answer


def refresh_token(world: World, request: Request) -> Object:
    """New tokens for a user who signed in before; a token of Azure CLI's family serves any of its members."""
    client = _user_client(world, request)
    content = mint.read_refresh_token(world, request.need("refresh_token"))
    same = str(content["app"]).lower() == client.app_id.lower()
    family = client.first_party and find_client(world, str(content["app"])).first_party
    user = world.tenant.users.get(str(content["user"]))
    if user is None or not (same or family):
        raise Refused("refresh_token_invalid")
    return _for_user(world, request, client, user, request.asked())


def password(world: World, request: Request) -> Object:
    """Tokens for a user name and password (ROPC), as `az login -u -p` asks for them."""
    client = _user_client(world, request)
    name = request.need("username")
    user = find_user(world, name) if "@" in name else None
    if user is None:
        raise Refused("user_unknown", user=name, tenant=world.tenant.id)
    if hash_secret(request.need("password")) != user.get("_passwordHash"):
        raise Refused("password_wrong")
    return _for_user(world, request, client, user, request.asked())


def _user_client(world: World, request: Request) -> Client:
    """The client of a user flow, with how it proved itself. Raises Refused."""
    client = find_client(world, request.need("client_id"))
    proven = authenticate(world, client, request.form)
    if proven is None and not client.is_public:
        raise Refused("credential_missing")
    if not client.first_party:
        require_service_principal(world, client)
    return proven or client


def _for_user(world: World, request: Request, client: Client, user: Object, asked: Asked) -> Object:
    if user.get("accountEnabled") is False:
        raise Refused("user_disabled")
    resource = find_resource(world, asked.resource)
    if not asked.scopes:  # only OIDC scopes: the token is for Graph with what is granted there
        asked = Asked(asked.resource, (".default",), asked.oidc, asked.text)
    scopes = delegated_scopes(world, client, user, resource, asked)
    specific = mint.user_claims(client, user, scopes)
    token, life = mint.access_token(world, client, mint.Target(resource, asked.resource, request.cae), specific)
    # The answer repeats the asked scope beside the granted ones: MSAL finds a cached token by it.
    named = dict.fromkeys([*scopes, *asked.scopes])
    answer: Object = {
        "token_type": "Bearer",
        "scope": " ".join(f"{asked.resource}/{name}" for name in named),
        "expires_in": life - 1,
        "ext_expires_in": life - 1,
        "access_token": token,
    }
    if request.v1:
        answer |= {"resource": asked.resource, "scope": " ".join(scopes)}
    if "offline_access" in asked.oidc:
        answer["refresh_token"] = mint.refresh_token(world, client, user)
    if client.first_party:
        answer["foci"] = "1"
    if "openid" in asked.oidc:
        answer["id_token"] = mint.id_token(world, client, user, request.form.get("nonce"))
    if request.form.get("client_info") == "1":
        answer["client_info"] = mint.client_info(world, user)
    return answer
