"""Each error of Graph's objects, policies and reports, staged by state and request alone."""

from __future__ import annotations

import uuid
from typing import Any

import jwt
import pytest

from pbisetup.sandbox.graph.object_errors import OBJECT_ERRORS
from pbisetup.sandbox.roles import ROLES
from pbisetup.sandbox.wire import Reply
from tests.sandbox.graph_cases import FIC, KEY, certificate, check_error, key_entry, link
from tests.sandbox.inprocess import Cases, Inside

SCOPES = (
    "Application.ReadWrite.All AppRoleAssignment.ReadWrite.All Directory.ReadWrite.All Group.ReadWrite.All "
    "User.ReadWrite.All AuditLog.Read.All Policy.Read.All Policy.ReadWrite.ConditionalAccess "
    "Policy.ReadWrite.ApplicationConfiguration RoleManagement.ReadWrite.Directory"
)
GROUP = {"displayName": "g", "mailNickname": "g", "mailEnabled": False, "securityEnabled": True}
POLICY = {
    "displayName": "block",
    "state": "enabled",
    "conditions": {"users": {"includeUsers": ["All"]}, "applications": {"includeApplications": ["All"]}},
    "grantControls": {"operator": "OR", "builtInControls": ["block"]},
}
case = Cases()


def send(
    inside: Inside,
    method: str,
    path: str,
    body: Any = None,
    user: str = "admin",
    scopes: str = SCOPES,
    query: dict[str, str] | None = None,
) -> Reply:
    token = inside.token("graph", inside.user(user)["id"], scp=scopes)
    whole = path if path.startswith(("/v1.0", "/beta")) else f"/v1.0{path}"
    return inside.call("graph", method, whole, token, body, query)


def scope(value: str = "read", **more: Any) -> dict[str, Any]:
    return {"id": str(uuid.uuid4()), "value": value, "isEnabled": True, "type": "User", **more}


def default_policy(inside: Inside, **restrictions: Any) -> None:
    inside.tenant.section("policies")["defaultAppManagementPolicy"] = {
        "isEnabled": True,
        "applicationRestrictions": restrictions,
    }


@case("proof_refused")
def _(inside: Inside) -> Reply:
    app, _sp = inside.add_app()
    return send(inside, "POST", f"/applications/{app['id']}/addKey", {"keyCredential": key_entry(), "proof": "x.y.z"})


@case("locked")
def _(inside: Inside) -> Reply:
    _app, principal = inside.add_app(servicePrincipalLockConfiguration={"isEnabled": True, "allProperties": True})
    return send(inside, "POST", f"/servicePrincipals/{principal['id']}/addPassword", {})


@case("entitlement_enabled")
def _(inside: Inside) -> Reply:
    app, _sp = inside.add_app(api={"oauth2PermissionScopes": [scope()]})
    return send(inside, "PATCH", f"/applications/{app['id']}", {"api": {"oauth2PermissionScopes": []}})


@case("entitlement_twice")
def _(inside: Inside) -> Reply:
    app, _sp = inside.add_app()
    one = scope()
    return send(
        inside, "PATCH", f"/applications/{app['id']}", {"api": {"oauth2PermissionScopes": [one, {**one, "value": "b"}]}}
    )


@case("reference_twice")
def _(inside: Inside) -> Reply:
    one = link(inside.user("admin")["id"])["@odata.id"]
    return send(inside, "POST", "/groups", {**GROUP, "members@odata.bind": [one, one]})


@case("principal_differs")
def _(inside: Inside) -> Reply:
    _app, principal = inside.add_app()
    return send(inside, "PATCH", f"/servicePrincipals/{principal['id']}", {"displayName": "another"})


@case("app_id_invalid")
def _(inside: Inside) -> Reply:
    return send(inside, "GET", "/applications(appId='xyz')")


@case("principal_values_invalid")
def _(inside: Inside) -> Reply:
    _app, principal = inside.add_app()
    return send(inside, "PATCH", f"/servicePrincipals/{principal['id']}", {"appRoles": [{"id": str(uuid.uuid4())}]})


