"""Conditional access policies and named locations as objects; the token service obeys them
(`entra/conditional_access.py`).
"""

from __future__ import annotations

import uuid
from typing import Any, Final

from pbisetup.sandbox.graph import licences, quotas, refs
from pbisetup.sandbox.graph.documents import document, documents, patched
from pbisetup.sandbox.graph.errors import GraphError
from pbisetup.sandbox.graph.policies import security_defaults
from pbisetup.sandbox.graph.service import Request, route
from pbisetup.sandbox.store import Object
from pbisetup.sandbox.wire import Reply, Route

_BASE: Final = "/identity/conditionalAccess"
_CONTEXT: Final = "identity/conditionalAccess/policies"
_STATES: Final = ("enabled", "disabled", "enabledForReportingButNotEnforced")
_KINDS: Final[dict[str, type]] = {
    "displayName": str,
    "state": str,
    "conditions": dict,
    "grantControls": dict,
    "sessionControls": dict,
}
_READ_ONLY: Final = ("id", "createdDateTime", "modifiedDateTime", "templateId", "deletedDateTime")
_PROPERTIES: Final = (*_KINDS, *_READ_ONLY)
_CLIENT_TYPES: Final = ("all", "browser", "mobileAppsAndDesktopClients", "exchangeActiveSync", "easSupported", "other")
_CONTROLS: Final = (
    "block", "mfa", "compliantDevice", "domainJoinedDevice", "approvedApplication", "compliantApplication",
    "passwordChange", "riskRemediation",
)  # fmt: skip
_LOCATION_KINDS: Final[dict[str, type]] = {
    "displayName": str,
    "isTrusted": bool,
    "ipRanges": list,
    "countriesAndRegions": list,
    "countryLookupMethod": str,
    "includeUnknownCountriesAndRegions": bool,
}
_LOCATION_TYPES: Final = ("#microsoft.graph.ipNamedLocation", "#microsoft.graph.countryNamedLocation")
_LOCATION_READ_ONLY: Final = ("id", "createdDateTime", "modifiedDateTime")


def list_policies(request: Request, _: Any) -> Reply:
    rows = [_whole(each) for each in request.tenant.conditionalAccessPolicies.peek()]
    return documents(request, _CONTEXT, "conditionalAccessPolicy", _PROPERTIES, rows)


def get_policy(request: Request, item: Object) -> Reply:
    return document(request, _CONTEXT, "conditionalAccessPolicy", _PROPERTIES, _whole(item))


def create_policy(request: Request, _: Any) -> Reply:
    _licensed(request)
    values = _accepted(request, {}, ("templateId",))
    for name in ("displayName", "state", "conditions"):
        if not values.get(name):
            raise GraphError("ca_schema")
    if not values.get("grantControls") and not values.get("sessionControls"):
        raise GraphError("ca_schema")
    most = quotas.of(request.world, "conditionalAccessPolicies")
    if len(request.tenant.conditionalAccessPolicies) >= most:
        raise GraphError("limit", what="conditional access policies", limit=most)
    item = {"id": str(uuid.uuid4()), "createdDateTime": request.stamp(), "modifiedDateTime": None, **values}
    request.tenant.conditionalAccessPolicies.add(item)
    request.changed()
    return Reply(201, {"@odata.context": f"{request.base}/$metadata#{_CONTEXT}/$entity", **_whole(item)})


def patch_policy(request: Request, item: Object) -> Reply:
    _licensed(request)
    values = _accepted(request, item)
    item.update(values)
    item["modifiedDateTime"] = request.stamp()
    request.changed()
    return Reply(204)


def delete_policy(request: Request, item: Object) -> Reply:
    request.tenant.conditionalAccessPolicies.remove(item["id"])
    request.changed()
    return Reply(204)


def _accepted(request: Request, held: Object, ignored: tuple[str, ...] = ()) -> Object:
    """The settable properties, of the right kind and with values that exist."""
    body = {k: v for k, v in request.call.json().items() if k not in ignored}
    try:
        values = patched({}, body, _KINDS, "ConditionalAccessPolicy", _READ_ONLY if held else ())
    except GraphError:
        raise GraphError("ca_schema") from None
    # guess: a condition or control that is given replaces the held one as a whole; a null removes it.
    conditions = values.get("conditions")
    if conditions is not None:
        _check_conditions(conditions)
    controls = (values.get("grantControls") or {}).get("builtInControls") or []
    if not isinstance(controls, list) or not all(each in _CONTROLS for each in controls):
        raise GraphError("ca_schema")
    _check_workloads({**held, **values})
    state = values.get("state", held.get("state"))
    if state not in _STATES:
        raise GraphError("ca_schema")
    if state == "enabled" and held.get("state") != "enabled" and security_defaults(request):
        raise GraphError("ca_security_defaults")
    return values


