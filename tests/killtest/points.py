"""Points at which a command is stopped, and what became of it."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass
from typing import Literal, get_args

from tests.killtest.judge import judge, replaced, works
from tests.killtest.scenes import SCENES
from tests.killtest.stage import Stage

Mode = Literal[
    "cut-before",
    "cut-after",
    "kill-before",
    "kill-after",
    "kill-disk",
    "kill-twice",
    "kill-tool",
    "cut-tool",
    "lost-tool",
]
MODES: tuple[Mode, ...] = get_args(Mode)
TOOLS: tuple[Mode, ...] = ("kill-tool", "cut-tool", "lost-tool")
"""Where another program is run that keeps the credential: two points for each of its runs, before its effect and after."""
CUT = "read: connection reset by peer"
WHEN = ("before", "after")
CHANGING = {"set", "create", "update", "delete"}
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
    tools: tuple[str, ...] = ()
    """Runs of the program that keeps the credential."""

    def points(self, mode: Mode, *, writes: bool = False) -> list[int]:
        """Numbers of all points of this mode; `writes`: only where something is changed."""
        if mode == "kill-disk":
            return list(range(len(self.changes)))
        if mode in TOOLS:
            changing = [not writes or bool(CHANGING & set(run.split())) for run in self.tools]
            return [number for number in range(2 * len(self.tools)) if changing[number // 2]]
        return [
            number
            for number, (method, path) in enumerate(self.requests)
            if not writes or (method != "GET" and "/oauth2/" not in path)
        ]

    def what(self, mode: Mode, number: int) -> str:
        """What happens there."""
        if mode in TOOLS:
            return f"{self.tools[number // 2]} ({WHEN[number % 2]})"
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
    def what(self) -> str:
        """What happened there."""
        return "no point: undisturbed" if self.point < 0 else self.series.what(self.mode, self.point)

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
    tool = stage.keepers.program(store)
    tools = tuple(" ".join(each["argv"]) for each in tool.runs) if tool else ()
    log.unlink(missing_ok=True)
    wrong = [] if run.code == 0 else [f"exit {run.code}"]
    wrong += judge(stage, kind, store, leaves_old=SCENES[command].leaves_old)
    if wrong:
        raise AssertionError(f"undisturbed, `{command}` goes wrong already: {wrong}\n{run}")
    return Series(command, kind, store, requests, changes, tools)


def play(stage: Stage, of: Series, mode: Mode, point: int) -> Outcome:
    """Stop the command at this point, run it again, and judge."""
    begun = time.monotonic()
    stage.reset(of.command, of.kind, of.store)
    problems: list[str] = []
    runs, reached = 0, True
    try:
        reached = _disturb(stage, of, mode, point)
        problems += _between(stage, of)
        stage.tenant.faults()
        if (tool := stage.keepers.program(of.store)) is not None:
            tool.change(rules=[])
        runs = len(stage.runs)
        while stage.runs[-1].code != 0 and len(stage.runs) < runs + RUNS:
            stage.run(*SCENES[of.command].argv)
            problems += _between(stage, of)
        runs = len(stage.runs)
        if stage.runs[-1].code != 0:
            problems.append(f"not done after {runs} runs:\n{stage.runs[-1]}")
            runs = 0
        if SCENES[of.command].rotates and not replaced(stage, of.kind, of.store):
            problems.append("the store holds the credential that it held before")
        # A program that cannot be asked ends the run, with its reason.
        may_fail = mode in ("cut-tool", "lost-tool")
        problems += judge(stage, of.kind, of.store, leaves_old=SCENES[of.command].leaves_old, may_fail=may_fail)
    except TimeoutError as error:
        problems.append(str(error))
    finally:
        stage.tenant.faults()
    return Outcome(of, mode, point, runs, reached, tuple(problems), time.monotonic() - begun)


def _between(stage: Stage, of: Series) -> list[str]:
    """What is wrong at this moment, where there was a credential in the store before."""
    if not SCENES[of.command].rotates:
        return []
    return [f"in between, after run {len(stage.runs)}: {each}" for each in works(stage, of.kind, of.store)]


def _disturb(stage: Stage, of: Series, mode: Mode, point: int) -> bool:
    """The run that is stopped, to its end; False where it did not come to the point."""
    argv = SCENES[of.command].argv
    if mode == "kill-disk":
        return stage.run(*argv, disk=_folders(stage), kill_at=point).code == -9
    if mode in TOOLS:
        tool = stage.keepers.program(of.store)
        assert tool is not None
        do = {"kill": True} if mode == "kill-tool" else {"err": CUT}
        times = 3 if mode == "lost-tool" else 1
        tool.rule("", skip=point // 2, times=times, when=WHEN[point % 2], do=do)
        code = stage.run(*argv).code
        return code == -9 if mode == "kill-tool" else len(tool.runs) > point // 2
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
    return [str(stage.folder), str(stage.home), str(stage.keepers.ring.parent)]
