"""Items of every type, by the common routes and by the routes of each type: one implementation over `item_types`.

source: fabric-rest-api-specs (Items, and each type's own Items); recorded in microsoft/fabric-cli.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any, Final

from pbisetup.sandbox import access
from pbisetup.sandbox.fabric import contents, definitions, operations
from pbisetup.sandbox.fabric.causes import Refused
from pbisetup.sandbox.fabric.contents import Item
from pbisetup.sandbox.fabric.item_types import (
    MADE_BY_OTHERS,
    NEEDS_DEFINITION,
    WITH_CONNECTIONS,
    WITHOUT_CAPACITY,
    ItemType,
    item_types,
    named,
)
from pbisetup.sandbox.fabric.service import collection, route, text
from pbisetup.sandbox.gate.door import Handle
from pbisetup.sandbox.gate.request import Request
from pbisetup.sandbox.store import Object
from pbisetup.sandbox.wire import Reply, Route

HELD_NAME_SECONDS: Final = 20
"""How long the name of a deleted item is not to be had again (source: calvinchengx/fabric-emulator, measured 2026-08-11);
`weather.deleted_name_seconds` sets another time.
"""
_TAGGED: Final = {"ETag": '""'}

Made = Callable[[ItemType | None], Handle]


def list_items(type_: ItemType | None) -> Handle:
    """All of them, or those of one type; below one folder with `rootFolderId`."""

    def handle(request: Request) -> Reply:
        wanted = type_ or _asked_type(request)
        folders = contents.within(request)
        found = [
            each
            for each in contents.items(request.world, request.workspace)
            if (wanted is None or each.type == wanted.name)
            and (folders is None or each.entry.get("folderId") in folders)
        ]
        return collection(request, [_shown(request, each, typed=type_ is not None) for each in found])

    return handle


def get(type_: ItemType | None) -> Handle:
    def handle(request: Request) -> Reply:
        return Reply(200, _shown(request, _item(request, type_), typed=type_ is not None), _TAGGED)

    return handle


def create(type_: ItemType | None) -> Handle:
    """201 with the item, or 202 with a long-running operation that will give it."""

    def handle(request: Request) -> Reply:
        body = request.call.json()
        wanted = type_ or named(body.get("type"))
        if wanted is None or wanted.name in MADE_BY_OTHERS:
            raise Refused("item_type_unknown")
        _check_scope(request, wanted.name)
        _may_create(request, wanted)
        entry = _new(request, wanted, body)
        long = wanted.long("create", defined="_definition" in entry)
        if long:
            entry["_appears"] = operations.finishes(request)
        made = contents.entries(request.workspace, "items")
        made += [entry, *_companions(entry)]
        request.changed()
        shown = contents.shown(request.workspace, Item(entry, wanted.name, made))
        if not entry.get("description"):
            del shown["description"]
        return operations.accepted(request, shown) if long else Reply(201, shown, _TAGGED)

    return handle


def update(type_: ItemType | None) -> Handle:
    """Name and description."""

    def handle(request: Request) -> Reply:
        found = _item(request, type_)
        body = request.call.json()
        name = text(body, "displayName", needed=False)
        description = _description(body)
        if name is not None and name.lower() != found.name.lower():
            _free(request, found.type, name)
        for each in (found, *_bound(request, found)):
            if name is not None:
                each.rename(name)
        if description is not None:
            found.entry["description"] = description
        found.entry["_updated"] = request.world.now().timestamp()
        request.changed()
        return Reply(200, _shown(request, found, typed=False), _TAGGED)

    return handle


def delete(type_: ItemType | None) -> Handle:
    """200 without a body. For good (`hardDelete=true`) only a workspace's Admin may."""

    def handle(request: Request) -> Reply:
        found = _item(request, type_)
        if request.call.query.get("hardDelete", "").lower() == "true" and request.role != "Admin":
            raise Refused("workspace_role_too_low")
        for each in (found, *_bound(request, found)):
            each.home.remove(each.entry)
        seconds = float(request.tenant.section("weather").get("deleted_name_seconds", HELD_NAME_SECONDS))
        until = request.world.now().timestamp() + seconds
        held = [each for each in request.workspace.get("_heldNames", []) if not _over(request, each)]
        request.workspace["_heldNames"] = [*held, {"type": found.type, "name": found.name.lower(), "until": until}]
        request.changed()
        return Reply(200)

    return handle


def get_definition(type_: ItemType | None) -> Handle:
    def handle(request: Request) -> Reply:
        found = _item(request, type_)
        kind = _defined(found)
        shown = definitions.shown(found)
        return operations.accepted(request, shown) if kind.long("getDefinition") else Reply(200, shown)

    return handle


