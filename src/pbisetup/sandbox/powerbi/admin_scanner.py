"""Metadata scanning: which workspaces changed, a scan of up to a hundred of them, and what it found.

source: PowerBI-CSharp swagger (WorkspaceInfo_*); powerbi-docs service-admin-metadata-scanning-setup: tables and columns are
there only where the setting for detailed metadata admits the caller, measures and queries only with the one for expressions.
Both are about whom the setting admits (inferred). A scan is kept for 24 hours (`scans` in the state); what it found is read
when it is asked for, not when it was begun, unlike the service.
"""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from pbisetup.sandbox.gate.request import GUID, Request
from pbisetup.sandbox.powerbi import admin_view as view
from pbisetup.sandbox.powerbi import body as given
from pbisetup.sandbox.powerbi.causes import Refused
from pbisetup.sandbox.powerbi.service import context, route
from pbisetup.sandbox.store import Object
from pbisetup.sandbox.wire import Reply, Route

DETAILED: Final = "AdminApisIncludeDetailedMetadata"
EXPRESSIONS: Final = "AdminApisIncludeExpressions"
_MOST: Final = 100
_AT_ONCE: Final = 16
_KEPT_SECONDS: Final = 24 * 3600
_FLAGS: Final = ("lineage", "datasourceDetails", "datasetSchema", "datasetExpressions", "getArtifactUsers")
_TILE: Final = ("id", "title", "reportId", "datasetId")
_NOT_SCANNED: Final = (
    "webUrl", "embedUrl", "createReportEmbedURL", "qnaEmbedURL", "addRowsAPIEnabled", "isRefreshable",
    "isEffectiveIdentityRequired", "isEffectiveIdentityRolesRequired", "isOnPremGatewayRequired",
    "isInPlaceSharingEnabled",
)  # fmt: skip
_YOUNGEST: Final = timedelta(minutes=30)
_OLDEST: Final = timedelta(days=30)


def modified(request: Request) -> Reply:
    """The ids alone, as a bare array. State: a workspace's `_modified`, which every change of it writes."""
    since = request.call.query.get("modifiedSince")
    moment = _since(request, since) if since is not None else None
    shared_only = _flag(request, "excludePersonalWorkspaces")
    _flag(request, "excludeInActiveWorkspaces")  # every workspace here is active
    ids = [
        {"id": place["id"]}
        for place, owner in view.places(request)
        if not (shared_only and owner) and (moment is None or float(place.get("_modified", 0)) > moment)
    ]
    return Reply(200, ids)


def post_scan(request: Request) -> Reply:
    """202 with the scan's id; it takes `weather.scan_seconds`."""
    wanted = given.read(request).get("workspaces")
    if not isinstance(wanted, list) or not 1 <= len(wanted) <= _MOST:
        raise Refused("scan_invalid")
    if not all(isinstance(each, str) and GUID.fullmatch(each) for each in wanted):
        raise Refused("scan_invalid")
    flags = {name: _flag(request, name) for name in _FLAGS}
    now = request.world.now().timestamp()
    scans = request.tenant.section("scans")
    for id_ in [id_ for id_, each in scans.items() if float(each["at"]) + _KEPT_SECONDS <= now]:
        del scans[id_]
    if sum(float(each["ends"]) > now for each in scans.values()) >= _AT_ONCE:
        soonest = min(float(each["ends"]) for each in scans.values() if float(each["ends"]) > now)
        wait = str(max(1, round(soonest - now)))
        raise Refused("too_many_requests", headers={"Retry-After": wait}, wait=wait)
    id_ = str(uuid.uuid4())
    ends = now + float(request.tenant.section("weather").get("scan_seconds", 0))
    scans[id_] = {"at": now, "ends": ends, "workspaces": wanted, "flags": flags}
    request.changed()
    location = f"{request.call.origin}{request.call.path.rpartition('/')[0]}/scanStatus/{id_}"
    return Reply(202, _status(request, id_, scans[id_], status="NotStarted"), {"Location": location})


def scan_status(request: Request) -> Reply:
    id_, scan = _scan(request)
    return Reply(200, _status(request, id_, scan))


def scan_result(request: Request) -> Reply:
    """Only after the scan succeeded."""
    _, scan = _scan(request)
    if not _over(request, scan):
        raise Refused("scan_unknown")
    wanted = {str(each).lower() for each in scan["workspaces"]}
    sources: dict[str, Object] = {}
    found = [
        _workspace(request, place, owner, scan["flags"], sources)
        for place, owner in view.places(request)
        if place["id"].lower() in wanted
    ]
    body: Object = {"workspaces": found}
    if scan["flags"].get("datasourceDetails"):
        body |= {"datasourceInstances": list(sources.values()), "misconfiguredDatasourceInstances": []}
    return Reply(200, body)


def _since(request: Request, text: str) -> float:
    """A moment between 30 minutes and 30 days ago. Raises Refused."""
    try:
        moment = datetime.fromisoformat(text.strip("'").removesuffix("Z")[:26])
    except ValueError:
        raise Refused("input_invalid") from None
    ago = request.world.now() - moment.replace(tzinfo=UTC)
    if not _YOUNGEST <= ago <= _OLDEST:
        raise Refused("input_invalid")
    return moment.replace(tzinfo=UTC).timestamp()


