"""Runs probes: each as soon as what it needs is known, all at once, each with a time-out and a failure of its own.

Nothing that one probe does ends the run: an error makes its own facts unknown, with the reason, and those of the probes
that stand on it.
"""

from __future__ import annotations

import contextvars
import queue
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from pbisetup.model.case import Asked, Case, Key, Sighting
from pbisetup.model.errors import Evidence, PbisetupError
from pbisetup.model.facts import Fact, Known, Unknown
from pbisetup.services.network import ON_BEHALF_OF, Network, Request

T = TypeVar("T")
Slot = tuple[Key[Any], str | None]
"""A fact by its kind and, where there are several of a kind, by what it is of."""
SECONDS = 25.0
"""How long one probe may take; a request has ten seconds, and is repeated where the service says when."""


@dataclass(frozen=True)
class Probe:
    """One look at something outside."""

    name: str
    gives: tuple[Slot, ...]
    """What is unknown where it fails. It may find more of the same kinds."""
    look: Callable[[Board], Iterable[Sighting]]
    needs: tuple[Slot, ...] = ()
    """Facts that must be known, else it is left out and its own facts are unknown."""
    after: tuple[Slot, ...] = ()
    """Facts that it waits for, known or not."""
    seconds: float = SECONDS


class Board:
    """The facts so far. What a probe reads stands in its `needs` or `after`, and is settled by then."""

    def __init__(self, asked: Asked, network: Network) -> None:
        self.asked = asked
        self.network = network
        self._sightings: list[tuple[int, Sighting]] = []
        self._lock = threading.Lock()

    def add(self, found: Iterable[Sighting], place: int = -1) -> None:
        """Add facts. `place`: where they stand in a case, whenever they came in; so that every run tells the same."""
        with self._lock:
            self._sightings += ((place, each) for each in found)
            self._sightings.sort(key=lambda each: each[0])

    def case(self, requests: int = 0) -> Case:
        """Everything that is known by now."""
        with self._lock:
            return Case(self.asked, self.network.now(), tuple(each for _, each in self._sightings), requests)

    def fact(self, key: Key[T], of: str | None = None) -> Fact[T]:
        return self.case().fact(key, of)

    def value(self, key: Key[T], of: str | None = None) -> T | None:
        return self.case().value(key, of)


@dataclass(frozen=True)
class Link:
    """One probe of the longest chain of those that had to wait for each other."""

    probe: str
    requests: int
    milliseconds: int


@dataclass
class Ran:
    """What a run was like."""

    case: Case
    path: tuple[Link, ...] = ()
    """The chain of probes with the most dependent round trips."""
    late: tuple[str, ...] = ()
    """Probes that did not end in their time."""

    @property
    def round_trips(self) -> int:
        return sum(link.requests for link in self.path)


@dataclass
class _Run:
    board: Board
    waiting: list[Probe]
    running: dict[str, tuple[Probe, float]] = field(default_factory=dict)
    places: dict[str, int] = field(default_factory=dict)
    results: queue.Queue[tuple[Probe, list[Sighting]]] = field(default_factory=queue.Queue)
    late: list[str] = field(default_factory=list)

    def settled(self, slot: Slot) -> bool:
        """Whether nothing that is still to come gives this fact."""
        open_ = (*self.waiting, *(probe for probe, _ in self.running.values()))
        return not any(
            slot[0] == key and (None in (of, slot[1]) or of == slot[1]) for p in open_ for key, of in p.gives
        )

    def start_what_can(self) -> None:
        """Start each probe whose facts are settled; leave out those that lack one, which may settle others."""
        again = True
        while again:
            again = False
            for probe in list(self.waiting):
                if not all(self.settled(slot) for slot in (*probe.needs, *probe.after)):
                    continue
                self.waiting.remove(probe)
                missing = next((s for s in probe.needs if not isinstance(self.board.fact(*s), Known)), None)
                if missing is None:
                    self._start(probe)
                else:
                    self._settle(probe, _unknown(probe, _left_out(self.board.fact(*missing))))
                    again = True

    def _start(self, probe: Probe) -> None:
        self.running[probe.name] = (probe, time.monotonic() + probe.seconds)
        context = contextvars.copy_context()
        context.run(ON_BEHALF_OF.set, probe.name)
        # Daemons: a host that never answers must not keep the program from ending.
        threading.Thread(target=context.run, args=(self._look, probe), name=probe.name, daemon=True).start()

    def _look(self, probe: Probe) -> None:
        try:
            found = list(probe.look(self.board))
        except PbisetupError as error:
            found = _unknown(probe, failure(error))
        except Exception as error:  # a bug of ours in one probe is no reason to lose what the others see
            found = _unknown(probe, Unknown(f"the look failed in a way it should not ({type(error).__name__})"))
        self.results.put((probe, found))

    def collect(self) -> None:
        """Wait for the next probe to end, or for the first to run out of time."""
        deadline = min(end for _, end in self.running.values())
        try:
            probe, found = self.results.get(timeout=max(0.0, deadline - time.monotonic()))
        except queue.Empty:
            for probe, end in list(self.running.values()):
                if end <= time.monotonic():
                    del self.running[probe.name]
                    self.late.append(probe.name)
                    reason = f"no answer within {probe.seconds:.0f} s"
                    self._settle(probe, _unknown(probe, Unknown(reason, Evidence(probe.name, "local", reason))))
            return
        if probe.name in self.running:  # else it was given up already
            del self.running[probe.name]
            self._settle(probe, found)

    def _settle(self, probe: Probe, found: list[Sighting]) -> None:
        self.board.add(found, self.places[probe.name])


