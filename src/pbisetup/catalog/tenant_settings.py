"""Fabric's tenant settings that decide about service principals: names, titles, and what CISA asks of them."""

from __future__ import annotations

from typing import Final

from pbisetup.catalog.needs import PROFILES
from pbisetup.catalog.wellknown import OLD_PUBLIC_API_SETTING, PUBLIC_API_SETTING, PUBLIC_API_SETTING_TITLE

READ_ADMIN: Final = "AllowServicePrincipalsUseReadAdminAPIs"
WRITE_ADMIN: Final = "AllowServicePrincipalsUseWriteAdminAPIs"
CREATE: Final = "ServicePrincipalAccessGlobalAPIs"
CREATE_WORKSPACES: Final = "CreateAppWorkspaces"
XMLA: Final = "OnPremAnalyzeInExcel"
TITLES: Final = {
    PUBLIC_API_SETTING: PUBLIC_API_SETTING_TITLE,
    READ_ADMIN: "Service principals can access read-only admin APIs",
    WRITE_ADMIN: "Service principals can access admin APIs used for updates",
    CREATE: "Service principals can create workspaces, connections, and deployment pipelines",
    PROFILES: "Allow service principals to create and use profiles",
    XMLA: "Allow XMLA endpoints and Analyze in Excel with on-premises semantic models",
    "Embedding": "Embed content in apps",
    "DatasetExecuteQueries": "Semantic Model Execute Queries REST API",
    CREATE_WORKSPACES: "Create workspaces",
    "FabricGAWorkloads": "Users can create Fabric items",
}
"""By settingName (powerbi.md 1.2); what the tenant itself calls a setting goes before."""
OLDER_NAMES: Final = {PUBLIC_API_SETTING: OLD_PUBLIC_API_SETTING, CREATE: OLD_PUBLIC_API_SETTING}
"""Before May 2025 one switch stood for both (powerbi.md 1.2)."""
BASELINE: Final = {PUBLIC_API_SETTING: "MS.POWERBI.4.1v1", PROFILES: "MS.POWERBI.4.2v1"}
"""What CISA's SCuBA baseline for Power BI wants limited to security groups, by its policy ids (peers.md, SCU)."""
