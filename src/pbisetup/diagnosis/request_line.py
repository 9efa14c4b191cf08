"""A request as somebody names it: `GET https://api.powerbi.com/v1.0/myorg/groups`, a path, or what is behind myorg/."""

from __future__ import annotations

import itertools
import re
from typing import Final, Literal
from urllib.parse import unquote, urlsplit

from pbisetup.catalog.clouds import clouds
from pbisetup.catalog.operations import matching
from pbisetup.model.case import ApiRequest
from pbisetup.model.cloud import Cloud

Service = Literal["powerbi", "fabric", "graph", "arm", "xmla", "other"]
_GUID: Final = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_METHODS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")
_GIVES_ACCESS: Final = re.compile(r"/(users|roleAssignments)/?$", re.IGNORECASE)
_MOST_IDS: Final = 10


def read_request(
    line: str, cloud: Cloud, *, body: str | None = None, send: bool = False, profile: str | None = None
) -> ApiRequest:
    """The request. Raises ValueError with a sentence where the text is none, or names a host of no known cloud."""
    method, url = _parts(line)
    path, service, foreign = _place(url, cloud)
    known = matching(service, method, path) if service in ("powerbi", "fabric") else ()
    return ApiRequest(
        method=method,
        url=without_query(url),
        queried="?" in url,
        path=path,
        service=service,
        operation=known[0].id if known else None,
        send=send or method == "GET",
        profile=profile,
        ids=tuple(dict.fromkeys(_GUID.findall(body or "")))[:_MOST_IDS] if _GIVES_ACCESS.search(path) else (),
        workspace=_behind(path, "groups", "workspaces"),
        model=_behind(path, "datasets", "semanticModels"),
        foreign_cloud=foreign,
    )


def _parts(line: str) -> tuple[str, str]:
    words = line.split()
    if len(words) == 1 and words[0].upper() not in _METHODS:
        words = ["GET", *words]
    if len(words) != 2 or words[0].upper() not in _METHODS:
        shown = without_query(line)
        raise ValueError(f"{shown!r} is no request such as 'GET https://api.powerbi.com/v1.0/myorg/groups'")
    method, url = words[0].upper(), words[1]
    if "://" not in url and not url.startswith("/"):
        whole = re.match(r"v1(\.0)?/|subscriptions/", url, re.IGNORECASE)
        url = f"/{url}" if whole else f"/v1.0/myorg/{url}"
    return method, url


def without_query(text: str) -> str:
    """An address, or a line with one, without what may hold a key or a name and password."""
    return re.sub(r"//[^/\s]*@", "//", text.partition("?")[0])


def query_of(line: str) -> str:
    """The query of the request on this line, as it stands there, without its question mark."""
    return line.strip().partition("?")[2].partition("#")[0]


def _place(url: str, cloud: Cloud) -> tuple[str, Service, str | None]:
    """Path, API, and the other cloud that the host belongs to."""
    try:
        parts = urlsplit(url)
        host = parts.netloc.rpartition("@")[2].lower()
    except ValueError:
        raise ValueError(f"{without_query(url)!r} is no address") from None
    if "@" in parts.netloc:
        raise ValueError("the address holds a name or password; nothing is sent to such a one")
    path = re.sub(r"/{2,}", "/", unquote(parts.path)) or "/"
    if {".", ".."} & set(path.split("/")):
        raise ValueError(f"{path!r} is no path of an API: it has dots for segments")
    if url.startswith("/"):
        return path, _by_path(path) or "powerbi", None
    if parts.scheme != "https":
        raise ValueError(f"{without_query(url)!r} does not begin with https://; a token is sent over nothing else")
    if host in cloud.stands_for or cloud.allows(url):
        return path, _by_path(path) or _by_host(host, cloud) or "powerbi", None
    for name, other in clouds().items():
        if other.allows(url):
            return path, _by_path(path) or _by_host(host, other) or "other", name
    raise ValueError(f"{host or without_query(url)!r} is a host of no known cloud, so no token is sent there")


def _by_path(path: str) -> Service | None:
    # Either host serves both APIs; the path says which (powerbi.md 9, clients.md 5).
    if path.lower().startswith("/v1.0/myorg"):
        return "powerbi"
    if path.startswith("/v1/"):
        return "fabric"
    if path.startswith("/metadata/") or "/xmla" in path.lower():
        return "xmla"
    return "arm" if path.lower().startswith("/subscriptions") else None


def _by_host(host: str, cloud: Cloud) -> Service | None:
    meant = [cloud, *clouds().values()]
    for each in meant:
        for service, origin in (
            ("graph", each.graph),
            ("arm", each.arm),
            ("powerbi", each.powerbi),
            ("fabric", each.fabric),
        ):
            if origin and urlsplit(origin).netloc.lower() == host and not each.stands_for:
                return service  # type: ignore[return-value]
    return None


def _behind(path: str, *names: str) -> str | None:
    """The id behind one of these segments of a path."""
    parts = path.strip("/").split("/")
    wanted = {name.lower() for name in names}
    for name, id_ in itertools.pairwise(parts):
        if name.lower() in wanted and _GUID.fullmatch(id_):
            return id_
    return None
