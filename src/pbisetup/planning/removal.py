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
from pbisetup.model.tenant import AppRegistration, FederatedCredential
from pbisetup.planning import rights
from pbisetup.planning.held import AppKey, keys_of, kind_of, made_for
from pbisetup.planning.manifest import is_guid

PROJECT_TAG: Final = "pbisetup"
CLAIM: Final = f"{PROJECT_TAG}:"
"""How the tag begins by which an environment of a project keeps an app."""

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


@dataclass(frozen=True)
class Removal:
    """What every part decides from."""

    manifest: Manifest
    env: Environment
    seen: Belongings
    purge: bool
    only_credential: bool = False
    """Whether nothing but the credential is taken away."""

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
        tagged = self._claims(self.app.tags)
        by_hand = self.app.client_id.lower() == (self.env.client_id or "").lower()
        if by_hand and not tagged:
            return "named"
        unique_name = self.manifest.unique_name(self.env.name)
        named_by_us = self.app.unique_name == unique_name
        if tagged and (by_hand or self.taken_over(self.app.tags, named_by_us=named_by_us)):
            return "adopted"
        if tagged and named_by_us:
            return "own"
        missing = f"the tag {self.manifest.tag(self.env.name)!r}" if not tagged else f"the unique name {unique_name!r}"
        raise not_ours(
            f"the app registration {self.app.display_name!r} (client id {self.app.client_id}) is not proved to be "
            f"that of {self.env.name!r}: it lacks {missing}",
            "Nothing was changed. If it is yours all the same, delete it in the portal, or let "
            f"`pbisetup apply {self.env.name}` put its tags right first.",
        )

    def _claims(self, tags: frozenset[str]) -> bool:
        """Whether the tags say that it is this environment's, or was until `destroy` let go of what others keep."""
        return not tags.isdisjoint((self.manifest.tag(self.env.name), self.manifest.left_tag(self.env.name)))

    def taken_over(self, tags: frozenset[str], *, named_by_us: bool) -> bool:
        """Whether the tags say that this environment took over what somebody made by hand.

        ADOPTED_TAG alone does not say who did; on an app with our unique name it may be somebody else who took over ours.
        """
        if self.manifest.adopted_tag(self.env.name) in tags:
            return True
        by_others = self.others(tags) or any(tag.startswith(f"{ADOPTED_TAG}:") for tag in tags)
        return ADOPTED_TAG in tags and not (named_by_us and by_others)

    def proves_made(self, tags: frozenset[str]) -> bool:
        """Whether these tags of something with our unique name prove that pbisetup made it for us, and nobody keeps it."""
        return self._claims(tags) and not self.taken_over(tags, named_by_us=True) and not self.others(tags)

    def others(self, tags: frozenset[str]) -> tuple[str, ...]:
        """Other projects and environments that keep what bears these tags, as PROJECT/ENV."""
        own = self.manifest.tag(self.env.name)
        return tuple(sorted(tag.removeprefix(CLAIM) for tag in tags if tag.startswith(CLAIM) and tag != own))

    @cached_property
    def keepers(self) -> tuple[str, ...]:
        """Other projects and environments that keep the app: what it can do stays as long as there are any."""
        return self.others(self.app.tags) if self.app and self.ownership in ("own", "adopted") else ()

    @property
    def deletes_app(self) -> bool:
        return self.ownership == "own" and not self.keepers and not self.only_credential

    @cached_property
    def parting(self) -> str | None:
        """Id of the step by which the app is let go; None where there is none."""
        if self.app is None or self.ownership not in ("own", "adopted"):
            return None
        if self.deletes_app:
            return "delete-app"
        return "tags" if not self.keepers or self.manifest.tag(self.env.name) in self.app.tags else None

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
    def our_keys(self) -> tuple[AppKey, ...]:
        """Client secrets and certificates that were made for this environment."""
        return tuple(key for key in keys_of(self.app) if made_for(self.manifest, self.env, key))

    @cached_property
    def our_trust(self) -> FederatedCredential | None:
        """The federated credential that was made for this environment."""
        name = self.manifest.federated_name(self.env.name)
        return next((each for each in (self.app.federated if self.app else None) or () if each.name == name), None)

    @property
    def credential_steps(self) -> tuple[str, ...]:
        """Ids of the steps that take the environment's credentials off the app."""
        return (*map(key_step, self.our_keys), *(("federated",) if self.our_trust else ()))


def key_step(key: AppKey) -> str:
    """Id of the step that takes a credential off the app."""
    return f"{kind_of(key)}-{key.key_id}"


def not_ours(message: str, remedy: str) -> PbisetupError:
    """The error for an app that is not proved to be the environment's."""
    evidence = (Evidence("the directory", "operator", "uniqueName and tags of the app registration"),)
    return PbisetupError("PBI921", message, remedy=remedy, evidence=evidence)