@case("pre_authorized_unknown")
def _(inside: Inside) -> Reply:
    app, _sp = inside.add_app()
    entry = {"appId": str(uuid.uuid4()), "delegatedPermissionIds": [str(uuid.uuid4())]}
    return send(inside, "PATCH", f"/applications/{app['id']}", {"api": {"preAuthorizedApplications": [entry]}})


@case("host_not_verified")
def _(inside: Inside) -> Reply:
    return send(inside, "POST", "/applications", {"displayName": "a", "identifierUris": ["https://example.org/a"]})


@case("policy_key_lifetime")
def _(inside: Inside) -> Reply:
    default_policy(inside, keyCredentials=[{"restrictionType": "asymmetricKeyLifetime", "maxLifetime": "P30D"}])
    app, _sp = inside.add_app()
    return send(inside, "PATCH", f"/applications/{app['id']}", {"keyCredentials": [key_entry()]})


@case("policy_uri")
def _(inside: Inside) -> Reply:
    default_policy(inside, identifierUris={"uriAdditionWithoutUniqueTenantIdentifier": {"state": "enabled"}})
    return send(inside, "POST", "/applications", {"displayName": "a", "identifierUris": ["api://reports"]})


@case("policy_uri_format")
def _(inside: Inside) -> Reply:
    default_policy(inside, identifierUris={"nonDefaultUriAddition": {"state": "enabled"}})
    uri = f"api://{inside.tenant.id}/reports"
    return send(inside, "POST", "/applications", {"displayName": "a", "identifierUris": [uri]})


@case("policy_assigned")
def _(inside: Inside) -> Reply:
    app, _sp = inside.add_app()
    made = [send(inside, "POST", "/policies/appManagementPolicies", {"displayName": n}).body["id"] for n in "ab"]
    path = f"/applications/{app['id']}/appManagementPolicies/$ref"
    links = [{"@odata.id": f"https://graph.microsoft.com/v1.0/policies/appManagementPolicies/{id_}"} for id_ in made]
    assert send(inside, "POST", path, links[0]).status == 204
    return send(inside, "POST", path, links[1])


@case("credential_pair_taken")
def _(inside: Inside) -> Reply:
    path = f"/applications/{inside.add_app()[0]['id']}/federatedIdentityCredentials"
    assert send(inside, "POST", path, FIC).status == 201
    return send(inside, "POST", path, {**FIC, "name": "other"})


@case("credential_value")
def _(inside: Inside) -> Reply:
    path = f"/beta/applications/{inside.add_app()[0]['id']}/federatedIdentityCredentials"
    expression = {"value": "claims['sub'] matches 'repo:a/*'", "languageVersion": 1}
    return send(inside, "POST", path, {**FIC, "subject": None, "claimsMatchingExpression": expression})


@case("principal_quota")
def _(inside: Inside) -> Reply:
    inside.tenant.section("limits")["objectsPerPrincipal"] = 1
    assert send(inside, "POST", "/applications", {"displayName": "a"}, "developer").status == 201
    return send(inside, "POST", "/applications", {"displayName": "b"}, "developer")


@case("tenant_quota")
def _(inside: Inside) -> Reply:
    inside.tenant.section("limits")["objects"] = 1
    return send(inside, "POST", "/applications", {"displayName": "a"})


@case("object_size")
def _(inside: Inside) -> Reply:
    app, _sp = inside.add_app()
    return send(inside, "PATCH", f"/applications/{app['id']}", {"tags": ["t"] * 1300})


@case("synced_object")
def _(inside: Inside) -> Reply:
    group = inside.add_group(onPremisesSyncEnabled=True)
    return send(inside, "POST", f"/groups/{group['id']}/members/$ref", link(inside.user("developer")["id"]))


@case("mail_group")
def _(inside: Inside) -> Reply:
    return send(inside, "POST", "/groups", {**GROUP, "mailEnabled": True})


@case("role_group_type")
def _(inside: Inside) -> Reply:
    dynamic = {"groupTypes": ["DynamicMembership"], "membershipRule": "user.department -eq 'x'"}
    return send(inside, "POST", "/groups", {**GROUP, **dynamic, "isAssignableToRole": True})


