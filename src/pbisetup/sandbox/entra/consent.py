"""Which delegated permissions a client gets for a user: what is granted in the tenant, held against what is
asked.
"""

from __future__ import annotations

from typing import Any

from pbisetup.sandbox.entra.authority import Client, visible
from pbisetup.sandbox.entra.refusal import Refused
from pbisetup.sandbox.entra.resources import Asked
from pbisetup.sandbox.first_party import AZURE_CLI
from pbisetup.sandbox.wire import World


def delegated_scopes(
    world: World, client: Client, user: dict[str, Any], resource: dict[str, Any], asked: Asked
) -> list[str]:
    """The `scp` of a token: everything granted on the resource, also where less was asked; of the OIDC scopes those
    that Graph has been granted, without `offline_access`, which stands in no token. Raises Refused.

    What is not granted in the tenant is refused with AADSTS65001: asking the user for it is the authorize
    endpoint's work (approval.py).
    """
    return [name for name in _delegated(world, client, user, resource, asked) if name.lower() != "offline_access"]


def _delegated(world: World, client: Client, user: dict[str, Any], resource: dict[str, Any], asked: Asked) -> list[str]:
    names = [scope for scope in asked.scopes if scope != ".default"]
    if client.first_party:
        granted = _preauthorized(world, client.app_id, resource["appId"])
        if not granted or not _covers(granted, names):
            raise Refused("first_party_not_preauthorized", app=client.app_id, resource_app=resource["appId"])
        return granted
    check_names(client, resource, names)
    granted = granted_scopes(world, client, user, resource)
    if not granted and asked.default:
        check_required(client, resource, asked)
    if not granted or not _covers(granted, names):
        raise Refused("consent_missing", app=client.app_id, name=client.name)
    return granted


def _preauthorized(world: World, app_id: str, resource_app: str) -> list[str]:
    for name, resources in world.tenant.section("firstPartyClients").items():
        if name.lower() == app_id.lower():
            found = next((list(s) for r, s in resources.items() if r.lower() == resource_app.lower()), [])
            return [scope for scope in found if not _unestablished(world, app_id, scope)]
    return []


def _unestablished(world: World, app_id: str, scope: str) -> bool:
    """Whether it is unknown of the real service that a client has a scope, and the state says that it has not
    (`unknowns.azureCliMayWriteTenantSettings`: `no`).
    """
    if app_id.lower() != AZURE_CLI or scope != "Tenant.ReadWrite.All":
        return False
    return bool(world.tenant.section("unknowns").get("azureCliMayWriteTenantSettings", "yes") == "no")


def granted_scopes(world: World, client: Client, user: dict[str, Any], resource: dict[str, Any]) -> list[str]:
    """What a client may do on an API for this user, by grants to everybody or to the user."""
    if client.service_principal is None:
        return []
    found: dict[str, str] = {}
    for grant in world.tenant.oauth2PermissionGrants.where(
        clientId=client.service_principal["id"], resourceId=resource["id"]
    ):
        everybody = grant.get("consentType") == "AllPrincipals"
        if (everybody or grant.get("principalId") == user["id"]) and visible(world, grant):
            for scope in str(grant.get("scope") or "").split():
                found.setdefault(scope.lower(), scope)
    return sorted(found.values())


def check_names(client: Client, resource: dict[str, Any], names: list[str]) -> None:
    """Raise Refused for a name that the API does not publish."""
    known = {str(each.get("value")).lower() for each in resource.get("oauth2PermissionScopes") or ()}
    for name in names:
        if name.lower() not in known:
            raise Refused("scope_unknown", name=client.name, scope=name, resource_app=resource["appId"])


def check_required(client: Client, resource: dict[str, Any], asked: Asked) -> None:
    """Raise Refused where the app's registration does not declare the API."""
    required = (client.application or {}).get("requiredResourceAccess") or []
    valid = [str(each.get("resourceAppId")) for each in required]
    if str(resource["appId"]).lower() not in [each.lower() for each in valid]:
        raise Refused(
            "resource_not_required",
            app=client.app_id,
            name=client.name,
            resource=asked.resource,
            resource_app=resource["appId"],
            valid=", ".join(valid),
        )


def _covers(granted: list[str], names: list[str]) -> bool:
    have = {scope.lower() for scope in granted}
    return all(name.lower() in have for name in names)
