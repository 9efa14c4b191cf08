"""The grants that stand for a user: codes, refresh tokens, on behalf of; what a browser may redeem; other authorities."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from azure.identity import OnBehalfOfCredential

from tests.sandbox.entra_cases import (
    API,
    APP,
    ELSEWHERE,
    GRAPH_APP,
    NATIVE,
    SECRET,
    SPA,
    WEB,
    add_api,
    add_app,
    api_and,
    app_only,
    as_user,
    at,
    both,
    code_for,
    granted,
    nothing,
    on_behalf,
    on_user,
    read,
    redeem,
    refresh,
    service_principal,
    signing_in,
    spa_token,
    staged,
    user_of,
    with_role,
)
from tests.support.tenant import AZURE_CLI, GRAPH, POWER_BI, SandboxTenant, State


def test_a_native_client_redeems_its_code_and_gets_its_nonce_back(sandbox: SandboxTenant) -> None:
    code = code_for(sandbox, nonce="n-7")
    body = redeem(sandbox, code=code, client_info="1").json()
    assert read(body["id_token"])["nonce"] == "n-7"
    assert read(body["access_token"])["upn"] == f"admin@{sandbox.domain}"
    assert {"refresh_token", "client_info", "foci"} <= set(body)


@pytest.mark.parametrize(
    ("redirect", "form", "expected"),
    [
        (WEB, {"client_secret": SECRET}, 0),
        (WEB, {}, 7000218),
        (WEB, {"client_secret": "wrong"}, 7000215),
        (NATIVE, {}, 0),
        (SPA, {"origin": SPA}, 0),
        (SPA, {}, 9002327),
        (SPA, {"origin": SPA, "client_secret": SECRET}, 700025),
        (WEB, {"client_secret": SECRET, "origin": "https://evil.example"}, 9002326),
        (NATIVE, {"redirect_uri": "http://localhost/other"}, 500112),
        (NATIVE, {"code": "x"}, 9002313),
        (NATIVE, {"code": " "}, 900144),
    ],
)
def test_the_kind_of_reply_address_decides_how_a_code_is_redeemed(
    sandbox: SandboxTenant, redirect: str, form: dict[str, str], expected: int
) -> None:
    sandbox.put_state(signing_in)
    answer = redeem(sandbox, redirect, APP, **form)
    assert (answer.json().get("error_codes") or [0]) == [expected], answer.text


def test_a_code_for_one_api_is_redeemed_for_it_and_refreshed_for_another(sandbox: SandboxTenant) -> None:
    code = code_for(sandbox, scope=f"{GRAPH}/User.Read openid offline_access")
    body = redeem(sandbox, code=code, scope=f"{POWER_BI}/.default").json()
    assert read(body["access_token"])["aud"] == POWER_BI
    assert read(refresh(sandbox, body["refresh_token"]).json()["access_token"])["aud"] == GRAPH


def test_a_code_of_the_v1_endpoint(sandbox: SandboxTenant) -> None:
    query = {"client_id": AZURE_CLI, "response_type": "code", "redirect_uri": NATIVE, "resource": POWER_BI}
    sent = sandbox.http.get(f"/{sandbox.tenant}/oauth2/authorize", params=query)
    code = sent.headers["location"].split("code=")[1].split("&")[0]
    form = {"grant_type": "authorization_code", "client_id": AZURE_CLI, "redirect_uri": NATIVE, "code": code}
    answer = sandbox.http.post(f"/{sandbox.tenant}/oauth2/token", data=form)
    assert answer.status_code == 200, answer.text
    assert answer.json()["resource"] == POWER_BI


def test_a_browser_may_read_what_it_asked_across_origins(sandbox: SandboxTenant) -> None:
    sandbox.put_state(signing_in)
    path = f"/{sandbox.tenant}/oauth2/v2.0/token"
    asked = {
        "Origin": SPA,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "x-client-sku, content-type, <bad>",
    }
    before = sandbox.http.options(path, headers=asked)
    assert before.status_code == 200
    assert before.headers["access-control-allow-origin"] == "*"
    assert before.headers["access-control-allow-headers"] == "x-client-sku, content-type"
    assert redeem(sandbox, SPA, APP, origin=SPA).headers["access-control-allow-origin"] == "*"
    refused = redeem(sandbox, SPA, APP, origin=SPA, code="x")
    assert (refused.status_code, refused.headers["access-control-allow-origin"]) == (400, "*")
    for metadata in ("v2.0/.well-known/openid-configuration", "discovery/v2.0/keys"):
        answer = sandbox.http.get(f"/{sandbox.tenant}/{metadata}", headers={"Origin": SPA})
        assert answer.headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-origin" not in sandbox.http.post(path).headers


def test_a_pages_refresh_token_stays_with_pages(sandbox: SandboxTenant) -> None:
    sandbox.put_state(signing_in)
    token = spa_token(sandbox)
    form = {"grant_type": "refresh_token", "client_id": APP, "refresh_token": token, "scope": f"{GRAPH}/User.Read"}
    path = f"/{sandbox.tenant}/oauth2/v2.0/token"
    assert sandbox.http.post(path, data=form).json()["error_codes"] == [9002327]
    sandbox.advance(80_000)
    renewed = sandbox.http.post(path, data=form, headers={"Origin": SPA}).json()["refresh_token"]
    sandbox.advance(80_000)
    later = sandbox.http.post(path, data=form | {"refresh_token": renewed}, headers={"Origin": SPA})
    assert later.json()["error_codes"] == [700084], "the day counts from the sign-in"


def test_a_refresh_token_replaces_itself_and_the_old_one_goes_on(sandbox: SandboxTenant) -> None:
    first = as_user(sandbox).json()["refresh_token"]
    second = refresh(sandbox, first).json()["refresh_token"]
    assert second != first
    sandbox.advance(80 * 86_400)
    third = refresh(sandbox, second).json()["refresh_token"]
    sandbox.advance(80 * 86_400)
    assert refresh(sandbox, third).status_code == 200, "each use begins the 90 days anew"
    assert refresh(sandbox, first).json()["error_codes"] == [700082]


def test_a_refresh_without_a_scope_is_for_what_was_asked_first(sandbox: SandboxTenant) -> None:
    token = as_user(sandbox).json()["refresh_token"]
    again = sandbox.token(grant_type="refresh_token", client_id=AZURE_CLI, refresh_token=token)
    assert read(again.json()["access_token"])["aud"] == POWER_BI


def test_a_refresh_token_of_an_app_serves_no_other(sandbox: SandboxTenant) -> None:
    sandbox.put_state(signing_in)
    token = redeem(sandbox, NATIVE, APP).json()["refresh_token"]
    assert refresh(sandbox, token).json()["error_codes"] == [70000]
    assert refresh(sandbox, token, client_id=APP, scope=f"{GRAPH}/User.Read").status_code == 200


def test_revoking_sessions_through_graph_ends_refresh_tokens_but_not_new_sign_ins(sandbox: SandboxTenant) -> None:
    token = as_user(sandbox).json()["refresh_token"]
    sandbox.advance(60)
    moment = datetime.fromisoformat(sandbox.control("POST", "clock", {"advance_seconds": 0})["now"]).astimezone(UTC)
    sandbox.put_state(on_user(signInSessionsValidFromDateTime=moment.strftime("%Y-%m-%dT%H:%M:%SZ")))
    refused = refresh(sandbox, token).json()
    assert (refused["error_codes"], refused["suberror"]) == ([50173], "bad_token")
    sandbox.advance(60)
    assert refresh(sandbox, as_user(sandbox).json()["refresh_token"]).status_code == 200


def test_an_api_calls_another_for_its_user(sandbox: SandboxTenant) -> None:
    sandbox.put_state(api_and(lambda state: granted(state, service_principal(state, API)["id"])))
    called_with = sandbox.user_token("developer", "api://orders")
    with OnBehalfOfCredential(
        sandbox.tenant,
        API,
        client_secret=SECRET,
        user_assertion=called_with,
        authority=sandbox.url,
        disable_instance_discovery=True,
        connection_verify=sandbox.ca,
    ) as credential:
        token = read(credential.get_token(f"{GRAPH}/User.Read").token)
    assert (token["appid"], token["upn"], token["scp"]) == (API, f"developer@{sandbox.domain}", "User.Read")


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ({"client_secret": ""}, 7000218),
        ({"client_secret": "wrong"}, 7000215),
        ({"requested_token_use": ""}, 900144),
        ({"requested_token_use": "other"}, 9002313),
        ({"assertion": " "}, 900144),
        ({"assertion": "x.y.z"}, 50027),
        ({}, 65001),
    ],
)
def test_on_behalf_of_asks_for_everything_it_needs(sandbox: SandboxTenant, form: dict[str, str], expected: int) -> None:
    sandbox.put_state(api_and())
    assert on_behalf(sandbox, **form).json()["error_codes"] == [expected]


def test_a_disabled_user_is_refused_on_every_way(sandbox: SandboxTenant) -> None:
    sandbox.put_state(api_and(lambda state: granted(state, service_principal(state, API)["id"])))
    token = as_user(sandbox).json()["refresh_token"]
    called_with = sandbox.user_token("developer", "api://orders")
    sandbox.put_state(on_user(accountEnabled=False))
    for answer in (as_user(sandbox), refresh(sandbox, token), on_behalf(sandbox, called_with)):
        assert answer.json()["error_codes"] == [50057]


def test_too_many_wrong_passwords_lock_the_account_for_a_while(sandbox: SandboxTenant) -> None:
    numbers = [as_user(sandbox, password="wrong").json()["error_codes"][0] for _ in range(11)]
    assert numbers[0] == 50126
    assert numbers[-1] == 50053
    assert as_user(sandbox).json()["error_codes"] == [50053]
    sandbox.advance(120)
    assert as_user(sandbox).status_code == 200


MULTI = {"signInAudience": "AzureADMultipleOrgs", "isFallbackPublicClient": True}


@pytest.mark.parametrize(
    ("authority", "application", "expected"),
    [
        ("organizations", {"isFallbackPublicClient": True}, 50194),
        ("organizations", {"isFallbackPublicClient": True, "createdDateTime": "2018-10-15T00:00:00Z"}, 50194),
        ("organizations", {"isFallbackPublicClient": True, "createdDateTime": "2018-10-14T23:59:59Z"}, 0),
        ("common", {"isFallbackPublicClient": True}, 9001023),
        ("organizations", MULTI, 0),
        ("consumers", {"isFallbackPublicClient": True}, 9001023),
        ("consumers", {"signInAudience": "AzureADandPersonalMicrosoftAccount"}, 9001023),
        ("contoso.onmicrosoft.com", {"isFallbackPublicClient": True}, 0),
        ("CONTOSO.onmicrosoft.com", {"isFallbackPublicClient": True}, 0),
        (ELSEWHERE, {"isFallbackPublicClient": True}, 90038),
    ],
)
def test_which_authority_serves_which_app(
    sandbox: SandboxTenant, authority: str, application: dict[str, Any], expected: int
) -> None:
    def stage(state: State) -> None:
        add_app(state, **application)
        granted(state)
        state["otherClouds"] = {ELSEWHERE: "usgov"}

    sandbox.put_state(stage)
    form = {"username": f"developer@{sandbox.domain}", "password": sandbox.password, "scope": f"{GRAPH}/User.Read"}
    answer = at(sandbox, authority, grant_type="password", **form)
    assert (answer.json().get("error_codes") or [0]) == [expected], answer.text


def test_the_metadata_of_another_clouds_tenant_names_that_cloud(sandbox: SandboxTenant) -> None:
    sandbox.put_state(lambda state: state.update(otherClouds={ELSEWHERE: "usgov"}))
    body = sandbox.http.get(f"/{ELSEWHERE}/v2.0/.well-known/openid-configuration").json()
    assert body["tenant_region_scope"] == "USGov"
    assert body["token_endpoint"].startswith("https://login.microsoftonline.us/")


def test_a_challenge_for_a_newer_token_is_met(sandbox: SandboxTenant) -> None:
    """Graph's claims challenge after a revocation (entra.md 6.5): the next token counts as issued after it."""
    now = int(datetime.fromisoformat(sandbox.control("POST", "clock", {"advance_seconds": 0})["now"]).timestamp())
    wish = {"access_token": {"nbf": {"essential": True, "value": str(now)}, "xms_cc": {"values": ["cp1"]}}}
    token = read(as_user(sandbox, scope=f"{GRAPH}/.default", claims=json.dumps(wish)).json()["access_token"])
    assert token["iat"] == token["nbf"] == now
    assert token["xms_cc"] == ["CP1"]


