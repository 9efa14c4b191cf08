"""Runs a plan: what the operator may do is done, what they may not is handed on, what fails stops only what hangs on it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, Protocol

from pbisetup.execution.bench import Workbench
from pbisetup.execution.steps import ACTIONS
from pbisetup.model.errors import PbisetupError, Refused, Unreachable
from pbisetup.model.plan import Plan, Step
from pbisetup.services.secret_store import AppCredential

Status = Literal["done", "handed off", "failed", "not run"]


@dataclass(frozen=True)
class Outcome:
    """What became of one step."""

    step: Step
    status: Status
    because: str = ""
    error: PbisetupError | None = None


@dataclass(frozen=True)
class Result:
    """What became of a plan."""

    environment: str
    outcomes: tuple[Outcome, ...]
    outputs: Mapping[str, str]
    interrupted: bool = False
    credential: AppCredential | None = None
    """The credential that was made, ready to sign in with."""

    def of(self, status: Status) -> tuple[Outcome, ...]:
        return tuple(outcome for outcome in self.outcomes if outcome.status == status)


class Reporter(Protocol):
    """Hears what happens as it happens."""

    def started(self, step: Step) -> None: ...
    def ended(self, outcome: Outcome) -> None: ...


def run(plan: Plan, bench: Workbench, reporter: Reporter, stopping: Callable[[], bool]) -> Result:
    """Run the plan's changes in their order. `stopping` is asked before each step; the step under way is finished.

    Raises nothing for a step that fails: its outcome carries the error. A broken connection ends the run early.
    """
    bench.outputs.update(plan.outputs)
    outcomes: dict[str, Outcome] = {}
    cut: PbisetupError | None = None
    interrupted = False
    for step in plan.changes:
        interrupted = interrupted or stopping()
        if interrupted or cut is not None:
            outcomes[step.id] = Outcome(step, "not run", "stopped" if interrupted else "the connection broke before")
            continue
        blocker = next((outcomes[n] for n in step.needs if n in outcomes and outcomes[n].status != "done"), None)
        if step.allowed is False:
            outcome = Outcome(step, "handed off", step.because)
        elif blocker is not None:
            waits = blocker.status == "handed off"
            outcome = Outcome(step, "handed off" if waits else "not run", f"it needs: {blocker.step.title}")
        else:
            reporter.started(step)
            outcome = _one(step, bench)
            if isinstance(outcome.error, Unreachable):
                cut = outcome.error
        outcomes[step.id] = outcome
        reporter.ended(outcome)
    return Result(plan.environment, tuple(outcomes.values()), dict(bench.outputs), interrupted, bench.credential)


def _one(step: Step, bench: Workbench) -> Outcome:
    assert step.action is not None
    try:
        params = _filled(step.action.params, bench.outputs)
        bench.outputs.update(ACTIONS[step.action.kind](bench, params))
    except Refused as error:
        if error.forbidden:
            bench.journal.refused(bench.environment, step.id)
            handed = replace(step, allowed=False, because=error.message)
            return Outcome(handed, "handed off", f"you may not: {error.message}", error)
        return Outcome(step, "failed", error.message, error)
    except PbisetupError as error:
        return Outcome(step, "failed", error.message, error)
    if step.id in bench.journal.refused_steps(bench.environment):
        bench.journal.granted(bench.environment, step.id)
    return Outcome(step, "done")


def _filled(params: Mapping[str, Any], outputs: Mapping[str, str]) -> dict[str, Any]:
    """The ids among the parameters that are `{output}` names, replaced by what earlier steps handed on.

    Only ids: a group may well be called `{group_id}`.
    """
    return {
        key: outputs.get(value[1:-1], value) if key.endswith("_id") and _is_name(value) else value
        for key, value in params.items()
    }


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and value.startswith("{") and value.endswith("}")
