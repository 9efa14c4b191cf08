"""Signing the operator in, and what can be known of them at once: tenant, account, kind, roles, policies."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from pbisetup.catalog.wellknown import AZURE_CLI_APP_ID
from pbisetup.diagnosis.claims import NotDecodable, decode
from pbisetup.model.claims import Claims
from pbisetup.model.errors import Evidence, Observer, SignInFailed, Unavailable, UsageError
from pbisetup.model.tenant import Operator, TenantInfo
from pbisetup.services import authority, azure_cli, identity, workload
from pbisetup.services.directory import Directory
from pbisetup.services.identity import TokenSource
from pbisetup.services.network import Network
from pbisetup.services.rest import RestClient

ROUTES = ("auto", "az", "browser", "device", "env", "workload", "managed")
UNATTENDED = ("env", "workload")
"""Those that are taken unasked, where the environment says as whom."""


@dataclass(frozen=True)
class SignIn:
    """How somebody wants to sign in."""

    route: str = "auto"
    tenant: str | None = None
    client_id: str | None = None
    """Instead of the Azure CLI's public client."""
    terminal: bool = True
    """Whether a person watches: without one a device code is waited for a minute only, and a browser is opened only where
    the route names it."""
    prompt: Callable[[str, str, str], None] = lambda *_: None


@dataclass
class Session:
    """A signed-in operator with the clients that act as them."""

    network: Network
    tenant: TenantInfo
    operator: Operator
    graph: Directory
    powerbi: RestClient
    fabric: RestClient | None
    may_create_apps: bool | None
    may_create_groups: bool | None
    door: Entered

    def close(self) -> None:
        self.graph.close()
        self.powerbi.close()
        if self.fabric:
            self.fabric.close()


@dataclass
class Entered:
    """Somebody's connections to Graph, Power BI and Fabric, before anything was looked up about them."""

    network: Network
    route: str
    asked: str | None
    """The tenant, as it was asked for."""
    tokens: TokenSource
    """For Graph."""
    graph: Directory
    powerbi: RestClient
    fabric: RestClient | None
    tenant_id: str = ""
    """Of the token, else as it was asked for; empty where neither tells."""
    claims: Claims | None = None
    """Of the token for Graph; None before there is one, and where it is opaque."""

    def sign_in(self) -> None:
        """Get a token for Graph: here a person is asked. Raises what signing in raises."""
        network = self.network
        token = self.tokens.token(network.cloud.scope(network.cloud.graph_resource))
        try:
            self.claims = decode(token.reveal())
        except NotDecodable:
            self.claims = None
        self.tenant_id = self.claims.tenant_id if self.claims else self.tenant_id

    def close(self) -> None:
        self.graph.close()
        self.powerbi.close()
        if self.fabric:
            self.fabric.close()


def door_of(network: Network, tokens: TokenSource, observer: Observer) -> Entered:
    """The connections of somebody whose tokens there are."""
    cloud = network.cloud
    fabric = None
    if cloud.fabric and cloud.fabric_resource:
        fabric = RestClient(network, cloud.fabric, cloud.fabric_resource, tokens, observer)
    powerbi = RestClient(network, cloud.powerbi, cloud.powerbi_resource, tokens, observer)
    return Entered(network, observer, None, tokens, Directory(network, tokens, observer), powerbi, fabric)


def knock(network: Network, how: SignIn, wanted: str | None) -> Entered:
    """The connections of whoever will sign in; nothing is sent yet. `wanted`: the tenant by its id, or by its domain.

    Raises SignInFailed or Unavailable where nobody can be signed in from here.
    """
    first, route = _tokens(network, how, wanted)

    def tokens() -> TokenSource:
        # A person signs in once; everybody else may do so for each API, side by side.
        return first if route in ("browser", "device") else _route(network, route, how, wanted)

    cloud = network.cloud
    fabric = None
    if cloud.fabric and cloud.fabric_resource:
        fabric = RestClient(network, cloud.fabric, cloud.fabric_resource, tokens(), "operator")
    powerbi = RestClient(network, cloud.powerbi, cloud.powerbi_resource, tokens(), "operator")
    graph = Directory(network, first, "operator")
    return Entered(network, route, how.tenant, first, graph, powerbi, fabric, wanted or "")


