"""Codecs: how a value is written as plain JSON and read back, both in one place so that each key stands once.

A codec of a dataclass follows from its annotations. What it reads is checked: a value of another type is a Misfit, which
names its place. Keys that it does not know are ignored; of those that are missing the dataclass says what they stand for.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, fields, is_dataclass
from datetime import UTC, datetime
from types import NoneType, UnionType
from typing import Any, Final, Generic, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from pbisetup.model.recording import Json

T = TypeVar("T")


_NOTHING: Final = object()


class Misfit(ValueError):
    """A value is not of the type that its key has; the text names the place, and quotes nothing."""


@dataclass(frozen=True)
class Codec(Generic[T]):
    """One shape of values."""

    write: Callable[[T], Json]
    read: Callable[[Json, str], T]
    """The value, and its place for the words of a Misfit."""
    empty: Any = _NOTHING
    """What a missing key stands for, where the dataclass has no default; by itself: nothing, the key has to be there."""


# -- simple values -------------------------------------------------------------------------------------------------


def _plain(kind: Callable[[Any], T], words: str, empty: Any = _NOTHING) -> Codec[T]:
    """Written as this kind, whatever a service put in its place; read only if it is one."""

    def read(value: Json, where: str) -> T:
        if type(value) is not kind:
            raise Misfit(f"{where} must be {words}")
        return value  # type: ignore[no-any-return]

    return Codec(kind, read, empty)


TEXT: Final = _plain(str, "a text", "")
FLAG: Final = _plain(bool, "true or false")
WHOLE: Final = _plain(int, "a whole number")


def _read_number(value: Json, where: str) -> float:
    try:
        if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(float(value)):
            return float(value)
    except OverflowError:
        pass
    raise Misfit(f"{where} must be a number")


def _read_moment(value: Json, where: str) -> datetime:
    try:
        if isinstance(value, str):
            moment = datetime.fromisoformat(value)
            # One without a zone could not be held against the others.
            return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        pass
    raise Misfit(f"{where} must be a time such as 2027-01-31T00:00:00Z")


def _write_moment(moment: datetime) -> str:
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).isoformat().replace("+00:00", "Z")


NUMBER: Final = Codec(lambda value: value if math.isfinite(value) else 0.0, _read_number)
MOMENT: Final = Codec(_write_moment, _read_moment)


def one_of(*values: Any) -> Codec[Any]:
    """One of these words."""

    def read(value: Json, where: str) -> Any:
        if value not in values or not isinstance(value, str):
            raise Misfit(f"{where} must be one of {', '.join(values)}")
        return value

    return Codec(lambda value: value, read)


# -- several values ------------------------------------------------------------------------------------------------


def maybe(codec: Codec[T]) -> Codec[T | None]:
    """The value, or null."""
    return Codec(
        lambda value: None if value is None else codec.write(value),
        lambda value, where: None if value is None else codec.read(value, where),
        None,
    )


def listed(codec: Codec[T]) -> Codec[tuple[T, ...]]:
    """A list in its order."""

    def read(value: Json, where: str) -> tuple[T, ...]:
        if not isinstance(value, list):
            raise Misfit(f"{where} must be a list")
        return tuple(codec.read(each, f"{where}[{number}]") for number, each in enumerate(value))

    return Codec(lambda values: [codec.write(each) for each in values], read, ())


def set_of(codec: Codec[T]) -> Codec[frozenset[T]]:
    """A set, as a sorted list."""
    inner = listed(codec)
    return Codec(
        lambda values: inner.write(tuple(sorted(values, key=str))),
        lambda value, where: frozenset(inner.read(value, where)),
        frozenset(),
    )


def keyed(*names: str, maybe_missing: str = "") -> Codec[tuple[str, ...]]:
    """Texts, as an object with these keys: `keyed("id")` writes `{"id": ...}`."""

    def read(value: Json, where: str) -> tuple[str, ...]:
        given = object_of(value, where)
        given = given if given.get(maybe_missing) is not None else {**given, maybe_missing: ""}
        for name in names:
            if given.get(name) is None:
                raise Misfit(f"{where}.{name} is missing")
        return tuple(TEXT.read(given[name], f"{where}.{name}") for name in names)

    return Codec(lambda values: dict(zip(names, map(str, values), strict=True)), read)


_ID: Final = keyed("id")
IDS: Final[Codec[frozenset[str]]] = Codec(
    lambda ids: [{"id": each} for each in sorted(map(str, ids))],
    lambda value, where: frozenset(each[0] for each in listed(_ID).read(value, where)),
    frozenset(),
)
"""Ids as objects, so that a later version can say more of each."""


def pairs(key: str, value: str, maybe_missing: str = "") -> Codec[Mapping[str, str]]:
    """A mapping as a list of objects: its keys are data, which never are keys of a recording."""
    inner = listed(keyed(key, value, maybe_missing=maybe_missing))
    return Codec(
        lambda mapping: inner.write(tuple(mapping.items())),
        lambda given, where: dict(inner.read(given, where)),  # type: ignore[arg-type]
        {},
    )


# -- dataclasses ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Several:
    """Fields that do not stand each under a key of its own."""

    names: tuple[str, ...]
    write: Callable[[Any], dict[str, Json]]
    """Their keys, from the whole value."""
    read: Callable[[dict[str, Json], str], dict[str, Any]]
    """The fields, from the whole object."""


@dataclass(frozen=True)
class _Field:
    name: str
    key: str
    codec: Codec[Any]
    needed: bool
    default: Callable[[], Any]


def shape(
    cls: type[T],
    needed: str = "",
    several: Several | None = None,
    **own: str | Codec[Any] | tuple[str, Codec[Any]],
) -> Codec[T]:
    """The codec of a dataclass. `needed`: the keys that must be there; `own`: of a field another key, or its codec."""
    hints = get_type_hints(cls)
    apart = several.names if several else ()
    parts = [
        _field(each, hints[each.name], own.get(each.name), frozenset(needed.split()))
        for each in fields(cls)  # type: ignore[arg-type]
        if each.name not in apart
    ]

    def write(value: T) -> Json:
        written = {part.key: part.codec.write(getattr(value, part.name)) for part in parts}
        return written | (several.write(value) if several else {})

    def read(value: Json, where: str) -> T:
        given = object_of(value, where)
        found = {part.name: _of_key(part, given, where) for part in parts}
        return cls(**found, **(several.read(given, where) if several else {}))

    return Codec(write, read)


def _field(
    each: Any, hint: Any, own: str | Codec[Any] | tuple[str, Codec[Any]] | None, needed: frozenset[str]
) -> _Field:
    key, codec = own if isinstance(own, tuple) else (own, None) if isinstance(own, str) else (each.name, own)
    codec = codec or _of_type(hint)
    if each.default_factory is not MISSING:
        return _Field(each.name, key, codec, key in needed, each.default_factory)
    default = codec.empty if each.default is MISSING else each.default
    return _Field(each.name, key, codec, key in needed or default is _NOTHING, lambda: default)


def _of_key(part: _Field, given: dict[str, Json], where: str) -> Any:
    if given.get(part.key) is None:  # null stands for nothing where there could be something
        if part.needed:
            raise Misfit(f"{where}.{part.key} is missing")
        return part.default()
    return part.codec.read(given[part.key], f"{where}.{part.key}")


def object_of(value: Json, where: str) -> dict[str, Json]:
    """The value, if it is an object. Raises Misfit."""
    if not isinstance(value, dict):
        raise Misfit(f"{where} must be an object")
    return value


_BY_TYPE: Final[dict[Any, Codec[Any]]] = {str: TEXT, bool: FLAG, int: WHOLE, float: NUMBER, datetime: MOMENT}
_MADE: Final[dict[Any, Codec[Any]]] = {}


def _of_type(hint: Any) -> Codec[Any]:
    origin, inner = get_origin(hint), get_args(hint)
    if hint in _BY_TYPE:
        return _BY_TYPE[hint]
    if origin is Literal:
        return one_of(*inner)
    if origin in (UnionType, Union) and NoneType in inner and len(inner) == 2:
        return maybe(_of_type(next(each for each in inner if each is not NoneType)))
    if origin is tuple and inner[1:] == (...,):
        return listed(_of_type(inner[0]))
    if origin is frozenset:
        return set_of(_of_type(inner[0]))
    if is_dataclass(hint) and isinstance(hint, type):
        return _MADE.setdefault(hint, shape(hint))
    raise TypeError(f"{hint} needs a codec of its own")
