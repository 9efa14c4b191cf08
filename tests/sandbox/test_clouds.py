"""Tenants of every cloud: what their tokens say, which addresses are theirs, and what happens at another cloud's."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import jwt
import pytest

from pbisetup.catalog.clouds import clouds
from pbisetup.sandbox.hosts import LOOPBACK, place_of, places, service_of
from tests.support.certificate import ClientCertificate
from tests.support.cli import Cli
from tests.support.tenant import AZURE_CLI, FABRIC, POWER_BI, SandboxTenant

GCC_APP = "fc4979e5-0aa5-429f-b13a-5d1365be5566"
POWER_BI_APP = "00000009-0000-0000-c000-000000000000"
GROUPS = "/v1.0/myorg/groups"


def born(sandbox: SandboxTenant, cloud: str, base: str = "automation", **more: Any) -> dict[str, Any]:
    """Begin in a cloud; what the caller had configured there."""
    sandbox.reset({"description": f"in {cloud}", "base": base, "tenant": {"cloud": cloud}, **more})
    found: dict[str, Any] = sandbox.state()["caller"]
    return found


@pytest.fixture
def wire(sandbox: SandboxTenant) -> Iterator[httpx.Client]:
    """A client on the other side of the proxy: Microsoft's names are this tenant."""
    with httpx.Client(proxy=sandbox.proxy, verify=sandbox.ssl_context, trust_env=False, timeout=30) as client:
        yield client


def ask(wire: httpx.Client, login: str, tenant: str, **form: str) -> httpx.Response:
    return wire.post(f"{login}/{tenant}/oauth2/v2.0/token", data=form)


def app_token(sandbox: SandboxTenant, wire: httpx.Client, login: str, app: str, resource: str) -> httpx.Response:
    form = {"grant_type": "client_credentials", "client_id": app, "client_secret": sandbox.app_secret}
    return ask(wire, login, sandbox.tenant, **form, scope=f"{resource}/.default")


def bearer(answer: httpx.Response) -> dict[str, str]:
    assert answer.status_code == 200, answer.text
    return {"Authorization": f"Bearer {answer.json()['access_token']}"}


def code(answer: httpx.Response) -> int:
    assert answer.status_code in (400, 401), answer.text
    return int(answer.json()["error_codes"][0])


@pytest.mark.parametrize("name", clouds())
def test_an_app_works_in_its_own_cloud(sandbox: SandboxTenant, wire: httpx.Client, name: str) -> None:
    cloud = clouds()[name]
    app = born(sandbox, name)["client_id"]
    answer = app_token(sandbox, wire, cloud.login, app, cloud.powerbi_resource)
    claims = jwt.decode(answer.json()["access_token"], options={"verify_signature": False})
    assert claims["aud"] == cloud.powerbi_resource
    assert claims["iss"] == cloud.token_issuer.format(tenant=sandbox.tenant)
    regions = {"public": "EU", "gcc": "NA", "gcchigh": "USGov", "dod": "USGov", "china": "CN"}
    assert claims["tenant_region_scope"] == regions[name]
    listed = wire.get(cloud.powerbi + GROUPS, headers=bearer(answer))
    assert [each["name"] for each in listed.json()["value"]] == ["Reports Dev"]
    assert urlsplit(listed.headers["home-cluster-uri"]).hostname.endswith(cloud.cross_hosts[0])
    # On loopback the address is the tenant's own, whatever its cloud.
    assert sandbox.http.get(GROUPS, headers=bearer(answer)).status_code == 200


@pytest.mark.parametrize("name", clouds())
def test_the_directory_signs_people_in_for_graph(sandbox: SandboxTenant, wire: httpx.Client, name: str) -> None:
    cloud = clouds()[name]
    born(sandbox, name)
    form = {"username": f"developer@{sandbox.domain}", "password": sandbox.password, "client_id": AZURE_CLI}
    for scope in (f"{cloud.graph_resource}/.default", "User.Read"):  # a bare name is Graph's
        answer = ask(wire, cloud.login, sandbox.tenant, grant_type="password", scope=scope, **form)
        assert wire.get(f"{cloud.graph}/v1.0/me", headers=bearer(answer)).status_code == 200


