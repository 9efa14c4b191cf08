"""A capacity is paused and resumed through Azure, where a role in the subscription decides."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.support.tenant import SandboxTenant

SUBSCRIPTION = "7a1c0a9e-5b0e-4d0c-9d0a-2f6f3c8f0b11"
AZURE = "https://management.azure.com"
FABRIC_CAPACITY = "providers/Microsoft.Fabric/capacities/contosof2"


def subscribed(sandbox: SandboxTenant, *principals: str) -> None:
    roles = [{"principalId": each} for each in principals]
    azure = {"subscriptions": [{"id": SUBSCRIPTION, "displayName": "Contoso", "roleAssignments": roles}]}
    sandbox.put_state(lambda state: state.update(azure=azure))


def ask(sandbox: SandboxTenant, method: str, path: str = "", *, token: str = "") -> httpx.Response:
    bearer = {"Authorization": f"Bearer {token or sandbox.user_token('admin', AZURE)}"}
    return sandbox.http.request(method, f"/subscriptions{path}?api-version=2023-11-01", headers=bearer)


def in_group(path: str) -> str:
    return f"/{SUBSCRIPTION}/resourceGroups/bi/{path}"


def admin_of(sandbox: SandboxTenant) -> dict[str, Any]:
    return next(each for each in sandbox.state()["users"] if each["displayName"] == "Alex Admin")


def test_who_has_a_role_pauses_and_resumes_the_capacity(sandbox: SandboxTenant) -> None:
    subscribed(sandbox, admin_of(sandbox)["id"])
    assert [each["subscriptionId"] for each in ask(sandbox, "GET").json()["value"]] == [SUBSCRIPTION]
    for verb, state in (("suspend", "Inactive"), ("resume", "Active")):
        assert ask(sandbox, "POST", in_group(f"{FABRIC_CAPACITY}/{verb}")).status_code == 202
        assert sandbox.state()["capacities"][0]["state"] == state


def test_a_fabric_administrator_without_a_role_in_azure_may_not(sandbox: SandboxTenant) -> None:
    subscribed(sandbox)
    assert ask(sandbox, "GET").json()["value"] == []
    refused = ask(sandbox, "POST", in_group(f"{FABRIC_CAPACITY}/suspend"))
    assert refused.status_code == 403
    error = refused.json()["error"]
    assert error["code"] == "AuthorizationFailed"
    assert f"The client 'admin@{sandbox.domain}' with object id '{admin_of(sandbox)['id']}'" in error["message"]
    assert "'Microsoft.Fabric/capacities/suspend/action'" in error["message"]
    assert sandbox.state()["capacities"][0]["state"] == "Active"


def test_an_app_is_called_by_its_object_id_in_both_places(sandbox: SandboxTenant) -> None:
    subscribed(sandbox)
    refused = ask(sandbox, "GET", in_group(FABRIC_CAPACITY), token=sandbox.operator_token(AZURE))
    message = refused.json()["error"]["message"]
    assert "'Microsoft.Fabric/capacities/read'" in message
    client, object_id = message.split("'")[1], message.split("'")[3]
    assert client == object_id != sandbox.operator_id


@pytest.mark.parametrize(
    ("path", "code"),
    [
        (f"/{SUBSCRIPTION}/resourceGroups/bi/providers/Microsoft.Fabric/capacities/other/suspend", "ResourceNotFound"),
        # An F capacity is not Power BI Embedded's.
        (in_group("providers/Microsoft.PowerBIDedicated/capacities/contosof2/suspend"), "ResourceNotFound"),
        (in_group(f"{FABRIC_CAPACITY}/explode"), "ResourceNotFound"),
        (in_group("providers"), "ResourceNotFound"),
        ("/7a1c0a9e-5b0e-4d0c-9d0a-000000000000/resourceGroups/bi", "SubscriptionNotFound"),
        ("/not-a-guid", "InvalidSubscriptionId"),
    ],
)
def test_what_is_not_there(sandbox: SandboxTenant, path: str, code: str) -> None:
    subscribed(sandbox, admin_of(sandbox)["id"])
    assert ask(sandbox, "POST", path).json()["error"]["code"] == code


@pytest.mark.parametrize(
    "azure",
    [
        [],
        {"subscriptions": {}},
        {"subscriptions": [{"displayName": "without id"}]},
        {"subscriptions": [{"id": SUBSCRIPTION, "roleAssignments": [{"role": "Owner"}]}]},
        {"subscriptions": [{"id": 7}]},
    ],
)
def test_a_state_that_cannot_be_is_refused_in_words(sandbox: SandboxTenant, azure: Any) -> None:
    state = {**sandbox.state(), "azure": azure}
    refused = sandbox.http.put("/_sandbox/state", json=state)
    assert refused.status_code == 400
    assert "azure" in refused.json()["error"]
