"""Entra ID: discovery, signing keys, device codes and tokens, for one tenant, decided from its state."""

from __future__ import annotations

from pbisetup.sandbox.entra import device, discovery, token
from pbisetup.sandbox.wire import Call, Reply, Route

_POST = {
    "/{tenant}/oauth2/v2.0/token": token.token_v2,
    "/{tenant}/oauth2/token": token.token_v1,
    "/{tenant}/oauth2/v2.0/devicecode": token.device_code_v2,
    "/{tenant}/oauth2/devicecode": token.device_code_v1,
}

routes: list[Route] = [
    Route("GET", "/{tenant}/v2.0/.well-known/openid-configuration", discovery.configuration_v2),
    Route("GET", "/{tenant}/.well-known/openid-configuration", discovery.configuration_v1),
    Route("GET", "/{tenant}/discovery/v2.0/keys", discovery.keys),
    Route("GET", "/{tenant}/discovery/keys", discovery.keys),
    Route("GET", "/{tenant}/discovery/instance", discovery.instance),
    Route("GET", "/{tenant}/userrealm/{user}", discovery.user_realm),
    Route("GET", "/{tenant}/oauth2/deviceauth", device.page),
    *(Route("POST", path, handler) for path, handler in _POST.items()),
    *(Route(method, path, token.post_only) for path in _POST for method in ("GET", "PUT", "PATCH", "DELETE")),
]


def unknown(_call: Call) -> Reply:
    """No such page. guess: the real service answers a bare 404."""
    return Reply(404, None)
