"""Running plans with what they need: a store that was proved writable where a secret is made, the journal, each other.

The plans of one tenant run side by side. What they share is made once, and the tenant settings are written at the end,
all of them together.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Protocol

from pbisetup.execution.bench import Brought, Shared, Workbench
from pbisetup.execution.runner import Course, Reporter, Result, filled, judged
from pbisetup.execution.settings_desk import write_settings
from pbisetup.execution.steps_powerbi import setting_change
from pbisetup.model.errors import StoreError
from pbisetup.model.plan import Plan, Step
from pbisetup.observe.session import Session
from pbisetup.services.clock import Clock
from pbisetup.services.journal import Journal
from pbisetup.services.side_by_side import side_by_side
from pbisetup.services.stores.store import OpenStore, Store

MAKERS = frozenset({"add_secret", "make_certificate", "keep_certificate", "keep_ids"})
"""Actions after which something is kept."""
MOST = 24
"""Environments that are worked on at once."""


class Watcher(Reporter, Protocol):
    """Hears what happens and what is waited for, and can stop it."""

    def waiting(self, what: str, seconds_left: int) -> None: ...
    def stopping(self) -> bool: ...


@dataclass(frozen=True)
class Job:
    """One plan to be run, where its secret goes, and who hears of it."""

    plan: Plan
    store: Store
    watcher: Watcher
    brought: Brought | None = None
    grace: timedelta = timedelta(0)
    """How long a credential stays on the app after another one has taken its place."""


def apply_plan(session: Session, plan: Plan, store: Store, journal: Journal, clock: Clock, watcher: Watcher) -> Result:
    """Run what this operator may of the plan. Raises StoreError before the first write where a secret could not be kept."""
    [result] = apply_plans(session, [Job(plan, store, watcher)], journal, clock)
    if result.error is not None:
        raise result.error
    return result


def apply_plans(session: Session, jobs: Sequence[Job], journal: Journal, clock: Clock) -> list[Result]:
    """Run what this operator may of the plans of one tenant, side by side; a result for each.

    Where a secret could not be kept nothing of that plan is tried: its result has the error.
    """
    shared = Shared()
    with contextlib.ExitStack() as stack:
        results: dict[int, Result] = {}
        courses: dict[int, Course] = {}
        for number, job in enumerate(jobs):
            try:
                store = _opened(job, journal, stack)
            except StoreError as error:
                results[number] = Result(job.plan.environment, (), dict(job.plan.outputs), error=error)
            else:
                courses[number] = _course(session, job, journal, clock, store, shared)
        side_by_side(*(partial(_early, course) for course in courses.values()), most=MOST)
        _settings(session, list(courses.values()), clock)
        results |= {number: course.result() for number, course in courses.items()}
    return [results[number] for number in range(len(jobs))]


def _opened(job: Job, journal: Journal, stack: contextlib.ExitStack) -> OpenStore | None:
    """The store, open for a credential, where the plan keeps something. Raises StoreError."""
    if not any(step.action is not None and step.action.kind in MAKERS for step in job.plan.own):
        return None
    journal.prove()
    store = job.store.open()
    stack.callback(store.close)
    return store


def _early(course: Course) -> None:
    course.run(step for step in course.plan.changes if not _is_setting(step))


def _course(
    session: Session, job: Job, journal: Journal, clock: Clock, store: OpenStore | None, shared: Shared
) -> Course:
    watcher = job.watcher
    bench = Workbench(
        session,
        job.plan.environment,
        journal,
        clock,
        watcher.waiting,
        store,
        shared,
        kept=job.store,
        brought=job.brought,
        grace=job.grace,
        stopping=watcher.stopping,
    )
    return Course(job.plan, bench, watcher, watcher.stopping)


def _is_setting(step: Step) -> bool:
    return step.action is not None and step.action.kind == "update_tenant_setting"


def _settings(session: Session, courses: Sequence[Course], clock: Clock) -> None:
    """The tenant settings of all, written together: each environment alone would undo what another wrote."""
    due: list[tuple[Course, Step]] = [
        (course, step)
        for course in courses
        for step in course.plan.changes
        if _is_setting(step) and course.held_back(step) is None
    ]
    if not due:
        return
    changes = [setting_change(filled(step, course.bench)) for course, step in due]
    for course, step in due:
        course.started(step)
    told = write_settings(session, changes, clock, due[0][0].bench.waits)
    for (course, step), change in zip(due, changes, strict=True):
        course.ended(judged(step, course.bench, told[change]))
