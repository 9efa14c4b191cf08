"""Times as Graph reads and writes them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final

from pbisetup.sandbox.graph.errors import GraphError
from pbisetup.sandbox.store import Object

# Clients send up to seven decimals (.NET), datetime.fromisoformat takes six.
_EXCESS: Final = re.compile(r"(\.\d{6})\d+")
_DURATION: Final = re.compile(r"P(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?")


def read_time(value: object) -> datetime | None:
    """An ISO 8601 time as an aware datetime; without a zone it is UTC. None when it is not one."""
    if not isinstance(value, str):
        return None
    try:
        found = datetime.fromisoformat(_EXCESS.sub(r"\1", value))
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def moment(body: Object, name: str, resource: str) -> datetime | None:
    """The time that a body gives, or None where it gives none. Raises GraphError."""
    if body.get(name) is None:
        return None
    found = read_time(body[name])
    if found is None:
        raise GraphError("value_invalid", property=name, resource=resource)
    return found


def write_time(value: datetime) -> str:
    """UTC with a Z, with decimals only where there are any."""
    text = value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{text}.{value.microsecond:06d}Z" if value.microsecond else f"{text}Z"


def read_duration(value: object) -> timedelta | None:
    """An ISO 8601 duration such as `P90D`; a year counts 365 days and a month 30. None when it is not one."""
    hit = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if hit is None or not any(hit.groups()):
        return None
    years, months, days, hours, minutes, seconds = (int(part or 0) for part in hit.groups())
    return timedelta(days=365 * years + 30 * months + days, hours=hours, minutes=minutes, seconds=seconds)


def years_later(value: datetime, years: int) -> datetime:
    """The same day so many years later; 29 February becomes the 28th."""
    try:
        return value.replace(year=value.year + years)
    except ValueError:
        return value.replace(year=value.year + years, day=28)
