"""Every answer of v1.0 fits the official client: parsed with msgraph-sdk's own model, nothing is left over and nothing
is lost, in a tenant where each route has something to show.
"""

from __future__ import annotations

import dataclasses
import functools
import importlib
import json
import re
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

from pbisetup.sandbox.graph import routes
from pbisetup.sandbox.graph.permissions import RULES
from pbisetup.sandbox.roles import ROLES
from tests.sandbox.api import GRAPH_APP, graph
from tests.support.tenant import AZURE_CLI, SandboxTenant

State = dict[str, Any]
SCOPES = sorted({part for rule in RULES.values() for scope in rule.scopes for part in scope.split("+")})
ROUTES = sorted(
    {(r.method, r.path.removeprefix("/v1.0")) for r in routes if r.method in ("GET", "POST") and r.path[:6] == "/v1.0/"}
)
NAMES = ("app", "client", "sp", "group", "inner", "outer", "gone")
GUID = {name: str(uuid.uuid5(uuid.NAMESPACE_URL, name)) for name in NAMES}
KEY = str(uuid.uuid5(uuid.NAMESPACE_URL, "key"))
SOON = (datetime.now(UTC) + timedelta(days=30)).strftime("%Y-%m-%dT%H:%M:%SZ")
PAST = "2026-01-01T00:00:00Z"
GROUP_BODY = {"displayName": "g", "mailNickname": "g", "mailEnabled": False, "securityEnabled": True}


# -- the tenant --------------------------------------------------------------------------------------------------


