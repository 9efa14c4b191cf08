"""Trying the app's credential for real: a new token, its claims, its signature, and what the Power BI API answers it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pbisetup.catalog.wellknown import ADMISSION_CODE
from pbisetup.diagnosis.claims import NotDecodable, decode
from pbisetup.model.claims import Claims
from pbisetup.model.errors import PbisetupError
from pbisetup.model.manifest import WorkspaceSpec
from pbisetup.model.probe import ApiAnswer, Configured, Probe, Signature, TokenAttempt, WorkspaceSeen
from pbisetup.model.secret import Secret
from pbisetup.planning.manifest import is_guid
from pbisetup.services import authority
from pbisetup.services.answer import Answer
from pbisetup.services.clock import Clock, Waits, count_down
from pbisetup.services.identity import FixedToken, TokenRefused, TokenSource, app_tokens
from pbisetup.services.network import Network, not_its_own
from pbisetup.services.rest import RestClient
from pbisetup.services.secret_store import AppCredential

NOT_YET = frozenset({700016, 7000215, 7000229, 700027})
"""Refusals that a brand-new app, service principal or credential meets for a while (entra.md 3.1)."""
TOKEN_PATIENCE = 180
"""Seconds: measured replication of a new secret is 4 to 18 s, of a new app up to minutes (entra.md 3.1)."""


def configured(credential: AppCredential) -> Configured:
    """How a credential looks, without its value."""
    value = credential.secret.reveal() if credential.secret else ""
    return Configured(
        where=credential.where,
        tenant_id=credential.tenant_id,
        client_id=credential.client_id,
        has_secret=bool(value),
        secret_looks_like_guid=is_guid(value.strip().strip("'\"")),
        secret_has_odd_ends=value != value.strip().strip("'\""),
    )


def probe(
    network: Network,
    credential: AppCredential,
    workspaces: Sequence[WorkspaceSpec],
    *,
    clock: Clock,
    waiting: Waits,
    just_changed: bool = False,
    admission_patience: int = 0,
) -> Probe:
    """Try the credential and the API. With `just_changed`, refusals that new objects meet are waited out."""
    before = network.trace.count
    shape = configured(credential)
    if credential.secret is None:
        return Probe(shape, None, "not checked", None, (), 0)
    patience = TOKEN_PATIENCE if just_changed else 0
    attempt, token = _token_until(network, credential, clock, waiting, patience)
    if token is None:
        return Probe(shape, attempt, "not checked", None, (), network.trace.count - before)
    signature = verify(network, token, attempt.claims)
    groups, seen, failure = _ask_until(network, credential, token, workspaces, clock, waiting, admission_patience)
    return _probed(network, before, shape, attempt, signature, groups, seen, failure)


def probe_token(network: Network, tokens: TokenSource, workspaces: Sequence[WorkspaceSpec]) -> Probe:
    """The same with somebody's sign-in instead of a credential: a token of the app that a person acts through."""
    before = network.trace.count
    attempt, token = _attempt(network, tokens)
    if token is None:
        return Probe(None, attempt, "not checked", None, (), network.trace.count - before)
    signature = verify(network, token, attempt.claims)
    groups, seen, failure = _ask(network, token, workspaces)
    return _probed(network, before, None, attempt, signature, groups, seen, failure)


def _probed(
    network: Network,
    before: int,
    shape: Configured | None,
    attempt: TokenAttempt,
    signature: Signature,
    groups: ApiAnswer | None,
    seen: tuple[WorkspaceSeen, ...],
    failure: PbisetupError | None,
) -> Probe:
    requests = network.trace.count - before
    why, code = (failure.message, failure.code) if failure else (None, "")
    return Probe(shape, attempt, signature, groups, seen, requests, why, code)


def _token_until(
    network: Network, credential: AppCredential, clock: Clock, waiting: Waits, patience: int
) -> tuple[TokenAttempt, Secret | None]:
    deadline = clock.monotonic() + patience
    pause = 1.0
    while True:
        assert credential.secret is not None
        try:
            # A new credential object for each try: MSAL would replay its cached refusal (clients.md 2).
            tokens = app_tokens(network, credential.tenant_id, credential.client_id, credential.secret)
        except PbisetupError as error:
            return TokenAttempt(message=error.message, failure=error.code, evidence=error.evidence), None
        attempt, token = _attempt(network, tokens)
        left = deadline - clock.monotonic()
        if token is not None or left <= 0 or not NOT_YET.intersection(attempt.codes):
            return attempt, token
        count_down(clock, waiting, "the token endpoint does not know the new secret yet", pause, deadline)
        pause = min(pause * 1.6, 15.0)


