"""An operator who is signed in to a running sandbox, and what it takes to run steps as them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest

from pbisetup.catalog.clouds import sandbox_cloud
from pbisetup.execution.bench import Workbench
from pbisetup.execution.runner import Outcome, Result, run
from pbisetup.model.plan import Action, Plan, Step
from pbisetup.observe.session import Session, SignIn, sign_in
from pbisetup.services.journal import Journal
from pbisetup.services.network import Network
from tests.support.tenant import SandboxTenant, State


class FastClock:
    """The time of day, whose waiting takes no time."""

    def __init__(self) -> None:
        self.slept = 0.0

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return self.slept

    def sleep(self, seconds: float) -> None:
        self.slept += seconds


@dataclass
class Heard:
    """Hooks that remember what they were told."""

    steps: list[str] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)

    def started(self, step: Step) -> None:
        self.steps.append(step.id)

    def ended(self, outcome: Outcome) -> None:
        self.outcomes.append(outcome)

    def waiting(self, what: str, seconds_left: int) -> None:
        del what, seconds_left

    def stopping(self) -> bool:
        return False


class Operator:
    """Signs in to scenarios of a sandbox and runs actions there."""

    def __init__(self, sandbox: SandboxTenant) -> None:
        self.sandbox = sandbox
        self.sessions: list[Session] = []

    def enter(self, scenario: str | None, user: str = "admin") -> Session:
        """The tenant as this scenario has it, with this user signed in."""
        self.sandbox.reset(scenario)

        def approve(state: State) -> None:
            state["auto_approve"] = user

        self.sandbox.put_state(approve)
        network = Network(sandbox_cloud(self.sandbox.url, self.sandbox.ca))
        self.sessions.append(sign_in(network, SignIn(route="device")))
        self.sandbox.clear_requests()
        return self.sessions[-1]

    def do(self, *actions: Action) -> Result:
        """Run these actions, one step each, in the last session."""
        steps = tuple(Step(f"step-{n}", "change", action.kind, "a test", action) for n, action in enumerate(actions))
        clock = FastClock()
        bench = Workbench(self.sessions[-1], "dev", Journal("test1"), clock, lambda *_: None, None)
        return run(Plan("dev", steps), bench, Heard(), lambda: False)


@pytest.fixture
def operator(sandbox: SandboxTenant) -> Iterator[Operator]:
    made = Operator(sandbox)
    yield made
    for session in made.sessions:
        session.close()