def _flag(request: Request, name: str) -> bool:
    text = request.call.query.get(name, "false").lower()
    if text not in ("true", "false"):
        raise Refused("input_invalid")
    return text == "true"


def _scan(request: Request) -> tuple[str, Object]:
    id_ = request.call.params["scanId"].lower()
    scan = request.tenant.section("scans").get(id_)
    if scan is None or float(scan["at"]) + _KEPT_SECONDS <= request.world.now().timestamp():
        raise Refused("scan_unknown")
    return id_, scan


def _over(request: Request, scan: Object) -> bool:
    return float(scan["ends"]) <= request.world.now().timestamp()


def _status(request: Request, id_: str, scan: Object, status: str | None = None) -> Object:
    """`Running` in between is known, not published as an example."""
    created = datetime.fromtimestamp(float(scan["at"]), UTC).strftime("%Y-%m-%dT%H:%M:%S.%f0Z")
    said = status or ("Succeeded" if _over(request, scan) else "Running")
    name = context(request, "Microsoft.PowerBI.ServiceContracts.Api.V1.ScanRequest")
    return {"@odata.context": name, "id": id_, "createdDateTime": created, "status": said}


def _workspace(
    request: Request, place: Object, owner: Object | None, flags: dict[str, bool], sources: dict[str, Object]
) -> Object:
    shown = view.workspace(place, owner)
    told = ("id", "name", "description", "type", "state", "isOnDedicatedCapacity", "capacityId")
    body: Object = {name: shown[name] for name in (*told, "defaultDatasetStorageFormat") if name in shown}
    for kind in ("reports", "dashboards", "datasets", "dataflows"):
        body[kind] = [_item(request, kind, item, place, owner, flags, sources) for item in place.get(kind, [])]
    body["datamarts"] = []
    if flags.get("getArtifactUsers"):
        body["users"] = view.workspace_users(request, place, owner)
    return body


def _item(
    request: Request,
    kind: str,
    item: Object,
    place: Object,
    owner: Object | None,
    flags: dict[str, bool],
    sources: dict[str, Object],
) -> Object:
    """An item without its addresses and without what is about single routes."""
    body: Object = {k: v for k, v in item.items() if not k.startswith("_") and k not in _NOT_SCANNED}
    if kind == "dashboards" and flags.get("lineage"):
        body["tiles"] = [{k: each[k] for k in _TILE if k in each} for each in item.get("_tiles", [])]
    if kind == "reports":
        body.setdefault("reportType", "PowerBIReport")
    if kind == "datasets":
        body |= _schema(request, item, flags)
    if kind in ("datasets", "dataflows") and flags.get("datasourceDetails"):
        usages = []
        for each in item.get("_datasources", []):
            id_ = str(each.get("datasourceId", ""))
            sources[id_] = {name: value for name, value in each.items() if not name.startswith("_")}
            usages.append({"datasourceInstanceId": id_})
        body["datasourceUsages"] = usages
    if flags.get("getArtifactUsers"):
        body["users"] = view.item_users(request, kind, item, place, owner)
    return body


def _schema(request: Request, item: Object, flags: dict[str, bool]) -> Object:
    """Tables and queries, as far as they were asked for and the settings let them out.

    State: `_tables` (their rows tell the columns), `_measures` and `_expressions`.
    """
    detailed = flags.get("datasetSchema") and _on(request, DETAILED)
    expressions = detailed and flags.get("datasetExpressions") and _on(request, EXPRESSIONS)
    body: Object = {}
    if detailed:
        body["tables"] = [_table(item, name, rows, bool(expressions)) for name, rows in item.get("_tables", {}).items()]
    if expressions:
        body["expressions"] = item.get("_expressions", [])
    return body


def _on(request: Request, name: str) -> bool:
    return request.admission(name) == "admitted" if name in request.tenant.tenantSettings else False


def _table(item: Object, name: str, rows: list[Object], expressions: bool) -> Object:
    columns: dict[str, str] = {}
    for row in rows:
        for column, value in row.items():
            columns.setdefault(column, _data_type(value))
    return {
        "name": name,
        "columns": [{"name": column, "dataType": type_, "isHidden": False} for column, type_ in columns.items()],
        "measures": [
            {"name": each["name"], "isHidden": False} | ({"expression": each["expression"]} if expressions else {})
            for each in item.get("_measures", [])
            if each["table"] == name
        ],
        "isHidden": False,
    }


def _data_type(value: Any) -> str:
    if isinstance(value, bool):
        return "Boolean"
    return "Int64" if isinstance(value, int) else "Double" if isinstance(value, float) else "String"


routes: Final[list[Route]] = [
    route("WorkspaceInfo_GetModifiedWorkspaces", modified),
    route("WorkspaceInfo_PostWorkspaceInfo", post_scan),
    route("WorkspaceInfo_GetScanStatus", scan_status),
    route("WorkspaceInfo_GetScanResult", scan_result),
]
