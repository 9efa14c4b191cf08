"""Proof of possession: a JWT by a certificate that is registered at an object and valid now (source: entra.md 1.8)."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any, Final

from pbisetup.sandbox.graph.errors import GraphError
from pbisetup.sandbox.graph.times import read_time
from pbisetup.sandbox.store import Object
from pbisetup.sandbox.wire import World

AUDIENCE: Final = "00000002-0000-0000-c000-000000000000"
LONGEST: Final = 600
"""Seconds from nbf to exp (source: microsoft-graph-docs#6587)."""
SKEW: Final = 300
"""Seconds that the two clocks may differ by. guess."""


def check(world: World, item: Object, proof: object) -> None:
    """Accept a proof for this object, or raise GraphError. Whatever is wrong with one, the answer is the same
    (microsoft-graph-docs#14626, #22076).
    """
    import jwt

    if proof is None:
        raise GraphError("value_required", property="proof", resource="KeyCredential")
    if not isinstance(proof, str):
        raise GraphError("proof_refused")
    for key in _valid_keys(world, item):
        # Its life is judged against the tenant's clock below.
        options: Any = {"verify_aud": False, "verify_exp": False, "verify_nbf": False, "verify_iat": False}
        try:
            claims = jwt.decode(proof, key, algorithms=["RS256", "PS256"], options=options)
        except (jwt.PyJWTError, TypeError, ValueError):
            continue
        if _is_for(world, item, claims):
            return
        break
    raise GraphError("proof_refused")


def _is_for(world: World, item: Object, claims: dict[str, Any]) -> bool:
    now = world.now().timestamp()
    try:
        start, end = float(claims["nbf"]), float(claims["exp"])
    except (KeyError, TypeError, ValueError):
        return False
    # guess: a little more than the documented ten minutes passes, as rounding makes it that.
    alive = start - SKEW <= now < end + SKEW and end - start <= LONGEST + 1
    audience = claims.get("aud")
    return alive and audience == AUDIENCE and str(claims.get("iss")).lower() == str(item["id"]).lower()


def _valid_keys(world: World, item: Object) -> Iterator[Any]:
    from cryptography import x509

    for entry in item.get("keyCredentials") or []:
        start, end = read_time(entry.get("startDateTime")), read_time(entry.get("endDateTime"))
        if start is None or end is None or not start <= world.now() < end or not entry.get("key"):
            continue
        try:
            yield x509.load_der_x509_certificate(base64.b64decode(entry["key"])).public_key()
        except (ValueError, TypeError):
            continue
