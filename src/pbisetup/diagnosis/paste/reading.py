"""Pasted bytes as text: any usual encoding, without what terminals and build servers put around it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

SMALL: Final = 200_000
"""Characters up to which wrapped lines are put together again; a longer text is a log file, which nobody wrapped."""

_ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])")
# What a build server, a container runtime or a mail puts before a line.
_PREFIX = re.compile(
    r"^(?:\s*(?:"
    r"\[?\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?\]?"  # timestamps
    r"|\[\d\d:\d\d:\d\d(?:[.,]\d+)?\]"
    r"|##\[\w+\]|::(?:error|warning|notice|debug)[^:]*::"
    r"|[\w.-]{1,40}\s+\|(?=\s)"  # docker compose
    r"|>+(?=\s)|[│║╷╵╰╭](?=\s|$)"  # mail, Terraform's frame
    r")\s?)+"
)
_ESCAPES: Final = (
    ('\\"', '"'),
    ("\\u0027", "'"),
    ("\\u0022", '"'),
    ("\\r\\n", "\n"),
    ("\\n", "\n"),
    ("&quot;", '"'),
    ("&#39;", "'"),
    ("&amp;", "&"),
)


@dataclass(frozen=True)
class Reading:
    """A pasted text."""

    lines: tuple[str, ...]
    """Without colours and prefixes, one for each line that was pasted."""
    text: str
    """The same with escapes of JSON and HTML resolved."""
    unwrapped: str
    """The same with lines that a terminal broke put together; empty for a long text."""


def read(raw: bytes) -> Reading:
    """The text in these bytes, whatever they are; what is no text becomes replacement characters."""
    text = _ANSI.sub("", _decoded(raw)) if b"\x1b" in raw else _decoded(raw)
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\x00", "")
    lines = tuple(_PREFIX.sub("", line).rstrip() if line[:1] else line for line in text.split("\n"))
    unescaped = _unescaped("\n".join(lines))
    return Reading(lines, unescaped, _unwrapped(lines) if len(text) <= SMALL else "")


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
    if "\\" in text or "&" in text:
        for escaped, plain in _ESCAPES:
            text = text.replace(escaped, plain)
    return text


def _unwrapped(lines: tuple[str, ...]) -> str:
    """The lines put together where a terminal may have broken them: after lines as long as the longest ones."""
    if len(lines) < 2:
        return ""
    width = max(map(len, lines))
    if width < 20:
        return ""
    joined: list[tuple[str, int]] = []
    for line in lines:
        if joined and _full(joined[-1][1], width):
            joined[-1] = (joined[-1][0] + line, len(line))
        else:
            joined.append((line, len(line)))
    return _unescaped("\n".join(text for text, _ in joined))


def _full(length: int, width: int) -> bool:
    return length >= width - 1
