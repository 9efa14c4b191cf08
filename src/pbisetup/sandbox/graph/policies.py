"""The tenant's policies on users, consent and sign-in, other than app management and conditional access."""

from __future__ import annotations

from typing import Any, Final

from pbisetup.sandbox.graph import refs
from pbisetup.sandbox.graph.documents import document, documents, patched
from pbisetup.sandbox.graph.errors import GraphError
from pbisetup.sandbox.graph.service import Request, route
from pbisetup.sandbox.store import Object
from pbisetup.sandbox.wire import Reply, Route

_DEFAULT_CONSENT: Final = "ManagePermissionGrantsForSelf.microsoft-user-default-recommended"
_USER_ROLE: Final = {
    "allowedToCreateApps": True,
    "allowedToCreateSecurityGroups": True,
    "allowedToCreateTenants": True,
    "allowedToReadBitlockerKeysForOwnedDevice": True,
    "allowedToReadOtherUsers": True,
    "permissionGrantPoliciesAssigned": [_DEFAULT_CONSENT],
}
_AUTHORIZATION: Final[Object] = {
    "displayName": "Authorization Policy",
    "description": "Used to manage authorization related settings across the company.",
    "allowInvitesFrom": "everyone",
    "allowedToSignUpEmailBasedSubscriptions": True,
    "allowedToUseSSPR": True,
    "allowEmailVerifiedUsersToJoinOrganization": False,
    "allowUserConsentForRiskyApps": None,
    "blockMsolPowerShell": False,
    "guestUserRoleId": "10dae51f-b6af-4016-8d66-8c2a99b929b3",
}
_AUTHORIZATION_KINDS: Final[dict[str, type]] = {
    "displayName": str,
    "description": str,
    "allowInvitesFrom": str,
    "allowedToSignUpEmailBasedSubscriptions": bool,
    "allowedToUseSSPR": bool,
    "allowEmailVerifiedUsersToJoinOrganization": bool,
    "allowUserConsentForRiskyApps": bool,
    "blockMsolPowerShell": bool,
    "guestUserRoleId": str,
    "defaultUserRolePermissions": dict,
}
_CONSENT_REQUEST: Final[Object] = {
    "isEnabled": False,
    "notifyReviewers": False,
    "remindersEnabled": False,
    "requestDurationInDays": 0,
    "version": 0,
    "reviewers": [],
}
_CONSENT_REQUEST_KINDS: Final[dict[str, type]] = {
    "isEnabled": bool,
    "notifyReviewers": bool,
    "remindersEnabled": bool,
    "requestDurationInDays": int,
    "reviewers": list,
}
# source: entra-docs manage-app-consent-policies (names); the conditions inside are not modelled.
_GRANT_POLICIES: Final = {
    "microsoft-user-default-recommended": "Default User Policy (microsoft recommended)",
    "microsoft-user-default-low": "Default User Low Risk Policy",
    "microsoft-user-default-legacy": "Default User Legacy Policy",
    "microsoft-application-admin": "Application Admin Policy",
    "microsoft-company-admin": "Company Admin Policy",
    "microsoft-all-application-permissions": "All application permissions, for any client app",
}
_GRANT_PROPERTIES: Final = (
    "id",
    "displayName",
    "description",
    "includeAllPreApprovedApplications",
    "resourceScopeType",
)
_DEFAULTS_ID: Final = "00000000-0000-0000-0000-000000000005"
_REQUEST_PROPERTIES: Final = ("id", "appId", "appDisplayName", "consentType", "pendingScopes")
# source: graph-docs pages and msgraph-sdk 1.65 models of permissionGrantPolicy and appConsentRequest in v1.0.
_BETA_ONLY: Final = ("includeAllPreApprovedApplications", "resourceScopeType", "consentType")


def get_authorization(request: Request, _: Any) -> Reply:
    """What members may do by default (source: entra.md 4.2): state `policies`."""
    return _one(request, "policies/authorizationPolicy", _authorization(request))


