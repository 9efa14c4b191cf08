"""azure-identity, with and without async, by environment and in stock form through the proxy."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.clients import install
from tests.clients.apps import app_with_certificate, app_with_federation, claims, public_app
from tests.clients.az import Az
from tests.clients.client import SCRIPTS, Client
from tests.support.certificate import ClientCertificate
from tests.support.tenant import SandboxTenant

pytestmark = pytest.mark.clients("identity")

BOTH = pytest.mark.parametrize("proxy", [False, True], ids=["direct", "proxy"])
SYNC_AND_ASYNC = pytest.mark.parametrize("suffix", ["", "_aio"], ids=["sync", "async"])


@BOTH
@SYNC_AND_ASYNC
def test_a_secret(client: Callable[..., Client], sandbox: SandboxTenant, proxy: bool, suffix: str) -> None:
    answer = client(proxy=proxy).python("identity.py", f"secret{suffix}")
    found = claims(answer["token"])
    assert (found["appid"], found["tid"]) == (sandbox.operator_id, sandbox.tenant)
    assert "Application.ReadWrite.All" in found["roles"]


@SYNC_AND_ASYNC
def test_a_wrong_secret(client: Callable[..., Client], suffix: str) -> None:
    answer = client().python("identity.py", f"secret{suffix}", CLIENT_SECRET="nope")
    assert "AADSTS7000215" in answer["error"]


@SYNC_AND_ASYNC
@pytest.mark.parametrize("case", ["certificate", "certificate_chain"])
def test_a_certificate(
    client: Callable[..., Client], sandbox: SandboxTenant, tmp_path: Path, case: str, suffix: str
) -> None:
    certificate = ClientCertificate()
    (tmp_path / "client.pem").write_bytes(certificate.pem)
    app = app_with_certificate(sandbox, certificate)
    given = {"CLIENT_ID": app, "CERTIFICATE_FILE": str(tmp_path / "client.pem")}
    answer = client().python("identity.py", f"{case}{suffix}", **given)
    found = claims(answer["token"])
    assert (found["appid"], found["appidacr"]) == (app, "2")


def test_a_certificate_that_is_not_registered(
    client: Callable[..., Client], sandbox: SandboxTenant, tmp_path: Path
) -> None:
    (tmp_path / "other.pem").write_bytes(ClientCertificate().pem)
    given = {"CLIENT_ID": app_with_certificate(sandbox, ClientCertificate())}
    answer = client().python("identity.py", "certificate", CERTIFICATE_FILE=str(tmp_path / "other.pem"), **given)
    assert "AADSTS700027" in answer["error"]


@SYNC_AND_ASYNC
@pytest.mark.parametrize("case", ["assertion", "workload"])
def test_a_federated_assertion(
    client: Callable[..., Client], sandbox: SandboxTenant, tmp_path: Path, case: str, suffix: str
) -> None:
    app, assertion = app_with_federation(sandbox)
    (tmp_path / "token").write_text(assertion, encoding="utf-8")
    given = {
        "CLIENT_ID": app,
        "ASSERTION_FILE": str(tmp_path / "token"),
        "AZURE_CLIENT_ID": app,
        "AZURE_TENANT_ID": sandbox.tenant,
        "AZURE_FEDERATED_TOKEN_FILE": str(tmp_path / "token"),
    }
    assert claims(client().python("identity.py", f"{case}{suffix}", **given)["token"])["appid"] == app


@SYNC_AND_ASYNC
@pytest.mark.parametrize("case", ["environment", "default"])
def test_the_environment_says_it_all(
    client: Callable[..., Client], sandbox: SandboxTenant, case: str, suffix: str
) -> None:
    given = {
        "AZURE_TENANT_ID": sandbox.tenant,
        "AZURE_CLIENT_ID": sandbox.operator_id,
        "AZURE_CLIENT_SECRET": sandbox.operator_secret,
    }
    answer = client().python("identity.py", f"{case}{suffix}", **given)
    assert claims(answer["token"])["appid"] == sandbox.operator_id


@SYNC_AND_ASYNC
def test_a_managed_identity(client: Callable[..., Client], sandbox: SandboxTenant, suffix: str) -> None:
    app = "5f6b1a4e-0c39-4a38-9d0a-6d2f5a5b7f11"

    def host(state: dict[str, Any]) -> None:
        pattern = next(each for each in state["servicePrincipals"] if each["appId"] == sandbox.operator_id)
        identity = {"id": app.replace("5f6b", "6f6b"), "appId": app, "displayName": "runner"}
        kind = {"servicePrincipalType": "ManagedIdentity", "alternativeNames": [], "servicePrincipalNames": [app]}
        state["servicePrincipals"].append({**pattern, **identity, **kind, "owners": []})

    sandbox.put_state(host)
    given = {"IDENTITY_ENDPOINT": f"{sandbox.url}/msi/token", "IDENTITY_HEADER": "header"}
    answer = client().python("identity.py", f"managed{suffix}", **given)
    assert claims(answer["token"])["appid"] == app


@BOTH
def test_a_device_code(client: Callable[..., Client], sandbox: SandboxTenant, proxy: bool) -> None:
    app = public_app(sandbox, "Workspace.Read.All")
    answer = client(proxy=proxy).python(
        "identity.py", "device_code", CLIENT_ID=app, SCOPE="https://graph.microsoft.com/User.Read"
    )
    assert claims(answer["token"])["upn"] == f"admin@{sandbox.domain}"
    assert claims(answer["silent"])["scp"] == "Workspace.Read.All"


@BOTH
def test_a_browser(client: Callable[..., Client], sandbox: SandboxTenant, proxy: bool) -> None:
    app = public_app(sandbox, "Workspace.Read.All")
    given = {
        "CLIENT_ID": app,
        "SCOPE": "https://graph.microsoft.com/User.Read",
        "BROWSER": f"{sys.executable} {SCRIPTS / 'browser.py'} %s",
        "SIGN_IN_AS": f"developer@{sandbox.domain}",
    }
    sandbox.put_state(lambda state: state.update(auto_approve=None))
    answer = client(proxy=proxy).python("identity.py", "interactive", **given)
    assert claims(answer["token"])["upn"] == f"developer@{sandbox.domain}"
    assert claims(answer["silent"])["scp"] == "Workspace.Read.All"


@pytest.mark.clients("azure-cli")
def test_azure_cli_signs_it_in(client: Callable[..., Client], sandbox: SandboxTenant, tmp_path: Path) -> None:
    az = Az.at(sandbox, tmp_path / "az")
    az.login_operator()
    environment = {k: v for k, v in az.client.env.items() if k.startswith("AZURE_") and k != "AZURE_AUTHORITY_HOST"}
    path = f"{install.SETS['azure-cli'].program('az').parent}:{az.client.env['PATH']}"
    identity = client(set_name="identity")
    answer = identity.python("identity.py", "azure_cli", PATH=path, **environment)
    assert claims(answer["token"])["appid"] == sandbox.operator_id
    assert json.dumps(answer)
