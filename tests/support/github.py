"""api.github.com for one process: a proxy that takes CONNECT to that host alone, and behind it a server with an authority of
its own. Whoever trusts that authority and heeds HTTPS_PROXY talks to it as to the real one.
"""

from __future__ import annotations

import json
import socket
import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self

from tests.support.platform import server_certificate

Answers = dict[str, tuple[int, dict[str, Any]]]


class GitHub:
    """Answers these paths; `asked` are host, path and Authorization of each request. Use it in a `with` block."""

    def __init__(self, folder: Path, answers: Answers) -> None:
        self.answers, self.asked = answers, list[tuple[str, str, str]]()
        self.connects: list[str] = []
        self.ca = folder / "github.pem"
        key = folder / "github-key.pem"
        server_certificate(self.ca, key, "api.github.com")
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(self.ca, key)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.proxy = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10)

    @property
    def env(self) -> dict[str, str]:
        """What leads a process here."""
        return {"HTTPS_PROXY": self.proxy, "PBISETUP_CA_BUNDLE": str(self.ca)}

    def _handler(github: GitHub) -> type[BaseHTTPRequestHandler]:
        class Behind(BaseHTTPRequestHandler):
            """Inside the tunnel."""

            def do_GET(self) -> None:
                held = self.headers.get("Authorization", "")
                github.asked.append((self.headers.get("Host", ""), self.path, held))
                status, body = github.answers.get(self.path.lstrip("/"), (404, {"message": "Not Found"}))
                text = json.dumps(body).encode()
                self.send_response(status)
                if status == 301:
                    self.send_header("Location", "https://evil.example/")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *_: object) -> None:
                """Quiet."""

        class Proxy(BaseHTTPRequestHandler):
            def do_CONNECT(self) -> None:
                github.connects.append(self.path)
                if self.path != "api.github.com:443":
                    return self.send_error(403)
                self.send_response(200)
                self.end_headers()
                tunnel = github._context.wrap_socket(self.connection, server_side=True)
                try:
                    Behind(tunnel, self.client_address, self.server)  # type: ignore[arg-type]
                finally:
                    tunnel.shutdown(socket.SHUT_RDWR)
                    self.close_connection = True

            def log_message(self, *_: object) -> None:
                """Quiet."""

        return Proxy
