"""Jobs that sign in with an assertion of the platform they run on: what they set up, and what they are told."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.journeys.conftest import approve_as
from tests.journeys.test_init import INIT, ours
from tests.support.cli import Cli
from tests.support.platform import CONNECTION, GITHUB_ISSUER, REQUEST_TOKEN, Platform, empower, trust
from tests.support.tenant import SandboxTenant


@pytest.fixture
def platform(sandbox: SandboxTenant, tmp_path: Path) -> Iterator[Platform]:
    """GitHub's and Azure DevOps' assertions, which the tenant's operator takes."""
    with Platform(sandbox, tmp_path) as running:
        sandbox.put_state(lambda state: trust(state, running))
        yield running


def operator(sandbox: SandboxTenant) -> dict[str, str]:
    return {"PBISETUP_OPERATOR_TENANT_ID": sandbox.tenant, "PBISETUP_OPERATOR_CLIENT_ID": sandbox.operator_id}


def devops(sandbox: SandboxTenant, platform: Platform) -> dict[str, str]:
    return platform.devops() | operator(sandbox) | {"PBISETUP_OPERATOR_SERVICE_CONNECTION_ID": CONNECTION}


def set_up(cli: Cli, sandbox: SandboxTenant) -> None:
    """A person has set the app up once and given the pipeline its rights; then somebody threw the app out of its group."""
    cli.ok(*INIT)
    made = ours(sandbox.state())
    group, principal = made["groups"][0]["id"], made["principals"][0]["id"]

    def later(state: dict[str, Any]) -> None:
        empower(state, sandbox.operator_id, group)
        next(each for each in state["groups"] if each["id"] == group)["members"].remove(principal)

    sandbox.put_state(later)


@pytest.mark.parametrize("where", ["github", "devops"])
def test_a_nightly_job_makes_good_what_somebody_undid(
    cli: Cli, sandbox: SandboxTenant, platform: Platform, where: str
) -> None:
    set_up(cli, sandbox)
    env = platform.github() | operator(sandbox) if where == "github" else devops(sandbox, platform)
    ran = cli.ok("apply", "--yes", "--wait", "0", "--operator", "workload", env=env)
    assert len(ours(sandbox.state())["groups"]) == 1
    assert "1 done" in ran.out
    assert REQUEST_TOKEN not in ran.out + ran.err
    assert {headers["authorization"] for *_, headers in platform.asked} == {f"Bearer {REQUEST_TOKEN}"}
    if where == "github":
        assert {(method, query["audience"][0]) for method, _, query, _ in platform.asked} == {
            ("GET", "api://AzureADTokenExchange")
        }
        assert all(query["api-version"] == ["2.0"] for _, _, query, _ in platform.asked)
    else:
        assert {method for method, *_ in platform.asked} == {"POST"}


def test_a_task_of_azure_devops_says_itself_which_service_connection_it_has(
    cli: Cli, sandbox: SandboxTenant, platform: Platform
) -> None:
    env = platform.devops() | {
        "AZURESUBSCRIPTION_TENANT_ID": sandbox.tenant,
        "AZURESUBSCRIPTION_CLIENT_ID": sandbox.operator_id,
        "AZURESUBSCRIPTION_SERVICE_CONNECTION_ID": CONNECTION,
    }
    ran = cli(*INIT, "--operator", "workload", "--workspace", "Reports Dev", env=env)
    assert ran.code == 5, ran
    assert "service principal, signed in by workload" in " ".join(ran.err.split())


def test_a_subject_that_nobody_trusts_is_told_with_what_would_trust_it(
    cli: Cli, sandbox: SandboxTenant, platform: Platform
) -> None:
    platform.github_subject = "repo:contoso/o'reports:ref:refs/heads/$(main)"
    ran = cli(*INIT, "--operator", "workload", env=platform.github() | operator(sandbox))
    assert ran.code == 3, ran
    said = " ".join(ran.err.split())
    assert "AADSTS700213" in said
    assert f"presented issuer {GITHUB_ISSUER}, subject repo:contoso/o'reports:ref:refs/heads/$(main)" in said
    command = next(line for line in ran.err.splitlines() if line.strip().startswith("az ad app federated-credential"))
    words = shlex.split(command)
    assert words[words.index("--id") + 1] == sandbox.operator_id
    wanted = json.loads(words[words.index("--parameters") + 1])
    sandbox.put_state(
        lambda state: state["applications"][0].update(
            federatedIdentityCredentials=[{**wanted, "id": "5f5f5f5f-0000-4000-8000-000000000007"}]
        )
    )
    again = cli(
        "init", "--cloud", "sandbox", "--yes", "--operator", "workload", env=platform.github() | operator(sandbox)
    )
    assert again.code == 5, again


