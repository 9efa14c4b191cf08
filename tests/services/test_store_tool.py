"""Programs that keep secrets for us: what they are given, what is told of them, and how they end."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pbisetup.model.secret import Secret
from pbisetup.services.stores.tool import NoTool, Tool, typed

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the programs of these tests are shell scripts")

SECRET = Secret("one~canary.0001\nsecond line canary 0002\n")


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    return tmp_path / "helper"


def write(program: Path, script: str) -> Tool:
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return Tool("helper", 20, {"GIVEN": "1"}, ("NOISY",))


def test_a_secret_goes_in_by_standard_input_and_never_comes_back_in_words(program: Path) -> None:
    answer = write(program, "cat; cat >&2 <<EOF\n$HIDDEN\nEOF\nexit 3").run(stdin=SECRET, hidden={"HIDDEN": SECRET})
    assert answer.code == 3
    assert "canary" not in answer.out + answer.err + answer.said
    assert "***" in answer.said


def test_it_has_no_terminal_and_no_input_but_what_is_given(program: Path) -> None:
    tool = write(program, "if read line; then echo got $line; fi; [ -t 0 ] && echo terminal; exit 0")
    assert tool.run().out == ""
    assert tool.run(stdin="x\n").out == "got x\n"


def test_variables_that_would_make_it_talk_are_kept_from_it(program: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOISY", "1")
    assert write(program, "echo $NOISY-$GIVEN-$HIDDEN").run(hidden={"HIDDEN": Secret("s3cret")}).out == "-1-s3cret\n"
    assert "HIDDEN" not in os.environ


def test_arguments_are_words_whatever_is_in_them(program: Path) -> None:
    hostile = "$(touch pwned) `id` \"x\" 'y' ; \u202e"
    assert write(program, 'printf "%s|" "$@"').run(hostile, "--x").out == f"{hostile}|--x|"


def test_one_that_hangs_is_ended_with_everything_that_it_started(program: Path, tmp_path: Path) -> None:
    tool = write(program, f'sh -c "sleep 3; touch {tmp_path}/still-there" & sleep 60')
    started = time.monotonic()
    answer = Tool(tool.program, 0.3).run()
    assert answer.code is None
    assert answer.said == "no answer in time"
    assert time.monotonic() - started < 3
    assert not (tmp_path / "still-there").exists()


def test_killed_is_no_answer(program: Path) -> None:
    assert write(program, "kill -9 $$").run().code is None


def test_missing_or_not_to_be_started_is_said(program: Path) -> None:
    with pytest.raises(NoTool, match="not installed"):
        Tool("helper", 1).run()
    program.write_bytes(b"\x7fELF nonsense")
    program.chmod(0o755)
    with pytest.raises(NoTool, match="could not be started"):
        Tool("helper", 1).run()
    tool = write(program, "true")
    with pytest.raises(NoTool, match="zero byte"):
        tool.run("a\0b")


def test_a_batch_file_gets_no_argument_that_cmd_would_run(program: Path) -> None:
    write(program.with_name("helper.cmd"), "echo ran")
    tool = Tool("helper.cmd", 20)
    assert tool.run("plain words").out == "ran\n"
    for hostile in ("a&calc", "%PATH%", 'a"b', "a\nb", "a^b"):
        with pytest.raises(NoTool, match="batch file"):
            tool.run(hostile)


@pytest.mark.parametrize(
    "word", ["Reports", "Sales & Co", "$(touch pwned)", "a'b", 'a"b', "a`id`b", "-x", "100%", "ünï"]
)
def test_a_command_that_is_shown_means_the_word_that_it_names(word: str) -> None:
    shown = subprocess.run(["sh", "-c", f"printf %s {typed(word)}"], capture_output=True, text=True, check=True)
    assert shown.stdout == word
