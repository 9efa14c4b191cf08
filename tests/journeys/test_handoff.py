"""A developer who may not do everything: what is left is handed to those who may, and then it works."""

from __future__ import annotations

import json
import os
import stat
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.journeys.test_init import INIT, ours
from tests.support.az import Administrator, became
from tests.support.certificate import ClientCertificate
from tests.support.cli import Cli
from tests.support.tenant import POWER_BI, SandboxTenant, State

SETTING = "ServicePrincipalAccessPermissionAPIs"
JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
HOSTILE = "$(touch pwned) `touch pwned`'\"; Отчёты"


@pytest.fixture
def admin(cli: Cli, sandbox: SandboxTenant, tmp_path: Path) -> Administrator:
    return Administrator(sandbox, "admin", tmp_path, cli.env)


def change_setting(sandbox: SandboxTenant, **values: Any) -> None:
    def change(state: State) -> None:
        next(s for s in state["tenantSettings"] if s["settingName"] == SETTING).update(values)

    sandbox.put_state(change)


def setting_of(sandbox: SandboxTenant) -> dict[str, Any]:
    found = next(s for s in sandbox.state()["tenantSettings"] if s["settingName"] == SETTING)
    return dict(found)


@pytest.mark.parametrize("scenario", ["developer", "locked-down"])
def test_the_developer_asks_the_administrator_pastes_and_then_it_works(
    cli: Cli, sandbox: SandboxTenant, tmp_path: Path, scenario: str
) -> None:
    sandbox.reset(scenario)
    first = cli(*INIT)
    assert first.code == 5, first
    assert "pbisetup handoff dev" in first.out

    handed = cli("handoff", "dev")
    assert handed.code == 5
    assert "## For: fabric administrator" in handed.out
    assert ("## For: cloud application administrator" in handed.out) is (scenario == "locked-down")
    Administrator(sandbox, "admin", tmp_path, cli.env).paste(handed.out)

    last = cli("apply", "--yes")
    assert last.code == 0, last
    made = ours(sandbox.state())
    assert {name: len(things) for name, things in made.items()} == dict.fromkeys(made, 1)
    assert cli.ok("doctor").out.strip().endswith("Healthy.")
    assert cli.ok("handoff", "dev").code == 0


def test_the_script_does_what_is_missing_once_and_says_so(
    cli: Cli, sandbox: SandboxTenant, tmp_path: Path, admin: Administrator
) -> None:
    sandbox.reset("locked-down")
    admin = Administrator(sandbox, "admin", tmp_path, cli.env)
    assert cli(*INIT).code == 5
    assert cli("handoff", "-o", "handoff.sh").code == 5
    script = cli.folder / "handoff.sh"
    assert sys.platform == "win32" or stat.S_IMODE(script.stat().st_mode) & 0o100

    sandbox.clear_requests()
    checked = admin.script(script, "--check")
    assert checked.returncode == 0, checked
    assert sandbox.writes() == []
    assert len(became(checked.stdout)["would change"]) == 2  # the app and the group; the rest hangs on them
    assert len(became(checked.stdout)["would follow"]) == 4

    # Whoever runs only a part of it too early is told what it waits for.
    early = admin.script(script, "fabric-administrator")
    assert early.returncode == 1
    assert "is not there yet" in early.stdout
    assert sandbox.writes() == []

    done = admin.script(script)
    assert done.returncode == 0, done
    assert len(became(done.stdout)["changed"]) == 6
    sandbox.clear_requests()
    again = admin.script(script)
    assert again.returncode == 0, again
    assert len(became(again.stdout)["already so"]) == 6
    assert sandbox.writes() == []

    assert cli("apply", "--yes").code == 0
    assert cli.ok("doctor").out.strip().endswith("Healthy.")
    assert {name: len(things) for name, things in ours(sandbox.state()).items()} == dict.fromkeys(
        ("apps", "principals", "secrets", "groups", "roles"), 1
    )