@pytest.mark.parametrize(
    ("without", "told"),
    [
        ("ACTIONS_ID_TOKEN_REQUEST_URL", "permissions: id-token: write"),
        ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "permissions: id-token: write"),
        ("PBISETUP_OPERATOR_CLIENT_ID", "the AZURE_* variables mean the app"),
        ("PBISETUP_OPERATOR_TENANT_ID", "`tenant` in the manifest"),
    ],
)
def test_a_job_of_github_is_told_each_variable_that_is_missing(
    cli: Cli, sandbox: SandboxTenant, platform: Platform, without: str, told: str
) -> None:
    env = platform.github() | operator(sandbox) | {without: ""}
    ran = cli(*INIT, "--operator", "workload", env=env)
    said = " ".join(ran.err.split())
    assert ran.code == 3, ran
    assert f"PBI312: the operator `workload` (GitHub Actions) lacks {without}" in said
    assert told in said
    assert platform.asked == []


@pytest.mark.parametrize(
    ("without", "told"),
    [
        ("SYSTEM_ACCESSTOKEN", "$(System.AccessToken)"),
        ("PBISETUP_OPERATOR_SERVICE_CONNECTION_ID", "AzureCLI@2"),
        ("PBISETUP_OPERATOR_CLIENT_ID", "the AZURE_* variables mean the app"),
    ],
)
def test_a_job_of_azure_devops_is_told_each_variable_that_is_missing(
    cli: Cli, sandbox: SandboxTenant, platform: Platform, without: str, told: str
) -> None:
    ran = cli(*INIT, "--operator", "workload", env=devops(sandbox, platform) | {without: ""})
    said = " ".join(ran.err.split())
    assert ran.code == 3, ran
    assert f"(Azure DevOps) lacks {without}" in said
    assert told in said
    assert platform.asked == []


def test_nowhere_is_there_an_assertion(cli: Cli) -> None:
    ran = cli(*INIT, "--operator", "workload")
    assert ran.code == 3
    for name in ("FEDERATED_TOKEN_FILE", "ACTIONS_ID_TOKEN_REQUEST_URL", "SYSTEM_OIDCREQUESTURI"):
        assert name in ran.err


@pytest.mark.parametrize(
    "address",
    [
        "http://localhost:1/token",
        "https://attacker.example/token",
        "https://actions.githubusercontent.com.attacker.example/token",
        "https://token@localhost:1/",
        "https://localhost:no/",
        "https://[::1/",
    ],
)
def test_the_token_of_a_job_goes_to_its_platform_only(
    cli: Cli, sandbox: SandboxTenant, platform: Platform, address: str
) -> None:
    env = platform.github() | operator(sandbox) | {"ACTIONS_ID_TOKEN_REQUEST_URL": address}
    ran = cli(*INIT, "--operator", "workload", env=env)
    assert ran.code == 3, ran
    assert "PBI330: ACTIONS_ID_TOKEN_REQUEST_URL" in ran.err
    assert "Nothing was sent" in ran.err
    assert platform.asked == []


def test_a_redirect_is_not_followed(cli: Cli, sandbox: SandboxTenant, platform: Platform) -> None:
    platform.answer = (302, {"Location": f"{platform.url}/elsewhere"}, "")
    ran = cli(*INIT, "--operator", "workload", env=platform.github() | operator(sandbox))
    assert ran.code == 3, ran
    assert "PBI330: GitHub Actions gave no assertion: it answered HTTP 302" in " ".join(ran.err.split())
    assert {path for _, path, *_ in platform.asked} == {"/_services/idtoken/d1"}


def test_a_platform_that_is_busy_is_asked_again(cli: Cli, sandbox: SandboxTenant, platform: Platform) -> None:
    platform.failures = 2
    ran = cli(*INIT, "--operator", "workload", env=platform.github() | operator(sandbox))
    assert ran.code == 5, ran


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ((401, {}, '{"message": "TF400813: not \\u001b[31mauthorized"}'), "TF400813: not"),
        ((200, {}, '{"value": "There is no explicit reference to service connection"}'), "no explicit reference"),
        ((200, {}, "<html>sign in</html>"), "it answered HTTP 200"),
        ((200, {}, '{"oidcToken": null}'), "it answered HTTP 200"),
        ((200, {}, '{"oidcToken": "a.b.c"}'), "no JWT"),
    ],
)
def test_what_azure_devops_refuses_is_told_in_its_words(
    cli: Cli, sandbox: SandboxTenant, platform: Platform, answer: tuple[int, dict[str, str], str], told: str
) -> None:
    platform.answer = answer
    ran = cli(*INIT, "--operator", "workload", env=devops(sandbox, platform))
    assert ran.code == 3, ran
    assert "PBI330" in ran.err
    assert told in " ".join(ran.err.split())
    assert "\x1b" not in ran.err


