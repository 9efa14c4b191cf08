"""From what a tenant holds to what must change: nothing there, everything there, and one thing out of place."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from pbisetup.model.manifest import Environment, WorkspaceSpec
from pbisetup.model.plan import Plan, Step
from pbisetup.model.snapshot import Snapshot
from pbisetup.model.tenant import ServicePrincipal
from pbisetup.planning.planner import plan_environment
from tests.planning import world
from tests.planning.world import ABSENT, APP, CLIENT, GROUP, SP, UNKNOWN, automation, everything, known, nothing


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


def test_in_an_empty_tenant_everything_is_added_in_an_order_that_works() -> None:
    made = plan(nothing())
    order = ["app", "service-principal", "owner", "secret", "group", "member", "setting", "workspace-Reports"]
    assert ids_of(made.changes) == order == ids_of(made.steps)
    assert all(s.change == "add" for s in made.steps if s.id != "setting")
    assert made.own == made.changes
    for number, each in enumerate(made.steps):
        assert set(each.needs) <= set(order[:number])
    assert params(made, "member") == {"group_id": "{group_id}", "group_name": GROUP, "sp_object_id": "{sp_object_id}"}
    assert params(made, "workspace-Reports")["sp_object_id"] == "{sp_object_id}"


def test_for_people_who_sign_in_there_is_consent_and_neither_secret_nor_group() -> None:
    made = plan(nothing(), world.sign_in())
    assert ids_of(made.changes) == ["app", "service-principal", "owner", "consent"]
    body = params(made, "app")["body"]
    assert body["publicClient"] == {"redirectUris": ["http://localhost"]}
    assert body["requiredResourceAccess"][0]["resourceAppId"] == world.POWER_BI_APP
    assert {a["type"] for a in body["requiredResourceAccess"][0]["resourceAccess"]} == {"Scope"}
    assert params(made, "consent")["scopes"] == sorted(world.SCOPES)


def test_an_automation_app_asks_for_no_permission_and_says_why() -> None:
    made = plan(nothing())
    assert "requiredResourceAccess" not in params(made, "app")["body"]
    assert "none, on purpose" in step(made, "app").why


@pytest.mark.parametrize(
    ("snapshot", "environment"),
    [
        pytest.param(everything(), automation(), id="automation"),
        pytest.param(world.signed_in(), world.sign_in(), id="people sign in"),
        pytest.param(
            everything(settings=world.settings(world.setting())), automation(), id="setting open to everybody"
        ),
        pytest.param(
            everything(settings=UNKNOWN, admitted=known(True)), automation(), id="setting unseen, app admitted"
        ),
        pytest.param(
            everything(stored=world.stored(key_id=None)), automation(), id="secret known by its first letters"
        ),
        pytest.param(everything(stored=world.stored(key_id="KEY-1")), automation(), id="key id in capitals"),
        pytest.param(everything(stored=UNKNOWN), world.printed(), id="secret was printed once"),
        pytest.param(everything(operator=world.PIPELINE), automation(), id="a pipeline looks again"),
    ],
)
def test_where_everything_is_in_place_nothing_changes(snapshot: Snapshot, environment: Environment) -> None:
    made = plan(snapshot, environment)
    assert made.changes == ()
    assert all(s.change == "keep" for s in made.steps)
    assert made.outputs["client_id"] == CLIENT


app = world.registration
DRIFTS: dict[str, tuple[Snapshot, str, str]] = {
    "somebody renamed it": (everything(app=known(app(display_name="x"))), "app", "update_application"),
    "the service principal was deleted": (
        # Nothing that hangs on it can be seen then; what does not is still there.
        everything(service_principal=ABSENT, memberships=known(frozenset({"g1"})), workspaces={}),
        "service-principal",
        "create_service_principal",
    ),
    "the operator owns it no more": (everything(app=known(app(owners=frozenset({"else"})))), "owner", "add_owner"),
    "it was taken out of the group": (everything(memberships=known(frozenset())), "member", "add_group_member"),
    "it lost its role": (
        everything(workspaces={"Reports": known(world.workspace(role=None))}),
        "workspace-Reports",
        "set_workspace_role",
    ),
    "its role is too low": (
        everything(workspaces={"Reports": known(world.workspace(role="Viewer"))}),
        "workspace-Reports",
        "set_workspace_role",
    ),
    "the secret has expired": (
        everything(app=known(app(passwords=(world.password(days=-1),)))),
        "secret",
        "add_secret",
    ),
    "the secret ends this week": (
        everything(app=known(app(passwords=(world.password(days=6),)))),
        "secret",
        "add_secret",
    ),
    "the stored secret is another app's": (everything(stored=world.stored(client_id="x")), "secret", "add_secret"),
    "somebody removed the secret": (everything(app=known(app(passwords=()))), "secret", "add_secret"),
    "the secret's file was deleted": (everything(stored=ABSENT), "secret", "add_secret"),
}


@pytest.mark.parametrize(("snapshot", "changed", "kind"), DRIFTS.values(), ids=DRIFTS)
def test_one_thing_out_of_place_is_one_change(snapshot: Snapshot, changed: str, kind: str) -> None:
    environment = automation(workspaces=()) if not snapshot.workspaces else automation()
    [only] = plan(snapshot, environment).changes
    assert only.id == changed
    assert only.action is not None
    assert only.action.kind == kind


def test_a_role_that_is_changed_replaces_the_old_one() -> None:
    low = everything(workspaces={"Reports": known(world.workspace(role="Viewer"))})
    assert params(plan(low), "workspace-Reports")["replaces"] == "Viewer"
    assert step(plan(low), "workspace-Reports").change == "change"


def test_missing_redirect_addresses_are_added_to_those_of_others() -> None:
    seen = world.signed_in(app=known(world.sign_in_app(redirect_uris=frozenset({"https://theirs"}))))
    [only] = plan(seen, world.sign_in()).changes
    assert only.action is not None
    # Which merges it with what the registration lists by then.
    assert only.action.kind == "add_redirect_uri"
    assert only.action.params == {"app_object_id": APP, "uri": "http://localhost"}


def test_a_missing_declared_permission_is_added_to_those_of_others() -> None:
    theirs = {("graph-app", "graph-scope", "Scope"), ("graph-app", "graph-role", "Role")}
    seen = world.signed_in(app=known(world.sign_in_app(declared=frozenset(theirs))))
    [only] = plan(seen, world.sign_in()).changes
    access = params(plan(seen, world.sign_in()), "app")["changes"]["requiredResourceAccess"]
    written = {(api["resourceAppId"], a["id"], a["type"]) for api in access for a in api["resourceAccess"]}
    assert only.id == "app"
    assert written == theirs | {(world.POWER_BI_APP, id_, "Scope") for id_ in world.SCOPES.values()}


@pytest.mark.parametrize(
    ("grants", "grant_id"),
    [
        pytest.param((world.grant(frozenset({"Report.Read.All", "Theirs.Read"})),), "grant-1", id="a scope is missing"),
        pytest.param((world.grant(principal="someone"),), None, id="only one person consented"),
        pytest.param((), None, id="nobody consented"),
    ],
)
def test_missing_consent_is_added_to_what_is_consented(grants: tuple[Any, ...], grant_id: str | None) -> None:
    made = plan(world.signed_in(delegated_grants=known(grants)), world.sign_in())
    assert ids_of(made.changes) == ["consent"]
    theirs = {"Theirs.Read"} if grant_id else set()
    assert params(made, "consent")["grant_id"] == grant_id
    assert set(params(made, "consent")["scopes"]) == set(world.SCOPES) | theirs


def test_permissions_this_tenant_does_not_publish_are_left_out_and_told() -> None:
    bare = world.signed_in(power_bi=known(replace(everything().power_bi.value, scopes={})))  # type: ignore[union-attr]
    made = plan(bare, world.sign_in())
    assert made.changes == ()
    assert "publishes no such permission" in step(made, "consent-unknown").why


def test_a_tenant_without_power_bi_is_told_so() -> None:
    made = plan(world.signed_in(power_bi=ABSENT), world.sign_in())
    assert "sign up for Power BI first" in step(made, "consent").why


@pytest.mark.parametrize(("choice", "kind"), [("restore", "restore_application"), ("purge", "purge_application")])
def test_a_deleted_app_is_dealt_with_first_and_the_rest_planned_again(choice: Any, kind: str) -> None:
    made = plan(nothing(deleted_app=known("old-object")), deleted=choice)
    [only] = made.changes
    assert only.action is not None
    assert (only.action.kind, only.action.params["app_object_id"]) == (kind, "old-object")
    assert made.again


def test_a_setting_that_shuts_the_app_out_is_left_alone_and_told() -> None:
    seen = everything(settings=world.settings(world.setting(excluded_groups={"g1": "X"})))
    made = plan(seen)
    assert made.changes == ()
    assert "excludes the group" in step(made, "setting").why
    assert step(made, "setting").warning


@pytest.mark.parametrize("admitted", [known(False), UNKNOWN], ids=["refused", "not asked"])
@pytest.mark.parametrize("wanted", [UNKNOWN, world.group(synced=True)], ids=["two of that name", "synchronised"])
def test_no_second_group_of_a_name_is_made_where_the_first_cannot_be_used(wanted: Any, admitted: Any) -> None:
    seen = everything(settings=UNKNOWN, admitted=admitted, memberships=known(frozenset()), groups={GROUP: wanted})
    kinds = {s.action.kind for s in plan(seen).changes if s.action}
    assert not kinds & {"create_group", "add_group_member", "update_tenant_setting"}


STRAY = world.password("key-2", "pbisetup k7f3q2/dev 2026-11-19 stray1")


def test_a_secret_of_an_interrupted_run_is_removed_and_the_held_one_kept() -> None:
    seen = everything(app=known(app(passwords=(world.password(), STRAY))), journalled=frozenset({STRAY.display_name}))
    [only] = plan(seen).changes
    assert only.id == "secret-remove-key-2"
    assert only.action is not None
    assert only.action.params == {"app_object_id": APP, "key_id": "key-2"}


@pytest.mark.parametrize("days", [80.0, 3.0, -1.0], ids=["fresh", "ending", "expired"])
def test_the_held_secret_is_never_removed_even_where_the_journal_still_names_it(days: float) -> None:
    mine = replace(STRAY, ends=world.password(days=days).ends)
    seen = everything(
        app=known(app(passwords=(mine,))), stored=world.stored("key-2"), journalled=frozenset({mine.display_name})
    )
    assert not [s for s in plan(seen).changes if s.change == "remove"]


def test_nothing_is_removed_while_the_secrets_file_cannot_be_read() -> None:
    seen = everything(app=known(app(passwords=(STRAY,))), stored=UNKNOWN, journalled=frozenset({STRAY.display_name}))
    assert not [s for s in plan(seen).changes if s.change == "remove"]


def test_a_printed_secret_that_was_never_shown_is_replaced_and_removed() -> None:
    seen = everything(app=known(app(passwords=(STRAY,))), stored=UNKNOWN, journalled=frozenset({STRAY.display_name}))
    # Which of them was shown nobody can tell: the new one comes first.
    assert ids_of(plan(seen, world.printed()).changes) == ["secret", "secret-remove-key-2"]


def test_secrets_of_others_are_left_alone() -> None:
    theirs = world.password("key-9", "made in the portal", days=-5)
    assert plan(everything(app=known(app(passwords=(theirs, world.password()))))).changes == ()


def test_the_workspace_is_named_by_id_where_the_manifest_does() -> None:
    spec = WorkspaceSpec("Member", id="ws-id")
    seen = everything(workspaces={"ws-id": ABSENT}, service_principal=known(ServicePrincipal(SP, CLIENT)))
    made = plan(seen, automation(workspaces=(spec,)))
    assert params(made, "workspace-ws-id")["workspace_id"] == "ws-id"
    assert step(made, "workspace-ws-id").allowed is False
