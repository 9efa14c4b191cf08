"""Gateways, their data sources, and with whom these are shared, as far as a diagnosis needs them.

State: `gateways` [{id, name, publicKey, gatewayStatus, admins: [object ids or user names], datasources: [{id,
datasourceName, datasourceType, connectionDetails, credentialType, users: [DatasourceUser], _credentials: missing|wrong}]}].
Credentials themselves are never kept.

source: powerbi-swagger.json (the operations of the tag Gateways).
"""

from __future__ import annotations

import json
import uuid
from typing import Final

from pbisetup.sandbox.gate.fields import Fields
from pbisetup.sandbox.gate.request import Request
from pbisetup.sandbox.powerbi import body as given
from pbisetup.sandbox.powerbi import content, owners
from pbisetup.sandbox.powerbi.causes import Refused
from pbisetup.sandbox.powerbi.service import collection, context, route
from pbisetup.sandbox.store import Object
from pbisetup.sandbox.wire import Reply, Route

_CREDENTIALS: Final = ("Basic", "Windows", "Anonymous", "OAuth2", "Key", "SAS")
_CONNECTIONS: Final = ("Encrypted", "NotEncrypted")
_ALGORITHMS: Final = ("None", "RSA-OAEP")
_PRIVACY: Final = ("None", "Public", "Organizational", "Private")
_RIGHTS: Final = ("Read", "ReadOverrideEffectiveIdentity")


def public_gateway(gateway: Object) -> Object:
    """A gateway as Power BI lists it."""
    body = {"id": gateway["id"], "name": gateway.get("name") or gateway.get("displayName"), "type": "Resource"}
    keys = ("publicKey", "gatewayAnnotation", "gatewayStatus")
    return body | {key: gateway[key] for key in keys if gateway.get(key) is not None}


def visible(gateway: Object, source: Object) -> Object:
    """A data source as Power BI lists it; its connection details are JSON in a text."""
    body = {"id": source["id"], "gatewayId": gateway["id"]}
    body |= {key: value for key, value in source.items() if key != "users" and not key.startswith("_")}
    if not isinstance(body.get("connectionDetails"), str):
        body["connectionDetails"] = json.dumps(body.get("connectionDetails") or {}, separators=(",", ":"))
    return {**body, "credentialType": body.get("credentialType", "Basic")}


def list_gateways(request: Request) -> Reply:
    """Those that the caller administers."""
    mine = [public_gateway(each) for each in request.tenant.gateways if owners.is_admin(request, each)]
    return collection(request, "gateways", mine)


def get_gateway(request: Request) -> Reply:
    return Reply(200, {"@odata.context": context(request, "gateways/$entity"), **public_gateway(_gateway(request))})


def list_datasources(request: Request) -> Reply:
    gateway = _gateway(request)
    return collection(request, "datasources", [visible(gateway, each) for each in gateway.get("datasources", [])])


def get_datasource(request: Request) -> Reply:
    gateway, source = _datasource(request)
    return Reply(200, {"@odata.context": context(request, "datasources/$entity"), **visible(gateway, source)})


def datasource_status(request: Request) -> Reply:
    """200 where the gateway is reachable."""
    gateway, _ = _datasource(request)
    if not owners.reachable(gateway):
        raise Refused("gateway_unreachable")
    return Reply(200)


def create_datasource(request: Request) -> Reply:
    """201 with the new data source. On premises: what it says of encryption must be so, and OAuth2 is not taken (source:
    swagger); what is said of neither passes (guess).
    """
    gateway = _gateway(request)
    body = given.read(request)
    type_, details, name = (given.text(body, key) for key in ("dataSourceType", "connectionDetails", "dataSourceName"))
    if not _is_object(details):
        raise given.invalid("connectionDetails")
    credentials = _credential_type(body)
    for field, taken in (("encryptedConnection", _CONNECTIONS[:1]), ("encryptionAlgorithm", _ALGORITHMS[1:])):
        given.choice(body["credentialDetails"], field, taken)
    if credentials == "OAuth2":
        raise given.invalid("credentialType")
    held = gateway.setdefault("datasources", [])
    if any(str(each.get("datasourceName", "")).lower() == name.lower() for each in held):
        raise Refused("datasource_name_taken")
    made = {
        "id": str(uuid.uuid4()),
        "datasourceName": name,
        "datasourceType": type_,
        "connectionDetails": details,
        "credentialType": credentials,
        "users": [],
    }
    held.append(made)
    request.changed()
    return Reply(201, {"@odata.context": context(request, "datasources/$entity"), **visible(gateway, made)})


def delete_datasource(request: Request) -> Reply:
    gateway, source = _datasource(request)
    gateway["datasources"].remove(source)
    request.changed()
    return Reply(200)


def update_datasource(request: Request) -> Reply:
    """New credentials. For a source in the cloud its model's owner gives them, under the ids that the model's
    datasources name (source: powerbi-docs configure-credentials).
    """
    gateway = request.tenant.gateways.get(request.call.params["gatewayId"])
    meant = [_datasource(request)[1]] if gateway is not None else _cloud_sources(request)
    credentials = _credential_type(given.read(request))
    for source in meant:
        if gateway is not None:
            source["credentialType"] = credentials
            source.pop("_credentials", None)
        else:
            source["_credentialsOf"] = request.acting_id
    request.changed()
    return Reply(200)


