"""An examination as Markdown, for a ticket or a pull request: whoever reads it has nothing but this text.

Names come from a tenant and may hold anything. In prose every character that means something to Markdown or HTML is
escaped, so that a name is shown and does nothing; evidence and commands stand as code.
"""

from __future__ import annotations

import re
from typing import Final

from pbisetup.model.errors import Evidence
from pbisetup.model.finding import Examination, Finding, Remedy
from pbisetup.ui.progress import MARKS, certainty_words, mends
from pbisetup.ui.report.steps import OPERATOR, called, counts, first_broken, layers, next_steps, skipped
from pbisetup.ui.terminal import visible

_ENTITIES: Final = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "|": "&#124;"}
_SPECIAL: Final = re.compile(r"[&<>|\\`*_\[\]~#$]")
_STARTS_LIST: Final = re.compile(r"^(\d*)([.)+-])")
_MENTION: Final = re.compile(r"(?<!\w)@(?=\w)")
_BY: Final = {"app": "as the app", "operator": f"as {OPERATOR}", "local": "on this machine"}


def markdown(examination: Examination, *, command: str = "") -> str:
    """The whole report, ending in a line break. `command` is how this examination was asked for."""
    parts = [_title(examination)]
    broken = first_broken(examination)
    if broken is not None:
        parts.append(f"First broken link: **{prose(broken.title)}** ({code(broken.id)})")
    parts += [_table(examination), _counted(examination)]
    for number, finding in enumerate(examination.findings, 1):
        parts += _section(number, finding)
    steps = next_steps(examination, command, OPERATOR)
    if steps:
        parts.append("## Next, in this order")
    for number, step in enumerate(steps, 1):
        parts.append(f"{number}. {prose(step.text)}")
        if step.command:
            parts.append(_block(step.command, "   "))
    return "\n\n".join(part for part in parts if part) + "\n"


def prose(text: str) -> str:
    """A text for a paragraph, a list or a table cell: on one line, without any meaning to Markdown, HTML or a forge."""
    # A bar is an entity because parsers differ in what a backslash before it means within a table.
    shown = _SPECIAL.sub(lambda found: _ENTITIES.get(found[0], f"\\{found[0]}"), visible(text).strip())
    shown = _STARTS_LIST.sub(r"\1\\\2", shown)
    # What looks like an address is not made a link, and nobody is called by a name that happens to be an account.
    shown = shown.replace("://", "\\://").replace("www.", "www\\.")
    return _MENTION.sub("@&#8203;", shown)


def code(text: str) -> str:
    """A text as code within a line, whatever backticks it holds. Not for tables, where a bar would end the cell."""
    shown = visible(text).strip()
    if not shown:
        return ""
    fence = "`" * (_longest_run(shown) + 1)
    room = " " if "`" in (shown[0], shown[-1]) else ""
    return f"{fence}{room}{shown}{room}{fence}"


def _block(command: str, indent: str = "") -> str:
    """A command as a block to copy."""
    shown = visible(command)
    fence = "`" * max(3, _longest_run(shown) + 1)
    return "\n".join(f"{indent}{line}" for line in (f"{fence}bash", shown, fence))


def _longest_run(text: str) -> int:
    return max((len(run) for run in re.findall(r"`+", text)), default=0)


def _title(examination: Examination) -> str:
    subject = prose(examination.environment or "") or "the app"
    return f"# pbisetup doctor: {subject} is {'healthy' if examination.healthy else 'not healthy'}"


def _table(examination: Examination) -> str:
    rows = ["| | check | result |", "|---|---|---|"]
    for heading, checks in layers(examination):
        for check in checks:
            mark = prose(MARKS[check.status])
            rows.append(f"| {mark} {check.status} | {heading}: {prose(check.title)} | {prose(check.because)} |")
    return "\n".join(rows)


def _counted(examination: Examination) -> str:
    return ". ".join([prose(counts(examination)), *map(prose, skipped(examination))]) + "."


def _section(number: int, finding: Finding) -> list[str]:
    parts = [f"## {number}. {prose(finding.code)} {prose(finding.title)}"]
    parts += [prose(f"This is {certainty_words(finding)}."), prose(finding.explanation)]
    if finding.evidence:
        parts.append("What was seen:\n\n" + "\n".join(_evidence(each) for each in finding.evidence))
    for remedy in finding.remedies:
        parts += _remedy(remedy)
    docs = code(finding.docs)
    if finding.docs.startswith("https://"):
        docs = _address(finding.docs)
    return [*parts, f"More: {code(f'pbisetup explain {finding.code}')}{f' or {docs}' if docs else ''}"]


def _evidence(seen: Evidence) -> str:
    request = f" (request id {code(seen.request_id)})" if seen.request_id else ""
    return f"- {code(seen.source) or 'somewhere'}, {_BY[seen.observer]}: {code(seen.fact)}{request}"


def _remedy(remedy: Remedy) -> list[str]:
    lead = "Fix" if mends(remedy) else "To find out more"
    parts = [f"**{lead}, by {called(remedy.who, OPERATOR)}:** {prose(remedy.text)}"]
    if remedy.command:
        parts.append(_block(remedy.command))
    if remedy.url:
        parts.append(_address(remedy.url))
    return parts


def _address(url: str) -> str:
    """An address as a link that shows where it leads; as code where it is none that Markdown takes."""
    return f"<{url}>" if re.fullmatch(r"https://[!-;=?-~]+", url) else code(url)
