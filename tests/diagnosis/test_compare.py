"""Two environments side by side: the first link that differs is one that differs in kind, not in whose it is."""

from __future__ import annotations

import json
from dataclasses import replace

from hypothesis import given, settings

from pbisetup.catalog.findings import finding
from pbisetup.diagnosis.compare import SCHEMA, Difference, compare, in_chain_order
from pbisetup.model.finding import Check, CheckStatus, Examination
from pbisetup.ui.report.comparison import comparison_lines
from tests.ui.examinations import BROKEN, HEALTHY, examinations

GUID = "7f3c2b1a-0000-4000-8000-00000000000{}"


def chain(environment: str, *checks: tuple[str, CheckStatus, str]) -> Examination:
    made = tuple(Check(id_, f"title of {id_}", status, because) for id_, status, because in checks)
    return Examination(environment, made, (), not any(c.status == "fail" for c in made), 0)


def ids(*differences: Difference | None) -> list[str]:
    return [each.check.id for each in differences if each is not None]


def test_an_examination_does_not_differ_from_itself() -> None:
    done = compare(BROKEN, BROKEN)
    assert done.same
    assert done.first is None
    assert done.alike == len(BROKEN.checks)


def test_the_first_link_that_differs_stands_before_what_follows_from_it() -> None:
    done = compare(HEALTHY, BROKEN)
    assert ids(done.first) == ["claims.roles"]
    assert ids(*done.rest) == [
        "directory.sp",
        "settings.api",
        "api.groups",
        "workspace.Reports Dev",
        "workspace.Reports",
    ]
    assert [each.follows for each in done.rest] == [True, True, False, True, False]
    assert [each.code for each in done.only_right] == ["PBI502", "PBI406"]
    assert done.only_left == ()


def test_passing_for_another_reason_is_no_difference() -> None:
    dev = chain("dev", ("config.credential", "pass", "from .env.dev"), ("claims.life", "pass", "59 minutes left"))
    prod = chain("prod", ("config.credential", "pass", "from .env.prod"), ("claims.life", "pass", "12 minutes left"))
    assert compare(dev, prod).same


def test_failing_for_another_reason_is_a_difference() -> None:
    dev = chain("dev", ("token.powerbi", "fail", "AADSTS7000222"))
    prod = chain("prod", ("token.powerbi", "fail", "AADSTS7000215"))
    assert ids(compare(dev, prod).first) == ["token.powerbi"]


def test_ids_and_names_of_its_own_are_no_difference() -> None:
    dev = chain(
        "dev",
        ("claims.object", "unknown", f"{GUID.format(1)} (nothing to compare it with)"),
        ("config.stored", "fail", "there is no .env.dev in device/dev"),
        ("workspace.Sales", "fail", "the API does not show 'Sales' to the app"),
    )
    prod = chain(
        "prod",
        ("claims.object", "unknown", f"{GUID.format(2)} (nothing to compare it with)"),
        ("config.stored", "fail", "there is no .env.prod in device/prod"),
        ("workspace.Sales EU", "fail", "the API does not show 'Sales EU' to the app"),
    )
    assert compare(dev, prod).same


def test_workspaces_are_paired_by_position() -> None:
    dev = chain("dev", ("workspace.A", "pass", ""), ("workspace.B", "pass", ""))
    prod = chain("prod", ("workspace.X", "pass", ""), ("workspace.Y", "fail", "not seen"), ("workspace.Z", "pass", ""))
    done = compare(dev, prod)
    assert done.first is not None
    assert (done.first.left, done.first.right) == (dev.checks[1], prod.checks[1])
    assert [(each.left, each.right) for each in done.rest] == [(None, prod.checks[2])]
    assert done.alike == 1


def test_further_checks_of_a_workspace_do_not_shift_the_next_one() -> None:
    dev = chain(
        "dev", ("workspace.A", "pass", ""), ("workspace.A.role", "warn", "Viewer of 'A'"), ("workspace.B.x", "pass", "")
    )
    prod = chain("prod", ("workspace.X", "pass", ""), ("workspace.Y.x", "fail", "not seen"))
    done = compare(dev, prod)
    assert ids(done.first, *done.rest) == ["workspace.A.role", "workspace.B.x"]
    assert done.rest[0].right == prod.checks[1]
    other = chain(
        "test", ("workspace.Z", "pass", ""), ("workspace.Z.role", "warn", "Viewer of 'Z'"), ("workspace.Q", "pass", "")
    )
    assert compare(dev, other).same


def test_a_link_that_one_side_lacks_stands_where_it_belongs() -> None:
    dev = chain("dev", ("network.login", "pass", ""), ("network.fabric", "pass", ""), ("api.groups", "pass", ""))
    prod = chain(
        "prod", ("network.login", "pass", ""), ("network.proxy", "warn", "set"), ("network.fabric", "fail", "no")
    )
    done = compare(dev, prod)
    assert ids(done.first, *done.rest) == ["network.proxy", "network.fabric", "api.groups"]


def test_the_chain_decides_the_order_and_not_the_examination() -> None:
    dev = chain("dev", ("api.groups", "pass", ""), ("token.powerbi", "pass", ""), ("odd", "pass", ""))
    prod = chain("prod", ("odd", "fail", ""), ("token.powerbi", "fail", ""), ("api.groups", "fail", ""))
    done = compare(dev, prod)
    assert ids(done.first, *done.rest) == ["token.powerbi", "api.groups", "odd"]


def test_findings_are_told_apart_by_code_and_cause() -> None:
    ours = finding("sp_not_in_workspace", "likely", workspace="'A'")
    theirs = finding("sp_not_in_workspace", "certain", workspace="'B'")
    other = replace(theirs, cause="workspace_missing")
    left = replace(HEALTHY, findings=(ours,))
    assert compare(left, replace(HEALTHY, findings=(theirs,))).same
    assert compare(left, replace(HEALTHY, findings=(theirs, other))).only_right == (other,)


@given(examinations, examinations)
@settings(max_examples=60, deadline=None)
def test_a_comparison_is_the_same_from_the_other_side(left: Examination, right: Examination) -> None:
    there, back = compare(left, right), compare(right, left)
    assert there.alike == back.alike
    assert (there.only_left, there.only_right) == (back.only_right, back.only_left)
    assert there.same == back.same
    mirrored = {(each.right, each.left) for each in (back.first, *back.rest) if each}
    assert {(each.left, each.right) for each in (there.first, *there.rest) if each} == mirrored
    assert sum(
        2 if each.left and each.right else 1 for each in (there.first, *there.rest) if each
    ) + 2 * there.alike == (len(left.checks) + len(right.checks))


@given(examinations)
@settings(max_examples=60, deadline=None)
def test_nothing_differs_from_itself(any_at_all: Examination) -> None:
    assert compare(any_at_all, any_at_all).same
    assert sorted(map(id, in_chain_order(any_at_all.checks))) == sorted(map(id, any_at_all.checks))


@given(examinations, examinations)
@settings(max_examples=40, deadline=None)
def test_a_comparison_is_json_and_text(left: Examination, right: Examination) -> None:
    done = compare(left, right)
    shown = json.loads(json.dumps(done.to_json()))
    assert shown["schema"] == SCHEMA
    assert (shown["first"] is None) == (done.first is None)
    assert len(shown["rest"]) == len(done.rest)
    lines = [text for text, _ in comparison_lines(done, left.environment or "left", right.environment or "right", 80)]
    assert all(line.isprintable() for line in lines)
