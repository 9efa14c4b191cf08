"""How calls on the way to an XMLA connection are judged: by their own table, or, where a client sends no token, by none."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final
from urllib.parse import urlencode

from pbisetup.catalog.operations import Operation
from pbisetup.sandbox.front_end import dressed
from pbisetup.sandbox.gate.door import Door, Refusal
from pbisetup.sandbox.gate.request import Need, Request
from pbisetup.sandbox.hosts import cluster, place_of
from pbisetup.sandbox.wire import BadBody, Call, Reply, Route, World
from pbisetup.sandbox.xmla.causes import TABLE, Refused, reply

Handle = Callable[[Request], Reply]

_door = Door("powerbi", TABLE, Refused, reply, garbage=lambda: Refused("input_invalid"))
_ROUTING: Final = "preferclientrouting"


def _operation(id_: str, method: str, path: str) -> Operation:
    """One of the calls, which no public specification lists: what a client does is all that is known of them."""
    return Operation("powerbi", id_, method, path, None, "unstated", None, (), my_workspace=False, preview=False)


def route(id_: str, method: str, path: str, handle: Handle) -> Route:
    """A call that needs a token."""
    return _door.route(_operation(id_, method, path), _routed(handle))


def open_route(id_: str, method: str, path: str, handle: Handle) -> Route:
    """A call that clients send without a token."""
    need = Need(_operation(id_, method, path))

    def handler(world: World, call: Call) -> Reply:
        try:
            answer = handle(Request(world, call, need))
        except Refusal as refused:
            return reply(call, refused)
        except BadBody:
            return reply(call, Refused("input_invalid"))
        return dressed(call, answer.status, answer.body, dict(answer.headers))

    return Route(method, path, handler)


def _routed(handle: Handle) -> Handle:
    """A client that asks for it (`PreferClientRouting=true`) is sent from the cloud's host to the tenant's cluster
    (source: powerbi-docs embedded-troubleshoot, of 307; the client library follows it and keeps the host).
    """

    def handler(request: Request) -> Reply:
        call = request.call
        asked = any(name.lower() == _ROUTING and value.lower() == "true" for name, value in call.query.items())
        place = place_of(call.origin.partition("://")[2])
        home = cluster(request.cloud.name)
        if not asked or place is None or call.origin == f"https://{home}":
            return handle(request)
        location = f"https://{home}{call.path}?{urlencode(call.query)}"
        return Reply(307, None, {"Location": location})

    return handler


def unknown(call: Call) -> Reply:
    """What these hosts say to a path or method that they do not have."""
    return reply(call, Refused("route_unknown"))