def enter(network: Network, how: SignIn) -> Entered:
    """Sign in. Raises SignInFailed, Unavailable, Unreachable or UsageError; also where it is another tenant's session.

    A tenant that is named by its domain costs a request of its own.
    """
    wanted = authority.tenant_id(network, how.tenant) if how.tenant else None
    door = knock(network, how, wanted)
    try:
        door.sign_in()
        if wanted and door.tenant_id.lower() != wanted:
            raise _other_tenant(door.tenant_id, wanted, how.tenant or wanted, door.route)
    except BaseException:
        door.close()
        raise
    return door


def sign_in(network: Network, how: SignIn) -> Session:
    """Sign in and look who that is. Raises SignInFailed, Unavailable, Unreachable or UsageError."""
    door = enter(network, how)
    try:
        operator = who(door)
        if operator.guest:
            raise SignInFailed(
                "PBI313",
                f"{operator.account} is a guest in this tenant; guests can neither register applications nor see the "
                "directory",
                remedy="Sign in with an account that is a member of the tenant.",
                command=f"az login --tenant {operator.tenant_id}" if door.route == "az" else None,
            )
        tenant = organization(door, how.tenant)
        apps, groups = ordinary_rights(door.graph)
    except BaseException:
        door.close()
        raise
    return session(door, tenant, operator, apps, groups)


def session(door: Entered, tenant: TenantInfo, operator: Operator, apps: bool | None, groups: bool | None) -> Session:
    """What is known of somebody who is signed in, put together."""
    return Session(door.network, tenant, operator, door.graph, door.powerbi, door.fabric, apps, groups, door)


def operator_tokens(network: Network, how: SignIn) -> TokenSource:
    """Only the tokens of whoever signs in: nobody is looked up. Raises what `sign_in` raises."""
    wanted = authority.tenant_id(network, how.tenant) if how.tenant else None
    return _tokens(network, how, wanted)[0]


def routes(network: Network, how: SignIn) -> tuple[str, ...]:
    """The routes that are tried, in their order.

    Whom PBISETUP_OPERATOR_CLIENT_ID names signs in, or nobody: never whoever else has a session on this machine.
    """
    if how.route != "auto":
        return (how.route,)
    listed = network.cloud.operator_routes
    unattended = tuple(route for route in listed if route in UNATTENDED)
    if unattended and identity.operator_is_named():
        return unattended
    return tuple(route for route in listed if route not in UNATTENDED)


def _tokens(network: Network, how: SignIn, wanted: str | None) -> tuple[TokenSource, str]:
    """A token source for the first route that is there, and that route's name."""
    tried = routes(network, how)
    missing: list[tuple[str, Unavailable]] = []
    for route in tried:
        try:
            return _route(network, route, how, wanted), route
        except Unavailable as error:
            missing.append((route, error))
    first = missing[0][1]
    if len(missing) == 1 and first.remedy:
        raise first
    evidence = tuple(Evidence("sign-in", "local", f"{route}: {error.message}") for route, error in missing)
    if how.route == "auto" and set(tried) <= set(UNATTENDED):
        raise SignInFailed(
            "PBI312",
            "PBISETUP_OPERATOR_CLIENT_ID says who signs in, but not how",
            remedy="Complete one of these ways, name another with --operator (`managed` for a managed identity), or unset "
            "the variable.",
            evidence=evidence,
        )
    raise SignInFailed(
        "PBI311",
        "nobody could be signed in" if len(missing) > 1 else first.message,
        remedy="Sign in with the Azure CLI, or choose another way with --operator.",
        command=f"az login --tenant {how.tenant}" if how.tenant else "az login",
        evidence=evidence,
    )