def populate(state: State) -> None:
    """Something behind every route, with no property left at its default where a client could see it."""
    users = {u["userPrincipalName"].partition("@")[0]: u for u in state["users"]}
    admin, developer = users["admin"], users["developer"]
    admin["manager"] = users["fabricadmin"]["id"]
    developer["manager"] = admin["id"]
    admin.update(jobTitle="Head", businessPhones=["+1"], department="IT", createdDateTime=PAST, usageLocation="CH")
    state["firstPartyClients"][AZURE_CLI]["00000003-0000-0000-c000-000000000000"] = SCOPES
    state["tenant"]["subscribedSkus"] = [
        {"skuId": str(uuid.uuid4()), "skuPartNumber": "EMSPREMIUM", "servicePlans": [
            {"servicePlanId": str(uuid.uuid4()), "servicePlanName": name} for name in ("AAD_PREMIUM", "AAD_PREMIUM_P2")
        ]}
    ]  # fmt: skip
    app = {
        "id": GUID["app"],
        "appId": GUID["client"],
        "displayName": "whole",
        "uniqueName": "whole",
        "description": "d",
        "notes": "n",
        "createdDateTime": PAST,
        "publisherDomain": state["tenant"]["domain"],
        "signInAudience": "AzureADMyOrg",
        "identifierUris": [f"api://{GUID['client']}"],
        "tags": ["t"],
        "owners": [admin["id"]],
        "api": {
            "requestedAccessTokenVersion": 2,
            "oauth2PermissionScopes": [
                {"id": str(uuid.uuid4()), "value": "read", "type": "User", "isEnabled": True,
                 "adminConsentDisplayName": "r", "adminConsentDescription": "r",
                 "userConsentDisplayName": None, "userConsentDescription": None}
            ],
            "preAuthorizedApplications": [{"appId": AZURE_CLI, "delegatedPermissionIds": []}],
        },
        "appRoles": [
            {"id": str(uuid.uuid4()), "value": "run", "displayName": "run", "description": "run", "isEnabled": True,
             "origin": "Application", "allowedMemberTypes": ["Application", "User"]}
        ],
        "web": {"homePageUrl": "https://x", "redirectUris": ["https://x/y"], "implicitGrantSettings": {}},
        "requiredResourceAccess": [
            {"resourceAppId": GRAPH_APP, "resourceAccess": [{"id": str(uuid.uuid4()), "type": "Role"}]}
        ],
        "passwordCredentials": [
            {"keyId": KEY, "displayName": "p", "startDateTime": PAST, "endDateTime": SOON, "hint": "abc",
             "secretHash": "0" * 64}
        ],
        "keyCredentials": [
            {"keyId": str(uuid.uuid4()), "displayName": "k", "startDateTime": PAST, "endDateTime": SOON,
             "type": "AsymmetricX509Cert", "usage": "Verify", "key": "AAAA", "customKeyIdentifier": "ABCD"}
        ],
        "federatedIdentityCredentials": [
            {"id": str(uuid.uuid4()), "name": "main", "issuer": "https://i", "subject": "s", "description": "d",
             "audiences": ["api://AzureADTokenExchange"]}
        ],
        "extensionProperties": [
            {"id": str(uuid.uuid4()), "name": "extension_x", "dataType": "String", "targetObjects": ["User"],
             "appDisplayName": "whole", "isSyncedFromOnPremises": False, "deletedDateTime": None}
        ],
    }  # fmt: skip
    principal = {
        "id": GUID["sp"],
        "appId": GUID["client"],
        "displayName": "whole",
        "appDisplayName": "whole",
        "appOwnerOrganizationId": state["tenant"]["id"],
        "createdDateTime": PAST,
        "accountEnabled": True,
        "servicePrincipalNames": [GUID["client"]],
        "appRoles": app["appRoles"],
        "oauth2PermissionScopes": app["api"]["oauth2PermissionScopes"],
        "owners": [admin["id"]],
        "passwordCredentials": [dict(app["passwordCredentials"][0])],
        "keyCredentials": [dict(app["keyCredentials"][0])],
        "federatedIdentityCredentials": [dict(app["federatedIdentityCredentials"][0])],
    }
    state["applications"].append(app)
    state["servicePrincipals"].append(principal)
    state["deletedItems"].append(
        {"id": GUID["gone"], "kind": "application", "deletedDateTime": SOON, "object": {
            **app, "id": GUID["gone"], "appId": str(uuid.uuid4()), "uniqueName": None, "identifierUris": [],
            "deletedDateTime": SOON}}
    )  # fmt: skip
    blank = {"securityEnabled": True, "mailEnabled": False, "groupTypes": [], "createdDateTime": PAST}
    state["groups"] += [
        {"id": GUID["inner"], "displayName": "inner", "mailNickname": "i", "members": [admin["id"], GUID["sp"]],
         "owners": [], **blank},
        {"id": GUID["group"], "displayName": "whole", "mailNickname": "w", "uniqueName": "whole", "description": "d",
         "members": [GUID["inner"], developer["id"], GUID["sp"]], "owners": [admin["id"], GUID["sp"]],
         **blank, "isAssignableToRole": False},
    ]  # fmt: skip
    outer = {"id": GUID["outer"], "displayName": "outer", "mailNickname": "o", "members": [GUID["group"]], "owners": []}
    state["groups"].append({**outer, **blank})
    admin["_eligibleRoles"] = [ROLES["Groups Administrator"]]
    admin["_activatedRoles"] = [{"roleDefinitionId": ROLES["Groups Administrator"], "endDateTime": SOON}]
    resource = next(s for s in state["servicePrincipals"] if s["appId"] == GRAPH_APP)
    for number, (holder, kind) in enumerate(
        ((GUID["sp"], "ServicePrincipal"), (admin["id"], "User"), (GUID["group"], "Group"))
    ):
        state["appRoleAssignments"].append(
            {"id": f"assignment-{number}", "appRoleId": resource["appRoles"][0]["id"], "createdDateTime": PAST,
             "principalId": holder, "principalDisplayName": "x", "principalType": kind, "deletedDateTime": None,
             "resourceId": GUID["sp"], "resourceDisplayName": "whole"}
        )  # fmt: skip
    state["oauth2PermissionGrants"] += [
        {"id": "grant-0", "clientId": GUID["sp"], "consentType": "AllPrincipals", "principalId": None,
         "resourceId": resource["id"], "scope": "User.Read"},
        {"id": "grant-1", "clientId": GUID["sp"], "consentType": "Principal", "principalId": admin["id"],
         "resourceId": resource["id"], "scope": "User.Read"},
    ]  # fmt: skip
    state["policies"]["adminConsentRequests"] = [
        {
            "id": "r-0",
            "appId": GUID["client"],
            "appDisplayName": "whole",
            "pendingScopes": [{"displayName": "User.Read"}],
        }
    ]