def role_assignment(inside: Inside, principal: str) -> Reply:
    body = {"principalId": principal, "roleDefinitionId": ROLES["Global Reader"], "directoryScopeId": "/"}
    return send(inside, "POST", "/roleManagement/directory/roleAssignments", body)


@case("group_not_role_assignable")
def _(inside: Inside) -> Reply:
    return role_assignment(inside, inside.add_group()["id"])


@case("role_assigned")
def _(inside: Inside) -> Reply:
    assert role_assignment(inside, inside.user("developer")["id"]).status == 201
    return role_assignment(inside, inside.user("developer")["id"])


@case("premium_required")
def _(inside: Inside) -> Reply:
    inside.tenant.section("tenant")["subscribedSkus"] = []
    return send(inside, "GET", "/auditLogs/signIns")


@case("report_permission")
def _(inside: Inside) -> Reply:
    return send(inside, "GET", "/auditLogs/signIns", scopes="Directory.Read.All")


@case("report_role")
def _(inside: Inside) -> Reply:
    return send(inside, "GET", "/auditLogs/signIns", user="developer")


@case("pim_licence")
def _(inside: Inside) -> Reply:
    path = "/roleManagement/directory/roleEligibilityScheduleInstances/filterByCurrentUser(on='principal')"
    return send(inside, "GET", path)


@case("pim_eligibility_scope")
def _(inside: Inside) -> Reply:
    path = "/roleManagement/directory/roleEligibilityScheduleInstances"
    return send(inside, "GET", path, scopes="Directory.Read.All")


@case("pim_assignment_scope")
def _(inside: Inside) -> Reply:
    path = "/roleManagement/directory/roleAssignmentScheduleInstances/filterByCurrentUser(on='principal')"
    return send(inside, "GET", path, scopes="Directory.Read.All")


@case("filter_unsupported")
def _(inside: Inside) -> Reply:
    return send(inside, "GET", "/me/licenseDetails", query={"$filter": "skuPartNumber eq 'POWER_BI_PRO'"})


@case("ca_denied")
def _(inside: Inside) -> Reply:
    return send(inside, "GET", "/identity/conditionalAccess/policies", scopes="Directory.Read.All")


@case("ca_licence")
def _(inside: Inside) -> Reply:
    inside.tenant.section("tenant")["subscribedSkus"] = []
    return send(inside, "POST", "/identity/conditionalAccess/policies", POLICY)


@case("ca_not_found")
def _(inside: Inside) -> Reply:
    return send(inside, "GET", f"/identity/conditionalAccess/policies/{uuid.uuid4()}")


@case("ca_schema")
def _(inside: Inside) -> Reply:
    return send(inside, "POST", "/identity/conditionalAccess/policies", {**POLICY, "conditions": {"users": "All"}})


@case("ca_workload_control")
def _(inside: Inside) -> Reply:
    conditions = {
        "clientApplications": {"includeServicePrincipals": ["ServicePrincipalsInMyTenant"]},
        "applications": {"includeApplications": ["All"]},
    }
    controls = {"operator": "OR", "builtInControls": ["mfa"]}
    body = {**POLICY, "conditions": conditions, "grantControls": controls}
    return send(inside, "POST", "/identity/conditionalAccess/policies", body)


@case("ca_security_defaults")
def _(inside: Inside) -> Reply:
    inside.tenant.section("policies")["securityDefaults"] = True
    return send(inside, "POST", "/identity/conditionalAccess/policies", POLICY)


@case("no_key")
def _(inside: Inside) -> Reply:
    app, _sp = inside.add_app(createdDateTime="2026-01-01T00:00:00Z")
    path = f"/applications/{app['id']}"
    assert send(inside, "PATCH", path, {"keyCredentials": [key_entry(key=certificate())]}).status == 204
    now = int(inside.world.now().timestamp())
    claims = {"aud": "00000002-0000-0000-c000-000000000000", "iss": app["id"], "nbf": now, "exp": now + 600}
    proof = jwt.encode(claims, KEY, algorithm="RS256")
    return send(inside, "POST", f"{path}/removeKey", {"keyId": str(uuid.uuid4()), "proof": proof})


@pytest.mark.parametrize("name", OBJECT_ERRORS)
def test_each_error(name: str) -> None:
    check_error(name, case[name](Inside()))
