"""Replication lag, operation by operation: what fails just after a create, with which text, and what works at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from pbisetup.sandbox.graph.lag import SYMPTOMS
from pbisetup.sandbox.wire import Reply
from tests.sandbox.inprocess import Inside
from tests.support.tenant import SandboxTenant

SCOPES = (
    "Application.ReadWrite.All AppRoleAssignment.ReadWrite.All DelegatedPermissionGrant.ReadWrite.All "
    "Directory.ReadWrite.All Group.ReadWrite.All"
)
POWER_BI = "00000009-0000-0000-c000-000000000000"
TENANT_READ_ALL = "654b31ae-d941-4e22-8798-7add8fdf049f"


class Lagging(Inside):
    """A tenant with a minute of lag and one app, its service principal and a group, all just made."""

    def __init__(self) -> None:
        super().__init__()
        self.app = self.send("POST", "/applications", {"displayName": "a"}).body
        self.service = self.send("POST", "/servicePrincipals", {"appId": self.app["appId"]}).body
        blank = {"mailEnabled": False, "securityEnabled": True}
        self.group = self.send("POST", "/groups", {"displayName": "g", "mailNickname": "g", **blank}).body
        self.old_group = self.add_group()
        resource = self.tenant.servicePrincipals.by("appId", POWER_BI)
        assert resource is not None
        self.resource = resource
        self.tenant.section("weather")["replication_lag_seconds"] = 60

    def send(self, method: str, path: str, body: Any = None) -> Reply:
        token = self.token("graph", self.user("admin")["id"], scp=SCOPES, exp=4_000_000_000)
        return self.call("graph", method, f"/v1.0{path}", token, body)

    def member(self, group: dict[str, Any]) -> Reply:
        body = {"@odata.id": f"https://graph.microsoft.com/v1.0/directoryObjects/{self.service['id']}"}
        return self.send("POST", f"/groups/{group['id']}/members/$ref", body)

    def consent(self) -> Reply:
        body = {
            "principalId": self.service["id"],
            "resourceId": self.resource["id"],
            "appRoleId": TENANT_READ_ALL,
        }
        return self.send("POST", f"/servicePrincipals/{self.resource['id']}/appRoleAssignedTo", body)

    def grant(self) -> Reply:
        body = {"clientId": self.service["id"], "resourceId": self.resource["id"], "consentType": "AllPrincipals"}
        return self.send("POST", "/oauth2PermissionGrants", {**body, "scope": "Report.Read.All"})

    def principal(self) -> Reply:
        self.tenant.servicePrincipals.remove(self.service["id"])
        return self.send("POST", "/servicePrincipals", {"appId": self.app["appId"]})


OPERATIONS: dict[str, Callable[[Lagging], Reply]] = {
    "applications.get": lambda t: t.send("GET", f"/applications/{t.app['id']}"),
    "applications.patch": lambda t: t.send("PATCH", f"/applications/{t.app['id']}", {"notes": "n"}),
    "service_principals.create": Lagging.principal,
    "assignments.create": Lagging.consent,
    "grants.create": Lagging.grant,
    "service_principals.get": lambda t: t.send("GET", f"/servicePrincipals/{t.service['id']}"),
    "service_principals.patch": lambda t: t.send("PATCH", f"/servicePrincipals/{t.service['id']}", {"notes": "n"}),
    "groups.get": lambda t: t.send("GET", f"/groups/{t.group['id']}"),
    "groups.patch": lambda t: t.send("PATCH", f"/groups/{t.group['id']}", {"description": "d"}),
    "members.add": lambda t: t.member(t.old_group),
    "members.add_to_new_group": lambda t: t.member(t.group),
}
TEXTS = {
    "not_found": (404, "does not exist or one of its queried reference-property objects are not present"),
    "reference_not_present": (400, "reference-property objects are not present"),
    "bad_reference": (400, "Not a valid reference update"),
    "no_backing_application": (400, "does not reference a valid application object"),
    "group_values_invalid": (400, "One or more property values specified are invalid"),
}


@pytest.mark.parametrize("name", SYMPTOMS)
def test_an_operation_fails_then_works(name: str) -> None:
    tenant = Lagging()
    for after, symptom in zip((0, 31), SYMPTOMS[name], strict=True):
        tenant.tenant.section("clock")["offset_seconds"] = after
        answer = OPERATIONS[name](tenant)
        status, text = TEXTS[symptom]
        assert answer.status == status
        assert text in answer.body["error"]["message"]
    tenant.tenant.section("clock")["offset_seconds"] = 61
    assert OPERATIONS[name](tenant).status in (200, 201, 204)


def test_what_real_clients_do_at_once_works_at_once() -> None:
    tenant = Lagging()
    assert tenant.send("POST", f"/applications/{tenant.app['id']}/addPassword", {}).status == 200
    owner = {"@odata.id": f"https://graph.microsoft.com/v1.0/directoryObjects/{tenant.user('developer')['id']}"}
    assert tenant.send("POST", f"/applications/{tenant.app['id']}/owners/$ref", owner).status == 204
    listed = tenant.send("GET", "/applications").body["value"]
    assert tenant.app["id"] in [a["id"] for a in listed]


def test_one_success_proves_nothing() -> None:
    tenant = Lagging()
    tenant.tenant.section("clock")["offset_seconds"] = 40
    path = f"/applications/{tenant.app['id']}"
    assert [tenant.send("GET", path).status for _ in range(4)] == [404, 200, 404, 200]
    tenant.tenant.section("clock")["offset_seconds"] = 61
    assert [tenant.send("GET", path).status for _ in range(4)] == [200] * 4
    assert "_asked" not in tenant.send("GET", path).body


def test_a_deleted_app_lingers_in_lists() -> None:
    tenant = Lagging()
    assert tenant.send("DELETE", f"/applications/{tenant.app['id']}").status == 204

    def listed() -> bool:
        return tenant.app["id"] in [a["id"] for a in tenant.send("GET", "/applications").body["value"]]

    assert listed()
    assert tenant.send("GET", f"/applications/{tenant.app['id']}").status == 404
    tenant.tenant.section("clock")["offset_seconds"] = 61
    assert not listed()


def test_without_a_lag_nothing_is_young_where_the_clock_was_turned_back(sandbox: SandboxTenant) -> None:
    headers = {"Authorization": f"Bearer {sandbox.operator_token()}"}
    made = sandbox.http.post("/v1.0/applications", json={"displayName": "later"}, headers=headers).json()
    sandbox.advance(-600)
    headers = {"Authorization": f"Bearer {sandbox.operator_token()}"}
    assert sandbox.http.get(f"/v1.0/applications/{made['id']}", headers=headers).status_code == 200
