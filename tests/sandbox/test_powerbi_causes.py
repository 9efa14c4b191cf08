"""Each row of the Power BI table of refusals, staged by state alone."""

from __future__ import annotations

import re
import uuid
from typing import Any

import pytest

from pbisetup.sandbox.powerbi.causes import CAUSES, HEADER
from pbisetup.sandbox.powerbi.service import unknown
from pbisetup.sandbox.wire import Call, Reply
from tests.sandbox.gate_cases import Cases, shared_cases, workspace
from tests.sandbox.inprocess import AUDIENCE, ORIGIN, Inside
from tests.sandbox.powerbi_admin_cases import case as admin_cases
from tests.sandbox.powerbi_cases import Content
from tests.sandbox.powerbi_cases import case as content_cases

SETTING = "ServicePrincipalAccessPermissionAPIs"
PROFILES = "AllowServicePrincipalsCreateAndUseProfiles"
READ_ADMIN = "AllowServicePrincipalsUseReadAdminAPIs"
SCOPES = "Workspace.ReadWrite.All Tenant.Read.All Report.Read.All"
GROUPS = "/v1.0/myorg/groups"
case = Cases(content_cases | admin_cases)
shared_cases(case, "powerbi", GROUPS, "/v1.0/myorg/admin/capacities")


def as_app(inside: Inside, path: str = GROUPS, method: str = "GET", body: Any = None, **claims: Any) -> Reply:
    _, principal = inside.add_app()
    return inside.call("powerbi", method, path, inside.token("powerbi", principal["id"], **claims), body)


def as_user(
    inside: Inside, name: str, path: str, method: str = "GET", body: Any = None, scp: str = SCOPES, **query: str
) -> Reply:
    token = inside.token("powerbi", inside.user(name)["id"], scp=scp)
    return inside.call("powerbi", method, path, token, body, {f"${k}": v for k, v in query.items()})


@case("token_of_another_cloud")
def _(inside: Inside) -> Reply:
    """pbi-tools#252: a commercial token at the government's API."""
    inside.tenant.section("tenant")["cloud"] = "gcc"
    return as_app(inside)


@case("tenant_of_another_cloud")
def _(inside: Inside) -> Reply:
    inside.tenant.section("tenant")["cloud"] = "gcc"
    token = inside.token("powerbi", inside.user("developer")["id"], scp=SCOPES)
    return inside.call("powerbi", "GET", GROUPS, token, origin="https://api.powerbi.com")


@case("fabric_audience_at_fabric")
def _(inside: Inside) -> Reply:
    inside.setting(SETTING)
    token = inside.token("fabric", inside.add_app()[1]["id"])
    return inside.call("powerbi", "GET", GROUPS, token, origin="https://api.fabric.microsoft.com")


@case("my_workspace_of_an_app")
def _(inside: Inside) -> Reply:
    inside.setting(SETTING)
    return as_app(inside, "/v1.0/myorg/reports")


@case("app_roles_on_admin_route")
def _(inside: Inside) -> Reply:
    inside.setting(READ_ADMIN)
    return as_app(inside, "/v1.0/myorg/admin/capacities", roles=["Tenant.Read.All"])


@case("admin_route_for_people")
def _(inside: Inside) -> Reply:
    inside.setting(READ_ADMIN)
    return as_app(inside, f"/v1.0/myorg/admin/groups/{workspace(inside)['id']}/users", "POST", {})


@case("closed_to_apps")
def _(inside: Inside) -> Reply:
    inside.setting(SETTING)
    return as_app(inside, "/v1.0/myorg/apps")


@case("closed_to_users")
def _(inside: Inside) -> Reply:
    return as_user(inside, "admin", "/v1.0/myorg/profiles")


@case("user_unlicensed")
def _(inside: Inside) -> Reply:
    inside.user("developer")["powerBiLicense"] = "none"
    return as_user(inside, "developer", GROUPS)


