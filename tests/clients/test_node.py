"""JavaScript: MSAL Node, @azure/identity and the Graph client."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.clients import install
from tests.clients.apps import app_with_certificate, app_with_federation, claims, public_app
from tests.clients.client import SCRIPTS, Client, node24, node_version
from tests.support.certificate import ClientCertificate
from tests.support.tenant import SandboxTenant

pytestmark = pytest.mark.clients("node")


@pytest.fixture(params=["direct", "proxy"])
def node(request: pytest.FixtureRequest, client: Callable[..., Client]) -> Callable[..., dict[str, object]]:
    """Run a case under Node: directly under the one on PATH, and through the proxy under Node 24."""
    if request.param == "direct":
        if (node_version() or 0) < 20:
            pytest.skip("Node 20 or newer not found")
        direct = client()
        return lambda case, **given: direct.node("node.cjs", case, **given)
    if why := install.missing("node24"):
        pytest.skip(why)
    stock = client(proxy=True)
    return lambda case, **given: stock.node("node.cjs", case, node=node24(), NODE_USE_ENV_PROXY="1", **given)


Run = Callable[..., dict[str, object]]


def test_msal_with_a_secret(node: Run, sandbox: SandboxTenant) -> None:
    answer = node("msal secret")
    assert claims(str(answer["token"]))["appid"] == sandbox.operator_id
    assert answer["cached"] is True


def test_msal_with_a_certificate(node: Run, sandbox: SandboxTenant, tmp_path: Path) -> None:
    certificate = ClientCertificate()
    (tmp_path / "client.pem").write_bytes(certificate.pem)
    thumbprint = hashlib.sha256(certificate.der).hexdigest()
    app = app_with_certificate(sandbox, certificate)
    answer = node(
        "msal certificate", CLIENT_ID=app, CERTIFICATE_FILE=str(tmp_path / "client.pem"), THUMBPRINT=thumbprint
    )
    assert claims(str(answer["token"]))["appidacr"] == "2"


def test_msal_with_a_device_code(node: Run, sandbox: SandboxTenant) -> None:
    answer = node("msal device code", CLIENT_ID=public_app(sandbox, "Workspace.Read.All"))
    assert answer["account"] == f"admin@{sandbox.domain}"
    assert claims(str(answer["silent"]))["scp"] == "Workspace.Read.All"


def test_msal_with_a_browser(node: Run, sandbox: SandboxTenant) -> None:
    sandbox.put_state(lambda state: state.update(auto_approve=None))
    given = {
        "CLIENT_ID": public_app(sandbox, "Workspace.Read.All"),
        "BROWSER_PROGRAM": sys.executable,
        "BROWSER_SCRIPT": str(SCRIPTS / "browser.py"),
        "SIGN_IN_AS": f"developer@{sandbox.domain}",
    }
    assert node("msal browser", **given)["account"] == f"developer@{sandbox.domain}"


@pytest.mark.parametrize("case", ["secret", "environment"])
def test_azure_identity(node: Run, sandbox: SandboxTenant, case: str) -> None:
    given = {
        "AZURE_TENANT_ID": sandbox.tenant,
        "AZURE_CLIENT_ID": sandbox.operator_id,
        "AZURE_CLIENT_SECRET": sandbox.operator_secret,
    }
    assert claims(str(node(f"identity {case}", **given)["token"]))["appid"] == sandbox.operator_id


def test_azure_identity_with_a_wrong_secret(node: Run) -> None:
    assert "AADSTS7000215" in str(node("identity secret", CLIENT_SECRET="nope")["error"])


def test_azure_identity_with_a_certificate(node: Run, sandbox: SandboxTenant, tmp_path: Path) -> None:
    certificate = ClientCertificate()
    (tmp_path / "client.pem").write_bytes(certificate.pem)
    app = app_with_certificate(sandbox, certificate)
    answer = node("identity certificate", CLIENT_ID=app, CERTIFICATE_FILE=str(tmp_path / "client.pem"))
    assert claims(str(answer["token"]))["appid"] == app


def test_azure_identity_with_a_federated_assertion(node: Run, sandbox: SandboxTenant, tmp_path: Path) -> None:
    app, assertion = app_with_federation(sandbox)
    (tmp_path / "token").write_text(assertion, encoding="utf-8")
    answer = node("identity assertion", CLIENT_ID=app, ASSERTION_FILE=str(tmp_path / "token"))
    assert claims(str(answer["token"]))["appid"] == app


def test_azure_identity_with_a_device_code(node: Run, sandbox: SandboxTenant) -> None:
    answer = node("identity device_code", CLIENT_ID=public_app(sandbox, "Workspace.Read.All"))
    assert claims(str(answer["token"]))["upn"] == f"admin@{sandbox.domain}"


def test_the_graph_client(node: Run) -> None:
    answer = node("graph")
    assert answer["made"] == answer["found"]
    assert answer["afterwards"] == 404
