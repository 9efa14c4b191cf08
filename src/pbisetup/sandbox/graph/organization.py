"""The tenant itself: organization, policies, directory roles and who holds them."""

from __future__ import annotations

import base64
import uuid
from typing import Any, Final

from pbisetup.sandbox.graph import refs
from pbisetup.sandbox.graph.errors import GraphError
from pbisetup.sandbox.graph.query import listing, page, parse_filter
from pbisetup.sandbox.graph.service import Request, route
from pbisetup.sandbox.graph.shape import public, single
from pbisetup.sandbox.odata import select
from pbisetup.sandbox.roles import active_templates, role_object
from pbisetup.sandbox.store import Object
from pbisetup.sandbox.wire import Reply, Route

_ASSIGNMENT: Final = {"id", "principalId", "roleDefinitionId", "directoryScopeId", "appScopeId"}
_NO_POLICY: Final = {
    "id": "00000000-0000-0000-0000-000000000000",
    "displayName": "Default app management tenant policy",
    "description": "Default tenant policy that enforces app management restrictions on applications and "
    "service "
    "principals. To apply policy to targeted resources, create a new policy under appManagementPolicies "
    "collection.",
    "isEnabled": False,
    "applicationRestrictions": {"passwordCredentials": [], "keyCredentials": []},
    "servicePrincipalRestrictions": {"passwordCredentials": [], "keyCredentials": []},
}


def list_organization(request: Request, _: Any) -> Reply:
    item = _organization(request)
    names = request.call.query.get("$select")
    shown = select(item, ["id", *names.split(",")]) if names else item
    return Reply(200, {"@odata.context": f"{request.base}/$metadata#organization", "value": [shown]})


def get_organization(request: Request, _: Any) -> Reply:
    if refs.key(request, "id").lower() != request.tenant.id.lower():
        raise GraphError("not_found", id=refs.key(request, "id"))
    return Reply(200, {"@odata.context": f"{request.base}/$metadata#organization/$entity", **_organization(request)})


def _organization(request: Request) -> Object:
    section = request.tenant.section("tenant")
    return {
        "id": request.tenant.id,
        "deletedDateTime": None,
        "businessPhones": [],
        "city": None,
        "country": None,
        "countryLetterCode": section.get("countryLetterCode", "US"),
        "createdDateTime": section.get("createdDateTime", "2024-01-15T09:00:00Z"),
        "defaultUsageLocation": None,
        "displayName": section.get("displayName"),
        "onPremisesSyncEnabled": None,
        "preferredLanguage": "en",
        "tenantType": "AAD",
        "technicalNotificationMails": [],
        "assignedPlans": [],
        "provisionedPlans": [],
        "verifiedDomains": [
            {
                "capabilities": "Email, OfficeCommunicationsOnline",
                "isDefault": True,
                "isInitial": request.tenant.domain.endswith(".onmicrosoft.com"),
                "name": request.tenant.domain,
                "type": "Managed",
            }
        ],
    }


def get_authorization_policy(request: Request, _: Any) -> Reply:
    """What members may do by default (source: entra.md 4.2)."""
    policies = request.tenant.section("policies")
    body = {
        "id": "authorizationPolicy",
        "displayName": "Authorization Policy",
        "description": "Used to manage authorization related settings across the company.",
        "allowInvitesFrom": "everyone",
        "allowedToSignUpEmailBasedSubscriptions": True,
        "allowedToUseSSPR": True,
        "allowEmailVerifiedUsersToJoinOrganization": False,
        "blockMsolPowerShell": False,
        "guestUserRoleId": "10dae51f-b6af-4016-8d66-8c2a99b929b3",
        "defaultUserRolePermissions": {
            "allowedToCreateApps": bool(policies.get("allowedToCreateApps", True)),
            "allowedToCreateSecurityGroups": bool(policies.get("allowedToCreateSecurityGroups", True)),
            "allowedToCreateTenants": True,
            "allowedToReadBitlockerKeysForOwnedDevice": True,
            "allowedToReadOtherUsers": True,
            "permissionGrantPoliciesAssigned": policies.get(
                "permissionGrantPoliciesAssigned",
                ["ManagePermissionGrantsForSelf.microsoft-user-default-recommended"],
            ),
        },
    }
    return Reply(200, {"@odata.context": f"{request.base}/$metadata#policies/authorizationPolicy/$entity", **body})


def get_app_management_policy(request: Request, _: Any) -> Reply:
    policy = request.tenant.section("policies").get("defaultAppManagementPolicy") or _NO_POLICY
    context = f"{request.base}/$metadata#policies/defaultAppManagementPolicy/$entity"
    return Reply(200, {"@odata.context": context, **public(policy)})


