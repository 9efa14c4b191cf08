"""Repeating a call until the directory's replicas agree: which answers mean "not yet", and for how long that is believed.

A create that is not idempotent is never repeated here; see `steps.add_secret` for the one there is.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from dataclasses import dataclass

from pbisetup.model.errors import Unreachable
from pbisetup.services.answer import Answer
from pbisetup.services.clock import Clock, Waits, count_down

BUDGET = 300.0
"""Seconds a step may wait for replication; Microsoft gives no promise (entra.md 3.1, 3.2)."""


@dataclass(frozen=True)
class NotYet:
    """An answer that a new object meets for a while. source: entra.md 3.1."""

    status: int
    pattern: str


NOT_YET = (
    NotYet(404, r"Request_ResourceNotFound|does not exist or one of its queried reference-property"),
    NotYet(400, r"does not reference a valid application object"),
    NotYet(403, r"must in the local tenant|must be in the local tenant"),
    NotYet(400, r"[Nn]ot a valid reference update"),
    NotYet(400, r"reference-property objects are not present"),
    NotYet(400, r"One or more property values specified are invalid"),
    NotYet(409, r"Directory_ConcurrencyViolation|ConcurrencyViolation"),
    NotYet(400, r"Failed to get service principal details from AAD"),  # Power BI before it knows a new object id: guess
)
PASSING = frozenset({500, 502, 503, 504})
ALREADY = re.compile(r"already ?exist", re.IGNORECASE)
GONE = re.compile(r"No (password )?credentials? found", re.IGNORECASE)
"""What removePassword says of a key id that is not there (one source); of removeKey: guess."""


def is_not_yet(answer: Answer) -> bool:
    """Whether the answer is one that goes away by itself shortly after a create."""
    text = f"{answer.service_code or ''} {answer.message}"
    return any(answer.status == rule.status and re.search(rule.pattern, text) for rule in NOT_YET)


def already_there(answer: Answer) -> bool:
    """Whether a refusal says that the wanted state exists: as good as done."""
    said = f"{answer.service_code or ''} {answer.message}"
    return answer.status in (400, 409) and bool(ALREADY.search(said))


def already_gone(answer: Answer) -> bool:
    """Whether a refusal of a removal says that there is nothing to remove: as good as done."""
    return answer.status == 404 or (answer.status == 400 and bool(GONE.search(answer.message)))


def repeat(
    call: Callable[[], Answer],
    what: str,
    clock: Clock,
    waits: Waits,
    *,
    budget: float = BUDGET,
    final: frozenset[int] = frozenset(),
    early: frozenset[int] = frozenset(),
) -> Answer:
    """Send an idempotent call until its answer is final: done, already there, refused for good, or out of time.

    `final`: statuses that are an answer here, whatever else they can mean shortly after a create; `early`: statuses that
    mean "not yet" here, whatever else they can mean.

    A connection that broke is tried again too: the effect is the same whether the first one arrived or not.
    """
    deadline = clock.monotonic() + budget
    pause, broken = 1.0, 0
    while True:
        try:
            answer = call()
        except Unreachable:
            broken += 1
            if broken > 2:
                raise
            answer = None
        if answer is not None and answer.status in final:
            return answer
        if answer is not None and not (is_not_yet(answer) or answer.status in (PASSING | early)):
            return answer
        left = deadline - clock.monotonic()
        if left <= 0:
            if answer is None:
                continue
            return answer
        jitter = random.uniform(0.8, 1.2)  # noqa: S311 - so that two runs do not march in step
        count_down(clock, waits, what, pause * jitter, deadline)
        pause = min(pause * 2, 30.0)
