"""A doctor at a tenant's bedside: the command's own question, asked in this process of a real sandbox process.

The command line itself is walked in `tests/journeys`; here a hundred tenants are examined, which takes a second each.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from pbisetup.catalog.clouds import sandbox_cloud
from pbisetup.cli.context import Common
from pbisetup.cli.credential import Found, asked_of_tenant
from pbisetup.cli.doctor_run import Run
from pbisetup.cli.question import Wanted
from pbisetup.model.finding import Examination
from pbisetup.observe.session import SignIn
from pbisetup.services.network import Network, Patience
from pbisetup.ui.terminal import Terminal
from tests.support.tenant import SandboxTenant

ADMIN = "admin"
"""Global Administrator: may read and change everything."""


def reach(sandbox: SandboxTenant) -> Network:
    """The way to this tenant, as the command has it."""
    state = sandbox.state()
    like = state.get("caller", {}).get("cloud") or state["tenant"].get("cloud") or "public"
    return Network(sandbox_cloud(sandbox.url, sandbox.ca, like), patience=Patience(10.0, 10.0, 15.0, 0))


@contextmanager
def bedside(
    sandbox: SandboxTenant,
    operator: str | None = ADMIN,
    wanted: Wanted | None = None,
    found: Found | None = None,
    folder: Path | None = None,
) -> Iterator[Run]:
    """A run for the tenant's `caller`. Device codes are approved as who they are for: the operator's as `operator`, those
    of the app as the caller's user.
    """
    network = reach(sandbox)
    caller: dict[str, Any] = sandbox.state().get("caller", {})
    if "auto_approve" in sandbox.state():
        sandbox.put_state(lambda state: state.pop("auto_approve"))
    common = Common(folder / "pbisetup.toml" if folder else None, scenario="of this test", operator="none")
    known = found or asked_of_tenant(common, network, Found(None, "the scenario", in_tenant=True))
    run = Run(common, _Approving(sandbox, str(caller.get("user") or ADMIN)), network, known, wanted or Wanted())
    if operator is not None:
        approve = _Approving(sandbox, operator)
        run.question.operator = SignIn("device", terminal=False, prompt=lambda *told: approve.code(told[1]))
        run.question.asked = replace(run.question.asked, operator=True)
    try:
        yield run
    finally:
        run.question.close()


class _Approving(Terminal):
    """A terminal on which somebody reads device codes and enters them."""

    def __init__(self, sandbox: SandboxTenant, user: str) -> None:
        super().__init__(color=False)
        self._sandbox, self._user = sandbox, user

    def wrapped(self, text: str, indent: str = "", style: str | None = None) -> None:
        del indent, style
        if "enter the code " in text:
            self.code(text.partition("enter the code ")[2].split()[0])

    def code(self, code: str) -> None:
        self._sandbox.approve(code, self._user)

    def say(self, text: str = "", style: str | None = None) -> None:
        """Nobody reads what else is said."""

    def transient(self, text: str) -> bool:
        del text
        return False


def examined(sandbox: SandboxTenant, operator: str | None = ADMIN, wanted: Wanted | None = None) -> Examination:
    """What is found in this tenant now."""
    with bedside(sandbox, operator, wanted) as run:
        run.examine()
        return run.examination


def causes(examination: Examination) -> list[str]:
    """The causes that were found, root first."""
    return [finding.cause for finding in examination.findings]


def shape(examination: Examination) -> list[tuple[str, str, str, str]]:
    """What of the findings must be the same wherever they are found."""
    return [(each.code, each.cause, each.certainty, each.severity) for each in examination.findings]


def telling(examination: Examination) -> str:
    """For the message of a test that fails."""
    lines = [f"{check.status:7} {check.id}: {check.because}" for check in examination.checks]
    lines += [f"{f.code} {f.cause} {f.certainty} {f.severity}: {f.explanation}" for f in examination.findings]
    return "\n".join([f"healthy: {examination.healthy}", *lines])
