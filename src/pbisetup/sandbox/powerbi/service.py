"""The Power BI API: its routes by the id of the operation, and the shapes of its answers."""

from __future__ import annotations

from typing import Any, Final

from pbisetup.sandbox.gate.door import Door
from pbisetup.sandbox.gate.request import Request
from pbisetup.sandbox.powerbi.causes import TABLE, Refused, reply
from pbisetup.sandbox.store import Object
from pbisetup.sandbox.wire import Call, Reply

BASE: Final = "/v1.0/myorg"

_door = Door("powerbi", TABLE, Refused, reply, garbage=lambda: Refused("input_invalid"))
route = _door.route
others = _door.others


def unknown(call: Call) -> Reply:
    """What Power BI says to a path or method it does not have."""
    return reply(call, Refused("route_unknown"))


def number(request: Request, name: str, default: int, most: int) -> int:
    """A whole number in the query. Raises Refused."""
    text = request.call.query.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit()) or int(text[:9]) > most:
        raise Refused("input_invalid")
    return int(text)


def context(request: Request, name: str, *, below: str = "") -> str:
    """The `@odata.context` of an answer; `below` the service root, where it is about one workspace."""
    return f"{request.call.origin}{BASE}{below}/$metadata#{name}"


def collection(request: Request, name: str, values: list[Any], *, counted: bool = False, below: str = "") -> Reply:
    """A list as Power BI wraps it."""
    body: Object = {"@odata.context": context(request, name, below=below)}
    if counted:
        body["@odata.count"] = len(values)
    return Reply(200, {**body, "value": values})
