"""Workspaces, their role assignments, and capacities (source: powerbi.md 7; fabric-rest-api-specs; recorded in
microsoft/fabric-cli).
"""

from __future__ import annotations

import uuid
from typing import Any, Final

from pbisetup.sandbox import access
from pbisetup.sandbox.fabric.causes import Refused
from pbisetup.sandbox.fabric.principals import described
from pbisetup.sandbox.fabric.service import collection, route, text
from pbisetup.sandbox.gate.request import Request
from pbisetup.sandbox.store import Object
from pbisetup.sandbox.wire import Reply, Route

_TYPES: Final = {
    "user": "User",
    "group": "Group",
    "servicePrincipal": "ServicePrincipal",
    "servicePrincipalProfile": "ServicePrincipalProfile",
}
MOST_PRINCIPALS: Final = 1000


def list_workspaces(request: Request) -> Reply:
    """A user's own, then those where the caller has a role, itself or by a group."""
    seen = [_shown(each) for each in request.tenant.workspaces if _sees(request, each)]
    return collection(request, [*_mine(request), *seen])


def get_workspace(request: Request) -> Reply:
    workspace = request.workspace
    capacity = request.tenant.capacities.get(str(workspace.get("capacityId")))
    more = _on_capacity(capacity) if capacity else {}
    identity = workspace.get("workspaceIdentity")
    more |= {"workspaceIdentity": identity} if identity else {}
    return Reply(200, {**_shown(workspace), **more, "capacityAssignmentProgress": "Completed"})


def create_workspace(request: Request) -> Reply:
    """201."""
    body = request.call.json()
    caller = request.caller
    name = text(body, "displayName")
    assert name is not None
    _free(request, name, None)
    capacity_id = body.get("capacityId")
    if capacity_id is not None:
        capacity_id = _capacity(request, capacity_id)["id"]
    type_ = _TYPES["user" if caller.kind == "user" else "servicePrincipal"]
    workspace = {
        "id": str(uuid.uuid4()),
        "displayName": name,
        **({"description": str(body["description"])} if body.get("description") else {}),
        "type": "Workspace",
        "capacityId": capacity_id,
        "roleAssignments": [access.assignment(request.world, caller.object_id, type_, "Admin")],
    }
    request.tenant.workspaces.add(workspace)
    request.changed()
    where = f"{request.call.origin}/v1/workspaces/{workspace['id']}"
    return Reply(201, _shown(workspace), {"Location": where})


def delete_workspace(request: Request) -> Reply:
    """200 without a body; only its Admins may (source: Fabric REST reference, Workspaces - Delete Workspace)."""
    workspace = request.workspace
    request.tenant.workspaces.remove(workspace["id"])
    request.changed()
    return Reply(200)


def list_role_assignments(request: Request) -> Reply:
    workspace = request.workspace
    return collection(request, [_assignment(request, a) for a in workspace.get("roleAssignments", [])])


def get_role_assignment(request: Request) -> Reply:
    return Reply(200, _assignment(request, _entry(request, request.workspace)))


def add_role_assignment(request: Request) -> Reply:
    """201 with Location. The principal is named by object id; a client id is nobody in Entra (powerbi.md
    7).
    """
    workspace = request.workspace
    body = request.call.json()
    role = _wanted_role(request, body)
    principal = body.get("principal")
    if not isinstance(principal, dict) or not isinstance(principal.get("id"), str):
        raise Refused("input_invalid", what="principal")
    found = request.tenant.principal(principal["id"])
    if principal.get("type") == "ServicePrincipalProfile" and request.tenant.profiles.get(principal["id"]):
        if role != "Admin":
            raise Refused("profile_needs_admin")
        found = ("servicePrincipalProfile", {"id": principal["id"].lower()})
    elif found is None or principal.get("type") not in _TYPES.values():
        raise Refused("principal_not_found").about("Workspace", workspace["id"], detail=("Principal", principal["id"]))
    entries = workspace.setdefault("roleAssignments", [])
    id_ = found[1]["id"]
    if any(a["principal"]["id"] == id_ for a in entries):
        raise Refused("principal_has_role")
    if len(entries) >= MOST_PRINCIPALS:
        raise Refused("too_many_principals")
    # The type is the principal's own, whatever the body calls it, and its details come with the next read
    # (source: recorded in microsoft/fabric-cli, test_acls_ls_workspace_success, 2025-09).
    entry = access.assignment(request.world, id_, _TYPES[found[0]], role)
    entries.append(entry)
    request.changed()
    where = f"{request.call.origin}/v1/workspaces/{workspace['id']}/roleAssignments/{id_}"
    return Reply(201, {k: v for k, v in entry.items() if not k.startswith("_")}, {"Location": where})


