"""What may leave this machine of a real answer: its status, its codes, its shape, and of its texts the services' words.

What is not known to be a service's own word is left out, whatever it is: no list of secrets has to be complete. Kept as
they are: numbers of errors, and codes in the places where the services put codes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Final

GAP: Final = "…"
WORD: Final = re.compile(r"[A-Za-z]+(?:'[a-z]+)?")
CODE_HEADERS: Final = ("x-powerbi-error-info", "x-ms-public-api-error-code")
_CODE_KEYS: Final = frozenset(("code", "errorCode", "error", "suberror"))
_TEXT_KEYS: Final = frozenset(("message", "Message", "error_description"))
_CODE: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]{1,79}")
_KEY: Final = re.compile(r"@?[A-Za-z][A-Za-z_.@-]{0,39}")
_MEDIA: Final = (
    "application/json", "application/octet-stream", "application/problem+json", "application/xml", "text/html",
    "text/plain", "text/xml",
)  # fmt: skip
_ID: Final = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_TIME: Final = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?Z?")
_TOKENS: Final = re.compile(
    r"(?P<mark><(?:id|time)>)|(?P<quoted>(?<!\w)'[^'\n]*'(?!\w)|\"[^\"\n]*\")|(?P<code>AADSTS\d{4,8}|IDX\d{5})"
    r"|(?P<word>[A-Za-z]+(?:'[a-z]+)?)|(?P<plain>[ .,:;()?!\[\]/-])|(?P<other>[^ ])"
)
DEEPEST: Final = 8
WIDEST: Final = 40


class Mask:
    """How one run's answers are reduced. `private`: what must not appear even where a code could stand."""

    def __init__(self, vocabulary: Iterable[str], private: Iterable[str] = ()) -> None:
        self._vocabulary = frozenset(vocabulary)
        # A shorter one would take words apart that say nothing of anybody.
        self._private = tuple(sorted({each.lower() for each in private if len(each) >= 4}, key=len, reverse=True))

    def code(self, value: object) -> str:
        """A code as it stands, anything else as a gap."""
        text = value if isinstance(value, str) else ""
        return text if _CODE.fullmatch(text) and not self._names(text) else GAP

    def text(self, value: str) -> str:
        """A message of a service: its own words, and gaps."""
        parts: list[str] = []
        for hit in _TOKENS.finditer(normal(value)[:2000]):
            kind, found = hit.lastgroup, hit[0]
            keep = kind in ("mark", "code", "plain") or (kind == "word" and self._known(found))
            shown = found if keep else f"{found[0]}{GAP}{found[0]}" if kind == "quoted" else GAP
            if shown == GAP and "".join(parts).rstrip().endswith(GAP):
                continue
            parts.append(shown)
        return "".join(parts)

    def shape(self, body: Any, depth: int = 0) -> Any:
        """JSON without its values: keys, kinds of values, and codes in their places."""
        if depth > DEEPEST:
            return GAP
        if isinstance(body, dict):
            return {self._key(k): self._value(k, v, depth) for k, v in list(body.items())[:WIDEST]}
        if isinstance(body, list):
            return [self.shape(body[0], depth + 1)] if body else []
        return kind_of(body)

    def media(self, value: str) -> str | None:
        """The media type without its parameters; one that services do not use is only said to be another."""
        plain = value.partition(";")[0].strip().lower()
        return None if not plain else plain if plain in _MEDIA else "another"

    def _value(self, key: str, value: Any, depth: int) -> Any:
        if key in _CODE_KEYS and isinstance(value, str):
            return self.code(value)
        if key == "error_codes" and isinstance(value, list):
            return [n for n in value[:10] if isinstance(n, int) and not isinstance(n, bool) and 0 < n < 10**8]
        return self.shape(value, depth + 1)

    def _key(self, key: str) -> str:
        return key if _KEY.fullmatch(key) and not self._names(key) else GAP

    def _known(self, word: str) -> bool:
        return word.lower() in self._vocabulary and word.lower() not in self._private

    def _names(self, text: str) -> bool:
        return any(each in text.lower() for each in self._private)


def normal(text: str) -> str:
    """A text without what differs from one answer to the next: ids, times, line breaks."""
    return " ".join(_TIME.sub("<time>", _ID.sub("<id>", text)).split())


def message_of(body: Any) -> str | None:
    """The sentence for people in an answer, wherever this service puts it."""
    if not isinstance(body, dict):
        return None
    inner = body.get("error")
    for place in (inner, body) if isinstance(inner, dict) else (body,):
        for key in sorted(_TEXT_KEYS):
            if isinstance(place.get(key), str):
                return str(place[key])
    return None


def kind_of(value: Any) -> str:
    """The kind of a JSON value that holds no others."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    return "number" if isinstance(value, int | float) else "string"
