"""What Graph's objects do over HTTP: upsert, soft deletion, ownership, credentials, queries, membership."""

from __future__ import annotations

from typing import Any

import pytest

from pbisetup.sandbox.roles import ROLES
from tests.sandbox.api import GRAPH_APP, POWER_BI_APP, graph, new_app, operator_graph
from tests.support.tenant import SandboxTenant

UPSERT = {"Prefer": "create-if-missing"}
EVENTUAL = {"ConsistencyLevel": "eventual"}
GROUP = {"mailEnabled": False, "securityEnabled": True}
FIC = {"issuer": "https://token.actions.githubusercontent.com", "subject": "repo:a/b:ref:refs/heads/main"}


def link(id_: str) -> dict[str, str]:
    return {"@odata.id": f"https://graph.microsoft.com/v1.0/directoryObjects/{id_}"}


def with_role(sandbox: SandboxTenant, user: str, *roles: str) -> None:
    def change(state: dict[str, Any]) -> None:
        found = next(u for u in state["users"] if u["userPrincipalName"].startswith(user + "@"))
        found["directoryRoles"] = [ROLES[role] for role in roles]

    sandbox.put_state(change)


def test_upsert_without_prefer_is_a_plain_update(sandbox: SandboxTenant) -> None:
    admin = graph(sandbox)
    path = "/applications(uniqueName='u-1')"
    assert admin("PATCH", path, {"displayName": "a"}).status_code == 404
    assert admin("PATCH", path, {}, **UPSERT).status_code == 400
    assert admin("PATCH", path, {"displayName": "a"}, **UPSERT).status_code == 201
    assert admin("PATCH", path, {"displayName": "b"}).status_code == 204
    assert admin.get(path)["displayName"] == "b"
    assert admin.get("/applications?$filter=uniqueName eq 'u-1'")["value"][0]["displayName"] == "b"
    twice = admin("POST", "/applications", {"displayName": "c", "uniqueName": "u-1"})
    assert twice.json()["error"]["details"][0]["code"] == "ObjectConflict"


def test_a_soft_deleted_app_keeps_its_unique_name_until_purged(sandbox: SandboxTenant) -> None:
    admin = graph(sandbox)
    path = "/applications(uniqueName='kept')"
    app = admin("PATCH", path, {"displayName": "a"}, **UPSERT).json()
    principal = admin.post("/servicePrincipals", {"appId": app["appId"]})
    assert admin("DELETE", f"/applications/{app['id']}").status_code == 204
    assert admin("GET", f"/applications/{app['id']}").status_code == 404
    assert admin("GET", f"/servicePrincipals/{principal['id']}").status_code == 404
    blocked = admin("PATCH", path, {"displayName": "a"}, **UPSERT)
    assert blocked.status_code == 400
    assert "property uniqueName already exists" in blocked.json()["error"]["message"]
    query = f"/directory/deletedItems/microsoft.graph.application?$filter=appId eq '{app['appId']}'"
    assert [item["id"] for item in admin.get(query)["value"]] == [app["id"]]

    early = admin("POST", f"/directory/deletedItems/{principal['id']}/restore")
    assert early.status_code == 400
    admin.post(f"/directory/deletedItems/{app['id']}/restore", status=200)
    assert admin.get(path)["id"] == app["id"]
    assert admin("GET", f"/servicePrincipals(appId='{app['appId']}')").status_code == 404
    admin.post(f"/directory/deletedItems/{principal['id']}/restore", status=200)
    assert admin.get(f"/servicePrincipals(appId='{app['appId']}')")["id"] == principal["id"]

    assert admin("DELETE", path).status_code == 204
    assert admin("DELETE", f"/directory/deletedItems/{app['id']}").status_code == 204
    assert admin("PATCH", path, {"displayName": "a"}, **UPSERT).status_code == 201