def test_each_role_runs_its_own_part_and_is_told_what_it_may_not(
    cli: Cli, sandbox: SandboxTenant, tmp_path: Path
) -> None:
    sandbox.reset("locked-down")
    assert cli(*INIT).code == 5
    cli("handoff", "-o", "handoff.sh")
    script = cli.folder / "handoff.sh"
    fabric = Administrator(sandbox, "fabricadmin", tmp_path, cli.env)
    whole = fabric.script(script)
    assert whole.returncode == 1
    assert "whoever runs this may not; it takes: cloud application administrator" in whole.stdout
    administrator = Administrator(sandbox, "admin", tmp_path, cli.env)
    for role in ("cloud-application-administrator", "groups administrator"):
        assert administrator.script(script, role).returncode == 0
    last = Administrator(sandbox, "fabricadmin", tmp_path, cli.env).script(script, "fabric-administrator")
    assert last.returncode == 0, last
    assert cli("apply", "--yes").code == 0


def test_a_script_stops_where_az_is_not_signed_in_here(cli: Cli, sandbox: SandboxTenant, tmp_path: Path) -> None:
    sandbox.reset("developer")
    cli(*INIT)
    cli("handoff", "-o", "handoff.sh")
    admin = Administrator(sandbox, "admin", tmp_path, cli.env)
    sandbox.clear_requests()
    for tenant, said in (("", "not signed in"), ("11111111-0000-0000-0000-000000000000", "is for " + sandbox.tenant)):
        stopped = admin.script(cli.folder / "handoff.sh", AZ_TENANT=tenant)
        assert stopped.returncode == 3
        assert said in stopped.stderr
        assert f"az login --tenant {sandbox.tenant}" in stopped.stderr
    unknown = admin.script(cli.folder / "handoff.sh", "janitor")
    assert (unknown.returncode, "fabric-administrator" in unknown.stderr) == (2, True)
    assert sandbox.requests() == []


def test_no_group_is_dropped_and_nobody_is_let_in_silently(cli: Cli, sandbox: SandboxTenant, tmp_path: Path) -> None:
    sandbox.reset("developer")
    made = sandbox.http.post(
        "/v1.0/groups",
        json={"displayName": "Theirs", "mailEnabled": False, "mailNickname": "theirs", "securityEnabled": True},
        headers={"Authorization": f"Bearer {sandbox.user_token()}"},
    )
    theirs = [{"graphId": made.json()["id"], "name": "Theirs"}]
    change_setting(sandbox, enabledSecurityGroups=theirs)
    cli(*INIT)
    cli("handoff", "-o", "handoff.sh")
    script = cli.folder / "handoff.sh"
    admin = Administrator(sandbox, "admin", tmp_path, cli.env)

    asked = admin.script(script)
    assert asked.returncode == 1
    assert 'would also let in: ["Theirs"]' in asked.stdout
    assert setting_of(sandbox)["enabled"] is False
    agreed = admin.script(script, "--let-in-listed")
    assert agreed.returncode == 0, agreed
    ours_too = [*theirs, {"graphId": ours(sandbox.state())["groups"][0]["id"], "name": "pbi-service-principals"}]
    assert setting_of(sandbox)["enabledSecurityGroups"] == ours_too

    # On already, limited to others: extended, and theirs stay. Open to everybody: left open.
    change_setting(sandbox, enabledSecurityGroups=theirs)
    assert admin.script(script).returncode == 0
    assert setting_of(sandbox)["enabledSecurityGroups"] == ours_too
    change_setting(sandbox, enabledSecurityGroups=[])
    left = admin.script(script)
    assert (left.returncode, "on for everybody, and was left so" in left.stdout) == (0, True)
    assert setting_of(sandbox)["enabledSecurityGroups"] == []


def test_hostile_names_are_made_as_they_are_and_run_nothing(cli: Cli, sandbox: SandboxTenant, tmp_path: Path) -> None:
    sandbox.reset("locked-down")
    cli(*INIT)
    text = (cli.folder / "pbisetup.toml").read_text(encoding="utf-8")
    group = json.dumps(HOSTILE, ensure_ascii=False)
    named = text.replace("[environments.dev]", f"[environments.dev]\ngroups = {{ api = {group} }}")
    (cli.folder / "pbisetup.toml").write_text(named, encoding="utf-8")

    assert cli("handoff", "-o", "handoff/").code == 5
    admin = Administrator(sandbox, "admin", tmp_path, cli.env)
    done = admin.script(cli.folder / "handoff" / "handoff.sh")
    assert done.returncode == 0, done
    assert [g["displayName"] for g in ours(sandbox.state())["groups"]] == [HOSTILE]
    assert setting_of(sandbox)["enabledSecurityGroups"][0]["name"] == HOSTILE
    assert not list(tmp_path.rglob("pwned"))
    assert cli("apply", "--yes").code == 0


