"""The telling lines of a long log: those with a word that something is recognised by, and what stands next to them."""

from __future__ import annotations

from typing import Final

SMALL: Final = 40_000
"""Characters up to which a text is looked at as a whole; a longer one is a log file, which nobody wrapped."""
_ROUNDS: Final = (4, 40)
"""Places of one word that are kept from the beginning of a log, and as many from its end, where the failure stands:
first a few of every word, then more as long as there is room."""
_ROOM: Final = 100_000
"""Characters that are kept."""
_BEFORE: Final = 300
_AFTER: Final = 900

# Every code, sentence and address that is known holds one of these; a test sees to it.
WORDS: Final = (
    "aadsts", "powerbi", "power bi", "fabric", "myorg", "eyj", "analysis.windows", "usgov", "x-ms-public-api",
    "error", "exception", "unauthor", "forbidden", "denied", "not auth", "notauth", "notfound", "not found",
    "not supported", "notavailable", "not available", "notaccessible", "not accessible", "not active", "notactive",
    "notlicensed", "disabled", "insufficient", "invalid", "expired", "consent", "principal", "secret", "credential",
    "capacity", "embed token", "workspace", "dmts_", "gwpipeline", "federated", "multi-factor", "multifactor",
    "conditional access", "license", "licence", "wstrust", "ws-trust", "requestblocked", "toomany", "inbound",
    "certificate", "proxy", "getaddrinfo", "enotfound", "resolve", "no such host", "connection", "redirect",
    "does not exist", "does not have", "effective identity", "security_groups", "token_type", "adminswitch",
)  # fmt: skip


def excerpt(text: str) -> tuple[list[int], list[str]]:
    """The numbers and texts of the lines that may say something."""
    lowered = text.lower()
    if len(lowered) != len(text):  # a few letters have no lower case of their own length
        lowered = text
    spans: list[tuple[int, int]] = []
    room = _ROOM
    for most in _ROUNDS:
        for word in WORDS:
            for position in _places(lowered, word, most) if room > 0 else ():
                spans.append(_around(text, position))
                room -= spans[-1][1] - spans[-1][0]
    numbers: list[int] = []
    lines: list[str] = []
    number, position = 1, 0
    for start, end in _merged(spans):
        number += text.count("\n", position, start)
        position = start
        for offset, line in enumerate(text[start:end].split("\n")):
            numbers.append(number + offset)
            lines.append(line)
    return numbers or [1], lines or [""]


def _places(text: str, word: str, most: int) -> list[int]:
    """The first and the last places of a word."""
    found: list[int] = []
    position = text.find(word)
    while position >= 0 and len(found) < most:
        found.append(position)
        position = text.find(word, _line_end(text, position))
    if position < 0:
        return found
    limit, end = position, text.rfind(word)
    for _ in range(most):
        if end < limit:
            break
        found.append(end)
        end = text.rfind(word, limit, max(text.rfind("\n", 0, end), end - _BEFORE, limit))
    return found


def _line_end(text: str, position: int) -> int:
    end = text.find("\n", position, position + _AFTER)
    return end if end >= 0 else position + _AFTER


def _around(text: str, position: int) -> tuple[int, int]:
    """The line of a place, as far as it is near, with the line before and the two after it."""
    start = max(text.rfind("\n", max(0, position - _BEFORE), position) + 1, position - _BEFORE, 0)
    start = max(text.rfind("\n", max(0, start - 1 - _BEFORE), max(0, start - 1)) + 1, start - _BEFORE, 0)
    end = position
    for _ in range(3):
        end = _line_end(text, end) + 1
    return start, min(end - 1, len(text))


def _merged(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged
