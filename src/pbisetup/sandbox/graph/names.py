"""Property names in queries: read without regard to case, and answered in the service's own spelling.

source: graph-explorer-v4#2111 (`$select`); for `$filter`, `$orderby`, `$search` and `$expand`: guess, alike.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from functools import cache

from pbisetup.sandbox.graph.relations import RELATIONS
from pbisetup.sandbox.graph.schema import ENTITIES
from pbisetup.sandbox.odata import Expression


def among(name: str, known: Iterable[str]) -> str:
    """The known name that this one means, or itself where none is."""
    return next((each for each in known if each.lower() == name.lower()), name)


def spelled(path: str, kind: str | None) -> str:
    """A path such as `web/redirectUris` of a type (None: of any directory object)."""
    first, slash, rest = path.partition("/")
    first = _names(kind).get(first.lower(), first)
    if not slash:
        return first
    spec = ENTITIES.get(kind or "")
    inner = spec.nested(first) if spec else None
    begin, slash, end = rest.partition("/")
    return f"{first}/{among(begin, inner or ())}{slash}{end}"


def respelled(expression: Expression, kind: str | None) -> Expression:
    """A filter with every top-level name as the type spells it."""
    if expression.op in ("any", "all"):
        # Inside stands a variable; what follows it is the element's.
        return dataclasses.replace(expression, path=_path(expression.path, kind))
    parts = tuple(respelled(part, kind) for part in expression.parts)
    path = _path(expression.path, kind) if expression.path else ()
    return dataclasses.replace(expression, path=path, parts=parts)


def respelled_among(expression: Expression, known: Iterable[str]) -> Expression:
    """The same for something that is no directory object."""
    names = tuple(known)
    parts = expression.parts
    if expression.op not in ("any", "all"):
        parts = tuple(respelled_among(part, names) for part in parts)
    path = (among(expression.path[0], names), *expression.path[1:]) if expression.path else ()
    return dataclasses.replace(expression, path=path, parts=parts)


def _path(path: tuple[str, ...], kind: str | None) -> tuple[str, ...]:
    return tuple(spelled("/".join(path), kind).split("/"))


@cache
def _names(kind: str | None) -> dict[str, str]:
    kinds = [kind] if kind in ENTITIES else list(ENTITIES)
    found = {"id": "id"}
    for each in kinds:
        spec = ENTITIES[each]
        for name in (*RELATIONS.get(each, {}), *spec.beta, *spec.writable, *sorted(spec.read_only)):
            found[name.lower()] = name
    return found
