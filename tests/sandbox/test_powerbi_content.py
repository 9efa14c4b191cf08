"""Reports, semantic models, embed tokens, gateways and profiles, as people and programs use them."""

from __future__ import annotations

import base64
import gzip
import json
import time
import uuid
from collections.abc import Callable
from typing import Any

import httpx
import jwt
import pytest

from tests.support.tenant import POWER_BI, SandboxTenant, State

ROOT = "/v1.0/myorg"
SETTINGS = (
    "ServicePrincipalAccessPermissionAPIs",
    "ServicePrincipalAccessGlobalAPIs",
    "AllowServicePrincipalsCreateAndUseProfiles",
)
DETAILS = {"server": "sql1", "database": "sales"}
GATEWAY = "1f69e798-5852-4fdd-ab01-33bb14b6e934"
SOURCE = "252b9de8-d915-4788-aaeb-ec8c2395f970"
CLOUD = "0a2dafe6-0e93-4120-8d2c-fae123c111b1"


class Team:
    """Contoso with an app that the tenant admits, Admin of Reports Dev, and its developer."""

    def __init__(self, sandbox: SandboxTenant) -> None:
        self.sandbox = sandbox

        def put(state: State) -> None:
            self.app = next(p["id"] for p in state["servicePrincipals"] if p["appId"] == sandbox.operator_id)
            for setting in state["tenantSettings"]:
                if setting["settingName"] in SETTINGS:
                    setting["enabled"] = True
            dev = next(each for each in state["workspaces"] if each["displayName"] == "Reports Dev")
            principal = {"id": self.app, "type": "ServicePrincipal"}
            dev["roleAssignments"].append({"id": self.app, "principal": principal, "role": "Admin"})
            self.model, self.report, self.id = dev["datasets"][0]["id"], dev["reports"][0]["id"], dev["id"]

        sandbox.put_state(put)
        self.group = f"{ROOT}/groups/{self.id}"
        self.of_model = f"{self.group}/datasets/{self.model}"
        self.token = sandbox.operator_token(POWER_BI)

    def change(self, change: Callable[[dict[str, Any]], object]) -> None:
        """Change Reports Dev in the state."""

        def put(state: State) -> None:
            change(next(each for each in state["workspaces"] if each["id"] == self.id))

        self.sandbox.put_state(put)

    def of_dataset(self, **more: Any) -> None:
        self.change(lambda dev: dev["datasets"][0].update(more))

    def role(self, role: str | None) -> None:
        """The app's role in Reports Dev."""

        def put(dev: dict[str, Any]) -> None:
            kept = [each for each in dev["roleAssignments"] if each["id"] != self.app]
            mine = {"id": self.app, "principal": {"id": self.app, "type": "ServicePrincipal"}, "role": role}
            dev["roleAssignments"] = [*kept, *([mine] if role else [])]

        self.change(put)

    def section(self, name: str, **values: Any) -> None:
        self.sandbox.put_state(lambda state: state.setdefault(name, {}).update(values))

    def call(
        self, method: str, path: str, body: Any = None, user: str | None = None, headers: dict[str, str] | None = None
    ) -> httpx.Response:
        """As the app, or as a user; a path that begins with / is whole, any other one below Reports Dev."""
        token = self.sandbox.user_token(user, POWER_BI) if user else self.token
        whole = path if path.startswith("/") else f"{self.group}/{path}"
        given = {"Authorization": f"Bearer {token}", **(headers or {})}
        return self.sandbox.http.request(method, whole, json=body, headers=given)

    def get(self, path: str, user: str | None = None) -> Any:
        answer = self.call("GET", path, user=user)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def query(self, text: str, user: str | None = None, path: str | None = None, **more: Any) -> httpx.Response:
        body = {"queries": [{"query": text}], **more}
        return self.call("POST", f"{path or self.of_model}/executeQueries", body, user)

    def embed(self, user: str | None = None, **more: Any) -> httpx.Response:
        body = {"reports": [{"id": self.report}], "datasets": [{"id": self.model}], **more}
        return self.call("POST", f"{ROOT}/GenerateToken", body, user)

    def refreshed(self) -> dict[str, Any]:
        """Begin a refresh; the newest entry of the history."""
        begun = self.call("POST", f"{self.of_model}/refreshes", {})
        assert begun.status_code == 202, begun.text
        newest: dict[str, Any] = self.get(f"{self.of_model}/refreshes?$top=1")["value"][0]
        assert newest["requestId"] == begun.headers["RequestId"].lower()
        return newest