@pytest.mark.parametrize(
    ("name", "region", "sub_region"),
    [
        ("public", "EU", None),
        ("gcc", "NA", "GCC"),
        ("gcchigh", "USGov", "DODCON"),
        ("dod", "USGov", "DOD"),
        ("china", "CN", None),
    ],
)
def test_every_authority_tells_which_cloud_a_tenant_is_in(
    sandbox: SandboxTenant, wire: httpx.Client, name: str, region: str, sub_region: str | None
) -> None:
    """The commercial authority answers for tenants of other clouds too, and names their addresses."""
    cloud = clouds()[name]
    born(sandbox, name)
    for login in (clouds()["public"].login, cloud.login):
        body = wire.get(f"{login}/{sandbox.tenant}/v2.0/.well-known/openid-configuration").json()
        assert (body["tenant_region_scope"], body.get("tenant_region_sub_scope")) == (region, sub_region)
        assert body["token_endpoint"].startswith(cloud.login)
        assert body["issuer"] == f"{cloud.login}/{sandbox.tenant}/v2.0"
        assert body["msgraph_host"] == urlsplit(cloud.graph).hostname
        assert urlsplit(cloud.login).hostname.endswith(body["cloud_instance_name"])


@pytest.mark.parametrize(
    ("name", "login"),
    [
        ("gcchigh", "https://login.microsoftonline.com"),
        ("public", "https://login.microsoftonline.us"),
        ("gcc", "https://login.partner.microsoftonline.cn"),
    ],
)
def test_another_clouds_authority_refuses_each_kind_of_client(
    sandbox: SandboxTenant, wire: httpx.Client, name: str, login: str
) -> None:
    """With a secret (IntuneManagement#307), with a certificate (measured against every cloud, 2026-09) and as a person."""
    app, cloud = born(sandbox, name)["client_id"], clouds()[name]
    assert code(app_token(sandbox, wire, login, app, cloud.powerbi_resource)) == 900382
    form = {"grant_type": "client_credentials", "client_id": app, "scope": f"{cloud.powerbi_resource}/.default"}
    kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
    claims = {"iss": app, "sub": app, "aud": f"{login}/{sandbox.tenant}/oauth2/v2.0/token"}
    assertion = ClientCertificate().assertion(claims)
    answer = ask(wire, login, sandbox.tenant, **form, client_assertion=assertion, client_assertion_type=kind)
    assert code(answer) == 700023
    person = {"username": f"developer@{sandbox.domain}", "password": sandbox.password, "client_id": AZURE_CLI}
    scope = f"{cloud.powerbi_resource}/.default"
    assert code(ask(wire, login, sandbox.tenant, grant_type="password", scope=scope, **person)) == 90038


def test_gcc_shares_the_commercial_authority(sandbox: SandboxTenant, wire: httpx.Client) -> None:
    app = born(sandbox, "gcc")["client_id"]
    answer = app_token(sandbox, wire, "https://login.windows.net", app, clouds()["gcc"].powerbi_resource)
    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("name", "resource"),
    [
        ("public", clouds()["gcc"].powerbi_resource),
        ("public", clouds()["gcchigh"].powerbi_resource),
        ("gcchigh", FABRIC),  # fabric-sdk-go#146: the SDK asks for the commercial scope
        ("gcchigh", POWER_BI),
        ("china", POWER_BI),
    ],
)
def test_another_clouds_resource_is_unknown_here(sandbox: SandboxTenant, name: str, resource: str) -> None:
    app = born(sandbox, name)["client_id"]
    form = {"grant_type": "client_credentials", "client_id": app, "client_secret": sandbox.app_secret}
    assert code(sandbox.token(**form, scope=f"{resource}/.default")) == 500011


def test_a_registration_that_asks_for_the_commercial_app_gets_no_token_for_gcc(sandbox: SandboxTenant) -> None:
    """PowerBI-VSCode#18, an app of one's own in a GCC tenant."""
    born(sandbox, "gcc", "user-sign-in")
    state = sandbox.state()
    app = next(each for each in state["applications"] if each["displayName"] == "Contoso Reports")
    for entry in app["requiredResourceAccess"]:
        if entry["resourceAppId"] == GCC_APP:
            entry["resourceAppId"] = POWER_BI_APP
    gcc = next(each["id"] for each in state["servicePrincipals"] if each["appId"] == GCC_APP)
    grants = state["oauth2PermissionGrants"]
    state["oauth2PermissionGrants"] = [each for each in grants if each["resourceId"] != gcc]
    sandbox.put_state(state)
    answer = sandbox.token(
        grant_type="password",
        client_id=app["appId"],
        username=f"developer@{sandbox.domain}",
        password=sandbox.password,
        scope=f"{clouds()['gcc'].powerbi_resource}/.default",
    )
    assert code(answer) == 650057
    said = answer.json()["error_description"]
    assert "Resource value from request: https://analysis.usgovcloudapi.net/powerbi/api." in said
    assert f"Resource app ID: {GCC_APP}" in said
    assert POWER_BI_APP in said


