"""Ways to the rows of the authority's table that policies, assertions and grants cause (test_entra_causes.py)."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import jwt

from tests.support.certificate import ClientCertificate
from tests.support.tenant import AZURE_CLI, GRAPH, POWER_BI, SandboxTenant, State

APP = "11111111-aaaa-4bbb-8ccc-000000000001"
SP = "22222222-aaaa-4bbb-8ccc-000000000002"
KEY = "33333333-aaaa-4bbb-8ccc-000000000003"
API = "55555555-aaaa-4bbb-8ccc-000000000005"
API_SP = "66666666-aaaa-4bbb-8ccc-000000000006"
SECRET = "abc8Q~correct-horse-battery-staple-value"
GRAPH_APP = "00000003-0000-0000-c000-000000000000"
POWER_BI_APP = "00000009-0000-0000-c000-000000000000"
ELSEWHERE = "77777777-aaaa-4bbb-8ccc-000000000007"

JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ON_BEHALF = "urn:ietf:params:oauth:grant-type:jwt-bearer"
GITHUB = "https://token.actions.githubusercontent.com"
SUBJECT = "repo:contoso/reports:environment:prod"
EXCHANGE = "api://AzureADTokenExchange"
WEB, SPA, NATIVE = "https://app.contoso.example/auth", "https://spa.contoso.example", "http://localhost"

Answer = httpx.Response
Change = Callable[[State], object]
CERTIFICATE = ClientCertificate()
WEAK = ClientCertificate(1024)


@dataclass(frozen=True)
class Case:
    """One way to a row of the table."""

    cause: str
    act: Callable[[SandboxTenant], Answer]
    stage: Callable[[State], None]


def add_app(state: State, **application: Any) -> None:
    """An app registration with one secret and its service principal."""
    state["applications"].append(
        {
            "id": str(uuid.uuid4()),
            "appId": APP,
            "displayName": "Reports",
            "signInAudience": "AzureADMyOrg",
            "requiredResourceAccess": [],
            "passwordCredentials": [{"keyId": KEY, "secretText": SECRET}],
            **application,
        }
    )
    state["servicePrincipals"].append(
        {"id": SP, "appId": APP, "displayName": "Reports", "accountEnabled": True, "servicePrincipalNames": [APP]}
    )


def staged(change: Change, **application: Any) -> Callable[[State], None]:
    def stage(state: State) -> None:
        add_app(state, **application)
        change(state)

    return stage


def nothing(_state: State) -> None:
    """No more than the app."""


def service_principal(state: State, app_id: str) -> dict[str, Any]:
    return next(each for each in state["servicePrincipals"] if each["appId"] == app_id)


def user_of(state: State, name: str = "developer") -> dict[str, Any]:
    return next(each for each in state["users"] if each["userPrincipalName"].startswith(f"{name}@"))


def on_user(name: str = "developer", **values: Any) -> Change:
    return lambda state: user_of(state, name).update(values)


def both(*changes: Change) -> Change:
    def change(state: State) -> None:
        for each in changes:
            each(state)

    return change


def policy(*controls: str, name: str = "p", operator: str = "OR", on: str = "enabled", **conditions: Any) -> Change:
    """A conditional access policy on all users and all apps, except for what is said otherwise."""
    entry = {
        "id": f"{name}-0000",
        "displayName": name,
        "state": on,
        "conditions": {
            "users": {"includeUsers": ["All"]},
            "applications": {"includeApplications": ["All"]},
            "clientAppTypes": ["all"],
            **conditions,
        },
        "grantControls": {"operator": operator, "builtInControls": list(controls)},
    }
    return lambda state: state["conditionalAccessPolicies"].append(entry)


def for_workloads(*controls: str, **conditions: Any) -> Change:
    """A policy for the workload identities of the tenant."""
    chosen = {"users": None, "clientApplications": {"includeServicePrincipals": ["ServicePrincipalsInMyTenant"]}}
    return policy(*controls, **(chosen | conditions))


def trust(issuer: str = GITHUB, subject: str | None = SUBJECT, audience: str = EXCHANGE, **more: Any) -> dict[str, Any]:
    """A federated identity credential."""
    return {
        "id": str(uuid.uuid4()),
        "name": "ci",
        "issuer": issuer,
        "subject": subject,
        "audiences": [audience],
        **more,
    }


def trusting(*entries: dict[str, Any]) -> Callable[[State], None]:
    return staged(nothing, federatedIdentityCredentials=list(entries or [trust()]))


def granted(state: State, app: str = SP, resource_app: str = GRAPH_APP, scope: str = "User.Read") -> None:
    """Tenant-wide consent."""
    resource = service_principal(state, resource_app)["id"]
    state["oauth2PermissionGrants"].append(
        {
            "id": str(uuid.uuid4()),
            "clientId": app,
            "consentType": "AllPrincipals",
            "principalId": None,
            "resourceId": resource,
            "scope": scope,
        }
    )


def with_role(state: State, principal: str, role: str = "Tenant.Read.All", resource_app: str = POWER_BI_APP) -> None:
    """An app role of a resource, assigned to a user or service principal."""
    resource = service_principal(state, resource_app)
    id_ = next(each["id"] for each in resource["appRoles"] if each["value"] == role)
    state["appRoleAssignments"].append(
        {"id": f"{role} {principal}", "appRoleId": id_, "principalId": principal, "resourceId": resource["id"]}
    )


def add_api(state: State, **application: Any) -> None:
    """An API of one's own with the scope `access_as_user`, a secret, and Azure CLI allowed to call it."""
    state["applications"].append(
        {
            "id": API,
            "appId": API,
            "displayName": "Orders API",
            "identifierUris": ["api://orders"],
            "passwordCredentials": [{"keyId": KEY, "secretText": SECRET}],
            **application,
        }
    )
    state["servicePrincipals"].append(
        {
            "id": API_SP,
            "appId": API,
            "displayName": "Orders API",
            "servicePrincipalNames": [API, "api://orders"],
            "appRoles": [],
            "oauth2PermissionScopes": [{"id": str(uuid.uuid4()), "value": "access_as_user", "isEnabled": True}],
        }
    )
    state["firstPartyClients"][AZURE_CLI][API] = ["access_as_user"]


