"""The rows of the Power BI table that are about administration: capacities, the activity log, scans."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

from pbisetup.sandbox.wire import Reply
from tests.sandbox.gate_cases import Cases, workspace
from tests.sandbox.inprocess import Inside

ROOT = "/v1.0/myorg"
SCOPES = "Tenant.ReadWrite.All Capacity.ReadWrite.All Workspace.ReadWrite.All Workspace.Read.All"
PUBLIC = "ServicePrincipalAccessPermissionAPIs"
READ_ADMIN = "AllowServicePrincipalsUseReadAdminAPIs"
case = Cases()


def administer(
    inside: Inside,
    method: str,
    path: str,
    body: Any = None,
    query: dict[str, str] | None = None,
    *,
    name: str = "fabricadmin",
    **claims: Any,
) -> Reply:
    """A call of a user, the Fabric administrator unless said otherwise, to a path under the root."""
    now = int(inside.world.now().timestamp())  # the tenant's clock may have been moved
    told = {"scp": SCOPES, "nbf": now - 300, "exp": now + 3600, **claims}
    token = inside.token("powerbi", inside.user(name)["id"], **told)
    return inside.call("powerbi", method, f"{ROOT}/{path}", token, body, query)


def events(inside: Inside, days_ago: float = 0, **query: str) -> Reply:
    """The activity log of one whole day."""
    day = (inside.world.now() - timedelta(days=days_ago)).strftime("%Y-%m-%d")
    asked = {"startDateTime": f"'{day}T00:00:00'", "endDateTime": f"'{day}T23:59:59.999Z'", **query}
    return administer(inside, "GET", "admin/activityevents", query=asked)


@case("capacity_unknown")
def _(inside: Inside) -> Reply:
    """A developer has no right on the capacity."""
    capacity = next(iter(inside.tenant.capacities))["id"]
    path = f"groups/{workspace(inside)['id']}/AssignToCapacity"
    return administer(inside, "POST", path, {"capacityId": capacity}, name="developer")


@case("capacity_right_missing")
def _(inside: Inside) -> Reply:
    return administer(inside, "GET", f"groups/{workspace(inside)['id']}/CapacityAssignmentStatus", name="developer")


@case("activity_range_invalid")
def _(inside: Inside) -> Reply:
    tomorrow = (inside.world.now() + timedelta(days=1)).strftime("%Y-%m-%d")
    return events(inside, endDateTime=f"'{tomorrow}T00:00:00'")


@case("activity_too_old")
def _(inside: Inside) -> Reply:
    assert events(inside, days_ago=28).status == 200
    return events(inside, days_ago=29)


@case("activity_time_malformed")
def _(inside: Inside) -> Reply:
    return events(inside, startDateTime="'yesterday'")


@case("continuation_invalid")
def _(inside: Inside) -> Reply:
    return administer(inside, "GET", "admin/activityevents", query={"continuationToken": "'+RID:bm90aGluZw==#RT:1'"})


@case("scan_invalid")
def _(inside: Inside) -> Reply:
    ids = [str(uuid.uuid4()) for _ in range(101)]
    return administer(inside, "POST", "admin/workspaces/getInfo", {"workspaces": ids})


@case("scan_unknown")
def _(inside: Inside) -> Reply:
    return administer(inside, "GET", f"admin/workspaces/scanStatus/{uuid.uuid4()}")
