"""The connection breaks at each write of `init`, before or after its effect: run again, and there is one of everything."""

from __future__ import annotations

import pytest

from tests.journeys.test_init import INIT, ours
from tests.support.cli import Cli
from tests.support.tenant import SandboxTenant

WRITES = {
    "app": ("PATCH", "/v1.0/applications\\(uniqueName"),
    "service principal": ("PATCH", "/v1.0/servicePrincipals\\(appId"),
    "owner": ("POST", "/owners/\\$ref$"),
    "secret": ("POST", "addPassword$"),
    "group": ("PATCH", "/v1.0/groups\\(uniqueName"),
    "member": ("POST", "/members/\\$ref$"),
    "setting": ("POST", "/v1/admin/tenantsettings/.*/update$"),
    "role": ("POST", "/v1.0/myorg/groups/.*/users$"),
}


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("write", WRITES)
def test_a_cut_connection_costs_at_most_another_run(cli: Cli, sandbox: SandboxTenant, write: str, moment: str) -> None:
    method, path = WRITES[write]
    sandbox.faults({"match": {"method": method, "path": path}, "times": 1, "drop": moment})

    first = cli(*INIT)
    assert first.code in (0, 3, 4), first
    if first.code:
        cli.ok("apply", "--yes")

    made = ours(sandbox.state())
    assert {name: len(things) for name, things in made.items()} == dict.fromkeys(made, 1)
    assert made["secrets"][0]["hint"] == cli.stored()["AZURE_CLIENT_SECRET"][:3]
    sandbox.clear_requests()
    cli.ok("apply", "--yes")
    assert sandbox.writes() == []
