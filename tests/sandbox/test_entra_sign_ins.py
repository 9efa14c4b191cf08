"""The sign-in log: every answer of the token endpoint leaves its entry, as Graph's beta `signIn` shows it."""

from __future__ import annotations

import json
import uuid
from datetime import datetime
from typing import Any

from tests.sandbox.browsing import APP as BROWSER_APP
from tests.sandbox.browsing import REDIRECT, Person, by_hand, done
from tests.sandbox.browsing import add_app as add_browser_app
from tests.sandbox.entra_cases import (
    APP,
    KEY,
    SECRET,
    SP,
    add_app,
    app_only,
    as_user,
    both,
    by_certificate,
    by_device,
    federated,
    for_workloads,
    policy,
    read,
    redeem,
    refresh,
    staged,
    trust,
    trusting,
    with_certificate,
)
from tests.sandbox.test_entra_managed_identity import SYSTEM, machine, two_identities
from tests.support.tenant import POWER_BI, SandboxTenant


def log(sandbox: SandboxTenant) -> list[dict[str, Any]]:
    return list(sandbox.state()["signIns"])


def last(sandbox: SandboxTenant) -> dict[str, Any]:
    return log(sandbox)[-1]


def test_an_app_that_signs_in_with_a_secret(sandbox: SandboxTenant) -> None:
    sandbox.put_state(add_app)
    mine = str(uuid.uuid4())
    answer = sandbox.http.post(
        f"/{sandbox.tenant}/oauth2/v2.0/token",
        data={
            "grant_type": "client_credentials",
            "client_id": APP,
            "client_secret": SECRET,
            "scope": f"{POWER_BI}/.default",
        },
        headers={"client-request-id": mine},
    )
    token = read(answer.json()["access_token"])
    entry = last(sandbox)
    assert entry["signInEventTypes"] == ["servicePrincipal"]
    assert (entry["appId"], entry["servicePrincipalId"], entry["servicePrincipalName"]) == (APP, SP, "Reports")
    assert (entry["clientCredentialType"], entry["servicePrincipalCredentialKeyId"]) == ("clientSecret", KEY)
    assert entry["resourceDisplayName"] == "Power BI Service"
    assert entry["status"]["errorCode"] == 0
    assert (entry["correlationId"], entry["uniqueTokenIdentifier"]) == (mine, token["uti"])
    assert entry["isInteractive"] is False
    assert datetime.fromisoformat(entry["createdDateTime"])


def test_a_refusal_is_logged_with_its_number_and_the_id_that_the_client_saw(sandbox: SandboxTenant) -> None:
    sandbox.put_state(add_app)
    refused = app_only(sandbox, client_secret="wrong").json()
    entry = last(sandbox)
    assert entry["status"]["errorCode"] == 7000215
    assert "Invalid client secret" in entry["status"]["failureReason"]
    assert (entry["id"], entry["correlationId"]) == (refused["trace_id"], refused["correlation_id"])
    assert entry["uniqueTokenIdentifier"] is None


def test_what_the_directory_does_not_know_is_not_logged(sandbox: SandboxTenant) -> None:
    app_only(sandbox, client_id=str(uuid.uuid4()))
    as_user(sandbox, "nobody")
    sandbox.token()
    assert log(sandbox) == []


def test_each_kind_of_credential_is_told_apart(sandbox: SandboxTenant) -> None:
    sandbox.put_state(with_certificate)
    by_certificate(sandbox)
    entry = last(sandbox)
    assert entry["clientCredentialType"] == "clientAssertion"
    assert len(entry["servicePrincipalCredentialThumbprint"]) == 40
    sandbox.reset()
    credential = trust()
    sandbox.put_state(trusting(credential))
    federated(sandbox)
    entry = last(sandbox)
    assert entry["clientCredentialType"] == "federatedIdentityCredential"
    assert entry["federatedCredentialId"] == credential["id"]


def test_a_managed_identity_has_its_own_kind_of_event(sandbox: SandboxTenant) -> None:
    sandbox.put_state(two_identities)
    machine(sandbox)
    machine(sandbox, resource="api://missing")
    first, second = log(sandbox)
    assert first["signInEventTypes"] == second["signInEventTypes"] == ["managedIdentity"]
    assert first["servicePrincipalId"] == SYSTEM
    assert second["status"]["errorCode"] == 500011


def test_a_users_sign_ins_and_refreshes(sandbox: SandboxTenant) -> None:
    first = by_device(sandbox).json()
    refresh(sandbox, first["refresh_token"])
    redeem(sandbox)
    as_user(sandbox, password="wrong")
    kinds = [
        (entry["signInEventTypes"][0], entry["authenticationProtocol"], entry["isInteractive"], entry["status"]["errorCode"])
        for entry in log(sandbox)
    ]  # fmt: skip
    assert kinds == [
        ("interactiveUser", "deviceCode", True, 0),
        ("nonInteractiveUser", "none", False, 0),
        ("interactiveUser", "oAuth2", True, 0),
        ("nonInteractiveUser", "oAuth2", False, 0),
        ("interactiveUser", "ropc", True, 50126),
    ]
    assert last(sandbox)["userPrincipalName"] == f"developer@{sandbox.domain}"


