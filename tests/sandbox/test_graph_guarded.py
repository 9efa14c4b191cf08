"""What Graph does not let anybody change, or not like that: read-only properties, Microsoft's own apps, what follows an
application, things named twice, too many at once.
"""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from tests.sandbox.api import GRAPH_APP, POWER_BI_APP, graph, new_app
from tests.sandbox.graph_people import app_with, user_with
from tests.support.tenant import SandboxTenant

DUPLICATES = "Request contains a property with duplicate values."
SOME_ID = "11111111-2222-4333-8444-555555555555"
GROUP = {"displayName": "g", "mailNickname": "g", "mailEnabled": False, "securityEnabled": True}


def refusal(answer: Any, status: int = 400) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    return dict(answer.json()["error"])


def link(id_: str) -> str:
    return f"https://graph.microsoft.com/v1.0/directoryObjects/{id_}"


def user_id(sandbox: SandboxTenant, name: str) -> str:
    state = sandbox.state()
    return str(next(u["id"] for u in state["users"] if u["userPrincipalName"].startswith(name + "@")))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("appId", SOME_ID),
        ("servicePrincipalType", "ManagedIdentity"),
        ("appOwnerOrganizationId", SOME_ID),
        ("createdDateTime", "2020-01-01T00:00:00Z"),
        ("signInAudience", "AzureADMultipleOrgs"),
        ("verifiedPublisher", {"displayName": "me"}),
        ("appRoles", [{"id": SOME_ID, "value": "all", "allowedMemberTypes": ["User"]}]),
        ("oauth2PermissionScopes", [{"id": SOME_ID, "value": "all"}]),
    ],
)
def test_what_the_service_decides_about_a_service_principal_stays(
    sandbox: SandboxTenant, name: str, value: Any
) -> None:
    admin = graph(sandbox)
    path = f"/servicePrincipals/{new_app(admin).principal_id}"
    held = admin.get(path)
    refusal(admin("PATCH", path, {name: value, "notes": "no"}))
    assert admin.get(path) == held
    # a client that sends back what it fetched is not refused
    assert admin("PATCH", path, {name: held[name], "notes": "yes"}).status_code == 204
    assert admin.get(path)["notes"] == "yes"


@pytest.mark.parametrize("name", ["appId", "publisherDomain", "createdDateTime", "verifiedPublisher"])
def test_what_the_service_decides_about_an_application_stays(sandbox: SandboxTenant, name: str) -> None:
    admin = graph(sandbox)
    path = f"/applications/{new_app(admin).object_id}"
    held = admin.get(path)
    refusal(admin("PATCH", path, {name: {} if isinstance(held[name], dict) else str(uuid.uuid4())}))
    assert admin.get(path) == held
    assert admin("PATCH", path, {name: held[name]}).status_code == 204


@pytest.mark.parametrize("app_id", [GRAPH_APP, POWER_BI_APP])
def test_a_tenant_can_switch_off_microsofts_app_but_not_rewrite_it(sandbox: SandboxTenant, app_id: str) -> None:
    admin = graph(sandbox)
    held = admin.get(f"/servicePrincipals(appId='{app_id}')")
    path = f"/servicePrincipals/{held['id']}"
    for method, where, body in (
        ("DELETE", path, None),
        ("PATCH", path, {"displayName": "mine"}),
        ("PATCH", path, {"servicePrincipalNames": [app_id, "https://mine.example"]}),
        ("PATCH", path, {"replyUrls": ["https://mine.example"], "tags": ["x"]}),
        ("POST", f"{path}/addPassword", {}),
    ):
        assert refusal(admin(method, where, body), 403)["code"] == "Authorization_RequestDenied"
    upsert = f"/servicePrincipals(appId='{app_id}')"
    refusal(admin("PATCH", upsert, {"displayName": "mine"}, prefer="create-if-missing"), 403)
    assert admin.get(path) == held
    assert admin("PATCH", upsert, {"displayName": held["displayName"]}, prefer="create-if-missing").status_code == 204
    wanted = {"appRoleAssignmentRequired": True, "tags": ["HideApp"], "notes": "ours"}
    assert admin("PATCH", path, {**wanted, "displayName": held["displayName"]}).status_code == 204
    assert admin.get(path) == {**held, **wanted}
    if app_id != GRAPH_APP:
        assert admin("PATCH", path, {"accountEnabled": False}).status_code == 204


