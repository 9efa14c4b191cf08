"""Federated identity credentials: a workload elsewhere signs in with the token of its own issuer."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from azure.identity import ClientAssertionCredential

from tests.sandbox.entra_cases import (
    APP,
    CERTIFICATE,
    EXCHANGE,
    GITHUB,
    KEY,
    SUBJECT,
    assertion,
    federated,
    read,
    trust,
    trusting,
)
from tests.support.tenant import POWER_BI, SandboxTenant, State

IDENTITY = "12121212-aaaa-4bbb-8ccc-000000000012"
IDENTITY_APP = "12121212-aaaa-4bbb-8ccc-000000000013"


def test_a_pipeline_signs_in_without_a_secret(sandbox: SandboxTenant) -> None:
    sandbox.put_state(trusting())
    with ClientAssertionCredential(
        sandbox.tenant,
        APP,
        lambda: assertion(sandbox),
        authority=sandbox.url,
        disable_instance_discovery=True,
        connection_verify=sandbox.ca,
    ) as credential:
        token = read(credential.get_token(f"{POWER_BI}/.default").token)
    assert (token["appid"], token["appidacr"]) == (APP, "2")


def test_the_refusal_shows_what_the_issuer_really_sent(sandbox: SandboxTenant) -> None:
    """GitHub's subjects with immutable ids (entra.md 1.9): the message is where people read them."""
    sandbox.put_state(trusting())
    sent = "repo:contoso@1/reports@2:environment:prod"
    answer = federated(sandbox, subject=sent).json()
    assert answer["error_codes"] == [700213]
    assert f"'{sent}'" in answer["error_description"]


def test_one_of_several_credentials_fits(sandbox: SandboxTenant) -> None:
    sandbox.put_state(trusting(trust(subject="repo:contoso/reports:pull_request"), trust(), trust(issuer="https://x")))
    assert federated(sandbox).status_code == 200
    assert federated(sandbox, subject="repo:contoso/reports:pull_request").status_code == 200
    assert federated(sandbox, issuer="https://x").status_code == 200


@pytest.mark.parametrize(
    ("expression", "fits"),
    [
        ("claims['sub'] eq 'repo:contoso/reports:environment:prod'", True),
        ("claims['sub'] matches 'repo:contoso/*:environment:prod'", True),
        ("claims['sub'] matches 'repo:contoso/report?:environment:*'", True),
        ("claims['sub'] matches 'repo:contoso/*' and claims['job_workflow_ref'] matches '*/deploy.yml@*'", True),
        ("claims['sub'] matches 'repo:contoso/*' and claims['job_workflow_ref'] eq 'other'", False),
        ("claims['sub'] matches 'REPO:contoso/*'", False),
        ("claims['sub'] like 'repo:*'", False),
    ],
)
def test_flexible_credentials_match_by_an_expression(sandbox: SandboxTenant, expression: str, fits: bool) -> None:
    sandbox.put_state(
        trusting(trust(subject=None, claimsMatchingExpression={"value": expression, "languageVersion": 1}))
    )
    answer = federated(sandbox, claims={"job_workflow_ref": "contoso/reports/.github/workflows/deploy.yml@main"})
    assert (answer.status_code == 200) is fits, answer.text


def test_an_assertion_lives_as_long_as_its_issuer_said(sandbox: SandboxTenant) -> None:
    sandbox.put_state(trusting())
    assert federated(sandbox, lifetime_seconds=-600).json()["error_codes"] == [700024]
    kept = assertion(sandbox, lifetime_seconds=60)
    assert federated(sandbox, text=kept).status_code == 200
    sandbox.advance(600)
    assert federated(sandbox, text=kept).json()["error_codes"] == [700024]


def test_a_new_credential_reaches_the_token_service_later(sandbox: SandboxTenant) -> None:
    def stage(state: State) -> None:
        trusting(trust(_createdAt=datetime.now(UTC).isoformat()))(state)
        state["weather"]["replication_lag_seconds"] = 30

    sandbox.put_state(stage)
    assert federated(sandbox).json()["error_codes"] == [70025]
    sandbox.advance(31)
    assert federated(sandbox).status_code == 200


