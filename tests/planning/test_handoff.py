"""The hand-off: what each role is asked for, in commands that no name of a tenant can break out of."""

from __future__ import annotations

import json
import re
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import jmespath
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pbisetup.catalog.clouds import clouds
from pbisetup.model.plan import PLANNED_KINDS, Action, Plan, Step
from pbisetup.model.tenant import Group
from pbisetup.planning.handoff import hand_off
from pbisetup.planning.handoff.writers import WRITERS
from pbisetup.planning.planner import plan_environment
from pbisetup.ui.handoff import bash
from tests.planning import world
from tests.planning.handoffs import (
    ANSWER,
    HOSTILE,
    PUBLIC,
    asked_for_everything,
    az_calls,
    bodies,
    handed,
    one,
    option,
    packet,
    plain,
    run_script,
    section_calls,
    tasks,
)
from tests.planning.world import ABSENT, automation, everything, known

VARIABLES = "CLIENT_ID APP_OBJECT_ID SP_OBJECT_ID GROUP_ID WORKSPACE_ID BODY"
OFF = {"value": [{"settingName": world.PUBLIC_API_SETTING, "enabled": False, "canSpecifySecurityGroups": True}]}


@pytest.mark.parametrize("name", HOSTILE.values(), ids=HOSTILE)
def test_a_name_stays_a_name_in_every_shell_word(name: str) -> None:
    calls = section_calls(asked_for_everything(name))
    assert all(call[0] == "rest" for call in calls)
    assert all(option(call, "--url").startswith("https://") for call in calls)
    _told_as_it_is(name, calls)
    redirects = next(b["publicClient"]["redirectUris"] for b in bodies(calls) if "publicClient" in b)
    assert plain(name) in redirects
    looked = next(option(c, "--url") for c in calls if "$filter" in option(c, "--url"))
    doubled = plain(name).replace("'", "''")
    assert unquote(looked).endswith(f"$filter=name eq '{doubled}'")


def _told_as_it_is(name: str, calls: list[list[str]]) -> None:
    shown = {body["displayName"] for body in bodies(calls) if "displayName" in body}
    assert shown == {f"{plain(name)}-dev", plain(name)}
    # What the update of the setting would be, az itself works out.
    [question] = {option(c, "--query") for c in calls if "enabledSecurityGroups: [" in "".join(c)}
    update = json.loads(jmespath.search(question, OFF))
    assert update == {"enabled": True, "enabledSecurityGroups": [{"graphId": ANSWER, "name": plain(name)}]}


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\x1e"), min_size=1, max_size=20))
def test_any_name_stays_a_name_in_every_shell_word(name: str) -> None:
    test_a_name_stays_a_name_in_every_shell_word(name)


