"""`explain` as a person runs it: what it prints, how it ends, how long it takes, what it loads, what it never shows."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.diagnosis.pastes import NOISE, explained, samples
from tests.diagnosis.tokens import token
from tests.journeys.test_startup import imported
from tests.support.cli import Cli

HEAVY = ("azure", "msgraph", "kiota", "msal", "httpx", "requests", "pydantic", "asyncio", "jwt", "cryptography", "rich")
ADMIN = "GET https://api.powerbi.com/v1.0/myorg/admin/groups\nHTTP/1.1 401 Unauthorized\n"


@pytest.fixture
def here(tmp_path: Path) -> Cli:
    """`pbisetup` in an empty folder, with no tenant and no network to talk to."""
    return Cli(tmp_path / "project", plain=True)  # what it costs is measured


def test_a_number_a_code_and_a_cause_are_explained(here: Cli) -> None:
    assert "The client secret has expired" in here.ok("explain", "AADSTS7000222").out
    assert "PBI301 The client secret has expired" in here.ok("explain", "pbi301").out
    assert "PBI501" in here.ok("explain", "tenant_setting_off").out
    assert "HTTPS_PROXY" in here.ok("explain", "PBI201").out  # a code that stops a command


def test_a_text_comes_as_arguments_a_file_or_standard_input(here: Cli) -> None:
    text = "AADSTS50105: The signed in user is not assigned to a role for the application"
    (here.folder / "build.log").write_text(text, encoding="utf-16")
    for ran in (
        here.ok("explain", *text.split()),
        here.ok("explain", "build.log"),
        here.ok("explain", "--file", "build.log"),
        here.ok("explain", "-", stdin=text),
        here.ok("explain", stdin=text.encode("utf-16-le")),
    ):
        assert ran.out.startswith("1. PBI410 ")


def test_an_unknown_text_ends_in_1_and_says_what_to_paste(here: Cli) -> None:
    ran = here("explain", "it", "does", "not", "work")
    assert ran.code == 1
    assert "x-powerbi-error-info" in ran.out
    assert here("explain", "--file", "missing.log").code == 2


def test_the_first_screen_says_what_to_do(here: Cli) -> None:
    # A process each: every sixth is enough of the screen, of which the rules' own tests read all.
    for sample in [each for each in samples() if explained(each.text)][::6]:
        ran = here("explain", "-", stdin=sample.text, env={"COLUMNS": "80", "LINES": "24"})
        screen = ran.out.splitlines()[:24]
        assert ran.code == 0, sample.id
        assert any(line.startswith("1. PBI") for line in screen), ran
        assert any(line.startswith("   ") and ": " in line and line.strip()[0].islower() for line in screen), ran
        prose = [line for line in ran.out.splitlines() if not line.startswith("       ") and " " in line.strip()]
        assert max(map(len, prose)) <= 80, ran


def test_what_a_tool_hid_is_told(here: Cli) -> None:
    ran = here.ok("explain", "-", stdin="Get-PowerBIReport : Operation returned an invalid status code 'Unauthorized'")
    assert "run Resolve-PowerBIError -Last" in " ".join(ran.out.split())


def test_json_has_the_shape_of_the_doctor(here: Cli) -> None:
    shown = here.ok("explain", "-", "--format", "json", stdin=ADMIN + token(roles=["Tenant.Read.All"])).json
    assert shown["schema"] == "pbisetup/explain/v1"
    first = shown["findings"][0]
    assert (first["cause"], first["certainty"]) == ("admin_consented_permission_blocks_admin_api", "certain")
    assert first["decided_by"] is None
    assert {each["source"] for each in first["evidence"]} == {"line 1", "line 2", "line 3"}
    assert set(first["remedies"][0]) == {"who", "action", "text", "command", "url", "fixable"}
    assert json.loads(here("explain", "nothing", "--format", "json").out) == {
        "schema": "pbisetup/explain/v1",
        "findings": [],
    }


def test_nothing_secret_is_shown(here: Cli) -> None:
    secrets = ["hunter2canary", "Xy8Q~canary.ABCDEFGHIJKLMNOPQRSTUVWXYZ12", token().rsplit(".", 1)[0]]
    text = (
        f"AZURE_CLIENT_SECRET={secrets[1]} AADSTS7000215: Invalid client secret provided. --client-secret {secrets[0]}\n"
        f"POST https://login.microsoftonline.com/t/oauth2/token client_secret={secrets[0]}&grant_type=client_credentials\n"
        f"https://me:{secrets[0]}@api.powerbi.com/v1.0/myorg/groups HTTP/1.1 401 Unauthorized password: {secrets[0]}\n"
        f"User ID=app:1@2;Password={secrets[0]};Data Source=powerbi://api.powerbi.com/v1.0/myorg/w\n"
        f"Authorization: Bearer {token()}\n\x1b]0;title\x07\x9b31m\x07AADSTS50011\u202e reversed\n"
    )
    for more in ([], ["--format", "json"]):
        ran = here.ok("explain", "-", *more, stdin=text)
        assert not [secret for secret in secrets if secret in ran.out + ran.err]
        assert all(char.isprintable() or char == "\n" for char in ran.out)


@pytest.mark.parametrize("raw", [
    b"", b"\x00", b"\xff\xfe", b"\xff\xfea", b"\xfe\xff\x00", bytes(range(256)) * 20, b"\xc3\x28" * 100, b"eyJ" * 30_000,
    b"{" * 90_000, b'{"aud":' * 12_000, b"https://" * 12_000, b"a" * 90_000, b"\x1b[" * 40_000, b"AADSTS" * 15_000,
    b"error " * 15_000, b"(401" * 20_000, b"/v1.0/myorg/" * 8_000, b"-Get-PowerBIReport " * 5_000, b"\\u0041" * 15_000,
    b"&amp;" * 18_000, b'""' * 40_000, b"scope='" * 12_000, b"\n" * 90_000, b"> " * 40_000, b"workspace " * 9_000,
], ids=lambda raw: repr(raw[:12]))  # fmt: skip
def test_any_bytes_end_soon_and_without_a_traceback(here: Cli, raw: bytes) -> None:
    started = used()
    ran = here("explain", "-", stdin=raw)
    assert ran.code in (0, 1, 2), ran
    assert used() - started < allowed(1.0)


def test_a_long_log_takes_two_seconds(here: Cli) -> None:
    chosen = random.Random(7)  # noqa: S311
    lines = [f"2026-11-23T10:11:12Z {chosen.choice(NOISE)} error {number}" for number in range(160_000)]
    lines.insert(90_000, "##[error]AADSTS7000222: The provided client secret keys for app 'x' are expired.")
    raw = "\n".join(lines).encode()
    assert len(raw) > 9_000_000
    started = used()
    ran = here.ok("explain", "-", stdin=raw)
    assert used() - started < allowed(2.0)
    assert ran.out.startswith("1. PBI301 ")
    assert "line 90001" in ran.out


def test_a_number_is_explained_at_once(here: Cli) -> None:
    arguments = [sys.executable, "-m", "pbisetup", "explain", "AADSTS7000215"]
    assert min(timed(arguments, here) for _ in range(4)) < allowed(0.35)


def test_nothing_heavy_is_loaded() -> None:
    for arguments in (["AADSTS7000215"], ["PBI501"], [ADMIN + token()]):
        found = {module.split(".")[0] for module in imported("explain", *arguments)}
        assert not found & set(HEAVY)


def used() -> float:
    """Seconds that children have taken of a processor: a busy machine does not change them. Elsewhere the clock."""
    try:
        import resource
    except ImportError:
        return time.monotonic()
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    return spent.ru_utime + spent.ru_stime


def timed(arguments: list[str], cli: Cli) -> float:
    started = used()
    subprocess.run(arguments, cwd=cli.folder, capture_output=True, check=False)
    return used() - started


def allowed(seconds: float) -> float:
    """A time that holds where starting Python takes 20 ms."""
    empty = min(timed([sys.executable, "-c", "pass"], Cli(Path.cwd())) for _ in range(3))
    return seconds * max(1.0, empty / 0.02)
