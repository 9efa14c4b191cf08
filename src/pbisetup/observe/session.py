"""Signing the operator in, and what can be known of them at once: tenant, account, kind, roles, policies."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from pbisetup.catalog.wellknown import AZURE_CLI_APP_ID
from pbisetup.diagnosis.claims import NotDecodable, decode
from pbisetup.model.errors import Evidence, SignInFailed, Unavailable, UsageError
from pbisetup.model.tenant import Operator, TenantInfo
from pbisetup.services import authority, azure_cli, identity
from pbisetup.services.directory import Directory
from pbisetup.services.identity import TokenSource
from pbisetup.services.network import Network
from pbisetup.services.rest import RestClient

ROUTES = ("auto", "az", "browser", "device", "env", "workload", "managed")


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

    def close(self) -> None:
        self.graph.close()
        self.powerbi.close()
        if self.fabric:
            self.fabric.close()


def sign_in(network: Network, how: SignIn) -> Session:
    """Sign in and look who that is. Raises SignInFailed, Unavailable, Unreachable or UsageError."""
    wanted = authority.tenant_id(network, how.tenant) if how.tenant else None
    tokens, route = _tokens(network, how, wanted)
    scope = network.cloud.scope(network.cloud.graph_resource)
    token = tokens.token(scope)
    graph = Directory(network, tokens, "operator")
    try:
        operator = _operator(graph, route, token.reveal(), wanted)
        if wanted and operator.tenant_id.lower() != wanted:
            raise _other_tenant(operator.tenant_id, wanted, how.tenant or wanted, route)
        if operator.guest:
            raise SignInFailed(
                "PBI313",
                f"{operator.account} is a guest in this tenant; guests can neither register applications nor see the "
                "directory",
                remedy="Sign in with an account that is a member of the tenant.",
                command=f"az login --tenant {operator.tenant_id}" if route == "az" else None,
            )
        tenant = _tenant(graph, operator.tenant_id, how.tenant)
        apps, groups = _policy(graph)
    except BaseException:
        graph.close()
        raise
    cloud = network.cloud
    fabric = None
    if cloud.fabric and cloud.fabric_resource:
        fabric = RestClient(network, cloud.fabric, cloud.fabric_resource, tokens, "operator")
    powerbi = RestClient(network, cloud.powerbi, cloud.powerbi_resource, tokens, "operator")
    return Session(network, tenant, operator, graph, powerbi, fabric, apps, groups)


def operator_tokens(network: Network, how: SignIn) -> TokenSource:
    """Only the tokens of whoever signs in: nobody is looked up. Raises what `sign_in` raises."""
    wanted = authority.tenant_id(network, how.tenant) if how.tenant else None
    return _tokens(network, how, wanted)[0]


def _tokens(network: Network, how: SignIn, wanted: str | None) -> tuple[TokenSource, str]:
    """A token source for the first route that is there, and that route's name."""
    routes = network.cloud.operator_routes if how.route == "auto" else (how.route,)
    missing: list[str] = []
    for route in routes:
        try:
            return _route(network, route, how, wanted), route
        except Unavailable as error:
            missing.append(f"{route}: {error.message}")
    raise SignInFailed(
        "PBI311",
        "nobody could be signed in" if len(missing) > 1 else missing[0],
        remedy="Sign in with the Azure CLI, or choose another way with --operator.",
        command=f"az login --tenant {how.tenant}" if how.tenant else "az login",
        evidence=tuple(Evidence("sign-in", "local", line) for line in missing),
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
    if route in ("workload", "managed"):
        return identity.platform_tokens(network, route)
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


def _operator(graph: Directory, route: str, token: str, wanted: str | None) -> Operator:
    """Who the token is for: from its claims, and from the directory where Graph's token is opaque."""
    try:
        claims = decode(token)
    except NotDecodable:
        claims = None
    if claims is not None and not claims.scopes and claims.app_only:
        return Operator(
            kind="service principal",
            object_id=claims.object_id,
            account=claims.client_id,
            route=route,
            tenant_id=claims.tenant_id,
            graph_permissions=claims.roles,
        )
    me = graph.get(graph.client.me, select="id,userPrincipalName,userType")
    if not me.ok:
        raise me.refusal("who is signed in could not be read", "PBI315")
    shown = me.object
    operator = Operator(
        kind="user",
        object_id=str(shown.get("id", "")),
        account=str(shown.get("userPrincipalName", "")),
        route=route,
        tenant_id=claims.tenant_id if claims else (wanted or ""),
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


def _tenant(graph: Directory, id_: str, asked: str | None) -> TenantInfo:
    answer = graph.get(graph.client.organization, select="id,displayName,verifiedDomains")
    found = answer.objects if answer.ok else []
    if not found:
        return TenantInfo(id_, asked or id_, asked or id_)
    organization = found[0]
    domains = organization.get("verifiedDomains") or []
    initial = next((d.get("name") for d in domains if d.get("isDefault")), None) or asked or id_
    return TenantInfo(str(organization.get("id", id_)), str(organization.get("displayName", "")), str(initial))


def _policy(graph: Directory) -> tuple[bool | None, bool | None]:
    """Whether ordinary users may register apps and create security groups; None where the policy cannot be read."""
    answer = graph.get(graph.client.policies.authorization_policy)
    rights = answer.object.get("defaultUserRolePermissions") if answer.ok else None
    if not isinstance(rights, dict):
        return None, None
    return rights.get("allowedToCreateApps"), rights.get("allowedToCreateSecurityGroups")
