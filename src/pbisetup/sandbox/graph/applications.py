"""App registrations: create, upsert by uniqueName, read, change, delete."""

from __future__ import annotations

import uuid
from typing import Any

from pbisetup.sandbox.graph import app_restrictions, entitlements, keys, lag, quotas, recycle_bin, refs
from pbisetup.sandbox.graph.errors import GraphError
from pbisetup.sandbox.graph.owners import may_own, relation_routes
from pbisetup.sandbox.graph.query import count, listing, selected, single
from pbisetup.sandbox.graph.schema import APPLICATION, is_guid
from pbisetup.sandbox.graph.service import Request, Resolve, route
from pbisetup.sandbox.roles import active_roles
from pbisetup.sandbox.store import Object
from pbisetup.sandbox.wire import Reply, Route

_AUDIENCES = (
    "AzureADMyOrg",
    "AzureADMultipleOrgs",
    "AzureADandPersonalMicrosoftAccount",
    "PersonalMicrosoftAccount",
)
_SELF_OWNING = {"Application Developer"}
_ADMINS = {"Global Administrator", "Application Administrator", "Cloud Application Administrator"}


def list_applications(request: Request, _: Any) -> Reply:
    alive = request.tenant.applications.peek()
    rows = [("application", item) for item in (*alive, *recycle_bin.lingering(request, "application"))]
    return listing(request, "applications", "application", rows)


def count_applications(request: Request, _: Any) -> Reply:
    return count(request, "application", [("application", item) for item in request.tenant.applications.peek()])


def get_application(request: Request, item: Object) -> Reply:
    lag.check(request.world, "applications.get", item)
    names = selected(request, "application")
    return Reply(200, single(request, "application", item, "applications", names))


def create_application(request: Request, _: Any) -> Reply:
    return _created(request, _create(request, request.call.json()))


def _created(request: Request, item: Object) -> Reply:
    """The new application, with its time in more decimals than any later read shows."""
    return Reply(201, {**single(request, "application", item, "applications"), "createdDateTime": request.precise()})


def patch_application(request: Request, item: Object) -> Reply:
    lag.check(request.world, "applications.patch", item)
    update(request, item, request.call.json())
    return Reply(204)


def upsert_application(request: Request, item: Object | None) -> Reply:
    """PATCH by uniqueName: create with `Prefer: create-if-missing`, else a plain update (source: entra.md
    1.2).
    """
    body = request.call.json()
    name = refs.key(request, "uniqueName")
    if item is not None:
        request.require("applications.write", item)
        # source: entra.md 1.2: displayName is compulsory in the body even for updates.
        if creates_if_missing(request) and not body.get("displayName"):
            raise GraphError("value_required", property="displayName", resource="Application")
        if not creates_if_missing(request):
            lag.check(request.world, "applications.patch", item)
        update(request, item, body)
        return Reply(204)
    request.require("applications.create")
    if body.get("uniqueName", name) != name:
        raise GraphError("value_invalid", property="uniqueName", resource="Application")
    return _created(request, _create(request, {**body, "uniqueName": name}))


def delete_application(request: Request, item: Object) -> Reply:
    """Soft: the application and its service principal become deleted items (source: entra.md 1.14)."""
    recycle_bin.put(request, "application", item)
    principal = request.tenant.servicePrincipals.by("appId", item["appId"])
    if principal is not None:
        recycle_bin.put(request, "servicePrincipal", principal)
    return Reply(204)


def creates_if_missing(request: Request) -> bool:
    prefer = request.call.headers.get("prefer", "").lower()
    return "create-if-missing" in [part.strip() for part in prefer.split(",")]


def or_missing(resolve: Resolve) -> Resolve:
    """The target of an upsert: the object, or None where the request asks to create it."""

    def find(request: Request) -> Object | None:
        try:
            found: Object = resolve(request)
        except GraphError:
            if creates_if_missing(request):
                return None
            raise
        return found

    return find


