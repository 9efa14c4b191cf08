"""Every row of the authority's table of errors, reached over HTTP by the state or the request that causes it."""

from __future__ import annotations

import csv
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pbisetup.sandbox.entra.browser_causes import BROWSER_CAUSES
from pbisetup.sandbox.entra.causes import CAUSES
from tests.sandbox.entra_cases import (
    APP,
    KEY,
    POLICY_CASES,
    POWER_BI_APP,
    SECRET,
    SP,
    TOKEN_CASES,
    Answer,
    Case,
    add_app,
    app_only,
    as_user,
    by_assertion,
    by_certificate,
    public,
    service_principal,
    staged,
    with_certificate,
)
from tests.support.certificate import ClientCertificate
from tests.support.tenant import AZURE_CLI, GRAPH, POWER_BI, SandboxTenant, State


def through_app(sandbox: SandboxTenant, **form: str) -> Answer:
    """The developer signs in to the app itself."""
    return as_user(sandbox, **({"client_id": APP, "scope": f"{POWER_BI}/.default"} | form))


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
    first = as_user(sandbox, scope=f"{GRAPH}/.default offline_access").json()
    before()
    return sandbox.token(
        grant_type="refresh_token",
        client_id=AZURE_CLI,
        refresh_token=token or first["refresh_token"],
        scope=f"{GRAPH}/.default",
    )


def moved(sandbox: SandboxTenant) -> Answer:
    """A refresh token at another tenant than the one that issued it, with the same keys as all of Entra has."""
    given = as_user(sandbox, scope=f"{GRAPH}/.default offline_access").json()["refresh_token"]
    sandbox.put_state(lambda state: state["tenant"].update(id=str(uuid.uuid4())))
    form = {"grant_type": "refresh_token", "client_id": AZURE_CLI, "refresh_token": given, "scope": f"{GRAPH}/.default"}
    return sandbox.http.post(f"/{sandbox.domain}/oauth2/v2.0/token", data=form)


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


def case(cause: str, act: Callable[[SandboxTenant], Answer], stage: Callable[[State], None] = add_app) -> Case:
    return Case(cause, act, stage)


