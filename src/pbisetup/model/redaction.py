"""A recording without its names and ids: each replaced by a stand-in, the same one everywhere, so that relations survive.

What is not known to be vocabulary is taken for a name and replaced whole. Texts that people read keep their words, but
ids, addresses, hosts, what stands in quotes and every name of the recording are replaced inside them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Final

from pbisetup.model.addresses import URL, Addresses
from pbisetup.model.recording import Json, RecordedFact, Recording
from pbisetup.model.stand_ins import GUIDS, PATTERNS
from pbisetup.model.vocabulary import QUOTABLE, is_everybodys, kind, kind_in_body, kind_of, label

_QUOTED: Final = r"(?<!\w)'[^'\n]{1,400}'(?!\w)|\"[^\"\n]{1,400}\"|(?<=')\([^()\n]{1,400}\)"
_ALL: Final = (*PATTERNS[:2], ("quoted", _QUOTED), *PATTERNS[2:])
_PATTERN: Final = re.compile("|".join(f"(?P<{name}>{pattern})" for name, pattern in _ALL))
_COLON: Final = re.compile(r"\s*:")
_MOST_OBJECTS: Final = 200
"""More braces are no answer of a service, but a page with a program in it."""
_DEPTH: Final = 20
_KEY: Final = re.compile(r"@?[A-Za-z_][\w.-]{0,63}", re.ASCII)
"""What services call a property."""


def redact(
    recording: Recording,
    keep: Iterable[str] = (),
    words: Iterable[str] = (),
    telling: Callable[[str], bool] = lambda _: False,
) -> Recording:
    """The recording with stand-ins. `keep`: ids that are the same in every tenant; `words`: of the services' paths,
    permissions and errors; `telling`: whether a text says what is wrong, so that it stays one between quotes too.
    """
    known = frozenset(each.lower() for each in keep), frozenset(each.lower() for each in words)
    redacted = _Redacted(recording, Addresses(frozenset(_all_texts(recording)), *known), telling)
    environment = recording.environment
    return replace(
        recording,
        environment=None if environment is None else redacted.made.name(environment, "env"),
        names="replaced",
        facts=tuple(redacted.fact(fact) for fact in recording.facts),
    )


class _Redacted:
    def __init__(self, recording: Recording, made: Addresses, telling: Callable[[str], bool]) -> None:
        self.made = made
        self._telling = telling
        if recording.environment:
            made.named(recording.environment, "env")
        requests = (fact.value.get("request") for fact in recording.all("asked") if isinstance(fact.value, dict))
        made.names_within = frozenset(
            str(each.get("path")) for each in requests if isinstance(each, dict) and each.get("service") == "xmla"
        )
        for fact in recording.facts:
            self._learn(fact)
        self._known = self._compiled()

    def _learn(self, fact: RecordedFact) -> None:
        """Give every name of a fact its stand-in, before texts are read that may hold it."""
        if fact.of and kind_of(fact.fact, fact.of) == "name":
            self.made.named(fact.of, label((fact.fact,)))
        for path, text in _leaves(fact.value, (fact.fact,)):
            if kind(path) == "name":
                self.made.named(text, label(path))

    def _compiled(self) -> re.Pattern[str] | None:
        """All names that were learnt, the longest first."""
        spoken = (each for each in self.made.spoken if each.strip() and len(each) > 1)
        known = sorted(spoken, key=lambda name: (-len(name), name))
        # A short name is replaced as a word only: as a part of words it would make every text unreadable.
        names = [re.escape(n) if len(n) >= 4 else rf"(?<!\w){re.escape(n)}(?!\w)" for n in known]
        return re.compile(f"(?P<known>{'|'.join(names)})", re.IGNORECASE) if names else None

    # -- the parts of a fact -------------------------------------------------------------------------------------

    def fact(self, fact: RecordedFact) -> RecordedFact:
        return replace(
            fact,
            of=fact.of and self._of(fact.fact, fact.of),
            value=self._value(fact.value, (fact.fact,)),
            reason=fact.reason and self.text(fact.reason),
            source=fact.source and self.text(fact.source),
            said=fact.said and self.text(fact.said),
            request_id=fact.request_id and self.made.named(fact.request_id, "request"),
        )

    def _of(self, fact: str, of: str) -> str:
        what = kind_of(fact, of)
        if what == "host":
            host, by, stack = of.partition(" by ")
            return self.made.host(host) + by + stack
        if what == "word":
            return self.made.scope(of)
        made = {"path": self.made.path, "url": self.made.url}
        return made[what](of) if what in made else self.made.named(of, label((fact,)))

    def _value(self, value: Json, path: tuple[str, ...]) -> Json:
        if isinstance(value, dict):
            return {key: self._value(each, (*path, key)) for key, each in value.items()}
        if isinstance(value, list):
            return [self._value(each, path) for each in value]
        if not isinstance(value, str) or not value:
            return value
        what = kind(path)
        return self.text(value) if what == "text" else self._as(what, value, path)

    def _as(self, what: str, text: str, path: tuple[str, ...]) -> str:
        made = {
            "word": self.made.inside,
            "url": self.made.url,
            "path": self.made.path,
            "scope": self.made.scope,
            "host": self.made.host,
        }
        return made[what](text) if what in made else self.made.named(text, label(path))

    # -- texts ---------------------------------------------------------------------------------------------------

    def text(self, text: str) -> str:
        """A text that people read, with what is in it replaced; in the JSON in it by its keys."""
        parts, end = [], 0
        for start, stop, value in _objects_in(text):
            if not self._is_answer(value):
                continue
            separators = (", ", ": ") if '": ' in text[start:stop] else (",", ":")
            shown = json.dumps(self._body(value, ("",)), ensure_ascii=False, separators=separators)
            parts += [self._prose(text[end:start]), shown]
            end = stop
        return "".join([*parts, self._prose(text[end:])])

    def _is_answer(self, value: Json, depth: int = _DEPTH) -> bool:
        """Whether all keys are a service's own, and none somebody's data."""
        if isinstance(value, dict):
            return depth > 0 and all(self._is_key(k) and self._is_answer(v, depth - 1) for k, v in value.items())
        return depth > 0 and all(self._is_answer(v, depth - 1) for v in value) if isinstance(value, list) else True

    def _is_key(self, text: str) -> bool:
        named = self._known is not None and self._known.fullmatch(text)
        return not named and _KEY.fullmatch(text) is not None and not GUIDS.search(text)

    def _body(self, value: Json, path: tuple[str, ...]) -> Json:
        """What a service answered, whose keys are its own."""
        if isinstance(value, dict):
            return {key: self._body(each, (*path, key)) for key, each in value.items()}
        if isinstance(value, list):
            return [self._body(each, path) for each in value]
        if not isinstance(value, str) or not value or value.lower() in self.made.words:
            return value
        what = kind_in_body(path[-1])
        return self._prose(value) if what == "text" or self._telling(value) else self._as(what, value, path)

    def _prose(self, text: str) -> str:
        found = list(_PATTERN.finditer(text))
        if self._known:
            found += self._known.finditer(text)
        parts, end = [], 0
        for start, stop, match in _apart(found):
            parts += [text[end:start], self._found(match) if match else self.made.name(text[start:stop], "name")]
            end = stop
        return "".join([*parts, text[end:]])

    def _found(self, match: re.Match[str]) -> str:
        what, text = str(match.lastgroup), match[0]
        if what == "known":
            return self.made.named(text, "name")
        if what != "quoted":
            return self.made.found(what, text)
        is_key = text[0] == '"' and _COLON.match(match.string, match.end()) and self._is_key(text[1:-1])
        return text if is_key else text[0] + self._quoted(text[1:-1]) + text[-1]

    def _quoted(self, inner: str) -> str:
        whole = self._known and self._known.fullmatch(inner)
        if whole:
            return self._found(whole)
        lower = inner.lower()
        if lower in QUOTABLE or lower in self.made.keep or lower in self.made.words or is_everybodys(inner):
            return inner
        if self._telling(inner):
            return self._prose(inner)
        if URL.match(inner):
            return self.made.scope(inner)
        if inner.startswith("/"):
            return self.made.path(inner)
        return self.made.named(inner, "name")


def _objects_in(text: str) -> Iterator[tuple[int, int, Json]]:
    """Every JSON object in a text, with its place."""
    decoder, place = json.JSONDecoder(), text.find("{")
    for _ in range(_MOST_OBJECTS):
        if place < 0:
            return
        try:
            value, stop = decoder.raw_decode(text, place)
        except (ValueError, RecursionError):
            stop = place + 1
        else:
            if value:
                yield place, stop, value
        place = text.find("{", stop)


def _apart(found: list[re.Match[str]]) -> Iterator[tuple[int, int, re.Match[str] | None]]:
    """Matches from left to right without overlap: one that holds others stands for them; of two that only overlap there
    is neither, but what both cover together.
    """
    found = sorted(found, key=lambda match: (match.start(), -match.end()))
    while found:
        start, stop, whole = found[0].start(), found[0].end(), found[0] if found[0].end() > found[0].start() else None
        found.pop(0)
        while found and found[0].start() < stop:
            if found[0].end() > stop:
                stop, whole = found[0].end(), None
            found.pop(0)
        if stop > start:
            yield start, stop, whole


def _leaves(value: Json, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str]]:
    if isinstance(value, dict):
        for key, each in value.items():
            yield from _leaves(each, (*path, key))
    elif isinstance(value, list):
        for each in value:
            yield from _leaves(each, path)
    elif isinstance(value, str) and value:
        yield path, value


def _all_texts(recording: Recording) -> Iterator[str]:
    for fact in recording.facts:
        for text in (fact.of, fact.reason, fact.source, fact.said, fact.request_id):
            if text:
                yield text.casefold()
        yield from (text.casefold() for _, text in _leaves(fact.value, ()))
