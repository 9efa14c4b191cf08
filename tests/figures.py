"""The sandbox's figures, measured here and now: `.venv/bin/python -m tests.figures` prints the table of docs/sandbox.md.

Whole processes over real sockets. `--quick` takes fewer turns.
"""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import sys
import tempfile
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil

from tests.sandbox.test_server_survives import crowd
from tests.support.tenant import SandboxTenant

LARGE = 20_000


def main() -> int:
    """Measure and print."""
    quick = "--quick" in sys.argv
    with tempfile.TemporaryDirectory() as folder:
        os.environ["PBISETUP_STATE_DIR"] = f"{folder}/state"
        home = Path(folder)
        row("", "median", "least", "most")
        SandboxTenant(home / "first").close()  # makes the certificate, once in 27 days
        row("start to `ready`, new tenant", *spread(lambda n: started(home / f"new{n}"), 3 if quick else 15, "s"))
        row("start to `ready`, kept tenant", *spread(lambda _: started(home / "new0"), 3 if quick else 15, "s"))
        with SandboxTenant(home / "calls") as tenant:
            headers = {"Authorization": f"Bearer {tenant.operator_token()}"}
            turns = 50 if quick else 1000
            read = f"/v1.0/applications(appId='{tenant.operator_id}')"
            row("Graph read", *spread(lambda _: asked(tenant, "GET", read, headers), turns, "ms"))
            row("Graph write", *spread(lambda _: asked(tenant, "POST", "/v1.0/groups", headers, group()), turns, "ms"))
            row("token", *spread(lambda _: token(tenant), turns, "ms"))
        with SandboxTenant(home / "crowd") as tenant:
            requests = 1_000 if quick else 10_000
            before = time.perf_counter()
            made, wrong = asyncio.run(crowd(tenant, 50, requests))
            seconds = time.perf_counter() - before
            kept = {each["id"] for each in tenant.state()["applications"]}
            lost = len(set(made) - kept)
            row(f"50 clients, {requests:,} requests", f"{seconds:.0f} s", f"{len(wrong)} errors", f"{lost} writes lost")
        large(home / "large")
    return 0


def row(*cells: str) -> None:
    """One line of the table."""
    print("| " + " | ".join(cells) + " |", flush=True)
    if not cells[0]:
        print("|---" * len(cells) + "|")


def spread(measure: Callable[[int], float], turns: int, unit: str) -> tuple[str, str, str]:
    """Median, least and most of so many turns."""
    factor, digits = (1_000, 1) if unit == "ms" else (1, 2)
    found = [measure(turn) * factor for turn in range(turns)]
    return tuple(f"{value:.{digits}f} {unit}" for value in (statistics.median(found), min(found), max(found)))  # type: ignore[return-value]


def started(folder: Path) -> float:
    """Seconds from the command to its ready line."""
    before = time.perf_counter()
    tenant = SandboxTenant(folder)
    seconds = time.perf_counter() - before
    tenant.close()
    return seconds


def asked(tenant: SandboxTenant, method: str, path: str, headers: dict[str, str], body: Any = None) -> float:
    """Seconds of one request over an open connection."""
    before = time.perf_counter()
    answer = tenant.http.request(method, path, headers=headers, json=body)
    seconds = time.perf_counter() - before
    assert answer.is_success, answer.text
    return seconds


def token(tenant: SandboxTenant) -> float:
    """Seconds of one token request."""
    before = time.perf_counter()
    tenant.operator_token()
    return time.perf_counter() - before


def group() -> dict[str, Any]:
    """A body that creates a group."""
    return {"displayName": "g", "mailNickname": uuid.uuid4().hex, "mailEnabled": False, "securityEnabled": True}


def large(folder: Path) -> None:
    """A tenant with many apps: put as a state, loaded from its file, read."""
    with SandboxTenant(folder) as tenant:
        body = json.dumps(grown(tenant.state())).encode()
        before = time.perf_counter()
        assert tenant.http.put("/_sandbox/state", content=body).status_code == 204
        seconds = time.perf_counter() - before
        row(
            f"{LARGE:,} apps put as a state ({len(body) >> 20} MB)",
            f"{seconds:.2f} s",
            f"{memory(tenant)} MB resident",
            "",
        )
    before = time.perf_counter()
    with SandboxTenant(folder) as tenant:
        seconds = time.perf_counter() - before
        row(f"{LARGE:,} apps, start to `ready`", f"{seconds:.2f} s", f"{memory(tenant)} MB resident", "")
        headers = {"Authorization": f"Bearer {tenant.operator_token()}"}
        for name, path in (
            ("by client id", f"/v1.0/applications(appId='{tenant.operator_id}')"),
            ("first page", "/v1.0/applications"),
            ("`$filter` by name", "/v1.0/applications?$filter=displayName eq 'App 77'"),
        ):
            each = spread(lambda _, path=path: asked(tenant, "GET", path, headers), 15, "ms")  # type: ignore[misc]
            row(f"{LARGE:,} apps, Graph read {name}", *each)
        body_ = {"displayName": "one more"}
        row(
            f"{LARGE:,} apps, one more",
            *spread(lambda _: asked(tenant, "POST", "/v1.0/applications", headers, body_), 15, "ms"),
        )


def grown(state: dict[str, Any]) -> dict[str, Any]:
    """The state with many apps and their service principals."""
    app = next(each for each in state["applications"] if each["displayName"] == "Sandbox operator")
    principal = next(each for each in state["servicePrincipals"] if each["appId"] == app["appId"])
    bare: dict[str, Any] = {"passwordCredentials": [], "keyCredentials": [], "owners": []}
    for number in range(LARGE):
        client, name = str(uuid.uuid4()), f"App {number}"
        new = {"id": str(uuid.uuid4()), "appId": client, "displayName": name}
        state["applications"].append({**app, **bare, **new, "uniqueName": f"app-{number}"})
        new = {**new, "id": str(uuid.uuid4())}
        state["servicePrincipals"].append({**principal, **new, "servicePrincipalNames": [client]})
    return state


def memory(tenant: SandboxTenant) -> int:
    """Resident megabytes of the sandbox's process."""
    return int(psutil.Process(tenant.process.pid).memory_info().rss) >> 20


if __name__ == "__main__":
    sys.exit(main())
