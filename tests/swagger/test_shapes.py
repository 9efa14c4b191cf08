"""Every operation that Power BI's routes carry answers in the published shape; one without an example here fails."""

from __future__ import annotations

import pytest

from pbisetup.catalog.operations import Operation, by_id
from pbisetup.sandbox import powerbi
from tests.support.tenant import SandboxTenant
from tests.swagger.examples import ask, prepare
from tests.swagger.shapes import misfits, shapes

CARRIED = {(route.method, route.path) for route in powerbi.carried}
OPERATIONS = [each for each in by_id("powerbi").values() if (each.method, each.path.partition("?")[0]) in CARRIED]


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda each: each.id)
def test_each_operation_answers_in_the_published_shape(sandbox: SandboxTenant, operation: Operation) -> None:
    known = prepare(sandbox)
    status, body, meant = ask(sandbox, operation, known)
    assert status == meant, body
    assert misfits(operation.id, status, body) == []


def test_what_does_not_fit_is_told() -> None:
    wrong = {"value": [{"id": "7", "isReadOnly": "no", "colour": "blue"}]}
    told = misfits("Groups_GetGroups", 200, wrong)
    assert any("isReadOnly should be boolean" in each for each in told)
    assert any("id is no GUID" in each for each in told)
    assert any("colour is unknown" in each for each in told)
    assert misfits("Groups_GetGroups", 201, wrong) == ["201 is none of 200"]
    assert "source" in shapes()