class Walk:
    """The populated tenant and the ids that fill the placeholders of its routes."""

    def __init__(self, sandbox: SandboxTenant) -> None:
        self.sandbox = sandbox
        sandbox.put_state(populate)
        self.api = graph(sandbox)
        self.me = self.api.get("/me")["id"]
        self.api.post("/policies/appManagementPolicies", APP_POLICY)
        self.api.post("/identity/conditionalAccess/policies", CA_POLICY)
        self.api.post("/identity/conditionalAccess/namedLocations", LOCATION)
        self.state = sandbox.state()
        policy = self.state["appManagementPolicies"][0]["id"]
        for base in (f"/applications/{GUID['app']}", f"/servicePrincipals/{GUID['sp']}"):
            reference = link(policy, "policies/appManagementPolicies")
            assert self.api("POST", f"{base}/appManagementPolicies/$ref", reference).status_code == 204
        self.ids: dict[str, str] = {
            "appId": GUID["client"],
            "uniqueName": "whole",
            "name": "main",
            "cast": "user",
            "grantId": "grant-1",
            "assignmentId": "assignment-0",
            "roleTemplateId": self.api.get("/directoryRoles")["value"][0]["roleTemplateId"],
            "credentialId": self._first(f"/applications/{GUID['app']}/federatedIdentityCredentials"),
            "signInId": self._first("/auditLogs/signIns"),
            "skuId": self._first("/subscribedSkus"),
            "domainId": self._first("/domains"),
            "locationId": self._first("/identity/conditionalAccess/namedLocations"),
            "requestId": self._first("/identityGovernance/appConsent/appConsentRequests"),
            "definitionId": self._first("/roleManagement/directory/roleDefinitions"),
            "templateId": self._first("/directoryRoleTemplates"),
            "roleAssignmentId": self._first("/roleManagement/directory/roleAssignments"),
        }
        self.by_base: dict[str, str] = {
            "/applications": GUID["app"],
            "/servicePrincipals": GUID["sp"],
            "/groups": GUID["group"],
            "/users": self.me,
            "/directoryObjects": self.me,
            "/directory/deletedItems": GUID["gone"],
            "/organization": sandbox.tenant,
            "/directoryRoles": self._first("/directoryRoles"),
        }

    def _first(self, path: str) -> str:
        return str(self.api.get(path)["value"][0]["id"])

    def fill(self, template: str) -> str:
        """A path of a route with every placeholder filled. Fails where nobody said with what."""

        def value(hit: re.Match[str]) -> str:
            name, before = hit[1], template[: hit.start()]
            if name == "id":
                return next(id_ for base, id_ in self.by_base.items() if before.startswith(base))
            if name == "policyId":
                return self._first(before.rstrip("/"))
            return self.ids[name]

        return re.sub(r"\{(\w+)\}", value, template)


# -- what is sent ------------------------------------------------------------------------------------------------

APP_POLICY = {
    "displayName": "p",
    "isEnabled": True,
    "restrictions": {
        "passwordCredentials": [
            {"restrictionType": "passwordLifetime", "maxLifetime": "P900D", "state": "enabled",
             "restrictForAppsCreatedAfterDateTime": PAST}
        ],
        "keyCredentials": [],
    },
}  # fmt: skip
CA_POLICY = {
    "displayName": "block",
    "state": "disabled",
    "conditions": {
        "clientAppTypes": ["all"],
        "applications": {"includeApplications": ["All"]},
        "users": {"includeUsers": ["None"]},
    },
    "grantControls": {"operator": "OR", "builtInControls": ["block"]},
}
LOCATION = {
    "@odata.type": "#microsoft.graph.ipNamedLocation",
    "displayName": "office",
    "isTrusted": True,
    "ipRanges": [{"@odata.type": "#microsoft.graph.iPv4CidrRange", "cidrAddress": "10.0.0.0/8"}],
}


