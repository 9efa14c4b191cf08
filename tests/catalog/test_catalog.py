"""The facts: clouds, permissions and purposes are whole and free of contradictions."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

import pytest

from pbisetup.catalog import wellknown
from pbisetup.catalog.clouds import clouds, sandbox_cloud
from pbisetup.catalog.permissions import permission, permissions
from pbisetup.catalog.purposes import purposes
from pbisetup.model.cloud import Cloud
from pbisetup.model.tenant import WORKSPACE_ROLES

GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


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
    assert (automation.delegated, automation.settings) == ((), {wellknown.PUBLIC_API_SETTING: "api"})
    assert people.delegated
    assert people.settings == {}


def test_roles_of_the_directory_have_names_and_ids() -> None:
    assert all(GUID.fullmatch(id_) for id_ in wellknown.ROLE_NAMES)
    assert len(set(wellknown.ROLE_NAMES.values())) == len(wellknown.ROLE_NAMES)
    assert GUID.fullmatch(wellknown.AZURE_CLI_APP_ID)
