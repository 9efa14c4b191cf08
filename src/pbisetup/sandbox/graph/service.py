"""How a call reaches a Graph handler: token, scopes, target, the caller's right, then the handler; errors
in Graph's shape.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from pbisetup.sandbox.asgi import pattern
from pbisetup.sandbox.bearer import BadToken, Caller, read_bearer
from pbisetup.sandbox.graph import metadata, permissions, revocation, throttle
from pbisetup.sandbox.graph.errors import GraphError, reply
from pbisetup.sandbox.home import addressed, home
from pbisetup.sandbox.store import Object, Tenant
from pbisetup.sandbox.wire import BadBody, Call, Handler, Reply, Route, World

GRAPH_APP_ID: Final = "00000003-0000-0000-c000-000000000000"
PREFIXES: Final = ("/v1.0", "/beta")
OPTIONS: Final = frozenset(
    ("filter", "select", "expand", "orderby", "top", "skip", "skiptoken", "count", "search", "format")
)

_TOKEN_FAULTS: Final = {
    "missing": "token_missing",
    "signature": "token_signature",
    "expired": "token_expired",
    "not_yet_valid": "token_expired",
    "foreign_tenant": "token_signature",
}
_MALFORMED: Final = {0: "token_malformed", 1: "token_one_dot"}
"""By the number of dots in the token."""


@dataclass(frozen=True)
class Request:
    """One authenticated call to Graph."""

    world: World
    call: Call
    caller: Caller
    owned_only: bool = False
    """The caller may only see and touch what it owns (app-only Application.ReadWrite.OwnedBy)."""

    @property
    def tenant(self) -> Tenant:
        return self.world.tenant

    @property
    def beta(self) -> bool:
        """Whether the beta version was asked."""
        return self.call.path[:6].lower() == "/beta/"

    @property
    def base(self) -> str:
        """Origin and version as the client addressed them: `https://host/v1.0`."""
        version = self.call.path.split("/", 2)[1]
        return f"{self.call.origin}/{version}"

    def require(self, operation: str, target: Object | None = None) -> None:
        """Refuse unless the caller may do one more operation than the one its route names. Raises
        GraphError.
        """
        permissions.check(self.tenant, self.caller, operation, target)

    def changed(self) -> None:
        self.tenant.changed = True

    def stamp(self) -> str:
        """The tenant's time as Graph writes it."""
        return self.world.now().strftime("%Y-%m-%dT%H:%M:%SZ")

    def precise(self) -> str:
        """The same with seven decimals, as the answer to a creation and every role assignment show it (source:
        recordings in Azure/azure-cli; examples in microsoft-graph-docs-contrib).
        """
        now = self.world.now()
        return f"{now:%Y-%m-%dT%H:%M:%S}.{now.microsecond:06d}0Z"

    def born(self) -> str:
        """The tenant's time for `_createdAt`, which replication lag is counted from."""
        return self.world.now().isoformat(timespec="microseconds")


Handle = Callable[[Request, Any], Reply]
Resolve = Callable[[Request], Any]


def nothing(_: Request) -> None:
    """The target of a route that is about no existing object."""


def route(method: str, template: str, operation: str, handle: Handle, target: Resolve = nothing) -> list[Route]:
    """Routes for both API versions. The order of refusals: token, permissions in it, missing target, the
    caller's right.
    """

    def handler(world: World, call: Call) -> Reply:
        call = _with_options(call)
        costs: dict[str, str] = {}
        try:
            caller = authenticate(world, call)
            costs = throttle.check(world, caller, call)
            _check_body(call)
            if caller.kind == "app" and template.split("/")[1] == "me":
                raise GraphError("me_needs_user")
            owned_only = permissions.check_token(world.tenant, caller, operation)
            request = Request(world, call, caller, owned_only)
            found = target(request)
            permissions.check(world.tenant, caller, operation, found if isinstance(found, dict) else None)
            answer = handle(request, found)
        except GraphError as error:
            return finished(world, call, reply(world, call, error), costs)
        except BadBody:
            return finished(world, call, reply(world, call, GraphError("bad_json")), costs)
        return finished(world, call, answer, costs)

    return [Route(method, prefix + template, handler) for prefix in PREFIXES]


