"""Steps for the app's credential: is one held, which kind can it be, and what becomes of strays and of those replaced."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from pbisetup.model.facts import Known, Unknown, value_of
from pbisetup.model.manifest import CredentialKind
from pbisetup.model.plan import Action, Step
from pbisetup.model.tenant import Certificate, CredentialPolicy
from pbisetup.planning.held import (
    NOT_READABLE,
    AppKey,
    held_credential,
    key_of_stored,
    keys_of,
    kind_of,
    made_for,
    works,
)
from pbisetup.planning.situation import Situation
from pbisetup.planning.wanted import is_service_app

TITLES: Final[dict[str, str]] = {"secret": "Client secret", "certificate": "Certificate"}
SETTLED: Final = timedelta(hours=1)
"""What pbisetup made this long ago and no shared store holds belongs to no run that is still under way."""


@dataclass(frozen=True)
class Wish:
    """Which credential there is to be."""

    kind: CredentialKind
    """Also the id of its step."""
    days: int
    because: str = ""
    """Why it is not what the manifest asks for."""
    problem: str = ""
    """Why none that the manifest asks for can be had."""


def wish(s: Situation) -> Wish:
    """What the manifest asks for, as far as the tenant's policies let it."""
    spec, stored = s.env.credential, value_of(s.seen.stored)
    policy = value_of(s.seen.policy) or CredentialPolicy()
    days, told = spec.lifetime.days, ""
    if spec.kind == "federated":
        return Wish("federated", days)
    kind = spec.kind
    if kind == "secret" and policy.forbids_secrets:
        kind, told = "certificate", f"the policy {policy.name!r} forbids client secrets"
    elif kind == "secret" and stored and stored.kind == "certificate" and stored.note.instead_of == "secret":
        kind, told = "certificate", "a policy of the tenant forbade the client secret when it was made"
    if kind == "certificate" and policy.own_authority and not spec.file:
        return Wish(
            kind,
            days,
            told,
            f"the policy {policy.name!r} takes only certificates of its own authorities; have one issued and name it in "
            'credential.file, or choose kind "federated"',
        )
    if kind == "certificate" and spec.file and (problem := _brought_problem(s)):
        return Wish(kind, days, told, problem)
    longest = policy.longest_secret if kind == "secret" else policy.longest_certificate
    if longest is not None and longest < timedelta(days=days) and not spec.file:
        days = max(1, longest.days)
        told = "; ".join(
            each for each in (told, f"the policy {policy.name!r} allows {longest.days} days at most") if each
        )
    return Wish(kind, days, told)


def credential(s: Situation) -> Iterator[Step]:
    """The steps for a service's own credential; people who sign in need none."""
    if not is_service_app(s.env):
        return
    wanted = wish(s)
    if wanted.kind == "federated":
        from pbisetup.planning.federated_steps import federated

        yield from federated(s)
        return
    held, why = held_credential(s.manifest, s.env, s.seen, s.now, wanted.kind)
    other = _another_certificate(s) if held else None
    if other:
        held, why = None, other
    strays = [k for k in keys_of(s.app) if k.display_name in s.seen.journalled and not _value_is_kept(s, k)]
    # Which of them such a store holds nobody can tell: it gets a new one first.
    first = (wanted.kind,) if s.env.credential.store in NOT_READABLE and not held else ()
    gone = [
        removed(s, k, "an interrupted run of yours made it and nobody holds its value", needs=first) for k in strays
    ]
    if not first:
        yield from gone
    if wanted.problem and not held:
        yield Step(wanted.kind, "leave", TITLES[wanted.kind], wanted.problem, blocks=True)
        return
    if not held and (given := _given(s)):
        yield _kept_where_it_lies(s, given)
        yield from gone if first else ()
        return
    if not held:
        yield new_credential(s, wanted, why)
        yield from gone if first else ()
        yield from _due(s, wanted)
        return
    spared = {*(k.key_id for k in strays), *(old.key_id for old in _note_retiring(s))}
    others = _others((k for k in keys_of(s.app) if k != held and k.key_id not in spared), s.now)
    ends = held.ends.strftime("%Y-%m-%d") if held.ends else "an unknown day"
    told = f"; {wanted.because}" if wanted.because else ""
    yield Step(wanted.kind, "keep", TITLES[wanted.kind], f"{why}; ends {ends}{told}", warning=others)
    yield from retired(s, held)