# requests


def read(token: str) -> dict[str, Any]:
    """The claims of a token, whoever signed it."""
    return dict(jwt.decode(token, options={"verify_signature": False}))


def app_only(sandbox: SandboxTenant, **form: str) -> Answer:
    given = {
        "grant_type": "client_credentials",
        "client_id": APP,
        "client_secret": SECRET,
        "scope": f"{POWER_BI}/.default",
    }
    return sandbox.token(**{name: value for name, value in (given | form).items() if value})


def as_user(sandbox: SandboxTenant, user: str = "developer", **form: str) -> Answer:
    given = {
        "grant_type": "password",
        "client_id": AZURE_CLI,
        "username": user if "@" in user else f"{user}@{sandbox.domain}",
        "password": sandbox.password,
        "scope": f"{POWER_BI}/.default offline_access openid",
    }
    return sandbox.token(**{name: value for name, value in (given | form).items() if value})


def by_device(sandbox: SandboxTenant, user: str = "developer") -> Answer:
    code = sandbox.http.post(
        f"/{sandbox.tenant}/oauth2/v2.0/devicecode",
        data={"client_id": AZURE_CLI, "scope": f"{POWER_BI}/.default offline_access openid"},
    ).json()
    sandbox.approve(code["user_code"], user)
    return sandbox.token(grant_type="device_code", client_id=AZURE_CLI, device_code=code["device_code"])


def refresh(sandbox: SandboxTenant, token: str, **form: str) -> Answer:
    given = {"grant_type": "refresh_token", "client_id": AZURE_CLI, "refresh_token": token}
    return sandbox.token(**(given | {"scope": f"{GRAPH}/.default"} | form))


def after(sandbox: SandboxTenant, between: Callable[[], object], **form: str) -> Answer:
    """Sign in, let something happen, and refresh."""
    first = as_user(sandbox).json()
    between()
    return refresh(sandbox, first["refresh_token"], **form)


def assertion(sandbox: SandboxTenant, issuer: str = GITHUB, subject: str = SUBJECT, **more: Any) -> str:
    """An assertion of an issuer outside."""
    body = {"issuer": issuer, "subject": subject, **more}
    return str(sandbox.control("POST", "assertions", body)["assertion"])


def federated(sandbox: SandboxTenant, **given: Any) -> Answer:
    return by_assertion(sandbox, given.pop("text", "") or assertion(sandbox, **given))


def forged(sandbox: SandboxTenant) -> Answer:
    """Signed by a stranger, under the name of an issuer that is trusted."""
    return by_assertion(sandbox, CERTIFICATE.assertion({"iss": GITHUB, "sub": SUBJECT, "aud": EXCHANGE}))


