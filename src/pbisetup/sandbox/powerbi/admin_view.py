"""What an administrator sees: every workspace with its content, also the personal ones, and who may use what.

source: PowerBI-CSharp swagger (AdminGroup, AdminReport, ..., ReportUser and their examples).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from pbisetup.sandbox import odata
from pbisetup.sandbox.gate.request import Request
from pbisetup.sandbox.powerbi import content, groups
from pbisetup.sandbox.powerbi.causes import Refused
from pbisetup.sandbox.store import Object

# What lists of content are called in the path, and how an item of each is told apart.
ID: Final = {
    "reports": "id",
    "datasets": "id",
    "dashboards": "id",
    "dataflows": "objectId",
    "imports": "id",
}
NAME: Final = {"reports": "name", "datasets": "name", "dashboards": "displayName", "dataflows": "name"}
TYPE: Final = {"reports": "Report", "datasets": "Dataset", "dashboards": "Dashboard", "dataflows": "Dataflow"}
ACCESS: Final = {
    "reports": "reportUserAccessRight",
    "datasets": "datasetUserAccessRight",
    "dashboards": "dashboardUserAccessRight",
    "dataflows": "dataflowUserAccessRight",
    "app": "appUserAccessRight",
}
_MAY: Final = {"Admin": "Owner", "Member": "Owner", "Contributor": "ReadWrite", "Viewer": "Read"}
_OF_ROLE: Final = {
    # source: powerbi-docs datasets-permissions
    "datasets": {
        "Admin": "ReadWriteReshareExplore",
        "Member": "ReadWriteReshareExplore",
        "Contributor": "ReadWriteExplore",
        "Viewer": "Read",
    },
    # inferred from the swagger's values and what each role may do
    "reports": _MAY,
    "dashboards": _MAY,
    "dataflows": _MAY,
}
_ENUM: Final = re.compile(r"\bMicrosoft\.[\w.]+(?=')")
"""The type before an enumeration's value in a filter, as the swagger's own example writes it."""


def places(request: Request) -> Iterator[tuple[Object, Object | None]]:
    """Every workspace, and after them the personal ones with whose they are."""
    for workspace in request.tenant.workspaces:
        yield workspace, None
    for user in request.tenant.users.peek():
        home = user.get("myWorkspace")
        if isinstance(home, dict) and isinstance(home.get("id"), str):
            yield home, user


def items(request: Request, kind: str) -> Iterator[tuple[Object, Object, Object | None]]:
    """Every item of a kind in the tenant: itself, its workspace, and whose that is where it is personal."""
    for place, owner in places(request):
        for item in place.get(kind, []):
            yield item, place, owner


def find(request: Request, kind: str, id_: str) -> tuple[Object, Object, Object | None]:
    """The item with this id. Raises Refused."""
    for found in items(request, kind):
        if str(found[0].get(ID[kind], "")).lower() == id_.lower():
            return found
    raise Refused("item_unknown")


def workspace(place: Object, owner: Object | None) -> Object:
    """A workspace as an AdminGroup. The name and type of personal ones: known, one form of several."""
    if owner is None:
        body = {**groups.shown(place), "state": "Active", "hasWorkspaceLevelSettings": False}
        return {**body, **({"description": place["description"]} if place.get("description") else {})}
    name = f"PersonalWorkspace {owner.get('displayName') or owner['userPrincipalName']}"
    body = groups.shown({**place, "displayName": name, "type": "PersonalGroup"})
    return {**body, "state": "Active", "hasWorkspaceLevelSettings": False}


def item(request: Request, kind: str, found: Object, place: Object, owner: Object | None) -> Object:
    """An item as it stands in an administrator's list, which says where it is."""
    if kind == "imports":
        return _public(found)
    if kind in ("reports", "datasets", "dashboards"):
        there = content.Found(kind, found, place, frozenset(), owner is not None)  # type: ignore[arg-type]
        body = content.shown(request, there)
        if kind == "dashboards":
            # It is the caller's own right that makes a dashboard read-only elsewhere.
            body["isReadOnly"] = found.get("isReadOnly", False)
    else:
        body = _public(found)
    return {**body, "workspaceId": place["id"]}


def workspace_users(request: Request, place: Object, owner: Object | None, *, typed: bool = False) -> list[Object]:
    """Who has a role in a workspace; in a personal one its owner (inferred). `typed`: also what kind of user each is."""
    entries = place.get("roleAssignments", [])
    if owner is not None:
        entries = [{"principal": {"id": owner["id"], "type": "User"}, "role": "Admin"}]
    users = [_with_ids(request, entry["principal"]["id"], groups.user(request, entry)) for entry in entries]
    return users if typed else [{k: v for k, v in user.items() if k != "userType"} for user in users]


def item_users(request: Request, kind: str, found: Object, place: Object, owner: Object | None) -> list[Object]:
    """Who may use an item: by role in its workspace, and by what was given on the item (`_users`)."""
    users = []
    for user in workspace_users(request, place, owner, typed=True):
        role = user.pop("groupUserAccessRight")
        users.append({ACCESS[kind]: _OF_ROLE[kind].get(role, "Read"), **user})
    named = {str(user["identifier"]).lower() for user in users}
    return users + [
        given
        for given in map(lambda entry: given_user(request, kind, entry), found.get("_users", []))
        if str(given["identifier"]).lower() not in named
    ]


def given_user(request: Request, kind: str, entry: Object) -> Object:
    """An entry of `_users` as the users of an item are listed."""
    id_ = str(entry.get("identifier", ""))
    person = request.tenant.users.by("userPrincipalName", id_)
    right = next((entry[key] for key in entry if str(key).lower().endswith("useraccessright")), "Read")
    body: Object = {ACCESS[kind]: right, "identifier": id_, "principalType": entry.get("principalType", "User")}
    told = _with_ids(request, str(person["id"]) if person else id_, body)
    if kind == "app":
        told.pop("userType", None)
    return told


def _with_ids(request: Request, id_: str, body: Object) -> Object:
    """A user with what only administrators are shown: the object id, and what kind of user it is."""
    kind, found = request.tenant.principal(id_) or ("", {})
    if found.get("displayName"):
        body.setdefault("displayName", found["displayName"])
    if found.get("userPrincipalName"):
        body.setdefault("emailAddress", found["userPrincipalName"])
    body["graphId"] = id_
    return {**body, "userType": found.get("userType", "Member")} if kind == "user" else body


def filtered(request: Request, values: list[Object], names: set[str]) -> list[Object]:
    """What `$filter` leaves, which may ask about these properties. Raises Refused."""
    text = request.call.query.get("$filter")
    if not text:
        return values
    try:
        expression = odata.parse(_ENUM.sub("", text), exact=True)
    except odata.BadFilter:
        raise Refused("input_invalid") from None
    if expression.properties() - names:
        raise Refused("input_invalid")
    return [value for value in values if expression.matches(value)]


def _public(item: Object) -> Object:
    return {name: value for name, value in item.items() if not name.startswith("_")}
