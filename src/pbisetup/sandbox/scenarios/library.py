"""Where scenarios are: those that come with the program, by name, and people's own, by path."""

from __future__ import annotations

import pathlib
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any, Final

from pbisetup.sandbox.scenarios.file import DEFAULT, Scenario, ScenarioError, check, near, parse

GROUPS: Final = {
    "healthy": "Healthy, one for each purpose",
    "operators": "Who the operator is and what may be done",
    "faults": "One root cause each",
    "pairs": "Two at once",
    "clouds": "Other clouds",
    "large": "Large",
}
"""The folders of the library with their headings, in the order of the list."""
DEFAULT_DESCRIPTION: Final = "Contoso as it is before anybody set anything up"


@dataclass(frozen=True)
class Listed:
    """One line of the list."""

    group: str
    name: str
    base: str | None
    description: str
    causes: tuple[str, ...]


def is_path(given: str) -> bool:
    """Whether a scenario is given as a file rather than by name."""
    return "/" in given or "\\" in given or given.lower().endswith(".toml")


def names() -> list[str]:
    """Every scenario by name, without reading any."""
    return [DEFAULT, *(name for group in GROUPS for name in sorted(_folder(group)))]


def listing() -> list[Listed]:
    """What there is, group by group. Reads every file."""
    found = [Listed(next(iter(GROUPS)), DEFAULT, None, DEFAULT_DESCRIPTION, ())]
    for group in GROUPS:
        for name, entry in sorted(_folder(group).items()):
            content = parse(entry.read_text("utf-8"), name)
            causes = tuple(content.get("causes", ()))
            found.append(Listed(group, name, content.get("base", DEFAULT), str(content.get("description", "")), causes))
    return found


def find(given: str) -> Scenario:
    """The scenario of this name, or in this file, with those that it builds on. Raises ScenarioError."""
    return _found(given, None, ())


def inline(content: Any, where: str = "scenario", depth: int = 0) -> Scenario:
    """A scenario that came as an object; its `base` is a name or another object. Raises ScenarioError."""
    checked = dict(check(content, where))
    base = checked.pop("base", None)
    if depth > 20:
        raise ScenarioError([f"{where}: the bases go too deep"])
    if isinstance(base, dict):
        return Scenario(where, checked, inline(base, f"base of {where}", depth + 1))
    if base is None or base == DEFAULT:
        return Scenario(where, checked)
    # Nobody reads a file of this machine by a request.
    return Scenario(where, checked, _named(base, f"{where}: base", ()))


def _found(given: str, beside: pathlib.Path | None, before: tuple[str, ...]) -> Scenario:
    if not is_path(given):
        return _named(given, "", before)
    path = pathlib.Path(given.replace("\\", "/") if pathlib.Path(given).drive == "" else given)
    path = (beside / path) if beside else path
    key = str(path.resolve())
    _no_cycle(key, before)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, ValueError) as error:
        raise ScenarioError([f"{given}: cannot be read: {getattr(error, 'strerror', None) or error}"]) from None
    content = dict(parse(text, str(path)))
    base = content.pop("base", DEFAULT)
    itself = Scenario(str(path), content, text=text)
    try:
        below = None if base == DEFAULT else _found(base, path.parent, (*before, key))
    except ScenarioError as error:
        raise ScenarioError([itself.at(("base",), each) for each in error.problems]) from None
    return Scenario(str(path), content, below, text)


def _named(name: str, where: str, before: tuple[str, ...]) -> Scenario:
    if name == DEFAULT:
        return Scenario(DEFAULT, {"description": DEFAULT_DESCRIPTION}, shipped=True)
    _no_cycle(name, before)
    entry = None if is_path(name) else next((f[name] for f in map(_folder, GROUPS) if name in f), None)
    if entry is None:
        said = f"no scenario {name!r}{near(name, names())}"
        raise ScenarioError([f"{where}: {said}" if where else said])
    text = entry.read_text("utf-8")
    content = dict(parse(text, name))
    base = content.pop("base", DEFAULT)
    below = None if base == DEFAULT else _named(base, name, (*before, name))
    return Scenario(name, content, below, text, shipped=True)


def _no_cycle(name: str, before: tuple[str, ...]) -> None:
    if name in before:
        raise ScenarioError([f"the bases go in a circle: {' > '.join((*before, name))}"])


def _folder(group: str) -> dict[str, Traversable]:
    folder = files("pbisetup.sandbox.scenarios").joinpath("tenants", group)
    if not folder.is_dir():
        return {}
    return {entry.name.removesuffix(".toml"): entry for entry in folder.iterdir() if entry.name.endswith(".toml")}
