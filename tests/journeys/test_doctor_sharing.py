"""What `doctor` found, handed on: every format, recordings that a colleague diagnoses offline, and comparisons."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import jsonschema
import pytest

from tests.journeys.conftest import approve_as
from tests.journeys.test_doctor_network import free_port
from tests.journeys.test_init import INIT, ours
from tests.support.cli import Cli
from tests.support.patient import NO_APP, NO_SANDBOX, Patient, examined
from tests.support.tenant import SandboxTenant, State

WHO = ["you", "app owner", "cloud application administrator", "privileged role administrator", "groups administrator",
       "fabric administrator", "workspace admin", "capacity admin", "network administrator", "tool maintainer"]  # fmt: skip
TEXT = {"type": "string", "minLength": 1}
MAYBE = {"type": ["string", "null"]}


def closed(**properties: Any) -> dict[str, Any]:
    """An object with these keys and no other."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


EVIDENCE = closed(source=TEXT, observer={"enum": ["app", "operator", "local"]}, fact=TEXT, request_id=MAYBE)
REMEDY = closed(
    who={"enum": WHO},
    action={"anyOf": [{"type": "null"}, {"type": "object", "properties": {"kind": TEXT}, "required": ["kind"]}]},
    text=TEXT,
    command=MAYBE,
    url=MAYBE,
    fixable={"type": "boolean"},
)
FINDING = closed(
    code={"type": "string", "pattern": "^PBI[1-9][0-9]{2}$"},
    cause={"type": "string", "pattern": "^[a-z][a-z_]*$"},
    severity={"enum": ["error", "warning", "info"]},
    certainty={"enum": ["certain", "likely", "possible"]},
    title=TEXT,
    explanation=TEXT,
    evidence={"type": "array", "items": EVIDENCE, "minItems": 1},
    decided_by=MAYBE,
    remedies={"type": "array", "items": REMEDY, "minItems": 1},
    docs=TEXT,
)
CHECK = closed(
    id={"type": "string", "pattern": "^[a-z]+(\\..+)?$"},
    title=TEXT,
    status={"enum": ["pass", "warn", "fail", "skip", "unknown"]},
    because={"type": "string"},
)
CONTRACT = closed(
    schema={"const": "pbisetup/doctor/v1"},
    environment=MAYBE,
    healthy={"type": "boolean"},
    checks={"type": "array", "items": CHECK, "minItems": 1},
    findings={"type": "array", "items": FINDING},
    requests={"type": "integer", "minimum": 1},
)
"""DESIGN.md 4.2, to the letter; of evidence the request id, too."""


# -- formats -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("scenario", "operator"),
    [("automation", "none"), ("tenant-setting-off", "none"), ("not-in-allowed-group", "env"), ("secret-wrong", "env")],
)
def test_the_json_is_what_was_promised_and_stands_alone_on_standard_output(
    sandbox: SandboxTenant, tmp_path: Path, scenario: str, operator: str
) -> None:
    who = Patient(sandbox, tmp_path, scenario)
    ran = who.doctor("--operator", operator, "--format", "json", "--verbose", env=who.operator)
    seen = json.loads(ran.out)
    jsonschema.validate(seen, CONTRACT)
    assert seen["requests"] == ran.err.count("    GET ") + ran.err.count("    POST ")
    assert seen["healthy"] is (ran.code == 0) is (scenario == "automation")
    certain = [each for each in seen["findings"] if each["certainty"] == "certain"]
    assert all(each["decided_by"] is None for each in certain)
    assert len({(each["code"], each["title"]) for each in seen["findings"]}) == len(seen["findings"])


HOSTILE = "Evil \x1b[31m\u202egnp|`</testcase>]]>&"
_COPIED = re.compile(r"\s{12}\S")
"""A command or an address to copy, which is never wrapped."""


def renamed(state: State, client_id: str) -> None:
    """App, group and workspace get the worst of names."""
    for kind in ("applications", "servicePrincipals"):
        next(each for each in state[kind] if each["appId"] == client_id)["displayName"] = HOSTILE
    group = next(g for g in state["groups"] if g["displayName"] == "pbi-service-principals")
    group["displayName"] = HOSTILE
    next(w for w in state["workspaces"] if w["displayName"] == "Reports Dev")["displayName"] = HOSTILE
    for setting in state["tenantSettings"]:
        for each in setting.get("enabledSecurityGroups", []):
            if each["graphId"] == group["id"]:
                each["name"] = HOSTILE


