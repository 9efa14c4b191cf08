"""New elements of a tenant: what a scenario's `new` leaves out is filled in."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any

from pbisetup.sandbox.first_party import service_principal
from pbisetup.sandbox.identity import Identity
from pbisetup.sandbox.scenarios.file import Object


def element(identity: Identity, state: Object, collection: str, name: str) -> Object:
    """A new element of a collection with this name and nothing else said of it."""
    domain = str(state["tenant"]["domain"])
    if collection == "tenantSettings":
        return {"settingName": name, "title": name, "enabled": False, "canSpecifySecurityGroups": True}
    if collection == "users":
        return user(identity, name.partition("@")[0], domain)
    if collection == "groups":
        return group(identity, name)
    if collection == "servicePrincipals":
        return service_principal(identity, identity.id(f"client {name}"), name, [])
    if collection == "applications":
        return application(identity, name)
    known: Object = {"id": identity.id(f"{collection} {name}"), "displayName": name}
    if collection == "workspaces":
        return {**known, "id": identity.id(f"workspace {name}"), "type": "Workspace", "roleAssignments": []}
    if collection == "capacities":
        return {**known, "sku": "F2", "state": "Active", "region": "West Europe", "admins": []}
    if collection == "gateways":
        return {"id": known["id"], "name": name, "gatewayStatus": "Live", "admins": [], "datasources": []}
    if collection == "conditionalAccessPolicies":
        return {**known, "state": "enabled", "conditions": {}, "grantControls": None, "sessionControls": None}
    return known


def user(identity: Identity, name: str, domain: str) -> Object:
    """A member without any role, with the password that every user of the tenant has."""
    return {
        "id": identity.id(f"user {name}"),
        "userPrincipalName": f"{name}@{domain}",
        "displayName": name,
        "mail": f"{name}@{domain}",
        "userType": "Member",
        "accountEnabled": True,
        "directoryRoles": [],
        "myWorkspace": {"id": identity.id(f"my workspace {name}")},
        "_passwordHash": sha256(identity.password),
    }


def group(identity: Identity, name: str) -> Object:
    """A security group of the cloud, without members."""
    return {
        "id": identity.id(f"group {name}"),
        "displayName": name,
        "description": None,
        "mailEnabled": False,
        "mailNickname": "".join(c for c in name if c.isalnum() or c in "-_.")[:64] or "group",
        "securityEnabled": True,
        "groupTypes": [],
        "members": [],
        "owners": [],
    }


def application(identity: Identity, name: str) -> Object:
    """An app registration without credential and permissions."""
    return {
        "id": identity.id(f"application {name}"),
        "appId": identity.id(f"client {name}"),
        "displayName": name,
        "signInAudience": "AzureADMyOrg",
        "createdDateTime": "2026-02-02T09:00:00Z",
        "identifierUris": [],
        "uniqueName": None,
        "tags": [],
        "requiredResourceAccess": [],
        "passwordCredentials": [],
        "keyCredentials": [],
        "owners": [],
    }


def secret(identity: Identity, name: str) -> Object:
    """The secret of this start as an app's credential, a month old and good for two more."""
    now = datetime.now(UTC)
    return {
        "keyId": identity.id(f"secret {name}"),
        "displayName": "main",
        "startDateTime": _iso(now - timedelta(days=30)),
        "endDateTime": _iso(now + timedelta(days=60)),
        "_renewed": True,
        **of_this_start(identity),
    }


def of_this_start(identity: Identity) -> Object:
    """What a renewed credential holds of the app secret."""
    return {"hint": identity.app_secret[:3], "secretHash": sha256(identity.app_secret)}


def crowd(identity: Identity, state: Object, many: Object) -> None:
    """So many more users, groups, apps and workspaces, the same at each start: `{"users": 5000, ...}`."""
    domain = str(state["tenant"]["domain"])
    users = [user(identity, f"person{n:05}", domain) for n in range(int(many.get("users", 0)))]
    people: list[Object] = users or state["users"]
    state["users"] += users
    for n in range(int(many.get("groups", 0))):
        made = group(identity, f"team-{n:05}")
        made["members"] = [people[(n * 7 + step) % len(people)]["id"] for step in range(min(5, len(people)))]
        state["groups"].append(made)
    for n in range(int(many.get("apps", 0))):
        app = application(identity, f"App {n:05}")
        state["applications"].append(app)
        state["servicePrincipals"].append(service_principal(identity, app["appId"], app["displayName"], []))
    for n in range(int(many.get("workspaces", 0))):
        workspace = element(identity, state, "workspaces", f"Workspace {n:05}")
        id_ = people[n % len(people)]["id"]
        workspace["roleAssignments"] = [{"id": id_, "principal": {"id": id_, "type": "User"}, "role": "Admin"}]
        state["workspaces"].append(workspace)


MANY = ("users", "groups", "apps", "workspaces")
"""What there can be many of."""


def sha256(value: Any) -> str:
    return hashlib.sha256(str(value).encode()).hexdigest()


def _iso(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
