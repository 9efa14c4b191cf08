"""What a text says, as signals: numbers, codes, statuses, addresses, claims, tools and telling sentences."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from pbisetup.catalog.pasted import code_names, sentences, tools
from pbisetup.diagnosis.paste.claims import claim_signals
from pbisetup.diagnosis.paste.commands import command_requests
from pbisetup.diagnosis.paste.mask import masked
from pbisetup.diagnosis.paste.patterns import SHAPES, STATUS_WORDS, patterns
from pbisetup.diagnosis.paste.reading import ESCAPED_NEWLINE, Reading
from pbisetup.diagnosis.paste.requests import PastedRequest, requests_in
from pbisetup.model.signal import Kind, Signal

MOST: Final = 100
"""Signals of one kind that are kept; a log repeats itself."""
_AFTER: Final = {"aadsts": 160, "code": 0, "sentence": 0, "tool": 0}
"""How much of the line is quoted behind a signal: what an AADSTS number says stands behind it."""

_GUID: Final = re.compile(r"[0-9a-fA-F]{8}-[0-9a-fA-F-]{27}")
Where = Callable[[int], int]


def signals(reading: Reading) -> tuple[list[Signal], list[PastedRequest]]:
    """All signals and requests of a text, each once; those from lines that were put together are of line 0."""
    if len(reading.text) < 80 and (alone := _alone(reading.text)) is not None:
        return [alone], []
    found: dict[tuple[str, str], Signal] = {}
    counts: dict[str, int] = {}
    requests: dict[tuple[str, str, str | None], PastedRequest] = {}
    for text, where in ((reading.text, reading.line), *((text, _nowhere) for text in reading.joined)):
        asked_for = (*requests_in(text), *command_requests(text))
        here = {(r.host, r.path, r.method): r for r in asked_for if not r.answered}
        requests = {**here, **requests}
        asked = (_asked(each, where) for each in here.values())
        for signal in (*_all(text, where), *asked):
            key = (signal.kind, signal.value)
            if key not in found and counts.get(signal.kind, 0) < MOST:
                counts[signal.kind] = counts.get(signal.kind, 0) + 1
                found[key] = signal
    return _whole(found.values()), list(requests.values())


def _nowhere(_: int) -> int:
    return 0


def _asked(request: PastedRequest, where: Where) -> Signal:
    name = f"{request.method or ''} {_GUID.sub(lambda match: f'{match[0][:8]}...', request.path)}".strip()
    return Signal("request", f"{request.method} {request.host}{request.path}", where(request.position), masked(name))


def _alone(text: str) -> Signal | None:
    """The signal of a text that is one word: a number of Entra's or the code of a service."""
    word = text.strip()
    if number := re.fullmatch(r"(?i)(?:AADSTS-?)?(\d{4,9})", word):
        return Signal("aadsts", number[1], 1, f"AADSTS{number[1]}")
    name = next((name for name in code_names() if name.lower() == word.lower()), None)
    return Signal("code", name, 1, name) if name else None


_MENTIONED: Final = re.compile(
    r"\b(?:see also|such as|for example|e\.g\.|unlike|not)[\s:]*(?:(?:AADSTS-?)?\d{4,9}[\s,;]*(?:and|or)?\s*)*$",
    re.IGNORECASE,
)
"""What stands before a number that is talked about and did not happen."""


def _all(text: str, where: Where) -> Iterator[Signal]:
    for kind, pattern in patterns():
        for match in pattern.finditer(text):
            if kind == "aadsts" and _MENTIONED.search(text, max(0, match.start() - 80), match.start()):
                continue
            yield _signal(kind, _value(kind, match), text, match, where)
    for name in code_names():
        for match in re.finditer(rf"\b{name}\b", text) if name in text else ():
            yield _signal("code", name, text, match, where)
    table: tuple[tuple[Kind, tuple[tuple[str, re.Pattern[str]], ...]], ...] = (
        ("sentence", sentences()),
        ("tool", tools()),
    )
    for kind, rows in table:
        for name, pattern in rows:
            first = pattern.search(text)
            if first is not None:
                yield _signal(kind, name, text, first, where)
    yield from claim_signals(text, where, as_pasted=where is not _nowhere)


def _value(kind: Kind, match: re.Match[str]) -> str:
    if kind == "shape":
        return next(name for name, value in match.groupdict().items() if value is not None).rstrip("_")
    value = match.group("value")
    if kind == "status":
        return STATUS_WORDS.get(value.lower().replace(" ", ""), value)
    if kind in ("audience", "scope"):
        return value.replace("%3A", ":").replace("%2F", "/").rstrip("/.")
    return value.lower() if kind in ("oauth_error", "authority") else value


def _signal(kind: Kind, value: str, text: str, match: re.Match[str], where: Where) -> Signal:
    if kind == "shape":
        return Signal(kind, value, where(match.start()), SHAPES[value])
    end = match.end() + _AFTER.get(kind, 40)
    passage = text[match.start() : end]
    cut = min((at for at in (passage.find("\n"), passage.find(ESCAPED_NEWLINE)) if at > 0), default=len(passage))
    return Signal(kind, value, where(match.start()), masked(passage[: max(cut, match.end() - match.start())]))


def _whole(found: Iterable[Signal]) -> list[Signal]:
    """Without numbers that a broken line cut short, where the whole number is there too."""
    listed = list(found)
    joined = {signal.value for signal in listed if signal.kind == "aadsts" and signal.line == 0}
    return [
        signal
        for signal in listed
        if signal.kind != "aadsts"
        or not signal.line
        or not any(other != signal.value and other.startswith(signal.value) for other in joined)
    ]
