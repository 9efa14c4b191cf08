"""What the steps of one environment work with, and the calls that they share."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

from pbisetup.execution.replication import BUDGET, PASSING, already_gone, already_there, repeat
from pbisetup.model.errors import Unreachable
from pbisetup.model.secret import Secret
from pbisetup.observe.session import Session
from pbisetup.services.answer import Answer
from pbisetup.services.app_sign_in import Credential
from pbisetup.services.certificate import NotReadable, Pair, pair_of_pem, read_pair
from pbisetup.services.clock import Clock, Waits, count_down
from pbisetup.services.journal import Journal
from pbisetup.services.network import not_its_own
from pbisetup.services.stores.store import OpenStore, Store

Outputs = dict[str, str]
Params = Mapping[str, Any]
GOOD_READS = 3
EARLY_BUDGET = 120.0
"""Seconds that a refusal is waited out for that may also be meant."""
T = TypeVar("T")
Brought = tuple[Path, Secret | None]
"""A file with a certificate and its key, and its password."""


class Shared:
    """What several environments of one tenant need and one of them makes."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._turns: dict[str, threading.Lock] = {}
        self._made: dict[str, Any] = {}

    def once(self, name: str, make: Callable[[], T]) -> T:
        """What `make` returns, from whoever came first. One that fails is tried again by the next."""
        with self._lock:
            turn = self._turns.setdefault(name, threading.Lock())
        with turn:
            if name not in self._made:
                self._made[name] = make()
            made: T = self._made[name]
            return made


@dataclass
class Workbench:
    """What the steps of one environment work with."""

    session: Session
    environment: str
    journal: Journal
    clock: Clock
    waits: Waits
    store: OpenStore | None
    """Opened and proved writable before the first write, where a secret is going to be made."""
    shared: Shared = field(default_factory=Shared)
    outputs: Outputs = field(default_factory=dict)
    credential: Credential | None = None
    """The credential that was made in this run, for the proof; the only place outside the store that holds it."""
    added: dict[str, list[Any]] = field(default_factory=dict)
    """What this run put into lists that are written as a whole: see `together`."""
    kept: Store | None = None
    """Where the environment's credential is kept, for a run that looks at it or takes it out."""
    brought: Brought | None = None
    """The certificate that the manifest names."""
    grace: timedelta = timedelta(0)
    """How long a credential stays on the app after another one has taken its place."""
    stopping: Callable[[], bool] = lambda: False
    """Whether the person wants to stop: asked by what takes long."""

    @property
    def store_readable(self) -> bool:
        """Whether the store can tell later what it holds; else the journal must."""
        return self.kept is None or self.kept.readable

    def held_pair(self) -> Pair | None:
        """The certificate that the store holds with its key; None where it holds none, or not so that it can be used."""
        found = self.kept.credential() if self.kept is not None else None
        if found is None or found.kind != "certificate" or not found.usable:
            return None
        try:
            if found.pem is not None:
                return pair_of_pem(found.pem)
            assert found.certificate is not None
            return read_pair(found.certificate, found.certificate_password)
        except NotReadable:
            return None

    def answered(self, call: Callable[[], Answer]) -> Answer:
        """The answer to a call whose repetition is refused where the first one arrived. Raises Unreachable."""
        for _ in range(2):
            try:
                return call()
            except Unreachable:
                pause = self.clock.monotonic() + 1.0
                count_down(self.clock, self.waits, "the connection broke", 1.0, pause)
        return call()

    def sent(self, call: Callable[[], Answer], what: str, *, early: frozenset[int] = frozenset()) -> Answer:
        """An idempotent call, repeated while replicas disagree. Raises Refused with the service's words.

        `early`: statuses that, here, also mean that something is too new.
        """
        note = f"{what}: it is not shown everywhere yet"
        budget = BUDGET if not early else EARLY_BUDGET
        answer = repeat(call, note, self.clock, self.waits, early=early, budget=budget)
        if answer.ok or already_there(answer):
            return answer
        raise answer.refusal(what)

    def removed(self, call: Callable[[], Answer], what: str) -> None:
        """A removal, repeated like any other; what is not there counts as removed. Raises Refused."""
        note = f"{what}: the directory is busy with it"
        answer = repeat(call, note, self.clock, self.waits, final=frozenset({404}))
        if not answer.ok and not already_gone(answer):
            raise answer.refusal(what)

    def found(self, call: Callable[[], Answer], what: str) -> dict[str, Any] | None:
        """An object that is there, or None. Raises Refused, and Unreachable where the answer is not the service's."""
        answer = repeat(call, f"{what}: the directory is busy with it", self.clock, self.waits, final=frozenset({404}))
        if answer.status == 404:
            return None
        if not answer.ok:
            raise answer.refusal(what)
        if "id" not in answer.object:
            raise not_its_own(answer.url, answer.status)
        return answer.object

    def read(self, builder: Any, select: str, what: str) -> dict[str, Any]:
        """These properties, `id` among them, of an object that must be there, waited for where it is new."""
        graph = self.session.graph
        answer = self.sent(lambda: graph.get(builder, select=select), what)
        if "id" not in answer.object:
            raise not_its_own(answer.url, answer.status)
        return answer.object

    def together(self, name: str, shown: Sequence[T], new: Sequence[T]) -> list[T]:
        """A list as it is to be written: as it was shown, and what this run added to it before, and what is new.

        A replica that lags behind may show it without what was written a second ago, which must not be lost again.
        """
        mine = self.added.setdefault(name, [])
        mine.extend(new)
        return list(dict.fromkeys((*shown, *mine)))

    def settled(self, read: Callable[[], Answer], what: str) -> None:
        """Wait until something new is shown several times in a row: one replica that has it does not mean that the next one
        does (entra.md 3.2). Where one had it not, they are given time in between.
        """
        good, late = 0, False
        deadline = self.clock.monotonic() + BUDGET
        while good < GOOD_READS and self.clock.monotonic() < deadline:
            try:
                answer = read()
            except Unreachable:
                return  # it is made; whatever needs it next meets the same network, and says so
            if answer.ok:
                good += 1
                if good < GOOD_READS:
                    self.clock.sleep(1.0 if late else 0.05)
            elif answer.status == 404 or answer.status in PASSING:
                good, late = 0, True
                count_down(
                    self.clock, self.waits, f"{what}: the directory does not show it everywhere yet", 2.0, deadline
                )
            else:
                return  # who may not read it cannot tell, and what depends on it has rules of its own

    def reference(self, object_id: str) -> dict[str, str]:
        """The body that points at an object of the directory."""
        return {"@odata.id": f"{self.session.network.cloud.graph}/v1.0/directoryObjects/{object_id}"}

    def upsert(self, builder: Any, body: Params, what: str, ids: str) -> dict[str, str]:
        """Make the object with this key, or find it where an earlier try made it (entra.md 1.2); the ids asked for."""
        graph = self.session.graph
        answer = self.sent(lambda: graph.send("PATCH", builder, body, headers={"Prefer": "create-if-missing"}), what)
        names = ids.split(",")
        made = answer.object if answer.ok else {}
        if answer.status == 201:
            self.settled(lambda: graph.get(builder, select=ids), what)
        if not all(name in made for name in names):
            # 204 has no body: it existed already.
            found = self.sent(lambda: graph.get(builder, select=ids), what)
            made = found.object
            if not all(name in made for name in names):
                raise not_its_own(found.url, found.status)
        return {name: str(made[name]) for name in names}
