"""From findings to the steps that mend them: what is done, by whom, in which order, and what is never done."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pbisetup.catalog import wellknown as ids
from pbisetup.catalog.wellknown import ADMISSION_CODE, OLD_PUBLIC_API_SETTING, PUBLIC_API_SETTING
from pbisetup.execution.steps import ACTIONS
from pbisetup.model import case as keys
from pbisetup.model.case import Asked, Case, Sighting
from pbisetup.model.facts import Known
from pbisetup.model.finding import Examination, Finding, Remedy
from pbisetup.model.manifest import CredentialSpec
from pbisetup.model.plan import ACTION_KINDS, PLANNED_KINDS, Action, Plan, Step, Who
from pbisetup.model.probe import ApiAnswer
from pbisetup.model.tenant import Group, Operator, RoleGrant, ServicePrincipal, TenantSetting, Workspace
from pbisetup.planning import rights
from pbisetup.planning.admission import decide
from pbisetup.planning.arranging import groups_let_in
from pbisetup.planning.cases import ADMISSION_REQUEST, wanted_group
from pbisetup.planning.mending import MAKERS, mend
from pbisetup.planning.wanted import group_for, group_kind
from tests.planning import world
from tests.planning.world import ABSENT, APP, CLIENT, GROUP, SP, UNKNOWN, known

USER, ASSIGNMENT, GUID = "user-id", "assignment-1", "22222222-2222-2222-2222-222222222222"
EMBEDDING = "Embedding"
SECRET = {"app_object_id": APP, "client_id": CLIENT}
ROLE = {"workspace_id": "ws-id", "workspace_name": "Reports", "sp_object_id": SP, "role": "Member", "replaces": None}
GRANT = {"sp_object_id": SP, "resource_id": "power-bi-sp", "scopes": ["Report.Read.All"], "grant_id": None}
EXCLUDED = {"group_id": "gx", "group_name": "no apis", "sp_object_id": SP}
ENABLE = {"sp_object_id": SP, "name": "contoso-reports-dev"}
PERMISSION = {
    "app_object_id": APP,
    "resource_app_id": world.POWER_BI_APP,
    "scope_ids": ["scope-r"],
    "scopes": ["Report.Read.All"],
}
REVOKE = {"sp_object_id": SP, "assignment_id": ASSIGNMENT, "permission": "Tenant.Read.All"}
REDIRECT = {"app_object_id": APP, "uri": "https://reports.example/signin"}
ASSIGN = {"sp_object_id": SP, "user_id": USER, "account": "ann@contoso.example"}

CLOUD_ADMIN = replace(world.DEVELOPER, roles=frozenset({ids.CLOUD_APPLICATION_ADMINISTRATOR}))
ROLE_ADMIN = replace(world.DEVELOPER, roles=frozenset({ids.PRIVILEGED_ROLE_ADMINISTRATOR}))
OWNER = world.DEVELOPER


def through(setting: str = PUBLIC_API_SETTING, group: str = "api") -> dict[str, str]:
    return {"setting": setting, "title": f"title of {setting}", "group_for": group}


def finding(kind: str, params: dict[str, Any] | None = None, **changes: Any) -> Finding:
    remedy = Remedy("you", "Mend it.", Action(kind, params or {}), fixable=True)
    base = Finding("PBI999", "cause", "error", "certain", f"because of {kind}", "It is so.", remedies=(remedy,))
    return replace(base, **changes)


def case(
    operator: Operator | None = world.ADMIN, asked: dict[str, Any] | None = None, facts: dict[Any, Any] | None = None
) -> Case:
    """A case of the app in a tenant where everything was looked at. `facts`: key, or (key, of) -> fact."""
    seen: dict[Any, Any] = {
        keys.TENANT: known(world.TENANT),
        keys.APP: known(world.registration()),
        keys.SERVICE_PRINCIPAL: known(ServicePrincipal(SP, CLIENT)),
        keys.POWER_BI: world.nothing().power_bi,
        keys.GRANTS: known(()),
        keys.ROLE_GRANTS: known((RoleGrant(ASSIGNMENT, "power-bi-sp", "role-t"),)),
        keys.MEMBERSHIPS: known(frozenset()),
        keys.SETTINGS: world.settings(world.setting(enabled=False)),
        (keys.GROUP, GROUP): ABSENT,
        (keys.WORKSPACE, "Reports"): known(world.workspace(role=None)),
        keys.MAY_CREATE_GROUPS: known(True),
        **({keys.OPERATOR: known(operator)} if operator else {}),
        **(facts or {}),
    }
    sightings = [Sighting(*(k if isinstance(k, tuple) else (k, None)), fact) for k, fact in seen.items()]
    base = Asked("dev", "public", "app", ("automation",), client_id=CLIENT)
    return Case(replace(base, **(asked or {})), world.NOW, tuple(sightings))


def fixed(*findings: Finding, who_else: dict[str, str] | None = None, environment: Any = None, **kind: Any) -> Plan:
    examination = Examination("dev", (), findings, False, 0)
    return mend(examination, case(**kind), world.MANIFEST, environment or world.automation(), world.NOW, who_else)


def ids_of(plan: Plan) -> list[str]:
    return [step.id for step in plan.changes]


def only(plan: Plan) -> Step:
    [step] = plan.steps
    return step


def params(step: Step) -> dict[str, Any]:
    assert step.action is not None
    return dict(step.action.params)


# -- which findings become steps


def test_the_registry_of_actions_is_what_plans_may_hold() -> None:
    assert set(ACTIONS) == PLANNED_KINDS
    assert set(MAKERS) <= ACTION_KINDS


def test_nothing_follows_where_nobody_is_signed_in() -> None:
    assert fixed(finding("add_secret", SECRET), operator=None).steps == ()


@pytest.mark.parametrize(
    "unfit",
    [
        finding("add_secret", SECRET, severity="warning"),
        finding("add_secret", SECRET, severity="info"),
        finding("add_secret", SECRET, remedies=(Remedy("you", "Do it.", Action("add_secret", SECRET)),)),
        finding("add_secret", SECRET, remedies=(Remedy("you", "Do it.", None, fixable=True),)),
        finding("add_secret", {}),
        finding("grant_delegated", {**GRANT, "scopes": []}),
        finding("wait", {"minutes": 15}),
        finding("activate_role", {"role": "x"}),
        finding("correct_secret", {"variable": "AZURE_CLIENT_SECRET"}),
    ],
)
def test_what_nobody_here_can_do_gives_no_step(unfit: Finding) -> None:
    assert fixed(unfit).steps == ()


def test_the_first_remedy_that_can_be_done_is_taken() -> None:
    remedies = (
        Remedy("you", "Wait.", Action("wait", {}), fixable=True),
        Remedy("you", "Not all is known.", Action("add_redirect_uri", {"app_object_id": APP}), fixable=True),
        Remedy("app owner", "Do it.", Action("allow_public_client", {"app_object_id": APP}), fixable=True),
        Remedy("you", "Do another.", Action("add_secret", SECRET), fixable=True),
    )
    assert ids_of(fixed(finding("x", remedies=remedies))) == ["fix-public-client"]


# -- what each kind becomes

TABLE: dict[str, tuple[dict[str, Any], str, str, tuple[Who, ...]]] = {
    "add_resource": ({"client_id": world.POWER_BI_APP, "name": "Power BI Service"}, "fix-add-resource", "add", ()),
    "enable_resource": ({"sp_object_id": "pb", "name": "Power BI Service"}, "fix-enable-resource", "change", ()),
    "allow_public_client": ({"app_object_id": APP}, "fix-public-client", "change", ("app owner",)),
    "add_redirect_uri": (REDIRECT, f"fix-redirect-{REDIRECT['uri']}", "change", ("app owner",)),
    "add_delegated_permission": (PERMISSION, f"fix-permissions-{world.POWER_BI_APP}", "change", ("app owner",)),
    "enable_service_principal": (ENABLE, "fix-enable-service-principal", "change", ()),
    "grant_delegated": (GRANT, "consent", "add", ()),
    "revoke_app_role": (REVOKE, f"fix-revoke-{ASSIGNMENT}", "remove", ()),
    "assign_user": (ASSIGN, f"fix-assign-{USER}", "add", ("app owner",)),
}


@pytest.mark.parametrize("kind", TABLE)
def test_a_remedy_is_done_as_it_is_named(kind: str) -> None:
    given_params, id_, change, first = TABLE[kind]
    step = only(fixed(finding(kind, given_params)))
    assert (step.id, step.change, step.why, step.allowed) == (id_, change, f"because of {kind}", True)
    assert step.action == Action(kind, given_params)
    assert step.who == (*first, "cloud application administrator")
    assert step.undo


def test_a_secret_is_made_as_the_planner_makes_it() -> None:
    step = only(fixed(finding("add_secret", SECRET)))
    assert step.id == "secret"
    assert step.why == "because of add_secret"
    made = {"app_object_id": APP, "days": 90, "store": "env-file", "label": "pbisetup k7f3q2/dev"}
    # Nobody looked into the store: it may hold one that works.
    assert params(step) == {**made, "proved_first": True, "retires": []}
    assert "pbisetup k7f3q2/dev 2026-11-01" in (step.warning or "")
    short = world.automation(credential=CredentialSpec(lifetime=timedelta(days=30), store="stdout"))
    step = only(fixed(finding("add_secret", SECRET), environment=short))
    assert (params(step)["days"], params(step)["store"]) == (30, "stdout")
    plan = fixed(finding("add_secret", SECRET), facts={keys.APP: UNKNOWN})
    assert plan.outputs["client_id"] == CLIENT
    assert only(plan).allowed is True


def test_a_secret_is_nobody_elses_task() -> None:
    theirs = known(world.registration(owners=frozenset({"else"})))
    step = only(fixed(finding("add_secret", SECRET), operator=OWNER, facts={keys.APP: theirs}))
    assert step.allowed is False
    assert step.who == ("you",)
    assert "doctor --fix" in step.because


def test_a_service_principal_is_made_once_and_what_is_there_is_kept() -> None:
    made = finding("create_service_principal", {"client_id": CLIENT})
    gone = {keys.SERVICE_PRINCIPAL: ABSENT}
    step = only(fixed(made, made, facts=gone))
    assert (step.id, step.why, step.needs) == ("service-principal", made.title, ())
    assert not only(fixed(made)).writes
    foreign = only(fixed(made, operator=OWNER, facts={**gone, keys.APP: ABSENT}))
    assert foreign.allowed is False
    assert "another tenant" in (foreign.warning or "")


def test_a_role_is_given_and_never_lowered() -> None:
    step = only(fixed(finding("set_workspace_role", ROLE)))
    assert (step.id, step.change, params(step)["replaces"]) == ("workspace-Reports", "add", None)
    viewer = {(keys.WORKSPACE, "Reports"): known(world.workspace(role="Viewer"))}
    step = only(fixed(finding("set_workspace_role", ROLE), facts=viewer))
    assert (step.change, params(step)["replaces"]) == ("change", "Viewer")
    admin = {(keys.WORKSPACE, "Reports"): known(world.workspace(role="Admin"))}
    assert not only(fixed(finding("set_workspace_role", ROLE), facts=admin)).writes
    stale = {**ROLE, "replaces": "Viewer"}
    assert params(only(fixed(finding("set_workspace_role", stale))))["replaces"] is None
    unread = {(keys.WORKSPACE, "Reports"): known(Workspace("ws-id", "Reports", None, None))}
    step = only(fixed(finding("set_workspace_role", stale), facts=unread))
    assert (step.allowed, params(step)["replaces"]) == (None, "Viewer")
    classic = {(keys.WORKSPACE, "Reports"): known(Workspace("ws-id", "Reports", {}, "Admin", classic=True))}
    assert "first generation" in only(fixed(finding("set_workspace_role", ROLE), facts=classic)).why
    unseen = only(fixed(finding("set_workspace_role", ROLE), facts={(keys.WORKSPACE, "Reports"): UNKNOWN}))
    assert (unseen.id, unseen.allowed, unseen.who) == ("workspace-Reports", False, ("workspace admin",))


def test_consent_is_added_to_what_is_granted_and_two_wishes_are_one() -> None:
    held = {keys.GRANTS: known((world.grant(frozenset({"Dataset.Read.All"})),))}
    more = finding("grant_delegated", {**GRANT, "scopes": ["Workspace.Read.All"]})
    step = only(fixed(finding("grant_delegated", GRANT), more, facts=held))
    assert params(step)["grant_id"] == "grant-1"
    assert params(step)["scopes"] == ["Dataset.Read.All", "Report.Read.All", "Workspace.Read.All"]
    assert "everybody" in (step.warning or "")
    other = only(fixed(finding("grant_delegated", {**GRANT, "resource_id": "graph-sp"})))
    assert other.id == "consent-graph-sp"
    covered = {keys.GRANTS: known((world.grant(),))}
    assert not only(fixed(finding("grant_delegated", GRANT), facts=covered)).writes
    unread = only(fixed(finding("grant_delegated", {**GRANT, "grant_id": "g-9"}), facts={keys.GRANTS: UNKNOWN}))
    assert params(unread)["grant_id"] == "g-9"


def test_permissions_of_one_api_are_declared_together_and_not_twice() -> None:
    more = finding(
        "add_delegated_permission", {**PERMISSION, "scope_ids": ["scope-w"], "scopes": ["Workspace.Read.All"]}
    )
    step = only(fixed(finding("add_delegated_permission", PERMISSION), more))
    assert params(step)["scope_ids"] == ["scope-r", "scope-w"]
    declared = {keys.APP: known(world.sign_in_app())}
    assert not only(fixed(finding("add_delegated_permission", PERMISSION), facts=declared)).writes


def test_an_address_that_is_listed_is_not_added_again() -> None:
    listed = {keys.APP: known(world.registration(other_redirect_uris=frozenset({REDIRECT["uri"]})))}
    assert not only(fixed(finding("add_redirect_uri", REDIRECT), facts=listed)).writes
    step = only(fixed(finding("add_redirect_uri", REDIRECT)))
    assert "reports.example" in (step.warning or "")
    local = only(fixed(finding("add_redirect_uri", {**REDIRECT, "uri": "http://localhost"})))
    assert local.warning is None


# -- tenant settings and groups (DESIGN 4.3)


def scoped(*groups: str, **changes: Any) -> dict[Any, Any]:
    return {keys.SETTINGS: world.settings(world.setting(True, groups, **changes))}


def held(group: Group) -> dict[Any, Any]:
    return {(keys.GROUP, group.id): known(group)}


EXISTS = {(keys.GROUP, GROUP): known(Group("g1", GROUP, operator_owns=True))}
SETTING_KINDS = ("enable_tenant_setting", "add_group_member", "replace_group")


@pytest.mark.parametrize("kind", SETTING_KINDS)
@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        pytest.param({}, ["group", "member", "setting"], id="off, no group"),
        pytest.param(EXISTS, ["member", "setting"], id="off, the group is there"),
        pytest.param(
            {**EXISTS, keys.MEMBERSHIPS: known(frozenset({"g1"}))}, ["setting"], id="off, already in the group"
        ),
        pytest.param(scoped(), [], id="open to everybody"),
        pytest.param({**scoped("g2"), **held(Group("g2", "apps"))}, ["member"], id="limited to a fit group"),
        pytest.param({**scoped("g2")}, ["member"], id="limited to a group that cannot be looked at"),
        pytest.param(
            {**scoped("g2"), **held(Group("g2", "apps", synced=True))},
            ["group", "member", "setting"],
            id="limited to a synchronised group",
        ),
        pytest.param(
            {**scoped("g2"), **held(Group("g2", "apps")), keys.MEMBERSHIPS: known(frozenset({"g2"}))},
            [],
            id="admitted already",
        ),
        pytest.param(
            {**scoped("g2", excluded_groups={"gx": "x"}), keys.MEMBERSHIPS: known(frozenset({"gx"}))},
            [],
            id="in an excluded group",
        ),
        pytest.param(
            {(keys.GROUP, GROUP): known(Group("g1", GROUP, unified=True))}, [], id="off, the group is unsuited"
        ),
        pytest.param({(keys.GROUP, GROUP): UNKNOWN}, [], id="off, nobody could look for the group"),
        pytest.param(
            {keys.SETTINGS: world.settings(world.setting(False, can_specify_groups=False))},
            [],
            id="off and cannot be limited",
        ),
        pytest.param({keys.SETTINGS: known({})}, [], id="this tenant has no such setting"),
        pytest.param({keys.SERVICE_PRINCIPAL: UNKNOWN}, [], id="the service principal is not known"),
    ],
)
def test_the_service_principal_comes_through_a_setting_by_the_groups_rules(
    kind: str, facts: dict[Any, Any], expected: list[str]
) -> None:
    plan = fixed(finding(kind, through()), facts=facts)
    assert ids_of(plan) == expected
    assert all(step.why == f"because of {kind}" for step in plan.changes)
    if not expected:
        assert only(plan).id == "setting"
        assert only(plan).why


def test_the_setting_of_old_tenants_is_the_same_setting() -> None:
    old = known({OLD_PUBLIC_API_SETTING: replace(world.setting(False), name=OLD_PUBLIC_API_SETTING)})
    plan = fixed(finding("enable_tenant_setting", through()), facts={keys.SETTINGS: old, **EXISTS})
    assert params(plan.steps[-1])["setting"] == OLD_PUBLIC_API_SETTING


def test_a_setting_that_nobody_here_can_see_is_handed_on_with_its_group_prepared() -> None:
    plan = fixed(finding("enable_tenant_setting", through()), operator=OWNER, facts={keys.SETTINGS: UNKNOWN})
    assert ids_of(plan) == ["group", "member", "setting"]
    assert ids_of(replace(plan, steps=plan.own)) == ["group", "member"]
    assert plan.steps[-1].who == ("fabric administrator",)
    admitted = ApiAnswer(200, None, "", world.SEEN)
    facts = {keys.SETTINGS: UNKNOWN, (keys.ANSWER, ADMISSION_REQUEST): known(admitted)}
    assert ids_of(fixed(finding("enable_tenant_setting", through()), facts=facts)) == []
    refused = {**facts, (keys.ANSWER, ADMISSION_REQUEST): known(replace(admitted, status=401, code=ADMISSION_CODE))}
    assert ids_of(fixed(finding("enable_tenant_setting", through()), facts=refused)) == ["group", "member", "setting"]


def test_people_who_sign_in_are_not_let_in_by_a_group_of_the_app() -> None:
    plan = fixed(finding("enable_tenant_setting", through(EMBEDDING)), asked={"sign_in": "user"})
    assert plan.changes == ()
    assert "people sign in" in only(plan).why


def off(*names: str) -> dict[Any, Any]:
    return {keys.SETTINGS: known({name: TenantSetting(name, name, False) for name in names})}


def test_settings_that_share_a_group_make_it_once_and_fill_it_once() -> None:
    facts = off(PUBLIC_API_SETTING, EMBEDDING)
    embed = finding("enable_tenant_setting", through(EMBEDDING, "embed"))
    plan = fixed(embed, finding("add_group_member", through()), facts=facts)
    assert ids_of(plan) == ["group", "member", "setting", f"setting-{EMBEDDING}"]
    assert plan.steps[-1].needs == ("group",)
    assert params(plan.steps[-1])["group_id"] == "{group_id}"


def test_groups_for_different_things_are_different_groups_whose_ids_are_not_mixed_up() -> None:
    read = "AllowServicePrincipalsUseReadAdminAPIs"
    facts = {
        **off(PUBLIC_API_SETTING, EMBEDDING, read),
        (keys.GROUP, "pbi-admin-readers"): ABSENT,
        (keys.GROUP, "embedders"): ABSENT,
    }
    wishes = [
        finding("enable_tenant_setting", through(name, group))
        for name, group in ((read, "admin-read"), (EMBEDDING, "embed"), (PUBLIC_API_SETTING, "api"))
    ]
    plan = fixed(*wishes, facts=facts, asked={"groups": {"embed": "embedders"}})
    made = {params(s)["unique_name"]: params(s) for s in plan.steps if s.action and s.action.kind == "create_group"}
    assert {name.removeprefix("pbisetup-k7f3q2-"): p["display_name"] for name, p in made.items()} == {
        "api": GROUP,
        "admin-read": "pbi-admin-readers",
        "embed": "embedders",
    }
    outputs = {p.get("output", "group_id"): p["display_name"] for p in made.values()}
    assert len(outputs) == 3
    for step in plan.steps:
        if step.action and "group_name" in step.action.params:
            assert outputs[params(step)["group_id"].strip("{}")] == params(step)["group_name"]


def test_which_group_stands_for_what() -> None:
    assert group_for({}) == GROUP == group_for({}, "embed")
    assert group_for({"api": "x"}, "create") == "x"
    assert group_for({"api": "x"}, "admin-write") == "pbi-admin-writers"
    assert group_for({"embed": "e"}, "embed") == "e"
    assert group_kind({"api": "x", "embed": "x"}, "embed") == "api"
    assert group_kind({"embed": "e"}, "embed") == "embed"
    assert group_kind({"admin-write": "a", "admin-read": "a"}, "admin-write") == "admin-read"


def test_a_group_that_was_found_by_id_is_found_by_its_name_too() -> None:
    found = {"g1": known(Group("g1", GROUP))}
    assert wanted_group(found, GROUP) == found["g1"]
    assert wanted_group(found, "g1") == found["g1"]
    two = {**found, "g2": known(Group("g2", GROUP))}
    assert "nobody looked" in getattr(wanted_group(two, GROUP), "reason", "")


def test_a_group_that_is_named_by_an_id_is_never_made() -> None:
    facts = {(keys.GROUP, GUID): ABSENT}
    plan = fixed(finding("enable_tenant_setting", through()), facts=facts, asked={"groups": {"api": GUID}})
    assert plan.changes == ()
    assert GUID in only(plan).why


# -- who else it affects


def test_whoever_else_is_let_in_is_named() -> None:
    listed = {**EXISTS, keys.SETTINGS: world.settings(world.setting(False, ("g7",)))}
    wish = finding("enable_tenant_setting", through())
    plan = fixed(wish, facts=listed)
    assert groups_let_in(plan) == {"g1"}
    told = fixed(wish, facts=listed, who_else={"g1": "2 others: ETL, Jo", "g7": "not asked for"})
    warning = told.steps[-1].warning or ""
    assert "'name of g7'" in warning
    assert warning.endswith("(2 others: ETL, Jo)")
    assert "not asked for" not in warning
    assert groups_let_in(fixed(wish)) == frozenset()


def test_joining_a_group_lets_nobody_else_in() -> None:
    facts = {**scoped("g2"), **held(Group("g2", "apps"))}
    step = only(fixed(finding("add_group_member", through()), facts=facts, who_else={"g2": "many"}))
    assert step.warning is None
    assert groups_let_in(fixed(finding("add_group_member", through()), facts=facts)) == frozenset()


def test_leaving_a_group_tells_what_else_it_gives() -> None:
    seen = {
        keys.MEMBERSHIPS: known(frozenset({"gx"})),
        keys.SETTINGS: known(
            {
                PUBLIC_API_SETTING: world.setting(True, excluded_groups={"gx": "no apis"}),
                EMBEDDING: TenantSetting(EMBEDDING, "Embed content in apps", True, {"gx": "no apis"}),
            }
        ),
        (keys.GROUP, "gx"): known(Group("gx", "no apis", operator_owns=True)),
        (keys.WORKSPACE, "Reports"): known(Workspace("ws-id", "Reports", {"gx": "Viewer"}, "Admin")),
    }
    step = only(fixed(finding("remove_from_excluded_group", EXCLUDED), operator=OWNER, facts=seen))
    assert (step.id, step.change, step.allowed) == ("fix-excluded-gx", "remove", True)
    assert "'Embed content in apps'" in (step.warning or "")
    assert "Viewer of the workspace 'Reports'" in (step.warning or "")
    synced = {**seen, (keys.GROUP, "gx"): known(Group("gx", "no apis", synced=True))}
    assert "on-premises" in only(fixed(finding("remove_from_excluded_group", EXCLUDED), facts=synced)).why
    nested = {**seen, keys.MEMBERSHIPS: known(frozenset({"inner"}))}
    assert "another group" in only(fixed(finding("remove_from_excluded_group", EXCLUDED), facts=nested)).why
    protected = {**seen, (keys.GROUP, "gx"): known(Group("gx", "no apis", role_assignable=True))}
    step = only(fixed(finding("remove_from_excluded_group", EXCLUDED), operator=CLOUD_ADMIN, facts=protected))
    assert (step.allowed, step.who) == (False, ("privileged role administrator",))
    assert "directory roles" in (step.warning or "")


def test_what_excludes_the_app_goes_first_and_the_rest_is_decided_without_it() -> None:
    facts = {
        **scoped("g2", excluded_groups={"gx": "no apis"}),
        **held(Group("g2", "apps")),
        keys.MEMBERSHIPS: known(frozenset({"gx"})),
    }
    plan = fixed(finding("add_group_member", through()), finding("remove_from_excluded_group", EXCLUDED), facts=facts)
    assert ids_of(plan) == ["fix-excluded-gx", "member"]
    assert plan.steps[-1].needs == ("fix-excluded-gx",)
    synced = {**facts, (keys.GROUP, "gx"): known(Group("gx", "no apis", synced=True))}
    stuck = fixed(finding("add_group_member", through()), finding("remove_from_excluded_group", EXCLUDED), facts=synced)
    assert stuck.changes == ()


# -- order, and ids that come later


def test_the_app_comes_before_its_consent_and_the_service_principal_before_what_hangs_on_it() -> None:
    late = "{sp_object_id}"
    plan = fixed(
        finding("set_workspace_role", {**ROLE, "sp_object_id": late}),
        finding("enable_tenant_setting", through()),
        finding("grant_delegated", {**GRANT, "sp_object_id": late}),
        finding("create_service_principal", {"client_id": CLIENT}),
        finding("add_delegated_permission", PERMISSION),
        finding("add_resource", {"client_id": world.POWER_BI_APP, "name": "Power BI Service"}),
        facts={keys.SERVICE_PRINCIPAL: ABSENT, keys.MEMBERSHIPS: UNKNOWN},
    )
    permissions = f"fix-permissions-{world.POWER_BI_APP}"
    assert ids_of(plan) == [
        "fix-add-resource", permissions, "service-principal", "consent", "group", "member", "setting",
        "workspace-Reports",
    ]  # fmt: skip
    needs = {step.id: set(step.needs) for step in plan.steps}
    assert needs["consent"] == {"service-principal", "fix-add-resource", permissions}
    assert needs["member"] == {"group", "service-principal"}
    assert needs["workspace-Reports"] == {"service-principal"}


def test_what_waits_for_an_id_that_nobody_hands_on_is_left() -> None:
    role = finding("set_workspace_role", {**ROLE, "sp_object_id": "{sp_object_id}"})
    plan = fixed(role, facts={keys.SERVICE_PRINCIPAL: UNKNOWN})
    assert plan.changes == ()
    assert "not known" in only(plan).why


# -- who may

RIGHTS: list[tuple[str, dict[str, Any], Operator, bool | None]] = [
    ("enable_resource", {"sp_object_id": "pb", "name": "x"}, world.ADMIN, True),
    ("enable_resource", {"sp_object_id": "pb", "name": "x"}, CLOUD_ADMIN, True),
    ("enable_resource", {"sp_object_id": "pb", "name": "x"}, OWNER, False),
    ("enable_resource", {"sp_object_id": "pb", "name": "x"}, world.PIPELINE, False),
    ("add_resource", {"client_id": "c", "name": "x"}, CLOUD_ADMIN, True),
    ("add_resource", {"client_id": "c", "name": "x"}, ROLE_ADMIN, False),
    ("enable_service_principal", ENABLE, CLOUD_ADMIN, True),
    ("enable_service_principal", ENABLE, OWNER, None),
    ("enable_service_principal", ENABLE, world.FABRIC_ADMIN, False),
    ("enable_service_principal", ENABLE, world.PIPELINE, True),
    ("allow_public_client", {"app_object_id": APP}, OWNER, True),
    ("allow_public_client", {"app_object_id": APP}, world.FABRIC_ADMIN, False),
    ("add_redirect_uri", REDIRECT, OWNER, True),
    ("add_delegated_permission", PERMISSION, ROLE_ADMIN, False),
    ("grant_delegated", GRANT, OWNER, False),
    ("grant_delegated", GRANT, ROLE_ADMIN, True),
    ("revoke_app_role", REVOKE, CLOUD_ADMIN, True),
    ("revoke_app_role", REVOKE, ROLE_ADMIN, True),
    ("revoke_app_role", REVOKE, OWNER, False),
    ("revoke_app_role", {**REVOKE, "assignment_id": "of another API"}, CLOUD_ADMIN, None),
    ("revoke_app_role", {**REVOKE, "assignment_id": "of another API"}, ROLE_ADMIN, True),
    ("revoke_app_role", {**REVOKE, "assignment_id": "of another API"}, world.FABRIC_ADMIN, False),
    ("assign_user", ASSIGN, OWNER, True),
    ("assign_user", ASSIGN, CLOUD_ADMIN, True),
    ("assign_user", ASSIGN, world.FABRIC_ADMIN, False),
]


@pytest.mark.parametrize(("kind", "given_params", "operator", "allowed"), RIGHTS)
def test_who_may(kind: str, given_params: dict[str, Any], operator: Operator, allowed: bool | None) -> None:
    owned = {keys.APP: known(world.registration(owners=frozenset({OWNER.object_id})))}
    if operator in (CLOUD_ADMIN, ROLE_ADMIN):
        owned = {keys.APP: known(world.registration(owners=frozenset({"else"})))}
    step = only(fixed(finding(kind, given_params), operator=operator, facts=owned))
    assert step.allowed is allowed
    assert (step.because == "") is (allowed is True)


def test_permissions_on_graph_are_better_protected() -> None:
    assert rights.change_app_role(CLOUD_ADMIN, of_graph=True).allowed is False
    assert rights.change_app_role(ROLE_ADMIN, of_graph=True).allowed is True
    assert rights.change_app_role(OWNER, of_graph=True).allowed is False
    may_all = replace(world.PIPELINE, graph_permissions=frozenset({"Application.ReadWrite.All"}))
    assert [rights.change_app_role(may_all, of_graph=of).allowed for of in (False, None, True)] == [True, None, False]
    may_assign = replace(world.PIPELINE, graph_permissions=frozenset({"AppRoleAssignment.ReadWrite.All"}))
    assert rights.change_app_role(may_assign, of_graph=True).allowed is True
    assert rights.assign_person(OWNER, None).allowed is None
    opaque = replace(world.PIPELINE, graph_permissions=frozenset())
    assert rights.change_app_role(opaque, of_graph=False).allowed is None


# -- whatever is found


def fact(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return values.map(known) | st.sampled_from([ABSENT, UNKNOWN])


GROUP_IDS, SETTINGS = ("g1", "g2", "gx"), (PUBLIC_API_SETTING, EMBEDDING, "AllowServicePrincipalsUseReadAdminAPIs")
some_groups = st.builds(
    Group,
    st.sampled_from(GROUP_IDS),
    st.sampled_from([GROUP, "pbi-admin-readers", "apps"]),
    security=st.booleans(),
    synced=st.booleans(),
    unified=st.booleans(),
    role_assignable=st.booleans(),
    operator_owns=st.none() | st.booleans(),
)
some_settings = st.builds(
    TenantSetting,
    st.just("name"),
    st.just("title"),
    st.booleans(),
    st.sampled_from([{}, {"g1": "one"}, {"g1": "one", "g2": "two"}]),
    st.sampled_from([{}, {"gx": "x"}, {"g2": "two"}]),
    st.booleans(),
)
sp_ids = st.sampled_from([SP, "{sp_object_id}"])
FIXED_PARAMS = {**{kind: row[0] for kind, row in TABLE.items()}, "create_service_principal": {"client_id": CLIENT}}
some_wishes = st.one_of(
    st.sampled_from(sorted(FIXED_PARAMS)).map(lambda kind: (kind, FIXED_PARAMS[kind])),
    st.just(("add_secret", SECRET)),
    st.just(("wait", {})),
    st.builds(
        lambda kind, name, group: (kind, through(name, group)),
        st.sampled_from(SETTING_KINDS),
        st.sampled_from(SETTINGS),
        st.sampled_from(["api", "admin-read", "embed"]),
    ),
    st.sampled_from(GROUP_IDS).map(lambda id_: ("remove_from_excluded_group", {**EXCLUDED, "group_id": id_})),
    st.builds(
        lambda role, sp: ("set_workspace_role", {**ROLE, "role": role, "sp_object_id": sp}),
        st.sampled_from(["Viewer", "Member", "Admin"]),
        sp_ids,
    ),
)
some_facts = st.fixed_dictionaries(
    {
        keys.APP: fact(st.just(world.registration()) | st.just(world.sign_in_app())),
        keys.SERVICE_PRINCIPAL: fact(st.just(ServicePrincipal(SP, CLIENT))),
        keys.MEMBERSHIPS: fact(st.frozensets(st.sampled_from(GROUP_IDS))),
        keys.SETTINGS: fact(
            st.dictionaries(st.sampled_from(SETTINGS), some_settings).map(
                lambda found: {name: replace(each, name=name) for name, each in found.items()}
            )
        ),
        keys.GRANTS: fact(st.just((world.grant(frozenset({"Dataset.Read.All"})),))),
        keys.MAY_CREATE_GROUPS: fact(st.booleans()),
        (keys.WORKSPACE, "Reports"): fact(st.builds(world.workspace, st.sampled_from([None, "Viewer", "Admin"]))),
    }
)


@st.composite
def some_tenants(draw: st.DrawFn) -> dict[Any, Any]:
    """Facts of one tenant: a group is the same whether it was looked for by its id or its name."""
    by_id = {id_: draw(fact(some_groups.map(lambda g, id_=id_: replace(g, id=id_)))) for id_ in GROUP_IDS}
    named = [each for each in by_id.values() if isinstance(each, Known) and each.value.name == GROUP]
    by_name = draw(st.sampled_from([*named, ABSENT, UNKNOWN]))
    looked_for = draw(st.lists(st.sampled_from(GROUP_IDS), unique=True))
    groups = {(keys.GROUP, id_): by_id[id_] for id_ in looked_for}
    return {**draw(some_facts), (keys.GROUP, GROUP): by_name, **groups}


some_asked = st.sampled_from([{}, {"groups": {"embed": "apps"}}, {"groups": {"api": "g1"}}, {"groups": {"api": GUID}}])
operators = st.sampled_from(
    [world.ADMIN, world.FABRIC_ADMIN, world.DEVELOPER, CLOUD_ADMIN, ROLE_ADMIN, world.GUEST, world.PIPELINE]
)


@settings(max_examples=400, deadline=None)
@given(st.lists(some_wishes, max_size=6), some_tenants(), some_asked, operators)
def test_whatever_is_found_the_plan_can_be_run_in_its_order_and_lets_in_nobody_that_it_should_not(
    wishes: list[tuple[str, dict[str, Any]]], facts: dict[Any, Any], asked: dict[str, Any], operator: Operator
) -> None:
    findings = tuple(finding(kind, given_params) for kind, given_params in wishes)
    seen = case(operator, asked, facts)
    plan = mend(Examination("dev", (), findings, False, 0), seen, world.MANIFEST, world.automation(), world.NOW)
    order = [step.id for step in plan.steps]
    assert len(set(order)) == len(order)
    known_ids = set(plan.outputs)
    for number, step in enumerate(plan.steps):
        assert set(step.needs) <= set(order[:number])
        assert step.title
        assert step.why
        assert (step.action is None) == (step.change in ("keep", "leave"))
        if step.action is None:
            continue
        assert step.action.kind in ACTIONS
        assert set(step.who) <= set(get_args(Who))
        assert step.who
        assert step.because or step.allowed is not False
        json.dumps(dict(step.action.params))
        waits = {v.strip("{}") for k, v in step.action.params.items() if k.endswith("_id") and str(v).startswith("{")}
        assert waits <= known_ids
        if step.action.kind == "create_group":
            known_ids.add(step.action.params.get("output", "group_id"))
        if step.action.kind == "create_service_principal":
            known_ids.add("sp_object_id")
        assert_harmless(step, seen, plan)
    assert mend(Examination("dev", (), findings, False, 0), seen, world.MANIFEST, world.automation(), world.NOW) == plan


def assert_harmless(step: Step, seen: Case, plan: Plan) -> None:
    """No group that is unsuited or excluded is ever written to or named, and no setting is opened to everybody."""
    assert step.action is not None
    given_params = step.action.params
    group_id = given_params.get("group_id", "")
    found = {each.value.id: each.value for each in seen.all(keys.GROUP) if isinstance(each, Known)}
    group = found.get(group_id)
    known_settings = seen.value(keys.SETTINGS) or {}
    if step.action.kind == "update_tenant_setting":
        assert group_id
        setting = known_settings.get(given_params["setting"])
        if setting is not None:
            assert setting.can_specify_groups
            assert group_id not in setting.excluded_groups
            assert not (setting.enabled and not setting.enabled_groups)
            assert set(given_params["announced"]) == set(setting.enabled_groups)
        assert group is None or group.admits_service_principals
    if step.action.kind == "add_group_member":
        assert group is None or group.admits_service_principals
        assert group_id not in (seen.value(keys.MEMBERSHIPS) or frozenset()) - leaving(plan)
    if step.action.kind == "remove_from_excluded_group":
        assert step.change == "remove"
        assert group is None or not group.synced


def leaving(plan: Plan) -> set[str]:
    return {
        s.action.params["group_id"] for s in plan.steps if s.action and s.action.kind == "remove_from_excluded_group"
    }


def test_the_decision_is_the_planners_own() -> None:
    """What a repair does about a setting is what `decide` says: the two cannot drift apart."""
    setting = world.setting(True, ("g1", "g2"), excluded_groups={"g2": "x"})
    groups = {"g1": known(Group("g1", "one", synced=True)), GROUP: known(Group("g3", GROUP))}
    admission = decide(known(setting), frozenset(), groups, GROUP, admitted=UNKNOWN)
    facts = {keys.SETTINGS: world.settings(setting), **{(keys.GROUP, of): fact for of, fact in groups.items()}}
    plan = fixed(finding("replace_group", through()), facts=facts)
    assert params(plan.steps[-1])["group_id"] == admission.group_id == "g3"
    assert plan.steps[-1].warning == admission.warning
