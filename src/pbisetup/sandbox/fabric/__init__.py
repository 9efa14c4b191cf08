"""The Fabric REST API on the tenant's state: `routes` to mount, and `unknown` for every path not among them."""

from __future__ import annotations

from typing import Final

from pbisetup.sandbox.fabric import (
    admin,
    connections,
    folders,
    gateways,
    items,
    operations,
    policies,
    tenant_settings,
    workspaces,
)
from pbisetup.sandbox.fabric.service import others as not_carried
from pbisetup.sandbox.fabric.service import unknown
from pbisetup.sandbox.wire import Route

_MODULES: Final = (tenant_settings, admin, workspaces, policies, items, folders, operations, connections, gateways)
carried: Final[list[Route]] = [route for module in _MODULES for route in module.routes]
"""What this tenant answers."""
routes: Final[list[Route]] = [*carried, *not_carried(carried)]
"""With every other documented operation, which is judged and then said to be missing here."""

__all__ = ["carried", "routes", "unknown"]
