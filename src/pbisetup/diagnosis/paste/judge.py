"""From a pasted text to findings: the root cause first, and how sure each is."""

from __future__ import annotations

from pbisetup.diagnosis.paste.paste import Paste, Proof
from pbisetup.diagnosis.paste.reading import read
from pbisetup.diagnosis.paste.signals import signals
from pbisetup.diagnosis.paste.table import SIGNS, Sign
from pbisetup.model.errors import Evidence
from pbisetup.model.finding import Certainty, Finding

_RANK: dict[Certainty, int] = {"certain": 0, "likely": 1, "possible": 2}
MOST_CANDIDATES = 6


def recognise(raw: bytes) -> Paste:
    """What these bytes say. Never raises for what they are."""
    found, requests = signals(read(raw))
    return Paste(tuple(found), tuple(requests))


def judge(paste: Paste) -> tuple[Finding, ...]:
    """The findings that a text speaks for, each cause once; empty where nothing is recognised."""
    from pbisetup.catalog.findings import finding

    matched = [(sign, proof) for sign in SIGNS if (proof := sign.when(paste)) is not None]
    best: dict[str, tuple[Sign, Proof]] = {}
    for sign, proof in sorted(matched, key=lambda each: _order(each[0])):
        best.setdefault(sign.cause, (sign, proof))
    settled = {sign.question for sign, _ in best.values() if sign.certainty == "certain" and sign.question}
    kept = [
        (sign, proof) for sign, proof in best.values() if sign.certainty == "certain" or sign.question not in settled
    ]
    strong = any(sign.certainty != "possible" for sign, _ in kept)
    if strong:
        kept = [(sign, proof) for sign, proof in kept if sign.question != "status"]
    return tuple(
        finding(sign.cause, sign.certainty, _evidence(proof), decided_by=sign.decided_by or None)
        for sign, proof in kept[:MOST_CANDIDATES]
    )


def _order(sign: Sign) -> tuple[int, int, int]:
    return _RANK[sign.certainty], -sign.weight, SIGNS.index(sign)


def _evidence(proof: Proof) -> tuple[Evidence, ...]:
    seen = dict.fromkeys((f"line {signal.line}" if signal.line else "the text", signal.quote) for signal in proof)
    return tuple(Evidence(where, "local", quote) for where, quote in list(seen)[:4] if quote)
