"""A sandbox as a process: certificate, state, sockets, server and proxy, from start to a clean end."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Generator
from datetime import UTC, datetime
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Any

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from pbisetup.sandbox.certificates import Certificate, certificate
from pbisetup.sandbox.keys import SigningKey
from pbisetup.sandbox.opening import Opened, Options, StartError, opened
from pbisetup.sandbox.paths import state_dir
from pbisetup.sandbox.proxy import ConnectProxy
from pbisetup.sandbox.runfile import Running, write_run_file
from pbisetup.sandbox.server import Server
from pbisetup.sandbox.services import warm_up
from pbisetup.sandbox.statefile import StateFile
from pbisetup.sandbox.store import Tenant
from pbisetup.sandbox.wire import LOOPBACK

if TYPE_CHECKING:
    from pbisetup.sandbox.tenants import Tenants

__all__ = ["Options", "StartError", "serve"]


def serve(options: Options) -> None:
    """Run a sandbox until it is told to end; prints the ready line. Raises StartError, StateFileError, ScenarioError."""
    keys = _Later(SigningKey.generate)  # takes up to 0.2 s, which the rest of the start does not wait for
    sockets = _listen(options.port, options.listen)
    files = [StateFile(path) for path in options.state_files()]
    try:
        for file in files:
            file.open()
        _Process(options, opened(options, files, _names(options), keys.get), sockets).run()
    finally:
        for each in sockets:
            each.close()
        for file in files:
            file.close()


class _Process:
    def __init__(self, options: Options, tenants: list[Opened], sockets: list[socket.socket]) -> None:
        self._options = options
        self._sockets = sockets
        self._tenants = tenants
        self._servers = [Server(each.world, each.identity, _saving(each)) for each in tenants]
        self._certificate = certificate(state_dir() / "tls", tenants[0].world.names)
        self._port = sockets[0].getsockname()[1]
        self._proxy = ConnectProxy(self._port, self._vaults)
        self._run_file: Path | None = None

    def run(self) -> None:
        http = _Uvicorn(self._config(), self)
        try:
            asyncio.run(http.serve(self._sockets))
        finally:
            self._save()
            if self._run_file:
                with contextlib.suppress(OSError):
                    self._run_file.unlink(missing_ok=True)

    def _vaults(self) -> set[str]:
        return {name.lower() for each in self._servers for name in each.world.tenant.section("vaults")}

    def _config(self) -> uvicorn.Config:
        app = self._servers[0] if len(self._servers) == 1 else _together(self._servers)
        transports = self._servers[0].transports

        class Protocol(H11Protocol):
            """Remembers its transport, so that a fault rule can cut the connection."""

            def connection_made(self, transport: Any) -> None:
                super().connection_made(transport)
                transports[self.client] = transport

            def connection_lost(self, exc: Exception | None) -> None:
                transports.pop(self.client, None)
                super().connection_lost(exc)

        return uvicorn.Config(
            app,
            http=Protocol,
            ws="none",
            lifespan="off",
            interface="asgi3",
            log_config=None,
            access_log=False,
            server_header=False,
            date_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=1,
            timeout_keep_alive=75,
            h11_max_incomplete_event_size=64 * 1024,  # a token with many groups or roles is long
            ssl_certfile=str(self._certificate.leaf),
        )

    async def ready(self) -> None:
        """Everything listens: publish where."""
        try:
            await self._proxy.start(self._options.proxy_port)
        except OSError as error:
            raise StartError(f"cannot listen on proxy port {self._options.proxy_port}: {error.strerror}") from error
        self._save()
        running = self._running(self._certificate)
        for server in self._servers:
            server.info |= {"pid": running.pid, "url": running.url, "proxy_url": running.proxy_url}
        self._run_file = write_run_file(running)
        domains = " ".join(each.world.tenant.domain for each in self._tenants)
        print(f"ready {running.url} proxy {running.proxy_url} tenant {domains}", flush=True)
        warm_up()

    def stop(self) -> None:
        self._proxy.stop()

    def _save(self) -> None:
        for server in self._servers:
            server.save_now()

    def _running(self, tls: Certificate) -> Running:
        first, *others = self._tenants
        return Running(
            pid=os.getpid(),
            url=f"https://localhost:{self._port}",
            proxy_url=f"http://127.0.0.1:{self._proxy.port}",
            ca=str(tls.ca.resolve()),
            tenant=first.world.tenant.id,
            domain=first.world.tenant.domain,
            operator_id=first.identity.operator_id,
            operator_secret=first.identity.operator_secret,
            app_secret=first.identity.app_secret,
            password=first.identity.password,
            state_file=str(self._options.state.resolve()) if self._options.state else None,
            started=datetime.now(UTC).isoformat(),
            others=[_beside(each) for each in others],
        )

    @property
    def follows_stdin(self) -> bool:
        return self._options.until_stdin_closes


def _together(servers: list[Server]) -> Tenants:
    from pbisetup.sandbox.tenants import Tenants

    return Tenants(servers)


def _saving(opened: Opened) -> Callable[[Tenant], None] | None:
    """How one tenant is kept."""
    file = opened.file
    return (lambda tenant: file.save(tenant.text(), opened.world.keys)) if file else None


def _beside(opened: Opened) -> dict[str, str]:
    """A tenant after the first, as the run file names it."""
    tenant = opened.world.tenant
    return {"tenant": tenant.id, "domain": tenant.domain, "operator_id": opened.identity.operator_id}


class _Uvicorn(uvicorn.Server):
    """uvicorn with our ready line and with signals that end in exit code 0."""

    def __init__(self, config: uvicorn.Config, process: _Process) -> None:
        super().__init__(config)
        self._process = process

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        await self._process.ready()
        if self._process.follows_stdin:
            threading.Thread(target=self._wait_for_parent, daemon=True).start()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._process.stop()
        await super().shutdown(sockets=sockets)

    def _wait_for_parent(self) -> None:
        # The parent holds the other end and writes nothing: the end of input is the end of the parent.
        with contextlib.suppress(OSError, ValueError):
            while os.read(0, 1024):
                pass
        self.should_exit = True

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        # uvicorn raises the signal again after its shutdown, which would end in another exit code than 0.
        def end(_number: int, _frame: object) -> None:
            self.should_exit = True

        names = [name for name in ("SIGINT", "SIGTERM", "SIGBREAK") if hasattr(signal, name)]
        before = {name: signal.signal(getattr(signal, name), end) for name in names}
        try:
            yield
        finally:
            for name, handler in before.items():
                signal.signal(getattr(signal, name), handler)


class _Later:
    """A value that a thread computes meanwhile."""

    def __init__(self, compute: Any) -> None:
        self._value: Any = None
        self._thread = threading.Thread(target=self._run, args=(compute,))
        self._thread.start()

    def _run(self, compute: Any) -> None:
        self._value = compute()

    def get(self) -> Any:
        self._thread.join()
        return self._value


def _names(options: Options) -> frozenset[str]:
    """By which names clients reach the server: what it is told, and where it listens."""
    found = LOOPBACK | {name.lower() for name in options.names}
    if options.listen is None:
        return found
    if not ip_address(options.listen).is_unspecified:
        return found | {options.listen}
    return found | {socket.gethostname().lower(), socket.getfqdn().lower()} | _own_addresses()


def _own_addresses() -> set[str]:
    """The addresses of this machine that others use. Connecting a datagram socket sends nothing."""
    found = set()
    with contextlib.suppress(OSError):
        found |= {str(each[4][0]).partition("%")[0] for each in socket.getaddrinfo(socket.gethostname(), None)}
    for family, far in ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1")):
        with contextlib.suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as sock:
            sock.connect((far, 9))
            found.add(str(sock.getsockname()[0]).partition("%")[0])
    return found


def _listen(port: int, more: str | None) -> list[socket.socket]:
    """Sockets on 127.0.0.1 and, where the machine has it, ::1, because a client that tries ::1 first would wait
    otherwise; and on one more address, which on 0.0.0.0 or :: are all of that family.
    """
    first, second = "127.0.0.1", "::1"
    if more and ip_address(more).is_unspecified:
        first, second, more = ("0.0.0.0", "::1", None) if ip_address(more).version == 4 else ("127.0.0.1", "::", None)  # noqa: S104
    found: list[socket.socket] = []
    try:
        found.append(_bind(first, port))
        port = found[0].getsockname()[1]
        if more:
            found.append(_bind(more, port))
    except OSError as error:
        for each in found:
            each.close()
        raise StartError(f"cannot listen on {more or first} port {port}: {error.strerror or error}") from error
    with contextlib.suppress(OSError):
        found.append(_bind(second, port))
    return found


def _bind(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # The protocol is named because asyncio sets TCP_NODELAY only where it is: without it every answer waits 40 ms.
    sock = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if sys.platform != "win32":  # there it would let two servers share a port
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.bind((host, port))
    except OSError:
        sock.close()
        raise
    return sock