@pytest.mark.parametrize(
    "claims", ["[]", "1", '{"access_token": 5}', '{"access_token": {"nbf": {"value": "x"}}}', "{}"]
)
def test_wishes_that_nobody_can_read_are_left_alone(sandbox: SandboxTenant, claims: str) -> None:
    assert as_user(sandbox, claims=claims).status_code == 200


def many_groups(count: int) -> Any:
    def change(state: State) -> None:
        state["groups"] += [
            {
                "id": f"{number:08d}-aaaa-4bbb-8ccc-000000000000",
                "displayName": f"g{number}",
                "securityEnabled": number != 0,
                "members": [user_of(state)["id"]],
            }
            for number in range(count)
        ]

    return change


@pytest.mark.parametrize(("asked", "count"), [("SecurityGroup", 2), ("All", 3), ("None", 0), (None, 0)])
def test_an_api_that_asks_for_groups_gets_them(sandbox: SandboxTenant, asked: str | None, count: int) -> None:
    sandbox.put_state(both(lambda state: add_api(state, groupMembershipClaims=asked), many_groups(3)))
    token = read(sandbox.user_token("developer", "api://orders"))
    assert len(token.get("groups", [])) == count
    assert "groups" not in read(sandbox.user_token("developer", POWER_BI))


def test_more_groups_than_a_token_holds_are_left_to_graph(sandbox: SandboxTenant) -> None:
    sandbox.put_state(both(lambda state: add_api(state, groupMembershipClaims="All"), many_groups(201)))
    token = read(sandbox.user_token("developer", "api://orders"))
    assert "groups" not in token
    assert token["_claim_names"] == {"groups": "src1"}
    assert token["oid"] in token["_claim_sources"]["src1"]["endpoint"]


