"""What is known about one thing: a value, its absence, or the reason why it is not known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

from pbisetup.model.errors import Evidence, Observer

T = TypeVar("T")


@dataclass(frozen=True)
class Known(Generic[T]):
    """A fact with its value."""

    value: T
    evidence: Evidence

    @property
    def observer(self) -> Observer:
        return self.evidence.observer


@dataclass(frozen=True)
class Absent:
    """The thing was looked for by somebody who may see it, and it is not there."""

    evidence: Evidence


@dataclass(frozen=True)
class Unknown:
    """Nobody could look, or the one who looked may not see it. Never to be read as absent."""

    reason: str
    evidence: Evidence | None = None
    code: str = ""
    """Code of the error that kept it unknown, where it was one."""


Fact = Known[T] | Absent | Unknown


def value_of(fact: Fact[T]) -> T | None:
    """The value of a known fact, else None; use only where absent and unknown mean the same."""
    return fact.value if isinstance(fact, Known) else None
