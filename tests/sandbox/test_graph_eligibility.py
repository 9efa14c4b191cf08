"""Who may activate which directory role, as an administrator and an app see it."""

from __future__ import annotations

import uuid
from typing import Any

from pbisetup.sandbox.roles import ROLES
from tests.sandbox.api import Api, graph
from tests.sandbox.graph_people import app_with, user_of, user_with
from tests.support.tenant import AZURE_CLI, GRAPH, SandboxTenant

PATH = "/roleManagement/directory/roleEligibilityScheduleInstances"
MINE = f"{PATH}/filterByCurrentUser(on='principal')"
P2 = {"skuPartNumber": "AAD_PREMIUM_P2", "servicePlans": [{"servicePlanName": "AAD_PREMIUM_P2"}]}
SCOPE = "RoleEligibilitySchedule.Read.Directory"
FABRIC, APPLICATIONS, GROUPS = (
    ROLES[name] for name in ("Fabric Administrator", "Application Administrator", "Groups Administrator")
)
GROUP = str(uuid.uuid5(uuid.NAMESPACE_URL, "eligible"))


def eligible(state: dict[str, Any]) -> None:
    """The developer for two roles, one of them not any more; a group that the developer is in for a third."""
    state["tenant"]["subscribedSkus"] = [P2]
    developer = user_of(state, "developer")
    past = {"roleDefinitionId": GROUPS, "endDateTime": "2026-01-01T00:00:00Z"}
    developer["_eligibleRoles"] = [FABRIC, past]
    user_of(state, "fabricadmin")["_eligibleRoles"] = [APPLICATIONS]
    group = {"id": GROUP, "displayName": "eligible", "isAssignableToRole": True, "securityEnabled": True}
    state["groups"].append({**group, "members": [developer["id"]], "owners": [], "_eligibleRoles": [APPLICATIONS]})


def who(api: Api, query: str = "") -> list[tuple[str, str]]:
    return sorted((each["principalId"], each["roleDefinitionId"]) for each in api.get(PATH + query)["value"])


def ids(sandbox: SandboxTenant) -> tuple[str, str]:
    state = sandbox.state()
    return user_of(state, "developer")["id"], user_of(state, "fabricadmin")["id"]


def hold(sandbox: SandboxTenant, role: str) -> None:
    """Make this the developer's only role."""
    sandbox.put_state(lambda state: user_of(state, "developer").update(directoryRoles=[role]))


def test_eligibilities_are_listed_and_filtered(sandbox: SandboxTenant) -> None:
    sandbox.put_state(eligible)
    developer, other = ids(sandbox)
    _, reader = app_with(sandbox, "RoleManagement.Read.Directory")
    assert who(reader) == sorted([(developer, FABRIC), (other, APPLICATIONS), (GROUP, APPLICATIONS)])
    assert who(reader, f"?$filter=principalId eq '{developer}'") == [(developer, FABRIC)]
    assert who(reader, f"?$filter=roleDefinitionId eq '{APPLICATIONS}' and principalId eq '{other}'") == [
        (other, APPLICATIONS)
    ]
    assert who(reader, f"?$filter=principalId eq '{uuid.uuid4()}'") == []
    assert reader("GET", f"{PATH}?$filter=colour eq 'red'").status_code == 400
    (row,) = reader.get(f"{PATH}?$filter=principalId eq '{developer}'&$expand=roleDefinition")["value"]
    assert (row["memberType"], row["roleDefinition"]["displayName"]) == ("Direct", "Fabric Administrator")
    (part,) = reader.get(f"{PATH}?$filter=principalId eq '{GROUP}'&$select=roleEligibilityScheduleId")["value"]
    assert list(part) == ["roleEligibilityScheduleId"]
    beta = reader.get(f"{sandbox.url}/beta{PATH}?$filter=principalId eq '{developer}'")["value"]
    assert [each["id"] for each in beta] == [row["id"]]


def test_each_row_is_the_one_that_the_user_sees(sandbox: SandboxTenant) -> None:
    sandbox.put_state(eligible)
    _, other = ids(sandbox)
    mine = user_with(sandbox, "developer", SCOPE).get(MINE)["value"]
    everyone = user_with(sandbox, "admin", SCOPE).get(PATH)["value"]
    assert {each["id"] for each in mine} == {each["id"] for each in everyone if each["principalId"] != other}
    assert {each["memberType"] for each in mine} == {"Direct", "Group"}
    assert all(set(each) == set(everyone[0]) for each in mine)


def test_a_user_needs_a_role_to_see_them_all(sandbox: SandboxTenant) -> None:
    sandbox.put_state(eligible)
    developer, _ = ids(sandbox)
    api = user_with(sandbox, "developer", SCOPE, roles=())
    refused = api("GET", f"{PATH}?$filter=principalId eq '{developer}'")
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "Authorization_RequestDenied")
    assert api("GET", MINE).status_code == 200
    for role in ("Global Reader", "Security Reader", "Privileged Role Administrator"):
        hold(sandbox, ROLES[role])
        assert api("GET", PATH).status_code == 200, role
    hold(sandbox, FABRIC)
    assert api("GET", PATH).status_code == 403


def test_they_need_the_licence_and_a_permission_that_is_named(sandbox: SandboxTenant) -> None:
    unlicensed = user_with(sandbox, "admin", SCOPE)("GET", PATH)
    assert (unlicensed.status_code, unlicensed.json()["error"]["code"]) == (400, "AadPremiumLicenseRequired")
    sandbox.put_state(eligible)
    for path in (PATH, MINE):
        error = graph(sandbox)("GET", path).json()["error"]  # Azure CLI's client has no such scope
        assert error["code"] == "UnknownError"
        assert "PermissionScopeNotGranted" in error["message"]
        assert SCOPE in error["message"]
    _, app = app_with(sandbox, "Directory.Read.All")
    assert app("GET", PATH).status_code == 403


def test_what_an_operator_reads_through_azure_cli_by_device_code(sandbox: SandboxTenant) -> None:
    start = {"client_id": AZURE_CLI, "scope": f"{GRAPH}/.default"}
    code = sandbox.http.post(f"/{sandbox.tenant}/oauth2/v2.0/devicecode", data=start).json()
    sandbox.approve(code["user_code"])
    kind = "urn:ietf:params:oauth:grant-type:device_code"
    token = sandbox.token(grant_type=kind, client_id=AZURE_CLI, device_code=code["device_code"]).json()["access_token"]
    operator = graph(sandbox, token=token)
    policies = operator("GET", "/identity/conditionalAccess/policies")
    assert (policies.status_code, policies.json()["error"]["code"]) == (403, "AccessDenied")
    assert operator("GET", "/auditLogs/signIns").status_code == 200
    assert operator("GET", PATH).status_code == 403
    assert operator("GET", "/me/licenseDetails").status_code == 200
    assert operator("GET", f"/users/developer@{sandbox.domain}/licenseDetails").status_code == 200
