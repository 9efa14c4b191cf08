"""Fault rules, latency, dispatch by host, and what the server adds to every answer."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from tests.support.tenant import SandboxTenant

Start = Callable[..., SandboxTenant]
PAGE = "/common/v2.0/.well-known/openid-configuration"


def test_a_rule_answers_in_place_of_the_service(sandbox: SandboxTenant) -> None:
    sandbox.faults(
        {"match": {"method": "GET", "path": "openid"}, "skip": 1, "times": 2, "status": 429,
         "headers": {"Retry-After": "7"}, "body": {"error": "slow"}}
    )  # fmt: skip
    answers = [sandbox.http.get(PAGE) for _ in range(4)]
    assert [each.status_code for each in answers] == [200, 429, 429, 200]
    assert answers[1].headers["retry-after"] == "7"
    assert answers[1].json() == {"error": "slow"}
    assert [entry["status"] for entry in sandbox.requests()] == [200, 429, 429, 200]


def test_a_rule_may_answer_text_or_nothing(sandbox: SandboxTenant) -> None:
    sandbox.faults({"times": 1, "status": 502, "body": "bad gateway"}, {"times": 1, "status": 503})
    assert sandbox.http.get(PAGE).text == "bad gateway"
    assert sandbox.http.get(PAGE).content == b""


def test_a_rule_without_times_holds_until_it_is_taken_away(sandbox: SandboxTenant) -> None:
    sandbox.faults({"match": {"path": "^/common"}, "status": 500})
    assert {sandbox.http.get(PAGE).status_code for _ in range(3)} == {500}
    sandbox.faults()
    assert sandbox.http.get(PAGE).status_code == 200


def test_control_is_never_faulted(sandbox: SandboxTenant) -> None:
    sandbox.faults({"status": 500})
    assert sandbox.http.get("/_sandbox/state").status_code == 200


def test_drop_before_cuts_the_connection_and_nothing_happens(sandbox: SandboxTenant) -> None:
    sandbox.faults({"match": {"path": "devicecode"}, "times": 1, "drop": "before"})
    with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
        sandbox.http.post("/common/oauth2/v2.0/devicecode", data={})
    assert (sandbox.requests()[-1]["status"], sandbox.requests()[-1]["stage"]) == (None, "cut")
    assert sandbox.http.get(PAGE).status_code == 200


def test_drop_after_performs_the_request_first(sandbox: SandboxTenant) -> None:
    headers = {"Authorization": f"Bearer {sandbox.operator_token()}"}
    sandbox.faults({"match": {"method": "POST", "path": "/applications$"}, "times": 1, "drop": "after"})
    with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
        sandbox.http.post("/v1.0/applications", json={"displayName": "Cut off"}, headers=headers)
    assert "Cut off" in [app["displayName"] for app in sandbox.state()["applications"]]


def test_drop_reaches_a_client_behind_the_proxy(sandbox: SandboxTenant) -> None:
    sandbox.faults({"match": {"path": "openid"}, "times": 1, "drop": "before"})
    with httpx.Client(proxy=sandbox.proxy, verify=sandbox.ssl_context, trust_env=False, timeout=10) as client:
        with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
            client.get(f"https://login.microsoftonline.com{PAGE}")
        assert client.get(f"https://login.microsoftonline.com{PAGE}").status_code == 200


def test_delay_and_latency(sandbox: SandboxTenant) -> None:
    sandbox.put_state(lambda state: state["weather"].update(latency_ms=60))
    sandbox.faults({"delay_ms": 60, "times": 1})
    begin = time.perf_counter()
    assert sandbox.http.get(PAGE).status_code == 200
    assert time.perf_counter() - begin >= 0.12


@pytest.mark.parametrize(("held", "stage", "made"), [("before", "waiting", False), ("after", "done", True)])
def test_a_request_is_held_before_or_after_its_effect(
    sandbox: SandboxTenant, held: str, stage: str, made: bool
) -> None:
    headers = {"Authorization": f"Bearer {sandbox.operator_token()}"}
    sandbox.faults({"match": {"method": "POST"}, "times": 1, "delay_ms": 600_000, "delay_at": held, "drop": held})
    with pytest.raises(httpx.ReadTimeout):
        sandbox.http.post("/v1.0/applications", json={"displayName": "Held"}, headers=headers, timeout=0.3)
    assert sandbox.requests("POST")[-1]["stage"] == stage
    assert ("Held" in [app["displayName"] for app in sandbox.state()["applications"]]) is made
    assert sandbox.http.get(PAGE).status_code == 200


def test_each_host_reaches_its_own_service_only(sandbox: SandboxTenant) -> None:
    def ask(host: str, path: str) -> int:
        return sandbox.http.get(path, headers={"Host": host}).status_code

    assert ask("login.microsoftonline.com", PAGE) == 200
    assert ask("graph.microsoft.com", PAGE) in (400, 404)
    assert ask("graph.microsoft.com", "/v1.0/me") == 401
    assert ask("login.microsoftonline.com", "/v1.0/me") == 404
    assert ask("api.powerbi.com", "/v1.0/myorg/groups") == 403
    assert ask("api.fabric.microsoft.com", "/v1/workspaces") == 401
    assert ask("api.fabric.microsoft.com", "/v1.0/me") != 200
    assert ask("onelake.dfs.fabric.microsoft.com", "/") == 404
    assert ask("www.example.com", PAGE) == 421


def test_self_urls_follow_the_host_header(sandbox: SandboxTenant) -> None:
    for host in ("login.microsoftonline.com", "127.0.0.1:9", "localhost"):
        body = sandbox.http.get(PAGE, headers={"Host": host}).json()
        assert body["jwks_uri"].startswith(f"https://{host}/common/")


def test_the_clients_request_id_comes_back(sandbox: SandboxTenant) -> None:
    answer = sandbox.http.get(PAGE, headers={"client-request-id": "abc-1"})
    assert answer.headers["client-request-id"] == "abc-1"


@pytest.mark.parametrize(
    "path", ["/", "//", "/%00", "/x/%2e%2e/y", "/v1.0", "/v1.0/", "/v1", "/v1.0/myorg", "/beta/%zz", "/_sandbox"]
)
@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS", "PROPFIND"])
def test_no_path_is_a_defect_or_a_silent_success(sandbox: SandboxTenant, method: str, path: str) -> None:
    assert 400 <= sandbox.http.request(method, path).status_code < 500


def test_the_state_is_saved_soon_after_a_change(start_sandbox: Start) -> None:
    tenant = start_sandbox()
    tenant.put_state(lambda state: state["tenant"].update(displayName="Saved GmbH"))
    deadline = time.monotonic() + 5
    while "Saved GmbH" not in tenant.state_file.read_text(encoding="utf-8"):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_tenant_outlives_its_process_with_id_key_and_objects(start_sandbox: Start) -> None:
    first = start_sandbox()
    keys = first.http.get("/common/discovery/v2.0/keys").json()
    first.put_state(lambda state: state["workspaces"].pop())
    assert first.close() == 0
    second = start_sandbox()
    assert second.tenant == first.tenant
    assert second.http.get("/common/discovery/v2.0/keys").json() == keys
    assert len(second.state()["workspaces"]) == 2
    assert second.operator_token()
    answer = second.token(
        grant_type="client_credentials",
        client_id=first.operator_id,
        client_secret=first.operator_secret,
        scope="https://graph.microsoft.com/.default",
    )
    assert answer.json()["error_codes"] == [7000215], "the last start's secret no longer works"


def test_the_certificate_is_used_again_and_its_authority_leaves_no_key(start_sandbox: Start) -> None:
    first = start_sandbox(name="one")
    second = start_sandbox(name="two")
    assert first.ca == second.ca
    folder = Path(first.ca).parent
    assert sorted(path.name for path in folder.iterdir()) == ["ca.pem", "leaf.pem"]
    assert "PRIVATE" not in Path(first.ca).read_text(encoding="utf-8")
    assert (folder / "leaf.pem").read_text(encoding="utf-8").count("PRIVATE KEY") == 2  # begin and end of the leaf's
