"""What is wrong with the parts of a state that Fabric reads: what lies in workspaces, policies, connections, operations."""

from __future__ import annotations

from typing import Any, Final

from pbisetup.sandbox.access import CONNECTION_ROLES, GATEWAY_ROLES, ROLES

_KEYS = {"items": ("id", "type", "displayName"), "folders": ("id", "displayName"), "_heldNames": ("type", "name")}
_ROLES: Final = {"connections": CONNECTION_ROLES, "gateways": GATEWAY_ROLES}
_POWER_BI = ("reports", "datasets", "dashboards")


def fabric_problems(state: dict[str, Any]) -> list[str]:
    """Every problem in words. Call when the state's collections are lists of objects with an id."""
    found = []
    for index, each in enumerate(state.get("workspaces", [])):
        found += _workspace(f"workspaces[{index}]", each)
    for name in ("connections", "gateways"):
        for index, each in enumerate(state.get(name, [])):
            found += _assignments(f"{name}[{index}]", each, _ROLES[name])
            if not isinstance(each.get("admins") or [], list):
                found.append(f"{name}[{index}].admins must be a list")
    for index, each in enumerate(state.get("capacities", [])):
        for key in ("admins", "contributors"):
            if not isinstance(each.get(key, []), list):
                found.append(f"capacities[{index}].{key} must be a list")
    for id_, each in state.get("operations", {}).items():
        numbers = ("began", "until", "retryAfter")
        if not isinstance(each, dict) or not all(_number(each.get(k)) for k in numbers) or "result" not in each:
            found.append(f"operations.{id_} must be an object with result, {', '.join(numbers)}")
    return found


def _workspace(at: str, workspace: dict[str, Any]) -> list[str]:
    found = _assignments(at, workspace, ROLES)
    if not isinstance(workspace.get("displayName"), str):
        found.append(f"{at} must have a displayName")
    if not isinstance(workspace.get("capacityId"), str | None):
        found.append(f"{at}.capacityId must be an id or null")
    for name, keys in _KEYS.items():
        found += _objects(f"{at}.{name}", workspace.get(name, []), keys)
    for name in _POWER_BI:
        found += _objects(f"{at}.{name}", workspace.get(name) or [], ("id",))
    if found:
        return found
    for index, item in enumerate(workspace.get("items", [])):
        parts = item.get("_definition", [])
        found += _objects(f"{at}.items[{index}]._definition", parts, ("path", "payload", "payloadType"))
        found += [
            f"{at}.items[{index}].{key} must be a number of seconds"
            for key in ("_appears", "_updated")
            if key in item and not _number(item[key])
        ]
    found += [
        f"{at}._heldNames[{index}].until must be a number of seconds"
        for index, held in enumerate(workspace.get("_heldNames", []))
        if not _number(held.get("until"))
    ]
    return found + _policy(f"{at}.communicationPolicy", workspace.get("communicationPolicy") or {})


def _assignments(at: str, shared: dict[str, Any], roles: tuple[str, ...]) -> list[str]:
    found = []
    for index, each in enumerate(shared.get("roleAssignments") or []):
        principal = each.get("principal") if isinstance(each, dict) else None
        if not isinstance(principal, dict) or not all(isinstance(principal.get(key), str) for key in ("id", "type")):
            found.append(f"{at}.roleAssignments[{index}] must have a principal with id and type")
        elif each.get("role") not in roles:
            found.append(f"{at}.roleAssignments[{index}].role must be one of {', '.join(roles)}")
    return found


def _policy(at: str, policy: Any) -> list[str]:
    if not isinstance(policy, dict):
        return [f"{at} must be an object"]
    found = []
    for side in ("inbound", "outbound"):
        rules = policy.get(side) or {}
        public = rules.get("publicAccessRules") or {} if isinstance(rules, dict) else None
        if not isinstance(public, dict) or public.get("defaultAction", "Allow") not in ("Allow", "Deny"):
            found.append(f"{at}.{side}.publicAccessRules.defaultAction must be Allow or Deny")
    return found


def _objects(at: str, value: Any, keys: tuple[str, ...]) -> list[str]:
    if not isinstance(value, list):
        return [f"{at} must be a list"]
    return [
        f"{at}[{index}] must be an object with {', '.join(keys)}"
        for index, each in enumerate(value)
        if not isinstance(each, dict) or not all(isinstance(each.get(key), str) for key in keys)
    ]


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
