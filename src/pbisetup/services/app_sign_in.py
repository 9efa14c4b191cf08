"""Tokens of the app that is examined, by whichever credential it has: what azure-identity's environment and workload
credentials read, a secret store, a person who signs in, or a token that was handed over.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pbisetup.model.errors import Unavailable
from pbisetup.model.probe import CredentialKind
from pbisetup.model.secret import Secret
from pbisetup.services.identity import (
    CredentialTokens,
    FixedToken,
    TokenRefused,
    TokenSource,
    credential_options,
    guarded_transport,
    one_line,
)
from pbisetup.services.network import Network, json_or_none, not_its_own, unreachable


@dataclass(frozen=True)
class Credential:
    """How the app, or a person through it, signs in. Only what belongs to `kind` is set."""

    kind: CredentialKind
    tenant_id: str
    client_id: str
    where: str
    """Where it was read: `.env.dev`, `environment variables`, `standard input`."""
    secret: Secret | None = None
    certificate: Path | None = None
    certificate_password: Secret | None = None
    pem: Secret | None = None
    """A certificate with its key that lies in no file."""
    assertion: Callable[[], str] | None = None
    """A new assertion of the federated issuer. May raise OSError. None: what is at hand is looked for when it is needed."""
    username: str = ""
    password: Secret | None = None
    token: Secret | None = None
    others: tuple[str, ...] = ()
    """Variables of other kinds of credential that are set as well."""
    broken: str = ""
    """Why it cannot be tried."""
    elsewhere: str = ""
    """Why it cannot be tried here though nothing is wrong with it: only a job is given the assertions."""
    sign_in: Callable[[], TokenSource] | None = None
    """For the kind `sign-in`: starts it."""

    @property
    def usable(self) -> bool:
        """Whether the app itself can sign in with it here and now."""
        from pbisetup.services.app_assertion import at_hand

        if self.broken or self.elsewhere:
            return False
        if self.kind == "federated":
            return self.assertion is not None or bool(at_hand())
        held = {"secret": self.secret, "certificate": self.certificate or self.pem}
        return held.get(self.kind) is not None


def tokens(network: Network, credential: Credential) -> TokenSource:
    """A new source of tokens. A new one for each try: MSAL replays a cached refusal for a minute (clients.md 2).

    Raises Unavailable where the credential cannot even be tried.
    """
    if credential.broken or credential.elsewhere:
        raise Unavailable("PBI105", credential.broken or credential.elsewhere)
    makers: dict[CredentialKind, Callable[[Network, Credential], TokenSource]] = {
        "secret": _secret,
        "certificate": _certificate,
        "federated": _federated,
        "password": PasswordTokens,
        "token": _given,
        "sign-in": _person,
    }
    if credential.kind not in makers:
        raise Unavailable("PBI105", f"{credential.where} holds no credential of the app")
    try:
        return makers[credential.kind](network, credential)
    except (ValueError, TypeError, OSError) as error:
        name = f"the certificate in {credential.certificate.name}: " if credential.certificate else ""
        raise Unavailable("PBI102", f"{name}{one_line(str(error))}") from None


def _secret(network: Network, credential: Credential) -> TokenSource:
    from azure.identity import ClientSecretCredential

    assert credential.secret is not None
    transport = guarded_transport(network)
    made = ClientSecretCredential(
        credential.tenant_id,
        credential.client_id,
        credential.secret.reveal(),
        **credential_options(network, transport),
    )
    return CredentialTokens(made, transport, "app")


def _certificate(network: Network, credential: Credential) -> TokenSource:
    from azure.identity import CertificateCredential

    transport = guarded_transport(network)
    password = credential.certificate_password.reveal() if credential.certificate_password else None
    data = credential.pem.reveal().encode() if credential.pem else None
    made = CertificateCredential(
        credential.tenant_id,
        credential.client_id,
        str(credential.certificate) if credential.certificate else None,
        certificate_data=data,
        password=password,
        **credential_options(network, transport),
    )
    return CredentialTokens(made, transport, "app")


def _federated(network: Network, credential: Credential) -> TokenSource:
    from azure.identity import ClientAssertionCredential

    from pbisetup.services.app_assertion import fitting

    found = fitting(network, credential, None)
    if found.assertion is None:
        raise Unavailable("PBI105", found.elsewhere)
    transport = guarded_transport(network)
    made = ClientAssertionCredential(
        credential.tenant_id, credential.client_id, found.assertion, **credential_options(network, transport)
    )
    return CredentialTokens(made, transport, "app")


def _given(_: Network, credential: Credential) -> TokenSource:
    assert credential.token is not None
    return FixedToken(credential.token)


def _person(_: Network, credential: Credential) -> TokenSource:
    assert credential.sign_in is not None
    return credential.sign_in()


class PasswordTokens:
    """A person's name and password, as old programs send them (the ROPC grant).

    Sent by ourselves: MSAL first asks a host without the authority's port what kind of account it is (clients.md 3).
    """

    def __init__(self, network: Network, credential: Credential) -> None:
        self._network = network
        self._credential = credential

    def token(self, scope: str) -> Secret:
        """A new token. Raises TokenRefused, Unreachable, Refused by the guard."""
        c = self._credential
        form = {"grant_type": "password", "client_id": c.client_id, "scope": scope, "username": c.username}
        form["password"] = c.password.reveal() if c.password else ""
        if c.secret is not None:
            form["client_secret"] = c.secret.reveal()
        status, body = post_form(self._network, f"{self._network.cloud.login}/{c.tenant_id}/oauth2/v2.0/token", form)
        if "access_token" in body:
            return Secret(str(body["access_token"]))
        raise TokenRefused(body, status, "app")


def post_form(network: Network, url: str, form: dict[str, str]) -> tuple[int, dict[str, Any]]:
    """POST to an authority: status and JSON. Raises Unreachable, also where somebody else answered."""
    import httpx

    network.check(url)
    started = time.perf_counter()
    try:
        with httpx.Client(verify=network.ssl_context(), timeout=network.timeout()) as client:
            response = client.post(url, data=form)
    except httpx.HTTPError as error:
        network.record("POST", url, started, None, {})
        raise unreachable(url, error) from None
    network.record("POST", url, started, response.status_code, response.headers)
    body = json_or_none(response.text)
    if not isinstance(body, dict) or not ({"access_token", "error"} & set(body)):
        raise not_its_own(url, response.status_code)
    return response.status_code, body


def reading_file(path: Path) -> Callable[[], str]:
    """The assertion in a file that the platform renews: read anew for each token."""

    def read() -> str:
        text = path.read_text(encoding="utf-8").strip()
        if not text:
            raise Unavailable("PBI105", f"the file {path.name} is empty, so there is no assertion to sign in with")
        return text

    return read
