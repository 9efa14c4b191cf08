"""A credential that may be mailed because it is public: the public part of a certificate, or whom the app trusts."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass, replace
from typing import Any, Final

from pbisetup.model.cloud import Cloud
from pbisetup.model.facts import value_of
from pbisetup.model.plan import Action, Plan, Step, Who
from pbisetup.model.snapshot import Snapshot
from pbisetup.model.tenant import TrustedSubject

_ASKED: Final = "it was asked for as a hand-off"
_WHO: Final[tuple[Who, ...]] = ("app owner", "cloud application administrator")


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


PublicCredential = PublicCertificate | TrustedSubject


def is_held(credential: PublicCredential, snapshot: Snapshot | None) -> bool:
    """Whether the app is seen to have it already."""
    app = value_of(snapshot.app) if snapshot else None
    if app is None:
        return False
    if isinstance(credential, PublicCertificate):
        return any(each.thumbprint == credential.thumbprint for each in app.certificates)
    return any((each.issuer, each.subject) == (credential.issuer, credential.subject) for each in app.federated or ())


def credential_step(credential: PublicCredential, plan: Plan, cloud: Cloud, name: str | None = None) -> Step:
    """Adding it to the app, which is always asked of somebody else here. `name`: what a federated one is to be called."""
    app = plan.outputs.get("app_object_id", "{app_object_id}")
    if isinstance(credential, PublicCertificate):
        title = f"Certificate {credential.subject!r}, public part, for the app"
        action = Action("add_certificate", {"app_object_id": app, **_key(credential)})
    else:
        title = f"Federated credential for the app: {credential.subject!r} of {credential.issuer}"
        action = Action("add_federated_credential", {"app_object_id": app, **_trust(credential, cloud, name)})
    why = "the app signs in with it and needs no secret; nothing of it has to be kept from anybody"
    return Step("credential", "add", title, why, action, _WHO, allowed=False, because=_ASKED)


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


def asked_of_others(step: Step) -> Step:
    """A step of the plan as something that somebody else is asked for, whoever may do it."""
    return replace(step, who=_WHO, allowed=False, because=_ASKED)


def _trust(credential: TrustedSubject, cloud: Cloud, name: str | None) -> dict[str, Any]:
    audience = credential.audience or cloud.exchange_audience
    called = re.sub(r"[^A-Za-z0-9]+", "-", credential.subject).strip("-")[:100] or "subject"
    return {
        "name": name or f"pbisetup-{called}",
        "issuer": credential.issuer,
        "subject": credential.subject,
        "audiences": [audience],
    }
