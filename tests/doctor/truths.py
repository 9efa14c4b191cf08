"""What must be so in a tenant where a cause is called certain: one look at the state for each, and no doctor.

A cause without a line here is never certain in these tenants. Those that rest on a guess are certain nowhere.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlsplit

from pbisetup.catalog.findings import entries
from pbisetup.catalog.operations import matching
from pbisetup.catalog.wellknown import FABRIC_ADMINISTRATOR, GLOBAL_ADMINISTRATOR
from pbisetup.model.finding import Finding
from pbisetup.sandbox.first_party import GRAPH, POWER_BI
from tests.doctor.mutations import APP, PLACE, World

Object = dict[str, Any]
Truth = Callable[[World, str], bool]
"""Asked of a tenant and of everything that the finding says."""
ROLES: Final = ("Viewer", "Contributor", "Member", "Admin")
GUID: Final = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
FABRIC: Final = "https://api.fabric.microsoft.com"
RESOURCE: Final = "https://analysis.windows.net/powerbi/api"


def said(finding: Finding) -> str:
    """Everything that a finding says, but for what could be done about it."""
    seen = [f"{each.source} {each.fact}" for each in finding.evidence]
    return "\n".join([finding.title, finding.explanation, finding.decided_by or "", *seen])


def holds(w: World, finding: Finding) -> bool:
    """Whether what a finding is certain of is so."""
    truth = TRUTHS.get(name_of(finding))
    return truth is not None and truth(w, said(finding))


def may_hold(w: World, finding: Finding) -> bool:
    """Whether what a finding says is so, where it does not claim to be certain."""
    truths = [each[name_of(finding)] for each in (TRUTHS, LIKELY) if name_of(finding) in each]
    return any(truth(w, said(finding)) for truth in truths)


def name_of(finding: Finding) -> str:
    """What the catalogue calls it: several findings may share a cause."""
    return next((name for name, each in entries().items() if each.code == finding.code), finding.cause)


# -- sign-in -------------------------------------------------------------------------------------------------------


def _matching(w: World) -> list[Object]:
    """The credentials of the app that the configured secret belongs to."""
    hashed = hashlib.sha256((w.secret or "").encode()).hexdigest()
    held = [each for owner in (w.app, w.principal) if owner for each in owner.get("passwordCredentials") or []]
    return [each for each in held if each.get("secretHash") == hashed]


def _ended(w: World, _: str) -> bool:
    found = _matching(w)
    return bool(found) and all(datetime.fromisoformat(each["endDateTime"]) < w.now for each in found)


def _not_a_secret(w: World, _: str) -> bool:
    return bool(w.secret) and not any(datetime.fromisoformat(each["startDateTime"]) <= w.now for each in _matching(w))


def _in_quotes(w: World, _: str) -> bool:
    return (w.secret or "").strip("'\" \n\t") != w.secret and _not_a_secret(w, "")


def _here(w: World) -> bool:
    """Whether the configured tenant is this one."""
    return (w.caller.get("tenant") or w.tenant).lower() in (w.tenant, w.domain)


def _for_everybody(w: World) -> bool:
    return w.caller.get("tenant") in ("common", "organizations")


def _client_unknown(w: World, _: str) -> bool:
    return (w.app is None and w.principal is None) or not _here(w)


def _another_id(w: World, _: str) -> bool:
    wanted = w.caller["client_id"].lower()
    collections = ("applications", "servicePrincipals", "users", "groups")
    return any(each["id"].lower() == wanted for name in collections for each in w.all(name))


def _malformed(w: World, _: str) -> bool:
    client, tenant = w.caller["client_id"], w.caller.get("tenant") or w.tenant
    return not GUID.fullmatch(client) or not (GUID.fullmatch(tenant) or re.fullmatch(r"[\w-]+(\.[\w-]+)+", tenant))


def _off(item: Object | None) -> bool:
    item = item or {}
    barred = item.get("disabledByMicrosoftStatus") not in (None, "NotDisabled")
    return barred or item.get("accountEnabled") is False or bool(item.get("isDisabled"))


def _scope(w: World) -> str:
    return w.caller.get("scope") or f"{RESOURCE}/.default"


def _wrong_scope(w: World, _: str) -> bool:
    return not _scope(w).endswith("/.default")


def _other_resource(w: World, _: str) -> bool:
    return not _scope(w).startswith((RESOURCE, FABRIC, POWER_BI)) or "graph.microsoft.com" in w.caller["request"]


def _policies(w: World, *controls: str) -> bool:
    defaults = (w.state["policies"].get("securityDefaults") or {}).get("isEnabled")
    on = [each for each in w.all("conditionalAccessPolicies") if each["state"] == "enabled"]
    own = [each for each in on if set(each["grantControls"]["builtInControls"]) & set(controls)]
    return bool(own) or ("mfa" in controls and bool(defaults))


def _federated_apart(w: World, _: str) -> bool:
    asked = w.caller.get("issuer"), w.caller.get("subject")
    held = [each for owner in (w.app, w.principal) if owner for each in owner.get("federatedIdentityCredentials") or []]
    return not any(
        (each["issuer"], each["subject"]) == asked and "api://AzureADTokenExchange" in each["audiences"]
        for each in held
    )


def _entra(w: World, text: str) -> bool:
    """A number of Entra's that has no finding of its own: of those that can come up, what each means."""
    person = w.person or {}
    profile = person.get("passwordProfile") or {}
    meanings = {
        "50055": profile.get("forceChangePasswordNextSignIn") is True,
        "50057": person.get("accountEnabled") is False,
        "50034": not person,
        "50053": bool(person.get("_lockedUntil")),
        "50056": not person.get("_passwordHash"),
        "50014": person.get("externalUserState") == "PendingAcceptance",
        "70025": not (w.app or {}).get("federatedIdentityCredentials"),
        "9002331": (w.app or {}).get("signInAudience") == "PersonalMicrosoftAccount",
    }
    told = set(re.findall(r"AADSTS(\d+)", text))
    return any(meanings.get(number, False) for number in told)


