"""Every refusal of the Power BI API here, in one ordered table: the first cause that applies is the answer.

Power BI inverts the convention: 403 is usually the token, 401 usually a permission, and the reason stands in a header or
nowhere (source: powerbi.md 6). What the table's order rests on: a token is read before anything else (observed live);
the rest of the order is inferred.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final

from pbisetup.sandbox.front_end import dressed
from pbisetup.sandbox.gate import when
from pbisetup.sandbox.gate.door import Refusal
from pbisetup.sandbox.gate.when import When
from pbisetup.sandbox.wire import Call, Reply

HEADER: Final = "x-powerbi-error-info"
_THROTTLED: Final = {"Cache-Control": "no-store, must-revalidate, no-cache", "Pragma": "no-cache"}
"""On a throttled answer too, unlike Fabric's (source: RuiRomano/pbimonitor#58)."""
NOT_ADMITTED: Final = "ServicePrincipalIsNotAllowedByTenantAdminSwitch"


@dataclass(frozen=True)
class Cause:
    """One refusal as it travels."""

    name: str
    when: When | None
    """None: the operation itself finds out."""
    status: int
    header: str | None
    """Value of `x-powerbi-error-info`."""
    body: Any
    """None: an empty body. `{names}` in its texts are filled from the refusal."""
    source: str
    grade: str


def _error(code: str, *, culprit: int | None = None, details: tuple[tuple[str, str], ...] = ()) -> dict[str, Any]:
    """What Power BI's own code raises; details are codes with their texts."""
    told = [{"code": name, "detail": {"type": 1, "value": value}} for name, value in details]
    inner: dict[str, Any] = {"code": code, "parameters": {}, "details": told}
    if culprit is not None:
        inner["exceptionCulprit"] = culprit
    return {"error": {"code": code, "pbi.error": inner}}


def _said(code: str, message: str, **more: str) -> dict[str, Any]:
    """What its request validation says."""
    return {"error": {"code": code, "message": message, **more}}


_NOT_AUTHORIZED = _error("PowerBINotAuthorizedException", culprit=1)
_NOT_FOR_APPS = {"Message": "API is not accessible for application"}
_GROUP = "powerbi.md 1.1, 6.1"
_NOT_FOUND = _error("PowerBIEntityNotFound", culprit=1)
_EMBED = "Creating embed token for accessing dataset {dataset}"
_NO_PARAMETERS = "Dataset parameters at positions {positions} cannot be found in {dataset}"
_QUOTA = (
    "You have exceeded the amount of embed token that can be generated on a shared or ProPlus capacity. You need to "
    "purchase Azure capacities to generate embed tokens. See https://go.microsoft.com/fwlink/?linkid=868976"
)
_TOO_MANY = (
    "You have exceeded the amount of requests allowed in the current time frame and further requests will fail. "
    "Retry in {wait} seconds."
)
_NO_BUILD = (
    "You cannot query the dataset '{dataset}' by using the REST API because the dataset was not found or you do not have "
    "the required permissions. Please contact a workspace admin or a dataset owner to grant you the required permissions."
)

