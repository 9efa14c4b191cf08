"""Directory roles: their definitions, who holds them, who may activate them, and assigning them."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable
from typing import Any, Final

from pbisetup.sandbox import base64url
from pbisetup.sandbox.graph import licences, refs
from pbisetup.sandbox.graph.documents import document, documents
from pbisetup.sandbox.graph.errors import GraphError
from pbisetup.sandbox.graph.query import listing, single
from pbisetup.sandbox.graph.relations import role_members
from pbisetup.sandbox.graph.schema import is_guid
from pbisetup.sandbox.graph.service import Request, route
from pbisetup.sandbox.roles import ROLES, activated, active_templates, eligible, role_object
from pbisetup.sandbox.store import Object
from pbisetup.sandbox.wire import Reply, Route

_BASE: Final = "/roleManagement/directory"
_ASSIGNMENT: Final = ("id", "principalId", "roleDefinitionId", "directoryScopeId", "appScopeId")
_DEFINITION: Final = (
    "id", "description", "displayName", "isBuiltIn", "isEnabled", "resourceScopes", "rolePermissions", "templateId",
    "version",
)  # fmt: skip
_TEMPLATE: Final = ("id", "deletedDateTime", "description", "displayName")
_INSTANCE: Final = (*_ASSIGNMENT, "startDateTime", "endDateTime", "memberType")
_ELIGIBLE: Final = (*_INSTANCE, "roleEligibilityScheduleId")
_ASSIGNED: Final = (*_INSTANCE, "assignmentType", "roleAssignmentOriginId", "roleAssignmentScheduleId")
_ELIGIBILITIES: Final = "roleEligibilityScheduleInstances"


# Definitions


def list_definitions(request: Request, _: Any) -> Reply:
    rows = [_definition(request, template) for template in _templates(request)]
    return documents(request, "roleManagement/directory/roleDefinitions", "unifiedRoleDefinition", _DEFINITION, rows)


def get_definition(request: Request, item: Object) -> Reply:
    context = "roleManagement/directory/roleDefinitions"
    return document(request, context, "unifiedRoleDefinition", _DEFINITION, item)


def _templates(request: Request) -> list[str]:
    """Of every role that there is, activated in the tenant or not."""
    activated_here = (str(role["roleTemplateId"]) for role in request.tenant.directoryRoles)
    return list(dict.fromkeys([*ROLES.values(), *activated_here]))


def _definition(request: Request, template: str) -> Object:
    role = role_object(request.tenant, template)
    return {
        "id": template,
        "description": role.get("description") or role["displayName"],
        "displayName": role["displayName"],
        "isBuiltIn": True,
        "isEnabled": True,
        "resourceScopes": ["/"],
        "templateId": template,
        "version": "1",
        "rolePermissions": [],
    }


def _find_definition(request: Request) -> Object:
    return _definition(request, _template(request, refs.key(request, "definitionId")))


def _template(request: Request, id_: str) -> str:
    """A role's template id from that id, or from the id of the directory role activated from it."""
    for template in ROLES.values():
        if template == id_.lower():
            return template
    for role in request.tenant.directoryRoles:
        if id_.lower() in (str(role["roleTemplateId"]).lower(), str(role["id"]).lower()):
            return str(role["roleTemplateId"])
    raise GraphError("not_found", id=id_)


def list_role_templates(request: Request, _: Any) -> Reply:
    rows = [_role_template(request, template) for template in _templates(request)]
    return documents(request, "directoryRoleTemplates", "directoryRoleTemplate", _TEMPLATE, rows)


def get_role_template(request: Request, item: Object) -> Reply:
    return document(request, "directoryRoleTemplates", "directoryRoleTemplate", _TEMPLATE, item)


def _role_template(request: Request, template: str) -> Object:
    role = _definition(request, template)
    return {
        "id": template,
        "deletedDateTime": None,
        "description": role["description"],
        "displayName": role["displayName"],
    }


def _find_role_template(request: Request) -> Object:
    wanted = refs.key(request, "templateId")
    if wanted.lower() not in (each.lower() for each in _templates(request)):
        raise GraphError("not_found", id=wanted)
    return _role_template(request, wanted.lower())


# Assignments


def list_assignments(request: Request, _: Any) -> Reply:
    return _assignments(request, "roleAssignments", lambda each: each.get("directoryRoles", []))


def list_transitive(request: Request, _: Any) -> Reply:
    """Also through role-assignable groups; an advanced query (source: entra.md 1.12): ConsistencyLevel and $count."""
    counted = request.call.query.get("$count", "").lower() == "true"
    if request.call.headers.get("consistencylevel", "").lower() != "eventual" or not counted:
        raise GraphError("query_unsupported", property="principalId", resource="UnifiedRoleAssignment")
    return _assignments(request, "transitiveRoleAssignments", lambda each: active_templates(request.tenant, each["id"]))


