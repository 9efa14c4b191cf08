"""What became of an environment that was to be made so."""

from __future__ import annotations

from dataclasses import dataclass, field

from pbisetup.execution.looking import Place
from pbisetup.execution.runner import Result, Status
from pbisetup.model.errors import ExitCode, PbisetupError
from pbisetup.model.finding import Examination
from pbisetup.model.manifest import Environment
from pbisetup.model.plan import Plan
from pbisetup.services.app_sign_in import Credential

_LATE_IDS = ("member", "setting", "workspace-")
"""Steps that Microsoft takes minutes to act on begin so."""


@dataclass
class Converged:
    """What became of one environment. `error`: why nothing of it could be looked at or tried."""

    environment: Environment
    plan: Plan
    place: Place | None = None
    """None: nobody could sign in to its tenant."""
    results: list[Result] = field(default_factory=list)
    credential: Credential | None = None
    declined: bool = False
    examination: Examination | None = None
    error: PbisetupError | None = None

    def outcomes(self, status: Status) -> int:
        """How many steps ended so, each counted as it ended last."""
        last = {outcome.step.id: outcome.status for result in self.results for outcome in result.outcomes}
        return sum(1 for each in last.values() if each == status)

    @property
    def interrupted(self) -> bool:
        return any(result.interrupted for result in self.results)

    @property
    def changed_access(self) -> bool:
        """Whether this run changed something that Microsoft takes minutes to act on."""
        ids = {outcome.step.id for result in self.results for outcome in result.of("done")}
        return any(each.startswith(_LATE_IDS) for each in ids)

    @property
    def outputs(self) -> dict[str, str]:
        """The ids that are known now: from the directory, and from what was just made."""
        known = dict(self.plan.outputs)
        for result in self.results:
            known.update(result.outputs)
        return known

    @property
    def exit_code(self) -> ExitCode:
        """The worst that happened: stopped, failed in part, left to somebody else, unhealthy, fine."""
        if self.error is not None:
            return self.error.exit_code
        if self.interrupted:
            return ExitCode.INTERRUPTED
        if self.outcomes("failed") or self.outcomes("not run"):
            return ExitCode.PARTIAL
        if self.outcomes("handed off"):
            return ExitCode.HANDOFF
        if self.plan.unmet or (self.examination is not None and not self.examination.healthy):
            return ExitCode.WRONG
        return ExitCode.OK
