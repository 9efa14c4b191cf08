"""Results of an examination: check lines and findings, as `doctor --format json` prints them."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

from pbisetup.model.errors import Evidence
from pbisetup.model.plan import Action, Who

CheckStatus = Literal["pass", "warn", "fail", "skip", "unknown"]
LAYERS: Final = {
    "config": "On this machine",
    "network": "Network",
    "tenant": "Tenant",
    "token": "Token",
    "claims": "Claims",
    "directory": "Directory",
    "settings": "Tenant settings",
    "api": "Power BI and Fabric",
    "workspace": "Workspaces",
    "request": "Request",
}
"""The links of the chain in the order in which a request crosses them: what the id of a check begins with, and its title."""
Severity = Literal["error", "warning", "info"]
Certainty = Literal["certain", "likely", "possible"]


@dataclass(frozen=True)
class Check:
    """One link of the chain from configuration to API, and how it stands."""

    id: str
    title: str
    status: CheckStatus
    because: str
    evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True)
class Remedy:
    """One way to mend a finding, by one kind of person."""

    who: Who
    text: str
    action: Action | None = None
    command: str | None = None
    url: str | None = None
    fixable: bool = False
    """Whether `pbisetup apply` can do it for somebody with the right."""


@dataclass(frozen=True)
class Finding:
    """A diagnosis."""

    code: str
    cause: str
    severity: Severity
    certainty: Certainty
    title: str
    explanation: str
    evidence: tuple[Evidence, ...] = ()
    decided_by: str | None = None
    """The one fact that would turn likely into certain; None where nothing is open."""
    remedies: tuple[Remedy, ...] = ()
    docs: str = "docs/troubleshooting.md"


@dataclass(frozen=True)
class Examination:
    """What a doctor found."""

    environment: str | None
    checks: tuple[Check, ...]
    findings: tuple[Finding, ...]
    healthy: bool
    requests: int

    @property
    def first_broken(self) -> Check | None:
        """The first link of the chain that does not hold."""
        return next((check for check in self.checks if check.status == "fail"), None)

    def to_json(self) -> dict[str, Any]:
        """The object that `doctor --format json` prints."""
        return {
            "schema": "pbisetup/doctor/v1",
            "environment": self.environment,
            "healthy": self.healthy,
            "checks": [{"id": c.id, "title": c.title, "status": c.status, "because": c.because} for c in self.checks],
            "findings": [finding_json(f) for f in self.findings],
            "requests": self.requests,
        }


def finding_json(finding: Finding) -> dict[str, Any]:
    """A finding as `--format json` prints it."""
    shape = asdict(finding)
    for remedy in shape["remedies"]:
        if remedy["action"] is not None:
            remedy["action"] = {"kind": remedy["action"]["kind"], **remedy["action"]["params"]}
    return shape
