"""Fixtures of the client tests, which run only when asked for: `python3 run.py clients`."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.clients import install
from tests.clients.client import Client
from tests.clients.report import SET
from tests.support.tenant import SandboxTenant


@pytest.fixture(autouse=True)
def _has_what_it_needs(request: pytest.FixtureRequest, record_property: Callable[[str, object], None]) -> None:
    """Skip, with the reason, where a set of `@pytest.mark.clients(...)` is not installed, or the time is used up."""
    for marker in request.node.iter_markers("clients"):
        for name in marker.args:
            record_property(SET, name)
            if why := install.missing(name):
                pytest.skip(why)
    end = os.environ.get("PBISETUP_CLIENTS_END")
    if end and time.time() > float(end):
        pytest.skip("PBISETUP_CLIENTS_SECONDS are used up")


@pytest.fixture
def client(sandbox: SandboxTenant, tmp_path: Path, request: pytest.FixtureRequest) -> Callable[..., Client]:
    """Make a client of the test's (first) set: `client()` directly, `client(proxy=True)` as the real clouds."""
    sets = [name for marker in request.node.iter_markers("clients") for name in marker.args]

    def make(*, proxy: bool = False, set_name: str | None = None) -> Client:
        return Client(sandbox, tmp_path / "home", set_name or (sets[0] if sets else None), proxy)

    return make
