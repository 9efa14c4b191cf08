"""Where an authorization answer goes: which redirect URIs an app has, and the ways to send parameters to one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal
from urllib.parse import quote, urlencode, urlsplit, urlunsplit

from pbisetup.sandbox.entra import pages
from pbisetup.sandbox.entra.authority import Client
from pbisetup.sandbox.entra.refusal import Refused, no_store
from pbisetup.sandbox.wire import Reply, World

Platform = Literal["web", "spa", "publicClient"]
Mode = Literal["query", "fragment", "form_post"]
PLATFORMS: tuple[Platform, ...] = ("web", "spa", "publicClient")

NATIVE = "https://login.microsoftonline.com/common/oauth2/nativeclient"
FIRST_PARTY: tuple[str, ...] = ("http://localhost", NATIVE)
"""What Microsoft's own public clients, such as Azure CLI, are registered with (clients.md 2: Azure CLI listens on any
port of localhost; the native address is a guess)."""
LOOPBACK = ("localhost", "127.0.0.1")
"""Hosts whose port does not count. Source: entra-docs, identity-platform/reply-url, "Localhost exceptions"; [::1] is
not among them."""

NEVER = ("javascript", "data", "vbscript", "file", "blob")
"""Schemes that no answer goes to, whatever a state registers: a browser would run or read them."""


@dataclass(frozen=True)
class Target:
    """A redirect URI that may be answered to."""

    uri: str
    """As the client sent it, or as it is registered where it sent none."""
    platform: Platform


def registered(client: Client) -> list[Target]:
    """The redirect URIs of an app, in the order of its platforms."""
    found = [
        Target(str(uri), platform)
        for platform in PLATFORMS
        for uri in ((client.application or {}).get(platform) or {}).get("redirectUris") or ()
    ]
    if client.application is None:
        found += [Target(str(uri), "web") for uri in (client.service_principal or {}).get("replyUrls") or ()]
    if client.first_party:
        found += [Target(uri, "publicClient") for uri in FIRST_PARTY]
    return [each for each in found if each.uri.partition(":")[0].strip().lower() not in NEVER]


def find(client: Client, uri: str) -> Target:
    """Where to answer: `uri` if it is registered, the only registered one where the client sent none. Raises
    Refused.
    """
    known = registered(client)
    if not known:
        raise Refused("reply_address_none")
    if not uri:
        if len({each.uri for each in known}) > 1:
            raise Refused("reply_address_missing")
        return known[0]
    for each in known:
        if same(each.uri, uri):
            return Target(uri, each.platform)
    raise Refused("reply_address_unknown", uri=uri, app=client.app_id)


def same(registered: str, given: str) -> bool:
    """Whether an address is a registered one."""
    return _normal(registered) == _normal(given)


def send(world: World, target: Target, mode: Mode, parameters: Mapping[str, str]) -> Reply:
    """The answer that carries parameters to the redirect URI."""
    uri = _with_path(target.uri)
    if mode == "form_post":
        name = world.tenant.section("tenant")["displayName"]
        return pages.render("form_post", organization=name, to=uri, fields=dict(parameters), form_targets=(uri,))
    text = urlencode(parameters, quote_via=quote)
    parts = urlsplit(uri)
    if not text:
        return Reply(302, None, {"Location": uri, "Referrer-Policy": "no-referrer", **no_store()})
    if mode == "fragment":
        place = urlunsplit(parts._replace(fragment=text))
    else:
        place = urlunsplit(parts._replace(query=f"{parts.query}&{text}" if parts.query else text, fragment=""))
    return Reply(302, None, {"Location": place, "Referrer-Policy": "no-referrer", **no_store()})


def _with_path(uri: str) -> str:
    # A redirect URI without a path is answered with a slash. Source: entra-docs, identity-platform/reply-url.
    parts = urlsplit(uri)
    return urlunsplit(parts._replace(path="/")) if parts.netloc and not parts.path else uri


def _normal(uri: str) -> tuple[str, ...]:
    """For comparing: the path counts with its case, scheme and host do not, and loopback's port is ignored."""
    try:
        parts = urlsplit(uri)
        host, port = (parts.hostname or "").lower(), parts.port
    except ValueError:
        return (uri,)
    if not host or parts.username is not None or parts.fragment:
        return (uri,)
    if parts.scheme.lower() == "http" and host in LOOPBACK:
        port = None
    return (parts.scheme.lower(), host, str(port or ""), parts.path or "/", parts.query)
