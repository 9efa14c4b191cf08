"""Ways in which the operator can be signed in: the Azure CLI's session, a pipeline's variables, a device code."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from tests.journeys.test_init import INIT, ours
from tests.support.cli import Cli
from tests.support.tenant import FABRIC, GRAPH, POWER_BI, SandboxTenant

AZ = """
import json, sys
arguments = sys.argv[1:]
if arguments[:2] == ["account", "show"]:
    print(json.dumps({"tenantId": TENANT, "user": {"name": "admin@contoso.onmicrosoft.com", "type": "user"}}))
elif arguments[:2] == ["account", "get-access-token"]:
    resource = arguments[arguments.index("--resource") + 1]
    print(json.dumps({"accessToken": TOKENS[resource], "expires_on": 4102444800, "tokenType": "Bearer"}))
else:
    sys.exit(f"unexpected: {arguments}")
"""


def az_session(tenant: SandboxTenant, folder: Path) -> dict[str, str]:
    """An `az` on the PATH that hands out the tenant's own tokens, as a signed-in Azure CLI does."""
    tokens = {resource: tenant.user_token("admin", resource) for resource in (GRAPH, POWER_BI, FABRIC)}
    script = folder / "az.py"
    script.write_text(AZ.replace("TENANT", repr(tenant.tenant)).replace("TOKENS", repr(tokens)))
    az = folder / "az"
    az.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{script}" "$@"\n')
    az.chmod(0o755)
    return {"PATH": f"{folder}{os.pathsep}{os.environ['PATH']}"}


def test_an_azure_cli_session_is_used_without_another_sign_in(cli: Cli, sandbox: SandboxTenant, tmp_path: Path) -> None:
    env = az_session(sandbox, tmp_path)
    ran = cli.ok(*INIT, "--operator", "az", env=env)
    assert "signed in by az" in ran.err
    assert "enter the code" not in ran.err
    assert len(ours(sandbox.state())["apps"]) == 1


def test_a_pipeline_signs_in_with_its_own_variables_and_hands_off_what_takes_a_person(
    cli: Cli, sandbox: SandboxTenant
) -> None:
    env = {
        "PBISETUP_OPERATOR_TENANT_ID": sandbox.tenant,
        "PBISETUP_OPERATOR_CLIENT_ID": sandbox.operator_id,
        "PBISETUP_OPERATOR_CLIENT_SECRET": sandbox.operator_secret,
    }
    ran = cli(*INIT, "--operator", "env", "--workspace", "Reports Dev", env=env)
    assert ran.code == 5, ran
    assert "service principal, signed in by env" in " ".join(ran.err.split())
    made = ours(sandbox.state())
    assert [len(made[name]) for name in ("apps", "principals", "secrets", "groups", "roles")] == [1, 1, 1, 1, 0]
    handed = cli("handoff", "--operator", "env", "--format", "json", env=env)
    assert {tuple(s["who"]) for s in handed.json["sections"]} == {("fabric administrator",), ("workspace admin",)}


def test_a_pipeline_without_its_variables_is_told_which(cli: Cli) -> None:
    ran = cli(*INIT, "--operator", "env")
    assert ran.code == 3
    assert "PBISETUP_OPERATOR_CLIENT_ID" in ran.err


def test_a_wrong_secret_of_the_operator_keeps_entras_own_words(cli: Cli, sandbox: SandboxTenant) -> None:
    env = {
        "PBISETUP_OPERATOR_TENANT_ID": sandbox.tenant,
        "PBISETUP_OPERATOR_CLIENT_ID": sandbox.operator_id,
        "PBISETUP_OPERATOR_CLIENT_SECRET": "not-the-secret-at-all",
    }
    ran = cli(*INIT, "--operator", "env", env=env)
    assert ran.code == 3, ran
    assert "AADSTS7000215" in ran.err
    assert "not-the-secret-at-all" not in ran.err


def test_a_device_code_that_nobody_enters_ends_by_itself(cli: Cli, sandbox: SandboxTenant) -> None:
    def nobody(state: dict[str, object]) -> None:
        state["auto_approve"] = None

    sandbox.put_state(nobody)
    sandbox.faults(
        {"match": {"path": "/token$"}, "status": 400, "body": {"error": "expired_token", "error_codes": [70020]}}
    )
    ran = cli(*INIT)
    assert ran.code == 3
    assert json.dumps(sandbox.state()).count("pbisetup-") == 0


@pytest.mark.parametrize("operator", ["nobody", ""])
def test_an_operator_that_does_not_exist_is_a_usage_error(cli: Cli, operator: str) -> None:
    ran = cli(*INIT, "--operator", operator)
    assert ran.code == 2
    assert "managed" in ran.err


