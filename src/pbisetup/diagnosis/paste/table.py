"""What signs in a text speak for which cause: an ordered table, root causes and the more telling signs first.

A row is `certain` only where its signs exclude every other cause, and it asks only for what is there, never for what is
missing: so that a shorter paste can never make anything certain. Rows with the same `question` answer the same one; a
certain answer, or one from a row that is more telling, settles it for the others.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from pbisetup.diagnosis.paste.paste import (
    When,
    aadsts,
    all_of,
    any_of,
    audience,
    authority,
    claim,
    code,
    not_said,
    oauth,
    operation,
    request,
    said,
    shape,
    status,
    tool,
)
from pbisetup.model.finding import Certainty


@dataclass(frozen=True)
class Sign:
    """One row."""

    cause: str
    """Name of the catalogue's entry."""
    certainty: Certainty
    when: When
    question: str = ""
    decided_by: str = ""
    """The one fact that would decide, where it differs from the entry's."""
    weight: int = 0
    """How telling it is among those of the same certainty."""


_FOREIGN: Final = ("management.azure.com", "management.core.windows.net", "graph.microsoft.com", "graph.windows.net",
    "database.windows.net", "storage.azure.com", "vault.azure.net", "00000003-0000-0000-c000-000000000000")  # fmt: skip


def _foreign(value: str) -> bool:
    return any(name in value.lower() for name in _FOREIGN)


def _government(value: str) -> bool:
    return any(
        name in value.lower() for name in ("usgovcloudapi", "chinacloudapi", "fc4979e5-0aa5-429f-b13a-5d1365be5566")
    )


def _ended(value: str) -> bool:
    from datetime import UTC, datetime

    return value < f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"


_admin_route = operation(lambda o: o.admin is not None)
_admin_update = operation(lambda o: o.admin in ("update", "user"))
_my_workspace = operation(lambda o: o.my_workspace)
_closed = operation(lambda o: o.app == "no" and not o.my_workspace and o.admin is None)
_plain_route = operation(lambda o: o.admin is None and not o.my_workspace)
_in_workspace = request(
    lambda r: (
        r.service in ("powerbi", "fabric")
        and ("/groups/" in r.path or "/workspaces/" in r.path)
        and "/admin/" not in r.path
    )
)
_lists_workspaces = request(lambda r: r.path.rstrip("/") in ("/v1.0/myorg/groups", "/v1/workspaces"))
_fabric_only_audience_on_power_bi = request(
    lambda r: r.host.endswith("fabric.microsoft.com") and r.path.startswith("/v1.0/myorg")
)
_app = any_of(shape("app_token"), said("client_credentials", "service_principal"), claim("idtyp", lambda v: v == "app"))
_user = any_of(shape("user_token"), claim("scp", bool))
_refused = any_of(
    status(401, 403),
    code("PowerBINotAuthorizedException", "Unauthorized", "Forbidden"),
    said("admin_api_refuses_app", "authorization_context"),
)
_app_roles = all_of(shape("app_token"), claim("roles", lambda v: "Tenant.Read" in v))
_no_reason = not_said(any_of(aadsts(), code(), said("not_for_applications", "embed_quota", "authorization_context")))

