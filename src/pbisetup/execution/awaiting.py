"""Waiting for others: looking again at what they were asked for until nothing is missing, or the time is over."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol

from pbisetup.model.errors import PbisetupError, Refused, Unreachable
from pbisetup.planning.handoff import Handoff, Task
from pbisetup.services.clock import Clock, count_down

FIRST_PAUSE: Final = 5.0
LONGEST_PAUSE: Final = 60.0
SETTINGS_READS: Final = 20
"""Reads of the tenant settings a minute: the service allows 25 (powerbi.md 7), and others read them too."""


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


def await_others(
    looks: Mapping[str, Callable[[], Handoff]], patience: float, clock: Clock, watcher: Watcher
) -> Awaiting:
    """Look at every environment until nobody is awaited there, for at most `patience` seconds. Ctrl-C ends it early.

    Raises what the very first look raises; a later one may fail as long as there is time for another.
    """
    begun = clock.monotonic()
    deadline = begun + patience
    found = Awaiting()
    pause = FIRST_PAUSE
    try:
        while True:
            _look(looks, found, watcher)
            if not found.anybody or clock.monotonic() >= deadline:
                break
            names = [name for name in looks if found.awaited(name)]
            # One look at an environment reads the settings once.
            least = 60.0 * len(names) / SETTINGS_READS
            count_down(clock, watcher.waiting, _whom(found, names), max(pause, least), deadline)
            pause = min(pause * 1.5, LONGEST_PAUSE)
    except KeyboardInterrupt:
        found.interrupted = True
    found.seconds = round(clock.monotonic() - begun)
    return found


def _look(looks: Mapping[str, Callable[[], Handoff]], found: Awaiting, watcher: Watcher) -> None:
    found.looks += 1
    for name, look in looks.items():
        before = found.handed.get(name)
        if before is not None and not awaited_in(before):
            continue
        try:
            handed = look()
        except (Unreachable, Refused) as error:
            if before is None:
                raise
            watcher.trouble(error)
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
