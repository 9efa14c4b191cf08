"""A cloud: the set of endpoints and resource ids that every other room gets its addresses from."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

_HOST = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)+")
_AMBIGUOUS = re.compile(r"[\\\x00-\x1f\x7f]")
"""Characters that URL readers disagree about: one reads the host before them, another the one behind."""

VAULT_NAME = re.compile(r"(?=.{3,24}\Z)[A-Za-z][0-9A-Za-z]*(-[0-9A-Za-z]+)*")
"""source: azure-docs key-vault about-keys-secrets-certificates. 3 to 24 letters, digits and single hyphens, a letter first.
"""


@dataclass(frozen=True)
class Cloud:
    """One set of endpoints, as data. Origins have a scheme and no trailing slash."""

    name: str
    """`public`, `gcc`, `gcchigh`, `dod`, `china` or `sandbox`."""
    login: str
    """Origin of the Entra authority."""
    graph: str
    """Origin of Microsoft Graph, without the version."""
    powerbi: str
    """Origin of the Power BI REST API."""
    fabric: str | None
    """Origin of the Fabric REST API; None where no address is published for this cloud."""
    graph_resource: str
    """What a token for Graph is asked for; its scope is this plus `/.default`."""
    powerbi_resource: str
    fabric_resource: str | None
    powerbi_app_id: str
    """App id of the resource app that holds the Power BI permissions in this cloud."""
    token_issuer: str
    """`iss` of a v1 token, with `{tenant}` where the tenant id stands."""
    portal: str
    """Origin of the Fabric / Power BI portal."""
    cross_hosts: tuple[str, ...] = ()
    """Host suffixes, besides the origins above, that the service itself redirects to inside this cloud."""
    instance_discovery: bool = True
    """Whether the authority is one that Microsoft's instance discovery knows."""
    operator_routes: tuple[str, ...] = ("env", "workload", "az", "browser", "device")
    """Sign-in routes tried in this order when the operator names none; `env` and `workload` only where
    PBISETUP_OPERATOR_CLIENT_ID says who that is, and then nobody else.
    """
    exchange_audience: str = "api://AzureADTokenExchange"
    """`aud` of the assertions of other issuers that this cloud's authority exchanges for tokens."""
    like: str = ""
    """The published cloud whose names are used here, where this is a local one."""
    instance: str = ""
    """`cloud_instance_name` in the discovery document of its tenants."""
    subregion: str = ""
    """`tenant_region_sub_scope` there; empty where there is none."""
    arm: str | None = None
    """Origin of Azure Resource Manager, which capacities are paused and resumed by."""
    arm_resource: str | None = None
    vault: str | None = None
    """Address of an Azure Key Vault, with `{name}` where the vault's name stands."""
    vault_resource: str | None = None
    """What a token for a vault is asked for."""
    stands_for: Mapping[str, str] = field(default_factory=dict, hash=False)
    """Host -> origin, where this cloud answers in the place of another one's hosts."""
    ca_bundle: str | None = None
    """Path of the only certificate authority that this cloud's servers are signed by, if it has its own."""

    def allows(self, url: str) -> bool:
        """Whether a token may be sent to this URL: https, and a host that belongs to this cloud."""
        try:
            parts = urlsplit(url)
            host, port = (parts.hostname or "").lower(), 443 if parts.port is None else parts.port
        except ValueError:  # a bracket without its pair, a port that is no number
            return False
        if parts.scheme != "https" or not host or "@" in parts.netloc or _AMBIGUOUS.search(url):
            return False
        if any(host == suffix or host.endswith("." + suffix) for suffix in self.cross_hosts):
            return port == 443 and _HOST.fullmatch(host) is not None
        if port == 443 and self._is_vault(host):
            return True
        return any(
            (host, port) == (own.hostname, own.port or 443)
            for own in (urlsplit(origin) for origin in (*self.origins(), *([self.arm] if self.arm else [])))
        )

    def vault_address(self, name: str) -> str | None:
        """Where the vault of this name answers; None where this cloud has no vaults, or none can have such a name."""
        return self.vault.format(name=name) if self.vault and VAULT_NAME.fullmatch(name) else None

    def _is_vault(self, host: str) -> bool:
        """Whether a host is a vault of this cloud: a name before the suffix, and no further dot."""
        name, _, suffix = host.partition(".")
        return self.vault == f"https://{{name}}.{suffix}" and VAULT_NAME.fullmatch(name) is not None

    @property
    def meant(self) -> str:
        """The published cloud that this one is, or stands for."""
        return self.like or self.name

    def origins(self) -> tuple[str, ...]:
        """Every origin of this cloud that requests go to."""
        return tuple(o for o in (self.login, self.graph, self.powerbi, self.fabric) if o)

    def address(self, url: str) -> str:
        """Where a request goes: a path to the API that it is of, an address of the cloud that this one stands for to here.

        Any other address stays as it is, and the guard decides.
        """
        if url.startswith("/"):
            return (self.fabric or self.powerbi if url.startswith("/v1/") else self.powerbi) + url
        parts = urlsplit(url)
        origin = self.stands_for.get((parts.hostname or "").lower())
        return url if origin is None else origin + parts.path + (f"?{parts.query}" if parts.query else "")

    @staticmethod
    def scope(resource: str) -> str:
        """The v2 scope that asks for everything granted on a resource."""
        return resource.rstrip("/") + "/.default"
