"""The facts: clouds, permissions, purposes and findings are whole, free of contradictions, and can be shown."""

from __future__ import annotations

import re
import string
from typing import Any, get_args
from urllib.parse import urlsplit

import pytest

from pbisetup.catalog import wellknown
from pbisetup.catalog.clouds import clouds, sandbox_cloud
from pbisetup.catalog.findings import entries, finding
from pbisetup.catalog.permissions import permission, permissions
from pbisetup.catalog.purposes import purposes
from pbisetup.model.cloud import Cloud
from pbisetup.model.finding import Certainty, Severity
from pbisetup.model.plan import Who
from pbisetup.model.tenant import WORKSPACE_ROLES

GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
CAUSES = [
    "admin_api_setting_off",
    "admin_consented_permission_blocks_admin_api",
    "api_not_supported_for_sp",
    "app_disabled",
    "app_not_in_tenant",
    "app_only_vs_delegated_confusion",
    "azure_rbac_missing",
    "capacity_paused",
    "capacity_permission_missing",
    "classic_workspace_not_supported",
    "client_configuration_or_bug",
    "conditional_access_blocked",
    "conflicting_auth_configuration",
    "connection_not_shared",
    "consent_missing",
    "dataset_datasource_credentials_missing",
    "feature_tenant_setting_off",
    "federated_credential_mismatch",
    "federated_user_unsupported_for_ropc",
    "insufficient_workspace_role",
    "invalid_secret",
    "mfa_required_for_ropc",
    "missing_delegated_scope",
    "missing_item_permission",
    "my_workspace_or_missing_group_in_url",
    "no_capacity_or_embed_quota",
    "object_id_used_as_client_id",
    "private_link_inbound_policy",
    "propagation_delay",
    "public_client_flow_disabled",
    "redirect_uri_mismatch",
    "resource_not_in_required_access",
    "resource_sp_disabled",
    "resource_sp_missing",
    "restricted_notebook_token",
    "runs_as_other_identity",
    "secret_blocked_by_policy",
    "secret_expired",
    "secret_id_used_as_value",
    "sp_missing_in_tenant",
    "sp_not_in_allowed_group",
    "sp_not_in_workspace",
    "tenant_setting_off",
    "token_expired",
    "undetermined",
    "user_license_missing",
    "user_not_admin_role",
    "user_not_assigned_to_app",
    "wrong_audience",
    "wrong_authority_for_client_credentials",
    "wrong_cloud",
    "wrong_group_type",
    "wrong_object_id",
    "wrong_scope_format",
    "wrong_scope_name",
    "xmla_identity_format",
    "xmla_tenant_setting_off",
    "entra_other",
]
"""The causes that a finding may name."""


@pytest.mark.parametrize("cloud", clouds().values(), ids=clouds())
def test_every_address_of_a_cloud_is_an_https_origin(cloud: Cloud) -> None:
    for origin in (*cloud.origins(), cloud.portal):
        parts = urlsplit(origin)
        assert (parts.scheme, parts.path, parts.query) == ("https", "", "")
        assert parts.hostname == parts.netloc
        assert not origin.endswith("/")
    for resource in (cloud.graph_resource, cloud.powerbi_resource, cloud.fabric_resource or "https://x"):
        assert resource.startswith("https://")
        assert not resource.endswith("/")
        assert cloud.scope(resource) == f"{resource}/.default"
    assert (cloud.fabric is None) == (cloud.fabric_resource is None)
    assert cloud.token_issuer.count("{tenant}") == 1
    assert GUID.fullmatch(cloud.powerbi_app_id)
    assert all(not suffix.startswith(".") and "." in suffix for suffix in cloud.cross_hosts)
    assert all(cloud.allows(f"{origin}/x") for origin in cloud.origins())


def test_all_published_clouds_are_there() -> None:
    assert list(clouds()) == ["public", "gcc", "gcchigh", "dod", "china"]
    assert all(name == cloud.name for name, cloud in clouds().items())


def test_gcc_signs_in_at_the_public_cloud_and_has_a_resource_app_of_its_own() -> None:
    public, gcc = clouds()["public"], clouds()["gcc"]
    assert (gcc.login, gcc.graph) == (public.login, public.graph)
    assert gcc.powerbi_app_id == "fc4979e5-0aa5-429f-b13a-5d1365be5566"
    others = {cloud.powerbi_app_id for name, cloud in clouds().items() if name != "gcc"}
    assert others == {"00000009-0000-0000-c000-000000000000"}


def test_no_cloud_takes_the_power_bi_token_of_another() -> None:
    assert len({cloud.powerbi_resource for cloud in clouds().values()}) == len(clouds())
    for name, cloud in clouds().items():
        others = [other.powerbi for key, other in clouds().items() if key != name]
        assert not any(cloud.allows(f"{origin}/x") for origin in others)


def test_the_local_tenant_is_the_public_cloud_at_another_address() -> None:
    local, public = sandbox_cloud("https://127.0.0.1:8443/", "ca.pem"), clouds()["public"]
    assert set(local.origins()) == {"https://127.0.0.1:8443"}
    assert (local.powerbi_resource, local.token_issuer) == (public.powerbi_resource, public.token_issuer)
    assert (local.name, local.ca_bundle, local.cross_hosts) == ("sandbox", "ca.pem", ())
    assert not local.instance_discovery


def test_permissions_are_named_once_and_have_ids() -> None:
    rows = [(p.resource, p.kind, p.value) for p in permissions()]
    assert len(set(rows)) == len(rows)
    assert all(GUID.fullmatch(p.id) for p in permissions())
    assert {(p.resource, p.kind) for p in permissions()} == {
        (resource, kind) for resource in ("powerbi", "graph") for kind in ("Role", "Scope")
    }
    ids = [(p.resource, p.id) for p in permissions()]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch(r"[A-Za-z0-9._]+", p.value) for p in permissions())