def link(id_: str, collection: str = "directoryObjects") -> dict[str, str]:
    return {"@odata.id": f"https://graph.microsoft.com/v1.0/{collection}/{id_}"}


def bodies(walk: Walk) -> list[tuple[str, Any]]:
    """The body of each POST by how its path ends; the first that fits. Refused: a body that is right, for a thing that
    the state does not allow; its error is parsed instead.
    """
    other = next(u["id"] for u in walk.state["users"] if u["userPrincipalName"].startswith("fabricadmin@"))
    resource = next(s for s in walk.state["servicePrincipals"] if s["appId"] == GRAPH_APP)
    role = resource["appRoles"][1]["id"]
    template = next(iter(walk.state["directoryRoles"]))["roleTemplateId"]
    on_sp = {"principalId": GUID["sp"], "resourceId": resource["id"], "appRoleId": role}
    app_role = walk.state["servicePrincipals"][-1]["appRoles"][0]["id"]
    to_sp = {"principalId": GUID["sp"], "resourceId": GUID["sp"], "appRoleId": app_role}
    credential = {"name": "two", "issuer": "https://i", "subject": "t", "audiences": ["api://AzureADTokenExchange"]}
    policy = walk.state["appManagementPolicies"][0]["id"]
    return [
        ("/$batch", {"requests": [{"id": "1", "method": "GET", "url": "/me"}]}),
        ("/appManagementPolicies/$ref", link(policy, "policies/appManagementPolicies")),
        ("/$ref", link(other)),
        ("addPassword", {"passwordCredential": {"displayName": "new"}}),
        ("removePassword", {"keyId": KEY}),
        ("addKey", {"keyCredential": {}, "proof": "x"}),
        ("removeKey", {"keyId": KEY, "proof": "x"}),
        ("checkMemberGroups", {"groupIds": [GUID["outer"]]}),
        ("checkMemberObjects", {"ids": [GUID["outer"]]}),
        ("getMemberGroups", {"securityEnabledOnly": False}),
        ("getMemberObjects", {"securityEnabledOnly": False}),
        ("getByIds", {"ids": [GUID["app"], GUID["sp"], GUID["group"], walk.me]}),
        ("revokeSignInSessions", None),
        ("restore", {}),
        ("/appRoleAssignments", on_sp),
        ("/appRoleAssignedTo", to_sp),
        ("/federatedIdentityCredentials", credential),
        ("/applications", {"displayName": "new", "tags": ["x"]}),
        ("/servicePrincipals", {"appId": "fc4979e5-0aa5-429f-b13a-5d1365be5566"}),
        ("/groups", GROUP_BODY),
        ("/oauth2PermissionGrants", {"clientId": resource["id"], "resourceId": GUID["sp"], "consentType": "AllPrincipals",
                                     "scope": "read"}),
        ("/policies/appManagementPolicies", APP_POLICY),
        ("/conditionalAccess/policies", CA_POLICY),
        ("/conditionalAccessPolicies", CA_POLICY),
        ("/namedLocations", LOCATION),
        ("/roleAssignments", {"principalId": other, "roleDefinitionId": template, "directoryScopeId": "/"}),
    ]  # fmt: skip


REFUSED = ("addKey", "removeKey")
"""Proofs of possession are signed by a key; `test_graph_keys.py` has one."""


# -- what comes back ---------------------------------------------------------------------------------------------

