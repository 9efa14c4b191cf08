"""How a call reaches a Fabric handler: token, admission, scopes, then the handler; refusals in Fabric's
shape.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from pbisetup.sandbox import access, limits
from pbisetup.sandbox.bearer import BadToken, Caller, read_bearer
from pbisetup.sandbox.fabric.causes import Refused, reply
from pbisetup.sandbox.front_end import dressed
from pbisetup.sandbox.store import Tenant
from pbisetup.sandbox.wire import BadBody, Call, Reply, Route, World

_TOKEN_FAULTS: Final = {
    "missing": "token_missing",
    "malformed": "token_invalid",
    "signature": "token_invalid",
    "expired": "token_expired",
    "not_yet_valid": "token_invalid",
    "foreign_tenant": "token_invalid",
}
READ: Final = ("Workspace.Read.All", "Workspace.ReadWrite.All")
WRITE: Final = ("Workspace.ReadWrite.All",)
ADMIN_READ: Final = ("Tenant.Read.All", "Tenant.ReadWrite.All")
ADMIN_WRITE: Final = ("Tenant.ReadWrite.All",)


@dataclass(frozen=True)
class Request:
    """One admitted call to Fabric."""

    world: World
    call: Call
    caller: Caller

    @property
    def tenant(self) -> Tenant:
        return self.world.tenant

    def changed(self) -> None:
        self.tenant.changed = True


Handle = Callable[[Request], Reply]
Guard = Callable[[World, Caller], None]


def authenticate(world: World, call: Call) -> Caller:
    try:
        caller = read_bearer(world, call)
    except BadToken as bad:
        raise Refused(_TOKEN_FAULTS[bad.fault]) from None
    if caller.audience not in access.AUDIENCES:
        raise Refused("token_audience")
    return caller


def need_scope(caller: Caller, scopes: tuple[str, ...]) -> None:
    """Refuse a user's token without one of the scopes; `user_impersonation` stands for all (guess)."""
    if caller.kind == "user" and caller.scopes.isdisjoint({*scopes, "user_impersonation"}):
        raise Refused("scopes_missing")


def open_to(*scopes: str) -> Guard:
    """A route for users with one of the scopes, and for service principals that the public API setting
    admits.
    """

    def guard(world: World, caller: Caller) -> None:
        need_scope(caller, scopes)
        if caller.kind == "app":
            setting = access.PUBLIC_APIS
            if access.admission(world.tenant, setting, caller.object_id) != "admitted":
                raise Refused("service_principal_not_admitted")

    return guard


def admin_only(setting: str, *scopes: str) -> Guard:
    """A route for Fabric administrators, and for service principals without app roles that `setting` admits.

    source: powerbi.md 2: app roles of the Power BI Service in the token are the fault, whatever else is
    right.
    """

    def guard(world: World, caller: Caller) -> None:
        if caller.kind == "app":
            if access.bars_admin_routes(world.tenant, caller.roles):
                raise Refused("app_roles_in_token")
            if access.admission(world.tenant, setting, caller.object_id) != "admitted":
                raise Refused("service_principal_not_admitted_to_admin")
            return
        need_scope(caller, scopes)
        if not access.is_fabric_administrator(world.tenant, caller.object_id):
            raise Refused("not_fabric_administrator")

    return guard


def throttle(request: Request, name: str, setting: str, default: int) -> None:
    """Refuse the caller's next call when it has used up its minute. Raises Refused with Retry-After."""
    most = limits.limit(request.world, setting, default)
    wait = limits.take(request.world, name, request.caller.object_id, most)
    if wait is not None:
        until = request.world.now().strftime("%m/%d/%Y %I:%M:%S %p")
        raise Refused("too_many_requests", until=until, headers={"Retry-After": str(wait)})


def route(method: str, template: str, guard: Guard, handle: Handle) -> Route:
    def handler(world: World, call: Call) -> Reply:
        try:
            caller = authenticate(world, call)
            guard(world, caller)
            answer = handle(Request(world, call, caller))
        except Refused as refused:
            return reply(call, refused)
        except BadBody:
            return reply(call, Refused("input_invalid", what="the body is not a JSON object"))
        return dressed(call, answer.status, answer.body, dict(answer.headers))

    return Route(method, template, handler)


def unknown(call: Call) -> Reply:
    """What Fabric says to a path or method it does not have."""
    return reply(call, Refused("route_unknown"))


def collection(values: list[dict[str, object]]) -> Reply:
    """A list that fits one page: it says nothing of a next one (source: recordings in microsoft/fabric-cli)."""
    return Reply(200, {"value": values})
