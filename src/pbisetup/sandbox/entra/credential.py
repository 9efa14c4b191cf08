"""The client's own credential: its secret, held against the hashes in the directory, or an assertion."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from dataclasses import replace
from typing import Any
from urllib.parse import unquote_plus

from pbisetup.sandbox.entra.assertion import check_assertion
from pbisetup.sandbox.entra.authority import Client, instant, visible
from pbisetup.sandbox.entra.causes import Refused
from pbisetup.sandbox.wire import Call, World


def basic_credentials(call: Call) -> tuple[str, str] | None:
    """Client id and secret from an `Authorization: Basic` header (client_secret_basic), or None."""
    scheme, _, value = call.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        name, _, secret = base64.b64decode(value.strip(), validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        raise Refused("not_a_form") from None
    return unquote_plus(name), unquote_plus(secret)


def hash_secret(value: str) -> str:
    """How the state keeps a secret."""
    return hashlib.sha256(value.encode()).hexdigest()


def authenticate(world: World, client: Client, form: dict[str, str]) -> Client | None:
    """The client with how it proved itself, or None when it sent no credential. Raises Refused."""
    if form.get("client_assertion"):
        check_assertion(world, client, form["client_assertion"])
        return replace(client, acr="2")
    return replace(client, acr="1") if check_secret(world, client, form) else None


def check_secret(world: World, client: Client, form: dict[str, str]) -> bool:
    """Whether the request proved the client by a secret; False when it sent none. Raises Refused."""
    secret = form.get("client_secret")
    if not secret:
        return False
    hashed = hash_secret(secret)
    matching = [c for c in _passwords(client) if hmac.compare_digest(str(c.get("secretHash", "")), hashed)]
    now = world.now()
    # A new secret reaches the token service some seconds after Graph shows it (entra.md 3.1,
    # graph-docs#17966).
    matching = [c for c in matching if visible(world, c) and instant(c["startDateTime"]) <= now]
    if not matching:
        raise Refused("secret_wrong", app=client.app_id)
    if all(instant(c["endDateTime"]) <= now for c in matching):
        raise Refused("secret_expired", app=client.app_id)
    return True


def _passwords(client: Client) -> list[dict[str, Any]]:
    own = (client.application or {}).get("passwordCredentials") or []
    return [*own, *((client.service_principal or {}).get("passwordCredentials") or [])]