def test_a_service_principal_follows_its_application(sandbox: SandboxTenant) -> None:
    admin = graph(sandbox)
    app = new_app(admin, "first")
    path, registration = f"/servicePrincipals/{app.principal_id}", f"/applications/{app.object_id}"
    text = "Property {} on the service principal does not match the application object."
    for name, value in (("displayName", "second"), ("servicePrincipalNames", [app.client_id, "api://other"])):
        assert refusal(admin("PATCH", path, {name: value}))["message"] == text.format(name)
    other = admin.post("/applications", {"displayName": "other"})
    made = refusal(admin("POST", "/servicePrincipals", {"appId": other["appId"], "displayName": "else"}))
    assert made["message"] == text.format("displayName")

    uri = f"api://{app.client_id}"
    assert admin("PATCH", registration, {"displayName": "second", "identifierUris": [uri]}).status_code == 204
    followed = admin.get(path)
    assert (followed["displayName"], followed["appDisplayName"]) == ("second", "second")
    assert followed["servicePrincipalNames"] == [app.client_id, uri]
    echo = {"displayName": "second", "servicePrincipalNames": [uri, app.client_id]}
    assert admin("PATCH", path, echo).status_code == 204


def test_who_is_no_admin_owns_a_new_group_without_saying_so(sandbox: SandboxTenant) -> None:
    me, other = user_id(sandbox, "developer"), user_id(sandbox, "admin")
    member = user_with(sandbox, "developer", "Group.ReadWrite.All")
    refused = refusal(member("POST", "/groups", {**GROUP, "owners@odata.bind": [link(me)]}))
    assert (refused["code"], refused["message"]) == ("Request_BadRequest", DUPLICATES)

    def owners(body: dict[str, Any]) -> set[str]:
        made = member.post("/groups", body)
        return {each["id"] for each in graph(sandbox).get(f"/groups/{made['id']}/owners")["value"]}

    assert owners(GROUP) == {me}
    assert owners({**GROUP, "owners@odata.bind": [link(other)]}) == {me, other}
    modern = {**GROUP, "groupTypes": ["Unified"], "mailEnabled": True, "mailNickname": "m"}
    assert owners({**modern, "owners@odata.bind": [link(other)]}) == {other}
    # an administrator may name himself
    graph(sandbox).post("/groups", {**GROUP, "owners@odata.bind": [link(other)]})


def role(value: str, id_: str | None = None) -> dict[str, Any]:
    members = {"allowedMemberTypes": ["Application"], "displayName": value, "description": value, "isEnabled": True}
    return {"id": id_ or str(uuid.uuid4()), "value": value, **members}