def test_an_api_of_ones_own_in_version_2(sandbox: SandboxTenant) -> None:
    def stage(state: State) -> None:
        api = {"requestedAccessTokenVersion": 2}
        add_api(state, api=api, optionalClaims={"accessToken": [{"name": "idtyp", "essential": False}]})
        service_principal(state, API)["appRoles"] = [{"id": "r", "value": "Orders.Admin", "isEnabled": True}]
        with_role(state, user_of(state)["id"], "Orders.Admin", API)

    sandbox.put_state(stage)
    token = read(sandbox.user_token("developer", "api://orders"))
    assert (token["ver"], token["aud"], token["azp"], token["idtyp"]) == ("2.0", API, AZURE_CLI, "user")
    assert (token["scp"], token["roles"]) == ("access_as_user", ["Orders.Admin"])
    assert "upn" not in token


def test_no_grant_leaves_a_secret_in_the_state_or_the_log(sandbox: SandboxTenant) -> None:
    sandbox.put_state(signing_in)
    answer = redeem(sandbox, WEB, APP, client_secret=SECRET).json()
    app_only(sandbox, client_secret="not-this-one")
    text = json.dumps([sandbox.state(), sandbox.requests()]) + sandbox.stderr()
    for secret in (SECRET, "not-this-one", sandbox.password, answer["refresh_token"], answer["access_token"]):
        assert secret not in text


def test_resources_of_a_tenant_that_lacks_them(sandbox: SandboxTenant) -> None:
    sandbox.put_state(staged(nothing))
    assert app_only(sandbox, scope="api://missing/.default").json()["error_codes"] == [500011]
    assert app_only(sandbox, scope=f"{GRAPH_APP}/.default {POWER_BI}/x").json()["error_codes"] == [28000]
    assert app_only(sandbox, scope=f"{GRAPH}/.default User.Read").json()["error_codes"] == [70011]


def test_personal_accounts_have_metadata_of_their_own(sandbox: SandboxTenant) -> None:
    body = sandbox.http.get("/consumers/v2.0/.well-known/openid-configuration").json()
    assert body["issuer"] == "https://login.microsoftonline.com/9188040d-6c67-4c5b-b112-36a304b66dad/v2.0"
    assert body["token_endpoint"] == f"{sandbox.url}/consumers/oauth2/v2.0/token"
    assert sandbox.http.get("/consumers/discovery/v2.0/keys").status_code == 200
