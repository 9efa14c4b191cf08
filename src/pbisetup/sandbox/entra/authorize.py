"""The authorize endpoints (v1 and v2): a browser comes with an app's request, and goes back to the app with a code."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pbisetup.sandbox import base64url
from pbisetup.sandbox.entra import approval, approval_pages, codes, grants, mint, reply, session, signin
from pbisetup.sandbox.entra.authority import Client, addressed, find_client
from pbisetup.sandbox.entra.consent import delegated_scopes
from pbisetup.sandbox.entra.refusal import Refused, correlation_id, redirected
from pbisetup.sandbox.entra.resources import Asked, find_resource
from pbisetup.sandbox.entra.session import Flow
from pbisetup.sandbox.wire import BadBody, Call, Reply, World

Object = dict[str, Any]

PROMPTS = {"", "none", "login", "select_account", "consent"}
PROMPTS_V1 = PROMPTS | {"admin_consent", "refresh_session"}
RESPONSE_TYPES = ({"code"}, {"id_token"}, {"code", "id_token"}, {"token"}, {"id_token", "token"})
CHALLENGE = (43, 128)
"""How long a code challenge is (RFC 7636, 4.2)."""


@dataclass(frozen=True)
class Request:
    """An authorize request whose answer may go to its redirect URI."""

    v1: bool
    app_id: str
    target: reply.Target
    mode: reply.Mode
    types: frozenset[str]
    state: str | None
    parameters: Mapping[str, str]
    correlation: str

    def get(self, name: str) -> str:
        """A parameter, empty where it is missing."""
        return self.parameters.get(name, "").strip()

    @property
    def prompt(self) -> frozenset[str]:
        """What `prompt` asks for."""
        return frozenset(self.get("prompt").lower().split())

    def wanted(self, world: World) -> approval.Wanted:
        """What the app asks for, as the directory knows it now. Raises Refused."""
        return (
            approval.wanted_v1(world, self.get("resource")) if self.v1 else approval.wanted_v2(world, self.get("scope"))
        )


def authorize_v2(world: World, call: Call) -> Reply:
    """`GET` and `POST /{tenant}/oauth2/v2.0/authorize`."""
    return _authorize(world, call, v1=False)


def authorize_v1(world: World, call: Call) -> Reply:
    """`GET` and `POST /{tenant}/oauth2/authorize`: takes `resource` in place of scopes."""
    return _authorize(world, call, v1=True)


def _authorize(world: World, call: Call, *, v1: bool) -> Reply:
    try:
        request = _read(world, call, v1=v1)
    except Refused as refused:
        return signin.error_page(world, call, refused)
    browser = session.browser_of(world, call)
    try:
        _check(world, request)
        flow = signin.new_flow(
            world,
            call,
            browser,
            call.params["tenant"],
            hint=request.get("login_hint"),
            silent="none" in request.prompt,
        )
        answer = signin.start(world, call, flow, _journey(request), request.prompt)
    except Refused as refused:
        answer = _refuse(world, call, request, refused)
    return session.with_cookie(world, call, answer, browser)


def _read(world: World, call: Call, *, v1: bool) -> Request:
    """The request, as far as it has to be right before anything may be sent to the app. Raises Refused."""
    try:
        given = {**call.query, **(call.form() if call.method == "POST" else {})}
    except BadBody:
        raise Refused("not_a_form") from None
    client = addressed(world, given.get("client_id", ""), call.params["tenant"])
    target = reply.find(client, given.get("redirect_uri", "").strip())
    types = frozenset(given.get("response_type", "").lower().split())
    mode: reply.Mode = "fragment" if types & {"id_token", "token"} else "query"
    asked = given.get("response_mode", "").lower()
    if asked in ("query", "fragment", "form_post"):
        mode = _mode(asked)
    return Request(v1, client.app_id, target, mode, types, given.get("state"), given, correlation_id(call))


def _check(world: World, request: Request) -> None:
    """What an app hears of at its redirect URI. Raises Refused."""
    client = find_client(world, request.app_id)
    if not request.types:
        raise Refused("parameter_missing", name="response_type")
    if request.types not in RESPONSE_TYPES:
        raise Refused("response_type_unsupported", type=" ".join(sorted(request.types)))
    implicit = (((client.application or {}).get("web") or {}).get("implicitGrantSettings")) or {}
    if "id_token" in request.types and not implicit.get("enableIdTokenIssuance"):
        raise Refused("id_token_not_enabled")
    if "token" in request.types and not implicit.get("enableAccessTokenIssuance"):
        raise Refused("access_token_not_enabled")
    mode = request.get("response_mode").lower()
    # A token must not stand in a query, where servers log it.
    if mode not in ("", "query", "fragment", "form_post") or (mode == "query" and request.types != {"code"}):
        raise Refused("response_mode_unsupported", mode=mode)
    known = PROMPTS_V1 if request.v1 else PROMPTS
    if request.prompt - known or (len(request.prompt) > 1 and "none" in request.prompt):
        raise Refused("prompt_unsupported")
    if "id_token" in request.types and not request.get("nonce"):
        raise Refused("nonce_missing")
    _check_challenge(request)
    try:
        json.loads(request.get("claims") or "{}")
    except (ValueError, RecursionError):
        raise Refused("claims_malformed") from None
    if not request.v1 and "resource" in request.parameters:
        raise Refused("resource_on_v2")
    if not request.v1 and not request.get("scope"):
        raise Refused("parameter_missing", name="scope")
    request.wanted(world)


def _check_challenge(request: Request) -> None:
    challenge, method = request.get("code_challenge"), request.get("code_challenge_method")
    if method and method not in ("S256", "plain"):
        raise Refused("challenge_method_unknown")
    if challenge and not CHALLENGE[0] <= len(challenge.rstrip("=")) <= CHALLENGE[1]:
        raise Refused("challenge_size")


def _journey(request: Request) -> signin.Journey:
    return signin.Journey(
        kind="authorization_code",
        app_id=request.app_id,
        resource=lambda world: request.wanted(world).resource,
        admitted=lambda world, call, flow: _admitted(world, call, flow, request),
        refuse=lambda world, call, flow, refused, *, person: _ended(world, call, flow, request, refused, person),
        targets=(request.target.uri,),
    )


def _admitted(world: World, call: Call, flow: Flow, request: Request) -> Reply:
    """The user may sign in; does the app have what it asks for? Raises Refused."""
    client, user = find_client(world, request.app_id), signin.user_of(world, flow)
    if "admin_consent" in request.prompt:
        needed = approval.static(world, client)
        everybody = True
    else:
        needed = approval.missing(world, client, user, request.wanted(world), again="consent" in request.prompt)
        everybody = False
    if not needed:
        return _finish(world, call, flow, request)
    if flow.silent:
        raise Refused("consent_required", app=client.app_id, name=client.name)

    def accepted(world: World, call: Call) -> Reply:
        return _finish(world, call, flow, request)

    journey = _journey(request)
    ask = approval_pages.Ask(
        request.app_id,
        needed,
        accepted,
        journey.refuse,
        other=lambda world: signin.ask_name(world, flow, journey),
        targets=journey.targets,
        everybody=everybody,
    )
    shown = approval_pages.ask(world, flow, ask)
    # guess: that the log holds both with these numbers while the page still waits
    interrupt = Refused("consent_required", app=client.app_id, name=client.name)
    if flow.step == "approval":
        interrupt = approval_pages.administrator_needed(world, client, everybody=everybody)
    signin.log(world, call, flow, journey, interrupt)
    return shown


def _finish(world: World, call: Call, flow: Flow, request: Request) -> Reply:
    """Back to the app, with what it asked for. Raises Refused."""
    client, user = find_client(world, request.app_id), signin.user_of(world, flow)
    sent: dict[str, str] = {}
    if "code" in request.types:
        sent["code"] = codes.issue(
            world,
            codes.Code(
                app_id=client.app_id,
                user_id=user["id"],
                redirect_uri=request.parameters.get("redirect_uri", "").strip() or request.target.uri,
                scope=request.get("resource" if request.v1 else "scope"),
                nonce=request.get("nonce") or None,
                challenge=request.get("code_challenge") or None,
                method=request.get("code_challenge_method") or "plain",
                mfa=flow.mfa,
                v1=request.v1,
                spa=request.target.platform == "spa",
                expires=world.now() + codes.LIFE,
            ),
        )
    uti = mint.new_id() if "token" in request.types else None
    if uti:
        sent |= _access_token(world, client, user, request, uti)
    if "id_token" in request.types:
        hashes = {"c_hash": _half(sent["code"])} if "code" in sent else {}
        hashes |= {"at_hash": _half(sent["access_token"])} if "access_token" in sent else {}
        sent["id_token"] = mint.id_token(world, client, user, request.get("nonce") or None, **hashes)
    if request.get("client_info") == "1":
        sent["client_info"] = mint.client_info(world, user)
    if request.state is not None:
        sent["state"] = request.state
    sent["session_state"] = str(uuid.uuid5(uuid.UUID(world.tenant.id), flow.browser.id))
    signin.log(world, call, flow, _journey(request), None, uti=uti)
    session.end(world, flow)
    return reply.send(world, request.target, request.mode, sent)


def _access_token(world: World, client: Client, user: Object, request: Request, uti: str) -> dict[str, str]:
    """The implicit flow's access token. Raises Refused."""
    wanted = request.wanted(world)
    asked = wanted.parts[0][1] if wanted.parts else Asked(str(wanted.resource["appId"]), (".default",), frozenset(), "")
    resource = find_resource(world, asked.resource)
    scopes = delegated_scopes(world, client, user, resource, asked)
    target = mint.Target(resource, asked.resource, cae=False, uti=uti)
    token, life = mint.access_token(world, client, target, mint.user_claims(world, user, resource, scopes))
    return {
        "access_token": token,
        "token_type": "Bearer",
        "expires_in": str(life - 1),
        "scope": grants.told_scopes(resource, asked, scopes),
    }


