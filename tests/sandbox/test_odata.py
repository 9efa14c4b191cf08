"""The filter grammar: what it reads, what it finds, and that everything else is refused in one way."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pbisetup.sandbox.odata import BadFilter, parse

ITEM = {
    "id": "9a7b1e72-4e61-42c5-a5e5-54316b049254",
    "displayName": "O'Brien Reports",
    "accountEnabled": True,
    "tags": ["pbisetup:env=dev", "x"],
    "identifierUris": ["api://a"],
    "owners": [],
    "createdDateTime": "2026-11-20T10:00:00Z",
    "web": {"homePageUrl": "https://x"},
    "notes": None,
}


@pytest.mark.parametrize(
    ("text", "hit"),
    [
        ("displayName eq 'O''Brien Reports'", True),
        ("displayName eq 'o''brien reports'", True),
        ("displayName ne 'x'", True),
        ("id eq '9A7B1E72-4e61-42c5-a5e5-54316b049254'", True),
        ("id eq 9a7b1e72-4e61-42c5-a5e5-54316b049254", True),
        ("accountEnabled eq true", True),
        ("accountEnabled eq false", False),
        ("accountEnabled eq 'true'", False),
        ("notes eq null", True),
        ("startswith(displayName,'o''br')", True),
        ("startswith(displayName,'Reports')", False),
        ("startswith(displayName, 'O') eq true", True),
        ("endswith(displayName,'reports')", True),
        ("contains(displayName,'brien')", True),
        ("tags/any(t:t eq 'pbisetup:env=dev')", True),
        ("tags/any(t:t eq 'nothing')", False),
        ("tags/any(t: startswith(t,'pbisetup:'))", True),
        ("tags/any()", True),
        ("owners/any()", False),
        ("owners/$count eq 0", True),
        ("displayName in ('a', 'O''Brien Reports')", True),
        ("displayName in ('a')", False),
        ("not startswith(displayName,'x')", True),
        ("web/homePageUrl eq 'https://x'", True),
        ("createdDateTime ge 2026-11-01T00:00:00Z", True),
        ("createdDateTime lt 2026-11-01T00:00:00Z", False),
        ("displayName eq 'a' or accountEnabled eq true and notes eq null", True),
        ("(displayName eq 'a' or accountEnabled eq true) and notes eq 'x'", False),
        ("  displayName   eq   'O''Brien Reports'  ", True),
    ],
)
def test_filters_find(text: str, hit: bool) -> None:
    assert parse(text).matches(ITEM) is hit


@pytest.mark.parametrize(
    ("text", "hit"),
    [
        ("displayName eq 'O''Brien Reports'", True),
        ("displayName eq 'o''brien reports'", False),
        ("tolower(displayName) eq 'o''brien reports'", True),
        ("toupper(displayName) eq 'o''brien reports'", False),
        ("contains(toupper(displayName),'BRIEN')", True),
        ("contains(displayName,'brien')", False),
        ("tolower(displayName) in ('a', 'o''brien reports')", True),
        ("id eq 9A7B1E72-4e61-42c5-a5e5-54316b049254", True),
        ("tolower(accountEnabled) eq 'true'", False),
    ],
)
def test_power_bi_s_filters_regard_case_unless_told(text: str, hit: bool) -> None:
    assert parse(text, exact=True).matches(ITEM) is hit


@pytest.mark.parametrize("text", ["tolower(displayName eq 'a'", "tolower() eq 'a'", "tolower(displayName)"])
def test_half_a_case_is_refused(text: str) -> None:
    with pytest.raises(BadFilter):
        parse(text, exact=True)


def test_the_directory_has_no_words_for_case() -> None:
    with pytest.raises(BadFilter):
        parse("tolower(displayName) eq 'a'")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "displayName",
        "displayName eq",
        "displayName eq 'open",
        "displayName is 'x'",
        "displayName eq x",
        "eq 'x'",
        "(displayName eq 'x'",
        "displayName eq 'x')",
        "displayName eq 'x' and",
        "tags/any(t:u eq 'x')",
        "tags/any(t eq 'x')",
        "startswith(displayName)",
        "displayName in ()",
        "displayName eq 'x' displayName eq 'y'",
        "(" * 5000 + "a eq 'x'" + ")" * 5000,
        "not " * 5000 + "a eq 'x'",
        "a/any(x:" * 5000,
        "displayName eq 'x';",
        "\x00",
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(BadFilter):
        parse(text)


@pytest.mark.parametrize(
    ("text", "advanced"),
    [
        ("displayName eq 'x'", False),
        ("startswith(displayName,'x')", False),
        ("displayName ne 'x'", True),
        ("not startswith(displayName,'x')", True),
        ("endswith(displayName,'x')", True),
        ("owners/$count eq 0", True),
        ("a eq 'x' and b ne 'y'", True),
    ],
)
def test_which_filters_are_advanced(text: str, advanced: bool) -> None:
    assert parse(text).advanced() is advanced


PIECES = """
displayName eq ne and or not in ( ) , : 'x' '' tags/any startswith t true null 1 2026-11-20 / $count
9a7b1e72-4e61-42c5-a5e5-54316b049254
"""
SOUP = st.lists(st.sampled_from(PIECES.split()), max_size=14)


@given(st.text(max_size=40) | SOUP.map(" ".join) | SOUP.map("".join))
def test_parsing_ends_in_a_filter_or_a_refusal(text: str) -> None:
    try:
        expression = parse(text)
    except BadFilter:
        return
    assert expression.matches(ITEM) in (True, False)
    expression.advanced()
