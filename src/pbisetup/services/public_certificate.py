"""Reading the public part of a certificate from a file, and nothing else: a private key in it is refused, never carried."""

from __future__ import annotations

import base64
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from pbisetup.model.errors import UsageError
from pbisetup.planning.handoff.credential import PublicCertificate

if TYPE_CHECKING:
    from cryptography import x509

_LONGEST = 100_000
_PRIVATE = re.compile(rb"-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----")
_CERTIFICATE = re.compile(rb"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", re.DOTALL)


def read_public_certificate(path: Path) -> PublicCertificate:
    """The one certificate in a PEM file, or in a DER file as Windows exports it.

    Raises UsageError, without a word of its content, where it holds a private key, no certificate or several, or one that
    has ended.
    """
    try:
        with path.open("rb") as file:
            data = file.read(_LONGEST)
    except OSError as error:
        raise UsageError("PBI104", f"--certificate {path}: {error.strerror or error}") from None
    if _PRIVATE.search(data) or path.suffix.lower() in (".pfx", ".p12"):
        raise UsageError(
            "PBI104",
            f"--certificate {path}: it holds a private key, which a hand-off never carries",
            remedy="Name a file that holds the certificate alone: openssl x509 -in FILE -out public.pem writes one.",
        )
    found = _parsed(path, data)
    if found.not_valid_after_utc <= datetime.now(UTC):
        raise UsageError("PBI104", f"--certificate {path}: it ended on {found.not_valid_after_utc:%Y-%m-%d}")
    return _public(found)


def _parsed(path: Path, data: bytes) -> x509.Certificate:
    from cryptography import x509

    listed = _CERTIFICATE.findall(data)
    if len(listed) > 1:
        raise UsageError("PBI104", f"--certificate {path}: it holds {len(listed)} certificates; name a file with one")
    try:
        return x509.load_pem_x509_certificate(listed[0]) if listed else x509.load_der_x509_certificate(data)
    except ValueError:
        raise UsageError("PBI104", f"--certificate {path}: it holds no certificate") from None


def _public(found: x509.Certificate) -> PublicCertificate:
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.serialization import Encoding

    return PublicCertificate(
        der=base64.b64encode(found.public_bytes(Encoding.DER)).decode(),
        thumbprint=found.fingerprint(hashes.SHA1()).hex().upper(),  # noqa: S303 - Graph's name for it, not a proof
        subject=found.subject.rfc4514_string() or "no subject",
        starts=f"{found.not_valid_before_utc:%Y-%m-%dT%H:%M:%SZ}",
        ends=f"{found.not_valid_after_utc:%Y-%m-%dT%H:%M:%SZ}",
    )