def test_a_platform_whose_certificate_is_not_trusted_gets_no_token(
    cli: Cli, sandbox: SandboxTenant, platform: Platform
) -> None:
    # The authority of the sandbox is not the platform's: its variables were set by `sandbox env`.
    env = platform.github() | operator(sandbox) | {"PBISETUP_CA_BUNDLE": ""}
    ran = cli(*INIT, "--operator", "workload", env=env)
    assert ran.code == 3, ran
    assert "PBI204" in ran.err
    assert platform.asked == []


def test_a_file_that_is_named_for_the_operator_outweighs_the_platform(
    cli: Cli, sandbox: SandboxTenant, platform: Platform, tmp_path: Path
) -> None:
    token = tmp_path / "token"
    trusted = {"issuer": GITHUB_ISSUER, "subject": platform.github_subject}
    token.write_text(sandbox.control("POST", "assertions", trusted)["assertion"] + "\n")
    env = platform.devops() | operator(sandbox) | {"PBISETUP_OPERATOR_FEDERATED_TOKEN_FILE": str(token)}
    ran = cli(*INIT, "--operator", "workload", env=env)
    assert ran.code == 5, ran
    assert platform.asked == []
    token.unlink()
    gone = cli("plan", "--operator", "workload", env=env)
    assert gone.code == 3, gone
    assert "PBISETUP_OPERATOR_FEDERATED_TOKEN_FILE names" in gone.err


@pytest.mark.parametrize(
    "more",
    [
        {"AZURE_CLIENT_SECRET": "the-secret-of-the-app"},
        {"PBISETUP_OPERATOR_TENANT_ID": "7d9a1bd1-0000-4000-8000-000000000001"},
    ],
    ids=["beside the app's secret", "beside a variable of the operator"],
)
def test_in_a_pod_the_azure_variables_mean_the_app_where_anything_else_speaks(
    cli: Cli, sandbox: SandboxTenant, tmp_path: Path, more: dict[str, str]
) -> None:
    token = tmp_path / "token"
    token.write_text(sandbox.control("POST", "assertions", {"issuer": "https://i", "subject": "s"})["assertion"])
    env = {
        "AZURE_TENANT_ID": sandbox.tenant,
        "AZURE_CLIENT_ID": sandbox.operator_id,
        "AZURE_FEDERATED_TOKEN_FILE": str(token),
    }
    ran = cli(*INIT, "--operator", "workload", env=env | more)
    assert ran.code == 3, ran
    assert "PBISETUP_OPERATOR_CLIENT_ID" in ran.err
    assert "AADSTS" not in ran.err


def test_a_pod_does_not_sign_in_as_managed_by_the_apps_variables(
    cli: Cli, sandbox: SandboxTenant, tmp_path: Path
) -> None:
    env = {
        "AZURE_TENANT_ID": sandbox.tenant,
        "AZURE_CLIENT_ID": sandbox.operator_id,
        "AZURE_FEDERATED_TOKEN_FILE": str(tmp_path / "token"),
    }
    ran = cli(*INIT, "--operator", "managed", env=env)
    assert ran.code == 3, ran
    assert "--operator workload" in ran.err


# -- nobody named a way: `auto` ---------------------------------------------------------------------------------------


@pytest.fixture
def public(sandbox: SandboxTenant, platform: Platform, tmp_path: Path) -> Cli:
    """The command line in a job, without a word on clouds: behind its proxy, the sandbox is the public cloud."""
    env = sandbox.env(proxy=True)
    authorities = tmp_path / "authorities.pem"
    authorities.write_text(Path(sandbox.ca).read_text() + platform.ca.read_text())
    return Cli(tmp_path / "job", env | platform.github() | {"PBISETUP_CA_BUNDLE": str(authorities)})


def test_a_job_that_says_who_signs_in_needs_no_flag(public: Cli, sandbox: SandboxTenant, platform: Platform) -> None:
    job = operator(sandbox)
    by_assertion = public("init", "--yes", env=job)
    assert by_assertion.code == 5, by_assertion
    assert "signed in by workload" in " ".join(by_assertion.err.split())
    platform.asked.clear()
    by_secret = public("plan", "--verbose", env=job | {"PBISETUP_OPERATOR_CLIENT_SECRET": sandbox.operator_secret})
    assert by_secret.code == 0, by_secret
    assert platform.asked == []
    assert sandbox.operator_secret not in by_secret.err


