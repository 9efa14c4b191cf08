"""The rows of `status`: a table for the glance, then what belongs to each environment; the same as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pbisetup.model.errors import PbisetupError
from pbisetup.model.plan import Step
from pbisetup.planning.standing import CredentialStanding, Standing
from pbisetup.ui.failure import error_json
from pbisetup.ui.progress import SIGNS, STYLES, Line, hanging, paragraph, seen_words
from pbisetup.ui.terminal import columns, spelled, visible

_HEAD = ("  environment", "state", "credential", "consent")
_LABEL = 19
"""Columns of the labels below the table."""
_FIX = {
    "drift": ("pbisetup plan {}", "what is not as the manifest says"),
    "not_applied": ("pbisetup apply {}", "set it up"),
}


def status_lines(rows: Sequence[Standing], width: int) -> list[Line]:
    """All environments at a glance, then ids, drift and errors of each."""
    lines = _table([_HEAD, *(_cells(row) for row in rows)], [None, *map(_style, rows)], width)
    told: dict[int, str] = {}
    for row in rows:
        lines += [("", None), (visible(row.environment), "bold")]
        if row.error is not None and (first := told.setdefault(id(row.error), row.environment)) != row.environment:
            lines += paragraph(visible(f"{row.error.code}: as for {first}"), width, "  ", "red")
        else:
            lines += _details(row, width)
    return [*lines, *_next(rows, width)]


def _style(row: Standing) -> str:
    problems = row.problems
    if not problems:
        return "green"
    return "yellow" if problems == ("credential_expiring",) else "red"


def _mark(row: Standing) -> str:
    if row.error is not None:
        return "?"
    return "✗" if row.problems else "✓"


def _cells(row: Standing) -> tuple[str, str, str, str]:
    name = f"{_mark(row)} {visible(row.environment)}"
    if row.error is not None:
        return name, "not reached" if "unreachable" in row.problems else "not looked at", "-", "-"
    if not row.applied:
        return name, "deleted" if row.deleted else "not applied", "-", "-"
    consent = "-" if row.consent == "not needed" else row.consent
    return name, _state(row), _days(row.credential), consent


def _state(row: Standing) -> str:
    count, others = len(row.drift), len(row.others)
    blocked = sum(1 for step in row.notes if step.blocks)
    if not count and blocked:
        return f"{blocked} left alone"
    if not count:
        noted = [(len(row.undecided), "unseen"), (sum(1 for step in row.notes if step.warning), "left alone")]
        return ", ".join(["as declared", *(f"{n} {word}" for n, word in noted if n)])
    changes = "1 change" if count == 1 else f"{count} changes"
    return f"{changes}, {others} not yours" if others else changes


def _days(credential: CredentialStanding) -> str:
    if credential.state in ("expired", "refused"):
        return credential.state
    if credential.days_left is not None:
        left = "1 day" if credential.days_left == 1 else f"{credential.days_left} days"
        return left if credential.where else f"{left}, not here"
    return {"not needed": "-", "missing": "none"}.get(credential.state, credential.state)


def _table(rows: Sequence[Sequence[str]], styles: Sequence[str | None], width: int) -> list[Line]:
    """Columns side by side; the first on a line of its own where they would not fit."""
    wide = [max(columns(row[n]) for row in rows) for n in range(len(_HEAD))]
    apart = sum(wide) + 2 * (len(wide) - 1) > width
    lines: list[Line] = []
    for number, (row, style) in enumerate(zip(rows, styles, strict=True)):
        padded = [cell + " " * (size - columns(cell)) for cell, size in zip(row, wide, strict=True)]
        colour = style if number else "dim"
        if apart:
            lines.append((row[0], colour))
            lines.append(("    " + "  ".join(padded[1:]).rstrip(), colour))
        else:
            lines.append(("  ".join(padded).rstrip(), colour))
    return lines


def _details(row: Standing, width: int) -> list[Line]:
    if row.error is not None:
        return _error_lines(row.error, width)
    lines = []
    if row.tenant:
        lines += _labelled("tenant", f"{row.tenant.name} ({row.tenant.domain})", width)
    for label, text in (
        ("client id", row.client_id),
        ("app registration", row.app_object_id),
        ("service principal", row.sp_object_id),
    ):
        if text:
            lines += _labelled(label, text, width)
    if not row.applied:
        words = "was deleted and can be brought back" if row.deleted else "does not exist yet"
        return [*lines, *_labelled("app registration", words, width, "red")]
    if row.credential.state != "not needed":
        lines += _labelled("credential", _credential_words(row.credential), width)
    for step in row.drift:
        lines += _step_lines(step, SIGNS[step.change], STYLES[step.change], width)
    for step in row.undecided:
        lines += _step_lines(step, "?", "yellow", width)
    for step in row.notes:
        lines += hanging(f"  {SIGNS[step.change]} ", visible(step.title), width, STYLES[step.change])
        lines += paragraph(visible(_reason(step)), width, "      ", "dim")
    return lines


def _error_lines(error: PbisetupError, width: int) -> list[Line]:
    lines = paragraph(visible(f"{error.code}: {error.message}"), width, "  ", "red")
    for seen in error.evidence:
        lines += paragraph(visible(seen_words(seen)), width, "      ", "dim")
    if error.remedy:
        lines += paragraph(visible(error.remedy), width, "  ")
    if error.command:
        lines.append((f"    {spelled(visible(error.command))}", "bold"))
    return lines


def _credential_words(credential: CredentialStanding) -> str:
    kind = f"client {credential.kind}" if credential.kind == "secret" else str(credential.kind)
    if credential.ends is None:
        return f"{kind}: {credential.why}"
    verb = "ended" if credential.state == "expired" else "until"
    where = f", in {credential.where}" if credential.where else ", its value is not kept here"
    why = "" if credential.state in ("ok", "elsewhere") else f": {credential.why}"
    return f"{kind} {verb} {credential.ends:%Y-%m-%d}{where}{why}"


def _labelled(label: str, text: str, width: int, style: str | None = None) -> list[Line]:
    return hanging(f"  {label.ljust(_LABEL)}", visible(text), width, style)


def _step_lines(step: Step, sign: str, style: str, width: int) -> list[Line]:
    lines = hanging(f"  {sign} ", visible(step.title), width, style)
    lines += paragraph(visible(step.why), width, "      ", "dim")
    if step.allowed is False:
        lines += paragraph(visible(f"{', '.join(step.who)}: {step.because}"), width, "      ", "yellow")
    return lines


def _reason(step: Step) -> str:
    return f"{step.why}; {step.warning}" if step.warning else step.why


def _next(rows: Sequence[Standing], width: int) -> list[Line]:
    commands: dict[str, str] = {}
    for row in rows:
        for problem in row.problems:
            if problem in _FIX:
                command, why = _FIX[problem]
                commands.setdefault(spelled(command.format(row.environment)), why)
        if row.others:
            commands.setdefault(spelled(f"pbisetup handoff {row.environment}"), "what somebody else must do")
    if not commands:
        return []
    wide = max(len(command) for command in commands)
    lines: list[Line] = [("", None), ("Next:", None)]
    for command, why in commands.items():
        explained = f"  {command.ljust(wide)}  # {why}"
        lines.append((explained if len(explained) <= width else f"  {command}", None))
    return lines


def status_json(rows: Sequence[Standing]) -> dict[str, Any]:
    """The rows as JSON: `pbisetup/status/v1`."""
    return {"schema": "pbisetup/status/v1", "environments": [_row_json(row) for row in rows]}


def _row_json(row: Standing) -> dict[str, Any]:
    tenant, credential, error = row.tenant, row.credential, row.error
    return {
        "environment": row.environment,
        "ok": not row.problems,
        "problems": list(row.problems),
        "tenant": {"id": tenant.id, "name": tenant.name, "domain": tenant.domain} if tenant else None,
        "applied": None if error else row.applied,
        "deleted": None if error else row.deleted,
        "client_id": row.client_id,
        "app_object_id": row.app_object_id,
        "sp_object_id": row.sp_object_id,
        "consent": row.consent,
        "credential": {
            "kind": credential.kind,
            "state": credential.state,
            "ends": credential.ends.isoformat() if credential.ends else None,
            "days_left": credential.days_left,
            "where": credential.where,
            "why": credential.why,
        },
        "drift": [_step_json(step) for step in row.drift],
        "undecided": [_step_json(step) for step in row.undecided],
        "notes": [{"title": step.title, "text": _reason(step)} for step in row.notes],
        "error": error_json(error) if error else None,
    }


def _step_json(step: Step) -> dict[str, Any]:
    return {
        "id": step.id,
        "change": step.change,
        "title": step.title,
        "why": step.why,
        "who": list(step.who),
        "allowed": step.allowed,
        "because": step.because,
    }
