"""A tenant as data: snapshots of nothing, of everything in place, and of one thing changed."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from pbisetup.catalog import wellknown as ids
from pbisetup.catalog.wellknown import PUBLIC_API_SETTING
from pbisetup.model.errors import Evidence
from pbisetup.model.facts import Absent, Fact, Known, Unknown
from pbisetup.model.manifest import CredentialSpec, Environment, Manifest, WorkspaceSpec
from pbisetup.model.snapshot import Snapshot
from pbisetup.model.tenant import (
    AppRegistration,
    DelegatedGrant,
    Group,
    Note,
    Operator,
    Password,
    ResourceApp,
    ServicePrincipal,
    StoredCredential,
    TenantInfo,
    TenantSetting,
    Workspace,
)

NOW = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)
SEEN = Evidence("GET /somewhere", "operator", "HTTP 200")
TENANT = TenantInfo("11111111-1111-1111-1111-111111111111", "Contoso", "contoso.example")
POWER_BI_APP = "00000009-0000-0000-c000-000000000000"
APP, CLIENT, SP = "app-object", "client-id", "sp-object"
GROUP = "pbi-service-principals"
SCOPES = {"Workspace.Read.All": "scope-w", "Report.Read.All": "scope-r", "Dataset.Read.All": "scope-d"}

ADMIN = Operator(
    "user", "admin-id", "admin@contoso.example", "az", TENANT.id, roles=frozenset({ids.GLOBAL_ADMINISTRATOR})
)
FABRIC_ADMIN = replace(ADMIN, object_id="fabric-id", roles=frozenset({ids.FABRIC_ADMINISTRATOR}))
DEVELOPER = replace(ADMIN, object_id="dev-id", account="dev@contoso.example", roles=frozenset())
GUEST = replace(DEVELOPER, object_id="guest-id", account="guest@partner.example", guest=True)
PIPELINE = Operator(
    "service principal",
    "pipeline-id",
    "pipeline-client",
    "env",
    TENANT.id,
    graph_permissions=frozenset({"Application.ReadWrite.OwnedBy"}),
)

MANIFEST = Manifest("k7f3q2", "contoso-reports", "public", {})


def known(value: Any) -> Known[Any]:
    return Known(value, SEEN)


ABSENT = Absent(SEEN)
UNKNOWN = Unknown("it could not be read")


def automation(**changes: Any) -> Environment:
    """An environment in which a program signs in by itself."""
    base = Environment("dev", None, ("automation",), workspaces=(WorkspaceSpec("Member", name="Reports"),))
    return replace(base, **changes)


def sign_in(**changes: Any) -> Environment:
    """An environment in which people sign in."""
    return replace(Environment("dev", None, ("user-sign-in",)), **changes)


def printed() -> Environment:
    """Automation whose secret goes to standard output."""
    return automation(credential=CredentialSpec(store="stdout"))


def password(key_id: str = "key-1", name: str = "pbisetup k7f3q2/dev 2026-11-01 abc123", days: float = 80) -> Password:
    return Password(key_id, name, "abc", NOW + timedelta(days=days))


def registration(**changes: Any) -> AppRegistration:
    base = AppRegistration(
        object_id=APP,
        client_id=CLIENT,
        display_name="contoso-reports-dev",
        unique_name="pbisetup-k7f3q2-dev",
        tags=frozenset({"pbisetup", MANIFEST.tag("dev")}),
        owners=frozenset({ADMIN.object_id}),
        passwords=(password(),),
    )
    return replace(base, **changes)


def setting(enabled: bool = True, groups: tuple[str, ...] = (), **changes: Any) -> TenantSetting:
    return TenantSetting(PUBLIC_API_SETTING, "title", enabled, {g: f"name of {g}" for g in groups}, **changes)


def settings(*one: TenantSetting) -> Known[Any]:
    return known({s.name: s for s in one})


def workspace(role: Any = "Member", operator_role: Any = "Admin") -> Workspace:
    return Workspace("ws-id", "Reports", {SP: role} if role else {}, operator_role)


def stored(key_id: str | None = "key-1", client_id: str = CLIENT) -> Known[Any]:
    return known(StoredCredential(".env.dev", TENANT.id, client_id, "abc", note=Note(key_id)))


def nothing(**changes: Any) -> Snapshot:
    """A tenant in which nobody has set anything up, looked at by an administrator who may see all of it."""
    base = Snapshot(
        environment="dev",
        tenant=TENANT,
        operator=ADMIN,
        app=ABSENT,
        deleted_app=ABSENT,
        service_principal=ABSENT,
        power_bi=known(ResourceApp("power-bi-sp", POWER_BI_APP, {"Tenant.Read.All": "role-t"}, SCOPES)),
        delegated_grants=UNKNOWN,
        memberships=Unknown("there is no service principal"),
        settings=settings(setting(enabled=False)),
        stored=ABSENT,
        admitted=Unknown("not needed"),
        groups={GROUP: ABSENT},
        workspaces={"Reports": known(workspace(role=None))},
        may_create_apps=True,
        may_create_groups=True,
    )
    return replace(base, **changes)


def everything(**changes: Any) -> Snapshot:
    """The same tenant after a successful `apply` of `automation()`."""
    base = nothing(
        app=known(registration()),
        service_principal=known(ServicePrincipal(SP, CLIENT)),
        memberships=known(frozenset({"g1"})),
        settings=settings(setting(groups=("g1",))),
        stored=stored(),
        groups={GROUP: known(Group("g1", GROUP)), "g1": known(Group("g1", GROUP))},
        workspaces={"Reports": known(workspace())},
    )
    return replace(base, **changes)


def signed_in(**changes: Any) -> Snapshot:
    """The same tenant after a successful `apply` of `sign_in()`."""
    base = everything(
        app=known(sign_in_app()),
        delegated_grants=known((grant(),)),
        stored=ABSENT,
    )
    return replace(base, **changes)


def sign_in_app(**changes: Any) -> AppRegistration:
    declared = frozenset((POWER_BI_APP, id_, "Scope") for id_ in SCOPES.values())
    base = registration(
        declared=declared, public_client=True, redirect_uris=frozenset({"http://localhost"}), passwords=()
    )
    return replace(base, **changes)


def grant(scopes: frozenset[str] = frozenset(SCOPES), principal: str | None = None) -> DelegatedGrant:
    return DelegatedGrant("grant-1", "power-bi-sp", scopes, principal)


def group(**changes: Any) -> Fact[Group]:
    return known(replace(Group("g1", GROUP), **changes))
