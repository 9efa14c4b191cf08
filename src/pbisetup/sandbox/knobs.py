"""The parts of a state that only have names and values of ours: `clock`, `weather`, `unknowns`, `limits`. What nothing reads
is a slip of the pen, and is refused.
"""

from __future__ import annotations

from typing import Any, Final

from pbisetup.sandbox.shapes import Number, misfits, nearest

OFFSETS: Final = Number(-(10**9), 10**10, "seconds")
"""How far the tenant's clock may be from the real one: back to the nineties, and on for three hundred years."""
_SECONDS: Final = Number(0, 10**9, "seconds")

WEATHER: Final = {
    "latency_ms": Number(0, 600_000, "milliseconds"),
    "replication_lag_seconds": _SECONDS,
    "graph_throttle": Number(0, 10**9, "resource units"),
    "sign_in_log_delay_seconds": _SECONDS,
    "device_code_interval": _SECONDS,
    "tenant_setting_seconds": _SECONDS,
    "group_membership_seconds": _SECONDS,
    "workspace_role_seconds": _SECONDS,
    "activity_delay_seconds": _SECONDS,
    "scan_seconds": _SECONDS,
    "refresh_seconds": _SECONDS,
    "operation_seconds": _SECONDS,
    "operation_retry_after": _SECONDS,
    "deleted_name_seconds": _SECONDS,
}
UNKNOWNS: Final = {
    "appRolesOnAdminRoutes": ("refused", "ignored"),
    "appRolesOnFabricAdminRoutes": ("401", "403"),
    "azureCliMayWriteTenantSettings": ("yes", "no"),
    "azureCliOnXmla": ("taken", "refused"),
    "connectionNotShared": ("named", "unspecific"),
    "createSettingOff": ("403", "401"),
    "embedTokenRoleTooLow": ("403", "401"),
    "environmentsDiscover": ("served", "gone"),
    "fabricAppNotAdmitted": ("401", "403"),
    "fabricAudienceOnPowerBi": ("refused", "taken"),
    "itemNameTaken": ("400", "409"),
    "missingScope": ("401", "403"),
    "pausedCapacity": ("CapacityNotActive", "500", "WorkspaceNotFound"),
    "workspaceRoleTooLow": ("InsufficientWorkspaceRole", "InsufficientPrivileges"),
    "workspaceWithoutRole": ("403", "404", "401"),
    "wrongAudience": ("403", "401"),
    "xmlaSettingOff": ("refused", "hidden"),
}
"""What public sources disagree on, with the answers that there are; the first is the default."""
LIMITS: Final = ("activityPage", "artifactAccessPage", "embedTokens", "pageSize", "profiles", "refreshesPerDay")
"""Beside Graph's (`graph/quotas.py`) and the ids of operations that have a rate limit."""
_LIMIT: Final = Number(0, 10**9, whole=True)


def knob_problems(state: dict[str, Any]) -> list[str]:
    """Every problem in words. The four parts must be objects already."""
    clock, weather = state.get("clock", {}), state.get("weather", {})
    unknowns, limits = state.get("unknowns", {}), state.get("limits", {})
    found = _unread("clock", clock, ("offset_seconds",))
    found += misfits("clock", clock, {"offset_seconds": OFFSETS})
    found += _unread("weather", weather, WEATHER)
    found += misfits("weather", weather, WEATHER)
    found += _unread("unknowns", unknowns, UNKNOWNS)
    for name, value in unknowns.items():
        if name in UNKNOWNS and value not in UNKNOWNS[name]:
            near = nearest(value, UNKNOWNS[name]) if isinstance(value, str) else ""
            found.append(f"unknowns.{name} must be one of {', '.join(UNKNOWNS[name])}, as a text{near}")
    if limits:
        found += _unread("limits", limits, limit_names())
        found += [each for name, value in limits.items() for each in misfits(f"limits.{name}", value, _LIMIT)]
    return found


def limit_names() -> set[str]:
    """Every limit that a state may set."""
    from pbisetup.catalog.operations import operations
    from pbisetup.sandbox.graph import quotas  # all of Graph comes with it: only when there is need

    return {*LIMITS, *quotas.LIMITS, *(each.id for each in operations() if each.rates)}


def _unread(section: str, given: dict[str, Any], known: Any) -> list[str]:
    return [f"{section} has no {name!r}{nearest(name, known)}" for name in given if name not in known]