@pytest.fixture
def team(sandbox: SandboxTenant) -> Team:
    return Team(sandbox)


def code(answer: httpx.Response) -> str:
    return str(answer.json()["error"]["code"])


def test_a_program_finds_asks_and_embeds_the_report(team: Team) -> None:
    report = team.get("reports")["value"][0]
    assert report["datasetId"] == team.model
    assert f"reportId={team.report}&groupId={team.id}" in report["embedUrl"]
    assert [page["displayName"] for page in team.get(f"reports/{team.report}/pages")["value"]] == ["Overview"]
    rows = team.query("EVALUATE 'Sales'").json()["results"][0]["tables"][0]["rows"]
    assert rows[0] == {"Sales[Region]": "North", "Sales[Amount]": 1200}
    assert not [name for name in team.get(f"datasets/{team.model}") if name.startswith("_")]
    token = team.embed(lifetimeInMinutes=10).json()
    assert set(token) == {"@odata.context", "token", "tokenId", "expiration"}
    first, second = token["token"].split(".")
    assert gzip.decompress(base64.b64decode(first))
    assert json.loads(base64.b64decode(second))["clusterUrl"].startswith("https://")


def test_an_embed_token_ends_no_later_than_the_token_that_asked_for_it(team: Team) -> None:
    ends = jwt.decode(team.token, options={"verify_signature": False})["exp"]
    told = team.embed(lifetimeInMinutes=1000).json()["expiration"]
    assert told == time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(ends))
    assert team.embed(lifetimeInMinutes=5).json()["expiration"] < told


def test_row_level_security_asks_for_an_identity_and_knows_the_user_to_query_as(team: Team) -> None:
    team.of_dataset(isEffectiveIdentityRequired=True, isEffectiveIdentityRolesRequired=True)
    assert "requires effective identity to be provided" in team.embed().text
    bare = {"username": "customer-7", "datasets": [team.model]}
    assert "requires roles" in team.embed(identities=[bare]).text
    assert team.embed(identities=[{**bare, "roles": ["Region"]}]).status_code == 200
    assert code(team.query("EVALUATE Sales")) == "PowerBINotAuthorizedException"
    person = f"developer@{team.sandbox.domain}"
    assert team.query("EVALUATE Sales", impersonatedUserName=person).status_code == 200
    assert team.query("EVALUATE Sales", user="developer").status_code == 200


def test_report_and_model_may_live_apart_and_both_places_count(team: Team) -> None:
    def move(state: State) -> None:
        dev, test = state["workspaces"][0], state["workspaces"][1]
        test["datasets"] = dev.pop("datasets")

    team.sandbox.put_state(move)
    assert (team.embed().status_code, code(team.embed())) == (404, "PowerBIEntityNotFound")
    single = team.call("POST", f"reports/{team.report}/GenerateToken", {"accessLevel": "View"})
    assert single.status_code == 404

    def admit(state: State) -> None:
        principal = {"id": team.app, "type": "ServicePrincipal"}
        entry = {"id": team.app, "principal": principal, "role": "Member"}
        state["workspaces"][1]["roleAssignments"].append(entry)

    team.sandbox.put_state(admit)
    assert team.embed().status_code == 200
    assert team.call("POST", f"reports/{team.report}/GenerateToken", {"accessLevel": "View"}).status_code == 200


@pytest.mark.parametrize("role", ["Viewer", "Contributor"])
def test_embedding_takes_a_member(team: Team, role: str) -> None:
    team.role(role)
    assert team.embed().status_code == 403
    assert team.get("reports")["value"]