def by_assertion(sandbox: SandboxTenant, text: str) -> Answer:
    return app_only(sandbox, client_secret="", client_assertion=text, client_assertion_type=JWT_BEARER)


def by_certificate(sandbox: SandboxTenant, certificate: ClientCertificate = CERTIFICATE, **claims: Any) -> Answer:
    audience = f"{sandbox.url}/{sandbox.tenant}/oauth2/v2.0/token"
    return by_assertion(sandbox, certificate.assertion({"iss": APP, "sub": APP, "aud": audience, **claims}))


def public(change: Change = nothing, **application: Any) -> Callable[[State], None]:
    """The app, as one that signs users in without a credential."""
    return staged(change, isFallbackPublicClient=True, **application)


def with_certificate_of(certificate: ClientCertificate) -> Callable[[State], None]:
    return lambda state: with_certificate(state, key=certificate.base64)


def with_certificate(state: State, **times: str) -> None:
    key = {"keyId": KEY, "key": CERTIFICATE.base64, "startDateTime": "2026-01-01T00:00:00Z"}
    add_app(state, keyCredentials=[key | {"endDateTime": "2099-01-01T00:00:00Z"} | times])


def on_behalf(sandbox: SandboxTenant, text: str = "", **form: str) -> Answer:
    """The API calls Power BI for the user who called it."""
    text = text or sandbox.user_token("developer", "api://orders")
    given = {
        "grant_type": ON_BEHALF,
        "requested_token_use": "on_behalf_of",
        "client_id": API,
        "client_secret": SECRET,
        "assertion": text,
        "scope": f"{GRAPH}/User.Read offline_access",
    }
    return sandbox.token(**{name: value for name, value in (given | form).items() if value})


def code_for(sandbox: SandboxTenant, redirect: str = NATIVE, client: str = AZURE_CLI, **query: str) -> str:
    """An authorization code of the user whom the tenant signs in by itself."""
    given = {
        "client_id": client,
        "response_type": "code",
        "redirect_uri": redirect,
        "scope": f"{GRAPH}/User.Read openid offline_access",
        "code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
        "code_challenge_method": "S256",
    }
    answer = sandbox.http.get(f"/{sandbox.tenant}/oauth2/v2.0/authorize", params=given | query)
    assert answer.status_code == 302, answer.text
    location = urlsplit(answer.headers["location"])
    return parse_qs(location.query or location.fragment)["code"][0]


def redeem(sandbox: SandboxTenant, redirect: str = NATIVE, client: str = AZURE_CLI, **form: str) -> Answer:
    origin = form.pop("origin", "")
    given = {
        "grant_type": "authorization_code",
        "client_id": client,
        "redirect_uri": redirect,
        "code_verifier": "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
        "code": form.pop("code", "") or code_for(sandbox, redirect, client),
    }
    headers = {"Origin": origin} if origin else {}
    return sandbox.http.post(f"/{sandbox.tenant}/oauth2/v2.0/token", data=given | form, headers=headers)


def signing_in(state: State) -> None:
    """An app with a reply address of each kind that may read the user's profile."""
    add_app(
        state,
        web={"redirectUris": [WEB]},
        spa={"redirectUris": [SPA]},
        publicClient={"redirectUris": [NATIVE]},
    )
    granted(state, scope="User.Read openid offline_access profile")


def spa_token(sandbox: SandboxTenant) -> str:
    """The refresh token of a page in a browser."""
    answer = redeem(sandbox, SPA, APP, origin=SPA)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["refresh_token"])


def late_spa_refresh(sandbox: SandboxTenant) -> Answer:
    token = spa_token(sandbox)
    sandbox.advance(86_401)
    form = {"grant_type": "refresh_token", "client_id": APP, "refresh_token": token, "scope": f"{GRAPH}/User.Read"}
    return sandbox.http.post(f"/{sandbox.tenant}/oauth2/v2.0/token", data=form, headers={"Origin": SPA})


def at(sandbox: SandboxTenant, tenant: str, **form: str) -> Answer:
    given = {"grant_type": "client_credentials", "client_id": APP, "scope": f"{POWER_BI}/.default", **form}
    return sandbox.http.post(f"/{tenant}/oauth2/v2.0/token", data=given)


def ambiguous(sandbox: SandboxTenant) -> Answer:
    form = {"client_id": APP, "grant_type": "client_credentials"}
    return sandbox.http.post(f"/{sandbox.tenant}/oauth2/v2.0/token", data=form, auth=(AZURE_CLI, "x"))


