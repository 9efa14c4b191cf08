"""Tokens as they come in: made here, signed with a key that nobody trusts."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any

NOW = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)
TENANT = "11111111-1111-1111-1111-111111111111"
POWER_BI = "https://analysis.windows.net/powerbi/api"


def payload(**changes: Any) -> dict[str, Any]:
    """What Entra says in an app-only token for Power BI; None takes a claim away."""
    claims = {
        "aud": POWER_BI,
        "iss": f"https://sts.windows.net/{TENANT}/",
        "iat": int(NOW.timestamp()),
        "exp": int((NOW + timedelta(hours=1)).timestamp()),
        "appid": "client-id",
        "appidacr": "1",
        "idtyp": "app",
        "oid": "sp-object",
        "sub": "sp-object",
        "tid": TENANT,
        "ver": "1.0",
    }
    return {name: value for name, value in {**claims, **changes}.items() if value is not None}


def part(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def token(header: dict[str, Any] | None = None, signature: str = "c2lnbmF0dXJl", **changes: Any) -> str:
    return f"{part(header or {'typ': 'JWT', 'alg': 'RS256', 'kid': 'k1'})}.{part(payload(**changes))}.{signature}"


def user_token(**changes: Any) -> str:
    """A token of a person, for the app."""
    person = {"idtyp": None, "oid": "person", "sub": "pairwise", "scp": "Report.Read.All", "upn": "ann@contoso.example"}
    return token(**{**person, **changes})