def test_nothing_is_named_twice(sandbox: SandboxTenant) -> None:
    admin = graph(sandbox)
    path = f"/applications/{new_app(admin).object_id}"
    resource, permission = str(uuid.uuid4()), {"id": str(uuid.uuid4()), "type": "Role"}
    uri = f"api://{uuid.uuid4()}"
    scope = {"id": str(uuid.uuid4()), "value": "a", "type": "User", "adminConsentDisplayName": "a"}
    for body, target in (
        ({"appRoles": [role("a"), role("a")]}, "appRoles"),
        ({"appRoles": [role("a")], "api": {"oauth2PermissionScopes": [scope]}}, "oauth2PermissionScopes"),
        ({"identifierUris": [uri, uri.upper().replace("API", "api")]}, "identifierUris"),
        ({"web": {"redirectUris": ["https://a.example", "https://a.example"]}}, "web.redirectUris"),
        (
            {"requiredResourceAccess": [{"resourceAppId": resource, "resourceAccess": [permission, permission]}]},
            "requiredResourceAccess",
        ),
        (
            {"requiredResourceAccess": [{"resourceAppId": resource, "resourceAccess": [permission]}] * 2},
            "requiredResourceAccess",
        ),
    ):
        refused = refusal(admin("PATCH", path, body))
        assert (refused["code"], refused["message"]) == ("DuplicateValue", DUPLICATES)
        assert refused["details"] == [{"code": "DuplicateValue", "message": DUPLICATES, "target": target}]
        refusal(admin("POST", "/applications", {"displayName": "new", **body}))
    shared = {"appRoles": [role("a", scope["id"])], "api": {"oauth2PermissionScopes": [scope]}}
    assert admin("PATCH", path, shared).status_code == 204
    me = link(user_id(sandbox, "admin"))
    for relation in ("members", "owners"):
        assert refusal(admin("POST", "/groups", {**GROUP, f"{relation}@odata.bind": [me, me]}))["message"] == DUPLICATES


def test_twenty_relations_go_into_one_request(sandbox: SandboxTenant) -> None:
    admin = graph(sandbox)
    apps = [admin.post("/applications", {"displayName": f"a{i}"})["appId"] for i in range(21)]
    links = [link(admin.post("/servicePrincipals", {"appId": each})["id"]) for each in apps]
    refusal(admin("POST", "/groups", {**GROUP, "members@odata.bind": links}))
    refusal(admin("POST", "/groups", {**GROUP, "members@odata.bind": links[1:], "owners@odata.bind": links[:1]}))
    path = f"/groups/{admin.post('/groups', {**GROUP, 'members@odata.bind': links[:1]})['id']}"
    refusal(admin("PATCH", path, {"members@odata.bind": links}))
    refusal(admin("PATCH", path, {"members@odata.bind": links[:2]}))
    assert admin("PATCH", path, {"members@odata.bind": links[1:]}).status_code == 204
    assert len(admin.get(f"{path}/members")["value"]) == 21


def test_a_policy_for_workload_identities_can_only_block(sandbox: SandboxTenant) -> None:
    writer = app_with(sandbox, "Policy.Read.All", "Policy.ReadWrite.ConditionalAccess")[1]
    body = {
        "displayName": "apps",
        "state": "enabledForReportingButNotEnforced",
        "conditions": {
            "clientApplications": {"includeServicePrincipals": ["ServicePrincipalsInMyTenant"]},
            "applications": {"includeApplications": ["All"]},
        },
    }
    block = {"operator": "OR", "builtInControls": ["block"]}
    path = "/identity/conditionalAccess/policies"
    for controls in ({**block, "builtInControls": ["mfa"]}, {**block, "builtInControls": ["compliantDevice", "block"]}):
        assert refusal(writer("POST", path, {**body, "grantControls": controls}))["code"] == "BadRequest"
    made = writer.post(path, {**body, "grantControls": block})
    refusal(writer("PATCH", f"{path}/{made['id']}", {"grantControls": {**block, "builtInControls": ["mfa"]}}))
    people = {"users": {"includeUsers": ["All"]}, "applications": {"includeApplications": ["All"]}}
    mfa = {"grantControls": {**block, "builtInControls": ["mfa"]}}
    other = writer.post(path, {**body, "conditions": people, **mfa})
    refusal(writer("PATCH", f"{path}/{other['id']}", {"conditions": body["conditions"]}))


@pytest.mark.parametrize(
    "body",
    [
        {"foo": {}},
        {"secretText": "mine"},
        {"passwordCredential": {"foo": 1}},
        {"passwordCredential": {"secretText": "mine"}},
        {"passwordCredential": {"hint": "min"}},
    ],
)
def test_the_service_makes_the_secret(sandbox: SandboxTenant, body: dict[str, Any]) -> None:
    admin = graph(sandbox)
    app = new_app(admin)
    for path in (f"/applications/{app.object_id}", f"/servicePrincipals/{app.principal_id}"):
        before = admin.get(path)["passwordCredentials"]
        refusal(admin("POST", f"{path}/addPassword", body))
        assert admin.get(path)["passwordCredentials"] == before
        # what an SDK leaves unset comes as null
        admin.post(f"{path}/addPassword", {"passwordCredential": {"displayName": "a", "secretText": None}}, 200)


