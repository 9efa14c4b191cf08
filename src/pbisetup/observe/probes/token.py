"""The app's tokens: one for each API, each with the whole answer of the token endpoint, and what their keys say."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any, Final
from urllib.parse import urlencode

from pbisetup.catalog.purposes import purposes
from pbisetup.diagnosis.claims import NotDecodable, decode
from pbisetup.model.case import REPLY, SIGNATURE, SIGNED_IN, TOKEN, Sighting
from pbisetup.model.claims import Claims
from pbisetup.model.errors import Evidence, PbisetupError
from pbisetup.model.facts import Known
from pbisetup.model.probe import Signature, TokenAttempt
from pbisetup.model.secret import Secret
from pbisetup.observe.engine import Board, Probe
from pbisetup.observe.probes.local import elsewhere
from pbisetup.observe.probes.question import Question
from pbisetup.services import app_sign_in, authority
from pbisetup.services.identity import TokenRefused, TokenSource
from pbisetup.services.network import Network
from pbisetup.services.plain import PlainClient

POWER_BI, FABRIC, ASKED = "powerbi", "fabric", "asked"
_PERSON_SECONDS: Final = 930.0
"""A person has a quarter of an hour to enter a code."""


def token_probes(question: Question) -> Iterator[Probe]:
    """One for each audience that is needed; a person signs in once, and the others follow from that."""
    kind = question.credential.kind if question.credential else "none"
    if kind == "none" or (question.credential is not None and elsewhere(question.credential)):
        return
    source = _Source(question)
    # Two people are not asked at once: whoever looks signs in before whoever uses the app.
    first: tuple[Any, ...] = ((SIGNED_IN, "graph"),) if kind == "sign-in" and question.operator is not None else ()
    for audience, scope in wanted_scopes(question).items():
        seconds = _PERSON_SECONDS if kind == "sign-in" else 40.0
        probe = Probe(
            f"token {audience}", ((TOKEN, audience),), partial(_token, question, source, audience, scope), after=first,
            seconds=seconds,
        )  # fmt: skip
        yield probe
        if kind in ("sign-in", "token"):
            first = ((TOKEN, audience),)
    yield Probe("signature", ((SIGNATURE, None),), partial(_signature, question), needs=((TOKEN, POWER_BI),))
    for uri in question.asked.redirect_uris:
        yield Probe(f"reply {uri}", ((REPLY, uri),), partial(_reply, question, uri))


def wanted_scopes(question: Question) -> dict[str, str]:
    """The scope for each audience: Power BI's, the one that was asked for in its place, and Fabric's where it is needed."""
    cloud, asked = question.network.cloud, question.asked
    found = {POWER_BI: cloud.scope(cloud.powerbi_resource)}
    if question.credential and question.credential.kind == "token":
        return found
    if asked.scope:
        found[ASKED] = asked.scope
    elif asked.request and asked.request.service in ("graph", "arm"):
        resource = cloud.graph_resource if asked.request.service == "graph" else cloud.arm_resource
        if resource:
            found[ASKED] = cloud.scope(resource)
    fabric = any(probe.startswith("fabric ") for name in asked.purposes for probe in purposes()[name].probes)
    if cloud.fabric_resource and (fabric or (asked.request and asked.request.service == "fabric")):
        found[FABRIC] = cloud.scope(cloud.fabric_resource)
    return found


class _Source:
    """Where tokens come from: for a credential a new source each time, for a person the one sign-in."""

    def __init__(self, question: Question) -> None:
        self._question = question
        self._person: TokenSource | None = None

    def tokens(self) -> TokenSource:
        credential = self._question.credential
        assert credential is not None
        if credential.kind != "sign-in":
            return app_sign_in.tokens(self._question.network, credential)
        if self._person is None:
            self._person = app_sign_in.tokens(self._question.network, credential)
        return self._person


def _token(question: Question, source: _Source, audience: str, scope: str, board: Board) -> Iterable[Sighting]:
    del board
    attempt, token = attempted(source, scope)
    if token is not None:
        question.tokens[audience] = token
    first = attempt.evidence[0] if attempt.evidence else Evidence("token endpoint", "app", "a token was issued")
    yield Sighting(TOKEN, audience, Known(attempt, first))


def attempted(source: _Source, scope: str) -> tuple[TokenAttempt, Secret | None]:
    """One try: claims or why there are none, and the token itself. Raises nothing that a service could cause."""
    try:
        token = source.tokens().token(scope)
    except TokenRefused as error:
        refused = TokenAttempt(
            codes=tuple(error.codes),
            oauth_error=error.oauth_error,
            message=error.description,
            evidence=error.evidence,
            scope=scope,
        )
        return refused, None
    except PbisetupError as error:
        return TokenAttempt(message=error.message, failure=error.code, evidence=error.evidence, scope=scope), None
    try:
        claims = decode(token.reveal())
    except NotDecodable:
        return TokenAttempt(opaque=True, scope=scope), token
    issued = Evidence("token endpoint", "app", f"a token was issued for {claims.audience}")
    return TokenAttempt(claims=claims, scope=scope, evidence=(issued,)), token


def _signature(question: Question, board: Board) -> Iterable[Sighting]:
    token = question.tokens.get(POWER_BI)
    attempt = board.value(TOKEN, POWER_BI)
    if token is None or attempt is None:
        return
    found = verify(question.network, token, attempt.claims)
    yield Sighting(SIGNATURE, None, Known(found, Evidence("token keys", "app", found)))


def verify(network: Network, token: Secret, claims: Claims | None) -> Signature:
    """The signature against the tenant's published keys: information only, tokens of Microsoft's APIs need not verify."""
    if claims is None or not claims.key_id or claims.algorithm != "RS256" or not claims.tenant_id:
        return "not checked"
    import jwt

    keys = authority.signing_keys(network, claims.tenant_id)
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


def _reply(question: Question, uri: str, board: Board) -> Iterable[Sighting]:
    """What the authorization endpoint says to a redirect URI, without anybody signing in.

    With prompt=none Entra answers a registered address by sending the browser back to it, and any other with an error
    page (OpenID Connect Core 3.1.2.6; that Entra looks at the address first: inferred).
    """
    import re

    credential = question.credential
    assert credential is not None
    query = {
        "client_id": credential.client_id,
        "response_type": "code",
        "response_mode": "query",
        "redirect_uri": uri,
        "scope": board.network.cloud.scope(board.network.cloud.powerbi_resource),
        "prompt": "none",
        "code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",  # of RFC 7636's example: no code is redeemed
        "code_challenge_method": "S256",
    }
    tenant = credential.tenant_id or "organizations"
    client = PlainClient(question.network)
    try:
        url = f"{question.network.cloud.login}/{tenant}/oauth2/v2.0/authorize?{urlencode(query)}"
        answer = client.get(url, None, {"Accept": "text/html"}, follow=False)
    finally:
        client.close()
    back = answer.headers.get("location", "")
    codes = tuple(dict.fromkeys(int(n) for n in re.findall(r"AADSTS(\d{4,9})", answer.text)))
    if back.lower().startswith(uri.lower()):
        codes = ()
    said = f"AADSTS{codes[0]}" if codes else f"HTTP {answer.status}"
    evidence = Evidence("authorization endpoint", "app", f"{said} for {uri}")
    known = TokenAttempt(codes=codes, message=said, evidence=(evidence,))
    yield Sighting(REPLY, uri, Known(known, evidence))
