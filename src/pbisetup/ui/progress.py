"""Plans, progress, checks and findings as text: one symbol a line, 80 columns, ASCII where nothing else goes through."""

from __future__ import annotations

from collections.abc import Sequence

from pbisetup.catalog.wellknown import ROLE_NAMES
from pbisetup.execution.runner import Outcome
from pbisetup.model.finding import Examination, Finding
from pbisetup.model.plan import Plan, Step
from pbisetup.model.tenant import Operator, TenantInfo
from pbisetup.services.network import Request
from pbisetup.ui.terminal import Terminal, spelled, visible, wrap

SIGNS = {"add": "+", "change": "~", "remove": "-", "keep": " "}
STYLES = {"add": "green", "change": "yellow", "remove": "red", "keep": "dim"}
MARKS = {"pass": "✓", "warn": "!", "fail": "✗", "skip": "-", "unknown": "?"}
MARK_STYLES = {"pass": "green", "warn": "yellow", "fail": "red", "skip": "dim", "unknown": "yellow"}


def operator_lines(tenant: TenantInfo, operator: Operator, rights: Sequence[tuple[str, bool | None, str]]) -> list[str]:
    """Who is signed in where, and what they may do of what is coming."""
    roles = [ROLE_NAMES.get(role) for role in sorted(operator.roles)]
    named = ", ".join(sorted(r for r in roles if r)) or "none"
    lines = [
        f"Tenant    {visible(tenant.name)} ({tenant.domain})",
        f"          {tenant.id}",
        f"Account   {visible(operator.account)} ({operator.kind}, signed in by {operator.route})",
        f"Roles     {named}",
        "May       "
        + "\n          ".join(
            f"{ {True: 'yes', False: 'no ', None: '?  '}[allowed] }  {what}{f' ({because})' if because else ''}"
            for what, allowed, because in rights
        ),
    ]
    return [line for block in lines for line in block.splitlines()]


def show_plan(terminal: Terminal, plan: Plan) -> None:
    """The plan of one environment: what is added, changed, removed and kept, and who may do it."""
    terminal.say()
    terminal.say(f"Plan for {plan.environment}", "bold")
    for step in plan.steps:
        _plan_step(terminal, step)
    own, others = len(plan.own), len(plan.others)
    waits = sum(1 for step in plan.steps if step.deferred)
    kept = sum(1 for step in plan.steps if not step.writes)
    parts = [f"{own} to do" if own else "nothing to do", f"{kept} as they should be"]
    if others:
        parts.insert(1, f"{others} for somebody else")
    if waits:
        parts.append(f"{waits} to be seen")
    terminal.say(f"  {', '.join(parts)}", "bold")


def _plan_step(terminal: Terminal, step: Step) -> None:
    title = visible(step.title)
    if step.deferred:
        terminal.say(f"  ? {title}", "yellow")
        terminal.wrapped(step.why, "      ", "dim")
        return
    terminal.headed(f"  {SIGNS[step.change]} ", title, STYLES[step.change])
    terminal.wrapped(visible(step.why), "      ", "dim")
    if step.allowed is False:
        terminal.wrapped(f"not you: {step.because}; can be done by: {', '.join(step.who)}", "      ", "yellow")
    if step.takes:
        terminal.wrapped(f"takes {step.takes}", "      ", "dim")
    if step.warning:
        terminal.wrapped(f"note: {visible(step.warning)}", "      ", "yellow")


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


Line = tuple[str, str | None]
"""A line and its style."""


def examination_lines(examination: Examination, width: int) -> list[Line]:
    """The chain from configuration to API, then each finding with evidence and remedy."""
    lines: list[Line] = []
    for check in examination.checks:
        style = MARK_STYLES[check.status]
        head, because = f"  {MARKS[check.status]} {visible(check.title)}:", visible(check.because)
        if len(head) + 1 + len(because) <= width:
            lines.append((f"{head} {because}", style))
        else:
            lines += [(head, style), *_paragraph(because, width, "      ")]
    for number, finding in enumerate(examination.findings, 1):
        lines += [("", None), *_finding_lines(number, finding, width)]
    return lines


def _finding_lines(number: int, finding: Finding, width: int) -> list[Line]:
    lines: list[Line] = [(f"{number}. {finding.code} {visible(finding.title)}", "bold")]
    if finding.certainty != "certain":
        decided = f"; what decides is {finding.decided_by}" if finding.decided_by else ""
        lines += _paragraph(f"{finding.certainty}, not certain{decided}", width, "   ", "yellow")
    lines += _paragraph(visible(finding.explanation), width, "   ")
    for seen in finding.evidence:
        request = f" (request id {seen.request_id})" if seen.request_id else ""
        by = {"app": "as the app", "operator": "as you", "local": "here"}[seen.observer]
        lines += _paragraph(f"seen {by}, {seen.source}: {visible(seen.fact)}{request}", width, "   ", "dim")
    for remedy in finding.remedies:
        lines += _paragraph(f"{remedy.who}: {remedy.text}", width, "   ")
        lines += [(f"       {spelled(each)}", "bold") for each in (remedy.command, remedy.url) if each]
    return lines


def _paragraph(text: str, width: int, indent: str, style: str | None = None) -> list[Line]:
    return [(line, style) for line in wrap(text, width, indent)]


def request_line(request: Request) -> str:
    """One line of `--verbose`: no query, no header, no body."""
    status = "no answer" if request.status is None else str(request.status)
    id_ = f" request-id={request.request_id}" if request.request_id else ""
    return f"    {request.method} {request.url} {status} {request.milliseconds} ms{id_}"
