"""One environment, by the real commands, with each kind of credential in each store: made, used, renewed, taken away."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.services.test_store_pipelines import github_state, library_state
from tests.support.cli import Cli, Ran
from tests.support.standin import Installed
from tests.support.tenant import SandboxTenant

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the stand-ins are started by a shell script")

MANIFEST = """[project]
id = "k7f3q2"
name = "reports"
cloud = "sandbox"

[environments.dev]
workspaces = [{{ name = "Reports Dev", role = "Member" }}]
credential = {{ kind = "{kind}", store = "{store}" }}
"""
VAULT = "key-vault:contoso-vault"
READABLE = ["env-file", "keyring", VAULT]
PIPELINES = ["github:contoso/reports", "azure-devops:contoso/Sales & Co/Reports"]


class Place:
    """Everything that keeps credentials here, and what is in it."""

    def __init__(self, cli: Cli, sandbox: SandboxTenant, folder: Path) -> None:
        self.cli, self.sandbox, self.ring = cli, sandbox, folder / "ring.json"
        self.gh = Installed(folder / "tools", "gh", "gh.py", github_state())
        self.az = Installed(folder / "tools", "az", "az_pipelines.py", library_state())
        cli.env |= self.gh.environment | {"PYTHON_KEYRING_BACKEND": "tests.support.ring.Ring", "RING": str(self.ring)}
        self.ran: list[Ran] = []

    def __call__(self, *arguments: str, code: int = 0, **more: Any) -> Ran:
        ran = self.cli(*arguments, **more)
        assert ran.code == code, ran
        self.ran.append(ran)
        return ran

    def manifest(self, kind: str, store: str) -> None:
        (self.cli.folder / "pbisetup.toml").write_text(MANIFEST.format(kind=kind, store=store))

    def app(self) -> dict[str, Any]:
        [app] = [a for a in self.sandbox.state()["applications"] if a.get("uniqueName") == "pbisetup-k7f3q2-dev"]
        return dict(app)

    def keys(self) -> list[str]:
        app = self.app()
        return [k["keyId"] for part in ("passwordCredentials", "keyCredentials") for k in app.get(part) or []]

    def held(self) -> str:
        """What the stores hold in all, but for the vault, which the tenant has."""
        files = "".join(path.read_text() for path in self.cli.folder.glob(".env*"))
        return str(self.gh.state) + str(self.az.state) + files + (self.ring.read_text() if self.ring.exists() else "")

    def secret(self) -> str:
        """What a pipeline would be given, by the length of a client secret."""
        return next(
            word for word in re.findall(r"[\w~.-]{40}", self.held()) if "~" in word or "." in word or "_" in word
        )

    def vault(self) -> str:
        return json.dumps(self.sandbox.state()["vaults"])


@pytest.fixture
def place(cli: Cli, sandbox: SandboxTenant, tmp_path: Path) -> Place:
    return Place(cli, sandbox, tmp_path)


@pytest.mark.parametrize("store", [*READABLE, *PIPELINES])
@pytest.mark.parametrize("kind", ["secret", "certificate"])
def test_from_apply_to_destroy(place: Place, store: str, kind: str) -> None:
    place.manifest(kind, store)
    place("apply", "--yes")
    [first] = place.keys()
    assert place("plan", "--detailed-exitcode").code == 0
    place("rotate", "dev", "--yes", "--grace", "0")
    [second] = place.keys()
    assert second != first
    told = place("status").out
    assert "89 days" in told
    if store in READABLE:
        # Whoever a vault has sign in to read it is asked once.
        assert place("doctor", "dev").err.count("To sign in") == (1 if store == VAULT else 0)
        assert place("token", "dev").out.startswith("ey")
    else:
        # It is there, and cannot be tried here; a job that has it can.
        assert "gives nothing back" in place("token", "dev", code=3).err
        assert place("doctor", "dev", "--format", "json", code=1).json["findings"] == []
        job = {"AZURE_TENANT_ID": place.sandbox.tenant, "AZURE_CLIENT_ID": place.app()["appId"]}
        if kind == "secret":
            place("doctor", "dev", env={**job, "AZURE_CLIENT_SECRET": place.secret()})
    assert second in place.held() + place.vault()
    if store != "env-file":
        assert not list(place.cli.folder.glob(".env*"))
    place("rotate", "dev", "--yes")
    assert len(place.keys()) == 2
    place("apply", "--yes")
    assert len(place.keys()) == 1
    place("destroy", "dev", "--credential", "--yes")
    assert place.keys() == []
    assert second not in place.held()
    place("apply", "--yes")
    place("destroy", "dev", "--yes")
    assert "k7f3q2/dev" not in place.held().replace("uniqueName", "")
    words = "".join(ran.err + ran.out for ran in place.ran if ran.out[:2] != "ey")
    assert "PRIVATE KEY" not in words


@pytest.mark.parametrize("store", ["stdout"])
def test_what_is_printed_is_printed_once(place: Place, store: str) -> None:
    place.manifest("secret", store)
    first = dict(line.split("=", 1) for line in place("apply", "--yes").out.splitlines() if line.startswith("AZURE_"))
    assert "AZURE_" not in place("apply", "--yes").out
    second = place("rotate", "--yes", "--grace", "2d").out
    assert f"AZURE_CLIENT_ID={first['AZURE_CLIENT_ID']}" in second
    assert first["AZURE_CLIENT_SECRET"] not in second
    assert len(place.keys()) == 2
    place("apply", "--yes")
    assert len(place.keys()) == 2
    place.sandbox.advance(3 * 86400)
    place("apply", "--yes")
    assert len(place.keys()) == 1


@pytest.mark.parametrize("start", [*READABLE, *PIPELINES])
def test_a_credential_moves_from_store_to_store(place: Place, start: str) -> None:
    """Another store in the manifest: the new one gets a credential of its own, and no other is lost on the way."""
    place.manifest("secret", start)
    place("apply", "--yes")
    for store in ("env-file", VAULT):
        place.manifest("secret", store)
        place("apply", "--yes")
        assert place("plan", "--detailed-exitcode").code == 0
        place("token", "dev")


@pytest.mark.parametrize(("skip", "code"), [(0, 0), (3, 1)], ids=["before the new one", "before the old one goes"])
def test_a_store_that_does_not_answer_for_a_while_leaves_no_credential_behind(
    place: Place, skip: int, code: int
) -> None:
    place.manifest("secret", PIPELINES[0])
    place("apply", "--yes")
    [first] = place.keys()
    place.gh.rule("variable list", skip=skip, times=3, do={"err": "read: connection reset by peer"})
    ran = place("rotate", "dev", "--yes", "--grace", "0", code=code)
    if code:
        assert "the old one is still on the app" in " ".join(ran.err.split())
        place("rotate", "dev", "--yes", "--grace", "0")
    [second] = place.keys()
    assert second != first
    assert second in place.held()


def test_a_vault_that_the_operator_may_not_write_to(place: Place) -> None:
    def nobody(state: dict[str, Any]) -> None:
        for vault in state["vaults"].values():
            vault["roleAssignments"] = []

    place.sandbox.put_state(nobody)
    place.manifest("secret", VAULT)
    ran = place("apply", "--yes", code=1)
    assert "Key Vault Secrets Officer" in ran.err
    assert "No credential was made" in ran.err or "az role assignment create" in ran.err


NOWHERE = [
    ("github:contoso/nowhere", "github"),
    ("azure-devops:contoso/Sales & Co/None", "variable group"),
    ("key-vault:nowhere-at-all", "key vault"),
]


@pytest.mark.parametrize(("store", "said"), NOWHERE, ids=[store for store, _ in NOWHERE])
def test_a_place_that_is_not_there_is_found_before_anything_is_made(place: Place, store: str, said: str) -> None:
    place.manifest("secret", store)
    before = place.sandbox.state()["applications"]
    ran = place.cli("apply", "--yes")
    assert ran.code in (1, 3), ran
    assert said in (ran.err + ran.out).lower()
    assert place.sandbox.state()["applications"] == before
