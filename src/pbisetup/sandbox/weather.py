"""What goes wrong on purpose, and what was asked: fault rules and the request log."""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl, urlencode

SECRET_NAMES = re.compile(r"secret|password|token|assertion|^code$|device_code|sig$|claims", re.IGNORECASE)
LOG_SIZE = 20_000


@dataclass
class FaultRule:
    """One rule of `/_sandbox/faults`: after `skip` matching requests it applies to the next `times` (None:
    for ever).
    """

    method: str | None
    path: re.Pattern[str]
    skip: int = 0
    times: int | None = None
    status: int | None = None
    headers: dict[str, str] = field(default_factory=dict)
    body: Any = None
    delay_ms: float = 0
    delay_at: str = "before"
    """Where the delay lies: before the request has its effect, or between effect and answer."""
    drop: str | None = None

    def delay(self, place: str) -> float:
        """Milliseconds to wait at this place."""
        return self.delay_ms if self.delay_at == place else 0

    def take(self, method: str, path: str) -> bool:
        """Whether the rule applies to this request; counts it."""
        if self.times == 0 or (self.method and self.method != method.upper()) or not self.path.search(path):
            return False
        if self.skip > 0:
            self.skip -= 1
            return False
        if self.times is not None:
            self.times -= 1
        return True


def parse_rule(given: Any) -> tuple[FaultRule | None, list[str]]:
    """A rule from its JSON, or what is wrong with it."""
    if not isinstance(given, dict):
        return None, ["a rule must be an object"]
    problems = [
        f"unknown key {key!r}"
        for key in given
        if key not in ("match", "skip", "times", "status", "headers", "body", "delay_ms", "delay_at", "drop")
    ]
    match = given.get("match", {})
    method, path = (match.get("method"), match.get("path", "")) if isinstance(match, dict) else (None, None)
    if method is not None and not isinstance(method, str):
        problems.append("match.method must be a string")
    pattern = re.compile("")
    try:
        if not isinstance(path, str):
            raise TypeError
        pattern = re.compile(path)
    except (re.error, TypeError):
        problems.append("match.path must be a regular expression")
    for name in ("skip", "times", "status", "delay_ms"):
        value = given.get(name)
        if value is not None and (isinstance(value, bool) or not isinstance(value, int | float) or value < 0):
            problems.append(f"{name} must be a number, not negative")
    status = given.get("status")
    if isinstance(status, int) and not 200 <= status <= 599:
        problems.append("status must be from 200 to 599")
    headers = given.get("headers") or {}
    if not isinstance(headers, dict):
        problems.append("headers must be an object")
        headers = {}
    if given.get("delay_at") not in (None, "before", "after"):
        problems.append('delay_at must be "before" or "after"')
    if given.get("drop") not in (None, "before", "after"):
        problems.append('drop must be "before" or "after"')
    if problems:
        return None, problems
    return FaultRule(
        method.upper() if method else None,
        pattern,
        int(given.get("skip") or 0),
        None if given.get("times") is None else int(given["times"]),
        None if status is None else int(status),
        {str(k): str(v) for k, v in headers.items()},
        given.get("body"),
        float(given.get("delay_ms") or 0),
        given.get("delay_at") or "before",
        given.get("drop"),
    ), []


class RequestLog:
    """The requests that were answered, newest last, without secrets; the control paths are not among them."""

    def __init__(self) -> None:
        self.entries: deque[dict[str, Any]] = deque(maxlen=LOG_SIZE)

    def add(self, time: datetime, method: str, host: str, path: str, query: str) -> dict[str, Any]:
        """Note a request. Its `status` is filled in when it has been answered and stays null where it was cut off; `stage`
        tells how far it has come: `waiting` (nothing has happened), `done` (it has had its effect), `answered`, `cut`.
        """
        entry = {
            "time": time.isoformat(),
            "method": method,
            "host": host,
            "path": path,
            "query": redact(query),
            "status": None,
            "stage": "waiting",
            "client_request_id": None,
        }
        self.entries.append(entry)
        return entry

    def of(self, tenant: str | None) -> list[dict[str, Any]]:
        """The entries, oldest first: all, or those of one tenant of several."""
        return [each for each in self.entries if tenant is None or each.get("tenant") == tenant]

    def forget(self, tenant: str | None) -> None:
        """Drop all of them, or those of one tenant."""
        kept = [] if tenant is None else [each for each in self.entries if each.get("tenant") != tenant]
        self.entries.clear()
        self.entries.extend(kept)


def redact(query: str) -> str:
    """A query string with the values of secret parameters hidden."""
    if not query:
        return ""
    pairs = parse_qsl(query, keep_blank_values=True)
    hidden = [(name, "***" if SECRET_NAMES.search(name) else value) for name, value in pairs]
    return urlencode(hidden, safe="$*'(),/: ")
