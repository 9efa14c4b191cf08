"""Which certificates are trusted, which hosts may be spoken to, and what a broken connection is called."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pbisetup.catalog.clouds import clouds, sandbox_cloud
from pbisetup.model.errors import ExitCode, Refused, Unavailable
from pbisetup.services.network import CA_VARIABLES, Network, ca_bundle, json_or_none, request_id, unreachable

PUBLIC = clouds()["public"]
SANDBOX = sandbox_cloud("https://127.0.0.1:8443/", "ca.pem")
OWN_CA = replace(PUBLIC, ca_bundle="ca.pem")
"""The public cloud with a certificate authority of its own, so that no trust store of this machine is touched."""


@pytest.fixture
def bundles(tmp_path: Path) -> dict[str, str]:
    """One file for each variable that can name a bundle."""
    files = {name: tmp_path / f"{name}.pem" for name in CA_VARIABLES}
    for file in files.values():
        file.write_text("certificates")
    return {name: str(file) for name, file in files.items()}


@pytest.mark.parametrize("first", range(4), ids=CA_VARIABLES)
def test_our_own_variable_outweighs_those_of_others(first: int, bundles: dict[str, str]) -> None:
    left = {name: bundles[name] for name in CA_VARIABLES[first:]}
    assert ca_bundle(PUBLIC, left) == bundles[CA_VARIABLES[first]]


def test_without_a_variable_the_systems_trust_store_counts() -> None:
    assert ca_bundle(PUBLIC, {}) is None
    assert ca_bundle(PUBLIC, {"PBISETUP_CA_BUNDLE": "  "}) is None


def test_a_cloud_with_its_own_authority_heeds_no_variable(bundles: dict[str, str]) -> None:
    assert ca_bundle(SANDBOX, bundles) == "ca.pem"


@pytest.mark.parametrize("name", CA_VARIABLES)
def test_a_bundle_that_is_not_there_is_told_with_the_variables_name(name: str, tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match=name) as caught:
        ca_bundle(PUBLIC, {name: str(tmp_path / "missing.pem")})
    assert caught.value.exit_code is ExitCode.NO_ACCESS
    assert caught.value.code == "PBI205"


def test_a_bundle_that_holds_no_certificate_is_told_when_it_is_used(tmp_path: Path) -> None:
    bad = tmp_path / "bad.pem"
    bad.write_text("not a certificate")
    with pytest.raises(Unavailable, match=r"bad\.pem cannot be read"):
        Network(replace(PUBLIC, ca_bundle=str(bad))).ssl_context()


HOSTS = {
    "the API": ("https://api.powerbi.com/v1.0/myorg/groups", True),
    "with its port": ("https://api.powerbi.com:443/", True),
    "in capitals": ("HTTPS://API.PowerBI.COM/", True),
    "Entra": ("https://login.microsoftonline.com/common", True),
    "Graph": ("https://graph.microsoft.com/v1.0/me", True),
    "Fabric": ("https://api.fabric.microsoft.com/v1/workspaces", True),
    "a cluster it redirects to": ("https://wabi-west-europe-redirect.analysis.windows.net/x", True),
    "a name in the query": ("https://api.powerbi.com/v1.0/myorg/groups?$filter=name eq 'a@b.c'", True),
    "plain http": ("http://api.powerbi.com/", False),
    "another scheme": ("ftp://api.powerbi.com/", False),
    "another port": ("https://api.powerbi.com:8443/", False),
    "port nought": ("https://api.powerbi.com:0/", False),
    "a port that is none": ("https://api.powerbi.com:99999/", False),
    "a port in letters": ("https://api.powerbi.com:abc/", False),
    "a cluster's other port": ("https://x.analysis.windows.net:444/", False),
    "longer in front": ("https://evilapi.powerbi.com/", False),
    "below it": ("https://x.api.powerbi.com/", False),
    "longer behind": ("https://api.powerbi.com.evil.example/", False),
    "suffix without a dot": ("https://evilanalysis.windows.net/", False),
    "an empty label": ("https://.analysis.windows.net/", False),
    "trailing dot": ("https://api.powerbi.com./", False),
    "user in front": ("https://api.powerbi.com@evil.example/", False),
    "user and password": ("https://u:p@api.powerbi.com/", False),
    "backslash": ("https://evil.example\\@api.powerbi.com/", False),
    "backslash behind": ("https://api.powerbi.com\\.evil.example/", False),
    "fragment": ("https://evil.example#.analysis.windows.net/", False),
    "question mark": ("https://evil.example?.analysis.windows.net/", False),
    "encoded": ("https://evil.example%2f.analysis.windows.net/", False),
    "tab inside": ("https://api.power\tbi.com/", False),
    "line break inside": ("https://api.powerbi.com\n.evil.example/", False),
    "look-alike letter": ("https://api.pоwerbi.com/", False),
    "wide letters": ("https://ａpi.powerbi.com/", False),
    "wide dot": ("https://x。analysis.windows.net/", False),
    "IDN": ("https://xn--pi-7kc.powerbi.com/", False),
    "IPv4": ("https://20.1.2.3/", False),
    "IPv6": ("https://[::1]/", False),
    "half a bracket": ("https://[::1/", False),
    "this machine": ("https://localhost/", False),
    "the cloud next door": ("https://api.powerbigov.us/", False),
    "no host": ("https:///x", False),
    "a path": ("/v1.0/myorg/groups", False),
    "nothing": ("", False),
}


@pytest.mark.parametrize(("url", "allowed"), HOSTS.values(), ids=HOSTS)
def test_a_token_goes_to_hosts_of_the_cloud_only(url: str, allowed: bool) -> None:
    network = Network(OWN_CA)
    assert PUBLIC.allows(url) is allowed
    if allowed:
        network.check(url)
        return
    with pytest.raises(Refused) as caught:
        network.check(url)
    assert (caught.value.code, caught.value.status) == ("PBI207", 0)
    assert "u:p" not in caught.value.message


def test_the_local_tenant_is_one_origin_and_nothing_else() -> None:
    assert SANDBOX.allows("https://127.0.0.1:8443/v1.0/me")
    assert not SANDBOX.allows("https://127.0.0.1/v1.0/me")
    assert not SANDBOX.allows("https://127.0.0.1:8444/")
    assert not SANDBOX.allows("https://localhost:8443/")
    assert not SANDBOX.allows("https://api.powerbi.com/")


labels = st.text("abc-.@:/\\#?%[]1 \t", max_size=12)
own = st.sampled_from(["api.powerbi.com", "analysis.windows.net", "evil.example"])


@settings(max_examples=200, deadline=None)
@given(st.builds("{}://{}{}{}{}".format, st.sampled_from(["https", "http", "HTTPS"]), labels, own, labels, own))
@example("https://evil.example\\.analysis.windows.net")
@example("https://evil.example\t@api.powerbi.com")
def test_whatever_is_allowed_is_https_to_a_host_of_the_cloud(url: str) -> None:
    if PUBLIC.allows(url):
        parts = urlsplit(url)
        host = str(parts.hostname)
        assert parts.scheme == "https"
        assert parts.port in (None, 443)
        assert "@" not in parts.netloc
        assert not set(url) & set("\\\t\n")
        own_hosts = {urlsplit(o).hostname for o in PUBLIC.origins()}
        assert host in own_hosts or host == "analysis.windows.net" or host.endswith(".analysis.windows.net")
        assert set(host) <= set("abcdefghijklmnopqrstuvwxyz0123456789-.")


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=40) | st.text(max_size=20).map("https://".__add__))
def test_any_text_is_judged_without_a_traceback(url: str) -> None:
    for cloud in (*clouds().values(), SANDBOX):
        assert cloud.allows(url) in (True, False)


FAILURES: dict[str, tuple[BaseException, str]] = {
    "proxy wants a sign-in": (OSError("Tunnel connection failed: 407 Proxy Authentication Required"), "PBI203"),
    "proxy says no": (OSError("Tunnel connection failed: 403 Forbidden"), "PBI203"),
    "unknown authority": (OSError("[SSL: CERTIFICATE_VERIFY_FAILED] self-signed certificate"), "PBI204"),
    "no such name": (OSError("[Errno -2] Name or service not known"), "PBI201"),
    "no such name on Windows": (OSError("[Errno 11001] getaddrinfo failed"), "PBI201"),
    "no answer in time": (TimeoutError("The read operation timed out"), "PBI206"),
    "nobody listens": (ConnectionRefusedError(111, "Connection refused"), "PBI202"),
    "no words at all": (OSError(), "PBI202"),
    "proxy wants a sign-in, as httpx says it": (
        type("ProxyError", (OSError,), {})("407 authenticationrequired"),
        "PBI203",
    ),
    "a port with those digits": (OSError("Connection refused: 127.0.0.1:40407"), "PBI202"),
    "that very port": (
        OSError(
            "HTTPSConnectionPool(host='localhost', port=407): Max retries exceeded with url: /407/token (Caused by "
            "NewConnectionError('<urllib3.connection.HTTPSConnection object at 0x7f407f407407>: Failed to establish a new "
            "connection: [Errno 111] Connection refused'))"
        ),
        "PBI202",
    ),
    "a tenant called like another cause": (
        OSError(
            "HTTPSConnectionPool(host='ssl-proxy.example', port=443): Max retries exceeded with url: "
            "/tunnel-proxy.example/oauth2/v2.0/token (Caused by NewConnectionError('Connection refused'))"
        ),
        "PBI202",
    ),
}


@pytest.mark.parametrize(("error", "code"), FAILURES.values(), ids=FAILURES)
def test_a_broken_connection_is_told_by_what_broke(error: BaseException, code: str) -> None:
    told = unreachable("https://api.powerbi.com/v1.0/myorg/groups?x=y", error)
    assert told.code == code
    assert told.exit_code is ExitCode.NO_ACCESS
    assert told.remedy
    assert "api.powerbi.com" in told.message or code == "PBI203"


def test_the_cause_behind_the_cause_counts() -> None:
    outer = RuntimeError("Max retries exceeded")
    outer.__cause__ = OSError("certificate verify failed")
    assert unreachable("https://api.powerbi.com/", outer).code == "PBI204"


def test_requests_are_counted_without_their_query() -> None:
    network = Network(OWN_CA)
    heard: list[str] = []
    network.trace.listener = lambda request: heard.append(request.url)
    network.record("GET", "https://api.powerbi.com/x?$filter=name", time.perf_counter(), 200, {"RequestId": "r1"})
    assert network.trace.count == 1
    assert network.trace.requests[0].request_id == "r1"
    assert heard == ["https://api.powerbi.com/x"]


@pytest.mark.parametrize("name", ["request-id", "RequestId", "x-ms-request-id", "X-MS-REQUEST-ID"])
def test_a_requests_id_is_read_under_any_name(name: str) -> None:
    assert request_id({name: "r1", "other": "x"}) == "r1"
    assert request_id({"other": "x"}) is None


@pytest.mark.parametrize(("text", "value"), [('{"a":1}', {"a": 1}), ("", None), ("<html>", None), ("[" * 50_000, None)])
def test_a_body_that_is_no_json_is_none(text: str, value: object) -> None:
    assert json_or_none(text) == value
