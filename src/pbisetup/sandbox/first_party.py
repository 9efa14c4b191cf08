"""Microsoft's own apps in a tenant: their service principals, and what Azure CLI is pre-authorised for."""

from __future__ import annotations

from typing import Any

from pbisetup.catalog.clouds import clouds
from pbisetup.catalog.permissions import permissions
from pbisetup.sandbox.identity import Identity

Object = dict[str, Any]

GRAPH = "00000003-0000-0000-c000-000000000000"
POWER_BI = "00000009-0000-0000-c000-000000000000"
POWER_BI_GCC = "fc4979e5-0aa5-429f-b13a-5d1365be5566"
"""The resource app of GCC, which stands beside the commercial one in a directory there (source: powerbi-docs
change-permissions; PowerBI-VSCode#18 shows both in one tenant).
"""
AZURE_CLI = "04b07795-8ddb-461a-bbee-02f9e1bf7b46"
AZURE_MANAGEMENT = "797f4846-ba00-4fd7-ba43-dac1f8f63013"
AZURE_STORAGE = "e406a681-f3d4-42a8-90b6-c2b029497af1"
AZURE_KEY_VAULT = "cfa8b339-82a2-471a-a3c9-0fc0be7a4093"
"""source: entra-docs first-party apps; argocd-vault-plugin#621 has a vault name it."""
AZURE_PORTAL = "74658136-14ec-4630-ad9b-26e160ff0fc6"
"""ADIbizaUX, the portal's identity pages, by whose API Azure CLI consents (azure-cli, role/custom.py)."""
MICROSOFT_TENANT = "f8cdef31-a31e-4b4a-93e4-5f571e91255a"
MICROSOFT_TENANTS = frozenset({MICROSOFT_TENANT, "72f988bf-86f1-41af-91ab-2d7cd011db47"})
"""Where Microsoft's own apps live (general knowledge)."""

# What Azure CLI is pre-authorised for on Graph. entra.md 2.1 (general knowledge): broad, without policy and
# audit-log reads.
AZURE_CLI_ON_GRAPH = (
    "Application.ReadWrite.All",
    "AppRoleAssignment.ReadWrite.All",
    "AuditLog.Read.All",
    "DelegatedPermissionGrant.ReadWrite.All",
    "Directory.AccessAsUser.All",
    "Group.ReadWrite.All",
    "User.Read",
    "User.Read.All",
)
# guess: powerbi.md 5 has sources for reading tenant settings with this client and one against updating; both
# can be staged.
AZURE_CLI_ON_POWER_BI = (
    "Capacity.ReadWrite.All",
    "Dashboard.ReadWrite.All",
    "Dataset.ReadWrite.All",
    "Item.ReadWrite.All",
    "Report.ReadWrite.All",
    "Tenant.Read.All",
    "Tenant.ReadWrite.All",
    "Workspace.ReadWrite.All",
)

