"""The numbers of Entra: each of this job whole, honest about its sources, and on the page that is made from them."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest
from typer.testing import CliRunner

from pbisetup.catalog.aadsts import deep, deep_entries, numbers, written
from pbisetup.catalog.findings import Entry, Grade, entries, finding
from pbisetup.cli.app import app
from pbisetup.diagnosis.paste.judge import judge, recognise
from pbisetup.model.finding import Severity
from pbisetup.model.plan import ACTION_KINDS, Who
from pbisetup.ui.aadsts import aadsts_page
from tests.catalog import test_remedies
from tests.catalog.test_findings import POINTLESS, placeholders, texts

ROOT = Path(__file__).parents[2]
each = pytest.mark.parametrize("entry", deep_entries().values(), ids=deep_entries())
ASKED_FOR = """
7000215 7000222 700016 700213 700211 700212 70021 700024 700027 700030 7000112 7000113 7000114 7000218 7000229 7000232
90002 90014 90094 90093 90095 900023 900144 900971 9002313 900382 500011 500014 50001 50011 500113 50020 50034 50053
50055 50057 50058 50059 50072 50074 50076 50079 50105 50126 50128 50131 50158 50173 50194 501051 53000 53001 53002
53003 53004 530032 530035 530036 65001 65004 65005 650052 650053 650056 650057 650059 70000 70002 70008 70011 70016
700082 700084 1002012
"""


def explained(*words: str, stdin: str | None = None) -> tuple[int, str]:
    """What `explain` answers: exit code and standard output."""
    ran = CliRunner().invoke(app, ["explain", *words], input=stdin, env={"COLUMNS": "80", "NO_COLOR": "1"})
    return ran.exit_code, ran.stdout


def test_the_numbers_of_this_job_are_there() -> None:
    assert set(ASKED_FOR.split()) <= set(deep_entries())
    assert set(deep_entries()) <= set(numbers())


@each
def test_a_number_is_explained_whole(entry: Entry) -> None:
    assert re.fullmatch(r"AADSTS\d{5,7}", entry.code)
    assert entry.cause in entries()
    assert entry.severity in get_args(Severity)
    assert not entry.title.endswith(".")
    assert len(entry.title) <= 100
    assert 20 < len(entry.explanation) <= 420
    assert 20 < len(entry.meaning) <= 900
    assert entry.decided_by
    assert not entry.decided_by.endswith(".")
    assert entry.confused_with
    assert entry.remedies
    assert entry.docs == f"docs/aadsts.md#{entry.code.lower()}"
    for text in texts(entry):
        assert not POINTLESS.search(text), text
        assert text == text.strip()
        assert "  " not in text
        assert all(len(sentence) < 330 for sentence in re.split(r"(?<=[.;:]) ", text)), text


@each
def test_what_proves_a_cause_names_the_cause(entry: Entry) -> None:
    named = [fact.partition(": ") for fact in entry.proof]
    assert all(cause in entries() and fact and not fact.endswith(".") for cause, _, fact in named), entry.proof
    assert entry.cause in {cause for cause, _, _ in named}


@each
def test_it_is_only_confused_with_what_there_is(entry: Entry) -> None:
    for other in entry.confused_with:
        assert other.cause in entries() or other.cause.removeprefix("AADSTS") in numbers(), other
        assert other.cause != entry.code
        assert not other.fact.endswith(".")


@each
def test_remedies_say_who_does_what_and_are_harmless(entry: Entry) -> None:
    for remedy in entry.remedies:
        assert remedy.who in get_args(Who)
        assert remedy.action is not None
        assert remedy.action.kind in ACTION_KINDS
        assert (remedy.url or "https://").startswith("https://")
        assert (remedy.command or "az").split()[0] in ("az", "pbisetup")
        assert not re.search(r"[<>`$|;&]", remedy.command or "")
        assert placeholders(remedy.command or "") <= {"environment"}
        assert not remedy.fixable or (remedy.command or "").startswith("pbisetup apply")
    for advice in entry.avoid:
        assert advice.text.startswith("Do not ")
        assert advice.why.endswith(".")
    test_remedies.test_nothing_dangerous_is_advised(entry)


@each
def test_sources_are_dated_and_graded_and_nothing_is_surer_than_they_are(entry: Entry) -> None:
    for source in entry.sources:
        assert re.fullmatch(r"20\d\d(-\d\d)?(-\d\d)?", source.date)
        assert source.grade in get_args(Grade)
        assert not re.search(r"\bfs:\d|/(?:work|tmp|home)/", source.what)
    known = numbers()[entry.code.removeprefix("AADSTS")]
    assert (entry.sources[0].grade == "documented") == (known.origin == "official")
    found = judge(recognise(entry.code.encode()))
    sure = [each for each in found if each.certainty == "certain"]
    assert not sure or entry.sources[0].grade in ("documented", "observed live", "several sources")
    assert not sure or len({cause.partition(":")[0] for cause in entry.proof}) == 1


def test_a_number_is_recognised_however_it_is_written() -> None:
    for text in ("AADSTS7000215", "aadsts7000215", "7000215", " AADSTS-7000215 ", "AADSTS7000215:", "'AADSTS 7000215'"):
        assert written(text) == "7000215", text
    assert written("AADSTS9999999") == "9999999"
    for text in ("", "401", "20261123", "9999999", "AADSTS", "7000215 is what I see", "x7000215"):
        assert written(text) is None, text
    assert deep("../aadsts") is None


@pytest.mark.parametrize("text", ["AADSTS7000215", "7000215", "aadsts-7000215"])
def test_a_number_alone_opens_its_page(text: str) -> None:
    code, shown = explained(text)
    assert code == 0
    assert shown.startswith("AADSTS7000215 The client secret is wrong\n")
    headings = [line for line in shown.splitlines() if line and not line.startswith(" ")][1:]
    assert headings[:4] == ["What the number says", "What it means here", "What proves which cause", "What decides it"]
    assert headings[4].startswith("Fix: ")
    assert headings[-1] == "References"
    assert all(len(line) <= 80 for line in shown.splitlines() if not line.startswith("    "))


def test_a_number_alone_is_ranked_as_json() -> None:
    code, shown = explained("7000215", "--format", "json")
    found = json.loads(shown)["findings"]
    assert code == 0
    assert [each["cause"] for each in found][:2] == ["invalid_secret", "secret_id_used_as_value"]
    assert not any(each["certainty"] == "certain" for each in found)


def test_a_number_of_others_has_its_name_and_one_line() -> None:
    code, shown = explained("50012")
    assert code == 0
    assert "AADSTS50012 (AuthenticationFailed): " in " ".join(shown.split())
    assert "not certain" in shown
    seen_in_public = " ".join(explained("AADSTS65006")[1].split())
    assert "only seen in public" in seen_in_public


def test_an_unknown_number_is_said_to_be_unknown() -> None:
    guid = "9b26b1e8-0500-40e2-b943-8670b59a8819"
    text = f"AADSTS7999999: Something new. Trace ID: {guid} Correlation ID: {guid} Timestamp: 2026-11-01 10:00:00Z"
    code, shown = explained("-", stdin=text)
    flat = " ".join(shown.split())
    assert code == 0
    assert "AADSTS7999999 is not among the numbers known here." in flat
    assert f"correlation id {guid}, trace id {guid}, time 2026-11-01 10:00:00Z" in flat
    assert not re.search(r"(?i)sign in again|log in again", flat)
    [only] = json.loads(explained("-", "--format", "json", stdin=text)[1])["findings"]
    assert (only["cause"], only["certainty"]) == ("entra_other", "possible")
    assert only["evidence"][-1]["request_id"] == guid


def test_no_placeholder_is_left_in_what_is_shown() -> None:
    for number in deep_entries():
        for made in judge(recognise(f"AADSTS{number}".encode())):
            for remedy in made.remedies:
                assert "{" not in (remedy.command or ""), number
    assert finding("entra_other", "possible").code == "PBI300"


def test_the_page_is_what_the_catalogue_makes_of_it() -> None:
    page = (ROOT / "docs" / "aadsts.md").read_text(encoding="utf-8")
    assert page == aadsts_page(), "run: python -m pbisetup.ui.aadsts > docs/aadsts.md"
    for number in numbers():
        assert f"## AADSTS{number}: " in page or f"| {number} | " in page


def test_a_page_needs_no_sdk() -> None:
    code = (
        "import sys; from pbisetup.cli.app import app; app(['explain', '7000215'], standalone_mode=False);"
        "print([n for n in ('azure', 'msgraph', 'httpx', 'pydantic') if n in sys.modules])"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert ran.stdout.endswith("[]\n"), ran.stdout[-200:] + ran.stderr
