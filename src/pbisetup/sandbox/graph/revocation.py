"""Continuous access evaluation: tokens that an event at the principal made worthless before they expire.

Only a client that declared CP1 is challenged; any other token lives to its `exp`, because the directory cannot make
that client understand (source: entra-docs concept-continuous-access-evaluation, concept-cae-workload). What counts
(same pages): for users disabling, deletion, a password change and revoked sessions; for service principals
disabling and deletion.
"""

from __future__ import annotations

import base64
import json
from typing import Final

from pbisetup.sandbox.bearer import Caller
from pbisetup.sandbox.graph.errors import GraphError
from pbisetup.sandbox.graph.times import read_time
from pbisetup.sandbox.wire import World

EVENT: Final = "TokenIssuedBeforeRevocationTimestamp"
_TIMES: Final = ("signInSessionsValidFromDateTime", "lastPasswordChangeDateTime")


def check(world: World, caller: Caller) -> None:
    """Refuse a token that an event has overtaken. Raises GraphError `revoked` with a claims challenge in its
    headers, or `identity_not_found` where the principal is gone and the client knows no challenges.
    """
    found = world.tenant.principal(caller.object_id)
    if not _understands(caller):
        if found is None:
            raise GraphError("identity_not_found")  # source: entra.md 6.4
        return
    now = int(world.now().timestamp())
    if found is None or found[1].get("accountEnabled") is False:
        raise _challenge(now)
    issued = int(caller.claims.get("iat", 0))
    for name in _TIMES:
        moment = read_time(found[1].get(name))
        # A token says only the second it was issued in; one of the event's own second counts as newer, so that the
        # client that answers the challenge at once is not challenged again.
        if moment is not None and issued < int(moment.timestamp()) <= now:
            raise _challenge(int(moment.timestamp()))


def _understands(caller: Caller) -> bool:
    declared = caller.claims.get("xms_cc")
    return isinstance(declared, list) and any(str(each).upper() == "CP1" for each in declared)


def _challenge(moment: int) -> GraphError:
    error = GraphError("revoked", event=EVENT)
    claims = json.dumps({"access_token": {"nbf": {"essential": True, "value": str(moment)}}}, separators=(",", ":"))
    # source: entra-docs claims-challenge; order and names as in Azure.Core's claims challenge tests of 2024-09.
    error.headers["WWW-Authenticate"] = (
        'Bearer realm="", authorization_uri="https://login.microsoftonline.com/common/oauth2/authorize", '
        'client_id="00000003-0000-0000-c000-000000000000", '
        f'error_description="{error.message}", error="insufficient_claims", '
        f'claims="{base64.b64encode(claims.encode()).decode()}"'
    )
    return error