# Names that Microsoft Graph publishes besides those of the catalogue, which carries no published id for them
# here.
MORE_GRAPH_ROLES = (
    "Directory.Read.All",
    "Group.ReadWrite.All",
    "Policy.Read.All",
    "RoleManagement.Read.Directory",
    "GroupMember.ReadWrite.All",
    "User.Read.All",
    "AppRegistration.Create",
    "AuditLog.Read.All",
    "ConsentRequest.Read.All",
    "Directory.ReadWrite.All",
    "Domain.Read.All",
    "Group.Create",
    "Group.Read.All",
    "GroupMember.Read.All",
    "LicenseAssignment.Read.All",
    "Organization.Read.All",
    "Policy.Read.ConditionalAccess",
    "Policy.Read.PermissionGrant",
    "Policy.ReadWrite.ApplicationConfiguration",
    "Policy.ReadWrite.Authorization",
    "Policy.ReadWrite.ConditionalAccess",
    "Policy.ReadWrite.ConsentRequest",
    "Policy.ReadWrite.SecurityDefaults",
    "RoleManagement.ReadWrite.Directory",
    "User.EnableDisableAccount.All",
    "User.ReadWrite.All",
    "User.RevokeSessions.All",
)
MORE_GRAPH_SCOPES = (
    "openid",
    "profile",
    "offline_access",
    "email",
    "Directory.Read.All",
    "User.Read.All",
    "AppRegistration.Create",
    "AuditLog.Read.All",
    "Group.Read.All",
    "ConsentRequest.Read.All",
    "Directory.ReadWrite.All",
    "Domain.Read.All",
    "GroupMember.Read.All",
    "GroupMember.ReadWrite.All",
    "Organization.Read.All",
    "Policy.Read.All",
    "Policy.Read.ConditionalAccess",
    "Policy.ReadWrite.ApplicationConfiguration",
    "Policy.ReadWrite.Authorization",
    "Policy.ReadWrite.ConditionalAccess",
    "Policy.ReadWrite.ConsentRequest",
    "Policy.ReadWrite.SecurityDefaults",
    "RoleAssignmentSchedule.Read.Directory",
    "RoleEligibilitySchedule.Read.Directory",
    "RoleManagement.Read.Directory",
    "RoleManagement.ReadWrite.Directory",
    "User.EnableDisableAccount.All",
    "User.ReadWrite",
    "User.ReadWrite.All",
    "User.RevokeSessions.All",
)


def service_principal(identity: Identity, app_id: str, name: str, names: list[str]) -> Object:
    """A service principal with this client id and these further names."""
    return {
        "id": identity.id(f"sp {app_id}"),
        "appId": app_id,
        "displayName": name,
        "appDisplayName": name,
        "accountEnabled": True,
        "appRoleAssignmentRequired": False,
        "servicePrincipalNames": [app_id, *names],
        "servicePrincipalType": "Application",
        "appOwnerOrganizationId": identity.tenant_id,
        "appRoles": [],
        "oauth2PermissionScopes": [],
        "passwordCredentials": [],
        "keyCredentials": [],
        "owners": [],
        "tags": [],
    }


def microsoft(identity: Identity, app_id: str, name: str, names: list[str]) -> Object:
    """A service principal whose app belongs to Microsoft."""
    return service_principal(identity, app_id, name, names) | {"appOwnerOrganizationId": MICROSOFT_TENANT}


def graph(identity: Identity) -> Object:
    """Microsoft Graph with the permissions it publishes."""
    # In every cloud it answers to every cloud's name (a public live test, 2026-09-29: a commercial tenant issues a token
    # for https://graph.microsoft.us); the one with the slash is general knowledge.
    others = sorted({each.graph_resource for each in clouds().values()} - {"https://graph.microsoft.com"})
    principal = microsoft(
        identity, GRAPH, "Microsoft Graph", ["https://graph.microsoft.com", "https://graph.microsoft.com/", *others]
    )
    roles = {p.value: p.id for p in permissions() if p.resource == "graph" and p.kind == "Role"}
    scopes = {p.value: p.id for p in permissions() if p.resource == "graph" and p.kind == "Scope"}
    # guess: ids of permissions that the catalogue lacks are made up per tenant; nobody may hard-code them.
    for value in MORE_GRAPH_ROLES:
        roles.setdefault(value, identity.id(f"graph role {value}"))
    for value in (*AZURE_CLI_ON_GRAPH, *MORE_GRAPH_SCOPES):
        scopes.setdefault(value, identity.id(f"graph scope {value}"))
    self_service = {"User.Read", "openid", "profile", "offline_access", "email"}
    principal["appRoles"] = [_app_role(value, id_) for value, id_ in sorted(roles.items())]
    principal["oauth2PermissionScopes"] = [
        _scope(value, id_, "User" if value in self_service else "Admin") for value, id_ in sorted(scopes.items())
    ]
    return principal


