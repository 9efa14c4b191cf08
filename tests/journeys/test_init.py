"""From nothing to a token that works, and again, and after somebody changed something by hand."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.cli import Cli
from tests.support.tenant import SandboxTenant

INIT = ("init", "--cloud", "sandbox", "--yes")


def ours(state: dict[str, Any]) -> dict[str, Any]:
    """What pbisetup made, as the tenant's own dump shows it."""
    apps = [a for a in state["applications"] if str(a.get("uniqueName", "")).startswith("pbisetup-")]
    client_ids = {a["appId"] for a in apps}
    principals = [s for s in state["servicePrincipals"] if s["appId"] in client_ids]
    ids = {s["id"] for s in principals}
    return {
        "apps": apps,
        "principals": principals,
        "secrets": [p for a in apps for p in a["passwordCredentials"]],
        "groups": [g for g in state["groups"] if ids & set(g["members"])],
        "roles": [
            (w["displayName"], r["role"])
            for w in state["workspaces"]
            for r in w["roleAssignments"]
            if r["principal"]["id"] in ids
        ],
    }


def test_one_command_ends_with_one_of_everything_and_a_token_that_works(cli: Cli, sandbox: SandboxTenant) -> None:
    ran = cli.ok(*INIT)

    made = ours(sandbox.state())
    assert {name: len(things) for name, things in made.items()} == {
        "apps": 1,
        "principals": 1,
        "secrets": 1,
        "groups": 1,
        "roles": 1,
    }
    assert made["roles"] == [("Reports Dev", "Contributor")]
    assert made["apps"][0]["requiredResourceAccess"] == []
    setting = next(s for s in sandbox.state()["tenantSettings"] if s["settingName"].endswith("PermissionAPIs"))
    assert setting["enabled"] is True
    assert [g["graphId"] for g in setting["enabledSecurityGroups"]] == [made["groups"][0]["id"]]
    assert cli.stored()["AZURE_CLIENT_ID"] == made["apps"][0]["appId"]
    assert "the secret is in .env.dev" in ran.out
    assert "the Power BI API answered it" in ran.out
    assert [line.split("  #")[0].strip() for line in ran.out.splitlines() if line.startswith("  pbisetup ")] == [
        "pbisetup token dev",
        "pbisetup doctor dev",
        "pbisetup plan dev",
    ]


def test_who_is_signed_in_and_what_they_may_do_is_said_before_anything_is_written(cli: Cli) -> None:
    err = cli.ok(*INIT).err
    for said in ("Contoso (contoso.onmicrosoft.com)", "admin@contoso.onmicrosoft.com", "Fabric Administrator"):
        assert err.index(said) < err.index("Plan for dev")
    assert "yes  register the app" in err


def test_a_second_run_changes_nothing_and_says_so(cli: Cli, sandbox: SandboxTenant) -> None:
    cli.ok(*INIT)
    before, secret = sandbox.state(), cli.stored()
    sandbox.clear_requests()

    ran = cli.ok(*INIT)

    assert sandbox.writes() == []
    assert "nothing was changed" in ran.out
    assert cli.stored() == secret
    assert ours(sandbox.state()) == ours(before)


def remove_member(state: dict[str, Any]) -> None:
    for group in state["groups"]:
        group["members"] = []


def remove_role(state: dict[str, Any]) -> None:
    for workspace in state["workspaces"]:
        workspace["roleAssignments"] = [
            r for r in workspace["roleAssignments"] if r["principal"]["type"] != "ServicePrincipal"
        ]


def remove_owner(state: dict[str, Any]) -> None:
    for app in state["applications"]:
        app["owners"] = []


def rename_app(state: dict[str, Any]) -> None:
    for app in state["applications"]:
        if str(app.get("uniqueName", "")).startswith("pbisetup-"):
            app["displayName"] = "renamed by hand"


def switch_setting_off(state: dict[str, Any]) -> None:
    for setting in state["tenantSettings"]:
        if setting["settingName"] == "ServicePrincipalAccessPermissionAPIs":
            setting["enabled"] = False


@pytest.mark.parametrize("damage", [remove_member, remove_role, remove_owner, rename_app, switch_setting_off])
def test_what_somebody_changed_by_hand_is_mended_with_exactly_one_write(
    cli: Cli, sandbox: SandboxTenant, damage: Any
) -> None:
    cli.ok(*INIT)
    sandbox.put_state(damage)
    sandbox.clear_requests()

    cli.ok("apply", "--yes")

    assert len(sandbox.writes()) == 1, sandbox.writes()
    sandbox.clear_requests()
    cli.ok("apply", "--yes")
    assert sandbox.writes() == []


