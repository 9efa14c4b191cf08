"""`python -m tests.killtest`: play the points and print the figures; exit 1 where anything went wrong."""

from __future__ import annotations

import argparse
import os
import queue
import random
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import tests.conftest  # noqa: F401 - nothing of this machine's own set-up reaches the runs
from tests.killtest.points import MODES, Mode, Outcome, Series, play, series
from tests.killtest.scenes import CREDENTIALS, SCENES, rows
from tests.killtest.stage import Stage


def main() -> int:
    given = _arguments()
    if given.weather:
        from tests.killtest.weather import main as weather

        return weather(given)
    wanted = rows(given.command, given.kind, given.store)
    modes = [each for each in MODES if given.mode == "all" or each in given.mode.split(",")]
    if not modes:
        sys.exit(f"there is no mode {given.mode}: {', '.join(MODES)}")
    seed = given.seed or time.strftime("%Y-%m-%d")
    print(f"seed {seed}", flush=True)
    with tempfile.TemporaryDirectory(prefix="pbisetup-kill-") as folder:
        os.environ["PBISETUP_STATE_DIR"] = f"{folder}/state"
        outcomes = _play(Path(folder), given, wanted, modes, random.Random(seed))  # noqa: S311 - a sample
    return _report(outcomes)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.killtest", description=__doc__)
    kinds, stores = {kind for kind, _ in CREDENTIALS}, {store for _, store in CREDENTIALS}
    parser.add_argument("--command", choices=[*SCENES, "all"], default="all")
    parser.add_argument("--kind", choices=[*sorted(kinds), "all"], default="all")
    parser.add_argument("--store", choices=[*sorted(stores), "all"], default="all")
    parser.add_argument("--mode", default="all", help=f"all, or some of {', '.join(MODES)}, with commas between")
    parser.add_argument(
        "--points", default="all", help="all, N (so many of each row, drawn), every:K, or =N,M (these numbers)"
    )
    parser.add_argument("--posts", action="store_true", help="only the requests that change something")
    parser.add_argument("--seed", help="for the sample and for the weather; default today's date")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--minutes", type=float, default=1e6, help="after them no other point is begun")
    parser.add_argument("--plain", action="store_true", help="start processes instead of forking them")
    parser.add_argument("--weather", action="store_true", help="the stories of bad weather instead")
    parser.add_argument("--story", help="only this one of the weather's stories")
    return parser.parse_args()


def _play(
    folder: Path,
    given: argparse.Namespace,
    wanted: Sequence[tuple[str, str, str]],
    modes: Sequence[Mode],
    draw: random.Random,
) -> list[Outcome]:
    """Every point, by so many workers."""
    todo: queue.SimpleQueue[tuple[Series, Mode, int] | None] = queue.SimpleQueue()
    outcomes: list[Outcome] = []
    stages = [Stage(folder / f"worker{number}", plain=given.plain) for number in range(given.jobs)]
    errors: list[BaseException] = []

    over = time.monotonic() + 60 * given.minutes

    def work(stage: Stage) -> None:
        try:
            while (each := todo.get()) is not None and time.monotonic() < over:
                outcome = play(stage, *each)
                outcomes.append(outcome)
                if outcome.problems:
                    told = outcome.problems[0][:600]
                    print(f"FAILED {outcome.repeat}\n  {outcome.what}: {told}", file=sys.stderr, flush=True)
        except BaseException as error:
            errors.append(error)
            raise

    workers = [threading.Thread(target=work, args=(stage,)) for stage in stages[1:]]
    try:
        for worker in workers:
            worker.start()
        for row in wanted:
            if time.monotonic() >= over:
                break
            try:
                found = series(stages[0], *row)
            except AssertionError as error:
                outcomes.append(Outcome(Series(*row, (), ()), modes[0], -1, 0, False, (str(error),), 0))
                print(f"FAILED {' '.join(row)}, undisturbed", file=sys.stderr, flush=True)
                continue
            counted = f"{len(found.requests)} requests, {len(found.changes)} changes on disk"
            print(f"{' '.join(row)}: {counted}", file=sys.stderr, flush=True)
            for mode in modes:
                for point in chosen(found.points(mode, writes=given.posts), given.points, draw):
                    todo.put((found, mode, point))
        for _ in stages:
            todo.put(None)
        work(stages[0])
        for worker in workers:
            worker.join()
    finally:
        for _ in stages:
            todo.put(None)
        for worker in workers:
            worker.join(60)
        for stage in stages:
            stage.close()
    if errors:
        raise errors[0]
    return outcomes


def chosen(points: Sequence[int], which: str, draw: random.Random) -> list[int]:
    """The points that are meant."""
    if which == "all":
        return list(points)
    if which.startswith("="):
        return [int(each) for each in which[1:].split(",") if int(each) in points]
    if which.startswith("every:"):
        return list(points)[:: int(which[6:])]
    return sorted(draw.sample(list(points), min(int(which), len(points))))


def _report(outcomes: Sequence[Outcome]) -> int:
    """Print the table; the exit code."""
    rows: dict[tuple[str, ...], list[Outcome]] = {}
    for each in sorted(outcomes, key=lambda o: (list(SCENES).index(o.series.command), MODES.index(o.mode))):
        s = each.series
        rows.setdefault((s.command, s.kind, s.store, each.mode), []).append(each)
    print("| command | kind | store | mode | points | in 1 run | 2 | 3 | more | not reached | FAILED | seconds |")
    print("|---|---|---|---|---|---|---|---|---|---|---|---|")
    for row, those in rows.items():
        right = [each for each in those if not each.problems]
        count = Counter(min(each.runs, 4) for each in right if each.reached)
        figures = [len(those), count[1], count[2], count[3], count[4], sum(not each.reached for each in right)]
        figures += [len(those) - len(right), round(sum(each.seconds for each in those))]
        print("| " + " | ".join((*row, *map(str, figures))) + " |")
    failed = [each for each in outcomes if each.problems]
    print(f"{len(outcomes)} points, {len(failed)} failed")
    for each in failed:
        print(f"\n{each.repeat}\n  at {each.what}")
        for problem in each.problems:
            print("  - " + problem.replace("\n", "\n    "))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
