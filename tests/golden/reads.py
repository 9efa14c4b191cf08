"""Every read of Microsoft Graph that can be asked of objects which any tenant has: its address, from its route.

The shape is the protocol's (OData v4, as every page of microsoft-graph-docs-contrib shows it): a collection has a
context and `value`, an object a context and `id`, a count is a plain number.
"""

from __future__ import annotations

import re
from typing import Any

from tests.golden.provoke import Story

SETUP = (
    ("POST", "/v1.0/applications", {"displayName": "reads", "keyCredentials": []}, {"app": "id", "client": "appId"}),
    ("POST", "/v1.0/servicePrincipals", {"appId": "<client>"}, {"sp": "id"}),
    (
        "POST",
        "/v1.0/groups",
        {"displayName": "reads", "mailNickname": "reads", "mailEnabled": False, "securityEnabled": True},
        {"group": "id"},
    ),
    (
        "POST",
        "/v1.0/applications/<app>/federatedIdentityCredentials",
        {"name": "reads", "issuer": "https://example.com", "subject": "s", "audiences": ["api://AzureADTokenExchange"]},
        {"fic": "id"},
    ),
    (
        "POST",
        "/v1.0/oauth2PermissionGrants",
        {"clientId": "<sp>", "consentType": "AllPrincipals", "resourceId": "<graph>", "scope": "User.Read"},
        {"grant": "id"},
    ),
    (
        "POST",
        "/v1.0/servicePrincipals/<powerbi>/appRoleAssignedTo",
        {"principalId": "<sp>", "resourceId": "<powerbi>", "appRoleId": "<role Tenant.Read.All>"},
        {"assignment": "id"},
    ),
    ("POST", "/v1.0/applications", {"displayName": "gone"}, {"gone": "id"}),
    ("DELETE", "/v1.0/applications/<gone>", None, {}),
)
"""What the operator makes first."""
FAMILIES = (
    "applications",
    "servicePrincipals",
    "groups",
    "users",
    "me",
    "directoryObjects",
    "directoryRoles",
    "directory",
    "oauth2PermissionGrants",
    "organization",
)
"""First segments of what is read here. Policies, roles and logs need more than objects, and have tests of their own."""
KEYS = {
    "applications": "<app>",
    "servicePrincipals": "<sp>",
    "groups": "<group>",
    "users": "<admin>",
    "directoryObjects": "<admin>",
    "organization": "<tenant>",
    "directoryRoles": "<directory role>",
    "federatedIdentityCredentials": "<fic>",
    "oauth2PermissionGrants": "<grant>",
    "appRoleAssignments": "<assignment>",
    "appRoleAssignedTo": "<assignment>",
    "deletedItems": "<gone>",
}
"""What `{id}` is after each collection."""
TYPES = {
    "owners": "user",
    "members": "servicePrincipal",
    "deletedItems": "application",
    "ownedObjects": "application",
}
"""What a relation is cast to; others: group."""


def address(route: str) -> str | None:
    """Where a folded GET route of Graph can be asked, or None where nothing here fits."""
    method, _, path = route.partition(" ")
    family = path.split("/")[1]
    if method != "GET" or family not in FAMILIES or "(" in path or re.search("Policies|manager$", path):
        return None
    parts: list[str] = []
    for part in path.strip("/").split("/"):
        if part == "{id}":
            if parts[-1] not in KEYS:
                return None
            parts.append(KEYS[parts[-1]])
        elif part == "{type}":
            parts.append(f"microsoft.graph.{TYPES.get(parts[-1], 'group')}")
        else:
            parts.append(part)
    # The assignment is seen from the resource on one side, from the client on the other.
    return "/" + "/".join(parts).replace("<sp>/appRoleAssignedTo", "<powerbi>/appRoleAssignedTo")


def prepare(story: Story) -> None:
    """Make what the addresses name, and give the operator every application permission of Graph."""
    _grant_everything(story)
    for method, path, body, save in SETUP:
        story.do({"as": "operator", "method": method, "path": path, "json": body, "save": save})
    found = story.do({"as": "admin", "method": "GET", "path": "/v1.0/directoryRoles"})
    assert found is not None
    story.known["directory role"] = found.json()["value"][0]["id"]


def _grant_everything(story: Story) -> None:
    def grant(state: dict[str, Any]) -> None:
        graph = next(sp for sp in state["servicePrincipals"] if sp["id"] == story.known["graph"])
        for role in graph["appRoles"]:
            entry = {"id": f"every-{role['id']}", "appRoleId": role["id"], "principalId": story.known["operator"]}
            names = {"principalType": "ServicePrincipal", "principalDisplayName": "o", "resourceDisplayName": "g"}
            entry |= {"resourceId": graph["id"], "createdDateTime": "2026-01-05T09:00:00Z", **names}
            state["appRoleAssignments"].append(entry)

    story.tenant.put_state(grant)


def shape_of(address: str) -> str:
    """`count`, `object` or `list`."""
    if address.endswith("/$count"):
        return "count"
    last = address.rsplit("/", 1)[-1]
    if last.startswith("<") or re.fullmatch(r"me|\w+Policy", last):
        return "object"
    return "list"