def expired_on_behalf(sandbox: SandboxTenant) -> Answer:
    text = sandbox.user_token("developer", "api://orders")
    sandbox.advance(7200)
    return on_behalf(sandbox, text)


def id_token_on_behalf(sandbox: SandboxTenant) -> Answer:
    signed_in = redeem(sandbox, WEB, APP, client_secret=SECRET).json()
    return on_behalf(sandbox, signed_in["id_token"], client_id=APP)


def user_token_for_exchange(sandbox: SandboxTenant) -> Answer:
    """A user's token, where only the token of a managed identity will do."""
    return federated(sandbox, text=sandbox.user_token("developer", EXCHANGE))


def trusting_the_tenant(state: State) -> None:
    issuer = f"https://login.microsoftonline.com/{state['tenant']['id']}/v2.0"
    trusting(trust(issuer=issuer))(state)
    add_api(state, api={"requestedAccessTokenVersion": 2})
    service_principal(state, API)["servicePrincipalNames"].append(EXCHANGE)


def api_and(change: Change = nothing) -> Callable[[State], None]:
    return staged(both(add_api, change))


def required(app_id: str) -> Change:
    return lambda state: service_principal(state, app_id).update(appRoleAssignmentRequired=True)


def hourly(unit: str, value: int) -> Change:
    """A policy that asks for a new sign-in after a while."""
    control = {"isEnabled": True, "type": unit, "value": value, "frequencyInterval": "timeBased"}
    return both(
        policy("mfa", "compliantDevice"),
        lambda state: state["conditionalAccessPolicies"][0].update(
            sessionControls={"signInFrequency": control}, grantControls=None
        ),
    )


ADMINS = {"includeUsers": [], "includeRoles": ["62e90394-69f5-4237-9190-012177145e10"]}

POLICY_CASES = [
    Case("blocked_by_policy", as_user, staged(policy("block"))),
    Case("blocked_by_policy", by_device, staged(policy("block", authenticationFlows={"transferMethods": "deviceCodeFlow"}))),
    Case("blocked_by_policy", app_only, staged(for_workloads("block"))),
    Case("blocked_by_policy", as_user, staged(policy("riskRemediation"))),
    Case("device_flow_blocked", by_device, staged(policy("compliantDevice"))),
    Case("mfa_required", as_user, staged(policy("mfa"))),
    Case("mfa_required", as_user, staged(policy("mfa", "compliantDevice"))),
    Case("mfa_required", lambda s: as_user(s, "admin"), staged(policy("mfa", users=ADMINS))),
    Case("mfa_required", lambda s: as_user(s, "admin"), staged(lambda s: s["policies"].update(securityDefaults=True))),
    Case("mfa_required", lambda s: after(s, lambda: s.put_state(policy("mfa"))), add_app),
    Case("mfa_not_registered", as_user, staged(both(policy("mfa"), on_user(_mfaRegistered=False)))),
    Case("device_not_compliant", as_user, staged(policy("mfa", "compliantDevice", operator="AND"))),
    Case("device_not_joined", as_user, staged(policy("domainJoinedDevice"))),
    Case("app_not_approved", as_user, staged(policy("approvedApplication"))),
    Case("app_not_protected", as_user, staged(policy("compliantApplication"))),
    Case("password_change_demanded", as_user, staged(policy("passwordChange"))),
    Case(
        "external_challenge",
        as_user,
        staged(both(policy(), lambda s: s["conditionalAccessPolicies"][0]["grantControls"].update(termsOfUse=["t"]))),
    ),
    Case("guest_disabled", as_user, staged(on_user(userType="Guest", accountEnabled=False))),
    Case("sign_in_too_old", lambda s: after(s, lambda: s.advance(7_300)), staged(hourly("hours", 2))),
    Case("sign_in_too_old", lambda s: after(s, lambda: s.advance(200_000)), staged(hourly("days", 2))),
    Case("user_not_assigned", as_user, staged(required(POWER_BI_APP))),
    Case("user_not_assigned", as_user, staged(required(AZURE_CLI))),
    Case("password_expired", as_user, staged(on_user(passwordProfile={"forceChangePasswordNextSignIn": True}))),
    Case(
        "password_expired",
        as_user,
        staged(
            both(
                on_user(lastPasswordChangeDateTime="2020-01-01T00:00:00Z"),
                lambda s: s["policies"].update(passwordValidityPeriodInDays=90),
            )
        ),
    ),
]  # fmt: skip

