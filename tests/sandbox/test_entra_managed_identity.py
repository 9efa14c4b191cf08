"""Managed identities: tokens from the host's own endpoints, by azure-identity with nothing but environment variables."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.sandbox.entra_cases import read, with_role
from tests.support.tenant import POWER_BI, SandboxTenant, State

SYSTEM = "13131313-aaaa-4bbb-8ccc-000000000001"
SYSTEM_APP = "13131313-aaaa-4bbb-8ccc-000000000002"
ASSIGNED = "13131313-aaaa-4bbb-8ccc-000000000003"
ASSIGNED_APP = "13131313-aaaa-4bbb-8ccc-000000000004"
SITE = "/subscriptions/5f/resourcegroups/rg/providers/Microsoft.Web/sites/reports"
RESOURCE = "/subscriptions/5f/resourcegroups/rg/providers/Microsoft.ManagedIdentity/userAssignedIdentities/runner"


def identity(id_: str, app: str, *names: str) -> dict[str, Any]:
    return {
        "id": id_,
        "appId": app,
        "displayName": "runner",
        "servicePrincipalType": "ManagedIdentity",
        "servicePrincipalNames": [app],
        "alternativeNames": list(names),
    }


def two_identities(state: State) -> None:
    state["servicePrincipals"] += [
        identity(SYSTEM, SYSTEM_APP, "isExplicit=False", SITE),
        identity(ASSIGNED, ASSIGNED_APP, "isExplicit=True", RESOURCE),
    ]


def app_service(sandbox: SandboxTenant, header: str = "h", **query: str) -> Any:
    params = {"api-version": "2019-08-01", "resource": POWER_BI, **query}
    return sandbox.http.get("/msi/token", params=params, headers={"X-IDENTITY-HEADER": header} if header else {})


def machine(sandbox: SandboxTenant, metadata: str = "true", **query: str) -> Any:
    params = {"api-version": "2018-02-01", "resource": POWER_BI, **query}
    headers = {"Metadata": metadata} if metadata else {}
    return sandbox.http.get("/metadata/identity/oauth2/token", params=params, headers=headers)


SCRIPT = """
import asyncio, os, sys
client, scope, kind = sys.argv[1:]
more = {"client_id": client} if client else {}
if kind == "sync":
    from azure.identity import ManagedIdentityCredential
    print(ManagedIdentityCredential(**more).get_token(scope).token)
else:
    from azure.identity.aio import ManagedIdentityCredential
    async def main():
        async with ManagedIdentityCredential(**more) as credential:
            print((await credential.get_token(scope)).token)
    asyncio.run(main())
