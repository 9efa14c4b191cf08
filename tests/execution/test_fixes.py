"""Every kind of action that mends something, against a running tenant: it is done, and doing it again changes nothing."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pbisetup.execution.mending import apply_fixes
from pbisetup.model import case as keys
from pbisetup.model.case import Asked, Case, Key, Sighting
from pbisetup.model.errors import Evidence, StoreError
from pbisetup.model.facts import Absent, Fact, Known
from pbisetup.model.finding import Examination, Finding, Remedy
from pbisetup.model.manifest import Environment, Manifest
from pbisetup.model.plan import Action, Plan, Step
from pbisetup.model.tenant import Group, ServicePrincipal
from pbisetup.observe.members import in_words, who_else
from pbisetup.observe.reading import application, read_setting
from pbisetup.planning.mending import mend
from pbisetup.services.journal import Journal
from pbisetup.services.stores.env_file import EnvFile
from pbisetup.services.stores.printed import PrintOnce
from tests.execution.conftest import FastClock, Heard, Operator
from tests.support.tenant import State

NAME = "Contoso Reports"
POWER_BI = "00000009-0000-0000-c000-000000000000"
DECIDES = ("applications", "servicePrincipals", "groups", "oauth2PermissionGrants", "appRoleAssignments",
           "tenantSettings", "workspaces")  # fmt: skip
"""The parts of a tenant that a repair could change."""


def one(state: State, part: str, name: str, key: str = "displayName") -> dict[str, Any]:
    [found] = [each for each in state[part] if each.get(key) == name]
    return dict(found)


def app(state: State) -> dict[str, Any]:
    return one(state, "applications", NAME)


def sp(state: State) -> dict[str, Any]:
    return one(state, "servicePrincipals", NAME)


def power_bi(state: State) -> dict[str, Any]:
    return one(state, "servicePrincipals", POWER_BI, "appId")


def scopes(state: State) -> dict[str, str]:
    return {each["value"]: each["id"] for each in power_bi(state)["oauth2PermissionScopes"]}


def decides(state: State) -> dict[str, Any]:
    return {part: copy.deepcopy(state[part]) for part in DECIDES}


def declared(state: State) -> set[tuple[str, str]]:
    listed = app(state)["requiredResourceAccess"]
    return {(api["resourceAppId"], access["id"]) for api in listed for access in api["resourceAccess"]}


def addresses(state: State, platform: str) -> list[str]:
    return list(app(state).get(platform, {}).get("redirectUris", []))


def granted(state: State) -> set[str]:
    return {s for g in state["oauth2PermissionGrants"] if g["clientId"] == sp(state)["id"] for s in g["scope"].split()}


def assignments(state: State) -> list[dict[str, Any]]:
    """The application permissions that the app was granted."""
    return [each for each in state["appRoleAssignments"] if each["principalId"] == sp(state)["id"]]


Given = Callable[[State], dict[str, Any]]
Holds = Callable[[State], object]


def redirect(uri: str) -> Given:
    return lambda s: {"app_object_id": app(s)["id"], "uri": uri}


def on_web(state: State) -> bool:
    return addresses(state, "web") == ["https://reports.contoso.com/signin"]


def beside_the_other(state: State) -> bool:
    return addresses(state, "publicClient") == ["http://localhost:3000/", "http://localhost:8400"]


def asks_for_one_more(state: State) -> bool:
    return (POWER_BI, scopes(state)["Capacity.Read.All"]) in declared(state) and len(declared(state)) > 1


CASES: list[tuple[str, str, Given, Holds]] = [
    (
        "enable_service_principal",
        "app-disabled",
        lambda s: {"sp_object_id": sp(s)["id"], "name": NAME},
        lambda s: sp(s)["accountEnabled"] is True,
    ),
    (
        "enable_resource",
        "resource-disabled",
        lambda s: {"sp_object_id": power_bi(s)["id"], "name": "Power BI Service"},
        lambda s: power_bi(s)["accountEnabled"] is True,
    ),
    (
        "add_resource",
        "resource-missing",
        lambda _: {"client_id": POWER_BI, "name": "Power BI Service"},
        lambda s: scopes(s)["Report.Read.All"],
    ),
    (
        "create_service_principal",
        "service-principal-missing",
        lambda s: {"client_id": app(s)["appId"]},
        lambda s: sp(s)["appId"] == app(s)["appId"],
    ),
    (
        "allow_public_client",
        "public-client-off",
        lambda s: {"app_object_id": app(s)["id"]},
        lambda s: app(s)["isFallbackPublicClient"] is True,
    ),
    ("add_redirect_uri", "redirect-mismatch", redirect("https://reports.contoso.com/signin"), on_web),
    ("add_redirect_uri", "redirect-mismatch", redirect("http://localhost:8400"), beside_the_other),
    (
        "add_delegated_permission",
        "scope-missing",
        lambda s: {
            "app_object_id": app(s)["id"],
            "resource_app_id": POWER_BI,
            "scope_ids": [scopes(s)["Capacity.Read.All"]],
            "scopes": ["Capacity.Read.All"],
        },
        asks_for_one_more,
    ),
    (
        "add_delegated_permission",
        "resource-not-required",
        lambda s: {
            "app_object_id": app(s)["id"],
            "resource_app_id": POWER_BI,
            "scope_ids": [scopes(s)["Workspace.Read.All"], scopes(s)["Report.Read.All"]],
            "scopes": ["Workspace.Read.All", "Report.Read.All"],
        },
        lambda s: {(POWER_BI, scopes(s)[name]) for name in ("Workspace.Read.All", "Report.Read.All")} <= declared(s),
    ),
    (
        "grant_delegated",
        "consent-missing",
        lambda s: {
            "sp_object_id": sp(s)["id"],
            "resource_id": power_bi(s)["id"],
            "scopes": ["Report.Read.All", "Workspace.Read.All"],
            "grant_id": None,
        },
        lambda s: granted(s) == {"Report.Read.All", "Workspace.Read.All"},
    ),
    (
        "revoke_app_role",
        "admin-with-app-role",
        lambda s: {
            "sp_object_id": sp(s)["id"],
            "assignment_id": assignments(s)[0]["id"],
            "permission": "Tenant.Read.All",
        },
        lambda s: not assignments(s),
    ),
    (
        "assign_user",
        "user-not-assigned",
        lambda s: {"sp_object_id": sp(s)["id"], "user_id": s["users"][0]["id"], "account": "the first user"},
        lambda s: (
            [(a["principalId"], a["appRoleId"]) for a in s["appRoleAssignments"] if a["resourceId"] == sp(s)["id"]]
            == [(s["users"][0]["id"], "00000000-0000-0000-0000-000000000000")]
        ),
    ),
    (
        "remove_from_excluded_group",
        "in-excluded-group",
        lambda s: {
            "group_id": one(s, "groups", "no-apis")["id"],
            "group_name": "no-apis",
            "sp_object_id": sp(s)["id"],
        },
        lambda s: (
            one(s, "groups", "no-apis")["members"] == []
            and one(s, "groups", "pbi-service-principals")["members"] == [sp(s)["id"]]
        ),
    ),
]


@pytest.mark.parametrize(
    ("kind", "scenario", "given", "holds"), [pytest.param(*row, id=f"{row[0]} in {row[1]}") for row in CASES]
)
def test_it_is_done_and_once_more_changes_nothing(
    operator: Operator, kind: str, scenario: str, given: Given, holds: Holds
) -> None:
    operator.enter(scenario)
    before = operator.sandbox.state()
    assert kind in ("add_resource", "create_service_principal") or not holds(before)
    action = Action(kind, given(before))
    first = operator.do(action)
    assert [(each.status, each.because) for each in first.outcomes] == [("done", "")]
    after = operator.sandbox.state()
    assert holds(after)
    again = operator.do(action)
    assert [(each.status, each.because) for each in again.outcomes] == [("done", "")]
    assert decides(operator.sandbox.state()) == decides(after)


def test_the_service_principal_of_an_api_is_not_taken_for_the_apps_own(operator: Operator) -> None:
    operator.enter("resource-missing")
    result = operator.do(Action("add_resource", {"client_id": POWER_BI, "name": "Power BI Service"}))
    assert "sp_object_id" not in result.outputs
    made = operator.do(Action("create_service_principal", {"client_id": app(operator.sandbox.state())["appId"]}))
    assert made.outputs["sp_object_id"] == sp(operator.sandbox.state())["id"]


def test_nothing_but_the_membership_goes(operator: Operator) -> None:
    """A DELETE of the member instead of the membership would remove the service principal from the directory."""
    operator.enter("in-excluded-group")
    before = operator.sandbox.state()
    params = {
        "group_id": one(before, "groups", "no-apis")["id"],
        "group_name": "no-apis",
        "sp_object_id": sp(before)["id"],
    }
    operator.do(Action("remove_from_excluded_group", params))
    [write] = operator.sandbox.writes()
    assert (write["method"], write["path"].endswith("/$ref")) == ("DELETE", True)
    after = operator.sandbox.state()
    assert sp(after) == sp(before)
    assert [g["displayName"] for g in after["groups"]] == [g["displayName"] for g in before["groups"]]


def test_an_address_that_another_kind_of_app_has_is_left_there(operator: Operator) -> None:
    operator.enter("redirect-mismatch")

    def spa(state: State) -> None:
        next(a for a in state["applications"] if a["displayName"] == NAME)["spa"] = {"redirectUris": ["https://spa/x"]}

    state = operator.sandbox.put_state(spa)
    result = operator.do(Action("add_redirect_uri", {"app_object_id": app(state)["id"], "uri": "https://spa/x"}))
    assert result.of("done")
    assert operator.sandbox.writes() == []


def test_several_addresses_of_one_run_are_all_there(operator: Operator) -> None:
    operator.enter("redirect-mismatch")
    uris = [f"https://reports.contoso.com/{n}" for n in range(3)]
    id_ = app(operator.sandbox.state())["id"]
    operator.do(*(Action("add_redirect_uri", {"app_object_id": id_, "uri": uri}) for uri in uris))
    assert addresses(operator.sandbox.state(), "web") == uris


def test_a_replica_that_lags_behind_does_not_cost_what_was_added_before(operator: Operator) -> None:
    """The second read shows the list without what the first step added."""
    operator.enter("redirect-mismatch")
    id_ = app(operator.sandbox.state())["id"]
    first, second = (
        Action("add_redirect_uri", {"app_object_id": id_, "uri": f"https://reports.contoso.com/{n}"}) for n in (1, 2)
    )
    session = operator.sessions[-1]
    stale = session.graph.get(
        session.graph.client.applications.by_application_id(id_), select="id,web,publicClient,spa"
    )
    asked = 0

    def get(*_: Any, **__: str) -> Any:
        nonlocal asked
        asked += 1
        return stale

    session.graph.get = get  # type: ignore[method-assign]
    operator.do(first, second)
    assert asked == 2
    assert addresses(operator.sandbox.state(), "web") == [f"https://reports.contoso.com/{n}" for n in (1, 2)]


def test_somebody_is_assigned_in_the_first_role_for_people(operator: Operator) -> None:
    operator.enter("user-not-assigned")
    roles = [
        {"id": f"0000000{n}-1111-1111-1111-111111111111", "value": f"r{n}", "displayName": f"r{n}", "description": "r",
         "isEnabled": n != 2, "allowedMemberTypes": ["Application"] if n == 1 else ["User"]}
        for n in (1, 2, 3)
    ]  # fmt: skip

    def change(state: State) -> None:
        for part in ("applications", "servicePrincipals"):
            next(each for each in state[part] if each["displayName"] == NAME)["appRoles"] = roles

    state = operator.sandbox.put_state(change)
    user = state["users"][0]["id"]
    result = operator.do(Action("assign_user", {"sp_object_id": sp(state)["id"], "user_id": user, "account": "x"}))
    assert [(o.status, o.because) for o in result.outcomes] == [("done", "")]
    [assignment] = [a for a in operator.sandbox.state()["appRoleAssignments"] if a["principalId"] == user]
    assert assignment["appRoleId"] == roles[2]["id"]


@pytest.mark.parametrize("grant_id", ["known", "not known", "gone"])
def test_consent_keeps_what_was_granted_since_the_plan_was_made(operator: Operator, grant_id: str) -> None:
    operator.enter("consent-missing")
    state = operator.sandbox.state()
    ids = {"sp_object_id": sp(state)["id"], "resource_id": power_bi(state)["id"]}
    operator.do(Action("grant_delegated", {**ids, "scopes": ["Dataset.Read.All"], "grant_id": None}))
    held = one(operator.sandbox.state(), "oauth2PermissionGrants", ids["sp_object_id"], "clientId")
    given = {"known": held["id"], "not known": None, "gone": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}[grant_id]
    result = operator.do(Action("grant_delegated", {**ids, "scopes": ["Report.Read.All"], "grant_id": given}))
    assert [(o.status, o.because) for o in result.outcomes] == [("done", "")]
    assert granted(operator.sandbox.state()) == {"Dataset.Read.All", "Report.Read.All"}


def test_what_is_refused_is_handed_on_with_the_words_of_the_service(operator: Operator) -> None:
    operator.enter("resource-disabled", user="developer")
    params = {"sp_object_id": power_bi(operator.sandbox.state())["id"], "name": "Power BI Service"}
    [outcome] = operator.do(Action("enable_resource", params)).outcomes
    assert outcome.status == "handed off"
    assert "Insufficient privileges" in outcome.because
    assert power_bi(operator.sandbox.state())["accountEnabled"] is False


def test_a_removal_survives_a_service_that_stumbles(operator: Operator) -> None:
    operator.enter("admin-with-app-role")
    state = operator.sandbox.state()
    operator.sandbox.faults(
        {"match": {"method": "DELETE", "path": ".*/appRoleAssignments/.*"}, "status": 503, "times": 2}
    )
    params = {"sp_object_id": sp(state)["id"], "assignment_id": assignments(state)[0]["id"], "permission": "x"}
    assert operator.do(Action("revoke_app_role", params)).of("done")
    assert assignments(operator.sandbox.state()) == []


def test_a_setting_that_excludes_the_group_by_now_is_left(operator: Operator) -> None:
    operator.enter("tenant-setting-off")
    state = operator.sandbox.state()
    group = one(state, "groups", "pbi-service-principals")
    name = "ServicePrincipalAccessPermissionAPIs"

    def exclude(state: State) -> None:
        setting = next(each for each in state["tenantSettings"] if each["settingName"] == name)
        setting["excludedSecurityGroups"] = [{"graphId": group["id"], "name": group["displayName"]}]
        setting["enabled"] = False

    operator.sandbox.put_state(exclude)
    params = {"setting": name, "group_id": group["id"], "group_name": group["displayName"], "announced": [group["id"]]}
    [outcome] = operator.do(Action("update_tenant_setting", params)).outcomes
    assert outcome.status == "failed"
    assert "excludes" in outcome.because
    assert operator.sandbox.writes() == []


# -- a whole repair


MANIFEST = Manifest("fix123", "app", "sandbox", {})


def secret_step(state: State) -> Step:
    params = {"app_object_id": app(state)["id"], "days": 30, "store": "env-file", "label": "pbisetup k7f3q2/dev"}
    return Step("secret", "add", "Client secret", "it has expired", Action("add_secret", params))


def repair(operator: Operator, steps: tuple[Step, ...], store: EnvFile | PrintOnce) -> Any:
    state = operator.sandbox.state()
    outputs = {"app_object_id": app(state)["id"], "client_id": app(state)["appId"]}
    heard = Heard()
    plan = Plan("dev", steps, outputs)
    return apply_fixes(operator.sessions[-1], MANIFEST, plan, store, FastClock(), heard), heard


def test_a_secret_is_made_kept_and_journalled(operator: Operator, tmp_path: Path) -> None:
    operator.enter("secret-expired")
    state = operator.sandbox.state()
    enable = Action("enable_service_principal", {"sp_object_id": sp(state)["id"], "name": NAME})
    steps = (Step("fix-enable", "change", "On", "why", enable), secret_step(state))
    store = EnvFile(tmp_path, "dev")
    result, heard = repair(operator, steps, store)
    assert heard.steps == ["fix-enable", "secret"]
    assert [each.status for each in result.outcomes] == ["done", "done"]
    kept = store.credential()
    assert kept is not None
    assert result.credential == kept
    assert kept.secret is not None
    assert operator.sandbox.app_token(kept.client_id, kept.secret.reveal())
    assert kept.secret.reveal() not in repr(result)
    assert Journal(MANIFEST.project_id).open_intents("dev") == frozenset()


def test_a_secret_for_standard_output_is_handed_to_whoever_proves_it(operator: Operator) -> None:
    operator.enter("secret-expired")
    printed: list[str] = []
    result, _ = repair(operator, (secret_step(operator.sandbox.state()),), PrintOnce(printed.append))
    assert result.credential is not None
    assert result.credential.secret is not None
    assert result.credential.secret.reveal() in printed[0]


def test_nothing_is_begun_where_the_secret_could_not_be_kept(operator: Operator, tmp_path: Path) -> None:
    operator.enter("app-disabled")
    state = operator.sandbox.state()
    (tmp_path / "elsewhere").write_text("")
    (tmp_path / ".env.dev").symlink_to(tmp_path / "elsewhere")
    enable = Action("enable_service_principal", {"sp_object_id": sp(state)["id"], "name": NAME})
    steps = (Step("fix-enable", "change", "On", "why", enable), secret_step(state))
    with pytest.raises(StoreError):
        repair(operator, steps, EnvFile(tmp_path, "dev"))
    assert operator.sandbox.writes() == []


def test_a_step_of_somebody_else_is_not_tried_and_what_hangs_on_it_waits(operator: Operator, tmp_path: Path) -> None:
    operator.enter("app-disabled")
    state = operator.sandbox.state()
    theirs = Action("enable_service_principal", {"sp_object_id": sp(state)["id"], "name": NAME})
    steps = (
        Step("fix-enable", "change", "On", "why", theirs, ("cloud application administrator",), False, "not yours"),
        Step("next", "change", "Next", "why", theirs, needs=("fix-enable",)),
    )
    result, _ = repair(operator, steps, EnvFile(tmp_path, "dev"))
    assert [each.status for each in result.outcomes] == ["handed off", "handed off"]
    assert operator.sandbox.writes() == []


# -- who else is in a group


def group_of(members: list[str]) -> dict[str, Any]:
    return {"id": "99999999-0000-0000-0000-000000000001", "displayName": "everybody", "members": members}


def test_who_else_is_in_a_group(operator: Operator) -> None:
    session = operator.enter("not-in-allowed-group")
    state = operator.sandbox.state()
    users = sorted(state["users"], key=lambda user: user["displayName"])
    ours = sp(state)["id"]

    def fill(state: State) -> None:
        state["groups"][0]["members"] = [ours, *(user["id"] for user in users)]

    group = operator.sandbox.put_state(fill)["groups"][0]["id"]
    found = who_else(session, group, ours)
    assert found is not None
    count, names = found
    assert count == len(users)
    assert len(names) == 3
    assert set(names) <= {user["displayName"] for user in users}
    assert who_else(session, group) == (count + 1, who_else(session, group)[1])  # type: ignore[index]
    assert who_else(session, "99999999-0000-0000-0000-000000000000") is None


def test_a_large_group_is_counted_and_not_read_through(operator: Operator) -> None:
    session = operator.enter("large")
    state = operator.sandbox.state()
    people = [user["id"] for user in state["users"]]

    def fill(state: State) -> None:
        state["groups"][0]["members"] = people

    group = operator.sandbox.put_state(fill)["groups"][0]["id"]
    operator.sandbox.clear_requests()
    found = who_else(session, group)
    assert found is not None
    assert found[0] == len(people) > 999
    assert len(operator.sandbox.requests()) == 2


def test_who_else_in_words() -> None:
    assert in_words((12, ("ETL", "Jo", "Ann"))) == "12 others: ETL, Jo, Ann and 9 more"
    assert in_words((2, ("ETL", "Jo"))) == "2 others: ETL, Jo"
    assert in_words((1, ("ETL",))) == "1 other: ETL"
    assert in_words((0, ())) == "nobody else"
    assert in_words(None) == "its members could not be read"


# -- from a finding to a tenant in which it is mended


PUBLIC_APIS = "ServicePrincipalAccessPermissionAPIs"
SEEN = Evidence("the tenant", "operator", "as it is")


def case_of(operator: Operator) -> Case:
    """Everything that a look at the tenant would show, taken from its state."""
    state, session = operator.sandbox.state(), operator.sessions[-1]
    principal = next((each for each in state["servicePrincipals"] if each["displayName"] == NAME), None)
    groups = {each["id"]: Group(each["id"], each["displayName"], synced=bool(each.get("onPremisesSyncEnabled")),
                                unified="Unified" in each.get("groupTypes", [])) for each in state["groups"]}  # fmt: skip
    wanted = [group for group in groups.values() if group.name == "pbi-service-principals"]
    memberships = {g["id"] for g in state["groups"] if principal and principal["id"] in g.get("members", [])}
    facts: list[tuple[Key[Any], str | None, Fact[Any]]] = [
        (keys.OPERATOR, None, Known(session.operator, SEEN)),
        (keys.TENANT, None, Known(session.tenant, SEEN)),
        (keys.APP, None, Known(application(app(state), frozenset()), SEEN)),
        (keys.MEMBERSHIPS, None, Known(frozenset(memberships), SEEN)),
        (keys.SETTINGS, None, Known({s["settingName"]: read_setting(s) for s in state["tenantSettings"]}, SEEN)),
        (keys.MAY_CREATE_GROUPS, None, Known(True, SEEN)),
        *((keys.GROUP, id_, Known(group, SEEN)) for id_, group in groups.items()),
        (keys.GROUP, "pbi-service-principals", Known(wanted[0], SEEN) if wanted else Absent(SEEN)),
    ]
    found = ServicePrincipal(principal["id"], principal["appId"]) if principal else None
    facts.append((keys.SERVICE_PRINCIPAL, None, Known(found, SEEN) if found else Absent(SEEN)))
    asked = Asked("dev", "sandbox", "app", ("automation",), client_id=app(state)["appId"])
    return Case(asked, FastClock().now(), tuple(Sighting(*each) for each in facts))


def found(kind: str, params: dict[str, Any]) -> Finding:
    remedy = Remedy("you", "Mend it.", Action(kind, params), fixable=True)
    return Finding("PBI999", kind, "error", "certain", f"because of {kind}", "It is so.", remedies=(remedy,))


def no_group_yet(state: State) -> None:
    state["groups"] = [each for each in state["groups"] if each["displayName"] != "pbi-service-principals"]
    for setting in state["tenantSettings"]:
        if setting["settingName"] == PUBLIC_APIS:
            setting["enabledSecurityGroups"] = []


def untouched(_: State) -> None:
    pass


@pytest.mark.parametrize(
    ("scenario", "before", "expected"),
    [
        ("tenant-setting-off", untouched, ["setting"]),
        ("tenant-setting-off", no_group_yet, ["group", "member", "setting"]),
        ("not-in-allowed-group", untouched, ["member"]),
        ("user-in-group-instead", untouched, ["member"]),
        ("group-nested", untouched, ["member"]),
        ("in-excluded-group", untouched, ["fix-excluded"]),
        ("service-principal-missing", untouched, ["service-principal", "member"]),
    ],
)
def test_a_repair_lets_the_app_through(
    operator: Operator, tmp_path: Path, scenario: str, before: Callable[[State], None], expected: list[str]
) -> None:
    operator.enter(scenario)
    operator.sandbox.put_state(before)
    state = operator.sandbox.state()
    findings = [found("enable_tenant_setting", {"setting": PUBLIC_APIS, "title": "APIs", "group_for": "api"})]
    if scenario == "service-principal-missing":
        findings.append(found("create_service_principal", {"client_id": app(state)["appId"]}))
    if scenario == "in-excluded-group":
        no_apis = one(state, "groups", "no-apis")["id"]
        params = {"group_id": no_apis, "group_name": "no-apis", "sp_object_id": sp(state)["id"]}
        findings.append(found("remove_from_excluded_group", params))
    examination = Examination("dev", (), tuple(findings), False, 0)
    environment = Environment("dev", None, ("automation",))

    def plan() -> Plan:
        return mend(examination, case_of(operator), MANIFEST, environment, FastClock().now())

    first = plan()
    assert [
        step.id.removesuffix(f"-{step.action.params.get('group_id')}") for step in first.changes if step.action
    ] == (expected)
    result, _ = repair(operator, first.steps, EnvFile(tmp_path, "dev"))
    assert [each.status for each in result.outcomes] == ["done"] * len(expected)
    assert plan().changes == ()
    answer = operator.sandbox.http.get(
        "/v1.0/myorg/groups",
        headers={
            "Authorization": f"Bearer {operator.sandbox.app_token(app(state)['appId'], operator.sandbox.app_secret)}"
        },
    )
    assert answer.status_code == 200, answer.headers
    setting = one(operator.sandbox.state(), "tenantSettings", PUBLIC_APIS, "settingName")
    assert setting["enabledSecurityGroups"]