def test_who_becomes_owner(sandbox: SandboxTenant) -> None:
    developer, admin, operator = graph(sandbox, "developer"), graph(sandbox), operator_graph(sandbox)
    mine = developer.post("/applications", {"displayName": "mine"})
    assert [o["id"] for o in developer.get(f"/applications/{mine['id']}/owners")["value"]] == [
        developer.get("/me")["id"]
    ]
    assert developer.post("/servicePrincipals", {"appId": mine["appId"]})["appOwnerOrganizationId"] == sandbox.tenant
    for api in (admin, operator):
        other = api.post("/applications", {"displayName": "other"})
        assert api.get(f"/applications/{other['id']}/owners")["value"] == []
        assert developer("POST", f"/applications/{other['id']}/addPassword", {}).status_code == 403
        assert developer("POST", "/servicePrincipals", {"appId": other["appId"]}).status_code == 403
    owned = [o["id"] for o in developer.get("/me/ownedObjects/microsoft.graph.application")["value"]]
    assert owned == [mine["id"]]


def test_a_locked_down_tenant(sandbox: SandboxTenant) -> None:
    sandbox.reset("locked-down")
    developer = graph(sandbox, "developer")
    assert developer("POST", "/applications", {"displayName": "a"}).status_code == 403
    body = {"displayName": "g", "mailNickname": "g", **GROUP}
    assert developer("POST", "/groups", body).status_code == 403
    assert graph(sandbox)("POST", "/groups", body).status_code == 201


def test_consent_needs_the_right_administrator(sandbox: SandboxTenant) -> None:
    admin = graph(sandbox)
    app = new_app(admin)
    power_bi = admin.get(f"/servicePrincipals(appId='{POWER_BI_APP}')")
    ms_graph = admin.get(f"/servicePrincipals(appId='{GRAPH_APP}')")

    def consent(resource: dict[str, Any]) -> int:
        role = resource["appRoles"][0]["id"]
        body = {"principalId": app.principal_id, "resourceId": resource["id"], "appRoleId": role}
        return graph(sandbox, "developer")(
            "POST", f"/servicePrincipals/{resource['id']}/appRoleAssignedTo", body
        ).status_code

    assert (consent(power_bi), consent(ms_graph)) == (403, 403)
    with_role(sandbox, "developer", "Cloud Application Administrator")
    assert (consent(power_bi), consent(ms_graph)) == (201, 403)
    with_role(sandbox, "developer", "Privileged Role Administrator")
    assert consent(ms_graph) == 201


def test_secrets_are_added_used_and_removed(sandbox: SandboxTenant) -> None:
    admin = graph(sandbox)
    app = new_app(admin)
    sandbox.app_token(app.client_id, app.secret)
    second = admin.post(
        f"/applications/{app.object_id}/addPassword",
        {"passwordCredential": {"displayName": "two", "endDateTime": "2199-01-01T00:00:00Z"}},
        200,
    )
    assert second["endDateTime"] == "2199-01-01T00:00:00Z"
    removed = admin("POST", f"/applications/{app.object_id}/removePassword", {"keyId": app.key_id})
    assert removed.status_code == 204
    left = admin.get(f"/applications/{app.object_id}?$select=passwordCredentials")["passwordCredentials"]
    assert [(p["displayName"], p["secretText"]) for p in left] == [("two", None)]
    refused = sandbox.token(
        grant_type="client_credentials",
        client_id=app.client_id,
        client_secret=app.secret,
        scope="https://graph.microsoft.com/.default",
    )
    assert refused.json()["error_codes"] == [7000215]
    sandbox.app_token(app.client_id, second["secretText"])


def test_federated_credentials(sandbox: SandboxTenant) -> None:
    admin = graph(sandbox)
    app = new_app(admin)
    path = f"/applications/{app.object_id}/federatedIdentityCredentials"
    body = {**FIC, "audiences": ["api://AzureADTokenExchange"]}
    assert admin("PATCH", f"{path}(name='main')", body, **UPSERT).status_code == 201
    assert admin("PATCH", f"{path}(name='main')", {"description": "d"}, **UPSERT).status_code == 204
    assert admin.get(f"{path}/main")["description"] == "d"
    same = admin("POST", path, {**body, "name": "other"})
    assert same.status_code == 400
    assert [c["name"] for c in admin.get(path)["value"]] == ["main"]
    assert admin("DELETE", f"{path}/{admin.get(f'{path}/main')['id']}").status_code == 204
    assert admin.get(path)["value"] == []
    assert admin("POST", path, {**body, "name": "-a b"}).status_code == 400


