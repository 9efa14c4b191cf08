"""Points at which a command is stopped, and what became of it."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass
from typing import Literal, get_args

from tests.killtest.judge import judge, replaced, works
from tests.killtest.scenes import SCENES
from tests.killtest.stage import Stage

Mode = Literal["cut-before", "cut-after", "kill-before", "kill-after", "kill-disk", "kill-twice"]
MODES: tuple[Mode, ...] = get_args(Mode)
RUNS = 3
"""How often the command may be run, beside the one that is killed."""
HELD = 120_000
"""Milliseconds for which a request is held; the process is killed long before."""


@dataclass(frozen=True)
class Series:
    """The points of one command with one credential."""

    command: str
    kind: str
    store: str
    requests: tuple[tuple[str, str], ...]
    """(method, path) of each request of a run that nothing happens to."""
    changes: tuple[str, ...]
    """Changes on disk of that run."""

    def points(self, mode: Mode, *, writes: bool = False) -> list[int]:
        """Numbers of all points of this mode; `writes`: only where something is changed."""
        if mode == "kill-disk":
            return list(range(len(self.changes)))
        return [
            number
            for number, (method, path) in enumerate(self.requests)
            if not writes or (method != "GET" and "/oauth2/" not in path)
        ]

    def what(self, mode: Mode, number: int) -> str:
        """What happens there."""
        return self.changes[number] if mode == "kill-disk" else " ".join(self.requests[number])


@dataclass(frozen=True)
class Outcome:
    """What became of the command that was stopped at one point."""

    series: Series
    mode: Mode
    point: int
    runs: int
    """How many runs it took in all, the stopped one among them; 0: it did not come about."""
    reached: bool
    problems: tuple[str, ...]
    seconds: float

    @property
    def repeat(self) -> str:
        """The arguments that play it again."""
        s = self.series
        return f"--command {s.command} --kind {s.kind} --store {s.store} --mode {self.mode} --points ={self.point}"


def series(stage: Stage, command: str, kind: str, store: str) -> Series:
    """Number the points by one run that nothing happens to, which must be right itself."""
    stage.reset(command, kind, store)
    log = stage.home / "disk.log"
    run = stage.run(*SCENES[command].argv, disk=_folders(stage), disk_log=str(log))
    changes = tuple(log.read_text(encoding="utf-8").splitlines()) if log.exists() else ()
    requests = tuple((each["method"], each["path"]) for each in stage.tenant.requests())
    log.unlink(missing_ok=True)
    wrong = [] if run.code == 0 else [f"exit {run.code}"]
    wrong += judge(stage, kind, store, leaves_old=SCENES[command].leaves_old)
    if wrong:
        raise AssertionError(f"undisturbed, `{command}` goes wrong already: {wrong}\n{run}")
    return Series(command, kind, store, requests, changes)


def play(stage: Stage, of: Series, mode: Mode, point: int) -> Outcome:
    """Stop the command at this point, run it again, and judge."""
    begun = time.monotonic()
    stage.reset(of.command, of.kind, of.store)
    problems: list[str] = []
    runs, reached = 0, True
    try:
        reached = _disturb(stage, of, mode, point)
        if SCENES[of.command].rotates:
            problems += [f"in between: {each}" for each in works(stage, of.kind, of.store)]
        stage.tenant.faults()
        runs = len(stage.runs)
        while stage.runs[-1].code != 0 and len(stage.runs) < runs + RUNS:
            stage.run(*SCENES[of.command].argv)
        runs = len(stage.runs)
        if stage.runs[-1].code != 0:
            problems.append(f"not done after {runs} runs:\n{stage.runs[-1]}")
            runs = 0
        if SCENES[of.command].rotates and not replaced(stage, of.kind, of.store):
            problems.append("the store holds the credential that it held before")
        problems += judge(stage, of.kind, of.store, leaves_old=SCENES[of.command].leaves_old)
    except TimeoutError as error:
        problems.append(str(error))
    finally:
        stage.tenant.faults()
    return Outcome(of, mode, point, runs, reached, tuple(problems), time.monotonic() - begun)


def _disturb(stage: Stage, of: Series, mode: Mode, point: int) -> bool:
    """The run that is stopped, to its end; False where it did not come to the point."""
    argv = SCENES[of.command].argv
    if mode == "kill-disk":
        return stage.run(*argv, disk=_folders(stage), kill_at=point).code == -9
    if mode == "kill-twice":
        if not _killed(stage, argv, point, "after"):
            return False
        # What the second run does depends on where the first was killed: any of its requests, the same each time.
        draw = random.Random(f"{of.command} {point}")  # noqa: S311 - a sample
        stage.tenant.clear_requests()
        return _killed(stage, argv, draw.randrange(len(of.requests)), draw.choice(("before", "after")))
    what, where = mode.split("-")
    if what == "kill":
        return _killed(stage, argv, point, where)
    stage.tenant.faults({"skip": point, "times": 1, "drop": where})
    stage.run(*argv)
    return any(each["stage"] == "cut" for each in stage.tenant.requests())


def _killed(stage: Stage, argv: tuple[str, ...], point: int, where: str) -> bool:
    """Run until this request is held, and kill it there; False where the run ended by itself."""
    stage.tenant.faults({"skip": point, "times": 1, "drop": where, "delay_ms": HELD, "delay_at": where})
    run = stage.start(*argv)
    held = stage.under_way(run, point, "waiting" if where == "before" else "done")
    if held:
        run.kill()
    run.wait()
    return held


def _folders(stage: Stage) -> list[str]:
    return [str(stage.folder), str(stage.home)]
