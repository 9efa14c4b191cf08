"""Tokens in a text, as signals of their claims: decoded, never shown."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from itertools import islice
from typing import Any, Final

from pbisetup.model.signal import Signal

_JWT: Final = re.compile(
    r"(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{10,20000}\.(?P<payload>[A-Za-z0-9_-]{10,40000})(?:\.[A-Za-z0-9_-]*)?"
)
_PAYLOAD: Final = re.compile(r"\{[^{}]{0,6000}\"(?:aud|appid|idtyp)\"\s*:[^{}]{0,6000}\}")
_SHOWN: Final = ("aud", "iss", "tid", "appid", "azp", "oid", "idtyp", "roles", "scp", "ver", "appidacr")
_ADDRESS: Final = re.compile(r"https?://(?P<host>[\w.-]+)(?P<path>/[^\s'\"?]*)?")
_POWER_BI: Final = ("analysis.windows.net", "api.fabric.microsoft.com", "00000009-0000-0000-c000-000000000000")
_NEAR: Final = 400
_APART: Final = re.compile(r"[\n\v{}]")
_MOST: Final = 20


def claim_signals(text: str, line: Callable[[int], int], *, as_pasted: bool) -> Iterator[Signal]:
    """`claim` signals (`aud=...`), and `audience` where there is one, of every token or payload in a text.

    What stands in one line of a text that was put together may never have stood together.
    """
    for match in islice(_JWT.finditer(text), _MOST):
        payload = _decoded(match["payload"])
        if payload is not None:
            yield from _signals(payload, line(match.start()), whole=True)
            if as_pasted:
                yield from _sent(payload, text, match, line(match.start()))
    for match in islice(_PAYLOAD.finditer(text), _MOST):
        try:
            payload = json.loads(match[0])
        except (ValueError, RecursionError):
            continue
        yield from _signals(payload, line(match.start()), whole="iss" in payload or "idtyp" in payload)


def _decoded(part: str) -> Mapping[str, Any] | None:
    try:
        payload = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (ValueError, RecursionError):
        return None
    return payload if isinstance(payload, dict) else None


def _signals(payload: Mapping[str, Any], line: int, *, whole: bool) -> Iterator[Signal]:
    for name in _SHOWN:
        value = payload.get(name)
        if isinstance(value, list):
            value = " ".join(map(str, value))
        if isinstance(value, str) and 0 < len(value) < 2000:
            yield Signal("claim", f"{name}={value}", line, f"the token's {name} is {value}")
    audience = payload.get("aud")
    if isinstance(audience, str):
        yield Signal("audience", audience.rstrip("/"), line, f"the token's aud is {audience}")
    kind = ("app_token" if _app_only(payload) else "user_token") if whole else None
    if kind:
        yield Signal("shape", kind, line, "the token is an app's own" if kind == "app_token" else "a person's token")
        if isinstance(audience, str) and any(name in audience for name in _POWER_BI):
            yield Signal("shape", f"power_bi_{kind}", line, "a token for Power BI or Fabric")
            if not payload.get("roles"):
                yield Signal("shape", f"{kind}_without_roles", line, "the token has no claim roles")
    expires = payload.get("exp")
    if isinstance(expires, int | float) and 0 < expires < 1e10:
        ended = datetime.fromtimestamp(expires, UTC)
        yield Signal("claim", f"exp={ended:%Y-%m-%dT%H:%M:%SZ}", line, f"the token ends at {ended:%Y-%m-%d %H:%M} UTC")


def _app_only(payload: Mapping[str, Any]) -> bool:
    if payload.get("scp"):
        return False
    return payload.get("idtyp") == "app" or (bool(payload.get("oid")) and payload.get("oid") == payload.get("sub"))


def _sent(payload: Mapping[str, Any], text: str, match: re.Match[str], line: int) -> Iterator[Signal]:
    """Whether the text shows to which host this very token was sent: in one command, as with curl."""
    start, end = max(0, match.start() - _NEAR), match.end() + _NEAR
    for address in _ADDRESS.finditer(text, start, end):
        before, after = text[address.end() : match.start()], text[match.end() : address.start()]
        if address["host"].endswith(("powerbi.com", "api.fabric.microsoft.com")) and not _APART.search(before or after):
            where = f"the token for {payload.get('aud')} was sent to {address['host']}"
            yield Signal("claim", f"sent_aud={payload.get('aud')}", line, where)
