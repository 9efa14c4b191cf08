"""How a call reaches a Power BI handler: token, admission, then the handler; refusals in Power BI's
shapes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from pbisetup.sandbox import access, limits
from pbisetup.sandbox.bearer import BadToken, Caller, read_bearer
from pbisetup.sandbox.front_end import dressed
from pbisetup.sandbox.powerbi.causes import Refused, reply
from pbisetup.sandbox.store import Object, Tenant
from pbisetup.sandbox.wire import BadBody, Call, Reply, Route, World

BASE: Final = "/v1.0/myorg"
READ: Final = ("Workspace.Read.All", "Workspace.ReadWrite.All")
WRITE: Final = ("Workspace.ReadWrite.All",)

_TOKEN_FAULTS: Final = {
    "missing": "token_missing",
    "malformed": "token_malformed",
    "signature": "token_signature",
    "expired": "token_expired",
    "not_yet_valid": "token_expired",
    "foreign_tenant": "token_foreign",
}
_ADMISSION_FAULTS: Final = {
    "off": "service_principal_setting_off",
    "outside": "service_principal_outside_groups",
    "excluded": "service_principal_excluded",
}


@dataclass(frozen=True)
class Request:
    """One admitted call to Power BI."""

    world: World
    call: Call
    caller: Caller

    @property
    def tenant(self) -> Tenant:
        return self.world.tenant

    def changed(self) -> None:
        self.tenant.changed = True

    def number(self, name: str, default: int, most: int) -> int:
        """A whole number in the query. Raises Refused."""
        text = self.call.query.get(name)
        if text is None:
            return default
        if not (text.isascii() and text.isdigit()) or int(text[:9]) > most:
            raise Refused("input_invalid")
        return int(text)


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


def _admit(world: World, caller: Caller) -> None:
    if caller.kind == "app":
        admission = access.admission(world.tenant, access.PUBLIC_APIS, caller.object_id)
        if admission != "admitted":
            raise Refused(_ADMISSION_FAULTS[admission])


def _need_scope(caller: Caller, scopes: tuple[str, ...]) -> None:
    """`user_impersonation` stands for all (guess); no scopes: open to every user."""
    if caller.kind == "user" and scopes and caller.scopes.isdisjoint({*scopes, "user_impersonation"}):
        raise Refused("scopes_missing")


def open_to(*scopes: str) -> Guard:
    """A route for users with one of the scopes (none: with any token), and for admitted service
    principals.
    """

    def guard(world: World, caller: Caller) -> None:
        _admit(world, caller)
        _need_scope(caller, scopes)

    return guard


def my_workspace(*scopes: str) -> Guard:
    """A route about the caller's own workspace, which an app does not have (source: powerbi.md 1.3)."""

    def guard(world: World, caller: Caller) -> None:
        _admit(world, caller)
        if caller.kind == "app":
            raise Refused("my_workspace_of_an_app")
        _need_scope(caller, scopes)

    return guard


def admin_only(*scopes: str) -> Guard:
    """A route for Fabric administrators, and for service principals without app roles that the setting
    admits.
    """

    def guard(world: World, caller: Caller) -> None:
        if caller.kind == "app":
            if access.bars_admin_routes(world.tenant, caller.roles):
                raise Refused("app_roles_on_admin_route")
            if access.admission(world.tenant, access.READ_ADMIN_APIS, caller.object_id) != "admitted":
                raise Refused("service_principal_not_admitted_to_admin")
            return
        _need_scope(caller, scopes)
        if not access.is_fabric_administrator(world.tenant, caller.object_id):
            raise Refused("not_fabric_administrator")

    return guard


def throttle(request: Request, name: str, per: str, most: int, seconds: int) -> None:
    """Refuse one call too many; `per` is the caller's id or the tenant's. Raises Refused with Retry-After."""
    wait = limits.take(request.world, name, per, limits.limit(request.world, name, most), seconds)
    if wait is not None:
        raise Refused("too_many_requests", headers={"Retry-After": str(wait)})


def route(method: str, path: str, guard: Guard, handle: Handle) -> Route:
    def handler(world: World, call: Call) -> Reply:
        try:
            caller = authenticate(world, call)
            guard(world, caller)
            answer = handle(Request(world, call, caller))
        except Refused as refused:
            return reply(call, refused)
        except BadBody:
            return reply(call, Refused("input_invalid"))
        return dressed(call, answer.status, answer.body, dict(answer.headers))

    return Route(method, BASE + path, handler)


def unknown(call: Call) -> Reply:
    """What Power BI says to a path or method it does not have."""
    return reply(call, Refused("route_unknown"))


def workspace(request: Request, least: str) -> Object:
    """The workspace of the path, where the caller has at least this role. Raises Refused."""
    found = request.tenant.workspaces.get(request.call.params["groupId"])
    role = access.workspace_role(request.tenant, found, request.caller.object_id) if found else None
    if found is None or role is None:
        raise Refused("group_not_accessible")
    if not access.at_least(role, least):
        raise Refused("workspace_role_too_low")
    return found


def collection(request: Request, context: str, values: list[Any], *, counted: bool = False, below: str = "") -> Reply:
    """A list as Power BI wraps it; `below` the service root, where it is about one workspace."""
    body: Object = {"@odata.context": f"{request.call.origin}{BASE}{below}/$metadata#{context}"}
    if counted:
        body["@odata.count"] = len(values)
    return Reply(200, {**body, "value": values})
