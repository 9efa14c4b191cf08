"""Taking one environment away: look, plan, ask, remove; and once more where a refusal kept others waiting."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from pbisetup.execution.applying import Watcher
from pbisetup.execution.bench import Workbench
from pbisetup.execution.runner import Outcome, Result, Status, run
from pbisetup.model.belongings import Belongings
from pbisetup.model.errors import ExitCode
from pbisetup.model.manifest import Environment, Manifest
from pbisetup.model.plan import Plan, Step
from pbisetup.observe.belongings import belongings
from pbisetup.observe.session import Session
from pbisetup.planning.unmaking import plan_removal
from pbisetup.services.clock import Clock
from pbisetup.services.journal import Journal
from pbisetup.services.stores.store import Store


class Hooks(Protocol):
    """What the person sees and is asked."""

    def plan(self, plans: Sequence[Plan]) -> None: ...
    def agreed(self, plans: Sequence[Plan]) -> bool: ...


@dataclass
class Unmade:
    """What became of one environment."""

    environment: Environment
    seen: Belongings
    plan: Plan
    """As it was shown and agreed to."""
    results: list[Result] = field(default_factory=list)
    declined: bool = False

    @property
    def outcomes(self) -> tuple[Outcome, ...]:
        """Each step as it ended last; a membership that was refused has gone with the app, if that has gone."""
        last = {outcome.step.id: outcome for result in self.results for outcome in result.outcomes}
        gone = "delete-app" in last and last["delete-app"].status == "done"
        return tuple(o for o in last.values() if not (gone and o.status != "done" and _is_membership(o.step)))

    def of(self, status: Status) -> tuple[Outcome, ...]:
        return tuple(outcome for outcome in self.outcomes if outcome.status == status)

    @property
    def interrupted(self) -> bool:
        return any(result.interrupted for result in self.results)

    @property
    def exit_code(self) -> ExitCode:
        """The worst that happened: stopped, failed in part, left to somebody else, all gone."""
        if self.interrupted:
            return ExitCode.INTERRUPTED
        if self.of("failed") or self.of("not run"):
            return ExitCode.PARTIAL
        return ExitCode.HANDOFF if self.of("handed off") else ExitCode.OK


def _is_membership(step: Step) -> bool:
    return step.action is not None and step.action.kind == "remove_group_member"


def unmake(
    session: Session,
    manifest: Manifest,
    environment: Environment,
    store: Store,
    clock: Clock,
    hooks: Hooks,
    watcher: Watcher,
    *,
    purge: bool = False,
    only_credential: bool = False,
) -> Unmade:
    """Remove what is this environment's and what this operator may; says what stays, and who could remove the rest.

    Raises PbisetupError, before anything is removed, where an app stands in its place that is not proved to be its own.
    """
    seen = belongings(session, manifest, environment, store)
    plan = plan_removal(manifest, environment, seen, purge=purge, only_credential=only_credential)
    done = Unmade(environment, seen, plan)
    hooks.plan([plan])
    if plan.own and not hooks.agreed([plan]):
        done.declined = True
        return done
    journal = Journal(manifest.project_id)
    # What was agreed to is run a second time only where a refusal kept steps waiting that need not wait for others.
    for _ in range(2):
        bench = Workbench(session, plan.environment, journal, clock, watcher.waiting, None, kept=store)
        result = run(_without_done(plan, done), bench, watcher, watcher.stopping)
        done.results.append(result)
        refused = frozenset(o.step.id for o in result.of("handed off") if o.error is not None)
        waiting = any(o.error is None and o.step.allowed is not False for o in result.of("handed off"))
        if result.interrupted or result.of("failed") or not (refused and waiting):
            break
        seen = replace(seen, refused=refused)
        plan = plan_removal(manifest, environment, seen, purge=purge, only_credential=only_credential)
    if not only_credential:
        _tidy(journal, environment.name, done)
    return done


def _without_done(plan: Plan, done: Unmade) -> Plan:
    """The plan without the steps that are done, and without the roles that are told to be somebody else's: nothing waits for
    those any more.
    """
    over = {o.step.id for o in done.of("done")}
    over |= {o.step.id for o in done.of("handed off") if o.step.id.startswith("role-") and o.step.allowed is False}
    left = (replace(s, needs=tuple(n for n in s.needs if n not in over)) for s in plan.steps if s.id not in over)
    return replace(plan, steps=tuple(left))


def _tidy(journal: Journal, environment: str, done: Unmade) -> None:
    """Leave nothing in the journal that is about an app that is gone, nor about steps that only this run knows."""
    gone = {"delete-app", "tags"} & {outcome.step.id for outcome in done.of("done")}
    if gone or done.plan.outputs.get("app_object_id") is None:
        journal.close(environment)
        return
    for outcome in done.of("handed off"):
        journal.granted(environment, outcome.step.id)