# -- permissions ---------------------------------------------------------------------------------------------------


def _granted(w: World) -> set[str]:
    """The delegated permissions of Power BI that the app has for whoever signs in."""
    own, resource, person = w.principal, w.power_bi, w.person
    return {
        scope
        for each in w.all("oauth2PermissionGrants")
        if own and resource and each["clientId"] == own["id"] and each["resourceId"] == resource["id"]
        and (each["consentType"] == "AllPrincipals" or (person and each["principalId"] == person["id"]))
        for scope in each["scope"].split()
    }  # fmt: skip


def _consent_missing(w: World, text: str) -> bool:
    return not _granted(w) or any(scope not in _granted(w) for scope in re.findall(r"\w+\.\w+\.All", text))


def _scope_missing(w: World, text: str) -> bool:
    """The token holds what is granted; the finding names what it lacks."""
    named = set(re.findall(r"[A-Z]\w+\.Read(?:Write)?\.All", text))
    return bool(named - _granted(w))


def _not_required(w: World, _: str) -> bool:
    asked = (w.app or {}).get("requiredResourceAccess") or []
    return not any(each["resourceAppId"] == POWER_BI and each["resourceAccess"] for each in asked)


def _not_assigned(w: World, _: str) -> bool:
    closed = [each for each in (w.principal, w.power_bi) if each and each.get("appRoleAssignmentRequired")]
    mine = {(w.person or w.principal or {}).get("id")}
    return any(
        not any(a["resourceId"] == each["id"] and a["principalId"] in mine for a in w.all("appRoleAssignments"))
        for each in closed
    )


def _power_bi_role(w: World, _: str) -> bool:
    own, resource = w.principal or {}, w.power_bi or {}
    held = w.all("appRoleAssignments")
    return any(each["principalId"] == own.get("id") and each["resourceId"] == resource.get("id") for each in held)


