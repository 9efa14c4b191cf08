"""Directory roles: who holds which role now."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import Final

from pbisetup.catalog.wellknown import ROLE_NAMES
from pbisetup.sandbox.store import Object, Tenant

ROLES: Final = {name: template for template, name in ROLE_NAMES.items()}
"""Template ids by the role's name."""


def active_roles(tenant: Tenant, principal_id: str) -> frozenset[str]:
    """Names of the roles a principal holds, itself or through a role-assignable group it is a direct
    member of.

    A template id without a name here stands for itself.
    """
    return frozenset(ROLE_NAMES.get(template, template) for template in active_templates(tenant, principal_id))


def active_templates(tenant: Tenant, principal_id: str) -> list[str]:
    """Template ids of the roles a principal holds, each once, in a stable order."""
    found = tenant.principal(principal_id)
    if found is None:
        return []
    held = [*found[1].get("directoryRoles", []), *(each["roleDefinitionId"] for each in activated(tenant, found[1]))]
    for group in tenant.groups_of(principal_id):
        if group.get("isAssignableToRole"):
            held += group.get("directoryRoles", [])
    return list(dict.fromkeys(held))


def activated(tenant: Tenant, item: Object) -> list[Object]:
    """The eligible roles that a principal has activated and that have not run out: state `_activatedRoles`, a list of
    `{"roleDefinitionId", "endDateTime"}`.
    """
    return [each for each in item.get("_activatedRoles") or [] if isinstance(each, dict) and _in_force(tenant, each)]


def eligible(tenant: Tenant, item: Object) -> list[Object]:
    """The roles that a principal may activate: state `_eligibleRoles`, a list of template ids, or of
    `{"roleDefinitionId", "startDateTime", "endDateTime"}`.
    """
    given = item.get("_eligibleRoles") or []
    entries = [{"roleDefinitionId": each} if isinstance(each, str) else each for each in given]
    return [each for each in entries if isinstance(each, dict) and _in_force(tenant, each)]


def _in_force(tenant: Tenant, entry: Object) -> bool:
    if not isinstance(entry.get("roleDefinitionId"), str):
        return False
    now = datetime.now(UTC) + timedelta(seconds=float(tenant.section("clock").get("offset_seconds", 0)))
    start, end = (_moment(entry.get(name)) for name in ("startDateTime", "endDateTime"))
    return (start is None or start <= now) and (end is None or now < end)


def _moment(value: object) -> datetime | None:
    try:
        found = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return found.replace(tzinfo=UTC) if found is not None and found.tzinfo is None else found


def role_object(tenant: Tenant, template: str) -> Object:
    """The directory role activated from a template; the tenant's own object where the state has one."""
    for role in tenant.directoryRoles:
        if role.get("roleTemplateId") == template:
            return role
    return {
        "id": str(uuid.uuid5(uuid.UUID(tenant.id), template)),
        "displayName": ROLE_NAMES.get(template, template),
        "description": None,
        "roleTemplateId": template,
    }
