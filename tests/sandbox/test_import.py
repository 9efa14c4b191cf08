"""`pbisetup sandbox import`: a colleague's recording becomes a tenant on this machine, in which the same is wrong."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import sys
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pbisetup.model.recording import RecordingError, parse
from pbisetup.sandbox.twin import build
from pbisetup.sandbox.validate import problems
from tests.support.cli import Cli, Ran
from tests.support.tenant import AZURE_CLI, SandboxTenant, State

Start = Callable[..., SandboxTenant]
Change = Callable[[State], object]
INIT = ("init", "--cloud", "sandbox", "--yes")
POWER_BI = "00000009-0000-0000-c000-000000000000"
TENANT_READ_ALL = "654b31ae-d941-4e22-8798-7add8fdf049f"
ROOT = Path(__file__).parents[2]
PUBLIC_APIS = "ServicePrincipalAccessPermissionAPIs"
OTHER = "88888888-aaaa-4bbb-8ccc-000000000008"


def app_of(state: State) -> dict[str, Any]:
    return next(a for a in state["applications"] if str(a.get("uniqueName", "")).startswith("pbisetup-"))


def principal_of(state: State) -> dict[str, Any]:
    return next(s for s in state["servicePrincipals"] if s["appId"] == app_of(state)["appId"])


def setting_of(state: State) -> dict[str, Any]:
    return next(s for s in state["tenantSettings"] if s["settingName"] == PUBLIC_APIS)


def power_bi_of(state: State) -> dict[str, Any]:
    return next(s for s in state["servicePrincipals"] if s["appId"] == POWER_BI)


def group_of(state: State) -> dict[str, Any]:
    return next(g for g in state["groups"] if principal_of(state)["id"] in g["members"])


def healthy(_state: State) -> None:
    pass


def setting_off(state: State) -> None:
    setting_of(state)["enabled"] = False


def not_in_the_group(state: State) -> None:
    group_of(state)["members"] = []


def in_an_excluded_group(state: State) -> None:
    state["groups"].append(
        {**group_of(state), "id": OTHER, "displayName": "Never", "members": [principal_of(state)["id"]]}
    )
    setting_of(state)["excludedSecurityGroups"] = [{"graphId": OTHER, "name": "Never"}]


def in_a_synced_group(state: State) -> None:
    group_of(state)["onPremisesSyncEnabled"] = True


def not_acting_yet(state: State) -> None:
    setting = setting_of(state)
    setting["_before"] = {**setting, "enabled": False, "until": 4e9}


def no_role(state: State) -> None:
    for workspace in state["workspaces"]:
        workspace["roleAssignments"] = [r for r in workspace["roleAssignments"] if r["principal"]["type"] == "User"]


def secret_expired(state: State) -> None:
    for credential in app_of(state)["passwordCredentials"]:
        credential["endDateTime"] = "2026-01-01T00:00:00Z"


def secret_removed(state: State) -> None:
    app_of(state)["passwordCredentials"] = []


def app_deleted(state: State) -> None:
    gone = principal_of(state)
    state["applications"].remove(app_of(state))
    state["servicePrincipals"].remove(gone)


def no_service_principal(state: State) -> None:
    state["servicePrincipals"].remove(principal_of(state))


def disabled(state: State) -> None:
    principal_of(state)["accountEnabled"] = False


def deactivated(state: State) -> None:
    app_of(state)["isDisabled"] = True


def barred(state: State) -> None:
    app_of(state)["disabledByMicrosoftStatus"] = "DisabledDueToViolationOfServicesAgreement"


def power_bi_disabled(state: State) -> None:
    power_bi_of(state)["accountEnabled"] = False


def power_bi_missing(state: State) -> None:
    state["servicePrincipals"].remove(power_bi_of(state))


def app_role(state: State) -> None:
    state["appRoleAssignments"].append(
        {
            "id": OTHER,
            "appRoleId": TENANT_READ_ALL,
            "principalId": principal_of(state)["id"],
            "principalType": "ServicePrincipal",
            "resourceId": power_bi_of(state)["id"],
        }
    )


def blocked(state: State) -> None:
    state["conditionalAccessPolicies"] = [
        {
            "id": OTHER,
            "displayName": "Block workloads",
            "state": "enabled",
            "conditions": {
                "clientAppTypes": ["all"],
                "applications": {"includeApplications": ["All"]},
                "clientApplications": {"includeServicePrincipals": ["ServicePrincipalsInMyTenant"]},
            },
            "grantControls": {"operator": "OR", "builtInControls": ["block"]},
        }
    ]


def two_at_once(state: State) -> None:
    app_role(state)
    setting_off(state)


CHANGES = [
    healthy, setting_off, not_in_the_group, in_an_excluded_group, in_a_synced_group, not_acting_yet, no_role,
    secret_expired, secret_removed, app_deleted, no_service_principal, disabled, deactivated, barred, power_bi_disabled,
    power_bi_missing, app_role, blocked, two_at_once,
]  # fmt: skip


def findings(ran: Ran) -> tuple[bool, list[tuple[str, str]], dict[str, str]]:
    """What a doctor found, without the words that names and times stand in."""
    report = ran.json
    found = [(each["cause"], each["certainty"]) for each in report["findings"]]
    return report["healthy"], found, {c["id"].partition("workspace.")[0]: c["status"] for c in report["checks"]}


def offline(*words: str, stdin: str = "", folder: Path) -> Ran:
    """A command that needs no tenant."""
    return Cli(folder, {k: v for k, v in os.environ.items() if not k.startswith("PBISETUP_SANDBOX")})(
        *words, stdin=stdin
    )


def manifest_of(recording: dict[str, Any]) -> str:
    """The manifest that the recording was made with, in the recording's words."""
    value = next(f["value"] for f in recording["facts"] if f["fact"] == "manifest")
    workspaces = ", ".join(f'{{ name = "{w["key"]}", role = "{w["role"]}" }}' for w in value["workspaces"])
    return (
        f'[project]\nid = "{value["project_id"]}"\nname = "{value["app"]}"\ncloud = "sandbox"\n'
        f"[environments.{recording['environment']}]\npurposes = {json.dumps(value['purposes'])}\n"
        f"workspaces = [{workspaces}]\n"
    )


