"""All environments at a glance, by a person and by a nightly job: drift, secrets that end, an app that is gone."""

from __future__ import annotations

from typing import Any

import pytest

from tests.journeys.conftest import approve_as
from tests.journeys.test_init import INIT, ours
from tests.support.cli import Cli, Ran
from tests.support.platform import empower
from tests.support.tenant import SandboxTenant

DAY = 86_400


def status(cli: Cli, *arguments: str, **more: Any) -> dict[str, dict[str, Any]]:
    """What it says of each environment, by name."""
    ran = cli("status", "--format", "json", *arguments, **more)
    assert ran.json["schema"] == "pbisetup/status/v1", ran
    return {row["environment"]: row for row in ran.json["environments"]}


def row(ran: Ran, name: str) -> str:
    """Its line in the table."""
    return next(line for line in ran.out.splitlines() if line[2:].startswith(f"{name} "))


def test_right_after_init_everything_is_as_declared(cli: Cli, sandbox: SandboxTenant) -> None:
    cli.ok(*INIT)
    made = ours(sandbox.state())
    sandbox.clear_requests()
    ran = cli.ok("status")
    assert row(ran, "dev").split() == ["✓", "dev", "as", "declared", "89", "days", "-"]  # whole days
    for each in (made["apps"][0]["appId"], made["apps"][0]["id"], made["principals"][0]["id"]):
        assert each in ran.out
    assert sandbox.writes() == []
    dev = status(cli)["dev"]
    assert (dev["ok"], dev["problems"], dev["consent"]) == (True, [], "not needed")
    assert dev["credential"]["where"] == ".env.dev"
    assert dev["credential"]["days_left"] == 89
    secret = cli.stored()["AZURE_CLIENT_SECRET"]
    assert secret not in ran.out + ran.err


def test_drift_of_each_kind_is_found_and_gone_after_apply(cli: Cli, sandbox: SandboxTenant) -> None:
    cli.ok(*INIT)
    principal = ours(sandbox.state())["principals"][0]["id"]

    def drift(state: dict[str, Any]) -> None:
        for group in state["groups"]:
            group["members"] = []
        for workspace in state["workspaces"]:
            for assignment in workspace["roleAssignments"]:
                if assignment["principal"]["id"] == principal:
                    assignment["role"] = "Viewer"
        app = next(a for a in state["applications"] if str(a.get("uniqueName", "")).startswith("pbisetup-"))
        app["displayName"] = "somebody renamed it"

    sandbox.put_state(drift)
    ran = cli("status")
    assert ran.code == 1, ran
    assert row(ran, "dev").split()[:4] == ["✗", "dev", "3", "changes"]
    assert "pbisetup plan dev" in ran.out
    assert {step["id"] for step in status(cli)["dev"]["drift"]} == {"app", "member", "workspace-Reports Dev"}
    cli.ok("apply", "--yes", "--wait", "0")
    cli.ok("status")


def test_a_secret_that_ends_fails_the_job_in_time(cli: Cli, sandbox: SandboxTenant) -> None:
    cli.ok(*INIT)
    sandbox.advance(65 * DAY)
    cli.ok("status")
    cli.ok("status", "--fail-within", "3w")
    soon = cli("status", "--fail-within", "30d")
    assert soon.code == 1, soon
    assert status(cli, "--fail-within", "30d")["dev"]["problems"] == ["credential_expiring"]
    sandbox.advance(30 * DAY)
    over = cli("status")
    assert over.code == 1, over
    assert "expired" in row(over, "dev")
    assert status(cli)["dev"]["problems"] == ["drift", "credential_expired"]
    cli.ok("apply", "--yes", "--wait", "0")
    cli.ok("status", "--fail-within", "30d")


def test_a_fresh_clone_keeps_no_secret_and_wants_none(cli: Cli, sandbox: SandboxTenant) -> None:
    cli.ok(*INIT)
    (cli.folder / ".env.dev").unlink()
    ran = cli.ok("status")
    assert "89 days, not here" in row(ran, "dev")
    assert status(cli)["dev"]["credential"]["state"] == "elsewhere"
    sandbox.advance(65 * DAY)
    assert cli("status", "--fail-within", "30d").code == 1


def test_an_app_that_somebody_deleted(cli: Cli, sandbox: SandboxTenant) -> None:
    cli.ok(*INIT)
    app = ours(sandbox.state())["apps"][0]["id"]
    token = {"Authorization": f"Bearer {sandbox.user_token('admin')}"}
    assert sandbox.http.delete(f"/v1.0/applications/{app}", headers=token).status_code == 204
    ran = cli("status")
    assert ran.code == 1, ran
    assert row(ran, "dev").split()[:3] == ["✗", "dev", "deleted"]
    dev = status(cli)["dev"]
    assert (dev["problems"], dev["deleted"], dev["client_id"], dev["drift"]) == (["not_applied"], True, None, [])


