"""Lists: `$filter`, `$select`, `$search`, `$orderby`, `$top`, `$count` and paging, the same for every
collection.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable
from typing import Any, Final
from urllib.parse import quote

from pbisetup.sandbox import odata
from pbisetup.sandbox.graph import lag
from pbisetup.sandbox.graph.errors import GraphError
from pbisetup.sandbox.graph.permissions import owns
from pbisetup.sandbox.graph.schema import ENTITIES
from pbisetup.sandbox.graph.service import Request
from pbisetup.sandbox.graph.shape import entity
from pbisetup.sandbox.store import Object
from pbisetup.sandbox.wire import Reply

PAGE: Final = 100  # source: Graph directory collections page by 100 unless $top says otherwise, up to 999 (known)
LARGEST: Final = 999

Typed = tuple[str, Object]
"""Type name and stored object."""


def selected(request: Request, kind: str | None) -> list[str] | None:
    """The names in `$select`, checked against the type (None: a polymorphic list, where any name may be
    asked for).
    """
    text = request.call.query.get("$select")
    if not text:
        return None
    names = [name.strip() for name in text.split(",") if name.strip()]
    for name in names:
        _known(name, kind)
    return names or None


def listing(request: Request, context: str, kind: str | None, items: Iterable[Typed]) -> Reply:
    """A collection of entities as a 200. `kind` None: directory objects of several types, each with
    `@odata.type`.
    """
    rows = [pair for pair in items if not request.owned_only or owns(request.tenant, request.caller.object_id, pair[1])]
    names = selected(request, kind)
    rows = _filtered(request, kind, rows)
    return page(request, context, [_shown(request, kind, pair, names) for pair in rows], names)


def page(request: Request, context: str, values: list[Object], names: list[str] | None = None) -> Reply:
    """One page of ready values, with `@odata.nextLink` where more follow."""
    query = request.call.query
    size = _top(query.get("$top"))
    start = _position(values, query["$skiptoken"]) if "$skiptoken" in query else 0
    projection = f"({','.join(names)})" if names else ""
    body: Object = {"@odata.context": f"{request.base}/$metadata#{context}{projection}"}
    if query.get("$count", "").lower() == "true":
        body["@odata.count"] = len(values)
    if start + size < len(values):
        rest = {k: v for k, v in query.items() if k != "$skiptoken"}
        rest["$skiptoken"] = _token(start + size)
        text = "&".join(f"{quote(k, safe='$')}={quote(v, safe='')}" for k, v in rest.items())
        body["@odata.nextLink"] = f"{request.call.origin}{quote(request.call.path)}?{text}"
    body["value"] = values[start : start + size]
    return Reply(200, body)


def parse_filter(text: str) -> odata.Expression:
    """The filter as an expression. Raises GraphError when it is none."""
    try:
        return odata.parse(text)
    except odata.BadFilter as bad:
        raise GraphError("filter_syntax", reason=str(bad)) from None


def count(request: Request, kind: str | None, items: Iterable[Typed]) -> Reply:
    """`/$count` of a collection: a bare number; an advanced query (source: entra.md 1.15)."""
    if not _eventual(request):
        raise GraphError("query_unsupported", property="$count", resource=_resource(kind))
    return Reply(200, str(len(_filtered(request, kind, list(items), counting=True))), media_type="text/plain")


def _shown(request: Request, kind: str | None, pair: Typed, names: list[str] | None) -> Object:
    own_kind, item = pair
    body = entity(request.tenant, own_kind, item)
    if names is not None:
        # The id always comes with a polymorphic entry, so that it can be followed (known).
        body = odata.select(body, names if kind else ["id", *names])
    elif own_kind == "user":
        body = odata.select(body, ["id", *ENTITIES["user"].defaults])
    return body if kind else {"@odata.type": f"#microsoft.graph.{own_kind}", **body}


def _filtered(request: Request, kind: str | None, rows: list[Typed], *, counting: bool = False) -> list[Typed]:
    query = request.call.query
    advanced = counting
    if query.get("$filter"):
        expression = parse_filter(query["$filter"])
        for name in expression.properties():
            _known(name, kind, in_filter=True)
        advanced = advanced or expression.advanced() or bool(query.get("$orderby"))
        if "contains" in _operations(expression):
            raise GraphError("query_unsupported", property=min(expression.properties()), resource=_resource(kind))
        rows = [
            (own, item)
            for own, item in rows
            if expression.matches({**entity(request.tenant, own, item), **_counted(item)})
        ]
        if expression.advanced() or query.get("$orderby"):
            _demand_eventual(request, kind, counting, min(expression.properties()))
    if query.get("$search"):
        advanced = True
        if request.call.headers.get("consistencylevel", "").lower() != "eventual":
            raise GraphError("query_unsupported", property="$search", resource=_resource(kind))
        rows = _searched(request, rows, query["$search"])
    if query.get("$orderby"):
        rows = _ordered(request, kind, rows, query["$orderby"])
    if advanced:
        # source: entra.md 1.15: served from a separate index that lags behind.
        rows = [pair for pair in rows if not lag.young(request.world, pair[1])]
    return rows


def _operations(expression: odata.Expression) -> set[str]:
    return {expression.op}.union(*(_operations(part) for part in expression.parts))


def _counted(item: Object) -> Object:
    """Relations that a filter may count (`owners/$count eq 0`)."""
    return {name: item[name] for name in ("owners", "members") if name in item}


def _demand_eventual(request: Request, kind: str | None, counting: bool, name: str) -> None:
    counted = counting or request.call.query.get("$count", "").lower() == "true"
    if not (_eventual(request) and counted):
        raise GraphError("query_unsupported", property=name, resource=_resource(kind))


def _eventual(request: Request) -> bool:
    return request.call.headers.get("consistencylevel", "").lower() == "eventual"


def _resource(kind: str | None) -> str:
    return ENTITIES[kind].resource if kind in ENTITIES else "DirectoryObject"


def _known(name: str, kind: str | None, *, in_filter: bool = False) -> None:
    if kind is None or kind not in ENTITIES or name == "id":
        return
    if in_filter and name in ("owners", "members"):
        return
    if not ENTITIES[kind].knows(name):
        raise GraphError("query_property", property=name, type=kind)


def _searched(request: Request, rows: list[Typed], text: str) -> list[Typed]:
    """`"displayName:word"`: tokens of the property that begin with the word (source: entra.md 1.15, token
    style).
    """
    name, _, words = text.strip().strip('"').partition(":")
    if not words or not name.isidentifier():
        raise GraphError("query_value", option="$search")

    def hit(pair: Typed) -> bool:
        value = entity(request.tenant, *pair).get(name)
        tokens = "".join(c if c.isalnum() else " " for c in str(value or "")).casefold().split()
        return any(token.startswith(words.casefold()) for token in tokens)

    return [pair for pair in rows if hit(pair)]


def _ordered(request: Request, kind: str | None, rows: list[Typed], text: str) -> list[Typed]:
    name, _, direction = text.strip().partition(" ")
    _known(name, kind)
    if direction.strip().lower() not in ("", "asc", "desc"):
        raise GraphError("query_value", option="$orderby")

    def key(pair: Typed) -> str:
        return str(entity(request.tenant, *pair).get(name) or "").casefold()

    return sorted(rows, key=key, reverse=direction.strip().lower() == "desc")


def _top(text: str | None) -> int:
    if text is None:
        return PAGE
    if not (text.isascii() and text.isdigit()) or not 1 <= int(text[:6]) <= LARGEST:
        raise GraphError("query_value", option="$top")
    return int(text)


def _token(position: int) -> str:
    return base64.urlsafe_b64encode(f"RFNwdAIAAQ:{position}".encode()).decode().rstrip("=")


def _position(values: list[Any], token: str) -> int:
    try:
        raw = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)).decode()
        mark, _, number = raw.partition(":")
        position = int(number)
    except (ValueError, binascii.Error, UnicodeError):
        raise GraphError("page_token") from None
    if mark != "RFNwdAIAAQ" or not 0 <= position <= len(values):
        raise GraphError("page_token")
    return position
