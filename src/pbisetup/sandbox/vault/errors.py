"""How a vault says no: status, code, inner code, text and where each comes from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from pbisetup.sandbox.wire import Reply


@dataclass(frozen=True)
class Cause:
    """One refusal as it travels."""

    status: int
    code: str
    message: str
    inner: str | None
    source: str

    @property
    def grade(self) -> str:
        """How sure the row is, by what its source is (DESIGN 3)."""
        if self.source.startswith(("guess", "general knowledge")):
            return "inferred"
        return "observed live" if self.source == _RECORDED else "one source"


_GONE: Final = (
    " If you recently deleted this {kind} you may be able to recover it using the correct recovery command. For help "
    "resolving this issue, please see https://go.microsoft.com/fwlink/?linkid=2125182"
)
_RECORDED: Final = "recordings in Azure/azure-sdk-for-js, sdk/keyvault (2020 to 2022)"
_FORBIDDEN: Final = (
    "Caller is not authorized to perform action on resource.\r\nIf role assignments, deny assignments or role definitions "
    "were changed recently, please observe propagation time.\r\nCaller: {caller}\r\n"
    "Action: 'Microsoft.KeyVault/vaults/{action}'\r\nResource: '{resource}'\r\nAssignment: (not found)\r\n"
    "DenyAssignmentId: null\r\nDecisionReason: 'DeniedWithNoValidRBAC' \r\n"
    "Vault: {vault};location={location}\r\n"
)

CAUSES: Final[dict[str, Cause]] = {
    # Nobody answers for a vault that is not there: its name does not resolve. Only an address by path has to say something.
    "no_vault": Cause(
        404, "VaultNotFound", "The vault '{vault}' does not exist; at Azure its name does not resolve.", None,
        "the sandbox's own",
    ),
    "missing": Cause(401, "Unauthorized", "AKV10000: Request is missing a Bearer or PoP token.", None, _RECORDED),
    "audience": Cause(
        401, "Unauthorized", "AKV10022: Invalid audience. Expected {expected}, found: {found}.", None,
        "argocd-vault-plugin#621, go-autorest#525",
    ),
    "issuer": Cause(
        401, "Unauthorized", "AKV10032: Invalid issuer. Expected one of {expected}, found {found}.", None,
        "azure-sdk-for-js#12539, azure-docs#75410",
    ),
    "token": Cause(401, "Unauthorized", "AKV10001: Unable to validate the access token.", None, "guess: number and text"),
    "firewall": Cause(
        403, "Forbidden",
        "Client address is not authorized and caller is not a trusted service.\r\nClient address: {address}\r\n"
        "Caller: {caller}\r\nVault: {vault};location={location}",
        "ForbiddenByFirewall", "azure-devops-docs#8581; logs of a vault reader (text)",
    ),
    "rbac": Cause(403, "Forbidden", _FORBIDDEN, "ForbiddenByRbac", "Terraform_AKS#2, terraform-provider-azurerm#27817"),
    "version": Cause(
        400, "BadParameter", "api-version must be specified", None, "guess: text; the status is documented",
    ),
    "name": Cause(400, "BadParameter", "The request URI contains an invalid name: {name}", None, "general knowledge"),
    "body": Cause(400, "BadParameter", "Property {property} has invalid value\r\n", None, "azure-sdk-for-node#2198"),
    "tags": Cause(
        400, "BadParameter", "Property  has invalid value\r\n", None,
        "aztfmod/terraform-azurerm-caf#821 (more than 15); guess: also for what is too long",
    ),
    "not_found": Cause(
        404, "{Kind}NotFound", "A {kind} with (name/id) {name} was not found in this key vault." + _GONE, None, _RECORDED
    ),
    "not_deleted": Cause(404, "{Kind}NotFound", "Deleted {Kind} not found: {name}", None, _RECORDED),
    "disabled": Cause(
        403, "Forbidden", "Operation get is not allowed on a disabled {kind}.", "{Kind}Disabled", _RECORDED
    ),
    "deleted": Cause(
        409, "Conflict",
        "{Kind} {name} is currently in a deleted but recoverable state, and its name cannot be reused; in this state, the "
        "{kind} can only be recovered or purged.",
        "ObjectIsDeletedButRecoverable", "external-secrets#3519, ansible-collections/azure#1145; certificates inferred",
    ),
    # That a certificate's secret and a plain one cannot have the same name follows from what a certificate is (azure-docs
    # about-certificates); what is answered then is a guess.
    "certificate_there": Cause(
        409, "Conflict", "Secret {name} belongs to a certificate and is managed by Key Vault.", None, "guess"
    ),
    "secret_there": Cause(
        409, "Conflict", "A secret with the name {name} exists and does not belong to a certificate.", None, "guess"
    ),
    "pem": Cause(
        400, "BadParameter",
        "The specified PEM X.509 certificate content can not be read. Please check if certificate is in valid PEM format. "
        "Accepted formats: PEM content or Base64 encoded PEM content.",
        None, "ms-identity-python-daemon#21",
    ),
    "pfx": Cause(
        400, "BadParameter",
        "The specified PKCS#12 X.509 certificate content can not be read. Please check if certificate is in valid PKCS#12 "
        "format.",
        None, "guess: as for PEM",
    ),
    "no_route": Cause(404, "NotFound", "The requested resource was not found.", None, "guess"),
    "method": Cause(405, "MethodNotAllowed", "The method is not allowed for the requested resource.", None, "guess"),
}  # fmt: skip


class Refused(Exception):
    """The vault says no."""

    def __init__(self, cause: str, **values: str) -> None:
        super().__init__(cause)
        self.cause, self.values = cause, values


def refusal(cause: str, values: dict[str, str], headers: dict[str, str] | None = None) -> Reply:
    """The answer to a request that is refused."""
    found = CAUSES[cause]
    said = {**values, "Kind": values.get("kind", "").capitalize()}

    def filled(text: str) -> str:
        for name, value in said.items():
            text = text.replace(f"{{{name}}}", value)
        return text

    error: dict[str, Any] = {"code": filled(found.code), "message": filled(found.message)}
    if found.inner:
        error["innererror"] = {"code": filled(found.inner)}
    return Reply(found.status, {"error": error}, headers or {})
