"""What lies in a workspace, for reading: `items` and `folders` of the workspace's state, each a list of objects with
`id`, `displayName` and (items) `type`. Fabric REST reference, Items - List Items and Folders - List Folders.
"""

from __future__ import annotations

from typing import Final

from pbisetup.sandbox.fabric.causes import Refused
from pbisetup.sandbox.fabric.service import READ, Request, collection, open_to, route
from pbisetup.sandbox.fabric.workspaces import workspace_of
from pbisetup.sandbox.store import Object
from pbisetup.sandbox.wire import Reply, Route

_WORKSPACE: Final = "/v1/workspaces/{workspaceId}"
_ITEM_READ: Final = ("Item.Read.All", "Item.ReadWrite.All")


def list_items(request: Request) -> Reply:
    """All of them, or with `?type=` those of one type."""
    workspace = workspace_of(request, "Viewer")
    wanted = request.call.query.get("type", "").lower()
    found = [each for each in _entries(workspace, "items") if wanted in ("", str(each.get("type")).lower())]
    return collection([_shown(workspace, each) for each in found])


def get_item(request: Request) -> Reply:
    workspace = workspace_of(request, "Viewer")
    wanted = request.call.params["itemId"].lower()
    for each in _entries(workspace, "items"):
        if str(each.get("id")).lower() == wanted:
            return Reply(200, _shown(workspace, each))
    raise Refused("entity_not_found")


def list_folders(request: Request) -> Reply:
    workspace = workspace_of(request, "Viewer")
    return collection([_shown(workspace, each) for each in _entries(workspace, "folders")])


def _entries(workspace: Object, name: str) -> list[Object]:
    found = workspace.get(name)
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def _shown(workspace: Object, entry: Object) -> Object:
    return {**{k: v for k, v in entry.items() if not k.startswith("_")}, "workspaceId": workspace["id"]}


routes: Final[list[Route]] = [
    route("GET", f"{_WORKSPACE}/items", open_to(*READ), list_items),
    route("GET", f"{_WORKSPACE}/items/{{itemId}}", open_to(*_ITEM_READ), get_item),
    route("GET", f"{_WORKSPACE}/folders", open_to(*READ), list_folders),
]
