"""A hand-off of environments in two tenants: one ticket, and for each tenant a script of its own."""

from __future__ import annotations

from pathlib import Path

from tests.journeys.conftest import approve_as
from tests.journeys.test_init import ours
from tests.journeys.test_tenants import _process, first, project  # noqa: F401 - fixtures
from tests.support.az import Administrator, became
from tests.support.tenant import SandboxTenant


def test_each_tenant_has_its_own_script(first: SandboxTenant, tmp_path: Path) -> None:  # noqa: F811
    second = first.second
    for tenant in (first, second):
        approve_as(tenant, "developer")
    cli = project(tmp_path, first)
    assert cli("apply", "--yes").code == 5
    ticket = cli("handoff")
    assert ticket.code == 5
    assert all(tenant.tenant in ticket.out for tenant in (first, second))

    refused = cli("handoff", "--format", "bash")
    assert refused.code == 2
    assert "a script runs in one tenant" in " ".join(refused.err.split())

    assert cli("handoff", "-o", "packet/").code == 5
    scripts = {tenant.tenant: cli.folder / "packet" / f"handoff-{tenant.tenant}.sh" for tenant in (first, second)}
    assert all(script.is_file() for script in scripts.values())
    for number, tenant in enumerate((first, second)):
        folder = tmp_path / str(number)
        folder.mkdir()
        admin = Administrator(tenant, "admin", folder, cli.env)
        wrong = admin.script(scripts[(second if tenant is first else first).tenant])
        assert (wrong.returncode, became(wrong.stdout)) == (3, {})
        done = admin.script(scripts[tenant.tenant])
        assert done.returncode == 0, done
        assert "changed" in became(done.stdout)
    verified = cli("handoff", "--verify", "--wait", "0")
    assert verified.code == 0, verified
    assert "dev: nobody is awaited" in verified.err
    cli("apply", "--yes")
    assert len(ours(second.state())["apps"]) == 1