def retired(s: Situation, held: AppKey) -> Iterator[Step]:
    """What another one has taken the place of: removed once its grace is over, and never while the new one is in doubt."""
    after = {old.key_id.lower(): old.after for old in _note_retiring(s)}
    for key in keys_of(s.app):
        if key == held or not made_for(s.manifest, s.env, key) or key.key_id in s.seen.spared:
            continue
        until = after.get(key.key_id.lower())
        if until is None and not _is_superseded(s, key, held):
            continue
        if until is not None and until > s.now:
            title, why = (
                f"{_title(key)} {key.display_name!r}",
                f"replaced, and removed after {until:%Y-%m-%d %H:%M} UTC",
            )
            yield Step(f"credential-{key.key_id}", "keep", title, why)
        elif key.display_name not in s.seen.journalled:
            yield replace(removed(s, key, "another one has taken its place"), tidies=True)


def _given(s: Situation) -> Certificate | None:
    """The certificate that the manifest names, where somebody has given it to the app already."""
    brought = value_of(s.seen.brought)
    if s.app is None or brought is None:
        return None
    return next((c for c in s.app.certificates if c.thumbprint == brought.thumbprint), None)


def _kept_where_it_lies(s: Situation, given: Certificate) -> Step:
    params = {
        "app_object_id": s.app_ref,
        "certificate_key": given.key_id,
        "store": s.env.credential.store,
        "proved_first": s.sp is not None and works(s.seen, s.now),
        "retires": [each for each in _replaced(s) if each != given.key_id],
    }
    return Step(
        "certificate",
        "add",
        f"{TITLES['certificate']} from {s.env.credential.file}, {keeper(s)}",
        "the app has its public part already; what is left is to say where its key lies",
        Action("keep_certificate", params),
        ("you",),
        True,
    )


def _due(s: Situation, wanted: Wish) -> Iterator[Step]:
    """What was replaced before the one that is replaced now: it goes once the newest is in its place."""
    due = {old.key_id.lower() for old in _note_retiring(s) if old.after <= s.now}
    for key in keys_of(s.app):
        mine = made_for(s.manifest, s.env, key) and key.display_name not in s.seen.journalled
        if mine and key.key_id.lower() in due and key.key_id not in s.seen.spared:
            yield replace(removed(s, key, "another one has taken its place", needs=(wanted.kind,)), tidies=True)


def _is_superseded(s: Situation, key: AppKey, held: AppKey) -> bool:
    """Whether a store that all share holds another one: then nobody holds this one's value any more."""
    if (
        s.env.credential.store != "key-vault"
        or kind_of(key) != kind_of(held)
        or key.starts is None
        or held.starts is None
    ):
        return False
    return key.starts < held.starts and s.now - held.starts > SETTLED and s.now - key.starts > SETTLED


def removed(s: Situation, key: AppKey, why: str, *, needs: tuple[str, ...] = ()) -> Step:
    """One of ours, taken off the app."""
    kind, right = kind_of(key), s.edit_right
    return Step(
        f"{kind}-remove-{key.key_id}",
        "remove",
        f"{_title(key)} {key.display_name!r}",
        why,
        Action(f"remove_{kind}", {"app_object_id": s.app_ref, "key_id": key.key_id}),
        ("app owner",),
        right.allowed,
        right.because,
        needs=needs,
    )


def new_credential(s: Situation, wanted: Wish, why: str) -> Step:
    """One more credential, kept where the environment keeps its own; what is not ours stays on the app."""
    right, spec = s.edit_right, s.env.credential
    brought = spec.file if wanted.kind == "certificate" else None
    life = f"from {brought}" if brought else f"for {wanted.days} days"
    params: dict[str, Any] = {
        "app_object_id": s.app_ref,
        "days": wanted.days,
        "store": spec.store,
        "label": s.manifest.secret_label(s.env.name),
        "proved_first": works(s.seen, s.now) or _may_hold_one(s),
        "retires": _replaced(s),
    }
    if wanted.kind == "certificate":
        params |= {
            "subject": s.app_name,
            "brought": bool(brought),
            "instead_of": spec.kind if spec.kind != wanted.kind else "",
        }
    return Step(
        wanted.kind,
        "add",
        f"{TITLES[wanted.kind]} {life}, {keeper(s)}",
        "; ".join(each for each in (why, wanted.because) if each),
        Action("add_secret" if wanted.kind == "secret" else "make_certificate", params),
        right.who,
        right.allowed,
        right.because,
        needs=("app",),
        takes="a few seconds until the token endpoint knows it",
        undo=f"remove the {wanted.kind} from the app",
        warning=_others((k for k in keys_of(s.app) if k.key_id not in params["retires"]), s.now),
    )


