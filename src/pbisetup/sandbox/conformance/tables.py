"""The tables of causes of all services under one roof: each row as the answer that it makes, and what is known of it."""

from __future__ import annotations

import string
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any, Final, cast

from pbisetup.sandbox.conformance.probes import Service
from pbisetup.sandbox.wire import Call, Reply, World

ANYTHING: Final = "\ue000"
"""Stands in an expected text where the service puts a name, an id or a number."""


@dataclass(frozen=True)
class Row:
    """One row of one table."""

    service: Service
    name: str
    source: str
    grade: str
    answer: Reply
    """As the sandbox would send it, with `ANYTHING` in the place of names."""
    decides: tuple[str, str] | None = None
    """The contradiction of sources, and the answer to it, that this row stands for."""

    @property
    def key(self) -> str:
        return f"{self.service}:{self.name}"


class _Clock:
    """What the authority's and Graph's refusals need of a world."""

    def now(self) -> datetime:
        return datetime.now(UTC)


_CALL: Final = Call("GET", "/x/v2.0/x", {}, {}, {}, b"", "https://localhost", ANYTHING)


@cache
def row(service: Service, name: str) -> Row:
    """A row by its name. Raises KeyError."""
    return {"powerbi": _powerbi, "fabric": _fabric, "graph": _graph, "entra": _entra}[service](name)


def by_key(key: str) -> Row:
    """The row that is written as `service:name`. Raises KeyError."""
    service, _, name = key.partition(":")
    return row(cast(Service, service), name)


def vocabulary() -> frozenset[str]:
    """Every word in the texts of every row, in small letters: what a service says of itself, and of nobody."""
    return _vocabulary()


@cache
def _vocabulary() -> frozenset[str]:
    from pbisetup.sandbox.conformance.mask import WORD

    texts = [text for table in _texts() for text in table]
    return frozenset(hit[0].lower() for text in texts for hit in WORD.finditer(text))


def _texts() -> list[list[str]]:
    from pbisetup.sandbox.entra.causes import CAUSES as ENTRA
    from pbisetup.sandbox.fabric.causes import TABLE as FABRIC
    from pbisetup.sandbox.graph.errors import ERRORS
    from pbisetup.sandbox.powerbi.causes import TABLE as POWER_BI

    trailer = "Trace ID Correlation Timestamp Access denied token is not valid or missing for of the a"
    return [
        [cause.message for cause in ENTRA.values()],
        [cause.message for cause in FABRIC],
        [each.message for each in ERRORS.values()],
        [text for cause in POWER_BI for text in _leaves(cause.body)],
        [trailer],
    ]


def _leaves(value: Any) -> list[str]:
    if isinstance(value, Mapping):
        return [text for each in value.values() for text in _leaves(each)]
    if isinstance(value, list | tuple):
        return [text for each in value for text in _leaves(each)]
    return [value] if isinstance(value, str) else []


def _blanks(*texts: str) -> dict[str, str]:
    """Every placeholder of these texts, left open."""
    names = (name for text in texts for _, name, _, _ in string.Formatter().parse(text) if name)
    return dict.fromkeys(names, ANYTHING)


def _powerbi(name: str) -> Row:
    from pbisetup.sandbox.gate.words import chosen_unknown
    from pbisetup.sandbox.powerbi.causes import CAUSES, Refused, reply

    cause = CAUSES[name]
    blanks = _blanks(*_leaves(cause.body))
    answer = reply(_CALL, Refused(name, headers=_retry(cause.status), **blanks))
    return Row("powerbi", name, cause.source, cause.grade, answer, chosen_unknown(cause.when))


def _fabric(name: str) -> Row:
    from pbisetup.sandbox.fabric.causes import CAUSES, Refused, reply
    from pbisetup.sandbox.gate.words import chosen_unknown

    cause = CAUSES[name]
    refused = Refused(name, headers=_retry(cause.status), **_blanks(cause.message))
    return Row("fabric", name, cause.source, cause.grade, reply(_CALL, refused), chosen_unknown(cause.when))


def _graph(name: str) -> Row:
    from pbisetup.sandbox.graph.errors import ERRORS, GraphError, reply

    error = ERRORS[name]
    answer = reply(cast(World, _Clock()), _CALL, GraphError(name, **_blanks(error.message)))
    return Row("graph", name, error.source, error.grade, answer)


def _entra(name: str) -> Row:
    from pbisetup.sandbox.entra.causes import CAUSES
    from pbisetup.sandbox.entra.headers import dressed
    from pbisetup.sandbox.entra.refusal import Refused, refusal

    cause = CAUSES[name]
    world = cast(World, _Clock())
    answer = refusal(world, _CALL, Refused(name, **_blanks(cause.message)))
    return Row("entra", name, cause.source, cause.grade, dressed(world, _CALL, answer))


def _retry(status: int) -> dict[str, str]:
    return {"Retry-After": "1"} if status == 429 else {}
