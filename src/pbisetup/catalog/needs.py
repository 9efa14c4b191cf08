"""What a documented call needs beside being let in, read from `data/needs.toml`."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from pbisetup.catalog.findings import Grade
from pbisetup.model.tenant import WorkspaceRole

PROFILES = "AllowServicePrincipalsCreateAndUseProfiles"
"""The setting that lets a service principal make and use profiles (powerbi.md 1.2)."""


@dataclass(frozen=True)
class Need:
    """One row: for which calls, and what they need."""

    method: re.Pattern[str]
    path: re.Pattern[str]
    unless: re.Pattern[str] | None
    settings: tuple[str, ...]
    role: WorkspaceRole | None
    capacity: bool
    grade: Grade
    source: str


@cache
def needs() -> tuple[Need, ...]:
    """Every row, the more telling first."""
    text = files("pbisetup.catalog").joinpath("data/needs.toml").read_text(encoding="utf-8")
    return tuple(
        Need(
            method=re.compile(row["method"]),
            path=re.compile(row["path"], re.IGNORECASE),
            unless=re.compile(row["unless"], re.IGNORECASE) if "unless" in row else None,
            settings=tuple(row.get("settings", ())),
            role=row.get("role"),
            capacity=row.get("capacity", False),
            grade=row["grade"],
            source=row["source"],
        )
        for row in tomllib.loads(text)["calls"]
    )


def needs_of(method: str, path: str) -> tuple[Need, ...]:
    """The rows that a call fits."""
    bare = path.partition("?")[0].rstrip("/")
    return tuple(
        row
        for row in needs()
        if row.method.fullmatch(method.upper())
        and row.path.fullmatch(bare)
        and not (row.unless and row.unless.fullmatch(bare))
    )


def settings_of(method: str, path: str, *, profile: bool = False) -> list[str]:
    """Names of the tenant settings that must let the caller in, beside the one for the public APIs."""
    found = [name for row in needs_of(method, path) for name in row.settings]
    return [*found, PROFILES] if profile or "/profiles" in path.lower() else found


def role_of(method: str, path: str) -> Need | None:
    """The row with the least workspace role that a call needs, or None where it is about no workspace."""
    return next((row for row in needs_of(method, path) if row.role), None)


def runs_on_capacity(method: str, path: str) -> bool:
    """Whether it is refused while the workspace's capacity is paused."""
    return any(row.capacity for row in needs_of(method, path))
