"""Federated identity credentials: an assertion of an issuer outside the tenant in place of a secret.

The one key that signs for all issuers outside (`/_sandbox/assertions`) stands for the keys that the real service
fetches from each. Assertions by this tenant itself, which are tokens of managed identities, verify with its own key.
"""

from __future__ import annotations

import json
import math
import re
from datetime import UTC, datetime
from typing import Any

from pbisetup.sandbox.entra.authority import GUID, Client, Proof, visible
from pbisetup.sandbox.entra.refusal import Refused
from pbisetup.sandbox.home import home
from pbisetup.sandbox.wire import World

Object = dict[str, Any]

WRONG_SIGNATURE = "The provided signature value did not match the expected signature value"
EXCHANGE = "api://AzureADTokenExchange"
EXCHANGE_APP = "fb60f99c-7a34-4190-8149-302f77469936"
"""Entra's own name for the audience above in the tokens of its managed identities (entra-docs, configure an app to
trust a managed identity).
"""
_END_OF_CALENDAR = datetime(9999, 1, 1, tzinfo=UTC).timestamp()
# Source: entra-docs, flexible federated identity credentials: `eq`, `matches` with * and ?, joined by `and`.
_TERM = re.compile(r"claims\['(\w+)'\]\s+(eq|matches)\s+'([^']*)'")


def is_foreign(client: Client, claims: Object) -> bool:
    """Whether an assertion names an issuer that is not a client."""
    issuer = str(claims.get("iss", ""))
    return bool(issuer) and issuer.lower() != client.app_id.lower() and not GUID.fullmatch(issuer)


def check(world: World, client: Client, assertion: str, header: Object, claims: Object) -> Proof:
    """Accept a foreign assertion by a federated credential of the app or the managed identity, or raise Refused.

    guess: the order of the checks; that the issuer comes first follows from the service having to fetch its keys.
    """
    entries = [each for each in _entries(client) if visible(world, each)]
    if not entries:
        raise Refused("no_federated_credential", app=client.app_id, name=client.name)
    issuer, subject = str(claims["iss"]), str(claims.get("sub", ""))
    trusted = [each for each in entries if each.get("issuer") == issuer]
    if not trusted:
        raise Refused("federated_issuer_unknown", issuer=issuer)
    _verify(world, assertion, header, issuer)
    if issuer in _own_issuers(world) and claims.get("idtyp") != "app" and claims.get("oid") != claims.get("sub"):
        raise Refused("federated_token_of_user")
    check_life(world, claims)
    named = [each for each in trusted if _subject_matches(each, claims)]
    if not named:
        alike = any(str(each.get("subject")).lower() == subject.lower() for each in trusted)
        raise Refused("federated_subject_case" if alike else "federated_subject_unknown", subject=subject)
    audience = claims.get("aud")
    audiences = {str(each) for each in (audience if isinstance(audience, list) else [audience])}
    if EXCHANGE_APP in audiences:
        audiences.add(EXCHANGE)
    for each in named:
        if audiences & set(each.get("audiences") or ()):
            return Proof("federatedIdentityCredential", federated_id=str(each.get("id", "")))
    raise Refused("federated_audience_unknown", audience=audience)


def check_life(world: World, claims: Object) -> None:
    """Raise Refused for an assertion whose time has not come or is over."""
    now = world.now()
    begin, end = moment(claims.get("nbf", 0)), moment(claims.get("exp"))
    # guess: five minutes of clock skew are forgiven, as the real service does for its own tokens.
    if begin is None or end is None or not begin - 300 <= now.timestamp() < end + 300:
        raise Refused("assertion_expired", now=stamp(now.timestamp()), begin=stamp(begin), end=stamp(end))


def moment(value: object) -> float | None:
    """A time in a JWT as seconds, None for what is no time that a calendar has."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return float(value) if 0 <= value < _END_OF_CALENDAR else None


def stamp(seconds: float | None) -> str:
    """A time as the service's messages write it; one that is missing is the first of 1970 (MSAL.NET's test data)."""
    return datetime.fromtimestamp(seconds or 0, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f0Z")


def issue(world: World, issuer: str, subject: str, audience: str, lifetime: float, more: Object) -> str:
    """An assertion as an issuer outside would sign it; who asks saves the tenant, which may have got a key."""
    import jwt

    now = int(world.now().timestamp())
    claims = {
        "iss": issuer,
        "sub": subject,
        "aud": audience,
        "iat": now,
        "nbf": now - 5,
        "exp": int(now + lifetime),
        "jti": f"{issuer}/{subject}/{world.now().timestamp()}",
        **more,
    }
    world.tenant.changed = world.tenant.changed or not world.keys.has_issuers
    headers = {"kid": world.keys.issuer_kid(issuer)}
    # Not as a JWT, whose claims the library would check: an issuer may sign any.
    content = json.dumps(claims).encode()
    return jwt.PyJWS().encode(content, world.keys.issuers_key, "RS256", {"typ": "JWT", **headers})


def _entries(client: Client) -> list[Object]:
    """A user-assigned managed identity has no application: its credentials stand on the service principal."""
    own = (client.application or {}).get("federatedIdentityCredentials") or ()
    return [*own, *((client.service_principal or {}).get("federatedIdentityCredentials") or ())]


def _own_issuers(world: World) -> tuple[str, str]:
    own = home(world.tenant)
    return f"{own.login}/{world.tenant.id}/v2.0", own.token_issuer.format(tenant=world.tenant.id)


def _verify(world: World, assertion: str, header: Object, issuer: str) -> None:
    import jwt

    if issuer in _own_issuers(world):
        key = world.keys.public_key
    elif world.keys.has_issuers and header.get("kid") == world.keys.issuer_kid(issuer):
        key = world.keys.issuers_key.public_key()
    else:
        raise Refused("assertion_signature_wrong", reason="The key was not found")
    options = {"verify_aud": False, "verify_exp": False, "verify_nbf": False, "verify_iat": False, "verify_sub": False,
               "verify_jti": False}  # fmt: skip
    try:
        jwt.decode(assertion, key, algorithms=["RS256"], options=options)  # type: ignore[arg-type]
    except (jwt.PyJWTError, TypeError, ValueError):
        raise Refused("assertion_signature_wrong", reason=WRONG_SIGNATURE) from None


def _subject_matches(entry: Object, claims: Object) -> bool:
    expression = (entry.get("claimsMatchingExpression") or {}).get("value")
    if not expression:
        return entry.get("subject") == claims.get("sub")
    terms = [_TERM.fullmatch(each.strip()) for each in re.split(r"\s+and\s+", str(expression))]
    return bool(terms) and all(term is not None and _holds(term, claims) for term in terms)


def _holds(term: re.Match[str], claims: Object) -> bool:
    name, operator, wanted = term.groups()
    value = str(claims.get(name, ""))
    if operator == "eq":
        return value == wanted
    pattern = "".join({"*": ".*", "?": "."}.get(each, re.escape(each)) for each in wanted)
    return re.fullmatch(pattern, value, re.DOTALL) is not None
