"""The rows of the Power BI table that are about content: semantic models, embed tokens, gateways, classic workspaces."""

from __future__ import annotations

import uuid
from typing import Any

from pbisetup.sandbox.wire import Reply
from tests.sandbox.gate_cases import Cases, workspace
from tests.sandbox.inprocess import Inside

PUBLIC = "ServicePrincipalAccessPermissionAPIs"
ROOT = "/v1.0/myorg"
ALL = "Workspace.ReadWrite.All Report.ReadWrite.All Dataset.ReadWrite.All Dashboard.ReadWrite.All Content.Create"
case = Cases()


class Content:
    """Reports Dev with its report and model, and those who call."""

    def __init__(self, inside: Inside, role: str | None = "Admin") -> None:
        self.inside = inside
        self.workspace = workspace(inside)
        self.model: dict[str, Any] = self.workspace["datasets"][0]
        self.report: dict[str, Any] = self.workspace["reports"][0]
        self.group = f"{ROOT}/groups/{self.workspace['id']}"
        self.of_model = f"{self.group}/datasets/{self.model['id']}"
        inside.setting(PUBLIC)
        self.app = inside.add_app("reports")[1]
        if role:
            self.give(self.app["id"], role, "ServicePrincipal")

    def give(self, id_: str, role: str, type_: str = "User") -> None:
        """A workspace role in place of the one that somebody has."""
        kept = [each for each in self.workspace["roleAssignments"] if each["principal"]["id"] != id_]
        entry = {"id": id_, "principal": {"id": id_, "type": type_}, "role": role}
        self.workspace["roleAssignments"] = [*kept, entry]

    def as_app(self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None) -> Reply:
        token = self.inside.token("powerbi", self.app["id"])
        return self.inside.call("powerbi", method, path, token, body, headers=headers)

    def as_user(self, method: str, path: str, body: Any = None, name: str = "developer", scp: str = ALL) -> Reply:
        token = self.inside.token("powerbi", self.inside.user(name)["id"], scp=scp)
        return self.inside.call("powerbi", method, path, token, body)

    def query(self, text: str = "EVALUATE Sales", **more: Any) -> Reply:
        return self.as_app("POST", f"{self.of_model}/executeQueries", {"queries": [{"query": text}], **more})

    def embed(self, **more: Any) -> Reply:
        body = {"reports": [{"id": self.report["id"]}], "datasets": [{"id": self.model["id"]}], **more}
        return self.as_app("POST", f"{ROOT}/GenerateToken", body)

    def share_capacity(self) -> None:
        self.workspace["capacityId"] = None

    def gateway(self, **more: Any) -> dict[str, Any]:
        """A gateway that the app administers, with one data source."""
        source = {
            "id": str(uuid.uuid4()),
            "datasourceName": "Sales server",
            "datasourceType": "Sql",
            "connectionDetails": '{"server":"sql1","database":"sales"}',
            "credentialType": "Windows",
            "users": [],
        }
        made = {"id": str(uuid.uuid4()), "name": "Head office", "admins": [self.app["id"]], "datasources": [source]}
        return self.inside.tenant.gateways.add(made | more)

    def of_source(self, gateway: dict[str, Any]) -> str:
        return f"{ROOT}/gateways/{gateway['id']}/datasources/{gateway['datasources'][0]['id']}"


# Features and workspaces


@case("setting_keeps_out_an_app")
def _(inside: Inside) -> Reply:
    inside.setting("DatasetExecuteQueries", on=False)
    return Content(inside).query()


@case("setting_keeps_out_a_user")
def _(inside: Inside) -> Reply:
    inside.setting("Embedding", on=False)
    return Content(inside).as_user("POST", f"{ROOT}/GenerateToken", {})


@case("folder_hidden_from_app")
def _(inside: Inside) -> Reply:
    return Content(inside, role=None).query()


@case("embed_group_hidden_from_app")
def _(inside: Inside) -> Reply:
    content = Content(inside, role=None)
    return content.as_app("POST", f"{content.group}/reports/{content.report['id']}/GenerateToken", {})


