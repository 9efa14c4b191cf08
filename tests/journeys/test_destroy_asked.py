"""Taking an environment away in a terminal: its name is typed, and Ctrl-C is heard between steps."""

from __future__ import annotations

import os
import signal

from tests.journeys.test_init import INIT, ours
from tests.journeys.test_wizard import CTRL_C, ENTER, Spawn, ended, wizard
from tests.support.cli import Cli
from tests.support.tenant import SandboxTenant

__all__ = ["wizard"]  # a fixture


def test_only_the_environment_s_own_name_begins_it(wizard: Spawn, cli: Cli, sandbox: SandboxTenant) -> None:
    cli.ok(*INIT)
    sandbox.clear_requests()
    child = wizard("destroy", "dev")
    child.expect("Taking dev away from Contoso")
    child.expect("To remove this from Contoso .*type the environment")
    child.send("prod" + ENTER)
    child.expect("type dev to go on")
    assert sandbox.writes() == []
    child.send("\x7f" * 4 + "dev" + ENTER)
    child.expect("4 removed")
    assert ended(child) == 0
    assert ours(sandbox.state())["apps"] == []


def test_no_name_or_ctrl_c_leaves_everything_as_it_is(wizard: Spawn, cli: Cli, sandbox: SandboxTenant) -> None:
    cli.ok(*INIT)
    sandbox.clear_requests()
    for keys, said, code in ((ENTER, "nothing was changed", 0), (CTRL_C, "nothing was changed", 130)):
        child = wizard("destroy", "dev")
        child.expect("type the environment")
        child.send(keys)
        child.expect(said)
        assert ended(child) == code
    assert sandbox.writes() == []
    assert (cli.folder / ".env.dev").exists()


def test_ctrl_c_while_steps_run_finishes_the_step_and_the_next_run_goes_on(
    wizard: Spawn, cli: Cli, sandbox: SandboxTenant
) -> None:
    cli.ok(*INIT)
    sandbox.faults({"match": {"method": "DELETE", "path": "/members/"}, "times": 1, "delay_ms": 2500})
    child = wizard("destroy", "dev", "--yes")
    child.expect("… Service principal out of the group", timeout=60)
    os.kill(child.pid, signal.SIGINT)
    child.expect("stopping after this step")
    child.expect("stopped before: App registration")
    assert ended(child) == 130
    left = ours(sandbox.state())
    assert len(left["apps"]) == 1
    assert left["groups"] == left["roles"] == []
    sandbox.faults()
    assert "dev: 2 removed." in cli.ok("destroy", "dev", "--yes").out
    assert ours(sandbox.state())["apps"] == []
