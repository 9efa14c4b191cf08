"""The Azure CLI commands that remedies advise: az reads each of them whole and has nothing to ask but who is signed in."""

from __future__ import annotations

import os
import shlex
import subprocess
from pathlib import Path

import pytest

from pbisetup.catalog.findings import entries, finding
from tests.clients import install
from tests.clients.install import SETS
from tests.support.certificate import ClientCertificate

pytestmark = pytest.mark.clients("azure-cli")

COMMANDS = {remedy.command or "" for name in entries() for remedy in finding(name, "likely").remedies}
ADVISED = sorted(command for command in COMMANDS if command.startswith("az "))
CAPACITY = "/subscriptions/SUBSCRIPTION/resourceGroups/GROUP/providers/Microsoft.Fabric/capacities/reports"
KEPT = ("PATH", "TMPDIR", "TEMP", "TMP", "SYSTEMROOT")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Nobody is signed in here, and the files that commands name are there."""
    if why := install.missing("azure-cli"):
        pytest.skip(why)
    folder = tmp_path_factory.mktemp("advised")
    (folder / "credential.json").write_text("{}", encoding="utf-8")
    public = f"-----BEGIN CERTIFICATE-----\n{ClientCertificate().base64}\n-----END CERTIFICATE-----\n"
    (folder / "public.pem").write_text(public, encoding="utf-8")
    return folder


def az(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    own = {"HOME": str(home), "USERPROFILE": str(home), "AZURE_CONFIG_DIR": str(home / "azure")}
    quiet = {
        "AZURE_CORE_COLLECT_TELEMETRY": "no",
        "AZURE_EXTENSION_USE_DYNAMIC_INSTALL": "no",
        "PYTHONWARNINGS": "ignore",
    }
    return subprocess.run(
        [str(SETS["azure-cli"].program("az")), *arguments],
        env={**{name: os.environ[name] for name in KEPT if name in os.environ}, **own, **quiet},
        cwd=home,
        capture_output=True,
        text=True,
        encoding="utf-8",
        errors="replace",
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize("command", ADVISED)
def test_az_understands_what_is_advised(home: Path, command: str) -> None:
    done = az(home, *shlex.split(command.replace("CAPACITY_RESOURCE_ID", CAPACITY))[1:])
    assert done.returncode == 1, done.stderr
    assert "az login" in done.stderr, done.stderr


def test_az_would_say_so_if_it_did_not(home: Path) -> None:
    assert az(home, "ad", "app", "show", "--no-such-option", "1").returncode == 2
    assert az(home, "ad", "no-such-command").returncode == 2
