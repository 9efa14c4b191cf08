"""Capacities: who sees them, and which workspaces run on them.

source: PowerBI-CSharp swagger (Capacity, WorkspaceCapacityAssignmentStatus and their examples); powerbi.md 7.
"""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Final

from pbisetup.sandbox import access
from pbisetup.sandbox.gate.request import Request
from pbisetup.sandbox.powerbi import body as given
from pbisetup.sandbox.powerbi.causes import Refused
from pbisetup.sandbox.powerbi.service import collection, context, route
from pbisetup.sandbox.store import Object
from pbisetup.sandbox.wire import Reply, Route

NOWHERE: Final = "00000000-0000-0000-0000-000000000000"
"""The capacity id that means none (source: swagger)."""


def list_capacities(request: Request) -> Reply:
    """Only those the caller has a right on."""
    rights = ((item, right(request, item)) for item in request.tenant.capacities)
    return collection(request, "capacities", [shown(item, held) for item, held in rights if held])


def right(request: Request, capacity: Object) -> str | None:
    """The caller's right on a capacity: `Admin`, `Assign` or None. A profile has its service principal's."""
    return access.capacity_right(request.tenant, capacity, request.caller.object_id)


def shown(item: Object, right: str) -> Object:
    """A capacity as Power BI lists it."""
    return {
        "id": item["id"],
        "displayName": item.get("displayName"),
        "admins": list(item.get("admins", [])),
        "sku": item.get("sku"),
        "state": item.get("state", "Active"),
        "region": item.get("region"),
        "capacityUserAccessRight": right,
    }


def assign(request: Request) -> Reply:
    """A workspace, or My workspace, onto a capacity that the caller may assign to, or off it; 200 with an empty body.

    That it takes the workspace's Admin is inferred. State: `_capacityAssignment`.
    """
    wanted = given.text(given.read(request), "capacityId")
    place = _place(request)
    capacity = None
    if wanted != NOWHERE:
        capacity = request.tenant.capacities.get(wanted)
        if capacity is None or not right(request, capacity):
            raise Refused("capacity_unknown")
    move(request, place, capacity)
    return Reply(200)


def move(request: Request, place: Object, capacity: Object | None) -> None:
    """Put a workspace on a capacity, or on none. At once: how long the service takes was not published."""
    now = request.world.now().timestamp()
    place["capacityId"] = capacity["id"] if capacity else None
    place["_capacityAssignment"] = {"at": now, "activityId": str(uuid.uuid4())}
    place["_modified"] = now
    request.changed()


def assignment_status(request: Request) -> Reply:
    """How the last assignment went; needs the same right on the capacity (source: swagger)."""
    place = _place(request)
    capacity = request.tenant.capacities.get(str(place.get("capacityId") or ""))
    if capacity is not None and not right(request, capacity):
        raise Refused("capacity_right_missing")
    body: Object = {"@odata.context": _status_context(request), "status": "CompletedSuccessfully"}
    last = place.get("_capacityAssignment")
    if last:
        moment = datetime.fromtimestamp(float(last["at"]), UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
        body |= {"activityId": last["activityId"], "startTime": moment, "endTime": moment}
    return Reply(200, {**body, "capacityId": capacity["id"].upper() if capacity else NOWHERE})


def _place(request: Request) -> Object:
    """The workspace of the path; without one the user's own."""
    if request.found is not None:
        return request.found
    found = request.person.get("myWorkspace")
    if not isinstance(found, dict):
        raise Refused("item_unknown")
    return found


def _status_context(request: Request) -> str:
    """guess: named after the type that the swagger gives the answer."""
    return context(request, "Microsoft.PowerBI.ServiceContracts.Api.V1.WorkspaceCapacityAssignmentStatus")


routes: Final[list[Route]] = [
    route("Capacities_GetCapacities", list_capacities),
    route("Groups_AssignToCapacity", assign, role="Admin"),
    route("Groups_AssignMyWorkspaceToCapacity", assign),
    route("Groups_CapacityAssignmentStatus", assignment_status, role="Viewer"),
    route("Groups_CapacityAssignmentStatusMyWorkspace", assignment_status),
]
