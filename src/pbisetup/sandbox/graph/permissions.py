"""Which permissions in the token open each operation, and which users may do it: one table, asked before
every handler.

A delegated call needs both: a scope in its token and the user's own right (a directory role, ownership, or
a right that
members have by the tenant's policy). An app needs an app role, or one that only counts on what it owns.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from pbisetup.sandbox.bearer import Caller
from pbisetup.sandbox.graph.errors import GraphError
from pbisetup.sandbox.graph.object_rules import OBJECT_RULES
from pbisetup.sandbox.graph.rule import Rule
from pbisetup.sandbox.roles import active_roles
from pbisetup.sandbox.store import Object, Tenant

_GA = "Global Administrator"
_PRA = "Privileged Role Administrator"
_APP_ADMINS = (_GA, "Application Administrator", "Cloud Application Administrator")
_GROUP_ADMINS = (_GA, "Groups Administrator")
_OWNED = "Application.ReadWrite.OwnedBy"
# guess: Directory.AccessAsUser.All ("as the user") stands in for every directory scope; the Azure CLI
# relied on it.
_AS_USER = "Directory.AccessAsUser.All"


_READ = ("Directory.Read.All", "Directory.ReadWrite.All")
_READ_D = (*_READ, _AS_USER)
_APP_READ = ("Application.Read.All", "Application.ReadWrite.All", *_READ)
_APP_WRITE = ("Application.ReadWrite.All",)
_GROUP_READ = (
    "Group.Read.All",
    "Group.ReadWrite.All",
    "GroupMember.Read.All",
    "GroupMember.ReadWrite.All",
    *_READ,
)
_GROUP_WRITE = ("Group.ReadWrite.All", "Directory.ReadWrite.All")
_CONSENT = (*_APP_ADMINS, _PRA, "AI Administrator")
_ASSIGN = (
    "AppRoleAssignment.ReadWrite.All+Application.Read.All",
    "AppRoleAssignment.ReadWrite.All+Application.ReadWrite.All",
    "AppRoleAssignment.ReadWrite.All+Directory.Read.All",
)
_MEMBER_WRITE = ("GroupMember.ReadWrite.All", *_GROUP_WRITE)

RULES: Final[dict[str, Rule]] = {
    # Reading: members read the directory by default, guests do not (entra.md 2.2).
    "organization.read": Rule(
        ("User.Read", "Organization.Read.All", *_READ_D),
        ("Organization.Read.All", *_READ),
        others=("anyone",),
        source="known: User.Read shows the organisation's basics",
    ),
    "me.read": Rule(
        ("User.Read", "User.ReadWrite", "User.Read.All", "User.ReadWrite.All", *_READ_D),
        (),
        others=("anyone",),
        source="entra.md 2.1",
    ),
    "users.read": Rule(
        ("User.Read.All", "User.ReadWrite.All", "User.ReadBasic.All", *_READ_D),
        ("User.Read.All", "User.ReadWrite.All", *_READ),
        others=("member",),
        source="entra.md 2.2",
    ),
    "roles.read": Rule(
        ("RoleManagement.Read.Directory", "RoleManagement.ReadWrite.Directory", *_READ_D),
        ("RoleManagement.Read.Directory", "RoleManagement.ReadWrite.Directory", *_READ),
        others=("member",),
        source="known: directoryRoles also by Directory.Read.All",
    ),
    "role_assignments.read": Rule(
        ("RoleManagement.Read.Directory", "RoleManagement.ReadWrite.Directory", "RoleManagement.Read.All"),
        ("RoleManagement.Read.Directory", "RoleManagement.ReadWrite.Directory", "RoleManagement.Read.All"),
        others=("member",),
        source="entra.md 2.1",
    ),
    "directory_objects.read": Rule(_READ_D, _READ, others=("member",), source="known"),
    "member_groups.read": Rule(
        ("GroupMember.Read.All", "Group.Read.All", "Group.ReadWrite.All", *_READ_D),
        ("GroupMember.Read.All", "Group.Read.All", "Group.ReadWrite.All", *_READ),
        others=("member",),
        source="known",
    ),
    "policy.read": Rule(
        ("Policy.Read.All",),
        ("Policy.Read.All",),
        others=("member",),
        source="entra.md 2.1",
    ),
    "app_policy.read": Rule(
        ("Policy.Read.All",),
        ("Policy.Read.All",),
        directory_roles=(*_APP_ADMINS, "Global Reader", "Security Administrator"),
        source="entra.md 2.1, 2.2",
    ),
    # Applications
    "applications.read": Rule(
        (*_APP_READ, _AS_USER),
        _APP_READ,
        owned=(_OWNED,),
        others=("member",),
        source="entra.md 2.1",
    ),
    "applications.create": Rule(
        ("AppRegistration.Create", *_APP_WRITE, _AS_USER),
        ("AppRegistration.Create", *_APP_WRITE),
        owned=(_OWNED,),
        directory_roles=(*_APP_ADMINS, "Application Developer"),
        others=("allowedToCreateApps",),
        source="entra.md 2.1, 2.2",
    ),
    "applications.write": Rule(
        (*_APP_WRITE, _AS_USER),
        _APP_WRITE,
        owned=(_OWNED,),
        directory_roles=_APP_ADMINS,
        others=("owner",),
        source="entra.md 2.1, 2.2",
    ),
    "applications.upsert": Rule(
        (*_APP_WRITE, "AppRegistration.Create", _AS_USER),
        ("AppRegistration.Create", *_APP_WRITE),
        owned=(_OWNED,),
        directory_roles=(*_APP_ADMINS, "Application Developer"),
        others=("owner", "nothing_yet"),
        source="entra.md 1.2, 2.1: creating is checked again as applications.create, updating as a write",
    ),
    "deleted.read": Rule(
        (*_APP_READ, _AS_USER),
        _APP_READ,
        owned=(_OWNED,),
        others=("member",),
        source="entra.md 2.1 (restore)",
    ),
    "deleted.write": Rule(
        (*_APP_WRITE, _AS_USER),
        _APP_WRITE,
        owned=(_OWNED,),
        directory_roles=_APP_ADMINS,
        others=("owner",),
        source="entra.md 1.14, 2.1, 2.2",
    ),
    # Service principals
    "service_principals.read": Rule(
        (*_APP_READ, _AS_USER),
        (*_APP_READ, _OWNED),
        others=("member",),
        source="entra.md 2.1; OwnedBy reads known",
    ),
    "service_principals.write": Rule(
        (*_APP_WRITE, _AS_USER),
        _APP_WRITE,
        owned=(_OWNED,),
        directory_roles=_APP_ADMINS,
        others=("owner",),
        source="entra.md 2.1, 2.2",
    ),
    "service_principals.upsert": Rule(
        (*_APP_WRITE, _AS_USER),
        _APP_WRITE,
        owned=(_OWNED,),
        directory_roles=_APP_ADMINS,
        others=("owner", "nothing_yet"),
        source="entra.md 1.3, 2.1: checked again as a write, on the backing application where it is created",
    ),
    # Grants
    "assignments.read": Rule(
        ("AppRoleAssignment.ReadWrite.All", *_APP_READ, _AS_USER),
        ("AppRoleAssignment.ReadWrite.All", *_APP_READ),
        others=("member",),
        source="known",
    ),
    "assignments.change": Rule(
        (*_ASSIGN, *_APP_WRITE, _AS_USER),
        (*_ASSIGN, *_APP_WRITE),
        others=("member",),
        source="entra.md 2.1: the door; one of the next two is asked for once the resource is known",
    ),
    "assignments.write": Rule(
        (*_ASSIGN, *_APP_WRITE, _AS_USER),
        (*_ASSIGN, *_APP_WRITE),
        directory_roles=(
            *_CONSENT,
            "Directory Writers",
            "Identity Governance Administrator",
            "User Administrator",
            "Hybrid Identity Administrator",
        ),
        others=("owner",),
        source="entra.md 2.1, 2.2: resources other than Microsoft Graph; owner of the RESOURCE",
    ),
    "assignments.write.graph": Rule(
        (*_ASSIGN, _AS_USER),
        _ASSIGN,
        directory_roles=(_GA, _PRA),
        source="entra.md 2.1, 2.2: Microsoft Graph",
    ),
    "grants.read": Rule(
        ("DelegatedPermissionGrant.ReadWrite.All", "DelegatedPermissionGrant.Read.All", *_READ_D),
        ("DelegatedPermissionGrant.ReadWrite.All", "DelegatedPermissionGrant.Read.All", *_READ),
        others=("member",),
        source="entra.md 2.1",
    ),
    "grants.write": Rule(
        ("DelegatedPermissionGrant.ReadWrite.All", _AS_USER),
        ("DelegatedPermissionGrant.ReadWrite.All",),
        directory_roles=_CONSENT,
        source="entra.md 2.1, 2.2: Application.ReadWrite.All does not include it",
    ),
    # Groups
    "groups.read": Rule((*_GROUP_READ, _AS_USER), _GROUP_READ, others=("member",), source="known"),
    "groups.create": Rule(
        (*_GROUP_WRITE, _AS_USER),
        ("Group.Create", *_GROUP_WRITE),
        directory_roles=_GROUP_ADMINS,
        others=("allowedToCreateSecurityGroups",),
        source="entra.md 2.1, 2.2",
    ),
    "groups.write": Rule(
        (*_GROUP_WRITE, _AS_USER),
        _GROUP_WRITE,
        directory_roles=_GROUP_ADMINS,
        others=("owner",),
        source="entra.md 2.2",
    ),
    "groups.upsert": Rule(
        (*_GROUP_WRITE, _AS_USER),
        _GROUP_WRITE,
        directory_roles=_GROUP_ADMINS,
        others=("owner", "nothing_yet"),
        source="entra.md 1.2, 2.2: creating is checked again as groups.create",
    ),
    "members.write": Rule(
        (*_MEMBER_WRITE, _AS_USER),
        _MEMBER_WRITE,
        directory_roles=_GROUP_ADMINS,
        others=("owner",),
        source="entra.md 2.1, 2.2",
    ),
    "members.write.service_principal": Rule(
        (*_GROUP_WRITE, "GroupMember.ReadWrite.All+Application.ReadWrite.All", _AS_USER),
        (*_GROUP_WRITE, "GroupMember.ReadWrite.All+Application.ReadWrite.All"),
        directory_roles=_GROUP_ADMINS,
        others=("owner",),
        source="entra.md 2.1 (older page)",
    ),
    "members.write.role_assignable": Rule(
        ("RoleManagement.ReadWrite.Directory", _AS_USER),
        ("RoleManagement.ReadWrite.Directory",),
        directory_roles=(_GA, _PRA),
        others=("owner",),
        source="entra.md 2.2; scope known",
    ),
    **OBJECT_RULES,
}


def check_token(tenant: Tenant, caller: Caller, operation: str) -> bool:
    """Refuse a token without a permission that could open the operation; True where it counts on owned
    objects only.
    """
    rule = RULES[operation]
    if caller.kind == "user":
        if not _has(rule.scopes, caller.scopes):
            raise GraphError(rule.without_permission)
        return False
    if _permitted(tenant, caller, rule):
        return False
    if _has(rule.owned, caller.roles):
        return True
    if rule.own_application:
        return False  # `check` asks whether it is its own
    raise GraphError(rule.without_permission)


def check(tenant: Tenant, caller: Caller, operation: str, target: Object | None = None) -> None:
    """Refuse unless the caller may do this to `target` (None: to nothing that exists yet). Raises
    GraphError.
    """
    owned_only = check_token(tenant, caller, operation)
    rule = RULES[operation]
    if caller.kind == "app":
        if rule.own_application and _is_own(tenant, caller, target):
            return
        if owned_only and target is not None and not owns(tenant, caller.object_id, target):
            raise GraphError("denied")
        if rule.own_application and not owned_only and not _permitted(tenant, caller, rule):
            raise GraphError("denied")
        return
    if _holds_role(tenant, caller, rule):
        return
    if not any(_right(tenant, caller, name, target) for name in rule.others):
        raise GraphError(rule.without_right)


def owns(tenant: Tenant, principal_id: str, target: Object) -> bool:
    """Whether a principal owns an object; a service principal also belongs to the owners of its
    application.
    """
    if principal_id in target.get("owners", ()):
        return True
    app_id = target.get("appId")
    application = tenant.applications.by("appId", app_id) if isinstance(app_id, str) else None
    return application is not None and principal_id in application.get("owners", ())


def is_member_user(tenant: Tenant, principal_id: str) -> bool:
    """Whether this is a user of the tenant itself, not a guest."""
    user = tenant.users.get(principal_id)
    return user is not None and user.get("userType", "Member") == "Member"


def _right(tenant: Tenant, caller: Caller, name: str, target: Object | None) -> bool:
    if name == "anyone":
        return True
    if name == "nothing_yet":
        return target is None
    if name == "owner":
        return target is not None and owns(tenant, caller.object_id, target)
    member = is_member_user(tenant, caller.object_id)
    if name == "member":
        # source: entra.md 2.2: guests cannot list the directory; a directory role lets them (known).
        return member or bool(active_roles(tenant, caller.object_id))
    return member and bool(tenant.section("policies").get(name, True))


def _holds_role(tenant: Tenant, caller: Caller, rule: Rule) -> bool:
    return not active_roles(tenant, caller.object_id).isdisjoint(rule.directory_roles)


def _permitted(tenant: Tenant, caller: Caller, rule: Rule) -> bool:
    return _has(rule.app_roles, caller.roles) or _holds_role(tenant, caller, rule)


def _is_own(tenant: Tenant, caller: Caller, target: Object | None) -> bool:
    """Whether the caller is the service principal of this application, or is this service principal."""
    principal = tenant.servicePrincipals.get(caller.object_id)
    app_id = (target or {}).get("appId")
    return principal is not None and app_id is not None and principal.get("appId") == app_id


def _has(alternatives: Iterable[str], held: frozenset[str]) -> bool:
    return any(held.issuperset(alternative.split("+")) for alternative in alternatives)
