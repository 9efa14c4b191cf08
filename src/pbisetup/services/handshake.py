"""Whether a host can be reached at all: its name, the proxy on the way, and who signed its certificate. Sends no request."""

from __future__ import annotations

import base64
import socket
import ssl
from urllib.parse import unquote, urlsplit

from pbisetup.model.errors import Evidence, Unreachable
from pbisetup.model.probe import HostSeen
from pbisetup.services.network import Network, proxy_for, unreachable


class ProxyAnswer(Exception):
    """The proxy said something else than yes; worded so that `unreachable` recognises it."""


def shake_hands(network: Network, origin: str) -> HostSeen:
    """Connect and verify, through the proxy that a request would take.

    Raises Unreachable; where the certificate is not trusted, the evidence names who issued it.
    """
    parts = urlsplit(origin)
    host, port = parts.hostname or "", parts.port or 443
    proxy = proxy_for(origin)
    shown = f"{urlsplit(proxy).hostname}:{urlsplit(proxy).port}" if proxy else ""
    try:
        with (
            _connected(network, host, port, proxy) as plain,
            network.ssl_context().wrap_socket(plain, server_hostname=host),
        ):
            return HostSeen(parts.netloc, "httpx", proxy=shown)
    except (OSError, ssl.SSLError, ProxyAnswer) as error:
        failed = unreachable(origin, error)
        if failed.code != "PBI204":
            raise failed from None
        issuer = _issuer(network, host, port, proxy)
        more = (Evidence("network", "local", f"{host}: its certificate was issued by {issuer}"),) if issuer else ()
        raise Unreachable(
            failed.code, failed.message, remedy=failed.remedy, evidence=(*more, *failed.evidence)
        ) from None


def _connected(network: Network, host: str, port: int, proxy: str | None) -> socket.socket:
    if proxy is None:
        return _open(network, host, port)
    way = urlsplit(proxy)
    plain = _open(network, way.hostname or "", way.port or 8080)
    try:
        lines = [f"CONNECT {host}:{port} HTTP/1.1", f"Host: {host}:{port}"]
        if way.username:
            pair = f"{unquote(way.username)}:{unquote(way.password or '')}"
            lines.append(f"Proxy-Authorization: Basic {base64.b64encode(pair.encode()).decode()}")
        plain.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        status = plain.recv(4096).split(b"\r\n", 1)[0].decode("latin-1")
        if " 200" not in status[:13]:
            raise ProxyAnswer(f"ProxyError: {status.partition(' ')[2] or 'it closed the connection'}")
    except BaseException:
        plain.close()
        raise
    return plain


def _open(network: Network, host: str, port: int) -> socket.socket:
    plain = socket.create_connection((host, port), timeout=network.patience.connect)
    plain.settimeout(network.patience.read)
    return plain


def _issuer(network: Network, host: str, port: int, proxy: str | None) -> str:
    """Who signed the certificate that the host shows, trusted or not; empty where that cannot be seen."""
    from cryptography import x509

    anything = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    anything.check_hostname, anything.verify_mode = False, ssl.CERT_NONE  # only looked at: nothing is sent over it
    try:
        with _connected(network, host, port, proxy) as plain, anything.wrap_socket(plain, server_hostname=host) as seen:
            raw = seen.getpeercert(binary_form=True)
            return x509.load_der_x509_certificate(raw).issuer.rfc4514_string() if raw else ""
    except (OSError, ssl.SSLError, ProxyAnswer, ValueError):
        return ""
