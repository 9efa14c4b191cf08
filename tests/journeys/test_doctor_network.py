"""`doctor` where the network is not as it should be: nothing answers, somebody else does, or late; and other clouds."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.cli import Cli, Ran
from tests.support.patient import NO_SANDBOX, Examined, Patient, examined, keeps_silent, operator
from tests.support.tenant import SandboxTenant

SETTING = "settings.ServicePrincipalAccessPermissionAPIs"
GROUPS = "api.GET /v1.0/myorg/groups"
PATIENT = 40.0
"""Seconds that a run may take at most, on a busy machine: two time-outs of ten seconds, one after the other."""


def free_port() -> int:
    """A port at which nobody listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


# -- nobody answers, or somebody else ------------------------------------------------------------------------------


def test_without_any_network_what_is_local_is_still_checked_and_soon(sandbox: SandboxTenant, tmp_path: Path) -> None:
    who = Patient(sandbox, tmp_path, "automation", PBISETUP_SANDBOX_URL=f"https://127.0.0.1:{free_port()}")
    began = time.monotonic()
    seen = who.examine("--operator", "env", env={"AZURE_CLIENT_ID": "'x'", **who.operator})
    assert time.monotonic() - began < PATIENT / 2
    assert (seen.code, seen.healthy) == (1, False)
    errors = [each["code"] for each in seen.json["findings"] if each["severity"] == "error"]
    assert errors == ["PBI116", "PBI202"]  # the id, which is wrong by itself, and the host
    assert seen.check("config.client").startswith("fail: ")
    assert seen.check("config.credential").startswith("pass: ")
    assert seen.check("config.clock") == "unknown: no service has answered"
    assert seen.check("directory.power-bi").startswith("unknown: not examined: 127.0.0.1:")
    assert "not examined: not examined" not in seen.ran.out
    assert "127.0.0.1:" in seen.finding("PBI202")["explanation"]


@pytest.fixture
def answering() -> Iterator[Callable[[bytes], str]]:
    """Proxies that answer everybody with these bytes, or close the connection at once where there are none."""
    servers: list[socket.socket] = []

    def start(answer: bytes) -> str:
        server = socket.create_server(("127.0.0.1", 0))
        servers.append(server)

        def serve() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection:
                    connection.recv(65536)
                    connection.sendall(answer)

        threading.Thread(target=serve, daemon=True).start()
        return f"user:hunter2canary99@127.0.0.1:{server.getsockname()[1]}"

    yield start
    for server in servers:
        server.close()


def public(folder: Path, **variables: str) -> Examined:
    """The doctor of a well-configured app of the public cloud, on a machine that knows nothing of a sandbox."""
    ids = dict.fromkeys(("AZURE_TENANT_ID", "AZURE_CLIENT_ID"), "11111111-2222-3333-4444-555555555555")
    cli = Cli(folder)
    env = {**cli.env, **ids, "AZURE_CLIENT_SECRET": "Xy8Q~canary.ABCDEFGHIJKLMNOPQRSTUVWXYZ12", **variables}
    began = time.monotonic()
    ran = cli("doctor", "--cloud", "public", "--format", "json", env=env)
    assert time.monotonic() - began < PATIENT / 2
    keeps_silent(ran, env)
    assert "canary" not in ran.out + ran.err
    return examined(ran)


LOGIN = "login.microsoftonline.com"


