"""Every refusal on the way to an XMLA connection here, in one ordered table: the first cause that applies is the answer.

No raw answer of Microsoft's to a refused call was published; the calls go through Power BI's front end, so that what is
known of it stands here too (inferred). Two causes are no refusal at all: a workspace that the caller has no role in, or
that does not exist, is missing from the list (`not_listed`), and one on shared capacity is listed as such (`shared`);
the client makes its own text of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from pbisetup.sandbox import access
from pbisetup.sandbox.first_party import AZURE_CLI
from pbisetup.sandbox.front_end import dressed
from pbisetup.sandbox.gate import when
from pbisetup.sandbox.gate.door import Refusal
from pbisetup.sandbox.gate.request import Request
from pbisetup.sandbox.gate.when import When
from pbisetup.sandbox.wire import Call, Reply

HEADER: Final = "x-powerbi-error-info"
NOT_ADMITTED: Final = "ServicePrincipalIsNotAllowedByTenantAdminSwitch"
TOKEN: Final = "GenerateAsToken"  # noqa: S105 - the id of an operation

CLIENT_TEXTS: Final = {
    "not_listed": "The specified Power BI workspace is not found.",
    "shared": "WorkspaceNotOnPbiPremium",
    "refused": "Failed to resolve PBI workspace. Description: {body} Technical Details: RootActivityId: {id}",
}
"""What Analysis Services clients show of a workspace that is not in the list, of one on shared capacity, and of a refusal.
Sources: powerbi-docs#3279, #2421, VertiPaq-Analyzer#67; the client library's own table of texts; liprec/vsts-release-aas#99,
#103 (2022, with an empty description).
"""


@dataclass(frozen=True)
class Cause:
    """One refusal as it travels."""

    name: str
    when: When | None
    """None: the operation itself finds out."""
    status: int
    header: str | None
    """Value of `x-powerbi-error-info`."""
    body: Any
    """None: an empty body; a text: the `message` of an error in the shape of the capacity's own service."""
    source: str
    grade: str


def _error(code: str) -> dict[str, Any]:
    return {
        "error": {"code": code, "pbi.error": {"code": code, "parameters": {}, "details": [], "exceptionCulprit": 1}}
    }


def _of_azure_cli(r: Request) -> bool:
    """A token that the Azure CLI's own client got for a user."""
    return r.caller.client_id.lower() == AZURE_CLI


def _not_admitted(r: Request) -> bool:
    """A service principal that the setting for the public APIs keeps out, for whatever reason."""
    return r.is_app and r.admission(access.PUBLIC_APIS) != "admitted"


def hides_workspaces(r: Request) -> bool:
    """The setting for XMLA does not let the caller in, and the state takes the list to be empty then
    (`unknowns.xmlaSettingOff`: `hidden`).
    """
    hidden = r.tenant.section("unknowns").get("xmlaSettingOff", "refused") == "hidden"
    return hidden and r.admission(access.XMLA) != "admitted"


def _xmla_off(r: Request) -> bool:
    """The setting for XMLA does not let the caller in, and the call is the one that opens the connection."""
    return r.operation.id == TOKEN and r.admission(access.XMLA) != "admitted" and not hides_workspaces(r)


_NOT_AUTHORIZED = _error("PowerBINotAuthorizedException")
_AS_POWER_BI = "as the Power BI API answers"