def patch_authorization(request: Request, _: Any) -> Reply:
    body = request.call.json()
    values = patched(_authorization(request), body, _AUTHORIZATION_KINDS, "AuthorizationPolicy", ("id",))
    defaults = body.get("defaultUserRolePermissions") or {}
    for name, value in defaults.items():
        fits = isinstance(value, type(_USER_ROLE[name])) if name in _USER_ROLE else name.startswith("@")
        if not fits:
            raise GraphError("value_invalid", property=name, resource="AuthorizationPolicy")
    policies = request.tenant.section("policies")
    values.pop("defaultUserRolePermissions", None)
    policies.update({k: v for k, v in defaults.items() if k in _USER_ROLE})
    policies["authorizationPolicy"] = {**(policies.get("authorizationPolicy") or {}), **values}
    request.changed()
    return Reply(204)


def _authorization(request: Request) -> Object:
    policies = request.tenant.section("policies")
    own = policies.get("authorizationPolicy")
    return {
        "id": "authorizationPolicy",
        **_AUTHORIZATION,
        **(own if isinstance(own, dict) else {}),
        "defaultUserRolePermissions": {name: policies.get(name, default) for name, default in _USER_ROLE.items()},
    }


def get_consent_request(request: Request, _: Any) -> Reply:
    """Whether users may ask an administrator for consent: state `policies.adminConsentRequestPolicy`."""
    return _one(request, "policies/adminConsentRequestPolicy", _consent_request(request))


def put_consent_request(request: Request, _: Any) -> Reply:
    """PUT replaces the policy (graph-docs adminconsentrequestpolicy-update)."""
    held = _consent_request(request)
    values = patched({}, request.call.json(), _CONSENT_REQUEST_KINDS, "AdminConsentRequestPolicy", ("version",))
    if isinstance(values.get("requestDurationInDays"), int) and not 0 <= values["requestDurationInDays"] <= 60:
        raise GraphError("value_invalid", property="requestDurationInDays", resource="AdminConsentRequestPolicy")
    new = {**_CONSENT_REQUEST, **values, "version": int(held["version"]) + 1}
    request.tenant.section("policies")["adminConsentRequestPolicy"] = new
    request.changed()
    return Reply(204)


def _consent_request(request: Request) -> Object:
    own = request.tenant.section("policies").get("adminConsentRequestPolicy")
    return {**_CONSENT_REQUEST, **(own if isinstance(own, dict) else {})}


def list_grant_policies(request: Request, _: Any) -> Reply:
    names = _names(request, _GRANT_PROPERTIES)
    return documents(request, "permissionGrantPolicies", "permissionGrantPolicy", names, _grant_policies(request))


def get_grant_policy(request: Request, item: Object) -> Reply:
    names = _names(request, _GRANT_PROPERTIES)
    return document(request, "permissionGrantPolicies", "permissionGrantPolicy", names, item)


def _names(request: Request, properties: tuple[str, ...]) -> list[str]:
    """The properties of the version that was asked."""
    return [name for name in properties if request.beta or name not in _BETA_ONLY]


def _of_version(request: Request, rows: list[Object]) -> list[Object]:
    return [{k: v for k, v in row.items() if request.beta or k not in _BETA_ONLY} for row in rows]


def _grant_policies(request: Request) -> list[Object]:
    """The built-in ones, and the tenant's own: state `policies.permissionGrantPolicies`."""
    own = request.tenant.section("policies").get("permissionGrantPolicies")
    builtin = [
        {"id": id_, "displayName": name, "description": name, "includeAllPreApprovedApplications": False}
        for id_, name in _GRANT_POLICIES.items()
    ]
    mine = [each for each in (own if isinstance(own, list) else []) if isinstance(each, dict)]
    return _of_version(request, [*builtin, *mine])


def _find_grant_policy(request: Request) -> Object:
    return refs.among(request, _grant_policies(request), "policyId")