def _no_administrator(w: World, _: str) -> bool:
    roles = set((w.person or {}).get("directoryRoles") or [])
    return not roles & {FABRIC_ADMINISTRATOR, GLOBAL_ADMINISTRATOR}


# -- tenant settings -----------------------------------------------------------------------------------------------


def _setting(w: World, *names: str) -> Object | None:
    return next((found for name in names if (found := w.by("tenantSettings", settingName=name))), None)


PUBLIC: Final = ("ServicePrincipalAccessPermissionAPIs", "ServicePrincipalAccess")


def _public_off(w: World, _: str) -> bool:
    setting = _setting(w, *PUBLIC)
    return setting is not None and not setting["enabled"]


def _outside(w: World, setting: Object | None) -> bool:
    """Limited to groups, none of which holds the app as a direct member."""
    if setting is None or not setting["enabled"] or not setting.get("enabledSecurityGroups"):
        return False
    own = (w.principal or {}).get("id")
    groups = [w.by("groups", id=each["graphId"]) for each in setting["enabledSecurityGroups"]]
    return not any(group and own in group["members"] for group in groups)


def _shut(w: World, text: str) -> bool:
    """One of the settings that the finding names keeps the app out, by itself or by its groups."""
    named = [each for each in w.all("tenantSettings") if each["title"] in text or each["settingName"] in text]
    return any(not each["enabled"] or _outside(w, each) for each in named)


# -- workspaces ----------------------------------------------------------------------------------------------------


def _named_places(w: World, text: str) -> list[Object]:
    return [each for each in w.all("workspaces") if each["displayName"] in text or each["id"] in text]


def _role(w: World, place: Object, who: str | None = None) -> int:
    """Of whom the API sees, or of `who`. -1: none; else by rank."""
    me = (w.principal if w.is_app else w.person) or {}
    mine = {who or me.get("id")}
    for _ in range(3):
        mine |= {group["id"] for group in w.all("groups") if mine & set(group["members"])}
    return max((ROLES.index(a["role"]) for a in place["roleAssignments"] if a["principal"]["id"] in mine), default=-1)


def _profile(w: World, text: str) -> str | None:
    """The profile that a finding is about."""
    named = w.caller.get("profile")
    return named if named and named in text else None


def _no_role(w: World, text: str) -> bool:
    return any(_role(w, place, _profile(w, text)) < 0 for place in _named_places(w, text))


def _role_too_low(w: World, text: str) -> bool:
    """The finding says which role is held, and the app needs a higher one: a Viewer or Contributor of the place named."""
    ranks = [_role(w, place, _profile(w, text)) for place in _named_places(w, text)]
    return any(0 <= rank < 2 and f"is {ROLES[rank]} of" in text for rank in ranks)


def _paused(w: World, text: str) -> bool:
    on = [w.by("capacities", id=place.get("capacityId")) for place in _named_places(w, text)]
    named = [each for each in (*on, *w.all("capacities")) if each and each["displayName"] in text]
    named = named or [each for each in on if each] or [each for each in w.all("capacities") if each["id"] in text]
    return any(each["state"] != "Active" for each in named or w.all("capacities"))


def _closed_to_the_internet(w: World, _: str) -> bool:
    found = [(each.get("communicationPolicy") or {}).get("inbound") for each in w.all("workspaces")]
    return any(each and each["publicAccessRules"]["defaultAction"] == "Deny" for each in found)


def _identity_wanted(w: World, _: str) -> bool:
    models = [model for place in w.all("workspaces") for model in place.get("datasets", [])]
    return any(model.get("isEffectiveIdentityRequired") for model in models)


def _request(*parts: str) -> Truth:
    """The caller's request is one of these."""
    return lambda w, _: any(part.lower() in w.caller["request"].lower() for part in parts)


def _closed_to_apps(w: World, _: str) -> bool:
    """Microsoft's reference keeps the operation for people."""
    method, _, address = w.caller["request"].partition(" ")
    path = urlsplit(address).path
    found = matching("fabric" if path.startswith("/v1/") else "powerbi", method, path)
    return w.is_app and bool(found) and (found[0].app == "no" or found[0].admin == "user")


