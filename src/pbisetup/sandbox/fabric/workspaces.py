"""Workspaces, their role assignments, and capacities (source: powerbi.md 7)."""

from __future__ import annotations

import uuid
from typing import Any, Final

from pbisetup.sandbox import access
from pbisetup.sandbox.fabric.causes import Refused
from pbisetup.sandbox.fabric.service import READ, WRITE, Request, collection, open_to, route
from pbisetup.sandbox.store import Object
from pbisetup.sandbox.wire import Reply, Route

_TYPES: Final = {"user": "User", "group": "Group", "servicePrincipal": "ServicePrincipal"}
MOST_PRINCIPALS: Final = 1000


def list_workspaces(request: Request) -> Reply:
    """A user's own, then those where the caller has a role, itself or by a group."""
    return collection([*_mine(request), *(_shown(w) for w in request.tenant.workspaces if _role(request, w))])


def get_workspace(request: Request) -> Reply:
    workspace = workspace_of(request, "Viewer")
    capacity = request.tenant.capacities.get(str(workspace.get("capacityId")))
    more = _on_capacity(capacity) if capacity else {}
    return Reply(200, {**_shown(workspace), **more, "capacityAssignmentProgress": "Completed"})


def create_workspace(request: Request) -> Reply:
    """201. A service principal needs two more settings than a user (source: powerbi.md 7)."""
    body = request.call.json()
    caller = request.caller
    if caller.kind == "app":
        for setting in (access.CREATE_APIS, access.CREATE_WORKSPACES):
            if access.admission(request.tenant, setting, caller.object_id) != "admitted":
                raise Refused("creation_not_admitted")
    elif access.admission(request.tenant, access.CREATE_WORKSPACES, caller.object_id) != "admitted":
        raise Refused("creation_switch_off")
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
        "roleAssignments": [
            {"id": caller.object_id, "principal": {"id": caller.object_id, "type": type_}, "role": "Admin"}
        ],
    }
    request.tenant.workspaces.add(workspace)
    request.changed()
    where = f"{request.call.origin}/v1/workspaces/{workspace['id']}"
    return Reply(201, _shown(workspace), {"Location": where})


def delete_workspace(request: Request) -> Reply:
    """200 without a body; only its Admins may (source: Fabric REST reference, Workspaces - Delete Workspace)."""
    workspace = workspace_of(request, "Admin")
    request.tenant.workspaces.remove(workspace["id"])
    request.changed()
    return Reply(200)


def list_role_assignments(request: Request) -> Reply:
    workspace = workspace_of(request, "Member")
    return collection([_assignment(request, a) for a in workspace.get("roleAssignments", [])])


def get_role_assignment(request: Request) -> Reply:
    return Reply(200, _assignment(request, _entry(request, workspace_of(request, "Member"))))


def add_role_assignment(request: Request) -> Reply:
    """201 with Location. The principal is named by object id; a client id is nobody in Entra (powerbi.md
    7).
    """
    workspace = workspace_of(request, "Member")
    body = request.call.json()
    role = _wanted_role(request, workspace, body)
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
    entry = {"id": id_, "principal": {"id": id_, "type": _TYPES[found[0]]}, "role": role}
    entries.append(entry)
    request.changed()
    where = f"{request.call.origin}/v1/workspaces/{workspace['id']}/roleAssignments/{id_}"
    return Reply(201, entry, {"Location": where})


def change_role_assignment(request: Request) -> Reply:
    workspace = workspace_of(request, "Member")
    entry = _entry(request, workspace)
    role = _wanted_role(request, workspace, request.call.json())
    _only_admins_touch_admins(request, workspace, entry)
    entry["role"] = role
    request.changed()
    return Reply(200, _assignment(request, entry))


def remove_role_assignment(request: Request) -> Reply:
    workspace = workspace_of(request, "Member")
    entry = _entry(request, workspace)
    _only_admins_touch_admins(request, workspace, entry)
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


def _mine(request: Request) -> list[Object]:
    """My workspace of a user that has one (source: recorded in microsoft/fabric-cli, test_acls/class_setup)."""
    person = request.tenant.users.get(request.caller.object_id) if request.caller.kind == "user" else None
    id_ = ((person or {}).get("myWorkspace") or {}).get("id")
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


def _role(request: Request, workspace: Object) -> str | None:
    return access.workspace_role(request.tenant, workspace, request.caller.object_id)


def workspace_of(request: Request, least: str) -> Object:
    """The workspace of the path, where the caller has at least this role. Without any it is not found."""
    id_ = request.call.params["workspaceId"]
    workspace = request.tenant.workspaces.get(id_)
    role = _role(request, workspace) if workspace else None
    if workspace is None or role is None:
        raise Refused("workspace_not_found", id=id_)
    if not access.at_least(role, least):
        raise Refused("workspace_role_too_low")
    return workspace


def _wanted_role(request: Request, workspace: Object, body: Object) -> str:
    # Read without regard to case (source: recorded in microsoft/fabric-cli: `member` became `Member`).
    role = {name.lower(): name for name in access.ROLES}.get(str(body.get("role")).lower())
    if role is None:
        raise Refused("input_invalid", what="role")
    # A Member cannot make an Admin (source: workspace roles page, known).
    if role == "Admin" and _role(request, workspace) != "Admin":
        raise Refused("workspace_role_too_low")
    return role


def _only_admins_touch_admins(request: Request, workspace: Object, entry: Object) -> None:
    if entry["role"] == "Admin" and _role(request, workspace) != "Admin":
        raise Refused("workspace_role_too_low")


def _entry(request: Request, workspace: Object) -> Object:
    id_ = request.call.params["assignmentId"].lower()
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
        raise Refused("capacity_not_active")
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


_ONE: Final = "/v1/workspaces/{workspaceId}"
_ROLES: Final = f"{_ONE}/roleAssignments"

routes: Final[list[Route]] = [
    route("GET", "/v1/workspaces", open_to(*READ), list_workspaces),
    route("POST", "/v1/workspaces", open_to(*WRITE), create_workspace),
    route("GET", _ONE, open_to(*READ), get_workspace),
    route("DELETE", _ONE, open_to(*WRITE), delete_workspace),
    route("GET", _ROLES, open_to(*READ), list_role_assignments),
    route("POST", _ROLES, open_to(*WRITE), add_role_assignment),
    route("GET", f"{_ROLES}/{{assignmentId}}", open_to(*READ), get_role_assignment),
    route("PATCH", f"{_ROLES}/{{assignmentId}}", open_to(*WRITE), change_role_assignment),
    route("DELETE", f"{_ROLES}/{{assignmentId}}", open_to(*WRITE), remove_role_assignment),
    route("GET", "/v1/capacities", open_to("Capacity.Read.All", "Capacity.ReadWrite.All"), list_capacities),
]
