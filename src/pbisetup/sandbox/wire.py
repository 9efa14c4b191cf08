"""What travels between the HTTP server and the services: a call, a reply, and a table of routes."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

if TYPE_CHECKING:
    from pbisetup.sandbox.keys import SigningKey
    from pbisetup.sandbox.store import Tenant


LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


class BadBody(Exception):
    """The body is not what its route reads; each service answers it in its own error shape."""


@dataclass(frozen=True)
class Call:
    """One request, with nothing of the web framework in it."""

    method: str
    path: str
    params: Mapping[str, str]
    """What the route's `{placeholders}` matched, percent-decoded."""
    query: Mapping[str, str]
    """Query parameters; where one is repeated the last value."""
    headers: Mapping[str, str]
    """Lower-case names."""
    body: bytes
    origin: str
    """`https://host[:port]` as the client addressed it: every self URL in an answer starts with this."""
    request_id: str
    client: str = "127.0.0.1"
    """The caller's address."""

    def json(self) -> dict[str, Any]:
        """The body as a JSON object; an empty body is an empty object. Raises BadBody."""
        if not self.body.strip():
            return {}
        try:
            value = json.loads(self.body)
        except (ValueError, RecursionError) as error:
            raise BadBody("not valid JSON") from error
        if not isinstance(value, dict):
            raise BadBody("not a JSON object")
        return value

    def form(self) -> dict[str, str]:
        """The body as form fields; where one is repeated the last value. Raises BadBody."""
        try:
            fields = parse_qs(self.body.decode("utf-8"), keep_blank_values=True)
        except (UnicodeDecodeError, ValueError) as error:
            raise BadBody("not a form") from error
        return {name: values[-1] for name, values in fields.items()}


@dataclass(frozen=True)
class Reply:
    """One answer. `body`: a JSON value, text (sent as is with `media_type`), or None for an empty body."""

    status: int
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    media_type: str = "application/json"


@dataclass
class World:
    """What every service decides from: the tenant's state, its signing key and its clock."""

    tenant: Tenant
    keys: SigningKey
    names: frozenset[str] = LOOPBACK
    """Host names by which this server is reached, beside Microsoft's."""
    pending: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Device codes that wait for their user, by device code. They live as long as the process, not in the
    state.
    """
    codes: dict[str, Any] = field(default_factory=dict)
    """Authorization codes by their text (`entra/codes.py`); as long-lived as the process."""
    sessions: dict[str, Any] = field(default_factory=dict)
    """Browsers by their cookie, with who is signed in there (`entra/session.py`); likewise."""
    flows: dict[str, Any] = field(default_factory=dict)
    """Sign-ins that wait for a page to be answered (`entra/session.py`); likewise."""

    def now(self) -> datetime:
        """The tenant's time: real time plus what `/_sandbox/clock` advanced."""
        offset = float(self.tenant.section("clock").get("offset_seconds", 0))
        return datetime.now(UTC) + timedelta(seconds=offset)


Handler = Callable[[World, Call], Reply]


@dataclass(frozen=True)
class Route:
    """A path template as Starlette reads it, and who answers it."""

    method: str
    path: str
    handler: Handler
