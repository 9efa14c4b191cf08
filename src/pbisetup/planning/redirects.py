"""Redirect URIs: on which platform of an app registration each belongs."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final
from urllib.parse import urlsplit

_NATIVE_PAGE: Final = re.compile(
    r"https://login\.(microsoftonline\.(com|us)|partner\.microsoftonline\.cn)/common/oauth2/nativeclient", re.IGNORECASE
)
"""Microsoft's own page for programs without a web server."""


def is_native(uri: str) -> bool:
    """Whether a redirect URI is one of a program on somebody's own device: loopback, a scheme of its own, or the page
    that Microsoft keeps for that.
    """
    return urlsplit(uri).scheme != "https" or _NATIVE_PAGE.fullmatch(uri) is not None


def by_platform(uris: Iterable[str]) -> dict[str, list[str]]:
    """`publicClient` and `web` -> their addresses, in the order given, without repetition."""
    found: dict[str, list[str]] = {"publicClient": [], "web": []}
    for uri in dict.fromkeys(uris):
        found["publicClient" if is_native(uri) else "web"].append(uri)
    return found
