"""Who a workload is, by what its platform has set, and to which hosts the token of a job may go."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from pbisetup.catalog.clouds import clouds
from pbisetup.model.errors import Unavailable
from pbisetup.services.network import Network
from pbisetup.services.platform import PlatformHost
from pbisetup.services.workload import find
from tests.support.platform import REQUEST_TOKEN, Platform
from tests.support.tenant import SandboxTenant

NETWORK = Network(replace(clouds()["public"], ca_bundle="ca.pem"))
TENANT, OTHER, CLIENT, APP = (f"{n}a1b2c3d-1111-4222-8333-444455556666" for n in range(4))
OPERATOR = {"PBISETUP_OPERATOR_TENANT_ID": TENANT, "PBISETUP_OPERATOR_CLIENT_ID": CLIENT}
GITHUB = {
    "GITHUB_ACTIONS": "true",
    "ACTIONS_ID_TOKEN_REQUEST_URL": "https://run.actions.githubusercontent.com/x?api-version=2.0",
    "ACTIONS_ID_TOKEN_REQUEST_TOKEN": REQUEST_TOKEN,
}
DEVOPS = {
    "TF_BUILD": "True",
    "SYSTEM_OIDCREQUESTURI": "https://dev.azure.com/contoso/oidctoken",
    "SYSTEM_ACCESSTOKEN": REQUEST_TOKEN,
}
TASK = {
    "AZURESUBSCRIPTION_TENANT_ID": OTHER,
    "AZURESUBSCRIPTION_CLIENT_ID": APP,
    "AZURESUBSCRIPTION_SERVICE_CONNECTION_ID": "c1",
}
POD = {"AZURE_TENANT_ID": OTHER, "AZURE_CLIENT_ID": APP, "AZURE_FEDERATED_TOKEN_FILE": "/var/run/token"}
NAMED_FILE = {"PBISETUP_OPERATOR_FEDERATED_TOKEN_FILE": "/mine"}
NAMED_CONNECTION = {"PBISETUP_OPERATOR_SERVICE_CONNECTION_ID": "c2"}


@pytest.mark.parametrize(
    ("environ", "source", "tenant", "client_id"),
    [
        (GITHUB | OPERATOR, "GitHub Actions", TENANT, CLIENT),
        (DEVOPS | OPERATOR | NAMED_CONNECTION, "Azure DevOps", TENANT, CLIENT),
        (DEVOPS | TASK, "Azure DevOps", "asked", APP),
        (DEVOPS | TASK | OPERATOR, "Azure DevOps", TENANT, CLIENT),
        (POD, "the file in AZURE_FEDERATED_TOKEN_FILE", OTHER, APP),
        (POD | OPERATOR, "the file in AZURE_FEDERATED_TOKEN_FILE", TENANT, CLIENT),
        (POD | OPERATOR | NAMED_FILE, "the file in PBISETUP_OPERATOR_FEDERATED_TOKEN_FILE", TENANT, CLIENT),
        # a runner in a pod is first of all a runner
        (GITHUB | POD | OPERATOR, "GitHub Actions", TENANT, CLIENT),
        (GITHUB | OPERATOR | NAMED_FILE, "the file in PBISETUP_OPERATOR_FEDERATED_TOKEN_FILE", TENANT, CLIENT),
        # without `id-token: write` the pod that the runner is in may still do
        ({"GITHUB_ACTIONS": "true"} | POD | OPERATOR, "the file in AZURE_FEDERATED_TOKEN_FILE", TENANT, CLIENT),
    ],
)
def test_who_a_workload_is(environ: dict[str, str], source: str, tenant: str, client_id: str) -> None:
    found = find(NETWORK, "asked", environ)
    assert (found.source, found.tenant, found.client_id) == (source, tenant, client_id)


@pytest.mark.parametrize(
    ("environ", "missing"),
    [
        ({}, ["PBISETUP_OPERATOR_FEDERATED_TOKEN_FILE", "ACTIONS_ID_TOKEN_REQUEST_URL", "SYSTEM_OIDCREQUESTURI"]),
        ({"GITHUB_ACTIONS": "true"}, ["ACTIONS_ID_TOKEN_REQUEST_URL", "PBISETUP_OPERATOR_CLIENT_ID"]),
        (GITHUB | POD, ["PBISETUP_OPERATOR_CLIENT_ID"]),
        ({"TF_BUILD": "True"} | OPERATOR, ["SYSTEM_OIDCREQUESTURI", "SYSTEM_ACCESSTOKEN"]),
        (DEVOPS | OPERATOR, ["PBISETUP_OPERATOR_SERVICE_CONNECTION_ID"]),
        # a connection that is named is not the task's, whose client id says nothing of it
        (DEVOPS | TASK | NAMED_CONNECTION, ["PBISETUP_OPERATOR_CLIENT_ID"]),
        # a pod's variables mean the app where it has a credential of its own, or the operator was named in part
        (POD | {"AZURE_CLIENT_SECRET": "x"}, ["PBISETUP_OPERATOR_CLIENT_ID"]),
        (POD | {"PBISETUP_OPERATOR_TENANT_ID": TENANT}, ["PBISETUP_OPERATOR_CLIENT_ID"]),
        (POD | NAMED_FILE, ["PBISETUP_OPERATOR_CLIENT_ID"]),
    ],
)
def test_every_variable_that_is_missing_is_named(environ: dict[str, str], missing: list[str]) -> None:
    with pytest.raises(Unavailable) as caught:
        find(NETWORK, "asked", environ)
    assert caught.value.code == "PBI312"
    for name in missing:
        assert name in caught.value.message
    assert caught.value.remedy


@pytest.mark.parametrize(
    ("server", "url", "allowed"),
    [
        ("https://github.com", "https://pipelines.actions.githubusercontent.com/a", True),
        ("", "https://run-1.actions.githubusercontent.com/a", True),
        ("https://git.contoso.com", "https://git.contoso.com/_services/a", True),
        ("https://contoso.ghe.com", "https://run.actions.contoso.ghe.com/a", True),
        ("https://github.com", "https://github.com/a", False),
        ("https://git.contoso.com", "https://contoso.com/a", False),
        ("https://git.contoso.com", "https://notgit.contoso.com/a", False),
        ("https://github.com", "http://run.actions.githubusercontent.com/a", False),
        ("https://github.com", "https://run.actions.githubusercontent.com@attacker.example/a", False),
        ("https://github.com", "https://attacker.example\\.actions.githubusercontent.com/a", False),
        ("https://github.com", "https://attacker.example#.actions.githubusercontent.com", False),
        ("https://github.com", "https://raw.githubusercontent.com/a", False),
        ("https://github.com", "", False),
    ],
)
def test_the_token_of_a_job_goes_to_the_platforms_hosts_only(server: str, url: str, allowed: bool) -> None:
    host = PlatformHost("GitHub Actions", "ACTIONS_ID_TOKEN_REQUEST_URL", ("actions.githubusercontent.com",), server)
    if allowed:
        host.check(url)
    else:
        with pytest.raises(Unavailable, match="ACTIONS_ID_TOKEN_REQUEST_URL"):
            host.check(url)


@pytest.mark.parametrize(
    ("cloud", "audience"),
    [
        ("public", "api://AzureADTokenExchange"),
        ("gcc", "api://AzureADTokenExchange"),
        ("gcchigh", "api://AzureADTokenExchangeUSGov"),
        ("dod", "api://AzureADTokenExchangeUSGov"),
        ("china", "api://AzureADTokenExchangeChina"),
    ],
)
def test_github_is_asked_for_the_audience_of_the_cloud(
    cloud: str, audience: str, sandbox: SandboxTenant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Platform(sandbox, tmp_path) as platform:
        monkeypatch.setenv("PBISETUP_CA_BUNDLE", str(platform.ca))
        network = Network(clouds()[cloud])
        given = find(network, TENANT, platform.github() | OPERATOR).assertion()
        assert [query["audience"] for *_, query, _ in platform.asked] == [[audience]]
    assert REQUEST_TOKEN not in f"{given!r} {network.trace.requests}"
