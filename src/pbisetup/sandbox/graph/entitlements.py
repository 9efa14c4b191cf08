"""What an application offers: app roles, delegated scopes and the clients it authorizes beforehand."""

from __future__ import annotations

from typing import Any, Final

from pbisetup.sandbox.graph import quotas
from pbisetup.sandbox.graph.errors import GraphError
from pbisetup.sandbox.graph.schema import is_guid
from pbisetup.sandbox.graph.service import Request
from pbisetup.sandbox.store import Object

_MEMBERS: Final = ("User", "Application")
_LISTS: Final = ("identifierUris", "tags", "keyCredentials", "passwordCredentials", "appRoles", "addIns")


def check(request: Request, held: Object, wanted: Object) -> None:
    """Refuse roles, scopes and pre-authorizations that the directory does not take. `wanted` is the application as it
    would be. Raises GraphError.
    """
    new_roles, new_scopes = _roles(wanted), _scopes(wanted)
    _check_entries(new_roles, "appRoles", named="displayName")
    _check_entries(new_scopes, "oauth2PermissionScopes", named="adminConsentDisplayName")
    for role in new_roles:
        members = role.get("allowedMemberTypes")
        if not isinstance(members, list) or not members or not all(each in _MEMBERS for each in members):
            raise GraphError("value_invalid", property="allowedMemberTypes", resource="AppRole")
    for scope in new_scopes:
        if scope.get("type", "User") not in ("User", "Admin"):
            raise GraphError("value_invalid", property="type", resource="PermissionScope")
    _check_kept(_roles(held), new_roles)
    _check_kept(_scopes(held), new_scopes)
    _check_unique(new_roles, new_scopes)
    _check_pre_authorized(wanted, {str(scope["id"]).lower() for scope in new_scopes})
    most = quotas.of(request.world, "rolesAndScopes")
    if len(new_roles) + len(new_scopes) > most:
        raise GraphError("limit", what="app roles and scopes", limit=most)


def check_size(request: Request, wanted: Object) -> None:
    """Refuse an application whose manifest has too many entries (source: entra.md 1.1). Raises GraphError."""
    entries = sum(len(wanted.get(name) or []) for name in _LISTS)
    entries += sum(len((wanted.get(name) or {}).get("redirectUris") or []) for name in ("web", "spa", "publicClient"))
    entries += len(_scopes(wanted)) + sum(
        1 + len(each.get("resourceAccess") or [])
        for each in wanted.get("requiredResourceAccess") or []
        if isinstance(each, dict)
    )
    if entries > quotas.of(request.world, "manifestEntries"):
        raise GraphError("object_size")


def _roles(application: Object) -> list[Any]:
    value = application.get("appRoles") or []
    return value if isinstance(value, list) else [None]


def _scopes(application: Object) -> list[Any]:
    value = (application.get("api") or {}).get("oauth2PermissionScopes") or []
    return value if isinstance(value, list) else [None]


def _check_entries(entries: list[Any], name: str, *, named: str) -> None:
    for entry in entries:
        if not isinstance(entry, dict) or not is_guid(entry.get("id")):
            raise GraphError("value_invalid", property=name, resource="Application")
        value = entry.get("value")
        # source: graph-docs appRole, permissionScope: no spaces, at most 120 characters.
        if value is not None and (not isinstance(value, str) or " " in value or len(value) > 120):
            raise GraphError("value_invalid", property=f"{name}.value", resource="Application")
        if not isinstance(entry.get("isEnabled", True), bool):
            raise GraphError("value_invalid", property=f"{name}.isEnabled", resource="Application")
        if entry.get(named) is not None and not isinstance(entry[named], str):
            raise GraphError("value_invalid", property=f"{name}.{named}", resource="Application")


def _check_kept(held: list[Any], wanted: list[Any]) -> None:
    """An enabled role or scope is first disabled, then removed or given another value.

    One source says that a new value passes while it is enabled; terraform-provider-azuread disables first. Here the
    stricter of the two holds.
    """
    new = {str(entry["id"]).lower(): entry for entry in wanted}
    for entry in held:
        if not isinstance(entry, dict) or not entry.get("isEnabled", True):
            continue
        kept = new.get(str(entry.get("id")).lower())
        if kept is None or (kept.get("value") or None) != (entry.get("value") or None):
            raise GraphError("entitlement_enabled")


def _check_unique(roles: list[Any], scopes: list[Any]) -> None:
    """Ids and values are each their own; a role and a scope may share both or neither (azure-docs#81899,
    terraform-provider-azuread#269).
    """
    for name, entries in (("appRoles", roles), ("oauth2PermissionScopes", scopes)):
        ids = [str(entry["id"]).lower() for entry in entries]
        values = [entry["value"] for entry in entries if entry.get("value")]
        if len(set(ids)) != len(ids) or len(set(values)) != len(values):
            raise GraphError("entitlement_twice", property=name)
    by_id = {str(entry["id"]).lower(): entry.get("value") or None for entry in roles}
    ids_of = {value: id_ for id_, value in by_id.items() if value}
    for scope in scopes:
        id_, value = str(scope["id"]).lower(), scope.get("value") or None
        if by_id.get(id_, value) != value or ids_of.get(value, id_) != id_:
            raise GraphError("entitlement_twice", property="oauth2PermissionScopes")


def _check_pre_authorized(wanted: Object, scopes: set[str]) -> None:
    entries = (wanted.get("api") or {}).get("preAuthorizedApplications") or []
    for entry in entries if isinstance(entries, list) else [None]:
        if not isinstance(entry, dict) or not is_guid(entry.get("appId")):
            raise GraphError("value_invalid", property="api.preAuthorizedApplications", resource="Application")
        # Beta and the older v1.0 call it permissionIds.
        ids = entry.get("delegatedPermissionIds", entry.get("permissionIds")) or []
        if not isinstance(ids, list) or not all(isinstance(each, str) and each.lower() in scopes for each in ids):
            raise GraphError("pre_authorized_unknown")
