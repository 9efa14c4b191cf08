"""What could be observed about one environment: every field a fact, none of them guessed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pbisetup.model.facts import Fact
from pbisetup.model.tenant import (
    AppRegistration,
    DelegatedGrant,
    Group,
    Operator,
    ResourceApp,
    ServicePrincipal,
    StoredCredential,
    TenantInfo,
    TenantSetting,
    Workspace,
)


@dataclass(frozen=True)
class Snapshot:
    """One environment as the operator could see it."""

    environment: str
    tenant: TenantInfo
    operator: Operator
    app: Fact[AppRegistration]
    deleted_app: Fact[str]
    """Object id of a soft-deleted application with the same unique name."""
    service_principal: Fact[ServicePrincipal]
    power_bi: Fact[ResourceApp]
    delegated_grants: Fact[tuple[DelegatedGrant, ...]]
    memberships: Fact[frozenset[str]]
    """Ids of the groups that hold the service principal directly."""
    settings: Fact[Mapping[str, TenantSetting]]
    stored: Fact[StoredCredential]
    admitted: Fact[bool]
    """Whether the Power BI API admitted the app's own token: what the app sees where the operator may not look."""
    token_refusals: frozenset[int] = frozenset()
    """AADSTS numbers with which the token endpoint refused the stored credential; empty where it was not tried."""
    groups: Mapping[str, Fact[Group]] = field(default_factory=dict)
    """By id, and by the name the manifest uses."""
    workspaces: Mapping[str, Fact[Workspace]] = field(default_factory=dict)
    """By the manifest's key."""
    may_create_apps: bool | None = None
    may_create_groups: bool | None = None
    journalled: frozenset[str] = frozenset()
    """Display names of secrets that an interrupted run of this machine asked for and never stored."""
    refused: frozenset[str] = frozenset()
    """Ids of steps that this operator tried before and was refused; empty where they are to be tried again."""
