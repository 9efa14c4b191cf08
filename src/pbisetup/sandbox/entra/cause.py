"""What one row of the authority's tables of errors says."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Cause:
    """One reason for a refusal, as it goes over the wire."""

    code: int
    status: int
    error: str
    """OAuth 2.0 `error`; clients branch on it, not on the number."""
    message: str
    """Template of the description, without the trailing ids."""
    source: str
    grade: str
    suberror: str | None = None
    error_uri: bool = True
    """Whether the answer links to the look-up page; it does where that page knows the code (entra.md 6.1)."""
    v1_error: str | None = None
    """The OAuth error on the v1 endpoint where it differs."""