TABLE: Final[tuple[Cause, ...]] = (
    # The token
    Cause("token_missing", when.token("missing"), 403, None, None, "powerbi.md 6.1", "observed live"),
    Cause("token_malformed", when.token("malformed"), 403, "InvalidToken", None, "powerbi.md 6.1", "observed live"),
    Cause("token_signature", when.token("signature"), 403, "TokenExpired", None, "powerbi.md 6.1", "observed live"),
    Cause("token_expired", when.token("expired"), 403, "TokenExpired", None, "powerbi.md 6.1", "observed live"),
    Cause("token_too_early", when.token("not_yet_valid"), 403, "TokenExpired", None, "powerbi.md 6.1", "inferred"),
    Cause("token_foreign", when.token("foreign_tenant"), 403, "TokenExpired", None, "powerbi.md 6.1", "inferred"),
    Cause(
        "token_of_another_cloud", when.audience_of_another_cloud, 403, "TokenExpired", None,
        "powerbi.md 6.1 (what any other wrong token gets)", "inferred",
    ),
    Cause(
        "token_audience_401", when.both(when.other_audience, when.unknown("wrongAudience", "401")), 401, None, None,
        "powerbi-docs embedded-troubleshoot (2026-06-30)", "documented",
    ),
    Cause("token_audience", when.other_audience, 403, None, None, "msft-extensions#445", "one source"),
    Cause(
        "fabric_audience_at_fabric", when.fabric_audience_at_fabric, 403, None, None, "semantic-link-labs#782",
        "one source",
    ),
    Cause(
        "tenant_of_another_cloud", when.tenant_of_another_cloud, 401, None,
        _error("PowerBINotLicensedException", culprit=1), "powerbi-docs#4226 (401, by a licence); body guess", "one source",
    ),
    # The caller as such
    Cause(
        "user_unlicensed", when.unlicensed, 401, None, _error("PowerBINotLicensedException", culprit=1),
        "powerbi.md 6.1", "observed live",
    ),
    Cause(
        "service_principal_setting_off", when.app_kept_out("off"), 401, NOT_ADMITTED, None, _GROUP, "several sources",
    ),
    Cause(
        "service_principal_outside_groups", when.app_kept_out("outside"), 401, NOT_ADMITTED, None, _GROUP,
        "several sources",
    ),
    Cause("service_principal_excluded", when.app_kept_out("excluded"), 401, NOT_ADMITTED, None, _GROUP, "inferred"),
    Cause(
        "service_principal_in_synced_group", when.app_kept_out("synced_group"), 401, NOT_ADMITTED, None,
        "powerbi-docs PR#4850 (on admin routes)", "one source",
    ),
    Cause(
        "service_principal_in_microsoft365_group", when.app_kept_out("microsoft365_group"), 401, NOT_ADMITTED, None,
        _GROUP, "inferred",
    ),
    Cause(
        "service_principal_in_nested_group", when.app_kept_out("nested_group"), 401, NOT_ADMITTED, None, _GROUP,
        "inferred",
    ),
    # Routes that do not take such a caller
    Cause(
        "my_workspace_of_an_app", when.my_workspace_of_an_app, 403, None, _NOT_FOR_APPS, "powerbi.md 1.3, 6.1",
        "several sources",
    ),
    Cause(
        "app_roles_on_admin_route", when.app_roles_on_admin_route, 401, None, _NOT_AUTHORIZED, "powerbi.md 2, 6.1",
        "documented",
    ),
    Cause(
        "admin_route_for_people", when.app_on_peoples_admin_route, 401, None, _NOT_AUTHORIZED,
        "powerbi-powershell#375 (2022-12; status, on AssignWorkspaces); body inferred", "one source",
    ),
    Cause("closed_to_apps", when.closed_to_apps, 403, None, _NOT_FOR_APPS, "powerbi.md 1.3, 6.1", "one source"),
    Cause(
        "closed_to_users", when.closed_to_users, 403, None, _error("Forbidden"), "powerbi.md 1.3; answer guess",
        "inferred",
    ),
    # Admin routes
    Cause(
        "admin_setting_off", when.app_kept_out_of_admin("off"), 401, None, _NOT_AUTHORIZED, "powerbi.md 6.1",
        "several sources",
    ),
    Cause(
        "admin_outside_groups", when.app_kept_out_of_admin("outside"), 401, None, _NOT_AUTHORIZED, "powerbi.md 6.1",
        "several sources",
    ),
    Cause(
        "admin_excluded", when.app_kept_out_of_admin("excluded"), 401, None, _NOT_AUTHORIZED, "powerbi.md 6.1",
        "inferred",
    ),
    Cause(
        "admin_in_synced_group", when.app_kept_out_of_admin("synced_group"), 401, None, _NOT_AUTHORIZED,
        "powerbi-docs PR#4850", "one source",
    ),
    Cause(
        "admin_in_microsoft365_group", when.app_kept_out_of_admin("microsoft365_group"), 401, None, _NOT_AUTHORIZED,
        "powerbi.md 1.1", "inferred",
    ),
    Cause(
        "admin_in_nested_group", when.app_kept_out_of_admin("nested_group"), 401, None, _NOT_AUTHORIZED,
        "powerbi.md 1.1", "inferred",
    ),
    # Users
    Cause(
        "scopes_missing_403", when.both(when.scopes_missing, when.unknown("missingScope", "403")), 403, None, None,
        "Fabric community answers; no recorded body", "one source",
    ),
    Cause(
        "scopes_missing", when.scopes_missing, 401, None, None,
        "powerbi-docs embedded-troubleshoot (2026-06-30; status); empty body guess", "documented",
    ),
    Cause("not_fabric_administrator", when.not_administrator, 401, None, _NOT_AUTHORIZED, "powerbi.md 6.1", "inferred"),
    # Profiles
    Cause(
        "profile_of_a_user", when.profile_of_a_user, 403, None, _error("Forbidden"), "powerbi.md 3; answer guess",
        "inferred",
    ),
    Cause(
        "profile_malformed", when.profile_malformed, 400, None, _error("InvalidRequest"), "powerbi.md 3; answer guess",
        "inferred",
    ),
    Cause(
        "profiles_switched_off", when.profiles_switched_off, 401, None, _NOT_AUTHORIZED,
        "powerbi.md 1.2; answer guess", "inferred",
    ),
    Cause(
        "profile_unknown", when.profile_unknown, 401, None, _NOT_AUTHORIZED, "powerbi.md 3; answer guess", "inferred",
    ),
    # Features
    Cause(
        "setting_keeps_out_an_app", when.feature_kept_from_an_app, 401, None, _NOT_AUTHORIZED,
        "public script on DatasetExecuteQueries (code); status and other settings inferred", "one source",
    ),
    Cause(
        "setting_keeps_out_a_user", when.feature_kept_from_a_user, 401, None, _NOT_AUTHORIZED,
        "public script on DatasetExecuteQueries (code); status and other settings inferred", "one source",
    ),
    # Workspaces
    Cause(
        "inbound_denied", when.inbound_denied, 403, None, _error("RequestDeniedByInboundPolicy"),
        "powerbi.md 6.2 (code); here guess", "inferred",
    ),
    Cause(
        "personal_workspace", when.personal_workspace, 401, None,
        _said("GroupNotAccessible", "Calling group APIs not permitted for personal workspace"),
        "Microsoft's sempy client, which tests this text", "several sources",
    ),
    Cause(
        "folder_hidden_from_app",
        when.both(when.app, when.no_role, when.on("Datasets_ExecuteQueriesInGroup")), 404, None,
        _error("PowerBIFolderNotFound", culprit=1), "powerbi.md 6.1 (code); envelope guess", "several sources",
    ),
    Cause(
        "group_hidden_from_app", when.both(when.app, when.no_role, when.on("Groups_GetGroup")), 404, None,
        _NOT_FOUND, "Microsoft's sempy client, on a workspace that does not exist", "documented",
    ),
    Cause(
        "embed_group_hidden_from_app", when.both(when.app, when.no_role, when.embed_token), 404, None,
        _NOT_FOUND, "stackoverflow 64109695 (GenerateToken; 2020)", "one source",
    ),
    Cause("group_not_accessible", when.no_role, 401, "GroupNotAccessible", None, "powerbi.md 6.1", "observed live"),
    Cause(
        "embed_role_too_low_401",
        when.both(when.embed_token, when.role_too_low, when.unknown("embedTokenRoleTooLow", "401")), 401, None,
        _NOT_AUTHORIZED, "a public embedding project's notes (status); body inferred", "one source",
    ),
    Cause(
        "embed_role_too_low", when.both(when.embed_token, when.role_too_low), 403, None, None,
        "powerbi-docs embedded-troubleshoot (status); empty body guess", "documented",
    ),
    Cause(
        "refresh_history_of_a_reader", when.both(when.on("Datasets_GetRefreshHistoryInGroup"), when.role_too_low),
        403, None, _said("Unauthorized", "insufficient privileges"), "a public notebook (2026-09, paraphrased)",
        "one source",
    ),
    Cause("workspace_role_too_low", when.role_too_low, 401, None, _NOT_AUTHORIZED, "powerbi.md 6.1", "one source"),
    Cause(
        "capacity_paused", when.capacity_paused, 400, None, _error("CapacityNotActive"),
        "powerbi.md 6.2 (code); here guess", "inferred",
    ),
    # Capacities
    Cause(
        "capacity_unknown", when.capacity_unseen, 404, None, _NOT_FOUND,
        "msft-extensions#303 (that it cannot be found without a right on it); answer guess", "inferred",
    ),
    Cause(
        "capacity_right_missing", when.both(when.on("Capacities_PatchWorkload"), when.not_capacity_admin), 401, None,
        _NOT_AUTHORIZED, "PowerBI-CSharp swagger (that it takes the right); answer guess", "inferred",
    ),
    Cause(
        "too_many_requests", when.too_many_requests, 429, None, {"message": _TOO_MANY},
        "RuiRomano/pbimonitor#58 (2024-12-03, an admin route); body elsewhere inferred", "observed live",
    ),
    # What an operation finds out itself
    Cause(
        "service_principal_unknown", None, 400, None,
        _said("InvalidRequest", "Failed to get service principal details from AAD"), "powerbi.md 6.1", "several sources",
    ),
    Cause(
        "principal_unknown", None, 400, None, _said("InvalidRequest", "Failed to get the principal's details from AAD"),
        "powerbi.md 6.1 (code); for users and groups guess", "inferred",
    ),
    Cause(
        "principal_type_missing", None, 400, None,
        _said("InvalidRequest", "Parameter userDetails.PrincipalType is missing or invalid"), "powerbi.md 6.1", "one source",
    ),
    Cause(
        "already_has_access", None, 400, None, _error("AddingAlreadyExistsGroupUserNotSupportedError"), "known",
        "one source",
    ),
    Cause("member_cannot_touch_admins", None, 401, None, _NOT_AUTHORIZED, "workspace roles page, known", "inferred"),
    Cause(
        "last_admin", None, 400, None, _said("InvalidRequest", "The last admin of a workspace cannot be removed"),
        "Microsoft's reference of 2017, Delete group user (that it fails); answer guess", "inferred",
    ),
    Cause(
        "has_no_access", None, 404, None, _error("PowerBIEntityNotFound"), "powerbi.md 6.1 (code); here guess",
        "inferred",
    ),
    Cause(
        "classic_takes_admins_only", None, 400, None, _error("UnsupportedAccessRightError"),
        "DevScope/powerbi-powershell-modules#40 (2018-06)", "observed live",
    ),
    Cause(
        "workspace_name_taken", None, 400, None, _error("PowerBIEntityAlreadyExists"),
        "status and code in a public deployment script", "one source",
    ),
    Cause(
        "item_unknown", None, 404, None, _NOT_FOUND, "powerbi.md 6.1; powerbi-docs embedded-troubleshoot", "documented",
    ),
    # Semantic models
    Cause(
        "dataset_right_missing", None, 401, None, _NOT_AUTHORIZED, "powerbi.md 6.1 (item without right); here inferred",
        "inferred",
    ),
    Cause(
        "dataset_user_is_an_app", None, 400, None,
        _said("InvalidRequest", "Parameter userDetails.PrincipalType is missing or invalid"),
        "powerbi.md 1.3 (that it cannot); answer guess", "inferred",
    ),
    Cause("not_dataset_owner", None, 403, None, None, "status in a public deployment script; body guess", "one source"),
    Cause(
        "parameters_unknown", None, 404, None,
        _said("ItemNotFound", _NO_PARAMETERS, target="{dataset}"),
        "a public client's recording (2022-12-28)", "observed live",
    ),
    Cause(
        "not_a_model", None, 415, None,
        _said("InvalidRequest", "Invalid dataset. This API can only be called on a Model-based dataset"),
        "public recordings of refreshes of push datasets", "observed live",
    ),
    Cause(
        "refresh_running", None, 400, None,
        _said("InvalidRequest", "Invalid dataset refresh request. Another refresh request is already executing"),
        "public recordings (2022-10 and later)", "several sources",
    ),
    Cause(
        "refreshes_used_up", None, 400, None,
        _said("InvalidRequest", "Invalid dataset refresh request. The daily limit of refreshes has been reached"),
        "PowerBI-CSharp swagger (limit); powerbi-powershell#14 (status); text guess", "inferred",
    ),
    Cause(
        "enhanced_refresh_on_shared", None, 400, None,
        _said("InvalidRequest", "Invalid dataset refresh request. Enhanced refresh needs a Premium capacity"),
        "PowerBI-CSharp swagger (that it cannot); answer guess", "inferred",
    ),
    Cause(
        "notify_option_of_an_app", None, 400, None,
        _said("InvalidRequest", "Invalid NotifyOption value '{option}' for app only owner requests"),
        "a public client and the threads it names", "one source",
    ),
    Cause(
        "owner_deleted", None, 404, None, _error("DMTS_UserNotFoundInADGraphError", culprit=1),
        "public recordings of datasources of a model whose owner left", "observed live",
    ),
    Cause(
        "build_missing", None, 404, None, _error("PowerBIEntityNotFound", details=(("DetailsMessage", _NO_BUILD),)),
        "public recordings of executeQueries (text and envelope; 2026-10-07)", "observed live",
    ),
    Cause("rls_of_an_app", None, 401, None, _NOT_AUTHORIZED, "powerbi.md 1.3, 6.1", "several sources"),
    Cause(
        "sso_of_an_app", None, 401, None, _NOT_AUTHORIZED, "powerbi.md 1.3; a public project's measurement (2026)",
        "observed live",
    ),
    Cause(
        "query_failed", None, 400, None,
        _error(
            "DatasetExecuteQueriesError",
            details=(("DetailsMessage", "{detail}"), ("AnalysisServicesErrorCode", "{number}")),
        ),
        "gbrueckl/PowerBI-VSCode#45 (2025-07-11)", "observed live",
    ),
    # Embed tokens
    Cause(
        "embed_my_workspace", None, 403, None, None, "PowerBI-CSharp#121 (2017); powerbi-docs generate-embed-token",
        "one source",
    ),
    Cause(
        "embed_quota_used_up", None, 403, None, _said("Forbidden", _QUOTA),
        "Fabric community 4589915 (text), powerbi-docs#4934 (status); code guess", "several sources",
    ),
    Cause(
        "embed_identity_missing", None, 400, None,
        _said("InvalidRequest", f"{_EMBED} requires effective identity to be provided"),
        "several public recordings (2026-06-11 and before)", "observed live",
    ),
    Cause(
        "embed_roles_missing", None, 400, None,
        _said("InvalidRequest", f"{_EMBED} requires roles to be included in provided effective identity"),
        "a public recording", "observed live",
    ),
    Cause(
        "embed_identity_unwanted", None, 400, None,
        _said("InvalidRequest", f"{_EMBED} shouldn't have effective identity"), "several public clients", "several sources",
    ),
    Cause(
        "embed_report_without_dataset", None, 400, None,
        _said("InvalidRequest", "The dataset of report {report} is not among the datasets"),
        "powerbi-docs generate-embed-token (that it must be); answer guess", "inferred",
    ),
    # Gateways
    Cause(
        "gateway_unknown", None, 401, None, _NOT_AUTHORIZED, "a public recording (a service principal, wrong id)",
        "observed live",
    ),
    Cause(
        "gateway_unreachable", None, 400, None, _error("DM_GWPipeline_Client_GatewayUnreachable", culprit=1),
        "PowerBI-CSharp swagger (example)", "documented",
    ),
    Cause(
        "datasource_name_taken", None, 400, None, _error("DMTS_DuplicateDataSourceNameError", culprit=1),
        "a public script (code); status guess", "one source",
    ),
    Cause(
        "datasource_principal_invalid", None, 400, None, _error("DMTS_PrincipalsAreInvalidError", culprit=1),
        "powerbi.md 6.1 (powerbi-docs#1198); envelope inferred", "one source",
    ),
    Cause(
        "override_right_by_an_app", None, 401, None,
        _said(
            "Unauthorized",
            "Gateway.ReadWrite.All is required when adding a datasource user with OverrideEffectiveIdentity access right",
        ),
        "Fabric community 2917935 (2022-11)", "observed live",
    ),
    Cause(
        "datasource_not_shared", None, 401, None, _NOT_AUTHORIZED,
        "PowerBI-CSharp swagger on BindToGateway (that the caller must be a user of it); answer guess", "inferred",
    ),
    # What administrators ask for
    Cause(
        "activity_range_invalid", None, 400, None, None,
        "semantic-link-labs#211 (2024-10-15); fabric-toolbox#97, #156 (an empty body)", "observed live",
    ),
    Cause(
        "activity_too_old", None, 400, None, None, "fabric-toolbox#97, #156 (28 days are answered, 30 are not)",
        "several sources",
    ),
    Cause(
        "activity_time_malformed", None, 401, None, None,
        "powerbi-docs embedded-troubleshoot (2026-06-30; status); empty body guess", "documented",
    ),
    Cause(
        "continuation_invalid", None, 400, None, _said("InvalidRequest", "The continuation token is invalid"), "guess",
        "inferred",
    ),
    Cause(
        "scan_invalid", None, 400, None, _said("InvalidRequest", "From 1 to 100 workspace ids are required"),
        "PowerBI-CSharp swagger (the limit); answer guess", "inferred",
    ),
    Cause(
        "scan_unknown", None, 404, None, _NOT_FOUND, "MicrosoftDocs/feedback#3324 (2020-12; status); body inferred",
        "one source",
    ),
    Cause(
        "media_type_unsupported", None, 415, None,
        {"Message": "The request entity's media type '{type}' is not supported for this resource."},
        "msft-extensions#356 (status, 2021-12); body as ASP.NET's, inferred", "one source",
    ),
    Cause(
        "field_invalid", None, 400, None, _said("InvalidRequest", "Parameter {field} is missing or invalid"),
        "powerbi.md 6.1 (of userDetails.PrincipalType); of other fields inferred", "inferred",
    ),
    Cause(
        "input_invalid", None, 400, None, _said("InvalidRequest", "The request is invalid"),
        "powerbi.md 6.1 (code); text guess", "inferred",
    ),
    Cause("route_unknown", None, 404, None, None, "guess", "inferred"),
)  # fmt: skip

CAUSES: Final = {cause.name: cause for cause in TABLE}


class Refused(Refusal):
    """One cause of the table."""

    @property
    def cause(self) -> Cause:
        return CAUSES[self.name]


def reply(call: Call, refused: Refusal) -> Reply:
    """The refusal as Power BI sends it."""
    cause = CAUSES[refused.name]
    headers = dict(refused.headers)
    if cause.header is not None:
        headers[HEADER] = cause.header
    if cause.status == 429:
        headers |= _THROTTLED
    return dressed(call, cause.status, filled(cause.body, refused.fields), headers)


def filled(body: Any, fields: dict[str, Any]) -> Any:
    """A body with the `{names}` of its texts filled in; names that nobody knows stay."""
    if isinstance(body, dict):
        return {name: filled(value, fields) for name, value in body.items()}
    if isinstance(body, list):
        return [filled(value, fields) for value in body]
    if isinstance(body, str):
        return re.sub(r"\{(\w+)\}", lambda hit: str(fields.get(hit[1], hit[0])), body)
    return body
