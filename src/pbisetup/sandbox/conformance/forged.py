"""Texts in the place of a token: some that are none, some that look like one and that no authority signed."""

from __future__ import annotations

import base64
import json
import secrets
from datetime import datetime

from pbisetup.model.secret import Secret
from pbisetup.sandbox.conformance.probes import Bearer

NOBODY = "00000000-0000-0000-0000-000000000000"
_PLAIN = {"no_dots": "not-a-token", "one_dot": "not-a.token", "two_dots": "not.a.token"}


def forged(kind: Bearer, audience: str, now: datetime) -> Secret:
    """A bearer text of this kind; a forged one is of no tenant, and for this audience."""
    if kind in _PLAIN:
        return Secret(_PLAIN[kind])
    moment = int(now.timestamp()) - (7200 if kind == "forged_expired" else 300)
    claims = {
        "aud": audience,
        "iss": f"https://sts.windows.net/{NOBODY}/",
        "iat": moment,
        "nbf": moment,
        "exp": moment + 3600,
        "appid": NOBODY,
        "oid": NOBODY,
        "tid": NOBODY,
        "ver": "1.0",
    }
    parts = (json.dumps({"typ": "JWT", "alg": "RS256", "kid": "none"}), json.dumps(claims))
    encoded = [base64.urlsafe_b64encode(part.encode()) for part in parts]
    signature = base64.urlsafe_b64encode(secrets.token_bytes(256))
    return Secret(b".".join(part.rstrip(b"=") for part in (*encoded, signature)).decode())