def test_a_commercial_token_in_a_gcc_tenant(sandbox: SandboxTenant, wire: httpx.Client) -> None:
    """pbi-tools#252: the directory hands it out, and neither host will have it."""
    app = born(sandbox, "gcc")["client_id"]
    headers = bearer(app_token(sandbox, wire, "https://login.microsoftonline.com", app, POWER_BI))
    at_home = wire.get(f"https://api.powerbigov.us{GROUPS}", headers=headers)
    assert (at_home.status_code, at_home.headers["x-powerbi-error-info"]) == (403, "TokenExpired")
    abroad = wire.get(f"https://api.powerbi.com{GROUPS}", headers=headers)
    assert (abroad.status_code, abroad.json()["error"]["code"]) == (401, "PowerBINotLicensedException")
    assert wire.get("https://api.fabric.microsoft.com/v1/workspaces", headers=headers).status_code == 401


def test_a_government_token_at_the_commercial_hosts(sandbox: SandboxTenant, wire: httpx.Client) -> None:
    cloud = clouds()["gcchigh"]
    app = born(sandbox, "gcchigh")["client_id"]
    headers = bearer(app_token(sandbox, wire, cloud.login, app, cloud.powerbi_resource))
    assert wire.get(f"https://api.powerbi.com{GROUPS}", headers=headers).status_code == 403
    assert wire.get("https://api.fabric.microsoft.com/v1/workspaces", headers=headers).status_code == 401
    assert wire.get(f"{cloud.fabric}/v1/workspaces", headers=headers).status_code == 200


def test_no_fabric_api_in_gcc(sandbox: SandboxTenant, wire: httpx.Client) -> None:
    cloud = clouds()["gcc"]
    app = born(sandbox, "gcc")["client_id"]
    headers = bearer(app_token(sandbox, wire, cloud.login, app, cloud.powerbi_resource))
    answer = wire.get(f"{cloud.powerbi}/v1/workspaces", headers=headers)
    assert (answer.status_code, answer.json()["errorCode"]) == (404, "EntityNotFound")


def test_graph_of_another_cloud_names_the_instance(sandbox: SandboxTenant, wire: httpx.Client) -> None:
    """Measured 2026-09-29: a commercial tenant issues a token for the government's Graph, which refuses it."""
    form = {"username": f"admin@{sandbox.domain}", "password": sandbox.password, "client_id": AZURE_CLI}
    answer = sandbox.token(grant_type="password", scope="https://graph.microsoft.us/.default", **form)
    refused = wire.get("https://graph.microsoft.us/v1.0/me", headers=bearer(answer))
    assert (refused.status_code, refused.json()["error"]["message"]) == (401, "InvalidCloudInstance")


def test_both_hosts_serve_both_apis_and_take_double_slashes(sandbox: SandboxTenant, wire: httpx.Client) -> None:
    """fabric-cicd asks api.powerbi.com/v1; FUAM, semantic-link-labs and older fabric-cicd write `//v1`."""
    app = born(sandbox, "public")["client_id"]
    login = clouds()["public"].login
    power_bi = bearer(app_token(sandbox, wire, login, app, POWER_BI))
    fabric = bearer(app_token(sandbox, wire, login, app, FABRIC))
    for host in ("https://api.powerbi.com", "https://api.fabric.microsoft.com"):
        for slash in ("/", "//"):
            for headers in (power_bi, fabric):
                found = wire.get(f"{host}{slash}v1/workspaces", headers=headers)
                assert [each["displayName"] for each in found.json()["value"]] == ["Reports Dev"]
            assert wire.get(f"{host}{slash}v1.0/myorg/groups", headers=power_bi).json()["value"][0]["name"]


def test_fabrics_audience_on_power_bi_at_fabrics_host(sandbox: SandboxTenant, wire: httpx.Client) -> None:
    """semantic-link-labs#782; elsewhere the two audiences are said to be equal, so that the state may take it."""
    app = born(sandbox, "public")["client_id"]
    headers = bearer(app_token(sandbox, wire, clouds()["public"].login, app, FABRIC))
    refused = wire.get(f"https://api.fabric.microsoft.com{GROUPS}", headers=headers)
    assert (refused.status_code, refused.content, refused.headers["content-length"]) == (403, b"", "0")
    assert wire.get(f"https://api.powerbi.com{GROUPS}", headers=headers).status_code == 200
    sandbox.put_state(lambda state: state.update(unknowns={"fabricAudienceOnPowerBi": "taken"}))
    assert wire.get(f"https://api.fabric.microsoft.com{GROUPS}", headers=headers).status_code == 200


