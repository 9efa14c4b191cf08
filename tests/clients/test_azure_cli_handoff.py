"""A hand-off run with the real Azure CLI: then the developer's app works, and a second run changes nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.clients import install
from tests.clients.az import Az
from tests.journeys.conftest import approve_as
from tests.journeys.test_handoff import HOSTILE, unowned
from tests.journeys.test_init import INIT, ours
from tests.support.az import became
from tests.support.certificate import ClientCertificate
from tests.support.cli import Cli, Ran
from tests.support.tenant import SandboxTenant

pytestmark = pytest.mark.clients("azure-cli")


@pytest.fixture(scope="session")
def registered(_sandbox_process: SandboxTenant, tmp_path_factory: pytest.TempPathFactory) -> Az:
    """The tenant registered as az's cloud; nobody signed in."""
    if why := install.missing("azure-cli"):
        pytest.skip(why)
    return Az.at(_sandbox_process, tmp_path_factory.mktemp("az-handoff"))


@pytest.fixture
def developer(sandbox: SandboxTenant, tmp_path: Path) -> Cli:
    return Cli(tmp_path / "project", sandbox.env())


def sign_in(az: Az, sandbox: SandboxTenant, user: str) -> None:
    approve_as(sandbox, user)
    account = az.login_device()[0]
    assert account["user"]["name"] == f"{user}@{sandbox.domain}"
    approve_as(sandbox, "developer")


def run(az: Az, script: Path, *arguments: str) -> Ran:
    return az.client.run("bash", script, *arguments, timeout=300)


def test_the_administrator_runs_the_script_and_the_app_works(
    sandbox: SandboxTenant, registered: Az, developer: Cli, tmp_path: Path
) -> None:
    sandbox.reset("locked-down")
    assert developer(*INIT).code == 5
    manifest = developer.folder / "pbisetup.toml"
    text = manifest.read_text(encoding="utf-8")
    group = "'''" + HOSTILE.replace("'", "") + "'''"
    manifest.write_text(text.replace("[environments.dev]", f"[environments.dev]\ngroups = {{ api = {group} }}"))
    assert developer("handoff", "-o", "handoff.sh").code == 5
    script = developer.folder / "handoff.sh"
    az = registered.copy(sandbox, tmp_path / "home")

    nobody = run(az, script)
    assert nobody.code == 3, nobody
    assert f"az login --tenant {sandbox.tenant}" in nobody.err

    sign_in(az, sandbox, "admin")
    sandbox.clear_requests()
    checked = run(az, script, "--check")
    assert checked.code == 0, checked
    assert sandbox.writes() == []

    done = run(az, script)
    assert done.code == 0, done
    assert len(became(done.out)["changed"]) == 6, done
    assert [g["displayName"] for g in ours(sandbox.state())["groups"]] == [HOSTILE.replace("'", "")]
    assert not list(tmp_path.rglob("pwned"))

    sandbox.clear_requests()
    again = run(az, script)
    assert again.code == 0, again
    assert len(became(again.out)["already so"]) == 6, again
    assert sandbox.writes() == []

    applied = developer("apply", "--yes")
    assert applied.code == 0, applied
    assert developer.ok("doctor").out.strip().endswith("Healthy.")
    assert developer.ok("handoff", "--verify", "--wait", "0").out.strip() == "dev: nobody is awaited."


def test_the_wrong_administrator_is_told_what_it_takes(
    sandbox: SandboxTenant, registered: Az, developer: Cli, tmp_path: Path
) -> None:
    sandbox.reset("locked-down")
    developer(*INIT)
    developer("handoff", "-o", "handoff.sh")
    az = registered.copy(sandbox, tmp_path / "home")
    sign_in(az, sandbox, "fabricadmin")
    refused = run(az, developer.folder / "handoff.sh", "cloud-application-administrator")
    assert refused.code == 1, refused
    assert "whoever runs this may not; it takes: cloud application administrator" in refused.out


def test_a_public_certificate_is_added_beside_another(
    sandbox: SandboxTenant, registered: Az, developer: Cli, tmp_path: Path
) -> None:
    sandbox.reset("developer")
    developer(*INIT)
    unowned(sandbox)
    first, second = ClientCertificate(common_name="first"), ClientCertificate(common_name="second")
    az = registered.copy(sandbox, tmp_path / "home")
    sign_in(az, sandbox, "admin")
    for certificate in (first, second):
        (developer.folder / "public.pem").write_bytes(certificate.public_pem)
        assert developer("handoff", "--certificate", "public.pem", "-o", "handoff.sh").code == 5
        done = run(az, developer.folder / "handoff.sh", "app-owner")
        assert done.code == 0, done
    [app] = ours(sandbox.state())["apps"]
    assert [each["displayName"] for each in app["keyCredentials"]] == ["CN=first", "CN=second"]


def test_the_ticket_is_pasted_command_by_command(
    sandbox: SandboxTenant, registered: Az, developer: Cli, tmp_path: Path
) -> None:
    sandbox.reset("developer")
    developer(*INIT)
    ticket = developer("handoff").out
    az = registered.copy(sandbox, tmp_path / "home")
    sign_in(az, sandbox, "admin")
    for section in ticket.split("\n## ")[1:-1]:
        commands = section.split("```bash\n")[1:]
        script = "\n".join(each.split("```")[0] for each in commands)
        done = az.client.run("bash", "-euo", "pipefail", "-c", script, timeout=300)
        assert done.code == 0, done
    assert developer("apply", "--yes").code == 0
