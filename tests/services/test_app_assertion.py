"""What an app with a federated credential signs in with here: which assertion is at hand, and whose it is."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from pathlib import Path

import pytest

from pbisetup.catalog.clouds import clouds
from pbisetup.model.errors import Unavailable
from pbisetup.model.tenant import TrustedSubject
from pbisetup.services.app_assertion import at_hand, fitting
from pbisetup.services.app_sign_in import Credential, tokens
from pbisetup.services.network import Network

NETWORK = Network(replace(clouds()["public"], ca_bundle="ca.pem"))
APP = Credential("federated", "t", "c", ".env.prod")
TRUSTED = TrustedSubject("https://i.example", "repo:a/b:environment:prod")
GITHUB = {
    "ACTIONS_ID_TOKEN_REQUEST_URL": "https://x.actions.githubusercontent.com",
    "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "t",
}
DEVOPS = {"SYSTEM_OIDCREQUESTURI": "https://dev.azure.com/x", "SYSTEM_ACCESSTOKEN": "t"}
CONNECTION = {"AZURESUBSCRIPTION_SERVICE_CONNECTION_ID": "c"}
FILE = {"AZURE_FEDERATED_TOKEN_FILE": "/file"}


@pytest.fixture(autouse=True)
def _desk(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in {**GITHUB, **DEVOPS, **CONNECTION, **FILE}:
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    ("environ", "source"),
    [
        ({}, ""),
        (FILE, "AZURE_FEDERATED_TOKEN_FILE"),
        (FILE | GITHUB, "AZURE_FEDERATED_TOKEN_FILE"),
        (GITHUB, "GitHub Actions"),
        ({name: GITHUB[name] for name in list(GITHUB)[:1]}, ""),
        (DEVOPS, ""),
        (DEVOPS | CONNECTION, "Azure DevOps"),
        # a file that is the operator's is no proof of the app
        ({"PBISETUP_OPERATOR_FEDERATED_TOKEN_FILE": "/mine"}, ""),
        ({"AZURE_FEDERATED_TOKEN_FILE": "  "}, ""),
    ],
)
def test_where_an_assertion_comes_from(environ: dict[str, str], source: str) -> None:
    assert at_hand(environ) == source


def jwt(issuer: str, subject: str) -> str:
    def part(value: object) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")

    return f"{part({'alg': 'RS256'})}.{part({'iss': issuer, 'sub': subject, 'aud': 'x'})}.c2ln"


def given_in_a_file(folder: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    (folder / "assertion").write_text(text)
    monkeypatch.setenv("AZURE_FEDERATED_TOKEN_FILE", str(folder / "assertion"))


def test_on_a_desk_it_can_be_kept_and_not_tried() -> None:
    found = fitting(NETWORK, APP, TRUSTED)
    assert not found.usable
    assert "cannot be tried here" in found.elsewhere
    with pytest.raises(Unavailable, match="cannot be tried here"):
        tokens(NETWORK, APP)


def test_an_assertion_of_whom_the_app_trusts_is_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given_in_a_file(tmp_path, monkeypatch, jwt(TRUSTED.issuer, TRUSTED.subject) + "\n")
    found = fitting(NETWORK, APP, TRUSTED)
    assert found.usable
    assert found.assertion is not None
    assert found.assertion() == jwt(TRUSTED.issuer, TRUSTED.subject)
    (tmp_path / "assertion").write_text("renewed")
    assert found.assertion() == "renewed"


@pytest.mark.parametrize(
    ("issuer", "subject"),
    [
        (TRUSTED.issuer, "repo:a/b:environment:dev"),
        (TRUSTED.issuer, TRUSTED.subject.upper()),
        ("https://other.example", TRUSTED.subject),
    ],
)
def test_an_assertion_of_somebody_else_is_not_shown_to_entra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, issuer: str, subject: str
) -> None:
    given_in_a_file(tmp_path, monkeypatch, jwt(issuer, subject))
    found = fitting(NETWORK, APP, TRUSTED)
    assert not found.usable
    assert f"this is {subject!r} of {issuer}" in found.elsewhere
    assert TRUSTED.subject in found.elsewhere


def test_where_it_is_not_known_whom_the_app_trusts_entra_decides(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given_in_a_file(tmp_path, monkeypatch, jwt("https://other.example", "x"))
    assert fitting(NETWORK, APP, None).usable


@pytest.mark.parametrize("text", ["", "no assertion", "a.b.c"])
def test_a_file_with_something_else_in_it_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    given_in_a_file(tmp_path, monkeypatch, text)
    assert fitting(NETWORK, APP, TRUSTED).elsewhere


def test_other_kinds_stay_as_they_are() -> None:
    secret = Credential("secret", "t", "c", ".env.dev")
    assert fitting(NETWORK, secret, TRUSTED) is secret
