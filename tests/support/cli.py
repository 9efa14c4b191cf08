"""The real command line as a process, for tests: what it printed, where, and how it ended."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any


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
    """`pbisetup` in a folder of its own, with an environment of its own."""

    def __init__(self, folder: Path, env: dict[str, str] | None = None) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.env = dict(env if env is not None else os.environ)

    def __call__(self, *arguments: str, stdin: str | bytes = "", env: dict[str, str] | None = None) -> Ran:
        """Run it to its end. No terminal; a traceback is a failure of the test, whatever the command."""
        data = stdin.encode() if isinstance(stdin, str) else stdin
        done = subprocess.run(
            [sys.executable, "-m", "pbisetup", *arguments],
            cwd=self.folder,
            env={**self.env, **(env or {})},
            input=data,
            capture_output=True,
            timeout=120,
            check=False,
        )
        ran = Ran(done.returncode, done.stdout.decode("utf-8", "replace"), done.stderr.decode("utf-8", "replace"))
        assert "Traceback" not in ran.err, ran
        assert "PBI999" not in ran.err, ran
        return ran

    def ok(self, *arguments: str, **more: Any) -> Ran:
        """Run it and expect success."""
        ran = self(*arguments, **more)
        assert ran.code == 0, ran
        return ran

    def stored(self, environment: str = "dev") -> dict[str, str]:
        """The variables in `.env.<environment>`."""
        lines = (self.folder / f".env.{environment}").read_text(encoding="utf-8").splitlines()
        return dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))
