"""Who may use Fabric and Power BI: which service principals a tenant setting admits, and who has which
workspace role.
"""

from __future__ import annotations

from typing import Final, Literal

from pbisetup.model.cloud import Cloud
from pbisetup.sandbox.bearer import Caller
from pbisetup.sandbox.roles import ROLES as ROLE_IDS
from pbisetup.sandbox.roles import active_roles
from pbisetup.sandbox.store import Object, Tenant
from pbisetup.sandbox.wire import World

PUBLIC_APIS: Final = "ServicePrincipalAccessPermissionAPIs"
CREATE_APIS: Final = "ServicePrincipalAccessGlobalAPIs"
OLD_PUBLIC_APIS: Final = "ServicePrincipalAccess"
"""The one switch that tenants had until May 2025, for both of the above (source: powerbi.md 1.2)."""
CREATE_WORKSPACES: Final = "CreateAppWorkspaces"
READ_ADMIN_APIS: Final = "AllowServicePrincipalsUseReadAdminAPIs"
UPDATE_ADMIN_APIS: Final = "AllowServicePrincipalsUseWriteAdminAPIs"
PROFILES: Final = "AllowServicePrincipalsCreateAndUseProfiles"
EMBEDDING: Final = "Embedding"
EXECUTE_QUERIES: Final = "DatasetExecuteQueries"
XMLA: Final = "OnPremAnalyzeInExcel"
FABRIC_ITEMS: Final = "FabricGAWorkloads"
DATAMARTS: Final = "DatamartTenant"

Admission = Literal["admitted", "off", "excluded", "synced_group", "microsoft365_group", "nested_group", "outside"]
"""Whether a tenant setting lets a principal in, and if not why: it is off; an excluded group holds the principal; one of
its groups does, but is synced from on-premises, or a Microsoft 365 group; a group in one of its groups does; none does.
"""

ROLES: Final = ("Viewer", "Contributor", "Member", "Admin")
"""Workspace roles, lowest first."""
CONNECTION_ROLES: Final = ("User", "UserWithReshare", "Owner")
GATEWAY_ROLES: Final = ("ConnectionCreator", "ConnectionCreatorWithResharing", "Admin")

REFRESH_SECONDS: Final = 120
"""How long after RefreshUserPermissions new rights are known (source: powerbi.md 7: wait two minutes)."""

_ADMINISTRATORS: Final = {"Fabric Administrator", "Global Administrator"}  # source: powerbi.md 2


def audiences(cloud: Cloud) -> frozenset[str]:
    """Of both APIs in a cloud: a Power BI audience also works on Fabric and the other way round (source:
    powerbi.md 5).
    """
    return frozenset(name for name in (cloud.powerbi_resource, cloud.fabric_resource, cloud.powerbi_app_id) if name)


def admission(world: World, setting_name: str, principal_id: str) -> Admission:
    """Whether a tenant setting lets a principal in.

    source: powerbi.md 1.2, 7: scoped exactly when it names groups; 1.1: a cloud security group must hold the
    principal's object id. Excluded groups win over allowed ones (inferred).
    """
    setting = _acting(world, setting_name)
    if setting is None or not setting.get("enabled"):
        return "off"
    tenant = world.tenant
    if any(_holds(world, group, principal_id) for group in _groups(tenant, setting.get("excludedSecurityGroups"))):
        return "excluded"
    if not setting.get("enabledSecurityGroups"):
        return "admitted"
    allowed = _groups(tenant, setting["enabledSecurityGroups"])
    if any(_holds(world, group, principal_id) for group in allowed):
        return "admitted"
    for group in allowed:
        if principal_id in group.get("members", []) and not counts(group):
            return "synced_group" if group.get("onPremisesSyncEnabled") else "microsoft365_group"
    around = {group["id"] for group in tenant.groups_of(principal_id, transitive=True)}
    return "nested_group" if any(group["id"] in around for group in allowed if not _young(world, group)) else "outside"


def _acting(world: World, name: str) -> Object | None:
    """A tenant setting as it acts now: a change takes its time (`weather.tenant_setting_seconds`)."""
    settings = world.tenant.tenantSettings
    setting = settings.get(name)
    if setting is None and name in (PUBLIC_APIS, CREATE_APIS):
        setting = settings.get(OLD_PUBLIC_APIS)
    before = (setting or {}).get("_before")
    if before and world.now().timestamp() < float(before["until"]):
        found: Object = before
        return found
    return setting


def on_its_way(world: World, name: str) -> bool:
    """Whether a tenant setting has been changed and still acts as before."""
    return _acting(world, name) is not world.tenant.tenantSettings.get(name)


