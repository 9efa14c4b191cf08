"""What administrators ask Power BI: workspaces with their content, scans, the activity log, capacities."""

from __future__ import annotations

import re
import uuid
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from pbisetup.catalog.operations import operations
from pbisetup.sandbox.activity_names import NAMES
from pbisetup.sandbox.powerbi.causes import CAUSES, HEADER
from pbisetup.sandbox.roles import ROLES
from pbisetup.sandbox.validate import problems
from pbisetup.sandbox.wire import Reply
from tests.sandbox.api import App, fabric, graph, new_app, powerbi, switch
from tests.sandbox.gate_cases import kept_out, workspace
from tests.sandbox.inprocess import Inside
from tests.sandbox.powerbi_admin_cases import PUBLIC, READ_ADMIN, ROOT, administer, events
from tests.support.tenant import POWER_BI, SandboxTenant

DETAILED = "AdminApisIncludeDetailedMetadata"
EXPRESSIONS = "AdminApisIncludeExpressions"


def value(answer: Reply) -> list[dict[str, Any]]:
    assert answer.status == 200, answer.body
    return list(answer.body["value"])


def as_admitted_app(inside: Inside, method: str, path: str, body: Any = None, **claims: Any) -> Reply:
    principal = inside.add_app("reader")[1]
    group = inside.add_group("admin readers", members=[principal["id"]])
    inside.setting(READ_ADMIN, enabled=(group["id"],))
    return inside.call("powerbi", method, f"{ROOT}/{path}", inside.token("powerbi", principal["id"], **claims), body)


# Who may ask


def test_an_app_in_the_allowed_group_reads_without_any_role_in_the_workspaces() -> None:
    inside = Inside()
    for path in ("admin/capacities", "admin/datasets", "admin/reports", "admin/workspaces/modified"):
        assert as_admitted_app(inside, "GET", path).status == 200, path


@pytest.mark.parametrize("why", ["off", "outside", "excluded"])
def test_an_app_that_the_setting_keeps_out_gets_the_same_words_as_a_user_without_the_role(why: str) -> None:
    inside = Inside()
    inside.setting(PUBLIC)
    token = inside.token("powerbi", kept_out(inside, READ_ADMIN, why))
    refused = inside.call("powerbi", "GET", f"{ROOT}/admin/capacities", token)
    assert (refused.status, refused.body) == (401, CAUSES["admin_setting_off"].body)
    assert HEADER not in refused.headers
    assert administer(inside, "GET", "admin/capacities", name="developer").body == refused.body


def test_the_setting_for_the_public_apis_is_not_needed_there() -> None:
    inside = Inside()
    inside.setting(PUBLIC, on=False)
    assert as_admitted_app(inside, "GET", "admin/capacities").status == 200


@pytest.mark.parametrize("on_admin_routes", ["refused", "ignored"])
def test_application_permissions_in_the_token_keep_an_app_out_unless_the_state_says_otherwise(
    on_admin_routes: str,
) -> None:
    inside = Inside()
    inside.tenant.section("unknowns")["appRolesOnAdminRoutes"] = on_admin_routes
    answer = as_admitted_app(inside, "GET", "admin/capacities", roles=["Tenant.Read.All"])
    assert answer.status == (200 if on_admin_routes == "ignored" else 401)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "admin/capacities/AssignWorkspaces"),
        ("POST", "admin/groups/{id}/users"),
        ("DELETE", "admin/groups/{id}/users/somebody"),
        ("PATCH", "admin/groups/{id}"),
        ("GET", "admin/capacities/{id}/users"),
    ],
)
def test_what_only_people_may_change_no_setting_opens_to_an_app(method: str, path: str) -> None:
    inside = Inside()
    inside.setting("AllowServicePrincipalsUseWriteAdminAPIs")
    answer = as_admitted_app(inside, method, path.format(id=workspace(inside)["id"]), {})
    assert (answer.status, answer.body) == (401, CAUSES["admin_route_for_people"].body)


