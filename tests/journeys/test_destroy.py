"""Taking an environment away: what is ours goes, what is not stays, and a run that was stopped goes on."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.journeys.conftest import approve_as
from tests.journeys.test_init import INIT, ours
from tests.support.cli import Cli
from tests.support.tenant import SandboxTenant, State

DESTROY = ("destroy", "dev", "--yes")
SETTING = "ServicePrincipalAccessPermissionAPIs"


_MADE: dict[tuple[str, ...], tuple[State, dict[str, bytes]]] = {}
"""By the address of the tenant and what `init` was given: the tenant and the folder as it left them."""


@pytest.fixture
def made(cli: Cli, sandbox: SandboxTenant) -> Callable[..., None]:
    """`init` with these arguments; once a process, because what it leaves is where every test here begins."""

    def make(*arguments: str, code: int = 0) -> None:
        key = (sandbox.url, sandbox.state()["auto_approve"], *arguments)
        if key not in _MADE:
            ran = cli(*INIT, *arguments)
            assert ran.code == code, ran
            _MADE[key] = sandbox.state(), {each.name: each.read_bytes() for each in cli.folder.iterdir()}
        state, folder = _MADE[key]
        sandbox.put_state(json.loads(json.dumps(state)))
        for name, content in folder.items():
            (cli.folder / name).write_bytes(content)
        journal_of(cli).unlink(missing_ok=True)
        sandbox.clear_requests()

    return make


def our_app(state: State) -> dict[str, Any]:
    found: dict[str, Any] = next(a for a in state["applications"] if str(a["uniqueName"]).startswith("pbisetup-"))
    return found


def nothing_left(tenant: SandboxTenant) -> dict[str, Any]:
    """What there would be of ours, each list empty where it is gone, and rows that name a principal which is not there."""
    state = tenant.state()
    principals = {each["id"] for name in ("users", "groups", "servicePrincipals") for each in state[name]}
    rows = [row for workspace in state["workspaces"] for row in workspace["roleAssignments"]]
    return {**ours(state), "nameless": [row for row in rows if row["principal"]["id"] not in principals]}


def unnamed_by_settings(state: State) -> None:
    """The tenant setting is opened to everybody, so that it names no group."""
    for setting in state["tenantSettings"]:
        if setting["settingName"] == SETTING:
            setting["enabledSecurityGroups"] = []


def test_what_was_made_is_gone_with_no_row_left_behind(
    cli: Cli, sandbox: SandboxTenant, made: Callable[..., None]
) -> None:
    made()

    ran = cli.ok(*DESTROY)

    assert all(things == [] for things in nothing_left(sandbox).values())
    assert not (cli.folder / ".env.dev").exists()
    assert "dev: 4 removed." in ran.out
    assert "pbisetup apply dev --deleted-app restore" in ran.out
    assert ran.err.index("Contoso (contoso.onmicrosoft.com)") < ran.err.index("App registration")
    for said in ("never switched back", "never deleted", "its service principal", "names it"):
        assert said in " ".join(ran.err.split())


def test_a_second_run_removes_nothing_and_says_so(cli: Cli, sandbox: SandboxTenant, made: Callable[..., None]) -> None:
    made()
    cli.ok(*DESTROY)
    sandbox.clear_requests()
    ran = cli.ok(*DESTROY)
    assert sandbox.writes() == []
    assert "there is nothing to remove" in ran.out
    assert "--deleted-app restore` brings it back until" in " ".join(ran.err.split())


def test_the_app_comes_back_with_the_same_client_id_and_works(
    cli: Cli, sandbox: SandboxTenant, made: Callable[..., None]
) -> None:
    made()
    before = our_app(sandbox.state())["appId"]
    cli.ok(*DESTROY)
    ran = cli.ok("apply", "--yes", "--deleted-app", "restore")
    assert our_app(sandbox.state())["appId"] == before
    assert "the app works" in ran.out
    cli.ok(*DESTROY)
    assert all(things == [] for things in nothing_left(sandbox).values())


@pytest.mark.parametrize("at_once", [True, False], ids=["with the deletion", "afterwards"])
def test_purged_for_good_the_unique_name_is_free_again(
    cli: Cli, sandbox: SandboxTenant, at_once: bool, made: Callable[..., None]
) -> None:
    made()
    before = our_app(sandbox.state())["appId"]
    if not at_once:
        cli.ok(*DESTROY)
        assert sandbox.state()["deletedItems"] != []
    ran = cli.ok(*DESTROY, "--purge")
    assert sandbox.state()["deletedItems"] == []
    assert "restore" not in ran.out
    assert "nothing to remove" in cli.ok(*DESTROY, "--purge").out
    cli.ok("apply", "--yes")
    assert our_app(sandbox.state())["appId"] != before


def test_a_deleted_service_principal_that_outlived_its_app_is_purged_too(
    cli: Cli, sandbox: SandboxTenant, made: Callable[..., None]
) -> None:
    made()
    principal = ours(sandbox.state())["principals"][0]["id"]
    cli.ok(*DESTROY)
    sandbox.clear_requests()
    cli.ok(*DESTROY, "--purge")
    assert [r["path"].rsplit("/", 1)[-1] for r in sandbox.writes()][-1] == principal


def test_other_lines_of_the_env_file_stay(cli: Cli, made: Callable[..., None]) -> None:
    made()
    file = cli.folder / ".env.dev"
    file.write_text(f"# mine\nLOG=1\n{file.read_text()}PATH_TO=\f/x\n", encoding="utf-8")
    cli.ok(*DESTROY)
    assert file.read_text() == "# mine\nLOG=1\nPATH_TO=\f/x\n"


def test_a_link_in_place_of_the_env_file_is_not_followed(cli: Cli, made: Callable[..., None]) -> None:
    made()
    file, elsewhere = cli.folder / ".env.dev", cli.folder / "elsewhere"
    file.rename(elsewhere)
    file.symlink_to(elsewhere)
    text = elsewhere.read_text()
    ran = cli(*DESTROY)
    assert ran.code == 4
    assert "symbolic link" in ran.err
    assert elsewhere.read_text() == text


# -- what others share ---------------------------------------------------------------------------------------------


def test_the_group_goes_with_the_last_environment_and_only_once_no_setting_names_it(
    cli: Cli, sandbox: SandboxTenant, made: Callable[..., None]
) -> None:
    made("--env", "dev,prod")
    sandbox.put_state(unnamed_by_settings)
    first = cli.ok(*DESTROY)
    assert "share it: 'project-prod'" in " ".join(first.err.split())
    assert len(sandbox.state()["groups"]) == 1
    cli.ok("doctor", "prod")

    cli.ok("destroy", "prod", "--yes")
    assert sandbox.state()["groups"] == []


def test_a_group_that_a_setting_names_goes_after_somebody_took_it_out(
    cli: Cli, sandbox: SandboxTenant, made: Callable[..., None]
) -> None:
    made()
    cli.ok(*DESTROY)
    assert len(sandbox.state()["groups"]) == 1
    sandbox.put_state(unnamed_by_settings)
    assert "dev: 1 removed." in cli.ok(*DESTROY).out
    assert sandbox.state()["groups"] == []


def test_a_group_that_somebody_else_is_in_stays(cli: Cli, sandbox: SandboxTenant, made: Callable[..., None]) -> None:
    def share(state: State) -> None:
        unnamed_by_settings(state)
        state["groups"][0]["members"].append(state["users"][2]["id"])

    made()
    sandbox.put_state(share)
    assert "1 other member" in cli.ok(*DESTROY).err
    state = sandbox.state()
    assert state["groups"][0]["members"] == [state["users"][2]["id"]]


def test_a_name_from_the_tenant_does_nothing_to_the_terminal(
    cli: Cli, sandbox: SandboxTenant, made: Callable[..., None]
) -> None:
    def rename(state: State) -> None:
        state["groups"][0]["displayName"] = "a\x1b[31m\u202egroup\n$(touch x)"
        our_app(state)["passwordCredentials"].append(
            {
                **our_app(state)["passwordCredentials"][0],
                "keyId": state["groups"][0]["id"],
                "displayName": "\x1b]0;x\x07",
            }
        )

    made()
    sandbox.put_state(rename)
    ran = cli.ok(*DESTROY)
    assert "\x1b" not in ran.err + ran.out
    assert "\u202e" not in ran.err + ran.out
    assert "\x07" not in ran.err + ran.out


def test_secrets_that_pbisetup_did_not_make_are_named_before_they_die(
    cli: Cli, sandbox: SandboxTenant, made: Callable[..., None]
) -> None:
    def add(state: State) -> None:
        held = our_app(state)["passwordCredentials"]
        held.append({**held[0], "keyId": state["users"][0]["id"], "displayName": "the night job's"})

    made()
    sandbox.put_state(add)
    assert "the night job's" in cli.ok(*DESTROY).err


# -- what is not ours ----------------------------------------------------------------------------------------------


def untag(state: State) -> None:
    our_app(state)["tags"] = ["theirs"]


def only_the_name(state: State) -> None:
    app = our_app(state)
    app["uniqueName"], app["tags"] = None, []


def only_the_tag(state: State) -> None:
    our_app(state)["uniqueName"] = None


@pytest.mark.parametrize(
    ("doubt", "more"), [(untag, ()), (untag, ("--purge",)), (only_the_name, ("--purge",)), (only_the_tag, ())]
)
def test_an_app_that_is_not_proved_ours_is_refused_and_nothing_is_written(
    cli: Cli, sandbox: SandboxTenant, doubt: Callable[[State], None], more: tuple[str, ...], made: Callable[..., None]
) -> None:
    made()
    sandbox.put_state(doubt)
    sandbox.clear_requests()
    stored = cli.stored()
    ran = cli(*DESTROY, *more)
    assert ran.code == 1, ran
    assert "PBI921" in ran.err
    assert stored["AZURE_CLIENT_ID"] in " ".join(ran.err.split())
    assert sandbox.writes() == []
    assert cli.stored() == stored


def by_hand(tenant: SandboxTenant) -> str:
    """An app that somebody registered in the portal, with a secret of its owner's, in a group of theirs; its client id."""
    headers = {"Authorization": f"Bearer {tenant.user_token('admin')}"}

    def post(path: str, body: dict[str, Any]) -> dict[str, Any]:
        answer = tenant.http.post(f"/v1.0/{path}", json=body, headers=headers)
        assert answer.is_success, answer.text
        return dict(answer.json()) if answer.content else {}

    app = post("applications", {"displayName": "Made by hand", "tags": ["theirs"]})
    principal = post("servicePrincipals", {"appId": app["appId"]})
    post(f"applications/{app['id']}/addPassword", {"passwordCredential": {"displayName": "made in the portal"}})
    kind = {"mailEnabled": False, "securityEnabled": True, "mailNickname": "theirs"}
    group = post("groups", {"displayName": "theirs", **kind})
    member = {"@odata.id": f"https://graph.microsoft.com/v1.0/directoryObjects/{principal['id']}"}
    post(f"groups/{group['id']}/members/$ref", member)
    return str(app["appId"])


