"""The activity log, of one UTC day at a time.

source: PowerBI-CSharp swagger (GetActivityEvents); microsoft/semantic-link-labs#211 and microsoft/fabric-toolbox#97, #156
on what is refused.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from pbisetup.sandbox import activity, limits, odata
from pbisetup.sandbox.gate.request import Request
from pbisetup.sandbox.powerbi import continuation
from pbisetup.sandbox.powerbi.causes import Refused
from pbisetup.sandbox.powerbi.service import route
from pbisetup.sandbox.store import Object
from pbisetup.sandbox.wire import Reply, Route

PAGE: Final = 5000
"""Events on a page: about so many (source: powerbi-docs); `limits.activityPage` sets another number."""
_TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,7})?)?Z?")
_FILTERABLE: Final = {"Activity", "UserId"}


def list_events(request: Request) -> Reply:
    """The events of a time span within one day, or what a continuation token asks for."""
    state = continuation.given(request)
    if state is None:
        state = {"start": _text(request, "startDateTime"), "end": _text(request, "endDateTime"), "from": 0}
        state["filter"] = request.call.query.get("$filter", "")
    start, end = _moment(state.get("start")), _moment(state.get("end"))
    _in_range(request, start, end)
    events = _filtered(activity.visible(request, start, end), state.get("filter"))
    first, size = state["from"], max(1, limits.limit(request.world, "activityPage", PAGE))
    page = events[first : first + size]
    after = {**state, "from": first + size} if len(events) > first + size else None
    more = f"&$filter={state['filter']}" if state.get("filter") else ""
    body = {"activityEventEntities": page, **continuation.next_page(request, after, more)}
    # source: a public client reads lastResultSet; the swagger does not have it.
    return Reply(200, {**body, "lastResultSet": after is None})


def _text(request: Request, name: str) -> str:
    """A time as the query has it, which must stand in single quotes. Raises Refused."""
    if name not in request.call.query:
        raise Refused("activity_range_invalid")
    text = continuation.unquoted(request.call.query[name])
    if text is None:
        raise Refused("activity_time_malformed")
    return text


def _moment(text: Any) -> datetime:
    if not isinstance(text, str) or not _TIME.fullmatch(text):
        raise Refused("activity_time_malformed")
    whole, _, fraction = text.removesuffix("Z").partition(".")
    try:
        found = datetime.fromisoformat(whole).replace(tzinfo=UTC)
    except ValueError:
        raise Refused("activity_time_malformed") from None
    return found + timedelta(microseconds=int(fraction[:6].ljust(6, "0"))) if fraction else found


def _in_range(request: Request, start: datetime, end: datetime) -> None:
    """Raises Refused where the span is not one day's, or too long ago."""
    if start.date() != end.date() or start > end:
        raise Refused("activity_range_invalid")
    if (request.world.now().date() - start.date()).days > activity.KEPT.days:
        raise Refused("activity_too_old")


def _filtered(events: list[Object], text: Any) -> list[Object]:
    """By Activity and UserId, with `eq` and `and` alone (source: swagger). Raises Refused."""
    if not text:
        return events
    try:
        expression = odata.parse(str(text))
    except odata.BadFilter:
        raise Refused("input_invalid") from None
    if expression.properties() - _FILTERABLE or not _plain(expression):
        raise Refused("input_invalid")
    return [each for each in events if expression.matches(each)]


def _plain(expression: odata.Expression) -> bool:
    if expression.op == "and":
        return all(_plain(part) for part in expression.parts)
    return expression.op == "eq"


routes: Final[list[Route]] = [route("Admin_GetActivityEvents", list_events)]
