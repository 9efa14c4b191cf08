"""Beyond loopback only on request, and then without the control paths."""

from __future__ import annotations

import socket
import ssl
import subprocess
import sys
from collections.abc import Callable

import httpx
import pytest

from tests.support.tenant import SandboxTenant

Start = Callable[..., SandboxTenant]


def start(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pbisetup", "sandbox", "start", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("address", ["0.0.0.0", "::", "192.0.2.7", "2001:db8::7"])  # noqa: S104
def test_an_open_address_needs_the_flag_that_says_what_it_means(address: str) -> None:
    done = start("--listen", address)
    assert done.returncode == 2
    assert "sign in as its\nadministrator" in done.stderr
    assert "--anyone-may-connect" in done.stderr
    assert "ready" not in done.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--listen", "example.com"), "give an IP address"),
        (("--listen", ""), "give an IP address"),
        (("--anyone-may-connect",), "say nothing without --listen"),
        (("--name", "sandbox"), "say nothing without --listen"),
        (("--listen", "127.0.0.2", "--name", "not a name"), "give a host name"),
        (("--latency", "inf"), "--latency"),
        (("--replication-lag", "nan"), "--replication-lag"),
        (("--listen", "192.0.2.77", "--anyone-may-connect"), "cannot listen on 192.0.2.77"),  # TEST-NET-1: nobody's
    ],
)
def test_what_cannot_be_listened_on_is_said(arguments: tuple[str, ...], said: str) -> None:
    done = start(*arguments)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_another_loopback_address_needs_no_flag(start_sandbox: Start) -> None:
    if sys.platform == "darwin":
        pytest.skip("macOS has only 127.0.0.1 on loopback")
    tenant = start_sandbox("--listen", "127.0.0.2")
    port = httpx.URL(tenant.url).port
    with httpx.Client(verify=tenant.ssl_context, trust_env=False) as http:
        assert http.get(f"https://127.0.0.2:{port}/common/v2.0/.well-known/openid-configuration").status_code == 200


def test_an_open_tenant_serves_others_under_its_name_but_not_its_control_paths(start_sandbox: Start) -> None:
    outside = _own_address()
    if outside is None:
        pytest.skip("this machine has no address but loopback")
    tenant = start_sandbox("--listen", outside, "--anyone-may-connect")
    base = f"https://{outside}:{httpx.URL(tenant.url).port}"
    with httpx.Client(base_url=base, verify=ssl.create_default_context(cafile=tenant.ca), trust_env=False) as http:
        form = {
            "grant_type": "client_credentials",
            "client_id": tenant.operator_id,
            "client_secret": tenant.operator_secret,
            "scope": f"{base}/.default",  # as msgraph-sdk derives it from the address it calls
        }
        token = http.post(f"/{tenant.tenant}/oauth2/v2.0/token", data=form).json()["access_token"]
        answer = http.get("/v1.0/organization", headers={"Authorization": f"Bearer {token}"})
        assert answer.json()["@odata.context"].startswith(base)
        assert http.get("/_sandbox/state").status_code == 403
        # A Host header is the caller's own word; the address it calls from is not.
        assert http.get("/_sandbox/state", headers={"Host": "localhost"}).status_code == 403
    assert tenant.state()["tenant"]["id"] == tenant.tenant


def test_every_address_and_every_given_name_reach_a_tenant_that_listens_everywhere(start_sandbox: Start) -> None:
    tenant = start_sandbox("--listen", "0.0.0.0", "--name", "tenant.example", "--anyone-may-connect")  # noqa: S104
    port = httpx.URL(tenant.url).port
    path = f"/{tenant.tenant}/v2.0/.well-known/openid-configuration"
    for name in filter(None, ("127.0.0.1", _own_address())):
        with httpx.Client(verify=ssl.create_default_context(cafile=tenant.ca), trust_env=False) as http:
            assert http.get(f"https://{name}:{port}{path}").status_code == 200
    # As who resolves the name does: it stands in the certificate and in the Host header.
    with (
        socket.create_connection(("127.0.0.1", port or 0), timeout=10) as plain,
        tenant.ssl_context.wrap_socket(plain, server_hostname="tenant.example") as secure,
    ):
        secure.sendall(f"GET {path} HTTP/1.1\r\nHost: tenant.example:{port}\r\nConnection: close\r\n\r\n".encode())
        answer = b"".join(iter(lambda: secure.recv(65536), b""))
    assert answer.startswith(b"HTTP/1.1 200")
    assert f"https://tenant.example:{port}/{tenant.tenant}/oauth2/v2.0/token".encode() in answer


def _own_address() -> str | None:
    """An IPv4 address of this machine beside loopback. Connecting a datagram socket sends nothing."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        try:
            sock.connect(("192.0.2.1", 9))
        except OSError:
            return None
        found = str(sock.getsockname()[0])
    return None if found.startswith("127.") else found
