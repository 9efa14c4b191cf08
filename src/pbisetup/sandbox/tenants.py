"""Several tenants behind one address: which of them a request is for, by what Microsoft itself decides by.

Each tenant is a `Server` of its own, which knows nothing of this choice. Entra reads the tenant in the path; at `common` and
`organizations` what the request says of the user, of the grant or of the app. The APIs read the token. Where nothing tells,
the first tenant answers, and so it does for a tenant that none is.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final

from pbisetup.sandbox import base64url
from pbisetup.sandbox.asgi import Receive, Scope, Send
from pbisetup.sandbox.control import PREFIX
from pbisetup.sandbox.hosts import service_of, vault_of
from pbisetup.sandbox.server import Server, is_control
from pbisetup.sandbox.wire import BadBody, Call

SHARED: Final = ("common", "organizations")
"""Authorities of all tenants."""
_ON_THE_MACHINE: Final = ("metadata", "msi")
"""Where a managed identity asks for its token; no tenant is named there."""
_USER: Final = ("username", "login_hint", "login")
"""Form fields and query parameters that name who signs in; the last is the sign-in page's own."""
_ISSUED: Final = ("refresh_token", "assertion", "id_token_hint")
"""Those that hold something a tenant issued, which says so itself."""


class Tenants:
    """An ASGI application over two servers or more. They share the log, the connections and the browsers' sessions."""

    def __init__(self, servers: list[Server]) -> None:
        self._servers = servers
        self._first = first = servers[0]
        for each in servers:
            each.neighbours = tuple(other for other in servers if other is not each)
            each.log, each.transports, each.services = first.log, first.transports, first.services
            each.world.sessions, each.world.cookie = first.world.sessions, first.world.tenant.id

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        await self._first.serve(scope, receive, send, self.of)

    def of(self, call: Call) -> Server:
        """The server whose tenant a request is for."""
        host = self._first.host(call)
        if is_control(host, call.path):
            return self._controlled(call)
        if service_of(host, call.path) == "vault" and (owner := self._with_vault(host, call.path)):
            return owner
        if service_of(host, call.path) != "entra":
            scheme, _, token = call.headers.get("authorization", "").partition(" ")
            return (self._issuer(token) if scheme.lower() == "bearer" else None) or self._first
        named = call.path.lstrip("/").partition("/")[0].lower()
        if named in SHARED or named == "devicelogin":
            return self._at_shared(call)
        if named in _ON_THE_MACHINE:
            return self._with_identity(call.query.get("client_id", "")) or self._first
        return self._called(named) or self._first

    def _with_vault(self, host: str, path: str) -> Server | None:
        """By the vault that is meant: no two tenants have one of the same name."""
        name = vault_of(host) or [*path.lower().split("/"), "", ""][2]
        return next(
            (s for s in self._servers if name in {each.lower() for each in s.world.tenant.section("vaults")}), None
        )

    def _called(self, name: str) -> Server | None:
        """By id or domain."""
        return next((each for each in self._servers if each.world.tenant.named(name)), None)

    def _controlled(self, call: Call) -> Server:
        """A control path: the tenant that the query names (the first one refuses what none is); a device code's own."""
        name = call.query.get("tenant")
        chosen = None if name is None else self._called(name) or self._first
        if not call.path.startswith(f"{PREFIX}devicecodes/"):
            return chosen or self._first
        self._hand_round()
        waiting = self._waiting(call.path.rpartition("/")[2])
        return chosen or waiting or self._user(_approver(call)) or self._first

    def _at_shared(self, call: Call) -> Server:
        """At an authority of all tenants."""
        self._hand_round()
        given = _given(call)
        wanted = self._waiting(given.get("otc") or given.get("user_code") or "") or self._user(_who(call, given))
        flow = given.get("flow")
        holder = next((each for each in self._servers if flow in each.world.flows), None)
        if holder is not None:
            # A sign-in under way goes on in the tenant of whoever turns out to be at the browser.
            if wanted is not None and wanted is not holder:
                wanted.world.flows[str(flow)] = holder.world.flows.pop(str(flow))
            return wanted or holder
        return (
            wanted
            or self._called(given.get("domain_hint", ""))
            or self._granted(given)
            or self._with_app(given.get("client_id", ""))
            or self._with_session(call)
            or self._first
        )

    def _user(self, name: str) -> Server | None:
        """The tenant of a user name: by its domain, else by the name itself (a guest, a domain that is not verified)."""
        if "@" not in name:
            return None
        own = self._called(name.rpartition("@")[2])
        known = (each for each in self._servers if each.world.tenant.users.by("userPrincipalName", name))
        return own or next(known, None)

    def _granted(self, given: Mapping[str, str]) -> Server | None:
        """The tenant that issued what a client redeems."""
        code, device = given.get("code"), given.get("device_code") or given.get("code")
        for each in self._servers:
            if code in each.world.codes:
                return each
        for each in self._servers:
            pending = each.world.pending.get(device or "")
            if pending is not None and (pending["user"] is None or pending["user"] in each.world.tenant.users):
                return each
        return next((found for name in _ISSUED if (found := self._issuer(given.get(name, "")))), None)

    def _issuer(self, token: str) -> Server | None:
        """The tenant that a token names as its own (`tid`). Whether it tells the truth is that tenant's to find out."""
        try:
            claims = json.loads(base64url.decode(token.split(".")[1]))
        except (ValueError, IndexError, RecursionError):
            return None
        tid = claims.get("tid") if isinstance(claims, dict) else None
        return self._called(tid) if isinstance(tid, str) else None

    def _with_app(self, app_id: str) -> Server | None:
        """The tenant where an app is registered. guess: the real service shows its own page until it knows the user."""
        return next((each for each in self._servers if each.world.tenant.applications.by("appId", app_id)), None)

    def _with_identity(self, app_id: str) -> Server | None:
        """The tenant of a managed identity."""
        for each in self._servers:
            principal = each.world.tenant.servicePrincipals.by("appId", app_id) or {}
            if principal.get("servicePrincipalType") == "ManagedIdentity":
                return each
        return None

    def _with_session(self, call: Call) -> Server | None:
        """The tenant where the browser that calls is signed in, the first of several."""
        if "cookie" not in call.headers:
            return None
        from pbisetup.sandbox.entra import session

        return next((each for each in self._servers if session.anybody(each.world, call)), None)

    def _waiting(self, user_code: str) -> Server | None:
        """The tenant in which alone a device code waits: it was asked for at that tenant's own authority."""
        if not user_code:
            return None
        from pbisetup.sandbox.entra import device

        return next(
            (
                each
                for each in self._servers
                if (pending := device.waiting(each.world, user_code.replace(" ", "").replace("-", "")))
                and pending["own_tenant"]
            ),
            None,
        )

    def _hand_round(self) -> None:
        """A device code that was asked for at an authority of all tenants waits in each, until a user says whose it is."""
        from pbisetup.sandbox.entra import device

        for each in self._servers:
            for code, pending in each.world.pending.items():
                if not pending["own_tenant"] and not pending.get("everywhere"):
                    pending["everywhere"] = True
                    for other in each.neighbours:
                        other.world.pending[code] = pending
            device.forget_old(each.world)


def _given(call: Call) -> dict[str, str]:
    """What a request says, in its query and in its form."""
    try:
        return {**call.query, **call.form()}
    except BadBody:
        return dict(call.query)


def _approver(call: Call) -> str:
    """Who is to sign in where a device code waits; empty where nobody is named."""
    try:
        user = call.json().get("user")
    except BadBody:
        return ""
    return user if isinstance(user, str) else ""


def _who(call: Call, given: Mapping[str, str]) -> str:
    """Whom a request names as its user; empty where it names nobody."""
    parts = call.path.split("/")
    if len(parts) > 3 and parts[2].lower() == "userrealm":
        return parts[3]
    return next((given[name].strip() for name in _USER if given.get(name)), "")
