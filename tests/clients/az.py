"""Azure CLI as its users run it: a home of its own, the sandbox registered as a cloud, or stock AzureCloud by proxy."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.clients.client import Client
from tests.clients.install import SETS
from tests.support.tenant import SandboxTenant

# The cloud's own resource names stay Azure's, so that only addresses differ from the real ones.
MANAGEMENT = "https://management.core.windows.net/"


@dataclass
class Az:
    """`az`, with its configuration in one folder."""

    client: Client

    @classmethod
    def at(cls, sandbox: SandboxTenant, home: Path, *, proxy: bool = False) -> Az:
        """A fresh one; in direct mode with the sandbox registered and chosen as its cloud."""
        client = Client(sandbox, home, "azure-cli", proxy)
        client.env |= {
            "AZURE_CONFIG_DIR": str(home / "azure"),
            "AZURE_CORE_COLLECT_TELEMETRY": "no",
            "AZURE_CORE_SURVEY_MESSAGE": "no",
            "AZURE_CORE_NO_COLOR": "yes",
            "AZURE_CORE_LOGIN_EXPERIENCE_V2": "off",
            "AZURE_CORE_ENCRYPT_TOKEN_CACHE": "false",
            "AZURE_EXTENSION_USE_DYNAMIC_INSTALL": "no",
        }
        az = cls(client)
        if not proxy:
            client.env["AZURE_CORE_INSTANCE_DISCOVERY"] = "false"
            url = sandbox.url
            az.do(
                *("cloud", "register", "--name", "Sandbox", "--skip-endpoint-discovery"),
                *("--endpoint-active-directory", url, "--endpoint-active-directory-resource-id", MANAGEMENT),
                *("--endpoint-resource-manager", url, "--endpoint-management", url),
                *("--endpoint-microsoft-graph-resource-id", f"{url}/"),
            )
            az.do("cloud", "set", "--name", "Sandbox")
        return az

    def copy(self, sandbox: SandboxTenant, home: Path) -> Az:
        """The same configuration and sign-in for another home."""
        shutil.copytree(self.client.home, home, dirs_exist_ok=True)
        client = Client(sandbox, home, "azure-cli", self.client.proxy)
        client.env = {**self.client.env, "HOME": str(home), "AZURE_CONFIG_DIR": str(home / "azure")}
        return Az(client)

    def do(self, *arguments: str) -> Any:
        """A command that must succeed; what it prints, as JSON, or None."""
        out = self.client.ok(_program(), *arguments, "--output", "json")
        return json.loads(out) if out.strip() else None

    def refused(self, *arguments: str) -> str:
        """A command that must fail; what it says."""
        return self.client.refused(_program(), *arguments)

    def login(self, client_id: str, *proof: str, tenant: str) -> Any:
        """Sign a service principal in."""
        return self.do(
            *("login", "--service-principal", "--username", client_id, *proof),
            *("--tenant", tenant, "--allow-no-subscriptions"),
        )

    def login_operator(self) -> Any:
        """Sign the sandbox's operator in by its secret."""
        sandbox = self.client.sandbox
        return self.login(sandbox.operator_id, "--password", sandbox.operator_secret, tenant=sandbox.tenant)

    def login_device(self) -> Any:
        """Sign a user in by a device code, which the tenant approves by itself."""
        tenant = self.client.sandbox.tenant
        return self.do("login", "--use-device-code", "--tenant", tenant, "--allow-no-subscriptions")


def _program() -> Path:
    return SETS["azure-cli"].program("az")
