"""How `destroy` is told: what goes, what stays and why, what somebody else must do, and the same as JSON."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pbisetup.execution.unmaking import Unmade
from pbisetup.model.errors import ExitCode
from pbisetup.model.plan import Plan, Step
from pbisetup.model.tenant import TenantInfo
from pbisetup.ui.progress import Line, hanging, paragraph
from pbisetup.ui.summary import plan_json
from pbisetup.ui.terminal import spelled, visible


def removal_lines(plan: Plan, tenant: TenantInfo, width: int) -> list[Line]:
    """The plan: the tenant first, then what is removed, what stays, and what is not this operator's to remove."""
    title = f"Taking {plan.environment} away from {visible(tenant.name)} ({visible(tenant.domain)})"
    lines: list[Line] = [("", None), *hanging("", title, width, "bold")]
    for step in plan.own:
        lines += _lines(step, width, "  - ", "red")
    if plan.others:
        lines += [("  Not by you:", "bold")]
        for step in plan.others:
            lines += _lines(step, width, "  → ", "yellow")
    if kept := [step for step in plan.steps if not step.writes]:
        lines += [("  Stays:", "bold")]
        for step in kept:
            lines += _lines(step, width, "    ", "dim")
    counts = [f"{len(plan.own)} to remove" if plan.own else "nothing for you to remove"]
    if plan.others:
        counts.append(f"{len(plan.others)} for somebody else")
    return [*lines, (f"  {', '.join(counts)}", "bold")]


def _lines(step: Step, width: int, lead: str, style: str) -> list[Line]:
    lines = hanging(lead, visible(step.title), width, style)
    lines += paragraph(visible(step.why), width, "      ", "dim")
    if step.allowed is False:
        text = f"not you: {visible(step.because)}; can be done by: {', '.join(step.who)}"
        lines += paragraph(text, width, "      ", "yellow")
    elif step.allowed is None:
        lines += paragraph(f"perhaps not you: {visible(step.because)}", width, "      ", "dim")
    if step.warning:
        lines += paragraph(f"note: {visible(step.warning)}", width, "      ", "yellow")
    return lines


def farewell_lines(done: Unmade) -> list[str]:
    """What became of it, in sentences."""
    name = done.environment.name
    if done.declined:
        return [f"{name}: nothing was changed."]
    others = [outcome for outcome in done.of("handed off") if outcome.step.allowed is False]
    waiting = [outcome for outcome in done.of("handed off") if outcome not in others]
    counts = [
        f"{len(found)} {words}"
        for words, found in (
            ("removed", done.of("done")),
            ("for somebody else", others),
            ("waiting for that", waiting),
            ("failed", done.of("failed")),
            ("not run", done.of("not run")),
        )
        if found
    ]
    if not counts:
        return [f"{name}: there is nothing to remove."]
    lines = [f"{name}: {', '.join(counts)}."]
    lines += [f"{name}: {' or '.join(outcome.step.who)}: {visible(outcome.step.title)}" for outcome in others]
    if done.interrupted:
        stopped = next(iter(done.of("not run")), None)
        before = f" before: {visible(stopped.step.title)}" if stopped else ""
        lines.append(f"{name}: stopped{before}. Run again to continue.")
    return lines


def farewell_commands(done: Unmade) -> list[str]:
    """What to type next."""
    name = done.environment.name
    gone = {outcome.step.id for outcome in done.of("done")}
    alone = any(step.id == "tokens" for step in done.plan.steps)
    again = f"pbisetup destroy {name}{' --credential' if alone else ''}"
    commands: list[tuple[str, str]] = []
    if done.exit_code in (ExitCode.PARTIAL, ExitCode.INTERRUPTED):
        commands.append((again, "continue"))
    elif done.exit_code == ExitCode.HANDOFF:
        commands.append((again, "when they have done it: see whether anything is left"))
    elif alone and gone:
        commands.append((f"pbisetup apply {name}", "give the app a new credential"))
    if "delete-app" in gone and "purge-app" not in gone:
        commands.append((f"pbisetup apply {name} --deleted-app restore", "bring the app back, for 30 days"))
        commands.append((f"pbisetup destroy {name} --purge", "remove the deleted app for good"))
    shown = [(spelled(command), why) for command, why in commands]
    width = max((len(command) for command, _ in shown), default=0)
    return ["Next:", *(f"  {command.ljust(width)}  # {why}" for command, why in shown)] if shown else []


def removal_json(done: Unmade, *, forgotten: bool) -> dict[str, Any]:
    """The run as JSON: the plan as it was shown, and how each of its steps ended."""
    return {
        "schema": "pbisetup/destroy/v1",
        **plan_json(done.plan),
        "declined": done.declined,
        "interrupted": done.interrupted,
        "forgotten": forgotten,
        "outcomes": list(_outcomes(done)),
    }


def _outcomes(done: Unmade) -> Iterable[dict[str, Any]]:
    for outcome in done.outcomes:
        step = outcome.step
        yield {
            "id": step.id,
            "title": step.title,
            "status": outcome.status,
            "because": outcome.because,
            "who": list(step.who),
        }