def test_an_adopted_app_is_given_back_as_it_was(cli: Cli, sandbox: SandboxTenant) -> None:
    client_id = by_hand(sandbox)

    def theirs() -> list[Any]:
        """The app less its unique name, which can be set only once, and its owners; its service principal; its group."""
        state = sandbox.state()
        app = dict(next(a for a in state["applications"] if a["appId"] == client_id))
        del app["uniqueName"], app["owners"]
        principal = next(s for s in state["servicePrincipals"] if s["appId"] == client_id)
        return [app, principal, next(g for g in state["groups"] if g["displayName"] == "theirs")]

    before = theirs()
    cli.ok(*INIT, "--adopt", client_id)
    assert theirs() != before

    ran = cli.ok(*DESTROY, "--purge")

    assert theirs() == before
    state = sandbox.state()
    ours_now = [g for g in state["groups"] if g["displayName"] != "theirs"]
    assert before[1]["id"] not in json.dumps([ours_now, state["workspaces"]])
    assert state["deletedItems"] == []
    assert not (cli.folder / ".env.dev").exists()
    assert "made by hand and taken over" in ran.err
    again = cli.ok(*DESTROY, "--purge")
    assert "nothing to remove" in again.out
    assert theirs() == before
    cli.ok("apply", "--yes")