def _groups(tenant: Tenant, named: list[Object] | None) -> list[Object]:
    found = (tenant.groups.get(str(each.get("graphId", ""))) for each in named or ())
    return [group for group in found if group is not None]


def _holds(world: World, group: Object, principal_id: str) -> bool:
    here = principal_id in group.get("members", []) and world.tenant.principal(principal_id) is not None
    return counts(group) and here and not _young(world, group, principal_id)


def _young(world: World, group: Object, principal_id: str | None = None) -> bool:
    """Whether a membership is so new that Power BI does not know it yet (`weather.group_membership_seconds`)."""
    delay = float(world.tenant.section("weather").get("group_membership_seconds", 0))
    since = group.get("_since") or {}
    moments = [since[principal_id]] if principal_id in since else [] if principal_id else list(since.values())
    return any(world.now().timestamp() < float(moment) + delay for moment in moments)


def counts(group: Object) -> bool:
    """Whether a group counts for tenant settings: a cloud security group.

    source: powerbi.md 1.1 (synced groups failed: one source; security groups: documented). That Microsoft 365 groups
    and members of nested groups do not count is inferred.
    """
    return bool(
        group.get("securityEnabled")
        and not group.get("onPremisesSyncEnabled")
        and "Unified" not in group.get("groupTypes", [])
    )


def holds_admin_role(tenant: Tenant, principal_id: str) -> bool:
    """Whether the directory has this principal as an active Fabric or Global Administrator."""
    return not _ADMINISTRATORS.isdisjoint(active_roles(tenant, principal_id))


def is_fabric_administrator(world: World, caller: Caller) -> bool:
    """Whether a user may call admin routes: the directory says so, and so does the token that was got since.

    source: powerbi.md 5 (`wids` holds the role template ids). That the service goes by the token, so that a role
    activated later needs a new one, is inferred; a token without the claim is not held against anybody.
    """
    if not holds_admin_role(world.tenant, caller.object_id):
        return False
    claimed = caller.claims.get("wids")
    return claimed is None or not {ROLE_IDS[name] for name in _ADMINISTRATORS}.isdisjoint(claimed)


def bars_admin_routes(tenant: Tenant, roles: frozenset[str]) -> bool:
    """Whether the Power BI application permissions in an app's token keep it off the admin routes.

    source: powerbi.md 2: they are the fault, whatever else is right. One report there says the opposite, so state
    can (`unknowns.appRolesOnAdminRoutes`: `ignored`).
    """
    return bool(roles) and tenant.section("unknowns").get("appRolesOnAdminRoutes", "refused") != "ignored"


def workspace_role(world: World, workspace: Object, principal_id: str) -> str | None:
    """The highest role that a principal has in a workspace, itself or by a group (nested too: inferred).

    A new role takes its time (`weather.workspace_role_seconds`), until its holder refreshes its permissions (source:
    powerbi.md 7; that it is so for service principals and profiles too, which may call that, is inferred).
    """
    tenant = world.tenant
    mine = {principal_id}
    if any(tenant.groups.get(entry["principal"]["id"]) for entry in workspace.get("roleAssignments", [])):
        # Only where a group has a role: a list of 2,000 workspaces asks this of each.
        mine |= {group["id"] for group in tenant.groups_of(principal_id, transitive=True)}
    held = [
        entry["role"]
        for entry in workspace.get("roleAssignments", [])
        if entry["principal"]["id"] in mine and not _new(world, entry, principal_id)
    ]
    return max(held, key=ROLES.index, default=None)


def assignment(world: World, principal_id: str, type_: str, role: str) -> Object:
    """A new role assignment of a workspace; its id is its principal's (Fabric's own responses show them equal)."""
    entry: Object = {"id": principal_id, "principal": {"id": principal_id, "type": type_}, "role": role}
    if world.tenant.section("weather").get("workspace_role_seconds"):
        entry["_since"] = world.now().timestamp()
    return entry


def _new(world: World, entry: Object, principal_id: str) -> bool:
    delay = float(world.tenant.section("weather").get("workspace_role_seconds", 0))
    if not delay or "_since" not in entry:
        return False
    tenant, now = world.tenant, world.now().timestamp()
    holder = tenant.profiles.get(principal_id) or (tenant.principal(principal_id) or ("", {}))[1]
    refreshed = float(holder.get("_permissionsRefreshed", 0))
    known_from = float(entry["_since"]) + delay
    if refreshed >= float(entry["_since"]):
        known_from = min(known_from, refreshed + REFRESH_SECONDS)
    return now < known_from


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
    if holds_admin_role(tenant, principal_id):
        return "Admin"
    return "Assign" if names & {str(each).lower() for each in capacity.get("contributors", [])} else None