def test_another_role_in_the_manifest_is_exactly_one_write(cli: Cli, sandbox: SandboxTenant) -> None:
    cli.ok(*INIT)
    manifest = cli.folder / "pbisetup.toml"
    manifest.write_text(manifest.read_text().replace('role = "Contributor"', 'role = "Member"'))
    sandbox.clear_requests()

    cli.ok("apply", "--yes")

    assert len(sandbox.writes()) == 1
    assert ours(sandbox.state())["roles"] == [("Reports Dev", "Member")]


def test_curl_with_the_token_lists_the_workspace(cli: Cli) -> None:
    cli.ok(*INIT)
    curl = shutil.which("curl")
    if curl is None:
        pytest.skip("curl is not installed")
    command = (
        f'{curl} --silent --fail --cacert "$PBISETUP_SANDBOX_CA" '
        '-H "Authorization: Bearer $(python -m pbisetup token dev)" "$PBISETUP_SANDBOX_URL/v1.0/myorg/groups"'
    )
    python = Path(__import__("sys").executable).parent
    env = {**cli.env, "PATH": f"{python}:{cli.env['PATH']}"}
    done = subprocess.run(["bash", "-c", command], cwd=cli.folder, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert '"Reports Dev"' in done.stdout


def test_several_environments_get_one_app_each(cli: Cli, sandbox: SandboxTenant) -> None:
    cli.ok(*INIT, "--env", "dev,test,prod", "--name", "Berichte Größe ✓")
    made = ours(sandbox.state())
    assert sorted(a["displayName"] for a in made["apps"]) == [f"Berichte Größe ✓-{e}" for e in ("dev", "prod", "test")]
    assert sorted(made["roles"]) == [(f"Reports {e}", "Contributor") for e in ("Dev", "Prod", "Test")]
    assert len(made["groups"]) == 1
    assert len({cli.stored(e)["AZURE_CLIENT_ID"] for e in ("dev", "test", "prod")}) == 3


def test_an_environment_is_added_to_a_manifest_that_keeps_its_comments(cli: Cli) -> None:
    cli.ok(*INIT)
    manifest = cli.folder / "pbisetup.toml"
    manifest.write_text(manifest.read_text().replace("[defaults]", "# agreed with security\n[defaults]"))
    cli.ok(*INIT, "--env", "test")
    text = manifest.read_text()
    assert "# agreed with security" in text
    assert "[environments.test]" in text


def test_user_sign_in_declares_and_consents_delegated_permissions_and_makes_no_secret(
    cli: Cli, sandbox: SandboxTenant
) -> None:
    ran = cli.ok(*INIT, "--purpose", "user-sign-in")
    state = sandbox.state()
    made = ours(state)
    assert made["secrets"] == []
    assert [a["type"] for api in made["apps"][0]["requiredResourceAccess"] for a in api["resourceAccess"]] == [
        "Scope"
    ] * 3
    assert [g["consentType"] for g in state["oauth2PermissionGrants"]] == ["AllPrincipals"]
    assert state["appRoleAssignments"] == [] or all(
        r["principalId"] != made["principals"][0]["id"] for r in state["appRoleAssignments"]
    )
    assert "the Power BI API answered it" in ran.out
    token = cli.ok("token", "dev", "--user", "--claims").json
    assert set(token["scp"].split()) == {"Workspace.Read.All", "Report.Read.All", "Dataset.Read.All"}
    sandbox.clear_requests()
    cli.ok(*INIT)
    assert sandbox.writes() == []


def test_the_secret_can_be_printed_once_instead_of_stored(cli: Cli, sandbox: SandboxTenant) -> None:
    ran = cli.ok(*INIT, "--store", "stdout")
    printed = dict(line.split("=", 1) for line in ran.out.splitlines() if line.startswith("AZURE_"))
    assert not (cli.folder / ".env.dev").exists()
    cli.ok("doctor", "--cloud", "sandbox", env=printed)
    sandbox.clear_requests()
    again = cli.ok(*INIT)
    assert sandbox.writes() == []
    assert "AZURE_CLIENT_SECRET" not in again.out
    assert cli("apply", "--yes", "--format", "json").code == 2


def test_a_second_clone_of_the_repository_gets_a_secret_of_its_own_and_leaves_the_first(
    cli: Cli, sandbox: SandboxTenant, tmp_path: Path
) -> None:
    cli.ok(*INIT)
    colleague = Cli(tmp_path / "colleague", cli.env)
    shutil.copy(cli.folder / "pbisetup.toml", colleague.folder)
    colleague.ok("apply", "--yes")
    made = ours(sandbox.state())
    assert len(made["apps"]) == 1
    assert len(made["secrets"]) == 2
    cli.ok("doctor")
    colleague.ok("doctor")


@pytest.mark.parametrize("choice", ["restore", "purge"])
def test_an_app_deleted_by_hand_is_offered_restore_or_purge(cli: Cli, sandbox: SandboxTenant, choice: str) -> None:
    cli.ok(*INIT)
    app = ours(sandbox.state())["apps"][0]
    token = sandbox.user_token("admin", "https://graph.microsoft.com")
    answer = sandbox.http.delete(f"/v1.0/applications/{app['id']}", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 204

    asked = cli("apply", "--yes")
    assert asked.code == 2
    assert "--deleted-app" in asked.err

    cli.ok("apply", "--yes", "--deleted-app", choice)
    made = ours(sandbox.state())
    assert len(made["apps"]) == 1
    assert (made["apps"][0]["id"] == app["id"]) is (choice == "restore")


def test_everything_works_while_the_directory_lags_behind_itself(start_sandbox: Any, tmp_path: Path) -> None:
    tenant = start_sandbox("--replication-lag", "3")
    tenant.put_state(lambda state: state.update(auto_approve="admin"))
    lagging = Cli(tmp_path / "project", tenant.env())
    lagging.ok(*INIT)
    made = ours(tenant.state())
    assert {name: len(things) for name, things in made.items()} == dict.fromkeys(made, 1)


def test_the_road_to_a_real_tenant_is_the_road_that_is_tested(sandbox: SandboxTenant, tmp_path: Path) -> None:
    """`--cloud public` with nothing but a proxy and a certificate authority in the environment."""
    sandbox.put_state(lambda state: state.update(auto_approve="admin"))
    env = {k: v for k, v in sandbox.env(proxy=True).items() if not k.startswith("PBISETUP_SANDBOX")}
    public = Cli(tmp_path / "project", env)
    public.ok("init", "--cloud", "public", "--operator", "device", "--tenant", "contoso.onmicrosoft.com", "--yes")
    token = public.ok("token", "dev").out.strip()
    with httpx.Client(proxy=sandbox.proxy, verify=sandbox.ssl_context, trust_env=False) as http:
        answer = http.get("https://api.powerbi.com/v1.0/myorg/groups", headers={"Authorization": f"Bearer {token}"})
    assert [w["name"] for w in answer.json()["value"]] == ["Reports Dev"]
    hosts = {r["host"] for r in sandbox.requests() if "/_sandbox" not in r["path"]}
    assert {"login.microsoftonline.com", "graph.microsoft.com", "api.powerbi.com", "api.fabric.microsoft.com"} <= hosts
    sandbox.clear_requests()
    public.ok("apply", "--yes", "--operator", "device")
    assert sandbox.writes() == []


def test_the_embedded_tenant_keeps_its_state_between_runs(tmp_path: Path) -> None:
    cli = Cli(tmp_path / "project")
    cli.ok("init", "--sandbox", "--yes")
    again = cli.ok("init", "--sandbox", "--yes")
    assert "nothing was changed" in again.out
    assert cli.ok("doctor").out.strip().endswith("Healthy.")
    assert cli.ok("plan", "--detailed-exitcode").code == 0
    refused = cli("apply", "--yes", "--cloud", "public")
    assert refused.code == 2


def test_a_secret_that_entra_calls_expired_is_replaced_whatever_this_machine_s_clock_says(
    cli: Cli, sandbox: SandboxTenant
) -> None:
    cli.ok(*INIT)
    old = cli.stored()["AZURE_CLIENT_SECRET"]
    sandbox.advance(100 * 86400)
    sick = cli("doctor")
    assert sick.code == 1
    assert "PBI301" in sick.out
    assert "pbisetup apply dev" in sick.out

    cli("apply", "--yes", "--wait", "0")

    assert cli.stored()["AZURE_CLIENT_SECRET"] != old
    assert "AADSTS7000222" not in cli("doctor").out


def test_a_secret_that_was_mangled_in_the_file_is_replaced(cli: Cli) -> None:
    cli.ok(*INIT)
    file = cli.folder / ".env.dev"
    file.write_text(file.read_text().rstrip("\n") + "x\n")
    assert "PBI303" in cli("doctor").out
    cli.ok("apply", "--yes")
    cli.ok("doctor")
