"""The little of Azure Resource Manager that a sign-in with Azure CLI asks for (clients.md 3), and a capacity's `suspend`
and `resume`, which are asked of Azure and not of Power BI.

State: `azure.subscriptions`, a list of `{id, displayName, roleAssignments: [{principalId}]}`; there is none unless it is
said. A role is one that may do everything: which roles may do what is not modelled.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from pbisetup.sandbox.bearer import BadToken, read_bearer
from pbisetup.sandbox.entra.authority import GUID
from pbisetup.sandbox.store import Object
from pbisetup.sandbox.wire import Call, Reply, Route, World

AUDIENCES = (
    "https://management.core.windows.net",
    "https://management.azure.com",
    "797f4846-ba00-4fd7-ba43-dac1f8f63013",
)


# Code by what is wrong with the token. Codes and texts: Azure Resource Manager troubleshooting pages and issues of azure-cli
# and terraform-provider-azurerm; the order of the checks and texts beside these are a guess.
_TOKEN_FAULTS: Final = {
    "missing": ("AuthenticationFailed", "Authentication failed. The 'Authorization' header is missing."),
    "expired": ("ExpiredAuthenticationToken", "The access token has expired."),
    "foreign_tenant": (
        "InvalidAuthenticationTokenTenant",
        "The access token is from the wrong issuer. It must match the tenant associated with this subscription.",
    ),
    "other": ("InvalidAuthenticationToken", "The access token is invalid."),
    "audience": (
        "InvalidAuthenticationTokenAudience",
        "The access token has been obtained for wrong audience or resource.",
    ),
}


def _refusal(world: World, call: Call) -> Reply | None:
    fault = "audience"
    try:
        if read_bearer(world, call).audience in AUDIENCES:
            if not call.query.get("api-version"):
                return _error(
                    400,
                    "MissingApiVersionParameter",
                    "The api-version query parameter (?api-version=) is required for all requests.",
                )
            return None
    except BadToken as error:
        fault = error.fault if error.fault in _TOKEN_FAULTS else "other"
    code, message = _TOKEN_FAULTS[fault]
    # Clients learn the tenant of a subscription from this header (azure-docs, find the tenant id).
    challenge = f'Bearer authorization_uri="https://login.windows.net/{world.tenant.id}", error="invalid_token", '
    return _error(401, code, message, {"WWW-Authenticate": challenge + f'error_description="{message}"'})


def _error(status: int, code: str, message: str, headers: dict[str, str] | None = None) -> Reply:
    return Reply(status, {"error": {"code": code, "message": message}}, headers or {})


def subscriptions(world: World, call: Call) -> Reply:
    """`GET /subscriptions`: those in which the caller has a role."""
    refusal = _refusal(world, call)
    if refusal is not None:
        return refusal
    who = read_bearer(world, call).object_id
    mine = [
        {
            "id": f"/subscriptions/{each['id']}",
            "subscriptionId": each["id"],
            "tenantId": world.tenant.id,
            "displayName": str(each.get("displayName", "")),
            "state": "Enabled",
        }
        for each in _subscriptions(world)
        if _has_role(each, who)
    ]
    return Reply(200, {"value": mine, "count": {"type": "Total", "value": len(mine)}})


def _subscriptions(world: World) -> list[Object]:
    return list(world.tenant.section("azure").get("subscriptions", []))


def _has_role(subscription: Object, principal_id: str) -> bool:
    return any(each["principalId"] == principal_id for each in subscription.get("roleAssignments", []))


def tenants(world: World, call: Call) -> Reply:
    """`GET /tenants`: this one."""
    tenant = world.tenant.section("tenant")
    entry = {
        "id": f"/tenants/{world.tenant.id}",
        "tenantId": world.tenant.id,
        "displayName": tenant["displayName"],
        "defaultDomain": world.tenant.domain,
        "domains": [world.tenant.domain],
        "tenantCategory": "Home",
    }
    return _refusal(world, call) or Reply(200, {"value": [entry]})


def in_subscription(world: World, call: Call) -> Reply:
    """Anything in a subscription: a capacity's `suspend` and `resume`; nothing else is there."""
    refusal = _refusal(world, call)
    if refusal is not None:
        return refusal
    id_ = call.params["subscription"]
    if GUID.fullmatch(id_) is None:
        wrong = f"The provided subscription identifier '{id_}' is malformed or invalid."
        return _error(400, "InvalidSubscriptionId", wrong)
    found = next((each for each in _subscriptions(world) if each["id"].lower() == id_.lower()), None)
    if found is None:
        return _error(404, "SubscriptionNotFound", f"The subscription '{id_}' could not be found.")
    caller = read_bearer(world, call)
    if not _has_role(found, caller.object_id):
        told = {"client": caller.claims.get("upn", caller.object_id), "id": caller.object_id}
        return _error(403, "AuthorizationFailed", _NOT_ALLOWED.format(**told, scope=call.path, action=_action(call)))
    return _switched(world, call) or _error(404, "ResourceNotFound", f"The Resource '{call.path}' was not found.")


