"""The one place where errors become words and exit codes."""

from __future__ import annotations

import json
import sys
from typing import Any

from pbisetup.model.errors import ExitCode, PbisetupError
from pbisetup.ui.terminal import Terminal, spelled, visible


def show(terminal: Terminal, error: PbisetupError, *, as_json: bool = False) -> ExitCode:
    """Tell the person what happened, what was seen, and what to do; the exit code to leave with."""
    if as_json:
        terminal.result(json.dumps({"schema": "pbisetup/error/v1", **error_json(error)}, indent=2))
        return error.exit_code
    tell(terminal, error)
    return error.exit_code


def error_json(error: PbisetupError) -> dict[str, Any]:
    """An error as JSON, in a report of its own or in that of the environment that it stopped."""
    return {
        "code": error.code,
        "message": error.message,
        "remedy": error.remedy,
        "command": error.command,
        "evidence": [vars(e) for e in error.evidence],
    }


def tell(terminal: Terminal, error: PbisetupError) -> None:
    """The same for a person."""
    lines = error.message.splitlines() or [""]
    terminal.say(f"{error.code}: {visible(lines[0])}", "red")
    for line in lines[1:]:
        terminal.say(f"  {visible(line)}", "red")
    for seen in error.evidence:
        request = f" (request id {seen.request_id})" if seen.request_id else ""
        terminal.wrapped(visible(f"seen at {seen.source}: {seen.fact}{request}"), style="dim")
    if error.remedy:
        terminal.wrapped(visible(error.remedy))
    if error.command:
        terminal.say(f"    {spelled(visible(error.command))}", "bold")


def show_unexpected(terminal: Terminal, error: Exception) -> ExitCode:
    """A bug of ours: its kind and place, without values that could hold a secret."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = f"{trace.tb_frame.f_code.co_filename.rsplit('pbisetup', 1)[-1]}:{trace.tb_lineno}" if trace else "?"
    terminal.say(f"PBI999: pbisetup failed in a way it should not: {type(error).__name__} at {place}", "red")
    terminal.wrapped("Please report this line together with the command you ran.")
    sys.stderr.flush()
    return ExitCode.WRONG
