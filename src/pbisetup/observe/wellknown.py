"""What is the same in every tenant and tells nothing of one: a recording keeps it where names and ids are replaced."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from http import HTTPStatus
from typing import Final
from urllib.parse import urlsplit

from pbisetup.catalog.clouds import clouds
from pbisetup.catalog.operations import operations
from pbisetup.catalog.pasted import code_names, sentences
from pbisetup.catalog.permissions import permissions
from pbisetup.catalog.wellknown import AZURE_CLI_APP_ID, ROLE_NAMES

# Sources: entra.md 12 and 8.2 for the clients that sign people in, the others general knowledge.
_MICROSOFTS_APPS: Final = (
    "00000001-0000-0000-c000-000000000000",  # Azure ESTS
    "00000002-0000-0000-c000-000000000000",  # Azure AD Graph
    "00000003-0000-0000-c000-000000000000",  # Microsoft Graph
    "00000009-0000-0000-c000-000000000000",  # Power BI
    "797f4846-ba00-4fd7-ba43-dac1f8f63013",  # Azure Service Management
    "e406a681-f3d4-42a8-90b6-c2b029497af1",  # Azure Storage
    "022907d3-0f1b-48f7-badc-1ba6abab6d66",  # Azure SQL Database
    "cfa8b339-82a2-471a-a3c9-0fc0be7a4093",  # Azure Key Vault
    "fb60f99c-7a34-4190-8149-302f77469936",  # token exchange
    AZURE_CLI_APP_ID,
    "1950a258-227b-4e31-a9cf-717495945fc2",  # Azure PowerShell
    "14d82eec-204b-4c2f-b7e8-296a70dab67e",  # Microsoft Graph PowerShell
    "7f67af8a-fedc-4b08-8b4e-37c4d127b6cf",  # Power BI Desktop
    "871c010f-5e61-4fb1-83ac-98610a7e9110",  # Power BI's portal
    "aebc6443-996d-45c2-90f0-388ff96faa56",  # Visual Studio Code
    "872cd9fa-d31f-45e0-9eab-6e460a02d1f1",  # Visual Studio
    "74658136-14ec-4630-ad9b-26e160ff0fc6",  # the Azure portal
)
_MICROSOFTS_TENANTS: Final = (
    "f8cdef31-a31e-4b4a-93e4-5f571e91255a",
    "72f988bf-86f1-41af-91ab-2d7cd011db47",
    "9188040d-6c67-4c5b-b112-36a304b66dad",  # personal accounts
)
_PLAIN_ROLES: Final = ("b79fbf4d-3ef9-4689-8143-76b194e85509", "0997a1d0-0d1d-4acb-b408-d5ca73121e90")
"""What stands in `wids` for a user and for a service principal without a role (general knowledge)."""
_NOBODY: Final = "00000000-0000-0000-0000-000000000000"
_PATH_WORDS: Final = (
    "xmla", "webapi", "metadata", "v201606", "generateastoken", "executeXmla", "embedToken", "webhdfs", "me",
    "applications", "servicePrincipals", "directoryObjects", "owners", "memberOf", "transitiveMemberOf", "addPassword",
    "removePassword", "addKey", "appRoleAssignments", "appRoleAssignedTo", "oauth2PermissionGrants", "organization",
    "policies", "authorizationPolicy", "federatedIdentityCredentials", "licenseDetails", "beta", "auditLogs", "signIns",
    "roleManagement", "directory", "deletedItems", "microsoft.graph.application", "subscriptions", "resourceGroups",
    "providers", "Microsoft.Fabric", "Microsoft.PowerBIDedicated", "suspend", "resume", "discovery", "keys",
    "oauth2", "nativeclient", "authorize", "devicecode",
)  # fmt: skip
"""Of paths that no catalogue here lists: Graph's, Azure's, and Power BI's undocumented ones."""
_QUOTED: Final = (
    "insufficient_claims", "invalid_client", "invalid_grant", "invalid_request", "invalid_resource", "invalid_scope",
    "invalid_token", "insufficient_scope", "unauthorized_client", "interaction_required", "consent_required",
    "login_required", "access_denied", "authorization_pending", "temporarily_unavailable", "Datasource",
    "servicePrincipalId", "capacity", "client_secret or client_assertion", "client_assertion or client_secret",
    "Credentials are missing.",
)  # fmt: skip


def _phrases() -> Iterator[str]:
    """`Unauthorized`, `Not Found`, ...: as HTTP calls its statuses, and as some programs write them."""
    for status in HTTPStatus:
        yield from (status.phrase, status.phrase.replace(" ", ""))


def well_known_ids() -> frozenset[str]:
    """Microsoft's apps and tenants, permissions, directory roles."""
    return frozenset(
        (
            _NOBODY,
            *_MICROSOFTS_APPS,
            *_MICROSOFTS_TENANTS,
            *ROLE_NAMES,
            *_PLAIN_ROLES,
            *(cloud.powerbi_app_id for cloud in clouds().values()),
            *(permission.id for permission in permissions()),
        )
    )


def is_telling(text: str) -> bool:
    """Whether a text holds one of the sentences or codes that `explain` knows."""
    return any(pattern.search(text) for _, pattern in sentences()) or any(name in text for name in code_names())


@cache
def well_known_words() -> frozenset[str]:
    """Words of the services' paths, the names of their permissions and codes, and what they quote, in lower case."""
    paths = [each.path for each in operations()]
    for cloud in clouds().values():
        names = (cloud.powerbi_resource, cloud.fabric_resource, cloud.graph_resource, cloud.token_issuer)
        paths += [urlsplit(name).path for name in names if name]
    # Of `scorecards({scorecardId})` the word in front; a placeholder alone is none.
    segments = (part.partition("(")[0] for path in paths for part in path.partition("?")[0].split("/"))
    words = (*segments, *_PATH_WORDS, *(each.value for each in permissions()), *code_names(), *_QUOTED, *_phrases())
    return frozenset(each.lower() for each in words if each and "{" not in each)
