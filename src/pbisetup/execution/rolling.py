"""Rotation by proof of possession: a certificate that the app has vouches for the next one, so that no right in Graph and
nobody's sign-in is needed (entra.md 1.8).
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from datetime import datetime, timedelta

from pbisetup.execution.applying import Job, Watcher, apply_plans
from pbisetup.execution.bench import Brought
from pbisetup.execution.converge import Hooks
from pbisetup.execution.converged import Converged
from pbisetup.execution.looking import Place
from pbisetup.execution.runner import Result
from pbisetup.model.errors import Unavailable
from pbisetup.model.facts import value_of
from pbisetup.model.manifest import Manifest
from pbisetup.model.plan import Action, Plan, Step
from pbisetup.model.tenant import Operator, StoredCredential, TenantInfo
from pbisetup.observe.session import Session, door_of
from pbisetup.planning.credential_steps import TITLES
from pbisetup.planning.rotation import ASKED, farewell, finishes, same_certificate
from pbisetup.services.app_sign_in import tokens as app_tokens
from pbisetup.services.certificate import NotReadable, read_pair
from pbisetup.services.clock import Clock, count_down
from pbisetup.services.journal import Journal
from pbisetup.services.network import Network
from pbisetup.services.stores.store import Store

WAITED = timedelta(hours=1)
"""A grace up to this is waited for; a longer one ends at the next run that finds it over."""


def rollable(store: Store) -> StoredCredential | None:
    """What the store holds, where it can vouch for its successor."""
    stored, credential = value_of(store.stored()), store.credential()
    if stored is None or stored.kind != "certificate" or not stored.note.application:
        return None
    return stored if credential is not None and credential.usable else None


@contextlib.contextmanager
def as_itself(network: Network, store: Store) -> Iterator[Session]:
    """The app, signed in with its own certificate. Raises Unavailable where it holds none that can vouch."""
    stored, credential = rollable(store), store.credential()
    if stored is None or credential is None:
        raise Unavailable(
            "PBI105",
            f"{store.name} holds no certificate that pbisetup put there, so the app cannot vouch for a new one itself",
            remedy="Sign in as somebody who may change the app: leave --operator out.",
        )
    door = door_of(network, app_tokens(network, credential), "app")
    app = Operator("service principal", "", credential.client_id, "certificate", credential.tenant_id)
    tenant = TenantInfo(credential.tenant_id, credential.tenant_id, credential.tenant_id)
    session = Session(network, tenant, app, door.graph, door.powerbi, door.fabric, None, None, door)
    try:
        yield session
    finally:
        session.close()


def roll(place: Place, manifest: Manifest, clock: Clock, hooks: Hooks, grace: timedelta | None) -> Converged:
    """Replace the certificate by its own word; the old one goes after `grace`, or, without one, at the next run."""
    journal, name = Journal(manifest.project_id), place.environment.name
    stored = rollable(place.store)
    assert stored is not None
    if place.brought is not None and _is_present(place.brought, stored):
        raise same_certificate(place.environment)
    plan = _plan(place, manifest, stored, journal, clock.now(), grace)
    done = Converged(place.environment, plan, place, credential=place.store.credential())
    hooks.plan([plan])
    if plan.own and not hooks.agreed([plan]):
        done.declined = True
        return done
    watcher = hooks.of(name)
    if not finishes(stored, journal.rotation(name)):
        journal.begin_rotation(name, stored.key_id or "none")
    job = Job(plan, place.store, watcher, place.brought, grace or timedelta(0))
    [result] = apply_plans(place.session, [job], journal, clock)
    done.results.append(result)
    done.error, done.credential = result.error, result.credential or done.credential
    if result.error is not None or result.interrupted or result.of("failed") or result.of("not run"):
        return done
    if grace is not None and grace <= WAITED and result.outputs.get("secret_retires"):
        if not waited_out(grace, clock, watcher):
            done.results.append(Result(name, (), {}, interrupted=True))
            return done
        renewed = rollable(place.store)
        assert renewed is not None
        gone = {outcome.step.id for outcome in result.of("done")}
        left = (step for step in _retired(renewed, clock.now()) if step.id not in gone)
        retirement = Plan(name, tuple(left), dict(plan.outputs))
        [last] = apply_plans(place.session, [Job(retirement, place.store, watcher)], journal, clock)
        done.results.append(last)
    journal.end_rotation(name)
    return done


def waited_out(grace: timedelta, clock: Clock, watcher: Watcher) -> bool:
    """Wait until the grace is over; False where the person stops it first, and the next run takes the old one off."""
    end = clock.monotonic() + grace.total_seconds()
    while not watcher.stopping():
        if (left := end - clock.monotonic()) <= 0:
            return True
        count_down(clock, watcher.waiting, "the old credential still works until then", min(left, 1.0), end)
    return False


def _is_present(brought: Brought, stored: StoredCredential) -> bool:
    """Whether the certificate that the manifest names is the one in use."""
    try:
        return read_pair(*brought).thumbprint == stored.thumbprint
    except NotReadable:
        return False


def _plan(
    place: Place,
    manifest: Manifest,
    stored: StoredCredential,
    journal: Journal,
    now: datetime,
    grace: timedelta | None,
) -> Plan:
    env = place.environment
    steps = []
    for key_id, label in journal.open_keys(env.name).items():
        if key_id == stored.key_id:
            journal.done(env.name, label)  # kept, and killed before that was said
        else:
            steps.append(
                _removal(stored, key_id, label, "an interrupted run of yours made it and nobody holds its key")
            )
    if finishes(stored, journal.rotation(env.name)):
        steps += _retired(stored, now)
    else:
        steps.append(_renewal(place, manifest, stored, grace))
        steps += _retired(stored, now, needs=("certificate",))
    outputs = {"tenant_id": stored.tenant_id, "client_id": stored.client_id, "app_object_id": stored.note.application}
    return Plan(env.name, tuple(steps), outputs)


def _renewal(place: Place, manifest: Manifest, stored: StoredCredential, grace: timedelta | None) -> Step:
    env = place.environment
    spec = env.credential
    params = {
        "app_object_id": stored.note.application,
        "days": spec.lifetime.days,
        "store": spec.store,
        "label": manifest.secret_label(env.name),
        "subject": manifest.display_name(env.name),
        "proved_first": True,
        "retires": [*([stored.key_id] if stored.key_id else []), *(old.key_id for old in stored.note.retiring)],
        "brought": place.brought is not None,
        "instead_of": stored.note.instead_of,
    }
    return Step(
        "certificate",
        "add",
        f"{TITLES['certificate']} for {spec.lifetime.days} days, kept in {place.store.name}",
        f"{ASKED}, and the present one vouches for it, so nobody has to sign in; {farewell(grace)}",
        Action("make_certificate", params),
        ("you",),
        True,
        takes="a few seconds until the token endpoint knows it",
        undo="remove the certificate from the app",
    )


def _retired(stored: StoredCredential, now: datetime, needs: tuple[str, ...] = ()) -> list[Step]:
    due = [old for old in stored.note.retiring if old.after <= now]
    return [_removal(stored, old.key_id, old.key_id, "another one has taken its place", needs) for old in due]


def _removal(stored: StoredCredential, key_id: str, label: str, why: str, needs: tuple[str, ...] = ()) -> Step:
    action = Action("remove_certificate", {"app_object_id": stored.note.application, "key_id": key_id})
    return Step(
        f"certificate-remove-{key_id}", "remove", f"Certificate {label!r}", why, action, ("you",), True, needs=needs
    )