def as_profile(inside: Inside, header: str, *, known: bool = True) -> Reply:
    inside.setting(SETTING)
    _, principal = inside.add_app()
    profile = {"id": str(uuid.uuid4()), "displayName": "tenant A", "servicePrincipalId": principal["id"]}
    if known:
        inside.tenant.profiles.add(profile)
    named = {"x-powerbi-profile-id": header or profile["id"]}
    return inside.call("powerbi", "GET", GROUPS, inside.token("powerbi", principal["id"]), headers=named)


@case("profile_of_a_user")
def _(inside: Inside) -> Reply:
    token = inside.token("powerbi", inside.user("admin")["id"], scp=SCOPES)
    return inside.call("powerbi", "GET", GROUPS, token, headers={"x-powerbi-profile-id": str(uuid.uuid4())})


@case("profile_malformed")
def _(inside: Inside) -> Reply:
    return as_profile(inside, "tenant A")


@case("profiles_switched_off")
def _(inside: Inside) -> Reply:
    inside.setting(PROFILES, on=False)
    return as_profile(inside, "")


@case("profile_unknown")
def _(inside: Inside) -> Reply:
    inside.setting(PROFILES)
    return as_profile(inside, "", known=False)


@case("inbound_denied")
def _(inside: Inside) -> Reply:
    rules = {"publicAccessRules": {"defaultAction": "Deny"}}
    workspace(inside)["communicationPolicy"] = {"inbound": rules}
    return as_user(inside, "developer", f"{GROUPS}/{workspace(inside)['id']}/reports")


@case("not_fabric_administrator")
def _(inside: Inside) -> Reply:
    return as_user(inside, "developer", "/v1.0/myorg/admin/capacities")


@case("scopes_missing")
def _(inside: Inside) -> Reply:
    return as_user(inside, "admin", GROUPS, scp="Dataset.Read.All")


@case("scopes_missing_403")
def _(inside: Inside) -> Reply:
    inside.tenant.section("unknowns")["missingScope"] = "403"
    return as_user(inside, "admin", GROUPS, scp="Dataset.Read.All")


@case("token_audience_401")
def _(inside: Inside) -> Reply:
    inside.tenant.section("unknowns")["wrongAudience"] = "401"
    return as_app(inside, aud="https://graph.microsoft.com")


@case("group_not_accessible")
def _(inside: Inside) -> Reply:
    inside.setting(SETTING)
    return as_app(inside, f"{GROUPS}/{workspace(inside)['id']}/reports")


@case("group_hidden_from_app")
def _(inside: Inside) -> Reply:
    inside.setting(SETTING)
    return as_app(inside, f"{GROUPS}/{workspace(inside)['id']}")


@case("personal_workspace")
def _(inside: Inside) -> Reply:
    return as_user(inside, "developer", f"{GROUPS}/{inside.user('developer')['myWorkspace']['id']}")


@case("workspace_role_too_low")
def _(inside: Inside) -> Reply:
    item = workspace(inside)
    for entry in item["roleAssignments"]:
        entry["role"] = "Viewer"
    return as_user(inside, "developer", f"{GROUPS}/{item['id']}/users", "POST", {})


@case("too_many_requests")
def _(inside: Inside) -> Reply:
    for _ in range(15):
        assert as_user(inside, "admin", "/v1.0/myorg/admin/groups", top="1").status == 200
    return as_user(inside, "admin", "/v1.0/myorg/admin/groups", top="1")


def add(inside: Inside, **body: Any) -> Reply:
    path = f"{GROUPS}/{workspace(inside)['id']}/users"
    return as_user(inside, "developer", path, "POST", {"groupUserAccessRight": "Member", **body})


@case("capacity_paused")
def _(inside: Inside) -> Reply:
    next(iter(inside.tenant.capacities))["state"] = "Suspended"
    return Content(inside).query()