def test_every_environment_goes_into_one_packet(cli: Cli, sandbox: SandboxTenant, tmp_path: Path) -> None:
    sandbox.reset("locked-down")
    cli(*INIT)
    with (cli.folder / "pbisetup.toml").open("a", encoding="utf-8") as file:
        file.write('\n[environments.test]\nworkspaces = [{ name = "Reports Test", role = "Contributor" }]\n')

    both = cli("handoff", "--format", "json")
    assert both.code == 5
    assert [each["environment"] for each in both.json["environments"]] == ["dev", "test"]
    one = cli("handoff", "test", "--format", "json").json
    assert (one["environment"], one["sections"]) == ("test", one["environments"][0]["sections"])
    ticket = cli("handoff").out
    assert ticket.count("\n# ") + ticket.startswith("# ") == 2

    assert cli("handoff", "-o", "packet/").code == 5
    folder = cli.folder / "packet"
    assert sorted(each.name for each in folder.iterdir()) == [
        "handoff.json",
        "handoff.md",
        "handoff.ps1",
        "handoff.sh",
    ]
    # Of the second environment the developer has not tried anything yet: what waits for that is said.
    assert "test: part of it waits for you: pbisetup apply test" in cli("handoff").err
    assert cli("apply", "test", "--yes").code == 5
    assert cli("handoff", "-o", "packet/").code == 5
    done = Administrator(sandbox, "admin", tmp_path, cli.env).script(folder / "handoff.sh")
    assert done.returncode == 0, done
    # Of the second one also the role in a workspace where the developer is nobody.
    assert len(became(done.stdout)["changed"]) == 6 + 5
    assert len(became(done.stdout)["already so"]) == 2  # the group and the setting are for both
    state = sandbox.state()
    assert len([a for a in state["applications"] if str(a.get("uniqueName", "")).startswith("pbisetup-")]) == 2
    assert len(setting_of(sandbox)["enabledSecurityGroups"]) == 1

    # The developer has no role in the second workspace: what was done there the app itself sees, once it has its secret.
    seen = cli.ok("handoff", "--verify")
    assert "test: only trying tells whether it is done: Contributor of the workspace 'Reports Test'" in " ".join(
        seen.out.split()
    )
    cli("apply", "--yes")
    assert cli.ok("handoff").out == ""


def test_one_role_alone_and_mistakes_are_named(cli: Cli, sandbox: SandboxTenant) -> None:
    sandbox.reset("locked-down")
    cli(*INIT)
    only = cli("handoff", "--role", "fabric-administrator")
    assert only.code == 5
    assert [line for line in only.out.splitlines() if line.startswith("## For")] == ["## For: fabric administrator"]
    assert cli("handoff", "--role", "workspace admin").code == 0
    for wrong, said in (
        (("--role", "janitor"), "is not one of app owner"),
        (("--format", "yaml"), "is not one of text, markdown, bash, powershell, json"),
        (("--wait", "5m"), "--wait goes with --verify"),
        (("--federated", "nonsense"), "is not ISSUER=SUBJECT"),
        (("--certificate", "missing.pem"), "No such file"),
    ):
        ran = cli("handoff", *wrong)
        assert ran.code == 2, ran
        assert said in " ".join(ran.err.split())


# -- credentials that may be mailed ----------------------------------------------------------------------------------


def unowned(sandbox: SandboxTenant) -> None:
    """The developer's app is somebody else's now, and its secret is gone."""

    def change(state: State) -> None:
        for app in ours(state)["apps"]:
            app["owners"], app["passwordCredentials"] = [], []

    sandbox.put_state(change)


