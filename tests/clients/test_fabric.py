"""The Fabric command line, the Fabric SDK, fabric-cicd and pbipy: what a service principal in the right group can do."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
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
        # The service asks for twenty seconds between looks at an operation.
        state["weather"]["operation_retry_after"] = 1

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

    def test_the_fabric_sdk_follows_long_running_operations(
        self, client: Callable[..., Client], app: dict[str, str], proxy: bool
    ) -> None:
        answer = client(proxy=proxy).python("fabric_sdk.py", "items", **app)
        assert answer["made"] == "From the SDK"
        assert ["Notebook", "From the SDK"] in answer["listed"]
        assert answer["parts"] == {"notebook-content.py": True, ".platform": False}
        assert answer["lakehouse"] == "sales"

    def test_pbipy(self, client: Callable[..., Client], app: dict[str, str], proxy: bool) -> None:
        assert client(proxy=proxy).python("fabric_sdk.py", "pbipy", **app)["names"] == ["Reports Dev"]


class TestFabricCicd:
    """fabric-cicd, whose addresses are fixed too."""

    def publish(self, client: Callable[..., Client], sandbox: SandboxTenant, app: dict[str, str], name: str) -> Any:
        workspace = next(each["id"] for each in sandbox.state()["workspaces"] if each["displayName"] == name)
        return client(proxy=True).python("fabric_sdk.py", "cicd", WORKSPACE=workspace, **app)

    def test_it_publishes_a_notebook(
        self, client: Callable[..., Client], sandbox: SandboxTenant, app: dict[str, str]
    ) -> None:
        assert self.publish(client, sandbox, app, "Reports Dev")["refused"] is None
        dev = next(each for each in sandbox.state()["workspaces"] if each["displayName"] == "Reports Dev")
        made = next(each for each in dev["items"] if each["type"] == "Notebook")
        assert (made["displayName"], made["description"]) == ("Daily load", "Every night")
        assert {each["path"] for each in made["_definition"]} == {"notebook-content.py"}

    def test_without_a_role_it_is_refused(
        self, client: Callable[..., Client], sandbox: SandboxTenant, app: dict[str, str]
    ) -> None:
        said = self.publish(client, sandbox, app, "Reports Prod")["refused"]
        assert "The caller does not have sufficient permissions to access the requested resource" in said
        prod = next(each for each in sandbox.state()["workspaces"] if each["displayName"] == "Reports Prod")
        assert not [each for each in prod.get("items", []) if each["type"] == "Notebook"]

    def test_a_setting_keeps_it_from_making_items(
        self, client: Callable[..., Client], sandbox: SandboxTenant, app: dict[str, str]
    ) -> None:
        def switch_off(state: State) -> None:
            setting = next(each for each in state["tenantSettings"] if each["settingName"] == "FabricGAWorkloads")
            setting["enabled"] = False

        sandbox.put_state(switch_off)
        assert "The feature is not available" in self.publish(client, sandbox, app, "Reports Dev")["refused"]


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

    def test_an_item_travels(self, fab: Callable[..., str], sandbox: SandboxTenant, tmp_path: Path) -> None:
        fab("mkdir", "Reports Dev.Workspace/nightly.Notebook")
        assert "nightly.Notebook" in fab("ls", "Reports Dev.Workspace")
        fab("export", "Reports Dev.Workspace/nightly.Notebook", "-o", str(tmp_path), "-f")
        assert (tmp_path / "nightly.Notebook" / ".platform").exists()
        fab("import", "Reports Dev.Workspace/weekly.Notebook", "-i", str(tmp_path / "nightly.Notebook"), "-f")
        fab("rm", "Reports Dev.Workspace/nightly.Notebook", "-f")
        listed = fab("ls", "Reports Dev.Workspace")
        assert "weekly.Notebook" in listed
        assert "nightly.Notebook" not in listed
        fab("mkdir", "Reports Dev.Workspace/archive.Folder")
        dev = next(each for each in sandbox.state()["workspaces"] if each["displayName"] == "Reports Dev")
        assert [each["displayName"] for each in dev["folders"]] == ["archive"]  # `fab ls` leaves folders out

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
