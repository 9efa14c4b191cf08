"""The shape of one entry in the tables of Graph errors."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """One error: what is sent, and how we know."""

    status: int
    code: str
    message: str
    """With `{placeholders}` that the raiser fills."""
    source: str
    grade: str
    detail: str | None = None
    """Code of the single entry of `details`, where the real error has one."""
    target: str | None = None
    """`target` of that entry, where it is not the property that the raiser names."""