def power_bi(identity: Identity, cloud: str = "public") -> Object:
    """Power BI Service with the permissions it publishes and the names it has in a cloud's directory."""
    if clouds()[cloud].login == clouds()["public"].login:
        # Names: powerbi.md 4.
        names = [
            "https://analysis.windows.net/powerbi/api",
            "https://analysis.windows.net/powerbi/api-management",
            "https://api.fabric.microsoft.com",
            "https://api.fabric.microsoft.com/",
            f"api://app.powerbi.com/{POWER_BI}",
        ]
    else:  # guess: by the same pattern; a commercial name is unknown there (fabric-sdk-go#146)
        fabric = clouds()[cloud].fabric_resource
        own = clouds()[cloud].powerbi_resource
        names = [own, f"{own}-management", *([fabric, f"{fabric}/"] if fabric else [])]
    return _with_power_bi_permissions(microsoft(identity, POWER_BI, "Power BI Service", names))


def power_bi_gcc(identity: Identity) -> Object:
    """The resource app of GCC. guess: that it publishes the same permissions under the same ids."""
    name = "Microsoft Power BI Government Community Cloud"
    principal = microsoft(identity, POWER_BI_GCC, name, [clouds()["gcc"].powerbi_resource])
    return _with_power_bi_permissions(principal)


def key_vault(identity: Identity, cloud: str = "public") -> Object:
    """Azure Key Vault, by the name that tokens for the vaults of a cloud are asked for."""
    return microsoft(identity, AZURE_KEY_VAULT, "Azure Key Vault", [str(clouds()[cloud].vault_resource)])


def follow(identity: Identity, state: Object) -> None:
    """Make Power BI's apps and Azure Key Vault in a state's directory those of the cloud that it names (`tenant.cloud`)."""
    cloud = state["tenant"].get("cloud", "public")
    own = {POWER_BI: power_bi(identity, cloud)} | ({POWER_BI_GCC: power_bi_gcc(identity)} if cloud == "gcc" else {})
    present = state.get("servicePrincipals") or []
    own[AZURE_KEY_VAULT] = key_vault(identity, cloud)
    there = {each["appId"]: each for each in present}
    state["servicePrincipals"] = [each for each in present if each["appId"] != POWER_BI_GCC or cloud == "gcc"]
    for app_id, principal in own.items():
        if app_id in there:
            there[app_id]["servicePrincipalNames"] = principal["servicePrincipalNames"]
        else:
            state["servicePrincipals"].append(principal)
    for resources in state.get("firstPartyClients", {}).values():
        if isinstance(resources, dict):
            resources.pop(POWER_BI_GCC, None)
            if cloud == "gcc" and POWER_BI in resources:
                resources[POWER_BI_GCC] = list(resources[POWER_BI])  # guess: what is pre-authorised there


def _with_power_bi_permissions(principal: Object) -> Object:
    known = [p for p in permissions() if p.resource == "powerbi"]
    principal["appRoles"] = [_app_role(p.value, p.id, p.display_name) for p in known if p.kind == "Role"]
    # powerbi.md 4: which scopes need an administrator is not published; Tenant.* is taken to (inferred).
    principal["oauth2PermissionScopes"] = [
        _scope(p.value, p.id, "Admin" if p.admin_consent or p.value.startswith("Tenant.") else "User", p.display_name)
        for p in known
        if p.kind == "Scope"
    ]
    return principal


def _app_role(value: str, id_: str, name: str | None = None) -> Object:
    return {
        "id": id_,
        "value": value,
        "displayName": name or value,
        "description": name or value,
        "allowedMemberTypes": ["Application"],
        "isEnabled": True,
        "origin": "Application",
    }


def _scope(value: str, id_: str, type_: str, name: str | None = None) -> Object:
    return {
        "id": id_,
        "value": value,
        "type": type_,
        "isEnabled": True,
        "adminConsentDisplayName": name or value,
        "adminConsentDescription": name or value,
        "userConsentDisplayName": name or value,
        "userConsentDescription": name or value,
    }
