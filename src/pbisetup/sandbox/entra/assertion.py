"""The client's credential as an assertion: a JWT signed with the key of a certificate that its app registered, or
one of a foreign issuer that its app trusts (federation.py).
"""

from __future__ import annotations

import base64
from typing import Any
from urllib.parse import urlsplit

from pbisetup.sandbox import base64url
from pbisetup.sandbox.entra import federation
from pbisetup.sandbox.entra.authority import GUID, MULTI_TENANT, Client, Proof, instant, visible
from pbisetup.sandbox.entra.discovery import NETWORKS
from pbisetup.sandbox.entra.refusal import Refused
from pbisetup.sandbox.home import home
from pbisetup.sandbox.wire import World

UNCHECKED = {
    "verify_signature": False,
    "verify_aud": False,
    "verify_exp": False,
    "verify_nbf": False,
    "verify_iat": False,
}
_ENDPOINTS = ("", "v2.0", "oauth2/token", "oauth2/v2.0/token")
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


def check_assertion(world: World, client: Client, assertion: str) -> Proof:
    """Accept an assertion and say what proved the client, or raise Refused.

    azure-identity's synchronous client signs RS256 and sends `x5t` (SHA-1, with padding), others PS256 and
    `x5t#S256`; both are accepted (clients.md 2). A federated assertion has another issuer than the client.
    """
    import jwt

    try:
        header = jwt.get_unverified_header(assertion)
        claims = dict(jwt.decode(assertion, options=UNCHECKED))  # type: ignore[arg-type]
    except (jwt.PyJWTError, ValueError, RecursionError):
        raise Refused("assertion_malformed") from None
    for entry in _certificates(world, client):
        der = base64.b64decode(entry["key"])
        if not _names(header, der):
            continue
        if not instant(entry["startDateTime"]) <= world.now() < instant(entry["endDateTime"]):
            raise Refused("certificate_expired")
        check_claims(world, client, _verified(assertion, der))
        return Proof("clientAssertion", key_id=str(entry["keyId"]), thumbprint=_thumbprint(der))
    if federation.is_foreign(client, claims):
        return federation.check(world, client, assertion, header, claims)
    if not _certificates(world, client, young=True):
        raise Refused("no_keys_registered")
    raise Refused("assertion_key_unknown", app=client.app_id, thumbprint=_named_thumbprint(header))


def _certificates(world: World, client: Client, *, young: bool = False) -> list[dict[str, Any]]:
    held = [
        *((client.application or {}).get("keyCredentials") or ()),
        *((client.service_principal or {}).get("keyCredentials") or ()),
    ]
    return [each for each in held if each.get("key") and (young or visible(world, each))]


def _names(header: dict[str, Any], der: bytes) -> bool:
    """Whether a JWT header names this certificate by one of its thumbprints."""
    import hashlib

    # The SHA-1 is a name that the protocol prescribes, not a protection.
    digests = {"x5t": hashlib.sha1(der, usedforsecurity=False), "x5t#S256": hashlib.sha256(der)}
    return any(_named(header, name) == digest.digest() for name, digest in digests.items())


def _named_thumbprint(header: dict[str, Any]) -> str:
    """The thumbprint in a JWT header as the service's messages write it, empty where it cannot be read."""
    return (_named(header, "x5t") or _named(header, "x5t#S256")).hex().upper()[:128]


def _named(header: dict[str, Any], name: str) -> bytes:
    """A thumbprint in a JWT header, empty where there is none or it cannot be read."""
    try:
        return base64url.decode(str(header.get(name, "")))
    except ValueError:
        return b""


def _thumbprint(der: bytes) -> str:
    import hashlib

    return hashlib.sha1(der, usedforsecurity=False).hexdigest().upper()


def _verified(assertion: str, der: bytes) -> dict[str, Any]:
    import jwt
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = x509.load_der_x509_certificate(der).public_key()
    if isinstance(key, rsa.RSAPublicKey) and key.key_size < 2048:
        raise Refused("weak_key")
    # Its life is judged against the tenant's clock, its audience below.
    options = {"verify_aud": False, "verify_exp": False, "verify_nbf": False, "verify_iat": False}
    try:
        return dict(jwt.decode(assertion, key, algorithms=["RS256", "PS256"], options=options))  # type: ignore[arg-type]
    except (jwt.PyJWTError, TypeError, ValueError):
        reason = f"{federation.WRONG_SIGNATURE}., Thumbprint of key used by client: '{_thumbprint(der)}'"
        raise Refused("assertion_signature_wrong", reason=reason) from None


def check_claims(world: World, client: Client, claims: dict[str, Any]) -> None:
    """Issuer, subject, life and audience of an assertion that the client made itself. Raises Refused."""
    issuer, subject = str(claims.get("iss")).lower(), str(claims.get("sub")).lower()
    if issuer != client.app_id.lower():
        raise Refused("assertion_not_the_clients", app=client.app_id)
    if subject != issuer:
        # guess: another client's id as subject is told as a foreign assertion, anything else as a mismatch
        cause = "assertion_not_the_clients" if GUID.fullmatch(subject) else "assertion_subject_differs"
        raise Refused(cause, app=client.app_id)
    federation.check_life(world, claims)
    audience = claims.get("aud")
    if not any(_is_here(world, str(each)) for each in (audience if isinstance(audience, list) else [audience])):
        raise Refused("assertion_other_audience")


def _is_here(world: World, audience: str) -> bool:
    """Whether an audience is this authority: one of its token endpoints or issuers (Microsoft's
    table of certificate errors names the v2 one). guess: the other forms, and that `common` will do too.
    """
    try:
        parts = urlsplit(audience)
        host = parts.hostname
    except ValueError:
        return False
    tenant, _, rest = parts.path.strip("/").partition("/")
    login = urlsplit(home(world.tenant).login).hostname
    known = host in world.names or any(host in network for network in NETWORKS if login in network)
    named = world.tenant.named(tenant) or tenant.lower() in MULTI_TENANT
    return parts.scheme == "https" and known and named and rest.lower() in _ENDPOINTS
