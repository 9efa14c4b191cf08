"""What reaches the screen: no secret in any spelling, no traceback for any character, no name that steers the terminal."""

from __future__ import annotations

import base64
import contextlib
import io
import json
import string
import subprocess
import sys
from collections.abc import Callable, Iterator
from urllib.parse import quote, quote_plus, urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pbisetup.ui.terminal import Redactor, Terminal, visible, wrap
from tests.diagnosis.tokens import token

SECRET = "aB3~x/y+z=%&\"'\\ é_Q8-secret"
SPELLINGS: dict[str, Callable[[str], str]] = {
    "plain": str,
    "in a URL": lambda s: quote(s, safe=""),
    "in a path": quote,
    "in a form": lambda s: urlencode({"client_secret": s}),
    "with plus for blanks": quote_plus,
    "in JSON": json.dumps,
    "base64": lambda s: base64.b64encode(s.encode()).decode(),
    "base64 for URLs": lambda s: base64.urlsafe_b64encode(s.encode()).decode(),
    "base64 without its end": lambda s: base64.b64encode(s.encode()).decode().rstrip("="),
}


@pytest.mark.parametrize("spell", SPELLINGS.values(), ids=SPELLINGS)
def test_a_known_secret_is_crossed_out_in_every_spelling(spell: Callable[[str], str]) -> None:
    redact = Redactor()
    redact.add(SECRET)
    shown = redact(f"before {spell(SECRET)} after {spell(SECRET)}")
    assert spell(SECRET).strip('"').rstrip("=") not in shown
    assert shown.count("***") == 2
    assert shown.startswith("before ")


@settings(max_examples=100, deadline=None)
@given(st.text(string.printable + "äöü€", min_size=8, max_size=40), st.sampled_from(sorted(SPELLINGS)))
def test_any_secret_is_crossed_out(secret: str, spelling: str) -> None:
    redact = Redactor()
    redact.add(secret)
    assert SPELLINGS[spelling](secret).strip('"').rstrip("=") not in redact(f"<{SPELLINGS[spelling](secret)}>")


def test_the_longer_of_two_secrets_is_crossed_out_whole() -> None:
    redact = Redactor()
    redact.add("secret-part")
    redact.add("secret-part-and-more")
    assert redact("x secret-part-and-more y secret-part z") == "x *** y *** z"


def test_the_key_of_a_certificate_is_crossed_out_however_its_lines_are_wrapped() -> None:
    pem = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG\n9w0BAQEFAASCBKcwggSj\nAg==\n-----END PRIVATE KEY-----\n"
    redact = Redactor()
    redact.add(pem)
    assert redact(pem) == "***"
    shown = redact(" ".join(pem.split()))
    assert shown == "-----BEGIN PRIVATE KEY----- *** *** Ag== -----END PRIVATE KEY-----"


def test_ordinary_words_are_not_crossed_out() -> None:
    redact = Redactor()
    redact.add("short")
    redact.add("")
    text = "a short text with eyJust and eyJ.x.y"
    assert redact(text) == text


@pytest.mark.parametrize(
    "text", [token(), f"Bearer {token()}", f'{{"access_token":"{token()}"}}', token({"alg": "none"}, signature="")]
)
def test_a_token_is_crossed_out_though_nobody_named_it(text: str) -> None:
    shown = Redactor()(text)
    assert "***" in shown
    assert "eyJ" not in shown


@contextlib.contextmanager
def streams(encoding: str) -> Iterator[tuple[io.BytesIO, io.BytesIO]]:
    """Standard output and error as pipes of this encoding."""
    out, err = io.BytesIO(), io.BytesIO()
    wrapped = [io.TextIOWrapper(raw, encoding=encoding, write_through=True, newline="\n") for raw in (out, err)]
    with contextlib.redirect_stdout(wrapped[0]), contextlib.redirect_stderr(wrapped[1]):
        yield out, err
    for stream in wrapped:
        stream.detach()


