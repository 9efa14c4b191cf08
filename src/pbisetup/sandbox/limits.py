"""Rate limits on the tenant's clock: how many calls of one kind a caller has made lately, kept in the
state.
"""

from __future__ import annotations

import math

from pbisetup.catalog.operations import Operation
from pbisetup.sandbox.wire import World


def take(world: World, name: str, caller_id: str, most: int, seconds: int = 60) -> int | None:
    """Count one call; when it is one too many, the seconds after which the next may come, and it is not
    counted.
    """
    section = world.tenant.section("rates")
    now = world.now().timestamp()
    calls = section.setdefault(name, {})
    recent = [moment for moment in calls.get(caller_id, []) if moment > now - seconds]
    calls[caller_id] = recent
    if len(recent) >= most:
        return max(1, math.ceil(float(recent[0]) + seconds - now))
    recent.append(now)
    return None


def limit(world: World, name: str, default: int) -> int:
    """The limit as the state has it (`limits`), else the published one."""
    value = world.tenant.section("limits").get(name, default)
    return value if isinstance(value, int) else default


def take_all(world: World, operation: Operation, caller_id: str) -> int | None:
    """Count one call of an operation against each of its limits; the seconds to wait where one is used up.

    `limits` in the state sets another number by operation id.
    """
    waits = []
    for rate in operation.rates:
        per = world.tenant.id if rate.per == "tenant" else caller_id
        most = limit(world, operation.id, rate.most)
        waits.append(take(world, f"{operation.id}/{rate.seconds}", per, most, rate.seconds))
    return max((wait for wait in waits if wait is not None), default=None)
