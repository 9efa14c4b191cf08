"""Soft-deleted applications, service principals and groups: list, restore, purge (source: entra.md 1.14)."""

from __future__ import annotations

from typing import Any, Final

from pbisetup.sandbox.graph import recycle_bin, refs
from pbisetup.sandbox.graph.errors import GraphError
from pbisetup.sandbox.graph.query import count, listing
from pbisetup.sandbox.graph.service import Handle, Request, route
from pbisetup.sandbox.graph.view import typed
from pbisetup.sandbox.store import Object
from pbisetup.sandbox.wire import Reply, Route


def lister(kind: str) -> Handle:
    """GET of the deleted objects of one kind."""

    def handle(request: Request, _: Any) -> Reply:
        rows = [(kind, entry["object"]) for entry in recycle_bin.entries(request, kind)]
        return listing(request, f"{kind}s", kind, rows)

    return handle


def counter(kind: str) -> Handle:
    """How many of one kind are there; an advanced query."""

    def handle(request: Request, _: Any) -> Reply:
        return count(request, kind, [(kind, entry["object"]) for entry in recycle_bin.entries(request, kind)])

    return handle


# By kind: the operation that reading one needs, and the one that restoring or purging it needs.
_RIGHTS: Final = {
    "application": ("deleted.read", "deleted.write"),
    "servicePrincipal": ("deleted.read", "deleted.write"),
    "group": ("groups.read", "groups.write"),
    "user": ("users.read", "users.write"),
}


def get_deleted(request: Request, item: Object) -> Reply:
    entry = _entry(request, item["id"])
    request.require(_RIGHTS[entry["kind"]][0], item)
    return Reply(200, _shown(request, entry))


def restore(request: Request, item: Object) -> Reply:
    """200 with the object. An application and its service principal are restored one by one (source:
    entra.md 1.14).
    """
    tenant = request.tenant
    entry = _entry(request, item["id"])
    request.require(_RIGHTS[entry["kind"]][1], item)
    if entry["kind"] == "servicePrincipal":
        # The application has to be back first, and nothing else may hold its place.
        if tenant.servicePrincipals.by("appId", item["appId"]) is not None:
            raise GraphError("service_principal_in_use", app_id=item["appId"])
        if item.get("appOwnerOrganizationId") == tenant.id and not tenant.applications.by("appId", item["appId"]):
            raise GraphError("no_backing_application", app_id=item["appId"])
    _check_free(request, entry["kind"], item)
    tenant.deletedItems.remove(item["id"])
    item["deletedDateTime"] = None
    recycle_bin.collection(tenant, entry["kind"]).add(item)
    # What comes back has to reach every replica again, as something new has.
    item["_createdAt"] = request.born()
    item.pop("_asked", None)
    request.changed()
    return Reply(200, _shown(request, entry))


def purge(request: Request, item: Object) -> Reply:
    """204: gone for good, with its grants, memberships and ownerships; uniqueName and URIs are free again."""
    kind = _entry(request, item["id"])["kind"]
    request.require(_RIGHTS[kind][1], item)
    recycle_bin.purge(request, item, kind)
    return Reply(204)


def _check_free(request: Request, kind: str, item: Object) -> None:
    """Refuse where a live object has taken a name that must be unique."""
    alive = recycle_bin.collection(request.tenant, kind)
    for name in ("uniqueName", "appId", "userPrincipalName"):
        if kind != "servicePrincipal" and item.get(name) and alive.by(name, str(item[name])) is not None:
            raise GraphError("taken", property=name)
    uris = {str(uri).lower() for uri in item.get("identifierUris") or []}
    for other in alive.peek() if kind == "application" and uris else ():
        if uris & {str(uri).lower() for uri in other.get("identifierUris") or []}:
            raise GraphError("taken", property="identifierUris")


def _entry(request: Request, id_: str) -> Object:
    found = recycle_bin.find(request, id_)
    if found is None:
        raise GraphError("not_found", id=id_)
    return found


def _object(request: Request) -> Object:
    found: Object = _entry(request, refs.key(request, "id"))["object"]
    return found


def _shown(request: Request, entry: Object) -> Object:
    context = f"{request.base}/$metadata#directoryObjects/$entity"
    return {"@odata.context": context, **typed(request.tenant, entry["kind"], entry["object"])}


def _routes() -> list[Route]:
    found: list[Route] = []
    for kind in recycle_bin.KINDS:
        # Groups and users are read by the permissions for them (graph-docs directory-deleteditems-list).
        read = {"group": "groups.read", "user": "users.read"}.get(kind, "deleted.read")
        for prefix in ("microsoft.graph", "graph"):
            path = f"/directory/deletedItems/{prefix}.{kind}"
            found += route("GET", path, read, lister(kind))
            found += route("GET", f"{path}/$count", read, counter(kind))
    one = "/directory/deletedItems/{id}"
    # The right depends on the kind, which only the object tells: the handlers ask for it.
    found += route("GET", one, "deleted.open", get_deleted, _object)
    found += route("POST", f"{one}/restore", "deleted.change", restore, _object)
    found += route("POST", f"{one}/microsoft.graph.restore", "deleted.change", restore, _object)
    found += route("DELETE", one, "deleted.change", purge, _object)
    return found


routes = _routes()
