"""The person with the problem at the real command line: what a scenario's caller has configured, and `doctor` run on it.

Whatever is asked, no secret of its environment is printed; every run here checks that.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.cli import Cli, Ran
from tests.support.tenant import SandboxTenant

NO_APP = dict.fromkeys(("AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET"), "")
"""Nobody has configured an app."""
NO_SANDBOX = dict.fromkeys(
    ("PBISETUP_SANDBOX_URL", "PBISETUP_SANDBOX_CA", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "AZURE_AUTHORITY_HOST"), ""
)
"""No word of the sandbox: as on a machine that has never seen it."""
_SECRETS = ("AZURE_CLIENT_SECRET", "AZURE_PASSWORD", "PBISETUP_OPERATOR_CLIENT_SECRET", "PBISETUP_SANDBOX_PASSWORD")
_TOKEN = re.compile(r"eyJ[\w-]{8,}\.[\w-]{8,}")


@dataclass(frozen=True)
class Examined:
    """What `doctor --format json` printed, and how it ended."""

    ran: Ran
    json: dict[str, Any]

    @property
    def code(self) -> int:
        return self.ran.code

    @property
    def healthy(self) -> bool:
        return bool(self.json["healthy"])

    @property
    def causes(self) -> list[str]:
        """Root first."""
        return [each["cause"] for each in self.json["findings"]]

    @property
    def shape(self) -> list[tuple[str, str, str, str]]:
        """What of the findings must be the same wherever they are found."""
        return [(f["code"], f["cause"], f["certainty"], f["severity"]) for f in self.json["findings"]]

    def finding(self, cause: str) -> dict[str, Any]:
        """The first finding of this cause, or the first of this code."""
        found: dict[str, Any] = next(f for f in self.json["findings"] if cause in (f["cause"], f["code"]))
        return found

    def check(self, id_: str) -> str:
        """`status: because` of a check; empty where there is none."""
        return next((f"{c['status']}: {c['because']}" for c in self.json["checks"] if c["id"] == id_), "")

    def __str__(self) -> str:
        checks = [f"{c['status']:7} {c['id']}: {c['because']}" for c in self.json["checks"]]
        found = [
            f"{f['code']} {f['cause']} {f['certainty']} {f['severity']}: {f['explanation']}"
            for f in self.json["findings"]
        ]
        return "\n".join([f"exit {self.code}, healthy {self.healthy}", *checks, *found, "--- stderr", self.ran.err])


class Patient:
    """A folder and the variables of the caller of this scenario, whom the running tenant was just put into."""

    def __init__(
        self, sandbox: SandboxTenant, folder: Path, scenario: str, *, proxy: bool = False, **variables: str
    ) -> None:
        sandbox.reset(scenario)
        self.sandbox = sandbox
        self.cli = Cli(folder, {**sandbox.env(proxy=proxy), **variables})
        self.folder = self.cli.folder
        self.cloud = "public" if proxy else "sandbox"

    @property
    def client_id(self) -> str:
        return self.cli.env["AZURE_CLIENT_ID"]

    @property
    def operator(self) -> dict[str, str]:
        """Variables of a pipeline's operator, who may read the directory."""
        return operator(self.sandbox)

    def workspace(self, name: str = "Reports Dev") -> str:
        """The id of a workspace."""
        return str(next(w["id"] for w in self.sandbox.state()["workspaces"] if w["displayName"] == name))

    def token(self, resource: str) -> str:
        """One that the app gets."""
        return self.sandbox.app_token(self.client_id, self.cli.env["AZURE_CLIENT_SECRET"], resource)

    def doctor(self, *arguments: str, stdin: str | bytes = "", env: dict[str, str] | None = None) -> Ran:
        """Run it in the tenant's cloud, unless the arguments name another one."""
        where = () if {"--cloud", "--scenario", "--replay"} & set(arguments) else ("--cloud", self.cloud)
        ran = self.cli("doctor", *where, *arguments, stdin=stdin, env=env)
        keeps_silent(ran, {**self.cli.env, **(env or {})})
        return ran

    def examine(self, *arguments: str, stdin: str | bytes = "", env: dict[str, str] | None = None) -> Examined:
        """The same as JSON."""
        return examined(self.doctor(*arguments, "--format", "json", stdin=stdin, env=env))


def examined(ran: Ran) -> Examined:
    """The JSON of a run; a run that printed another object fails the test."""
    assert '"pbisetup/doctor/v1"' in ran.out, ran
    return Examined(ran, ran.json)


def operator(sandbox: SandboxTenant) -> dict[str, str]:
    """Variables of `--operator env`: a service principal with broad permissions on Graph and no administrator's role."""
    return {
        "PBISETUP_OPERATOR_TENANT_ID": sandbox.tenant,
        "PBISETUP_OPERATOR_CLIENT_ID": sandbox.operator_id,
        "PBISETUP_OPERATOR_CLIENT_SECRET": sandbox.operator_secret,
    }


def keeps_silent(ran: Ran, env: dict[str, str]) -> None:
    """Fails the test where a secret of the environment, or a token, was printed."""
    printed = ran.out + ran.err
    for name in _SECRETS:
        value = env.get(name, "").strip(" '\"\n")
        assert not value or value not in printed, f"{name} was printed"
    assert not _TOKEN.search(printed), "a token was printed"
