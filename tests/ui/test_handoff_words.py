"""What is said of a hand-off beside its tasks."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from pbisetup.model.plan import Step
from pbisetup.planning.handoff import Handoff
from pbisetup.ui.handoff_words import all_is_well, nobody_asked, what_else

MINE = Step("mine", "add", "App", "why")
LATER = Step("later", "add", "Setting \x1b[31m", "why", who=("fabric administrator",), allowed=None, deferred=True)
LEFT = Step("left", "leave", "Setting", "a group is excluded", warning="the API refuses", blocks=True)
NOTHING = Handoff("dev", (), (), {})
FABRIC: tuple[Any, ...] = (("fabric administrator",), ("app owner", "groups administrator"))


@pytest.mark.parametrize(
    ("handed", "lines"),
    [
        (NOTHING, []),
        (replace(NOTHING, yours=(MINE,)), ["dev: 1 change is yours: pbisetup apply dev"]),
        (replace(NOTHING, yours=(MINE, MINE)), ["dev: 2 changes are yours: pbisetup apply dev"]),
        (
            replace(NOTHING, role="workspace admin", asked=FABRIC),
            [
                "dev: nothing is asked of the workspace admin; asked are: "
                "fabric administrator; app owner or groups administrator."
            ],
        ),
        (
            replace(NOTHING, yours=(MINE,), undecided=(LATER,)),
            [
                "dev: 1 change is yours first: pbisetup apply dev. Only then it shows whether somebody else is needed for: "
                "Setting \\x1b[31m (fabric administrator)."
            ],
        ),
        (
            replace(NOTHING, in_the_way=(LEFT,)),
            ["dev: Left alone, and in the way:", "- Setting: a group is excluded; the API refuses"],
        ),
    ],
)
def test_what_is_said(handed: Handoff, lines: list[str]) -> None:
    assert [*nobody_asked(handed), *what_else(handed)] == lines
    assert all_is_well(handed) is not any((handed.asked, handed.undecided, handed.in_the_way))


def test_without_changes_of_your_own_only_the_token_is_missing() -> None:
    [line] = what_else(replace(NOTHING, undecided=(LATER,)))
    assert line.startswith("dev: only a token of the app's shows whether somebody else is needed for: Setting")
