"""A value that must not be seen: it has no printable form, so it cannot slip into a log, an exception or a repr."""

from __future__ import annotations

_known: set[str] = set()


def known_secrets() -> frozenset[str]:
    """Every value that this process has held as a Secret: what no output may show, whoever echoes it."""
    return frozenset(_known)


class Secret:
    """A client secret or a token. Only `reveal()` gives the value; every other way of showing it gives stars."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value
        _known.add(value)

    def reveal(self) -> str:
        """The value itself, for the one place that sends or stores it."""
        return self._value

    def __repr__(self) -> str:
        return "Secret(***)"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return format(repr(self), spec)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)

    def __reduce__(self) -> tuple[object, ...]:
        raise TypeError("a secret is not serialised")
