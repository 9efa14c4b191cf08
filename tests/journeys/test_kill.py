"""Stopped anywhere and run again: one of everything, and exactly the credentials that the store knows.

Behind every request that changes something and before every other one, for the kind and store that most people have, and a
sample of everything else, of all kinds and stores, that rotates by the day. `python -m tests.killtest` plays all points and
prints the figures; a failure here names its arguments.

PBISETUP_KILL_SEED draws another sample, PBISETUP_KILL_SAMPLE a larger one.
"""

from __future__ import annotations

import os
import random
import sys
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import cache
from typing import Any

import pytest

from tests.killtest.judge import judge, works
from tests.killtest.points import MODES, TOOLS, Mode, Outcome, Series, play, series
from tests.killtest.scenes import MADE, REPOSITORY, SCENES, VAULT, ours, rows
from tests.killtest.stage import Stage

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the runs are forked")
SEED = os.environ.get("PBISETUP_KILL_SEED") or f"{datetime.now(UTC):%Y-%m-%d}"
SAMPLE = int(os.environ.get("PBISETUP_KILL_SAMPLE") or 7)
MOST_PEOPLE = ("secret", "env-file")
MANY = 4
"""So many points are played each time."""


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with Stage(tmp_path_factory.mktemp("kill")) as built:
        yield built


@pytest.fixture(scope="module")
def numbered(stage: Stage) -> Callable[..., Series]:
    """The points of a command, numbered once."""
    return cache(lambda *row: series(stage, *row))


def told(outcomes: list[Outcome]) -> str:
    """What went wrong, and how to play it again."""
    wrong = [each for each in outcomes if each.problems]
    return "\n".join(f"python -m tests.killtest {each.repeat}\n{chr(10).join(each.problems)}" for each in wrong)


@pytest.mark.parametrize("mode", [each for each in MODES if each not in ("kill-twice", *TOOLS)])
@pytest.mark.parametrize("command", [each for each in ("apply", "rotate") if each in SCENES])
def test_stopped_at_every_write_it_converges_when_it_is_run_again(
    stage: Stage, numbered: Callable[..., Series], command: str, mode: Mode
) -> None:
    points = numbered(command, *MOST_PEOPLE)
    listed = points.points(mode, writes=True)
    if mode not in ("cut-after", "kill-after") and len(listed) > MANY:
        # Where nothing has been done yet there is less to go wrong: every other one, the others with another seed.
        listed = listed[random.Random(SEED).randrange(2) :: 2]  # noqa: S311 - a sample
    outcomes = [play(stage, points, mode, point) for point in listed]
    assert len(outcomes) >= 2
    assert any(each.reached for each in outcomes)
    assert told(outcomes) == ""