def _check_conditions(conditions: Object) -> None:
    types = conditions.get("clientAppTypes", ["all"])
    if not isinstance(types, list) or not types or not all(each in _CLIENT_TYPES for each in types):
        raise GraphError("ca_schema")
    for name in ("applications", "users", "clientApplications", "locations", "platforms", "authenticationFlows"):
        value = conditions.get(name)
        if value is not None and not isinstance(value, dict):
            raise GraphError("ca_schema")
        for part, entries in (value or {}).items():
            if part.startswith(("include", "exclude")) and "GuestsOrExternal" not in part:
                fits = entries is None or (isinstance(entries, list) and all(isinstance(e, str) for e in entries))
                if not fits:
                    raise GraphError("ca_schema")
    if not (conditions.get("users") or conditions.get("clientApplications")) or not conditions.get("applications"):
        raise GraphError("ca_schema")


def _check_workloads(policy: Object) -> None:
    """An app cannot do anything that a control asks for: access can only be blocked."""
    targets = (policy.get("conditions") or {}).get("clientApplications") or {}
    if not targets.get("includeServicePrincipals"):
        return
    controls = policy.get("grantControls") or {}
    others = controls.get("authenticationStrength") or controls.get("termsOfUse")
    if others or (controls.get("builtInControls") or []) != ["block"]:
        raise GraphError("ca_workload_control")


def _whole(item: Object) -> Object:
    blank = dict.fromkeys(("templateId", "createdDateTime", "modifiedDateTime", "grantControls", "sessionControls"))
    return {**blank, **item}


def _licensed(request: Request) -> None:
    if not licences.premium(request.tenant):
        raise GraphError("ca_licence")


def _policy(request: Request) -> Object:
    return refs.one(request, request.tenant.conditionalAccessPolicies, "policyId", "ca_not_found")


def list_locations(request: Request, _: Any) -> Reply:
    """State `policies.namedLocations`; which one a sign-in comes from is `network.location`."""
    names = (*_LOCATION_KINDS, *_LOCATION_READ_ONLY)
    return documents(request, "identity/conditionalAccess/namedLocations", "namedLocation", names, _locations(request))


def get_location(request: Request, item: Object) -> Reply:
    names = (*_LOCATION_KINDS, *_LOCATION_READ_ONLY)
    return document(request, "identity/conditionalAccess/namedLocations", "namedLocation", names, item)


def create_location(request: Request, _: Any) -> Reply:
    _licensed(request)
    body = request.call.json()
    kind = body.get("@odata.type")
    values = patched({}, body, _LOCATION_KINDS, "NamedLocation")
    wanted = "ipRanges" if kind == _LOCATION_TYPES[0] else "countriesAndRegions"
    if kind not in _LOCATION_TYPES or not values.get("displayName") or not values.get(wanted):
        raise GraphError("value_invalid", property="@odata.type", resource="NamedLocation")
    item = {
        "@odata.type": kind,
        "id": str(uuid.uuid4()),
        "createdDateTime": request.stamp(),
        "modifiedDateTime": request.stamp(),
        **values,
    }
    request.tenant.section("policies").setdefault("namedLocations", []).append(item)
    request.changed()
    context = f"{request.base}/$metadata#identity/conditionalAccess/namedLocations/$entity"
    return Reply(201, {"@odata.context": context, **item})


def delete_location(request: Request, item: Object) -> Reply:
    _locations(request).remove(item)
    request.changed()
    return Reply(204)


def _locations(request: Request) -> list[Object]:
    held = request.tenant.section("policies").get("namedLocations")
    return held if isinstance(held, list) and all(isinstance(each, dict) for each in held) else []


def _location(request: Request) -> Object:
    return refs.among(request, _locations(request), "locationId", "ca_not_found")


def _routes() -> list[Route]:
    read, write = "conditional_access.read", "conditional_access.write"
    found: list[Route] = []
    # The older path under /policies still answers (graph-docs conditionalaccessroot-list-policies; known).
    for path in (f"{_BASE}/policies", "/policies/conditionalAccessPolicies"):
        one = f"{path}/{{policyId}}"
        found += route("GET", path, read, list_policies)
        found += route("POST", path, write, create_policy)
        found += route("GET", one, read, get_policy, _policy)
        found += route("PATCH", one, write, patch_policy, _policy)
        found += route("DELETE", one, write, delete_policy, _policy)
    path = f"{_BASE}/namedLocations"
    one = f"{path}/{{locationId}}"
    found += route("GET", path, read, list_locations)
    found += route("POST", path, write, create_location)
    found += route("GET", one, read, get_location, _location)
    found += route("DELETE", one, write, delete_location, _location)
    return found


routes = _routes()
