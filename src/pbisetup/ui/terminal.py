"""Where output goes: stdout carries the result, stderr everything else; secrets are crossed out of both.

Survives pipes of any encoding: what a cp1252 pipe cannot show is written as a plain substitute, never a traceback.
"""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import sys
import textwrap
import threading
import unicodedata
from typing import TextIO
from urllib.parse import quote, quote_plus

from pbisetup.model.secret import known_secrets

_JWT = re.compile(r"eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.?[A-Za-z0-9_-]*")
_COLOURS = {"green": "32", "yellow": "33", "red": "31", "cyan": "36", "dim": "2", "bold": "1"}
_PLAIN = {"✓": "+", "✗": "x", "…": "...", "→": "->", "•": "-", "·": "-", "–": "-", "—": "-", "~": "~"}
_LINE = 16
"""Characters of a secret's line that cannot be a word."""


class Redactor:
    """Crosses out known secrets, in every spelling that a program could give them, and anything that is a JWT.

    Whatever this process has wrapped in `Secret` is known; `add` is for values that never were.
    """

    def __init__(self) -> None:
        self._values: set[str] = set()
        self._seen: frozenset[str] = frozenset()

    def add(self, secret: str) -> None:
        """From now on this value appears nowhere; short ones are ignored, they would cross out ordinary words."""
        if len(secret) < 8:
            return
        raw = secret.encode()
        self._values |= {
            secret,
            quote(secret, safe=""),
            quote(secret),
            quote_plus(secret),
            json.dumps(secret)[1:-1],
            base64.b64encode(raw).decode().rstrip("="),
            base64.urlsafe_b64encode(raw).decode().rstrip("="),
            # A PEM that somebody has wrapped anew: its lines, but for the marks and the last, short one.
            *(line for line in secret.splitlines() if len(line) >= _LINE and not line.startswith("-----")),
        }

    def __call__(self, text: str) -> str:
        held = known_secrets()
        for secret in held - self._seen:
            self.add(secret)
        self._seen = held
        for value in sorted(self._values, key=len, reverse=True):
            text = text.replace(value, "***")
        return _JWT.sub("***", text)


class Terminal:
    """The two streams of a run."""

    def __init__(self, *, color: bool = True) -> None:
        self.redact = Redactor()
        for stream in (sys.stdout, sys.stderr):
            if hasattr(stream, "reconfigure"):
                # A character that the stream cannot show is no reason to stop.
                stream.reconfigure(errors="replace")
        self._color = color and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
        self._transient = 0
        self._turn = threading.RLock()
        """Several environments tell of themselves at once."""

    @property
    def interactive(self) -> bool:
        """Whether a person can answer: input and the stream that prompts go to are both a terminal."""
        return _is_tty(sys.stdin) and _is_tty(sys.stderr)

    @property
    def width(self) -> int:
        """Columns, 60 to 100."""
        return max(60, min(100, shutil.get_terminal_size((80, 24)).columns))

    def result(self, text: str = "", style: str | None = None) -> None:
        """A line of the result."""
        self._write(sys.stdout, self.styled(self.redact(text), style, sys.stdout) + "\n")

    def wrapped_result(self, text: str) -> None:
        """A sentence of the result, wrapped."""
        for line in wrap(text, self.width, ""):
            self.result(line)

    def value(self, text: str) -> None:
        """A token or secret that was asked for: the one thing that is written as it is."""
        self._write(sys.stdout, text)

    def say(self, text: str = "", style: str | None = None) -> None:
        """A line for the person."""
        with self._turn:
            self.clear()
            self._write(sys.stderr, self.styled(self.redact(text), style, sys.stderr) + "\n")

    def wrapped(self, text: str, indent: str = "  ", style: str | None = None) -> None:
        """A paragraph for the person, wrapped and indented."""
        with self._turn:
            for line in wrap(self.redact(text), self.width, indent):
                self.say(line, style)

    def headed(self, sign: str, text: str, style: str | None = None) -> None:
        """A sign and a title, wrapped below itself."""
        with self._turn:
            for number, line in enumerate(wrap(self.redact(text), self.width - len(sign), "")):
                self.say((sign if number == 0 else " " * len(sign)) + line, style)

    def transient(self, text: str) -> bool:
        """A line that the next one replaces. False without a terminal, where it is not shown at all."""
        if not _is_tty(sys.stderr):
            return False
        text = self.redact(text)[: self.width - 1]
        with self._turn:
            self._write(sys.stderr, "\r" + text.ljust(self._transient))
            self._transient = len(text)
        return True

    def clear(self) -> None:
        """Remove the transient line."""
        with self._turn:
            if self._transient:
                self._write(sys.stderr, "\r" + " " * self._transient + "\r")
                self._transient = 0

    def styled(self, text: str, style: str | None, stream: TextIO) -> str:
        """The text in a colour, where the stream is a terminal that wants colours."""
        if not style or not self._color or not _is_tty(stream):
            return text
        return f"\x1b[{_COLOURS[style]}m{text}\x1b[0m"

    @staticmethod
    def _write(stream: TextIO | None, text: str) -> None:
        if stream is None:  # closed before the program began
            return
        encoding = (stream.encoding or "utf-8").lower()
        if not encoding.startswith("utf"):
            for fancy, plain in _PLAIN.items():
                text = text.replace(fancy, plain)
        try:
            stream.write(text)
            stream.flush()
        except BrokenPipeError:
            # The reader went away (`| head`): nothing more to say, and no traceback at exit.
            devnull = os.open(os.devnull, os.O_WRONLY)
            os.dup2(devnull, stream.fileno())
            raise SystemExit(0) from None
        except OSError:
            # What was asked for cannot be written, a full disk behind `>`: there is nowhere left to say so.
            devnull = os.open(os.devnull, os.O_WRONLY)
            os.dup2(devnull, stream.fileno())
            raise SystemExit(1) from None


def spelled(command: str) -> str:
    """A pbisetup command as this person would type it: run.py says in PBISETUP_COMMAND how it was called."""
    prefix = os.environ.get("PBISETUP_COMMAND", "").strip()
    return command.replace("pbisetup", prefix, 1) if prefix and command.startswith("pbisetup ") else command


def visible(text: str) -> str:
    """A name from the tenant or the manifest made harmless for a terminal: control characters show as escapes."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def columns(text: str) -> int:
    """How many columns of a terminal a text takes: wide characters two, those that join the one before them none."""
    return sum(_columns(character) for character in text)


def _columns(character: str) -> int:
    if unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def wrap(text: str, width: int, indent: str) -> list[str]:
    """Lines of at most `width` columns, as far as words allow."""
    if not text.isascii():  # textwrap counts characters: a wide one is made two
        text = "".join(c + _SECOND if _columns(c) == 2 else c for c in text)
    lines = textwrap.wrap(
        text, width, initial_indent=indent, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )
    return [line.replace(_SECOND, "") for line in lines] or [""]


_SECOND = "\x00"
"""The second column of a wide character while lines are broken; no text that is shown holds it."""


def _is_tty(stream: TextIO | None) -> bool:
    try:
        return stream is not None and stream.isatty()
    except ValueError:  # closed
        return False
