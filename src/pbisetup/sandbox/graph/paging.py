"""Pages of a list: the link to the next one tells what was shown, not how many, so that nobody who deletes what a page
showed loses an object of the next.

A list that needs several pages is remembered by its keys until it is read (the newest ones, while the process lives).
What was deleted meanwhile is left out; what is new comes at the end. A list no longer remembered goes on behind the
last object that was shown.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from pbisetup.sandbox import base64url
from pbisetup.sandbox.graph.errors import GraphError
from pbisetup.sandbox.graph.service import Request

_MARK: Final = "RFNwdAIAAQ"
_KEPT: Final = 100
"""Lists remembered at once; one of 20,000 objects takes less than a megabyte."""


@dataclass
class _List:
    path: str
    keys: list[str]


def turn(request: Request, keys: Sequence[str], size: int) -> tuple[list[int], str | None]:
    """Of rows with these keys the positions that the asked page shows, and the token of the page after it. Raises
    GraphError `page_token`.
    """
    unique = _unique(keys)
    token = request.call.query.get("$skiptoken")
    if token is None and len(unique) <= size:
        return list(range(len(unique))), None
    at = {key: index for index, key in enumerate(unique)}
    if token is None:
        name, known, begin = _remember(request, unique), unique, 0
    else:
        name, known, begin = _resume(request, token, at)
    found: list[int] = []
    while begin < len(known) and len(found) < size:
        if known[begin] in at:
            found.append(at[known[begin]])
        begin += 1
    more = any(key in at for key in known[begin:])
    return found, _token(name, begin, known[begin - 1]) if more else None


def _resume(request: Request, token: str, at: dict[str, int]) -> tuple[str, list[str], int]:
    name, begin, last = _read(token)
    held = request.world.pages.get(name)
    if not isinstance(held, _List):
        if last not in at:
            raise GraphError("page_token")
        keys = list(at)
        return _remember(request, keys), keys, at[last] + 1
    if held.path != request.call.path or not 0 < begin <= len(held.keys):
        raise GraphError("page_token")
    seen = set(held.keys)
    held.keys += [key for key in at if key not in seen]
    return name, held.keys, begin


def _remember(request: Request, keys: list[str]) -> str:
    name, pages = uuid.uuid4().hex, request.world.pages
    while len(pages) >= _KEPT:
        pages.pop(next(iter(pages)))
    pages[name] = _List(request.call.path, list(keys))
    return name


def _unique(keys: Sequence[str]) -> list[str]:
    if len(set(keys)) == len(keys):
        return list(keys)
    times: dict[str, int] = {}
    found = []
    for key in keys:
        times[key] = times.get(key, 0) + 1
        found.append(f"{key} {times[key]}")
    return found


def _token(name: str, position: int, last: str) -> str:
    return base64url.encode(f"{_MARK}:{name}:{position}:{last}".encode())


def _read(token: str) -> tuple[str, int, str]:
    try:
        raw = base64url.decode(token).decode()
        mark, name, position, last = raw.split(":", 3)
        number = int(position[:12])
    except ValueError:
        raise GraphError("page_token") from None
    if mark != _MARK:
        raise GraphError("page_token")
    return name, number, last
