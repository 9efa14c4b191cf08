"""What `rotate` does about one environment: a new credential in the place of the old. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

from pbisetup.model.errors import Unavailable, UsageError
from pbisetup.model.facts import value_of
from pbisetup.model.manifest import Environment, Manifest
from pbisetup.model.plan import Plan, Step
from pbisetup.model.snapshot import Snapshot
from pbisetup.model.tenant import AppRegistration, StoredCredential
from pbisetup.planning.credential_steps import credential, new_credential, retired, wish
from pbisetup.planning.held import held_credential, keys_of, made_for
from pbisetup.planning.situation import Situation
from pbisetup.planning.wanted import is_service_app

ASKED = "you asked for a new one"


def plan_rotation(
    manifest: Manifest,
    environment: Environment,
    snapshot: Snapshot,
    now: datetime,
    replaced: str | None = None,
    grace: timedelta | None = None,
) -> Plan:
    """A new credential and what becomes of those before it; nothing else of the environment.

    `replaced`: the key id that an interrupted rotation set out to replace: where the store holds another one by now, that
    rotation is finished instead of beginning one more. Raises UsageError where there is nothing to rotate, and Unavailable
    where there is no app yet.
    """
    s = Situation(manifest, environment, snapshot, now)
    app = _rotatable(s)
    steps = list(_steps(s, replaced, grace))
    outputs = {"tenant_id": snapshot.tenant.id, "app_object_id": app.object_id, "client_id": app.client_id}
    if s.sp:
        outputs["sp_object_id"] = s.sp.object_id
    return Plan(environment.name, tuple(steps), outputs)


def plan_retirement(manifest: Manifest, environment: Environment, snapshot: Snapshot, now: datetime) -> Plan:
    """Only the removal of what was replaced and whose grace is over."""
    s = Situation(manifest, environment, snapshot, now)
    app = _rotatable(s)
    held, _ = held_credential(manifest, environment, snapshot, now, wish(s).kind)
    steps = tuple(retired(s, held)) if held else ()
    return Plan(environment.name, steps, {"tenant_id": snapshot.tenant.id, "app_object_id": app.object_id})


def finishes(stored: StoredCredential | None, replaced: str | None) -> bool:
    """Whether an interrupted rotation had got as far as the store, so that only its end is left to do."""
    return replaced is not None and stored is not None and stored.key_id not in (None, replaced)


def _rotatable(s: Situation) -> AppRegistration:
    name = s.env.name
    if not is_service_app(s.env):
        raise UsageError("PBI104", f"people sign in to the app of {name!r}: it has no credential to rotate")
    if s.env.credential.kind == "federated":
        raise UsageError(
            "PBI104",
            f"the app of {name!r} trusts an issuer and has no credential to rotate; the issuer changes its keys itself",
            remedy="Whom it trusts is changed in the manifest, and made so by `pbisetup apply`.",
        )
    brought, stored = value_of(s.seen.brought), value_of(s.seen.stored)
    if brought is not None and stored is not None and stored.thumbprint == brought.thumbprint and s.app is not None:
        raise same_certificate(s.env)
    if s.app is None:
        raise Unavailable("PBI105", f"the app of {name!r} does not exist yet", command=f"pbisetup apply {name}")
    return s.app


def same_certificate(environment: Environment) -> UsageError:
    """The error for a rotation of a certificate that was brought, where no other one has been brought."""
    return UsageError(
        "PBI104",
        f"{environment.credential.file} holds the certificate that is in use: there is no other one to take its place",
        remedy="Put another certificate into the file: `pbisetup apply` gives it to the app and takes the present one off.",
        command=f"pbisetup apply {environment.name}",
    )


def _steps(s: Situation, replaced: str | None, grace: timedelta | None) -> Iterator[Step]:
    usual = list(credential(s))
    wanted = wish(s)
    current = next((step for step in usual if step.id == wanted.kind), None)
    if finishes(value_of(s.seen.stored), replaced) and current is not None and current.change == "keep":
        yield Step(current.id, "keep", current.title, f"an interrupted rotation had made it already; {current.why}")
        yield from (step for step in usual if step is not current)
        return
    if current is not None and current.change == "leave":
        yield current
        return
    others = [step for step in usual if step is not current]
    # A stray that an interrupted run left goes first; what was replaced earlier goes once the new one is proved.
    strays = [step for step in others if wanted.kind not in step.needs and _is_stray(s, step)]
    yield from strays
    yield _added(s, grace)
    yield from (_after(step, wanted.kind) for step in others if step not in strays)


def _added(s: Situation, grace: timedelta | None) -> Step:
    wanted = wish(s)
    held, why = held_credential(s.manifest, s.env, s.seen, s.now, wanted.kind)
    step = new_credential(s, wanted, f"{ASKED}; {farewell(grace)}" if held else f"{ASKED}; {why}")
    if held is not None and not made_for(s.manifest, s.env, held):
        return replace(step, why=f"{ASKED}; the present one, which pbisetup did not make, stays on the app")
    return step


def farewell(grace: timedelta | None) -> str:
    """What becomes of the present credential, as a clause."""
    if grace is None:
        return "the present one still works until the next `pbisetup apply` or `pbisetup rotate`"
    if not grace:
        return "the present one goes as soon as the new one is proved and stored"
    minutes = round(grace.total_seconds() / 60)
    words = (
        f"{minutes // 1440} days"
        if minutes >= 2880
        else f"{minutes // 60} hours"
        if minutes >= 120
        else f"{minutes} minutes"
    )
    return f"the present one still works for {words if minutes else f'{grace.seconds} seconds'}"


def _is_stray(s: Situation, step: Step) -> bool:
    key_id = str(step.action.params.get("key_id")) if step.action else ""
    return any(key.key_id == key_id and key.display_name in s.seen.journalled for key in keys_of(s.app))


def _after(step: Step, first: str) -> Step:
    return replace(step, needs=tuple(dict.fromkeys((*step.needs, first)))) if step.change == "remove" else step
