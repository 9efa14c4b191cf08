"""Lists: `$filter`, `$select`, `$search`, `$orderby`, `$expand`, `$top`, `$count` and paging, the same for every
collection of directory objects. What may be asked of which property: `filters.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final
from urllib.parse import quote

from pbisetup.sandbox import odata
from pbisetup.sandbox.graph import filters, lag, licences, paging, search
from pbisetup.sandbox.graph.errors import GraphError
from pbisetup.sandbox.graph.expand import Asked, expansion, expected, with_expansion
from pbisetup.sandbox.graph.names import among, respelled, spelled
from pbisetup.sandbox.graph.permissions import owns
from pbisetup.sandbox.graph.relations import RELATIONS, Typed
from pbisetup.sandbox.graph.schema import ENTITIES
from pbisetup.sandbox.graph.service import Request
from pbisetup.sandbox.graph.view import entity, project, shown
from pbisetup.sandbox.store import Object
from pbisetup.sandbox.wire import Reply

PAGE: Final = 100  # source: Graph directory collections page by 100 unless $top says otherwise, up to 999 (known)
LARGEST: Final = 999

__all__ = ["Typed", "count", "listing", "page", "parse_filter", "selected", "single"]


def selected(request: Request, kind: str | None) -> list[str] | None:
    """The names in `$select`, checked against the type (None: a polymorphic list, where any name may be
    asked for). Relations may be named and change nothing.
    """
    text = request.call.query.get("$select")
    if not text or not text.strip():
        return None
    names = [spelled(name.strip(), kind) for name in text.split(",")]
    for name in names:
        _check_name(request, name, kind)
    if kind == "user" and "signInActivity" in names:
        _check_activity(request)
    return None if "*" in names else names


def listing(request: Request, context: str, kind: str | None, items: Iterable[Typed]) -> Reply:
    """A collection of entities as a 200. `kind` None: directory objects of several types, each with
    `@odata.type`.
    """
    rows = [pair for pair in items if not request.owned_only or owns(request.tenant, request.caller.object_id, pair[1])]
    names = selected(request, kind)
    asked = expansion(request, kind)
    rows = _filtered(request, kind, rows, expanding=asked)
    chosen, token = _window(request, [str(item.get("id")) for _, item in rows])
    values = [_shown(request, kind, rows[index], names, asked) for index in chosen]
    parts = [*(names or ()), *([expected(asked)] if asked else [])]
    return _page(request, context, values, len(rows), token, parts, directory=True)


def single(request: Request, kind: str, item: Object, context: str, names: list[str] | None = None) -> Object:
    """One entity as the body of an answer, with `@odata.context`, only the selected properties, and what `$expand`
    asks for where this answers a GET.

    `key` of a certificate is shown only where keyCredentials is selected on a single object (entra.md 1.8).
    """
    body = shown(request, kind, item, names)
    if names and "keyCredentials" in names:
        for entry, stored in zip(body.get("keyCredentials") or [], item.get("keyCredentials") or [], strict=True):
            entry["key"] = stored.get("key")
    asked = expansion(request, kind) if request.call.method == "GET" else None
    parts = [*(names or ()), *([expected(asked)] if asked else [])]
    where = f"{request.base}/$metadata#{context}" + (f"({','.join(parts)})" if parts else "")
    return {"@odata.context": f"{where}/$entity", **with_expansion(request, asked, item, body)}


def page(
    request: Request,
    context: str,
    values: list[Object],
    names: list[str] | None = None,
    *,
    directory: bool = False,
    keys: Sequence[str] | None = None,
) -> Reply:
    """One page of ready values, with `@odata.nextLink` where more follow. `names`: what was selected already; without
    it `$select` is applied here, whatever it names. `directory`: the directory counts only with ConsistencyLevel.
    `keys`: what the values are told apart by, where their ids may not have been selected.
    """
    indexes, token = _window(request, keys or [str(each.get("id", at)) for at, each in enumerate(values)])
    chosen = [values[index] for index in indexes]
    if names is None and request.call.method == "GET" and all(isinstance(each, dict) for each in chosen):
        known = sorted({name for each in chosen for name in each})
        given = request.call.query.get("$select", "").split(",")
        names = [among(name.strip(), known) for name in given if name.strip()]
        chosen = [project(each, None, names) for each in chosen] if names else chosen
    return _page(request, context, chosen, len(values), token, names or [], directory=directory)


def parse_filter(text: str) -> odata.Expression:
    """The filter as an expression. Raises GraphError when it is none."""
    try:
        return odata.parse(text)
    except odata.BadFilter as bad:
        raise GraphError("filter_syntax", reason=str(bad)) from None


def count(request: Request, kind: str | None, items: Iterable[Typed]) -> Reply:
    """`/$count` of a collection: a bare number; an advanced query (source: entra.md 1.15)."""
    if not _eventual(request):
        raise GraphError("count_header")
    rows = [pair for pair in items if not request.owned_only or owns(request.tenant, request.caller.object_id, pair[1])]
    return Reply(200, str(len(_filtered(request, kind, rows, counting=True))), media_type="text/plain")


def _check_name(request: Request, name: str, kind: str | None) -> None:
    first, _, rest = name.partition("/")
    plain = name.replace("/", "").replace("_", "")
    if name == "*":
        return
    if not (plain.isascii() and plain.isalnum()) or "" in name.split("/"):
        raise GraphError("select_term", term=name)
    if kind is None or kind not in ENTITIES or name == "id" or name in RELATIONS.get(kind, {}):
        return
    spec = ENTITIES[kind]
    if not spec.knows(first, beta=request.beta):
        raise GraphError("select_property", property=first, type=kind)
    nested = spec.nested(first)
    if rest and nested is not None and rest.split("/")[0] not in nested:
        raise GraphError("select_property", property=rest, type=first)


def _shown(request: Request, kind: str | None, pair: Typed, names: list[str] | None, asked: Asked | None) -> Object:
    own_kind, item = pair
    # The id always comes with a polymorphic entry, so that it can be followed (known).
    body = shown(request, own_kind, item, names if names is None or kind else ["id", *names])
    body = with_expansion(request, asked, item, body)
    return body if kind else {"@odata.type": f"#microsoft.graph.{own_kind}", **body}


def _filtered(
    request: Request, kind: str | None, rows: list[Typed], *, counting: bool = False, expanding: Asked | None = None
) -> list[Typed]:
    """The rows that `$filter` and `$search` leave, in the order of `$orderby`."""
    query = request.call.query
    advanced = counting
    full = _eventual(request) and (counting or _counts(request))
    if query.get("$filter"):
        expression = respelled(parse_filter(query["$filter"]), kind)
        operator = _first_advanced(request, expression, kind)
        if operator is not None and not full:
            raise GraphError("filter_operator", operator=operator)
        advanced = advanced or operator is not None
        clauses = filters.widest(expression)
        if clauses > filters.MOST_CLAUSES:
            raise GraphError("filter_clauses", count=clauses, most=filters.MOST_CLAUSES)
        wanted = expression.properties()
        if kind == "user" and "signInActivity" in wanted:
            _check_activity(request)
        look = _plain if wanted <= _PLAIN else _searchable(wanted)
        rows = [pair for pair in rows if expression.matches(look(request, pair))]
    if query.get("$search"):
        advanced = True
        if not _eventual(request):
            raise GraphError("search_header")
        hit = search.parse(query["$search"], lambda name: _check_search(request, spelled(name, kind), kind))
        seen = _searchable(set())
        rows = [pair for pair in rows if hit(seen(request, pair))]
    if query.get("$orderby"):
        sorts = "advanced" if query.get("$filter") else _sorts(request, kind, query["$orderby"])
        if sorts == "advanced" and not full:
            if query.get("$filter"):
                raise GraphError("order_query")
            name = spelled(query["$orderby"].split()[0], kind)
            raise GraphError("order_property", property=name, resource=_resource(kind))
        _sorts(request, kind, query["$orderby"])
        advanced = advanced or sorts == "advanced"
        rows = _ordered(request, rows, kind, query["$orderby"])
    if advanced and expanding is not None:
        raise GraphError("expand_unsupported", property=expanding.name, resource=_resource(kind))
    if advanced:
        # source: entra.md 1.15: served from a separate index that lags behind.
        rows = [pair for pair in rows if not lag.young(request.world, pair[1])]
    return rows


def _first_advanced(request: Request, expression: odata.Expression, kind: str | None) -> str | None:
    if kind is not None and kind in ENTITIES:
        return filters.check(expression, kind, beta=request.beta)
    # source: the pages of group members, memberOf and owners: $filter there needs the advanced parameters.
    return expression.op if kind is None else None


def _check_search(request: Request, name: str, kind: str | None) -> str:
    """The name of a property to search, as the type spells it."""
    if kind is None or kind not in filters.FILTERS:
        return name
    if not ENTITIES[kind].knows(name, beta=request.beta):
        raise GraphError("query_property", property=name, type=kind)
    if name not in filters.FILTERS[kind]:
        raise GraphError("query_unsupported", property=name, resource=_resource(kind))
    return name


def _check_activity(request: Request) -> None:
    """source: graph-docs user (signInActivity): it needs AuditLog.Read.All and Entra ID P1; JupiterOne's graph-azure
    compares both texts.
    """
    caller = request.caller
    if "AuditLog.Read.All" not in (caller.scopes if caller.kind == "user" else caller.roles):
        raise GraphError("report_permission")
    if not licences.premium(request.tenant):
        raise GraphError("premium_required")


def _searchable(wanted: set[str]) -> Callable[[Request, Typed], Object]:
    """An object with those wanted relations that a filter may count (`owners/$count eq 0`), under its names of this
    version.
    """

    def look(request: Request, pair: Typed) -> Object:
        kind, item = pair
        body = shown(request, kind, item, None) if kind != "user" else entity(request.tenant, kind, item)
        for name in wanted & _COUNTED:
            relation = RELATIONS.get(kind, {}).get(name)
            if relation is not None:
                body[name] = [each for _, each in relation.find(request.tenant, item)]
        return body

    return look


_COUNTED: Final = frozenset(
    ("owners", "members", "federatedIdentityCredentials", "extensionProperties", "ownedObjects")
)


_PLAIN: Final = frozenset(
    (
        "id",
        "appId",
        "displayName",
        "uniqueName",
        "createdDateTime",
        "identifierUris",
        "servicePrincipalNames",
        "userPrincipalName",
        "mail",
    )
)
"""Properties that are shown as they are stored, in both versions."""


def _plain(_: Request, pair: Typed) -> Object:
    """What `_searchable` says of these properties, without making the whole entity: a large tenant has 20,000."""
    kind, item = pair
    defaults = ENTITIES[kind].defaults if kind in ENTITIES else {}
    return {name: item.get(name, defaults.get(name)) for name in _PLAIN}


def _sorts(request: Request, kind: str | None, text: str) -> str:
    """Whether this order is served by default or in advanced queries. Raises GraphError where in none."""
    words = text.split()
    if not words or len(words) > 2 or (len(words) == 2 and words[1].lower() not in ("asc", "desc")):
        raise GraphError("query_value", option="$orderby")
    name = spelled(words[0], kind)
    if kind is None:
        # guess: members and the like sort by displayName in an advanced query (microsoft-graph-docs#6345: else not).
        if name == "displayName" and _eventual(request) and _counts(request):
            return "advanced"
        raise GraphError("order_resource", resource="DirectoryObject")
    if kind not in filters.SORTS:
        raise GraphError("order_resource", resource=_resource(kind))
    if name != "id" and not ENTITIES[kind].knows(name, beta=request.beta):
        raise GraphError("query_property", property=name, type=kind)
    found = filters.SORTS[kind].get(name)
    if found is None:
        raise GraphError("order_property", property=name, resource=_resource(kind))
    return found


def _ordered(request: Request, rows: list[Typed], kind: str | None, text: str) -> list[Typed]:
    name, _, direction = text.strip().partition(" ")
    name = spelled(name, kind)

    def key(pair: Typed) -> str:
        return str(entity(request.tenant, *pair).get(name) or "").casefold()

    return sorted(rows, key=key, reverse=direction.strip().lower() == "desc")


def _eventual(request: Request) -> bool:
    return request.call.headers.get("consistencylevel", "").lower() == "eventual"


def _counts(request: Request) -> bool:
    text = request.call.query.get("$count", "false").lower()
    if text not in ("true", "false"):
        raise GraphError("count_value", value=request.call.query["$count"])
    return text == "true"


def _resource(kind: str | None) -> str:
    return ENTITIES[kind].resource if kind in ENTITIES else "DirectoryObject"


def _window(request: Request, keys: Sequence[str]) -> tuple[list[int], str | None]:
    """Which rows the asked page has, and the token of the next."""
    if "$skip" in request.call.query:
        raise GraphError("skip")
    return paging.turn(request, keys, _top(request.call.query.get("$top")))


def _page(
    request: Request,
    context: str,
    values: list[Object],
    total: int,
    token: str | None,
    parts: list[str],
    *,
    directory: bool,
) -> Reply:
    projection = f"({','.join(parts)})" if parts else ""
    body: Object = {"@odata.context": f"{request.base}/$metadata#{context}{projection}"}
    # source: concepts/aad-advanced-queries.md: without the header $count is silently ignored;
    # concepts/query-parameters.md: only the first page has the count.
    if _counts(request) and (_eventual(request) or not directory) and "$skiptoken" not in request.call.query:
        body["@odata.count"] = total
    if token is not None:
        rest = {**{k: v for k, v in request.call.query.items() if k != "$skiptoken"}, "$skiptoken": token}
        text = "&".join(f"{quote(k, safe='$')}={quote(v, safe='')}" for k, v in rest.items())
        body["@odata.nextLink"] = f"{request.call.origin}{quote(request.call.path)}?{text}"
    body["value"] = values
    return Reply(200, body)


def _top(text: str | None) -> int:
    if text is None:
        return PAGE
    if not (text.isascii() and text.isdigit()):
        raise GraphError("top_value", value=text)
    if not 1 <= int(text[:6]) <= LARGEST:
        raise GraphError("page_size", size=text[:20])
    return int(text)
