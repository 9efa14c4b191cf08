"""Ids that are the same in every tenant. Object ids never are: those are looked up by app id."""

from __future__ import annotations

AZURE_CLI_APP_ID = "04b07795-8ddb-461a-bbee-02f9e1bf7b46"
"""The first-party public client that azure-identity signs people in with (entra.md 12)."""

MICROSOFT_TENANT = "f8cdef31-a31e-4b4a-93e4-5f571e91255a"
"""Microsoft's own tenant, in which its first-party applications are registered (entra.md 1.13; several sources)."""

# Directory role template ids: entra.md 1.12 (M365, PNP, merill data), several sources; AI Administrator and those after it
# in ROLE_NAMES: general knowledge.
GLOBAL_ADMINISTRATOR = "62e90394-69f5-4237-9190-012177145e10"
PRIVILEGED_ROLE_ADMINISTRATOR = "e8611ab8-c189-46e8-94e1-60213ab1f814"
APPLICATION_ADMINISTRATOR = "9b895d92-2cd3-44c7-9d02-a6ac2d5ea5c3"
CLOUD_APPLICATION_ADMINISTRATOR = "158c047a-c907-4556-b7ef-446551a6b5f7"
APPLICATION_DEVELOPER = "cf1c38e5-3621-4004-a7cb-879624dced7c"
GROUPS_ADMINISTRATOR = "fdd7a751-b60b-444a-984c-02652fe8fa1c"
USER_ADMINISTRATOR = "fe930be7-5e62-47db-91af-98c3a49a38b1"
FABRIC_ADMINISTRATOR = "a9ea8996-122f-4c74-9520-8edcd192826c"
AI_ADMINISTRATOR = "d2562ede-74db-457e-a7b6-544e236ebb61"

ROLE_NAMES = {
    GLOBAL_ADMINISTRATOR: "Global Administrator",
    PRIVILEGED_ROLE_ADMINISTRATOR: "Privileged Role Administrator",
    APPLICATION_ADMINISTRATOR: "Application Administrator",
    CLOUD_APPLICATION_ADMINISTRATOR: "Cloud Application Administrator",
    APPLICATION_DEVELOPER: "Application Developer",
    GROUPS_ADMINISTRATOR: "Groups Administrator",
    USER_ADMINISTRATOR: "User Administrator",
    FABRIC_ADMINISTRATOR: "Fabric Administrator",
    "194ae4cb-b126-40b2-bd5b-6091b380977d": "Security Administrator",
    "b1be1c3e-b65d-4f19-8427-f6fa0d97feb9": "Conditional Access Administrator",
    "f2ef992c-3afb-46b9-b7cf-a126ee74c451": "Global Reader",
    "88d8e3e3-8f55-4a1e-953a-9b9898b8876b": "Directory Readers",
    AI_ADMINISTRATOR: "AI Administrator",
    "9360feb5-f418-4baa-8175-e2a00bac4301": "Directory Writers",
    "45d8d3c5-c802-45c6-b32a-1d70b5e1e86e": "Identity Governance Administrator",
    "8ac3fc64-6eca-42ea-9e69-59f4c7b60eb2": "Hybrid Identity Administrator",
    "4a5d8f65-41da-4de4-8968-e035b65339cf": "Reports Reader",
    "5d6b6bb7-de71-4623-b4af-96380a352509": "Security Reader",
    "5f2222b1-57c3-48ba-8ad5-d4759f1fde6f": "Security Operator",
}

PUBLIC_API_SETTING = "ServicePrincipalAccessPermissionAPIs"
PUBLIC_API_SETTING_TITLE = "Service principals can call Fabric public APIs"
ADMISSION_CODE = "ServicePrincipalIsNotAllowedByTenantAdminSwitch"
"""What api.powerbi.com says in x-powerbi-error-info where that setting does not let the caller in (powerbi.md 6.1)."""
OLD_PUBLIC_API_SETTING = "ServicePrincipalAccess"
"""The single switch that was split in May 2025; tenants and documents may still show it (powerbi.md 1.2)."""
