"""Each row of the Fabric table of refusals, staged by state alone, and the routes when nothing refuses."""

from __future__ import annotations

import uuid
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
SCOPES = "Workspace.ReadWrite.All Tenant.ReadWrite.All Capacity.Read.All"
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


@case("app_roles_on_admin_route")
def _(inside: Inside) -> Reply:
    inside.setting(READ_ADMIN)
    return as_app(inside, SETTINGS, roles=["Tenant.Read.All"])


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
    capacity = next(iter(inside.tenant.capacities))
    body = {"displayName": "new", "capacityId": capacity["id"]}
    inside.setting(PUBLIC)
    inside.setting(CREATE)
    inside.setting(CREATE_WORKSPACES)
    return as_app(inside, WORKSPACES, "POST", body)


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


@case("workspace_not_found")
def _(inside: Inside) -> Reply:
    return as_user(inside, "developer", f"{WORKSPACES}/{workspace(inside, 'Reports Prod')['id']}")


@case("workspace_role_too_low")
def _(inside: Inside) -> Reply:
    for entry in workspace(inside)["roleAssignments"]:
        entry["role"] = "Contributor"
    return assign(inside, inside.add_app()[1]["id"])


@case("principal_unknown")
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
    assert 1 <= int(refused.headers["Retry-After"]) <= 60
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
    assert update(inside, enabled=True, enabledSecurityGroups=stranger).body["errorCode"] == "InvalidPrincipal"


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
    assert as_user(inside, "developer", f"{WORKSPACES}/{made.body['id']}").status == 404
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
    assert inside.call("fabric", "GET", WORKSPACES, token).status == 403
    inside.tenant.section("clock")["offset_seconds"] = 901
    assert inside.call("fabric", "GET", WORKSPACES, token).status == 200


def test_an_administrators_role_counts_in_tokens_got_since() -> None:
    inside = Inside()
    user = inside.user("admin")["id"]
    old = inside.token("fabric", user, scp=SCOPES, wids=["b79fbf4d-3ef9-4689-8143-76b194e85509"])
    assert inside.call("fabric", "GET", SETTINGS, old).status == 401
    new = inside.token("fabric", user, scp=SCOPES, wids=["a9ea8996-122f-4c74-9520-8edcd192826c"])
    assert inside.call("fabric", "GET", SETTINGS, new).status == 200
