"""Steps that let the service principal through a tenant setting: group, membership, setting."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from pbisetup.catalog.tenant_settings import BASELINE, CREATE_WORKSPACES, READ_ADMIN, TITLES
from pbisetup.catalog.wellknown import PUBLIC_API_SETTING
from pbisetup.model.facts import Fact, Known, Unknown, value_of
from pbisetup.model.plan import Action, Step
from pbisetup.model.snapshot import Snapshot
from pbisetup.model.tenant import Group
from pbisetup.planning import rights
from pbisetup.planning.admission import Admission, decide, unsuited
from pbisetup.planning.situation import Situation
from pbisetup.planning.wanted import PUBLIC_API_SETTINGS, group_for, group_kind, named_setting, wanted_settings

SHOWN_BY_A_CALL: Final = {*PUBLIC_API_SETTINGS, READ_ADMIN}
"""Settings of which a call of the app's tells whether they let it in, and changes nothing."""


@dataclass(frozen=True)
class Gate:
    """A tenant setting that has to admit the service principal, and the group for where it is limited to groups."""

    setting: str
    title: str
    group: str
    """Name or id."""
    group_kind: str = "api"
    """What the group is for: ends its uniqueName, because groups for different things are different groups."""

    def id(self, what: str) -> str:
        """The id of a step: the setting that every app needs has the plain ones."""
        return what if self.setting in PUBLIC_API_SETTINGS else f"{what}-{self.setting}"

    @property
    def heading(self) -> str:
        return f"Tenant setting {self.title!r}"

    @property
    def output(self) -> str:
        """What the id of the group is handed on as, once it is made."""
        return "group_id" if self.group_kind == "api" else f"{self.group_kind.replace('-', '_')}_group_id"


def gates(s: Situation) -> Iterator[Gate]:
    """Every tenant setting that must let the service principal in, the one for all APIs first."""
    wanted = wanted_settings(s.env)
    for name in sorted(wanted, key=lambda each: each not in PUBLIC_API_SETTINGS):
        kind = wanted[name]
        yield Gate(name, TITLES.get(name, name), group_for(s.env.groups, kind), group_kind(s.env.groups, kind))


def admission_steps(s: Situation) -> Iterator[Step]:
    memberships = value_of(s.seen.memberships) or frozenset()
    old_switch = named_setting(s.seen.settings, PUBLIC_API_SETTING)
    for gate in gates(s):
        of_api = gate.setting in PUBLIC_API_SETTINGS
        setting = named_setting(s.seen.settings, gate.setting)
        if not of_api and isinstance(setting, Known) and setting == old_switch:
            continue  # one switch stands for both in a tenant that is older than their split
        admitted = s.seen.admitted if of_api else s.seen.admitted_by.get(gate.setting, Unknown("no call shows it"))
        admission = decide(setting, memberships, s.seen.groups, gate.group, admitted=admitted)
        if admission.state == "unknown":
            yield from _admission_unseen(s, gate, admission, admitted)
        else:
            yield from gate_steps(s, gate, admission)


def gate_steps(s: Situation, gate: Gate, admission: Admission) -> Iterator[Step]:
    """What follows from a decision about a setting that was seen; a word where nothing does."""
    if admission.state in ("open", "admitted"):
        yield Step(gate.id("setting"), "keep", gate.heading, admission.why, warning=_baseline(gate, admission))
    elif admission.state in ("excluded", "unsuited"):
        yield left_as_it_is(gate, admission.why)
    else:
        yield from through_group(s, gate, admission)


def _baseline(gate: Gate, admission: Admission) -> str | None:
    """A word about a setting wider than a security baseline wants it. It is never narrowed: others may rely on it."""
    if admission.state != "open" or gate.setting not in BASELINE:
        return None
    return (
        f"every app of the tenant gets through; CISA's baseline ({BASELINE[gate.setting]}) wants it limited to groups"
    )


def left_as_it_is(gate: Gate, why: str) -> Step:
    """The word for a setting that does not admit the app and that nobody here changes."""
    return Step(
        gate.id("setting"),
        "leave",
        gate.heading,
        f"does not admit the app, and is left as it is: {why}",
        warning="the API will refuse the app until a Fabric administrator changes that",
        blocks=True,
    )


def _admission_unseen(s: Situation, gate: Gate, admission: Admission, admitted: Fact[bool]) -> Iterator[Step]:
    """Nobody here can read the setting. The app's own token tells whether it is needed, once there is one."""
    refused = isinstance(admitted, Known) and not admitted.value
    if gate.setting == CREATE_WORKSPACES and not refused:
        # On for everybody unless somebody narrowed it, which shows when a workspace is made.
        yield Step(gate.id("setting"), "keep", gate.heading, f"{admission.why}; it is on in a new tenant")
        return
    if gate.setting in SHOWN_BY_A_CALL and not (refused or s.somebody_else_makes_the_app):
        yield Step(
            gate.id("setting"),
            "add",
            gate.heading,
            f"{admission.why}; whether it admits the app is seen as soon as the app has a token",
            Action("update_tenant_setting", {}),
            ("fabric administrator",),
            None,
            admission.why,
            deferred=True,
        )
        return
    if problem := unsuited(s.seen.groups, gate.group):
        why = f"{admission.why}; {problem}"
        warning = "the API may refuse the app"
        yield Step(gate.id("setting"), "leave", gate.heading, why, warning=warning, blocks=True)
        return
    if gate.setting in SHOWN_BY_A_CALL:
        why = "the API refuses the app's token" if refused else "without it the API refuses every service principal"
        yield from through_group(s, gate, replace(admission, why=why))
        return
    why = "nobody who is signed in here can see it, and no call of the app's shows it without changing something"
    for step in through_group(s, gate, replace(admission, why=why)):
        # The group can be prepared; that the setting names it only a Fabric administrator can tell.
        yield replace(step, deferred=True) if step.id == gate.id("setting") and step.allowed is False else step


