"""Tenant settings: list and update (source: powerbi.md 7)."""

from __future__ import annotations

from typing import Any, Final

from pbisetup.sandbox import access
from pbisetup.sandbox.fabric.causes import Refused
from pbisetup.sandbox.fabric.service import (
    ADMIN_READ,
    ADMIN_WRITE,
    Request,
    admin_only,
    collection,
    route,
    throttle,
)
from pbisetup.sandbox.store import Object
from pbisetup.sandbox.wire import Reply, Route

PER_MINUTE: Final = 25
_FLAGS: Final = ("delegateToCapacity", "delegateToWorkspace", "delegateToDomain")
_GROUP_LISTS: Final = ("enabledSecurityGroups", "excludedSecurityGroups")
_TYPES: Final = ("FreeText", "Url", "Boolean", "MailEnabledSecurityGroup", "Integer")


def list_settings(request: Request) -> Reply:
    """Under the key `value`, as the Fabric SDK reads it (source: clients.md 5)."""
    throttle(request, "tenantsettings.list", "tenantsettings_per_minute", PER_MINUTE)
    return collection([_shown(setting) for setting in request.tenant.tenantSettings])


def update_setting(request: Request) -> Reply:
    """Answers under `tenantSettings`. A list that is sent replaces the old one; one left out stays
    (inferred).
    """
    throttle(request, "tenantsettings.update", "tenantsettings_per_minute", PER_MINUTE)
    setting = request.tenant.tenantSettings.get(request.call.params["name"])
    if setting is None:
        raise Refused("entity_not_found")
    changes = _changes(request, setting, request.call.json())
    setting.update(changes)
    request.changed()
    return Reply(200, {"tenantSettings": [_shown(setting)]})


def _changes(request: Request, setting: Object, body: Object) -> Object:
    if not isinstance(body.get("enabled"), bool):
        raise Refused("input_invalid", what="enabled is required")
    changes: Object = {"enabled": body["enabled"]}
    for name in _GROUP_LISTS:
        if body.get(name) is not None:
            changes[name] = _groups(request, setting, name, body[name])
    for name in _FLAGS:
        if body.get(name) is not None:
            if not isinstance(body[name], bool):
                raise Refused("input_invalid", what=name)
            changes[name] = body[name]
    if body.get("properties") is not None:
        changes["properties"] = _properties(body["properties"])
    return changes


def _groups(request: Request, setting: Object, name: str, value: Any) -> list[Object]:
    if not isinstance(value, list):
        raise Refused("input_invalid", what=name)
    if value and not setting.get("canSpecifySecurityGroups"):
        raise Refused("input_invalid", what=f"{setting['settingName']} cannot be limited to security groups")
    found = []
    for entry in value:
        fields = [entry.get("graphId"), entry.get("name")] if isinstance(entry, dict) else [None]
        # source: powerbi.md 7: graphId and name are both required.
        if not all(isinstance(field, str) and field for field in fields):
            raise Refused("input_invalid", what=f"{name} needs graphId and name")
        if entry["graphId"] not in request.tenant.groups:
            raise Refused("principal_unknown", id=entry["graphId"])
        found.append({"graphId": entry["graphId"].lower(), "name": entry["name"]})
    return found


def _properties(value: Any) -> list[Object]:
    if not isinstance(value, list):
        raise Refused("input_invalid", what="properties")
    for entry in value:
        if not isinstance(entry, dict) or not isinstance(entry.get("name"), str) or entry.get("type") not in _TYPES:
            raise Refused("input_invalid", what="properties")
    return value


def _shown(setting: Object) -> Object:
    return {k: v for k, v in setting.items() if not k.startswith("_")}


routes: Final[list[Route]] = [
    route("GET", "/v1/admin/tenantsettings", admin_only(access.READ_ADMIN_APIS, *ADMIN_READ), list_settings),
    route(
        "POST",
        "/v1/admin/tenantsettings/{name}/update",
        admin_only(access.UPDATE_ADMIN_APIS, *ADMIN_WRITE),
        update_setting,
    ),
]
