"""Connections, and with whom they are shared.

State: `connections`, in Fabric's own shape with `roleAssignments` [{id, principal {id, type}, role}]. Credentials are never
kept: of them only their type is.

source: fabric-rest-api-specs (Connections); recorded in microsoft/fabric-cli; a public project's measurement that an app
sees only what is shared with it (2026-08-31).
"""

from __future__ import annotations

import uuid
from typing import Any, Final

from pbisetup.sandbox import access
from pbisetup.sandbox.fabric import shares
from pbisetup.sandbox.fabric.causes import Refused
from pbisetup.sandbox.fabric.service import collection, route, text
from pbisetup.sandbox.gate.request import Request
from pbisetup.sandbox.store import Object
from pbisetup.sandbox.wire import Reply, Route

_CONNECTIVITY: Final = (
    "ShareableCloud", "PersonalCloud", "OnPremisesGateway", "OnPremisesGatewayPersonal", "VirtualNetworkGateway",
    "StreamingVirtualNetworkGateway",
)  # fmt: skip
_PRIVACY: Final = ("None", "Private", "Organizational", "Public")
_CREDENTIALS: Final = (
    "Windows", "Anonymous", "Basic", "Key", "OAuth2", "WindowsWithoutImpersonation", "SharedAccessSignature",
    "ServicePrincipal", "WorkspaceIdentity", "KeyPair",
)  # fmt: skip
_TYPES: Final = {"user": "User", "group": "Group", "servicePrincipal": "ServicePrincipal"}

# type, method, parameters (name, needed), credentials. source: the SQL row as recorded in microsoft/fabric-cli and the
# example of ListSupportedConnectionTypes; of the others, which the real list has by the hundred, only what a connection is
# usually made of (known).
_KINDS: Final = (
    ("SQL", "Sql", (("server", True), ("database", False)), ("Basic", "OAuth2", "ServicePrincipal", "WorkspaceIdentity")),
    ("Web", "Web", (("url", True),), ("Anonymous", "Basic", "OAuth2", "ServicePrincipal", "Key")),
    ("AzureBlobs", "AzureBlobs", (("account", True), ("domain", True)),
     ("Anonymous", "Key", "OAuth2", "SharedAccessSignature", "ServicePrincipal", "WorkspaceIdentity")),
    ("AzureDataLakeStorage", "AzureDataLakeStorage", (("server", True), ("path", True)),
     ("Key", "OAuth2", "SharedAccessSignature", "ServicePrincipal", "WorkspaceIdentity")),
    ("FabricSql", "FabricSql.Contents", (), ("OAuth2", "ServicePrincipal", "WorkspaceIdentity")),
)  # fmt: skip


def list_connections(request: Request) -> Reply:
    """Those that are shared with the caller."""
    return collection(request, [_shown(each) for each in request.tenant.connections if _role(request, each)])


def get_connection(request: Request) -> Reply:
    return Reply(200, _shown(_connection(request)))


def create_connection(request: Request) -> Reply:
    """201 with Location; the caller owns it. Nothing is connected to: the credentials are not tried."""
    body = request.call.json()
    name = text(body, "displayName", most=200)
    if body.get("connectivityType") not in _CONNECTIVITY:
        raise Refused("input_invalid", what="connectivityType")
    if body.get("privacyLevel", "None") not in _PRIVACY:
        raise Refused("input_invalid", what="privacyLevel")
    details = _details(body.get("connectionDetails"))
    credentials = _credentials(body.get("credentialDetails"))
    if any(str(each.get("displayName")).lower() == str(name).lower() for each in request.tenant.connections):
        raise Refused("connection_name_taken")
    made: Object = {
        "allowConnectionUsageInGateway": body.get("allowConnectionUsageInGateway") is True,
        "allowUsageInUserControlledCode": body.get("allowUsageInUserControlledCode") is True,
        "id": str(uuid.uuid4()),
        "displayName": name,
        "connectivityType": body["connectivityType"],
        "connectionDetails": details,
        "privacyLevel": body.get("privacyLevel", "None"),
        "credentialDetails": credentials,
        "roleAssignments": [access.assignment(request.world, request.caller.object_id, _kind(request), "Owner")],
    }
    if isinstance(body.get("gatewayId"), str):
        made["gatewayId"] = body["gatewayId"]
    request.tenant.connections.add(made)
    request.changed()
    return Reply(201, _shown(made), {"Location": f"{request.call.origin}/v1/connections/{made['id']}"})