def test_a_public_certificate_goes_where_no_secret_may(cli: Cli, sandbox: SandboxTenant, tmp_path: Path) -> None:
    sandbox.reset("developer")
    cli(*INIT)
    unowned(sandbox)
    certificate, other = ClientCertificate(common_name="reports"), ClientCertificate(common_name="theirs")
    public, private = cli.folder / "public.pem", cli.folder / "both.pem"
    public.write_bytes(certificate.public_pem)
    private.write_bytes(certificate.pem)

    refused = cli("handoff", "--certificate", "both.pem")
    assert refused.code == 2
    assert "holds a private key" in refused.err
    assert "BEGIN" not in refused.err
    usual = cli("handoff").out
    assert "### Owner developer" in usual
    assert cli("handoff", "--certificate", "public.pem", "-o", "handoff/").code == 5
    sent = {each.name: each.read_text(encoding="utf-8") for each in (cli.folder / "handoff").iterdir()}
    for text in sent.values():
        assert certificate.base64 in text
        assert "PRIVATE KEY" not in text
    assert "### Owner" not in sent["handoff.md"]

    # The administrator's own certificate stays where it is.
    [app] = ours(sandbox.state())["apps"]
    entry = {"type": "AsymmetricX509Cert", "usage": "Verify", "key": other.base64, "displayName": "CN=theirs"}
    patched = sandbox.http.patch(
        f"/v1.0/applications/{app['id']}",
        json={"keyCredentials": [entry]},
        headers={"Authorization": f"Bearer {sandbox.user_token()}"},
    )
    assert patched.status_code == 204, patched.text
    admin = Administrator(sandbox, "admin", tmp_path, cli.env)
    assert admin.script(cli.folder / "handoff" / "handoff.sh").returncode == 0
    [app] = ours(sandbox.state())["apps"]
    assert [each["displayName"] for each in app["keyCredentials"]] == ["CN=theirs", "CN=reports"]
    sandbox.clear_requests()
    assert admin.script(cli.folder / "handoff" / "handoff.sh").returncode == 0
    assert sandbox.writes() == []
    answer = sandbox.token(
        grant_type="client_credentials",
        client_id=app["appId"],
        scope=f"{POWER_BI}/.default",
        client_assertion_type=JWT_BEARER,
        client_assertion=certificate.assertion(
            {
                "iss": app["appId"],
                "sub": app["appId"],
                "aud": f"https://login.microsoftonline.com/{sandbox.tenant}/oauth2/v2.0/token",
            }
        ),
    )
    assert answer.status_code == 200, answer.text
    assert cli("handoff", "--certificate", "public.pem").out == ""


def test_a_federated_subject_is_trusted(cli: Cli, sandbox: SandboxTenant, tmp_path: Path) -> None:
    sandbox.reset("developer")
    cli(*INIT)
    unowned(sandbox)
    issuer, subject = "https://token.actions.githubusercontent.com", "repo:contoso/reports:environment:prod"
    named = ("--federated", f"{issuer}={subject}")
    assert cli("handoff", *named, "-o", "handoff.sh").code == 5
    admin = Administrator(sandbox, "admin", tmp_path, cli.env)
    for writes in (1, 0):
        sandbox.clear_requests()
        done = admin.script(cli.folder / "handoff.sh", "app-owner")
        assert done.returncode == 0, done
        assert len([w for w in sandbox.writes() if "federated" in w["path"]]) == writes
    [app] = ours(sandbox.state())["apps"]
    presented = {"issuer": issuer, "subject": subject, "audience": "api://AzureADTokenExchange"}
    answer = sandbox.token(
        grant_type="client_credentials",
        client_id=app["appId"],
        scope=f"{POWER_BI}/.default",
        client_assertion_type=JWT_BEARER,
        client_assertion=sandbox.control("POST", "assertions", presented)["assertion"],
    )
    assert answer.status_code == 200, answer.text
    # The federated credential is there, so only the setting is still asked for.
    left = cli("handoff", *named, "--format", "json").json
    assert [task["id"] for s in left["sections"] for task in s["tasks"] if task["id"] == "credential"] == []


# -- what was there before -------------------------------------------------------------------------------------------


def test_what_the_developer_may_do_is_done_before_anybody_else_acts(cli: Cli, sandbox: SandboxTenant) -> None:
    sandbox.reset("developer")
    cli(*INIT)
    made = ours(sandbox.state())
    assert [len(made[name]) for name in ("apps", "principals", "secrets", "groups", "roles")] == [1, 1, 1, 1, 1]
    assert cli.stored()["AZURE_CLIENT_ID"] == made["apps"][0]["appId"]


