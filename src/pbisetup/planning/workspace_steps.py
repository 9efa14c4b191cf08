"""Steps for the roles in workspaces."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pbisetup.model.facts import Unknown, value_of
from pbisetup.model.manifest import WorkspaceSpec
from pbisetup.model.plan import Action, Step
from pbisetup.planning import rights
from pbisetup.planning.situation import Situation
from pbisetup.planning.wanted import is_service_app


def workspace_roles(s: Situation) -> Iterator[Step]:
    """One step for each workspace of the manifest, or a word about there being none."""
    if not s.env.workspaces and is_service_app(s.env):
        yield Step(
            "workspaces",
            "keep",
            "Workspaces",
            "the manifest names none, so the app will be let in and see nothing",
            warning=f"add workspaces to [environments.{s.env.name}] to give it a role",
        )
    for spec in s.env.workspaces:
        yield from _workspace_role(s, spec)


def _workspace_role(s: Situation, spec: WorkspaceSpec) -> Iterator[Step]:
    step_id = f"workspace-{spec.key}"
    if not is_service_app(s.env):
        yield Step(step_id, "keep", f"Workspace {spec.key!r}", "people use their own roles in it")
        return
    fact = s.seen.workspaces.get(spec.key, Unknown("not looked for"))
    workspace = value_of(fact)
    has = (workspace.roles or {}).get(s.sp.object_id) if workspace and s.sp else None
    if has == spec.role:
        yield Step(step_id, "keep", f"{spec.role} of the workspace {spec.key!r}", "as the manifest says")
        return
    unread = fact.reason if isinstance(fact, Unknown) else ""
    if workspace and workspace.roles is None:
        unread = "who has a role in it could not be read"
    role = workspace.operator_role if workspace else None
    right = rights.set_workspace_role(role, visible=workspace is not None, unread=unread)
    right = s.after_app(right)
    params = {
        "workspace_id": workspace.id if workspace else (spec.id or None),
        "workspace_name": spec.name or (workspace.name if workspace else ""),
        "sp_object_id": s.sp_ref,
        "role": spec.role,
        "replaces": has,
    }
    yield role_step(step_id, spec.key, params, right)


def role_step(step_id: str, key: str, params: Mapping[str, Any], right: rights.Right) -> Step:
    """A role in the workspace that people call `key`, in place of the one that it `replaces`."""
    has = params["replaces"]
    return Step(
        step_id,
        "change" if has else "add",
        f"{params['role']} of the workspace {key!r}",
        f"the service principal is {has} there" if has else "without a role the workspace is invisible to it",
        Action("set_workspace_role", params),
        right.who,
        right.allowed,
        right.because,
        needs=("service-principal",),
        undo="remove the role",
    )
