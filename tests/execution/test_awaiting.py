"""Waiting for others: who is awaited for what, how often it is looked, and what ends it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import pytest

from pbisetup.execution.awaiting import Awaiting, await_others
from pbisetup.model.errors import PbisetupError, Unreachable
from pbisetup.planning.handoff import Handoff, Task
from tests.execution.conftest import FastClock
from tests.planning.handoffs import asked_for_everything, one

ALL = asked_for_everything("Reports")
SETTING = one("update_tenant_setting", {"setting": "S", "group_id": "g1", "group_name": "x", "announced": []})
NOTHING = Handoff("dev", (), (), {})
SECRET = one("add_secret", {"app_object_id": "a1", "days": 90, "store": "env-file", "label": "pbisetup a/dev"})


@dataclass
class Told:
    """What the person was told, in words."""

    lines: list[str] = field(default_factory=list)

    def awaited(self, handed: Handoff, tasks: tuple[Task, ...], done: tuple[Task, ...]) -> None:
        self.lines += [f"done {task.id}" for task in done]
        self.lines.append(f"{handed.environment}: {' '.join(task.id for task in tasks)}")

    def trouble(self, error: PbisetupError) -> None:
        self.lines.append(f"trouble {error.message}")

    def waiting(self, what: str, seconds_left: int) -> None:
        assert what.startswith("awaiting ")
        assert seconds_left >= 0


def looking(*answers: Handoff | BaseException) -> Callable[[], Handoff]:
    """A look that finds these, one after the other; the last one again and again."""
    left = list(answers)

    def look() -> Handoff:
        found = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(found, BaseException):
            raise found
        return found

    return look


def wait(patience: float, **looks: Callable[[], Handoff]) -> tuple[Awaiting, Told, FastClock]:
    told, clock = Told(), FastClock()

    def look(names: Sequence[str]) -> dict[str, Handoff | PbisetupError]:
        found: dict[str, Handoff | PbisetupError] = {}
        for name in names:
            try:
                found[name] = looks[name]()
            except PbisetupError as error:
                found[name] = error
        return found

    return await_others(look, list(looks), patience, clock, told), told, clock


def test_it_ends_as_soon_as_nobody_is_awaited() -> None:
    done, told, clock = wait(1200, dev=looking(ALL, ALL, SETTING, NOTHING))
    assert not done.anybody
    assert done.looks == 4
    assert done.seconds == round(clock.slept)
    # Whether the role in a workspace that the operator cannot see is given, nobody here can tell.
    seen = [task.id for task in ALL.order if task.kind != "set_workspace_role"]
    # Said when it changes, and not while it does not.
    assert told.lines == [
        f"dev: {' '.join(seen)}",
        *(f"done {each}" for each in seen),
        "dev: x",
        "done x",
        "dev: ",
    ]


def test_it_ends_when_the_time_is_over_and_says_who_is_awaited() -> None:
    done, _, clock = wait(90, dev=looking(SETTING))
    assert [task.id for task in done.awaited("dev")] == ["x"]
    assert clock.slept == pytest.approx(90, abs=1)


def test_without_time_it_looks_once() -> None:
    done, _, clock = wait(0, dev=looking(SETTING))
    assert (done.looks, clock.slept, done.anybody) == (1, 0, True)


def test_an_environment_that_is_done_is_not_looked_at_again() -> None:
    calls: list[str] = []

    def counted() -> Handoff:
        calls.append("dev")
        return NOTHING

    done, _, _ = wait(60, dev=counted, test=looking(SETTING))
    assert calls == ["dev"]
    assert done.looks > 2


def test_it_looks_more_and_more_seldom_and_never_too_often_for_the_settings() -> None:
    """Each look reads a tenant's settings once, which may be done 25 times a minute."""
    done, _, clock = wait(600, **{f"env{number}": looking(SETTING) for number in range(20)})
    assert done.looks < 20
    assert done.looks / (clock.slept / 60) <= 25


def test_a_secret_that_a_policy_forbade_is_not_waited_for() -> None:
    """That the policy exempts the app by now shows only when a secret is made."""
    done, _, clock = wait(600, dev=looking(SECRET))
    assert not done.anybody
    assert clock.slept == 0
    assert done.handed["dev"].order


def test_a_look_that_fails_is_tried_again_but_not_the_first() -> None:
    gone = Unreachable("PBI201", "no answer")
    done, told, _ = wait(600, dev=looking(SETTING, gone, NOTHING))
    assert not done.anybody
    assert "trouble no answer" in told.lines
    with pytest.raises(Unreachable):
        wait(600, dev=looking(gone))


def test_ctrl_c_keeps_what_was_seen() -> None:
    done, _, _ = wait(600, dev=looking(SETTING, KeyboardInterrupt()))
    assert done.interrupted
    assert [task.id for task in done.awaited("dev")] == ["x"]
