"""Each row of the Fabric table of refusals, staged by state alone, and the routes when nothing refuses."""

from __future__ import annotations

import base64
import json
import re
import uuid
from datetime import UTC, datetime
from typing import Any

import pytest

from pbisetup.sandbox.fabric.causes import CAUSES
from pbisetup.sandbox.fabric.service import unknown
from pbisetup.sandbox.wire import Call, Reply
from tests.sandbox.gate_cases import Cases, shared_cases, workspace
from tests.sandbox.inprocess import ORIGIN, Inside

PUBLIC = "ServicePrincipalAccessPermissionAPIs"
CREATE = "ServicePrincipalAccessGlobalAPIs"
CREATE_WORKSPACES = "CreateAppWorkspaces"
READ_ADMIN = "AllowServicePrincipalsUseReadAdminAPIs"
UPDATE_ADMIN = "AllowServicePrincipalsUseWriteAdminAPIs"
SETTINGS = "/v1/admin/tenantsettings"
WORKSPACES = "/v1/workspaces"
SCOPES = (
    "Workspace.ReadWrite.All Tenant.ReadWrite.All Capacity.ReadWrite.All Item.ReadWrite.All Connection.ReadWrite.All "
    "Gateway.ReadWrite.All"
)
case = Cases()
shared_cases(case, "fabric", WORKSPACES, SETTINGS)


def as_app(inside: Inside, path: str, method: str = "GET", body: Any = None, **claims: Any) -> Reply:
    _, principal = inside.add_app()
    return inside.call("fabric", method, path, inside.token("fabric", principal["id"], **claims), body)


def as_user(inside: Inside, name: str, path: str, method: str = "GET", body: Any = None, scp: str = SCOPES) -> Reply:
    token = inside.token("fabric", inside.user(name)["id"], scp=scp)
    return inside.call("fabric", method, path, token, body)


def assign(
    inside: Inside, id_: str, type_: str = "ServicePrincipal", user: str = "developer", role: str = "Member"
) -> Reply:
    body = {"principal": {"id": id_, "type": type_}, "role": role}
    return as_user(inside, user, f"{WORKSPACES}/{workspace(inside)['id']}/roleAssignments", "POST", body)


def update(inside: Inside, name: str = PUBLIC, user: str = "fabricadmin", **body: Any) -> Reply:
    return as_user(inside, user, f"{SETTINGS}/{name}/update", "POST", body)


def unknown_is(inside: Inside, name: str, answer: str) -> Inside:
    """The tenant in which the sources' other answer is the service's."""
    inside.tenant.section("unknowns")[name] = answer
    return inside


def item(
    inside: Inside, path: str = "", method: str = "POST", body: Any = None, query: dict[str, str] | None = None
) -> Reply:
    """A call below the items of Reports Dev, as its administrator."""
    token = inside.token("fabric", inside.user("developer")["id"], scp=SCOPES)
    return inside.call("fabric", method, f"{WORKSPACES}/{workspace(inside)['id']}/items{path}", token, body, query)


def new(type_: str = "Lakehouse", name: str = "sales", **more: Any) -> dict[str, Any]:
    return {"type": type_, "displayName": name, **more}


def part(payload: Any, path: str = "content.json") -> dict[str, str]:
    text = payload if isinstance(payload, str) else base64.b64encode(json.dumps(payload).encode()).decode()
    return {"path": path, "payload": text, "payloadType": "InlineBase64"}


def pipeline(connection: str) -> dict[str, Any]:
    activity = {"type": "Copy", "externalReferences": {"connection": connection}}
    return {"definition": {"parts": [part({"properties": {"activities": [activity]}}, "pipeline-content.json")]}}


def folder(inside: Inside, method: str = "POST", path: str = "", body: Any = None) -> Reply:
    return as_user(inside, "developer", f"{WORKSPACES}/{workspace(inside)['id']}/folders{path}", method, body)


