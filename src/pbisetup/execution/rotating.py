"""Rotation of one environment's credential: look, plan, ask, replace, prove, wait out the grace, remove the old one."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from pbisetup.execution.applying import Job, apply_plans
from pbisetup.execution.converge import Hooks
from pbisetup.execution.converged import Converged
from pbisetup.execution.looking import Place, look_at, views_of
from pbisetup.execution.rolling import WAITED, as_itself, roll, rollable, waited_out
from pbisetup.execution.runner import Result
from pbisetup.model.errors import StoreError
from pbisetup.model.facts import Unknown, value_of
from pbisetup.model.manifest import Manifest
from pbisetup.model.plan import Plan
from pbisetup.model.snapshot import Snapshot
from pbisetup.planning.rotation import finishes, plan_retirement, plan_rotation
from pbisetup.services.clock import Clock
from pbisetup.services.journal import Journal


def rotate_credential(
    place: Place, manifest: Manifest, clock: Clock, hooks: Hooks, grace: timedelta | None
) -> Converged:
    """Replace the credential; the old one goes after `grace`, or, without one, at the next run.

    Raises what `observe` raises, UsageError where there is nothing to rotate, and StoreError before anything is made where
    the new one could not be kept.
    """
    journal, name = Journal(manifest.project_id), place.environment.name
    seen = _seen(place, manifest)
    begun = journal.rotation(name)
    plan = plan_rotation(manifest, place.environment, seen, clock.now(), begun, grace)
    done = Converged(place.environment, plan, place, credential=place.store.credential())
    if any(step.allowed is False for step in plan.changes) and rollable(place.store):
        # Who signed in may not, and need not: the certificate vouches for its successor.
        with as_itself(place.session.network, place.store) as session:
            return roll(replace(place, session=session), manifest, clock, hooks, grace)
    hooks.plan([plan])
    if plan.own and not hooks.agreed([plan]):
        done.declined = True
        return done
    watcher = hooks.of(name)
    stored = value_of(seen.stored)
    if not finishes(stored, begun) and plan.own:
        journal.begin_rotation(name, stored.key_id if stored and stored.key_id else "none")
    job = Job(plan, place.store, watcher, place.brought, grace or timedelta(0))
    result = _run(place, job, journal, clock)
    done.results.append(result)
    done.credential = result.credential or done.credential
    if result.error is not None:
        done.error = result.error
        journal.end_rotation(name)
        return done
    whole = not (result.interrupted or result.of("failed") or result.of("not run") or result.of("handed off"))
    if not whole:
        return done
    if grace is not None and grace <= WAITED and result.outputs.get("secret_retires"):
        if not waited_out(grace, clock, watcher):
            done.results.append(Result(name, (), {}, interrupted=True))
            return done
        seen = _seen(place, manifest)
        if isinstance(seen.stored, Unknown) and place.environment.credential.store != "stdout":
            done.error = _unread(place, seen.stored)
            return done
        done.results.append(_retire(place, manifest, seen, journal, clock, hooks))
    journal.end_rotation(name)
    return done


def _seen(place: Place, manifest: Manifest) -> Snapshot:
    return look_at(place, views_of([place])[id(place.session)], manifest, rotates=True)


def _unread(place: Place, seen: Unknown) -> StoreError:
    """What a store holds that does not answer is not known, and nothing is removed on a guess."""
    told = (seen.evidence,) if seen.evidence else ()
    return StoreError(
        "PBI119",
        f"the new credential is in {place.store.name}, and the old one is still on the app: {seen.reason}",
        remedy="Run again when it answers; the old one is removed then.",
        evidence=told,
    )


def _retire(place: Place, manifest: Manifest, seen: Snapshot, journal: Journal, clock: Clock, hooks: Hooks) -> Result:
    """Take off the app what was replaced and is due, as it is seen now."""
    plan: Plan = plan_retirement(manifest, place.environment, seen, clock.now())
    return _run(place, Job(plan, place.store, hooks.of(place.environment.name)), journal, clock)


def _run(place: Place, job: Job, journal: Journal, clock: Clock) -> Result:
    [result] = apply_plans(place.session, [job], journal, clock)
    return result
