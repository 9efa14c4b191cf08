"""What is said of a hand-off beside its tasks: whom else it asks, what is not known yet, and what is in the way."""

from __future__ import annotations

from typing import Any

from pbisetup.model.plan import Step
from pbisetup.planning.handoff import Handoff
from pbisetup.ui.terminal import spelled, visible


def all_is_well(handed: Handoff) -> bool:
    """Whether nobody is asked, whoever that be, nobody may turn out to be needed, and nothing is in the way."""
    return not (handed.asked or handed.undecided or handed.in_the_way)


def nobody_asked(handed: Handoff) -> list[str]:
    """Of an environment without a task: whose that is, and how many changes are left for whoever asks."""
    if handed.sections:
        return []
    lines = []
    if handed.asked:
        lines.append(f"{handed.environment}: nothing is asked of the {handed.role}; asked are: {_roles(handed)}.")
    if handed.yours and not handed.undecided:
        lines.append(f"{handed.environment}: {_yours(handed)}: {_apply(handed)}")
    return lines


def nobody_awaited(handed: Handoff) -> str:
    """The same where tasks are waited for, in few words."""
    if handed.role is not None and handed.asked:
        return f"nothing is awaited from the {handed.role}; asked are: {_roles(handed)}"
    return "nobody is awaited so far" if handed.undecided else "nobody is awaited"


def what_else(handed: Handoff) -> list[str]:
    """What a list of tasks does not tell: what only a token of the app's decides, and what is left alone."""
    name, lines = handed.environment, []
    if handed.undecided:
        named = "; ".join(f"{visible(step.title)}{_who(step)}" for step in handed.undecided)
        first = f"{_yours(handed)} first: {_apply(handed)}. Only then" if handed.yours else "only a token of the app's"
        verb = "it shows" if handed.yours else "shows"
        lines.append(f"{name}: {first} {verb} whether somebody else is needed for: {named}.")
    if handed.in_the_way:
        lines.append(f"{name}: Left alone, and in the way:")
        lines += [f"- {visible(step.title)}: {visible(_why(step))}" for step in handed.in_the_way]
    return lines


def standing_json(handed: Handoff) -> dict[str, Any]:
    """The same for a program."""
    return {
        "role": handed.role,
        "asked": [list(who) for who in handed.asked],
        "undecided": [{"id": s.id, "title": s.title, "why": s.why, "who": list(s.who)} for s in handed.undecided],
        "in_the_way": [
            {"id": s.id, "title": s.title, "why": s.why, "warning": s.warning or ""} for s in handed.in_the_way
        ],
    }


def _yours(handed: Handoff) -> str:
    number = len(handed.yours)
    return "1 change is yours" if number == 1 else f"{number} changes are yours"


def _apply(handed: Handoff) -> str:
    return spelled(f"pbisetup apply {handed.environment}")


def _roles(handed: Handoff) -> str:
    return "; ".join(" or ".join(who) for who in handed.asked)


def _who(step: Step) -> str:
    return f" ({' or '.join(step.who)})" if step.who else ""


def _why(step: Step) -> str:
    return f"{step.why}; {step.warning}" if step.warning else step.why
