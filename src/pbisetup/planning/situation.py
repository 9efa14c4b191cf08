"""Where an environment stands: manifest and snapshot side by side, and what the operator may do about it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from pbisetup.catalog.purposes import Purpose, purposes
from pbisetup.model.facts import value_of
from pbisetup.model.manifest import Environment, Manifest
from pbisetup.model.snapshot import Snapshot
from pbisetup.model.tenant import AppRegistration, ServicePrincipal
from pbisetup.planning import rights


@dataclass(frozen=True)
class Situation:
    """What every part of the planner decides from."""

    manifest: Manifest
    env: Environment
    seen: Snapshot
    now: datetime
    mends: bool = False
    """Whether an app that is there is mended: then none is made, whoever can see it."""

    @cached_property
    def app(self) -> AppRegistration | None:
        return value_of(self.seen.app)

    @cached_property
    def sp(self) -> ServicePrincipal | None:
        return value_of(self.seen.service_principal)

    @cached_property
    def purposes(self) -> list[Purpose]:
        return [purposes()[name] for name in self.env.purposes]

    @property
    def creates_app(self) -> bool:
        return self.app is None and not self.mends

    @property
    def app_name(self) -> str:
        return self.app.display_name if self.app else self.manifest.display_name(self.env.name)

    @property
    def app_ref(self) -> str:
        """The application's object id, or the name of the output that will be it."""
        return self.app.object_id if self.app else "{app_object_id}"

    @property
    def sp_ref(self) -> str:
        """The service principal's object id, or the name of the output that will be it."""
        return self.sp.object_id if self.sp else "{sp_object_id}"

    @cached_property
    def create_right(self) -> rights.Right:
        """Whether the operator may register the app."""
        return self.unless_refused("app", rights.create_app(self.seen.operator, self.seen.may_create_apps))

    @property
    def somebody_else_makes_the_app(self) -> bool:
        return self.creates_app and self.create_right.allowed is False

    @cached_property
    def edit_right(self) -> rights.Right:
        """Whether the operator may give the app a secret. Never somebody else's task: a secret would have to be sent."""
        owners = self.app.owners if self.app else None
        right = rights.edit_app(self.seen.operator, owners, ours_after_create=self.creates_app)
        if self.somebody_else_makes_the_app:
            return rights.Right(False, ("you",), f"the app must exist first; then run {self._again}")
        if right.allowed is False and self.seen.operator.kind == "user" and self.app and self.app.owners is not None:
            # The owner step asks for that.
            return rights.Right(False, ("you",), f"you must own the app first; then run {self._again}")
        return right

    @property
    def _again(self) -> str:
        return "`pbisetup doctor --fix`" if self.mends else "`pbisetup apply`"

    def unless_refused(self, step_id: str, right: rights.Right) -> rights.Right:
        """What a service refused before outweighs what roles and policies suggest."""
        if step_id not in self.seen.refused:
            return right
        return rights.Right(False, right.who, "it was refused when you tried")

    def after_app(self, right: rights.Right) -> rights.Right:
        """A right that waits for somebody else to register the app; what the operator may then do stays theirs."""
        if not self.somebody_else_makes_the_app:
            return right
        who = ("you",) if right.allowed else right.who
        return rights.Right(False, who, "there is no service principal yet")
