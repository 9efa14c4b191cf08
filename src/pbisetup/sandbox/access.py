"""Who may use Fabric and Power BI: which service principals a tenant setting admits, and who has which
workspace role.
"""

from __future__ import annotations

from typing import Final, Literal

from pbisetup.catalog.clouds import clouds
from pbisetup.sandbox.roles import active_roles
from pbisetup.sandbox.store import Object, Tenant

AUDIENCES: Final = frozenset(
    name
    for cloud in clouds().values()
    for name in (cloud.powerbi_resource, cloud.fabric_resource, cloud.powerbi_app_id)
    if name
)
"""Of both APIs: a Power BI audience also works on Fabric and the other way round (source: powerbi.md 5)."""

Admission = Literal["admitted", "off", "outside", "excluded"]

PUBLIC_APIS: Final = "ServicePrincipalAccessPermissionAPIs"
CREATE_APIS: Final = "ServicePrincipalAccessGlobalAPIs"
CREATE_WORKSPACES: Final = "CreateAppWorkspaces"
READ_ADMIN_APIS: Final = "AllowServicePrincipalsUseReadAdminAPIs"
UPDATE_ADMIN_APIS: Final = "AllowServicePrincipalsUseWriteAdminAPIs"

ROLES: Final = ("Viewer", "Contributor", "Member", "Admin")
"""Workspace roles, lowest first."""

_ADMINISTRATORS: Final = {"Fabric Administrator", "Global Administrator"}  # source: powerbi.md 2


def admission(tenant: Tenant, setting_name: str, principal_id: str) -> Admission:
    """Whether a tenant setting lets a principal in.

    source: powerbi.md 1.2, 7: scoped exactly when it names groups; 1.1: a cloud security group must hold the
    principal's object id. Excluded groups win over allowed ones (inferred).
    """
    setting = tenant.tenantSettings.get(setting_name)
    if setting is None or not setting.get("enabled"):
        return "off"
    if any(_holds(tenant, group, principal_id) for group in setting.get("excludedSecurityGroups") or ()):
        return "excluded"
    allowed = setting.get("enabledSecurityGroups") or ()
    if allowed and not any(_holds(tenant, group, principal_id) for group in allowed):
        return "outside"
    return "admitted"


def _holds(tenant: Tenant, named: Object, principal_id: str) -> bool:
    group = tenant.groups.get(str(named.get("graphId", "")))
    return group is not None and counts(group) and principal_id in group.get("members", [])


def counts(group: Object) -> bool:
    """Whether a group counts for tenant settings: a cloud security group, its direct members only.

    source: powerbi.md 1.1 (synced groups failed: one source; security groups: documented). That Microsoft
    365 groups
    and members of nested groups do not count is inferred.
    """
    return bool(
        group.get("securityEnabled")
        and not group.get("onPremisesSyncEnabled")
        and "Unified" not in group.get("groupTypes", [])
    )


def is_fabric_administrator(tenant: Tenant, principal_id: str) -> bool:
    return not _ADMINISTRATORS.isdisjoint(active_roles(tenant, principal_id))


def bars_admin_routes(tenant: Tenant, roles: frozenset[str]) -> bool:
    """Whether the Power BI application permissions in an app's token keep it off the admin routes.

    source: powerbi.md 2: they are the fault, whatever else is right. One report there says the opposite, so state
    can (`unknowns.appRolesOnAdminRoutes`: `ignored`).
    """
    return bool(roles) and tenant.section("unknowns").get("appRolesOnAdminRoutes", "refused") != "ignored"


def workspace_role(tenant: Tenant, workspace: Object, principal_id: str) -> str | None:
    """The highest role that a principal has in a workspace, itself or by a group (nested too: inferred)."""
    mine = {principal_id, *(group["id"] for group in tenant.groups_of(principal_id, transitive=True))}
    held = [a["role"] for a in workspace.get("roleAssignments", []) if a["principal"]["id"] in mine]
    return max(held, key=ROLES.index, default=None)


def at_least(role: str | None, least: str) -> bool:
    """Whether a workspace role is this one or a higher one."""
    return role is not None and ROLES.index(role) >= ROLES.index(least)


def capacity_right(tenant: Tenant, capacity: Object, principal_id: str) -> str | None:
    """`Admin`, `Assign` (contributor) or None: a capacity is invisible without a right (source: powerbi.md
    1.1, 7).

    People stand in `admins` and `contributors` by user name or object id, service principals by object id.
    guess: Fabric administrators count as admins of every capacity.
    """
    found = tenant.principal(principal_id)
    names = {principal_id.lower(), str((found[1] if found else {}).get("userPrincipalName", "")).lower()}
    if names & {str(each).lower() for each in capacity.get("admins", [])}:
        return "Admin"
    if is_fabric_administrator(tenant, principal_id):
        return "Admin"
    return "Assign" if names & {str(each).lower() for each in capacity.get("contributors", [])} else None
