"""What directory objects are related to: one table of navigation properties, for `$expand`, `$count` and casts.

source: msgraph-sdk 1.65 models (names, kinds, "Supports $expand" and "$select nested in $expand" of each).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from pbisetup.sandbox.roles import active_templates, role_object
from pbisetup.sandbox.store import Object, Tenant

Typed = tuple[str, Object]
"""Type name and stored object."""
Find = Callable[[Tenant, Object], list[Typed]]


@dataclass(frozen=True)
class Relation:
    """One navigation property."""

    find: Find
    kind: str | None = None
    """Type of what is related; None: directory objects of several types."""
    expandable: bool = True
    nested_select: bool = True
    """Whether `$select` may stand inside `$expand`. Where the models say nothing of it: guess, that it may."""
    one: bool = False
    """At most one object, not a list."""
    operation: str | None = None
    """The row of `permissions.py` that reading it asks for, beyond reading the object itself."""


def principals(name: str) -> Find:
    """The users, groups and service principals whose object ids a stored list names, and that still exist."""

    def find(tenant: Tenant, item: Object) -> list[Typed]:
        found = (tenant.principal(id_) for id_ in item.get(name) or [])
        return [pair for pair in found if pair is not None]

    return find


def member_of(*, transitive: bool) -> Find:
    """Groups and directory roles that hold a principal. Roles are the active ones, also through a role-assignable
    group: transitively (source: entra.md 1.12).
    """

    def find(tenant: Tenant, item: Object) -> list[Typed]:
        rows: list[Typed] = [("group", each) for each in tenant.groups_of(item["id"], transitive=transitive)]
        templates = active_templates(tenant, item["id"]) if transitive else item.get("directoryRoles") or []
        return rows + [("directoryRole", role_object(tenant, template)) for template in templates]

    return find


def owned_objects(tenant: Tenant, item: Object) -> list[Typed]:
    """The applications, service principals and groups that a principal owns."""
    return [
        (kind, each)
        for kind, collection in (
            ("application", tenant.applications),
            ("servicePrincipal", tenant.servicePrincipals),
            ("group", tenant.groups),
        )
        for each in collection
        if item["id"] in each.get("owners", [])
    ]


def transitive_members(tenant: Tenant, item: Object) -> list[Typed]:
    """Members of a group and of the groups in it, each once."""
    found: dict[str, Typed] = {}
    wanted = [item]
    while wanted:
        for kind, member in principals("members")(tenant, wanted.pop()):
            if member["id"] not in found:
                found[member["id"]] = (kind, member)
                if kind == "group":
                    wanted.append(member)
    return list(found.values())


def role_members(tenant: Tenant, item: Object) -> list[Typed]:
    """Whoever holds a directory role itself."""
    template = item["roleTemplateId"]
    return [
        (kind, each)
        for kind, collection in (
            ("user", tenant.users),
            ("group", tenant.groups),
            ("servicePrincipal", tenant.servicePrincipals),
        )
        for each in collection
        if template in (each.get("directoryRoles") or [])
    ]


def _assignments(side: str) -> Find:
    def find(tenant: Tenant, item: Object) -> list[Typed]:
        return [
            ("appRoleAssignment", each)
            for each in tenant.appRoleAssignments
            if each.get(side) == item["id"]
            and tenant.principal(str(each.get("principalId"))) is not None
            and each.get("resourceId") in tenant.servicePrincipals
        ]

    return find


def _grants(side: str) -> Find:
    def find(tenant: Tenant, item: Object) -> list[Typed]:
        return [
            ("oAuth2PermissionGrant", each)
            for each in tenant.oauth2PermissionGrants
            if each.get(side) == item["id"]
            and each.get("clientId") in tenant.servicePrincipals
            and each.get("resourceId") in tenant.servicePrincipals
        ]

    return find


def _held(name: str, kind: str) -> Find:
    def find(_tenant: Tenant, item: Object) -> list[Typed]:
        return [(kind, each) for each in item.get(name) or []]

    return find


def _manager(tenant: Tenant, item: Object) -> list[Typed]:
    found = tenant.users.get(str(item.get("manager")))
    return [("user", found)] if found is not None else []


def _reports(tenant: Tenant, item: Object) -> list[Typed]:
    return [("user", each) for each in tenant.users if each.get("manager") == item["id"]]


_OWNERS = Relation(principals("owners"))
_MEMBER_OF = Relation(member_of(transitive=False))
_ALL_MEMBER_OF = Relation(member_of(transitive=True), expandable=False)
_OWNED = Relation(owned_objects)
_ASSIGNMENTS = Relation(_assignments("principalId"), "appRoleAssignment", operation="assignments.read")
_CREDENTIALS = Relation(
    _held("federatedIdentityCredentials", "federatedIdentityCredential"), "federatedIdentityCredential"
)

RELATIONS: Final[dict[str, dict[str, Relation]]] = {
    "application": {
        "owners": _OWNERS,
        "federatedIdentityCredentials": _CREDENTIALS,
        "extensionProperties": Relation(_held("extensionProperties", "extensionProperty"), "extensionProperty"),
    },
    "servicePrincipal": {
        "owners": _OWNERS,
        "memberOf": _MEMBER_OF,
        "transitiveMemberOf": _ALL_MEMBER_OF,
        "ownedObjects": _OWNED,
        "appRoleAssignments": _ASSIGNMENTS,
        "appRoleAssignedTo": Relation(_assignments("resourceId"), "appRoleAssignment", operation="assignments.read"),
        "federatedIdentityCredentials": _CREDENTIALS,
        "oauth2PermissionGrants": Relation(
            _grants("clientId"), "oAuth2PermissionGrant", expandable=False, operation="grants.read"
        ),
    },
    "group": {
        "members": Relation(principals("members")),
        "owners": _OWNERS,
        "memberOf": _MEMBER_OF,
        "transitiveMembers": Relation(transitive_members, expandable=False),
        "transitiveMemberOf": _ALL_MEMBER_OF,
        "appRoleAssignments": _ASSIGNMENTS,
    },
    "user": {
        "memberOf": _MEMBER_OF,
        "transitiveMemberOf": _ALL_MEMBER_OF,
        "ownedObjects": _OWNED,
        "appRoleAssignments": _ASSIGNMENTS,
        "manager": Relation(_manager, one=True),
        "directReports": Relation(_reports),
        "oauth2PermissionGrants": Relation(
            _grants("principalId"), "oAuth2PermissionGrant", expandable=False, operation="grants.read"
        ),
    },
    "directoryRole": {"members": Relation(role_members)},
}
