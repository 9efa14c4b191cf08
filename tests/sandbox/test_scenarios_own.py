"""Scenarios of one's own: written, checked, travelled over HTTP, and run."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pbisetup.sandbox.identity import Identity
from pbisetup.sandbox.scenarios import ScenarioError, find, inline
from pbisetup.sandbox.seed import default_state
from tests.support.caller import Caller
from tests.support.cli import Cli
from tests.support.tenant import SandboxTenant

ROOT = Path(__file__).parents[2]
EXAMPLE = re.search(
    r"<!-- scenario: mine.toml -->\n```toml\n(.*?)```", (ROOT / "docs" / "scenarios.md").read_text("utf-8"), re.DOTALL
)
SHOW = "import os, sys; print(*(os.environ.get(n, '-') for n in sys.argv[1:]))"


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    return Cli(tmp_path / "project")


def write(cli: Cli, text: str, name: str = "mine.toml") -> str:
    (cli.folder / name).write_text(text, encoding="utf-8")
    return f"./{name}"


def state_of(content: dict[str, Any]) -> dict[str, Any]:
    return default_state(Identity.new(), inline(content))


def problems_of(content: dict[str, Any]) -> str:
    with pytest.raises(ScenarioError) as caught:
        state_of(content)
    return str(caught.value)


def named(elements: list[dict[str, Any]], name: str) -> dict[str, Any]:
    return next(each for each in elements if name in (each.get("displayName"), each.get("settingName")))


# the page's example


def test_the_example_of_the_page_is_diagnosed(cli: Cli) -> None:
    assert EXAMPLE is not None
    mine = write(cli, EXAMPLE[1])
    found = cli("doctor", "--scenario", mine, "--format", "json")
    assert found.code == 1, found
    assert [each["cause"] for each in found.json["findings"]] == ["secret_expired"]


# what a file says


def test_new_elements_may_mean_each_other_in_any_order() -> None:
    state = state_of(
        {
            "new": {
                "apps": {"Late": {"groups": ["team"], "workspaces": {"Own": "Viewer"}}},
                "groups": {"team": {"members": ["{user:eve}"]}},
                "workspaces": {"Own": {"capacityId": "{capacity:big}", "roles": {"eve": "Admin", "team": "Member"}}},
                "capacities": {"big": {"sku": "F64"}},
                "users": {"eve": {"directoryRoles": ["Fabric Administrator"]}},
            }
        }
    )
    team, own = named(state["groups"], "team"), named(state["workspaces"], "Own")
    late, eve = named(state["servicePrincipals"], "Late"), named(state["users"], "eve")
    assert team["members"] == [eve["id"], late["id"]]
    assert own["capacityId"] == named(state["capacities"], "big")["id"]
    assert {a["principal"]["id"]: a["role"] for a in own["roleAssignments"]} == {
        eve["id"]: "Admin",
        team["id"]: "Member",
        late["id"]: "Viewer",
    }
    assert eve["directoryRoles"] == ["a9ea8996-122f-4c74-9520-8edcd192826c"]


def test_add_and_remove_undo_each_other() -> None:
    app = {"Reports": {"roles": ["powerbi/Tenant.Read.All"], "scopes": ["graph/User.Read"], "consent": "everybody"}}
    before = state_of({"new": {"apps": {"Reports": {}}}})
    layer = {"base": {"base": {"new": {"apps": {"Reports": {}}}}, "add": {"apps": app}}}
    undone = {"scopes": ["graph/User.Read"], "roles": ["powerbi/Tenant.Read.All"], "consent": True}
    after = state_of({**layer, "remove": {"apps": {"Reports": undone}}})
    for collection in ("appRoleAssignments", "oauth2PermissionGrants"):
        assert len(after[collection]) == len(before[collection])
    assert named(after["applications"], "Reports")["requiredResourceAccess"] == []


def test_who_is_removed_leaves_groups_and_grants() -> None:
    state = state_of(
        {
            "base": {"new": {"groups": {"g": {"members": ["{user:developer}"]}}}},
            "remove": {"users": {"developer": True}, "auto_approve": True},
        }
    )
    assert named(state["groups"], "g")["members"] == []
    assert "auto_approve" not in state


def test_braces_can_be_written() -> None:
    assert state_of({"policies": {"note": "{{tenant}}"}})["policies"]["note"] == "{tenant}"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({"tenantSetings": {}}, "unknown key 'tenantSetings'; nearest: tenantSettings"),
        ({"tenantSettings": {"Embeding": {}}}, "has no 'Embeding'; nearest: Embedding"),
        ({"users": {"developer": {"acountEnabled": False}}}, "no key 'acountEnabled'; nearest: accountEnabled"),
        ({"workspaces": {"Reports Dev": {"capacityID": "x"}}}, "no key 'capacityID'; nearest: capacityId"),
        ({"new": {"apps": {"A": {"groups": ["nope"]}}}}, "groups has no 'nope'"),
        ({"new": {"apps": {"A": {"scopes": ["powerbi/Report.Raed.All"]}}}}, "nearest: Report.Read.All"),
        ({"new": {"apps": {"A": {"scopes": ["User.Read"]}}}}, "write powerbi/User.Read or graph/User.Read"),
        ({"new": {"apps": {"A": {"workspaces": {"Reports Dev": "Owner"}}}}}, "'Owner' is none of Admin, Member"),
        ({"new": {"users": {"developer": {}}}}, "users has 'developer' already"),
        ({"new": {"people": {}}}, "unknown key 'people'"),
        ({"add": {"groups": {"nope": {"members": []}}}}, "groups has no 'nope'"),
        ({"add": {"auto_approve": "admin"}}, "`add` takes lists"),
        ({"remove": {"groups": {"nope": True}}}, "groups has no 'nope'"),
        ({"remove": {"policies": {"nope": True}}}, "there is no 'nope'"),
        ({"policies": {"note": "{uzer:admin}"}}, "{uzer:admin} stands for nothing; nearest: user"),
        ({"policies": {"note": "x{secret}"}}, "under caller"),
        ({"policies": {"note": "{secret-id}"}}, "no app has a secret"),
        ({"policies": {"note": "{now-999999d}"}}, "beyond the calendar"),
        ({"many": {"users": -1}}, "users must be a number"),
        ({"many": {"people": 1}}, "there are users, groups"),
        ({"caller": {"secrt": "x"}}, "unknown key 'secrt'; nearest: secret"),
        ({"caller": {"grant": "magic"}}, "caller.grant must be one of"),
        ({"caller": {"workspace": 3}}, "caller.workspace must be"),
        ({"weather": {"latency_ms": "much"}}, "weather.latency_ms must be a number"),
        ({"base": "./elsewhere.toml"}, "no scenario './elsewhere.toml'"),
        ({"base": 3}, "base must be a text"),
        ({"causes": "x"}, "causes must be a list"),
    ],
    ids=lambda value: str(value)[:50],
)
def test_a_mistake_is_named(content: dict[str, Any], said: str) -> None:
    assert said in problems_of(content)


NAMES = re.findall(
    r"\w+",
    "new add remove many caller base causes description apps users groups tenantSettings Embedding enabled admin "
    "developer members directoryRoles secret applications servicePrincipals workspaces roles scopes consent client_id "
    "policies auto_approve weather tenant A enabledSecurityGroups requiredResourceAccess",
)
VALUES = st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from(["", "x", "{secret}", "{user:admin}", "{"])
JSON = st.recursive(
    VALUES,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=3),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from(["new", "add", "remove", "users", "tenant", "base", "caller"]), JSON))
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_whatever_is_sent_is_a_tenant_or_words(content: dict[str, Any]) -> None:
    from pbisetup.sandbox.validate import problems

    try:
        state = state_of(content)
    except ScenarioError as error:
        said = error.problems
    else:
        said = ["fine"]
        assert problems(json.loads(json.dumps(state))) == []
    assert said
    assert all(isinstance(each, str) and each for each in said)


# files


def test_every_mistake_of_a_file_is_said_with_its_line(cli: Cli) -> None:
    mine = write(
        cli,
        'base = "automation"\ncausses = []\n\n[tenantSettings.Embeding]\nenabled = false\n\n'
        '[groups."pbi-service-principals"]\nmembers = ["{sp:Contoso Report}"]\n\n[caller]\nsecrt = 3\n',
    )
    for command in (("start", "--scenario", mine), ("scenarios", mine), ("run", mine, "--", sys.executable)):
        ran = cli("sandbox", *command)
        assert ran.code == 2
        assert ran.out == ""
        lines = [line.partition(":")[2].partition(":")[0] for line in ran.err.splitlines() if "mine.toml" in line]
        assert lines == ["2", "4", "8", "11"], ran
        assert "nearest: causes" in ran.err
        assert "nearest: Contoso Reports" in ran.err
    ran = cli("doctor", "--scenario", mine)
    assert ran.code == 2
    assert "mine.toml:8" in ran.err


def test_a_base_may_be_a_file_beside_it_and_not_itself(cli: Cli, sandbox: SandboxTenant) -> None:
    (cli.folder / "deep").mkdir()
    write(cli, 'base = "automation"\n[tenantSettings.Embedding]\nenabled = false\n', "deep/lower.toml")
    write(cli, 'base = "./lower.toml"\nauto_approve = "developer"\n', "deep/upper.toml")
    env = {"PBISETUP_SANDBOX_URL": sandbox.url}
    cli.ok("sandbox", "reset", "--scenario", "deep/upper.toml", env=env)
    state = sandbox.state()
    assert state["auto_approve"] == "developer"
    assert named(state["tenantSettings"], "Embedding")["enabled"] is False
    assert Caller(sandbox).act().ok
    write(cli, 'base = "./upper.toml"\n', "deep/lower.toml")
    ran = cli("sandbox", "reset", "--scenario", "deep/upper.toml", env=env)
    assert ran.code == 2
    assert "go in a circle" in ran.err
    assert sandbox.state()["auto_approve"] == "developer"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("base = 3x", "mine.toml:1: "),
        ("a = 1\n[a]\n", "mine.toml:2: "),
        ('base = "nope"', "mine.toml:1: no scenario 'nope'"),
    ],
)
def test_what_is_no_scenario_is_said_with_its_line(cli: Cli, text: str, said: str) -> None:
    ran = cli("sandbox", "scenarios", write(cli, text))
    assert ran.code == 2
    assert said in ran.err


def test_no_file_is_read_for_a_request(sandbox: SandboxTenant, tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text('auto_approve = "developer"\n', encoding="utf-8")
    for wanted in (str(tmp_path / "mine.toml"), {"base": str(tmp_path / "mine.toml")}):
        answer = sandbox.http.post("/_sandbox/reset", json={"scenario": wanted})
        assert answer.status_code == 400, answer.text
    assert sandbox.state()["auto_approve"] == "admin"


# the commands


def test_the_list_fits_a_terminal_and_names_bases(cli: Cli) -> None:
    lines = cli.ok("sandbox", "scenarios").out.splitlines()
    assert max(map(len, lines)) <= 80
    assert "  secret-expired (from automation)" in lines
    assert "Healthy, one for each purpose" in lines
    shown = cli.ok("sandbox", "scenarios", "secret-expired").out
    assert 'causes = ["secret_expired"]' in shown
    assert "endDateTime" in shown
    assert cli.ok("sandbox", "scenarios", "default").out.startswith("# default")
    assert "nearest: secret-expired" in cli("sandbox", "scenarios", "secret-expird").err


def test_env_hands_the_caller_on_and_stays_true(sandbox: SandboxTenant) -> None:
    names = ("AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET")
    assert not set(names) & set(sandbox.env())
    sandbox.reset("automation")
    values = sandbox.env()
    assert values["AZURE_TENANT_ID"] == sandbox.tenant
    assert sandbox.app_token(values["AZURE_CLIENT_ID"], values["AZURE_CLIENT_SECRET"])
    sandbox.reset("secret-wrong")
    assert sandbox.env()["AZURE_CLIENT_SECRET"].startswith("old8Q~")
    sandbox.reset("user-sign-in")
    values = sandbox.env()
    assert "AZURE_CLIENT_SECRET" not in values
    assert values["AZURE_CLIENT_ID"] == sandbox.state()["caller"]["client_id"]
    sandbox.put_state(lambda state: state["caller"].update(client_id="changed", tenant="elsewhere"))
    assert sandbox.env()["AZURE_CLIENT_ID"] == "changed"
    refused = sandbox.http.put("/_sandbox/state", json={**sandbox.state(), "caller": {"client_id": 3}})
    assert refused.status_code == 400


@pytest.mark.skipif(os.name != "posix", reason="asks bash")
def test_env_takes_away_what_an_earlier_one_set(sandbox: SandboxTenant) -> None:
    sandbox.reset("user-sign-in")
    program = f"{sys.executable} -m pbisetup sandbox env"
    done = subprocess.run(
        ["bash", "-c", f'eval "$({program})"; echo "$AZURE_CLIENT_ID/$AZURE_CLIENT_SECRET"'],
        env={**os.environ, "PBISETUP_SANDBOX_URL": sandbox.url, "AZURE_CLIENT_SECRET": "stale"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == f"{sandbox.state()['caller']['client_id']}/"


def test_run_gives_a_command_its_tenant(cli: Cli) -> None:
    names = ["AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET", "AZURE_USERNAME", "PBISETUP_SANDBOX_URL", "AZURE_TENANT_ID"]
    outside = {"AZURE_CLIENT_ID": "outside", "AZURE_USERNAME": "outside", "PBISETUP_SANDBOX_URL": "https://localhost:1"}
    ran = cli.ok("sandbox", "run", "secret-wrong", "--", sys.executable, "-c", SHOW, *names, env=outside)
    client, secret, user, url, tenant = ran.out.split()
    assert re.fullmatch(r"[0-9a-f-]{36}", client)
    assert re.fullmatch(r"[0-9a-f-]{36}", tenant)
    assert secret.startswith("old8Q~")
    assert user == "-"
    assert url != outside["PBISETUP_SANDBOX_URL"]
    after = cli("sandbox", "env", env={"PBISETUP_SANDBOX_URL": url})
    assert f"PBISETUP_SANDBOX_URL={url}\n" not in after.out  # it has ended with the command; another may run


def test_run_hands_the_exit_code_on(cli: Cli) -> None:
    assert cli("sandbox", "run", "automation", "--", sys.executable, "-c", "raise SystemExit(7)").code == 7
    missing = cli("sandbox", "run", "automation", "--", "no-such-program", "--version")
    assert missing.code == 127
    assert "no-such-program" in missing.err
    assert cli("sandbox", "run", "nope", "--", sys.executable).code == 2
    assert cli("sandbox", "run", "automation").code == 2


@pytest.mark.skipif(os.name != "posix", reason="sends signals")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 5)])
def test_run_hands_signals_on(cli: Cli, number: int, code: int) -> None:
    program = (
        "import os, signal, sys, time\n"
        "signal.signal(signal.SIGINT, lambda *_: sys.exit(5))\n"
        "print(os.environ['PBISETUP_SANDBOX_URL'], flush=True)\n"
        "time.sleep(60)"
    )
    parent = subprocess.Popen(
        [sys.executable, "-m", "pbisetup", "sandbox", "run", "automation", "--", sys.executable, "-c", program],
        cwd=cli.folder,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert parent.stdout is not None
    url = parent.stdout.readline().strip()
    assert url.startswith("https://")
    if number == signal.SIGINT:
        os.killpg(parent.pid, number)  # as a terminal does
    else:
        parent.send_signal(number)
    assert parent.wait(20) == code
    parent.stdout.close()
    assert cli("sandbox", "reset", env={"PBISETUP_SANDBOX_URL": url}).code == 3


# doctor and token


def test_doctor_begins_with_what_the_caller_had_configured(cli: Cli) -> None:
    around = {"AZURE_TENANT_ID": "x", "AZURE_CLIENT_ID": "y", "AZURE_CLIENT_SECRET": "z"}
    well = cli("doctor", "--scenario", "automation", "--format", "json", env=around)
    assert well.code == 0, well
    assert "Reports Dev" in well.out
    ill = cli("doctor", "--scenario", "secret-id-as-value", "--format", "json", env=around)
    assert ill.code == 1
    assert [each["cause"] for each in ill.json["findings"]] == ["secret_id_used_as_value"]


def test_a_secret_that_is_given_goes_before_the_callers(cli: Cli) -> None:
    ran = cli("doctor", "--scenario", "automation", "--secret", "-", "--format", "json", stdin="no-such-secret\n")
    assert ran.code == 1
    assert "7000215" in ran.out


def test_token_of_a_scenario_is_the_callers(cli: Cli) -> None:
    claims = cli.ok("token", "--scenario", "admin-with-app-role", "--claims").json
    assert claims["roles"] == ["Tenant.Read.All"]
    person = cli.ok("token", "--scenario", "user-sign-in", "--claims").json
    assert person["upn"].startswith("developer@")


def test_a_scenario_without_a_caller_needs_the_app_named(cli: Cli) -> None:
    ran = cli("doctor", "--scenario", "developer", env={"AZURE_TENANT_ID": "x", "AZURE_CLIENT_ID": "y"})
    assert ran.code == 2
    assert "--client-id" in ran.err
    assert cli("doctor", "--scenario", "nope").code == 2


def test_find_says_the_nearest_name() -> None:
    with pytest.raises(ScenarioError, match="nearest: automation"):
        find("autmation")


@pytest.mark.parametrize(
    ("scenario", "cause"),
    [("tenant-setting-off", "tenant_setting_off"), ("not-in-allowed-group", "sp_not_in_allowed_group"),
     ("group-synced", "wrong_group_type"), ("not-in-workspace", "sp_not_in_workspace")],
)  # fmt: skip
def test_an_operator_sees_what_the_app_alone_is_not_told(cli: Cli, scenario: str, cause: str) -> None:
    """The operator is a user of the scenario's tenant, who approves a device code by themselves there."""
    alone = cli("doctor", "--scenario", scenario, "--format", "json").json["findings"]
    assert all(each["certainty"] != "certain" for each in alone)
    looked = cli("doctor", "--scenario", scenario, "--operator", "device", "--format", "json").json["findings"]
    assert [each["cause"] for each in looked] == [cause]
    assert len(looked) < len(alone) or looked[0]["certainty"] == "certain"


