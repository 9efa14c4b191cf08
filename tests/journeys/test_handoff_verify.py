"""`handoff --verify`: somebody waits for others, sees it happen, or leaves and knows who is still awaited."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.journeys.test_handoff import change_setting, setting_of
from tests.journeys.test_init import INIT, ours
from tests.support.az import Administrator
from tests.support.cli import Cli
from tests.support.tenant import SandboxTenant


@contextmanager
def waiting(cli: Cli, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """The command while it waits: it has said who is awaited."""
    process = subprocess.Popen(
        [sys.executable, "-m", "pbisetup", "handoff", "--verify", *arguments],
        cwd=cli.folder,
        env=cli.env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    )
    try:
        assert process.stderr is not None
        said = ""
        for line in process.stderr:
            said += line
            if "waiting up to" in line:
                break
        assert "fabric administrator: Tenant setting" in " ".join(said.split()), said
        yield process
    finally:
        process.kill()
        process.wait()


def test_it_ends_when_the_last_one_has_done_their_part(cli: Cli, sandbox: SandboxTenant, tmp_path: Path) -> None:
    sandbox.reset("developer")
    cli(*INIT)
    cli("handoff", "-o", "handoff.sh")
    admin = Administrator(sandbox, "admin", tmp_path, cli.env)
    with waiting(cli, "--wait", "90s") as process:
        assert admin.script(cli.folder / "handoff.sh").returncode == 0
        out, err = process.communicate(timeout=100)
    assert (process.returncode, out.strip()) == (0, "dev: nobody is awaited."), err
    assert "✓ dev: Tenant setting" in err
    assert cli.ok("apply", "--yes").code == 0


def test_ctrl_c_says_who_is_still_awaited(cli: Cli, sandbox: SandboxTenant) -> None:
    if sys.platform == "win32":
        pytest.skip("no SIGINT for one process there")
    sandbox.reset("developer")
    cli(*INIT)
    with waiting(cli, "--format", "json") as process:
        os.kill(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert process.returncode == 130, err
    assert "Traceback" not in err
    shown = json.loads(out)
    assert shown["interrupted"] is True
    [environment] = shown["environments"]
    assert [task["who"] for task in environment["awaited"]] == [["fabric administrator"]]


def test_when_the_time_is_over_the_code_says_so(cli: Cli, sandbox: SandboxTenant) -> None:
    sandbox.reset("developer")
    cli(*INIT)
    ran = cli("handoff", "dev", "--verify", "--wait", "0")
    assert ran.code == 5
    assert ran.out.startswith("dev: still awaited from fabric administrator: Tenant setting")
    assert cli("handoff", "--verify", "--wait", "0", "--role", "groups administrator").code == 0


def test_what_was_refused_to_you_is_awaited_only_until_it_is_done(cli: Cli, sandbox: SandboxTenant) -> None:
    """The journal remembers the refusal; what a Fabric administrator did in the portal counts all the same."""
    sandbox.put_state(lambda state: state.update(unknowns={"azureCliMayWriteTenantSettings": "no"}))
    assert cli(*INIT).code == 5
    assert cli("handoff", "--verify", "--wait", "0").code == 5
    [group] = ours(sandbox.state())["groups"]
    listed = [{"graphId": group["id"], "name": group["displayName"]}]
    change_setting(sandbox, enabled=True, enabledSecurityGroups=listed)
    done = cli("handoff", "--verify")
    assert (done.code, done.out.strip()) == (0, "dev: nobody is awaited."), done
    assert setting_of(sandbox)["enabled"] is True


def test_a_script_is_not_a_thing_to_wait_for(cli: Cli, sandbox: SandboxTenant) -> None:
    sandbox.reset("developer")
    cli(*INIT)
    ran = cli("handoff", "--verify", "--format", "bash")
    assert ran.code == 2
    assert "does not go with --verify" in " ".join(ran.err.split())