def test_what_is_only_in_the_manifest_is_not_applied_yet(cli: Cli, sandbox: SandboxTenant) -> None:
    cli.ok(*INIT)
    manifest = cli.folder / "pbisetup.toml"
    manifest.write_text(
        manifest.read_text() + '\n[environments.prod]\nworkspaces = [{ name = "Reports Prod", role = "Viewer" }]\n'
    )
    ran = cli("status")
    assert ran.code == 1, ran
    assert row(ran, "prod").split()[:4] == ["✗", "prod", "not", "applied"]
    assert row(ran, "dev").startswith("✓")
    cli.ok("status", "dev")
    sandbox.clear_requests()
    assert cli("status", "production").code == 2
    assert sandbox.requests() == []


def test_a_tenant_that_is_not_there_does_not_hide_the_others(cli: Cli) -> None:
    cli.ok(*INIT)
    manifest = cli.folder / "pbisetup.toml"
    manifest.write_text(manifest.read_text() + '\n[environments.prod]\ntenant = "fabrikam.example"\n')
    ran = cli("status")
    assert ran.code == 3, ran
    assert row(ran, "prod").split()[:4] == ["?", "prod", "not", "reached"]
    assert row(ran, "dev").startswith("✓ dev")
    assert "PBI316" in ran.out
    shown = status(cli)
    assert (shown["prod"]["problems"], shown["prod"]["error"]["code"]) == (["unreachable"], "PBI316")
    assert shown["dev"]["ok"] is True


def test_a_fault_in_one_environment_does_not_hide_the_others(cli: Cli, sandbox: SandboxTenant) -> None:
    cli.ok(*INIT, "--env", "dev,test")
    sandbox.faults({"match": {"method": "GET", "path": "-test'"}, "status": 403, "body": {"error": {"code": "x"}}})
    ran = cli("status")
    assert ran.code == 1, ran
    assert row(ran, "test").split()[:5] == ["?", "test", "not", "looked", "at"]
    assert row(ran, "dev").startswith("✓ dev")


def test_a_person_signs_in_once_for_all_environments_of_a_tenant(cli: Cli, sandbox: SandboxTenant) -> None:
    cli.ok(*INIT, "--env", "dev,test,prod")
    sandbox.clear_requests()
    cli.ok("status")
    assert sum(each["path"].endswith("/devicecode") for each in sandbox.requests("POST")) == 1


def test_a_pipeline_that_sees_no_settings_says_so_and_calls_it_no_drift(cli: Cli, sandbox: SandboxTenant) -> None:
    cli.ok(*INIT, "--workspace", "Reports Dev")
    group = ours(sandbox.state())["groups"][0]["id"]
    (cli.folder / ".env.dev").unlink()
    operator = {
        "PBISETUP_OPERATOR_TENANT_ID": sandbox.tenant,
        "PBISETUP_OPERATOR_CLIENT_ID": sandbox.operator_id,
        "PBISETUP_OPERATOR_CLIENT_SECRET": sandbox.operator_secret,
    }

    def read(state: dict[str, Any], enabled: bool) -> None:
        setting = next(
            s for s in state["tenantSettings"] if s["settingName"] == "AllowServicePrincipalsUseReadAdminAPIs"
        )
        setting["enabled"] = enabled

    sandbox.put_state(lambda state: empower(state, sandbox.operator_id, group))
    sandbox.put_state(lambda state: read(state, False))
    ran = cli.ok("status", "--operator", "env", env=operator)
    assert "as declared, 1 unseen" in row(ran, "dev")
    sandbox.put_state(lambda state: read(state, True))
    assert "as declared " in row(cli.ok("status", "--operator", "env", env=operator), "dev")


def test_a_developer_sees_what_is_for_somebody_else(cli: Cli, sandbox: SandboxTenant) -> None:
    cli.ok(*INIT)

    def switch_off(state: dict[str, Any]) -> None:
        setting = next(s for s in state["tenantSettings"] if s["settingName"] == "ServicePrincipalAccessPermissionAPIs")
        setting["enabled"] = False

    sandbox.put_state(switch_off)
    approve_as(sandbox, "developer")
    ran = cli("status")
    assert ran.code == 1, ran
    assert "not yours" in row(ran, "dev")
    assert "fabric administrator" in ran.out
    assert "pbisetup handoff dev" in ran.out


@pytest.mark.parametrize("time", ["30", "d", "30 days", "-1d", ""])
def test_a_time_that_is_none_is_a_usage_error(cli: Cli, time: str) -> None:
    cli.ok(*INIT)
    ran = cli("status", f"--fail-within={time}")
    assert ran.code == 2, ran
    assert "30d" in ran.err