def test_without_a_capacity_embedding_is_on_trial(team: Team) -> None:
    def usage() -> int:
        told = team.get(f"{ROOT}/availableFeatures")["features"][0]["additionalInfo"]["usage"]
        assert team.get(f"{ROOT}/availableFeatures(featureName='embedTrial')")["additionalInfo"]["usage"] == told
        return int(told)

    team.section("limits", embedTokens=2)
    assert team.embed().status_code == 200
    assert usage() == 0  # not counted: the workspace is on a capacity

    team.sandbox.put_state(lambda state: state["capacities"][0].update(state="Suspended"))
    assert team.embed().status_code == 200
    assert usage() == 50  # a paused one does not count
    team.change(lambda dev: dev.update(capacityId=None))
    assert team.embed().status_code == 200
    refused = team.embed()
    assert refused.status_code == 403
    assert "shared or ProPlus capacity" in refused.text
    assert usage() == 100


def test_a_refresh_runs_and_ends_on_the_tenants_clock(team: Team) -> None:
    team.section("weather", refresh_seconds=120)
    begun = team.refreshed()
    assert (begun["status"], begun["refreshType"], "endTime" in begun) == ("Unknown", "ViaApi", False)
    assert "Another refresh request is already executing" in team.call("POST", f"{team.of_model}/refreshes", {}).text
    team.sandbox.advance(121)
    ended = team.get(f"{team.of_model}/refreshes")["value"][0]
    assert (ended["status"], "endTime" in ended, "serviceExceptionJson" in ended) == ("Completed", True, False)


def test_an_enhanced_refresh_says_where_it_is_and_can_be_cancelled(team: Team) -> None:
    team.section("weather", refresh_seconds=120)
    begun = team.call("POST", f"{team.of_model}/refreshes", {"type": "Full", "retryCount": 2})
    assert begun.headers["x-ms-request-id"] in begun.headers["Location"]
    path = httpx.URL(begun.headers["Location"]).path
    assert team.call("GET", path).status_code == 202
    assert team.call("DELETE", path).status_code == 200
    assert team.get(path)["extendedStatus"] == "Cancelled"
    assert team.get(f"{team.of_model}/refreshes")["value"][0]["status"] == "Cancelled"


def test_taking_a_model_over_leaves_its_credentials_behind(team: Team) -> None:
    source = {"datasourceType": "Sql", "connectionDetails": DETAILS, "gatewayId": CLOUD, "datasourceId": SOURCE}
    team.of_dataset(_datasources=[source])
    assert team.refreshed()["status"] == "Completed"
    assert team.call("POST", f"{team.of_model}/Default.UpdateParameters", {"updateDetails": []}).status_code == 403
    assert team.call("POST", f"{team.of_model}/Default.TakeOver").status_code == 200
    failed = team.refreshed()
    assert failed["status"] == "Failed"
    assert json.loads(failed["serviceExceptionJson"])["errorCode"] == "ModelRefreshFailed_CredentialsNotSpecified"
    named = team.get(f"{team.of_model}/datasources")["value"][0]
    path = f"{ROOT}/gateways/{named['gatewayId']}/datasources/{named['datasourceId']}"
    new = {"credentialDetails": {"credentialType": "Basic", "credentials": "{}"}}
    assert team.call("PATCH", path, new, user="developer").status_code == 401  # no longer the owner
    assert team.call("PATCH", path, new).status_code == 200
    assert team.refreshed()["status"] == "Completed"


