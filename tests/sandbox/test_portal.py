"""What Azure CLI asks beside Graph: the portal's consent, and Azure Resource Manager of a tenant without Azure."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.support.tenant import GRAPH, SandboxTenant

PORTAL = "74658136-14ec-4630-ad9b-26e160ff0fc6"
POWER_BI_APP = "00000009-0000-0000-c000-000000000000"
TENANT_READ = "654b31ae-d941-4e22-8798-7add8fdf049f"
WORKSPACE_READ = "b2f1b2fa-f35c-407c-979c-a858a808ba85"
ARM = "https://management.core.windows.net/"
NOBODY = "11111111-2222-3333-4444-555555555555"


def consent(sandbox: SandboxTenant, app: str, token: str, query: str = "onBehalfOfAll=true") -> httpx.Response:
    headers = {"Host": "main.iam.ad.ext.azure.com", "Authorization": f"Bearer {token}"}
    return sandbox.http.post(f"/api/RegisteredApplications/{app}/Consent?{query}", headers=headers)


def admin_token(sandbox: SandboxTenant, user: str = "admin") -> str:
    return sandbox.user_token(user, PORTAL)


def declare(sandbox: SandboxTenant, *access: tuple[str, str], resource: str = POWER_BI_APP) -> str:
    """An app without a service principal that declares these permissions; its client id."""
    wanted = [{"id": id_, "type": kind} for id_, kind in access]
    body = {
        "displayName": "reports",
        "requiredResourceAccess": [{"resourceAppId": resource, "resourceAccess": wanted}],
    }
    token = sandbox.user_token("admin", GRAPH)
    made = sandbox.http.post("/v1.0/applications", json=body, headers={"Authorization": f"Bearer {token}"})
    assert made.status_code == 201, made.text
    return str(made.json()["appId"])


def granted(sandbox: SandboxTenant, app: str) -> tuple[list[str], list[str]]:
    """Application permissions and delegated ones of the app, by the directory."""
    state = sandbox.state()
    client = next(each["id"] for each in state["servicePrincipals"] if each["appId"] == app)
    roles = [each["appRoleId"] for each in state["appRoleAssignments"] if each["principalId"] == client]
    scopes = [each["scope"] for each in state["oauth2PermissionGrants"] if each["clientId"] == client]
    return roles, scopes


def test_an_administrator_grants_what_is_declared(sandbox: SandboxTenant) -> None:
    app = declare(sandbox, (TENANT_READ, "Role"), (WORKSPACE_READ, "Scope"))
    answer = consent(sandbox, app, admin_token(sandbox))
    assert (answer.status_code, answer.content) == (204, b"")
    assert granted(sandbox, app) == ([TENANT_READ], ["Workspace.Read.All"])
    assert consent(sandbox, app, admin_token(sandbox)).status_code == 204  # again: nothing twice
    assert granted(sandbox, app) == ([TENANT_READ], ["Workspace.Read.All"])


def test_somebody_without_a_role_grants_nothing(sandbox: SandboxTenant) -> None:
    app = declare(sandbox, (WORKSPACE_READ, "Scope"))
    assert consent(sandbox, app, admin_token(sandbox, "developer")).status_code == 403
    assert all(each["appId"] != app for each in sandbox.state()["servicePrincipals"])


def test_a_service_principal_cannot_consent_unless_the_state_says_so(sandbox: SandboxTenant) -> None:
    app = declare(sandbox, (WORKSPACE_READ, "Scope"))

    def administrator(state: dict[str, Any]) -> None:
        for each in state["servicePrincipals"]:
            if each["appId"] == sandbox.operator_id:
                each["directoryRoles"] = ["62e90394-69f5-4237-9190-012177145e10"]

    sandbox.put_state(administrator)
    token = sandbox.operator_token(PORTAL)
    assert consent(sandbox, app, token).status_code == 400
    sandbox.put_state(lambda state: state.update(portal={"servicePrincipalsMayConsent": True}))
    assert consent(sandbox, app, token).status_code == 204


def test_what_it_cannot_grant(sandbox: SandboxTenant) -> None:
    token = admin_token(sandbox)
    app = declare(sandbox, (WORKSPACE_READ, "Scope"))
    assert consent(sandbox, NOBODY, token).status_code == 404
    assert consent(sandbox, "nonsense", token).status_code == 404
    assert consent(sandbox, POWER_BI_APP, token).status_code == 404  # registered elsewhere
    assert consent(sandbox, app, token, query="onBehalfOfAll=false").status_code == 400
    assert consent(sandbox, declare(sandbox, (NOBODY, "Scope")), token).status_code == 400
    assert consent(sandbox, declare(sandbox, (NOBODY, "Scope"), resource=NOBODY), token).status_code == 400
    assert consent(sandbox, app, sandbox.user_token("admin", GRAPH)).status_code == 401
    assert consent(sandbox, app, "nonsense").status_code == 401


def test_graphs_older_name_for_the_callers_tenant(sandbox: SandboxTenant) -> None:
    headers = {"Authorization": f"Bearer {sandbox.operator_token()}"}
    found = sandbox.http.get("/v1.0/myorganization/applications", headers=headers)
    assert found.json()["value"] == sandbox.http.get("/v1.0/applications", headers=headers).json()["value"]


def test_property_names_in_any_case(sandbox: SandboxTenant) -> None:
    headers = {"Authorization": f"Bearer {sandbox.operator_token()}"}
    body = {"displayName": "x", "mailNickName": "nick", "mailEnabled": False, "securityEnabled": True}
    made = sandbox.http.post("/v1.0/groups", json=body, headers=headers)
    assert made.status_code == 201, made.text
    assert made.json()["mailNickname"] == "nick"


class TestResourceManager:
    @pytest.fixture
    def arm(self, sandbox: SandboxTenant) -> dict[str, str]:
        return {"Authorization": f"Bearer {sandbox.operator_token(ARM.rstrip('/'))}"}

    def test_a_tenant_without_subscriptions(self, sandbox: SandboxTenant, arm: dict[str, str]) -> None:
        assert sandbox.http.get("/subscriptions?api-version=2022-12-01", headers=arm).json()["value"] == []
        tenants = sandbox.http.get("/tenants?api-version=2022-12-01", headers=arm).json()["value"]
        assert [each["tenantId"] for each in tenants] == [sandbox.tenant]

    def test_nothing_is_in_a_subscription(self, sandbox: SandboxTenant, arm: dict[str, str]) -> None:
        for path in (NOBODY, f"{NOBODY}/resourcegroups/rg", f"{NOBODY}/resourceGroups/rg/providers/A.B/c/d"):
            answer = sandbox.http.get(f"/subscriptions/{path}?api-version=2021-04-01", headers=arm)
            assert answer.status_code == 404
            assert answer.json()["error"]["code"] == "SubscriptionNotFound"
        malformed = sandbox.http.put("/subscriptions/x?api-version=2021-04-01", headers=arm)
        assert (malformed.status_code, malformed.json()["error"]["code"]) == (400, "InvalidSubscriptionId")

    def test_a_version_is_compulsory(self, sandbox: SandboxTenant, arm: dict[str, str]) -> None:
        answer = sandbox.http.get("/subscriptions", headers=arm)
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, "MissingApiVersionParameter")

    def test_who_asks_without_a_token_learns_the_tenant(self, sandbox: SandboxTenant) -> None:
        answer = sandbox.http.get(f"/subscriptions/{NOBODY}?api-version=2021-04-01")
        assert (answer.status_code, answer.json()["error"]["code"]) == (401, "AuthenticationFailed")
        assert sandbox.tenant in answer.headers["www-authenticate"]

    def test_a_token_for_another_api(self, sandbox: SandboxTenant) -> None:
        headers = {"Authorization": f"Bearer {sandbox.operator_token()}"}
        answer = sandbox.http.get("/tenants?api-version=2021-04-01", headers=headers)
        assert answer.json()["error"]["code"] == "InvalidAuthenticationTokenAudience"

    def test_no_provider_is_registered(self, sandbox: SandboxTenant) -> None:
        headers = {"Host": "management.azure.com"}
        answer = sandbox.http.get("/providers/Microsoft.Fabric/capacities?api-version=2023-11-01", headers=headers)
        assert answer.status_code == 404
        assert answer.json()["error"]["code"] == "InvalidResourceNamespace"


def test_what_lies_in_a_workspace(sandbox: SandboxTenant) -> None:
    def fill(state: dict[str, Any]) -> None:
        state["workspaces"][0] |= {"reports": [], "datasets": []}
        state["workspaces"][0]["items"] = [
            {"id": NOBODY, "displayName": "Sales", "type": "Report"},
            {"id": NOBODY.replace("1", "6"), "displayName": "Sales", "type": "SemanticModel"},
        ]
        state["workspaces"][0]["folders"] = [{"id": NOBODY, "displayName": "old"}]

    state = sandbox.put_state(fill)
    first, second = (each["id"] for each in state["workspaces"][:2])
    headers = {"Authorization": f"Bearer {sandbox.user_token('admin', 'https://api.fabric.microsoft.com')}"}

    def read(path: str) -> Any:
        return sandbox.http.get(f"/v1/workspaces/{path}", headers=headers).json()

    assert [each["type"] for each in read(f"{first}/items")["value"]] == ["Report", "SemanticModel"]
    assert [each["workspaceId"] for each in read(f"{first}/items?type=report")["value"]] == [first]
    assert read(f"{first}/items/{NOBODY}")["displayName"] == "Sales"
    assert read(f"{first}/items/{first}")["errorCode"] == "ItemNotFound"
    assert [each["displayName"] for each in read(f"{first}/folders")["value"]] == ["old"]
    assert read(f"{second}/items")["value"] == []
    gone = sandbox.http.delete(f"/v1/workspaces/{first}", headers=headers)
    assert gone.status_code == 200
    assert read(f"{first}/items")["errorCode"] == "WorkspaceNotFound"