def test_pages_and_queries(sandbox: SandboxTenant) -> None:
    admin = graph(sandbox)
    names = [f"page {n:03}" for n in range(7)]
    for name in names:
        admin.post("/applications", {"displayName": name, "tags": ["pbisetup:env=dev"]})
    found: list[str] = []
    url = "/applications?$filter=startswith(displayName,'page ')&$top=3&$select=displayName"
    pages = 0
    while url:
        page = admin.get(url)
        found += [a["displayName"] for a in page["value"]]
        url, pages = page.get("@odata.nextLink", ""), pages + 1
        assert all(set(a) == {"displayName"} for a in page["value"])
        assert not url or url.startswith(f"{sandbox.url}/v1.0/applications?")
    assert (found, pages) == (names, 3)
    tagged = admin.get("/applications?$filter=tags/any(t:t eq 'pbisetup:env=dev')&$count=true", **EVENTUAL)
    assert tagged["@odata.count"] == 7
    refused = admin("GET", "/applications?$filter=displayName ne 'x'")
    assert refused.json()["error"]["code"] == "Request_UnsupportedQuery"
    query = "/applications?$filter=displayName ne 'page 000' and startswith(displayName,'page')&$count=true"
    assert len(admin.get(query, **EVENTUAL)["value"]) == 6
    assert admin("GET", "/applications/$count", **EVENTUAL).text.isdigit()
    assert admin("GET", "/applications/$count").status_code == 400
    assert len(admin.get('/applications?$search="displayName:003"', **EVENTUAL)["value"]) == 1
    assert admin("GET", "/applications?$select=colour").status_code == 400


@pytest.mark.parametrize("version", ["v1.0", "beta"])
def test_both_versions_answer_with_their_own_links(sandbox: SandboxTenant, version: str) -> None:
    admin = graph(sandbox)
    body = admin.get(f"{sandbox.url}/{version}/applications?$top=1")
    assert body["@odata.context"] == f"{sandbox.url}/{version}/$metadata#applications"


def test_members_groups_and_roles(sandbox: SandboxTenant) -> None:
    admin = graph(sandbox)
    app = new_app(admin)
    inner = admin.post("/groups", {"displayName": "in", "mailNickname": "in", **GROUP})
    outer = admin.post(
        "/groups",
        {
            "displayName": "out",
            "mailNickname": "out",
            **GROUP,
            "members@odata.bind": [f"https://graph.microsoft.com/v1.0/directoryObjects/{inner['id']}"],
        },
    )
    assert admin("POST", f"/groups/{inner['id']}/members/$ref", link(app.principal_id)).status_code == 204
    again = admin("POST", f"/groups/{inner['id']}/members/$ref", link(app.principal_id))
    assert "'members'" in again.json()["error"]["message"]
    base = f"/servicePrincipals/{app.principal_id}"
    assert [g["id"] for g in admin.get(f"{base}/memberOf")["value"]] == [inner["id"]]
    assert {g["id"] for g in admin.get(f"{base}/transitiveMemberOf")["value"]} == {inner["id"], outer["id"]}
    check = admin.post(f"/directoryObjects/{app.principal_id}/checkMemberGroups", {"groupIds": [outer["id"]]}, 200)
    assert check["value"] == [outer["id"]]
    kinds = admin.post("/directoryObjects/getByIds", {"ids": [app.principal_id, app.object_id, inner["id"]]}, 200)
    assert [k["@odata.type"].rpartition(".")[2] for k in kinds["value"]] == [
        "servicePrincipal",
        "application",
        "group",
    ]
    gone = f"/groups/{inner['id']}/members/{app.principal_id}/$ref"
    assert admin("DELETE", gone).status_code == 204
    assert admin("DELETE", gone).status_code == 404

    me = admin.get("/me")
    roles = admin.get("/me/transitiveMemberOf/graph.directoryRole?$select=roleTemplateId")["value"]
    assert ROLES["Global Administrator"] in [r["roleTemplateId"] for r in roles]
    assignments = operator_graph(sandbox).get(
        f"/roleManagement/directory/roleAssignments?$filter=principalId eq '{me['id']}'"
    )
    assert {a["roleDefinitionId"] for a in assignments["value"]} == {r["roleTemplateId"] for r in roles}
    assert admin("GET", "/roleManagement/directory/roleAssignments").status_code == 403


