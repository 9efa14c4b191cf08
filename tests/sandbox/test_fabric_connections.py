"""Connections and their shares, gateways, capacities and policies of a workspace, as an app that deploys meets them."""

from __future__ import annotations

import base64
import json
import uuid
from typing import Any

import pytest

from tests.sandbox.test_fabric_items import Team
from tests.support.tenant import SandboxTenant, State

WAREHOUSE = "3c7f1f5e-6b1e-4f7e-9d35-1f3f6f1c2a11"


def connection(owner: str, id_: str = WAREHOUSE) -> dict[str, Any]:
    return {
        "id": id_,
        "displayName": "warehouse",
        "connectivityType": "ShareableCloud",
        "connectionDetails": {"type": "SQL", "path": "host;sales"},
        "privacyLevel": "Organizational",
        "roleAssignments": [{"id": owner, "principal": {"id": owner, "type": "User"}, "role": "Owner"}],
    }


def pipeline(connection_id: str) -> dict[str, Any]:
    text = json.dumps({"properties": {"activities": [{"externalReferences": {"connection": connection_id}}]}})
    payload = base64.b64encode(text.encode()).decode()
    part = {"path": "pipeline-content.json", "payload": payload, "payloadType": "InlineBase64"}
    return {"type": "DataPipeline", "displayName": "load", "definition": {"parts": [part]}}


@pytest.fixture
def team(sandbox: SandboxTenant) -> Team:
    return Team(sandbox, role="Admin")


def own(team: Team) -> str:
    """The developer's object id, who owns the warehouse's connection."""
    found = ""

    def put(state: State) -> None:
        nonlocal found
        found = next(u["id"] for u in state["users"] if u["displayName"] == "Dana Developer")
        state.setdefault("connections", []).append(connection(found))

    team.sandbox.put_state(put)
    return found


def test_a_pipeline_is_refused_until_its_connection_is_shared(team: Team) -> None:
    own(team)
    assert team.ok("GET", "/v1/connections") == {"value": []}
    assert team.refused("GET", f"/v1/connections/{WAREHOUSE}") == (404, "EntityNotFound")
    refused = team.call("POST", "/items", pipeline(WAREHOUSE))
    assert refused.status_code == 400
    assert refused.json()["message"].startswith("User does not have access to the connection used in the Pipeline")
    assert team.refused("POST", "/items", pipeline(str(uuid.uuid4()))) == (400, "RequestValidationFailed")

    def share(state: State) -> None:
        principal = {"id": team.app, "type": "ServicePrincipal"}
        entries = next(each for each in state["connections"] if each["id"] == WAREHOUSE)["roleAssignments"]
        entries.append({"id": team.app, "principal": principal, "role": "User"})

    team.sandbox.put_state(share)
    assert [each["id"] for each in team.ok("GET", "/v1/connections")["value"]] == [WAREHOUSE]
    made = team.ok("POST", "/items", pipeline(WAREHOUSE))
    used = team.ok("GET", f"/items/{made['id']}/connections")["value"]
    assert [(each["id"], each["displayName"]) for each in used] == [(WAREHOUSE, "warehouse")]
    another = {"definition": pipeline(str(uuid.uuid4()))["definition"]}
    assert team.refused("POST", f"/items/{made['id']}/updateDefinition", another) == (400, "RequestValidationFailed")


def test_a_share_by_a_group_counts(team: Team) -> None:
    own(team)

    def share(state: State) -> None:
        group = {"id": str(uuid.uuid4()), "displayName": "deployers", "members": [team.app], "securityEnabled": True}
        state["groups"].append(group)
        principal = {"id": group["id"], "type": "Group"}
        state["connections"][-1]["roleAssignments"].append({"principal": principal, "role": "UserWithReshare"})

    team.sandbox.put_state(share)
    assert team.ok("GET", f"/v1/connections/{WAREHOUSE}")["displayName"] == "warehouse"


def test_a_connections_life(team: Team, sandbox: SandboxTenant) -> None:
    wanted = {
        "connectivityType": "ShareableCloud",
        "displayName": "blob",
        "connectionDetails": {
            "type": "AzureBlobs",
            "parameters": [
                {"name": "account", "dataType": "Text", "value": "contoso"},
                {"name": "domain", "dataType": "Text", "value": "blob.core.windows.net"},
            ],
        },
        "privacyLevel": "Organizational",
        "credentialDetails": {"credentials": {"credentialType": "Key", "key": "very secret"}},
    }
    answer = team.call("POST", "/v1/connections", wanted)
    assert answer.status_code == 201
    made = answer.json()
    assert answer.headers["Location"].endswith(f"/v1/connections/{made['id']}")
    assert made["connectionDetails"] == {"type": "AzureBlobs", "path": "contoso;blob.core.windows.net"}
    assert made["credentialDetails"]["credentialType"] == "Key"
    assert "very secret" not in json.dumps(sandbox.state())
    path = f"/v1/connections/{made['id']}"
    developer = next(u["id"] for u in sandbox.state()["users"] if u["displayName"] == "Dana Developer")
    share = {"principal": {"id": developer, "type": "User"}, "role": "User"}
    assert team.call("POST", f"{path}/roleAssignments", share).status_code == 201
    one = f"{path}/roleAssignments/{developer}"
    assert team.ok("PATCH", one, {"role": "Owner"})["role"] == "Owner"
    assert [each["role"] for each in team.ok("GET", f"{path}/roleAssignments")["value"]] == ["Owner", "Owner"]
    assert team.call("DELETE", one).status_code == 200
    assert team.refused("GET", one) == (404, "EntityNotFound")
    change = {"connectivityType": "ShareableCloud", "displayName": "blobs", "privacyLevel": "Private"}
    assert team.ok("PATCH", path, change)["displayName"] == "blobs"
    assert team.call("DELETE", path).status_code == 200
    assert team.refused("GET", path) == (404, "EntityNotFound")


def test_making_connections_takes_a_setting_of_its_own(team: Team, sandbox: SandboxTenant) -> None:
    def switch_off(state: State) -> None:
        found = next(s for s in state["tenantSettings"] if s["settingName"] == "ServicePrincipalAccessGlobalAPIs")
        found["enabled"] = False

    sandbox.put_state(switch_off)
    assert team.refused("POST", "/v1/connections", {}) == (403, "FeatureNotAvailable")
    assert team.call("GET", "/v1/connections").status_code == 200
    types = team.ok("GET", "/v1/connections/supportedConnectionTypes")["value"]
    assert "SQL" in [each["type"] for each in types]


def test_a_gateway_is_shown_to_those_who_have_a_right_there(team: Team, sandbox: SandboxTenant) -> None:
    mine, shared, other = (str(uuid.uuid4()) for _ in range(3))

    def put(state: State) -> None:
        right = {"principal": {"id": team.app, "type": "ServicePrincipal"}, "role": "ConnectionCreator"}
        state["gateways"] = [
            {"id": mine, "name": "on premises", "admins": [team.app]},
            {"id": shared, "type": "VirtualNetwork", "displayName": "network", "roleAssignments": [right]},
            {"id": other, "name": "another's"},
        ]

    sandbox.put_state(put)
    listed = team.ok("GET", "/v1/gateways")["value"]
    assert [(each["type"], each["displayName"]) for each in listed] == [
        ("OnPremises", "on premises"), ("VirtualNetwork", "network"),
    ]  # fmt: skip
    assert team.ok("GET", f"/v1/gateways/{mine}")["id"] == mine
    assert team.refused("GET", f"/v1/gateways/{other}") == (404, "EntityNotFound")


def test_a_workspace_is_moved_to_a_capacity_that_one_may_use(team: Team, sandbox: SandboxTenant) -> None:
    capacity = sandbox.state()["capacities"][0]["id"]
    assert team.call("POST", "/unassignFromCapacity").status_code == 202
    assert team.ok("GET", "")["capacityAssignmentProgress"] == "Completed"
    assert "capacityId" not in team.ok("GET", "")
    refused = team.refused("POST", "/assignToCapacity", {"capacityId": capacity})
    assert refused == (403, "InsufficientPermissionsOverCapacity")
    assert team.refused("GET", f"/v1/capacities/{capacity}") == (404, "CapacityNotFound")
    sandbox.put_state(lambda state: state["capacities"][0].update(contributors=[team.app]))
    answer = team.call("POST", "/assignToCapacity", {"capacityId": capacity})
    assert (answer.status_code, answer.content, answer.headers["Content-Type"]) == (
        202,
        b"",
        "application/octet-stream",
    )
    assert team.ok("GET", "")["capacityId"] == capacity
    sandbox.put_state(lambda state: state["capacities"][0].update(state="Suspended"))
    assert team.ok("GET", f"/v1/capacities/{capacity}")["state"] == "Inactive"
    assert team.refused("POST", "/lakehouses", {"displayName": "x"}) == (404, "CapacityNotActive")


def test_a_workspace_that_shuts_its_door_can_open_it_again(team: Team) -> None:
    policy = "/networking/communicationPolicy"
    open_ = team.call("GET", policy)
    assert open_.json()["inbound"] == {"publicAccessRules": {"defaultAction": "Allow"}}
    rules = {"publicAccessRules": {"defaultAction": "Deny"}}
    shut = team.call("PUT", policy, {"inbound": rules})
    assert shut.status_code == 200
    assert shut.headers["ETag"] != open_.headers["ETag"]
    assert team.refused("GET", "/items") == (403, "RequestDeniedByInboundPolicy")
    assert team.refused("GET", "") == (403, "RequestDeniedByInboundPolicy")
    assert team.ok("GET", policy)["inbound"] == rules
    assert team.call("PUT", policy, {}).status_code == 200
    assert team.call("GET", "/items").status_code == 200
    assert team.refused("PUT", policy, {"inbound": {"publicAccessRules": {"defaultAction": "Maybe"}}})[0] == 400


def test_a_workspace_gets_an_identity_in_the_directory(team: Team, sandbox: SandboxTenant) -> None:
    begun = team.call("POST", "/provisionIdentity")
    assert (begun.status_code, begun.headers["Retry-After"]) == (202, "5")
    identity = team.call("GET", f"/v1/operations/{begun.headers['x-ms-operation-id']}/result").json()
    principals = {each["id"]: each["appId"] for each in sandbox.state()["servicePrincipals"]}
    assert principals[identity["servicePrincipalId"]] == identity["applicationId"]
    assert team.ok("GET", "")["workspaceIdentity"] == identity
    assert team.ok("POST", "/deprovisionIdentity") is None
    assert identity["servicePrincipalId"] not in [each["id"] for each in sandbox.state()["servicePrincipals"]]


def test_a_workspace_is_renamed_by_its_admins(team: Team) -> None:
    assert team.ok("PATCH", "", {"displayName": "Reports", "description": "of all"})["displayName"] == "Reports"
    assert team.refused("PATCH", "", {"displayName": "reports prod"}) == (409, "WorkspaceNameAlreadyExists")
    assert team.ok("PATCH", "", {"description": ""})["description"] == ""
