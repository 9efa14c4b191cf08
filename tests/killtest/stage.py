"""Where one worker plays: a tenant of its own, a folder, a home, and the command line that can be killed."""

from __future__ import annotations

import copy
import shutil
import time
from pathlib import Path
from typing import Any

from tests.killtest.keepers import Keepers, Saved
from tests.killtest.runs import Run, Runner
from tests.killtest.scenes import ENVIRONMENT, SCENES, State, before_all, emptied, manifest
from tests.support.tenant import SandboxTenant


class Stage:
    """Close it, or use it in a `with` block."""

    def __init__(self, folder: Path, *, plain: bool = False) -> None:
        self.folder = folder / "project"
        self.home = folder / "home"
        self._starts = folder / "starts"
        self.keepers = Keepers(folder / "keepers")
        self.tenant = SandboxTenant(folder / "sandbox", state=False)
        self.runner = Runner(folder / "logs", plain=plain)
        self._env = {**self.tenant.env(), "HOME": str(self.home), "PBISETUP_STATE_DIR": str(self.home / "state")}
        self.env = dict(self._env)
        """What every run of the scene that is set finds."""
        self.secrets = (self.tenant.operator_secret, self.tenant.password, self.tenant.app_secret)
        self.before: State = {}
        """The tenant as it was before the command."""
        self.text = ""
        """The manifest as it was before the command; empty where there was none."""
        self.runs: list[Run] = []
        """Every run since the last `reset`."""
        self.printed = ""
        """What the run that prepared the scene printed."""
        self.elsewhere: dict[str, Any] = {}
        """What the stores kept beside ours before the command."""
        self._kept: dict[tuple[str, str, str], tuple[State, Saved, str]] = {}

    def __enter__(self) -> Stage:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self.runner.close()
        self.tenant.close()

    def reset(self, command: str, kind: str, store: str) -> None:
        """Everything as it is before the command."""
        key = (command, kind, store)
        if key not in self._kept:
            self._prepare(*key)
        self._clear()
        for name, place in (("project", self.folder), ("home", self.home)):
            shutil.copytree(self._starts / "-".join(key) / name, place, dirs_exist_ok=True)
        before, keepers, self.printed = self._kept[key]
        self.keepers.load(keepers)
        self.elsewhere = self.keepers.beside(store)
        self.before = copy.deepcopy(before)
        self.tenant.put_state(self.before)
        self._surround(kind, store)
        self.before = self.tenant.state()
        path = self.folder / "pbisetup.toml"
        self.text = path.read_text(encoding="utf-8") if path.exists() else ""
        self.tenant.clear_requests()
        self.runs = []

    def _clear(self) -> None:
        for folder in (self.folder, self.home):
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
        self.tenant.reset()
        self.keepers.clear()

    def _surround(self, kind: str, store: str) -> None:
        self.env = {**self._env, **self.keepers.env(kind, store)}
        if kind == "federated":
            self.keepers.assertion(self.tenant)

    def _prepare(self, command: str, kind: str, store: str) -> None:
        scene = SCENES[command]
        self._clear()
        self.tenant.put_state(before_all)
        self._surround(kind, store)
        printed = ""
        if not scene.writes_manifest:
            (self.folder / "pbisetup.toml").write_text(manifest(kind, store), encoding="utf-8")
        if scene.applied:
            run = self.run("apply", "--yes", "--wait", "0")
            assert run.code == 0, run
            printed = run.out
            self.tenant.put_state(scene.later)
            if scene.loses_store:
                (self.folder / f".env.{ENVIRONMENT}").unlink(missing_ok=True)
                self.keepers.clear()
                self.tenant.put_state(emptied)
        self._kept[command, kind, store] = self.tenant.state(), self.keepers.save(), printed
        start = self._starts / f"{command}-{kind}-{store}"
        shutil.copytree(self.folder, start / "project")
        shutil.copytree(self.home, start / "home")

    @property
    def outs(self) -> list[str]:
        """All that was printed, from the run that prepared the scene on."""
        return [self.printed, *(run.out for run in self.runs)]

    def start(self, *argv: str, env: dict[str, str] | None = None, **more: Any) -> Run:
        """Start the command line in the folder."""
        run = self.runner.start(self.folder, {**self.env, **(env or {})}, *argv, **more)
        self.runs.append(run)
        return run

    def run(self, *argv: str, **more: Any) -> Run:
        """Run it to its end."""
        run = self.start(*argv, **more)
        run.wait()
        return run

    def under_way(self, run: Run, number: int, stage: str) -> bool:
        """Wait until the request of this number is held in this stage; False where the run ended without it."""
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            over = run.ended.is_set()
            requests = self.tenant.requests()
            if len(requests) > number and requests[number]["stage"] == stage:
                return True
            if over:
                return False
            run.ended.wait(0.01)
        raise TimeoutError(f"request {number} was never {stage}:\n{run}")
