"""Conditional access: which policies of the tenant meet a sign-in, and what they demand of it.

A policy is Graph's own `conditionalAccessPolicy` (collection `conditionalAccessPolicies`). Risk is not part of
this tenant, so a policy with a condition on risk never applies; nor does one on user actions or authentication
contexts, which no flow here performs.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from pbisetup.sandbox.entra.authority import Client
from pbisetup.sandbox.roles import active_templates
from pbisetup.sandbox.wire import World

Object = dict[str, Any]

# The best-known members of the group "Office 365". guess: incomplete; Power BI and Microsoft Graph are not in it.
OFFICE_365 = frozenset(
    {
        "00000002-0000-0ff1-ce00-000000000000",  # Exchange Online
        "00000003-0000-0ff1-ce00-000000000000",  # SharePoint Online
        "cc15fd57-2c6c-4117-a88c-83b1d56b4bbe",  # Teams
    }
)
# The transfer method of a flow, and the kind of client that uses it. guess: a confidential client that redeems a
# code counts as a browser.
TRANSFER = {"device_code": "deviceCodeFlow"}
DEVICE_CONTROLS = frozenset({"compliantDevice", "domainJoinedDevice"})


@dataclass(frozen=True)
class SignIn:
    """What a policy looks at."""

    client: Client
    principal: Object
    """The user, or the service principal of a workload."""
    resource: Object
    flow: str
    mfa: bool


@dataclass(frozen=True)
class Verdict:
    """One policy that applies."""

    policy: Object
    missing: tuple[str, ...]
    """Controls that the sign-in has not met; empty: the policy lets it pass."""

    @property
    def enforced(self) -> bool:
        """False for a policy in report-only mode."""
        return self.policy.get("state") == "enabled"


def verdicts(world: World, sign_in: SignIn) -> list[Verdict]:
    """Every enabled or report-only policy that applies, with what it misses."""
    found = []
    for policy in world.tenant.conditionalAccessPolicies.peek():
        if policy.get("state") == "disabled":
            continue
        conditions = policy.get("conditions") or {}
        if _is_for_workloads(conditions):
            applies = sign_in.flow == "client_credentials" and _workload_matches(world, sign_in, conditions)
        else:
            applies = sign_in.flow != "client_credentials" and _user_matches(world, sign_in, conditions)
        if applies and _common_matches(world, sign_in, conditions):
            found.append(Verdict(policy, _missing(world, sign_in, policy.get("grantControls") or {})))
    return found


def _is_for_workloads(conditions: Object) -> bool:
    applications = conditions.get("clientApplications") or {}
    return bool(applications.get("includeServicePrincipals"))


def _workload_matches(world: World, sign_in: SignIn, conditions: Object) -> bool:
    """Only single-tenant apps of this tenant, targeted directly; never managed identities (entra.md 4.3)."""
    principal = sign_in.principal
    application = sign_in.client.application
    own = str(principal.get("appOwnerOrganizationId") or world.tenant.id).lower() == world.tenant.id.lower()
    single = (application or {}).get("signInAudience", "AzureADMyOrg") == "AzureADMyOrg"
    if application is None or not own or not single or principal.get("servicePrincipalType") == "ManagedIdentity":
        return False
    targets = conditions["clientApplications"]
    names = {str(principal["id"]).lower()}
    excluded = _lower(targets.get("excludeServicePrincipals"))
    included = _lower(targets.get("includeServicePrincipals"))
    return not names & excluded and bool(included & (names | {"serviceprincipalsinmytenant"}))


def _user_matches(world: World, sign_in: SignIn, conditions: Object) -> bool:
    users = conditions.get("users") or {}
    user = sign_in.principal
    names = {str(user["id"]).lower()}
    guest = user.get("userType") == "Guest"
    everyone = {"all"} | ({"guestsorexternalusers"} if guest else set())
    groups = {str(g["id"]).lower() for g in world.tenant.groups_of(str(user["id"]), transitive=True)}
    roles = _lower(active_templates(world.tenant, str(user["id"])))

    def named(side: str) -> bool:
        return bool(
            (names | everyone) & _lower(users.get(f"{side}Users"))
            or groups & _lower(users.get(f"{side}Groups"))
            or roles & _lower(users.get(f"{side}Roles"))
            or (guest and users.get(f"{side}GuestsOrExternalUsers"))
        )

    return named("include") and not named("exclude")


def _common_matches(world: World, sign_in: SignIn, conditions: Object) -> bool:
    risks = ("userRiskLevels", "signInRiskLevels", "servicePrincipalRiskLevels", "insiderRiskLevels")
    if any(conditions.get(name) for name in risks):
        return False
    return (
        _application_matches(sign_in, conditions.get("applications") or {})
        and _client_type_matches(sign_in, conditions.get("clientAppTypes") or ["all"])
        and _transfer_matches(sign_in, conditions.get("authenticationFlows") or {})
        and _location_matches(world, conditions.get("locations") or {})
        and _platform_matches(world, conditions.get("platforms") or {})
    )


def _application_matches(sign_in: SignIn, applications: Object) -> bool:
    app_id = str(sign_in.resource["appId"]).lower()
    names = {app_id, "all"} | ({"office365"} if app_id in OFFICE_365 else set())
    included = _lower(applications.get("includeApplications"))
    return bool(names & included) and not names & _lower(applications.get("excludeApplications"))


def _client_type_matches(sign_in: SignIn, types: Iterable[Any]) -> bool:
    browser = sign_in.flow == "authorization_code" and not sign_in.client.is_public
    return bool(_lower(types) & {"all", "browser" if browser else "mobileappsanddesktopclients"})


def _transfer_matches(sign_in: SignIn, flows: Object) -> bool:
    # Graph writes the methods of one policy as a text with commas.
    asked = str(flows.get("transferMethods") or "none")
    methods = {each.strip().lower() for each in asked.split(",")} - {"none", ""}
    return not methods or TRANSFER.get(sign_in.flow, "").lower() in methods


def _location_matches(world: World, locations: Object) -> bool:
    if not locations:
        return True
    network = world.tenant.section("network")
    here = {"all"} | ({str(network["location"]).lower()} if network.get("location") else set())
    here |= {"alltrusted"} if network.get("trusted") else set()
    included = _lower(locations.get("includeLocations"))
    return bool(here & included) and not here & _lower(locations.get("excludeLocations"))


def _platform_matches(world: World, platforms: Object) -> bool:
    if not platforms:
        return True
    device = world.tenant.section("device")
    here = {"all"} | ({str(device["platform"]).lower()} if device.get("platform") else set())
    excluded = _lower(platforms.get("excludePlatforms"))
    return bool(here & _lower(platforms.get("includePlatforms"))) and not here & excluded


def _missing(world: World, sign_in: SignIn, controls: Object) -> tuple[str, ...]:
    wanted = [str(each) for each in controls.get("builtInControls") or ()]
    if sign_in.flow == "client_credentials":
        # An app cannot do what any other control asks for; Graph refuses such a policy (azure-docs#114137). guess: one
        # that the state holds all the same asks for nothing.
        return ("block",) if "block" in wanted else ()
    if controls.get("authenticationStrength"):
        wanted.append("mfa")  # guess: every strength here is met by the one second factor that there is
    wanted += ["termsOfUse" for _ in controls.get("termsOfUse") or ()]
    missing = tuple(dict.fromkeys(each for each in wanted if not _met(world, sign_in, each)))
    if "block" in wanted:
        return ("block",)
    if str(controls.get("operator") or "OR").upper() != "OR":
        return missing
    if len(missing) < len(set(wanted)):
        return ()
    return ("mfa",) if "mfa" in missing else missing  # guess: what the user can do at once is asked for


def _met(world: World, sign_in: SignIn, control: str) -> bool:
    device = world.tenant.section("device")
    # What a device code was entered on is not the device that gets the token (entra.md 12).
    known = sign_in.flow != "device_code"
    if control == "mfa":
        return sign_in.mfa
    if control == "compliantDevice":
        return known and device.get("isCompliant") is True
    if control == "domainJoinedDevice":
        return known and device.get("trustType") == "ServerAd"
    return False


def _lower(values: Any) -> set[str]:
    return {str(each).lower() for each in values or ()}
