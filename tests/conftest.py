"""Shared fixtures. Nothing of the machine's own set-up reaches a test: see `_scrub`."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.clients.install import root as clients_root
from tests.clients.report import pytest_sessionfinish, pytest_terminal_summary  # noqa: F401 - hooks
from tests.support.tenant import SandboxTenant


def _scrub() -> None:
    """Take inherited trust stores, proxies and identities away, and give the test run a home of its own."""
    os.environ["PBISETUP_CLIENTS_DIR"] = str(clients_root())  # among the caches of the home that was inherited
    for name in list(os.environ):
        upper = name.upper()
        if upper.startswith(("PBISETUP_CLIENTS_", "PBISETUP_MUTATIONS", "PBISETUP_TENANTS", "PBISETUP_KILL_")):
            continue
        if (
            upper
            in (
                "SSL_CERT_FILE",
                "SSL_CERT_DIR",
                "REQUESTS_CA_BUNDLE",
                "CURL_CA_BUNDLE",
                "NODE_EXTRA_CA_CERTS",
            )
            or upper.endswith("_PROXY")
            or upper.startswith(("AZURE_", "PBISETUP_", "XDG_"))
        ):
            del os.environ[name]
    home = tempfile.mkdtemp(prefix="pbisetup-tests-")
    os.environ["HOME"] = os.environ["USERPROFILE"] = home
    os.environ["PBISETUP_STATE_DIR"] = str(Path(home) / "state")


_scrub()


@pytest.fixture(scope="session")
def _sandbox_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxTenant]:
    with SandboxTenant(tmp_path_factory.mktemp("sandbox")) as tenant:
        yield tenant


@pytest.fixture
def sandbox(_sandbox_process: SandboxTenant) -> SandboxTenant:
    """The default tenant, as it is before anybody set anything up. One process serves a whole worker."""
    _sandbox_process.reset()
    return _sandbox_process


@pytest.fixture
def start_sandbox(tmp_path: Path) -> Iterator[Callable[..., SandboxTenant]]:
    """Start sandboxes of one's own, with any options; they end with the test."""
    started: list[SandboxTenant] = []

    def start(*arguments: str, name: str = "own", state: bool = True, tenants: int = 1) -> SandboxTenant:
        started.append(SandboxTenant(tmp_path / name, *arguments, state=state, tenants=tenants))
        return started[-1]

    yield start
    for tenant in started:
        tenant.close()
