"""The client's own credential: its secret, held against the hashes in the directory, or an assertion."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from dataclasses import replace
from typing import Any
from urllib.parse import unquote_plus

from pbisetup.sandbox.entra.assertion import ASSERTION_TYPE, check_assertion
from pbisetup.sandbox.entra.authority import Client, Proof, instant, visible
from pbisetup.sandbox.entra.refusal import Refused
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
    assertion, secret = form.get("client_assertion"), form.get("client_secret")
    if assertion and secret:
        raise Refused("two_credentials")
    if (assertion or secret) and client.first_party:
        raise Refused("public_client_with_credential")
    if assertion:
        kind = form.get("client_assertion_type")
        if not kind:
            raise Refused("parameter_missing", name="client_assertion_type")
        if kind != ASSERTION_TYPE:  # guess: no published answer
            raise Refused("not_a_form")
        return replace(client, acr="2", proof=check_assertion(world, client, assertion))
    return replace(client, acr="1", proof=check_secret(world, client, secret)) if secret else None


def check_secret(world: World, client: Client, secret: str) -> Proof:
    """What proves the client by a secret. Raises Refused."""
    hashed = hash_secret(secret)
    matching = [c for c in _passwords(client) if hmac.compare_digest(str(c.get("secretHash", "")), hashed)]
    now = world.now()
    # A new secret reaches the token service some seconds after Graph shows it (entra.md 3.1,
    # graph-docs#17966).
    matching = [c for c in matching if visible(world, c) and instant(c["startDateTime"]) <= now]
    if not matching:
        raise Refused("secret_wrong", app=client.app_id)
    valid = [c for c in matching if instant(c["endDateTime"]) > now]
    if not valid:
        raise Refused("secret_expired", app=client.app_id)
    return Proof("clientSecret", key_id=str(valid[0].get("keyId", "")))


def _passwords(client: Client) -> list[dict[str, Any]]:
    own = (client.application or {}).get("passwordCredentials") or []
    return [*own, *((client.service_principal or {}).get("passwordCredentials") or [])]
