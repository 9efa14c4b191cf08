"""Changes of one thing in a healthy tenant: everything that a decision is read from, of the caller's and of others'.

Each kind is a function that changes the state of a `World` in one place and says what it changed, and by which texts a
finding would name that. What has nothing to do with the caller is changed by the same functions: they pick any object.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from pbisetup.catalog.wellknown import FABRIC_ADMINISTRATOR, GLOBAL_ADMINISTRATOR
from pbisetup.sandbox.first_party import AZURE_CLI, GRAPH, POWER_BI
from pbisetup.sandbox.knobs import UNKNOWNS
from pbisetup.sandbox.validate_content import _CAPACITY_STATES as CAPACITY_STATES
from tests.support.tenant import State

T = TypeVar("T")
Object = dict[str, Any]
Pick = Callable[[Sequence[Any]], Any]

APP, BYSTANDER = "Contoso Reports", "Bystander"
PLACE = "Reports Dev"


def with_bystanders(scenario: str) -> Object:
    """A healthy scenario, and beside it an app, groups, a capacity and a policy that have nothing to do with its caller."""
    return {
        "description": f"{scenario}, among others",
        "base": scenario,
        "new": {
            "groups": {"bystanders": {"members": ["{user:admin}"]}, "empty": {}},
            "apps": {BYSTANDER: {"groups": ["bystanders"], "workspaces": {"Reports Test": "Member"}}},
            "capacities": {"spare": {"sku": "F4"}},
            "conditionalAccessPolicies": {
                "Bystanders only": {
                    "conditions": {
                        "applications": {"includeApplications": ["All"]},
                        "clientApplications": {"includeServicePrincipals": [f"{{sp:{BYSTANDER}}}"]},
                    },
                    "grantControls": {"operator": "OR", "builtInControls": ["block"]},
                }
            },
        },
    }


@dataclass(frozen=True)
class Changed:
    """What a mutation did."""

    told: str
    names: tuple[str, ...] = ()
    """Of these a finding of an error must hold one; none: nothing that anybody can see names what was changed."""


class World:
    """A tenant's state, and what of it is the caller's."""

    def __init__(self, state: State, app_secret: str) -> None:
        self.state, self.app_secret = state, app_secret
        self.caller: Object = state["caller"]
        self.domain: str = state["tenant"]["domain"]
        self.tenant: str = state["tenant"]["id"]
        self.now = datetime.now(UTC)

    def all(self, collection: str) -> list[Object]:
        found: list[Object] = self.state.setdefault(collection, [])
        return found

    def by(self, collection: str, **wanted: Any) -> Object | None:
        """The first that has these values."""
        for each in self.all(collection):
            if all(_same(each.get(name), value) for name, value in wanted.items()):
                return each
        return None

    def one(self, collection: str, **wanted: Any) -> Object:
        found = self.by(collection, **wanted)
        assert found is not None, (collection, wanted)
        return found

    @property
    def app(self) -> Object | None:
        """The registration with the caller's client id."""
        return self.by("applications", appId=self.caller["client_id"])

    @property
    def principal(self) -> Object | None:
        return self.by("servicePrincipals", appId=self.caller["client_id"])

    @property
    def power_bi(self) -> Object | None:
        return self.by("servicePrincipals", appId=POWER_BI)

    @property
    def is_app(self) -> bool:
        return (self.caller.get("grant") or "client_credentials") in ("client_credentials", "federated")

    @property
    def person(self) -> Object | None:
        """Who signs in, where a person does."""
        return None if self.is_app else self.by("users", userPrincipalName=f"{self.caller.get('user')}@{self.domain}")

    @property
    def secret(self) -> str | None:
        """The secret that was configured."""
        value = self.caller.get("secret")
        return self.app_secret if value == "{secret}" else value

    @property
    def workspaces(self) -> list[str]:
        value = self.caller.get("workspace") or []
        return [value] if isinstance(value, str) else list(value)


def _same(one: Any, other: Any) -> bool:
    return one == other or (isinstance(one, str) and isinstance(other, str) and one.lower() == other.lower())


KINDS: dict[str, Callable[[World, Pick], Changed | None]] = {}
"""Every kind of change by name; None where there is nothing of the kind in this tenant."""


def _kind(make: Callable[[World, Pick], Changed | None]) -> Callable[[World, Pick], Changed | None]:
    KINDS[make.__name__.lstrip("_")] = make
    return make


def _title(each: Object) -> str:
    return str(each.get("displayName") or each.get("userPrincipalName") or each.get("title") or each.get("name"))


def _any(world: World, pick: Pick, collection: str) -> Object:
    found: Object = pick(world.all(collection))
    return found


def _time(**ago: float) -> str:
    return (datetime.now(UTC) + timedelta(**ago)).strftime("%Y-%m-%dT%H:%M:%SZ")