@pytest.fixture(scope="module")
def working(_sandbox_process: SandboxTenant, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, State]:
    """A folder that `init` made, and the tenant as it was then."""
    _sandbox_process.reset()
    folder = tmp_path_factory.mktemp("import") / "project"
    Cli(folder, _sandbox_process.env()).ok(*INIT)
    return folder, _sandbox_process.state()


@pytest.fixture
def cli(sandbox: SandboxTenant, working: tuple[Path, State], tmp_path: Path) -> Cli:
    """An app that works, in a folder of its own."""
    made, state = working
    shutil.copytree(made, tmp_path / "project")
    sandbox.put_state(state)
    return Cli(tmp_path / "project", sandbox.env())


def twin_of(cli: Cli, start_sandbox: Start, name: str) -> tuple[SandboxTenant, Cli]:
    """The twin of a recording in this folder, running, and the command line of somebody who looks at it."""
    recording = cli.folder / f"{name}.json"
    imported = offline("sandbox", "import", str(recording), folder=cli.folder)
    assert imported.code == 0, imported
    state = Path(imported.out.strip())
    assert state == recording.with_name(f"{name}.tenant.json")
    tenant = start_sandbox("--state", str(state), name=f"twin-{name}", state=False)
    there = Cli(cli.folder.parent / f"there-{name}", tenant.env())
    content = json.loads(recording.read_text(encoding="utf-8"))
    environment = content["environment"]
    (there.folder / "pbisetup.toml").write_text(manifest_of(content), encoding="utf-8")
    names = ("AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET")
    stored = [f"{each}={there.env.pop(each)}" for each in names if each in there.env]
    (there.folder / f".env.{environment}").write_text("\n".join(stored), encoding="utf-8")
    return tenant, there


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: str(change.__name__))
def test_in_the_twin_the_doctor_finds_what_was_found_there(
    cli: Cli, sandbox: SandboxTenant, start_sandbox: Start, change: Change
) -> None:
    """Once with an operator who saw everything, once by what the app alone was told."""
    sandbox.put_state(change)
    for operator in ("device", "none"):
        name = f"by-{operator}"
        first = cli("doctor", "dev", "--operator", operator, "--format", "json", "--record", f"{name}.json")
        assert f"{name}.json" in first.err

        _, there = twin_of(cli, start_sandbox, name)
        second = there("doctor", "--operator", operator, "--format", "json")

        assert findings(second) == findings(first), f"{first}\n{second}"


