"""What the stand-ins for other people's programs share: state in a file, a log of every run, and failures on demand.

The state's `rules` bend runs: `{"match": "secret set", "skip": n, "times": n, "when": "before|after", "do": ...}`, where
`do` is `{"kill": true}` (the program that called is killed, as by a power cut), `{"hang": true}`, or
`{"err": text, "code": n}`.
"""

from __future__ import annotations

import json
import os
import signal
import stat
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn


class StandIn:
    """One run of the program."""

    def __init__(self, program: str) -> None:
        self._folder = Path(os.environ["STAND_IN"]) / program
        self.arguments = sys.argv[1:]
        self.state = json.loads((self._folder / "state.json").read_text())
        with (self._folder / "log").open("a") as log:
            log.write(json.dumps({"argv": self.arguments, "env": sorted(os.environ)}) + "\n")

    def save(self) -> None:
        temporary = self._folder / f"state.{os.getpid()}"
        temporary.write_text(json.dumps(self.state))
        temporary.replace(self._folder / "state.json")

    def bend(self, when: str) -> None:
        """Do what a rule says for this run, at this moment."""
        words = " ".join(each for each in self.arguments if not each.startswith("-"))
        for rule in self.state.get("rules", []):
            if rule["match"] not in words or rule.get("when", "before") != when:
                continue
            if rule.get("skip", 0):
                rule["skip"] -= 1
                self.save()
                continue
            if rule.get("times") == 0:
                continue
            if "times" in rule:
                rule["times"] -= 1
                self.save()
            do = rule["do"]
            if do.get("kill"):
                os.kill(os.getppid(), signal.SIGKILL)
                sys.exit(1)
            if do.get("hang"):
                time.sleep(60)
            fail(do["err"], do.get("code", 1))

    def run(self, work: Callable[[], None]) -> None:
        self.bend("before")
        work()
        self.save()
        self.bend("after")


def fail(text: str, code: int = 1) -> NoReturn:
    print(text, file=sys.stderr)
    sys.exit(code)


class Installed:
    """The test's side: the program on a PATH, its state and its log."""

    def __init__(self, folder: Path, program: str, script: str, state: dict[str, Any]) -> None:
        self._folder, self.bin = folder / program, folder / "bin"
        self._folder.mkdir(parents=True)
        self.bin.mkdir(exist_ok=True)
        self.home = folder
        self.state = state
        executable = self.bin / program
        executable.write_text(f'#!/bin/sh\nexec "{sys.executable}" -S -E "{Path(__file__).with_name(script)}" "$@"\n')
        executable.chmod(executable.stat().st_mode | stat.S_IXUSR)

    @property
    def environment(self) -> dict[str, str]:
        return {"STAND_IN": str(self.home), "PATH": f"{self.bin}{os.pathsep}{os.environ['PATH']}"}

    @property
    def state(self) -> Any:
        return json.loads((self._folder / "state.json").read_text())

    @state.setter
    def state(self, state: dict[str, Any]) -> None:
        (self._folder / "state.json").write_text(json.dumps(state))

    def change(self, **values: Any) -> None:
        self.state = {**self.state, **values}

    def rule(self, match: str, **rule: Any) -> None:
        self.change(rules=[*self.state.get("rules", []), {"match": match, **rule}])

    @property
    def runs(self) -> list[dict[str, Any]]:
        log = self._folder / "log"
        return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []

    def forget_runs(self) -> None:
        (self._folder / "log").unlink(missing_ok=True)

    @property
    def seen(self) -> str:
        """All arguments of all runs, and everything that the program's folder says of them."""
        return (self._folder / "log").read_text()
