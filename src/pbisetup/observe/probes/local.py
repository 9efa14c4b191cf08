"""What can be seen without asking anybody: how the credential is configured, and variables that change behaviour."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from pbisetup.model.case import CREDENTIAL, STORED, VARIABLES, Sighting
from pbisetup.model.cloud import Cloud
from pbisetup.model.errors import Evidence
from pbisetup.model.facts import Absent, Known
from pbisetup.model.probe import Configured, IdForm, Variable
from pbisetup.observe.probes.question import Question
from pbisetup.planning.manifest import is_guid
from pbisetup.services.app_sign_in import Credential
from pbisetup.services.network import CA_VARIABLES

_ENDS: Final = " \t\r\n'\"\u00a0\u200b\ufeff"
_AUTHORITIES: Final = ("common", "organizations", "consumers")
_DOMAIN: Final = re.compile(r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")
# Each is heeded by azure-identity, MSAL, requests or httpx without a word (entra.md 8.2; startup.md A6).
_EFFECTS: Final = {
    "AZURE_AUTHORITY_HOST": "azure-identity signs in at this authority instead of the public cloud's",
    "AZURE_REGIONAL_AUTHORITY_NAME": "azure-identity asks a regional token service",
    "AZURE_TOKEN_CREDENTIALS": "DefaultAzureCredential tries only these ways to sign in",
    "AZURE_ADDITIONALLY_ALLOWED_TENANTS": "azure-identity also takes tokens of these tenants",
    "AZURE_POD_IDENTITY_AUTHORITY_HOST": "managed identities are asked for at this address",
    "IDENTITY_ENDPOINT": "DefaultAzureCredential finds a managed identity of the platform here",
    "MSI_ENDPOINT": "DefaultAzureCredential finds a managed identity of the platform here",
    "ARM_CLIENT_ID": "Terraform providers sign in as this app, whatever AZURE_CLIENT_ID says",
    "FABRIC_CLIENT_ID": "Fabric's Terraform provider signs in as this app, whatever AZURE_CLIENT_ID says",
    "FAB_TOKEN": "the fabric-cli uses this token instead of signing in",
    "HTTPS_PROXY": "every connection goes through this proxy",
    "ALL_PROXY": "connections without a proxy of their own go through this one",
    **dict.fromkeys(CA_VARIABLES, "only certificates signed by an authority in this file are trusted"),
}
# 40 characters without a space; a GUID with a slip in it is made of its digits and dashes alone (known).
_VALUE: Final = re.compile(r"(?=.*[^0-9a-fA-F{}-])[\w.~+/=-]{24,}")
_SECRET: Final = frozenset({"FAB_TOKEN"})


def local_sightings(question: Question) -> list[Sighting]:
    """The facts of this machine."""
    credential = question.credential
    where = credential.where if credential else question.where
    seen = Evidence(where or "configuration", "local", _described(credential))
    fact = Known(configured(credential), seen) if credential else Absent(seen)
    found = variables(question.environ, question.network.cloud, question.asked.client_id)
    return [
        Sighting(CREDENTIAL, None, fact),
        Sighting(STORED, None, question.stored),
        Sighting(VARIABLES, None, Known(found, Evidence("environment variables", "local", "read"))),
    ]


def _described(credential: Credential | None) -> str:
    if credential is None:
        return "there is no credential of the app"
    return f"{credential.kind}, client id {credential.client_id}, tenant {credential.tenant_id}"


def configured(credential: Credential) -> Configured:
    """How a credential looks, without its value."""
    value = credential.secret.reveal() if credential.secret else ""
    bare = value.strip(_ENDS)
    return Configured(
        where=credential.where,
        tenant_id=credential.tenant_id,
        client_id=credential.client_id,
        has_secret=bool(value),
        secret_looks_like_guid=is_guid(bare),
        secret_has_odd_ends=value != bare,
        kind=credential.kind,
        others=credential.others,
        client_id_form=form(credential.client_id),
        tenant_form=form(credential.tenant_id),
        broken=credential.broken,
        elsewhere=elsewhere(credential),
        # A short value would be given away by its beginning.
        hint=bare[:3] if len(bare) >= 16 else "",
        account=credential.username,
    )


def elsewhere(credential: Credential) -> str:
    """Why a whole credential cannot be tried on this machine; empty where it can, or where it is not whole."""
    from pbisetup.services.app_assertion import ELSEWHERE

    if credential.broken or credential.usable:
        return ""
    return credential.elsewhere or (ELSEWHERE if credential.kind == "federated" else "")


def form(text: str) -> IdForm:
    """What an id looks like."""
    bare = text.strip(_ENDS)
    if not bare:
        return "empty"
    if bare != text:
        return "odd ends"
    if is_guid(text):
        return "id"
    if text.lower() in _AUTHORITIES:
        return "authority"
    if _DOMAIN.fullmatch(text):
        return "domain"
    return "secret" if _VALUE.fullmatch(text) else "other"


def variables(environ: Mapping[str, str], cloud: Cloud, client_id: str | None) -> tuple[Variable, ...]:
    """Those that are set and change behaviour silently. Suspect: what contradicts the cloud or the app examined."""
    found = []
    for name, effect in _EFFECTS.items():
        value = environ.get(name, "").strip()
        if value:
            found.append(Variable(name, _shown(name, value), effect, _suspect(name, value, cloud, client_id)))
    return tuple(found)


def _shown(name: str, value: str) -> str:
    if name in _SECRET:
        return "***"
    try:
        parts = urlsplit(value)
        return value if not parts.username else f"{parts.scheme}://{parts.hostname}:{parts.port}"
    except ValueError:
        return "***"


def _suspect(name: str, value: str, cloud: Cloud, client_id: str | None) -> bool:
    if name == "AZURE_AUTHORITY_HOST":
        host = urlsplit(value if "://" in value else f"https://{value}").netloc
        return host.lower() != urlsplit(cloud.login).netloc.lower()
    if name.endswith("_CLIENT_ID"):
        return client_id is not None and value.lower() != client_id.lower()
    return False
