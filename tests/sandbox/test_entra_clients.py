"""Other people's clients, unmodified: azure-identity and msal, directly and through the proxy."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest
from azure.core.exceptions import ClientAuthenticationError
from azure.identity import CertificateCredential, ClientSecretCredential, DeviceCodeCredential

from tests.sandbox.entra_cases import APP, CERTIFICATE, by_assertion, read, with_certificate
from tests.support.certificate import ClientCertificate
from tests.support.tenant import AZURE_CLI, GRAPH, POWER_BI, SandboxTenant


def direct(sandbox: SandboxTenant) -> dict[str, Any]:
    """How azure-identity is pointed at a private authority."""
    return {"authority": sandbox.url, "disable_instance_discovery": True, "connection_verify": sandbox.ca}


def test_client_secret_credential_directly(sandbox: SandboxTenant) -> None:
    with ClientSecretCredential(
        sandbox.tenant, sandbox.operator_id, sandbox.operator_secret, **direct(sandbox)
    ) as credential:
        graph = read(credential.get_token(f"{GRAPH}/.default").token)
        power_bi = read(credential.get_token(f"{POWER_BI}/.default").token)
    assert graph["aud"] == GRAPH
    assert "Application.ReadWrite.All" in graph["roles"]
    assert power_bi["aud"] == POWER_BI
    assert "roles" not in power_bi
    assert graph["oid"] == graph["sub"]


def test_a_wrong_secret_reaches_the_caller_as_its_number(sandbox: SandboxTenant) -> None:
    credential = ClientSecretCredential(sandbox.tenant, sandbox.operator_id, "wrong", **direct(sandbox))
    with pytest.raises(ClientAuthenticationError, match="AADSTS7000215"):
        credential.get_token(f"{GRAPH}/.default")


@pytest.mark.parametrize("chain", [False, True])
def test_certificate_credential(sandbox: SandboxTenant, chain: bool) -> None:
    sandbox.put_state(with_certificate)
    with CertificateCredential(
        sandbox.tenant,
        APP,
        certificate_data=CERTIFICATE.pem,
        send_certificate_chain=chain,
        **direct(sandbox),
    ) as credential:
        token = read(credential.get_token(f"{POWER_BI}/.default").token)
    assert (token["appid"], token["appidacr"]) == (APP, "2")


def test_ps256_with_the_sha256_thumbprint(sandbox: SandboxTenant) -> None:
    """What msal sends by itself when it is given the certificate (clients.md 2)."""
    sandbox.put_state(with_certificate)
    audience = f"https://login.microsoftonline.com/{sandbox.tenant}/oauth2/v2.0/token"
    body = {"iss": APP, "sub": APP, "aud": audience}
    assertion = CERTIFICATE.assertion(body, algorithm="PS256", thumbprint="x5t#S256")
    assert by_assertion(sandbox, assertion).status_code == 200
    forged = ClientCertificate().assertion(body, named_as=CERTIFICATE)
    assert by_assertion(sandbox, forged).json()["error_codes"] == [700027]


THROUGH_PROXY = """
import json, sys
from azure.identity import ClientSecretCredential
tenant, client, secret = sys.stdin.read().split()
credential = ClientSecretCredential(tenant, client, secret)
print(credential.get_token("https://graph.microsoft.com/.default").token)
"""


def test_client_secret_credential_through_the_proxy_with_nothing_but_environment_variables(
    sandbox: SandboxTenant, tmp_path: Path
) -> None:
    """Default authority, instance discovery on; a process of its own, because it is driven by variables."""
    environment = sandbox.env(proxy=True)
    assert "AZURE_AUTHORITY_HOST" not in environment
    done = subprocess.run(
        [sys.executable, "-c", THROUGH_PROXY],
        input=f"{sandbox.tenant} {sandbox.operator_id} {sandbox.operator_secret}",
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert read(done.stdout.strip())["tid"] == sandbox.tenant
    hosts = {entry["host"] for entry in sandbox.requests()}
    assert hosts == {"login.microsoftonline.com"}


def test_device_code_credential_waits_for_the_user_and_refreshes_for_another_resource(
    sandbox: SandboxTenant,
) -> None:
    sandbox.put_state(lambda state: state.update(auto_approve=None))

    def prompt(page: str, user_code: str, _expires: object) -> None:
        assert page.startswith(sandbox.url)
        threading.Thread(target=sandbox.approve, args=(user_code, "developer")).start()

    with DeviceCodeCredential(
        AZURE_CLI, tenant_id=sandbox.tenant, prompt_callback=prompt, timeout=20, **direct(sandbox)
    ) as credential:
        record = credential.authenticate(scopes=[f"{GRAPH}/.default"])
        assert record.username == "developer@contoso.onmicrosoft.com"
        sandbox.clear_requests()
        power_bi = read(credential.get_token(f"{POWER_BI}/.default").token)
        again = read(credential.get_token(f"{POWER_BI}/.default").token)
    assert power_bi["aud"] == POWER_BI
    assert power_bi["upn"] == "developer@contoso.onmicrosoft.com"
    assert again["uti"] == power_bi["uti"], "the second came from the client's cache"
    assert [entry["path"].rsplit("/", 1)[-1] for entry in sandbox.requests("POST")] == ["token"]


def test_device_code_is_approved_by_the_tenant_itself_where_its_state_says_so(sandbox: SandboxTenant) -> None:
    sandbox.reset("developer")
    with DeviceCodeCredential(
        AZURE_CLI, tenant_id=sandbox.tenant, prompt_callback=lambda *_: None, timeout=20, **direct(sandbox)
    ) as credential:
        token = read(credential.get_token(f"{GRAPH}/.default").token)
    assert token["unique_name"] == "developer@contoso.onmicrosoft.com"


BY_PASSWORD = """
import sys, warnings
warnings.simplefilter("ignore")
from azure.identity import UsernamePasswordCredential
tenant, client, user, password = sys.stdin.read().split()
credential = UsernamePasswordCredential(client, user, password, tenant_id=tenant)
print(credential.get_token("https://graph.microsoft.com/.default").token)
"""


def test_username_and_password_through_the_proxy(sandbox: SandboxTenant, tmp_path: Path) -> None:
    """Only there: MSAL asks for the user's realm without the port (clients.md 3)."""
    done = subprocess.run(
        [sys.executable, "-c", BY_PASSWORD],
        input=f"{sandbox.tenant} {AZURE_CLI} admin@{sandbox.domain} {sandbox.password}",
        env=sandbox.env(proxy=True),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert read(done.stdout.strip())["upn"] == f"admin@{sandbox.domain}"


def test_a_refresh_token_outlives_the_server(start_sandbox: Callable[..., SandboxTenant]) -> None:
    first = start_sandbox()
    form = {
        "grant_type": "password",
        "client_id": AZURE_CLI,
        "username": f"admin@{first.domain}",
        "password": first.password,
        "scope": f"{GRAPH}/.default offline_access",
    }
    refresh_token = first.token(**form).json()["refresh_token"]
    assert first.close() == 0
    second = start_sandbox()
    assert second.tenant == first.tenant
    assert second.operator_secret != first.operator_secret
    answer = second.token(
        grant_type="refresh_token",
        client_id=AZURE_CLI,
        refresh_token=refresh_token,
        scope=f"{POWER_BI}/.default",
    )
    assert answer.status_code == 200, answer.text


def test_signatures_verify_with_the_published_keys(sandbox: SandboxTenant) -> None:
    token = sandbox.operator_token(POWER_BI)
    published = httpx.get(
        f"{sandbox.url}/{sandbox.tenant}/discovery/v2.0/keys", verify=sandbox.ssl_context, trust_env=False
    ).json()
    kid = jwt.get_unverified_header(token)["kid"]
    key = jwt.PyJWK(next(each for each in published["keys"] if each["kid"] == kid))
    verified = jwt.decode(token, key, algorithms=["RS256"], audience=POWER_BI)
    assert verified["iss"] == f"https://sts.windows.net/{sandbox.tenant}/"
    assert json.dumps(verified)