def _may_hold_one(s: Situation) -> bool:
    """Whether the store could not be looked into, and so may hold one that works; told by an app that can have tokens."""
    unread = isinstance(s.seen.stored, Unknown) and s.env.credential.store not in NOT_READABLE
    return unread and s.app is not None and s.sp is not None and not s.seen.token_refusals


def keeper(s: Situation) -> str:
    """Where the environment's credential is kept, as a clause."""
    spec = s.env.credential
    return {
        "env-file": f"kept in .env.{s.env.name}",
        "keyring": "kept in the keyring of this machine",
        "key-vault": f"kept in the key vault {spec.place}",
        "github": f"kept in the secrets of {spec.place} on GitHub",
        "azure-devops": f"kept in the variable group {spec.place} of Azure DevOps",
        "stdout": "printed once on standard output",
    }[spec.store]


def _replaced(s: Situation) -> list[str]:
    """Key ids of ours that a new one takes the place of: what the store holds now, and what waits already.

    Where nobody can tell which one it holds, all that may be it: every one of ours, in a store that all share.
    """
    stored = value_of(s.seen.stored)
    if s.app is None:
        return []
    ours = [k for k in keys_of(s.app) if made_for(s.manifest, s.env, k) and k.display_name not in s.seen.journalled]
    unnamed = isinstance(s.seen.stored, Unknown) or (stored is not None and not stored.key_id)
    if s.env.credential.store in NOT_READABLE and unnamed:
        return [key.key_id for key in ours]
    if stored is None or stored.client_id.lower() != s.app.client_id.lower():
        return []
    current = key_of_stored(s.app, stored)
    # A brought certificate that was replaced in its file is no longer what the note says: that one goes, too.
    wanted = {current.key_id if current else "", stored.key_id, *(old.key_id for old in _note_retiring(s))}
    return [key.key_id for key in ours if key.key_id in wanted]


def _note_retiring(s: Situation) -> tuple[Any, ...]:
    stored = value_of(s.seen.stored)
    return (*(stored.note.retiring if stored else ()), *s.seen.retiring)


def _another_certificate(s: Situation) -> str | None:
    """Whether the manifest names another certificate than the one in use."""
    brought, stored = value_of(s.seen.brought), value_of(s.seen.stored)
    if brought is None or stored is None or stored.kind != "certificate" or stored.thumbprint == brought.thumbprint:
        return None
    return f"{s.env.credential.file} holds another certificate than the one in use"


def _brought_problem(s: Situation) -> str | None:
    """Why the certificate that the manifest names cannot be used."""
    fact = s.seen.brought
    if isinstance(fact, Known):
        return f"{s.env.credential.file} ended on {fact.value.ends:%Y-%m-%d}" if fact.value.ends <= s.now else None
    return fact.reason if isinstance(fact, Unknown) else f"{s.env.credential.file} was not read"


def _others(keys: Iterable[AppKey], now: datetime) -> str | None:
    """A word about credentials that live on: another machine or a colleague may hold them."""
    alive = [k for k in keys if k.ends is None or k.ends > now]
    if not alive:
        return None
    word = "secrets" if all(kind_of(k) == "secret" for k in alive) else "credentials"
    names = ", ".join(k.display_name or k.key_id for k in alive)
    return f"the app keeps its other {word}, which somebody else may hold: {names}"


def _value_is_kept(s: Situation, key: AppKey) -> bool:
    """Whether somebody may hold its value after all, however little life it has left. An unread store may."""
    stored = s.seen.stored
    if s.env.credential.store in NOT_READABLE:
        return False
    if isinstance(stored, Known):
        return s.app is not None and key_of_stored(s.app, stored.value) == key
    return isinstance(stored, Unknown)


def _title(key: AppKey) -> str:
    return TITLES[kind_of(key)]
