"""Tenant settings of a whole run: one read, one merged write a setting, and one look whether it stayed.

An update replaces the setting's lists (powerbi.md 7), so what is there is sent back, and two environments that each wrote
their own group would take turns in removing the other's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pbisetup.execution.replication import repeat
from pbisetup.model.errors import PbisetupError, PlanOutdated, Unavailable
from pbisetup.model.tenant import TenantSetting
from pbisetup.observe.reading import read_setting
from pbisetup.observe.session import Session
from pbisetup.services.clock import Clock, Waits

TRIES: Final = 3
"""How often a write is made that somebody else's, at the same moment, undid."""
_WRITABLE: Final = (
    "excludedSecurityGroups",
    "properties",
    "delegateToCapacity",
    "delegateToWorkspace",
    "delegateToDomain",
)


@dataclass(frozen=True)
class Change:
    """That a setting shall be on and name this group."""

    setting: str
    group_id: str
    group_name: str
    announced: frozenset[str]
    """Ids of the groups that the plan showed the setting to name already."""
    gone: frozenset[str] = frozenset()
    """Ids of those among them that there are no longer: a list that names one is refused."""


def write_settings(
    session: Session, changes: Sequence[Change], clock: Clock, waits: Waits
) -> dict[Change, PbisetupError | None]:
    """Make all of these changes. Each has its error, or None where it is so now; raises nothing.

    Decided anew from what is read now: a setting that is open to everybody by then is left open, never narrowed.
    """
    told: dict[Change, PbisetupError | None] = {}
    desk = _Desk(session, clock, waits)
    left = list(dict.fromkeys(changes))
    try:
        for attempt in range(TRIES):
            current = desk.read(each.setting for each in left)
            left = [each for each in left if not desk.settled(current, each, told)]
            for name, group in _by_setting(left).items():
                try:
                    desk.write(current[name], group)
                except PbisetupError as error:
                    told |= dict.fromkeys(group, error)
                    left = [each for each in left if each not in group]
            if not left:
                return told
            if attempt == TRIES - 1:
                # The service confirmed the write; that its list still shows the old state is a replica that lags.
                told |= dict.fromkeys(left)
        return told
    except PbisetupError as error:
        return told | dict.fromkeys(left, error)


def _by_setting(changes: Iterable[Change]) -> dict[str, list[Change]]:
    found: dict[str, list[Change]] = {}
    for each in changes:
        found.setdefault(each.setting, []).append(each)
    return found


class _Desk:
    def __init__(self, session: Session, clock: Clock, waits: Waits) -> None:
        self._session, self._clock, self._waits = session, clock, waits

    def read(self, names: Iterable[str]) -> dict[str, TenantSetting]:
        """Raises Refused where the settings cannot be read, Unavailable where the cloud has no such API."""
        fabric = self._session.fabric
        if fabric is None:
            raise Unavailable("PBI905", "no address of the Fabric API is published for this cloud")
        wanted, found = set(names), dict[str, TenantSetting]()
        for page in fabric.pages("/v1/admin/tenantsettings"):
            if not page.ok:
                raise page.refusal("reading the tenant settings")
            found |= {s.name: s for s in map(read_setting, page.objects) if s.name in wanted}
            if wanted <= set(found):
                break
        return found

    @staticmethod
    def settled(current: Mapping[str, TenantSetting], change: Change, told: dict[Change, PbisetupError | None]) -> bool:
        """Whether nothing is to be written for this change, because it is so, or because it must not be made."""
        setting = current.get(change.setting)
        if setting is None:
            told[change] = Unavailable("PBI905", f"this tenant has no setting {change.setting}")
        elif change.group_id in setting.excluded_groups:
            told[change] = _outdated(f"the tenant setting excludes the group {change.group_name!r} by now")
        elif setting.enabled and (not setting.scoped or change.group_id in setting.enabled_groups):
            told[change] = None
        return change in told

    def write(self, current: TenantSetting, changes: Sequence[Change]) -> None:
        """One merged write. Raises PlanOutdated, Refused or Unreachable."""
        new = {each.group_id: each.group_name for each in changes}
        announced = frozenset[str]().union(*(each.announced for each in changes))
        if not current.enabled and set(current.enabled_groups) - set(new) - announced:
            # Switching it on lets them in as well, and nobody was shown that.
            others = ", ".join(repr(name) for name in current.enabled_groups.values())
            raise _outdated(f"the tenant setting names groups that the plan did not show: {others}")
        gone = frozenset[str]().union(*(each.gone for each in changes))
        groups = {**{id_: name for id_, name in current.enabled_groups.items() if id_ not in gone}, **new}
        kept = {key: value for key, value in current.raw.items() if key in _WRITABLE and value is not None}
        body: dict[str, Any] = {
            **kept,
            "enabled": True,
            "enabledSecurityGroups": [{"graphId": id_, "name": name} for id_, name in groups.items()],
        }
        fabric = self._session.fabric
        assert fabric is not None
        path = f"/v1/admin/tenantsettings/{current.name}/update"
        what = "the tenant setting: the service is busy with it"
        answer = repeat(lambda: fabric.request("POST", path, json=body), what, self._clock, self._waits)
        if not answer.ok:
            raise answer.refusal("the tenant setting")


def _outdated(said: str) -> PlanOutdated:
    remedy = "Nothing was changed there. Run again to see the plan as it is now."
    return PlanOutdated("PBI906", said, remedy=remedy)
