"""One answer against the rows that could have made it: which one did, or in what it differs from the nearest."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from pbisetup.sandbox.conformance.mask import CODE_HEADERS, Mask, message_of, normal
from pbisetup.sandbox.conformance.tables import ANYTHING, Row
from pbisetup.sandbox.wire import Reply

Outcome = Literal["same", "different", "explained", "unclear", "throttled", "unreachable", "not attempted"]
_ROW_HEADERS: Final = ("www-authenticate", "retry-after")
"""That they are there is a matter of the row, and not of whatever is in front of the service."""
_WEIGHT: Final = {"status": 8, "code": 6, "body": 3, "media type": 1, "message": 1, "header": 1}
"""How far an answer is from a row that it is not: what says least of a cause weighs least."""
_OF_NO_ROW: Final = frozenset((
    "date", "content-length", "content-type", "connection", "transfer-encoding", "strict-transport-security",
))  # fmt: skip
"""Judged in another way, or of the connection; the last one a server on loopback leaves out."""


@dataclass(frozen=True)
class Seen:
    """A real answer, whole; it stays in memory."""

    status: int
    headers: Mapping[str, str]
    """Lower-case names."""
    text: str

    @property
    def json(self) -> Any:
        """Parsed JSON, or None."""
        try:
            return json.loads(self.text)
        except (ValueError, RecursionError):
            return None

    @property
    def form(self) -> str:
        """What the body is: `empty`, `json` or `text`."""
        if not self.text.strip():
            return "empty"
        return "json" if self.json is not None else "text"


@dataclass(frozen=True)
class Difference:
    """One respect in which an answer is not as its row says."""

    what: str
    expected: Any
    seen: Any


@dataclass(frozen=True)
class Verdict:
    """What came of one probe."""

    outcome: Outcome
    rows: tuple[str, ...] = ()
    """Those that were met, or the nearest ones that are contradicted."""
    differs: tuple[Difference, ...] = ()
    because: str | None = None
    front: tuple[str, ...] = ()
    """Headers that the sandbox puts on every answer of the service and that were not there."""
    seen: Mapping[str, Any] = field(default_factory=dict)


def judge(seen: Seen, rows: Sequence[Row], mask: Mask, *, ok: bool) -> Verdict:
    """Which rows made the answer, else in what it differs from the nearest ones."""
    told = described(seen, mask)
    if 200 <= seen.status < 300:
        if ok:
            return Verdict("same", because="let in", seen=told)
        difference = Difference("status", sorted({row.answer.status for row in rows}), seen.status)
        return Verdict("different", tuple(row.key for row in rows), (difference,), seen=told)
    if seen.status >= 500:
        return Verdict("unclear", because=f"HTTP {seen.status}: the service failed, or does not carry it", seen=told)
    found = {row.key: differences(seen, row.answer, mask) for row in rows}
    met = tuple(key for key, each in found.items() if not each)
    if met:
        first = next(row for row in rows if row.key == met[0])
        return Verdict("same", met, front=missing_headers(seen, first.answer), seen=told)
    if not found:
        return Verdict("unclear", because="an ordinary answer was expected", seen=told)
    least = min(map(_distance, found.values()))
    nearest = [key for key, each in found.items() if _distance(each) == least]
    return Verdict("different", tuple(nearest), found[nearest[0]], seen=told)


def differences(seen: Seen, answer: Reply, mask: Mask) -> tuple[Difference, ...]:
    """In what an answer is not this row's."""
    expected = _as_sent(answer)
    found: list[Difference] = []

    def compare(what: str, wanted: Any, got: Any) -> None:
        if wanted != got:
            found.append(Difference(what, wanted, got))

    compare("status", answer.status, seen.status)
    for name in CODE_HEADERS:
        wanted, got = (mask.code(each.headers[name]) if name in each.headers else None for each in (expected, seen))
        compare(f"header {name}", wanted, got)
    for name in _ROW_HEADERS:
        compare(f"header {name}", *("there" if name in each.headers else "absent" for each in (expected, seen)))
    compare("body", _body(expected, mask), _body(seen, mask))
    compare("media type", *(mask.media(each.headers.get("content-type", "")) for each in (expected, seen)))
    wanted, got = message_of(expected.json), message_of(seen.json)
    if wanted is not None and got is not None and not _says(wanted, got):
        found.append(Difference("message", mask.text(wanted), mask.text(got)))
    return tuple(found)


def missing_headers(seen: Seen, answer: Reply) -> tuple[str, ...]:
    """Names of headers that the row's answer has and the real one has not, beside those that the row is about."""
    told = {name.lower() for name in answer.headers} - _OF_NO_ROW - set(CODE_HEADERS) - set(_ROW_HEADERS)
    return tuple(sorted(told - set(seen.headers)))


def described(seen: Seen, mask: Mask) -> dict[str, Any]:
    """What may be told of an answer to others."""
    message = message_of(seen.json)
    return {
        "status": seen.status,
        "codes": {name: mask.code(seen.headers[name]) for name in CODE_HEADERS if name in seen.headers},
        "media_type": mask.media(seen.headers.get("content-type", "")),
        "body": _body(seen, mask) if seen.status >= 300 else "not told",
        "message": None if message is None or seen.status < 300 else mask.text(message),
        "request_id": any(name in seen.headers for name in ("requestid", "request-id", "x-ms-request-id")),
    }


def _as_sent(answer: Reply) -> Seen:
    headers = {name.lower(): value for name, value in answer.headers.items()}
    if answer.body is not None:
        headers.setdefault("content-type", answer.media_type)
    text = "" if answer.body is None else answer.body if isinstance(answer.body, str) else json.dumps(answer.body)
    return Seen(answer.status, headers, text)


def _body(seen: Seen, mask: Mask) -> Any:
    return mask.shape(seen.json) if seen.form == "json" else seen.form


def _says(template: str, text: str) -> bool:
    """Whether a text is the template with something in its open places."""
    wanted = normal(template.replace(ANYTHING, "\x00"))
    pattern = ".*?".join(re.escape(part) for part in wanted.split("\x00"))
    # In the places of ids the template of the sandbox is open, and the real text is `<id>`.
    return re.fullmatch(pattern.replace("<id>", ".*?"), normal(text), re.DOTALL) is not None


def _distance(found: Sequence[Difference]) -> int:
    return sum(map(_weight, found))


def _weight(difference: Difference) -> int:
    if difference.what.startswith("header "):
        return _WEIGHT["code" if difference.what.removeprefix("header ") in CODE_HEADERS else "header"]
    return _WEIGHT[difference.what]
