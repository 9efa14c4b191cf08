"""Signs of the API: settings of the tenant, admin routes, routes that are not for apps, and the token that was sent."""

from __future__ import annotations

import re
from typing import Final

from pbisetup.diagnosis.paste.paste import (
    aadsts,
    all_of,
    any_of,
    audience,
    claim,
    code,
    lacking,
    oauth,
    operation,
    request,
    said,
    shape,
    status,
    tool,
)
from pbisetup.diagnosis.paste.sign import (
    Sign,
    admin_for_apps,
    admin_for_people,
    admin_route,
    app,
    app_roles,
    closed,
    fabric_request,
    foreign,
    government,
    in_workspace,
    my_workspace,
    person,
    refused,
    tenant_wide,
    token_refused,
)

_plain_refusal: Final = code("PowerBINotAuthorizedException")
_not_admitted: Final = code("ServicePrincipalIsNotAllowedByTenantAdminSwitch")

_about_the_token: Final = any_of(
    code("TokenExpired", "InvalidToken"),
    all_of(status(403), lacking(any_of(status(401), code(), fabric_request))),
)
_not_an_admin_app: Final = any_of(shape("user_token"), shape("app_token_without_roles"))
_fabric_host_for_power_bi: Final = request(
    lambda r: r.host.endswith("api.fabric.microsoft.com") and re.match(r"/v1\.0/myorg/(?!admin/)", r.path) is not None
)  # fmt: skip
_named: Final = any_of(
    aadsts(), token_refused, code("PowerBINotAuthorizedException", "UserNotLicensed", "TokenExpired", "InvalidToken"),
)  # fmt: skip
_CREATES: Final = ("/v1/workspaces", "/v1/connections", "/v1/deploymentPipelines", "/v1.0/myorg/groups")
_creates: Final = operation(lambda o: o.method == "POST" and o.path in _CREATES)

