"""Every row of the authority's table of errors, reached over HTTP by the state or the request that causes it."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from pbisetup.sandbox.entra.causes import CAUSES
from tests.support.certificate import ClientCertificate
from tests.support.tenant import AZURE_CLI, GRAPH, POWER_BI, SandboxTenant, State

APP = "11111111-aaaa-4bbb-8ccc-000000000001"
SP = "22222222-aaaa-4bbb-8ccc-000000000002"
KEY = "33333333-aaaa-4bbb-8ccc-000000000003"
SECRET = "abc8Q~correct-horse-battery-staple-value"
GRAPH_APP = "00000003-0000-0000-c000-000000000000"
POWER_BI_APP = "00000009-0000-0000-c000-000000000000"

Answer = httpx.Response
CERTIFICATE = ClientCertificate()


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


def service_principal(state: State, app_id: str) -> dict[str, Any]:
    return next(each for each in state["servicePrincipals"] if each["appId"] == app_id)


def app_only(sandbox: SandboxTenant, **form: str) -> Answer:
    given = {
        "grant_type": "client_credentials",
        "client_id": APP,
        "client_secret": SECRET,
        "scope": f"{POWER_BI}/.default",
    }
    return sandbox.token(**{name: value for name, value in (given | form).items() if value})


def with_certificate(state: State, start: str = "2026-01-01T00:00:00Z", end: str = "2099-01-01T00:00:00Z") -> None:
    key = {"keyId": KEY, "key": CERTIFICATE.base64, "startDateTime": start, "endDateTime": end}
    add_app(state, keyCredentials=[key])


def by_assertion(sandbox: SandboxTenant, assertion: str = "", **claims: Any) -> Answer:
    audience = f"{sandbox.url}/{sandbox.tenant}/oauth2/v2.0/token"
    assertion = assertion or CERTIFICATE.assertion({"iss": APP, "sub": APP, "aud": audience, **claims})
    return app_only(sandbox, client_secret="", client_assertion=assertion)


def as_user(sandbox: SandboxTenant, **form: str) -> Answer:
    given = {
        "grant_type": "password",
        "client_id": APP,
        "username": f"developer@{sandbox.domain}",
        "password": sandbox.password,
        "scope": f"{POWER_BI}/.default",
    }
    return sandbox.token(**{name: value for name, value in (given | form).items() if value})


def poll(sandbox: SandboxTenant, before: Callable[[dict[str, Any]], object] = lambda _: None) -> Answer:
    """Ask for a device code, let something happen, and poll once."""
    sandbox.put_state(lambda state: state.update(auto_approve=None))
    code = sandbox.http.post(
        f"/{sandbox.tenant}/oauth2/v2.0/devicecode", data={"client_id": AZURE_CLI, "scope": f"{GRAPH}/.default"}
    ).json()
    before(code)
    return sandbox.token(
        grant_type="urn:ietf:params:oauth:grant-type:device_code",
        client_id=AZURE_CLI,
        device_code=code["device_code"],
    )


def refreshed(sandbox: SandboxTenant, before: Callable[[], object] = lambda: None, token: str = "") -> Answer:
    first = as_user(sandbox, client_id=AZURE_CLI, scope=f"{GRAPH}/.default offline_access").json()
    before()
    return sandbox.token(
        grant_type="refresh_token",
        client_id=AZURE_CLI,
        refresh_token=token or first["refresh_token"],
        scope=f"{GRAPH}/.default",
    )


@dataclass(frozen=True)
class Case:
    """One way to a row of the table."""

    cause: str
    act: Callable[[SandboxTenant], Answer]
    stage: Callable[[State], None] = add_app


def staged(change: Callable[[State], object], **application: Any) -> Callable[[State], None]:
    def stage(state: State) -> None:
        add_app(state, **application)
        change(state)

    return stage


def public(change: Callable[[State], object] = lambda _: None, **application: Any) -> Callable[[State], None]:
    return staged(change, isFallbackPublicClient=True, **application)


def expired(state: State) -> None:
    state["applications"][-1]["passwordCredentials"][0] |= {
        "startDateTime": "2024-01-01T00:00:00Z",
        "endDateTime": "2025-01-01T00:00:00Z",
    }


def disable(app_id: str) -> Callable[[State], object]:
    return lambda state: service_principal(state, app_id).update(accountEnabled=False)


def disable_user(state: State) -> None:
    next(u for u in state["users"] if u["displayName"] == "Dana Developer")["accountEnabled"] = False


def other_tenant(sandbox: SandboxTenant, name: str) -> Answer:
    return sandbox.http.post(f"/{name}/oauth2/v2.0/token", data={"grant_type": "client_credentials"})


def multi_tenant(sandbox: SandboxTenant) -> Answer:
    form = {"grant_type": "client_credentials", "client_id": APP, "client_secret": SECRET, "scope": "x/.default"}
    return sandbox.http.post("/organizations/oauth2/v2.0/token", data=form)


CASES = [
    Case("parameter_missing", lambda s: app_only(s, scope="")),
    Case("parameter_missing", lambda s: app_only(s, client_id="")),
    Case("parameter_missing", lambda s: app_only(s, grant_type="")),
    Case("not_a_form", lambda s: s.http.post(f"/{s.tenant}/oauth2/v2.0/token", content=b"\xff\xfe=\xff")),
    Case("post_only", lambda s: s.http.get(f"/{s.tenant}/oauth2/v2.0/token")),
    Case("grant_type_unknown", lambda s: app_only(s, grant_type="magic")),
    Case("resource_on_v2", lambda s: app_only(s, resource=POWER_BI)),
    Case("tenant_unknown", lambda s: other_tenant(s, str(uuid.uuid4()))),
    Case("tenant_unknown", lambda s: other_tenant(s, "fabrikam.onmicrosoft.com")),
    Case("tenant_unknown_discovery", lambda s: s.http.get(f"/{uuid.uuid4()}/v2.0/.well-known/openid-configuration")),
    Case("tenant_malformed", lambda s: other_tenant(s, "undefined")),
    Case("tenant_not_inferred", multi_tenant, staged(lambda _: None, signInAudience="AzureADMultipleOrgs")),
    Case(
        "instance_unknown",
        lambda s: s.http.get(
            "/common/discovery/instance", params={"authorization_endpoint": "https://login.example.com/x"}
        ),
    ),
    Case("client_id_null", lambda s: app_only(s, client_id="00000000-0000-0000-0000-000000000000")),
    Case("client_unknown", lambda s: app_only(s, client_id=str(uuid.uuid4()))),
    Case("client_unknown", lambda s: app_only(s, client_id=SP)),
    Case("client_unknown", multi_tenant),
    Case("client_disabled", app_only, staged(disable(APP))),
    Case("client_disabled", app_only, staged(lambda _: None, isDisabled=True)),
    Case("service_principal_missing", app_only, staged(lambda s: s["servicePrincipals"].pop())),
    Case("secret_wrong", lambda s: app_only(s, client_secret="wrong")),
    Case("secret_wrong", lambda s: app_only(s, client_secret=KEY)),
    Case("secret_expired", app_only, staged(expired)),
    Case("credential_missing_app_only", lambda s: app_only(s, client_secret="")),
    Case("credential_missing", as_user),
    Case("assertion_malformed", lambda s: by_assertion(s, "x.y.z"), with_certificate),
    Case("assertion_malformed", lambda s: by_assertion(s, aud="https://example.com/other"), with_certificate),
    Case("assertion_key_unknown", by_assertion),
    Case("assertion_not_the_clients", lambda s: by_assertion(s, iss="else"), with_certificate),
    Case("assertion_expired", lambda s: by_assertion(s, exp=1_700_000_000), with_certificate),
    Case(
        "certificate_expired",
        by_assertion,
        lambda s: with_certificate(s, start="2024-01-01T00:00:00Z", end="2025-01-01T00:00:00Z"),
    ),
    Case("scope_not_default", lambda s: app_only(s, scope=f"{POWER_BI}/Report.Read.All")),
    Case("scope_not_default", lambda s: app_only(s, scope="openid")),
    Case("several_resources", lambda s: app_only(s, scope=f"{POWER_BI}/.default {GRAPH}/.default")),
    Case("resource_unknown", lambda s: app_only(s, scope="https://high.analysis.usgovcloudapi.net/.default")),
    Case("resource_disabled", app_only, staged(disable(POWER_BI_APP))),
    Case(
        "assignment_required",
        app_only,
        staged(lambda s: service_principal(s, POWER_BI_APP).update(appRoleAssignmentRequired=True)),
    ),
    Case("resource_not_required", as_user, public()),
    Case("scope_unknown", lambda s: as_user(s, scope=f"{POWER_BI}/Report.Raed.All"), public()),
    Case("consent_missing", lambda s: as_user(s, scope=f"{POWER_BI}/Report.Read.All"), public()),
    Case(
        "consent_missing",
        as_user,
        public(requiredResourceAccess=[{"resourceAppId": POWER_BI_APP, "resourceAccess": []}]),
    ),
    Case("first_party_not_preauthorized", lambda s: as_user(s, client_id=AZURE_CLI, scope=f"{GRAPH}/Policy.Read.All")),
    Case("user_disabled", lambda s: as_user(s, client_id=AZURE_CLI), staged(disable_user)),
    Case("user_unknown", lambda s: as_user(s, client_id=AZURE_CLI, username=f"nobody@{s.domain}")),
    Case("password_wrong", lambda s: as_user(s, client_id=AZURE_CLI, password="wrong")),
    Case("device_pending", poll),
    Case("device_code_expired", lambda s: poll(s, lambda _: s.advance(901))),
    Case(
        "device_declined",
        lambda s: poll(s, lambda c: s.control("POST", f"devicecodes/{c['user_code']}", {"decline": True})),
    ),
    Case(
        "device_code_unknown",
        lambda s: s.token(grant_type="device_code", client_id=AZURE_CLI, device_code="never-issued"),
    ),
    Case("refresh_token_invalid", lambda s: refreshed(s, token="1.e30.AAAA")),
    Case("refresh_token_invalid", lambda s: refreshed(s, token="garbage")),
    Case("refresh_token_expired", lambda s: refreshed(s, lambda: s.advance(91 * 86_400))),
]


@pytest.mark.parametrize("case", CASES, ids=[case.cause for case in CASES])
def test_cause(case: Case, sandbox: SandboxTenant) -> None:
    sandbox.put_state(case.stage)
    answer = case.act(sandbox)
    row = CAUSES[case.cause]
    assert (answer.status_code, answer.json()["error"], answer.json()["error_codes"]) == (
        row.status,
        row.error,
        [row.code],
    ), answer.text
    assert answer.json()["error_description"].startswith(f"AADSTS{row.code}: ")
    assert "{" not in answer.json()["error_description"]
    assert answer.json().get("suberror") == row.suberror
    assert ("error_uri" in answer.json()) == row.error_uri


def test_every_row_has_a_case() -> None:
    assert {case.cause for case in CASES} == set(CAUSES)


def test_the_shape_of_an_error(sandbox: SandboxTenant) -> None:
    mine = str(uuid.uuid4())
    answer = sandbox.http.post(
        f"/{sandbox.tenant}/oauth2/v2.0/token", data={}, headers={"client-request-id": mine, "accept": "*/*"}
    )
    body = answer.json()
    assert body["correlation_id"] == mine == answer.headers["client-request-id"]
    assert body["error_description"].endswith(
        f" Trace ID: {body['trace_id']} Correlation ID: {mine} Timestamp: {body['timestamp']}"
    )
    assert answer.headers["cache-control"] == "no-store, no-cache"
    in_query = sandbox.http.post(f"/{sandbox.tenant}/oauth2/v2.0/token", params={"client-request-id": mine})
    assert in_query.json()["correlation_id"] == mine
    garbled = sandbox.http.post(f"/{sandbox.tenant}/oauth2/v2.0/token", headers={"client-request-id": "x"})
    assert uuid.UUID(garbled.json()["correlation_id"])
