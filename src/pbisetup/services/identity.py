"""Tokens, through azure-identity: the operator's and the app's, with the whole answer of the token endpoint kept.

azure-identity hides the error JSON and the difference between "refused" and "nobody answered" (entra.md 8.2); the
transport below keeps both.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlsplit

from pbisetup.model.errors import (
    Evidence,
    ExitCode,
    Observer,
    PbisetupError,
    Refused,
    SignInFailed,
    Unavailable,
)
from pbisetup.model.secret import Secret
from pbisetup.services.network import Network, json_or_none, not_its_own, unreachable

if TYPE_CHECKING:
    from azure.core.credentials import AccessToken, TokenCredential


class TokenSource(Protocol):
    """Whoever can get a token for a scope."""

    def token(self, scope: str) -> Secret:
        """A token that is alive. Raises TokenRefused, SignInFailed, Unavailable or Unreachable."""
        ...


class TokenRefused(Refused):
    """The token endpoint said no. `service_code` is `AADSTS...`; `codes` are all of its numbers."""

    def __init__(self, body: dict[str, Any], status: int, observer: Observer) -> None:
        listed = body.get("error_codes")
        codes = [c for c in listed if isinstance(c, int)] if isinstance(listed, list) else []
        description = str(body.get("error_description") or body.get("error") or "the token endpoint refused")
        self.codes = codes
        self.oauth_error = str(body.get("error", ""))
        self.suberror = str(body.get("suberror", ""))
        self.description = description.split(" Trace ID:", maxsplit=1)[0].strip()
        super().__init__(
            "PBI300",
            self.description,
            status=status,
            service_code=f"AADSTS{codes[0]}" if codes else self.oauth_error or None,
            remedy=None if observer == "operator" else "`pbisetup doctor` says what it means and who can mend it.",
            evidence=(
                Evidence(
                    "token endpoint",
                    observer,
                    f"HTTP {status} {self.oauth_error} {self.description}",
                    str(body.get("correlation_id") or body.get("trace_id") or "") or None,
                ),
            ),
        )
        if observer == "operator":
            self.exit_code = ExitCode.NO_ACCESS


def guarded_transport(network: Network) -> Any:
    """An azure-core transport that trusts what the rest trusts, guards every host, and remembers what went wrong.

    `last_refusal` is (status, JSON) of the newest error answer; `failure` the newest network failure or stopped request.
    """
    from azure.core.exceptions import AzureError
    from azure.core.pipeline.transport import RequestsTransport

    class GuardedTransport(RequestsTransport):  # type: ignore[misc]
        failure: PbisetupError | None = None
        last_refusal: tuple[int, dict[str, Any]] | None = None

        def send(self, request: Any, **kwargs: Any) -> Any:
            started = time.perf_counter()
            # Once a token was refused, MSAL asks for the authority's other names: no answer to that undoes the refusal.
            afterwards = request.method == "GET" and self.last_refusal is not None
            try:
                network.check(request.url)
                response = super().send(request, **kwargs)
            except PbisetupError as error:
                self.failure = error
                raise
            except AzureError as error:
                network.record(request.method, request.url, started, None, {})
                failed = unreachable(request.url, error)
                self.failure = self.failure if afterwards else failed
                raise failed from None
            network.record(request.method, request.url, started, response.status_code, response.headers)
            if afterwards:
                return response
            if response.status_code == 429 and (asked := _seconds(response)) > network.patience.wait:
                # The pipeline would wait as long as it is told to, which may be an hour.
                self.failure = _throttled(request.url, asked)
                raise self.failure
            # The newest answer counts: the pipeline below repeats some.
            self.failure = self.last_refusal = None
            body = json_or_none(response.text())
            if isinstance(body, dict) and "error" in body:
                self.last_refusal = (response.status_code, body)
            elif response.status_code != 200 or not isinstance(body, dict):
                self.failure = not_its_own(request.url, response.status_code)
            return response

    return GuardedTransport(
        connection_verify=network.ca_bundle or True,
        connection_timeout=network.patience.connect,
        read_timeout=network.patience.read,
    )


def _seconds(response: Any) -> float:
    said = response.headers.get("Retry-After", "")
    return float(said) if said.isdecimal() else 0.0


def _throttled(url: str, seconds: float) -> Refused:
    host = urlsplit(url).netloc
    seen = Evidence("token endpoint", "app", f"HTTP 429, Retry-After: {seconds:.0f}")
    said = f"{host} takes no more requests for {seconds:.0f} s"
    return Refused("PBI702", said, status=429, service_code=None, evidence=(seen,))


def credential_options(network: Network, transport: Any) -> dict[str, Any]:
    """What every azure-identity credential of this run is made with."""
    return {
        "authority": network.cloud.login,
        "disable_instance_discovery": not network.cloud.instance_discovery,
        "transport": transport,
        "retry_total": 3,
        "retry_connect": network.patience.again,
        "retry_read": network.patience.again,
        "retry_backoff_max": network.patience.wait,
    }


class CredentialTokens:
    """A TokenSource over one azure-identity credential."""

    def __init__(self, credential: TokenCredential, transport: Any, observer: Observer) -> None:
        self.credential = credential
        self._transport = transport
        self._observer: Observer = observer
        self._turn = threading.Lock()

    def token(self, scope: str) -> Secret:
        with self._turn:  # what went wrong is remembered in one place, and a person signs in once
            return self._token(scope)

    def _token(self, scope: str) -> Secret:
        from azure.core.exceptions import ClientAuthenticationError
        from azure.identity import CredentialUnavailableError

        if self._transport is not None:
            self._transport.failure = self._transport.last_refusal = None
        try:
            got: AccessToken = self.credential.get_token(scope)
        except CredentialUnavailableError as error:
            raise Unavailable("PBI311", one_line(str(error))) from None
        except ClientAuthenticationError as error:
            raise self._explain(error) from None
        except ValueError as error:
            # azure-identity checks tenant and scope characters before it sends anything.
            raise Unavailable("PBI102", one_line(str(error))) from None
        return Secret(got.token)

    def _explain(self, error: Exception) -> PbisetupError:
        if self._transport is not None:
            if self._transport.failure is not None:
                failure: PbisetupError = self._transport.failure
                return failure
            if self._transport.last_refusal is not None:
                status, body = self._transport.last_refusal
                return TokenRefused(body, status, self._observer)
        return SignInFailed("PBI310", one_line(str(error)))


def user_tokens(
    network: Network,
    route: str,
    tenant: str,
    client_id: str,
    *,
    prompt: Callable[[str, str, str], None],
    patience: int,
    observer: Observer = "operator",
) -> CredentialTokens:
    """Tokens of a person who signs in to this client by `browser` or `device` code.

    `prompt` gets the verification address, the code and Entra's own sentence; `patience` is how many seconds the
    person has.
    """
    from azure.identity import DeviceCodeCredential, InteractiveBrowserCredential

    transport = guarded_transport(network)
    options = credential_options(network, transport)
    if route == "browser":
        browser = InteractiveBrowserCredential(tenant_id=tenant, client_id=client_id, timeout=patience, **options)
        return CredentialTokens(browser, transport, observer)
    device = DeviceCodeCredential(
        client_id,
        tenant_id=tenant,
        timeout=patience,
        prompt_callback=lambda uri, code, _expires: prompt(uri, code, f"open {uri} and enter the code {code}"),
        **options,
    )
    return CredentialTokens(device, transport, observer)


_OPERATOR = "PBISETUP_OPERATOR_"


def _operator(name: str) -> str:
    return os.environ.get(_OPERATOR + name, "").strip()


def operator_is_named() -> bool:
    """Whether the environment says as whom the operator signs in, so that nobody else is to be tried."""
    return bool(_operator("CLIENT_ID"))


def environment_tokens(network: Network, tenant: str) -> CredentialTokens:
    """Tokens of the operator that a pipeline describes in PBISETUP_OPERATOR_* variables."""
    from azure.identity import CertificateCredential, ClientSecretCredential

    client_id, secret = _operator("CLIENT_ID"), _operator("CLIENT_SECRET")
    certificate = _operator("CLIENT_CERTIFICATE_PATH")
    tenant = _operator("TENANT_ID") or tenant
    proofs = f"{_OPERATOR}CLIENT_SECRET or {_OPERATOR}CLIENT_CERTIFICATE_PATH"
    needed = {f"{_OPERATOR}TENANT_ID": tenant, f"{_OPERATOR}CLIENT_ID": client_id, proofs: secret or certificate}
    if missing := [name for name, value in needed.items() if not value]:
        raise Unavailable(
            "PBI312",
            f"the operator `env` lacks {', '.join(missing)}",
            remedy=f"It needs {_OPERATOR}TENANT_ID, {_OPERATOR}CLIENT_ID and {proofs}. The AZURE_* variables mean the app "
            "that is set up, not the operator.",
        )
    transport = guarded_transport(network)
    options = credential_options(network, transport)
    try:
        if secret:
            held = Secret(secret)  # from now on crossed out of every output
            credential = ClientSecretCredential(tenant, client_id, held.reveal(), **options)
            return CredentialTokens(credential, transport, "operator")
        return CredentialTokens(CertificateCredential(tenant, client_id, certificate, **options), transport, "operator")
    except (ValueError, OSError) as error:
        raise Unavailable("PBI312", f"the operator's credential cannot be used: {one_line(str(error))}") from None


def managed_tokens() -> CredentialTokens:
    """Tokens of the managed identity of the machine: its own, or the one that PBISETUP_OPERATOR_CLIENT_ID names."""
    from azure.identity import ManagedIdentityCredential

    endpoints = ("IDENTITY_ENDPOINT", "MSI_ENDPOINT")
    if os.environ.get("AZURE_FEDERATED_TOKEN_FILE") and not any(os.environ.get(name) for name in endpoints):
        # There azure-identity would sign in with the AZURE_* variables, past the guard of this run's hosts.
        raise Unavailable(
            "PBI312",
            "a pod with AZURE_FEDERATED_TOKEN_FILE reaches its managed identity as a workload",
            remedy="Use --operator workload.",
        )
    # The managed identity endpoint is a host of the platform, not of the cloud: its own transport.
    return CredentialTokens(ManagedIdentityCredential(client_id=_operator("CLIENT_ID") or None), None, "operator")


def azure_cli_tokens(tenant: str) -> CredentialTokens:
    """Tokens of the Azure CLI's session; `az` itself speaks to Entra."""
    from azure.identity import AzureCliCredential

    return CredentialTokens(AzureCliCredential(tenant_id=tenant, process_timeout=30), None, "operator")


class FixedToken:
    """A token that was handed in."""

    def __init__(self, token: Secret) -> None:
        self._token = token

    def token(self, scope: str) -> Secret:  # noqa: ARG002 - whatever is asked for, there is only this one
        return self._token


def one_line(text: str) -> str:
    """A library's words as one line, not too long."""
    return " ".join(text.split())[:400]
