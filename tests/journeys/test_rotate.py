"""`rotate`: nobody who signs in with what is stored notices it; what policies and missing rights make of a credential."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import tomllib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil
import pytest
from azure.core.exceptions import ClientAuthenticationError
from azure.identity import CertificateCredential, ClientSecretCredential
from cryptography import x509
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    pkcs12,
)

from tests.support.certificate import ClientCertificate
from tests.support.cli import Cli
from tests.support.tenant import POWER_BI, SandboxTenant, State

INIT = ("init", "--cloud", "sandbox", "--yes", "--wait", "0", "--name", "reports")
CERTIFICATE = (*INIT, "--credential", "certificate")


def app_of(state: State, client_id: str) -> dict[str, Any]:
    [app] = [each for each in state["applications"] if each["appId"] == client_id]
    return dict(app)


def keys(sandbox: SandboxTenant, cli: Cli) -> list[str]:
    """Key ids of everything that the app can sign in with."""
    app = app_of(sandbox.state(), cli.stored()["AZURE_CLIENT_ID"])
    return [each["keyId"] for part in ("passwordCredentials", "keyCredentials") for each in app.get(part) or []]


def noted(cli: Cli) -> str:
    """The key id that the store has noted."""
    return (cli.folder / ".env.dev").read_text().partition("key id ")[2][:36]


def signs_in(sandbox: SandboxTenant, cli: Cli) -> bool:
    """Whether Microsoft's own library gets a token with what is stored now."""
    found = cli.stored()
    ids = (found["AZURE_TENANT_ID"], found["AZURE_CLIENT_ID"])
    options = {"authority": sandbox.url, "disable_instance_discovery": True, "connection_verify": sandbox.ca}
    made: Any
    if path := found.get("AZURE_CLIENT_CERTIFICATE_PATH"):
        made = CertificateCredential(*ids, path, **options)
    else:
        made = ClientSecretCredential(*ids, found["AZURE_CLIENT_SECRET"], **options)
    try:
        made.get_token(f"{POWER_BI}/.default")
    except ClientAuthenticationError:
        return False
    return True


class Client(threading.Thread):
    """A program that reads the stored credential and gets a token with it, again and again."""

    def __init__(self, sandbox: SandboxTenant, cli: Cli) -> None:
        super().__init__(daemon=True)
        self.sandbox, self.cli = sandbox, cli
        self.stop, self.worked, self.failed = threading.Event(), 0, 0

    def run(self) -> None:
        while not self.stop.is_set():
            if signs_in(self.sandbox, self.cli):
                self.worked += 1
            else:
                self.failed += 1
            self.stop.wait(0.3)

    def __enter__(self) -> Client:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop.set()
        self.join(30)


@pytest.mark.parametrize("init", [INIT, CERTIFICATE], ids=["secret", "certificate"])
def test_a_client_that_signs_in_all_the_time_meets_no_failure(
    start_sandbox: Any, tmp_path: Path, init: tuple[str, ...]
) -> None:
    """Though the token endpoint learns of a new credential seconds after the directory."""
    sandbox = start_sandbox()
    sandbox.put_state(lambda state: state.update(auto_approve="admin"))
    cli = Cli(tmp_path / "project", sandbox.env())
    cli.ok(*init)
    sandbox.advance(600)  # what `init` made is known everywhere by now
    sandbox.put_state(lambda state: state["weather"].update(replication_lag_seconds=4))
    before = noted(cli)
    with Client(sandbox, cli) as client:
        for _ in range(2):
            cli.ok("rotate", "--yes", "--grace", "1s")
    assert client.failed == 0
    assert client.worked > 5
    assert noted(cli) != before
    assert keys(sandbox, cli) == [noted(cli)]


def test_without_a_grace_the_old_one_goes_at_the_next_run(cli: Cli, sandbox: SandboxTenant) -> None:
    cli.ok(*INIT)
    old = noted(cli)
    ran = cli.ok("rotate", "dev", "--yes")
    assert "the one before stays on the app, and goes at the next" in " ".join(ran.out.split())
    assert sorted(keys(sandbox, cli)) == sorted([old, noted(cli)])
    assert cli.ok("status").code == 0
    plan = cli("plan", "--detailed-exitcode")
    assert plan.code == 10
    assert "another one has taken its place" in plan.out
    cli.ok("apply", "--yes", "--wait", "0")
    assert keys(sandbox, cli) == [noted(cli)]
    assert cli("plan", "--detailed-exitcode").code == 0


