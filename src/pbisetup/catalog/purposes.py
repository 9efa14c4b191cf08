"""The purposes an app can be set up for, read from `data/purposes.toml`."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from pbisetup.model.tenant import WorkspaceRole


@dataclass(frozen=True)
class Purpose:
    """What an app is for."""

    name: str
    title: str
    sign_in: str
    """`app`: the service principal itself calls; `user`: people sign in to it."""
    delegated: tuple[str, ...]
    settings: tuple[str, ...]
    role: WorkspaceRole
    why_permissions: str


@cache
def purposes() -> dict[str, Purpose]:
    """Every purpose this version can set up, by name."""
    text = files("pbisetup.catalog").joinpath("data/purposes.toml").read_text(encoding="utf-8")
    return {
        name: Purpose(
            name=name,
            title=entry["title"],
            sign_in=entry["sign_in"],
            delegated=tuple(entry["delegated"]),
            settings=tuple(entry["settings"]),
            role=entry["role"],
            why_permissions=entry["why_permissions"],
        )
        for name, entry in tomllib.loads(text).items()
    }
