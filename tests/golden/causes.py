"""docs/causes.md: every refusal that the sandbox knows, in the order in which it decides, with source and grade.

`python -m tests.golden.causes` writes the page from the tables themselves. A table is found by its place: a module
`causes` or `errors` of a service, with `TABLE`, `CAUSES` or `ERRORS`.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import pbisetup.sandbox
from pbisetup.sandbox.conformance.probes import PROBES
from pbisetup.sandbox.gate.words import words

SANDBOX = Path(pbisetup.sandbox.__file__).parent
PAGE = Path(__file__).parents[2] / "docs" / "causes.md"
NAMES = ("TABLE", "CAUSES", "ERRORS")
TITLES = {"powerbi": "Power BI", "fabric": "Fabric", "graph": "Microsoft Graph", "entra": "Entra", "xmla": "XMLA"}
GRADES = ("observed live", "documented", "several sources", "one source", "inferred")
SAME = {
    "live": "observed live",
    "observed": "observed live",
    "official": "documented",
    "several": "several sources",
    "guess": "inferred",
}
"""Older tables use words of their own."""
GUESS = re.compile(r"\bguess", re.IGNORECASE)


@dataclass(frozen=True)
class Line:
    """One row of any table, as the page shows it."""

    name: str
    when: str
    status: int
    code: str
    said: str
    source: str
    grade: str

    @property
    def guessed(self) -> bool:
        """Whether nobody published some part of it."""
        return self.grade == "inferred" or GUESS.search(self.source) is not None


def tables() -> dict[str, list[Line]]:
    """Every table by its service; the ordered ones first."""
    found = {}
    for path in sorted(SANDBOX.glob("*/*.py")):
        if path.stem not in ("causes", "errors"):
            continue
        service = path.parent.name
        module = import_module(f"pbisetup.sandbox.{service}.{path.stem}")
        held = next((getattr(module, name) for name in NAMES if hasattr(module, name)), None)
        if held is not None:
            found[service] = list(_lines(held))
    return dict(sorted(found.items(), key=lambda each: [*TITLES, each[0]].index(each[0])))


def _lines(table: Any) -> Iterator[Line]:
    rows = table.items() if isinstance(table, Mapping) else ((row.name, row) for row in table)
    for name, row in rows:
        grade = SAME.get(row.grade, row.grade)
        assert grade in GRADES, (name, row.grade)
        yield Line(name, _when(row), row.status, _code(row), _said(row), row.source, grade)


def _when(row: Any) -> str:
    return words(row.when) if hasattr(row, "when") else ""


def _code(row: Any) -> str:
    """The part that programs read: the header of Power BI, the code of the others."""
    if hasattr(row, "header"):
        return f"`x-powerbi-error-info: {row.header}`" if row.header else ""
    code = getattr(row, "code", None)
    if isinstance(code, int):
        told = f"`AADSTS{code}` `{row.error}`"
        v1 = f", v1 `{row.v1_error}`" if row.v1_error and row.v1_error != row.error else ""
        return told + (f" `{row.suberror}`" if row.suberror else "") + v1
    return f"`{code}`" if code else ""


def _said(row: Any) -> str:
    if hasattr(row, "message"):
        return code_span(row.message.replace("\r\n", "\\r\\n"))
    body = row.body
    return "empty body" if body is None else code_span(json.dumps(body, ensure_ascii=False, sort_keys=False))


def code_span(text: str) -> str:
    """A text that Markdown shows as it is, also in a table."""
    fence = "``" if "`" in text else "`"
    return f"{fence}{text}{fence}".replace("|", "\\|")


def page() -> str:
    """The whole of docs/causes.md."""
    found = tables()
    probed = {f"{probe.service}:{name}" for probe in PROBES for name in probe.rows}
    lines = [
        "# Why the sandbox says no",
        "",
        "Made by `python -m tests.golden.causes` from the tables that the sandbox decides by; a test compares. Each row is",
        "one refusal as it travels, with the public source of it and how well that is known: *observed live* (a published",
        "real response), *documented* (Microsoft's own pages and specifications), *several sources*, *one source*,",
        "*inferred* (nobody published it). A row with **?** is inferred, or its source says which part is a guess.",
        "`{names}` are filled in from the request. ✓ stands where [`sandbox conformance`](conformance.md) can ask a real",
        "tenant; its file may turn a guess into a fact. [Sources](sources.md) says what `powerbi.md 6.1` and the like are.",
        "",
        f"| table | rows | {' | '.join(GRADES)} | with a guess | can be asked |",
        f"|---|{'---|' * (len(GRADES) + 3)}",
    ]
    total: Counter[str] = Counter()
    for service, rows in found.items():
        counts = _counts(service, rows, probed)
        total += counts
        lines.append(_count_line(f"[{title(service)}](#{service})", counts))
    lines.append(_count_line("all", total))
    for service, rows in found.items():
        lines += ["", f'<a id="{service}"></a>', "", f"## {title(service)}", "", _introduction(rows), ""]
        lines += list(_table(service, rows, probed))
    return "\n".join(lines) + "\n"


def _counts(service: str, rows: list[Line], probed: set[str]) -> Counter[str]:
    counts = Counter(row.grade for row in rows)
    counts["rows"] = len(rows)
    counts["guess"] = sum(row.guessed for row in rows)
    counts["probed"] = sum(f"{service}:{row.name}" in probed for row in rows)
    return counts


def _count_line(name: str, counts: Counter[str]) -> str:
    cells = (counts[each] for each in ("rows", *GRADES, "guess", "probed"))
    return f"| {name} | {' | '.join(map(str, cells))} |"


def _introduction(rows: list[Line]) -> str:
    if any(row.when for row in rows):
        return (
            "Asked from top to bottom: the first row that applies is the answer. That a token is read before anything else "
            "was observed of Power BI; the rest of the order is inferred. What the operation finds out comes after all "
            "others, in no order."
        )
    return "In no order: each check of the service names its row."


def _table(service: str, rows: list[Line], probed: set[str]) -> Iterator[str]:
    when = any(row.when for row in rows)
    heads = ["", "cause", *(["when"] if when else []), "status", "code", "body" if service == "powerbi" else "message"]
    heads += ["source", "grade"]
    yield f"| {' | '.join(heads)} |"
    yield f"|{'---|' * len(heads)}"
    for row in rows:
        mark = "✓" if f"{service}:{row.name}" in probed else ""
        grade = f"**?** {row.grade}" if row.guessed else row.grade
        cells = [
            mark,
            f"`{row.name}`",
            *([row.when.replace("|", "\\|")] if when else []),
            str(row.status),
            row.code,
            row.said,
        ]
        yield f"| {' | '.join([*cells, _plain(row.source), grade])} |"


def _plain(text: str) -> str:
    """Prose in a cell: nothing in it is markup."""
    return re.sub(r"([|*_<\[\]`])", r"\\\1", text)


def title(service: str) -> str:
    return TITLES.get(service, service.capitalize())


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8", newline="\n")
