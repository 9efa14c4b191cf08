"""What a token is asked for: the scope string taken apart, and the resource found in the tenant."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from pbisetup.catalog.clouds import clouds
from pbisetup.sandbox.entra.authority import visible
from pbisetup.sandbox.entra.refusal import Refused
from pbisetup.sandbox.home import home
from pbisetup.sandbox.wire import World

GRAPH = "00000003-0000-0000-c000-000000000000"
GRAPH_AUDIENCE = "https://graph.microsoft.com"
OIDC_SCOPES = ("openid", "profile", "offline_access", "email")


@dataclass(frozen=True)
class Asked:
    """A scope string taken apart."""

    resource: str
    """As the client wrote it, possibly with a slash at the end."""
    scopes: tuple[str, ...]
    """Scope names on that resource; `.default` among them asks for all that is granted."""
    oidc: frozenset[str]
    text: str

    @property
    def default(self) -> bool:
        """Whether everything granted is asked for."""
        return ".default" in self.scopes


def parse_scope(text: str) -> Asked:
    """Take a v2 scope string apart. Raises Refused where it names several resources, or none."""
    words = text.split()
    oidc = frozenset(word for word in words if word.lower() in OIDC_SCOPES)
    resources: dict[str, str] = {}
    scopes: list[str] = []
    for word in words:
        if word in oidc:
            continue
        resource, slash, name = word.rpartition("/")
        if not slash:
            resource, name = GRAPH_AUDIENCE, word  # a bare name is a Graph permission
        if not resource or not name:
            raise Refused("scope_malformed", scope=text)
        resources.setdefault(normal(resource), resource)
        scopes.append(name)
    if len(resources) > 1:
        raise Refused("several_resources", scope=text)
    if ".default" in scopes and set(scopes) != {".default"}:
        raise Refused("default_with_others", scope=text)
    return Asked(next(iter(resources.values()), GRAPH_AUDIENCE), tuple(scopes), oidc, text)


def normal(resource: str) -> str:
    """A resource name for comparing: one slash at the end does not count (clients.md 3)."""
    return resource.removesuffix("/").lower()


def find_resource(world: World, asked: str) -> dict[str, Any]:
    """The service principal of a resource, by app id or by any of its names. Raises Refused."""
    wanted = normal(asked)
    found = world.tenant.servicePrincipals.by("appId", wanted)
    if found is None:
        found = next(
            (
                each
                for each in world.tenant.servicePrincipals.peek()
                if any(normal(str(name)) == wanted for name in each.get("servicePrincipalNames") or ())
            ),
            None,
        )
    if found is None and is_own_origin(world, asked):
        found = world.tenant.servicePrincipals.by("appId", GRAPH)
    if found is None or not visible(world, found):
        raise Refused("resource_unknown", resource=asked, directory=world.tenant.section("tenant")["displayName"])
    if found.get("accountEnabled") is False:
        raise Refused("resource_disabled", resource=found["appId"])
    return found


def is_own_origin(world: World, resource: str) -> bool:
    """Whether a resource is this server's own address.

    Clients derive the scope from the host they call, with or without its port; here that host is Graph
    (clients.md 3, 4).
    """
    try:
        parts = urlsplit(resource)
        return parts.scheme == "https" and parts.hostname in world.names
    except ValueError:
        return False


def audience(world: World, resource: dict[str, Any], asked: str) -> str:
    """`aud` of a v1 token: what was asked, as it was asked (entra.md 7), but never our own address."""
    if normal(asked) == str(resource["appId"]).lower():
        return str(resource["appId"])
    if str(resource["appId"]).lower() == GRAPH:
        # A bare permission, and our own address, mean the Graph of the tenant's cloud. Another cloud's is issued as
        # asked, and refused there (a public live test, 2026-09-29).
        others = {cloud.graph_resource for cloud in clouds().values()} - {GRAPH_AUDIENCE}
        return normal(asked) if normal(asked) in others else home(world.tenant).graph_resource
    return asked
