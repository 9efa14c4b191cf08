"""Codes of errors that stop a command, read from `data/codes.toml`: what each means and what helps."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files


@dataclass(frozen=True)
class Code:
    """One code."""

    code: str
    title: str
    advice: str


@cache
def codes() -> dict[str, Code]:
    """Every code by itself."""
    text = files("pbisetup.catalog").joinpath("data/codes.toml").read_text(encoding="utf-8")
    return {code: Code(code, entry["title"], entry["advice"]) for code, entry in tomllib.loads(text).items()}