def get_security_defaults(request: Request, _: Any) -> Reply:
    """State `policies.securityDefaults`: true, or an object with `isEnabled`."""
    body = {
        "id": _DEFAULTS_ID,
        "displayName": "Security Defaults",
        "description": "Security defaults is a set of basic identity security mechanisms recommended by Microsoft. When "
        "enabled, these recommendations will be automatically enforced in your organization. Administrators and users "
        "will be better protected from common identity related attacks.",
        "isEnabled": security_defaults(request),
    }
    return _one(request, "policies/identitySecurityDefaultsEnforcementPolicy", body)


def patch_security_defaults(request: Request, _: Any) -> Reply:
    values = patched(
        {},
        request.call.json(),
        {"isEnabled": bool, "displayName": str, "description": str},
        "SecurityDefaults",
        ("id",),
    )
    if "isEnabled" in values:
        request.tenant.section("policies")["securityDefaults"] = bool(values["isEnabled"])
        request.changed()
    return Reply(204)


def security_defaults(request: Request) -> bool:
    """Whether security defaults are on."""
    value = request.tenant.section("policies").get("securityDefaults")
    return value is True or (isinstance(value, dict) and value.get("isEnabled") is True)


def list_consent_requests(request: Request, _: Any) -> Reply:
    """What users asked administrators for, by application: state `policies.adminConsentRequests`."""
    rows = _consent_requests(request)
    context = "identityGovernance/appConsent/appConsentRequests"
    return documents(request, context, "appConsentRequest", _names(request, _REQUEST_PROPERTIES), rows)


def get_consent_request_of_app(request: Request, item: Object) -> Reply:
    context = "identityGovernance/appConsent/appConsentRequests"
    return document(request, context, "appConsentRequest", _names(request, _REQUEST_PROPERTIES), item)


def _consent_requests(request: Request) -> list[Object]:
    found: dict[str, Object] = {}
    held = request.tenant.section("policies").get("adminConsentRequests")
    for each in held if isinstance(held, list) else []:
        if not isinstance(each, dict):
            continue
        app_id = str(each.get("appId"))
        row = found.setdefault(
            app_id,
            {
                "id": str(each.get("id")),
                "appId": app_id,
                "appDisplayName": each.get("appDisplayName"),
                "consentType": "Static",
                "pendingScopes": [],
            },
        )
        scopes = each.get("pendingScopes")
        row["pendingScopes"] += [
            s for s in (scopes if isinstance(scopes, list) else []) if s not in row["pendingScopes"]
        ]
    return _of_version(request, list(found.values()))


def _find_consent_request(request: Request) -> Object:
    return refs.among(request, _consent_requests(request), "requestId")


def _one(request: Request, context: str, body: Object) -> Reply:
    return document(request, context, context.rpartition("/")[2], tuple(body), body)


def _routes() -> list[Route]:
    found = route("GET", "/policies/authorizationPolicy", "policy.read", get_authorization)
    found += route("PATCH", "/policies/authorizationPolicy", "authorization_policy.write", patch_authorization)
    path = "/policies/adminConsentRequestPolicy"
    found += route("GET", path, "policy.read", get_consent_request)
    found += route("PUT", path, "consent_request_policy.write", put_consent_request)
    path = "/policies/permissionGrantPolicies"
    read = "permission_grant_policy.read"
    found += route("GET", path, read, list_grant_policies)
    found += route("GET", f"{path}/{{policyId}}", read, get_grant_policy, _find_grant_policy)
    path = "/policies/identitySecurityDefaultsEnforcementPolicy"
    found += route("GET", path, "policy.read", get_security_defaults)
    found += route("PATCH", path, "security_defaults.write", patch_security_defaults)
    path = "/identityGovernance/appConsent/appConsentRequests"
    found += route("GET", path, "consent_requests.read", list_consent_requests)
    found += route(
        "GET", f"{path}/{{requestId}}", "consent_requests.read", get_consent_request_of_app, _find_consent_request
    )
    return found


routes = _routes()
