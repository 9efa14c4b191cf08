"""Directory roles: assigned, activated for a while, held through a group; and what users' sessions are worth."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from pbisetup.sandbox.roles import ROLES
from tests.sandbox.api import graph
from tests.sandbox.graph_people import app_with, user_of, user_with
from tests.support.tenant import AZURE_CLI, GRAPH, SandboxTenant

BASE = "/roleManagement/directory"
EVENTUAL = {"ConsistencyLevel": "eventual"}
MINE = "filterByCurrentUser(on='principal')"
P2 = {"skuPartNumber": "AAD_PREMIUM_P2", "servicePlans": [{"servicePlanName": "AAD_PREMIUM_P2"}]}


def test_a_role_is_assigned_works_and_is_taken_away(sandbox: SandboxTenant) -> None:
    _, roles = app_with(sandbox, "RoleManagement.ReadWrite.Directory")
    admin = graph(sandbox)
    developer = admin.get(f"/users/developer@{sandbox.domain}")
    definition = roles.get(f"{BASE}/roleDefinitions?$filter=displayName eq 'Cloud Application Administrator'")["value"][
        0
    ]
    assert definition["id"] == ROLES["Cloud Application Administrator"]
    app = admin.post("/applications", {"displayName": "somebody's"})
    rename = ("PATCH", f"/applications/{app['id']}", {"notes": "n"})
    assert graph(sandbox, "developer")(*rename).status_code == 403
    body = {"principalId": developer["id"], "roleDefinitionId": definition["id"], "directoryScopeId": "/"}
    made = roles.post(f"{BASE}/roleAssignments", body)
    assert graph(sandbox, "developer")(*rename).status_code == 204
    again = roles("POST", f"{BASE}/roleAssignments", body)
    assert "conflicting object" in again.json()["error"]["message"]
    query = f"{BASE}/transitiveRoleAssignments?$filter=principalId eq '{developer['id']}'&$count=true"
    assert roles("GET", query).status_code == 400
    assert [each["id"] for each in roles.get(query, **EVENTUAL)["value"]] == [made["id"]]
    assert roles("DELETE", f"{BASE}/roleAssignments/{made['id']}").status_code == 204
    assert graph(sandbox, "developer")(*rename).status_code == 403
    assert graph(sandbox)("POST", f"{BASE}/roleAssignments", body).status_code == 403


def test_an_activated_role_runs_out(sandbox: SandboxTenant) -> None:
    end = (datetime.now(UTC) + timedelta(hours=2)).isoformat()

    def change(state: dict[str, Any]) -> None:
        state["tenant"]["subscribedSkus"] = [P2]
        developer = user_of(state, "developer")
        developer["_eligibleRoles"] = [ROLES["Application Administrator"]]
        developer["_activatedRoles"] = [{"roleDefinitionId": ROLES["Application Administrator"], "endDateTime": end}]

    sandbox.put_state(change)
    scopes = ("RoleEligibilitySchedule.Read.Directory", "RoleAssignmentSchedule.Read.Directory", "User.Read")
    developer = user_with(sandbox, "developer", *scopes)
    eligible = developer.get(f"{BASE}/roleEligibilityScheduleInstances/{MINE}")["value"]
    assert [(each["roleDefinitionId"], each["memberType"]) for each in eligible] == [
        (ROLES["Application Administrator"], "Direct")
    ]
    active = developer.get(f"{BASE}/roleAssignmentScheduleInstances/{MINE}")["value"]
    assert [(each["assignmentType"], each["endDateTime"]) for each in active] == [("Activated", end)]
    held = developer.get("/me/transitiveMemberOf/microsoft.graph.directoryRole")["value"]
    assert [each["roleTemplateId"] for each in held] == [ROLES["Application Administrator"]]
    check = developer.post("/me/checkMemberObjects", {"ids": [held[0]["id"]]}, 200)
    assert check["value"] == [held[0]["id"]]
    sandbox.advance(3 * 3600)
    later = graph(sandbox, "developer")
    assert later.get("/me/transitiveMemberOf/microsoft.graph.directoryRole")["value"] == []


def test_pim_needs_its_licence(sandbox: SandboxTenant) -> None:
    developer = user_with(sandbox, "developer", "RoleEligibilitySchedule.Read.Directory")
    answer = developer("GET", f"{BASE}/roleEligibilityScheduleInstances/{MINE}")
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "AadPremiumLicenseRequired")


def test_users_are_disabled_and_their_sessions_revoked(sandbox: SandboxTenant) -> None:
    _, writer = app_with(sandbox, "User.EnableDisableAccount.All", "User.Read.All", "User.RevokeSessions.All")
    path = f"/users/developer@{sandbox.domain}"
    developer = graph(sandbox, "developer")
    assert developer("PATCH", path, {"displayName": "me"}).status_code == 403
    assert writer("PATCH", path, {"displayName": "d"}).status_code == 403
    assert writer.post(f"{path}/revokeSignInSessions", None, 200)["value"] is True
    assert writer("POST", f"{path}/invalidateAllRefreshTokens").status_code == 400  # beta only
    assert writer("POST", f"{sandbox.url}/beta{path}/invalidateAllRefreshTokens").status_code == 200
    assert writer("PATCH", path, {"accountEnabled": False}).status_code == 204
    assert graph(sandbox).get(f"{path}?$select=accountEnabled")["accountEnabled"] is False
    form = {"username": f"developer@{sandbox.domain}", "password": sandbox.password, "client_id": AZURE_CLI}
    refused = sandbox.token(grant_type="password", scope=f"{GRAPH}/.default", **form)
    assert refused.json()["error_codes"] == [50057]
    assert writer("PATCH", f"/users/admin@{sandbox.domain}", {"accountEnabled": False}).status_code == 403


def test_what_the_tenant_has_subscribed_to(sandbox: SandboxTenant) -> None:
    _, reader = app_with(sandbox, "Organization.Read.All", "Domain.Read.All")
    sku = reader.get("/subscribedSkus")["value"][0]
    assert (sku["skuPartNumber"], sku["capabilityStatus"]) == ("SPB", "Enabled")
    plans = reader.get("/organization")["value"][0]["assignedPlans"]
    assert "AADPremiumService" in {plan["service"] for plan in plans}
    sandbox.put_state(lambda state: state["tenant"].update(verifiedDomains=["contoso.com"]))
    names = [(each["id"], each["isDefault"]) for each in reader.get("/domains")["value"]]
    assert names == [(sandbox.domain, True), ("contoso.com", False)]


def test_role_templates_are_there_before_anyone_activates_them(sandbox: SandboxTenant) -> None:
    admin = graph(sandbox)
    (found,) = admin.get("/directoryRoleTemplates?$filter=displayName eq 'Reports Reader'")["value"]
    assert found["id"] == ROLES["Reports Reader"]
    assert admin.get(f"/directoryRoleTemplates/{found['id']}")["displayName"] == "Reports Reader"
    assert admin("GET", f"/directoryRoleTemplates/{sandbox.tenant}").status_code == 404
    assert len(admin.get("/directoryRoleTemplates")["value"]) >= len(ROLES)
    assert app_with(sandbox, "Application.Read.All")[1]("GET", "/directoryRoleTemplates").status_code == 403
    assert app_with(sandbox, "RoleManagement.Read.Directory")[1]("GET", "/directoryRoleTemplates").status_code == 200
