"""The text of `doctor`: the chain from configuration to API by layer, its first broken link, the findings, what is next."""

from __future__ import annotations

from pbisetup.model.finding import Examination
from pbisetup.ui.progress import Line, check_lines, copied, finding_lines, hanging, paragraph
from pbisetup.ui.report.steps import counts, first_broken, layers, next_steps, skipped
from pbisetup.ui.terminal import visible

HEALTHY = "Healthy."
NOT_HEALTHY = "Not healthy."


def chain_lines(examination: Examination, width: int, *, command: str = "") -> list[Line]:
    """The whole report. Its last line is `Healthy.` or `Not healthy.` and nothing else.

    No line is longer than `width`, but for commands and addresses to copy and for words that are longer by themselves.
    Control characters of any text show as escapes; every sign of its own has a stand-in in ASCII (`ui.terminal`).
    `command` is how this examination was asked for, to be named with `--fix` and for another look.
    """
    lines = _links(examination, width)
    for number, finding in enumerate(examination.findings, 1):
        lines += [("", None), *finding_lines(number, finding, width)]
    lines += [("", None), *paragraph(counts(examination), width, "", "bold")]
    for reason in skipped(examination):
        lines += paragraph(visible(reason), width, "  ", "dim")
    lines += _next(examination, width, command)
    verdict = (HEALTHY, "green") if examination.healthy else (NOT_HEALTHY, "red")
    return [*lines, ("", None), verdict]


def _links(examination: Examination, width: int) -> list[Line]:
    broken = first_broken(examination)
    lines: list[Line] = []
    for heading, checks in layers(examination):
        lines.append((heading, "bold"))
        for check in checks:
            lines += check_lines(check, width, pointed=check is broken)
    if broken is not None:
        # Said again below: in a long chain the arrow may have left the screen.
        named = visible(f"first broken link: {broken.title} ({broken.id})")
        lines += [("", None), *hanging("→ ", named, width - 1, "red")]
    return lines


def _next(examination: Examination, width: int, command: str) -> list[Line]:
    steps = next_steps(examination, command)
    lines: list[Line] = [("", None), ("Next, in this order:", "bold")] if steps else []
    for number, step in enumerate(steps, 1):
        lines += hanging(f"  {number}. ", visible(step.text), width)
        if step.command:
            lines.append(copied(step.command))
    return lines
