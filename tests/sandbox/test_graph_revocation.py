"""Continuous access evaluation: a token of a client that understands challenges ends when its principal does."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
import pytest

from tests.sandbox.api import Api, graph, new_app
from tests.support.tenant import GRAPH, SandboxTenant

CP1 = {"access_token": {"xms_cc": {"values": ["CP1"]}}}
State = dict[str, Any]


def app_token(sandbox: SandboxTenant, client_id: str, secret: str, claims: Any = None) -> httpx.Response:
    form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": secret}
    more = {"claims": json.dumps(claims)} if claims else {}
    return sandbox.token(**form, **more, scope=f"{GRAPH}/.default")


def challenge(answer: httpx.Response) -> Any:
    """The claims that a 401 asks for."""
    assert answer.status_code == 401, answer.text
    assert answer.json()["error"]["code"] == "InvalidAuthenticationToken"
    assert "TokenIssuedBeforeRevocationTimestamp" in answer.json()["error"]["message"]
    header = answer.headers["www-authenticate"]
    assert header.startswith('Bearer realm="", authorization_uri="https://login.microsoftonline.com/')
    assert 'error="insufficient_claims"' in header
    hit = re.search(r'claims="([^"]+)"', header)
    assert hit is not None
    return json.loads(base64.b64decode(hit[1]))


def user(state: State, name: str = "developer") -> dict[str, Any]:
    found: dict[str, Any] = next(u for u in state["users"] if u["userPrincipalName"].startswith(f"{name}@"))
    return found


def user_token(sandbox: SandboxTenant, claims: Any) -> str:
    answer = sandbox.token(
        grant_type="password",
        client_id="04b07795-8ddb-461a-bbee-02f9e1bf7b46",
        username=f"developer@{sandbox.domain}",
        password=sandbox.password,
        scope=f"{GRAPH}/.default",
        **({"claims": json.dumps(claims)} if claims else {}),
    )
    assert answer.status_code == 200, answer.text
    return str(answer.json()["access_token"])


@pytest.mark.parametrize("name", ["signInSessionsValidFromDateTime", "lastPasswordChangeDateTime"])
def test_revoked_sessions_are_challenged_and_a_new_token_answers(sandbox: SandboxTenant, name: str) -> None:
    capable, simple = user_token(sandbox, CP1), user_token(sandbox, None)
    assert Api(sandbox, capable, "/v1.0")("GET", "/me").status_code == 200
    sandbox.advance(60)
    moment = _iso(sandbox.http.get("/v1.0/me").headers["date"])
    sandbox.put_state(lambda state: user(state).update({name: moment}))
    sandbox.advance(1)
    asked = challenge(Api(sandbox, capable, "/v1.0")("GET", "/me"))
    assert asked["access_token"]["nbf"]["essential"] is True
    # Who never said that it understands challenges keeps its token to the end.
    assert Api(sandbox, simple, "/v1.0")("GET", "/me").status_code == 200
    again = user_token(sandbox, {"access_token": {**CP1["access_token"], **asked["access_token"]}})
    assert Api(sandbox, again, "/v1.0")("GET", "/me").status_code == 200
    # In a batch the whole is refused: it is one token.
    answer = Api(sandbox, capable, "/v1.0")(
        "POST", "/$batch", {"requests": [{"id": "1", "method": "GET", "url": "/me"}]}
    )
    challenge(answer)


def test_a_disabled_user(sandbox: SandboxTenant) -> None:
    capable, simple = user_token(sandbox, CP1), user_token(sandbox, None)
    sandbox.put_state(lambda state: user(state).update(accountEnabled=False))
    challenge(Api(sandbox, capable, "/v1.0")("GET", "/me"))
    assert Api(sandbox, simple, "/v1.0")("GET", "/me").status_code == 200


def _disable(admin: Api, id_: str) -> None:
    assert admin("PATCH", f"/servicePrincipals/{id_}", {"accountEnabled": False}).status_code == 204


def _delete(admin: Api, id_: str) -> None:
    assert admin("DELETE", f"/servicePrincipals/{id_}").status_code == 204


@pytest.mark.parametrize(("change", "simple_status"), [(_disable, 403), (_delete, 401)])
def test_a_service_principal_that_is_taken_away(
    sandbox: SandboxTenant, change: Callable[[Api, str], None], simple_status: int
) -> None:
    admin = graph(sandbox)
    app = new_app(admin)
    capable = app_token(sandbox, app.client_id, app.secret, CP1).json()["access_token"]
    simple = app_token(sandbox, app.client_id, app.secret).json()["access_token"]
    # It has no permissions, so all that it gets is 403.
    assert Api(sandbox, capable, "/v1.0")("GET", "/users").status_code == 403
    change(admin, app.principal_id)
    challenge(Api(sandbox, capable, "/v1.0")("GET", "/users"))
    answer = Api(sandbox, simple, "/v1.0")("GET", "/users")
    assert answer.status_code == simple_status
    if simple_status == 401:
        assert answer.json()["error"]["code"] == "Authorization_IdentityNotFound"
    assert app_token(sandbox, app.client_id, app.secret, CP1).status_code >= 400


def _iso(date: str) -> str:
    return parsedate_to_datetime(date).strftime("%Y-%m-%dT%H:%M:%SZ")
