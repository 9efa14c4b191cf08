"""Service principals: create, upsert by appId, read, change, delete, and their groups."""

from __future__ import annotations

import uuid
from typing import Any, Final

from pbisetup.catalog.clouds import clouds
from pbisetup.catalog.permissions import permissions
from pbisetup.sandbox.first_party import MICROSOFT_TENANT, MICROSOFT_TENANTS
from pbisetup.sandbox.graph import keys, lag, locks, quotas, recycle_bin, refs
from pbisetup.sandbox.graph.applications import mirrored, or_missing
from pbisetup.sandbox.graph.errors import GraphError
from pbisetup.sandbox.graph.owners import allowed, may_own, relation_routes
from pbisetup.sandbox.graph.query import count, listing, selected, single
from pbisetup.sandbox.graph.schema import SERVICE_PRINCIPAL, is_guid
from pbisetup.sandbox.graph.service import GRAPH_APP_ID, Request, route
from pbisetup.sandbox.store import Object
from pbisetup.sandbox.wire import Reply, Route

# What a tenant decides about a service principal of Microsoft's own. guess: nobody published the list; an admin can
# disable such an app, demand assignment and annotate it (entra-docs, disable-user-sign-in-portal and custom attributes).
_FIRST_PARTY_SETTABLE: Final = frozenset(
    {"accountEnabled", "appRoleAssignmentRequired", "tags", "notes", "customSecurityAttributes"}
)
_FOLLOWS_ROLES: Final = ("appRoles", "oauth2PermissionScopes")


def list_service_principals(request: Request, _: Any) -> Reply:
    alive = request.tenant.servicePrincipals.peek()
    rows = [("servicePrincipal", item) for item in (*alive, *recycle_bin.lingering(request, "servicePrincipal"))]
    return listing(request, "servicePrincipals", "servicePrincipal", rows)


def count_service_principals(request: Request, _: Any) -> Reply:
    rows = [("servicePrincipal", item) for item in request.tenant.servicePrincipals.peek()]
    return count(request, "servicePrincipal", rows)


def get_service_principal(request: Request, item: Object) -> Reply:
    lag.check(request.world, "service_principals.get", item)
    names = selected(request, "servicePrincipal")
    return Reply(200, single(request, "servicePrincipal", item, "servicePrincipals", names))


def create_service_principal(request: Request, _: Any) -> Reply:
    item = _create(request, request.call.json())
    return Reply(201, single(request, "servicePrincipal", item, "servicePrincipals"))


def patch_service_principal(request: Request, item: Object) -> Reply:
    lag.check(request.world, "service_principals.patch", item)
    _update(request, item, request.call.json())
    return Reply(204)


def upsert_service_principal(request: Request, item: Object | None) -> Reply:
    """PATCH by appId; `Prefer: create-if-missing` creates (source: entra.md 1.2)."""
    body = request.call.json()
    if item is not None:
        request.require("service_principals.write", item)
        _update(request, item, body)
        return Reply(204)
    created = _create(request, {**body, "appId": refs.key(request, "appId")})
    return Reply(201, single(request, "servicePrincipal", created, "servicePrincipals"))


def delete_service_principal(request: Request, item: Object) -> Reply:
    # terraform-provider-azuread#538: errors of permission for Microsoft's own; that it is this one is a guess.
    if is_first_party(item):
        raise GraphError("denied")
    recycle_bin.put(request, "servicePrincipal", item)
    return Reply(204)


def is_first_party(item: Object) -> bool:
    """Whether the application behind a service principal belongs to Microsoft."""
    return str(item.get("appOwnerOrganizationId")).lower() in MICROSOFT_TENANTS


def _update(request: Request, item: Object, body: Object) -> None:
    for name in _FOLLOWS_ROLES:
        if name in body and body[name] != (item.get(name) or []):
            raise GraphError("principal_values_invalid", property=name)
    accepted = SERVICE_PRINCIPAL.accept(body, item)
    if is_first_party(item):
        _check_first_party(item, accepted)
    _check_follows(request.tenant.applications.by("appId", item["appId"]), accepted)
    accepted.pop("passwordCredentials", None)
    for name in locks.SWITCHES:
        if name in accepted and accepted[name] != item.get(name) and _differs(name, accepted[name], item):
            locks.check(request, item, "servicePrincipal", name)
    if "keyCredentials" in accepted:
        accepted["keyCredentials"] = keys.replaced(request, item, accepted["keyCredentials"], "servicePrincipal")
    item.update(accepted)
    request.tenant.servicePrincipals.reindex(item)
    request.changed()


def _check_first_party(item: Object, accepted: Object) -> None:
    """What Microsoft's app decides stays as it is (guess: the answer, as for deleting)."""
    for name, value in accepted.items():
        held = item.get(name, SERVICE_PRINCIPAL.defaults.get(name))
        if name in _FIRST_PARTY_SETTABLE or value == held:
            continue
        if name in ("keyCredentials", "passwordCredentials") and not value and not held:
            continue
        raise GraphError("denied")


def _check_follows(application: Object | None, accepted: Object) -> None:
    """The names of a service principal are those of its application, where that is in this tenant."""
    if application is None:
        return
    wanted = mirrored(application)
    if accepted.get("displayName", wanted["displayName"]) != wanted["displayName"]:
        raise GraphError("principal_differs", property="displayName")
    names = accepted.get("servicePrincipalNames")
    # guess: a list that lacks one does not match either.
    if names is not None and {str(n).lower() for n in names} != {n.lower() for n in wanted["servicePrincipalNames"]}:
        raise GraphError("principal_differs", property="servicePrincipalNames")


