"""Plans, progress, checks and findings as text: one symbol a line, 80 columns, ASCII where nothing else goes through."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pbisetup.catalog.wellknown import ROLE_NAMES
from pbisetup.model.finding import Examination, Finding
from pbisetup.model.plan import Plan, Step
from pbisetup.model.tenant import Operator, TenantInfo
from pbisetup.ui.terminal import Terminal, spelled, visible, wrap

if TYPE_CHECKING:
    from pbisetup.execution.runner import Outcome
    from pbisetup.services.network import Request

SIGNS = {"add": "+", "change": "~", "remove": "-", "keep": " "}
STYLES = {"add": "green", "change": "yellow", "remove": "red", "keep": "dim"}
MARKS = {"pass": "✓", "warn": "!", "fail": "✗", "skip": "-", "unknown": "?"}
MARK_STYLES = {"pass": "green", "warn": "yellow", "fail": "red", "skip": "dim", "unknown": "yellow"}


Line = tuple[str, str | None]
"""A line and its style."""


def operator_lines(
    tenant: TenantInfo, operator: Operator, rights: Sequence[tuple[str, bool | None, str]], width: int
) -> list[Line]:
    """Who is signed in where, and what they may do of what is coming."""
    named = ", ".join(sorted(ROLE_NAMES[role] for role in operator.roles if role in ROLE_NAMES)) or "none"
    lines = [
        *_labelled("Tenant", f"{visible(tenant.name)} ({visible(tenant.domain)})", width),
        *_labelled("", tenant.id, width),
        *_labelled("Account", f"{visible(operator.account)} ({operator.kind}, signed in by {operator.route})", width),
        *_labelled("Roles", named, width),
    ]
    answers = {True: "yes  ", False: "no   ", None: "?    "}
    for number, (what, allowed, because) in enumerate(rights):
        text = f"{what}{f' ({because})' if because else ''}"
        lines += _labelled("May" if number == 0 else "", text, width, answers[allowed])
    return lines


def _labelled(label: str, text: str, width: int, sign: str = "") -> list[Line]:
    """A label in a column of its own, and a text wrapped beside it."""
    hang = " " * (12 + len(sign))
    first, *rest = wrap(text, width - len(hang), "")
    return [(f"  {label.ljust(10)}{sign}{first}", None), *((hang + line, None) for line in rest)]


def plan_lines(plan: Plan, width: int) -> list[Line]:
    """The plan of one environment: what is added, changed, removed and kept, and who may do it."""
    lines: list[Line] = [("", None), (f"Plan for {plan.environment}", "bold")]
    for step in plan.steps:
        lines += _step_lines(step, width)
    own, others = len(plan.own), len(plan.others)
    waits = sum(1 for step in plan.steps if step.deferred)
    kept = sum(1 for step in plan.steps if not step.writes)
    parts = [f"{own} to do" if own else "nothing to do", f"{kept} as they should be"]
    if others:
        parts.insert(1, f"{others} for somebody else")
    if waits:
        parts.append(f"{waits} to be seen")
    return [*lines, (f"  {', '.join(parts)}", "bold")]


def _step_lines(step: Step, width: int) -> list[Line]:
    sign, style = ("?", "yellow") if step.deferred else (SIGNS[step.change], STYLES[step.change])
    first, *rest = wrap(visible(step.title), width - 4, "")
    lines: list[Line] = [(f"  {sign} {first}", style), *((f"    {line}", style) for line in rest)]
    lines += paragraph(visible(step.why), width, "      ", "dim")
    if step.allowed is False:
        text = f"not you: {visible(step.because)}; can be done by: {', '.join(step.who)}"
        lines += paragraph(text, width, "      ", "yellow")
    if step.takes:
        lines += paragraph(f"takes {step.takes}", width, "      ", "dim")
    if step.warning:
        lines += paragraph(f"note: {visible(step.warning)}", width, "      ", "yellow")
    return lines


class Progress:
    """Tells of steps as they run, and of waiting with what is left of it."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal
        self._waited_for = ""

    def started(self, step: Step) -> None:
        self._terminal.transient(f"  … {visible(step.title)}")

    def ended(self, outcome: Outcome) -> None:
        title = visible(outcome.step.title)
        if outcome.status == "done":
            self._terminal.headed("  ✓ ", title, "green")
        elif outcome.status == "handed off":
            self._terminal.headed("  → ", title, "yellow")
            self._terminal.wrapped(f"somebody else: {visible(outcome.because)}", "      ", "dim")
        else:
            self._terminal.headed("  ✗ ", title, "red")
            self._terminal.wrapped(visible(outcome.because), "      ")
            error = outcome.error
            for seen in error.evidence if error else ():
                request = f" (request id {seen.request_id})" if seen.request_id else ""
                self._terminal.wrapped(visible(f"seen at {seen.source}: {seen.fact}{request}"), "      ", "dim")
            if error and error.remedy:
                self._terminal.wrapped(error.remedy, "      ")
            if error and error.command:
                self._terminal.say(f"      {spelled(error.command)}", "bold")

    def waiting(self, what: str, seconds_left: int) -> None:
        """A countdown in a terminal; elsewhere one line for each thing that is waited for."""
        text = f"  … {what}; waiting up to {seconds_left} s more"
        if self._terminal.transient(text) or what == self._waited_for:
            return
        self._waited_for = what
        self._terminal.say(text, "dim")


def examination_lines(examination: Examination, width: int) -> list[Line]:
    """The chain from configuration to API, then each finding with evidence and remedy."""
    lines: list[Line] = []
    for check in examination.checks:
        style = MARK_STYLES[check.status]
        head, because = f"  {MARKS[check.status]} {visible(check.title)}:", visible(check.because)
        if len(head) + 1 + len(because) <= width:
            lines.append((f"{head} {because}", style))
        else:
            lines += [(head, style), *paragraph(because, width, "      ")]
    for number, finding in enumerate(examination.findings, 1):
        lines += [("", None), *finding_lines(number, finding, width)]
    return lines


def finding_lines(number: int, finding: Finding, width: int) -> list[Line]:
    """A finding with its evidence and remedies."""
    first, *rest = wrap(f"{number}. {finding.code} {visible(finding.title)}", width - 3, "")
    lines: list[Line] = [(first, "bold"), *((f"   {line}", "bold") for line in rest)]
    if finding.certainty != "certain":
        decided = f"; what decides is {finding.decided_by}" if finding.decided_by else ""
        lines += paragraph(f"{finding.certainty}, not certain{decided}", width, "   ", "yellow")
    lines += paragraph(visible(finding.explanation), width, "   ")
    for seen in finding.evidence:
        request = f" (request id {seen.request_id})" if seen.request_id else ""
        by = {"app": "as the app", "operator": "as you", "local": "here"}[seen.observer]
        lines += paragraph(f"seen {by}, {seen.source}: {visible(seen.fact)}{request}", width, "   ", "dim")
    for remedy in finding.remedies:
        lines += paragraph(f"{remedy.who}: {remedy.text}", width, "   ")
        lines += [(f"       {spelled(each)}", "bold") for each in (remedy.command, remedy.url) if each]
    return lines


def paragraph(text: str, width: int, indent: str, style: str | None = None) -> list[Line]:
    """A text wrapped to lines of one style."""
    return [(line, style) for line in wrap(text, width, indent)]


def request_line(request: Request) -> str:
    """One line of `--verbose`: no query, no header, no body."""
    status = "no answer" if request.status is None else str(request.status)
    id_ = f" request-id={request.request_id}" if request.request_id else ""
    return f"    {request.method} {request.url} {status} {request.milliseconds} ms{id_}"
