"""Provisioning as it is in real life: every purpose, several environments, apps made by hand, drift, two runs at once."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from pbisetup.catalog.purposes import purposes
from tests.journeys.conftest import approve_as
from tests.journeys.test_init import INIT, ours
from tests.support.cli import Cli
from tests.support.tenant import SandboxTenant

POWER_BI = "00000009-0000-0000-c000-000000000000"
API = "ServicePrincipalAccessPermissionAPIs"
State = dict[str, Any]


def graph(tenant: SandboxTenant, method: str, path: str, body: Any = None) -> Any:
    """A call as the broad operator of the tenant, the way another tool would make it."""
    answer = httpx.request(
        method,
        f"{tenant.url}/v1.0/{path}",
        json=body,
        headers={"Authorization": f"Bearer {tenant.operator_token()}"},
        verify=str(tenant.ca),
    )
    assert answer.is_success, answer.text
    return answer.json() if answer.content else None


def by_hand(tenant: SandboxTenant, name: str, role: str | None = None) -> State:
    """An app as somebody makes one by hand: no unique name, a permission from a guide, its own secret."""
    app = graph(tenant, "POST", "applications", {"displayName": name, "tags": ["HideApp"]})
    principal = graph(tenant, "POST", "servicePrincipals", {"appId": app["appId"]})
    graph(tenant, "POST", f"applications/{app['id']}/addPassword", {"passwordCredential": {"displayName": "by hand"}})
    if role:
        api = graph(tenant, "GET", f"servicePrincipals(appId='{POWER_BI}')")
        id_ = next(each["id"] for each in api["appRoles"] if each["value"] == role)
        body = {"principalId": principal["id"], "resourceId": api["id"], "appRoleId": id_}
        graph(tenant, "POST", f"servicePrincipals/{api['id']}/appRoleAssignedTo", body)
    return {**app, "sp": principal["id"]}


def setting(state: State, name: str = API) -> State:
    found: State = next(each for each in state["tenantSettings"] if each["settingName"] == name)
    return found


# -- purposes ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("purpose", purposes())
def test_every_purpose_ends_healthy_and_a_second_look_finds_nothing(
    cli: Cli, sandbox: SandboxTenant, purpose: str
) -> None:
    ran = cli(*INIT, "--purpose", purpose)
    assert ran.code == 0, ran
    assert "the app works" in ran.out
    person = ("--operator", "device") if purposes()[purpose].sign_in == "user" else ()
    assert cli("doctor", "dev", *person).out.strip().endswith("Healthy.")
    sandbox.clear_requests()
    assert cli("plan", "--detailed-exitcode").code == 0
    assert cli("apply", "--check").code == 0
    assert sandbox.writes() == []


def test_two_purposes_that_exclude_each_other_are_refused_before_anybody_signs_in(
    cli: Cli, sandbox: SandboxTenant
) -> None:
    ran = cli(*INIT, "--purpose", "gateway,admin-read")
    assert ran.code == 2
    assert "do not go together in one app" in ran.err
    assert sandbox.requests() == []


def test_a_workspace_is_made_only_where_that_was_asked_for(cli: Cli, sandbox: SandboxTenant) -> None:
    first = cli(*INIT, "--workspace", "New Sales")
    assert first.code == 1, first
    assert "there is no such workspace" in first.err
    manifest = cli.folder / "pbisetup.toml"
    text = manifest.read_text(encoding="utf-8")
    manifest.write_text(text.replace('name = "New Sales"', 'name = "New Sales", create = true'), encoding="utf-8")
    cli.ok("apply", "--yes")
    assert ours(sandbox.state())["roles"] == [("New Sales", "Contributor")]
    sandbox.clear_requests()
    cli.ok("apply", "--yes")
    assert sandbox.writes() == []


# -- several environments --------------------------------------------------------------------------------------------


def test_three_environments_share_a_group_and_one_write_of_the_setting(cli: Cli, sandbox: SandboxTenant) -> None:
    ran = cli.ok(*INIT, "--env", "dev,test,prod")
    made = ours(sandbox.state())
    assert {name: len(things) for name, things in made.items()} == {
        "apps": 3,
        "principals": 3,
        "secrets": 3,
        "groups": 1,
        "roles": 3,
    }
    assert made["roles"] == [
        ("Reports Dev", "Contributor"),
        ("Reports Test", "Contributor"),
        ("Reports Prod", "Contributor"),
    ]
    asked = [each for each in sandbox.requests() if "tenantsettings" in each["path"]]
    assert len([each for each in asked if each["method"] == "POST"]) == 1
    assert len([each for each in asked if each["method"] == "GET"]) == 3  # for the plan, before the write, and after it
    for name in ("dev", "test", "prod"):
        assert f"{name}: the app works" in ran.out
        assert cli.stored(name)["AZURE_CLIENT_ID"] in {app["appId"] for app in made["apps"]}


def test_environments_with_groups_of_their_own_are_written_into_the_setting_together(
    cli: Cli, sandbox: SandboxTenant
) -> None:
    cli.ok(*INIT, "--env", "dev,test", "--group", "one group", "--workspace", "Reports Dev")
    sandbox.reset()
    sandbox.clear_requests()
    approve_as(sandbox, "admin")
    manifest = cli.folder / "pbisetup.toml"
    first, second = manifest.read_text(encoding="utf-8").split("[environments.test]")
    manifest.write_text(f"{first}[environments.test]{second.replace('one group', 'another')}", encoding="utf-8")
    cli.ok("apply", "--yes")
    named = {group["name"] for group in setting(sandbox.state())["enabledSecurityGroups"]}
    assert named == {"one group", "another"}
    assert len([each for each in sandbox.writes() if "tenantsettings" in each["path"]]) == 1


def test_what_one_environment_lacks_does_not_stop_the_others(cli: Cli, sandbox: SandboxTenant) -> None:
    cli.ok(*INIT, "--env", "dev,test")
    (cli.folder / ".env.dev").unlink()
    (cli.folder / ".env.dev").mkdir()  # where no secret can be kept
    sandbox.reset()
    approve_as(sandbox, "admin")
    ran = cli("apply", "--yes")
    assert ran.code not in (0, 130), ran
    assert "test: the app works" in ran.out
    assert len(ours(sandbox.state())["apps"]) == 1


def test_two_runs_at_the_same_time_end_with_one_of_everything(cli: Cli, sandbox: SandboxTenant) -> None:
    """From one folder; the second waits, or says that the first is still at it."""
    cli.ok(*INIT, "--env", "dev,test")
    sandbox.reset()
    approve_as(sandbox, "admin")
    for name in ("dev", "test"):
        (cli.folder / f".env.{name}").unlink()
    command = [sys.executable, "-m", "pbisetup", "apply", "--yes"]
    runs = [
        subprocess.Popen(
            command, cwd=cli.folder, env=cli.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    told = [(run, *run.communicate(timeout=120)) for run in runs]
    codes = sorted(run.returncode for run, _, _ in told)
    assert codes in ([0, 0], [0, 2]), told
    made = ours(sandbox.state())
    assert [len(made[name]) for name in ("apps", "principals", "secrets", "groups", "roles")] == [2, 2, 2, 1, 2]


def test_two_colleagues_at_the_same_time_make_one_app_and_each_keeps_a_secret_of_it(
    cli: Cli, sandbox: SandboxTenant, tmp_path: Any
) -> None:
    """From two clones: a secret's value cannot be read again, so each machine holds its own."""
    cli.ok(*INIT)
    text = (cli.folder / "pbisetup.toml").read_text(encoding="utf-8")
    sandbox.reset()
    approve_as(sandbox, "admin")
    clones = [Cli(tmp_path / name, {**cli.env, "PBISETUP_STATE_DIR": str(tmp_path / f"{name}-state")}) for name in "ab"]
    runs = []
    for clone in clones:
        (clone.folder / "pbisetup.toml").write_text(text, encoding="utf-8")
        command = [sys.executable, "-m", "pbisetup", "apply", "--yes"]
        runs.append(subprocess.Popen(command, cwd=clone.folder, env=clone.env, stdout=-1, stderr=-1, text=True))
    told = [(run, *run.communicate(timeout=120)) for run in runs]
    assert [run.returncode for run, _, _ in told] == [0, 0], told
    made = ours(sandbox.state())
    assert [len(made[name]) for name in ("apps", "principals", "secrets", "groups", "roles")] == [1, 1, 2, 1, 1]
    assert {clone.stored()["AZURE_CLIENT_ID"] for clone in clones} == {made["apps"][0]["appId"]}
    for clone in clones:
        assert clone("doctor", "dev").out.strip().endswith("Healthy.")


