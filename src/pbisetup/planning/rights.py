"""Who may do what: which coming steps this operator is allowed, and who else is (entra.md 2.1 and 2.2).

A role list is a hint, not proof: custom roles and policies can grant the same rights. So `None` (only trying tells) is an
answer, and a step that was refused after all becomes a hand-off, never a failure of the rest.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from pbisetup.catalog import wellknown as ids
from pbisetup.catalog.tenant_settings import CREATE, CREATE_WORKSPACES, TITLES
from pbisetup.model.facts import Fact, Known
from pbisetup.model.plan import Who
from pbisetup.model.tenant import Operator, TenantSetting

_APP_ADMINS = {ids.GLOBAL_ADMINISTRATOR, ids.APPLICATION_ADMINISTRATOR, ids.CLOUD_APPLICATION_ADMINISTRATOR}
_CONSENT_ADMINS = {*_APP_ADMINS, ids.PRIVILEGED_ROLE_ADMINISTRATOR, ids.AI_ADMINISTRATOR}
_GROUP_ADMINS = {ids.GLOBAL_ADMINISTRATOR, ids.GROUPS_ADMINISTRATOR, ids.USER_ADMINISTRATOR}
_ASSIGNING = ("Directory Writers", "Identity Governance Administrator", "Hybrid Identity Administrator")
_ASSIGN_ADMINS = {
    *_CONSENT_ADMINS,
    ids.USER_ADMINISTRATOR,
    *(template for template, name in ids.ROLE_NAMES.items() if name in _ASSIGNING),
}
_PROTECTED_ADMINS = {ids.GLOBAL_ADMINISTRATOR, ids.PRIVILEGED_ROLE_ADMINISTRATOR}
_SETTING_ADMINS = {ids.GLOBAL_ADMINISTRATOR, ids.FABRIC_ADMINISTRATOR}

_OPAQUE = "the operator's token does not show its permissions"


@dataclass(frozen=True)
class Right:
    """Whether the operator may (None: only trying tells), who may at least, and why the operator may not."""

    allowed: bool | None
    who: tuple[Who, ...]
    because: str = ""


def create_app(operator: Operator, users_may: bool | None) -> Right:
    """Register an application and its service principal."""
    who: tuple[Who, ...] = ("cloud application administrator",)
    if operator.kind == "service principal":
        return _by_permission(
            operator,
            {"Application.ReadWrite.All", "Application.ReadWrite.OwnedBy", "AppRegistration.Create"},
            who,
        )
    if operator.guest:
        return Right(False, who, "guests cannot register applications")
    if operator.roles & {*_APP_ADMINS, ids.APPLICATION_DEVELOPER}:
        return Right(True, who)
    if users_may is False:
        return Right(False, who, "in this tenant users may not register applications")
    return Right(users_may, who, "" if users_may else "the tenant's policy could not be read")


def edit_app(operator: Operator, owners: frozenset[str] | None, *, ours_after_create: bool) -> Right:
    """Change an application, add or remove its secrets and owners."""
    who: tuple[Who, ...] = ("app owner", "cloud application administrator")
    if operator.kind == "service principal":
        return _by_permission(operator, {"Application.ReadWrite.All", "Application.ReadWrite.OwnedBy"}, who)
    if operator.roles & _APP_ADMINS or ours_after_create:
        return Right(True, who)
    if owners is None:
        return Right(None, who, "the application's owners could not be read")
    if operator.object_id in owners:
        return Right(True, who)
    return Right(False, who, f"{operator.account} does not own the application")


def enable_service_principal(operator: Operator, owners: frozenset[str] | None) -> Right:
    """Switch the app's service principal on. `owners` are the application's: those of its service principal are not read."""
    who: tuple[Who, ...] = ("cloud application administrator",)
    if operator.kind == "service principal":
        return _by_permission(operator, {"Application.ReadWrite.All", "Application.ReadWrite.OwnedBy"}, who)
    if operator.roles & _APP_ADMINS:
        return Right(True, who)
    if owners is None or operator.object_id in owners:
        return Right(None, who, "whether you own the service principal, too, is seen only when it is tried")
    return Right(False, who, "it takes a Cloud Application Administrator")


def change_api(operator: Operator) -> Right:
    """Add the service principal of an API of Microsoft's, or switch it on."""
    who: tuple[Who, ...] = ("cloud application administrator",)
    if operator.kind == "service principal":
        return _by_permission(operator, {"Application.ReadWrite.All"}, who)
    if operator.roles & _APP_ADMINS:
        return Right(True, who)
    return Right(False, who, "it takes a Cloud Application Administrator")


def change_app_role(operator: Operator, *, of_graph: bool | None) -> Right:
    """Grant or revoke an application permission.

    `of_graph`: whether it is one of Microsoft Graph's, which are better protected (entra.md 2.2); None: not known.
    """
    who: tuple[Who, ...] = ("privileged role administrator",)
    because = "permissions on Microsoft Graph take a Privileged Role Administrator"
    if of_graph is False:
        who, because = ("cloud application administrator",), "it takes a Cloud Application Administrator"
    held = operator.graph_permissions if operator.kind == "service principal" else frozenset()
    if operator.kind == "service principal" and not held:
        return Right(None, who, _OPAQUE)
    if operator.roles & _PROTECTED_ADMINS or "AppRoleAssignment.ReadWrite.All" in held:
        return Right(True, who)
    if of_graph is not True and (operator.roles & _ASSIGN_ADMINS or "Application.ReadWrite.All" in held):
        unread = "which API the permission belongs to could not be read"
        return Right(None, who, unread) if of_graph is None else Right(True, who)
    return Right(False, who, because)


