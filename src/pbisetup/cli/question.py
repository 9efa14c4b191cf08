"""From the command line, the manifest and the environment to the question that an examination answers."""

from __future__ import annotations

import json
import re
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from pbisetup.cli.context import Common, sign_in_text, tenant_of
from pbisetup.cli.credential import Found, client_and_tenant, user_sign_in

if TYPE_CHECKING:
    from pbisetup.model.case import ApiRequest, Asked
    from pbisetup.model.secret import Secret
    from pbisetup.observe.examination import Question
    from pbisetup.observe.session import SignIn
    from pbisetup.services.app_sign_in import Credential
    from pbisetup.services.network import Network
    from pbisetup.ui.terminal import Terminal

_EVERYBODY = frozenset(("", "common", "organizations", "consumers"))
"""What stands for no tenant of one's own in an authority."""


@dataclass(frozen=True)
class Wanted:
    """What the flags of `doctor` ask for."""

    workspaces: tuple[str, ...] = ()
    purposes: tuple[str, ...] = ()
    request: str | None = None
    body: str | None = None
    send: bool = False
    scope: str | None = None
    redirect_uris: tuple[str, ...] = ()
    token: Secret | None = None


def build(common: Common, terminal: Terminal, reach: Network, found: Found, wanted: Wanted) -> Question:
    """The question. Raises UsageError where flags make none."""
    from pbisetup.diagnosis.request_line import query_of
    from pbisetup.model.facts import Unknown
    from pbisetup.observe.examination import Question

    found = _with_token(reach, found, wanted)
    credential = _credential(common, terminal, reach, found, wanted)
    _hide_misplaced(credential)
    asked = _asked(common, reach, found, credential, wanted)
    return Question(
        asked=asked,
        network=reach,
        credential=credential,
        where=found.where,
        operator=operator_sign_in(common, terminal, found, credential),
        stored=found.store.stored() if found.store else Unknown("the app is in no manifest"),
        body=wanted.body or found.body,
        query=query_of(wanted.request or found.request or ""),
    )


def _hide_misplaced(credential: Credential | None) -> None:
    """Where client id or tenant has the form of a secret, a secret was put there: it is held as one, and shown nowhere."""
    from pbisetup.model.secret import Secret
    from pbisetup.observe.probes.local import form

    for value in (credential.client_id, credential.tenant_id) if credential else ():
        if form(value) == "secret":
            Secret(value)


def _with_token(reach: Network, found: Found, wanted: Wanted) -> Found:
    """A token that was handed over goes before every credential; it says itself whose it is."""
    if wanted.token is None:
        return found
    from pbisetup.diagnosis.claims import NotDecodable, decode
    from pbisetup.services.app_sign_in import Credential

    try:
        claims = decode(wanted.token.reveal())
    except NotDecodable:
        claims = None
    known = found.credential
    tenant = claims.tenant_id if claims else (known.tenant_id if known else "")
    client = claims.client_id if claims else (known.client_id if known else "")
    del reach
    return replace(found, credential=Credential("token", tenant, client, "standard input", token=wanted.token))


def _credential(common: Common, terminal: Terminal, reach: Network, found: Found, wanted: Wanted) -> Credential | None:
    """The credential; where only a person can sign in to the app, their sign-in."""
    from pbisetup.services.app_sign_in import Credential

    known = found.credential
    if known is not None and known.kind not in ("none", "sign-in"):
        return known
    if not (found.signs_people_in or _for_people(wanted)):
        return known
    client, tenant = client_and_tenant(terminal, common, reach, found)
    person = replace(found, credential=Credential("sign-in", tenant, client, known.where if known else found.where))
    assert person.credential is not None
    start = replace(common, operator=common.operator if common.operator in ("browser", "device") else "none")
    return replace(person.credential, sign_in=lambda: user_sign_in(terminal, start, reach, person))


def _for_people(wanted: Wanted) -> bool:
    from pbisetup.catalog.purposes import purposes

    return bool(wanted.purposes) and all(purposes()[name].sign_in == "user" for name in wanted.purposes)


def _asked(common: Common, reach: Network, found: Found, credential: Credential | None, wanted: Wanted) -> Asked:
    from pbisetup.model.case import Asked
    from pbisetup.model.manifest import WorkspaceSpec
    from pbisetup.planning.manifest import is_guid

    person = _is_person(found, credential)
    named = tuple(WorkspaceSpec("Viewer", **({"id": w} if is_guid(w) else {"name": w})) for w in wanted.workspaces)
    purposes = _purposes(found, wanted, person)
    return Asked(
        environment=found.environment.name if found.environment else None,
        cloud=reach.cloud.meant,
        sign_in="user" if person else "app",
        purposes=purposes,
        tenant=_tenant(common, found, credential),
        client_id=credential.client_id if credential else _manifest_client(found),
        workspaces=named or found.workspaces,
        stated_roles=bool(found.environment) and not named,
        scopes=_scopes(found, purposes) if person else frozenset(),
        request=_request(common, reach, found, wanted),
        scope=wanted.scope or found.scope,
        redirect_uris=_redirects(found, wanted) if person else (),
        token_age=found.token_age,
        operator=common.operator != "none",
        groups=dict(found.environment.groups) if found.environment else {},
    )


