"""The rows of the authority's table of errors that only a browser meets: sign-in, consent, codes, redirects.

`causes.py` takes them into its table; a row here is graded as one there. Where a row's OAuth error is a guess,
its number and message may still be published.
"""

from __future__ import annotations

from pbisetup.sandbox.entra.cause import Cause

BROWSER_CAUSES: dict[str, Cause] = {
    # redeeming an authorization code
    "code_malformed": Cause(
        9002313,
        400,
        "invalid_grant",
        "Invalid request. Request is malformed or invalid.",
        "aadsts.tsv",
        "several",
    ),
    "code_other_client": Cause(
        70000,
        400,
        "invalid_grant",
        "The provided value for the input parameter 'code' or 'refresh_token' is not valid: it was issued to "
        "another client id.",
        "aadsts.tsv names the number; the text is a guess",
        "guess",
    ),
    "code_redeemed": Cause(
        54005,
        400,
        "invalid_grant",
        "OAuth2 Authorization code was already redeemed, please retry with a new valid code or use an "
        "existing refresh token.",
        "django_microsoft_auth#511, dnn.azureadprovider#17",
        "several",
    ),
    "code_expired": Cause(
        70008,
        400,
        "invalid_grant",
        "The provided authorization code or refresh token has expired due to inactivity. Send a new "
        "interactive authorization request for this user and resource.",
        "aadsts.tsv",
        "official",
    ),
    "code_redirect_differs": Cause(
        500112,
        401,
        "invalid_client",
        "The reply address '{given}' does not match the reply address '{asked}' provided when requesting "
        "Authorization code.",
        "several repositories' notes; Reseller-Web-Application#73 has the text under its old number",
        "several",
    ),
    "verifier_wrong": Cause(
        501481,
        400,
        "invalid_grant",
        "The Code_Verifier does not match the code_challenge supplied in the authorization request.",
        "a recorded answer of 2022-07",
        "live",
    ),
    "verifier_missing": Cause(
        50148,
        400,
        "invalid_grant",
        "The code_verifier does not match the code_challenge supplied in the authorization request for PKCE.",
        "django-allauth#2916, #2920 (the verifier was not sent)",
        "several",
    ),
    "verifier_unexpected": Cause(
        501481,
        400,
        "invalid_grant",
        "The Code_Verifier does not match the code_challenge supplied in the authorization request.",
        "a verifier without a challenge: guess",
        "guess",
    ),
    "pkce_required": Cause(
        9002325,
        400,
        "invalid_request",
        "Proof Key for Code Exchange is required for cross-origin authorization code redemption.",
        "aadsts.tsv",
        "several",
    ),
    # the authorize request, before anything may be sent to the app: these are pages
    "reply_address_unknown": Cause(
        50011,
        400,
        "invalid_request",
        "The redirect URI '{uri}' specified in the request does not match the redirect URIs configured for the "
        "application '{app}'. Make sure the redirect URI sent in the request matches one added to your application "
        "in the Azure portal. Navigate to https://aka.ms/redirectUriMismatchError to learn more about how to "
        "troubleshoot.",
        "aadsts.tsv; text known from many logs",
        "several",
    ),
    "reply_address_none": Cause(
        500113,
        400,
        "invalid_request",
        "No reply address is registered for the application.",
        "onedrive-sample-apibrowser-dotnet#27",
        "several",
    ),
    "reply_address_missing": Cause(
        900971,
        400,
        "invalid_request",
        "No reply address provided.",
        "aadsts.tsv",
        "official",
    ),
    "client_not_multi_tenant": Cause(
        50194,
        400,
        "invalid_request",
        "Application '{app}'({name}) is not configured as a multi-tenant application. Usage of the /common endpoint "
        "is not supported for such apps created after '10/15/2018'. Use a tenant-specific endpoint or configure the "
        "application to be multi-tenant.",
        "aadsts.tsv; text known from many logs",
        "several",
    ),
    "admin_consent_common": Cause(
        9002328,
        400,
        "invalid_request",
        "The '/common' and '/consumers' endpoints are not supported for admin consent. Use a tenant-specific endpoint "
        "or '/organizations'.",
        "aadsts.tsv names the number; the text is a guess",
        "guess",
    ),
    "flow_expired": Cause(
        50089,
        400,
        "invalid_grant",
        "Authentication failed due to flow token expired.",
        "aadsts.tsv; that a foreign answer gets it too is a guess",
        "official",
    ),
    # the authorize request, answered to the app
    "response_type_unsupported": Cause(
        70005,
        400,
        "unsupported_response_type",
        "The value '{type}' of the parameter 'response_type' is not supported.",
        "aadsts.tsv names the number; the text is a guess",
        "official",
    ),
    "id_token_not_enabled": Cause(
        700054,
        400,
        "unsupported_response_type",
        "response_type 'id_token' is not enabled for the application.",
        "aadsts.tsv",
        "official",
    ),
    "access_token_not_enabled": Cause(
        700051,
        400,
        "unsupported_response_type",
        "response_type 'token' is not enabled for the application.",
        "aadsts.tsv",
        "official",
    ),
    "response_mode_unsupported": Cause(
        70007,
        400,
        "invalid_request",
        "'{mode}' is not a supported value of 'response_mode' when requesting a token.",
        "aadsts.tsv",
        "official",
    ),
    "prompt_unsupported": Cause(
        90023,
        400,
        "invalid_request",
        "Unsupported 'prompt' value.",
        "aadsts.tsv names the number; the text is a guess",
        "several",
    ),
    "nonce_missing": Cause(
        90014,
        400,
        "invalid_request",
        "The required field 'nonce' is missing from the request. An ID token needs one.",
        "aadsts.tsv names the number for missing fields; that a missing nonce gets it is a guess",
        "guess",
    ),
    "challenge_method_unknown": Cause(
        50149,
        400,
        "invalid_request",
        "Invalid Code_Challenge_method parameter.",
        "entra-docs#1538",
        "several",
    ),
    "challenge_size": Cause(
        501491,
        400,
        "invalid_request",
        "Invalid size of Code_Challenge parameter.",
        "entra-docs reference-error-codes",
        "official",
    ),
    "default_with_others": Cause(
        70011,
        400,
        "invalid_scope",
        "The provided request must include a 'scope' input parameter. The provided value for the input parameter "
        "'scope' is not valid. The scope {scope} is not valid. .default scope can't be combined with "
        "resource-specific scopes.",
        "aadsts.tsv; text known from many logs",
        "several",
    ),
    "nothing_declared": Cause(
        650056,
        400,
        "invalid_client",
        "Misconfigured application. This could be due to one of the following: the client has not listed any "
        "permissions for '{resource}' in the requested permissions in the client's application registration. Or, the "
        "admin has not consented in the tenant. Or, check the application identifier in the request to ensure it "
        "matches the configured client application identifier. Please contact your admin to fix the configuration "
        "or consent on behalf of the tenant. Client app ID: {app}.",
        "aadsts.tsv; text known from many logs",
        "several",
    ),
    "resource_not_subscribed": Cause(
        650052,
        400,
        "unauthorized_client",
        "The app is trying to access a service '{resource}' that your organization '{directory}' lacks a service "
        "principal for. Contact your IT Admin to review the configuration of your service subscriptions or consent "
        "to the application in order to create the required service principal.",
        "aadsts.tsv; text known from many logs",
        "several",
    ),
    "permission_unknown": Cause(
        650053,
        400,
        "invalid_client",
        "The application '{name}' asked for a permission that doesn't exist on the resource '{resource}'. Contact "
        "the app vendor.",
        "aadsts.tsv; for a permission id of the registration: guess",
        "guess",
    ),
    # who signs in
    "login_required": Cause(
        50058,
        400,
        "login_required",
        "A silent sign-in request was sent but no user is signed in.",
        "aadsts.tsv, and many recorded redirects",
        "several",
    ),
    "user_locked": Cause(
        50053,
        400,
        "invalid_grant",
        "The account is locked, you've tried to sign in too many times with an incorrect user ID or password.",
        "aadsts.tsv; text known from many logs",
        "official",
    ),
    "account_not_chosen": Cause(
        16000,
        400,
        "interaction_required",
        "Either multiple user identities are available for the current request or selected account is not supported "
        "for the scenario.",
        "aadsts.tsv",
        "official",
    ),
    "mfa_denied": Cause(
        500121,
        400,
        "access_denied",
        "Authentication failed during strong authentication request.",
        "aadsts.tsv",
        "several",
    ),
    "sign_in_cancelled": Cause(
        65004,
        400,
        "access_denied",
        "User declined to consent to access the app.",
        "the redirect's error and subcode: MSAL's own tests; that leaving the sign-in pages has this number: guess",
        "guess",
        suberror="cancel",
    ),
    # consent
    "consent_declined": Cause(
        65004,
        400,
        "access_denied",
        "User declined to consent to access the app.",
        "entra-docs unexpected-user-consent-error; error and subcode from recorded redirects",
        "several",
        suberror="cancel",
    ),
    "consent_required": Cause(
        65001,
        400,
        "interaction_required",
        "The user or administrator has not consented to use the application with ID '{app}' named '{name}'. Send an "
        "interactive authorization request for this user and resource.",
        "aadsts.tsv; under prompt=none the error is interaction_required or consent_required, seen both",
        "several",
        suberror="consent_required",
    ),
    "admin_approval_required": Cause(
        90094,
        400,
        "access_denied",
        "{name} needs permission to access resources in your organization that only an admin can grant. Ask an admin "
        "to grant permission to this app before you can use it.",
        "entra-docs unexpected-user-consent-error (2025-02)",
        "official",
    ),
    "admin_approval_requested": Cause(
        90095,
        400,
        "access_denied",
        "Admin consent is required. The user can send a request for approval.",
        "aadsts.tsv names the number; the text is a guess",
        "several",
    ),
    "admin_consent_declined": Cause(
        65004,
        400,
        "consent_required",
        "The resource owner or authorization server denied the request.",
        "entra-docs v2-admin-consent (2023-11)",
        "official",
    ),
}