def update_connection(request: Request) -> Reply:
    found = _managed(request, "UserWithReshare")
    body = request.call.json()
    if body.get("connectivityType") != found.get("connectivityType"):
        raise Refused("input_invalid", what="connectivityType")
    name = text(body, "displayName", most=200, needed=False)
    if name is not None:
        found["displayName"] = name
    if body.get("privacyLevel") is not None:
        if body["privacyLevel"] not in _PRIVACY:
            raise Refused("input_invalid", what="privacyLevel")
        found["privacyLevel"] = body["privacyLevel"]
    if body.get("credentialDetails") is not None:
        found["credentialDetails"] = _credentials(body["credentialDetails"])
    request.changed()
    return Reply(200, _shown(found))


def delete_connection(request: Request) -> Reply:
    """200 without a body."""
    request.tenant.connections.remove(_managed(request, "Owner")["id"])
    request.changed()
    return Reply(200)


def list_types(request: Request) -> Reply:
    shown = [
        {
            "type": type_,
            "creationMethods": [
                {
                    "name": method,
                    "parameters": [
                        {"name": name, "dataType": "Text", "required": needed, "allowedValues": None}
                        for name, needed in parameters
                    ],
                }
            ],
            "supportedCredentialTypes": list(credentials),
            "supportedConnectionEncryptionTypes": ["NotEncrypted", "Encrypted"] if type_ == "SQL" else ["NotEncrypted"],
            "supportsSkipTestConnection": False,
        }
        for type_, method, parameters, credentials in _KINDS
    ]
    return collection(request, shown)


def list_assignments(request: Request) -> Reply:
    return collection(request, [_assignment(each) for each in _connection(request).get("roleAssignments") or []])


def get_assignment(request: Request) -> Reply:
    return Reply(200, _assignment(_entry(request, _connection(request))))


def add_assignment(request: Request) -> Reply:
    """201 with Location; the principal is a user, a group or a service principal by its object id."""
    found = _managed(request, "UserWithReshare")
    body = request.call.json()
    role = _wanted(body)
    principal = body.get("principal")
    if not isinstance(principal, dict) or not isinstance(principal.get("id"), str):
        raise Refused("input_invalid", what="principal")
    known = request.tenant.principal(principal["id"])
    if known is None or principal.get("type") not in _TYPES.values():
        raise Refused("connection_principal_unknown")
    id_ = known[1]["id"]
    entries = found.setdefault("roleAssignments", [])
    entries[:] = [each for each in entries if each["principal"]["id"] != id_]  # guess: a second one replaces the first
    entry = {"id": id_, "principal": {"id": id_, "type": _TYPES[known[0]]}, "role": role}
    entries.append(entry)
    request.changed()
    where = f"{request.call.origin}/v1/connections/{found['id']}/roleAssignments/{id_}"
    return Reply(201, entry, {"Location": where})


def change_assignment(request: Request) -> Reply:
    entry = _entry(request, _managed(request, "Owner"))
    entry["role"] = _wanted(request.call.json())
    request.changed()
    return Reply(200, _assignment(entry))


def remove_assignment(request: Request) -> Reply:
    found = _managed(request, "Owner")
    found["roleAssignments"].remove(_entry(request, found))
    request.changed()
    return Reply(200)


def _role(request: Request, connection: Object) -> str | None:
    return shares.held(request, connection, shares.ROLES)


