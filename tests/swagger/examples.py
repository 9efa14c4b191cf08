"""One call of each operation that Power BI's routes carry, for which there is a 2xx answer, in one prepared tenant."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from pbisetup.catalog.operations import Operation
from pbisetup.sandbox.first_party import POWER_BI as POWER_BI_APP
from tests.support.tenant import AZURE_CLI, POWER_BI, SandboxTenant, State

ADMINISTRATION = ("Tenant.ReadWrite.All", "Capacity.ReadWrite.All", "Workspace.Read.All")
PUBLIC_SETTINGS = (
    "ServicePrincipalAccessPermissionAPIs",
    "ServicePrincipalAccessGlobalAPIs",
    "AllowServicePrincipalsCreateAndUseProfiles",
    "AllowServicePrincipalsUseReadAdminAPIs",
    "AllowServicePrincipalsUseWriteAdminAPIs",
    "AdminApisIncludeDetailedMetadata",
    "AdminApisIncludeExpressions",
)
DASHBOARD = "69ffaa6c-b36d-4d01-96f5-1ed67c64d4af"
TILE = "312fbfe9-2eda-44e0-9ed0-ab5dc571bb4b"
IMPORT = "82d9a37a-2b45-4221-b012-cb109b8e30c7"
GATEWAY = "1f69e798-5852-4fdd-ab01-33bb14b6e934"
SOURCE = "252b9de8-d915-4788-aaeb-ec8c2395f970"
PROFILE = "3b211778-e7a5-4d73-8187-f10824047724"
DONE = "87f31ef7-1e3a-4006-9b0b-191693e79e9e"
RUNNING = "630110f5-8f93-49c2-afee-bfc87072460c"
DETAILS = {"server": "localSQL", "database": "salesDB"}
PERSON = "developer@contoso.onmicrosoft.com"


@dataclass(frozen=True)
class Example:
    """How an operation is asked; the path's placeholders are filled from the tenant, unless `given` says otherwise."""

    body: Any = None
    query: str = ""
    by: str | None = None
    """`app`, or a user; default: `developer` in My workspace, `admin` where only people may, else `app`."""
    given: dict[str, str] = field(default_factory=dict)
    status: int = 200
    empty_refreshes: bool = False


_NOWHERE = "00000000-0000-0000-0000-000000000000"
_MEMBER = {"identifier": "{admin}", "principalType": "User", "groupUserAccessRight": "Member"}
_READER = {"identifier": PERSON, "principalType": "User", "datasetUserAccessRight": "ReadExplore"}
_REFRESH = Example({"notifyOption": "NoNotification"}, status=202, empty_refreshes=True)
_QUERY = Example({"queries": [{"query": "EVALUATE Sales"}], "serializerSettings": {"includeNulls": True}})
_PARAMETERS = Example({"updateDetails": [{"name": "Server", "newValue": "x"}]}, by="developer")
_SOURCES = Example({"updateDetails": [{"connectionDetails": DETAILS}]}, by="developer")
_SCHEDULE = Example({"value": {"days": ["Sunday"], "notifyOption": "NoNotification"}}, by="developer")
_BIND = Example({"gatewayObjectId": GATEWAY}, by="developer")
_VIEW = Example({"accessLevel": "View"})
_CREDENTIALS = {"credentialDetails": {"credentialType": "Basic"}}

