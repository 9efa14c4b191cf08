"""The purposes an app can be set up for, read from `data/purposes.toml`."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from pbisetup.model.tenant import WorkspaceRole


@dataclass(frozen=True)
class Purpose:
    """What an app is for."""

    name: str
    title: str
    planned: bool
    """Whether `init`, `plan` and `apply` set it up; the doctor examines every purpose."""
    sign_in: str
    """`app`: the service principal itself calls; `user`: people sign in to it."""
    delegated: tuple[str, ...]
    settings: Mapping[str, str]
    """Tenant setting that must let the service principal in -> which group of a manifest stands for it."""
    probes: tuple[str, ...]
    """Calls that must be answered 2xx, each `powerbi GET /v1.0/myorg/groups`: the API, method and path."""
    calls: tuple[str, ...]
    """What the purpose does besides, `POST /v1.0/myorg/GenerateToken`: judged by what is known, not sent."""
    role: WorkspaceRole
    app_roles: frozenset[str]
    """Application permissions of Power BI that it needs."""
    why_permissions: str


@cache
def purposes() -> dict[str, Purpose]:
    """Every purpose by name."""
    text = files("pbisetup.catalog").joinpath("data/purposes.toml").read_text(encoding="utf-8")
    return {
        name: Purpose(
            name=name,
            title=entry["title"],
            planned=entry["planned"],
            sign_in=entry["sign_in"],
            delegated=tuple(entry["delegated"]),
            settings=entry["settings"],
            probes=tuple(entry["probes"]),
            calls=tuple(entry.get("calls", ())),
            role=entry["role"],
            app_roles=frozenset(entry.get("app_roles", ())),
            why_permissions=entry["why_permissions"],
        )
        for name, entry in tomllib.loads(text).items()
    }


def planned_purposes() -> dict[str, Purpose]:
    """Those that `init`, `plan` and `apply` set up."""
    return {name: each for name, each in purposes().items() if each.planned}
