"""An environment without a secret: the app trusts the job that signs in, from the manifest to a token."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.journeys.conftest import approve_as
from tests.journeys.test_init import ours
from tests.support.az import Administrator
from tests.support.cli import Cli
from tests.support.gh_api import Programs, connection, settings
from tests.support.platform import CONNECTION, DEVOPS_ISSUER, REQUEST_TOKEN, Platform
from tests.support.tenant import POWER_BI, SandboxTenant

GITHUB = "https://token.actions.githubusercontent.com"
OLD = "repo:contoso/reports:environment:prod"
IMMUTABLE = "repo:contoso@101/reports@202:environment:prod"
EXCHANGE = "api://AzureADTokenExchange"
NAME = "pbisetup-k7f3q2-prod"
ASKED = "repos/contoso/reports/actions/oidc/customization/sub"
OF_GITHUB = 'issuer = "github", repository = "contoso/reports", environment = "prod"'


def manifest(cli: Cli, trust: str = OF_GITHUB, more: str = "") -> None:
    """What a person writes."""
    (cli.folder / "pbisetup.toml").write_text(
        '[project]\nid = "k7f3q2"\nname = "contoso-reports"\ncloud = "sandbox"\n'
        '[environments.prod]\npurposes = ["automation"]\nworkspaces = [{ name = "Reports Dev", role = "Contributor" }]\n'
        f'credential = {{ kind = "federated", {trust}{more} }}\n',
        encoding="utf-8",
    )


@pytest.fixture
def programs(tmp_path: Path) -> Programs:
    """A folder in which a `gh` knows the repository, which has immutable subjects."""
    return Programs(tmp_path / "bin").gh({ASKED: settings("repo:contoso@101/reports@202")})


def assertion(sandbox: SandboxTenant, folder: Path, subject: str = IMMUTABLE, issuer: str = GITHUB) -> dict[str, str]:
    """What a job is given, in a file, as a platform would mount it."""
    asked = {"issuer": issuer, "subject": subject, "audience": EXCHANGE}
    file = folder / "assertion"
    file.write_text(sandbox.control("POST", "assertions", asked)["assertion"])
    return {"AZURE_FEDERATED_TOKEN_FILE": str(file)}


def trusted(sandbox: SandboxTenant) -> list[dict[str, Any]]:
    [app] = ours(sandbox.state())["apps"]
    return [
        {key: each[key] for key in ("name", "issuer", "subject", "audiences")}
        for each in app.get("federatedIdentityCredentials", [])
    ]


def federated(name: str, subject: str) -> dict[str, Any]:
    return {"name": name, "issuer": GITHUB, "subject": subject, "audiences": [EXCHANGE]}


def plant(sandbox: SandboxTenant, *credentials: dict[str, Any]) -> None:
    """Somebody gives the app federated credentials by hand, in the place of those that it has."""

    def change(state: dict[str, Any]) -> None:
        [app] = ours(state)["apps"]
        app["federatedIdentityCredentials"] = [
            {"id": f"5f5f5f5f-0000-4000-8000-00000000000{n}", "description": None, **each}
            for n, each in enumerate(credentials)
        ]

    sandbox.put_state(change)


def applied(cli: Cli, programs: Programs, **env: str) -> None:
    cli.ok("apply", "--yes", "--wait", "0", env={"PATH": programs.path, **env})


def change_of(ran: Any, step: str) -> str:
    [environment] = ran.json["environments"]
    return str(next(each["change"] for each in environment["steps"] if each["id"] == step))


def test_from_a_manifest_to_a_token_without_a_secret_anywhere(
    cli: Cli, sandbox: SandboxTenant, programs: Programs, tmp_path: Path
) -> None:
    manifest(cli)
    env = {"PATH": programs.path, **assertion(sandbox, tmp_path)}
    ran = cli.ok("apply", "--yes", env=env)
    assert trusted(sandbox) == [federated(NAME, IMMUTABLE)]
    assert ours(sandbox.state())["secrets"] == []
    assert set(cli.stored("prod")) == {"AZURE_TENANT_ID", "AZURE_CLIENT_ID"}
    assert "tenant and client id are in .env.prod" in ran.out
    assert "a token was issued and the Power BI API answered it" in ran.out

    assert cli.ok("doctor", "prod", "--format", "json", env=env).json["healthy"] is True
    token = cli.ok("token", "prod", env=env).out.strip()
    answer = sandbox.http.get("/v1.0/myorg/groups", headers={"Authorization": f"Bearer {token}"})
    assert [each["name"] for each in answer.json()["value"]] == ["Reports Dev"]

    sandbox.clear_requests()
    again = cli.ok("apply", "--yes", env=env)
    assert sandbox.writes() == []
    assert "nothing was changed" in again.out
    assert cli.ok("plan", "--detailed-exitcode", env=env)
    shown = cli.ok("status", "--format", "json", env=env).json["environments"][0]["credential"]
    assert (shown["kind"], shown["state"], shown["ends"]) == ("federated", "ok", None)


def test_other_peoples_clients_sign_in_with_what_was_stored(
    cli: Cli, sandbox: SandboxTenant, programs: Programs, tmp_path: Path
) -> None:
    manifest(cli)
    applied(cli, programs)
    program = "from azure.identity import WorkloadIdentityCredential as W\n"
    program += f"print(W(disable_instance_discovery=True).get_token('{POWER_BI}/.default').token)"
    env = {**cli.env, **cli.stored("prod"), **assertion(sandbox, tmp_path)}
    done = subprocess.run([sys.executable, "-c", program], env=env, capture_output=True, text=True, check=True)
    answer = sandbox.http.get("/v1.0/myorg/groups", headers={"Authorization": f"Bearer {done.stdout.strip()}"})
    assert answer.status_code == 200


def test_on_a_desk_everything_is_done_but_the_proof(cli: Cli, sandbox: SandboxTenant, programs: Programs) -> None:
    manifest(cli)
    env = {"PATH": programs.path}
    ran = cli.ok("apply", "--yes", env=env)
    said = " ".join(ran.out.split())
    assert "prod: not proved: it cannot be tried here" in said
    assert "prove it in that job: pbisetup doctor prod" in said
    assert trusted(sandbox) == [federated(NAME, IMMUTABLE)]

    told = cli("doctor", "prod", "--operator", "device", "--format", "json", env=env)
    assert told.code == 1
    checks = {each["id"]: each for each in told.json["checks"]}
    assert checks["config.credential"]["status"] == "unknown"
    assert "cannot be tried here" in checks["config.credential"]["because"]
    assert told.json["findings"] == []
    assert checks["directory.app"]["status"] == "pass"
    assert "cannot be tried here" in " ".join(cli("doctor", "prod", env=env).out.split())
    refused = cli("token", "prod", env=env)
    assert (refused.code, refused.out) == (3, "")
    assert "cannot be tried here" in " ".join(refused.err.split())


def test_a_step_of_azure_pipelines_signs_in_as_its_service_connection(
    cli: Cli, sandbox: SandboxTenant, programs: Programs, tmp_path: Path
) -> None:
    with Platform(sandbox, tmp_path) as platform:
        programs.az([connection("pbi", DEVOPS_ISSUER, platform.devops_subject)])
        devops = 'issuer = "azure-devops", organization = "contoso", project = "reports", service_connection = "pbi"'
        manifest(cli, devops)
        env = {"PATH": programs.path} | platform.devops() | {"AZURESUBSCRIPTION_SERVICE_CONNECTION_ID": CONNECTION}
        ran = cli.ok("apply", "--yes", "--operator", "device", env=env)
        assert "a token was issued and the Power BI API answered it" in ran.out
    [held] = trusted(sandbox)
    assert (held["issuer"], held["subject"]) == (DEVOPS_ISSUER, "sc://contoso/reports/pbisetup")


@pytest.mark.parametrize("where", ["github", "the ids as variables"])
def test_in_the_job_the_platform_is_asked_for_the_assertion(
    cli: Cli, sandbox: SandboxTenant, programs: Programs, tmp_path: Path, where: str
) -> None:
    manifest(cli)
    applied(cli, programs)
    env = {"PATH": programs.path}
    if where == "the ids as variables":
        env |= cli.stored("prod")
        (cli.folder / ".env.prod").unlink()
    with Platform(sandbox, tmp_path) as platform:
        platform.github_subject = IMMUTABLE
        ran = cli.ok("doctor", "prod", "--format", "json", env=env | platform.github())
        assert ran.json["healthy"] is True
        assert platform.asked
    assert REQUEST_TOKEN not in ran.out + ran.err


def test_a_job_of_another_environment_proves_nothing_and_says_so(
    cli: Cli, sandbox: SandboxTenant, programs: Programs, tmp_path: Path
) -> None:
    manifest(cli)
    other = "repo:contoso@101/reports@202:environment:dev"
    ran = cli.ok("apply", "--yes", env={"PATH": programs.path, **assertion(sandbox, tmp_path, other)})
    said = " ".join(ran.out.split())
    assert f"this is '{other}' of {GITHUB}, and the app trusts '{IMMUTABLE}'" in said
    assert not any("/oauth2/v2.0/token" in each["path"] and each["status"] == 401 for each in sandbox.requests())


def test_a_subject_in_the_old_form_is_told_beside_the_one_that_the_job_presents(
    cli: Cli, sandbox: SandboxTenant, tmp_path: Path
) -> None:
    manifest(cli, f'issuer = "github", subject = "{OLD}"')
    cli.ok("apply", "--yes", "--wait", "0")
    env = assertion(sandbox, tmp_path)
    told = cli("doctor", "prod", "--operator", "device", "--format", "json", env=env)
    assert told.code == 1
    [finding] = [each for each in told.json["findings"] if each["severity"] == "error"]
    assert finding["cause"] == "federated_credential_mismatch"
    whole = finding["explanation"] + str(finding["evidence"])
    assert IMMUTABLE in whole
    assert OLD in whole


def test_a_subject_that_has_changed_is_mended_with_one_request(
    cli: Cli, sandbox: SandboxTenant, programs: Programs, tmp_path: Path
) -> None:
    manifest(cli)
    env = {"PATH": programs.path, **assertion(sandbox, tmp_path)}
    applied(cli, programs)
    theirs = federated("deployments", "repo:contoso/reports:ref:refs/heads/main")
    plant(sandbox, theirs, federated(NAME, OLD))
    assert change_of(cli("plan", "--format", "json", env=env), "federated") == "change"
    sandbox.clear_requests()
    ran = cli.ok("apply", "--yes", env=env)
    assert f"subject from '{OLD}' to '{IMMUTABLE}'" in " ".join(ran.err.split())
    [write] = sandbox.writes()
    assert (write["method"], f"federatedIdentityCredentials(name='{NAME}')" in write["path"]) == ("PATCH", True)
    assert trusted(sandbox) == [theirs, federated(NAME, IMMUTABLE)]
    assert "the Power BI API answered it" in ran.out


def test_what_somebody_else_made_for_the_same_subject_is_used_as_it_is(
    cli: Cli, sandbox: SandboxTenant, programs: Programs, tmp_path: Path
) -> None:
    manifest(cli)
    applied(cli, programs)
    plant(sandbox, federated("made-in-the-portal", IMMUTABLE))
    sandbox.clear_requests()
    ran = cli.ok("plan", env={"PATH": programs.path})
    assert "which somebody else made" in " ".join(ran.out.split())
    cli.ok("apply", "--yes", env={"PATH": programs.path, **assertion(sandbox, tmp_path)})
    assert sandbox.writes() == []
    assert trusted(sandbox) == [federated("made-in-the-portal", IMMUTABLE)]


def test_a_repository_that_cannot_be_asked_stops_before_anything_is_made_up(
    cli: Cli, sandbox: SandboxTenant, programs: Programs
) -> None:
    manifest(cli)
    programs.gh(None)
    ran = cli("apply", "--yes", "--wait", "0", env={"PATH": programs.path})
    assert ran.code == 1, ran
    said = " ".join((ran.out + ran.err).split())
    assert "nobody is signed in to `gh`" in said
    assert "gh auth login" in said
    assert trusted(sandbox) == []
    assert not (cli.folder / ".env.prod").exists()

    programs.gh({ASKED: settings("repo:contoso/reports")})
    applied(cli, programs)
    assert trusted(sandbox) == [federated(NAME, OLD)]

    programs.gh(None)
    sandbox.clear_requests()
    kept = cli.ok("apply", "--yes", "--wait", "0", env={"PATH": programs.path})
    assert sandbox.writes() == []
    assert "could not be checked" in " ".join(cli.ok("plan", env={"PATH": programs.path}).out.split())
    assert "nothing was changed" in kept.out


def test_a_secret_of_before_is_left_and_named(cli: Cli, sandbox: SandboxTenant, programs: Programs) -> None:
    manifest(cli)
    text = (cli.folder / "pbisetup.toml").read_text()
    (cli.folder / "pbisetup.toml").write_text(text[: text.index("credential")] + 'credential = { kind = "secret" }\n')
    cli.ok("apply", "--yes", "--wait", "0")
    manifest(cli)
    ran = cli.ok("apply", "--yes", "--wait", "0", env={"PATH": programs.path})
    assert "pbisetup destroy prod --credential" in " ".join(ran.err.split())
    assert len(ours(sandbox.state())["secrets"]) == 1
    assert set(cli.stored("prod")) == {"AZURE_TENANT_ID", "AZURE_CLIENT_ID"}


def test_with_the_ids_on_standard_output_nothing_is_kept(
    cli: Cli, sandbox: SandboxTenant, programs: Programs, tmp_path: Path
) -> None:
    manifest(cli, more=', store = "stdout"')
    env = {"PATH": programs.path, **assertion(sandbox, tmp_path)}
    ran = cli.ok("apply", "--yes", env=env)
    [app] = ours(sandbox.state())["apps"]
    assert f"AZURE_TENANT_ID={sandbox.tenant}\nAZURE_CLIENT_ID={app['appId']}\n" in ran.out
    assert "a token was issued and the Power BI API answered it" in ran.out
    again = cli.ok("apply", "--yes", env=env)
    assert "nothing was changed" in again.out
    assert "a token was issued and the Power BI API answered it" in again.out


def test_ids_that_an_interrupted_run_did_not_print_are_printed_by_the_next(
    cli: Cli, sandbox: SandboxTenant, programs: Programs
) -> None:
    """Nothing but the journal can tell: the credential is there, and nobody keeps what was printed."""
    manifest(cli, more=', store = "stdout"')
    env = {"PATH": programs.path}
    refusal = {"error": {"code": "Authorization_RequestDenied", "message": "Insufficient privileges."}}
    match = {"method": "GET", "path": "/federatedIdentityCredentials"}
    sandbox.faults({"match": match, "status": 403, "body": refusal})
    assert "AZURE_CLIENT_ID=" not in cli("apply", "--yes", "--wait", "0", env=env).out
    sandbox.faults()
    assert trusted(sandbox) == [federated(NAME, IMMUTABLE)]
    assert "AZURE_CLIENT_ID=" in cli.ok("apply", "--yes", "--wait", "0", env=env).out
    assert "AZURE_CLIENT_ID=" not in cli.ok("apply", "--yes", "--wait", "0", env=env).out


def test_somebody_who_may_is_asked_and_afterwards_all_is_well(
    cli: Cli, sandbox: SandboxTenant, programs: Programs, tmp_path: Path
) -> None:
    """A developer without rights: the scripts carry the whole of it, since nothing of it is secret."""
    manifest(cli)
    sandbox.put_state(lambda state: state["policies"].update(allowedToCreateApps=False))
    approve_as(sandbox, "developer")
    env = {"PATH": programs.path}
    assert cli("apply", "--yes", "--wait", "0", env=env).code == 5
    script = cli.folder / "handoff.sh"
    assert cli("handoff", "-o", "handoff.sh", env=env).code == 5
    assert IMMUTABLE in script.read_text()
    admin = Administrator(sandbox, "admin", tmp_path, cli.env)
    done = admin.script(script)
    assert done.returncode == 0, done
    assert trusted(sandbox) == [federated(NAME, IMMUTABLE)]

    ran = cli("apply", "--yes", "--wait", "0", env={**env, **assertion(sandbox, tmp_path)})
    assert set(cli.stored("prod")) == {"AZURE_TENANT_ID", "AZURE_CLIENT_ID"}, ran
    assert trusted(sandbox) == [federated(NAME, IMMUTABLE)]
    assert change_of(cli("plan", "--format", "json", env=env), "federated") == "keep"


def test_a_subject_that_was_handed_off_by_hand_is_kept(
    cli: Cli, sandbox: SandboxTenant, programs: Programs, tmp_path: Path
) -> None:
    """The repository cannot be asked here, and whoever knows the subject names it to the administrator."""
    manifest(cli)
    programs.gh(None)
    env = {"PATH": programs.path}
    cli("apply", "--yes", "--wait", "0", env=env)
    assert cli("handoff", "--federated", f"{GITHUB}={IMMUTABLE}", "-o", "handoff.sh", env=env).code == 5
    admin = Administrator(sandbox, "admin", tmp_path, cli.env)
    assert admin.script(cli.folder / "handoff.sh").returncode == 0
    assert trusted(sandbox) == [federated(NAME, IMMUTABLE)]
    assert change_of(cli("plan", "--format", "json", env=env), "federated") == "keep"
    programs.gh({ASKED: settings("repo:contoso@101/reports@202")})
    assert change_of(cli("plan", "--format", "json", env=env), "federated") == "keep"
    cli.ok("apply", "--yes", "--wait", "0", env=env)
    assert trusted(sandbox) == [federated(NAME, IMMUTABLE)]


@pytest.mark.parametrize("drop", ["before", "after"])
def test_a_connection_that_breaks_leaves_one_credential(
    cli: Cli, sandbox: SandboxTenant, programs: Programs, drop: str
) -> None:
    manifest(cli)
    match = {"method": "PATCH", "path": "federatedIdentityCredentials"}
    sandbox.faults({"match": match, "times": 1, "drop": drop})
    applied(cli, programs)
    sandbox.faults()
    assert trusted(sandbox) == [federated(NAME, IMMUTABLE)]


def test_the_token_of_github_is_nowhere_but_at_github(cli: Cli, sandbox: SandboxTenant, tmp_path: Path) -> None:
    """Without `gh` the token of the job would go to api.github.com, which nobody reaches here: it is in no output."""
    manifest(cli)
    bare = tmp_path / "empty"
    bare.mkdir()
    canary = "ghs_0123456789abcdefghijCANARY"
    env = {"PATH": str(bare), "GITHUB_TOKEN": canary, "HTTPS_PROXY": "http://127.0.0.1:9"}
    ran = cli("plan", "--verbose", env=env)
    assert canary not in ran.out + ran.err
    assert "whom to trust is not known" in " ".join(ran.out.split())
    assert canary not in "".join(str(each) for each in sandbox.requests())
