"""Whatever a tenant looks like, planning ends in a plan that can be run, and some things never happen."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from pbisetup.catalog.clouds import clouds
from pbisetup.model.facts import Known
from pbisetup.model.manifest import Environment
from pbisetup.model.snapshot import Snapshot
from pbisetup.model.tenant import Group, ServicePrincipal
from pbisetup.planning.handoff import hand_off
from pbisetup.planning.planner import plan_environment
from tests.planning import world
from tests.planning.world import ABSENT, GROUP, UNKNOWN, known


def fact(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return values.map(known) | st.sampled_from([ABSENT, UNKNOWN])


KEYS, NAMES = ("key-1", "key-2"), ("pbisetup k7f3q2/dev a", "pbisetup zzzzzz/dev b", "made in the portal")
passwords = st.lists(
    st.builds(world.password, st.sampled_from(KEYS), st.sampled_from(NAMES), st.sampled_from([-5.0, 3.0, 80.0])),
    max_size=2,
    unique_by=lambda p: p.key_id,
).map(tuple)
declared = st.frozensets(
    st.sampled_from(
        [(world.POWER_BI_APP, "role-t", "Role"), (world.POWER_BI_APP, "scope-w", "Scope"), ("g", "x", "Scope")]
    )
)
apps = st.builds(
    world.registration,
    display_name=st.sampled_from(["contoso-reports-dev", "other"]),
    owners=st.none() | st.frozensets(st.sampled_from(["admin-id", "dev-id", "else"])),
    declared=declared,
    passwords=passwords,
    public_client=st.booleans(),
    redirect_uris=st.frozensets(st.sampled_from(["http://localhost", "https://theirs"])),
)
groups = st.builds(
    Group,
    st.sampled_from(["g1", "g2"]),
    st.just(GROUP),
    security=st.booleans(),
    synced=st.booleans(),
    unified=st.booleans(),
    role_assignable=st.booleans(),
    operator_owns=st.none() | st.booleans(),
)
tenant_settings = st.builds(
    world.setting,
    st.booleans(),
    st.sampled_from([(), ("g1",), ("g1", "g2")]),
    excluded_groups=st.sampled_from([{}, {"g2": "x"}]),
    can_specify_groups=st.booleans(),
).map(lambda s: {s.name: s})
workspaces = st.builds(
    world.workspace,
    st.sampled_from([None, "Viewer", "Member", "Admin"]),
    st.sampled_from([None, "Viewer", "Member", "Admin"]),
)
credentials = st.tuples(st.sampled_from([None, *KEYS]), st.sampled_from(["x", world.CLIENT])).map(
    lambda pair: world.stored(*pair).value
)
snapshots: st.SearchStrategy[Snapshot] = st.builds(
    world.nothing,
    operator=st.sampled_from([world.ADMIN, world.FABRIC_ADMIN, world.DEVELOPER, world.GUEST, world.PIPELINE]),
    app=fact(apps),
    deleted_app=fact(st.just("old-object")),
    service_principal=fact(st.just(ServicePrincipal(world.SP, world.CLIENT))),
    power_bi=st.just(world.nothing().power_bi) | st.sampled_from([ABSENT, UNKNOWN]),
    delegated_grants=fact(st.lists(st.builds(world.grant, st.just(frozenset({"Report.Read.All"}))), max_size=1)),
    memberships=fact(st.frozensets(st.sampled_from(["g1", "g2"]))),
    settings=fact(tenant_settings),
    stored=fact(credentials),
    admitted=fact(st.booleans()),
    groups=st.fixed_dictionaries({GROUP: fact(groups)}, optional={"g1": fact(groups), "g2": fact(groups)}),
    workspaces=st.fixed_dictionaries({"Reports": fact(workspaces)}),
    may_create_apps=st.none() | st.booleans(),
    may_create_groups=st.none() | st.booleans(),
    journalled=st.frozensets(st.sampled_from(NAMES)),
    refused=st.frozensets(st.sampled_from(["app", "secret", "group", "member", "setting", "owner", "consent"])),
)
environments: st.SearchStrategy[Environment] = st.sampled_from(
    [
        world.automation(),
        world.printed(),
        world.sign_in(),
        world.automation(purposes=("automation", "user-sign-in"), delegated=("No.Such.Permission",)),
    ]
)


@settings(max_examples=200, deadline=None)
@given(snapshots, environments, st.sampled_from([None, "restore", "purge"]))
def test_any_tenant_gives_a_plan_that_can_be_run_in_its_order(
    seen: Snapshot, environment: Environment, deleted: Any
) -> None:
    plan = plan_environment(world.MANIFEST, environment, seen, world.NOW, deleted)
    order = [step.id for step in plan.steps]
    assert len(set(order)) == len(order)
    for number, step in enumerate(plan.steps):
        assert set(step.needs) <= set(order[:number])
        assert step.title
        assert step.why
        assert (step.action is None) == (step.change in ("keep", "leave"))
        assert step.allowed is not False or (step.because and step.who) or not step.writes
        json.dumps(dict(step.action.params) if step.action else {})


@settings(max_examples=150, deadline=None)
@given(snapshots, environments)
def test_no_power_bi_application_permission_is_ever_granted_or_newly_declared(
    seen: Snapshot, environment: Environment
) -> None:
    plan = plan_environment(world.MANIFEST, environment, seen, world.NOW)
    theirs = seen.app.value.declared if isinstance(seen.app, Known) else frozenset()
    for step in plan.changes:
        assert step.action is not None
        assert "app_role" not in step.action.kind
        written = step.action.params.get("body") or step.action.params.get("changes") or {}
        for row in rows(written):
            assert row[2] == "Scope" or row in theirs


def rows(written: dict[str, Any]) -> set[tuple[str, str, str]]:
    """(resource app, permission, kind) of what an application's property says."""
    listed = written.get("requiredResourceAccess", ())
    return {(api["resourceAppId"], access["id"], access["type"]) for api in listed for access in api["resourceAccess"]}


