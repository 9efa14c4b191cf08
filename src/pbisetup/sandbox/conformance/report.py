"""The difference file `pbisetup/conformance/v1`, and the same as text. It holds nothing that a mask let through unasked."""

from __future__ import annotations

import dataclasses
import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any, Final

from pbisetup.sandbox.conformance.judge import Verdict
from pbisetup.sandbox.conformance.mask import normal
from pbisetup.sandbox.conformance.probes import PROBES, Probe
from pbisetup.sandbox.conformance.run import Result
from pbisetup.sandbox.conformance.tables import by_key, row

SCHEMA: Final = "pbisetup/conformance/v1"
ITSELF: Final = "sandbox"
"""The cloud whose answers come from the tables themselves: to agree with them confirms nothing."""
WHO: Final = {
    "none": "nobody", "no_dots": "a text that is no token", "one_dot": "a text with one dot",
    "two_dots": "a text with two dots", "forged": "a token that no authority signed",
    "forged_expired": "an expired token that no authority signed", "app": "the app",
    "app_other": "the app, with its token for another resource", "operator": "the operator",
}  # fmt: skip
SURE: Final = frozenset(("live", "observed", "observed live", "documented", "official"))
"""Grades that a row may keep whatever is found; the others gain by a confirmation."""


def report(results: Sequence[Result], *, cloud: str, version: str, day: date) -> dict[str, Any]:
    """The whole file as JSON. `results` come from masks, so they hold no names, ids or addresses."""
    front = missing_headers(results)
    counts = Counter(verdict.outcome for _, verdict in results)
    return {
        "schema": SCHEMA,
        "version": version,
        "tables": fingerprint(),
        "date": day.isoformat(),
        "cloud": cloud,
        "same": not contradicted(results),
        "counts": dict(sorted(counts.items())),
        "contradicted": contradicted(results),
        "confirmed": confirmed(results) if cloud != ITSELF else {},
        "decided": decided(results),
        "headers_missing": front,
        "probes": [_probe(probe, verdict) for probe, verdict in results],
    }


def contradicted(results: Sequence[Result]) -> list[str]:
    """The rows that the tenant does not bear out; `powerbi:headers` for what stands on every answer of a service."""
    rows = [key for _, verdict in results if verdict.outcome == "different" for key in verdict.rows]
    return [*dict.fromkeys(rows), *(f"{service}:headers" for service in missing_headers(results))]


def confirmed(results: Sequence[Result]) -> dict[str, str]:
    """The rows that were met and the grade that each has now. Several that answer alike confirm none: see `probes`."""
    met = [v.rows for _, v in results if v.outcome in ("same", "throttled") and len(v.rows) == 1]
    return {key: by_key(key).grade for (key,) in met}


def decided(results: Sequence[Result]) -> dict[str, str]:
    """Where sources contradict each other and the state `unknowns` chooses: the row that this tenant answers with."""
    found = {}
    for probe, verdict in results:
        open_ = [each for name in probe.rows if (each := row(probe.service, name)).decides]
        if open_ and verdict.outcome == "same" and len(verdict.rows) == 1:
            for each in open_:
                assert each.decides is not None
                found[f"{probe.service}:{each.decides[0]}"] = verdict.rows[0].partition(":")[2]
    return found


def missing_headers(results: Sequence[Result]) -> dict[str, list[str]]:
    """By service, the headers that the sandbox puts on every refusal and that none of the tenant's has."""
    found: dict[str, list[str]] = {}
    for service in dict.fromkeys(probe.service for probe, _ in results):
        told = [set(v.front) for p, v in results if p.service == service and v.outcome == "same" and v.rows]
        if told and (missing := set.intersection(*told)):
            found[service] = sorted(missing)
    return found


def fingerprint() -> str:
    """Which version of the rows that can be met a file was made with."""
    rows = [row(probe.service, name) for probe in PROBES for name in probe.rows]
    text = "\n".join(f"{r.key} {r.answer.status} {normal(str(r.answer.body))} {r.grade}" for r in rows)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def lines(results: Sequence[Result], where: str) -> Iterator[tuple[str, str | None]]:
    """The summary, each line with its style."""
    for probe, verdict in results:
        if verdict.outcome == "different":
            yield f"✗ {probe.id}: {request(probe)} as {WHO[probe.bearer]}", "red"
            yield f"    {' or '.join(verdict.rows)}", None
            for each in verdict.differs:
                yield f"    {each.what}: the table says {_short(each.expected)}, the tenant {_short(each.seen)}", None
    for service, names in missing_headers(results).items():
        yield f"✗ {service}: no answer has {', '.join(names)}", "red"
    for name, chosen in decided(results).items():
        yield f"• {name} is decided: {chosen}", None
    raised = 0 if where == ITSELF else sum(grade not in SURE for grade in confirmed(results).values())
    counts = Counter(verdict.outcome for _, verdict in results)
    for reason, number in Counter(v.because for _, v in results if v.outcome == "not attempted").items():
        yield f"• not attempted ({number}): {reason}", "dim"
    for probe, verdict in results:
        if verdict.outcome in ("unreachable", "unclear", "throttled"):
            yield f"• {probe.id}: {verdict.because}", "yellow"
    told = ", ".join(f"{number} {outcome}" for outcome, number in counts.most_common())
    yield f"{where}: {told}.", "bold"
    if raised:
        yield f"{raised} rows that were not sure are confirmed.", None


def request(probe: Probe) -> str:
    """`GET /v1.0/myorg/groups/{unknown}`: the request as it is told to others."""
    return f"GET {probe.path}"


def _probe(probe: Probe, verdict: Verdict) -> dict[str, Any]:
    told: dict[str, Any] = {
        "id": probe.id,
        "service": probe.service,
        "request": request(probe),
        "as": WHO[probe.bearer],
        "outcome": verdict.outcome,
        "rows": list(verdict.rows),
    }
    if probe.profile:
        told["profile"] = probe.profile
    if verdict.because:
        told["because"] = verdict.because
    if verdict.differs:
        told["differs"] = [dataclasses.asdict(each) for each in verdict.differs]
    if verdict.seen:
        told["seen"] = dict(verdict.seen)
    return told


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 200 else text[:199] + "…"