def test_a_role_that_was_activated_needs_a_new_token() -> None:
    """PIM: the directory knows the role, the token is older than it."""
    inside = Inside()
    inside.user("developer")["_activatedRoles"] = [{"roleDefinitionId": ROLES["Fabric Administrator"]}]
    old = administer(inside, "GET", "admin/capacities", name="developer", wids=["b79fbf4d-3ef9-4689-8143-76b194e85509"])
    assert (old.status, old.body) == (401, CAUSES["not_fabric_administrator"].body)
    new = administer(inside, "GET", "admin/capacities", name="developer", wids=[ROLES["Fabric Administrator"]])
    assert new.status == 200
    inside.user("developer")["_activatedRoles"][0]["endDateTime"] = "2020-01-01T00:00:00Z"
    late = administer(inside, "GET", "admin/capacities", name="developer", wids=[ROLES["Fabric Administrator"]])
    assert late.status == 401


def test_an_administrator_needs_the_delegated_permission_and_a_license() -> None:
    inside = Inside()
    assert administer(inside, "GET", "admin/capacities", scp="Workspace.Read.All Report.Read.All").status == 401
    read_only = administer(inside, "PATCH", f"admin/groups/{workspace(inside)['id']}", {}, scp="Tenant.Read.All")
    assert (read_only.status, read_only.body) == (401, None)
    assert administer(inside, "GET", "admin/capacities", scp="Tenant.Read.All").status == 200
    inside.user("fabricadmin")["powerBiLicense"] = "none"
    assert administer(inside, "GET", "admin/capacities").body == CAUSES["user_unlicensed"].body


def test_a_used_up_limit_says_how_long_to_wait_twice() -> None:
    inside = Inside()
    answers = [administer(inside, "GET", "admin/datasets") for _ in range(6)]
    assert [answer.status for answer in answers] == [200] * 5 + [429]
    wait = answers[-1].headers["Retry-After"]
    assert answers[-1].body["message"].endswith(f"Retry in {wait} seconds.")
    assert "no-store" in answers[-1].headers["Cache-Control"]
    # The minute is the tenant's, not the caller's.
    assert administer(inside, "GET", "admin/datasets", name="admin").status == 429
    inside.tenant.section("clock")["offset_seconds"] = 61
    assert administer(inside, "GET", "admin/datasets").status == 200


# Workspaces and content


def test_all_workspaces_are_listed_with_what_is_asked_for() -> None:
    inside = Inside()
    listed = value(administer(inside, "GET", "admin/groups", query={"$top": "100", "$expand": "users,datasets"}))
    shared = [each for each in listed if each["type"] == "Workspace"]
    assert [each["name"] for each in shared] == ["Reports Dev", "Reports Test", "Reports Prod"]
    assert {each["name"] for each in listed if each["type"] == "PersonalGroup"} == {
        "PersonalWorkspace Alex Admin",
        "PersonalWorkspace Fay Fabric",
        "PersonalWorkspace Dana Developer",
    }
    dana = next(user for user in shared[0]["users"] if user["displayName"] == "Dana Developer")
    assert dana == {
        "groupUserAccessRight": "Admin",
        "displayName": "Dana Developer",
        "emailAddress": f"developer@{inside.tenant.domain}",
        "identifier": f"developer@{inside.tenant.domain}",
        "principalType": "User",
        "graphId": inside.user("developer")["id"],
    }
    assert [each["name"] for each in shared[0]["datasets"]] == ["Sales"]
    assert "reports" not in shared[0]


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("type eq 'Workspace'", 3),
        ("type eq 'PersonalGroup'", 3),
        ("contains(name,'Prod')", 1),
        ("contains(name,'prod')", 0),
        ("contains(tolower(name),'prod')", 1),
        ("tolower(name) eq 'reports prod'", 1),
        ("state eq 'Deleted'", 0),
        ("isOnDedicatedCapacity eq false", 3),
        ("(not users/any()) and type eq 'Workspace'", 1),
        (
            "not users/any(u: u/groupUserAccessRight eq Microsoft.PowerBI.ServiceContracts.Api.GroupUserAccessRight'Admin')",
            1,
        ),
    ],
)
def test_workspaces_are_filtered(text: str, count: int) -> None:
    inside = Inside()
    workspace(inside, "Reports Prod")["roleAssignments"] = []
    listed = value(administer(inside, "GET", "admin/groups", query={"$top": "100", "$filter": text}))
    assert len(listed) == count
    assert all("users" not in each for each in listed)