def test_twenty_environments_take_at_most_twice_the_time_of_one(sandbox: SandboxTenant, tmp_path: Any) -> None:
    """At 100 ms a request. The better of two tries counts: other tests share the machine."""

    def seconds(count: int, folder: str) -> float:
        sandbox.reset()
        sandbox.put_state(
            lambda state: state.update(auto_approve="admin", weather={**state["weather"], "latency_ms": 100})
        )
        cli = Cli(tmp_path / folder, sandbox.env())
        names = ",".join(f"e{number}" for number in range(count))
        begun = time.monotonic()
        cli.ok(*INIT, "--env", names, "--workspace", "Reports Dev")
        took = time.monotonic() - begun
        assert len(ours(sandbox.state())["apps"]) == count
        return took

    tries = [(seconds(1, f"one-{n}"), seconds(20, f"twenty-{n}")) for n in range(2)]
    assert min(many / one for one, many in tries) <= 2, tries


# -- taking over -----------------------------------------------------------------------------------------------------


def test_an_app_made_by_hand_is_taken_over_and_nothing_of_it_is_lost(cli: Cli, sandbox: SandboxTenant) -> None:
    app = by_hand(sandbox, "Bob's app $(id)", role="Tenant.ReadWrite.All")
    ran = cli.ok(*INIT, "--adopt", app["appId"], "--purpose", "automation,admin-read")
    assert "take over" in ran.err
    assert "'Tenant.ReadWrite.All' of Power BI Service: revoke" in ran.err
    found = graph(sandbox, "GET", f"applications/{app['id']}")
    assert found["displayName"] == "Bob's app $(id)"
    assert {"HideApp", "pbisetup", "pbisetup-adopted"} <= set(found["tags"])
    assert found["uniqueName"].startswith("pbisetup-")
    assert len(found["passwordCredentials"]) == 2
    assert cli("plan", "--detailed-exitcode").code == 0
    # From another checkout it is found again.
    (cli.folder / ".env.dev").unlink()
    assert cli("plan", "--detailed-exitcode").code == 10


