"""A whole run: every probe asked once, then each answer judged in the light of the plainest one of the same caller."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping, Sequence

from pbisetup.sandbox.conformance.judge import Difference, Seen, Verdict, described, differences, judge
from pbisetup.sandbox.conformance.mask import Mask
from pbisetup.sandbox.conformance.probes import Probe
from pbisetup.sandbox.conformance.tables import Row, by_key, row


class NotAttempted(Exception):
    """Nothing was sent; says why."""


class Silent(Exception):
    """Nobody answered; says why."""


Answer = Seen | NotAttempted | Silent
Result = tuple[Probe, Verdict]
_THROTTLED = {"powerbi": "too_many_requests", "fabric": "too_many_requests", "graph": "throttled"}


def gather(probes: Iterable[Probe], ask: Callable[[Probe], Seen]) -> dict[str, Answer]:
    """The answer to each probe by its id."""
    found: dict[str, Answer] = {}
    for probe in probes:
        try:
            found[probe.id] = ask(probe)
        except (NotAttempted, Silent) as reason:
            found[probe.id] = reason
    return found


def judged(probes: Sequence[Probe], answers: Mapping[str, Answer], mask: Mask) -> list[Result]:
    """What came of each, in the order of the list; a base stands before what rests on it."""
    found: dict[str, Verdict] = {}
    for probe in probes:
        found[probe.id] = _one(probe, answers, found, mask)
    return [(probe, _narrowed(found[probe.id], list(found.values()))) for probe in probes]


def _narrowed(verdict: Verdict, others: Sequence[Verdict]) -> Verdict:
    """Of several rows that are contradicted alike: without those that another probe bore out, and only those that another
    probe contradicts by the same answer, where there are such. One wrong row explains more than two.
    """
    if verdict.outcome != "different" or len(verdict.rows) < 2 or verdict.differs[0].what == "order":
        return verdict
    met = {each.rows[0] for each in others if each.outcome == "same" and len(each.rows) == 1}
    rows = [key for key in verdict.rows if key not in met] or list(verdict.rows)
    alike = [v.rows for v in others if v.outcome == "different" and v.seen == verdict.seen and set(v.rows) < set(rows)]
    return dataclasses.replace(verdict, rows=sorted(alike, key=len)[0] if alike else tuple(rows))


def _one(probe: Probe, answers: Mapping[str, Answer], found: Mapping[str, Verdict], mask: Mask) -> Verdict:
    seen = answers[probe.id]
    if isinstance(seen, NotAttempted):
        return Verdict("not attempted", because=str(seen))
    if isinstance(seen, Silent):
        return Verdict("unreachable", because=str(seen))
    if seen.status == 429 and probe.service in _THROTTLED:
        return _throttled(seen, row(probe.service, _THROTTLED[probe.service]), mask)
    own = [row(probe.service, name) for name in probe.rows]
    base = found.get(probe.base) if probe.base else None
    if base is None or base.because == "let in":
        return judge(seen, own, mask, ok=probe.ok)
    if base.outcome == "same":
        return _after_refusal(seen, base.rows, own, mask)
    return _after_doubt(probe, seen, answers[str(probe.base)], own, mask)


def _throttled(seen: Seen, expected: Row, mask: Mask) -> Verdict:
    """The probe's own question stays open; how the service throttles is compared instead."""
    differs = differences(seen, expected.answer, mask)
    if not differs:
        return Verdict("throttled", (expected.key,), because="the rate limit is used up", seen=described(seen, mask))
    return Verdict("different", (expected.key,), differs, seen=described(seen, mask))


def _after_refusal(seen: Seen, refused_by: Sequence[str], own: Sequence[Row], mask: Mask) -> Verdict:
    """The caller is kept out altogether: by the order of the tables that comes first here too."""
    first = [by_key(key) for key in refused_by]
    verdict = judge(seen, first, mask, ok=False)
    if verdict.outcome != "different":
        return verdict
    later = judge(seen, own, mask, ok=False)
    if later.outcome != "same":
        return verdict if _weighs_less(verdict, later) else later
    order = Difference("order", refused_by[0], later.rows[0])
    return dataclasses.replace(verdict, rows=(refused_by[0], later.rows[0]), differs=(order,))


def _after_doubt(probe: Probe, seen: Seen, base: Answer, own: Sequence[Row], mask: Mask) -> Verdict:
    """The plainest request was not answered as any row says, or not at all."""
    verdict = judge(seen, own, mask, ok=probe.ok)
    if verdict.outcome != "different" or not isinstance(base, Seen):
        return verdict
    if described(seen, mask) == described(base, mask):
        return Verdict("explained", because=f"as {probe.base}", seen=verdict.seen)
    return verdict


def _weighs_less(one: Verdict, other: Verdict) -> bool:
    return len(one.differs) <= len(other.differs)
