"""Before anybody signs in: which clouds there are, with their addresses; and after it, which cluster is the tenant's."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import urlsplit

from pbisetup.catalog.clouds import clouds
from pbisetup.model.cloud import Cloud
from pbisetup.sandbox.gate.request import Request
from pbisetup.sandbox.home import home
from pbisetup.sandbox.hosts import cluster, is_loopback, place_of
from pbisetup.sandbox.wire import Reply, Route
from pbisetup.sandbox.xmla.causes import Refused
from pbisetup.sandbox.xmla.service import open_route, route

_NAMES: Final = {
    "public": "GlobalCloud",
    "gcc": "USGovCloud",
    "gcchigh": "USGovDoDL4Cloud",
    "dod": "USGovDoDL5Cloud",
    "china": "ChinaCloud",
}
"""`cloudName` of each. Sources: microsoft/powerbi-powershell, which looks them up and fails where one is missing; for the
host of each sql-bi/Bravo.
"""
_ARM: Final = {
    "public": ("https://management.azure.com", "https://management.core.windows.net"),
    "gcc": ("https://management.usgovcloudapi.net", "https://management.core.usgovcloudapi.net"),
    "gcchigh": ("https://management.usgovcloudapi.net", "https://management.core.usgovcloudapi.net"),
    "dod": ("https://management.usgovcloudapi.net", "https://management.core.usgovcloudapi.net"),
    "china": ("https://management.chinacloudapi.cn", "https://management.core.chinacloudapi.cn"),
}
"""Azure of each: endpoint and audience. Sources: of the first a walk through the service's answer, of GCC sql-bi/Bravo#538
(a log of 2022-11: it has the government's Azure beside the commercial Entra); guess: the others.
"""
_CLIENT: Final = "23d8f6bd-1eb0-4cc2-a08c-7bf525c67bcd"
"""Power BI's PowerShell module (general knowledge, in every cloud: guess); a first-party client that this tenant lacks."""


def discover(request: Request) -> Reply:
    """Every cloud, as the commercial host lists them; a government's host has its own alone (sql-bi/Bravo#263). Asked with
    a `user`, the newer version answers with that user's cloud (sql-bi/Bravo, its source and #538).

    `unknowns.environmentsDiscover`: `gone` answers 404, as one report has it.
    """
    if request.tenant.section("unknowns").get("environmentsDiscover") == "gone":
        raise Refused("discover_gone")
    place = place_of(request.call.origin.partition("://")[2])
    found = list(clouds().values()) if place is None or "public" in place.clouds else [request.cloud]
    user = request.call.query.get("user", "")
    if user.rpartition("@")[2].lower() == request.tenant.domain.lower():
        found = [home(request.tenant)]
    return Reply(200, {"environments": [_environment(cloud) for cloud in found]})


def _environment(cloud: Cloud) -> dict[str, Any]:
    arm, arm_audience = _ARM[cloud.name]
    domains = [f"*.{suffix}" for suffix in cloud.cross_hosts]
    host = urlsplit(cloud.powerbi).hostname
    return {
        "cloudName": _NAMES[cloud.name],
        "azureActiveDirectoryUri": cloud.login,
        "azureResourceManagerUri": arm,
        "azureResourceManagerAadResource": arm_audience,
        "azureServiceManagementUri": arm_audience,
        "microsoftGraphUri": cloud.graph,
        "powerBiUri": cloud.powerbi,
        "powerBiAadResource": cloud.powerbi_resource,
        "services": [
            _service("aad", f"{cloud.login}/common", "", None),
            _service("aad-organizations", f"{cloud.login}/organizations", "", None),
            _service("arm", arm, arm_audience, None),
            _service("powerbi-backend", cloud.powerbi, cloud.powerbi_resource, domains),
            _service("powerbi-msolap", f"powerbi://{host}", cloud.powerbi_resource, domains),
        ],
        "clients": [{"name": "powerbi-powershell", "appId": _CLIENT, "redirectUri": "urn:ietf:wg:oauth:2.0:oob"}],
    }


def _service(name: str, endpoint: str, resource: str, domains: list[str] | None) -> dict[str, Any]:
    return {"name": name, "endpoint": endpoint, "resourceId": resource, "allowedDomains": domains}


def address(request: Request, host: str) -> str:
    """The origin of another host of the tenant: on loopback there is this server alone."""
    own = request.call.origin
    return own if is_loopback(own.partition("://")[2]) else f"https://{host}"


def cluster_details(request: Request) -> Reply:
    """Where the tenant's cluster is. More of the answer than this field was not published."""
    return Reply(200, {"clusterUrl": address(request, cluster(request.cloud.name))})


def tenant_location(request: Request) -> Reply:
    """The same, as desktop clients ask. Source of the fields: the client library's own type; guess: the two last values."""
    uri = address(request, cluster(request.cloud.name)) + "/"
    body = {
        "FixedClusterUri": uri,
        "DynamicClusterUri": uri,
        "NewTenantId": None,
        "RuleDescription": "",
        "TTLSeconds": 300,
    }
    return Reply(200, body)


_GLOBAL: Final = "/powerbi/globalservice"
routes: Final[list[Route]] = [
    open_route("DiscoverEnvironments", "POST", f"{_GLOBAL}/v201606/environments/discover", discover),
    open_route("DiscoverUsersEnvironment", "POST", f"{_GLOBAL}/v202003/environments/discover", discover),
    route("GetClusterDetails", "GET", f"{_GLOBAL}/v201606/clusterdetails", cluster_details),
    route("PutClusterDetails", "PUT", f"{_GLOBAL}/v201606/clusterdetails", cluster_details),
    route("GetTenantLocation", "PUT", "/spglobalservice/GetOrInsertClusterUrisByTenantLocation", tenant_location),
]
