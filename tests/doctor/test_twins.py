"""The live tenant, its recording and the twin that is built from it: in all three the same is found."""

from __future__ import annotations

import pytest

from pbisetup.model.recording import dump, parse
from pbisetup.observe.expectation import expected_of
from pbisetup.observe.recorder import record
from pbisetup.sandbox.twin import build
from tests.support.doctor import bedside, shape, telling
from tests.support.tenant import SandboxTenant

TENANTS = (
    "automation", "admin-read", "user-sign-in", "gcc",
    "admin-with-app-role", "app-disabled", "resource-not-required", "in-excluded-group", "not-in-allowed-group",
    "not-in-workspace", "redirect-mismatch", "secret-expired", "secret-id-as-value", "service-principal-missing",
    "setting-too-fresh", "tenant-setting-off", "user-no-admin", "user-not-assigned",
    "secret-expired-and-not-in-group", "setting-off-and-no-role",
)  # fmt: skip
"""One of each kind of fault that hangs on what an operator sees; docs/recording.md says what no twin can have."""


@pytest.mark.parametrize("name", TENANTS)
def test_a_twin_has_what_its_tenant_had(sandbox: SandboxTenant, name: str) -> None:
    sandbox.reset(name)
    with bedside(sandbox) as run:
        run.examine()
        live, case, cloud = run.examination, run.ran.case, run.reach.cloud
    recording = parse(dump(record(case, "0", expected=expected_of(case, cloud))))
    state = build(recording).state
    # A process that is given another tenant still announces its first one; whoever starts a twin gets the right one.
    state["caller"].setdefault("tenant", state["tenant"]["id"])
    sandbox.put_state(state)
    with bedside(sandbox, operator=state["auto_approve"]) as run:
        run.examine()
        twin = run.examination
    assert shape(twin) == shape(live), f"{telling(live)}\n--- twin\n{telling(twin)}"
    assert twin.healthy == live.healthy
