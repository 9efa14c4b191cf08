"""Stories of bad weather: what a service, a network, a disk or a colleague can do to `apply`.

Each story converges, or stops with a clear reason (an exit code that says so, and a code of ours); once the weather is over
the command is run again, and then everything must be right. At no moment are there two apps, or a foreign credential gone.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tests.killtest.held import env_file
from tests.killtest.judge import judge, outputs, things
from tests.killtest.runs import Run
from tests.killtest.scenes import ENVIRONMENT, SCENES, foreign_credentials
from tests.killtest.stage import Stage

MORE_RUNS = 3
ROW: Final = ("again", "secret", "env-file")
"""What most stories befall: `apply` on an app that has credentials of others, too."""
NOTHING: Final = ("apply", "secret", "env-file")
"""`apply` where nothing is there yet."""
CALM: Final = 120
"""Seconds after which what was on its way has arrived."""
CODE = re.compile(r"PBI\d{3}")
LAGS: Final = (
    "replication_lag_seconds",
    "tenant_setting_seconds",
    "group_membership_seconds",
    "workspace_role_seconds",
)


class Skipped(Exception):
    """This machine cannot play the story; the text says why."""


@dataclass(frozen=True)
class Told:
    """How a story ended."""

    name: str
    exits: tuple[int, ...]
    """Of the runs in bad weather."""
    codes: tuple[str, ...]
    """What these said."""
    after: int
    """How many runs it took once the weather was over."""
    problems: tuple[str, ...]
    seconds: float
    skipped: str = ""


def main(given: argparse.Namespace) -> int:
    """Play them all, or one; the exit code."""
    seed = given.seed or time.strftime("%Y-%m-%d")
    print(f"seed {seed}", flush=True)
    named = [each for each in stories(seed) if given.story in (None, each)]
    todo = list(reversed(named))
    told: list[Told] = []
    with tempfile.TemporaryDirectory(prefix="pbisetup-weather-") as folder:
        os.environ["PBISETUP_STATE_DIR"] = f"{folder}/state"

        def work(number: int) -> None:
            with Stage(Path(folder) / f"worker{number}", plain=given.plain) as stage:
                while todo:
                    ended = play(stage, todo.pop(), seed)
                    told.append(ended)
                    end = "FAILED" if ended.problems else "skipped" if ended.skipped else "right"
                    print(f"{ended.name}: {end} in {ended.seconds:.0f} s", file=sys.stderr, flush=True)

        workers = [threading.Thread(target=work, args=(number,)) for number in range(given.jobs)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
    print("| story | exits in the weather | said | runs afterwards | seconds | |")
    print("|---|---|---|---|---|---|")
    for each in sorted(told, key=lambda t: named.index(t.name)):
        end = f"skipped: {each.skipped}" if each.skipped else "FAILED" if each.problems else "right"
        exits, codes = " ".join(map(str, each.exits)), " ".join(each.codes)
        print(f"| {each.name} | {exits} | {codes} | {each.after} | {each.seconds:.0f} | {end} |")
    failed = [each for each in told if each.problems]
    for each in failed:
        print(f"\n--weather --seed {seed} --story '{each.name}'")
        for problem in each.problems:
            print("  - " + problem.replace("\n", "\n    "))
    print(f"{len(told)} stories, {len(failed)} failed, {sum(bool(t.skipped) for t in told)} skipped")
    return 1 if failed or len(told) != len(named) else 0


def play(stage: Stage, name: str, seed: str) -> Told:
    """One story, judged."""
    begun = time.monotonic()
    problems: list[str] = []
    exits: tuple[int, ...] = ()
    codes: tuple[str, ...] = ()
    after = 0
    stage.before, stage.runs = {}, []
    try:
        with Watch(stage) as watch:
            judged = stories(seed)[name](stage)
            exits = tuple(run.code or 0 for run in stage.runs)
            codes = tuple(dict.fromkeys(code for run in stage.runs if run.code for code in CODE.findall(run.err)))
            problems += stopped_clearly(stage)
            stage.tenant.faults()
            stage.tenant.put_state(lambda state: state["weather"].update(dict.fromkeys(LAGS, 0)))
            stage.tenant.advance(CALM)
            while judged and (after == 0 or stage.runs[-1].code != 0) and after < MORE_RUNS:
                stage.run(*SCENES["again"].argv)
                after += 1
            if judged:
                problems += [] if stage.runs[-1].code == 0 else [f"not done after all: {stage.runs[-1]}"]
                problems += judge(stage, "secret", "env-file", may_fail=True)
        problems += watch.seen
    except Skipped as reason:
        print(f"SKIPPED {name}: {reason}", file=sys.stderr, flush=True)
        return Told(name, (), (), 0, (), 0, str(reason))
    except (TimeoutError, AssertionError) as error:
        problems.append(str(error))
    finally:
        stage.tenant.faults()
    return Told(name, exits, codes, after, tuple(dict.fromkeys(problems)), time.monotonic() - begun)


def stopped_clearly(stage: Stage) -> Iterator[str]:
    """What is wrong with how the runs in bad weather ended."""
    yield from outputs(stage, may_fail=True)
    for run in stage.runs:
        if run.code not in (0, 1, 2, 3, 4, 5):
            yield f"exit {run.code}: {run}"


class Watch:
    """Looks all the time whether there are two apps, or a foreign credential is gone."""

    def __init__(self, stage: Stage) -> None:
        self.seen: list[str] = []
        self._stage, self._over = stage, threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join(30)

    def _look(self) -> None:
        import httpx

        tenant = self._stage.tenant
        with httpx.Client(base_url=tenant.url, verify=tenant.ssl_context, trust_env=False, timeout=60) as http:
            while not self._over.wait(0.3):
                before = self._stage.before
                state = http.get("/_sandbox/state").json()
                if not before or before is not self._stage.before:
                    continue  # the stage was being set
                if len(things(state)["apps"]) > 1:
                    self.seen.append("there were two apps")
                now, then = foreign_credentials(state), foreign_credentials(before)
                if things(state)["apps"] and now != then and self._stage.runs:
                    self.seen.append(f"foreign credentials changed: {then} -> {now}")


# -- the stories -------------------------------------------------------------------------------------------------


def stories(seed: str) -> dict[str, Callable[[Stage], bool]]:
    """Each sets the stage, runs the command in its weather, and says whether the common judge is to judge the end."""
    named: dict[str, Callable[[Stage], bool]] = {
        "429 storm with Retry-After": lambda s: _storm(s, 429, {"Retry-After": "1"}, THROTTLED),
        "429 for ever": lambda s: _for_ever(s, 429, {"Retry-After": "1"}, THROTTLED),
        "503 bursts": lambda s: _storm(s, 503, {}, ""),
        "502 of a gateway": lambda s: _storm(s, 502, {"Content-Type": "text/html"}, "<html>Bad Gateway</html>"),
        "503 for ever on writes": lambda s: _for_ever(s, 503, {}, ""),
        "an answer that takes longer than the client waits": _slow,
        "lag of 60 s in every operation": _lag,
        "this machine's clock 10 minutes slow": lambda s: _clock(s, 600),
        "this machine's clock 10 minutes fast": lambda s: _clock(s, -600),
        "files that cannot grow": _no_growth,
        "a full disk": _full_disk,
        "a full disk for the journal": _full_home,
        "two runs at once in one folder": _one_folder,
        "two runs at once in two folders": _two_folders,
    }
    for number in range(1, 11):
        named[f"everything at once, {number}"] = lambda s, n=number: _anything(s, f"{seed} {n}")
    return named


THROTTLED: Final = {"error": {"code": "TooManyRequests", "message": "Too many requests."}}
_SERVICES: Final = ("/v1\\.0/(?!myorg)", "/v1\\.0/myorg", "/v1/", "/oauth2/")


def _apply(stage: Stage, row: tuple[str, str, str] = ROW, runs: int = 1) -> bool:
    for _ in range(runs):
        stage.run(*SCENES[row[0]].argv)
    return True


def _storm(stage: Stage, status: int, headers: dict[str, str], body: Any) -> bool:
    """Two of three requests to each service, for a while."""
    stage.reset(*NOTHING)
    rules = [
        {"match": {"path": path}, "skip": skip, "times": 2, "status": status, "headers": headers, "body": body}
        for path in _SERVICES
        for skip in (0, 1, 1, 1)
    ]
    stage.tenant.faults(*rules)
    return _apply(stage, NOTHING, 2)


def _for_ever(stage: Stage, status: int, headers: dict[str, str], body: Any) -> bool:
    """No write to the directory gets through, and it ends in time."""
    stage.reset(*ROW)
    method = "POST" if status == 503 else None
    match = {"path": "/v1\\.0/applications"} | ({"method": method} if method else {})
    stage.tenant.faults({"match": match, "status": status, "headers": headers, "body": body})
    return _apply(stage)


def _slow(stage: Stage) -> bool:
    """The client gives up after a minute (`services/network.py`); the service had done it."""
    stage.reset(*NOTHING)
    late = {"times": 1, "delay_ms": 61_000, "delay_at": "after"}
    stage.tenant.faults(
        {"match": {"method": "PATCH", "path": "/v1.0/applications"}, **late},
        {"match": {"path": "addPassword$"}, **late},
        {"match": {"method": "POST", "path": "/v1/workspaces$"}, **late},
    )
    return _apply(stage, NOTHING)


def _lag(stage: Stage) -> bool:
    """Every replica is a minute behind; the tenant's clock runs ten times as fast, so that nobody waits for minutes."""
    stage.reset(*NOTHING)
    stage.tenant.put_state(lambda state: state["weather"].update(dict.fromkeys(LAGS, 60)))
    over = threading.Event()

    def advance() -> None:
        import httpx

        tenant = stage.tenant
        with httpx.Client(base_url=tenant.url, verify=tenant.ssl_context, trust_env=False, timeout=60) as http:
            while not over.wait(0.5):
                http.post("/_sandbox/clock", json={"advance_seconds": 5})

    thread = threading.Thread(target=advance)
    thread.start()
    try:
        stage.run("apply", "--yes", "--wait", "2m")
    finally:
        over.set()
        thread.join()
    return True


