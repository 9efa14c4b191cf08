"""Lists and single reads of reports, dashboards, tiles and imports, in a workspace and in My workspace.

source: powerbi-swagger.json (Report, Page, Dashboard, Tile, Import and their examples).
"""

from __future__ import annotations

import copy
import uuid
from collections.abc import Callable
from typing import Final

from pbisetup.sandbox import access
from pbisetup.sandbox.gate.request import Request
from pbisetup.sandbox.powerbi import body as given
from pbisetup.sandbox.powerbi import content
from pbisetup.sandbox.powerbi.causes import Refused
from pbisetup.sandbox.powerbi.content import Found, Kind, find, pair, shown
from pbisetup.sandbox.powerbi.service import collection, context
from pbisetup.sandbox.store import Object
from pbisetup.sandbox.wire import Reply, Route


def below(request: Request) -> str:
    """Where the `@odata.context` stands: below the workspace of the path."""
    return f"/groups/{request.workspace['id']}" if request.found is not None else ""


def list_of(kind: Kind) -> Callable[[Request], Reply]:
    """Whatever the state holds in the workspace of the path, else in My workspace."""

    def handle(request: Request) -> Reply:
        place = request.found or content.my_workspace(request)
        return collection(request, kind, content.listed(request, kind, place), below=below(request))

    return handle


def one_of(kind: Kind, parameter: str) -> Callable[[Request], Reply]:
    """One item by its id."""

    def handle(request: Request) -> Reply:
        return entity(request, kind, shown(request, find(request, kind, request.call.params[parameter])))

    return handle


def entity(request: Request, name: str, body: Object) -> Reply:
    """One object as Power BI wraps it."""
    return Reply(200, {"@odata.context": context(request, f"{name}/$entity", below=below(request)), **body})


def delete(kind: Kind, parameter: str) -> Callable[[Request], Reply]:
    """Takes an item away; a model takes its reports with it (known)."""

    def handle(request: Request) -> Reply:
        found = content.writable(find(request, kind, request.call.params[parameter]))
        found.place[kind].remove(found.item)
        if kind == "datasets":
            reports = found.place.get("reports", [])
            found.place["reports"] = [each for each in reports if each.get("datasetId") != found.item["id"]]
        request.changed()
        return Reply(200)

    return handle


def pages(request: Request) -> Reply:
    """State: a report's `_pages`."""
    return collection(request, "pages", content.report(request).item.get("_pages", []), below=below(request))


def page(request: Request) -> Reply:
    for each in content.report(request).item.get("_pages", []):
        if each.get("name") == request.call.params["pageName"]:
            return entity(request, "pages", each)
    raise Refused("item_unknown")


def report_datasources(request: Request) -> Reply:
    """Those of the report's model."""
    found = content.report(request)
    model = content.anywhere(request, "datasets", str(found.item.get("datasetId", "")))
    sources = (model[0] if model else {}).get("_datasources", [])
    return collection(request, "datasources", [public(each) for each in sources], below=below(request))


def clone(request: Request) -> Reply:
    """The copy in the workspace that the body names, else beside the original. Takes Write on the report, and Build on
    another model (source: swagger); that another workspace takes a Contributor is inferred.
    """
    found = content.writable(content.report(request))
    body = given.read(request)
    name = given.text(body, "name")
    target, model = (given.optional_text(body, each) for each in ("targetWorkspaceId", "targetModelId"))
    place = found.place
    if target:
        home = content.my_workspace(request)
        nowhere = target.strip("0-") == ""  # the zero id means My workspace
        place = home if nowhere and home else request.tenant.workspaces.get(target) or {}
        role = content.role(request, place)
        if place is not home and not access.at_least(role, "Contributor"):
            raise Refused("item_unknown" if role is None else "workspace_role_too_low")
    if model:
        find_model(request, model)
    made = copy.deepcopy({key: value for key, value in found.item.items() if key not in ("webUrl", "embedUrl")})
    made |= {"id": str(uuid.uuid4()), "name": name, **({"datasetId": model} if model else {})}
    place.setdefault("reports", []).append(made)
    request.changed()
    copied = Found("reports", made, place, found.rights, not content.is_group(request, place))
    return entity(request, "reports", shown(request, copied))


def rebind(request: Request) -> Reply:
    """The report on another model, which the caller may build on."""
    found = content.writable(content.report(request))
    model = given.text(given.read(request), "datasetId")
    found.item["datasetId"] = find_model(request, model).item["id"]
    request.changed()
    return Reply(200)


def find_model(request: Request, id_: str) -> Found:
    """A model in any workspace that the caller may build on. Raises Refused."""
    there = content.anywhere(request, "datasets", id_)
    if there is None:
        raise Refused("item_unknown")
    item, place = there
    held = content.rights(request, place, item)
    if "Explore" not in held:
        raise Refused("item_unknown")
    return Found("datasets", item, place, held, not content.is_group(request, place))


def tiles(request: Request) -> Reply:
    """State: a dashboard's `_tiles`."""
    found = find(request, "dashboards", request.call.params["dashboardId"])
    return collection(request, "tiles", [_tile(request, found, each) for each in _tiles(found)], below=below(request))


def tile(request: Request) -> Reply:
    found = find(request, "dashboards", request.call.params["dashboardId"])
    return entity(request, "tiles", _tile(request, found, the_tile(found, request.call.params["tileId"])))


def the_tile(found: Found, id_: str) -> Object:
    """The tile of a dashboard. Raises Refused."""
    for each in _tiles(found):
        if each["id"].lower() == id_.lower():
            return each
    raise Refused("item_unknown")


def public(item: Object) -> Object:
    """An object without what is private."""
    return {name: value for name, value in item.items() if not name.startswith("_")}


def _tiles(found: Found) -> list[Object]:
    held: list[Object] = found.item.get("_tiles", [])
    return held


def _tile(request: Request, found: Found, item: Object) -> Object:
    address = f"{content.portal(request)}/embed?dashboardId={found.id}&tileId={item['id']}"
    return {**public(item), "embedUrl": item.get("embedUrl", address)}


routes: Final[list[Route]] = [
    *pair("Reports_GetReports", list_of("reports"), "Viewer"),
    *pair("Reports_GetReport", one_of("reports", "reportId"), "Viewer"),
    *pair("Reports_DeleteReport", delete("reports", "reportId"), "Contributor"),
    *pair("Reports_GetPages", pages, "Viewer"),
    *pair("Reports_GetPage", page, "Viewer"),
    *pair("Reports_GetDatasources", report_datasources, "Viewer"),
    *pair("Reports_CloneReport", clone, "Contributor"),
    *pair("Reports_RebindReport", rebind, "Contributor"),
    *pair("Datasets_GetDatasets", list_of("datasets"), "Viewer"),
    *pair("Datasets_GetDataset", one_of("datasets", "datasetId"), "Viewer"),
    *pair("Datasets_DeleteDataset", delete("datasets", "datasetId"), "Contributor"),
    *pair("Dashboards_GetDashboards", list_of("dashboards"), "Viewer"),
    *pair("Dashboards_GetDashboard", one_of("dashboards", "dashboardId"), "Viewer"),
    *pair("Dashboards_GetTiles", tiles, "Viewer"),
    *pair("Dashboards_GetTile", tile, "Viewer"),
    *pair("Imports_GetImports", list_of("imports"), "Viewer"),
    *pair("Imports_GetImport", one_of("imports", "importId"), "Viewer"),
]
