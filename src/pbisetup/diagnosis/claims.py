"""Decoding a token leniently: whatever is handed in ends in claims or in a plain sentence, never in a traceback."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from pbisetup.model.claims import Claims

_JWT = re.compile(r"eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*\.?[A-Za-z0-9_-]*(?:\.[A-Za-z0-9_-]*){0,2}")


class NotDecodable(Exception):
    """The text is no token whose claims can be read; `str()` says why in plain words."""


def find_token(text: str) -> str | None:
    """The first JWT in a text: bare, behind `Bearer`, in JSON or between quotes; None where there is none."""
    match = _JWT.search(text)
    if match and match[0].count(".") < 2:
        # Broken over several lines before its last part: a terminal wrapped it.
        match = _JWT.fullmatch("".join(text.split())) or match
    return match[0] if match else None


def decode(token: str) -> Claims:
    """The claims of a JWT, unverified. Raises NotDecodable."""
    import jwt

    token = token.strip()
    if not token:
        raise NotDecodable("there is nothing to decode")
    parts = token.split(".")
    if len(parts) == 5:
        raise NotDecodable("the token is encrypted (five parts); only the service it is for can read it")
    if len(parts) == 2:
        token += "."  # unsigned, with the last dot lost in copying
    try:
        # Unsigned and oddly signed tokens are decoded too: judging them is what this is for.
        decoded = jwt.decode_complete(token, options={"verify_signature": False})
    except (jwt.PyJWTError, ValueError, TypeError, RecursionError) as error:
        raise NotDecodable(_why(token, error)) from None
    payload = decoded["payload"]
    if not isinstance(payload, dict):
        raise NotDecodable("the middle part is not a set of claims")
    return _claims(payload, decoded["header"])


def _why(token: str, error: Exception) -> str:
    if not token.startswith("eyJ"):
        return "it does not begin like a JWT (eyJ): an opaque token, a refresh token, a secret or something else"
    if token.count(".") != 2:
        return f"a JWT has three parts, this has {token.count('.') + 1}: was it cut off in copying?"
    # The library's message may quote the input, which may be a secret: only its kind is passed on.
    return f"a part of it is not what a JWT holds ({type(error).__name__}): was it cut off in copying?"


def _claims(payload: Mapping[str, Any], header: Mapping[str, Any]) -> Claims:
    def text(*names: str) -> str:
        return next((str(payload[n]) for n in names if isinstance(payload.get(n), str | int)), "")

    def listed(name: str) -> frozenset[str]:
        value = payload.get(name)
        if isinstance(value, str):
            return frozenset(value.split())
        return frozenset(str(v) for v in value) if isinstance(value, list) else frozenset()

    audience = payload.get("aud")
    return Claims(
        audience=" ".join(map(str, audience)) if isinstance(audience, list) else text("aud"),
        issuer=text("iss"),
        tenant_id=text("tid"),
        client_id=text("appid", "azp"),
        object_id=text("oid"),
        subject=text("sub"),
        version=text("ver"),
        roles=listed("roles"),
        scopes=listed("scp"),
        directory_roles=listed("wids"),
        credential=text("appidacr", "azpacr"),
        issued=_time(payload.get("iat")),
        expires=_time(payload.get("exp")),
        account=text("upn", "preferred_username", "unique_name", "email"),
        algorithm=str(header.get("alg", "")),
        key_id=str(header.get("kid", "")),
        raw=dict(payload),
    )


def _time(value: Any) -> datetime | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return datetime.fromtimestamp(value, UTC)
    except (OverflowError, ValueError, OSError):
        return None
