"""Steps for the client secret: is one held whose value is kept, and what becomes of strays."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from pbisetup.model.facts import Known, Unknown, value_of
from pbisetup.model.manifest import Environment, Manifest
from pbisetup.model.plan import Action, Step
from pbisetup.model.snapshot import Snapshot
from pbisetup.model.tenant import Password, StoredCredential
from pbisetup.planning.manifest import is_guid
from pbisetup.planning.situation import Situation
from pbisetup.planning.wanted import is_service_app

RENEW_BEFORE = timedelta(days=7)
"""A stored secret with less life than this is replaced by a new one; the old one is left to run out."""


_USELESS = {7000222: "has expired (AADSTS7000222)", 7000215: "is wrong (AADSTS7000215)"}
"""Refusals after which a stored secret is replaced, whatever the directory and this machine's clock say of it."""


def secret(s: Situation) -> Iterator[Step]:
    if not is_service_app(s.env):
        return
    passwords = s.app.passwords if s.app else ()
    stray = [p for p in passwords if p.display_name in s.seen.journalled]
    held, why = held_secret(s.manifest, s.env, s.seen, s.now)
    for password in stray:
        if _value_is_kept(s, password):
            continue
        yield Step(
            f"secret-remove-{password.key_id}",
            "remove",
            f"Client secret {password.display_name!r}",
            "an interrupted run of yours made it and nobody holds its value",
            Action("remove_secret", {"app_object_id": s.app_ref, "key_id": password.key_id}),
            ("app owner",),
            s.edit_right.allowed,
            s.edit_right.because,
        )
    if held:
        ends = held.ends.strftime("%Y-%m-%d") if held.ends else "an unknown day"
        others = _others((each for each in passwords if each != held), s.now)
        yield Step("secret", "keep", "Client secret", f"{why}; ends {ends}", warning=others)
        return
    yield new_secret(s, why)


def new_secret(s: Situation, why: str) -> Step:
    """One more secret, kept where the environment keeps its own; the app's others stay."""
    right = s.edit_right
    spec = s.env.credential
    keeper = "printed once on standard output" if spec.store == "stdout" else f"kept in .env.{s.env.name}"
    return Step(
        "secret",
        "add",
        f"Client secret for {spec.lifetime.days} days, {keeper}",
        why,
        Action(
            "add_secret",
            {
                "app_object_id": s.app_ref,
                "days": spec.lifetime.days,
                "store": spec.store,
                "label": s.manifest.secret_label(s.env.name),
            },
        ),
        right.who,
        right.allowed,
        right.because,
        needs=("app",),
        takes="a few seconds until the token endpoint knows it",
        undo="remove the secret from the app",
        warning=_others(s.app.passwords if s.app else (), s.now),
    )


def _others(passwords: Iterable[Password], now: datetime) -> str | None:
    """A word about secrets that live on: another machine or a colleague may hold them."""
    alive = [p.display_name or p.key_id for p in passwords if p.ends is None or p.ends > now]
    if not alive:
        return None
    return f"the app keeps its other secrets, which somebody else may hold: {', '.join(alive)}"


def _value_is_kept(s: Situation, password: Password) -> bool:
    """Whether somebody may hold its value after all, however little life it has left. An unread store may."""
    stored = s.seen.stored
    if s.env.credential.store == "stdout":
        return False
    if isinstance(stored, Known):
        return s.app is not None and _stored_among(s.app.passwords, stored.value) == password
    return isinstance(stored, Unknown)


def made_for(manifest: Manifest, environment: Environment, password: Password) -> bool:
    """Whether pbisetup made the secret for this environment of this project: an app may be shared."""
    return password.display_name.startswith(f"{manifest.secret_label(environment.name)} ")


def held_secret(
    manifest: Manifest, environment: Environment, snapshot: Snapshot, now: datetime
) -> tuple[Password | None, str]:
    """The app's secret whose value is held, and a sentence on why there is one or none.

    Matched by key id, else by the first three characters, which the directory keeps of every secret as its hint. With the
    stdout store nothing is held here: a secret that pbisetup made for it and that is still alive counts as handed over.
    """
    app = value_of(snapshot.app)
    if environment.credential.store == "stdout":
        made = [p for p in app.passwords if made_for(manifest, environment, p)] if app else []
        alive = [p for p in made if p.ends is None or p.ends - now >= RENEW_BEFORE]
        alive = [p for p in alive if p.display_name not in snapshot.journalled]
        return (alive[-1], "it was printed once when it was made") if alive else (None, "the app has none")
    stored = snapshot.stored
    if not isinstance(stored, Known):
        return None, stored.reason if isinstance(stored, Unknown) else "none is stored for this environment"
    held = stored.value
    if app is None:
        return None, f"{held.where} holds one, but not for this app"
    if held.client_id.lower() != app.client_id.lower():
        return None, f"{held.where} holds one for another app ({held.client_id})"
    if held.tenant_id and is_guid(held.tenant_id) and held.tenant_id.lower() != snapshot.tenant.id.lower():
        return None, f"{held.where} holds one for another tenant ({held.tenant_id})"
    password = _stored_among(app.passwords, held)
    if password is None:
        return None, f"the one in {held.where} is no longer a secret of the app"
    if password.ends and password.ends <= now:
        return None, f"the one in {held.where} expired on {password.ends:%Y-%m-%d}"
    if password.ends and password.ends - now < RENEW_BEFORE:
        return None, f"the one in {held.where} ends on {password.ends:%Y-%m-%d}"
    for number, reason in _USELESS.items():
        if number in snapshot.token_refusals:
            return None, f"the token endpoint says that the one in {held.where} {reason}"
    return password, f"{password.display_name!r}, whose value is in {held.where}"


def _stored_among(passwords: Iterable[Password], held: StoredCredential) -> Password | None:
    """Which of the app's secrets the stored value is.

    The first characters decide, because they follow a value that was pasted in by hand; the recorded key id only tells
    apart those that begin alike.
    """
    alike = [p for p in passwords if not (p.hint and held.hint) or p.hint == held.hint]
    recorded = (held.key_id or "").lower()
    exact = next((p for p in alike if recorded and p.key_id.lower() == recorded), None)
    return exact or next((p for p in alike if p.hint and p.hint == held.hint), None)
