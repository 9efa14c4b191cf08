"""Ways to be kept out that Power BI and Fabric share, staged by state alone, and a table of them by cause."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.sandbox.inprocess import AUDIENCE, Cases, Inside, Stage


def workspace(inside: Inside, name: str = "Reports Dev") -> dict[str, Any]:
    return next(w for w in inside.tenant.workspaces if w["displayName"] == name)


def kept_out(inside: Inside, setting: str, why: str) -> str:
    """The object id of a service principal that the setting keeps out for this reason."""
    app, principal = inside.add_app()
    id_ = principal["id"]
    groups = {
        "outside": {"members": [app["id"], app["appId"], inside.user("developer")["id"]]},
        "synced_group": {"members": [id_], "onPremisesSyncEnabled": True},
        "microsoft365_group": {"members": [id_], "groupTypes": ["Unified"]},
        "nested_group": {"members": [inside.add_group("inner", members=[id_])["id"]]},
        "excluded": {"members": [id_]},
    }
    if why == "off":
        inside.setting(setting, on=False)
    else:
        group = inside.add_group("named", **groups[why])
        inside.setting(setting, **{"excluded" if why == "excluded" else "enabled": (group["id"],)})
    return str(id_)


def bad_token(inside: Inside, service: str, fault: str) -> str | None:
    """A bearer token with this fault; None: no token."""
    principal = inside.add_app()[1]["id"]
    now = int(time.time())
    if fault == "missing":
        return None
    if fault == "malformed":
        return "pasted.badly"
    if fault == "signature":
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        claims = {"aud": AUDIENCE[service], "tid": inside.tenant.id, "exp": now + 60}
        return jwt.encode(claims, key, algorithm="RS256")
    changed = {
        "expired": {"exp": now - 1},
        "too_early": {"nbf": now + 3600},
        "foreign": {"tid": str(uuid.uuid4())},
        "audience": {"aud": "https://management.azure.com/"},
    }
    return inside.token(service, principal, **changed[fault])


TOKEN_FAULTS = ("missing", "malformed", "signature", "expired", "too_early", "foreign", "audience")
REASONS = {
    "setting_off": "off",
    "outside_groups": "outside",
    "excluded": "excluded",
    "in_synced_group": "synced_group",
    "in_microsoft365_group": "microsoft365_group",
    "in_nested_group": "nested_group",
}


def shared_cases(cases: Cases, service: str, plain: str, admin: str) -> None:
    """Adds the causes that both tables have; `plain` and `admin` are routes of the API to GET."""
    from pbisetup.sandbox.access import PUBLIC_APIS, READ_ADMIN_APIS

    def calls(path: str, token: Callable[[Inside], str | None]) -> Stage:
        return lambda inside: inside.call(service, "GET", path, token(inside))

    def as_kept_out(setting: str, why: str) -> Callable[[Inside], str]:
        return lambda inside: inside.token(service, kept_out(inside, setting, why))

    for fault in TOKEN_FAULTS:
        cases[f"token_{fault}"] = calls(plain, lambda inside, fault=fault: bad_token(inside, service, fault))  # type: ignore[misc]
    for name, why in REASONS.items():
        cases[f"service_principal_{name}"] = calls(plain, as_kept_out(PUBLIC_APIS, why))
        cases[f"admin_{name}"] = calls(admin, as_kept_out(READ_ADMIN_APIS, why))
