"""The keys of a tenant: the one that signs its tokens, and the one of all foreign issuers that it trusts.

Both persist together with the tenant id, because clients cache them and assertions outlive a restart.
"""

from __future__ import annotations

import hashlib
import re
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from pbisetup.sandbox import base64url

_PEM = re.compile(r"-----BEGIN [A-Z ]+-----.+?-----END [A-Z ]+-----\n?", re.DOTALL)


class SigningKey:
    """An RSA key with its key id, as a PEM on disk and as a JWK on the wire."""

    def __init__(self, private_key: rsa.RSAPrivateKey, issuers_key: rsa.RSAPrivateKey | None = None) -> None:
        self.private_key = private_key
        self.public_key = private_key.public_key()
        self._issuers_key = issuers_key
        der = self.public_key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        self.kid = base64url.encode(hashlib.sha256(der).digest()[:20])

    @classmethod
    def generate(cls) -> SigningKey:
        return cls(_generate())

    @classmethod
    def from_pem(cls, pem: str) -> SigningKey:
        """What `to_pem` wrote. Raises ValueError."""
        keys = [serialization.load_pem_private_key(each.encode(), password=None) for each in _PEM.findall(pem)]
        rsa_keys = [key for key in keys if isinstance(key, rsa.RSAPrivateKey)]
        if not rsa_keys or len(rsa_keys) != len(keys):
            raise ValueError("the signing key is not an RSA key")
        return cls(*rsa_keys[:2])

    @property
    def issuers_key(self) -> rsa.RSAPrivateKey:
        """The key that signs for every issuer outside the tenant (`/_sandbox/assertions`); made when first asked for,
        because making it takes time that a start does not have. Who asks saves the tenant.
        """
        if self._issuers_key is None:
            self._issuers_key = _generate()
        return self._issuers_key

    @property
    def has_issuers(self) -> bool:
        """Whether anything was ever signed for an issuer outside."""
        return self._issuers_key is not None

    def issuer_kid(self, issuer: str) -> str:
        """The key id that one issuer's assertions name: a different one for each, as each really has its own key."""
        return hashlib.sha256(f"{self.kid}/{issuer}".encode()).hexdigest()[:40].upper()

    def secret(self) -> bytes:
        """Bytes that nobody outside can know, for as long as the tenant lives."""
        return _pem(self.private_key).encode()

    def to_pem(self) -> str:
        """Both keys, for the state file."""
        return _pem(self.private_key) + (_pem(self._issuers_key) if self._issuers_key else "")

    def jwk(self, issuer: str) -> dict[str, Any]:
        """The public half as a key of the JWKS document (source: entra access-tokens page, keys carry `issuer`)."""
        numbers = self.public_key.public_numbers()
        return {
            "kty": "RSA",
            "use": "sig",
            "kid": self.kid,
            "x5t": self.kid,
            "n": _number(numbers.n),
            "e": _number(numbers.e),
            "issuer": issuer,
        }


def _generate() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def _pem(key: rsa.RSAPrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


def _number(number: int) -> str:
    return base64url.encode(number.to_bytes((number.bit_length() + 7) // 8, "big"))
