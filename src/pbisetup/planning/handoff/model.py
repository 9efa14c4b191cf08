"""What a hand-off is made of: tasks for roles, each in words, in operations, and as a place in a portal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pbisetup.model.plan import Step, Who
from pbisetup.planning.handoff.operations import Find, Operation


@dataclass(frozen=True)
class Portal:
    """Where a person does the same by hand."""

    url: str
    steps: str
    """What to choose there, in words."""
    guess: bool = False
    """Whether the address was not found published for this cloud."""


@dataclass(frozen=True)
class Consent:
    """What an administrator may open to consent, or why there is nothing to open."""

    v1: str = ""
    """Grants everything that the app registration asks for."""
    v2: str = ""
    """Grants what is named in it, here everything that was asked of Power BI."""
    note: str = ""


@dataclass(frozen=True)
class Task:
    """One change that is asked for."""

    id: str
    """Of the plan's step."""
    kind: str
    """Of the plan's action."""
    who: tuple[Who, ...]
    title: str
    why: str
    commands: tuple[str, ...]
    """`az` commands without checks, to be pasted; empty where nothing but a person can do it."""
    note: str = ""
    warning: str = ""
    portal: Portal | None = None
    consent: Consent | None = None
    operations: tuple[Operation, ...] = ()
    needs: tuple[str, ...] = ()
    """Variables that must be known before."""
    params: Mapping[str, Any] = field(default_factory=dict)
    unseen: bool = False
    """Whether nobody here can see if it is done: only trying tells."""
    check: bool = False
    """Whether it may well be so already, and nobody here can look: asked for, but not waited for."""
    after: tuple[str, ...] = ()
    """Titles of what the asking person must do first."""


@dataclass(frozen=True)
class Section:
    """What one role is asked for."""

    who: tuple[Who, ...]
    lookups: tuple[str, ...]
    """`az` commands that find ids which did not exist when this was written."""
    tasks: tuple[Task, ...]


@dataclass(frozen=True)
class Handoff:
    """Everything that is missing for one environment and that somebody else must do."""

    environment: str
    sections: tuple[Section, ...]
    yours: tuple[Step, ...]
    """What the asking person does afterwards, with `pbisetup apply`."""
    outputs: Mapping[str, str]
    finders: Mapping[str, Find] = field(default_factory=dict)
    """Variable -> how a script finds it, for those that some task needs."""
    order: tuple[Task, ...] = ()
    """All tasks in the order in which they can be done."""
    role: Who | None = None
    """The only role whose tasks these are, if one was chosen."""
    asked: tuple[tuple[Who, ...], ...] = ()
    """Everybody who is asked for something, whichever role was chosen: for each kind of task those who may do it."""
    undecided: tuple[Step, ...] = ()
    """What somebody else may have to do: only a token of the app's tells, and it has none yet."""
    in_the_way: tuple[Step, ...] = ()
    """What the manifest asks for and is left alone on purpose, so that nobody is asked for it."""

    @property
    def roles(self) -> tuple[Who, ...]:
        """Everybody who is asked for something, once each."""
        return tuple(dict.fromkeys(role for section in self.sections for role in section.who))