TRUTHS: Final[dict[str, Truth]] = {
    # this machine
    "conflicting_auth_configuration": lambda w, _: not w.secret and w.is_app and w.caller.get("grant") != "federated",
    "id_malformed": _malformed,
    "wrong_authority_for_client_credentials": lambda w, _: _for_everybody(w) and w.is_app,
    "tenant_unknown": lambda w, _: not _here(w) and not _for_everybody(w),
    # the token
    "app_not_in_tenant": _client_unknown,
    "object_id_used_as_client_id": _another_id,
    "invalid_secret": _not_a_secret,
    "secret_expired": _ended,
    "secret_id_used_as_value": lambda w, _: bool(GUID.fullmatch(w.secret or "")) and _not_a_secret(w, ""),
    "secret_in_quotes": _in_quotes,
    "sp_missing_in_tenant": lambda w, _: w.principal is None,
    "app_disabled": lambda w, _: _off(w.app) or _off(w.principal),
    "resource_sp_missing": lambda w, _: w.power_bi is None,
    "resource_sp_disabled": lambda w, _: _off(w.power_bi) or _off(w.by("servicePrincipals", appId=GRAPH)),
    "wrong_scope_format": _wrong_scope,
    "wrong_scope_name": _wrong_scope,
    "public_client_flow_disabled": lambda w, _: not (w.app or {}).get("isFallbackPublicClient"),
    "conditional_access_blocked": lambda w, _: _policies(w, "block", "mfa", "compliantDevice"),
    "mfa_required_for_ropc": lambda w, _: w.caller.get("grant") == "password" and _policies(w, "mfa"),
    "federated_credential_mismatch": _federated_apart,
    "redirect_uri_mismatch": lambda w, _: (
        not any(
            w.caller.get("redirect_uri") in ((w.app or {}).get(platform) or {}).get("redirectUris", [])
            for platform in ("publicClient", "web", "spa")
        )
    ),
    "entra_other": _entra,
    # permissions
    "consent_missing": _consent_missing,
    "resource_not_in_required_access": _not_required,
    "user_not_assigned_to_app": _not_assigned,
    "missing_delegated_scope": _scope_missing,
    "wrong_audience": _other_resource,
    "token_expired": lambda w, _: float(w.caller.get("age_seconds") or 0) > 3600,
    "admin_consented_permission_blocks_admin_api": _power_bi_role,
    "power_bi_app_role": _power_bi_role,
    "user_not_admin_role": _no_administrator,
    "user_license_missing": lambda w, _: (w.person or {}).get("powerBiLicense") == "none",
    # tenant settings
    "tenant_setting_off": _public_off,
    "sp_not_in_allowed_group": lambda w, _: _outside(w, _setting(w, *PUBLIC)),
    "feature_tenant_setting_off": _shut,
    "create_setting_off": _shut,
    "profile_refused": _shut,
    "admin_api_setting_off": _shut,
    "xmla_tenant_setting_off": _shut,
    # workspaces and calls
    "sp_not_in_workspace": _no_role,
    "insufficient_workspace_role": _role_too_low,
    "capacity_paused": _paused,
    "private_link_inbound_policy": _closed_to_the_internet,
    "api_not_supported_for_sp": _closed_to_apps,
    "rls_refuses_app": _identity_wanted,
    "my_workspace_or_missing_group_in_url": _request("/myorg/reports", "/myorg/datasets", "/myorg/capacities"),
    "missing_item_permission": _request("executeQueries"),
}


def _on_its_way(w: World, _: str) -> bool:
    """Something is shown and does not act yet."""
    return any("_before" in each for each in w.all("tenantSettings")) or any(
        each.get("_since") for each in w.all("groups")
    )


def _groups_of_settings(w: World, side: str) -> list[Object]:
    named = [
        each["graphId"] for setting in w.all("tenantSettings") for each in setting.get(f"{side}SecurityGroups") or []
    ]
    return [group for id_ in named if (group := w.by("groups", id=id_))]


