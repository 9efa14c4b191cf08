"""docs/causes.md shows the tables as they are."""

from __future__ import annotations

import re

import pytest

from tests.golden.causes import GRADES, PAGE, SANDBOX, Line, page, tables


def test_the_page_is_what_the_tables_make_of_it() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run: python -m tests.golden.causes"


def test_no_table_is_forgotten() -> None:
    """Whatever holds rows with a grade is a table of the page, or joined to one."""
    modules = {
        path
        for path in SANDBOX.glob("*/*.py")
        if re.search(r"^(TABLE|CAUSES|ERRORS)\b.*=", path.read_text(encoding="utf-8"), re.MULTILINE)
    }
    shown = {SANDBOX / service / f"{stem}.py" for service in tables() for stem in ("causes", "errors")}
    assert modules - shown == set()


@pytest.mark.parametrize("service", ["powerbi", "fabric", "graph", "entra"])
def test_every_row_is_told_in_full(service: str) -> None:
    rows = tables()[service]
    assert len({row.name for row in rows}) == len(rows)
    for row in rows:
        assert row.source, row
        assert row.grade in GRADES, row
        assert service not in ("powerbi", "fabric") or len(row.when) > 10, row


def test_guesses_are_easy_to_spot() -> None:
    def line(source: str, grade: str) -> Line:
        return Line("x", "", 401, "", "", source, grade)

    assert line("guess", "documented").guessed
    assert line("a page", "inferred").guessed
    assert not line("a page", "documented").guessed
    marked = [each for each in page().splitlines() if "**?**" in each and each.startswith("| ")]
    assert len(marked) == sum(row.guessed for rows in tables().values() for row in rows)


def test_every_line_of_a_table_has_as_many_cells_as_its_head() -> None:
    width = None
    for line in page().splitlines():
        if not line.startswith("|"):
            width = None
            continue
        cells = len(re.findall(r"(?<!\\)\|", line))
        width = width or cells
        assert cells == width, line
