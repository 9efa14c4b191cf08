"""What gives a situation away in a pasted text: known error codes, telling sentences, tools, commands, and how to get
the fact that decides between causes. Read from `data/pasted/`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from pbisetup.model.finding import Certainty

Row = tuple[str, re.Pattern[str]]


@dataclass(frozen=True)
class Code:
    """An error code of a service."""

    name: str
    cause: str
    """Name of the finding that the code alone speaks for; empty where other signs decide."""
    certainty: Certainty
    question: str
    weight: int


@dataclass(frozen=True)
class Tool:
    """A program whose traces are in a text, and what it is known to leave out."""

    name: str
    title: str
    pattern: re.Pattern[str]
    hides: str
    """What it does not show of a failed request; empty where it shows all."""
    look: str
    """How to see that."""


@dataclass(frozen=True)
class Command:
    """A command that stands for a request."""

    pattern: re.Pattern[str]
    place: str
    """own, workspace, organization, any: what the command's arguments name; text: found anywhere."""
    method: str
    path: str


@dataclass(frozen=True)
class Decider:
    """How to get the fact that decides."""

    text: str
    command: str


@cache
def known_codes() -> tuple[Code, ...]:
    """Error codes that are recognised wherever they stand."""
    return tuple(
        Code(name, cause, certainty or "possible", question, int(weight or 0))  # type: ignore[arg-type]
        for name, cause, certainty, question, weight in _rows("codes")
    )


@cache
def code_names() -> tuple[str, ...]:
    """Their names, the longest first."""
    return tuple(sorted((code.name for code in known_codes()), key=len, reverse=True))


@cache
def sentences() -> tuple[Row, ...]:
    """Sentences that only one situation, or a few, produces: (name, pattern)."""
    return tuple((name, re.compile(pattern, re.IGNORECASE)) for name, pattern in _rows("sentences"))


@cache
def known_tools() -> tuple[Tool, ...]:
    """The tools, most specific first."""
    return tuple(
        Tool(name, title, re.compile(pattern, re.IGNORECASE), hides, look)
        for name, title, pattern, hides, look in _rows("tools")
    )


@cache
def tools() -> tuple[Row, ...]:
    """(name, pattern) of the tools."""
    return tuple((tool.name, tool.pattern) for tool in known_tools())


@cache
def known_commands() -> tuple[Command, ...]:
    """The commands."""
    return tuple(
        Command(re.compile(pattern, re.IGNORECASE), place, method, path)
        for pattern, place, method, path in _rows("commands")
    )


@cache
def deciders() -> dict[str, Decider]:
    """By the name of the finding: what to run to know whether it is that one."""
    return {name: Decider(text, command) for name, text, command in _rows("deciders")}


def _rows(name: str) -> list[list[str]]:
    text = files("pbisetup.catalog").joinpath(f"data/pasted/{name}.tsv").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [line.split("\t") for line in lines[1:]]
