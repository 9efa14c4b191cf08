"""A folder, the command line in it, and a tenant that both talk to."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.cli import Cli
from tests.support.tenant import SandboxTenant


@pytest.fixture
def cli(sandbox: SandboxTenant, tmp_path: Path) -> Cli:
    """`pbisetup` in an empty folder, pointed at the running tenant, whose `admin` approves device codes at once."""
    approve_as(sandbox, "admin")
    return Cli(tmp_path / "project", sandbox.env())


def approve_as(tenant: SandboxTenant, user: str) -> None:
    """From now on this user approves every device code, and so is the operator."""

    def change(state: dict[str, object]) -> None:
        state["auto_approve"] = user

    tenant.put_state(change)