def test_who_is_named_signs_in_or_nobody(public: Cli, sandbox: SandboxTenant) -> None:
    ran = public("init", "--yes", env=operator(sandbox) | {"ACTIONS_ID_TOKEN_REQUEST_URL": ""})
    said = " ".join(ran.err.split())
    assert ran.code == 3, ran
    assert "PBI312: PBISETUP_OPERATOR_CLIENT_ID says who signs in, but not how" in said
    assert "env: the operator `env` lacks PBISETUP_OPERATOR_CLIENT_SECRET" in said
    assert "workload: the operator `workload` (GitHub Actions) lacks ACTIONS_ID_TOKEN_REQUEST_URL" in said
    assert "az:" not in said


def test_the_apps_own_variables_never_make_it_the_operator(public: Cli, sandbox: SandboxTenant) -> None:
    env = {
        "AZURE_TENANT_ID": sandbox.tenant,
        "AZURE_CLIENT_ID": sandbox.operator_id,
        "AZURE_CLIENT_SECRET": sandbox.operator_secret,
        "PATH": "/nowhere",
    }
    sandbox.put_state({**sandbox.state(), "auto_approve": "developer"})
    ran = public("init", "--yes", "--wait", "0", env=env)
    assert "signed in by device" in " ".join(ran.err.split()), ran


# -- what docs/pipelines.md says ---------------------------------------------------------------------------------------

PAGE = Path(__file__).parents[2] / "docs" / "pipelines.md"


def documented(having: str) -> Any:
    """The pipeline on the page that has this key."""
    blocks = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    return next(job for job in map(yaml.safe_load, blocks) if having in job)