def test_a_guest_sees_only_itself(sandbox: SandboxTenant) -> None:
    def change(state: dict[str, Any]) -> None:
        user = next(u for u in state["users"] if u["userPrincipalName"].startswith("developer@"))
        user["userType"] = "Guest"

    sandbox.put_state(change)
    guest = graph(sandbox, "developer")
    assert guest.get("/me")["userPrincipalName"].startswith("developer@")
    assert guest("GET", "/users").status_code == 403
    assert guest("POST", "/applications", {"displayName": "a"}).status_code == 403


def test_an_app_with_owned_by_keeps_to_its_own(sandbox: SandboxTenant) -> None:
    admin = graph(sandbox)
    app = new_app(admin, "robot")
    resource = admin.get(f"/servicePrincipals(appId='{GRAPH_APP}')")
    role = next(r["id"] for r in resource["appRoles"] if r["value"] == "Application.ReadWrite.OwnedBy")
    body = {"principalId": app.principal_id, "resourceId": resource["id"], "appRoleId": role}
    admin.post(f"/servicePrincipals/{resource['id']}/appRoleAssignedTo", body)
    robot = graph(sandbox, token=sandbox.app_token(app.client_id, app.secret, "https://graph.microsoft.com"))
    made = robot.post("/applications", {"displayName": "made"})
    robot.post("/servicePrincipals", {"appId": made["appId"]})
    robot.post(f"/applications/{made['id']}/addPassword", {}, 200)
    assert [a["id"] for a in robot.get("/applications")["value"]] == [made["id"]]
    assert robot("PATCH", f"/applications/{app.object_id}", {"notes": "x"}).status_code == 403
    assert robot("GET", f"/applications/{app.object_id}").status_code == 403


def test_policies(sandbox: SandboxTenant) -> None:
    operator = operator_graph(sandbox)
    policy = operator.get("/policies/authorizationPolicy")["defaultUserRolePermissions"]
    assert policy["allowedToCreateApps"] is True
    assert operator.get("/policies/defaultAppManagementPolicy")["isEnabled"] is False
    assert graph(sandbox)("GET", "/policies/authorizationPolicy").status_code == 403


def test_what_was_fetched_can_be_sent_back(sandbox: SandboxTenant) -> None:
    admin = graph(sandbox)
    app = new_app(admin)
    power_bi = admin.get(f"/servicePrincipals(appId='{POWER_BI_APP}')")["id"]
    for path in (
        f"/applications/{app.object_id}",
        f"/servicePrincipals/{app.principal_id}",
        f"/servicePrincipals/{power_bi}",
    ):
        before = admin.get(path)
        answer = admin("PATCH", path, {**before, "notes": "seen"})
        assert answer.status_code == 204, answer.text
        assert admin.get(path) == {**before, "notes": "seen"}
    sandbox.app_token(app.client_id, app.secret)
    assert admin("PATCH", f"/applications/{app.object_id}", {"appId": app.principal_id}).status_code == 400


def test_a_groups_unique_name(sandbox: SandboxTenant) -> None:
    admin = graph(sandbox)
    path = "/groups(uniqueName='pbisetup-api')"
    body = {"displayName": "api", "mailNickname": "api", **GROUP}
    assert admin("PATCH", path, body).status_code == 404
    made = admin("PATCH", path, body, **UPSERT)
    assert made.status_code == 201
    assert admin("PATCH", path, {"description": "d"}, **UPSERT).status_code == 204
    assert admin.get(path)["description"] == "d"
    found = admin.get("/groups?$filter=displayName eq 'api' and mailNickname eq 'api'")["value"]
    assert [g["id"] for g in found] == [made.json()["id"]]
    assert admin("PATCH", f"/groups/{made.json()['id']}", {"uniqueName": "x"}).status_code == 400
    assert admin("DELETE", path).status_code == 204
    assert admin("GET", path).status_code == 404
