"""Waiting for others: looking again at what they were asked for until nothing is missing, or the time is over."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from pbisetup.model.errors import PbisetupError
from pbisetup.planning.handoff import Handoff, Task
from pbisetup.services.clock import Clock, count_down

FIRST_PAUSE: Final = 5.0
LONGEST_PAUSE: Final = 60.0

Look = Callable[[Sequence[str]], Mapping[str, Handoff | PbisetupError]]
"""One look at the environments of these names together, so that each tenant's settings are read once: they may be read 25
times a minute (powerbi.md 7). What cannot be looked at has its error.
"""


class Watcher(Protocol):
    """Hears of what changes while it is waited."""

    def awaited(self, handed: Handoff, tasks: tuple[Task, ...], done: tuple[Task, ...]) -> None:
        """What is still awaited in an environment, after the first look and whenever it differs; `done`: since then."""

    def trouble(self, error: PbisetupError) -> None:
        """A look that failed after one went well; it is tried again."""

    def waiting(self, what: str, seconds_left: int) -> None: ...


@dataclass
class Awaiting:
    """What became of it."""

    handed: dict[str, Handoff] = field(default_factory=dict)
    """The newest look at each environment."""
    looks: int = 0
    seconds: int = 0
    interrupted: bool = False

    def awaited(self, environment: str) -> tuple[Task, ...]:
        """What others still have to do there."""
        handed = self.handed.get(environment)
        return awaited_in(handed) if handed else ()

    @property
    def anybody(self) -> bool:
        return any(self.awaited(name) for name in self.handed)


def awaited_in(handed: Handoff) -> tuple[Task, ...]:
    """The tasks whose end can be seen from here."""
    return tuple(task for task in handed.order if not task.unseen)


def unseen_in(handed: Handoff) -> tuple[Task, ...]:
    """The tasks of which only trying tells whether they are done."""
    return tuple(task for task in handed.order if task.unseen)


def await_others(look: Look, names: Sequence[str], patience: float, clock: Clock, watcher: Watcher) -> Awaiting:
    """Look at every environment until nobody is awaited there, for at most `patience` seconds. Ctrl-C ends it early.

    Raises the first error of the very first look; a later one may fail as long as there is time for another.
    """
    begun = clock.monotonic()
    deadline = begun + patience
    found = Awaiting()
    pause = FIRST_PAUSE
    left = list(names)
    try:
        while True:
            _look(look, left, found, watcher)
            left = [name for name in left if found.awaited(name)]
            if not left or clock.monotonic() >= deadline:
                break
            count_down(clock, watcher.waiting, _whom(found, left), pause, deadline)
            pause = min(pause * 1.5, LONGEST_PAUSE)
    except KeyboardInterrupt:
        found.interrupted = True
    found.seconds = round(clock.monotonic() - begun)
    return found


def _look(look: Look, names: Sequence[str], found: Awaiting, watcher: Watcher) -> None:
    found.looks += 1
    for name, handed in look(names).items():
        before = found.handed.get(name)
        if isinstance(handed, PbisetupError):
            if before is None:
                raise handed
            watcher.trouble(handed)
            continue
        found.handed[name] = handed
        left = awaited_in(handed)
        ids = {task.id for task in left}
        done = tuple(task for task in awaited_in(before) if task.id not in ids) if before else ()
        if before is None or done or ids - {task.id for task in awaited_in(before)}:
            watcher.awaited(handed, left, done)


def _whom(found: Awaiting, names: Iterable[str]) -> str:
    roles = dict.fromkeys(" or ".join(task.who) for name in names for task in found.awaited(name))
    return f"awaiting {', '.join(roles)}"