def test_a_twin_with_the_names_as_they_are_is_the_same_tenant(
    cli: Cli, sandbox: SandboxTenant, start_sandbox: Start
) -> None:
    """The folder of the original works against it, but for the secret, which nobody recorded."""
    sandbox.put_state(setting_off)
    first = cli(
        "doctor", "dev", "--operator", "device", "--format", "json", "--record", "as-it-is.json", "--record-names"
    )
    tenant, _ = twin_of(cli, start_sandbox, "as-it-is")
    assert tenant.tenant == sandbox.tenant
    secret = tenant.env()["AZURE_CLIENT_SECRET"]
    original = Cli(cli.folder, tenant.env())
    second = original("doctor", "dev", "--operator", "device", "--secret", "-", "--format", "json", stdin=secret)
    assert findings(second) == findings(first)
    mended = original("apply", "--yes", "--operator", "device")
    assert "tenant setting" in mended.err
    assert setting_of(tenant.state())["enabled"] is True


@pytest.mark.parametrize("operator", ["device", "none"])
def test_an_app_that_people_sign_in_to_has_its_people_in_the_twin(
    sandbox: SandboxTenant, start_sandbox: Start, tmp_path: Path, operator: str
) -> None:
    cli = Cli(tmp_path / "project", sandbox.env())
    cli.ok(*INIT, "--purpose", "user-sign-in")
    first = cli("doctor", "--operator", operator, "--format", "json", "--record", "people.json")
    tenant, there = twin_of(cli, start_sandbox, "people")
    second = there("doctor", "--operator", operator, "--format", "json")
    assert findings(second) == findings(first), f"{first}\n{second}"
    assert first.json["healthy"] is True
    assert tenant.state()["caller"]["user"] == tenant.state()["auto_approve"] == "user1@" + tenant.domain
    seen = json.loads((cli.folder / "people.json").read_text(encoding="utf-8"))
    validator().validate(seen)


def test_who_asked_the_wrong_authority_asks_it_of_the_twin_too(
    cli: Cli, sandbox: SandboxTenant, start_sandbox: Start
) -> None:
    path = cli.folder / ".env.dev"
    text = path.read_text(encoding="utf-8").replace(sandbox.tenant, "common")
    path.write_text(text, encoding="utf-8")
    first = cli("doctor", "dev", "--format", "json", "--record", "common.json")
    tenant, there = twin_of(cli, start_sandbox, "common")
    assert tenant.state()["caller"]["tenant"] == "common"
    assert findings(there("doctor", "--format", "json")) == findings(first)


# -- the file --------------------------------------------------------------------------------------------------------


@cache
def validator() -> jsonschema.Draft202012Validator:
    text = (ROOT / "src/pbisetup/catalog/data/recording.schema.json").read_text(encoding="utf-8")
    return jsonschema.Draft202012Validator(json.loads(text))


@pytest.mark.parametrize("names", [(), ("--record-names",)], ids=["replaced", "original"])
@pytest.mark.parametrize("operator", ["none", "device"])
def test_a_recording_of_a_bad_diagnosis_is_written_whole_and_private(
    cli: Cli, sandbox: SandboxTenant, operator: str, names: tuple[str, ...]
) -> None:
    sandbox.put_state(two_at_once)
    secret = cli.stored()["AZURE_CLIENT_SECRET"]
    ran = cli("doctor", "dev", "--operator", operator, "--record", "seen.json", *names)
    assert ran.code == 1
    assert "Not healthy." in ran.out
    path = cli.folder / "seen.json"
    if os.name == "posix":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [p.name for p in cli.folder.iterdir() if p.name.endswith(".tmp")] == []
    text = path.read_text(encoding="utf-8")
    validator().validate(json.loads(text))
    assert parse(text).names == ("original" if names else "replaced")
    assert secret not in text
    assert secret[:12] not in text
    own = (sandbox.tenant, app_of(sandbox.state())["appId"], "Reports Dev", app_of(sandbox.state())["uniqueName"])
    assert [each in text for each in own[:3]] == [bool(names)] * 3
    if operator == "device":
        assert all((each in text) == bool(names) for each in (*own, "contoso", "admin@", "Contoso"))


