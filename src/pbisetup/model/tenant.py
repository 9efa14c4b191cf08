"""The things of a tenant that pbisetup speaks about, as plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

OperatorKind = Literal["user", "service principal"]
WorkspaceRole = Literal["Admin", "Member", "Contributor", "Viewer"]
WORKSPACE_ROLES: tuple[WorkspaceRole, ...] = ("Admin", "Member", "Contributor", "Viewer")


@dataclass(frozen=True)
class TenantInfo:
    """The directory that is worked on."""

    id: str
    name: str
    domain: str


@dataclass(frozen=True)
class Operator:
    """Who is signed in to Graph and Fabric."""

    kind: OperatorKind
    object_id: str
    account: str
    """User principal name, or the client id of a service principal."""
    route: str
    """`az`, `browser`, `device`, `env`, ..."""
    tenant_id: str
    guest: bool = False
    roles: frozenset[str] = frozenset()
    """Template ids of the active directory roles."""
    graph_permissions: frozenset[str] = frozenset()
    """Delegated scopes or application permissions in the Graph token; empty where the token is opaque."""


@dataclass(frozen=True)
class Password:
    """A client secret as the directory shows it: never its value."""

    key_id: str
    display_name: str
    hint: str
    ends: datetime | None
    starts: datetime | None = None


@dataclass(frozen=True)
class Certificate:
    """A certificate that the directory knows of an app; `thumbprint` is its SHA-1 in upper-case hexadecimal."""

    key_id: str
    display_name: str
    thumbprint: str
    ends: datetime | None
    starts: datetime | None = None


@dataclass(frozen=True)
class CredentialPolicy:
    """What the tenant's policies say of the app's credentials (entra.md 4.1)."""

    name: str = ""
    forbids_secrets: bool = False
    longest_secret: timedelta | None = None
    longest_certificate: timedelta | None = None
    own_authority: bool = False
    """Whether only certificates of authorities that the tenant trusts are taken."""


@dataclass(frozen=True)
class BroughtCertificate:
    """The public side of a certificate that the manifest names."""

    thumbprint: str
    ends: datetime


@dataclass(frozen=True)
class FederatedCredential:
    """Whose assertions an app takes in place of a secret."""

    name: str
    issuer: str
    subject: str
    audiences: frozenset[str] = frozenset()


@dataclass(frozen=True)
class TrustedSubject:
    """Whose assertions an app is to take in place of a secret: an issuer's word about a subject (entra.md 1.9)."""

    issuer: str
    subject: str
    """Compared to the letter."""
    audience: str = ""
    """Empty: the cloud's own for token exchange."""


@dataclass(frozen=True)
class AppRegistration:
    """The application object. `object_id`, `client_id` and the service principal's id are three different ids."""

    object_id: str
    client_id: str
    display_name: str
    unique_name: str | None = None
    tags: frozenset[str] = frozenset()
    owners: frozenset[str] | None = None
    """Object ids; None where they could not be read."""
    declared: frozenset[tuple[str, str, str]] = frozenset()
    """Required resource access: (resource app id, permission id, `Role` or `Scope`)."""
    passwords: tuple[Password, ...] = ()
    public_client: bool = False
    redirect_uris: frozenset[str] = frozenset()
    """Of the mobile and desktop platform, where the system browser comes back to."""
    other_redirect_uris: frozenset[str] = frozenset()
    """Of the web and single-page platforms."""
    certificates: tuple[Certificate, ...] = ()
    federated: tuple[FederatedCredential, ...] | None = None
    """None where they were not read."""
    barred: str = ""
    """`disabledByMicrosoftStatus`, where Microsoft has barred the app."""
    disabled: bool = False
    """`isDisabled`: nobody gets a token for it."""
    created: datetime | None = None


@dataclass(frozen=True)
class ServicePrincipal:
    object_id: str
    client_id: str
    enabled: bool = True
    name: str = ""
    assignment_required: bool = False
    owner_tenant: str = ""
    """Id of the tenant that the application is registered in."""


@dataclass(frozen=True)
class ResourceApp:
    """The tenant's own service principal of an API: where permission ids come from."""

    object_id: str
    app_id: str
    roles: Mapping[str, str] = field(default_factory=dict)
    """Application permission name -> id."""
    scopes: Mapping[str, str] = field(default_factory=dict)
    """Delegated permission name -> id."""
    enabled: bool = True


@dataclass(frozen=True)
class DelegatedGrant:
    """One oAuth2PermissionGrant."""

    id: str
    resource_id: str
    scopes: frozenset[str]
    principal_id: str | None
    """None: for everybody in the tenant (`AllPrincipals`)."""


