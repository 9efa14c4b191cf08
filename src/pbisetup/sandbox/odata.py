"""The OData `$filter` grammar, which Graph and Power BI share: text to an expression, and that against an
object.

Needed by real clients (clients.md 3): eq, startswith, `coll/any(v:v eq 'x')`, and. The rest is what Graph
also reads.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, NoReturn

from pbisetup.sandbox.store import Object

_TOKEN: Final = re.compile(
    r"\s*(?:(?P<string>'(?:[^']|'')*')"
    r"|(?P<guid>[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})"
    r"|(?P<date>\d{4}-\d\d-\d\d(?:T[\d:.]+(?:Z|[+-]\d\d:\d\d)?)?)"
    r"|(?P<number>-?\d+(?:\.\d+)?)"
    r"|(?P<name>[A-Za-z_][A-Za-z0-9_.]*(?:/\$?[A-Za-z_][A-Za-z0-9_.]*)*)"
    r"|(?P<mark>[(),:]))"
)
_COMPARE: Final = ("eq", "ne", "ge", "le", "gt", "lt")
_FUNCTIONS: Final = ("startswith", "endswith", "contains")
_CASES: Final = ("tolower", "toupper")
_LONGEST_NUMBER: Final = 30  # Edm.Decimal has 29 digits; Python refuses thousands of them
_DEEPEST: Final = 50  # parentheses; deeper is refused so that no input can exhaust the stack


class BadFilter(Exception):
    """The text is not a filter; says where it stops being one."""


@dataclass(frozen=True)
class Expression:
    """A parsed filter. `op` is a comparison, a function, `and`, `or`, `not`, `in`, `any` or `all`."""

    op: str
    path: tuple[str, ...] = ()
    value: Any = None
    parts: tuple[Expression, ...] = ()
    literal: str = "string"
    """How the value was written: string, guid, date, number, bool or null."""
    exact: bool = False
    """Text is compared with regard to case."""
    case: str = ""
    """`tolower` or `toupper`, where the property is asked for in that case."""

    def properties(self) -> set[str]:
        """Names of the top-level properties that the filter asks about."""
        found = {self.path[0]} if self.path else set()
        inner = () if self.op in ("any", "all") else self.parts
        return found.union(*(part.properties() for part in inner))

    def advanced(self) -> bool:
        """Whether Graph serves this only with ConsistencyLevel and $count (source: entra.md 1.15)."""
        if self.op in ("ne", "not", "endswith") or "$count" in self.path:
            return True
        return any(part.advanced() for part in self.parts)

    def matches(self, item: Mapping[str, Any]) -> bool:
        """Whether an object satisfies the filter."""
        if self.op in ("and", "or"):
            hits = (part.matches(item) for part in self.parts)
            return all(hits) if self.op == "and" else any(hits)
        if self.op == "not":
            return not self.parts[0].matches(item)
        actual = _read(item, self.path)
        if self.op == "any":
            return isinstance(actual, list) and any(self._element(each) for each in actual)
        if self.op == "all":
            return not isinstance(actual, list) or all(self._element(each) for each in actual)
        if self.op == "in":
            return any(_same(*self._texts(actual, each)) for each in self.value)
        left, right = self._texts(actual, self.value)
        if self.op in _FUNCTIONS:
            return isinstance(left, str) and _function(self.op, left, str(right))
        return _compare(self.op, left, right)

    def _texts(self, actual: Any, wanted: Any) -> tuple[Any, Any]:
        """Both sides as they are compared."""
        if isinstance(actual, str) and self.case:
            actual = actual.lower() if self.case == "tolower" else actual.upper()
        return (actual, wanted) if self.exact else (_fold(actual), _fold(wanted))

    def _element(self, element: Any) -> bool:
        if not self.parts:
            return True
        scope = {self.value: element}
        return self.parts[0].matches(scope)


def parse(text: str, *, exact: bool = False) -> Expression:
    """The filter as an expression. Raises BadFilter, never anything else.

    Text is compared without regard to case, as the directory does; `exact`: with it, as Power BI does, which has tolower and
    toupper for the rest (source: microsoft/powerbi-powershell, help of Get-PowerBIWorkspace).
    """
    parser = _Parser(text, exact)
    expression = parser.disjunction(0)
    parser.finish()
    return expression


def _read(item: Any, path: tuple[str, ...]) -> Any:
    for name in path:
        if name == "$count":
            return len(item) if isinstance(item, list) else 0
        item = item.get(name) if isinstance(item, Mapping) else None
    return item


def _fold(value: Any) -> Any:
    return value.casefold() if isinstance(value, str) else value


def _same(actual: Any, wanted: Any) -> bool:
    if isinstance(actual, bool) or isinstance(wanted, bool):
        return actual is wanted
    return bool(actual == wanted)


def _function(name: str, actual: str, wanted: str) -> bool:
    if name == "startswith":
        return actual.startswith(wanted)
    return actual.endswith(wanted) if name == "endswith" else wanted in actual


def _compare(op: str, actual: Any, wanted: Any) -> bool:
    if op == "eq":
        return _same(actual, wanted)
    if op == "ne":
        return not _same(actual, wanted)
    if type(actual) is not type(wanted) or isinstance(actual, bool) or not isinstance(actual, str | int | float):
        return False
    return bool({"ge": actual >= wanted, "le": actual <= wanted, "gt": actual > wanted, "lt": actual < wanted}[op])


class _Parser:
    """Recursive descent over the tokens of one filter."""

    def __init__(self, text: str, exact: bool) -> None:
        self.text = text
        self.exact = exact
        self.tokens: list[tuple[str, str, int]] = []
        at, end = 0, len(text.rstrip())
        while at < end:
            hit = _TOKEN.match(text, at)
            if hit is None or hit.lastgroup is None:
                self.fail(at)
            kind = hit.lastgroup
            self.tokens.append((kind, hit.group(kind), hit.start(kind)))
            at = hit.end()
        self.next = 0

    def fail(self, at: int | None = None) -> NoReturn:
        if at is None:
            at = self.tokens[self.next][2] if self.next < len(self.tokens) else len(self.text)
        raise BadFilter(f"Syntax error at position {at} in '{self.text}'.")

    def peek(self, ahead: int = 0) -> tuple[str, str]:
        at = self.next + ahead
        return self.tokens[at][:2] if at < len(self.tokens) else ("end", "")

    def take(self, kind: str, value: str | None = None) -> str:
        found_kind, found = self.peek()
        if found_kind != kind or (value is not None and found.lower() != value):
            self.fail()
        self.next += 1
        return found

    def accept(self, kind: str, value: str) -> bool:
        found_kind, found = self.peek()
        if found_kind == kind and found.lower() == value:
            self.next += 1
            return True
        return False

    def finish(self) -> None:
        if self.next < len(self.tokens):
            self.fail()

    def disjunction(self, depth: int) -> Expression:
        parts = [self.conjunction(depth)]
        while self.accept("name", "or"):
            parts.append(self.conjunction(depth))
        return parts[0] if len(parts) == 1 else Expression("or", parts=tuple(parts))

    def conjunction(self, depth: int) -> Expression:
        parts = [self.unary(depth)]
        while self.accept("name", "and"):
            parts.append(self.unary(depth))
        return parts[0] if len(parts) == 1 else Expression("and", parts=tuple(parts))

    def unary(self, depth: int) -> Expression:
        if depth > _DEEPEST:
            self.fail()
        if self.accept("name", "not"):
            return Expression("not", parts=(self.unary(depth + 1),))
        if self.accept("mark", "("):
            inner = self.disjunction(depth + 1)
            self.take("mark", ")")
            return inner
        name = self.take("name")
        if name.lower() in _FUNCTIONS and self.peek() == ("mark", "("):
            return self.function(name.lower())
        if name.lower().endswith(("/any", "/all")) and self.peek() == ("mark", "("):
            return self.quantifier(tuple(name.split("/")[:-1]), name[-3:].lower(), depth)
        self.next -= 1
        return self.comparison(*self.operand())

    def operand(self) -> tuple[tuple[str, ...], str]:
        """A property, and the case in which it is asked for."""
        name = self.take("name")
        if not (self.exact and name.lower() in _CASES and self.accept("mark", "(")):
            return tuple(name.split("/")), ""
        path = tuple(self.take("name").split("/"))
        self.take("mark", ")")
        return path, name.lower()

    def function(self, name: str) -> Expression:
        self.take("mark", "(")
        path, case = self.operand()
        self.take("mark", ",")
        value = self.take("string")[1:-1].replace("''", "'")
        self.take("mark", ")")
        # `startswith(x,'y') eq true` is the long form of the same.
        if self.peek()[1].lower() == "eq" and self.peek(1)[1].lower() == "true":
            self.next += 2
        return Expression(name, path, value, exact=self.exact, case=case)

    def quantifier(self, path: tuple[str, ...], word: str, depth: int) -> Expression:
        self.take("mark", "(")
        if word == "any" and self.accept("mark", ")"):
            return Expression("any", path)
        variable = self.take("name")
        self.take("mark", ":")
        inner = self.disjunction(depth + 1)
        self.take("mark", ")")
        if inner.properties() != {variable}:
            self.fail()
        return Expression(word, path, variable, (inner,))

    def comparison(self, path: tuple[str, ...], case: str) -> Expression:
        op = self.take("name").lower()
        if op == "in":
            self.take("mark", "(")
            values = [self.literal()]
            while self.accept("mark", ","):
                values.append(self.literal())
            self.take("mark", ")")
            found, literal = tuple(value for value, _ in values), values[0][1]
            return Expression("in", path, found, literal=literal, exact=self.exact and literal == "string", case=case)
        if op not in _COMPARE:
            self.next -= 1
            self.fail()
        value, literal = self.literal()
        return Expression(op, path, value, literal=literal, exact=self.exact and literal == "string", case=case)

    def literal(self) -> tuple[Any, str]:
        kind, text = self.peek()
        self.next += 1
        if kind == "string":
            return text[1:-1].replace("''", "'"), kind
        if kind in ("guid", "date"):
            return text, kind
        if kind == "number" and len(text) <= _LONGEST_NUMBER:
            return (float(text) if "." in text else int(text)), kind
        words = {"true": (True, "bool"), "false": (False, "bool"), "null": (None, "null")}
        if kind != "name" or text.lower() not in words:
            self.next -= 1
            self.fail()
        return words[text.lower()]


def select(item: Object, names: list[str]) -> Object:
    """The asked-for properties of an object, annotations kept."""
    return {k: v for k, v in item.items() if k in names or k.startswith("@")}
