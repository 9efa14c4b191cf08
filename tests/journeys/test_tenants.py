"""Environments in two tenants: one manifest, and each made where it belongs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.journeys.test_init import INIT, ours
from tests.support.cli import Cli
from tests.support.tenant import SandboxTenant

MANIFEST = """
[project]
id = "k7f3q2"
name = "reports"
cloud = "{cloud}"
tenant = "contoso.onmicrosoft.com"

[environments.dev]
workspaces = [{{ name = "Reports Dev", role = "Contributor" }}]

[environments.prod]
tenant = "contoso2.onmicrosoft.com"
workspaces = [{{ name = "Reports Prod", role = "Viewer" }}]
"""
COUNTS = {"apps": 1, "principals": 1, "secrets": 1, "groups": 1, "roles": 1}


@pytest.fixture(scope="module")
def _process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxTenant]:
    with SandboxTenant(tmp_path_factory.mktemp("tenants"), tenants=2) as tenant:
        yield tenant


@pytest.fixture
def first(_process: SandboxTenant) -> SandboxTenant:
    _process.reset()
    _process.second.reset()
    _process.clear_requests()
    return _process


def project(folder: Path, tenant: SandboxTenant, *, proxy: bool = False) -> Cli:
    cli = Cli(folder / "project", tenant.env(proxy=proxy))
    text = MANIFEST.format(cloud="public" if proxy else "sandbox")
    (cli.folder / "pbisetup.toml").write_text(text, encoding="utf-8")
    return cli


@pytest.mark.parametrize("proxy", [False, True], ids=["sandbox", "as the real clouds"])
def test_each_environment_is_made_in_its_own_tenant(first: SandboxTenant, tmp_path: Path, proxy: bool) -> None:
    second = first.second
    cli = project(tmp_path, first, proxy=proxy)
    operator = ("--operator", "device")
    ran = cli.ok("apply", "--yes", *operator)
    for said in ("contoso.onmicrosoft.com", "contoso2.onmicrosoft.com"):
        assert said in ran.err

    for tenant, environment, role in (
        (first, "dev", ("Reports Dev", "Contributor")),
        (second, "prod", ("Reports Prod", "Viewer")),
    ):
        made = ours(tenant.state())
        assert {name: len(things) for name, things in made.items()} == COUNTS
        assert made["roles"] == [role]
        assert made["apps"][0]["uniqueName"] == f"pbisetup-k7f3q2-{environment}"
        assert cli.stored(environment)["AZURE_CLIENT_ID"] == made["apps"][0]["appId"]
        assert cli.stored(environment)["AZURE_TENANT_ID"] == tenant.tenant

    for environment in ("dev", "prod"):
        healthy = cli.ok("doctor", environment, *operator, "--format", "json").json
        assert healthy["healthy"] is True
        assert healthy["findings"] == []

    first.clear_requests()
    assert cli("plan", "--detailed-exitcode", *operator).code == 0
    assert {each["tenant"] for each in first.requests()} == {first.tenant, second.tenant}
    assert first.writes() == []


def test_what_is_wrong_in_one_tenant_is_found_there_alone(first: SandboxTenant, tmp_path: Path) -> None:
    cli = project(tmp_path, first)
    cli.ok("apply", "--yes")

    def shut(state: dict[str, list[dict[str, object]]]) -> None:
        for setting in state["tenantSettings"]:
            if str(setting["settingName"]).endswith("PermissionAPIs"):
                setting["enabled"] = False

    first.second.put_state(shut)
    asked = ("--operator", "device", "--format", "json")
    assert cli.ok("doctor", "dev", *asked).json["healthy"] is True
    sick = cli("doctor", "prod", *asked)
    assert sick.code == 1
    assert [each["cause"] for each in sick.json["findings"]] == ["tenant_setting_off"]


def test_the_tenant_of_the_command_line_is_the_one_that_is_changed(first: SandboxTenant, tmp_path: Path) -> None:
    cli = Cli(tmp_path / "project", first.env())
    where = ("--cloud", "sandbox", "--operator", "device", "--tenant", "contoso2.onmicrosoft.com")
    ran = cli.ok("init", "--yes", *where)
    assert "admin@contoso2.onmicrosoft.com" in ran.err
    assert {name: len(things) for name, things in ours(first.second.state()).items()} == COUNTS
    assert ours(first.state())["apps"] == []
    there = ("--operator", "device", "--tenant", "contoso2.onmicrosoft.com")
    assert cli("plan", "--detailed-exitcode", *there).code == 0
    assert cli.ok("apply", "--yes", *there).code == 0
    assert cli.ok("doctor", *there, "--format", "json").json["healthy"] is True

    another = cli("plan", "--operator", "device", "--tenant", "contoso.onmicrosoft.com")
    assert another.code == 2
    assert "contoso2.onmicrosoft.com" in another.err
    unknown = Cli(tmp_path / "other", first.env())(*INIT, "--tenant", "fabrikam.onmicrosoft.com")
    assert unknown.code == 3, unknown
    assert "fabrikam.onmicrosoft.com" in unknown.err
    assert ours(first.state())["apps"] == []


def test_the_wizard_makes_environments_in_two_tenants(first: SandboxTenant, tmp_path: Path) -> None:
    """One command; the manifest names the tenant only where it is not the project's."""
    cli = Cli(tmp_path / "wizard", first.env())
    tenants = ("--tenant", "contoso.onmicrosoft.com", "--tenant", "prod=contoso2.onmicrosoft.com")
    ran = cli.ok(
        *INIT, "--env", "dev,test,prod", *tenants, "--workspace", "prod=Reports Prod", "--workspace", "Reports Dev"
    )
    for name in ("dev", "test", "prod"):
        assert f"{name}: the app works" in ran.out, ran
    text = (cli.folder / "pbisetup.toml").read_text(encoding="utf-8")
    assert text.count("tenant = ") == 2
    assert 'tenant = "contoso2.onmicrosoft.com"' in text.split("[environments.prod]")[1]
    assert {k: len(v) for k, v in ours(first.state()).items()} == {
        **COUNTS,
        "apps": 2,
        "principals": 2,
        "secrets": 2,
        "roles": 2,
    }
    assert {k: len(v) for k, v in ours(first.second.state()).items()} == {**COUNTS, "roles": 2}
    # One look and one write of the settings in each.
    changed = [each for each in first.requests("POST") if "tenantsettings" in each["path"]]
    assert len(changed) == 2
    assert cli("plan", "--detailed-exitcode").code == 0


def test_a_tenant_that_cannot_be_entered_does_not_keep_the_other(first: SandboxTenant, tmp_path: Path) -> None:
    cli = project(tmp_path, first)
    manifest = cli.folder / "pbisetup.toml"
    text = manifest.read_text(encoding="utf-8")
    manifest.write_text(text.replace("contoso2.onmicrosoft.com", "nobody.example"), encoding="utf-8")
    ran = cli("apply", "--yes", "--operator", "device")
    assert ran.code == 3, ran
    assert "dev: the app works" in ran.out
    assert "nobody.example" in ran.out + ran.err
