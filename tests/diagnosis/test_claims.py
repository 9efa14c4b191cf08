"""Decoding: whatever a person pastes ends in claims or in a plain sentence."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pbisetup.diagnosis.claims import NotDecodable, decode, find_token
from tests.diagnosis.tokens import NOW, payload, token, user_token


def test_a_token_of_a_service_principal_is_read() -> None:
    claims = decode(token(roles=["Tenant.Read.All"], wids=["w1"]))
    assert claims.app_only
    assert (claims.client_id, claims.object_id, claims.credential) == ("client-id", "sp-object", "1")
    assert claims.roles == {"Tenant.Read.All"}
    assert claims.directory_roles == {"w1"}
    assert (claims.issued, claims.algorithm, claims.key_id) == (NOW, "RS256", "k1")
    assert claims.raw["tid"] == claims.tenant_id


def test_a_token_of_a_person_is_read() -> None:
    claims = decode(user_token(scp="Report.Read.All Dataset.Read.All"))
    assert not claims.app_only
    assert claims.scopes == {"Report.Read.All", "Dataset.Read.All"}
    assert claims.account == "ann@contoso.example"


def test_a_v2_token_names_its_client_differently() -> None:
    claims = decode(token(appid=None, appidacr=None, azp="other-client", azpacr="2", ver="2.0"))
    assert (claims.client_id, claims.credential, claims.version) == ("other-client", "2", "2.0")


@pytest.mark.parametrize(
    ("changes", "app_only"),
    [
        pytest.param({}, True, id="marked as app"),
        pytest.param({"idtyp": None}, True, id="subject is the service principal"),
        pytest.param({"idtyp": None, "sub": "x"}, False, id="neither"),
        pytest.param({"idtyp": None, "oid": None, "sub": None}, False, id="nobody"),
        pytest.param({"scp": "Report.Read.All"}, False, id="scopes outweigh the mark"),
    ],
)
def test_who_a_token_was_issued_to(changes: dict[str, Any], app_only: bool) -> None:
    assert decode(token(**changes)).app_only is app_only


@pytest.mark.parametrize(
    ("value", "read"),
    [
        pytest.param(1_700_000_000, datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC), id="seconds"),
        pytest.param(1_700_000_000.5, datetime(2023, 11, 14, 22, 13, 20, 500_000, tzinfo=UTC), id="fractions"),
        pytest.param("1700000000", None, id="text"),
        pytest.param(True, None, id="true"),
        pytest.param(10**30, None, id="beyond every calendar"),
        pytest.param(-(10**30), None, id="before every calendar"),
        pytest.param(float("nan"), None, id="not a number"),
        pytest.param(float("inf"), None, id="infinity"),
        pytest.param([1], None, id="a list"),
    ],
)
def test_a_time_is_a_time_or_nothing(value: Any, read: datetime | None) -> None:
    assert decode(token(exp=value)).expires == read


TOKEN = token()
FOUND = {
    "bare": TOKEN,
    "behind Bearer": f"Bearer {TOKEN}",
    "a header line": f"Authorization: Bearer {TOKEN}\r\n",
    "in double quotes": f'"{TOKEN}"',
    "in single quotes": f"'{TOKEN}'",
    "an answer of the token endpoint": f'{{"token_type":"Bearer","access_token":"{TOKEN}","expires_in":3599}}',
    "a line of an env file": f"TOKEN={TOKEN}\n",
    "in a curl command": f"curl -H 'Authorization: Bearer {TOKEN}' https://api.powerbi.com/v1.0/myorg/groups",
    "wrapped at 64 columns": "\n".join(TOKEN[i : i + 64] for i in range(0, len(TOKEN), 64)),
    "wrapped once": f"{TOKEN[:200]}\r\n{TOKEN[200:]}",
    "two of them": f"{TOKEN}\n{user_token()}",
    "with a remark below": f"{TOKEN}\nvalid until noon\n",
}


@pytest.mark.parametrize("text", FOUND.values(), ids=FOUND)
def test_a_token_is_found_where_it_stands(text: str) -> None:
    assert find_token(text) == TOKEN


@pytest.mark.parametrize("text", ["", "hello", "a.b.c", "0.AXoAs3cretRefreshToken"])
def test_what_is_no_token_is_not_found(text: str) -> None:
    assert find_token(text) is None


head, body, _ = TOKEN.split(".")
BROKEN = {
    "nothing": ("", "nothing to decode"),
    "a refresh token": ("0.AXoAs3cretRefreshToken", "opaque token, a refresh token, a secret"),
    "encrypted": (f"{head}.a.b.c.d", "encrypted"),
    "cut off in the claims": (f"{head}.{body[:50]}", "cut off in copying"),
    "one part": (head, "three parts, this has 1"),
    "no JSON in it": (f"{head}.bm90IGpzb24.c2ln", "cut off in copying"),
    "a list in it": (f"{head}.{base64.urlsafe_b64encode(b'[1]').decode().rstrip('=')}.c2ln", "cut off in copying"),
}


@pytest.mark.parametrize(("text", "said"), BROKEN.values(), ids=BROKEN)
def test_what_cannot_be_decoded_is_told_in_words(text: str, said: str) -> None:
    with pytest.raises(NotDecodable, match=said):
        decode(text)


def test_an_unsigned_token_whose_last_dot_was_lost_is_still_read() -> None:
    unsigned = token({"alg": "none", "typ": "JWT"}, signature="")
    assert decode(unsigned.rstrip(".")).algorithm == "none"


def test_nested_without_end_it_is_told_in_words() -> None:
    deep = base64.urlsafe_b64encode(b"[" * 100_000).decode().rstrip("=")
    with pytest.raises(NotDecodable):
        decode(f"{head}.{deep}.c2ln")


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(st.sampled_from([*payload(), "scp", "roles", "wids", "upn"]), anything))
def test_claims_of_any_shape_are_read(claims: dict[str, Any]) -> None:
    read = decode(token(**claims))
    assert all(isinstance(v, str) for v in (read.audience, read.issuer, read.client_id, read.object_id, read.account))


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=60) | st.from_regex(r"eyJ[\w.-]{0,60}", fullmatch=True))
def test_any_text_ends_in_claims_or_in_words_that_do_not_repeat_it(text: str) -> None:
    said = ""
    try:
        decode(text)
    except NotDecodable as error:
        said = str(error)
    assert len(text.strip()) < 8 or text.strip() not in said
