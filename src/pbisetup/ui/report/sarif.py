"""An examination as SARIF 2.1.0, for the alerts of a forge: a rule for each code, a result for each finding.

A result points at the environment's table in the manifest: the one line of a repository that a finding is about.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable
from typing import Any, Final
from urllib.parse import quote

from pbisetup.catalog.findings import Entry, entries
from pbisetup.model.finding import Examination, Finding, Severity
from pbisetup.ui.explanation import filled, sections
from pbisetup.ui.explanation import markdown as entry_markdown
from pbisetup.ui.progress import certainty_words, mends, seen_words
from pbisetup.ui.report.steps import OPERATOR, called, first_remedy
from pbisetup.ui.terminal import visible

SCHEMA: Final = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_LEVELS: Final[dict[Severity, str]] = {"error": "error", "warning": "warning", "info": "note"}
_FILE: Final = re.compile(r"(?:[A-Za-z]:)?[^\s:]*[./\\][^:]*")
"""What the source of evidence looks like where it is a file: `.env.dev`, not `command line` or `GET https://...`."""


def sarif(examination: Examination, *, version: str, manifest: tuple[str, str] | None) -> dict[str, Any]:
    """The log as plain JSON values. `manifest` is its path, relative to the root of the repository, and its text."""
    first = {visible(each.code): each for each in reversed(examination.findings)}
    codes = list(dict.fromkeys(visible(each.code) for each in examination.findings))
    place = _location(examination, manifest)
    driver: dict[str, Any] = {"name": "pbisetup", "rules": [_rule(first[code]) for code in codes]}
    if version:
        driver["version"] = version
    return {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": driver},
                # One category for each environment: what was found in one does not close the alerts of another.
                "automationDetails": {"id": f"pbisetup/doctor/{visible(examination.environment or 'app')}/"},
                "invocations": [{"executionSuccessful": True}],
                "results": [
                    _result(finding, codes.index(visible(finding.code)), place, print_)
                    for finding, print_ in zip(examination.findings, _prints(examination), strict=True)
                ],
                "properties": {"healthy": examination.healthy, "environment": examination.environment},
            }
        ],
    }


def environment_line(text: str, name: str) -> int:
    """The line of an environment in a manifest's text, from 1: its table, else where its parent names it, else the first."""
    spelled = re.escape(name)
    key = rf"(?:{spelled}|\"{spelled}\"|'{spelled}')"
    parent = r"(?:environments|\"environments\"|'environments')"
    wanted = (
        rf"\s*\[\s*{parent}\s*\.\s*{key}\s*\]",
        rf"\s*\[\s*{parent}\s*\.\s*{key}\s*\.",
        rf"\s*{parent}\s*\.\s*{key}\s*[.=]",
        rf"\s*{key}\s*[.=]",
        rf"\s*\[\s*{parent}\s*\]",
    )
    lines = text.split("\n")
    for pattern in wanted:
        for number, line in enumerate(lines, 1):
            # A bare `dev = ...` only counts below [environments].
            if re.match(pattern, line) and (pattern is not wanted[3] or _table_above(lines[:number], parent)):
                return number
    return 1


def _table_above(lines: list[str], parent: str) -> bool:
    header = next((line for line in reversed(lines) if re.match(r"\s*\[", line)), "")
    return re.match(rf"\s*\[\s*{parent}\s*\]", header) is not None


def _location(examination: Examination, manifest: tuple[str, str] | None) -> dict[str, Any]:
    """The environment's line in the manifest; without one the credential's file; without that a name for the app."""
    if manifest is not None:
        line = environment_line(manifest[1], examination.environment) if examination.environment else 1
        return _in_file(manifest[0], line)
    file = _credential_file(examination)
    if file is not None:
        return _in_file(file, 1)
    name = visible(examination.environment or "app")
    return {"logicalLocations": [{"name": name, "fullyQualifiedName": f"environments.{name}", "kind": "resource"}]}


def _in_file(path: str, line: int) -> dict[str, Any]:
    return {"physicalLocation": {"artifactLocation": {"uri": reference(path)}, "region": {"startLine": line}}}