def connection(
    inside: Inside, user: str = "developer", method: str = "POST", path: str = "", body: Any = None
) -> Reply:
    return as_user(inside, user, f"/v1/connections{path}", method, body)


def wanted_connection(name: str = "warehouse", **more: Any) -> dict[str, Any]:
    return {
        "connectivityType": "ShareableCloud",
        "displayName": name,
        "connectionDetails": {"type": "SQL", "parameters": [{"name": "server", "dataType": "Text", "value": "host"}]},
        "credentialDetails": {"credentials": {"credentialType": "Basic", "username": "u", "password": "p"}},
        **more,
    }


@case("app_roles_on_admin_route")
def _(inside: Inside) -> Reply:
    inside.setting(READ_ADMIN)
    return as_app(inside, SETTINGS, roles=["Tenant.Read.All"])


@case("app_roles_on_admin_route_403")
def _(inside: Inside) -> Reply:
    return case["app_roles_on_admin_route"](unknown_is(inside, "appRolesOnFabricAdminRoutes", "403"))


@case("admin_setting_on_its_way")
def _(inside: Inside) -> Reply:
    inside.tenant.section("weather")["tenant_setting_seconds"] = 900
    assert update(inside, READ_ADMIN, enabled=True).status == 200
    return as_app(inside, "/v1/admin/workspaces/discoverGitConnections")


@case("service_principal_not_admitted_403")
def _(inside: Inside) -> Reply:
    return as_app(unknown_is(inside, "fabricAppNotAdmitted", "403"), WORKSPACES)


@case("feature_kept_from_an_app_401")
def _(inside: Inside) -> Reply:
    return case["feature_kept_from_an_app"](unknown_is(inside, "createSettingOff", "401"))


@case("workspace_not_found")
def _(inside: Inside) -> Reply:
    return as_user(inside, "developer", f"{WORKSPACES}/{uuid.uuid4()}")


@case("workspace_without_role")
def _(inside: Inside) -> Reply:
    return as_user(inside, "developer", f"{WORKSPACES}/{workspace(inside, 'Reports Prod')['id']}")


@case("workspace_without_role_404")
def _(inside: Inside) -> Reply:
    return case["workspace_without_role"](unknown_is(inside, "workspaceWithoutRole", "404"))


@case("workspace_without_role_401")
def _(inside: Inside) -> Reply:
    return case["workspace_without_role"](unknown_is(inside, "workspaceWithoutRole", "401"))


@case("workspace_role_too_low_privileges")
def _(inside: Inside) -> Reply:
    return case["workspace_role_too_low"](unknown_is(inside, "workspaceRoleTooLow", "InsufficientPrivileges"))


@case("capacity_not_active_500")
def _(inside: Inside) -> Reply:
    return case["capacity_not_active"](unknown_is(inside, "pausedCapacity", "500"))


@case("capacity_not_active_workspace")
def _(inside: Inside) -> Reply:
    return case["capacity_not_active"](unknown_is(inside, "pausedCapacity", "WorkspaceNotFound"))


@case("capacity_not_permitted")
def _(inside: Inside) -> Reply:
    capacity = next(iter(inside.tenant.capacities))
    body = {"displayName": "new", "capacityId": capacity["id"]}
    for name in (PUBLIC, CREATE, CREATE_WORKSPACES):
        inside.setting(name)
    return as_app(inside, WORKSPACES, "POST", body)


@case("identity_exists")
def _(inside: Inside) -> Reply:
    path = f"{WORKSPACES}/{workspace(inside)['id']}/provisionIdentity"
    assert as_user(inside, "developer", path, "POST").status == 202
    return as_user(inside, "developer", path, "POST")


@case("principal_unknown")
def _(inside: Inside) -> Reply:
    return as_user(inside, "admin", f"/v1/admin/users/{uuid.uuid4()}/access")


