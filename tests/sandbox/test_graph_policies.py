"""Policies that refuse: app management by default and by assignment, identifier URIs, conditional access, consent."""

from __future__ import annotations

from typing import Any

from tests.sandbox.api import graph, new_app
from tests.sandbox.graph_people import Certificate, app_with, user_with
from tests.support.tenant import SandboxTenant

PASSWORDS_90 = {"restrictionType": "passwordLifetime", "state": "enabled", "maxLifetime": "P90D"}
WRITER = ("Policy.Read.All", "Policy.ReadWrite.ApplicationConfiguration", "Application.ReadWrite.All")
LINK = "https://graph.microsoft.com/v1.0/policies/appManagementPolicies/"


def test_the_default_policy_shortens_secrets_and_an_assigned_one_decides_for_its_app(sandbox: SandboxTenant) -> None:
    _, policy = app_with(sandbox, *WRITER)
    admin = graph(sandbox)
    app, free = new_app(admin), new_app(admin, "free")
    default = "/policies/defaultAppManagementPolicy"
    restrictions = {"passwordCredentials": [PASSWORDS_90], "keyCredentials": []}
    body = {"isEnabled": True, "applicationRestrictions": restrictions}
    assert policy("PATCH", default, body).status_code == 204
    assert policy.get(default)["applicationRestrictions"]["passwordCredentials"] == [PASSWORDS_90]

    def add(id_: str, end: str | None = None) -> Any:
        asked = {"passwordCredential": {"endDateTime": end}} if end else {}
        return admin("POST", f"/applications/{id_}/addPassword", asked)

    refused = add(app.object_id).json()["error"]
    assert refused["code"] == "CredentialInvalidLifetimeAsPerAppPolicy"
    assert refused["details"][0] == {"code": "InvalidKeyEndDate", "message": refused["message"], "target": "EndDate"}
    soon = soon_after(30)
    assert add(app.object_id, soon).status_code == 200
    # servicePrincipalRestrictions are their own
    admin.post(f"/servicePrincipals/{app.principal_id}/addPassword", {}, 200)

    block = {"restrictionType": "passwordAddition", "state": "enabled", "maxLifetime": None}
    custom = policy.post(
        "/policies/appManagementPolicies",
        {"displayName": "none", "isEnabled": True, "restrictions": {"passwordCredentials": [block]}},
    )
    path = f"/applications/{app.object_id}/appManagementPolicies"
    link = {"@odata.id": LINK + custom["id"]}
    assert policy("POST", f"{path}/$ref", link).status_code == 204
    assert policy("POST", f"{path}/$ref", link).status_code == 400
    assert [each["id"] for each in policy.get(path)["value"]] == [custom["id"]]
    applies = policy.get(f"/policies/appManagementPolicies/{custom['id']}/appliesTo")["value"]
    assert [each["id"] for each in applies] == [app.object_id]
    blocked = add(app.object_id, soon).json()["error"]
    assert (blocked["code"], custom["id"] in blocked["message"]) == ("CredentialTypeNotAllowedAsPerAppPolicy", True)
    assert add(free.object_id, soon).status_code == 200
    assert policy("DELETE", f"{path}/{custom['id']}/$ref").status_code == 204
    assert add(app.object_id, soon).status_code == 200


