"""What every connection shares: which certificates are trusted, which hosts may be spoken to, how long one waits.

Two TLS stacks are in play, requests (azure-identity) and httpx (Graph, Power BI, Fabric), and they read different
variables (startup.md A6). Here both get the same answer, and both pass every request through the same guard and trace.
"""

from __future__ import annotations

import os
import re
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from pbisetup.model.cloud import Cloud
from pbisetup.model.errors import Evidence, Refused, Unavailable, Unreachable

if TYPE_CHECKING:
    import httpx

CONNECT_TIMEOUT = 10.0
READ_TIMEOUT = 60.0
"""Seconds. Graph writes can take long; a time-out means that nobody answered, never that it was not done."""
MAX_WAIT = 90.0
"""The longest Retry-After that is waited for; tenant settings allow 25 calls a minute (powerbi.md 7)."""


@dataclass(frozen=True)
class Patience:
    """How long one request may take, and how long a service may ask to wait before it is sent again; seconds."""

    connect: float = CONNECT_TIMEOUT
    read: float = READ_TIMEOUT
    wait: float = MAX_WAIT
    again: int = 3
    """How often a sign-in is sent once more to a host that does not answer."""


ON_BEHALF_OF: ContextVar[str] = ContextVar("on_behalf_of", default="")
"""What the requests of this thread are for, so that a trace tells which of them had to wait for which."""

CA_VARIABLES = ("PBISETUP_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "CURL_CA_BUNDLE")
"""Read in this order, and applied to every TLS stack, whichever stack invented the name."""


@dataclass(frozen=True)
class Request:
    """One request that went out, for `--verbose` and for counting. Holds no header, no body, no query."""

    method: str
    url: str
    status: int | None
    milliseconds: int
    request_id: str | None
    on_behalf_of: str = ""
    """Name of the probe that sent it, if one did."""
    started: float = 0.0
    """By the machine's monotonic clock, in seconds."""


@dataclass
class Trace:
    """Every request of this run. `listener` hears each as it ends."""

    listener: Callable[[Request], None] | None = None
    requests: list[Request] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, request: Request) -> None:
        with self._lock:
            self.requests.append(request)
        if self.listener:
            self.listener(request)

    @property
    def count(self) -> int:
        return len(self.requests)


@dataclass
class Network:
    """How this run reaches one cloud."""

    cloud: Cloud
    trace: Trace = field(default_factory=Trace)
    patience: Patience = Patience()
    skew: timedelta = timedelta(0)
    """How far the services' clock is ahead of this machine's, by the newest answer's Date header."""

    def __post_init__(self) -> None:
        self._context: ssl.SSLContext | None = None
        self.ca_bundle = ca_bundle(self.cloud, os.environ)
        _bypass_proxies_on_loopback()
        if self.ca_bundle is None:
            import truststore

            truststore.inject_into_ssl()

    def ssl_context(self) -> ssl.SSLContext:
        """For httpx; one for all connections, since reading the certificates takes longer than a request.

        Raises Unavailable where the bundle is not one.
        """
        if self._context is None:
            self._context = tls_context(self.ca_bundle)
        return self._context

    def timeout(self) -> httpx.Timeout:
        """For httpx."""
        import httpx

        return httpx.Timeout(self.patience.read, connect=self.patience.connect)

    def check(self, url: str) -> None:
        """The guard: raises Refused before anything is sent to a host that is not this cloud's."""
        if not self.cloud.allows(url):
            host = _netloc(url)
            raise Refused(
                "PBI207",
                f"a request to {host} was stopped: it is not a host of the cloud {self.cloud.name!r}",
                status=0,
                remedy="Nothing was sent there. If a service redirected to it, report the host to your administrator.",
                evidence=(Evidence("local guard", "local", f"host {host}"),),
            )

    def record(self, method: str, url: str, started: float, status: int | None, headers: Mapping[str, str]) -> None:
        """Put a finished request into the trace; the query is left out, it may hold names."""
        self._measure(headers)
        parts = urlsplit(url)
        self.trace.add(
            Request(
                method,
                f"{parts.scheme}://{parts.netloc}{parts.path}",
                status,
                round((time.perf_counter() - started) * 1000),
                request_id(headers),
                ON_BEHALF_OF.get(),
                started,
            )
        )

    def now(self) -> datetime:
        """The services' time, by which secrets and tokens live and die, whatever this machine's clock says."""
        return datetime.now(UTC) + self.skew

    def _measure(self, headers: Mapping[str, str]) -> None:
        said = next((value for name, value in headers.items() if name.lower() == "date"), "")
        try:
            skew = parsedate_to_datetime(said) - datetime.now(UTC)
        except (TypeError, ValueError):
            return
        # Date has whole seconds, and the answer travelled: less than that is no difference.
        self.skew = skew if abs(skew) > timedelta(seconds=5) else timedelta(0)


def tls_context(bundle: str | None) -> ssl.SSLContext:
    """Trusts the certificates in this file, or what the operating system trusts. Raises Unavailable where it is none."""
    import truststore

    if bundle is None:
        return truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        return ssl.create_default_context(cafile=bundle)
    except (OSError, ssl.SSLError) as error:
        raise Unavailable(
            "PBI205",
            f"the certificate bundle {bundle} cannot be read: {error}",
            remedy="Point PBISETUP_CA_BUNDLE at a file of PEM certificates, or unset it.",
        ) from None


def _bypass_proxies_on_loopback() -> None:
    """A local tenant is never behind the company's proxy: every library here heeds NO_PROXY."""
    for name in ("NO_PROXY", "no_proxy"):
        listed = [part.strip() for part in os.environ.get(name, "").split(",") if part.strip()]
        os.environ[name] = ",".join(dict.fromkeys([*listed, "localhost", "127.0.0.1"]))


