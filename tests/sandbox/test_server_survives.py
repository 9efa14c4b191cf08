"""What was confirmed is kept: kill -9, many clients at once, a large tenant."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
from hypothesis import given
from hypothesis import strategies as st

from pbisetup.sandbox.identity import Identity
from pbisetup.sandbox.seed import default_state
from pbisetup.sandbox.store import Tenant
from tests.support.tenant import SandboxTenant

Start = Callable[..., SandboxTenant]
CLIENTS = 50
REQUESTS = 1_000


def test_fifty_clients_at_once_lose_no_write_and_a_killed_server_none_it_confirmed(
    start_sandbox: Start, tmp_path: Path
) -> None:
    tenant = start_sandbox()
    made, wrong = asyncio.run(crowd(tenant, CLIENTS, REQUESTS))
    assert wrong == []
    assert len(made) == CLIENTS * (REQUESTS // CLIENTS // 4)
    tenant.process.kill()
    tenant.process.wait()
    on_disk = json.loads(tenant.state_file.read_text(encoding="utf-8"))["state"]
    assert set(made) <= {each["id"] for each in on_disk["applications"]}
    again = SandboxTenant(tmp_path / "own")
    try:
        assert again.tenant == tenant.tenant
        assert set(made) <= {each["id"] for each in again.state()["applications"]}
    finally:
        again.close()


async def crowd(tenant: SandboxTenant, clients: int, requests: int) -> tuple[list[str], list[str]]:
    """Every fourth request of each client creates an app, the others read it back; ids made, and what failed."""
    headers = {"Authorization": f"Bearer {tenant.operator_token()}"}
    made: list[str] = []
    wrong: list[str] = []

    async def one(http: httpx.AsyncClient, name: int) -> None:
        own = ""
        for number in range(requests // clients):
            if number % 4 == 0:
                answer = await http.post("/v1.0/applications", json={"displayName": f"app {name}.{number}"})
                own = answer.json().get("id", "")
                made.append(own)
            else:
                answer = await http.get(f"/v1.0/applications/{own}")
            if not answer.is_success:
                wrong.append(answer.text)

    limits = httpx.Limits(max_connections=clients)
    async with httpx.AsyncClient(
        base_url=tenant.url, verify=tenant.ssl_context, headers=headers, trust_env=False, timeout=60, limits=limits
    ) as http:
        await asyncio.gather(*(one(http, name) for name in range(clients)))
    return made, wrong


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["add", "get", "by", "where", "scan", "remove", "peek"]), st.integers(0, 5), st.booleans()
    ),
    max_size=40,
)


@given(STEPS)
def test_the_text_that_is_saved_is_always_the_whole_state(steps: list[tuple[str, int, bool]]) -> None:
    """Whatever road a handler took to an object that it changed, and whatever was only read between."""
    tenant = Tenant(default_state(Identity.new("11111111-2222-4333-8444-555555555555")))
    groups = tenant.groups
    for number, (step, which, write) in enumerate(steps):
        id_, name = f"id-{which}", f"unique-{which}"
        found: list[dict[str, Any] | None] = []
        if step == "add":
            groups.add({"id": id_, "uniqueName": name, "n": number})
            tenant.changed = True
        elif step == "remove":
            tenant.changed = groups.remove(id_) is not None or tenant.changed
        elif step == "peek":
            list(groups.peek())
        else:
            found = _hand_out(tenant, step, id_, name)
        for each in found:
            if each is not None and write:
                each["n"] = number
                tenant.changed = True
        tenant.settle()
        if number % 3 == 2:
            assert json.loads(tenant.text()) == tenant.dump()
            tenant.changed = False
    assert json.loads(tenant.text()) == tenant.dump()


def _hand_out(tenant: Tenant, road: str, id_: str, name: str) -> list[dict[str, Any] | None]:
    if road == "get":
        return [tenant.groups.get(id_)]
    if road == "by":
        return [tenant.groups.by("uniqueName", name)]
    return list(tenant.groups.where(uniqueName=name) if road == "where" else tenant.groups)