def test_an_app_that_two_projects_keep_goes_with_the_last(cli: Cli, sandbox: SandboxTenant, tmp_path: Path) -> None:
    pa, pb = cli, Cli(tmp_path / "pb", cli.env)
    pa.ok(*INIT)
    made = our_app(sandbox.state())
    pb.ok(*INIT, "--adopt", made["appId"])

    def works() -> None:
        pb.ok("doctor", "dev")
        pb.ok("plan", "dev", "--detailed-exitcode")

    def names() -> list[str]:
        return [each["displayName"] for each in our_app(sandbox.state())["passwordCredentials"]]

    [_, second] = names()
    works()

    ran = pa.ok(*DESTROY)
    [keeper] = [t for t in our_app(sandbox.state())["tags"] if t.startswith("pbisetup:")]
    assert f"kept by another project or environment of pbisetup, too ({keeper.removeprefix('pbisetup:')})" in " ".join(
        ran.err.split()
    )
    assert "made by hand" not in ran.err
    assert names() == [second]
    assert not (pa.folder / ".env.dev").exists()
    works()
    assert "nothing to remove" in pa.ok(*DESTROY).out
    works()

    pb.ok(*DESTROY)
    assert names() == []
    assert "nothing to remove" in pb.ok(*DESTROY).out
    assert our_app(sandbox.state())["id"] == made["id"]

    assert "App registration" in pa.ok(*DESTROY).err
    left = nothing_left(sandbox)
    assert left["apps"] == left["principals"] == left["nameless"] == []
    pa.ok(*DESTROY, "--purge")
    assert sandbox.state()["deletedItems"] == []


