"""What the app itself was told, turned into the likeliest state that tells it the same.

Only where the operator's facts do not explain it already: those are what is, an answer is what follows from it.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final, cast

from pbisetup.sandbox import access
from pbisetup.sandbox.scenarios import made
from pbisetup.sandbox.store import Object, Tenant
from pbisetup.sandbox.twin.calling import EXPIRED, WRONG_SECRET
from pbisetup.sandbox.twin.consent import without_power_bi
from pbisetup.sandbox.twin.draft import GROUPS_PROBE, PRINCIPAL, SETTINGS, Draft, shown, visible

_UNLICENSED: Final = ("PowerBINotLicensedException", "UserNotLicensed")
_PAUSED: Final = "CapacityNotActive"
_HOLDS: Final = timedelta(days=3650)
"""How long a change that does not act yet goes on not acting in a twin: it is to stay as it was recorded."""


# -- refused tokens ------------------------------------------------------------------------------------------------


def refusals(draft: Draft) -> None:
    """Numbers of the token endpoint."""
    for code in sorted(draft.codes):
        if code in _BY_CODE:
            _BY_CODE[code](draft)
        elif code not in _EXPLAINED:
            draft.missing.append(f"AADSTS{code}: nothing that was recorded makes the twin say so")
    if draft.token.get("failure"):
        draft.missing.append(f"that the token endpoint could not be heard ({draft.token['failure']})")


def _disabled(draft: Draft) -> None:
    app = draft.application or {}
    if app.get("isDisabled") or app.get("disabledByMicrosoftStatus"):
        return
    fact = draft.known("service_principal")
    if fact is not None and fact.status == "known" and draft.application is not None:
        if fact.value.get("enabled") is not False:
            draft.application["isDisabled"] = True
            draft.assume("whether the application is deactivated", "that it is, as the token endpoint said")
    elif draft.principal is not None:
        draft.principal["accountEnabled"] = False
        if draft.was_assumed(PRINCIPAL):
            draft.assume_instead(PRINCIPAL, "a disabled one, as the token endpoint said")
        else:
            draft.assume("whether the service principal is enabled", "that it is not, as the token endpoint said")


def _power_bi_disabled(draft: Draft) -> None:
    if draft.power_bi is not None and draft.power_bi["accountEnabled"]:
        draft.power_bi["accountEnabled"] = False
        draft.assume("the service principal of Power BI", "a disabled one, as the token endpoint said")


def _power_bi_missing(draft: Draft) -> None:
    if draft.power_bi is not None:
        without_power_bi(draft)
        draft.assume("the service principal of Power BI", "none, as the token endpoint said")


def _assignment_required(draft: Draft) -> None:
    if draft.power_bi is not None:
        draft.power_bi["appRoleAssignmentRequired"] = True
        whom = "only who is assigned to it, as the token endpoint said"
        draft.assume("whom Power BI's service principal takes", whom)


def _not_assigned(draft: Draft) -> None:
    if draft.principal is not None and not draft.principal.get("appRoleAssignmentRequired"):
        draft.principal["appRoleAssignmentRequired"] = True
        draft.assume("whom the app takes", "only who is assigned to it, as the token endpoint said")


def _blocked(draft: Draft) -> None:
    if draft.state.get("conditionalAccessPolicies"):
        return
    policy = made.element(draft.identity, draft.state, "conditionalAccessPolicies", "Recorded policy")
    policy["conditions"] = {
        "clientAppTypes": ["all"],
        "applications": {"includeApplications": ["All"]},
        "clientApplications": {"includeServicePrincipals": ["ServicePrincipalsInMyTenant"]},
    }
    if draft.caller.get("grant"):
        policy["conditions"] |= {"clientApplications": None, "users": {"includeUsers": ["All"]}}
    policy["grantControls"] = {"operator": "OR", "builtInControls": ["block"]}
    draft.state.setdefault("conditionalAccessPolicies", []).append(policy)
    draft.assume("the Conditional Access policies", "one that blocks every sign-in of this kind")


def _second_factor(draft: Draft) -> None:
    """Asked for of everybody but who had looked, who could not have looked else."""
    policy = made.element(draft.identity, draft.state, "conditionalAccessPolicies", "Recorded second factor")
    operator = draft.object("operator").get("object_id")
    spared = [operator] if operator and operator != (draft.person or {}).get("id") else []
    policy["conditions"] = {
        "clientAppTypes": ["all"],
        "applications": {"includeApplications": ["All"]},
        "users": {"includeUsers": ["All"], "excludeUsers": spared},
    }
    policy["grantControls"] = {"operator": "OR", "builtInControls": ["mfa"]}
    draft.state.setdefault("conditionalAccessPolicies", []).append(policy)
    draft.assume("the Conditional Access policies", "one that asks for a second factor")
    if draft.person is not None and 50079 in draft.codes:
        draft.person["_mfaRegistered"] = False


def _password_expired(draft: Draft) -> None:
    if draft.person is not None:
        draft.person["passwordProfile"] = {"forceChangePasswordNextSignIn": True}
        draft.assume("why the person's password does not do", "that they have to choose a new one")


def _person_disabled(draft: Draft) -> None:
    if draft.person is not None:
        draft.person["accountEnabled"] = False
        draft.assume("whether the person's account is enabled", "that it is not, as the token endpoint said")


_BY_CODE: Final[dict[int, Callable[[Draft], None]]] = {
    7000112: _disabled,
    500014: _power_bi_disabled,
    500011: _power_bi_missing,
    501051: _assignment_required,
    50105: _not_assigned,
    53003: _blocked,
    50055: _password_expired,
    50057: _person_disabled,
    50076: _second_factor,
    50079: _second_factor,
}
_EXPLAINED: Final = frozenset((
    EXPIRED, WRONG_SECRET, 7000216, 7000218, 700016, 7000229, 90002, 900023, 90038, 900382, 50059, 50194, 65001, 70011,
    1002012, 650053, 70025, 700211, 700212, 700213, 7002138,
))  # fmt: skip
"""Numbers that follow from what the other steps have built: the secret, no app, no service principal, another tenant or
cloud, no consent, the scope, the assertion."""


# -- refused calls -------------------------------------------------------------------------------------------------


def admission(draft: Draft) -> None:
    """Whether the tenant lets the app in must come out as the API said."""
    if draft.issued:
        _unexplained_answer(draft)
    said = draft.admitted()
    if said is None or draft.principal is None or draft.for_people:
        return
    verdict = _judge(draft)
    if said == verdict:
        return
    setting = draft.public_apis()
    if draft.value("settings") is None:
        # Only "no" comes here: without recorded settings the twin admits everybody.
        setting["enabled"] = False
        draft.assume_instead(SETTINGS, f"that {shown(setting['title'])} is off, because the API did not admit the app")
    elif said is False and draft.value("memberships") is None and setting.get("excludedSecurityGroups"):
        group = draft.group(setting["excludedSecurityGroups"][0]["graphId"])
        assert group is not None
        draft.join(group)
        draft.assume("the groups of the service principal", f"that the excluded {shown(group['displayName'])} holds it")
    else:
        acts = {**setting, "enabled": said, "enabledSecurityGroups": [], "excludedSecurityGroups": []}
        setting["_before"] = {**acts, "until": (datetime.now(UTC) + _HOLDS).timestamp()}
        draft.assume("since when the setting is as it is", "that the change does not act yet, and stays so")


def calls(draft: Draft) -> None:
    """Refusals of other calls that the operator's facts leave unexplained."""
    for fact in draft.recording.all("probe"):
        answer = fact.value if fact.status == "known" else {}
        method, _, path = (fact.of or "").partition(" ")
        refused = (
            answer.get("status") in (401, 403) and draft.admitted() is not False and not draft.claims().get("roles")
        )
        if answer.get("code") == _PAUSED and draft.value("capacities") is None:
            for capacity in draft.state["capacities"]:
                capacity["state"] = "Suspended"
            draft.assume("the state of the capacities", "that they are paused, as the API said")
        elif answer.get("code") in _UNLICENSED and draft.person is not None and "powerBiLicense" not in draft.person:
            draft.person["powerBiLicense"] = "none"
            draft.assume("the person's licences", "none for Power BI, as the API said")
        elif refused and "/admin/" in path and draft.value("settings") is None and not draft.for_people:
            setting = draft.setting(access.READ_ADMIN_APIS if method == "GET" else access.UPDATE_ADMIN_APIS)
            setting["enabled"] = False
            why = f"that {shown(setting['title'])} is off, because the API refused an admin route"
            draft.assume("the tenant setting for admin routes", why)


