"""Steps that let the app through: out of excluded groups, through tenant settings, into workspaces."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from pbisetup.model import case as keys
from pbisetup.model.case import Case
from pbisetup.model.facts import Known, Unknown, value_of
from pbisetup.model.plan import Action, Step
from pbisetup.model.tenant import WORKSPACE_ROLES
from pbisetup.planning import rights
from pbisetup.planning.admission import decide, unsuited
from pbisetup.planning.cases import group_by_id, wanted_group
from pbisetup.planning.repair import Maker, Repair, Wish, kept
from pbisetup.planning.setting_steps import Gate, gate_steps, given_by_group, left_as_it_is, through_group
from pbisetup.planning.wanted import PUBLIC_API_SETTINGS, group_for, group_kind, named_setting
from pbisetup.planning.workspace_steps import role_step


def stays(case: Case, group_id: str) -> str | None:
    """Why the service principal cannot be taken out of a group from here, or None where it can."""
    memberships = case.fact(keys.MEMBERSHIPS)
    if isinstance(memberships, Known) and group_id not in memberships.value:
        return "it is no direct member: another group in it holds the service principal"
    group = group_by_id(case, group_id)
    if group is not None and group.synced:
        return "the group comes from on-premises, where its members are kept"
    return None


def _excluded(r: Repair, wish: Wish) -> Iterator[Step]:
    group_id, name = wish.params["group_id"], wish.params["group_name"]
    id_, title = excluded_id(group_id), f"Service principal out of the group {name!r}"
    if reason := stays(r.case, group_id):
        yield kept(id_, title, f"left as it is: {reason}", "the tenant setting keeps refusing the app")
        return
    group = group_by_id(r.case, group_id)
    owns = group.operator_owns if group else None
    protected = bool(group and group.role_assignable)
    right = rights.add_member(r.s.seen.operator, owns_group=owns, role_assignable=protected)
    given = [*given_by_group(r.s.seen, group_id), *(("the directory roles of the group",) if protected else ())]
    yield Step(
        id_,
        "remove",
        title,
        wish.why,
        Action(wish.kind, wish.params),
        right.who,
        right.allowed,
        right.because,
        takes="up to 15 minutes",
        undo="add it again",
        warning=f"the app also loses whatever else the group gives it{': ' if given else ''}{', '.join(given)}",
    )


def excluded_id(group_id: str) -> str:
    return f"fix-excluded-{group_id}"


def _through_setting(r: Repair, wish: Wish) -> Iterator[Step]:
    gate = _gate(r.case, wish.params)
    for step in _gate_steps(r, gate, wish.why):
        if not step.writes:
            yield step
            continue
        # What excludes the app must be gone first: until then nothing lets it through.
        needs = (*step.needs, *(excluded_id(group_id) for group_id in sorted(r.leaves)))
        yield replace(step, why=wish.why, needs=needs, warning=_with_names(r, step))


def _gate(case: Case, params: Mapping[str, Any]) -> Gate:
    groups, purpose = case.asked.groups, str(params["group_for"])
    return Gate(params["setting"], params["title"], group_for(groups, purpose), group_kind(groups, purpose))


def _gate_steps(r: Repair, gate: Gate, why: str) -> Iterator[Step]:
    """By the same decision as the planner's (DESIGN 4.3). `why`: what proves that the setting refuses the app."""
    s = r.s
    if r.case.asked.sign_in == "user":
        why = "left as it is: people sign in to the app, and it is a group of theirs that the setting must name"
        yield kept(gate.id("setting"), gate.heading, why)
        return
    if not r.knows_service_principal:
        yield kept(gate.id("setting"), gate.heading, "left as it is: the service principal is not known")
        return
    of_api = gate.setting in PUBLIC_API_SETTINGS
    groups = {**s.seen.groups, gate.group: wanted_group(s.seen.groups, gate.group)}
    admission = decide(
        named_setting(s.seen.settings, gate.setting),
        value_of(s.seen.memberships) or frozenset(),
        groups,
        gate.group,
        admitted=s.seen.admitted if of_api else Unknown("only the setting for all APIs shows in every answer"),
    )
    if admission.state != "unknown":
        yield from gate_steps(s, gate, admission)
        return
    # Nobody here sees the setting, but that it refuses the app was found: group and membership can be prepared.
    problem = unsuited(groups, gate.group)
    if problem or isinstance(s.seen.settings, Known):
        yield left_as_it_is(gate, f"{admission.why}{f'; {problem}' if problem else ''}")
        return
    yield from through_group(s, gate, replace(admission, why=why))


def _with_names(r: Repair, step: Step) -> str | None:
    """The step's warning, with who is in a group that a setting is going to let in."""
    assert step.action is not None
    others = r.who_else.get(str(step.action.params.get("group_id")))
    if step.action.kind != "update_tenant_setting" or not others:
        return step.warning
    return f"{step.warning} ({others})" if step.warning else f"also let in: {others}"


def _workspace(r: Repair, wish: Wish) -> Iterator[Step]:
    params = wish.params
    facts = r.s.seen.workspaces.items()
    found = [(of, f.value) for of, f in facts if isinstance(f, Known) and f.value.id == params["workspace_id"]]
    key, workspace = found[0] if found else (params.get("workspace_name") or params["workspace_id"], None)
    id_, title = f"workspace-{key}", f"{params['role']} of the workspace {key!r}"
    roles = workspace.roles if workspace else None
    held = params.get("replaces") if roles is None else roles.get(params["sp_object_id"])
    if workspace is not None and workspace.classic:
        yield kept(id_, title, "left as it is: a workspace of the first generation takes no service principals")
        return
    if held in WORKSPACE_ROLES and WORKSPACE_ROLES.index(held) <= WORKSPACE_ROLES.index(params["role"]):
        yield kept(id_, title, f"the service principal is {held} there already")
        return
    unread = "who has a role in it could not be read" if workspace is not None and roles is None else ""
    own = workspace.operator_role if workspace is not None else None
    right = rights.set_workspace_role(own, visible=workspace is not None, unread=unread)
    yield replace(role_step(id_, key, {**params, "replaces": held}, right), why=wish.why)


_SETTING: Final = Maker(_through_setting, ("setting", "title", "group_for"))
ACCESS_MAKERS: Final[Mapping[str, Maker]] = {
    "remove_from_excluded_group": Maker(_excluded, ("group_id", "group_name", "sp_object_id")),
    "enable_tenant_setting": _SETTING,
    "add_group_member": _SETTING,
    "replace_group": _SETTING,
    "set_workspace_role": Maker(_workspace, ("workspace_id", "sp_object_id", "role")),
}
"""By the kind of action, in the order in which they are done."""
