"""The little of Azure Resource Manager that a sign-in with Azure CLI asks for (clients.md 3): a tenant with
no subscription.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from pbisetup.sandbox.bearer import BadToken, read_bearer
from pbisetup.sandbox.wire import Call, Reply, Route, World

AUDIENCES = (
    "https://management.core.windows.net",
    "https://management.azure.com",
    "797f4846-ba00-4fd7-ba43-dac1f8f63013",
)


def _refusal(world: World, call: Call) -> Reply | None:
    # guess: codes and texts from general knowledge of ARM; Azure CLI only looks at the status.
    try:
        caller = read_bearer(world, call)
    except BadToken as error:
        code = {
            "missing": "AuthenticationFailed",
            "expired": "ExpiredAuthenticationToken",
            "foreign_tenant": "InvalidAuthenticationTokenTenant",
        }.get(error.fault, "InvalidAuthenticationToken")
        return _error(
            401, code, "Authentication failed. The 'Authorization' header is missing or its token is invalid."
        )
    if caller.audience not in AUDIENCES:
        return _error(
            401,
            "InvalidAuthenticationTokenAudience",
            "The access token has been obtained for wrong audience.",
        )
    return None


def _error(status: int, code: str, message: str) -> Reply:
    return Reply(status, {"error": {"code": code, "message": message}})


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


routes: list[Route] = [
    Route("GET", "/subscriptions", subscriptions),
    Route("GET", "/tenants", tenants),
    Route("GET", "/metadata/endpoints", metadata),
]


def unknown(call: Call) -> Reply:
    """ARM's own 404."""
    return _error(404, "InvalidResourceNamespace", f"The resource namespace of '{call.path}' is invalid.")