def update_definition(type_: ItemType | None) -> Handle:
    """It replaces the old one; with `updateMetadata=true` also name and description, by the part `.platform`."""

    def handle(request: Request) -> Reply:
        found = _item(request, type_)
        kind = _defined(found)
        parts = definitions.read(request.call.json().get("definition"))
        definitions.check_connections(request, found.type, parts)
        metadata = request.call.query.get("updateMetadata", "").lower() == "true"
        definitions.keep(request, found.entry, parts, metadata=metadata)
        request.changed()
        return operations.accepted(request) if kind.long("updateDefinition") else Reply(200)

    return handle


def list_connections(request: Request) -> Reply:
    """The connections that the item's definition names; what nobody has is not among them."""
    found = contents.item(request, request.call.params["itemId"])
    if found.type not in WITH_CONNECTIONS:
        raise Refused("not_for_this_item")
    used = definitions.connections(found.entry.get("_definition", []))
    known = [c for c in (request.tenant.connections.get(id_) for id_ in used) if c is not None]
    keys = ("connectivityType", "displayName", "id", "gatewayId", "connectionDetails")
    return collection(request, [{key: each[key] for key in keys if each.get(key)} for each in known])


def move(request: Request) -> Reply:
    """Into a folder, or with none named to the workspace itself; what belongs to the item goes with it."""
    found = contents.item(request, request.call.params["itemId"])
    target = request.call.json().get("targetFolderId")
    folder_id = contents.folder(request, target)["id"] if target else None
    moved = [found, *_bound(request, found)]
    for each in moved:
        each.entry.pop("folderId", None)
        if folder_id:
            each.entry["folderId"] = folder_id
    request.changed()
    return Reply(200, {"value": [contents.shown(request.workspace, each) for each in moved]})


def _item(request: Request, type_: ItemType | None) -> Item:
    """The item of the path: its id is the last key there."""
    id_ = next(value for name, value in request.call.params.items() if name != "workspaceId")
    found = contents.item(request, id_, type_.name if type_ else None)
    _check_scope(request, found.type)
    return found


def _check_scope(request: Request, type_: str) -> None:
    """On the common routes a token needs the scope for all items, or that of this type (source: fabric-rest-api-specs, whose
    example is a notebook's). Raises Refused.
    """
    if request.is_app or "user_impersonation" in request.caller.scopes:
        return
    for needed in request.operation.scopes or ():
        own = {f"{type_}.{suffix}" for suffix in needed & {"Read.All", "ReadWrite.All"}}
        if own and request.caller.scopes.isdisjoint(own | {name for name in needed if name.startswith("Item.")}):
            raise Refused("scopes_missing")


def _asked_type(request: Request) -> ItemType | None:
    asked = request.call.query.get("type")
    found = named(asked)
    if asked and found is None:
        raise Refused("item_type_unknown")
    return found


def _defined(found: Item) -> ItemType:
    kind = named(found.type)
    if kind is None or (kind.operations and "getDefinition" not in kind.operations):
        raise Refused("not_for_this_item")
    return kind


def _may_create(request: Request, wanted: ItemType) -> None:
    """Whether the caller may make such an item in this workspace. Raises Refused.

    source: closed types: the catalogue; FeatureNotAvailable: fabric-cicd#402, #605 (no capacity), fabric-cli#288 (the
    setting for Fabric items); the datamart switch: fabric-cicd#242, #253. That both settings keep users out with the same
    answers is inferred.
    """
    if request.is_app and wanted.closed_to_apps:
        raise Refused("item_type_closed_to_apps")
    if wanted.name in WITHOUT_CAPACITY:
        return
    if request.capacity is None or request.admission(access.FABRIC_ITEMS) != "admitted":
        raise Refused("item_feature_unavailable")
    if wanted.name == "Lakehouse" and request.admission(access.DATAMARTS) != "admitted":
        raise Refused("datamart_switch_off")


def _new(request: Request, wanted: ItemType, body: Object) -> Object:
    name = text(body, "displayName")
    assert name is not None
    description = _description(body)
    # An empty text is no folder: fabric-cicd sends one for the workspace itself.
    folder = body.get("folderId")
    folder_id = contents.folder(request, folder)["id"] if folder else None
    _free(request, wanted.name, name)
    entry: Object = {"id": str(uuid.uuid4()), "type": wanted.name, "displayName": name}
    if description:
        entry["description"] = description
    if folder_id:
        entry["folderId"] = folder_id
    given = body.get("definition")
    if given is not None or wanted.name in NEEDS_DEFINITION:
        parts = definitions.read(given)
        definitions.check_connections(request, wanted.name, parts)
        definitions.keep(request, entry, parts, metadata=False)
    entry |= {"_creator": request.acting_id, "_updated": request.world.now().timestamp()}
    return entry


