"""Entra ID: discovery, signing keys, device codes and tokens, for one tenant, decided from its state."""

from __future__ import annotations

from pbisetup.sandbox.entra import (
    admin_consent,
    authorize,
    cors,
    device_page,
    discovery,
    logout,
    managed_identity,
    signin,
    token,
)
from pbisetup.sandbox.entra.headers import dressed
from pbisetup.sandbox.wire import Call, Reply, Route

__all__ = ["dressed", "routes", "unknown"]

_POST = {
    "/{tenant}/oauth2/v2.0/token": token.token_v2,
    "/{tenant}/oauth2/token": token.token_v1,
    "/{tenant}/oauth2/v2.0/devicecode": token.device_code_v2,
    "/{tenant}/oauth2/devicecode": token.device_code_v1,
}

_METADATA = {
    "/{tenant}/v2.0/.well-known/openid-configuration": discovery.configuration_v2,
    "/{tenant}/.well-known/openid-configuration": discovery.configuration_v1,
    "/{tenant}/discovery/v2.0/keys": discovery.keys,
    "/{tenant}/discovery/keys": discovery.keys,
    "/{tenant}/discovery/instance": discovery.instance,
}

# What a person opens in a browser, or is sent to by an app.
_BROWSER = {
    "/{tenant}/oauth2/v2.0/authorize": authorize.authorize_v2,
    "/{tenant}/oauth2/authorize": authorize.authorize_v1,
    "/{tenant}/oauth2/v2.0/logout": logout.logout,
    "/{tenant}/oauth2/logout": logout.logout,
    "/{tenant}/oauth2/deviceauth": device_page.page,
    "/devicelogin": device_page.page,
}

routes: list[Route] = [
    *(Route("GET", path, handler) for path, handler in _METADATA.items()),
    Route("GET", "/{tenant}/userrealm/{user}", discovery.user_realm),
    *(Route(method, path, handler) for path, handler in _BROWSER.items() for method in ("GET", "POST")),
    Route("GET", "/{tenant}/login", signin.login_get),
    Route("POST", "/{tenant}/login", signin.login),
    Route("GET", "/{tenant}/adminconsent", admin_consent.admin_consent_v1),
    Route("GET", "/{tenant}/v2.0/adminconsent", admin_consent.admin_consent_v2),
    *managed_identity.routes,
    *(Route("OPTIONS", path, cors.preflight) for path in (*_POST, *_METADATA)),
    *(Route("POST", path, handler) for path, handler in _POST.items()),
    *(Route(method, path, token.post_only) for path in _POST for method in ("GET", "PUT", "PATCH", "DELETE")),
]


def unknown(_call: Call) -> Reply:
    """No such page. guess: the real service answers a bare 404."""
    return Reply(404, None)