@case("embed_role_too_low")
def _(inside: Inside) -> Reply:
    content = Content(inside, role="Viewer")
    return content.as_app("POST", f"{content.group}/reports/{content.report['id']}/GenerateToken", {})


@case("embed_role_too_low_401")
def _(inside: Inside) -> Reply:
    inside.tenant.section("unknowns")["embedTokenRoleTooLow"] = "401"
    return Content(inside, role="Contributor").embed()


@case("refresh_history_of_a_reader")
def _(inside: Inside) -> Reply:
    content = Content(inside, role="Viewer")
    return content.as_app("GET", f"{content.of_model}/refreshes")


@case("classic_takes_admins_only")
def _(inside: Inside) -> Reply:
    content = Content(inside)
    content.workspace["classic"] = True
    name = inside.add_user("new")["userPrincipalName"]
    body = {"identifier": name, "principalType": "User", "groupUserAccessRight": "Member"}
    return content.as_user("POST", f"{content.group}/users", body)


@case("workspace_name_taken")
def _(inside: Inside) -> Reply:
    return Content(inside).as_user("POST", f"{ROOT}/groups", {"name": "reports test"})


@case("item_unknown")
def _(inside: Inside) -> Reply:
    content = Content(inside)
    return content.as_app("GET", f"{content.group}/reports/{uuid.uuid4()}")


# Semantic models


@case("dataset_right_missing")
def _(inside: Inside) -> Reply:
    content = Content(inside, role="Contributor")
    return content.as_app("GET", f"{content.of_model}/users")


@case("dataset_user_is_an_app")
def _(inside: Inside) -> Reply:
    content = Content(inside)
    body = {"identifier": content.app["id"], "principalType": "App", "datasetUserAccessRight": "Read"}
    return content.as_user("POST", f"{content.of_model}/users", body)


PARAMETERS = {"updateDetails": [{"name": "Server", "newValue": "a"}, {"name": "Database", "newValue": "b"}]}


@case("not_dataset_owner")
def _(inside: Inside) -> Reply:
    content = Content(inside)
    return content.as_app("POST", f"{content.of_model}/Default.UpdateParameters", PARAMETERS)


@case("parameters_unknown")
def _(inside: Inside) -> Reply:
    content = Content(inside)
    return content.as_user("POST", f"{content.of_model}/Default.UpdateParameters", PARAMETERS)


@case("not_a_model")
def _(inside: Inside) -> Reply:
    content = Content(inside)
    content.model["addRowsAPIEnabled"] = True
    return content.as_app("POST", f"{content.of_model}/refreshes", {})


@case("refresh_running")
def _(inside: Inside) -> Reply:
    content = Content(inside)
    inside.tenant.section("weather")["refresh_seconds"] = 60
    assert content.as_app("POST", f"{content.of_model}/refreshes", {}).status == 202
    return content.as_app("POST", f"{content.of_model}/refreshes", {})


@case("refreshes_used_up")
def _(inside: Inside) -> Reply:
    content = Content(inside)
    content.share_capacity()
    for _ in range(8):
        assert content.as_app("POST", f"{content.of_model}/refreshes", {}).status == 202
    return content.as_app("POST", f"{content.of_model}/refreshes", {})


@case("enhanced_refresh_on_shared")
def _(inside: Inside) -> Reply:
    content = Content(inside)
    content.share_capacity()
    return content.as_app("POST", f"{content.of_model}/refreshes", {"type": "Full"})


@case("notify_option_of_an_app")
def _(inside: Inside) -> Reply:
    content = Content(inside)
    return content.as_app("POST", f"{content.of_model}/refreshes", {"notifyOption": "MailOnFailure"})


@case("owner_deleted")
def _(inside: Inside) -> Reply:
    content = Content(inside)
    content.model |= {"configuredBy": "left@contoso.com", "_datasources": [{"datasourceType": "Sql"}]}
    return content.as_app("GET", f"{content.of_model}/datasources")


