"""Runs of the command line that can be killed: forked from a zygote, or plain processes."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

LEARNING = 40
"""Runs whose imports the zygote learns."""
LIMIT = 240.0
"""Seconds after which a run hangs."""


@dataclass
class Run:
    """A process of the command line."""

    pid: int
    argv: tuple[str, ...]
    out_path: Path
    err_path: Path
    started: threading.Event = field(default_factory=threading.Event)
    ended: threading.Event = field(default_factory=threading.Event)
    code: int | None = None
    """The exit code; -9 where it was killed."""

    @property
    def out(self) -> str:
        return self.out_path.read_text(encoding="utf-8", errors="replace")

    @property
    def err(self) -> str:
        return self.err_path.read_text(encoding="utf-8", errors="replace")

    def kill(self) -> None:
        """`kill -9`."""
        os.kill(self.pid, signal.SIGKILL)

    def wait(self, seconds: float = LIMIT) -> int:
        """The exit code. Raises TimeoutError for one that hangs, which is killed."""
        if not self.ended.wait(seconds):
            self.kill()
            self.ended.wait(10)
            raise TimeoutError(f"`pbisetup {' '.join(self.argv)}` did not end in {seconds:.0f} s:\n{self.err}")
        assert self.code is not None
        return self.code

    def __str__(self) -> str:
        return f"$ pbisetup {' '.join(self.argv)}\nexit {self.code}\n--- stdout\n{self.out}--- stderr\n{self.err}"


class Runner:
    """Starts runs. Close it, or use it in a `with` block."""

    def __init__(self, logs: Path, *, plain: bool = False) -> None:
        self._logs, self._plain, self._count = logs, plain, 0
        logs.mkdir(parents=True, exist_ok=True)
        self._modules = logs / "modules.json"
        self._known: set[str] = set()
        """Modules that the zygote has imported."""
        self._starting: queue.Queue[Run] = queue.Queue()
        self._turn = threading.Lock()
        self._zygote: subprocess.Popen[bytes] | None = None
        if not plain:
            self._zygote = subprocess.Popen(
                [sys.executable, "-m", "tests.killtest.zygote"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                cwd=Path(__file__).parents[2],
            )
            threading.Thread(target=self._listen, args=(self._zygote,), daemon=True).start()

    def __enter__(self) -> Runner:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        if self._zygote is not None:
            assert self._zygote.stdin is not None
            self._zygote.stdin.close()
            self._zygote.wait(20)

    def start(self, folder: Path, env: dict[str, str], *argv: str, **more: Any) -> Run:
        """Start it. `more`: what `zygote.become` takes besides."""
        with self._turn:
            self._count += 1
            run = Run(0, argv, self._logs / f"{self._count}.out", self._logs / f"{self._count}.err")
            for path in (run.out_path, run.err_path):
                path.write_text("")
            job = {
                "argv": argv,
                "cwd": str(folder),
                "env": env,
                "out": str(run.out_path),
                "err": str(run.err_path),
                **more,
            }
            if self._zygote is None:
                self._start_plain(run, job)
            else:
                self._start_forked(run, job)
        return run

    def _start_plain(self, run: Run, job: dict[str, Any]) -> None:
        command = [sys.executable, "-m", "tests.killtest.zygote", json.dumps({**job, "env": {}})]
        paths = os.pathsep.join((str(Path(__file__).parents[2]), *filter(None, sys.path)))
        env = {**job["env"], "PYTHONPATH": paths}
        command[-1] = json.dumps({**job, "env": env})
        process = subprocess.Popen(command, cwd=job["cwd"], env=env)
        run.pid = process.pid

        def wait() -> None:
            run.code = process.wait()
            run.ended.set()

        threading.Thread(target=wait, daemon=True).start()

    def _start_forked(self, run: Run, job: dict[str, Any]) -> None:
        self._grow()
        self._starting.put(run)
        self._say({**job, "modules": str(self._modules)} if self._count <= LEARNING else job)
        if not run.started.wait(60):
            raise TimeoutError("the zygote does not answer")

    def _grow(self) -> None:
        """Have the zygote import what an earlier run has imported: commands do not need the same."""
        try:
            names = json.loads(self._modules.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return
        if new := [name for name in names if name not in self._known]:
            self._known.update(new)
            self._say({"warm": new})

    def _say(self, job: dict[str, Any]) -> None:
        assert self._zygote is not None
        assert self._zygote.stdin is not None
        self._zygote.stdin.write(json.dumps(job).encode() + b"\n")
        self._zygote.stdin.flush()

    def _listen(self, zygote: subprocess.Popen[bytes]) -> None:
        assert zygote.stdout is not None
        runs: dict[int, Run] = {}
        for line in zygote.stdout:
            said = json.loads(line)
            if "started" in said:
                run = runs[said["started"]] = self._starting.get()
                run.pid = said["started"]
                run.started.set()
            else:
                run = runs.pop(said["pid"])
                run.code = said["code"]
                run.ended.set()
