"""Directory roles: the template ids by name, and who holds which role now."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import Final

from pbisetup.sandbox.store import Object, Tenant

# source: entra.md 1.12 (M365, PNP, merill data), several sources; AI Administrator and those after it: general
# knowledge.
ROLES: Final = {
    "Global Administrator": "62e90394-69f5-4237-9190-012177145e10",
    "Privileged Role Administrator": "e8611ab8-c189-46e8-94e1-60213ab1f814",
    "Application Administrator": "9b895d92-2cd3-44c7-9d02-a6ac2d5ea5c3",
    "Cloud Application Administrator": "158c047a-c907-4556-b7ef-446551a6b5f7",
    "Application Developer": "cf1c38e5-3621-4004-a7cb-879624dced7c",
    "Groups Administrator": "fdd7a751-b60b-444a-984c-02652fe8fa1c",
    "User Administrator": "fe930be7-5e62-47db-91af-98c3a49a38b1",
    "Fabric Administrator": "a9ea8996-122f-4c74-9520-8edcd192826c",
    "Security Administrator": "194ae4cb-b126-40b2-bd5b-6091b380977d",
    "Conditional Access Administrator": "b1be1c3e-b65d-4f19-8427-f6fa0d97feb9",
    "Global Reader": "f2ef992c-3afb-46b9-b7cf-a126ee74c451",
    "Directory Readers": "88d8e3e3-8f55-4a1e-953a-9b9898b8876b",
    "AI Administrator": "d2562ede-74db-457e-a7b6-544e236ebb61",
    "Directory Writers": "9360feb5-f418-4baa-8175-e2a00bac4301",
    "Identity Governance Administrator": "45d8d3c5-c802-45c6-b32a-1d70b5e1e86e",
    "Hybrid Identity Administrator": "8ac3fc64-6eca-42ea-9e69-59f4c7b60eb2",
    "Reports Reader": "4a5d8f65-41da-4de4-8968-e035b65339cf",
    "Security Reader": "5d6b6bb7-de71-4623-b4af-96380a352509",
    "Security Operator": "5f2222b1-57c3-48ba-8ad5-d4759f1fde6f",
}

_NAMES: Final = {template: name for name, template in ROLES.items()}


def active_roles(tenant: Tenant, principal_id: str) -> frozenset[str]:
    """Names of the roles a principal holds, itself or through a role-assignable group it is a direct
    member of.

    A template id without a name here stands for itself.
    """
    return frozenset(_NAMES.get(template, template) for template in active_templates(tenant, principal_id))


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
        "displayName": _NAMES.get(template, template),
        "description": None,
        "roleTemplateId": template,
    }
