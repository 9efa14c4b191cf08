"""The real command line as a process, for tests: what it printed, where, and how it ended."""

from __future__ import annotations

import atexit
import itertools
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from tests.killtest.runs import Runner


@dataclass(frozen=True)
class Ran:
    """A finished run."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """What it printed on standard output, as JSON."""
        return json.loads(self.out)

    def __str__(self) -> str:
        return f"exit {self.code}\n--- stdout\n{self.out}\n--- stderr\n{self.err}"


class Cli:
    """`pbisetup` in a folder of its own, with an environment of its own.

    Each run is a process of its own, forked from one that has its imports already; `plain` starts an interpreter for each,
    as people do, for tests of what that costs or shows.
    """

    def __init__(self, folder: Path, env: dict[str, str] | None = None, *, plain: bool = False) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.env = dict(env if env is not None else os.environ)
        self.plain = plain

    def __call__(self, *arguments: str, stdin: str | bytes = "", env: dict[str, str] | None = None) -> Ran:
        """Run it to its end. No terminal; a traceback is a failure of the test, whatever the command."""
        data = stdin.encode() if isinstance(stdin, str) else stdin
        whole = {**self.env, **(env or {})}
        run = self._started if self.plain or _starts_otherwise(whole) else self._forked
        code, out, err = run(arguments, data, whole)
        ran = Ran(code, out.decode("utf-8", "replace"), err.decode("utf-8", "replace"))
        assert "Traceback" not in ran.err, ran
        assert "PBI999" not in ran.err, ran
        return ran

    def _started(self, arguments: tuple[str, ...], data: bytes, env: dict[str, str]) -> tuple[int, bytes, bytes]:
        done = subprocess.run(
            [sys.executable, "-m", "pbisetup", *arguments],
            cwd=self.folder,
            env=env,
            input=data,
            capture_output=True,
            timeout=120,
            check=False,
        )
        return done.returncode, done.stdout, done.stderr

    def _forked(self, arguments: tuple[str, ...], data: bytes, env: dict[str, str]) -> tuple[int, bytes, bytes]:
        place, runner = _runner()
        given = place / f"{next(_NUMBERS)}.in"
        given.write_bytes(data)
        run = runner.start(self.folder, env, *arguments, **{"in": str(given)})
        code = run.wait(120)
        out, err = run.out_path.read_bytes(), run.err_path.read_bytes()
        for path in (given, run.out_path, run.err_path):
            path.unlink()
        return code, out, err

    def ok(self, *arguments: str, **more: Any) -> Ran:
        """Run it and expect success."""
        ran = self(*arguments, **more)
        assert ran.code == 0, ran
        return ran

    def stored(self, environment: str = "dev") -> dict[str, str]:
        """The variables in `.env.<environment>`."""
        lines = (self.folder / f".env.{environment}").read_text(encoding="utf-8").splitlines()
        return dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))


_NUMBERS = itertools.count()


@cache
def _runner() -> tuple[Path, Runner]:
    """The one of this test process, and where its files lie."""
    place = tempfile.TemporaryDirectory(prefix="pbisetup-runs-")
    runner = Runner(Path(place.name))
    atexit.register(lambda: (runner.close(), place.cleanup()))
    return Path(place.name), runner


def _starts_otherwise(env: dict[str, str]) -> bool:
    """Whether an interpreter has to be started: none can be forked, or the environment says how it is to be started."""
    if sys.platform == "win32":
        return True
    names = {name for name in (*env, *os.environ) if name.startswith(("PYTHON", "LANG", "LC_"))}
    names.discard("PYTHON_KEYRING_BACKEND")  # read when a keyring is asked for
    return any(env.get(name) != os.environ.get(name) for name in names)
