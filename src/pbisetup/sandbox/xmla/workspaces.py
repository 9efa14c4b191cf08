"""From the name of a workspace to the server of its capacity, and to the token for it."""

from __future__ import annotations

import secrets
from typing import Any, Final
from urllib.parse import urlsplit

from pbisetup.sandbox import access
from pbisetup.sandbox.base64url import encode
from pbisetup.sandbox.gate.request import Request
from pbisetup.sandbox.home import home
from pbisetup.sandbox.hosts import dedicated
from pbisetup.sandbox.store import Object
from pbisetup.sandbox.wire import Reply, Route
from pbisetup.sandbox.xmla.causes import TOKEN, Refused, hides_workspaces
from pbisetup.sandbox.xmla.environments import address
from pbisetup.sandbox.xmla.service import open_route, route

VIRTUAL_SERVER: Final = "sobe_wowvirtualserver"
"""Under which server a model stands for clients that go around the workspace (source: a public client of the endpoint)."""


def workspaces(request: Request) -> Reply:
    """Every workspace that the caller has a role in, as a bare list: a client finds its own by name and says that it "is
    not found" where it is missing, whatever the reason (powerbi-docs#3279).
    """
    if hides_workspaces(request):
        return Reply(200, [])
    found = [
        _workspace(request, each, "Group" if each.get("classic") else "Folder")
        for each in request.tenant.workspaces
        if access.workspace_role(request.world, each, request.acting_id)
    ]
    mine = request.person.get("myWorkspace")
    if request.call.query.get("includeMyWorkspace", "").lower() == "true" and isinstance(mine, dict):
        found.append(_workspace(request, {**mine, "displayName": None}, "User"))
    return Reply(200, found)


def _workspace(request: Request, item: Object, kind: str) -> Object:
    """Fields: three public clients. `capacitySku` is a kind, not a size, and a workspace made since 2019 a `Folder`."""
    capacity = item.get("capacityId")
    on_capacity = isinstance(capacity, str) and request.tenant.capacities.get(capacity) is not None
    return {
        "id": item.get("id"),
        "name": item.get("displayName"),
        "type": kind,
        "capacitySku": "Premium" if on_capacity else "Shared",
        "capacityObjectId": capacity if on_capacity else None,
        "capacityUri": f"{address(request, dedicated(request.cloud.name))}/{capacity}/" if on_capacity else "",
        "isSharedOnPremium": False,
    }


def database_name(request: Request) -> Reply:
    """The database of a semantic model, by the model's name: a list with one element, or with none."""
    if request.found is None or request.role is None:
        raise Refused("group_not_accessible")
    wanted = str(request.call.json().get("datasetName") or "").lower()
    return Reply(200, [_database(request, each) for each in _models(request.found) if _name(each) == wanted])


def _database(request: Request, model: Object) -> Object:
    return {
        "databaseName": model["id"],
        "datasetName": model.get("name"),
        "versionEtag": None,
        "virtualServerName": VIRTUAL_SERVER,
        "creatorUserPrincipalName": model.get("configuredBy"),
        "isAvailableOnPremiumCapacity": request.capacity is not None,
    }


def _models(workspace: Object) -> list[Object]:
    models = workspace.get("datasets")
    return [each for each in models if isinstance(each, dict) and "id" in each] if isinstance(models, list) else []


def _name(model: Object) -> str:
    return str(model.get("name") or "").lower()


def token(request: Request) -> Reply:
    """The token for a capacity, which clients send to its server from then on. Nobody else can read it, so that it is
    any text here. Not judged: rights on the model, which the server asks about when it opens it.
    """
    body = request.call.json()
    workspace = request.tenant.workspaces.get(str(body.get("workspaceObjectId") or ""))
    if workspace is None or access.workspace_role(request.world, workspace, request.acting_id) is None:
        raise Refused("group_not_accessible")
    capacity = request.tenant.capacities.get(str(workspace.get("capacityId") or ""))
    if capacity is None or _plain(capacity["id"]) != _plain(body.get("capacityObjectId")):
        raise Refused("capacity_other")
    if capacity.get("state", "Active") != "Active":
        raise Refused("capacity_paused")
    name = body.get("datasetName")
    if name is not None and str(name).lower() not in {_name(each) for each in _models(workspace)}:
        raise Refused("dataset_unknown")
    return Reply(200, {"Token": encode(secrets.token_bytes(96))})


def _plain(capacity: Any) -> str:
    """Clients write a capacity with a slash at the end, or without its hyphens."""
    return str(capacity or "").rstrip("/").replace("-", "").lower()


def resolve(request: Request) -> Reply:
    """Which host serves a capacity: a bare name, because clients keep the port. guess: how the server is called there."""
    wanted = _plain(request.call.json().get("serverName"))
    found = next((each for each in request.tenant.capacities if _plain(each["id"]) == wanted), None)
    if found is None or found.get("state", "Active") != "Active":
        raise Refused("server_unknown")
    host = urlsplit(address(request, dedicated(home(request.tenant).name))).hostname
    return Reply(200, {"clusterFQDN": host, "coreServerName": _plain(found["id"]), "tenantId": request.tenant.id})


def not_carried(request: Request) -> Reply:
    """The conversation itself. No answer of Microsoft's: this tenant's own word that it ends here."""
    said = "A workspace was resolved. The sandbox does not carry XMLA itself; see docs/parity.md."
    return Reply(501, {"sandbox": {"operation": request.operation.id, "message": said}})


_DATABASES: Final = "/powerbi/databases/v201606/workspaces"
routes: Final[list[Route]] = [
    route("ListXmlaWorkspaces", "GET", _DATABASES, workspaces),
    route("GetDatabaseName", "POST", f"{_DATABASES}/{{workspaceId}}/getDatabaseName", database_name),
    route(TOKEN, "POST", "/metadata/v201606/generateastoken", token),
    open_route("ClusterResolve", "POST", "/webapi/clusterResolve", resolve),
    open_route("Xmla", "POST", "/webapi/xmla", not_carried),
]
