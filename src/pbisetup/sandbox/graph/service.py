"""How a call reaches a Graph handler: token, scopes, target, the caller's right, then the handler; errors
in Graph's shape.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from pbisetup.sandbox.bearer import BadToken, Caller, read_bearer
from pbisetup.sandbox.graph import permissions
from pbisetup.sandbox.graph.errors import GraphError, reply
from pbisetup.sandbox.store import Object, Tenant
from pbisetup.sandbox.wire import BadBody, Call, Handler, Reply, Route, World

GRAPH_APP_ID: Final = "00000003-0000-0000-c000-000000000000"
AUDIENCES: Final = frozenset({GRAPH_APP_ID, "https://graph.microsoft.com"})
PREFIXES: Final = ("/v1.0", "/beta")

_TOKEN_FAULTS: Final = {
    "missing": "token_missing",
    "malformed": "token_malformed",
    "signature": "token_signature",
    "expired": "token_expired",
    "not_yet_valid": "token_expired",
    "foreign_tenant": "token_signature",
}


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
        try:
            caller = _authenticate(world, call)
            if caller.kind == "app" and template.split("/")[1] == "me":
                raise GraphError("me_needs_user")
            owned_only = permissions.check_token(world.tenant, caller, operation)
            request = Request(world, call, caller, owned_only)
            found = target(request)
            permissions.check(world.tenant, caller, operation, found if isinstance(found, dict) else None)
            answer = handle(request, found)
        except GraphError as error:
            return reply(world, call, error)
        except BadBody:
            return reply(world, call, GraphError("bad_json"))
        client_id = call.headers.get("client-request-id", call.request_id)
        headers = {"request-id": call.request_id, "client-request-id": client_id, **answer.headers}
        return Reply(answer.status, answer.body, headers, answer.media_type)

    return [Route(method, prefix + template, handler) for prefix in PREFIXES]


def _authenticate(world: World, call: Call) -> Caller:
    try:
        caller = read_bearer(world, call)
    except BadToken as bad:
        raise GraphError(_TOKEN_FAULTS[bad.fault]) from None
    if caller.audience not in AUDIENCES:
        raise GraphError("token_audience")
    principal = world.tenant.principal(caller.object_id)
    if principal is None or principal[1].get("accountEnabled") is False:
        # source: entra.md 6.4: the token's own principal has been deleted. guess: disabled answers the same.
        raise GraphError("identity_not_found")
    return caller


def unknown(call: Call) -> Reply:
    """What Graph says to a path or method it does not have (source: msgraph-beta-sdk-python#764: 400, not
    404).
    """
    parts = [part for part in call.path.split("/") if part]
    segment = parts[1] if len(parts) > 1 else (parts[0] if parts else "")
    error = GraphError("no_segment", segment=segment)
    client_id = call.headers.get("client-request-id", call.request_id)
    inner = {"request-id": call.request_id, "client-request-id": client_id}
    return Reply(
        error.row.status,
        {"error": {"code": error.row.code, "message": error.message, "innerError": inner}},
        {"request-id": call.request_id, "client-request-id": client_id},
    )


__all__ = ["AUDIENCES", "GRAPH_APP_ID", "Handler", "Request", "nothing", "route", "unknown"]
