"""What lies in a workspace, for reading: `items` and `folders` of the workspace's state, each a list of objects with
`id`, `displayName` and (items) `type`. Fabric REST reference, Items - List Items and Folders - List Folders.
"""

from __future__ import annotations

from typing import Final

from pbisetup.sandbox.fabric.causes import Refused
from pbisetup.sandbox.fabric.service import collection, route
from pbisetup.sandbox.gate.request import Request
from pbisetup.sandbox.store import Object
from pbisetup.sandbox.wire import Reply, Route


def list_items(request: Request) -> Reply:
    """All of them, or with `?type=` those of one type."""
    workspace = request.workspace
    wanted = request.call.query.get("type", "").lower()
    found = [each for each in _entries(workspace, "items") if wanted in ("", str(each.get("type")).lower())]
    return collection([_shown(workspace, each) for each in found])


def get_item(request: Request) -> Reply:
    workspace = request.workspace
    wanted = request.call.params["itemId"].lower()
    for each in _entries(workspace, "items"):
        if str(each.get("id")).lower() == wanted:
            return Reply(200, _shown(workspace, each))
    raise Refused("entity_not_found")


def list_folders(request: Request) -> Reply:
    workspace = request.workspace
    return collection([_shown(workspace, each) for each in _entries(workspace, "folders")])


def _entries(workspace: Object, name: str) -> list[Object]:
    found = workspace.get(name)
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def _shown(workspace: Object, entry: Object) -> Object:
    return {**{k: v for k, v in entry.items() if not k.startswith("_")}, "workspaceId": workspace["id"]}


routes: Final[list[Route]] = [
    route("platform.Items_ListItems", list_items, role="Viewer"),
    route("platform.Items_GetItem", get_item, role="Viewer", capacity=True),
    route("platform.Folders_ListFolders", list_folders, role="Viewer"),
]
