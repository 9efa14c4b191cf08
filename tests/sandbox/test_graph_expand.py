"""`$expand`: what is related to an object, inside the object."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.api import GRAPH_APP, Api, graph, new_app
from tests.support.tenant import SandboxTenant

EVENTUAL = {"ConsistencyLevel": "eventual"}
GROUP = {"mailEnabled": False, "securityEnabled": True}


def link(id_: str) -> dict[str, str]:
    return {"@odata.id": f"https://graph.microsoft.com/v1.0/directoryObjects/{id_}"}


def test_owners_of_apps(sandbox: SandboxTenant) -> None:
    admin = graph(sandbox)
    app = new_app(admin)
    assert admin("POST", f"/applications/{app.object_id}/owners/$ref", link(admin.get("/me")["id"])).status_code == 204
    one = admin.get(f"/applications/{app.object_id}?$expand=owners($select=displayName)&$select=appId")
    assert one["@odata.context"].endswith("#applications(appId,owners(displayName))/$entity")
    assert one["owners"] == [{"@odata.type": "#microsoft.graph.user", "displayName": "Alex Admin"}]
    assert one["appId"] == app.client_id
    assert "displayName" not in one
    page = admin.get(f"/applications?$expand=owners&$filter=appId eq '{app.client_id}'")
    assert page["@odata.context"].endswith("#applications(owners())")
    (owner,) = page["value"][0]["owners"]
    assert owner["userPrincipalName"].startswith("admin@")
    assert "accountEnabled" not in owner  # as a user without $select
    # By the other keys too.
    assert len(admin.get(f"/applications(appId='{app.client_id}')?$expand=owners")["owners"]) == 1
    assert admin.get(f"/servicePrincipals/{app.principal_id}?$expand=owners")["owners"] == []


def test_members_are_cut_at_twenty(sandbox: SandboxTenant) -> None:
    admin = graph(sandbox)
    group = admin.post("/groups", {"displayName": "many", "mailNickname": "many", **GROUP})["id"]

    def crowd(state: dict[str, Any]) -> None:
        users = [
            {"id": f"00000000-0000-0000-0000-{n:012}", "userPrincipalName": f"u{n}@x", "displayName": f"u{n}"}
            for n in range(25)
        ]
        state["users"] += users
        next(g for g in state["groups"] if g["id"] == group)["members"] = [u["id"] for u in users]

    sandbox.put_state(crowd)
    found = admin.get(f"/groups/{group}?$expand=members($select=id)")
    assert len(found["members"]) == 20
    assert not [key for key in found if "nextLink" in key]
    assert len(admin.get(f"/groups/{group}/members")["value"]) == 25


def test_grants_credentials_and_groups(sandbox: SandboxTenant) -> None:
    admin = graph(sandbox)
    app = new_app(admin)
    credential = {"name": "main", "issuer": "https://i", "subject": "s", "audiences": ["api://AzureADTokenExchange"]}
    admin.post(f"/applications/{app.object_id}/federatedIdentityCredentials", credential)
    shown = admin.get(f"/applications/{app.object_id}?$expand=federatedIdentityCredentials")
    assert [each["name"] for each in shown["federatedIdentityCredentials"]] == ["main"]
    group = admin.post("/groups", {"displayName": "g", "mailNickname": "g", **GROUP, "members@odata.bind": []})["id"]
    assert admin("POST", f"/groups/{group}/members/$ref", link(app.principal_id)).status_code == 204
    principal = admin.get(f"/servicePrincipals/{app.principal_id}?$expand=memberOf")
    assert [each["@odata.type"] for each in principal["memberOf"]] == ["#microsoft.graph.group"]
    resource = admin.get(f"/servicePrincipals(appId='{GRAPH_APP}')?$expand=appRoleAssignedTo")
    assert {each["principalDisplayName"] for each in resource["appRoleAssignedTo"]} == {"Sandbox operator"}
    chosen = admin.get(f"/servicePrincipals(appId='{GRAPH_APP}')?$expand=appRoleAssignedTo($select=principalType)")
    assert {tuple(each) for each in chosen["appRoleAssignedTo"]} == {("principalType",)}


def test_levels_of_managers(sandbox: SandboxTenant) -> None:
    admin = graph(sandbox)
    ids = {u["userPrincipalName"].partition("@")[0]: u["id"] for u in admin.get("/users")["value"]}

    def lead(state: dict[str, Any]) -> None:
        for user in state["users"]:
            name = user["userPrincipalName"].partition("@")[0]
            user["manager"] = {"developer": ids["fabricadmin"], "fabricadmin": ids["admin"]}.get(name)

    sandbox.put_state(lead)
    path = f"/users/{ids['developer']}?$select=displayName&$expand=manager"
    assert admin.get(path)["manager"]["displayName"] == "Fay Fabric"
    assert "manager" not in admin.get(path)["manager"]
    found = admin.get(f"{path}($levels=max;$select=displayName)")
    assert found["manager"]["manager"]["displayName"] == "Alex Admin"
    assert "manager" not in admin.get(f"/users/{ids['admin']}?$expand=manager")


@pytest.mark.parametrize(
    ("query", "part"),
    [
        ("$expand=owners,federatedIdentityCredentials", "contained at least 2 items, but the maximum allowed is 1."),
        ("$expand=displayName", "'displayName' on type 'microsoft.graph.application' is not a navigation property"),
        ("$expand=colour", "Could not find a property named 'colour'"),
        ("$expand=owners($top=5)", "Invalid $top properties."),
        ("$expand=owners($levels=2)", "Invalid $levels properties."),
        ("$expand=owners(", "is not valid in a $select or $expand expression."),
        ("$expand=owners($select=)", "is not valid in a $select or $expand expression."),
        ("$expand=federatedIdentityCredentials)", "is not valid in a $select or $expand expression."),
    ],
)
def test_what_cannot_be_expanded(sandbox: SandboxTenant, query: str, part: str) -> None:
    answer = graph(sandbox)("GET", f"/applications?{query}")
    assert answer.status_code == 400
    assert part in answer.json()["error"]["message"]


def test_not_with_an_advanced_query(sandbox: SandboxTenant) -> None:
    admin = graph(sandbox)
    query = "/applications?$expand=owners&$count=true&$filter=displayName ne 'x'"
    assert admin("GET", query, **EVENTUAL).json()["error"]["code"] == "Request_UnsupportedQuery"
    assert admin("GET", "/me/memberOf?$expand=members").status_code == 400


def test_expanding_asks_for_the_right_to_read_it(sandbox: SandboxTenant) -> None:
    """Roles of others may be read by who may read apps; an app that owns nothing has no such right here."""
    admin = graph(sandbox)
    app = new_app(admin)
    resource = admin.get(f"/servicePrincipals(appId='{GRAPH_APP}')")
    role = next(each["id"] for each in resource["appRoles"] if each["value"] == "Group.ReadWrite.All")
    body = {"principalId": app.principal_id, "resourceId": resource["id"], "appRoleId": role}
    admin.post(f"/servicePrincipals/{resource['id']}/appRoleAssignedTo", body)
    group = admin.post("/groups", {"displayName": "g", "mailNickname": "g", **GROUP})["id"]
    robot = Api(sandbox, sandbox.app_token(app.client_id, app.secret, "https://graph.microsoft.com"), "/v1.0")
    assert robot.get(f"/groups/{group}?$expand=members")["members"] == []
    assert robot("GET", f"/groups/{group}?$expand=appRoleAssignments").status_code == 403
