"""The little of Azure Resource Manager that a sign-in with Azure CLI asks for (clients.md 3): a tenant with
no subscription.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from pbisetup.sandbox.bearer import BadToken, read_bearer
from pbisetup.sandbox.entra.authority import GUID
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
    """`GET /subscriptions`: none."""
    return _refusal(world, call) or Reply(200, {"value": [], "count": {"type": "Total", "value": 0}})


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
    """Anything in a subscription: there is none here."""
    id_ = call.params["subscription"]
    if GUID.fullmatch(id_) is None:
        wrong = f"The provided subscription identifier '{id_}' is malformed or invalid."
        return _refusal(world, call) or _error(400, "InvalidSubscriptionId", wrong)
    return _refusal(world, call) or _error(404, "SubscriptionNotFound", f"The subscription '{id_}' could not be found.")


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