@case("profile_needs_admin")
def _(inside: Inside) -> Reply:
    owner = inside.add_app()[1]["id"]
    id_ = str(uuid.uuid4())
    inside.tenant.profiles.add({"id": id_, "displayName": "customer", "servicePrincipalId": owner})
    return assign(inside, id_, "ServicePrincipalProfile", role="Viewer")


@case("item_not_found")
def _(inside: Inside) -> Reply:
    return item(inside, f"/{uuid.uuid4()}", "GET")


@case("item_type_unknown")
def _(inside: Inside) -> Reply:
    return item(inside, body=new("Spreadsheet"))


@case("item_type_closed_to_apps")
def _(inside: Inside) -> Reply:
    inside.setting(PUBLIC)
    _, principal = inside.add_app()
    assert assign(inside, principal["id"]).status == 201
    path = f"{WORKSPACES}/{workspace(inside)['id']}/items"
    return inside.call("fabric", "POST", path, inside.token("fabric", principal["id"]), new("MLModel"))


@case("item_feature_unavailable")
def _(inside: Inside) -> Reply:
    inside.setting("FabricGAWorkloads", on=False)
    return item(inside, body=new())


@case("datamart_switch_off")
def _(inside: Inside) -> Reply:
    inside.setting("DatamartTenant", on=False)
    return item(inside, body=new())


@case("item_name_taken")
def _(inside: Inside) -> Reply:
    assert item(inside, body=new()).status == 201
    return item(inside, body=new(name="Sales"))


@case("item_name_taken_409")
def _(inside: Inside) -> Reply:
    return case["item_name_taken"](unknown_is(inside, "itemNameTaken", "409"))


@case("item_name_not_available_yet")
def _(inside: Inside) -> Reply:
    made = item(inside, body=new()).body
    assert item(inside, f"/{made['id']}", "DELETE").status == 200
    return item(inside, body=new())


@case("folder_not_found")
def _(inside: Inside) -> Reply:
    return item(inside, body=new(folderId=str(uuid.uuid4())))


@case("folder_name_taken")
def _(inside: Inside) -> Reply:
    assert folder(inside, body={"displayName": "a"}).status == 201
    return folder(inside, body={"displayName": "A"})


@case("folder_name_invalid")
def _(inside: Inside) -> Reply:
    return folder(inside, body={"displayName": "a/b"})


@case("folder_too_deep")
def _(inside: Inside) -> Reply:
    above: dict[str, Any] = {}
    for level in range(10):
        above = {"parentFolderId": folder(inside, body={"displayName": f"level {level}", **above}).body["id"]}
    return folder(inside, body={"displayName": "one too many", **above})


@case("folder_into_itself")
def _(inside: Inside) -> Reply:
    outer = folder(inside, body={"displayName": "outer"}).body["id"]
    inner = folder(inside, body={"displayName": "inner", "parentFolderId": outer}).body["id"]
    return folder(inside, "POST", f"/{outer}/move", {"targetFolderId": inner})


@case("folder_not_empty")
def _(inside: Inside) -> Reply:
    made = folder(inside, body={"displayName": "a"}).body["id"]
    assert item(inside, body=new(folderId=made)).status == 201
    return folder(inside, "DELETE", f"/{made}")


@case("definition_missing")
def _(inside: Inside) -> Reply:
    return item(inside, body=new("SemanticModel", "forecast"))


@case("definition_parts_invalid")
def _(inside: Inside) -> Reply:
    return item(inside, body=new("Notebook", definition={"parts": []}))


@case("payload_type_unsupported")
def _(inside: Inside) -> Reply:
    parts = [{**part({}), "payloadType": "Text"}]
    return item(inside, body=new("Notebook", definition={"parts": parts}))


@case("payload_corrupted")
def _(inside: Inside) -> Reply:
    return item(inside, body=new("Notebook", definition={"parts": [part("not base64!")]}))


