"""`doctor --fix` and `--wait`: what is mended by whom, in how many layers, and what is only waited for."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import IO

import pytest

from tests.journeys.conftest import approve_as
from tests.journeys.test_doctor_sharing import expire
from tests.journeys.test_init import INIT
from tests.support.cli import Cli, Ran
from tests.support.patient import Patient, examined, keeps_silent
from tests.support.tenant import SandboxTenant, State

FIX = ("doctor", "dev", "--fix", "--yes")


def switch_off(state: State) -> None:
    """The tenant setting for the public APIs."""
    setting(state)["enabled"] = False


def setting(state: State) -> State:
    found: State = next(
        s for s in state["tenantSettings"] if s["settingName"] == "ServicePrincipalAccessPermissionAPIs"
    )
    return found


def words(text: str) -> str:
    """Without the line breaks of a terminal."""
    return " ".join(text.split())


@pytest.fixture
def made(cli: Cli) -> Cli:
    """An environment that `init` made, and that works."""
    cli.ok(*INIT)
    return cli


def test_without_a_yes_nothing_is_mended_and_nobody_signs_in(made: Cli, sandbox: SandboxTenant) -> None:
    sandbox.put_state(switch_off)
    before = sandbox.state()["tenantSettings"]
    sandbox.clear_requests()
    ran = made("doctor", "dev", "--fix")
    assert ran.code == 2
    assert "--yes" in ran.err
    assert sandbox.requests() == []
    assert sandbox.state()["tenantSettings"] == before


def test_two_layers_of_fault_are_mended_one_after_the_other(made: Cli, sandbox: SandboxTenant) -> None:
    """The operator sees the setting only; that the secret is no good any more hides behind nothing."""

    def broken(state: State) -> None:
        expire(state, "dev")
        switch_off(state)

    sandbox.put_state(broken)
    old = made.stored()["AZURE_CLIENT_SECRET"]

    ran = made(*FIX, "--format", "json")

    assert ran.code == 0, ran
    keeps_silent(ran, made.env)
    mended = examined(ran).json["mended"]
    assert [each["status"] for each in mended] == ["done"] * len(mended)
    assert any("Client secret" in each["title"] for each in mended)
    assert any("Tenant setting" in each["title"] for each in mended)
    assert "is let in with it" in words(ran.err)  # who else a change affects
    new = made.stored()["AZURE_CLIENT_SECRET"]
    assert new != old
    assert new not in ran.out + ran.err
    assert setting(sandbox.state())["enabled"] is True
    assert made.ok("token", "dev").out.startswith("eyJ")

    # Well now: there is nothing to mend, and nothing is written.
    sandbox.clear_requests()
    again = made(*FIX)
    assert again.code == 0
    assert sandbox.writes() == []
    assert made.stored()["AZURE_CLIENT_SECRET"] == new


def test_a_fault_behind_another_is_found_when_the_first_is_gone(made: Cli, sandbox: SandboxTenant) -> None:
    def broken(state: State) -> None:
        switch_off(state)
        for group in state["groups"]:
            group["members"] = []

    sandbox.put_state(broken)
    ran = made(*FIX, "--format", "json")
    assert ran.code == 0, ran
    titles = words(" / ".join(each["title"] for each in examined(ran).json["mended"]))
    assert "switch on" in titles
    assert "Service principal into the group" in titles


def test_what_only_somebody_else_may_do_is_named_with_who(made: Cli, sandbox: SandboxTenant) -> None:
    sandbox.put_state(switch_off)
    approve_as(sandbox, "developer")
    sandbox.clear_requests()
    ran = made(*FIX)
    assert ran.code == 5, ran
    assert "can be done by: fabric administrator" in words(ran.err)
    assert "somebody else: only a Fabric administrator may see and change tenant settings" in words(ran.err)
    assert sandbox.writes() == []
    assert "1. PBI501 The tenant does not let service principals call the API" in ran.out
    assert "likely, not certain" in ran.out
    assert "fabric administrator: Switch it on" in words(ran.out)
    assert setting(sandbox.state())["enabled"] is False


# -- waiting -------------------------------------------------------------------------------------------------------


class Watched:
    """A stream that is read while its process runs."""

    def __init__(self, stream: IO[str]) -> None:
        self.text = ""
        self._stream = stream
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        for line in self._stream:
            self.text += line

    def until(self, said: str, seconds: float) -> None:
        """Wait for these words."""
        end = time.monotonic() + seconds
        while said not in words(self.text):
            assert time.monotonic() < end, self.text
            self._thread.join(0.05)

    def all(self) -> str:
        self._thread.join()
        return self.text


def test_what_passes_by_itself_is_waited_for(sandbox: SandboxTenant, tmp_path: Path) -> None:
    who = Patient(sandbox, tmp_path, "setting-too-fresh")
    command = [sys.executable, "-m", "pbisetup", "doctor", "--cloud", "sandbox", "--wait", "5m", "--format", "json"]
    with subprocess.Popen(
        command, cwd=who.folder, env=who.cli.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as run:
        assert run.stdout is not None
        assert run.stderr is not None
        out, err = Watched(run.stdout), Watched(run.stderr)
        err.until("It usually takes up to 15 minutes", 60)
        assert run.poll() is None
        asked = len([each for each in sandbox.requests("POST") if each["path"].endswith("/token")])
        sandbox.advance(15 * 60)
        assert run.wait(60) == 0, err.text
        ran = Ran(0, out.all(), err.all())
    keeps_silent(ran, who.cli.env)
    seen = examined(ran)
    assert seen.healthy
    assert seen.check("api.GET /v1.0/myorg/groups") == "pass: answered 200"
    again = len([each for each in sandbox.requests("POST") if each["path"].endswith("/token")])
    assert again > asked  # with new tokens


@pytest.mark.parametrize("scenario", ["secret-expired", "role-too-low"])
def test_what_does_not_pass_by_itself_is_not_waited_for(sandbox: SandboxTenant, tmp_path: Path, scenario: str) -> None:
    who = Patient(sandbox, tmp_path, scenario)
    caller = sandbox.state()["caller"]
    body = ("--body", caller["body"], "--send") if caller.get("body") else ()
    sandbox.clear_requests()
    began = time.monotonic()
    ran = who.doctor("--wait", "1h", "--request", caller["request"], *body)
    assert ran.code == 1
    assert time.monotonic() - began < 30
    assert "not waited for: nothing that was found passes by itself" in ran.err
    tokens = [each for each in sandbox.requests("POST") if each["path"].endswith("/token")]
    assert 0 < len(tokens) <= 3  # looked at once


def test_the_time_to_wait_runs_out(sandbox: SandboxTenant, tmp_path: Path) -> None:
    who = Patient(sandbox, tmp_path, "setting-too-fresh")
    ran = who.doctor("--wait", "1s")
    assert ran.code == 1, ran
    assert "It usually takes" in words(ran.err)
    assert ran.out.splitlines()[-1] == "Not healthy."
