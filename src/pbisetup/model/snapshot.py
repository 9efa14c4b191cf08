"""What could be observed about one environment: every field a fact, none of them guessed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from pbisetup.model.facts import Fact, Unknown
from pbisetup.model.tenant import (
    AppRegistration,
    BroughtCertificate,
    Capacity,
    CredentialPolicy,
    DelegatedGrant,
    Group,
    Operator,
    ResourceApp,
    Retiring,
    RoleGrant,
    ServicePrincipal,
    StoredCredential,
    TenantInfo,
    TenantSetting,
    TrustedSubject,
    Workspace,
)

_NOT_LOOKED: Final = Unknown("nobody looked")


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
    admitted_by: Mapping[str, Fact[bool]] = field(default_factory=dict)
    """The same of other tenant settings, by name, where a call of the app's shows it."""
    token_refusals: frozenset[int] = frozenset()
    """AADSTS numbers with which the token endpoint refused the stored credential; empty where it was not tried."""
    groups: Mapping[str, Fact[Group]] = field(default_factory=dict)
    """By id, and by the name the manifest uses."""
    workspaces: Mapping[str, Fact[Workspace]] = field(default_factory=dict)
    """By the manifest's key; absent: the operator sees none."""
    app_looked: bool = False
    """Whether the app itself looked for those that the operator does not see: what it found stands among them."""
    elsewhere: Mapping[str, Fact[str]] = field(default_factory=dict)
    """Of workspaces that the operator does not see, by the manifest's key: the id of the one that a Fabric administrator can
    tell exists, absent where none does, unknown where nobody here can tell."""
    app_roles: Fact[tuple[RoleGrant, ...]] = _NOT_LOOKED
    """Application permissions that the service principal was granted, of every API."""
    capacity: Fact[Capacity] = _NOT_LOOKED
    """The one that the manifest names, where the operator may use it."""
    trusted: Fact[TrustedSubject] = _NOT_LOOKED
    """Whose assertions the app is to take by the manifest, to the letter; looked up only for a federated credential."""
    app_capacities: Fact[frozenset[str]] = _NOT_LOOKED
    """Ids of the capacities that the app itself may use."""
    who_else: Mapping[str, str] = field(default_factory=dict)
    """Group id -> who is in it besides the service principal, in words."""
    may_create_apps: bool | None = None
    may_create_groups: bool | None = None
    journalled: frozenset[str] = frozenset()
    """Display names of secrets that an interrupted run of this machine asked for and never stored."""
    policy: Fact[CredentialPolicy] = _NOT_LOOKED
    """What policies say of the app's credentials; looked at where a new one may be needed."""
    brought: Fact[BroughtCertificate] = _NOT_LOOKED
    """The certificate that the manifest names."""
    retiring: tuple[Retiring, ...] = ()
    """What this machine knows to be replaced, of a store that cannot say so itself."""
    spared: frozenset[str] = frozenset()
    """Key ids that this very run has replaced: they are removed by another one."""
    refused: frozenset[str] = frozenset()
    """Ids of steps that this operator tried before and was refused; empty where they are to be tried again."""
