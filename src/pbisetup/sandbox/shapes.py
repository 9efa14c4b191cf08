"""Shapes of JSON as plain data, and what of a value does not fit one, in words."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any, Final

# A shape is a name of KINDS, with `?` also null; a Number, OneOf, Named or Maybe; a list of one shape; or an object of
# shapes, whose keys are optional but for those that end in `!`. Keys that are not named may hold anything.
Shape = Any

KINDS: Final = {
    "text": "a text",
    "flag": "true or false",
    "number": "a number",
    "guid": "a GUID",
    "time": "a time such as 2027-01-31T00:00:00Z",
    "object": "an object",
    "any": "anything",
}
LARGEST: Final = 10**11
"""No number of a state is larger: as seconds, it is the year 5138."""


@dataclass(frozen=True)
class Number:
    """A number in a range; `whole`: without a fraction."""

    least: float
    most: float
    unit: str = ""
    whole: bool = False
    null: bool = False


@dataclass(frozen=True)
class OneOf:
    values: tuple[str, ...]
    null: bool = False


@dataclass(frozen=True)
class Named:
    """An object whose values all have one shape, whatever their names."""

    shape: Shape


@dataclass(frozen=True)
class Maybe:
    """The shape, or null."""

    shape: Shape


_GUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
MOMENT: Final = Number(0, LARGEST, "seconds since 1970")


def misfits(where: str, value: Any, shape: Shape) -> list[str]:
    """Everything in a value that does not fit; `where` is what the messages call it."""
    if isinstance(shape, Maybe):
        return [] if value is None else misfits(where, value, shape.shape)
    if isinstance(shape, str | Number | OneOf):
        said = _plain(value, shape)
        return [f"{where} must be {said}"] if said else []
    if isinstance(shape, list):
        if not isinstance(value, list):
            return [f"{where} must be a list"]
        return [each for index, one in enumerate(value) for each in misfits(f"{where}[{index}]", one, shape[0])]
    if not isinstance(value, dict):
        return [f"{where} must be an object"]
    if isinstance(shape, Named):
        return [each for name, one in value.items() for each in misfits(f"{where}.{name}", one, shape.shape)]
    found = []
    for key, inner in shape.items():
        name = key.rstrip("!")
        if name in value:
            found += misfits(f"{where}.{name}", value[name], inner)
        elif key.endswith("!"):
            found.append(f"{where} must have {name}")
    return found


def strangers(where: str, value: Any, shape: Shape) -> list[str]:
    """Keys that a shape does not name and that are nearly one it does: slips of the pen, it seems. The value must fit."""
    if isinstance(shape, Maybe):
        return [] if value is None else strangers(where, value, shape.shape)
    if isinstance(shape, Named):
        return [each for name, one in value.items() for each in strangers(f"{where}.{name}", one, shape.shape)]
    if isinstance(shape, list):
        return [each for index, one in enumerate(value) for each in strangers(f"{where}[{index}]", one, shape[0])]
    if not isinstance(shape, dict):
        return []
    names = {key.rstrip("!"): inner for key, inner in shape.items()}
    found = []
    for key in value:
        if key in names:
            found += strangers(f"{where}.{key}", value[key], names[key])
        elif near := _alike(key, frozenset(names)):
            found.append(f"{where} has {key!r}, which nothing reads; nearest: {near}")
    return found


@cache
def _alike(given: str, known: frozenset[str]) -> str:
    import difflib

    lower = {name.lower(): name for name in known}
    found = difflib.get_close_matches(given.lower(), lower, n=1, cutoff=0.85)
    return lower[found[0]] if found else ""


def is_number(value: Any) -> bool:
    """Whether it is a number that can be reckoned with: JSON's own, and also NaN, may not be."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= LARGEST


def is_time(value: Any) -> bool:
    """Whether it is a time with its zone."""
    try:
        moment = datetime.fromisoformat(value)
        return moment.tzinfo is not None and bool(moment.astimezone(UTC))
    except (ValueError, TypeError, OverflowError):
        return False


def nearest(given: str, known: Iterable[str]) -> str:
    """`; nearest: NAME` for a message, or nothing where no name is near."""
    import difflib  # only when something is wrong

    names = {name.lower(): name for name in known}
    found = difflib.get_close_matches(given.lower(), names, n=1, cutoff=0.5)
    return f"; nearest: {names[found[0]]}" if found else ""


def _plain(value: Any, shape: str | Number | OneOf) -> str:
    """What it must be, where it is not; else nothing."""
    if isinstance(shape, OneOf):
        if (value is None and shape.null) or (isinstance(value, str) and value in shape.values):
            return ""
        near = nearest(value, shape.values) if isinstance(value, str) else ""
        return f"one of {', '.join(shape.values)}{' or null' if shape.null else ''}{near}"
    if isinstance(shape, Number):
        right = is_number(value) and shape.least <= value <= shape.most and not (shape.whole and value != int(value))
        if right or (value is None and shape.null):
            return ""
        kind = "a whole number" if shape.whole else "a number"
        return f"{kind}{f' of {shape.unit}' if shape.unit else ''} from {shape.least:g} to {shape.most:g}"
    kind = shape.rstrip("?")
    if (value is None and shape != kind) or _FITS[kind](value):
        return ""
    return KINDS[kind] + (" or null" if shape != kind else "")


def is_guid(value: Any) -> bool:
    """Whether it is an id as the directory writes them."""
    return isinstance(value, str) and _GUID.fullmatch(value) is not None


_FITS: Final[dict[str, Callable[[Any], bool]]] = {
    "text": lambda value: isinstance(value, str),
    "flag": lambda value: isinstance(value, bool),
    "number": is_number,
    "guid": is_guid,
    "time": is_time,
    "object": lambda value: isinstance(value, dict),
    "any": lambda _: True,
}
