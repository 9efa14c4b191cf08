"""The numbers of Entra's token service, read from `data/aadsts.tsv`, and those of this job in depth (`data/aadsts/`)."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Final

from pbisetup.catalog.findings import Entry, parsed

_WRITTEN: Final = re.compile(r"(?i)\W{0,3}(?P<letters>AAD\s?STS)?[\s:#_-]{0,3}(?P<number>\d{4,9})\W{0,3}")


@dataclass(frozen=True)
class Aadsts:
    """One number."""

    number: str
    name: str
    """Microsoft's name for it; empty where none is published."""
    oauth_error: str
    category: str
    """user, config, consent, policy, service, ..."""
    advice: str
    origin: str
    """`official`: on Microsoft's page; else seen in public."""


@cache
def numbers() -> dict[str, Aadsts]:
    """Every known number by itself, without the letters."""
    text = files("pbisetup.catalog").joinpath("data/aadsts.tsv").read_text(encoding="utf-8")
    rows = [line.split("\t") for line in text.splitlines() if line and not line.startswith("#")]
    return {row[0]: Aadsts(*row) for row in rows[1:]}


@cache
def deep(number: str) -> Entry | None:
    """What there is to say about a number of this job; None for the others.

    `cause` is the name of the finding that it leads to first.
    """
    file = files("pbisetup.catalog").joinpath(f"data/aadsts/{number}.toml")
    if not number.isdecimal() or not file.is_file():
        return None
    return parsed(f"AADSTS{number}", tomllib.loads(file.read_text(encoding="utf-8")))


@cache
def deep_entries() -> dict[str, Entry]:
    """All of them by number, in the order of the numbers."""
    folder = files("pbisetup.catalog").joinpath("data/aadsts")
    found = [file.name.removesuffix(".toml") for file in folder.iterdir() if file.name.endswith(".toml")]
    return {number: entry for number in sorted(found, key=int) if (entry := deep(number)) is not None}


def written(text: str) -> str | None:
    """The number where the text is nothing but one: `AADSTS7000215`, `aadsts-7000215`, or bare if it is known."""
    match = _WRITTEN.fullmatch(text.strip())
    if match is None:
        return None
    number = match["number"]
    return number if match["letters"] or deep(number) is not None or number in numbers() else None
