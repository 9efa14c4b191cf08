"""The sign-in log: what the token endpoint answered, as Graph's beta `signIn` resource (collection `signIns`).

Never holds a secret, a code or a token. Source of the shape: microsoft-graph-docs-contrib, signIn (beta).
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from pbisetup.sandbox.entra.authority import Client, instant
from pbisetup.sandbox.entra.conditional_access import SignIn, Verdict, verdicts
from pbisetup.sandbox.entra.refusal import Refused, correlation_id
from pbisetup.sandbox.wire import Call, World

Object = dict[str, Any]

MOST = 2_000
KEPT = timedelta(days=30)
"""How long the service keeps sign-ins in a tenant with a premium licence (entra-docs, reports-data-retention)."""
_NOBODY = "00000000-0000-0000-0000-000000000000"
_POLICY_CODES = frozenset({53003, 53000, 53001, 53002, 53009, 530033, 50076, 50079, 50142, 50158, 70043})
# flow -> (is it interactive, `authenticationProtocol`). `authorize` is the browser's part, `authorization_code` the
# client's, which entra-docs' concept-noninteractive-sign-ins lists as not interactive. guess: its protocol, and that a
# password grant counts as interactive.
_FLOWS: dict[str, tuple[bool, str]] = {
    "authorize": (True, "oAuth2"),
    "authorization_code": (False, "oAuth2"),
    "device_code": (True, "deviceCode"),
    "password": (True, "ropc"),
    "refresh_token": (False, "none"),
    "on_behalf_of": (False, "none"),
    "client_credentials": (False, "none"),
    "managed_identity": (False, "none"),
}
# Source: graph-docs signIn for the names, published records for an empty `deviceDetail`; guess: an empty location.
_NOWHERE: Object = {
    "city": None,
    "state": None,
    "countryOrRegion": None,
    "geoCoordinates": {"altitude": None, "latitude": None, "longitude": None},
}
_CREDENTIALS = {"1": "clientSecret", "2": "clientAssertion"}


@dataclass
class Attempt:
    """What is known of a request for a token, filled in on the way."""

    flow: str = ""
    client: Client | None = None
    user: Object | None = None
    resource: Object | None = None
    mfa: bool = False
    uti: str | None = None
    correlation: str | None = None
    """The id of the whole sign-in, where it is not this request's own."""


def record(world: World, call: Call, attempt: Attempt, refused: Refused | None) -> None:
    """Log a request that was answered or refused.

    Nothing is logged of a client that the directory does not know, of a user whom it does not know, and of a device
    code that still waits. guess: which refusals the real log leaves out.
    """
    client = attempt.client
    if client is None or attempt.flow not in _FLOWS or (refused and refused.key == "device_pending"):
        return
    as_app = attempt.flow in ("client_credentials", "managed_identity")
    if (client.service_principal is None) if as_app else (attempt.user is None):
        return
    _add(world, _entry(world, call, attempt, client, refused))


def interactive(world: World, call: Call, attempt: Attempt, refused: Refused | None) -> None:
    """Log a sign-in in a browser: one that went back to its app with what it asked for, one that was refused, or one
    that was interrupted to ask for consent.
    """
    attempt.flow = "authorize"
    record(world, call, attempt, refused)


def _add(world: World, entry: Object) -> None:
    log = world.tenant.signIns
    log.add(entry)
    log.keep_newest(MOST)
    while (oldest := next(log.peek())) and world.now() - instant(str(oldest["createdDateTime"])) > KEPT:
        log.remove(str(oldest["id"]))
    world.tenant.noted = True


def _entry(world: World, call: Call, attempt: Attempt, client: Client, refused: Refused | None) -> Object:
    is_interactive, protocol = _FLOWS[attempt.flow]
    resource = attempt.resource or {}
    network = world.tenant.section("network")
    applied = _applied(world, attempt, client, refused)
    enforced = [each["result"] for each in applied if each["result"] in ("success", "failure")]
    status = "notApplied" if not enforced else "failure" if "failure" in enforced else "success"
    return {
        "id": _id(world, call),
        "createdDateTime": world.now().strftime("%Y-%m-%dT%H:%M:%SZ"),
        "appId": client.app_id,
        "appDisplayName": client.name,
        "appOwnerTenantId": (client.service_principal or {}).get("appOwnerOrganizationId"),
        "ipAddress": network.get("ipAddress", "127.0.0.1"),
        "userAgent": call.headers.get("user-agent"),
        "clientAppUsed": _client_app(attempt, client),
        "correlationId": attempt.correlation or correlation_id(call),
        "originalRequestId": call.request_id,
        "conditionalAccessStatus": status,
        "appliedConditionalAccessPolicies": applied,
        "isInteractive": is_interactive,
        "authenticationProtocol": protocol,
        "incomingTokenType": "refreshToken" if attempt.flow == "refresh_token" else "none",
        "authenticationRequirement": "multiFactorAuthentication" if attempt.mfa else "singleFactorAuthentication",
        "tokenIssuerType": "AzureAD",
        "resourceId": resource.get("appId"),
        "resourceDisplayName": resource.get("displayName"),
        "resourceServicePrincipalId": resource.get("id"),
        "resourceTenantId": world.tenant.id,
        "homeTenantId": world.tenant.id,
        "tenantId": world.tenant.id,
        "crossTenantAccessType": "none",
        "riskDetail": "none",
        "riskLevelAggregated": "none",
        "riskLevelDuringSignIn": "none",
        "riskState": "none",
        "riskEventTypes": [],
        "riskEventTypes_v2": [],
        "flaggedForReview": False,
        "status": _status(refused),
        "uniqueTokenIdentifier": attempt.uti,
        "location": {**_NOWHERE, **(network.get("geo") or {})},
        "deviceDetail": _device(world, call),
        **_who(attempt, client),
    }


