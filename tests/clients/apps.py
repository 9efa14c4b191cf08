"""What a client test starts from: an app registration of its own, made through Graph as anybody makes one."""

from __future__ import annotations

from typing import Any

import jwt
from cryptography import x509
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, NoEncryption, pkcs12

from tests.support.certificate import ClientCertificate
from tests.support.tenant import SandboxTenant

ISSUER, SUBJECT = "https://token.actions.githubusercontent.com", "repo:contoso/reports:ref:refs/heads/main"


def graph(sandbox: SandboxTenant, method: str, path: str, body: Any = None) -> Any:
    """A Graph call as the operator; fails the test where it is refused."""
    answer = sandbox.http.request(
        method, f"/v1.0{path}", json=body, headers={"Authorization": f"Bearer {sandbox.operator_token()}"}
    )
    assert answer.is_success, answer.text
    return answer.json() if answer.content else None


def make_app(sandbox: SandboxTenant, name: str, **properties: Any) -> dict[str, Any]:
    """An app registration with its service principal."""
    app: dict[str, Any] = graph(sandbox, "POST", "/applications", {"displayName": name, **properties})
    graph(sandbox, "POST", "/servicePrincipals", {"appId": app["appId"]})
    return app


def app_with_certificate(sandbox: SandboxTenant, certificate: ClientCertificate) -> str:
    """The client id of an app that may sign in with this certificate."""
    key = {"type": "AsymmetricX509Cert", "usage": "Verify", "key": certificate.base64}
    return str(make_app(sandbox, "with certificate", keyCredentials=[key])["appId"])


def app_with_federation(sandbox: SandboxTenant) -> tuple[str, str]:
    """The client id of an app that trusts a pipeline, and an assertion of that pipeline."""
    app = make_app(sandbox, "federated")
    audience = "api://AzureADTokenExchange"
    trust = {"name": "pipeline", "issuer": ISSUER, "subject": SUBJECT, "audiences": [audience]}
    graph(sandbox, "POST", f"/applications/{app['id']}/federatedIdentityCredentials", trust)
    wanted = {"issuer": ISSUER, "subject": SUBJECT, "audience": audience}
    return str(app["appId"]), str(sandbox.control("POST", "assertions", wanted)["assertion"])


def public_app(sandbox: SandboxTenant, *scopes: str) -> str:
    """The client id of an app for signing users in, with delegated permissions on Power BI that are consented."""
    app = make_app(
        sandbox,
        "public client",
        isFallbackPublicClient=True,
        publicClient={"redirectUris": ["http://localhost"]},
    )
    client = graph(sandbox, "GET", f"/servicePrincipals(appId='{app['appId']}')")["id"]
    for resource, wanted in (("00000003-0000-0000-c000-000000000000", "User.Read"), (_POWER_BI, " ".join(scopes))):
        api = graph(sandbox, "GET", f"/servicePrincipals(appId='{resource}')")["id"]
        grant = {"clientId": client, "consentType": "AllPrincipals", "resourceId": api, "scope": wanted}
        graph(sandbox, "POST", "/oauth2PermissionGrants", grant)
    return str(app["appId"])


_POWER_BI = "00000009-0000-0000-c000-000000000000"


def claims(token: str) -> dict[str, Any]:
    """What a token says; that it is genuine is another test's matter."""
    return dict(jwt.decode(token, options={"verify_signature": False}))


def pfx(certificate: ClientCertificate, password: bytes | None = None) -> bytes:
    """The certificate and its key as PKCS #12."""
    encryption = BestAvailableEncryption(password) if password else NoEncryption()
    loaded = x509.load_der_x509_certificate(certificate.der)
    return pkcs12.serialize_key_and_certificates(b"client", certificate.key, loaded, None, encryption)