def reference(path: str) -> str:
    """A path of any system as the relative URI that SARIF wants; an absolute one as a file URI."""
    encoded = quote(path.replace("\\", "/"), safe="/", errors="replace")
    if encoded.startswith("/"):
        return f"file:///{encoded.lstrip('/')}"
    drive = re.match(r"([A-Za-z])%3A/", encoded)
    return f"file:///{drive[1]}:/{encoded[drive.end() :]}" if drive else encoded


def _credential_file(examination: Examination) -> str | None:
    seen = (each for check in examination.checks if check.id == "config.credential" for each in check.evidence)
    return next((each.source for each in seen if each.observer == "local" and _FILE.fullmatch(each.source)), None)


def _rule(finding: Finding) -> dict[str, Any]:
    """The rule of a code: what the catalogue says in general, so that it reads the same whatever was found."""
    known = next((entry for entry in entries().values() if entry.code == finding.code), None)
    about = known or finding
    text, marked = _help(known, finding)
    rule: dict[str, Any] = {
        "id": visible(finding.code),
        "shortDescription": {"text": _plain(visible(filled(about.title)))},
        "fullDescription": {"text": _plain(visible(filled(about.explanation)))},
        "help": {"text": _plain(text), "markdown": _plain(marked)},
        "defaultConfiguration": {"level": _LEVELS[about.severity]},
        "properties": {"docs": visible(finding.docs), "tags": ["power-bi", "fabric"]},
    }
    # The schema takes nothing but an absolute address here, and the pages of the package are at none.
    if re.fullmatch(r"https://[!#-;=?-\[\]_a-z~]+", finding.docs):
        rule["helpUri"] = finding.docs
    return rule


def _help(entry: Entry | None, finding: Finding) -> tuple[str, str]:
    more = visible(f"pbisetup explain {finding.code}")
    if entry is None:
        return f"{visible(finding.docs)}\nMore: {more}", f"More: `{more.replace('`', '')}`"
    parts = []
    for section in sections(entry):
        bullets = (f"- {bullet}" for bullet in section.bullets)
        commands = (f"    {command}" for command in section.commands)
        parts.append("\n".join([section.heading, *section.paragraphs, *bullets, *commands]))
    return "\n\n".join([*parts, f"More: {more}"]), f"{entry_markdown(entry)}\n\nMore: `{more}`"


def _result(finding: Finding, rule: int, place: dict[str, Any], print_: str) -> dict[str, Any]:
    return {
        "ruleId": visible(finding.code),
        "ruleIndex": rule,
        "level": _LEVELS[finding.severity],
        "message": {"text": _plain("\n".join(map(visible, _message(finding))))},
        "locations": [place],
        # GitHub tells alerts apart by this one name only; the line of a manifest would not do, since all share it.
        "partialFingerprints": {"primaryLocationLineHash": print_, "pbisetup/v1": print_},
        "properties": {
            "certainty": finding.certainty,
            "cause": visible(finding.cause),
            "decided_by": visible(finding.decided_by) if finding.decided_by else None,
        },
    }


def _message(finding: Finding) -> Iterable[str]:
    yield f"{finding.title.rstrip('.')}."
    yield finding.explanation
    yield f"This is {certainty_words(finding)}."
    for seen in finding.evidence:
        yield f"Seen: {seen_words(seen, OPERATOR)}"
    if remedy := first_remedy(finding):
        yield f"{'Fix' if mends(remedy) else 'To find out more'}, by {called(remedy.who, OPERATOR)}: {remedy.text}"
        yield from (each for each in (remedy.command, remedy.url) if each)


def _plain(text: str) -> str:
    """A message of SARIF that means what it says: no placeholder (3.11.5) and no embedded link (3.11.6) in it."""
    return text.replace("{", "{{").replace("}", "}}").replace("](", "] (")


def _prints(examination: Examination) -> list[str]:
    """What stays the same of a finding from run to run: what is wrong, where, and the how many-eth of its like it is."""
    count: Counter[str] = Counter()
    prints = []
    for each in examination.findings:
        about = "\n".join((each.code, each.cause, examination.environment or "", each.title))
        digest = hashlib.sha256(about.encode("utf-8", "backslashreplace")).hexdigest()[:32]
        count[digest] += 1
        prints.append(f"{digest}:{count[digest]}")
    return prints