def test_a_tenant_that_is_put_into_another_cloud_has_that_clouds_apps(sandbox: SandboxTenant) -> None:
    def names(app_id: str) -> list[str]:
        found = [each for each in sandbox.state()["servicePrincipals"] if each["appId"] == app_id]
        return [name for each in found for name in each["servicePrincipalNames"]]

    sandbox.put_state(lambda state: state["tenant"].update(cloud="gcc"))
    assert clouds()["gcc"].powerbi_resource in names(GCC_APP)
    assert POWER_BI in names(POWER_BI_APP)
    sandbox.put_state(lambda state: state["tenant"].update(cloud="dod"))
    assert names(GCC_APP) == []
    assert clouds()["dod"].powerbi_resource in names(POWER_BI_APP)
    assert POWER_BI not in names(POWER_BI_APP)
    # Within a cloud the directory is what the state says.
    sandbox.put_state(lambda state: _without(state, POWER_BI_APP))
    assert names(POWER_BI_APP) == []


def _without(state: dict[str, Any], app_id: str) -> None:
    state["servicePrincipals"] = [each for each in state["servicePrincipals"] if each["appId"] != app_id]


@pytest.mark.parametrize("cloud", ["moon", 5, None, ["gcc"], {"a": 1}, "sandbox"])
def test_a_cloud_that_is_none_is_told_in_words(sandbox: SandboxTenant, cloud: Any) -> None:
    state = sandbox.state()
    state["tenant"]["cloud"] = cloud
    answer = sandbox.http.put("/_sandbox/state", json=state)
    assert answer.status_code == 400
    assert answer.json()["problems"] == ["tenant.cloud must be one of public, gcc, gcchigh, dod, china"]


def test_which_host_is_whose() -> None:
    for cloud in clouds().values():
        for origin in (cloud.login, cloud.graph, cloud.powerbi, cloud.fabric):
            place = place_of(urlsplit(origin or cloud.login).netloc)
            assert place is not None
            assert cloud.name in place.clouds
    for name, place in places().items():
        assert service_of(name, "/") == place.service
        assert service_of(f"{name.upper()}:443", "/") == place.service
        if place.service in ("powerbi", "fabric"):
            assert len(place.clouds) == 1
            assert service_of(name, "/v1/workspaces") == "fabric"
            assert service_of(name, "/v1.0/myorg/groups") == "powerbi"
            assert service_of(name, "/metadata/v201606/generateastoken") == "xmla"
    for name in (*LOOPBACK, "example.com", "[", ""):
        assert place_of(name) is None


# Its own command line, as against a real tenant


def cli(sandbox: SandboxTenant, folder: Path, **variables: str) -> Cli:
    env = {k: v for k, v in sandbox.env(proxy=True).items() if not k.startswith("PBISETUP_SANDBOX")}
    return Cli(folder, {**env, "PBISETUP_CA_BUNDLE": sandbox.ca, **variables})


def configured(sandbox: SandboxTenant, app: str) -> dict[str, str]:
    return {"AZURE_TENANT_ID": sandbox.tenant, "AZURE_CLIENT_ID": app, "AZURE_CLIENT_SECRET": sandbox.app_secret}


@pytest.mark.parametrize("name", ["gcc", "gcchigh"])
def test_token_and_doctor_in_a_government_cloud(sandbox: SandboxTenant, tmp_path: Path, name: str) -> None:
    app = born(sandbox, name)["client_id"]
    run = cli(sandbox, tmp_path, **configured(sandbox, app))
    claims = run.ok("token", "--cloud", name, "--claims").out
    assert clouds()[name].powerbi_resource in claims
    report = run("doctor", "--cloud", name, "--format", "json")
    assert report.json["healthy"] is True, report
    asked = {each["host"] for each in sandbox.requests()}
    assert asked <= {urlsplit(origin).hostname for origin in clouds()[name].origins()}


@pytest.mark.parametrize(
    ("name", "seen"), [("gcchigh", "login.microsoftonline.us"), ("gcc", "PowerBINotLicensedException")]
)
def test_the_commercial_cloud_against_a_government_tenant(
    sandbox: SandboxTenant, tmp_path: Path, name: str, seen: str
) -> None:
    """The commercial metadata of a GCC High tenant sends a client to the government's token endpoint, where our own is not
    let go; GCC hands out a commercial token, which no API takes.
    """
    app = born(sandbox, name)["client_id"]
    run = cli(sandbox, tmp_path, **configured(sandbox, app))
    report = run("doctor", "--cloud", "public", "--format", "json")
    assert report.code != 0
    assert report.json["healthy"] is False
    assert seen in json.dumps(report.json), report