def list_users(request: Request) -> Reply:
    _, source = _datasource(request)
    return collection(request, "users", list(source.get("users", [])))


def add_user(request: Request) -> Reply:
    """A user, a service principal by its object id, or a profile of one; groups are not supported (source: swagger)."""
    _, source = _datasource(request)
    body = given.read(request)
    right = given.choice(body, "datasourceAccessRight", _RIGHTS)
    name = body.get("identifier") or body.get("emailAddress")
    profile = body.get("profile")
    if right is None:
        raise given.invalid("datasourceAccessRight")
    if not isinstance(name, str):
        raise given.invalid("identifier")
    if profile is not None and not isinstance(profile, Fields):
        raise given.invalid("profile")
    if right == "ReadOverrideEffectiveIdentity" and request.is_app:
        raise Refused("override_right_by_an_app")
    tenant = request.tenant
    item = tenant.users.by("userPrincipalName", name) or tenant.users.get(name) or tenant.servicePrincipals.get(name)
    if item is None or (profile and not _profile_of(request, profile, item)):
        raise Refused("datasource_principal_invalid")
    person = item.get("userPrincipalName")
    entry = {
        "identifier": person or item["id"],
        **({"emailAddress": person} if person else {}),
        "displayName": str(item.get("displayName") or name),
        "principalType": "User" if person else "App",
        "datasourceAccessRight": right,
        **({"profile": {"id": profile["id"]}} if profile else {}),
    }
    users = source.setdefault("users", [])
    users[:] = [each for each in users if not _same(each, entry)] + [entry]
    request.changed()
    return Reply(200)


def remove_user(request: Request) -> Reply:
    """By user name or object id."""
    _, source = _datasource(request)
    name = request.call.params["emailAdress"].lower()
    users = source.get("users", [])
    kept = [
        each for each in users if name not in (str(each.get(k, "")).lower() for k in ("identifier", "emailAddress"))
    ]
    if len(kept) == len(users):
        raise Refused("has_no_access")
    source["users"] = kept
    request.changed()
    return Reply(200)


def _gateway(request: Request) -> Object:
    """The gateway of the path, for those who administer it. Raises Refused: nobody can tell a wrong id from no right."""
    found = request.tenant.gateways.get(request.call.params["gatewayId"])
    if found is None or not owners.is_admin(request, found):
        raise Refused("gateway_unknown")
    return found


def _datasource(request: Request) -> tuple[Object, Object]:
    gateway = _gateway(request)
    found = owners.datasource(gateway, request.call.params["datasourceId"])
    if found is None:
        raise Refused("item_unknown")
    return gateway, found


def _cloud_sources(request: Request) -> list[Object]:
    """The sources of models of the caller's under the ids of the path. Raises Refused."""
    wanted = [request.call.params[name].lower() for name in ("gatewayId", "datasourceId")]
    places = [content.my_workspace(request), *request.tenant.workspaces]
    found = [
        source
        for place in places
        for model in place.get("datasets", [])
        if owners.is_owner(request, model) and content.rights(request, place, model)
        for source in owners.sources(model)
        if [str(source.get(name, "")).lower() for name in ("gatewayId", "datasourceId")] == wanted
    ]
    if not found:
        raise Refused("gateway_unknown")
    return found


def _credential_type(body: Fields) -> str:
    """What kind of credentials a body has. The credentials themselves are not looked at. Raises Refused."""
    details = body.get("credentialDetails")
    if not isinstance(details, Fields):
        raise given.invalid("credentialDetails")
    given.choice(details, "encryptedConnection", _CONNECTIONS)
    given.choice(details, "encryptionAlgorithm", _ALGORITHMS)
    given.choice(details, "privacyLevel", _PRIVACY)
    return given.choice(details, "credentialType", _CREDENTIALS) or "Basic"


def _is_object(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return False


def _profile_of(request: Request, profile: Object, principal: Object) -> bool:
    id_ = profile.get("id")
    found = request.tenant.profiles.get(id_) if isinstance(id_, str) else None
    return found is not None and found.get("servicePrincipalId") == principal["id"]


def _same(one: Object, other: Object) -> bool:
    return (one.get("identifier"), one.get("profile")) == (other.get("identifier"), other.get("profile"))


routes: Final[list[Route]] = [
    route("Gateways_GetGateways", list_gateways),
    route("Gateways_GetGateway", get_gateway),
    route("Gateways_GetDatasources", list_datasources),
    route("Gateways_CreateDatasource", create_datasource),
    route("Gateways_GetDatasource", get_datasource),
    route("Gateways_DeleteDatasource", delete_datasource),
    route("Gateways_UpdateDatasource", update_datasource),
    route("Gateways_GetDatasourceStatus", datasource_status),
    route("Gateways_GetDatasourceUsers", list_users),
    route("Gateways_AddDatasourceUser", add_user),
    route("Gateways_DeleteDatasourceUser", remove_user),
]
