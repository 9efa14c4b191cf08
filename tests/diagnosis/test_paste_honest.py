"""What a text loses or gains on its way into a terminal changes nothing; what it says less, nobody is surer of."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pbisetup.diagnosis.paste.judge import judge, recognise
from pbisetup.diagnosis.paste.paste import Paste
from tests.diagnosis.pastes import (
    SPELLINGS,
    Sample,
    embedded,
    explained,
    first,
    hard_wrapped,
    ranks,
    samples,
    word_wrapped,
)

ALL = samples()
CERTAIN = 3
any_sample = st.sampled_from(ALL)
# A proof by a token and what it was sent to, a secret and what Entra says to it, and the like, beside the posts.
RICH = "\n".join((
    "client_secret=11111111-2222-4333-8444-555555555555",
    "AADSTS7000215: Invalid client secret provided.",
    'curl -H "Authorization: Bearer eyJhbGciOiJub25lIn0'
    '.eyJhdWQiOiJodHRwczovL21hbmFnZW1lbnQuYXp1cmUuY29tIiwiaXNzIjoieCIsImlkdHlwIjoiYXBwIn0." https://api.powerbi.com/v1.0/myorg/groups',
    "HTTP/1.1 403 Forbidden",
    "GET https://api.powerbi.com/v1.0/myorg/datasets",
    '{"Message":"API is not accessible for application"}',
    "HTTP/1.1 429",
    "Retry-After: 30",
    "AADSTS50076: you must use multi-factor authentication",
    "grant_type=password",
))  # fmt: skip
PASTES = [*ALL, Sample("rich", "", (), RICH)]


@pytest.mark.parametrize("name", SPELLINGS)
def test_how_it_is_written_changes_nothing(name: str) -> None:
    # A message that was wrapped and then escaped twice has lost which of its breaks are its own.
    lost = {("JSON twice", "certificate-no-tenant")}
    changed = [
        each.id for each in ALL if (name, each.id) not in lost and first(SPELLINGS[name](each.text)) != first(each.text)
    ]
    assert not changed


@settings(max_examples=60, deadline=None)
@given(any_sample, st.integers(40, 120), st.sampled_from([hard_wrapped, word_wrapped]))
def test_a_wrapped_text_means_the_same(sample: Sample, width: int, wrap: object) -> None:
    wrapped = hard_wrapped(sample.text, width) if wrap is hard_wrapped else word_wrapped(sample.text, width)
    assert first(wrapped) == first(sample.text)


@settings(max_examples=30, deadline=None)
@given(any_sample, st.integers(0, 10_000), st.sampled_from([500, 500, 4000]))
def test_an_unrelated_log_around_it_changes_nothing(sample: Sample, seed: int, lines: int) -> None:
    assert first(embedded(sample.text, seed, lines)) == first(sample.text)


@settings(max_examples=40, deadline=None)
@given(any_sample, st.uuids(version=4))
def test_other_ids_change_nothing(sample: Sample, other: object) -> None:
    text = re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}", str(other), sample.text)
    text = text.replace("contoso", "fabrikam").replace("2024", "2026")
    assert first(text) == first(sample.text)


@pytest.mark.parametrize("sample", PASTES, ids=lambda each: each.id)
def test_a_shorter_text_is_never_surer(sample: Sample) -> None:
    lines = sample.text.split("\n")
    whole = ranks(explained(sample.text))
    for number in range(len(lines)):
        rest = ranks(explained("\n".join(lines[:number] + lines[number + 1 :])))
        assert not [code for code, rank in rest.items() if rank == CERTAIN and whole.get(code) != CERTAIN]
        assert not [code for code, rank in rest.items() if rank > whole.get(code, CERTAIN)]


@settings(max_examples=80, deadline=None)
@given(st.lists(st.sampled_from(PASTES), min_size=1, max_size=2), st.data())
def test_fewer_signals_never_make_anything_certain(chosen: list[Sample], data: st.DataObject) -> None:
    paste = recognise("\n\n".join(each.text for each in chosen).encode())
    kept = data.draw(st.lists(st.sampled_from(paste.signals), unique=True)) if paste.signals else []
    requests = data.draw(st.lists(st.sampled_from(paste.requests), unique=True)) if paste.requests else []
    fewer = Paste(tuple(kept), tuple(requests))
    whole = ranks(judge(paste))
    sure = {code for code, rank in ranks(judge(fewer)).items() if rank == CERTAIN}
    assert sure <= {code for code, rank in whole.items() if rank == CERTAIN}


def test_without_what_decides_certainty_falls() -> None:
    for sample in PASTES:
        paste = recognise(sample.text.encode())
        for code in [each.code for each in judge(paste) if each.certainty == "certain"]:
            rest = paste
            for _ in range(3):  # as often as it is proved
                sure = next((each for each in judge(rest) if each.code == code and each.certainty == "certain"), None)
                if sure is None:
                    break
                cited = {evidence.fact for evidence in sure.evidence}
                rest = replace(rest, signals=tuple(each for each in rest.signals if each.quote not in cited))
            left = {each.code: each.certainty for each in judge(rest)}
            assert left.get(code) != "certain", (sample.id, code)


@settings(max_examples=150, deadline=2000)
@given(st.binary(max_size=3000))
def test_any_bytes_are_taken(raw: bytes) -> None:
    assert isinstance(explained(raw), tuple)


FRAGMENTS = (
    "AADSTS", "7000215", "http://", "https://[", "https://api.powerbi.com:99999/", "/v1.0/myorg/", "eyJ", ".", '{"aud":',
    "\\u0000", "\\n", "&#x", "\x1b[", "\x1b]0;", "\x00", "HTTP/1.1 ", "401", '"', "'", "{", "}", "\n", " ", "%3A", "\ufeff",
    "Get-PowerBIReport -", "GroupsOperations.", '"exp": 1e308, ', "powerbi://", "\u202e", "secret=",
)  # fmt: skip


@settings(max_examples=150, deadline=2000)
@given(st.lists(st.sampled_from(FRAGMENTS) | st.text(max_size=4), max_size=60))
def test_any_pieces_are_taken(pieces: list[str]) -> None:
    for found in explained("".join(pieces).encode("utf-8", "surrogatepass")):
        assert all(evidence.fact.isprintable() for evidence in found.evidence)