def _connection(request: Request) -> Object:
    """The connection of the path, where the caller may see it. Raises Refused."""
    found = request.tenant.connections.get(request.call.params["connectionId"])
    if found is None or _role(request, found) is None:
        raise Refused("entity_not_found")
    return found


def _managed(request: Request, least: str) -> Object:
    found = _connection(request)
    if shares.ROLES.index(str(_role(request, found))) < shares.ROLES.index(least):
        raise Refused("connection_not_managed")
    return found


def _entry(request: Request, connection: Object) -> Object:
    id_ = request.call.params["connectionRoleAssignmentId"].lower()
    for entry in connection.get("roleAssignments") or []:
        if str(entry.get("id") or entry["principal"]["id"]).lower() == id_:
            found: Object = entry
            return found
    raise Refused("entity_not_found")


def _wanted(body: Object) -> str:
    role = body.get("role")
    if role not in shares.ROLES:
        raise Refused("input_invalid", what="role")
    return str(role)


def _kind(request: Request) -> str:
    return "ServicePrincipal" if request.is_app else "User"


def _details(value: Any) -> Object:
    """What a connection shows of the parameters it was made with: their values, joined (recorded: `server;db`)."""
    if not isinstance(value, dict) or not isinstance(value.get("type"), str) or not value["type"]:
        raise Refused("connection_details_invalid")
    parameters = value.get("parameters", [])
    if not isinstance(parameters, list) or not all(
        isinstance(each, dict) and isinstance(each.get("name"), str) and "value" in each for each in parameters
    ):
        raise Refused("connection_details_invalid")
    given = {each["name"]: each["value"] for each in parameters}
    needed = next((kind[2] for kind in _KINDS if kind[0] == value["type"]), ())
    if any(required and not given.get(name) for name, required in needed):
        raise Refused("connection_details_invalid")
    return {"path": ";".join(str(each) for each in given.values()), "type": value["type"]}


def _credentials(value: Any) -> Object:
    """Everything but the credentials. Raises Refused."""
    inner = value.get("credentials") if isinstance(value, dict) else None
    if not isinstance(inner, dict) or inner.get("credentialType") not in _CREDENTIALS:
        raise Refused("credential_details_invalid")
    kept: Object = {"credentialType": inner["credentialType"]}
    kept["singleSignOnType"] = str(value.get("singleSignOnType", "None"))[:50]
    kept["connectionEncryption"] = str(value.get("connectionEncryption", "NotEncrypted"))[:50]
    kept["skipTestConnection"] = value.get("skipTestConnection") is True
    return kept


def _shown(connection: Object) -> Object:
    return {k: v for k, v in connection.items() if k != "roleAssignments" and not k.startswith("_")}


def _assignment(entry: Object) -> Object:
    principal = {key: entry["principal"].get(key) for key in ("id", "type")}
    return {"id": entry.get("id") or principal["id"], "principal": principal, "role": entry["role"]}


routes: Final[list[Route]] = [
    route("platform.Connections_ListConnections", list_connections),
    # source: powerbi.md 1.2: the setting opens creating workspaces, connections and deployment pipelines.
    route("platform.Connections_CreateConnection", create_connection, app_settings=(access.CREATE_APIS,)),
    route("platform.Connections_GetConnection", get_connection),
    route("platform.Connections_UpdateConnection", update_connection),
    route("platform.Connections_DeleteConnection", delete_connection),
    route("platform.Connections_ListSupportedConnectionTypes", list_types),
    route("platform.Connections_ListConnectionRoleAssignments", list_assignments),
    route("platform.Connections_AddConnectionRoleAssignment", add_assignment),
    route("platform.Connections_GetConnectionRoleAssignment", get_assignment),
    route("platform.Connections_UpdateConnectionRoleAssignment", change_assignment),
    route("platform.Connections_DeleteConnectionRoleAssignment", remove_assignment),
]
