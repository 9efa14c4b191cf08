"""Which texts of a recording are words of the services and of ours, and which are somebody's names: as tables.

What is not known to be vocabulary is taken for a name.
"""

from __future__ import annotations

from typing import Final, Literal

Kind = Literal["name", "word", "text", "url", "path", "scope", "host"]
"""What a text is: a name that is replaced whole; a word in which only ids, accounts and addresses are; a text that people
read; an address; a path with or without a method in front; scopes; or a host.
"""

_WORDS: Final = frozenset((
    "acct", "after", "amr", "area", "authenticationProtocol", "barred", "challenge", "client_id_form", "cloud", "code",
    "codes", "contentProviderType", "created", "createdDate", "credential", "credential_type", "currentRefreshType",
    "directory_roles", "eligible_roles", "endTime", "ends", "errorCode", "exceptionCulprit", "extendedStatus",
    "failure", "foreign_cloud", "graph_permissions", "headers_seen", "idtyp", "instead_of", "issued", "kind", "kinds",
    "licences", "method", "oauth_error", "observer", "operation", "operator_role", "others", "permission",
    "permissions", "purpose", "purposes", "refreshType", "region", "retry_after", "role", "roles", "route", "algorithm",
    "scopes", "service", "setting", "sign_in", "signature", "signed_in", "sku", "stack", "startTime", "starts", "state",
    "status", "subregion", "targetStorageMode", "tenant_form", "tenant_setting_group", "time", "title", "type", "usage",
    "variable", "version", "xms_cc", "xms_idrel",
))  # fmt: skip
_TEXTS: Final = frozenset((
    "broken", "detail", "effect", "errorDescription", "error_description", "message", "reason", "said", "source", "where",
))  # fmt: skip
_BODY_WORDS: Final = frozenset(key.lower().replace("_", "") for key in _WORDS) | {"error", "suberror", "errorcodes"}
_BODY_TEXTS: Final = frozenset(key.lower().replace("_", "") for key in _TEXTS) | {"errormessage", "value"}
_URLS: Final = frozenset((
    "audience", "audiences", "idp", "issuer", "issuers", "other_redirect_uris", "portal", "proxy", "redirect_uris", "url",
))  # fmt: skip
_OTHERS: Final[dict[str, Kind]] = {"host": "host", "path": "path", "scope": "scope", "serviceExceptionJson": "text"}
_OF: Final[dict[str, Kind]] = {
    "host": "host", "probe": "path", "refresh": "path", "reply": "url", "signature": "word", "signed_in": "word",
    "token": "word",
}  # fmt: skip
_SERVICES: Final = frozenset({"login", "powerbi", "fabric", "graph"})
"""What a host is reached for; recordings of before have its name there."""
_LABELS: Final = {
    "account": "user", "app": "app", "app_role_assignments": "grant", "capacities": "capacity",
    "certificate_issuer": "certificate authority", "certificates": "certificate", "delegated_grants": "grant",
    "domain": "domain", "enabled_groups": "group", "environment": "env", "excluded_groups": "group",
    "federated_credentials": "federated credential", "group": "group", "groups": "group", "hint": "h", "items": "item",
    "key": "workspace", "passwords": "secret", "policies": "policy", "policy": "policy", "project_id": "project",
    "tags": "tag", "tenant": "tenant", "tenant_id": "tenant id", "value": "value", "where": "place",
    "workspace": "workspace", "workspace_visible": "workspace", "workspaces": "workspace",
}  # fmt: skip
"""What stand-ins are called, by the nearest key or kind of fact that says what is named."""
TIGHT: Final = frozenset(("env", "h", "project", "domain", "part", "scheme"))
"""Stand-ins without a hyphen, because they stand in names with rules of their own."""
UNSPOKEN: Final = frozenset(("h", "value", "request", "part", "scheme"))
"""What nobody calls by its name: it is not looked for in texts, in which it could be part of anything."""

