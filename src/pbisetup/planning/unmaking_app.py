"""The app: deleted where it is ours, given back as it was where it was taken over; and what is kept of it here."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from pbisetup.model.belongings import DeletedApp
from pbisetup.model.facts import Unknown, value_of
from pbisetup.model.manifest import ADOPTED_TAG, LEFT
from pbisetup.model.plan import Action, Step, Who
from pbisetup.model.tenant import AppRegistration
from pbisetup.planning import rights
from pbisetup.planning.credential_steps import TITLES
from pbisetup.planning.held import key_of_stored, kind_of, label_of
from pbisetup.planning.removal import PROJECT_TAG, Removal, key_step, not_ours
from pbisetup.planning.unmaking_words import credentials_of_others, listed

_PURGERS: Final[tuple[Who, ...]] = ("cloud application administrator",)


def credential_alone(s: Removal) -> Iterator[Step]:
    """Only what the app signs in with; and what this does not do, because nothing can."""
    if s.app is not None:
        yield from keys(s, s.app)
    yield from credential(s)
    if s.app is None:
        return
    name = s.env.name
    others = credentials_of_others(s.app, name, label_of(s.manifest, name), s.manifest.federated_name(name))
    yield Step(
        "app",
        "leave",
        f"App registration {s.app.display_name!r}, client id {s.app.client_id}",
        f"it stays with all its rights; `pbisetup apply {name}` gives it a new credential",
        warning=others.replace("end with it", "still open it", 1) if others else None,
    )
    yield Step(
        "tokens",
        "leave",
        "Tokens that were issued already",
        "each lives to its own end, about an hour: nothing calls back a token for Power BI (continuous access evaluation "
        "covers Microsoft Graph only). To keep every other credential out, too, switch the service principal off; "
        f"that, too, stops new tokens only: az ad sp update --id {s.app.client_id} --set accountEnabled=false",
    )


def own_app(s: Removal, after: tuple[str, ...]) -> Iterator[Step]:
    app = s.app
    assert app is not None
    grants, app_roles = value_of(s.seen.grants), value_of(s.seen.app_roles)
    along = ["all its credentials"]
    along += [f"its service principal (object id {s.sp_id})"] if s.sp_id else []
    along += [f"consent to delegated permissions ({len(grants)})"] if grants else []
    along += [f"granted application permissions ({len(app_roles)})"] if app_roles else []
    back = f"`pbisetup apply {s.env.name} --deleted-app restore` brings it back for 30 days"
    yield Step(
        "delete-app",
        "remove",
        f"App registration {app.display_name!r}, client id {app.client_id}",
        f"with it go {', '.join(along)}{'' if s.purge else f'. {back}'}",
        Action(
            "delete_application",
            {
                "app_object_id": app.object_id,
                "unique_name": app.unique_name,
                "tags": [s.manifest.tag(s.env.name), s.manifest.left_tag(s.env.name)],
                "not_tags": [s.manifest.adopted_tag(s.env.name), *({ADOPTED_TAG} - app.tags)],
                "client_id": app.client_id,
            },
        ),
        s.edit_right.who,
        s.edit_right.allowed,
        s.edit_right.because,
        needs=after,
        undo=f"pbisetup apply {s.env.name} --deleted-app restore",
        warning=credentials_of_others(
            app, s.env.name, label_of(s.manifest, s.env.name), s.manifest.federated_name(s.env.name)
        ),
    )
    if s.purge:
        yield _purge_step(s, app.object_id, s.sp_id, app.display_name, just_deleted=True)


def named_app(s: Removal) -> Iterator[Step]:
    """A word about the app that the manifest names and that is not taken over, or not any more."""
    app = s.app
    assert app is not None
    yield Step(
        "app",
        "leave",
        f"App registration {app.display_name!r}, client id {app.client_id}",
        "the manifest names it, but no tag of this environment is on it: it was given back, or never taken over",
    )


def adopted_app(s: Removal, after: tuple[str, ...]) -> Iterator[Step]:
    app, right = s.app, s.edit_right
    assert app is not None
    yield Step(
        "app",
        "leave",
        f"App registration {app.display_name!r}, client id {app.client_id}",
        "it was made by hand and taken over, so it stays, with its consent, owners and other credentials, and with the "
        "unique name, which can be set only once",
    )
    yield from keys(s, app)
    yield Step(
        "tags",
        "remove",
        f"Tags {listed(_our_tags(s, app))} of the app",
        "then nothing says any more that it is this environment's",
        Action("remove_tags", {"app_object_id": app.object_id, "tags": list(_our_tags(s, app))}),
        right.who,
        right.allowed,
        right.because,
        undo="adopt it again",
        # The tags are what a second run finds it by.
        needs=(*after, *s.credential_steps),
    )


def shared_app(s: Removal) -> Iterator[Step]:
    """An app, own or taken over, that others keep: all that they may rely on stays until they have let go, too."""
    app, right = s.app, s.edit_right
    assert app is not None
    yield Step(
        "app",
        "leave",
        f"App registration {app.display_name!r}, client id {app.client_id}",
        f"kept by another project or environment of pbisetup, too ({', '.join(s.keepers)}), so it stays, with its consent, "
        "permissions, roles in workspaces and memberships. Once nobody else keeps it, "
        f"`pbisetup destroy {s.env.name}` takes away the rest",
    )
    yield from keys(s, app)
    own = s.manifest.tag(s.env.name)
    if s.parting is None:
        return
    left = s.manifest.left_tag(s.env.name)
    yield Step(
        s.parting,
        "remove",
        f"Tag {own!r} of the app",
        f"the tag {left!r} takes its place, by which a later run knows it again",
        Action("remove_tags", {"app_object_id": app.object_id, "tags": [own], "instead": [left]}),
        right.who,
        right.allowed,
        right.because,
        undo=f"pbisetup apply {s.env.name}",
        needs=s.credential_steps,
    )


def keys(s: Removal, app: AppRegistration) -> Iterator[Step]:
    """Taking what was made for this environment off the app; whatever else is there stays."""
    right = s.edit_right
    for key in s.our_keys:
        kind = kind_of(key)
        yield Step(
            key_step(key),
            "remove",
            f"{TITLES[kind]} {key.display_name!r}",
            "made for this environment",
            Action(f"remove_{kind}", {"app_object_id": app.object_id, "key_id": key.key_id}),
            right.who,
            right.allowed,
            right.because,
        )
    if s.our_trust is not None:
        yield Step(
            "federated",
            "remove",
            f"Federated credential {s.our_trust.name!r}: {s.our_trust.subject!r} of {s.our_trust.issuer}",
            "made for this environment",
            Action("remove_federated_credential", {"app_object_id": app.object_id, "name": s.our_trust.name}),
            right.who,
            right.allowed,
            right.because,
        )


def _our_tags(s: Removal, app: AppRegistration) -> tuple[str, ...]:
    """Those of this environment, and of those that are nobody's what no other one needs any more."""
    name = s.env.name
    own = (s.manifest.tag(name), s.manifest.left_tag(name), s.manifest.adopted_tag(name))
    others = app.tags.difference(own)
    waiting = any(tag.startswith(LEFT) for tag in others)
    adopted = any(tag.startswith(f"{ADOPTED_TAG}:") for tag in others)
    shared = (*(() if waiting else (PROJECT_TAG,)), *(() if adopted else (ADOPTED_TAG,)))
    return tuple(tag for tag in (*shared, *own) if tag in app.tags)