def update(request: Request, item: Object, body: Object) -> None:
    """Apply a PATCH to an application: all of it or nothing."""
    if body.get("passwordCredentials") and _ids(body["passwordCredentials"]) != _ids(
        item.get("passwordCredentials", [])
    ):
        raise GraphError("password_not_settable")
    accepted = APPLICATION.accept({k: v for k, v in body.items() if k != "passwordCredentials"}, item)
    if "displayName" in accepted and not accepted["displayName"]:
        raise GraphError("value_required", property="displayName", resource="Application")
    if "uniqueName" in accepted and accepted["uniqueName"] != item.get("uniqueName"):
        if item.get("uniqueName"):
            raise GraphError("immutable", property="uniqueName")
        _check_unique_name(request, accepted["uniqueName"])
    _check_values(request, accepted, item["id"])
    if "keyCredentials" in accepted:
        accepted["keyCredentials"] = keys.replaced(request, item, accepted["keyCredentials"], "application")
    for name in ("api", "web", "spa", "publicClient", "info", "parentalControlSettings"):
        # A complex value is merged: what the body leaves out stays (known).
        if isinstance(accepted.get(name), dict) and isinstance(item.get(name), dict):
            accepted[name] = {**item[name], **accepted[name]}
    wanted = {**item, **accepted}
    if "appRoles" in accepted or "api" in accepted:
        entitlements.check(request, item, wanted)
    entitlements.check_size(request, wanted)
    _check_new_uris(request, item, wanted)
    item.update(accepted)
    request.tenant.applications.reindex(item)
    _mirror(request, item)
    request.changed()


def _create(request: Request, body: Object) -> Object:
    tenant = request.tenant
    if body.get("passwordCredentials"):
        raise GraphError("password_not_settable")
    quotas.check_new(request, "application")
    accepted = APPLICATION.accept(body)
    if not accepted.get("displayName"):
        raise GraphError("value_required", property="displayName", resource="Application")
    if accepted.get("uniqueName") is not None:
        _check_unique_name(request, accepted["uniqueName"])
    _check_values(request, accepted, None)
    owners = refs.bound(request, body, "owners")
    for id_ in owners:
        may_own(request, {}, *refs.principal(request, id_))
    if len(owners) > quotas.of(request.world, "ownersPerObject"):
        raise GraphError("owner_quota")
    if _creator_becomes_owner(request) and request.caller.object_id not in owners:
        owners.insert(0, request.caller.object_id)
    blank = APPLICATION.blank()
    for name, value in accepted.items():
        merge = isinstance(value, dict) and isinstance(blank.get(name), dict)
        blank[name] = {**blank[name], **value} if merge else value
    certificates = blank.pop("keyCredentials")
    item: Object = {
        "id": str(uuid.uuid4()),
        "appId": str(uuid.uuid4()),
        "createdDateTime": request.stamp(),
        "publisherDomain": tenant.domain,
        **blank,
        "keyCredentials": [],
        "owners": owners,
        "federatedIdentityCredentials": [],
        "_createdAt": request.born(),
        "_createdBy": request.caller.object_id,
    }
    entitlements.check(request, {}, item)
    entitlements.check_size(request, item)
    _check_new_uris(request, {}, item)
    item["keyCredentials"] = keys.replaced(request, item, certificates, "application")
    tenant.applications.add(item)
    request.changed()
    return item


def _creator_becomes_owner(request: Request) -> bool:
    """source: entra.md 1.10: a non-admin or Application Developer becomes owner; a privileged admin or an
    app with
    Application.ReadWrite.All does not (general knowledge). An app with only OwnedBy must, or it could not
    go on."""
    if request.caller.kind == "app":
        return request.owned_only or "Application.ReadWrite.All" not in request.caller.roles
    roles = active_roles(request.tenant, request.caller.object_id)
    return not roles & _ADMINS or bool(roles & _SELF_OWNING)


def _check_unique_name(request: Request, name: object) -> None:
    if not isinstance(name, str) or not name:
        raise GraphError("value_invalid", property="uniqueName", resource="Application")
    tenant = request.tenant
    # source: entra.md 1.2: a soft-deleted app keeps its uniqueName until it is purged.
    deleted = [entry["object"] for entry in recycle_bin.entries(request, "application")]
    taken = any(str(item.get("uniqueName") or "").lower() == name.lower() for item in deleted)
    if taken or tenant.applications.by("uniqueName", name) is not None:
        raise GraphError("taken", property="uniqueName")


def _check_values(request: Request, accepted: Object, own_id: str | None) -> None:
    """What the directory checks beyond kinds: texts in lists, permission ids, taken identifier URIs,
    sizes.
    """
    for name in ("tags", "identifierUris"):
        if not all(isinstance(each, str) for each in accepted.get(name, [])):
            raise GraphError("value_invalid", property=name, resource="Application")
    for name in ("web", "spa", "publicClient"):
        uris = (accepted.get(name) or {}).get("redirectUris") or []
        if not isinstance(uris, list) or not all(isinstance(each, str) for each in uris):
            raise GraphError("value_invalid", property=f"{name}.redirectUris", resource="Application")
    if accepted.get("signInAudience", "AzureADMyOrg") not in _AUDIENCES:
        raise GraphError("value_invalid", property="signInAudience", resource="Application")
    _check_once(accepted)
    _check_required_access(request, accepted.get("requiredResourceAccess", []))
    wanted = {uri.lower() for uri in accepted.get("identifierUris", [])}
    # source: entra.md 1.14: a soft-deleted app keeps its identifier URIs too.
    deleted = [entry["object"] for entry in recycle_bin.entries(request, "application")] if wanted else []
    for other in (*request.tenant.applications.peek(), *deleted) if wanted else ():
        if other["id"] != own_id and wanted & {uri.lower() for uri in other.get("identifierUris", [])}:
            raise GraphError("taken", property="identifierUris")


def _check_once(accepted: Object) -> None:
    """No list names a thing twice. guess: redirect URIs differ by case, identifier URIs do not."""
    uris = [uri.lower() for uri in accepted.get("identifierUris", [])]
    if len(set(uris)) != len(uris):
        raise GraphError("entitlement_twice", property="identifierUris")
    for name in ("web", "spa", "publicClient"):
        uris = (accepted.get(name) or {}).get("redirectUris") or []
        if len(set(uris)) != len(uris):
            raise GraphError("entitlement_twice", property=f"{name}.redirectUris")


def _check_new_uris(request: Request, held: Object, wanted: Object) -> None:
    present = {str(uri).lower() for uri in held.get("identifierUris") or []}
    app_restrictions.check_uris(
        request, wanted, [uri for uri in wanted.get("identifierUris") or [] if uri.lower() not in present]
    )


def _check_required_access(request: Request, entries: list[Any]) -> None:
    total = 0
    resources: set[str] = set()
    for entry in entries:
        access = entry.get("resourceAccess") if isinstance(entry, dict) else None
        if not isinstance(access, list) or not is_guid(entry.get("resourceAppId")):
            raise GraphError("value_invalid", property="requiredResourceAccess", resource="Application")
        for each in access:
            if not isinstance(each, dict) or not is_guid(each.get("id")) or each.get("type") not in ("Role", "Scope"):
                raise GraphError("value_invalid", property="requiredResourceAccess", resource="Application")
        ids = [(each["id"].lower(), each["type"]) for each in access]
        resource = entry["resourceAppId"].lower()
        if len(set(ids)) != len(ids) or resource in resources:
            raise GraphError("entitlement_twice", property="requiredResourceAccess")
        resources.add(resource)
        total += len(access)
    for found, name, what in (
        (len(entries), "requiredResources", "required resources"),
        (total, "requiredPermissions", "required permissions"),
    ):
        most = quotas.of(request.world, name)
        if found > most:
            raise GraphError("limit", what=what, limit=most)


def _ids(entries: Any) -> set[Any]:
    return {e.get("keyId") if isinstance(e, dict) else None for e in entries} if isinstance(entries, list) else {None}


def _mirror(request: Request, application: Object) -> None:
    """The service principal in the app's own tenant follows the application."""
    principal = request.tenant.servicePrincipals.by("appId", application["appId"])
    if principal is not None:
        principal.update(mirrored(application))


def mirrored(application: Object) -> Object:
    """What a service principal takes over from its application."""
    api = application.get("api") or {}
    web = application.get("web") or {}
    return {
        "displayName": application.get("displayName"),
        "appDisplayName": application.get("displayName"),
        "appRoles": list(application.get("appRoles", [])),
        "oauth2PermissionScopes": list(api.get("oauth2PermissionScopes") or []),
        "servicePrincipalNames": [application["appId"], *application.get("identifierUris", [])],
        "replyUrls": list(web.get("redirectUris") or []),
        "homepage": web.get("homePageUrl"),
        "signInAudience": application.get("signInAudience"),
    }


def _routes() -> list[Route]:
    found = route("GET", "/applications", "applications.read", list_applications)
    found += route("GET", "/applications/$count", "applications.read", count_applications)
    found += route("POST", "/applications", "applications.create", create_application)
    upsert = or_missing(refs.application)
    for base in refs.APPLICATIONS:
        found += route("GET", base, "applications.read", get_application, refs.application)
        found += route("DELETE", base, "applications.write", delete_application, refs.application)
        if "uniqueName" in base:
            found += route("PATCH", base, "applications.upsert", upsert_application, upsert)
        else:
            found += route("PATCH", base, "applications.write", patch_application, refs.application)
        found += relation_routes(
            base, "owners", "applications.read", "applications.write", refs.application, may_own, _keep
        )
    return found


def _keep(_request: Request, _holder: Object, _kind: str, _item: Object) -> None:
    """An application may lose its last owner."""


routes = _routes()