# -- tenant settings -----------------------------------------------------------------------------------------------


@_kind
def _setting_switched(w: World, pick: Pick) -> Changed:
    setting = _any(w, pick, "tenantSettings")
    setting["enabled"] = not setting["enabled"]
    return Changed(f"{setting['settingName']} is {'on' if setting['enabled'] else 'off'}", (setting["title"],))


@_kind
def _setting_limited(w: World, pick: Pick) -> Changed:
    setting = _any(w, pick, "tenantSettings")
    groups = _some_groups(w, pick)
    setting["enabledSecurityGroups"] = groups
    return Changed(f"{setting['settingName']} is limited to {_names(groups)}", (setting["title"],))


@_kind
def _setting_excluding(w: World, pick: Pick) -> Changed:
    setting = _any(w, pick, "tenantSettings")
    groups = _some_groups(w, pick)
    setting["excludedSecurityGroups"] = groups
    return Changed(f"{setting['settingName']} excludes {_names(groups)}", (setting["title"],))


@_kind
def _setting_not_there(w: World, pick: Pick) -> Changed:
    setting = _any(w, pick, "tenantSettings")
    w.all("tenantSettings").remove(setting)
    return Changed(f"there is no setting {setting['settingName']}", (setting["title"], setting["settingName"]))


@_kind
def _setting_of_old(w: World, pick: Pick) -> Changed:
    """As before May 2025: one switch in place of two."""
    old = {"settingName": "ServicePrincipalAccess", "title": "Allow service principals to use Power BI APIs"}
    kept = [s for s in w.all("tenantSettings") if not s["settingName"].startswith("ServicePrincipalAccess")]
    limited = [_named_group(w, name) for name in pick([[], ["pbi-service-principals"], ["bystanders"]])]
    made = {**old, "enabled": pick([True, True, False]), "canSpecifySecurityGroups": True}
    w.state["tenantSettings"] = [*kept, {**made, "enabledSecurityGroups": [each for each in limited if each]}]
    return Changed(f"the one old setting, {made['enabled']} for {limited}", (old["title"], old["settingName"]))


def _some_groups(w: World, pick: Pick) -> list[Object]:
    names = [_title(group) for group in w.all("groups")]
    chosen = pick([[], *([name] for name in names), ["bystanders", names[0]], ["empty", "bystanders"]])
    return [each for each in (_named_group(w, name) for name in dict.fromkeys(chosen)) if each]


def _named_group(w: World, name: str) -> Object | None:
    group = w.by("groups", displayName=name)
    return {"graphId": group["id"], "name": name} if group else None


def _names(groups: list[Object]) -> str:
    return ", ".join(each["name"] for each in groups) or "nobody"


@_kind
def _on_its_way(w: World, pick: Pick) -> Changed | None:
    """A setting that was opened a moment ago, or a membership of a moment: shown, and not known to the APIs yet."""
    if pick([True, False]):
        setting = _any(w, pick, "tenantSettings")
        setting["_before"] = {"enabled": not setting["enabled"], "until": w.now.timestamp() + 3600}
        return Changed(f"{setting['settingName']} acts as before for an hour", (setting["title"],))
    groups = [each for each in w.all("groups") if each["members"]]
    group = pick(groups)
    group["_since"] = dict.fromkeys(group["members"], w.now.timestamp())
    w.state["weather"]["group_membership_seconds"] = 3600
    return Changed(f"members of {_title(group)} are new", (_title(group),))


# -- groups --------------------------------------------------------------------------------------------------------


@_kind
def _group_members(w: World, pick: Pick) -> Changed:
    group = _any(w, pick, "groups")
    own, app = w.one("servicePrincipals", displayName=APP)["id"], w.one("applications", displayName=APP)
    others = [each for each in group["members"] if each != own]
    inner = w.one("groups", displayName="empty" if _title(group) != "empty" else "bystanders")
    how = pick(["nobody", "without the app", "the app too", "its registration", "its client id", "nested", "a user"])
    if how == "nested":
        inner["members"] = [*inner["members"], own]
    group["members"] = {
        "nobody": [],
        "without the app": others,
        "the app too": [*others, own],
        "its registration": [*others, app["id"]],
        "its client id": [*others, app["appId"]],
        "nested": [*others, inner["id"]],
        "a user": [*others, w.one("users", displayName="Dana Developer")["id"]],
    }[how]
    return Changed(f"members of {_title(group)}: {how}", (_title(group),))


@_kind
def _group_of_another_kind(w: World, pick: Pick) -> Changed:
    group = _any(w, pick, "groups")
    change = pick([
        {"onPremisesSyncEnabled": True}, {"groupTypes": ["Unified"]}, {"groupTypes": ["Unified"], "securityEnabled": False},
        {"securityEnabled": False}, {"groupTypes": ["DynamicMembership"]}, {"isAssignableToRole": True},
    ])  # fmt: skip
    group.update(change)
    return Changed(f"{_title(group)}: {change}", (_title(group),))


@_kind
def _group_deleted(w: World, pick: Pick) -> Changed:
    group = _any(w, pick, "groups")
    w.all("groups").remove(group)
    return Changed(f"{_title(group)} was deleted", (_title(group),))


# -- service principals --------------------------------------------------------------------------------------------


def _principal(w: World, pick: Pick) -> tuple[Object, tuple[str, ...]]:
    """Any, and what a finding would call it."""
    found = pick([*(w.one("servicePrincipals", displayName=name) for name in (APP, APP, BYSTANDER)),
                  *(w.one("servicePrincipals", appId=id_) for id_ in (POWER_BI, POWER_BI, GRAPH, AZURE_CLI))])  # fmt: skip
    return found, (found["displayName"], found["appId"])


@_kind
def _principal_switched_off(w: World, pick: Pick) -> Changed:
    found, names = _principal(w, pick)
    found["accountEnabled"] = False
    return Changed(f"the service principal of {_title(found)} is switched off", names)


@_kind
def _principal_for_assigned_people(w: World, pick: Pick) -> Changed:
    found, names = _principal(w, pick)
    found["appRoleAssignmentRequired"] = True
    return Changed(f"{_title(found)} takes only who is assigned to it", names)


@_kind
def _principal_deleted(w: World, pick: Pick) -> Changed:
    found, names = _principal(w, pick)
    w.all("servicePrincipals").remove(found)
    return Changed(f"{_title(found)} has no service principal", names)


@_kind
def _principal_barred(w: World, pick: Pick) -> Changed:
    found, names = _principal(w, pick)
    found["disabledByMicrosoftStatus"] = pick(["DisabledDueToViolationOfServicesAgreement", "NotDisabled"])
    return Changed(f"the service principal of {_title(found)}: {found['disabledByMicrosoftStatus']}", names)


# -- app registrations ---------------------------------------------------------------------------------------------


def _application(w: World, pick: Pick) -> tuple[Object, tuple[str, ...]]:
    found = w.one("applications", displayName=pick([APP, APP, APP, BYSTANDER]))
    return found, (found["displayName"], found["appId"])


@_kind
def _secret_of_another_time(w: World, pick: Pick) -> Changed | None:
    app, names = _application(w, pick)
    if not app["passwordCredentials"]:
        return None
    name, when = pick(
        [("endDateTime", _time(days=-1)), ("endDateTime", _time(minutes=30)), ("startDateTime", _time(days=1))]
    )
    app["passwordCredentials"][0][name] = when
    return Changed(f"the secret of {_title(app)}: {name} {when}", names)


@_kind
def _secret_replaced(w: World, pick: Pick) -> Changed | None:
    app, names = _application(w, pick)
    another = {"displayName": "another", "secretText": "kQ8~of-another-time-and-for-another-program"}
    how = pick(["none left", "another", "one more"])
    app["passwordCredentials"] = [
        *(app["passwordCredentials"] if how == "one more" else []),
        *([another] if how != "none left" else []),
    ]
    return Changed(f"secrets of {_title(app)}: {how}", names)


@_kind
def _app_deactivated(w: World, pick: Pick) -> Changed:
    app, names = _application(w, pick)
    app["isDisabled"] = True
    return Changed(f"the registration of {_title(app)} is deactivated", names)


@_kind
def _app_barred(w: World, pick: Pick) -> Changed:
    app, names = _application(w, pick)
    app["disabledByMicrosoftStatus"] = pick(["DisabledDueToViolationOfServicesAgreement", "NotDisabled"])
    return Changed(f"the registration of {_title(app)}: {app['disabledByMicrosoftStatus']}", names)


@_kind
def _app_deleted(w: World, pick: Pick) -> Changed:
    """Its service principal stays, as of an app that is registered elsewhere."""
    app, names = _application(w, pick)
    w.all("applications").remove(app)
    return Changed(f"{_title(app)} is registered nowhere", names)


@_kind
def _app_for_other_accounts(w: World, pick: Pick) -> Changed:
    app, names = _application(w, pick)
    app["signInAudience"] = pick(
        ["PersonalMicrosoftAccount", "AzureADMultipleOrgs", "AzureADandPersonalMicrosoftAccount"]
    )
    return Changed(f"{_title(app)} is for {app['signInAudience']}", names)


@_kind
def _app_public_or_not(w: World, pick: Pick) -> Changed:
    app, names = _application(w, pick)
    app["isFallbackPublicClient"] = not app.get("isFallbackPublicClient")
    return Changed(f"{_title(app)} allows public client flows: {app['isFallbackPublicClient']}", names)