def _route(network: Network, route: str, how: SignIn, wanted: str | None) -> TokenSource:
    if route == "az":
        session = azure_cli.session()
        if session is None:
            raise Unavailable("PBI311", "the Azure CLI is not installed or not signed in")
        if wanted and session.tenant_id.lower() != wanted:
            raise _other_tenant(session.tenant_id, wanted, how.tenant or wanted, route)
        return identity.azure_cli_tokens(session.tenant_id)
    if route in ("browser", "device"):
        asked_for = how.terminal or how.route == route  # none opens by itself where nobody watches
        if route == "browser" and not (asked_for and _has_browser()):
            raise Unavailable("PBI311", "there is no browser to open from here")
        return identity.user_tokens(
            network,
            route,
            wanted or "organizations",
            how.client_id or AZURE_CLI_APP_ID,
            prompt=how.prompt,
            patience=900 if how.terminal else 60,
        )
    if route == "env":
        return identity.environment_tokens(network, wanted or "")
    if route == "workload":
        return workload.workload_tokens(network, wanted or "")
    if route == "managed":
        return identity.managed_tokens()
    raise UsageError("PBI104", f"--operator {route!r} is not one of {', '.join(ROUTES)}")


def _has_browser() -> bool:
    import webbrowser

    try:
        webbrowser.get()
    except webbrowser.Error:
        return False
    return True


def _other_tenant(actual: str, wanted: str, asked: str, route: str) -> SignInFailed:
    return SignInFailed(
        "PBI314",
        f"the session belongs to the tenant {actual}, not to {asked} ({wanted})",
        remedy="Sign in to the tenant you mean, or leave out --tenant to work on the session's own.",
        command=f"az login --tenant {asked}" if route == "az" else None,
    )


def who(door: Entered) -> Operator:
    """Who the token is for: from its claims, and from the directory where Graph's token is opaque."""
    claims = door.claims
    if claims is not None and not claims.scopes and claims.app_only:
        return Operator(
            kind="service principal",
            object_id=claims.object_id,
            account=claims.client_id,
            route=door.route,
            tenant_id=claims.tenant_id,
            graph_permissions=claims.roles,
        )
    graph = door.graph
    me = graph.get(graph.client.me, select="id,userPrincipalName,userType")
    if not me.ok:
        raise me.refusal("who is signed in could not be read", "PBI315")
    shown = me.object
    operator = Operator(
        kind="user",
        object_id=str(shown.get("id", "")),
        account=str(shown.get("userPrincipalName", "")),
        route=door.route,
        tenant_id=door.tenant_id,
        guest=shown.get("userType") == "Guest",
        roles=claims.directory_roles if claims else frozenset(),
        graph_permissions=claims.scopes if claims else frozenset(),
    )
    if operator.guest:
        return operator
    roles = graph.get(graph.client.me.transitive_member_of.graph_directory_role, select="id,roleTemplateId")
    if roles.ok:
        listed = frozenset(str(r.get("roleTemplateId")) for r in roles.objects)
        operator = replace(operator, roles=operator.roles | listed)
    return operator


def organization(door: Entered, asked: str | None) -> TenantInfo:
    """The directory's name and domain, as far as they may be read."""
    id_ = door.tenant_id
    answer = door.graph.get(door.graph.client.organization, select="id,displayName,verifiedDomains")
    found = answer.objects if answer.ok else []
    if not found:
        return TenantInfo(id_, asked or id_, asked or id_)
    organization = found[0]
    domains = organization.get("verifiedDomains") or []
    initial = next((d.get("name") for d in domains if d.get("isDefault")), None) or asked or id_
    return TenantInfo(str(organization.get("id", id_)), str(organization.get("displayName", "")), str(initial))


def ordinary_rights(graph: Directory) -> tuple[bool | None, bool | None]:
    """Whether ordinary users may register apps and create security groups; None where the policy cannot be read."""
    answer = graph.get(graph.client.policies.authorization_policy)
    rights = answer.object.get("defaultUserRolePermissions") if answer.ok else None
    if not isinstance(rights, dict):
        return None, None
    return rights.get("allowedToCreateApps"), rights.get("allowedToCreateSecurityGroups")