def get_assignment(request: Request, item: Object) -> Reply:
    context = "roleManagement/directory/roleAssignments"
    return document(request, context, "unifiedRoleAssignment", _ASSIGNMENT, item)


def create_assignment(request: Request, _: Any) -> Reply:
    """201, or 400 where the principal holds the role already."""
    body = request.call.json()
    for name in ("principalId", "roleDefinitionId"):
        if not is_guid(body.get(name)):
            missing = "value_required" if body.get(name) is None else "value_invalid"
            raise GraphError(missing, property=name, resource="UnifiedRoleAssignment")
    if body.get("directoryScopeId") is None and body.get("appScopeId") is None:
        raise GraphError("value_required", property="directoryScopeId", resource="UnifiedRoleAssignment")
    if body.get("directoryScopeId") != "/":
        # Administrative units and single apps as scopes are not part of this tenant.
        raise GraphError("value_invalid", property="directoryScopeId", resource="UnifiedRoleAssignment")
    kind, principal = refs.principal(request, body["principalId"])
    template = _template(request, body["roleDefinitionId"])
    if kind == "group" and not principal.get("isAssignableToRole"):
        raise GraphError("group_not_role_assignable")
    held = principal.setdefault("directoryRoles", [])
    if template in held:
        raise GraphError("role_assigned")
    held.append(template)
    request.changed()
    entry = _assignment(principal["id"], template)
    context = f"{request.base}/$metadata#roleManagement/directory/roleAssignments/$entity"
    return Reply(201, {"@odata.context": context, **entry})


def delete_assignment(request: Request, item: Object) -> Reply:
    _, principal = refs.principal(request, item["principalId"])
    principal["directoryRoles"] = [t for t in principal.get("directoryRoles", []) if t != item["roleDefinitionId"]]
    request.changed()
    return Reply(204)


def _assignments(request: Request, name: str, held: Callable[[Object], Iterable[str]]) -> Reply:
    rows = [_assignment(each["id"], template) for _, each in _holders(request) for template in held(each)]
    context = f"roleManagement/directory/{name}"
    return _expanded(request, documents(request, context, "unifiedRoleAssignment", _ASSIGNMENT, rows))


def _expanded(request: Request, answer: Reply) -> Reply:
    """The answer with what `$expand` asks for of each row."""
    expanded = request.call.query.get("$expand", "")
    for row in answer.body["value"]:
        if "roleDefinition" in expanded and "roleDefinitionId" in row:
            row["roleDefinition"] = _definition(request, row["roleDefinitionId"])
        if "principal" in expanded.split(",") and "principalId" in row:
            row["principal"] = {"@odata.type": "#microsoft.graph.directoryObject", "id": row["principalId"]}
    return answer


def _assignment(principal_id: str, template: str) -> Object:
    return {
        "id": _id(principal_id, template),
        "principalId": principal_id,
        "directoryScopeId": "/",
        "roleDefinitionId": template,
    }


def _id(principal_id: str, template: str, salt: str = "") -> str:
    seed = uuid.uuid5(uuid.NAMESPACE_OID, f"{template}/{principal_id}/{salt}".lower()).bytes
    return base64url.encode(seed * 2)


def _find_assignment(request: Request) -> Object:
    wanted = refs.key(request, "roleAssignmentId")
    for _, each in _holders(request):
        for template in each.get("directoryRoles", []):
            if _id(each["id"], template) == wanted:
                return _assignment(each["id"], template)
    raise GraphError("not_found", id=wanted)


def _holders(request: Request) -> list[tuple[str, Object]]:
    tenant = request.tenant
    kinds = (("user", tenant.users), ("group", tenant.groups), ("servicePrincipal", tenant.servicePrincipals))
    return [(kind, each) for kind, collection in kinds for each in collection.peek()]


# Privileged Identity Management


def list_eligibilities(request: Request, _: Any) -> Reply:
    """Who may activate what. guess: the members of a group that may have no rows of their own."""
    rows = _eligibilities(request, [(each, "Direct") for _, each in _holders(request)])
    return _schedules(request, f"roleManagement/directory/{_ELIGIBILITIES}", _ELIGIBILITIES, _ELIGIBLE, rows)


def my_eligibilities(request: Request, _: Any) -> Reply:
    """What the signed-in user may activate, also through a group."""
    rows = _eligibilities(request, _self_and_groups(request))
    context = "Collection(unifiedRoleEligibilityScheduleInstance)"
    return _schedules(request, context, _ELIGIBILITIES, _ELIGIBLE, rows)


def _eligibilities(request: Request, holders: list[tuple[Object, str]]) -> list[Object]:
    rows = [
        _instance(item, entry, member, "roleEligibilityScheduleId")
        for item, member in holders
        for entry in eligible(request.tenant, item)
    ]
    for row in rows:
        # source: graph-docs rbacapplication-list-roleeligibilityscheduleinstances: a GUID.
        row["roleEligibilityScheduleId"] = str(uuid.uuid5(uuid.NAMESPACE_OID, row["id"]))
    return rows


