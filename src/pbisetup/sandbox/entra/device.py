"""Device codes: asked for by a client, decided by a user, redeemed once at the token endpoint."""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import Any

from pbisetup.sandbox.entra.authority import find_user, instant
from pbisetup.sandbox.entra.refusal import Refused
from pbisetup.sandbox.wire import World

# Real user codes look like BPPVYQZMA (azure-sdk-for-python#32375): nine letters and digits that are not mixed
# up.
ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
LIFE = 900
LIFE_TIME = timedelta(seconds=LIFE)


def issue(world: World, app_id: str, scope: str, origin: str, *, own_tenant: bool = True) -> dict[str, Any]:
    """A new device code with the fields of the answer, both endpoints' (entra.md 6.3). `own_tenant`: whether it was asked
    for at this very tenant, not at `common` or `organizations`, where users of all may redeem it.

    A tenant with `auto_approve` signs that user in at once.
    """
    code = secrets.token_urlsafe(48)
    user_code = "".join(secrets.choice(ALPHABET) for _ in range(9))
    approver = world.tenant.sections.get("auto_approve")
    user = find_user(world, str(approver)) if approver else None
    world.pending[code] = {
        "user_code": user_code,
        "client_id": app_id.lower(),
        "scope": scope,
        "expires": (world.now() + LIFE_TIME).isoformat(),
        "user": user["id"] if user else None,
        "mfa": False,
        "declined": False,
        "redeemed": False,
        "own_tenant": own_tenant,
    }
    forget_old(world)
    page = f"{origin}/common/oauth2/deviceauth"
    # The real interval is 5; the sandbox's default of 1 only shortens the wait of whoever polls. It is state.
    interval = int(world.tenant.section("weather").get("device_code_interval", 1))
    return {
        "user_code": user_code,
        "device_code": code,
        "verification_uri": page,
        "expires_in": LIFE,
        "interval": interval,
        "message": (
            f"To sign in, use a web browser to open the page {page} and enter the code {user_code} to authenticate."
        ),
    }


def forget_old(world: World) -> None:
    """Drop the codes of long ago. An expired one is told apart from an unknown one for as long again as it lived."""
    for old in [k for k, each in world.pending.items() if instant(each["expires"]) + LIFE_TIME <= world.now()]:
        del world.pending[old]


def redeem(world: World, app_id: str, code: str) -> dict[str, Any]:
    """The approved request behind a device code. Raises Refused while it waits, or is of no use."""
    pending = world.pending.get(code)
    if pending is None or pending["redeemed"] or pending["client_id"] != app_id.lower():
        raise Refused("device_code_unknown")
    if pending["declined"]:
        raise Refused("device_declined")
    if instant(pending["expires"]) <= world.now():
        raise Refused("device_code_expired")
    if pending["user"] is None:
        raise Refused("device_pending")
    return pending


def forget(world: World, code: str) -> None:
    """A device code serves once. It stays known, so that approving it again is no mistake."""
    world.pending[code]["redeemed"] = True


def decide(world: World, user_code: str, user: str | None) -> str | None:
    """Approve a waiting code as a user, or decline it (None). Returns what was wrong, or None.

    A code that the tenant approved by itself may be approved again, also after it was used.
    """
    pending = waiting(world, user_code)
    if pending is None:
        return f"no device code {user_code} is waiting"
    if user is None:
        pending["declined"] = True
        return None
    found = find_user(world, user)
    if found is None:
        return f"this tenant has no user {user}"
    approve(pending, found, mfa=False)
    return None


def waiting(world: World, user_code: str) -> dict[str, Any] | None:
    """The request behind a user code that has not expired, or None."""
    wanted = user_code.strip().upper()
    for each in world.pending.values():
        if each["user_code"] == wanted and instant(each["expires"]) > world.now():
            found: dict[str, Any] = each
            return found
    return None


def approve(pending: dict[str, Any], user: dict[str, Any], *, mfa: bool) -> None:
    """Sign a user in on the device; `mfa`: with a second factor."""
    pending["user"], pending["mfa"] = user["id"], mfa
