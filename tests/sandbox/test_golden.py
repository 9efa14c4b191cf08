"""The sandbox against published answers of the real services, field by field (tests/golden)."""

from __future__ import annotations

import re

import pytest

from tests.golden.parity import PAGE, WITNESS, behaviours, matches, page, reads, routes, witnesses_of
from tests.golden.provoke import Golden, Story, compare, goldens
from tests.golden.reads import address, prepare, shape_of
from tests.support.tenant import SandboxTenant

GRADES = ("live", "recorded", "documented")
LEAST = {"entra": 15, "graph": 30, "powerbi": 8, "fabric": 8}


def _cases() -> list[object]:
    cases = []
    for name, golden in goldens().items():
        count = len(golden.get("known_differences", {}))
        label = f"{name} ({count} known differences)" if count else name
        cases.append(pytest.param(golden, id=label))
    return cases


@pytest.mark.parametrize("golden", _cases())
def test_the_sandbox_answers_as_published(golden: Golden, sandbox: SandboxTenant) -> None:
    known = golden.get("known_differences", {})
    found = compare(sandbox, golden)
    new = [str(each) for each in found if each.at not in known]
    assert not new, "\n".join(new)
    gone = set(known) - {each.at for each in found}
    assert not gone, f"no longer different, take it out of the file: {sorted(gone)}"


@pytest.mark.parametrize(("name", "golden"), goldens().items(), ids=goldens().keys())
def test_a_golden_says_where_it_is_from(name: str, golden: Golden) -> None:
    assert golden["grade"] in GRADES
    assert golden["source"]
    assert re.match("20|unknown", golden["date"])
    assert name.split("-", maxsplit=1)[0] in (*LEAST, "arm")
    assert all(golden.get("known_differences", {}).values())


def test_there_are_enough_of_each_service() -> None:
    names = [name.split("-", maxsplit=1)[0] for name in goldens()]
    assert {service: names.count(service) >= least for service, least in LEAST.items()} == dict.fromkeys(LEAST, True)


def test_every_read_of_graph_is_as_the_protocol_wants(sandbox: SandboxTenant) -> None:
    story = Story(sandbox)
    prepare(story)
    wrong = []
    for _, route in reads():
        where = address(route)
        assert where is not None
        version = "v1.0" if any(matches("GET", f"/v1.0{where}")) else "beta"
        who = "admin" if where.startswith("/me") else "operator"
        request = {"as": who, "method": "GET", "path": f"/{version}{where}"}
        answer = story.do({**request, "headers": {"ConsistencyLevel": "eventual"}})
        assert answer is not None
        kind = shape_of(where)
        if answer.status_code != 200:
            wrong.append(f"{route}: {answer.status_code} {answer.text[:200]}")
        elif kind == "count":
            wrong += [] if re.fullmatch(r"\ufeff?\d+", answer.text) else [f"{route}: {answer.text[:100]}"]
        else:
            body = answer.json()
            right = {"@odata.context", "value" if kind == "list" else "id"} <= set(body)
            wrong += [] if right else [f"{route}: {answer.text[:200]}"]
    assert not wrong, "\n".join(wrong)


def test_every_route_is_in_the_parity_table() -> None:
    known = witnesses_of()
    missing = [f"{service}\t{route}" for service, route in routes() if (service, route) not in known]
    assert not missing, "add rows to tests/golden/parity.tsv:\n" + "\n".join(missing)


def test_the_parity_table_names_no_route_that_is_gone() -> None:
    there = set(routes())
    assert [each for each in witnesses_of() if each not in there] == []


@pytest.mark.parametrize("witness", sorted({w for row in behaviours() for w in row.witnesses}))
def test_every_witness_exists(witness: str) -> None:
    assert WITNESS.fullmatch(witness), witness
    if witness.startswith("golden:"):
        assert witness.removeprefix("golden:") in goldens()
        return
    file, _, test = witness.partition("::")
    text = (PAGE.parents[1] / "tests" / file).read_text(encoding="utf-8")
    assert f"def {test}(" in text, witness


def test_the_page_is_what_the_table_makes_of_it() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run: python -m tests.golden.parity"
