"""The platforms that jobs run on, as far as they hand out assertions: an HTTPS server with an authority of its own.

Requests and answers are shaped as GitHub Actions' (github/docs oidc-permissions-token; actions/toolkit oidc-utils reads
`value`) and Azure DevOps' (azure-identity 1.27.0 azure_pipelines.py; its refusals: azure-sdk-for-js PR#29854 and
dotnet/docker-tools issue 2012). The assertions are signed by the sandbox for the issuer that each platform is.
"""

from __future__ import annotations

import json
import ssl
import threading
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.support.tenant import SandboxTenant

REQUEST_TOKEN = "the-token-of-this-job"
CONNECTION = "8c1d2e3f-0000-4000-8000-000000000009"
GITHUB_ISSUER = "https://token.actions.githubusercontent.com"
DEVOPS_ISSUER = "https://vstoken.dev.azure.com/0ca3ddd9-f0b0-4635-a98c-5866526961b6"
_JOB = "/contoso/271ef6f7/_apis/distributedtask/hubs/build/plans/c738a23e/jobs/12f1170f/oidctoken"


class Platform:
    """Both platforms on one port of localhost. Close it, or use it in a `with` block."""

    def __init__(self, sandbox: SandboxTenant, folder: Path) -> None:
        self.sandbox = sandbox
        self.github_subject = "repo:contoso/reports:environment:prod"
        self.devops_subject = "sc://contoso/reports/pbisetup"
        self.answer: tuple[int, dict[str, str], str] | None = None
        """Given instead of an assertion, once or more."""
        self.failures = 0
        """How many requests are first answered with 503."""
        self.asked: list[tuple[str, str, dict[str, list[str]], dict[str, str]]] = []
        """Method, path, query and headers (lower-case names) of each request."""
        self.ca = folder / "platform.pem"
        key = folder / "platform-key.pem"
        server_certificate(self.ca, key, "localhost")
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.ca, key)
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.url = f"https://localhost:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10)

    def github(self) -> dict[str, str]:
        """What the runner of an installation of one's own sets in a job with `permissions: id-token: write`."""
        return {
            "GITHUB_ACTIONS": "true",
            "GITHUB_SERVER_URL": self.url,
            "ACTIONS_ID_TOKEN_REQUEST_URL": f"{self.url}/_services/idtoken/d1?api-version=2.0",
            "ACTIONS_ID_TOKEN_REQUEST_TOKEN": REQUEST_TOKEN,
            "PBISETUP_CA_BUNDLE": str(self.ca),
        }

    def devops(self) -> dict[str, str]:
        """What the agent sets in a step that maps the job's token."""
        return {
            "TF_BUILD": "True",
            "SYSTEM_COLLECTIONURI": f"{self.url}/contoso/",
            "SYSTEM_OIDCREQUESTURI": self.url + _JOB,
            "SYSTEM_ACCESSTOKEN": REQUEST_TOKEN,
            "PBISETUP_CA_BUNDLE": str(self.ca),
        }

    def assertion(self, method: str, path: str, query: dict[str, list[str]]) -> tuple[int, dict[str, Any]]:
        if method == "GET" and path.startswith("/_services/idtoken/"):
            asked = {"issuer": GITHUB_ISSUER, "subject": self.github_subject, "audience": query["audience"][0]}
            signed = self.sandbox.control("POST", "assertions", asked)["assertion"]
            return 200, {"count": len(signed), "value": signed}
        if method == "POST" and path == _JOB and query["api-version"] == ["7.1"]:
            if query["serviceConnectionId"] != [CONNECTION]:
                named = query["serviceConnectionId"][0]
                text = f"There is no explicit reference to service connection {named} from current stage"
                return 200, {"count": len(text), "value": text}
            asked = {"issuer": DEVOPS_ISSUER, "subject": self.devops_subject}
            return 200, {"oidcToken": self.sandbox.control("POST", "assertions", asked)["assertion"]}
        return 404, {"message": "there is no such address"}

    def _handler(platform: Platform) -> type[BaseHTTPRequestHandler]:
        class Handler(BaseHTTPRequestHandler):
            def _serve(self) -> None:
                parts = urlsplit(self.path)
                query = parse_qs(parts.query)
                headers = {name.lower(): value for name, value in self.headers.items()}
                platform.asked.append((self.command, parts.path, query, headers))
                if platform.failures:
                    platform.failures -= 1
                    return self._send(503, {}, "busy")
                if platform.answer:
                    return self._send(*platform.answer)
                if headers.get("authorization") != f"Bearer {REQUEST_TOKEN}":
                    return self._send(401, {}, json.dumps({"message": "the token of the job is not valid"}))
                status, body = platform.assertion(self.command, parts.path, query)
                return self._send(status, {"Content-Type": "application/json"}, json.dumps(body))

            def _send(self, status: int, headers: dict[str, str], text: str) -> None:
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                self.send_response(status)
                for name, value in {**headers, "Content-Length": str(len(text))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(text.encode())

            do_GET = do_POST = _serve

            def log_message(self, *_: object) -> None:
                """Quiet."""

        return Handler


def trust(state: dict[str, Any], platform: Platform) -> None:
    """The sandbox's operator takes the assertions of both platforms in place of a secret."""
    audience = ["api://AzureADTokenExchange"]
    listed = ((GITHUB_ISSUER, platform.github_subject), (DEVOPS_ISSUER, platform.devops_subject))
    state["applications"][0]["federatedIdentityCredentials"] = [
        {
            "id": f"5f5f5f5f-0000-4000-8000-00000000000{n}",
            "name": f"job{n}",
            "audiences": audience,
            "issuer": i,
            "subject": s,
        }
        for n, (i, s) in enumerate(listed)
    ]


def empower(state: dict[str, Any], client_id: str, group_id: str) -> None:
    """What an administrator does once for a pipeline's operator (docs/pipelines.md): it may call the Fabric API and read the
    tenant settings, and is an Admin of the workspaces.
    """
    own = next(each for each in state["servicePrincipals"] if each["appId"] == client_id)["id"]
    group = next(each for each in state["groups"] if each["id"] == group_id)
    group["members"].append(own)
    setting = next(s for s in state["tenantSettings"] if s["settingName"] == "AllowServicePrincipalsUseReadAdminAPIs")
    setting |= {"enabled": True, "enabledSecurityGroups": [{"graphId": group_id, "name": group["displayName"]}]}
    for workspace in state["workspaces"]:
        workspace["roleAssignments"].append(
            {"id": own, "principal": {"id": own, "type": "ServicePrincipal"}, "role": "Admin"}
        )


def server_certificate(certificate_file: Path, key_file: Path, host: str) -> None:
    """A self-signed certificate for a host of the tests', with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "platform")])
    now = datetime.now(UTC)
    usage = dict.fromkeys(
        ("content_commitment", "data_encipherment", "key_agreement", "crl_sign", "encipher_only", "decipher_only"),
        False,
    )
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(
            x509.KeyUsage(digital_signature=True, key_encipherment=True, key_cert_sign=True, **usage), critical=True
        )
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    certificate_file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
