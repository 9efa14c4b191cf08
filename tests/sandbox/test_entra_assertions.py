"""Signed assertions whose claims are wrong, odd or impossible: each is refused in the service's words."""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any

import jwt
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pbisetup.sandbox.keys import SigningKey
from tests.sandbox.entra_cases import (
    APP,
    CERTIFICATE,
    api_and,
    by_certificate,
    federated,
    on_behalf,
    read,
    trust,
    trusting,
    with_certificate,
)
from tests.support.certificate import ClientCertificate
from tests.support.tenant import SandboxTenant, State

NAMES = st.sampled_from(["exp", "nbf", "iat", "aud", "iss", "sub", "jti", "tid", "oid", "idtyp"])
ODD = st.one_of(
    st.none(), st.booleans(), st.just(10**400), st.just(-(10**400)), st.integers(), st.floats(), st.text(max_size=8),
    st.just("https://["), st.just([]), st.just({}), st.lists(st.one_of(st.text(max_size=4), st.integers()), max_size=3),
    st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
)  # fmt: skip
CLAIMS = st.dictionaries(NAMES, ODD, min_size=1, max_size=3)
FEW = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))


def both(state: State) -> None:
    with_certificate(state)
    next(each for each in state["applications"] if each["appId"] == APP)["federatedIdentityCredentials"] = [trust()]


@pytest.mark.parametrize("way", [by_certificate, federated])
def test_odd_claims_never_break_the_service(sandbox: SandboxTenant, way: Any) -> None:
    sandbox.put_state(both)
    assert by_certificate(sandbox).status_code == 200
    assert federated(sandbox).status_code == 200

    @FEW
    @given(CLAIMS)
    def odd(claims: dict[str, Any]) -> None:
        answer = way(sandbox, **claims) if way is by_certificate else federated(sandbox, text=signed(sandbox, claims))
        assert answer.status_code in (200, 400, 401), answer.text

    odd()


def signed(sandbox: SandboxTenant, claims: dict[str, Any]) -> str:
    """An assertion as its issuer signs it, with these claims on top."""
    body = {"issuer": "https://token.actions.githubusercontent.com", "subject": "repo:contoso/reports:environment:prod"}
    answer = sandbox.http.post("/_sandbox/assertions", content=json.dumps({**body, "claims": claims}))
    assert answer.status_code < 500, answer.text
    return str(answer.json().get("assertion", "x.y.z"))


@pytest.mark.parametrize("name", ["exp", "nbf"])
@pytest.mark.parametrize("value", [10**400, float("inf"), float("nan"), "2099-01-01", True, None, [1]])
def test_a_time_that_no_calendar_has(sandbox: SandboxTenant, name: str, value: Any) -> None:
    sandbox.put_state(both)
    assert by_certificate(sandbox, **{name: value}).json()["error_codes"] == [700024]


@pytest.mark.parametrize("exp", [10**400, float("inf"), "soon", None])
def test_a_users_token_of_no_time(sandbox: SandboxTenant, exp: Any) -> None:
    """Signed with this tenant's own key, as nobody else could."""
    sandbox.put_state(api_and())
    claims = read(sandbox.user_token("developer", "api://orders"))
    key = SigningKey.from_pem(json.loads(sandbox.state_file.read_text(encoding="utf-8"))["signingKey"]).private_key
    content = json.dumps(claims | {"exp": exp}).encode()
    answer = on_behalf(sandbox, jwt.PyJWS().encode(content, key, "RS256", {"typ": "JWT"}))
    assert answer.json()["error_codes"] == [500133], answer.text


def test_an_expired_assertion_says_when(sandbox: SandboxTenant) -> None:
    sandbox.put_state(with_certificate)
    text = by_certificate(sandbox, nbf=1_690_000_000, exp=1_700_000_000).json()["error_description"]
    assert re.search(
        r"Current time: \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{7}Z, assertion valid from 2023-07-22T04:26:40\.0000000Z, "
        r"expiry time of assertion 2023-11-14T22:13:20\.0000000Z\.",
        text,
    )


def test_an_unknown_certificate_is_named(sandbox: SandboxTenant) -> None:
    sandbox.put_state(with_certificate)
    other = ClientCertificate()
    text = by_certificate(sandbox, other).json()["error_description"]
    assert f"Thumbprint of key used by client: '{_sha1(other)}'" in text
    assert f"app Id '{APP}'" in text
    forged = CERTIFICATE.assertion({"iss": APP, "sub": APP}, named_as=CERTIFICATE)[:-8] + "AAAAAAAA"
    assert f"'{_sha1(CERTIFICATE)}'" in federated(sandbox, text=forged).json()["error_description"]


def _sha1(certificate: ClientCertificate) -> str:
    return hashlib.sha1(certificate.der, usedforsecurity=False).hexdigest().upper()


@pytest.mark.parametrize(
    ("audience", "right"),
    [
        ("{url}/{tenant}/oauth2/v2.0/token", True),
        ("{url}/{tenant}/oauth2/token", True),
        ("{url}/{tenant}/v2.0", True),
        ("https://login.microsoftonline.com/{tenant}/v2.0", True),
        ("https://login.microsoftonline.com/{domain}/oauth2/v2.0/token", True),
        ("https://login.microsoftonline.com/common/oauth2/v2.0/token", True),
        ("https://sts.windows.net/{tenant}/", True),
        ("https://login.microsoftonline.com/fabrikam.example/oauth2/v2.0/token", False),
        ("https://login.example.com/{tenant}/oauth2/v2.0/token", False),
        ("http://login.microsoftonline.com/{tenant}/oauth2/v2.0/token", False),
        ("https://login.microsoftonline.com/{tenant}/oauth2/v2.0/authorize", False),
        ("https://[", False),
        ("{tenant}", False),
        ("api://AzureADTokenExchange", False),
    ],
)
def test_an_assertion_is_for_this_authority(sandbox: SandboxTenant, audience: str, right: bool) -> None:
    sandbox.put_state(with_certificate)
    given_audience = audience.format(url=sandbox.url, tenant=sandbox.tenant, domain=sandbox.domain)
    answer = by_certificate(sandbox, aud=given_audience)
    assert (answer.status_code == 200) is right, answer.text
    if not right:
        assert answer.json()["error_codes"] == [700023]


def test_a_federated_assertion_of_no_time(sandbox: SandboxTenant) -> None:
    sandbox.put_state(trusting())
    for value in (10**400, float("inf"), "x"):
        answer = federated(sandbox, text=signed(sandbox, {"exp": value}))
        assert answer.status_code in (400, 401), answer.text