@case("not_for_this_item")
def _(inside: Inside) -> Reply:
    assert item(inside, body=new("Warehouse")).status == 202
    made = item(inside, "", "GET", query={"type": "Warehouse"}).body["value"][0]
    return item(inside, f"/{made['id']}/connections", "GET")


@case("connection_not_shared")
def _(inside: Inside) -> Reply:
    made = connection(inside, "admin", body=wanted_connection()).body["id"]
    return item(inside, body=new("DataPipeline", **pipeline(made)))


@case("connection_not_shared_unspecific")
def _(inside: Inside) -> Reply:
    return case["connection_not_shared"](unknown_is(inside, "connectionNotShared", "unspecific"))


@case("operation_not_found")
def _(inside: Inside) -> Reply:
    return as_user(inside, "developer", f"/v1/operations/{uuid.uuid4()}")


@case("operation_not_succeeded")
def _(inside: Inside) -> Reply:
    inside.tenant.section("weather")["operation_seconds"] = 30
    id_ = item(inside, body=new("Notebook")).headers["x-ms-operation-id"]
    return as_user(inside, "developer", f"/v1/operations/{id_}/result")


@case("operation_has_no_result")
def _(inside: Inside) -> Reply:
    path = f"{WORKSPACES}/{workspace(inside)['id']}"
    as_user(inside, "developer", f"{path}/provisionIdentity", "POST")
    id_ = as_user(inside, "developer", f"{path}/deprovisionIdentity", "POST").headers["x-ms-operation-id"]
    return as_user(inside, "developer", f"/v1/operations/{id_}/result")


@case("connection_name_taken")
def _(inside: Inside) -> Reply:
    assert connection(inside, "admin", body=wanted_connection()).status == 201
    return connection(inside, body=wanted_connection())


@case("connection_details_invalid")
def _(inside: Inside) -> Reply:
    return connection(inside, body=wanted_connection(connectionDetails={"type": "SQL", "parameters": []}))


@case("credential_details_invalid")
def _(inside: Inside) -> Reply:
    return connection(inside, body=wanted_connection(credentialDetails={"credentials": {"credentialType": "Magic"}}))


@case("connection_not_managed")
def _(inside: Inside) -> Reply:
    made = connection(inside, "admin", body=wanted_connection()).body["id"]
    share = {"principal": {"id": inside.user("developer")["id"], "type": "User"}, "role": "User"}
    assert connection(inside, "admin", "POST", f"/{made}/roleAssignments", share).status == 201
    return connection(inside, "developer", "DELETE", f"/{made}")


@case("connection_principal_unknown")
def _(inside: Inside) -> Reply:
    made = connection(inside, body=wanted_connection()).body["id"]
    share = {"principal": {"id": str(uuid.uuid4()), "type": "User"}, "role": "User"}
    return connection(inside, "developer", "POST", f"/{made}/roleAssignments", share)


@case("continuation_invalid")
def _(inside: Inside) -> Reply:
    return item(inside, "", "GET", query={"continuationToken": "pasted badly"})


@case("user_unlicensed")
def _(inside: Inside) -> Reply:
    inside.user("developer")["powerBiLicense"] = "none"
    return as_user(inside, "developer", WORKSPACES)


@case("closed_to_apps")
def _(inside: Inside) -> Reply:
    inside.setting(PUBLIC)
    return as_app(inside, f"{WORKSPACES}/{workspace(inside)['id']}/dashboards")


@case("inbound_denied")
def _(inside: Inside) -> Reply:
    rules = {"publicAccessRules": {"defaultAction": "Deny"}}
    workspace(inside)["communicationPolicy"] = {"inbound": rules}
    return as_user(inside, "developer", f"{WORKSPACES}/{workspace(inside)['id']}/items")


@case("member_cannot_touch_admins")
def _(inside: Inside) -> Reply:
    for entry in workspace(inside)["roleAssignments"]:
        entry["role"] = "Member"
    return assign(inside, inside.add_app()[1]["id"], role="Admin")


