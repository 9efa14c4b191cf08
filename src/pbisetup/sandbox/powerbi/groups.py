"""Workspaces as Power BI lists them (`groups`), and who has access to them.

source: powerbi-swagger.json (Group, GroupUser and their examples); powerbi.md 6.1, 7.
"""

from __future__ import annotations

import uuid
from typing import Final

from pbisetup.sandbox import access, odata
from pbisetup.sandbox.gate.fields import Fields
from pbisetup.sandbox.gate.request import Request
from pbisetup.sandbox.powerbi import body as given
from pbisetup.sandbox.powerbi.causes import Refused
from pbisetup.sandbox.powerbi.service import collection, context, number, route
from pbisetup.sandbox.store import Object
from pbisetup.sandbox.wire import Reply, Route

_FABRIC_TYPES: Final = {"App": "ServicePrincipal", "Group": "Group", "User": "User"}
_TYPES: Final = {"ServicePrincipal": "App", "ServicePrincipalProfile": "App", "Group": "Group", "User": "User"}
_FORMATS: Final = ("Small", "Large")
_FILTERABLE: Final = {
    "id",
    "name",
    "type",
    "isReadOnly",
    "isOnDedicatedCapacity",
    "capacityId",
    "state",
    "users",
}


def list_groups(request: Request) -> Reply:
    """The workspaces where the caller has a role, itself or by a group."""
    mine = [
        shown(item)
        for item in request.tenant.workspaces
        if access.workspace_role(request.world, item, request.acting_id)
    ]
    return collection(request, "groups", window(request, filtered(request, mine)), counted=True)


def get_group(request: Request) -> Reply:
    return Reply(200, {"@odata.context": context(request, "groups/$entity"), **shown(request.workspace)})


def create_group(request: Request) -> Reply:
    """200, and the caller its Admin. Needs the settings for creating workspaces; names are taken once in a tenant."""
    made: Object = {
        "id": str(uuid.uuid4()),
        "displayName": _name(request, None),
        "type": "Workspace",
        "roleAssignments": [],
    }
    type_ = "ServicePrincipalProfile" if request.profile else "ServicePrincipal" if request.is_app else "User"
    entry = access.assignment(request.world, request.acting_id, type_, "Admin")
    entry.pop("_since", None)
    made["roleAssignments"].append(entry)
    request.tenant.workspaces.add(made)
    request.changed()
    return Reply(200, {"@odata.context": context(request, "groups/$entity"), **shown(made)})


def update_group(request: Request) -> Reply:
    """Its name, and on a capacity the storage format of its models (source: swagger)."""
    item, body = request.workspace, given.read(request)
    form = given.choice(body, "defaultDatasetStorageFormat", _FORMATS)
    if form is not None and not item.get("capacityId"):
        raise given.invalid("defaultDatasetStorageFormat")
    if "name" in body:
        item["displayName"] = _name(request, item)
    if form is not None:
        item["defaultDatasetStorageFormat"] = form
    request.changed()
    return Reply(200)


def delete_group(request: Request) -> Reply:
    request.tenant.workspaces.remove(request.workspace["id"])
    request.changed()
    return Reply(200)


def _name(request: Request, own: Object | None) -> str:
    name = given.text(given.read(request), "name")
    if len(name) > 256:
        raise given.invalid("name")
    for other in request.tenant.workspaces.peek():
        if other is not own and str(other.get("displayName", "")).lower() == name.lower():
            raise Refused("workspace_name_taken")
    return name


def list_users(request: Request) -> Reply:
    item = request.workspace
    users = window(request, [user(request, a) for a in item.get("roleAssignments", [])])
    # The context is below the workspace (source: recorded in a Terraform provider for Power BI).
    return collection(request, "users", users, below=f"/groups/{item['id']}")


def add_user(request: Request) -> Reply:
    """200 with an empty body."""
    item = request.workspace
    type_, id_, right = _details(request)
    entries = item.setdefault("roleAssignments", [])
    if any(a["principal"]["id"] == id_ for a in entries):
        raise Refused("already_has_access")
    entries.append(access.assignment(request.world, id_, type_, right))
    request.changed()
    return Reply(200)


def change_user(request: Request) -> Reply:
    item = request.workspace
    _, id_, right = _details(request)
    entry = _entry(item, id_)
    _only_admins_touch_admins(request, entry)
    if right != "Admin":
        _another_admin_stays(item, entry)
    entry["role"] = right
    request.changed()
    return Reply(200)


def remove_user(request: Request) -> Reply:
    """By user name, or object id of a user, group or service principal; `profileId` for one of its profiles."""
    item = request.workspace
    name = request.call.params["user"]
    person = request.tenant.users.by("userPrincipalName", name)
    profile = request.call.query.get("profileId")
    entry = _entry(item, person["id"] if person else (profile or name).lower())
    _only_admins_touch_admins(request, entry)
    _another_admin_stays(item, entry)
    item["roleAssignments"].remove(entry)
    request.changed()
    return Reply(200)


def shown(item: Object) -> Object:
    """A workspace as a Group."""
    capacity = item.get("capacityId")
    body = {"id": item["id"], "isReadOnly": False, "isOnDedicatedCapacity": bool(capacity)}
    if capacity:
        # In capitals, unlike every other id (source: recorded in a Terraform provider for Power BI).
        form = item.get("defaultDatasetStorageFormat", "Small")
        body |= {"capacityId": capacity.upper(), "defaultDatasetStorageFormat": form}
    type_ = "Group" if item.get("classic") else item.get("type", "Workspace")
    return {**body, "type": type_, "name": item["displayName"]}


