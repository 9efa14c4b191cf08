"""How a service principal gets through a tenant setting: the group rules as one decision.

An unscoped setting needs no group; a scoped one is joined through a group it already names before a new one is asked for;
excluded groups count; a setting that is off is only ever switched on limited to a group.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from pbisetup.model.facts import Absent, Fact, Known, Unknown
from pbisetup.model.tenant import Group, TenantSetting
from pbisetup.planning.manifest import is_guid

State = Literal["open", "admitted", "join", "switch_on", "add_group", "excluded", "unsuited", "unknown"]


@dataclass(frozen=True)
class Admission:
    """What must happen so that a setting admits the service principal."""

    state: State
    why: str
    group_id: str | None = None
    """The group to be a member of; None where it is to be made or where none is needed."""
    group_name: str = ""
    warning: str | None = None
    setting: TenantSetting | None = None
    gone: frozenset[str] = frozenset()
    """Ids of groups that the setting names and that there are no longer: an update cannot send them back."""

    @property
    def creates_group(self) -> bool:
        return self.state in ("switch_on", "add_group") and self.group_id is None

    @property
    def joins(self) -> bool:
        return self.state in ("join", "switch_on", "add_group")

    @property
    def changes_setting(self) -> bool:
        return self.state in ("switch_on", "add_group")


def decide(
    setting: Fact[TenantSetting],
    memberships: frozenset[str],
    groups: Mapping[str, Fact[Group]],
    wanted: str,
    *,
    admitted: Fact[bool],
) -> Admission:
    """The decision for one setting. `wanted`: name or id of the group that the manifest, or else the default, names."""
    if not isinstance(setting, Known):
        return _unseen(setting, admitted, groups, wanted)
    found = setting.value
    for group_id, name in found.excluded_groups.items():
        if group_id in memberships:
            return Admission(
                "excluded",
                f"the setting excludes the group {name!r}, and the service principal is in it",
                group_id,
                name,
                setting=found,
            )
    if found.enabled and not found.scoped:
        return Admission("open", "on for the whole organisation: no group is needed", setting=found)
    if found.enabled:
        for group_id, name in found.enabled_groups.items():
            fact = groups.get(group_id)
            known = fact.value if isinstance(fact, Known) else None
            if group_id in memberships and (known is None or known.admits_service_principals):
                return Admission(
                    "admitted",
                    f"limited to groups; the service principal is in {name!r}",
                    group_id,
                    name,
                    setting=found,
                )
        joinable = _joinable(found, groups, wanted)
        if joinable is not None:
            return Admission(
                "join",
                "the setting is limited to groups and names this one",
                joinable.id,
                joinable.name,
                setting=found,
            )
    return _through_new(found, groups, wanted)


def _unseen(
    setting: Fact[TenantSetting], admitted: Fact[bool], groups: Mapping[str, Fact[Group]], wanted: str
) -> Admission:
    if isinstance(admitted, Known) and admitted.value:
        return Admission("admitted", "the Power BI API admits the app's token")
    reason = setting.reason if isinstance(setting, Unknown) else "this tenant shows no such setting"
    existing = groups.get(wanted)
    if isinstance(existing, Known):
        return Admission("unknown", reason, existing.value.id, existing.value.name)
    return Admission("unknown", reason, None, wanted)


def _joinable(found: TenantSetting, groups: Mapping[str, Fact[Group]], wanted: str) -> Group | None:
    """A group the setting already names that can hold a service principal; the wanted one before any other."""
    candidates = []
    for group_id, name in found.enabled_groups.items():
        if group_id in found.excluded_groups:
            continue
        fact = groups.get(group_id)
        if isinstance(fact, Known) and fact.value.admits_service_principals:
            candidates.append(fact.value)
        elif fact is None or isinstance(fact, Unknown):
            # Whether it is a cloud security group cannot be seen: better than none, worse than one that is known.
            candidates.append(Group(id=group_id, name=name, operator_owns=None))
    known_ids = {g.id for g in candidates if isinstance(groups.get(g.id), Known)}
    ranked = sorted(
        candidates,
        key=lambda g: (
            wanted not in (g.id, g.name),
            g.id not in known_ids,
            g.role_assignable,
            not g.operator_owns,
        ),
    )
    return ranked[0] if ranked else None


def _through_new(found: TenantSetting, groups: Mapping[str, Fact[Group]], wanted: str) -> Admission:
    """The setting names no group that serves: it is switched on for, or extended by, the wanted group."""
    state: State = "add_group" if found.enabled else "switch_on"
    gone = frozenset(id_ for id_ in found.enabled_groups if isinstance(groups.get(id_), Absent))
    why = "it is limited to groups that cannot hold a service principal" if found.enabled else "the setting is off"
    if found.enabled and gone == set(found.enabled_groups):
        why = "it is limited to groups that there are no longer"
    warnings = []
    if gone:
        names = ", ".join(repr(found.enabled_groups[id_]) for id_ in sorted(gone))
        warnings.append(f"taken out of its list, because there is no such group any more: {names}")
    if not found.enabled and (alive := {i: n for i, n in found.enabled_groups.items() if i not in gone}):
        others = ", ".join(repr(name) for name in alive.values())
        warnings.append(f"switching it on also lets in the groups it lists already: {others}")
    existing = groups.get(wanted)
    group_id, group_name = None, wanted
    if problem := unsuited(groups, wanted, found):
        return Admission("unsuited", problem, None, wanted, setting=found)
    if isinstance(existing, Known):
        group_id, group_name = existing.value.id, existing.value.name
        warnings.append(f"everything that is in the group {group_name!r} is let in with it")
    return Admission(state, why, group_id, group_name, "; ".join(warnings) or None, found, gone)


def unsuited(groups: Mapping[str, Fact[Group]], wanted: str, setting: TenantSetting | None = None) -> str | None:
    """Why the wanted group cannot be what a setting is limited to, or None where it can, or can be made."""
    if setting is not None and not setting.can_specify_groups:
        return "the setting cannot be limited to groups, and is not switched on for everybody"
    existing = groups.get(wanted)
    if isinstance(existing, Unknown):
        return f"the group {wanted!r} could not be looked at: {existing.reason}"
    if not isinstance(existing, Known):
        # A name can be given to a new group, an id cannot.
        return f"there is no group with the id {wanted}" if is_guid(wanted) else None
    group = existing.value
    if not group.admits_service_principals:
        kind = "synchronised from on-premises" if group.synced else "not a security group"
        kind = "a Microsoft 365 group" if group.unified else kind
        kind = "a dynamic group, whose rule takes people and devices only" if group.dynamic else kind
        return f"the group {group.name!r} is {kind}; name a cloud security group"
    if setting is not None and group.id in setting.excluded_groups:
        return f"the setting excludes the group {group.name!r}; name another"
    return None
