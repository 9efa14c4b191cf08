"""`doctor` on a screen: the broken link is seen at once, every finding proves itself, and the end says what to do."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pbisetup.catalog.findings import finding
from pbisetup.model.finding import Check, Examination
from pbisetup.ui.progress import Line
from pbisetup.ui.report.chain import chain_lines
from pbisetup.ui.report.steps import skipped
from pbisetup.ui.terminal import _PLAIN, Terminal, visible
from tests.ui.examinations import BROKEN, HEALTHY, HOSTILE, SHUT, SP, examinations
from tests.ui.test_terminal import Tty, streams

COPIED = " " * 12
LEAD = re.compile(r"\s*(→ )?([✓!✗?-] |\d+\. |(why|saw|fix|see)  )?")


def shown(examination: Examination, width: int = 80, command: str = "") -> list[str]:
    return [text for text, _ in chain_lines(examination, width, command=command)]


def test_a_healthy_chain_fits_a_screen_and_ends_in_its_verdict() -> None:
    lines = shown(HEALTHY)
    assert len(lines) <= 24
    assert lines[:4] == [
        "On this machine",
        "  ✓ Credential: from .env.dev",
        "Network",
        "  ✓ login.microsoftonline.com: answers in 84 ms",
    ]
    assert "Directory" not in lines
    assert "Next, in this order:" not in lines
    assert not any("first broken link" in line for line in lines)
    assert lines[-1] == "Healthy."


def test_the_first_broken_link_has_an_arrow_and_is_named_below_the_chain() -> None:
    lines = shown(BROKEN)
    assert "→ ✗ Power BI API: HTTP 401 ServicePrincipalIsNotAllowedByTenantAdminSwitch" in lines
    assert "→ first broken link: Power BI API (api.groups)" in lines
    assert sum(line.startswith("→") for line in lines) == 2


def test_only_the_first_of_several_broken_links_has_the_arrow() -> None:
    twice = (Check("workspace.A", "A", "fail", "no"), Check("token.powerbi", "T", "fail", "no"))
    lines = shown(Examination("dev", twice, (), False, 1))
    assert lines[:4] == ["Token", "→ ✗ T: no", "Workspaces", "  ✗ A: no"]


def test_a_finding_says_how_certain_it_is_why_what_was_seen_and_who_mends_it_how() -> None:
    lines = shown(BROKEN)
    first = lines.index("1. PBI502 The service principal is in no group that the tenant lets in")
    assert lines[first + 1] == "   certain"
    assert lines[first + 2].startswith("   why  The tenant setting ")
    assert "   saw  GET /v1.0/myorg/groups, as the app: HTTP 401" in lines
    assert any(line.strip() == f"{SHUT.request_id})" for line in lines)
    assert "            az ad group member add --group GROUP_ID --member-id SP_OBJECT_ID" in lines
    assert "   see  you: To see whether it is in:" in lines
    assert "   likely, not certain; what decides is whether admin APIs are called" in lines


def test_a_long_command_stands_on_one_line_with_its_address_below() -> None:
    setting = finding("tenant_setting_off", "certain", environment="e" * 90)
    lines = shown(replace(BROKEN, findings=(setting,)))
    at = lines.index(f"{COPIED}pbisetup apply {'e' * 90}")
    assert lines[at + 1] == f"{COPIED}https://app.powerbi.com/admin-portal/tenantSettings"


def test_the_end_counts_says_what_was_skipped_and_what_to_do() -> None:
    assert shown(BROKEN)[-8:] == [
        "14 checks: 9 passed, 1 with a warning, 1 failed, 2 skipped, 1 not known",
        "  2 skipped because the API is shut",
        "",
        "Next, in this order:",
        "  1. Let pbisetup mend what it can: finding 1 as groups administrator.",
        "            pbisetup doctor dev --fix",
        "",
        "Not healthy.",
    ]


def test_what_cannot_be_fixed_here_names_who_must_act_and_another_look() -> None:
    faults = (
        finding("secret_expired", "certain", environment="dev"),
        finding("unreachable", "certain", message="No route."),
        finding("wrong_group_type", "possible"),
    )
    lines = shown(replace(BROKEN, findings=faults), command="pbisetup doctor dev --operator az")
    text = " ".join(" ".join(lines[lines.index("Next, in this order:") :]).split())
    assert "1. Let pbisetup mend what it can: finding 1. pbisetup doctor dev --operator az --fix" in text
    assert "2. Finding 2, network administrator: Let this machine reach the host" in text
    assert "3. If it is finding 3 (possible), " in text
    assert text.endswith("4. Then look again. pbisetup doctor dev --operator az Not healthy.")


def test_an_open_fix_is_said_to_be_open() -> None:
    likely = replace(BROKEN, findings=(finding("tenant_setting_off", "likely", environment="dev"),))
    text = " ".join(" ".join(shown(likely)).split())
    assert "finding 1 as fabric administrator (if that is it). pbisetup doctor dev --fix" in text


def test_an_app_without_a_manifest_is_fixed_by_the_same_command() -> None:
    loose = replace(BROKEN, environment=None, findings=(finding("secret_expired", "certain"),))
    assert f"{COPIED}pbisetup doctor --fix" in shown(loose)


def test_reasons_for_skipping_are_the_checks_own() -> None:
    reasons = ("not examined because there is no token", "not a token whose signature can be checked", "")
    checks = [Check(f"token.{n}", "t", "skip", reason) for n, reason in enumerate(reasons)]
    assert skipped(replace(HEALTHY, checks=tuple(checks))) == [
        "1 skipped because there is no token",
        "1 skipped: not a token whose signature can be checked",
        "1 skipped",
    ]


@pytest.mark.parametrize("width", [60, 80, 100])
def test_lines_fit_and_no_value_is_lost(width: int) -> None:
    lines = shown(BROKEN, width)
    assert all(len(line) <= width or line.startswith(COPIED) for line in lines)
    assert any(SP in line for line in lines)


@pytest.mark.parametrize("encoding", ["cp1252", "ascii", "cp437"])
@pytest.mark.parametrize("examination", [HEALTHY, BROKEN], ids=["healthy", "broken"])
def test_every_sign_has_a_stand_in(examination: Examination, encoding: str) -> None:
    with streams(encoding) as (out, _):
        terminal = Terminal()
        for text, style in chain_lines(examination, 80):
            terminal.result(text, style)
    lines = out.getvalue().decode(encoding).splitlines()
    assert [line for line in lines if "?" in line] == ["  ? Signature: the tenant publishes no key of this id"]
    assert all(len(line) <= 80 or line.startswith(COPIED) for line in lines)


def test_the_arrow_leaves_room_for_its_stand_in() -> None:
    for length in range(60, 80):
        check = Check("api.groups", "API", "fail", " ".join(["x" * (length - 40), "y" * 30]))
        with streams("ascii") as (out, _):
            terminal = Terminal()
            for text, style in chain_lines(Examination("dev", (check,), (), False, 1), 60):
                terminal.result(text, style)
        assert max(map(len, out.getvalue().decode().splitlines())) <= 60


def _exceeds_for_good_reason(line: str) -> bool:
    """A command to copy, or one word."""
    lead = LEAD.match(line)
    assert lead is not None
    return line.startswith(COPIED) or " " not in line[lead.end() :]


@given(examinations, st.integers(60, 100))
@settings(max_examples=150, deadline=None)
def test_any_text_is_shown_whole_within_the_width_and_steers_nothing(any_at_all: Examination, width: int) -> None:
    lines: list[Line] = chain_lines(any_at_all, width)
    assert lines[-1][0] == ("Healthy." if any_at_all.healthy else "Not healthy.")
    assert all(line.isprintable() for line, _ in lines)
    assert all(len(line) <= width or _exceeds_for_good_reason(line) for line, _ in lines)
    flat = " ".join(" ".join(line for line, _ in lines).split())
    told = [text for check in any_at_all.checks for text in (check.title, check.because)]
    for each in any_at_all.findings:
        told += [each.code, each.title, each.explanation]
        told += [text for seen in each.evidence for text in (seen.source, seen.fact, seen.request_id or "")]
        told += [text for remedy in each.remedies for text in (remedy.text, remedy.command or "", remedy.url or "")]
    for text in told:
        assert " ".join(visible(text).split()) in flat


@given(examinations)
@settings(max_examples=30, deadline=None)
def test_any_text_goes_through_any_pipe(any_at_all: Examination) -> None:
    lines = chain_lines(any_at_all, 80)
    for encoding in ("cp1252", "ascii"):
        with streams(encoding) as (out, _):
            terminal = Terminal()
            for text, style in lines:
                terminal.result(text, style)
        assert len(out.getvalue().decode(encoding).split("\n")) == len(lines) + 1


def test_a_terminal_knows_every_style(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    for text, style in chain_lines(BROKEN, 80):
        coloured = Terminal().styled(text, style, Tty())
        assert (coloured == text) is (style is None)
        monkeypatch.setenv("NO_COLOR", "1")
        assert Terminal().styled(text, style, Tty()) == text
        monkeypatch.delenv("NO_COLOR")


def test_no_sign_of_its_own_lacks_a_stand_in() -> None:
    foreign = {c for text, _ in chain_lines(BROKEN, 80) for c in text if not c.isascii()}
    assert foreign <= set(_PLAIN)


def test_a_hostile_name_is_shown_and_does_nothing() -> None:
    check = Check(f"workspace.{HOSTILE}", HOSTILE, "fail", HOSTILE)
    lines = shown(Examination(HOSTILE, (check,), (finding("secret_expired", "certain"),), False, 1))
    assert all(line.isprintable() for line in lines)
    assert any("\\x1b[31m" in line and "\\u202e" in line for line in lines)
