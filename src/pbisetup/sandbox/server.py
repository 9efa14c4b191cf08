"""The HTTP side of the tenant: reads a request, finds who answers, applies the weather, answers."""

from __future__ import annotations

import asyncio
import dataclasses
import re
import sys
import traceback
import uuid
from collections.abc import Callable
from email.utils import format_datetime
from typing import Any
from urllib.parse import parse_qs, unquote, urlencode

from pbisetup.sandbox import asgi
from pbisetup.sandbox.asgi import Receive, Scope, Send
from pbisetup.sandbox.control import PREFIX, Control
from pbisetup.sandbox.hosts import is_loopback, service_of
from pbisetup.sandbox.identity import Identity
from pbisetup.sandbox.services import Service, Services
from pbisetup.sandbox.store import Tenant
from pbisetup.sandbox.weather import FaultRule, RequestLog
from pbisetup.sandbox.wire import Call, Reply, World

GATHER_SECONDS = 0.002
"""How long a change waits for others that can be saved together with it."""
NOTES_SECONDS = 2.0
"""After how long the sign-in log is saved where nothing else is: not for every token."""
_SLASHES = re.compile(r"/{2,}")
"""msgraph-sdk itself asks for `/v1.0//applications` where nobody sets its base URL, and Graph answers it."""
_MY_ORGANIZATION = re.compile(r"^/(v1\.0|beta)/myorganization(?=/)", re.IGNORECASE)
"""Graph's older name for the caller's tenant, which CLI for Microsoft 365 still writes (its entraApp.ts). guess: answers
name themselves as without it.
"""
MAX_BODY = 32 * 1024 * 1024
MAX_STATE = 512 * 1024 * 1024
"""A large tenant is one body."""


class Server:
    """An ASGI application over one tenant. All handlers run on the event loop, one at a time."""

    def __init__(self, world: World, identity: Identity, save: Callable[[Tenant], None] | None = None) -> None:
        self.world = world
        self.identity = identity
        self.info: dict[str, Any] = {}
        self.log = RequestLog()
        self.faults: list[FaultRule] = []
        self.transports: dict[Any, asyncio.BaseTransport] = {}
        """Open connections by the client's address, so that a fault can cut one."""
        self._save = save
        self._saving: asyncio.Task[None] | None = None
        self._later: asyncio.TimerHandle | None = None
        self.services = Services()
        self.neighbours: tuple[Server, ...] = ()
        """The servers of the other tenants in this process (`tenants.py`)."""
        self._control = Control(self)
        world.ask = self._ask

    def replace(self, tenant: Tenant) -> None:
        """Take another state over."""
        tenant.changed = True
        self.world.tenant = tenant

    def forget(self) -> None:
        """Drop what is not state: codes, browser sessions, fault rules and the request log."""
        for kept in (
            self.world.pending,
            self.world.codes,
            self.world.sessions,
            self.world.flows,
            self.world.meters,
            self.world.pages,
        ):
            kept.clear()
        self.faults.clear()
        self.log.forget(self.world.tenant.id if self.neighbours else None)

    def save_now(self) -> None:
        """Write what has changed. A disk that refuses is reported, and tried again after the next change."""
        tenant = self.world.tenant
        if self._save and (tenant.changed or tenant.noted):
            try:
                self._save(tenant)
                tenant.changed = tenant.noted = False
            except OSError as error:
                print(f"the state could not be saved: {error}", file=sys.stderr, flush=True)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        await self.serve(scope, receive, send, lambda _call: self)

    async def serve(self, scope: Scope, receive: Receive, send: Send, pick: Callable[[Call], Server]) -> None:
        """One request, answered by the server that `pick` names for it; this one's connections are meant."""
        if scope["type"] != "http":
            return
        chosen = self
        try:
            call = await _read(scope, receive)
            chosen = pick(call)
            reply = await chosen.answer(call, scope["query_string"].decode("latin-1"))
        except asgi.ClientGone:
            return
        except asgi.TooLarge:
            reply = Reply(413)
        if reply is None:
            await self._cut(scope, receive)
            return
        # The tenant's clock, as everything that it decides: a client may measure its own by it.
        await asgi.answer(send, reply, format_datetime(chosen.world.now(), usegmt=True))

    async def answer(self, call: Call, query: str) -> Reply | None:
        """The reply, or None where the connection is to be cut. `query`: as it was sent, for the log."""
        method, path, host = call.method, call.path, self.host(call)
        if is_control(host, path):
            answer = self._guarded(self._control.answer, call)
            await self._saved()
            return answer
        entry = self._note(call, host, query)
        rule = next((rule for rule in self.faults if rule.take(method, path)), None)
        latency = float(self.world.tenant.section("weather").get("latency_ms") or 0)
        await _pass(latency + (rule.delay("before") if rule else 0))
        if rule and rule.drop == "before":
            entry["stage"] = "cut"
            return None
        reply = _in_place(rule)
        if reply is None:
            reply = self._dispatch(call, host)
            await self._saved()
        entry["stage"] = "done"
        await _pass(rule.delay("after") if rule else 0)
        if rule and rule.drop == "after":
            entry["stage"] = "cut"
            return None
        entry |= {"status": reply.status, "stage": "answered"}
        return dataclasses.replace(reply, headers=_headers(call, host, reply))

    def host(self, call: Call) -> str:
        """The Host header; each of this server's own names counts as localhost."""
        given = call.headers.get("host", "")
        name, _, port = given.lower().rpartition(":") if not given.endswith("]") else (given.lower(), "", "")
        name, port = (name, port) if name else (port, "")
        own = name.strip("[]") in self.world.names
        return f"localhost:{port}" if own and port else "localhost" if own else given

    def _dispatch(self, call: Call, host: str) -> Reply:
        name = service_of(host, call.path)
        if name is None:
            return Reply(421, {"error": f"no service answers for the host {host!r}"})
        if name == "graph":
            # guess: a slash at the end means nothing, as in every OData service.
            call = dataclasses.replace(call, path=_MY_ORGANIZATION.sub(r"/\1", call.path).rstrip("/") or "/")
        elif name == "powerbi":
            # source: Microsoft's sempy client: `groups/` and no id lists the workspaces; of other paths inferred.
            call = dataclasses.replace(call, path=call.path.rstrip("/") or "/")
        elif name == "vault":
            # source: azure-keyvault-secrets asks for `/secrets/NAME/` where it means the latest version.
            call = dataclasses.replace(call, path=call.path.rstrip("/") or "/")
        return self._route(self.services[name], call)

    def _route(self, service: Service, call: Call) -> Reply:
        handler, params = service.find(call.method, call.path)
        if handler is None:
            asked = dataclasses.replace(call, allowed=service.methods(call.path))
            return self._guarded(lambda c: service.dressed(self.world, c, service.unknown(c)), asked)
        found = handler  # bound for the closure
        asked = dataclasses.replace(call, params=params)
        return self._guarded(lambda c: service.dressed(self.world, c, found(self.world, c)), asked)

    def _ask(self, service: str, call: Call) -> Reply:
        """A part of a batch. Of the faults only a status fits a part: nothing is delayed or cut off."""
        entry = self._note(call, self.host(call), urlencode(call.query))
        rule = next((r for r in self.faults if _in_place(r) and r.take(call.method, call.path)), None)
        reply = _in_place(rule) or self._route(self.services[service], call)
        entry |= {"status": reply.status, "stage": "answered"}
        return reply

    def _note(self, call: Call, host: str, query: str) -> dict[str, Any]:
        """The request's entry in the log, which still lacks its status."""
        entry = self.log.add(self.world.now(), call.method, host, call.path, query)
        entry["client_request_id"] = call.headers.get("client-request-id") or call.query.get("client-request-id")
        if self.neighbours:
            entry["tenant"] = self.world.tenant.id
        return entry

    def _guarded(self, answer: Callable[[Call], Reply], call: Call) -> Reply:
        try:
            return answer(call)
        except Exception:  # a defect of the sandbox: said on its own stderr, and never taken for Microsoft's answer
            print(f"{call.method} {call.path} failed", file=sys.stderr)
            traceback.print_exc()
            sys.stderr.flush()
            return Reply(
                500,
                {
                    "error": {
                        "code": "SandboxDefect",
                        "message": "The sandbox failed; its standard error says how.",
                    }
                },
            )

    async def _saved(self) -> None:
        """Before a change is answered it is on disk, so that a killed server has lost nothing it confirmed."""
        self.world.tenant.settle()
        if self._save and self.world.tenant.changed:
            if self._saving is None:
                self._saving = asyncio.create_task(self._save_soon())
            await asyncio.shield(self._saving)
        elif self._save and self.world.tenant.noted and self._later is None:
            self._later = asyncio.get_running_loop().call_later(NOTES_SECONDS, self._save_notes)

    def _save_notes(self) -> None:
        self._later = None
        self.save_now()

    async def _save_soon(self) -> None:
        await asyncio.sleep(GATHER_SECONDS)
        self._saving = None  # from here on a change is too late for this one, and starts another
        self.save_now()

    async def _cut(self, scope: Scope, receive: Receive) -> None:
        transport = self.transports.get(scope.get("client"))
        if isinstance(transport, asyncio.Transport):
            transport.abort()
        while (await receive())["type"] != "http.disconnect":
            pass