@case("scopes_missing")
def _(inside: Inside) -> Reply:
    return as_user(inside, "admin", SETTINGS, scp="Workspace.Read.All")


@case("not_fabric_administrator")
def _(inside: Inside) -> Reply:
    return as_user(inside, "developer", SETTINGS)


@case("too_many_requests")
def _(inside: Inside) -> Reply:
    for _ in range(25):
        assert as_user(inside, "admin", SETTINGS).status == 200
    return as_user(inside, "admin", SETTINGS)


@case("feature_kept_from_an_app")
def _(inside: Inside) -> Reply:
    inside.setting(PUBLIC)
    inside.setting(CREATE, on=False)
    return as_app(inside, WORKSPACES, "POST", {"displayName": "new"})


@case("feature_kept_from_a_user")
def _(inside: Inside) -> Reply:
    inside.setting(CREATE_WORKSPACES, on=False)
    return as_user(inside, "developer", WORKSPACES, "POST", {"displayName": "new"})


@case("capacity_not_found")
def _(inside: Inside) -> Reply:
    return as_user(inside, "admin", WORKSPACES, "POST", {"displayName": "new", "capacityId": str(uuid.uuid4())})


@case("that_capacity_not_active")
def _(inside: Inside) -> Reply:
    capacity = next(iter(inside.tenant.capacities))
    capacity["state"] = "Suspended"
    return as_user(inside, "admin", WORKSPACES, "POST", {"displayName": "new", "capacityId": capacity["id"]})


@case("capacity_not_active")
def _(inside: Inside) -> Reply:
    next(iter(inside.tenant.capacities))["state"] = "Suspended"
    path = f"{WORKSPACES}/{workspace(inside)['id']}/items/{uuid.uuid4()}"
    return as_user(inside, "developer", path, scp="Item.Read.All")


@case("name_taken")
def _(inside: Inside) -> Reply:
    return as_user(inside, "developer", WORKSPACES, "POST", {"displayName": "reports dev"})


@case("workspace_role_too_low")
def _(inside: Inside) -> Reply:
    for entry in workspace(inside)["roleAssignments"]:
        entry["role"] = "Contributor"
    return assign(inside, inside.add_app()[1]["id"])


@case("group_unknown")
def _(inside: Inside) -> Reply:
    return update(inside, enabled=True, enabledSecurityGroups=[{"graphId": str(uuid.uuid4()), "name": "x"}])


@case("principal_not_found")
def _(inside: Inside) -> Reply:
    return assign(inside, inside.add_app()[0]["appId"])


@case("principal_has_role")
def _(inside: Inside) -> Reply:
    return assign(inside, inside.user("admin")["id"], "User")


@case("entity_not_found")
def _(inside: Inside) -> Reply:
    return update(inside, "NoSuchSetting", enabled=True)


@case("too_many_principals")
def _(inside: Inside) -> Reply:
    entries = workspace(inside)["roleAssignments"]
    entries += [
        {"id": i, "principal": {"id": i, "type": "User"}, "role": "Viewer"}
        for i in (str(uuid.UUID(int=n)) for n in range(1000))
    ]
    return assign(inside, inside.add_app()[1]["id"])


@case("input_invalid")
def _(inside: Inside) -> Reply:
    return update(inside)


@case("not_in_this_cloud")
def _(inside: Inside) -> Reply:
    inside.tenant.section("tenant")["cloud"] = "gcc"
    return as_user(inside, "admin", WORKSPACES)


@case("token_of_another_cloud")
def _(inside: Inside) -> Reply:
    inside.tenant.section("tenant")["cloud"] = "gcchigh"
    return as_user(inside, "admin", WORKSPACES)