"""


def by_azure_identity(sandbox: SandboxTenant, kind: str, client: str, cwd: Path, **variables: str) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, client, f"{POWER_BI}/.default", kind],
        env=sandbox.env() | variables,
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return read(done.stdout.strip())


@pytest.mark.parametrize("client", ["", ASSIGNED_APP])
@pytest.mark.parametrize("host", ["app service", "virtual machine"])
@pytest.mark.parametrize("kind", ["sync", "aio"])
def test_azure_identity_on_an_azure_host(
    sandbox: SandboxTenant, tmp_path: Path, kind: str, host: str, client: str
) -> None:
    if kind == "aio":
        pytest.importorskip("aiohttp")
    sandbox.put_state(two_identities)
    variables = {"AZURE_POD_IDENTITY_AUTHORITY_HOST": sandbox.url}
    if host == "app service":
        variables = {"IDENTITY_ENDPOINT": f"{sandbox.url}/msi/token", "IDENTITY_HEADER": "any"}
    token = by_azure_identity(sandbox, kind, client, tmp_path, **variables)
    assert token["oid"] == (ASSIGNED if client else SYSTEM)
    assert token["xms_mirid"] == (RESOURCE if client else SITE)
    assert (token["idtyp"], token["appidacr"]) == ("app", "2")


def test_the_answers_of_both_endpoints(sandbox: SandboxTenant) -> None:
    sandbox.put_state(two_identities)
    site = app_service(sandbox).json()
    assert set(site) == {"access_token", "client_id", "expires_on", "resource", "token_type"}
    vm = machine(sandbox).json()
    assert {"expires_in", "ext_expires_in", "not_before"} <= set(vm)
    assert all(isinstance(value, str) for value in (site | vm).values())
    life = read(vm["access_token"])
    assert 86_000 < life["exp"] - life["iat"] <= 86_400


def test_what_is_granted_to_an_identity_stands_in_its_token(sandbox: SandboxTenant) -> None:
    def stage(state: State) -> None:
        two_identities(state)
        with_role(state, SYSTEM)

    sandbox.put_state(stage)
    assert read(machine(sandbox).json()["access_token"])["roles"] == ["Tenant.Read.All"]


@pytest.mark.parametrize("name", ["client_id", "principal_id", "object_id", "mi_res_id", "msi_res_id"])
def test_an_identity_is_named_in_any_of_its_ways(sandbox: SandboxTenant, name: str) -> None:
    sandbox.put_state(two_identities)
    value = {"client_id": ASSIGNED_APP, "mi_res_id": RESOURCE.upper(), "msi_res_id": RESOURCE}.get(name, ASSIGNED)
    for ask in (machine, app_service):
        assert ask(sandbox, **{name: value}).json()["client_id"] == ASSIGNED_APP


def test_a_host_without_the_identity_says_so_in_its_own_words(sandbox: SandboxTenant) -> None:
    text = "No User Assigned or Delegated Managed Identity found for specified ClientId/ResourceId/PrincipalId."
    for query in ({}, {"client_id": sandbox.operator_id}):
        site = app_service(sandbox, **query)
        assert (site.status_code, site.json()) == (400, {"statusCode": 400, "message": text})
        vm = machine(sandbox, **query)
        assert (vm.status_code, vm.json()) == (
            400,
            {"error": "invalid_request", "error_description": "Identity not found"},
        )


def test_a_user_assigned_identity_must_be_named_on_app_service(sandbox: SandboxTenant) -> None:
    sandbox.put_state(
        lambda state: state["servicePrincipals"].append(identity(ASSIGNED, ASSIGNED_APP, "isExplicit=True"))
    )
    assert app_service(sandbox).status_code == 400
    assert app_service(sandbox, client_id=ASSIGNED_APP).status_code == 200
    assert machine(sandbox).status_code == 200


def test_who_does_not_run_on_the_host_gets_nothing(sandbox: SandboxTenant) -> None:
    sandbox.put_state(two_identities)
    assert machine(sandbox, metadata="").json()["error_description"] == "Required metadata header not specified"
    assert machine(sandbox, metadata="false").status_code == 400
    assert app_service(sandbox, header="").status_code == 401
    sandbox.put_state(lambda state: state.update(managedIdentity={"header": "host-secret"}))
    assert "host-secret" not in str(sandbox.state())
    assert app_service(sandbox, header="another").status_code == 401
    assert app_service(sandbox, header="host-secret").status_code == 200


def test_what_entra_refuses_comes_through_in_each_hosts_shape(sandbox: SandboxTenant) -> None:
    sandbox.put_state(two_identities)
    vm = machine(sandbox, resource="api://missing")
    assert (vm.status_code, vm.json()["error"]) == (400, "invalid_resource")
    assert vm.json()["error_description"].startswith("AADSTS500011: ")
    site = app_service(sandbox, resource="api://missing")
    assert "AADSTS500011" in site.json()["message"]
    assert machine(sandbox, resource="").status_code == 400
    assert app_service(sandbox, resource="").status_code == 400

    def disable(state: State) -> None:
        next(each for each in state["servicePrincipals"] if each["id"] == SYSTEM)["accountEnabled"] = False

    sandbox.put_state(disable)
    assert machine(sandbox).json()["error_description"].startswith("AADSTS7000112: ")


@pytest.mark.parametrize("version", [None, "", "2001-01-01", "latest"])
def test_the_endpoints_know_their_versions(sandbox: SandboxTenant, version: str | None) -> None:
    sandbox.put_state(two_identities)
    query = {} if version is None else {"api-version": version}
    of_machine = sandbox.http.get(
        "/metadata/identity/oauth2/token", params={"resource": POWER_BI, **query}, headers={"Metadata": "true"}
    )
    assert of_machine.status_code == 400
    assert "api-version" in of_machine.json()["error"]
    assert of_machine.json()["newest-versions"]
    of_site = sandbox.http.get("/msi/token", params={"resource": POWER_BI, **query}, headers={"X-IDENTITY-HEADER": "h"})
    assert (of_site.status_code, of_site.json()["statusCode"]) == (400, 400)


def test_a_forwarded_request_is_not_the_machines_own(sandbox: SandboxTenant) -> None:
    sandbox.put_state(two_identities)
    answer = sandbox.http.get(
        "/metadata/identity/oauth2/token",
        params={"resource": POWER_BI, "api-version": "2018-02-01"},
        headers={"Metadata": "true", "X-Forwarded-For": "10.0.0.1"},
    )
    assert answer.status_code == 400
    assert machine(sandbox).status_code == 200
