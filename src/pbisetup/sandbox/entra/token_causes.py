"""The rows of the authority's table of errors that only the token endpoint has: grants, assertions, device codes, other
clouds.

`causes.py` takes them into its table.
"""

from __future__ import annotations

from pbisetup.sandbox.entra.cause import Cause

_FEDERATION = "https://learn.microsoft.com/entra/workload-id/workload-identity-federation"

TOKEN_CAUSES: dict[str, Cause] = {
    # the request
    "two_client_ids": Cause(
        7000110,
        400,
        "invalid_request",
        "Request is ambiguous, multiple application identifiers found. Application identifiers: '{ids}'.",
        "aadsts.tsv; the text is a guess",
        "several",
    ),
    "claims_malformed": Cause(
        50117,
        400,
        "invalid_request",
        "The claims parameter is not valid JSON.",
        "aadsts.tsv; the text is a guess",
        "guess",
    ),
    "scope_malformed": Cause(
        70011,
        400,
        "invalid_scope",
        "The provided request must include a 'scope' input parameter. The provided value for the input parameter "
        "'scope' is not valid. The scope {scope} is not valid.",
        "entra-docs reference-error-codes",
        "official",
    ),
    # the authority that was asked
    "tenant_other_cloud": Cause(
        90038,
        400,
        "invalid_request",
        "Tenant '{tenant}' request is being redirected to the National Cloud '{cloud}'.",
        "a recorded answer in a comparison of clouds; aadsts.tsv",
        "several",
    ),
    "confidential_across_clouds": Cause(
        900382,
        400,
        "invalid_request",
        "Confidential Client is not supported in Cross Cloud request.",
        "sap-automation's troubleshooting; a comparison of clouds calls it invalid_request",
        "several",
    ),
    "client_work_accounts_only": Cause(
        9002332,
        400,
        "invalid_request",
        "Application '{app}'({name}) is configured for use by Azure Active Directory users only. Please do not use "
        "the /consumers endpoint to serve this request.",
        "aadsts.tsv; text known from many logs",
        "several",
    ),
    "client_personal_accounts_only": Cause(
        9002331,
        400,
        "invalid_request",
        "Application '{app}'({name}) is configured for use by Microsoft Account users only. Please use the /consumers "
        "endpoint to serve this request.",
        "aadsts.tsv; text known from many logs",
        "several",
    ),
    "password_grant_on_common": Cause(
        9001023,
        400,
        "invalid_request",
        "The grant type is not supported over the /common or /consumers endpoints. Please use the /organizations or "
        "tenant-specific endpoint.",
        "aadsts.tsv; text known from logs",
        "several",
    ),
    # the client
    "public_client_with_credential": Cause(
        700025,
        401,
        "invalid_client",
        "Client is public so neither 'client_assertion' nor 'client_secret' should be presented.",
        "several repositories' logs; status as in one of them",
        "several",
    ),
    "two_credentials": Cause(
        9002324,
        400,
        "invalid_client",
        "Multiple client credentials were found in the request. Send 'client_secret' or 'client_assertion', not both.",
        "aadsts.tsv; the text is a guess",
        "guess",
    ),
    "no_keys_registered": Cause(
        700026,
        401,
        "invalid_client",
        "Client application has no configured keys.",
        "aadsts.tsv, status a guess",
        "official",
    ),
    "assertion_subject_differs": Cause(
        50048,
        401,
        "invalid_client",
        "Subject mismatches Issuer claim in the client assertion.",
        "aadsts.tsv, status a guess",
        "official",
    ),
    "assertion_signature_wrong": Cause(
        700027,
        401,
        "invalid_client",
        "Client assertion failed signature validation. [Reason - {reason}.]",
        "entra-docs reference-error-codes has the text; for a federated assertion a guess",
        "several",
    ),
    "weak_key": Cause(
        50032,
        401,
        "invalid_client",
        "WeakRsaKey - Indicates the erroneous user attempt to use a weak RSA key.",
        "entra-docs reference-error-codes has the text; that a client's certificate below 2048 bits is told so, and the "
        "status, are guesses",
        "guess",
    ),
    # federated credentials
    "no_federated_credential": Cause(
        70025,
        401,
        "invalid_client",
        "The client '{app}'({name}) has no configured federated identity credentials.",
        "several repositories' logs (2025 and 2026); status a guess",
        "several",
        error_uri=False,
    ),
    "federated_issuer_unknown": Cause(
        700211,
        401,
        "invalid_client",
        "No matching federated identity record found for presented assertion issuer '{issuer}'. Please check your "
        "federated identity credential Subject, Audience and Issuer against the presented assertion. " + _FEDERATION,
        "azure-workload-identity#1200 (2024-03); status a guess",
        "live",
        error_uri=False,
    ),
    "federated_subject_unknown": Cause(
        700213,
        401,
        "invalid_client",
        "No matching federated identity record found for presented assertion subject '{subject}'. Check your "
        "federated identity credential Subject, Audience and Issuer against the presented assertion. " + _FEDERATION,
        "azure-workload-identity#1200 (2025-04), dotnet/maui#31978 (2025-10); status a guess",
        "several",
        error_uri=False,
    ),
    "federated_subject_case": Cause(
        7002138,
        401,
        "invalid_client",
        "No matching federated identity record found for presented assertion subject '{subject}'. The subject matches "
        "with case-insensitive comparison, but not with case-sensitive comparison. Please check your federated "
        "identity credential Subject, Audience and Issuer against the presented assertion. " + _FEDERATION,
        "Azure/login#517 (2025-02) and many logs of 2026; status as of its neighbour in microsoft/Agents#202",
        "several",
        error_uri=False,
    ),
    "federated_audience_unknown": Cause(
        700212,
        401,
        "invalid_client",
        "No matching federated identity record found for presented assertion audience '{audience}'. Please check your "
        "federated identity credential Subject, Audience and Issuer against the presented assertion. " + _FEDERATION,
        "a recorded answer in a test of a resource server; status a guess",
        "several",
        error_uri=False,
    ),
    "federated_token_of_user": Cause(
        700229,
        401,
        "invalid_client",
        "Forbidden token type. Only app-only tokens can be used as federated identity credentials for AAD issuer.",
        "aadsts.tsv, status a guess",
        "official",
    ),
    # on behalf of
    "user_assertion_invalid": Cause(
        50013,
        400,
        "invalid_grant",
        "Assertion failed signature validation. [Reason - {reason}]",
        "several repositories' logs: also for a token that was made for Microsoft Graph",
        "several",
    ),
    "user_assertion_other_audience": Cause(
        500131,
        400,
        "invalid_grant",
        "Assertion audience does not match the Client app presenting the assertion. The audience in the assertion was "
        "'{audience}' and the expected audience is '{expected}' or one of the Application Uris of this application "
        "with App ID '{app}'({name}). The downstream client must request a token for the expected audience (the "
        "application that made the OBO request) and this application should use that token as the assertion.",
        "several repositories' logs",
        "several",
    ),
    "user_assertion_expired": Cause(
        500133,
        400,
        "invalid_grant",
        "Assertion is not within its valid time range. Ensure that the access token is not expired before using it "
        "for user assertion, or request a new token. Current time: {now}, expiry time of assertion {expires}.",
        "several repositories' logs",
        "several",
    ),
    "user_assertion_of_app": Cause(
        7000114,
        400,
        "unauthorized_client",
        "Application '{app}' is not allowed to make application on-behalf-of calls.",
        "a recorded answer in notes on app tokens; aadsts.tsv",
        "several",
    ),
    "id_token_as_assertion": Cause(
        240002,
        400,
        "invalid_grant",
        "Input id_token cannot be used as 'urn:ietf:params:oauth:grant-type:jwt-bearer' grant.",
        "aadsts.tsv",
        "official",
    ),
    # browsers
    "cross_origin_not_spa": Cause(
        9002326,
        400,
        "invalid_request",
        "Cross-origin token redemption is permitted only for the 'Single-Page Application' client-type. Request "
        "origin: '{origin}'.",
        "several repositories' logs",
        "several",
    ),
    "spa_not_cross_origin": Cause(
        9002327,
        400,
        "invalid_request",
        "Tokens issued for the 'Single-Page Application' client-type may only be redeemed via cross-origin requests.",
        "several repositories' logs",
        "several",
    ),
    # the user
    "password_none": Cause(
        50056,
        400,
        "invalid_grant",
        "Invalid or null password: password doesn't exist in the directory for this user.",
        "aadsts.tsv",
        "official",
    ),
    "guest_pending": Cause(
        50014,
        400,
        "invalid_grant",
        "The user's redemption is in a pending state. The guest user account isn't fully created yet.",
        "aadsts.tsv, the OAuth error is a guess",
        "official",
    ),
    # the device flow
    "device_pending": Cause(
        70016,
        400,
        "authorization_pending",
        "OAuth 2.0 device flow error. Authorization is pending. Continue polling.",
        "ESPTeamsPresence#49 (2025-11); squarephish#3 (whole body)",
        "live",
    ),
    "device_code_expired": Cause(
        70020,
        400,
        "expired_token",
        "The provided value for the input parameter 'device_code' is not valid. This device code has expired.",
        "azure-cli#22251, vscode-azure-account#987; the official list has 70019 for it",
        "several",
    ),
    "device_declined": Cause(
        70000,
        400,
        "authorization_declined",
        "The end user has denied the authorization request.",
        "entra.md 6.3 names the error; its number is a guess",
        "guess",
    ),
    "device_code_unknown": Cause(
        70018,
        400,
        "bad_verification_code",
        "Invalid verification code due to User typing in wrong user code for device code flow.",
        "aadsts.tsv",
        "official",
    ),
    # the refresh token
    "refresh_token_invalid": Cause(
        70000,
        400,
        "invalid_grant",
        "Provided grant is invalid or malformed.",
        "aadsts.tsv",
        "official",
        suberror="bad_token",
    ),
    "user_of_another_tenant": Cause(
        50020,
        400,
        "invalid_grant",
        "User account '{{EmailHidden}}' from identity provider 'https://sts.windows.net/{home}/' does not exist in tenant "
        "'{tenant}' and cannot access the application '{app}'({name}) in that tenant. The account needs to be added as an "
        "external user in the tenant first. Sign out and sign in again with a different Azure Active Directory user "
        "account.",
        "azure-sdk-for-net#30230, azure-activedirectory-library-for-objc#1493 (both silent, of personal accounts); guess: "
        "the identity provider of a work account's refresh token",
        "several",
    ),
    "refresh_token_expired": Cause(
        700082,
        400,
        "invalid_grant",
        "The refresh token has expired due to inactivity. The token was issued on {issued} and was "
        "inactive for 90.00:00:00.",
        "aadsts.tsv",
        "official",
        suberror="bad_token",
    ),
    "grant_revoked": Cause(
        50173,
        400,
        "invalid_grant",
        "The provided grant has expired due to it being revoked, a fresh auth token is needed. The user might have "
        "changed or reset their password. The grant was issued on '{issued}' and the TokensValidFrom date (before "
        "which tokens are not valid) for this user is '{valid_from}'.",
        "abraunegg/onedrive's documentation and many logs",
        "several",
        suberror="bad_token",
    ),
    "spa_token_expired": Cause(
        700084,
        400,
        "invalid_grant",
        "The refresh token was issued to a single page app (SPA), and therefore has a fixed, limited lifetime of "
        "1.00:00:00, which can not be extended. It is now expired and a new sign in request must be sent by the SPA "
        "to the sign in page. The token was issued on {issued}.",
        "several repositories' logs",
        "several",
        suberror="bad_token",
    ),
}
