"""Microsoft Graph on the tenant's state: `routes` to mount, and `unknown` for every path that is not among
them.
"""

from __future__ import annotations

from typing import Final

from pbisetup.sandbox.graph import (
    app_policies,
    applications,
    assignments,
    batch,
    casts,
    conditional_access,
    deleted,
    directory,
    federated,
    grants,
    groups,
    keys,
    organization,
    passwords,
    people,
    policies,
    role_management,
    service_principals,
    sign_ins,
)
from pbisetup.sandbox.graph.headers import dressed
from pbisetup.sandbox.graph.service import unknown
from pbisetup.sandbox.wire import Route

# In this order: a fixed path (`/directoryObjects/getByIds`) stands before the template that would also
# match it.
_served: Final[list[Route]] = [
    *organization.routes,
    *policies.routes,
    *app_policies.routes,
    *conditional_access.routes,
    *role_management.routes,
    *sign_ins.routes,
    *people.routes,
    *applications.routes,
    *passwords.routes,
    *keys.routes,
    *federated.routes,
    *service_principals.routes,
    *assignments.routes,
    *grants.routes,
    *groups.routes,
    *directory.routes,
    *deleted.routes,
    *batch.routes,
]
routes: Final[list[Route]] = [*_served, *casts.missing(_served)]

__all__ = ["dressed", "routes", "unknown"]
