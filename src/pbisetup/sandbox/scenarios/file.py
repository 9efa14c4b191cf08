"""A scenario as a file says it, and where in the file each thing stands."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from typing import Any, Final

Object = dict[str, Any]
Path = tuple[str, ...]

DEFAULT: Final = "default"
"""The tenant that scenarios without a `base` differ from."""
ABOUT: Final = ("description", "base", "causes")
WORDS: Final = ("caller", "new", "many", "add", "remove")
"""What a scenario may say beside the parts of the state that it changes."""


class ScenarioError(Exception):
    """A scenario cannot be used; `problems` are all its mistakes, each with file and line where that is known."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = list(problems)
        super().__init__("\n".join(self.problems))


@dataclass(frozen=True)
class Scenario:
    """One scenario and, by `base`, those it builds on."""

    where: str
    """What messages call it: a name, or a file."""
    content: Object
    base: Scenario | None = None
    text: str = field(default="", repr=False)
    """The file, comments and all; empty where it came over HTTP."""
    shipped: bool = False
    """It comes with the program, whose tests have checked the tenant it makes."""

    @property
    def description(self) -> str:
        return str(self.content.get("description", ""))

    @property
    def causes(self) -> tuple[str, ...]:
        """Slugs of the root causes that are in this tenant."""
        return tuple(self.content.get("causes", ()))

    def chain(self) -> list[Scenario]:
        """The scenarios in the order in which they are applied; this one is the last."""
        return [*(self.base.chain() if self.base else ()), self]

    def inline(self) -> Object:
        """The whole as one JSON object, as `POST /_sandbox/reset` takes it."""
        content: Object = _json(self.content)
        if self.base is not None:
            content["base"] = self.base.inline()
        return content

    def at(self, path: Path, message: str) -> str:
        """A problem in words, with the line of what it is about where there is one."""
        line = self.line(path)
        return f"{self.where}:{line}: {message}" if line else f"{self.where}: {message}"

    def line(self, path: Path) -> int | None:
        """The line of the file that says this, as far as there is a file."""
        return line_of(self.text, path) if self.text else None


def parse(text: str, where: str) -> Object:
    """The content of a scenario file. Raises ScenarioError."""
    try:
        return check(tomllib.loads(text), where, text)
    except tomllib.TOMLDecodeError as error:
        words, _, place = str(error).partition(" (at line ")
        line = place.partition(",")[0]
        raise ScenarioError([f"{where}:{line}: {words}" if line else f"{where}: {words}"]) from None


def check(content: Any, where: str, text: str = "") -> Object:
    """The content, where what it says of itself has the right form. Raises ScenarioError."""
    if not isinstance(content, dict):
        raise ScenarioError([f"{where}: a scenario is a table"])
    itself = Scenario(where, content, text=text)
    found = []
    for name in ("description", "base"):
        if not isinstance(content.get(name, ""), str) and not (name == "base" and isinstance(content[name], dict)):
            found.append(itself.at((name,), f"{name} must be a text"))
    causes = content.get("causes", [])
    if not isinstance(causes, list) or not all(isinstance(each, str) for each in causes):
        found.append(itself.at(("causes",), "causes must be a list of texts"))
    found += [
        itself.at((name,), f"{name} must be a table")
        for name in WORDS
        if name in content and not isinstance(content[name], dict)
    ]
    if found:
        raise ScenarioError(found)
    return content


def near(given: str, known: Iterable[str]) -> str:
    """`; nearest: NAME` for a message, or nothing where no name is near."""
    names = {name.lower(): name for name in known}
    found = difflib.get_close_matches(given.lower(), names, n=1, cutoff=0.5)
    return f"; nearest: {names[found[0]]}" if found else ""


def plain(value: Any) -> Any:
    """A TOML value as JSON has it: times as texts."""
    if isinstance(value, datetime):
        moment = value if value.tzinfo else value.replace(tzinfo=UTC)
        return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return value.isoformat() if isinstance(value, date | time) else value


def _json(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _json(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_json(each) for each in value]
    return plain(value)


def line_of(text: str, path: Path) -> int | None:
    """The line that says this, or else the nearest thing around it. Only asked when something is wrong."""
    known: dict[Path, int] = {}
    table: Path = ()
    for number, line in enumerate(text.splitlines(), 1):
        stripped = line.strip()
        if stripped.startswith("["):
            table = _keys(stripped.partition("#")[0].strip().strip("[]") + " = 1")
            known.setdefault(table, number)
        elif "=" in stripped and not stripped.startswith("#"):
            key = _key(stripped)
            for length in range(1, len(key) + 1):
                known.setdefault((*table, *key[:length]), number)
    wanted = tuple(part.lower() for part in path)
    lower = {tuple(part.lower() for part in found): number for found, number in known.items()}
    for length in range(len(wanted), 0, -1):
        if wanted[:length] in lower:
            return lower[wanted[:length]]
    return None


def _key(line: str) -> Path:
    """The key of a line `key = value`; the value may go on in the next one, and a quoted key may hold `=`."""
    before = ""
    for part in line.split("=")[:-1]:
        before += part
        if keys := _keys(before + " = 1"):
            return keys
        before += "="
    return ()


def _keys(line: str) -> Path:
    try:
        value: Any = tomllib.loads(line)
    except tomllib.TOMLDecodeError:
        return ()
    found: list[str] = []
    while isinstance(value, dict) and len(value) == 1:
        name, value = next(iter(value.items()))
        found.append(name)
    return tuple(found)
