"""Reports, semantic models and dashboards: where the one of a path is, what it shows, and who may do what with it.

They stand in `workspaces[].reports`, `.datasets`, `.dashboards` and `.imports`, and in `users[].myWorkspace` for My
workspace, with Power BI's own property names; what decides but is not shown begins with `_`. Rights that somebody has on
one item, beside a workspace role: `_users`, a list of `{identifier, principalType, datasetUserAccessRight}`.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final, Literal

from pbisetup.catalog.clouds import clouds
from pbisetup.sandbox import access
from pbisetup.sandbox.front_end import CLUSTER
from pbisetup.sandbox.gate.fields import Fields
from pbisetup.sandbox.gate.request import Request
from pbisetup.sandbox.powerbi import body as given
from pbisetup.sandbox.powerbi.causes import Refused
from pbisetup.sandbox.powerbi.service import route
from pbisetup.sandbox.store import Object
from pbisetup.sandbox.wire import Reply, Route

Kind = Literal["reports", "datasets", "dashboards", "imports"]
Right = Literal["Read", "Write", "Reshare", "Explore"]

# source: powerbi-docs datasets-permissions (what a workspace role means for a model); Explore is what users know as Build.
_OF_ROLE: Final[dict[str, frozenset[Right]]] = {
    "Viewer": frozenset({"Read"}),
    "Contributor": frozenset({"Read", "Write", "Explore"}),
    "Member": frozenset({"Read", "Write", "Reshare", "Explore"}),
    "Admin": frozenset({"Read", "Write", "Reshare", "Explore"}),
}
_RIGHTS: Final[tuple[Right, ...]] = ("Read", "Write", "Reshare", "Explore")


@dataclass(frozen=True)
class Found:
    """One item, where it is, and what the caller may do with it."""

    kind: Kind
    item: Object
    place: Object
    """Its workspace; for My workspace, that."""
    rights: frozenset[Right]
    mine: bool = False
    """It is in somebody's My workspace."""

    @property
    def id(self) -> str:
        return str(self.item["id"])


def my_workspace(request: Request) -> Object:
    """The calling user's own workspace; empty for a service principal."""
    found = request.person.get("myWorkspace")
    return found if isinstance(found, dict) else {}


def find(request: Request, kind: Kind, id_: str) -> Found:
    """The item with this id in the workspace of the path; without one in it, wherever the caller has a right on it.

    That routes without a workspace reach beyond My workspace is observed for executeQueries, elsewhere inferred.
    Raises Refused.
    """
    for place in _places(request):
        for item in place.get(kind, []):
            if item["id"].lower() == id_.lower():
                held = rights(request, place, item)
                if held:
                    return Found(kind, item, place, held, not is_group(request, place))
    raise Refused("item_unknown")


def anywhere(request: Request, kind: Kind, id_: str) -> tuple[Object, Object] | None:
    """(item, place) by id in the whole tenant, whoever may see it."""
    homes = (user["myWorkspace"] for user in request.tenant.users.peek() if isinstance(user.get("myWorkspace"), dict))
    for place in (*request.tenant.workspaces, *homes):
        for item in place.get(kind, []):
            if item["id"].lower() == id_.lower():
                return item, place
    return None


def is_group(request: Request, place: Object) -> bool:
    """A workspace, and not somebody's My workspace."""
    return request.tenant.workspaces.get(str(place.get("id", ""))) is place


def role(request: Request, place: Object) -> str | None:
    """The caller's role in a workspace; None also for My workspaces."""
    return access.workspace_role(request.world, place, request.acting_id) if is_group(request, place) else None


def report(request: Request) -> Found:
    return find(request, "reports", request.call.params["reportId"])


def dataset(request: Request) -> Found:
    return find(request, "datasets", request.call.params["datasetId"])


def writable(found: Found) -> Found:
    """The same, for callers who may write it. Raises Refused."""
    if "Write" not in found.rights:
        raise Refused("dataset_right_missing")
    return found


def running(request: Request, found: Found) -> Found:
    """The same, where the capacity under it is active or there is none. Raises Refused."""
    if paused(request, found.place):
        raise Refused("capacity_paused")
    return found