def ca_bundle(cloud: Cloud, environ: Mapping[str, str]) -> str | None:
    """The one file of trusted certificates for every stack; None: the operating system's trust store.

    A cloud that is signed by its own authority needs no variable and heeds none.
    """
    if cloud.ca_bundle:
        return cloud.ca_bundle
    for name in CA_VARIABLES:
        if path := environ.get(name, "").strip():
            if not Path(path).is_file():
                raise Unavailable(
                    "PBI205",
                    f"{name} names {path}, which is not a file",
                    remedy=f"Correct or unset {name}.",
                )
            return path
    return None


def request_id(headers: Mapping[str, str]) -> str | None:
    """The service's own id of a request, under any of the names the services use."""
    lowered = {name.lower(): value for name, value in headers.items()}
    for name in ("request-id", "requestid", "x-ms-request-id"):
        if lowered.get(name):
            return lowered[name]
    return None


def unreachable(url: str, error: BaseException) -> Unreachable:
    """What a network failure means, told from its chain of causes: name, proxy, certificate, time-out, refused."""
    host = _netloc(url)
    text = " ".join(_chain(error))
    seen = (Evidence("network", "local", f"{host}: {_first_line(text)}"),)
    lowered = _without_addresses(text).lower()
    proxy = _without_password(proxy_for(url))
    nameless = any(word in lowered for word in ("name or service", "getaddrinfo", "nodename", "resolve"))
    # As a status only: requests says "Tunnel connection failed: 407 ...", httpx "ProxyError: 407 ...".
    if "proxy authentication" in lowered or re.search(r"(tunnel connection failed|proxyerror): 407\b", lowered):
        return Unreachable(
            "PBI203",
            f"the proxy wants a sign-in before it lets {host} through (407)",
            remedy="Put user and password into HTTPS_PROXY, or ask your network administrator for another way.",
            evidence=seen,
        )
    # First: a handshake that was not finished in time is told by the TLS library too.
    if "timed out" in lowered or "timeout" in lowered:
        return Unreachable(
            "PBI206",
            f"{host} did not answer in time",
            remedy="Try again; behind a proxy set HTTPS_PROXY.",
            evidence=seen,
        )
    if "certificate" in lowered or "ssl" in lowered:
        return Unreachable(
            "PBI204",
            f"the certificate of {host} is not trusted by this machine",
            remedy="If your company inspects TLS, set PBISETUP_CA_BUNDLE to its certificate authority (PEM).",
            evidence=seen,
        )
    answered = re.search(r"(tunnel connection failed|proxyerror): \d", lowered)
    if proxy and not answered and (nameless or "refused" in lowered or "unable to connect to proxy" in lowered):
        # Behind a proxy nobody else is connected to, and no other name is looked up.
        return Unreachable(
            "PBI202",
            f"the proxy {proxy} cannot be reached",
            remedy="Check that HTTPS_PROXY names the right host and port, and that the proxy runs.",
            evidence=seen,
        )
    if "tunnel" in lowered or "proxy" in lowered:
        return Unreachable(
            "PBI203",
            f"the proxy {proxy or ''} does not let {host} through".replace("  ", " "),
            remedy="Check HTTPS_PROXY, or ask your network administrator to allow the host.",
            evidence=seen,
        )
    if nameless:
        return Unreachable(
            "PBI201",
            f"the name {host} cannot be resolved",
            remedy="Check the network; behind a proxy set HTTPS_PROXY.",
            evidence=seen,
        )
    return Unreachable(
        "PBI202",
        f"{host} cannot be reached",
        remedy="Check that the network is up and the host is right; behind a proxy set HTTPS_PROXY.",
        evidence=seen,
    )


def proxy_for(url: str) -> str | None:
    """The proxy that a request to this address takes, by the variables that every library here heeds."""
    from urllib.request import getproxies_environment, proxy_bypass_environment  # type: ignore[attr-defined]

    proxies = getproxies_environment()
    if proxy_bypass_environment(_netloc(url)):
        return None
    found = proxies.get("https") or proxies.get("all")
    return found if found and "://" in found else f"http://{found}" if found else None


def _netloc(url: str) -> str:
    """Host and port for a message: without user and password, and of any text at all."""
    try:
        return urlsplit(url).netloc.rpartition("@")[2] or "no host"
    except ValueError:
        return "no host"


def not_its_own(url: str, status: int) -> Unreachable:
    """An answer that the service at this address does not give: an outage, or somebody in between."""
    host = urlsplit(url).netloc
    return Unreachable(
        "PBI210",
        f"{host} answered HTTP {status} with something that is not the service's own",
        remedy="An outage, or a proxy in between that answers in its place. Try again; then look at --verbose.",
        evidence=(Evidence("network", "local", f"{urlsplit(url).path}: HTTP {status}"),),
    )


def _chain(error: BaseException | None) -> list[str]:
    seen: list[str] = []
    while error is not None and len(seen) < 8:
        seen.append(f"{type(error).__name__}: {error}")
        error = error.__cause__ or error.__context__
    return seen


def _without_addresses(text: str) -> str:
    """Only the words of an error: a host, port, path or object address in it may hold any word and any number."""
    return re.sub(
        r"host='[^']*'|port=\d+|with url: \S+|\b0x[0-9a-f]+|https?://[^\s'\"]+", "", text, flags=re.IGNORECASE
    )


def _first_line(text: str) -> str:
    return text.strip().splitlines()[0][:200] if text.strip() else "no detail"


def _without_password(url: str | None) -> str | None:
    if not url:
        return None
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.hostname}{f':{parts.port}' if parts.port else ''}"


def json_or_none(text: str) -> Any:
    """Parsed JSON, or None where it is none: services also answer with empty bodies and HTML."""
    import json

    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
