"""The default tenant, Contoso: what a small organization looks like before anybody set anything up."""

from __future__ import annotations

import base64
import hashlib
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from pbisetup.catalog.clouds import clouds
from pbisetup.sandbox.first_party import (
    AZURE_CLI,
    AZURE_CLI_ON_GRAPH,
    AZURE_CLI_ON_POWER_BI,
    AZURE_KEY_VAULT,
    AZURE_MANAGEMENT,
    AZURE_PORTAL,
    AZURE_STORAGE,
    GRAPH,
    POWER_BI,
    follow,
    graph,
    key_vault,
    microsoft,
    power_bi,
    service_principal,
)
from pbisetup.sandbox.identity import Identity
from pbisetup.sandbox.roles import ROLES
from pbisetup.sandbox.scenarios.words import named
from pbisetup.sandbox.tenant_settings import default_settings

if TYPE_CHECKING:
    from pbisetup.sandbox.scenarios import Scenario

__all__ = ["Identity", "default_state", "merge_patch", "renew_app_secrets", "renew_credentials"]

Object = dict[str, Any]

DOMAIN = "contoso.onmicrosoft.com"

OPERATOR_ROLES = (
    "Application.ReadWrite.All",
    "Directory.Read.All",
    "Group.ReadWrite.All",
    "AppRoleAssignment.ReadWrite.All",
    "DelegatedPermissionGrant.ReadWrite.All",
    "Policy.Read.All",
    "RoleManagement.Read.Directory",
)


def default_state(identity: Identity, scenario: Scenario | str | None = None) -> Object:
    """The state of a new tenant, in a scenario or the default one. Raises ScenarioError where there is none such, or where
    it cannot be.
    """
    state = _in_scenario(identity, scenario)
    if identity.number == 1:
        return state
    from pbisetup.sandbox.siblings import numbered

    return numbered(state, identity.number)


def _in_scenario(identity: Identity, scenario: Scenario | str | None) -> Object:
    state = _contoso(identity)
    if scenario in (None, "default"):
        return state
    from pbisetup.sandbox import scenarios

    chosen = scenarios.find(scenario) if isinstance(scenario, str) else scenario
    assert chosen is not None
    # A tenant does not move: what Microsoft's own apps are there follows from where it was made.
    for layer in chosen.chain():
        tenant = layer.content.get("tenant")
        cloud = tenant.get("cloud") if isinstance(tenant, dict) else None
        if isinstance(cloud, str) and cloud in clouds():
            state["tenant"]["cloud"] = cloud
            follow(identity, state)
    return scenarios.built(chosen, identity, state)


def merge_patch(target: Any, patch: Any) -> Any:
    """RFC 7396: objects merge, null removes, everything else replaces. Beyond it, an object over a list changes the
    elements that its keys name (`{"Embedding": {"enabled": false}}` over the tenant settings).

    Raises KeyError for a name that no element has.
    """
    if not isinstance(patch, dict):
        return patch
    if isinstance(target, list):
        return _patched(target, patch)
    merged = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = merge_patch(merged.get(key), value)
    return merged


def _patched(elements: list[Any], patch: Object) -> list[Any]:
    merged = list(elements)
    for name, value in patch.items():
        found = named(merged, name)
        if found is None:
            raise KeyError(name)
        place = merged.index(found)
        merged[place : place + 1] = [] if value is None else [merge_patch(found, value)]
    return merged


def renew_app_secrets(state: Object, identity: Identity) -> None:
    """Put this start's app secret where a credential says `_renewed`."""
    for application in state.get("applications", []):
        for credential in application.get("passwordCredentials") or []:
            if credential.get("_renewed"):
                credential["hint"], credential["secretHash"] = identity.app_secret[:3], _sha256(identity.app_secret)


def renew_credentials(state: Object, identity: Identity) -> None:
    """Put this start's secrets and user password into a state; the last start's stop working."""
    for application in state.get("applications", []):
        if application.get("appId") == identity.operator_id:
            kept = [c for c in application.get("passwordCredentials", []) if c.get("displayName") != "sandbox"]
            application["passwordCredentials"] = [*kept, _operator_password(identity)]
    renew_app_secrets(state, identity)
    for user in state.get("users", []):
        user["_passwordHash"] = _sha256(identity.password)


