"""The Fabric command line, the Fabric SDK, and pbipy: what a service principal in the right group can do."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.clients.apps import graph, make_app
from tests.clients.client import Client
from tests.clients.install import SETS
from tests.support.tenant import SandboxTenant, State

pytestmark = pytest.mark.clients("fabric")

SETTINGS = (
    "ServicePrincipalAccessPermissionAPIs",
    "ServicePrincipalAccessGlobalAPIs",
    "CreateAppWorkspaces",
    "AllowServicePrincipalsUseReadAdminAPIs",
)


@pytest.fixture
def app(sandbox: SandboxTenant) -> dict[str, str]:
    """CLIENT_ID and CLIENT_SECRET of an app that a group and the tenant settings admit, Contributor of one workspace."""
    made = make_app(sandbox, "reports")
    secret = graph(sandbox, "POST", f"/applications/{made['id']}/addPassword", {})["secretText"]
    principal = graph(sandbox, "GET", f"/servicePrincipals(appId='{made['appId']}')")["id"]
    names = {"displayName": "pbi", "mailNickname": "pbi", "mailEnabled": False, "securityEnabled": True}
    group = graph(sandbox, "POST", "/groups", names)["id"]
    member = {"@odata.id": f"https://graph.microsoft.com/v1.0/directoryObjects/{principal}"}
    graph(sandbox, "POST", f"/groups/{group}/members/$ref", member)

    def admit(state: State) -> None:
        for each in state["tenantSettings"]:
            if each["settingName"] in SETTINGS:
                each.update(enabled=True, enabledSecurityGroups=[{"graphId": group, "name": "pbi"}])
        dev = next(each for each in state["workspaces"] if each["displayName"] == "Reports Dev")
        grant = {"id": principal, "principal": {"id": principal, "type": "ServicePrincipal"}, "role": "Contributor"}
        dev["roleAssignments"].append(grant)
        state["capacities"][0].setdefault("contributors", []).append(principal)

    sandbox.put_state(admit)
    return {"CLIENT_ID": made["appId"], "CLIENT_SECRET": secret}


@pytest.mark.parametrize("proxy", [False, True], ids=["direct", "proxy"])
class TestLibraries:
    def test_the_fabric_sdk(self, client: Callable[..., Client], app: dict[str, str], proxy: bool) -> None:
        answer = client(proxy=proxy).python("fabric_sdk.py", "fabric", **app)
        assert answer["names"] == ["Reports Dev", "From the SDK"]
        assert answer["roles"] == ["Admin"]
        assert "ServicePrincipalAccessPermissionAPIs" in answer["settings"]
        assert answer["gone"] == 404

    def test_pbipy(self, client: Callable[..., Client], app: dict[str, str], proxy: bool) -> None:
        assert client(proxy=proxy).python("fabric_sdk.py", "pbipy", **app)["names"] == ["Reports Dev"]


class TestCommandLine:
    """`fab`, whose addresses are fixed: through the proxy only."""

    @pytest.fixture
    def fab(self, client: Callable[..., Client], sandbox: SandboxTenant, app: dict[str, str]) -> Callable[..., str]:
        """`fab`, signed in."""
        stock = client(proxy=True)
        program = SETS["fabric"].program("fab")

        def run(*arguments: str) -> str:
            return stock.ok(program, *arguments, COLUMNS="200")

        run("config", "set", "encryption_fallback_enabled", "true")  # there is no key ring here
        run("config", "set", "check_cli_version_updates", "false")
        proof = ("-u", app["CLIENT_ID"], "-p", app["CLIENT_SECRET"], "-t", sandbox.tenant)
        run("auth", "login", *proof)
        return run

    def test_a_walk_through_workspaces(self, fab: Callable[..., str], sandbox: SandboxTenant) -> None:
        assert sandbox.tenant in fab("auth", "status")
        assert "Reports Dev.Workspace" in fab("ls")
        assert "Reports Dev.Workspace" in fab("ls", "-l")
        assert "true" in fab("exists", "Reports Dev.Workspace")
        assert "false" in fab("exists", "Nobody.Workspace")
        assert "Reports Dev" in fab("get", "Reports Dev.Workspace", "-q", "displayName")
        fab("mkdir", "Made by fab.Workspace", "-P", "capacityname=contosof2")
        assert "Made by fab.Workspace" in fab("ls")
        made = [each["displayName"] for each in sandbox.state()["workspaces"]]
        assert "Made by fab" in made
        fab("rm", "Made by fab.Workspace", "-f")
        assert "Made by fab.Workspace" not in fab("ls")
        fab("auth", "logout")

    def test_its_door_to_the_apis(self, fab: Callable[..., str]) -> None:
        found: dict[str, Any] = json.loads(fab("api", "workspaces"))
        assert found["status_code"] == 200
        assert [each["displayName"] for each in found["text"]["value"]] == ["Reports Dev"]
        settings = json.loads(fab("api", "admin/tenantsettings"))
        assert any(each["settingName"] == "CreateAppWorkspaces" for each in settings["text"]["value"])
        groups = json.loads(fab("api", "-A", "powerbi", "groups"))
        assert [each["name"] for each in groups["text"]["value"]] == ["Reports Dev"]

    def test_a_wrong_secret(self, client: Callable[..., Client], sandbox: SandboxTenant, app: dict[str, str]) -> None:
        stock = client(proxy=True)
        program = SETS["fabric"].program("fab")
        stock.ok(program, "config", "set", "encryption_fallback_enabled", "true")
        stock.ok(program, "config", "set", "check_cli_version_updates", "false")
        said = stock.refused(program, "auth", "login", "-u", app["CLIENT_ID"], "-p", "nope", "-t", sandbox.tenant)
        assert "Failed to get access token" in said  # it keeps Entra's words to itself