def _is_person(found: Found, credential: Credential | None) -> bool:
    if credential is None:
        return found.signs_people_in
    if credential.kind != "token":
        return credential.kind in ("sign-in", "password")
    from pbisetup.diagnosis.claims import NotDecodable, decode

    assert credential.token is not None
    try:
        return bool(decode(credential.token.reveal()).scopes)
    except NotDecodable:
        return False


def _manifest_client(found: Found) -> str | None:
    return found.credential.client_id if found.credential else None


def _purposes(found: Found, wanted: Wanted, person: bool) -> tuple[str, ...]:
    from pbisetup.catalog.purposes import purposes

    if wanted.purposes:
        return wanted.purposes
    if found.environment is not None:
        return found.environment.purposes
    assumed = "user-sign-in" if person else "automation"
    return (found.purpose if found.purpose in purposes() else assumed,)


def _scopes(found: Found, names: tuple[str, ...]) -> frozenset[str]:
    from pbisetup.catalog.purposes import purposes

    wanted = {scope for name in names for scope in purposes()[name].delegated}
    return frozenset(wanted | set(found.environment.delegated if found.environment else ()))


def _redirects(found: Found, wanted: Wanted) -> tuple[str, ...]:
    own = found.environment.redirect_uris if found.environment else ()
    return wanted.redirect_uris or own or ((found.redirect_uri,) if found.redirect_uri else ())


def _tenant(common: Common, found: Found, credential: Credential | None) -> str | None:
    """The tenant that the token should be of: what was asked for or the manifest says, else the credential's own."""
    named = tenant_of(common, found.environment) if found.environment else common.tenant
    return named or (credential.tenant_id if credential else None) or None


def _request(common: Common, reach: Network, found: Found, wanted: Wanted) -> ApiRequest | None:
    from pbisetup.diagnosis.request_line import read_request
    from pbisetup.model.errors import UsageError

    line = wanted.request or found.request
    if not line:
        alone = [flag for flag, value in (("--body", wanted.body), ("--send", wanted.send)) if value]
        if alone:
            raise UsageError("PBI104", f"{' and '.join(alone)} without --request: nothing would be sent")
        return None
    body = wanted.body if wanted.request else found.body
    # A scenario's tenant is a throw-away: what its caller does is done.
    send = wanted.send or bool(common.scenario and not wanted.request)
    try:
        if body:
            json.loads(body)
        return read_request(line, reach.cloud, body=body, send=send, profile=found.profile)
    except json.JSONDecodeError as error:
        raise UsageError("PBI104", f"--body is not JSON: {error}") from None
    except ValueError as error:
        raise UsageError("PBI104", f"--request: {error}") from None


def operator_sign_in(common: Common, terminal: Terminal, found: Found, credential: Credential | None) -> SignIn | None:
    """How whoever looks signs in; None where nobody does."""
    if common.operator == "none":
        return None
    from pbisetup.observe.session import SignIn

    tenant = tenant_of(common, found.environment) if found.environment else common.tenant
    if tenant is None and found.in_tenant is False and credential is not None:
        # What a scenario's caller had configured may be no tenant at all; who looks is a user of the tenant that there is.
        tenant = credential.tenant_id if credential.tenant_id.lower() not in _EVERYBODY else None
    return SignIn(
        route=common.operator,
        tenant=tenant,
        client_id=common.operator_client_id,
        terminal=terminal.interactive,
        prompt=lambda uri, code, _: terminal.wrapped(sign_in_text(uri, code, terminal), "", "bold"),
    )


def token_from(source: str | None) -> Secret | None:
    """The token on standard input, bare, behind `Bearer` or in JSON. Raises UsageError where there is none."""
    from pbisetup.diagnosis.claims import find_token
    from pbisetup.model.errors import UsageError
    from pbisetup.model.secret import Secret

    if source is None:
        return None
    if source != "-":
        raise UsageError("PBI109", "a token is never an argument", remedy="Use --token - and pipe it in.")
    text = sys.stdin.buffer.read(4_000_000).decode("utf-8-sig", "replace").replace("\x00", "").strip()
    token = find_token(text) or text.removeprefix("Bearer ").strip()
    if not token:
        raise UsageError("PBI109", "nothing came in on standard input for --token -")
    if not re.fullmatch(r"[!-~]+", token):
        raise UsageError(
            "PBI109",
            "what came in on standard input is no token",
            remedy="Pipe in the token and nothing else, as `pbisetup token` prints it.",
        )
    return Secret(token)


def text_of(path: Path | None) -> bytes | None:
    """The error or log in this file; `-` is standard input. Raises UsageError."""
    from pbisetup.model.errors import UsageError

    if path is None:
        return None
    if str(path) == "-":
        return sys.stdin.buffer.read(16_000_000)
    try:
        return path.read_bytes()[:16_000_000]
    except OSError as error:
        raise UsageError("PBI103", f"{path} cannot be read: {error.strerror or error}") from None