@_kind
def _redirects(w: World, pick: Pick) -> Changed:
    app, _ = _application(w, pick)
    platform = pick(["publicClient", "web", "spa"])
    app[platform] = {
        "redirectUris": pick([[], ["http://localhost:3000/"], ["http://localhost"], ["https://contoso.com/"]])
    }
    names = (str(w.caller.get("redirect_uri") or "http"), _title(app), app["appId"])
    return Changed(f"{platform} of {_title(app)}: {app[platform]['redirectUris']}", names)


@_kind
def _required_access(w: World, pick: Pick) -> Changed:
    app, names = _application(w, pick)
    how = pick(["nothing", "nothing of Power BI", "one scope less"])
    for each in app["requiredResourceAccess"]:
        if how == "one scope less" and each["resourceAppId"] == POWER_BI:
            each["resourceAccess"] = each["resourceAccess"][1:]
    left = [] if how == "nothing" else app["requiredResourceAccess"]
    app["requiredResourceAccess"] = [e for e in left if how == "one scope less" or e["resourceAppId"] != POWER_BI]
    return Changed(f"{_title(app)} asks for {how}", (*names, "Power BI"))


@_kind
def _federated_credential(w: World, pick: Pick) -> Changed:
    app, names = _application(w, pick)
    held = app.setdefault("federatedIdentityCredentials", [])
    another = {"id": str(uuid.UUID(int=7)), "name": "another", "issuer": "https://issuer.example", "subject": "nobody",
               "audiences": ["api://AzureADTokenExchange"]}  # fmt: skip
    if not held:
        held.append(another)
        return Changed(f"a first federated credential of {_title(app)}", names)
    how, value = pick([
        ("issuer", "https://token.actions.githubusercontent.com/"), ("subject", held[0]["subject"].upper()),
        ("subject", "repo:contoso/reports:ref:refs/heads/main"), ("audiences", ["api://another"]), ("none", None),
        ("one more", another),
    ])  # fmt: skip
    if how == "none":
        held.clear()
    elif how == "one more":
        held.append(another)
    else:
        held[0][how] = value
    told = (w.caller.get("subject") or "", w.caller.get("issuer") or "", "AADSTS70021")
    return Changed(f"federated credentials of {_title(app)}: {how} {value}", (*names, *(each for each in told if each)))


# -- permissions ---------------------------------------------------------------------------------------------------


@_kind
def _consent(w: World, pick: Pick) -> Changed:
    held = w.all("oauth2PermissionGrants")
    if not held:
        given = {"id": "grant of nobody", "clientId": w.one("servicePrincipals", displayName=pick([APP, BYSTANDER]))["id"],
                 "consentType": "AllPrincipals", "principalId": None, "scope": "Report.Read.All Workspace.Read.All",
                 "resourceId": w.one("servicePrincipals", appId=POWER_BI)["id"]}  # fmt: skip
        held.append(given)
        return Changed("consent to permissions that nobody uses", (APP,))
    grant = pick(held)
    scopes = grant["scope"].split()
    names = (APP, w.caller["client_id"], *scopes)
    how = pick(["none", "one less", "one more", "in capitals", "of one person", "of another"])
    if how == "none":
        held.remove(grant)
    elif how == "one less":
        gone = pick(scopes)
        grant["scope"] = " ".join(each for each in scopes if each != gone)
        return Changed(f"consent without {gone}", (gone,))
    elif how == "one more":
        grant["scope"] = f"{grant['scope']} Dashboard.Read.All"
    elif how == "in capitals":
        grant["scope"] = grant["scope"].upper()
    else:
        person = w.person if how == "of one person" else w.one("users", displayName="Alex Admin")
        grant.update(consentType="Principal", principalId=person["id"] if person else None)
    return Changed(f"consent to {', '.join(scopes)}: {how}", names)


@_kind
def _application_permission(w: World, pick: Pick) -> Changed:
    held = w.all("appRoleAssignments")
    who = w.one("servicePrincipals", displayName=pick([APP, APP, BYSTANDER]))
    mine = [each for each in held if each["principalId"] == who["id"]]
    if mine and pick([True, False]):
        held.remove(pick(mine))
        return Changed(f"an application permission less for {_title(who)}", (_title(who),))
    resource = w.one("servicePrincipals", appId=pick([POWER_BI, POWER_BI, GRAPH]))
    roles = {each["value"]: each["id"] for each in resource["appRoles"]}
    name = pick(sorted(set(roles) & {"Tenant.Read.All", "Tenant.ReadWrite.All", "Application.ReadWrite.All"}))
    held.append({"id": f"grant of {name}", "appRoleId": roles[name], "principalId": who["id"],
                 "principalDisplayName": _title(who), "principalType": "ServicePrincipal", "resourceId": resource["id"],
                 "resourceDisplayName": _title(resource), "createdDateTime": "2026-02-02T09:00:00Z"})  # fmt: skip
    return Changed(f"{_title(who)} holds {name} of {_title(resource)}", (name,))