def change_role_assignment(request: Request) -> Reply:
    workspace = request.workspace
    entry = _entry(request, workspace)
    role = _wanted_role(request, request.call.json())
    _only_admins_touch_admins(request, entry)
    entry["role"] = role
    request.changed()
    return Reply(200, _assignment(request, entry))


def remove_role_assignment(request: Request) -> Reply:
    workspace = request.workspace
    entry = _entry(request, workspace)
    _only_admins_touch_admins(request, entry)
    workspace["roleAssignments"].remove(entry)
    request.changed()
    return Reply(200)


def list_capacities(request: Request) -> Reply:
    """Only those the caller may use (source: powerbi.md 7)."""
    shown = [
        _shown_capacity(each)
        for each in request.tenant.capacities
        if access.capacity_right(request.tenant, each, request.caller.object_id)
    ]
    return collection(request, shown)


def get_capacity(request: Request) -> Reply:
    """For those who may use it; guess: to others it does not exist."""
    found = request.tenant.capacities.get(request.call.params["capacityId"])
    if found is None or not access.capacity_right(request.tenant, found, request.caller.object_id):
        raise Refused("capacity_not_found")
    return Reply(200, _shown_capacity(found))


def update_workspace(request: Request) -> Reply:
    """Name and description."""
    workspace, body = request.workspace, request.call.json()
    name = text(body, "displayName", needed=False)
    if name is not None:
        _free(request, name, workspace)
    description = text(body, "description", most=4000, needed=False) if body.get("description") != "" else ""
    if name is not None:
        workspace["displayName"] = name
    if description is not None:
        workspace["description"] = description
    request.changed()
    return Reply(200, _shown(workspace))


def assign_to_capacity(request: Request) -> Reply:
    """202 without a body and without an operation: the workspace itself shows how far it is."""
    request.workspace["capacityId"] = _capacity(request, request.call.json().get("capacityId"))["id"]
    request.changed()
    return Reply(202)


def unassign_from_capacity(request: Request) -> Reply:
    request.workspace["capacityId"] = None
    request.changed()
    return Reply(202)


def _shown_capacity(capacity: Object) -> Object:
    """A paused one is Inactive here, whatever Azure calls it (source: recorded in microsoft/fabric-cli)."""
    shown = {name: capacity.get(name) for name in ("id", "displayName", "sku", "region")}
    return {**shown, "state": "Active" if capacity.get("state", "Active") == "Active" else "Inactive"}


def _sees(request: Request, workspace: Object) -> bool:
    return access.workspace_role(request.world, workspace, request.acting_id) is not None


def _mine(request: Request) -> list[Object]:
    """My workspace of a user that has one (source: recorded in microsoft/fabric-cli, test_acls/class_setup)."""
    id_ = (request.person.get("myWorkspace") or {}).get("id")
    return [{"id": id_, "displayName": "My workspace", "description": "", "type": "Personal"}] if id_ else []


def _on_capacity(capacity: Object) -> Object:
    """What only the read of one workspace shows of its capacity (source: recorded in microsoft/fabric-cli)."""
    region = str(capacity.get("region") or "")
    onelake = f"https://{region.replace(' ', '').lower()}-onelake"
    return {
        "capacityRegion": region,
        "oneLakeEndpoints": {
            "blobEndpoint": f"{onelake}.blob.fabric.microsoft.com",
            "dfsEndpoint": f"{onelake}.dfs.fabric.microsoft.com",
        },
    }


