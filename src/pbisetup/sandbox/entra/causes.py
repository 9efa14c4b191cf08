"""Every AADSTS error that this authority can answer, in one table. How they travel: `refusal.py`.

The messages are what clients log and people paste, so they follow published logs; the grade says how well
each is known: `live` a recorded response of the real service, `official` the published list of codes,
`several` several public logs, `guess` no source for the OAuth error or the status.
"""

from __future__ import annotations

from pbisetup.sandbox.entra.browser_causes import BROWSER_CAUSES
from pbisetup.sandbox.entra.cause import Cause
from pbisetup.sandbox.entra.policy_causes import POLICY_CAUSES
from pbisetup.sandbox.entra.token_causes import TOKEN_CAUSES

CAUSES: dict[str, Cause] = {
    # the request
    "parameter_missing": Cause(
        900144,
        400,
        "invalid_request",
        "The request body must contain the following parameter: '{name}'.",
        "aadsts.tsv",
        "official",
    ),
    "not_a_form": Cause(
        9002313,
        400,
        "invalid_request",
        "Invalid request. Request is malformed or invalid.",
        "aadsts.tsv",
        "official",
    ),
    "post_only": Cause(
        900561,
        400,
        "invalid_request",
        "The endpoint only accepts POST requests. Received a {method} request.",
        "aadsts.tsv",
        "official",
    ),
    "grant_type_unknown": Cause(
        70003,
        400,
        "unsupported_grant_type",
        "The app requested an unsupported grant type '{grant}'.",
        "entra.md 6.1",
        "live",
        error_uri=False,
    ),
    "resource_on_v2": Cause(
        901002,
        400,
        "invalid_request",
        "The 'resource' request parameter is not supported.",
        "aadsts.tsv",
        "official",
    ),
    # the tenant
    "tenant_unknown": Cause(
        90002,
        400,
        "invalid_request",
        "Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID and are "
        "signing into the correct cloud. Check with your subscription administrator, this may happen "
        "if there are no active subscriptions for the tenant.",
        "aadsts.tsv",
        "official",
    ),
    "tenant_unknown_discovery": Cause(
        90002,
        400,
        "invalid_tenant",
        "Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID and are "
        "signing into the correct cloud. Check with your subscription administrator, this may happen "
        "if there are no active subscriptions for the tenant.",
        "entra.md 6.2",
        "guess",
    ),
    "tenant_malformed": Cause(
        900023,
        400,
        "invalid_request",
        "Specified tenant identifier '{tenant}' is neither a valid DNS name, nor a valid external domain.",
        "aadsts.tsv",
        "several",
    ),
    "tenant_not_inferred": Cause(
        50059,
        400,
        "invalid_request",
        "No tenant-identifying information found in either the request or implied by any provided credentials.",
        "aadsts.tsv",
        "official",
    ),
    "instance_unknown": Cause(
        50049,
        400,
        "invalid_instance",
        "Unknown or invalid instance.",
        "aadsts.tsv",
        "official",
    ),
    # the client
    "client_id_null": Cause(
        700038,
        400,
        "unauthorized_client",
        "{app} is not a valid application identifier.",
        "entra.md 6.1",
        "live",
        error_uri=False,
    ),
    "client_unknown": Cause(
        700016,
        400,
        "unauthorized_client",
        "Application with identifier '{app}' was not found in the directory '{directory}'. This can "
        "happen if the application has not been installed by the administrator of the tenant or "
        "consented to by any user in the tenant. You may have sent your authentication request to the "
        "wrong tenant.",
        "aadsts.tsv",
        "several",
    ),
    "client_disabled": Cause(
        7000112,
        400,
        "unauthorized_client",
        "Application '{app}'({name}) is disabled.",
        "cases 7000112",
        "several",
    ),
    "service_principal_missing": Cause(
        7000229,
        401,
        "invalid_client",
        "The client application {app} is missing service principal in the tenant {tenant}. See "
        "instructions here: https://go.microsoft.com/fwlink/?linkid=2225119",
        "azure-sdk-for-net#46762, status a guess",
        "several",
    ),
    # its credential
    "secret_wrong": Cause(
        7000215,
        401,
        "invalid_client",
        "Invalid client secret provided. Ensure the secret being sent in the request is the client "
        "secret value, not the client secret ID, for a secret added to app '{app}'.",
        "entra.md 6.1",
        "live",
    ),
    "secret_expired": Cause(
        7000222,
        401,
        "invalid_client",
        "The provided client secret keys for app '{app}' are expired. Visit the Azure portal to create "
        "new keys for your app: https://aka.ms/NewClientSecret, or consider using certificate "
        "credentials for added security: https://aka.ms/certCreds.",
        "aadsts.tsv, status a guess",
        "official",
    ),
    "credential_missing_app_only": Cause(
        7000216,
        401,
        "invalid_client",
        "'client_assertion', 'client_secret' or 'request' is required for the 'client_credentials' grant type.",
        "aadsts.tsv, status a guess",
        "several",
    ),
    "credential_missing": Cause(
        7000218,
        401,
        "invalid_client",
        "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.",
        "aadsts.tsv, status a guess",
        "official",
    ),
    "assertion_key_unknown": Cause(
        700027,
        401,
        "invalid_client",
        "The certificate with identifier used to sign the client assertion is not registered on "
        "application. [Reason - The key was not found., Thumbprint of key used by client: '{thumbprint}', Please "
        "visit the Azure Portal, Graph Explorer or directly use MS Graph to see configured keys for app Id '{app}'.]",
        "several repositories' logs (one of a tenant of 2026); further links at the end of some are left out; "
        "status as in one of them",
        "several",
    ),
    "assertion_malformed": Cause(
        50027,
        400,
        "invalid_request",
        "JWT token is invalid or malformed.",
        "aadsts.tsv",
        "official",
    ),
    "assertion_not_the_clients": Cause(
        700021,
        401,
        "invalid_client",
        "Client assertion application identifier doesn't match 'client_id' parameter '{app}'.",
        "aadsts.tsv, status a guess",
        "several",
    ),
    "assertion_expired": Cause(
        700024,
        401,
        "invalid_client",
        "Client assertion is not within its valid time range. Current time: {now}, assertion valid from {begin}, "
        "expiry time of assertion {end}. Review the documentation at "
        "https://learn.microsoft.com/entra/identity-platform/certificate-credentials .",
        "MSAL.NET's recorded answer of 2023-12, several logs up to 2026-05; the present address of the page is that "
        "of its neighbour 700023; status a guess",
        "several",
    ),
    "assertion_other_audience": Cause(
        700023,
        401,
        "invalid_client",
        "Client assertion audience claim does not match Realm issuer. Review the documentation at "
        "https://learn.microsoft.com/entra/identity-platform/certificate-credentials .",
        "Microsoft's troubleshooting table of certificate assertions has the text; status a guess",
        "official",
    ),
    "certificate_expired": Cause(
        1000502,
        401,
        "invalid_client",
        "The provided certificate is not within its specified validity period.",
        "aadsts.tsv, status a guess",
        "several",
    ),
    # the resource and what is asked of it
    "scope_not_default": Cause(
        1002012,
        400,
        "invalid_scope",
        "The provided value for scope {scope} is not valid. Client credential flows must have a scope "
        "value with /.default suffixed to the resource identifier (application ID URI).",
        "aadsts.tsv",
        "several",
    ),
    "several_resources": Cause(
        28000,
        400,
        "invalid_request",
        "Provided value for the input parameter scope is not valid because it contains more than one "
        "resource. Scope {scope} is not valid.",
        "aadsts.tsv: invalid_scope or invalid_request",
        "several",
    ),
    "resource_unknown": Cause(
        500011,
        400,
        "invalid_resource",
        "The resource principal named {resource} was not found in the tenant named {directory}. This "
        "can happen if the application has not been installed by the administrator of the tenant or "
        "consented to by any user in the tenant. You might have sent your authentication request to "
        "the wrong tenant.",
        "entra.md 6.1",
        "live",
    ),
    "resource_disabled": Cause(
        500014,
        400,
        "invalid_resource",
        "The service principal for resource '{resource}' is disabled. This indicate that a "
        "subscription within the tenant has lapsed, or that the administrator for this tenant has "
        "disabled the application, preventing tokens from being issued for it.",
        "aadsts.tsv",
        "official",
    ),
    "assignment_required": Cause(
        501051,
        400,
        "invalid_grant",
        "Application '{app}'({name}) is not assigned to a role for the application '{resource}'({resource_name}).",
        "aadsts.tsv: two sources disagree on the error",
        "several",
    ),
    "resource_not_required": Cause(
        650057,
        400,
        "invalid_resource",
        "Invalid resource. The client has requested access to a resource which is not listed in the "
        "requested permissions in the client's application registration. Client app ID: {app}({name}). "
        "Resource value from request: {resource}. Resource app ID: {resource_app}. List of valid "
        "resources from app registration: {valid}.",
        "cases 650057",
        "several",
    ),
    "scope_unknown": Cause(
        650053,
        400,
        "invalid_scope",
        "The application '{name}' asked for scope '{scope}' that doesn't exist on the resource "
        "'{resource_app}'. Contact the app vendor.",
        "aadsts.tsv",
        "several",
    ),
    "consent_missing": Cause(
        65001,
        400,
        "invalid_grant",
        "The user or administrator has not consented to use the application with ID '{app}' named "
        "'{name}'. Send an interactive authorization request for this user and resource.",
        "aadsts.tsv, cases 65001; oauth2-microsoft#31 (2025-01, whole body)",
        "several",
        suberror="consent_required",
        error_uri=False,
    ),
    "first_party_not_preauthorized": Cause(
        65002,
        400,
        "invalid_request",
        "Consent between first party application '{app}' and first party resource '{resource_app}' "
        "must be configured via preauthorization - applications owned and operated by Microsoft must "
        "get approval from the API owner before requesting tokens for that API.",
        "aadsts.tsv",
        "official",
    ),
    # the user
    "user_disabled": Cause(
        50057,
        400,
        "invalid_grant",
        "The user account is disabled.",
        "aadsts.tsv",
        "official",
    ),
    "user_unknown": Cause(
        50034,
        400,
        "invalid_grant",
        "The user account {user} does not exist in the {tenant} directory. To sign into this "
        "application, the account must be added to the directory.",
        "aadsts.tsv",
        "official",
    ),
    "password_wrong": Cause(
        50126,
        400,
        "invalid_grant",
        "Error validating credentials due to invalid username or password.",
        "aadsts.tsv",
        "official",
    ),
}

CAUSES |= BROWSER_CAUSES | POLICY_CAUSES | TOKEN_CAUSES
