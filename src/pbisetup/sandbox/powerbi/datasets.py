"""Semantic models: who may use one, its sources and parameters, its owner, its gateways, its tables.

source: powerbi-swagger.json (the operations of the tag Datasets, and their limitations).
"""

from __future__ import annotations

from typing import Final

from pbisetup.sandbox.gate.fields import Fields
from pbisetup.sandbox.gate.request import Request
from pbisetup.sandbox.powerbi import body as given
from pbisetup.sandbox.powerbi import owners
from pbisetup.sandbox.powerbi.causes import Refused
from pbisetup.sandbox.powerbi.content import Found, dataset, pair, writable
from pbisetup.sandbox.powerbi.gateways import public_gateway, visible
from pbisetup.sandbox.powerbi.items import below, public
from pbisetup.sandbox.powerbi.service import collection, route
from pbisetup.sandbox.store import Object
from pbisetup.sandbox.wire import Reply, Route

_GRANTABLE: Final = ("Read", "ReadReshare", "ReadExplore", "ReadReshareExplore")
_OF_ROLE: Final = {
    "Viewer": "Read",
    "Contributor": "ReadWriteExplore",
    "Member": "ReadWriteReshareExplore",
    "Admin": "ReadWriteReshareExplore",
}
_PRINCIPALS: Final = {"ServicePrincipal": "App", "ServicePrincipalProfile": "App", "Group": "Group", "User": "User"}


def list_users(request: Request) -> Reply:
    """Those with a workspace role, and those on the model itself. Needs Read, Write and Reshare (source: swagger)."""
    found = dataset(request)
    if not {"Read", "Write", "Reshare"} <= found.rights:
        raise Refused("dataset_right_missing")
    users: dict[str, Object] = {}
    for entry in found.place.get("roleAssignments", []):
        item = (request.tenant.principal(entry["principal"]["id"]) or ("", {}))[1]
        name = item.get("userPrincipalName") or entry["principal"]["id"]
        type_ = _PRINCIPALS.get(entry["principal"].get("type"), "User")
        users[name.lower()] = _user(name, type_, _OF_ROLE[entry["role"]])
    for entry in found.item.get("_users", []):
        name = str(entry.get("identifier", ""))
        right = entry.get("datasetUserAccessRight", "Read")
        users.setdefault(name.lower(), _user(name, str(entry.get("principalType", "User")), right))
    return collection(request, "users", list(users.values()), below=below(request))


def put_user(request: Request) -> Reply:
    """Grants a right on the model; never to a service principal, never Write (source: swagger). PUT replaces."""
    found = dataset(request)
    if not {"Read", "Reshare"} <= found.rights:
        raise Refused("dataset_right_missing")
    body = given.read(request)
    type_ = given.choice(body, "principalType", ("App", "User", "Group"))
    if type_ == "App":
        raise Refused("dataset_user_is_an_app")
    if type_ is None:
        raise given.invalid("principalType")
    name = given.text(body, "identifier")
    rights = (*_GRANTABLE, "None") if request.call.method == "PUT" else _GRANTABLE
    right = given.choice(body, "datasetUserAccessRight", rights)
    if right is None:
        raise given.invalid("datasetUserAccessRight")
    tenant = request.tenant
    known = tenant.groups.get(name) if type_ == "Group" else tenant.users.by("userPrincipalName", name)
    if known is None:
        raise Refused("principal_unknown")
    users = found.item.setdefault("_users", [])
    kept = [each for each in users if str(each.get("identifier", "")).lower() != name.lower()]
    found.item["_users"] = kept if right == "None" else [*kept, _user(name, type_, right)]
    request.changed()
    return Reply(200)


def list_datasources(request: Request) -> Reply:
    found = dataset(request)
    if owners.owner(request.tenant, found.item)[0] == "gone" and owners.sources(found.item):
        raise Refused("owner_deleted")
    return collection(request, "datasources", [public(s) for s in owners.sources(found.item)], below=below(request))


def bound_datasources(request: Request) -> Reply:
    """The gateway's side of the model's sources."""
    values = []
    for source in owners.sources(dataset(request).item):
        gateway = request.tenant.gateways.get(str(source.get("gatewayId") or ""))
        there = owners.datasource(gateway, str(source.get("datasourceId") or "")) if gateway else None
        if gateway is not None and there is not None:
            values.append(visible(gateway, there))
    return collection(request, "gatewayDatasources", values, below=below(request))


def list_parameters(request: Request) -> Reply:
    """State: a model's `_parameters`, in Power BI's shape."""
    return collection(request, "parameters", dataset(request).item.get("_parameters", []), below=below(request))


def update_parameters(request: Request) -> Reply:
    """The owner's work (source: swagger); names are matched with regard to case."""
    found = _owned(request)
    details = given.objects(given.read(request), "updateDetails")
    if not 1 <= len(details) <= 100:
        raise given.invalid("updateDetails")
    held = {each["name"]: each for each in found.item.get("_parameters", [])}
    names = [given.text(each, "name") for each in details]
    if len(set(names)) < len(names):
        raise given.invalid("updateDetails")
    unknown = [str(position) for position, name in enumerate(names, 1) if name not in held]
    if unknown:
        raise Refused("parameters_unknown", positions=_positions(unknown), dataset=found.id)
    for each in details:
        if not isinstance(each.get("newValue"), str):
            raise given.invalid("newValue")
    for each in details:
        held[each["name"]]["currentValue"] = each["newValue"]
    request.changed()
    return Reply(200)


