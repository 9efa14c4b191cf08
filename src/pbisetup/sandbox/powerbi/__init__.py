"""The Power BI REST API on the tenant's state: `routes` to mount, and `unknown` for every path not among them."""

from __future__ import annotations

from typing import Final

from pbisetup.sandbox.powerbi import groups, others
from pbisetup.sandbox.powerbi.service import others as not_carried
from pbisetup.sandbox.powerbi.service import unknown
from pbisetup.sandbox.wire import Route

carried: Final[list[Route]] = [*groups.routes, *others.routes]
"""What this tenant answers."""
routes: Final[list[Route]] = [*carried, *not_carried(carried)]
"""With every other documented operation, which is judged and then said to be missing here."""

__all__ = ["carried", "routes", "unknown"]