def test_odd_questions_are_refused_in_words() -> None:
    inside = Inside()
    for query in (
        {},
        {"$top": "0"},
        {"$top": "5001"},
        {"$top": "9", "$expand": "x"},
        {"$top": "9", "$filter": "x eq 1"},
    ):
        assert administer(inside, "GET", "admin/groups", query=query).status == 400, query
    for path in (
        "groups/x",
        "groups/x/users",
        "groups/x/reports",
        "datasets/x/users",
        "apps/x/users",
        "capacities/x/users",
    ):
        assert administer(inside, "GET", f"admin/{path}").status == 404, path


def test_an_administrator_changes_a_workspace_that_is_not_theirs() -> None:
    inside = Inside()
    group = f"admin/groups/{workspace(inside, 'Reports Prod')['id']}"
    assert administer(inside, "GET", group).body["name"] == "Reports Prod"
    principal = inside.add_app("embedder")[1]
    body = {"identifier": principal["id"], "principalType": "App", "groupUserAccessRight": "Admin"}
    assert administer(inside, "POST", f"{group}/users", body).status == 200
    listed = value(administer(inside, "GET", f"{group}/users"))
    assert ("App", principal["id"]) in [(each["principalType"], each["identifier"]) for each in listed]
    assert administer(inside, "DELETE", f"{group}/users/{principal['id']}").status == 200
    assert administer(inside, "PATCH", group, {"name": "Reports Live", "description": "what is live"}).status == 200
    changed = administer(inside, "GET", group).body
    assert (changed["name"], changed["description"]) == ("Reports Live", "what is live")


def content(inside: Inside) -> dict[str, Any]:
    """Reports Dev with one of each."""
    place = workspace(inside)
    place["dashboards"] = [{"id": str(uuid.uuid4()), "displayName": "Board", "_tiles": [{"id": "t1", "title": "Sum"}]}]
    place["dataflows"] = [{"objectId": str(uuid.uuid4()), "name": "Flow", "_datasources": [{"datasourceId": "d1"}]}]
    place["imports"] = [{"id": str(uuid.uuid4()), "name": "Sales", "importState": "Succeeded"}]
    guest = {"identifier": "partner", "principalType": "User"}
    place["app"] = {"id": str(uuid.uuid4()), "name": "Finance", "_users": [{**guest, "appUserAccessRight": "Read"}]}
    source = {"datasourceId": "d2", "datasourceType": "Sql", "_credentialsOf": "somebody"}
    place["datasets"][0]["_datasources"] = [source]
    place["datasets"][0]["_users"] = [{**guest, "datasetUserAccessRight": "ReadExplore"}]
    assert problems(inside.tenant.dump()) == []
    return place


@pytest.mark.parametrize(
    ("kind", "name"), [("reports", "Sales"), ("datasets", "Sales"), ("dashboards", "Board"), ("dataflows", "Flow")]
)
def test_content_is_listed_for_the_tenant_and_for_one_workspace(kind: str, name: str) -> None:
    inside = Inside()
    place = content(inside)
    everywhere = value(administer(inside, "GET", f"admin/{kind}"))
    assert [(each.get("name") or each["displayName"], each["workspaceId"]) for each in everywhere] == [
        (name, place["id"])
    ]
    assert not any(key.startswith("_") for each in everywhere for key in each)
    there = value(administer(inside, "GET", f"admin/groups/{place['id']}/{kind}"))
    assert [{**each, "workspaceId": place["id"]} for each in there] == everywhere
    assert value(administer(inside, "GET", f"admin/groups/{workspace(inside, 'Reports Test')['id']}/{kind}")) == []
    id_ = everywhere[0].get("id") or everywhere[0]["objectId"]
    users = value(administer(inside, "GET", f"admin/{kind}/{id_}/users"))
    dana = next(each for each in users if each.get("displayName") == "Dana Developer")
    right = next(each for key, each in dana.items() if key.endswith("AccessRight"))
    assert right == ("ReadWriteReshareExplore" if kind == "datasets" else "Owner")


