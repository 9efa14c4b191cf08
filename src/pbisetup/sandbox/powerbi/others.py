"""What is not about one workspace: My workspace, features, capacities, and the admin lists."""

from __future__ import annotations

from typing import Any, Final

from pbisetup.sandbox import access
from pbisetup.sandbox.powerbi import groups
from pbisetup.sandbox.powerbi.causes import Refused
from pbisetup.sandbox.powerbi.service import (
    Request,
    admin_only,
    collection,
    my_workspace,
    open_to,
    route,
    throttle,
)
from pbisetup.sandbox.store import Object
from pbisetup.sandbox.wire import Reply, Route

_TENANT: Final = ("Tenant.Read.All", "Tenant.ReadWrite.All")
_HOUR: Final = 3600


def list_mine(kind: str) -> Any:
    """Reports, datasets or dashboards of the user's own workspace, from the user's object in the state."""

    def handle(request: Request) -> Reply:
        person = request.tenant.users.get(request.caller.object_id) or {}
        return collection(request, kind, list(person.get("myWorkspace", {}).get(kind, [])))

    return handle


def available_features(request: Request) -> Reply:
    """Needs no scope (source: swagger)."""
    body = {
        "@odata.context": f"{request.call.origin}/v1.0/myorg/$metadata#availableFeatures",
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
    """source: powerbi.md 7: 200 requests an hour."""
    throttle(request, "admin_capacities_per_hour", request.caller.object_id, 200, _HOUR)
    return collection(request, "capacities", [_capacity(item, "Admin") for item in request.tenant.capacities])


def admin_groups(request: Request) -> Reply:
    """`$top` is required, at most 5000; 50 requests an hour and 15 a minute per tenant (source: swagger)."""
    throttle(request, "admin_groups_per_minute", request.tenant.id, 15, 60)
    throttle(request, "admin_groups_per_hour", request.tenant.id, 50, _HOUR)
    if "$top" not in request.call.query or request.number("$top", 0, 5000) < 1:
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
    *(
        route("GET", f"/{kind}", my_workspace(f"{scope}.Read.All", f"{scope}.ReadWrite.All"), list_mine(kind))
        for kind, scope in (("reports", "Report"), ("datasets", "Dataset"), ("dashboards", "Dashboard"))
    ),
    route("GET", "/availableFeatures", open_to(), available_features),
    route("GET", "/capacities", open_to("Capacity.Read.All", "Capacity.ReadWrite.All"), list_capacities),
    route("GET", "/admin/capacities", admin_only(*_TENANT), admin_capacities),
    route("GET", "/admin/groups", admin_only(*_TENANT), admin_groups),
]
