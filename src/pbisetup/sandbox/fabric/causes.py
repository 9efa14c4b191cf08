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
    detail: tuple[str, str] | None = None
    """Code and message of the one inner error."""


_NOT_AUTHENTICATED = "The caller is not authenticated to access this resource"
_NO_PERMISSION = "The caller does not have sufficient permissions to access the requested resource"
_NO_SCOPE = "The caller does not have sufficient scopes to perform this operation"
_NOT_FOR_APPS = "The operation is not supported for the principal type"
_ROLE_TOO_LOW = "The caller's workspace role is not sufficient for this operation"
_NOT_FOUND = "The requested resource could not be found"
_UNAVAILABLE = "The feature is not available"
_INCOMPLETE = "The request could not be processed due to missing or invalid information"
_FABRIC_CLI = "recorded in microsoft/fabric-cli"
_NOT_ADMITTED = "answers published by several projects (terraform-provider-fabric#254, FMD_FRAMEWORK#178)"
_SDK = "microsoft/fabric-sdk-go error_codes.go (code)"
_SPEC = "fabric-rest-api-specs (code)"

TABLE: Final[tuple[Cause, ...]] = (
    # The address
    Cause(
        "not_in_this_cloud", when.not_in_this_cloud, 404, "EntityNotFound", _NOT_FOUND,
        "powerbi-docs service-govus-overview (not offered); answer guess", "inferred",
    ),
    # The token
    Cause(
        "token_missing", when.token("missing"), 401, "TokenIsMissing", "The access token is missing",
        f"{_SDK}; text guess", "inferred",
    ),
    Cause(
        "token_malformed", when.token("malformed"), 401, "InvalidToken", "The access token is invalid",
        "powerbi.md 6.2 (code); text guess", "documented",
    ),
    Cause(
        "token_signature", when.token("signature"), 401, "InvalidToken", "The access token is invalid",
        "powerbi.md 6.2 (code); text guess", "documented",
    ),
    Cause(
        "token_expired", when.token("expired"), 401, "TokenExpired",
        "Access token has expired, resubmit with a new access token",
        "microsoft/fabric-cicd (401 with this code renews its token); text guess", "documented",
    ),
    Cause(
        "token_too_early", when.token("not_yet_valid"), 401, "InvalidToken", "The access token is invalid",
        "powerbi.md 6.2", "inferred",
    ),
    Cause(
        "token_foreign", when.token("foreign_tenant"), 401, "UserNotLicensed", "User is not licensed",
        "calvinchengx/fabric-emulator, measured on a trial tenant (2026-08-11)", "one source",
    ),
    Cause(
        "token_of_another_cloud", when.audience_of_another_cloud, 401, "InvalidToken", "The access token is invalid",
        "powerbi.md 6.2 (code); guess", "inferred",
    ),
    Cause(
        "token_audience", when.other_audience, 401, "InvalidToken", "The access token is for another resource",
        "powerbi.md 6.2 (code); guess", "inferred",
    ),
    Cause(
        "tenant_of_another_cloud", when.tenant_of_another_cloud, 401, "UserNotLicensed", "User is not licensed",
        "issues of several clients (tenants that never used Power BI); for another cloud's guess", "inferred",
    ),
    # The caller as such
    Cause(
        "user_unlicensed", when.unlicensed, 401, "UserNotLicensed", "User is not licensed",
        "answers published by five projects (GET /v1/workspaces, /v1/capacities)", "several sources",
    ),
    # Admin routes
    Cause(
        "app_roles_on_admin_route_403",
        when.both(when.app_roles_on_admin_route, when.unknown("appRolesOnFabricAdminRoutes", "403")), 403,
        "InsufficientScopes", _NO_SCOPE, "terraform-provider-fabric#347, #377", "several sources",
    ),
    Cause(
        "app_roles_on_admin_route", when.app_roles_on_admin_route, 401, "Unauthorized",
        "Authorization Context Requested but not available", "powerbi.md 2, 6.2; fabric-toolbox#363", "several sources",
    ),
    Cause(
        "admin_setting_on_its_way",
        when.both(when.on("admin.Workspaces_ListGitConnections"), when.admin_setting_on_its_way), 500, "UnknownError",
        "An error occured while processing the operation", "fabric-toolbox#264", "one source",
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
    # Any route, service principals
    Cause(
        "service_principal_not_admitted_403",
        when.both(when.app_kept_out_at_all, when.unknown("fabricAppNotAdmitted", "403")), 403, "InsufficientPrivileges",
        _NO_PERMISSION, "powerbi.md 6.2", "one source",
    ),
    Cause(
        "service_principal_setting_off", when.app_kept_out("off"), 401, "Unauthorized", _NOT_AUTHENTICATED,
        _NOT_ADMITTED, "several sources",
    ),
    Cause(
        "service_principal_outside_groups", when.app_kept_out("outside"), 401, "Unauthorized", _NOT_AUTHENTICATED,
        _NOT_ADMITTED, "several sources",
    ),
    Cause(
        "service_principal_excluded", when.app_kept_out("excluded"), 401, "Unauthorized", _NOT_AUTHENTICATED,
        _NOT_ADMITTED, "inferred",
    ),
    Cause(
        "service_principal_in_synced_group", when.app_kept_out("synced_group"), 401, "Unauthorized",
        _NOT_AUTHENTICATED, _NOT_ADMITTED, "inferred",
    ),
    Cause(
        "service_principal_in_microsoft365_group", when.app_kept_out("microsoft365_group"), 401, "Unauthorized",
        _NOT_AUTHENTICATED, _NOT_ADMITTED, "inferred",
    ),
    Cause(
        "service_principal_in_nested_group", when.app_kept_out("nested_group"), 401, "Unauthorized",
        _NOT_AUTHENTICATED, _NOT_ADMITTED, "inferred",
    ),
    # Any route, users: the scope comes before the caller's rights (semantic-link-labs#938, terraform-provider-fabric#347)
    Cause(
        "scopes_missing", when.scopes_missing, 403, "InsufficientScopes", _NO_SCOPE,
        "semantic-link-labs#938; answers of several projects", "several sources",
    ),
    Cause(
        "not_fabric_administrator", when.not_administrator, 403, "Forbidden",
        "The caller is not a Fabric administrator", "fabric-rest-api-specs (code); Microsoft365DSC#5515 (status)",
        "documented",
    ),
    Cause(
        "closed_to_apps", when.closed_to_apps, 400, "PrincipalTypeNotSupported", _NOT_FOR_APPS,
        "microsoft/rayfin#10 (2026-06-04); fabric-cicd's tests", "several sources",
    ),
    # Workspaces. No source tells "there is none" from "no role in it" cleanly; the default is the likelier.
    Cause(
        "workspace_not_found", when.workspace_unknown, 404, "WorkspaceNotFound", "The provided workspace was not found",
        "fabric-cicd#455 (2025-08-05)", "several sources",
    ),
    Cause(
        "workspace_without_role_404", when.both(when.no_role, when.unknown("workspaceWithoutRole", "404")), 404,
        "WorkspaceNotFound", "The provided workspace was not found", "powerbi.md 6.2", "one source",
    ),
    Cause(
        "workspace_without_role_401", when.both(when.no_role, when.unknown("workspaceWithoutRole", "401")), 401,
        "RequestFailed", "Unable to process the request", "a public project's notes of answers to an app", "one source",
    ),
    Cause(
        "workspace_without_role", when.no_role, 403, "InsufficientPrivileges", _NO_PERMISSION,
        "terraform-provider-fabric#88 (2024-11-14, text); status and code inferred", "one source",
    ),
    Cause(
        "inbound_denied", when.inbound_denied, 403, "RequestDeniedByInboundPolicy",
        "Request is denied due to inbound communication policy",
        "vscode-fabric#166, terraform-provider-fabric#1031; fabric-docs", "several sources",
    ),
    Cause(
        "workspace_role_too_low_privileges",
        when.both(when.role_too_low, when.unknown("workspaceRoleTooLow", "InsufficientPrivileges")), 403,
        "InsufficientPrivileges", _NO_PERMISSION, "what several clients check for", "inferred",
    ),
    Cause(
        "workspace_role_too_low", when.role_too_low, 403, "InsufficientWorkspaceRole", _ROLE_TOO_LOW,
        "fabric-rest-api-specs (code of 42 operations); text guess", "documented",
    ),
    Cause(
        "capacity_not_active_500", when.both(when.capacity_paused, when.unknown("pausedCapacity", "500")), 500,
        "InternalServerError", "An error occured", "sdebruyn/fabric-dw-mcp-cli (lists of warehouses)", "one source",
    ),
    Cause(
        "capacity_not_active_workspace",
        when.both(when.capacity_paused, when.unknown("pausedCapacity", "WorkspaceNotFound")), 404, "WorkspaceNotFound",
        "The provided workspace was not found", "microsoft/rayfin's issues", "one source",
    ),
    Cause(
        "capacity_not_active", when.capacity_paused, 404, "CapacityNotActive", "Capacity {capacity} is not active",
        "sdebruyn/fabric-dw-mcp-cli#963 (2026-07-01)", "several sources",
    ),
    Cause(
        "feature_kept_from_an_app_401",
        when.both(when.feature_kept_from_an_app, when.unknown("createSettingOff", "401")), 401, "Unauthorized",
        _NOT_AUTHENTICATED, "a public client's test of this answer", "one source",
    ),
    Cause(
        "feature_kept_from_an_app", when.feature_kept_from_an_app, 403, "FeatureNotAvailable", _UNAVAILABLE,
        "powerbi.md 1.2, 6.2 (Analysis-Services#339)", "one source",
    ),
    Cause(
        "feature_kept_from_a_user", when.feature_kept_from_a_user, 403, "TenantSwitchDisabled",
        "The operation is not allowed since tenant setting '{setting}' is disabled",
        "fabric-rest-api-specs (code); a public client's test of this text", "documented",
    ),
    Cause(
        "too_many_requests", when.too_many_requests, 429, "RequestBlocked",
        "Request is blocked by the upstream service until: {until} (UTC)",
        f"{_FABRIC_CLI} (test_ls_external_data_shares_success, 2026-04)", "observed live", retriable=True,
    ),
    # What an operation finds out itself: workspaces
    Cause(
        "capacity_not_found", None, 404, "CapacityNotFound", "The requested capacity could not be found",
        "powerbi.md 6.2 (code); text guess", "documented",
    ),
    Cause(
        "capacity_not_permitted", None, 403, "InsufficientPermissionsOverCapacity",
        "The calling principal has no sufficient permissions over the target capacity",
        "answers of several projects (2026-08)", "several sources",
    ),
    Cause(
        "that_capacity_not_active", None, 404, "CapacityNotActive", "Capacity {capacity} is not active",
        "sdebruyn/fabric-dw-mcp-cli#963 (of another call)", "inferred",
    ),
    Cause(
        "name_taken", None, 409, "WorkspaceNameAlreadyExists", "Workspace name already exists",
        f"{_SDK}; terraform-provider-fabric's tests; text guess", "one source",
    ),
    Cause(
        "member_cannot_touch_admins", None, 403, "InsufficientWorkspaceRole", _ROLE_TOO_LOW,
        "workspace roles page, known", "inferred",
    ),
    Cause(
        "identity_exists", None, 409, "WorkspaceIdentityAlreadyExists", "The workspace already has an identity",
        f"{_SDK}; status and text guess", "inferred",
    ),
    Cause(
        "group_unknown", None, 400, "BadRequest", _INCOMPLETE,
        "a public script's comment (a group that is gone fails the update so); text of another route", "one source",
    ),
    Cause(
        "principal_unknown", None, 400, "InvalidPrincipal", "The provided principal is invalid",
        "fabric-rest-api-specs (code); text guess", "documented",
    ),
    Cause(
        "principal_not_found", None, 400, "PrincipalNotFound", "The provided principal was not found",
        f"{_FABRIC_CLI} (test_acls_set_workspace_invalid_identity_failure, 2025-09)", "observed live",
    ),
    Cause(
        "profile_needs_admin", None, 400, "WorkspaceRoleNotAllowedForServicePrincipalProfile",
        "The provided role cannot be assigned to the provided profile", _FABRIC_CLI, "observed live",
    ),
    Cause(
        "principal_has_role", None, 409, "PrincipalAlreadyHasWorkspaceRolePermissions",
        "The provided principal already has a role assigned in the workspace", f"{_SDK}; status and text guess",
        "one source",
    ),
    Cause(
        "too_many_principals", None, 400, "InvalidInput", "A workspace takes at most 1,000 principals",
        "powerbi.md 7 (limit); code guess", "inferred",
    ),
    # Items
    Cause(
        "item_not_found", None, 404, "ItemNotFound", "The requested item was not found",
        "fabric-rest-api-specs; a client's integration test", "documented",
    ),
    Cause(
        "item_type_unknown", None, 400, "InvalidItemType", "Item type is invalid", "fabric-rest-api-specs; status guess",
        "documented",
    ),
    Cause(
        "item_type_closed_to_apps", None, 400, "PrincipalTypeNotSupported", _NOT_FOR_APPS,
        "microsoft/rayfin#10; fabric-rest-api-specs on items of each type", "several sources",
    ),
    Cause(
        "item_feature_unavailable", None, 403, "FeatureNotAvailable", _UNAVAILABLE,
        "fabric-cicd#402, #516, #605, #925; fabric-cli#288", "several sources",
    ),
    Cause(
        "datamart_switch_off", None, 400, "UnknownError", "An unexpected error occurred while processing the request",
        "fabric-cicd#242, #253 (2025-04-22); status guess", "several sources",
        detail=("DatamartCreationFailedDueToBadRequest",
                "Datamart creation failed with the error 'Required feature switch disabled'."),
    ),
    Cause(
        "item_name_taken_409", None, 409, "ItemDisplayNameAlreadyInUse", "Requested '{name}' is already in use",
        "terraform-provider-fabric, fabric-sdk-go fakes", "several sources",
    ),
    Cause(
        "item_name_taken", None, 400, "ItemDisplayNameAlreadyInUse", "Requested '{name}' is already in use",
        "answers of three clients (POST items; one with its body)", "several sources",
    ),
    Cause(
        "item_name_not_available_yet", None, 409, "ItemDisplayNameNotAvailableYet",
        "Requested '{name}' is not available yet and is expected to become available in the upcoming minutes.",
        "calvinchengx/fabric-emulator, measured (2026-08-11); fabric-cicd#388", "several sources", retriable=True,
    ),
    Cause(
        "folder_not_found", None, 404, "FolderNotFound", "The requested folder was not found",
        f"{_SPEC}; status and text guess", "documented",
    ),
    Cause(
        "folder_name_taken", None, 409, "FolderDisplayNameAlreadyInUse", "Requested '{name}' is already in use",
        f"{_SPEC}; status and text guess", "documented",
    ),
    Cause(
        "folder_name_invalid", None, 400, "InvalidFolderDisplayName", "The provided folder display name is invalid",
        f"{_SPEC}; status guess", "documented",
    ),
    Cause(
        "folder_too_deep", None, 400, "FolderDepthOutOfRange", "The parent folder has achieved max depth",
        f"{_SPEC}; status guess", "documented",
    ),
    Cause(
        "folder_into_itself", None, 400, "InfiniteFolderHierarchyLoop",
        "The folder can't be moved into any of its descendants", f"{_SPEC}; status guess", "documented",
    ),
    Cause(
        "folder_not_empty", None, 400, "FolderNotEmpty", "The requested folder was not empty.", _FABRIC_CLI,
        "observed live",
    ),
    Cause(
        "definition_missing", None, 400, "MissingDefinition", "The item definition is missing",
        f"{_SDK}; status and text guess", "inferred",
    ),
    Cause(
        "definition_parts_invalid", None, 400, "InvalidDefinitionParts", "The item definition's parts are invalid",
        f"{_SDK}; status and text guess", "inferred",
    ),
    Cause(
        "payload_type_unsupported", None, 400, "UnsupportedPayloadType", "The payload type is not supported",
        f"{_SDK}; status and text guess", "inferred",
    ),
    Cause(
        "payload_corrupted", None, 400, "CorruptedPayload", "The provided payload is corrupted",
        "fabric-rest-api-specs; status guess", "documented",
    ),
    Cause(
        "not_for_this_item", None, 400, "OperationNotSupportedForItem", "Operation not supported for requested item",
        f"{_FABRIC_CLI} (connections of a warehouse)", "observed live",
    ),
    Cause(
        "connection_not_shared_unspecific", None, 400, "BadRequest",
        "The request could not be processed due to an error", "fabric-cicd#174, #433 (text); status and code guess",
        "several sources",
    ),
    Cause(
        "connection_not_shared", None, 400, "RequestValidationFailed",
        "User does not have access to the connection used in the Pipeline. Please verify the user's permissions.",
        "fabric-cicd#203, #300, #766 (text); a public log of fab (code); status guess", "several sources",
    ),
    # Long-running operations
    Cause(
        "operation_not_found", None, 404, "OperationNotFound", _NOT_FOUND, f"{_SDK}; status and text guess", "inferred",
    ),
    Cause(
        "operation_not_succeeded", None, 400, "OperationNotSucceeded", "The operation has not succeeded",
        f"{_SDK}; status and text guess", "inferred",
    ),
    Cause(
        "operation_has_no_result", None, 400, "OperationHasNoResult", "The operation has no result", _FABRIC_CLI,
        "observed live",
    ),
    # Connections
    Cause(
        "connection_name_taken", None, 409, "DuplicateConnectionName", "The connection name is already in use",
        "fabric-rest-api-specs; status by analogy to DuplicateGatewayName, recorded", "documented",
    ),
    Cause(
        "connection_details_invalid", None, 400, "InvalidConnectionDetails",
        "The ConnectionDetails input provided is not valid", "fabric-rest-api-specs; status guess", "documented",
    ),
    Cause(
        "credential_details_invalid", None, 400, "InvalidCredentialDetails",
        "The CredentialDetails input provided is not valid", "fabric-rest-api-specs; status guess", "documented",
    ),
    Cause(
        "connection_not_managed", None, 403, "InsufficientPermissionsToManageConnection",
        "The caller has insufficient permissions to manage this connection", "fabric-rest-api-specs; status guess",
        "documented",
    ),
    Cause(
        "connection_principal_unknown", None, 400, "UnknownError",
        "An unexpected error occurred while processing the request",
        f"{_FABRIC_CLI} (connections/.../roleAssignments, also for a profile)", "observed live",
    ),
    # Anything
    Cause("entity_not_found", None, 404, "EntityNotFound", _NOT_FOUND, "answers of several projects", "several sources"),
    Cause(
        "continuation_invalid", None, 400, "InvalidContinuationToken", "The continuation token is invalid",
        f"{_SDK}; status and text guess", "inferred",
    ),
    Cause("input_invalid", None, 400, "InvalidInput", "The request has an invalid input: {what}", "guess", "inferred"),
    Cause(
        "route_unknown", None, 404, "EntityNotFound", _NOT_FOUND, "answers to two unknown routes, of two projects",
        "several sources",
    ),
)  # fmt: skip

CAUSES: Final = {cause.name: cause for cause in TABLE}


class Refused(Refusal):
    """One cause of the table, with its placeholders filled."""

    def __init__(self, name: str, /, *, headers: dict[str, str] | None = None, **fields: Any) -> None:
        super().__init__(name, headers=headers, **fields)
        self.cause = CAUSES[name]
        self.message = self.cause.message.format(**fields)
        inner = self.cause.detail
        self.details: list[dict[str, Any]] = [{"errorCode": inner[0], "message": inner[1]}] if inner else []
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