def deleted_app(s: Removal) -> Iterator[Step]:
    deleted = value_of(s.seen.deleted)
    if deleted is None or s.deletes_app:
        return
    ours = s.proves_made(deleted.tags)
    if s.purge and not ours:
        raise not_ours(
            f"the deleted app registration {deleted.display_name!r} (client id {deleted.client_id}) has the unique "
            f"name of {s.env.name!r}, but its tags do not prove that pbisetup made it",
            "It is not purged. In the portal it can be, below `Deleted applications`.",
        )
    if s.purge:
        yield _purge_step(s, deleted.object_id, deleted.sp_object_id, deleted.display_name, just_deleted=False)
        return
    yield _deleted_word(s, deleted, ours=ours)


def _deleted_word(s: Removal, deleted: DeletedApp, *, ours: bool) -> Step:
    until = f" until {deleted.until:%Y-%m-%d}" if deleted.until else ""
    back = f"`pbisetup apply {s.env.name} --deleted-app restore` brings it back{until}"
    purge = f"`pbisetup destroy {s.env.name} --purge` removes it for good"
    why = f"deleted already; {back}, {purge}" if ours else "deleted already; its tags do not prove it ours"
    return Step("deleted-app", "leave", f"Deleted app registration {deleted.display_name!r}", why)


def _purge_step(s: Removal, object_id: str, sp_object_id: str | None, name: str, *, just_deleted: bool) -> Step:
    right = _purge_right(s)
    return Step(
        "purge-app",
        "remove",
        f"Deleted app registration {name!r}, for good",
        "nobody can bring it back afterwards, nor its service principal; the unique name is free again",
        Action(
            "purge_deleted_application",
            {"app_object_id": object_id, "sp_object_id": sp_object_id, "just_deleted": just_deleted},
        ),
        right.who,
        right.allowed,
        right.because,
        needs=("delete-app",) if just_deleted else (),
    )


def _purge_right(s: Removal) -> rights.Right:
    """Purging takes a role; that owners may, too, is written nowhere (graph-docs directory-deleteditems-delete)."""
    operator = s.seen.operator
    right = rights.edit_app(operator, None, ours_after_create=False)
    if operator.kind == "user" and not right.allowed:
        return rights.Right(None, _PURGERS, "whether an owner may, too, is seen only when it is tried")
    return right


def credential(s: Removal) -> Iterator[Step]:
    stored = value_of(s.seen.stored)
    if isinstance(s.seen.stored, Unknown) and s.env.credential.store != "stdout":
        why = f"could not be looked into, and what it holds stays there: {s.seen.stored.reason}"
        yield Step("credential", "leave", "Where the app's credential is kept", why)
    if stored is None:
        return
    title = f"The app's credential in {stored.where}"
    needs: tuple[str, ...] = ()
    deleted = value_of(s.seen.deleted)
    if s.deletes_app and s.app and _same(stored.client_id, s.app.client_id):
        needs = ("delete-app",)
    elif s.ownership in ("own", "adopted") and s.app and _same(stored.client_id, s.app.client_id):
        held = key_of_stored(s.app, stored)
        # What pbisetup kept and the app has no longer was taken off it by a run that did not get here.
        gone = held is None and stored.key_id is not None
        trusted = stored.kind == "federated" and s.our_trust is not None
        if held not in s.our_keys and not gone and not trusted:
            yield Step("credential", "leave", title, f"the {stored.kind} is none that was made for this environment")
            return
        needs = (key_step(held),) if held else (("federated",) if trusted else ())
    elif not (deleted and _same(stored.client_id, deleted.client_id)) and not s.seen.stored_app_gone:
        yield Step("credential", "leave", title, f"it is of another app ({stored.client_id})")
        return
    yield Step(
        "credential",
        "remove",
        title,
        "it no longer opens anything; other lines of the file stay",
        Action("forget_credential", {"client_id": stored.client_id, "where": stored.where}),
        ("you",),
        True,
        needs=needs,
    )


def _same(one: str, other: str) -> bool:
    return one.lower() == other.lower()
