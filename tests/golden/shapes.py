"""Shapes: what a published answer looks like, without its text.

A shape is JSON. A text names a kind (`guid`, `datetime`, ...; with `?` also null), a literal (`=text`) or a regular
expression (`~regex`); a number or a boolean is a literal; `[]` is the empty list, `[shape]` a list of at least one
such value, `[shape, "*"]` of any number; `{"$some": shape}` a list that holds at least one such value, and
`{"$same": [...]}` one of exactly these texts in any order. An object has exactly these keys; a key ending in `?` may
be absent, and `$open` (with the reason) lets others be there.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

GUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
TEXTS = {
    "guid": GUID,
    "datetime": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ",
    # With seven decimals, as an object shows it in the answer that created it.
    "datetime7": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{7}Z",
    # Of either precision.
    "moment": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z",
    "zoneless": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d",
    "timestamp": r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ",
    "jwt": r"[\w-]+\.[\w-]+\.[\w-]+",
    "base64url": r"[\w-]+",
    "number-text": r"\d+",
    "string": r"(?s).*",
}
"""Kinds of text."""
KINDS: dict[str, type | tuple[type, ...]] = {"int": int, "number": (int, float), "bool": bool, "object": dict}


class Difference(NamedTuple):
    """One place where an answer is not of its shape."""

    at: str
    """`status`, `headers.<name>` or `body...`, with `[]` for every element of a list."""
    what: str

    def __str__(self) -> str:
        return f"{self.at}: {self.what}"


def differences(shape: Any, value: Any, at: str = "body") -> list[Difference]:
    """Where a value is not of a shape; the same place is told once."""
    found: dict[str, Difference] = {}
    for each in _walk(shape, value, at):
        found.setdefault(each.at, each)
    return list(found.values())


def _walk(shape: Any, value: Any, at: str) -> list[Difference]:
    if isinstance(shape, dict):
        return _in_object(shape, value, at)
    if isinstance(shape, list):
        return _in_list(shape, value, at)
    if isinstance(shape, str):
        wrong = _text(shape, value)
        return [Difference(at, wrong)] if wrong else []
    same = type(shape) is type(value) and shape == value
    return [] if same else [Difference(at, f"{_short(value)} is not {shape!r}")]


def _in_object(shape: dict[str, Any], value: Any, at: str) -> list[Difference]:
    if "$some" in shape or "$same" in shape:
        return _members(shape, value, at)
    if not isinstance(value, dict):
        return [Difference(at, f"{_short(value)} is not an object")]
    expected = {key.removesuffix("?"): key for key in shape if key != "$open"}
    found: list[Difference] = []
    for name, key in expected.items():
        if name in value:
            found += _walk(shape[key], value[name], f"{at}.{name}")
        elif not key.endswith("?"):
            found.append(Difference(f"{at}.{name}", "is missing"))
    if "$open" not in shape:
        found += [Difference(f"{at}.{name}", "only the sandbox has it") for name in value if name not in expected]
    return found


def _in_list(shape: list[Any], value: Any, at: str) -> list[Difference]:
    if not isinstance(value, list):
        return [Difference(at, f"{_short(value)} is not a list")]
    if not shape:
        return [Difference(at, "is not empty")] if value else []
    if not value and shape[1:] != ["*"]:
        return [Difference(at, "is empty")]
    return [each for item in value for each in _walk(shape[0], item, f"{at}[]")]


def _members(shape: dict[str, Any], value: Any, at: str) -> list[Difference]:
    if not isinstance(value, list):
        return [Difference(at, f"{_short(value)} is not a list")]
    if "$same" in shape:
        same = sorted(map(str, value)) == sorted(shape["$same"])
        return [] if same else [Difference(at, f"{_short(value)} is not {shape['$same']}")]
    tries = [_walk(shape["$some"], item, f"{at}[]") for item in value]
    if not tries:
        return [Difference(at, "is empty")]
    return [] if any(not each for each in tries) else min(tries, key=len)


def _text(shape: str, value: Any) -> str | None:
    if shape == "any":
        return None
    if shape == "null":
        return None if value is None else f"{_short(value)} is not null"
    if shape.startswith("="):
        return None if value == shape[1:] else f"{_short(value)} is not {shape[1:]!r}"
    if shape.startswith("~"):
        matches = isinstance(value, str) and re.fullmatch(shape[1:], value)
        return None if matches else f"{_short(value)} does not match {shape[1:]}"
    kind = shape.removesuffix("?")
    if value is None and shape.endswith("?"):
        return None
    if kind in TEXTS:
        right = isinstance(value, str) and re.fullmatch(TEXTS[kind], value) is not None
    else:
        # A boolean is an int in Python, not in JSON.
        right = isinstance(value, KINDS[kind]) and (kind == "bool" or not isinstance(value, bool))
    return None if right else f"{_short(value)} is no {kind}"


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 160 else text[:160] + "..."
