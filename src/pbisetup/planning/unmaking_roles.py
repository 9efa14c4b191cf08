"""Roles in workspaces and memberships in groups that go before the app: afterwards nobody would know whose they were."""

from __future__ import annotations

from collections.abc import Iterator

from pbisetup.model.facts import Unknown, value_of
from pbisetup.model.plan import Action, Step
from pbisetup.model.tenant import Workspace
from pbisetup.planning import rights
from pbisetup.planning.removal import Removal
from pbisetup.planning.wanted import is_service_app


def role_steps(s: Removal) -> Iterator[Step]:
    if s.sp_id is None or s.ownership == "named" or s.keepers:
        return
    for spec in s.env.workspaces:
        fact = s.seen.workspaces.get(spec.key, Unknown("not looked for"))
        workspace = value_of(fact)
        if isinstance(fact, Unknown) and is_service_app(s.env):
            yield _unseen_role(s, spec.key, fact.reason)
        elif workspace is None:
            continue
        elif s.ownership == "adopted" and (workspace.roles or {}).get(s.sp_id) not in (None, spec.role):
            held = (workspace.roles or {})[s.sp_id]
            why = f"the manifest says {spec.role}, so somebody else gave it"
            yield Step(f"role-{spec.key}", "leave", f"{held} of the workspace {spec.key!r}", why)
        else:
            yield from _role(s, spec.key, workspace)
    for workspace in s.seen.elsewhere if s.ownership == "own" else ():
        yield from _role(s, workspace.name or workspace.id, workspace)


def _role(s: Removal, key: str, workspace: Workspace) -> Iterator[Step]:
    assert s.sp_id is not None
    role = (workspace.roles or {}).get(s.sp_id)
    if workspace.roles is not None and role is None:
        return
    params = {"workspace_id": workspace.id, "workspace_name": workspace.name, "sp_object_id": s.sp_id}
    right = _role_right(s, workspace)
    others = [who for who, held in (workspace.roles or {}).items() if held == "Admin" and who != s.sp_id]
    last = role == "Admin" and not others
    yield Step(
        f"role-{workspace.id}",
        "remove",
        f"{role or 'Any role'} of the workspace {key!r}",
        "once the app is gone, its row there would have no name",
        Action("remove_workspace_role", params),
        right.who,
        right.allowed,
        right.because,
        undo="give it the role again",
        warning=f"it is the only Admin of {key!r}: somebody else should be made one first" if last else None,
    )


def _role_right(s: Removal, workspace: Workspace) -> rights.Right:
    who = rights.set_workspace_role(None, visible=False).who
    assert s.sp_id is not None
    roles, own = workspace.roles, workspace.operator_role
    if roles is None and workspace in s.seen.elsewhere:
        return rights.Right(False, who, "only the app itself sees it: you have no role in it")
    if roles is None:
        return rights.Right(None, who, "who has a role in it could not be read")
    if roles.get(s.sp_id) == "Admin" and own == "Member":
        return rights.Right(False, who, "the role is Admin, which only an Admin of the workspace takes away")
    through_group = any(workspace.kinds.get(id_) == "Group" and held != "Viewer" for id_, held in roles.items())
    if own is None and workspace.id not in s.seen.foreign and through_group:
        return rights.Right(None, who, "your own role there comes through a group")
    return rights.set_workspace_role(own, visible=True)


def _unseen_role(s: Removal, key: str, unread: str) -> Step:
    assert s.sp_id is not None
    right = rights.set_workspace_role(None, visible=False, unread=unread)
    return Step(
        f"role-{key}",
        "remove",
        f"Any role of the workspace {key!r}",
        f"its row there, under the object id {s.sp_id}, would have no name",
        Action("remove_workspace_role", {"workspace_id": None, "workspace_name": key, "sp_object_id": s.sp_id}),
        right.who,
        False,
        right.because,
    )


def membership_steps(s: Removal) -> Iterator[Step]:
    fact = s.seen.memberships
    if s.ownership == "named" or s.keepers:
        return
    if isinstance(fact, Unknown):
        goes = "what there is goes with the service principal" if s.ownership == "own" else "left as they are"
        yield Step("memberships", "leave", "Group memberships", f"they could not be read ({fact.reason}); {goes}")
    named = set(s.env.groups.values())
    for group in value_of(fact) or ():
        title = f"Service principal out of the group {group.name!r}"
        right = rights.add_member(
            s.seen.operator, owns_group=group.operator_owns, role_assignable=group.role_assignable
        )
        if s.ownership == "own" and right.allowed is not True:
            why = "this membership goes with the service principal"
            yield Step(f"member-{group.id}", "leave", f"Group {group.name!r}", why)
            continue
        if s.ownership == "adopted" and group.id not in s.own_groups and not {group.id, group.name} & named:
            why = "the app stays in it: neither did pbisetup make the group, nor does the manifest name it"
            yield Step(f"member-{group.id}", "leave", f"Group {group.name!r}", why)
            continue
        yield Step(
            f"member-{group.id}",
            "remove",
            title,
            "so that nothing comes back with the app" if s.ownership == "own" else "the plan put it there",
            Action(
                "remove_group_member",
                {"group_id": group.id, "group_name": group.name, "sp_object_id": s.sp_id},
            ),
            right.who,
            right.allowed,
            right.because,
            undo="add the member again",
        )
