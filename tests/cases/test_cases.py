"""Failures that people published happen again here: their tenant is put together from state, and their request is made."""

from __future__ import annotations

import pytest

from tests.cases import build
from tests.cases.cases import Case, cases, play
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