def _half(text: str) -> str:
    """Left half of the hash of a code or token, as an id token vouches for it (OpenID Connect core, 3.3.2.11)."""
    return base64url.encode(hashlib.sha256(text.encode()).digest()[:16])


def _ended(world: World, call: Call, flow: Flow, request: Request, refused: Refused, person: bool) -> Reply:
    """A sign-in ended without success. A user who may not is told so on a page, where there is one; with `prompt=none`
    the app hears that the user would have to be asked (source: a recorded redirect in nais/device, 50105).
    """
    signin.log(world, call, flow, _journey(request), refused)
    if person and not flow.silent:
        return signin.error_page(world, call, refused, request.correlation)
    session.end(world, flow)
    silent = "interaction_required" if refused.cause.error == "invalid_grant" else None
    return _refuse(world, call, request, refused, silent if person else None)


def _refuse(world: World, call: Call, request: Request, refused: Refused, error: str | None = None) -> Reply:
    """An error, sent to the app."""
    sent = redirected(world, call, refused, request.correlation) | ({"error": error} if error else {})
    if refused.cause.error_uri:
        sent["error_uri"] = f"{call.origin}/error?code={refused.cause.code}"
    if refused.claims:
        sent["claims"] = refused.claims
    if request.state is not None:
        sent["state"] = request.state
    return reply.send(world, request.target, request.mode, sent)


def _mode(text: str) -> Literal["query", "fragment", "form_post"]:
    return "form_post" if text == "form_post" else "fragment" if text == "fragment" else "query"
