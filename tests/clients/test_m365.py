"""CLI for Microsoft 365: its addresses are fixed, and its HTTP client obeys HTTPS_PROXY."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.clients.apps import claims
from tests.clients.client import Client
from tests.clients.install import SETS
from tests.support.tenant import AZURE_CLI, POWER_BI, SandboxTenant

pytestmark = pytest.mark.clients("m365")


class M365:
    """`m365` through the proxy, with its telemetry off."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.do("cli", "config", "set", "--key", "disableTelemetry", "--value", "true")

    def do(self, *arguments: str) -> Any:
        """A command that must succeed; what it prints, as JSON where it is."""
        out = self.client.ok(SETS["m365"].program("m365"), *arguments, "--output", "json").strip()
        try:
            return json.loads(out)
        except ValueError:
            return out


@pytest.fixture
def m365(client: Callable[..., Client]) -> M365:
    return M365(client(proxy=True))


def login(m365: M365, *proof: str) -> Any:
    return m365.do("login", "--tenant", m365.client.sandbox.tenant, *proof)


def test_an_app_manages_apps_and_groups(m365: M365, sandbox: SandboxTenant) -> None:
    operator = ("--appId", sandbox.operator_id, "--secret", sandbox.operator_secret)
    assert login(m365, "--authType", "secret", *operator)["connectedAs"] == "Sandbox operator"
    assert m365.do("status")["authType"] == "secret"
    made = m365.do("entra", "app", "add", "--name", "from m365", "--withSecret")
    assert made["secrets"][0]["value"]
    assert "from m365" in [each["displayName"] for each in m365.do("entra", "app", "list")]
    assert m365.do("entra", "app", "get", "--appId", made["appId"])["id"] == made["objectId"]
    assert m365.do("entra", "enterpriseapp", "add", "--id", made["appId"])["appId"] == made["appId"]
    group = m365.do("entra", "group", "add", "--displayName", "from m365", "--type", "security")
    assert group["id"] in [each["id"] for each in m365.do("entra", "group", "list")]
    m365.do("entra", "app", "remove", "--appId", made["appId"], "--force")
    assert "from m365" not in [each["displayName"] for each in m365.do("entra", "app", "list")]
    token = m365.do("util", "accesstoken", "get", "--resource", POWER_BI)
    assert claims(token)["appid"] == sandbox.operator_id
    m365.do("logout")


def test_a_user_by_device_code(m365: M365, sandbox: SandboxTenant) -> None:
    m365.client.ok(
        *(SETS["m365"].program("m365"), "login", "--tenant", sandbox.tenant),
        *("--authType", "deviceCode", "--appId", AZURE_CLI),
    )
    assert m365.do("status")["connectedAs"] == f"admin@{sandbox.domain}"
    assert len(m365.do("entra", "user", "list")) == 3
    # It knows what token that address takes.
    assert len(m365.do("request", "--url", "https://api.powerbi.com/v1.0/myorg/groups")["value"]) == 3


def test_a_user_by_password(m365: M365, sandbox: SandboxTenant) -> None:
    who = ("--userName", f"developer@{sandbox.domain}", "--password", sandbox.password)
    made = login(m365, "--authType", "password", "--appId", AZURE_CLI, *who)
    assert made["connectedAs"] == f"developer@{sandbox.domain}"
