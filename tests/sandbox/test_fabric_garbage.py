"""Bodies that are nearly right, sent to every Fabric route by somebody who may: the answer is Fabric's own."""

from __future__ import annotations

import json
import re
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from pbisetup.sandbox import fabric
from tests.sandbox.inprocess import Inside
from tests.sandbox.test_fabric_causes import SCOPES, pipeline, wanted_connection

NAMES = (
    "displayName", "description", "type", "folderId", "parentFolderId", "targetFolderId", "definition", "parts", "path",
    "payload", "payloadType", "capacityId", "connectivityType", "connectionDetails", "parameters", "name", "value",
    "credentialDetails", "credentials", "credentialType", "privacyLevel", "principal", "id", "role", "inbound", "outbound",
    "publicAccessRules", "defaultAction", "enabled", "enabledSecurityGroups", "properties", "graphId",
)  # fmt: skip
WORDS = (
    "Notebook", "Lakehouse", "SemanticModel", "InlineBase64", "eyJhIjpbXX0=", "ShareableCloud", "SQL", "server", "Basic",
    "Admin", "Owner", "User", "Deny", "", " ", "é" * 300, "\x00", "00000000-0000-0000-0000-000000000000",
)  # fmt: skip
scalar = st.sampled_from(WORDS) | st.none() | st.booleans() | st.integers(-(10**20), 10**20) | st.text(max_size=5)
value = st.recursive(
    scalar,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=6),
    max_leaves=10,
)
body = st.dictionaries(st.sampled_from(NAMES), value, max_size=6) | value
query = st.dictionaries(
    st.sampled_from(["type", "recursive", "rootFolderId", "continuationToken", "hardDelete", "updateMetadata", "name"]),
    st.sampled_from(WORDS),
    max_size=2,
)


def furnished() -> tuple[Inside, dict[str, str], str]:
    """A tenant with one of everything, what the placeholders mean there, and its administrator's token."""
    inside = Inside()
    inside.tenant.section("limits").update({route.path: 10**9 for route in fabric.carried})
    token = inside.token("fabric", inside.user("admin")["id"], scp=SCOPES)
    workspace = next(iter(inside.tenant.workspaces))
    root = f"/v1/workspaces/{workspace['id']}"
    item = inside.call("fabric", "POST", f"{root}/dataPipelines", token, {"displayName": "load"}).body["id"]
    folder = inside.call("fabric", "POST", f"{root}/folders", token, {"displayName": "a"}).body["id"]
    link = inside.call("fabric", "POST", "/v1/connections", token, wanted_connection()).body["id"]
    again = {"displayName": "again", **pipeline(link)}
    inside.call("fabric", "POST", f"{root}/dataPipelines", token, again)
    begun = inside.call("fabric", "POST", f"{root}/warehouses", token, {"displayName": "w"}).headers[
        "x-ms-operation-id"
    ]
    me = inside.user("admin")["id"]
    ids = {
        "workspaceId": workspace["id"], "folderId": folder, "connectionId": link, "connectionRoleAssignmentId": me,
        "workspaceRoleAssignmentId": me, "operationId": begun, "userId": me, "tenantSettingName": "Embedding",
        "capacityId": next(iter(inside.tenant.capacities))["id"], "gatewayId": me,
    }  # fmt: skip
    return inside, {**ids, "*": item}, token


@settings(max_examples=600, deadline=None)
@given(st.sampled_from(fabric.carried), body, query)
def test_a_body_that_is_nearly_right(route: Any, given: Any, asked: dict[str, str]) -> None:
    inside, ids, token = TENANT[0]
    inside.tenant.section("rates").clear()
    path = re.sub(r"\{(\w+)\}", lambda found: ids.get(found[1], ids["*"]), route.path)
    answer = inside.call("fabric", route.method, path, token, given, asked)
    assert answer.status < 500, (path, answer)
    json.dumps(answer.body)
    inside.tenant.text().encode()
    if answer.status < 300 and route.method != "GET":
        TENANT[0] = furnished()


TENANT = [furnished()]
