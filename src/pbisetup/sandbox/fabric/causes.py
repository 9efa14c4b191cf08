"""Every refusal of the Fabric API here, in one ordered table: the first cause that applies is the answer.

`errorCode` is contract, the message is not (source: powerbi.md 6.2). The order is inferred.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from pbisetup.sandbox.front_end import dressed
from pbisetup.sandbox.gate import when
from pbisetup.sandbox.gate.door import Refusal
from pbisetup.sandbox.gate.when import When
from pbisetup.sandbox.wire import Call, Reply


@dataclass(frozen=True)
class Cause:
    """One refusal as it travels."""

    name: str
    when: When | None
    """None: the operation itself finds out."""
    status: int
    code: str
    message: str
    source: str
    grade: str
    retriable: bool = False


_NOT_AUTHENTICATED = "The caller is not authenticated to access this resource."
_NO_PERMISSION = "The caller does not have sufficient permissions to access the requested resource."
_FABRIC_CLI = "recorded in microsoft/fabric-cli"

TABLE: Final[tuple[Cause, ...]] = (
    # The token
    Cause(
        "token_missing", when.token("missing"), 401, "InvalidToken", "The access token is missing.",
        "powerbi.md 6.2 (code)", "inferred",
    ),
    Cause(
        "token_malformed", when.token("malformed"), 401, "InvalidToken", "The access token is invalid.",
        "powerbi.md 6.2", "documented",
    ),
    Cause(
        "token_signature", when.token("signature"), 401, "InvalidToken", "The access token is invalid.",
        "powerbi.md 6.2", "documented",
    ),
    Cause(
        "token_expired", when.token("expired"), 401, "TokenExpired",
        "Access token has expired, resubmit with a new access token.", "powerbi.md 6.2", "documented",
    ),
    Cause(
        "token_too_early", when.token("not_yet_valid"), 401, "InvalidToken", "The access token is invalid.",
        "powerbi.md 6.2", "inferred",
    ),
    Cause(
        "token_foreign", when.token("foreign_tenant"), 401, "InvalidToken", "The access token is invalid.",
        "powerbi.md 6.2", "inferred",
    ),
    Cause(
        "token_audience", when.other_audience, 401, "InvalidToken", "The access token is for another resource.",
        "powerbi.md 6.2 (code); guess", "inferred",
    ),
    # The caller as such
    Cause(
        "user_unlicensed", when.unlicensed, 401, "PowerBINotLicensedException", "The user has no Power BI license.",
        "powerbi.md 6.1 (code of Power BI); here guess", "inferred",
    ),
    # Admin routes
    Cause(
        "app_roles_on_admin_route", when.app_roles_on_admin_route, 401, "Unauthorized",
        "Authorization Context Requested but not available", "powerbi.md 2, 6.2", "several sources",
    ),
    Cause(
        "admin_setting_off", when.app_kept_out_of_admin("off"), 401, "Unauthorized", _NOT_AUTHENTICATED,
        "powerbi.md 2, 6.2", "documented",
    ),
    Cause(
        "admin_outside_groups", when.app_kept_out_of_admin("outside"), 401, "Unauthorized", _NOT_AUTHENTICATED,
        "powerbi.md 2, 6.2", "documented",
    ),
    Cause(
        "admin_excluded", when.app_kept_out_of_admin("excluded"), 401, "Unauthorized", _NOT_AUTHENTICATED,
        "powerbi.md 2, 6.2", "inferred",
    ),
    Cause(
        "admin_in_synced_group", when.app_kept_out_of_admin("synced_group"), 401, "Unauthorized", _NOT_AUTHENTICATED,
        "powerbi.md 1.1, 6.2", "inferred",
    ),
    Cause(
        "admin_in_microsoft365_group", when.app_kept_out_of_admin("microsoft365_group"), 401, "Unauthorized",
        _NOT_AUTHENTICATED, "powerbi.md 1.1, 6.2", "inferred",
    ),
    Cause(
        "admin_in_nested_group", when.app_kept_out_of_admin("nested_group"), 401, "Unauthorized", _NOT_AUTHENTICATED,
        "powerbi.md 1.1, 6.2", "inferred",
    ),
    Cause(
        "scopes_missing", when.scopes_missing, 403, "InsufficientScopes",
        "The caller does not have sufficient scopes to perform this operation.", "powerbi.md 6.2", "documented",
    ),
    Cause(
        "not_fabric_administrator", when.not_administrator, 401, "Unauthorized",
        "The caller is not a Fabric administrator.", "powerbi.md 6.2 (code); text guess", "documented",
    ),
    # Any route
    Cause(
        "service_principal_setting_off", when.app_kept_out("off"), 403, "InsufficientPrivileges", _NO_PERMISSION,
        "powerbi.md 6.2", "one source",
    ),
    Cause(
        "service_principal_outside_groups", when.app_kept_out("outside"), 403, "InsufficientPrivileges",
        _NO_PERMISSION, "powerbi.md 6.2", "one source",
    ),
    Cause(
        "service_principal_excluded", when.app_kept_out("excluded"), 403, "InsufficientPrivileges", _NO_PERMISSION,
        "powerbi.md 6.2", "inferred",
    ),
    Cause(
        "service_principal_in_synced_group", when.app_kept_out("synced_group"), 403, "InsufficientPrivileges",
        _NO_PERMISSION, "powerbi.md 1.1, 6.2", "inferred",
    ),
    Cause(
        "service_principal_in_microsoft365_group", when.app_kept_out("microsoft365_group"), 403,
        "InsufficientPrivileges", _NO_PERMISSION, "powerbi.md 1.1, 6.2", "inferred",
    ),
    Cause(
        "service_principal_in_nested_group", when.app_kept_out("nested_group"), 403, "InsufficientPrivileges",
        _NO_PERMISSION, "powerbi.md 1.1, 6.2", "inferred",
    ),
    Cause(
        "closed_to_apps", when.closed_to_apps, 400, "PrincipalTypeNotSupported",
        "The operation is not supported for the principal type.", "powerbi.md 6.2", "documented",
    ),
    # Workspaces
    Cause(
        "workspace_not_found", when.no_role, 404, "WorkspaceNotFound",
        "Workspace with Id {id} could not be found, or the caller has no access to it.", "powerbi.md 6.2",
        "documented",
    ),
    Cause(
        "inbound_denied", when.inbound_denied, 403, "RequestDeniedByInboundPolicy",
        "Request is denied due to inbound communication policy.", "powerbi.md 6.2", "one source",
    ),
    Cause(
        "workspace_role_too_low", when.role_too_low, 403, "InsufficientWorkspaceRole",
        "The caller's workspace role is not sufficient for this operation.", "powerbi.md 6.2", "documented",
    ),
    Cause(
        "capacity_not_active", when.capacity_paused, 400, "CapacityNotActive", "The capacity is not active.",
        "powerbi.md 6.2", "documented",
    ),
    Cause(
        "feature_kept_from_an_app", when.feature_kept_from_an_app, 403, "FeatureNotAvailable",
        "The feature is not available.", "powerbi.md 1.2, 6.2 (Analysis-Services#339)", "one source",
    ),
    Cause(
        "feature_kept_from_a_user", when.feature_kept_from_a_user, 403, "TenantSwitchDisabled",
        "The tenant switch for this operation is disabled.", "powerbi.md 6.2", "documented",
    ),
    Cause(
        "too_many_requests", when.too_many_requests, 429, "RequestBlocked",
        "Request is blocked by the upstream service until: {until} (UTC)",
        f"{_FABRIC_CLI} (test_ls_external_data_shares_success, 2026-04)", "observed live", retriable=True,
    ),
    # What an operation finds out itself
    Cause(
        "capacity_not_found", None, 404, "CapacityNotFound", "The requested capacity could not be found.",
        "powerbi.md 1.1, 6.2", "several sources",
    ),
    Cause(
        "that_capacity_not_active", None, 400, "CapacityNotActive", "The capacity is not active.", "powerbi.md 6.2",
        "documented",
    ),
    Cause(
        "name_taken", None, 409, "WorkspaceNameAlreadyExists", "Workspace name already exists", "known", "one source",
    ),
    Cause(
        "member_cannot_touch_admins", None, 403, "InsufficientWorkspaceRole",
        "The caller's workspace role is not sufficient for this operation.", "workspace roles page, known", "inferred",
    ),
    Cause(
        "principal_unknown", None, 400, "InvalidPrincipal",
        "The principal {id} could not be found in Microsoft Entra ID.", "powerbi.md 6.2", "documented",
    ),
    Cause(
        "principal_not_found", None, 400, "PrincipalNotFound", "The provided principal was not found",
        f"{_FABRIC_CLI} (test_acls_set_workspace_invalid_identity_failure, 2025-09)", "observed live",
    ),
    Cause(
        "principal_has_role", None, 409, "PrincipalAlreadyHasWorkspaceRolePermissions",
        "The provided principal already has a role assigned in the workspace", "known", "one source",
    ),
    Cause(
        "entity_not_found", None, 404, "EntityNotFound", "The requested resource could not be found", "powerbi.md 6.2",
        "documented",
    ),
    Cause(
        "too_many_principals", None, 400, "InvalidInput", "A workspace takes at most 1,000 principals.",
        "powerbi.md 7 (limit); code guess", "inferred",
    ),
    Cause("input_invalid", None, 400, "InvalidInput", "The request has an invalid input: {what}", "guess", "inferred"),
    Cause(
        "route_unknown", None, 404, "EntityNotFound", "The requested resource could not be found",
        "powerbi.md 6.2 (code); guess", "inferred",
    ),
)  # fmt: skip

CAUSES: Final = {cause.name: cause for cause in TABLE}


class Refused(Refusal):
    """One cause of the table, with its placeholders filled."""

    def __init__(self, name: str, /, *, headers: dict[str, str] | None = None, **fields: Any) -> None:
        super().__init__(name, headers=headers, **fields)
        self.cause = CAUSES[name]
        self.message = self.cause.message.format(**fields)
        self.details: list[dict[str, Any]] = []
        self.related: dict[str, str] | None = None

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