def test_a_gateway_serves_whom_its_source_is_shared_with(team: Team) -> None:
    source = {"datasourceType": "Sql", "connectionDetails": DETAILS}
    team.of_dataset(isOnPremGatewayRequired=True, _datasources=[source], _owner=team.app)
    there = {
        "id": SOURCE,
        "datasourceName": "Sales",
        "datasourceType": "Sql",
        "connectionDetails": '{"server":"SQL1","database":"sales"}',
        "credentialType": "Windows",
    }
    keeper = f"admin@{team.sandbox.domain}"
    gateway = {"id": GATEWAY, "name": "Head office", "admins": [keeper], "datasources": [there]}
    team.sandbox.put_state(lambda state: state.update(gateways=[gateway]))

    def why() -> str:
        entry = team.refreshed()
        return str(json.loads(entry["serviceExceptionJson"])["errorCode"]) if entry["status"] == "Failed" else "fine"

    assert why() == "DMTS_MonikerWithUnboundDataSources"
    assert team.get(f"{team.of_model}/Default.DiscoverGateways")["value"] == []
    assert team.get(f"{ROOT}/gateways")["value"] == []
    assert [each["name"] for each in team.get(f"{ROOT}/gateways", user="admin")["value"]] == ["Head office"]
    bind = {"gatewayObjectId": GATEWAY}
    assert team.call("POST", f"{team.of_model}/Default.BindToGateway", bind).status_code == 401

    users = f"{ROOT}/gateways/{GATEWAY}/datasources/{SOURCE}/users"
    user = {"principalType": "App", "datasourceAccessRight": "Read"}
    wrong = team.call("POST", users, {**user, "identifier": team.sandbox.operator_id}, user="admin")
    assert (wrong.status_code, code(wrong)) == (400, "DMTS_PrincipalsAreInvalidError")
    assert team.call("POST", users, {**user, "identifier": team.app}, user="admin").status_code == 200
    assert team.get(users, user="admin")["value"][0]["identifier"] == team.app
    assert [each["id"] for each in team.get(f"{team.of_model}/Default.DiscoverGateways")["value"]] == [GATEWAY]
    assert team.call("POST", f"{team.of_model}/Default.BindToGateway", bind).status_code == 200
    bound = team.get(f"{team.of_model}/Default.GetBoundGatewayDatasources")["value"]
    assert [each["id"] for each in bound] == [SOURCE]
    assert why() == "fine"

    assert team.call("DELETE", f"{users}/{team.app}", user="admin").status_code == 200
    assert why() == "DMTS_EntityNotFoundOrUnauthorized"
    team.sandbox.put_state(lambda state: state["gateways"][0].update(gatewayStatus="Offline"))
    assert why() == "DM_GWPipeline_Client_GatewayUnreachable"


def test_a_profile_has_roles_of_its_own(team: Team) -> None:
    made = team.call("POST", f"{ROOT}/profiles", {"displayName": "Customer A"}).json()
    as_profile = {"X-PowerBI-Profile-Id": made["id"]}

    def seen() -> list[str]:
        answer = team.call("GET", f"{ROOT}/groups", headers=as_profile)
        return [each["name"] for each in answer.json()["value"]]

    assert seen() == []
    member = {
        "identifier": team.app,
        "principalType": "App",
        "profile": {"id": made["id"]},
        "groupUserAccessRight": "Member",
    }
    assert team.call("POST", "users", member).status_code == 200
    assert seen() == ["Reports Dev"]
    shown = [each for each in team.get("users")["value"] if "profile" in each]
    assert shown[0]["profile"]["displayName"] == "Customer A"
    assert shown[0]["identifier"] == team.app
    body = {"reports": [{"id": team.report}], "datasets": [{"id": team.model}]}
    assert team.call("POST", f"{ROOT}/GenerateToken", body, headers=as_profile).status_code == 200
    own = team.call("POST", f"{ROOT}/groups", {"name": "Of customer A"}, headers=as_profile).json()["id"]
    assert seen() == ["Reports Dev", "Of customer A"]
    assert team.call("GET", f"{ROOT}/groups/{own}").status_code == 404  # not the service principal's
    renamed = team.call("PUT", f"{ROOT}/profiles/{made['id']}", {"displayName": "Customer B"})
    assert renamed.json()["displayName"] == "Customer B"
    assert team.call("DELETE", f"{ROOT}/profiles/{made['id']}").status_code == 200
    assert team.get(f"{ROOT}/profiles")["value"] == []
    assert not [each for each in team.get("users")["value"] if "profile" in each]


