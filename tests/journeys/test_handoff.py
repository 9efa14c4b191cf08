"""A developer who may not do everything: what is left is handed to those who may, and then it works."""

from __future__ import annotations

import json
import os
import re
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tests.journeys.test_init import INIT, ours
from tests.support.cli import Cli
from tests.support.tenant import FABRIC, GRAPH, POWER_BI, SandboxTenant


def run_as(tenant: SandboxTenant, user: str, markdown: str, folder: Path, env: dict[str, str]) -> None:
    """Run every command of a hand-off, each section in a shell of its own, as somebody with the right."""
    az = folder / "bin" / "az"
    az.parent.mkdir(exist_ok=True)
    stand_in = Path(__file__).parents[1] / "support" / "az_rest.py"
    az.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{stand_in}" "$@"\n')
    az.chmod(az.stat().st_mode | stat.S_IXUSR)
    tokens = {resource: tenant.user_token(user, resource) for resource in (GRAPH, POWER_BI, FABRIC)}
    environment = {**env, "PATH": f"{az.parent}{os.pathsep}{os.environ['PATH']}", "AZ_TOKENS": json.dumps(tokens)}
    sections = [s for s in markdown.split("\n## ") if s.startswith("For: ")]
    assert sections, markdown
    for section in sections:
        script = "\n".join(re.findall(r"```bash\n(.*?)```", section, re.DOTALL))
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script], env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{script}\n{done.stderr}"


@pytest.mark.parametrize("scenario", ["developer", "locked-down"])
def test_the_developer_asks_the_administrator_acts_and_then_it_works(
    cli: Cli, sandbox: SandboxTenant, tmp_path: Path, scenario: str
) -> None:
    sandbox.reset(scenario)
    first = cli(*INIT)
    assert first.code == 5, first
    assert "pbisetup handoff dev" in first.out

    handed = cli("handoff", "dev")
    assert handed.code == 5
    assert "## For: fabric administrator" in handed.out
    assert ("## For: cloud application administrator" in handed.out) is (scenario == "locked-down")
    run_as(sandbox, "admin", handed.out, tmp_path, cli.env)

    last = cli("apply", "--yes")
    assert last.code == 0, last
    made = ours(sandbox.state())
    assert {name: len(things) for name, things in made.items()} == dict.fromkeys(made, 1)
    assert cli.ok("doctor").out.strip().endswith("Healthy.")
    assert cli.ok("handoff", "dev").code == 0


def test_what_the_developer_may_do_is_done_before_anybody_else_acts(cli: Cli, sandbox: SandboxTenant) -> None:
    sandbox.reset("developer")
    cli(*INIT)
    made = ours(sandbox.state())
    assert [len(made[name]) for name in ("apps", "principals", "secrets", "groups", "roles")] == [1, 1, 1, 1, 1]
    assert cli.stored()["AZURE_CLIENT_ID"] == made["apps"][0]["appId"]


def test_a_developer_meets_no_error_where_the_setting_is_open_to_everybody(cli: Cli, sandbox: SandboxTenant) -> None:
    sandbox.reset("developer")

    def open_to_all(state: dict[str, list[dict[str, object]]]) -> None:
        for setting in state["tenantSettings"]:
            if setting["settingName"] == "ServicePrincipalAccessPermissionAPIs":
                setting["enabled"] = True

    sandbox.put_state(open_to_all)
    cli.ok(*INIT)
    assert ours(sandbox.state())["groups"] == []


@pytest.mark.parametrize(("answer", "code"), [("yes", 0), ("no", 5)])
def test_a_sign_in_that_may_not_write_settings_gets_a_hand_off(
    cli: Cli, sandbox: SandboxTenant, answer: str, code: int
) -> None:
    """Whether the Azure CLI's client may write settings is unknown of the real service: `init` copes with either."""
    sandbox.put_state(lambda state: state.update(unknowns={"azureCliMayWriteTenantSettings": answer}))
    ran = cli(*INIT)
    assert ran.code == code, ran
    api = next(
        s for s in sandbox.state()["tenantSettings"] if s["settingName"] == "ServicePrincipalAccessPermissionAPIs"
    )
    assert api["enabled"] is (answer == "yes")
    assert ("## For: fabric administrator" in cli("handoff", "dev").out) is (answer == "no")


def test_nothing_is_asked_of_others_where_everything_is_done(cli: Cli) -> None:
    cli.ok(*INIT)
    ran = cli.ok("handoff", "dev")
    assert "Nobody else needs to do anything" in ran.err
    assert ran.out.strip() == ""