# -- workspaces and capacities -------------------------------------------------------------------------------------


def _workspace(w: World, pick: Pick) -> tuple[Object, tuple[str, ...]]:
    found = w.one("workspaces", displayName=pick([PLACE, PLACE, PLACE, "Reports Test", "Reports Prod"]))
    return found, (_title(found), found["id"])


@_kind
def _role_taken(w: World, pick: Pick) -> Changed:
    place, names = _workspace(w, pick)
    gone = pick(place["roleAssignments"])
    place["roleAssignments"].remove(gone)
    return Changed(f"{gone['principal']} has lost the role {gone['role']} in {_title(place)}", names)


@_kind
def _role_changed(w: World, pick: Pick) -> Changed:
    place, names = _workspace(w, pick)
    entry = pick(place["roleAssignments"])
    entry["role"] = pick(["Admin", "Member", "Contributor", "Viewer"])
    return Changed(f"{entry['principal']} is {entry['role']} of {_title(place)}", names)


@_kind
def _role_for_another_id(w: World, pick: Pick) -> Changed:
    place, names = _workspace(w, pick)
    entry = pick(place["roleAssignments"])
    app = w.one("applications", displayName=APP)
    other = w.one("servicePrincipals", displayName=BYSTANDER)["id"]
    taken = {each["id"] for each in place["roleAssignments"]}
    id_ = pick([each for each in (app["id"], app["appId"], other) if each not in taken])
    entry.update(id=id_, principal={"id": id_, "type": "ServicePrincipal"})
    return Changed(f"a role in {_title(place)} is {id_}'s", names)


@_kind
def _role_by_group(w: World, pick: Pick) -> Changed:
    place, names = _workspace(w, pick)
    entry, group = pick(place["roleAssignments"]), _any(w, pick, "groups")
    entry.update(id=group["id"], principal={"id": group["id"], "type": "Group"})
    return Changed(f"a role in {_title(place)} is the group {_title(group)}'s", names)


@_kind
def _place_of_another_kind(w: World, pick: Pick) -> Changed:
    place, names = _workspace(w, pick)
    deny = {"publicAccessRules": {"defaultAction": "Deny"}}
    change = pick([
        {"classic": True}, {"communicationPolicy": {"inbound": deny}}, {"communicationPolicy": {"outbound": deny}},
        {"displayName": "Renamed"}, {"displayName": f" {_title(place)}"}, {"displayName": _title(place).upper()},
    ])  # fmt: skip
    place.update(change)
    return Changed(f"{names[0]}: {change}", names)


@_kind
def _place_deleted(w: World, pick: Pick) -> Changed:
    place, names = _workspace(w, pick)
    w.all("workspaces").remove(place)
    return Changed(f"{names[0]} was deleted", names)


@_kind
def _place_on_another_capacity(w: World, pick: Pick) -> Changed:
    place, names = _workspace(w, pick)
    spare = w.one("capacities", displayName="spare")["id"]
    place["capacityId"] = pick([None, spare, str(uuid.UUID(int=9))])
    return Changed(f"{_title(place)} is on the capacity {place['capacityId']}", names)


@_kind
def _capacity_state(w: World, pick: Pick) -> Changed:
    capacity = _any(w, pick, "capacities")
    capacity["state"] = pick(CAPACITY_STATES)
    return Changed(f"{_title(capacity)} is {capacity['state']}", (_title(capacity), capacity["id"]))


@_kind
def _capacity_deleted(w: World, pick: Pick) -> Changed:
    capacity = _any(w, pick, "capacities")
    w.all("capacities").remove(capacity)
    return Changed(f"{_title(capacity)} was deleted", (_title(capacity), capacity["id"]))


@_kind
def _capacity_rights(w: World, pick: Pick) -> Changed:
    capacity = _any(w, pick, "capacities")
    capacity[pick(["admins", "contributors"])] = []
    return Changed(f"nobody has rights on {_title(capacity)}", (_title(capacity), capacity["id"]))


@_kind
def _model_or_report(w: World, pick: Pick) -> Changed:
    """No name is expected: the service tells 404 whatever was not found, and says of a model that it wants an identity."""
    place = w.one("workspaces", displayName=PLACE)
    model, report = place["datasets"][0], place["reports"][0]
    how = pick(["row-level security", "roles too", "no model", "no report", "another model"])
    if how in ("row-level security", "roles too"):
        model.update(isEffectiveIdentityRequired=True, isEffectiveIdentityRolesRequired=how == "roles too")
        return Changed(f"the model Sales: {how}", (model["id"], "Sales"))
    if how == "no model":
        place["datasets"] = []
    elif how == "no report":
        place["reports"] = []
    else:
        report["datasetId"] = str(uuid.UUID(int=11))
    return Changed(f"the report Sales: {how}")