def test_imports_tiles_data_sources_and_apps() -> None:
    inside = Inside()
    place = content(inside)
    assert value(administer(inside, "GET", "admin/imports"))[0]["importState"] == "Succeeded"
    board = place["dashboards"][0]["id"]
    assert value(administer(inside, "GET", f"admin/dashboards/{board}/tiles")) == [{"id": "t1", "title": "Sum"}]
    expanded = value(administer(inside, "GET", "admin/dashboards", query={"$expand": "tiles"}))
    assert expanded[0]["tiles"] == [{"id": "t1", "title": "Sum"}]
    model = place["datasets"][0]["id"]
    sources = value(administer(inside, "GET", f"admin/datasets/{model}/datasources"))
    assert sources == [{"datasourceId": "d2", "datasourceType": "Sql"}]
    flow = place["dataflows"][0]["objectId"]
    assert value(administer(inside, "GET", f"admin/dataflows/{flow}/datasources")) == [{"datasourceId": "d1"}]
    apps = value(administer(inside, "GET", "admin/apps", query={"$top": "10"}))
    assert [(each["name"], each["workspaceId"]) for each in apps] == [("Finance", place["id"])]
    users = value(administer(inside, "GET", f"admin/apps/{apps[0]['id']}/users"))
    assert [(each["identifier"], each["appUserAccessRight"]) for each in users] == [("partner", "Read")]


def test_what_somebody_may_use_comes_page_by_page() -> None:
    inside = Inside()
    content(inside)
    reader = inside.add_user("reader")
    group = inside.add_group("readers", members=[reader["id"]])
    entry = {"id": group["id"], "principal": {"id": group["id"], "type": "Group"}, "role": "Viewer"}
    workspace(inside)["roleAssignments"].append(entry)
    inside.tenant.section("limits")["artifactAccessPage"] = 2
    path = f"admin/users/{reader['userPrincipalName']}/artifactAccess"
    found: list[tuple[str, str]] = []
    query: dict[str, str] = {}
    while True:
        answer = administer(inside, "GET", path, query=query)
        assert answer.status == 200
        found += [(each["artifactType"], each["accessRight"]) for each in answer.body["artifactAccessEntities"]]
        token = answer.body["continuationToken"]
        if token is None:
            break
        assert f"continuationToken='{token}'" in answer.body["continuationUri"]
        query = {"continuationToken": f"'{unquote(token)}'"}
    assert found == [(type_, "Viewer" if type_ == "Workspace" else "Read") for type_, _ in found]
    assert {type_ for type_, _ in found} == {"Workspace", "Report", "Dataset", "Dashboard", "Dataflow"}
    only = administer(inside, "GET", path, query={"artifactTypes": "Dataset,Report"}).body["artifactAccessEntities"]
    assert {each["artifactType"] for each in only} == {"Dataset", "Report"}
    assert administer(inside, "GET", path, query={"artifactTypes": "Nonsense"}).status == 400


def test_profiles_of_every_app() -> None:
    inside = Inside()
    principal = inside.add_app("isv")[1]
    for name in ("A", "B"):
        made = {"id": str(uuid.uuid4()), "displayName": name, "servicePrincipalId": principal["id"]}
        inside.tenant.profiles.add(made)
    assert len(value(administer(inside, "GET", "admin/profiles"))) == 2
    found = value(administer(inside, "GET", "admin/profiles", query={"$filter": "displayName eq 'B'"}))
    assert [each["servicePrincipalId"] for each in found] == [principal["id"]]
    assert administer(inside, "DELETE", f"admin/profiles/{found[0]['id']}").status == 200
    assert administer(inside, "DELETE", f"admin/profiles/{found[0]['id']}").status == 404


# Capacities


