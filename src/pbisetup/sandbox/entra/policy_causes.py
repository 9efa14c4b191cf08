"""The rows of the authority's table of errors that the tenant's policies cause: conditional access, assignment,
the state of a user's account.

`causes.py` takes them into its table. Where Microsoft's two endpoints name the same refusal differently, `v1_error`
is what the older one says (MSOLSpray#5 and active-directory-library-for-java#247 against MSAL.js#5491).
"""

from __future__ import annotations

from pbisetup.sandbox.entra.cause import Cause

_DEVICE = "message_only"

POLICY_CAUSES: dict[str, Cause] = {
    "blocked_by_policy": Cause(
        53003,
        400,
        "invalid_grant",
        "Access has been blocked by Conditional Access policies. The access policy does not allow token issuance.",
        "a client-credentials answer of 2025-03, with claims; MSOLSpray#5 for v1",
        "live",
        suberror="message_only",
        v1_error="interaction_required",
    ),
    "device_flow_blocked": Cause(
        530033,
        400,
        "invalid_grant",
        "Your administrator has configured a policy that blocks the remote device flow because of device-based "
        "conditional access.",
        "several notes name number and reason; text and OAuth error are a guess",
        "guess",
        suberror="message_only",
        v1_error="interaction_required",
    ),
    "mfa_required": Cause(
        50076,
        400,
        "invalid_grant",
        "Due to a configuration change made by your administrator, or because you moved to a new location, you "
        "must use multi-factor authentication to access '{resource}'.",
        "microsoft-authentication-library-for-js#5491 (2023-01), with claims",
        "live",
        suberror="basic_action",
        v1_error="interaction_required",
    ),
    "mfa_not_registered": Cause(
        50079,
        400,
        "invalid_grant",
        "Due to a configuration change made by your administrator, or because you moved to a new location, you "
        "must enroll in multi-factor authentication to access '{resource}'.",
        "active-directory-library-for-nodejs#151 (v1); on v2 as 50076",
        "several",
        suberror="basic_action",
        v1_error="interaction_required",
    ),
    "device_not_compliant": Cause(
        53000,
        400,
        "invalid_grant",
        "Device is not in required device state: compliant. Conditional Access policy requires a compliant device, "
        "and the device is not compliant. The user must enroll their device with an approved MDM provider like "
        "Intune.",
        "sap-automation#221 has the text; the OAuth error is a guess",
        "several",
        suberror=_DEVICE,
        v1_error="interaction_required",
    ),
    "device_not_joined": Cause(
        53001,
        400,
        "invalid_grant",
        "Device is not in required device state: domain_joined. Conditional Access policy requires a domain joined "
        "device, and the device is not domain joined.",
        "microsoft-authentication-library-for-dotnet#3050 has the text; the OAuth error is a guess",
        "several",
        suberror=_DEVICE,
        v1_error="interaction_required",
    ),
    "app_not_approved": Cause(
        53002,
        400,
        "invalid_grant",
        "Application used is not an approved application for conditional access.",
        "aadsts.tsv; the OAuth error is a guess",
        "guess",
        suberror=_DEVICE,
        v1_error="interaction_required",
    ),
    "app_not_protected": Cause(
        53009,
        400,
        "invalid_grant",
        "Application needs to enforce Intune protection policies.",
        "aadsts.tsv; the OAuth error is a guess",
        "guess",
        suberror="protection_policy_required",
        v1_error="interaction_required",
    ),
    "external_challenge": Cause(
        50158,
        400,
        "invalid_grant",
        "External security challenge not satisfied. User will be redirected to another page or authentication "
        "provider to satisfy additional authentication challenges.",
        "aadsts.tsv; the OAuth error is a guess",
        "guess",
        suberror="basic_action",
        v1_error="interaction_required",
    ),
    "password_change_demanded": Cause(
        50142,
        400,
        "invalid_grant",
        "Password change is required due to a conditional access policy.",
        "aadsts.tsv; the OAuth error is a guess",
        "guess",
        suberror="basic_action",
        v1_error="interaction_required",
    ),
    "user_not_assigned": Cause(
        50105,
        400,
        "invalid_grant",
        "Your administrator has configured the application {name} ('{app}') to block users unless they are "
        "specifically granted ('assigned') access to the application. The signed in user '{user}' is blocked "
        "because they are not a direct member of a group with access, nor had access directly assigned by an "
        "administrator. Please contact your administrator to assign access to this application.",
        "echo360#68 (2022-09) has the text; the OAuth error is a guess",
        "several",
    ),
    "password_expired": Cause(
        50055,
        400,
        "invalid_grant",
        "The password is expired.",
        "entra-docs on new users has number and text; the older 'user_password_expired' error became the suberror "
        "(guess)",
        "guess",
        suberror="user_password_expired",
        v1_error="user_password_expired",
    ),
    "guest_disabled": Cause(
        500571,
        400,
        "invalid_grant",
        "The guest user account is disabled.",
        "aadsts.tsv, the OAuth error is a guess",
        "several",
    ),
    "sign_in_too_old": Cause(
        70043,
        400,
        "invalid_grant",
        "The refresh token has expired or is invalid due to sign-in frequency checks by conditional access. The token "
        "was issued on {issued} and the maximum allowed lifetime for this request is {seconds}.",
        "a recorded answer of 2022-01 in the source of a command-line client; the suberror is a guess",
        "live",
        suberror="token_expired",
    ),
}
