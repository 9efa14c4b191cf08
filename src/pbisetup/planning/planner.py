"""The planner: manifest and snapshot to a plan. Each part yields the steps for one thing that must be so."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Literal

from pbisetup.model.facts import Known
from pbisetup.model.manifest import Environment, Manifest
from pbisetup.model.plan import Action, Plan, Step
from pbisetup.model.snapshot import Snapshot
from pbisetup.planning.app_steps import application, owner, redirects, service_principal, switched_off
from pbisetup.planning.arranging import arranged
from pbisetup.planning.credential_steps import credential
from pbisetup.planning.permission_steps import app_roles, consent, more_consent, odd_permissions
from pbisetup.planning.setting_steps import admission_steps
from pbisetup.planning.situation import Situation
from pbisetup.planning.workspace_steps import workspace_steps

DeletedChoice = Literal["restore", "purge"]
"""What becomes of a soft-deleted application that still holds the unique name (entra.md 1.2, 1.14)."""


def plan_environment(
    manifest: Manifest,
    environment: Environment,
    snapshot: Snapshot,
    now: datetime,
    deleted: DeletedChoice | None = None,
) -> Plan:
    """Everything that must change so that this environment is as the manifest says, in order.

    While a soft-deleted application holds the unique name, the plan is only what `deleted` says of it.
    """
    s = Situation(manifest, environment, snapshot, now)
    outputs = {"tenant_id": snapshot.tenant.id}
    if isinstance(snapshot.deleted_app, Known) and deleted is not None:
        step = _deleted(s, snapshot.deleted_app.value, deleted)
        return Plan(environment.name, (step,), outputs, again=True)
    steps = [
        *application(s),
        *redirects(s),
        *odd_permissions(s),
        *switched_off(s),
        *service_principal(s),
        *owner(s),
        *app_roles(s),
        *consent(s),
        *more_consent(s),
        *credential(s),
        *admission_steps(s),
        *workspace_steps(s),
    ]
    if s.app:
        outputs |= {"app_object_id": s.app.object_id, "client_id": s.app.client_id}
    if s.sp:
        outputs["sp_object_id"] = s.sp.object_id
    return Plan(environment.name, tuple(_heeding_refusals(s, step) for step in arranged(steps)), outputs)


def _heeding_refusals(s: Situation, step: Step) -> Step:
    if step.id not in s.seen.refused or step.allowed is False or step.deferred:
        return step
    return replace(step, allowed=False, because="it was refused when you tried")


def _deleted(s: Situation, object_id: str, choice: DeletedChoice) -> Step:
    words = {"restore": "bring it back", "purge": "remove it for good"}
    return Step(
        "deleted-app",
        "add" if choice == "restore" else "remove",
        f"Deleted app registration {s.manifest.display_name(s.env.name)!r}: {words[choice]}",
        "it still holds the unique name",
        Action(f"{choice}_application", {"app_object_id": object_id}),
        s.create_right.who,
        s.create_right.allowed,
        s.create_right.because,
    )
