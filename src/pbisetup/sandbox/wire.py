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


DEEPEST = 100
"""Levels of a JSON body; what is deeper could not be written out again within Python's own limit. guess: the number."""
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
    allowed: frozenset[str] = frozenset()
    """Where the service has no such route: the methods that it has for this path."""

    def json(self) -> dict[str, Any]:
        """The body as a JSON object; an empty body is an empty object. Raises BadBody."""
        if not self.body.strip():
            return {}
        try:
            value = json.loads(self.body, parse_constant=_no_constant)
        except (ValueError, RecursionError) as error:
            raise BadBody("not valid JSON") from error
        if _deeper_than(value, DEEPEST):
            raise BadBody("nested too deeply")
        if not isinstance(value, dict):
            raise BadBody("not a JSON object")
        return _without_lone_surrogates(value) if b"\\u" in self.body else value

    def form(self) -> dict[str, str]:
        """The body as form fields; where one is repeated the last value. Raises BadBody."""
        try:
            fields = parse_qs(self.body.decode("utf-8"), keep_blank_values=True)
        except (UnicodeDecodeError, ValueError) as error:
            raise BadBody("not a form") from error
        return {name: values[-1] for name, values in fields.items()}


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def _deeper_than(value: Any, levels: int) -> bool:
    if levels < 0:
        return True
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return any(_deeper_than(each, levels - 1) for each in inner)


def _without_lone_surrogates(value: dict[str, Any]) -> dict[str, Any]:
    """Half a character (`"\\ud800"`) is valid JSON, but no text that could be stored or sent again."""
    text = json.dumps(value, ensure_ascii=False)
    whole: dict[str, Any] = json.loads(text.encode("utf-16", "surrogatepass").decode("utf-16", "replace"))
    return whole


@dataclass(frozen=True)
class Reply:
    """One answer. `body`: a JSON value, text (sent as is with `media_type`), or None for an empty body."""

    status: int
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    media_type: str = "application/json"


def _nobody(_service: str, _call: Call) -> Reply:
    return Reply(404)


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
    cookie: str = ""
    """What names that cookie where several tenants of one process share it; empty: the tenant itself."""
    flows: dict[str, Any] = field(default_factory=dict)
    """Sign-ins that wait for a page to be answered (`entra/session.py`); likewise."""
    meters: dict[str, Any] = field(default_factory=dict)
    """What each app has used of its quota (`graph/throttle.py`); likewise."""
    pages: dict[str, Any] = field(default_factory=dict)
    """Lists that are read page by page (`graph/paging.py`); likewise."""
    ask: Callable[[str, Call], Reply] = _nobody
    """Answers a call to a service by name as if a client had sent it alone: logged, faults and all. The server's."""

    def now(self) -> datetime:
        """The tenant's time: real time plus what `/_sandbox/clock` advanced."""
        offset = float(self.tenant.section("clock").get("offset_seconds", 0))
        return datetime.now(UTC) + timedelta(seconds=offset)

    def note_members(self, group: dict[str, Any], ids: list[str]) -> None:
        """Remember since when a group has these members, where new memberships take time to be known."""
        if ids and self.tenant.section("weather").get("group_membership_seconds"):
            group.setdefault("_since", {}).update(dict.fromkeys(ids, self.now().timestamp()))


Handler = Callable[[World, Call], Reply]


@dataclass(frozen=True)
class Route:
    """A path template whose `{names}` stand for one segment each, and who answers it."""

    method: str
    path: str
    handler: Handler
