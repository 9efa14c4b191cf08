"""Steps for the workspaces: the role in each, those that are to be made, and the capacity that they run on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from pbisetup.catalog.purposes import least_role
from pbisetup.model.facts import Absent, Fact, Known, Unknown, value_of
from pbisetup.model.manifest import WorkspaceSpec
from pbisetup.model.plan import Action, Step
from pbisetup.model.tenant import WORKSPACE_ROLES, Workspace
from pbisetup.planning import rights
from pbisetup.planning.situation import Situation
from pbisetup.planning.wanted import is_service_app, reaches_workspaces, uses_capacity_itself

_NOT_SEEN: Final = Unknown("not looked for")


def workspace_steps(s: Situation) -> Iterator[Step]:
    """One group of steps for each workspace of the manifest, or a word about there being none."""
    if not s.env.workspaces and is_service_app(s.env) and reaches_workspaces(s.env.purposes):
        yield Step(
            "workspaces",
            "keep",
            "Workspaces",
            "the manifest names none, so the app will be let in and see nothing",
            warning=f"add workspaces to [environments.{s.env.name}] to give it a role",
        )
    for number, spec in enumerate(s.env.workspaces):
        fact = s.seen.workspaces.get(spec.key, _NOT_SEEN)
        if isinstance(fact, Known):
            yield from _in_a_workspace(s, spec, fact.value)
        else:
            yield from _without_it(s, spec, fact, f"workspace_{number}_id")
    yield from _contributor(s)


def _in_a_workspace(s: Situation, spec: WorkspaceSpec, workspace: Workspace) -> Iterator[Step]:
    yield from _on_capacity(s, spec, workspace)
    step_id = f"workspace-{spec.key}"
    if not is_service_app(s.env):
        yield Step(step_id, "keep", f"Workspace {spec.key!r}", "people use their own roles in it")
        return
    if workspace.classic:
        why = "a workspace of the first generation takes no service principals: upgrade it in the portal"
        yield Step(step_id, "leave", f"{spec.role} of the workspace {spec.key!r}", why, blocks=True)
        return
    has = (workspace.roles or {}).get(s.sp.object_id) if s.sp else None
    if has == spec.role:
        title = f"{spec.role} of the workspace {spec.key!r}"
        yield Step(step_id, "keep", title, "as the manifest says", warning=_other_than_least(s, spec))
        return
    unread = "who has a role in it could not be read" if workspace.roles is None else ""
    right = rights.set_workspace_role(workspace.operator_role, visible=True, unread=unread)
    params = {
        "workspace_id": workspace.id,
        "workspace_name": spec.name or workspace.name,
        "sp_object_id": s.sp_ref,
        "role": spec.role,
        "replaces": has,
    }
    yield role_step(step_id, spec.key, params, s.after_app(right), _other_than_least(s, spec))


def _without_it(s: Situation, spec: WorkspaceSpec, fact: Fact[Workspace], output: str) -> Iterator[Step]:
    """A workspace that the operator does not see: it does not exist, somebody else keeps it, or nobody here can tell."""
    step_id, elsewhere = f"workspace-{spec.key}", s.seen.elsewhere.get(spec.key, _NOT_SEEN)
    title = f"{spec.role} of the workspace {spec.key!r}"
    makes = spec.key in s.env.makes
    missing = isinstance(elsewhere, Absent)
    if isinstance(fact, Unknown):
        seen, known_id = fact.reason, spec.id
    elif isinstance(elsewhere, Known):
        seen, known_id = "the workspace exists, and you have no role in it", elsewhere.value
    elif missing:
        seen, known_id = "there is no such workspace", spec.id
    else:
        seen, known_id = "the workspace does not exist, or you have no role in it", spec.id
    if isinstance(fact, Absent) and makes and not isinstance(elsewhere, Known):
        yield from _made(s, spec, output, certain=missing)
        return
    if missing:
        hint = "create = true in the manifest makes it" if spec.name else "correct its id in the manifest"
        yield Step(step_id, "leave", title, f"{seen}; {hint}", warning="the app will not see it", blocks=True)
        return
    if not is_service_app(s.env):
        yield Step(step_id, "keep", f"Workspace {spec.key!r}", "people use their own roles in it")
        return
    params = {
        "workspace_id": known_id,
        "workspace_name": spec.name or "",
        "sp_object_id": s.sp_ref,
        "role": spec.role,
        "replaces": None,
    }
    right = rights.set_workspace_role(None, visible=False, unread=seen)
    yield role_step(step_id, spec.key, params, s.after_app(right), _other_than_least(s, spec))


def _made(s: Situation, spec: WorkspaceSpec, output: str, *, certain: bool) -> Iterator[Step]:
    capacity = value_of(s.seen.capacity)
    right = s.unless_refused(f"workspace-new-{spec.key}", rights.create_workspace(s.seen.operator, s.seen.settings))
    why = (
        "there is none of this name"
        if certain
        else "you see none of this name; where one exists after all, it is refused"
    )
    yield Step(
        f"workspace-new-{spec.key}",
        "add",
        f"Workspace {spec.key!r}",
        why,
        Action(
            "create_workspace",
            {"name": spec.name, "capacity_id": capacity.id if capacity else None, "output": output},
        ),
        right.who,
        right.allowed,
        right.because,
        undo="delete the workspace; pbisetup never does",
        warning=_no_capacity(s),
    )
    if not is_service_app(s.env):
        return
    role_right = rights.Right(right.allowed, ("workspace admin",), right.because and "there is no workspace yet")
    params = {
        "workspace_id": f"{{{output}}}",
        "workspace_name": spec.name,
        "sp_object_id": s.sp_ref,
        "role": spec.role,
        "replaces": None,
    }
    step = role_step(f"workspace-{spec.key}", spec.key, params, s.after_app(role_right), _other_than_least(s, spec))
    yield step.after(f"workspace-new-{spec.key}")


def role_step(
    step_id: str, key: str, params: Mapping[str, Any], right: rights.Right, warning: str | None = None
) -> Step:
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
        warning=warning,
    )


def _other_than_least(s: Situation, spec: WorkspaceSpec) -> str | None:
    """A word where the manifest gives more, or less, than the purposes need."""
    least, for_what = least_role(s.env.purposes), ", ".join(s.env.purposes)
    given, needed = WORKSPACE_ROLES.index(spec.role), WORKSPACE_ROLES.index(least)
    if given < needed:
        return f"{least} is enough for {for_what}"
    if given > needed:
        reads = spec.role == "Viewer" and least == "Contributor"
        return f"enough to read; to refresh takes {least}" if reads else f"{for_what} takes {least} at least"
    return None


# -- capacity ----------------------------------------------------------------------------------------------------


def _on_capacity(s: Situation, spec: WorkspaceSpec, workspace: Workspace) -> Iterator[Step]:
    step_id, needed = f"capacity-{spec.key}", _needed_for(s)
    if s.env.capacity is None:
        if needed and workspace.on_capacity is False:
            yield Step(
                step_id,
                "leave",
                f"Capacity for the workspace {spec.key!r}",
                f"it is on none, and the manifest names none: {needed}",
                warning=f'capacity = "NAME" in [environments.{s.env.name}] puts its workspaces on one',
            )
        return
    capacity = s.seen.capacity
    title = f"Workspace {spec.key!r} on the capacity {s.env.capacity!r}"
    if not isinstance(capacity, Known):
        why = capacity.reason if isinstance(capacity, Unknown) else "you may use no capacity of this name or id"
        warning = "ask a capacity admin to let you assign workspaces to it"
        yield Step(step_id, "leave", title, why, warning=warning, blocks=True)
        return
    if (workspace.capacity_id or "").lower() == capacity.value.id.lower():
        yield Step(step_id, "keep", title, "as the manifest says", warning=_asleep(s))
        return
    right = rights.assign_capacity(workspace.operator_role)
    yield Step(
        step_id,
        "change" if workspace.capacity_id else "add",
        title,
        needed or "as the manifest says",
        Action(
            "assign_capacity",
            {
                "workspace_id": workspace.id,
                "workspace_name": workspace.name,
                "capacity_id": capacity.value.id,
                "capacity_name": capacity.value.name,
            },
        ),
        right.who,
        right.allowed,
        right.because,
        undo="assign the workspace to its former capacity",
        warning=_asleep(s),
    )


def _needed_for(s: Situation) -> str | None:
    return next((purpose.capacity for purpose in s.purposes if purpose.capacity), None)


def _no_capacity(s: Situation) -> str | None:
    if s.env.capacity and value_of(s.seen.capacity) is None:
        return f"you may not use the capacity {s.env.capacity!r}: it is made without one"
    needed = _needed_for(s)
    return f"it is made on no capacity: {needed}" if needed and not s.env.capacity else _asleep(s)


def _asleep(s: Situation) -> str | None:
    capacity = value_of(s.seen.capacity)
    if capacity is None or capacity.state in ("", "Active"):
        return None
    return f"the capacity is {capacity.state.lower()}"


def _contributor(s: Situation) -> Iterator[Step]:
    """Who makes workspaces on a capacity must be a contributor of it, which no public API makes anybody."""
    if s.env.capacity is None or not uses_capacity_itself(s.env):
        return
    capacity, own = value_of(s.seen.capacity), s.seen.app_capacities
    step_id, title = "capacity", f"Service principal as contributor of the capacity {s.env.capacity!r}"
    names = {s.env.capacity.lower(), *((capacity.id.lower(), capacity.name.lower()) if capacity else ())}
    if isinstance(own, Known) and own.value & names:
        yield Step(step_id, "keep", title, "the capacity shows itself to the app")
        return
    asked = s.after_app(rights.Right(False, ("capacity admin",), "only a capacity admin can, in the portal"))
    undecided = not isinstance(own, Known) and not s.somebody_else_makes_the_app  # the app's token tells
    yield Step(
        step_id,
        "add",
        title,
        "without it the capacity is not found when the app makes a workspace on it",
        Action(
            "add_capacity_contributor",
            {
                "capacity_id": capacity.id if capacity else None,
                "capacity_name": capacity.name if capacity else s.env.capacity,
                "sp_object_id": s.sp_ref,
            },
        ),
        asked.who,
        None if undecided else asked.allowed,
        asked.because,
        needs=("service-principal",),
        deferred=undecided,
    )
