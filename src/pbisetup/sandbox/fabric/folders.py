"""Folders of a workspace (source: fabric-rest-api-specs, Folders; recorded in microsoft/fabric-cli)."""

from __future__ import annotations

import re
import uuid
from typing import Final

from pbisetup.sandbox.fabric import contents
from pbisetup.sandbox.fabric.causes import Refused
from pbisetup.sandbox.fabric.service import collection, route
from pbisetup.sandbox.gate.request import Request
from pbisetup.sandbox.store import Object
from pbisetup.sandbox.wire import Reply, Route

DEEPEST: Final = 10
"""Levels (source: fabric-docs, workspaces-folders)."""
_BAD_NAME: Final = re.compile(r'[~"#.%&*:<>?/\\{|}]|^[\s]|[\s]$')
"""Characters that no folder's name has (source: fabric-docs, workspaces-folders)."""


def list_folders(request: Request) -> Reply:
    """All, or those in a folder; with `recursive=false` one level only."""
    root = request.call.query.get("rootFolderId")
    above = contents.within(request)
    found = [
        each
        for each in contents.entries(request.workspace, "folders")
        if (above is None or each.get("parentFolderId") in above) and each["id"] != root
    ]
    return collection(request, [contents.shown_folder(request.workspace, each) for each in found])


def get_folder(request: Request) -> Reply:
    return Reply(200, contents.shown_folder(request.workspace, _folder(request)))


def create_folder(request: Request) -> Reply:
    body = request.call.json()
    parent = body.get("parentFolderId")
    above = contents.folder(request, parent) if parent else None
    if above is not None and _depth(request, above) >= DEEPEST:
        raise Refused("folder_too_deep")
    name = _name(request, body.get("displayName"), above, None)
    made: Object = {"id": str(uuid.uuid4()), "displayName": name}
    if above is not None:
        made["parentFolderId"] = above["id"]
    contents.entries(request.workspace, "folders").append(made)
    request.changed()
    where = f"{request.call.origin}/v1/workspaces/{request.workspace['id']}/folders/{made['id']}"
    return Reply(201, contents.shown_folder(request.workspace, made), {"Location": where})


def update_folder(request: Request) -> Reply:
    found = _folder(request)
    parent = found.get("parentFolderId")
    above = contents.folder(request, parent) if parent else None
    found["displayName"] = _name(request, request.call.json().get("displayName"), above, found)
    request.changed()
    return Reply(200, contents.shown_folder(request.workspace, found))


def delete_folder(request: Request) -> Reply:
    """200 without a body; only an empty one."""
    found = _folder(request)
    workspace = request.workspace
    below = any(each.get("parentFolderId") == found["id"] for each in contents.entries(workspace, "folders"))
    if below or any(each.get("folderId") == found["id"] for each in contents.entries(workspace, "items")):
        raise Refused("folder_not_empty").about("Folder", found["id"])
    contents.entries(workspace, "folders").remove(found)
    request.changed()
    return Reply(200)


def move_folder(request: Request) -> Reply:
    found = _folder(request)
    target = request.call.json().get("targetFolderId")
    above = contents.folder(request, target) if target else None
    if above is not None and above["id"] in contents.inside(request, found["id"]):
        raise Refused("folder_into_itself")
    if above is not None and _depth(request, above) + _height(request, found) > DEEPEST:
        raise Refused("folder_too_deep")
    _name(request, found["displayName"], above, found)
    found.pop("parentFolderId", None)
    if above is not None:
        found["parentFolderId"] = above["id"]
    request.changed()
    return Reply(200, contents.shown_folder(request.workspace, found))


def _folder(request: Request) -> Object:
    return contents.folder(request, request.call.params["folderId"])


def _name(request: Request, name: object, above: Object | None, own: Object | None) -> str:
    """A name that may be given there. Raises Refused."""
    if not isinstance(name, str) or not name or len(name) > 255 or _BAD_NAME.search(name):
        raise Refused("folder_name_invalid")
    parent = above["id"] if above else None
    for each in contents.entries(request.workspace, "folders"):
        if each is not own and each.get("parentFolderId") == parent and each["displayName"].lower() == name.lower():
            raise Refused("folder_name_taken", name=name)
    return name


def _depth(request: Request, entry: Object) -> int:
    """How many levels down from the workspace a folder is."""
    by_id = {each["id"]: each for each in contents.entries(request.workspace, "folders")}
    found = 1
    while found <= DEEPEST and (entry := by_id.get(entry.get("parentFolderId"), {})):
        found += 1
    return found


def _height(request: Request, entry: Object, seen: int = 0) -> int:
    """How many levels a folder and what is below it take."""
    folders = contents.entries(request.workspace, "folders")
    below = [e for e in folders if e.get("parentFolderId") == entry["id"]] if seen <= DEEPEST else []
    return 1 + max((_height(request, each, seen + 1) for each in below), default=0)


routes: Final[list[Route]] = [
    route("platform.Folders_ListFolders", list_folders, role="Viewer"),
    route("platform.Folders_CreateFolder", create_folder, role="Contributor"),
    route("platform.Folders_GetFolder", get_folder, role="Viewer"),
    route("platform.Folders_UpdateFolder", update_folder, role="Contributor"),
    route("platform.Folders_DeleteFolder", delete_folder, role="Contributor"),
    route("platform.Folders_MoveFolder", move_folder, role="Contributor"),
]
