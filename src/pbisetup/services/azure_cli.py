"""The Azure CLI's session, asked through `az` itself."""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import dataclass


@dataclass(frozen=True)
class CliSession:
    """Who `az` is signed in as."""

    tenant_id: str
    account: str
    user: bool
    """False: a service principal or managed identity."""


def session() -> CliSession | None:
    """The session, or None where `az` is not installed, not signed in, or does not answer within 30 seconds."""
    executable = shutil.which("az")
    if executable is None:
        return None
    try:
        done = subprocess.run(
            [executable, "account", "show", "--output", "json", "--only-show-errors"],
            capture_output=True,
            text=True,
            timeout=30,
            stdin=subprocess.DEVNULL,
            check=False,
        )
        shown = json.loads(done.stdout) if done.returncode == 0 else None
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return None
    if not isinstance(shown, dict):
        return None
    user = shown.get("user") or {}
    return CliSession(
        tenant_id=str(shown.get("tenantId", "")),
        account=str(user.get("name", "")),
        user=user.get("type") == "user",
    )
