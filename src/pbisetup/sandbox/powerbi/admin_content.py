"""The administrator's lists of content: of the whole tenant, of one workspace, and who may use an item.

source: PowerBI-CSharp swagger (the operations ...AsAdmin with their limits and examples). Dataflows stand in
`workspaces[].dataflows`, the app of a workspace in `workspaces[].app`, both with Power BI's own property names.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from pbisetup.sandbox.gate.request import Request
from pbisetup.sandbox.powerbi import admin_view as view
from pbisetup.sandbox.powerbi import groups
from pbisetup.sandbox.powerbi.causes import Refused
from pbisetup.sandbox.powerbi.service import collection, number, route
from pbisetup.sandbox.store import Object
from pbisetup.sandbox.wire import Reply, Route

_FILTERABLE: Final = {
    "reports": {"id", "name", "datasetId", "reportType", "workspaceId", "createdBy", "modifiedBy"},
    "datasets": {"id", "name", "configuredBy", "isRefreshable", "targetStorageMode", "workspaceId"},
    "dashboards": {"id", "displayName", "isReadOnly", "workspaceId"},
    "dataflows": {"objectId", "name", "configuredBy", "workspaceId"},
    "imports": {"id", "name", "importState", "createdDateTime", "updatedDateTime"},
}
"""guess: the reference names no property."""
Handle = Callable[[Request], Reply]


def list_of(kind: str) -> Handle:
    """Every item of the tenant, or of the workspace of the path."""

    def handle(request: Request) -> Reply:
        wanted = request.call.params.get("groupId", "").lower()
        if wanted and not any(place["id"].lower() == wanted for place, _ in view.places(request)):
            raise Refused("item_unknown")
        values = []
        for item, place, owner in view.items(request, kind):
            if not wanted or place["id"].lower() == wanted:
                body = view.item(request, kind, item, place, owner)
                if wanted and kind == "dataflows":
                    del body["workspaceId"]  # the swagger has it in the tenant's list alone
                values.append(body | _expanded(request, kind, item))
        values = view.filtered(request, values, _FILTERABLE[kind])
        return collection(request, kind, groups.window(request, values))

    return handle


def users_of(kind: str, parameter: str) -> Handle:
    """Who may use one item."""

    def handle(request: Request) -> Reply:
        found = view.find(request, kind, request.call.params[parameter])
        return collection(request, "users", view.item_users(request, kind, *found))

    return handle


def datasources_of(kind: str, parameter: str) -> Handle:
    """What one item reads from. State: `_datasources`."""

    def handle(request: Request) -> Reply:
        item, _, _ = view.find(request, kind, request.call.params[parameter])
        sources = [{k: v for k, v in each.items() if not k.startswith("_")} for each in item.get("_datasources", [])]
        return collection(request, "datasources", sources)

    return handle


def tiles(request: Request) -> Reply:
    item, _, _ = view.find(request, "dashboards", request.call.params["dashboardId"])
    return collection(request, "tiles", _tiles(item))


def list_apps(request: Request) -> Reply:
    """`$top` is required. State: a workspace's `app`."""
    if "$top" not in request.call.query or number(request, "$top", 0, 5000) < 1:
        raise Refused("input_invalid")
    values = [
        {**{k: v for k, v in app.items() if not k.startswith("_")}, "workspaceId": place["id"]}
        for app, place in _apps(request)
    ]
    return collection(request, "apps", groups.window(request, values))


def app_users(request: Request) -> Reply:
    """State: `_users` of the app."""
    wanted = request.call.params["appId"].lower()
    for app, _ in _apps(request):
        if str(app["id"]).lower() == wanted:
            users = [view.given_user(request, "app", each) for each in app.get("_users", [])]
            return collection(request, "users", users)
    raise Refused("item_unknown")


def _apps(request: Request) -> list[tuple[Object, Object]]:
    return [(place["app"], place) for place in request.tenant.workspaces if isinstance(place.get("app"), dict)]


def _expanded(request: Request, kind: str, item: Object) -> Object:
    """What `$expand` adds: the tiles of dashboards."""
    if kind == "dashboards" and "tiles" in request.call.query.get("$expand", ""):
        return {"tiles": _tiles(item)}
    return {}


def _tiles(item: Object) -> list[Object]:
    return [{k: v for k, v in each.items() if not k.startswith("_")} for each in item.get("_tiles", [])]


routes: Final[list[Route]] = [
    route("Reports_GetReportsAsAdmin", list_of("reports")),
    route("Reports_GetReportsInGroupAsAdmin", list_of("reports")),
    route("Reports_GetReportUsersAsAdmin", users_of("reports", "reportId")),
    route("Datasets_GetDatasetsAsAdmin", list_of("datasets")),
    route("Datasets_GetDatasetsInGroupAsAdmin", list_of("datasets")),
    route("Datasets_GetDatasetUsersAsAdmin", users_of("datasets", "datasetId")),
    route("Datasets_GetDatasourcesAsAdmin", datasources_of("datasets", "datasetId")),
    route("Dashboards_GetDashboardsAsAdmin", list_of("dashboards")),
    route("Dashboards_GetDashboardsInGroupAsAdmin", list_of("dashboards")),
    route("Dashboards_GetDashboardUsersAsAdmin", users_of("dashboards", "dashboardId")),
    route("Dashboards_GetTilesAsAdmin", tiles),
    route("Dataflows_GetDataflowsAsAdmin", list_of("dataflows")),
    route("Dataflows_GetDataflowsInGroupAsAdmin", list_of("dataflows")),
    route("Dataflows_GetDataflowUsersAsAdmin", users_of("dataflows", "dataflowId")),
    route("Dataflows_GetDataflowDatasourcesAsAdmin", datasources_of("dataflows", "dataflowId")),
    route("Imports_GetImportsAsAdmin", list_of("imports")),
    route("Apps_GetAppsAsAdmin", list_apps),
    route("Apps_GetAppUsersAsAdmin", app_users),
]
