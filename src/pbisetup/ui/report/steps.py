"""What an examination comes to: how many checks stand how, what was skipped and why, and what to do next in which order.

The same words go into the terminal and into a ticket.
"""

from __future__ import annotations

import re
import shlex
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from pbisetup.diagnosis.compare import in_chain_order, layer_of
from pbisetup.model.finding import LAYERS, Check, CheckStatus, Examination, Finding, Remedy
from pbisetup.model.plan import Who
from pbisetup.ui.progress import mends

COUNTED: Final[dict[CheckStatus, str]] = {
    "pass": "passed",
    "warn": "with a warning",
    "fail": "failed",
    "skip": "skipped",
    "unknown": "not known",
}
OTHER_LAYER: Final = "Other"
"""Heading of checks whose id begins with no known layer."""
OPERATOR: Final = "whoever ran pbisetup"
"""Who `you` is where somebody else reads the report."""
_REASON: Final = re.compile(r"not \w+(?: \w+)?,? (because .*)", re.DOTALL)
"""A skipped check's reason in a sentence of its own: `not examined because there is no token`."""


@dataclass(frozen=True)
class NextStep:
    """One thing to do: a sentence, and a command to copy where the reader can type one."""

    text: str
    command: str | None = None


def layers(examination: Examination) -> Iterator[tuple[str, list[Check]]]:
    """The checks by layer, each under its heading, in the order of the chain; only layers that have checks."""
    grouped: dict[str, list[Check]] = {}
    for check in in_chain_order(examination.checks):
        grouped.setdefault(LAYERS.get(layer_of(check), OTHER_LAYER), []).append(check)
    yield from grouped.items()


def first_broken(examination: Examination) -> Check | None:
    """The first link that does not hold, in the order of the chain."""
    return next((check for check in in_chain_order(examination.checks) if check.status == "fail"), None)


def counts(examination: Examination) -> str:
    """How many checks there are and how they stand."""
    number = len(examination.checks)
    by_status = Counter(check.status for check in examination.checks)
    parts = [f"{by_status[status]} {word}" for status, word in COUNTED.items() if by_status[status]]
    return f"{number} {'check' if number == 1 else 'checks'}{': ' if parts else ''}{', '.join(parts)}"


def skipped(examination: Examination) -> list[str]:
    """A line for each reason why checks were skipped. The reason is the checks' own: nothing else says what held them up."""
    reasons = Counter(check.because for check in in_chain_order(examination.checks) if check.status == "skip")
    lines = []
    for reason, number in reasons.items():
        because = _REASON.fullmatch(reason)
        told = f" {because[1]}" if because else f": {reason}" if reason else ""
        lines.append(f"{number} skipped{told}")
    return lines


def next_steps(examination: Examination, command: str = "", you: str = "you") -> list[NextStep]:
    """What to do in order, root cause first; empty where all is well or nothing was found.

    `command` is how this examination was asked for; without it the environment's name makes one. `you` is
    what the reader calls the person who asked.
    """
    if examination.healthy:
        return []
    again = command or _doctor(examination.environment)
    open_findings = [(n, each) for n, each in enumerate(examination.findings, 1) if _matters(each, examination)]
    fixed = [(n, each, remedy) for n, each in open_findings if (remedy := _fixable(each))]
    numbers = {number for number, _, _ in fixed}
    steps = []
    for number, finding in open_findings:
        if fixed and number == fixed[0][0]:
            # One run mends all that it can, so it stands once, where the first of them does.
            clauses = "; ".join(_fix_clause(*each) for each in fixed)
            steps.append(NextStep(f"Let pbisetup mend what it can: {clauses}.", f"{again} --fix"))
        if number not in numbers:
            steps.append(_by_hand(number, finding, you))
    if steps and len(numbers) < len(open_findings):
        steps.append(NextStep("Then look again.", again))
    return steps


def called(who: Who, you: str) -> str:
    """Who acts, in the reader's words."""
    return you if who == "you" else who


def first_remedy(finding: Finding) -> Remedy | None:
    """The first way to mend a finding; where there is none, the first to find out more."""
    return next(iter([each for each in finding.remedies if mends(each)] or finding.remedies), None)


def _doctor(environment: str | None) -> str:
    return f"pbisetup doctor {shlex.quote(environment)}" if environment else "pbisetup doctor"


def _matters(finding: Finding, examination: Examination) -> bool:
    """Whether a finding is a reason for the bad verdict: errors are, and where there is none, all are."""
    return finding.severity == "error" or not any(each.severity == "error" for each in examination.findings)


def _fixable(finding: Finding) -> Remedy | None:
    return next((remedy for remedy in finding.remedies if remedy.fixable), None)


def _fix_clause(number: int, finding: Finding, remedy: Remedy) -> str:
    who = "" if remedy.who == "you" else f" as {remedy.who}"
    return f"finding {number}{who}{'' if finding.certainty == 'certain' else ' (if that is it)'}"


def _by_hand(number: int, finding: Finding, you: str) -> NextStep:
    """Who must act, by the first remedy that mends; its command where it is the reader's to type or the text needs it."""
    remedy = first_remedy(finding)
    if remedy is None:
        return NextStep(f"Read what finding {number} can mean.", f"pbisetup explain {shlex.quote(finding.code)}")
    certain = finding.certainty == "certain"
    which = f"Finding {number}" if certain else f"If it is finding {number} ({finding.certainty})"
    shown = remedy.who == "you" or remedy.text.endswith(":")
    return NextStep(f"{which}, {called(remedy.who, you)}: {remedy.text}", remedy.command if shown else None)
