"""Run files: how a running sandbox is found by other processes of the same user, with the secrets it made."""

from __future__ import annotations

import contextlib
import json
import os
import ssl
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from pbisetup.sandbox.caller import variables
from pbisetup.sandbox.paths import state_dir, write_private


@dataclass(frozen=True)
class Running:
    """A running sandbox."""

    pid: int
    url: str
    """`https://localhost:PORT`."""
    proxy_url: str
    """`http://127.0.0.1:PORT`."""
    ca: str
    """Path of the certificate authority to trust."""
    tenant: str
    """Tenant id."""
    domain: str
    operator_id: str
    """Client id of the operator application."""
    operator_secret: str
    password: str
    """Of every user of the tenant."""
    state_file: str | None
    started: str
    app_secret: str
    """Of the apps that a scenario brought."""
    others: Sequence[Mapping[str, str]] = ()
    """The tenants after the first: `tenant`, `domain`, `operator_id`. The secrets are the same."""

    def __repr__(self) -> str:
        return f"Running(url={self.url!r}, pid={self.pid})"  # never the secrets

    def control(self, method: str, path: str, body: Any = None, timeout: float = 10) -> Any:
        """Call a control path, for example `("POST", "/_sandbox/reset", {})`; the answer's JSON.

        Raises ControlError with the server's words when it refuses, OSError when it cannot be reached.
        """
        request = urllib.request.Request(  # noqa: S310 - always our own https address
            self.url + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
        )
        opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}),
            urllib.request.HTTPSHandler(context=ssl.create_default_context(cafile=self.ca)),
        )
        try:
            with opener.open(request, timeout=timeout) as response:
                text = response.read()
        except urllib.error.HTTPError as error:
            text = error.read()
            try:
                raise ControlError(str(json.loads(text)["error"])) from None
            except (ValueError, KeyError, TypeError):
                raise ControlError(f"HTTP {error.code}") from None
        return json.loads(text) if text else None

    def caller(self) -> dict[str, str]:
        """What the tenant's `caller` has configured, as AZURE_* variables; empty where it has none. Asked anew each time,
        because a reset or another state changes it. Raises ControlError, OSError.
        """
        return variables(self.caller_section(), self.tenant, self.app_secret)

    def caller_section(self) -> dict[str, Any]:
        """The same as the state has it (`sandbox/caller.py`)."""
        return dict(self.control("GET", "/_sandbox/info")["caller"])

    def cloud(self) -> str:
        """The cloud whose names belong here: what the caller had configured, else the tenant's own."""
        info = self.control("GET", "/_sandbox/info")
        return str(info["caller"].get("cloud") or info["cloud"])

    def is_live(self) -> bool:
        """Whether this very process still answers."""
        return self.standing() == "live"

    def standing(self) -> Literal["live", "gone", "unclear"]:
        """Gone: nothing listens there any more, or something else does. One that is busy, or answers with an error, is
        neither live nor gone.
        """
        try:
            return "live" if self.control("GET", "/_sandbox/info", timeout=2)["pid"] == self.pid else "gone"
        except urllib.error.URLError as error:
            return "gone" if isinstance(error.reason, ConnectionRefusedError | ssl.SSLError) else "unclear"
        except (OSError, ControlError, ValueError, KeyError, TypeError):
            return "unclear"


class ControlError(Exception):
    """The sandbox refused a control request; the text is its own."""


def run_dir() -> Path:
    """Where run files lie."""
    return state_dir() / "run"


def write_run_file(running: Running) -> Path:
    """Publish a running sandbox; the caller removes the file at its end."""
    path = run_dir() / f"{running.pid}.json"
    # Without others the file is what older versions read.
    content = {name: value for name, value in asdict(running).items() if name != "others" or value}
    write_private(path, json.dumps(content, indent=1))
    return path


def published(url: str) -> Running | None:
    """The sandbox that has this address by its run file, whether or not it answers."""
    return next((running for _, running in _run_files() if running.url == url.rstrip("/")), None)


def _run_files() -> Iterator[tuple[Path, Running]]:
    for path in run_dir().glob("*.json"):
        try:
            yield path, Running(**json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            continue


def live_runs() -> list[Running]:
    """Every sandbox that runs, newest first. Run files of dead ones are removed on the way."""
    found = []
    for path, running in _run_files():
        standing = running.standing()
        if standing == "live":
            found.append(running)
        elif standing == "gone":
            with contextlib.suppress(OSError):
                path.unlink()
    return sorted(found, key=lambda running: running.started, reverse=True)


def find_running(url: str | None = None) -> Running | None:
    """The sandbox at this address, else at PBISETUP_SANDBOX_URL, else the newest one that runs."""
    wanted = (url or os.environ.get("PBISETUP_SANDBOX_URL") or "").rstrip("/")
    return next((running for running in live_runs() if not wanted or running.url == wanted), None)
