"""What the app itself was told, turned into the likeliest state that tells it the same.

Only where the operator's facts do not explain it already: those are what is, an answer is what follows from it.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final, cast

from pbisetup.sandbox import access
from pbisetup.sandbox.caller import SECRET
from pbisetup.sandbox.scenarios import made
from pbisetup.sandbox.store import Object, Tenant
from pbisetup.sandbox.twin.draft import GROUPS_PROBE, PRINCIPAL, SECRETS, SETTINGS, Draft, shown, stamp

_WRONG: Final = "not-the-secret-of-this-app"
_EXPIRED, _WRONG_SECRET, _NO_SECRET = 7000222, 7000215, frozenset((7000216, 7000218))
_HOLDS: Final = timedelta(days=3650)
"""How long a change that does not act yet goes on not acting in a twin: it is to stay as it was recorded."""


def secret(draft: Draft) -> None:
    """What the caller has configured, and which of the app's secrets it is."""
    fact = draft.recording.find("credential")
    if fact is not None and fact.status != "known":
        draft.caller["grant"] = "device_code"  # a person signs in
        if draft.person is not None:
            draft.caller["user"] = draft.person["userPrincipalName"]
        return
    credential = fact.value if fact else {}
    if not credential.get("has_secret", True):
        return
    if _WRONG_SECRET in draft.codes:
        listed = draft.application["passwordCredentials"] if draft.application else []
        wrong = listed[0]["keyId"] if credential.get("secret_looks_like_guid") and listed else _WRONG
        draft.caller["secret"] = f'"{wrong}"' if credential.get("secret_has_odd_ends") else wrong
        return
    draft.caller["secret"] = SECRET
    if draft.application is None:
        return
    own = _own(draft, draft.application["passwordCredentials"])
    if own is None:
        own = made.secret(draft.identity, draft.application["displayName"])
        draft.application["passwordCredentials"].append(own)
        draft.assume("the secret that the app was configured with", "one more of the app's")
    own["_renewed"] = True
    if _EXPIRED in draft.codes and own["endDateTime"] > stamp(datetime.now(UTC)):
        own["endDateTime"] = stamp(datetime.now(UTC) - timedelta(days=1))
        said = "because the token endpoint called it expired"
        if draft.was_assumed(SECRETS):
            draft.assume_instead(SECRETS, f"one that ended yesterday, {said}")
        else:
            draft.assume("when the secret ended", f"yesterday, {said}")


def _own(draft: Draft, listed: list[Object]) -> Object | None:
    """The secret in the list that is the configured one: as it was stored, else by whether it had to be a valid one."""
    stored = draft.value("stored") or {}
    if stored.get("client_id", "") == (draft.value("credential") or {}).get("client_id"):
        for key, name in (("keyId", "key_id"), ("hint", "hint")):
            found = [each for each in listed if stored.get(name) and each.get(key) == stored[name]]
            if len(found) == 1:
                return found[0]
    now = stamp(datetime.now(UTC))
    fitting = [each for each in listed if (each["endDateTime"] <= now) == (_EXPIRED in draft.codes)]
    return max(fitting or listed, key=lambda each: str(each["endDateTime"]), default=None)


# -- refused tokens ------------------------------------------------------------------------------------------------


def refusals(draft: Draft) -> None:
    """Numbers of the token endpoint."""
    for code in sorted(draft.codes):
        if code in _BY_CODE:
            _BY_CODE[code](draft)
        elif code not in _EXPLAINED:
            draft.missing.append(f"AADSTS{code}: nothing that was recorded makes the twin say so")
    token = draft.value("token") or {}
    if token.get("failure"):
        draft.missing.append(f"that the token endpoint could not be heard ({token['failure']})")


def _disabled(draft: Draft) -> None:
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
    draft.power_bi["accountEnabled"] = False
    draft.assume("the service principal of Power BI", "a disabled one, as the token endpoint said")


def _power_bi_missing(draft: Draft) -> None:
    gone = draft.power_bi
    draft.state["servicePrincipals"].remove(gone)
    for name in ("appRoleAssignments", "oauth2PermissionGrants"):
        draft.state[name] = [each for each in draft.state[name] if each["resourceId"] != gone["id"]]
    draft.assume("the service principal of Power BI", "none, as the token endpoint said")


def _assignment_required(draft: Draft) -> None:
    draft.power_bi["appRoleAssignmentRequired"] = True
    draft.assume("whom Power BI's service principal takes", "only who is assigned to it, as the token endpoint said")


def _blocked(draft: Draft) -> None:
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


_BY_CODE: Final[dict[int, Callable[[Draft], None]]] = {
    7000112: _disabled,
    500014: _power_bi_disabled,
    500011: _power_bi_missing,
    501051: _assignment_required,
    53003: _blocked,
}
_EXPLAINED: Final = frozenset((_EXPIRED, _WRONG_SECRET, *_NO_SECRET, 700016, 7000229, 90002, 65001))
"""Numbers that follow from what the other steps have built: the secret, no app, no service principal, another tenant, no
consent."""


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
        visible = bool((fact.value or {}).get("visible"))
        sees = item is not None and access.workspace_role(world, item, who[0]) is not None
        if sees and not visible:
            draft.missing.append(
                f"that the app does not see the workspace {shown(fact.of or '')} although it has a role"
            )
        elif visible and not sees and item is not None:
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
