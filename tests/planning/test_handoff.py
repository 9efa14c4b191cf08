"""The hand-off: what each role is asked for, in commands that no name of a tenant can break out of."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pbisetup.catalog.clouds import clouds
from pbisetup.model.cloud import Cloud
from pbisetup.model.manifest import Environment, Manifest, WorkspaceSpec
from pbisetup.model.plan import Action, Plan, Step
from pbisetup.model.snapshot import Snapshot
from pbisetup.model.tenant import Group
from pbisetup.planning.handoff import Handoff, hand_off
from pbisetup.planning.planner import plan_environment
from tests.planning import world
from tests.planning.world import ABSENT, UNKNOWN, automation, everything, known, nothing

PUBLIC = clouds()["public"]
VARIABLES = "CLIENT_ID APP_OBJECT_ID SP_OBJECT_ID GROUP_ID WORKSPACE_ID"
HOSTILE = {
    "double quotes": 'a"; echo broken; "',
    "single quotes": "O'Brien's '; echo broken; '",
    "dollar": "$HOME $(echo broken) ${PATH} $CLIENT_ID",
    "backticks": "`echo broken`",
    "backslashes": "a\\ \\\\ \\n\\",
    "history": "Sales !! !1",
    "line breaks": "a\nb\r\necho broken",
    "placeholder": "{client_id} {group_id} {home}",
    "exactly a placeholder": "{group_id}",
    "marks of our own": "\ue000HOME\ue001",
    "other scripts": "Отчёты 報告 📊 é",
    "markup": "<b>&amp;#?%20+</b>",
    "options": "--method delete",
    "file": "@secrets.txt",
    "comment": "a # b ; c | d > e & f",
}


def handed(
    snapshot: Snapshot, environment: Environment, manifest: Manifest = world.MANIFEST, cloud: Cloud = PUBLIC
) -> Handoff:
    return hand_off(manifest, plan_environment(manifest, environment, snapshot, world.NOW), cloud)


def asked_for_everything(name: str, cloud: Cloud = PUBLIC) -> Handoff:
    """A developer who may do nothing, where everything bears this name."""
    spec = WorkspaceSpec("Member", name=name)
    environment = automation(
        purposes=("automation", "user-sign-in"), groups={"api": name}, workspaces=(spec,), redirect_uris=(name,)
    )
    seen = nothing(
        operator=world.DEVELOPER,
        settings=UNKNOWN,
        may_create_apps=False,
        groups={name: ABSENT},
        workspaces={name: ABSENT},
    )
    return handed(seen, environment, Manifest("k7f3q2", name, "public", {}), cloud)


def az_calls(commands: tuple[str, ...], **given_ids: str) -> list[list[str]]:
    """The argument lists that a fake `az` gets when bash runs these commands. Each answers with its own number."""
    bash = shutil.which("bash")
    assert bash is not None
    script = "set -u\nn=0\naz() { printf '%s\\0' \"$@\" $'\\x1e' >&3; echo answer; }\n" + "\n".join(commands) + "\n"
    subprocess.run([bash, "-n"], input=script.encode(), check=True)
    run = subprocess.run(
        [bash, "-c", f"exec 3>&1 1>/dev/null\n{script}"],
        env={"HOME": "/home/broken", "PATH": "/broken", **given_ids},
        capture_output=True,
        check=False,
    )
    assert (run.returncode, run.stderr) == (0, b"")
    words = run.stdout.decode().split("\0")
    calls: list[list[str]] = [[]]
    for word in words[:-1]:
        if word == "\x1e":
            calls.append([])
        else:
            calls[-1].append(word)
    return calls[:-1]


def option(call: list[str], name: str) -> str:
    return call[call.index(name) + 1]


def bodies(calls: list[list[str]]) -> list[Any]:
    return [json.loads(option(call, "--body")) for call in calls if "--body" in call]


def section_calls(done: Handoff) -> list[list[str]]:
    """Each section in a shell of its own: whatever it needs it must look up itself."""
    return [
        call
        for section in done.sections
        for call in az_calls((*section.lookups, *(c for task in section.tasks for c in task.commands)))
    ]


@pytest.mark.parametrize("name", HOSTILE.values(), ids=HOSTILE)
def test_a_name_stays_a_name_in_every_shell_word(name: str) -> None:
    calls = section_calls(asked_for_everything(name))
    assert all(call[0] == "rest" for call in calls)
    assert all(option(call, "--url").startswith("https://") for call in calls)
    sent = bodies(calls)
    shown = {body["displayName"] for body in sent if "displayName" in body}
    plain = re.sub("[\ue000\ue001]", "", name)
    assert shown == {f"{plain}-dev", plain}
    redirects = next(b["publicClient"]["redirectUris"] for b in sent if "publicClient" in b)
    assert plain in redirects
    groups = [b["enabledSecurityGroups"] for b in sent if "enabledSecurityGroups" in b]
    assert groups == [[{"graphId": "answer", "name": plain}]]
    looked = next(option(c, "--url") for c in calls if "$filter" in option(c, "--url"))
    doubled = plain.replace("'", "''")
    assert unquote(looked).endswith(f"$filter=name eq '{doubled}'")


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\x1e"), min_size=1, max_size=20))
def test_any_name_stays_a_name_in_every_shell_word(name: str) -> None:
    test_a_name_stays_a_name_in_every_shell_word(name)


def test_every_section_looks_up_what_it_needs() -> None:
    done = asked_for_everything("Reports")
    assert len(done.sections) > 2
    for section in done.sections:
        text = "\n".join((*section.lookups, *(c for task in section.tasks for c in task.commands)))
        set_at = {name: text.find(f"{name}=$(") for name in VARIABLES.split()}
        for used in re.finditer(r"\$([A-Z][A-Z_]+)", text):
            assert 0 <= set_at[used[1]] < used.start(), f"{section.who} uses {used[0]} before it is known"


def test_what_is_known_already_is_written_out_and_not_looked_up() -> None:
    seen = everything(operator=world.DEVELOPER, memberships=known(frozenset()), groups=everything().groups)
    group = known(Group("g1", "x", operator_owns=False))
    done = handed(replace(seen, groups={"g1": group}), automation(workspaces=()))
    [section] = [s for s in done.sections if s.who == ("groups administrator",)]
    assert section.lookups == ()
    [call] = az_calls(section.tasks[0].commands)
    assert option(call, "--url") == f"{PUBLIC.graph}/v1.0/groups/g1/members/$ref"
    assert bodies([call]) == [{"@odata.id": f"{PUBLIC.graph}/v1.0/directoryObjects/{world.SP}"}]


def test_each_role_gets_its_own_section_and_the_asker_what_is_left() -> None:
    done = asked_for_everything("Reports")
    assert [s.who[0] for s in done.sections] == [
        "cloud application administrator",
        "groups administrator",
        "fabric administrator",
        "workspace admin",
    ]
    assert [s.id for s in done.yours] == ["secret"]


def test_where_nothing_is_missing_nobody_is_asked() -> None:
    assert handed(everything(), automation()).sections == ()


def test_an_update_of_the_setting_shows_first_what_it_is_and_warns() -> None:
    done = asked_for_everything("Reports")
    [task] = next(s for s in done.sections if s.who == ("fabric administrator",)).tasks
    assert "replaces the setting's list" in task.note
    look, change = az_calls(task.commands, GROUP_ID="g1")
    assert (option(look, "--method"), option(change, "--method")) == ("get", "post")
    assert bodies([change]) == [{"enabled": True, "enabledSecurityGroups": [{"graphId": "g1", "name": "Reports"}]}]


@pytest.mark.parametrize("cloud", ["gcc", "dod", "china"])
def test_where_no_fabric_api_is_published_the_portal_is_named(cloud: str) -> None:
    done = asked_for_everything("Reports", clouds()[cloud])
    [task] = next(s for s in done.sections if s.who == ("fabric administrator",)).tasks
    assert task.commands == ()
    assert clouds()[cloud].portal in task.note
    assert all("--resource https://" in c for s in done.sections for t in s.tasks for c in t.commands if "az rest" in c)


def test_nobody_is_asked_to_make_a_secret_and_send_it() -> None:
    silent = replace(world.PIPELINE, graph_permissions=frozenset({"User.Read.All"}))
    done = handed(everything(operator=silent, stored=ABSENT), automation())
    [task] = [t for s in done.sections for t in s.tasks if "secret" in t.title.lower()]
    assert task.commands == ()
    assert "Do not make one and send it" in task.note


OF_EACH_KIND: dict[str, tuple[dict[str, Any], str, str, Any]] = {
    "update_application": ({"changes": {"displayName": "x"}}, "patch", "/v1.0/applications/a1", {"displayName": "x"}),
    "remove_secret": ({"key_id": "k1"}, "post", "/v1.0/applications/a1/removePassword", {"keyId": "k1"}),
    "restore_application": ({}, "post", "/v1.0/directory/deletedItems/a1/restore", None),
    "purge_application": ({}, "delete", "/v1.0/directory/deletedItems/a1", None),
    "grant_delegated": (
        {"grant_id": "g1", "scopes": ["A.Read", "B.Read"]},
        "patch",
        "/v1.0/oauth2PermissionGrants/g1",
        {"scope": "A.Read B.Read"},
    ),
}


@pytest.mark.parametrize(("values", "method", "path", "body"), OF_EACH_KIND.values(), ids=OF_EACH_KIND)
def test_a_change_is_one_request(
    values: dict[str, Any], method: str, path: str, body: Any, request: pytest.FixtureRequest
) -> None:
    kind = request.node.callspec.id
    action = Action(kind, {"app_object_id": "a1", **values})
    step = Step("x", "change", "title", "why", action, ("app owner",), allowed=False)
    [section] = hand_off(world.MANIFEST, Plan("dev", (step,)), PUBLIC).sections
    [call] = az_calls(section.tasks[0].commands)
    assert option(call, "--method") == method
    assert option(call, "--url") == PUBLIC.graph + path
    assert option(call, "--resource") == PUBLIC.graph_resource
    assert bodies([call]) == ([] if body is None else [body])


def test_a_role_that_is_raised_is_put_not_posted() -> None:
    low = everything(
        operator=world.DEVELOPER, workspaces={"Reports": known(world.workspace(role="Viewer", operator_role="Viewer"))}
    )
    owned = known(world.registration(owners=frozenset({"dev-id"})))
    [section] = handed(replace(low, app=owned), automation()).sections
    [call] = az_calls(section.tasks[0].commands)
    assert option(call, "--method") == "put"
    assert option(call, "--url") == f"{PUBLIC.powerbi}/v1.0/myorg/groups/ws-id/users"
    assert option(call, "--resource") == PUBLIC.powerbi_resource


def test_no_file_of_this_machine_is_named(tmp_path: Path) -> None:
    text = json.dumps([[t.commands for t in s.tasks] for s in asked_for_everything("x").sections])
    assert str(tmp_path.parent) not in text