@dataclass(frozen=True)
class RoleGrant:
    """One appRoleAssignment: an application permission that was granted to the service principal."""

    id: str
    resource_id: str
    role_id: str


@dataclass(frozen=True)
class Capacity:
    id: str
    name: str
    sku: str
    state: str
    """`Active`, `Suspended`, ..."""


@dataclass(frozen=True)
class DirectoryObject:
    """What an id is in this tenant."""

    id: str
    kind: Literal["application", "service principal", "user", "group", "other"]
    name: str
    client_id: str | None = None
    """Of an application or a service principal."""


@dataclass(frozen=True)
class Person:
    """Who signs in to the app, as the directory knows them."""

    object_id: str
    account: str
    roles: frozenset[str] = frozenset()
    """Template ids of the directory roles that are active."""
    eligible: frozenset[str] | None = None
    """Template ids of those that could be activated (PIM); None where they could not be read."""
    licences: frozenset[str] | None = None
    """Service plans by name; None where they could not be read."""
    assigned: bool | None = None
    """Whether they are assigned to the app; None where that could not be read."""


@dataclass(frozen=True)
class AccessPolicy:
    """A Conditional Access policy that is on and names the app, its resource or whoever signs in to it."""

    id: str
    name: str
    blocks: bool
    conditional: bool = False
    """Whether locations, devices or risk decide if it applies."""


@dataclass(frozen=True)
class FailedSignIn:
    """One refused sign-in of the app, from the tenant's log."""

    time: datetime | None
    code: int
    reason: str
    resource: str


@dataclass(frozen=True)
class Group:
    id: str
    name: str
    security: bool = True
    synced: bool = False
    unified: bool = False
    dynamic: bool = False
    """Its members are chosen by a rule, which knows people and devices only (general knowledge)."""
    role_assignable: bool = False
    operator_owns: bool | None = None

    @property
    def admits_service_principals(self) -> bool:
        """Whether a tenant setting limited to it lets its service principals in: a cloud security group.

        Source: powerbi-docs embed-service-principal (security group), powerbi-docs PR#4850 (synced group refused).
        """
        return self.security and not self.synced and not self.unified and not self.dynamic


@dataclass(frozen=True)
class TenantSetting:
    """A Fabric tenant setting. Scoped means that `enabled_groups` is not empty (powerbi.md 7)."""

    name: str
    title: str
    enabled: bool
    enabled_groups: Mapping[str, str] = field(default_factory=dict)
    """Group id -> name."""
    excluded_groups: Mapping[str, str] = field(default_factory=dict)
    can_specify_groups: bool = True
    raw: Mapping[str, object] = field(default_factory=dict)
    """The setting as the API gave it: an update sends every part back that it does not mean to change."""

    @property
    def scoped(self) -> bool:
        return bool(self.enabled_groups)


@dataclass(frozen=True)
class Workspace:
    id: str
    name: str
    roles: Mapping[str, WorkspaceRole] | None = None
    """Principal id -> role; None where they could not be read."""
    operator_role: WorkspaceRole | None = None
    kinds: Mapping[str, str] = field(default_factory=dict)
    """Principal id -> `App`, `User`, `Group`, `Profile` (of a service principal), for those in `roles`."""
    capacity_id: str | None = None
    """None where it is on shared capacity, or where that is not shown."""
    on_capacity: bool | None = None
    classic: bool | None = None
    """A workspace of the first generation, which takes no service principals; None where that is not shown."""


@dataclass(frozen=True)
class Retiring:
    """A credential of the app that another one has taken the place of."""

    key_id: str
    after: datetime
    """Until then whoever still holds it may use it; from then on it is removed."""


@dataclass(frozen=True)
class Note:
    """What pbisetup keeps beside a credential, none of it secret: which one of the app's it is, and what came before it."""

    key_id: str | None = None
    """Its `keyId` in the directory; of a federated credential, its name."""
    ends: str = ""
    """The day, as YYYY-MM-DD."""
    application: str = ""
    """Object id of the app registration: who rolls a certificate without any Graph right has to know it (entra.md 1.8)."""
    instead_of: str = ""
    """The kind that was asked for, where a policy of the tenant forbids that and this kind took its place."""
    retiring: tuple[Retiring, ...] = ()


@dataclass(frozen=True)
class StoredCredential:
    """What the store holds for an environment, without the secret."""

    where: str
    tenant_id: str
    client_id: str
    hint: str = ""
    """The first three characters of a client secret, as the directory shows them for the same one."""
    kind: Literal["secret", "certificate", "federated"] = "secret"
    thumbprint: str = ""
    """Of a certificate: SHA-1 in upper-case hexadecimal."""
    note: Note = Note()

    @property
    def key_id(self) -> str | None:
        return self.note.key_id