def _clock(stage: Stage, seconds: float) -> bool:
    """The services' clock is right and this machine's is not: told apart by their Date headers only."""
    stage.reset(*ROW)
    stage.tenant.advance(seconds)
    return _apply(stage)


def _no_growth(stage: Stage) -> bool:
    """Every file may have 4 KB: the store finds out before it makes anything."""
    stage.reset(*ROW)
    run = stage.run(*SCENES["again"].argv, file_size=4096)
    stage.tenant.clear_requests()
    _nothing_made(stage, run)
    return True


def _nothing_made(stage: Stage, run: Run) -> None:
    assert run.code != 0, f"a full disk was not noticed: {run}"
    assert foreign_credentials(stage.tenant.state()) == foreign_credentials(stage.before)
    made = things(stage.tenant.state())["apps"][0]["passwordCredentials"]
    assert len(made) == 1, f"a secret was made that could not be kept: {made}"


def _full_disk(stage: Stage) -> bool:
    """The folder is a file system of its own with no room left."""
    stage.reset(*ROW)
    with _small_disk(stage.folder) as filler:
        run = stage.run(*SCENES["again"].argv)
        _nothing_made(stage, run)
        filler.unlink()
        # Within the block: the disk goes with the mount, and with it what was kept.
        stage.tenant.faults()
        stage.run(*SCENES["again"].argv)
        found = judge(stage, "secret", "env-file", may_fail=True)
        assert not found, f"after room was made: {found}"
    return False


