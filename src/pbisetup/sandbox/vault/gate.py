"""Which vault a request is for, and whether its caller may do there what it asks.

State `vaults`, by name: `roleAssignments` (`{principalId, role}`, roles as `ROLES` has them), `location`, `networkAcls`
(`defaultAction`: `Deny` closes the vault's firewall to everybody), `softDeleteRetentionInDays`, and what lies in it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from pbisetup.catalog.clouds import clouds
from pbisetup.sandbox.bearer import BadToken, Caller, read_bearer
from pbisetup.sandbox.first_party import AZURE_KEY_VAULT
from pbisetup.sandbox.home import addressed
from pbisetup.sandbox.hosts import vault_of
from pbisetup.sandbox.store import Object
from pbisetup.sandbox.vault.errors import Refused
from pbisetup.sandbox.wire import Call, World

Kind = Literal["secret", "certificate"]

# azure-docs rbac-guide, and Azure's definitions of its built-in roles; `*`: everything below.
ROLES: Final[dict[str, tuple[str, ...]]] = {
    "Key Vault Administrator": ("*",),
    "Key Vault Secrets Officer": ("secrets/*",),
    "Key Vault Secrets User": ("secrets/getSecret/action", "secrets/readMetadata/action"),
    "Key Vault Certificates Officer": ("certificates/*",),
    "Key Vault Certificate User": ("certificates/read", "secrets/getSecret/action", "secrets/readMetadata/action"),
    "Key Vault Reader": ("certificates/read", "secrets/readMetadata/action"),
}
# guess: that a deleted object takes the same action to be read as one that is there.
ACTIONS: Final[dict[tuple[Kind, str], str]] = {
    ("secret", "get"): "secrets/getSecret/action",
    ("secret", "list"): "secrets/readMetadata/action",
    ("secret", "set"): "secrets/setSecret/action",
    **{("secret", verb): f"secrets/{verb}/action" for verb in ("update", "recover", "purge")},
    ("secret", "delete"): "secrets/delete",
    ("certificate", "get"): "certificates/read",
    ("certificate", "list"): "certificates/read",
    **{("certificate", verb): f"certificates/{verb}/action" for verb in ("import", "update", "recover", "purge")},
    ("certificate", "delete"): "certificates/delete",
}
_AUTHORITIES: Final = {"public": "login.windows.net", "gcc": "login.windows.net"}
"""As the recordings name it. guess: elsewhere it is the cloud's own."""


@dataclass(frozen=True)
class Vault:
    """A vault of the tenant, as a request addresses it."""

    name: str
    state: Object
    address: str
    """Its own, at Azure: what its objects' ids begin with. By path on loopback too, because clients read name and version
    out of ids, whose path has three parts.
    """
    base: str
    """Where the request came to: what links to further pages begin with."""
    retention: int
    """Days."""
    now: int
    """Seconds since 1970."""


def find(world: World, call: Call) -> Vault:
    """The vault that a request names, by host or by path. Raises Refused."""
    by_host = vault_of(call.origin.partition("://")[2])
    by_path = call.params.get("vault")
    if by_host and by_path:
        raise Refused("no_route")
    name = (by_host or by_path or "").lower()
    state = next((v for n, v in world.tenant.section("vaults").items() if n.lower() == name), None)
    if state is None:
        raise Refused("no_vault", vault=name)
    template = str(addressed(world.tenant, call.origin).vault)
    base = f"{call.origin}/vaults/{name}" if by_path else call.origin
    retention = int(state.get("softDeleteRetentionInDays") or 90)
    return Vault(name, state, template.format(name=name), base, retention, int(world.now().timestamp()))


def let_in(world: World, call: Call, vault: Vault, kind: Kind, verb: str, name: str) -> None:
    """Raise Refused unless the caller may do this to the object of this name."""
    caller = _caller(world, call)
    who = f"appid={caller.client_id};oid={caller.object_id};iss={_issuer(world)}"
    place = {"vault": vault.name, "location": str(vault.state.get("location") or "westeurope"), "caller": who}
    # guess: the firewall before the roles, the api-version after both.
    if (vault.state.get("networkAcls") or {}).get("defaultAction") == "Deny":
        raise Refused("firewall", address=call.client, **place)
    action = ACTIONS[kind, verb]
    if not _may(world, vault.state, caller.object_id, action):
        raise Refused("rbac", action=action, resource=_resource(world, vault, kind, name), **place)
    if not call.query.get("api-version"):
        raise Refused("version")


def challenge(world: World, call: Call) -> dict[str, str]:
    """The header from which clients learn tenant and resource."""
    cloud = addressed(world.tenant, call.origin)
    authority = f"https://{_AUTHORITIES[cloud.name]}" if cloud.name in _AUTHORITIES else cloud.login
    if vault_of(call.origin.partition("://")[2]) is None:
        authority = call.origin
    said = f'Bearer authorization="{authority}/{world.tenant.id}", resource="{cloud.vault_resource}"'
    return {"WWW-Authenticate": said}


def _caller(world: World, call: Call) -> Caller:
    try:
        caller = read_bearer(world, call)
    except BadToken as error:
        if error.fault == "foreign_tenant":
            raise Refused("issuer", expected=_issuer(world), found=_claimed_issuer(call)) from None
        raise Refused("missing" if error.fault == "missing" else "token") from None
    expected = (str(addressed(world.tenant, call.origin).vault_resource), AZURE_KEY_VAULT)
    if caller.audience not in expected:
        raise Refused("audience", expected=" or ".join(expected), found=str(caller.claims.get("aud", "")))
    return caller


def _issuer(world: World) -> str:
    cloud = clouds()[str(world.tenant.section("tenant").get("cloud", "public"))]
    return cloud.token_issuer.format(tenant=world.tenant.id)


def _claimed_issuer(call: Call) -> str:
    """Of a token whose signature was found right."""
    import jwt

    token = call.headers["authorization"].partition(" ")[2].strip()
    return str(jwt.decode(token, options={"verify_signature": False}).get("iss", ""))


def _may(world: World, vault: Object, who: str, action: str) -> bool:
    mine = {who, *(group["id"] for group in world.tenant.groups_of(who, transitive=True))}
    allowed = [
        pattern
        for each in vault.get("roleAssignments") or ()
        if each["principalId"] in mine
        for pattern in ROLES.get(each["role"], ())
    ]
    return any(action == each or (each.endswith("*") and action.startswith(each[:-1])) for each in allowed)


def _resource(world: World, vault: Vault, kind: Kind, name: str) -> str:
    subscriptions = world.tenant.section("azure").get("subscriptions") or [
        {"id": "00000000-0000-0000-0000-000000000000"}
    ]
    group = str(vault.state.get("resourceGroup") or "vaults").lower()
    path = f"/subscriptions/{subscriptions[0]['id']}/resourcegroups/{group}/providers/microsoft.keyvault/vaults/{vault.name}"
    return f"{path}/{kind}s/{name.lower()}" if name else path
