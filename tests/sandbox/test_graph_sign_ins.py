"""Sign-in records: which API version shows which, to whom, from when on, and under which licence."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.sandbox.api import Api, graph
from tests.sandbox.graph_people import app_with, user_with
from tests.support.tenant import SandboxTenant

APP = "11111111-2222-3333-4444-555555555555"
MINE = f"appId eq '{APP}'"


def record(kind: str, minutes: int, **more: Any) -> dict[str, Any]:
    when = (datetime.now(UTC) - timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {
        "id": str(uuid.uuid4()),
        "createdDateTime": when,
        "signInEventTypes": [kind],
        "appId": APP,
        "resourceId": "00000009-0000-0000-c000-000000000000",
        "status": {"errorCode": 0, "failureReason": None, "additionalDetails": None},
        **more,
    }


@pytest.fixture
def reader(sandbox: SandboxTenant) -> Api:
    def change(state: dict[str, Any]) -> None:
        state["signIns"] = [
            record("servicePrincipal", 9, servicePrincipalId="sp", status={"errorCode": 7000215}),
            record("interactiveUser", 7, userPrincipalName="dana@contoso.onmicrosoft.com"),
            record("nonInteractiveUser", 5, userPrincipalName="dana@contoso.onmicrosoft.com"),
            record("servicePrincipal", 3, servicePrincipalId="sp"),
        ]

    sandbox.put_state(change)
    return app_with(sandbox, "AuditLog.Read.All")[1]


def minutes_old(rows: list[dict[str, Any]]) -> list[int]:
    times = [datetime.fromisoformat(row["createdDateTime"]) for row in rows]
    return [round((datetime.now(UTC) - time).total_seconds() / 60) for time in times]


def test_v1_shows_users_and_beta_the_rest_on_request(sandbox: SandboxTenant, reader: Api) -> None:
    users = reader.get(f"/auditLogs/signIns?$filter={MINE}")["value"]
    assert minutes_old(users) == [5, 7]
    assert not any("signInEventTypes" in row or "servicePrincipalId" in row for row in users)
    query = "/auditLogs/signIns?$filter=signInEventTypes/any(t: t eq 'servicePrincipal')"
    assert reader("GET", query).status_code == 400
    beta = sandbox.url + "/beta"
    assert minutes_old(reader.get(f"{beta}/auditLogs/signIns?$filter={MINE}")["value"]) == [7]
    apps = reader.get(f"{beta}{query} and {MINE}")["value"]
    assert minutes_old(apps) == [3, 9]
    failed = reader.get(f"{beta}{query} and status/errorCode eq 7000215 and {MINE}")["value"]
    assert minutes_old(failed) == [9]
    assert len(reader.get(f"{beta}{query}&$top=1")["value"]) == 1
    since = (datetime.now(UTC) - timedelta(minutes=6)).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert minutes_old(reader.get(f"/auditLogs/signIns?$filter=createdDateTime ge {since} and {MINE}")["value"]) == [5]
    one = reader.get(f"/auditLogs/signIns/{users[0]['id']}")
    assert one["userPrincipalName"].startswith("dana@")
    assert reader("GET", f"/auditLogs/signIns/{apps[0]['id']}").status_code == 404


def test_what_an_app_was_last_used_for(sandbox: SandboxTenant, reader: Api) -> None:
    path = f"/reports/servicePrincipalSignInActivities?$filter=appId eq '{APP}'"
    assert reader("GET", path).status_code == 400
    row = reader.get(f"{sandbox.url}/beta{path}")["value"][0]
    assert minutes_old([{"createdDateTime": row["lastSignInActivity"]["lastSignInDateTime"]}]) == [3]
    assert minutes_old([{"createdDateTime": row["delegatedClientSignInActivity"]["lastSignInDateTime"]}]) == [5]
    assert row["applicationAuthenticationResourceSignInActivity"]["lastSignInDateTime"] is None


def test_records_are_late_and_do_not_stay_for_ever(sandbox: SandboxTenant, reader: Api) -> None:
    sandbox.put_state(lambda state: state["weather"].update(sign_in_log_delay_seconds=6 * 60))
    assert minutes_old(reader.get(f"/auditLogs/signIns?$filter={MINE}")["value"]) == [7]
    sandbox.advance(31 * 86_400)
    later = app_with(sandbox, "AuditLog.Read.All")[1]
    assert all(row["appId"] != APP for row in later.get("/auditLogs/signIns")["value"])


def test_who_may_read_them(sandbox: SandboxTenant, reader: Api) -> None:
    _, other = app_with(sandbox, "Directory.Read.All")
    assert other("GET", "/auditLogs/signIns").json()["error"]["code"] == "Authentication_MSGraphPermissionMissing"
    member = user_with(sandbox, "developer", "AuditLog.Read.All")
    refused = member("GET", "/auditLogs/signIns").json()["error"]["code"]
    assert refused == "Authentication_RequestFromUnsupportedUserRole"
    allowed = user_with(sandbox, "developer", "AuditLog.Read.All", roles=("Reports Reader",))
    assert allowed("GET", "/auditLogs/signIns").status_code == 200
    sandbox.put_state(lambda state: state["tenant"].update(subscribedSkus=[]))
    unlicensed = reader("GET", "/auditLogs/signIns")
    assert unlicensed.status_code == 403
    assert unlicensed.json()["error"]["code"] == "Authentication_RequestFromNonPremiumTenantOrB2CTenant"
    assert graph(sandbox)("GET", "/auditLogs/signIns").status_code == 403


def test_when_a_user_was_last_there_needs_the_permission_and_the_licence(sandbox: SandboxTenant) -> None:
    for path in ("/users?$select=id,SignInActivity", "/users?$filter=signInActivity/lastSignInDateTime le 2024-01-01"):
        _, plain = app_with(sandbox, "User.Read.All")
        refused = plain("GET", path)
        assert refused.status_code == 403
        assert refused.json()["error"]["code"] == "Authentication_MSGraphPermissionMissing"
    _, auditor = app_with(sandbox, "User.Read.All", "AuditLog.Read.All")
    assert "signInActivity" in auditor.get("/users?$select=id,signInActivity")["value"][0]
    sandbox.put_state(lambda state: state["tenant"].update(subscribedSkus=[]))
    refused = auditor("GET", "/users?$select=id,signInActivity")
    assert refused.status_code == 403
    assert refused.json()["error"]["code"] == "Authentication_RequestFromNonPremiumTenantOrB2CTenant"
