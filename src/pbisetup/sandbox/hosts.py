"""Microsoft's host names: which service of the tenant answers for each, and which cloud it belongs to."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Final, Literal
from urllib.parse import urlsplit

from pbisetup.catalog.clouds import clouds
from pbisetup.model.cloud import VAULT_NAME

Service = Literal["entra", "graph", "powerbi", "fabric", "xmla", "arm", "portal", "vault", "none"]

LOOPBACK = ("localhost", "127.0.0.1", "[::1]")

COMMERCIAL: Final = ("public", "gcc")
"""Clouds that share one Entra and one Graph (source: powerbi-docs on GCC; the openid configuration of GCC tenants)."""
_US: Final = ("gcchigh", "dod")


@dataclass(frozen=True)
class Place:
    """What a host name stands for."""

    service: Service
    clouds: frozenset[str]
    """Names of the clouds that the name belongs to."""


# clients.md 1, beside the origins of the clouds. `none`: the name is served so that clients get an answer,
# with a 404.
_MORE: Final[dict[str, tuple[Service, tuple[str, ...]]]] = {
    "login.microsoft.com": ("entra", COMMERCIAL),
    "login.windows.net": ("entra", COMMERCIAL),
    "sts.windows.net": ("entra", COMMERCIAL),
    "login.usgovcloudapi.net": ("entra", _US),
    "login.chinacloudapi.cn": ("entra", ("china",)),
    "management.azure.com": ("arm", COMMERCIAL),
    "management.core.windows.net": ("arm", COMMERCIAL),
    "onelake.dfs.fabric.microsoft.com": ("none", ("public",)),
    "main.iam.ad.ext.azure.com": ("portal", COMMERCIAL),
}

# The home cluster of a tenant and where its capacities are served, by cloud. Sources: the first as recorded in
# microsoft/fabric-cli and in clients of the XMLA endpoint (region.pbidedicated.windows.net); the domains of the
# government clouds from powerbi-docs service-govus-overview. guess: the regions there, and all of China's.
_CLUSTERS: Final[dict[str, tuple[str, str]]] = {
    "public": ("wabi-west-europe-redirect.analysis.windows.net", "westeurope.pbidedicated.windows.net"),
    "gcc": (
        "wabi-us-gov-virginia-redirect.analysis.usgovcloudapi.net", "usgovvirginia.pbidedicated.usgovcloudapi.net",
    ),
    "gcchigh": (
        "wabi-us-gov-virginia-redirect.high.analysis.usgovcloudapi.net", "usgovtexas.pbidedicated.usgovcloudapi.net",
    ),
    "dod": ("wabi-us-dod-east-redirect.mil.analysis.usgovcloudapi.net", "usdodeast.pbidedicated.usgovcloudapi.net"),
    "china": ("wabi-china-east-2-redirect.analysis.chinacloudapi.cn", "chinaeast2.pbidedicated.chinacloudapi.cn"),
}  # fmt: skip

_BY_PATH: Final[dict[str, Service]] = {
    "v1.0": "graph",
    "beta": "graph",
    "v1": "fabric",
    "subscriptions": "arm",
    "tenants": "arm",
    "metadata": "arm",
    "powerbi": "xmla",
    "spglobalservice": "xmla",
    "webapi": "xmla",
    "vaults": "vault",
}
# The hosts of Power BI and of Fabric are one front end: each serves the other's paths. Sources: fabric-cicd calls
# api.powerbi.com/v1 by default; GT-Analytics/fuam-basic#5 calls api.fabric.microsoft.com/v1.0/myorg.
_OF_THE_FRONT_END: Final[dict[str, Service]] = {
    "v1.0": "powerbi",
    "v1": "fabric",
    "powerbi": "xmla",
    "spglobalservice": "xmla",
    "metadata": "xmla",
    "webapi": "xmla",
}


@cache
def places() -> dict[str, Place]:
    """Every host that the certificate names and the proxy lets through."""
    found: dict[str, tuple[Service, set[str]]] = {}
    for name, (service, members) in _MORE.items():
        found[name] = (service, set(members))
    for cloud in clouds().values():
        cluster, dedicated = _CLUSTERS[cloud.name]
        origins: tuple[tuple[str | None, Service], ...] = (
            (cloud.login, "entra"),
            (cloud.graph, "graph"),
            (cloud.powerbi, "powerbi"),
            (cloud.fabric, "fabric"),
            (f"https://{cluster}", "powerbi"),
            (f"https://{dedicated}", "xmla"),
        )
        for origin, service in origins:
            if origin:
                found.setdefault(str(urlsplit(origin).hostname), (service, set()))[1].add(cloud.name)
    return {name: Place(service, frozenset(members)) for name, (service, members) in found.items()}


@cache
def microsoft_hosts() -> dict[str, Service]:
    """Every host that the certificate names and the proxy lets through, with its service."""
    return {name: place.service for name, place in places().items()}


def cluster(cloud: str) -> str:
    """The host of the home cluster that tenants of a cloud have here."""
    return _CLUSTERS[cloud][0]


def dedicated(cloud: str) -> str:
    """The host that serves the capacities of tenants of a cloud here."""
    return _CLUSTERS[cloud][1]


def place_of(host: str) -> Place | None:
    """What a Host header or the host of an origin stands for; None for every name that is not Microsoft's."""
    name = _bare(host)
    found = places().get(name)
    if found is None and vault_of(name):
        members = vault_suffixes()[name.partition(".")[2]]
        return Place("vault", members)
    return found


@cache
def vault_suffixes() -> dict[str, frozenset[str]]:
    """What follows the name in the host of a vault, with the clouds that have it."""
    found: dict[str, set[str]] = {}
    for cloud in clouds().values():
        if cloud.vault:
            found.setdefault(cloud.vault.partition("{name}.")[2], set()).add(cloud.name)
    return {suffix: frozenset(members) for suffix, members in found.items()}


def vault_of(host: str) -> str | None:
    """The name of the vault whose host this is, with or without a port; None where it is no vault's."""
    name, _, suffix = _bare(host).partition(".")
    return name if suffix in vault_suffixes() and VAULT_NAME.fullmatch(name) else None


def is_loopback(host: str) -> bool:
    """Whether a Host header names this machine, with any port."""
    name = host.lower()
    if name.startswith("["):
        return name.split("]")[0] + "]" in LOOPBACK
    return name.split(":")[0] in LOOPBACK


def service_of(host: str, path: str) -> Service | None:
    """The service that answers a request: by host where it is Microsoft's, by path on loopback, None for
    others.
    """
    first = path.lstrip("/").split("/", 2)
    head = first[0].lower()
    place = place_of(host)
    if place is not None:
        return _OF_THE_FRONT_END.get(head, place.service) if place.service in ("powerbi", "fabric") else place.service
    if not is_loopback(host):
        return None
    if head == "v1.0" and len(first) > 1 and first[1].lower() == "myorg":
        return "powerbi"
    if head == "metadata" and len(first) > 1 and first[1].lower() == "identity":
        return "entra"  # the instance metadata service of a machine with a managed identity
    if head == "metadata" and len(first) > 1 and first[1].lower() == "v201606":
        return "xmla"
    return _BY_PATH.get(head, "entra")


def _bare(host: str) -> str:
    return host.lower() if host.startswith("[") else host.lower().split(":", 1)[0]
