"""The calls that setting an app up makes, in their order, over HTTP."""

from __future__ import annotations

from tests.sandbox.api import (
    POWER_BI_APP,
    TENANT_READ_ALL,
    fabric,
    graph,
    new_app,
    operator_graph,
    powerbi,
    switch,
)
from tests.support.tenant import SandboxTenant

UPSERT = {"Prefer": "create-if-missing"}


def test_the_whole_line_from_nothing_to_a_listed_workspace(sandbox: SandboxTenant) -> None:
    admin = graph(sandbox)
    organization = admin.get("/organization?$select=id,displayName")["value"][0]
    assert organization == {"id": sandbox.tenant, "displayName": "Contoso"}
    assert admin.get("/me")["userPrincipalName"] == f"admin@{sandbox.domain}"
    roles = admin.get("/me/transitiveMemberOf/microsoft.graph.directoryRole?$select=displayName")["value"]
    assert {r["displayName"] for r in roles} == {"Global Administrator", "Fabric Administrator"}

    path = "/applications(uniqueName='pbisetup-x-dev')"
    assert admin("GET", path).status_code == 404
    created = admin("PATCH", path, {"displayName": "x dev", "tags": ["pbisetup"]}, **UPSERT)
    assert created.status_code == 201
    app = created.json()
    assert admin("PATCH", path, {"displayName": "x dev"}, **UPSERT).status_code == 204
    assert admin.get(path)["id"] == app["id"]

    by_app_id = f"/servicePrincipals(appId='{app['appId']}')"
    principal = admin("PATCH", by_app_id, {}, **UPSERT)
    assert principal.status_code == 201
    principal_id = principal.json()["id"]
    assert admin("PATCH", by_app_id, {}, **UPSERT).status_code == 204
    assert len({app["id"], app["appId"], principal_id}) == 3

    me = admin.get("/me")["id"]
    reference = {"@odata.id": f"https://graph.microsoft.com/v1.0/directoryObjects/{me}"}
    assert admin("POST", f"/applications/{app['id']}/owners/$ref", reference).status_code == 204
    again = admin("POST", f"/applications/{app['id']}/owners/$ref", reference)
    assert again.status_code == 400
    assert "'owners'" in again.json()["error"]["message"]

    secret = admin.post(f"/applications/{app['id']}/addPassword", {"passwordCredential": {"displayName": "one"}}, 200)
    assert len(secret["secretText"]) == 40
    assert secret["secretText"].startswith(secret["hint"])

    group = admin.post(
        "/groups",
        {"displayName": "api", "mailNickname": "api", "mailEnabled": False, "securityEnabled": True},
    )
    member = {"@odata.id": f"https://graph.microsoft.com/v1.0/directoryObjects/{principal_id}"}
    assert admin("POST", f"/groups/{group['id']}/members/$ref", member).status_code == 204
    members = admin.get(f"/groups/{group['id']}/members/microsoft.graph.servicePrincipal?$select=id,appId")
    assert members["value"] == [{"id": principal_id, "appId": app["appId"]}]

    settings = fabric(sandbox)
    name = "ServicePrincipalAccessPermissionAPIs"
    body = {"enabled": True, "enabledSecurityGroups": [{"graphId": group["id"], "name": "api"}]}
    answer = settings("POST", f"/admin/tenantsettings/{name}/update", body)
    assert answer.status_code == 200
    assert [s["settingName"] for s in answer.json()["tenantSettings"]] == [name]
    workspace = next(w for w in settings.get("/workspaces")["value"] if w["type"] == "Workspace")
    role = {"principal": {"id": principal_id, "type": "ServicePrincipal"}, "role": "Member"}
    assigned = settings("POST", f"/workspaces/{workspace['id']}/roleAssignments", role)
    assert assigned.status_code == 201
    assert assigned.headers["location"].endswith(f"/roleAssignments/{principal_id}")

    api = powerbi(sandbox, token=sandbox.app_token(app["appId"], secret["secretText"]))
    groups = api.get("/groups")
    assert [g["name"] for g in groups["value"]] == [workspace["displayName"]]
    assert groups["@odata.count"] == 1