def assign_person(operator: Operator, owners: frozenset[str] | None) -> Right:
    """Assign somebody to the app, which its owners may, too."""
    right = replace(change_app_role(operator, of_graph=False), who=("app owner", "cloud application administrator"))
    if right.allowed or operator.kind != "user":
        return right
    if owners is None:
        return replace(right, allowed=None, because="the application's owners could not be read")
    return replace(right, allowed=True, because="") if operator.object_id in owners else right


def consent(operator: Operator) -> Right:
    """Consent to delegated permissions for everybody in the tenant."""
    who: tuple[Who, ...] = ("cloud application administrator",)
    if operator.kind == "service principal":
        return _by_permission(operator, {"DelegatedPermissionGrant.ReadWrite.All"}, who)
    if operator.roles & _CONSENT_ADMINS:
        return Right(True, who)
    return Right(False, who, "consent for everybody takes a Cloud Application Administrator")


def create_group(operator: Operator, users_may: bool | None) -> Right:
    """Make a security group."""
    who: tuple[Who, ...] = ("groups administrator",)
    if operator.kind == "service principal":
        return _by_permission(operator, {"Group.Create", "Group.ReadWrite.All"}, who)
    if operator.guest:
        return Right(False, who, "guests cannot create groups")
    if operator.roles & _GROUP_ADMINS:
        return Right(True, who)
    if users_may is False:
        return Right(False, who, "in this tenant users may not create security groups")
    return Right(users_may, who, "" if users_may else "the tenant's policy could not be read")


def add_member(operator: Operator, *, owns_group: bool | None, role_assignable: bool = False) -> Right:
    """Put the service principal in a group."""
    if role_assignable:
        who: tuple[Who, ...] = ("privileged role administrator",)
        if operator.roles & _PROTECTED_ADMINS:
            return Right(True, who)
        return Right(False, who, "directory roles can be assigned to this group, so it is protected")
    who = ("groups administrator",)
    if operator.kind == "service principal":
        return _by_permission(operator, {"GroupMember.ReadWrite.All", "Group.ReadWrite.All"}, who)
    if operator.roles & _GROUP_ADMINS or owns_group:
        return Right(True, who)
    if owns_group is None:
        return Right(None, who, "the group's owners could not be read")
    return Right(False, who, f"{operator.account} does not own the group")


def change_setting(operator: Operator, *, can_read: bool) -> Right:
    """Change a Fabric tenant setting.

    That somebody may read the settings does not prove that they may write them: the sign-in client's scopes may lack
    Tenant.ReadWrite.All (powerbi.md 5, entra.md 12). Then the step is refused when tried and handed off.
    """
    who: tuple[Who, ...] = ("fabric administrator",)
    if can_read or operator.roles & _SETTING_ADMINS:
        return Right(True, who)
    return Right(False, who, "only a Fabric administrator may see and change tenant settings")


def set_workspace_role(operator_role: str | None, *, visible: bool, unread: str = "") -> Right:
    """Give the service principal a role in a workspace (Fabric roleAssignments: the caller needs Member or higher)."""
    who: tuple[Who, ...] = ("workspace admin",)
    if not visible:
        return Right(False, who, unread or "the workspace does not exist, or you have no role in it")
    if unread:
        return Right(None, who, unread)
    if operator_role in ("Admin", "Member"):
        return Right(True, who)
    return Right(False, who, "you are neither Admin nor Member of the workspace")


def create_workspace(operator: Operator, settings: Fact[Mapping[str, TenantSetting]]) -> Right:
    """Make a workspace. Two tenant settings can forbid it, and whom they let in does not always show."""
    who: tuple[Who, ...] = ("fabric administrator",)
    names = (CREATE_WORKSPACES, *((CREATE,) if operator.kind == "service principal" else ()))
    shut = [TITLES[name] for name in names if (found := _setting(settings, name)) and not found.enabled]
    if shut:
        return Right(False, who, f"the tenant setting {shut[0]!r} is off")
    if all((found := _setting(settings, name)) and not found.scoped for name in names):
        return Right(True, who)
    return Right(None, who, "whether the tenant lets you make workspaces is seen only when it is tried")


def _setting(settings: Fact[Mapping[str, TenantSetting]], name: str) -> TenantSetting | None:
    return settings.value.get(name) if isinstance(settings, Known) else None


def assign_capacity(operator_role: str | None) -> Right:
    """Put a workspace on a capacity that the operator may use (Fabric, Workspaces - Assign To Capacity: Admin of it)."""
    if operator_role == "Admin":
        return Right(True, ("workspace admin",))
    return Right(False, ("workspace admin",), "you are not Admin of the workspace")


def _by_permission(operator: Operator, any_of: set[str], who: tuple[Who, ...]) -> Right:
    if not operator.graph_permissions:
        return Right(None, who, _OPAQUE)
    if operator.graph_permissions & any_of:
        return Right(True, who)
    return Right(False, who, f"the operator's service principal holds none of {', '.join(sorted(any_of))}")