def through_group(s: Situation, gate: Gate, admission: Admission) -> Iterator[Step]:
    """The steps for a setting that the service principal gets through by a group: an existing one or one to be made."""
    create_right = s.unless_refused(gate.id("group"), rights.create_group(s.seen.operator, s.seen.may_create_groups))
    if s.somebody_else_makes_the_app:
        create_right = rights.Right(False, ("groups administrator",), "it goes together with the rest")
    if admission.group_id is None:
        yield _new_group(s, gate, admission, create_right)
    memberships = value_of(s.seen.memberships) or frozenset()
    if admission.group_id not in memberships:
        yield _new_member(s, gate, admission, create_right)
    if admission.state != "join":
        yield _changed_setting(s, gate, admission)


def _group_ref(gate: Gate, admission: Admission) -> str:
    return admission.group_id or f"{{{gate.output}}}"


def _needs(gate: Gate, admission: Admission) -> tuple[str, ...]:
    return (*((gate.id("group"),) if admission.group_id is None else ()), "service-principal")


def _new_group(s: Situation, gate: Gate, admission: Admission, right: rights.Right) -> Step:
    params = {
        "display_name": admission.group_name,
        "mail_nickname": _nickname(admission.group_name),
        "unique_name": s.manifest.group_unique_name(gate.group_kind, s.env.groups.get(gate.group_kind)),
    }
    if gate.output != "group_id":
        params["output"] = gate.output
    return Step(
        gate.id("group"),
        "add",
        f"Security group {admission.group_name!r}",
        "the setting is limited to it, so that no other app is let in",
        Action("create_group", params),
        right.who,
        right.allowed,
        right.because,
        undo="delete the group",
    )


def _new_member(s: Situation, gate: Gate, admission: Admission, create_right: rights.Right) -> Step:
    creates = admission.group_id is None
    fact = None if creates else s.seen.groups.get(admission.group_id or "")
    group = fact.value if isinstance(fact, Known) else None
    owns = (create_right.allowed if creates else None) if group is None else group.operator_owns
    role_assignable = bool(group and group.role_assignable)
    right = rights.add_member(s.seen.operator, owns_group=owns, role_assignable=role_assignable)
    if creates and create_right.allowed is False:
        right = rights.Right(False, right.who, "there is no group yet")
    right = s.after_app(right)
    params = {
        "group_id": _group_ref(gate, admission),
        "group_name": admission.group_name,
        "sp_object_id": s.sp_ref,
    }
    return Step(
        gate.id("member"),
        "add",
        f"Service principal into the group {admission.group_name!r}",
        admission.why if admission.state == "join" else "the setting is limited to this group",
        Action("add_group_member", params),
        right.who,
        right.allowed,
        right.because,
        needs=_needs(gate, admission),
        takes="up to 15 minutes" if admission.state == "join" else None,
        undo="remove the member",
        warning=_opened(s, gate, group) if group else None,
    )


def _opened(s: Situation, gate: Gate, group: Group) -> str | None:
    """What else somebody gets who is put into the group, as far as it shows."""
    given = list(given_by_group(s.seen, group.id, besides=gate.setting))
    return f"the group also gives it: {', '.join(given)}" if given else None


def given_by_group(seen: Snapshot, group_id: str, besides: str = "") -> Iterator[str]:
    """What a group is known to give those who are in it, in words; all but the setting `besides`."""
    same = PUBLIC_API_SETTINGS if besides in PUBLIC_API_SETTINGS else (besides,)
    for name, setting in (value_of(seen.settings) or {}).items():
        if setting.enabled and group_id in setting.enabled_groups and name not in same:
            yield f"the tenant setting {setting.title or setting.name!r}"
    for fact in seen.workspaces.values():
        if isinstance(fact, Known) and group_id in (fact.value.roles or {}):
            yield f"{(fact.value.roles or {})[group_id]} of the workspace {fact.value.name!r}"


def _changed_setting(s: Situation, gate: Gate, admission: Admission) -> Step:
    can_read = isinstance(s.seen.settings, Known)
    right = rights.change_setting(s.seen.operator, can_read=can_read)
    verb = "extend by the group" if admission.state == "add_group" else "switch on, limited to the group"
    params = {
        "setting": admission.setting.name if admission.setting else gate.setting,
        "group_id": _group_ref(gate, admission),
        "group_name": admission.group_name,
        "announced": sorted(admission.setting.enabled_groups) if admission.setting else [],
    }
    if admission.gone:
        params["gone"] = sorted(admission.gone)
    return Step(
        gate.id("setting"),
        "change",
        f"{gate.heading}: {verb} {admission.group_name!r}",
        admission.why,
        Action("update_tenant_setting", params),
        right.who,
        right.allowed if can_read or right.allowed is False else None,
        right.because,
        needs=_needs(gate, admission),
        takes="up to 15 minutes",
        undo="never switched back by pbisetup: others may rely on it by then",
        warning=_let_in(s, admission),
    )


def _let_in(s: Situation, admission: Admission) -> str | None:
    """The decision's warning, with who is in the group that the setting is going to let in."""
    others = s.seen.who_else.get(admission.group_id or "")
    if admission.warning and others:
        return f"{admission.warning} ({others})"
    return admission.warning or (f"also let in: {others}" if others else None)


def _nickname(name: str) -> str:
    """A mailNickname, which every group must have: letters, digits and '-' only, at most 64."""
    kept = "".join(c if c.isascii() and (c.isalnum() or c == "-") else "-" for c in name).strip("-")
    return kept[:64] or "pbi-service-principals"
