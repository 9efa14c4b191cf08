"""Lists of things that are no directory objects: policies, role assignments, sign-ins. All queries are served at
once, without the ConsistencyLevel that the directory asks for.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from pbisetup.sandbox.graph.errors import GraphError
from pbisetup.sandbox.graph.names import among, respelled_among
from pbisetup.sandbox.graph.query import page, parse_filter
from pbisetup.sandbox.graph.service import Request
from pbisetup.sandbox.graph.view import public
from pbisetup.sandbox.odata import select
from pbisetup.sandbox.store import Object
from pbisetup.sandbox.wire import Reply


def documents(request: Request, context: str, kind: str, properties: Collection[str], rows: Iterable[Object]) -> Reply:
    """A page of documents after `$filter`, `$orderby` and `$select`; `properties` are those that may be named."""
    query = request.call.query
    found = matching(request, kind, properties, [public(row) for row in rows])
    if query.get("$orderby"):
        found = _ordered(found, kind, properties, query["$orderby"])
    names = selected(request, kind, properties)
    keys = [str(row.get("id", at)) for at, row in enumerate(found)]
    return page(request, context, [select(row, names) if names else row for row in found], names, keys=keys)


def matching(request: Request, kind: str, properties: Collection[str], rows: list[Object]) -> list[Object]:
    """The rows that `$filter` lets through; it may name only these properties. Raises GraphError."""
    text = request.call.query.get("$filter")
    if not text:
        return rows
    expression = respelled_among(parse_filter(text), ("id", *properties))
    for name in sorted(expression.properties()):
        known(name, kind, properties)
    return [row for row in rows if expression.matches(row)]


def document(request: Request, context: str, kind: str, properties: Collection[str], item: Object) -> Reply:
    """One document as a 200, with `$select`."""
    names = selected(request, kind, properties)
    shown = public(item)
    body = {"@odata.context": f"{request.base}/$metadata#{context}/$entity"}
    return Reply(200, {**body, **(select(shown, names) if names else shown)})


def selected(request: Request, kind: str, properties: Collection[str]) -> list[str] | None:
    given = [name.strip() for name in request.call.query.get("$select", "").split(",") if name.strip()]
    names = [among(name, ("id", *properties)) for name in given]
    for name in names:
        known(name, kind, properties)
    return names or None


def known(name: str, kind: str, properties: Collection[str]) -> None:
    """Refuse a property that the type does not have."""
    if name != "id" and name not in properties:
        raise GraphError("query_property", property=name, type=kind)


def _ordered(rows: list[Object], kind: str, properties: Collection[str], text: str) -> list[Object]:
    name, _, direction = text.strip().partition(" ")
    name = among(name, ("id", *properties))
    known(name, kind, properties)
    if direction.strip().lower() not in ("", "asc", "desc"):
        raise GraphError("query_value", option="$orderby")

    def key(row: Object) -> Any:
        return str(row.get(name) or "").casefold()

    return sorted(rows, key=key, reverse=direction.strip().lower() == "desc")


def patched(
    item: Object, body: Object, kinds: dict[str, type], resource: str, read_only: Collection[str] = ()
) -> Object:
    """The settable properties of a PATCH body, checked by kind; a complex value merges into what is held."""
    values: Object = {}
    for name, value in body.items():
        if "@" in name:
            continue
        if name in read_only:
            if value != item.get(name):
                raise GraphError("property_read_only", property=name)
            continue
        if name not in kinds:
            raise GraphError("property_unknown", property=name)
        if value is not None and (
            not isinstance(value, kinds[name]) or (isinstance(value, bool) and kinds[name] is not bool)
        ):
            raise GraphError("value_invalid", property=name, resource=resource)
        held = item.get(name)
        values[name] = {**held, **value} if isinstance(held, dict) and isinstance(value, dict) else value
    return values