@pytest.mark.parametrize("collection", ["applications", "servicePrincipals"])
def test_an_app_id_is_a_guid(sandbox: SandboxTenant, collection: str) -> None:
    admin = graph(sandbox)
    refused = refusal(admin("GET", f"/{collection}(appId='xyz')"))
    assert refused["message"].startswith("Invalid value specified for object reference property 'appId'.")
    refusal(admin("GET", f"/{collection}(appId='{uuid.uuid4()}')"), 404)


def test_an_app_can_be_allowed_to_register_apps_only(sandbox: SandboxTenant) -> None:
    _app, caller = app_with(sandbox, "AppRegistration.Create")
    made = caller.post("/applications", {"displayName": "made"})
    refusal(caller("GET", "/applications"), 403)
    assert graph(sandbox).get(f"/applications/{made['id']}")["displayName"] == "made"
    scopes = graph(sandbox).get(f"/servicePrincipals(appId='{GRAPH_APP}')")["oauth2PermissionScopes"]
    assert "AppRegistration.Create" in {each["value"] for each in scopes}


def test_bodies_of_another_type_and_names_that_show_nothing(sandbox: SandboxTenant) -> None:
    admin = graph(sandbox)
    refusal(admin("POST", "/applications", {"@odata.type": "#microsoft.graph.group", "displayName": "a"}))
    admin.post("/applications", {"@odata.type": "#microsoft.graph.application", "displayName": "a"})
    for name in ("   ", "a\u0007b", "a\nb"):
        refusal(admin("POST", "/applications", {"displayName": name}))
        refusal(admin("POST", "/groups", {**GROUP, "displayName": name}))
    assert admin.post("/applications", {"displayName": " a "})["displayName"] == " a "


def test_an_issuer_is_an_address_and_texts_are_kept_as_they_came(sandbox: SandboxTenant) -> None:
    admin = graph(sandbox)
    path = f"/applications/{new_app(admin).object_id}/federatedIdentityCredentials"
    body = {"name": "ci", "subject": " repo:a/b ", "audiences": ["api://AzureADTokenExchange"]}
    for issuer in ("token.example", "http://token.example", " https://token.example", "https://", "urn:a:b"):
        refusal(admin("POST", path, {**body, "issuer": issuer}))
    made = admin.post(path, {**body, "issuer": "https://token.example/"})
    assert (made["subject"], made["issuer"]) == (" repo:a/b ", "https://token.example/")
    refusal(admin("PATCH", f"{path}/{made['id']}", {"issuer": "nowhere"}))


def test_a_policy_in_the_state_never_asks_an_app_for_a_second_factor(sandbox: SandboxTenant) -> None:
    app = new_app(graph(sandbox))
    policy = {
        "id": SOME_ID,
        "displayName": "apps",
        "state": "enabled",
        "conditions": {
            "clientApplications": {"includeServicePrincipals": ["ServicePrincipalsInMyTenant"]},
            "applications": {"includeApplications": ["All"]},
        },
        "grantControls": {"operator": "OR", "builtInControls": ["mfa"]},
    }
    sandbox.put_state(lambda state: state["conditionalAccessPolicies"].append(policy))
    form = {"grant_type": "client_credentials", "client_id": app.client_id, "client_secret": app.secret}
    scope = "https://graph.microsoft.com/.default"
    assert sandbox.token(**form, scope=scope).status_code == 200
    policy["grantControls"] = {"operator": "OR", "builtInControls": ["block"]}
    sandbox.put_state(lambda state: state.update(conditionalAccessPolicies=[policy]))
    assert "AADSTS53003" in sandbox.token(**form, scope=scope).text
