"""How much fits: objects of a person, of a directory, of a new directory, entries of an app; and how room comes back."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from tests.sandbox.api import graph, new_app
from tests.support.tenant import SandboxTenant

GROUP = {"mailEnabled": False, "securityEnabled": True}


def limits(sandbox: SandboxTenant, **values: int) -> None:
    sandbox.put_state(lambda state: state.setdefault("limits", {}).update(values))


def code(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"] if answer.status_code >= 400 else ""


def test_a_developers_own_objects_count_until_they_are_purged(sandbox: SandboxTenant) -> None:
    limits(sandbox, objectsPerPrincipal=2)
    developer = graph(sandbox, "developer")
    first = developer.post("/applications", {"displayName": "one"})
    developer.post("/groups", {"displayName": "g", "mailNickname": "g", **GROUP})
    assert code(developer("POST", "/applications", {"displayName": "two"})) == (403, "Directory_QuotaExceeded")
    assert {each["displayName"] for each in developer.get("/me/createdObjects")["value"]} == {"one", "g"}
    assert developer("DELETE", f"/applications/{first['id']}").status_code == 204
    assert code(developer("POST", "/applications", {"displayName": "two"})) == (403, "Directory_QuotaExceeded")
    assert developer("DELETE", f"/directory/deletedItems/{first['id']}").status_code == 204
    # What was purged counts a quarter.
    developer.post("/applications", {"displayName": "two"})
    assert code(developer("POST", "/applications", {"displayName": "three"})) == (403, "Directory_QuotaExceeded")
    graph(sandbox).post("/applications", {"displayName": "an administrator is not counted"})


def test_a_new_directory_is_small(sandbox: SandboxTenant) -> None:
    def change(state: dict[str, Any]) -> None:
        state["tenant"]["createdDateTime"] = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        state["limits"] = {"objectsOfNewTenant": 12}

    sandbox.put_state(change)
    admin = graph(sandbox)
    while (answer := admin("POST", "/applications", {"displayName": "a"})).status_code == 201:
        pass
    assert code(answer) == (403, "Directory_QuotaExceeded")
    assert "Tenant" in answer.json()["error"]["message"]
    sandbox.advance(3 * 86_400)
    graph(sandbox).post("/applications", {"displayName": "a"})


def test_an_app_holds_so_much(sandbox: SandboxTenant) -> None:
    admin = graph(sandbox)
    app = new_app(admin)
    path = f"/applications/{app.object_id}"
    assert code(admin("PATCH", path, {"tags": ["t"] * 1201})) == (403, "Directory_ResourceSizeExceeded")
    limits(sandbox, federatedCredentialsPerApplication=1)
    body = {"issuer": "https://i", "audiences": ["api://AzureADTokenExchange"]}
    fics = f"{path}/federatedIdentityCredentials"
    admin.post(fics, {**body, "name": "one", "subject": "1"})
    assert admin("POST", fics, {**body, "name": "two", "subject": "2"}).status_code == 400