def test_no_name_of_a_tenant_does_anything_in_any_format(sandbox: SandboxTenant, tmp_path: Path) -> None:
    who = Patient(sandbox, tmp_path, "not-in-allowed-group")

    def worst(state: State) -> None:
        renamed(state, who.client_id)
        state["auto_approve"] = "admin"

    sandbox.put_state(worst)
    look = ("--operator", "device", "--workspace", HOSTILE)
    shown = r"Evil \x1b[31m\u202egnp|`</testcase>]]>&"

    text = who.doctor(*look, env={"NO_COLOR": "1", "COLUMNS": "80"})
    assert text.code == 1, text
    assert f"App registration: {shown}" in text.out
    assert f"Workspace '{shown}'" in " ".join(text.out.split())
    assert "it is limited to" in text.out
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f\u202a-\u202e]", text.out + text.err)
    # But for what is to be copied, and for a single word that is longer by itself.
    long = [line for line in text.out.splitlines() if len(line) > 80 and not _COPIED.match(line)]
    assert [line for line in long if len(line.split()) > 1] == []
    assert text.out.splitlines()[-1] == "Not healthy."

    ticket = who.doctor(*look, "--format", "markdown").out
    rows = [line for line in ticket.splitlines() if line.startswith("|")]
    assert {len(re.findall(r"(?<!\\)\|", row)) for row in rows} == {4}
    prose = re.sub(r"^ *(`{3,})bash\n.*?\n *\1$", "", ticket, flags=re.MULTILINE | re.DOTALL)
    assert "</testcase>" not in re.sub(r"(`+)[^\n]*?(?<!`)\1(?!`)", "", prose)
    assert "\x1b" not in ticket
    assert "\u202e" not in ticket

    build = who.doctor(*look, "--format", "junit").out
    suites = ElementTree.fromstring(build)  # noqa: S314 - our own
    assert build.isascii()
    assert suites.get("failures") == str(len(suites.findall(".//failure"))) != "0"
    assert any(shown in str(case.get("name")) for case in suites.iter("testcase"))
    assert "PBI502" in {failure.get("type") for failure in suites.iter("failure")}

    log = json.loads(who.doctor(*look, "--format", "sarif").out)
    assert log["runs"][0]["results"][0]["ruleId"] == "PBI502"
    assert "\x1b" not in json.dumps(log, ensure_ascii=False)


@pytest.mark.parametrize("encoding", ["cp1252", "ascii"])
def test_a_pipe_that_knows_few_signs_gets_plain_ones(sandbox: SandboxTenant, tmp_path: Path, encoding: str) -> None:
    who = Patient(sandbox, tmp_path, "not-in-workspace")
    ran = who.doctor("--workspace", "Größe ✓", env={"PYTHONIOENCODING": encoding})
    assert ran.code == 1, ran
    assert "+ Credential: a client secret" in ran.out
    assert re.search(r"^-> [x!] Workspace 'Gr", ran.out, re.MULTILINE), ran.out
    assert ran.out.splitlines()[-1] == "Not healthy."


