"""Signing in at the pages: account, password, second factor, sessions, signing out."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

import jwt
import pytest

from tests.sandbox.browsing import APP, APP_SP, REDIRECT, SECRET, SPA, WEB, Person, add_app, by_hand, done, user
from tests.support.tenant import AZURE_CLI, GRAPH, POWER_BI, SandboxTenant, State

VERIFIER = "a-verifier-that-is-long-enough-for-rfc-7636-0123456789"
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()


def claims(token: str) -> dict[str, Any]:
    return dict(jwt.decode(token, options={"verify_signature": False}))


def test_a_person_signs_in_and_the_app_gets_tokens(sandbox: SandboxTenant) -> None:
    sandbox.put_state(by_hand)
    person = Person(sandbox)
    page = person.authorize(nonce="n-1", code_challenge=CHALLENGE, code_challenge_method="S256", client_info="1")
    assert "Sign in to continue to Microsoft Azure CLI" in page.text
    page = person.sign_in("developer")
    assert set(person.sent) == {"code", "state", "session_state", "client_info"}
    assert person.sent["state"] == "my state&1"
    assert person.answer.headers["location"].startswith("http://localhost:8765/?code=")
    tokens = person.redeem(code_verifier=VERIFIER).json()
    assert claims(tokens["access_token"])["upn"] == f"developer@{sandbox.domain}"
    assert claims(tokens["id_token"])["nonce"] == "n-1"
    assert tokens["refresh_token"]
    again = person.redeem(code_verifier=VERIFIER)
    assert again.json()["error_codes"] == [54005]


@pytest.mark.parametrize("mode", ["query", "fragment", "form_post"])
def test_every_response_mode_carries_the_same(sandbox: SandboxTenant, mode: str) -> None:
    address = "http://localhost:8765/a?b=c"
    sandbox.put_state(lambda state: done(add_app(state, publicClient={"redirectUris": [address]}), consented(state)))
    person = Person(sandbox)
    page = person.authorize(client_id=APP, response_mode=mode, redirect_uri=address, scope="User.Read")
    sent = person.sent
    assert {"code", "state"} <= set(sent)
    if mode == "form_post":
        assert person.answer.status_code == 200
        assert page.action == address
        assert ("", "") in page.buttons, "whoever has no JavaScript presses a button"
    else:
        location = person.answer.headers["location"]
        assert location.startswith(address + ("#" if mode == "fragment" else "&"))
    assert person.redeem(APP, redirect_uri=address).status_code == 200


def test_the_v1_endpoint_takes_a_resource(sandbox: SandboxTenant) -> None:
    person = Person(sandbox)
    person.authorize(v1=True, resource=POWER_BI)
    form = {
        "grant_type": "authorization_code",
        "client_id": AZURE_CLI,
        "code": person.sent["code"],
        "redirect_uri": "http://localhost:8765",
    }
    body = sandbox.http.post(f"/{sandbox.tenant}/oauth2/token", data=form).json()
    assert claims(body["access_token"])["aud"] == POWER_BI
    assert body["resource"] == POWER_BI


def test_the_request_may_be_posted(sandbox: SandboxTenant) -> None:
    form = {
        "client_id": AZURE_CLI,
        "response_type": "code",
        "redirect_uri": "http://localhost:1",
        "scope": f"{GRAPH}/.default",
    }
    answer = sandbox.http.post(f"/{sandbox.tenant}/oauth2/v2.0/authorize", data=form)
    assert answer.status_code == 302
    assert "code=" in answer.headers["location"]


def test_wrong_name_and_wrong_password_are_said_on_the_page(sandbox: SandboxTenant) -> None:
    sandbox.put_state(by_hand)
    person = Person(sandbox)
    person.authorize()
    page = person.press("next", login="nobody@contoso.onmicrosoft.com")
    assert "AADSTS50034" in page.text
    assert page.fields["login"] == "nobody@contoso.onmicrosoft.com"
    page = person.sign_in("developer", "wrong")
    assert "AADSTS50126" in page.text
    assert "wrong" not in page.fields.values()
    person.sign_in("developer")
    assert "code" in person.sent


def test_ten_wrong_passwords_lock_the_account_for_a_minute(sandbox: SandboxTenant) -> None:
    sandbox.put_state(by_hand)
    person = Person(sandbox)
    person.authorize(login_hint="developer")
    for _ in range(10):
        page = person.press("signin", passwd="wrong")
    assert "AADSTS50126" in page.text
    assert "AADSTS50053" in person.press("signin", passwd=sandbox.password).text
    sandbox.advance(61)
    person.press("signin", passwd=sandbox.password)
    assert "code" in person.sent


def test_the_second_time_nobody_is_asked(sandbox: SandboxTenant) -> None:
    sandbox.put_state(by_hand)
    person = Person(sandbox)
    person.authorize()
    person.sign_in("developer")
    for query in ({}, {"prompt": "none"}, {"login_hint": f"developer@{sandbox.domain}"}):
        person.authorize(**query)
        assert "code" in person.sent, query
    assert "Enter password" in person.authorize(prompt="login", login_hint="developer").text
    assert "Pick an account" in person.authorize(prompt="select_account").text
    person.press(user(sandbox.state())["id"])
    assert "code" in person.sent
    assert "Enter password" in person.authorize(login_hint="fabricadmin").text
    person.press("signin", passwd=sandbox.password)
    person.authorize(prompt="none")
    assert person.sent["error"] == "interaction_required"
    assert "AADSTS16000" in person.sent["error_description"]
    assert "Pick an account" in person.authorize().text
    assert "Sign in" in person.press("other").text


@pytest.mark.parametrize("change", ["logout", "a day later", "another password", "user deleted", "another browser"])
def test_what_ends_a_session(sandbox: SandboxTenant, change: str) -> None:
    sandbox.put_state(by_hand)
    person = Person(sandbox)
    person.authorize()
    person.sign_in("developer")
    if change == "logout":
        person.open("/common/oauth2/v2.0/logout")
        assert "signed out" in person.page.text
    elif change == "a day later":
        sandbox.advance(24 * 3600 + 1)
    elif change == "another password":
        sandbox.put_state(lambda state: user(state).update(_passwordHash="0" * 64))
    elif change == "user deleted":
        sandbox.put_state(lambda state: state["users"].remove(user(state)))
    else:
        person = Person(sandbox)
    person.authorize(prompt="none")
    assert person.sent["error"] == "login_required"
    assert person.sent["error_description"].startswith("AADSTS50058: ")


@pytest.mark.parametrize(("uri", "goes"), [(WEB, True), ("https://evil.example/", False)])
def test_logout_goes_on_only_to_a_registered_address(sandbox: SandboxTenant, uri: str, goes: bool) -> None:
    sandbox.put_state(lambda state: done(add_app(state)))
    person = Person(sandbox)
    person.open("/common/oauth2/logout", post_logout_redirect_uri=uri, state="s")
    assert (person.answer.headers.get("location") == f"{WEB}?state=s") is goes
    assert "Max-Age=0" in person.answer.headers["set-cookie"]


def test_auto_approve_is_a_browser_that_is_signed_in_already(sandbox: SandboxTenant) -> None:
    person = Person(sandbox)
    for prompt in ("", "none", "select_account"):
        person.authorize(prompt=prompt)
        assert "code" in person.sent
    assert "Enter password" in person.authorize(login_hint="developer").text


def demand_mfa(state: State) -> None:
    by_hand(state)
    state["policies"]["securityDefaults"] = True


def test_a_second_factor_where_the_tenant_asks_for_one(sandbox: SandboxTenant) -> None:
    sandbox.put_state(demand_mfa)
    person = Person(sandbox)
    person.authorize()
    assert "Approve sign in request" in person.sign_in("admin").text
    person.press("approve")
    token = claims(person.redeem().json()["access_token"])
    assert "mfa" in token["amr"]
    person.authorize(prompt="none")
    assert "code" in person.sent, "the session remembers it"


def test_prompt_none_does_not_ask_for_a_second_factor(sandbox: SandboxTenant) -> None:
    sandbox.put_state(by_hand)
    person = Person(sandbox)
    person.authorize()
    person.sign_in("admin")
    sandbox.put_state(demand_mfa)
    person.authorize(prompt="none")
    assert person.sent["error"] == "interaction_required"
    assert person.sent["error_description"].startswith("AADSTS50076: ")


def test_a_phone_that_denies_and_one_that_is_not_registered(sandbox: SandboxTenant) -> None:
    sandbox.put_state(lambda state: done(demand_mfa(state), user(state, "admin").update(_mfa="denied")))
    person = Person(sandbox)
    person.authorize()
    person.sign_in("admin")
    assert "AADSTS500121" in person.press("approve").text
    person.press("cancel")
    assert person.sent["error"] == "access_denied"
    sandbox.put_state(lambda state: user(state, "admin").update(_mfa=None, _mfaRegistered=False))
    page = person.authorize(prompt="login", login_hint="admin")
    page = person.press("signin", passwd=sandbox.password)
    assert "More information required" in page.text
    assert "AADSTS50079" in page.text
    person.press("approve")
    assert "code" in person.sent
    assert user(sandbox.state(), "admin")["_mfaRegistered"] is True


def test_a_disabled_user_is_told_so_and_the_app_is_not(sandbox: SandboxTenant) -> None:
    sandbox.put_state(lambda state: done(by_hand(state), user(state).update(accountEnabled=False)))
    person = Person(sandbox)
    person.authorize()
    page = person.sign_in("developer")
    assert person.answer.status_code == 400
    assert "AADSTS50057" in page.text
    for word in ("Request Id", "Correlation Id", "Timestamp"):
        assert word in page.text


def test_the_log_of_sign_ins_knows_a_wrong_password(sandbox: SandboxTenant) -> None:
    sandbox.put_state(by_hand)
    person = Person(sandbox)
    person.authorize()
    person.sign_in("developer", "wrong")
    entry = sandbox.state()["signIns"][-1]
    assert entry["status"]["errorCode"] == 50126
    assert entry["userPrincipalName"] == f"developer@{sandbox.domain}"


def test_an_id_token_through_the_browser_vouches_for_the_code(sandbox: SandboxTenant) -> None:
    sandbox.put_state(lambda state: done(add_app(state), consented(state)))
    person = Person(sandbox)
    person.authorize(
        client_id=APP,
        redirect_uri=WEB,
        response_type="code id_token",
        response_mode="form_post",
        nonce="n",
        scope="openid",
    )
    token = claims(person.sent["id_token"])
    digest = hashlib.sha256(person.sent["code"].encode()).digest()[:16]
    assert token["c_hash"] == base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    assert token["nonce"] == "n"
    person.authorize(client_id=APP, redirect_uri=WEB, response_type="id_token", nonce="m", scope="openid")
    assert "#id_token=" in person.answer.headers["location"]


def consented(state: State) -> None:
    """Somebody agreed to the app for everybody."""
    state["servicePrincipals"].append({"id": APP_SP, "appId": APP, "displayName": "Reports"})
    graph = next(each for each in state["servicePrincipals"] if each["displayName"] == "Microsoft Graph")
    state["oauth2PermissionGrants"].append(
        {
            "id": "g",
            "clientId": APP_SP,
            "consentType": "AllPrincipals",
            "principalId": None,
            "resourceId": graph["id"],
            "scope": "openid profile offline_access User.Read",
        }
    )


def test_web_needs_its_secret_a_single_page_app_its_origin_and_challenge(sandbox: SandboxTenant) -> None:
    sandbox.put_state(lambda state: done(add_app(state), consented(state)))
    person = Person(sandbox)
    person.authorize(client_id=APP, redirect_uri=WEB, scope="User.Read")
    assert person.redeem(APP, redirect_uri=WEB).json()["error_codes"] == [7000218]
    assert person.redeem(APP, redirect_uri=WEB, client_secret=SECRET).status_code == 200
    person.authorize(
        client_id=APP, redirect_uri=SPA, scope="User.Read", code_challenge=CHALLENGE, code_challenge_method="S256"
    )
    assert person.redeem(APP, redirect_uri=SPA, code_verifier=VERIFIER).json()["error_codes"] == [9002327]
    form = {
        "grant_type": "authorization_code",
        "client_id": APP,
        "code": person.sent["code"],
        "redirect_uri": SPA,
        "code_verifier": VERIFIER,
    }
    path = f"/{sandbox.tenant}/oauth2/v2.0/token"
    good = sandbox.http.post(path, data=form, headers={"Origin": "https://spa.contoso.com"})
    assert good.status_code == 200, good.text
    person.authorize(client_id=APP, redirect_uri=REDIRECT, scope="User.Read")
    form |= {"code": person.sent["code"], "redirect_uri": REDIRECT}
    wrong = sandbox.http.post(path, data=form, headers={"Origin": "https://spa.contoso.com"})
    assert wrong.json()["error_codes"] == [9002326]
