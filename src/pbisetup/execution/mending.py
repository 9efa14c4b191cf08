"""Making the changes that mend an app: what `doctor --fix` applies once the person has agreed to it."""

from __future__ import annotations

from pbisetup.execution.applying import Watcher, apply_plan
from pbisetup.execution.runner import Result
from pbisetup.model.manifest import Manifest
from pbisetup.model.plan import Plan
from pbisetup.observe.session import Session
from pbisetup.services.clock import Clock
from pbisetup.services.journal import Journal
from pbisetup.services.stores.store import Store


def apply_fixes(session: Session, manifest: Manifest, plan: Plan, store: Store, clock: Clock, hooks: Watcher) -> Result:
    """Apply a plan that `planning.mending.mend` made; `manifest` is the one that it was made with, whose journal is kept.

    Raises StoreError before the first write where a secret could not be kept. What a step meets does not raise: its
    outcome says it. The examination that follows has to begin from the start, because what was seen is no longer so.
    """
    return apply_plan(session, plan, store, Journal(manifest.project_id), clock, hooks)
