"""Tokens in a text, as signals of their claims: decoded, never shown."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from pbisetup.model.signal import Signal

_JWT: Final = re.compile(r"eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]*")
_SHOWN: Final = ("aud", "iss", "tid", "appid", "azp", "oid", "idtyp", "roles", "scp", "wids", "ver", "appidacr")
_MOST: Final = 20


def claim_signals(text: str, where: Any) -> Iterator[Signal]:
    """`claim` signals (`aud=...`), and `audience` where there is one, of every token and decoded payload in the text."""
    for match in _found(_JWT, text):
        payload = _payload(match[0])
        if payload is not None:
            yield from _signals(payload, where.of(match.start()) if where else 0, whole=True)
    for match in _found(re.compile(r"\{[^{}]{0,6000}\"(?:aud|appid|idtyp)\"\s*:[^{}]{0,6000}\}"), text):
        try:
            payload = json.loads(match[0])
        except ValueError:
            continue
        yield from _signals(payload, where.of(match.start()) if where else 0, whole="iss" in payload)


def _found(pattern: re.Pattern[str], text: str) -> list[re.Match[str]]:
    found = []
    for match in pattern.finditer(text):
        found.append(match)
        if len(found) == _MOST:
            break
    return found


def _payload(token: str) -> Mapping[str, Any] | None:
    from pbisetup.diagnosis.claims import NotDecodable, decode

    try:
        return decode(token).raw
    except NotDecodable:
        return None


def _signals(payload: Mapping[str, Any], line: int, *, whole: bool) -> Iterator[Signal]:
    for name in _SHOWN:
        value = payload.get(name)
        if isinstance(value, list):
            value = " ".join(map(str, value))
        if isinstance(value, str) and value and len(value) < 2000:
            yield Signal("claim", f"{name}={value}", line, f"the token's {name} is {value}")
    if isinstance(payload.get("aud"), str):
        yield Signal("audience", str(payload["aud"]).rstrip("/"), line, f"the token's aud is {payload['aud']}")
    if whole:
        yield Signal("shape", "token_with_roles" if payload.get("roles") else "token_without_roles", line, "")
        yield Signal("shape", "app_token" if _app_only(payload) else "user_token", line, "")
    expires = payload.get("exp")
    if isinstance(expires, int | float) and 0 < expires < 1e11:
        ended = datetime.fromtimestamp(expires, UTC)
        yield Signal("claim", f"exp={ended:%Y-%m-%dT%H:%M:%SZ}", line, f"the token ends at {ended:%Y-%m-%d %H:%M} UTC")


def _app_only(payload: Mapping[str, Any]) -> bool:
    if payload.get("scp"):
        return False
    return payload.get("idtyp") == "app" or (bool(payload.get("oid")) and payload.get("oid") == payload.get("sub"))
