"""AADSTS numbers that no sign explains: what the catalogue says of them, and the ids that Microsoft's support needs."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import replace
from typing import Final

from pbisetup.catalog.aadsts import Aadsts, deep, numbers
from pbisetup.catalog.findings import Entry, finding
from pbisetup.diagnosis.paste.paste import Paste
from pbisetup.model.errors import Evidence
from pbisetup.model.finding import Certainty, Finding
from pbisetup.model.signal import Signal

_MOST: Final = 4
_NEAR: Final = 4_000
"""Bytes on either side of a number in which its ids stand."""
_GUID: Final = r"(?P<id>[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})"
_IDS: Final = (
    # The portal's words in French, German and Spanish; the service itself writes English.
    ("correlation id", re.compile(rf"(?i)(?:correlation[ _-]?id|ID de corr\w{{3,10}}|Korrelations-?ID)\W{{1,8}}{_GUID}")),
    ("trace id", re.compile(rf"(?i)trace[ _-]?id\W{{1,8}}{_GUID}")),
    ("time", re.compile(r"(?i)timestamp\W{1,8}(?P<id>20\d\d-\d\d-\d\d[ T]\d\d:\d\d:\d\dZ?)")),
)  # fmt: skip
# What the word beside a number says (entra.md 5: programs are to go by it, not by the number).
_WORDS: Final = {
    "invalid_client": "who the app is, or how it proves that",
    "unauthorized_client": "what this app may do at all",
    "invalid_grant": "the person's sign-in, or what was stored of it",
    "interaction_required": "a step that only a person in a browser can take",
    "consent_required": "missing consent",
    "invalid_resource": "the API that was asked for",
    "invalid_scope": "the scope that was asked for",
    "invalid_request": "the form of the request or its address",
    "access_denied": "a refusal by the person or by a policy",
    "temporarily_unavailable": "the service itself; the same request may work later",
}
# The categories of the list.
_ABOUT: Final = {
    "user": "a person's account or sign-in, not the app",
    "config": "how the app, its address or the request is set up",
    "credential": "the secret, certificate or token that was sent",
    "consent": "consent or assignment",
    "policy": "a policy of the tenant",
    "service": "the service itself, so the same request may work later",
}


def other_numbers(paste: Paste, causes: Collection[str], explained: Collection[str]) -> list[Finding]:
    """Findings for numbers that no row explains; of those not of this job only where nothing else is known.

    `causes` are the findings that there are already, `explained` the numbers that those rest on.
    """
    found: dict[str, Finding] = {}
    rest: list[Signal] = []
    said = paste.of("aadsts") or ()
    for signal in said:
        # 70002 only introduces the number after it (catalog: AADSTS70002).
        if signal.value in explained or (signal.value == "70002" and len(said) > 1):
            continue
        entry = deep(signal.value)
        if entry is None:
            rest.append(signal)
            continue
        if entry.cause == "entra_other":
            found.setdefault(entry.name, own(entry, signal))
        for cause in (entry.cause, *alternatives(entry)):
            if cause != "entra_other" and cause not in causes:
                certainty: Certainty = "likely" if cause == entry.cause else "possible"
                made = finding(cause, certainty, _evidence(signal), decided_by=entry.decided_by)
                found.setdefault(cause, made)
    if not found and rest and not explained:
        known = next((signal for signal in rest if signal.value in numbers()), None)
        if known is not None:
            return [_told(known, numbers()[known.value])]
        return [_unknown(rest[0], paste)] if not causes else []
    return list(found.values())[:_MOST]


def alternatives(entry: Entry) -> list[str]:
    """The other causes that a number's page tells how to prove."""
    return [cause for cause in (fact.partition(":")[0] for fact in entry.proof) if cause != entry.cause]


def own(entry: Entry, signal: Signal) -> Finding:
    """A number that is its own diagnosis: what its page says, under the code for Entra's other refusals."""
    made = finding("entra_other", "likely", _evidence(signal))
    return replace(
        made,
        severity=entry.severity,
        title=entry.title,
        explanation=entry.explanation,
        decided_by=entry.decided_by,
        remedies=tuple(replace(each, command=_typed(each.command)) for each in entry.remedies),
        docs=entry.docs,
    )


def _typed(command: str | None) -> str | None:
    """A command without the name of an environment, which no text tells."""
    return command.replace(" {environment}", "") if command else None


def _told(signal: Signal, known: Aadsts) -> Finding:
    name = f" ({known.name})" if known.name else ""
    source = "" if known.origin == "official" else " It is not on Microsoft's page of numbers, only seen in public."
    made = finding("entra_other", "possible", _evidence(signal))
    told = f"AADSTS{known.number}{name}: {known.advice}. It is about {_ABOUT[known.category]}.{source}"
    return replace(made, explanation=told)


def _unknown(signal: Signal, paste: Paste) -> Finding:
    word = next((s.value for s in paste.of("oauth_error") or () if s.value in _WORDS), None)
    about = f" The word {word} beside it is about {_WORDS[word]}." if word else ""
    made = finding("entra_other", "possible", _evidence(signal))
    return replace(made, explanation=f"AADSTS{signal.value} is not among the numbers known here.{about}")


def _evidence(signal: Signal) -> tuple[Evidence, ...]:
    where = f"line {signal.line}" if signal.line else "the text"
    return (Evidence(where, "local", signal.quote or f"AADSTS{signal.value}"),)


def support_ids(raw: bytes) -> dict[str, str]:
    """Correlation id, trace id and time beside the first number of a text, as far as they are there."""
    wide = b"A\0A\0D\0S\0T\0S"
    place = max(raw.find(b"AADSTS"), raw.find(wide), raw.find(b"error_codes"))
    if place < 0:
        return {}
    near = raw[max(0, place - _NEAR) : place + _NEAR].replace(b"\0", b"").decode("utf-8", "replace")
    return {name: match["id"] for name, pattern in _IDS if (match := pattern.search(near))}
