"""Callers for stories about Graph's objects: apps with chosen permissions, users with chosen roles and scopes."""

from __future__ import annotations

import base64
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from pbisetup.sandbox.roles import ROLES
from tests.sandbox.api import GRAPH_APP, Api, App, graph, new_app
from tests.support.tenant import GRAPH, SandboxTenant

JSON = dict[str, Any]
PROOF_AUDIENCE = "00000002-0000-0000-c000-000000000000"


def app_with(sandbox: SandboxTenant, *roles: str) -> tuple[App, Api]:
    """An app of one's own with these Graph application permissions, and its token."""
    admin = graph(sandbox)
    app = new_app(admin, "caller")
    resource = admin.get(f"/servicePrincipals(appId='{GRAPH_APP}')")
    ids = {role["value"]: role["id"] for role in resource["appRoles"]}
    for role in roles:
        body = {"principalId": app.principal_id, "resourceId": resource["id"], "appRoleId": ids[role]}
        admin.post(f"/servicePrincipals/{resource['id']}/appRoleAssignedTo", body)
    return app, graph(sandbox, token=sandbox.app_token(app.client_id, app.secret, GRAPH))


def user_with(sandbox: SandboxTenant, user: str, *scopes: str, roles: tuple[str, ...] | None = None) -> Api:
    """A user through a public client that everybody agreed to these scopes for; `roles` replaces the user's own."""
    client_id, object_id, principal_id = (str(uuid.uuid4()) for _ in range(3))

    def change(state: JSON) -> None:
        api = next(s for s in state["servicePrincipals"] if s["appId"] == GRAPH_APP)
        state["applications"].append(
            {
                "id": object_id,
                "appId": client_id,
                "displayName": "client",
                "isFallbackPublicClient": True,
                "publicClient": {"redirectUris": ["http://localhost"]},
            }
        )
        state["servicePrincipals"].append(
            {
                "id": principal_id,
                "appId": client_id,
                "displayName": "client",
                "servicePrincipalNames": [client_id],
                "appOwnerOrganizationId": state["tenant"]["id"],
            }
        )
        state["oauth2PermissionGrants"].append(
            {
                "id": str(uuid.uuid4()),
                "clientId": principal_id,
                "consentType": "AllPrincipals",
                "principalId": None,
                "resourceId": api["id"],
                "scope": " ".join(scopes),
            }
        )
        if roles is not None:
            found = next(u for u in state["users"] if u["userPrincipalName"].startswith(user + "@"))
            found["directoryRoles"] = [ROLES[role] for role in roles]

    sandbox.put_state(change)
    return graph(sandbox, token=sandbox.user_token(user, GRAPH, client_id))


def user_of(state: JSON, name: str) -> JSON:
    found: JSON = next(u for u in state["users"] if u["userPrincipalName"].startswith(name + "@"))
    return found


class Certificate:
    """A self-signed certificate with its key."""

    def __init__(self, name: str = "rolled", days: int = 365) -> None:
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        now = datetime.now(UTC)
        made = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(subject)
            .public_key(self.key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=days))
            .sign(self.key, hashes.SHA256())
        )
        self.thumbprint = made.fingerprint(hashes.SHA1()).hex().upper()  # noqa: S303 - what Entra calls it
        self.base64 = base64.b64encode(made.public_bytes(serialization.Encoding.DER)).decode()

    def entry(self, **more: Any) -> JSON:
        """As PATCH and addKey take it."""
        return {"type": "AsymmetricX509Cert", "usage": "Verify", "key": self.base64, **more}

    def proof(self, issuer: str, *, audience: str = PROOF_AUDIENCE, start: int = 0, life: int = 600) -> str:
        """A proof of possession for the object with this id."""
        begin = int(datetime.now(UTC).timestamp()) + start
        claims = {"aud": audience, "iss": issuer, "nbf": begin, "exp": begin + life}
        return jwt.encode(claims, self.key, algorithm="RS256")