def _device(world: World, call: Call) -> Object:
    device = world.tenant.section("device")
    agent = call.headers.get("user-agent", "")
    browser = next((each for each in ("Edg", "Chrome", "Firefox", "Safari") if f"{each}/" in agent), "")
    return {
        "deviceId": "",
        "displayName": "",
        "operatingSystem": str(device.get("platform") or ""),
        "browser": "Edge" if browser == "Edg" else browser,
        "isCompliant": device.get("isCompliant") is True,
        "isManaged": device.get("isCompliant") is True,  # guess: what is compliant is managed
        "trustType": str(device.get("trustType") or ""),
    }


def _client_app(attempt: Attempt, client: Client) -> str | None:
    if attempt.user is None:
        return None
    # guess: at the authorize endpoint by the app's registration, where no credential tells.
    browser = (attempt.flow == "authorization_code" and client.proof is not None) or (
        attempt.flow == "authorize" and not client.is_public
    )
    return "Browser" if browser else "Mobile Apps and Desktop clients"


def _id(world: World, call: Call) -> str:
    """The trace id of the answer, once: the log's ids are unique."""
    return call.request_id if call.request_id not in world.tenant.signIns else str(uuid.uuid4())


def _status(refused: Refused | None) -> Object:
    if refused is None:
        return {"errorCode": 0, "failureReason": "Other.", "additionalDetails": None}
    reason = refused.description.partition(": ")[2][:500]
    return {"errorCode": refused.cause.code, "failureReason": reason, "additionalDetails": None}


def _who(attempt: Attempt, client: Client) -> Object:
    if attempt.user is not None:
        user = attempt.user
        kind = "interactiveUser" if _FLOWS[attempt.flow][0] else "nonInteractiveUser"
        return {
            "signInEventTypes": [kind],
            "userId": user["id"],
            "userPrincipalName": user["userPrincipalName"],
            "userDisplayName": user.get("displayName"),
            "userType": str(user.get("userType", "member")).lower(),
            "servicePrincipalId": "",
            "clientCredentialType": _CREDENTIALS.get(client.acr, "none"),
        }
    principal = client.service_principal or {}
    proof = client.proof
    managed = attempt.flow == "managed_identity"
    return {
        "signInEventTypes": ["managedIdentity" if managed else "servicePrincipal"],
        "userId": _NOBODY,
        "userPrincipalName": "",
        "userDisplayName": "",
        "servicePrincipalId": principal.get("id"),
        "servicePrincipalName": principal.get("displayName"),
        "servicePrincipalCredentialKeyId": proof.key_id if proof else None,
        "servicePrincipalCredentialThumbprint": proof.thumbprint if proof else None,
        "federatedCredentialId": proof.federated_id if proof else None,
        "clientCredentialType": "managedIdentity" if managed else proof.kind if proof else "none",
    }


def _applied(world: World, attempt: Attempt, client: Client, refused: Refused | None) -> list[Object]:
    """The policies that applied. A sign-in that was refused for another reason never came that far."""
    came_far = refused is None or refused.cause.code in _POLICY_CODES
    principal = attempt.user or client.service_principal
    if attempt.resource is None or principal is None or not came_far or attempt.flow == "managed_identity":
        return []
    flow = "authorization_code" if attempt.flow == "authorize" else attempt.flow
    found = verdicts(world, SignIn(client, principal, attempt.resource, flow, attempt.mfa))
    return [
        {
            "id": each.policy["id"],
            "displayName": each.policy.get("displayName"),
            "enforcedGrantControls": list((each.policy.get("grantControls") or {}).get("builtInControls") or ()),
            "enforcedSessionControls": [],
            "result": _result(each),
        }
        for each in found
    ]


def _result(verdict: Verdict) -> str:
    if verdict.enforced:
        return "failure" if verdict.missing else "success"
    return "reportOnlyFailure" if verdict.missing else "reportOnlySuccess"
