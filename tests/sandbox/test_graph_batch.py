"""`$batch`: many requests in one, each with its own answer."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.sandbox.api import Api, graph, new_app
from tests.support.tenant import SandboxTenant

JSON = {"Content-Type": "application/json"}
MINIMAL = "application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8"


def ask(api: Api, *requests: dict[str, Any]) -> list[dict[str, Any]]:
    return list(api.post("/$batch", {"requests": list(requests)}, 200)["responses"])


def get(id_: str, url: str, **more: Any) -> dict[str, Any]:
    return {"id": id_, "method": "GET", "url": url, **more}


@pytest.mark.parametrize("version", ["v1.0", "beta"])
def test_each_request_has_its_own_answer(sandbox: SandboxTenant, version: str) -> None:
    admin = Api(sandbox, graph(sandbox).token, f"/{version}")
    made = graph(sandbox).post("/applications", {"displayName": "batched"})
    found = ask(
        admin,
        get("a", "/me?$select=displayName"),
        get("B", "applications?$filter=appId eq '" + made["appId"] + "'&$select=id"),
        {"id": "c", "method": "PATCH", "url": f"/applications/{made['id']}", "headers": JSON, "body": {"notes": "n"}},
        get("d", "/applications/nobody"),
        get("e", "/users/$count", headers={"ConsistencyLevel": "eventual"}),
        get("f", "/users/$count"),
        get("g", "/v1.0/me"),
    )
    assert [(each["id"], each["status"]) for each in found] == [
        ("a", 200), ("B", 200), ("c", 204), ("d", 404), ("e", 200), ("f", 400), ("g", 400),
    ]  # fmt: skip
    by_id = {each["id"]: each for each in found}
    assert by_id["a"]["body"]["displayName"] == "Alex Admin"
    assert by_id["a"]["headers"] == {
        "Cache-Control": "no-cache",
        "Content-Type": MINIMAL,
        "OData-Version": "4.0",
        "x-ms-resource-unit": "1",
    }
    assert by_id["B"]["body"]["value"] == [{"id": made["id"]}]
    assert "body" not in by_id["c"]
    assert by_id["d"]["headers"]["Content-Type"] == "application/json"
    assert by_id["d"]["body"]["error"]["code"] == "Request_ResourceNotFound"
    # ConsistencyLevel of a part is in the part.
    assert by_id["f"]["body"]["error"]["message"] == "$count is not currently supported."
    assert "'v1.0'" in by_id["g"]["body"]["error"]["message"]
    assert graph(sandbox).get(f"/applications/{made['id']}")["notes"] == "n"


def test_who_depends_on_a_failure_is_not_run(sandbox: SandboxTenant) -> None:
    admin = graph(sandbox)
    body = {"displayName": "one after the other"}
    found = ask(
        admin,
        {"id": "1", "method": "POST", "url": "/applications", "headers": JSON, "body": body},
        get("2", "/applications?$filter=displayName eq 'one after the other'", dependsOn=["1"]),
        get("3", "/applications/nobody", dependsOn=["2"]),
        {"id": "4", "method": "POST", "url": "/applications", "headers": JSON, "body": body, "dependsOn": ["3"]},
        get("5", "/me", dependsOn=["4"]),
        get("6", "/me"),
    )
    assert [each["status"] for each in found] == [201, 200, 404, 424, 424, 200]
    assert found[0]["headers"]["Content-Type"] == MINIMAL
    assert len(found[1]["body"]["value"]) == 1
    assert len(admin.get("/applications?$filter=displayName eq 'one after the other'")["value"]) == 1


def test_a_part_has_the_rights_of_its_sender_and_is_logged(sandbox: SandboxTenant) -> None:
    developer = graph(sandbox, "developer")
    app = new_app(graph(sandbox))
    sandbox.clear_requests()
    sandbox.faults({"match": {"method": "GET", "path": "/users$"}, "times": 1, "status": 503, "body": {"error": {}}})
    found = ask(
        developer,
        {"id": "1", "method": "DELETE", "url": f"/applications/{app.object_id}"},
        get("2", "/users", headers={"Authorization": "Bearer nothing"}),
        get("3", "/users"),
    )
    assert [each["status"] for each in found] == [403, 503, 200]
    assert {"request-id", "client-request-id"}.isdisjoint(found[0]["headers"])
    logged = [(each["method"], each["path"], each["status"]) for each in sandbox.requests()]
    assert logged == [
        ("POST", "/v1.0/$batch", 200),
        ("DELETE", f"/v1.0/applications/{app.object_id}", 403),
        ("GET", "/v1.0/users", 503),
        ("GET", "/v1.0/users", 200),
    ]
    assert sandbox.http.post("/v1.0/$batch", json={"requests": [get("1", "/me")]}).status_code == 401


def test_a_batch_stays_with_graph(sandbox: SandboxTenant) -> None:
    """On loopback the same address serves Power BI and Fabric, but a batch does not reach them."""
    found = ask(graph(sandbox), get("1", "/myorg/groups"), get("2", "/../v1/workspaces"), get("3", "/_sandbox/state"))
    assert [each["status"] for each in found] == [400, 400, 400]
    assert sandbox.state()["tenant"]["domain"] not in json.dumps(found)


@pytest.mark.parametrize(
    ("requests", "part"),
    [
        ([get("1", "/me"), get("1", "/me")], "Request Id 1 has to be unique"),
        ([get("A", "/me"), get("a", "/me")], "Request Id a has to be unique"),
        ([get(str(n), "/me") for n in range(21)], "exceed the limit"),
        ([], "Invalid batch payload format."),
        (None, "Invalid batch payload format."),
        ({"1": get("1", "/me")}, "Invalid batch payload format."),
        ([get("1", "/me", dependsOn=["2"]), get("2", "/me")], "Invalid dependency for request Id 1"),
        ([get("1", "/me", dependsOn=["1"])], "Invalid dependency for request Id 1"),
        ([get("1", "https://graph.microsoft.com/v1.0/me")], "Invalid batch payload format."),
        ([{"id": "1", "method": "BREW", "url": "/me"}], "Invalid batch payload format."),
        ([{"id": 1, "method": "GET", "url": "/me"}], "Invalid batch payload format."),
        ([{"id": "1", "method": "POST", "url": "/groups", "body": {}}], "Write request id : 1"),
        ([{"id": "1", "method": "POST", "url": "/groups", "headers": JSON}], "Write request id : 1"),
    ],
)
def test_a_malformed_batch_is_refused_as_a_whole(sandbox: SandboxTenant, requests: Any, part: str) -> None:
    admin = graph(sandbox)
    sandbox.clear_requests()
    answer = admin("POST", "/$batch", {"requests": requests})
    assert answer.status_code == 400
    assert part in answer.json()["error"]["message"]
    assert len(sandbox.requests()) == 1


value = st.none() | st.booleans() | st.integers() | st.text(max_size=10)
part = st.fixed_dictionaries(
    {"id": st.sampled_from(["1", "2", "3"]) | value, "method": st.sampled_from(["GET", "POST", "PATCH"]) | value},
    optional={
        "url": st.sampled_from(["/me", "users?$top=1", "/$batch", "//", "?", "/groups/%2e%2e", "[::1"]) | value,
        "headers": st.dictionaries(st.sampled_from(["Content-Type", "ConsistencyLevel", "Accept", "é"]), value) | value,
        "body": value | st.dictionaries(st.sampled_from(["displayName", "owners@odata.bind"]), value),
        "dependsOn": st.lists(st.sampled_from(["1", "2"]), max_size=2) | value,
    },
)


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(requests=st.lists(part, max_size=4) | value)
def test_no_batch_is_a_crash(sandbox: SandboxTenant, requests: Any) -> None:
    global _TOKEN  # noqa: PLW0603 - one token for all examples
    if _TOKEN[:1] != (sandbox.tenant,):
        _TOKEN = (sandbox.tenant, graph(sandbox).token)
    answer = Api(sandbox, _TOKEN[1], "/v1.0")("POST", "/$batch", {"requests": requests})
    assert answer.status_code in (200, 400)
    if answer.status_code == 200:
        assert all(each["status"] < 500 for each in answer.json()["responses"])


_TOKEN: tuple[str, ...] = ()