@_kind
def _profile(w: World, pick: Pick) -> Changed | None:
    """No name is expected: the service tells a profile that is not there as it tells any refusal."""
    if not w.all("profiles"):
        return None
    if pick([True, False]):
        w.state["profiles"] = []
        return Changed("the profile was deleted")
    w.all("profiles")[0]["servicePrincipalId"] = w.one("servicePrincipals", displayName=BYSTANDER)["id"]
    return Changed("the profile is another app's")


# -- people --------------------------------------------------------------------------------------------------------


def _user(w: World, pick: Pick) -> tuple[Object, tuple[str, ...]]:
    found = pick([*w.all("users"), w.person or w.all("users")[0]])
    return found, (found["userPrincipalName"], found["displayName"], found["id"])


@_kind
def _licence(w: World, pick: Pick) -> Changed:
    user, names = _user(w, pick)
    user["powerBiLicense"] = pick(["none", "Free", "Pro", "PremiumPerUser"])
    return Changed(f"licence of {_title(user)}: {user['powerBiLicense']}", names)


@_kind
def _directory_roles(w: World, pick: Pick) -> Changed:
    user, names = _user(w, pick)
    user["directoryRoles"] = pick([[], [FABRIC_ADMINISTRATOR], [GLOBAL_ADMINISTRATOR]])
    return Changed(f"directory roles of {_title(user)}: {user['directoryRoles']}", names)


@_kind
def _account(w: World, pick: Pick) -> Changed:
    """Of a password that has to change, and of an account that is closed, the token endpoint names nobody."""
    user, names = _user(w, pick)
    change = pick([
        {"accountEnabled": False}, {"passwordProfile": {"forceChangePasswordNextSignIn": True}}, {"_mfa": "denied"},
        {"_mfaRegistered": False}, {"userType": "Guest"}, {"externalUserState": "PendingAcceptance"},
        {"_lockedUntil": _time(days=1)}, {"_passwordHash": None},
    ])  # fmt: skip
    user.update(change)
    return Changed(f"{_title(user)}: {change}", (*names, "AADSTS"))


@_kind
def _user_deleted(w: World, pick: Pick) -> Changed | None:
    user, names = _user(w, pick)
    if user is w.person and w.caller.get("grant") != "password":
        return None  # nobody would come to enter the code
    w.all("users").remove(user)
    return Changed(f"{_title(user)} was deleted", (*names, "AADSTS"))


# -- policies ------------------------------------------------------------------------------------------------------


@_kind
def _policy(w: World, pick: Pick) -> Changed:
    own, other = (w.one("servicePrincipals", displayName=name)["id"] for name in (APP, BYSTANDER))
    conditions: Object = {"clientAppTypes": pick([["all"], ["all"], ["browser"], ["mobileAppsAndDesktopClients"]])}
    conditions["applications"] = pick([
        {"includeApplications": ["All"]}, {"includeApplications": [POWER_BI]}, {"includeApplications": [GRAPH]},
        {"includeApplications": [w.caller["client_id"]]},
        {"includeApplications": ["All"], "excludeApplications": [POWER_BI]},
    ])  # fmt: skip
    if pick([True, False]) == w.is_app:
        conditions["clientApplications"] = pick([
            {"includeServicePrincipals": [own]}, {"includeServicePrincipals": ["ServicePrincipalsInMyTenant"]},
            {"includeServicePrincipals": [other]},
            {"includeServicePrincipals": ["ServicePrincipalsInMyTenant"], "excludeServicePrincipals": [own]},
        ])  # fmt: skip
    else:
        person = w.person or w.all("users")[0]
        group = w.one("groups", displayName="bystanders")["id"]
        conditions["users"] = pick([
            {"includeUsers": ["All"]}, {"includeUsers": [person["id"]]}, {"includeGroups": [group]},
            {"includeUsers": ["All"], "excludeUsers": [person["id"]]}, {"includeRoles": [FABRIC_ADMINISTRATOR]},
        ])  # fmt: skip
    conditions["locations"] = pick([
        None, None, {"includeLocations": ["All"]}, {"includeLocations": ["All"], "excludeLocations": ["AllTrusted"]},
        {"includeLocations": ["AllTrusted"]},
    ])  # fmt: skip
    conditions["authenticationFlows"] = pick([None, None, None, {"transferMethods": "deviceCodeFlow"}])
    controls = pick([["block"], ["block"], ["mfa"], ["compliantDevice"], ["mfa", "compliantDevice"]])
    state = pick(["enabled", "enabled", "enabled", "disabled", "enabledForReportingButNotEnforced"])
    w.all("conditionalAccessPolicies").append({
        "id": str(uuid.UUID(int=13)), "displayName": "A new policy", "state": state, "conditions": conditions,
        "grantControls": {"operator": "OR", "builtInControls": controls}, "sessionControls": None,
    })  # fmt: skip
    return Changed(f"a policy, {state}: {controls} where {conditions}", ("A new policy", "AADSTS53", "AADSTS5007"))