def test_an_alert_points_at_the_environments_line_of_the_manifest(cli: Cli, sandbox: SandboxTenant) -> None:
    cli.ok(*INIT, "--env", "dev,prod")
    sandbox.put_state(lambda state: expire(state, "prod"))
    log = cli("doctor", "prod", "--format", "sarif").json
    assert log["version"] == "2.1.0"
    run = log["runs"][0]
    assert [(each["ruleId"], each["level"]) for each in run["results"]] == [("PBI301", "error")]
    place = run["results"][0]["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "pbisetup.toml"
    line = (cli.folder / "pbisetup.toml").read_text().splitlines()[place["region"]["startLine"] - 1]
    assert line == "[environments.prod]"
    assert run["tool"]["driver"]["rules"][run["results"][0]["ruleIndex"]]["id"] == "PBI301"

    # The same two environments side by side.
    both = cli("doctor", "dev", "--compare", "prod")
    assert both.code == 1, both
    assert both.out.splitlines()[0] == "dev and prod differ first at: Token for Power BI (token.powerbi)"
    assert "Found in prod only:\n  PBI301 The client secret has expired (certain)" in both.out
    assert both.out.splitlines()[-1] == "dev is healthy, prod is not healthy."

    sandbox.put_state(lambda state: expire(state, "prod", "2099-01-01T00:00:00Z"))
    alike = cli.ok("doctor", "dev", "--compare", "prod", "--format", "json").json
    assert (alike["schema"], alike["same"], alike["first"]) == ("pbisetup/compare/v1", True, None)
    unknown = cli("doctor", "dev", "--compare", "staging")
    assert unknown.code == 2
    assert "the manifest has dev, prod" in unknown.err


def expire(state: State, environment: str, when: str = "2020-01-01T00:00:00Z") -> None:
    """The secret of this environment's app ends at another time."""
    for app in ours(state)["apps"]:
        if app["uniqueName"].endswith(f"-{environment}"):
            for secret in app["passwordCredentials"]:
                secret["endDateTime"] = when


# -- recordings ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("scenario", "look"),
    [
        ("automation", ("--operator", "device", "--workspace", "Reports Dev")),
        ("not-in-allowed-group", ("--operator", "device", "--workspace", "Reports Dev")),
        ("secret-wrong", ("--operator", "env")),
        ("not-in-workspace", ("--operator", "none", "--workspace", "Reports Dev")),
    ],
)
def test_a_recording_is_diagnosed_the_same_elsewhere_and_offline(
    sandbox: SandboxTenant, tmp_path: Path, scenario: str, look: tuple[str, ...]
) -> None:
    who = Patient(sandbox, tmp_path / "here", scenario)
    approve_as(sandbox, "admin")
    live = who.examine(*look, "--record", "seen.json", env=who.operator)
    assert "recorded in seen.json" in " ".join(live.ran.err.split())
    text = (who.folder / "seen.json").read_text()
    for told in (who.client_id, sandbox.tenant, sandbox.domain, "Contoso", "Reports Dev", "pbi-service-principals"):
        assert told not in text, told
    for name in ("AZURE_CLIENT_SECRET", "PBISETUP_SANDBOX_PASSWORD"):
        assert who.cli.env[name] not in text

    away = Cli(tmp_path / "elsewhere")
    away.env |= {**NO_SANDBOX, **NO_APP, "HTTPS_PROXY": f"http://127.0.0.1:{free_port()}"}
    (away.folder / "seen.json").write_text(text)
    sandbox.clear_requests()
    replayed = examined(away("doctor", "--replay", "seen.json", "--format", "json"))
    assert replayed.code == live.code == (0 if scenario == "automation" else 1)
    assert replayed.shape == live.shape
    assert [(c["id"].replace("workspace-1", "Reports Dev"), c["status"]) for c in replayed.json["checks"]] == [
        (c["id"], c["status"]) for c in live.json["checks"]
    ]
    jsonschema.validate(replayed.json, CONTRACT)
    if scenario == "not-in-allowed-group":
        piped = away("doctor", "--replay", "-", stdin=text)
        assert piped.code == 1
        assert "it is limited to 'group-1', and the app is not in it" in " ".join(piped.out.split())
        # Names apart, the tenant is as it was recorded; and then it is not.
        same = who.doctor(*look, "--compare", "seen.json", env=who.operator)
        assert same.code == 0, same
        mended = Patient(sandbox, tmp_path / "mended", "automation")
        (mended.folder / "seen.json").write_text(text)
        approve_as(sandbox, "admin")
        other = mended.doctor(*look, "--compare", "seen.json")
        assert other.code == 1
        assert "differ first at: Service principals can call Fabric public APIs" in " ".join(other.out.split())
    assert not [each for each in sandbox.requests() if "127.0.0.1" in each["host"]]


@pytest.mark.parametrize("rubbish", [b"\xff\x00{", b"{}", b"[" * 100_000, b'{"schema": "pbisetup/recording/v9"}'])
def test_what_is_no_recording_is_refused_in_words(tmp_path: Path, rubbish: bytes) -> None:
    ran = Cli(tmp_path)("doctor", "--replay", "-", stdin=rubbish)
    assert (ran.code, ran.out) == (2, ""), ran
    assert "standard input is no recording that can be read" in ran.err
