"""Client secrets of applications and service principals: made by the service, shown once, kept as a hash."""

from __future__ import annotations

import hashlib
import secrets
import string
import uuid
from typing import Final

from pbisetup.sandbox.graph import app_restrictions, locks, refs
from pbisetup.sandbox.graph.errors import GraphError
from pbisetup.sandbox.graph.service import Request, route
from pbisetup.sandbox.graph.service_principals import is_first_party
from pbisetup.sandbox.graph.times import moment, write_time, years_later
from pbisetup.sandbox.store import Object
from pbisetup.sandbox.wire import Reply, Route

_RESOURCE: Final = "PasswordCredential"
_ALPHABET: Final = string.ascii_letters + string.digits + "-_.~"
_DEFAULT_YEARS: Final = 2  # source: entra.md 1.7
_ASKED: Final = ("displayName", "startDateTime", "endDateTime", "keyId", "customKeyIdentifier")
_MADE: Final = ("secretText", "hint")


def new_secret() -> str:
    """40 characters; real ones have `8Q~` after the first three (known)."""
    return (
        "".join(secrets.choice(string.ascii_letters + string.digits) for _ in range(3))
        + "8Q~"
        + "".join(secrets.choice(_ALPHABET) for _ in range(34))
    )


def add_password(request: Request, item: Object) -> Reply:
    """200 with the secret, the only time it is seen (source: entra.md 1.7). No replication lag: az relies
    on it.
    """
    kind = _kind(item)
    locks.check(request, item, kind, "passwordCredentials")
    if is_first_party(item):
        raise GraphError("denied")  # guess: which refusal
    asked = _asked(request.call.json())
    start = moment(asked, "startDateTime", _RESOURCE) or request.world.now()
    end = moment(asked, "endDateTime", _RESOURCE) or years_later(start, _DEFAULT_YEARS)
    name = asked.get("displayName")
    if name is not None and not isinstance(name, str):
        raise GraphError("value_invalid", property="displayName", resource=_RESOURCE)
    if end <= start:
        raise GraphError("value_invalid", property="endDateTime", resource=_RESOURCE)
    app_restrictions.check_password(request, item, kind, start, end)
    value = new_secret()
    entry = {
        "keyId": str(uuid.uuid4()),
        "displayName": name,
        "startDateTime": write_time(start),
        "endDateTime": write_time(end),
        "hint": value[:3],
        "secretHash": hashlib.sha256(value.encode()).hexdigest(),
        "_createdAt": request.born(),
    }
    item.setdefault("passwordCredentials", []).append(entry)
    request.changed()
    shown = {k: v for k, v in entry.items() if k not in ("secretHash", "_createdAt")}
    context = f"{request.base}/$metadata#microsoft.graph.passwordCredential"
    return Reply(200, {"@odata.context": context, "customKeyIdentifier": None, **shown, "secretText": value})


def _asked(body: Object) -> Object:
    """The credential that a body describes. source: graph-docs passwordCredential: the service makes secretText, which
    is read-only, as is hint. guess: their texts, and that an unknown parameter is refused like an unknown property.
    """
    for name in body:
        if "@" not in name and name != "passwordCredential":
            raise GraphError("property_unknown", property=name)
    asked = body.get("passwordCredential") or {}
    if not isinstance(asked, dict):
        raise GraphError("value_invalid", property="passwordCredential", resource=_RESOURCE)
    for name, value in asked.items():
        if "@" in name:
            continue
        if name in _MADE and value is not None:
            raise GraphError("property_read_only", property=name)
        if name not in (*_MADE, *_ASKED):
            raise GraphError("property_unknown", property=name)
    return asked


def remove_password(request: Request, item: Object) -> Reply:
    """204, or 400 when no secret has that keyId."""
    locks.check(request, item, _kind(item), "passwordCredentials")
    key_id = str(request.call.json().get("keyId", "")).lower()
    held = item.get("passwordCredentials", [])
    left = [entry for entry in held if str(entry["keyId"]).lower() != key_id]
    if len(left) == len(held):
        raise GraphError("no_password")
    item["passwordCredentials"] = left
    request.changed()
    return Reply(204)


def _kind(item: Object) -> str:
    return "application" if item.get("servicePrincipalNames") is None else "servicePrincipal"


def _routes() -> list[Route]:
    found: list[Route] = []
    actions = (("addPassword", add_password), ("removePassword", remove_password))
    for base in refs.APPLICATIONS:
        for prefix in ("", "microsoft.graph."):
            for action, handle in actions:
                found += route("POST", f"{base}/{prefix}{action}", "applications.write", handle, refs.application)
    for base in refs.SERVICE_PRINCIPALS:
        for action, handle in actions:
            found += route("POST", f"{base}/{action}", "service_principals.write", handle, refs.service_principal)
    return found


routes = _routes()
