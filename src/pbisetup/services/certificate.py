"""Certificates with their private keys: made here, or read from the PEM or PFX file that somebody brought.

Nothing of the key is ever in an error or on a screen. source for what Entra takes: entra.md 1.8 (RSA; SHA-1 thumbprints).
"""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pbisetup.model.secret import Secret

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

_CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----(.*?)-----END CERTIFICATE-----", re.DOTALL)
_LONGEST = 100_000
_BITS = 2048
_NO_RSA = "holds no RSA key, which is all that Entra takes"


class NotReadable(Exception):
    """Why a file cannot be used; a clause whose subject is the file."""


@dataclass(frozen=True)
class Pair:
    """A certificate and its private key. Times are aware, in UTC."""

    pem: Secret
    """The key (PKCS#8, not encrypted) and the certificate."""
    der: bytes
    """The certificate alone: what Entra is given."""
    thumbprint: str
    """SHA-1 in upper-case hexadecimal, as Entra shows it."""
    starts: datetime
    ends: datetime

    @property
    def sha256(self) -> str:
        """base64url of the certificate's SHA-256, for `x5t#S256`."""
        return base64.urlsafe_b64encode(hashlib.sha256(self.der).digest()).rstrip(b"=").decode()


def make_pair(name: str, now: datetime, lifetime: timedelta) -> Pair:
    """A new RSA key of 2048 bits and a certificate of its own signing; valid from a little before `now`.

    Entra takes RSA only for client assertions; the beginning allows for clocks that are behind.
    """
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import rsa
    from cryptography.x509.oid import NameOID

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name[:64])])
    starts = (now - timedelta(minutes=15)).astimezone(UTC).replace(microsecond=0)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(starts)
        .not_valid_after((now + lifetime).astimezone(UTC).replace(microsecond=0))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    )
    return _pair(key, builder.sign(key, hashes.SHA256()))


def read_pair(path: Path, password: Secret | None = None) -> Pair:
    """The certificate and its key from a PEM or PFX file. Raises NotReadable without a word of the content."""
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key, pkcs12

    data, word = _data(path), password.reveal().encode() if password else None
    key: Any
    try:
        if b"-----BEGIN" in data:
            certificate = x509.load_pem_x509_certificates(data)[0]
            key = load_pem_private_key(data, word if b"ENCRYPTED" in data else None)
        else:
            key, found, _ = pkcs12.load_key_and_certificates(data, word)
            if found is None:
                raise NotReadable("holds no certificate")
            certificate = found
    except (ValueError, TypeError, IndexError):
        why = (
            "its password is wrong, or it is damaged"
            if word
            else "it holds no certificate with its key, or AZURE_CLIENT_CERTIFICATE_PASSWORD has to give its password"
        )
        raise NotReadable(f"cannot be used: {why}") from None
    if not isinstance(key, RSAPrivateKey):
        raise NotReadable(_NO_RSA)
    if key.key_size < _BITS:
        raise NotReadable(f"holds a key of {key.key_size} bits; {_BITS} is the least that is safe")
    if key.public_key() != certificate.public_key():
        raise NotReadable("holds a certificate and a private key that do not belong together")
    return _pair(key, certificate)


def pair_of_pem(pem: Secret) -> Pair:
    """The same from text that was kept. Raises NotReadable."""
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    data = pem.reveal().encode()
    try:
        key, certificate = load_pem_private_key(data, None), x509.load_pem_x509_certificate(data)
    except (ValueError, TypeError):
        raise NotReadable("holds no certificate with its key") from None
    if not isinstance(key, RSAPrivateKey):
        raise NotReadable(_NO_RSA)
    return _pair(key, certificate)


def thumbprint_of(path: Path, password: str | None = None) -> str:
    """The thumbprint of the certificate in a PEM or PFX file. Raises NotReadable."""
    data = _data(path)
    if b"-----BEGIN" in data:
        return thumbprint_of_pem(data.decode("latin-1"))
    return read_pair(path, Secret(password) if password else None).thumbprint


def thumbprint_of_pem(text: str) -> str:
    """The thumbprint of the first certificate in a PEM text. Raises NotReadable."""
    found = _CERTIFICATE.search(text)
    try:
        if found is None:
            raise NotReadable("holds no certificate")
        return hashlib.sha1(base64.b64decode(found[1]), usedforsecurity=False).hexdigest().upper()
    except ValueError:
        raise NotReadable("holds a damaged certificate") from None


def _data(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_LONGEST)
    except FileNotFoundError:
        raise NotReadable("is not there") from None
    except OSError as error:
        raise NotReadable(f"cannot be read: {error.strerror or error}") from None


def _pair(key: RSAPrivateKey, certificate: x509.Certificate) -> Pair:
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    der = certificate.public_bytes(Encoding.DER)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) + certificate.public_bytes(Encoding.PEM)
    thumbprint = hashlib.sha1(der, usedforsecurity=False).hexdigest().upper()
    return Pair(
        Secret(pem.decode()), der, thumbprint, certificate.not_valid_before_utc, certificate.not_valid_after_utc
    )