API_SIGNS: Final[tuple[Sign, ...]] = (
    # -- a route that is not for apps --------------------------------------------------------------------------------
    Sign(
        "my_workspace_or_missing_group_in_url", "certain", all_of(said("not_for_applications"), my_workspace),
        "app_only",
    ),
    Sign(
        "my_workspace_or_missing_group_in_url", "certain", all_of(shape("power_bi_app_token"), my_workspace, refused),
        "app_only",
    ),
    Sign(
        "api_not_supported_for_sp", "likely", all_of(said("not_for_applications"), any_of(closed, admin_route)),
        "app_only", weight=3,
    ),
    Sign("api_not_supported_for_sp", "likely", said("service_principals_unsupported"), "app_only", weight=3),
    Sign("api_not_supported_for_sp", "likely", all_of(closed, refused), "app_only", weight=2, unless=person),
    Sign(
        "api_not_supported_for_sp", "likely", all_of(admin_for_people, refused, app), "admin", weight=4, unless=person,
    ),
    Sign(
        "my_workspace_or_missing_group_in_url", "likely",
        any_of(said("not_for_applications"), all_of(my_workspace, refused)), "app_only", weight=1,
        unless=any_of(person, all_of(any_of(in_workspace, admin_route), lacking(my_workspace))),
    ),
    Sign("api_not_supported_for_sp", "possible", said("not_for_applications"), "app_only", weight=1),
    # -- admin routes ------------------------------------------------------------------------------------------------
    Sign("admin_consented_permission_blocks_admin_api", "certain", all_of(app_roles, admin_for_apps, refused), "admin"),
    Sign(
        "admin_consented_permission_blocks_admin_api", "likely", said("authorization_context", "admin_api_refuses_app"),
        "admin", weight=4, unless=_not_an_admin_app,
    ),
    Sign("admin_consented_permission_blocks_admin_api", "likely", all_of(app_roles, refused), "admin", weight=4),
    Sign(
        "admin_consented_permission_blocks_admin_api", "likely", all_of(code("InsufficientScopes"), admin_route),
        "admin", weight=4, unless=_not_an_admin_app,
    ),
    Sign(
        "missing_delegated_scope", "likely",
        all_of(person, admin_route, refused, lacking(claim("scp", lambda v: "Tenant." in v))), "admin", weight=3,
    ),
    Sign(
        "user_not_admin_role", "likely",
        any_of(said("not_administrator"), all_of(person, admin_route, refused)), "admin", weight=2,
    ),
    # Power BI says 403 of the token and 401 of the permission (powerbi.md 6).
    Sign(
        "wrong_audience", "likely", all_of(admin_route, status(403)), "admin", weight=3,
        unless=any_of(status(401), code(), fabric_request),
    ),
    Sign(
        "admin_consented_permission_blocks_admin_api", "likely", all_of(admin_route, refused), "admin", weight=2,
        unless=any_of(_not_an_admin_app, _about_the_token),
    ),
    Sign(
        "admin_api_setting_off", "likely", all_of(admin_route, refused), "admin", weight=1,
        unless=any_of(shape("user_token"), _about_the_token),
    ),
    Sign(
        "admin_consented_permission_blocks_admin_api", "possible", all_of(admin_route, refused), "admin", weight=3,
        unless=_not_an_admin_app,
    ),
    Sign(
        "admin_api_setting_off", "possible", all_of(admin_route, refused), "admin", weight=2,
        unless=shape("user_token"),
    ),
    Sign(
        "sp_not_in_allowed_group", "possible", all_of(admin_route, refused), "admin", weight=2,
        unless=shape("user_token"),
    ),
    Sign("runs_as_other_identity", "possible", all_of(admin_route, refused, tool("sempy")), "admin", weight=1),
    Sign("wrong_group_type", "possible", all_of(admin_route, refused), "admin", weight=1, unless=shape("user_token")),
    Sign("user_not_admin_role", "possible", all_of(admin_route, refused), "admin", unless=shape("app_token")),
    Sign("admin_api_setting_off", "likely", all_of(tool("purview"), said("purview")), "admin", weight=1),
    Sign("sp_not_in_allowed_group", "likely", said("purview"), "admin", weight=2),
    # -- refused without a reason, and the address is not known ------------------------------------------------------
    Sign(
        "sp_not_in_workspace", "possible", all_of(_plain_refusal, any_of(in_workspace, said("embedding"))),
        "unauthorized", weight=5,
    ),
    Sign(
        "admin_consented_permission_blocks_admin_api", "possible", _plain_refusal, "unauthorized",
        "whether the URL is below /admin/, and the roles claim of the token", 4, _not_an_admin_app,
    ),
    Sign("admin_api_setting_off", "possible", _plain_refusal, "unauthorized", weight=3, unless=shape("user_token")),
    Sign("sp_not_in_workspace", "possible", _plain_refusal, "unauthorized", weight=2),
    Sign("sp_not_in_allowed_group", "possible", _plain_refusal, "unauthorized", weight=1, unless=shape("user_token")),
    Sign("wrong_group_type", "possible", _plain_refusal, "unauthorized", weight=1, unless=shape("user_token")),
    # -- the tenant setting ------------------------------------------------------------------------------------------
    Sign("sp_not_in_allowed_group", "likely", _not_admitted, "setting", weight=2),
    Sign("tenant_setting_off", "likely", _not_admitted, "setting", weight=1),
    Sign("wrong_group_type", "possible", _not_admitted, "setting", weight=1),
    Sign("propagation_delay", "possible", _not_admitted, "setting"),
    Sign("tenant_setting_off", "likely", said("unseen_in_picker"), "setting"),
    Sign(
        "tenant_setting_off", "likely", all_of(tenant_wide, status(401)), "setting", weight=1,
        unless=any_of(person, _named),
    ),
    Sign(
        "sp_not_in_allowed_group", "likely", all_of(tenant_wide, status(401)), "setting",
        unless=any_of(person, _named),
    ),
    Sign(
        "tenant_setting_off", "likely", said("caller_not_authenticated"), "setting", weight=2,
        unless=shape("user_token"),
    ),
    Sign(
        "sp_not_in_allowed_group", "likely", said("caller_not_authenticated"), "setting", weight=1,
        unless=shape("user_token"),
    ),
    Sign("create_setting_off", "likely", all_of(said("caller_not_authenticated"), _creates), "setting", weight=3),
    Sign("create_setting_off", "likely", all_of(code("FeatureNotAvailable"), _creates), "feature", weight=2),
    Sign(
        "feature_tenant_setting_off", "likely", any_of(said("feature_switch"), code("TenantSwitchDisabled")),
        "feature", weight=2,
    ),
    Sign(
        "feature_tenant_setting_off", "likely", any_of(code("FeatureNotAvailable"), said("feature_unavailable")),
        "feature", weight=1,
    ),
    Sign(
        "no_capacity_or_embed_quota", "likely", any_of(code("FeatureNotAvailable"), said("feature_unavailable")),
        "feature",
    ),
    Sign("profile_refused", "likely", all_of(said("profile"), status(400, 401, 403)), "profile", weight=1),
    # -- the scopes of the token -------------------------------------------------------------------------------------
    Sign(
        "restricted_notebook_token", "likely",
        all_of(code("InsufficientScopes"), any_of(said("notebook"), request(lambda r: "/shortcuts" in r.path))),
        "scopes", weight=3,
    ),
    Sign(
        "missing_delegated_scope", "likely",
        any_of(code("InsufficientScopes"), said("scope_insufficient")), "scopes", weight=1, unless=shape("app_token"),
    ),
    Sign("conditional_access_blocked", "likely", oauth("insufficient_claims"), "policy_of_access", weight=1),
    Sign(
        "restricted_notebook_token", "possible", code("InsufficientScopes"), "scopes",
        "who issued the token: a notebook or your own app", 1,
    ),
    Sign(
        "admin_consented_permission_blocks_admin_api", "possible", code("InsufficientScopes"), "scopes",
        unless=_not_an_admin_app,
    ),
    Sign(
        "restricted_notebook_token", "possible", all_of(tool("sempy"), status(403), fabric_request), "notebook",
        "who issued the token: the notebook or your own app", 1,
    ),
    # -- the token that was sent -------------------------------------------------------------------------------------
    Sign(
        "wrong_audience", "certain",
        all_of(claim("sent_aud", foreign), status(401, 403)), "audience",
    ),
    Sign("wrong_audience", "likely", all_of(_fabric_host_for_power_bi, status(403)), "audience", weight=1),
    Sign("wrong_audience", "possible", code("TokenExpired", "InvalidToken"), "life"),
    Sign("token_expired", "likely", said("fails_after_an_hour"), "life"),
    Sign(
        "client_configuration_or_bug", "likely", code("InvalidToken"), "life",
        "whether the header is Authorization: Bearer TOKEN",
    ),
    Sign(
        "wrong_cloud", "likely", all_of(audience(government), said("public_power_bi"), any_of(refused, status(400))),
        "cloud", "in which cloud the tenant is", 5,
    ),
    Sign("wrong_cloud", "likely", said("government_cloud"), "cloud", "in which cloud the tenant is", 1),
    # -- licences ----------------------------------------------------------------------------------------------------
    Sign("user_license_missing", "likely", any_of(code("UserNotLicensed"), said("license")), "license", weight=1),
    Sign(
        "unexpected_token", "possible", code("UserNotLicensed"), "license",
        "whether the tid of the token is the tenant you mean", 1,
    ),
    Sign("no_capacity_or_embed_quota", "possible", code("PowerBINotLicensedException"), "license"),
    Sign(
        "throttled", "certain",
        all_of(status(429), any_of(shape("retry_after"), said("retry_later"))), "throttled",
    ),
    Sign("throttled", "possible", status(429), "throttled"),
)  # fmt: skip