@_kind
def _security_defaults(w: World, pick: Pick) -> Changed:
    w.state["policies"]["securityDefaults"] = {"isEnabled": pick([True, True, False])}
    return Changed(f"security defaults: {w.state['policies']['securityDefaults']}", ("AADSTS5007",))


# -- what the caller had configured --------------------------------------------------------------------------------


@_kind
def _caller_secret(w: World, pick: Pick) -> Changed | None:
    if w.caller.get("grant", "password") != "password":
        return None  # there is none beside an assertion, and who signs in on a page does not give it away
    app = w.one("applications", displayName=APP)
    id_ = app["passwordCredentials"][0]["keyId"] if app["passwordCredentials"] else str(uuid.UUID(int=15))
    value = pick(["wrong", f"{w.app_secret[:-1]}?", id_, f"'{w.app_secret}'", f"{w.app_secret}\n", w.app_secret, ""])
    w.caller["secret"] = value
    return Changed(f"configured: the secret {value.replace(w.app_secret, '***')!r}", ("secret", "AADSTS7000"))


@_kind
def _caller_tenant(w: World, pick: Pick) -> Changed:
    value = pick([w.domain, w.tenant.upper(), str(uuid.UUID(int=17)), "fabrikam.onmicrosoft.com", "common", "organizations",
                  f"{w.tenant} ", "contoso"])  # fmt: skip
    w.caller["tenant"] = value
    return Changed(f"configured: the tenant {value!r}", (value.strip(), "authority", "AADSTS"))


@_kind
def _caller_client(w: World, pick: Pick) -> Changed:
    app = w.one("applications", displayName=APP)
    own = w.one("servicePrincipals", displayName=APP)["id"]
    other = w.one("applications", displayName=BYSTANDER)["appId"]
    value = pick([app["id"], own, other, str(uuid.UUID(int=19)), app["appId"].upper(), f" {app['appId']}", APP])
    w.caller["client_id"] = value
    return Changed(f"configured: the client id {value!r}", (value.strip(), BYSTANDER, PLACE, "not in it", "AADSTS"))


@_kind
def _caller_scope(w: World, pick: Pick) -> Changed:
    value = pick([
        "https://analysis.windows.net/powerbi/api/.default", "https://analysis.windows.net/powerbi/api//.default",
        "https://api.fabric.microsoft.com/.default", "https://graph.microsoft.com/.default",
        "https://analysis.windows.net/powerbi/api", "https://analysis.windows.net/powerbi/api/Report.Read.All",
        "https://analysis.windows.net/powerbi/api/Report.Raed.All", "https://powerbi.contoso.com/.default", "nonsense",
        "https://management.azure.com/.default", f"{POWER_BI}/.default",
    ])  # fmt: skip
    w.caller["scope"] = value
    return Changed(f"configured: the scope {value}", (value.removesuffix("/.default"), "AADSTS"))


@_kind
def _caller_request(w: World, pick: Pick) -> Changed:
    place, other = (w.one("workspaces", displayName=name)["id"] for name in (PLACE, "Reports Prod"))
    model = w.one("workspaces", displayName=PLACE)["datasets"][0]["id"]
    power_bi, fabric = "https://api.powerbi.com/v1.0/myorg", "https://api.fabric.microsoft.com/v1"
    query = '{"queries": [{"query": "EVALUATE Sales"}]}'
    line, body = pick([
        (f"GET {power_bi}/groups", None), (f"GET {power_bi}/reports", None),
        (f"GET {power_bi}/groups/{place}/reports", None), (f"GET {power_bi}/groups/{other}/reports", None),
        (f"GET {power_bi}/groups/{uuid.UUID(int=21)}/reports", None),
        (f"GET {power_bi}/admin/groups?$top=1", None), (f"GET {power_bi}/capacities", None),
        (f"GET {power_bi}/groups/{place}/datasets/{model}/refreshes", None), (f"GET {power_bi}/groups/{place}/users", None),
        (f"POST {power_bi}/groups/{place}/datasets/{model}/executeQueries", query),
        (f"POST {power_bi}/datasets/{model}/executeQueries", query),
        (f"POST {power_bi}/groups/{place}/datasets/{model}/refreshes", "{}"),
        (f"POST {power_bi}/groups", '{"name": "Made by a test"}'),
        (f"GET {fabric}/workspaces", None), (f"GET {fabric}/workspaces/{place}", None),
        (f"GET {fabric}/workspaces/{other}", None), (f"GET {fabric}/workspaces/{place}/items", None),
        (f"POST {fabric}/workspaces", '{"displayName": "Made by a test"}'),
        (f"POST {fabric}/workspaces/{place}/items", '{"displayName": "Made by a test", "type": "Lakehouse"}'),
        (f"GET {fabric}/admin/tenantsettings", None),
        (f"POST {fabric}/admin/tenantsettings/DatasetExecuteQueries/update", '{"enabled": true}'),
        ("GET https://graph.microsoft.com/v1.0/organization", None),
    ])  # fmt: skip
    w.caller.update(request=line, **({"scope": "https://graph.microsoft.com/.default"} if "graph" in line else {}))
    w.caller.pop("body", None)
    w.caller.pop("profile", None)
    if body:
        w.caller["body"] = body
    return Changed(f"configured: the request {line}", (line.partition("://")[2].partition("/")[2].partition("?")[0],))


