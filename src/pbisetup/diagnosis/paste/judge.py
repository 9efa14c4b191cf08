"""From a pasted text to findings: the root cause first, and how sure each is."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from pbisetup.catalog.findings import finding
from pbisetup.catalog.pasted import deciders
from pbisetup.diagnosis.paste.numbers import other_numbers
from pbisetup.diagnosis.paste.paste import Paste, Proof
from pbisetup.diagnosis.paste.reading import read
from pbisetup.diagnosis.paste.sign import Sign
from pbisetup.diagnosis.paste.signals import signals
from pbisetup.diagnosis.paste.table import SIGNS
from pbisetup.model.errors import Evidence
from pbisetup.model.finding import Certainty, Finding, Remedy
from pbisetup.model.plan import Action

_RANK: Final[dict[Certainty, int]] = {"certain": 0, "likely": 1, "possible": 2}
_MOST: Final = 6
"""Candidates that are named beside what is certain."""
_WEAK: Final = frozenset({"status", "trouble", "unauthorized"})
"""Questions whose candidates are only worth naming where nothing else speaks."""


def recognise(raw: bytes) -> Paste:
    """What these bytes say. Never raises for what they are."""
    found, requests = signals(read(raw))
    return Paste(tuple(found), tuple(requests))


def judge(paste: Paste) -> tuple[Finding, ...]:
    """The findings that a text speaks for, each cause once; empty where nothing is recognised."""
    answers = _answers(paste)
    sure = [each for each in answers if each[0].certainty == "certain"]
    open_ = [each for each in answers if each[0].certainty != "certain"]
    named = [_finding(sign, proof) for sign, proof in (*sure, *open_[: max(0, _MOST - len(sure))])]
    explained = {signal.value for _, proof in answers for signal in proof if signal.kind == "aadsts"}
    others = other_numbers(paste, {sign.cause for sign, _ in answers}, explained)
    return tuple(sorted(map(_tidy, (*named, *others)), key=lambda each: _RANK[each.certainty]))


def _answers(paste: Paste) -> list[tuple[Sign, Proof]]:
    """The most telling row of each cause that the text fits, in order, without what is settled."""
    matched = [
        (number, sign, proof)
        for number, sign in enumerate(SIGNS)
        if (proof := sign.when(paste)) is not None and (sign.unless is None or sign.unless(paste) is None)
    ]
    best: dict[str, tuple[Sign, Proof]] = {}
    for _, sign, proof in sorted(matched, key=lambda each: (_RANK[each[1].certainty], -each[1].weight, each[0])):
        best.setdefault(sign.cause, (sign, proof))
    settled = {sign.question for sign, _ in best.values() if sign.certainty == "certain" and sign.question}
    kept = [each for each in best.values() if each[0].certainty == "certain" or each[0].question not in settled]
    telling = any(sign.question not in _WEAK and sign.certainty != "possible" for sign, _ in kept)
    return [each for each in kept if not (telling and each[0].question in _WEAK)]


def _finding(sign: Sign, proof: Proof) -> Finding:
    made = finding(sign.cause, sign.certainty, _evidence(proof), decided_by=sign.decided_by or None)
    decider = deciders().get(sign.cause)
    if sign.certainty != "certain" and decider is not None:
        look = Remedy(who="you", text=decider.text, action=Action("look_up"), command=decider.command)
        return replace(made, remedies=(look, *(each for each in made.remedies if each.command != look.command)))
    return made


def _tidy(made: Finding) -> Finding:
    """No environment is known here: a command of the catalogue that names one is a word shorter."""
    remedies = (
        replace(each, command=" ".join(each.command.split()) if each.command else None) for each in made.remedies
    )
    return replace(made, remedies=tuple(remedies))


def _evidence(proof: Proof) -> tuple[Evidence, ...]:
    seen = dict.fromkeys((f"line {signal.line}" if signal.line else "the text", signal.quote) for signal in proof)
    return tuple(Evidence(where, "local", quote) for where, quote in list(seen)[:4] if quote)
