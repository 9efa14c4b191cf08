"""The signed-in user, users, and what principals belong to and own."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any, Final

from pbisetup.sandbox.graph import licences, refs
from pbisetup.sandbox.graph.documents import documents
from pbisetup.sandbox.graph.errors import GraphError
from pbisetup.sandbox.graph.query import Typed, count, listing, selected, single
from pbisetup.sandbox.graph.schema import USER
from pbisetup.sandbox.graph.service import Handle, Request, Resolve, route
from pbisetup.sandbox.roles import active_templates, role_object
from pbisetup.sandbox.store import Object
from pbisetup.sandbox.wire import Reply, Route

_CASTS: Final = ("directoryRole", "group", "administrativeUnit")
# What a PATCH of a user may set. Identities and the like are not part of this tenant; licences are only read.
_TEXTS: Final = (
    "displayName", "givenName", "surname", "jobTitle", "department", "officeLocation", "mobilePhone", "companyName",
    "preferredLanguage", "usageLocation", "passwordPolicies", "mailNickname", "employeeId", "country", "city", "state",
    "streetAddress", "postalCode",
)  # fmt: skip
_SETTABLE: Final[dict[str, type]] = {
    **dict.fromkeys(_TEXTS, str),
    "accountEnabled": bool,
    "passwordProfile": dict,
    "businessPhones": list,
}
_SYNCED: Final = frozenset(_SETTABLE) - {"usageLocation", "passwordPolicies"}
"""What only the on-premises directory may change of a user that it masters (known)."""


def get_user(request: Request, item: Object) -> Reply:
    return Reply(200, single(request, "user", item, "users", selected(request, "user")))


def patch_user(request: Request, item: Object) -> Reply:
    """Enable, disable or rename a user, or give it a new password."""
    body = {name: value for name, value in request.call.json().items() if "@" not in name}
    # accountEnabled alone has a permission of its own (object_rules.py).
    request.require("users.enable" if set(body) == {"accountEnabled"} else "users.write", item)
    changed: Object = {}
    for name, value in body.items():
        if name not in _SETTABLE:
            if not USER.knows(name):
                raise GraphError("property_unknown", property=name)
            if value != item.get(name):
                raise GraphError("property_read_only", property=name)
            continue
        if value is not None and not isinstance(value, _SETTABLE[name]):
            raise GraphError("value_invalid", property=name, resource="User")
        if value != item.get(name):
            changed[name] = value
    if item.get("onPremisesSyncEnabled") and _SYNCED & changed.keys():
        raise GraphError("synced_object")
    if {"accountEnabled", "passwordProfile"} & changed.keys() and active_templates(request.tenant, item["id"]):
        # source: entra-docs privileged-roles-permissions (who can update sensitive properties); simplified: of anyone
        # who holds a role, only a Global Administrator.
        request.require("users.write_privileged", item)
    if "displayName" in changed and not changed["displayName"]:
        raise GraphError("value_required", property="displayName", resource="User")
    if "accountEnabled" in changed and changed["accountEnabled"] is None:
        raise GraphError("value_required", property="accountEnabled", resource="User")
    if "passwordProfile" in changed:
        changed |= _password(request, item, changed["passwordProfile"] or {})
    item.update(changed)
    request.changed()
    return Reply(204)


def revoke_sessions(request: Request, item: Object) -> Reply:
    """Every refresh token from before is worth nothing; 200 with true (graph-docs user-revokesigninsessions)."""
    item["signInSessionsValidFromDateTime"] = request.stamp()
    request.changed()
    return Reply(200, {"@odata.context": f"{request.base}/$metadata#Edm.Boolean", "value": True})


def _password(request: Request, item: Object, profile: Object) -> Object:
    """The changes that a passwordProfile makes; the password itself is kept as a hash."""
    password, force = profile.get("password"), profile.get("forceChangePasswordNextSignIn", True)
    if not isinstance(force, bool) or (password is not None and (not isinstance(password, str) or len(password) < 8)):
        raise GraphError("value_invalid", property="passwordProfile", resource="User")
    changes: Object = {
        "passwordProfile": {**(item.get("passwordProfile") or {}), "forceChangePasswordNextSignIn": force}
    }
    if password is not None:
        changes["_passwordHash"] = hashlib.sha256(password.encode()).hexdigest()
        changes["lastPasswordChangeDateTime"] = request.stamp()
    return changes


def list_users(request: Request, _: Any) -> Reply:
    return listing(request, "users", "user", [("user", item) for item in request.tenant.users.peek()])


def count_users(request: Request, _: Any) -> Reply:
    return count(request, "user", [("user", item) for item in request.tenant.users.peek()])


def list_licences(request: Request, item: Object) -> Reply:
    """What a user is licensed for; `$filter` is refused (graph-docs user-list-licensedetails has only `$select`)."""
    if item["id"] != request.caller.object_id:
        request.require("licence_details.read_others", item)
    if request.call.query.get("$filter"):
        raise GraphError("filter_unsupported")
    rows = licences.of_user(request.tenant, item)
    return documents(request, f"users('{item['id']}')/licenseDetails", "licenseDetails", licences.DETAILS, rows)


def member_of(*, transitive: bool, cast: str | None) -> Handle:
    """GET of the groups and directory roles that hold a principal.

    Roles are the active ones, also through a role-assignable group: transitively (source: entra.md 1.12).
    """

    def handle(request: Request, item: Object) -> Reply:
        tenant = request.tenant
        rows: list[Typed] = [("group", g) for g in tenant.groups_of(item["id"], transitive=transitive)]
        templates = active_templates(tenant, item["id"]) if transitive else item.get("directoryRoles", [])
        rows += [("directoryRole", role_object(tenant, template)) for template in templates]
        rows = [pair for pair in rows if cast in (None, pair[0])]
        return listing(request, "directoryObjects" if cast is None else f"{cast}s", cast, rows)

    return handle


def owned_objects(*, cast: str | None) -> Handle:
    """GET of the applications, service principals and groups that a principal owns."""
    return _objects(cast, lambda item, each: item["id"] in each.get("owners", []))


def created_objects(*, cast: str | None) -> Handle:
    """GET of those that a principal has made, as far as the state knows."""
    return _objects(cast, lambda item, each: each.get("_createdBy") == item["id"])


def _objects(cast: str | None, belongs: Callable[[Object, Object], bool]) -> Handle:
    def handle(request: Request, item: Object) -> Reply:
        tenant = request.tenant
        rows: list[Typed] = []
        for kind, collection in (
            ("application", tenant.applications),
            ("servicePrincipal", tenant.servicePrincipals),
            ("group", tenant.groups),
        ):
            if cast in (None, kind):
                rows += [(kind, each) for each in collection.peek() if belongs(item, each)]
        return listing(request, "directoryObjects" if cast is None else f"{cast}s", cast, rows)

    return handle


def _principal_routes(base: str, operation: str, target: Resolve) -> list[Route]:
    found: list[Route] = []
    for relation, transitive in (("memberOf", False), ("transitiveMemberOf", True)):
        path = f"{base}/{relation}"
        found += route("GET", path, operation, member_of(transitive=transitive, cast=None), target)
        for cast in _CASTS:
            for prefix in ("microsoft.graph", "graph"):  # source: clients.md 4: both spellings are used
                handle = member_of(transitive=transitive, cast=cast)
                found += route("GET", f"{path}/{prefix}.{cast}", operation, handle, target)
    for relation, lister in (("ownedObjects", owned_objects), ("createdObjects", created_objects)):
        path = f"{base}/{relation}"
        found += route("GET", path, operation, lister(cast=None), target)
        for cast in ("application", "servicePrincipal", "group"):
            for prefix in ("microsoft.graph", "graph"):
                found += route("GET", f"{path}/{prefix}.{cast}", operation, lister(cast=cast), target)
    return found


def _routes() -> list[Route]:
    found = route("GET", "/me", "me.read", get_user, refs.me)
    found += _principal_routes("/me", "me.read", refs.me)
    found += route("GET", "/me/licenseDetails", "licence_details.read", list_licences, refs.me)
    found += route("GET", "/users", "users.read", list_users)
    found += route("GET", "/users/$count", "users.read", count_users)
    found += route("GET", "/users/{id}", "users.read", get_user, refs.user)
    found += route("PATCH", "/users/{id}", "users.change", patch_user, refs.user)
    found += route("GET", "/users/{id}/licenseDetails", "licence_details.read", list_licences, refs.user)
    # The older action is beta's.
    for action, versions in (("revokeSignInSessions", ("/v1.0", "/beta")), ("invalidateAllRefreshTokens", ("/beta",))):
        for prefix in ("", "microsoft.graph."):
            both = route("POST", f"/users/{{id}}/{prefix}{action}", "sessions.revoke", revoke_sessions, refs.user)
            both += route("POST", f"/me/{prefix}{action}", "sessions.revoke_own", revoke_sessions, refs.me)
            found += [each for each in both if each.path.startswith(versions)]
    found += _principal_routes("/users/{id}", "users.read", refs.user)
    for base in refs.SERVICE_PRINCIPALS:
        found += _principal_routes(base, "service_principals.read", refs.service_principal)
    found += _principal_routes("/groups/{id}", "groups.read", refs.group)
    return found


routes = _routes()
