"""The CONNECT proxy: what it lets through, and that everything else stays on the machine."""

from __future__ import annotations

import socket
from urllib.parse import urlsplit

import httpx
import pytest

from pbisetup.sandbox.hosts import microsoft_hosts
from tests.support.tenant import SandboxTenant


def say(sandbox: SandboxTenant, text: str) -> str:
    """Send something to the proxy's port and read the first part of what comes back."""
    port = urlsplit(sandbox.proxy).port
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        connection.sendall(text.encode())
        return connection.recv(4096).decode()


@pytest.mark.parametrize("host", sorted(microsoft_hosts()))
def test_every_microsoft_host_is_spliced_with_a_certificate_for_its_name(sandbox: SandboxTenant, host: str) -> None:
    with httpx.Client(proxy=sandbox.proxy, verify=sandbox.ssl_context, trust_env=False) as client:
        assert client.get(f"https://{host}/").status_code in (400, 401, 403, 404)
    assert sandbox.requests()[-1]["host"] == host


def test_the_server_itself_may_be_reached_through_it(sandbox: SandboxTenant) -> None:
    with httpx.Client(proxy=sandbox.proxy, verify=sandbox.ssl_context, trust_env=False) as client:
        assert client.get(f"{sandbox.url}/_sandbox/info").status_code == 200


@pytest.mark.parametrize(
    "target", ["example.com:443", "graph.microsoft.com:80", "graph.microsoft.com.evil:443", "127.0.0.1:22", "x", ":"]
)
def test_everything_else_is_refused(sandbox: SandboxTenant, target: str) -> None:
    assert say(sandbox, f"CONNECT {target} HTTP/1.1\r\n\r\n").startswith("HTTP/1.1 403 ")


def test_plain_requests_are_refused(sandbox: SandboxTenant) -> None:
    answer = say(sandbox, "GET http://graph.microsoft.com/ HTTP/1.1\r\n\r\n")
    assert answer.startswith("HTTP/1.1 405 ")
    assert "Allow: CONNECT" in answer


def test_garbage_is_refused_or_cut(sandbox: SandboxTenant) -> None:
    assert say(sandbox, "hello\r\n\r\n").startswith("HTTP/1.1 400 ")
    assert say(sandbox, "A" * 20_000) == ""
    assert sandbox.http.get("/_sandbox/info").status_code == 200


def test_strict_transport_security_is_said_of_microsofts_names_only(sandbox: SandboxTenant) -> None:
    """On localhost a browser would hold every other local server to it."""
    path = "/common/v2.0/.well-known/openid-configuration"
    assert "strict-transport-security" not in sandbox.http.get(path).headers
    with httpx.Client(proxy=sandbox.proxy, verify=sandbox.ssl_context, trust_env=False) as http:
        assert "max-age" in http.get(f"https://login.microsoftonline.com{path}").headers["strict-transport-security"]
