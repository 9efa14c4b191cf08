"""The administrator's routes about workspaces, capacities and profiles.

source: PowerBI-CSharp swagger (the operations ...AsAdmin with their limits and examples).
"""

from __future__ import annotations

from typing import Final

from pbisetup.sandbox.gate.fields import Fields
from pbisetup.sandbox.gate.request import Request
from pbisetup.sandbox.powerbi import admin_view as view
from pbisetup.sandbox.powerbi import body as given
from pbisetup.sandbox.powerbi import capacities, groups
from pbisetup.sandbox.powerbi.causes import Refused
from pbisetup.sandbox.powerbi.service import collection, context, number, route
from pbisetup.sandbox.store import Object
from pbisetup.sandbox.wire import Reply, Route

_EXPANDED: Final = ("users", "reports", "dashboards", "datasets", "dataflows", "workbooks")
_FILTERABLE: Final = {
    "id", "name", "type", "state", "description", "isReadOnly", "isOnDedicatedCapacity", "capacityId",
    "hasWorkspaceLevelSettings", *_EXPANDED,
}  # fmt: skip


def list_groups(request: Request) -> Reply:
    """`$top` is required, at most 5000."""
    if "$top" not in request.call.query or number(request, "$top", 0, 5000) < 1:
        raise Refused("input_invalid")
    expanded = _expanded(request)
    built = _EXPANDED if request.call.query.get("$filter") else expanded
    values = [_group(request, place, owner, built) for place, owner in view.places(request)]
    values = groups.window(request, view.filtered(request, values, _FILTERABLE))
    return collection(request, "groups", [_only(value, expanded) for value in values], counted=True)


def get_group(request: Request) -> Reply:
    place, owner = _place(request)
    body = _group(request, place, owner, _expanded(request))
    return Reply(200, {"@odata.context": context(request, "groups/$entity"), **body})


def list_group_users(request: Request) -> Reply:
    place, owner = _place(request)
    return collection(request, "users", view.workspace_users(request, place, owner))


def update_group(request: Request) -> Reply:
    """Name and description; on a capacity also the storage format of models."""
    _as_workspace_admin(request)
    body = given.read(request)
    description = given.optional_text(body, "description") if "description" in body else None
    answer = groups.update_group(request)
    if description is not None:
        request.workspace["description"] = description
    return answer


def add_user(request: Request) -> Reply:
    _as_workspace_admin(request)
    return groups.add_user(request)


def remove_user(request: Request) -> Reply:
    _as_workspace_admin(request)
    return groups.remove_user(request)


def list_capacities(request: Request) -> Reply:
    return collection(request, "capacities", [capacities.shown(item, "Admin") for item in request.tenant.capacities])


def list_capacity_users(request: Request) -> Reply:
    """Those who stand in the capacity's `admins` and `contributors`."""
    item = request.tenant.capacities.get(request.call.params["capacityId"])
    if item is None:
        raise Refused("item_unknown")
    named = [("Admin", each) for each in item.get("admins", [])]
    named += [("Assign", each) for each in item.get("contributors", [])]
    return collection(request, "users", [_capacity_user(request, right, str(each)) for right, each in named])


def assign_workspaces(request: Request) -> Reply:
    """Workspaces onto capacities; those that are not there change nothing (guess)."""
    body = given.read(request)
    if body.get("capacityMigrationAssignments") is None:
        raise given.invalid("capacityMigrationAssignments")
    moves = []
    for each in given.objects(body, "capacityMigrationAssignments"):
        capacity = request.tenant.capacities.get(given.text(each, "targetCapacityObjectId"))
        if capacity is None:
            raise Refused("capacity_unknown")
        moves.append((_named(each, "workspacesToAssign"), capacity))
    for wanted, capacity in moves:
        _move(request, wanted, capacity)
    return Reply(200)


def unassign_workspaces(request: Request) -> Reply:
    _move(request, _named(given.read(request), "workspacesToUnassign"), None)
    return Reply(200)


