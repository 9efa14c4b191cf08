"""The wizard as a person meets it: a real pseudo-terminal, keys, corrections, Ctrl-C."""

from __future__ import annotations

import os
import re
import signal
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.journeys.test_doctor_mending import switch_off
from tests.journeys.test_doctor_sharing import expire
from tests.journeys.test_init import INIT, ours
from tests.journeys.test_provisioning import by_hand
from tests.support.cli import Cli
from tests.support.tenant import SandboxTenant, State

if sys.platform == "win32":
    pytest.skip("pseudo-terminals need POSIX", allow_module_level=True)

import pexpect

ENTER, DOWN, CTRL_C, BACKSPACE = "\r", "\x1b[B", "\x03", "\x7f"
Spawn = Callable[..., "pexpect.spawn[str]"]


@pytest.fixture
def wizard(cli: Cli) -> Iterator[Spawn]:
    """Start pbisetup in a terminal of 80 columns."""
    started: list[Any] = []

    def start(*arguments: str) -> Any:
        env = {**cli.env, "PROMPT_TOOLKIT_NO_CPR": "1", "NO_COLOR": "1", "TERM": "xterm", "COLUMNS": "80"}
        child = pexpect.spawn(
            sys.executable,
            ["-m", "pbisetup", *arguments],
            cwd=str(cli.folder),
            env=env,
            encoding="utf-8",
            timeout=30,
            dimensions=(50, 80),
        )
        started.append(child)
        return child

    yield start
    for child in started:
        child.close(force=True)


def ended(child: Any) -> int:
    """Its exit code, once it has ended."""
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus is not None, f"ended by signal {child.signalstatus}"
    return int(child.exitstatus)


def through_the_questions(child: Any) -> None:
    """Every default, up to the plan."""
    for question in (
        "Which app",
        "Name of the project",
        "Environments",
        "What is it for",
        "Where shall the secret be kept",
        "Work in the tenant Contoso",
        "Workspaces for dev",
    ):
        child.expect(question)
        child.send(ENTER)


def test_enter_at_every_question_ends_with_a_token_that_works(wizard: Spawn, cli: Cli, sandbox: SandboxTenant) -> None:
    child = wizard("init", "--cloud", "sandbox")
    through_the_questions(child)
    child.expect("Make these 8 changes in Contoso")
    assert ours(sandbox.state())["apps"] == [], "nothing is written before the yes"
    child.send(ENTER)
    child.expect("the app works")
    assert ended(child) == 0
    assert 'name = "project"' in (cli.folder / "pbisetup.toml").read_text()
    assert ours(sandbox.state())["roles"] == [("Reports Dev", "Contributor")]


def test_a_wrong_answer_is_told_and_can_be_corrected(wizard: Spawn, cli: Cli) -> None:
    child = wizard("init", "--cloud", "sandbox")
    child.expect("Which app")
    child.send(ENTER)
    child.expect("Name of the project")
    child.send(ENTER)
    child.expect("Environments")
    child.send("X" + ENTER)
    child.expect("cannot name an environment")
    child.send(BACKSPACE * 4 + "test" + ENTER)
    child.expect("What is it for")
    child.send(DOWN + ENTER)
    child.expect("Work in the tenant")
    child.send(ENTER)
    child.expect("Workspaces for test")
    child.send(ENTER)
    child.expect("Make these .* changes")
    child.send("n")
    child.expect("nothing was changed")
    assert ended(child) == 0
    text = (cli.folder / "pbisetup.toml").read_text()
    assert "[environments.test]" in text
    assert 'purposes = ["user-sign-in"]' in text


def test_an_app_that_exists_is_taken_over_after_its_client_id_was_asked_for(
    wizard: Spawn, cli: Cli, sandbox: SandboxTenant
) -> None:
    app = by_hand(sandbox, "by hand")
    child = wizard("init", "--cloud", "sandbox")
    child.expect("Which app")
    child.send(DOWN + ENTER)
    for question in ("Name of the project", "Environments"):
        child.expect(question)
        child.send(ENTER)
    child.expect("Client id of the app for dev")
    child.send("by hand" + ENTER)
    child.expect("is a GUID")
    child.send(BACKSPACE * 7 + app["appId"] + ENTER)
    for question in ("What is it for", "Where shall the secret", "Work in the tenant", "Workspaces for dev"):
        child.expect(question)
        child.send(ENTER)
    child.expect("take over")
    child.expect("Make these .* changes")
    child.send(ENTER)
    child.expect("the app works")
    assert ended(child) == 0
    assert f'client_id = "{app["appId"]}"' in (cli.folder / "pbisetup.toml").read_text()
    assert [each["appId"] for each in ours(sandbox.state())["apps"]] == [app["appId"]]


