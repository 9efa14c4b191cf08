"""The purposes an app can be set up for, read from `data/purposes.toml`."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from pbisetup.model.tenant import WORKSPACE_ROLES, WorkspaceRole

PROFILES_GROUP = "profiles"
"""The group for the setting about profiles of service principals, which belongs to no purpose alone."""


@dataclass(frozen=True)
class Purpose:
    """What an app is for."""

    name: str
    title: str
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
    against: Mapping[str, str]
    """Purpose that one app cannot have together with this one -> why."""
    capacity: str | None
    """Why its workspaces belong on a capacity; None where they need none."""


@cache
def purposes() -> dict[str, Purpose]:
    """Every purpose by name."""
    text = files("pbisetup.catalog").joinpath("data/purposes.toml").read_text(encoding="utf-8")
    return {
        name: Purpose(
            name=name,
            title=entry["title"],
            sign_in=entry["sign_in"],
            delegated=tuple(entry["delegated"]),
            settings=entry["settings"],
            probes=tuple(entry["probes"]),
            calls=tuple(entry.get("calls", ())),
            role=entry["role"],
            app_roles=frozenset(entry.get("app_roles", ())),
            why_permissions=entry["why_permissions"],
            against=entry.get("against", {}),
            capacity=entry.get("capacity"),
        )
        for name, entry in tomllib.loads(text).items()
    }


def contradictions(chosen: Iterable[str]) -> list[str]:
    """A sentence for each pair of purposes that one app cannot serve."""
    names = list(dict.fromkeys(name for name in chosen if name in purposes()))
    return [
        f"{name} and {other} do not go together in one app: {why}; use an environment, and so an app, for each"
        for name in names
        for other, why in purposes()[name].against.items()
        if other in names
    ]


def least_role(chosen: Iterable[str]) -> WorkspaceRole:
    """The least workspace role that serves all of these purposes."""
    roles = [purposes()[name].role for name in chosen if name in purposes()]
    return min(roles, key=WORKSPACE_ROLES.index, default="Viewer")


@cache
def group_kinds() -> tuple[str, ...]:
    """What a group named in a tenant setting can be for: the keys of `groups` in a manifest."""
    named = [kind for each in purposes().values() for kind in each.settings.values()]
    return tuple(dict.fromkeys(("api", *named, PROFILES_GROUP)))
