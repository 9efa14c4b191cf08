"""The server's certificate: a leaf of at most 30 days, signed by an authority whose key is thrown away at
once.
"""

from __future__ import annotations

import hashlib
import ipaddress
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pbisetup.sandbox.hosts import microsoft_hosts, vault_suffixes
from pbisetup.sandbox.paths import write_private

LEAF_DAYS = 30
RENEW_DAYS = 3
LOOPBACK = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True)
class Certificate:
    """Paths of what a TLS server loads and what its clients must trust."""

    ca: Path
    leaf: Path
    """Key and chain in one file."""


def certificate(folder: Path, more: Collection[str] = ()) -> Certificate:
    """A certificate for loopback, every Microsoft host, every vault and the names in `more`: the folder's while it has days
    left, else a new one.

    An older one stays where it is: servers that run keep serving it, and their clients keep trusting its
    authority.
    """
    vaults = (f"*.{each}" for each in sorted(vault_suffixes()))
    names = (*LOOPBACK, *sorted(microsoft_hosts()), *vaults, *sorted(set(more) - set(LOOPBACK)))
    tag = hashlib.sha256("\n".join(names).encode()).hexdigest()[:8]
    wanted = datetime.now(UTC) + timedelta(days=RENEW_DAYS)
    for entry in sorted(folder.glob(f"*-{tag}"), reverse=True):
        if entry.name > wanted.strftime("%Y%m%d") and (entry / "leaf.pem").exists():
            return Certificate(entry / "ca.pem", entry / "leaf.pem")
    expires = datetime.now(UTC) + timedelta(days=LEAF_DAYS)
    ca, leaf = _issue(names, expires)
    target = folder / f"{expires:%Y%m%d}-{tag}"
    # Two servers that start at once would mix their files: each makes its own folder under a name of its
    # content.
    if target.exists():
        target = folder / f"{expires:%Y%m%d}.{hashlib.sha256(ca.encode()).hexdigest()[:8]}-{tag}"
    try:
        target.mkdir(parents=True, mode=0o700)
    except FileExistsError:
        target = folder / f"{expires:%Y%m%d}.{hashlib.sha256(ca.encode()).hexdigest()[:8]}-{tag}"
        target.mkdir(parents=True, mode=0o700)
    write_private(target / "ca.pem", ca)
    write_private(target / "leaf.pem", leaf)  # last: its presence says that the folder is whole
    return Certificate(target / "ca.pem", target / "leaf.pem")


def _address(name: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(name)
    except ValueError:
        return None


def _issue(names: tuple[str, ...], expires: datetime) -> tuple[str, str]:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

    start = datetime.now(UTC) - timedelta(hours=1)
    ca_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    ca_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "pbisetup sandbox, never trust system-wide")])
    ca_key_id = x509.SubjectKeyIdentifier.from_public_key(ca_key.public_key())

    def usage(*, sign: bool) -> x509.KeyUsage:
        return x509.KeyUsage(
            digital_signature=True, key_cert_sign=sign, crl_sign=sign, content_commitment=False,
            key_encipherment=False, data_encipherment=False, key_agreement=False, encipher_only=False,
            decipher_only=False,
        )  # fmt: skip

    authority = (
        x509.CertificateBuilder()
        .subject_name(ca_name)
        .issuer_name(ca_name)
        .public_key(ca_key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(expires)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage(sign=True), critical=True)
        .add_extension(ca_key_id, critical=False)
        .sign(ca_key, hashes.SHA256())
    )
    alternatives = [x509.IPAddress(found) if (found := _address(name)) else x509.DNSName(name) for name in names]
    leaf = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")]))
        .issuer_name(ca_name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(expires)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(usage(sign=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(ca_key_id), critical=False)
        .sign(ca_key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    ca = authority.public_bytes(pem).decode()
    return ca, private.decode() + leaf.public_bytes(pem).decode()
