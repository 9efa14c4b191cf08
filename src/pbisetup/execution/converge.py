"""Making environments so: look, plan, ask, apply, and look again where only the app's own token shows what is left.

Several environments go side by side, also those of several tenants; the rounds are theirs together, so that one look at a
tenant serves all of its environments and one question asks about all that is going to change.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Protocol

from pbisetup.execution.applying import MOST, Job, Watcher, apply_plans
from pbisetup.execution.converged import Converged
from pbisetup.execution.looking import Place, see, views_of, with_who_else
from pbisetup.execution.proving import admissions, proof_with
from pbisetup.execution.runner import Result
from pbisetup.model.errors import PbisetupError, UsageError
from pbisetup.model.facts import Known
from pbisetup.model.manifest import Manifest
from pbisetup.model.plan import Plan
from pbisetup.model.snapshot import Snapshot
from pbisetup.observe.admission import AsSeen
from pbisetup.observe.session import Session
from pbisetup.observe.tenant_view import TenantView
from pbisetup.planning.planner import DeletedChoice
from pbisetup.services.clock import Clock
from pbisetup.services.journal import Journal
from pbisetup.services.side_by_side import side_by_side

ROUNDS = 4


class Hooks(Protocol):
    """What the person sees and is asked. Only `of` is used from several threads."""

    def plan(self, plans: Sequence[Plan]) -> None: ...
    def agreed(self, plans: Sequence[Plan]) -> bool: ...
    def deleted_app(self, environment: str) -> DeletedChoice | None: ...
    def of(self, environment: str) -> Watcher:
        """Who hears what happens to this environment."""
        ...


class _Way:
    """One environment on its way."""

    def __init__(self, place: Place) -> None:
        environment = place.environment
        self.place = place
        self.done = Converged(environment, Plan(environment.name, ()), place, credential=place.store.credential())
        self.snapshot: Snapshot | None = None
        self.told: AsSeen | None = None
        self.deleted: DeletedChoice | None = None
        self.over = False
        self._known: frozenset[tuple[str, bool | None]] = frozenset()

    @property
    def spared(self) -> frozenset[str]:
        """Credentials that this run has replaced."""
        told = (result.outputs.get("secret_retires", "") for result in self.done.results)
        return frozenset(key_id for each in told for key_id in each.split(",") if key_id)

    def is_news(self) -> bool:
        """Whether this round's plan holds anything that the one before did not: the app's token may have told that all is
        right, or nothing at all.
        """
        known, self._known = self._known, frozenset((step.id, step.allowed) for step in self.done.plan.changes)
        return bool(self._known - known)

    def failed(self, error: PbisetupError) -> None:
        self.done.error, self.over = error, True


def converge(places: Sequence[Place], manifest: Manifest, clock: Clock, hooks: Hooks) -> list[Converged]:
    """Apply what these operators may, in rounds: what nobody signed in can see is decided once the app has a token.

    What one environment lacks does not stop the others: it has its error.
    """
    ways = [_Way(place) for place in places]
    for round_ in range(ROUNDS):
        going = [way for way in ways if not way.over]
        if not going:
            break
        views = views_of([way.place for way in going])
        side_by_side(*(partial(_look, way, views[id(way.place.session)], manifest, clock) for way in going), most=MOST)
        for way in going:
            _choose(way, views[id(way.place.session)], manifest, clock, hooks)
            news = way.is_news()
            way.over = way.over or (round_ > 0 and not news)
        going = [way for way in going if not way.over]
        plans = [way.done.plan for way in going]
        hooks.plan(plans)
        if any(plan.own for plan in plans) and not hooks.agreed(plans):
            for way in going:
                way.done.declined = way.over = True
            break
        _apply(going, manifest, clock, hooks)
    return [way.done for way in ways]


def _look(way: _Way, view: TenantView, manifest: Manifest, clock: Clock) -> None:
    try:
        way.snapshot, way.done.plan = see(way.place, view, manifest, clock, told=way.told, spared=way.spared)
        way.done.credential = proof_with(way.place, way.snapshot, way.done.credential)
    except PbisetupError as error:
        way.failed(error)


def _choose(way: _Way, view: TenantView, manifest: Manifest, clock: Clock, hooks: Hooks) -> None:
    """What becomes of a deleted app that still holds the unique name; an error where nobody says."""
    seen, environment = way.snapshot, way.place.environment
    if way.over or way.deleted is not None or seen is None or not isinstance(seen.deleted_app, Known):
        return
    way.deleted = hooks.deleted_app(environment.name)
    if way.deleted is None:
        name = environment.name
        way.failed(
            UsageError(
                "PBI903",
                f"an app registration of {name!r} was deleted less than 30 days ago and still holds its unique name",
                remedy="--deleted-app restore brings it back, --deleted-app purge removes it for good.",
            )
        )
        return
    way.snapshot, way.done.plan = with_who_else(view, manifest, environment, seen, clock, way.deleted)


def _apply(ways: Sequence[_Way], manifest: Manifest, clock: Clock, hooks: Hooks) -> None:
    """Run the plans, tenant by tenant at once, and find out what only the app's token tells."""
    by_session: dict[int, list[_Way]] = {}
    for way in ways:
        by_session.setdefault(id(way.place.session), []).append(way)
    journal = Journal(manifest.project_id)

    def tenant(own: list[_Way]) -> list[Result]:
        jobs = [
            Job(way.done.plan, way.place.store, hooks.of(way.place.environment.name), way.place.brought) for way in own
        ]
        return apply_plans(own[0].place.session, jobs, journal, clock)

    for own, results in zip(
        by_session.values(), side_by_side(*(partial(tenant, own) for own in by_session.values())), strict=True
    ):
        for way, result in zip(own, results, strict=True):
            _note(way, result, journal)
    asking = [way for way in ways if not way.over and way.done.plan.undecided]
    side_by_side(*(partial(_ask, way, clock, hooks) for way in asking), most=MOST)


def _note(way: _Way, result: Result, journal: Journal) -> None:
    if result.error is not None:
        way.failed(result.error)
        return
    way.done.results.append(result)
    if result.credential is not None and way.snapshot is not None:
        way.done.credential = proof_with(way.place, way.snapshot, result.credential)
    if not (result.interrupted or result.of("failed") or result.of("not run")):
        journal.end_rotation(way.place.environment.name)
    more = way.done.plan.undecided or way.done.plan.again
    way.over = result.interrupted or bool(result.of("failed")) or not more


def _ask(way: _Way, clock: Clock, hooks: Hooks) -> None:
    """With the app's own token, whether what nobody could see is needed. Over where that does not tell, either."""
    just_made = bool(way.done.results) and way.done.results[-1].credential is not None
    waiting = hooks.of(way.place.environment.name).waiting
    way.told = admissions(way.place, way.done.credential, clock, waiting, just_made=just_made)
    way.over = way.told is None


def visible_workspaces(session: Session) -> Sequence[tuple[str, str]]:
    """(id, name) of the workspaces that the operator can see, in the API's order; empty where they cannot be read."""
    answer = session.powerbi.get("/v1.0/myorg/groups")
    listed = answer.objects if answer.ok else []
    return [(str(w.get("id")), str(w.get("name"))) for w in listed]
