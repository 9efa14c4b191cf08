"""Consent at sign-in: what an app asks a user for, who may agree to it, and what agreeing writes into the directory."""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

from pbisetup.sandbox.entra.authority import Client
from pbisetup.sandbox.entra.consent import check_names, check_required, delegated_scopes, granted_scopes
from pbisetup.sandbox.entra.refusal import Refused
from pbisetup.sandbox.entra.resources import GRAPH, GRAPH_AUDIENCE, OIDC_SCOPES, Asked, find_resource, normal
from pbisetup.sandbox.roles import active_roles
from pbisetup.sandbox.wire import World

Object = dict[str, Any]

INITIAL = ("openid", "profile", "offline_access")
"""What the first consent to an app always includes. Source: entra-docs, scopes-oidc; User.Read is left to the app."""

SELF = "managepermissiongrantsforself."
DEFAULT_POLICY = "ManagePermissionGrantsForSelf.microsoft-user-default-recommended"

# source: entra-docs, enterprise-apps/manage-app-consent-policies (2026-01-22): what users may not agree to under
# Microsoft's recommended policy, beside everything that needs an administrator. Exchange Online is not in this tenant.
NOT_RECOMMENDED: dict[str, frozenset[str]] = {
    GRAPH: frozenset(
        """
        files.read.all files.readwrite.all sites.read.all sites.readwrite.all
        mail.read mail.readbasic mail.readwrite mail.read.shared mail.readbasic.shared mail.readwrite.shared
        mailboxitem.read mailboxfolder.read mailboxfolder.readwrite mailboxsettings.read mailboxsettings.readwrite
        calendars.read calendars.readbasic calendars.readwrite calendars.read.shared calendars.readwrite.shared
        chat.read chat.readwrite onlinemeetings.read onlinemeetings.readwrite people.read
        contacts.readwrite contacts.read.shared contacts.readwrite.shared
        tasks.read tasks.read.shared tasks.readwrite tasks.readwrite.shared
        """.split()  # noqa: SIM905 - a list to be read
    )
}

# What the page says of scopes whose service principal has no words of its own. source: known consent pages.
TITLES: dict[str, tuple[str, str]] = {
    "openid": ("Sign you in", "Allows you to sign in to the app with your work or school account."),
    "profile": ("View your basic profile", "Allows the app to see your basic profile (name, picture, user name)."),
    "email": ("View your email address", "Allows the app to read your primary email address."),
    "offline_access": (
        "Maintain access to data you have given it access to",
        "Allows the app to see and update the data you gave it access to, even when you are not using the app.",
    ),
    "User.Read": ("Sign you in and read your profile", "Allows you to sign in, and the app to read your profile."),
}


@dataclass(frozen=True)
class Permission:
    """One permission of one API, as an app may be given it."""

    resource: Object
    """The API's service principal."""
    id: str
    value: str
    kind: Literal["Scope", "Role"]
    admin_only: bool
    """Whether it takes an administrator by its own definition."""
    title: str
    description: str


@dataclass
class Wanted:
    """What a sign-in asks for."""

    resource: Object
    """The API that the token will be for."""
    parts: list[tuple[Object, Asked]] = field(default_factory=list)
    """Every API that is asked for, with the names asked of it."""
    oidc: tuple[str, ...] = ()


def wanted_v1(world: World, resource: str) -> Wanted:
    """What a request to the v1 endpoint asks for; it is like `.default`. Raises Refused."""
    asked = resource or GRAPH_AUDIENCE
    found = find_resource(world, asked)
    parts = [(found, Asked(asked, (".default",), frozenset(), asked))] if resource else []
    return Wanted(found, parts, INITIAL)


