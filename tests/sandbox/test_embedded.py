"""The embedded tenant: a child that ends with its parent, and keeps its state per project."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import pytest

from pbisetup.sandbox.embedded import EmbeddedStartError, EmbeddedTenant, project_state
from pbisetup.sandbox.runfile import Running, find_running, live_runs


def ask_for_code(running: Running) -> dict[str, object]:
    import json
    import ssl
    import urllib.request

    request = urllib.request.Request(
        f"{running.url}/{running.tenant}/oauth2/v2.0/devicecode",
        data=b"client_id=04b07795-8ddb-461a-bbee-02f9e1bf7b46&scope=User.Read",
    )
    context = ssl.create_default_context(cafile=running.ca)
    with urllib.request.urlopen(request, context=context) as answer:
        return dict(json.loads(answer.read()))


def test_it_runs_inside_the_block_and_not_after_it(tmp_path: Path) -> None:
    with EmbeddedTenant(tmp_path) as running:
        assert running.is_live()
        assert find_running(running.url) == running
        assert running.control("GET", "/_sandbox/state")["auto_approve"] == "admin"
        assert ask_for_code(running)["user_code"]
    assert not running.is_live()
    assert find_running(running.url) is None


def test_a_project_finds_its_tenant_again_and_another_does_not(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    with EmbeddedTenant(tmp_path) as first:
        state = first.control("GET", "/_sandbox/state")
        state["tenant"]["displayName"] = "Mine"
        first.control("PUT", "/_sandbox/state", state)
    with EmbeddedTenant(tmp_path) as second:
        assert second.tenant == first.tenant
        assert second.control("GET", "/_sandbox/state")["tenant"]["displayName"] == "Mine"
        with EmbeddedTenant(tmp_path / "other") as other:
            assert other.tenant != first.tenant


def test_a_scenario_is_a_throw_away_tenant(tmp_path: Path) -> None:
    with EmbeddedTenant(tmp_path, scenario="locked-down") as running:
        assert running.state_file is None
        assert running.control("GET", "/_sandbox/state")["auto_approve"] == "developer"
    assert not project_state(tmp_path).exists()


def test_a_second_one_waits_for_the_first_to_end(tmp_path: Path) -> None:
    first = EmbeddedTenant(tmp_path)
    running = first.__enter__()
    timer = threading.Timer(0.6, first.__exit__, (None, None, None))
    timer.start()
    with EmbeddedTenant(tmp_path) as second:
        assert second.pid != running.pid
        assert not running.is_live()
    timer.join()


def test_a_start_that_fails_says_why(tmp_path: Path) -> None:
    state = project_state(tmp_path)
    state.parent.mkdir(parents=True, exist_ok=True)
    state.write_text("{}", encoding="utf-8")
    with pytest.raises(EmbeddedStartError, match="is not the state of a sandbox"), EmbeddedTenant(tmp_path):
        pass
    state.unlink()


PARENT = """
    import os, sys, time
    from pathlib import Path
    from pbisetup.sandbox.embedded import EmbeddedTenant
    with EmbeddedTenant(Path(sys.argv[1])) as running:
        state = running.control("GET", "/_sandbox/state")
        state["tenant"]["displayName"] = "Saved at the end"
        running.control("PUT", "/_sandbox/state", state)
        print(running.url, flush=True)
        {then}
"""


def test_the_child_saves_and_ends_when_its_parent_dies(tmp_path: Path) -> None:
    code = textwrap.dedent(PARENT).replace("{then}", "os._exit(9)")
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 9
    deadline = time.monotonic() + 10
    while any(running.url == done.stdout.strip() for running in live_runs()):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert "Saved at the end" in project_state(tmp_path).read_text(encoding="utf-8")


@pytest.mark.skipif(sys.platform == "win32", reason="sends a signal to a process group")
def test_ctrl_c_of_the_parent_leaves_the_child_until_the_parent_is_done(tmp_path: Path) -> None:
    then = """
        try:
            print("waiting", flush=True)
            time.sleep(30)
        except KeyboardInterrupt:
            print("still" if running.is_live() else "gone", flush=True)
    """
    code = textwrap.dedent(PARENT).replace("    {then}\n", textwrap.indent(textwrap.dedent(then), "    "))
    parent = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    assert parent.stdout is not None
    assert parent.stdout.readline().startswith("https://")
    assert parent.stdout.readline() == "waiting\n"
    os.killpg(parent.pid, signal.SIGINT)
    assert parent.stdout.readline().strip() == "still"
    assert parent.wait(15) == 0
    parent.stdout.close()


def test_no_secret_stands_in_a_command_line(tmp_path: Path) -> None:
    psutil = pytest.importorskip("psutil")
    with EmbeddedTenant(tmp_path) as running:
        words = " ".join(psutil.Process(running.pid).cmdline())
        assert running.operator_secret not in words
        assert running.password not in words
        assert running.operator_secret not in repr(running)
