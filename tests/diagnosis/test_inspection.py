"""`token inspect`: the verdict on a token that somebody hands over, in any wrapping."""

from __future__ import annotations

import json
import string
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pbisetup.catalog.clouds import clouds
from pbisetup.diagnosis.inspection import Verdict, inspect_text
from tests.diagnosis.tokens import NOW, TENANT, part, token, user_token

PUBLIC = clouds()["public"]


def inspect(text: str | bytes, cloud: str = "public") -> Verdict:
    return inspect_text(text.encode() if isinstance(text, str) else text, clouds()[cloud], NOW)


def test_a_good_token_is_usable_and_told_for_whom_and_how_long() -> None:
    verdict = inspect(token())
    assert verdict.usable
    assert (verdict.problems, verdict.remarks) == ((), ())
    assert verdict.facts["issued to"] == "service principal sp-object"
    assert verdict.facts["credential"] == "client secret"
    assert verdict.facts["roles"] == "none"
    assert verdict.facts["ends"].endswith("(in 60 minutes)")
    assert verdict.lines()[-1].strip().startswith("✓")


def test_a_token_of_a_person_is_told_with_name_and_scopes() -> None:
    verdict = inspect(user_token())
    assert verdict.usable
    assert verdict.facts["issued to"] == "ann@contoso.example"
    assert verdict.facts["scopes"] == "Report.Read.All"


GOVERNMENT = {
    "aud": "https://analysis.usgovcloudapi.net/powerbi/api",
    "iss": f"https://sts.windows.net/{TENANT}/",
}


@pytest.mark.parametrize(
    ("changes", "cloud", "usable"),
    [
        pytest.param({}, "public", True, id="Power BI"),
        pytest.param({"aud": "https://api.fabric.microsoft.com"}, "public", True, id="Fabric"),
        pytest.param({"aud": "https://analysis.windows.net/powerbi/api/"}, "public", True, id="with a slash"),
        pytest.param({"aud": "00000009-0000-0000-c000-000000000000"}, "public", True, id="the app id"),
        pytest.param({"aud": "https://graph.microsoft.com"}, "public", False, id="Graph"),
        pytest.param({"aud": "https://management.azure.com/"}, "public", False, id="Azure"),
        pytest.param({"aud": None}, "public", False, id="none"),
        pytest.param({"aud": "/"}, "gcc", False, id="a slash where there is no Fabric"),
        pytest.param({}, "gcc", False, id="the public cloud's in GCC"),
        pytest.param(GOVERNMENT, "gcc", True, id="GCC's in GCC"),
        pytest.param(GOVERNMENT, "public", False, id="GCC's in the public cloud"),
    ],
)
def test_the_audience_decides_which_api_takes_it(changes: dict[str, Any], cloud: str, usable: bool) -> None:
    verdict = inspect(token(**changes), cloud)
    assert verdict.usable is usable
    assert usable or "audience" in verdict.problems[0]


SPEAKS_AGAINST = {
    "expired": (token(exp=int(NOW.timestamp()) - 60), "it expired 2026-11-20 09:59 UTC"),
    "ends this second": (token(exp=int(NOW.timestamp())), "it expired"),
    "unsigned": (token({"alg": "none"}, signature=""), "it is not signed"),
    "unsigned in capitals": (token({"alg": "NONE"}, signature=""), "it is not signed"),
    "opaque": ("0.AXoAs3cret", "opaque token"),
    "encrypted": (f"{part({'alg': 'RSA-OAEP', 'enc': 'A256GCM'})}.a.b.c.d", "encrypted"),
    "cut off": (token()[:-300], "cut off in copying"),
    "nothing": ("  \r\n", "nothing came in"),
}


@pytest.mark.parametrize(("text", "said"), SPEAKS_AGAINST.values(), ids=SPEAKS_AGAINST)
def test_what_speaks_against_it_is_told(text: str, said: str) -> None:
    verdict = inspect(text)
    assert not verdict.usable
    assert any(said in problem for problem in verdict.problems)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        pytest.param({"iss": "https://sts.windows.net/other/"}, "its issuer is", id="foreign issuer"),
        pytest.param({"roles": ["Tenant.Read.All"]}, "PBI406", id="application permission"),
        pytest.param({"exp": None}, "names no end", id="no end"),
        pytest.param({"idtyp": None, "sub": "x"}, "neither scopes nor roles", id="nobody's"),
    ],
)
def test_what_is_odd_is_remarked_and_does_not_make_it_unusable(changes: dict[str, Any], said: str) -> None:
    verdict = inspect(token(**changes))
    assert verdict.usable
    assert any(said in remark for remark in verdict.remarks)


WRAPPINGS = {
    "UTF-8 with a mark": b"\xef\xbb\xbf" + token().encode(),
    "UTF-16 as PowerShell writes it": token().encode("utf-16"),
    "UTF-16, big end first": b"\xfe\xff" + token().encode("utf-16-be"),
    "UTF-16 without a mark": token().encode("utf-16-le"),
    "JSON": json.dumps({"access_token": token()}, indent=1).encode(),
    "behind Bearer": f"Bearer {token()}\n".encode(),
    "quotes": f'"{token()}"\r\n'.encode(),
}


@pytest.mark.parametrize("raw", WRAPPINGS.values(), ids=WRAPPINGS)
def test_the_wrapping_does_not_matter(raw: bytes) -> None:
    assert inspect(raw).usable


def test_a_hostile_token_cannot_steer_the_terminal() -> None:
    nasty = "\x1b]0;owned\x07\x1b[2J\u202e"
    verdict = inspect(token(aud=nasty, iss=nasty, tid=nasty, oid=nasty, appid=nasty, roles=[nasty], upn=nasty))
    assert all(line.isprintable() for line in verdict.lines())
    assert len(max(inspect(token(aud="x" * 9000)).lines(), key=len)) < 500


@settings(max_examples=200, deadline=None)
@given(
    st.binary(max_size=200)
    | st.text(max_size=80).map(str.encode)
    | st.binary(max_size=60).map(token().encode().__add__)
)
def test_any_bytes_end_in_a_verdict(raw: bytes) -> None:
    verdict = inspect(raw)
    assert verdict.usable or verdict.problems
    assert all(line.isprintable() for line in verdict.lines())
    json.dumps(verdict.to_json())


secrets = st.text(string.ascii_letters + string.digits + "~._-", min_size=20, max_size=40)


@settings(max_examples=150, deadline=None)
@given(secrets | secrets.map("eyJ".__add__))
def test_no_part_of_a_pasted_secret_is_repeated(secret: str) -> None:
    verdict = inspect(secret)
    said = " ".join((*verdict.problems, *verdict.remarks))
    assert not any(secret[i : i + 8] in said for i in range(len(secret) - 7))