def test_waiting_for_a_device_code_is_no_sign_in(sandbox: SandboxTenant) -> None:
    sandbox.put_state(lambda state: state.update(auto_approve=None))
    code = sandbox.http.post(
        f"/{sandbox.tenant}/oauth2/v2.0/devicecode",
        data={"client_id": "04b07795-8ddb-461a-bbee-02f9e1bf7b46", "scope": f"{POWER_BI}/.default"},
    ).json()
    sandbox.token(
        grant_type="device_code", client_id="04b07795-8ddb-461a-bbee-02f9e1bf7b46", device_code=code["device_code"]
    )
    assert log(sandbox) == []


def test_the_policies_that_applied_are_told_with_what_came_of_them(sandbox: SandboxTenant) -> None:
    sandbox.put_state(
        both(
            policy("mfa", name="all"),
            policy("block", name="report", on="enabledForReportingButNotEnforced"),
            policy("block", name="off", on="disabled"),
        )
    )
    as_user(sandbox)
    entry = last(sandbox)
    assert entry["conditionalAccessStatus"] == "failure"
    assert {each["displayName"]: each["result"] for each in entry["appliedConditionalAccessPolicies"]} == {
        "all": "failure",
        "report": "reportOnlyFailure",
    }
    by_device(sandbox)
    entry = last(sandbox)
    assert (entry["conditionalAccessStatus"], entry["authenticationRequirement"]) == (
        "success",
        "multiFactorAuthentication",
    )
    sandbox.reset()
    sandbox.put_state(staged(for_workloads("block")))
    app_only(sandbox)
    assert last(sandbox)["conditionalAccessStatus"] == "failure"
    sandbox.reset()
    as_user(sandbox)
    assert last(sandbox)["conditionalAccessStatus"] == "notApplied"


def test_the_log_forgets_what_is_older_than_a_month(sandbox: SandboxTenant) -> None:
    as_user(sandbox)
    sandbox.advance(29 * 86_400)
    as_user(sandbox)
    assert len(log(sandbox)) == 2
    sandbox.advance(2 * 86_400)
    as_user(sandbox)
    assert len(log(sandbox)) == 2


def test_the_log_keeps_the_newest_two_thousand(sandbox: SandboxTenant) -> None:
    old = [{"id": f"old-{number}", "createdDateTime": "2099-01-01T00:00:00Z"} for number in range(2_000)]
    sandbox.put_state(lambda state: state.update(signIns=old))
    as_user(sandbox)
    found = log(sandbox)
    assert (len(found), found[0]["id"]) == (2_000, "old-1")


def test_where_a_sign_in_came_from_is_state(sandbox: SandboxTenant) -> None:
    sandbox.put_state(lambda state: state.update(network={"ipAddress": "203.0.113.9"}))
    as_user(sandbox)
    assert last(sandbox)["ipAddress"] == "203.0.113.9"


def test_no_secret_is_in_the_log(sandbox: SandboxTenant) -> None:
    sandbox.put_state(add_app)
    app_only(sandbox)
    app_only(sandbox, client_secret="wrong-secret-value")
    body = as_user(sandbox).json()
    text = json.dumps(log(sandbox))
    for secret in (SECRET, "wrong-secret-value", sandbox.password, body["access_token"], body["refresh_token"]):
        assert secret not in text


def test_a_sign_in_in_a_browser_is_logged_where_it_happens(sandbox: SandboxTenant) -> None:
    """First an interrupt to ask for consent, then the success, before anybody redeems the code."""
    sandbox.put_state(lambda state: done(by_hand(state), add_browser_app(state)))
    person = Person(sandbox)
    correlation = "0b0b0b0b-aaaa-4bbb-8ccc-00000000000b"
    app = {"client_id": BROWSER_APP, "redirect_uri": REDIRECT, "client-request-id": correlation}
    person.authorize(scope=f"{POWER_BI}/Report.Read.All", **app)
    person.sign_in("developer")
    person.press("accept")
    kinds = [
        (entry["signInEventTypes"], entry["isInteractive"], entry["status"]["errorCode"]) for entry in log(sandbox)
    ]
    assert kinds == [(["interactiveUser"], True, 65001), (["interactiveUser"], True, 0)]
    assert {entry["correlationId"] for entry in log(sandbox)} == {correlation}
    assert last(sandbox)["userPrincipalName"] == f"developer@{sandbox.domain}"


def test_an_administrator_who_is_needed_is_an_interrupt(sandbox: SandboxTenant) -> None:
    sandbox.put_state(lambda state: done(by_hand(state), add_browser_app(state)))
    person = Person(sandbox)
    person.authorize(client_id=BROWSER_APP, redirect_uri=REDIRECT, scope=f"{POWER_BI}/Tenant.Read.All")
    assert "Need admin approval" in person.sign_in("developer").text
    assert [entry["status"]["errorCode"] for entry in log(sandbox)] == [90094]


def test_an_entry_has_what_v1_shows_of_the_device_the_place_and_the_risk(sandbox: SandboxTenant) -> None:
    by_device(sandbox)
    entry = last(sandbox)
    assert entry["riskEventTypes"] == entry["riskEventTypes_v2"] == []
    assert set(entry["location"]) == {"city", "state", "countryOrRegion", "geoCoordinates"}
    assert set(entry["deviceDetail"]) == {
        "deviceId", "displayName", "operatingSystem", "browser", "isCompliant", "isManaged", "trustType",
    }  # fmt: skip