def run(probes: Sequence[Probe], board: Board) -> Ran:
    """Run them all; raises nothing but KeyboardInterrupt."""
    before = board.network.trace.count
    going = _Run(board, list(probes), places={probe.name: place for place, probe in enumerate(probes)})
    going.start_what_can()
    while going.running:
        going.collect()
        going.start_what_can()
    for probe in going.waiting:  # they wait for each other
        board.add(_unknown(probe, Unknown("it waits for what itself waits for it")), going.places[probe.name])
    sent = board.network.trace.requests[before:]
    return Ran(board.case(len(sent)), longest_path(probes, sent), tuple(going.late))


def longest_path(probes: Sequence[Probe], sent: Sequence[Request]) -> tuple[Link, ...]:
    """The chain of probes with the most requests that had to wait for each other."""
    own: dict[str, list[Request]] = {}
    for request in sent:
        own.setdefault(request.on_behalf_of, []).append(request)
    best: dict[str, tuple[Link, ...]] = {}
    for probe in _in_order(probes):
        before = max(
            (best[each.name] for each in _providers(probe, probes) if each.name in best), key=_length, default=()
        )
        mine = _dependent(own.get(probe.name, []))
        link = Link(probe.name, len(mine), sum(request.milliseconds for request in mine))
        best[probe.name] = (*before, link) if mine else before
    return max(best.values(), key=_length, default=())


def _dependent(requests: Sequence[Request]) -> list[Request]:
    """The longest row of requests of which each began when the one before had ended."""
    row: list[Request] = []
    for request in sorted(requests, key=lambda r: r.started + r.milliseconds / 1000):
        if not row or request.started >= row[-1].started + (row[-1].milliseconds - 1) / 1000:
            row.append(request)
    return row


def _length(path: tuple[Link, ...]) -> int:
    return sum(link.requests for link in path)


def _providers(probe: Probe, probes: Sequence[Probe]) -> list[Probe]:
    wanted = (*probe.needs, *probe.after)
    return [
        each
        for each in probes
        if each is not probe
        and any(key == k and (None in (of, o) or of == o) for key, of in wanted for k, o in each.gives)
    ]


def _in_order(probes: Sequence[Probe]) -> list[Probe]:
    """Each behind those that it needs."""
    ordered: list[Probe] = []
    left = list(probes)
    while left:
        ready = [p for p in left if not any(each in left for each in _providers(p, probes))]
        if not ready:
            return ordered
        ordered += ready
        left = [p for p in left if p not in ready]
    return ordered


def failure(error: PbisetupError) -> Unknown:
    """An error as the reason why something is unknown; its code stands in front, as recordings keep it."""
    first = error.evidence[0] if error.evidence else None
    return Unknown(error.message, first, error.code)


def _left_out(fact: Fact[Any]) -> Unknown:
    if isinstance(fact, Unknown):
        return Unknown(f"not examined: {fact.reason.removeprefix('not examined: ')}", fact.evidence, fact.code)
    return Unknown("not examined: what it hangs on is not there")


def _unknown(probe: Probe, fact: Unknown) -> list[Sighting]:
    return [Sighting(key, of, fact) for key, of in probe.gives]
