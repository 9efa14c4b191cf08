"""Addresses in a text, and which documented operation each is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final, Literal
from urllib.parse import unquote, urlsplit

from pbisetup.catalog.operations import Operation, matching

Service = Literal["powerbi", "fabric", "graph", "entra", "arm", "vault", "xmla"]
MOST: Final = 300
"""Addresses that are looked at."""


@dataclass(frozen=True)
class PastedRequest:
    """A URL or path in the text."""

    service: Service
    host: str
    path: str
    method: str | None
    position: int
    """In the text that was searched."""
    answered: bool = False
    """Whether the same line says that it went well."""
    operations: tuple[Operation, ...] = field(default=(), compare=False)
    """The documented operations that it may be; several where the method is not said."""


_METHOD: Final = r"(?P<method>GET|POST|PUT|PATCH|DELETE)"
_URL = re.compile(
    rf"(?:\b{_METHOD}\b[^\w\n]{{1,6}}(?:on\s+|request\s+to\s+)?['\"(]?)?"
    r"(?P<url>(?:https?|powerbi|asazure)://[^\s'\"<>()|\\^`]{4,600})"
)
_PATH = re.compile(
    rf"(?:\b{_METHOD}\b\s+['\"]?|(?<![\w./:-]))(?P<url>/{{0,2}}(?:v1\.0/myorg"
    r"|v1/(?=admin|workspaces|capacities|connections|items|gateways|deploymentPipelines|domains))"
    r"[\w/.{}$=?&%*,()'<>-]{0,400})",
)
_METHOD_BESIDE = re.compile(r"['\"]?method['\"]?\s?[:=]\s?['\"]?(GET|POST|PUT|PATCH|DELETE)\b", re.IGNORECASE)
_WELL = re.compile(r"(?:\s|\"|'|>|=|:)\(?(?:20[0-4]|30[247])\b(?!\s?(?:ms|kb|bytes))", re.IGNORECASE)
_ILL = re.compile(r"\b[45]\d\d\b")
_KINDS: Final[tuple[tuple[re.Pattern[str], Service], ...]] = (
    (re.compile(r"(?:^|\.)(?:login\.|sts\.windows\.net)"), "entra"),
    (re.compile(r"graph\.(?:microsoft|windows)|microsoftgraph\."), "graph"),
    (re.compile(r"^management\.(?:azure|usgovcloudapi|chinacloudapi|core)"), "arm"),
    (re.compile(r"\.vault\.(?:azure|usgovcloudapi)"), "vault"),
    (
        re.compile(r"(?:^|\.)powerbi(?:gov)?\.(?:com|us|cn)$|^wabi-|analysis\.(?:windows|usgov|china)"),
        "powerbi",
    ),
    (re.compile(r"fabric\.microsoft\.(?:com|us)$"), "fabric"),
)


def requests_in(text: str) -> Iterator[PastedRequest]:
    """Every address of one of the services, with its operation where it is documented."""
    seen: set[tuple[str | None, str]] = set()
    for pattern in (_URL, _PATH):
        for match in pattern.finditer(text):
            written = (match["method"], match["url"])
            if written in seen:
                continue
            seen.add(written)
            found = _request(match, text)
            if found is not None:
                yield found
            if len(seen) == MOST:
                return


def request(service: Service, method: str | None, path: str, position: int) -> PastedRequest:
    """A request that a command stands for."""
    return PastedRequest(service, "", path, method, position, operations=_operations(service, method, path))


def _request(match: re.Match[str], text: str) -> PastedRequest | None:
    url = match["url"].rstrip(".,;:]")
    try:
        parts = urlsplit(url if "://" in url else f"https://x/{url.lstrip('/')}")
        host = (parts.hostname or "") if "://" in url else ""
    except ValueError:
        return None
    path = re.sub(r"/{2,}", "/", unquote(parts.path)) or "/"
    service: Service | None = "xmla" if parts.scheme in ("powerbi", "asazure") else _service(host, path)
    if service is None:
        return None
    method = match["method"] or _method_beside(text, match)
    rest = text[match.end("url") : match.end("url") + 120].partition("\n")[0]
    answered = _WELL.search(rest) is not None and _ILL.search(rest) is None
    operations = _operations(service, method, path)
    return PastedRequest(service, host, path, method, match.start("url"), answered, operations)


def _method_beside(text: str, match: re.Match[str]) -> str | None:
    """The method in a HAR file or an SDK's log, which stands before or after the URL as a field of its own."""
    before = text[max(0, match.start() - 40) : match.start()]
    beside = _METHOD_BESIDE.search(before) or _METHOD_BESIDE.search(text[match.end() : match.end() + 40])
    return beside[1].upper() if beside else None


def _service(host: str, path: str) -> Service | None:
    if "/xmla" in path:
        return "xmla"
    kind = next((kind for pattern, kind in _KINDS if pattern.search(host)), None if host else "powerbi")
    if kind in ("powerbi", "fabric"):
        # Either host serves both APIs; the path says which (powerbi.md 9; clients.md 5).
        if path.startswith("/v1.0/myorg"):
            return "powerbi"
        return "fabric" if path.startswith("/v1/") else kind
    return kind


@lru_cache(maxsize=MOST)
def _operations(service: Service, method: str | None, path: str) -> tuple[Operation, ...]:
    return matching(service, method, path) if service in ("powerbi", "fabric") else ()
