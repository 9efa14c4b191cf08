"""Somebody who runs what they were handed: the scripts and the commands of a hand-off, with a stand-in for az."""

from __future__ import annotations

import json
import os
import re
import stat
import subprocess
import sys
from pathlib import Path

from tests.support.tenant import FABRIC, GRAPH, POWER_BI, SandboxTenant


class Administrator:
    """A user of the tenant at a shell where `az login` was done."""

    def __init__(self, tenant: SandboxTenant, user: str, folder: Path, env: dict[str, str]) -> None:
        self._az = folder / "bin" / "az"
        self._az.parent.mkdir(exist_ok=True)
        stand_in = Path(__file__).with_name("az_rest.py")
        self._az.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{stand_in}" "$@"\n')
        self._az.chmod(self._az.stat().st_mode | stat.S_IXUSR)
        tokens = {resource: tenant.user_token(user, resource) for resource in (GRAPH, POWER_BI, FABRIC)}
        self.env = {
            **env,
            "PATH": f"{self._az.parent}{os.pathsep}{os.environ['PATH']}",
            "AZ_TOKENS": json.dumps(tokens),
            "AZ_TENANT": tenant.tenant,
        }

    def script(self, script: Path, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
        """Run a script, however it ends. What it cannot read is never printed."""
        done = subprocess.run(
            ["bash", str(script), *arguments],
            env={**self.env, **env},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert "unbound variable" not in done.stderr, done.stderr
        assert "command not found" not in done.stderr, done.stderr
        return done

    def paste(self, markdown: str) -> None:
        """Run every command of a ticket, each section in a shell of its own."""
        sections = [s for s in markdown.split("\n## ") if s.startswith("For: ")]
        assert sections, markdown
        for section in sections:
            commands = "\n".join(re.findall(r"```bash\n(.*?)```", section, re.DOTALL))
            done = subprocess.run(
                ["bash", "-euo", "pipefail", "-c", commands], env=self.env, capture_output=True, text=True, check=False
            )
            assert done.returncode == 0, f"{commands}\n{done.stderr}"


def became(printed: str) -> dict[str, list[str]]:
    """Titles by what the script says became of them."""
    found: dict[str, list[str]] = {}
    for line in printed.splitlines():
        words = line[:14].strip()
        if words in ("changed", "already so", "would change", "would follow", "waits", "refused", "by hand"):
            found.setdefault(words, []).append(line[14:])
    return found
