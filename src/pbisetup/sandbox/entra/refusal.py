"""A refusal of the authority: the exception that every check raises, and the shape in which it goes over the wire."""

from __future__ import annotations

import hashlib
import uuid
from typing import Any

from pbisetup.sandbox.entra.causes import CAUSES
from pbisetup.sandbox.wire import Call, Reply, World


class Refused(Exception):
    """A token request is refused for a reason of the table."""

    def __init__(self, cause: str, *, claims: str | None = None, **values: object) -> None:
        super().__init__(cause)
        self.key = cause
        self.cause = CAUSES[cause]
        self.claims = claims
        """What the client has to pass back with an interactive sign-in, as JSON text."""
        self.description = f"AADSTS{self.cause.code}: {self.cause.message.format(**values)}"


def refusal(world: World, call: Call, refused: Refused) -> Reply:
    """The answer of the authority: every part that a client or a person reads from it (entra.md 6.1)."""
    cause = refused.cause
    stamp = _stamp(world)
    correlation = correlation_id(call)
    body: dict[str, Any] = {
        "error": (cause.v1_error if "/v2.0/" not in call.path else None) or cause.error,
        "error_description": (
            f"{refused.description} Trace ID: {call.request_id} Correlation ID: {correlation} Timestamp: {stamp}"
        ),
        "error_codes": [cause.code],
        "timestamp": stamp,
        "trace_id": call.request_id,
        "correlation_id": correlation,
    }
    if cause.error_uri:
        body["error_uri"] = f"{call.origin}/error?code={cause.code}"
    if cause.suberror:
        body["suberror"] = cause.suberror
    if refused.claims:
        body["claims"] = refused.claims
    return Reply(cause.status, body, no_store())


def redirected(world: World, call: Call, refused: Refused, correlation: str) -> dict[str, str]:
    """The refusal as parameters of a redirect to the app."""
    # Its parts stand on lines of their own (recorded redirects of MSAL's tests).
    parts = (
        refused.description,
        f"Trace ID: {call.request_id}",
        f"Correlation ID: {correlation}",
        f"Timestamp: {_stamp(world)}",
    )
    return {
        "error": refused.cause.error,
        **({"error_subcode": refused.cause.suberror} if refused.cause.suberror else {}),
        "error_description": "\r\n".join(parts),
    }


def _stamp(world: World) -> str:
    return world.now().strftime("%Y-%m-%d %H:%M:%SZ")


def correlation_id(call: Call) -> str:
    """The client's own request id if it is a GUID, else one of the service's (clients.md 5: msal-node sends it in the
    query). One request has one, in its answer and in the sign-in log.
    """
    for given in (call.headers.get("client-request-id"), call.query.get("client-request-id")):
        try:
            return str(uuid.UUID(given or ""))
        except ValueError:
            continue
    return str(uuid.UUID(bytes=hashlib.sha256(call.request_id.encode()).digest()[:16], version=4))


def no_store() -> dict[str, str]:
    """Headers of every answer of the token service (azure-cli#22251 shows them)."""
    return {"Cache-Control": "no-store, no-cache", "Pragma": "no-cache", "Expires": "-1"}