def wanted_v2(world: World, text: str) -> Wanted:
    """What a scope text asks for. Unlike the token endpoint this one takes several APIs at once: what is agreed to here
    is redeemed one API at a time (MSAL's extraScopesToConsent). Raises Refused.
    """
    names: dict[str, list[str]] = {}
    spelled: dict[str, str] = {}
    oidc: list[str] = []
    for word in text.split():
        if word.lower() in OIDC_SCOPES:
            oidc.append(word.lower())
            continue
        resource, slash, name = word.rpartition("/")
        if not slash:
            resource, name = GRAPH_AUDIENCE, word
        names.setdefault(normal(resource), []).append(name)
        spelled.setdefault(normal(resource), resource)
    every = [name for several in names.values() for name in several]
    if ".default" in every and (len(set(every)) > 1 or len(names) > 1):
        raise Refused("default_with_others", scope=text)
    parts = [
        (find_resource(world, spelled[key]), Asked(spelled[key], tuple(several), frozenset(), text))
        for key, several in names.items()
    ]
    return Wanted(parts[0][0] if parts else find_resource(world, GRAPH), parts, tuple(dict.fromkeys(oidc)))


def missing(world: World, client: Client, user: Object, wanted: Wanted, *, again: bool = False) -> list[Permission]:
    """What the user has to agree to before this sign-in can end; empty where nothing. `again`: also what is granted
    already (`prompt=consent`). Raises Refused where asking would be of no use.
    """
    if client.first_party:
        for resource, asked in wanted.parts:
            delegated_scopes(world, client, user, resource, asked)
        return []
    needed: list[Permission] = []
    for resource, asked in wanted.parts:
        if asked.default:
            if again or not granted_scopes(world, client, user, resource):
                check_required(client, resource, asked)
                declared = static(world, client, kinds=("Scope",))
                if all(each.resource is not resource for each in declared):
                    raise Refused("nothing_declared", resource=resource.get("displayName"), app=client.app_id)
                needed += declared
            continue
        check_names(client, resource, list(asked.scopes))
        have = {name.lower() for name in granted_scopes(world, client, user, resource)}
        needed += [scope(resource, name) for name in dict.fromkeys(asked.scopes) if again or name.lower() not in have]
    if not needed and not again and (wanted.parts or _known(world, client, user)):
        return []
    graph = find_resource(world, GRAPH)
    have = {name.lower() for name in granted_scopes(world, client, user, graph)}
    first = [scope(graph, name) for name in dict.fromkeys((*INITIAL, *wanted.oidc)) if again or name not in have]
    return _once([*needed, *first])


def static(world: World, client: Client, *, kinds: tuple[str, ...] = ("Scope", "Role")) -> list[Permission]:
    """What the app's registration declares (`requiredResourceAccess`). Raises Refused where an API is not here."""
    found: list[Permission] = []
    for entry in (client.application or {}).get("requiredResourceAccess") or ():
        resource = world.tenant.servicePrincipals.by("appId", str(entry.get("resourceAppId")))
        if resource is None:
            raise Refused(
                "resource_not_subscribed",
                resource=entry.get("resourceAppId"),
                directory=world.tenant.section("tenant")["displayName"],
            )
        for access in entry.get("resourceAccess") or ():
            made = role(resource, str(access.get("id"))) if access.get("type") == "Role" else None
            if access.get("type") == "Scope":
                made = _scope_by_id(resource, str(access.get("id")))
            if made is None:
                raise Refused("permission_unknown", name=client.name, resource=resource.get("displayName"))
            if made.kind in kinds:
                found.append(made)
    return _once(found)


def scope(resource: Object, name: str) -> Permission:
    """A delegated permission by its name; one that the API does not define is shown as it is called."""
    for each in resource.get("oauth2PermissionScopes") or ():
        if str(each.get("value")).lower() == name.lower():
            return _permission(resource, each)
    return Permission(resource, "", name, "Scope", False, *TITLES.get(name, (name, name)))


def role(resource: Object, id_: str) -> Permission | None:
    """An application permission by its id."""
    for each in resource.get("appRoles") or ():
        if str(each.get("id")).lower() == id_.lower():
            value = str(each.get("value"))
            words = str(each.get("displayName") or value), str(each.get("description") or value)
            return Permission(resource, str(each["id"]), value, "Role", True, *words)
    return None


