"""How many objects a directory holds, and who has made how many: limits as a table, refusals as the service words
them.

The state may lower any of them (`limits.<name>`). What was purged counts a quarter for thirty days more (state
`quota.purged`).
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from pbisetup.sandbox.graph.errors import GraphError
from pbisetup.sandbox.graph.service import Request
from pbisetup.sandbox.graph.times import read_time
from pbisetup.sandbox.limits import limit
from pbisetup.sandbox.roles import active_roles
from pbisetup.sandbox.store import Object
from pbisetup.sandbox.wire import World

# source: entra-docs directory-service-limits (2026-10-01), documented, unless a row says otherwise.
LIMITS: Final[dict[str, int]] = {
    "objects": 50_000,
    "objectsWithVerifiedDomain": 300_000,
    "objectsOfNewTenant": 600,
    "objectsPerPrincipal": 250,
    "ownersPerObject": 100,
    "federatedCredentialsPerApplication": 20,
    "appRoleAssignmentsPerPrincipal": 1_500,
    "manifestEntries": 1_200,
    "rolesAndScopes": 700,
    "requiredResources": 50,
    "requiredPermissions": 400,
    "roleAssignableGroups": 500,
    "conditionalAccessPolicies": 240,
}
NEW_TENANT: Final = timedelta(days=2)
KEPT: Final = timedelta(days=30)
"""How long a soft-deleted object stays, and how long a purged one still counts."""
_EXEMPT: Final = {
    "application": {"Global Administrator", "Application Administrator", "Cloud Application Administrator"},
    "servicePrincipal": {"Global Administrator", "Application Administrator", "Cloud Application Administrator"},
    "group": {"Global Administrator", "Groups Administrator"},
}
# An app with one of these makes objects for the tenant, not as their owner (known: create against createAsOwner).
_EXEMPT_PERMISSIONS: Final = {
    "application": {"Application.ReadWrite.All", "Directory.ReadWrite.All"},
    "servicePrincipal": {"Application.ReadWrite.All", "Directory.ReadWrite.All"},
    "group": {"Group.ReadWrite.All", "Directory.ReadWrite.All"},
}


def of(world: World, name: str) -> int:
    """A limit as the state has it, else the published one."""
    return limit(world, name, LIMITS[name])


def check_new(request: Request, kind: str) -> None:
    """Refuse an object that the caller, or the directory, has no room for. Raises GraphError."""
    if not _exempt(request, kind) and _made_by(request) >= of(request.world, "objectsPerPrincipal"):
        raise GraphError("principal_quota")
    if used(request.world) >= room(request.world):
        raise GraphError("tenant_quota")


def purged(request: Request, item: Object) -> None:
    """Remember that an object is gone for good."""
    held = request.tenant.section("quota").setdefault("purged", [])
    held.append({"createdBy": item.get("_createdBy"), "when": request.born()})
    request.tenant.section("quota")["purged"] = _recent(request.world)


def _exempt(request: Request, kind: str) -> bool:
    if request.caller.kind == "app" and request.caller.roles & _EXEMPT_PERMISSIONS[kind]:
        return True
    return bool(active_roles(request.tenant, request.caller.object_id) & _EXEMPT[kind])


def _made_by(request: Request) -> float:
    """Objects the caller has created, soft-deleted ones included."""
    tenant, who = request.tenant, request.caller.object_id
    alive: int = sum(
        item.get("_createdBy") == who
        for collection in (tenant.applications, tenant.servicePrincipals, tenant.groups)
        for item in collection.peek()
    )
    deleted: int = sum((entry.get("object") or {}).get("_createdBy") == who for entry in tenant.deletedItems.peek())
    gone: int = sum(each.get("createdBy") == who for each in _recent(request.world))
    return alive + deleted + gone / 4


def used(world: World) -> float:
    """How many objects count against the directory's quota."""
    tenant = world.tenant
    kept = (tenant.users, tenant.applications, tenant.servicePrincipals, tenant.groups, tenant.deletedItems)
    return sum(len(collection) for collection in kept) + len(_recent(world)) / 4


def room(world: World) -> int:
    """How many objects the directory may hold now."""
    section = world.tenant.section("tenant")
    created = read_time(section.get("createdDateTime"))
    verified = bool(section.get("verifiedDomains")) or not world.tenant.domain.endswith(".onmicrosoft.com")
    most = of(world, "objectsWithVerifiedDomain" if verified else "objects")
    if created is not None and world.now() - created < NEW_TENANT:
        most = min(most, of(world, "objectsOfNewTenant"))
    return most


def _recent(world: World) -> list[Object]:
    held = world.tenant.section("quota").get("purged") or []
    return [
        each
        for each in held
        if isinstance(each, dict) and (when := read_time(each.get("when"))) is not None and world.now() - when < KEPT
    ]