# The last word of `$metadata#...` -> the model; a list of it in <model>_collection_response.
SETS = {
    "Collection(unifiedRoleAssignmentScheduleInstance)": "unified_role_assignment_schedule_instance",
    "Collection(unifiedRoleEligibilityScheduleInstance)": "unified_role_eligibility_schedule_instance",
    "administrativeUnits": "administrative_unit",
    "appConsentRequests": "app_consent_request",
    "appManagementPolicies": "app_management_policy",
    "appRoleAssignedTo": "app_role_assignment",
    "appRoleAssignments": "app_role_assignment",
    "applications": "application",
    "authorizationPolicy": "authorization_policy",
    "adminConsentRequestPolicy": "admin_consent_request_policy",
    "conditionalAccessPolicies": "conditional_access_policy",
    "defaultAppManagementPolicy": "tenant_app_management_policy",
    "deletedItems": "directory_object",
    "directoryObjects": "directory_object",
    "directoryRoles": "directory_role",
    "directoryRoleTemplates": "directory_role_template",
    "domains": "domain",
    "extensionProperties": "extension_property",
    "federatedIdentityCredentials": "federated_identity_credential",
    "groups": "group",
    "licenseDetails": "license_details",
    "identitySecurityDefaultsEnforcementPolicy": "identity_security_defaults_enforcement_policy",
    "microsoft.graph.keyCredential": "key_credential",
    "microsoft.graph.passwordCredential": "password_credential",
    "namedLocations": "named_location",
    "oauth2PermissionGrants": "o_auth2_permission_grant",
    "organization": "organization",
    "permissionGrantPolicies": "permission_grant_policy",
    "policies": "conditional_access_policy",
    "roleAssignments": "unified_role_assignment",
    "roleAssignmentScheduleInstances": "unified_role_assignment_schedule_instance",
    "roleDefinitions": "unified_role_definition",
    "roleEligibilityScheduleInstances": "unified_role_eligibility_schedule_instance",
    "servicePrincipals": "service_principal",
    "signIns": "sign_in",
    "subscribedSkus": "subscribed_sku",
    "transitiveRoleAssignments": "unified_role_assignment",
    "users": "user",
}
_MODELS = "msgraph.generated.models"
# What the service sends and the models do not know (source: the recordings behind tests/golden).
MORE = {
    "Group": {"creationOptions"},
    "Organization": {"directorySizeQuota", "isMultipleDataLocationsForServicesEnabled"},
    "ServicePrincipal": {"createdDateTime"},
}


def camel(name: str) -> str:
    return "".join(word[:1].upper() + word[1:] for word in name.rpartition(".")[2].split("_"))


def snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()


def parse(name: str, body: Any) -> Any:
    from kiota_serialization_json.json_parse_node_factory import JsonParseNodeFactory

    model = getattr(importlib.import_module(f"{_MODELS}.{name}"), camel(name))
    node = JsonParseNodeFactory().get_root_parse_node("application/json", json.dumps(body).encode())
    try:
        return node.get_object_value(model)
    except (ValueError, TypeError, AttributeError) as error:
        raise Unreadable(f" is not read as {camel(name)}: {error!r}: {body!r}") from error


class Unreadable(Exception):
    """The client could not read an answer at all."""


def problems(model: Any, body: Any, where: str = "") -> list[str]:
    """What the model did not take: left over under no name of its own, or lost because it is of another kind."""
    known = MORE.get(type(model).__name__, set())
    left = getattr(model, "additional_data", None) or {}
    found = [f"{where}.{key} is left over" for key in left if "@odata." not in key and key not in known]
    if not dataclasses.is_dataclass(model) or not isinstance(body, dict):
        return found
    for key, value in body.items():
        if "@odata." in key or value is None:
            continue
        held = getattr(model, snake(key), _UNNAMED)
        if held is None or (isinstance(value, list) and held is not _UNNAMED and len(held or []) != len(value)):
            found.append(f"{where}.{key} is lost: {value!r}")
        elif isinstance(value, dict):
            found += problems(held, value, f"{where}.{key}")
        elif isinstance(value, list) and held is not _UNNAMED:
            for inner, raw in zip(held, value, strict=True):
                found += problems(inner, raw, f"{where}.{key}[]")
    return found


_UNNAMED = object()


@functools.cache
def check_text(text: str) -> tuple[str, ...]:
    """The problems of one JSON answer; the same is answered once."""
    return tuple(check(json.loads(text)))


