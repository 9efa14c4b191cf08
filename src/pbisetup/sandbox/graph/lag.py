"""Replication lag: what an object just made cannot do yet, operation by operation (source: entra.md 3.1).

The lag is `weather.replication_lag_seconds`; an object's age is counted from its private `_createdAt`.
Operations that
real clients do right after a create (addPassword, owners; clients.md 3) are not here, so they work at once.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from pbisetup.sandbox.graph.errors import GraphError
from pbisetup.sandbox.store import Object
from pbisetup.sandbox.wire import World

# operation -> (what fails in the first half of the lag, what in the second). Both answers are reported for
# the same
# cause; that the 404 comes first is a guess.
SYMPTOMS: Final[dict[str, tuple[str, str]]] = {
    "applications.get": ("not_found", "not_found"),
    "applications.patch": ("not_found", "not_found"),
    "service_principals.create": ("no_backing_application", "no_backing_application"),
    "assignments.create": ("not_found", "bad_reference"),
    "grants.create": ("not_found", "reference_not_present"),
    "groups.get": ("not_found", "not_found"),
    "members.add": ("not_found", "not_found"),
    "members.add_to_new_group": ("not_found", "group_values_invalid"),
}


def age(world: World, item: Object) -> float | None:
    """Seconds since an object was made, or None for one that was always there."""
    born = item.get("_createdAt")
    if not isinstance(born, str):
        return None
    try:
        return (world.now() - datetime.fromisoformat(born)).total_seconds()
    except (ValueError, TypeError):
        return None


def young(world: World, item: Object) -> bool:
    """Whether an object has not reached every replica yet."""
    lag = float(world.tenant.section("weather").get("replication_lag_seconds", 0))
    seconds = age(world, item)
    return seconds is not None and seconds < lag


def check(world: World, operation: str, item: Object) -> None:
    """Fail as the service does when an object is too young for an operation. Raises GraphError."""
    if not young(world, item):
        return
    lag = float(world.tenant.section("weather")["replication_lag_seconds"])
    early, late = SYMPTOMS[operation]
    name = early if (age(world, item) or 0.0) < lag / 2 else late
    raise GraphError(name, id=item["id"], app_id=item.get("appId", ""))
