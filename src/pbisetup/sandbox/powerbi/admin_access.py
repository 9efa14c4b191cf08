"""What one user may use, as an administrator asks for it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from pbisetup.sandbox import access, limits
from pbisetup.sandbox.gate.request import Request
from pbisetup.sandbox.powerbi import admin_view as view
from pbisetup.sandbox.powerbi import continuation
from pbisetup.sandbox.powerbi.causes import Refused
from pbisetup.sandbox.powerbi.service import context, route
from pbisetup.sandbox.store import Object
from pbisetup.sandbox.wire import Reply, Route

PAGE: Final = 5000
"""guess; `limits.artifactAccessPage` sets another number."""
# source: PowerBI-CSharp swagger (ArtifactType)
_TYPES: Final = {
    "Report", "PaginatedReport", "Dashboard", "Dataset", "Dataflow", "PersonalGroup", "Group", "Workspace", "Capacity",
    "App",
}  # fmt: skip


def artifact_access(request: Request) -> Reply:
    """Items, workspaces and capacities that a user may use, itself or by a group (that groups count is inferred)."""
    id_ = request.call.params["userId"]
    user = request.tenant.users.get(id_) or request.tenant.users.by("userPrincipalName", id_)
    if user is None:
        raise Refused("item_unknown")
    state = continuation.given(request) or {"from": 0, "types": request.call.query.get("artifactTypes", "")}
    wanted = {part.strip() for part in str(state.get("types", "")).split(",") if part.strip()}
    if wanted - _TYPES:
        raise Refused("input_invalid")
    found = [each for each in _entities(request, user) if not wanted or each["artifactType"] in wanted]
    first, size = state["from"], max(1, limits.limit(request.world, "artifactAccessPage", PAGE))
    after = {**state, "from": first + size} if len(found) > first + size else None
    body = {"@odata.context": context(request, "Microsoft.PowerBI.ServiceContracts.Api.V1.ArtifactAccessResponse")}
    entities = {"artifactAccessEntities": found[first : first + size]}
    return Reply(200, {**body, **entities, **continuation.next_page(request, after)})


def _entities(request: Request, user: Object) -> Iterator[Object]:
    groups = request.tenant.groups_of(user["id"], transitive=True)
    names = {user["id"].lower(), user["userPrincipalName"].lower(), *(group["id"].lower() for group in groups)}
    for place, owner in view.places(request):
        if owner is None:
            role = access.workspace_role(request.world, place, user["id"])
        else:
            role = "Admin" if owner is user else None
        if role is not None:
            shown = view.workspace(place, owner)
            yield _entity(place["id"], shown["name"], shown["type"], role)
        for kind in view.TYPE:
            for item in place.get(kind, []):
                held = [
                    entry[view.ACCESS[kind]]
                    for entry in view.item_users(request, kind, item, place, owner)
                    if {str(entry["identifier"]).lower(), str(entry["graphId"]).lower()} & names
                ]
                if held:
                    yield _entity(item[view.ID[kind]], item.get(view.NAME[kind]), view.TYPE[kind], max(held, key=len))
    for capacity in request.tenant.capacities:
        right = access.capacity_right(request.tenant, capacity, user["id"])
        if right:
            yield _entity(capacity["id"], capacity.get("displayName"), "Capacity", right)


def _entity(id_: str, name: object, type_: str, right: str) -> Object:
    return {"artifactId": id_, "displayName": name, "artifactType": type_, "accessRight": right}


routes: Final[list[Route]] = [route("Users_GetUserArtifactAccessAsAdmin", artifact_access)]