def test_ctrl_c_at_a_question_changes_nothing(wizard: Spawn, cli: Cli, sandbox: SandboxTenant) -> None:
    child = wizard("init", "--cloud", "sandbox")
    child.expect("Which app")
    child.send(ENTER)
    child.expect("Name of the project")
    child.send(CTRL_C)
    child.expect("nothing was changed")
    assert ended(child) == 130
    assert not (cli.folder / "pbisetup.toml").exists()
    assert sandbox.writes() == []


def test_ctrl_c_at_the_plan_writes_nothing_to_the_tenant(wizard: Spawn, sandbox: SandboxTenant) -> None:
    child = wizard("init", "--cloud", "sandbox")
    through_the_questions(child)
    child.expect("Make these 8 changes")
    child.send(CTRL_C)
    assert ended(child) == 130
    assert ours(sandbox.state())["apps"] == []


def test_ctrl_c_while_steps_run_finishes_the_step_and_says_where_it_stopped(
    wizard: Spawn, cli: Cli, sandbox: SandboxTenant
) -> None:
    sandbox.faults({"match": {"path": "/v1.0/servicePrincipals\\(appId"}, "times": 1, "delay_ms": 2500})
    child = wizard("init", "--cloud", "sandbox", "--yes")
    child.expect("… Service principal", timeout=30)
    os.kill(child.pid, signal.SIGINT)
    child.expect("stopping after this step")
    child.expect(r"Run again to continue")
    assert ended(child) == 130
    made = ours(sandbox.state())
    assert len(made["apps"]) == len(made["principals"]) == 1
    assert made["secrets"] == []
    sandbox.faults()
    cli.ok("apply", "--yes")
    made = ours(sandbox.state())
    assert {name: len(things) for name, things in made.items()} == dict.fromkeys(made, 1)


def test_ctrl_c_while_the_doctor_mends_finishes_the_step_and_begins_no_other(
    wizard: Spawn, cli: Cli, sandbox: SandboxTenant
) -> None:
    def broken(state: State) -> None:
        expire(state, "dev")
        switch_off(state)

    cli.ok(*INIT)
    sandbox.put_state(broken)
    sandbox.faults({"match": {"path": "addPassword"}, "times": 1, "delay_ms": 2500})
    child = wizard("doctor", "dev", "--fix", "--yes")
    child.expect("… Client secret", timeout=60)
    os.kill(child.pid, signal.SIGINT)
    child.expect("stopping after this step")
    child.expect("the same command goes on from here")
    assert ended(child) == 130
    sandbox.faults()
    cli.ok("doctor", "dev", "--fix", "--yes")


def test_prompts_stay_out_of_standard_output(wizard: Spawn, cli: Cli) -> None:
    child = wizard("init", "--cloud", "sandbox", "--format", "json", "--yes")
    assert ended(child) == 0
    out = cli.ok("apply", "--yes", "--format", "json")
    assert out.json["schema"] == "pbisetup/apply/v1"
    assert not re.search(r"\x1b\[", out.out)


def test_whom_the_app_trusts_is_asked_to_the_letter(wizard: Spawn, cli: Cli, sandbox: SandboxTenant) -> None:
    """Where GitHub cannot be asked either: its program is not here, and there is no token for its API."""
    cli.env["PATH"] = "/usr/bin:/bin"
    for name in ("GH_TOKEN", "GITHUB_TOKEN"):
        cli.env.pop(name, None)
    child = wizard("init", "--cloud", "sandbox", "--credential", "federated", "--name", "reports", "--env", "prod")
    child.expect("Which app")
    child.send(ENTER)
    child.expect("What is it for")
    child.send(ENTER)
    child.expect("Whose assertions shall the app take")
    child.send("somebody" + ENTER)
    child.expect("is not github:OWNER/NAME")
    child.send(BACKSPACE * 8 + "github:contoso/reports:environment:prod" + ENTER)
    child.expect("Work in the tenant Contoso")
    child.send(ENTER)
    child.expect("Subject, as a job's own assertion shows it")
    child.send("repo:contoso@1/reports@2:environment:prod" + ENTER)
    child.expect("Workspaces for prod")
    child.send(ENTER)
    child.expect("Make these")
    child.send(ENTER)
    ended(child)
    [app] = [a for a in sandbox.state()["applications"] if a["displayName"] == "reports-prod"]
    [trusted] = app["federatedIdentityCredentials"]
    assert trusted["subject"] == "repo:contoso@1/reports@2:environment:prod"
