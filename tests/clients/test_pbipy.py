"""pbipy, unmodified: what a service principal does with reports and models, and how it is told that it may not."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.clients.client import Client
from tests.support.tenant import SandboxTenant, State

pytestmark = pytest.mark.clients("fabric")

SETTINGS = ("ServicePrincipalAccessPermissionAPIs", "ServicePrincipalAccessGlobalAPIs")


def admit(sandbox: SandboxTenant, role: str) -> dict[str, str]:
    """CLIENT_ID and CLIENT_SECRET of an app that the tenant admits, with this role in Reports Dev."""

    def put(state: State) -> None:
        for setting in state["tenantSettings"]:
            if setting["settingName"] in SETTINGS:
                setting["enabled"] = True
        app = next(each["id"] for each in state["servicePrincipals"] if each["appId"] == sandbox.operator_id)
        grant = {"id": app, "principal": {"id": app, "type": "ServicePrincipal"}, "role": role}
        next(w for w in state["workspaces"] if w["displayName"] == "Reports Dev")["roleAssignments"].append(grant)

    sandbox.put_state(put)
    return {"CLIENT_ID": sandbox.operator_id, "CLIENT_SECRET": sandbox.operator_secret}


@pytest.mark.parametrize("proxy", [False, True], ids=["direct", "proxy"])
def test_a_walk_through_content(client: Callable[..., Client], sandbox: SandboxTenant, proxy: bool) -> None:
    found = client(proxy=proxy).python("pbipy_content.py", "walk", **admit(sandbox, "Member"))
    assert found == {
        "report": "Sales",
        "pages": ["Overview"],
        "rows": [{"Sales[Region]": "North", "Sales[Amount]": 1200}, {"Sales[Region]": "South", "Sales[Amount]": 800}],
        "history": ["Completed"],
        "users": ["User", "User", "App"],
        "embed": True,
        "made": "From pbipy",
        "gateways": 0,
    }


def test_a_viewer_may_not_query(client: Callable[..., Client], sandbox: SandboxTenant) -> None:
    said = client().python("pbipy_content.py", "refused", **admit(sandbox, "Viewer"))["said"]
    assert "404" in said
    assert "do not have the required permissions" in said
