"""Relations by path: `$count` of each, casts to one type in both spellings, and the relations that no other module
serves. Mounted last: what another module serves comes first.
"""

from __future__ import annotations

from typing import Final

from pbisetup.sandbox.graph import refs
from pbisetup.sandbox.graph.errors import GraphError
from pbisetup.sandbox.graph.query import count, listing, page
from pbisetup.sandbox.graph.relations import RELATIONS, Relation, Typed
from pbisetup.sandbox.graph.schema import ENTITIES
from pbisetup.sandbox.graph.service import Handle, Request, Resolve, route
from pbisetup.sandbox.graph.view import public, typed
from pbisetup.sandbox.store import Object
from pbisetup.sandbox.wire import Reply, Route

# Types that directory objects of several kinds can be cast to, with the sets that answers name as context (source:
# msgraph-sdk 1.65, its graph_* request builders). Not every one occurs in this tenant.
CASTS: Final = {
    "administrativeUnit": "administrativeUnits",
    "application": "applications",
    "device": "devices",
    "directoryRole": "directoryRoles",
    "group": "groups",
    "orgContact": "contacts",
    "servicePrincipal": "servicePrincipals",
    "user": "users",
}
SPELLINGS: Final = ("microsoft.graph", "graph")  # source: clients.md 4: both are used
# base path, type, operation, what it names
_BASES: Final[tuple[tuple[str, str, str, Resolve], ...]] = (
    *((each, "application", "applications.read", refs.application) for each in refs.APPLICATIONS),
    *(
        (each, "servicePrincipal", "service_principals.read", refs.service_principal)
        for each in refs.SERVICE_PRINCIPALS
    ),
    *((each, "group", "groups.read", refs.group) for each in refs.GROUPS),
    ("/users/{id}", "user", "users.read", refs.user),
    ("/me", "user", "me.read", refs.me),
)


def _rows(request: Request, relation: Relation, item: Object) -> list[Typed]:
    if relation.operation:
        request.require(relation.operation)
    return relation.find(request.tenant, item)


def lister(name: str, relation: Relation) -> Handle:
    """GET of a relation as a list, or of the one object."""

    def handle(request: Request, item: Object) -> Reply:
        rows = _rows(request, relation, item)
        if relation.one:
            if not rows:
                raise GraphError("not_found", id=name)
            context = f"{request.base}/$metadata#directoryObjects/$entity"
            return Reply(200, {"@odata.context": context, **typed(request.tenant, *rows[0])})
        if relation.kind is not None and relation.kind not in ENTITIES:
            return page(request, name, [public(each) for _, each in rows], directory=True)
        return listing(request, "directoryObjects", None, rows)

    return handle


def counter(relation: Relation) -> Handle:
    """GET of a relation's `$count`."""

    def handle(request: Request, item: Object) -> Reply:
        kind = relation.kind if relation.kind in ENTITIES else None
        return count(request, kind, _rows(request, relation, item))

    return handle


def caster(relation: Relation, *, counting: bool) -> Handle:
    """GET of a relation, or of its `$count`, cast to the type that the path names."""

    def handle(request: Request, item: Object) -> Reply:
        given = refs.key(request, "cast")
        cast = next((name for name in CASTS if name.lower() == given.lower()), None)
        if cast is None:
            raise GraphError("no_segment", segment=request.call.path.split("/")[-2 if counting else -1])
        rows = [pair for pair in _rows(request, relation, item) if pair[0] == cast]
        return count(request, cast, rows) if counting else listing(request, CASTS[cast], cast, rows)

    return handle


def _routes() -> list[Route]:
    found: list[Route] = []
    for base, kind, operation, target in _BASES:
        for name, relation in RELATIONS[kind].items():
            path = f"{base}/{name}"
            found += route("GET", path, operation, lister(name, relation), target)
            if relation.one:
                continue
            found += route("GET", f"{path}/$count", operation, counter(relation), target)
            for spelling in SPELLINGS if relation.kind is None else ():
                cast = f"{path}/{spelling}.{{cast}}"
                found += route("GET", cast, operation, caster(relation, counting=False), target)
                found += route("GET", f"{cast}/$count", operation, caster(relation, counting=True), target)
    return found


def missing(held: list[Route]) -> list[Route]:
    """The routes of this module that no other one has."""
    taken = {(each.method, each.path) for each in held}
    return [each for each in _routes() if (each.method, each.path) not in taken]
