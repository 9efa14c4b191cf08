"""Deleted objects: kept for thirty days, brought back one by one, gone for good after."""

from __future__ import annotations

from collections.abc import Callable

from tests.sandbox.api import POWER_BI_APP, TENANT_READ_ALL, graph, new_app
from tests.sandbox.graph_people import app_with
from tests.support.tenant import SandboxTenant

EVENTUAL = {"ConsistencyLevel": "eventual"}
UPSERT = {"Prefer": "create-if-missing"}
APPS = "/directory/deletedItems/microsoft.graph.application"


def test_an_app_comes_back_whole_and_its_service_principal_after_it(sandbox: SandboxTenant) -> None:
    admin = graph(sandbox)
    app = new_app(admin)
    resource = admin.get(f"/servicePrincipals(appId='{POWER_BI_APP}')")["id"]
    grant = {"principalId": app.principal_id, "resourceId": resource, "appRoleId": TENANT_READ_ALL}
    admin.post(f"/servicePrincipals/{resource}/appRoleAssignedTo", grant)
    uri = f"api://{app.client_id}"
    assert admin("PATCH", f"/applications/{app.object_id}", {"identifierUris": [uri]}).status_code == 204
    assert admin("DELETE", f"/applications/{app.object_id}").status_code == 204
    taken = admin("POST", "/applications", {"displayName": "b", "identifierUris": [uri]}).json()["error"]
    assert (taken["details"][0]["code"], "identifierUris" in taken["message"]) == ("ObjectConflict", True)
    found = admin.get(f"{APPS}?$filter=appId eq '{app.client_id}'")["value"]
    assert [each["id"] for each in found] == [app.object_id]
    assert admin("GET", f"{APPS}/$count", **EVENTUAL).text == "1"
    early = admin("POST", f"/directory/deletedItems/{app.principal_id}/restore")
    assert early.json()["error"]["details"][0]["code"] == "NoBackingApplicationObject"
    for id_ in (app.object_id, app.principal_id):
        assert admin("POST", f"/directory/deletedItems/{id_}/restore").status_code == 200
    sandbox.app_token(app.client_id, app.secret)
    held = admin.get(f"/servicePrincipals/{app.principal_id}/appRoleAssignments")["value"]
    assert [each["appRoleId"] for each in held] == [TENANT_READ_ALL]


def test_thirty_days_are_the_end(sandbox: SandboxTenant) -> None:
    admin = graph(sandbox)
    path = "/applications(uniqueName='kept')"
    app = admin("PATCH", path, {"displayName": "a"}, **UPSERT).json()
    admin("DELETE", f"/applications/{app['id']}")
    sandbox.advance(29 * 86_400)
    admin = graph(sandbox)
    assert len(admin.get(APPS)["value"]) == 1
    assert admin("PATCH", path, {"displayName": "b"}, **UPSERT).status_code == 400
    sandbox.advance(2 * 86_400)
    admin = graph(sandbox)
    assert admin("PATCH", path, {"displayName": "b"}, **UPSERT).status_code == 201
    assert admin.get(APPS)["value"] == []
    assert admin("POST", f"/directory/deletedItems/{app['id']}/restore").status_code == 404


def test_only_microsoft_365_groups_come_back(sandbox: SandboxTenant) -> None:
    admin = graph(sandbox)
    plain = {"displayName": "s", "mailNickname": "s", "mailEnabled": False, "securityEnabled": True}
    unified = {"displayName": "m", "mailNickname": "m", "mailEnabled": True, "securityEnabled": False}
    security = admin.post("/groups", plain)["id"]
    team = admin.post("/groups", {**unified, "groupTypes": ["Unified"]})["id"]
    for id_ in (security, team):
        assert admin("DELETE", f"/groups/{id_}").status_code == 204
    groups = admin.get("/directory/deletedItems/microsoft.graph.group")["value"]
    assert [each["id"] for each in groups] == [team]
    assert graph(sandbox, "developer")("POST", f"/directory/deletedItems/{team}/restore").status_code == 403
    assert admin("POST", f"/directory/deletedItems/{team}/restore").status_code == 200
    assert admin("POST", f"/directory/deletedItems/{security}/restore").status_code == 404
    assert admin.get(f"/groups/{team}")["deletedDateTime"] is None