def test_consent_of_both_kinds(sandbox: SandboxTenant) -> None:
    admin = graph(sandbox)
    app = new_app(admin)
    resource = admin.get(f"/servicePrincipals(appId='{POWER_BI_APP}')?$select=id,appRoles,oauth2PermissionScopes")
    assert {r["value"] for r in resource["appRoles"]} >= {"Tenant.Read.All", "Tenant.ReadWrite.All"}
    body = {"principalId": app.principal_id, "resourceId": resource["id"], "appRoleId": TENANT_READ_ALL}
    path = f"/servicePrincipals/{resource['id']}/appRoleAssignedTo"
    assignment = admin.post(path, body)
    assert assignment["principalType"] == "ServicePrincipal"
    twice = admin("POST", path, body)
    assert twice.status_code == 400
    assert twice.json()["error"]["message"] == "Permission being assigned already exists on the object"
    held = admin.get(f"/servicePrincipals/{app.principal_id}/appRoleAssignments")["value"]
    assert [a["id"] for a in held] == [assignment["id"]]
    assert admin("DELETE", f"{path}/{assignment['id']}").status_code == 204
    assert admin.get(f"/servicePrincipals/{app.principal_id}/appRoleAssignments")["value"] == []

    grant = {"clientId": app.principal_id, "consentType": "AllPrincipals", "resourceId": resource["id"]}
    made = admin.post("/oauth2PermissionGrants", {**grant, "scope": "Report.Read.All"})
    assert made["principalId"] is None
    duplicate = admin("POST", "/oauth2PermissionGrants", {**grant, "scope": "Report.Read.All"})
    assert duplicate.status_code == 409
    changed = admin("PATCH", f"/oauth2PermissionGrants/{made['id']}", {"scope": "Report.Read.All Dataset.Read.All"})
    assert changed.status_code == 204
    query = f"$filter=clientId eq '{app.principal_id}' and consentType eq 'AllPrincipals'"
    assert admin.get(f"/oauth2PermissionGrants?{query}")["value"][0]["scope"] == "Report.Read.All Dataset.Read.All"
    wrong = admin("POST", "/oauth2PermissionGrants", {**grant, "clientId": app.client_id, "scope": "x"})
    assert wrong.status_code == 404
    assert admin("DELETE", f"/oauth2PermissionGrants/{made['id']}").status_code == 204


def test_three_ids_are_not_interchangeable(sandbox: SandboxTenant) -> None:
    admin = graph(sandbox)
    app = new_app(admin)
    assert admin("GET", f"/servicePrincipals/{app.object_id}").status_code == 404
    assert admin("GET", f"/applications/{app.principal_id}").status_code == 404
    assert admin("GET", f"/applications/{app.client_id}").status_code == 404
    assert admin("GET", f"/applications(appId='{app.client_id}')").status_code == 200
    group = admin.post(
        "/groups", {"displayName": "g", "mailNickname": "g", "mailEnabled": False, "securityEnabled": True}
    )
    for wrong in (app.object_id, app.client_id):
        body = {"@odata.id": f"https://graph.microsoft.com/v1.0/directoryObjects/{wrong}"}
        assert admin("POST", f"/groups/{group['id']}/members/$ref", body).status_code == 404


def test_no_secret_and_nothing_private_leaves(sandbox: SandboxTenant) -> None:
    admin = graph(sandbox)
    app = new_app(admin)
    for path in (
        "/applications",
        f"/applications/{app.object_id}",
        f"/applications/{app.object_id}?$select=passwordCredentials",
        "/servicePrincipals",
        "/users",
        "/me",
        "/me/ownedObjects",
    ):
        text = admin("GET", path).text
        assert "secretHash" not in text
        assert '"_' not in text
        assert "asswordHash" not in text
        assert app.secret not in text
    assert app.secret not in str(sandbox.state())
    assert admin.get(f"/applications/{app.object_id}")["passwordCredentials"][0]["hint"] == app.secret[:3]


def test_the_operator_sees_a_setting_only_when_admitted(sandbox: SandboxTenant) -> None:
    operator = fabric(sandbox, token=sandbox.operator_token("https://api.fabric.microsoft.com"))
    refused = operator("GET", "/admin/tenantsettings")
    assert refused.status_code == 401
    assert refused.headers["x-ms-public-api-error-code"] == "Unauthorized"
    switch(sandbox, "AllowServicePrincipalsUseReadAdminAPIs")
    assert set(operator.get("/admin/tenantsettings")) == {"value"}
    assert operator_graph(sandbox)("GET", "/me").json()["error"]["code"] == "BadRequest"
