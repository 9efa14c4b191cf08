"""Tokens of managed identities, as the environment of an Azure host hands them out: App Service's endpoint
(`IDENTITY_ENDPOINT`, `IDENTITY_HEADER`) and the instance metadata service of virtual machines.

An identity is a service principal of type `ManagedIdentity`. Its `alternativeNames` hold what Graph's do: the id of
the Azure resource, and `isExplicit=True` for a user-assigned one.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import replace
from typing import Any

from pbisetup.sandbox.entra import mint, sign_ins
from pbisetup.sandbox.entra.authority import find_client, require_service_principal
from pbisetup.sandbox.entra.refusal import Refused
from pbisetup.sandbox.entra.resources import find_resource
from pbisetup.sandbox.wire import Call, Reply, Route, World

Object = dict[str, Any]

LIFE = 86_400 - 300
"""Managed identities' tokens live a day (entra-docs, managed identities FAQ)."""
# Newest last. guess: the list; only its first, which clients send, is known (MSAL's sources).
IMDS_VERSIONS = (
    "2018-02-01", "2018-04-02", "2018-10-01", "2019-02-01", "2019-03-11", "2019-04-30", "2019-06-01", "2019-06-04",
    "2019-08-01", "2019-08-15", "2019-11-01", "2020-06-01", "2020-07-15", "2020-09-01", "2020-10-01", "2020-12-01",
    "2021-01-01", "2021-02-01", "2021-03-01", "2021-05-01", "2021-10-01", "2021-11-01", "2021-11-15", "2021-12-13",
    "2023-07-01", "2023-11-15", "2024-03-15", "2024-07-17", "2025-04-07",
)  # fmt: skip
APP_SERVICE_VERSION = "2019-08-01"
"""What clients send with `X-IDENTITY-HEADER`. guess: that no other will do."""
_NAMES = ("client_id", "principal_id", "object_id", "mi_res_id", "msi_res_id")


class _NoIdentity(Exception):
    """This host has no such identity."""


def app_service(world: World, call: Call) -> Reply:
    """`GET /msi/token`, App Service's (azure-sdk-for-python#11346 has request and answer)."""
    given = call.headers.get("x-identity-header", "")
    expected = world.tenant.section("managedIdentity").get("headerHash")
    # Where the state sets no header, any will do; without one it is not the host's own process that asks.
    if not given or (expected and not hmac.compare_digest(_hash(given), str(expected))):
        return _app_service_error(401, "Unauthorized")  # guess: text and status
    if call.query.get("api-version") != APP_SERVICE_VERSION:
        return _app_service_error(400, "The api-version is missing or not supported.")  # guess: text and status
    resource = call.query.get("resource", "")
    if not resource:
        return _app_service_error(400, "The resource parameter is missing.")  # guess
    try:
        token = _token(world, call, resource)
    except _NoIdentity:
        # Source: MSAL's own tests, and several logs.
        return _app_service_error(
            400, "No User Assigned or Delegated Managed Identity found for specified ClientId/ResourceId/PrincipalId."
        )
    except Refused as refused:
        # Source: MSAL's own tests have number and text; that every refusal by Entra is told so is a guess.
        text = f"An unexpected error occured while fetching the AAD Token. {refused.description}"
        return _app_service_error(500, text, correlationId=call.request_id)
    names = ("access_token", "expires_on", "resource", "token_type", "client_id")
    return Reply(200, {name: token[name] for name in names})


def metadata_service(world: World, call: Call) -> Reply:
    """`GET /metadata/identity/oauth2/token`, a virtual machine's."""
    if call.headers.get("metadata", "").lower() != "true":
        return _metadata_error("invalid_request", "Required metadata header not specified")
    if "x-forwarded-for" in call.headers:
        # guess: that such requests are refused, and in which words
        return _metadata_error("invalid_request", "Requests with an X-Forwarded-For header are not supported")
    version = call.query.get("api-version", "")
    if version not in IMDS_VERSIONS:
        # Source: azure-docs instance-metadata-service, for a missing version anywhere below /metadata. guess: that the
        # identity part answers alike, and the words for one that is not known.
        fault = "api-version is not supported" if version else "api-version was not specified in the request"
        text = f"Bad request. {fault}. For more information refer to aka.ms/azureimds"
        return Reply(400, {"error": text, "newest-versions": list(IMDS_VERSIONS[:-4:-1])})
    resource = call.query.get("resource", "")
    if not resource:
        return _metadata_error("invalid_request", "Required query variable 'resource' is missing")  # guess
    try:
        return Reply(200, _token(world, call, resource))
    except _NoIdentity:
        return _metadata_error("invalid_request", "Identity not found")  # several logs
    except Refused as refused:
        return _metadata_error(refused.cause.error, refused.description)


def _token(world: World, call: Call, asked: str) -> Object:
    principal = _find(world, call)
    client = replace(find_client(world, str(principal["appId"])), acr="2")
    attempt = sign_ins.Attempt("managed_identity", client)
    try:
        require_service_principal(world, client)
        resource = find_resource(world, asked)
        attempt.resource = resource
        specific = mint.app_claims(world, principal, resource)
        attempt.uti = mint.new_id()
        target = mint.Target(resource, asked, cae=False, uti=attempt.uti, life=LIFE)
        token, life = mint.access_token(world, client, target, specific)
    except Refused as refused:
        sign_ins.record(world, call, attempt, refused)
        raise
    sign_ins.record(world, call, attempt, None)
    now = int(world.now().timestamp())
    return {
        "access_token": token,
        "client_id": client.app_id,
        "expires_in": str(life),
        "expires_on": str(now + life),
        "ext_expires_in": str(life),
        "not_before": str(now - 300),
        "resource": asked,
        "token_type": "Bearer",
    }


def _find(world: World, call: Call) -> Object:
    """The identity that a request names; without a name the system-assigned one, else the only one."""
    identities = world.tenant.servicePrincipals.where(servicePrincipalType="ManagedIdentity")
    wanted = [call.query[name].lower() for name in _NAMES if call.query.get(name)]
    if wanted:
        identities = [each for each in identities if _is_named(each, wanted[0])]
    else:
        own = [each for each in identities if "isExplicit=True" not in (each.get("alternativeNames") or ())]
        # guess: the metadata service also takes the only user-assigned identity, App Service does not
        alone = identities if len(identities) == 1 and call.path.startswith("/metadata") else []
        identities = own or alone
    if not identities:
        raise _NoIdentity
    return identities[0]


def _is_named(principal: Object, name: str) -> bool:
    names = {str(principal["appId"]), str(principal["id"]), str(mint.arm_id(principal))}
    return name in {each.lower() for each in names}


def _hash(value: str) -> str:
    return hashlib.sha256(value.encode()).hexdigest()


def _app_service_error(status: int, message: str, **more: str) -> Reply:
    return Reply(status, {"statusCode": status, "message": message, **more})


def _metadata_error(error: str, description: str) -> Reply:
    return Reply(400, {"error": error, "error_description": description})


routes: list[Route] = [
    Route("GET", "/msi/token", app_service),
    Route("GET", "/metadata/identity/oauth2/token", metadata_service),
]
