"""`pbisetup sandbox ...`: start, env, reset, approve, scenarios, as a person types them."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.tenant import AZURE_CLI, GRAPH, SandboxTenant

Start = Callable[..., SandboxTenant]


def run(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pbisetup", "sandbox", *words],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("shell", ["bash", "dotenv"])
@pytest.mark.parametrize("proxy", [False, True])
def test_env_for_posix_shells(sandbox: SandboxTenant, shell: str, proxy: bool) -> None:
    done = run("env", "--shell", shell, *(["--proxy"] if proxy else []), PBISETUP_SANDBOX_URL=sandbox.url)
    words = shlex.split(done.stdout)
    values = dict(word.split("=", 1) for word in words if word != "export")
    assert values == {k: v for k, v in sandbox.env(proxy=proxy).items() if k in values}
    assert values["PBISETUP_SANDBOX_TENANT"] == sandbox.tenant
    assert values["PBISETUP_SANDBOX_OPERATOR_SECRET"] == sandbox.operator_secret
    assert {"SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS", "PBISETUP_SANDBOX_CA"} <= set(values)
    assert values.get("HTTPS_PROXY") == (sandbox.proxy if proxy else None)
    assert values.get("AZURE_AUTHORITY_HOST") == (None if proxy else sandbox.url)


def test_env_for_powershell_and_an_unknown_shell(sandbox: SandboxTenant) -> None:
    lines = run("env", "--shell", "pwsh", PBISETUP_SANDBOX_URL=sandbox.url).stdout.splitlines()
    assert f"$env:PBISETUP_SANDBOX_URL = '{sandbox.url}'" in lines
    assert run("env", "--shell", "fish", PBISETUP_SANDBOX_URL=sandbox.url).returncode == 2


def test_without_a_running_sandbox(tmp_path: Path) -> None:
    for words in (["env"], ["reset"], ["approve", "ABCDEFGHJ"]):
        done = run(*words, PBISETUP_STATE_DIR=str(tmp_path))
        assert done.returncode == 3
        assert done.stdout == ""
        assert "pbisetup sandbox start" in done.stderr


def test_a_terminal_with_the_address_of_a_sandbox_that_ended(start_sandbox: Start) -> None:
    """After a restart `sandbox env` gives the new one's variables; nothing is done to a tenant that was not meant."""
    old = start_sandbox(name="old").url
    new = start_sandbox(name="new")
    for command in ("env", "reset"):  # the old one runs still: it is meant
        assert run(command, PBISETUP_SANDBOX_URL=old).stderr.count(new.url) == 0
    gone = "https://localhost:9"
    again = run("env", "--shell", "json", PBISETUP_SANDBOX_URL=gone)
    assert again.returncode == 0
    assert json.loads(again.stdout)["PBISETUP_SANDBOX_URL"] == new.url
    assert gone in again.stderr
    assert new.url in again.stderr
    before = new.put_state(lambda state: state["workspaces"].clear())
    for words in (["reset"], ["approve", "ABCDEFGHJ"]):
        refused = run(*words, PBISETUP_SANDBOX_URL=gone)
        assert refused.returncode == 3
        assert gone in refused.stderr
        assert new.url in refused.stderr
    assert new.state()["workspaces"] == before["workspaces"] == []


def test_a_kept_tenant_is_not_lost_to_a_scenario(start_sandbox: Start) -> None:
    first = start_sandbox("--scenario", "automation", name="kept")
    first.put_state(lambda state: state["workspaces"][0].update(displayName="Mine"))
    first.close()
    file = str(first.state_file)
    kept = first.state_file.read_bytes()
    refused = run("start", "--state", file, "--scenario", "locked-down")
    assert refused.returncode == 2
    assert "--replace" in refused.stderr
    assert first.state_file.read_bytes() == kept
    second = start_sandbox(name="kept")
    assert "Mine" in [each["displayName"] for each in second.state()["workspaces"]]
    second.close()
    third = start_sandbox("--scenario", "locked-down", "--replace", name="kept")
    assert third.state()["policies"]["allowedToCreateApps"] is False
    assert third.tenant == first.tenant
    assert run("start", "--replace").returncode == 2


def test_dead_run_files_are_cleaned_away(start_sandbox: Start, tmp_path: Path) -> None:
    tenant = start_sandbox()
    run_files = Path(os.environ["PBISETUP_STATE_DIR"]) / "sandbox" / "run"
    live = next(p for p in run_files.glob("*.json") if json.loads(p.read_text("utf-8"))["url"] == tenant.url)
    if os.name == "posix":
        assert live.stat().st_mode & 0o777 == 0o600
    other = tmp_path / "other"
    (other / "sandbox" / "run").mkdir(parents=True)
    (other / "sandbox" / "run" / "1.json").write_text(live.read_text("utf-8").replace('"pid": ', '"pid": 9'), "utf-8")
    assert run("env", PBISETUP_STATE_DIR=str(other)).returncode == 3
    assert list((other / "sandbox" / "run").iterdir()) == []
    tenant.close()
    if os.name == "posix":  # terminate() gives a Windows process no chance to clean up
        assert not live.exists()


def test_reset_and_approve(sandbox: SandboxTenant) -> None:
    sandbox.put_state(lambda state: state["workspaces"].clear())
    assert run("reset", "--scenario", "developer", PBISETUP_SANDBOX_URL=sandbox.url).returncode == 0
    assert sandbox.state()["auto_approve"] == "developer"
    assert run("reset", "--scenario", "nope", PBISETUP_SANDBOX_URL=sandbox.url).returncode == 2
    sandbox.reset()
    form = {"client_id": AZURE_CLI, "scope": f"{GRAPH}/.default"}
    code = sandbox.http.post(f"/{sandbox.tenant}/oauth2/v2.0/devicecode", data=form).json()
    done = run("approve", code["user_code"], "--user", "developer", PBISETUP_SANDBOX_URL=sandbox.url)
    assert done.returncode == 0, done.stderr
    answer = sandbox.token(grant_type="device_code", client_id=AZURE_CLI, device_code=code["device_code"])
    assert answer.status_code == 200
    wrong = run("approve", "WRONGCODE", PBISETUP_SANDBOX_URL=sandbox.url)
    assert wrong.returncode == 2
    assert "WRONGCODE" in wrong.stderr


def test_start_refuses_what_it_cannot_do(sandbox: SandboxTenant, tmp_path: Path) -> None:
    assert run("start", "--scenario", "nope").returncode == 2
    port = sandbox.url.rsplit(":", 1)[1]
    taken = run("start", "--port", port)
    assert taken.returncode == 2
    assert f"port {port}" in taken.stderr
    broken = tmp_path / "state.json"
    broken.write_text("not json", encoding="utf-8")
    refused = run("start", "--state", str(broken))
    assert refused.returncode == 2
    assert "not the state of a sandbox" in refused.stderr
    assert "Traceback" not in refused.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="sends POSIX signals")
@pytest.mark.parametrize("number", ["SIGINT", "SIGTERM"])
def test_signals_end_it_with_exit_code_0(start_sandbox: Start, number: str) -> None:
    tenant = start_sandbox()
    tenant.process.send_signal(getattr(signal, number))
    assert tenant.process.wait(10) == 0
    assert tenant.stderr() == ""


def test_options_are_the_weather(start_sandbox: Start) -> None:
    tenant = start_sandbox("--latency", "5", "--replication-lag", "2", "--scenario", "locked-down", state=False)
    assert tenant.state()["weather"] == {"replication_lag_seconds": 2.0, "latency_ms": 5.0}
    assert tenant.state()["policies"]["allowedToCreateApps"] is False