def check(body: dict[str, Any]) -> list[str]:
    """The problems of one JSON answer, whatever it is."""
    try:
        return _check(body)
    except Unreadable as error:
        return [str(error)]


def _check(body: dict[str, Any]) -> list[str]:
    if "error" in body:
        return problems(parse_error(body), body)
    if "responses" in body:
        return [each for inner in body["responses"] for each in check(inner["body"])]
    context = body["@odata.context"].partition("$metadata#")[2]
    if context in ("Collection(Edm.String)", "Collection($ref)"):
        return [] if isinstance(body["value"], list) else ["value is no list"]
    if context == "Edm.Boolean":
        return [] if body["value"] is True else ["value is not true"]
    name = context if context in SETS else re.sub(r"\([^)]*\)", "", context).removesuffix("/$entity").split("/")[-1]
    if name not in SETS:
        return [f"no model is named for {context!r}: add it to SETS"]
    if "value" in body:
        around = {k: v for k, v in body.items() if k != "value"}
        wrong = problems(parse(f"{SETS[name]}_collection_response", {**around, "value": []}), around)
        return wrong + [line for each in body["value"] for line in _entity(SETS[name], json.dumps(each))]
    return problems(parse(SETS[name], body), body)


@functools.cache
def _entity(name: str, text: str) -> tuple[str, ...]:
    body = json.loads(text)
    return tuple(problems(parse(name, body), body))


def parse_error(body: Any) -> Any:
    return parse("o_data_errors.o_data_error", body)


def test_every_answer_fits_its_model(sandbox: SandboxTenant) -> None:
    walk = Walk(sandbox)
    wrong: list[str] = []
    empty: set[str] = set()
    sent = bodies(walk)
    changed = True
    for method, template in ROUTES:
        if method == "GET":
            query = "?$count=true" if "transitiveRoleAssignments" in template else ""
            answer = walk.api("GET", walk.fill(template) + query, ConsistencyLevel="eventual")
        else:
            if changed:
                walk.sandbox.put_state(walk.state)
            body = next((b for end, b in sent if template.endswith(end)), _UNNAMED)
            assert body is not _UNNAMED, f"no body is given for POST {template}: add it to bodies()"
            answer = walk.api("POST", walk.fill(template), body)
            changed = re.search(r"[/.](?:check|get)\w+$", template) is None
        expected = (400, 401, 403) if template.endswith(REFUSED) and method == "POST" else (200, 201, 204)
        if answer.status_code not in expected:
            wrong.append(f"{method} {template}: {answer.status_code} {answer.text[:200]}")
        elif answer.headers.get("content-type", "").startswith("application/json"):
            wrong += [f"{method} {template}{each}" for each in check_text(answer.text)]
            if answer.json().get("value") == []:
                empty.add(f"{method} {template}")
        elif answer.status_code != 204:
            assert answer.text.isdigit(), template
    assert not wrong, "\n".join(sorted(set(wrong)))
    shown = {template for template in empty if not re.search(r"\{cast\}|graph\.|createdObjects|/me/memberOf", template)}
    assert not shown - EMPTY, "\n".join(sorted(shown - EMPTY))


EMPTY = {"GET /groups/{id}/ownedObjects"}
"""Lists that the populated tenant leaves empty: groups own nothing."""


def test_a_wrong_answer_would_be_found() -> None:
    context = {"@odata.context": "https://x/v1.0/$metadata#applications/$entity"}
    (left,) = check({**context, "id": "1", "colour": "red"})
    assert left == ".colour is left over"
    (inner,) = check({**context, "web": {"colour": 1, "redirectUris": []}})
    assert inner == ".web.colour is left over"
    (lost,) = check({**context, "displayName": 5})
    assert lost.startswith(".displayName is lost")
    (unreadable,) = check({**context, "tags": "x"})
    assert "not read as Application" in unreadable
    (unnamed,) = check({"@odata.context": "https://x/v1.0/$metadata#colours"})
    assert "no model is named" in unnamed
