"""Replication lag: what an object just made cannot do yet, operation by operation (source: entra.md 3.1).

The lag is `weather.replication_lag_seconds`; an object's age is counted from its private `_createdAt`. In the first
half no replica that answers has the object; in the second every other request meets one that has (counted in the
private `_asked`), so that one success proves nothing (entra.md 3.2: others poll for five in a row). Operations that
real clients do right after a create (addPassword, owners; clients.md 3) are not here, so they work at once.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from pbisetup.sandbox.graph.errors import GraphError
from pbisetup.sandbox.store import Object
from pbisetup.sandbox.wire import World

# operation -> (what fails in the first half of the lag, what in the second). Both answers are reported for the same
# cause; that the 404 comes first is a guess, and so is the alternation.
SYMPTOMS: Final[dict[str, tuple[str, str]]] = {
    "applications.get": ("not_found", "not_found"),
    "applications.patch": ("not_found", "not_found"),
    "service_principals.create": ("no_backing_application", "no_backing_application"),
    "service_principals.get": ("not_found", "not_found"),
    "service_principals.patch": ("not_found", "not_found"),
    "assignments.create": ("not_found", "bad_reference"),
    "grants.create": ("not_found", "reference_not_present"),
    "groups.get": ("not_found", "not_found"),
    "groups.patch": ("not_found", "not_found"),
    "members.add": ("not_found", "not_found"),
    "members.add_to_new_group": ("not_found", "group_values_invalid"),
}


def seconds(world: World) -> float:
    """How long a change takes to reach every replica."""
    return float(world.tenant.section("weather").get("replication_lag_seconds", 0))


def since(world: World, moment: object) -> float | None:
    """Seconds since a moment as `_createdAt` keeps it, or None where it keeps none."""
    if not isinstance(moment, str):
        return None
    try:
        return (world.now() - datetime.fromisoformat(moment)).total_seconds()
    except (ValueError, TypeError):
        return None


def age(world: World, item: Object) -> float | None:
    """Seconds since an object was made, or None for one that was always there."""
    return since(world, item.get("_createdAt"))


def young(world: World, item: Object) -> bool:
    """Whether an object has not reached every replica yet."""
    old, lag = age(world, item), seconds(world)
    # Without a lag not even what is from the future, where the clock was turned back.
    return old is not None and lag > 0 and old < lag


def check(world: World, operation: str, item: Object) -> None:
    """Fail as the service does when an object is too young for an operation. Raises GraphError."""
    if not young(world, item):
        return
    early, late = SYMPTOMS[operation]
    name = early
    if (age(world, item) or 0.0) >= seconds(world) / 2:
        name = late
        counts = item.setdefault("_asked", {})
        counts[operation] = int(counts.get(operation, 0)) + 1
        world.tenant.changed = True
        if counts[operation] % 2 == 0:
            return
    raise GraphError(name, id=item["id"], app_id=item.get("appId", ""))
