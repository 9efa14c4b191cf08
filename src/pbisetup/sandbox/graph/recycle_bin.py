"""Where soft-deleted objects are for thirty days by the tenant's clock, and what becomes of them then."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from pbisetup.sandbox.graph import lag, quotas
from pbisetup.sandbox.graph.service import Request
from pbisetup.sandbox.graph.times import read_time
from pbisetup.sandbox.store import Collection, Object, Tenant

KINDS: Final = ("application", "servicePrincipal", "group", "user")


def put(request: Request, kind: str, item: Object) -> None:
    """Move an object into the deleted items, from where it can be restored."""
    when = request.stamp()
    collection(request.tenant, kind).remove(item["id"])
    entry = {
        "id": item["id"],
        "kind": kind,
        "deletedDateTime": when,
        "object": {**item, "deletedDateTime": when},
        "_deletedAt": request.born(),
    }
    request.tenant.deletedItems.add(entry)
    request.changed()


def entries(request: Request, kind: str | None = None) -> Iterator[Object]:
    """What is in there; what has been there for thirty days is purged first."""
    for entry in list(request.tenant.deletedItems.peek()):
        when = read_time(entry.get("deletedDateTime"))
        if when is not None and request.world.now() - when >= quotas.KEPT:
            purge(request, entry["object"], entry["kind"])
        elif kind in (None, entry["kind"]):
            yield entry


def find(request: Request, id_: str) -> Object | None:
    """The entry of an object."""
    return next((entry for entry in entries(request) if str(entry["id"]).lower() == id_.lower()), None)


def purge(request: Request, item: Object, kind: str) -> None:
    """Gone for good, with grants, memberships and ownerships; uniqueName and identifier URIs are free again."""
    tenant = request.tenant
    tenant.deletedItems.remove(item["id"])
    forget(tenant, item["id"])
    quotas.purged(request, item)
    request.changed()
    if kind == "application":
        # The service principal goes with its application (source: entra.md 1.14).
        for entry in list(tenant.deletedItems.peek()):
            if entry["kind"] == "servicePrincipal" and entry["object"].get("appId") == item.get("appId"):
                purge(request, entry["object"], "servicePrincipal")


def forget(tenant: Tenant, id_: str) -> None:
    """Take every reference to an object away."""
    for assignment in tenant.appRoleAssignments:
        if id_ in (assignment["principalId"], assignment["resourceId"]):
            tenant.appRoleAssignments.remove(assignment["id"])
    for grant in tenant.oauth2PermissionGrants:
        if id_ in (grant["clientId"], grant["resourceId"], grant.get("principalId")):
            tenant.oauth2PermissionGrants.remove(grant["id"])
    for holders in (tenant.applications, tenant.servicePrincipals, tenant.groups):
        for seen in list(holders.peek()):
            if id_ not in seen.get("members", ()) and id_ not in seen.get("owners", ()):
                continue
            holder = holders.get(seen["id"]) or seen  # asked for, because it changes
            for relation in ("members", "owners"):
                if id_ in holder.get(relation, []):
                    holder[relation].remove(id_)
    for policy in tenant.appManagementPolicies:
        if id_ in policy.get("_appliesTo", []):
            policy["_appliesTo"].remove(id_)


def collection(tenant: Tenant, kind: str) -> Collection:
    """Where live objects of a kind are."""
    return {
        "application": tenant.applications,
        "servicePrincipal": tenant.servicePrincipals,
        "group": tenant.groups,
        "user": tenant.users,
    }[kind]


def lingering(request: Request, kind: str) -> list[Object]:
    """Objects just deleted, which a list may still show while that has not reached every replica (entra.md 3.2)."""
    lagging = lag.seconds(request.world)
    if lagging <= 0:
        return []
    return [
        {**entry["object"], "deletedDateTime": None}
        for entry in entries(request, kind)
        if (age := lag.since(request.world, entry.get("_deletedAt"))) is not None and age < lagging
    ]
