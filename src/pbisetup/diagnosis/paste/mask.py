"""Quotes from a paste without what must not be shown again."""

from __future__ import annotations

import re

_TOKEN = re.compile(r"eyJ[\w-]{8,}(?:\.[\w-]*){0,4}")
_NAME = (
    r"(?:[\w-]*(?:secret|password|passwd|token|assertion|api[_-]?key|accesskey|accountkey|credential)[\w-]*"
    r"|pwd|authorization|x-functions-key|cookie|sig|code|key)"
)
_NAMED = re.compile(
    rf"(?P<name>['\"]?\b{_NAME}['\"]?\s{{0,2}}(?:[:=]|\bis\b(?=\s{{0,2}}['\"]))\s{{0,2}}(?:(?:Bearer|Basic)\s+)?)"
    r"(?P<value>\"[^\"]*\"|'[^']*'|[^\s,;&}\"']+)",
    re.IGNORECASE,
)
_OPTION = re.compile(rf"(?P<name>(?:^|\s)(?:--?{_NAME}|-p)\s+)(?P<value>\"[^\"]*\"|'[^']*'|[^\s-]\S*)", re.IGNORECASE)
_BEARER = re.compile(r"(?P<name>(?:Bearer|Basic)\s+)[\w.~+/=-]{8,}", re.IGNORECASE)
_IN_ADDRESS = re.compile(r"(?P<name>://[^\s/:@]{1,80}:)[^\s/@]{1,200}(?=@)")
# Client secrets of Entra: 40 characters, the fourth a digit, then `Q~` (many published scanners look for that).
_SECRET = re.compile(r"[\w.~-]{3}\dQ~[\w.~-]{20,40}")
# Anything as long and as mixed as a key: capitals, small letters and digits in one word.
_KEY = re.compile(r"(?<![\w~+/=.-])(?=[\w~+/=-]*[0-9])(?=[\w~+/=-]*[a-z])(?=[\w~+/=-]*[A-Z])[\w~+=-]{20,}")


def masked(text: str) -> str:
    """The text with tokens and secrets replaced by `***` and nothing that a terminal would obey."""
    text = _TOKEN.sub("***", text)
    text = _SECRET.sub("***", text)
    text = _BEARER.sub(r"\g<name>***", text)
    text = _IN_ADDRESS.sub(r"\g<name>***", text)
    text = _OPTION.sub(r"\g<name>***", text)
    text = _NAMED.sub(_mask, text)
    text = _KEY.sub("***", text)
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def _mask(match: re.Match[str]) -> str:
    value = match["value"]
    # An error's own code is no secret, however the key is called: `"code":"TokenExpired"`.
    if match["name"].strip("'\" :=").lower() == "code" and re.fullmatch(r"['\"]?[A-Za-z_]{3,60}['\"]?", value):
        return match[0]
    return f"{match['name']}***"
