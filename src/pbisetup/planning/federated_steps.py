"""Steps for the federated credential: does the app trust exactly whom the manifest says, and are its ids kept.

There is no secret in it, so anybody who may can be asked to add it. What the app trusts besides is left alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

from pbisetup.model.facts import Known, Unknown, value_of
from pbisetup.model.manifest import Environment, Manifest
from pbisetup.model.plan import Action, Step
from pbisetup.model.snapshot import Snapshot
from pbisetup.model.tenant import FederatedCredential, TrustedSubject
from pbisetup.planning import rights
from pbisetup.planning.held import keys_of, made_for
from pbisetup.planning.situation import Situation
from pbisetup.planning.wanted import is_service_app

MOST: Final = 20
"""Federated credentials of one app (entra.md 1.9)."""
LATE: Final = "some minutes until the token endpoint knows it"
FEDERATED_KINDS: Final = frozenset({"add_federated_credential", "update_federated_credential"})
TITLE: Final = "Federated credential"
_ADVICE: Final = {
    "github": 'Give the exact subject in the manifest (subject = "..."), or sign in with `gh auth login`; in a job of the '
    "repository `pbisetup token inspect -` shows the subject of the job's own assertion.",
    "azure-devops": "Sign in with `az login` and add the extension (`az extension add --name azure-devops`); or copy issuer "
    "and subject from the page of the service connection into the manifest.",
}


def held_federated(manifest: Manifest, environment: Environment, seen: Snapshot) -> FederatedCredential | None:
    """The credential of the app that is as the manifest says: whose name it bears does not matter, since the app takes a
    pair of issuer and subject once. Where the subject cannot be looked up now, pbisetup's own.
    """
    app = value_of(seen.app)
    listed = (app.federated if app else None) or ()
    trusted = value_of(seen.trusted)
    if trusted is None:
        return _named(listed, manifest.federated_name(environment.name))
    return next((each for each in listed if _fits(each, trusted)), None)


def federated(s: Situation) -> Iterator[Step]:
    """The credential, the ids for whoever signs in with it, and what an earlier kind of credential left."""
    if not is_service_app(s.env):
        return
    credential = _credential(s)
    yield credential
    if (ids := _ids(s, credential)) is not None:
        yield ids
    yield from _left(s)


def _credential(s: Situation) -> Step:
    listed = (s.app.federated if s.app else None) or ()
    own = s.manifest.federated_name(s.env.name)
    mine, held = _named(listed, own), held_federated(s.manifest, s.env, s.seen)
    if not isinstance(s.seen.trusted, Known):
        return _untold(s, held)
    trusted = s.seen.trusted.value
    if held is not None:
        return Step("federated", "keep", TITLE, _kept_because(held, own), warning=_stale(mine, held))
    taken = next((each for each in listed if _pair(each) == (trusted.issuer, trusted.subject) and each != mine), None)
    if taken is not None:
        why = (
            f"{taken.name!r} takes this subject for another audience ({', '.join(sorted(taken.audiences))}), and an app "
            "takes a pair of issuer and subject once; somebody else made it: change or remove it there"
        )
        return Step("federated", "leave", TITLE, why, blocks=True)
    if mine is not None:
        return _step(s, own, trusted, mine)
    if len(listed) >= MOST:
        why = f"the app has {len(listed)} federated credentials, which is the most there can be: remove one that is not used"
        return Step("federated", "leave", TITLE, why, blocks=True)
    return _step(s, own, trusted, None)


def _untold(s: Situation, held: FederatedCredential | None) -> Step:
    fact = s.seen.trusted
    reason = fact.reason if isinstance(fact, Unknown) else "there is no such subject"
    if held is not None:
        warning = f"whether it is still the right one could not be checked: {reason}"
        return Step("federated", "keep", TITLE, f"{held.name!r}, for {held.subject!r}", warning=warning)
    trust = s.env.credential.trust
    advice = _ADVICE.get(trust.issuer if trust else "", "Give issuer and subject in the manifest.")
    return Step("federated", "leave", TITLE, f"whom to trust is not known: {reason}. {advice}", blocks=True)


def _step(s: Situation, name: str, trusted: TrustedSubject, mine: FederatedCredential | None) -> Step:
    right = _right(s)
    why = "the app signs in with assertions of this subject and needs no secret"
    if mine is not None:
        why = f"{name!r} is for something else: {', '.join(_differences(mine, trusted))}"
    params: dict[str, Any] = {
        "app_object_id": s.app_ref,
        "name": name,
        "issuer": trusted.issuer,
        "subject": trusted.subject,
        "audiences": [trusted.audience],
    }
    if mine is not None and _pair(mine) == (trusted.issuer, trusted.subject):
        params["audience_only"] = True
    return Step(
        "federated",
        "add" if mine is None else "change",
        f"{TITLE} for {trusted.subject!r} of {trusted.issuer}",
        why,
        Action("add_federated_credential" if mine is None else "update_federated_credential", params),
        right.who,
        right.allowed,
        right.because,
        needs=("app",),
        takes=LATE,
        undo="remove the federated credential from the app",
    )


def _right(s: Situation) -> rights.Right:
    """Whoever may change the app may do it: nothing of it is secret."""
    if s.somebody_else_makes_the_app:
        return rights.Right(False, s.create_right.who, "there is no app registration yet")
    owners = s.app.owners if s.app else None
    return rights.edit_app(s.seen.operator, owners, ours_after_create=s.creates_app)


def _ids(s: Situation, credential: Step) -> Step | None:
    """Keeping tenant and client id where programs look for them; None where they are, or there is nothing to sign in to."""
    if credential.change == "leave":
        return None
    held = held_federated(s.manifest, s.env, s.seen)
    if not credential.writes and _are_kept(s):
        return None
    who, allowed, because = ("you",), True, ""
    if credential.allowed is False:
        allowed, because = False, "the federated credential must be there first; then run `pbisetup apply`"
    name = held.name if held is not None else s.manifest.federated_name(s.env.name)
    return Step(
        "federated-ids",
        "add",
        f"Tenant and client id, {_keeper(s.env)}",
        "with them and its own assertion a job signs in; neither is secret",
        Action("keep_ids", {"app_object_id": s.app_ref, "name": name, "store": s.env.credential.store}),
        who,  # type: ignore[arg-type]
        allowed,
        because,
        needs=("app", "federated"),
        undo="remove the ids from where they are kept",
    )


def _are_kept(s: Situation) -> bool:
    if s.env.credential.store == "stdout":
        # They were printed when the credential was made, but for a run that was stopped in between.
        return s.manifest.federated_name(s.env.name) not in s.seen.journalled
    stored = value_of(s.seen.stored)
    if stored is None or s.app is None:
        return False
    same_tenant = stored.tenant_id.lower() in (s.seen.tenant.id.lower(), s.seen.tenant.domain.lower())
    return stored.kind == "federated" and stored.client_id.lower() == s.app.client_id.lower() and same_tenant


def _left(s: Situation) -> Iterator[Step]:
    """Secrets and certificates that were made while the environment had another kind: they open the app still."""
    ours = [key for key in keys_of(s.app) if made_for(s.manifest, s.env, key)]
    if not ours:
        return
    names = ", ".join(repr(each.display_name) for each in ours)
    yield Step(
        "federated-left",
        "leave",
        f"{len(ours)} credential{'s' if len(ours) > 1 else ''} of this environment of another kind",
        "made before it was a federated one, and left alone: a program may still sign in with it",
        warning=f"{names}; `pbisetup destroy {s.env.name} --credential` takes them off, and the federated one with them, "
        f"which `pbisetup apply {s.env.name}` makes anew",
    )


def _keeper(environment: Environment) -> str:
    spec = environment.credential
    if spec.store == "stdout":
        return "printed once on standard output"
    return f"kept in .env.{environment.name}" if spec.store == "env-file" else f"kept in {spec.store}:{spec.place}"


def _named(listed: Iterable[FederatedCredential], name: str) -> FederatedCredential | None:
    return next((each for each in listed if each.name.lower() == name.lower()), None)


def _pair(credential: FederatedCredential) -> tuple[str, str]:
    return credential.issuer, credential.subject


def _fits(credential: FederatedCredential, trusted: TrustedSubject) -> bool:
    return _pair(credential) == (trusted.issuer, trusted.subject) and trusted.audience in credential.audiences


def _kept_because(held: FederatedCredential, own: str) -> str:
    who = f"{held.name!r}" if held.name.lower() == own.lower() else f"{held.name!r}, which somebody else made,"
    return f"{who} trusts {held.subject!r} of {held.issuer}"


def _stale(mine: FederatedCredential | None, held: FederatedCredential) -> str | None:
    if mine is None or mine == held:
        return None
    return f"{mine.name!r} trusts {mine.subject!r} of {mine.issuer} besides, and is left as it is"


def _differences(mine: FederatedCredential, trusted: TrustedSubject) -> Iterator[str]:
    before, after = ", ".join(sorted(mine.audiences)), trusted.audience
    for what, old, new in (
        ("issuer", mine.issuer, trusted.issuer),
        ("subject", mine.subject, trusted.subject),
        ("audience", before, after),
    ):
        if old != new:
            yield f"{what} from {old!r} to {new!r}"
