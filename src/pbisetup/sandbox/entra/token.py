"""The token endpoints (v1 and v2) and the device-code endpoints: read the form, dispatch, answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pbisetup.sandbox.entra import cors, device, grants, sign_ins
from pbisetup.sandbox.entra.authority import check_audience, check_tenant, find_client
from pbisetup.sandbox.entra.credential import basic_credentials
from pbisetup.sandbox.entra.refusal import Refused, no_store, refusal
from pbisetup.sandbox.wire import BadBody, Call, Reply, World

JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
GRANTS: dict[str, tuple[str, Callable[[World, grants.Request], dict[str, Any]]]] = {
    "client_credentials": ("client_credentials", grants.client_credentials),
    "authorization_code": ("authorization_code", grants.authorization_code),
    # The second spelling is msal-node's and the v1 endpoint's (clients.md 2).
    "urn:ietf:params:oauth:grant-type:device_code": ("device_code", grants.device_code),
    "device_code": ("device_code", grants.device_code),
    "refresh_token": ("refresh_token", grants.refresh_token),
    "password": ("password", grants.password),
    JWT_BEARER: ("on_behalf_of", grants.on_behalf_of),
}
"""By the name of the grant: which flow that is, and who answers it."""


def token_v2(world: World, call: Call) -> Reply:
    """`POST /{tenant}/oauth2/v2.0/token`."""
    return _token_reply(world, call, v1=False)


def token_v1(world: World, call: Call) -> Reply:
    """`POST /{tenant}/oauth2/token`: takes `resource`, answers its numbers as strings."""
    return _token_reply(world, call, v1=True)


def device_code_v2(world: World, call: Call) -> Reply:
    """`POST /{tenant}/oauth2/v2.0/devicecode`."""
    return _answer(world, call, lambda: _device(world, call, v1=False))


def device_code_v1(world: World, call: Call) -> Reply:
    """`POST /{tenant}/oauth2/devicecode`."""
    return _answer(world, call, lambda: _device(world, call, v1=True))


def post_only(world: World, call: Call) -> Reply:
    """Any other method on these endpoints (AADSTS900561)."""
    return refusal(world, call, Refused("post_only", method=call.method))


def _token_reply(world: World, call: Call, *, v1: bool) -> Reply:
    attempt = sign_ins.Attempt()
    try:
        answer = _token(world, _request(world, call, attempt, v1=v1))
    except Refused as refused:
        sign_ins.record(world, call, attempt, refused)
        return cors.allow(call, refusal(world, call, refused))
    sign_ins.record(world, call, attempt, None)
    return cors.allow(call, Reply(200, answer, no_store()))


def _answer(world: World, call: Call, work: Callable[[], dict[str, Any]]) -> Reply:
    try:
        return Reply(200, work(), no_store())
    except Refused as refused:
        return refusal(world, call, refused)


def _request(world: World, call: Call, attempt: sign_ins.Attempt, *, v1: bool) -> grants.Request:
    try:
        form = call.form()
    except BadBody:
        raise Refused("not_a_form") from None
    basic = basic_credentials(call)
    if basic is not None:
        if form.get("client_id", basic[0]).lower() != basic[0].lower():
            raise Refused("two_client_ids", ids=f"{basic[0]}, {form['client_id']}")
        form = {"client_id": basic[0], "client_secret": basic[1]} | form
    tenant = call.params["tenant"]
    if tenant.lower() == "consumers" and form.get("grant_type") == "password":
        raise Refused("password_grant_on_common")
    if tenant.lower() == "consumers" and form.get("client_id", "").strip():
        check_audience(find_client(world, form["client_id"]), tenant)
    try:
        own = check_tenant(world, tenant, origin=call.origin)
    except Refused as refused:
        if refused.key == "tenant_other_cloud" and form.get("client_assertion"):
            # Made for the token endpoint of the wrong cloud (a public live test against every cloud, 2026-09-29).
            raise Refused("assertion_other_audience") from None
        if refused.key == "tenant_other_cloud" and form.get("client_secret"):
            raise Refused("confidential_across_clouds") from None
        raise
    if not v1 and "resource" in form:
        raise Refused("resource_on_v2")
    return grants.Request(form, own, v1, tenant, call.headers.get("origin"), attempt)


def _token(world: World, request: grants.Request) -> dict[str, Any]:
    grant = request.need("grant_type")
    flow, handler = GRANTS.get(grant, ("", None))
    if handler is None:
        raise Refused("grant_type_unknown", grant=grant)
    request.attempt.flow = flow
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
    request = _request(world, call, sign_ins.Attempt(), v1=v1)
    client = find_client(world, request.need("client_id"))
    check_audience(client, request.authority)
    asked = request.asked()
    answer = device.issue(world, client.app_id, asked.text, call.origin, own_tenant=request.own_tenant)
    if v1:
        answer["verification_url"] = answer.pop("verification_uri")
        answer |= {"expires_in": str(answer["expires_in"]), "interval": str(answer["interval"])}
    return answer
