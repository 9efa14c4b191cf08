"""How the waiting for others is told: what changes as it changes, and in the end what is left."""

from __future__ import annotations

from typing import Any

from pbisetup.execution.awaiting import Awaiting, unseen_in
from pbisetup.model.errors import PbisetupError
from pbisetup.planning.handoff import Handoff, Task
from pbisetup.ui.handoff_words import all_is_well, nobody_awaited, standing_json, what_else
from pbisetup.ui.progress import Progress
from pbisetup.ui.terminal import Terminal, spelled, visible


class Watch:
    """Tells of it on standard error."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal
        self.waiting = Progress(terminal).waiting

    def awaited(self, handed: Handoff, tasks: tuple[Task, ...], done: tuple[Task, ...]) -> None:
        name = handed.environment
        for task in done:
            self._terminal.headed("  ✓ ", f"{name}: {visible(task.title)}", "green")
        if not tasks:
            self._terminal.say(f"{name}: {nobody_awaited(handed)}", "green" if all_is_well(handed) else "yellow")
            return
        for task in tasks:
            self._terminal.headed("  … ", f"{name}: {_asked(task)}", "yellow")

    def trouble(self, error: PbisetupError) -> None:
        self._terminal.headed("  ! ", f"this look failed and is tried again: {visible(error.message)}", "yellow")


def _asked(task: Task) -> str:
    return f"{' or '.join(task.who)}: {visible(task.title)}"


def awaiting_lines(done: Awaiting) -> list[str]:
    """What is left, in sentences."""
    lines: list[str] = []
    for name, handed in done.handed.items():
        awaited = done.awaited(name)
        lines += [f"{name}: still awaited from {_asked(task)}" for task in awaited]
        lines += [
            f"{name}: only trying tells whether it is done: {visible(task.title)}; run {spelled(f'pbisetup apply {name}')}"
            for task in unseen_in(handed)
        ]
        if not awaited and not unseen_in(handed):
            lines.append(f"{name}: {nobody_awaited(handed)}.")
        lines += what_else(handed)
    if not done.handed:
        lines.append("stopped before the first look was over")
    return lines


def awaiting_json(done: Awaiting) -> dict[str, Any]:
    """The same for a program."""
    return {
        "schema": "pbisetup/handoff-verify/v1",
        "environments": [
            {
                "environment": name,
                "awaited": [_task(task) for task in done.awaited(name)],
                "unseen": [_task(task) for task in unseen_in(handed)],
                "yours": [{"id": step.id, "title": step.title} for step in handed.yours],
                **standing_json(handed),
            }
            for name, handed in done.handed.items()
        ],
        "looks": done.looks,
        "seconds": done.seconds,
        "interrupted": done.interrupted,
    }


def _task(task: Task) -> dict[str, Any]:
    return {"id": task.id, "who": list(task.who), "title": task.title}
