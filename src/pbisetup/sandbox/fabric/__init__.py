"""The Fabric REST API on the tenant's state: `routes` to mount, and `unknown` for every path not among
them.
"""

from __future__ import annotations

from typing import Final

from pbisetup.sandbox.fabric import items, tenant_settings, workspaces
from pbisetup.sandbox.fabric.service import unknown
from pbisetup.sandbox.wire import Route

routes: Final[list[Route]] = [*tenant_settings.routes, *workspaces.routes, *items.routes]

__all__ = ["routes", "unknown"]
