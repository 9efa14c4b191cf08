"""Stand-ins for `gh api` and `az devops`: programs on the PATH that answer from a table and note what they were asked.

`gh api` prints the body whatever the status, says `gh: MESSAGE (HTTP STATUS)` on standard error, and ends with 1, or with 4
where nobody is signed in (source: gh help exit-codes; cli/cli api.go).
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

_GH = """
import json, pathlib, sys
here = pathlib.Path(__file__).parent
arguments = sys.argv[1:]
with (here / "asked.txt").open("a") as asked:
    asked.write(json.dumps(arguments) + "\\n")
table = json.loads((here / "gh.json").read_text())
if table is None:
    print("To get started with GitHub CLI, please run:  gh auth login", file=sys.stderr)
    sys.exit(4)
if arguments[0] != "api" or arguments[arguments.index("--hostname") + 1] != "github.com":
    sys.exit(f"unexpected: {arguments}")
status, body = table.get(arguments[-1], [404, {"message": "Not Found", "status": "404"}])
print(json.dumps(body))
if status != 200:
    print(f"gh: {body.get('message')} (HTTP {status})", file=sys.stderr)
    sys.exit(1)
"""
_AZ = """
import json, pathlib, sys
here = pathlib.Path(__file__).parent
arguments = sys.argv[1:]
with (here / "asked.txt").open("a") as asked:
    asked.write(json.dumps(arguments) + "\\n")
listed = json.loads((here / "az.json").read_text())
if arguments[:3] != ["devops", "service-endpoint", "list"]:
    sys.exit(f"unexpected: {arguments}")
if listed is None:
    print("ERROR: 'devops' is misspelled or not recognized by the system.", file=sys.stderr)
    sys.exit(2)
print(json.dumps(listed))
"""


class Programs:
    """A folder with the programs; it goes in front of the PATH, or is all of it."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder

    def gh(self, answers: dict[str, tuple[int, dict[str, Any]]] | None) -> Programs:
        """`gh`, which knows these paths; None: nobody is signed in to it."""
        return self._program("gh", _GH, answers)

    def az(self, connections: list[dict[str, Any]] | None) -> Programs:
        """`az` with these service connections; None: without its extension for Azure DevOps."""
        return self._program("az", _AZ, connections)

    def _program(self, name: str, source: str, table: Any) -> Programs:
        (self.folder / f"{name}.json").write_text(json.dumps(table), encoding="utf-8")
        (self.folder / f"{name}_program.py").write_text(source, encoding="utf-8")
        program = self.folder / name
        program.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{self.folder / f"{name}_program.py"}" "$@"\n')
        program.chmod(0o755)
        return self

    @property
    def path(self) -> str:
        """With everything else behind."""
        return f"{self.folder}{os.pathsep}{os.environ['PATH']}"

    @property
    def asked(self) -> list[list[str]]:
        """The arguments of each call."""
        file = self.folder / "asked.txt"
        return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def settings(prefix: str, **changes: Any) -> tuple[int, dict[str, Any]]:
    """GitHub's answer on a repository's OIDC settings (observed: azure-dev issue 9382)."""
    return 200, {"use_default": True, "use_immutable_subject": False, "sub_claim_prefix": prefix, **changes}


def connection(name: str, issuer: str, subject: str) -> dict[str, Any]:
    """A service connection as `az devops service-endpoint list` shows it."""
    parameters = {
        "tenantid": "t",
        "serviceprincipalid": "c",
        "workloadIdentityFederationIssuer": issuer,
        "workloadIdentityFederationSubject": subject,
    }
    authorization = {"scheme": "WorkloadIdentityFederation", "parameters": parameters}
    return {"id": "8c1d2e3f-0000-4000-8000-000000000009", "name": name, "authorization": authorization}