def test_a_developer_meets_no_error_where_the_setting_is_open_to_everybody(cli: Cli, sandbox: SandboxTenant) -> None:
    sandbox.reset("developer")
    change_setting(sandbox, enabled=True)
    cli.ok(*INIT)
    assert ours(sandbox.state())["groups"] == []


@pytest.mark.parametrize(("answer", "code"), [("yes", 0), ("no", 5)])
def test_a_sign_in_that_may_not_write_settings_gets_a_hand_off(
    cli: Cli, sandbox: SandboxTenant, answer: str, code: int
) -> None:
    """Whether the Azure CLI's client may write settings is unknown of the real service: `init` copes with either."""
    sandbox.put_state(lambda state: state.update(unknowns={"azureCliMayWriteTenantSettings": answer}))
    ran = cli(*INIT)
    assert ran.code == code, ran
    assert setting_of(sandbox)["enabled"] is (answer == "yes")
    assert ("## For: fabric administrator" in cli("handoff", "dev").out) is (answer == "no")


def test_nothing_is_asked_of_others_where_everything_is_done(cli: Cli) -> None:
    cli.ok(*INIT)
    ran = cli.ok("handoff", "dev")
    assert "Nobody else needs to do anything" in ran.err
    assert ran.out.strip() == ""


def test_what_is_written_can_be_read_by_others_and_run_by_nobody_but_a_script(cli: Cli, sandbox: SandboxTenant) -> None:
    if sys.platform == "win32":
        pytest.skip("modes say nothing there")
    sandbox.reset("developer")
    cli(*INIT)
    old = os.umask(0o022)
    try:
        cli("handoff", "-o", "handoff/")
    finally:
        os.umask(old)
    modes = {each.suffix: stat.S_IMODE(each.stat().st_mode) for each in (cli.folder / "handoff").iterdir()}
    assert modes == {".md": 0o644, ".ps1": 0o644, ".json": 0o644, ".sh": 0o755}


def test_what_only_an_administrator_can_look_at_is_asked_for_and_not_waited_for(
    cli: Cli, sandbox: SandboxTenant, admin: Administrator
) -> None:
    sandbox.reset("developer")
    assert cli(*INIT, "--purpose", "deploy").code == 5
    packet = cli("handoff", "dev")
    assert packet.code == 5
    assert packet.out.count("### ") == 2
    assert "### To be checked: Tenant setting 'Service principals can create workspaces" in packet.out
    assert cli("handoff", "-o", "handoff.sh").code == 5
    assert admin.script(cli.folder / "handoff.sh").returncode == 0
    state = {each["settingName"]: each["enabled"] for each in sandbox.state()["tenantSettings"]}
    assert state["ServicePrincipalAccessGlobalAPIs"] is True
    # Nobody here sees that it is done, and nobody is kept by it.
    assert cli.ok("handoff", "dev", "--verify", "--wait", "0").code == 0
    assert cli.ok("apply", "--yes").code == 0
    assert "To be checked" in cli.ok("handoff", "dev").out


def test_a_role_in_a_workspace_that_the_operator_does_not_see_is_seen_by_the_app(
    cli: Cli, sandbox: SandboxTenant
) -> None:
    def hidden(state: State) -> None:
        place = next(each for each in state["workspaces"] if each["displayName"] == "Reports Prod")
        place["roleAssignments"] = [each for each in place["roleAssignments"] if each["principal"]["type"] != "User"]

    sandbox.put_state(hidden)
    first = cli(*INIT, "--workspace", "Reports Prod")
    assert first.code == 5, first
    assert "the workspace exists, and you have no role in it" in " ".join(first.err.split())

    def given(state: State) -> None:
        place = next(each for each in state["workspaces"] if each["displayName"] == "Reports Prod")
        own = ours(state)["principals"][0]["id"]
        place["roleAssignments"].append(
            {
                "id": own,
                "principal": {"id": own, "type": "ServicePrincipal"},
                "role": "Contributor",
            }
        )

    sandbox.put_state(given)
    cli.ok("apply", "--yes")
    assert cli("plan", "--detailed-exitcode").code == 0
