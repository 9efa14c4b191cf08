"""Proof that a certificate of the app is held: what addKey and removeKey take in place of a right (entra.md 1.8)."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta

from pbisetup.services.certificate import Pair

_AUDIENCE = "00000002-0000-0000-c000-000000000000"
_LIFE = timedelta(minutes=10)


def proof(pair: Pair, object_id: str, now: datetime) -> str:
    """A JWT that is signed with the certificate's key and valid for ten minutes from `now`.

    `object_id`: of the application, not of its service principal.
    """
    import jwt

    claims = {
        "aud": _AUDIENCE,
        "iss": object_id,
        "nbf": int(now.timestamp()),
        "exp": int((now + _LIFE).timestamp()),
        "jti": str(uuid.uuid4()),
    }
    headers = {"x5t": _x5t(pair.thumbprint), "x5t#S256": pair.sha256}
    return jwt.encode(claims, pair.pem.reveal(), "RS256", headers)


def _x5t(thumbprint: str) -> str:
    import base64

    return base64.urlsafe_b64encode(bytes.fromhex(thumbprint)).rstrip(b"=").decode()