@_kind
def _caller_workspace(w: World, pick: Pick) -> Changed:
    value = pick(
        [[], "Reports Test", "Reports Prod", "No such place", [PLACE, "Reports Test"], "O'Hara's", PLACE.lower()]
    )
    w.caller["workspace"] = value
    return Changed(f"configured: the workspace {value}", (value if isinstance(value, str) else "Reports Test",))


@_kind
def _caller_person(w: World, pick: Pick) -> Changed | None:
    if w.is_app:
        return None
    w.caller["user"] = pick(["admin", "fabricadmin", "developer"])
    w.state["auto_approve"] = w.caller["user"]
    return Changed(f"configured: {w.caller['user']} signs in", (w.caller["user"], PLACE))


@_kind
def _caller_assertion(w: World, pick: Pick) -> Changed | None:
    if w.caller.get("grant") != "federated":
        return None
    name = pick(["issuer", "subject"])
    value = pick(["https://issuer.example", w.caller[name].upper(), f"{w.caller[name]}/"])
    w.caller[name] = value
    return Changed(f"configured: the {name} {value}", (value, "AADSTS70021"))


@_kind
def _caller_redirect(w: World, pick: Pick) -> Changed | None:
    if not w.caller.get("redirect_uri"):
        return None
    value = pick(
        ["http://localhost:3000", "http://localhost:4000/", "http://127.0.0.1:3000/", "https://contoso.com/back"]
    )
    w.caller["redirect_uri"] = value
    return Changed(f"configured: the redirect URI {value}", (value,))


@_kind
def _caller_age(w: World, pick: Pick) -> Changed:
    w.caller["age_seconds"] = pick([60, 1800, 7200, 90000])
    return Changed(f"configured: tokens of {w.caller['age_seconds']} s are used", ("issued",))


@_kind
def _caller_purpose(w: World, pick: Pick) -> Changed:
    kinds = ["automation", "admin-read", "admin-write", "embed-customers", "deploy", "gateway"]
    w.caller["purpose"] = pick(kinds if w.is_app else ["user-sign-in", "embed-organization", "admin-read"])
    return Changed(f"configured: the purpose {w.caller['purpose']}")


# -- what decides nothing here -------------------------------------------------------------------------------------


@_kind
def _unknown(w: World, pick: Pick) -> Changed:
    name = pick(sorted(UNKNOWNS))
    w.state["unknowns"] = {name: pick(UNKNOWNS[name])}
    return Changed(f"{w.state['unknowns']}")


@_kind
def _tenant_s_own(w: World, pick: Pick) -> Changed:
    policy = {
        "id": str(uuid.UUID(int=23)),
        "displayName": "No secrets",
        "isEnabled": True,
        "_appliesTo": [],
        "restrictions": {"passwordCredentials": [{"restrictionType": "passwordAddition", "state": "enabled"}]},
    }
    section, change = pick([
        ("tenant", {"subscribedSkus": []}), ("tenant", {"createdDateTime": _time(days=-1)}),
        ("policies", {"allowedToCreateApps": False}), ("policies", {"permissionGrantPoliciesAssigned": []}),
        ("appManagementPolicies", policy), ("quota", {"embedTokens": 5000}), ("otherClouds", {"fabrikam.us": "usgov"}),
    ])  # fmt: skip
    if section == "appManagementPolicies":
        w.all(section).append(change)
    else:
        w.state.setdefault(section, {}).update(change)
    return Changed(f"{section}: {change}")


@_kind
def _network(w: World, pick: Pick) -> Changed:
    w.state["network"] = pick([{"trusted": True}, {"ipAddress": "203.0.113.7"}, {"location": "the office"}])
    return Changed(f"{w.state['network']}")