@case("tenant_of_another_cloud")
def _(inside: Inside) -> Reply:
    inside.tenant.section("tenant")["cloud"] = "gcc"
    token = inside.token("fabric", inside.user("admin")["id"], scp=SCOPES)
    return inside.call("fabric", "GET", WORKSPACES, token, origin="https://api.fabric.microsoft.com")


@case("route_unknown")
def _(_inside: Inside) -> Reply:
    return unknown(Call("GET", "/v1/nothing", {}, {}, {}, b"", ORIGIN, "r"))


@pytest.mark.parametrize("name", CAUSES)
def test_each_cause(name: str) -> None:
    answer = case[name](Inside())
    cause = CAUSES[name]
    assert (answer.status, answer.body["errorCode"]) == (cause.status, cause.code), answer.body
    assert answer.headers["x-ms-public-api-error-code"] == cause.code
    assert answer.body["message"].startswith(cause.message.partition("{")[0])
    assert answer.body["requestId"]
    assert cause.source
    assert cause.grade


def test_the_limit_is_per_caller_on_the_tenants_clock() -> None:
    inside = Inside()
    refused = case["too_many_requests"](inside)
    wait = int(refused.headers["Retry-After"])
    assert 1 <= wait <= 60
    told = re.search(r"until: (\d{1,2}/\d{1,2}/\d{4} \d{1,2}:\d\d:\d\d [AP]M) \(UTC\)", refused.body["message"])
    assert told is not None
    until = datetime.strptime(told[1], "%m/%d/%Y %I:%M:%S %p").replace(tzinfo=UTC)
    assert (until - datetime.now(UTC)).total_seconds() == pytest.approx(wait, abs=2)
    assert as_user(inside, "fabricadmin", SETTINGS).status == 200
    inside.tenant.section("clock")["offset_seconds"] = 61
    token = inside.token("fabric", inside.user("admin")["id"], scp=SCOPES)
    assert inside.call("fabric", "GET", SETTINGS, token).status == 200


def test_a_setting_is_read_merged_and_written() -> None:
    inside = Inside()
    group = inside.add_group("api")
    named = [{"graphId": group["id"], "name": "api"}]
    answer = update(inside, enabled=True, enabledSecurityGroups=named)
    assert answer.body["tenantSettings"][0]["enabledSecurityGroups"] == named
    kept = update(inside, enabled=False).body["tenantSettings"][0]
    assert (kept["enabled"], kept["enabledSecurityGroups"]) == (False, named)
    listed = as_user(inside, "fabricadmin", SETTINGS).body
    assert set(listed) == {"value"}
    assert update(inside, enabled=True, enabledSecurityGroups=[{"graphId": group["id"]}]).status == 400
    stranger = [{"graphId": str(uuid.uuid4()), "name": "x"}]
    assert update(inside, enabled=True, enabledSecurityGroups=stranger).body["errorCode"] == "BadRequest"


def test_a_service_principal_writes_settings_by_the_update_switch_only() -> None:
    inside = Inside()
    _, principal = inside.add_app()
    group = inside.add_group(members=[principal["id"]])
    token = inside.token("fabric", principal["id"])
    path = f"{SETTINGS}/{PUBLIC}/update"
    inside.setting(READ_ADMIN, enabled=(group["id"],))
    assert inside.call("fabric", "GET", SETTINGS, token).status == 200
    assert inside.call("fabric", "POST", path, token, {"enabled": True}).status == 401
    inside.setting(UPDATE_ADMIN, enabled=(group["id"],))
    assert inside.call("fabric", "POST", path, token, {"enabled": True}).status == 200
    inside.setting(READ_ADMIN, enabled=(group["id"],), excluded=(group["id"],))
    assert inside.call("fabric", "GET", SETTINGS, token).status == 401


