"""Who owns a semantic model, whose credentials its sources are read with, and why a refresh of it would fail.

State of a model: `_owner` (an object id; else who `configuredBy` names), `_datasources` (Power BI's Datasource; where no
gateway of the tenant is meant, `_credentialsOf` is the object id of whoever stored credentials for it, null where nobody
did). State of a gateway: `gateways[].datasources[]` with their `users`, and `gatewayStatus`, `Live` where it is reachable.
"""

from __future__ import annotations

import json
from typing import Any, Final, Literal

from pbisetup.sandbox.gate.request import Request
from pbisetup.sandbox.powerbi import content
from pbisetup.sandbox.store import Object, Tenant

Problem = tuple[str, str]
"""(error code, description) as `serviceExceptionJson` holds them."""

# What the refresh history says. source: powerbi-swagger.json (first), public recordings of refresh histories and of
# gateways; descriptions that nobody published are guesses.
NO_CREDENTIALS: Final = ("ModelRefreshFailed_CredentialsNotSpecified", "")
UNBOUND: Final = (
    "DMTS_MonikerWithUnboundDataSources",
    "We are unable to access some data source because the artifact is missing connection details. "
    "Please contact the artifact owner",
)
OWNER_GONE: Final = ("DMTS_UserNotFoundInADGraphError", "")
NOT_SHARED: Final = ("DMTS_EntityNotFoundOrUnauthorized", "")  # seen in pipelines and notebooks; for a refresh inferred
UNREACHABLE: Final = ("DM_GWPipeline_Client_GatewayUnreachable", "")
WRONG_CREDENTIALS: Final = ("DM_GWPipeline_Gateway_InvalidConnectionCredentials", "")

Ownership = Literal["known", "gone", "unsaid"]


def owner(tenant: Tenant, model: Object) -> tuple[Ownership, str]:
    """Whether the owner is known, was deleted from the directory, or the state names none; and the object id."""
    named = str(model.get("_owner") or model.get("configuredBy") or "")
    if not named:
        return "unsaid", ""
    person = tenant.users.by("userPrincipalName", named)
    if person is not None:
        return "known", str(person["id"])
    here = tenant.principal(named) is not None or tenant.profiles.get(named) is not None
    return ("known", named.lower()) if here else ("gone", named)


def is_owner(request: Request, model: Object) -> bool:
    """Whether the caller owns the model; where the state names no owner, whoever may write it does."""
    known, id_ = owner(request.tenant, model)
    return known == "unsaid" or id_.lower() == request.acting_id.lower()


def take_over(request: Request, model: Object) -> None:
    """The caller becomes the owner; credentials that others stored stay theirs (msft-extensions#553)."""
    _, before = owner(request.tenant, model)
    if before.lower() == request.acting_id.lower():
        return
    for source in sources(model):
        if request.tenant.gateways.get(str(source.get("gatewayId") or "")) is None:
            source.setdefault("_credentialsOf", before or None)
    model["_owner"] = request.acting_id
    # guess: what stands there for a service principal
    found = request.tenant.principal(request.caller.object_id)
    item = found[1] if found else {}
    model["configuredBy"] = item.get("userPrincipalName") or item.get("displayName") or request.acting_id


def sources(model: Object) -> list[Object]:
    held: list[Object] = model.get("_datasources", [])
    return held


def problem(request: Request, model: Object) -> Problem | None:
    """Why a refresh that begins now fails, or None."""
    tenant = request.tenant
    known, id_ = owner(tenant, model)
    if known == "gone":
        return OWNER_GONE
    for source in sources(model):
        gateway = tenant.gateways.get(str(source.get("gatewayId") or ""))
        if gateway is not None:
            found = _through(request, gateway, source, id_ if known == "known" else None)
            if found is not None:
                return found
        elif model.get("isOnPremGatewayRequired"):
            return UNBOUND
        elif "_credentialsOf" in source and str(source["_credentialsOf"] or "").lower() != (id_.lower() or "-"):
            return NO_CREDENTIALS
    return None


def _through(request: Request, gateway: Object, source: Object, owner_id: str | None) -> Problem | None:
    there = datasource(gateway, str(source.get("datasourceId") or ""))
    if there is None:
        return UNBOUND
    if not reachable(gateway):
        return UNREACHABLE
    if owner_id is not None and not is_user(request.tenant, there, owner_id):
        return NOT_SHARED
    return {"missing": NO_CREDENTIALS, "wrong": WRONG_CREDENTIALS}.get(str(there.get("_credentials", "")))


def reachable(gateway: Object) -> bool:
    return str(gateway.get("gatewayStatus", "Live")) == "Live"


def datasource(gateway: Object, id_: str) -> Object | None:
    """The data source of a gateway with this id."""
    for each in gateway.get("datasources", []):
        if str(each["id"]).lower() == id_.lower():
            found: Object = each
            return found
    return None


def is_user(tenant: Tenant, source: Object, principal_id: str) -> bool:
    """Whether a data source of a gateway is shared with a principal, itself or by a group."""
    person = tenant.users.get(principal_id) or {}
    groups = tenant.groups_of(principal_id, transitive=True)
    names = {principal_id.lower(), str(person.get("userPrincipalName", "")).lower(), *(each["id"] for each in groups)}
    for entry in source.get("users", []):
        profile = entry.get("profile")
        named = profile.get("id") if isinstance(profile, dict) else entry.get("identifier") or entry.get("emailAddress")
        if str(named or "").lower() in names:
            return True
    return False


def is_admin(request: Request, gateway: Object) -> bool:
    """Whether the caller administers a gateway: state `gateways[].admins`, object ids or user names."""
    return not content.caller_names(request).isdisjoint(str(each).lower() for each in gateway.get("admins", []))


def same_connection(source: Object, there: Object) -> bool:
    """Whether a data source of a gateway is what a model's source names: type and connection details."""
    given = there.get("connectionDetails")
    return str(source.get("datasourceType", "")).lower() == str(there.get("datasourceType", "")).lower() and _details(
        source.get("connectionDetails")
    ) == _details(given)


def _details(value: Any) -> dict[str, str]:
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            return {"": value}
    return {str(k): str(v).lower() for k, v in value.items()} if isinstance(value, dict) else {}