def test_kinds_of_groups_and_their_members(sandbox: SandboxTenant) -> None:
    admin = graph(sandbox)
    app = new_app(admin)
    plain = {"displayName": "s", "mailNickname": "s", "mailEnabled": False, "securityEnabled": True}

    def add(group: str, member: str) -> int:
        link = {"@odata.id": f"https://graph.microsoft.com/v1.0/directoryObjects/{member}"}
        return admin("POST", f"/groups/{group}/members/$ref", link).status_code

    dynamic = {"groupTypes": ["DynamicMembership"], "membershipRule": "user.department -eq 'x'"}
    rule = admin.post("/groups", {**plain, **dynamic})["id"]
    assert add(rule, app.principal_id) == 403
    unified = {**plain, "mailEnabled": True, "groupTypes": ["Unified"], "mailNickname": "m"}
    assert add(admin.post("/groups", unified)["id"], app.principal_id) == 400
    outer, inner = (admin.post("/groups", plain)["id"] for _ in range(2))
    assert (add(outer, inner), add(inner, app.principal_id), add(inner, inner)) == (204, 204, 400)
    cast = admin.get(f"/groups/{outer}/transitiveMembers/microsoft.graph.servicePrincipal")["value"]
    assert [each["id"] for each in cast] == [app.principal_id]
    assert admin("GET", f"/groups/{outer}/transitiveMembers/$count", **EVENTUAL).text == "2"
    assert admin("PATCH", f"/groups/{outer}", {"isAssignableToRole": True}).status_code == 400


def test_flexible_credentials_are_betas(sandbox: SandboxTenant) -> None:
    admin = graph(sandbox)
    app = new_app(admin)
    path = f"/applications/{app.object_id}/federatedIdentityCredentials"
    flexible = {
        "name": "any-branch",
        "issuer": "https://token.actions.githubusercontent.com",
        "audiences": ["api://AzureADTokenExchange"],
        "claimsMatchingExpression": {
            "value": "claims['sub'] matches 'repo:a/b:ref:refs/heads/*'",
            "languageVersion": 1,
        },
    }
    assert admin("POST", path, flexible).status_code == 400
    beta = f"{sandbox.url}/beta{path}"
    assert admin("POST", beta, {**flexible, "subject": "repo:a/b"}).status_code == 400
    admin.post(beta, flexible)
    assert admin.get(f"{path}/any-branch")["subject"] is None
    assert "claimsMatchingExpression" not in admin.get(f"{path}/any-branch")
    assert admin.get(beta)["value"][0]["claimsMatchingExpression"]["languageVersion"] == 1
    assert admin("POST", path, {**flexible, "name": "ab", "subject": "s"}).status_code == 400


def test_what_was_changed_outlives_the_process(start_sandbox: Callable[..., SandboxTenant]) -> None:
    first = start_sandbox(name="kept")
    _, policy = app_with(
        first, "Policy.Read.All", "Policy.ReadWrite.ApplicationConfiguration", "Application.ReadWrite.All"
    )
    app = new_app(graph(first))
    custom = policy.post("/policies/appManagementPolicies", {"displayName": "p"})["id"]
    path = f"/applications/{app.object_id}/appManagementPolicies"
    link = {"@odata.id": f"https://graph.microsoft.com/v1.0/policies/appManagementPolicies/{custom}"}
    assert policy("POST", f"{path}/$ref", link).status_code == 204
    assert policy("DELETE", f"{path}/{custom}/$ref").status_code == 204
    graph(first)("DELETE", f"/applications/{app.object_id}")
    before = first.state()
    first.close()
    after = start_sandbox(name="kept").state()
    for name in ("appManagementPolicies", "deletedItems", "applications"):
        assert [each["id"] for each in after[name]] == [each["id"] for each in before[name]]
    assert after["appManagementPolicies"][0]["_appliesTo"] == []