def test_who_takes_an_app_up_again_after_destroy_keeps_it(cli: Cli, sandbox: SandboxTenant, tmp_path: Path) -> None:
    pa, pb = cli, Cli(tmp_path / "pb", cli.env)
    pa.ok(*INIT)
    pb.ok(*INIT, "--adopt", our_app(sandbox.state())["appId"])
    pa.ok(*DESTROY)
    pa.ok("apply", "--yes")
    assert not any(tag.startswith("pbisetup-left:") for tag in our_app(sandbox.state())["tags"])
    # The other lets go first: what the app can do stays.
    pb.ok(*DESTROY)
    pa.ok("doctor", "dev")
    pa.ok(*DESTROY)
    assert nothing_left(sandbox)["apps"] == nothing_left(sandbox)["nameless"] == []


# -- a tenant that changes, and people who may not do everything ---------------------------------------------------


def remove_group(state: State) -> None:
    unnamed_by_settings(state)
    state["groups"] = []


def remove_workspace(state: State) -> None:
    state["workspaces"] = [w for w in state["workspaces"] if w["displayName"] != "Reports Dev"]


def remove_principal(state: State) -> None:
    state["servicePrincipals"] = [s for s in state["servicePrincipals"] if s["appId"] != our_app(state)["appId"]]


@pytest.mark.parametrize("damage", [remove_group, remove_workspace])
def test_what_somebody_removed_by_hand_is_no_obstacle(
    cli: Cli, sandbox: SandboxTenant, damage: Callable[[State], None], made: Callable[..., None]
) -> None:
    made()
    sandbox.put_state(damage)
    cli.ok(*DESTROY)
    assert all(things == [] for things in nothing_left(sandbox).values())


def test_an_app_without_its_service_principal_is_deleted(
    cli: Cli, sandbox: SandboxTenant, made: Callable[..., None]
) -> None:
    made()
    sandbox.put_state(remove_principal)
    cli.ok(*DESTROY)
    assert nothing_left(sandbox)["apps"] == []


def test_an_app_that_was_purged_by_hand_leaves_a_credential_that_opens_nothing(
    cli: Cli, sandbox: SandboxTenant, made: Callable[..., None]
) -> None:
    def purge(state: State) -> None:
        app = our_app(state)
        state["applications"].remove(app)
        state["servicePrincipals"] = [s for s in state["servicePrincipals"] if s["appId"] != app["appId"]]

    made()
    sandbox.put_state(purge)
    cli.ok(*DESTROY)
    assert not (cli.folder / ".env.dev").exists()


