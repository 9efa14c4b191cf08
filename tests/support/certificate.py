"""A self-signed client certificate with its key, and assertions signed by it."""

from __future__ import annotations

import base64
import hashlib
import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID


class ClientCertificate:
    """What an app registers (`base64`) and what its program holds (`pem`)."""

    def __init__(self, bits: int = 2048, common_name: str = "client", days: int = 30) -> None:
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=bits)
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
        now = datetime.now(UTC)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(self.key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=60))
            .not_valid_after(now + timedelta(days=days))
            .sign(self.key, hashes.SHA256())
        )
        self.der = certificate.public_bytes(serialization.Encoding.DER)
        self.base64 = base64.b64encode(self.der).decode()
        self.public_pem = certificate.public_bytes(serialization.Encoding.PEM)
        self.pem = self.public_pem + self.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )

    def assertion(
        self,
        claims: dict[str, Any],
        *,
        algorithm: str = "RS256",
        thumbprint: str = "x5t",
        named_as: ClientCertificate | None = None,
    ) -> str:
        """A client assertion. `named_as`: another certificate that its header claims to be."""
        der = (named_as or self).der
        digest = hashlib.sha1(der, usedforsecurity=False) if thumbprint == "x5t" else hashlib.sha256(der)
        header = {thumbprint: base64.urlsafe_b64encode(digest.digest()).decode()}
        body = {"nbf": time.time() - 10, "exp": time.time() + 600, "jti": "1", **claims}
        # Not as a JWT, whose claims the library would check: these may be wrong on purpose.
        return jwt.PyJWS().encode(json.dumps(body).encode(), self.key, algorithm, {"typ": "JWT", **header})
