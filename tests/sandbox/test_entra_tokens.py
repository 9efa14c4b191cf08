"""Tokens that are issued: claims, lifetimes, audiences, scopes, versions, and what replication lag hides."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime

import msal
import pytest

from tests.sandbox.entra_cases import (
    APP,
    GRAPH_APP,
    POWER_BI_APP,
    SECRET,
    SP,
    add_app,
    app_only,
    as_user,
    granted,
    public,
    read,
    service_principal,
    with_role,
)
from tests.support.tenant import AZURE_CLI, FABRIC, GRAPH, POWER_BI, SandboxTenant, State


def test_claims_of_an_app_only_token_for_power_bi(sandbox: SandboxTenant) -> None:
    sandbox.put_state(add_app)
    body = app_only(sandbox).json()
    assert set(body) == {"token_type", "expires_in", "ext_expires_in", "access_token"}
    token = read(body["access_token"])
    assert token["iss"] == f"https://sts.windows.net/{sandbox.tenant}/"
    assert token["ver"] == "1.0"
    assert token["aud"] == POWER_BI
    assert (token["appid"], token["appidacr"], token["idtyp"]) == (APP, "1", "app")
    assert token["oid"] == token["sub"] == SP
    assert token["tid"] == sandbox.tenant
    assert not {"roles", "scp", "upn", "name"} & set(token)
    assert token["nbf"] == token["iat"]
    assert 3600 <= token["exp"] - token["iat"] - 300 <= 5400


def test_an_app_role_that_is_granted_stands_in_the_token(sandbox: SandboxTenant) -> None:
    def grant(state: State) -> None:
        add_app(state)
        with_role(state, SP)

    sandbox.put_state(grant)
    assert read(app_only(sandbox).json()["access_token"])["roles"] == ["Tenant.Read.All"]


@pytest.mark.parametrize(
    ("asked", "audience"),
    [
        (f"{POWER_BI}/.default", POWER_BI),
        (f"{POWER_BI_APP}/.default", POWER_BI_APP),
        (f"{FABRIC}/.default", FABRIC),
        (f"{FABRIC}//.default", f"{FABRIC}/"),
        ("https://management.core.windows.net//.default", "https://management.core.windows.net/"),
        (f"{GRAPH}/.default", GRAPH),
        (f"{GRAPH}//.default", GRAPH),
        (f"{GRAPH_APP}/.default", GRAPH_APP),
        ("https://localhost/.default", GRAPH),
        ("https://127.0.0.1:8443//.default", GRAPH),
        ("https://storage.azure.com/.default", "https://storage.azure.com"),
    ],
)
def test_audience_is_what_was_asked_and_never_this_machine(sandbox: SandboxTenant, asked: str, audience: str) -> None:
    sandbox.put_state(add_app)
    assert read(app_only(sandbox, scope=asked).json()["access_token"])["aud"] == audience


def test_basic_authentication_and_the_v1_endpoint(sandbox: SandboxTenant) -> None:
    sandbox.put_state(add_app)
    basic = base64.b64encode(f"{APP}:{SECRET}".encode()).decode()
    answer = sandbox.http.post(
        f"/{sandbox.domain}/oauth2/token",
        data={"grant_type": "client_credentials", "resource": POWER_BI},
        headers={"Authorization": f"Basic {basic}"},
    )
    body = answer.json()
    assert answer.status_code == 200, answer.text
    assert body["resource"] == POWER_BI
    assert all(isinstance(body[name], str) for name in ("expires_in", "expires_on", "not_before"))
    assert read(body["access_token"])["aud"] == POWER_BI


def test_a_resource_that_asks_for_v2_tokens_gets_them(sandbox: SandboxTenant) -> None:
    resource = "44444444-aaaa-4bbb-8ccc-000000000004"

    def stage(state: State) -> None:
        add_app(state)
        state["applications"].append(
            {"id": resource, "appId": resource, "displayName": "API", "api": {"requestedAccessTokenVersion": 2}}
        )
        state["servicePrincipals"].append(
            {"id": resource, "appId": resource, "displayName": "API", "servicePrincipalNames": ["api://mine"]}
        )

    sandbox.put_state(stage)
    token = read(app_only(sandbox, scope="api://mine/.default").json()["access_token"])
    assert token["aud"] == resource
    assert token["ver"] == "2.0"
    assert token["iss"] == f"https://login.microsoftonline.com/{sandbox.tenant}/v2.0"
    assert (token["azp"], token["azpacr"]) == (APP, "1")
    assert "idtyp" not in token


def test_a_user_token_carries_what_is_granted_not_only_what_was_asked(sandbox: SandboxTenant) -> None:
    def stage(state: State) -> None:
        public()(state)
        power_bi = service_principal(state, POWER_BI_APP)
        developer = next(u for u in state["users"] if u["displayName"] == "Dana Developer")
        other = next(u for u in state["users"] if u["displayName"] == "Alex Admin")
        base = {"clientId": SP, "resourceId": power_bi["id"]}
        state["oauth2PermissionGrants"] = [
            {"id": "a", "consentType": "AllPrincipals", "principalId": None, "scope": "Report.Read.All", **base},
            {"id": "b", "consentType": "Principal", "principalId": developer["id"], "scope": "App.Read.All", **base},
            {"id": "c", "consentType": "Principal", "principalId": other["id"], "scope": "Tenant.Read.All", **base},
        ]

    sandbox.put_state(stage)
    body = as_user(
        sandbox, client_id=APP, scope=f"{POWER_BI}/Report.Read.All openid offline_access", client_info="1"
    ).json()
    token = read(body["access_token"])
    assert token["scp"] == "App.Read.All Report.Read.All"
    assert (token["appidacr"], token["idtyp"]) == ("0", "user")
    assert token["upn"] == token["unique_name"] == f"developer@{sandbox.domain}"
    assert token["name"] == "Dana Developer"
    assert token["wids"] == ["b79fbf4d-3ef9-4689-8143-76b194e85509"]
    assert token["sub"] != token["oid"]
    assert "foci" not in body
    id_token = read(body["id_token"])
    assert (id_token["aud"], id_token["oid"]) == (APP, token["oid"])
    assert id_token["sub"] != token["sub"], "the subject is another for each recipient"
    other = read(as_user(sandbox, scope=f"{POWER_BI}/.default").json()["access_token"])
    assert other["sub"] == token["sub"]
    info = json.loads(base64.urlsafe_b64decode(body["client_info"] + "=="))
    assert info == {"uid": token["oid"], "utid": sandbox.tenant}


def test_azure_cli_is_of_the_family_and_a_nonce_comes_back(sandbox: SandboxTenant) -> None:
    body = as_user(sandbox, scope=f"{GRAPH}/.default openid", nonce="n-1").json()
    assert body["foci"] == "1"
    assert read(body["id_token"])["nonce"] == "n-1"
    assert "Application.ReadWrite.All" in read(body["access_token"])["scp"].split()


def test_a_client_that_declares_cp1_gets_a_long_lived_graph_token(sandbox: SandboxTenant) -> None:
    wish = json.dumps({"access_token": {"xms_cc": {"values": ["CP1"]}}})
    graph = read(as_user(sandbox, scope=f"{GRAPH}/.default", claims=wish).json()["access_token"])
    assert graph["xms_cc"] == ["CP1"]
    assert graph["exp"] - graph["iat"] > 20 * 3600
    power_bi = read(as_user(sandbox, claims=wish).json()["access_token"])
    assert power_bi["exp"] - power_bi["iat"] < 2 * 3600


def test_tokens_expire_on_the_tenants_clock(sandbox: SandboxTenant) -> None:
    headers = {"Authorization": f"Bearer {sandbox.user_token('admin', 'https://management.azure.com')}"}
    assert sandbox.http.get("/subscriptions?api-version=2022-12-01", headers=headers).json()["value"] == []
    sandbox.advance(2 * 3600)
    assert sandbox.http.get("/subscriptions?api-version=2022-12-01", headers=headers).status_code == 401


def test_replication_lag_hides_a_new_app_then_a_new_secret(sandbox: SandboxTenant) -> None:
    def stage(state: State) -> None:
        add_app(state, _createdAt=datetime.now(UTC).isoformat())
        state["weather"]["replication_lag_seconds"] = 30

    sandbox.put_state(stage)
    assert app_only(sandbox).json()["error_codes"] == [700016]
    sandbox.advance(31)
    assert app_only(sandbox).status_code == 200

    def renew(state: State) -> None:
        now = datetime.fromisoformat(sandbox.control("POST", "clock", {"advance_seconds": 0})["now"])
        state["applications"][-1]["passwordCredentials"] = [
            {"secretText": "new-secret-value", "_createdAt": now.isoformat(), "keyId": SP}
        ]
        state["clock"] = sandbox.state()["clock"]

    sandbox.put_state(renew)
    assert app_only(sandbox, client_secret="new-secret-value").json()["error_codes"] == [7000215]
    sandbox.advance(31)
    assert app_only(sandbox, client_secret="new-secret-value").status_code == 200


def test_a_device_code_serves_once_and_v1_names_its_page_otherwise(sandbox: SandboxTenant) -> None:
    sandbox.reset("developer")
    path = f"/{sandbox.tenant}/oauth2/devicecode"
    code = sandbox.http.post(path, data={"client_id": AZURE_CLI, "resource": POWER_BI}).json()
    assert code["verification_url"].startswith(sandbox.url)
    assert code["expires_in"] == "900"
    form = {"grant_type": "device_code", "client_id": AZURE_CLI, "code": code["device_code"], "resource": POWER_BI}
    first = sandbox.http.post(f"/{sandbox.tenant}/oauth2/token", data=form)
    assert read(first.json()["access_token"])["aud"] == POWER_BI
    assert first.json()["refresh_token"]
    second = sandbox.http.post(f"/{sandbox.tenant}/oauth2/token", data=form)
    assert second.json()["error"] == "bad_verification_code"


@pytest.mark.parametrize("name", ["tenant", "domain"])
@pytest.mark.parametrize("version", ["", "/v2.0"])
def test_discovery_of_the_tenant(sandbox: SandboxTenant, name: str, version: str) -> None:
    asked = getattr(sandbox, name)
    body = sandbox.http.get(f"/{asked}{version}/.well-known/openid-configuration").json()
    assert body["token_endpoint"] == f"{sandbox.url}/{sandbox.tenant}/oauth2{version}/token"
    assert body["issuer"].endswith(f"{sandbox.tenant}{version or '/'}")
    keys = sandbox.http.get(body["jwks_uri"].removeprefix(sandbox.url)).json()["keys"]
    assert {"kty", "use", "kid", "x5t", "n", "e", "issuer"} <= set(keys[0])


@pytest.mark.parametrize("name", ["common", "organizations"])
def test_discovery_without_a_tenant_has_a_template_for_issuer(sandbox: SandboxTenant, name: str) -> None:
    body = sandbox.http.get(f"/{name}/v2.0/.well-known/openid-configuration").json()
    assert body["issuer"] == "https://login.microsoftonline.com/{tenantid}/v2.0"
    assert body["token_endpoint"] == f"{sandbox.url}/{name}/oauth2/v2.0/token"


def test_instance_discovery_knows_microsofts_hosts(sandbox: SandboxTenant) -> None:
    endpoint = f"https://login.microsoftonline.com/{sandbox.tenant}/oauth2/v2.0/authorize"
    body = sandbox.http.get(
        "/common/discovery/instance", params={"api-version": "1.1", "authorization_endpoint": endpoint}
    ).json()
    assert body["tenant_discovery_endpoint"].startswith(f"https://login.microsoftonline.com/{sandbox.tenant}/")
    assert "login.windows.net" in body["metadata"][0]["aliases"]


def test_the_device_page_says_how_to_approve_and_escapes_what_it_shows(sandbox: SandboxTenant) -> None:
    page = sandbox.http.get("/common/oauth2/deviceauth", params={"user_code": "<b>"})
    assert "pbisetup sandbox approve &lt;b&gt;" in page.text
    assert page.headers["content-type"].startswith("text/html")


def test_an_unknown_page_of_the_authority_is_404(sandbox: SandboxTenant) -> None:
    assert sandbox.http.get(f"/{sandbox.tenant}/oauth2/v9/token").status_code == 404


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (f"openid offline_access {GRAPH}/User.Read", f"profile openid {GRAPH}/Mail.Read {GRAPH}/User.Read"),
        ("openid offline_access User.Read", "profile openid Mail.Read User.Read"),
        (f"{GRAPH}/.default", f"profile openid {GRAPH}/Mail.Read {GRAPH}/User.Read {GRAPH}/.default"),
        (f"{GRAPH}//.default", f"profile openid {GRAPH}//Mail.Read {GRAPH}//User.Read {GRAPH}//.default"),
        ("openid email", f"profile openid email {GRAPH}/Mail.Read {GRAPH}/User.Read"),
        (f"{POWER_BI}/.default openid", f"{POWER_BI}/Report.Read.All {POWER_BI}/.default"),
    ],
)
def test_an_answer_names_the_scopes_of_sign_in_bare(sandbox: SandboxTenant, asked: str, told: str) -> None:
    def stage(state: State) -> None:
        public()(state)
        granted(state, scope="openid profile offline_access User.Read Mail.Read")
        granted(state, resource_app=POWER_BI_APP, scope="Report.Read.All")

    sandbox.put_state(stage)
    body = as_user(sandbox, client_id=APP, scope=asked).json()
    assert body["scope"] == told, body
    scp = "Report.Read.All" if POWER_BI in asked else "Mail.Read User.Read openid profile"
    assert read(body["access_token"])["scp"] == scp


@pytest.mark.parametrize("wanted", ["User.Read", f"{GRAPH}/User.Read", f"{GRAPH}/.default", f"{POWER_BI}/.default"])
def test_msal_finds_its_token_again(sandbox: SandboxTenant, wanted: str) -> None:
    def stage(state: State) -> None:
        public()(state)
        granted(state, scope="openid profile offline_access User.Read")
        granted(state, resource_app=POWER_BI_APP, scope="Report.Read.All")

    sandbox.put_state(stage)
    app = msal.PublicClientApplication(
        APP, authority=f"{sandbox.url}/{sandbox.tenant}", instance_discovery=False, verify=sandbox.ca
    )
    first = app.acquire_token_by_device_flow(app.initiate_device_flow([wanted]))
    assert "access_token" in first, first
    again = app.acquire_token_silent([wanted], account=app.get_accounts()[0])
    assert again["access_token"] == first["access_token"]
