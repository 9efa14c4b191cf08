"""Certificates of an application or service principal: the list that PATCH replaces as a whole, and one at a time by
addKey and removeKey with a proof of possession (source: entra.md 1.8).
"""

from __future__ import annotations

import base64
import uuid
from typing import TYPE_CHECKING, Any, Final

from pbisetup.sandbox.graph import app_restrictions, locks, proof, refs
from pbisetup.sandbox.graph.errors import GraphError
from pbisetup.sandbox.graph.schema import is_guid
from pbisetup.sandbox.graph.service import Handle, Request, route
from pbisetup.sandbox.graph.times import moment, read_time, write_time
from pbisetup.sandbox.store import Object
from pbisetup.sandbox.wire import Reply, Route, World

if TYPE_CHECKING:
    from cryptography import x509

LONGEST_NAME: Final = 90  # source: entra.md 1.8: a longer displayName is cut
_RESOURCE: Final = "KeyCredential"
_USAGE: Final = {"AsymmetricX509Cert": ("Verify", "Sign"), "X509CertAndPassword": ("Sign",)}


def replaced(request: Request, item: Object, wanted: list[Any], kind: str) -> list[Object]:
    """The new list of keyCredentials of an object. Raises GraphError.

    An entry whose keyId is held must leave the key alone; anything else is a new certificate.
    """
    held = item.get("keyCredentials") or []
    by_id = {str(entry["keyId"]).lower(): entry for entry in held}
    found, added, seen = [], [], set()
    for entry in wanted:
        if not isinstance(entry, dict):
            raise GraphError("value_invalid", property="keyCredentials", resource="Application")
        known = by_id.get(str(entry.get("keyId")).lower())
        if known is None:
            new = _new(request.world, entry)
            added.append(new)
        else:
            _check_unchanged(known, entry)
            new = known
        if new["keyId"].lower() in seen:
            raise GraphError("entitlement_twice", property="keyCredentials")
        seen.add(new["keyId"].lower())
        found.append(new)
    if added:
        app_restrictions.check_keys(request, item, kind, added)
        for each in added:
            each["_createdAt"] = request.born()
    return found


def add_key(kind: str) -> Handle:
    """POST addKey: 200 with the new entry. A certificate that is registered and valid must vouch for it."""

    def handle(request: Request, item: Object) -> Reply:
        body = _proven(request, item, kind)
        entry = body.get("keyCredential")
        if not isinstance(entry, dict):
            raise GraphError("value_required", property="keyCredential", resource=_RESOURCE)
        new = _new(request.world, entry)
        app_restrictions.check_keys(request, item, kind, [new])
        new["_createdAt"] = request.born()
        item.setdefault("keyCredentials", []).append(new)
        request.changed()
        context = f"{request.base}/$metadata#microsoft.graph.keyCredential"
        shown = {k: v for k, v in new.items() if not k.startswith("_")}
        return Reply(200, {"@odata.context": context, **shown, "key": None})

    return handle


def remove_key(kind: str) -> Handle:
    """POST removeKey: 204, or 400 when no certificate has that keyId."""

    def handle(request: Request, item: Object) -> Reply:
        key_id = _proven(request, item, kind).get("keyId")
        if not isinstance(key_id, str) or not is_guid(key_id):
            raise GraphError("value_invalid", property="keyId", resource=_RESOURCE)
        held = item.get("keyCredentials") or []
        left = [entry for entry in held if str(entry["keyId"]).lower() != key_id.lower()]
        if len(left) == len(held):
            raise GraphError("no_key")
        item["keyCredentials"] = left
        request.changed()
        return Reply(204)

    return handle


def _proven(request: Request, item: Object, kind: str) -> Object:
    """The body of a call that may change one certificate: unlocked, and with a proof of possession."""
    body = request.call.json()
    locks.check(request, item, kind, "keyCredentials")
    proof.check(request.world, item, body.get("proof"))
    return body


def _check_unchanged(known: Object, entry: Object) -> None:
    for name in ("key", "type", "usage", "startDateTime", "endDateTime"):
        value = entry.get(name)
        if value is None or value == known.get(name):
            continue
        if name.endswith("DateTime") and read_time(value) == read_time(known.get(name)):
            continue
        raise GraphError("key_update", key_id=known["keyId"])


def _new(world: World, entry: Object) -> Object:
    from cryptography.hazmat.primitives import hashes

    if entry.get("usage") not in _USAGE.get(str(entry.get("type")), ()):
        raise GraphError("key_invalid")
    key_id = entry.get("keyId")
    if key_id is not None and not is_guid(key_id):
        raise GraphError("value_invalid", property="keyId", resource=_RESOURCE)
    certificate, key = _certificate(entry.get("key"))
    start = moment(entry, "startDateTime", _RESOURCE) or certificate.not_valid_before_utc
    end = moment(entry, "endDateTime", _RESOURCE) or certificate.not_valid_after_utc
    # source: entra.md 1.8: an end beyond the certificate's own is refused.
    if end > certificate.not_valid_after_utc or end <= start or end <= world.now():
        raise GraphError("key_end_date")
    name = entry.get("displayName") or certificate.subject.rfc4514_string()
    # SHA-1 is what Entra calls the thumbprint.
    thumbprint = certificate.fingerprint(hashes.SHA1()).hex().upper()  # noqa: S303
    return {
        "customKeyIdentifier": entry.get("customKeyIdentifier") or thumbprint,
        "displayName": str(name)[:LONGEST_NAME],
        "endDateTime": write_time(end),
        "key": key,
        "keyId": str(key_id or uuid.uuid4()).lower(),
        "startDateTime": write_time(start),
        "type": entry["type"],
        "usage": entry["usage"],
    }


def _certificate(value: object) -> tuple[x509.Certificate, str]:
    """The certificate and its DER in base64; a PEM inside the base64 is read too, as the portal does
    (known).
    """
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import Encoding

    if not isinstance(value, str):
        raise GraphError("key_invalid")
    try:
        raw = base64.b64decode("".join(value.split()), validate=True)  # Azure CLI sends the lines of a PEM file
        pem = raw.lstrip().startswith(b"-----BEGIN")
        certificate = x509.load_pem_x509_certificate(raw) if pem else x509.load_der_x509_certificate(raw)
        return certificate, base64.b64encode(certificate.public_bytes(Encoding.DER)).decode()
    except ValueError:
        raise GraphError("key_invalid") from None


def _routes() -> list[Route]:
    found: list[Route] = []
    for base, kind, find in refs.HOLDERS:
        for prefix in ("", "microsoft.graph."):
            found += route("POST", f"{base}/{prefix}addKey", "application_keys.roll", add_key(kind), find)
            found += route("POST", f"{base}/{prefix}removeKey", "application_keys.roll", remove_key(kind), find)
    return found


routes = _routes()