def run_step(cli: Cli, script: str, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """A step's script, with `pbisetup` on the PATH as the installation of it puts it there."""
    bin_ = cli.folder.parent / "bin"
    bin_.mkdir(exist_ok=True)
    program = bin_ / "pbisetup"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m pbisetup "$@"\n')
    program.chmod(0o755)
    path = {"PATH": f"{bin_}{os.pathsep}/usr/bin{os.pathsep}/bin"}
    return subprocess.run(
        ["bash", "-e", "-c", script],
        cwd=cli.folder,
        env={**cli.env, **env, **path},
        text=True,
        capture_output=True,
        stdin=subprocess.DEVNULL,
        timeout=120,
        check=False,
    )


def clone_of_prod(public: Cli, sandbox: SandboxTenant) -> str:
    """A person has set prod up and given the pipeline its rights; the job has a clone. What init kept in .env.prod."""
    approve_as(sandbox, "admin")
    public.ok("init", "--yes", "--env", "prod", "--workspace", "Reports Prod", env={"PATH": "/nowhere"})
    kept = public.folder / ".env.prod"
    text = kept.read_text()
    kept.unlink()
    group = ours(sandbox.state())["groups"][0]["id"]
    sandbox.put_state(lambda state: empower(state, sandbox.operator_id, group))
    return text


def rename(state: dict[str, Any]) -> None:
    """Drift."""
    app = next(each for each in state["applications"] if str(each.get("uniqueName", "")).startswith("pbisetup-"))
    app["displayName"] = "somebody renamed it"


@pytest.mark.skipif(sys.platform == "win32", reason="the job runs on ubuntu-latest")
def test_the_documented_job_of_github_passes_and_fails_on_drift(
    public: Cli, sandbox: SandboxTenant, platform: Platform
) -> None:
    kept = clone_of_prod(public, sandbox)
    job = documented("jobs")["jobs"]["nightly"]
    held = {
        "vars.PBISETUP_TENANT_ID": sandbox.tenant,
        "vars.PBISETUP_CLIENT_ID": sandbox.operator_id,
        "secrets.PBISETUP_ENV_PROD": kept.rstrip("\n"),
    }

    def filled(env: dict[str, str]) -> dict[str, str]:
        return {name: re.sub(r"\$\{\{ (.+?) \}\}", lambda m: held[m[1]], value) for name, value in env.items()}

    def night() -> list[tuple[str, int, str]]:
        done = []
        for step in job["steps"]:
            if "run" not in step or "install" in step["run"] or "failure()" in step.get("if", ""):
                continue
            ran = run_step(public, step["run"], filled(job["env"]) | filled(step.get("env", {})))
            done.append((step["name"], ran.returncode, ran.stdout + ran.stderr))
        return done

    first = night()
    assert [code for _, code, _ in first] == [0, 0, 0], first
    assert (public.folder / ".env.prod").stat().st_mode & 0o077 == 0
    assert platform.asked
    sandbox.put_state(rename)
    sandbox.clear_requests()
    second = night()
    assert [code for _, code, _ in second] == [0, 1, 1], second
    assert sandbox.writes() == []


@pytest.mark.skipif(sys.platform == "win32", reason="the job runs on ubuntu-latest")
def test_the_documented_job_of_azure_devops_passes_and_fails_on_drift(
    public: Cli, sandbox: SandboxTenant, platform: Platform
) -> None:
    kept = clone_of_prod(public, sandbox)
    steps = documented("steps")["steps"]
    task = next(step for step in steps if step.get("task") == "AzureCLI@2")
    env = (
        dict.fromkeys(platform.github(), "")
        | platform.devops()
        | {
            "PBISETUP_CA_BUNDLE": public.env["PBISETUP_CA_BUNDLE"],
            "AZURESUBSCRIPTION_TENANT_ID": sandbox.tenant,
            "AZURESUBSCRIPTION_CLIENT_ID": sandbox.operator_id,
            "AZURESUBSCRIPTION_SERVICE_CONNECTION_ID": CONNECTION,
        }
    )
    write = next(step for step in steps if "ENV_PROD" in step.get("env", {}))
    assert run_step(public, write["script"], {"ENV_PROD": kept.rstrip("\n")}).returncode == 0
    first = run_step(public, task["inputs"]["inlineScript"], env)
    assert first.returncode == 0, first
    assert {method for method, *_ in platform.asked} == {"POST"}
    assert "<testsuite" in (public.folder / "doctor.xml").read_text()
    sandbox.put_state(rename)
    second = run_step(public, task["inputs"]["inlineScript"], env)
    assert second.returncode == 1, second


@pytest.mark.parametrize(
    ("permissions", "purpose", "drift"),
    [
        (["Application.Read.All"], "automation", None),
        (["Application.Read.All", "Directory.Read.All"], "user-sign-in", None),
        (["Application.Read.All", "Application.ReadWrite.OwnedBy"], "automation", "app"),
        (["Application.ReadWrite.All", "GroupMember.ReadWrite.All", "Group.Create"], "automation", "member"),
        (["Application.Read.All", "DelegatedPermissionGrant.ReadWrite.All"], "user-sign-in", "consent"),
    ],
)
def test_the_rights_that_the_page_names_are_enough(
    cli: Cli, sandbox: SandboxTenant, permissions: list[str], purpose: str, drift: str | None
) -> None:
    row = next(line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.endswith(_listed(permissions)))
    cli.ok(*INIT, "--purpose", purpose)
    made = ours(sandbox.state())

    def later(state: dict[str, Any]) -> None:
        own = next(each for each in state["servicePrincipals"] if each["appId"] == sandbox.operator_id)["id"]
        graph = next(each for each in state["servicePrincipals"] if each["appId"].startswith("00000003-"))
        ids = {role["value"]: role["id"] for role in graph["appRoles"]}
        granted = [each for each in state["appRoleAssignments"] if each["principalId"] == own]
        others = [each for each in state["appRoleAssignments"] if each["principalId"] != own]
        given = [{**granted[n], "appRoleId": ids[name]} for n, name in enumerate(permissions)]
        state["appRoleAssignments"] = [*others, *given]
        if made["groups"]:
            empower(state, sandbox.operator_id, made["groups"][0]["id"])
        if "owner of the app" in row:
            app = next(each for each in state["applications"] if each["id"] == made["apps"][0]["id"])
            app["owners"] = [*app.get("owners", []), own]
        if drift == "app":
            rename(state)
        if drift == "member":
            state["groups"][0]["members"].remove(made["principals"][0]["id"])
        if drift == "consent":
            state["oauth2PermissionGrants"] = []

    sandbox.put_state(later)
    env = operator(sandbox) | {"PBISETUP_OPERATOR_CLIENT_SECRET": sandbox.operator_secret}
    if drift:
        cli.ok("apply", "--yes", "--wait", "0", "--operator", "env", env=env)
    looked = cli.ok("status", "--operator", "env", "--format", "json", env=env)
    assert looked.json["environments"][0]["undecided"] == []


def _listed(permissions: list[str]) -> str:
    more = ", and the operator is an owner of the app" if "Application.ReadWrite.OwnedBy" in permissions else ""
    return f"| {', '.join(f'`{name}`' for name in permissions)}{more} |"
