"""App-role assignments: admin consent for application permissions (source: entra.md 1.5)."""

from __future__ import annotations

import secrets
from typing import Any, Final

from pbisetup.sandbox.graph import lag, quotas, refs
from pbisetup.sandbox.graph.documents import matching
from pbisetup.sandbox.graph.errors import GraphError
from pbisetup.sandbox.graph.query import page
from pbisetup.sandbox.graph.schema import is_guid
from pbisetup.sandbox.graph.service import GRAPH_APP_ID, Request, route
from pbisetup.sandbox.graph.view import public
from pbisetup.sandbox.store import Object
from pbisetup.sandbox.wire import Reply, Route

_NO_ROLE: Final = "00000000-0000-0000-0000-000000000000"
_PROPERTIES: Final = {
    "id", "appRoleId", "createdDateTime", "principalDisplayName", "principalId", "principalType",
    "resourceDisplayName", "resourceId",
}  # fmt: skip


def list_of_principal(request: Request, item: Object) -> Reply:
    return _list(request, item, "appRoleAssignments", [a for a in _all(request) if a["principalId"] == item["id"]])


def list_of_resource(request: Request, item: Object) -> Reply:
    return _list(request, item, "appRoleAssignedTo", [a for a in _all(request) if a["resourceId"] == item["id"]])


def get_one(request: Request, item: Object) -> Reply:
    return Reply(200, _shown(request, item, _find(request, item)))


def create(request: Request, item: Object) -> Reply:
    """201, or 400 when the role is assigned already. Both sides of the relation take the same body."""
    body = request.call.json()
    values = {}
    for name in ("principalId", "resourceId", "appRoleId"):
        value = body.get(name)
        if value is None:
            raise GraphError("value_required", property=name, resource="AppRoleAssignment")
        if not is_guid(value):
            raise GraphError("value_invalid", property=name, resource="AppRoleAssignment")
        values[name] = value.lower()
    if item["id"] not in (values["principalId"], values["resourceId"]):
        raise GraphError("bad_reference")
    resource = request.tenant.servicePrincipals.get(values["resourceId"])
    if resource is None:
        raise GraphError("not_found", id=values["resourceId"])
    _require(request, resource)
    kind, principal = refs.principal(request, values["principalId"])
    for each in (principal, resource):
        lag.check(request.world, "assignments.create", each)
    _check_role(resource, values["appRoleId"], kind)
    held = [a for a in request.tenant.appRoleAssignments if a["principalId"] == principal["id"]]
    if any(a["resourceId"] == resource["id"] and a["appRoleId"] == values["appRoleId"] for a in held):
        raise GraphError("assignment_exists")
    most = quotas.of(request.world, "appRoleAssignmentsPerPrincipal")
    if len(held) >= most:
        raise GraphError("limit", what="app role assignments", limit=most)
    entry = {
        "id": secrets.token_urlsafe(32),
        "deletedDateTime": None,
        "appRoleId": values["appRoleId"],
        "createdDateTime": request.precise(),
        "principalDisplayName": principal.get("displayName"),
        "principalId": principal["id"],
        "principalType": {"user": "User", "group": "Group", "servicePrincipal": "ServicePrincipal"}[kind],
        "resourceDisplayName": resource.get("displayName"),
        "resourceId": resource["id"],
    }
    request.tenant.appRoleAssignments.add(entry)
    request.changed()
    return Reply(201, _shown(request, item, entry))


def delete(request: Request, item: Object) -> Reply:
    entry = _find(request, item)
    resource = request.tenant.servicePrincipals.get(entry["resourceId"])
    _require(request, resource or {})
    request.tenant.appRoleAssignments.remove(entry["id"])
    request.changed()
    return Reply(204)


def _require(request: Request, resource: Object) -> None:
    """Microsoft Graph's own roles need more than those of any other API (source: entra.md 2.1, 2.2)."""
    graph = resource.get("appId") == GRAPH_APP_ID
    request.require("assignments.write.graph" if graph else "assignments.write", resource)


def _check_role(resource: Object, role_id: str, kind: str) -> None:
    roles = resource.get("appRoles", [])
    if role_id == _NO_ROLE and not roles:
        return
    role = next((r for r in roles if str(r["id"]).lower() == role_id), None)
    member = "Application" if kind == "servicePrincipal" else "User"
    if role is None or member not in role.get("allowedMemberTypes", ["Application"]):
        raise GraphError("role_not_on_resource", app_id=resource["appId"])


def _all(request: Request) -> list[Object]:
    """Assignments whose both ends still exist."""
    tenant = request.tenant
    return [
        a
        for a in tenant.appRoleAssignments
        if tenant.principal(a["principalId"]) and a["resourceId"] in tenant.servicePrincipals
    ]


def _find(request: Request, item: Object) -> Object:
    entry = refs.one(request, request.tenant.appRoleAssignments, "assignmentId")
    if item["id"] not in (entry["principalId"], entry["resourceId"]):
        raise GraphError("not_found", id=refs.key(request, "assignmentId"))
    return entry


def _list(request: Request, item: Object, relation: str, entries: list[Object]) -> Reply:
    shown = [public(a) for a in matching(request, "appRoleAssignment", _PROPERTIES, entries)]
    return page(request, f"servicePrincipals('{item['id']}')/{relation}", shown, directory=True)


def _shown(request: Request, item: Object, entry: Object) -> Object:
    side = "appRoleAssignedTo" if "/approleassignedto" in request.call.path.lower() else "appRoleAssignments"
    context = f"{request.base}/$metadata#servicePrincipals('{item['id']}')/{side}/$entity"
    return {"@odata.context": context, **public(entry)}


def _routes() -> list[Route]:
    found: list[Route] = []
    find: Any = refs.service_principal
    for base in refs.SERVICE_PRINCIPALS:
        for relation, lister in (
            ("appRoleAssignments", list_of_principal),
            ("appRoleAssignedTo", list_of_resource),
        ):
            path = f"{base}/{relation}"
            found += route("GET", path, "assignments.read", lister, find)
            # The right depends on the resource, which the body names: the handler asks for it.
            found += route("POST", path, "assignments.change", create, find)
            found += route("GET", f"{path}/{{assignmentId}}", "assignments.read", get_one, find)
            found += route("DELETE", f"{path}/{{assignmentId}}", "assignments.change", delete, find)
    found += route("GET", "/me/appRoleAssignments", "me.read", list_of_principal, refs.me)
    return found


routes = _routes()