@case("service_principal_unknown")
def _(inside: Inside) -> Reply:
    app, _principal = inside.add_app()
    return add(inside, identifier=app["appId"], principalType="App")


@case("principal_unknown")
def _(inside: Inside) -> Reply:
    return add(inside, identifier="nobody@contoso.onmicrosoft.com", principalType="User")


@case("principal_type_missing")
def _(inside: Inside) -> Reply:
    return add(inside, identifier=str(uuid.uuid4()))


@case("already_has_access")
def _(inside: Inside) -> Reply:
    return add(inside, identifier=inside.user("admin")["userPrincipalName"], principalType="User")


@case("last_admin")
def _(inside: Inside) -> Reply:
    item = workspace(inside)
    item["roleAssignments"] = [each for each in item["roleAssignments"] if each["role"] == "Admin"][:1]
    id_ = item["roleAssignments"][0]["principal"]["id"]
    token = inside.token("powerbi", id_, scp=SCOPES)
    return inside.call("powerbi", "DELETE", f"{GROUPS}/{item['id']}/users/{id_}", token)


@case("field_invalid")
def _(inside: Inside) -> Reply:
    return as_user(inside, "developer", GROUPS, "POST", {})


@case("media_type_unsupported")
def _(inside: Inside) -> Reply:
    token = inside.token("powerbi", inside.user("developer")["id"], scp=SCOPES)
    return inside.call("powerbi", "POST", GROUPS, token, {"name": "New"}, headers={"content-type": "text/plain"})


@case("has_no_access")
def _(inside: Inside) -> Reply:
    path = f"{GROUPS}/{workspace(inside)['id']}/users/nobody"
    return as_user(inside, "admin", path, "DELETE")


@case("member_cannot_touch_admins")
def _(inside: Inside) -> Reply:
    for entry in workspace(inside)["roleAssignments"]:
        entry["role"] = "Member"
    name = inside.add_user("new")["userPrincipalName"]
    return add(inside, identifier=name, principalType="User", groupUserAccessRight="Admin")


@case("input_invalid")
def _(inside: Inside) -> Reply:
    return as_user(inside, "admin", GROUPS, filter="nonsense eq 'x'")


@case("route_unknown")
def _(_inside: Inside) -> Reply:
    return unknown(Call("GET", "/v1.0/myorg/nothing", {}, {}, {}, b"", ORIGIN, "r"))


def fits(told: Any, answer: Any) -> bool:
    """Whether an answer is what a row tells, whatever its `{names}` were filled with."""
    if isinstance(told, dict):
        return isinstance(answer, dict) and told.keys() == answer.keys() and all(fits(told[k], answer[k]) for k in told)
    if isinstance(told, list):
        return isinstance(answer, list) and len(told) == len(answer) and all(map(fits, told, answer))
    if isinstance(told, str):
        return isinstance(answer, str) and bool(re.fullmatch(re.sub(r"\\\{\w+\\\}", "[^{}]+", re.escape(told)), answer))
    return bool(told == answer)


@pytest.mark.parametrize("name", CAUSES)
def test_each_cause(name: str) -> None:
    answer = case[name](Inside())
    cause = CAUSES[name]
    assert (answer.status, answer.headers.get(HEADER)) == (cause.status, cause.header)
    assert fits(cause.body, answer.body), answer.body
    assert answer.headers["RequestId"]
    assert cause.source
    assert cause.grade


def test_retry_after_is_the_rest_of_the_minute() -> None:
    answer = case["too_many_requests"](Inside())
    assert 1 <= int(answer.headers["Retry-After"]) <= 60


