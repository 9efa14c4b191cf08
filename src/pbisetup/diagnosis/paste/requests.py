"""Addresses in a text, and which documented operation each is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from pbisetup.model.signal import PastedRequest

_URL = re.compile(
    r"(?:\b(?P<method>GET|POST|PUT|PATCH|DELETE)\b[^\w\n]{1,6}(?:on\s+|request\s+to\s+)?['\"(]?)?"
    r"(?P<url>(?:https?|powerbi|asazure)://[^\s'\"<>()\[\]{}|\\^`]{4,600})"
)
_PATH = re.compile(
    r"(?:\b(?P<method>GET|POST|PUT|PATCH|DELETE)\b\s+['\"]?|(?<![\w./:-]))(?P<url>/?/?(?:v1\.0/myorg|v1/(?=admin|workspaces|capacities|connections|items|gateways|deploymentPipelines))"
    r"[\w/.{}$=?&%*,()'<>-]{0,400})",
)
_CALLING = re.compile(r"\bcalling (?P<method>GET|POST|PUT|PATCH|DELETE) on\b")
_KIND: Final = (
    (re.compile(r"(?:^|\.)(?:login\.|sts\.windows\.net)"), "entra"),
    (re.compile(r"graph\.(?:microsoft|windows)|microsoftgraph\."), "graph"),
    (re.compile(r"^management\.(?:azure|usgovcloudapi|chinacloudapi|core)"), "arm"),
    (re.compile(r"(?:^|\.)(?:api\.)?(?:high\.|mil\.)?powerbi(?:gov)?\.(?:com|us|cn)$|^wabi-|analysis\.(?:windows|usgov|china)"), "powerbi"),
    (re.compile(r"fabric\.microsoft\.(?:com|us)$"), "fabric"),
)  # fmt: skip


def request_signals(text: str, where: Any) -> Iterator[PastedRequest]:
    """Every address of one of the services, with its operation where it is documented."""
    for match in _URL.finditer(text):
        yield from _request(match, where)
    for match in _PATH.finditer(text):
        yield from _request(match, where)


def _request(match: re.Match[str], where: Any) -> Iterator[PastedRequest]:
    url = match["url"].rstrip(".,;:")
    try:
        parts = urlsplit(url if "://" in url else "https:" + "//x" + "/" + url.lstrip("/"))
        host = "" if "://" not in url else (parts.hostname or "")
    except ValueError:
        return
    path = re.sub(r"/{2,}", "/", unquote(parts.path)) or "/"
    service: Any = "xmla" if parts.scheme in ("powerbi", "asazure") else _service(host, path)
    if service == "other":
        return
    method = match["method"]
    operations = _operations(service, method, path) if service in ("powerbi", "fabric") else ()
    yield PastedRequest(service, host, path, method, where.of(match.start("url")) if where else 0, operations)


def _service(host: str, path: str) -> str:
    if "/xmla" in path:
        return "xmla"
    kind = next((kind for pattern, kind in _KIND if pattern.search(host)), None if host else "powerbi")
    if kind in ("powerbi", "fabric"):
        # Either host serves both APIs; the path says which (powerbi.md 9; clients.md 5).
        if path.startswith("/v1.0/myorg"):
            return "powerbi"
        return "fabric" if path.startswith("/v1/") else kind
    return kind or "other"


def _operations(service: Any, method: str | None, path: str) -> tuple[Any, ...]:
    from pbisetup.catalog.operations import matching

    return matching(service, method, path)
