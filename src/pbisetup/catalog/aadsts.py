"""The numbers of Entra's token service, read from `data/aadsts.tsv`, and those of this job in depth (`data/aadsts/`)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files


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