def test_an_app_makes_a_workspace_where_both_settings_let_it(team: Team) -> None:
    made = team.call("POST", f"{ROOT}/groups?workspaceV2=True", {"name": "Made by the app"}).json()
    assert code(team.call("POST", f"{ROOT}/groups", {"name": "made by the APP"})) == "PowerBIEntityAlreadyExists"
    assert team.call("PATCH", f"{ROOT}/groups/{made['id']}", {"name": "Renamed"}).status_code == 200
    assert team.get(f"{ROOT}/groups/{made['id']}")["name"] == "Renamed"
    assert team.call("DELETE", f"{ROOT}/groups/{made['id']}").status_code == 200
    assert team.call("GET", f"{ROOT}/groups/{made['id']}").status_code == 404

    def close(state: State) -> None:
        next(s for s in state["tenantSettings"] if s["settingName"] == "ServicePrincipalAccessGlobalAPIs")[
            "enabled"
        ] = False

    team.sandbox.put_state(close)
    assert team.call("POST", f"{ROOT}/groups", {"name": "Another"}).status_code == 401
    assert team.call("POST", f"{ROOT}/groups", {"name": "Another"}, user="developer").status_code == 200


def test_a_classic_workspace_takes_no_app(team: Team) -> None:
    team.change(lambda dev: dev.update(classic=True))
    body = {"identifier": str(uuid.uuid4()), "groupUserAccessRight": "Admin", "principalType": "App"}
    answer = team.call("POST", "users", body, user="developer")
    message = "Parameter userDetails.PrincipalType is missing or invalid"
    assert answer.status_code == 400
    assert answer.json() == {"error": {"code": "InvalidRequest", "message": message}}


def test_a_new_role_is_known_soon_after_permissions_are_refreshed(team: Team) -> None:
    team.section("weather", workspace_role_seconds=3600)
    person = f"fabricadmin@{team.sandbox.domain}"
    body = {"identifier": person, "principalType": "User", "groupUserAccessRight": "Viewer"}
    assert team.call("POST", "users", body).status_code == 200
    assert team.call("GET", "reports", user="fabricadmin").status_code == 401
    path = f"{ROOT}/RefreshUserPermissions"
    assert team.call("POST", path, user="fabricadmin").status_code == 200
    assert team.call("POST", path, user="fabricadmin").status_code == 429
    team.sandbox.advance(121)
    assert team.call("GET", "reports", user="fabricadmin").status_code == 200


def test_build_on_the_model_alone_lets_a_person_ask_it_outside_its_workspace(team: Team) -> None:
    person = f"fabricadmin@{team.sandbox.domain}"
    path = f"{ROOT}/datasets/{team.model}"
    refused = team.query("EVALUATE Sales", "fabricadmin", path)
    assert refused.status_code == 404
    told = refused.json()["error"]["pbi.error"]["details"][0]["detail"]["value"]
    assert told.startswith(f"You cannot query the dataset '{team.model}' by using the REST API")
    grant = {"identifier": person, "principalType": "User", "datasetUserAccessRight": "Read"}
    assert team.call("POST", f"{team.of_model}/users", grant).status_code == 200
    assert team.query("EVALUATE Sales", "fabricadmin", path).status_code == 404
    build = {**grant, "datasetUserAccessRight": "ReadExplore"}
    assert team.call("PUT", f"{team.of_model}/users", build).status_code == 200
    assert team.query("EVALUATE Sales", "fabricadmin", path).status_code == 200
    assert team.query("EVALUATE Sales", "fabricadmin").status_code == 401  # below a workspace that is not theirs
    users = {each["identifier"]: each["datasetUserAccessRight"] for each in team.get(f"{team.of_model}/users")["value"]}
    assert users[person] == "ReadExplore"
    assert users[team.app] == "ReadWriteReshareExplore"