def _judge(draft: Draft) -> bool:
    """What the tenant itself decides by the state so far."""
    from pbisetup.sandbox.keys import SigningKey
    from pbisetup.sandbox.wire import World

    assert draft.principal is not None
    world = World(Tenant(draft.state), cast("SigningKey", None))  # no token is read or signed
    return access.admission(world, access.PUBLIC_APIS, str(draft.principal["id"])) == "admitted"


def _unexplained_answer(draft: Draft) -> None:
    fact = draft.recording.find("probe", GROUPS_PROBE)
    if fact is None:
        return
    if fact.status == "unknown":
        draft.missing.append(f"that the Power BI API could not be heard ({fact.code or 'no code'})")
    elif draft.admitted() is None and fact.status == "known":
        answer = f"HTTP {fact.value.get('status')} {fact.value.get('code') or 'without a code'}"
        draft.missing.append(f"the answer of the Power BI API, {answer}: no state is known that answers so")


def workspaces(draft: Draft) -> None:
    """Which workspaces the app sees must come out as the API said."""
    from pbisetup.sandbox.keys import SigningKey
    from pbisetup.sandbox.wire import World

    who = draft.caller_principal()
    if who is None:
        return
    world = World(Tenant(draft.state), cast("SigningKey", None))
    for fact in draft.recording.all("workspace_visible"):
        item = next((w for w in draft.state["workspaces"] if draft.keys.get(w["id"]) == fact.of), None)
        seen = visible(fact.value)
        sees = item is not None and access.workspace_role(world, item, who[0]) is not None
        if sees and seen is False:
            draft.missing.append(
                f"that the app does not see the workspace {shown(fact.of or '')} although it has a role"
            )
        elif seen and not sees and item is not None:
            _let_in(draft, item, *who)


def _let_in(draft: Draft, item: Object, id_: str, kind: str) -> None:
    """A workspace is seen by somebody without a role in it: by a group that has one."""
    for entry in item["roleAssignments"]:
        group = draft.group(entry["principal"]["id"])
        if group is not None and kind == "App" and draft.value("memberships") is None:
            draft.join(group)
            draft.assume("the groups of the service principal", f"that {shown(group['displayName'])} holds it")
            return
    type_ = "User" if kind == "User" else "ServicePrincipal"
    item["roleAssignments"].append({"id": id_, "principal": {"id": id_, "type": type_}, "role": "Viewer"})
    draft.assume(f"by which role the workspace {shown(item['displayName'])} is seen", "Viewer")
