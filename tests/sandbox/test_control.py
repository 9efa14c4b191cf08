"""The control paths: state, reset, clock, log, device codes; and who may not reach them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pbisetup.sandbox.scenarios import names
from pbisetup.sandbox.seed import merge_patch
from tests.support.tenant import AZURE_CLI, GRAPH, SandboxTenant, State


def test_the_default_tenant(sandbox: SandboxTenant) -> None:
    state = sandbox.state()
    assert state["tenant"] == {"id": sandbox.tenant, "displayName": "Contoso", "domain": "contoso.onmicrosoft.com"}
    assert [w["displayName"] for w in state["workspaces"]] == ["Reports Dev", "Reports Test", "Reports Prod"]
    assert state["groups"] == []
    settings = {s["settingName"]: s["enabled"] for s in state["tenantSettings"]}
    assert settings["ServicePrincipalAccessPermissionAPIs"] is False
    assert settings["Embedding"] is True


def test_the_state_holds_no_secret(sandbox: SandboxTenant) -> None:
    text = json.dumps(sandbox.state())
    for secret in (sandbox.operator_secret, sandbox.password, "PRIVATE KEY"):
        assert secret not in text
    on_disk = sandbox.state_file.read_text(encoding="utf-8")
    assert sandbox.operator_secret not in on_disk
    assert sandbox.password not in on_disk


def test_what_is_put_is_what_is_got(sandbox: SandboxTenant) -> None:
    state = sandbox.state()
    sandbox.put_state(state)
    assert sandbox.state() == state


def test_secret_text_is_hashed_on_the_way_in(sandbox: SandboxTenant) -> None:
    def add_secret(state: State) -> None:
        state["applications"][0]["passwordCredentials"].append({"secretText": "xyz-secret"})

    sandbox.put_state(add_secret)
    stored = sandbox.state()["applications"][0]["passwordCredentials"][-1]
    assert stored["hint"] == "xyz"
    assert "secretText" not in stored
    assert {"keyId", "startDateTime", "endDateTime", "secretHash"} <= set(stored)
    assert sandbox.app_token(sandbox.operator_id, "xyz-secret")


def test_a_state_that_cannot_be_is_refused_with_every_problem(sandbox: SandboxTenant) -> None:
    before = sandbox.state()
    bad: dict[str, Any] = {
        "tenant": {"id": "no-guid", "displayName": "x", "domain": "x"},
        "weather": {"latency_ms": "slow"},
        "workspace": [],
        "users": [{"id": "u"}, {"id": "u"}, "not an object"],
        "applications": [
            {
                "id": "x",
                "appId": "y",
                "createdDateTime": "long ago",
                "passwordCredentials": [{"endDateTime": "soon"}],
                "keyCredentials": [{"keyId": "k", "key": "%"}],
            }
        ],
    }
    answer = sandbox.http.put("/_sandbox/state", json=bad)
    assert answer.status_code == 400
    found = "\n".join(answer.json()["problems"])
    for part in (
        "tenant.id must be a GUID",
        "weather.latency_ms must be a number",
        "workspace is a list, but no collection",
        "users[1]: id u appears twice",
        "users[2] must be an object",
        "userPrincipalName",
        "appId must be a GUID",
        "createdDateTime must be a time",
        "needs a secretText or a secretHash",
        "passwordCredentials[0].endDateTime must be a time",
        "key must be a certificate",
        "keyCredentials[0].startDateTime must be a time",
    ):
        assert part in found
    assert sandbox.state() == before


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PUT", "state", b"{"),
        ("PUT", "state", b"[]"),
        ("PUT", "state", b""),
        ("POST", "reset", b'{"scenario": "none-such"}'),
        ("POST", "reset", b'{"scenario": ["x"]}'),
        ("POST", "clock", b'{"advance_seconds": "soon"}'),
        ("POST", "clock", b'{"advance_seconds": 1e300}'),
        ("POST", "clock", b"{}"),
        ("POST", "faults", b'{"match": {"path": "("}}'),
        ("POST", "faults", b'{"status": 9, "drop": "never", "extra": 1}'),
        ("POST", "faults", b'{"delay_ms": 5, "delay_at": "never"}'),
        ("POST", "faults", b'{"match": 3}'),
        ("POST", "devicecodes/ABC", b"{}"),
    ],
)
def test_garbage_is_answered_with_400(sandbox: SandboxTenant, method: str, path: str, body: bytes) -> None:
    answer = sandbox.http.request(method, f"/_sandbox/{path}", content=body)
    assert answer.status_code == 400, answer.text
    assert answer.json()["problems"]


def test_unknown_control_paths_and_methods(sandbox: SandboxTenant) -> None:
    assert sandbox.http.get("/_sandbox/nothing").status_code == 404
    assert sandbox.http.patch("/_sandbox/state").status_code == 405
    assert sandbox.http.post("/_sandbox/devicecodes/NONE", json={"user": "admin"}).status_code == 404


@pytest.mark.parametrize("host", ["graph.microsoft.com", "evil.example", "localhost.evil.example", "127.0.0.1.x"])
def test_a_foreign_host_does_not_reach_control(sandbox: SandboxTenant, host: str) -> None:
    answer = sandbox.http.get("/_sandbox/state", headers={"Host": host})
    assert 400 <= answer.status_code < 500
    assert "Contoso" not in answer.text


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:1", "[::1]:443"])
def test_every_name_of_this_machine_does(sandbox: SandboxTenant, host: str) -> None:
    assert sandbox.http.get("/_sandbox/state", headers={"Host": host}).status_code == 200


def test_a_page_of_another_origin_does_not_reach_control(sandbox: SandboxTenant) -> None:
    answer = sandbox.http.post("/_sandbox/reset", headers={"Origin": "https://evil.example"})
    assert answer.status_code == 403


def test_reset_keeps_the_identity_and_drops_the_rest(sandbox: SandboxTenant) -> None:
    sandbox.advance(100_000)
    sandbox.put_state(lambda state: state["workspaces"].clear())
    sandbox.faults({"status": 500})
    sandbox.reset()
    assert sandbox.state()["clock"]["offset_seconds"] == 0
    assert len(sandbox.state()["workspaces"]) == 3
    assert sandbox.operator_token()
    assert sandbox.requests()[-1]["path"].endswith("/token")


@pytest.mark.parametrize("name", ["default", "developer", "locked-down"])
def test_scenarios(sandbox: SandboxTenant, name: str) -> None:
    assert name in sandbox.control("GET", "scenarios")
    sandbox.reset(name)
    state = sandbox.state()
    assert state["auto_approve"] == ("admin" if name == "default" else "developer")
    assert state["policies"]["allowedToCreateApps"] is (name != "locked-down")
    assert "scenario" not in state
    assert name == "developer" or name not in json.dumps(list(state))


def test_the_clock_moves_what_tokens_say(sandbox: SandboxTenant) -> None:
    import jwt

    before = jwt.decode(sandbox.operator_token(), options={"verify_signature": False})["iat"]
    sandbox.advance(5000)
    after = jwt.decode(sandbox.operator_token(), options={"verify_signature": False})["iat"]
    assert 5000 <= after - before < 5100


def test_the_request_log(sandbox: SandboxTenant) -> None:
    sandbox.http.get(
        f"/{sandbox.tenant}/v2.0/.well-known/openid-configuration",
        params={"client_secret": "hush-hush", "p": "1"},
        headers={"client-request-id": "me"},
    )
    sandbox.http.get("/v1.0/nothing")
    first, second = sandbox.requests()
    assert set(first) == {"time", "method", "host", "path", "query", "status", "stage", "client_request_id"}
    assert first["method"] == "GET"
    assert first["client_request_id"] == "me"
    assert first["query"] == "client_secret=***&p=1"
    assert 400 <= second["status"] < 500
    sandbox.clear_requests()
    assert sandbox.requests() == []


def test_declining_and_approving_device_codes(sandbox: SandboxTenant) -> None:
    form = {"client_id": AZURE_CLI, "scope": f"{GRAPH}/.default"}
    code = sandbox.http.post(f"/{sandbox.tenant}/oauth2/v2.0/devicecode", data=form).json()
    assert len(code["user_code"]) == 9
    assert (code["interval"], code["expires_in"]) == (1, 900)
    answer = sandbox.http.post(f"/_sandbox/devicecodes/{code['user_code']}", json={"user": "nobody"})
    assert answer.status_code == 404
    sandbox.approve(code["user_code"].lower(), f"developer@{sandbox.domain}")
    tokens = sandbox.token(
        grant_type="device_code", client_id=AZURE_CLI, device_code=code["device_code"], scope=form["scope"]
    )
    assert tokens.status_code == 200, tokens.text


def test_a_scenario_names_the_elements_it_changes() -> None:
    state = {"settings": [{"settingName": "A", "enabled": True, "title": "a"}, {"settingName": "B", "enabled": True}]}
    changed = merge_patch(state, {"settings": {"a": {"enabled": False}, "B": None}})
    assert changed == {"settings": [{"settingName": "A", "enabled": False, "title": "a"}]}
    assert state["settings"][0]["enabled"] is True
    with pytest.raises(KeyError, match="C"):
        merge_patch(state, {"settings": {"C": {}}})


@pytest.mark.parametrize("name", [each for each in names() if each != "default"])
def test_every_scenario_is_a_state_that_can_be(sandbox: SandboxTenant, name: str) -> None:
    sandbox.reset(name)
    sandbox.put_state(sandbox.state())
