"""Items of Fabric as a deployment meets them: made, found, defined, moved and deleted, over the wire."""

from __future__ import annotations

import base64
import json
import uuid
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.support.tenant import FABRIC, SandboxTenant, State

SETTINGS = ("ServicePrincipalAccessPermissionAPIs", "ServicePrincipalAccessGlobalAPIs")


def payload(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def definition(**parts: str) -> dict[str, Any]:
    """A definition of named texts; `__` in a name stands for the dot that a keyword cannot have."""
    inline = "InlineBase64"
    return {
        "parts": [
            {"path": n.replace("__", "."), "payload": payload(t), "payloadType": inline} for n, t in parts.items()
        ]
    }


class Team:
    """Contoso with an app that the tenant admits, in a role in Reports Dev."""

    def __init__(self, sandbox: SandboxTenant, role: str | None = "Contributor") -> None:
        self.sandbox = sandbox
        self.app = ""

        def put(state: State) -> None:
            self.app = next(p["id"] for p in state["servicePrincipals"] if p["appId"] == sandbox.operator_id)
            for setting in state["tenantSettings"]:
                if setting["settingName"] in SETTINGS:
                    setting["enabled"] = True
            dev = next(each for each in state["workspaces"] if each["displayName"] == "Reports Dev")
            self.workspace = dev["id"]
            if role:
                principal = {"id": self.app, "type": "ServicePrincipal"}
                dev["roleAssignments"].append({"id": self.app, "principal": principal, "role": role})

        sandbox.put_state(put)
        self.token = sandbox.operator_token(FABRIC)

    def call(self, method: str, path: str, body: Any = None, host: str | None = None, **query: str) -> httpx.Response:
        url = path if path.startswith("/v1/") else f"/v1/workspaces/{self.workspace}{path}"
        headers = {"Authorization": f"Bearer {self.token}", **({"Host": host} if host else {})}
        return self.sandbox.http.request(method, url, json=body, params=query or None, headers=headers)

    def ok(self, method: str, path: str, body: Any = None, **query: str) -> Any:
        """The answer's JSON, or that of the long-running operation that it began."""
        answer = self.call(method, path, body, **query)
        assert answer.is_success, answer.text
        if answer.status_code != 202:
            return answer.json() if answer.content else None
        state = self.call("GET", answer.headers["Location"].removeprefix(self.sandbox.url))
        assert state.json()["status"] == "Succeeded", state.text
        if "Location" not in state.headers:
            return None
        return self.call("GET", state.headers["Location"].removeprefix(self.sandbox.url)).json()

    def refused(self, method: str, path: str, body: Any = None, **query: str) -> tuple[int, str]:
        answer = self.call(method, path, body, **query)
        return answer.status_code, answer.json()["errorCode"]

    def change(self, change: Callable[[dict[str, Any]], object]) -> None:
        """Change Reports Dev in the state."""
        self.sandbox.put_state(
            lambda state: change(next(each for each in state["workspaces"] if each["id"] == self.workspace))
        )


@pytest.fixture
def team(sandbox: SandboxTenant) -> Team:
    return Team(sandbox)


def test_a_notebook_is_made_by_a_long_running_operation(team: Team, sandbox: SandboxTenant) -> None:
    sandbox.put_state(lambda state: state["weather"].update(operation_seconds=30))
    body = {"displayName": "Daily load", "definition": definition(notebook_content__py="# code")}
    begun = team.call("POST", "/notebooks", body)
    assert (begun.status_code, begun.text) == (202, "null")
    assert begun.headers["Content-Type"] == "application/json; charset=utf-8"
    assert begun.headers["Retry-After"] == "20"
    id_ = begun.headers["x-ms-operation-id"]
    assert begun.headers["Location"] == f"{sandbox.url}/v1/operations/{id_}"
    assert begun.headers["Access-Control-Expose-Headers"] == "RequestId,Location,Retry-After,x-ms-operation-id"
    running = team.call("GET", f"/v1/operations/{id_}")
    assert running.json() | {"createdTimeUtc": "", "lastUpdatedTimeUtc": ""} == {
        "status": "Running", "createdTimeUtc": "", "lastUpdatedTimeUtc": "", "percentComplete": None, "error": None,
    }  # fmt: skip
    assert not running.json()["createdTimeUtc"].endswith("Z")
    assert running.headers["Location"] == begun.headers["Location"]
    assert "Daily load" not in [each["displayName"] for each in team.ok("GET", "/items")["value"]]
    assert team.refused("POST", "/notebooks", body) == (400, "ItemDisplayNameAlreadyInUse")
    sandbox.advance(31)
    done = team.call("GET", f"/v1/operations/{id_}")
    assert (done.json()["status"], done.json()["percentComplete"]) == ("Succeeded", 100)
    assert "Retry-After" not in done.headers
    made = team.call("GET", f"/v1/operations/{id_}/result").json()
    assert (made["type"], made["displayName"], made["workspaceId"]) == ("Notebook", "Daily load", team.workspace)
    assert team.ok("GET", f"/notebooks/{made['id']}") == {**made, "description": ""}
    developer = sandbox.user_token("developer", FABRIC)
    another = sandbox.http.get(f"/v1/operations/{id_}", headers={"Authorization": f"Bearer {developer}"})
    assert another.json()["errorCode"] == "OperationNotFound"


def test_by_microsofts_name_the_operation_is_at_the_home_cluster(team: Team) -> None:
    begun = team.call("POST", "/notebooks", {"displayName": "Daily load"}, host="api.fabric.microsoft.com")
    host = begun.headers["Location"].partition("//")[2].partition("/")[0]
    assert begun.headers["home-cluster-uri"] == f"https://{host}/"
    path = begun.headers["Location"].removeprefix(f"https://{host}")
    at_home = team.call("GET", path, host=host)
    assert at_home.json()["status"] == "Succeeded"
    assert "home-cluster-uri" not in at_home.headers


@pytest.mark.parametrize(
    ("type_", "path", "status"), [("Lakehouse", "lakehouses", 201), ("DataPipeline", "dataPipelines", 201),
                                  ("Warehouse", "warehouses", 202), ("VariableLibrary", "variablelibraries", 201)],
)  # fmt: skip
def test_each_type_has_routes_of_its_own(team: Team, type_: str, path: str, status: int) -> None:
    assert team.call("POST", f"/{path}", {"displayName": "sales"}).status_code == status
    listed = team.ok("GET", f"/{path}")["value"]
    assert [(each["type"], each["displayName"]) for each in listed] == [(type_, "sales")]
    id_ = listed[0]["id"]
    assert team.ok("GET", "/items", type=type_)["value"][0]["id"] == id_
    assert team.ok("PATCH", f"/{path}/{id_}", {"description": "of last year"})["description"] == "of last year"
    assert team.refused("GET", f"/reports/{id_}") == (404, "ItemNotFound")
    assert team.call("DELETE", f"/{path}/{id_}").status_code == 200
    assert team.refused("GET", f"/items/{id_}") == (404, "ItemNotFound")


def test_a_lakehouse_brings_its_sql_endpoint_and_takes_it_along(team: Team) -> None:
    made = team.ok("POST", "/lakehouses", {"displayName": "sales"})
    endpoint = next(each for each in team.ok("GET", "/items")["value"] if each["type"] == "SQLEndpoint")
    assert (endpoint["displayName"], endpoint["description"]) == ("sales", "")
    properties = team.ok("GET", f"/lakehouses/{made['id']}")["properties"]
    assert properties["sqlEndpointProperties"]["id"] == endpoint["id"]
    assert properties["oneLakeFilesPath"].endswith(f"/{team.workspace}/{made['id']}/Files")
    team.ok("PATCH", f"/items/{made['id']}", {"displayName": "orders"})
    assert {each["displayName"] for each in team.ok("GET", "/items")["value"]} >= {"orders"}
    assert team.call("DELETE", f"/items/{made['id']}").status_code == 200
    assert endpoint["id"] not in [each["id"] for each in team.ok("GET", "/items")["value"]]


def test_a_definition_is_kept_and_given_back(team: Team) -> None:
    made = team.ok("POST", "/items", {
        "type": "Notebook", "displayName": "load", "definition": definition(notebook_content__py="# first"),
    })  # fmt: skip
    parts = {
        each["path"]: each["payload"]
        for each in team.ok("POST", f"/items/{made['id']}/getDefinition")["definition"]["parts"]
    }
    assert parts["notebook-content.py".replace("-", "_")] == payload("# first")
    platform = json.loads(base64.b64decode(parts[".platform"]))
    assert platform["metadata"] == {"type": "Notebook", "displayName": "load"}
    renamed = json.dumps({"metadata": {"type": "Notebook", "displayName": "nightly", "description": "at two"}})
    body = {"definition": definition(notebook_content__py="# second", __platform=renamed)}
    assert team.call("POST", f"/items/{made['id']}/updateDefinition", body).status_code == 202
    assert team.ok("GET", f"/items/{made['id']}")["displayName"] == "load"
    team.ok("POST", f"/items/{made['id']}/updateDefinition", body, updateMetadata="True")
    found = team.ok("GET", f"/items/{made['id']}")
    assert (found["displayName"], found["description"]) == ("nightly", "at two")


def test_a_deleted_name_is_free_after_a_while(team: Team, sandbox: SandboxTenant) -> None:
    made = team.ok("POST", "/lakehouses", {"displayName": "sales"})
    assert team.call("DELETE", f"/items/{made['id']}").status_code == 200
    held = team.call("POST", "/lakehouses", {"displayName": "sales"})
    assert (held.status_code, held.json()["errorCode"]) == (409, "ItemDisplayNameNotAvailableYet")
    assert held.json()["isRetriable"] is True
    assert team.call("POST", "/dataPipelines", {"displayName": "sales"}).status_code == 201
    sandbox.advance(21)
    assert team.call("POST", "/lakehouses", {"displayName": "sales"}).status_code == 201


def test_deleting_for_good_is_for_admins(team: Team, sandbox: SandboxTenant) -> None:
    made = team.ok("POST", "/lakehouses", {"displayName": "sales"})
    assert team.refused("DELETE", f"/items/{made['id']}", hardDelete="true") == (403, "InsufficientWorkspaceRole")
    developer = {"Authorization": f"Bearer {sandbox.user_token('developer', FABRIC)}"}
    path = f"/v1/workspaces/{team.workspace}/items/{made['id']}?hardDelete=true"
    assert sandbox.http.delete(path, headers=developer).status_code == 200


def test_folders_hold_items_and_each_other(team: Team) -> None:
    outer = team.call("POST", "/folders", {"displayName": "2026"})
    assert outer.status_code == 201
    assert outer.headers["Location"].endswith(f"/folders/{outer.json()['id']}")
    outer_id = outer.json()["id"]
    inner = team.ok("POST", "/folders", {"displayName": "Q1", "parentFolderId": outer_id})
    made = team.ok("POST", "/items", {"type": "Lakehouse", "displayName": "sales", "folderId": inner["id"]})
    assert made["folderId"] == inner["id"]
    assert [f["displayName"] for f in team.ok("GET", "/folders")["value"]] == ["2026", "Q1"]
    assert [f["displayName"] for f in team.ok("GET", "/folders", recursive="False")["value"]] == ["2026"]
    assert [f["id"] for f in team.ok("GET", "/folders", rootFolderId=outer_id)["value"]] == [inner["id"]]
    assert len(team.ok("GET", "/items", rootFolderId=outer_id)["value"]) == 2
    assert team.ok("GET", "/items", rootFolderId=outer_id, recursive="false")["value"] == []
    assert team.refused("DELETE", f"/folders/{inner['id']}") == (400, "FolderNotEmpty")
    moved = team.ok("POST", f"/items/{made['id']}/move", {})["value"]
    assert ["folderId" in each for each in moved] == [False, False]
    assert "parentFolderId" not in team.ok("POST", f"/folders/{inner['id']}/move", {})
    assert team.ok("PATCH", f"/folders/{inner['id']}", {"displayName": "Q2"})["displayName"] == "Q2"
    for id_ in (inner["id"], outer_id):
        assert team.call("DELETE", f"/folders/{id_}").status_code == 200
    assert team.refused("GET", f"/folders/{outer_id}") == (404, "FolderNotFound")


def test_what_power_bi_holds_is_listed_as_items(team: Team) -> None:
    def put(workspace: dict[str, Any]) -> None:
        workspace["reports"] = [{"id": str(uuid.uuid4()), "name": "Revenue"}]
        workspace["datasets"] = [{"id": str(uuid.uuid4()), "name": "Revenue"}]
        workspace["dashboards"] = []

    team.change(put)
    listed = {(each["type"], each["displayName"]) for each in team.ok("GET", "/items")["value"]}
    assert listed == {("Report", "Revenue"), ("SemanticModel", "Revenue")}


@pytest.mark.parametrize("type_", ["Notebook", "Lakehouse", "Warehouse"])
def test_without_a_capacity_there_are_items_of_power_bi_only(team: Team, type_: str) -> None:
    team.change(lambda workspace: workspace.update(capacityId=None))
    assert team.refused("POST", "/items", {"type": type_, "displayName": "x"}) == (403, "FeatureNotAvailable")
    report = {"type": "Report", "displayName": "x", "definition": definition(report__json="{}")}
    assert team.call("POST", "/items", report).status_code == 202


def test_who_may_do_what_with_an_item(sandbox: SandboxTenant) -> None:
    team = Team(sandbox, role="Viewer")
    assert team.call("GET", "/items").status_code == 200
    wanted = {"type": "Lakehouse", "displayName": "sales"}
    assert team.refused("POST", "/items", wanted) == (403, "InsufficientWorkspaceRole")
    assert team.refused("POST", "/lakehouses", wanted) == (403, "InsufficientWorkspaceRole")
    team.change(lambda workspace: workspace["roleAssignments"].pop())
    assert team.refused("GET", "/items") == (403, "InsufficientPrivileges")


def test_a_list_goes_on_where_a_page_ends(team: Team, sandbox: SandboxTenant) -> None:
    sandbox.put_state(lambda state: state.update(limits={"pageSize": 2}))
    for number in range(3):
        team.ok("POST", "/dataPipelines", {"displayName": f"load {number}"})
    first = team.ok("GET", "/items", type="DataPipeline")
    assert len(first["value"]) == 2
    assert first["continuationUri"].startswith(f"{sandbox.url}/v1/workspaces/{team.workspace}/items?")
    last = team.call("GET", first["continuationUri"].removeprefix(sandbox.url)).json()
    assert [each["displayName"] for each in last["value"]] == ["load 2"]
    assert set(last) == {"value"}


def test_a_state_that_no_item_could_have_is_refused_in_words(sandbox: SandboxTenant) -> None:
    state = sandbox.state()
    state["workspaces"][0] |= {"items": [{"id": "a"}], "folders": "none", "roleAssignments": [{"role": "Owner"}]}
    state["connections"] = [
        {"id": "c", "roleAssignments": [{"role": "Boss", "principal": {"id": "x", "type": "User"}}]}
    ]
    state["operations"] = {"x": {}}
    answer = sandbox.http.put("/_sandbox/state", json=state)
    assert answer.status_code == 400
    said = answer.json()["problems"]
    for place in (
        "workspaces[0].items[0]",
        "workspaces[0].folders",
        "workspaces[0].roleAssignments[0]",
        "operations.x",
    ):
        assert any(place in each for each in said), said
    assert any("connections[0].roleAssignments[0].role must be one of User" in each for each in said)
