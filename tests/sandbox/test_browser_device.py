"""The page for device codes: what a person does there is what the device hears."""

from __future__ import annotations

from typing import Any

import httpx
import jwt
import pytest

from tests.sandbox.browsing import APP, Person, add_app, by_hand, done, user
from tests.support.tenant import AZURE_CLI, GRAPH, POWER_BI, SandboxTenant


def device(sandbox: SandboxTenant, client_id: str = AZURE_CLI, scope: str = f"{GRAPH}/.default") -> dict[str, Any]:
    form = {"client_id": client_id, "scope": f"{scope} openid offline_access profile"}
    return dict(sandbox.http.post(f"/{sandbox.tenant}/oauth2/v2.0/devicecode", data=form).json())


def poll(sandbox: SandboxTenant, code: dict[str, Any], client_id: str = AZURE_CLI) -> httpx.Response:
    return sandbox.token(grant_type="device_code", client_id=client_id, device_code=code["device_code"])


def enter(sandbox: SandboxTenant, code: str) -> Person:
    person = Person(sandbox)
    person.open("/common/oauth2/deviceauth")
    person.press("next", otc=code)
    return person


@pytest.mark.parametrize("spell", [str.upper, str.lower, lambda code: f" {code[:4]}-{code[4:]} "])
def test_a_person_signs_a_device_in(sandbox: SandboxTenant, spell: Any) -> None:
    sandbox.put_state(by_hand)
    code = device(sandbox)
    assert code["verification_uri"] == f"{sandbox.url}/common/oauth2/deviceauth"
    person = enter(sandbox, spell(code["user_code"]))
    page = person.sign_in("developer")
    assert "Are you trying to sign in to Microsoft Azure CLI?" in page.text
    assert poll(sandbox, code).json()["error"] == "authorization_pending"
    assert "You have signed in" in person.press("continue").text
    token = jwt.decode(poll(sandbox, code).json()["access_token"], options={"verify_signature": False})
    assert token["upn"] == f"developer@{sandbox.domain}"


def test_whoever_cancels_tells_the_device(sandbox: SandboxTenant) -> None:
    sandbox.put_state(by_hand)
    code = device(sandbox)
    person = enter(sandbox, code["user_code"])
    person.sign_in("developer")
    assert "cancelled" in person.press("cancel").text
    assert poll(sandbox, code).json()["error"] == "authorization_declined"


def test_a_code_that_is_wrong_or_too_old(sandbox: SandboxTenant) -> None:
    sandbox.put_state(by_hand)
    assert "That code didn't work" in enter(sandbox, "WRONGCODE").page.text
    code = device(sandbox)
    late = enter(sandbox, code["user_code"])
    sandbox.advance(901)
    page = late.sign_in("developer")
    assert "AADSTS70018" in page.text


def test_a_session_is_offered_and_the_code_can_stand_in_the_address(sandbox: SandboxTenant) -> None:
    sandbox.put_state(by_hand)
    code = device(sandbox)
    person = Person(sandbox)
    person.authorize()
    person.sign_in("developer")
    page = person.open("/devicelogin", otc=code["user_code"])
    assert page.fields["otc"] == code["user_code"]
    assert "Pick an account" in person.press("next").text
    person.press(user(sandbox.state())["id"])
    person.press("continue")
    assert poll(sandbox, code).status_code == 200


@pytest.mark.parametrize("v1", [False, True])
def test_consent_is_asked_for_where_it_is_missing(sandbox: SandboxTenant, v1: bool) -> None:
    sandbox.put_state(lambda state: done(by_hand(state), add_app(state)))
    form = {"client_id": APP, **({"resource": POWER_BI} if v1 else {"scope": f"{POWER_BI}/Report.Read.All"})}
    path = f"/{sandbox.tenant}/oauth2{'' if v1 else '/v2.0'}/devicecode"
    code = dict(sandbox.http.post(path, data=form).json())
    person = enter(sandbox, code["user_code"])
    person.sign_in("developer")
    assert "Permissions requested" in person.press("continue").text
    person.press("accept")
    poll_form = {"grant_type": "device_code", "client_id": APP, "code": code["device_code"]}
    answer = sandbox.http.post(
        path.replace("devicecode", "token"), data=poll_form | ({"resource": POWER_BI} if v1 else {})
    )
    assert answer.status_code == 200, answer.text
    assert "Report.Read.All" in answer.json()["scope"]


def test_an_administrator_is_needed_and_the_code_goes_on_waiting(sandbox: SandboxTenant) -> None:
    sandbox.put_state(lambda state: done(by_hand(state), add_app(state)))
    code = device(sandbox, APP, f"{POWER_BI}/Tenant.Read.All")
    person = enter(sandbox, code["user_code"])
    person.sign_in("developer")
    assert "Need admin approval" in person.press("continue").text
    person.press("other")
    person.sign_in("admin")
    person.press("continue")
    person.press("accept")
    assert poll(sandbox, code, APP).status_code == 200


def test_a_second_factor_counts_for_the_device_too(sandbox: SandboxTenant) -> None:
    sandbox.put_state(lambda state: done(by_hand(state), state["policies"].update(securityDefaults=True)))
    code = device(sandbox)
    person = enter(sandbox, code["user_code"])
    assert "Approve sign in request" in person.sign_in("admin").text
    person.press("approve")
    person.press("continue")
    token = jwt.decode(poll(sandbox, code).json()["access_token"], options={"verify_signature": False})
    assert "mfa" in token["amr"]


def test_the_page_shows_what_it_is_given_as_text(sandbox: SandboxTenant) -> None:
    page = sandbox.http.get("/common/oauth2/deviceauth", params={"user_code": '"><script>alert(1)</script>'})
    assert "<script>alert" not in page.text
    assert "pbisetup sandbox approve" in page.text


def test_a_code_that_was_used_says_so(sandbox: SandboxTenant) -> None:
    sandbox.put_state(by_hand)
    code = device(sandbox)
    person = enter(sandbox, code["user_code"])
    person.sign_in("developer")
    person.press("continue")
    assert poll(sandbox, code).status_code == 200
    assert "AADSTS90120" in enter(sandbox, code["user_code"]).page.text
