"""Whether the tenant lets a user, or an app, have a token at all: account, assignment, security defaults and
conditional access.
"""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from pbisetup.sandbox.entra.authority import Client, instant, visible
from pbisetup.sandbox.entra.conditional_access import DEVICE_CONTROLS, SignIn, Verdict, verdicts
from pbisetup.sandbox.entra.federation import stamp
from pbisetup.sandbox.entra.refusal import Refused
from pbisetup.sandbox.roles import active_roles
from pbisetup.sandbox.wire import World

Object = dict[str, Any]

AZURE_MANAGEMENT = "797f4846-ba00-4fd7-ba43-dac1f8f63013"
# Source: entra-docs, security-defaults, "require administrators to do multifactor authentication". guess: these of the
# roles that this tenant knows.
ADMINISTRATORS = frozenset(
    {
        "Global Administrator",
        "Application Administrator",
        "Cloud Application Administrator",
        "Conditional Access Administrator",
        "Privileged Role Administrator",
        "Security Administrator",
        "User Administrator",
    }
)
# What a control that is not met is refused with, the gravest first. guess: the order where several are missing.
_REFUSALS = (
    ("block", "blocked_by_policy"),
    ("compliantDevice", "device_not_compliant"),
    ("domainJoinedDevice", "device_not_joined"),
    ("approvedApplication", "app_not_approved"),
    ("compliantApplication", "app_not_protected"),
    ("passwordChange", "password_change_demanded"),
    ("mfa", "mfa_required"),
    ("termsOfUse", "external_challenge"),
)


def check_user(world: World, client: Client, user: Object, resource: Object, *, flow: str, mfa: bool) -> None:
    """Refuse a user whom the tenant does not let have a token for a resource. Raises Refused.

    `flow` is authorization_code, device_code, password, refresh_token or on_behalf_of; `mfa` whether the user passed
    a second factor. Where one would help, the cause is `mfa_required`; where nobody can be asked, it is
    `mfa_not_registered` for a user who has none (`_mfaRegistered: false`). guess: the order of the checks.
    """
    if user.get("accountEnabled") is False:
        raise Refused("guest_disabled" if user.get("userType") == "Guest" else "user_disabled")
    if user.get("externalUserState") == "PendingAcceptance":
        raise Refused("guest_pending")
    if flow in ("authorization_code", "device_code", "password") and password_expired(world, user):
        raise Refused("password_expired")
    for app in (client.service_principal, resource):
        if app and app.get("appRoleAssignmentRequired") and not _is_assigned(world, user, app):
            raise Refused(
                "user_not_assigned",
                app=app["appId"],
                name=app.get("displayName"),
                user=user["userPrincipalName"],
            )
    found = verdicts(world, SignIn(client, user, resource, flow, mfa))
    _enforce(found, user, resource, flow)
    if not mfa and _defaults_demand_mfa(world, user, resource):
        raise _mfa_refusal(user, resource, flow, None)


def check_frequency(world: World, client: Client, user: Object, resource: Object, *, since: str, mfa: bool) -> None:
    """Refuse a refresh where a policy's session control asks for a new sign-in meanwhile. Raises Refused."""
    age = (world.now() - instant(since)).total_seconds()
    for each in verdicts(world, SignIn(client, user, resource, "refresh_token", mfa)):
        control = (each.policy.get("sessionControls") or {}).get("signInFrequency") or {}
        seconds = int(control.get("value") or 0) * {"hours": 3_600, "days": 86_400}.get(str(control.get("type")), 0)
        if control.get("frequencyInterval") == "everyTime":
            seconds = 300  # source: entra-docs, concept-session-lifetime: five minutes of clock skew
        if each.enforced and control.get("isEnabled") and 0 < seconds < age:
            raise Refused("sign_in_too_old", issued=stamp(instant(since).timestamp()), seconds=seconds)


def check_app(world: World, client: Client, principal: Object, resource: Object) -> None:
    """Refuse an app's own token where a policy for workload identities blocks it. Raises Refused."""
    _enforce(
        verdicts(world, SignIn(client, principal, resource, "client_credentials", mfa=False)),
        principal,
        resource,
        "client_credentials",
    )


def check_app_assignment(client: Client, resource: Object, roles: list[str]) -> None:
    """Refuse an app without any role on a resource that asks for assignment. Raises Refused."""
    if resource.get("appRoleAssignmentRequired") and not roles:
        raise Refused(
            "assignment_required",
            app=client.app_id,
            name=client.name,
            resource=resource["appId"],
            resource_name=resource.get("displayName"),
        )


def password_expired(world: World, user: Object) -> bool:
    """Whether a user must choose a new password first.

    After a reset (`passwordProfile.forceChangePasswordNextSignIn`), or by age where the state's
    `policies.passwordValidityPeriodInDays` says so, as Graph's `domain` has it.
    """
    if (user.get("passwordProfile") or {}).get("forceChangePasswordNextSignIn") is True:
        return True
    days = world.tenant.section("policies").get("passwordValidityPeriodInDays")
    changed = user.get("lastPasswordChangeDateTime")
    if not isinstance(days, int) or not changed or "DisablePasswordExpiration" in str(user.get("passwordPolicies")):
        return False
    return world.now() - instant(str(changed)) > timedelta(days=days)


def security_defaults(world: World) -> bool:
    """Whether the tenant has security defaults on (`policies.securityDefaults`)."""
    value = world.tenant.section("policies").get("securityDefaults")
    return value is True or (isinstance(value, dict) and value.get("isEnabled") is True)


def _is_assigned(world: World, user: Object, principal: Object) -> bool:
    """Directly, or through a group that the user is a direct member of."""
    holders = {str(user["id"]).lower(), *(str(g["id"]).lower() for g in world.tenant.groups_of(str(user["id"])))}
    return any(
        str(each.get("principalId")).lower() in holders and visible(world, each)
        for each in world.tenant.appRoleAssignments.where(resourceId=principal["id"])
    )


def _defaults_demand_mfa(world: World, user: Object, resource: Object) -> bool:
    if not security_defaults(world):
        return False
    administrator = not ADMINISTRATORS.isdisjoint(active_roles(world.tenant, str(user["id"])))
    return administrator or str(resource["appId"]).lower() == AZURE_MANAGEMENT


def _enforce(found: list[Verdict], principal: Object, resource: Object, flow: str) -> None:
    refusing = [each for each in found if each.enforced and each.missing]
    for control, cause in _REFUSALS:
        policies = [str(each.policy["id"]) for each in refusing if control in each.missing]
        if not policies:
            continue
        claims = _challenge(policies)
        if control == "mfa":
            raise _mfa_refusal(principal, resource, flow, claims)
        if control in DEVICE_CONTROLS and flow == "device_code":
            raise Refused("device_flow_blocked", claims=claims)
        raise Refused(cause, claims=claims)
    if refusing:  # a control that this tenant does not know cannot be met. guess
        raise Refused("blocked_by_policy", claims=_challenge([str(each.policy["id"]) for each in refusing]))


def _mfa_refusal(user: Object, resource: Object, flow: str, claims: str | None) -> Refused:
    # In a browser the user is shown how to register; elsewhere nobody can.
    silent = flow not in ("authorization_code", "device_code")
    cause = "mfa_not_registered" if silent and user.get("_mfaRegistered") is False else "mfa_required"
    return Refused(cause, claims=claims, resource=resource["appId"])


def _challenge(policies: list[str]) -> str:
    """What the client passes back with an interactive sign-in (microsoft-authentication-library-for-js#5491)."""
    return json.dumps({"access_token": {"capolids": {"essential": True, "values": policies}}}, separators=(",", ":"))