TOKEN_CASES = [
    Case("two_client_ids", ambiguous, add_app),
    Case("claims_malformed", lambda s: app_only(s, claims="{"), add_app),
    Case("scope_malformed", lambda s: app_only(s, scope="/.default"), add_app),
    Case("scope_malformed", lambda s: app_only(s, scope=f"{GRAPH}/"), add_app),
    Case("tenant_other_cloud", lambda s: at(s, ELSEWHERE), staged(lambda s: s.update(otherClouds={ELSEWHERE: "usgov"}))),
    Case(
        "confidential_across_clouds",
        lambda s: at(s, ELSEWHERE, client_secret=SECRET),
        staged(lambda s: s.update(otherClouds={ELSEWHERE: "china"})),
    ),
    Case("client_work_accounts_only", lambda s: at(s, "consumers"), add_app),
    Case("client_personal_accounts_only", app_only, staged(nothing, signInAudience="PersonalMicrosoftAccount")),
    Case(
        "password_grant_on_common",
        lambda s: at(s, "common", grant_type="password", username="a@b.example", password="x"),
        staged(nothing, signInAudience="AzureADMultipleOrgs", isFallbackPublicClient=True),
    ),
    Case(
        "client_disabled",
        app_only,
        staged(nothing, disabledByMicrosoftStatus="DisabledDueToViolationOfServicesAgreement"),
    ),
    Case("public_client_with_credential", lambda s: as_user(s, client_secret="x"), add_app),
    Case("public_client_with_credential", lambda s: redeem(s, NATIVE, APP, client_secret=SECRET), signing_in),
    Case("two_credentials", lambda s: app_only(s, client_assertion="x.y.z", client_assertion_type=JWT_BEARER), add_app),
    Case("no_keys_registered", by_certificate, add_app),
    Case("assertion_subject_differs", lambda s: by_certificate(s, sub="else"), with_certificate),
    Case("assertion_signature_wrong", forged, trusting()),
    Case("weak_key", lambda s: by_certificate(s, WEAK), with_certificate_of(WEAK)),
    Case("no_federated_credential", federated, add_app),
    Case("federated_issuer_unknown", federated, trusting(trust(issuer=f"{GITHUB}/"))),
    Case("federated_subject_unknown", federated, trusting(trust(subject="repo:contoso/reports:ref:refs/heads/main"))),
    Case(
        "federated_subject_unknown",
        federated,
        trusting(trust(subject=None, claimsMatchingExpression={"value": "claims['sub'] matches 'repo:fabrikam/*'"})),
    ),
    Case("federated_subject_case", federated, trusting(trust(subject=SUBJECT.replace("contoso", "Contoso")))),
    Case("federated_audience_unknown", federated, trusting(trust(audience="api://AzureADTokenExchangeChina"))),
    Case("federated_token_of_user", user_token_for_exchange, trusting_the_tenant),
    Case("user_assertion_invalid", lambda s: on_behalf(s, s.user_token("developer", GRAPH)), api_and()),
    Case("user_assertion_invalid", lambda s: on_behalf(s, CERTIFICATE.assertion({"aud": API})), api_and()),
    Case("user_assertion_other_audience", lambda s: on_behalf(s, s.user_token("developer", POWER_BI)), api_and()),
    Case("user_assertion_expired", expired_on_behalf, api_and()),
    Case("user_assertion_of_app", lambda s: on_behalf(s, s.app_token(APP, SECRET, "api://orders")), api_and()),
    Case("id_token_as_assertion", id_token_on_behalf, signing_in),
    Case("cross_origin_not_spa", lambda s: redeem(s, NATIVE, APP, origin=SPA), signing_in),
    Case("spa_not_cross_origin", lambda s: redeem(s, SPA, APP), signing_in),
    Case("password_none", as_user, staged(lambda s: user_of(s).pop("_passwordHash"))),
    Case("guest_pending", as_user, staged(on_user(userType="Guest", externalUserState="PendingAcceptance"))),
    Case(
        "grant_revoked",
        lambda s: after(s, lambda: s.put_state(on_user(signInSessionsValidFromDateTime="2098-01-01T00:00:00Z"))),
        add_app,
    ),
    Case(
        "grant_revoked",
        lambda s: after(s, lambda: s.put_state(on_user(lastPasswordChangeDateTime="2098-01-01T00:00:00Z"))),
        add_app,
    ),
    Case("spa_token_expired", late_spa_refresh, signing_in),
]  # fmt: skip


def challenge_of(answer: Answer) -> dict[str, Any]:
    """The `claims` of a refusal, which a client passes back."""
    return dict(json.loads(answer.json()["claims"]))