def _contoso(identity: Identity) -> Object:
    admin = _user(identity, "admin", "Alex Admin", ["Global Administrator", "Fabric Administrator"])
    fabric_admin = _user(identity, "fabricadmin", "Fay Fabric", ["Fabric Administrator"])
    developer = _user(identity, "developer", "Dana Developer", [])
    graph_service = graph(identity)
    application, operator, grants = _operator(identity, graph_service)
    capacity = {
        "id": identity.id("capacity"),
        "displayName": "contosof2",
        "sku": "F2",
        "state": "Active",
        "region": "West Europe",
        "admins": [admin["userPrincipalName"]],
    }
    return {
        "tenant": {"id": identity.tenant_id, "displayName": "Contoso", "domain": DOMAIN},
        "auto_approve": "admin",
        "clock": {"offset_seconds": 0},
        "policies": {"allowedToCreateApps": True, "allowedToCreateSecurityGroups": True},
        "firstPartyClients": {
            AZURE_CLI: {
                GRAPH: list(AZURE_CLI_ON_GRAPH),
                POWER_BI: list(AZURE_CLI_ON_POWER_BI),
                AZURE_MANAGEMENT: ["user_impersonation"],
                AZURE_STORAGE: ["user_impersonation"],
                AZURE_KEY_VAULT: ["user_impersonation"],
                AZURE_PORTAL: ["user_impersonation"],
            }
        },
        "weather": {"replication_lag_seconds": 0, "latency_ms": 0},
        "users": [admin, fabric_admin, developer],
        "applications": [application],
        "servicePrincipals": [
            graph_service,
            power_bi(identity),
            microsoft(identity, AZURE_CLI, "Microsoft Azure CLI", []),
            microsoft(
                identity,
                AZURE_MANAGEMENT,
                "Windows Azure Service Management API",
                ["https://management.core.windows.net/", "https://management.azure.com/"],
            ),
            key_vault(identity),
            microsoft(identity, AZURE_STORAGE, "Azure Storage", ["https://storage.azure.com/"]),
            microsoft(identity, AZURE_PORTAL, "ADIbizaUX", ["https://main.iam.ad.ext.azure.com/"]),
            operator,
        ],
        "groups": [],
        "directoryRoles": [
            {
                "id": identity.id(f"role {name}"),
                "displayName": name,
                "roleTemplateId": ROLES[name],
                "description": name,
            }
            for name in ("Global Administrator", "Fabric Administrator")
        ],
        "appRoleAssignments": grants,
        "oauth2PermissionGrants": [],
        "deletedItems": [],
        "tenantSettings": default_settings(),
        "workspaces": [
            _workspace(identity, "Reports Dev", capacity, [admin, developer]) | _sales(identity, developer),
            _workspace(identity, "Reports Test", capacity, [admin]),
            _workspace(identity, "Reports Prod", capacity, [admin]),
        ],
        "capacities": [capacity],
        "vaults": {_vault_name(identity): _vault(admin, operator)},
    }


def _vault_name(identity: Identity) -> str:
    """The names of vaults are the world's: two tenants never share one."""
    return "contoso-vault" if identity.number == 1 else f"contoso{identity.number}-vault"


def _vault(*officers: Object) -> Object:
    """A vault whose secrets and certificates these may write."""
    return {
        "location": "westeurope",
        "roleAssignments": [
            {"principalId": each["id"], "role": f"Key Vault {kind} Officer"}
            for each in officers
            for kind in ("Secrets", "Certificates")
        ],
        "secrets": {},
        "certificates": {},
    }


def _user(identity: Identity, name: str, display_name: str, roles: list[str]) -> Object:
    given, _, family = display_name.partition(" ")
    return {
        "id": identity.id(f"user {name}"),
        "userPrincipalName": f"{name}@{DOMAIN}",
        "displayName": display_name,
        "givenName": given,
        "surname": family,
        "mail": f"{name}@{DOMAIN}",
        "userType": "Member",
        "accountEnabled": True,
        "directoryRoles": [ROLES[role] for role in roles],
        "myWorkspace": {"id": identity.id(f"my workspace {name}")},
        "_passwordHash": _sha256(identity.password),
    }


