"""With whom a connection or a gateway is shared: its `roleAssignments` in the state, each with a principal and a role.

source: fabric-rest-api-specs (ConnectionRole); an app sees nothing of a connection that is not shared with it (a public
project's measurement, 2026-08-31).
"""

from __future__ import annotations

from typing import Final

from pbisetup.sandbox.access import CONNECTION_ROLES
from pbisetup.sandbox.gate.request import Request
from pbisetup.sandbox.store import Object

ROLES: Final = CONNECTION_ROLES
"""Of a connection, lowest first."""


def held(request: Request, shared: Object, roles: tuple[str, ...]) -> str | None:
    """The caller's highest role there, itself or by a group."""
    tenant = request.tenant
    mine = {request.acting_id, *(group["id"] for group in tenant.groups_of(request.acting_id, transitive=True))}
    found = [
        e["role"] for e in shared.get("roleAssignments") or [] if e["principal"]["id"] in mine and e["role"] in roles
    ]
    return max(found, key=roles.index, default=None)


def role(request: Request, connection_id: str) -> str | None:
    """The caller's role on a connection; None also where there is none such."""
    found = request.tenant.connections.get(connection_id)
    return held(request, found, ROLES) if found else None
