"""MSAL for Python as programs use it without azure-identity."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.clients.apps import app_with_certificate, claims, pfx, public_app
from tests.clients.client import SCRIPTS, Client
from tests.support.certificate import ClientCertificate
from tests.support.tenant import SandboxTenant

pytestmark = pytest.mark.clients("identity")

BOTH = pytest.mark.parametrize("proxy", [False, True], ids=["direct", "proxy"])
USER_READ = "https://graph.microsoft.com/User.Read"


@BOTH
def test_a_confidential_client_keeps_its_token(
    client: Callable[..., Client], sandbox: SandboxTenant, proxy: bool
) -> None:
    answer = client(proxy=proxy).python("msal_python.py", "secret")
    assert claims(answer["access_token"])["appid"] == sandbox.operator_id
    assert answer["cached"] is True


def test_a_certificate_by_its_sha1_thumbprint(
    client: Callable[..., Client], sandbox: SandboxTenant, tmp_path: Path
) -> None:
    certificate = ClientCertificate()
    pem = certificate.pem.split(b"-----BEGIN PRIVATE KEY")
    (tmp_path / "client.pem").write_bytes(b"-----BEGIN PRIVATE KEY" + pem[1] + pem[0])
    given = {
        "CLIENT_ID": app_with_certificate(sandbox, certificate),
        "CERTIFICATE_FILE": str(tmp_path / "client.pem"),
        "THUMBPRINT": hashlib.sha1(certificate.der, usedforsecurity=False).hexdigest(),
    }
    answer = client().python("msal_python.py", "certificate_sha1", **given)
    assert claims(answer["access_token"])["appidacr"] == "2"


def test_a_certificate_by_its_sha256_thumbprint_and_ps256(
    client: Callable[..., Client], sandbox: SandboxTenant, tmp_path: Path
) -> None:
    certificate = ClientCertificate()
    (tmp_path / "client.pfx").write_bytes(pfx(certificate))
    given = {"CLIENT_ID": app_with_certificate(sandbox, certificate), "PFX_FILE": str(tmp_path / "client.pfx")}
    answer = client().python("msal_python.py", "certificate_sha256", **given)
    assert claims(answer["access_token"])["appidacr"] == "2"


@BOTH
def test_a_device_code(client: Callable[..., Client], sandbox: SandboxTenant, proxy: bool) -> None:
    app = public_app(sandbox, "Workspace.Read.All")
    answer = client(proxy=proxy).python("msal_python.py", "device_code", CLIENT_ID=app)
    assert answer["account"] == f"admin@{sandbox.domain}"
    assert claims(answer["silent"])["scp"] == "Workspace.Read.All"


@BOTH
def test_the_browser_answers_to_msals_own_listener(
    client: Callable[..., Client], sandbox: SandboxTenant, proxy: bool
) -> None:
    sandbox.put_state(lambda state: state.update(auto_approve=None))
    given = {
        "CLIENT_ID": public_app(sandbox, "Workspace.Read.All"),
        "BROWSER": f"{sys.executable} {SCRIPTS / 'browser.py'} %s",
        "SIGN_IN_AS": f"developer@{sandbox.domain}",
    }
    answer = client(proxy=proxy).python("msal_python.py", "interactive", **given)
    assert answer["account"] == f"developer@{sandbox.domain}"


def test_user_name_and_password_through_the_proxy(client: Callable[..., Client], sandbox: SandboxTenant) -> None:
    given = {"CLIENT_ID": public_app(sandbox, "Workspace.Read.All"), "SIGN_IN_AS": f"developer@{sandbox.domain}"}
    stock = client(proxy=True)
    assert claims(stock.python("msal_python.py", "password", **given)["access_token"])["upn"] == given["SIGN_IN_AS"]
    wrong = stock.python("msal_python.py", "password", PASSWORD="nope", **given)
    assert wrong["error"] == "invalid_grant"
    assert 50126 in wrong["error_codes"]
