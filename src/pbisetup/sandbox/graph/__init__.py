"""Microsoft Graph on the tenant's state: `routes` to mount, and `unknown` for every path that is not among
them.
"""

from __future__ import annotations

from typing import Final

from pbisetup.sandbox.graph import (
    applications,
    assignments,
    deleted,
    directory,
    federated,
    grants,
    groups,
    organization,
    passwords,
    people,
    service_principals,
)
from pbisetup.sandbox.graph.service import unknown
from pbisetup.sandbox.wire import Route

# In this order: a fixed path (`/directoryObjects/getByIds`) stands before the template that would also
# match it.
routes: Final[list[Route]] = [
    *organization.routes,
    *people.routes,
    *applications.routes,
    *passwords.routes,
    *federated.routes,
    *service_principals.routes,
    *assignments.routes,
    *grants.routes,
    *groups.routes,
    *directory.routes,
    *deleted.routes,
]

__all__ = ["routes", "unknown"]