EXAMPLES: dict[str, Example] = {
    "Groups_CreateGroup": Example({"name": "Made here"}, "?workspaceV2=true"),
    "Groups_UpdateGroup": Example({"name": "Renamed"}),
    "Groups_AddGroupUser": Example({**_MEMBER, "identifier": "fabricadmin@contoso.onmicrosoft.com"}),
    "Groups_UpdateGroupUser": Example({**_MEMBER, "identifier": PERSON}),
    "Groups_DeleteUserInGroup": Example(given={"user": PERSON}),
    "Reports_CloneReport": Example({"name": "Copy"}),
    "Reports_RebindReport": Example({"datasetId": "{datasetId}"}),
    "Reports_GenerateTokenInGroup": _VIEW,
    "Reports_GenerateTokenForCreateInGroup": Example({"accessLevel": "Create", "datasetId": "{datasetId}"}),
    "Datasets_GenerateTokenInGroup": _VIEW,
    "Dashboards_GenerateTokenInGroup": _VIEW,
    "Tiles_GenerateTokenInGroup": _VIEW,
    "EmbedToken_GenerateToken": Example({"reports": [{"id": "{reportId}"}], "datasets": [{"id": "{datasetId}"}]}),
    "Datasets_PostDatasetUser": Example(_READER, by="developer"),
    "Datasets_PutDatasetUser": Example(_READER, by="developer"),
    "Datasets_UpdateParameters": _PARAMETERS,
    "Datasets_UpdateDatasources": _SOURCES,
    "Datasets_BindToGateway": _BIND,
    "Datasets_GetTables": Example(given={"datasetId": "push"}),
    "Datasets_ExecuteQueries": _QUERY,
    "Datasets_RefreshDataset": _REFRESH,
    "Datasets_CancelRefresh": Example(given={"refreshId": RUNNING}),
    "Datasets_UpdateRefreshSchedule": _SCHEDULE,
    "Gateways_CreateDatasource": Example(
        {"dataSourceType": "Sql", "connectionDetails": "{}", "dataSourceName": "new", **_CREDENTIALS}, status=201
    ),
    "Gateways_UpdateDatasource": Example(_CREDENTIALS),
    "Gateways_AddDatasourceUser": Example(
        {"identifier": "{app}", "principalType": "App", "datasourceAccessRight": "Read"}
    ),
    "Profiles_CreateProfile": Example({"displayName": "Customer B"}),
    "Profiles_UpdateProfile": Example({"displayName": "Customer C"}),
    "Groups_GetGroupsAsAdmin": Example(query="?$top=10&$expand=users,reports,datasets,dashboards,dataflows"),
    "Groups_GetGroupAsAdmin": Example(query="?$expand=users"),
    "Groups_UpdateGroupAsAdmin": Example({"description": "Refreshed sales numbers"}),
    "Groups_AddUserAsAdmin": Example({**_MEMBER, "identifier": "fabricadmin@contoso.onmicrosoft.com"}),
    "Groups_DeleteUserAsAdmin": Example(given={"user": PERSON}),
    "Groups_AssignToCapacity": Example({"capacityId": "{capacityId}"}),
    "Groups_AssignMyWorkspaceToCapacity": Example({"capacityId": _NOWHERE}),
    "Capacities_AssignWorkspacesToCapacity": Example(
        {
            "capacityMigrationAssignments": [
                {"targetCapacityObjectId": "{capacityId}", "workspacesToAssign": ["{groupId}"]},
            ]
        }
    ),
    "Capacities_UnassignWorkspacesFromCapacity": Example({"workspacesToUnassign": ["{groupId}"]}),
    "Dashboards_GetDashboardsAsAdmin": Example(query="?$expand=tiles"),
    "Apps_GetAppsAsAdmin": Example(query="?$top=10"),
    "WorkspaceInfo_PostWorkspaceInfo": Example({"workspaces": ["{groupId}"]}, status=202),
    "Admin_GetActivityEvents": Example(query="?startDateTime='{today}T00:00:00'&endDateTime='{today}T23:59:59'"),
}
"""What is asked without a body and with the placeholders as they are needs no line; a twin in a group has its twin's."""


def example(operation: Operation) -> Example:
    """How to ask an operation; writes need a line above."""
    found = EXAMPLES.get(operation.id) or EXAMPLES.get(operation.id.removesuffix("InGroup"))
    assert found or operation.method in ("GET", "DELETE") or operation.id in _BARE, f"no example of {operation.id}"
    return found or Example()


_BARE = ("Datasets_TakeOverInGroup", "Users_RefreshUserPermissions")


