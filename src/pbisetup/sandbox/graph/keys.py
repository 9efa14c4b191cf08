"""Certificates of an application: the whole list is replaced by PATCH, new entries are checked against the
certificate.
"""

from __future__ import annotations

import base64
import binascii
import uuid
from datetime import datetime
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding

from pbisetup.sandbox.graph.errors import GraphError
from pbisetup.sandbox.graph.times import read_time, write_time
from pbisetup.sandbox.store import Object
from pbisetup.sandbox.wire import World

LONGEST_NAME = 90  # source: entra.md 1.8: a longer displayName is cut


def merged(world: World, held: list[Object], wanted: list[Any]) -> list[Object]:
    """The new list of keyCredentials. Raises GraphError.

    An entry whose keyId is held must leave the key alone (source: entra.md 1.8); anything else is a new
    certificate.
    """
    by_id = {str(entry["keyId"]).lower(): entry for entry in held}
    found = []
    for entry in wanted:
        if not isinstance(entry, dict):
            raise GraphError("value_invalid", property="keyCredentials", resource="Application")
        known = by_id.get(str(entry.get("keyId")).lower())
        found.append(_new(world, entry) if known is None else _unchanged(known, entry))
    return found


def _unchanged(known: Object, entry: Object) -> Object:
    for name in ("key", "type", "usage", "startDateTime", "endDateTime"):
        value = entry.get(name)
        if value is None or value == known.get(name):
            continue
        if name.endswith("DateTime") and read_time(value) == read_time(known.get(name)):
            continue
        raise GraphError("key_update", key_id=known["keyId"])
    return known


def _new(world: World, entry: Object) -> Object:
    if entry.get("type") != "AsymmetricX509Cert" or entry.get("usage") not in ("Verify", "Sign"):
        raise GraphError("key_invalid")
    certificate, key = _certificate(entry.get("key"))
    start = _moment(entry, "startDateTime", certificate.not_valid_before_utc)
    end = _moment(entry, "endDateTime", certificate.not_valid_after_utc)
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
        "keyId": str(entry.get("keyId") or uuid.uuid4()),
        "startDateTime": write_time(start),
        "type": "AsymmetricX509Cert",
        "usage": entry["usage"],
    }


def _certificate(value: object) -> tuple[x509.Certificate, str]:
    """The certificate and its DER in base64; a PEM inside the base64 is read too, as the portal does
    (known).
    """
    if not isinstance(value, str):
        raise GraphError("key_invalid")
    try:
        raw = base64.b64decode(value, validate=True)
        pem = raw.lstrip().startswith(b"-----BEGIN")
        certificate = x509.load_pem_x509_certificate(raw) if pem else x509.load_der_x509_certificate(raw)
        return certificate, base64.b64encode(certificate.public_bytes(Encoding.DER)).decode()
    except (ValueError, binascii.Error):
        raise GraphError("key_invalid") from None


def _moment(entry: Object, name: str, default: datetime) -> datetime:
    if entry.get(name) is None:
        return default
    found = read_time(entry[name])
    if found is None:
        raise GraphError("value_invalid", property=name, resource="KeyCredential")
    return found
