"""Taking an environment away: manifest and belongings to a plan of removals. Only what is proved ours goes. Pure.

An app is ours by its uniqueName and its tag together; a group by its uniqueName. An app that was made by hand and taken over
bears a tag that says so: what was bound to it is taken off again, and the app stays.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from pbisetup.model.belongings import Belongings
from pbisetup.model.manifest import Environment, Manifest
from pbisetup.model.plan import Plan, Step
from pbisetup.planning.removal import Removal
from pbisetup.planning.unmaking_app import (
    adopted_app,
    credential,
    credential_alone,
    deleted_app,
    named_app,
    own_app,
    shared_app,
)
from pbisetup.planning.unmaking_groups import group_steps, setting_words
from pbisetup.planning.unmaking_roles import membership_steps, role_steps
from pbisetup.planning.unmaking_words import quoted


def plan_removal(
    manifest: Manifest,
    environment: Environment,
    seen: Belongings,
    *,
    purge: bool = False,
    only_credential: bool = False,
) -> Plan:
    """Everything of this environment that goes, in order, and a word on all that stays; or its credential alone.

    Raises PbisetupError where an app stands in its place that is not proved to be its own.
    """
    s = Removal(manifest, environment, seen, purge, only_credential)
    outputs = {"tenant_id": seen.tenant.id}
    if s.app:
        outputs |= {"app_object_id": s.app.object_id, "client_id": s.app.client_id}
    if s.sp_id:
        outputs["sp_object_id"] = s.sp_id
    return Plan(environment.name, tuple(_heeding_refusals(s, step) for step in _steps(s)), outputs)


def _steps(s: Removal) -> Iterator[Step]:
    ownership = s.ownership
    if s.only_credential:
        yield from credential_alone(s)
        return
    roles = list(role_steps(s))
    memberships = list(membership_steps(s))
    yield from roles
    yield from memberships
    if s.keepers:
        yield from shared_app(s)
    elif ownership == "own":
        # A membership that could not be removed goes with the app; a role would stay.
        yield from own_app(s, _possible(roles))
    elif ownership == "adopted":
        yield from adopted_app(s, _possible([*roles, *memberships]))
    elif ownership == "named":
        yield from named_app(s)
    yield from credential(s)
    yield from deleted_app(s)
    yield from group_steps(s)
    yield from setting_words(s)
    if keys := [spec.key for spec in s.env.workspaces]:
        what = f"Workspace{'s' if len(keys) > 1 else ''} {quoted(keys)}"
        yield Step("workspaces", "leave", what, "a workspace is never deleted, whoever made it")
    if s.env.capacity:
        why = "the workspaces stay on it; who may use it is its admin's to change"
        yield Step("capacity", "leave", f"Capacity {s.env.capacity!r}", why)


def _possible(steps: Iterable[Step]) -> tuple[str, ...]:
    return tuple(step.id for step in steps if step.writes and step.allowed is not False)


def _heeding_refusals(s: Removal, step: Step) -> Step:
    """What was refused a moment ago is somebody else's; the app does not wait for a role that only others take away."""
    needs = tuple(id_ for id_ in step.needs if not (id_ in s.seen.refused and id_.startswith("role-")))
    if step.id in s.seen.refused and step.writes and step.allowed is not False:
        step = replace(step, allowed=False, because="it was refused when you tried")
    return replace(step, needs=needs)