def _attempt(network: Network, tokens: TokenSource) -> tuple[TokenAttempt, Secret | None]:
    try:
        token = tokens.token(network.cloud.scope(network.cloud.powerbi_resource))
    except TokenRefused as error:
        return (
            TokenAttempt(
                codes=tuple(error.codes),
                oauth_error=error.oauth_error,
                message=error.description,
                evidence=error.evidence,
            ),
            None,
        )
    except PbisetupError as error:
        return (
            TokenAttempt(message=error.message, failure=error.code, evidence=error.evidence),
            None,
        )
    try:
        claims = decode(token.reveal())
    except NotDecodable:
        return TokenAttempt(opaque=True), token
    return TokenAttempt(claims=claims), token


def verify(network: Network, token: Secret, claims: Claims | None) -> Signature:
    """The signature against the tenant's published keys: information only, tokens of Microsoft's APIs need not verify."""
    if claims is None or not claims.key_id or claims.algorithm != "RS256" or not claims.tenant_id:
        return "not checked"
    import jwt

    try:
        keys = authority.signing_keys(network, claims.tenant_id)
    except PbisetupError:
        return "no key"
    key = next((k for k in keys if k.get("kid") == claims.key_id), None)
    if key is None:
        return "no key"
    try:
        # Only the signature: what the claims should say is judged by the rules.
        checks: Any = {f"verify_{name}": False for name in ("aud", "exp", "nbf", "iat", "iss", "sub", "jti")}
        jwt.decode(token.reveal(), jwt.PyJWK(key).key, algorithms=["RS256"], options=checks)
    except jwt.InvalidSignatureError:
        return "wrong"
    except (jwt.PyJWTError, ValueError):
        return "not checked"
    return "verified"


def _ask_until(
    network: Network,
    credential: AppCredential,
    token: Secret,
    workspaces: Sequence[WorkspaceSpec],
    clock: Clock,
    waiting: Waits,
    patience: int,
) -> tuple[ApiAnswer | None, tuple[WorkspaceSeen, ...], PbisetupError | None]:
    """Ask the API, again and with a new token each time while a change that was just made may not act yet."""
    deadline = clock.monotonic() + patience
    while True:
        groups, seen, failure = _ask(network, token, workspaces)
        refused = groups is not None and groups.code == ADMISSION_CODE
        missing = groups is not None and groups.ok and any(not each.visible for each in seen)
        left = deadline - clock.monotonic()
        if left <= 0 or not (refused or missing):
            return groups, seen, failure
        what = "the tenant setting does not act yet" if refused else "the workspace role does not act yet"
        count_down(clock, waiting, f"{what}; Microsoft says up to 15 minutes", 10.0, deadline)
        assert credential.secret is not None
        fresh = app_tokens(network, credential.tenant_id, credential.client_id, credential.secret)
        _, renewed = _attempt(network, fresh)
        token = renewed or token


def _ask(
    network: Network, token: Secret, workspaces: Sequence[WorkspaceSpec]
) -> tuple[ApiAnswer | None, tuple[WorkspaceSeen, ...], PbisetupError | None]:
    api = RestClient(network, network.cloud.powerbi, network.cloud.powerbi_resource, FixedToken(token), "app")
    try:
        first = api.get("/v1.0/myorg/groups", {"$top": "1"})
        if first.ok and not isinstance(first.object.get("value"), list):
            raise not_its_own(first.url, first.status)
        groups = _api(first)
        seen = tuple(_workspace(api, spec) for spec in workspaces) if groups.ok else ()
        return groups, seen, None
    except PbisetupError as error:
        return None, (), error
    finally:
        api.close()


def _workspace(api: RestClient, spec: WorkspaceSpec) -> WorkspaceSeen:
    quoted = (spec.name or "").replace("'", "''")
    wanted = f"id eq '{spec.id}'" if spec.id else f"name eq '{quoted}'"
    answer = api.get("/v1.0/myorg/groups", {"$filter": wanted})
    found = answer.objects if answer.ok else []
    return WorkspaceSeen(spec.key, bool(found), _api(answer))


def _api(answer: Answer) -> ApiAnswer:
    return ApiAnswer(answer.status, answer.service_code, answer.message, answer.evidence())


def missing_credential(where: str) -> Probe:
    """No credential could be found at all: nothing was tried."""
    return Probe(Configured(where, "", "", has_secret=False), None, "not checked", None, (), 0)
