"""What the tenant's administrators see: every workspace, item and Git connection, and what a user has access to.

source: fabric-rest-api-specs (admin): a key of its own for each list, capacity ids of items in capitals, 10,000 records a
page (1,000 Git connections).
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

from pbisetup.sandbox import access
from pbisetup.sandbox.fabric import contents
from pbisetup.sandbox.fabric.causes import Refused
from pbisetup.sandbox.fabric.contents import Item
from pbisetup.sandbox.fabric.item_types import named
from pbisetup.sandbox.fabric.principals import described
from pbisetup.sandbox.fabric.service import collection, route
from pbisetup.sandbox.gate.request import Request
from pbisetup.sandbox.store import Object
from pbisetup.sandbox.wire import Reply, Route

_PERMISSIONS: Final = {
    "Viewer": ["Read"],
    "Contributor": ["Read", "Write", "Execute"],
    "Member": ["Read", "Write", "ReShare", "Execute"],
    "Admin": ["Read", "Write", "ReShare", "Execute"],
}
"""What a role gives on an item (source: a lakehouse's list recorded in microsoft/fabric-cli, of an Admin; the rest is
inferred).
"""


def list_workspaces(request: Request) -> Reply:
    """With `name`, `type`, `state` and `capacityId` as filters."""
    asked = request.call.query
    found = []
    for workspace in _workspaces(request):
        body = _workspace(workspace)
        if all(
            str(body.get(k, "")).lower() == asked[k].lower()
            for k in ("name", "type", "state", "capacityId")
            if k in asked
        ):
            found.append(body)
    return collection(request, found, key="workspaces")


def get_workspace(request: Request) -> Reply:
    return Reply(200, _workspace(_wanted(request)))


def list_workspace_users(request: Request) -> Reply:
    found = [
        {
            "principal": described(request.tenant, each["principal"]),
            "workspaceAccessDetails": {"type": "Workspace", "workspaceRole": each["role"]},
        }
        for each in _wanted(request).get("roleAssignments", [])
    ]
    return Reply(200, {"accessDetails": found})


def list_items(request: Request) -> Reply:
    """With `type`, `state`, `workspaceId` and `capacityId` as filters."""
    asked = request.call.query
    if "type" in asked and named(asked["type"]) is None:
        raise Refused("item_type_unknown")
    found = []
    for workspace in _workspaces(request):
        for each in contents.items(request.world, workspace):
            body = _item(request, workspace, each)
            keys = [k for k in ("type", "state", "workspaceId", "capacityId") if k in asked]
            if all(str(body.get(k, "")).lower() == asked[k].lower() for k in keys):
                found.append(body)
    return collection(request, found, key="itemEntities")


def get_item(request: Request) -> Reply:
    workspace = _wanted(request)
    wanted = request.call.params["itemId"].lower()
    for each in contents.items(request.world, workspace):
        if each.id.lower() == wanted:
            return Reply(200, _item(request, workspace, each))
    raise Refused("item_not_found")


def list_item_users(request: Request) -> Reply:
    workspace = _wanted(request)
    wanted = request.call.params["itemId"].lower()
    found = next((each for each in contents.items(request.world, workspace) if each.id.lower() == wanted), None)
    if found is None:
        raise Refused("item_not_found")
    shown = [
        {"principal": described(request.tenant, each["principal"]), "itemAccessDetails": _details(found, each["role"])}
        for each in workspace.get("roleAssignments", [])
    ]
    return Reply(200, {"accessDetails": shown})


def list_access(request: Request) -> Reply:
    """The items that a user, named by object id or user name, has access to."""
    tenant, name = request.tenant, request.call.params["userId"]
    user = tenant.users.get(name) or tenant.users.by("userPrincipalName", name)
    if user is None:
        raise Refused("principal_unknown")
    asked = request.call.query.get("type", "").lower()
    found = []
    for workspace in _workspaces(request):
        role = access.workspace_role(request.world, workspace, user["id"])
        for each in contents.items(request.world, workspace) if role else ():
            if asked in ("", each.type.lower()):
                about = {"id": each.id, "displayName": each.name, "category": "Item"}
                found.append({**about, "itemAccessDetails": _details(each, str(role))})
    return collection(request, found, key="accessEntities")


def list_git_connections(request: Request) -> Reply:
    """From the workspaces' `gitProviderDetails`."""
    found = [
        {"workspaceId": each["id"], "gitProviderDetails": each["gitProviderDetails"]}
        for each in _workspaces(request)
        if each.get("gitProviderDetails")
    ]
    return collection(request, found, most=1000)


def _workspaces(request: Request) -> list[Object]:
    return list(request.tenant.workspaces)


def _wanted(request: Request) -> Object:
    if request.found is None:
        raise Refused("entity_not_found")
    return request.found


def _workspace(workspace: Object) -> Object:
    """guess: every workspace of the state is active."""
    body = {"id": workspace["id"], "name": workspace["displayName"], "type": workspace.get("type", "Workspace")}
    return {
        **body,
        "state": "Active",
        **({"capacityId": workspace["capacityId"]} if workspace.get("capacityId") else {}),
    }


def _item(request: Request, workspace: Object, found: Item) -> Object:
    body: Object = {"id": found.id, "type": found.type, "name": found.name}
    if found.entry.get("description"):
        body["description"] = found.entry["description"]
    body["state"] = "Active"
    updated = found.entry.get("_updated")
    if updated is not None:
        body["lastUpdatedDate"] = datetime.fromtimestamp(float(updated), UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")
    body["workspaceId"] = workspace["id"]
    if workspace.get("capacityId"):
        body["capacityId"] = str(workspace["capacityId"]).upper()
    creator = found.entry.get("_creator")
    known: Any = request.tenant.principal(creator) if isinstance(creator, str) else None
    if known:
        kinds = {"user": "User", "group": "Group", "servicePrincipal": "ServicePrincipal"}
        body["creatorPrincipal"] = described(request.tenant, {"id": creator, "type": kinds[known[0]]})
    return body


def _details(found: Item, role: str) -> Object:
    return {"type": found.type, "permissions": _PERMISSIONS[role], "additionalPermissions": []}


routes: Final[list[Route]] = [
    route("admin.Workspaces_ListWorkspaces", list_workspaces),
    route("admin.Workspaces_ListGitConnections", list_git_connections),
    route("admin.Workspaces_GetWorkspace", get_workspace),
    route("admin.Workspaces_ListWorkspaceAccessDetails", list_workspace_users),
    route("admin.Items_ListItems", list_items),
    route("admin.Items_GetItem", get_item),
    route("admin.Items_ListItemAccessDetails", list_item_users),
    route("admin.Users_ListAccessEntities", list_access),
]
