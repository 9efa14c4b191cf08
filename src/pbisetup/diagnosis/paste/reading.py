"""Pasted bytes as text: any usual encoding, without what terminals and build servers put around it."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from pbisetup.diagnosis.paste.excerpt import SMALL, excerpt

ESCAPED_NEWLINE: Final = "\v"
"""Stands for a line break that was written as an escape, so that line numbers stay those of the paste."""

_ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b\n]*(?:\x07|\x1b\\)|[@-Z\\-_])")
# What a build server, a container runtime, a mail or Terraform's frame puts before a line.
_PREFIX = re.compile(
    r"^(?:\s*(?:"
    r"\[?\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?\]?"
    r"|\[\d\d:\d\d:\d\d(?:[.,]\d+)?\]"
    r"|##\[\w+\]|::(?:error|warning|notice|debug)[^:]*::"
    r"|[\w.-]{1,40}\s+\|(?=\s)"
    r"|>+(?=\s)|[│║╷╵╰╭](?=\s|$)"
    r")\s?)+"
)
_CODE_POINT = re.compile(r"\\u00([2-7][0-9a-fA-F])")
_PLAIN: Final = str.maketrans({"‘": "'", "’": "'", "“": '"', "”": '"', "\u00a0": " ", "\u2028": " ", "\u200b": None})
_ESCAPES: Final = (
    ("\\r\\n", ESCAPED_NEWLINE), ("\\n", ESCAPED_NEWLINE), ("\\t", " "), ('\\"', '"'), ("\\/", "/"),
    ("&quot;", '"'), ("&#34;", '"'), ("&#39;", "'"), ("&#x27;", "'"), ("&apos;", "'"),
    ("&lt;", "<"), ("&gt;", ">"), ("&nbsp;", " "), ("&amp;", "&"),
)  # fmt: skip
_NARROW: Final = 24
"""Nobody wraps at less."""
_DEPTH: Final = 3
"""How often a text may have been escaped."""


Line = tuple[str, int]
"""A line without its prefix, and how long it was with it."""


@dataclass(frozen=True)
class Reading:
    """A pasted text."""

    text: str
    """Without colours, prefixes and escapes; of a long text the telling lines."""
    numbers: tuple[int, ...]
    """For each line of the text its number in the paste."""
    joined: tuple[str, ...]
    """The same with broken lines put together, in the ways in which they may have been broken."""

    @cached_property
    def _starts(self) -> list[int]:
        return [0, *(match.end() for match in re.finditer("\n", self.text))]

    def line(self, position: int) -> int:
        """The number, in the paste, of the line that this position of the text is in."""
        return self.numbers[bisect_right(self._starts, position) - 1]


def read(raw: bytes) -> Reading:
    """The text in these bytes, whatever they are; what is no text becomes replacement characters."""
    text = _decoded(raw).replace("\r\n", "\n").replace("\r", "\n").replace("\x00", "")
    long = len(text) > SMALL
    numbers, lines = excerpt(text) if long else _numbered(text)
    plain = [_ANSI.sub("", line).rstrip() for line in lines]
    clean = [(_PREFIX.sub("", line), len(line)) for line in plain]
    text = _unescaped("\n".join(line for line, _ in clean))
    if len(lines) < 2 or long:
        return Reading(text, tuple(numbers), ())
    joined = (_unescaped(_joined(clean, flow)) for flow in (_by_words, _by_width))
    return Reading(text, tuple(numbers), tuple(dict.fromkeys(each for each in joined if each != text)))


def _numbered(text: str) -> tuple[list[int], list[str]]:
    lines = text.split("\n")
    return list(range(1, len(lines) + 1)), lines


def _decoded(raw: bytes) -> str:
    """PowerShell 5.1 writes UTF-16 (entra.md 12); without a byte order mark every second byte is zero."""
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        return raw.decode("utf-16", errors="replace")
    head = raw[:400]
    if head and head[1::2].count(0) > len(head) // 4:
        return raw.decode("utf-16-le", errors="replace")
    if head and head[0::2].count(0) > len(head) // 4:
        return raw.decode("utf-16-be", errors="replace")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return raw.decode("cp1252", errors="replace")


def _unescaped(text: str) -> str:
    text = text.translate(_PLAIN)
    for _ in range(_DEPTH):
        if "\\" not in text and "&" not in text and '""' not in text:
            break
        before = text
        text = _CODE_POINT.sub(lambda match: chr(int(match[1], 16)), text)
        for escaped, plain in _ESCAPES:
            text = text.replace(escaped, plain)
        # CSV and Visual Basic write a quotation mark twice.
        text = re.sub(r'""(?=\w)|(?<=\w)""', '"', text)
        if text == before:
            break
    return text


def _joined(lines: list[Line], flow: Callable[[list[Line], int], str]) -> str:
    """The lines put together where they may have been broken: those as long as the longest of their paragraph."""
    paragraphs: list[list[Line]] = [[]]
    for line in lines:
        if line[0].strip():
            paragraphs[-1].append(line)
        elif paragraphs[-1]:
            paragraphs.append([])
    # A word that is too long for a line says nothing about the width of the others.
    return "\n\n".join(
        flow(each, max((length for text, length in each if " " in text.strip()), default=each[0][1]))
        for each in paragraphs
        if each
    )


def _by_width(lines: list[Line], width: int) -> str:
    """As a terminal breaks: after so many characters, wherever that is; a space at the end is lost in copying."""
    whole, last = lines[0]
    for text, length in lines[1:]:
        glue = "\n" if last < width - 1 or width < _NARROW else " " if last == width - 1 else ""
        whole += f"{glue}{text}"
        last = length
    return whole


def _by_words(lines: list[Line], width: int) -> str:
    """As a mail or a formatter breaks: before a word that does not fit."""
    whole, last = lines[0]
    for text, length in lines[1:]:
        word = text.strip().partition(" ")[0]
        whole += f" {text.strip()}" if last + 1 + len(word) > width > _NARROW else f"\n{text}"
        last = length
    return whole