def test_an_app_of_somebody_else_is_a_hand_off(cli: Cli, sandbox: SandboxTenant) -> None:
    app = by_hand(sandbox, "theirs")
    approve_as(sandbox, "developer")
    ran = cli(*INIT, "--adopt", app["appId"])
    assert ran.code == 5, ran
    found = graph(sandbox, "GET", f"applications/{app['id']}")
    assert found["tags"] == ["HideApp"]
    assert len(found["passwordCredentials"]) == 1
    handed = cli("handoff", "dev")
    assert handed.code == 5
    assert app["id"] in handed.out


@pytest.mark.parametrize(
    ("wrong", "code", "said"),
    [
        ("not-an-id", 2, "is no client id"),
        ("11111111-2222-3333-4444-555555555555", 2, "no app registration with the client id"),
        ("object id", 2, "It is the object id of the app registration whose client id is"),
    ],
)
def test_what_cannot_be_taken_over_is_said(cli: Cli, sandbox: SandboxTenant, wrong: str, code: int, said: str) -> None:
    app = by_hand(sandbox, "theirs")
    ran = cli(*INIT, "--adopt", app["id"] if wrong == "object id" else wrong)
    assert ran.code == code, ran
    assert said in " ".join(ran.err.split())
    assert ours(sandbox.state())["apps"] == []
    assert not (cli.folder / "pbisetup.toml").exists()


# -- drift -----------------------------------------------------------------------------------------------------------


def without(state: State, kind: str) -> State:
    """The app and its service principal, as the state knows them."""
    made = ours(state)
    found: State = made[kind][0]
    return found


def left_the_group(state: State) -> None:
    without(state, "groups")["members"].clear()


def setting_off(state: State) -> None:
    setting(state)["enabled"] = False


def setting_for_others(state: State) -> None:
    other = {"id": "99999999-0000-4000-8000-000000000001", "displayName": "others"}
    state["groups"].append({**without(state, "groups"), **other, "uniqueName": None, "members": []})
    setting(state)["enabledSecurityGroups"] = [{"graphId": other["id"], "name": "others"}]


def role_lowered(state: State) -> None:
    place = next(w for w in state["workspaces"] if w["displayName"] == "Reports Dev")
    own = without(state, "principals")["id"]
    next(r for r in place["roleAssignments"] if r["principal"]["id"] == own)["role"] = "Viewer"


def role_removed(state: State) -> None:
    place = next(w for w in state["workspaces"] if w["displayName"] == "Reports Dev")
    own = without(state, "principals")["id"]
    place["roleAssignments"] = [r for r in place["roleAssignments"] if r["principal"]["id"] != own]


def renamed(state: State) -> None:
    without(state, "apps")["displayName"] = "somebody's idea"


def untagged(state: State) -> None:
    without(state, "apps")["tags"] = []


def secret_removed(state: State) -> None:
    without(state, "apps")["passwordCredentials"] = []


def api_role_granted(state: State) -> None:
    api = next(s for s in state["servicePrincipals"] if s["appId"] == POWER_BI)
    own = without(state, "principals")
    state["appRoleAssignments"].append(
        {
            "id": "drift-assignment",
            "principalId": own["id"],
            "principalType": "ServicePrincipal",
            "principalDisplayName": own["displayName"],
            "resourceId": api["id"],
            "resourceDisplayName": api["displayName"],
            "appRoleId": "28379fa9-8596-4fd9-869e-cb60a93b5d84",
            "createdDateTime": "2026-11-01T00:00:00Z",
        }
    )


def switched_off(state: State) -> None:
    without(state, "principals")["accountEnabled"] = False