def rights(request: Request, place: Object, item: Object) -> frozenset[Right]:
    """What the caller may do with an item: by workspace role, and by what was given on the item itself."""
    if place is my_workspace(request):
        return frozenset(_RIGHTS)
    held: set[Right] = set(_OF_ROLE.get(role(request, place) or "", ()))
    names = caller_names(request)
    for entry in item.get("_users", []):
        if str(entry.get("identifier", "")).lower() in names:
            given = next((str(entry[key]) for key in entry if key.endswith("UserAccessRight")), "")
            held |= {right for right in _RIGHTS if right in given}
    return frozenset(held)


def caller_names(request: Request) -> set[str]:
    """What lists of users may call the caller: object id, user name, or a group that holds it."""
    groups = request.tenant.groups_of(request.acting_id, transitive=True)
    given = [request.acting_id, request.person.get("userPrincipalName"), *(group["id"] for group in groups)]
    return {str(name).lower() for name in given if name}


def capacity(request: Request, place: Object) -> Object | None:
    """The capacity under a workspace; None: shared."""
    id_ = place.get("capacityId")
    return request.tenant.capacities.get(id_) if isinstance(id_, str) else None


def paused(request: Request, place: Object) -> bool:
    found = capacity(request, place)
    return found is not None and found.get("state", "Active") != "Active"


def shown(request: Request, found: Found) -> Object:
    """An item as Power BI lists it: without what is private, with its addresses."""
    body = {name: value for name, value in found.item.items() if not name.startswith("_")}
    for name, value in _ADDRESSES.get(found.kind, _none)(request, found).items():
        body.setdefault(name, value)
    return body


def listed(request: Request, kind: Kind, place: Object) -> list[Object]:
    """All items of one kind in a workspace, as they are shown."""
    return [
        shown(request, Found(kind, item, place, rights(request, place, item), not is_group(request, place)))
        for item in place.get(kind, [])
    ]


def pair(operation: str, handle: Callable[[Request], Reply], least: str, **more: Any) -> list[Route]:
    """The route in a workspace, where it needs this role, and its twin without one."""
    return [route(f"{operation}InGroup", handle, role=least, **more), route(operation, handle, **more)]


def names_of(body: Fields, name: str, most: int = 50) -> list[str]:
    """The ids in a list of `{"id"}` of a body; absent is empty. Raises Refused."""
    held = given.objects(body, name)
    if len(held) > most or not all(isinstance(each.get("id"), str) for each in held):
        raise given.invalid(name)
    return [each["id"] for each in held]


def portal(request: Request) -> str:
    """Where people open Power BI in the tenant's cloud."""
    return clouds()[request.tenant.sections["tenant"].get("cloud", "public")].portal


def _places(request: Request) -> Iterator[Object]:
    if request.found is not None:
        yield request.found
        return
    yield my_workspace(request)
    yield from request.tenant.workspaces


def _none(_request: Request, _found: Found) -> Object:
    return {}


def _below(found: Found) -> str:
    return "me" if found.mine else str(found.place["id"])


def _report(request: Request, found: Found) -> Object:
    config = base64.b64encode(json.dumps({"clusterUrl": CLUSTER.rstrip("/")}).encode()).decode()
    group = "" if found.mine else f"&groupId={found.place['id']}"
    site = portal(request)
    return {
        "reportType": "PowerBIReport",
        "webUrl": f"{site}/groups/{_below(found)}/reports/{found.id}",
        # source: a public recording of 2026-07-14 (the form of the address)
        "embedUrl": f"{site}/reportEmbed?reportId={found.id}{group}&w=2&config={config}",
    }


def _dataset(request: Request, _found: Found) -> Object:
    site = portal(request)
    return {
        "addRowsAPIEnabled": False,
        "isRefreshable": True,
        "isEffectiveIdentityRequired": False,
        "isEffectiveIdentityRolesRequired": False,
        "isOnPremGatewayRequired": False,
        "createReportEmbedURL": f"{site}/reportEmbed?config=",
        "qnaEmbedURL": f"{site}/qnaEmbed?config=",
    }


def _dashboard(request: Request, found: Found) -> Object:
    site = portal(request)
    return {
        "isReadOnly": "Write" not in found.rights,
        "webUrl": f"{site}/groups/{_below(found)}/dashboards/{found.id}",
        "embedUrl": f"{site}/dashboardEmbed?dashboardId={found.id}",
    }


_ADDRESSES: Final[dict[str, Callable[[Request, Found], Object]]] = {
    "reports": _report,
    "datasets": _dataset,
    "dashboards": _dashboard,
}
