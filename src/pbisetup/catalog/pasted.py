"""What gives a situation away in a pasted text: known error codes, telling sentences, tools. Read from `data/pasted/`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

Row = tuple[str, re.Pattern[str]]


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


@cache
def known_codes() -> tuple[str, ...]:
    """Error codes that are recognised wherever they stand, the longest first."""
    return tuple(sorted((row[0] for row in _rows("codes")), key=len, reverse=True))


@cache
def sentences() -> tuple[Row, ...]:
    """Sentences that only one situation, or a few, produces: (name, pattern)."""
    return tuple((row[0], re.compile(row[1], re.IGNORECASE)) for row in _rows("sentences"))


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


def _rows(name: str) -> list[list[str]]:
    text = files("pbisetup.catalog").joinpath(f"data/pasted/{name}.tsv").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [line.split("\t") for line in lines[1:]]