def test_a_secret_that_the_service_gives_back_is_not_recorded(cli: Cli, sandbox: SandboxTenant) -> None:
    secret = cli.stored()["AZURE_CLIENT_SECRET"]
    said = {"error": "invalid_client", "error_codes": [7000215], "error_description": f"AADSTS7000215: not {secret}"}
    sandbox.faults({"match": {"path": "/token$"}, "status": 401, "body": said})
    cli("doctor", "dev", "--record", "seen.json", "--record-names")
    text = (cli.folder / "seen.json").read_text(encoding="utf-8")
    assert "AADSTS7000215: not ***" in text
    assert secret not in text


def test_only_a_recording_is_replaced(cli: Cli) -> None:
    manifest = (cli.folder / "pbisetup.toml").read_text(encoding="utf-8")
    refused = cli("doctor", "dev", "--record", "pbisetup.toml")
    assert refused.code == 2
    assert "not overwritten" in refused.err
    assert refused.out == ""
    assert (cli.folder / "pbisetup.toml").read_text(encoding="utf-8") == manifest
    for _ in range(2):
        cli.ok("doctor", "dev", "--record", "seen.json")
    (cli.folder / "old.json").write_text('{"schema": "pbisetup/recording/v1"}', encoding="utf-8")
    cli.ok("doctor", "dev", "--record", "old.json")
    assert parse((cli.folder / "old.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--record", "-"), "standard output carries the report"),
        (("--record", "."), "is a folder"),
        (("--record", "no/such/folder/seen.json"), "cannot be written"),
        (("--record-names",), "says nothing without --record"),
    ],
)
def test_what_cannot_be_recorded_is_said_before_anything_is_asked(
    cli: Cli, sandbox: SandboxTenant, words: tuple[str, ...], said: str
) -> None:
    sandbox.clear_requests()
    ran = cli("doctor", "dev", *words)
    assert ran.code == 2
    assert said in " ".join(ran.err.split())
    assert sandbox.requests() == []


# -- what is imported ------------------------------------------------------------------------------------------------


def recording(*facts: dict[str, Any], **changes: Any) -> dict[str, Any]:
    known = [{"status": "known", **fact} for fact in facts]
    return {
        "schema": "pbisetup/recording/v1",
        "made": "2026-01-31T00:00:00Z",
        "version": "0.9",
        "cloud": "public",
        "names": "original",
        "facts": known,
        **changes,
    }


def imported(folder: Path, content: Any, *words: str) -> Ran:
    folder.mkdir(parents=True, exist_ok=True)
    text = content if isinstance(content, str | bytes) else json.dumps(content)
    (folder / "it.json").write_bytes(text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text)
    return offline("sandbox", "import", "it.json", *words, folder=folder)


