"""Delegated permission grants: consent for scopes, tenant-wide or for one user (source: entra.md 1.6)."""

from __future__ import annotations

import secrets
from typing import Any, Final

from pbisetup.sandbox.graph import lag, refs
from pbisetup.sandbox.graph.documents import matching, selected
from pbisetup.sandbox.graph.errors import GraphError
from pbisetup.sandbox.graph.query import page
from pbisetup.sandbox.graph.schema import is_guid
from pbisetup.sandbox.graph.service import Request, route
from pbisetup.sandbox.graph.view import public
from pbisetup.sandbox.odata import select
from pbisetup.sandbox.store import Object
from pbisetup.sandbox.wire import Reply, Route

_PROPERTIES: Final = {"id", "clientId", "consentType", "principalId", "resourceId", "scope"}
_LONGEST_SCOPE: Final = 3850
_RESOURCE: Final = "OAuth2PermissionGrant"


def list_grants(request: Request, _: Any) -> Reply:
    return _list(request, _alive(request))


def list_of_client(request: Request, item: Object) -> Reply:
    return _list(request, [g for g in _alive(request) if g["clientId"] == item["id"]])


def get_grant(request: Request, item: Object) -> Reply:
    return Reply(200, _shown(request, item))


def create_grant(request: Request, _: Any) -> Reply:
    """201, or 409 when the client already has a grant for this resource and principal."""
    body = request.call.json()
    client = _principal_of(request, body, "clientId")
    resource = _principal_of(request, body, "resourceId")
    consent = body.get("consentType")
    if consent not in ("AllPrincipals", "Principal"):
        raise GraphError("value_invalid", property="consentType", resource=_RESOURCE)
    user_id = body.get("principalId")
    if (consent == "Principal") != (user_id is not None):
        raise GraphError("value_invalid", property="principalId", resource=_RESOURCE)
    if user_id is not None and (not isinstance(user_id, str) or user_id not in request.tenant.users):
        raise GraphError("not_found", id=user_id)
    for each in (client, resource):
        lag.check(request.world, "grants.create", each)
    triple = (client["id"], resource["id"], user_id)
    if any((g["clientId"], g["resourceId"], g.get("principalId")) == triple for g in _alive(request)):
        raise GraphError("grant_exists")
    entry = {
        "clientId": client["id"],
        "consentType": consent,
        "id": secrets.token_urlsafe(32),
        "principalId": user_id,
        "resourceId": resource["id"],
        "scope": _scope(body),
    }
    request.tenant.oauth2PermissionGrants.add(entry)
    request.changed()
    return Reply(201, _shown(request, entry))


def patch_grant(request: Request, item: Object) -> Reply:
    """Only the scope can change; it is replaced as a whole."""
    body = {k: v for k, v in request.call.json().items() if "@" not in k}
    for name, value in body.items():
        if name != "scope" and value != item.get(name):
            raise GraphError("property_read_only", property=name)
    item["scope"] = _scope({"scope": item.get("scope"), **body})
    request.changed()
    return Reply(204)


def delete_grant(request: Request, item: Object) -> Reply:
    request.tenant.oauth2PermissionGrants.remove(item["id"])
    request.changed()
    return Reply(204)


def _grant(request: Request) -> Object:
    return refs.one(request, request.tenant.oauth2PermissionGrants, "grantId")


def _principal_of(request: Request, body: Object, name: str) -> Object:
    """A service principal by OBJECT id; a client id or an app's object id is not one (source: entra.md
    1.6).
    """
    value = body.get(name)
    if value is None:
        raise GraphError("value_required", property=name, resource=_RESOURCE)
    if not is_guid(value):
        raise GraphError("value_invalid", property=name, resource=_RESOURCE)
    found = request.tenant.servicePrincipals.get(value)
    if found is None:
        raise GraphError("not_found", id=value)
    return found


def _scope(body: Object) -> str:
    value = body.get("scope")
    if value is None:
        return ""
    if not isinstance(value, str) or len(value) > _LONGEST_SCOPE:
        raise GraphError("value_invalid", property="scope", resource=_RESOURCE)
    return value


def _alive(request: Request) -> list[Object]:
    principals = request.tenant.servicePrincipals
    return [
        g
        for g in request.tenant.oauth2PermissionGrants
        if g["clientId"] in principals and g["resourceId"] in principals
    ]


def _list(request: Request, grants: list[Object]) -> Reply:
    grants = matching(request, "oAuth2PermissionGrant", _PROPERTIES, grants)
    names = selected(request, "oAuth2PermissionGrant", _PROPERTIES)
    shown = [select(public(g), names) if names else public(g) for g in grants]
    return page(request, "oauth2PermissionGrants", shown, names, directory=True, keys=[str(g["id"]) for g in grants])


def _shown(request: Request, entry: Object) -> Object:
    return {"@odata.context": f"{request.base}/$metadata#oauth2PermissionGrants/$entity", **public(entry)}


def _routes() -> list[Route]:
    one = "/oauth2PermissionGrants/{grantId}"
    found = route("GET", "/oauth2PermissionGrants", "grants.read", list_grants)
    found += route("POST", "/oauth2PermissionGrants", "grants.write", create_grant)
    found += route("GET", one, "grants.read", get_grant, _grant)
    found += route("PATCH", one, "grants.write", patch_grant, _grant)
    found += route("DELETE", one, "grants.write", delete_grant, _grant)
    for base in refs.SERVICE_PRINCIPALS:
        path = f"{base}/oauth2PermissionGrants"
        found += route("GET", path, "grants.read", list_of_client, refs.service_principal)
    found += route("GET", "/me/oauth2PermissionGrants", "grants.read", _mine, refs.me)
    return found


def _mine(request: Request, user: Object) -> Reply:
    return _list(request, [g for g in _alive(request) if g.get("principalId") == user["id"]])


routes = _routes()