@pytest.mark.parametrize("name", HOSTILE.values(), ids=HOSTILE)
def test_a_name_stays_a_name_in_the_script(name: str, tmp_path: Path) -> None:
    text = bash(packet(asked_for_everything(name)))
    calls, _ = run_script(text, tmp_path, empty=False)
    assert {call[0] for call in calls} == {"account", "rest"}
    made, printed = run_script(text, tmp_path, empty=True)
    shown = {body["displayName"] for body in bodies(made) if "displayName" in body}
    assert shown == {f"{plain(name)}-dev", plain(name)}
    # What was to be run by a name would have left a line of its own.
    assert "broken" not in printed.splitlines()
    listed, printed = run_script(text, tmp_path, "--list", empty=True)
    assert listed == []
    assert len(printed.splitlines()) == len(asked_for_everything(name).order)


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\x1e"), min_size=1, max_size=20))
def test_any_name_stays_a_name_in_the_script(name: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        test_a_name_stays_a_name_in_the_script(name, Path(folder) / "run")


@pytest.mark.parametrize("name", HOSTILE.values(), ids=HOSTILE)
def test_what_a_script_sends_is_readable_ascii(name: str) -> None:
    """Nothing that turns text around, and nothing that a mail program could spoil, stands in a line that runs."""
    text = bash(packet(asked_for_everything(name)))
    assert all(line.isprintable() for line in text.splitlines())
    sent = [line for line in text.splitlines() if "--body" in line or line.strip().startswith(("make ", "'{"))]
    assert sent
    assert all(line.isascii() for line in sent)


def test_every_section_looks_up_what_it_needs() -> None:
    done = asked_for_everything("Reports")
    assert len(done.sections) > 2
    for section in done.sections:
        text = "\n".join((*section.lookups, *(c for task in section.tasks for c in task.commands)))
        set_at = {name: text.find(f"{name}=$(") for name in VARIABLES.split()}
        for used in re.finditer(r"\$\{?([A-Z][A-Z_]+)", text):
            assert 0 <= set_at[used[1]] < used.start(), f"{section.who} uses {used[0]} before it is known"


def test_every_task_of_the_script_says_what_it_needs() -> None:
    text = bash(packet(asked_for_everything("Reports")))
    bodies_of = re.findall(r"task_\d+\(\) \{\n(.*?)\n  \}", text, re.DOTALL)
    assert len(bodies_of) == len(asked_for_everything("Reports").order)
    for body in bodies_of:
        there = set(re.findall(r"(?:need|seek|await|called) ([A-Z_]+)", body))
        assert set(re.findall(r"\$\{?([A-Z][A-Z_]+)", body)) <= there


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
    assert [task.id for task in done.order] == [t.id for s in done.sections for t in s.tasks]


def test_one_role_alone_is_asked_for_its_own() -> None:
    seen = world.nothing(operator=world.DEVELOPER, may_create_apps=False)
    plan = plan_environment(world.MANIFEST, automation(), seen, world.NOW)
    done = hand_off(world.MANIFEST, plan, PUBLIC, seen, role="groups administrator")
    assert [s.who for s in done.sections] == [("groups administrator",)]
    assert [task.id for task in done.order] == ["group", "member"]
    # What an app owner or an administrator may do, either may be asked.
    owned = one("update_application", {"app_object_id": "a1", "changes": {"displayName": "x"}}, role="app owner")
    assert len(owned.order) == 1


def test_where_nothing_is_missing_nobody_is_asked() -> None:
    assert handed(everything(), automation()).sections == ()


@pytest.mark.parametrize("cloud", ["gcc", "dod", "china"])
def test_where_no_fabric_api_is_published_the_portal_is_named(cloud: str) -> None:
    done = asked_for_everything("Reports", clouds()[cloud])
    [task] = next(s for s in done.sections if s.who == ("fabric administrator",)).tasks
    assert task.commands == ()
    assert task.portal is not None
    assert task.portal.url.startswith(clouds()[cloud].portal)
    assert task.portal.guess
    assert all("--resource https://" in c for s in done.sections for t in s.tasks for c in t.commands if "az rest" in c)


def test_nobody_is_asked_to_make_a_secret_and_send_it() -> None:
    silent = replace(world.PIPELINE, graph_permissions=frozenset({"User.Read.All"}))
    done = handed(everything(operator=silent, stored=ABSENT), automation())
    [task] = [t for s in done.sections for t in s.tasks if "secret" in t.title.lower()]
    assert task.commands == ()
    assert "Do not make one and send it" in task.note


GRANT = {"sp_object_id": "s1", "resource_id": "r1", "scopes": ["A.Read", "B.Read"]}
OF_EACH_KIND: dict[str, tuple[dict[str, Any], str, str, Any]] = {
    "update_application": ({"changes": {"displayName": "x"}}, "patch", "/v1.0/applications/a1", {"displayName": "x"}),
    "remove_secret": ({"key_id": "k1"}, "post", "/v1.0/applications/a1/removePassword", {"keyId": "k1"}),
    "restore_application": ({}, "post", "/v1.0/directory/deletedItems/a1/restore", None),
    "purge_application": ({}, "delete", "/v1.0/directory/deletedItems/a1", None),
    "grant_delegated": (
        {**GRANT, "grant_id": "g1"},
        "patch",
        "/v1.0/oauth2PermissionGrants/g1",
        {"scope": "A.Read B.Read"},
    ),
    "grant_app_role": (
        {"sp_object_id": "s1", "resource_id": "r1", "role_id": "x1", "permission": "Tenant.Read.All"},
        "post",
        "/v1.0/servicePrincipals/r1/appRoleAssignedTo",
        {"principalId": "s1", "resourceId": "r1", "appRoleId": "x1"},
    ),
    "revoke_app_role": (
        {"sp_object_id": "s1", "assignment_id": "a/b=", "permission": "Tenant.Read.All"},
        "delete",
        "/v1.0/servicePrincipals/s1/appRoleAssignments/a%2Fb%3D",
        None,
    ),
    "enable_service_principal": (
        {"sp_object_id": "s1", "name": "x"},
        "patch",
        "/v1.0/servicePrincipals/s1",
        {"accountEnabled": True},
    ),
    "enable_resource": (
        {"sp_object_id": "s1", "name": "x"},
        "patch",
        "/v1.0/servicePrincipals/s1",
        {"accountEnabled": True},
    ),
    "allow_public_client": ({}, "patch", "/v1.0/applications/a1", {"isFallbackPublicClient": True}),
    "add_resource": (
        {"client_id": "c1", "name": "x"},
        "patch",
        "/v1.0/servicePrincipals(appId='c1')",
        {"appId": "c1"},
    ),
    "remove_from_excluded_group": (
        {"group_id": "g1", "group_name": "x", "sp_object_id": "s1"},
        "delete",
        "/v1.0/groups/g1/members/s1/$ref",
        None,
    ),
}


@pytest.mark.parametrize("kind", OF_EACH_KIND)
def test_a_change_is_one_request(kind: str) -> None:
    values, method, path, body = OF_EACH_KIND[kind]
    [section] = one(kind, {"app_object_id": "a1", **values}).sections
    [call] = az_calls(section.tasks[0].commands)
    assert option(call, "--method") == method
    assert option(call, "--url") == PUBLIC.graph + path
    assert option(call, "--resource") == PUBLIC.graph_resource
    assert bodies([call]) == ([] if body is None else [body])


def test_consent_for_one_person_names_them() -> None:
    [section] = one("grant_delegated", {**GRANT, "grant_id": None, "principal_id": "p1"}).sections
    [call] = az_calls(section.tasks[0].commands)
    assert bodies([call])[0] == {
        "clientId": "s1",
        "consentType": "Principal",
        "resourceId": "r1",
        "scope": "A.Read B.Read",
        "principalId": "p1",
    }


def test_a_workspace_that_is_made_hands_its_id_on() -> None:
    capacity = "0F084DF7-C13D-451B-AF5F-ED0C466403B2"
    make = {"name": "New one", "capacity_id": capacity, "output": "workspace_0_id"}
    role = {"workspace_id": "{workspace_0_id}", "workspace_name": "New one", "sp_object_id": "s1", "role": "Member"}
    steps = tuple(
        _step(kind, params)
        for kind, params in (("create_workspace", make), ("set_workspace_role", {**role, "replaces": None}))
    )
    done = hand_off(world.MANIFEST, _plan(*steps), PUBLIC)
    [section] = done.sections
    assert section.lookups == ()
    calls = az_calls(tuple(c for t in section.tasks for c in t.commands))
    assert [option(call, "--method") for call in calls] == ["post", "get", "post", "post"]
    assert bodies(calls)[0] == {"name": "New one"}
    assert option(calls[2], "--url").endswith(f"/groups/{ANSWER}/AssignToCapacity")
    assert option(calls[3], "--url").endswith(f"/groups/{ANSWER}/users")
    # The second one alone finds the workspace by its name.
    alone = hand_off(world.MANIFEST, _plan(replace(steps[0], allowed=True), steps[1]), PUBLIC)
    assert "WORKSPACE_0_ID=$(" in alone.sections[0].lookups[0]


def _step(kind: str, params: dict[str, Any]) -> Step:
    return Step(kind, "add", "title", "why", Action(kind, params), ("workspace admin",), allowed=False)


def _plan(*steps: Step) -> Plan:
    return Plan("dev", steps)


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


def test_every_kind_of_action_that_a_plan_holds_can_be_written() -> None:
    assert set(PLANNED_KINDS) <= set(WRITERS)


def test_what_only_a_person_can_do_is_told_in_words() -> None:
    [task] = tasks(one("add_capacity_contributor", {"capacity_id": "c1", "capacity_name": "P1", "sp_object_id": "s1"}))
    assert (task.commands, task.operations) == ((), ())
    assert "portal" in task.note
    assert task.portal is not None
    assert task.portal.url == "https://app.powerbi.com/admin-portal/capacities"
    [unknown] = tasks(one("something_new", {}))
    assert "by hand" in unknown.note


def test_an_id_that_nothing_hands_on_leaves_the_task_to_a_person() -> None:
    [task] = tasks(one("add_owner", {"app_object_id": "{no_such_output}", "owner_id": "o1"}))
    assert task.commands == ()
    assert "not known" in task.note


def test_no_file_of_this_machine_is_named(tmp_path: Path) -> None:
    text = json.dumps([[t.commands for t in s.tasks] for s in asked_for_everything("x").sections])
    assert str(tmp_path.parent) not in text