DRIFT: dict[str, tuple[Callable[[State], None], list[str]]] = {
    "membership": (left_the_group, ["POST /v1.0/groups"]),
    "setting switched off": (setting_off, ["POST /v1/admin/tenantsettings"]),
    "role lowered": (role_lowered, ["PUT /v1.0/myorg/groups"]),
    "role removed": (role_removed, ["POST /v1.0/myorg/groups"]),
    "service principal switched off": (switched_off, ["PATCH /v1.0/servicePrincipals"]),
    "renamed": (renamed, ["PATCH /v1.0/applications"]),
    "tag removed": (untagged, ["PATCH /v1.0/applications"]),
    "secret removed": (secret_removed, ["POST /v1.0/applications"]),
    "application permission granted": (api_role_granted, ["DELETE /v1.0/servicePrincipals"]),
    # The setting names another group by now, which is joined: nobody else is let in.
    "setting limited to others": (setting_for_others, ["POST /v1.0/groups"]),
}


@pytest.mark.parametrize(("change", "writes"), DRIFT.values(), ids=DRIFT)
def test_drift_is_found_and_mended_with_exactly_the_writes_that_it_takes(
    cli: Cli, sandbox: SandboxTenant, change: Callable[[State], None], writes: list[str]
) -> None:
    cli.ok(*INIT)
    sandbox.put_state(change)
    checked = cli("apply", "--check", "--format", "json")
    assert checked.code == 1, checked
    [environment] = json.loads(checked.out)["environments"]
    assert len([each for each in environment["steps"] if each["action"] and not each["deferred"]]) == 1
    sandbox.clear_requests()
    cli.ok("apply", "--yes")
    sent = [f"{each['method']} {each['path']}" for each in sandbox.writes() if "/oauth2/" not in each["path"]]
    assert len(sent) == len(writes), sent
    assert all(found.startswith(wanted) for found, wanted in zip(sent, writes, strict=True)), sent
    assert cli("apply", "--check").code == 0


def test_a_group_that_somebody_deleted_is_made_anew_and_leaves_the_settings_list(
    cli: Cli, sandbox: SandboxTenant
) -> None:
    cli.ok(*INIT)

    def deleted(state: State) -> None:
        group = without(state, "groups")
        state["groups"].remove(group)

    sandbox.put_state(deleted)
    sandbox.clear_requests()
    cli.ok("apply", "--yes")
    sent = [f"{each['method']} {each['path']}" for each in sandbox.writes() if "/oauth2/" not in each["path"]]
    assert [each.split("(")[0] for each in sent[:1]] == ["PATCH /v1.0/groups"], sent
    assert len(sent) == 3
    [named] = setting(sandbox.state())["enabledSecurityGroups"]
    assert named["graphId"] == ours(sandbox.state())["groups"][0]["id"]
    assert cli("apply", "--check").code == 0


def test_what_is_left_alone_though_it_was_asked_for_is_no_success(cli: Cli) -> None:
    cli.ok(*INIT)
    manifest = cli.folder / "pbisetup.toml"
    text = manifest.read_text(encoding="utf-8")
    manifest.write_text(
        text.replace("[environments.dev]", '[environments.dev]\ncapacity = "nowhere"'), encoding="utf-8"
    )
    for command in (("apply", "--yes"), ("apply", "--check"), ("status",)):
        assert cli(*command).code == 1, command
    assert "left alone, and not as the manifest says" in " ".join(cli("apply", "--yes").out.split())
    assert cli("plan", "--detailed-exitcode").code == 0


def consent_narrowed(state: State) -> None:
    for each in state["oauth2PermissionGrants"]:
        if each["clientId"] == without(state, "principals")["id"]:
            each["scope"] = "Report.Read.All"


def permission_undeclared(state: State) -> None:
    without(state, "apps")["requiredResourceAccess"] = []


def redirect_removed(state: State) -> None:
    without(state, "apps")["publicClient"] = {"redirectUris": ["https://theirs.example/"]}


@pytest.mark.parametrize(
    ("change", "write"),
    [
        (consent_narrowed, "PATCH /v1.0/oauth2PermissionGrants"),
        (permission_undeclared, "PATCH /v1.0/applications"),
        (redirect_removed, "PATCH /v1.0/applications"),
    ],
)
def test_drift_of_an_app_that_people_sign_in_to(
    cli: Cli, sandbox: SandboxTenant, change: Callable[[State], None], write: str
) -> None:
    cli.ok(*INIT, "--purpose", "user-sign-in")
    sandbox.put_state(change)
    assert cli("apply", "--check").code == 1
    sandbox.clear_requests()
    cli.ok("apply", "--yes")
    [sent] = [f"{each['method']} {each['path']}" for each in sandbox.writes() if "/oauth2/" not in each["path"]]
    assert sent.startswith(write)
    assert cli("apply", "--check").code == 0
