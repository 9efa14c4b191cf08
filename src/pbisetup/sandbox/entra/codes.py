"""Authorization codes: made when a user has signed in and consented, redeemed once at the token endpoint."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from pbisetup.sandbox import base64url
from pbisetup.sandbox.entra.authority import Client
from pbisetup.sandbox.entra.refusal import Refused
from pbisetup.sandbox.wire import World

LIFE = timedelta(minutes=10)
"""Source: MicrosoftDocs/entra-docs, v2-oauth2-auth-code-flow ("usually they expire after about 10 minutes")."""
REMEMBERED = timedelta(hours=1)
"""How long a used or expired code is told apart from one that never was. guess."""


@dataclass
class Code:
    """What a code stands for, as the authorize endpoint settled it."""

    app_id: str
    user_id: str
    redirect_uri: str
    scope: str
    """The scope text as the client asked (v2), or the resource (v1)."""
    nonce: str | None
    challenge: str | None
    method: str
    """Of the challenge: `S256` or `plain`."""
    mfa: bool
    v1: bool
    spa: bool
    """Whether the redirect URI is registered for a single-page application."""
    expires: datetime
    redeemed: bool = False


@dataclass(frozen=True)
class Redemption:
    """What a redeemed code gives its client a right to."""

    user: dict[str, Any]
    scope: str
    """The scope text that was asked (v2), or the resource (v1; may be empty)."""
    nonce: str | None
    mfa: bool
    """Whether the user also passed multifactor authentication."""
    v1: bool
    spa: bool
    """Whether it may only be redeemed by a script in a browser, from another origin."""


def issue(world: World, code: Code) -> str:
    """Keep a code; its text."""
    text = f"1.{secrets.token_urlsafe(96)}"
    world.codes[text] = code
    for old in [name for name, each in world.codes.items() if each.expires + REMEMBERED <= world.now()]:
        del world.codes[old]
    return text


def redeem(world: World, client: Client, form: Mapping[str, str]) -> Redemption:
    """The sign-in behind `form["code"]`, which serves once. Raises Refused.

    The client has proved itself before this. A code is used up by a redemption that succeeds, and by none other.
    guess: the order of the checks.
    """
    text = form.get("code", "")
    if not text.strip():
        raise Refused("parameter_missing", name="code")
    code = world.codes.get(text)
    if code is None:
        raise Refused("code_malformed")
    if code.app_id.lower() != client.app_id.lower():
        raise Refused("code_other_client")
    if code.redeemed:
        raise Refused("code_redeemed")
    if code.expires <= world.now():
        raise Refused("code_expired")
    _check_redirect(code, form)
    _check_verifier(code, form.get("code_verifier", ""))
    user = world.tenant.users.get(code.user_id)
    if user is None:
        raise Refused("code_malformed")
    code.redeemed = True
    return Redemption(user, code.scope, code.nonce, code.mfa, code.v1, code.spa)


def _check_redirect(code: Code, form: Mapping[str, str]) -> None:
    given = form.get("redirect_uri", "")
    if not given:
        raise Refused("parameter_missing", name="redirect_uri")
    if given != code.redirect_uri:
        raise Refused("code_redirect_differs", given=given, asked=code.redirect_uri)


def _check_verifier(code: Code, verifier: str) -> None:
    if code.challenge is None:
        if code.spa:
            raise Refused("pkce_required")
        if verifier:
            raise Refused("verifier_unexpected")
        return
    if not verifier:
        raise Refused("verifier_missing")
    derived = verifier
    if code.method == "S256":
        derived = base64url.encode(hashlib.sha256(verifier.encode()).digest())
    if not hmac.compare_digest(derived.encode(), code.challenge.rstrip("=").encode()):
        raise Refused("verifier_wrong")
