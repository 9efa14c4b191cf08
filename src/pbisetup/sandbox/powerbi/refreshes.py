"""Refreshes of a semantic model: begun, running, done, and why they failed; and the schedule.

State of a model: `_refreshes`, newest first, in Power BI's shape (Refresh); those begun here say when they end (`_ends`,
after `weather.refresh_seconds`) and what they end in. `_refreshSchedule`.

source: powerbi-swagger.json (Refresh, DatasetRefreshDetail, RefreshSchedule and the limitations of RefreshDataset).
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any, Final

from pbisetup.sandbox import limits
from pbisetup.sandbox.gate.fields import Fields
from pbisetup.sandbox.gate.request import Request
from pbisetup.sandbox.powerbi import body as given
from pbisetup.sandbox.powerbi import content, owners
from pbisetup.sandbox.powerbi.causes import Refused
from pbisetup.sandbox.powerbi.content import Found, dataset, pair, running, writable
from pbisetup.sandbox.powerbi.items import below, entity
from pbisetup.sandbox.powerbi.service import BASE, collection, number
from pbisetup.sandbox.store import Object
from pbisetup.sandbox.wire import Reply, Route

_NOTIFY: Final = ("NoNotification", "MailOnFailure", "MailOnCompletion")
_TYPES: Final = ("Full", "ClearValues", "Calculate", "DataOnly", "Automatic", "Defragment")
_COMMIT_MODES: Final = ("Transactional", "PartialBatch")
SHARED_PER_DAY: Final = 8
_DAY: Final = 86_400
_KEPT: Final = 100
_SHOWN: Final = 60


def start(request: Request) -> Reply:
    """202; the refresh's id is the answer's RequestId, and for an enhanced refresh `Location` names it."""
    found = _model(running(request, writable(dataset(request))))
    body = given.read(request)
    option = given.choice(body, "notifyOption", _NOTIFY)
    enhanced = any(name.lower() != "notifyoption" for name in body)
    _check(body)
    if request.is_app and option not in (None, "NoNotification"):
        raise Refused("notify_option_of_an_app", option=option)
    shared = content.capacity(request, found.place) is None
    if enhanced and shared:
        raise Refused("enhanced_refresh_on_shared")
    now = request.world.now().timestamp()
    history = found.item.setdefault("_refreshes", [])
    if any(_status(each, now) == "Unknown" for each in history):
        raise Refused("refresh_running")
    most = limits.limit(request.world, "refreshesPerDay", SHARED_PER_DAY)
    if shared and sum(_began(each) > now - _DAY for each in history) >= most:
        raise Refused("refreshes_used_up")
    history.insert(0, _begun(request, found, enhanced, now))
    del history[_KEPT:]
    request.changed()
    if not enhanced:
        return Reply(202)
    id_ = request.call.request_id.lower()
    path = f"{BASE}{below(request)}/datasets/{found.id}/refreshes/{id_}"
    return Reply(202, None, {"x-ms-request-id": id_, "Location": f"{request.call.origin}{path}"})


def _begun(request: Request, found: Found, enhanced: bool, now: float) -> Object:
    body = given.read(request)
    problem = owners.problem(request, found.item)
    seconds = float(request.tenant.section("weather").get("refresh_seconds", 0))
    made: Object = {
        "requestId": request.call.request_id.lower(),
        "id": int(now * 1000),
        "refreshType": "ViaEnhancedApi" if enhanced else "ViaApi",
        "startTime": _time(now),
        "_ends": now + seconds,
        "_type": given.choice(body, "type", _TYPES) or "Automatic",
        "_commitMode": given.choice(body, "commitMode", _COMMIT_MODES) or "Transactional",
    }
    if problem is not None:
        made["_problem"] = list(problem)
    return made


def history(request: Request) -> Reply:
    """Newest first; 60 unless `$top` says otherwise (source: swagger)."""
    found = _model(dataset(request))
    now = request.world.now().timestamp()
    held = found.item.get("_refreshes", [])[: number(request, "$top", _SHOWN, 100_000)]
    return collection(request, "refreshes", [_shown(each, now) for each in held], below=below(request))


def details(request: Request) -> Reply:
    """202 while it runs. Only enhanced refreshes are found here (source: powerbi-docs asynchronous refresh)."""
    entry = _enhanced(request)
    now = request.world.now().timestamp()
    status = _status(entry, now)
    body = {
        "startTime": entry.get("startTime"),
        **({"endTime": _end(entry)} if status != "Unknown" else {}),
        "type": entry.get("_type", "Automatic"),
        "commitMode": entry.get("_commitMode", "Transactional"),
        "status": "Disabled" if status == "Cancelled" else status,
        "extendedStatus": "InProgress" if status == "Unknown" else status,
        "currentRefreshType": entry.get("_type", "Automatic"),
        "numberOfAttempts": 0,
        "objects": [],
        "messages": [],
    }
    if status == "Failed":
        code, said = entry.get("_problem") or ("", "")
        body["messages"] = [{"code": code, "message": said, "type": "Error"}]
    return Reply(202 if status == "Unknown" else 200, body)


def cancel(request: Request) -> Reply:
    """Of an enhanced refresh that still runs."""
    entry = _enhanced(request)
    now = request.world.now().timestamp()
    if _status(entry, now) != "Unknown":
        raise Refused("input_invalid")
    entry["_cancelled"] = entry["_ends"] = now
    request.changed()
    return Reply(200)


def schedule(request: Request) -> Reply:
    found = _model(dataset(request))
    return entity(request, "refreshSchedule", _schedule(found))


def change_schedule(request: Request) -> Reply:
    """The owner's work; a service principal cannot be mailed (source: swagger)."""
    found = _model(writable(dataset(request)))
    if not owners.is_owner(request, found.item):
        raise Refused("not_dataset_owner")
    value = given.read(request).get("value")
    if not isinstance(value, Fields):
        raise given.invalid("value")
    option = given.choice(value, "notifyOption", ("NoNotification", "MailOnFailure"))
    if request.is_app and option == "MailOnFailure":
        raise Refused("notify_option_of_an_app", option=option)
    fits = {"days": list, "times": list, "enabled": bool, "localTimeZoneId": str}
    for name, type_ in fits.items():
        if name in value and not isinstance(value[name], type_):
            raise given.invalid(name)
    kept = {name: value[name] for name in fits if name in value}
    found.item["_refreshSchedule"] = _schedule(found) | kept | ({"notifyOption": option} if option else {})
    request.changed()
    return Reply(200)


