"""What taking an environment away is decided from: manifest and belongings side by side, and whose the app is."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Final, Literal

from pbisetup.catalog import purposes
from pbisetup.model.belongings import Belongings
from pbisetup.model.errors import Evidence, PbisetupError
from pbisetup.model.facts import Known, value_of
from pbisetup.model.manifest import ADOPTED_TAG, Environment, Manifest
from pbisetup.model.tenant import AppRegistration, Password
from pbisetup.planning import rights
from pbisetup.planning.manifest import is_guid

PROJECT_TAG: Final = "pbisetup"

Ownership = Literal["own", "adopted", "named"]
"""Made by pbisetup; made by hand and taken over; or made by hand and only named in the manifest."""


def group_keys(manifest: Manifest) -> tuple[str, ...]:
    """How the uniqueNames of the groups end that the project may have made: by what each is for, and by what the manifest
    calls it, where it does.
    """
    kinds = purposes.group_kinds()
    named = (pair for environment in manifest.environments.values() for pair in environment.groups.items())
    own = (manifest.group_unique_name(kind, name) for kind, name in named if not is_guid(name))
    return tuple(dict.fromkeys((*kinds, *(name.removeprefix(manifest.group_unique_name("")) for name in own))))


def secret_prefix(environment: str) -> str:
    """How the display names of the secrets begin that were made for this environment."""
    return f"pbisetup {environment} "


@dataclass(frozen=True)
class Removal:
    """What every part decides from."""

    manifest: Manifest
    env: Environment
    seen: Belongings
    purge: bool

    @cached_property
    def app(self) -> AppRegistration | None:
        return value_of(self.seen.app)

    @cached_property
    def sp_id(self) -> str | None:
        principal = value_of(self.seen.principal)
        return principal.object_id if principal else None

    @cached_property
    def ownership(self) -> Ownership | None:
        """Whose the app is; None where there is none. Raises PbisetupError where that is not proved."""
        if self.app is None:
            if self.seen.namesakes:
                self._refuse_namesakes()
            return None
        tagged = self.manifest.tag(self.env.name) in self.app.tags
        by_hand = self.app.client_id.lower() == (self.env.client_id or "").lower()
        if by_hand and not tagged:
            return "named"
        if tagged and (by_hand or ADOPTED_TAG in self.app.tags):
            return "adopted"
        unique_name = self.manifest.unique_name(self.env.name)
        if tagged and self.app.unique_name == unique_name:
            return "own"
        missing = f"the tag {self.manifest.tag(self.env.name)!r}" if not tagged else f"the unique name {unique_name!r}"
        raise not_ours(
            f"the app registration {self.app.display_name!r} (client id {self.app.client_id}) is not proved to be "
            f"that of {self.env.name!r}: it lacks {missing}",
            "Nothing was changed. If it is yours all the same, delete it in the portal, or let "
            f"`pbisetup apply {self.env.name}` put its tags right first.",
        )

    def _refuse_namesakes(self) -> None:
        """An app that has only our name, and of which pbisetup knows nothing, is somebody else's until proved otherwise."""
        foreign = [app for app in self.seen.namesakes if PROJECT_TAG not in app.tags]
        if foreign:
            ids = ", ".join(app.client_id for app in foreign)
            raise not_ours(
                f"there is no app registration of {self.env.name!r}; one that is only called "
                f"{foreign[0].display_name!r} (client id {ids}) has neither its unique name nor its tag",
                "A name proves nothing, so nothing was changed. If it is yours all the same, delete it in the portal.",
            )

    @cached_property
    def own_groups(self) -> frozenset[str]:
        return frozenset(f.value.group.id for f in self.seen.groups.values() if isinstance(f, Known))

    @cached_property
    def edit_right(self) -> rights.Right:
        owners = self.app.owners if self.app else None
        return rights.edit_app(self.seen.operator, owners, ours_after_create=False)

    @cached_property
    def our_passwords(self) -> tuple[Password, ...]:
        prefix = secret_prefix(self.env.name)
        return tuple(p for p in self.app.passwords if p.display_name.startswith(prefix)) if self.app else ()


def not_ours(message: str, remedy: str) -> PbisetupError:
    """The error for an app that is not proved to be the environment's."""
    evidence = (Evidence("the directory", "operator", "uniqueName and tags of the app registration"),)
    return PbisetupError("PBI921", message, remedy=remedy, evidence=evidence)
