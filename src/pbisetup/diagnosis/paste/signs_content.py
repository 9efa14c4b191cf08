"""Signs of workspaces, items, capacities, connections, network and client; and of a status that says nothing."""

from __future__ import annotations

from typing import Final

from pbisetup.catalog.pasted import code_names
from pbisetup.diagnosis.paste.paste import aadsts, all_of, any_of, code, operation, request, said, shape, status, tool
from pbisetup.diagnosis.paste.sign import (
    Sign,
    admin_route,
    execute_queries,
    in_workspace,
    refused,
    tenant_wide,
    token_refused,
)

_lookup_failed: Final = said("workspace_unknown")
_xmla: Final = tool("xmla", "tabular_editor")
_reason: Final = any_of(
    aadsts(), code(*code_names()), token_refused,
    said("not_for_applications", "embed_quota", "authorization_context", "caller_not_authenticated"),
)  # fmt: skip
_explained: Final = any_of(_reason, admin_route)
# What the embedding page asks first, with the token that it was given (PowerBI-JavaScript 307, PowerBI-Angular2 7).
_embeds: Final = request(lambda r: r.path.endswith("/metadata/cluster"))
_gives_access: Final = operation(
    lambda o: o.method in ("POST", "PUT") and o.path.endswith(("/users", "/roleAssignments")) and o.admin is None
)  # fmt: skip

