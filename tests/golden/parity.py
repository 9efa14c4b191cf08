"""docs/parity.md: every route and behaviour of the sandbox, what it rests on, and the test that witnesses it.

`python -m tests.golden.parity` writes the page from the route tables, the golden files and parity.tsv. A route that a
golden file provokes needs no row; any other one does.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from pbisetup.sandbox import arm, entra, fabric, graph, portal, powerbi, vault, xmla
from pbisetup.sandbox.asgi import pattern
from pbisetup.sandbox.wire import Route
from tests.golden.provoke import FOLDER, Golden, goldens
from tests.golden.reads import address

PAGE = FOLDER.parents[1] / "docs" / "parity.md"
TABLE = FOLDER / "parity.tsv"
GRADES = ("live", "recorded", "documented", "guess")
"""Best first: asked of the real service and published; captured by somebody's tests or logs; Microsoft's own pages and
specifications, or a public tool that relies on it; nobody published it."""
WITNESS = re.compile(r"golden:[\w-]+|[\w/]+\.py::test_\w+")
READS = "sandbox/test_golden.py::test_every_read_of_graph_is_as_the_protocol_wants"
TITLES = {
    "entra": "Entra",
    "graph": "Microsoft Graph",
    "powerbi": "Power BI",
    "fabric": "Fabric",
    "xmla": "XMLA, up to the connection",
    "arm": "Azure Resource Manager",
    "portal": "The portal's consent endpoint",
    "vault": "Azure Key Vault, by host or below `/vaults/NAME`",
}
_TABLES: dict[str, list[Route]] = {
    "entra": entra.routes,
    "graph": graph.routes,
    "powerbi": powerbi.carried,
    "fabric": fabric.carried,
    "xmla": xmla.routes,
    "arm": arm.routes,
    "portal": portal.routes,
    "vault": vault.carried,
}


@dataclass(frozen=True)
class Row:
    """One line of parity.tsv."""

    kind: str
    """`route`, `behaviour`, or `missing` for what the sandbox does not have."""
    service: str
    subject: str
    source: str
    grade: str
    witnesses: tuple[str, ...]


@cache
def _folding() -> dict[tuple[str, str, str], str]:
    """Each route's line in the table: addressings, API versions and casts of one relation share one."""
    plain = {(s, r.method, _plain(s, r.path)) for s, table in _TABLES.items() for r in table}
    found = {}
    for service, table in _TABLES.items():
        for route in table:
            path = re.sub(r"/(microsoft\.)?graph\.\{id\}", "/{type}", _plain(service, route.path))
            cast = re.search(r"/(?:microsoft\.)?graph\.(\w+)(/\$count)?$", path)
            if cast:
                bare = f"{path[: cast.start()]}/{cast[1]}"
                typed = f"{path[: cast.start()]}/{{type}}{cast[2] or ''}"
                path = bare if (service, route.method, bare) in plain else typed
            method = "any but POST" if getattr(route.handler, "__name__", "") == "post_only" else route.method
            found[service, route.method, route.path] = f"{method} {path}"
    return found


def _plain(service: str, path: str) -> str:
    if service == "graph":
        path = re.sub(r"^/(v1\.0|beta)", "", path)
    path = re.sub(r"\((\w+)='\{\w+\}'\)", "/{id}", path)
    return re.sub(r"\{(?!tenant\}|type\})\w+\}", "{id}", path)


def routes() -> list[tuple[str, str]]:
    """(service, route) for every line that the table must have."""
    return list(dict.fromkeys((service, folded) for (service, _, _), folded in _folding().items()))


def rows() -> Iterator[Row]:
    """The rows of parity.tsv."""
    for line in TABLE.read_text(encoding="utf-8").splitlines()[1:]:
        kind, service, subject, source, grade, witnesses = line.split("\t")
        assert kind == "missing" or grade in GRADES, line
        yield Row(kind, service, subject, source, grade, tuple(witnesses.split(",")) if witnesses else ())


def behaviours() -> list[Row]:
    """Rows whose witnesses are tests or goldens."""
    return [row for row in rows() if row.kind != "missing"]


@cache
def _matchers() -> list[tuple[str, str, re.Pattern[str], str]]:
    return [(service, method, pattern(path), folded) for (service, method, path), folded in _folding().items()]


def matches(method: str, path: str) -> Iterator[tuple[str, str]]:
    """The lines that a request on loopback means."""
    bare = path.partition("?")[0]
    for service, verb, expression, folded in _matchers():
        if verb == method and expression.fullmatch(bare):
            yield service, folded


def _of_goldens() -> dict[tuple[str, str], list[tuple[str, Golden]]]:
    found: dict[tuple[str, str], list[tuple[str, Golden]]] = {}
    for name, golden in goldens().items():
        request = golden["request"]
        path = re.sub(r"<([\w. ]+)>", "x", request["path"])
        for key in matches(request["method"], path):
            found.setdefault(key, []).append((name, golden))
    return found


