"""Runs a plan: what the operator may do is done, what they may not is handed on, what fails stops only what hangs on it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, Protocol

from pbisetup.execution.bench import Workbench
from pbisetup.execution.steps import ACTIONS
from pbisetup.model.errors import Interrupted, PbisetupError, Refused, Unreachable
from pbisetup.model.plan import Plan, Step
from pbisetup.services.app_sign_in import Credential

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
    credential: Credential | None = None
    """The credential that was made, ready to sign in with."""
    error: PbisetupError | None = None
    """Why nothing was tried at all."""

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
    course = Course(plan, bench, reporter, stopping)
    course.run(plan.changes)
    return course.result()


class Course:
    """A plan that is being run, perhaps in parts: what has become of its steps so far."""

    def __init__(self, plan: Plan, bench: Workbench, reporter: Reporter, stopping: Callable[[], bool]) -> None:
        self.plan, self.bench = plan, bench
        self._reporter, self._stopping = reporter, stopping
        self._outcomes: dict[str, Outcome] = {}
        self._cut: PbisetupError | None = None
        self._interrupted = False
        bench.outputs.update(plan.outputs)

    def run(self, steps: Iterable[Step]) -> None:
        """Run these of the plan's changes, one after the other."""
        for step in steps:
            if self.held_back(step) is None:
                self._reporter.started(step)
                self.ended(_one(step, self.bench))

    def held_back(self, step: Step) -> Outcome | None:
        """Why this step is not to be tried, which is then its outcome; None where it can be."""
        self._interrupted = self._interrupted or self._stopping()
        blocker = next((o for n in step.needs if (o := self._outcomes.get(n)) and o.status != "done"), None)
        if self._interrupted or self._cut is not None:
            because = "stopped" if self._interrupted else "the connection broke before"
            self._outcomes[step.id] = outcome = Outcome(step, "not run", because)
            return outcome
        if step.allowed is False:
            outcome = Outcome(step, "handed off", step.because)
        elif blocker is not None:
            waits = blocker.status == "handed off"
            outcome = Outcome(step, "handed off" if waits else "not run", f"it needs: {blocker.step.title}")
        else:
            return None
        self.ended(outcome)
        return outcome

    def ended(self, outcome: Outcome) -> None:
        """Note what became of a step, and tell it."""
        if isinstance(outcome.error, Unreachable):
            self._cut = outcome.error
        if isinstance(outcome.error, Interrupted):
            self._interrupted = True
        self._outcomes[outcome.step.id] = outcome
        self._reporter.ended(outcome)

    def started(self, step: Step) -> None:
        self._reporter.started(step)

    def result(self) -> Result:
        """Everything so far, in the plan's order."""
        outcomes = tuple(self._outcomes[s.id] for s in self.plan.changes if s.id in self._outcomes)
        bench = self.bench
        return Result(self.plan.environment, outcomes, dict(bench.outputs), self._interrupted, bench.credential)


def judged(step: Step, bench: Workbench, error: PbisetupError | None) -> Outcome:
    """What a step that was tried has become; what was refused is remembered, so that `handoff` knows whose it is not."""
    if isinstance(error, Refused) and error.forbidden:
        bench.journal.refused(bench.environment, step.id)
        handed = replace(step, allowed=False, because=error.message)
        return Outcome(handed, "handed off", f"you may not: {error.message}", error)
    if error is not None:
        return Outcome(step, "not run" if isinstance(error, Interrupted) else "failed", error.message, error)
    if step.id in bench.journal.refused_steps(bench.environment):
        bench.journal.granted(bench.environment, step.id)
    return Outcome(step, "done")


def filled(step: Step, bench: Workbench) -> dict[str, Any]:
    """The parameters of a step's action, with what earlier steps handed on."""
    assert step.action is not None
    return _filled(step.action.params, bench.outputs)


def _one(step: Step, bench: Workbench) -> Outcome:
    assert step.action is not None
    try:
        bench.outputs.update(ACTIONS[step.action.kind](bench, filled(step, bench)))
    except PbisetupError as error:
        return judged(step, bench, error)
    return judged(step, bench, None)


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
