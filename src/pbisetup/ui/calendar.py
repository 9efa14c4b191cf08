"""When credentials end, as a calendar (iCalendar, RFC 5545) that can be imported or subscribed to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from pbisetup.planning.standing import Standing
from pbisetup.ui.terminal import visible

_WARNINGS = (timedelta(days=30), timedelta(days=7))
"""How long before the end a calendar reminds."""


def calendar(rows: Sequence[Standing], project: str, now: datetime) -> str:
    """One event a credential, on the day (UTC) that it ends; always under the same identifier: it is moved, not doubled.

    Lines end as the standard says, with CR LF, and are folded at 75 octets.
    """
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//pbisetup//status//EN",
        "CALSCALE:GREGORIAN",
        *(line for row in rows if row.credential.ends is not None for line in _event(row, project, now)),
        "END:VCALENDAR",
    ]
    return "".join(f"{part}\r\n" for line in lines for part in _folded(line))


def _event(row: Standing, project: str, now: datetime) -> Iterable[str]:
    credential = row.credential
    assert credential.ends is not None
    kind = "client secret" if credential.kind == "secret" else credential.kind or "credential"
    day = credential.ends
    told = [f"The {kind} of {row.environment} ends at {day:%Y-%m-%d %H:%M} UTC."]
    told += [f"It is kept in {credential.where}."] if credential.where else []
    told += [f"Tenant {row.tenant.name}, client id {row.client_id}."] if row.tenant else []
    told.append(f"pbisetup rotate {row.environment} replaces it.")
    yield "BEGIN:VEVENT"
    yield f"UID:{_text(f'{project}-{row.environment}')}@pbisetup"
    yield f"DTSTAMP:{now:%Y%m%dT%H%M%SZ}"
    yield f"DTSTART;VALUE=DATE:{day:%Y%m%d}"
    yield f"DTEND;VALUE=DATE:{day + timedelta(days=1):%Y%m%d}"
    yield f"SUMMARY:{_text(f'{row.environment}: {kind} ends')}"
    yield f"DESCRIPTION:{_text(' '.join(told))}"
    yield "TRANSP:TRANSPARENT"
    for before in _WARNINGS:
        yield "BEGIN:VALARM"
        yield "ACTION:DISPLAY"
        yield f"TRIGGER:-P{before.days}D"
        yield f"DESCRIPTION:{_text(f'{row.environment}: {kind} ends in {before.days} days')}"
        yield "END:VALARM"
    yield "END:VEVENT"


def _text(value: str) -> str:
    """A value of the type TEXT: nothing in it can begin a line of its own."""
    return visible(value).replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,")


def _folded(line: str) -> Iterable[str]:
    """The line in parts of at most 75 octets, of which the later ones begin with a space; no character is cut."""
    part, size = "", 0
    for char in line:
        width = len(char.encode("utf-8"))
        if size + width > 75:
            yield part
            part, size = " ", 1
        part, size = part + char, size + width
    yield part
