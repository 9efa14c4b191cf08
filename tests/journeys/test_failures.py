"""What goes wrong outside: each time a clear message, the right exit code, and nothing lost."""

from __future__ import annotations

import errno
import os
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.journeys.test_init import INIT, ours
from tests.support.cli import Cli
from tests.support.tenant import SandboxTenant


def test_without_a_terminal_nothing_is_asked_and_the_flags_are_named(cli: Cli) -> None:
    ran = cli("init", "--cloud", "sandbox")
    assert ran.code == 2
    for flag in ("--name", "--env", "--purpose", "--workspace", "--yes"):
        assert flag in ran.err
    assert not (cli.folder / "pbisetup.toml").exists()


def test_apply_without_a_terminal_wants_yes_before_it_signs_in(cli: Cli, sandbox: SandboxTenant) -> None:
    cli.ok(*INIT)
    sandbox.clear_requests()
    ran = cli("apply")
    assert ran.code == 2
    assert "--yes" in ran.err
    assert sandbox.requests() == []


def test_every_wrong_flag_is_told_at_once(cli: Cli) -> None:
    ran = cli(*INIT, "--env", "Dev,x/y", "--purpose", "automaton", "--role", "Boss", "--lifetime", "forever")
    assert ran.code == 2
    for said in ("'Dev'", "'x/y'", "'automaton'", "'Boss'", "--lifetime"):
        assert said in ran.err


def test_a_tenant_that_nobody_knows_is_named(cli: Cli) -> None:
    ran = cli(*INIT, "--tenant", "nosuch.example.com")
    assert ran.code == 3
    assert "nosuch.example.com" in ran.err
    assert not (cli.folder / "pbisetup.toml").exists()


def az_signed_in_to(folder: Path, tenant: str) -> str:
    """A PATH whose `az` is signed in to this tenant."""
    folder.mkdir()
    az = folder / "az"
    shown = f'{{"tenantId": "{tenant}", "user": {{"name": "somebody@example.com", "type": "user"}}}}'
    az.write_text(f"#!/bin/sh\necho '{shown}'\n")
    az.chmod(0o755)
    return f"{folder}{os.pathsep}{os.environ['PATH']}"


def test_a_session_of_another_tenant_is_refused_with_the_command_that_mends_it(cli: Cli, tmp_path: Path) -> None:
    path = az_signed_in_to(tmp_path / "bin", "11111111-2222-3333-4444-555555555555")
    ran = cli(*INIT, "--operator", "az", "--tenant", "contoso.onmicrosoft.com", env={"PATH": path})
    assert ran.code == 3
    assert "11111111-2222-3333-4444-555555555555" in ran.err
    assert "az login --tenant contoso.onmicrosoft.com" in ran.err


def test_a_guest_is_refused_before_anything_is_written(cli: Cli, sandbox: SandboxTenant) -> None:
    def as_guest(state: dict[str, list[dict[str, str]]]) -> None:
        for user in state["users"]:
            user["userType"] = "Guest"

    sandbox.put_state(as_guest)
    sandbox.clear_requests()
    ran = cli(*INIT)
    assert ran.code == 3
    assert "guest" in ran.err
    assert sandbox.writes() == []


def test_a_host_that_nobody_answers_at_is_named(tmp_path: Path) -> None:
    cli = Cli(tmp_path / "project")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"https://127.0.0.1:{free.getsockname()[1]}"
    ran = cli(*INIT, env={"PBISETUP_SANDBOX_URL": url})
    assert ran.code == 3
    assert url.removeprefix("https://") in ran.err


