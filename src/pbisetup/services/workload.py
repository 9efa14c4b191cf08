"""The operator `workload`: who runs this is proved by an assertion of the platform, and no secret is kept anywhere.

GitHub Actions and Azure DevOps hand assertions out over HTTPS to whoever holds a token of the job; Kubernetes, and any other
issuer, writes one into a file. The AZURE_* variables mean the app: see `_file` for the one place where they may mean
the operator.

Sources: request and answer of GitHub: github/docs oidc-permissions-token, actions/toolkit oidc-utils (documented); of Azure
DevOps: azure-identity 1.27.0 AzurePipelinesCredential, azure-sdk-for-js PR#29854 for its refusals (documented);
AZURESUBSCRIPTION_*: azure-pipelines-tasks AzureCLI@2 and AzurePowerShell@5, Azure DevOps sprint 240 (documented).
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pbisetup.diagnosis.claims import NotDecodable, decode
from pbisetup.model.errors import Evidence, Unavailable
from pbisetup.model.secret import Secret
from pbisetup.services.identity import (
    CredentialTokens,
    TokenRefused,
    credential_options,
    guarded_transport,
    one_line,
)
from pbisetup.services.network import Network
from pbisetup.services.platform import PlatformHost, ask

if TYPE_CHECKING:
    from pbisetup.model.claims import Claims

TENANT, CLIENT, TOKEN_FILE, CONNECTION = (
    f"PBISETUP_OPERATOR_{name}" for name in ("TENANT_ID", "CLIENT_ID", "FEDERATED_TOKEN_FILE", "SERVICE_CONNECTION_ID")
)
GITHUB_URL, GITHUB_TOKEN = "ACTIONS_ID_TOKEN_REQUEST_URL", "ACTIONS_ID_TOKEN_REQUEST_TOKEN"
DEVOPS_URL, DEVOPS_TOKEN = "SYSTEM_OIDCREQUESTURI", "SYSTEM_ACCESSTOKEN"
POD_FILE = "AZURE_FEDERATED_TOKEN_FILE"
_APP_CREDENTIALS = ("AZURE_CLIENT_SECRET", "AZURE_CLIENT_CERTIFICATE_PATH", "AZURE_PASSWORD")

_ADVICE = {
    TENANT: f"{TENANT}: the tenant that is worked on (or --tenant, or `tenant` in the manifest).",
    CLIENT: f"{CLIENT}: the client id of the app or managed identity that this job signs in as; the AZURE_* variables "
    "mean the app that is set up, not the operator.",
    GITHUB_URL: "GitHub sets the ACTIONS_ID_TOKEN_* variables only for a job with `permissions: id-token: write` "
    "(and never for pull requests from forks).",
    DEVOPS_URL: "Azure DevOps sets SYSTEM_OIDCREQUESTURI for jobs of Azure Pipelines; Azure DevOps Server has none.",
    DEVOPS_TOKEN: "Map the job's token into the step: `env: SYSTEM_ACCESSTOKEN: $(System.AccessToken)`.",
    CONNECTION: f"{CONNECTION}: the id of the service connection (`resourceId` in the address of its page). The tasks "
    "AzureCLI@2 and AzurePowerShell@5 set it themselves, as AZURESUBSCRIPTION_SERVICE_CONNECTION_ID.",
}
_ADVICE[GITHUB_TOKEN] = _ADVICE[GITHUB_URL]

_MISMATCHES = frozenset({70021, 700211, 700212, 700213, 7002138, 70025})
"""No federated credential of the operator fits the assertion (entra.md 5)."""


@dataclass(frozen=True)
class Workload:
    """Who signs in, and where their assertions come from."""

    source: str
    """`GitHub Actions`, `Azure DevOps`, or the file."""
    tenant: str
    client_id: str
    assertion: Callable[[], Secret]
    """A new one each time. Raises Unavailable or Unreachable."""


class WorkloadTokens(CredentialTokens):
    """Tokens for assertions; where Entra knows no such assertion, what was presented is said too."""

    def __init__(self, network: Network, found: Workload) -> None:
        from azure.identity import ClientAssertionCredential

        self._found = found
        self._presented: Claims | None = None
        transport = guarded_transport(network)
        options = credential_options(network, transport)
        try:
            credential = ClientAssertionCredential(found.tenant, found.client_id, self._assertion, **options)
        except ValueError as error:
            raise Unavailable(
                "PBI312", f"the operator's tenant or client id cannot be used: {one_line(str(error))}"
            ) from None
        super().__init__(credential, transport, "operator")

    def token(self, scope: str) -> Secret:
        try:
            return super().token(scope)
        except TokenRefused as error:
            if self._presented and _MISMATCHES & set(error.codes):
                self._explain_mismatch(error, self._presented)
            raise

    def _assertion(self) -> str:
        got = self._found.assertion()
        try:
            self._presented = decode(got.reveal())
        except NotDecodable as error:
            self._presented = None
            raise Unavailable("PBI330", f"{self._found.source} gave something that is no JWT: {error}") from None
        return got.reveal()

    def _explain_mismatch(self, error: TokenRefused, shown: Claims) -> None:
        import json

        client_id = self._found.client_id
        said = f"issuer {shown.issuer}, subject {shown.subject}, audience {shown.audience}"
        error.evidence += (Evidence(self._found.source, "local", f"presented {said}"),)
        error.remedy = (
            f"The app or managed identity {client_id} needs a federated credential with exactly this issuer, subject and "
            "audience, to the letter; a new one takes some minutes to act. Of an app:"
        )
        credential = {
            "name": "pbisetup-operator",
            "issuer": shown.issuer,
            "subject": shown.subject,
            "audiences": [shown.audience],
        }
        error.command = (
            f"az ad app federated-credential create --id {client_id} "
            f"--parameters {shlex.quote(json.dumps(credential, ensure_ascii=True))}"
        )


def workload_tokens(network: Network, tenant: str) -> WorkloadTokens:
    """Tokens of the workload that this is. Raises Unavailable, naming each variable that is missing."""
    return WorkloadTokens(network, find(network, tenant, os.environ))


def find(network: Network, tenant: str, environ: Mapping[str, str]) -> Workload:
    """Who this workload is, by what its platform has set. Raises Unavailable, naming each variable that is missing.

    A file that is named for the operator outweighs the platform; the platform outweighs the file of a pod.
    """

    def read(name: str) -> str:
        return environ.get(name, "").strip()

    if read(TOKEN_FILE):
        return _file(read, tenant, TOKEN_FILE)
    if read(GITHUB_URL) or read(GITHUB_TOKEN):
        return _github(network, read, tenant)
    if read(DEVOPS_URL):
        return _devops(network, read, tenant)
    if read(POD_FILE):
        return _file(read, tenant, POD_FILE)
    if read("GITHUB_ACTIONS") == "true":
        return _github(network, read, tenant)
    if read("TF_BUILD").lower() == "true":
        return _devops(network, read, tenant)
    raise Unavailable(
        "PBI312",
        f"the operator `workload` finds no assertion here: none of {TOKEN_FILE}, {GITHUB_URL} (GitHub Actions), "
        f"{DEVOPS_URL} (Azure DevOps), {POD_FILE} (Kubernetes) is set",
        remedy=f"Name a file with an assertion in {TOKEN_FILE}, or choose another way with --operator.",
    )


def _github(network: Network, read: Callable[[str], str], tenant: str) -> Workload:
    tenant, client_id = read(TENANT) or tenant, read(CLIENT)
    url, held = read(GITHUB_URL), read(GITHUB_TOKEN)
    _complete("GitHub Actions", {GITHUB_URL: url, GITHUB_TOKEN: held, TENANT: tenant, CLIENT: client_id})
    return Workload("GitHub Actions", tenant, client_id, github_assertions(network, read))


def github_assertions(network: Network, read: Callable[[str], str]) -> Callable[[], Secret]:
    """How a job of GitHub Actions gets its assertions, a new one each time."""
    url, bearer = read(GITHUB_URL), Secret(read(GITHUB_TOKEN))  # from now on crossed out of every output
    host = PlatformHost("GitHub Actions", GITHUB_URL, ("actions.githubusercontent.com",), read("GITHUB_SERVER_URL"))
    audience = network.cloud.exchange_audience
    return lambda: ask(network, host, "GET", url, {"audience": audience}, bearer, "value")


def _devops(network: Network, read: Callable[[str], str], tenant: str) -> Workload:
    tenant = read(TENANT) or tenant or read("AZURESUBSCRIPTION_TENANT_ID")
    # A task's service connection and the identity behind it belong together; one that is named outweighs both.
    connection = read(CONNECTION)
    client_id = read(CLIENT) or ("" if connection else read("AZURESUBSCRIPTION_CLIENT_ID"))
    connection = connection or read("AZURESUBSCRIPTION_SERVICE_CONNECTION_ID")
    url, held = read(DEVOPS_URL), read(DEVOPS_TOKEN)
    needed = {DEVOPS_URL: url, DEVOPS_TOKEN: held, CONNECTION: connection, TENANT: tenant, CLIENT: client_id}
    _complete("Azure DevOps", needed)
    return Workload("Azure DevOps", tenant, client_id, devops_assertions(network, read, connection))


def devops_assertions(network: Network, read: Callable[[str], str], connection: str) -> Callable[[], Secret]:
    """How a job of Azure Pipelines gets assertions of a service connection, a new one each time."""
    url, bearer = read(DEVOPS_URL), Secret(read(DEVOPS_TOKEN))
    host = PlatformHost("Azure DevOps", DEVOPS_URL, ("dev.azure.com", "visualstudio.com"), read("SYSTEM_COLLECTIONURI"))
    query = {"api-version": "7.1", "serviceConnectionId": connection}
    return lambda: ask(network, host, "POST", url, query, bearer, "oidcToken")


def _file(read: Callable[[str], str], tenant: str, variable: str) -> Workload:
    """An assertion in a file.

    The webhook of Azure Workload Identity puts AZURE_CLIENT_ID and AZURE_TENANT_ID into a pod beside the file. They mean the
    operator only there, and only where nothing else speaks: no PBISETUP_OPERATOR_* variable names somebody, and no secret
    or certificate beside them says that they are the app's.
    """
    client_id, own_tenant = read(CLIENT), read(TENANT)
    pod_speaks = not any(read(name) for name in (CLIENT, TENANT, TOKEN_FILE, *_APP_CREDENTIALS))
    if variable == POD_FILE and pod_speaks:
        client_id, own_tenant = read("AZURE_CLIENT_ID"), read("AZURE_TENANT_ID")
    tenant = own_tenant or tenant
    _complete(f"with {variable}", {TENANT: tenant, CLIENT: client_id})
    path = Path(read(variable))
    return Workload(f"the file in {variable}", tenant, client_id, lambda: read_file(path, variable))


def read_file(path: Path, variable: str) -> Secret:
    """The assertion in a file. Raises Unavailable where there is none."""
    try:
        text = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError, ValueError) as error:
        reason = (error.strerror or str(error)) if isinstance(error, OSError) else "it is no text"
        raise Unavailable("PBI312", f"{variable} names {path}, which cannot be read: {reason}") from None
    if not text:
        raise Unavailable("PBI312", f"{variable} names {path}, which is empty")
    return Secret(text)


def _complete(where: str, needed: Mapping[str, str]) -> None:
    """Raise Unavailable with every name that has no value, and what each is."""
    missing = [name for name, value in needed.items() if not value]
    if missing:
        raise Unavailable(
            "PBI312",
            f"the operator `workload` ({where}) lacks {', '.join(missing)}",
            remedy=" ".join(dict.fromkeys(_ADVICE[name] for name in missing)),
        )