@pytest.mark.parametrize(
    ("proxy", "code", "said"),
    [
        (None, "PBI213", f"the name {LOGIN} cannot be resolved"),
        ("127.0.0.1:{free}", "PBI202", "the proxy http://127.0.0.1:{free} cannot be reached"),
        ("proxy.nosuch.example:8080", "PBI202", "the proxy http://proxy.nosuch.example:8080 cannot be reached"),
        (b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n", "PBI214", "(407)"),
        (b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n", "PBI214", f"does not let {LOGIN} through"),
        (b"", "PBI214", f"does not let {LOGIN} through"),
    ],
    ids=["no name", "no proxy", "no name of a proxy", "407", "403", "closed"],
)
def test_what_stands_between_is_one_finding_of_its_own(
    tmp_path: Path, answering: Callable[[bytes], str], proxy: str | bytes | None, code: str, said: str
) -> None:
    port = str(free_port())
    if proxy is None:
        seen = public(tmp_path)
    else:
        where = answering(proxy) if isinstance(proxy, bytes) else proxy.replace("{free}", port)
        seen = public(tmp_path, HTTPS_PROXY=f"http://{where}")
    assert (seen.code, seen.healthy) == (1, False)
    assert [each["code"] for each in seen.json["findings"]] == [code]
    assert seen.json["findings"][0]["certainty"] == "certain"
    assert said.replace("{free}", port) in seen.check("network.login")
    assert seen.check("network.powerbi").startswith("fail: ")
    assert seen.check("network.graph").startswith("warn: ")  # less can be seen, but the app needs it not
    assert seen.check("config.client").startswith("pass: ")


def test_who_signed_a_certificate_that_is_not_trusted_is_named(sandbox: SandboxTenant, tmp_path: Path) -> None:
    seen = public(tmp_path, HTTPS_PROXY=sandbox.proxy)
    assert [(each["code"], each["certainty"]) for each in seen.json["findings"]] == [("PBI215", "certain")]
    assert "issued by CN=pbisetup sandbox" in seen.finding("PBI215")["evidence"][0]["fact"]
    assert f"the certificate of {LOGIN} is not trusted" in seen.check("network.login")


# -- late, or not at all -------------------------------------------------------------------------------------------


def round_trips(ran: Ran) -> int:
    """N of `longest chain: N dependent round trips`."""
    found = re.search(r"^longest chain: (\d+) dependent round trips: ", ran.err, re.MULTILINE)
    assert found, ran
    return int(found[1])


def settings_readable_by_apps(state: dict[str, Any]) -> None:
    """Then the operator of a pipeline reads the tenant settings, too."""
    for setting in state["tenantSettings"]:
        if setting["settingName"] == "AllowServicePrincipalsUseReadAdminAPIs":
            setting |= {"enabled": True, "enabledSecurityGroups": []}


def test_four_dependent_round_trips_are_enough(sandbox: SandboxTenant, tmp_path: Path) -> None:
    who = Patient(sandbox, tmp_path, "automation")

    def slow(state: dict[str, Any]) -> None:
        state["weather"]["latency_ms"] = 100
        settings_readable_by_apps(state)

    sandbox.put_state(slow)
    sandbox.clear_requests()
    looked = who.doctor("--verbose", "--workspace", "Reports Dev", "--operator", "env", env=who.operator)
    assert looked.code == 0, looked
    assert round_trips(looked) <= 4
    told = [line.split()[:3] for line in looked.err.splitlines() if line.startswith("    GET ")]
    assert f"{sandbox.url}/v1/admin/tenantsettings" in [url for _, url, _ in told]
    assert len(sandbox.requests()) == sum(
        line.startswith(("    GET ", "    POST ")) for line in looked.err.splitlines()
    )

    by_domain = who.doctor("--verbose", "--operator", "none", env={"AZURE_TENANT_ID": sandbox.domain})
    assert by_domain.code == 0, by_domain
    assert round_trips(by_domain) <= 4


HUNG = {
    "settings": "/v1/admin/tenantsettings",
    "groups": "/v1.0/myorg/groups",
    "token": "/oauth2/v2.0/token",
    "graph": "/(v1.0|beta)/(applications|servicePrincipals|groups|organization|users|me|policies|identity|directory)",
}


def test_what_hangs_costs_its_own_time_out_and_is_unknown(
    start_sandbox: Callable[..., SandboxTenant], tmp_path: Path
) -> None:
    """Four tenants, in each of which something else never answers, examined side by side."""
    began = time.monotonic()
    runs = {}
    for name, path in HUNG.items():
        tenant = start_sandbox(name=f"{name}-tenant", state=False)
        who = Patient(tenant, tmp_path / name, "not-in-allowed-group" if name == "settings" else "automation")
        tenant.put_state(settings_readable_by_apps)
        tenant.faults({"match": {"path": path}, "times": None, "delay_ms": 60_000})
        command = [sys.executable, "-m", "pbisetup", "doctor", "--cloud", "sandbox", "--operator", "env"]
        runs[name] = subprocess.Popen(
            [*command, "--format", "json"],
            cwd=who.folder, env={**who.cli.env, **who.operator}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
    seen = {}
    for name, run in runs.items():
        out, err = run.communicate(timeout=3 * PATIENT)
        seen[name] = examined(Ran(run.returncode, out, err))
    assert time.monotonic() - began < 1.5 * PATIENT

    # The API refused the app. Why stands in a setting that nobody could read: not off for that, and not absent.
    hidden = seen["settings"]
    assert "did not answer in time" in hidden.check(SETTING)
    assert hidden.check(SETTING).startswith("unknown: ")
    assert hidden.causes[:2] == ["tenant_setting_off", "sp_not_in_allowed_group"]
    assert not any(each["certainty"] == "certain" for each in hidden.json["findings"])
    assert hidden.check("directory.app").startswith("pass: ")

    groups = seen["groups"]
    assert groups.check(GROUPS).startswith("fail: ")
    assert "did not answer in time" in groups.check(GROUPS)
    assert groups.check("api.GET /v1/workspaces") == "pass: answered 200"
    assert groups.check("claims.audience").startswith("pass: ")
    assert groups.check("directory.principal").startswith("pass: ")
    assert [each["code"] for each in groups.json["findings"]] == ["PBI202"]

    token = seen["token"]
    assert "did not answer in time" in token.check("token.powerbi")
    assert token.check("directory.app").startswith("unknown: not examined")
    assert token.check("tenant.exists").startswith("pass: ")
    assert token.check(SETTING).startswith("unknown: ")
    assert [each["code"] for each in token.json["findings"]] == ["PBI202"]

    graph = seen["graph"]
    assert (graph.code, graph.healthy, graph.causes) == (0, True, [])
    for check in ("directory.app", "directory.principal", "directory.power-bi"):
        assert graph.check(check).startswith("unknown: "), check
    assert graph.check(GROUPS) == "pass: answered 200"


def test_what_is_busy_is_waited_for_or_unknown_and_never_off(sandbox: SandboxTenant, tmp_path: Path) -> None:
    who = Patient(sandbox, tmp_path, "not-in-allowed-group")
    sandbox.put_state(settings_readable_by_apps)

    def busy(seconds: int, times: int | None) -> Examined:
        headers = {"Retry-After": str(seconds)}
        rule = {"match": {"path": "tenantsettings"}, "times": times, "status": 429, "headers": headers, "body": {}}
        sandbox.faults(rule)
        return who.examine("--operator", "env", env=who.operator)

    waited = busy(1, 1)
    assert waited.shape == [("PBI502", "sp_not_in_allowed_group", "certain", "error")]

    given_up = busy(600, None)
    assert given_up.check(SETTING).startswith("unknown: ")
    assert "429" in given_up.check(SETTING)
    assert not any(each["certainty"] == "certain" for each in given_up.json["findings"])


def test_a_token_endpoint_that_asks_to_wait_an_hour_is_not_waited_for(sandbox: SandboxTenant, tmp_path: Path) -> None:
    who = Patient(sandbox, tmp_path, "automation")
    late = {"Retry-After": "3600"}
    busy = {"match": {"path": "/oauth2/v2.0/token"}, "times": None, "status": 429, "headers": late, "body": {}}
    sandbox.faults(busy)
    began = time.monotonic()
    seen = who.examine()
    assert time.monotonic() - began < PATIENT / 2
    assert seen.code == 1
    assert seen.json["findings"][0]["code"] == "PBI702"


def test_one_call_that_fails_or_is_cut_takes_nothing_else_with_it(sandbox: SandboxTenant, tmp_path: Path) -> None:
    who = Patient(sandbox, tmp_path, "automation")
    own = rf"/v1.0/servicePrincipals\(appId='{who.client_id}'\)$"
    sandbox.faults(
        {"match": {"path": own}, "times": None, "status": 503, "body": ""},
        # Cut once each: a read is sent again.
        {"match": {"path": "/v1.0/myorg/groups"}, "times": 1, "drop": "before"},
        {"match": {"path": "/v1/workspaces"}, "times": 1, "drop": "after"},
    )
    once = who.examine("--operator", "env", env=who.operator)
    assert (once.code, once.causes) == (0, [])
    assert once.check("directory.principal").startswith("unknown: HTTP 503")
    assert once.check("directory.app").startswith("pass: ")

    sandbox.faults({"match": {"path": "/v1.0/myorg/groups"}, "times": None, "drop": "after"})
    always = who.examine()
    assert always.code == 1
    assert [(each["code"], each["severity"]) for each in always.json["findings"]] == [("PBI202", "error")]
    assert always.check(GROUPS).startswith("fail: ")
    assert always.check("api.GET /v1/workspaces") == "pass: answered 200"


# -- clouds --------------------------------------------------------------------------------------------------------


def test_a_tenant_of_the_government_cloud_is_examined_at_its_own_addresses(tmp_path: Path) -> None:
    seen = examined(Cli(tmp_path)("doctor", "--scenario", "gcc", "--operator", "device", "--format", "json"))
    assert (seen.code, seen.causes) == (0, []), seen
    assert seen.check("claims.audience") == "pass: https://analysis.usgovcloudapi.net/powerbi/api"
    assert seen.check(GROUPS) == "pass: answered 200"
    assert seen.check("directory.app") == "pass: Contoso Reports"


def test_the_same_tenant_from_other_clouds(sandbox: SandboxTenant, tmp_path: Path) -> None:
    who = Patient(sandbox, tmp_path / "direct", "gcc")
    direct = who.examine("--operator", "env", env=who.operator)
    assert (direct.code, direct.causes) == (0, []), direct

    far = Cli(tmp_path / "proxy", sandbox.env(proxy=True))

    def at(cloud: str) -> Examined:
        return examined(far("doctor", "--cloud", cloud, "--operator", "env", "--format", "json", env=operator(sandbox)))

    home, abroad = at("gcc"), at("public")
    assert (home.code, home.causes) == (0, []), home
    assert abroad.code == 1
    assert abroad.shape == [("PBI323", "wrong_cloud", "certain", "error")]
    assert abroad.check("tenant.exists") == "fail: it lives in the cloud 'gcc'"


@pytest.mark.parametrize("scenario", ["automation", "secret-expired", "app-in-group-instead"])
def test_the_public_clouds_own_addresses_through_a_proxy_tell_the_same(
    sandbox: SandboxTenant, tmp_path: Path, scenario: str
) -> None:
    who = Patient(sandbox, tmp_path / "direct", scenario)
    sandbox.put_state(settings_readable_by_apps)
    looking = ("--operator", "env", "--workspace", "Reports Dev")
    direct = who.examine(*looking, env=who.operator)

    bundle = {name: sandbox.ca for name in ("PBISETUP_CA_BUNDLE", "REQUESTS_CA_BUNDLE")}
    far = Cli(tmp_path / "far", {**sandbox.env(proxy=True), **NO_SANDBOX, **bundle})
    ran = far("doctor", *looking, "--format", "json", env=operator(sandbox))
    keeps_silent(ran, far.env)
    seen = examined(ran)

    assert seen.code == direct.code == (0 if scenario == "automation" else 1), seen
    assert seen.shape == direct.shape
    assert [f["explanation"] for f in seen.json["findings"]] == [f["explanation"] for f in direct.json["findings"]]
    assert all(each["certainty"] == "certain" for each in seen.json["findings"])
    assert f"{LOGIN} answers and is trusted through {sandbox.proxy.removeprefix('http://')}" in seen.check(
        "network.login"
    )
    hosts = {each["host"] for each in sandbox.requests()}
    assert {LOGIN, "api.powerbi.com", "api.fabric.microsoft.com", "graph.microsoft.com"} <= hosts