def _does_not_count(w: World, text: str) -> bool:
    """A group of a setting is of a kind that does not count, or holds the app through another group only."""
    own = (w.principal or {}).get("id")
    around = {group["id"] for group in w.all("groups") if own in group["members"]}
    return any(
        group.get("onPremisesSyncEnabled") or not group.get("securityEnabled") or "Unified" in group.get("groupTypes", [])
        or around & set(group["members"])
        for group in _groups_of_settings(w, "enabled") if group["displayName"] in text
    )  # fmt: skip


def _excluded(w: World, _: str) -> bool:
    own = (w.principal or {}).get("id")
    return any(own in group["members"] for group in _groups_of_settings(w, "excluded"))


def _excluded_or_missing(w: World, text: str) -> bool:
    """Or the tenant lists no such setting, which lets nobody in."""
    admin = ("AllowServicePrincipalsUseReadAdminAPIs", "AllowServicePrincipalsUseWriteAdminAPIs")
    return _excluded(w, text) or any(w.by("tenantSettings", settingName=name) is None for name in admin)


def _not_there(w: World, text: str) -> bool:
    """A report or model of the request is not there, or its workspace is closed to the caller."""
    place = w.one("workspaces", displayName=PLACE)
    body = w.caller.get("body") or w.caller["request"]
    there = all(each["id"] in body for part in ("reports", "datasets") for each in place.get(part) or [{"id": "none"}])
    return not there or _role(w, place, w.caller.get("profile")) < 0 or _request("executeQueries")(w, text)


def _nobody_has_it(w: World, text: str) -> bool:
    """No workspace has the name or id that is asked for, which looks the same as one that is closed."""
    asked = [*w.workspaces, *re.findall(GUID, w.caller["request"])]
    there = [name for place in w.all("workspaces") for name in (place["displayName"], place["id"])]
    return any(name in text and name not in there for name in asked)


def _open_to_another(w: World, text: str) -> bool:
    """The workspace that is named is open to another service principal, or another app was configured."""
    own = (w.principal or {}).get("id")
    held = [each["principal"] for place in _named_places(w, text) for each in place["roleAssignments"]]
    others = any(each["type"] == "ServicePrincipal" and each["id"] != own for each in held)
    return others or w.principal is not w.by("servicePrincipals", displayName=APP)


def _no_such_profile(w: World, _: str) -> bool:
    named, own = w.caller.get("profile"), (w.principal or {}).get("id")
    return not any(each["id"] == named and each["servicePrincipalId"] == own for each in w.all("profiles"))


LIKELY: Final[dict[str, Truth]] = {
    "wrong_scope_format": _other_resource,
    "insufficient_workspace_role": lambda w, _: _role(w, w.one("workspaces", displayName=PLACE)) < 2,
    "directory_right_missing": _request("graph.microsoft.com"),
    "sp_not_in_workspace": _nobody_has_it,
    "runs_as_other_identity": _open_to_another,
    "unexpected_token": _open_to_another,
    "wrong_authority_for_client_credentials": lambda w, _: _for_everybody(w),
    "tenant_setting_off": lambda w, _: _setting(w, *PUBLIC) is None,
    "feature_tenant_setting_off": _excluded,
    "admin_api_setting_off": _excluded_or_missing,
    "create_setting_off": _excluded,
    "profile_refused": lambda w, text: _no_such_profile(w, text) or _on_its_way(w, text),
    "propagation_delay": _on_its_way,
    "wrong_group_type": _does_not_count,
    "sp_in_excluded_group": _excluded,
    "classic_workspace_not_supported": lambda w, _: any(each.get("classic") for each in w.all("workspaces")),
    "missing_item_permission": _not_there,
    "effective_identity_wrong": _identity_wanted,
    "undetermined": lambda *_: True,
}
"""What may be so instead where a cause is found first and is not certain: it rests on a guess, or on what nobody can see."""
