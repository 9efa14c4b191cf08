"""The admin-consent endpoints: an administrator agrees for the whole organization, without signing in to the app."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pbisetup.sandbox.entra import approval, approval_pages, reply, session, signin
from pbisetup.sandbox.entra.approval import Permission
from pbisetup.sandbox.entra.authority import addressed, find_client
from pbisetup.sandbox.entra.consent import check_names, check_required
from pbisetup.sandbox.entra.refusal import Refused, correlation_id, redirected
from pbisetup.sandbox.entra.resources import GRAPH, find_resource
from pbisetup.sandbox.entra.session import Flow
from pbisetup.sandbox.wire import Call, Reply, World


@dataclass(frozen=True)
class Request:
    """An admin-consent request whose answer may go to its redirect URI."""

    v1: bool
    app_id: str
    target: reply.Target
    state: str | None
    scope: str
    correlation: str


def admin_consent_v1(world: World, call: Call) -> Reply:
    """`GET /{tenant}/adminconsent`: everything that the app's registration declares."""
    return _admin_consent(world, call, v1=True)


def admin_consent_v2(world: World, call: Call) -> Reply:
    """`GET /{tenant}/v2.0/adminconsent`: what `scope` names; `/.default` is what the registration declares."""
    return _admin_consent(world, call, v1=False)


def _admin_consent(world: World, call: Call, *, v1: bool) -> Reply:
    try:
        request = _read(world, call, v1=v1)
    except Refused as refused:
        return signin.error_page(world, call, refused)
    browser = session.browser_of(world, call)
    flow = signin.new_flow(world, call, browser, call.params["tenant"], hint=call.query.get("login_hint", ""))
    try:
        _permissions(world, request)
        answer = signin.start(world, call, flow, _journey(request), frozenset())
    except Refused as refused:
        answer = _refuse(world, call, flow, request, refused)
    return session.with_cookie(world, call, answer, browser)


def _read(world: World, call: Call, *, v1: bool) -> Request:
    tenant, query = call.params["tenant"], call.query
    if not v1 and tenant.lower() in ("common", "consumers"):
        raise Refused("admin_consent_common")
    client = addressed(world, query.get("client_id", ""), tenant)
    uri = query.get("redirect_uri", "").strip()
    if not v1:
        for name in ("redirect_uri", "scope"):
            if reply.registered(client) and not query.get(name, "").strip():
                raise Refused("parameter_missing", name=name)
    # source: entra.md 12: an app without any reply address is refused here. Of several, a request that names none
    # gets the first: guess.
    target = reply.find(client, uri) if uri or not reply.registered(client) else reply.registered(client)[0]
    return Request(v1, client.app_id, target, query.get("state"), query.get("scope", "").strip(), correlation_id(call))


def _permissions(world: World, request: Request) -> list[Permission]:
    """What the administrator is asked for. Raises Refused."""
    client = find_client(world, request.app_id)
    if request.v1:
        return approval.static(world, client)
    wanted = approval.wanted_v2(world, request.scope)
    found: list[Permission] = []
    for resource, asked in wanted.parts:
        if asked.default:
            check_required(client, resource, asked)
            found += approval.static(world, client)
        else:
            check_names(client, resource, list(asked.scopes))
            found += [approval.scope(resource, name) for name in asked.scopes]
    graph = find_resource(world, GRAPH)
    return [*found, *(approval.scope(graph, name) for name in wanted.oidc)]


def _journey(request: Request) -> signin.Journey:
    return signin.Journey(
        kind="authorization_code",
        app_id=request.app_id,
        resource=lambda world: find_resource(world, GRAPH),
        admitted=lambda world, _call, flow: _admitted(world, flow, request),
        refuse=lambda world, call, flow, refused, *, person: (
            signin.error_page(world, call, refused, request.correlation)
            if person
            else _refuse(world, call, flow, request, refused)
        ),
        targets=(request.target.uri,),
    )


def _admitted(world: World, flow: Flow, request: Request) -> Reply:
    def accepted(world: World, _call: Call) -> Reply:
        session.end(world, flow)
        return _send(
            world,
            request,
            {
                "admin_consent": "True",
                "tenant": world.tenant.id,
                **({} if request.v1 else {"scope": _granted(permissions)}),
            },
        )

    permissions = _permissions(world, request)
    journey = _journey(request)
    ask = approval_pages.Ask(
        request.app_id,
        permissions,
        accepted,
        journey.refuse,
        other=lambda world: signin.ask_name(world, flow, journey),
        targets=journey.targets,
        everybody=True,
        declined="admin_consent_declined",
    )
    return approval_pages.ask(world, flow, ask)


def _granted(permissions: list[Permission]) -> str:
    """`scope` of the answer: what was granted, each with its API's name. guess: the app's own name for the API."""
    return " ".join(f"{_name(each)}/{each.value}" for each in permissions if each.kind == "Scope")


def _name(permission: Permission) -> str:
    names = [str(name) for name in permission.resource.get("servicePrincipalNames") or ()]
    return next((name.rstrip("/") for name in names if name.startswith("https:")), str(permission.resource["appId"]))


def _refuse(world: World, call: Call, flow: Flow, request: Request, refused: Refused) -> Reply:
    signin.log(world, call, flow, _journey(request), refused)
    session.end(world, flow)
    # A refusal says `admin_consent=True` too (entra-docs, v2-admin-consent).
    sent = redirected(world, call, refused, request.correlation)
    return _send(world, request, {"admin_consent": "True", **sent})


def _send(world: World, request: Request, sent: Mapping[str, str]) -> Reply:
    return reply.send(
        world, request.target, "query", {**sent, **({} if request.state is None else {"state": request.state})}
    )
