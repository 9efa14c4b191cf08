"""The tenant settings of a new tenant, in the shape in which Fabric's admin API lists them."""

from __future__ import annotations

from typing import Any

_DEVELOPER = "Developer settings"
_ADMIN_API = "Admin API settings"
_INTEGRATION = "Integration settings"

# settingName, title of today, group, enabled, can be scoped to groups. source: powerbi.md 1.2 and 7 (recorded
# 2026-10-03); where the table gives no default, `enabled` is a guess. ServicePrincipalAccessPermissionAPIs is
# on in new tenants; here it is off as in one that is older than the split, because switching it on is the
# work to be practised.
SETTINGS = (
    (
        "ServicePrincipalAccessGlobalAPIs",
        "Service principals can create workspaces, connections, and deployment pipelines",
        _DEVELOPER, False, True,
    ),
    (
        "ServicePrincipalAccessPermissionAPIs", "Service principals can call Fabric public APIs",
        _DEVELOPER, False, True,
    ),
    (
        "AllowServicePrincipalsCreateAndUseProfiles", "Allow service principals to create and use profiles",
        _DEVELOPER, False, True,
    ),
    ("Embedding", "Embed content in apps", _DEVELOPER, True, True),
    ("BlockResourceKeyAuthentication", "Block ResourceKey Authentication", _DEVELOPER, False, False),
    (
        "ConfigureFabricIdentityTenantLimit", "Define maximum number of Fabric identities in a tenant",
        _DEVELOPER, False, False,
    ),
    (
        "AllowServicePrincipalsUseReadAdminAPIs", "Service principals can access read-only admin APIs",
        _ADMIN_API, False, True,
    ),
    (
        "AllowServicePrincipalsUseWriteAdminAPIs",
        "Service principals can access admin APIs used for updates",
        _ADMIN_API, False, True,
    ),
    (
        "AdminApisIncludeDetailedMetadata", "Enhance admin APIs responses with detailed metadata",
        _ADMIN_API, False, True,
    ),
    (
        "AdminApisIncludeExpressions", "Enhance admin APIs responses with DAX and mashup expressions",
        _ADMIN_API, False, True,
    ),
    # source: Microsoft365DSC (M365) FabricAdminTenantSettings and a tenant export of 2026, for names and titles; that both
    # are on in a new tenant is a guess.
    ("FabricGAWorkloads", "Users can create Fabric items", "Microsoft Fabric", True, True),
    ("DatamartTenant", "Create Datamarts", "Datamart settings", True, True),
    ("CreateAppWorkspaces", "Create workspaces", "Workspace settings", True, True),
    ("DatasetExecuteQueries", "Semantic Model Execute Queries REST API", _INTEGRATION, True, True),
    (
        "OnPremAnalyzeInExcel",
        "Allow XMLA endpoints and Analyze in Excel with on-premises semantic models",
        _INTEGRATION, True, True,
    ),
)  # fmt: skip


def default_settings() -> list[dict[str, Any]]:
    """Fresh objects of every setting."""
    return [
        {
            "settingName": name,
            "title": title,
            "enabled": enabled,
            "canSpecifySecurityGroups": scoped,
            "tenantSettingGroup": group,
        }
        for name, title, group, enabled, scoped in SETTINGS
    ]
