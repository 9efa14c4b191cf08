"""How an error is told: code, what was seen, what to do; and nothing that could hold a secret when the fault is ours."""

from __future__ import annotations

import json

import pytest

from pbisetup.model.errors import (
    Evidence,
    ExitCode,
    Interrupted,
    PbisetupError,
    Refused,
    SignInFailed,
    StoreError,
    Unavailable,
    Unreachable,
    UsageError,
)
from pbisetup.planning.manifest import ManifestError
from pbisetup.ui.failure import show, show_unexpected
from pbisetup.ui.terminal import Terminal

SEEN = Evidence("GET /v1.0/me", "operator", "HTTP 403 Authorization_RequestDenied", "req-1")
REFUSED = Refused(
    "PBI901",
    "the owner: not allowed",
    status=403,
    service_code="Authorization_RequestDenied",
    remedy="Ask an owner.",
    command="pbisetup handoff dev",
    evidence=(SEEN,),
)


def test_a_failure_is_told_with_evidence_and_remedy(capsys: pytest.CaptureFixture[str]) -> None:
    assert show(Terminal(), REFUSED) is ExitCode.WRONG
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("PBI901: the owner: not allowed\n  seen at GET /v1.0/me: HTTP 403")
    assert " (request id req-1) Ask an owner. " in " ".join(said.err.split())
    assert said.err.endswith("\n    pbisetup handoff dev\n")


def test_a_failure_in_json_goes_to_stdout_whole(capsys: pytest.CaptureFixture[str]) -> None:
    show(Terminal(), REFUSED, as_json=True)
    said = capsys.readouterr()
    shown = json.loads(said.out)
    assert said.err == ""
    assert (shown["schema"], shown["code"], shown["command"]) == ("pbisetup/error/v1", "PBI901", "pbisetup handoff dev")
    assert shown["evidence"] == [
        {"source": SEEN.source, "observer": "operator", "fact": SEEN.fact, "request_id": "req-1"}
    ]


EXITS: dict[str, tuple[PbisetupError, int]] = {
    "usage": (UsageError("PBI104", "x"), 2),
    "manifest": (ManifestError(["x"]), 2),
    "not there": (Unavailable("PBI205", "x"), 3),
    "nobody answered": (Unreachable("PBI202", "x"), 3),
    "sign-in refused": (SignInFailed("PBI310", "x"), 3),
    "refused": (Refused("PBI901", "x", status=400), 1),
    "nowhere to keep the secret": (StoreError("PBI113", "x"), 1),
    "stopped": (Interrupted("PBI130", "x"), 130),
}


@pytest.mark.parametrize(("error", "code"), EXITS.values(), ids=EXITS)
@pytest.mark.parametrize("as_json", [False, True], ids=["text", "json"])
def test_each_kind_of_failure_has_its_exit_code(
    error: PbisetupError, code: int, as_json: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    assert int(show(Terminal(), error, as_json=as_json)) == code
    said = capsys.readouterr()
    assert error.code in (said.out if as_json else said.err)


def test_all_mistakes_of_a_manifest_are_listed_each_on_its_line(capsys: pytest.CaptureFixture[str]) -> None:
    show(Terminal(), ManifestError(["pbisetup.toml:3: one", "pbisetup.toml:9: two"]))
    lines = capsys.readouterr().err.splitlines()
    assert lines[:2] == ["PBI101: pbisetup.toml:3: one", "  pbisetup.toml:9: two"]


def test_words_of_a_service_cannot_steer_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    nasty = "\x1b[2J\x1b]0;owned\x07"
    evidence = (Evidence(nasty, "app", nasty, nasty),)
    show(Terminal(), Refused("PBI901", nasty, status=403, remedy=nasty, command=nasty, evidence=evidence))
    assert "\x1b" not in capsys.readouterr().err


def test_a_secret_in_a_message_is_crossed_out(capsys: pytest.CaptureFixture[str]) -> None:
    terminal = Terminal()
    terminal.redact.add("the-secret-value")
    for as_json in (False, True):
        show(terminal, UsageError("PBI104", "the-secret-value", remedy="the-secret-value"), as_json=as_json)
    said = capsys.readouterr()
    assert "the-secret-value" not in said.out + said.err


def test_a_fault_of_ours_tells_its_kind_and_place_and_no_value(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(KeyError) as caught:
        raise KeyError("the-secret-value")
    assert show_unexpected(Terminal(), caught.value) is ExitCode.WRONG
    said = capsys.readouterr().err
    assert "PBI999" in said
    assert "KeyError at" in said
    assert "the-secret-value" not in said
    assert "Traceback" not in said


def test_a_fault_without_a_place_is_told_too(capsys: pytest.CaptureFixture[str]) -> None:
    show_unexpected(Terminal(), ValueError("x"))
    assert "ValueError at ?" in capsys.readouterr().err
