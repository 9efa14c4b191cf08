"""What of a state decides sign-ins: policies, networks, other clouds, federated credentials, the log."""

from __future__ import annotations

from typing import Any

from pbisetup.sandbox.shapes import is_time, nearest

Object = dict[str, Any]

_TEXTS = {"network": ("location", "ipAddress"), "device": ("platform", "trustType"), "managedIdentity": ("header",)}
_FLAGS = {"network": ("trusted",), "device": ("isCompliant",)}
_STATES = ("enabled", "disabled", "enabledForReportingButNotEnforced")
# The parts of a conditional access policy that the sign-in reads: lists of texts, by where they stand.
_LISTS = {
    "users": ("Users", "Groups", "Roles"),
    "applications": ("Applications",),
    "locations": ("Locations",),
    "platforms": ("Platforms",),
    "clientApplications": ("ServicePrincipals",),
}
# Source: Graph's own description of conditionalAccessGrantControl, in its SDKs; guess: the last.
_CONTROLS = (
    "block", "mfa", "compliantDevice", "domainJoinedDevice", "approvedApplication", "compliantApplication",
    "passwordChange", "riskRemediation",
)  # fmt: skip
_SECOND_FACTORS = (None, "approved", "denied")
_TIMES = ("signInSessionsValidFromDateTime", "lastPasswordChangeDateTime")


def sign_in_problems(state: Object) -> list[str]:
    """What is wrong; empty when nothing is. The state's collections must be lists of objects with ids already."""
    found: list[str] = []
    for section, names in _TEXTS.items():
        values = state.get(section, {})
        found += [
            f"{section}.{name} must be a text or null"
            for name in names
            if values.get(name) is not None and not isinstance(values[name], str)
        ]
    for section, names in _FLAGS.items():
        values = state.get(section, {})
        found += [
            f"{section}.{name} must be true or false"
            for name in names
            if values.get(name) is not None and not isinstance(values[name], bool)
        ]
    found += _other_clouds(state.get("otherClouds", {}))
    for index, policy in enumerate(state.get("conditionalAccessPolicies", [])):
        found += _policy(f"conditionalAccessPolicies[{index}]", policy)
    for index, entry in enumerate(state.get("signIns", [])):
        if not is_time(entry.get("createdDateTime")):
            found.append(f"signIns[{index}].createdDateTime must be a time such as 2027-01-31T00:00:00Z")
    for index, user in enumerate(state.get("users", [])):
        found += [
            f"users[{index}].{name} must be a time such as 2027-01-31T00:00:00Z"
            for name in _TIMES
            if user.get(name) is not None and not is_time(user[name])
        ]
        if user.get("_mfa") not in _SECOND_FACTORS:
            found.append(f"users[{index}]._mfa must be approved, denied or null")
        if not isinstance(user.get("passwordProfile") or {}, dict):
            found.append(f"users[{index}].passwordProfile must be an object")
    for collection in ("applications", "servicePrincipals"):
        for index, item in enumerate(state.get(collection, [])):
            found += _federated(f"{collection}[{index}]", item)
    return found


def _other_clouds(given: Object) -> list[str]:
    if not given:
        return []
    from pbisetup.sandbox.entra.authority import CLOUD_NAMES  # all of Entra comes with it: only when there is need

    others = [each for each in CLOUD_NAMES if each != "public"]
    return [
        f"otherClouds.{tenant} must be one of {', '.join(others)}{nearest(cloud, others) if isinstance(cloud, str) else ''}"
        for tenant, cloud in given.items()
        if cloud not in others
    ]


def _policy(where: str, policy: Object) -> list[str]:
    found = []
    if policy.get("state") not in _STATES:
        found.append(f"{where}.state must be one of {', '.join(_STATES)}")
    conditions = policy.get("conditions")
    if not isinstance(conditions, dict):
        return [*found, f"{where}.conditions must be an object"]
    for part, names in _LISTS.items():
        values = conditions.get(part)
        if values is None:
            continue
        if not isinstance(values, dict):
            found.append(f"{where}.conditions.{part} must be an object or null")
            continue
        for name in (f"{side}{each}" for each in names for side in ("include", "exclude")):
            if not _is_texts(values.get(name)):
                found.append(f"{where}.conditions.{part}.{name} must be a list of texts")
    if not _is_texts(conditions.get("clientAppTypes")):
        found.append(f"{where}.conditions.clientAppTypes must be a list of texts")
    flows = conditions.get("authenticationFlows")
    if flows is not None and not isinstance(flows, dict):
        found.append(f"{where}.conditions.authenticationFlows must be an object or null")
    session = policy.get("sessionControls")
    if session is not None and not isinstance(session, dict):
        found.append(f"{where}.sessionControls must be an object or null")
    elif session and not _is_frequency(session.get("signInFrequency")):
        found.append(f"{where}.sessionControls.signInFrequency must have a whole number as value")
    controls = policy.get("grantControls")
    if controls is not None and not isinstance(controls, dict):
        found.append(f"{where}.grantControls must be an object or null")
    elif controls:
        if controls.get("operator") not in (None, "AND", "OR"):
            found.append(f"{where}.grantControls.operator must be AND or OR")
        found += [
            f"{where}.grantControls.{name} must be a list of texts"
            for name in ("builtInControls", "termsOfUse")
            if not _is_texts(controls.get(name))
        ]
        named = controls.get("builtInControls")
        unknown = [each for each in named if each not in _CONTROLS] if _is_texts(named) and named else []
        found += [
            f"{where}.grantControls.builtInControls has {each!r}, which is none of {', '.join(_CONTROLS)}"
            for each in unknown
        ]
    return found


def _federated(where: str, item: Object) -> list[str]:
    entries = item.get("federatedIdentityCredentials")
    if entries is None:
        return []
    if not isinstance(entries, list):
        return [f"{where}.federatedIdentityCredentials must be a list"]
    found = []
    for index, entry in enumerate(entries):
        at = f"{where}.federatedIdentityCredentials[{index}]"
        if not isinstance(entry, dict) or not isinstance(entry.get("issuer"), str):
            found.append(f"{at} must be an object with an issuer")
            continue
        expression = entry.get("claimsMatchingExpression")
        if not isinstance(entry.get("subject"), str) and not isinstance(expression, dict):
            found.append(f"{at} needs a subject or a claimsMatchingExpression")
        if not _is_texts(entry.get("audiences")):
            found.append(f"{at}.audiences must be a list of texts")
    return found


def _is_frequency(value: Any) -> bool:
    if value is None:
        return True
    number = value.get("value") if isinstance(value, dict) else ""
    return number is None or (isinstance(number, int) and not isinstance(number, bool))


def _is_texts(value: Any) -> bool:
    return value is None or (isinstance(value, list) and all(isinstance(each, str) for each in value))