def _check_body(call: Call) -> None:
    """Refuse a body that is not declared as JSON, and a PATCH without one; an action may come without (restore,
    revokeSignInSessions). guess: that the token is judged first.
    """
    if call.method not in ("POST", "PATCH", "PUT"):
        return
    if not call.body.strip():
        if call.method == "PATCH":
            raise GraphError("empty_payload")
        return
    declared = call.headers.get("content-type", "").partition(";")[0].strip().lower()
    if not declared:
        raise GraphError("content_type_missing")
    if declared != "application/json":
        raise GraphError("content_type_other")


def authenticate(world: World, call: Call) -> Caller:
    """The caller of a request to Graph. Raises GraphError."""
    try:
        caller = read_bearer(world, call)
    except BadToken as bad:
        if bad.fault == "malformed":
            dots = call.headers.get("authorization", "").count(".")
            raise GraphError(_MALFORMED.get(dots, "token_undecodable")) from None
        raise GraphError(_TOKEN_FAULTS[bad.fault]) from None
    resource = addressed(world.tenant, call.origin).graph_resource
    if caller.audience not in (GRAPH_APP_ID, resource):
        raise GraphError("token_audience")
    if resource != home(world.tenant).graph_resource:
        raise GraphError("token_other_cloud")
    revocation.check(world, caller)
    return caller


def unknown(call: Call) -> Reply:
    """What Graph says to a path or method it does not have (source: msgraph-beta-sdk-python#764: 400, not
    404).
    """
    error = GraphError("method_not_allowed") if call.allowed else GraphError("no_segment", segment=_unknown(call.path))
    return finished(None, call, reply(None, call, error), {})


def _unknown(path: str) -> str:
    """The first segment below the version that no route has there; the last where all lead somewhere."""
    from pbisetup.sandbox import graph

    parts = [part for part in path.split("/") if part]
    candidates = [route.path.strip("/").split("/") for route in graph.routes]
    for at, part in enumerate(parts):
        candidates = [each for each in candidates if len(each) > at and pattern(each[at]).fullmatch(part)]
        if not candidates:
            return part
    return parts[-1] if parts else ""


def _with_options(call: Call) -> Call:
    """The call with its query options as handlers read them: `$filter` for `$Filter`, and in beta for `filter`.

    source: concepts/query-parameters.md. For v1.0 it says that some APIs take them without the dollar sign; guess:
    the directory's do.
    """
    named = {name.lower() if name.startswith("$") else name: value for name, value in call.query.items()}
    for name, value in call.query.items():
        if name.lower() in OPTIONS:
            named.setdefault(f"${name.lower()}", value)
    return call if named == call.query else dataclasses.replace(call, query=named)


def finished(world: World | None, call: Call, answer: Reply, costs: dict[str, str]) -> Reply:
    """An answer with its ids, with what it cost, and with as much metadata as Accept asks for; the gateway's own
    headers: `headers.py`.
    """
    headers = {
        "request-id": call.request_id,
        "client-request-id": call.headers.get("client-request-id", call.request_id),
        **costs,
        **answer.headers,
    }
    if world is None or answer.status >= 400 or not isinstance(answer.body, dict):
        return dataclasses.replace(answer, headers=headers)
    chosen = metadata.level(call.headers.get("accept", ""))
    body = metadata.apply(answer.body, chosen, world.tenant.id)
    return Reply(answer.status, body, headers, metadata.media_type(chosen))


__all__ = [
    "GRAPH_APP_ID",
    "Handler",
    "Request",
    "authenticate",
    "finished",
    "nothing",
    "route",
    "unknown",
]
