"""Every row of the browser's table of errors, reached over HTTP; and where each is told: to the app, or on a page."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from pbisetup.sandbox.entra.browser_causes import BROWSER_CAUSES
from tests.sandbox.browsing import (
    APP,
    GRAPH_APP,
    POWER_BI_APP,
    REDIRECT,
    SPA,
    WEB,
    Person,
    add_app,
    by_hand,
    done,
    user,
)
from tests.sandbox.test_browser_sign_in import CHALLENGE, VERIFIER, consented
from tests.support.tenant import AZURE_CLI, GRAPH, POWER_BI, SandboxTenant, State

Stage = Callable[[State], object]


@dataclass(frozen=True)
class Case:
    """One way to a row: to the app (`sent`), to a person (`page`), or at the token endpoint (`token`)."""

    cause: str
    where: str
    act: Callable[[Person], object]
    stage: Stage = field(default=lambda _state: None)


def app(**query: str) -> Callable[[Person], object]:
    return lambda person: person.authorize(**{"client_id": APP, "redirect_uri": REDIRECT, **query})


def redeemed(client_id: str = AZURE_CLI, before: Stage = lambda _: None, **form: str) -> Callable[[Person], object]:
    def act(person: Person) -> None:
        challenged = {"code_challenge": CHALLENGE, "code_challenge_method": "S256"}
        person.authorize(**(challenged if form.pop("challenged", "") else {}))
        before({"sandbox": person.sandbox})
        person.answer = person.redeem(client_id, **form)

    return act


def twice(person: Person) -> None:
    person.authorize()
    person.redeem()
    person.answer = person.redeem()


def without_challenge(person: Person) -> None:
    person.authorize(client_id=APP, redirect_uri=SPA, scope="User.Read")
    form = {"grant_type": "authorization_code", "client_id": APP, "code": person.sent["code"], "redirect_uri": SPA}
    path = f"/{person.sandbox.tenant}/oauth2/v2.0/token"
    person.answer = person.sandbox.http.post(path, data=form, headers={"Origin": "https://spa.contoso.com"})


def pages(*presses: tuple[str, dict[str, str]], user: str = "developer", **query: str) -> Callable[[Person], object]:
    def act(person: Person) -> None:
        person.authorize(**{"client_id": APP, "redirect_uri": REDIRECT, **query})
        person.sign_in(user)
        for button, fields in presses:
            person.press(button, **fields)

    return act


def admin_consent(path: str = "adminconsent", **query: str) -> Callable[[Person], object]:
    return lambda person: person.open(f"/{query.pop('tenant', person.sandbox.tenant)}/{path}", client_id=APP, **query)


def staged(*changes: Stage, **more: Any) -> Stage:
    def stage(state: State) -> None:
        add_app(state, **more)
        for change in changes:
            change(state)

    return stage


def late(person: Person) -> None:
    person.authorize()
    person.sandbox.advance(3601)
    person.press("next", login="x")


def no_policy(state: State) -> None:
    state["policies"]["permissionGrantPoliciesAssigned"] = []


def workflow(state: State) -> None:
    no_policy(state)
    state["policies"]["adminConsentRequestPolicy"] = {"isEnabled": True}


def locked(state: State) -> None:
    by_hand(state)
    user(state)["_lockedUntil"] = "2999-01-01T00:00:00+00:00"


def denied(state: State) -> None:
    by_hand(state)
    state["policies"]["securityDefaults"] = True
    user(state, "admin")["_mfa"] = "denied"


def drop(app_id: str) -> Stage:
    return lambda state: state.update(servicePrincipals=[s for s in state["servicePrincipals"] if s["appId"] != app_id])


def two_sessions(person: Person) -> None:
    for name in ("developer", "admin"):
        person.authorize(login_hint=name)
        person.press("signin", passwd=person.sandbox.password)
    person.authorize(prompt="none")


NO_CONSENT = staged(by_hand)
GRAPH_ONLY = [{"resourceAppId": GRAPH_APP, "resourceAccess": []}]
CASES = [
    Case("code_malformed", "token", redeemed(code="garbage")),
    Case("code_other_client", "token", redeemed(APP, redirect_uri=REDIRECT), staged(consented)),
    Case("code_redeemed", "token", twice),
    Case("code_expired", "token", redeemed(before=lambda given: given["sandbox"].advance(601))),
    Case("code_redirect_differs", "token", redeemed(redirect_uri="http://localhost:8765/")),
    Case("verifier_wrong", "token", redeemed(challenged="yes", code_verifier="x" * 50)),
    Case("verifier_missing", "token", redeemed(challenged="yes")),
    Case("verifier_unexpected", "token", redeemed(code_verifier=VERIFIER)),
    Case("pkce_required", "token", without_challenge, staged(consented)),
    Case("reply_address_unknown", "page", app(redirect_uri="https://evil.example/"), staged()),
    Case("reply_address_unknown", "page", app(redirect_uri="http://localhost:8765/CALLBACK"), staged()),
    Case("reply_address_unknown", "page", app(redirect_uri="http://[::1]:8765/callback"), staged()),
    Case("reply_address_unknown", "page", app(redirect_uri="http://localhost@evil.example/callback"), staged()),
    Case("reply_address_unknown", "page", lambda p: p.authorize(redirect_uri="https://localhost:1/")),
    Case("reply_address_none", "page", app(), staged(web={}, spa={}, publicClient={})),
    Case("reply_address_none", "page", admin_consent(), staged(web={}, spa={}, publicClient={})),
    Case("reply_address_missing", "page", app(redirect_uri=""), staged()),
    Case("client_not_multi_tenant", "page", app(tenant="common"), staged()),
    Case("client_not_multi_tenant", "page", app(tenant="organizations"), staged()),
    Case("admin_consent_common", "page", admin_consent("v2.0/adminconsent", tenant="common"), staged()),
    Case("flow_expired", "page", late, by_hand),
    Case("response_type_unsupported", "sent", app(response_type="code magic"), staged()),
    Case("id_token_not_enabled", "sent", app(response_type="code id_token", nonce="n"), staged(web={})),
    Case("access_token_not_enabled", "sent", app(response_type="token"), staged()),
    Case("response_mode_unsupported", "sent", app(response_mode="smoke"), staged()),
    Case("response_mode_unsupported", "sent", app(response_type="id_token", response_mode="query", nonce="n"), staged()),
    Case("prompt_unsupported", "sent", app(prompt="maybe"), staged()),
    Case("prompt_unsupported", "sent", app(prompt="none login"), staged()),
    Case("prompt_unsupported", "sent", app(prompt="admin_consent"), staged()),
    Case("nonce_missing", "sent", app(response_type="id_token"), staged()),
    Case("challenge_method_unknown", "sent", app(code_challenge=CHALLENGE, code_challenge_method="S512"), staged()),
    Case("challenge_size", "sent", app(code_challenge="short"), staged()),
    Case("default_with_others", "sent", app(scope=f"{POWER_BI}/.default {GRAPH}/User.Read"), staged()),
    Case("nothing_declared", "sent", app(scope=f"{GRAPH}/.default"), staged(requiredResourceAccess=GRAPH_ONLY)),
    Case("resource_not_subscribed", "sent", admin_consent(redirect_uri=REDIRECT), staged(drop(POWER_BI_APP))),
    Case(
        "permission_unknown",
        "sent",
        admin_consent(redirect_uri=REDIRECT),
        staged(
            requiredResourceAccess=[
                {"resourceAppId": GRAPH_APP, "resourceAccess": [{"id": APP, "type": "Role"}]},
            ]
        ),
    ),
    Case("login_required", "sent", app(prompt="none", scope="User.Read"), NO_CONSENT),
    Case("account_not_chosen", "sent", two_sessions, by_hand),
    Case("user_locked", "page", lambda p: (p.authorize(), p.sign_in("developer")), locked),
    Case("mfa_denied", "page", lambda p: (p.authorize(), p.sign_in("admin"), p.press("approve")), denied),
    Case("sign_in_cancelled", "sent", lambda p: (p.authorize(), p.press("cancel")), by_hand),
    Case("consent_declined", "sent", pages(("cancel", {}), scope="User.Read"), NO_CONSENT),
    Case("consent_required", "sent", app(prompt="none", scope="User.Read"), staged()),
    Case("admin_approval_required", "sent", pages(("cancel", {}), scope="User.Read"), staged(by_hand, no_policy)),
    Case("admin_approval_required", "page", pages(scope="User.Read"), staged(by_hand, no_policy)),
    Case("admin_approval_requested", "sent", pages(("cancel", {}), scope="User.Read"), staged(by_hand, workflow)),
    Case("admin_consent_declined", "sent",
         lambda p: (p.open(f"/{p.sandbox.tenant}/adminconsent", client_id=APP, redirect_uri=REDIRECT), p.press("cancel")),
         staged()),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=[f"{case.cause}-{index}" for index, case in enumerate(CASES)])
def test_cause(case: Case, sandbox: SandboxTenant) -> None:
    sandbox.put_state(lambda state: done(case.stage(state)))
    person = Person(sandbox)
    case.act(person)
    row = BROWSER_CAUSES[case.cause]
    number = f"AADSTS{row.code}"
    if case.where == "token":
        assert (person.answer.status_code, person.answer.json()["error"]) == (row.status, row.error), person.answer.text
        assert person.answer.json()["error_codes"] == [row.code]
    elif case.where == "page":
        assert "location" not in person.answer.headers, "nothing may be sent anywhere"
        assert number in person.page.text
        assert "{" not in person.page.text
    else:
        sent = person.sent
        assert sent["error"] == row.error, sent
        assert sent.get("error_subcode") == row.suberror
        first, trace, correlation, stamp = sent["error_description"].split("\r\n")
        assert first.startswith(f"{number}: ")
        assert "{" not in first
        assert (trace[:10], correlation[:16], stamp[:11]) == ("Trace ID: ", "Correlation ID: ", "Timestamp: ")
        assert "code" not in sent


def test_every_row_has_a_case() -> None:
    assert {case.cause for case in CASES} == set(BROWSER_CAUSES)


@pytest.mark.parametrize(
    ("query", "number"),
    [
        ({"client_id": ""}, 900144),
        ({"client_id": "99999999-0000-4000-8000-000000000009"}, 700016),
        ({"tenant": "fabrikam.onmicrosoft.com"}, 90002),
        ({"tenant": "consumers"}, 90002),
        ({"tenant": "undefined"}, 900023),
    ],
)
def test_what_is_wrong_before_the_app_is_known_is_told_to_the_person(
    sandbox: SandboxTenant, query: dict[str, str], number: int
) -> None:
    person = Person(sandbox)
    page = person.authorize(**query)
    assert "location" not in person.answer.headers
    assert f"AADSTS{number}" in page.text


@pytest.mark.parametrize(
    ("query", "error", "number"),
    [
        ({"response_type": ""}, "invalid_request", 900144),
        ({"scope": ""}, "invalid_request", 900144),
        ({"scope": "https://unknown.example/.default"}, "invalid_resource", 500011),
        ({"scope": f"{GRAPH}/Policy.Read.All"}, "invalid_request", 65002),
    ],
)
def test_rows_that_the_token_endpoint_has_too(
    sandbox: SandboxTenant, query: dict[str, str], error: str, number: int
) -> None:
    person = Person(sandbox)
    person.authorize(**query)
    assert person.sent["error"] == error
    assert person.sent["error_description"].startswith(f"AADSTS{number}: ")
    assert person.sent["state"] == "my state&1"


@pytest.mark.parametrize(
    "uri",
    [
        REDIRECT,
        "http://localhost:1/callback",
        "http://LOCALHOST:65535/callback",
        WEB,
        "HTTPS://APP.contoso.com/signin",
        "https://spa.contoso.com",
    ],
)
def test_redirect_uris_that_are_registered(sandbox: SandboxTenant, uri: str) -> None:
    sandbox.put_state(lambda state: done(add_app(state), consented(state)))
    person = Person(sandbox)
    person.authorize(client_id=APP, redirect_uri=uri, scope="User.Read")
    assert "code" in person.sent


@pytest.mark.parametrize("uri", ["http://localhost", "http://localhost:54321", "http://localhost:54321/"])
def test_azure_cli_listens_on_any_port(sandbox: SandboxTenant, uri: str) -> None:
    person = Person(sandbox)
    person.authorize(redirect_uri=uri)
    assert "code" in person.sent
    person.authorize(redirect_uri="https://login.microsoftonline.com/common/oauth2/nativeclient")
    assert person.answer.headers["location"].startswith(
        "https://login.microsoftonline.com/common/oauth2/nativeclient?code="
    )


def test_one_registered_address_need_not_be_named(sandbox: SandboxTenant) -> None:
    sandbox.put_state(lambda state: done(add_app(state, web={}, spa={}), consented(state)))
    person = Person(sandbox)
    person.authorize(client_id=APP, redirect_uri="", scope="User.Read")
    assert person.answer.headers["location"].startswith(REDIRECT)


@pytest.mark.parametrize(("query", "number"), [({"resource": GRAPH}, 901002), ({"claims": "{"}, 50117)])
def test_what_is_wrong_in_the_request_goes_to_the_app(
    sandbox: SandboxTenant, query: dict[str, str], number: int
) -> None:
    person = Person(sandbox)
    person.authorize(**query)
    assert person.sent["error"] == "invalid_request"
    assert f"AADSTS{number}" in person.sent["error_description"]
