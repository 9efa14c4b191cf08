"""As much of DAX as a tenant without an engine can read: whether a text is a query, which tables it names, and the few
queries whose rows need no engine.

source: the DAX reference of Microsoft (EVALUATE, DEFINE, VALUES, DISTINCT, ROW, table constructors, strings and names).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

_TOKEN: Final = re.compile(
    r"""(?P<blank>\s+|--[^\n]*|//[^\n]*|/\*.*?\*/)|(?P<text>"(?:[^"]|"")*")|(?P<table>'(?:[^']|'')+')"""
    r"""|(?P<column>\[(?:[^\]]|\]\])+\])|(?P<number>\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|(?P<name>[^\W\d][\w.]*)|(?P<mark>[^\s"'\[\]])""",
    re.DOTALL,
)
_OPENING: Final = {")": "(", "}": "{"}
_BEGIN: Final = ("EVALUATE", "DEFINE")
_SCANS: Final = ("VALUES", "DISTINCT")
_LITERALS: Final = {"TRUE": True, "FALSE": False, "BLANK": None}
_Token = tuple[str, str]
Row = dict[str, Any]


@dataclass(frozen=True)
class Query:
    """A text that is a query as far as its words, quotes and brackets go."""

    tokens: tuple[_Token, ...]

    @property
    def scanned(self) -> tuple[str, bool] | None:
        """The table, where all of it is asked for, and whether each different row is wanted once."""
        words = self._evaluated
        if len(words) == 1:
            name = _table(words[0])
            return (name, False) if name is not None else None
        if len(words) == 4 and words[0][1].upper() in _SCANS and (words[1][1], words[3][1]) == ("(", ")"):
            name = _table(words[2])
            return (name, words[0][1].upper() == "DISTINCT") if name is not None else None
        return None

    @property
    def constant(self) -> list[Row] | None:
        """The rows, where they stand in the text itself: `ROW("a", 1)` and `{1, 2}`."""
        words = self._evaluated
        if len(words) > 3 and words[0][1].upper() == "ROW" and (words[1][1], words[-1][1]) == ("(", ")"):
            values = _literals(words[2:-1])
            if values is None or len(values) % 2 or not all(isinstance(name, str) for name in values[::2]):
                return None
            return [{f"[{name}]": value for name, value in zip(values[::2], values[1::2], strict=True)}]
        if len(words) > 2 and (words[0][1], words[-1][1]) == ("{", "}"):
            values = _literals(words[1:-1])
            return None if values is None else [{"[Value]": value} for value in values]
        return None

    @property
    def asks_for_schema(self) -> bool:
        """It calls one of the INFO functions, but for those of INFO.VIEW."""
        called = (word.upper() for word, mark in self._called())
        return any(word.startswith("INFO.") and not word.startswith("INFO.VIEW.") for word in called)

    @property
    def named_tables(self) -> list[str]:
        """The tables that it names beyond doubt: in quotes, or before a column; but for those that it defines."""
        pairs = list(zip(self.tokens, (*self.tokens[1:], ("end", "")), strict=True))
        defined = {str(_table(after)).lower() for (_, word), after in pairs if word.upper() == "TABLE"}
        found = [
            _table(token)
            for token, after in pairs
            if token[0] == "table" or (token[0] == "name" and after[0] == "column")
        ]
        return [name for name in found if name is not None and name.lower() not in defined]

    @property
    def _evaluated(self) -> tuple[_Token, ...]:
        """What one EVALUATE without a DEFINE evaluates."""
        first, *rest = self.tokens
        if first[1].upper() != "EVALUATE" or any(word.upper() == "EVALUATE" for _, word in rest):
            return ()
        while rest and rest[-1][1] == ";":
            rest.pop()
        return tuple(rest)

    def _called(self) -> Iterator[tuple[str, str]]:
        for (kind, word), (_, mark) in zip(self.tokens, self.tokens[1:], strict=False):
            if kind == "name" and mark == "(":
                yield word, mark


def read(text: str) -> Query | None:
    """The query, or None where the text is none: it does not begin as one, or its quotes and brackets do not end."""
    tokens: list[_Token] = []
    open_: list[str] = []
    position = 0
    while position < len(text):
        hit = _TOKEN.match(text, position)
        if hit is None:
            return None
        position = hit.end()
        kind, word = str(hit.lastgroup), hit[0]
        if kind == "blank":
            continue
        tokens.append((kind, word))
        if word in ("(", "{"):
            open_.append(word)
        elif word in _OPENING and (not open_ or open_.pop() != _OPENING[word]):
            return None
    words = [word.upper() for _, word in tokens]
    begins = len(words) > 1 and words[0] in _BEGIN and "EVALUATE" in words[:-1]
    return Query(tuple(tokens)) if begins and not open_ else None


def _table(token: _Token) -> str | None:
    kind, word = token
    if kind == "table":
        return word[1:-1].replace("''", "'")
    return word if kind == "name" else None


def _literals(tokens: tuple[_Token, ...]) -> list[Any] | None:
    """The values of a list of literals; None where anything else is among them."""
    values: list[Any] = []
    rest = list(tokens)
    while rest:
        sign = -1 if rest[0][1] == "-" else 1
        if sign < 0:
            rest.pop(0)
        kind, word = rest.pop(0) if rest else ("end", "")
        if kind == "number":
            values.append(sign * (float(word) if re.search(r"[.eE]", word) else int(word)))
        elif kind == "text" and sign > 0:
            values.append(word[1:-1].replace('""', '"'))
        elif kind == "name" and sign > 0 and word.upper() in _LITERALS:
            if [each[1] for each in rest[:2]] != ["(", ")"]:
                return None
            del rest[:2]
            values.append(_LITERALS[word.upper()])
        else:
            return None
        if rest and rest.pop(0)[1] != ",":
            return None
    return values
