"""The activity log: what Power BI and Fabric were really asked to do, as `admin/activityevents` shows it.

Each call that was carried out and whose operation has a published activity name leaves one event; calls that were
refused leave none (guess). The last 28 days are kept, at most 2000 events (the service: all of them).
"""

from __future__ import annotations

import hashlib
import uuid
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from pbisetup.sandbox.activity_names import NAMES
from pbisetup.sandbox.store import Object
from pbisetup.sandbox.wire import Reply

if TYPE_CHECKING:
    from pbisetup.sandbox.gate.request import Request

MOST: Final = 2000
KEPT: Final = timedelta(days=28)
"""source: microsoft/fabric-toolbox#156 (28 days are answered, 30 are not)"""
_POWER_BI: Final = 20
"""The record type of Power BI in audit logs (source: PowerBI-CSharp swagger, example of GetActivityEvents)."""
_MADE_AT: Final = "_made"
"""When an event happened, in seconds: private, and what its delay counts from."""
_ASKING: Final = ("ExecuteQueries", "_GenerateToken")
"""Operations that change nothing although they are posted."""
# What of a workspace an event can be about: the parameter of the path, the collection, and the event's words for it.
_ITEMS: Final = (
    ("datasetId", "datasets", "Dataset"),
    ("reportId", "reports", "Report"),
    ("dashboardId", "dashboards", "Dashboard"),
)


def note(request: Request, answer: Reply) -> None:
    """Remember a call that was carried out."""
    if not 200 <= answer.status < 300:
        return
    touched = _touched(request, answer)
    asks = request.operation.method == "GET" or any(word in request.operation.id for word in _ASKING)
    if touched is not None and not asks:
        touched["_modified"] = request.world.now().timestamp()
    name = NAMES.get(f"{request.operation.service}:{request.operation.id}")
    if name is None:
        return
    log = request.tenant.activityEvents
    log.add(_event(request, answer, name, touched))
    log.keep_newest(MOST)
    oldest_kept = (request.world.now() - KEPT).timestamp()
    while (oldest := next(log.peek())) and made(oldest) < oldest_kept:
        log.remove(str(oldest["id"]))
    request.tenant.noted = True


def visible(request: Request, start: datetime, end: datetime) -> list[Object]:
    """The events of a time span that the log shows by now (`weather.activity_delay_seconds`), oldest first."""
    delay = float(request.tenant.section("weather").get("activity_delay_seconds", 0))
    until = min(end.timestamp(), request.world.now().timestamp() - delay)
    return [
        {name: value for name, value in each.items() if name not in ("id", _MADE_AT)}
        for each in request.tenant.activityEvents.peek()
        if start.timestamp() <= made(each) <= until
    ]


def made(event: Object) -> float:
    """When an event happened, also where a state that somebody wrote says only `CreationTime`."""
    if _MADE_AT in event:
        return float(event[_MADE_AT])
    return datetime.fromisoformat(str(event["CreationTime"]).rstrip("Z")).replace(tzinfo=UTC).timestamp()


def _touched(request: Request, answer: Reply) -> Object | None:
    """The workspace that the call was about or that it made."""
    if request.found is not None:
        return request.found
    id_ = answer.body.get("id") if isinstance(answer.body, dict) else None
    return request.tenant.workspaces.get(id_) if isinstance(id_, str) else None


def _event(request: Request, answer: Reply, name: str, place: Object | None) -> Object:
    """source: PowerBI-CSharp swagger and powerbi-docs (examples); a public recording of 2026-05-23 has no Z at the end of
    CreationTime.
    """
    now = request.world.now()
    id_ = str(uuid.uuid4())
    event: Object = {
        "id": id_,
        _MADE_AT: now.timestamp(),
        "Id": id_,
        "RecordType": _POWER_BI,
        "CreationTime": now.strftime("%Y-%m-%dT%H:%M:%S"),
        "Operation": name,
        "OrganizationId": request.tenant.id,
        # guess: an app's type, after the audit log's own list of user types.
        "UserType": 6 if request.is_app else 0,
        "UserKey": _key(request.caller.object_id),
        "Workload": "PowerBI",
        # guess for apps: the service principal's object id, as it stands for USERPRINCIPALNAME() (powerbi-docs#1586).
        "UserId": request.person.get("userPrincipalName") or request.caller.object_id,
        "ClientIP": request.tenant.section("network").get("ipAddress", request.call.client),
        "UserAgent": request.call.headers.get("user-agent", ""),
        "Activity": name,
        "IsSuccess": True,
        "RequestId": request.call.request_id,
        "ActivityId": str(uuid.uuid4()),
    }
    if place is not None:
        event |= _of_workspace(request, place)
    return event | _of_item(request, answer, place) | _more(request, answer)


def _of_workspace(request: Request, place: Object) -> Object:
    found: Object = {"WorkSpaceName": place.get("displayName"), "WorkspaceId": place["id"]}
    capacity = request.tenant.capacities.get(str(place.get("capacityId") or ""))
    if capacity is not None:
        found |= {"CapacityId": capacity["id"].upper(), "CapacityName": capacity.get("displayName")}
    return found


def _of_item(request: Request, answer: Reply, place: Object | None) -> Object:
    """The item that the path names, where the workspace has it still; of Fabric the one that was answered."""
    for parameter, kind, word in _ITEMS:
        wanted = request.call.params.get(parameter, "").lower()
        for item in (place or {}).get(kind, []) if wanted else ():
            if str(item.get("id", "")).lower() == wanted:
                name = item.get("name") or item.get("displayName")
                told = {"ItemName": name, f"{word}Name": name, f"{word}Id": item["id"], "ObjectId": item["id"]}
                return {**told, "ArtifactId": item["id"], "ArtifactName": name, "ArtifactKind": word}
    if request.operation.id.startswith("platform.Items_"):
        body = answer.body if isinstance(answer.body, dict) else {}
        id_ = request.call.params.get("itemId") or body.get("id")
        told = {
            "ArtifactId": id_,
            "ObjectId": id_,
            "ArtifactName": body.get("displayName"),
            "ArtifactKind": body.get("type"),
        }
        return {name: value for name, value in told.items() if value}
    return {}


def _more(request: Request, answer: Reply) -> Object:
    """What single activities tell besides.

    source: powerbi-docs (the export's own parameters); Office 365 Management Activity API schema (SwitchState,
    MembershipInformation: their names, what stands in them is guess); EmbedTokenId is known.
    """
    operation, query = request.operation.id, request.call.query
    if operation == "Admin_GetActivityEvents":
        return {
            "ExportEventStartDateTimeParameter": query.get("startDateTime", "").strip("'"),
            "ExportEventEndDateTimeParameter": query.get("endDateTime", "").strip("'"),
        }
    if operation == "admin.Tenants_UpdateTenantSetting":
        return {"SwitchState": f"{request.call.params['tenantSettingName']}: {_switched(answer.body)}"}
    if operation in ("Groups_AddGroupUser", "Groups_AddUserAsAdmin"):
        body = request.body
        return {"MembershipInformation": [{"MemberEmail": body.get("emailAddress") or body.get("identifier")}]}
    if "_GenerateToken" in operation and isinstance(answer.body, dict):
        return {"EmbedTokenId": answer.body.get("tokenId")}
    return {}


def _switched(body: Any) -> str:
    settings = body.get("tenantSettings") if isinstance(body, dict) else None
    return "On" if settings and settings[0].get("enabled") else "Off"


def _key(object_id: str) -> str:
    """Something as steady and as opaque as the service's own key of a user."""
    return f"1003{hashlib.sha256(object_id.encode()).hexdigest()[:12]}".upper()