@settings(max_examples=100, deadline=None)
@given(st.text(st.characters(), max_size=30), st.sampled_from(["cp1252", "ascii", "cp437", "utf-8", "utf-16"]))
def test_every_character_survives_every_pipe(text: str, encoding: str) -> None:
    with streams(encoding) as (out, err):
        terminal = Terminal()
        terminal.result(text)
        terminal.say(text, "green")
        terminal.wrapped(text)
        terminal.transient(text)
        terminal.value("plain")
    assert out.getvalue()
    assert err.getvalue()


def test_signs_have_plain_substitutes_where_a_pipe_cannot_show_them() -> None:
    with streams("cp1252") as (out, _):
        Terminal().result("✓ ✗ → … é")
    assert out.getvalue().decode("cp1252") == "+ x -> ... é\n"


def test_the_result_goes_to_stdout_and_everything_else_to_stderr() -> None:
    with streams("utf-8") as (out, err):
        terminal = Terminal()
        terminal.redact.add("the-secret-value")
        terminal.result("result the-secret-value")
        terminal.say("said the-secret-value")
        terminal.wrapped("wrapped the-secret-value")
        terminal.value("the-secret-value")
    assert out.getvalue() == b"result ***\nthe-secret-value"
    assert err.getvalue() == b"said ***\n  wrapped ***\n"


def test_a_pipe_gets_no_colour_and_no_passing_lines() -> None:
    with streams("utf-8") as (_, err):
        terminal = Terminal()
        terminal.transient("… wait")
        terminal.say("done", "green")
        assert not terminal.interactive
    assert err.getvalue() == b"done\n"


class Tty(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("variables", "asked", "coloured"),
    [
        pytest.param({"TERM": "xterm"}, True, True, id="a terminal"),
        pytest.param({"TERM": "xterm", "NO_COLOR": "1"}, True, False, id="NO_COLOR"),
        pytest.param({"TERM": "xterm", "NO_COLOR": ""}, True, True, id="NO_COLOR is empty"),
        pytest.param({"TERM": "dumb"}, True, False, id="a dumb terminal"),
        pytest.param({"TERM": "xterm"}, False, False, id="--no-color"),
    ],
)
def test_colours_are_for_terminals_that_want_them(
    variables: dict[str, str], asked: bool, coloured: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    shown = Terminal(color=asked).styled("x", "red", Tty())
    assert (shown == "\x1b[31mx\x1b[0m") is coloured
    assert shown == "x" or coloured


def test_a_reader_that_goes_away_ends_the_run_quietly() -> None:
    writes = "from pbisetup.ui.terminal import Terminal\nt = Terminal()\nfor _ in range(100000): t.result('x' * 100)\n"
    with subprocess.Popen([sys.executable, "-c", writes], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as child:
        assert child.stdout is not None
        assert child.stderr is not None
        child.stdout.readline()
        child.stdout.close()
        assert child.stderr.read() == b""
    assert child.returncode == 0


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        pytest.param("Reports\x1b[2J", "Reports\\x1b[2J", id="clears the screen"),
        pytest.param("a\rb", "a\\rb", id="overwrites the line"),
        pytest.param("a\nb", "a\\nb", id="adds a line"),
        pytest.param("a\x9b31m", "a\\x9b31m", id="one-byte escape"),
        pytest.param("\u202egnp.exe", "\\u202egnp.exe", id="turns the text round"),
        pytest.param("a\u200bb", "a\\u200bb", id="no width"),
        pytest.param("\ud800", "\\ud800", id="half a character"),
        pytest.param("Отчёты 報告 é 📊", "Отчёты 報告 é 📊", id="other scripts stay"),
    ],
)
def test_what_a_name_would_do_to_a_terminal_is_shown_instead(name: str, shown: str) -> None:
    assert visible(name) == shown


@given(st.text(max_size=40))
def test_no_name_holds_a_control_character_once_it_is_visible(name: str) -> None:
    assert visible(name).isprintable()


@given(st.text(st.characters(categories=["L", "Zs"]), max_size=200), st.integers(20, 100))
def test_wrapping_loses_no_word(text: str, width: int) -> None:
    assert " ".join(" ".join(wrap(text, width, "  ")).split()).split() == text.split()
