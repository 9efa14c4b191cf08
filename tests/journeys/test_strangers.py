"""What a stranger broke once: failed reads, answers from somebody else, two runs at once, odd streams."""

from __future__ import annotations

import copy
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.journeys.test_init import INIT, ours
from tests.support.cli import Cli
from tests.support.tenant import SandboxTenant

HTML = "<html>Sign in to the network</html>"


def test_a_failed_look_at_the_app_is_not_taken_for_its_absence(cli: Cli, sandbox: SandboxTenant) -> None:
    cli.ok(*INIT)
    secret = cli.stored()
    sandbox.faults({"match": {"method": "GET", "path": "/v1.0/applications"}, "times": 1, "status": 403, "body": {}})
    sandbox.clear_requests()
    ran = cli("apply", "--yes")
    assert ran.code == 1
    assert "PBI904" in ran.err
    assert sandbox.writes() == []
    assert cli.stored() == secret


def test_a_setting_that_lists_groups_the_plan_did_not_show_is_left_alone(cli: Cli, sandbox: SandboxTenant) -> None:
    somebody = {"graphId": "11111111-2222-3333-4444-555555555555", "name": "Somebody"}

    def listed(state: dict[str, Any]) -> None:
        state["groups"].append({"id": somebody["graphId"], "displayName": "Somebody", "members": [], "owners": []})
        for setting in state["tenantSettings"]:
            if setting["settingName"] == "ServicePrincipalAccessPermissionAPIs":
                setting["enabledSecurityGroups"] = [somebody]

    sandbox.put_state(listed)
    sandbox.faults({"match": {"path": "/v1/admin/tenantsettings$"}, "times": 1, "status": 403, "body": {}})
    ran = cli(*INIT)
    sandbox.faults()
    setting = next(s for s in sandbox.state()["tenantSettings"] if s["settingName"].endswith("PermissionAPIs"))
    assert setting["enabled"] is False or "also lets in the groups" in " ".join(ran.err.split()), ran


def test_a_companys_proxy_does_not_come_between_this_machine_and_itself(tmp_path: Path) -> None:
    cli = Cli(tmp_path / "project")
    cli.ok("init", "--sandbox", "--yes", env={"HTTPS_PROXY": "http://127.0.0.1:9", "https_proxy": "http://127.0.0.1:9"})


def test_an_app_for_people_is_examined_by_a_person_signing_in(cli: Cli) -> None:
    ran = cli.ok(*INIT, "--purpose", "user-sign-in")
    assert "pbisetup token dev --user" in ran.out
    assert "Healthy." in cli.ok("doctor").out
    assert cli.ok("token").out.startswith("eyJ")


def test_a_missing_credential_is_not_blamed_on_entra(cli: Cli, sandbox: SandboxTenant) -> None:
    cli.ok(*INIT)
    (cli.folder / ".env.dev").unlink()
    sandbox.clear_requests()
    ran = cli("doctor", "--format", "json")
    assert [f["code"] for f in ran.json["findings"]] == ["PBI105"]
    assert not any("token" in r["path"] for r in sandbox.requests())


TROUBLE = {
    "discovery is down": ("openid-configuration", {"status": 503, "body": HTML}, "PBI212"),
    "a portal answers for Entra": ("/token$", {"status": 200, "body": HTML}, "PBI212"),
    "a portal answers for the API": ("/v1.0/myorg/groups", {"status": 200, "body": HTML}, "PBI212"),
    "the API is down": ("/v1.0/myorg/groups", {"status": 503, "body": HTML}, "PBI701"),
    "a redirect leads elsewhere": (
        "/v1.0/myorg/groups",
        {"status": 307, "headers": {"Location": "https://example.com/"}, "body": ""},
        "PBI211",
    ),
}


@pytest.mark.parametrize("name", TROUBLE)
def test_trouble_on_the_way_is_not_taken_for_a_refusal(cli: Cli, sandbox: SandboxTenant, name: str) -> None:
    path, answer, code = TROUBLE[name]
    cli.ok(*INIT)
    sandbox.faults({"match": {"path": path}, **answer})
    ran = cli("doctor", "--format", "json")
    assert ran.code in (1, 3), ran
    assert [f["code"] for f in ran.json.get("findings", [{"code": ran.json.get("code")}])] == [code], ran


