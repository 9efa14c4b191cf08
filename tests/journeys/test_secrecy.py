"""Secrets and tokens are seen nowhere but where they were asked for."""

from __future__ import annotations

import base64
import json
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import psutil
import pytest

from tests.journeys.test_init import INIT
from tests.support.cli import Cli
from tests.support.tenant import SandboxTenant


def spellings(secret: str) -> set[str]:
    """The ways in which a secret could be written down, and its beginning."""
    raw = secret.encode()
    return {
        secret,
        secret[:16],
        quote(secret, safe=""),
        quote(secret),
        json.dumps(secret)[1:-1],
        base64.b64encode(raw).decode().rstrip("="),
        base64.urlsafe_b64encode(raw).decode().rstrip("="),
        base64.b64encode(raw).decode()[:16],
    }


class Watch:
    """Command lines of every process that this test's runs start, sampled while they run."""

    def __init__(self) -> None:
        self.seen: set[str] = set()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        me = psutil.Process()
        while not self._stop.is_set():
            for child in me.children(recursive=True):
                try:
                    self.seen.add(" ".join(child.cmdline()))
                except psutil.Error:
                    continue
            time.sleep(0.005)


def files_below(*folders: Path) -> Iterator[tuple[Path, str]]:
    for folder in folders:
        for path in folder.rglob("*"):
            if path.is_file():
                yield path, path.read_bytes().decode("utf-8", "replace")


def test_the_secret_and_its_tokens_appear_only_where_they_were_asked_for(
    cli: Cli, sandbox: SandboxTenant, tmp_path: Path
) -> None:
    state_dir = Path(cli.env["PBISETUP_STATE_DIR"])
    with Watch() as watch:
        runs = [
            cli(*INIT, "--verbose"),
            cli("apply", "--yes", "--verbose", "--format", "json"),
            cli("plan", "--verbose"),
            cli("doctor", "--verbose", "--operator", "device"),
            cli("doctor", "--format", "json"),
            cli("handoff", "--verbose"),
            cli("token", "--claims", "--verbose"),
        ]
        token = cli.ok("token", "--verbose")
        inspected = cli("token", "inspect", "-", stdin=token.out)
        wrong = cli("token", "inspect", "-", stdin=cli.stored()["AZURE_CLIENT_SECRET"])
        # Services may echo what they were sent: a canary in their words must not reach the screen either.
        secret = cli.stored()["AZURE_CLIENT_SECRET"]
        echo = {"error": "invalid_client", "error_description": f"AADSTS7000215: bad {secret} {token.out.strip()}"}
        sandbox.faults(
            {"match": {"path": "/token$"}, "times": 1, "status": 401, "body": {**echo, "error_codes": [7000215]}}
        )
        runs.append(cli("doctor", "--verbose"))
        sandbox.faults(
            {"match": {"path": "/token$"}, "times": 1, "status": 401, "body": {**echo, "error_codes": [7000215]}}
        )
        runs.append(cli("token", "--verbose"))
        sandbox.faults()
    canaries = spellings(secret) | {token.out.strip(), token.out.strip().split(".")[2][:16]}
    shown = "\n".join(f"{ran.out}\n{ran.err}" for ran in [*runs, inspected, wrong]) + token.err
    for canary in canaries:
        assert canary not in shown
        assert not any(canary in line for line in watch.seen)
    for path, text in files_below(cli.folder, state_dir, tmp_path):
        if path.name != ".env.dev":
            assert not any(canary in text for canary in canaries), path
    assert not any(canary in json.dumps(sandbox.state()) for canary in canaries)
    assert any("pbisetup" in line for line in watch.seen)


@pytest.fixture
def stranger() -> Iterator[tuple[int, list[bytes]]]:
    """A port that writes down whoever connects."""
    server, heard = socket.create_server(("127.0.0.1", 0)), []

    def listen() -> None:
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            with connection:
                heard.append(connection.recv(65536))

    threading.Thread(target=listen, daemon=True).start()
    yield server.getsockname()[1], heard
    server.close()


@pytest.mark.parametrize("status", [303, 307])
@pytest.mark.parametrize("path", ["/v1.0/myorg/groups", "/v1/admin/tenantsettings", "/v1.0/applications", "/token$"])
def test_a_token_never_follows_a_redirect_to_a_foreign_host(
    cli: Cli, sandbox: SandboxTenant, stranger: tuple[int, list[bytes]], path: str, status: int
) -> None:
    port, heard = stranger
    cli.ok(*INIT)
    to = f"https://127.0.0.1:{port}/take-it"
    sandbox.faults({"match": {"path": path}, "status": status, "headers": {"Location": to}, "body": ""})
    cli("doctor", "--operator", "device")
    cli("apply", "--yes")
    assert heard == []


def test_a_redirect_within_the_cloud_is_followed(cli: Cli, sandbox: SandboxTenant) -> None:
    cli.ok(*INIT)
    to = f"{sandbox.url}/v1.0/myorg/groups?$top=1"
    sandbox.faults(
        {"match": {"path": "/v1.0/myorg/groups$"}, "times": 1, "status": 307, "headers": {"Location": to}, "body": ""}
    )
    assert cli.ok("doctor").out.strip().endswith("Healthy.")


def test_a_secret_is_never_taken_as_an_argument(cli: Cli) -> None:
    ran = cli("doctor", "--client-id", "x", "--secret", "abcdefgh12345678")
    assert ran.code == 2
    assert "abcdefgh12345678" not in ran.err


def test_a_secret_can_come_in_on_standard_input(cli: Cli, sandbox: SandboxTenant) -> None:
    cli.ok(*INIT)
    stored = cli.stored()
    arguments = ("--client-id", stored["AZURE_CLIENT_ID"], "--tenant", sandbox.tenant, "--secret", "-")
    ran = cli.ok("doctor", "--cloud", "sandbox", *arguments, stdin=stored["AZURE_CLIENT_SECRET"] + "\n")
    assert "Healthy." in ran.out
