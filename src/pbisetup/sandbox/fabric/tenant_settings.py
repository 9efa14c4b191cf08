"""Tenant settings: list and update (source: powerbi.md 7)."""

from __future__ import annotations

from typing import Any, Final

from pbisetup.sandbox import access
from pbisetup.sandbox.fabric.causes import Refused
from pbisetup.sandbox.fabric.service import collection, route
from pbisetup.sandbox.gate.request import Request
from pbisetup.sandbox.store import Object
from pbisetup.sandbox.wire import Reply, Route

_FLAGS: Final = ("delegateToCapacity", "delegateToWorkspace", "delegateToDomain")
_GROUP_LISTS: Final = ("enabledSecurityGroups", "excludedSecurityGroups")
_TYPES: Final = ("FreeText", "Url", "Boolean", "MailEnabledSecurityGroup", "Integer")


def list_settings(request: Request) -> Reply:
    """Under the key `value`, as the Fabric SDK reads it (source: clients.md 5). In a tenant from before May 2025, which
    still has the one switch of then, under `tenantSettings` (source: powerbi.md 7; that both changed together is inferred).
    """
    settings = request.tenant.tenantSettings
    key = "tenantSettings" if access.OLD_PUBLIC_APIS in settings else "value"
    return collection(request, [_shown(setting) for setting in settings], key=key)


def update_setting(request: Request) -> Reply:
    """Answers under `tenantSettings`. A list that is sent replaces the old one; one left out stays
    (inferred).
    """
    setting = request.tenant.tenantSettings.get(request.call.params["tenantSettingName"])
    if setting is None:
        raise Refused("entity_not_found")
    changes = _changes(request, setting, request.call.json())
    delay = float(request.tenant.section("weather").get("tenant_setting_seconds", 0))
    if delay:
        before = {name: setting.get(name) for name in ("enabled", *_GROUP_LISTS)}
        setting["_before"] = {**before, "until": request.world.now().timestamp() + delay}
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
            raise Refused("group_unknown")
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
    route("admin.Tenants_ListTenantSettings", list_settings),
    route("admin.Tenants_UpdateTenantSetting", update_setting),
]