def test_an_empty_401_has_candidates_and_no_certainty(cli: Cli, sandbox: SandboxTenant) -> None:
    cli.ok(*INIT)
    sandbox.faults({"match": {"path": "/v1.0/myorg/groups|/v1/workspaces"}, "status": 401, "body": ""})
    found = cli("doctor", "--format", "json").json["findings"]
    assert {f["cause"] for f in found[:2]} == {"tenant_setting_off", "sp_not_in_allowed_group"}
    assert "certain" not in {f["certainty"] for f in found}


def test_what_the_other_api_shows_rules_causes_out(cli: Cli, sandbox: SandboxTenant) -> None:
    cli.ok(*INIT)
    sandbox.faults({"match": {"path": "/v1.0/myorg/groups"}, "status": 401, "body": ""})
    found = cli("doctor", "--format", "json").json["findings"]
    # Fabric's API lets the app in, so neither the setting nor its group can be it.
    assert [f["cause"] for f in found] == ["undetermined"]


@pytest.mark.parametrize("body", [{"value": "no"}, {"value": None}, {"value": [1]}, [], "text", {}])
@pytest.mark.parametrize("path", ["tenantsettings", "/v1.0/groups", "/v1.0/servicePrincipals", "/v1.0/myorg/groups"])
def test_an_answer_of_the_wrong_shape_ends_in_words(cli: Cli, sandbox: SandboxTenant, path: str, body: Any) -> None:
    sandbox.faults({"match": {"method": "GET", "path": path}, "status": 200, "body": body})
    cli(*INIT, "--wait", "0")


def test_a_workspace_name_that_fits_two_is_said_to_fit_two(cli: Cli, sandbox: SandboxTenant) -> None:
    def twice(state: dict[str, Any]) -> None:
        twin = copy.deepcopy(next(w for w in state["workspaces"] if w["displayName"] == "Reports Dev"))
        twin["id"] = "99999999-2222-3333-4444-555555555555"
        state["workspaces"].append(twin)

    sandbox.put_state(twice)
    ran = cli(*INIT, "--workspace", "Reports Dev", "--wait", "0")
    assert "2 workspaces are called 'Reports Dev'" in " ".join(ran.err.split())


def test_two_runs_at_once_make_one_of_everything(cli: Cli, sandbox: SandboxTenant) -> None:
    command = [sys.executable, "-m", "pbisetup", *INIT]
    runs = [
        subprocess.Popen(
            command,
            cwd=cli.folder,
            env=cli.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    errors = [run.communicate(timeout=120)[1] for run in runs]
    assert sorted(run.returncode for run in runs) in ([0, 0], [0, 2]), errors
    made = ours(sandbox.state())
    assert {name: len(things) for name, things in made.items()} == dict.fromkeys(made, 1)


@pytest.mark.parametrize("redirect", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-", ">/dev/full"])
@pytest.mark.skipif(sys.platform == "win32", reason="redirections of a POSIX shell")
def test_closed_or_full_streams_are_no_reason_for_a_traceback(cli: Cli, redirect: str) -> None:
    cli.ok(*INIT)
    for arguments in ("plan", "doctor", "token"):
        line = f'"{sys.executable}" -m pbisetup {arguments} {redirect}'
        done = subprocess.run(
            ["bash", "-c", line], cwd=cli.folder, env=cli.env, capture_output=True, text=True, check=False
        )
        assert "Traceback" not in done.stderr
        assert "PBI999" not in done.stderr, f"{line}\n{done.stderr}"


def test_a_plan_can_be_written_to_a_file(cli: Cli) -> None:
    cli.ok(*INIT)
    assert "Plan for dev" in cli.ok("plan").out


def test_a_workspace_for_an_environment_that_is_not_there_is_a_mistake(cli: Cli) -> None:
    ran = cli(*INIT, "--workspace", "prod=Reports Prod")
    assert ran.code == 2
    assert "'prod'" in ran.err


def test_the_paths_that_the_graph_sdk_builds_by_itself_are_answered(sandbox: SandboxTenant) -> None:
    token = sandbox.user_token("admin", "https://graph.microsoft.com")
    answer = sandbox.http.get("/v1.0//applications", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 200
