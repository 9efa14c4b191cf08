"""One key vault through Microsoft's own packages, with every way to fail said in words.

Tokens are the operator's; they go to the cloud's hosts only, and are always of the cloud's own resource, whatever a vault's
challenge asks for. Refusals: azure-docs key-vault rest-error-codes, rbac-guide, and recordings in azure-sdk-for-js.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

from pbisetup.model.errors import Evidence, PbisetupError, StoreError, Unreachable
from pbisetup.services.identity import TokenSource, guarded_transport, one_line
from pbisetup.services.network import Network

if TYPE_CHECKING:
    from azure.keyvault.certificates import CertificateClient
    from azure.keyvault.secrets import SecretClient

T = TypeVar("T")
SECRETS_OFFICER, CERTIFICATES_OFFICER = "Key Vault Secrets Officer", "Key Vault Certificates Officer"
BETWEEN = ("ObjectIsBeingDeleted", "ObjectIsBeingRecovered")
"""The vault is not done with the last request yet (azure-sdk-for-net#31581)."""
WALLS = ("ForbiddenByFirewall", "ForbiddenByConnection")
_AGAIN, _PAUSE = 15, 2.0
_OBJECT_ID = re.compile(r"\boid=([0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})\b")
_SCOPE = re.compile(r"'(/subscriptions/[\w/.-]+?/vaults/[0-9A-Za-z-]{3,24})(?:/[\w/-]*)?'")


class VaultError(StoreError):
    """The vault said no, or nobody answered: then `status` is 0. `reason` is the vault's inner code, or its code."""

    def __init__(self, status: int, reason: str, message: str, **more: Any) -> None:
        super().__init__("PBI119", message, **more)
        self.status, self.reason = status, reason


class VaultClient:
    """Requests to one vault. Raises StoreError where it cannot have that name, or the packages are missing."""

    def __init__(self, network: Network, vault: str, sign_in: Callable[[], TokenSource]) -> None:
        self.name = vault
        self._network = network
        self._sign_in = sign_in

    @cached_property
    def secrets(self) -> SecretClient:
        try:
            from azure.keyvault.secrets import SecretClient
        except ImportError:
            raise _no_packages() from None
        return SecretClient(self._address(), self._credential, **self._options())

    @cached_property
    def certificates(self) -> CertificateClient:
        try:
            from azure.keyvault.certificates import CertificateClient
        except ImportError:
            raise _no_packages() from None
        return CertificateClient(self._address(), self._credential, **self._options())

    def ask(self, call: Callable[[], T], *roles: str) -> T:
        """What the vault answers, asked again where nobody does: azure-core does not, since the transport says so in words
        of ours. Raises VaultError; `roles` are those that the caller needs for it.
        """
        for _ in range(self._network.patience.again):
            try:
                return self.once(call, *roles)
            except VaultError as error:
                if error.reason != "Unreachable":
                    raise
        return self.once(call, *roles)

    def once(self, call: Callable[[], T], *roles: str) -> T:
        """The same for what makes something: whoever asks for it looks first whether it has been done, and asks again."""
        from azure.core.exceptions import AzureError, HttpResponseError

        for left in reversed(range(_AGAIN)):
            try:
                return call()
            except HttpResponseError as error:
                refused = self._refused(error, roles)
                if refused.reason not in BETWEEN or not left:
                    raise refused from None
                time.sleep(_PAUSE)
            except StoreError:
                raise
            except PbisetupError as error:
                raise self._unusable(error) from None
            except (AzureError, ValueError) as error:
                said = f"the key vault {self.name} cannot be used: {one_line(str(error))}"
                raise VaultError(0, "", said, evidence=(self._seen(one_line(str(error))),)) from None
        raise AssertionError  # the last time round either answers or raises

    def found(self, call: Callable[[], T], *roles: str) -> T | None:
        """The same; None where the vault has no such object."""
        try:
            return self.ask(call, *roles)
        except VaultError as error:
            if error.reason in ("SecretNotFound", "CertificateNotFound"):
                return None
            raise

    def _address(self) -> str:
        address = self._network.cloud.vault_address(self.name)
        if address is None:
            raise StoreError(
                "PBI119",
                f"{self.name!r} cannot be a key vault in the cloud {self._network.cloud.name}",
                remedy="A vault's name has 3 to 24 letters, digits and single hyphens, and begins with a letter.",
            )
        return address

    @cached_property
    def _credential(self) -> Any:
        return _Operator(self._sign_in, self._network.cloud.scope(str(self._network.cloud.vault_resource)))

    def _options(self) -> dict[str, Any]:
        patience = self._network.patience
        return {
            "transport": guarded_transport(self._network),
            # Which hosts get a token, and of which resource, is decided by the cloud's data, not by the challenge.
            "verify_challenge_resource": False,
            "retry_total": 3,
            "retry_connect": patience.again,
            "retry_read": patience.again,
            "retry_backoff_max": patience.wait,
        }

    def _unusable(self, error: PbisetupError) -> VaultError:
        more = {"remedy": error.remedy, "command": error.command, "evidence": error.evidence}
        if error.code == "PBI201":
            return VaultError(
                0, "VaultNotFound", self._no_vault(), evidence=error.evidence, remedy=_NO_VAULT.format(name=self.name)
            )
        reason = "Unreachable" if isinstance(error, Unreachable) else ""
        return VaultError(0, reason, f"the key vault {self.name} cannot be used: {error.message}", **more)

    def _no_vault(self) -> str:
        return f"there is no key vault {self.name}, or its name cannot be resolved from here"

    def _refused(self, error: Any, roles: tuple[str, ...]) -> VaultError:
        said = getattr(error, "error", None)
        code, inner = str(getattr(said, "code", "") or ""), getattr(said, "innererror", None) or {}
        reason = str(inner.get("code") or code) if isinstance(inner, dict) else code
        whole = str(getattr(said, "message", "") or error.message or "")
        text = one_line(whole)
        status = int(error.status_code or 0)
        request_id = error.response.headers.get("x-ms-request-id") if error.response is not None else None
        evidence = (self._seen(f"HTTP {status} {reason} {text}".rstrip(), request_id),)

        def found(message: str, remedy: str, command: str | None = None) -> VaultError:
            return VaultError(status, reason, message, remedy=remedy, command=command, evidence=evidence)

        if reason == "VaultNotFound":
            return found(self._no_vault(), _NO_VAULT.format(name=self.name))
        if reason in WALLS:
            return found(
                f"the firewall of the key vault {self.name} does not let this machine in",
                "Whoever manages the vault adds this machine's address to its networking rules; or run where it is let in, "
                "or use another store.",
            )
        if status == 403:
            wanted = " and ".join(f"the role {role}" for role in roles) or "a role"
            return found(
                f"you may not do this in the key vault {self.name}",
                f"It takes {wanted} on the vault (where it goes by access policies: Get, List, Set, Delete and Recover). "
                "An Owner, User Access Administrator or Key Vault Data Access Administrator of the vault can give it; it "
                "takes effect after some minutes.",
                _command(roles, whole),
            )
        if status == 401:
            return found(
                f"the key vault {self.name} does not take this sign-in: {text}",
                "Sign in to the tenant that the vault belongs to.",
            )
        return found(
            f"the key vault {self.name} answered HTTP {status}: {text or reason or 'no reason given'}",
            "Run again." if status >= 500 or status in (409, 429) else "The vault's own words say what is wrong.",
        )

    def _seen(self, fact: str, request_id: str | None = None) -> Evidence:
        return Evidence(f"key vault {self.name}", "operator", fact, request_id)


_NO_VAULT = (
    "Check the name: `az keyvault show --name {name}`. "
    "A vault behind a private endpoint is resolved only in its own network."
)


def _command(roles: tuple[str, ...], text: str) -> str | None:
    """The first role that is missing, given, where the refusal says to whom and where."""
    who, where = _OBJECT_ID.search(text), _SCOPE.search(text)
    if not (roles and who and where):
        return None
    return f'az role assignment create --role "{roles[0]}" --assignee-object-id {who[1]} --scope {where[1]}'


def _no_packages() -> StoreError:
    return StoreError(
        "PBI119",
        "the store key-vault needs packages that are not installed",
        remedy="Install them, or use another store.",
        command='pip install "pbisetup[keyvault]"',
    )


class _Operator:
    """The operator's tokens as azure-core wants them."""

    def __init__(self, sign_in: Callable[[], TokenSource], scope: str) -> None:
        self._sign_in, self._scope = sign_in, scope
        self._source: TokenSource | None = None

    def get_token(self, *_scopes: str, **_options: Any) -> Any:
        """A token for the cloud's vaults. Its source knows how long it lives; azure-core asks again after five minutes."""
        from azure.core.credentials import AccessToken

        self._source = self._source or self._sign_in()
        return AccessToken(self._source.token(self._scope).reveal(), int(time.time()) + 600)
