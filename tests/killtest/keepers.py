"""What keeps credentials beside the folder and the tenant's vault: a keyring, GitHub and Azure DevOps, the last two as
stand-ins of their programs; and what a job's platform hands to a federated credential.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from tests.killtest.scenes import ENVIRONMENT, PROJECT, REPOSITORY, SUBJECT, TRUSTED
from tests.services.test_store_pipelines import github_state, library_state
from tests.support.standin import Installed
from tests.support.tenant import SandboxTenant

PROGRAMS = {"github": "gh", "github-environment": "gh", "azure-devops": "az"}
"""The program that a store is reached by."""
AUDIENCE = "api://AzureADTokenExchange"
Saved = tuple[str, dict[str, Any], dict[str, Any]]


class Keepers:
    """Those of one worker, in a folder of their own."""

    def __init__(self, folder: Path) -> None:
        shutil.rmtree(folder, ignore_errors=True)
        self.folder = folder
        self.ring = folder / "ring" / "ring.json"
        self.ring.parent.mkdir(parents=True)
        self._programs = {
            "gh": Installed(folder / "github", "gh", "gh.py", {}),
            "az": Installed(folder / "devops", "az", "az_pipelines.py", {}),
        }
        self.clear()

    def clear(self) -> None:
        """Nothing of ours is kept, and other people's things are there."""
        github, library = github_state(), library_state()
        repository = github["repositories"][REPOSITORY]
        repository["secrets"] = {"": {"DEPLOY_KEY": "theirs"}, "prod": {"THEIRS": "theirs"}}
        repository["variables"] = {"": {"THEIRS": "1"}, "prod": {"THEIRS": "1"}}
        self.load((json.dumps({"theirs|somebody": "theirs"}), github, library))

    def save(self) -> Saved:
        """Everything that is kept."""
        return self.ring.read_text(), self._programs["gh"].state, self._programs["az"].state

    def load(self, saved: Saved) -> None:
        """As it was saved; nobody has run a program yet."""
        self.ring.write_text(saved[0])
        for program, state in zip(self._programs.values(), saved[1:], strict=True):
            program.state = state
            program.forget_runs()

    def program(self, store: str) -> Installed | None:
        """The stand-in by which this store is reached."""
        return self._programs[PROGRAMS[store]] if store in PROGRAMS else None

    def env(self, kind: str, store: str) -> dict[str, str]:
        """What leads a process here."""
        found: dict[str, str] = {}
        if store == "keyring":
            found |= {"PYTHON_KEYRING_BACKEND": "tests.support.ring.Ring", "RING": str(self.ring)}
        if (program := self.program(store)) is not None:
            found |= program.environment
        if kind == "federated":
            found["AZURE_FEDERATED_TOKEN_FILE"] = str(self.folder / "assertion")
        return found

    def assertion(self, tenant: SandboxTenant) -> str:
        """What the job's platform says at this moment, also in the file that a job finds it in."""
        asked = {"issuer": TRUSTED, "subject": SUBJECT, "audience": AUDIENCE}
        text = str(tenant.control("POST", "assertions", asked)["assertion"])
        (self.folder / "assertion").write_text(text)
        return text

    # what is in them

    @property
    def entries(self) -> dict[str, str]:
        """Of the keyring."""
        return dict(json.loads(self.ring.read_text()))

    def pipeline(self, store: str) -> tuple[dict[str, str], dict[str, str]]:
        """Variables and secrets that pipelines of this store read."""
        program = self.program(store)
        assert program is not None
        if PROGRAMS[store] == "gh":
            where = "prod" if store == "github-environment" else ""
            repository = program.state["repositories"][REPOSITORY]
            return repository["variables"].get(where, {}), repository["secrets"].get(where, {})
        [group] = program.state["groups"]
        every: dict[str, Any] = group["variables"]
        return (
            {name: each["value"] for name, each in every.items() if not each["isSecret"]},
            {name: each["value"] for name, each in every.items() if each["isSecret"]},
        )

    def beside(self, store: str) -> dict[str, Any]:
        """What is kept there and has none of the names that a store of ours uses."""
        suffix = f"_{ENVIRONMENT.upper()}" if store == "github" else ""
        plain = ("AZURE_TENANT_ID", "AZURE_CLIENT_ID", "PBISETUP_NOTE")
        secret = (
            "AZURE_CLIENT_SECRET",
            "AZURE_CLIENT_CERTIFICATE_BASE64" if store == "azure-devops" else "AZURE_CLIENT_CERTIFICATE",
        )
        entry = f"pbisetup|{PROJECT}/{ENVIRONMENT}" if store == "keyring" else ""
        found: dict[str, Any] = {"keyring": {name: value for name, value in self.entries.items() if name != entry}}
        for each in PROGRAMS:
            ours = ({f"{n}{suffix}" for n in plain}, {f"{n}{suffix}" for n in secret}) if each == store else ((), ())
            found[each] = [
                {name: value for name, value in values.items() if name not in names}
                for values, names in zip(self.pipeline(each), ours, strict=True)
            ]
        return found

    def texts(self) -> dict[str, str]:
        """What is in sight of others: arguments of programs and variables that are no secrets."""
        found = {f"arguments of {name}": program.seen for name, program in self._programs.items() if program.runs}
        return found | {f"variables of {store}": json.dumps(self.pipeline(store)[0]) for store in PROGRAMS}
