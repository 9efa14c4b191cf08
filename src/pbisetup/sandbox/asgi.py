"""The few lines of ASGI that the server needs. A web framework would bring its form parsers and websockets along, which
take longer to import than the whole tenant to start.
"""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from pbisetup.sandbox.wire import Reply

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class ClientGone(Exception):
    """The client closed its connection before it had sent its whole request."""


class TooLarge(Exception):
    """The body has more bytes than are read."""


def pattern(template: str) -> re.Pattern[str]:
    """What a path must match; each `{name}` of the template matches one segment, without regard to case elsewhere."""
    parts = re.split(r"\{(\w+)\}", template)
    text = "".join(f"(?P<{part}>[^/]+)" if index % 2 else re.escape(part) for index, part in enumerate(parts))
    # guess: paths match without regard to case; seen of Graph and Power BI, assumed of the others.
    return re.compile(f"{text}\\Z", re.IGNORECASE)


async def body(receive: Receive, most: int) -> bytes:
    """The whole body. Raises ClientGone, and TooLarge beyond `most` bytes."""
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        part = message.get("body", b"")
        size += len(part)
        if size > most:
            raise TooLarge
        parts.append(part)
        if not message.get("more_body", False):
            return b"".join(parts)


async def answer(send: Send, reply: Reply, date: str) -> None:
    """Send a reply. A Date header of its own stays."""
    content = _content(reply)
    headers = {"date": date, **{name.lower(): value for name, value in reply.headers.items()}}
    if reply.body is not None:
        headers.setdefault("content-type", _with_charset(reply.media_type))
    if reply.status >= 200 and reply.status not in (204, 304):
        headers["content-length"] = str(len(content))
    raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": reply.status, "headers": raw})
    await send({"type": "http.response.body", "body": content})


def _content(reply: Reply) -> bytes:
    if reply.body is None:
        return b""
    if isinstance(reply.body, str):
        return reply.body.encode()
    return json.dumps(reply.body, ensure_ascii=False, separators=(",", ":")).encode()


def _with_charset(media_type: str) -> str:
    plain = media_type.startswith("text/") and "charset=" not in media_type
    return f"{media_type}; charset=utf-8" if plain else media_type
