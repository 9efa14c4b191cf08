"""How Power BI reads a request, and how far this tenant goes with one: names, enumerations, forms, DAX, what is not here."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pbisetup.catalog.operations import by_id
from pbisetup.sandbox.powerbi import carried, dax
from pbisetup.sandbox.wire import Reply
from tests.sandbox.inprocess import Inside
from tests.sandbox.powerbi_cases import ROOT, Content
from tests.sandbox.test_every_operation import place
from tests.sandbox.test_powerbi_content import Team, team

__all__ = ["team"]

# The least role that changes something in a workspace. source: the Permissions text of the swagger where it has one (Write
# on the item: Contributor; the owner's work takes Write first), powerbi-docs service-roles-new-workspaces else.
LEAST = {
    "Groups_UpdateGroup": "Admin",
    "Groups_DeleteGroup": "Admin",
    "Groups_AddGroupUser": "Member",
    "Groups_UpdateGroupUser": "Member",
    "Groups_DeleteUserInGroup": "Member",
    "Groups_AssignToCapacity": "Admin",
    "Reports_DeleteReportInGroup": "Contributor",
    "Reports_CloneReportInGroup": "Contributor",
    "Reports_RebindReportInGroup": "Contributor",
    "Reports_GenerateTokenInGroup": "Member",
    "Reports_GenerateTokenForCreateInGroup": "Member",
    "Datasets_GenerateTokenInGroup": "Member",
    "Dashboards_GenerateTokenInGroup": "Member",
    "Tiles_GenerateTokenInGroup": "Member",
    "Datasets_DeleteDatasetInGroup": "Contributor",
    "Datasets_RefreshDatasetInGroup": "Contributor",
    "Datasets_CancelRefreshInGroup": "Contributor",
    "Datasets_UpdateRefreshScheduleInGroup": "Contributor",
    "Datasets_UpdateParametersInGroup": "Contributor",
    "Datasets_UpdateDatasourcesInGroup": "Contributor",
    "Datasets_BindToGatewayInGroup": "Contributor",
    "Datasets_TakeOverInGroup": "Contributor",
    "Datasets_PostDatasetUserInGroup": "Member",  # Reshare on the model
    "Datasets_PutDatasetUserInGroup": "Member",
    "Datasets_ExecuteQueriesInGroup": "Contributor",  # Build on the model
}
ROLES = ("Viewer", "Contributor", "Member", "Admin")


def changing() -> list[str]:
    """The carried operations in a workspace that are no mere reads."""
    here = {place(route.method, route.path) for route in carried}
    return [
        each.id
        for each in by_id("powerbi").values()
        if each.method != "GET"
        and not each.admin
        and "{groupId}" in each.path
        and place(each.method, each.path) in here
    ]


def test_the_table_below_knows_every_operation_that_changes_something() -> None:
    assert set(changing()) == set(LEAST)


@pytest.mark.parametrize("operation", LEAST)
def test_a_lower_role_changes_nothing(operation: str) -> None:
    known = by_id("powerbi")[operation]
    for role in ROLES[: ROLES.index(LEAST[operation])]:
        inside = Inside()
        content = Content(inside, role=role)
        content.workspace["dashboards"] = [{"id": str(uuid.uuid4()), "_tiles": [{"id": str(uuid.uuid4())}]}]
        ids = {
            "groupId": content.workspace["id"],
            "reportId": content.report["id"],
            "datasetId": content.model["id"],
            "dashboardId": content.workspace["dashboards"][0]["id"],
            "user": content.app["id"],
        }
        path = known.path.partition("?")[0]
        for name in path.split("{")[1:]:
            key = name.partition("}")[0]
            path = path.replace(f"{{{key}}}", ids.get(key, str(uuid.uuid4())))
        before = inside.tenant.dump()["workspaces"]
        body = {
            "name": "Copy",
            "datasetId": content.model["id"],
            "queries": [{"query": "EVALUATE Sales"}],
            "identifier": inside.user("fabricadmin")["userPrincipalName"],
            "principalType": "User",
            "datasetUserAccessRight": "Read",
            "groupUserAccessRight": "Viewer",
        }
        answer = content.as_app(known.method, path, body)
        assert answer.status in (401, 403, 404), (role, answer)
        assert inside.tenant.dump()["workspaces"] == before


def test_a_report_of_my_workspace_is_its_owners_to_copy_and_nobody_elses() -> None:
    content = Content(Inside())
    content.give(content.inside.user("fabricadmin")["id"], "Viewer")
    path = f"{ROOT}/reports/{content.report['id']}/Clone"
    assert content.as_user("POST", path, {"name": "Copy"}, name="fabricadmin").status == 401
    assert content.as_user("POST", path, {"name": "Copy"}, name="developer").status == 200


# Names and enumerations


def test_names_and_enumerations_are_read_without_regard_to_case(team: Team) -> None:
    person = f"fabricadmin@{team.sandbox.domain}"
    body = {"IDENTIFIER": person, "principaltype": "user", "GroupUserAccessRight": "viewer"}
    assert team.call("POST", "users", body).status_code == 200
    shown = [each for each in team.get("users")["value"] if each["identifier"] == person]
    assert (shown[0]["groupUserAccessRight"], shown[0]["principalType"]) == ("Viewer", "User")
    assert team.call("POST", f"reports/{team.report}/GenerateToken", {"AccessLevel": "view"}).status_code == 200
    assert team.get(f"{ROOT}/groups?$TOP=1")["@odata.count"] == 1


def test_a_slash_at_the_end_means_nothing(team: Team) -> None:
    assert team.get(f"{ROOT}/groups/") == team.get(f"{ROOT}/groups")
    assert team.get(f"{ROOT}/Groups/{team.id}/Reports/")["value"]


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("users", {"identifier": "x", "groupUserAccessRight": "Owner", "principalType": "App"}, "groupUserAccessRight"),
        ("users", {"identifier": 5, "groupUserAccessRight": "Viewer", "principalType": "App"}, "identifier"),
        ("reports/{report}/GenerateToken", {"accessLevel": "edit mode"}, "accessLevel"),
        ("reports/{report}/GenerateToken", {"accessLevel": {}}, "accessLevel"),
        ("reports/{report}/GenerateToken", {"allowSaveAs": "yes"}, "allowSaveAs"),
        ("reports/{report}/GenerateToken", {"datasetId": 5}, "datasetId"),
        ("reports/{report}/GenerateToken", {"lifetimeInMinutes": -1}, "lifetimeInMinutes"),
        ("reports/{report}/GenerateToken", {"identities": [{"username": "a", "roles": [1]}]}, "identities"),
        ("reports/{report}/Clone", {"name": ""}, "name"),
        ("reports/{report}/Rebind", {}, "datasetId"),
        ("datasets/{model}/refreshes", {"commitMode": "Later"}, "commitMode"),
        ("datasets/{model}/executeQueries", {"queries": []}, "queries"),
        ("datasets/{model}/Default.BindToGateway", {}, "gatewayObjectId"),
        (f"{ROOT}/GenerateToken", {"reports": [{"id": "{report}", "allowEdit": "yes"}]}, "allowEdit"),
        (f"{ROOT}/GenerateToken", {"datasets": [{"id": "{model}", "xmlaPermissions": "All"}]}, "xmlaPermissions"),
    ],
)
def test_a_refused_body_names_its_field(team: Team, path: str, body: dict[str, Any], field: str) -> None:
    answer = team.call("POST", path.format(report=team.report, model=team.model), body)
    assert answer.status_code == 400
    message = f"Parameter {field} is missing or invalid"
    assert answer.json() == {"error": {"code": "InvalidRequest", "message": message}}


@pytest.mark.parametrize("given", [[None], {}, 5, True, "Application"])
def test_a_principal_type_of_any_shape_is_refused_in_words(team: Team, given: Any) -> None:
    body = {"identifier": team.app, "principalType": given, "groupUserAccessRight": "Viewer"}
    for method in ("POST", "PUT"):
        answer = team.call(method, "users", body)
        assert answer.status_code == 400
        assert "userDetails.PrincipalType" in answer.text


def test_an_embed_token_may_be_asked_for_by_a_form_but_not_by_plain_text(team: Team) -> None:
    path = f"{team.group}/reports/{team.report}/GenerateToken"

    def ask(content: str, type_: str) -> int:
        headers = {"Authorization": f"Bearer {team.token}", "Content-Type": type_}
        return team.sandbox.http.post(path, content=content, headers=headers).status_code

    assert ask("accessLevel=View&allowSaveAs=true&lifetimeInMinutes=10", "application/x-www-form-urlencoded") == 200
    assert ask("accessLevel=Bogus", "application/x-www-form-urlencoded") == 400
    assert ask('{"accessLevel":"View"}', "text/plain") == 415


# Access


def test_a_workspace_keeps_its_last_admin(team: Team) -> None:
    own = team.call("POST", f"{ROOT}/groups", {"name": "Alone"}).json()["id"]
    users = f"{ROOT}/groups/{own}/users"
    demoted = {"identifier": team.app, "principalType": "App", "groupUserAccessRight": "Viewer"}
    assert team.call("DELETE", f"{users}/{team.app}").status_code == 400
    assert team.call("PUT", users, demoted).status_code == 400
    assert [each["groupUserAccessRight"] for each in team.get(users)["value"]] == ["Admin"]
    second = f"developer@{team.sandbox.domain}"
    body = {"identifier": second, "principalType": "User", "groupUserAccessRight": "Admin"}
    assert team.call("POST", users, body).status_code == 200
    assert team.call("DELETE", f"{users}/{team.app}").status_code == 200
    assert [each["identifier"] for each in team.get(users, user="developer")["value"]] == [second]


def test_an_app_deleted_from_the_directory_is_in_no_group_any_more() -> None:
    inside = Inside()
    app = inside.add_app()[1]["id"]
    group = inside.add_group(members=[app])
    inside.setting("ServicePrincipalAccessPermissionAPIs", enabled=(group["id"],))
    token = inside.token("powerbi", app)
    assert inside.call("powerbi", "GET", f"{ROOT}/groups", token).status == 200
    inside.tenant.servicePrincipals.remove(app)
    assert inside.call("powerbi", "GET", f"{ROOT}/groups", token).status == 401


def test_a_new_role_of_an_app_is_known_soon_after_it_refreshes_its_permissions(team: Team) -> None:
    team.role(None)
    team.section("weather", workspace_role_seconds=3600)
    body = {"identifier": team.app, "principalType": "App", "groupUserAccessRight": "Viewer"}
    assert team.call("POST", "users", body, user="developer").status_code == 200
    assert team.call("GET", "reports").status_code == 401
    assert team.call("POST", f"{ROOT}/RefreshUserPermissions").status_code == 200
    team.sandbox.advance(121)
    assert team.call("GET", "reports").status_code == 200


WORKLOADS = ("GET", "Workloads"), ("PATCH", "Workloads/Dataflows"), ("GET", "refreshables")


@pytest.mark.parametrize(("method", "below"), WORKLOADS)
def test_a_capacity_that_nobody_shows_the_caller_is_not_found(method: str, below: str) -> None:
    inside = Inside()
    content = Content(inside, role=None)
    capacity = next(iter(inside.tenant.capacities))

    def ask(id_: str) -> Reply:
        return content.as_app(method, f"{ROOT}/capacities/{id_}/{below}", {} if method == "PATCH" else None)

    assert ask(capacity["id"]).status == ask(str(uuid.uuid4())).status == 404
    capacity["contributors"] = [content.app["id"]]
    assert ask(capacity["id"]).status == (401 if method == "PATCH" else 501)
    capacity["admins"] = [content.app["id"]]
    answer = ask(capacity["id"])
    assert answer.status == 501
    assert "was not judged" in answer.body["sandbox"]["message"]


def test_who_may_not_touch_a_gateway_is_told_so_whatever_the_body() -> None:
    content = Content(Inside())
    for body in ({}, {"credentialDetails": 5}):
        answer = content.as_app("PATCH", f"{ROOT}/gateways/{uuid.uuid4()}/datasources/{uuid.uuid4()}", body)
        assert answer.status == 401


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({}, 201),
        ({"connectionDetails": "not json"}, 400),
        ({"connectionDetails": "[]"}, 400),
        ({"credentialDetails": {"credentialType": "Basic", "encryptedConnection": "NotEncrypted"}}, 400),
        ({"credentialDetails": {"credentialType": "Basic", "encryptionAlgorithm": "None"}}, 400),
        ({"credentialDetails": {"credentialType": "OAuth2"}}, 400),
        ({"credentialDetails": {"credentialType": "basic", "privacyLevel": "Secret"}}, 400),
        ({"credentialDetails": {"credentialType": "basic", "privacyLevel": "none"}}, 201),
    ],
)
def test_a_source_on_premises_is_taken_as_documented(change: dict[str, Any], status: int) -> None:
    content = Content(Inside())
    body = {
        "dataSourceType": "SQL",
        "connectionDetails": '{"server":"a","database":"b"}',
        "datasourceName": "Another",
        "credentialDetails": {
            "credentialType": "Windows",
            "credentials": "AAAA",
            "encryptedConnection": "Encrypted",
            "encryptionAlgorithm": "RSA-OAEP",
            "privacyLevel": "None",
        },
    }
    answer = content.as_app("POST", f"{ROOT}/gateways/{content.gateway()['id']}/datasources", body | change)
    assert answer.status == status
    assert "AAAA" not in str(content.inside.tenant.dump())


# DAX


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("EVALUATE VALUES(Sales)", 2),
        ("evaluate values ( 'sales' ) ;", 2),
        ("EVALUATE DISTINCT('Sales')", 2),
        ("-- all of it\nEVALUATE /* here */ Sales", 2),
        ('EVALUATE ROW("a", 1, "b", -1.5, "c", "it""s")', [{"[a]": 1, "[b]": -1.5, "[c]": 'it"s'}]),
        ('EVALUATE ROW("d", TRUE())', [{"[d]": True}]),
        ('EVALUATE ROW("a", BLANK())', [{}]),
        ("EVALUATE {1, 2}", [{"[Value]": 1}, {"[Value]": 2}]),
    ],
)
def test_queries_that_need_no_engine_are_answered(text: str, rows: Any) -> None:
    content = Content(Inside())
    content.model["_tables"] = {"Sales": [{"Amount": 1}, {"Amount": 2}]}
    answer = content.query(text)
    assert answer.status == 200, answer.body
    found = answer.body["results"][0]["tables"][0]["rows"]
    assert (len(found) if isinstance(rows, int) else found) == rows


@pytest.mark.parametrize(
    "text",
    [
        'EVALUATE ROW("n", COUNTROWS(Sales))',
        "EVALUATE TOPN(5, Sales)",
        "EVALUATE FILTER(Sales, Sales[Amount] > 1) ORDER BY Sales[Amount]",
        "EVALUATE SUMMARIZECOLUMNS('Sales'[Region], \"total\", [Total])",
        "DEFINE MEASURE Sales[m] = SUM(Sales[Amount]) EVALUATE { [m] }",
        "DEFINE TABLE Mine = {1} EVALUATE Mine",
        "EVALUATE INFO.VIEW.TABLES()",
        "EVALUATE {1, Sales[Amount]}",
        "EVALUATE Sales EVALUATE Sales",
    ],
)
def test_what_only_an_engine_could_answer_is_said_to_be_missing_here(text: str) -> None:
    answer = Content(Inside()).query(text)
    assert (answer.status, list(answer.body)) == (501, ["sandbox"])
    assert "DAX" in answer.body["sandbox"]["message"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("SELECT * FROM Sales", "Failed to execute the DAX query."),
        ("EVALUATE", "Failed to execute the DAX query."),
        ("EVALUATE ROW(1", "Failed to execute the DAX query."),
        ('EVALUATE ROW("a)', "Failed to execute the DAX query."),
        ("EVALUATE INFO.TABLES()", "Failed to execute the DAX query."),
        ("EVALUATE Nope", "Query (1, 10) The table 'Nope' cannot be found."),
        ("EVALUATE\n  FILTER('Nope', TRUE())", "Query (2, 10) The table 'Nope' cannot be found."),
        ("EVALUATE SUMMARIZECOLUMNS(Nope[Region])", "Query (1, 27) The table 'Nope' cannot be found."),
    ],
)
def test_what_is_no_query_of_this_model_fails_as_in_the_service(text: str, told: str) -> None:
    answer = Content(Inside()).query(text)
    assert answer.status == 400
    inner = answer.body["error"]["pbi.error"]
    assert inner["code"] == "DatasetExecuteQueriesError"
    assert inner["details"][0]["detail"]["value"] == told


def test_a_model_of_unknown_tables_lacks_none() -> None:
    content = Content(Inside())
    del content.model["_tables"]
    assert content.query("EVALUATE Orders").status == 501
    assert content.query("EVALUATE {1}").status == 200


@given(st.text(alphabet="EVALUTdefine'\"[](){},;-./*\n Sales12", max_size=60))
def test_any_text_is_read(text: str) -> None:
    for query in (dax.read(text), dax.read(f"EVALUATE {text}")):
        if query is not None:
            assert query.scanned is None or query.constant is None
            assert isinstance(query.named_tables, list)
