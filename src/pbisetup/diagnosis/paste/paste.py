"""A pasted text as a set of facts, and questions to it. Each question answers with the signals that say so, or None."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pbisetup.catalog.operations import Operation
from pbisetup.diagnosis.paste.requests import PastedRequest
from pbisetup.model.signal import Signal

Proof = tuple[Signal, ...]
When = Callable[["Paste"], Proof | None]
"""The signals that answer yes, or None."""


@dataclass(frozen=True)
class Paste:
    """What was recognised in a text."""

    signals: tuple[Signal, ...]
    requests: tuple[PastedRequest, ...] = ()
    """Those of which the text does not say that they went well."""

    def of(self, kind: str, *values: str) -> Proof | None:
        """The signals of a kind with one of these values, or with any."""
        found = tuple(s for s in self.signals if s.kind == kind and (not values or s.value in values))
        return found or None


def aadsts(*numbers: int) -> When:
    return lambda p: p.of("aadsts", *map(str, numbers))


def code(*names: str) -> When:
    return lambda p: p.of("code", *names)


def status(*numbers: int) -> When:
    return lambda p: p.of("status", *map(str, numbers))


def said(*names: str) -> When:
    """One of these sentences."""
    return lambda p: p.of("sentence", *names)


def oauth(*names: str) -> When:
    return lambda p: p.of("oauth_error", *names)


def tool(*names: str) -> When:
    return lambda p: p.of("tool", *names)


def shape(*names: str) -> When:
    return lambda p: p.of("shape", *names)


def claim(name: str, test: Callable[[str], bool]) -> When:
    """A claim of a pasted token whose value passes the test."""

    def when(p: Paste) -> Proof | None:
        claims = (s for s in p.signals if s.kind == "claim" and s.value.startswith(f"{name}="))
        return tuple(s for s in claims if test(s.value.split("=", 1)[1])) or None

    return when


def audience(test: Callable[[str], bool]) -> When:
    """An audience, or a scope with its resource, that passes the test."""
    return lambda p: tuple(s for s in p.signals if s.kind in ("audience", "scope") and test(s.value)) or None


def authority(*names: str) -> When:
    """A token endpoint with one of these in the tenant's place."""
    return lambda p: p.of("authority", *names)


def request(test: Callable[[PastedRequest], bool]) -> When:
    """An address in the text that passes the test."""

    def when(p: Paste) -> Proof | None:
        wanted = {f"{r.method} {r.host}{r.path}" for r in p.requests if test(r)}
        return tuple(s for s in p.signals if s.kind == "request" and s.value in wanted) or None

    return when


def operation(test: Callable[[Operation], bool]) -> When:
    """An address all of whose possible operations pass the test."""
    return request(lambda r: bool(r.operations) and all(test(each) for each in r.operations))


def all_of(*questions: When) -> When:
    def when(p: Paste) -> Proof | None:
        proof: Proof = ()
        for question in questions:
            answer = question(p)
            if answer is None:
                return None
            proof += answer
        return proof

    return when


def any_of(*questions: When) -> When:
    return lambda p: next((proof for question in questions if (proof := question(p)) is not None), None)


def lacking(question: When) -> When:
    """No trace of it. Never for a row that is certain: what is not in a text may still be so."""
    return lambda p: () if question(p) is None else None
