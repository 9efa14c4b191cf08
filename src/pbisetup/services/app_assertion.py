"""What the app itself signs in with where its credential is a federated one: an assertion that only a job is given.

The platform is asked in the same way as for an operator (`services.workload`); here the assertion is the app's. Which app is
meant is known already: nothing is read here but where assertions come from.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pbisetup.diagnosis.claims import NotDecodable, decode
from pbisetup.model.errors import PbisetupError
from pbisetup.model.secret import Secret
from pbisetup.model.tenant import TrustedSubject
from pbisetup.services import workload
from pbisetup.services.network import Network

if TYPE_CHECKING:
    from pbisetup.services.app_sign_in import Credential

ELSEWHERE: Final = (
    "it cannot be tried here: an assertion is only given to the job that the app trusts, and none is at hand "
    "(AZURE_FEDERATED_TOKEN_FILE, a job of GitHub Actions with `id-token: write`, or a step of Azure Pipelines with its "
    "service connection and SYSTEM_ACCESSTOKEN)"
)
_CONNECTION: Final = "AZURESUBSCRIPTION_SERVICE_CONNECTION_ID"


def at_hand(environ: Mapping[str, str] | None = None) -> str:
    """Where assertions come from here: `AZURE_FEDERATED_TOKEN_FILE`, `GitHub Actions`, `Azure DevOps`; empty: nowhere."""
    read = _reader(environ)
    if read(workload.POD_FILE):
        return workload.POD_FILE
    if read(workload.GITHUB_URL) and read(workload.GITHUB_TOKEN):
        return "GitHub Actions"
    if read(workload.DEVOPS_URL) and read(workload.DEVOPS_TOKEN) and read(_CONNECTION):
        return "Azure DevOps"
    return ""


def assertions(network: Network, environ: Mapping[str, str] | None = None) -> Callable[[], Secret] | None:
    """A new assertion with each call, or None where nothing here gives any. A call raises Unavailable or Unreachable."""
    read, source = _reader(environ), at_hand(environ)
    if source == workload.POD_FILE:
        path = Path(read(workload.POD_FILE))
        return lambda: workload.read_file(path, workload.POD_FILE)
    if source == "GitHub Actions":
        return workload.github_assertions(network, read)
    if source == "Azure DevOps":
        return workload.devops_assertions(network, read, read(_CONNECTION))
    return None


def fitting(network: Network, credential: Credential, trusted: TrustedSubject | None) -> Credential:
    """A federated credential with what it takes to sign in with it, or the reason why that is not here; others as they are.

    `trusted`: whom the app is meant to trust. An assertion of somebody else is not shown to Entra: several environments are
    worked on in one job, and it can be the job of only one of them.
    """
    if credential.kind != "federated" or credential.assertion is not None:
        return credential
    get = assertions(network)
    if get is None:
        return replace(credential, elsewhere=ELSEWHERE)
    if trusted is not None:
        try:
            shown = decode(get().reveal())
        except NotDecodable:
            return replace(credential, elsewhere=f"what {at_hand()} gives is no assertion")
        except PbisetupError as error:
            return replace(credential, elsewhere=f"it cannot be tried here: {error.message}")
        if (shown.issuer, shown.subject) != (trusted.issuer, trusted.subject):
            said = f"{shown.subject!r} of {shown.issuer}"
            why = f"it cannot be tried here: this is {said}, and the app trusts {trusted.subject!r} of {trusted.issuer}"
            return replace(credential, elsewhere=why)
    return replace(credential, assertion=lambda: get().reveal())


def _reader(environ: Mapping[str, str] | None) -> Callable[[str], str]:
    known = os.environ if environ is None else environ
    return lambda name: known.get(name, "").strip()