CONTENT_SIGNS: Final[tuple[Sign, ...]] = (
    # -- the workspace -----------------------------------------------------------------------------------------------
    Sign("insufficient_workspace_role", "likely", said("role_too_low"), "workspace", weight=2),
    Sign(
        "sp_not_in_workspace", "likely",
        any_of(
            code("InsufficientPrivileges", "RequestFailed"),
            said("no_permission_for_resource", "workspace_not_provided"),
        ),
        "workspace", weight=1,
    ),
    Sign(
        "insufficient_workspace_role", "likely",
        any_of(code("InsufficientPrivileges"), said("no_permission_for_resource")), "workspace",
    ),
    Sign("insufficient_workspace_role", "possible", code("WorkspaceNotFound", "GroupNotAccessible"), "workspace"),
    # -- XMLA --------------------------------------------------------------------------------------------------------
    Sign(
        "xmla_identity_format", "likely", all_of(shape("xmla_user", "xmla_data_source"), _lookup_failed), "xmla",
        weight=3,
    ),
    Sign("xmla_identity_format", "possible", shape("xmla_user", "xmla_data_source"), "xmla", weight=3),
    Sign(
        "xmla_tenant_setting_off", "likely", all_of(any_of(_lookup_failed, said("database_unknown")), _xmla), "xmla",
        weight=2,
    ),
    Sign("xmla_identity_format", "likely", all_of(_lookup_failed, _xmla), "xmla", weight=1),
    Sign("sp_not_in_workspace", "likely", _lookup_failed, "xmla", weight=1),
    Sign("sp_not_in_allowed_group", "possible", _lookup_failed, "xmla", weight=1),
    Sign("xmla_tenant_setting_off", "possible", _lookup_failed, "xmla"),
    Sign("xmla_tenant_setting_off", "likely", said("xmla_read_only"), "xmla", weight=3),
    Sign("xmla_identity_format", "possible", _lookup_failed, "xmla"),
    Sign(
        "sp_not_in_workspace", "possible", said("sql_login_failed"), "sql",
        "whether the identity has a role in the workspace", 2,
    ),
    Sign("tenant_setting_off", "possible", said("sql_login_failed"), "sql", weight=1),
    Sign("missing_item_permission", "possible", said("sql_login_failed"), "sql"),
    # -- items -------------------------------------------------------------------------------------------------------
    Sign(
        "missing_item_permission", "likely", any_of(said("cannot_query_dataset"), said("item_permission")), "item",
        weight=2,
    ),
    Sign(
        "missing_item_permission", "likely", all_of(code("PowerBIEntityNotFound"), execute_queries), "item", weight=2,
    ),
    Sign(
        "rls_refuses_app", "likely",
        all_of(execute_queries, code("PowerBINotAuthorizedException"), said("row_level_security")), "item", weight=3,
    ),
    Sign("rls_refuses_app", "likely", all_of(execute_queries, code("PowerBINotAuthorizedException")), "item", weight=1),
    Sign("sp_not_in_workspace", "likely", code("PowerBIEntityNotFound"), "item", weight=1),
    Sign(
        "missing_item_permission", "possible", code("PowerBIEntityNotFound", "ItemNotFound", "EntityNotFound"),
        "item", weight=1,
    ),
    Sign("sp_not_in_workspace", "possible", code("ItemNotFound", "EntityNotFound"), "item", weight=2),
    Sign("effective_identity_wrong", "likely", said("effective_identity"), "identity", weight=2),
    # -- access that was given to the wrong id -----------------------------------------------------------------------
    Sign("classic_workspace_not_supported", "likely", said("principal_type_missing"), "principal", weight=2),
    Sign("wrong_object_id", "likely", said("principal_not_in_entra"), "principal", weight=2),
    Sign(
        "wrong_object_id", "likely",
        all_of(_gives_access, any_of(code("InvalidRequest"), said("app_id_as_identifier"))), "principal", weight=1,
    ),
    Sign("wrong_object_id", "possible", all_of(_gives_access, status(400, 401, 403, 404)), "principal", weight=2),
    # -- the capacity ------------------------------------------------------------------------------------------------
    Sign("no_capacity_or_embed_quota", "certain", said("embed_quota"), "quota"),
    Sign("capacity_paused", "likely", said("capacity_paused"), "capacity", weight=1),
    Sign("capacity_permission_missing", "likely", said("capacity_unknown", "capacity_refused"), "capacity", weight=1),
    # -- connections and data sources --------------------------------------------------------------------------------
    Sign("connection_not_shared", "likely", said("connection_in_pipeline"), "connection", weight=2),
    Sign(
        "connection_not_shared", "likely",
        any_of(said("datasource_not_authorized"), code("DMTS_EntityNotFoundOrUnauthorized")), "connection", weight=2,
    ),
    Sign(
        "runs_as_other_identity", "likely",
        any_of(said("datasource_not_authorized"), code("DMTS_EntityNotFoundOrUnauthorized")), "connection",
        "which identity the run really used", 1,
    ),
    Sign("connection_not_shared", "likely", said("item_failed_without_reason"), "item_failed", weight=1),
    Sign(
        "api_not_supported_for_sp", "possible", said("item_failed_without_reason"), "item_failed",
        "whether the same call works for a user",
    ),
    Sign(
        "dataset_datasource_credentials_missing", "likely",
        said("datasource_credentials", "provided_credentials_refused"), "credentials", weight=2,
    ),
    # -- Azure, policies, network ------------------------------------------------------------------------------------
    # The right that is missing stands in the sentence; only those on a capacity are this job's for sure.
    Sign("azure_rbac_missing", "certain", said("azure_capacity_role"), "azure"),
    Sign("azure_rbac_missing", "likely", said("azure_role"), "azure", weight=2),
    Sign("azure_rbac_missing", "likely", said("vault_role"), "azure", weight=1),
    Sign("private_link_inbound_policy", "certain", said("inbound_policy"), "network"),
    Sign("proxy_refused", "likely", any_of(said("proxy_refused"), status(407)), "network", weight=3),
    Sign("certificate_not_trusted", "likely", said("certificate_not_trusted"), "network", weight=2),
    Sign("name_not_resolved", "likely", said("name_not_resolved"), "network", weight=2),
    Sign("unreachable", "possible", said("connection_failed"), "network"),
    Sign(
        "activity_events_window", "likely",
        all_of(request(lambda r: r.path.endswith("/activityevents")), status(400)), "request", weight=1,
    ),
    # -- the client --------------------------------------------------------------------------------------------------
    Sign("conflicting_auth_configuration", "likely", said("two_credentials"), "tool", weight=1),
    Sign("client_configuration_or_bug", "likely", said("tool_configuration"), "tool"),
    Sign(
        "runs_as_other_identity", "possible", said("works_as_user"), "",
        "which identity the failing call really uses", 1,
    ),
    Sign(
        "propagation_delay", "possible", said("just_changed"), "",
        "how long ago the change was made, and whether the token is newer",
    ),
    # -- a status and nothing else: never more than possible ---------------------------------------------------------
    Sign(
        "sp_not_in_workspace", "possible", status(401, 403, 404), "status", weight=3,
        unless=any_of(_explained, tenant_wide),
    ),
    Sign("undetermined", "possible", all_of(admin_route, status(404)), "status", unless=_reason),
    Sign("tenant_setting_off", "possible", status(401), "status", weight=2, unless=_explained),
    Sign("sp_not_in_allowed_group", "possible", status(401), "status", weight=1, unless=_explained),
    Sign("wrong_audience", "possible", status(401, 403), "status", weight=1, unless=_reason),
    Sign(
        "my_workspace_or_missing_group_in_url", "possible", all_of(status(401, 403), said("cmdlet_failed")), "status",
        "whether the command was given -WorkspaceId", 4, _explained,
    ),
    Sign(
        "my_workspace_or_missing_group_in_url", "possible", all_of(status(401, 403), tool("powershell", "dotnet")),
        "status", unless=any_of(_explained, in_workspace),
    ),
    Sign("insufficient_workspace_role", "possible", all_of(refused, in_workspace), "status", unless=_explained),
    Sign("missing_delegated_scope", "possible", said("connector_refused"), "status", weight=4),
    Sign(
        "client_configuration_or_bug", "possible", all_of(_embeds, status(403)), "status",
        "whether tokenType fits the token: Embed for an embed token, Aad for a person's", 4,
    ),
    Sign(
        "runs_as_other_identity", "possible", all_of(said("default_credential"), status(401, 403)), "status",
        "which credential DefaultAzureCredential took: appid and oid of the token", 2, _explained,
    ),
    Sign(
        "admin_consented_permission_blocks_admin_api", "possible",
        all_of(tool("openmetadata"), said("answer_was_none")), "status", weight=4,
    ),
    Sign(
        "admin_api_setting_off", "possible", all_of(tool("openmetadata"), said("answer_was_none")), "status",
        weight=3,
    ),
    Sign("service_trouble", "possible", status(500, 502, 503, 504), "trouble", weight=2),
    Sign("admin_api_setting_off", "possible", all_of(admin_route, status(500)), "trouble", weight=1),
    Sign("propagation_delay", "possible", all_of(admin_route, status(500)), "trouble"),
)  # fmt: skip
