"""Finding what a request means: an object by its key in the path, or the object that a body's `@odata.id`
refers to.
"""

from __future__ import annotations

import re
from typing import Any, Final

from pbisetup.sandbox.graph.errors import GraphError
from pbisetup.sandbox.graph.schema import is_guid
from pbisetup.sandbox.graph.service import Request
from pbisetup.sandbox.store import Collection, Object

_REFERENCE: Final = re.compile(
    r"^https?://[^/]+/(?:v1\.0|beta)(?:/[0-9a-f-]{36})?"
    r"/(?:directoryObjects|users|servicePrincipals|groups|applications|devices)"
    r"[/(]'?([0-9a-f-]{36})'?\)?/?$",
    re.IGNORECASE,
)


def key(request: Request, name: str) -> str:
    """A key of the path; a doubled quote inside `(name='..')` stands for one."""
    return request.call.params[name].replace("''", "'")


def find(request: Request, collection: Collection) -> Object:
    """The object that the path names by `id`, `appId` or `uniqueName`. Raises GraphError `not_found`."""
    for name in ("appId", "uniqueName"):
        if name in request.call.params:
            value = key(request, name)
            found = collection.by(name, value)
            break
    else:
        value = key(request, "id")
        found = collection.get(value)
    if found is None:
        raise GraphError("not_found", id=value)
    return found


def application(request: Request) -> Object:
    return find(request, request.tenant.applications)


def service_principal(request: Request) -> Object:
    return find(request, request.tenant.servicePrincipals)


def group(request: Request) -> Object:
    return find(request, request.tenant.groups)


def user(request: Request) -> Object:
    """The user of the path, by id or userPrincipalName."""
    value = key(request, "id")
    found = request.tenant.users.get(value) or request.tenant.users.by("userPrincipalName", value)
    if found is None:
        raise GraphError("not_found", id=value)
    return found


def me(request: Request) -> Object:
    """The signed-in user. Raises GraphError `me_needs_user` for an app."""
    if request.caller.kind != "user":
        raise GraphError("me_needs_user")
    found = request.tenant.users.get(request.caller.object_id)
    if found is None:
        raise GraphError("not_found", id=request.caller.object_id)
    return found


def principal(request: Request, id_: str) -> tuple[str, Object]:
    """The user, group or service principal with this object id. Raises GraphError `not_found`."""
    found = request.tenant.principal(id_)
    if found is None:
        raise GraphError("not_found", id=id_)
    return found


def referenced(value: object) -> str:
    """The object id in an `@odata.id` URL. Raises GraphError when it is not one."""
    hit = _REFERENCE.match(value) if isinstance(value, str) else None
    if hit is None or not is_guid(hit.group(1)):
        raise GraphError("value_invalid", property="@odata.id", resource="DirectoryObject")
    return hit.group(1)


def body_reference(request: Request) -> str:
    """The object id that a `$ref` body names."""
    return referenced(request.call.json().get("@odata.id"))


def body_reference_to(request: Request, collection: str) -> str:
    """The id that a `$ref` body names in a collection of policies. Raises GraphError when it is not one."""
    value = request.call.json().get("@odata.id")
    hit = re.fullmatch(rf"https?://[^/]+/(?:v1\.0|beta)/policies/{collection}/([^/?#]+)/?", str(value), re.IGNORECASE)
    if hit is None:
        raise GraphError("value_invalid", property="@odata.id", resource="DirectoryObject")
    return hit.group(1)


def bound(request: Request, body: Object, relation: str) -> list[str]:
    """The object ids of `<relation>@odata.bind`, each of an existing principal and once."""
    urls: Any = body.get(f"{relation}@odata.bind", [])
    if not isinstance(urls, list):
        raise GraphError("value_invalid", property=f"{relation}@odata.bind", resource="DirectoryObject")
    ids = [principal(request, referenced(url))[1]["id"] for url in urls]
    return list(dict.fromkeys(ids))
