"""What the tenant remembers of sign-ins, and what an app was last used for (source: entra.md 12).

v1.0 lists sign-ins of users and does not know `signInEventTypes`; beta lists the others where the filter asks for
them. A tenant without Entra ID P1 is refused. A record shows `weather.sign_in_log_delay_seconds` after it was made.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from pbisetup.sandbox.graph import licences, refs
from pbisetup.sandbox.graph.documents import document, documents
from pbisetup.sandbox.graph.errors import GraphError
from pbisetup.sandbox.graph.query import parse_filter
from pbisetup.sandbox.graph.service import Request, route
from pbisetup.sandbox.graph.times import read_time
from pbisetup.sandbox.graph.view import public
from pbisetup.sandbox.store import Object
from pbisetup.sandbox.wire import Reply, Route

RETENTION: Final = timedelta(days=30)  # source: entra-docs reference-reports-data-retention, P1 and P2
# source: graph-docs signIn (v1.0).
_V1: Final = (
    "id", "createdDateTime", "userDisplayName", "userPrincipalName", "userId", "appId", "appDisplayName", "ipAddress",
    "clientAppUsed", "correlationId", "conditionalAccessStatus", "isInteractive", "riskDetail", "riskLevelAggregated",
    "riskLevelDuringSignIn", "riskState", "riskEventTypes_v2", "resourceDisplayName", "resourceId", "status",
    "deviceDetail", "location", "appliedConditionalAccessPolicies",
)  # fmt: skip
# source: graph-docs signIn (beta); only those that a record here may carry.
_BETA: Final = (
    *_V1, "signInEventTypes", "servicePrincipalId", "servicePrincipalName", "servicePrincipalCredentialKeyId",
    "servicePrincipalCredentialThumbprint", "uniqueTokenIdentifier", "userType", "homeTenantId", "resourceTenantId",
    "resourceServicePrincipalId", "authenticationProtocol", "authenticationRequirement", "clientCredentialType",
    "incomingTokenType", "originalRequestId", "originalTransferMethod", "crossTenantAccessType", "tokenIssuerType",
    "tokenIssuerName", "userAgent", "autonomousSystemNumber", "federatedCredentialId", "managedServiceIdentity",
    "sessionId", "signInIdentifier", "isTenantRestricted", "isThroughGlobalSecureAccess", "flaggedForReview",
    "authenticationDetails", "authenticationMethodsUsed", "processingTimeInMilliseconds", "appTokenProtectionStatus",
    "networkLocationDetails", "authenticationProcessingDetails", "mfaDetail", "riskEventTypes", "sessionLifetimePolicies",
    "authenticationContextClassReferences", "privateLinkDetails", "conditionalAccessAudiences", "appOwnerTenantId",
    "resourceOwnerTenantId", "agent", "globalSecureAccessIpAddress",
)  # fmt: skip
_USERS: Final = ("interactiveUser", "nonInteractiveUser")
_ACTIVITIES: Final = (
    "id", "appId", "lastSignInActivity", "delegatedClientSignInActivity", "delegatedResourceSignInActivity",
    "applicationAuthenticationClientSignInActivity", "applicationAuthenticationResourceSignInActivity",
)  # fmt: skip


def list_sign_ins(request: Request, _: Any) -> Reply:
    """The newest first, unless $orderby says otherwise."""
    properties = _BETA if request.beta else _V1
    wanted = _wanted(request)
    rows = [
        _shown(row, properties)
        for row in _visible(request)
        if wanted is None or any(kind in wanted for kind in row.get("signInEventTypes") or [])
    ]
    rows.sort(key=lambda row: str(row.get("createdDateTime")), reverse=True)
    return documents(request, "auditLogs/signIns", "signIn", properties, rows)


def get_sign_in(request: Request, item: Object) -> Reply:
    properties = _BETA if request.beta else _V1
    return document(request, "auditLogs/signIns", "signIn", properties, _shown(item, properties))


def list_activities(request: Request, _: Any) -> Reply:
    """Beta only: when each service principal last took part in a sign-in, and as what."""
    rows = [_activity(app_id, rows) for app_id, rows in sorted(_by_app(request).items())]
    return documents(
        request, "reports/servicePrincipalSignInActivities", "servicePrincipalSignInActivity", _ACTIVITIES, rows
    )


def get_activity(request: Request, item: Object) -> Reply:
    context = "reports/servicePrincipalSignInActivities"
    return document(request, context, "servicePrincipalSignInActivity", _ACTIVITIES, item)


def _visible(request: Request) -> list[Object]:
    """Records that have arrived, and are still kept."""
    if not licences.premium(request.tenant):
        raise GraphError("premium_required")
    now = request.world.now()
    delay = timedelta(seconds=float(request.tenant.section("weather").get("sign_in_log_delay_seconds", 0)))
    found = []
    for row in request.tenant.signIns.peek():
        when = read_time(row.get("createdDateTime"))
        if when is not None and delay <= now - when < RETENTION:
            found.append(row)
    return found


def _wanted(request: Request) -> tuple[str, ...] | None:
    """The kinds of sign-in that a list is about, or None where the filter says: v1.0 all of users, beta those where a
    user was asked, unless the filter names event types (source: graph-docs signin-list).
    """
    if not request.beta:
        return _USERS
    text = request.call.query.get("$filter", "")
    named = bool(text) and "signineventtypes" in {name.lower() for name in parse_filter(text).properties()}
    return None if named else _USERS[:1]


def _shown(row: Object, properties: tuple[str, ...]) -> Object:
    return {name: value for name, value in public(row).items() if name in properties}


def _record(request: Request) -> Object:
    id_ = refs.key(request, "signInId")
    for row in _visible(request):
        if str(row["id"]).lower() == id_.lower():
            kinds = row.get("signInEventTypes") or []
            if request.beta or any(kind in _USERS for kind in kinds):
                return row
    raise GraphError("not_found", id=id_)


def _by_app(request: Request) -> dict[str, list[tuple[str, Object]]]:
    """For each app the sign-ins it took part in, with its part: client or resource."""
    found: dict[str, list[tuple[str, Object]]] = {}
    for row in _visible(request):
        for part, name in (("client", "appId"), ("resource", "resourceId")):
            if isinstance(row.get(name), str) and row[name]:
                found.setdefault(str(row[name]).lower(), []).append((part, row))
    return found


def _activity(app_id: str, rows: list[tuple[str, Object]]) -> Object:
    def last(part: str | None, users: bool | None) -> Object:
        hits = [
            row
            for as_what, row in rows
            if part in (None, as_what)
            and users in (None, any(kind in _USERS for kind in row.get("signInEventTypes") or []))
        ]
        newest = max(hits, key=lambda row: str(row.get("createdDateTime")), default=None)
        return {
            "lastSignInDateTime": newest.get("createdDateTime") if newest else None,
            "lastSignInRequestId": newest.get("id") if newest else None,
            "lastNonInteractiveSignInDateTime": None,
            "lastNonInteractiveSignInRequestId": None,
        }

    return {
        "id": app_id.replace("-", ""),
        "appId": app_id,
        "lastSignInActivity": last(None, None),
        "delegatedClientSignInActivity": last("client", True),
        "delegatedResourceSignInActivity": last("resource", True),
        "applicationAuthenticationClientSignInActivity": last("client", False),
        "applicationAuthenticationResourceSignInActivity": last("resource", False),
    }


def _find_activity(request: Request) -> Object:
    wanted = refs.key(request, "activityId").lower()
    for app_id, rows in _by_app(request).items():
        if wanted == app_id.replace("-", ""):
            return _activity(app_id, rows)
    raise GraphError("not_found", id=wanted)


def _routes() -> list[Route]:
    found = route("GET", "/auditLogs/signIns", "sign_ins.read", list_sign_ins)
    found += route("GET", "/auditLogs/signIns/{signInId}", "sign_ins.read", get_sign_in, _record)
    path = "/reports/servicePrincipalSignInActivities"
    beta_only = [
        *route("GET", path, "sign_ins.read", list_activities),
        *route("GET", f"{path}/{{activityId}}", "sign_ins.read", get_activity, _find_activity),
    ]
    return [*found, *(each for each in beta_only if each.path.startswith("/beta/"))]


routes = _routes()