async def _pass(milliseconds: float) -> None:
    if milliseconds > 0:
        await asyncio.sleep(milliseconds / 1000)


async def _read(scope: Scope, receive: Receive) -> Call:
    """The request, not yet at any service. Raises ClientGone, TooLarge."""
    headers = {k.decode("latin-1").lower(): v.decode("latin-1") for k, v in scope["headers"]}
    path = _SLASHES.sub("/", scope["path"])
    return Call(
        method=scope["method"].upper(),
        path=path,
        params={},
        query=_query(scope["query_string"]),
        headers=headers,
        body=await asgi.body(receive, MAX_STATE if path.startswith(PREFIX) else MAX_BODY),
        origin=f"https://{headers.get('host', 'localhost')}",
        request_id=str(uuid.uuid4()),
        client=(scope.get("client") or ("127.0.0.1", 0))[0],
    )


def is_control(host: str, path: str) -> bool:
    """Whether a request is for the control paths, which no host of Microsoft's has."""
    return path.startswith(PREFIX) and service_of(host, path) in ("entra", None)


def _in_place(rule: FaultRule | None) -> Reply | None:
    """What a fault rule answers in place of the service; None where the service is to answer."""
    if rule is None or rule.status is None or rule.drop:
        return None
    return Reply(rule.status, rule.body, rule.headers)


def _headers(call: Call, host: str, reply: Reply) -> dict[str, str]:
    """The headers of an answer as this server sends them: with the client's own request id."""
    headers = dict(reply.headers)
    if is_loopback(host):
        # A browser would from now on hold every other server on localhost to HTTPS.
        headers.pop("Strict-Transport-Security", None)
    given = call.headers.get("client-request-id")
    if given and _printable(given) and "client-request-id" not in {name.lower() for name in headers}:
        headers["client-request-id"] = given
    return headers


def _query(raw: bytes) -> dict[str, str]:
    text = raw.decode("latin-1")
    return {name: values[-1] for name, values in parse_qs(text, keep_blank_values=True, errors="replace").items()}


def _printable(value: str) -> bool:
    return len(value) <= 200 and value.isascii() and unquote(value).isprintable()
