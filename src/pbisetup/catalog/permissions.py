"""The permissions that Power BI Service and Microsoft Graph publish, read from `data/permissions.tsv`.

Only a fallback for offline use and for the sandbox: against a tenant, ids are resolved from the resource's own
service principal, because they differ where Microsoft adds or retires one.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Literal

Kind = Literal["Role", "Scope"]


@dataclass(frozen=True)
class Permission:
    """One permission of a resource app."""

    resource: str
    """`powerbi` or `graph`."""
    kind: Kind
    """`Role` = application permission (app role), `Scope` = delegated permission."""
    value: str
    id: str
    admin_consent: bool | None
    """Whether an administrator must consent; None where nobody published it."""
    grade: str
    display_name: str
    """As a consent page shows it; the value itself where that is not known."""


@cache
def permissions() -> tuple[Permission, ...]:
    """Every known permission, in the order of the data file."""
    text = files("pbisetup.catalog").joinpath("data/permissions.tsv").read_text(encoding="utf-8")
    rows = [line.split("\t") for line in text.splitlines() if line and not line.startswith("#")]
    consent = {"yes": True, "no": False, "?": None}
    return tuple(
        Permission(resource, kind, value, id_, consent[admin], grade, name or value)  # type: ignore[arg-type]
        for resource, kind, value, id_, admin, grade, name in rows[1:]
    )


def permission(resource: str, kind: Kind, value: str) -> Permission | None:
    """The permission with this kind and name (case-insensitive), or None."""
    wanted = value.casefold()
    for entry in permissions():
        if entry.resource == resource and entry.kind == kind and entry.value.casefold() == wanted:
            return entry
    return None
