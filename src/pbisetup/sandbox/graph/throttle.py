"""Throttling: what each request costs and what is left of its app's quota in this tenant.

Off unless `weather.graph_throttle` is set: the resource units that one app may use in 10 seconds (published for a
tenant of fewer than 50 users: 3500); its writes are limited in the same proportion. The limits of reports and of
Conditional Access, which the service always keeps, also act only then. What a call costs is told always. Kept in memory
and counted by the tenant's clock.

source: concepts/throttling-limits.md (microsoft-graph-docs-contrib@01351749).
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from functools import cache
from typing import Final

from pbisetup.sandbox.bearer import Caller
from pbisetup.sandbox.graph.errors import GraphError
from pbisetup.sandbox.wire import Call, World

SMALL_TENANT: Final = 3500
"""Published units per 10 seconds of one app in a tenant of fewer than 50 users."""
_WRITES: Final = 3000
"""Published writes per 150 seconds of one app in a tenant."""

_ANY = r"(?:/[^/]+|\([^/]*\))"
# Method, path below the version, units. Paths of `me` also stand for those of `users/{id}`.
COSTS: Final[tuple[tuple[str, str, int], ...]] = (
    ("GET", r"/applications", 2),
    ("GET", rf"/applications{_ANY}/extensionProperties", 2),
    ("POST", r"/directoryObjects/(?:microsoft\.graph\.)?getByIds", 3),
    ("GET", rf"/groups{_ANY}/members", 3),
    ("GET", rf"/groups{_ANY}/transitiveMembers", 5),
    ("POST", rf"/(?:me|users{_ANY})/(?:microsoft\.graph\.)?checkMemberGroups", 4),
    ("POST", rf"/(?:me|users{_ANY})/(?:microsoft\.graph\.)?checkMemberObjects", 4),
    ("POST", rf"/(?:me|users{_ANY})/(?:microsoft\.graph\.)?getMember(?:Groups|Objects)", 2),
    ("GET", rf"/(?:me|users{_ANY})/(?:memberOf|ownedObjects|transitiveMemberOf|licenseDetails)", 2),
    ("GET", rf"/oauth2PermissionGrants(?:{_ANY})?", 2),
    ("GET", rf"/servicePrincipals{_ANY}/appRoleAssignments", 2),
    ("GET", r"/subscribedSkus", 3),
    ("GET", r"/users", 2),
)
_FREE: Final = re.compile(r"/(?:directoryObjects|me|users|groups|servicePrincipals)\b.*[./](?:check|get)\w+$", re.I)
"""POSTs that only read: they cost no write."""


@dataclass(frozen=True)
class Report:
    """A limit of its own for some paths: requests in a span, with or without `Retry-After`."""

    path: re.Pattern[str]
    requests: int
    seconds: float
    retry_after: bool


REPORTS: Final = (
    # Identity and access reports: 5 requests per 10 seconds of one app.
    Report(re.compile(r"/(?:auditLogs|reports)(?:/|$)", re.I), 5, 10, True),
    # Identity protection and Conditional Access: 1 request a second, and no Retry-After.
    Report(re.compile(r"/(?:identity/conditionalAccess|identityProtection)(?:/|$)", re.I), 1, 1, False),
)


class Meter:
    """A token bucket: full at first, refilled evenly."""

    def __init__(self, size: float, seconds: float, now: float) -> None:
        self.size, self.rate = size, size / seconds
        self.left, self.at = size, now

    def take(self, amount: float, now: float) -> float:
        """Take an amount and return 0, or take nothing and return the seconds until it would be there."""
        self.left = min(self.size, self.left + max(0.0, now - self.at) * self.rate)
        self.at = now
        if amount <= self.left or self.left >= self.size:
            self.left -= amount
            return 0
        return (amount - self.left) / self.rate

    @property
    def used(self) -> float:
        return 1 - self.left / self.size


def cost(call: Call) -> int:
    """The resource units of a request; never less than 1."""
    path = "/" + call.path.split("/", 2)[-1]
    units = next((u for method, pattern, u in _costs() if method == call.method and pattern.fullmatch(path)), 1)
    top = call.query.get("$top", "")
    units -= "$select" in call.query
    units += "$expand" in call.query
    units -= top.isascii() and top.isdigit() and int(top[:6]) < 20
    return max(1, units)


@cache
def _costs() -> list[tuple[str, re.Pattern[str], int]]:
    return [(method, re.compile(path, re.IGNORECASE), units) for method, path, units in COSTS]


def check(world: World, caller: Caller, call: Call) -> dict[str, str]:
    """Count a request; the headers that tell what it cost. Raises GraphError `throttled`."""
    units = cost(call)
    headers = {"x-ms-resource-unit": str(units)}
    limit = world.tenant.section("weather").get("graph_throttle") or 0
    if not limit > 0:
        return headers
    now = world.now().timestamp()
    path = "/" + call.path.split("/", 2)[-1]
    for index, report in enumerate(REPORTS):
        if report.path.match(path):
            wait = _meter(world, f"report {index} {caller.client_id}", report.requests, report.seconds, now).take(
                1, now
            )
            if wait:
                raise _refusal(
                    world, caller, "ReadWrite", "ResourceUnitLimitExceeded", wait if report.retry_after else 0
                )
            return headers
    if call.method != "GET" and not (call.method == "POST" and _FREE.search(path)):
        size = max(1.0, limit * _WRITES / SMALL_TENANT)
        wait = _meter(world, f"writes {caller.client_id}", size, 150, now).take(1, now)
        if wait:
            raise _refusal(world, caller, "Write", "WriteLimitExceeded", wait)
    meter = _meter(world, f"units {caller.client_id}", limit, 10, now)
    wait = meter.take(units, now)
    if wait:
        raise _refusal(world, caller, "ReadWrite", "ResourceUnitLimitExceeded", wait)
    if meter.used >= 0.8:
        headers["x-ms-throttle-limit-percentage"] = f"{min(meter.used, 1.8):.2f}"
    return headers


def _meter(world: World, name: str, size: float, seconds: float, now: float) -> Meter:
    found = world.meters.get(name)
    if not isinstance(found, Meter) or found.size != size:
        found = world.meters[name] = Meter(size, seconds, now)
    return found


def _refusal(world: World, caller: Caller, limit: str, reason: str, wait: float) -> GraphError:
    error = GraphError("throttled")
    error.headers["x-ms-throttle-scope"] = f"Tenant_Application/{limit}/{caller.client_id}/{world.tenant.id}"
    error.headers["x-ms-throttle-information"] = reason
    if wait:
        error.headers["Retry-After"] = str(max(1, math.ceil(wait)))
    return error
