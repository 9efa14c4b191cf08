"""Questions to a person, on stderr, through questionary. Ctrl-C and Ctrl-D at any of them end the run."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from pbisetup.model.errors import Interrupted
from pbisetup.ui.terminal import visible

if TYPE_CHECKING:
    from questionary import Question


def text(question: str, default: str = "", check: Callable[[str], str | None] = lambda _: None) -> str:
    """A line of text; `check` says what is wrong with it, or None, and the person corrects it."""
    import questionary

    def validate(answer: str) -> bool | str:
        return check(answer.strip()) or True

    return str(_ask(questionary.text(question, default=default, validate=validate, **_streams()))).strip()


def choose(question: str, options: Sequence[tuple[str, str]], default: str | None = None) -> str:
    """One of (value, label)."""
    import questionary

    choices = [questionary.Choice(visible(label), value) for value, label in options]
    return str(_ask(questionary.select(question, choices=choices, default=default, **_streams())))


def choose_some(question: str, options: Sequence[tuple[str, str]], chosen: Sequence[str] = ()) -> list[str]:
    """Any number of (value, label)."""
    import questionary

    choices = [questionary.Choice(visible(label), value, checked=value in chosen) for value, label in options]
    keys = "(space selects, enter goes on)"
    return list(_ask(questionary.checkbox(question, choices=choices, instruction=keys, **_streams())))


def confirm(question: str, default: bool = True) -> bool:
    import questionary

    return bool(_ask(questionary.confirm(question, default=default, **_streams())))


def _streams() -> dict[str, Any]:
    """Prompts go to stderr, so that stdout stays the result's even where it is piped (clients.md 7)."""
    from prompt_toolkit.output import create_output

    return {"output": create_output(stdout=sys.stderr)}


def _ask(question: Question) -> Any:
    try:
        return question.unsafe_ask()
    except (KeyboardInterrupt, EOFError):
        raise Interrupted("PBI130", "stopped at a question; nothing was changed") from None