def test_a_workspace_moves_to_a_capacity_that_its_admin_may_assign_to() -> None:
    inside = Inside()
    place = workspace(inside)
    capacity = inside.tenant.capacities.add({"id": str(uuid.uuid4()), "displayName": "second", "sku": "F4"})
    path = f"groups/{place['id']}/AssignToCapacity"
    body = {"capacityId": capacity["id"]}
    assert administer(inside, "POST", path, body, name="developer").status == 404
    capacity["contributors"] = [f"developer@{inside.tenant.domain}"]
    assert administer(inside, "POST", path, body, name="developer").body is None
    status = administer(inside, "GET", f"groups/{place['id']}/CapacityAssignmentStatus", name="developer").body
    assert (status["status"], status["capacityId"]) == ("CompletedSuccessfully", capacity["id"].upper())
    nowhere = {"capacityId": "00000000-0000-0000-0000-000000000000"}
    assert administer(inside, "POST", path, nowhere, name="developer").status == 200
    assert administer(inside, "GET", f"groups/{place['id']}", name="developer").body["isOnDedicatedCapacity"] is False
    mine = administer(inside, "POST", "AssignToCapacity", body, name="developer")
    assert mine.status == 200
    assert administer(inside, "GET", "CapacityAssignmentStatus", name="developer").body["capacityId"] != nowhere


def test_an_administrator_moves_many_and_lists_who_may_use_a_capacity() -> None:
    inside = Inside()
    capacity = next(iter(inside.tenant.capacities))
    wanted = [workspace(inside, name)["id"] for name in ("Reports Dev", "Reports Test")]
    assert (
        administer(inside, "POST", "admin/capacities/UnassignWorkspaces", {"workspacesToUnassign": wanted}).status
        == 200
    )
    assert [workspace(inside, name)["capacityId"] for name in ("Reports Dev", "Reports Prod")] == [None, capacity["id"]]
    moves = [{"targetCapacityObjectId": capacity["id"], "workspacesToAssign": wanted}]
    body = {"capacityMigrationAssignments": moves}
    assert administer(inside, "POST", "admin/capacities/AssignWorkspaces", body).status == 200
    assert workspace(inside)["capacityId"] == capacity["id"]
    moves[0]["targetCapacityObjectId"] = str(uuid.uuid4())
    assert administer(inside, "POST", "admin/capacities/AssignWorkspaces", body).status == 404
    principal = inside.add_app("deployer")[1]
    capacity["contributors"] = [principal["id"]]
    users = value(administer(inside, "GET", f"admin/capacities/{capacity['id']}/users"))
    assert [(each["principalType"], each["capacityUserAccessRight"]) for each in users] == [
        ("User", "Admin"),
        ("App", "Assign"),
    ]


# Scans


def scan(inside: Inside, *, wanted: list[str] | None = None, **flags: str) -> dict[str, Any]:
    ids = wanted or [workspace(inside)["id"]]
    begun = administer(inside, "POST", "admin/workspaces/getInfo", {"workspaces": ids}, flags)
    assert (begun.status, begun.body["status"]) == (202, "NotStarted")
    assert begun.headers["Location"].endswith(f"/admin/workspaces/scanStatus/{begun.body['id']}")
    status = administer(inside, "GET", f"admin/workspaces/scanStatus/{begun.body['id']}")
    assert status.body["status"] == "Succeeded"
    return dict(administer(inside, "GET", f"admin/workspaces/scanResult/{begun.body['id']}").body)


