"""Quotes from a paste without what must not be shown again."""

from __future__ import annotations

import re

_TOKEN = re.compile(r"eyJ[\w-]{8,}(?:\.[\w-]*){0,4}")
_NAMED = re.compile(
    r"(?P<name>['\"]?(?:client[_-]?secret|secret|password|pwd|passwd|access_token|refresh_token|id_token|assertion"
    r"|client_assertion|authorization|x-ms-authorization-auxiliary|api[_-]?key|AccountKey|sig|code|token)['\"]?\s{0,2}"
    r"(?:[:=]|\bis\b)\s{0,2}(?:Bearer\s+)?)(?P<value>\"[^\"]*\"|'[^']*'|[^\s,;&}\"']+)",
    re.IGNORECASE,
)
_BEARER = re.compile(r"(?P<name>Bearer\s+)[\w.~+/=-]{8,}", re.IGNORECASE)
# Client secrets of Entra: 40 characters, the fourth a digit, then `Q~` (many published scanners look for that).
_SECRET = re.compile(r"[\w.~-]{3}\dQ~[\w.~-]{31,37}")


def masked(text: str) -> str:
    """The text with tokens and secrets replaced by `***` and nothing that a terminal would obey."""
    text = _TOKEN.sub("***", text)
    text = _SECRET.sub("***", text)
    text = _BEARER.sub(r"\g<name>***", text)
    text = _NAMED.sub(_mask, text)
    return "".join(c if c.isprintable() else " " for c in text)


def _mask(match: re.Match[str]) -> str:
    value = match["value"]
    # An error's own code is no secret, however the key is called: `"code":"TokenExpired"`.
    if match["name"].strip("'\" :=").lower() == "code" and re.fullmatch(r"['\"]?[A-Za-z_]{3,60}['\"]?", value):
        return match[0]
    return f"{match['name']}***"