# An app's object id stands in both places (source: powerbi-docs#4288, 2023-01, which has the beginning of the text; the rest
# is known from many logs).
_NOT_ALLOWED: Final = (
    "The client '{client}' with object id '{id}' does not have authorization to perform action '{action}' over scope "
    "'{scope}' or the scope is invalid. If access was recently granted, please refresh your credentials."
)
_VERBS: Final = {"GET": "read", "HEAD": "read", "DELETE": "delete", "POST": "action"}


def _action(call: Call) -> str:
    """What is wanted as Azure names it: `Microsoft.Fabric/capacities/suspend/action`."""
    provider, *rest = (call.path.partition("/providers/")[2] or "Microsoft.Resources/subscriptions").split("/")
    types = rest[::2]  # type, name, type, name, and of an action its own name: so each second one
    return "/".join([provider, *types, _VERBS.get(call.method, "write")])


_SWITCHES: Final = {"suspend": "Inactive", "resume": "Active"}
"""What Fabric calls the state afterwards (source: recordings in microsoft/fabric-cli; Azure calls it Paused)."""


def _switched(world: World, call: Call) -> Reply | None:
    """202 where the call switches a capacity of the tenant off or on; none where it asks for something else.

    source: azure-rest-api-specs, Microsoft.Fabric and Microsoft.PowerBIDedicated; A and EM are the latter's.
    """
    parts = call.path.partition("/providers/")[2].split("/")
    if call.method != "POST" or len(parts) != 4 or parts[1].lower() != "capacities":
        return None
    state = _SWITCHES.get(parts[3].lower())
    for capacity in world.tenant.capacities:
        dedicated = str(capacity.get("sku", "")).upper().startswith(("A", "EM"))
        provider = "microsoft.powerbidedicated" if dedicated else "microsoft.fabric"
        if state and parts[0].lower() == provider and str(capacity.get("displayName", "")).lower() == parts[2].lower():
            capacity["state"] = state
            world.tenant.changed = True
            return Reply(202)
    return None


def metadata(_world: World, call: Call) -> Reply:
    """`GET /metadata/endpoints`: the cloud that `az cloud register --endpoint-resource-manager` reads."""
    return Reply(
        200,
        {
            "name": "Sandbox",
            "portal": call.origin,
            "authentication": {
                "loginEndpoint": call.origin,
                "audiences": ["https://management.core.windows.net/", "https://management.azure.com/"],
                "tenant": "common",
                "identityProvider": "AAD",
            },
            "resourceManager": f"{call.origin}/",
            "graphAudience": f"{call.origin}/",
            "graph": f"{call.origin}/",
            "microsoftGraphResourceId": f"{call.origin}/",
            "suffixes": {"storage": urlsplit(call.origin).hostname},
        },
    )


_DEEPEST: Final = 12
"""Segments below a subscription's own; the deepest resource ids that Azure CLI asks for have fewer."""

routes: list[Route] = [
    Route("GET", "/subscriptions", subscriptions),
    Route("GET", "/tenants", tenants),
    Route("GET", "/metadata/endpoints", metadata),
    *(
        Route(method, "/subscriptions/{subscription}" + "".join(f"/{{s{n}}}" for n in range(depth)), in_subscription)
        for depth in range(_DEEPEST)
        for method in ("GET", "HEAD", "PUT", "POST", "PATCH", "DELETE")
    ),
]


def unknown(call: Call) -> Reply:
    """A resource provider that is not registered, which here is every one. guess: also for paths that name none."""
    name = call.path.strip("/").removeprefix("providers/").split("/")[0]
    return _error(404, "InvalidResourceNamespace", f"The resource namespace '{name}' is invalid.")
