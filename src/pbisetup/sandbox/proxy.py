"""A plain CONNECT proxy on loopback: Microsoft's host names reach this sandbox, every other host is refused.

With `HTTPS_PROXY` set to it and the certificate authority trusted, clients with stock endpoints work
unmodified, and nothing they do leaves the machine (clients.md 1).
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Collection

from pbisetup.sandbox.hosts import LOOPBACK, microsoft_hosts, vault_of

HEAD_LIMIT = 16 * 1024
HEAD_SECONDS = 30


class ConnectProxy:
    """Splices allowed CONNECT requests to the TLS port of the server beside it."""

    def __init__(self, tls_port: int, vaults: Callable[[], Collection[str]] = tuple) -> None:
        self._tls_port = tls_port
        self._vaults = vaults
        """The names of the vaults that there are, in small letters."""
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()
        self.port = 0

    async def start(self, port: int) -> None:
        """Listen on loopback; port 0 takes any free one. Raises OSError."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", port, limit=HEAD_LIMIT)
        self.port = self._server.sockets[0].getsockname()[1]

    def stop(self) -> None:
        """End at once, with every connection."""
        if self._server:
            self._server.close()
        for writer in list(self._open):
            writer.transport.abort()

    def allows(self, target: str) -> bool:
        """Whether a CONNECT target may be reached: a Microsoft host or an existing vault on 443, or the server itself."""
        host, _, port = target.lower().rpartition(":")
        if vault_of(host):
            return port == "443" and vault_of(host) in self._vaults()
        return (host in microsoft_hosts() and port == "443") or (host in LOOPBACK and port == str(self._tls_port))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        try:
            head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), HEAD_SECONDS)
            words = head.split(b"\r\n", 1)[0].decode("latin-1").split()
            if len(words) != 3 or not words[2].startswith("HTTP/"):
                await _refuse(writer, "400 Bad Request", "This is not an HTTP request.")
            elif words[0].upper() != "CONNECT":
                await _refuse(writer, "405 Method Not Allowed", "Only CONNECT is served here.", "Allow: CONNECT\r\n")
            elif not self.allows(words[1]) and vault_of(words[1]):
                # As a company's proxy says that a name does not resolve (guess: 502; Squid has 503).
                await _refuse(writer, "502 Bad Gateway", f"{words[1]} does not resolve: there is no such vault.")
            elif not self.allows(words[1]):
                await _refuse(writer, "403 Forbidden", f"{words[1]} is not part of this sandbox.")
            else:
                await self._splice(reader, writer)
        except (TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, OSError):
            pass  # the client went away, or never sent a request
        finally:
            self._open.discard(writer)
            if not writer.is_closing():  # one that closes still sends what it was given
                writer.transport.abort()

    async def _splice(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        upstream_reader, upstream_writer = await asyncio.open_connection("127.0.0.1", self._tls_port)
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        directions = [
            asyncio.create_task(_pump(reader, upstream_writer)),
            asyncio.create_task(_pump(upstream_reader, writer)),
        ]
        try:
            # When the server ends a connection, or cuts it, the client must see that at once.
            await asyncio.wait(directions, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in directions:
                task.cancel()
            upstream_writer.transport.abort()
            writer.close()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()


async def _refuse(writer: asyncio.StreamWriter, status: str, text: str, header: str = "") -> None:
    body = (text + "\n").encode()
    writer.write(
        f"HTTP/1.1 {status}\r\n{header}Content-Type: text/plain\r\nContent-Length: {len(body)}\r\n"
        f"Connection: close\r\n\r\n".encode()
        + body
    )
    await writer.drain()
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