BROWSER = """
import html, os, re, ssl, sys, urllib.request
if os.fork():
    sys.exit(0)  # a browser goes on after the program that was told to open a page has ended
context = ssl.create_default_context(cafile=os.environ["PBISETUP_SANDBOX_CA"])
page = urllib.request.urlopen(sys.argv[1], context=context).read().decode()
action = html.unescape(re.search(r'action="([^"]+)"', page)[1])
fields = {k: html.unescape(v) for k, v in re.findall(r'name="([^"]+)" value="([^"]*)"', page)}
urllib.request.build_opener(urllib.request.ProxyHandler({})).open(action, urllib.parse.urlencode(fields).encode()).read()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="the browser here is a POSIX script")
def test_a_browser_that_is_signed_in_already(cli: Cli, sandbox: SandboxTenant, tmp_path: Path) -> None:
    script = tmp_path / "browser.py"
    script.write_text(BROWSER)
    ran = cli.ok(*INIT, "--operator", "browser", env={"BROWSER": f"{sys.executable} {script} %s"})
    assert "signed in by browser" in ran.err
    assert len(ours(sandbox.state())["apps"]) == 1
    assert any("/oauth2/v2.0/authorize" in each["path"] for each in sandbox.requests("GET"))


def test_a_pipeline_signs_in_with_an_assertion_of_its_platform(
    cli: Cli, sandbox: SandboxTenant, tmp_path: Path
) -> None:
    trusted = {"issuer": "https://oidc.contoso.example", "subject": "system:serviceaccount:reports:setup"}

    def trust(state: dict[str, object]) -> None:
        applications = state["applications"]
        assert isinstance(applications, list)
        applications[0]["federatedIdentityCredentials"] = [
            {
                "id": "5f5f5f5f-0000-4000-8000-000000000001",
                "name": "cluster",
                "audiences": ["api://AzureADTokenExchange"],
            }
            | trusted
        ]

    sandbox.put_state(trust)
    token = tmp_path / "token"
    token.write_text(sandbox.control("POST", "assertions", trusted)["assertion"])
    env = {
        "AZURE_TENANT_ID": sandbox.tenant,
        "AZURE_CLIENT_ID": sandbox.operator_id,
        "AZURE_FEDERATED_TOKEN_FILE": str(token),
    }
    ran = cli(*INIT, "--operator", "workload", "--workspace", "Reports Dev", env=env)
    assert ran.code == 5, ran
    assert "service principal, signed in by workload" in " ".join(ran.err.split())
    assert len(ours(sandbox.state())["apps"]) == 1
    token.write_text(sandbox.control("POST", "assertions", trusted | {"subject": "somebody else"})["assertion"])
    refused = cli("plan", "--operator", "workload", env=env)
    assert refused.code == 3, refused
    assert "AADSTS700213" in refused.err


def test_a_runner_with_a_managed_identity(cli: Cli, sandbox: SandboxTenant) -> None:
    def give_one(state: dict[str, object]) -> None:
        principals, grants = state["servicePrincipals"], state["appRoleAssignments"]
        assert isinstance(principals, list)
        assert isinstance(grants, list)
        runner = {
            "id": "7a7a7a7a-0000-4000-8000-000000000001",
            "appId": "7a7a7a7a-0000-4000-8000-000000000002",
            "displayName": "runner",
            "servicePrincipalType": "ManagedIdentity",
            "servicePrincipalNames": ["7a7a7a7a-0000-4000-8000-000000000002"],
            "alternativeNames": [
                "isExplicit=False",
                "/subscriptions/5f/resourcegroups/rg/providers/Microsoft.Web/sites/r",
            ],
        }
        principals.append(runner)
        grants += [
            each
            | {"id": f"{each['id'][:-4]}{number:04d}", "principalId": runner["id"], "principalDisplayName": "runner"}
            for number, each in enumerate(list(grants))
        ]

    sandbox.put_state(give_one)
    env = {"IDENTITY_ENDPOINT": f"{sandbox.url}/msi/token", "IDENTITY_HEADER": "any"}
    ran = cli(*INIT, "--operator", "managed", "--workspace", "Reports Dev", env=env)
    assert ran.code == 5, ran
    assert "service principal, signed in by managed" in " ".join(ran.err.split())
    assert len(ours(sandbox.state())["apps"]) == 1


def test_a_runner_with_several_managed_identities_says_which(cli: Cli, sandbox: SandboxTenant) -> None:
    ids = {name: f"7a7a7a7a-0000-4000-8000-00000000000{n}" for n, name in enumerate(("ours", "theirs"), 3)}

    def give_two(state: dict[str, object]) -> None:
        principals = state["servicePrincipals"]
        assert isinstance(principals, list)
        for name, each in ids.items():
            path = (
                f"/subscriptions/5f/resourcegroups/rg/providers/Microsoft.ManagedIdentity/userAssignedIdentities/{name}"
            )
            principals.append(
                {
                    "id": each,
                    "appId": each.replace("7a7a", "8b8b"),
                    "displayName": name,
                    "servicePrincipalType": "ManagedIdentity",
                    "servicePrincipalNames": [each.replace("7a7a", "8b8b")],
                    "alternativeNames": ["isExplicit=True", path],
                }
            )

    sandbox.put_state(give_two)
    env = {"IDENTITY_ENDPOINT": f"{sandbox.url}/msi/token", "IDENTITY_HEADER": "any"}
    wanted = ids["ours"].replace("7a7a", "8b8b")
    ran = cli("init", "--cloud", "sandbox", "--yes", "--operator", "managed",
              env=env | {"PBISETUP_OPERATOR_CLIENT_ID": wanted})  # fmt: skip
    assert f"{wanted} (service principal, signed in by managed)" in " ".join(ran.err.split()), ran
    unknown = cli("init", "--cloud", "sandbox", "--yes", "--operator", "managed",
                  env=env | {"PBISETUP_OPERATOR_CLIENT_ID": "11111111-0000-4000-8000-000000000001"})  # fmt: skip
    assert unknown.code == 3, unknown
    assert "No User Assigned" in " ".join(unknown.err.split())
