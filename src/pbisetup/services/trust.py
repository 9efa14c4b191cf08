"""Whom a federated credential is to trust, to the letter: read from the platform's own settings, never made up from names.

A wrong subject is accepted silently and fails only when a job signs in (entra.md 1.9), so what cannot be read stays unknown.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote

from pbisetup.model.errors import Evidence
from pbisetup.model.facts import Fact, Known, Unknown
from pbisetup.model.manifest import Trust
from pbisetup.model.tenant import TrustedSubject
from pbisetup.planning import github_subject as github
from pbisetup.planning.credential_spec import LONGEST
from pbisetup.services.github_api import read
from pbisetup.services.network import Network

_SECONDS: Final = 60
_ORGANIZATION: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,49}")
_OF_SHELLS: Final = re.compile(r'["%&|<>^!]')
"""az is a batch file on Windows, whose arguments its shell reads once more."""


def resolve(network: Network, trust: Trust, environ: Mapping[str, str] | None = None) -> Fact[TrustedSubject]:
    """Issuer, subject and audience, or the reason why nobody here can tell them. Raises nothing."""
    known = os.environ if environ is None else environ
    audience = trust.audience or network.cloud.exchange_audience
    if trust.issuer == "azure-devops":
        return _checked(_of_azure_devops(trust, audience, known))
    issuer = github.ISSUER if trust.issuer == "github" else trust.issuer
    if trust.subject:
        return _checked(
            Known(TrustedSubject(issuer, trust.subject, audience), Evidence("the manifest", "local", "read"))
        )
    if trust.issuer == "github":
        return _checked(_of_github(network, trust, audience, known))
    return Unknown("the manifest does not say which subject")


def _checked(fact: Fact[TrustedSubject]) -> Fact[TrustedSubject]:
    """What Entra takes: nothing longer, nothing with white space around it (entra.md 1.9)."""
    if not isinstance(fact, Known):
        return fact
    found = fact.value
    for what, text in (("issuer", found.issuer), ("subject", found.subject), ("audience", found.audience)):
        if not text or len(text) > LONGEST or text != text.strip() or not text.isprintable():
            return Unknown(f"the {what} is not text of at most {LONGEST} characters, as Entra takes it", fact.evidence)
    return fact


# -- GitHub ----------------------------------------------------------------------------------------------------------


def _of_github(network: Network, trust: Trust, audience: str, environ: Mapping[str, str]) -> Fact[TrustedSubject]:
    owner, _, name = (trust.repository or "").partition("/")
    about = f"repos/{quote(owner)}/{quote(name)}"
    settings = read(network, f"{about}/actions/oidc/customization/sub", environ)
    if not isinstance(settings, Known):
        return _unread(settings)
    try:
        keys = github.claim_keys(settings.value)
        if keys == ():
            # source: terraform-provider-github, actions_repository_oidc_subject_claim_customization_template: neither the
            # default nor keys of its own means the organization's template.
            template = read(network, f"orgs/{quote(owner)}/actions/oidc/customization/sub", environ)
            if not isinstance(template, Known):
                return _unread(template)
            keys = github.claim_keys({**template.value, "use_default": False})
        repository: Mapping[str, Any] = {}
        if github.needs_repository(keys):
            described = read(network, about, environ)
            if not isinstance(described, Known):
                return _unread(described)
            repository = described.value
        subject = github.subject_of(trust, settings.value, keys, repository)
    except github.CannotTell as error:
        return Unknown(str(error), settings.evidence)
    return Known(TrustedSubject(github.ISSUER, subject, audience), settings.evidence)


def _unread(fact: Fact[Any]) -> Unknown:
    assert isinstance(fact, Unknown)
    return fact


# -- Azure DevOps ----------------------------------------------------------------------------------------------------


def _of_azure_devops(trust: Trust, audience: str, environ: Mapping[str, str]) -> Fact[TrustedSubject]:
    """From the service connection, which knows both: the older issuer `vstoken.dev.azure.com` with `sc://...`, and Entra's
    own (source: Azure DevOps, authorization.parameters of a service endpoint; azure-pipelines-tasks docs).
    """
    listed = _service_connections(trust, environ)
    if isinstance(listed, Unknown):
        return listed
    wanted = (trust.service_connection or "").lower()
    hits = [each for each in listed if wanted in (str(each.get("name")).lower(), str(each.get("id")).lower())]
    where = f"the project {trust.project!r} of {trust.organization!r}"
    if len(hits) != 1:
        count = "no service connection" if not hits else f"{len(hits)} service connections"
        return Unknown(f"{count} {trust.service_connection!r} can be seen in {where}")
    authorization = hits[0].get("authorization")
    parameters = authorization.get("parameters") if isinstance(authorization, dict) else None
    issuer, subject = (
        str((parameters or {}).get(f"workloadIdentityFederation{part}") or "") for part in ("Issuer", "Subject")
    )
    if not (issuer.startswith("https://") and subject):
        return Unknown(f"the service connection {trust.service_connection!r} does not use workload identity federation")
    seen = Evidence("az devops service-endpoint list", "local", f"service connection {hits[0].get('name')}")
    return Known(TrustedSubject(issuer, subject, audience), seen)


def _service_connections(trust: Trust, environ: Mapping[str, str]) -> list[dict[str, Any]] | Unknown:
    program = shutil.which("az", path=environ.get("PATH"))
    if program is None:
        return Unknown("the Azure CLI is not installed")
    organization, project = trust.organization or "", trust.project or ""
    if not _ORGANIZATION.fullmatch(organization):
        return Unknown(f"{organization!r} is not the name of an organization of Azure DevOps")
    if sys.platform == "win32" and _OF_SHELLS.search(project):
        return Unknown(f"the name of the project {project!r} cannot be handed to az")
    address = f"https://dev.azure.com/{organization}"
    asked = [program, "devops", "service-endpoint", "list", f"--organization={address}", f"--project={project}"]
    try:
        done = subprocess.run(
            [*asked, "--output", "json", "--only-show-errors"],
            capture_output=True,
            text=True,
            encoding="utf-8",
            errors="replace",
            timeout=_SECONDS,
            stdin=subprocess.DEVNULL,
            # An extension is not installed behind anybody's back.
            env={**environ, "AZURE_EXTENSION_USE_DYNAMIC_INSTALL": "no"},
            check=False,
        )
        listed = json.loads(done.stdout) if done.returncode == 0 else None
    except subprocess.TimeoutExpired:
        return Unknown(f"az did not answer within {_SECONDS} seconds")
    except (OSError, ValueError) as error:
        return Unknown(f"az could not tell the service connections: {error}")
    if not isinstance(listed, list):
        said = " ".join(done.stderr.split())[:200]
        return Unknown(f"az could not tell the service connections: {said or f'it ended with {done.returncode}'}")
    return [each for each in listed if isinstance(each, dict)]