CASES = [
    case("parameter_missing", lambda s: app_only(s, scope="")),
    case("parameter_missing", lambda s: app_only(s, client_id="")),
    case("parameter_missing", lambda s: app_only(s, grant_type="")),
    case("not_a_form", lambda s: s.http.post(f"/{s.tenant}/oauth2/v2.0/token", content=b"\xff\xfe=\xff")),
    case("post_only", lambda s: s.http.get(f"/{s.tenant}/oauth2/v2.0/token")),
    case("grant_type_unknown", lambda s: app_only(s, grant_type="magic")),
    case("resource_on_v2", lambda s: app_only(s, resource=POWER_BI)),
    case("tenant_unknown", lambda s: other_tenant(s, str(uuid.uuid4()))),
    case("tenant_unknown", lambda s: other_tenant(s, "fabrikam.onmicrosoft.com")),
    case("tenant_unknown_discovery", lambda s: s.http.get(f"/{uuid.uuid4()}/v2.0/.well-known/openid-configuration")),
    case("tenant_malformed", lambda s: other_tenant(s, "undefined")),
    case("tenant_not_inferred", multi_tenant, staged(lambda _: None, signInAudience="AzureADMultipleOrgs")),
    case(
        "instance_unknown",
        lambda s: s.http.get(
            "/common/discovery/instance", params={"authorization_endpoint": "https://login.example.com/x"}
        ),
    ),
    case("client_id_null", lambda s: app_only(s, client_id="00000000-0000-0000-0000-000000000000")),
    case("client_unknown", lambda s: app_only(s, client_id=str(uuid.uuid4()))),
    case("client_unknown", lambda s: app_only(s, client_id=SP)),
    case("client_unknown", multi_tenant),
    case("client_disabled", app_only, staged(disable(APP))),
    case("client_disabled", app_only, staged(lambda _: None, isDisabled=True)),
    case("service_principal_missing", app_only, staged(lambda s: s["servicePrincipals"].pop())),
    case("secret_wrong", lambda s: app_only(s, client_secret="wrong")),
    case("secret_wrong", lambda s: app_only(s, client_secret=KEY)),
    case("secret_expired", app_only, staged(expired)),
    case("credential_missing_app_only", lambda s: app_only(s, client_secret="")),
    case("credential_missing", through_app),
    case("assertion_malformed", lambda s: by_assertion(s, "x.y.z"), with_certificate),
    case("assertion_other_audience", lambda s: by_certificate(s, aud="https://example.com/other"), with_certificate),
    case("assertion_key_unknown", lambda s: by_certificate(s, ClientCertificate()), with_certificate),
    case("assertion_not_the_clients", lambda s: by_certificate(s, iss="else"), with_certificate),
    case("assertion_expired", lambda s: by_certificate(s, exp=1_700_000_000), with_certificate),
    case(
        "certificate_expired",
        by_certificate,
        lambda s: with_certificate(s, startDateTime="2024-01-01T00:00:00Z", endDateTime="2025-01-01T00:00:00Z"),
    ),
    case("scope_not_default", lambda s: app_only(s, scope=f"{POWER_BI}/Report.Read.All")),
    case("scope_not_default", lambda s: app_only(s, scope="openid")),
    case("several_resources", lambda s: app_only(s, scope=f"{POWER_BI}/.default {GRAPH}/.default")),
    case("resource_unknown", lambda s: app_only(s, scope="https://high.analysis.usgovcloudapi.net/.default")),
    case("resource_disabled", app_only, staged(disable(POWER_BI_APP))),
    case(
        "assignment_required",
        app_only,
        staged(lambda s: service_principal(s, POWER_BI_APP).update(appRoleAssignmentRequired=True)),
    ),
    case("resource_not_required", through_app, public()),
    case("scope_unknown", lambda s: through_app(s, scope=f"{POWER_BI}/Report.Raed.All"), public()),
    case("consent_missing", lambda s: through_app(s, scope=f"{POWER_BI}/Report.Read.All"), public()),
    case(
        "consent_missing",
        through_app,
        public(requiredResourceAccess=[{"resourceAppId": POWER_BI_APP, "resourceAccess": []}]),
    ),
    case("first_party_not_preauthorized", lambda s: as_user(s, scope=f"{GRAPH}/Policy.Read.All")),
    case("user_disabled", as_user, staged(disable_user)),
    case("user_unknown", lambda s: as_user(s, username=f"nobody@{s.domain}")),
    case("password_wrong", lambda s: as_user(s, password="wrong")),
    case("device_pending", poll),
    case("device_code_expired", lambda s: poll(s, lambda _: s.advance(901))),
    case(
        "device_declined",
        lambda s: poll(s, lambda c: s.control("POST", f"devicecodes/{c['user_code']}", {"decline": True})),
    ),
    case(
        "device_code_unknown",
        lambda s: s.token(grant_type="device_code", client_id=AZURE_CLI, device_code="never-issued"),
    ),
    case("refresh_token_invalid", lambda s: refreshed(s, token="1.e30.AAAA")),
    case("refresh_token_invalid", lambda s: refreshed(s, token="garbage")),
    case("user_of_another_tenant", moved),
    case("refresh_token_expired", lambda s: refreshed(s, lambda: s.advance(91 * 86_400))),
    *POLICY_CASES,
    *TOKEN_CASES,
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
    said = answer.json()["error_description"].replace("{EmailHidden}", "")  # the service itself leaves that in
    assert "{" not in said
    assert answer.json().get("suberror") == row.suberror
    assert ("error_uri" in answer.json()) == row.error_uri


def test_every_row_has_a_case() -> None:
    # The browser's rows have their own cases (test_browser_causes.py).
    assert {case.cause for case in CASES} - set(BROWSER_CAUSES) == set(CAUSES) - set(BROWSER_CAUSES)


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


COVERAGE = Path(__file__).with_name("aadsts_coverage.tsv")
DECISIONS = {
    "state": "arises from state or request here; the detail names the rows of the table",
    "instead": "the same situation is told under the number in the detail",
    "fault": "a failure of the service itself; the detail says how to stage it",
    "absent": "does not occur here; the detail says why",
}


def decisions() -> dict[int, tuple[str, str]]:
    """What was decided of each published number."""
    with COVERAGE.open(encoding="utf-8", newline="") as file:
        return {int(row["code"]): (row["decision"], row["detail"]) for row in csv.DictReader(file, delimiter="\t")}


def test_every_published_number_has_a_decision_that_holds() -> None:
    decided = decisions()
    keys: dict[int, set[str]] = {}
    for key, cause in CAUSES.items():
        keys.setdefault(cause.code, set()).add(key)
    assert {decision for decision, _ in decided.values()} == set(DECISIONS)
    assert {number for number, (decision, _) in decided.items() if decision == "state"} == set(keys)
    for number, (decision, detail) in decided.items():
        assert detail, number
        if decision == "state":
            assert set(detail.split()) == keys[number], number
        if decision == "instead":
            assert int(detail) in keys, number
