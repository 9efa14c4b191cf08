"""The Fabric API: its routes by the id of the operation, and the shapes of its answers."""

from __future__ import annotations

from pbisetup.sandbox.fabric.causes import TABLE, Refused, reply
from pbisetup.sandbox.gate.door import Door
from pbisetup.sandbox.wire import Call, Reply

_door = Door(
    "fabric", TABLE, Refused, reply, garbage=lambda: Refused("input_invalid", what="the body is not a JSON object")
)
route = _door.route
others = _door.others


def unknown(call: Call) -> Reply:
    """What Fabric says to a path or method it does not have."""
    return reply(call, Refused("route_unknown"))


def collection(values: list[dict[str, object]]) -> Reply:
    """A list that fits one page: it says nothing of a next one (source: recordings in microsoft/fabric-cli)."""
    return Reply(200, {"value": values})