BAD = [
    ("not json", "it is not JSON"),
    (b"\xff\xfe\x00", "not UTF-8"),
    ("{}", "no schema"),
    (recording(schema="pbisetup/doctor/v1"), "not a recording"),
    (recording(schema="pbisetup/recording/v9"), "made by a newer pbisetup"),
    (recording(facts="x"), "facts must be a list"),
    (recording(cloud="moon"), "cloud 'moon' is not one of"),
    (recording({"fact": "app", "value": {"client_id": OTHER}}), "object_id"),
    (recording({"fact": "app", "value": {"object_id": "x", "client_id": OTHER}}), "app.object_id must be a GUID"),
    (recording({"fact": "tenant", "value": {"tenant": "\u202ered\x1b[2J", "id": OTHER}}), "control characters"),
    (recording({"fact": "tenant", "value": {"tenant": "two\nlines", "id": OTHER}}), "line ends"),
    (recording({"fact": "tenant", "value": {"tenant": "a" * 300, "id": OTHER}}), "1 to 256 characters"),
    (recording({"fact": "tenant", "value": {"tenant": "A", "domain": "../../etc", "id": OTHER}}), "no domain name"),
    (recording({"fact": "settings", "value": 7}), "not as docs/recording.md says"),
    (recording({"fact": "settings", "value": [{"setting": "A"}, {"setting": "A"}]}), "appears twice"),
    (
        recording({"fact": "workspace", "of": "w", "value": {"id": OTHER, "workspace": "w", "roles": [
            {"principal": OTHER, "role": "King"},
        ]}}),
        "'King' is not one of",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("content", "said"), BAD, ids=[str(n) for n in range(len(BAD))])
def test_what_cannot_be_imported_is_refused_in_words(tmp_path: Path, content: Any, said: str) -> None:
    ran = imported(tmp_path, content)
    assert ran.code == 2
    assert ran.out == ""
    assert said in " ".join(ran.err.split())
    assert "\x1b" not in ran.err
    assert [p.name for p in tmp_path.iterdir()] == ["it.json"]


@pytest.mark.parametrize("name", [".", "..", "/", ""])
def test_what_is_no_file_is_said_to_be_unreadable(tmp_path: Path, name: str) -> None:
    ran = offline("sandbox", "import", name, folder=tmp_path)
    assert ran.code == 2
    assert ran.out == ""
    assert "cannot be read" in ran.err
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_not_there_or_is_huge(tmp_path: Path) -> None:
    assert "cannot be read" in offline("sandbox", "import", "none.json", folder=tmp_path).err
    with (tmp_path / "it.json").open("wb") as file:
        file.truncate(40 * 1024 * 1024)
    ran = offline("sandbox", "import", "it.json", folder=tmp_path)
    assert ran.code == 2
    assert "larger than" in ran.err


def test_a_twin_does_not_replace_a_tenant_unless_asked_to(tmp_path: Path) -> None:
    first = imported(tmp_path, recording())
    assert first.out.strip() == "it.tenant.json"
    twin = (tmp_path / "it.tenant.json").read_bytes()
    again = imported(tmp_path, recording())
    assert again.code == 2
    assert "--replace" in again.err
    assert (tmp_path / "it.tenant.json").read_bytes() == twin
    assert imported(tmp_path, recording(), "--replace").code == 0
    assert (tmp_path / "it.tenant.json").read_bytes() != twin
    (tmp_path / "notes.txt").write_text("mine", encoding="utf-8")
    assert imported(tmp_path, recording(), "--replace", "--state", "notes.txt").code == 2
    assert (tmp_path / "notes.txt").read_text(encoding="utf-8") == "mine"


def test_a_twin_that_runs_is_not_replaced(tmp_path: Path, start_sandbox: Start) -> None:
    assert imported(tmp_path, recording()).code == 0
    start_sandbox("--state", str(tmp_path / "it.tenant.json"), state=False)
    ran = imported(tmp_path, recording(), "--replace")
    assert ran.code == 2
    assert "in use" in ran.err


def test_from_standard_input_to_a_running_twin(tmp_path: Path) -> None:
    given = json.dumps(
        recording({"fact": "tenant", "value": {"id": OTHER, "tenant": "Fabrikam", "domain": "fabrikam.example"}})
    )
    assert offline("sandbox", "import", "-", stdin=given, folder=tmp_path).code == 2
    ran = offline("sandbox", "import", "-", "--state", "twin.json", stdin=given, folder=tmp_path)
    assert ran.out.strip() == "twin.json"
    command = [sys.executable, "-m", "pbisetup", "sandbox", "import", "-", "--state", "run.json", "--start"]
    with subprocess.Popen(
        command, cwd=tmp_path, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        child.stdin.write(given)
        child.stdin.close()
        line = child.stdout.readline()
        child.terminate()
        assert line.split()[:1] == ["ready"]
        assert line.split()[-1] == "fabrikam.example"


def test_what_nobody_recorded_is_healthy_and_said(tmp_path: Path, start_sandbox: Start) -> None:
    """A client id, a tenant, and nothing else: an app that works, and a list of what was assumed."""
    credential = {"where": "x", "tenant_id": OTHER, "client_id": str(uuid.uuid4()), "has_secret": True}
    ran = imported(tmp_path, recording({"fact": "credential", "observer": "local", "value": credential}))
    said = " ".join(ran.err.split())
    for what in ("the app registration", "the app's secrets", "the service principal", "the tenant settings"):
        assert f"not recorded: {what}, assumed " in said
    tenant = start_sandbox("--state", str(tmp_path / "it.tenant.json"), state=False)
    assert tenant.tenant == OTHER
    doctor = Cli(tmp_path / "there", tenant.env())("doctor", "--cloud", "sandbox", "--format", "json")
    assert doctor.json["healthy"] is True, doctor


@pytest.mark.parametrize(
    ("code", "what", "instead"),
    [
        (7000222, "the app's secrets", "one that ended yesterday, because the token endpoint called it expired"),
        (7000112, "the service principal", "a disabled one, as the token endpoint said"),
        (7000229, "the service principal", "none, as the token endpoint said"),
        (700016, "the app registration", "that the tenant has none with this client id, as the token endpoint said"),
        (None, "the app's secrets", "one, valid for two months"),
    ],
)
def test_what_is_assumed_is_said_once_and_as_the_twin_has_it(code: int | None, what: str, instead: str) -> None:
    credential = {"where": "x", "tenant_id": OTHER, "client_id": OTHER, "has_secret": True}
    facts: list[dict[str, Any]] = [{"fact": "credential", "value": credential}]
    if code:
        facts.append({"fact": "token", "value": {"issued": False, "codes": [code], "message": "refused"}})
    twin = build(parse(json.dumps(recording(*facts))))
    about = [
        line for line in twin.assumed if what.removeprefix("the app's ").rstrip("s") in line.partition(", assumed")[0]
    ]
    assert about == [f"not recorded: {what}, assumed {instead}"]


def test_a_secret_ends_as_long_after_now_as_it_did_after_the_recording() -> None:
    app = {"object_id": str(uuid.uuid4()), "client_id": OTHER}
    keys = [str(uuid.uuid4()) for _ in range(3)]
    ends = ["2026-02-10T00:00:00Z", "2026-01-01T00:00:00Z", None]
    listed = [{"key_id": key, "hint": "abc", "ends": end} for key, end in zip(keys, ends, strict=True)]
    twin = build(parse(json.dumps(recording({"fact": "app", "value": {**app, "passwords": listed}}))))
    made = next(a for a in twin.state["applications"] if a["appId"] == OTHER)["passwordCredentials"]
    days = [(datetime.fromisoformat(c["endDateTime"]) - datetime.now(UTC)) / timedelta(days=1) for c in made]
    assert days == pytest.approx([10, -30, 365], abs=0.1)
    assert [c.get("_renewed", False) for c in made] == [False, False, True], "the one that is good for longest"


def test_the_client_of_the_azure_cli_is_in_the_twin_once() -> None:
    credential = {"where": "x", "tenant_id": OTHER, "client_id": AZURE_CLI, "has_secret": True}
    twin = build(parse(json.dumps(recording({"fact": "credential", "value": credential}))))
    assert [s["appId"] for s in twin.state["servicePrincipals"]].count(AZURE_CLI) == 1


def test_facts_that_later_versions_record_are_built_too(tmp_path: Path, start_sandbox: Start) -> None:
    capacity, workspace, group, person = (str(uuid.uuid4()) for _ in range(4))
    client, principal = str(uuid.uuid4()), str(uuid.uuid4())
    facts = [
        {"fact": "service_principal", "value": {"object_id": principal, "client_id": client}},
        {"fact": "app_role_assignments", "value": [{"permission": "Tenant.Read.All"}]},
        {"fact": "capacities", "value": [{"id": capacity, "capacity": "f64", "sku": "F64", "state": "Suspended"}]},
        {"fact": "group", "of": "Authors", "value": {"id": group, "group": "Authors", "members": [{"id": principal}]}},
        {
            "fact": "workspace",
            "of": "Sales",
            "value": {
                "id": workspace,
                "workspace": "Sales",
                "capacity_id": capacity,
                "roles": [
                    {"principal": group, "role": "Member"},
                    {"principal": "ann@contoso.onmicrosoft.com", "role": "Admin"},
                    {"principal": person, "role": "Viewer", "kind": "User"},
                ],
            },
        },
        {"fact": "weather", "value": {"wind": 3}},
    ]
    given = recording(*facts)
    validator().validate(given)
    assert imported(tmp_path, given).code == 0
    tenant = start_sandbox("--state", str(tmp_path / "it.tenant.json"), state=False)
    token = tenant.app_token(client, tenant.env()["AZURE_CLIENT_SECRET"])
    answer = tenant.http.get("/v1.0/myorg/groups", headers={"Authorization": f"Bearer {token}"})
    assert [(w["id"], w["capacityId"].lower()) for w in answer.json()["value"]] == [(workspace, capacity)]
    state = tenant.state()
    assert [c["state"] for c in state["capacities"]] == ["Suspended"]
    assert [a["principal"]["type"] for a in state["workspaces"][0]["roleAssignments"]] == ["Group", "User", "User"]
    assert "Tenant.Read.All" in json.dumps(
        [r["value"] for r in power_bi_of(state)["appRoles"] if r["id"] == state["appRoleAssignments"][-1]["appRoleId"]]
    )


junk = (
    st.none()
    | st.booleans()
    | st.integers(-5, 10**12)
    | st.text(max_size=8)
    | st.just([])
    | st.just({})
    | st.just(OTHER)
)
FULL = recording(
    {"fact": "tenant", "value": {"id": OTHER, "tenant": "A", "domain": "a.example"}},
    {"fact": "operator", "value": {
        "kind": "user", "object_id": OTHER, "account": "a@a.example", "directory_roles": [OTHER],
    }},
    {"fact": "manifest", "value": {
        "project_id": "p", "purposes": ["admin-read"], "workspaces": [{"key": "w", "role": "Viewer"}],
    }},
    {"fact": "credential", "value": {"where": "x", "tenant_id": OTHER, "client_id": OTHER, "has_secret": True}},
    {"fact": "token", "value": {
        "issued": True, "codes": [7000222], "claims": {"roles": ["Tenant.Read.All"], "object_id": OTHER},
    }},
    {"fact": "probe", "of": "GET /v1.0/myorg/groups", "value": {"status": 401, "code": "x"}},
    {"fact": "workspace_visible", "of": "w", "value": {"visible": True, "status": 200}},
    {"fact": "app", "value": {
        "object_id": OTHER, "client_id": OTHER, "owners": [{"id": OTHER}],
        "passwords": [{"key_id": OTHER, "hint": "abc", "ends": "2027-01-31T00:00:00Z"}],
        "declared": [{"resource_app_id": OTHER, "id": OTHER, "type": "Role"}],
    }},
    {"fact": "service_principal", "value": {"object_id": OTHER, "client_id": OTHER, "enabled": True}},
    {"fact": "delegated_grants", "value": [
        {"id": "g", "resource_id": OTHER, "scopes": ["Report.Read.All"], "principal_id": OTHER},
    ]},
    {"fact": "memberships", "value": [{"id": OTHER}]},
    {"fact": "settings", "value": [
        {"setting": PUBLIC_APIS, "enabled": True, "enabled_groups": [{"id": OTHER, "group": "g"}], "excluded_groups": []},
    ]},
    {"fact": "group", "of": "g", "value": {"id": OTHER, "group": "g", "members": [{"id": OTHER}]}},
    {"fact": "capacities", "value": [{"id": OTHER, "admins": [{"id": OTHER}]}]},
    {"fact": "workspace", "of": "w", "value": {
        "id": OTHER, "workspace": "w", "capacity_id": OTHER, "roles": [{"principal": OTHER, "role": "Viewer"}],
    }},
)  # fmt: skip


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, each in inner for place in places(each, (*path, key)))]


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.sampled_from([p for p in places(FULL["facts"]) if len(p) > 1]), junk), max_size=3))
def test_whatever_stands_in_a_recording_ends_in_a_tenant_or_in_words(
    changes: list[tuple[tuple[Any, ...], Any]],
) -> None:
    content = json.loads(json.dumps(FULL))
    for path, value in changes:
        target = content["facts"]
        try:
            for key in path[:-1]:
                target = target[key]
            target[path[-1]] = json.loads(json.dumps(value))  # its own: a later change may go into it
        except (TypeError, KeyError, IndexError):
            continue  # an earlier change took the place away
    try:
        twin = build(parse(json.dumps(content)))
    except RecordingError as error:
        assert error.problems  # noqa: PT017 - one of the two ways in which it may end
    else:
        assert problems(twin.state) == []
        json.dumps(twin.state)