def my_assignments(request: Request, _: Any) -> Reply:
    """The signed-in user's active roles: assigned, or activated and not run out."""
    rows = []
    for item, member in _self_and_groups(request):
        for template in item.get("directoryRoles", []):
            row = _instance(item, {"roleDefinitionId": template}, member, "roleAssignmentScheduleId")
            rows.append({**row, "assignmentType": "Assigned", "roleAssignmentOriginId": _id(item["id"], template)})
        for entry in activated(request.tenant, item):
            row = _instance(item, entry, member, "roleAssignmentScheduleId")
            origin = _id(item["id"], entry["roleDefinitionId"], "activated")
            rows.append({**row, "assignmentType": "Activated", "roleAssignmentOriginId": origin})
    context = "Collection(unifiedRoleAssignmentScheduleInstance)"
    return _schedules(request, context, "roleAssignmentScheduleInstances", _ASSIGNED, rows)


def _schedules(request: Request, context: str, name: str, properties: tuple[str, ...], rows: list[Object]) -> Reply:
    if not licences.licensed(request.tenant, licences.P2):
        raise GraphError("pim_licence")
    kind = f"unified{name[0].upper()}{name[1:-1]}"
    return _expanded(request, documents(request, context, kind, properties, rows))


def _self_and_groups(request: Request) -> list[tuple[Object, str]]:
    me = refs.me(request)
    groups = [g for g in request.tenant.groups_of(me["id"]) if g.get("isAssignableToRole")]
    return [(me, "Direct"), *((group, "Group") for group in groups)]


def _instance(item: Object, entry: Object, member: str, schedule: str) -> Object:
    template = entry["roleDefinitionId"]
    return {
        "id": _id(item["id"], template, schedule),
        "principalId": item["id"],
        "roleDefinitionId": template,
        "directoryScopeId": "/",
        "appScopeId": None,
        "startDateTime": entry.get("startDateTime"),
        "endDateTime": entry.get("endDateTime"),
        "memberType": member,
        schedule: _id(item["id"], template, "schedule"),
    }


# Activated directory roles and their members, the older way


def list_directory_roles(request: Request, _: Any) -> Reply:
    return listing(request, "directoryRoles", "directoryRole", [("directoryRole", r) for r in _roles(request)])


def get_directory_role(request: Request, item: Object) -> Reply:
    return Reply(200, single(request, "directoryRole", item, "directoryRoles"))


def list_role_members(request: Request, item: Object) -> Reply:
    return listing(request, "directoryObjects", None, role_members(request.tenant, item))


def _roles(request: Request) -> list[Object]:
    """Those in the state, and those somebody holds."""
    held = [t for _, each in _holders(request) for t in each.get("directoryRoles", [])]
    known = [str(role["roleTemplateId"]) for role in request.tenant.directoryRoles]
    return [role_object(request.tenant, template) for template in dict.fromkeys([*known, *held])]


def _role(request: Request) -> Object:
    name = "roleTemplateId" if "roleTemplateId" in request.call.params else "id"
    return refs.among(request, _roles(request), name, by=name)


def _routes() -> list[Route]:
    found = route("GET", "/directoryRoles", "roles.read", list_directory_roles)
    for one in ("/directoryRoles/{id}", "/directoryRoles(roleTemplateId='{roleTemplateId}')"):
        found += route("GET", one, "roles.read", get_directory_role, _role)
        found += route("GET", f"{one}/members", "roles.read", list_role_members, _role)
    # source: graph-docs directoryroletemplate-list: the permissions of directoryRoles.
    found += route("GET", "/directoryRoleTemplates", "roles.read", list_role_templates)
    found += route("GET", "/directoryRoleTemplates/{templateId}", "roles.read", get_role_template, _find_role_template)
    read, write = "role_assignments.read", "role_assignments.write"
    found += route("GET", f"{_BASE}/roleDefinitions", read, list_definitions)
    found += route("GET", f"{_BASE}/roleDefinitions/{{definitionId}}", read, get_definition, _find_definition)
    found += route("GET", f"{_BASE}/roleAssignments", read, list_assignments)
    found += route("POST", f"{_BASE}/roleAssignments", write, create_assignment)
    one = f"{_BASE}/roleAssignments/{{roleAssignmentId}}"
    found += route("GET", one, read, get_assignment, _find_assignment)
    found += route("DELETE", one, write, delete_assignment, _find_assignment)
    found += route("GET", f"{_BASE}/transitiveRoleAssignments", read, list_transitive)
    mine = "filterByCurrentUser(on='principal')"
    found += route("GET", f"{_BASE}/{_ELIGIBILITIES}", "role_eligibility.read_all", list_eligibilities)
    found += route("GET", f"{_BASE}/{_ELIGIBILITIES}/{mine}", "role_eligibility.read", my_eligibilities)
    found += route("GET", f"{_BASE}/roleAssignmentScheduleInstances/{mine}", "role_schedule.read", my_assignments)
    return found


routes = _routes()
