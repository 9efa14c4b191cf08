"""Microsoft's host names and which service of the tenant answers for each."""

from __future__ import annotations

from functools import cache
from typing import Literal
from urllib.parse import urlsplit

from pbisetup.catalog.clouds import clouds

Service = Literal["entra", "graph", "powerbi", "fabric", "arm", "portal", "none"]

LOOPBACK = ("localhost", "127.0.0.1", "[::1]")

# clients.md 1, beside the origins of the clouds. `none`: the name is served so that clients get an answer,
# with a 404.
_MORE: dict[str, Service] = {
    "login.microsoft.com": "entra",
    "login.windows.net": "entra",
    "sts.windows.net": "entra",
    "login.chinacloudapi.cn": "entra",
    "management.azure.com": "arm",
    "management.core.windows.net": "arm",
    "onelake.dfs.fabric.microsoft.com": "none",
    "main.iam.ad.ext.azure.com": "portal",
}


_BY_PATH: dict[str, Service] = {
    "v1.0": "graph",
    "beta": "graph",
    "v1": "fabric",
    "subscriptions": "arm",
    "tenants": "arm",
    "metadata": "arm",
}


@cache
def microsoft_hosts() -> dict[str, Service]:
    """Every host that the certificate names and the proxy lets through, with its service."""
    found = dict(_MORE)
    for cloud in clouds().values():
        origins: tuple[tuple[str | None, Service], ...] = (
            (cloud.login, "entra"),
            (cloud.graph, "graph"),
            (cloud.powerbi, "powerbi"),
            (cloud.fabric, "fabric"),
        )
        for origin, service in origins:
            if origin:
                found[str(urlsplit(origin).hostname)] = service
    return found


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
    name = host.lower().rsplit(":", 1)[0] if not host.startswith("[") else host
    if name in microsoft_hosts():
        return microsoft_hosts()[name]
    if not is_loopback(host):
        return None
    first = path.lstrip("/").split("/", 2)
    head = first[0].lower()
    if head == "v1.0" and len(first) > 1 and first[1].lower() == "myorg":
        return "powerbi"
    if head == "metadata" and len(first) > 1 and first[1].lower() == "identity":
        return "entra"  # the instance metadata service of a machine with a managed identity
    return _BY_PATH.get(head, "entra")