def _free(request: Request, type_: str, name: str) -> None:
    """Raises Refused where another item of the type has the name, or had it a moment ago."""
    own = contents.entries(request.workspace, "items")
    taken = {each.name.lower() for each in contents.items(request.world, request.workspace) if each.type == type_}
    taken |= {str(each.get("displayName")).lower() for each in own if each.get("type") == type_}  # also those to come
    if name.lower() in taken:
        conflict = request.tenant.section("unknowns").get("itemNameTaken") == "409"
        raise Refused("item_name_taken_409" if conflict else "item_name_taken", name=name)
    for held in request.workspace.get("_heldNames", []):
        if (held["type"], held["name"]) == (type_, name.lower()) and not _over(request, held):
            raise Refused("item_name_not_available_yet", name=name)


def _over(request: Request, held: Object) -> bool:
    return request.world.now().timestamp() >= float(held["until"])


def _companions(entry: Object) -> list[Object]:
    """A lakehouse brings an SQL endpoint of its name (source: calvinchengx/fabric-emulator, measured 2026-08-11)."""
    if entry["type"] != "Lakehouse":
        return []
    copied = {key: entry[key] for key in ("displayName", "folderId", "_appears", "_creator") if key in entry}
    made: Object = {"id": str(uuid.uuid4()), "type": "SQLEndpoint", "_of": entry["id"]}
    return [made | copied]


def _bound(request: Request, found: Item) -> list[Item]:
    return [e for e in contents.items(request.world, request.workspace) if e.entry.get("_of") == found.entry["id"]]


def _description(body: Object) -> str | None:
    value = body.get("description")
    if value is not None and (not isinstance(value, str) or len(value) > 256):
        raise Refused("input_invalid", what="description")
    return value


def _shown(request: Request, found: Item, *, typed: bool) -> Object:
    """An item; by its type's own route with `properties`, of which this tenant has those of lakehouses."""
    body = contents.shown(request.workspace, found)
    properties: Any = found.entry.get("properties")
    if typed and properties is None and found.type == "Lakehouse":
        properties = _lakehouse(request, found)
    return {**body, "properties": properties} if typed and properties is not None else body


def _lakehouse(request: Request, found: Item) -> Object:
    """source: recorded in microsoft/fabric-cli (the lakehouse's routes)."""
    root = f"https://onelake.dfs.fabric.microsoft.com/{request.workspace['id']}/{found.id}"
    endpoint = next(iter(_bound(request, found)), None)
    sql = {"connectionString": None, "id": endpoint.id if endpoint else None, "provisioningStatus": "Success"}
    return {"oneLakeTablesPath": f"{root}/Tables", "oneLakeFilesPath": f"{root}/Files", "sqlEndpointProperties": sql}


_ACTIONS: Final[dict[str, tuple[Made, str]]] = {
    "list": (list_items, "Viewer"),
    "create": (create, "Contributor"),
    "get": (get, "Viewer"),
    "update": (update, "Contributor"),
    "delete": (delete, "Contributor"),
    "getDefinition": (get_definition, "Contributor"),
    "updateDefinition": (update_definition, "Contributor"),
}
"""What each call does, and the workspace role that gives the right on the item that it needs (source: fabric-rest-api-specs;
that rights on items come with roles only is this tenant's: items are not shared one by one here).
"""
_COMMON: Final = {
    "list": "platform.Items_ListItems",
    "create": "platform.Items_CreateItem",
    "get": "platform.Items_GetItem",
    "update": "platform.Items_UpdateItem",
    "delete": "platform.Items_DeleteItem",
    "getDefinition": "platform.Items_GetItemDefinition",
    "updateDefinition": "platform.Items_UpdateItemDefinition",
}


def _routes() -> list[Route]:
    made = []
    for what, (build, role) in _ACTIONS.items():
        # The workspace's own list does not run on its capacity (inferred: it shows what lies on a paused one).
        made.append(route(_COMMON[what], build(None), role=role, capacity=what != "list"))
        for type_ in item_types().values():
            if what in type_.operations:
                made.append(route(type_.operations[what], build(type_), role=role, capacity=True))
    return made


routes: Final[list[Route]] = [
    *_routes(),
    route("platform.Items_MoveItem", move, role="Contributor"),
    route("platform.Items_ListItemConnections", list_connections, role="Contributor"),
]
