"""Every refusal of the Fabric API here, in one ordered table: the first cause that applies is the answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from pbisetup.sandbox.front_end import dressed
from pbisetup.sandbox.wire import Call, Reply


@dataclass(frozen=True)
class Cause:
    """One refusal as it travels. `errorCode` is contract, the message is not (source: powerbi.md 6.2)."""

    status: int
    code: str
    message: str
    source: str
    grade: str
    retriable: bool = False


CAUSES: Final[dict[str, Cause]] = {
    # The token
    "token_missing": Cause(
        401,
        "InvalidToken",
        "The access token is missing.",
        "powerbi.md 6.2 (code); for a missing one guess",
        "inferred",
    ),
    "token_invalid": Cause(401, "InvalidToken", "The access token is invalid.", "powerbi.md 6.2", "documented"),
    "token_expired": Cause(
        401,
        "TokenExpired",
        "Access token has expired, resubmit with a new access token.",
        "powerbi.md 6.2",
        "documented",
    ),
    "token_audience": Cause(
        401,
        "InvalidToken",
        "The access token is for another resource.",
        "powerbi.md 6.2 (code); guess",
        "inferred",
    ),
    # Admin routes
    "app_roles_in_token": Cause(
        401,
        "Unauthorized",
        "Authorization Context Requested but not available",
        "powerbi.md 2, 6.2",
        "several sources",
    ),
    "service_principal_not_admitted_to_admin": Cause(
        401,
        "Unauthorized",
        "The caller is not authenticated to access this resource.",
        "powerbi.md 2, 6.2",
        "documented",
    ),
    "scopes_missing": Cause(
        403,
        "InsufficientScopes",
        "The caller does not have sufficient scopes to perform this operation.",
        "powerbi.md 6.2",
        "documented",
    ),
    "not_fabric_administrator": Cause(
        401,
        "Unauthorized",
        "The caller is not a Fabric administrator.",
        "powerbi.md 6.2 (code); text guess",
        "documented",
    ),
    # Any route
    "service_principal_not_admitted": Cause(
        403,
        "InsufficientPrivileges",
        "The caller does not have sufficient permissions to access the requested resource.",
        "powerbi.md 6.2: SP switch",
        "one source",
    ),
    "too_many_requests": Cause(
        429,
        "RequestBlocked",
        "Request is blocked by the upstream service until: {until} (UTC)",
        "recorded in microsoft/fabric-cli (test_ls_external_data_shares_success, 2026-04)",
        "observed live",
        retriable=True,
    ),
    # Workspaces
    "creation_not_admitted": Cause(
        403,
        "FeatureNotAvailable",
        "The feature is not available.",
        "powerbi.md 1.2, 6.2 (Analysis-Services#339)",
        "one source",
    ),
    "creation_switch_off": Cause(
        403,
        "TenantSwitchDisabled",
        "The tenant switch for this operation is disabled.",
        "powerbi.md 6.2",
        "documented",
    ),
    "capacity_not_found": Cause(
        404,
        "CapacityNotFound",
        "The requested capacity could not be found.",
        "powerbi.md 1.1, 6.2",
        "several sources",
    ),
    "capacity_not_active": Cause(
        400, "CapacityNotActive", "The capacity is not active.", "powerbi.md 6.2", "documented"
    ),
    "name_taken": Cause(409, "WorkspaceNameAlreadyExists", "Workspace name already exists", "known", "one source"),
    "workspace_not_found": Cause(
        404,
        "WorkspaceNotFound",
        "Workspace with Id {id} could not be found, or the caller has no access to it.",
        "powerbi.md 6.2",
        "documented",
    ),
    "workspace_role_too_low": Cause(
        403,
        "InsufficientWorkspaceRole",
        "The caller's workspace role is not sufficient for this operation.",
        "powerbi.md 6.2",
        "documented",
    ),
    "principal_unknown": Cause(
        400,
        "InvalidPrincipal",
        "The principal {id} could not be found in Microsoft Entra ID.",
        "powerbi.md 6.2",
        "documented",
    ),
    "principal_not_found": Cause(
        400,
        "PrincipalNotFound",
        "The provided principal was not found",
        "recorded in microsoft/fabric-cli (test_acls_set_workspace_invalid_identity_failure, 2025-09)",
        "observed live",
    ),
    "principal_has_role": Cause(
        409,
        "PrincipalAlreadyHasWorkspaceRolePermissions",
        "The provided principal already has a role assigned in the workspace",
        "known",
        "one source",
    ),
    "entity_not_found": Cause(
        404, "EntityNotFound", "The requested resource could not be found", "powerbi.md 6.2", "documented"
    ),
    "too_many_principals": Cause(
        400,
        "InvalidInput",
        "A workspace takes at most 1,000 principals.",
        "powerbi.md 7 (limit); code guess",
        "inferred",
    ),
    # Bodies and paths
    "input_invalid": Cause(400, "InvalidInput", "The request has an invalid input: {what}", "guess", "inferred"),
    "route_unknown": Cause(
        404,
        "EntityNotFound",
        "The requested resource could not be found",
        "powerbi.md 6.2 (code); guess",
        "inferred",
    ),
}


class Refused(Exception):
    """One cause of the table, with its placeholders filled."""

    def __init__(self, name: str, /, *, headers: dict[str, str] | None = None, **fields: Any) -> None:
        self.name = name
        self.cause = CAUSES[name]
        self.headers = headers or {}
        self.message = self.cause.message.format(**fields)
        self.details: list[dict[str, Any]] = []
        self.related: dict[str, str] | None = None
        super().__init__(self.message)

    def about(self, kind: str, id_: str, *, detail: tuple[str, str] | None = None) -> Refused:
        """The same refusal with the resource that it is about, and in its details another one."""
        self.related = _resource(kind, id_)
        if detail is not None:
            self.details.append({"relatedResource": _resource(*detail)})
        return self


def _resource(kind: str, id_: str) -> dict[str, str]:
    return {"resourceId": id_, "resourceType": kind}


def reply(call: Call, refused: Refused) -> Reply:
    """The refusal as Fabric sends it: details and the resource only where there are any, `isRetriable` since 2026.

    source: recordings in microsoft/fabric-cli; powerbi.md 6.2.
    """
    cause = refused.cause
    body: dict[str, Any] = {"requestId": call.request_id, "errorCode": cause.code}
    if refused.details:
        body["moreDetails"] = refused.details
    body["message"] = refused.message
    if refused.related is not None:
        body["relatedResource"] = refused.related
    body["isRetriable"] = cause.retriable
    return dressed(call, cause.status, body, {"x-ms-public-api-error-code": cause.code, **refused.headers})
