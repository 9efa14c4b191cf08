"""Who may reach a workspace, and the workspace's own identity.

source: fabric-rest-api-specs (network communication policy, workspace identity); recorded in microsoft/fabric-cli (identity:
202, five seconds, the two ids as the result).
"""

from __future__ import annotations

import hashlib
import json
import uuid
from typing import Any, Final

from pbisetup.sandbox.fabric import operations
from pbisetup.sandbox.fabric.causes import Refused
from pbisetup.sandbox.fabric.service import route
from pbisetup.sandbox.gate.request import Request
from pbisetup.sandbox.store import Object
from pbisetup.sandbox.wire import Reply, Route

_ACTIONS: Final = ("Allow", "Deny")
IDENTITY_SECONDS: Final = 5


def get_policy(request: Request) -> Reply:
    """With an ETag; what nobody set is allowed."""
    found = _whole(request.workspace.get("communicationPolicy"))
    return Reply(200, found, {"ETag": _tag(found)})


def set_policy(request: Request) -> Reply:
    """It replaces the whole policy: what the body leaves out is allowed from then on. guess: 412 for another If-Match is not
    carried, such a call is refused as invalid.
    """
    wanted = request.call.headers.get("if-match")
    if wanted and wanted.strip('"') != _tag(_whole(request.workspace.get("communicationPolicy"))).strip('"'):
        raise Refused("input_invalid", what="If-Match")
    body = request.call.json()
    for side in ("inbound", "outbound"):
        rules = body.get(side, {})
        rules = rules.get("publicAccessRules", {}) if isinstance(rules, dict) else None
        if not isinstance(rules, dict) or rules.get("defaultAction", "Allow") not in _ACTIONS:
            raise Refused("input_invalid", what=side)
    request.workspace["communicationPolicy"] = found = _whole(body)
    request.changed()
    return Reply(200, None, {"ETag": _tag(found)})


def provision_identity(request: Request) -> Reply:
    """A service principal of the workspace's name, which the directory shows."""
    workspace = request.workspace
    if workspace.get("workspaceIdentity"):
        raise Refused("identity_exists")
    app_id = str(uuid.uuid4())
    principal: Object = {
        "id": str(uuid.uuid4()),
        "appId": app_id,
        "displayName": workspace["displayName"],
        "servicePrincipalType": "Application",
        "servicePrincipalNames": [app_id],
        "accountEnabled": True,
        "appOwnerOrganizationId": request.tenant.id,
        "owners": [],
    }
    request.tenant.servicePrincipals.add(principal)
    identity = {"applicationId": app_id, "servicePrincipalId": principal["id"]}
    workspace["workspaceIdentity"] = identity
    return operations.accepted(request, identity, retry_after=IDENTITY_SECONDS)


def deprovision_identity(request: Request) -> Reply:
    identity = request.workspace.pop("workspaceIdentity", None)
    if not isinstance(identity, dict):
        raise Refused("entity_not_found")
    request.tenant.servicePrincipals.remove(str(identity.get("servicePrincipalId")))
    return operations.accepted(request, retry_after=IDENTITY_SECONDS)


def _whole(policy: Any) -> Object:
    found: Object = {}
    for side in ("inbound", "outbound"):
        rules = (policy or {}).get(side) or {}
        action = (rules.get("publicAccessRules") or {}).get("defaultAction", "Allow")
        found[side] = {"publicAccessRules": {"defaultAction": action}}
    return found


def _tag(policy: Object) -> str:
    return f'"{hashlib.sha256(json.dumps(policy, sort_keys=True).encode()).hexdigest()[:32]}"'


routes: Final[list[Route]] = [
    route("platform.Workspaces_GetNetworkCommunicationPolicy", get_policy, role="Viewer"),
    route("platform.Workspaces_SetNetworkCommunicationPolicy", set_policy, role="Admin"),
    route("platform.Workspaces_ProvisionIdentity", provision_identity, role="Admin"),
    route("platform.Workspaces_DeprovisionIdentity", deprovision_identity, role="Admin"),
]