def test_a_permission_is_found_in_any_spelling_and_only_as_its_kind() -> None:
    found = permission("powerbi", "Scope", "report.read.all")
    assert found is not None
    assert found.value == "Report.Read.All"
    assert permission("powerbi", "Role", "Report.Read.All") is None
    assert permission("graph", "Scope", "Report.Read.All") is None
    assert permission("powerbi", "Scope", "No.Such") is None


def test_power_bi_has_two_application_permissions_which_need_an_administrator() -> None:
    roles = [p for p in permissions() if (p.resource, p.kind) == ("powerbi", "Role")]
    assert [p.value for p in roles] == ["Tenant.Read.All", "Tenant.ReadWrite.All"]
    assert all(p.admin_consent for p in roles)


@pytest.mark.parametrize("name", purposes())
def test_a_purpose_asks_only_for_delegated_permissions_that_exist(name: str) -> None:
    purpose = purposes()[name]
    assert all(permission("powerbi", "Scope", scope) for scope in purpose.delegated)
    assert not any(permission("powerbi", "Role", scope) for scope in purpose.delegated)
    assert purpose.sign_in in ("app", "user")
    assert purpose.role in WORKSPACE_ROLES
    assert purpose.title
    assert purpose.why_permissions


def test_a_program_by_itself_needs_the_setting_and_no_permission_people_need_the_reverse() -> None:
    automation, people = purposes()["automation"], purposes()["user-sign-in"]
    assert (automation.delegated, automation.settings) == ((), (wellknown.PUBLIC_API_SETTING,))
    assert people.delegated
    assert people.settings == ()


def test_roles_of_the_directory_have_names_and_ids() -> None:
    assert all(GUID.fullmatch(id_) for id_ in wellknown.ROLE_NAMES)
    assert len(set(wellknown.ROLE_NAMES.values())) == len(wellknown.ROLE_NAMES)
    assert GUID.fullmatch(wellknown.AZURE_CLI_APP_ID)


# -- findings ----------------------------------------------------------------------------------------------------------

each = pytest.mark.parametrize(("name", "entry"), entries().items(), ids=entries())
FILLED = ("title", "explanation")
GIVEN = {"environment", "message", "client_id", "tenant_id", "workspace", "audience", "wanted", "expires", "roles"}
"""Everything that the doctor fills in."""


def placeholders(text: str) -> set[str]:
    return {field for _, field, _, _ in string.Formatter().parse(text) if field is not None}


def test_codes_are_unique() -> None:
    codes = [entry["code"] for entry in entries().values()]
    assert len(set(codes)) == len(codes)


@each
def test_a_finding_is_whole(name: str, entry: dict[str, Any]) -> None:
    assert re.fullmatch(r"PBI[1-9]\d\d", entry["code"])
    assert entry.get("cause", name) in CAUSES
    assert entry["severity"] in get_args(Severity)
    assert entry["title"]
    assert not entry["title"].endswith(".")
    assert entry["docs"] == f"docs/troubleshooting.md#{entry['code'].lower()}"
    assert set(entry) <= {"code", "cause", "severity", "title", "explanation", "decided_by", "docs", "remedies"}
    for remedy in entry["remedies"]:
        assert remedy["who"] in get_args(Who)
        assert set(remedy) <= {"who", "text", "command", "url", "fixable"}
        assert remedy["text"]
        assert urlsplit(remedy.get("url", "https://x").replace("{portal}", "https://x")).scheme == "https"
        assert not remedy.get("fixable") or "pbisetup apply" in remedy["command"]


@each
def test_every_placeholder_of_a_finding_can_be_filled(name: str, entry: dict[str, Any]) -> None:
    commands = [remedy.get("command", "") for remedy in entry["remedies"]]
    used = {field for text in (*(entry[key] for key in FILLED), *commands) for field in placeholders(text)}
    assert used <= GIVEN
    fixed = (entry.get("decided_by", ""), *(remedy["text"] for remedy in entry["remedies"]))
    assert not any(placeholders(text) for text in fixed)
    shown = finding(name, "likely", **{field: f"<{field}>" for field in GIVEN})
    assert "{" not in f"{shown.title}{shown.explanation}{[r.command for r in shown.remedies]}"


@each
def test_a_finding_can_be_shown_when_nothing_else_is_known(name: str, entry: dict[str, Any]) -> None:
    for certainty in get_args(Certainty):
        shown = finding(name, certainty)
        assert shown.code == entry["code"]
        assert shown.certainty == certainty
        assert shown.decided_by is None or certainty != "certain"
        assert all(remedy.command is None or remedy.command == remedy.command.strip() for remedy in shown.remedies)


@each
def test_commands_are_ready_to_type_and_never_grant_an_application_permission(name: str, entry: dict[str, Any]) -> None:
    for remedy in finding(name, "likely", environment="dev").remedies:
        if remedy.command is not None:
            assert remedy.command.split()[0] in ("pbisetup", "az")
            assert "<" not in remedy.command
        said = f"{remedy.text} {remedy.command}".lower()
        assert not re.search(r"(add|grant|assign|consent to)\b.*\b(tenant\.read|application permission|app role)", said)
        assert "approleassign" not in said
        assert "fabric administrator role" not in said
    assert entry["code"] != "PBI406" or "Revoke" in entry["remedies"][0]["text"]


def test_values_with_braces_of_their_own_stay_as_they_are() -> None:
    shown = finding("sp_not_in_workspace", "certain", workspace="'{client_id} {0} {'")
    assert "'{client_id} {0} {'" in shown.title
