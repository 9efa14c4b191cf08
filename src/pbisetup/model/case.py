"""Everything that one examination knows: facts by kind, each with who saw it, for rules, recordings and plans alike."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Generic, Literal, TypeVar

from pbisetup.model.errors import Evidence
from pbisetup.model.facts import Fact, Known, Unknown
from pbisetup.model.manifest import WorkspaceSpec
from pbisetup.model.probe import (
    ApiAnswer,
    Authority,
    Configured,
    HostSeen,
    Signature,
    TokenAttempt,
    Variable,
    WorkspaceSeen,
)
from pbisetup.model.tenant import (
    AccessPolicy,
    AppRegistration,
    Capacity,
    DelegatedGrant,
    DirectoryObject,
    FailedSignIn,
    Group,
    Operator,
    Person,
    ResourceApp,
    RoleGrant,
    ServicePrincipal,
    StoredCredential,
    TenantInfo,
    TenantSetting,
    Workspace,
)

T = TypeVar("T")


@dataclass(frozen=True)
class Key(Generic[T]):
    """A kind of fact. Some kinds are there several times, told apart by `of`."""

    name: str
    """As recordings call it."""


# -- this machine
CREDENTIAL: Final[Key[Configured]] = Key("credential")
STORED: Final[Key[StoredCredential]] = Key("stored")
VARIABLES: Final[Key[tuple[Variable, ...]]] = Key("variables")
CLOCK: Final[Key[float]] = Key("clock")
"""Seconds that the services' clock is ahead of this machine's."""
# -- the network and the authority
HOST: Final[Key[HostSeen]] = Key("host")
"""Of `login`, `powerbi`, `fabric`, `graph`; one that serves several is looked at once."""
AUTHORITY: Final[Key[Authority]] = Key("authority")
# -- what the app itself got
TOKEN: Final[Key[TokenAttempt]] = Key("token")
"""Of an audience: `powerbi`, `fabric`, or `asked` for a scope or resource that was named. A refusal is known, too."""
SIGNATURE: Final[Key[Signature]] = Key("signature")
REPLY: Final[Key[TokenAttempt]] = Key("reply")
"""Of a redirect URI: what the authorization endpoint says to it."""
ANSWER: Final[Key[ApiAnswer]] = Key("probe")
"""Of a request: `GET /v1.0/myorg/groups`."""
SEEN: Final[Key[WorkspaceSeen]] = Key("workspace_visible")
"""Of a workspace, by what the manifest or the person calls it."""
# -- the directory
SIGNED_IN: Final[Key[str]] = Key("signed_in")
"""Of `graph`, `powerbi`, `fabric`: the route by which the operator got a token for it."""
TENANT: Final[Key[TenantInfo]] = Key("tenant")
OPERATOR: Final[Key[Operator]] = Key("operator")
MAY_CREATE_APPS: Final[Key[bool]] = Key("may_create_apps")
MAY_CREATE_GROUPS: Final[Key[bool]] = Key("may_create_groups")
APP: Final[Key[AppRegistration]] = Key("app")
SERVICE_PRINCIPAL: Final[Key[ServicePrincipal]] = Key("service_principal")
NAMED: Final[Key[DirectoryObject]] = Key("named")
"""Of an id: what it is in this tenant."""
POWER_BI: Final[Key[ResourceApp]] = Key("power_bi")
GRANTS: Final[Key[tuple[DelegatedGrant, ...]]] = Key("delegated_grants")
ROLE_GRANTS: Final[Key[tuple[RoleGrant, ...]]] = Key("app_role_assignments")
MEMBERSHIPS: Final[Key[frozenset[str]]] = Key("memberships")
"""Ids of the groups that hold the service principal directly."""
NESTED: Final[Key[frozenset[str]]] = Key("nested_memberships")
"""Ids of those that hold it through another group as well."""
GROUP: Final[Key[Group]] = Key("group")
"""Of an id or a name."""
PERSON: Final[Key[Person]] = Key("person")
POLICIES: Final[Key[tuple[AccessPolicy, ...]]] = Key("policies")
"""Conditional Access that names the app."""
FAILED_SIGN_INS: Final[Key[tuple[FailedSignIn, ...]]] = Key("failed_sign_ins")
# -- Power BI and Fabric, as the operator sees them
SETTINGS: Final[Key[Mapping[str, TenantSetting]]] = Key("settings")
WORKSPACE: Final[Key[Workspace]] = Key("workspace")
"""Of a workspace, by what the manifest or the person calls it."""
CAPACITIES: Final[Key[tuple[Capacity, ...]]] = Key("capacities")
"""Those that the one who looked may see."""
MODEL: Final[Key[Mapping[str, Any]]] = Key("model")
"""Of a semantic model's id: what the API tells of it."""
REFRESH: Final[Key[Mapping[str, Any]]] = Key("refresh")
"""Of a semantic model's id: its newest refresh."""