def _full_home(stage: Stage) -> bool:
    """Where the journal and the locks are there is no room: that costs them, not the run."""
    stage.reset(*ROW)
    with _small_disk(stage.home):
        stage.run(*SCENES["again"].argv)
    return True


@contextlib.contextmanager
def _small_disk(folder: Path) -> Iterator[Path]:
    """The folder's content on a disk that is full; the file that fills it."""
    if shutil.which("mount") is None or os.name != "posix":
        raise Skipped("there is no mount here")
    content = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    options = ["mount", "-t", "tmpfs", "-o", "size=64k,mode=0755", "tmpfs", str(folder)]
    if subprocess.run(options, capture_output=True, check=False).returncode != 0:
        raise Skipped("this machine does not let us mount a file system; root may")
    try:
        for name, data in content.items():
            (folder / name).write_bytes(data)
        filler = folder / "filler"
        with contextlib.suppress(OSError), filler.open("wb") as file:
            while True:
                file.write(b"x" * 1024)
                file.flush()
        yield filler
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=False)


def _one_folder(stage: Stage) -> bool:
    """Whoever comes second waits, or is told that another run is at work."""
    stage.reset(*NOTHING)
    stage.tenant.put_state(lambda state: state["weather"].update(latency_ms=100))
    runs = [stage.start(*SCENES["apply"].argv) for _ in range(3)]
    for run in runs:
        run.wait()
    stage.tenant.put_state(lambda state: state["weather"].update(latency_ms=0))
    assert any(run.code == 0 for run in runs), "\n".join(map(str, runs))
    for run in runs:
        assert run.code == 0 or (run.code == 2 and "PBI110" in run.err), run
    return True