def list_directory_roles(request: Request, _: Any) -> Reply:
    return listing(request, "directoryRoles", "directoryRole", [("directoryRole", r) for r in _roles(request)])


def get_directory_role(request: Request, item: Object) -> Reply:
    return Reply(200, single(request, "directoryRole", item, "directoryRoles"))


def list_role_members(request: Request, item: Object) -> Reply:
    rows = [
        (kind, each)
        for kind, collection in _holders(request)
        for each in collection
        if item["roleTemplateId"] in each.get("directoryRoles", [])
    ]
    return listing(request, "directoryObjects", None, rows)


def list_role_assignments(request: Request, _: Any) -> Reply:
    entries = [
        _assignment(each["id"], template)
        for _, collection in _holders(request)
        for each in collection
        for template in each.get("directoryRoles", [])
    ]
    return _assignments(request, "roleAssignments", entries)


def list_transitive_role_assignments(request: Request, _: Any) -> Reply:
    """An advanced query (source: entra.md 1.12): ConsistencyLevel and $count."""
    if request.call.headers.get("consistencylevel", "").lower() != "eventual":
        raise GraphError("query_unsupported", property="principalId", resource="UnifiedRoleAssignment")
    entries = [
        _assignment(each["id"], template)
        for _, collection in _holders(request)
        for each in collection
        for template in active_templates(request.tenant, each["id"])
    ]
    return _assignments(request, "transitiveRoleAssignments", entries)


def _assignments(request: Request, name: str, entries: list[Object]) -> Reply:
    text = request.call.query.get("$filter")
    if text:
        expression = parse_filter(text)
        for unknown in expression.properties() - _ASSIGNMENT:
            raise GraphError("query_property", property=unknown, type="unifiedRoleAssignment")
        entries = [entry for entry in entries if expression.matches(entry)]
    if "roleDefinition" in request.call.query.get("$expand", ""):
        for entry in entries:
            role = role_object(request.tenant, entry["roleDefinitionId"])
            entry["roleDefinition"] = {
                "id": role["roleTemplateId"],
                "displayName": role["displayName"],
                "templateId": role["roleTemplateId"],
                "isBuiltIn": True,
            }
    return page(request, f"roleManagement/directory/{name}", entries)


def _assignment(principal_id: str, template: str) -> Object:
    seed = uuid.uuid5(uuid.UUID(template), principal_id).bytes
    return {
        "id": base64.urlsafe_b64encode(seed * 2).decode().rstrip("="),
        "principalId": principal_id,
        "directoryScopeId": "/",
        "roleDefinitionId": template,
    }


def _holders(request: Request) -> list[tuple[str, Any]]:
    tenant = request.tenant
    return [("user", tenant.users), ("group", tenant.groups), ("servicePrincipal", tenant.servicePrincipals)]


def _roles(request: Request) -> list[Object]:
    """Activated roles: those in the state, and those somebody holds."""
    held = [t for _, collection in _holders(request) for each in collection for t in each.get("directoryRoles", [])]
    known = [str(role["roleTemplateId"]) for role in request.tenant.directoryRoles]
    return [role_object(request.tenant, template) for template in dict.fromkeys([*known, *held])]


def _role(request: Request) -> Object:
    name = "roleTemplateId" if "roleTemplateId" in request.call.params else "id"
    wanted = refs.key(request, name)
    for role in _roles(request):
        if str(role[name]).lower() == wanted.lower():
            return role
    raise GraphError("not_found", id=wanted)


def _routes() -> list[Route]:
    found = route("GET", "/organization", "organization.read", list_organization)
    found += route("GET", "/organization/{id}", "organization.read", get_organization)
    found += route("GET", "/policies/authorizationPolicy", "policy.read", get_authorization_policy)
    found += route("GET", "/policies/defaultAppManagementPolicy", "app_policy.read", get_app_management_policy)
    found += route("GET", "/directoryRoles", "roles.read", list_directory_roles)
    for one in ("/directoryRoles/{id}", "/directoryRoles(roleTemplateId='{roleTemplateId}')"):
        found += route("GET", one, "roles.read", get_directory_role, _role)
        found += route("GET", f"{one}/members", "roles.read", list_role_members, _role)
    base = "/roleManagement/directory"
    found += route("GET", f"{base}/roleAssignments", "role_assignments.read", list_role_assignments)
    path = f"{base}/transitiveRoleAssignments"
    found += route("GET", path, "role_assignments.read", list_transitive_role_assignments)
    return found


routes = _routes()