_PUBLIC: Final = (
    "microsoft.com", "microsoft.us", "microsoftonline.com", "microsoftonline.us", "microsoftonline.cn", "windows.net",
    "azure.com", "azure.us", "azure.cn", "azure.net", "powerbi.com", "powerbigov.us", "powerbi.cn", "usgovcloudapi.net",
    "chinacloudapi.cn", "partner.outlook.cn", "sts.windows.net", "azurewebsites.us", "github.com",
    "githubusercontent.com", "localhost", "aka.ms", "ossrdbms-aad.database.windows.net", "azureadtokenexchange",
    "azureadtokenexchangeusgov", "azureadtokenexchangechina",
)  # fmt: skip
"""Hosts that say nothing of a tenant: exactly these, and the ones of a service below them."""
_TENANTS_OWN: Final = (
    "onmicrosoft.com", "onmicrosoft.us", "partner.onmschina.cn", "sharepoint.com", "b2clogin.com", "ciamlogin.com",
    "blob.core.windows.net", "dfs.core.windows.net", "file.core.windows.net", "queue.core.windows.net",
    "table.core.windows.net", "database.windows.net", "servicebus.windows.net", "azuresynapse.net", "vault.azure.net",
    "cloudapp.azure.com",
)  # fmt: skip
"""Below these a customer chooses the name."""
_FILES: Final = frozenset((
    "toml", "json", "env", "py", "yml", "yaml", "txt", "pem", "crt", "md", "tsv", "lock", "cer", "exe", "dll", "pfx",
))  # fmt: skip
QUOTABLE: Final = frozenset((
    "assertion", "client_assertion", "client_assertion_type", "client_id", "client_secret", "code", "common",
    "consumers", "device_code", "grant_type", "nonce", "organizations", "password", "refresh_token",
    "resource", "response_type", "scope", "tenant", "username", "/common", "/consumers", "/organizations",
    "client_credentials", "redirect_uri",
))  # fmt: skip
"""What services quote although nobody named it."""
AUTHORITIES: Final = frozenset(("common", "organizations", "consumers"))
_OWN_NAMES: Final = frozenset((
    "pbisetup", "power bi service", "microsoft graph", "windows azure active directory", "azure storage",
    "microsoft azure cli", "windows azure service management api", "azure key vault",
    "microsoft power bi government community cloud",
))  # fmt: skip
"""Names of ours and of Microsoft's own apps, which every tenant has."""
_TELLING: Final = frozenset((
    "access", "admin", "administrator", "api", "apis", "app", "application", "application id", "applications", "apps",
    "azure", "azure ad", "bi", "capacity", "certificate", "client", "client id", "client secret", "credential", "data",
    "dataset", "default", "development", "directory", "entra", "entra id", "error", "fabric", "failed", "for", "group",
    "groups", "id", "in", "invalid", "is", "key", "main", "microsoft", "microsoft entra", "microsoft fabric", "model",
    "name", "no", "not", "of", "or", "password", "permission", "permissions", "policy", "power bi", "powerbi",
    "principal", "prod", "production", "report", "reports", "request", "resource", "role", "secret", "security",
    "security group", "service", "service principal", "service principals", "setting", "settings", "sign-in", "tenant",
    "tenant id", "test", "the", "this", "to", "token", "user", "users", "value", "with", "workspace", "workspaces",
))  # fmt: skip


def kind(path: tuple[str, ...]) -> Kind:
    """What the text at this place is: the kind of fact, then the keys that lead to it."""
    key = path[-1]
    if key in _OTHERS:
        return _OTHERS[key]
    if key in _URLS or (key.endswith(("Url", "URL"))):
        return "url"
    return "text" if key in _TEXTS else "word" if key in _WORDS else "name"


def kind_in_body(key: str) -> Kind:
    """The same of a text in an answer of a service, by its key there."""
    plain = key.lower().replace("_", "")
    if plain in _BODY_TEXTS:
        return "text"
    return "word" if plain in _BODY_WORDS else "url" if plain.endswith(("url", "uri")) else "name"


def kind_of(fact: str, of: str) -> Kind:
    """What the text is that says which fact of a kind it is."""
    if fact == "host" and of in _SERVICES:
        return "word"
    return "path" if of.startswith("/") else _OF.get(fact, "name")


def label(path: tuple[str, ...]) -> str:
    """What a stand-in for the text at this place is called."""
    return next((_LABELS[key] for key in reversed(path) if key in _LABELS), "name")


def is_public(host: str) -> bool:
    """Whether a host is a service's, and says nothing of who uses it."""
    host = host.lower().rstrip(".")
    if any(host.endswith("." + name) for name in _TENANTS_OWN):
        return host in _PUBLIC
    return any(host == name or host.endswith("." + name) for name in _PUBLIC)


def is_file(name: str) -> bool:
    """Whether what looks like a host is a file's name."""
    return name.lower().rpartition(".")[2] in _FILES


def is_everybodys(name: str) -> bool:
    """Whether a name is the same in every tenant."""
    return name.casefold() in _OWN_NAMES


def tells_nothing(name: str) -> bool:
    """Whether a name is a word that stands in the services' own sentences: there it is no name."""
    return len(name) < 2 or name.isdigit() or name.casefold() in _TELLING