REMOVALS = {
    "role": "/v1.0/myorg/groups/.*/users/",
    "member": "/members/[^/]*/\\$ref$",
    "app": "/v1.0/applications/",
    "purge": "/v1.0/directory/deletedItems/",
}


@pytest.mark.parametrize(
    ("write", "moment"),
    [("role", "after"), ("member", "before"), ("app", "before"), ("app", "after"), ("purge", "after")],
)
def test_a_cut_connection_costs_at_most_another_run(
    cli: Cli, sandbox: SandboxTenant, write: str, moment: str, made: Callable[..., None]
) -> None:
    made()
    rule = {"match": {"method": "DELETE", "path": REMOVALS[write]}, "times": 1, "drop": moment}
    sandbox.faults(rule)
    first = cli(*DESTROY, "--purge")
    assert first.code in (0, 3, 4), first
    if first.code:
        cli.ok(*DESTROY, "--purge")
    assert all(things == [] for things in nothing_left(sandbox).values())
    assert sandbox.state()["deletedItems"] == []
    assert not (cli.folder / ".env.dev").exists()


def test_an_app_that_somebody_deletes_under_way_counts_as_deleted(
    cli: Cli, sandbox: SandboxTenant, made: Callable[..., None]
) -> None:
    made()
    answer = {"error": {"code": "Request_ResourceNotFound", "message": "does not exist"}}
    rule = {"match": {"method": "GET", "path": "/v1.0/applications/[0-9a-f-]+$"}, "status": 404, "body": answer}
    app = our_app(sandbox.state())
    token = sandbox.user_token("admin")
    sandbox.http.delete(f"/v1.0/applications/{app['id']}", headers={"Authorization": f"Bearer {token}"})
    # Now it is where the plan did not see it: the key look-up still answers as a replica does that lags behind.
    shown = {"id": app["id"], "appId": app["appId"], "displayName": "x", "uniqueName": app["uniqueName"]}
    by_key = {"match": {"method": "GET", "path": "/v1.0/applications\\(uniqueName"}, "status": 200}
    sandbox.faults(rule, {**by_key, "body": {**shown, "tags": app["tags"]}})
    ran = cli.ok(*DESTROY)
    assert "✓ App registration" in ran.err
    assert not (cli.folder / ".env.dev").exists()


def test_a_refused_role_is_handed_on_and_the_app_goes_all_the_same(
    cli: Cli, sandbox: SandboxTenant, made: Callable[..., None]
) -> None:
    made()
    sandbox.faults({"match": {"method": "DELETE", "path": REMOVALS["role"]}, "status": 403, "body": {"error": {}}})
    ran = cli(*DESTROY)
    assert ran.code == 5, ran
    assert "workspace admin: Contributor of the workspace 'Reports Dev'" in ran.out
    assert ran.err.count("→ Contributor of the workspace") == 1
    left = nothing_left(sandbox)
    assert left["apps"] == []
    assert len(left["nameless"]) == 1
    assert still_open(cli) == set()


def journal_of(cli: Cli) -> Path:
    project = (cli.folder / "pbisetup.toml").read_text().split('id = "')[1][:6]
    return Path(os.environ["PBISETUP_STATE_DIR"]) / "journal" / f"{project}.jsonl"


def still_open(cli: Cli) -> set[str]:
    """What the journal says was begun or refused, and never ended."""
    found: set[str] = set()
    file = journal_of(cli)
    for entry in map(json.loads, file.read_text().splitlines() if file.exists() else ()):
        found |= {entry.get("intend"), entry.get("refused")} - {None}
        found -= {entry.get("done"), entry.get("granted")}
    return found


