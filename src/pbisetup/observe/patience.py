"""Examining again while what was just changed may not act yet, each time from the start and with new tokens."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from pbisetup.catalog.wellknown import ADMISSION_CODE
from pbisetup.model.case import ANSWER, SEEN, TOKEN, Case
from pbisetup.model.facts import Known
from pbisetup.observe.engine import Ran
from pbisetup.services.clock import Clock, Waits, count_down

NOT_YET: Final = frozenset({700016, 7000215, 7000229, 700027, 70021, 700211, 700212, 700213, 70025})
"""Refusals that a brand-new app, service principal or credential meets for a while (entra.md 3.1)."""
TOKEN_PATIENCE: Final = 180
"""Seconds: measured replication of a new secret is 4 to 18 s, of a new app up to minutes (entra.md 3.1)."""
GROUPS: Final = "GET /v1.0/myorg/groups"
ADMIN: Final = "GET /v1.0/myorg/admin/capacities"


@dataclass(frozen=True)
class Patience:
    """How many seconds are waited for what."""

    token: int = 0
    access: int = 0
    """For a tenant setting, a group membership or a workspace role to act."""


def examine_patiently(look: Callable[[], Ran], patience: Patience, clock: Clock, waiting: Waits) -> Ran:
    """Look until what was changed acts, or the patience is at its end; the last look."""
    begun = clock.monotonic()
    pause = 1.0
    while True:
        ran = look()
        what = _young_credential(ran.case)
        limit = patience.token
        if what is None:
            what, limit = _young_access(ran.case), patience.access
            pause = max(pause, 10.0)
        deadline = begun + limit
        if what is None or clock.monotonic() >= deadline:
            return ran
        count_down(clock, waiting, what, pause, deadline)
        pause = min(pause * 1.6, 15.0)


def _young_credential(case: Case) -> str | None:
    attempt = case.value(TOKEN, "powerbi")
    if attempt is not None and not attempt.issued and NOT_YET.intersection(attempt.codes):
        return "the token endpoint does not know the new credential yet"
    return None


def _young_access(case: Case) -> str | None:
    answer = case.value(ANSWER, GROUPS)
    if answer is not None and answer.code == ADMISSION_CODE:
        return "the tenant setting does not act yet; Microsoft says up to 15 minutes"
    admin = case.value(ANSWER, ADMIN)
    if admin is not None and admin.status in (401, 403):
        return "the tenant setting for the admin APIs does not act yet; Microsoft says up to 15 minutes"
    seen = [fact.value for _, fact in case.each(SEEN) if isinstance(fact, Known)]
    if answer is not None and answer.ok and any(not each.visible for each in seen):
        return "the workspace role does not act yet; Microsoft says up to 15 minutes"
    return None
