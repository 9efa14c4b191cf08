"""What Fabric's admin routes show, and tenants of another age."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from tests.sandbox.test_fabric_items import Team
from tests.support.tenant import AZURE_CLI, FABRIC, SandboxTenant, State

READ = "AllowServicePrincipalsUseReadAdminAPIs"
OLD = {
    "settingName": "ServicePrincipalAccess",
    "title": "Service principals can use Fabric APIs",
    "enabled": True,
    "canSpecifySecurityGroups": True,
    "tenantSettingGroup": "Developer settings",
}


def on(name: str) -> Any:
    """A change of the state that switches a setting on for everybody."""

    def put(state: State) -> None:
        next(each for each in state["tenantSettings"] if each["settingName"] == name)["enabled"] = True

    return put


@pytest.fixture
def team(sandbox: SandboxTenant) -> Team:
    found = Team(sandbox)
    sandbox.put_state(on(READ))
    return found


def test_an_inventory_by_a_service_principal(team: Team, sandbox: SandboxTenant) -> None:
    made = team.ok("POST", "/lakehouses", {"displayName": "sales", "description": "orders"})
    workspaces = team.ok("GET", "/v1/admin/workspaces")["workspaces"]
    assert {each["name"] for each in workspaces} == {"Reports Dev", "Reports Test", "Reports Prod"}
    assert [w["name"] for w in team.ok("GET", "/v1/admin/workspaces", name="reports dev")["workspaces"]] == [
        "Reports Dev"
    ]
    item = next(i for i in team.ok("GET", "/v1/admin/items", type="Lakehouse")["itemEntities"])
    assert (item["id"], item["name"], item["workspaceId"]) == (made["id"], "sales", team.workspace)
    assert item["capacityId"] == item["capacityId"].upper()
    assert item["creatorPrincipal"]["servicePrincipalDetails"] == {"aadAppId": sandbox.operator_id}
    assert team.ok("GET", f"/v1/admin/workspaces/{team.workspace}/items/{made['id']}") == item
    users = team.ok("GET", f"/v1/admin/workspaces/{team.workspace}/users")["accessDetails"]
    assert {each["workspaceAccessDetails"]["workspaceRole"] for each in users} == {"Admin", "Contributor"}
    access = team.ok("GET", f"/v1/admin/workspaces/{team.workspace}/items/{made['id']}/users")["accessDetails"]
    assert len(access) == len(users)
    name = "developer@contoso.onmicrosoft.com"
    entities = team.ok("GET", f"/v1/admin/users/{name}/access", type="Lakehouse")["accessEntities"]
    assert [each["displayName"] for each in entities] == ["sales"]
    assert team.refused("GET", f"/v1/admin/users/{uuid.uuid4()}/access") == (400, "InvalidPrincipal")
    assert team.refused("GET", f"/v1/admin/workspaces/{uuid.uuid4()}") == (404, "EntityNotFound")
    assert team.refused("GET", "/v1/admin/items", type="Spreadsheet") == (400, "InvalidItemType")


def test_git_connections_and_how_a_setting_on_its_way_looks_there(team: Team, sandbox: SandboxTenant) -> None:
    details = {"organizationName": "contoso", "gitProviderType": "AzureDevOps", "repositoryName": "reports"}
    team.change(lambda workspace: workspace.update(gitProviderDetails=details))
    path = "/v1/admin/workspaces/discoverGitConnections"
    assert team.ok("GET", path) == {"value": [{"workspaceId": team.workspace, "gitProviderDetails": details}]}

    def off_but_changing(state: State) -> None:
        state["weather"]["tenant_setting_seconds"] = 900
        next(each for each in state["tenantSettings"] if each["settingName"] == READ)["enabled"] = False

    sandbox.put_state(off_but_changing)
    assert team.refused("GET", path) == (401, "Unauthorized")
    admin = {"Authorization": f"Bearer {sandbox.user_token('fabricadmin', FABRIC)}"}
    changed = sandbox.http.post(f"/v1/admin/tenantsettings/{READ}/update", json={"enabled": True}, headers=admin)
    assert changed.status_code == 200
    assert team.refused("GET", path) == (500, "UnknownError")
    sandbox.advance(901)
    assert team.call("GET", path).status_code == 200


def test_a_tenant_from_before_the_switch_was_split(sandbox: SandboxTenant) -> None:
    team = Team(sandbox)

    def age(state: State) -> None:
        split = ("ServicePrincipalAccessPermissionAPIs", "ServicePrincipalAccessGlobalAPIs")
        kept = [each for each in state["tenantSettings"] if each["settingName"] not in split]
        state["tenantSettings"] = [OLD, *kept]

    sandbox.put_state(age)
    assert team.call("GET", "/v1/workspaces").status_code == 200
    assert team.call("POST", "/v1/workspaces", {"displayName": "by the old switch"}).status_code == 201
    admin = {"Authorization": f"Bearer {sandbox.user_token('fabricadmin', FABRIC)}"}
    listed = sandbox.http.get("/v1/admin/tenantsettings", headers=admin).json()
    assert OLD["title"] in [each["title"] for each in listed["tenantSettings"]]
    path = "/v1/admin/tenantsettings/ServicePrincipalAccess/update"
    assert sandbox.http.post(path, json={"enabled": False}, headers=admin).status_code == 200
    assert team.refused("GET", "/v1/workspaces") == (401, "Unauthorized")


def test_settings_come_page_by_page_where_there_are_many(sandbox: SandboxTenant) -> None:
    sandbox.put_state(lambda state: state.update(limits={"pageSize": 7}))
    admin = {"Authorization": f"Bearer {sandbox.user_token('fabricadmin', FABRIC)}"}
    names, path = [], "/v1/admin/tenantsettings"
    while path:
        page = sandbox.http.get(path, headers=admin).json()
        names += [each["settingName"] for each in page["value"]]
        path = page.get("continuationUri", "").removeprefix(sandbox.url)
    assert names == [each["settingName"] for each in sandbox.state()["tenantSettings"]]
    assert len(names) > 7


@pytest.mark.parametrize(("answer", "status"), [("yes", 200), ("no", 403)])
def test_whether_the_azure_clis_client_may_write_settings_is_state(
    sandbox: SandboxTenant, answer: str, status: int
) -> None:
    sandbox.put_state(lambda state: state.update(unknowns={"azureCliMayWriteTenantSettings": answer}))
    admin = {"Authorization": f"Bearer {sandbox.user_token('fabricadmin', FABRIC, AZURE_CLI)}"}
    assert sandbox.http.get("/v1/admin/tenantsettings", headers=admin).status_code == 200
    changed = sandbox.http.post(f"/v1/admin/tenantsettings/{READ}/update", json={"enabled": True}, headers=admin)
    assert changed.status_code == status
    if status == 403:
        assert changed.json()["errorCode"] == "InsufficientScopes"
