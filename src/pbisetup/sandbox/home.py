"""The cloud that a tenant lives in (`tenant.cloud`), and at which cloud's address a call arrived."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from pbisetup.catalog.clouds import clouds
from pbisetup.model.cloud import Cloud
from pbisetup.sandbox.hosts import place_of
from pbisetup.sandbox.store import Tenant


@dataclass(frozen=True)
class Instance:
    """What Entra's metadata says of a cloud's tenants."""

    name: str
    """`cloud_instance_name`."""
    redirect: str
    """How the service names the cloud when it sends a client there."""
    region: str
    """`tenant_region_scope`."""
    sub_region: str | None
    """`tenant_region_sub_scope`; None: the key is absent."""
    old_graph: str
    """`cloud_graph_host_name`."""
    rbac: str
    """`rbac_url`."""


# Sources: the documents of one tenant of each cloud, asked for by a public live test (2026-09-29: sub regions, and none
# in China) and by tools that find the cloud of a tenant; entra-docs authentication-national-cloud; Azure's firewall lists
# for `rbac_url`. guess: the region of China, `cloud_graph_host_name` outside the public cloud. `redirect`: the first from
# a recorded answer (see `tenant_other_cloud`), the others by the same rule, a guess.
_COM: Final = ("microsoftonline.com", "MicrosoftOnline.COM")
_US: Final = ("microsoftonline.us", "MicrosoftOnline.US")
INSTANCES: Final[dict[str, Instance]] = {
    "public": Instance(*_COM, "EU", None, "graph.windows.net", "https://pas.windows.net"),
    "gcc": Instance(*_COM, "NA", "GCC", "graph.windows.net", "https://pas.windows.net"),
    "gcchigh": Instance(*_US, "USGov", "DODCON", "graph.windows.net", "https://pasff.usgovcloudapi.net"),
    "dod": Instance(*_US, "USGov", "DOD", "graph.windows.net", "https://pasff.usgovcloudapi.net"),
    "china": Instance(
        "partner.microsoftonline.cn", "partner.microsoftonline.cn", "CN", None, "graph.chinacloudapi.cn",
        "https://pas.chinacloudapi.cn",
    ),
}  # fmt: skip


def home(tenant: Tenant) -> Cloud:
    """The tenant's cloud; the public one where the state says nothing."""
    return clouds()[tenant.sections["tenant"].get("cloud", "public")]


def addressed(tenant: Tenant, origin: str) -> Cloud:
    """The cloud at whose address a call arrived: by a host name of Microsoft's; on any other name the tenant's own."""
    own = home(tenant)
    place = place_of(origin.partition("://")[2])
    if place is None or own.name in place.clouds:
        return own
    return clouds()[min(place.clouds)]


def elsewhere(tenant: Tenant, origin: str) -> Cloud | None:
    """The tenant's own cloud, where a call arrived at another cloud's Entra; None where it came to the right one."""
    own = home(tenant)
    return None if INSTANCES[addressed(tenant, origin).name].name == INSTANCES[own.name].name else own