def prepare(sandbox: SandboxTenant) -> dict[str, str]:
    """A tenant in which every operation has something to find; what its placeholders stand for."""
    known: dict[str, str] = {}

    def put(state: State) -> None:
        state["firstPartyClients"][AZURE_CLI][POWER_BI_APP] += ["Content.Create", "Dataset.Read.All", *ADMINISTRATION]
        app = next(p["id"] for p in state["servicePrincipals"] if p["appId"] == sandbox.operator_id)
        for setting in state["tenantSettings"]:
            if setting["settingName"] in PUBLIC_SETTINGS:
                setting.update(enabled=True, enabledSecurityGroups=[])
        dev = next(each for each in state["workspaces"] if each["displayName"] == "Reports Dev")
        dev["roleAssignments"].append(
            {"id": app, "principal": {"id": app, "type": "ServicePrincipal"}, "role": "Admin"}
        )
        state["capacities"][0]["contributors"] = [app]
        model = dev["datasets"][0]
        model |= {
            "isOnPremGatewayRequired": True,
            "_datasources": [
                {
                    "datasourceType": "Sql",
                    "connectionDetails": DETAILS,
                    "gatewayId": GATEWAY,
                    "datasourceId": SOURCE,
                }
            ],
            "_parameters": [{"name": "Server", "type": "Text", "isRequired": True, "currentValue": "localSQL"}],
            "_refreshes": [_refresh(RUNNING, 9e9), _refresh(DONE, 1.6e9), _refresh(TILE, 1.5e9, failed=True)],
        }
        push = {"id": "push", "name": "Live", "addRowsAPIEnabled": True, "_tables": {"Rows": [{"Amount": 1}]}}
        tiles = [{"id": TILE, "title": "Sales", "rowSpan": 0, "colSpan": 0, "datasetId": model["id"]}]
        made = {"importState": "Succeeded", "createdDateTime": "2026-01-05T09:00:00Z", "name": "Sales"}
        dev["datasets"].append(push)
        dev["dashboards"] = [{"id": DASHBOARD, "displayName": "Sales", "_tiles": tiles}]
        flow = {"objectId": GATEWAY, "name": "Flow", "configuredBy": PERSON}
        dev["dataflows"] = [{**flow, "_datasources": model["_datasources"]}]
        reader = {"identifier": PERSON, "principalType": "User", "appUserAccessRight": "Read"}
        dev["app"] = {"id": IMPORT, "name": "Sales", "publishedBy": "Dana", "_users": [reader]}
        everything = ("lineage", "datasourceDetails", "datasetSchema", "datasetExpressions", "getArtifactUsers")
        flags = dict.fromkeys(everything, True)
        state["scans"] = {DONE: {"at": time.time(), "ends": 0, "workspaces": [dev["id"]], "flags": flags}}
        dev["imports"] = [{"id": IMPORT, **made, "reports": [], "datasets": []}]
        person = next(each for each in state["users"] if each["userPrincipalName"] == PERSON)
        person["myWorkspace"]["reports"] = [{"id": PROFILE, "name": "Mine", "datasetId": model["id"]}]
        user = {"identifier": PERSON, "principalType": "User", "emailAddress": PERSON, "displayName": "Dana"}
        source = {
            "id": SOURCE,
            "datasourceName": "SQL",
            "datasourceType": "Sql",
            "connectionDetails": DETAILS,
            "credentialType": "Windows",
            "users": [{**user, "datasourceAccessRight": "Read"}],
        }
        state["gateways"] = [{"id": GATEWAY, "name": "Office", "admins": [app], "datasources": [source]}]
        state["profiles"] = [{"id": PROFILE, "displayName": "Customer A", "servicePrincipalId": app}]
        known.update(
            app=app,
            groupId=dev["id"],
            workspaceId=dev["id"],
            datasetId=model["id"],
            reportId=dev["reports"][0]["id"],
            dashboardId=DASHBOARD,
            tileId=TILE,
            importId=IMPORT,
            gatewayId=GATEWAY,
            datasourceId=SOURCE,
            profileId=PROFILE,
            dataflowId=GATEWAY,
            appId=IMPORT,
            userId=PERSON,
            scanId=DONE,
            today=datetime.now(UTC).strftime("%Y-%m-%d"),
            refreshId=DONE,
            capacityId=state["capacities"][0]["id"],
            pageName="ReportSection",
            featureName="embedTrial",
            emailAdress=PERSON,
        )

    sandbox.put_state(put)
    return known


def _refresh(id_: str, ends: float, *, failed: bool = False) -> dict[str, Any]:
    made: dict[str, Any] = {"requestId": id_, "id": 7, "refreshType": "ViaEnhancedApi", "_ends": ends}
    return {
        **made,
        "startTime": "2026-01-05T09:00:00Z",
        **({"_problem": ["ModelRefreshFailed_CredentialsNotSpecified", ""]} if failed else {}),
    }


def filled(value: Any, known: dict[str, str]) -> Any:
    """A copy with every `{name}` in its texts filled in."""
    if isinstance(value, dict):
        return {key: filled(each, known) for key, each in value.items()}
    if isinstance(value, list):
        return [filled(each, known) for each in value]
    if isinstance(value, str):
        return re.sub(r"\{(\w+)\}", lambda hit: known.get(hit[1], hit[0]), value)
    return value


def ask(sandbox: SandboxTenant, operation: Operation, known: dict[str, str]) -> tuple[int, Any, int]:
    """(status, body, the status that was meant) of one operation."""
    asked = example(operation)
    if asked.empty_refreshes:
        sandbox.put_state(_without_refreshes)
    person = "developer" if operation.my_workspace else "admin" if operation.app == "no" else None
    by = asked.by or person or "app"
    token = sandbox.operator_token(POWER_BI) if by == "app" else sandbox.user_token(by, POWER_BI)
    path = filled(operation.path.partition("?")[0] + asked.query, {**known, **asked.given})
    answer = sandbox.http.request(
        operation.method,
        path,
        headers={"Authorization": f"Bearer {token}"},
        json=filled(asked.body, known),
    )
    return answer.status_code, answer.json() if answer.content else None, asked.status


def _without_refreshes(state: State) -> None:
    for workspace in state["workspaces"]:
        for model in workspace.get("datasets", []):
            model.pop("_refreshes", None)
