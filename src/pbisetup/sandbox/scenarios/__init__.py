"""Scenarios: named tenants, each a small TOML file that says what differs from another one (docs/scenarios.md).

`find` reads a file with those it is based on, `built` makes the state, `listing` says what there is. All problems of
a scenario come at once, in a ScenarioError.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pbisetup.sandbox.scenarios.file import DEFAULT, Scenario, ScenarioError
from pbisetup.sandbox.scenarios.library import Listed, find, inline, is_path, listing, names

if TYPE_CHECKING:
    from pbisetup.sandbox.identity import Identity
    from pbisetup.sandbox.store import Object

__all__ = [
    "DEFAULT", "Listed", "Scenario", "ScenarioError", "built", "doubts", "find", "inline", "is_path", "listing", "names",
]  # fmt: skip


def built(scenario: Scenario, identity: Identity, state: Object) -> Object:
    """The state of a tenant in this scenario; `state` is that of the default one, and is changed. Raises ScenarioError."""
    from pbisetup.sandbox.scenarios.build import build

    return build(scenario, identity, state)


def doubts(scenario: Scenario, state: Object) -> list[str]:
    """What of the state that a scenario made is hardly meant, in words; nothing of the scenarios that come with the program,
    where it is.
    """
    from pbisetup.sandbox.scenarios import build

    return build.doubts(scenario, state)