def _operator(identity: Identity, graph_service: Object) -> tuple[Object, Object, list[Object]]:
    app_id = identity.operator_id
    name = "Sandbox operator"
    ids = {role["value"]: role["id"] for role in graph_service["appRoles"]}
    application = {
        "id": identity.id("app operator"),
        "appId": app_id,
        "displayName": name,
        "signInAudience": "AzureADMyOrg",
        "createdDateTime": "2026-01-05T09:00:00Z",
        "identifierUris": [],
        "uniqueName": None,
        "tags": [],
        "requiredResourceAccess": [
            {
                "resourceAppId": GRAPH,
                "resourceAccess": [{"id": ids[r], "type": "Role"} for r in OPERATOR_ROLES],
            }
        ],
        "passwordCredentials": [_operator_password(identity)],
        "keyCredentials": [_operator_certificate(identity)],
        "owners": [],
    }
    principal = service_principal(identity, app_id, name, [])
    grants = [
        {
            "id": identity.id(f"grant {role}"),
            "appRoleId": ids[role],
            "createdDateTime": "2026-01-05T09:00:00Z",
            "principalId": principal["id"],
            "principalDisplayName": name,
            "principalType": "ServicePrincipal",
            "resourceId": graph_service["id"],
            "resourceDisplayName": graph_service["displayName"],
        }
        for role in OPERATOR_ROLES
    ]
    return application, principal, grants


def _operator_password(identity: Identity) -> Object:
    now = datetime.now(UTC)
    return {
        "keyId": identity.id("operator secret"),
        "displayName": "sandbox",
        "startDateTime": _iso(now - timedelta(days=1)),
        "endDateTime": _iso(now + timedelta(days=3650)),
        "hint": identity.operator_secret[:3],
        "secretHash": _sha256(identity.operator_secret),
    }


def _operator_certificate(identity: Identity) -> Object:
    """A certificate whose key was thrown away: who signs with another one is told that it is not registered."""
    pem = files("pbisetup.sandbox").joinpath("operator.cer").read_text("ascii")
    key = "".join(pem.splitlines()[1:-1])
    return {
        "keyId": identity.id("operator certificate"),
        "displayName": "CN=sandbox operator",
        "startDateTime": "2026-01-05T00:00:00Z",
        "endDateTime": "2049-01-05T00:00:00Z",
        "type": "AsymmetricX509Cert",
        "usage": "Verify",
        "customKeyIdentifier": hashlib.sha1(base64.b64decode(key), usedforsecurity=False).hexdigest().upper(),
        "key": key,
    }


def _workspace(identity: Identity, name: str, capacity: Object, admins: list[Object]) -> Object:
    return {
        "id": identity.id(f"workspace {name}"),
        "displayName": name,
        "type": "Workspace",
        "capacityId": capacity["id"],
        "roleAssignments": [
            # A role assignment's id is its principal's (Fabric's own responses show them equal).
            {"id": user["id"], "principal": {"id": user["id"], "type": "User"}, "role": "Admin"}
            for user in admins
        ],
    }


def _sales(identity: Identity, owner: Object) -> Object:
    """A report and its model, so that there is something to read, to ask and to embed."""
    model = identity.id("dataset Sales")
    rows = [{"Region": "North", "Amount": 1200}, {"Region": "South", "Amount": 800}]
    return {
        "datasets": [
            {
                "id": model,
                "name": "Sales",
                "configuredBy": owner["userPrincipalName"],
                "targetStorageMode": "Abf",
                "_tables": {"Sales": rows},
            }
        ],
        "reports": [
            {
                "id": identity.id("report Sales"),
                "name": "Sales",
                "datasetId": model,
                "_pages": [{"name": "ReportSection", "displayName": "Overview", "order": 0}],
            }
        ],
    }


def _iso(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _sha256(value: str) -> str:
    return hashlib.sha256(value.encode()).hexdigest()
