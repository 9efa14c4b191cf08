"""A credential that may be mailed because it is public: the public part of a certificate, or whom the app trusts."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from typing import Any, Final

from pbisetup.model.cloud import Cloud
from pbisetup.model.facts import value_of
from pbisetup.model.plan import Action, Plan, Step, Who
from pbisetup.model.snapshot import Snapshot

_WHO: Final[tuple[Who, ...]] = ("app owner", "cloud application administrator")
_AUDIENCE: Final = "api://AzureADTokenExchange"


@dataclass(frozen=True)
class PublicCertificate:
    """The public part of a certificate; its key stays with whoever made it."""

    der: str
    """In base64."""
    thumbprint: str
    """SHA-1 in capital hexadecimal: Graph knows it by that (entra.md 1.8)."""
    subject: str
    starts: str
    ends: str
    """As Graph writes times; never beyond the certificate's own, which Graph refuses."""


@dataclass(frozen=True)
class TrustedSubject:
    """Whose assertions the app is to take in place of a secret: an issuer's word about a subject (entra.md 1.9)."""

    issuer: str
    subject: str


PublicCredential = PublicCertificate | TrustedSubject


def is_held(credential: PublicCredential, snapshot: Snapshot | None) -> bool:
    """Whether the app is seen to have it already."""
    app = value_of(snapshot.app) if snapshot else None
    if app is None:
        return False
    if isinstance(credential, PublicCertificate):
        return any(each.thumbprint == credential.thumbprint for each in app.certificates)
    return any((each.issuer, each.subject) == (credential.issuer, credential.subject) for each in app.federated or ())


def credential_step(credential: PublicCredential, plan: Plan, cloud: Cloud) -> Step:
    """Adding it to the app, which is always asked of somebody else here."""
    app = plan.outputs.get("app_object_id", "{app_object_id}")
    if isinstance(credential, PublicCertificate):
        title = f"Certificate {credential.subject!r}, public part, for the app"
        action = Action("add_certificate", {"app_object_id": app, **_key(credential)})
    else:
        title = f"Federated credential for the app: {credential.subject!r} of {credential.issuer}"
        action = Action("add_federated_credential", {"app_object_id": app, **_trust(credential, cloud)})
    why = "the app signs in with it and needs no secret; nothing of it has to be kept from anybody"
    return Step("credential", "add", title, why, action, _WHO, allowed=False, because="it was asked for as a hand-off")


def _key(credential: PublicCertificate) -> dict[str, Any]:
    raw = bytes.fromhex(credential.thumbprint)
    entry = {
        "type": "AsymmetricX509Cert",
        "usage": "Verify",
        "key": credential.der,
        "displayName": credential.subject[:90],
        "startDateTime": credential.starts,
        "endDateTime": credential.ends,
    }
    identifiers = [credential.thumbprint, base64.b64encode(raw).decode()]
    return {"key": credential.der, "identifiers": identifiers, "entry": entry}


def _trust(credential: TrustedSubject, cloud: Cloud) -> dict[str, Any]:
    # source: entra.md 1.9; China's audience has a name of its own. What other clouds take was not found: guess.
    audience = f"{_AUDIENCE}China" if cloud.meant == "china" else _AUDIENCE
    name = re.sub(r"[^A-Za-z0-9]+", "-", credential.subject).strip("-")[:100] or "subject"
    return {
        "name": f"pbisetup-{name}",
        "issuer": credential.issuer,
        "subject": credential.subject,
        "audiences": [audience],
    }
