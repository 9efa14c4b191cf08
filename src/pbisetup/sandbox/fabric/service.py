"""The Fabric API: its routes by the id of the operation, and the shapes of its answers."""

from __future__ import annotations

import base64
import binascii
from typing import Any
from urllib.parse import urlencode

from pbisetup.sandbox import limits
from pbisetup.sandbox.fabric.causes import TABLE, Refused, reply
from pbisetup.sandbox.gate.door import Door
from pbisetup.sandbox.gate.request import Request
from pbisetup.sandbox.wire import Call, Reply

_door = Door(
    "fabric", TABLE, Refused, reply, garbage=lambda: Refused("input_invalid", what="the body is not a JSON object")
)
route = _door.route
others = _door.others

PAGE = 10_000
"""Records in one answer (source: fabric-rest-api-specs, of the admin lists; for the others a guess). `limits.pageSize` in
the state sets another number.
"""


def unknown(call: Call) -> Reply:
    """What Fabric says to a path or method it does not have."""
    return reply(call, Refused("route_unknown"))


def collection(request: Request, values: list[Any], *, key: str = "value", most: int = PAGE) -> Reply:
    """A list, page by page. One that fits a page says nothing of a next one (source: recordings in microsoft/fabric-cli);
    the token's form is this tenant's own. Raises Refused.
    """
    size = max(1, limits.limit(request.world, "pageSize", most))
    start = _start(request.call.query.get("continuationToken"))
    body: dict[str, Any] = {key: values[start : start + size]}
    if start + size < len(values):
        token = base64.urlsafe_b64encode(f"from {start + size}".encode()).decode()
        query = urlencode({**request.call.query, "continuationToken": token})
        body |= {"continuationUri": f"{request.call.origin}{request.call.path}?{query}", "continuationToken": token}
    return Reply(200, body)


def _start(token: str | None) -> int:
    if not token:
        return 0
    try:
        word, _, number = base64.urlsafe_b64decode(token.encode("ascii", "replace")).decode("ascii").partition(" ")
        if word == "from" and number.isdigit() and len(number) < 10:
            return int(number)
    except (binascii.Error, UnicodeDecodeError, ValueError):
        pass
    raise Refused("continuation_invalid")


def text(body: dict[str, Any], name: str, *, most: int = 256, needed: bool = True) -> str | None:
    """A text of the body that is not blank; None where it may be left out and is. Raises Refused."""
    value = body.get(name)
    if value is None and not needed:
        return None
    if not isinstance(value, str) or not value.strip() or len(value) > most:
        raise Refused("input_invalid", what=name)
    return value