def list_profiles(request: Request) -> Reply:
    values = [
        {"id": each["id"], "displayName": each.get("displayName"), "servicePrincipalId": each["servicePrincipalId"]}
        for each in request.tenant.profiles
    ]
    values = view.filtered(request, values, {"id", "displayName", "servicePrincipalId"})
    return collection(request, "profiles", groups.window(request, values))


def delete_profile(request: Request) -> Reply:
    if request.tenant.profiles.remove(request.call.params["profileId"]) is None:
        raise Refused("item_unknown")
    request.changed()
    return Reply(200)


def _expanded(request: Request) -> tuple[str, ...]:
    """What `$expand` asks for. Raises Refused."""
    text = request.call.query.get("$expand", "")
    asked = tuple(part.strip() for part in text.split(",") if part.strip())
    if set(asked) - set(_EXPANDED):
        raise Refused("input_invalid")
    return asked


def _group(request: Request, place: Object, owner: Object | None, expanded: tuple[str, ...]) -> Object:
    body = view.workspace(place, owner)
    for kind in expanded:
        if kind == "users":
            body[kind] = view.workspace_users(request, place, owner)
        elif kind == "workbooks":
            body[kind] = []
        else:
            body[kind] = [view.item(request, kind, item, place, owner) for item in place.get(kind, [])]
    return body


def _only(body: Object, expanded: tuple[str, ...]) -> Object:
    """Without what was there for the filter alone."""
    return {name: value for name, value in body.items() if name not in _EXPANDED or name in expanded}


def _place(request: Request) -> tuple[Object, Object | None]:
    """The workspace of the path, also somebody's personal one. Raises Refused."""
    wanted = request.call.params["groupId"].lower()
    for place, owner in view.places(request):
        if place["id"].lower() == wanted:
            return place, owner
    raise Refused("item_unknown")


def _as_workspace_admin(request: Request) -> None:
    """A Fabric administrator changes any workspace as its Admins may. Raises Refused where there is none such."""
    if request.found is None:
        raise Refused("item_unknown")
    request.role = "Admin"


def _capacity_user(request: Request, right: str, name: str) -> Object:
    person = request.tenant.users.by("userPrincipalName", name) or request.tenant.users.get(name) or {}
    kind, found = request.tenant.principal(str(person.get("id", name))) or ("user", {})
    body: Object = {"capacityUserAccessRight": right, "identifier": person.get("userPrincipalName", name)}
    if found.get("displayName"):
        body["displayName"] = found["displayName"]
    if person:
        body["emailAddress"] = person["userPrincipalName"]
    type_ = {"servicePrincipal": "App", "group": "Group"}.get(kind, "User")
    return {**body, "graphId": found.get("id", name), "principalType": type_}


def _named(body: Fields, name: str) -> list[str]:
    """The workspaces that a body names. Raises Refused."""
    wanted = body.get(name)
    if not isinstance(wanted, list) or not all(isinstance(each, str) for each in wanted):
        raise given.invalid(name)
    return wanted


def _move(request: Request, wanted: list[str], capacity: Object | None) -> None:
    for each in wanted:
        place = request.tenant.workspaces.get(each)
        if place is not None:
            capacities.move(request, place, capacity)


routes: Final[list[Route]] = [
    route("Groups_GetGroupsAsAdmin", list_groups),
    route("Groups_GetGroupAsAdmin", get_group),
    route("Groups_UpdateGroupAsAdmin", update_group),
    route("Groups_GetGroupUsersAsAdmin", list_group_users),
    route("Groups_AddUserAsAdmin", add_user),
    route("Groups_DeleteUserAsAdmin", remove_user),
    route("Admin_GetCapacitiesAsAdmin", list_capacities),
    route("Capacities_GetCapacityUsersAsAdmin", list_capacity_users),
    route("Capacities_AssignWorkspacesToCapacity", assign_workspaces),
    route("Capacities_UnassignWorkspacesFromCapacity", unassign_workspaces),
    route("Profiles_GetProfilesAsAdmin", list_profiles),
    route("Profiles_DeleteProfileAsAdmin", delete_profile),
]
