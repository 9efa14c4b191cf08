"""Soft-deleted applications and service principals: list, restore, purge (source: entra.md 1.14)."""

from __future__ import annotations

from typing import Any

from pbisetup.sandbox.graph import refs
from pbisetup.sandbox.graph.errors import GraphError
from pbisetup.sandbox.graph.query import listing
from pbisetup.sandbox.graph.service import Handle, Request, route
from pbisetup.sandbox.graph.shape import typed
from pbisetup.sandbox.store import Object
from pbisetup.sandbox.wire import Reply, Route


def lister(kind: str) -> Handle:
    def handle(request: Request, _: Any) -> Reply:
        rows = [(kind, entry["object"]) for entry in request.tenant.deletedItems if entry["kind"] == kind]
        return listing(request, f"{kind}s", kind, rows)

    return handle


def get_deleted(request: Request, item: Object) -> Reply:
    return Reply(200, _shown(request, _entry(request, item["id"])))


def restore(request: Request, item: Object) -> Reply:
    """200 with the object. An application and its service principal are restored one by one (source:
    entra.md 1.14).
    """
    tenant = request.tenant
    entry = _entry(request, item["id"])
    if entry["kind"] == "servicePrincipal":
        # The application has to be back first, and nothing else may hold its place.
        if tenant.servicePrincipals.by("appId", item["appId"]) is not None:
            raise GraphError("service_principal_in_use", app_id=item["appId"])
        if item.get("appOwnerOrganizationId") == tenant.id and not tenant.applications.by("appId", item["appId"]):
            raise GraphError("no_backing_application", app_id=item["appId"])
    collection = tenant.applications if entry["kind"] == "application" else tenant.servicePrincipals
    tenant.deletedItems.remove(item["id"])
    shown = _shown(request, entry)
    shown["deletedDateTime"] = item["deletedDateTime"] = None
    collection.add(item)
    request.changed()
    return Reply(200, shown)


def purge(request: Request, item: Object) -> Reply:
    """204: gone for good, with its grants, memberships and ownerships; uniqueName and URIs are free again."""
    tenant = request.tenant
    tenant.deletedItems.remove(item["id"])
    for assignment in tenant.appRoleAssignments:
        if item["id"] in (assignment["principalId"], assignment["resourceId"]):
            tenant.appRoleAssignments.remove(assignment["id"])
    for grant in tenant.oauth2PermissionGrants:
        if item["id"] in (grant["clientId"], grant["resourceId"]):
            tenant.oauth2PermissionGrants.remove(grant["id"])
    for collection in (tenant.applications, tenant.servicePrincipals, tenant.groups):
        for holder in collection:
            for relation in ("members", "owners"):
                if item["id"] in holder.get(relation, []):
                    holder[relation].remove(item["id"])
    request.changed()
    return Reply(204)


def _entry(request: Request, id_: str) -> Object:
    found = request.tenant.deletedItems.get(id_)
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
    for kind in ("application", "servicePrincipal"):
        for prefix in ("microsoft.graph", "graph"):
            found += route("GET", f"/directory/deletedItems/{prefix}.{kind}", "deleted.read", lister(kind))
    one = "/directory/deletedItems/{id}"
    found += route("GET", one, "deleted.read", get_deleted, _object)
    found += route("POST", f"{one}/restore", "deleted.write", restore, _object)
    found += route("DELETE", one, "deleted.write", purge, _object)
    return found


routes = _routes()
