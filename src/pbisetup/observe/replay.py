"""From a recording back to the case it was made of: the same facts by the same observers, so that rules find the same.

Now is when it was made. What a recording does not hold is unknown, and facts and keys of newer versions are ignored.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final, TypeVar

from pbisetup.model import case as of
from pbisetup.model.case import Asked, Case, Key, Sighting
from pbisetup.model.errors import Evidence
from pbisetup.model.facts import Absent, Fact, Known, Unknown
from pbisetup.model.recording import MAX_PROBLEMS, RecordedFact, Recording, RecordingError
from pbisetup.observe.codec import Misfit, object_of
from pbisetup.observe.older import asked_before, is_person, sign_in_of
from pbisetup.observe.recorded import ASKED, EVIDENCE, IMPLIED, KINDS, REQUESTS

T = TypeVar("T")
_KEYS: Final[dict[str, Key[Any]]] = {
    each.name: each for each in vars(of).values() if isinstance(each, Key) and each.name in KINDS
}
_LOCAL: Final = Evidence("sign-in", "local", "a person signs in")


def replay(recording: Recording) -> Case:
    """The case. Raises RecordingError, and nothing else, where values are not what their facts are about."""
    problems: list[str] = []
    now = _tried(problems, partial(_now, recording))
    asked = _tried(problems, partial(_asked, recording))
    requests = _tried(problems, partial(_requests, recording))
    sightings = [
        Sighting(_KEYS[fact.fact], _of(fact), _tried(problems, partial(_fact, fact, asked)))  # type: ignore[arg-type]
        for fact in recording.facts
        if fact.fact in _KEYS
    ]
    if problems or now is None or asked is None:
        more = len(problems) - MAX_PROBLEMS
        raise RecordingError(*problems[:MAX_PROBLEMS], *([f"and {more} more"] if more > 0 else []))
    return Case(asked, now, tuple(sightings), requests or 0)


def _tried(problems: list[str], read: Callable[[], T]) -> T | None:
    try:
        return read()
    except Misfit as misfit:
        problems.append(str(misfit))
        return None


def _now(recording: Recording) -> datetime:
    try:
        return recording.made.astimezone(UTC)
    except OverflowError:
        raise Misfit("made is a time that no calendar has") from None


def _asked(recording: Recording) -> Asked:
    from pbisetup.catalog.purposes import purposes

    found = recording.value("asked")
    asked = asked_before(recording) if found is None else ASKED.read(found, "asked")
    known = tuple(name for name in asked.purposes if name in purposes())  # a newer version may have others
    # A sandbox answers in the place of a cloud; which one that is the fact says, where there is one.
    return replace(asked, purposes=known, environment=recording.environment, cloud=asked.cloud or recording.cloud)


def _requests(recording: Recording) -> int:
    found = recording.value("requests")
    return 0 if found is None else REQUESTS.read(found, "requests")


def _of(fact: RecordedFact) -> str | None:
    """Before there were several tokens, the one was Power BI's."""
    return "powerbi" if fact.fact == of.TOKEN.name and fact.of is None else fact.of


def _fact(fact: RecordedFact, asked: Asked | None) -> Fact[Any]:
    if fact.fact == of.CREDENTIAL.name and is_person(fact) and asked is not None:
        return Known(sign_in_of(asked), _LOCAL)
    seen = _evidence(fact)
    if fact.status == "absent":
        return Absent(seen)
    if fact.status == "unknown":
        told = fact.source is not None or fact.said is not None
        return Unknown(fact.reason or "", seen if told else None, fact.code or "")
    value = fact.value
    implied = IMPLIED.get(fact.fact)
    if implied:
        said = {"key": fact.of or "", "evidence": EVIDENCE.write(seen)}
        value = {**{name: said[name] for name in implied}, **object_of(value, fact.fact)}
    return Known(KINDS[fact.fact].read(value, fact.fact), seen)


def _evidence(fact: RecordedFact) -> Evidence:
    source = "recording" if fact.source is None else fact.source
    return Evidence(source, fact.observer or "local", fact.said or "", fact.request_id)
