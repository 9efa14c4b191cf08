"""`$expand`: one relation of a directory object inside the object, at most 20 of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from pbisetup.sandbox.graph.errors import GraphError
from pbisetup.sandbox.graph.names import spelled
from pbisetup.sandbox.graph.relations import RELATIONS, Relation
from pbisetup.sandbox.graph.schema import ENTITIES
from pbisetup.sandbox.graph.service import Request
from pbisetup.sandbox.graph.view import project, public, shown
from pbisetup.sandbox.store import Object

MOST: Final = 20  # source: concepts/query-parameters.md, microsoft-graph-docs#2632; there is no nextLink for the rest
_DEEPEST: Final = 1000
"""Highest `$levels` that is a number; `max` means all."""


@dataclass(frozen=True)
class Asked:
    """One expansion, parsed and checked."""

    name: str
    relation: Relation
    names: list[str] | None
    levels: int


def expansion(request: Request, kind: str | None) -> Asked | None:
    """What `$expand` asks of this type (None: directory objects of several types, which have no relations here).
    Raises GraphError.
    """
    text = request.call.query.get("$expand", "").strip()
    if not text:
        return None
    terms = _split(text, ",")
    if len(terms) > 1:
        raise GraphError("expand_many", count=len(terms))
    name, options = _options(terms[0])
    of = kind or "directoryObject"
    name = spelled(name, of) if of in ENTITIES else name
    relation = RELATIONS.get(of, {}).get(name)
    if relation is None:
        spec = ENTITIES.get(of)
        if name == "id" or (spec is not None and spec.knows(name, beta=request.beta)):
            raise GraphError("expand_not_navigation", property=name, type=of)
        raise GraphError("select_property", property=name, type=of)
    if not relation.expandable:
        raise GraphError("expand_unsupported", property=name, resource=ENTITIES[of].resource)
    if relation.operation:
        request.require(relation.operation)
    return Asked(name, relation, _names(request, relation, options), _levels(relation, options))


def expected(asked: Asked) -> str:
    """How `@odata.context` names the expansion: `owners(id,displayName)`."""
    return f"{asked.name}({','.join(asked.names or ())})"


def with_expansion(request: Request, asked: Asked | None, item: Object, body: Object) -> Object:
    """The body with what was asked for inside it."""
    if asked is None:
        return body
    return {**body, **_expanded(request, asked, item, asked.levels, {str(item.get("id"))})}


def _expanded(request: Request, asked: Asked, item: Object, levels: int, seen: set[str]) -> Object:
    found = asked.relation.find(request.tenant, item)[:MOST]
    shown_items = [_shown(request, asked, kind, each) for kind, each in found]
    if not asked.relation.one:
        return {asked.name: shown_items}
    if not found:
        return {}
    _, each = found[0]
    if levels > 1 and each["id"] not in seen:
        shown_items[0].update(_expanded(request, asked, each, levels - 1, {*seen, each["id"]}))
    return {asked.name: shown_items[0]}


def _shown(request: Request, asked: Asked, kind: str, item: Object) -> Object:
    if kind not in ENTITIES:
        body: Object = public(item)
        return project(body, None, asked.names) if asked.names else body
    return {"@odata.type": f"#microsoft.graph.{kind}", **shown(request, kind, item, asked.names)}


def _names(request: Request, relation: Relation, options: dict[str, str]) -> list[str] | None:
    if "$select" not in options:
        return None
    if not relation.nested_select:
        raise GraphError("expand_option", option="$select")
    names = [spelled(name.strip(), relation.kind) for name in options["$select"].split(",")]
    spec = ENTITIES.get(relation.kind or "")
    for name in names:
        if not name.replace("_", "").isalnum():
            raise GraphError("select_term", term=name)
        if spec is not None and name != "id" and not spec.knows(name, beta=request.beta):
            raise GraphError("select_property", property=name, type=spec.name)
    return names


def _levels(relation: Relation, options: dict[str, str]) -> int:
    """source: the user page's `$expand=manager($levels=n)`: only a relation to one object has levels."""
    text = options.get("$levels")
    if text is None:
        return 1
    if not relation.one:
        raise GraphError("expand_option", option="$levels")
    if text.lower() == "max":
        return _DEEPEST
    if not (text.isascii() and text.isdigit()) or not 1 <= int(text[:6]) <= _DEEPEST:
        raise GraphError("query_value", option="$levels")
    return int(text)


def _options(term: str) -> tuple[str, dict[str, str]]:
    name, bracket, rest = term.partition("(")
    name = name.strip()
    if not name.isidentifier() or (bracket and not rest.endswith(")")):
        raise GraphError("select_term", term=term)
    options: dict[str, str] = {}
    for part in _split(rest[:-1], ";") if bracket and rest != ")" else []:
        option, equals, value = part.partition("=")
        option = option.strip().lower()
        option = option if option.startswith("$") else f"${option}"
        if not equals or not value.strip():
            raise GraphError("select_term", term=term)
        if option not in ("$select", "$levels"):
            raise GraphError("expand_option", option=option)
        options[option] = value.strip()
    return name, options


def _split(text: str, mark: str) -> list[str]:
    """The parts between marks that stand outside parentheses. Raises GraphError where those do not match."""
    parts, depth, begin = [], 0, 0
    for at, character in enumerate(text):
        depth += (character == "(") - (character == ")")
        if depth < 0:
            raise GraphError("select_term", term=text)
        if character == mark and depth == 0:
            parts.append(text[begin:at])
            begin = at + 1
    parts.append(text[begin:])
    if depth or not all(part.strip() for part in parts):
        raise GraphError("select_term", term=text)
    return [part.strip() for part in parts]
