"""Workspaces, their role assignments, and capacities (source: powerbi.md 7)."""

from __future__ import annotations

import uuid
from typing import Any, Final

from pbisetup.sandbox import access
from pbisetup.sandbox.fabric.causes import Refused
from pbisetup.sandbox.fabric.service import collection, route
from pbisetup.sandbox.gate.request import Request
from pbisetup.sandbox.store import Object
from pbisetup.sandbox.wire import Reply, Route

_TYPES: Final = {"user": "User", "group": "Group", "servicePrincipal": "ServicePrincipal"}
MOST_PRINCIPALS: Final = 1000


def list_workspaces(request: Request) -> Reply:
    """A user's own, then those where the caller has a role, itself or by a group."""
    return collection([*_mine(request), *(_shown(w) for w in request.tenant.workspaces if _sees(request, w))])


def get_workspace(request: Request) -> Reply:
    workspace = request.workspace
    capacity = request.tenant.capacities.get(str(workspace.get("capacityId")))
    more = _on_capacity(capacity) if capacity else {}
    return Reply(200, {**_shown(workspace), **more, "capacityAssignmentProgress": "Completed"})


def create_workspace(request: Request) -> Reply:
    """201."""
    body = request.call.json()
    caller = request.caller
    name = body.get("displayName")
    if not isinstance(name, str) or not name.strip() or len(name) > 256:
        raise Refused("input_invalid", what="displayName")
    if any(w["displayName"].lower() == name.lower() for w in request.tenant.workspaces):
        raise Refused("name_taken")
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
    return collection([_assignment(request, a) for a in workspace.get("roleAssignments", [])])


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
    if found is None or principal.get("type") not in _TYPES.values():
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
        {name: c.get(name) for name in ("id", "displayName", "sku", "region", "state")}
        for c in request.tenant.capacities
        if access.capacity_right(request.tenant, c, request.caller.object_id)
    ]
    return collection(shown)


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
    if capacity is None or not access.capacity_right(request.tenant, capacity, request.caller.object_id):
        raise Refused("capacity_not_found")
    if capacity.get("state", "Active") != "Active":
        raise Refused("that_capacity_not_active")
    return capacity


def _assignment(request: Request, entry: Object) -> Object:
    """With the details that Fabric shows of each kind of principal (source: fabspec, Principal)."""
    id_ = entry["principal"]["id"]
    kind, item = request.tenant.principal(id_) or ("", {})
    principal: Object = {
        "id": id_,
        "displayName": item.get("displayName"),
        "type": entry["principal"]["type"],
    }
    if kind == "servicePrincipal":
        principal["servicePrincipalDetails"] = {"aadAppId": item["appId"]}
    elif kind == "user":
        principal["userDetails"] = {"userPrincipalName": item.get("userPrincipalName")}
    elif kind == "group":
        principal["groupDetails"] = {"groupType": "SecurityGroup"}
    return {"id": entry.get("id", id_), "principal": principal, "role": entry["role"]}


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
    # Only its Admins may (source: Fabric REST reference, Workspaces - Delete Workspace).
    route("platform.Workspaces_DeleteWorkspace", delete_workspace, role="Admin"),
    route("platform.Workspaces_ListWorkspaceRoleAssignments", list_role_assignments, role="Member"),
    route("platform.Workspaces_AddWorkspaceRoleAssignment", add_role_assignment, role="Member"),
    route("platform.Workspaces_GetWorkspaceRoleAssignment", get_role_assignment, role="Member"),
    route("platform.Workspaces_UpdateWorkspaceRoleAssignment", change_role_assignment, role="Member"),
    route("platform.Workspaces_DeleteWorkspaceRoleAssignment", remove_role_assignment, role="Member"),
    route("platform.Capacities_ListCapacities", list_capacities),
]
