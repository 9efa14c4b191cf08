"""The embedded tenant: a sandbox as a child process that ends with its parent and keeps its state per
project.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import queue
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from types import TracebackType
from typing import IO

from pbisetup.sandbox.paths import state_dir
from pbisetup.sandbox.runfile import Running, find_running
from pbisetup.sandbox.statefile import WAIT_SECONDS

START_SECONDS = WAIT_SECONDS + 20
END_SECONDS = 10


class EmbeddedStartError(Exception):
    """The child did not start; the text holds what it said."""


class EmbeddedTenant:
    """A sandbox that runs inside a `with` block; entering yields its `Running`.

    `project`: the folder whose tenant it is; the same folder finds its state again. None, or a `scenario`: a
    throw-away tenant. Its users' device codes are approved as `admin` unless the scenario names another.
    Raises EmbeddedStartError.
    """

    def __init__(self, project: Path | None = None, *, scenario: str | None = None) -> None:
        self._state = None if project is None or scenario else project_state(project)
        self._scenario = scenario
        self._child: subprocess.Popen[str] | None = None
        self._errors: IO[str] | None = None

    def __enter__(self) -> Running:
        command = [sys.executable, "-m", "pbisetup", "sandbox", "start", "--embedded"]
        if self._state:
            command += ["--state", str(self._state)]
        if self._scenario:
            command += ["--scenario", self._scenario]
        # A file, not a pipe: nobody has to read it while the child runs.
        self._errors = tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")
        self._child = _start(command, self._errors)
        try:
            url = _ready_url(self._child, self._errors)
            running = find_running(url)
            if running is None:
                raise EmbeddedStartError(f"the sandbox at {url} left no run file in {state_dir()}")
        except BaseException:
            self._end()
            raise
        return running

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def _end(self) -> None:
        """Close the child's input, which tells it to save and end; kill it only if it does not."""
        child, self._child = self._child, None
        if child is not None:
            for pipe in (child.stdin, child.stdout):
                if pipe:
                    with contextlib.suppress(OSError):
                        pipe.close()
            try:
                child.wait(END_SECONDS)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
        if self._errors:
            self._errors.close()
            self._errors = None


def _ready_url(child: subprocess.Popen[str], errors: IO[str]) -> str:
    lines: queue.Queue[str] = queue.Queue()
    threading.Thread(target=lambda: lines.put(child.stdout.readline() if child.stdout else ""), daemon=True).start()
    try:
        line = lines.get(timeout=START_SECONDS)
    except queue.Empty:
        raise EmbeddedStartError(f"the sandbox was not ready after {START_SECONDS:.0f} s") from None
    words = line.split()
    if words[:1] == ["ready"]:
        return words[1]
    with contextlib.suppress(subprocess.TimeoutExpired):
        child.wait(END_SECONDS)
    errors.seek(0)
    said = "\n".join(errors.read().strip().splitlines()[-20:])
    raise EmbeddedStartError(f"the sandbox did not start: {said or 'it said nothing'}")


def project_state(project: Path) -> Path:
    """The state file of a project folder's own tenant."""
    key = hashlib.sha256(os.path.normcase(project.resolve()).encode()).hexdigest()[:16]
    return state_dir() / "projects" / f"{key}.json"


def _start(command: list[str], errors: IO[str]) -> subprocess.Popen[str]:
    # A group of its own: Ctrl-C in the terminal reaches the parent alone, which may still need the tenant to
    # clean up.
    if sys.platform == "win32":
        return subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            encoding="utf-8",
            creationflags=subprocess.CREATE_NEW_PROCESS_GROUP,
        )
    return subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=errors,
        text=True,
        encoding="utf-8",
        start_new_session=True,
    )
