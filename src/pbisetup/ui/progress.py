"""Plans, progress, checks and findings as text: one symbol a line, 80 columns, ASCII where nothing else goes through."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from pbisetup.catalog.wellknown import ROLE_NAMES
from pbisetup.model.errors import Evidence
from pbisetup.model.finding import Check, Examination, Finding, Remedy
from pbisetup.model.plan import Plan, Step
from pbisetup.model.tenant import Operator, TenantInfo
from pbisetup.planning.together import told_once
from pbisetup.ui.terminal import Terminal, spelled, visible, wrap

if TYPE_CHECKING:
    from pbisetup.execution.runner import Outcome
    from pbisetup.services.network import Request

SIGNS = {"add": "+", "change": "~", "remove": "-", "keep": " ", "leave": "="}
STYLES = {"add": "green", "change": "yellow", "remove": "red", "keep": "dim", "leave": "yellow"}
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


def plans_lines(tenants: Sequence[Sequence[Plan]], width: int) -> list[Line]:
    """The plans of several environments; what those of one tenant share is explained once."""
    return [line for plans in tenants for plan in told_once(plans) for line in plan_lines(plan, width)]


def plan_lines(plan: Plan, width: int) -> list[Line]:
    """The plan of one environment: what is added, changed, removed and kept, and who may do it."""
    lines: list[Line] = [("", None), (f"Plan for {plan.environment}", "bold")]
    for step in plan.steps:
        lines += _step_lines(step, width)
    own, others = len(plan.own), len(plan.others)
    waits = sum(1 for step in plan.steps if step.deferred)
    kept = sum(1 for step in plan.steps if step.change == "keep")
    left = sum(1 for step in plan.steps if step.change == "leave")
    parts = [f"{own} to do" if own else "nothing to do", f"{kept} as they should be"]
    if others:
        parts.insert(1, f"{others} for somebody else")
    if left:
        parts.append(f"{left} left alone")
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


class Board:
    """The progress of several environments at once: each line says whose it is, one line shows all that is under way."""

    def __init__(self, terminal: Terminal, names: Sequence[str]) -> None:
        self._terminal = terminal
        self._running: dict[str, str] = {}
        self._lock = threading.Lock()
        self._width = max((len(name) for name in names), default=0) if len(names) > 1 else 0

    def of(self, name: str) -> Progress:
        """The progress of one of them; alone it needs no name."""
        lead = f"{name.ljust(self._width)} " if self._width else ""
        return Progress(self._terminal, lead, lambda what: self._show(name, what))

    def _show(self, name: str, what: str | None) -> bool:
        """Note what an environment does now, None for nothing; whether it could be shown."""
        with self._lock:
            self._running.pop(name, None)
            if what is not None:
                self._running[name] = what
            if not self._running:
                return False
            if not self._width:
                return self._terminal.transient(f"  … {what}")
            shown = " · ".join(f"{each}: {doing}" for each, doing in self._running.items())
            return self._terminal.transient(f"  … {len(self._running)} at work: {shown}")


class Progress:
    """Tells of steps as they run, and of waiting with what is left of it."""

    def __init__(self, terminal: Terminal, lead: str = "", show: Callable[[str | None], bool] | None = None) -> None:
        self._terminal, self._lead = terminal, lead
        self._show = show or (lambda what: terminal.transient(f"  … {what}") if what else False)
        self._waited_for = ""

    def started(self, step: Step) -> None:
        self._show(visible(step.title))

    def ended(self, outcome: Outcome) -> None:
        title, indent = visible(outcome.step.title), "      " + " " * len(self._lead)
        if outcome.status == "done":
            self._terminal.headed(f"  {self._lead}✓ ", title, "green")
        elif outcome.status == "handed off":
            self._terminal.headed(f"  {self._lead}→ ", title, "yellow")
            self._terminal.wrapped(f"somebody else: {visible(outcome.because)}", indent, "dim")
        else:
            self._terminal.headed(f"  {self._lead}✗ ", title, "red")
            error = outcome.error
            said = f"{error.code}: {outcome.because}" if error else outcome.because
            self._terminal.wrapped(visible(said), indent)
            for seen in error.evidence if error else ():
                request = f" (request id {seen.request_id})" if seen.request_id else ""
                self._terminal.wrapped(visible(f"seen at {seen.source}: {seen.fact}{request}"), indent, "dim")
            if error and error.remedy:
                self._terminal.wrapped(error.remedy, indent)
            if error and error.command:
                self._terminal.say(f"{indent}{spelled(error.command)}", "bold")
        self._show(None)

    def waiting(self, what: str, seconds_left: int) -> None:
        """A countdown in a terminal; elsewhere one line for each thing that is waited for."""
        text = f"{what}; waiting up to {seconds_left} s more"
        if self._show(text) or what == self._waited_for:
            return
        self._waited_for = what
        self._terminal.say(f"  {self._lead}… {text}", "dim")


def examination_lines(examination: Examination, width: int) -> list[Line]:
    """The checks as they come, then each finding with evidence and remedies: the proof after `apply`, in short."""
    lines: list[Line] = []
    for check in examination.checks:
        lines += check_lines(check, width)
    for number, finding in enumerate(examination.findings, 1):
        lines += [("", None), *finding_lines(number, finding, width)]
    return lines


def check_lines(check: Check, width: int, *, pointed: bool = False) -> list[Line]:
    """A check on one row; its reason below it only where that is too long. `pointed` puts an arrow before it."""
    # The arrow takes two columns where it is written in ASCII, so its row is one column shorter.
    lead, columns = ("→ ", width - 1) if pointed else ("  ", width)
    lead, title, because = f"{lead}{MARKS[check.status]} ", visible(check.title), visible(check.because)
    style = MARK_STYLES[check.status]
    row = f"{lead}{title}: {because}" if because else f"{lead}{title}"
    if len(row) <= columns:
        return [(row, style)]
    return [*hanging(lead, f"{title}:" if because else title, columns, style), *paragraph(because, width, "      ")]


def finding_lines(number: int, finding: Finding, width: int) -> list[Line]:
    """A finding: how certain it is, why, what was seen, and the ways to mend it, each command on a line to copy."""
    lines = hanging(f"{number}. ", visible(f"{finding.code} {finding.title}"), width, "bold")
    certain = finding.certainty == "certain"
    lines += paragraph(visible(certainty_words(finding)), width, "   ", "dim" if certain else "yellow")
    lines += hanging("   why  ", visible(finding.explanation), width)
    for seen in finding.evidence:
        lines += hanging("   saw  ", visible(seen_words(seen)), width, "dim")
    for remedy in finding.remedies:
        lead = "   fix  " if mends(remedy) else "   see  "
        lines += hanging(lead, visible(f"{remedy.who}: {remedy.text}"), width)
        lines += [copied(each) for each in (remedy.command, remedy.url) if each]
    return lines


def certainty_words(finding: Finding) -> str:
    """How certain a finding is, and what would settle it where it is open."""
    if finding.certainty == "certain":
        return "certain"
    decided = f"; what decides is {finding.decided_by}" if finding.decided_by else ""
    return f"{finding.certainty}, not certain{decided}"


def mends(remedy: Remedy) -> bool:
    """Whether a remedy mends something, as opposed to finding out more or asking somebody."""
    return remedy.action is None or remedy.action.kind not in ("look_up", "ask_support")


def seen_words(seen: Evidence, operator: str = "you") -> str:
    """A piece of evidence as a sentence: where it was seen, by whom, what, and under which request id. `operator` is what
    the reader calls who ran this.
    """
    by = {"app": "as the app", "operator": f"as {operator}", "local": "here"}[seen.observer]
    request = f" (request id {seen.request_id})" if seen.request_id else ""
    return f"{seen.source}, {by}: {seen.fact}{request}"


def copied(text: str) -> Line:
    """A command or an address on a line of its own, never wrapped, so that it can be copied whole."""
    return (f"            {spelled(visible(text))}", "bold")


def hanging(lead: str, text: str, width: int, style: str | None = None) -> list[Line]:
    """A text wrapped behind a lead, its further lines below its beginning."""
    first, *rest = wrap(text, width - len(lead), "")
    return [(f"{lead}{first}".rstrip(), style), *((" " * len(lead) + line, style) for line in rest)]


def paragraph(text: str, width: int, indent: str, style: str | None = None) -> list[Line]:
    """A text wrapped to lines of one style."""
    return [(line, style) for line in wrap(text, width, indent)]


def request_line(request: Request) -> str:
    """One line of `--verbose`: no query, no header, no body."""
    status = "no answer" if request.status is None else str(request.status)
    id_ = f" request-id={request.request_id}" if request.request_id else ""
    return f"    {request.method} {request.url} {status} {request.milliseconds} ms{id_}"