@case("build_missing")
def _(inside: Inside) -> Reply:
    return Content(inside, role="Viewer").query()


@case("rls_of_an_app")
def _(inside: Inside) -> Reply:
    content = Content(inside)
    content.model["isEffectiveIdentityRequired"] = True
    return content.query()


@case("sso_of_an_app")
def _(inside: Inside) -> Reply:
    content = Content(inside)
    content.model["_sso"] = True
    return content.query()


@case("query_failed")
def _(inside: Inside) -> Reply:
    return Content(inside).query("SELECT Amount FROM Sales")


# Embed tokens


@case("embed_my_workspace")
def _(inside: Inside) -> Reply:
    path = f"{ROOT}/reports/{uuid.uuid4()}/GenerateToken"
    return Content(inside).as_user("POST", path, {"accessLevel": "View"})


@case("embed_quota_used_up")
def _(inside: Inside) -> Reply:
    content = Content(inside)
    content.share_capacity()
    inside.tenant.section("limits")["embedTokens"] = 1
    assert content.embed().status == 200
    return content.embed()


def identity(content: Content, **more: Any) -> list[dict[str, Any]]:
    return [{"username": "customer", "datasets": [content.model["id"]], **more}]


@case("embed_identity_missing")
def _(inside: Inside) -> Reply:
    content = Content(inside)
    content.model["isEffectiveIdentityRequired"] = True
    return content.embed()


@case("embed_roles_missing")
def _(inside: Inside) -> Reply:
    content = Content(inside)
    content.model |= {"isEffectiveIdentityRequired": True, "isEffectiveIdentityRolesRequired": True}
    return content.embed(identities=identity(content))


@case("embed_identity_unwanted")
def _(inside: Inside) -> Reply:
    content = Content(inside)
    return content.embed(identities=identity(content, roles=["Region"]))


@case("embed_report_without_dataset")
def _(inside: Inside) -> Reply:
    return Content(inside).embed(datasets=[])


# Gateways


@case("gateway_unknown")
def _(inside: Inside) -> Reply:
    return Content(inside).as_app("GET", f"{ROOT}/gateways/{uuid.uuid4()}")


@case("gateway_unreachable")
def _(inside: Inside) -> Reply:
    content = Content(inside)
    return content.as_app("GET", f"{content.of_source(content.gateway(gatewayStatus='Offline'))}/status")


@case("datasource_name_taken")
def _(inside: Inside) -> Reply:
    content = Content(inside)
    body = {
        "dataSourceType": "Sql",
        "connectionDetails": "{}",
        "dataSourceName": "sales server",
        "credentialDetails": {"credentialType": "Basic"},
    }
    return content.as_app("POST", f"{ROOT}/gateways/{content.gateway()['id']}/datasources", body)


@case("datasource_principal_invalid")
def _(inside: Inside) -> Reply:
    content = Content(inside)
    gateway = content.gateway(admins=[inside.user("developer")["id"]])
    body = {
        "identifier": content.app["appId"],
        "principalType": "App",
        "datasourceAccessRight": "ReadOverrideEffectiveIdentity",
    }
    return content.as_user("POST", f"{content.of_source(gateway)}/users", body)


@case("override_right_by_an_app")
def _(inside: Inside) -> Reply:
    content = Content(inside)
    body = {"identifier": content.app["id"], "datasourceAccessRight": "ReadOverrideEffectiveIdentity"}
    return content.as_app("POST", f"{content.of_source(content.gateway())}/users", body)


@case("datasource_not_shared")
def _(inside: Inside) -> Reply:
    content = Content(inside)
    details = {"server": "sql1", "database": "sales"}
    content.model |= {
        "isOnPremGatewayRequired": True,
        "_datasources": [{"datasourceType": "Sql", "connectionDetails": details}],
    }
    gateway = content.gateway(admins=[])
    return content.as_app("POST", f"{content.of_model}/Default.BindToGateway", {"gatewayObjectId": gateway["id"]})
