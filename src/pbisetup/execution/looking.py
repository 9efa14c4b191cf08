"""Looking at environments, and the plans that follow: side by side, with one shared look at each tenant."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from pbisetup.execution.applying import MOST
from pbisetup.execution.bench import Brought
from pbisetup.model.errors import Evidence, PbisetupError
from pbisetup.model.facts import Fact, Known, Unknown, value_of
from pbisetup.model.manifest import Environment, Manifest
from pbisetup.model.plan import Plan
from pbisetup.model.snapshot import Snapshot
from pbisetup.model.tenant import BroughtCertificate
from pbisetup.observe.admission import AsSeen
from pbisetup.observe.app_view import with_apps_view
from pbisetup.observe.environment import observe
from pbisetup.observe.session import Session
from pbisetup.observe.tenant_view import TenantView
from pbisetup.planning.arranging import groups_let_in
from pbisetup.planning.held import keys_of
from pbisetup.planning.planner import DeletedChoice, plan_environment
from pbisetup.services.certificate import NotReadable, read_pair
from pbisetup.services.clock import Clock
from pbisetup.services.journal import Journal
from pbisetup.services.side_by_side import side_by_side
from pbisetup.services.stores.store import Store


@dataclass(frozen=True)
class Place:
    """An environment, who is signed in to its tenant, and where its credential is kept."""

    session: Session
    environment: Environment
    store: Store
    brought: Brought | None = None
    """The certificate that the manifest names, and its password."""


@dataclass(frozen=True)
class Looked:
    """What was seen and what follows from it, or why nothing could be seen."""

    place: Place
    snapshot: Snapshot | None = None
    plan: Plan | None = None
    error: PbisetupError | None = None


def look(
    session: Session,
    manifest: Manifest,
    environment: Environment,
    store: Store,
    clock: Clock,
    *,
    heed_refusals: bool = False,
) -> tuple[Snapshot, Plan]:
    """One look at one environment and the plan that follows from it; changes nothing. Raises what `observe` raises."""
    [found] = look_all([Place(session, environment, store)], manifest, clock, heed_refusals=heed_refusals)
    if found.error is not None:
        raise found.error
    assert found.snapshot is not None
    assert found.plan is not None
    return found.snapshot, found.plan


def look_all(places: Sequence[Place], manifest: Manifest, clock: Clock, *, heed_refusals: bool = False) -> list[Looked]:
    """One look at each, side by side; changes nothing. What one lacks does not stop the others: it has its error.

    With `heed_refusals`, a step that was tried and refused before counts as somebody else's.
    """
    views = views_of(places)
    looks = (partial(_look, place, views[id(place.session)], manifest, clock, heed_refusals) for place in places)
    return side_by_side(*looks, most=MOST)


def views_of(places: Sequence[Place]) -> dict[int, TenantView]:
    """A new look at each tenant, by the id of its session."""
    return {id(place.session): TenantView(place.session) for place in places}


def _look(place: Place, view: TenantView, manifest: Manifest, clock: Clock, heed_refusals: bool) -> Looked:
    try:
        snapshot, plan = see(place, view, manifest, clock, heed_refusals=heed_refusals)
    except PbisetupError as error:
        return Looked(place, error=error)
    return Looked(place, snapshot, plan)


def see(
    place: Place,
    view: TenantView,
    manifest: Manifest,
    clock: Clock,
    *,
    told: AsSeen | None = None,
    heed_refusals: bool = False,
    spared: frozenset[str] = frozenset(),
) -> tuple[Snapshot, Plan]:
    """One environment through a shared look at its tenant. Raises what `observe` raises.

    `spared`: key ids of credentials that this run has replaced; they stay for this run.
    """
    snapshot = look_at(place, view, manifest)
    snapshot = replace(snapshot, spared=spared)
    journal, name = Journal(manifest.project_id), place.environment.name
    snapshot = with_apps_view(place.session, place.environment, place.store, snapshot)
    if told is not None:
        snapshot = _with_answers(snapshot, told)
    if heed_refusals:
        snapshot = replace(snapshot, refused=journal.refused_steps(name))
    return with_who_else(view, manifest, place.environment, snapshot, clock)


def look_at(place: Place, view: TenantView, manifest: Manifest, *, rotates: bool = False) -> Snapshot:
    """One environment as it is seen, with the certificate that the manifest names. Raises what `observe` raises."""
    journal, name = Journal(manifest.project_id), place.environment.name
    seen = observe(view, manifest, place.environment, place.store, journal.open_intents(name), rotates=rotates)
    seen = replace(seen, retiring=journal.retiring(name), journalled=seen.journalled - _closed(journal, name, seen))
    return seen if place.brought is None else replace(seen, brought=_brought(place.brought))


def _closed(journal: Journal, environment: str, seen: Snapshot) -> frozenset[str]:
    """Begun credentials that are in the store by its own note: a run that was killed then had only this left to say.

    Left open, such a one would count as nobody's once the next has taken its place, and lose its time of grace.
    """
    stored, app = value_of(seen.stored), value_of(seen.app)
    key_id = (stored.key_id or "").lower() if stored else ""
    kept = {key.display_name for key in keys_of(app) if key_id and key.key_id.lower() == key_id} & seen.journalled
    for name in kept:
        journal.done(environment, name)
    return frozenset(kept)


def _brought(brought: Brought) -> Fact[BroughtCertificate]:
    path, password = brought
    try:
        pair = read_pair(path, password)
    except NotReadable as error:
        return Unknown(f"the certificate {path.name} {error}", Evidence(path.name, "local", str(error)))
    evidence = Evidence(path.name, "local", f"thumbprint {pair.thumbprint}")
    return Known(BroughtCertificate(pair.thumbprint, pair.ends), evidence)


def _with_answers(seen: Snapshot, told: AsSeen) -> Snapshot:
    """The same look with what the app's own token told since, which outweighs what a look without one could tell."""
    facts: dict[str, Any] = {
        "admitted": told.admitted,
        "app_capacities": told.capacities,
        "admitted_by": {**seen.admitted_by, **told.admitted_by},
    }
    return replace(seen, **{name: fact for name, fact in facts.items() if not isinstance(fact, Unknown)})


def with_who_else(
    view: TenantView,
    manifest: Manifest,
    environment: Environment,
    snapshot: Snapshot,
    clock: Clock,
    deleted: DeletedChoice | None = None,
) -> tuple[Snapshot, Plan]:
    """The plan, and the snapshot with who is in the groups that the plan would let in as a whole."""
    plan = plan_environment(manifest, environment, snapshot, clock.now(), deleted)
    if let_in := groups_let_in(plan):
        principal = value_of(snapshot.service_principal)
        besides = principal.object_id if principal else None
        snapshot = replace(snapshot, who_else={group: view.who_else(group, besides) for group in let_in})
        plan = plan_environment(manifest, environment, snapshot, clock.now(), deleted)
    return snapshot, plan
