"""What one environment has in its tenant and here, and who shares it: what taking it away is decided from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from pbisetup.model.facts import Fact
from pbisetup.model.tenant import (
    AppRegistration,
    DelegatedGrant,
    Group,
    Operator,
    RoleGrant,
    ServicePrincipal,
    StoredCredential,
    TenantInfo,
    TenantSetting,
    Workspace,
)


@dataclass(frozen=True)
class DeletedApp:
    """A soft-deleted application with the environment's unique name."""

    object_id: str
    client_id: str
    display_name: str
    tags: frozenset[str]
    until: datetime | None = None
    """When it can no longer be brought back."""
    sp_object_id: str | None = None
    """Its soft-deleted service principal, an object of its own."""


@dataclass(frozen=True)
class OwnGroup:
    """A group that the project made: its unique name says so."""

    group: Group
    members: frozenset[str] | None
    """Object ids of the direct members; None where they could not be read."""
    used_by: tuple[str, ...] | None
    """What else it was put to: groups that it is in, apps that it is assigned to; None where that could not be read."""


@dataclass(frozen=True)
class Sibling:
    """The app of another environment of the project."""

    client_id: str
    display_name: str


@dataclass(frozen=True)
class Belongings:
    """One environment as the operator could see it, before it is taken away."""

    environment: str
    tenant: TenantInfo
    operator: Operator
    app: Fact[AppRegistration]
    """By the unique name, by the manifest's client id, or by the environment's tag."""
    deleted: Fact[DeletedApp]
    namesakes: tuple[AppRegistration, ...] = ()
    """Apps that have only the display name; looked for where nothing else was found."""
    siblings: Fact[tuple[Sibling, ...]] = field(kw_only=True)
    principal: Fact[ServicePrincipal] = field(kw_only=True)
    memberships: Fact[tuple[Group, ...]] = field(kw_only=True)
    grants: Fact[tuple[DelegatedGrant, ...]] = field(kw_only=True)
    app_roles: Fact[tuple[RoleGrant, ...]] = field(kw_only=True)
    groups: Mapping[str, Fact[OwnGroup]] = field(kw_only=True)
    """The project's own groups, by how their uniqueNames end."""
    settings: Fact[Mapping[str, TenantSetting]] = field(kw_only=True)
    workspaces: Mapping[str, Fact[Workspace]] = field(kw_only=True)
    """By the manifest's key."""
    foreign: frozenset[str] = field(default=frozenset(), kw_only=True)
    """Ids of workspaces that the operator sees as an administrator of the tenant only, without a role in them."""
    elsewhere: tuple[Workspace, ...] = field(default=(), kw_only=True)
    """Workspaces that the manifest does not name and that the app itself says it has a role in."""
    stored: Fact[StoredCredential] = field(kw_only=True)
    stored_app_gone: bool = field(default=False, kw_only=True)
    """Whether the stored credential is one that pbisetup kept, for an app of this tenant that is no longer there."""
    refused: frozenset[str] = field(default=frozenset(), kw_only=True)
    """Ids of steps that this operator tried in this run and was refused."""