def test_a_long_grace_is_kept_until_it_is_over(cli: Cli, sandbox: SandboxTenant) -> None:
    cli.ok(*INIT)
    old = noted(cli)
    cli.ok("rotate", "--yes", "--grace", "2d")
    for command in (
        ("apply", "--yes", "--wait", "0"),
        ("rotate", "--yes", "--grace", "0"),
        ("apply", "--yes", "--wait", "0"),
    ):
        cli.ok(*command)
        assert old in keys(sandbox, cli)
    sandbox.advance(3 * 86400)
    cli.ok("apply", "--yes", "--wait", "0")
    assert keys(sandbox, cli) == [noted(cli)]


def test_one_whose_run_was_killed_right_after_it_was_kept_has_its_grace_too(cli: Cli, sandbox: SandboxTenant) -> None:
    cli.ok(*INIT)
    old = noted(cli)
    project = tomllib.loads((cli.folder / "pbisetup.toml").read_text())["project"]["id"]
    journal = Path(cli.env["PBISETUP_STATE_DIR"]) / "journal" / f"{project}.jsonl"
    begun = [line for line in journal.read_text().splitlines() if '"done"' not in line]
    journal.write_text("\n".join(begun) + "\n")
    cli.ok("rotate", "--yes", "--grace", "7d")
    cli.ok("apply", "--yes", "--wait", "0")
    assert sorted(keys(sandbox, cli)) == sorted([old, noted(cli)])


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGINT for one process there")
def test_ctrl_c_is_heard_while_the_grace_is_waited_for(cli: Cli, sandbox: SandboxTenant) -> None:
    cli.ok(*INIT)
    old = noted(cli)
    command = [sys.executable, "-m", "pbisetup", "rotate", "--yes", "--grace", "1h"]
    with subprocess.Popen(command, cwd=cli.folder, env=cli.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as run:
        while noted(cli) == old:
            assert run.poll() is None
        os.kill(run.pid, signal.SIGINT)
        out, _ = run.communicate(timeout=60)
    assert run.returncode == 130
    assert b"stopped" in out
    assert sorted(keys(sandbox, cli)) == sorted([old, noted(cli)])
    sandbox.advance(2 * 3600)
    new = noted(cli)
    cli.ok("rotate", "--yes")
    assert keys(sandbox, cli) == [new], "it is gone on with, and not begun once more"


def test_credentials_of_others_are_never_touched(cli: Cli, sandbox: SandboxTenant) -> None:
    cli.ok(*INIT)
    client_id = cli.stored()["AZURE_CLIENT_ID"]
    theirs = ClientCertificate(common_name="theirs")
    headers = {"Authorization": f"Bearer {sandbox.operator_token()}"}
    object_id = app_of(sandbox.state(), client_id)["id"]
    path = f"/v1.0/applications/{object_id}"
    sandbox.http.post(f"{path}/addPassword", headers=headers, json={"passwordCredential": {"displayName": "by hand"}})
    key = {"type": "AsymmetricX509Cert", "usage": "Verify", "key": theirs.base64}
    sandbox.http.patch(path, headers=headers, json={"keyCredentials": [key]})

    def foreign() -> str:
        app = app_of(sandbox.state(), client_id)
        others = [p for p in app["passwordCredentials"] if p["displayName"] == "by hand"]
        return json.dumps([others, [k for k in app["keyCredentials"] if k["displayName"] == "CN=theirs"]])

    before = foreign()
    assert before.count("keyId") == 2
    for change in ('kind = "secret"', 'kind = "certificate"', 'kind = "certificate"', 'kind = "secret"'):
        manifest = cli.folder / "pbisetup.toml"
        lines = manifest.read_text().splitlines()
        manifest.write_text("\n".join(f"credential = {{{change}}}" if "credential" in x else x for x in lines) + "\n")
        cli.ok("apply", "--yes", "--wait", "0")
        cli.ok("rotate", "--yes", "--grace", "0")
        assert foreign() == before
        assert signs_in(sandbox, cli)
    cli.ok("destroy", "dev", "--credential", "--yes")
    assert foreign() == before
    assert not (cli.folder / ".env.dev").exists()


def test_a_certificate_replaces_itself_and_nobody_signs_in(cli: Cli, sandbox: SandboxTenant) -> None:
    cli.ok(*CERTIFICATE)
    old = noted(cli)
    sandbox.put_state(lambda state: state.update(auto_approve=None))
    sandbox.clear_requests()
    cli.ok("rotate", "--yes", "--operator", "none", "--grace", "0")
    assert [r["path"].rpartition("/")[2] for r in sandbox.writes()] == ["addKey", "removeKey"]
    assert old not in keys(sandbox, cli)
    assert keys(sandbox, cli) == [noted(cli)]
    assert signs_in(sandbox, cli)


def test_an_environment_that_is_added_has_the_credential_that_was_asked_for(cli: Cli) -> None:
    cli.ok(*INIT)
    cli.ok("init", "--cloud", "sandbox", "--yes", "--wait", "0", "--env", "test", "--credential", "certificate")
    manifest = tomllib.loads((cli.folder / "pbisetup.toml").read_text())
    assert manifest["defaults"]["credential"]["kind"] == "secret"
    assert manifest["environments"]["test"]["credential"]["kind"] == "certificate"
    assert "AZURE_CLIENT_CERTIFICATE_PATH" in (cli.folder / ".env.test").read_text()


def test_a_secret_cannot_vouch_for_itself(cli: Cli) -> None:
    cli.ok(*INIT)
    ran = cli("rotate", "--yes", "--operator", "none")
    assert ran.code == 3
    assert "holds no certificate that pbisetup put there" in ran.err


def operator(sandbox: SandboxTenant) -> dict[str, str]:
    """Somebody who may read the tenant's policies: what people are given by the Azure CLI's app does not reach so far."""
    return {
        "PBISETUP_OPERATOR_TENANT_ID": sandbox.tenant,
        "PBISETUP_OPERATOR_CLIENT_ID": sandbox.operator_id,
        "PBISETUP_OPERATOR_CLIENT_SECRET": sandbox.operator_secret,
    }


def policy(state: State, **rules: Any) -> None:
    state["policies"]["defaultAppManagementPolicy"] = {
        "isEnabled": True,
        "displayName": "No secrets here",
        "applicationRestrictions": rules,
    }


FORBIDDEN = {"passwordCredentials": [{"restrictionType": "passwordAddition", "state": "enabled"}]}
SHORT = {"passwordCredentials": [{"restrictionType": "passwordLifetime", "maxLifetime": "P45D", "state": "enabled"}]}


@pytest.mark.parametrize("reads", [True, False], ids=["seen in the plan", "met when it is tried"])
def test_where_secrets_are_forbidden_a_certificate_takes_their_place(
    cli: Cli, sandbox: SandboxTenant, reads: bool
) -> None:
    sandbox.put_state(lambda state: policy(state, **FORBIDDEN))
    cli.env |= operator(sandbox)
    ran = cli(*INIT, "--operator", "env" if reads else "device")
    assert ran.code == (5 if reads else 0)  # that operator may not change tenant settings
    told = " ".join((ran.out + ran.err).split())
    assert "it is a certificate and not a secret, which a policy of the tenant forbids" in told
    assert ("the policy 'No secrets here' forbids client secrets" in told) is reads
    assert "AZURE_CLIENT_CERTIFICATE_PATH" in cli.stored()
    assert signs_in(sandbox, cli)
    cli.ok("apply", "--yes", "--wait", "0")
    assert cli("plan", "--detailed-exitcode").code == 0
    cli.ok("rotate", "--yes", "--grace", "0")
    assert keys(sandbox, cli) == [noted(cli)]


@pytest.mark.parametrize("reads", [True, False], ids=["seen in the plan", "met when it is tried"])
def test_where_lives_are_limited_the_secret_lives_as_long_as_it_may(
    cli: Cli, sandbox: SandboxTenant, reads: bool
) -> None:
    sandbox.put_state(lambda state: policy(state, **SHORT))
    cli.env |= operator(sandbox)
    cli(*INIT, "--operator", "env" if reads else "device")
    [secret] = app_of(sandbox.state(), cli.stored()["AZURE_CLIENT_ID"])["passwordCredentials"]
    ends = datetime.fromisoformat(secret["endDateTime"])
    assert (ends - datetime.now(UTC)).days in ((44, 45) if reads else (29, 30))


@pytest.mark.parametrize("form", ["pem", "pfx"])
def test_a_certificate_that_was_brought_serves_two_apps_and_stays_where_it_is(
    cli: Cli, sandbox: SandboxTenant, form: str
) -> None:
    first, second = ClientCertificate(common_name="shared"), ClientCertificate(common_name="next")
    file = cli.folder / f"shared.{form}"

    def bring(held: ClientCertificate) -> None:
        if form == "pem":
            file.write_bytes(held.pem)
        else:
            word = BestAvailableEncryption(b"a word")
            certificate = x509.load_der_x509_certificate(held.der)
            file.write_bytes(pkcs12.serialize_key_and_certificates(b"x", held.key, certificate, None, word))
        file.chmod(0o600)

    bring(first)
    env = {"AZURE_CLIENT_CERTIFICATE_PASSWORD": "a word"} if form == "pfx" else {}
    cli.ok(*INIT, "--env", "dev,test", "--workspace", "Reports Dev", "--certificate", file.name, env=env)
    assert {cli.stored(each)["AZURE_CLIENT_CERTIFICATE_PATH"] for each in ("dev", "test")} == {str(file)}
    state = sandbox.state()
    shown = {each: app_of(state, cli.stored(each)["AZURE_CLIENT_ID"])["keyCredentials"] for each in ("dev", "test")}
    assert {len(each) for each in shown.values()} == {1}
    assert cli("plan", "--detailed-exitcode", env=env).code == 0
    bring(second)
    changed = cli("plan", "dev", "--detailed-exitcode", env=env)
    assert changed.code == 10
    assert "holds another certificate than the app has" in " ".join(changed.out.split())
    # The old one is no longer there to be lost: the new one has its place in the file already.
    cli.ok("apply", "dev", "--yes", "--wait", "0", env=env)
    after = app_of(sandbox.state(), cli.stored("test")["AZURE_CLIENT_ID"])["keyCredentials"]
    assert after == shown["test"]
    cli.ok("doctor", "dev", env=env)
    cli.ok("destroy", "dev", "--yes", env=env)
    assert file.exists()


@pytest.mark.parametrize("content", [b"", b"hello", b"-----BEGIN CERTIFICATE-----\nxx\n-----END CERTIFICATE-----\n"])
def test_a_file_that_is_no_certificate_is_said_to_be_none(cli: Cli, content: bytes) -> None:
    (cli.folder / "brought.pem").write_bytes(content)
    (cli.folder / "brought.pem").chmod(0o600)
    ran = cli(*INIT, "--certificate", "brought.pem")
    assert ran.code in (1, 4)
    assert "brought.pem" in ran.out + ran.err
    assert not (cli.folder / ".env.dev").exists()


@pytest.mark.parametrize("grace", ["soon", "-1", "5", "1y", "", "99999999d"])
def test_a_grace_that_is_no_time(cli: Cli, grace: str) -> None:
    cli.ok(*INIT)
    ran = cli("rotate", "--yes", "--grace", grace)
    assert ran.code == 2
    assert "--grace" in ran.err


def test_what_has_nothing_to_rotate_says_so(cli: Cli) -> None:
    cli.ok("init", "--cloud", "sandbox", "--yes", "--purpose", "user-sign-in", "--name", "people")
    ran = cli("rotate", "--yes")
    assert ran.code == 2
    assert "people sign in to the app" in ran.err


def test_before_the_first_apply_there_is_nothing_to_rotate(cli: Cli, sandbox: SandboxTenant) -> None:
    cli.ok(*INIT)
    sandbox.reset()
    sandbox.put_state(lambda state: state.update(auto_approve="admin"))
    ran = cli("rotate", "--yes")
    assert ran.code == 3
    assert "pbisetup apply dev" in ran.err


def test_the_calendar_has_a_day_for_each_credential(cli: Cli) -> None:
    cli.ok(*INIT, "--env", "dev,test", "--workspace", "")
    text = cli.ok("status", "--format", "ics").out
    assert text.count("BEGIN:VEVENT") == 2
    assert text.startswith("BEGIN:VCALENDAR\r\n")
    assert all(len(line.encode()) <= 75 for line in text.split("\r\n"))
    assert "SUMMARY:test: client secret ends" in text


@pytest.mark.parametrize("moment", ["secret", "token"])
def test_ctrl_c_and_failures_of_a_rotation_leave_what_was_there(cli: Cli, sandbox: SandboxTenant, moment: str) -> None:
    """The new one cannot be made, or never comes to work: it is off the app again, and the old one is where it was."""
    cli.ok(*INIT)
    before = (cli.folder / ".env.dev").read_text()
    held = keys(sandbox, cli)
    broken: dict[str, Any] = {"match": {"method": "POST", "path": "addPassword"}, "status": 400}
    if moment != "secret":
        broken = {"match": {"method": "POST", "path": "oauth2/v2.0/token"}, "skip": 4, "status": 401}
        broken["body"] = {
            "error": "invalid_client",
            "error_codes": [7000112],
            "error_description": "AADSTS7000112: off",
        }
    sandbox.faults(broken)
    ran = cli("rotate", "--yes")
    assert ran.code in (1, 3, 4), ran
    sandbox.faults()
    if moment == "secret":
        assert (cli.folder / ".env.dev").read_text() == before
        assert keys(sandbox, cli) == held
    cli.ok("rotate", "--yes", "--grace", "0")
    assert keys(sandbox, cli) == [noted(cli)]


def test_two_rotations_at_once_end_with_one_credential(cli: Cli, sandbox: SandboxTenant) -> None:
    cli.ok(*INIT)
    runs: list[Any] = []
    threads = [threading.Thread(target=lambda: runs.append(cli("rotate", "--yes", "--grace", "0"))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert sorted(run.code for run in runs) in ([0, 0], [0, 2])
    assert keys(sandbox, cli) == [noted(cli)]
    assert signs_in(sandbox, cli)


class ProcessList(threading.Thread):
    """Everything that the process list showed, in arguments, while it ran."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.stop, self.seen = threading.Event(), set[str]()

    def run(self) -> None:
        while not self.stop.wait(0.02):
            for process in psutil.process_iter():
                with contextlib.suppress(psutil.Error):
                    self.seen.update(process.cmdline())

    def __enter__(self) -> ProcessList:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop.set()
        self.join(30)


@pytest.mark.parametrize("init", [INIT, CERTIFICATE], ids=["secret", "certificate"])
def test_no_word_of_a_credential_leaves_the_store(
    cli: Cli, sandbox: SandboxTenant, tmp_path: Path, init: tuple[str, ...]
) -> None:
    """Not into output, journal, request log or process list; also where the run fails in the middle."""
    state = tmp_path / "state"
    cli.env["PBISETUP_STATE_DIR"] = str(state)
    cli.plain = True  # so that the process list shows what it would show
    words: set[str] = set()
    said: list[str] = []

    def note() -> None:
        held = cli.stored()
        pem = Path(held.get("AZURE_CLIENT_CERTIFICATE_PATH", "/nowhere"))
        lines = pem.read_text().partition("-----BEGIN CERTIFICATE")[0].splitlines() if pem.is_file() else []
        words.update(line for line in lines if len(line) > 20 and "-----" not in line)
        words.update({held["AZURE_CLIENT_SECRET"]} if "AZURE_CLIENT_SECRET" in held else ())

    with ProcessList() as processes:
        for command in (
            (*init, "--verbose"),
            ("rotate", "--yes", "--verbose"),
            ("rotate", "--yes", "--format", "json"),
        ):
            ran = cli.ok(*command)
            said += [ran.out, ran.err]
            note()
        sandbox.faults({"match": {"method": "POST", "path": "removePassword|removeKey|addKey"}, "drop": "after"})
        ran = cli("rotate", "--yes", "--grace", "0", "--verbose")
        said += [ran.out, ran.err]
        note()
    said += [path.read_text() for path in state.rglob("*") if path.is_file()]
    said += [json.dumps(sandbox.requests()), *processes.seen]
    assert len(processes.seen) > 10
    assert len(words) >= 3
    assert not [word[:6] for word in words if any(word in each for each in said)]


# -- what somebody from outside broke ------------------------------------------------------------------------------


def test_a_credential_that_lives_shortly_is_not_renewed_each_time(cli: Cli, sandbox: SandboxTenant) -> None:
    cli.ok(*INIT, "--lifetime", "5d")
    first = noted(cli)
    cli.ok("apply", "--yes", "--wait", "0")
    assert noted(cli) == first
    sandbox.advance(4 * 86400)  # less than a quarter is left
    cli.ok("apply", "--yes", "--wait", "0")
    assert noted(cli) != first
    sandbox.advance(4 * 86400)
    cli.ok("apply", "--yes", "--wait", "0")  # renews, and takes off the app what was due
    assert first not in keys(sandbox, cli)
    cli.ok("rotate", "--yes", "--grace", "0")
    assert keys(sandbox, cli) == [noted(cli)]


def test_after_an_interrupted_rotation_and_an_apply_the_next_rotation_is_one(cli: Cli, sandbox: SandboxTenant) -> None:
    cli.ok(*INIT)
    sandbox.faults({"match": {"method": "POST", "path": "removePassword"}, "drop": "before"})
    assert cli("rotate", "--yes", "--grace", "0").code in (3, 4)
    sandbox.faults()
    cli.ok("apply", "--yes", "--wait", "0")
    before = noted(cli)
    cli.ok("rotate", "--yes", "--grace", "0")
    assert noted(cli) != before
    assert keys(sandbox, cli) == [noted(cli)]


def test_without_a_journal_no_credential_is_made(cli: Cli, sandbox: SandboxTenant) -> None:
    cli.ok(*INIT)
    held, text = keys(sandbox, cli), (cli.folder / ".env.dev").read_text()
    (cli.folder / "occupied").write_text("")
    ran = cli("rotate", "--yes", env={"PBISETUP_STATE_DIR": str(cli.folder / "occupied")})
    assert ran.code == 1
    assert "cannot be written" in " ".join(ran.err.split())
    assert (keys(sandbox, cli), (cli.folder / ".env.dev").read_text()) == (held, text)


def test_what_is_printed_where_nobody_reads_is_not_made_or_undone(cli: Cli, sandbox: SandboxTenant) -> None:
    cli.ok(*INIT, "--store", "stdout")
    [app] = [a for a in sandbox.state()["applications"] if a["displayName"] == "reports-dev"]

    def held() -> list[str]:
        return [p["keyId"] for p in app_of(sandbox.state(), app["appId"])["passwordCredentials"]]

    before = held()
    program = f'"{sys.executable}" -m pbisetup rotate --yes --grace 0'
    for end, code in ((">&-", 1), (">/dev/full", 4), ("| true", 4)):
        command = ["bash", "-c", f"set -o pipefail; {program} {end}"]
        ran = subprocess.run(command, cwd=cli.folder, env=cli.env, capture_output=True, text=True, check=False)
        assert ran.returncode == code, (end, ran)
        assert "PBI11" in ran.stderr, (end, ran)
        assert held() == before, end


def test_an_encrypted_certificate_without_its_password_is_told(cli: Cli) -> None:
    held = ClientCertificate(common_name="locked")
    locked = held.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"a word"))
    file = cli.folder / "locked.pem"
    file.write_bytes(locked + held.public_pem)
    file.chmod(0o600)
    password = {"AZURE_CLIENT_CERTIFICATE_PASSWORD": "a word"}
    cli.ok(*INIT, "--certificate", file.name, env=password)
    cli.ok("token", "dev", env=password)
    assert cli("token", "dev").code == 3
    ran = cli("rotate", "dev", "--yes", env=password)
    assert ran.code == 2
    assert "no other one to take its place" in " ".join(ran.err.split())


@pytest.mark.skipif(sys.platform == "win32", reason="there are no FIFOs")
def test_a_path_that_would_be_waited_for_is_refused(cli: Cli) -> None:
    cli.ok(*INIT)
    (cli.folder / ".env.dev").unlink()
    os.mkfifo(cli.folder / ".env.dev")
    ran = cli("rotate", "dev", "--yes")
    assert ran.code == 1
    assert "no regular file" in " ".join(ran.err.split())


def test_a_certificate_that_an_administrator_gave_the_app_is_kept_where_it_lies(
    cli: Cli, sandbox: SandboxTenant
) -> None:
    """After a hand-off with the public part: nothing is written, and `apply` ends clean."""
    held = ClientCertificate(common_name="handed off")
    file = cli.folder / "mine.pem"
    file.write_bytes(held.pem)
    file.chmod(0o600)
    cli.ok(*INIT)
    client_id = cli.stored()["AZURE_CLIENT_ID"]
    path = f"/v1.0/applications/{app_of(sandbox.state(), client_id)['id']}"
    key = {"type": "AsymmetricX509Cert", "usage": "Verify", "key": held.base64}
    headers = {"Authorization": f"Bearer {sandbox.operator_token()}"}
    sandbox.http.patch(path, headers=headers, json={"keyCredentials": [key]})
    manifest = cli.folder / "pbisetup.toml"
    lines = manifest.read_text().splitlines()
    wanted = 'credential = { kind = "certificate", file = "mine.pem" }'
    manifest.write_text("\n".join(wanted if "credential" in line else line for line in lines) + "\n")
    sandbox.clear_requests()
    cli.ok("apply", "--yes", "--wait", "0")
    assert sandbox.writes() == []
    assert cli.stored()["AZURE_CLIENT_CERTIFICATE_PATH"] == str(file)
    assert signs_in(sandbox, cli)
    cli.ok("apply", "--yes", "--wait", "0")  # the secret of before goes
    assert len(keys(sandbox, cli)) == 1
    assert cli("plan", "--detailed-exitcode").code == 0
