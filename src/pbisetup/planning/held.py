"""Which of the app's credentials is the one that is kept, and whether it will do. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from pbisetup.model.facts import Known, Unknown, value_of
from pbisetup.model.manifest import CredentialKind, Environment, Manifest
from pbisetup.model.snapshot import Snapshot
from pbisetup.model.tenant import AppRegistration, Certificate, Password, StoredCredential
from pbisetup.planning.manifest import is_guid

AppKey = Password | Certificate

RENEW_BEFORE: Final = timedelta(days=7)
"""A credential with less life than this is replaced by a new one; one that lives shortly, in its last quarter."""
NOT_READABLE: Final = frozenset({"stdout", "github", "azure-devops"})
"""Stores that nobody can take the credential out of again."""
_USELESS: Final[Mapping[int, str]] = {
    7000222: "has expired (AADSTS7000222)",
    7000215: "is wrong (AADSTS7000215)",
    700027: "is not one of the app's (AADSTS700027)",
    1000502: "is not valid now (AADSTS1000502)",
}
"""Refusals after which a stored credential is replaced, whatever the directory and this machine's clock say of it."""


def keys_of(app: AppRegistration | None) -> tuple[AppKey, ...]:
    """The app's client secrets and certificates."""
    return (*app.passwords, *app.certificates) if app else ()


def label_of(manifest: Manifest, environment: str) -> str:
    """How the display names of what was made for this environment of this project begin: an app may be shared."""
    return f"{manifest.secret_label(environment)} "


def made_for(manifest: Manifest, environment: Environment, key: AppKey) -> bool:
    """Whether pbisetup made it for this environment of this project."""
    return key.display_name.startswith(label_of(manifest, environment.name))


def kind_of(key: AppKey) -> CredentialKind:
    return "secret" if isinstance(key, Password) else "certificate"


def key_of_stored(app: AppRegistration, held: StoredCredential) -> AppKey | None:
    """Which of the app's credentials the stored one is.

    Of a secret the first characters decide, because they follow a value that was pasted in by hand, and the recorded key id
    only tells apart those that begin alike; of a certificate its thumbprint. What cannot be read back is known by its key id
    alone.
    """
    recorded = (held.key_id or "").lower()
    if held.kind == "federated":
        return None
    if held.kind == "certificate" and held.thumbprint:
        alike = [c for c in app.certificates if c.thumbprint == held.thumbprint]
        return next((c for c in alike if c.key_id.lower() == recorded), alike[0] if alike else None)
    if held.kind == "certificate":
        return next((c for c in app.certificates if recorded and c.key_id.lower() == recorded), None)
    near = [p for p in app.passwords if not (p.hint and held.hint) or p.hint == held.hint]
    exact = next((p for p in near if recorded and p.key_id.lower() == recorded), None)
    return exact or next((p for p in near if p.hint and p.hint == held.hint), None)


def renewed_before(key: AppKey) -> timedelta:
    """How much life a credential has left when it is time for the next one."""
    if key.ends is None or key.starts is None:
        return RENEW_BEFORE
    return min(RENEW_BEFORE, (key.ends - key.starts) / 4)


def held_credential(
    manifest: Manifest, environment: Environment, snapshot: Snapshot, now: datetime, kind: CredentialKind
) -> tuple[AppKey | None, str]:
    """The app's credential of this kind whose value is held, and a sentence on why there is one or none.

    With the stdout store nothing is held here: what pbisetup made for it and what is still alive counts as handed over.
    """
    app = value_of(snapshot.app)
    if environment.credential.store == "stdout":
        made = [k for k in keys_of(app) if made_for(manifest, environment, k) and kind_of(k) == kind]
        alive = [k for k in made if k.ends is None or k.ends - now >= renewed_before(k)]
        alive = [k for k in alive if k.display_name not in snapshot.journalled]
        return (alive[-1], "it was printed once when it was made") if alive else (None, "the app has none")
    stored = snapshot.stored
    if not isinstance(stored, Known):
        return None, stored.reason if isinstance(stored, Unknown) else "none is stored for this environment"
    held = stored.value
    if problem := _of_another(held, app, snapshot):
        return None, problem
    assert app is not None
    if held.kind != kind:
        return None, f"{held.where} holds a {held.kind} credential, and a {kind} is wanted"
    if environment.credential.store in NOT_READABLE and any(
        k.display_name in snapshot.journalled for k in keys_of(app)
    ):
        return None, f"an interrupted run may have replaced the one in {held.where}, which cannot be read back"
    key = key_of_stored(app, held)
    if key is None and environment.credential.file and kind == "certificate":
        return None, f"{environment.credential.file} holds another certificate than the app has"
    if key is None:
        return None, f"the one in {held.where} is no longer a {kind} of the app"
    if key.ends and key.ends <= now:
        return None, f"the one in {held.where} expired on {key.ends:%Y-%m-%d}"
    if key.ends and key.ends - now < renewed_before(key):
        return None, f"the one in {held.where} ends on {key.ends:%Y-%m-%d}"
    for number, reason in _USELESS.items():
        if number in snapshot.token_refusals:
            return None, f"the token endpoint says that the one in {held.where} {reason}"
    return key, f"{key.display_name!r}, whose {'value' if kind == 'secret' else 'private key'} is in {held.where}"


def _of_another(held: StoredCredential, app: AppRegistration | None, snapshot: Snapshot) -> str | None:
    """Why what is stored is not this app's."""
    if app is None:
        return f"{held.where} holds one, but not for this app"
    if held.client_id.lower() != app.client_id.lower():
        return f"{held.where} holds one for another app ({held.client_id})"
    if held.tenant_id and is_guid(held.tenant_id) and held.tenant_id.lower() != snapshot.tenant.id.lower():
        return f"{held.where} holds one for another tenant ({held.tenant_id})"
    return None


def works(snapshot: Snapshot, now: datetime) -> bool:
    """Whether the store holds a credential of the app that opens something, for all that is known: then nothing may take its
    place that has not proved itself.
    """
    app, stored = value_of(snapshot.app), value_of(snapshot.stored)
    if app is None or stored is None or _of_another(stored, app, snapshot) or snapshot.token_refusals:
        return False
    if stored.kind == "federated":
        return True
    key = key_of_stored(app, stored)
    return key is not None and (key.ends is None or key.ends > now)
