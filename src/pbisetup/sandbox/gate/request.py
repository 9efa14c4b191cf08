"""One call to Power BI or Fabric, with everything its fate is decided from."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from typing import Final

from pbisetup.catalog.operations import Operation
from pbisetup.model.cloud import Cloud
from pbisetup.sandbox import access, limits
from pbisetup.sandbox.bearer import BadToken, Caller, read_bearer
from pbisetup.sandbox.gate.fields import Fields, fields
from pbisetup.sandbox.home import addressed
from pbisetup.sandbox.store import Object, Tenant
from pbisetup.sandbox.wire import Call, World

PROFILE_HEADER: Final = "x-powerbi-profile-id"
"""The service principal profile that a call is made as (source: powerbi.md 3)."""
FORM: Final = "application/x-www-form-urlencoded"


@dataclass(frozen=True)
class Need:
    """What a call needs beside an admitted caller. What the operation itself needs stands in the catalogue."""

    operation: Operation
    role: str | None = None
    """The least workspace role; None: the call is about no workspace."""
    capacity: bool = False
    """It runs on the workspace's capacity, which must be active."""
    settings: tuple[str, ...] = ()
    """Further tenant settings that must let the caller in."""
    app_settings: tuple[str, ...] = ()
    """Those that only a service principal needs."""


class Request:
    """One call; each fact is looked up when it is first asked for."""

    def __init__(self, world: World, call: Call, need: Need) -> None:
        self.world = world
        self.call = call
        self.need = need

    @property
    def tenant(self) -> Tenant:
        return self.world.tenant

    @property
    def operation(self) -> Operation:
        return self.need.operation

    @cached_property
    def cloud(self) -> Cloud:
        """The cloud whose address was called."""
        return addressed(self.tenant, self.call.origin)

    def changed(self) -> None:
        self.tenant.changed = True

    @cached_property
    def token(self) -> Caller | BadToken:
        """Who the token says is calling, or what is wrong with the token."""
        try:
            return read_bearer(self.world, self.call)
        except BadToken as bad:
            return bad

    @property
    def caller(self) -> Caller:
        """Only for a call whose token is good."""
        assert isinstance(self.token, Caller)
        return self.token

    @property
    def is_app(self) -> bool:
        return self.caller.kind == "app"

    @cached_property
    def person(self) -> Object:
        """The user who calls; empty for a service principal."""
        return {} if self.is_app else self.tenant.users.get(self.caller.object_id) or {}

    @property
    def profile_id(self) -> str | None:
        """What the profile header names."""
        return self.call.headers.get(PROFILE_HEADER)

    @cached_property
    def profile(self) -> Object | None:
        """The calling service principal's own profile of that id."""
        found = self.tenant.profiles.get(self.profile_id) if self.profile_id else None
        return found if found and found.get("servicePrincipalId") == self.caller.object_id else None

    @property
    def acting_id(self) -> str:
        """The object id whose roles count: the profile's, else the caller's."""
        return str(self.profile["id"]) if self.profile else self.caller.object_id

    def admission(self, setting: str) -> access.Admission:
        """Whether a tenant setting lets the caller in; a profile is let in where its service principal is."""
        return access.admission(self.world, setting, self.caller.object_id)

    @property
    def media_type(self) -> str:
        """What the caller says the body is."""
        return self.call.headers.get("content-type", "").partition(";")[0].strip().lower()

    @cached_property
    def body(self) -> Fields:
        """The JSON object or the form of the body, its names without regard to case. Raises BadBody."""
        given: Fields = fields(self.call.form() if self.media_type == FORM else self.call.json())
        return given

    @property
    def workspace_id(self) -> str | None:
        """As the path names it."""
        return self.call.params.get("groupId") or self.call.params.get("workspaceId")

    @cached_property
    def found(self) -> Object | None:
        """The workspace of the path, whoever may see it."""
        return self.tenant.workspaces.get(self.workspace_id) if self.workspace_id else None

    @property
    def workspace(self) -> Object:
        """The same, for a call that was let in."""
        assert self.found is not None
        return self.found

    @cached_property
    def role(self) -> str | None:
        """The caller's role in that workspace."""
        return access.workspace_role(self.world, self.found, self.acting_id) if self.found else None

    @cached_property
    def capacity(self) -> Object | None:
        """The capacity of that workspace."""
        id_ = (self.found or {}).get("capacityId")
        return self.tenant.capacities.get(id_) if isinstance(id_, str) else None

    @cached_property
    def wait(self) -> int | None:
        """Seconds until the operation's rate limit lets the caller in again; asking counts the call."""
        return limits.take_all(self.world, self.operation, self.caller.object_id)

    @property
    def blocked_until(self) -> str:
        """When that is, as Fabric writes it: 9/2/2025 6:17:18 PM (source: recordings in microsoft/fabric-cli)."""
        end = self.world.now() + timedelta(seconds=self.wait or 0)
        half = "AM" if end.hour < 12 else "PM"
        return f"{end.month}/{end.day}/{end.year} {end.hour % 12 or 12}:{end:%M:%S} {half}"

    @property
    def fields(self) -> dict[str, str]:
        """What the text of a refusal may name."""
        capacity = str((self.found or {}).get("capacityId") or "")
        return {
            "id": self.workspace_id or "",
            "operation": self.operation.id,
            "capacity": capacity,
            "setting": self.refusing,
        }

    @property
    def refusing(self) -> str:
        """The title of the first further setting that does not let the caller in."""
        if isinstance(self.token, BadToken):
            return ""
        needed = (*self.need.settings, *(self.need.app_settings if self.is_app else ()))
        name = next((name for name in needed if self.admission(name) != "admitted"), "")
        return str((self.tenant.tenantSettings.get(name) or {}).get("title") or name)


GUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
