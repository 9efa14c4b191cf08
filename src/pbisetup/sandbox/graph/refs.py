"""Finding what a request means: an object by its key in the path, or the object that a body's `@odata.id`
refers to.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Final

from pbisetup.sandbox.graph.errors import GraphError
from pbisetup.sandbox.graph.schema import is_guid
from pbisetup.sandbox.graph.service import Request, Resolve
from pbisetup.sandbox.hosts import is_loopback, microsoft_hosts
from pbisetup.sandbox.store import Collection, Object

_REFERENCE: Final = re.compile(
    r"^https?://[^/]+/(?:v1\.0|beta)(?:/[0-9a-f-]{36})?"
    r"/(?:directoryObjects|users|servicePrincipals|groups|applications|devices)"
    r"[/(]'?([0-9a-f-]{36})'?\)?/?$",
    re.IGNORECASE,
)

# Where objects are addressed: by id, and by each alternate key.
APPLICATIONS: Final = (
    "/applications/{id}",
    "/applications(appId='{appId}')",
    "/applications(uniqueName='{uniqueName}')",
)
SERVICE_PRINCIPALS: Final = ("/servicePrincipals/{id}", "/servicePrincipals(appId='{appId}')")
GROUPS: Final = ("/groups/{id}", "/groups(uniqueName='{uniqueName}')")

MOST_BOUND: Final = 20


def key(request: Request, name: str) -> str:
    """A key of the path; a doubled quote inside `(name='..')` stands for one."""
    return request.call.params[name].replace("''", "'")


def find(request: Request, collection: Collection) -> Object:
    """The object that the path names by `id`, `appId` or `uniqueName`. Raises GraphError `not_found`."""
    for name in ("appId", "uniqueName"):
        if name in request.call.params:
            value = key(request, name)
            if name == "appId" and not is_guid(value):
                raise GraphError("app_id_invalid")
            found = collection.by(name, value)
            break
    else:
        value = key(request, "id")
        found = collection.get(value)
    if found is None:
        raise GraphError("not_found", id=value)
    return found


def one(request: Request, collection: Collection, name: str, error: str = "not_found") -> Object:
    """The object of a collection whose id stands in the path as `name`. Raises GraphError `error`."""
    value = key(request, name)
    found = collection.get(value)
    if found is None:
        raise GraphError(error, id=value)
    return found


def among(request: Request, rows: Iterable[Object], name: str, error: str = "not_found", *, by: str = "id") -> Object:
    """Of rows that are no collection, the one whose `by` stands in the path as `name`. Raises GraphError `error`."""
    value = key(request, name)
    for each in rows:
        if str(each.get(by)).lower() == value.lower():
            return each
    raise GraphError(error, id=value)


def application(request: Request) -> Object:
    return find(request, request.tenant.applications)


def service_principal(request: Request) -> Object:
    return find(request, request.tenant.servicePrincipals)


def group(request: Request) -> Object:
    return find(request, request.tenant.groups)


HOLDERS: Final[tuple[tuple[str, str, Resolve], ...]] = (
    *((address, "application", application) for address in APPLICATIONS[:2]),
    *((address, "servicePrincipal", service_principal) for address in SERVICE_PRINCIPALS),
)
"""What has keys and app management policies of its own: address, type, and who finds it. guess: not by uniqueName."""


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


def referenced(request: Request, value: object) -> str:
    """The object id in an `@odata.id` URL of this service. Raises GraphError when it is not one."""
    hit = _REFERENCE.match(value) if isinstance(value, str) else None
    if hit is None or not is_guid(hit.group(1)) or not _is_graph(request, str(value)):
        raise GraphError("value_invalid", property="@odata.id", resource="DirectoryObject")
    return hit.group(1)


def body_reference(request: Request) -> str:
    """The object id that a `$ref` body names."""
    return referenced(request, request.call.json().get("@odata.id"))


def _is_graph(request: Request, url: str) -> bool:
    """Whether a URL leads to Graph: by Microsoft's names, by this server's own, or by the one that the call used."""
    host = url.split("/", 3)[2].lower()
    if is_loopback(host) or microsoft_hosts().get(host) == "graph" or host == request.call.origin.split("/")[2].lower():
        return True
    return host.rsplit(":", 1)[0].strip("[]") in request.world.names


def body_reference_to(request: Request, collection: str) -> str:
    """The id that a `$ref` body names in a collection of policies. Raises GraphError when it is not one."""
    value = request.call.json().get("@odata.id")
    hit = re.fullmatch(rf"https?://[^/]+/(?:v1\.0|beta)/policies/{collection}/([^/?#]+)/?", str(value), re.IGNORECASE)
    if hit is None:
        raise GraphError("value_invalid", property="@odata.id", resource="DirectoryObject")
    return hit.group(1)


def bound(request: Request, body: Object, relation: str) -> list[str]:
    """The object ids of `<relation>@odata.bind`, each of an existing principal. Raises GraphError where one is named
    twice, or too many are.
    """
    urls: Any = body.get(f"{relation}@odata.bind", [])
    if not isinstance(urls, list):
        raise GraphError("value_invalid", property=f"{relation}@odata.bind", resource="DirectoryObject")
    check_bound(len(urls))
    ids = [principal(request, referenced(request, url))[1]["id"] for url in urls]
    if len(set(ids)) != len(ids):
        raise GraphError("reference_twice", property=relation)
    return ids


def check_bound(number: int) -> None:
    """source: graph-docs group-post-groups, group-post-members: 20 relations in one request. Raises GraphError."""
    if number > MOST_BOUND:
        raise GraphError("limit", what="relationships in one request", limit=MOST_BOUND)
