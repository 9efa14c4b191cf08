"""Owners and members: lists of references that are read, added to and taken from in the same way."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from pbisetup.sandbox.graph import quotas, refs
from pbisetup.sandbox.graph.errors import GraphError
from pbisetup.sandbox.graph.query import Typed, count, listing
from pbisetup.sandbox.graph.service import Handle, Request, Resolve, route
from pbisetup.sandbox.store import Object
from pbisetup.sandbox.wire import Reply, Route

CASTS: Final = ("user", "group", "servicePrincipal")

Check = Callable[[Request, Object, str, Object], None]
"""(request, holder, kind of the added object, the added object): refuse an addition by raising GraphError."""


def related(request: Request, holder: Object, relation: str) -> list[Typed]:
    """The objects that a relation lists and that still exist."""
    found = (request.tenant.principal(id_) for id_ in holder.get(relation, []))
    return [pair for pair in found if pair is not None]


def lister(relation: str, cast: str | None = None) -> Handle:
    """GET of a relation, of every type or cast to one."""

    def handle(request: Request, holder: Object) -> Reply:
        pairs = [pair for pair in related(request, holder, relation) if cast in (None, pair[0])]
        return listing(request, "directoryObjects" if cast is None else f"{cast}s", cast, pairs)

    return handle


def counter(relation: str) -> Handle:
    """GET of `$count` under a relation."""

    def handle(request: Request, holder: Object) -> Reply:
        return count(request, None, related(request, holder, relation))

    return handle


def adder(relation: str, check: Check) -> Handle:
    """POST of `$ref`: 204, or 400 when the reference is there already (source: entra.md 1.10, 1.11)."""

    def handle(request: Request, holder: Object) -> Reply:
        id_ = refs.body_reference(request)
        kind, item = refs.principal(request, id_)
        check(request, holder, kind, item)
        held = holder.setdefault(relation, [])
        if item["id"] in held:
            raise GraphError("reference_exists", property=relation)
        held.append(item["id"])
        if relation == "members":
            request.world.note_members(holder, [item["id"]])
        request.changed()
        return Reply(204)

    return handle


def remover(relation: str, check: Check) -> Handle:
    """DELETE of `{refId}/$ref`: 204, or 404 when it is not there."""

    def handle(request: Request, holder: Object) -> Reply:
        wanted = refs.key(request, "refId")
        held = holder.get(relation, [])
        id_ = next((each for each in held if each.lower() == wanted.lower()), None)
        if id_ is None:
            raise GraphError("not_found", id=wanted)
        kind, item = request.tenant.principal(id_) or ("servicePrincipal", {"id": id_})
        check(request, holder, kind, item)
        held.remove(id_)
        request.changed()
        return Reply(204)

    return handle


def allowed(_request: Request, _holder: Object, _kind: str, _item: Object) -> None:
    """No further condition."""


def may_own(request: Request, holder: Object, kind: str, item: Object) -> None:
    """Owners are users or service principals, and not too many."""
    if kind == "group":
        raise GraphError("value_invalid", property="owners", resource="DirectoryObject")
    most = quotas.of(request.world, "ownersPerObject")
    if item["id"] not in holder.get("owners", []) and len(holder.get("owners", [])) >= most:
        raise GraphError("owner_quota")


def relation_routes(
    base: str, relation: str, read: str, write: str, target: Resolve, add: Check, remove: Check
) -> list[Route]:
    """Every route of one relation under `base`, for example `/groups/{id}` and `members`."""
    found: list[Route] = []
    path = f"{base}/{relation}"
    found += route("GET", path, read, lister(relation), target)
    found += route("GET", f"{path}/$ref", read, _links(relation), target)
    found += route("GET", f"{path}/$count", read, counter(relation), target)
    for cast in CASTS:
        for spelling in (f"microsoft.graph.{cast}", f"graph.{cast}"):  # source: clients.md 4: both are used
            found += route("GET", f"{path}/{spelling}", read, lister(relation, cast), target)
    found += route("POST", f"{path}/$ref", write, adder(relation, add), target)
    found += route("DELETE", f"{path}/{{refId}}/$ref", write, remover(relation, remove), target)
    return found


def _links(relation: str) -> Handle:
    def handle(request: Request, holder: Object) -> Reply:
        links = [
            {"@odata.id": f"{request.base}/directoryObjects/{item['id']}"}
            for _, item in related(request, holder, relation)
        ]
        return Reply(200, {"@odata.context": f"{request.base}/$metadata#Collection($ref)", "value": links})

    return handle