def _two_folders(stage: Stage) -> bool:
    """Colleagues with the same manifest on two machines: one app, and each one's store works."""
    stage.reset(*NOTHING)
    other, home = stage.folder.with_name("colleague"), stage.home.with_name("colleague-home")
    shutil.rmtree(other, ignore_errors=True)
    shutil.copytree(stage.folder, other)
    env = {**stage.env, "HOME": str(home), "PBISETUP_STATE_DIR": str(home / "state")}
    stage.tenant.put_state(lambda state: state["weather"].update(latency_ms=50))
    runs = [stage.start(*SCENES["apply"].argv), stage.runner.start(other, env, *SCENES["apply"].argv)]
    for run in runs:
        run.wait()
    stage.tenant.put_state(lambda state: state["weather"].update(latency_ms=0))
    for folder, environ in ((stage.folder, stage.env), (other, env)):
        for _ in range(MORE_RUNS):
            again = stage.runner.start(folder, environ, *SCENES["apply"].argv)
            if again.wait() == 0:
                break
        assert again.code == 0, again
    state = stage.tenant.state()
    found = {name: len(each) for name, each in things(state).items() if name != "owners" and len(each) != 1}
    assert not found, f"of these there is not one: {found}"
    app = things(state)["apps"][0]
    kept = set()
    for folder in (stage.folder, other):
        values, note = env_file(folder / f".env.{ENVIRONMENT}")
        assert stage.tenant.app_token(values["AZURE_CLIENT_ID"], values["AZURE_CLIENT_SECRET"])
        kept |= set(re.findall(r"key id ([\w-]+)", note))
    there = {each["keyId"] for each in app["passwordCredentials"]}
    assert there == kept, f"the stores know {kept}, the app has {there}"
    return False


def _anything(stage: Stage, seed: str) -> bool:
    """One request in seven meets something."""
    draw = random.Random(seed)  # noqa: S311 - a sample
    stage.reset(*draw.choice((ROW, NOTHING)))
    rules: list[dict[str, Any]] = []
    for number in range(120):
        if draw.random() > 0.15:
            continue
        rule = draw.choice(
            (
                {"status": 429, "headers": {"Retry-After": "1"}, "body": THROTTLED},
                {"status": 429, "body": ""},
                {"status": 500, "body": {"error": {"code": "InternalServerError", "message": "Something broke."}}},
                {"status": 502, "body": "<html>Bad Gateway</html>", "headers": {"Content-Type": "text/html"}},
                {"status": 503, "body": ""},
                {"status": 504, "body": ""},
                {"drop": "before"},
                {"drop": "after"},
                {"delay_ms": 500, "delay_at": draw.choice(("before", "after"))},
            )
        )
        rules.append({"skip": number, "times": 1, **rule})
    stage.tenant.faults(*reversed(rules))  # the first that applies hides a request from those after it
    return _apply(stage, runs=2)