def test_a_failure_stops_what_hangs_on_it_and_the_next_run_goes_on(
    cli: Cli, sandbox: SandboxTenant, made: Callable[..., None]
) -> None:
    made()
    rule = {"match": {"method": "DELETE", "path": REMOVALS["role"]}, "status": 400}
    sandbox.faults({**rule, "body": {"error": {"code": "Strange", "message": "not today"}}})
    first = cli(*DESTROY)
    assert first.code == 4, first
    assert "not today" in first.err
    assert len(nothing_left(sandbox)["apps"]) == 1, "the app waits, so that the role can still be told from others"
    assert cli.stored()["AZURE_CLIENT_SECRET"]
    sandbox.faults()
    cli.ok(*DESTROY)
    assert all(things == [] for things in nothing_left(sandbox).values())
    assert still_open(cli) == set()


def test_an_owner_without_any_role_takes_away_what_is_theirs(
    cli: Cli, sandbox: SandboxTenant, made: Callable[..., None]
) -> None:
    approve_as(sandbox, "developer")
    made("--workspace", "Reports Dev", code=5)
    ran = cli.ok(*DESTROY)
    assert all(things == [] for things in nothing_left(sandbox).values())
    assert "tenant settings could not be read" in " ".join(ran.err.split())
    purged = cli.ok(*DESTROY, "--purge")
    assert "perhaps not you" in purged.err
    assert sandbox.state()["deletedItems"] == []


def test_somebody_who_owns_nothing_is_told_who_could(
    cli: Cli, sandbox: SandboxTenant, made: Callable[..., None]
) -> None:
    made("--workspace", "Reports Test")
    approve_as(sandbox, "developer")
    sandbox.clear_requests()
    ran = cli(*DESTROY)
    assert ran.code == 5, ran
    assert sandbox.writes() == []
    assert "app owner or cloud application administrator: App registration" in " ".join(ran.out.split())
    assert "workspace admin: Any role of the workspace 'Reports Test'" in ran.out
    assert cli.stored()["AZURE_CLIENT_SECRET"], "the app lives, so its credential does"


def test_a_pipeline_takes_away_what_it_may(cli: Cli, sandbox: SandboxTenant) -> None:
    env = {
        "PBISETUP_OPERATOR_TENANT_ID": sandbox.tenant,
        "PBISETUP_OPERATOR_CLIENT_ID": sandbox.operator_id,
        "PBISETUP_OPERATOR_CLIENT_SECRET": sandbox.operator_secret,
    }
    assert cli(*INIT, "--operator", "env", "--workspace", "Reports Dev", env=env).code == 5
    ran = cli(*DESTROY, "--operator", "env", env=env)
    assert ran.code == 5, ran
    assert "workspace admin" in ran.out
    assert nothing_left(sandbox)["apps"] == []
    assert "nothing to remove" in cli.ok(*DESTROY, "--operator", "env", env=env).out


def test_a_role_outside_the_manifest_goes_with_the_app(
    cli: Cli, sandbox: SandboxTenant, made: Callable[..., None]
) -> None:
    def also_prod(state: State) -> None:
        principal = ours(state)["principals"][0]["id"]
        prod = next(w for w in state["workspaces"] if w["displayName"] == "Reports Prod")
        row = {"id": principal, "principal": {"id": principal, "type": "ServicePrincipal"}, "role": "Viewer"}
        prod["roleAssignments"].append(row)

    made()
    sandbox.put_state(also_prod)
    assert "Viewer of the workspace 'Reports Prod'" in cli.ok(*DESTROY).err
    assert nothing_left(sandbox)["nameless"] == []


def test_it_is_gone_though_the_directory_lags_behind_itself(start_sandbox: Any, tmp_path: Path) -> None:
    tenant = start_sandbox("--replication-lag", "3")
    tenant.put_state(lambda state: state.update(auto_approve="admin"))
    lagging = Cli(tmp_path / "project", tenant.env())
    lagging.ok(*INIT)
    lagging.ok(*DESTROY, "--purge")
    assert all(things == [] for things in nothing_left(tenant).values())
    assert tenant.state()["deletedItems"] == []


# -- how it is asked for -------------------------------------------------------------------------------------------


