"""App management policies as objects: the tenant's default, custom ones, and what each is assigned to.

`app_restrictions.py` makes them work.
"""

from __future__ import annotations

import uuid
from typing import Any, Final

from pbisetup.sandbox.graph import refs
from pbisetup.sandbox.graph.app_restrictions import assigned, default_policy
from pbisetup.sandbox.graph.documents import document, documents, patched
from pbisetup.sandbox.graph.errors import GraphError
from pbisetup.sandbox.graph.query import Typed, listing
from pbisetup.sandbox.graph.service import Request, route
from pbisetup.sandbox.graph.times import moment, read_duration
from pbisetup.sandbox.store import Object
from pbisetup.sandbox.wire import Reply, Route

_DEFAULT_KINDS: Final[dict[str, type]] = {
    "displayName": str,
    "description": str,
    "isEnabled": bool,
    "applicationRestrictions": dict,
    "servicePrincipalRestrictions": dict,
}
_KINDS: Final[dict[str, type]] = {"displayName": str, "description": str, "isEnabled": bool, "restrictions": dict}
_PROPERTIES: Final = ("id", *_KINDS)
_RESOURCE: Final = "AppManagementPolicy"
# source: graph-docs passwordCredentialConfiguration, keyCredentialConfiguration.
_PASSWORD_TYPES: Final = (
    "passwordAddition", "passwordLifetime", "symmetricKeyAddition", "symmetricKeyLifetime", "customPasswordAddition",
)  # fmt: skip
_KEY_TYPES: Final = ("asymmetricKeyLifetime", "trustedCertificateAuthority")


def get_default(request: Request, _: Any) -> Reply:
    body = default_policy(request.tenant)
    return document(request, "policies/defaultAppManagementPolicy", "tenantAppManagementPolicy", tuple(body), body)


def patch_default(request: Request, _: Any) -> Reply:
    held = default_policy(request.tenant)
    values = patched(held, request.call.json(), _DEFAULT_KINDS, "TenantAppManagementPolicy", ("id",))
    for name in ("applicationRestrictions", "servicePrincipalRestrictions"):
        _check(values.get(name))
    request.tenant.section("policies")["defaultAppManagementPolicy"] = {**held, **values}
    request.changed()
    return Reply(204)


def list_policies(request: Request, _: Any) -> Reply:
    rows = request.tenant.appManagementPolicies.peek()
    return documents(request, "policies/appManagementPolicies", "appManagementPolicy", _PROPERTIES, rows)


def get_policy(request: Request, item: Object) -> Reply:
    return document(request, "policies/appManagementPolicies", "appManagementPolicy", _PROPERTIES, item)


def create_policy(request: Request, _: Any) -> Reply:
    values = patched({}, request.call.json(), _KINDS, _RESOURCE)
    if not values.get("displayName"):
        raise GraphError("value_required", property="displayName", resource=_RESOURCE)
    _check(values.get("restrictions"))
    item = {"id": str(uuid.uuid4()), "description": None, "isEnabled": False, "restrictions": {}, **values}
    request.tenant.appManagementPolicies.add({**item, "_appliesTo": []})
    request.changed()
    context = f"{request.base}/$metadata#policies/appManagementPolicies/$entity"
    return Reply(201, {"@odata.context": context, **item})


def patch_policy(request: Request, item: Object) -> Reply:
    values = patched(item, request.call.json(), _KINDS, _RESOURCE, ("id",))
    _check(values.get("restrictions"))
    item.update(values)
    request.changed()
    return Reply(204)


def delete_policy(request: Request, item: Object) -> Reply:
    request.tenant.appManagementPolicies.remove(item["id"])
    request.changed()
    return Reply(204)


def list_applies_to(request: Request, item: Object) -> Reply:
    rows: list[Typed] = []
    for id_ in item.get("_appliesTo", []):
        for kind, found in (
            ("application", request.tenant.applications.get(id_)),
            ("servicePrincipal", request.tenant.servicePrincipals.get(id_)),
        ):
            if found is not None:
                rows.append((kind, found))
    return listing(request, "directoryObjects", None, rows)