def witnesses_of() -> dict[tuple[str, str], list[str]]:
    """The witnesses of each route that the table or a golden knows."""
    found = {key: [f"golden:{name}" for name, _ in each] for key, each in _of_goldens().items()}
    for row in rows():
        if row.kind == "route":
            covered = [key for key in routes() if _covers(row, *key)]
            for key in covered or [(row.service, row.subject)]:
                found.setdefault(key, []).extend(row.witnesses)
    for service, route in reads():
        found.setdefault((service, route), []).append(READS)
    return found


def reads() -> list[tuple[str, str]]:
    """The routes of Graph that one test reads one after the other."""
    return [(service, route) for service, route in routes() if service == "graph" and address(route)]


def _covers(row: Row, service: str, route: str) -> bool:
    """A row's subject may hold `*` for any text, so that one row stands for many routes alike."""
    pattern = ".*".join(map(re.escape, row.subject.split("*")))
    return row.kind == "route" and row.service == service and re.fullmatch(pattern, route) is not None


def page() -> str:
    """The whole of docs/parity.md."""
    known = goldens()
    counts = {grade: sum(golden["grade"] == grade for golden in known.values()) for grade in GRADES[:-1]}
    differing = {name: golden["known_differences"] for name, golden in known.items() if "known_differences" in golden}
    lines = [
        "# How near the sandbox is to the real services",
        "",
        "Made by `python -m tests.golden.parity` from the route tables, `tests/golden/*.json` and",
        "`tests/golden/parity.tsv`; a test checks that every route is here, that every witness exists, and that this",
        "page is current.",
        "",
        "Grades: *live*: somebody asked the real service for this and published the answer; *recorded*: captured by a",
        "public test suite or log; *documented*: Microsoft's pages and specifications, or a public tool that relies on",
        "it; *guess*: nobody published it. A golden file holds the shape of one published answer, and the sandbox is",
        "asked for the same",
        f"and compared field by field: {len(known)} files ({', '.join(f'{n} {g}' for g, n in counts.items())}), with",
        f"{sum(map(len, differing.values()))} known differences.",
        "",
        "`{id}` stands for any key; of Microsoft Graph each line is for v1.0 and beta, and for every way to address the",
        "object (`/{id}`, `(appId='...')`, `(uniqueName='...')`); `{type}` for every type that a relation can be cast to.",
    ]
    for service, title in TITLES.items():
        lines += ["", f"## {title}", "", "| route | source | grade | witness |", "|---|---|---|---|"]
        lines += [_route_line(service, route) for each, route in routes() if each == service]
    lines += ["", "## Behaviours", "", "| behaviour | source | grade | witness |", "|---|---|---|---|"]
    lines += [
        f"| {_cell(row.subject)} | {_cell(row.source)} | {row.grade} | {_links(row.witnesses)} |"
        for row in rows()
        if row.kind == "behaviour"
    ]
    lines += ["", "## Known differences", "", "| golden | where | why |", "|---|---|---|"]
    lines += [
        f"| [{name}](../tests/golden/{name}.json) | `{where}` | {_cell(why)} |"
        for name, each in differing.items()
        for where, why in each.items()
    ]
    lines += ["", "## What is not there", ""]
    lines += [f"- {row.subject}" for row in rows() if row.kind == "missing"]
    return "\n".join(lines) + "\n"


def _route_line(service: str, route: str) -> str:
    proofs = sorted(_of_goldens().get((service, route), []), key=lambda each: GRADES.index(each[1]["grade"]))
    own = [row for row in rows() if _covers(row, service, route)]
    witnesses = [f"golden:{name}" for name, _ in proofs] + [w for row in own for w in row.witnesses]
    witnesses += [READS] if not witnesses and (service, route) in reads() else []
    if proofs:
        source, grade = str(proofs[0][1]["source"]), str(proofs[0][1]["grade"])
    elif own:
        source, grade = own[0].source, own[0].grade
    else:
        source, grade = "OData v4, and the page of this method in microsoft-graph-docs-contrib", "documented"
    return f"| `{route}` | {_cell(source)} | {grade} | {_links(witnesses)} |"


def _links(witnesses: list[str] | tuple[str, ...]) -> str:
    return ", ".join(_link(each) for each in dict.fromkeys(witnesses))


def _link(witness: str) -> str:
    if witness.startswith("golden:"):
        name = witness.removeprefix("golden:")
        return f"[{name}](../tests/golden/{name}.json)"
    file, _, test = witness.partition("::")
    return f"[{test}](../tests/{file})"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    Path(PAGE).write_text(page(), encoding="utf-8")
