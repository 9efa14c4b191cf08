"""How long services usually take to act on a change, read from `data/waits.toml`."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files


@dataclass(frozen=True)
class Wait:
    """What is waited for while a cause stands, and how long that usually takes, in words."""

    what: str
    usual: str


@cache
def waits() -> dict[str, Wait]:
    """By the cause that stands until then; of other causes nothing is known to pass by itself."""
    text = files("pbisetup.catalog").joinpath("data/waits.toml").read_text(encoding="utf-8")
    return {cause: Wait(row["what"], row["usual"]) for cause, row in tomllib.loads(text).items()}