def soon_after(days: int) -> str:
    from datetime import UTC, datetime, timedelta

    return (datetime.now(UTC) + timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ")


def test_a_rule_for_new_apps_leaves_old_ones_alone(sandbox: SandboxTenant) -> None:
    admin = graph(sandbox)
    old = new_app(admin)

    def change(state: dict[str, Any]) -> None:
        since = soon_after(1)
        rule = {"restrictionType": "asymmetricKeyLifetime", "maxLifetime": "P30D"}
        restrictions = {"keyCredentials": [{**rule, "restrictForAppsCreatedAfterDateTime": since}]}
        state["policies"]["defaultAppManagementPolicy"] = {"isEnabled": True, "applicationRestrictions": restrictions}

    sandbox.put_state(change)
    body = {"keyCredentials": [Certificate().entry()]}
    assert admin("PATCH", f"/applications/{old.object_id}", body).status_code == 204
    sandbox.advance(2 * 86_400)
    admin = graph(sandbox)
    new = new_app(admin)
    refused = admin("PATCH", f"/applications/{new.object_id}", body).json()["error"]
    assert refused["code"] == "CredentialInvalidLifetimeAsPerAppPolicy"


def test_identifier_uris(sandbox: SandboxTenant) -> None:
    admin = graph(sandbox)
    app = new_app(admin)
    path = f"/applications/{app.object_id}"

    def uris(*values: str) -> Any:
        return admin("PATCH", path, {"identifierUris": list(values)})

    assert uris("https://elsewhere.example/app").json()["error"]["code"] == "HostNameNotOnVerifiedDomain"
    assert uris(f"https://app.{sandbox.domain}/x", "api://loose").status_code == 204

    def change(state: dict[str, Any]) -> None:
        rule = {"state": "enabled", "excludeAppsReceivingV2Tokens": True}
        restrictions = {"identifierUris": {"uriAdditionWithoutUniqueTenantIdentifier": rule}}
        state["policies"]["defaultAppManagementPolicy"] = {"isEnabled": True, "applicationRestrictions": restrictions}

    sandbox.put_state(change)
    # What is there stays; what is added must name the tenant, the app or a verified domain.
    assert uris("api://loose", f"api://{app.client_id}").status_code == 204
    refused = uris("api://loose", "api://looser").json()["error"]
    assert refused["code"] == "InvalidUniqueTenantIdentifierAsPerAppPolicy"
    assert admin("PATCH", path, {"api": {"requestedAccessTokenVersion": 2}}).status_code == 204
    assert uris("api://looser").status_code == 204


def test_who_may_change_policies(sandbox: SandboxTenant) -> None:
    admin = graph(sandbox)
    assert admin("PATCH", "/policies/authorizationPolicy", {"allowedToUseSSPR": False}).status_code == 403
    writer = user_with(sandbox, "admin", "Policy.Read.All", "Policy.ReadWrite.Authorization")
    defaults = {"defaultUserRolePermissions": {"allowedToCreateApps": False}}
    assert writer("PATCH", "/policies/authorizationPolicy", defaults).status_code == 204
    assert writer.get("/policies/authorizationPolicy")["defaultUserRolePermissions"]["allowedToCreateApps"] is False
    assert graph(sandbox, "developer")("POST", "/applications", {"displayName": "a"}).status_code == 403
    names = {each["id"] for each in writer.get("/policies/permissionGrantPolicies")["value"]}
    assert "microsoft-user-default-recommended" in names
    assert writer.get("/policies/adminConsentRequestPolicy")["isEnabled"] is False
    assert writer.get("/policies/identitySecurityDefaultsEnforcementPolicy")["isEnabled"] is False


def test_conditional_access_policies(sandbox: SandboxTenant) -> None:
    path = "/identity/conditionalAccess/policies"
    assert graph(sandbox)("GET", path).json()["error"]["code"] == "AccessDenied"
    admin = user_with(sandbox, "admin", "Policy.Read.All", "Policy.ReadWrite.ConditionalAccess")
    body = {
        "displayName": "no device code",
        "state": "enabledForReportingButNotEnforced",
        "conditions": {
            "users": {"includeUsers": ["All"]},
            "applications": {"includeApplications": ["All"]},
            "authenticationFlows": {"transferMethods": "deviceCodeFlow"},
        },
        "grantControls": {"operator": "OR", "builtInControls": ["block"]},
    }
    made = admin.post(path, body)
    assert admin("PATCH", f"{path}/{made['id']}", {"state": "on"}).status_code == 400
    assert admin("PATCH", f"{path}/{made['id']}", {"state": "enabled"}).status_code == 204
    assert [each["state"] for each in admin.get(f"{path}?$filter=state eq 'enabled'")["value"]] == ["enabled"]
    place = {"@odata.type": "#microsoft.graph.countryNamedLocation", "displayName": "x", "countriesAndRegions": ["DE"]}
    location = admin.post("/identity/conditionalAccess/namedLocations", place)
    assert [each["id"] for each in admin.get("/identity/conditionalAccess/namedLocations")["value"]] == [location["id"]]
    assert admin("DELETE", f"{path}/{made['id']}").status_code == 204
    assert admin("GET", f"{path}/{made['id']}").status_code == 404
