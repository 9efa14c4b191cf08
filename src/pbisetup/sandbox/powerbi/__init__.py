"""The Power BI REST API on the tenant's state: `routes` to mount, and `unknown` for every path not among
them.
"""

from __future__ import annotations

from typing import Final

from pbisetup.sandbox.powerbi import groups, others
from pbisetup.sandbox.powerbi.service import unknown
from pbisetup.sandbox.wire import Route

routes: Final[list[Route]] = [*groups.routes, *others.routes]

__all__ = ["routes", "unknown"]