def may_consent(world: World, client: Client, user: Object, permissions: Iterable[Permission]) -> bool:
    """Whether a user may agree for themselves: an administrator to anything delegated, others by the tenant's policy."""
    asked = list(permissions)
    if may_consent_for_all(world, user, asked):
        return True
    # entra-docs, unexpected-user-consent-error: an app that wants its users assigned needs the administrator first.
    if (client.service_principal or {}).get("appRoleAssignmentRequired"):
        return False
    policies = world.tenant.section("policies").get("permissionGrantPoliciesAssigned", [DEFAULT_POLICY])
    names = [str(each).lower().removeprefix(SELF) for each in policies if str(each).lower().startswith(SELF)]
    # Each policy is judged by itself; one that allows everything asked is enough (manage-app-consent-policies).
    return any(all(_allows(name, each) for each in asked) for name in names)


def may_consent_for_all(world: World, user: Object, permissions: Iterable[Permission]) -> bool:
    """Whether a user may agree for the whole organization: the directory roles that Graph asks for too."""
    from pbisetup.sandbox.graph.permissions import RULES

    held = active_roles(world.tenant, user["id"])
    graph_roles = any(each.kind == "Role" and each.resource.get("appId") == GRAPH for each in permissions)
    needed = "assignments.write.graph" if graph_roles else "grants.write"
    return not held.isdisjoint(RULES[needed].directory_roles)


def grant(
    world: World, client: Client, permissions: Iterable[Permission], user: Object | None, *, replace: bool = False
) -> None:
    """Write what was agreed to: for one user, or for everybody (`user` None, also application permissions).

    Makes the app's service principal where the tenant has none. `replace`: what everybody had is replaced, as the
    administrator's page does with permissions that the app no longer declares (entra.md 1.6).
    """
    principal = client.service_principal or _make_service_principal(world, client)
    by_resource: dict[str, list[Permission]] = {}
    for each in permissions:
        by_resource.setdefault(each.resource["id"], []).append(each)
    for several in by_resource.values():
        resource = several[0].resource
        names = [each.value for each in several if each.kind == "Scope"]
        if names:
            _grant_scopes(world, principal, resource, user, names, replace=replace)
        for each in several:
            if each.kind == "Role" and user is None:
                _assign(world, principal, resource, each)
    world.tenant.changed = True


def ask_administrators(world: World, client: Client, user: Object, permissions: list[Permission], reason: str) -> None:
    """Keep a user's request for the administrators (`policies.adminConsentRequests`)."""
    requests = world.tenant.section("policies").setdefault("adminConsentRequests", [])
    requests.append(
        {
            "id": str(uuid.uuid4()),
            "appId": client.app_id,
            "appDisplayName": client.name,
            "pendingScopes": [{"displayName": each.value} for each in permissions],
            "createdBy": user["id"],
            "createdDateTime": world.now().strftime("%Y-%m-%dT%H:%M:%SZ"),
            "reason": reason[:500],
            "status": "InProgress",
        }
    )
    world.tenant.changed = True


def workflow_is_on(world: World) -> bool:
    """Whether users may send requests to the administrators (Graph: adminConsentRequestPolicy.isEnabled)."""
    policy = world.tenant.section("policies").get("adminConsentRequestPolicy")
    return isinstance(policy, dict) and bool(policy.get("isEnabled"))


def _allows(policy: str, permission: Permission) -> bool:
    if permission.kind == "Role" or permission.admin_only:
        return False
    if policy == "microsoft-user-default-legacy":
        return True
    if policy == "microsoft-user-default-recommended":
        return permission.value.lower() not in NOT_RECOMMENDED.get(str(permission.resource.get("appId")), ())
    if policy == "microsoft-user-default-low":
        # Apps registered in this tenant count as those of verified publishers do (configure-user-consent).
        return any(
            str(each.get("permissionName")).lower() == permission.value.lower() and each.get("classification") == "low"
            for each in permission.resource.get("delegatedPermissionClassifications") or ()
        )
    return False


