"""`$search` on directory objects: `"property:words"` joined by AND and OR, by tokens and never by parts of words.

source: concepts/search-query-parameter.md.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from pbisetup.sandbox.graph.errors import GraphError

TOKENIZED: Final = ("displayName", "description")
"""Searched by tokens; any other property by its beginning."""
_DEEPEST: Final = 50
_TOKEN: Final = re.compile(r'\s*(?:(?P<clause>"(?:[^"\\]|\\.)*")|(?P<word>AND|OR)\b|(?P<mark>[()]))')
_CLAUSE: Final = re.compile(r"(?P<name>[A-Za-z_]\w*):(?P<text>.+)", re.DOTALL)
# Words, numbers and symbols; a capital after a small letter begins a word.
_PIECES: Final = re.compile(r"[^\W\d_]+|\d+|[^\w\s]|_")
_HUMP: Final = re.compile(r"(?<=[a-z])(?=[A-Z])")

Match = Callable[[Mapping[str, Any]], bool]


def parse(text: str, check: Callable[[str], str]) -> Match:
    """The search as a test of objects. `check` refuses a property that cannot be searched, and otherwise spells it as
    its type does. Raises GraphError.
    """
    parser = _Parser(text, check)
    found = parser.either(0)
    parser.finish()
    return found


def tokens(text: str) -> set[str]:
    """What a text is searched by: `hello.World` gives hello, `.`, world and helloworld."""
    found: set[str] = set()
    for chunk in text.split():
        pieces = [part for piece in _PIECES.findall(chunk) for part in _HUMP.split(piece)]
        found.update(piece.casefold() for piece in pieces)
        # Words that only symbols keep apart are also one.
        joined = "".join(piece for piece in _PIECES.findall(chunk) if piece[0].isalpha()).casefold()
        if joined and not any(piece[0].isdigit() for piece in pieces):
            found.add(joined)
    return found


def _clause(name: str, text: str) -> Match:
    if name in TOKENIZED:
        # guess: the last word may be the beginning of a token, as people search while they type.
        wanted = [
            piece.casefold() for chunk in text.split() for p in _PIECES.findall(chunk) for piece in _HUMP.split(p)
        ]

        def by_tokens(item: Mapping[str, Any]) -> bool:
            held = tokens(str(item.get(name) or ""))
            return bool(wanted) and all(any(token.startswith(word) for token in held) for word in wanted)

        return by_tokens
    begin = text.casefold()

    def by_beginning(item: Mapping[str, Any]) -> bool:
        value = item.get(name)
        values = value if isinstance(value, list) else [value]
        return any(isinstance(each, str) and each.casefold().startswith(begin) for each in values)

    return by_beginning


class _Parser:
    def __init__(self, text: str, check: Callable[[str], str]) -> None:
        self.text, self.check, self.at = text, check, 0
        self.tokens: list[tuple[str, str, int]] = []
        at, end = 0, len(text.rstrip())
        while at < end:
            hit = _TOKEN.match(text, at)
            if hit is None or hit.lastgroup is None:
                while text[at].isspace():
                    at += 1
                # Without quotes the colon is what the service stumbles over.
                bad = text.find(":", at)
                raise self.wrong(bad if bad >= 0 and '"' not in text else at)
            self.tokens.append((hit.lastgroup, hit.group(hit.lastgroup), hit.start(hit.lastgroup)))
            at = hit.end()

    def wrong(self, at: int) -> GraphError:
        if at < len(self.text):
            reason = f"character '{self.text[at]}' is not valid at position {at} in '{self.text}'."
        else:
            reason = f"Expression expected at position {len(self.text)} in '{self.text}'."
        return GraphError("search_syntax", reason=reason)

    def here(self) -> GraphError:
        return self.wrong(self.tokens[self.at][2] if self.at < len(self.tokens) else len(self.text))

    def peek(self) -> tuple[str, str]:
        return self.tokens[self.at][:2] if self.at < len(self.tokens) else ("end", "")

    def finish(self) -> None:
        if self.at < len(self.tokens):
            raise self.here()

    def either(self, depth: int) -> Match:
        parts = [self.both(depth)]
        while self.peek() == ("word", "OR"):
            self.at += 1
            parts.append(self.both(depth))
        return lambda item: any(part(item) for part in parts)

    def both(self, depth: int) -> Match:
        parts = [self.one(depth)]
        while self.peek() == ("word", "AND"):
            self.at += 1
            parts.append(self.one(depth))
        return lambda item: all(part(item) for part in parts)

    def one(self, depth: int) -> Match:
        kind, text = self.peek()
        if depth > _DEEPEST:
            raise self.here()
        if (kind, text) == ("mark", "("):
            self.at += 1
            inner = self.either(depth + 1)
            if self.peek() != ("mark", ")"):
                raise self.here()
            self.at += 1
            return inner
        if kind != "clause":
            raise self.here()
        hit = _CLAUSE.fullmatch(re.sub(r"\\(.)", r"\1", text[1:-1]))
        if hit is None:
            raise self.here()  # the property must be named in each clause
        name = self.check(hit["name"])
        self.at += 1
        return _clause(name, hit["text"].strip())
