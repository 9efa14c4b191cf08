"""The Power BI REST API on the tenant's state: `routes` to mount, and `unknown` for every path not among them."""

from __future__ import annotations

from typing import Final

from pbisetup.sandbox.powerbi import (
    admin,
    admin_access,
    admin_activity,
    admin_content,
    admin_scanner,
    capacities,
    datasets,
    embed,
    gateways,
    groups,
    items,
    mine,
    profiles,
    queries,
    refreshes,
)
from pbisetup.sandbox.powerbi.service import others as not_carried
from pbisetup.sandbox.powerbi.service import unknown
from pbisetup.sandbox.wire import Route

_content = (groups, items, datasets, refreshes, queries, embed, gateways, profiles, mine)
_admin = (capacities, admin, admin_content, admin_access, admin_scanner, admin_activity)
carried: Final[list[Route]] = [route for module in (*_content, *_admin) for route in module.routes]
"""What this tenant answers."""
routes: Final[list[Route]] = [*carried, *not_carried(carried)]
"""With every other documented operation, which is judged and then said to be missing here."""

__all__ = ["carried", "routes", "unknown"]
