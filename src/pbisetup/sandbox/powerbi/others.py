"""What is not about one workspace: My workspace, features, capacities, and the admin lists."""

from __future__ import annotations

from typing import Any, Final

from pbisetup.sandbox import access
from pbisetup.sandbox.gate.request import Request
from pbisetup.sandbox.powerbi import groups
from pbisetup.sandbox.powerbi.causes import Refused
from pbisetup.sandbox.powerbi.service import collection, context, number, route
from pbisetup.sandbox.store import Object
from pbisetup.sandbox.wire import Reply, Route


def list_mine(kind: str) -> Any:
    """Reports, datasets or dashboards of the user's own workspace, from the user's object in the state."""

    def handle(request: Request) -> Reply:
        return collection(request, kind, list(request.person.get("myWorkspace", {}).get(kind, [])))

    return handle


def available_features(request: Request) -> Reply:
    """Needs no scope (source: swagger)."""
    body = {
        "@odata.context": context(request, "availableFeatures"),
        "features": [
            {
                "name": "embedTrial",
                "state": "Enabled",
                "extendedState": "Enabled",
                "additionalInfo": {"usage": 0},
            }
        ],
    }
    return Reply(200, body)


def list_capacities(request: Request) -> Reply:
    """Only those the caller has a right on."""
    rights = (
        (item, access.capacity_right(request.tenant, item, request.caller.object_id))
        for item in request.tenant.capacities
    )
    return collection(request, "capacities", [_capacity(item, right) for item, right in rights if right])


def admin_capacities(request: Request) -> Reply:
    return collection(request, "capacities", [_capacity(item, "Admin") for item in request.tenant.capacities])


def admin_groups(request: Request) -> Reply:
    """`$top` is required, at most 5000 (source: swagger)."""
    if "$top" not in request.call.query or number(request, "$top", 0, 5000) < 1:
        raise Refused("input_invalid")
    expand = "users" in request.call.query.get("$expand", "")
    values = []
    for item in request.tenant.workspaces:
        users = [groups.user(request, a) for a in item.get("roleAssignments", [])]
        body = {**groups.shown(item), "state": "Active", "hasWorkspaceLevelSettings": False}
        values.append({**body, "users": users} if expand else body)
    values = groups.filtered(request, values)
    return collection(request, "groups", groups.window(request, values), counted=True)


def _capacity(item: Object, right: str) -> Object:
    return {
        "id": item["id"],
        "displayName": item.get("displayName"),
        "admins": list(item.get("admins", [])),
        "sku": item.get("sku"),
        "state": item.get("state", "Active"),
        "region": item.get("region"),
        "capacityUserAccessRight": right,
    }


routes: Final[list[Route]] = [
    route("Reports_GetReports", list_mine("reports")),
    route("Datasets_GetDatasets", list_mine("datasets")),
    route("Dashboards_GetDashboards", list_mine("dashboards")),
    route("AvailableFeatures_GetAvailableFeatures", available_features),
    route("Capacities_GetCapacities", list_capacities),
    route("Admin_GetCapacitiesAsAdmin", admin_capacities),
    route("Groups_GetGroupsAsAdmin", admin_groups),
]
