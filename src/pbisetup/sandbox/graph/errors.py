"""Every error that Microsoft Graph answers here, in one table, and the shape they travel in."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

from pbisetup.sandbox.graph.error_row import Row
from pbisetup.sandbox.graph.object_errors import OBJECT_ERRORS
from pbisetup.sandbox.graph.protocol_errors import PROTOCOL_ERRORS
from pbisetup.sandbox.wire import Call, Reply, World

_NOT_PRESENT = "Resource '{id}' does not exist or one of its queried reference-property objects are not present."

# entra.md N = section N of the facts; "known" = general knowledge, not looked up again; "guess" = nobody
# published it.
ERRORS: Final[dict[str, Row]] = {
    # 401
    "token_missing": Row(401, "InvalidAuthenticationToken", "Access token is empty.", "clients.md 4", "observed"),
    "token_malformed": Row(
        401,
        "InvalidAuthenticationToken",
        "IDX14100: JWT is not well formed, there are no dots (.).",
        "entra.md 6.4 (code); text known",
        "one source",
    ),
    "token_one_dot": Row(
        401,
        "InvalidAuthenticationToken",
        "IDX14120: JWT is not well formed, there is only one dot (.).",
        "a public comment on a Google token sent to Graph; azure-activedirectory-identitymodel LogMessages",
        "one source",
    ),
    "token_undecodable": Row(
        401,
        "InvalidAuthenticationToken",
        "IDX14102: Unable to decode the header '[PII of type 'Microsoft.IdentityModel.Logging.SecurityArtifact' is "
        "hidden. For more details, see https://aka.ms/IdentityModel/PII.]' as Base64Url encoded string.",
        "azure-activedirectory-identitymodel LogMessages (text); that Graph sends it: guess",
        "inferred",
    ),
    "token_signature": Row(
        401,
        "InvalidAuthenticationToken",
        "Access token validation failure. Invalid signature.",
        "entra.md 6.4 (code); text guess",
        "inferred",
    ),
    "token_expired": Row(
        401,
        "InvalidAuthenticationToken",
        "Lifetime validation failed, the token is expired.",
        "entra.md 6.4 (code); text known",
        "one source",
    ),
    "token_audience": Row(
        401,
        "InvalidAuthenticationToken",
        "Access token validation failure. Invalid audience.",
        "entra.md 6.4 (code); text known",
        "one source",
    ),
    "token_other_cloud": Row(
        401,
        "InvalidAuthenticationToken",
        "InvalidCloudInstance",
        "a public live test of a commercial tenant against the US Government's Graph (2026-09-29)",
        "observed live",
    ),
    "identity_not_found": Row(
        401,
        "Authorization_IdentityNotFound",
        "The identity of the calling application could not be established.",
        "entra.md 6.4 (code); text known",
        "one source",
    ),
    # 403
    "denied": Row(
        403,
        "Authorization_RequestDenied",
        "Insufficient privileges to complete the operation.",
        "entra.md 2.2",
        "documented",
    ),
    "owner_quota": Row(
        403,
        "Directory_QuotaExceeded",
        "The directory object quota limit for the owners of the object has been exceeded.",
        "entra.md 1.10 (code); text guess",
        "inferred",
    ),
    # 404
    "not_found": Row(404, "Request_ResourceNotFound", _NOT_PRESENT, "entra.md 3.1", "several sources"),
    "no_segment": Row(
        400,
        "BadRequest",
        "Resource not found for the segment '{segment}'.",
        "msgraph-beta-sdk-python#764, microsoft-graph-docs#21648",
        "several sources",
    ),
    # 409
    "service_principal_in_use": Row(
        409,
        "Request_MultipleObjectsWithSameKeyValue",
        "The service principal cannot be created, updated, or restored because the service principal name "
        "{app_id} is already in use.",
        "entra.md 1.3",
        "several sources",
    ),
    "grant_exists": Row(
        409,
        "Request_MultipleObjectsWithSameKeyValue",
        "Permission entry already exists.",
        "entra.md 1.6",
        "inferred",
    ),
    "credential_name_taken": Row(
        409,
        "Request_MultipleObjectsWithSameKeyValue",
        "FederatedIdentityCredential with name {name} already exists.",
        "azure-dev#1482",
        "observed",
    ),
    # 400: references and uniqueness
    "taken": Row(
        400,
        "Request_BadRequest",
        "Another object with the same value for property {property} already exists.",
        "entra.md 1.2",
        "several sources",
        "ObjectConflict",
    ),
    "immutable": Row(
        400,
        "Request_BadRequest",
        "Property '{property}' is immutable once set and cannot be changed.",
        "entra.md 1.2 (rule); text guess",
        "inferred",
    ),
    "no_backing_application": Row(
        400,
        "Request_BadRequest",
        "The appId '{app_id}' of the service principal does not reference a valid application object.",
        "entra.md 3.1",
        "several sources",
        "NoBackingApplicationObject",
    ),
    "reference_exists": Row(
        400,
        "Request_BadRequest",
        "One or more added object references already exist for the following modified properties: '{property}'.",
        "entra.md 1.10, 1.11",
        "several sources",
    ),
    "assignment_exists": Row(
        400,
        "Request_BadRequest",
        "Permission being assigned already exists on the object",
        "entra.md 1.5",
        "several sources",
        "InvalidUpdate",
    ),
    "role_not_on_resource": Row(
        400,
        "Request_BadRequest",
        "Permission being assigned was not found on application '{app_id}'.",
        "known",
        "one source",
    ),
    "bad_reference": Row(400, "Request_BadRequest", "Not a valid reference update.", "entra.md 3.1", "several sources"),
    "reference_not_present": Row(400, "Request_BadRequest", _NOT_PRESENT, "entra.md 3.1", "several sources"),
    "last_owner": Row(
        400,
        "Request_BadRequest",
        "The group must have at least one owner, hence this owner cannot be removed.",
        "known",
        "one source",
    ),
    # 400: bodies
    "bad_json": Row(
        400,
        "BadRequest",
        "Unable to read JSON request payload. Please ensure Content-Type header is set and payload is of "
        "valid "
        "JSON format.",
        "known",
        "one source",
    ),
    "value_required": Row(
        400,
        "Request_BadRequest",
        "A value is required for property '{property}' of resource '{resource}'.",
        "known",
        "one source",
    ),
    "value_invalid": Row(
        400,
        "Request_BadRequest",
        "Invalid value specified for property '{property}' of resource '{resource}'.",
        "known",
        "one source",
    ),
    "group_values_invalid": Row(
        400,
        "Request_BadRequest",
        "One or more property values specified are invalid.",
        "entra.md 3.1",
        "several sources",
    ),
    "property_unknown": Row(400, "Request_BadRequest", "Invalid property '{property}'.", "known", "one source"),
    "property_read_only": Row(
        400,
        "Request_BadRequest",
        "Property '{property}' is read-only and cannot be set.",
        "known",
        "one source",
    ),
    "password_not_settable": Row(
        400,
        "CannotUpdatePasswordCredentials",
        "New password credentials must be generated with service actions.",
        "entra.md 1.1 (rule); code and text known",
        "one source",
    ),
    "key_update": Row(
        400,
        "KeyCredentialsUpdateNotAllowed",
        "Update to existing credential with KeyId '{key_id}' is not allowed.",
        "entra.md 1.8 (text); code guess",
        "one source",
    ),
    "key_end_date": Row(
        400,
        "KeyCredentialsInvalidEndDate",
        "Key credential end date is invalid.",
        "entra.md 1.8 (text); code known",
        "one source",
    ),
    "key_invalid": Row(
        400,
        "KeyCredentialInvalidValue",
        "Key credential value is invalid.",
        "guess",
        "inferred",
    ),
    "no_password": Row(
        400,
        "Request_BadRequest",
        "No password credential found with keyId.",
        "known",
        "one source",
    ),
    "limit": Row(
        400,
        "Request_BadRequest",
        "The number of {what} exceeds the limit of {limit}.",
        "entra.md 1.1, 1.9 (limits); text guess",
        "inferred",
    ),
    "policy_no_passwords": Row(
        400,
        "CredentialTypeNotAllowedAsPerAppPolicy",
        "Credential type not allowed as per assigned policy '{policy}'.",
        "entra.md 4.1",
        "several sources",
    ),
    "policy_lifetime": Row(
        400,
        "CredentialInvalidLifetimeAsPerAppPolicy",
        "Credential lifetime exceeds the max value allowed as per assigned policy '{policy}'.",
        "entra.md 4.1",
        "several sources",
        "InvalidKeyEndDate",
    ),
    # 400: who asks, and queries
    "me_needs_user": Row(
        400,
        "BadRequest",
        "/me request is only valid with delegated authentication flow.",
        "known",
        "one source",
    ),
    **PROTOCOL_ERRORS,
    **OBJECT_ERRORS,
}


class GraphError(Exception):
    """An error of the table, with its placeholders filled."""

    def __init__(self, name: str, /, **fields: Any) -> None:
        self.row = ERRORS[name]
        self.name = name
        self.message = self.row.message.format(**fields)
        self.target = self.row.target or fields.get("property")
        self.headers: dict[str, str] = {}
        """Further headers of the answer."""
        super().__init__(self.message)


def reply(world: World | None, call: Call, error: GraphError) -> Reply:
    """The error as Graph sends it (source: entra.md 6.4, clients.md 4: `date` has no zone). Without a world, which
    a path that leads nowhere does not reach, `date` is this machine's time.
    """
    body: dict[str, Any] = {"code": error.row.code, "message": error.message}
    if error.row.detail is not None:
        body["details"] = [{"code": error.row.detail, "message": error.message, "target": error.target or "unknown"}]
    client_id = call.headers.get("client-request-id", call.request_id)
    body["innerError"] = {
        "date": (world.now() if world else datetime.now(UTC)).strftime("%Y-%m-%dT%H:%M:%S"),
        "request-id": call.request_id,
        "client-request-id": client_id,
    }
    headers = {"request-id": call.request_id, "client-request-id": client_id}
    if error.row.status == 401:
        headers["WWW-Authenticate"] = (
            'Bearer realm="", authorization_uri="https://login.microsoftonline.com/common/oauth2/authorize", '
            'client_id="00000003-0000-0000-c000-000000000000"'
        )
    return Reply(error.row.status, {"error": body}, {**headers, **error.headers})