@dataclass(frozen=True)
class ApiRequest:
    """A call that somebody wants to make, and what of it matters."""

    method: str
    url: str
    """Absolute, or a path; without its query, which may hold a key."""
    path: str
    service: Literal["powerbi", "fabric", "graph", "arm", "xmla", "other"]
    operation: str | None = None
    """Id of the documented operation, where one fits."""
    send: bool = False
    """Whether it is sent: GET always is, another method only where that was asked for."""
    profile: str | None = None
    """Service principal profile that it names."""
    ids: tuple[str, ...] = ()
    """GUIDs in its body."""
    workspace: str | None = None
    """Id of the workspace that it is about."""
    model: str | None = None
    """Id of the semantic model that it is about."""
    foreign_cloud: str | None = None
    """The other cloud that its host belongs to."""
    queried: bool = False
    """Whether it has a query of its own: then it is no other call's equal."""

    @property
    def name(self) -> str:
        """`GET /v1.0/myorg/groups`; with a `?` behind it where it has a query."""
        return f"{self.method} {self.path}{'?' if self.queried else ''}"


@dataclass(frozen=True)
class Asked:
    """What is examined: which app, for what, and what it should be able to do."""

    environment: str | None
    cloud: str
    sign_in: Literal["app", "user"]
    purposes: tuple[str, ...]
    tenant: str | None = None
    """As it was asked for: an id or a domain."""
    client_id: str | None = None
    principal_id: str | None = None
    """Object id of the service principal, where whoever asks knows it already."""
    workspaces: tuple[WorkspaceSpec, ...] = ()
    stated_roles: bool = False
    """Whether the roles of `workspaces` are meant: a manifest states them, a flag does not."""
    scopes: frozenset[str] = frozenset()
    """Delegated permissions that a person's token should hold."""
    request: ApiRequest | None = None
    scope: str | None = None
    """Asked for in place of Power BI's."""
    redirect_uris: tuple[str, ...] = ()
    token_age: float | None = None
    """Seconds: how old the program lets a token grow."""
    operator: bool = False
    """Whether somebody looks with eyes of their own."""
    groups: Mapping[str, str] = field(default_factory=dict)
    """Purpose of a group -> name or id, as the manifest has it."""


@dataclass(frozen=True)
class Sighting:
    """One fact of a case."""

    key: Key[Any]
    of: str | None
    fact: Fact[Any]


_NOT_LOOKED: Final = Unknown("nobody looked")


@dataclass(frozen=True)
class Case:
    """One examination: what was asked, by whose clock it is now, and what is known."""

    asked: Asked
    now: datetime
    sightings: tuple[Sighting, ...]
    requests: int = 0

    def fact(self, key: Key[T], of: str | None = None) -> Fact[T]:
        """The best there is: known before absent, absent before unknown, then the first that was seen."""
        found = sorted(self.all(key, of), key=lambda fact: (isinstance(fact, Unknown), not isinstance(fact, Known)))
        return found[0] if found else _NOT_LOOKED

    def value(self, key: Key[T], of: str | None = None) -> T | None:
        """The value of a known fact, else None; use only where absent and unknown mean the same."""
        fact = self.fact(key, of)
        return fact.value if isinstance(fact, Known) else None

    def all(self, key: Key[T], of: str | None = None) -> Iterator[Fact[T]]:
        """Every fact of this kind; of this one, if it is named."""
        return (each.fact for each in self.sightings if each.key == key and (of is None or each.of == of))

    def each(self, key: Key[T]) -> Iterator[tuple[str, Fact[T]]]:
        """Every fact of a kind that is there several times, with what it is of."""
        return ((each.of or "", each.fact) for each in self.sightings if each.key == key)

    def evidence(self, *wanted: tuple[Key[Any], str | None]) -> tuple[Evidence, ...]:
        """The evidence of these facts, of those that have some."""
        facts = (self.fact(key, of) for key, of in wanted)
        return tuple(fact.evidence for fact in facts if fact.evidence is not None)

    def with_facts(self, more: Iterable[Sighting]) -> Case:
        """The same with more facts."""
        return Case(self.asked, self.now, (*self.sightings, *more), self.requests)
