"""Whether a tenant setting lets the app in, and if not why: what its group lists say, compared with the app's groups."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from pbisetup.model.case import GROUP, MEMBERSHIPS, NESTED, SERVICE_PRINCIPAL, SETTINGS, Case
from pbisetup.model.errors import Evidence
from pbisetup.model.facts import Absent, Known, Unknown
from pbisetup.model.tenant import Group, TenantSetting

State = Literal["open", "admitted", "off", "outside", "excluded", "unsuited", "nested", "unknown"]


@dataclass(frozen=True)
class Standing:
    """How one setting stands to the app."""

    state: State
    name: str
    title: str
    why: str
    """In a sentence, without a full stop."""
    evidence: tuple[Evidence, ...] = ()
    groups: tuple[tuple[str, str], ...] = ()
    """Those that decide: ids and names."""
    sure: bool = True
    """Whether everything was seen that could be the reason instead."""

    @property
    def shut(self) -> bool:
        """Whether it is known to keep the app out."""
        return self.state in ("off", "outside", "excluded", "unsuited", "nested")

    @property
    def lets_in(self) -> bool:
        """Whether it is known to let the app in."""
        return self.state in ("open", "admitted")


def standing(case: Case, names: Sequence[str], title: str) -> Standing:
    """The standing of the first of these settings that the tenant has; a setting may bear an older name."""
    name = names[0]
    listed = case.fact(SETTINGS)
    if not isinstance(listed, Known):
        why = listed.reason if isinstance(listed, Unknown) else "the tenant shows no settings"
        return Standing("unknown", name, title, why)
    setting = next((listed.value[each] for each in names if each in listed.value), None)
    if setting is None:
        return Standing("unknown", name, title, f"the tenant lists no setting {name}", (listed.evidence,))
    seen = Evidence(listed.evidence.source, listed.evidence.observer, told(setting), listed.evidence.request_id)
    if not setting.enabled:
        return Standing("off", setting.name, setting.title or title, "it is off", (seen,))
    if not setting.scoped and not setting.excluded_groups:
        return Standing("open", setting.name, setting.title or title, "it is on for everybody", (seen,))
    return _by_groups(case, setting, title, seen)


def told(setting: TenantSetting) -> str:
    """A setting in a line: `ServicePrincipalAccessPermissionAPIs: on, for 'etl-apps'`."""
    parts = ["on" if setting.enabled else "off"]
    if setting.enabled_groups:
        parts.append(f"for {_names(setting.enabled_groups.values())}")
    if setting.excluded_groups:
        parts.append(f"except {_names(setting.excluded_groups.values())}")
    return f"{setting.name}: {', '.join(parts)}"


def _names(names: Iterable[str]) -> str:
    listed = [repr(name) for name in names]
    return ", ".join(listed[:4]) + (f" and {len(listed) - 4} more" if len(listed) > 4 else "")


def _by_groups(case: Case, setting: TenantSetting, title: str, seen: Evidence) -> Standing:
    at = _At(setting, setting.title or title, seen)
    direct = case.fact(MEMBERSHIPS)
    if not isinstance(direct, Known):
        if isinstance(direct, Absent) or isinstance(case.fact(SERVICE_PRINCIPAL), Absent):
            return at.stands("unknown", "there is no service principal that could be in a group")
        return at.stands("unknown", f"it is limited to groups, and those of the app are not known: {direct.reason}")
    at.more = (direct.evidence,)
    barred = {id_: name for id_, name in setting.excluded_groups.items() if id_ in direct.value}
    if barred:
        return at.stands("excluded", f"it excludes {_names(barred.values())}, which holds the app", barred)
    if not setting.scoped:
        return at.stands("open", "it is on for everybody but groups that do not hold the app")
    inside = {id_: name for id_, name in setting.enabled_groups.items() if id_ in direct.value}
    if inside:
        return _inside(case, at, inside)
    nesting = case.fact(NESTED)
    around = nesting.value if isinstance(nesting, Known) else frozenset()
    nested = {id_: name for id_, name in setting.enabled_groups.items() if id_ in around}
    if nested:
        return at.stands("nested", f"the app is in {_names(nested.values())} only through a group inside it", nested)
    why = f"it is limited to {_names(setting.enabled_groups.values())}, and the app is not in it"
    at.sure = isinstance(nesting, Known)
    return at.stands("outside", why, setting.enabled_groups)


@dataclass
class _At:
    """A setting on the way to its standing."""

    setting: TenantSetting
    title: str
    seen: Evidence
    more: tuple[Evidence, ...] = ()
    sure: bool = True

    def stands(self, state: State, why: str, groups: Mapping[str, str] | None = None) -> Standing:
        evidence = (self.seen, *self.more)
        named = tuple((groups or {}).items())
        return Standing(state, self.setting.name, self.title, why, evidence, named, self.sure)


def _inside(case: Case, at: _At, inside: Mapping[str, str]) -> Standing:
    """The app is in a group that the setting names: does a group of that kind count?"""
    wrong: list[Group] = []
    for id_ in inside:
        fact = case.fact(GROUP, id_)
        if isinstance(fact, Known) and not fact.value.admits_service_principals:
            wrong.append(fact.value)
            at.more = (*at.more, fact.evidence)
    if len(wrong) < len(inside):
        return at.stands("admitted", f"the app is in {_names(inside.values())}", inside)
    said = "; ".join(f"{group.name!r} is {kind_of(group)}" for group in wrong)
    return at.stands("unsuited", f"the app is in it only by a group that does not count: {said}", inside)


def kind_of(group: Group) -> str:
    """What kind of group it is, where that matters."""
    if group.unified:
        return "a Microsoft 365 group"
    if group.dynamic:
        return "a dynamic group"
    return "synchronised from on-premises" if group.synced else "not a security group"
