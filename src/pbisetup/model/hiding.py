"""A recording without secrets: what was configured as one, in whatever spelling, and whatever has the form of one."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Final
from urllib.parse import quote, quote_plus

from pbisetup.model.recording import Json, RecordedFact, Recording
from pbisetup.model.stand_ins import GUIDS

_JWT: Final = r"eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*\.?[A-Za-z0-9_-]*"
# What only a secret looks like: Entra's client secrets, its refresh tokens and codes, embed tokens (their known forms).
_ALWAYS: Final = (
    _JWT,
    r"(?<![\w~.-])[\w~.-]{3}[78]Q~[\w~.-]{31,37}(?![\w~-])",
    r"(?<![\w.-])[01]\.A[\w-]{60,}(?:\.[\w-]+)*",
    r"(?<![\w+/])H4sI[A-Za-z0-9+/]{40,}={0,2}",
)
_PARAMETER: Final = re.compile(
    r"(?<![\w-])((?:sig|access_token|id_token|refresh_token|client_secret|client_assertion|assertion|password|passwd|pwd"
    r"|sharedaccesskey|accountkey|api[-_]?key)=)[^&\s;'\"<>]+",
    re.IGNORECASE,
)
_SHORTEST: Final = 6
"""Characters of a value that is looked for: a shorter one is found in ordinary words."""
_USER: Final = re.compile(r"(?<=://)[^/@\s'\"<>]+(?=@)")


def hide_secrets(recording: Recording, secrets: Iterable[str]) -> Recording:
    """The recording with stars where one of these values, or anything that is a token or a secret by its form, stands."""
    there = _beginnings(recording)
    met = (each for each in secrets if len(each) >= _SHORTEST and not there.isdisjoint(_first_letters(each)))
    wanted = sorted({way for each in met for way in _spellings(each)}, key=len, reverse=True)
    # Who configured an id in place of a secret wants the id to stay one; inside longer texts it goes like any secret.
    ids = {each.lower() for each in wanted if GUIDS.fullmatch(each)}
    pattern = re.compile("|".join([*_ALWAYS, *(re.escape(each) for each in wanted)]))

    def hidden(value: Json) -> Json:
        if isinstance(value, dict):
            return {key: hidden(each) for key, each in value.items()}
        if isinstance(value, list):
            return [hidden(each) for each in value]
        if not isinstance(value, str) or value.lower() in ids:
            return value
        return _USER.sub("***", _PARAMETER.sub(r"\1***", pattern.sub("***", value)))

    def hide(fact: RecordedFact) -> RecordedFact:
        texts = {name: hidden(getattr(fact, name)) for name in ("of", "reason", "source", "said", "request_id")}
        return replace(fact, value=hidden(fact.value), **texts)

    return replace(recording, facts=tuple(hide(fact) for fact in recording.facts))


def _beginnings(recording: Recording) -> set[str]:
    """Every run of the shortest length that stands in the recording: one pattern of all the secrets of a long process would
    take minutes to build.
    """
    found: set[str] = set()

    def look(value: Json) -> None:
        if isinstance(value, dict):
            for each in value.values():
                look(each)
        elif isinstance(value, list):
            for each in value:
                look(each)
        elif isinstance(value, str):
            found.update(value[at : at + _SHORTEST] for at in range(len(value) - _SHORTEST + 1))

    for fact in recording.facts:
        for text in (fact.value, fact.of, fact.reason, fact.source, fact.said, fact.request_id):
            look(text)
    return found


def _first_letters(secret: str) -> set[str]:
    """How each spelling of a secret begins, told from its beginning alone."""
    raw = secret.encode()[:12]  # base64 makes four characters of three bytes: these are the same in the whole
    encoded = (base64.b64encode(raw).decode(), base64.urlsafe_b64encode(raw).decode())
    start = secret[:_SHORTEST]
    ways = (start, quote(start, safe=""), quote(start), quote_plus(start), *encoded)
    return {way[:_SHORTEST] for way in ways}


def _spellings(secret: str) -> tuple[str, ...]:
    """The ways in which a service may give a secret back."""
    raw = secret.encode()
    encoded = (base64.b64encode(raw).decode().rstrip("="), base64.urlsafe_b64encode(raw).decode().rstrip("="))
    return secret, quote(secret, safe=""), quote(secret), quote_plus(secret), *encoded
