"""Signs of the token stage: what Entra's numbers and sentences speak for.

`certain` needs the number itself; a sentence alone, which people also write in prose, is `likely`.
"""

from __future__ import annotations

from typing import Final

from pbisetup.diagnosis.paste.paste import (
    Paste,
    Proof,
    aadsts,
    all_of,
    any_of,
    audience,
    authority,
    code,
    oauth,
    said,
    shape,
    status,
)
from pbisetup.diagnosis.paste.sign import Sign, foreign, government, person, power_bi_request, token_refused

_wrong_secret: Final = any_of(aadsts(7000215, 70021501), said("secret_wrong"))
_no_such_app: Final = any_of(aadsts(700016, 70001), said("app_not_in_directory"))
_no_consent: Final = any_of(aadsts(65001), said("no_consent"))
_mixed_clouds: Final = any_of(audience(government), said("government_cloud"))


def _another_number(p: Paste) -> Proof | None:
    """A number beside 70002."""
    return tuple(each for each in p.of("aadsts") or () if each.value != "70002") or None


TOKEN_SIGNS: Final[tuple[Sign, ...]] = (
    # -- the secret, the certificate, the federated credential -------------------------------------------------------
    Sign("secret_id_used_as_value", "certain", all_of(_wrong_secret, shape("secret_is_guid")), "secret"),
    Sign(
        "secret_id_used_as_value", "likely", said("secret_label_used"), "secret",
        "whether the stored secret has the form of a GUID", 2,
    ),
    Sign("secret_expired", "certain", aadsts(7000222), "secret"),
    Sign("secret_expired", "likely", said("secret_expired"), "secret", weight=2),
    Sign("invalid_secret", "likely", _wrong_secret, "secret", weight=1),
    Sign("secret_id_used_as_value", "possible", _wrong_secret, "secret", weight=1),
    Sign("invalid_secret", "possible", token_refused, "client", weight=4, unless=aadsts()),
    Sign("secret_expired", "possible", token_refused, "client", weight=4, unless=aadsts()),
    Sign("secret_id_used_as_value", "possible", token_refused, "client", weight=4, unless=aadsts()),
    Sign(
        "certificate_not_accepted", "likely",
        any_of(aadsts(700027, 700030, 1000502, 7000214, 50027), said("certificate_refused")), "certificate", weight=1,
    ),
    Sign("secret_expired", "possible", said("principal_may_be_expired"), "secret", weight=1),
    Sign("federated_credential_mismatch", "certain", aadsts(700213, 700211, 700212, 7002138), "federation"),
    Sign(
        "federated_credential_mismatch", "likely", any_of(aadsts(70021), said("federated_mismatch")),
        "federation", weight=1,
    ),
    Sign("clock_wrong", "likely", aadsts(700024), "assertion_time", weight=2),
    Sign("federated_credential_mismatch", "possible", aadsts(700024), "assertion_time"),
    Sign("secret_blocked_by_policy", "likely", said("secrets_forbidden"), "policy", weight=1),
    # -- the app -----------------------------------------------------------------------------------------------------
    Sign("sp_missing_in_tenant", "certain", aadsts(7000229), "principal_in_tenant"),
    Sign("sp_missing_in_tenant", "likely", said("service_principal_missing"), "principal_in_tenant", weight=1),
    Sign("app_disabled", "certain", aadsts(7000112), "disabled"),
    Sign("app_disabled", "likely", said("application_disabled"), "disabled", weight=1),
    Sign(
        "wrong_authority_for_client_credentials", "likely",
        any_of(all_of(any_of(_no_such_app, aadsts(50194, 50059)), said("directory_of_common")), aadsts(50194, 50059)),
        "app", weight=4,
    ),
    Sign(
        "wrong_authority_for_client_credentials", "likely",
        all_of(
            any_of(_no_such_app, _no_consent, all_of(said("client_credentials"), any_of(aadsts(), status(401, 403)))),
            authority("common", "organizations", "consumers"),
        ),
        "app", weight=3, unless=any_of(person, said("password_grant"), aadsts(7000218)),
    ),
    Sign("wrong_authority_for_client_credentials", "likely", all_of(_no_such_app, shape("no_tenant")), "app", weight=3),
    Sign(
        "wrong_authority_for_client_credentials", "possible", shape("no_tenant"), "app",
        "whether the same command works with -Tenant TENANT_ID", 1,
    ),
    Sign("app_not_in_tenant", "likely", _no_such_app, "app", weight=2),
    Sign(
        "object_id_used_as_client_id", "likely", _no_such_app, "app",
        "whether an app registration or service principal has this GUID as its object id", 1,
    ),
    Sign("wrong_authority_for_client_credentials", "possible", _no_such_app, "app"),
    Sign("tenant_unknown", "likely", any_of(aadsts(90002, 900023), said("tenant_not_found")), "tenant", weight=2),
    Sign("wrong_cloud", "possible", any_of(aadsts(90002), said("tenant_not_found")), "tenant"),
    # -- the flow ----------------------------------------------------------------------------------------------------
    Sign(
        "public_client_flow_disabled", "likely",
        any_of(aadsts(7000218), said("credential_missing_in_request")), "flow", weight=1,
    ),
    # 70002 stands before many others: what follows it counts (catalog: AADSTS70002).
    Sign("public_client_flow_disabled", "possible", aadsts(70002), "flow", unless=_another_number),
    Sign("invalid_secret", "possible", aadsts(70002), "flow", unless=_another_number),
    Sign(
        "conflicting_auth_configuration", "possible", aadsts(7000218), "flow",
        "the grant type of the failed token request",
    ),
    Sign(
        "conflicting_auth_configuration", "likely", any_of(aadsts(700025), said("client_is_public")), "flow",
        "whether the app registration says Allow public client flows, or lists the redirect URI as mobile and desktop",
        1,
    ),
    Sign("public_client_flow_disabled", "possible", token_refused, "client", weight=4, unless=aadsts()),
    Sign("redirect_uri_mismatch", "certain", aadsts(50011, 500117, 900971, 500113), "redirect"),
    Sign("redirect_uri_mismatch", "likely", said("redirect_mismatch"), "redirect", weight=1),
    # -- people and policies -----------------------------------------------------------------------------------------
    Sign("user_not_assigned_to_app", "certain", aadsts(50105, 501051), "assignment"),
    Sign("user_not_assigned_to_app", "likely", said("user_not_assigned"), "assignment", weight=1),
    Sign(
        "conditional_access_blocked", "certain", aadsts(53003, 53000, 53001, 53002, 530034, 530035, 530036),
        "policy_of_access",
    ),
    Sign(
        "conditional_access_blocked", "likely",
        any_of(said("conditional_access", "claims_challenge"), aadsts(53004, 53011, 530032, 530033)),
        "policy_of_access", weight=1,
    ),
    Sign("mfa_required_for_ropc", "certain", all_of(aadsts(50076, 50079), said("password_grant")), "mfa"),
    Sign(
        "mfa_required_for_ropc", "likely", any_of(aadsts(50076, 50079, 50072, 50074), said("mfa_required")), "mfa",
        "whether the sign-in was by user name and password in a program", 1,
    ),
    Sign("conditional_access_blocked", "possible", said("device_certificate"), "policy_of_access"),
    Sign("federated_user_unsupported_for_ropc", "likely", said("ws_trust_failed"), "password", weight=1),
    # -- the resource and the scope ----------------------------------------------------------------------------------
    Sign("resource_sp_disabled", "certain", aadsts(500014), "resource_state"),
    Sign("resource_sp_disabled", "likely", said("resource_disabled"), "resource_state", weight=1),
    Sign("wrong_scope_name", "certain", aadsts(650053), "scope"),
    Sign("wrong_scope_name", "likely", said("scope_does_not_exist"), "scope", weight=1),
    Sign(
        "wrong_scope_format", "likely",
        any_of(aadsts(70011, 1002012, 28000, 28002, 28003, 901002), said("scope_malformed"), oauth("invalid_scope")),
        "scope",
    ),
    Sign(
        "wrong_cloud", "likely", any_of(aadsts(900382, 900383, 900384, 90038), said("cross_cloud")), "resource",
        weight=4,
    ),
    Sign(
        "wrong_cloud", "likely",
        all_of(
            any_of(aadsts(650057, 65005, 500011, 90002, 700016), said("resource_not_found", "resource_not_requested")),
            _mixed_clouds,
        ),
        "resource", weight=3,
    ),
    Sign(
        "resource_not_in_required_access", "likely", any_of(aadsts(650057, 65005), said("resource_not_requested")),
        "resource", weight=2,
    ),
    Sign("resource_sp_missing", "likely", any_of(aadsts(500011), said("resource_not_found")), "resource", weight=1),
    Sign("wrong_cloud", "possible", aadsts(650057, 500011), "resource"),
    Sign(
        "wrong_scope_format", "possible", aadsts(500011), "resource",
        "the resource in the message, compared with https://analysis.windows.net/powerbi/api",
    ),
    # -- consent -----------------------------------------------------------------------------------------------------
    Sign(
        "consent_missing", "likely",
        any_of(aadsts(65001, 65004, 90094, 90095, 90008, 650056), said("no_consent"), oauth("consent_required")),
        "consent", weight=1,
    ),
    Sign("consent_missing", "likely", aadsts(90093, 90094, 90095), "consent", weight=3),
    Sign("resource_not_in_required_access", "possible", aadsts(650056), "consent"),
    Sign("wrong_authority_for_client_credentials", "possible", _no_consent, "consent"),
    Sign(
        "app_only_vs_delegated_confusion", "possible", _no_consent, "consent",
        "the grant type of the failed token request",
    ),
    Sign(
        "propagation_delay", "possible", any_of(aadsts(65001, 7000215, 700016, 70021, 700213), said("no_consent")), "",
        "how long ago the app, its credential or its consent was changed",
    ),
    # -- a token for the wrong API -----------------------------------------------------------------------------------
    Sign("wrong_audience", "likely", code("InvalidAuthenticationToken"), "audience", weight=2, unless=said("lifetime_over")),
    Sign("token_expired", "likely", said("lifetime_over"), "life", weight=2),
    Sign("wrong_audience", "likely", all_of(audience(foreign), power_bi_request), "audience", weight=3),
    Sign("wrong_audience", "likely", all_of(audience(foreign), status(401, 403)), "audience", weight=2),
    Sign(
        "wrong_audience", "likely", all_of(shape("arm_token"), any_of(power_bi_request, status(401, 403))),
        "audience", weight=2,
    ),
)  # fmt: skip
