"""The signed-in user, users, and what principals belong to and own."""

from __future__ import annotations

from typing import Any, Final

from pbisetup.sandbox.graph import refs
from pbisetup.sandbox.graph.query import Typed, count, listing, selected
from pbisetup.sandbox.graph.service import Handle, Request, Resolve, route
from pbisetup.sandbox.graph.shape import single
from pbisetup.sandbox.roles import active_templates, role_object
from pbisetup.sandbox.store import Object
from pbisetup.sandbox.wire import Reply, Route

_CASTS: Final = ("directoryRole", "group", "administrativeUnit")


def get_user(request: Request, item: Object) -> Reply:
    return Reply(200, single(request, "user", item, "users", selected(request, "user")))


def list_users(request: Request, _: Any) -> Reply:
    return listing(request, "users", "user", [("user", item) for item in request.tenant.users])


def count_users(request: Request, _: Any) -> Reply:
    return count(request, "user", [("user", item) for item in request.tenant.users])


def member_of(*, transitive: bool, cast: str | None) -> Handle:
    """GET of the groups and directory roles that hold a principal.

    Roles are the active ones, also through a role-assignable group: transitively (source: entra.md 1.12).
    """

    def handle(request: Request, item: Object) -> Reply:
        tenant = request.tenant
        rows: list[Typed] = [("group", g) for g in tenant.groups_of(item["id"], transitive=transitive)]
        templates = active_templates(tenant, item["id"]) if transitive else item.get("directoryRoles", [])
        rows += [("directoryRole", role_object(tenant, template)) for template in templates]
        rows = [pair for pair in rows if cast in (None, pair[0])]
        return listing(request, "directoryObjects" if cast is None else f"{cast}s", cast, rows)

    return handle


def owned_objects(*, cast: str | None) -> Handle:
    """GET of the applications, service principals and groups that a principal owns."""

    def handle(request: Request, item: Object) -> Reply:
        tenant = request.tenant
        rows: list[Typed] = []
        for kind, collection in (
            ("application", tenant.applications),
            ("servicePrincipal", tenant.servicePrincipals),
            ("group", tenant.groups),
        ):
            if cast in (None, kind):
                rows += [(kind, each) for each in collection if item["id"] in each.get("owners", [])]
        return listing(request, "directoryObjects" if cast is None else f"{cast}s", cast, rows)

    return handle


def _principal_routes(base: str, operation: str, target: Resolve) -> list[Route]:
    found: list[Route] = []
    for relation, transitive in (("memberOf", False), ("transitiveMemberOf", True)):
        path = f"{base}/{relation}"
        found += route("GET", path, operation, member_of(transitive=transitive, cast=None), target)
        for cast in _CASTS:
            for prefix in ("microsoft.graph", "graph"):  # source: clients.md 4: both spellings are used
                handle = member_of(transitive=transitive, cast=cast)
                found += route("GET", f"{path}/{prefix}.{cast}", operation, handle, target)
    path = f"{base}/ownedObjects"
    found += route("GET", path, operation, owned_objects(cast=None), target)
    for cast in ("application", "servicePrincipal", "group"):
        for prefix in ("microsoft.graph", "graph"):
            found += route("GET", f"{path}/{prefix}.{cast}", operation, owned_objects(cast=cast), target)
    return found


def _routes() -> list[Route]:
    found = route("GET", "/me", "me.read", get_user, refs.me)
    found += _principal_routes("/me", "me.read", refs.me)
    found += route("GET", "/users", "users.read", list_users)
    found += route("GET", "/users/$count", "users.read", count_users)
    found += route("GET", "/users/{id}", "users.read", get_user, refs.user)
    found += _principal_routes("/users/{id}", "users.read", refs.user)
    for base in ("/servicePrincipals/{id}", "/servicePrincipals(appId='{appId}')"):
        found += _principal_routes(base, "service_principals.read", refs.service_principal)
    found += _principal_routes("/groups/{id}", "groups.read", refs.group)
    return found


routes = _routes()
