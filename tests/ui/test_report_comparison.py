"""`doctor --compare` on a screen: where two environments part, and what else differs."""

from __future__ import annotations

from pbisetup.diagnosis.compare import compare
from pbisetup.ui.report.comparison import comparison_lines
from tests.ui.examinations import BROKEN, HEALTHY, HOSTILE


def test_the_first_difference_comes_first_with_both_sides() -> None:
    lines = [text for text, _ in comparison_lines(compare(HEALTHY, BROKEN), "test", "prod", 80)]
    assert lines[:3] == [
        "test and prod differ first at: Application permissions (claims.roles)",
        "    ✓ test: none, as it should be for a service principal",
        "    ! prod: Tenant.ReadWrite.All",
    ]
    also = lines.index("Also different:")
    assert lines[also + 1] == "  Power BI API (api.groups)"
    assert "  test was not examined for: Service principal (directory.sp), Service" in lines
    assert "  prod was not examined for: Workspace 'Reports Dev' (workspace.Reports Dev)" in lines
    assert "Found in prod only:" in lines
    assert "Found in test only:" not in lines
    assert lines[-1] == "test is healthy, prod is not healthy."
    assert max(map(len, lines)) <= 80


def test_two_alike_say_so() -> None:
    lines = [text for text, _ in comparison_lines(compare(HEALTHY, HEALTHY), "test", "prod", 80)]
    assert lines == [
        "test and prod: no link of the chain differs.",
        "",
        "11 links are alike.",
        "test is healthy, prod is healthy.",
    ]


def test_a_name_steers_no_terminal() -> None:
    lines = [text for text, _ in comparison_lines(compare(HEALTHY, BROKEN), HOSTILE, HOSTILE, 60)]
    assert all(line.isprintable() for line in lines)
