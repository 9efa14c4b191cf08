"""A client as its users run it: a process in a home of its own, pointed at the sandbox by environment variables alone."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.clients.install import SETS, WINDOWS
from tests.support.cli import Ran
from tests.support.tenant import SandboxTenant

SCRIPTS = Path(__file__).with_name("scripts")
_KEPT = ("PATH", "LANG", "LC_ALL", "TMPDIR", "TEMP", "TMP", "SYSTEMROOT", "PBISETUP_STATE_DIR")


@dataclass
class Client:
    """Commands of one client set against one sandbox."""

    sandbox: SandboxTenant
    home: Path
    set_name: str | None = None
    proxy: bool = False
    """Stock addresses through the CONNECT proxy, else the sandbox's own address."""

    def __post_init__(self) -> None:
        self.home.mkdir(parents=True, exist_ok=True)
        inherited = {name: os.environ[name] for name in _KEPT if name in os.environ}
        points = self.sandbox.env(proxy=self.proxy)
        names = ("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS", "AZURE_AUTHORITY_HOST", "HTTPS_PROXY")
        given = {k: v for k, v in points.items() if k in names or k.startswith("PBISETUP_SANDBOX_")}
        self.env = {
            **inherited,
            **given,
            "HOME": str(self.home),
            "USERPROFILE": str(self.home),
            "PYTHONWARNINGS": "ignore",
            "NO_COLOR": "1",
        }
        if self.set_name:
            bin_ = SETS[self.set_name].program("x").parent
            self.env["PATH"] = f"{bin_}{os.pathsep}{self.env['PATH']}"

    def run(self, *command: str | Path, stdin: str = "", timeout: float = 120, **env: str) -> Ran:
        """A command to its end, however it ends."""
        done = subprocess.run(
            [str(each) for each in command],
            env={**self.env, **env},
            cwd=self.home,
            input=stdin,
            capture_output=True,
            text=True,
            encoding="utf-8",
            errors="replace",
            timeout=timeout,
            check=False,
        )
        return Ran(done.returncode, done.stdout, done.stderr)

    def ok(self, *command: str | Path, **options: Any) -> str:
        """What a command printed that must succeed."""
        ran = self.run(*command, **options)
        assert ran.code == 0, f"{command[:4]}: {ran}"
        return ran.out

    def refused(self, *command: str | Path, **options: Any) -> str:
        """What a command said that must fail."""
        ran = self.run(*command, **options)
        assert ran.code != 0, f"{command[:4]}: {ran}"
        return ran.err + ran.out

    def python(self, script: str, case: str, **options: Any) -> Any:
        """One case of one of our scripts under the set's interpreter; the last line that it prints, as JSON."""
        assert self.set_name
        out = self.ok(SETS[self.set_name].program("python"), SCRIPTS / script, case, **options)
        return json.loads(out.splitlines()[-1])

    def node(self, script: str, case: str, *, node: str | Path = "node", **options: Any) -> Any:
        """The same under Node, with the set's packages."""
        modules = str(SETS["node"].folder / "node_modules")
        out = self.ok(node, SCRIPTS / script, case, NODE_PATH=modules, **options)
        return json.loads(out.splitlines()[-1])


def node_version() -> int | None:
    """The major version of the Node on PATH, or None without one."""
    program = shutil.which("node")
    if program is None:
        return None
    out = subprocess.run([program, "--version"], capture_output=True, text=True, check=False).stdout
    return int(out.removeprefix("v").split(".")[0]) if out.startswith("v") else None


def node24() -> Path:
    """The Node 24 that the set brings."""
    bin_ = next((SETS["node24"].folder / "node_modules").glob("node-*/bin"))
    return bin_ / ("node.exe" if WINDOWS else "node")
