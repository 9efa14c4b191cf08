"""What was granted in a twin: consent, application permissions, who is assigned to the app; and Power BI's own app."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from pbisetup.model.recording import Json
from pbisetup.sandbox.scenarios import made
from pbisetup.sandbox.store import Object
from pbisetup.sandbox.twin.draft import Draft, guid_of, name_of, shown, stamp

_NO_ROLE: Final = "00000000-0000-0000-0000-000000000000"
"""The role of who is assigned to an app that publishes none."""


def consent(draft: Draft) -> None:
    """Delegated grants and application permissions."""
    if draft.power_bi is None or draft.principal is None:
        return
    _grants(draft, draft.principal, draft.power_bi)
    roles = draft.value("app_role_assignments")
    if roles is None:
        roles = [{"permission": each} for each in draft.claims().get("roles") or ()]
    for each in roles:
        _role(draft, draft.principal, each)


def _grants(draft: Draft, principal: Object, resource: Object) -> None:
    own = draft.object("power_bi").get("object_id")
    listed = draft.state["oauth2PermissionGrants"]
    for each in draft.value("delegated_grants") or ():
        if own is not None and each["resource_id"] != own:
            draft.missing.append("a delegated grant for another API than Power BI")
            continue
        person = each.get("principal_id")
        scope = " ".join(str(scope) for scope in each.get("scopes") or ())
        id_ = name_of(each["id"], "delegated_grants.id")
        whom = guid_of(person, "delegated_grants.principal_id") if person else None
        listed.append(_grant(id_, principal, resource, whom, scope))
    claimed = draft.claims().get("scopes")
    if draft.value("delegated_grants") is None and draft.for_people and claimed:
        scopes = " ".join(str(scope) for scope in claimed)
        listed.append(_grant(draft.identity.id("twin consent"), principal, resource, None, scopes))
        draft.assume("who consented", f"an administrator for everybody, to {scopes}")


def _grant(id_: str, principal: Object, resource: Object, whom: str | None, scope: str) -> Object:
    return {
        "id": id_,
        "clientId": principal["id"],
        "consentType": "Principal" if whom else "AllPrincipals",
        "principalId": whom,
        "resourceId": resource["id"],
        "scope": scope,
    }


def _role(draft: Draft, principal: Object, seen: Json) -> None:
    """An application permission, by its name on Power BI, else by its id, which is the same in every tenant."""
    assert draft.power_bi is not None
    name, role_id = seen.get("permission"), str(seen.get("role_id") or "").lower()
    others = draft.state["servicePrincipals"] if role_id else ()
    for resource in (draft.power_bi, *others):
        for role in resource["appRoles"]:
            if role["id"].lower() == role_id or (resource is draft.power_bi and name and role["value"] == name):
                assigned = _assigned(draft, principal, resource, role["id"], "ServicePrincipal")
                draft.state["appRoleAssignments"].append(assigned)
                return
    what = shown(str(name)) if name else f"with the id {shown(role_id)}"
    draft.missing.append(f"the application permission {what}: not one of those that a twin has")


def assignment(draft: Draft) -> None:
    """Whether the person is assigned to an app that takes only who is."""
    if draft.principal is None or draft.person is None or not draft.principal.get("appRoleAssignmentRequired"):
        return
    assigned = draft.object("person").get("assigned")
    if assigned is None:
        assigned = 50105 not in draft.codes
        draft.assume("whether the person is assigned to the app", "that they are" if assigned else "that they are not")
    if assigned:
        entry = _assigned(draft, draft.person, draft.principal, _NO_ROLE, "User")
        draft.state["appRoleAssignments"].append(entry)


def _assigned(draft: Draft, who: Object, resource: Object, role_id: Any, kind: str) -> Object:
    return {
        "id": draft.identity.id(f"twin grant {who['id']} {resource['id']} {role_id}"),
        "appRoleId": role_id,
        "createdDateTime": stamp(datetime.now(UTC) - timedelta(days=1)),
        "principalId": who["id"],
        "principalDisplayName": who["displayName"],
        "principalType": kind,
        "resourceId": resource["id"],
        "resourceDisplayName": resource["displayName"],
    }


def policies(draft: Draft) -> None:
    """Conditional Access policies that block the app, everywhere or but from trusted locations."""
    for number, each in enumerate(draft.value("policies") or ()):
        if not each.get("blocks"):
            continue
        name = name_of(each.get("policy") or f"Recorded policy {number}", "policies.policy")
        policy = made.element(draft.identity, draft.state, "conditionalAccessPolicies", f"{number} {name}")
        conditions: Object = {"clientAppTypes": ["all"], "applications": {"includeApplications": ["All"]}}
        if draft.for_people:
            operator = draft.object("operator").get("object_id")
            spared = [operator] if operator and operator != (draft.person or {}).get("id") else []
            conditions["users"] = {"includeUsers": ["All"], "excludeUsers": spared}
        else:
            conditions["clientApplications"] = {"includeServicePrincipals": ["ServicePrincipalsInMyTenant"]}
        if each.get("conditional") or draft.issued:
            conditions["locations"] = {"includeLocations": ["All"], "excludeLocations": ["AllTrusted"]}
            draft.state["network"] = {"trusted": draft.issued}
            whence = "it blocks all but trusted locations; this one is " + ("one" if draft.issued else "none")
            draft.assume(f"on what the policy {shown(name)} depends", whence)
        policy |= {"displayName": name, "conditions": conditions}
        policy["grantControls"] = {"operator": "OR", "builtInControls": ["block"]}
        draft.state.setdefault("conditionalAccessPolicies", []).append(policy)


def power_bi(draft: Draft) -> None:
    """Power BI's own service principal, where it is not as in every tenant."""
    fact = draft.known("power_bi")
    if fact is not None and fact.status == "absent":
        without_power_bi(draft)
    elif fact is not None and fact.value.get("enabled") is False and draft.power_bi is not None:
        draft.power_bi["accountEnabled"] = False


def without_power_bi(draft: Draft) -> None:
    """Take Power BI's service principal out of the tenant, with all that was granted on it."""
    gone = draft.power_bi
    if gone is None:
        return
    draft.state["servicePrincipals"].remove(gone)
    for name in ("appRoleAssignments", "oauth2PermissionGrants"):
        draft.state[name] = [each for each in draft.state[name] if each["resourceId"] != gone["id"]]