def test_a_scan_shows_as_much_of_the_models_as_the_settings_let_out() -> None:
    inside = Inside()
    place = content(inside)
    model = place["datasets"][0]
    model["_measures"] = [{"name": "Total", "table": "Sales", "expression": "SUM(Sales[Amount])"}]
    model["_expressions"] = [{"name": "Source", "expression": "let Source = 1 in Source"}]
    everything = dict.fromkeys(("lineage", "datasourceDetails", "datasetSchema", "datasetExpressions"), "True")
    inside.setting(DETAILED, on=False)
    inside.setting(EXPRESSIONS, on=False)
    shown = scan(inside, **everything)["workspaces"][0]["datasets"][0]
    assert not {"tables", "expressions"} & shown.keys()
    inside.setting(DETAILED)
    shown = scan(inside, **everything)["workspaces"][0]["datasets"][0]
    assert shown["tables"][0]["columns"][1] == {"name": "Amount", "dataType": "Int64", "isHidden": False}
    assert "expression" not in shown["tables"][0]["measures"][0]
    inside.setting(EXPRESSIONS)
    found = scan(inside, **everything)
    shown = found["workspaces"][0]["datasets"][0]
    assert shown["tables"][0]["measures"][0]["expression"] == "SUM(Sales[Amount])"
    assert shown["expressions"][0]["name"] == "Source"
    assert shown["datasourceUsages"] == [{"datasourceInstanceId": "d2"}]
    assert found["datasourceInstances"][0] == {"datasourceId": "d2", "datasourceType": "Sql"}
    assert "users" not in shown
    plain = scan(inside)["workspaces"][0]
    assert "tables" not in plain["datasets"][0]
    assert {"reports", "dashboards", "datasets", "dataflows", "datamarts"} <= plain.keys()
    assert scan(inside, getArtifactUsers="true")["workspaces"][0]["datasets"][0]["users"]


def test_a_scan_takes_its_time_and_is_forgotten_after_a_day() -> None:
    inside = Inside()
    inside.tenant.section("weather")["scan_seconds"] = 60
    body = {"workspaces": [workspace(inside)["id"]]}
    begun = administer(inside, "POST", "admin/workspaces/getInfo", body).body["id"]
    status, result = f"admin/workspaces/scanStatus/{begun}", f"admin/workspaces/scanResult/{begun}"
    assert administer(inside, "GET", status).body["status"] == "Running"
    assert administer(inside, "GET", result).status == 404
    for _ in range(15):
        assert administer(inside, "POST", "admin/workspaces/getInfo", body).status == 202
    seventeenth = administer(inside, "POST", "admin/workspaces/getInfo", body)
    assert seventeenth.status == 429
    assert f"Retry in {seventeenth.headers['Retry-After']} seconds" in seventeenth.body["message"]
    assert problems(inside.tenant.dump()) == []
    clock = inside.tenant.section("clock")
    clock["offset_seconds"] = 61
    assert administer(inside, "GET", result).status == 200
    clock["offset_seconds"] = 24 * 3600 + 1
    assert administer(inside, "GET", status).status == 404


def test_what_changed_since() -> None:
    inside = Inside()
    everything = administer(inside, "GET", "admin/workspaces/modified")
    assert len(everything.body) == 6
    shared = administer(inside, "GET", "admin/workspaces/modified", query={"excludePersonalWorkspaces": "True"})
    assert len(shared.body) == 3
    test = workspace(inside, "Reports Test")
    assert administer(inside, "PATCH", f"admin/groups/{test['id']}", {"name": "Reports QA"}).status == 200

    def since(minutes: int) -> Reply:
        moment = inside.world.now().replace(tzinfo=None) - timedelta(minutes=minutes)
        return administer(
            inside, "GET", "admin/workspaces/modified", query={"modifiedSince": f"{moment.isoformat()}0Z"}
        )

    inside.tenant.section("clock")["offset_seconds"] = 3600
    assert since(70).body == [{"id": test["id"]}]
    assert since(50).body == []
    assert [since(minutes).status for minutes in (29, 31 * 24 * 60)] == [400, 400]
    asked = administer(inside, "GET", "admin/workspaces/modified", query={"modifiedSince": "last week"})
    assert asked.status == 400


# The activity log


def names(answer: Reply) -> list[str]:
    assert answer.status == 200, answer.body
    return [each["Activity"] for each in answer.body["activityEventEntities"]]


