"""Long-running operations: a call is answered with 202, and its outcome is asked for.

State: the section `operations`, by id. `weather.operation_seconds` is how long one takes (0: it is done when it is first
asked for), `weather.operation_retry_after` what Retry-After says instead of the service's 20.

source: recorded in microsoft/fabric-cli (2025-09 to 2026-06): headers, bodies, times without a Z, an answer `null`; the home
cluster's host in Location. calvinchengx/fabric-emulator (2026-08-11, measured) for one that failed.
"""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Any, Final

from pbisetup.sandbox.fabric.causes import Refused
from pbisetup.sandbox.fabric.service import route
from pbisetup.sandbox.gate.request import Request
from pbisetup.sandbox.hosts import cluster, place_of
from pbisetup.sandbox.store import Object
from pbisetup.sandbox.wire import Reply, Route

MOST: Final = 1000
"""Operations that are remembered."""
RETRY_AFTER: Final = 20
NULL: Final = "null"
"""The body of an answer that has none to give."""


def finishes(request: Request) -> float:
    """When an operation that begins now will be done, on the tenant's clock."""
    return request.world.now().timestamp() + float(request.tenant.section("weather").get("operation_seconds", 0))


def accepted(request: Request, result: Any = None, *, retry_after: int = RETRY_AFTER) -> Reply:
    """202: the operation has begun. `result`: what it will give, or what gives it; None: nothing."""
    now = request.world.now().timestamp()
    id_ = str(uuid.uuid4())
    operations = request.tenant.section("operations")
    operations[id_] = {
        "by": request.caller.object_id,
        "began": now,
        "until": finishes(request),
        "retryAfter": retry_after,
        "result": result,
    }
    for old in list(operations)[:-MOST]:
        del operations[old]
    request.changed()
    return Reply(202, NULL, _headers(request, id_, operations[id_]))


def state(request: Request) -> Reply:
    """Running with Retry-After, or how it ended, with the place of the result where there is one."""
    id_, operation = _wanted(request)
    done = request.world.now().timestamp() >= operation["until"]
    error = operation.get("error")
    body = {
        "status": "Running" if not done else "Failed" if error else "Succeeded",
        "createdTimeUtc": _time(operation["began"]),
        "lastUpdatedTimeUtc": _time(operation["until"] if done else operation["began"]),
        "percentComplete": 100 if done and not error else None,
        "error": error if done else None,
    }
    if not done:
        return Reply(200, body, _headers(request, id_, operation))
    if error or operation["result"] is None:
        return Reply(200, body)
    return Reply(200, body, {"Location": f"{_home(request)}/v1/operations/{id_}/result", "x-ms-operation-id": id_})


def result(request: Request) -> Reply:
    _, operation = _wanted(request)
    if request.world.now().timestamp() < operation["until"] or operation.get("error"):
        raise Refused("operation_not_succeeded")
    if operation["result"] is None:
        raise Refused("operation_has_no_result")
    return Reply(200, operation["result"])


def _wanted(request: Request) -> tuple[str, Object]:
    """The operation of the path. guess: only whoever began it is shown it."""
    id_ = request.call.params["operationId"].lower()
    found = request.tenant.section("operations").get(id_)
    if not isinstance(found, dict) or found.get("by") != request.caller.object_id:
        raise Refused("operation_not_found")
    return id_, found


def _headers(request: Request, id_: str, operation: Object) -> dict[str, str]:
    weather = request.tenant.section("weather")
    wait = weather["operation_retry_after"] if "operation_retry_after" in weather else operation["retryAfter"]
    return {
        "Location": f"{_home(request)}/v1/operations/{id_}",
        "Retry-After": str(int(wait)),
        "x-ms-operation-id": id_,
    }


def _home(request: Request) -> str:
    """The tenant's home cluster, which the service names in Location; on loopback there is only this one origin."""
    if place_of(request.call.origin.partition("://")[2]) is None:
        return request.call.origin
    return f"https://{cluster(request.cloud.name)}"


def _time(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f").rstrip("0").rstrip(".")


routes: Final[list[Route]] = [
    route("platform.LongRunningOperations_GetOperationState", state),
    route("platform.LongRunningOperations_GetOperationResult", result),
]
