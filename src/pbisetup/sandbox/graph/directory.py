"""Directory objects of any kind: by id, many by ids, and which groups they are in."""

from __future__ import annotations

from typing import Any

from pbisetup.sandbox.graph import refs
from pbisetup.sandbox.graph.errors import GraphError
from pbisetup.sandbox.graph.query import page
from pbisetup.sandbox.graph.schema import is_guid
from pbisetup.sandbox.graph.service import Request, Resolve, route
from pbisetup.sandbox.graph.view import typed
from pbisetup.sandbox.roles import active_templates, role_object
from pbisetup.sandbox.store import Object
from pbisetup.sandbox.wire import Reply, Route


def get_object(request: Request, _: Any) -> Reply:
    kind, item = _any(request, refs.key(request, "id"))
    context = f"{request.base}/$metadata#directoryObjects/$entity"
    return Reply(200, {"@odata.context": context, **typed(request.tenant, kind, item)})


def get_by_ids(request: Request, _: Any) -> Reply:
    """Those that exist; missing ones are left out (source: Graph getByIds page, known: at most 1000)."""
    body = request.call.json()
    ids = _guids(body.get("ids"), "ids", 1000)
    types = body.get("types") or []
    if not isinstance(types, list):
        raise GraphError("value_invalid", property="types", resource="DirectoryObject")
    wanted = {str(t).rpartition(".")[2].lower() for t in types} - {"directoryobject"}
    found = []
    for id_ in dict.fromkeys(ids):
        try:
            kind, item = _any(request, id_)
        except GraphError:
            continue
        if not wanted or kind.lower() in wanted:
            found.append(typed(request.tenant, kind, item))
    return page(request, "directoryObjects", found)


def check_member_groups(request: Request, item: Object) -> Reply:
    ids = _guids(request.call.json().get("groupIds"), "groupIds", 20)
    held = _group_ids(request, item)
    return _strings(request, [id_ for id_ in ids if id_ in held])


def get_member_groups(request: Request, item: Object) -> Reply:
    return _strings(request, _group_ids(request, item, security_only=_security_only(request)))


def check_member_objects(request: Request, item: Object) -> Reply:
    """Of these groups and directory roles (by the role's object id), those that hold the object, also by nesting."""
    ids = _guids(request.call.json().get("ids"), "ids", 20)
    held = {*_group_ids(request, item), *_role_ids(request, item)}
    return _strings(request, [id_ for id_ in ids if id_ in held])


def get_member_objects(request: Request, item: Object) -> Reply:
    only = _security_only(request)
    found = _group_ids(request, item, security_only=only)
    # source: graph-docs directoryobject-getmemberobjects: with the flag, security groups alone (users only).
    return _strings(request, found if only else [*found, *_role_ids(request, item)])


def _security_only(request: Request) -> bool:
    only = request.call.json().get("securityEnabledOnly", False)
    if not isinstance(only, bool):
        raise GraphError("value_invalid", property="securityEnabledOnly", resource="DirectoryObject")
    return only


def _group_ids(request: Request, item: Object, *, security_only: bool = False) -> list[str]:
    groups = request.tenant.groups_of(item["id"], transitive=True)
    return [str(group["id"]).lower() for group in groups if group.get("securityEnabled") or not security_only]


def _role_ids(request: Request, item: Object) -> list[str]:
    templates = active_templates(request.tenant, item["id"])
    return [str(role_object(request.tenant, template)["id"]).lower() for template in templates]


def _strings(request: Request, values: list[str]) -> Reply:
    return Reply(200, {"@odata.context": f"{request.base}/$metadata#Collection(Edm.String)", "value": values})


def _guids(value: object, name: str, most: int) -> list[str]:
    if not isinstance(value, list) or len(value) > most or not all(is_guid(each) for each in value):
        raise GraphError("value_invalid", property=name, resource="DirectoryObject")
    return [each.lower() for each in value]


def _any(request: Request, id_: str) -> tuple[str, Object]:
    application = request.tenant.applications.get(id_)
    return ("application", application) if application else refs.principal(request, id_)


def _principal(request: Request) -> Object:
    return refs.principal(request, refs.key(request, "id"))[1]


def _routes() -> list[Route]:
    found = route("POST", "/directoryObjects/getByIds", "directory_objects.read", get_by_ids)
    found += route("POST", "/directoryObjects/microsoft.graph.getByIds", "directory_objects.read", get_by_ids)
    found += route("GET", "/directoryObjects/{id}", "directory_objects.read", get_object)
    bases: list[tuple[str, str, Resolve]] = [
        ("/directoryObjects/{id}", "member_groups.read", _principal),
        ("/users/{id}", "member_groups.read", refs.user),
        ("/groups/{id}", "member_groups.read", refs.group),
        ("/servicePrincipals/{id}", "member_groups.read", refs.service_principal),
        ("/me", "me.read", refs.me),
    ]
    for base, operation, target in bases:
        for prefix in ("", "microsoft.graph."):
            found += route("POST", f"{base}/{prefix}checkMemberGroups", operation, check_member_groups, target)
            found += route("POST", f"{base}/{prefix}getMemberGroups", operation, get_member_groups, target)
            found += route("POST", f"{base}/{prefix}checkMemberObjects", operation, check_member_objects, target)
            found += route("POST", f"{base}/{prefix}getMemberObjects", operation, get_member_objects, target)
    return found


routes = _routes()