def test_stopped_somewhere_it_converges_when_it_is_run_again(
    stage: Stage, numbered: Callable[..., Series], record_property: Callable[[str, object], None]
) -> None:
    draw = random.Random(SEED)  # noqa: S311 - a sample
    record_property("seed", SEED)
    print(f"PBISETUP_KILL_SEED={SEED}")
    outcomes: list[Outcome] = []
    listed = draw.sample(rows(), min(len(rows()), 1 + SAMPLE // 4))
    for _ in range(SAMPLE):
        points = numbered(*draw.choice(listed))
        mode = draw.choice([each for each in MODES if points.points(each)])
        outcomes.append(play(stage, points, mode, draw.choice(points.points(mode))))
    assert told(outcomes) == "", f"PBISETUP_KILL_SEED={SEED}"


def _twice(state: dict[str, Any], name: str) -> None:
    copied = ours(state)["passwordCredentials"][-1] | {"keyId": str(uuid.uuid4())}
    ours(state)["passwordCredentials"].append(copied | {"displayName": name})


def _lost(state: dict[str, Any]) -> None:
    ours(state)["passwordCredentials"].pop()


def _theirs(state: dict[str, Any]) -> None:
    ours(state)["federatedIdentityCredentials"].clear()


def _second_app(state: dict[str, Any]) -> None:
    again = {"id": str(uuid.uuid4()), "appId": str(uuid.uuid4()), "uniqueName": "pbisetup-k1llt3-other"}
    state["applications"].append(ours(state) | again)


def _second_workspace(state: dict[str, Any]) -> None:
    made = next(each for each in state["workspaces"] if each["displayName"] == MADE)
    state["workspaces"].append(made | {"id": str(uuid.uuid4())})


def _narrowed(state: dict[str, Any]) -> None:
    for setting in state["tenantSettings"]:
        setting.pop("excludedSecurityGroups", None)


def _no_member(state: dict[str, Any]) -> None:
    for group in state["groups"]:
        group["members"].clear()


SPOILT: dict[str, Callable[[dict[str, Any]], None]] = {
    "orphaned passwordCredentials": lambda state: _twice(state, "pbisetup k1llt3/dev 2026-01-01 abcdef"),
    "lost passwordCredentials": _lost,
    "foreign credentials changed": _theirs,
    "2 apps": _second_app,
    f"2 {MADE}": _second_workspace,
    "tenant setting": _narrowed,
    "0 memberships": _no_member,
}


@pytest.mark.parametrize("word", SPOILT)
def test_the_judge_sees_what_is_wrong(stage: Stage, word: str) -> None:
    stage.reset("again", *MOST_PEOPLE)
    assert stage.run(*SCENES["again"].argv).code == 0
    assert judge(stage, *MOST_PEOPLE) == []
    stage.tenant.put_state(SPOILT[word])
    assert word in "\n".join(judge(stage, *MOST_PEOPLE))


@pytest.mark.parametrize(
    ("word", "name"),
    [
        ("was left in the folder", ".env.dev.abcdefgh.tmp"),
        ("holds a secret", "notes.txt"),
        ("others may read", ".env.dev"),
    ],
)
def test_the_judge_looks_into_the_folder(stage: Stage, word: str, name: str) -> None:
    stage.reset("apply", *MOST_PEOPLE)
    assert stage.run(*SCENES["apply"].argv).code == 0
    path, secret = stage.folder / name, (stage.folder / ".env.dev").read_text()
    path.write_text(secret)
    path.chmod(0o644)
    assert word in "\n".join(judge(stage, *MOST_PEOPLE))


def _swapped(stage: Stage) -> None:
    program = stage.keepers.program("github")
    assert program is not None
    state = program.state
    state["repositories"][REPOSITORY]["secrets"][""]["AZURE_CLIENT_SECRET_DEV"] = (
        "abc8Q~another-secret-than-the-one-of-40-letter"
    )
    program.state = state


def _overwritten(stage: Stage) -> None:
    def change(state: dict[str, Any]) -> None:
        state["vaults"][VAULT]["secrets"]["theirs"]["versions"][0]["value"] = "ours"

    stage.tenant.put_state(change)


def _misnamed(stage: Stage) -> None:
    text = stage.keepers.ring.read_text()
    [key] = [each["keyId"] for each in ours(stage.tenant.state())["passwordCredentials"]]
    stage.keepers.ring.write_text(text.replace(key, str(uuid.uuid4())))


@pytest.mark.parametrize(
    ("store", "spoil", "word"),
    [
        ("github", _swapped, "does not work"),
        ("key-vault", _overwritten, "what others keep in the vault changed"),
        ("keyring", _misnamed, "the store says that it holds"),
    ],
)
def test_the_judge_looks_into_the_stores(stage: Stage, store: str, spoil: Callable[[Stage], None], word: str) -> None:
    stage.reset("apply", "secret", store)
    assert stage.run(*SCENES["apply"].argv).code == 0
    assert list(works(stage, "secret", store)) == []
    spoil(stage)
    assert word in "\n".join(judge(stage, "secret", store))