SIGNS: Final[tuple[Sign, ...]] = (
    # -- the token endpoint names it -------------------------------------------------------------------------------
    Sign(
        "secret_id_used_as_value", "certain",
        all_of(any_of(aadsts(7000215), said("secret_wrong")), shape("secret_is_guid")), "secret",
    ),
    Sign(
        "secret_id_used_as_value", "likely", said("secret_label_used"), "secret",
        "whether the stored secret has the form of a GUID", 2,
    ),
    Sign("secret_expired", "certain", any_of(aadsts(7000222), said("secret_expired")), "secret"),
    Sign("invalid_secret", "likely", any_of(aadsts(7000215, 70021501), said("secret_wrong")), "secret", weight=1),
    Sign("secret_id_used_as_value", "possible", any_of(aadsts(7000215), said("secret_wrong")), "secret"),
    Sign("sp_missing_in_tenant", "certain", any_of(aadsts(7000229), said("service_principal_missing"))),
    Sign("app_disabled", "certain", any_of(aadsts(7000112), said("application_disabled"))),
    Sign("resource_sp_disabled", "certain", any_of(aadsts(500014), said("resource_disabled"))),
    Sign("user_not_assigned_to_app", "certain", any_of(aadsts(50105, 501051), said("user_not_assigned"))),
    Sign("redirect_uri_mismatch", "certain", any_of(aadsts(50011, 500117, 900971, 500113), said("redirect_mismatch"))),
    Sign(
        "federated_credential_mismatch", "certain",
        any_of(aadsts(700213, 700211, 700212, 7002138), said("federated_mismatch")),
    ),
    Sign("federated_credential_mismatch", "likely", aadsts(70021, 700024, 50027, 700030), weight=1),
    Sign(
        "conditional_access_blocked", "certain",
        any_of(aadsts(53003, 53000, 53001, 53002, 530034, 530035, 530036), said("conditional_access")),
    ),
    Sign(
        "mfa_required_for_ropc", "certain",
        all_of(any_of(aadsts(50076, 50079, 50158), said("mfa_required")), said("password_grant")),
    ),
    Sign(
        "mfa_required_for_ropc", "likely", any_of(aadsts(50076, 50079, 50072, 50074), said("mfa_required")), "",
        "whether the sign-in was by user name and password in a program",
    ),
    Sign("federated_user_unsupported_for_ropc", "likely", said("ws_trust_failed"), weight=1),
    Sign(
        "secret_blocked_by_policy", "certain",
        any_of(code("CredentialTypeNotAllowedAsPerAppPolicy", "CredentialInvalidLifetimeAsPerAppPolicy"), said("secrets_forbidden")),
    ),
    Sign("wrong_scope_name", "certain", any_of(aadsts(650053), said("scope_does_not_exist")), "scope"),
    Sign(
        "wrong_scope_format", "likely",
        any_of(aadsts(70011, 1002012, 28000, 28002, 28003), said("scope_malformed"), oauth("invalid_scope")), "scope",
    ),
    Sign(
        "wrong_cloud", "likely",
        all_of(aadsts(650057, 65005, 500011, 900382, 90002, 700016, 90038), any_of(audience(_government), said("government_cloud"))),
        "resource", weight=3,
    ),
    Sign(
        "resource_not_in_required_access", "likely", any_of(aadsts(650057, 65005), said("resource_not_requested")),
        "resource", weight=2,
    ),
    Sign("wrong_cloud", "possible", any_of(aadsts(650057), aadsts(500011)), "resource"),
    Sign("resource_sp_missing", "likely", aadsts(500011), "resource", weight=1),
    Sign("app_not_in_tenant", "likely", aadsts(90002, 900023), "tenant", weight=1),
    Sign(
        "wrong_authority_for_client_credentials", "likely",
        any_of(all_of(aadsts(700016, 50194, 50059, 900382), said("directory_of_common")), aadsts(50194, 50059, 90056)),
        "app", weight=3,
    ),
    Sign(
        "wrong_authority_for_client_credentials", "likely",
        all_of(any_of(said("client_credentials"), _refused, aadsts(65001, 700016)), authority(lambda v: v in ("common", "organizations", "consumers"))),
        "app", weight=2,
    ),
    Sign("app_not_in_tenant", "likely", any_of(aadsts(700016), said("app_not_in_directory")), "app", weight=1),
    Sign(
        "object_id_used_as_client_id", "likely", any_of(aadsts(700016), said("app_not_in_directory")), "app",
        "whether an app registration or service principal has this GUID as its object id",
    ),
    Sign(
        "wrong_authority_for_client_credentials", "possible", any_of(aadsts(700016), said("app_not_in_directory")),
        "app",
    ),
    Sign(
        "consent_missing", "likely",
        any_of(aadsts(65001, 65004, 90094, 90095, 90008, 650056), said("no_consent"), oauth("consent_required")),
        "consent", weight=1,
    ),
    Sign("wrong_authority_for_client_credentials", "possible", any_of(aadsts(65001), said("no_consent")), "consent"),
    Sign(
        "app_only_vs_delegated_confusion", "possible", any_of(aadsts(65001), said("no_consent")), "consent",
        "the grant type of the failed token request",
    ),
    Sign(
        "propagation_delay", "possible", any_of(aadsts(65001, 7000215, 700016), said("no_consent")), "",
        "how long ago the app, its secret or its consent was changed",
    ),
    Sign(
        "public_client_flow_disabled", "likely",
        any_of(aadsts(7000218, 70002, 90014), said("credential_missing_in_request")), weight=1,
    ),
    Sign("token_expired", "certain", all_of(code("TokenExpired"), claim("exp", _ended))),
    # -- a code of the API names it --------------------------------------------------------------------------------
    Sign(
        "private_link_inbound_policy", "certain", any_of(code("RequestDeniedByInboundPolicy"), said("inbound_policy")),
    ),
    Sign("no_capacity_or_embed_quota", "certain", said("embed_quota")),
    Sign("capacity_paused", "certain", code("CapacityNotActive"), "capacity"),
    Sign("capacity_paused", "likely", any_of(code("InvalidCapacityState"), said("capacity_paused")), "capacity"),
    Sign(
        "capacity_permission_missing", "likely",
        any_of(code("InsufficientPermissionsOverCapacity", "CapacityNotFound"), said("capacity_unknown")), "capacity",
        weight=1,
    ),
    Sign(
        "azure_rbac_missing", "certain",
        any_of(code("AuthorizationFailed", "LinkedAuthorizationFailed"), said("azure_role")),
    ),
    Sign("connection_not_shared", "certain", said("connection_not_shared"), "connection"),
    Sign(
        "feature_tenant_setting_off", "likely",
        any_of(code("DatamartCreationFailedDueToBadRequest", "TenantSwitchDisabled"), said("feature_switch")),
        weight=2,
    ),
    Sign("feature_tenant_setting_off", "likely", code("FeatureNotAvailable"), "feature", weight=1),
    Sign(
        "no_capacity_or_embed_quota", "likely", code("WorkspaceHasNoCapacityAssigned", "FeatureNotAvailable"),
        "feature",
    ),
    Sign(
        "user_license_missing", "likely",
        any_of(code("PowerBINotLicensedException", "UserNotLicensed"), said("license")), "license",
    ),
    Sign("no_capacity_or_embed_quota", "possible", code("PowerBINotLicensedException"), "license"),
    Sign("classic_workspace_not_supported", "likely", said("principal_type_missing"), "principal", weight=1),
    Sign(
        "wrong_object_id", "likely",
        any_of(code("DMTS_PrincipalsAreInvalidError", "InvalidPrincipal", "PrincipalNotFound"), said("principal_not_in_entra")),
        "principal",
    ),
    Sign(
        "wrong_object_id", "likely",
        all_of(code("InvalidRequest"), request(lambda r: r.path.rstrip("/").endswith("/users"))), "principal",
    ),
    Sign(
        "wrong_object_id", "possible",
        request(lambda r: r.path.startswith("/v1.0/myorg/groups") and r.method == "POST"), "principal",
    ),
    Sign(
        "dataset_datasource_credentials_missing", "likely",
        any_of(code("ModelRefreshFailed_CredentialsNotSpecified"), said("datasource_credentials")), weight=2,
    ),
    # -- app-only on a route that is not for apps ------------------------------------------------------------------
    Sign(
        "my_workspace_or_missing_group_in_url", "certain", all_of(said("not_for_applications"), _my_workspace),
        "app_only",
    ),
    Sign("my_workspace_or_missing_group_in_url", "certain", all_of(_app, _my_workspace, _refused), "app_only"),
    Sign(
        "api_not_supported_for_sp", "likely", all_of(said("not_for_applications"), any_of(_closed, _admin_route)),
        "app_only", weight=3,
    ),
    Sign(
        "api_not_supported_for_sp", "likely",
        any_of(code("PrincipalTypeNotSupported"), said("service_principals_unsupported")), "app_only", weight=3,
    ),
    Sign("api_not_supported_for_sp", "likely", all_of(_closed, _refused), "app_only", weight=2),
    Sign(
        "my_workspace_or_missing_group_in_url", "likely",
        any_of(said("not_for_applications"), all_of(_my_workspace, _refused)), "app_only", weight=1,
    ),
    Sign("api_not_supported_for_sp", "possible", said("not_for_applications"), "app_only"),
    # -- admin routes ----------------------------------------------------------------------------------------------
    Sign("admin_consented_permission_blocks_admin_api", "certain", all_of(_app_roles, _admin_route, _refused), "admin"),
    Sign(
        "admin_consented_permission_blocks_admin_api", "likely",
        any_of(said("authorization_context"), said("admin_api_refuses_app")), "admin", weight=3,
    ),
    Sign(
        "missing_delegated_scope", "likely",
        all_of(_user, _admin_route, _refused, not_said(claim("scp", lambda v: "Tenant." in v))), "admin", weight=3,
    ),
    Sign(
        "user_not_admin_role", "likely", any_of(said("not_administrator"), all_of(_user, _admin_route, _refused)),
        "admin", weight=2,
    ),
    Sign(
        "admin_consented_permission_blocks_admin_api", "likely",
        all_of(_admin_route, _refused, not_said(shape("token_without_roles"))), "admin", weight=2,
    ),
    Sign("admin_api_setting_off", "likely", all_of(_admin_route, _refused), "admin", weight=1),
    Sign("sp_not_in_allowed_group", "possible", all_of(_admin_route, _refused), "admin"),
    Sign("wrong_group_type", "possible", all_of(_admin_route, _refused), "admin"),
    Sign("runs_as_other_identity", "possible", all_of(_admin_route, _refused, tool("sempy")), "admin"),
    Sign(
        "admin_consented_permission_blocks_admin_api", "likely", code("PowerBINotAuthorizedException"), "unauthorized",
        "whether the URL is below /admin/, and the roles claim of the token",
    ),
    Sign("admin_api_setting_off", "possible", code("PowerBINotAuthorizedException"), "unauthorized"),
    Sign("sp_not_in_workspace", "possible", code("PowerBINotAuthorizedException"), "unauthorized"),
    Sign("wrong_group_type", "possible", code("PowerBINotAuthorizedException"), "unauthorized"),
    Sign("sp_not_in_allowed_group", "possible", code("PowerBINotAuthorizedException"), "unauthorized"),
    # -- the tenant setting ----------------------------------------------------------------------------------------
    Sign(
        "sp_not_in_allowed_group", "likely", code("ServicePrincipalIsNotAllowedByTenantAdminSwitch"), "setting",
        weight=1,
    ),
    Sign("tenant_setting_off", "likely", code("ServicePrincipalIsNotAllowedByTenantAdminSwitch"), "setting"),
    Sign("wrong_group_type", "possible", code("ServicePrincipalIsNotAllowedByTenantAdminSwitch"), "setting"),
    Sign("propagation_delay", "possible", code("ServicePrincipalIsNotAllowedByTenantAdminSwitch"), "setting"),
    Sign("tenant_setting_off", "likely", said("unseen_in_picker"), "setting"),
    # -- workspace, item, connection -------------------------------------------------------------------------------
    Sign(
        "insufficient_workspace_role", "likely", any_of(code("InsufficientWorkspaceRole"), said("role_too_low")),
        "workspace", weight=2,
    ),
    Sign(
        "sp_not_in_workspace", "likely",
        any_of(code("GroupNotAccessible", "WorkspaceNotFound", "PowerBIFolderNotFound")), "workspace", weight=1,
    ),
    Sign(
        "xmla_tenant_setting_off", "likely",
        all_of(any_of(said("workspace_unknown"), said("database_unknown")), tool("xmla", "tabular_editor")), "xmla",
        weight=2,
    ),
    Sign(
        "xmla_identity_format", "likely", all_of(said("workspace_unknown"), tool("xmla", "tabular_editor")), "xmla",
        weight=1,
    ),
    Sign("sp_not_in_workspace", "likely", said("workspace_unknown"), "xmla", weight=1),
    Sign("sp_not_in_allowed_group", "possible", said("workspace_unknown"), "xmla"),
    Sign("xmla_tenant_setting_off", "possible", said("workspace_unknown"), "xmla"),
    Sign("xmla_identity_format", "possible", said("workspace_unknown"), "xmla"),
    Sign(
        "missing_item_permission", "likely",
        any_of(said("item_permission"), all_of(code("PowerBIEntityNotFound"), request(lambda r: "executeQueries" in r.path))),
        "item", weight=1,
    ),
    Sign("sp_not_in_workspace", "likely", code("PowerBIEntityNotFound"), "item"),
    Sign("missing_item_permission", "possible", code("PowerBIEntityNotFound", "ItemNotFound"), "item"),
    Sign(
        "connection_not_shared", "likely",
        any_of(said("datasource_not_authorized"), code("DMTS_EntityNotFoundOrUnauthorized", "DM_GWPipeline_Gateway_DataSourceAccessError", "InsufficientPermissionsToManageConnection")),
        "connection", weight=1,
    ),
    Sign(
        "runs_as_other_identity", "likely",
        any_of(said("datasource_not_authorized"), code("DMTS_EntityNotFoundOrUnauthorized")), "connection",
        "which identity the run really used",
    ),
    Sign("connection_not_shared", "likely", all_of(said("item_failed_without_reason")), "item_failed"),
    Sign(
        "api_not_supported_for_sp", "possible", said("item_failed_without_reason"), "item_failed",
        "whether the same call works for a user",
    ),
    # -- scopes of the token ---------------------------------------------------------------------------------------
    Sign(
        "restricted_notebook_token", "likely",
        all_of(code("InsufficientScopes"), any_of(said("notebook"), request(lambda r: "/shortcuts" in r.path))),
        "scopes", weight=3,
    ),
    Sign(
        "admin_consented_permission_blocks_admin_api", "likely",
        all_of(code("InsufficientScopes"), _admin_route, not_said(_user)), "scopes", weight=2,
    ),
    Sign(
        "missing_delegated_scope", "likely",
        any_of(code("InsufficientScopes"), said("scope_insufficient"), oauth("insufficient_claims")), "scopes",
        weight=1,
    ),
    Sign(
        "restricted_notebook_token", "possible", code("InsufficientScopes"), "scopes",
        "who issued the token: a notebook or your own app",
    ),
    Sign("admin_consented_permission_blocks_admin_api", "possible", code("InsufficientScopes"), "scopes"),
    # -- audience, cloud, life of the token ------------------------------------------------------------------------
    Sign(
        "wrong_audience", "certain",
        all_of(claim("aud", _foreign), request(lambda r: r.service in ("powerbi", "fabric")), status(401, 403)),
    ),
    Sign(
        "wrong_audience", "likely",
        any_of(code("InvalidAuthenticationToken"), all_of(audience(_foreign), any_of(status(401, 403), request(lambda r: r.service in ("powerbi", "fabric"))))),
        "forbidden", weight=3,
    ),
    Sign("wrong_audience", "likely", all_of(_fabric_only_audience_on_power_bi, status(403)), "forbidden", weight=2),
    Sign("wrong_cloud", "likely", said("government_cloud"), "forbidden", "in which cloud the tenant is", 1),
    Sign("token_expired", "likely", code("TokenExpired"), "life"),
    Sign("token_expired", "likely", said("fails_after_an_hour"), "life"),
    # -- the client tool -------------------------------------------------------------------------------------------
    Sign("conflicting_auth_configuration", "likely", said("two_credentials"), "tool"),
    Sign("client_configuration_or_bug", "likely", said("tool_configuration"), "tool"),
    Sign(
        "unreachable", "likely", said("name_not_resolved", "proxy_refused", "certificate_not_trusted"), "network",
        weight=1,
    ),
    Sign("unreachable", "possible", said("connection_failed"), "network"),
    Sign(
        "runs_as_other_identity", "possible", said("works_as_user"), "", "which identity the failing call really uses",
    ),
    Sign(
        "propagation_delay", "possible", said("just_changed"), "",
        "how long ago the change was made, and whether the token is newer",
    ),
    Sign(
        "throttled", "certain",
        any_of(status(429), code("TooManyRequests", "RequestBlocked", "TooManyRequestsForJobs")),
    ),
    # -- a status and nothing else: never more than possible -------------------------------------------------------
    Sign(
        "my_workspace_or_missing_group_in_url", "possible",
        all_of(status(401, 403), tool("powershell", "dotnet"), _no_reason), "status",
    ),
    Sign(
        "sp_not_in_workspace", "possible", all_of(status(401, 403, 404), _no_reason, not_said(_admin_route)), "status",
        weight=2,
    ),
    Sign("tenant_setting_off", "possible", all_of(status(401), _no_reason, not_said(_admin_route)), "status", weight=2),
    Sign(
        "sp_not_in_allowed_group", "possible", all_of(status(401), _no_reason, not_said(_admin_route)), "status",
        weight=1,
    ),
    Sign("wrong_audience", "possible", all_of(status(401, 403), _no_reason), "status", weight=1),
    Sign("insufficient_workspace_role", "possible", all_of(status(401, 403), _no_reason, _in_workspace), "status"),
)  # fmt: skip