def test_a_model_answers_what_its_state_holds_and_refuses_the_rest_as_dax(team: Team) -> None:
    team.of_dataset(_answers={'EVALUATE ROW("n", COUNTROWS(Sales))': [{"[n]": 2, "[none]": None}]})
    asked = 'EVALUATE ROW("n", COUNTROWS(Sales))'
    assert team.query(asked).json()["results"][0]["tables"][0]["rows"] == [{"[n]": 2}]
    whole = team.query(asked, serializerSettings={"includeNulls": True})
    assert whole.json()["results"][0]["tables"][0]["rows"] == [{"[n]": 2, "[none]": None}]
    for text in ("EVALUATE INFO.TABLES()", "EVALUATE 'Nope'", "SELECT 1"):
        answer = team.query(text)
        assert (answer.status_code, code(answer)) == (400, "DatasetExecuteQueriesError")
    assert "The table 'Nope' cannot be found." in team.query("EVALUATE 'Nope'").text
    assert team.call("POST", f"{team.of_model}/executeQueries", {"queries": []}).status_code == 400


def test_queries_are_limited_to_120_a_minute(team: Team) -> None:
    for _ in range(120):
        assert team.query("EVALUATE Sales").status_code == 200
    refused = team.query("EVALUATE Sales")
    assert refused.status_code == 429
    assert 1 <= int(refused.headers["Retry-After"]) <= 60


def test_my_workspace_is_a_persons_own(team: Team) -> None:
    mine = {"id": str(uuid.uuid4()), "name": "Mine", "datasetId": team.model}

    def put(state: State) -> None:
        person = next(each for each in state["users"] if each["userPrincipalName"].startswith("developer@"))
        person["myWorkspace"]["reports"] = [mine]

    team.sandbox.put_state(put)
    assert [each["name"] for each in team.get(f"{ROOT}/reports", user="developer")["value"]] == ["Mine"]
    assert team.get(f"{ROOT}/reports", user="admin")["value"] == []
    assert "not accessible for application" in team.call("GET", f"{ROOT}/reports").text
    token = team.call("POST", f"{ROOT}/reports/{mine['id']}/GenerateToken", {"accessLevel": "View"}, user="developer")
    assert token.status_code == 403
    assert team.embed(user="developer", reports=[{"id": mine["id"]}]).status_code == 403
    home = next(
        each["myWorkspace"]["id"]
        for each in team.sandbox.state()["users"]
        if each["userPrincipalName"].startswith("developer@")
    )
    refused = team.call("GET", f"{ROOT}/groups/{home}/reports", user="developer")
    assert (refused.status_code, code(refused)) == (401, "GroupNotAccessible")


def test_reports_are_copied_bound_anew_and_removed(team: Team) -> None:
    copied = team.call("POST", f"reports/{team.report}/Clone", {"name": "Copy"}).json()
    assert (copied["name"], copied["datasetId"]) == ("Copy", team.model)
    unknown = {"datasetId": str(uuid.uuid4())}
    assert team.call("POST", f"reports/{copied['id']}/Rebind", unknown).status_code == 404
    assert team.call("POST", f"reports/{copied['id']}/Rebind", {"datasetId": team.model}).status_code == 200
    assert team.call("DELETE", f"reports/{copied['id']}").status_code == 200
    assert [each["name"] for each in team.get("reports")["value"]] == ["Sales"]
    team.role("Viewer")
    assert team.call("DELETE", f"reports/{team.report}").status_code == 401


@pytest.mark.parametrize(
    ("patch", "told"),
    [
        ({"datasets": [{"name": "x"}]}, "datasets[0] must have id"),
        ({"reports": {"id": "x"}}, "reports must be a list"),
        ({"datasets": [{"id": "x", "_tables": {"T": [1]}}]}, "datasets[0]._tables.T[0] must be an object"),
        ({"classic": "yes"}, "classic must be true or false"),
        ({"roleAssignments": [{"principal": {"id": "x"}, "role": "Owner"}]}, "role must be one of"),
    ],
)
def test_content_that_cannot_be_is_refused_in_words(team: Team, patch: dict[str, Any], told: str) -> None:
    state = team.sandbox.state()
    state["workspaces"][0].update(patch)
    answer = team.sandbox.http.put("/_sandbox/state", json=state)
    assert answer.status_code == 400
    assert told in answer.text