@pytest.mark.parametrize(
    ("group", "admitted"),
    [
        ({}, True),
        ({"onPremisesSyncEnabled": True}, False),
        ({"groupTypes": ["Unified"]}, False),
        ({"securityEnabled": False}, False),
    ],
)
def test_which_groups_count(group: dict[str, Any], admitted: bool) -> None:
    inside = Inside()
    _, principal = inside.add_app()
    made = inside.add_group(members=[principal["id"]], **group)
    inside.setting(SETTING, enabled=(made["id"],))
    answer = inside.call("powerbi", "GET", GROUPS, inside.token("powerbi", principal["id"]))
    assert answer.status == (200 if admitted else 401)


def test_the_member_must_be_the_service_principal_itself() -> None:
    inside = Inside()
    app, principal = inside.add_app()
    nested = inside.add_group(members=[principal["id"]])
    group = inside.add_group(members=[app["id"], app["appId"], inside.user("developer")["id"], nested["id"]])
    inside.setting(SETTING, enabled=(group["id"],))
    answer = inside.call("powerbi", "GET", GROUPS, inside.token("powerbi", principal["id"]))
    assert answer.headers[HEADER] == "ServicePrincipalIsNotAllowedByTenantAdminSwitch"


def test_no_role_is_an_empty_list_and_a_role_by_group_shows_the_workspace() -> None:
    inside = Inside()
    inside.setting(SETTING)
    _, principal = inside.add_app()
    token = inside.token("powerbi", principal["id"])
    assert inside.call("powerbi", "GET", GROUPS, token).body["value"] == []
    group = inside.add_group(members=[principal["id"]])
    entry = {"id": group["id"], "principal": {"id": group["id"], "type": "Group"}, "role": "Viewer"}
    workspace(inside)["roleAssignments"].append(entry)
    shown = inside.call("powerbi", "GET", GROUPS, token).body["value"]
    assert [g["name"] for g in shown] == ["Reports Dev"]
    assert set(shown[0]) == {
        "id", "isReadOnly", "isOnDedicatedCapacity", "capacityId", "defaultDatasetStorageFormat", "type", "name",
    }  # fmt: skip


def test_both_audiences_are_accepted() -> None:
    inside = Inside()
    inside.setting(SETTING)
    for audience in (AUDIENCE["powerbi"], AUDIENCE["fabric"], "00000009-0000-0000-c000-000000000000"):
        assert as_app(inside, aud=audience).status == 200


def test_adding_changing_and_removing_somebody() -> None:
    inside = Inside()
    _, principal = inside.add_app()
    assert add(inside, identifier=principal["id"], principalType="App").status == 200
    path = f"{GROUPS}/{workspace(inside)['id']}/users"
    body = {"identifier": principal["id"], "principalType": "App", "groupUserAccessRight": "Viewer"}
    assert as_user(inside, "admin", path, "PUT", body).status == 200
    shown = [u for u in as_user(inside, "admin", path).body["value"] if u["identifier"] == principal["id"]]
    assert shown[0]["groupUserAccessRight"] == "Viewer"
    assert shown[0]["principalType"] == "App"
    assert as_user(inside, "admin", f"{path}/{principal['id']}", "DELETE").status == 200


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("name eq 'Reports Dev'", ["Reports Dev"]),
        ("name eq 'reports dev'", []),
        ("tolower(name) eq 'reports dev'", ["Reports Dev"]),
        ("contains(name,'Reports')", ["Reports Dev", "Reports Test", "Reports Prod"]),
        ("contains(name,'Test') or name eq 'Reports Dev'", ["Reports Dev", "Reports Test"]),
    ],
)
def test_groups_are_filtered(text: str, names: list[str]) -> None:
    answer = as_user(Inside(), "admin", GROUPS, filter=text)
    assert [g["name"] for g in answer.body["value"]] == names


def test_top_and_skip() -> None:
    inside = Inside()
    first = as_user(inside, "admin", GROUPS, top="1").body
    assert (first["@odata.count"], len(first["value"])) == (1, 1)
    assert len(as_user(inside, "admin", GROUPS, skip="1").body["value"]) == 2
    assert as_user(inside, "admin", GROUPS, top="x").status == 400