def list_assigned(request: Request, holder: Object) -> Reply:
    policy = assigned(request.tenant, holder)
    rows = [policy] if policy is not None else []
    return documents(request, "policies/appManagementPolicies", "appManagementPolicy", _PROPERTIES, rows)


def assign(request: Request, holder: Object) -> Reply:
    """204; an object has one policy at most."""
    wanted = refs.body_reference_to(request, "appManagementPolicies")
    policy = request.tenant.appManagementPolicies.get(wanted)
    if policy is None:
        raise GraphError("not_found", id=wanted)
    present = assigned(request.tenant, holder)
    if present is not None:
        same = present["id"] == policy["id"]
        raise GraphError("reference_exists" if same else "policy_assigned", property="appManagementPolicies")
    policy.setdefault("_appliesTo", []).append(holder["id"])
    request.changed()
    return Reply(204)


def unassign(request: Request, holder: Object) -> Reply:
    policy = assigned(request.tenant, holder)
    wanted = refs.key(request, "policyId")
    if policy is None or str(policy["id"]).lower() != wanted.lower():
        raise GraphError("not_found", id=wanted)
    held = _policy(request)  # asked for by id, so that the change is saved
    held["_appliesTo"] = [id_ for id_ in held["_appliesTo"] if id_ != holder["id"]]
    request.changed()
    return Reply(204)


def _policy(request: Request) -> Object:
    return refs.one(request, request.tenant.appManagementPolicies, "policyId")


def _check(restrictions: Any) -> None:
    """Refuse what is no restriction: unknown types, lives and times that cannot be read."""
    if restrictions is None:
        return
    for part, types in (("passwordCredentials", _PASSWORD_TYPES), ("keyCredentials", _KEY_TYPES)):
        entries = restrictions.get(part) or []
        if not isinstance(entries, list):
            raise GraphError("value_invalid", property=part, resource=_RESOURCE)
        for entry in entries:
            if not isinstance(entry, dict) or entry.get("restrictionType") not in types:
                raise GraphError("value_invalid", property="restrictionType", resource=_RESOURCE)
            _check_entry(entry)
    uris = restrictions.get("identifierUris") or {}
    for entry in uris.values() if isinstance(uris, dict) else [None]:
        if entry is not None and not isinstance(entry, dict | str):
            raise GraphError("value_invalid", property="identifierUris", resource=_RESOURCE)
        if isinstance(entry, dict):
            _check_entry(entry)


def _check_entry(entry: Object) -> None:
    moment(entry, "restrictForAppsCreatedAfterDateTime", _RESOURCE)
    life = entry.get("maxLifetime")
    if life is not None and read_duration(life) is None:
        raise GraphError("value_invalid", property="maxLifetime", resource=_RESOURCE)
    if entry.get("state", "enabled") not in ("enabled", "disabled"):
        raise GraphError("value_invalid", property="state", resource=_RESOURCE)


def _routes() -> list[Route]:
    found = route("GET", "/policies/defaultAppManagementPolicy", "app_policy.read", get_default)
    found += route("PATCH", "/policies/defaultAppManagementPolicy", "app_policy.write", patch_default)
    path = "/policies/appManagementPolicies"
    one = f"{path}/{{policyId}}"
    found += route("GET", path, "app_policy.read", list_policies)
    found += route("POST", path, "app_policy.write", create_policy)
    found += route("GET", one, "app_policy.read", get_policy, _policy)
    found += route("PATCH", one, "app_policy.write", patch_policy, _policy)
    found += route("DELETE", one, "app_policy.write", delete_policy, _policy)
    found += route("GET", f"{one}/appliesTo", "app_policy.read", list_applies_to, _policy)
    for base, _kind, find in refs.HOLDERS:
        path = f"{base}/appManagementPolicies"
        found += route("GET", path, "app_policy.read", list_assigned, find)
        found += route("POST", f"{path}/$ref", "app_policy.assign", assign, find)
        found += route("DELETE", f"{path}/{{policyId}}/$ref", "app_policy.assign", unassign, find)
    return found


routes = _routes()
