"""What a text says, as signals: numbers, codes, statuses, addresses, claims, tools and telling sentences.

Every pattern is a row of a table. They begin with fixed letters wherever possible, so that ten megabytes of log take no
longer than a person would wait.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from pbisetup.catalog.pasted import known_codes, sentences, tools
from pbisetup.diagnosis.paste.claims import claim_signals
from pbisetup.diagnosis.paste.mask import masked
from pbisetup.diagnosis.paste.reading import Reading
from pbisetup.diagnosis.paste.requests import request_signals
from pbisetup.model.signal import Kind, PastedRequest, Signal

MOST: Final = 400
"""Signals of one kind that are kept; a log repeats itself."""

_STATUS_WORDS: Final = {
    "unauthorized": "401",
    "forbidden": "403",
    "notfound": "404",
    "badrequest": "400",
    "toomanyrequests": "429",
}
_HTTP = r"(?P<value>[1-5]\d\d)\b"

# (kind, pattern); the group `value` is the signal's value, else the whole match.
_PATTERNS: Final[tuple[tuple[Kind, re.Pattern[str]], ...]] = tuple(
    (kind, re.compile(pattern, re.IGNORECASE))
    for kind, pattern in (
        ("aadsts", r"AADSTS-?(?P<value>\d{4,9})"),
        ("aadsts", r"error_codes\W{1,8}(?P<value>\d{4,9})"),
        ("aadsts", r"sign-?in error code\W{1,6}(?P<value>\d{4,9})"),
        ("oauth_error", r"\b(?P<value>invalid_(?:client|grant|scope|resource|request|token)|unauthorized_client"
            r"|interaction_required|consent_required|access_denied|unsupported_grant_type|login_required"
            r"|authorization_pending|expired_token|insufficient_claims|temporarily_unavailable)\b"),
        ("status", r"HTTP(?:/[\d.]+)? ?(?:error|status)?(?: code)?[:= ]{0,3}" + _HTTP),
        ("status", r"status[ _-]?code['\"]?(?: does not indicate success)?[^\w\n]{1,6}" + _HTTP),
        ("status", r"status(?:text)?['\"]?\s?[:=]\s?['\"]?" + _HTTP),
        ("status", r"does not indicate success: " + _HTTP),
        ("status", r"(?:remote server returned an error|returned|response|error|failed with|failed|got|code)\W{1,6}\(?" + _HTTP
            + r"(?=\W{0,3}(?:unauthori[sz]ed|forbidden|not ?found|bad ?request|too many|client error|server error|internal|\)|$|[.,;]))"),
        ("status", r"\b(?P<value>40[01349]|415|429|50[0234])\b[ -]{1,2}\(?(?:client error: )?(?:unauthori[sz]ed|forbidden|not ?found|bad ?request|too many|proxy auth|internal server|service unavailable)"),
        ("status", r"\b(?P<value>40[01349])\s(?:Client Error)"),
        ("status", r"invalid status code ['\"`]?(?P<value>unauthorized|forbidden|notfound|badrequest|toomanyrequests)"),
        ("status", r"status(?: ?code)?['\"]?\s?[:=]\s?['\"]?(?P<value>unauthorized|forbidden|notfound|badrequest)\b"),
        ("code", r"x-powerbi-error-info['\"]?\s?[:=,\]]\s?\[?['\"]?(?P<value>\w{4,80})"),
        ("code", r"x-ms-public-api-error-code['\"]?\s?[:=,\]]\s?\[?['\"]?(?P<value>\w{4,80})"),
        ("code", r"['\"]?error_?code['\"]?\s?[:=]\s?['\"]?(?P<value>[A-Za-z_]\w{3,80})"),
        ("code", r"\"code\"\s?:\s?\"(?P<value>[A-Za-z_]\w{3,80})\""),
        ("code", r"error code (?P<value>[A-Z][A-Za-z_]{5,80})\b"),
        ("audience", r"['\"]aud['\"]\s?:\s?\[?\s?['\"](?P<value>[^'\"\s]{4,200})['\"]"),
        ("audience", r"--resource[ =]['\"]?(?P<value>[^'\"\s]{4,200})"),
        ("audience", r"[?&\s'\"]resource['\"]?\s?[:=]\s?['\"]?(?P<value>(?:https?|api)(?:://|%3A%2F%2F)[^'\"\s&,;]{4,200})"),
        ("audience", r"Resource value from request: ['\"]?(?P<value>[^'\"\s]{4,200}?)\.?(?=['\"\s]|$)"),
        ("audience", r"(?:access to resource|resource principal named) ['\"]?(?P<value>[^'\"\s]{4,200})['\"]"),
        ("scope", r"['\"]?scopes?['\"]?\s?[:=]\s?[\[(]?\s?['\"]?(?P<value>(?:https?|api)(?:://|%3A%2F%2F)[^'\"\s&,;\])]{4,300})"),
        ("scope", r"asked for scope ['\"](?P<value>[^'\"]{2,300})"),
        ("authority", r"login\.(?:microsoftonline\.(?:com|us)|windows\.net|partner\.microsoftonline\.cn|chinacloudapi\.cn)/(?P<value>[\w.*-]{3,120})"),
        ("shape", r"['\"]?(?:client_?secret|AZURE_CLIENT_SECRET|ARM_CLIENT_SECRET|FABRIC_CLIENT_SECRET|client-secret)['\"]?\s?[:=]\s?['\"]?"
            r"(?P<secret_is_guid>[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\b"),
        ("setting", r"\b(?P<value>(?:AZURE|ARM|FABRIC|FAB|PBISETUP|MSI|IDENTITY|MSAL)_[A-Z_]{4,50})\b"),
        ("hidden", r"<suppressed \d+ parameter"),
        ("hidden", r"Response: ?,"),
    )
)  # fmt: skip


def signals(reading: Reading) -> tuple[list[Signal], list[PastedRequest]]:
    """All signals and requests of a text, each once, in the order of their lines."""
    where = _Lines(reading.text)
    found: dict[tuple[str, str], Signal] = {}
    counts: dict[str, int] = {}
    for text in filter(None, (reading.text, reading.unwrapped)):
        for signal in _all(text, where if text is reading.text else None):
            key = (signal.kind, signal.value)
            if key not in found and counts.get(signal.kind, 0) < MOST:
                counts[signal.kind] = counts.get(signal.kind, 0) + 1
                found[key] = signal
    requests: dict[tuple[str, str, str | None], PastedRequest] = {}
    for text in filter(None, (reading.text, reading.unwrapped)):
        for request in request_signals(text, where if text is reading.text else None):
            if len(requests) < MOST:
                requests.setdefault((request.host, request.path, request.method), request)
    return _without_fragments(list(found.values())), list(requests.values())


class _Lines:
    """Line numbers by position, without counting from the beginning each time."""

    def __init__(self, text: str) -> None:
        self._starts = [0, *(match.end() for match in re.finditer("\n", text))]

    def of(self, position: int) -> int:
        from bisect import bisect_right

        return bisect_right(self._starts, position)


def _all(text: str, where: _Lines | None) -> Iterator[Signal]:
    for kind, pattern in _PATTERNS:
        for match in pattern.finditer(text):
            yield _signal(kind, _value(kind, match), text, match.start(), match.end(), where)
    for name in known_codes():
        for match in re.finditer(rf"\b{name}\b", text) if name in text else ():
            yield _signal("code", name, text, match.start(), match.end(), where)
    for kind, table in (("sentence", sentences()), ("tool", tools())):
        for name, pattern in table:
            for match in pattern.finditer(text):
                yield _signal(kind, name, text, match.start(), match.end(), where)  # type: ignore[arg-type]
                break
    yield from claim_signals(text, where)


def _value(kind: Kind, match: re.Match[str]) -> str:
    groups = match.groupdict()
    for name, value in groups.items():
        if name != "value" and value is not None:
            return name
    value = groups.get("value") or match[0]
    if kind == "status":
        return _STATUS_WORDS.get(value.lower().replace(" ", ""), value)
    if kind in ("audience", "scope"):
        return value.replace("%3A", ":").replace("%2F", "/").rstrip("/.")
    if kind == "oauth_error":
        return value.lower()
    return value


def _signal(kind: Kind, value: str, text: str, start: int, end: int, where: _Lines | None) -> Signal:
    left = max(text.rfind("\n", 0, start) + 1, start - 60)
    right = text.find("\n", end)
    quote = text[left : min(right if right >= 0 else len(text), end + 100)].strip()
    return Signal(kind, value, where.of(start) if where else 0, masked(quote))


def _without_fragments(found: list[Signal]) -> list[Signal]:
    """Numbers that a broken line cut short are left out where the whole number is there too."""
    whole = {signal.value for signal in found if signal.kind == "aadsts" and signal.line == 0}
    return [
        signal
        for signal in found
        if not (
            signal.kind == "aadsts"
            and signal.line
            and any(other != signal.value and other.startswith(signal.value) for other in whole)
        )
    ]
