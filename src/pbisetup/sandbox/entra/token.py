"""The token endpoints (v1 and v2) and the device-code endpoints: read the form, dispatch, answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pbisetup.sandbox.entra import device, grants
from pbisetup.sandbox.entra.authority import check_tenant, find_client
from pbisetup.sandbox.entra.causes import Refused, no_store, refusal
from pbisetup.sandbox.entra.credential import basic_credentials
from pbisetup.sandbox.wire import BadBody, Call, Reply, World

GRANTS: dict[str, Callable[[World, grants.Request], dict[str, Any]]] = {
    "client_credentials": grants.client_credentials,
    # The second spelling is msal-node's and the v1 endpoint's (clients.md 2).
    "urn:ietf:params:oauth:grant-type:device_code": grants.device_code,
    "device_code": grants.device_code,
    "refresh_token": grants.refresh_token,
    "password": grants.password,
}


def token_v2(world: World, call: Call) -> Reply:
    """`POST /{tenant}/oauth2/v2.0/token`."""
    return _answer(world, call, lambda: _token(world, _request(world, call, v1=False)))


def token_v1(world: World, call: Call) -> Reply:
    """`POST /{tenant}/oauth2/token`: takes `resource`, answers its numbers as strings."""
    return _answer(world, call, lambda: _token(world, _request(world, call, v1=True)))


def device_code_v2(world: World, call: Call) -> Reply:
    """`POST /{tenant}/oauth2/v2.0/devicecode`."""
    return _answer(world, call, lambda: _device(world, call, v1=False))


def device_code_v1(world: World, call: Call) -> Reply:
    """`POST /{tenant}/oauth2/devicecode`."""
    return _answer(world, call, lambda: _device(world, call, v1=True))


def post_only(world: World, call: Call) -> Reply:
    """Any other method on these endpoints (AADSTS900561)."""
    return refusal(world, call, Refused("post_only", method=call.method))


def _answer(world: World, call: Call, work: Callable[[], dict[str, Any]]) -> Reply:
    try:
        return Reply(200, work(), no_store())
    except Refused as refused:
        return refusal(world, call, refused)


def _request(world: World, call: Call, *, v1: bool) -> grants.Request:
    try:
        form = call.form()
    except BadBody:
        raise Refused("not_a_form") from None
    basic = basic_credentials(call)
    if basic is not None:
        form = {"client_id": basic[0], "client_secret": basic[1]} | form
    own = check_tenant(world, call.params["tenant"])
    if not v1 and "resource" in form:
        raise Refused("resource_on_v2")
    return grants.Request(form, own, v1)


def _token(world: World, request: grants.Request) -> dict[str, Any]:
    grant = request.need("grant_type")
    handler = GRANTS.get(grant)
    if handler is None:
        raise Refused("grant_type_unknown", grant=grant)
    answer = handler(world, request)
    if request.v1:
        now = int(world.now().timestamp())
        answer |= {
            "expires_in": str(answer["expires_in"]),
            "ext_expires_in": str(answer["ext_expires_in"]),
            "expires_on": str(now + int(answer["expires_in"])),
            "not_before": str(now - 300),
        }
    return answer


def _device(world: World, call: Call, *, v1: bool) -> dict[str, Any]:
    request = _request(world, call, v1=v1)
    client = find_client(world, request.need("client_id"))
    asked = request.asked()
    answer = device.issue(world, client.app_id, asked.text, call.origin)
    if v1:
        answer["verification_url"] = answer.pop("verification_uri")
        answer |= {"expires_in": str(answer["expires_in"]), "interval": str(answer["interval"])}
    return answer
