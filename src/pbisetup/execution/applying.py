"""Running a plan with what it needs: a store that was proved writable where a secret is made, and the journal."""

from __future__ import annotations

from typing import Protocol

from pbisetup.execution.bench import Workbench
from pbisetup.execution.runner import Reporter, Result, run
from pbisetup.model.plan import Plan
from pbisetup.observe.session import Session
from pbisetup.services.clock import Clock
from pbisetup.services.journal import Journal
from pbisetup.services.secret_store import Store


class Watcher(Reporter, Protocol):
    """Hears what happens and what is waited for, and can stop it."""

    def waiting(self, what: str, seconds_left: int) -> None: ...
    def stopping(self) -> bool: ...


def apply_plan(session: Session, plan: Plan, store: Store, journal: Journal, clock: Clock, watcher: Watcher) -> Result:
    """Run what this operator may of the plan. Raises StoreError before the first write where a secret could not be kept."""
    makes_secret = any(step.action is not None and step.action.kind == "add_secret" for step in plan.own)
    opened = store.open() if makes_secret else None
    bench = Workbench(session, plan.environment, journal, clock, watcher.waiting, opened)
    try:
        return run(plan, bench, watcher, watcher.stopping)
    finally:
        if opened is not None:
            opened.close()