def test_a_credential_made_through_graph_works(sandbox: SandboxTenant) -> None:
    sandbox.put_state(trusting(trust(subject="else")))
    state = sandbox.state()
    app = next(each for each in state["applications"] if each["appId"] == APP)
    answer = sandbox.http.post(
        f"/v1.0/applications/{app['id']}/federatedIdentityCredentials",
        json={"name": "main", "issuer": GITHUB, "subject": SUBJECT, "audiences": [EXCHANGE]},
        headers={"Authorization": f"Bearer {sandbox.operator_token()}"},
    )
    assert answer.status_code == 201, answer.text
    assert federated(sandbox).status_code == 200


def test_a_managed_identity_stands_for_an_app(sandbox: SandboxTenant) -> None:
    """A user-assigned identity's token for the exchange, in place of a secret of the app."""

    def stage(state: State) -> None:
        issuer = f"https://login.microsoftonline.com/{state['tenant']['id']}/v2.0"
        trusting(trust(issuer=issuer, subject=IDENTITY))(state)
        state["servicePrincipals"] += [
            {
                "id": IDENTITY,
                "appId": IDENTITY_APP,
                "displayName": "runner",
                "servicePrincipalType": "ManagedIdentity",
                "servicePrincipalNames": [IDENTITY_APP],
            },
            {
                "id": KEY,
                "appId": "fb60f99c-7a34-4190-8149-302f77469936",
                "displayName": "AAD Token Exchange",
                "servicePrincipalNames": [EXCHANGE],
            },
        ]
        state["applications"].append(
            {
                "id": KEY,
                "appId": "fb60f99c-7a34-4190-8149-302f77469936",
                "displayName": "AAD Token Exchange",
                "api": {"requestedAccessTokenVersion": 2},
            }
        )

    sandbox.put_state(stage)
    given = sandbox.http.get(
        "/metadata/identity/oauth2/token",
        params={"api-version": "2018-02-01", "resource": EXCHANGE, "client_id": IDENTITY_APP},
        headers={"Metadata": "true"},
    ).json()
    assert read(federated(sandbox, text=given["access_token"]).json()["access_token"])["appid"] == APP


def test_an_identity_of_azure_can_itself_trust_an_issuer(sandbox: SandboxTenant) -> None:
    def stage(state: State) -> None:
        state["servicePrincipals"].append(
            {
                "id": IDENTITY,
                "appId": APP,
                "displayName": "runner",
                "servicePrincipalType": "ManagedIdentity",
                "servicePrincipalNames": [APP],
                "federatedIdentityCredentials": [trust()],
            }
        )

    sandbox.put_state(stage)
    assert read(federated(sandbox).json()["access_token"])["oid"] == IDENTITY


@pytest.mark.parametrize(
    "claims",
    [{"iss": GITHUB, "aud": EXCHANGE}, {"iss": GITHUB, "sub": 5, "aud": [1]}, {"iss": ""}, {"iss": "x" * 9999}, {}],
)
def test_garbage_in_an_assertion_is_the_services_refusal(sandbox: SandboxTenant, claims: dict[str, Any]) -> None:
    sandbox.put_state(trusting())
    text = CERTIFICATE.assertion({**claims, "exp": time.time() + 60})
    answer = federated(sandbox, text=text)
    assert answer.status_code in (400, 401), answer.text
    assert answer.json()["error_codes"][0] > 0


def test_control_says_what_is_wrong_with_a_wish(sandbox: SandboxTenant) -> None:
    answer = sandbox.http.post(
        "/_sandbox/assertions", json={"issuer": "", "lifetime_seconds": "x", "claims": 1, "z": 1}
    )
    assert answer.status_code == 400
    assert len(answer.json()["problems"]) == 5
    assert sandbox.http.post("/_sandbox/assertions", content=b"[").status_code == 400


def test_assertions_outlive_the_server(start_sandbox: Callable[..., SandboxTenant]) -> None:
    first = start_sandbox()
    first.put_state(trusting())
    kept = assertion(first)
    refresh_token = first.token(
        grant_type="password",
        client_id="04b07795-8ddb-461a-bbee-02f9e1bf7b46",
        username=f"admin@{first.domain}",
        password=first.password,
        scope=f"{POWER_BI}/.default offline_access",
    ).json()["refresh_token"]
    assert first.close() == 0
    second = start_sandbox()
    assert federated(second, text=kept).status_code == 200
    assert federated(second).status_code == 200
    answer = second.token(
        grant_type="refresh_token", client_id="04b07795-8ddb-461a-bbee-02f9e1bf7b46", refresh_token=refresh_token
    )
    assert answer.status_code == 200, "a refresh token from before the key of the issuers was made still serves"