def test_the_log_tells_what_was_done_and_by_whom() -> None:
    inside = Inside()
    place = workspace(inside)
    assert administer(inside, "GET", "admin/groups", query={"$top": "1"}).status == 200
    assert administer(inside, "GET", "admin/groups", name="developer", query={"$top": "1"}).status == 401
    model = place["datasets"][0]["id"]
    path = f"groups/{place['id']}/datasets/{model}/refreshes"
    assert administer(inside, "POST", path, {}, name="developer", scp="Dataset.ReadWrite.All").status == 202
    assert names(events(inside)) == ["GetGroupsAsAdmin", "RefreshDataset"]
    refreshed = events(inside, **{"$filter": "Activity eq 'refreshdataset'"}).body["activityEventEntities"]
    assert len(refreshed) == 1
    told = refreshed[0]
    assert told["Operation"] == told["Activity"] == "RefreshDataset"
    assert (told["UserId"], told["WorkSpaceName"]) == (f"developer@{inside.tenant.domain}", "Reports Dev")
    assert (told["DatasetName"], told["DatasetId"], told["ArtifactKind"]) == ("Sales", model, "Dataset")
    assert told["CapacityName"] == "contosof2"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", told["CreationTime"])
    assert not any(name.startswith("_") or name == "id" for name in told)
    # To read the log is an activity too.
    assert names(events(inside)).count("ExportActivityEvents") == 2
    both = f"Activity eq 'RefreshDataset' and UserId eq 'developer@{inside.tenant.domain}'"
    assert len(names(events(inside, **{"$filter": both}))) == 1
    for bad in ("Activity eq 'x' or Activity eq 'y'", "WorkspaceId eq 'x'", "Activity ne 'x'", "nonsense"):
        assert events(inside, **{"$filter": bad}).status == 400, bad


def test_what_single_activities_tell() -> None:
    inside = Inside()
    place = workspace(inside)
    report = place["reports"][0]["id"]
    path = f"groups/{place['id']}/reports/{report}/GenerateToken"
    scopes = "Report.ReadWrite.All Dataset.ReadWrite.All"
    made = administer(inside, "POST", path, {"accessLevel": "View"}, name="developer", scp=scopes)
    assert made.status == 200, made.body
    member = {"identifier": f"fabricadmin@{inside.tenant.domain}", "principalType": "User"}
    added = administer(
        inside, "POST", f"groups/{place['id']}/users", {**member, "groupUserAccessRight": "Viewer"}, name="developer"
    )
    assert added.status == 200, added.body
    token, joined = events(inside).body["activityEventEntities"]
    assert (token["Activity"], token["EmbedTokenId"]) == ("GenerateEmbedToken", made.body["tokenId"])
    assert (token["ReportId"], token["ArtifactKind"]) == (report, "Report")
    assert joined["Activity"] == "AddGroupMembers"
    assert joined["MembershipInformation"] == [{"MemberEmail": member["identifier"]}]
    assert not any("token" in str(event.values()).lower().split() for event in (token, joined))


def test_every_activity_name_belongs_to_an_operation() -> None:
    known = {f"{each.service}:{each.id}" for each in operations()}
    assert {f"{id_}InGroup" for id_ in set(NAMES) - known} <= known  # some are there only in a workspace


def test_the_log_comes_late_and_page_by_page_and_is_bounded() -> None:
    inside = Inside()
    for _ in range(5):
        assert administer(inside, "GET", "admin/groups", query={"$top": "1"}).status == 200
    inside.tenant.section("limits")["activityPage"] = 2
    only = {"$filter": "Activity eq 'GetGroupsAsAdmin'"}
    answer, found = events(inside, **only), 0
    while True:
        found += len(names(answer))
        assert answer.body["lastResultSet"] is (answer.body["continuationToken"] is None)
        if answer.body["lastResultSet"]:
            break
        # As a client follows the address: decoded once.
        query = parse_qs(urlsplit(answer.body["continuationUri"].replace("&$filter", "&ignored")).query)
        token = query["continuationToken"][0]
        assert unquote(answer.body["continuationToken"]) == token.strip("'")
        again = {"continuationToken": f"'{answer.body['continuationToken']}'"}  # as pbipy sends it: encoded twice
        answer = administer(inside, "GET", "admin/activityevents", query={"continuationToken": token})
        assert names(administer(inside, "GET", "admin/activityevents", query=again)) == names(answer)
    assert found == 5
    inside.tenant.section("weather")["activity_delay_seconds"] = 1800
    assert names(events(inside, **only)) == []
    inside.tenant.section("clock")["offset_seconds"] = 30 * 86400
    assert administer(inside, "GET", "admin/groups", query={"$top": "1"}).status == 200
    assert len(inside.tenant.activityEvents) == 1


