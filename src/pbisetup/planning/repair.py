"""What the steps of a repair are made from: what is wished, what is known, and who else would be affected."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from pbisetup.model.case import Case
from pbisetup.model.plan import Step
from pbisetup.planning.situation import Situation


@dataclass(frozen=True)
class Wish:
    """The remedy that was chosen for a finding."""

    why: str
    """The finding, in a line."""
    kind: str
    params: Mapping[str, Any]


@dataclass(frozen=True)
class Repair:
    """Everything that the makers of steps decide from."""

    case: Case
    s: Situation
    wishes: tuple[Wish, ...]
    leaves: frozenset[str] = frozenset()
    """Ids of the groups that the service principal is taken out of: `s` is as if it were in none of them."""
    who_else: Mapping[str, str] = field(default_factory=dict)
    """Group id -> who else is in it, in words."""

    @cached_property
    def owners(self) -> frozenset[str] | None:
        """Of the application; None where they could not be read."""
        return self.s.app.owners if self.s.app else None

    @property
    def knows_service_principal(self) -> bool:
        """Whether there is one, or will be one by then."""
        return self.s.sp is not None or any(wish.kind == "create_service_principal" for wish in self.wishes)

    def all_of(self, wish: Wish, name: str, *same: str) -> frozenset[str]:
        """What a list of parameters says in every wish like this one, so that one step serves them all."""
        like = (each for each in self.wishes if each.kind == wish.kind)
        return frozenset(
            str(item)
            for each in like
            if all(each.params[key] == wish.params[key] for key in same)
            for item in each.params[name]
        )


@dataclass(frozen=True)
class Maker:
    """How a kind of remedy becomes steps."""

    make: Callable[[Repair, Wish], Iterator[Step]]
    needs: tuple[str, ...]
    """Parameters without which it cannot."""


def kept(id_: str, title: str, why: str, warning: str | None = None) -> Step:
    """A word about what is left as it is."""
    return Step(id_, "keep", title, why, warning=warning)
