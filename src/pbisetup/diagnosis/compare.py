"""Two examinations side by side: the first link of the chain that differs, then the others, then what only one found.

Two environments rightly have different names and ids. A difference is one of kind: another status, or another reason
once what is each one's own (its name, its workspaces, its GUIDs) is left out of account.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from pbisetup.model.finding import LAYERS, Check, Examination, Finding, finding_json

SCHEMA: Final = "pbisetup/compare/v1"
_GUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_NAME: Final = re.compile(r"(?<!\w)(['\"])[^'\"]*\1(?!\w)")
"""A name in a reason: quoted, unlike the services' own words."""
_WORKSPACE: Final = "workspace"
_DETAIL: Final = re.compile(r"\.[a-z_]+\Z")
"""What follows a workspace's name in the id of a further check of it: `workspace.Reports Dev.role`."""

_Key = tuple[str, str, int, int]
"""Layer; the id, or of a workspace what follows its name; which workspace, by position; the how many-eth of all that."""


@dataclass(frozen=True)
class Difference:
    """A link of the chain that is not the same on both sides; None where a side did not come to look at it."""

    left: Check | None
    right: Check | None

    @property
    def check(self) -> Check:
        """The check of the side that has it, the left one's where both have."""
        found = self.left or self.right
        assert found is not None
        return found

    @property
    def follows(self) -> bool:
        """Whether it only says that one side did not come to look at what is well on the other."""
        seen = {"skip" if each is None else each.status for each in (self.left, self.right)}
        return seen == {"skip", "pass"}


@dataclass(frozen=True)
class Side:
    """Which environment stood on a side, and how it is."""

    environment: str | None
    healthy: bool


@dataclass(frozen=True)
class Comparison:
    """What sets two examinations apart."""

    left: Side
    right: Side
    first: Difference | None
    """The first link that differs; None where the chains are alike."""
    rest: tuple[Difference, ...]
    """The other links that differ, in the order of the chain."""
    alike: int
    """How many links do not differ."""
    only_left: tuple[Finding, ...]
    only_right: tuple[Finding, ...]

    @property
    def same(self) -> bool:
        """Whether nothing sets them apart."""
        return self.first is None and not self.only_left and not self.only_right

    def to_json(self) -> dict[str, Any]:
        """The object that `doctor --compare --format json` prints."""
        return {
            "schema": SCHEMA,
            "left": {"environment": self.left.environment, "healthy": self.left.healthy},
            "right": {"environment": self.right.environment, "healthy": self.right.healthy},
            "same": self.same,
            "first": _difference_json(self.first) if self.first else None,
            "rest": [_difference_json(each) for each in self.rest],
            "alike": self.alike,
            "only_left": [finding_json(each) for each in self.only_left],
            "only_right": [finding_json(each) for each in self.only_right],
        }


def layer_of(check: Check) -> str:
    """The part of the chain that a check belongs to: what its id begins with."""
    return check.id.partition(".")[0]


def in_chain_order(checks: Iterable[Check]) -> list[Check]:
    """Checks in the order in which a request crosses their layers, as they come within one; unknown layers last."""
    return sorted(checks, key=lambda check: _place(layer_of(check)))


def _place(layer: str) -> int:
    known = list(LAYERS)
    return known.index(layer) if layer in LAYERS else len(known)


def compare(left: Examination, right: Examination) -> Comparison:
    """Set two examinations side by side. Workspaces, which have their names in their ids, are paired by position."""
    ours, theirs = _keyed(left), _keyed(right)
    differences, alike = [], 0
    for key in _union(list(ours), list(theirs)):
        pair = Difference(ours.get(key), theirs.get(key))
        if _differs(pair, left.environment, right.environment):
            differences.append(pair)
        else:
            alike += 1
    known_left, known_right = _causes(left), _causes(right)
    return Comparison(
        left=Side(left.environment, left.healthy),
        right=Side(right.environment, right.healthy),
        first=differences[0] if differences else None,
        rest=tuple(differences[1:]),
        alike=alike,
        only_left=tuple(each for each in left.findings if (each.code, each.cause) not in known_right),
        only_right=tuple(each for each in right.findings if (each.code, each.cause) not in known_left),
    )


def _keyed(examination: Examination) -> dict[_Key, Check]:
    """The checks in chain order under what they have in common with those of another environment."""
    count: Counter[tuple[str, str, int]] = Counter()
    workspaces: list[str] = []
    keyed = {}
    for check in in_chain_order(examination.checks):
        layer = layer_of(check)
        what, which = _of_workspace(check.id, workspaces) if layer == _WORKSPACE else (check.id, 0)
        keyed[layer, what, which, count[layer, what, which]] = check
        count[layer, what, which] += 1
    return keyed


def _of_workspace(id_: str, known: list[str]) -> tuple[str, int]:
    """What a check is about in a workspace, and in the how many-eth; one that is not `known` yet joins."""
    for name in sorted(known, key=len, reverse=True):
        rest = id_.removeprefix(name)
        if id_ == name or (rest != id_ and _DETAIL.fullmatch(rest)):
            return rest, known.index(name)
    known.append(id_)
    return "", len(known) - 1


def _union(left: list[_Key], right: list[_Key]) -> list[_Key]:
    """All keys in chain order; what only the right has stands behind what it follows there."""
    merged, known = list(left), set(left)
    at = 0
    for key in right:
        if key in known:
            at = merged.index(key) + 1
        else:
            merged.insert(at, key)
            at += 1
    return sorted(merged, key=lambda key: _place(key[0]))


def _differs(pair: Difference, left_name: str | None, right_name: str | None) -> bool:
    if pair.left is None or pair.right is None:
        return True
    if pair.left.status != pair.right.status:
        return True
    return pair.left.status != "pass" and _general(pair.left, left_name) != _general(pair.right, right_name)


def _general(check: Check, environment: str | None) -> str:
    """A check's reason without what is its own environment's."""
    text = _GUID.sub("GUID", check.because)
    workspace = check.id.partition(".")[2] if layer_of(check) == _WORKSPACE else ""
    # With a further check's own part and without: which it is cannot be told from one id.
    names = ((workspace, "WORKSPACE"), (_DETAIL.sub("", workspace), "WORKSPACE"), (environment, "ENVIRONMENT"))
    for name, stands_for in names:
        if name:
            # Only as a word: the environment `dev` is not meant in `device`.
            text = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", stands_for, text)
    # Groups, apps and policies have names of their own on each side, and stand-ins in a recording.
    return _NAME.sub("NAME", text)


def _causes(examination: Examination) -> set[tuple[str, str]]:
    return {(each.code, each.cause) for each in examination.findings}


def _difference_json(difference: Difference) -> dict[str, Any]:
    return {
        "id": difference.check.id,
        "title": difference.check.title,
        "left": _check_json(difference.left),
        "right": _check_json(difference.right),
    }


def _check_json(check: Check | None) -> dict[str, str] | None:
    if check is None:
        return None
    return {"id": check.id, "title": check.title, "status": check.status, "because": check.because}