def test_an_unknown_certificate_authority_is_told_from_an_unreachable_host(cli: Cli) -> None:
    gone = dict.fromkeys(("PBISETUP_SANDBOX_CA", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"), "")
    ran = cli(*INIT, env=gone)
    assert ran.code == 3
    assert "PBI204" in ran.err
    assert "PBISETUP_CA_BUNDLE" in ran.err


@pytest.mark.parametrize("name", ["PBISETUP_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"])
def test_one_variable_is_enough_for_every_tls_stack(cli: Cli, sandbox: SandboxTenant, name: str) -> None:
    gone = dict.fromkeys(("PBISETUP_SANDBOX_CA", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"), "")
    cli.ok(*INIT, env={**gone, name: sandbox.ca})


def test_a_bundle_that_is_not_there_is_named(cli: Cli) -> None:
    ran = cli(*INIT, env={"PBISETUP_SANDBOX_CA": "", "PBISETUP_CA_BUNDLE": "no-such.pem"})
    assert ran.code == 3
    assert "PBISETUP_CA_BUNDLE names no-such.pem" in ran.err


@pytest.fixture
def refusing_proxy() -> Iterator[str]:
    """A proxy that wants a password from everybody."""
    server = socket.create_server(("127.0.0.1", 0))

    def answer() -> None:
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            with connection:
                connection.recv(65536)
                connection.sendall(
                    b"HTTP/1.1 407 Proxy Authentication Required\r\n"
                    b'Proxy-Authenticate: Basic realm="corp"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n'
                )

    threading.Thread(target=answer, daemon=True).start()
    yield f"http://user:hunter2hunter2@127.0.0.1:{server.getsockname()[1]}"
    server.close()


def test_a_proxy_that_wants_a_sign_in_is_named_without_its_password(
    sandbox: SandboxTenant, tmp_path: Path, refusing_proxy: str
) -> None:
    cli = Cli(tmp_path / "project")
    env = {"HTTPS_PROXY": refusing_proxy, "PBISETUP_CA_BUNDLE": sandbox.ca}
    ran = cli("init", "--yes", "--operator", "device", "--tenant", "contoso.onmicrosoft.com", env=env)
    assert ran.code == 3
    assert "407" in ran.err
    assert "hunter2" not in ran.err


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 64 KB of its own; making one takes the right to mount."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = shutil.which("mount")
    command = [mount or "mount", "-t", "tmpfs", "-o", "size=64k,mode=0755", "tmpfs", str(folder)]
    if mount is None or subprocess.run(command, capture_output=True, check=False).returncode != 0:
        pytest.skip("this machine does not let a test mount a file system")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=False)


def fill(file: Path) -> None:
    """Grow a file until the disk is full."""
    with file.open("wb", buffering=0) as out:
        try:
            while out.write(b"x" * 4096):
                pass
        except OSError as error:
            assert error.errno == errno.ENOSPC  # noqa: PT017 - the condition that this waits for


def test_a_full_disk_is_found_before_there_is_a_secret_to_lose(
    cli: Cli, sandbox: SandboxTenant, small_disk: Path
) -> None:
    cli.ok(*INIT)
    (cli.folder / ".env.dev").unlink()
    full = Cli(small_disk, cli.env)
    shutil.copy(cli.folder / "pbisetup.toml", small_disk)
    filler = small_disk / "filler"
    fill(filler)
    sandbox.clear_requests()

    ran = full("apply", "--yes")

    assert ran.code == 1, ran
    assert "No space left" in ran.err
    assert "No secret was made" in ran.err
    assert not any("addPassword" in r["path"] for r in sandbox.requests())
    filler.unlink()
    full.ok("apply", "--yes")
    assert full.stored()["AZURE_CLIENT_SECRET"]


def test_a_read_only_folder_is_found_before_there_is_a_secret_to_lose(
    cli: Cli, sandbox: SandboxTenant, small_disk: Path
) -> None:
    cli.ok(*INIT)
    shutil.copy(cli.folder / "pbisetup.toml", small_disk)
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    sandbox.clear_requests()
    ran = Cli(small_disk, cli.env)("apply", "--yes")
    assert ran.code == 1, ran
    assert "Read-only" in ran.err
    assert sandbox.writes() == []


def test_a_secret_is_never_put_into_a_file_that_git_tracks(cli: Cli, sandbox: SandboxTenant) -> None:
    git = ["git", "-C", str(cli.folder)]
    subprocess.run([*git, "init", "-q"], check=True)
    (cli.folder / ".env.dev").write_text("OTHER=1\n")
    subprocess.run([*git, "add", "-f", ".env.dev"], check=True)
    ran = cli(*INIT)
    assert ran.code == 1
    assert "git rm --cached .env.dev" in ran.err
    assert ours(sandbox.state())["apps"] == []
    subprocess.run([*git, "rm", "-q", "--cached", ".env.dev"], check=True)

    cli.ok(*INIT)

    assert ".env.*" in (cli.folder / ".gitignore").read_text().splitlines()
    assert cli.stored()["OTHER"] == "1"
    status = subprocess.run([*git, "status", "--porcelain"], capture_output=True, text=True, check=True)
    assert ".env.dev" not in status.stdout


def test_a_connection_cut_after_the_secret_was_made_leaves_no_orphan(cli: Cli, sandbox: SandboxTenant) -> None:
    rule = {"match": {"method": "POST", "path": "addPassword$"}, "times": 1, "drop": "after"}
    sandbox.faults(rule)
    cli.ok(*INIT)
    made = ours(sandbox.state())
    assert len(made["secrets"]) == 1
    assert made["secrets"][0]["hint"] == cli.stored()["AZURE_CLIENT_SECRET"][:3]


@pytest.mark.parametrize("status", [500, 503, 504])
def test_a_server_error_after_the_secret_was_made_leaves_no_orphan(
    cli: Cli, sandbox: SandboxTenant, status: int
) -> None:
    sandbox.faults({"match": {"method": "POST", "path": "addPassword$"}, "times": 2, "status": status, "body": ""})
    cli.ok(*INIT)
    assert len(ours(sandbox.state())["secrets"]) == 1


def test_too_many_requests_are_waited_out(cli: Cli, sandbox: SandboxTenant) -> None:
    sandbox.faults(
        {
            "match": {"path": "/v1.0/applications"},
            "times": 2,
            "status": 429,
            "headers": {"Retry-After": "1"},
            "body": {},
        },
        {"match": {"path": "tenantsettings"}, "times": 1, "status": 429, "headers": {"Retry-After": "1"}, "body": {}},
    )
    cli.ok(*INIT)
    assert len(ours(sandbox.state())["apps"]) == 1


def test_a_refusal_of_one_step_does_not_stop_the_others(cli: Cli, sandbox: SandboxTenant) -> None:
    body = {"error": {"code": "Request_BadRequest", "message": "Something about groups"}}
    sandbox.faults({"match": {"method": "PATCH", "path": "/v1.0/groups"}, "status": 400, "body": body})
    ran = cli(*INIT)
    assert ran.code == 4, ran
    assert "PBI901: the security group: Something about groups" in " ".join(ran.err.split())
    assert "pbisetup apply dev" in ran.out
    assert ours(sandbox.state())["roles"] == [("Reports Dev", "Contributor")]
    sandbox.faults()
    cli.ok("apply", "--yes")


def test_a_manifest_with_mistakes_names_them_all_with_their_lines(cli: Cli) -> None:
    cli.ok(*INIT)
    manifest = cli.folder / "pbisetup.toml"
    text = manifest.read_text().replace('"Contributor"', '"Contributer"').replace('"automation"', '"automatic"')
    manifest.write_text(text)
    ran = cli("plan")
    assert ran.code == 2
    assert "did you mean 'Contributor'" in ran.err
    assert "did you mean 'automation'" in ran.err
    assert ran.err.count("pbisetup.toml:") == 2


def test_a_pipe_that_knows_no_check_marks_gets_plain_ones(cli: Cli) -> None:
    cli.ok(*INIT, "--name", "Größe ✓")
    ran = cli.ok("doctor", env={"PYTHONIOENCODING": "cp1252"})
    assert "+ GET /v1.0/myorg/groups" in ran.out


def test_a_reader_that_goes_away_is_no_error(cli: Cli) -> None:
    cli.ok(*INIT)
    command = f'"{sys.executable}" -m pbisetup doctor | head -1'
    done = subprocess.run(
        ["bash", "-c", command], cwd=cli.folder, env=cli.env, capture_output=True, text=True, check=True
    )
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr


def test_an_unknown_environment_names_those_there_are(cli: Cli) -> None:
    cli.ok(*INIT, "--env", "dev,test")
    assert "dev, test" in cli("token", "prod").err
    assert cli("token").code == 2