def _differs(name: str, wanted: Any, item: Object) -> bool:
    """Whether a value is another than the held one; certificates are the same where their ids are."""
    if name != "keyCredentials" or not isinstance(wanted, list):
        return True
    ids = [{str(each.get("keyId")).lower() for each in entries if isinstance(each, dict)} for entries in
           (wanted, item.get("keyCredentials") or [])]  # fmt: skip
    return ids[0] != ids[1]


def _create(request: Request, body: Object) -> Object:
    tenant = request.tenant
    app_id = body.get("appId")
    if app_id is None:
        raise GraphError("value_required", property="appId", resource="ServicePrincipal")
    if not is_guid(app_id):
        raise GraphError("value_invalid", property="appId", resource="ServicePrincipal")
    application = tenant.applications.by("appId", app_id)
    # A user needs a role, or to own the application; an app with OwnedBy must own it.
    request.require("service_principals.write", application if application else {})
    if tenant.servicePrincipals.by("appId", app_id) is not None:
        raise GraphError("service_principal_in_use", app_id=app_id)
    quotas.check_new(request, "servicePrincipal")
    if application is not None:
        lag.check(request.world, "service_principals.create", application)
        inherited = {**mirrored(application), "appOwnerOrganizationId": tenant.id}
        app_id = application["appId"]
    else:
        inherited = _first_party(app_id.lower())
    # A read-only property that says what the new object has anyway is let through, as on PATCH.
    fresh = {**SERVICE_PRINCIPAL.blank(), **inherited}
    accepted = SERVICE_PRINCIPAL.accept({name: value for name, value in body.items() if name != "appId"}, fresh)
    _check_follows(application, accepted)
    if application is None:
        _check_first_party(fresh, accepted)
    accepted.pop("passwordCredentials", None)
    certificates = accepted.pop("keyCredentials", [])
    item: Object = {
        "id": str(uuid.uuid4()),
        "appId": app_id,
        "createdDateTime": request.stamp(),
        **fresh,
        **accepted,
        "owners": _owners(request, application),
        "_createdAt": request.born(),
        "_createdBy": request.caller.object_id,
    }
    item["keyCredentials"] = keys.replaced(request, item, certificates, "servicePrincipal")
    tenant.servicePrincipals.add(item)
    request.changed()
    return item


def _owners(request: Request, application: Object | None) -> list[str]:
    """Whoever owns the application and creates its service principal owns that too (known)."""
    owns = application is not None and request.caller.object_id in application.get("owners", [])
    return [request.caller.object_id] if owns else []


def _first_party(app_id: str) -> Object:
    """What a service principal of one of Microsoft's own APIs looks like. Raises GraphError for any other
    app id.
    """
    resources = {GRAPH_APP_ID: ("graph", "Microsoft Graph", ["https://graph.microsoft.com"])}
    for cloud in clouds().values():
        names = [n for n in (cloud.powerbi_resource, cloud.fabric_resource) if n]
        title = "Power BI Service" if cloud.name == "public" else "Microsoft Power BI Government Community Cloud"
        resources.setdefault(cloud.powerbi_app_id, ("powerbi", title, names))
    if app_id not in resources:
        # source: entra.md 3.1; also what an app id of nobody gets.
        raise GraphError("no_backing_application", app_id=app_id)
    resource, title, names = resources[app_id]
    entries = [p for p in permissions() if p.resource == resource]
    return {
        "displayName": title,
        "appDisplayName": title,
        "appOwnerOrganizationId": MICROSOFT_TENANT,
        "signInAudience": "AzureADMultipleOrgs",
        "servicePrincipalNames": [app_id, *names],
        "appRoles": [
            {"id": p.id, "value": p.value, "displayName": p.value, "description": p.value, "isEnabled": True,
             "origin": "Application", "allowedMemberTypes": ["Application"]}
            for p in entries if p.kind == "Role"
        ],
        "oauth2PermissionScopes": [
            {"id": p.id, "value": p.value, "type": "Admin" if p.admin_consent else "User", "isEnabled": True,
             "adminConsentDisplayName": p.value, "adminConsentDescription": p.value,
             "userConsentDisplayName": p.value, "userConsentDescription": p.value}
            for p in entries if p.kind == "Scope"
        ],
    }  # fmt: skip


def _routes() -> list[Route]:
    read, write, find = "service_principals.read", "service_principals.write", refs.service_principal
    found = route("GET", "/servicePrincipals", read, list_service_principals)
    found += route("GET", "/servicePrincipals/$count", read, count_service_principals)
    found += route("POST", "/servicePrincipals", "service_principals.upsert", create_service_principal)
    for base in refs.SERVICE_PRINCIPALS:
        found += route("GET", base, read, get_service_principal, find)
        found += route("DELETE", base, write, delete_service_principal, find)
        found += relation_routes(base, "owners", read, write, find, may_own, allowed)
    by_id, by_app_id = refs.SERVICE_PRINCIPALS
    found += route("PATCH", by_id, write, patch_service_principal, find)
    found += route("PATCH", by_app_id, "service_principals.upsert", upsert_service_principal, or_missing(find))
    return found


routes = _routes()
