"""Base64 in the alphabet of URLs, as tokens and their parts are written (RFC 4648, 5; RFC 7515 leaves the padding out)."""

from __future__ import annotations

import base64


def encode(raw: bytes) -> str:
    """The text, without padding."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def decode(text: str) -> bytes:
    """The bytes of a text with or without padding. Raises ValueError."""
    return base64.urlsafe_b64decode(text.rstrip("=") + "==")  # more padding than needed is none too much