@pytest.mark.parametrize("scenario", ["authority-common", "tenant-wrong", "cloud-gcchigh-configured"])
def test_what_keeps_the_operator_out_does_not_keep_the_diagnosis(cli: Cli, scenario: str) -> None:
    alone = cli("doctor", "--scenario", scenario, "--format", "json").json["findings"]
    looked = cli("doctor", "--scenario", scenario, "--operator", "auto", "--format", "json")
    assert looked.code == 1
    assert [each["cause"] for each in looked.json["findings"]] == [each["cause"] for each in alone]


@pytest.mark.parametrize(
    ("operator", "said"), [("nonsense", "is not one of"), ("az", "does not go with"), ("env", "does not go with")]
)
def test_an_operator_who_cannot_be_one_there_is_refused(cli: Cli, operator: str, said: str) -> None:
    ran = cli("doctor", "--scenario", "automation", "--operator", operator)
    assert ran.code == 2
    assert said in " ".join(ran.err.split())
    assert ran.out == ""
    assert cli("token", "--scenario", "automation", "--operator", operator).code == 2


def test_an_operator_sees_the_app_of_the_environment_variables_too(cli: Cli, sandbox: SandboxTenant) -> None:
    sandbox.reset("not-in-allowed-group")
    env = sandbox.env()
    looked = cli("doctor", "--cloud", "sandbox", "--operator", "device", "--format", "json", env=env)
    assert [(e["cause"], e["certainty"]) for e in looked.json["findings"]] == [("sp_not_in_allowed_group", "certain")]
    sandbox.reset("automation")
    env = sandbox.env() | {"PBISETUP_OPERATOR_TENANT_ID": sandbox.tenant, "PBISETUP_OPERATOR_CLIENT_ID": sandbox.tenant,
                           "PBISETUP_OPERATOR_CLIENT_SECRET": "wrong"}  # fmt: skip
    nobody = cli("doctor", "--cloud", "sandbox", "--operator", "env", "--format", "json", env=env)
    assert nobody.code == 3
    assert nobody.json["healthy"] is True
    assert "without the operator's view" in " ".join(nobody.err.split())