TABLE: Final[tuple[Cause, ...]] = (
    # The token
    Cause("token_missing", when.token("missing"), 403, None, None, _AS_POWER_BI, "inferred"),
    Cause("token_malformed", when.token("malformed"), 403, "InvalidToken", None, _AS_POWER_BI, "inferred"),
    Cause("token_signature", when.token("signature"), 403, "TokenExpired", None, _AS_POWER_BI, "inferred"),
    Cause("token_expired", when.token("expired"), 403, "TokenExpired", None, _AS_POWER_BI, "inferred"),
    Cause("token_too_early", when.token("not_yet_valid"), 403, "TokenExpired", None, _AS_POWER_BI, "inferred"),
    Cause("token_foreign", when.token("foreign_tenant"), 403, "TokenExpired", None, _AS_POWER_BI, "inferred"),
    Cause("token_of_another_cloud", when.audience_of_another_cloud, 403, "TokenExpired", None, _AS_POWER_BI, "inferred"),
    Cause("token_audience", when.other_audience, 403, None, None, _AS_POWER_BI, "inferred"),
    Cause(
        "tenant_of_another_cloud", when.tenant_of_another_cloud, 401, None, _error("PowerBINotLicensedException"),
        _AS_POWER_BI, "inferred",
    ),
    # The caller as such
    Cause(
        "azure_cli", when.both(_of_azure_cli, when.unknown("azureCliOnXmla", "refused")), 401, None, None,
        "one report, whose place is lost; scripts that call neighbouring routes with it say the opposite", "one source",
    ),
    Cause(
        "user_unlicensed", when.unlicensed, 401, None, _error("PowerBINotLicensedException"), _AS_POWER_BI, "inferred",
    ),
    Cause(
        "service_principal_not_admitted", _not_admitted, 401, NOT_ADMITTED, None,
        "a public post (2025-12: clusterdetails of a service principal, 401, empty); header as of the Power BI API",
        "one source",
    ),
    Cause("profile_of_a_user", when.profile_of_a_user, 403, None, _error("Forbidden"), _AS_POWER_BI, "inferred"),
    Cause("profile_malformed", when.profile_malformed, 400, None, _error("InvalidRequest"), _AS_POWER_BI, "inferred"),
    Cause("profiles_switched_off", when.profiles_switched_off, 401, None, _NOT_AUTHORIZED, _AS_POWER_BI, "inferred"),
    Cause("profile_unknown", when.profile_unknown, 401, None, _NOT_AUTHORIZED, _AS_POWER_BI, "inferred"),
    # XMLA as such
    Cause(
        "xmla_off", _xmla_off, 401, None, _NOT_AUTHORIZED,
        "DaxStudio#769, #1087 (401, by its author), TabularEditor#828; body guess", "one source",
    ),
    # What an operation finds out itself
    Cause("group_not_accessible", None, 401, "GroupNotAccessible", None, _AS_POWER_BI, "inferred"),
    Cause("capacity_other", None, 400, None, _error("InvalidRequest"), "guess", "inferred"),
    Cause("capacity_paused", None, 400, None, _error("CapacityNotActive"), _AS_POWER_BI, "inferred"),
    Cause("dataset_unknown", None, 404, None, _error("PowerBIEntityNotFound"), _AS_POWER_BI, "inferred"),
    Cause("input_invalid", None, 400, None, _error("InvalidRequest"), _AS_POWER_BI, "inferred"),
    Cause(
        "server_unknown", None, 400, None, "Internal error ApiException.Bad Request",
        "DaxStudio#699 (shape); when guess", "one source",
    ),
    Cause(
        "discover_gone", None, 404, None, None, "calvinchengx/fabric-emulator (2026-08, of anonymous calls)", "one source",
    ),
    Cause("route_unknown", None, 404, None, None, "guess", "inferred"),
)  # fmt: skip

CAUSES: Final = {cause.name: cause for cause in TABLE}


class Refused(Refusal):
    """One cause of the table."""

    @property
    def cause(self) -> Cause:
        return CAUSES[self.name]


def reply(call: Call, refused: Refusal) -> Reply:
    """The refusal as it travels."""
    cause = CAUSES[refused.name]
    headers = {**refused.headers, **({HEADER: cause.header} if cause.header is not None else {})}
    body = _of_a_capacity(call, cause.status, cause.body) if isinstance(cause.body, str) else cause.body
    return dressed(call, cause.status, body, headers)


def _of_a_capacity(call: Call, status: int, message: str) -> dict[str, Any]:
    """An error of the service behind a capacity (source: DaxStudio#699, a capture of 2021)."""
    return {
        "code": "InternalError",
        "subCode": 0,
        "message": message,
        "httpStatusCode": status,
        "hresult": -2147467259,
        "details": [{"code": "RootActivityId", "message": call.request_id}],
    }
