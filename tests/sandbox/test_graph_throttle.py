"""Throttling as weather: who asks too much is told so, in the service's own headers."""

from __future__ import annotations

import pytest

from tests.sandbox.api import graph, operator_graph
from tests.support.tenant import SandboxTenant


def throttle(sandbox: SandboxTenant, units: float) -> None:
    sandbox.put_state(lambda state: state["weather"].update(graph_throttle=units))


def test_off_unless_asked_for(sandbox: SandboxTenant) -> None:
    admin = graph(sandbox)
    for _ in range(30):
        answer = admin("GET", "/users")
        assert (answer.status_code, answer.headers["x-ms-resource-unit"]) == (200, "2")
        assert "x-ms-throttle-limit-percentage" not in answer.headers


@pytest.mark.parametrize(
    ("path", "units"),
    [
        ("/applications", 2),
        ("/applications?$select=id", 1),
        ("/applications?$expand=owners", 3),
        ("/applications?$select=id&$top=5", 1),
        ("/me", 1),
        ("/me/memberOf", 2),
        ("/oauth2PermissionGrants", 2),
        ("/organization", 1),
    ],
)
def test_what_a_request_costs(sandbox: SandboxTenant, path: str, units: int) -> None:
    assert graph(sandbox)("GET", path).headers["x-ms-resource-unit"] == str(units)


def test_a_quota_that_is_used_up_and_comes_back(sandbox: SandboxTenant) -> None:
    throttle(sandbox, 4)
    admin = graph(sandbox)
    seen = [admin("GET", "/users") for _ in range(3)]
    assert [each.status_code for each in seen] == [200, 200, 429]
    assert "x-ms-throttle-limit-percentage" not in seen[0].headers
    assert 0.8 <= float(seen[1].headers["x-ms-throttle-limit-percentage"]) <= 1.8
    refused = seen[-1]
    assert refused.json()["error"]["code"] == "TooManyRequests"
    scope, limit, app, tenant = refused.headers["x-ms-throttle-scope"].split("/")
    assert (scope, limit, tenant) == ("Tenant_Application", "ReadWrite", sandbox.tenant)
    assert refused.headers["x-ms-throttle-information"] == "ResourceUnitLimitExceeded"
    # Another app has its own quota.
    assert operator_graph(sandbox)("GET", "/users").status_code == 200
    assert app != sandbox.operator_id
    sandbox.advance(int(refused.headers["retry-after"]))
    assert admin("GET", "/users").status_code == 200


def test_writes_have_a_quota_of_their_own(sandbox: SandboxTenant) -> None:
    throttle(sandbox, 3.5)  # 3 writes in 150 seconds
    operator = operator_graph(sandbox)
    for n in range(3):
        assert operator("POST", "/applications", {"displayName": f"w{n}"}).status_code == 201
    refused = operator("POST", "/applications", {"displayName": "w3"})
    assert refused.status_code == 429
    assert refused.headers["x-ms-throttle-information"] == "WriteLimitExceeded"
    assert refused.headers["x-ms-throttle-scope"].split("/")[1] == "Write"
    wait = int(refused.headers["retry-after"])
    assert 1 < wait <= 50
    assert len(graph(sandbox).get("/applications")["value"]) == 4
    sandbox.advance(wait)
    assert operator("POST", "/applications", {"displayName": "w3"}).status_code == 201


def test_in_a_batch_each_request_counts(sandbox: SandboxTenant) -> None:
    throttle(sandbox, 4)
    requests = [{"id": str(n), "method": "GET", "url": "/users"} for n in range(3)]
    found = graph(sandbox).post("/$batch", {"requests": requests}, 200)["responses"]
    assert [each["status"] for each in found] == [200, 200, 429]
    assert int(found[2]["headers"]["Retry-After"]) >= 1


def test_conditional_access_says_no_time(sandbox: SandboxTenant) -> None:
    """One request a second, and no Retry-After."""
    throttle(sandbox, 3500)
    operator = operator_graph(sandbox)
    requests = [{"id": str(n), "method": "GET", "url": "/identity/conditionalAccess/policies"} for n in range(2)]
    first, second = operator.post("/$batch", {"requests": requests}, 200)["responses"]
    assert first["status"] != 429
    assert second["status"] == 429
    assert "Retry-After" not in second["headers"]
    sandbox.advance(1)
    assert operator("GET", "/identity/conditionalAccess/policies").status_code != 429
