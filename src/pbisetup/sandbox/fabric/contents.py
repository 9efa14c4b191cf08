"""What lies in a workspace, and how it is found and shown: `items` and `folders` of the workspace's state.

An item is `{id, type, displayName, description?, folderId?}` with, out of sight, `_definition` (parts), `_appears` (when
its long-running creation ends), `_creator` and `_updated`. What Power BI has there (`reports`, `datasets`, `dashboards`) is
listed too, as the items that they are.

source: recorded in microsoft/fabric-cli (2025-09 to 2026-06): `description` is in every list, also where it is empty.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from pbisetup.sandbox.fabric.causes import Refused
from pbisetup.sandbox.gate.request import Request
from pbisetup.sandbox.store import Object
from pbisetup.sandbox.wire import World

_OF_POWER_BI: Final = {"reports": "Report", "datasets": "SemanticModel", "dashboards": "Dashboard"}


@dataclass(frozen=True)
class Item:
    """One item, and the list that holds it."""

    entry: Object
    type: str
    home: list[Object]

    @property
    def id(self) -> str:
        return str(self.entry["id"])

    @property
    def name(self) -> str:
        return str(self.entry.get("displayName") or self.entry.get("name") or "")

    def rename(self, name: str) -> None:
        """Under the key that it has its name by."""
        self.entry["name" if "name" in self.entry and "displayName" not in self.entry else "displayName"] = name


def entries(workspace: Object, name: str) -> list[Object]:
    """A list of the workspace, made where there is none."""
    found: list[Object] = workspace.setdefault(name, [])
    return found


def items(world: World, workspace: Object) -> list[Item]:
    """All that are there now."""
    now = world.now().timestamp()
    own = entries(workspace, "items")
    found = [Item(e, str(e.get("type")), own) for e in own if now >= float(e.get("_appears", 0))]
    taken = {each.id for each in found}
    for name, type_ in _OF_POWER_BI.items():
        home = workspace.get(name) or []
        found += [Item(e, type_, home) for e in home if e.get("id") and str(e["id"]) not in taken]
    return found


def item(request: Request, id_: str, type_: str | None = None) -> Item:
    """The item of this id (and type). Raises Refused."""
    wanted = id_.lower()
    for each in items(request.world, request.workspace):
        if each.id.lower() == wanted and type_ in (None, each.type):
            return each
    raise Refused("item_not_found")


def folder(request: Request, id_: object) -> Object:
    """The folder of this id. Raises Refused."""
    for each in entries(request.workspace, "folders"):
        if isinstance(id_, str) and str(each.get("id")).lower() == id_.lower():
            return each
    raise Refused("folder_not_found")


def inside(request: Request, folder_id: str) -> set[str]:
    """The ids of a folder and of all folders below it."""
    found = {folder_id}
    folders = entries(request.workspace, "folders")
    while more := {str(f["id"]) for f in folders if f.get("parentFolderId") in found} - found:
        found |= more
    return found


def within(request: Request) -> set[str | None] | None:
    """The folders whose contents a list is about, by `rootFolderId` and `recursive`; None: all. Raises Refused."""
    root = request.call.query.get("rootFolderId")
    deep = request.call.query.get("recursive", "true").lower() != "false"
    if not root:
        return None if deep else {None}
    id_ = str(folder(request, root)["id"])
    return set(inside(request, id_)) if deep else {id_}


def shown(workspace: Object, found: Item) -> Object:
    """An item as it is read."""
    entry = found.entry
    body = {"id": found.id, "type": found.type, "displayName": found.name}
    body |= {"description": str(entry.get("description") or ""), "workspaceId": workspace["id"]}
    return body | {key: entry[key] for key in ("folderId", "sensitivityLabel") if entry.get(key)}


def shown_folder(workspace: Object, entry: Object) -> Object:
    body = {"id": entry["id"], "displayName": entry["displayName"], "workspaceId": workspace["id"]}
    return body | ({"parentFolderId": entry["parentFolderId"]} if entry.get("parentFolderId") else {})