@settings(max_examples=150, deadline=None)
@given(snapshots, environments)
def test_nothing_of_others_is_taken_away(seen: Snapshot, environment: Environment) -> None:
    plan = plan_environment(world.MANIFEST, environment, seen, world.NOW)
    for step in plan.changes:
        assert step.action is not None
        if step.change == "remove":
            assert step.action.kind == "remove_secret"
            assert isinstance(seen.app, Known)
            [gone] = [p for p in seen.app.value.passwords if p.key_id == step.action.params["key_id"]]
            assert gone.display_name in seen.journalled
            held = seen.stored.value.key_id if isinstance(seen.stored, Known) else None
            assert environment.credential.store == "stdout" or gone.key_id != held
        if step.action.kind == "update_application":
            assert isinstance(seen.app, Known)
            changes = step.action.params["changes"]
            assert "publicClient" not in changes  # a list that would be replaced as a whole
            if "requiredResourceAccess" in changes:
                gone = seen.app.value.declared - rows(changes)
                # Only application permissions of Power BI that no purpose needs.
                assert {(api, kind) for api, _, kind in gone} <= {(world.POWER_BI_APP, "Role")}


@settings(max_examples=150, deadline=None)
@given(snapshots, environments, st.sampled_from(sorted(clouds())))
def test_every_step_of_somebody_else_can_be_written_down_for_them(
    seen: Snapshot, environment: Environment, cloud: str
) -> None:
    plan = plan_environment(world.MANIFEST, environment, seen, world.NOW)
    handed = hand_off(world.MANIFEST, plan, clouds()[cloud])
    asked = sum(len(section.tasks) for section in handed.sections)
    assert asked + len(handed.yours) == len(plan.changes) + len(plan.unseen)
    for section in handed.sections:
        assert section.who != ("you",)
        for task in section.tasks:
            assert task.commands or task.note
            assert not any("deletedItems" in command for command in task.commands)
