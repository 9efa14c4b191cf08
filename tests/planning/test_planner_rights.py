"""Who may do which step: what an operator makes, what is handed on, and what waits for somebody else."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from pbisetup.catalog import wellknown as ids
from pbisetup.model.manifest import Environment
from pbisetup.model.plan import Plan, Step
from pbisetup.model.snapshot import Snapshot
from pbisetup.model.tenant import Group
from pbisetup.planning.planner import plan_environment
from tests.planning import world
from tests.planning.world import ABSENT, GROUP, UNKNOWN, automation, everything, known, nothing

app = world.registration


def plan(snapshot: Snapshot, environment: Environment | None = None, **choice: Any) -> Plan:
    return plan_environment(world.MANIFEST, environment or automation(), snapshot, world.NOW, **choice)


def ids_of(steps: tuple[Step, ...]) -> list[str]:
    return [step.id for step in steps]


def step(made: Plan, id_: str) -> Step:
    return next(s for s in made.steps if s.id == id_)


def params(made: Plan, id_: str) -> dict[str, Any]:
    action = step(made, id_).action
    assert action is not None
    return dict(action.params)


def test_a_developer_does_the_app_and_asks_for_the_rest() -> None:
    made = plan(nothing(operator=world.DEVELOPER, settings=UNKNOWN, may_create_groups=False))
    assert ids_of(made.own) == ["app", "service-principal", "owner", "secret", "workspace-Reports"]
    assert made.others == ()
    [waits] = [s for s in made.steps if s.deferred]
    assert waits.id == "setting"


def test_a_developer_whose_app_the_api_refuses_asks_for_group_member_and_setting() -> None:
    seen = everything(operator=world.DEVELOPER, settings=UNKNOWN, admitted=known(False), groups={GROUP: ABSENT})
    owned = known(app(owners=frozenset({world.DEVELOPER.object_id})))
    made = plan(replace(seen, app=owned, memberships=known(frozenset()), may_create_groups=False))
    assert ids_of(made.others) == ["group", "member", "setting"]
    assert [s.who for s in made.others] == [
        ("groups administrator",),
        ("groups administrator",),
        ("fabric administrator",),
    ]


def test_a_developer_who_may_not_register_apps_asks_for_everything_and_makes_the_secret() -> None:
    made = plan(nothing(operator=world.DEVELOPER, settings=UNKNOWN, may_create_apps=False))
    assert made.own == ()
    assert step(made, "app").who == ("cloud application administrator",)
    assert step(made, "owner").who == ("cloud application administrator",)
    assert step(made, "secret").who == ("you",)
    assert step(made, "workspace-Reports").who == ("you",)


def test_a_guest_may_not_register_apps_and_is_told_why() -> None:
    made = plan(nothing(operator=world.GUEST, settings=UNKNOWN))
    assert step(made, "app").allowed is False
    assert "guests" in step(made, "app").because


def test_a_fabric_administrator_switches_on_and_hands_the_app_on() -> None:
    made = plan(nothing(operator=world.FABRIC_ADMIN, may_create_apps=False))
    assert step(made, "app").allowed is False
    assert step(made, "setting").allowed is True
    assert step(made, "setting").who == ("fabric administrator",)


def test_a_service_principal_is_judged_by_its_permissions() -> None:
    made = plan(nothing(operator=world.PIPELINE, settings=UNKNOWN, admitted=known(False)))
    assert step(made, "app").allowed is True
    assert step(made, "group").allowed is False
    assert "Group.Create" in step(made, "group").because
    assert "owner" not in ids_of(made.steps)
    opaque = replace(world.PIPELINE, graph_permissions=frozenset())
    assert step(plan(nothing(operator=opaque)), "app").allowed is None


def test_only_a_privileged_role_administrator_fills_a_protected_group() -> None:
    locked = known(Group("g1", GROUP, role_assignable=True))
    seen = everything(memberships=known(frozenset()), groups={GROUP: locked, "g1": locked})
    groups_admin = replace(world.ADMIN, roles=frozenset({ids.GROUPS_ADMINISTRATOR}))
    assert step(plan(replace(seen, operator=groups_admin)), "member").who == ("privileged role administrator",)
    assert step(plan(replace(seen, operator=groups_admin)), "member").allowed is False
    assert step(plan(seen), "member").allowed is True


@pytest.mark.parametrize("refused", ["app", "owner", "secret", "group", "member", "setting", "workspace-Reports"])
def test_what_was_refused_before_is_somebody_elses(refused: str) -> None:
    made = plan(nothing(refused=frozenset({refused})))
    assert step(made, refused).allowed is False
    assert step(made, refused).because == "it was refused when you tried"


def test_nobody_else_is_asked_for_the_secret_of_an_app_that_the_operator_does_not_own_yet() -> None:
    seen = everything(operator=world.DEVELOPER, app=known(app(owners=frozenset({"else"}))), stored=ABSENT)
    made = plan(seen)
    assert step(made, "owner").who == ("app owner", "cloud application administrator")
    assert step(made, "secret").who == ("you",)
    assert "own the app first" in step(made, "secret").because
