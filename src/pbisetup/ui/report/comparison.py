"""The text of `doctor --compare`: where two environments first differ, side by side, then everything else that differs."""

from __future__ import annotations

from collections.abc import Sequence

from pbisetup.diagnosis.compare import Comparison, Difference, Side
from pbisetup.model.finding import Check, Finding
from pbisetup.ui.progress import MARK_STYLES, MARKS, Line, hanging, paragraph
from pbisetup.ui.terminal import visible


def comparison_lines(comparison: Comparison, left_name: str, right_name: str, width: int) -> list[Line]:
    """The whole comparison; lines, signs and names as `chain_lines` has them. Its last line says how each side is."""
    names = (visible(left_name), visible(right_name))
    lines: list[Line] = []
    if comparison.first is None:
        lines += paragraph(f"{names[0]} and {names[1]}: no link of the chain differs.", width, "", "bold")
    else:
        title = f"{names[0]} and {names[1]} differ first at: {_title(comparison.first)}"
        lines += [*paragraph(title, width, "", "bold"), *_sides(comparison.first, names, width)]
    lines += _rest(comparison.rest, names, width)
    lines += _found(comparison.only_left, names[0], width)
    lines += _found(comparison.only_right, names[1], width)
    alike = f"{comparison.alike} {'link is' if comparison.alike == 1 else 'links are'} alike."
    health = (f"{name} is {'healthy' if side.healthy else 'not healthy'}" for name, side in _both(comparison, names))
    return [*lines, ("", None), (alike, None), *paragraph(f"{', '.join(health)}.", width, "", "bold")]


def _both(comparison: Comparison, names: tuple[str, str]) -> list[tuple[str, Side]]:
    return [(names[0], comparison.left), (names[1], comparison.right)]


def _rest(rest: Sequence[Difference], names: tuple[str, str], width: int) -> list[Line]:
    """What differs in itself with both sides; what one side did not look at in a line for each side."""
    lines: list[Line] = []
    own = [each for each in rest if not each.follows]
    if own:
        lines += [("", None), ("Also different:", "bold")]
    for each in own:
        lines += [*paragraph(_title(each), width, "  "), *_sides(each, names, width)]
    for number, name in enumerate(names):
        missed = [each for each in rest if each.follows and _unseen((each.left, each.right)[number])]
        if missed:
            text = f"{name} was not examined for: {', '.join(map(_title, missed))}"
            lines += [("", None), *hanging("  ", text, width, "dim")]
    return lines


def _unseen(check: Check | None) -> bool:
    return check is None or check.status == "skip"


def _title(difference: Difference) -> str:
    titles = dict.fromkeys(visible(each.title) for each in (difference.left, difference.right) if each)
    return f"{' / '.join(titles)} ({visible(difference.check.id)})"


def _sides(difference: Difference, names: tuple[str, str], width: int) -> list[Line]:
    lines: list[Line] = []
    for name, check in zip(names, (difference.left, difference.right), strict=True):
        if check is None:
            lines += hanging("    - ", f"{name}: has no such check", width, "dim")
        else:
            text = f"{name}: {visible(check.because) or check.status}"
            lines += hanging(f"    {MARKS[check.status]} ", text, width, MARK_STYLES[check.status])
    return lines


def _found(findings: tuple[Finding, ...], name: str, width: int) -> list[Line]:
    lines: list[Line] = [("", None), *paragraph(f"Found in {name} only:", width, "", "bold")] if findings else []
    for each in findings:
        lines += hanging("  ", visible(f"{each.code} {each.title} ({each.certainty})"), width)
    return lines
