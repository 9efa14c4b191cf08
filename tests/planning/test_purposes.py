"""What each purpose asks of a tenant, what it never asks, and what is left alone on purpose."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pbisetup.catalog.purposes import contradictions, least_role, purposes
from pbisetup.catalog.tenant_settings import CREATE, CREATE_WORKSPACES, PROFILES, READ_ADMIN, WRITE_ADMIN
from pbisetup.catalog.wellknown import PUBLIC_API_SETTING
from pbisetup.model.facts import Unknown
from pbisetup.model.manifest import ADOPTED_TAG, Environment, WorkspaceSpec
from pbisetup.model.plan import Plan, Step
from pbisetup.model.snapshot import Snapshot
from pbisetup.model.tenant import (
    Capacity,
    Group,
    Operator,
    ResourceApp,
    RoleGrant,
    ServicePrincipal,
    TenantSetting,
    Workspace,
)
from pbisetup.planning.planner import plan_environment
from pbisetup.planning.together import told_once
from tests.planning import world
from tests.planning.world import ABSENT, CLIENT, GROUP, SP, UNKNOWN, everything, known, nothing

ROLES = {"Tenant.Read.All": "role-t", "Tenant.ReadWrite.All": "role-w"}
POWER_BI = known(ResourceApp("power-bi-sp", world.POWER_BI_APP, ROLES, world.SCOPES))
NAMES = (PUBLIC_API_SETTING, READ_ADMIN, WRITE_ADMIN, CREATE, CREATE_WORKSPACES, PROFILES, "Embedding")


def shut(*open_: str) -> Any:
    """Every setting off, but those that are open to everybody."""
    return known({name: TenantSetting(name, name, name in open_) for name in NAMES})


def environment(*chosen: str, **changes: Any) -> Environment:
    return replace(Environment("dev", None, chosen), **changes)


def plan(env: Environment, seen: Snapshot | None = None, **changes: Any) -> Plan:
    seen = replace(seen or nothing(settings=shut(), power_bi=POWER_BI), **changes)
    return plan_environment(world.MANIFEST, env, seen, world.NOW)


def titles(made: Plan, kind: str) -> list[str]:
    return [s.title for s in made.changes if s.action is not None and s.action.kind == kind]


def params(made: Plan, kind: str) -> list[dict[str, Any]]:
    return [dict(s.action.params) for s in made.changes if s.action is not None and s.action.kind == kind]


def step(made: Plan, id_: str) -> Step:
    return next(s for s in made.steps if s.id == id_)


# -- permissions, settings, groups -----------------------------------------------------------------------------------

SETTINGS = {
    "automation": {PUBLIC_API_SETTING},
    "admin-read": {READ_ADMIN},
    "admin-write": {WRITE_ADMIN},
    "embed-customers": {PUBLIC_API_SETTING, "Embedding"},
    "deploy": {PUBLIC_API_SETTING, CREATE, CREATE_WORKSPACES},
    "gateway": {PUBLIC_API_SETTING},
    "user-sign-in": set(),
    "embed-organization": set(),
}


@pytest.mark.parametrize("name", purposes())
def test_each_purpose_opens_its_own_settings_and_each_only_to_a_group(name: str) -> None:
    changes = params(plan(environment(name)), "update_tenant_setting")
    assert {each["setting"] for each in changes} == SETTINGS[name]
    assert all(each["group_id"] for each in changes)


@pytest.mark.parametrize("name", purposes())
def test_only_the_gateway_is_granted_application_permissions(name: str) -> None:
    made = plan(environment(name))
    granted = {each["permission"] for each in params(made, "grant_app_role")}
    body = step(made, "app").action.params["body"]  # type: ignore[union-attr]
    declared = {(a["type"], a["id"]) for api in body.get("requiredResourceAccess", ()) for a in api["resourceAccess"]}
    assert granted == (set(ROLES) if name == "gateway" else set())
    assert {id_ for kind, id_ in declared if kind == "Role"} == (set(ROLES.values()) if name == "gateway" else set())
    assert bool({id_ for kind, id_ in declared if kind == "Scope"}) is (purposes()[name].sign_in == "user")


def test_whoever_sees_or_changes_the_whole_tenant_is_in_a_group_of_its_own() -> None:
    made = plan(environment("automation", "admin-read", "admin-write"))
    groups = {each["display_name"]: each["unique_name"] for each in params(made, "create_group")}
    assert groups == {
        GROUP: "pbisetup-k7f3q2-api",
        "pbi-admin-readers": "pbisetup-k7f3q2-admin-read",
        "pbi-admin-writers": "pbisetup-k7f3q2-admin-write",
    }
    assert len({each["group_id"] for each in params(made, "add_group_member")}) == 3


def test_settings_that_share_a_group_share_one_group_and_one_membership() -> None:
    made = plan(environment("deploy", "embed-customers"))
    assert [each["display_name"] for each in params(made, "create_group")] == [GROUP]
    assert len(params(made, "add_group_member")) == 1
    assert len(params(made, "update_tenant_setting")) == 4


def test_a_tenant_older_than_the_split_is_asked_for_its_one_switch_once() -> None:
    old = known({"ServicePrincipalAccess": TenantSetting("ServicePrincipalAccess", "old", False)})
    [only] = [s for s in plan(environment("deploy"), settings=old).changes if s.id.startswith("setting")]
    assert only.action is not None
    assert only.action.params["setting"] == "ServicePrincipalAccess"


def test_profiles_are_let_in_through_a_group_like_the_rest() -> None:
    made = plan(environment("embed-customers", profiles=True))
    assert PROFILES in {each["setting"] for each in params(made, "update_tenant_setting")}


def test_a_setting_open_to_everybody_is_left_open_and_the_baseline_that_wants_it_narrower_is_named() -> None:
    made = plan(environment("automation"), settings=shut(PUBLIC_API_SETTING))
    assert params(made, "update_tenant_setting") == []
    assert "MS.POWERBI.4.1v1" in str(step(made, "setting").warning)


@pytest.mark.parametrize(
    ("chosen", "problems"),
    [(("gateway", "admin-read"), 1), (("gateway", "admin-read", "admin-write"), 2), (("deploy",), 0)],
)
def test_what_one_app_cannot_be_is_said_with_the_reason(chosen: tuple[str, ...], problems: int) -> None:
    found = contradictions(chosen)
    assert len(found) == problems
    assert all("admin APIs refuse the app" in each for each in found)


def test_the_least_role_that_serves_all_purposes() -> None:
    assert least_role(["admin-read"]) == "Viewer"
    assert least_role(["admin-read", "automation"]) == "Contributor"
    assert least_role(["embed-customers", "automation"]) == "Member"


# -- application permissions that are there ---------------------------------------------------------------------------


def granted(*roles: str, resource: str = "power-bi-sp") -> Any:
    return known(tuple(RoleGrant(f"grant-of-{role}", resource, role) for role in roles))


def test_an_application_permission_that_no_purpose_needs_is_drift() -> None:
    made = plan(world.automation(), everything(power_bi=POWER_BI, app_roles=granted("role-w")))
    [only] = made.changes
    assert (only.change, only.action and only.action.kind) == ("remove", "revoke_app_role")
    assert "Tenant.ReadWrite.All" in only.title


def test_a_gateway_keeps_the_two_it_needs_and_is_given_the_one_that_was_revoked() -> None:
    seen = everything(power_bi=POWER_BI, app_roles=granted("role-t"), workspaces={})
    made = plan(world.automation(purposes=("gateway",), workspaces=()), seen)
    assert [each["permission"] for each in params(made, "grant_app_role")] == ["Tenant.ReadWrite.All"]
    assert params(made, "revoke_app_role") == []


def test_application_permissions_of_other_apis_are_left_alone_and_told() -> None:
    seen = everything(power_bi=POWER_BI, app_roles=granted("a", "b", resource="graph-sp"))
    made = plan(world.automation(), seen)
    assert made.changes == ()
    assert step(made, "app-roles-other").change == "leave"
    assert "2 application permissions" in step(made, "app-roles-other").title


def test_ids_that_power_bi_does_not_publish_or_not_as_that_kind_are_told() -> None:
    declared = frozenset({(world.POWER_BI_APP, "scope-w", "Role"), (world.POWER_BI_APP, "nobody", "Scope")})
    made = plan(world.automation(), everything(power_bi=POWER_BI, app=known(world.registration(declared=declared))))
    why = step(made, "declared").why
    assert "scope-w is declared as application but is the delegated permission Workspace.Read.All" in why
    assert "nobody is no delegated permission" in why
    assert made.changes == ()


# -- consent -------------------------------------------------------------------------------------------------------


def test_consent_for_one_person_names_that_person() -> None:
    made = plan(environment("user-sign-in", consent="person"), world.signed_in(delegated_grants=known(())))
    [only] = params(made, "grant_delegated")
    assert only["principal_id"] == world.ADMIN.object_id


def test_somebody_who_may_not_consent_for_others_is_asked_at_the_sign_in_and_nobody_is_called() -> None:
    seen = world.signed_in(delegated_grants=known(()), operator=world.DEVELOPER)
    made = plan(environment("user-sign-in", consent="person"), seen)
    assert params(made, "grant_delegated") == []
    assert step(made, "consent").change == "leave"


def test_consent_for_everybody_serves_the_person_too() -> None:
    made = plan(environment("user-sign-in", consent="person"), world.signed_in())
    assert step(made, "consent").change == "keep"


# -- taking over ---------------------------------------------------------------------------------------------------


def by_hand(**changes: Any) -> Any:
    app = world.registration(unique_name=None, tags=frozenset({"HideApp"}), display_name="Bob's app")
    return known(replace(app, **changes))


ADOPTING = world.automation(client_id=CLIENT)


def test_an_app_made_by_hand_is_marked_and_keeps_its_name_and_its_tags() -> None:
    made = plan(ADOPTING, everything(app=by_hand()))
    [only] = made.changes
    assert only.action is not None
    assert only.action.params["changes"] == {
        "uniqueName": "pbisetup-k7f3q2-dev",
        "tags": sorted(
            {"HideApp", "pbisetup", ADOPTED_TAG, world.MANIFEST.adopted_tag("dev"), world.MANIFEST.tag("dev")}
        ),
    }


def test_once_taken_over_nothing_is_left_to_do() -> None:
    tags = frozenset({"HideApp", "pbisetup", ADOPTED_TAG, world.MANIFEST.tag("dev")})
    assert plan(ADOPTING, everything(app=by_hand(unique_name="pbisetup-k7f3q2-dev", tags=tags))).changes == ()


def test_an_app_that_somebody_else_keeps_is_taken_over_by_its_tag_alone_and_that_is_said() -> None:
    made = plan(ADOPTING, everything(app=by_hand(unique_name="terraform-app")))
    [only] = made.changes
    assert only.action is not None
    assert set(only.action.params["changes"]) == {"tags"}
    assert "terraform-app" in str(only.warning)
    theirs = frozenset({"pbisetup:other1/prod"})
    [shared] = plan(ADOPTING, everything(app=by_hand(tags=theirs))).changes
    assert "other1/prod" in str(shared.warning)


def test_an_app_that_the_operator_does_not_own_becomes_a_hand_off() -> None:
    seen = everything(app=by_hand(owners=frozenset({"bob"})), operator=world.DEVELOPER)
    made = plan(ADOPTING, seen)
    assert step(made, "app").allowed is False
    assert {s.id for s in made.others} >= {"app", "owner"}


# -- workspaces ----------------------------------------------------------------------------------------------------

WANTED = WorkspaceSpec("Contributor", name="Sales")
EMPTY = nothing(settings=shut(PUBLIC_API_SETTING, CREATE_WORKSPACES), workspaces={"Sales": ABSENT})


@pytest.mark.parametrize(
    ("elsewhere", "makes", "change", "kind", "said"),
    [
        pytest.param(ABSENT, False, "leave", None, "there is no such workspace; create = true", id="there is none"),
        pytest.param(known("ws-9"), False, "add", "set_workspace_role", "exists, and you have no role", id="not yours"),
        pytest.param(
            UNKNOWN, False, "add", "set_workspace_role", "does not exist, or you have no role", id="nobody knows"
        ),
        pytest.param(ABSENT, True, "add", "create_workspace", "there is none of this name", id="to be made"),
        pytest.param(UNKNOWN, True, "add", "create_workspace", "you see none of this name", id="made if there is none"),
        pytest.param(
            known("ws-9"), True, "add", "set_workspace_role", "exists, and you have no role", id="not made twice"
        ),
    ],
)
def test_a_workspace_that_is_not_seen_has_several_reasons(
    elsewhere: Any, makes: bool, change: str, kind: str | None, said: str
) -> None:
    env = environment("automation", workspaces=(WANTED,), makes=frozenset({"Sales"} if makes else ()))
    made = plan(env, EMPTY, elsewhere={"Sales": elsewhere})
    first = next(s for s in made.steps if "Sales" in s.title)
    assert first.change == change
    assert (first.action.kind if first.action else None) == kind
    assert said in f"{first.why} {first.because}"
    if kind == "set_workspace_role":
        assert first.allowed is False
    if kind == "create_workspace":
        role = step(made, "workspace-Sales")
        assert role.action is not None
        assert role.action.params["workspace_id"] == "{workspace_0_id}"
        assert "workspace-new-Sales" in role.needs


def test_a_role_higher_than_needed_or_too_low_is_told() -> None:
    high = plan(world.automation(workspaces=(WorkspaceSpec("Admin", name="Reports"),)))
    assert "Contributor is enough" in str(step(high, "workspace-Reports").warning)
    low = plan(environment("embed-customers", workspaces=(WorkspaceSpec("Viewer", name="Reports"),)))
    assert "takes Member at least" in str(step(low, "workspace-Reports").warning)
    reads = plan(world.automation(workspaces=(WorkspaceSpec("Viewer", name="Reports"),)))
    assert step(reads, "workspace-Reports").warning == "enough to read; to refresh takes Contributor"


def test_a_workspace_of_the_first_generation_is_told_not_tried() -> None:
    old = known(replace(world.workspace(role=None), classic=True))
    made = plan(world.automation(), workspaces={"Reports": old})
    assert step(made, "workspace-Reports").change == "leave"


F64 = Capacity("c-1", "F64", "F64", "Active")


def on(capacity: str | None, role: Any = "Admin") -> dict[str, Any]:
    place = Workspace("ws-id", "Reports", {SP: "Member"}, role, capacity_id=capacity, on_capacity=capacity is not None)
    return {"Reports": known(place)}


def test_a_workspace_goes_onto_the_capacity_that_the_manifest_names() -> None:
    env = world.automation(capacity="f64")
    moved = plan(env, everything(capacity=known(F64), workspaces=on("other")))
    assert [s.id for s in moved.changes] == ["capacity-Reports"]
    assert moved.own == moved.changes
    stays = plan(env, everything(capacity=known(F64), workspaces=on("C-1")))
    assert stays.changes == ()
    member = plan(env, everything(capacity=known(F64), workspaces=on(None, "Member")))
    assert [s.id for s in member.others] == ["capacity-Reports"]
    unseen = plan(env, everything(capacity=ABSENT, workspaces=on(None)))
    assert step(unseen, "capacity-Reports").change == "leave"


def test_embedding_without_a_capacity_is_told() -> None:
    env = world.automation(purposes=("embed-customers",))
    seen = everything(settings=shut(PUBLIC_API_SETTING, "Embedding"), workspaces=on(None))
    assert "embed tokens for a trial" in step(plan(env, seen), "capacity-Reports").why


@pytest.mark.parametrize(
    ("own", "change", "deferred"),
    [
        (Unknown("no token"), "add", True),
        (known(frozenset()), "add", False),
        (known(frozenset({"c-1"})), "keep", False),
    ],
)
def test_who_makes_workspaces_on_a_capacity_must_be_its_contributor(own: Any, change: str, deferred: bool) -> None:
    env = world.automation(purposes=("deploy",), capacity="F64")
    seen = everything(settings=shut(*NAMES), capacity=known(F64), app_capacities=own, workspaces=on("c-1"))
    asked = step(plan(env, seen), "capacity")
    assert (asked.change, asked.deferred) == (change, deferred)
    if change == "add" and not deferred:
        assert asked.who == ("capacity admin",)


# -- what nobody here can see --------------------------------------------------------------------------------------

UNSEEN = Unknown("only a Fabric administrator may read the tenant settings")
DEVELOPING = everything(
    operator=world.DEVELOPER,
    app=known(world.registration(owners=frozenset({world.DEVELOPER.object_id}))),
    settings=UNSEEN,
    admitted=known(True),
    groups={GROUP: ABSENT},
)


def test_a_setting_that_only_others_can_see_is_to_be_checked_and_is_no_change() -> None:
    made = plan(world.automation(purposes=("deploy",)), replace(DEVELOPING, groups={GROUP: known(Group("g1", GROUP))}))
    assert [s.id for s in made.unseen] == [f"setting-{CREATE}"]
    assert made.changes == ()


def test_the_admin_setting_is_seen_by_the_apps_own_call() -> None:
    env = world.automation(purposes=("admin-read",), workspaces=())
    asked = plan(env, DEVELOPING, memberships=known(frozenset()))
    assert asked.undecided
    admitted = plan(env, DEVELOPING, admitted_by={READ_ADMIN: known(True)})
    assert admitted.changes == ()
    refused = plan(env, DEVELOPING, admitted_by={READ_ADMIN: known(False)})
    assert [s.id for s in refused.others] == [f"setting-{READ_ADMIN}"]


# -- what keeps an app out and is not changed here -------------------------------------------------------------------


def test_a_service_principal_that_is_switched_off_is_drift() -> None:
    off = known(ServicePrincipal(SP, CLIENT, enabled=False))
    [only] = plan(world.automation(), everything(service_principal=off)).changes
    assert only.action is not None
    assert only.action.kind == "enable_service_principal"


def test_what_the_manifest_asks_for_and_nobody_here_gives_is_unmet() -> None:
    gone = everything(workspaces={"Reports": ABSENT}, elsewhere={"Reports": ABSENT})
    off = everything(app=known(world.registration(disabled=True)))
    m365 = everything(
        settings=world.settings(world.setting(enabled=False)),
        memberships=known(frozenset()),
        groups={GROUP: known(Group("g1", GROUP, unified=True))},
    )
    rule = replace(m365, groups={GROUP: known(Group("g1", GROUP, dynamic=True))})
    for seen, id_ in ((gone, "workspace-Reports"), (off, "app-off"), (m365, "setting"), (rule, "setting")):
        assert [s.id for s in plan(world.automation(), seen).unmet] == [id_]
    assert plan(world.automation(), everything()).unmet == ()


def test_a_group_that_is_gone_leaves_the_list_of_the_setting() -> None:
    seen = everything(
        settings=world.settings(world.setting(groups=("dead",))),
        memberships=known(frozenset()),
        groups={GROUP: ABSENT, "dead": ABSENT},
    )
    made = plan(world.automation(), seen)
    [change] = params(made, "update_tenant_setting")
    assert change["gone"] == ["dead"]
    assert "no such group any more: 'name of dead'" in str(step(made, "setting").warning)


# -- several environments ------------------------------------------------------------------------------------------


def test_what_two_environments_share_is_explained_once() -> None:
    first = plan(environment("automation"))
    second = replace(first, environment="test")
    told = told_once([first, second])
    assert told[0] == first
    again = [s.id for s in told[1].steps if "dev needs, too" in s.why]
    assert again == ["group", "setting"]


operators = st.sampled_from([world.ADMIN, world.FABRIC_ADMIN, world.DEVELOPER, world.PIPELINE])
chosen = st.lists(st.sampled_from(sorted(purposes())), min_size=1, max_size=3, unique=True)
lists = st.dictionaries(st.sampled_from(("g1", "g2", "g3")), st.just("name"), max_size=2)
some_settings = st.fixed_dictionaries(
    {
        name: st.builds(
            lambda n, on, inside, out: TenantSetting(n, n, on, inside, out), st.just(name), st.booleans(), lists, lists
        )
        for name in NAMES
    }
)


@settings(max_examples=200, deadline=None)
@given(chosen, operators, some_settings, st.sets(st.sampled_from(("g1", "g2"))), st.booleans())
def test_no_setting_is_ever_opened_to_everybody_or_narrowed(
    names: list[str], operator: Operator, there: dict[str, TenantSetting], inside: set[str], exists: bool
) -> None:
    seen = everything(
        operator=operator, settings=known(there), memberships=known(frozenset(inside)), power_bi=POWER_BI,
        groups={GROUP: known(Group("g1", GROUP)) if exists else ABSENT},
    )  # fmt: skip
    made = plan(world.automation(purposes=tuple(names)), seen)
    ids = [s.id for s in made.steps]
    assert len(ids) == len(set(ids))
    for number, each in enumerate(made.steps):
        assert set(each.needs) <= set(ids[:number]) | {"service-principal", "app"}
        if each.action is None or each.action.kind != "update_tenant_setting" or each.deferred:
            continue
        was = there[each.action.params["setting"]]
        assert each.action.params["group_id"]
        assert not (was.enabled and not was.scoped)
        assert each.action.params["group_id"] not in was.excluded_groups
