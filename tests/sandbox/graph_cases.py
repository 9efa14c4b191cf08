"""What the tables of Graph's errors share: a caller, certificates, and how an answer is held against its row."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from pbisetup.sandbox.graph.errors import ERRORS
from pbisetup.sandbox.wire import Reply
from tests.sandbox.inprocess import Inside

SCOPES = (
    "Application.ReadWrite.All AppRoleAssignment.ReadWrite.All DelegatedPermissionGrant.ReadWrite.All "
    "Directory.ReadWrite.All Group.ReadWrite.All User.Read.All"
)
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
FIC = {"name": "gh1", "issuer": "https://i", "subject": "s", "audiences": ["api://AzureADTokenExchange"]}


def send(
    inside: Inside,
    method: str,
    path: str,
    body: Any = None,
    query: dict[str, str] | None = None,
    headers: dict[str, str] | None = None,
    user: str = "admin",
) -> Reply:
    token = inside.token("graph", inside.user(user)["id"], scp=SCOPES)
    return inside.call("graph", method, f"/v1.0{path}", token, body, query, headers)


def link(id_: str) -> dict[str, str]:
    return {"@odata.id": f"https://graph.microsoft.com/v1.0/directoryObjects/{id_}"}


def certificate(days: int = 365) -> str:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "pbisetup")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(KEY.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=days))
        .sign(KEY, hashes.SHA256())
    )
    return base64.b64encode(made.public_bytes(serialization.Encoding.DER)).decode()


def key_entry(**more: Any) -> dict[str, Any]:
    return {"type": "AsymmetricX509Cert", "usage": "Verify", "key": certificate(), **more}


def check_error(name: str, answer: Reply) -> None:
    """The answer is the table's row, in Graph's shape."""
    row = ERRORS[name]
    assert answer.body is not None
    error = answer.body["error"]
    assert (answer.status, error["code"]) == (row.status, row.code), error
    for part in row.message.replace("{{", "").replace("}}", "").replace("}", "{").split("{")[::2]:
        assert part in error["message"].replace("{", "").replace("}", "")
    if row.detail:
        assert error["details"][0]["code"] == row.detail
    assert {"request-id", "client-request-id"} <= set(error["innerError"])
    assert row.source
    assert row.grade