def test_a_time_without_quotes_or_without_sense_is_refused() -> None:
    inside = Inside()
    day = inside.world.now().strftime("%Y-%m-%d")
    assert events(inside, startDateTime=f"{day}T00:00:00").status == 401
    assert events(inside, startDateTime=f"'{day}T25:00:00'").status == 401
    assert administer(inside, "GET", "admin/activityevents").status == 400
    backwards = {"startDateTime": f"'{day}T12:00:00'", "endDateTime": f"'{day}T11:00:00'"}
    refused = events(inside, **backwards)
    assert (refused.status, refused.body) == (400, None)
    assert refused.headers["Content-Type"] == "application/octet-stream"


def test_a_state_with_garbage_in_the_administration_is_refused_in_words() -> None:
    state = Inside().tenant.dump()
    state["activityEvents"] = [{"id": "e1", "CreationTime": "yesterday"}, {"id": "e2"}]
    state["scans"] = {"s": {"at": "now"}}
    state["capacities"][0]["admins"] = "admin"
    state["workspaces"][0]["dataflows"] = [{"name": "no id"}]
    state["workspaces"][1]["app"] = []
    told = "\n".join(problems(state))
    for word in (
        "activityEvents[0]",
        "activityEvents[1]",
        "scans.s.at",
        "capacities[0].admins",
        "dataflows[0]",
        "app must",
    ):
        assert word in told


def test_the_whole_story_over_the_wire(sandbox: SandboxTenant) -> None:
    """An app for audits is made, refused, admitted, and finds in the log who switched the setting for it."""
    directory = graph(sandbox)
    app: App = new_app(directory, "auditor")
    group = directory.post("/groups", {
        "displayName": "auditors", "mailEnabled": False, "mailNickname": "auditors", "securityEnabled": True,
    })  # fmt: skip
    member = {"@odata.id": f"https://graph.microsoft.com/v1.0/directoryObjects/{app.principal_id}"}
    assert directory("POST", f"/groups/{group['id']}/members/$ref", member).status_code == 204
    switch(sandbox, "AllowServicePrincipalsUseReadAdminAPIs", on=False)
    api = powerbi(sandbox, token=sandbox.app_token(app.client_id, app.secret, POWER_BI))
    assert api("GET", "/admin/capacities").status_code == 401
    setting = {"enabled": True, "enabledSecurityGroups": [{"graphId": group["id"], "name": "auditors"}]}
    updated = fabric(sandbox, "fabricadmin")(
        "POST", "/admin/tenantsettings/AllowServicePrincipalsUseReadAdminAPIs/update", setting
    )
    assert updated.status_code == 200, updated.text
    assert api("GET", "/admin/capacities").status_code == 200
    begun = api("POST", "/admin/workspaces/getInfo?lineage=True", {"workspaces": [
        each["id"] for each in api("GET", "/admin/workspaces/modified?excludePersonalWorkspaces=True").json()
    ]})  # fmt: skip
    assert begun.status_code == 202, begun.text
    result = api("GET", f"/admin/workspaces/scanResult/{begun.json()['id']}")
    assert {each["name"] for each in result.json()["workspaces"]} >= {"Reports Dev", "Reports Test"}
    state = sandbox.state()
    log = [each["Activity"] for each in state["activityEvents"]]
    assert log[-4:] == ["UpdatedAdminFeatureSwitch", "GetModifiedWorkspacesAPI", "GetWorkspacesInfoAPI",
                        "GetWorkspacesInfoResult"]  # fmt: skip
    made = state["activityEvents"][-4]["CreationTime"][:10]
    span = f"startDateTime='{made}T00:00:00'&endDateTime='{made}T23:59:59'"
    found = api("GET", f"/admin/activityevents?{span}").json()["activityEventEntities"]
    by = {each["Activity"]: each["UserId"] for each in found}
    assert by["UpdatedAdminFeatureSwitch"].startswith("fabricadmin@")
    assert by["GetWorkspacesInfoAPI"] == app.principal_id
    assert api("GET", f"/admin/activityevents?{span.replace(chr(39), '')}").status_code == 401