def _positions(found: list[str]) -> str:
    """As the service writes them: a run with a dash (recorded); otherwise with commas (guess)."""
    first, last = int(found[0]), int(found[-1])
    whole = len(found) > 1 and last - first + 1 == len(found)
    return f"{first} - {last}" if whole else ", ".join(found)


def update_datasources(request: Request) -> Reply:
    """The owner's work: the source that the selector names, or the only one, gets other connection details."""
    found = _owned(request)
    details = given.objects(given.read(request), "updateDetails")
    if not details:
        raise given.invalid("updateDetails")
    changes = []
    for each in details:
        meant, selector = each.get("connectionDetails"), each.get("datasourceSelector")
        if not isinstance(meant, Fields):
            raise given.invalid("connectionDetails")
        if selector is not None and not isinstance(selector, Fields):
            raise given.invalid("datasourceSelector")
        wanted = [s for s in owners.sources(found.item) if not selector or owners.same_connection(selector, s)]
        if len(wanted) != 1:
            raise Refused("item_unknown")
        changes.append((wanted[0], meant))
    for source, meant in changes:
        source["connectionDetails"] = dict(meant)
    request.changed()
    return Reply(200)


def take_over(request: Request) -> Reply:
    owners.take_over(request, writable(dataset(request)).item)
    request.changed()
    return Reply(200)


def discover_gateways(request: Request) -> Reply:
    """Gateways that have every source of the model, shared with the caller; none for a model without on-premises
    sources (source: swagger).
    """
    model = dataset(request).item
    held = []
    if model.get("isOnPremGatewayRequired"):
        held = [each for each in request.tenant.gateways if _fits(request, each, model) is not None]
    return collection(request, "gateways", [public_gateway(each) for each in held], below=below(request))


def bind_to_gateway(request: Request) -> Reply:
    """The caller must be a user of the data sources (source: swagger)."""
    model = writable(dataset(request)).item
    body = given.read(request)
    id_, chosen = given.text(body, "gatewayObjectId"), body.get("datasourceObjectIds")
    if not isinstance(chosen or [], list):
        raise given.invalid("datasourceObjectIds")
    gateway = request.tenant.gateways.get(id_)
    if gateway is None:
        raise Refused("gateway_unknown")
    bound = _fits(request, gateway, model, {str(each).lower() for each in chosen or []})
    if bound is None:
        raise Refused("datasource_not_shared")
    for source, there in bound:
        source |= {"gatewayId": gateway["id"], "datasourceId": there["id"]}
    request.changed()
    return Reply(200)


def _fits(
    request: Request, gateway: Object, model: Object, chosen: set[str] | None = None
) -> list[tuple[Object, Object]] | None:
    """For each source of the model the gateway's own, if all are there and shared with the caller."""
    pairs = []
    for source in owners.sources(model):
        for there in gateway.get("datasources", []):
            if chosen and str(there["id"]).lower() not in chosen:
                continue
            shared = owners.is_user(request.tenant, there, request.acting_id) or owners.is_admin(request, gateway)
            if shared and owners.same_connection(source, there):
                pairs.append((source, there))
                break
        else:
            return None
    return pairs


def list_tables(request: Request) -> Reply:
    """Of a push dataset only (source: swagger)."""
    found = dataset(request)
    if not found.item.get("addRowsAPIEnabled"):
        raise Refused("input_invalid")
    tables = [{"name": name, "columns": _columns(rows)} for name, rows in found.item.get("_tables", {}).items()]
    return collection(request, "tables", tables, below=below(request))


def _columns(rows: list[Object]) -> list[Object]:
    """Names and types as the first row has them."""
    types = {bool: "Boolean", int: "Int64", float: "Double"}
    first = rows[0] if rows else {}
    return [{"name": name, "dataType": types.get(type(value), "String")} for name, value in first.items()]


def _owned(request: Request) -> Found:
    found = writable(dataset(request))
    if not owners.is_owner(request, found.item):
        raise Refused("not_dataset_owner")
    return found


def _user(name: str, type_: str, right: str) -> Object:
    return {"identifier": name, "principalType": type_, "datasetUserAccessRight": right}


routes: Final[list[Route]] = [
    *pair("Datasets_GetDatasetUsers", list_users, "Viewer"),
    *pair("Datasets_PostDatasetUser", put_user, "Viewer"),
    *pair("Datasets_PutDatasetUser", put_user, "Viewer"),
    *pair("Datasets_GetDatasources", list_datasources, "Viewer"),
    *pair("Datasets_GetGatewayDatasources", bound_datasources, "Viewer"),
    *pair("Datasets_GetParameters", list_parameters, "Viewer"),
    *pair("Datasets_UpdateParameters", update_parameters, "Contributor"),
    *pair("Datasets_UpdateDatasources", update_datasources, "Contributor"),
    *pair("Datasets_DiscoverGateways", discover_gateways, "Viewer"),
    *pair("Datasets_BindToGateway", bind_to_gateway, "Contributor"),
    *pair("Datasets_GetTables", list_tables, "Viewer"),
    route("Datasets_TakeOverInGroup", take_over, role="Contributor"),
]