def user(request: Request, assignment: Object) -> Object:
    """A role assignment as a GroupUser; `identifier` is the user name of a user and the object id of
    others.
    """
    id_ = assignment["principal"]["id"]
    profile = request.tenant.profiles.get(id_)
    if profile is not None:
        id_ = profile["servicePrincipalId"]
    _, item = request.tenant.principal(id_) or ("", {})
    body: Object = {"groupUserAccessRight": assignment["role"]}
    if item.get("displayName"):
        body["displayName"] = item["displayName"]
    name = item.get("userPrincipalName")
    if name:
        body["emailAddress"] = name
    type_ = _TYPES.get(assignment["principal"].get("type"), "App")
    body |= {"identifier": name or id_, "principalType": type_}
    if profile is not None:
        body["profile"] = {"id": profile["id"], "displayName": profile.get("displayName")}
    return body


def filtered(request: Request, values: list[Object]) -> list[Object]:
    """What `$filter` leaves. Raises Refused."""
    text = request.call.query.get("$filter")
    if not text:
        return values
    try:
        expression = odata.parse(text, exact=True)
    except odata.BadFilter:
        raise Refused("input_invalid") from None
    if expression.properties() - _FILTERABLE:
        raise Refused("input_invalid")
    return [value for value in values if expression.matches(value)]


def window(request: Request, values: list[Object], default: int = 5000) -> list[Object]:
    """What `$skip` and `$top` leave (source: swagger; the greatest $top is 5000)."""
    skip = number(request, "$skip", 0, 1_000_000)
    return values[skip : skip + number(request, "$top", default, 5000)]


def _details(request: Request) -> tuple[str, str, str]:
    """(Fabric's principal type, object id, access right) of a GroupUser body. Raises Refused.

    A classic workspace knows no service principals, and from this API only Admins (source: powerbi-docs#797,
    DevScope/powerbi-powershell-modules#40).
    """
    body = given.read(request)
    classic = bool(request.workspace.get("classic"))
    right = given.choice(body, "groupUserAccessRight", access.ROLES)
    if right is None:
        raise given.invalid("groupUserAccessRight")
    if right == "Admin" and request.role != "Admin":
        raise Refused("member_cannot_touch_admins")
    name = body.get("identifier") or body.get("emailAddress")
    told = body.get("principalType") or ("User" if body.get("emailAddress") else None)
    type_ = given.match(told, tuple(_FABRIC_TYPES))
    if type_ is None or (classic and type_ == "App"):
        raise Refused("principal_type_missing")
    if classic and right != "Admin":
        raise Refused("classic_takes_admins_only")
    if not isinstance(name, str):
        raise given.invalid("identifier")
    id_ = _principal_id(request, type_, name)
    profile = body.get("profile")
    if profile is None:
        return _FABRIC_TYPES[type_], id_, right
    return "ServicePrincipalProfile", _profile_id(request, id_, profile), right


def _profile_id(request: Request, principal_id: str, profile: object) -> str:
    """The profile that a body names beside its service principal. Raises Refused."""
    id_ = profile.get("id") if isinstance(profile, Fields) else None
    found = request.tenant.profiles.get(id_) if isinstance(id_, str) else None
    if found is None or found.get("servicePrincipalId") != principal_id:
        raise Refused("principal_unknown")
    return str(found["id"])


def _principal_id(request: Request, type_: str, name: str) -> str:
    """The object id that an identifier means.

    source: powerbi.md 6.1: a client id in place of the service principal's object id fails so; 7: group
    id, upn.
    """
    tenant = request.tenant
    if type_ == "App":
        found = tenant.servicePrincipals.get(name)
        if found is None:
            raise Refused("service_principal_unknown")
    elif type_ == "Group":
        found = tenant.groups.get(name)
    else:
        found = tenant.users.by("userPrincipalName", name) or tenant.users.get(name)
    if found is None:
        raise Refused("principal_unknown")
    return str(found["id"])


def _entry(item: Object, id_: str) -> Object:
    for entry in item.get("roleAssignments", []):
        if entry["principal"]["id"] == id_:
            found: Object = entry
            return found
    raise Refused("has_no_access")


def _only_admins_touch_admins(request: Request, entry: Object) -> None:
    if entry["role"] == "Admin" and request.role != "Admin":
        raise Refused("member_cannot_touch_admins")


def _another_admin_stays(item: Object, entry: Object) -> None:
    """That the last admin cannot be demoted either is inferred."""
    others = [each for each in item["roleAssignments"] if each is not entry and each["role"] == "Admin"]
    if entry["role"] == "Admin" and not others:
        raise Refused("last_admin")


routes: Final[list[Route]] = [
    route("Groups_GetGroups", list_groups),
    route("Groups_CreateGroup", create_group, settings=(access.CREATE_WORKSPACES,), app_settings=(access.CREATE_APIS,)),
    route("Groups_GetGroup", get_group, role="Viewer"),
    route("Groups_UpdateGroup", update_group, role="Admin"),
    route("Groups_DeleteGroup", delete_group, role="Admin"),
    route("Groups_GetGroupUsers", list_users, role="Viewer"),
    route("Groups_AddGroupUser", add_user, role="Member"),
    route("Groups_UpdateGroupUser", change_user, role="Member"),
    route("Groups_DeleteUserInGroup", remove_user, role="Member"),
]
