"""Gateways as Fabric lists them: those that the caller administers or may use.

The state is Power BI's (`gateways`: `admins` by object id or user name), with `type` (OnPremises where it is not said), what
Fabric shows beside it, and `roleAssignments` for the rights that are less than an administrator's.

source: fabric-rest-api-specs (Gateways); recorded in microsoft/fabric-cli.
"""

from __future__ import annotations

from typing import Final

from pbisetup.sandbox.access import GATEWAY_ROLES
from pbisetup.sandbox.fabric import shares
from pbisetup.sandbox.fabric.causes import Refused
from pbisetup.sandbox.fabric.service import collection, route
from pbisetup.sandbox.gate.request import Request
from pbisetup.sandbox.store import Object
from pbisetup.sandbox.wire import Reply, Route

_SHOWN: Final = (
    "publicKey", "version", "numberOfMemberGateways", "loadBalancingSetting", "allowCloudConnectionRefresh",
    "allowCustomConnectors", "capacityId", "virtualNetworkAzureResource", "inactivityMinutesBeforeSleep",
)  # fmt: skip


def list_gateways(request: Request) -> Reply:
    return collection(request, [_shown(each) for each in request.tenant.gateways if _role(request, each)])


def get_gateway(request: Request) -> Reply:
    found = request.tenant.gateways.get(request.call.params["gatewayId"])
    if found is None or _role(request, found) is None:
        raise Refused("entity_not_found")
    return Reply(200, _shown(found))


def _role(request: Request, gateway: Object) -> str | None:
    names = {request.acting_id.lower(), str(request.person.get("userPrincipalName", "")).lower()}
    if names & {str(each).lower() for each in gateway.get("admins") or []}:
        return "Admin"
    return shares.held(request, gateway, GATEWAY_ROLES)


def _shown(gateway: Object) -> Object:
    body = {"id": gateway["id"], "type": gateway.get("type", "OnPremises")}
    name = gateway.get("displayName") or gateway.get("name")
    body |= {"displayName": name} if name else {}
    return body | {key: gateway[key] for key in _SHOWN if gateway.get(key) is not None}


routes: Final[list[Route]] = [
    route("platform.Gateways_ListGateways", list_gateways),
    route("platform.Gateways_GetGateway", get_gateway),
]
