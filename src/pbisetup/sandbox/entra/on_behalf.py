"""The token that a client was called with, as it presents it to act on behalf of the user."""

from __future__ import annotations

from typing import Any

from pbisetup.sandbox.entra.authority import Client
from pbisetup.sandbox.entra.federation import moment, stamp
from pbisetup.sandbox.entra.refusal import Refused
from pbisetup.sandbox.entra.resources import GRAPH, normal
from pbisetup.sandbox.home import home
from pbisetup.sandbox.wire import World

_LATER = {"verify_aud": False, "verify_exp": False, "verify_nbf": False, "verify_iat": False}


def read(world: World, client: Client, assertion: str) -> dict[str, Any]:
    """The claims of a user's access token that was made for this client. Raises Refused. guess: the order."""
    import jwt

    try:
        jwt.get_unverified_header(assertion)
        claims = dict(
            jwt.decode(assertion, world.keys.public_key, algorithms=["RS256"], options=_LATER)  # type: ignore[arg-type]
        )
    except jwt.InvalidSignatureError:
        reason = "The provided signature value did not match the expected signature value."
        raise Refused("user_assertion_invalid", reason=reason) from None
    except (jwt.PyJWTError, ValueError, RecursionError):
        raise Refused("assertion_malformed") from None
    audience = normal(str(claims.get("aud", "")))
    if audience in (GRAPH, home(world.tenant).graph_resource):
        # Microsoft Graph's tokens carry a nonce of their own, so that nobody else can verify them (entra.md 7).
        reason = "Key was found, but use of the key to verify the signature failed."
        raise Refused("user_assertion_invalid", reason=reason)
    if audience not in _names(client):
        raise Refused(
            "user_assertion_other_audience",
            audience=claims.get("aud"),
            expected=client.app_id,
            app=client.app_id,
            name=client.name,
        )
    now, end = world.now().timestamp(), moment(claims.get("exp"))
    if end is None or end <= now:
        raise Refused("user_assertion_expired", now=stamp(now), expires=stamp(end))
    if "scp" not in claims:
        app_only = claims.get("idtyp") == "app" or claims.get("oid") == claims.get("sub")
        raise Refused("user_assertion_of_app" if app_only else "id_token_as_assertion", app=client.app_id)
    return claims


def _names(client: Client) -> set[str]:
    """By which names a token can be made for this client."""
    own = (client.application or {}).get("identifierUris") or ()
    more = (client.service_principal or {}).get("servicePrincipalNames") or ()
    return {normal(str(each)) for each in (client.app_id, f"api://{client.app_id}", *own, *more)}