def test_a_role_assignments_life() -> None:
    inside = Inside()
    app, principal = inside.add_app()
    made = assign(inside, principal["id"], role="Contributor")
    assert made.status == 201
    assert made.body["principal"] == {"id": principal["id"], "type": "ServicePrincipal"}
    path = f"{WORKSPACES}/{workspace(inside)['id']}/roleAssignments"
    assert made.headers["Location"] == f"{ORIGIN}{path}/{principal['id']}"
    one = f"{path}/{principal['id']}"
    changed = as_user(inside, "developer", one, "PATCH", {"role": "Viewer"}).body
    assert (changed["role"], changed["principal"]["servicePrincipalDetails"]) == ("Viewer", {"aadAppId": app["appId"]})
    assert as_user(inside, "developer", one).body["role"] == "Viewer"
    assert as_user(inside, "developer", one, "DELETE").status == 200
    assert as_user(inside, "developer", one).status == 404


def test_creating_a_workspace_makes_its_admin() -> None:
    inside = Inside()
    capacity = next(iter(inside.tenant.capacities))
    made = as_user(inside, "admin", WORKSPACES, "POST", {"displayName": "new", "capacityId": capacity["id"]})
    assert made.status == 201
    assert as_user(inside, "admin", f"{WORKSPACES}/{made.body['id']}").body["capacityId"] == capacity["id"]
    assert as_user(inside, "developer", f"{WORKSPACES}/{made.body['id']}").status == 403
    assert [c["id"] for c in as_user(inside, "admin", "/v1/capacities").body["value"]] == [capacity["id"]]
    assert as_user(inside, "developer", "/v1/capacities").body["value"] == []


def test_who_may_make_an_admin() -> None:
    inside = Inside()
    entry = next(
        e for e in workspace(inside)["roleAssignments"] if e["principal"]["id"] == inside.user("developer")["id"]
    )
    entry["role"] = "Member"
    target = inside.add_app()[1]["id"]
    assert assign(inside, target, role="Admin").body["errorCode"] == "InsufficientWorkspaceRole"
    assert assign(inside, target, role="Member").status == 201


def test_a_changed_setting_takes_its_time_to_act_but_is_shown_at_once() -> None:
    inside = Inside()
    inside.tenant.section("weather")["tenant_setting_seconds"] = 900
    assert update(inside, enabled=True).body["tenantSettings"][0]["enabled"] is True
    _, principal = inside.add_app()
    token = inside.token("fabric", principal["id"], exp=int(inside.world.now().timestamp()) + 7200)
    assert inside.call("fabric", "GET", WORKSPACES, token).status == 401
    inside.tenant.section("clock")["offset_seconds"] = 901
    assert inside.call("fabric", "GET", WORKSPACES, token).status == 200


def test_an_administrators_role_counts_in_tokens_got_since() -> None:
    inside = Inside()
    user = inside.user("admin")["id"]
    old = inside.token("fabric", user, scp=SCOPES, wids=["b79fbf4d-3ef9-4689-8143-76b194e85509"])
    assert inside.call("fabric", "GET", SETTINGS, old).status == 403
    new = inside.token("fabric", user, scp=SCOPES, wids=["a9ea8996-122f-4c74-9520-8edcd192826c"])
    assert inside.call("fabric", "GET", SETTINGS, new).status == 200


def test_the_scope_of_an_items_own_type_is_enough() -> None:
    inside = Inside()
    path = f"{WORKSPACES}/{workspace(inside)['id']}/items"
    wanted = [(as_user(inside, "developer", path, "POST", new(type_), scp="Lakehouse.ReadWrite.All"))
              for type_ in ("Lakehouse", "DataPipeline")]  # fmt: skip
    assert [answer.status for answer in wanted] == [201, 403]
    assert wanted[1].body["errorCode"] == "InsufficientScopes"
    read = as_user(inside, "developer", f"{path}/{wanted[0].body['id']}", scp="Lakehouse.Read.All")
    assert read.status == 200
    assert as_user(inside, "developer", path, "POST", new(name="x"), scp="Workspace.Read.All").status == 403