def test_without_a_terminal_the_name_and_a_yes_are_both_needed(
    cli: Cli, sandbox: SandboxTenant, made: Callable[..., None]
) -> None:
    made()
    sandbox.clear_requests()
    for arguments in (("destroy",), ("destroy", "--yes"), ("destroy", "dev"), ("destroy", "prod", "--yes")):
        assert cli(*arguments).code == 2, arguments
    assert sandbox.requests() == []


def test_as_json_the_plan_and_what_became_of_it(cli: Cli, made: Callable[..., None]) -> None:
    made()
    shown = cli.ok(*DESTROY, "--format", "json").json
    assert shown["schema"] == "pbisetup/destroy/v1"
    assert [each["status"] for each in shown["outcomes"]] == ["done"] * 4
    assert {each["change"] for each in shown["steps"]} == {"remove", "leave"}
    again = cli.ok(*DESTROY, "--format", "json").json
    assert again["outcomes"] == []


def test_the_manifest_keeps_its_table_unless_it_is_to_be_forgotten(cli: Cli, made: Callable[..., None]) -> None:
    made("--env", "dev,prod")
    manifest = cli.folder / "pbisetup.toml"
    manifest.write_text(manifest.read_text().replace("[environments.prod]", "# the real one\n[environments.prod]"))
    assert "[environments.dev] stays; --forget takes it out" in cli.ok(*DESTROY).out
    assert "[environments.dev]" in manifest.read_text()
    assert "was taken out" in cli.ok(*DESTROY, "--forget").out
    text = manifest.read_text()
    assert "[environments.dev]" not in text
    assert "# the real one\n[environments.prod]" in text
    assert cli(*DESTROY).code == 2
    last = cli.ok("destroy", "prod", "--yes", "--forget")
    assert "a manifest needs one environment" in " ".join(last.out.split())
    assert "[environments.prod]" in manifest.read_text()


def test_a_colleague_takes_away_what_somebody_else_made(
    cli: Cli, sandbox: SandboxTenant, tmp_path: Path, made: Callable[..., None]
) -> None:
    made()
    colleague = Cli(tmp_path / "colleague", cli.env)
    shutil.copy(cli.folder / "pbisetup.toml", colleague.folder)
    colleague.ok(*DESTROY)
    assert all(things == [] for things in nothing_left(sandbox).values())
    # Where it was made, a second run clears the credential that opens nothing any more.
    cli.ok(*DESTROY)
    assert not (cli.folder / ".env.dev").exists()


def test_people_who_sign_in_lose_the_app_and_its_consent(
    cli: Cli, sandbox: SandboxTenant, made: Callable[..., None]
) -> None:
    made("--purpose", "user-sign-in")
    ran = cli.ok(*DESTROY, "--purge")
    assert "consent to delegated permissions (1)" in " ".join(ran.err.split())
    state = sandbox.state()
    assert nothing_left(sandbox)["apps"] == []
    assert state["oauth2PermissionGrants"] == []


@pytest.mark.parametrize("purpose", ["admin-read", "embed-customers", "deploy"])
def test_whatever_it_was_for_nothing_is_left(cli: Cli, sandbox: SandboxTenant, purpose: str) -> None:
    assert cli(*INIT, "--purpose", purpose, "--wait", "0").code in (0, 1, 5)
    principal = ours(sandbox.state())["principals"][0]["id"]
    sandbox.put_state(lambda state: [setting.update(enabledSecurityGroups=[]) for setting in state["tenantSettings"]])
    cli.ok(*DESTROY, "--purge")
    state = sandbox.state()
    assert [group for group in state["groups"] if str(group["uniqueName"]).startswith("pbisetup-")] == []
    left = {name: section for name, section in state.items() if name not in ("signIns", "activityEvents", "rates")}
    assert principal not in json.dumps(left)


def test_a_group_that_the_manifest_called_otherwise_when_it_was_made_goes_too(cli: Cli, sandbox: SandboxTenant) -> None:
    cli.ok(*INIT, "--group", "our readers")
    manifest = cli.folder / "pbisetup.toml"
    manifest.write_text(manifest.read_text().replace("our readers", "other readers"))
    sandbox.put_state(unnamed_by_settings)
    cli.ok(*DESTROY)
    assert sandbox.state()["groups"] == []