def _schedule(found: Found) -> Object:
    blank: Object = {"days": [], "times": [], "enabled": False, "localTimeZoneId": "UTC"}
    return blank | {"notifyOption": "NoNotification"} | dict(found.item.get("_refreshSchedule", {}))


def _check(body: Fields) -> None:
    for name in ("maxParallelism", "retryCount"):
        given.whole(body, name)
    given.choice(body, "type", _TYPES)
    given.choice(body, "commitMode", _COMMIT_MODES)
    given.objects(body, "objects")
    given.flag(body, "applyRefreshPolicy")


def _model(found: Found) -> Found:
    """Push and streaming models are never refreshed. Raises Refused."""
    if found.item.get("addRowsAPIEnabled"):
        raise Refused("not_a_model")
    return found


def _enhanced(request: Request) -> Object:
    wanted = request.call.params["refreshId"].lower()
    for each in _model(writable(dataset(request))).item.get("_refreshes", []):
        if str(each.get("requestId", "")).lower() == wanted and each.get("refreshType") == "ViaEnhancedApi":
            found: Object = each
            return found
    raise Refused("item_unknown")


def _status(entry: Object, now: float) -> str:
    if "_ends" not in entry:
        return str(entry.get("status", "Completed"))
    if entry.get("_cancelled"):
        return "Cancelled"
    return "Unknown" if now < entry["_ends"] else "Failed" if entry.get("_problem") else "Completed"


def _shown(entry: Object, now: float) -> Object:
    body: Object = {name: value for name, value in entry.items() if not name.startswith("_")}
    if "_ends" not in entry:
        return body
    body["status"] = _status(entry, now)
    if body["status"] == "Unknown":
        return body
    body["endTime"] = _end(entry)
    if body["status"] == "Failed":
        code, said = entry["_problem"]
        told = {"errorCode": code, **({"errorDescription": said} if said else {})}
        body["serviceExceptionJson"] = json.dumps(told, separators=(",", ":"))
    return body


def _end(entry: Object) -> Any:
    return _time(float(entry["_ends"])) if "_ends" in entry else entry.get("endTime")


def _began(entry: Object) -> float:
    try:
        moment = datetime.fromisoformat(str(entry.get("startTime")))
    except ValueError:
        return 0
    return moment.timestamp() if moment.tzinfo else moment.replace(tzinfo=UTC).timestamp()


def _time(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


routes: Final[list[Route]] = [
    *pair("Datasets_GetRefreshHistory", history, "Contributor"),
    *pair("Datasets_RefreshDataset", start, "Contributor"),
    *pair("Datasets_GetRefreshExecutionDetails", details, "Contributor"),
    *pair("Datasets_CancelRefresh", cancel, "Contributor"),
    *pair("Datasets_GetRefreshSchedule", schedule, "Viewer"),
    *pair("Datasets_UpdateRefreshSchedule", change_schedule, "Contributor"),
]
