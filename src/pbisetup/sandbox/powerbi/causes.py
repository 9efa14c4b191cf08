"""Every refusal of the Power BI API here, in one ordered table: the first cause that applies is the answer.

Power BI inverts the convention: 403 is usually the token, 401 usually a permission, and the reason stands
in a header
or nowhere (source: powerbi.md 6).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from pbisetup.sandbox.front_end import dressed
from pbisetup.sandbox.wire import Call, Reply

HEADER: Final = "x-powerbi-error-info"


@dataclass(frozen=True)
class Cause:
    """One refusal as it travels."""

    status: int
    header: str | None
    """Value of `x-powerbi-error-info`."""
    body: Any
    """None: an empty body."""
    source: str
    grade: str


def _error(code: str, message: str | None = None, culprit: int | None = None) -> dict[str, Any]:
    inner: dict[str, Any] = {"code": code, "parameters": {}, "details": []}
    if culprit is not None:
        inner["exceptionCulprit"] = culprit
    said = {} if message is None else {"message": message}
    return {"error": {"code": code, **said, "pbi.error": inner}}


_NOT_AUTHORIZED = _error("PowerBINotAuthorizedException", culprit=1)

CAUSES: Final[dict[str, Cause]] = {
    # The token
    "token_missing": Cause(403, None, None, "powerbi.md 6.1: fs:58493340605, fs:57472236754", "observed live"),
    "token_malformed": Cause(
        403, "InvalidToken", None, "powerbi.md 6.1: fs:58493340605, fs:57472236754", "observed live"
    ),
    "token_expired": Cause(403, "TokenExpired", None, "powerbi.md 6.1", "observed live"),
    "token_signature": Cause(
        403, "TokenExpired", None, "powerbi.md 6.1: expired or otherwise invalid", "observed live"
    ),
    "token_foreign": Cause(403, "TokenExpired", None, "powerbi.md 6.1; of another tenant: inferred", "inferred"),
    "token_audience": Cause(403, None, None, "powerbi.md 6.1: msft-extensions#445", "one source"),
    # The service principal as such
    "service_principal_setting_off": Cause(
        401, "ServicePrincipalIsNotAllowedByTenantAdminSwitch", None, "powerbi.md 6.1", "several sources"
    ),
    "service_principal_outside_groups": Cause(
        401, "ServicePrincipalIsNotAllowedByTenantAdminSwitch", None, "powerbi.md 6.1", "several sources"
    ),
    "service_principal_excluded": Cause(
        401,
        "ServicePrincipalIsNotAllowedByTenantAdminSwitch",
        None,
        "powerbi.md 6.1; by exclusion inferred",
        "inferred",
    ),
    "my_workspace_of_an_app": Cause(
        403,
        None,
        {"Message": "API is not accessible for application"},
        "powerbi.md 1.3, 6.1",
        "several sources",
    ),
    # Admin routes
    "app_roles_on_admin_route": Cause(401, None, _NOT_AUTHORIZED, "powerbi.md 2, 6.1", "documented"),
    "service_principal_not_admitted_to_admin": Cause(
        401, None, _NOT_AUTHORIZED, "powerbi.md 6.1: switch off or group", "one source"
    ),
    "not_fabric_administrator": Cause(401, None, _NOT_AUTHORIZED, "powerbi.md 6.1; for users inferred", "inferred"),
    # Users
    "scopes_missing": Cause(
        403, "InsufficientScopes", _error("InsufficientScopes"), "guess: nobody published it", "inferred"
    ),
    # Workspaces
    "group_not_accessible": Cause(401, "GroupNotAccessible", None, "powerbi.md 6.1: fs:58493340605", "observed live"),
    "workspace_role_too_low": Cause(
        401, None, _NOT_AUTHORIZED, "powerbi.md 6.1: no workspace or item right", "one source"
    ),
    "too_many_requests": Cause(
        429, None, _error("TooManyRequests"), "powerbi.md 6.1, 7: Retry-After; body guess", "documented"
    ),
    # Bodies, queries, paths
    "service_principal_unknown": Cause(
        400,
        None,
        _error("InvalidRequest", "Failed to get service principal details from AAD"),
        "powerbi.md 6.1",
        "several sources",
    ),
    "principal_unknown": Cause(
        400,
        None,
        _error("InvalidRequest", "Failed to get the principal's details from AAD"),
        "powerbi.md 6.1 (code); for users and groups guess",
        "inferred",
    ),
    "principal_type_missing": Cause(
        400,
        None,
        _error("InvalidRequest", "Parameter userDetails.PrincipalType is missing or invalid"),
        "powerbi.md 6.1",
        "one source",
    ),
    "already_has_access": Cause(
        400, None, _error("AddingAlreadyExistsGroupUserNotSupportedError"), "known", "one source"
    ),
    "has_no_access": Cause(404, None, _error("PowerBIEntityNotFound"), "powerbi.md 6.1 (code); here guess", "inferred"),
    "input_invalid": Cause(400, None, _error("InvalidRequest"), "powerbi.md 6.1 (code); here guess", "inferred"),
    "route_unknown": Cause(404, None, None, "guess", "inferred"),
}


class Refused(Exception):
    """One cause of the table."""

    def __init__(self, name: str, *, headers: dict[str, str] | None = None) -> None:
        self.name = name
        self.cause = CAUSES[name]
        self.headers = headers or {}
        super().__init__(name)


def reply(call: Call, refused: Refused) -> Reply:
    cause = refused.cause
    headers = dict(refused.headers)
    if cause.header is not None:
        headers[HEADER] = cause.header
    return dressed(call, cause.status, cause.body, headers)
