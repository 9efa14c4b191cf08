"""Failures that people published happen again here: their tenant is put together from state, and their request is made."""

from __future__ import annotations

import re

import pytest

from tests.cases import build
from tests.cases.cases import Case, cases, play
from tests.cases.page import PAGE, page
from tests.support.tenant import SandboxTenant

STAGED = [each for each in cases() if each.staged]


def named(case: Case) -> str:
    return f"{case.id}-{case.cause}"


@pytest.mark.parametrize("case", STAGED, ids=named)
def test_the_person_sees_it_again(sandbox: SandboxTenant, case: Case) -> None:
    result = play(sandbox, case.sketch, case.after)
    assert result.symptom == case.answer, str(result)
    assert case.text in result.last.text
    assert case.saw or case.shown, "say what the person saw, or what the program showed in its place"
    assert result.agrees(case.saw) is not bool(case.differs), str(result)


@pytest.mark.parametrize("case", STAGED, ids=named)
def test_with_the_fault_mended_the_same_request_gets_through(sandbox: SandboxTenant, case: Case) -> None:
    result = play(sandbox, build.merged(case.sketch, case.cure), case.after)
    assert result.through, str(result)
    assert not case.text or case.text not in result.last.text


def test_the_page_says_so() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run: python -m tests.cases.page"


def test_every_cause_has_a_witness_or_a_reason() -> None:
    reasons = {each.cause for each in cases() if not each.staged}
    for line in re.findall(r"^\| `\w+` \| .* \|$", page().partition("## By cause")[2], re.MULTILINE):
        cause, ids, names = (each.strip() for each in line.strip("|").split("|"))
        assert ids or names or cause.strip("`") in reasons, cause


def test_every_word_of_the_sketches_is_used() -> None:
    """A key that the translator passes over would stage nothing."""
    used = {word for case in STAGED for sketch in (case.sketch, case.cure) for word in sketch}
    assert used - {"cloud", "call", "token"} <= set(build.WORDS)
    assert set(build.WORDS) <= used
