"""The little of the Azure portal's own API that Azure CLI uses: `az ad app permission admin-consent`.

Nobody documents it. What is known is what Azure CLI sends and reads (its role/custom.py: the status, 200 or 204, else
the reason phrase) and what its users were refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from pbisetup.sandbox.bearer import BadToken, Caller, read_bearer
from pbisetup.sandbox.entra import approval
from pbisetup.sandbox.entra.authority import find_client
from pbisetup.sandbox.entra.refusal import Refused
from pbisetup.sandbox.first_party import AZURE_PORTAL
from pbisetup.sandbox.store import Object
from pbisetup.sandbox.wire import Call, Reply, Route, World

SECTION: Final = "portal"
SERVICE_PRINCIPALS: Final = "servicePrincipalsMayConsent"


@dataclass(frozen=True)
class Cause:
    """One refusal as it travels."""

    status: int
    message: str
    source: str


CAUSES: Final = {
    "token": Cause(401, "Unauthorized", "guess"),
    # "It can only be called by a user, not a service principal" (azure-cli#29424, 2024), also where that is Global
    # Administrator (#15967: 503 in 2020); 400 and this message in #8912 and #11159 (2019).
    "service_principal": Cause(
        400,
        "AADSTS50058: A silent sign-in request was sent but no user is signed in.",
        "azure-cli#8912, #11159",
    ),
    "not_administrator": Cause(
        403,
        "Insufficient privileges to complete the operation.",
        "guess: status and text are those of Microsoft Graph, which decides behind it",
    ),
    "unknown_application": Cause(404, "Not Found", "azure-cli#18603 (status)"),
    "unknown_permission": Cause(400, "Bad Request", "azure-cli#12797 (status)"),
    "only_for_all": Cause(400, "Bad Request", "guess: the portal itself asks for everybody only"),
}


def consent(world: World, call: Call) -> Reply:
    """`POST /api/RegisteredApplications/{appId}/Consent?onBehalfOfAll=true`: what the registration declares is granted
    for everybody, and what it no longer declares is taken back. 204.
    """
    try:
        caller = read_bearer(world, call)
    except BadToken:
        return _refuse("token")
    if caller.audience != AZURE_PORTAL:
        return _refuse("token")
    person = _person(world, caller)
    if person is None:
        return _refuse("service_principal")
    if call.query.get("onBehalfOfAll", "").lower() != "true":
        return _refuse("only_for_all")
    try:
        client = find_client(world, call.params["appId"])
    except Refused:
        return _refuse("unknown_application")
    if client.application is None:
        return _refuse("unknown_application")
    try:
        declared = approval.static(world, client)
    except Refused:
        return _refuse("unknown_permission")
    if not approval.may_consent_for_all(world, person, declared):
        return _refuse("not_administrator")
    approval.grant(world, client, declared, None, replace=True)
    return Reply(204)


def _person(world: World, caller: Caller) -> Object | None:
    """Who agrees. A service principal only where the tenant's state says so, which no real tenant does: for scripts
    that take the sandbox for more lenient than the service.
    """
    if caller.kind == "user":
        return world.tenant.users.get(caller.object_id)
    if world.tenant.sections.get(SECTION, {}).get(SERVICE_PRINCIPALS) is True:
        return world.tenant.servicePrincipals.get(caller.object_id)
    return None


def _refuse(name: str) -> Reply:
    cause = CAUSES[name]
    body: dict[str, Any] = {
        "ClassName": "Microsoft.Portal.Framework.Exceptions.ClientException",
        "Message": cause.message,
        "HttpStatusCode": cause.status,
    }
    return Reply(cause.status, body)


routes: list[Route] = [Route("POST", "/api/RegisteredApplications/{appId}/Consent", consent)]


def unknown(_call: Call) -> Reply:
    """No such page: a bare 404 (guess)."""
    return Reply(404)