def _known(world: World, client: Client, user: Object) -> bool:
    """Whether the app was ever agreed to for this user, whatever for. guess: no first consent is asked for then."""
    principal = client.service_principal
    return principal is not None and any(
        each.get("consentType") == "AllPrincipals" or each.get("principalId") == user["id"]
        for each in world.tenant.oauth2PermissionGrants.where(clientId=principal["id"])
    )


def _scope_by_id(resource: Object, id_: str) -> Permission | None:
    for each in resource.get("oauth2PermissionScopes") or ():
        if str(each.get("id")).lower() == id_.lower():
            return _permission(resource, each)
    return None


def _permission(resource: Object, entry: Object) -> Permission:
    value = str(entry.get("value"))
    title = str(entry.get("userConsentDisplayName") or entry.get("adminConsentDisplayName") or value)
    words = str(entry.get("userConsentDescription") or entry.get("adminConsentDescription") or "")
    if title == value and value in TITLES:
        title, words = TITLES[value]
    return Permission(resource, str(entry.get("id")), value, "Scope", entry.get("type") == "Admin", title, words)


def _once(permissions: Iterable[Permission]) -> list[Permission]:
    found = {(each.resource["id"], each.kind, each.value.lower()): each for each in permissions}
    return list(found.values())


def _grant_scopes(
    world: World, principal: Object, resource: Object, user: Object | None, names: list[str], *, replace: bool
) -> None:
    who = {"consentType": "Principal" if user else "AllPrincipals", "principalId": user["id"] if user else None}
    held = [
        each
        for each in world.tenant.oauth2PermissionGrants.where(clientId=principal["id"], resourceId=resource["id"])
        if each.get("consentType") == who["consentType"] and each.get("principalId") == who["principalId"]
    ]
    entry = held[0] if held else None
    if entry is None:
        entry = world.tenant.oauth2PermissionGrants.add(
            {
                "clientId": principal["id"],
                **who,
                "id": secrets.token_urlsafe(32),
                "resourceId": resource["id"],
                "scope": "",
            }
        )
    before = [] if replace else str(entry.get("scope") or "").split()
    merged = {name.lower(): name for name in [*names, *reversed(before)]}
    entry["scope"] = " ".join(sorted(merged.values(), key=str.lower))


def _assign(world: World, principal: Object, resource: Object, permission: Permission) -> None:
    same = {"principalId": principal["id"], "resourceId": resource["id"]}
    held = world.tenant.appRoleAssignments.where(**same)
    if any(str(each.get("appRoleId")).lower() == permission.id.lower() for each in held):
        return
    world.tenant.appRoleAssignments.add(
        {
            "id": secrets.token_urlsafe(32),
            "deletedDateTime": None,
            "appRoleId": permission.id,
            "createdDateTime": world.now().strftime("%Y-%m-%dT%H:%M:%SZ"),
            "principalDisplayName": principal.get("displayName"),
            "principalType": "ServicePrincipal",
            "resourceDisplayName": resource.get("displayName"),
            **same,
        }
    )


def _make_service_principal(world: World, client: Client) -> Object:
    from pbisetup.sandbox.graph.applications import mirrored
    from pbisetup.sandbox.graph.schema import SERVICE_PRINCIPAL

    application = client.application
    assert application is not None  # a client that is neither registered nor present is not found at all
    now = world.now()
    return world.tenant.servicePrincipals.add(
        {
            "id": str(uuid.uuid4()),
            "appId": application["appId"],
            "createdDateTime": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
            **SERVICE_PRINCIPAL.blank(),
            **mirrored(application),
            "appOwnerOrganizationId": world.tenant.id,
            "owners": [],
        }
    )
