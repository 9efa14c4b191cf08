"""What would be changed: actions as data, and steps that order them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Who = Literal[
    "you",
    "app owner",
    "cloud application administrator",
    "privileged role administrator",
    "groups administrator",
    "fabric administrator",
    "workspace admin",
    "capacity admin",
    "network administrator",
    "tool maintainer",
]
"""Who can make a change."""

ChangeKind = Literal["add", "change", "remove", "keep"]


@dataclass(frozen=True)
class Action:
    """A change somebody could make. What diagnosis and planning both speak."""

    kind: str
    params: Mapping[str, Any] = field(default_factory=dict)
    """Plain JSON values. `{output}` names in strings stand for what an earlier step hands on."""


@dataclass(frozen=True)
class Step:
    """One action in its place, with what a person wants to know before it is done."""

    id: str
    change: ChangeKind
    title: str
    why: str
    action: Action | None = None
    """None for what is kept as it is."""
    who: tuple[Who, ...] = ()
    """Who may do it, least privilege first."""
    allowed: bool | None = True
    """Whether this operator may: yes, no, or None where only trying tells."""
    because: str = ""
    """Why the operator may not, or why it cannot be known."""
    needs: tuple[str, ...] = ()
    """Ids of steps that come first."""
    takes: str | None = None
    """How long the service may take to act on it."""
    undo: str | None = None
    warning: str | None = None
    """What else it affects, such as who else a group lets in."""
    deferred: bool = False
    """Whether it is only decided once the app has a token: nobody who is signed in can see whether it is needed."""

    @property
    def writes(self) -> bool:
        return self.action is not None


@dataclass(frozen=True)
class Plan:
    """The steps for one environment, in an order that satisfies `needs`."""

    environment: str
    steps: tuple[Step, ...]
    outputs: Mapping[str, str] = field(default_factory=dict)
    """What is known already of what steps hand on: `client_id`, `app_object_id`, `sp_object_id`, ..."""
    again: bool = False
    """Whether the rest can only be planned after this."""

    @property
    def changes(self) -> tuple[Step, ...]:
        """What this plan would change, by whomever."""
        return tuple(step for step in self.steps if step.writes and not step.deferred)

    @property
    def own(self) -> tuple[Step, ...]:
        """The changes that this operator may make or may at least try."""
        return tuple(step for step in self.changes if step.allowed is not False)

    @property
    def others(self) -> tuple[Step, ...]:
        """The changes that somebody else must make."""
        return tuple(step for step in self.changes if step.allowed is False)
