"""How a service principal gets through a tenant setting: the rules for groups, as a table and as what may never happen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pbisetup.catalog.wellknown import OLD_PUBLIC_API_SETTING
from pbisetup.model.facts import Fact, Known, Unknown
from pbisetup.model.tenant import Group, TenantSetting
from pbisetup.planning.admission import Admission, decide
from pbisetup.planning.wanted import public_api_setting
from tests.planning import world
from tests.planning.world import ABSENT, GROUP, UNKNOWN, known, setting

CLOUD = Group("cloud", GROUP)
SYNCED = Group("synced", "synced one", synced=True)
M365 = Group("m365", "team", unified=True)
MAIL = Group("mail", "mail list", security=False)
PROTECTED = Group("protected", "role one", role_assignable=True)
OTHER = Group("other", "not mine", operator_owns=False)
OWNED = Group("owned", "mine", operator_owns=True)
AMBIGUOUS = Unknown("2 groups are called 'pbi-service-principals': name one by its object id")

OFF, OPEN = setting(enabled=False), setting()


def groups(*there: Group, wanted: Any = ABSENT) -> dict[str, Fact[Group]]:
    found: dict[str, Fact[Group]] = {g.id: known(g) for g in there}
    if isinstance(wanted, Group):
        found[wanted.id] = known(wanted)
        wanted = known(wanted)
    return {GROUP: wanted, **found}


def decided(
    found: Any,
    member_of: set[str],
    seen: Mapping[str, Fact[Group]],
    admitted: Fact[bool] = UNKNOWN,
) -> Admission:
    fact = known(found) if isinstance(found, TenantSetting) else found
    return decide(fact, frozenset(member_of), seen, GROUP, admitted=admitted)


TABLE: dict[str, tuple[Any, set[str], Mapping[str, Fact[Group]], str, str | None]] = {
    "on for everybody": (OPEN, set(), groups(), "open", None),
    "on for everybody, though the wanted group exists": (OPEN, set(), groups(wanted=CLOUD), "open", None),
    "on for everybody but a group that it is not in": (
        setting(excluded_groups={"x": "X"}),
        set(),
        groups(),
        "open",
        None,
    ),
    "on for everybody but a group that it is in": (
        setting(excluded_groups={"x": "X"}),
        {"x"},
        groups(),
        "excluded",
        "x",
    ),
    "in a group that is let in and in one that is shut out": (
        setting(groups=("cloud",), excluded_groups={"x": "X"}),
        {"cloud", "x"},
        groups(CLOUD),
        "excluded",
        "x",
    ),
    "in the group that is let in": (setting(groups=("cloud",)), {"cloud"}, groups(CLOUD), "admitted", "cloud"),
    "in a let-in group nobody could look at": (setting(groups=("far",)), {"far"}, groups(), "admitted", "far"),
    "in a synchronised group only": (
        setting(groups=("synced", "cloud")),
        {"synced"},
        groups(SYNCED, CLOUD),
        "join",
        "cloud",
    ),
    "a group that is let in exists": (setting(groups=("cloud",)), set(), groups(CLOUD), "join", "cloud"),
    "a let-in group nobody could look at": (setting(groups=("far",)), set(), groups(), "join", "far"),
    "the wanted one of several": (
        setting(groups=("owned", "cloud")),
        set(),
        groups(OWNED, CLOUD, wanted=CLOUD),
        "join",
        "cloud",
    ),
    "one's own of several": (
        setting(groups=("cloud", "owned")),
        set(),
        groups(replace(CLOUD, name="x"), OWNED),
        "join",
        "owned",
    ),
    "a known one before an unseen one": (setting(groups=("far", "cloud")), set(), groups(CLOUD), "join", "cloud"),
    "a protected group only when there is no other": (
        setting(groups=("protected", "owned")),
        set(),
        groups(PROTECTED, OWNED),
        "join",
        "owned",
    ),
    "a protected group": (setting(groups=("protected",)), set(), groups(PROTECTED), "join", "protected"),
    "a let-in group that is shut out as well": (
        setting(groups=("cloud", "owned"), excluded_groups={"cloud": "x"}),
        set(),
        groups(CLOUD, OWNED, wanted=CLOUD),
        "join",
        "owned",
    ),
    "only a synchronised group is let in": (setting(groups=("synced",)), set(), groups(SYNCED), "add_group", None),
    "only a Microsoft 365 group is let in": (setting(groups=("m365",)), {"m365"}, groups(M365), "add_group", None),
    "only a mail list is let in, the wanted group exists": (
        setting(groups=("mail",)),
        set(),
        groups(MAIL, wanted=CLOUD),
        "add_group",
        "cloud",
    ),
    "only a deleted group is let in": (
        setting(groups=("gone",)),
        set(),
        {**groups(), "gone": ABSENT},
        "add_group",
        None,
    ),
    "off": (OFF, set(), groups(), "switch_on", None),
    "off, the wanted group exists": (OFF, set(), groups(wanted=CLOUD), "switch_on", "cloud"),
    "off, it is in the wanted group": (OFF, {"cloud"}, groups(wanted=CLOUD), "switch_on", "cloud"),
    "off, the wanted group is synchronised": (OFF, set(), groups(wanted=SYNCED), "unsuited", None),
    "off, the wanted group is a Microsoft 365 group": (OFF, set(), groups(wanted=M365), "unsuited", None),
    "off, the wanted name is ambiguous": (OFF, set(), groups(wanted=AMBIGUOUS), "unsuited", None),
    "off, the wanted group is shut out": (
        setting(enabled=False, excluded_groups={"cloud": GROUP}),
        set(),
        groups(wanted=CLOUD),
        "unsuited",
        None,
    ),
    "off, and cannot be limited to groups": (
        setting(enabled=False, can_specify_groups=False),
        set(),
        groups(wanted=CLOUD),
        "unsuited",
        None,
    ),
    "nobody can read it": (UNKNOWN, set(), groups(), "unknown", None),
    "nobody can read it, the wanted group exists": (UNKNOWN, set(), groups(wanted=CLOUD), "unknown", "cloud"),
    "this tenant has no such setting": (ABSENT, set(), groups(), "unknown", None),
}


@pytest.mark.parametrize(("found", "member_of", "seen", "state", "group_id"), TABLE.values(), ids=TABLE)
def test_the_setting_decides_what_must_happen(
    found: Any, member_of: set[str], seen: Mapping[str, Fact[Group]], state: str, group_id: str | None
) -> None:
    admission = decided(found, member_of, seen)
    assert (admission.state, admission.group_id) == (state, group_id)
    assert admission.why


def test_an_app_that_the_api_admits_needs_nobody_who_can_read_the_setting() -> None:
    assert decided(UNKNOWN, set(), groups(), known(True)).state == "admitted"
    assert decided(UNKNOWN, set(), groups(), known(False)).state == "unknown"


def test_the_plan_says_who_else_is_let_in() -> None:
    listed = decided(setting(enabled=False, groups=("old",)), set(), groups()).warning
    assert "lets in the groups it lists already: 'name of old'" in str(listed)
    shared = decided(OFF, set(), groups(wanted=CLOUD)).warning
    assert f"everything that is in the group {GROUP!r} is let in" in str(shared)
    assert decided(OFF, set(), groups()).warning is None


def test_a_setting_under_its_name_from_before_2025_counts() -> None:
    old = replace(OFF, name=OLD_PUBLIC_API_SETTING)
    assert public_api_setting(world.settings(old)) == known(old)
    assert public_api_setting(world.settings(old, OPEN)) == known(OPEN)
    assert public_api_setting(world.settings()) == ABSENT
    assert public_api_setting(UNKNOWN) == UNKNOWN


NAMES = ("a", "b", "c", GROUP)
kinds = st.builds(
    Group,
    id=st.sampled_from(NAMES),
    name=st.sampled_from(NAMES),
    security=st.booleans(),
    synced=st.booleans(),
    unified=st.booleans(),
    dynamic=st.booleans(),
    role_assignable=st.booleans(),
    operator_owns=st.none() | st.booleans(),
)
facts: st.SearchStrategy[Fact[Group]] = kinds.map(known) | st.sampled_from([ABSENT, UNKNOWN])
tenants = st.fixed_dictionaries({}, optional={name: facts for name in NAMES}).map(
    lambda d: {k: known(replace(f.value, id=k)) if isinstance(f, Known) and k != GROUP else f for k, f in d.items()}
)
members = st.frozensets(st.sampled_from(NAMES))
lists = st.dictionaries(st.sampled_from(NAMES), st.sampled_from(NAMES))


@settings(max_examples=150, deadline=None)
@given(members, tenants, lists, st.booleans())
def test_a_setting_that_is_open_to_everybody_is_never_changed(
    member_of: frozenset[str], seen: dict[str, Fact[Group]], shut_out: dict[str, str], can: bool
) -> None:
    found = setting(excluded_groups=shut_out, can_specify_groups=can)
    admission = decided(found, set(member_of), seen)
    assert not admission.joins
    assert admission.state == ("excluded" if member_of & set(shut_out) else "open")


@settings(max_examples=150, deadline=None)
@given(members, tenants, lists, lists, st.booleans())
def test_a_setting_that_is_off_is_only_ever_switched_on_limited_to_one_fitting_group(
    member_of: frozenset[str],
    seen: dict[str, Fact[Group]],
    let_in: dict[str, str],
    shut_out: dict[str, str],
    can: bool,
) -> None:
    found = replace(setting(enabled=False, excluded_groups=shut_out, can_specify_groups=can), enabled_groups=let_in)
    admission = decided(found, set(member_of), seen)
    assert admission.state in ("switch_on", "unsuited", "excluded")
    if admission.state == "switch_on":
        assert can
        assert admission.group_name
        assert admission.group_id not in shut_out
        wanted = seen.get(GROUP)
        assert admission.creates_group == (not isinstance(wanted, Known))
        assert not isinstance(wanted, Unknown)
        assert not isinstance(wanted, Known) or wanted.value.admits_service_principals


@settings(max_examples=150, deadline=None)
@given(members, tenants, lists.filter(bool), lists)
def test_a_limited_setting_that_names_a_usable_group_is_never_extended(
    member_of: frozenset[str], seen: dict[str, Fact[Group]], let_in: dict[str, str], shut_out: dict[str, str]
) -> None:
    found = replace(setting(excluded_groups=shut_out), enabled_groups=let_in)
    admission = decided(found, set(member_of), seen)
    facts_of = [seen.get(g) for g in let_in if g not in shut_out]
    if any(isinstance(f, Known) and f.value.admits_service_principals for f in facts_of):
        assert admission.state in ("admitted", "join", "excluded")
        assert not admission.changes_setting