def _wanted_role(request: Request, body: Object) -> str:
    # Read without regard to case (source: recorded in microsoft/fabric-cli: `member` became `Member`).
    role = {name.lower(): name for name in access.ROLES}.get(str(body.get("role")).lower())
    if role is None:
        raise Refused("input_invalid", what="role")
    if role == "Admin" and request.role != "Admin":
        raise Refused("member_cannot_touch_admins")
    return role


def _only_admins_touch_admins(request: Request, entry: Object) -> None:
    if entry["role"] == "Admin" and request.role != "Admin":
        raise Refused("member_cannot_touch_admins")


def _entry(request: Request, workspace: Object) -> Object:
    id_ = request.call.params["workspaceRoleAssignmentId"].lower()
    for entry in workspace.get("roleAssignments", []):
        if id_ in (str(entry.get("id", "")).lower(), entry["principal"]["id"]):
            found: Object = entry
            return found
    raise Refused("entity_not_found")


def _capacity(request: Request, id_: Any) -> Object:
    capacity = request.tenant.capacities.get(id_) if isinstance(id_, str) else None
    if not isinstance(id_, str):
        raise Refused("input_invalid", what="capacityId")
    if capacity is None:
        raise Refused("capacity_not_found")
    if not access.capacity_right(request.tenant, capacity, request.caller.object_id):
        raise Refused("capacity_not_permitted")
    if capacity.get("state", "Active") != "Active":
        raise Refused("that_capacity_not_active", capacity=capacity["id"])
    return capacity


def _free(request: Request, name: str, own: Object | None) -> None:
    """Raises Refused where another workspace has the name."""
    if any(w is not own and w["displayName"].lower() == name.lower() for w in request.tenant.workspaces):
        raise Refused("name_taken")


def _assignment(request: Request, entry: Object) -> Object:
    principal = described(request.tenant, entry["principal"])
    return {"id": entry.get("id", principal["id"]), "principal": principal, "role": entry["role"]}


def _shown(workspace: Object) -> Object:
    shown = {
        "id": workspace["id"],
        "displayName": workspace["displayName"],
        # Left out where nobody gave one (source: recorded in microsoft/fabric-cli).
        **({"description": workspace["description"]} if "description" in workspace else {}),
        "type": workspace.get("type", "Workspace"),
    }
    if workspace.get("capacityId"):
        shown["capacityId"] = workspace["capacityId"]
    return shown


routes: Final[list[Route]] = [
    route("platform.Workspaces_ListWorkspaces", list_workspaces),
    route(
        "platform.Workspaces_CreateWorkspace",
        create_workspace,
        settings=(access.CREATE_WORKSPACES,),
        app_settings=(access.CREATE_APIS,),  # source: powerbi.md 7
    ),
    route("platform.Workspaces_GetWorkspace", get_workspace, role="Viewer"),
    # Only its Admins may change what it is (source: fabric-rest-api-specs).
    route("platform.Workspaces_UpdateWorkspace", update_workspace, role="Admin"),
    route("platform.Workspaces_DeleteWorkspace", delete_workspace, role="Admin"),
    route("platform.Workspaces_ListWorkspaceRoleAssignments", list_role_assignments, role="Member"),
    route("platform.Workspaces_AddWorkspaceRoleAssignment", add_role_assignment, role="Member"),
    route("platform.Workspaces_GetWorkspaceRoleAssignment", get_role_assignment, role="Member"),
    route("platform.Workspaces_UpdateWorkspaceRoleAssignment", change_role_assignment, role="Member"),
    route("platform.Workspaces_DeleteWorkspaceRoleAssignment", remove_role_assignment, role="Member"),
    route("platform.Workspaces_AssignToCapacity", assign_to_capacity, role="Admin"),
    route("platform.Workspaces_UnassignFromCapacity", unassign_from_capacity, role="Admin"),
    route("platform.Capacities_ListCapacities", list_capacities),
    route("platform.Capacities_GetCapacity", get_capacity),
]
