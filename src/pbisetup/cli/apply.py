"""`plan` and `apply`, and what `init` shares with them: applying environments and proving them."""

from __future__ import annotations

import json
import signal
from collections.abc import Sequence
from typing import TYPE_CHECKING

import typer

from pbisetup.cli import options as opt
from pbisetup.cli.context import Common, choose, command, load_manifest, network, seconds, signed_in, tenant_of

if TYPE_CHECKING:
    from types import FrameType

    from pbisetup.execution.converge import Converged
    from pbisetup.model.finding import Examination
    from pbisetup.model.manifest import Environment, Manifest
    from pbisetup.model.plan import Plan
    from pbisetup.observe.session import Session
    from pbisetup.planning.planner import DeletedChoice
    from pbisetup.services.clock import ServiceClock
    from pbisetup.services.secret_store import Store
    from pbisetup.ui.terminal import Terminal


def plan(
    environments: opt.EnvironmentNames = None,
    detailed_exitcode: bool = typer.Option(False, "--detailed-exitcode", help="Exit 10 where something would change."),
    manifest: opt.ManifestPath = None,
    sandbox: opt.Sandbox = False,
    cloud: opt.CloudName = None,
    tenant: opt.Tenant = None,
    operator: opt.Operator = "auto",
    operator_client_id: opt.OperatorClientId = None,
    format: opt.Format = "text",
    no_color: opt.NoColor = False,
    verbose: opt.Verbose = False,
) -> None:
    """Show what would change. Changes nothing."""
    common = Common(manifest, sandbox, None, cloud, tenant, operator, operator_client_id, format, no_color, verbose)
    with command(common) as terminal:
        from pbisetup.execution.converge import look
        from pbisetup.services.clock import ServiceClock
        from pbisetup.ui.progress import plan_lines
        from pbisetup.ui.summary import plan_json

        loaded = load_manifest(common)
        plans = []
        with network(common, terminal, loaded) as reach:
            for environment in choose(loaded, environments):
                with signed_in(common, terminal, reach, tenant_of(common, environment)) as session:
                    _, planned = look(
                        session, loaded, environment, store_for(common, environment, terminal), ServiceClock(reach)
                    )
                plans.append(planned)
                terminal.clear()
                if not common.json:
                    for line, style in plan_lines(planned, terminal.width):
                        terminal.result(line, style)
        if common.json:
            shown = [plan_json(p) for p in plans]
            terminal.result(json.dumps({"schema": "pbisetup/plan/v1", "environments": shown}, indent=2))
        if detailed_exitcode and any(p.changes for p in plans):
            raise typer.Exit(10)


def apply(
    environments: opt.EnvironmentNames = None,
    yes: opt.Yes = False,
    wait: opt.Wait = "2m",
    deleted_app: opt.DeletedApp = None,
    manifest: opt.ManifestPath = None,
    sandbox: opt.Sandbox = False,
    cloud: opt.CloudName = None,
    tenant: opt.Tenant = None,
    operator: opt.Operator = "auto",
    operator_client_id: opt.OperatorClientId = None,
    format: opt.Format = "text",
    no_color: opt.NoColor = False,
    verbose: opt.Verbose = False,
) -> None:
    """Make the environments as the manifest says, and prove it with a token. Safe to run again."""
    common = Common(manifest, sandbox, None, cloud, tenant, operator, operator_client_id, format, no_color, verbose)
    with command(common) as terminal:
        from pbisetup.services.lock import one_run

        need_consent(terminal, yes)
        patience = seconds(wait)
        loaded = load_manifest(common)
        chosen = choose(loaded, environments)
        with one_run(common.manifest_path), network(common, terminal, loaded) as reach:
            done = []
            for environment in chosen:
                with signed_in(common, terminal, reach, tenant_of(common, environment)) as session:
                    done += apply_all(common, terminal, session, loaded, [environment], yes, patience, deleted_app)
        finish(common, terminal, done)


def need_consent(terminal: Terminal, yes: bool) -> None:
    """Without a terminal nobody can agree: then --yes must have been said."""
    from pbisetup.model.errors import UsageError

    if not yes and not terminal.interactive:
        raise UsageError(
            "PBI108",
            "there is no terminal to ask in, and changes need a yes",
            remedy="Add --yes to agree beforehand; `pbisetup plan` shows what it would do.",
        )


def store_for(common: Common, environment: Environment, terminal: Terminal) -> Store:
    from pbisetup.services.secret_store import EnvFile, PrintOnce

    if environment.credential.store == "stdout":
        return PrintOnce(terminal.value)
    return EnvFile(common.manifest_path.parent, environment.name)


class Talk:
    """The hooks of a run: shows plans and progress, asks once a plan, and hears Ctrl-C between steps."""

    def __init__(
        self,
        terminal: Terminal,
        session: Session,
        yes: bool,
        deleted: str | None,
    ) -> None:
        from pbisetup.ui.progress import Progress

        self._terminal, self._session, self._yes = terminal, session, yes
        self._deleted = deleted
        self._progress = Progress(terminal)
        self.started, self.ended, self.waiting = (
            self._progress.started,
            self._progress.ended,
            self._progress.waiting,
        )
        self.interrupts = 0

    def plan(self, plan: Plan) -> None:
        from pbisetup.ui.progress import plan_lines

        for line, style in plan_lines(plan, self._terminal.width):
            self._terminal.say(line, style)

    def agreed(self, plan: Plan) -> bool:
        """Ask, naming the tenant. From a yes on, Ctrl-C is heard between steps instead of at once."""
        if not self._yes:
            from pbisetup.ui import prompts

            signal.signal(signal.SIGINT, signal.default_int_handler)
            count, tenant = len(plan.own), self._session.tenant
            what = "this change" if count == 1 else f"these {count} changes"
            if not prompts.confirm(f"Make {what} in {tenant.name} ({tenant.domain})?"):
                return False
        signal.signal(signal.SIGINT, self.hear)
        return True

    def deleted_app(self, environment: str) -> DeletedChoice | None:
        from pbisetup.model.errors import UsageError

        if self._deleted in ("restore", "purge"):
            return "restore" if self._deleted == "restore" else "purge"
        if self._deleted is not None:
            raise UsageError("PBI104", f"--deleted-app {self._deleted!r} is not one of restore, purge")
        if self._yes or not self._terminal.interactive:
            return None
        from pbisetup.ui import prompts

        answer = prompts.choose(
            f"The app registration of {environment!r} was deleted and can be brought back. What shall become of it?",
            [("restore", "bring it back"), ("purge", "remove it for good and make a new one")],
        )
        return "purge" if answer == "purge" else "restore"

    def sign_in_prompt(self, uri: str, code: str, _text: str) -> None:
        self._terminal.wrapped(f"To sign in to the new app, open {uri} and enter the code {code}", "", "bold")

    def stopping(self) -> bool:
        return self.interrupts > 0

    def hear(self, _number: int, _frame: FrameType | None) -> None:
        """The first Ctrl-C finishes the step under way; the second stops at once."""
        self.interrupts += 1
        if self.interrupts > 1:
            raise KeyboardInterrupt
        self._terminal.say("stopping after this step; Ctrl-C again stops at once", "yellow")


def apply_all(
    common: Common,
    terminal: Terminal,
    session: Session,
    manifest: Manifest,
    environments: Sequence[Environment],
    yes: bool,
    patience: int,
    deleted: str | None,
) -> list[Converged]:
    """Apply and prove each environment; what one lacks does not stop the others."""
    from pbisetup.execution.converge import converge
    from pbisetup.model.errors import UsageError
    from pbisetup.services.clock import ServiceClock

    if common.json and any(each.credential.store == "stdout" for each in environments):
        raise UsageError(
            "PBI104", "--format json does not go with the stdout store: the secret is never part of a report"
        )
    clock = ServiceClock(session.network)
    results = []
    for environment in environments:
        talk = Talk(terminal, session, yes, deleted)
        store = store_for(common, environment, terminal)
        before = signal.getsignal(signal.SIGINT)
        try:
            done = converge(session, manifest, environment, store, clock, talk)
        finally:
            signal.signal(signal.SIGINT, before)
        if not done.declined and not done.interrupted:
            done.examination = prove(terminal, session, environment, done, clock, talk, patience)
        results.append(done)
        if done.interrupted or done.declined:
            break
    return results


def prove(
    terminal: Terminal,
    session: Session,
    environment: Environment,
    done: Converged,
    clock: ServiceClock,
    talk: Talk,
    patience: int,
) -> Examination | None:
    """Sign in to the app and ask the API: the examination, or None where there is nothing here to sign in with."""
    from pbisetup.diagnosis.rules import examine
    from pbisetup.execution.converge import outputs, proof_patience, prove_app, prove_user
    from pbisetup.observe.patience import Patience
    from pbisetup.planning.wanted import is_service_app
    from pbisetup.ui.progress import examination_lines

    known = outputs(done)
    if "client_id" not in known:
        return None
    cloud = session.network.cloud
    if is_service_app(environment):
        credential = done.credential
        if credential is None or credential.secret is None:
            return None
        waits = proof_patience(done, patience)
        own = known.get("sp_object_id")
        ran = prove_app(session, environment, credential, clock, talk.waiting, waits, principal_id=own)
        examination = examine(ran.case, cloud)
        if not examination.healthy:
            # What the operator can see may say why.
            ran = prove_app(session, environment, credential, clock, talk.waiting, Patience(), with_operator=True)
            examination = examine(ran.case, cloud)
    else:
        signed_in = prove_user(session, environment, known["client_id"], talk.sign_in_prompt)
        if signed_in is None:
            return None
        examination = examine(signed_in.case, cloud)
    terminal.clear()
    terminal.say()
    terminal.say(f"Proof for {environment.name}", "bold")
    for line, style in examination_lines(examination, terminal.width):
        terminal.say(line, style)
    return examination


def finish(common: Common, terminal: Terminal, done: Sequence[Converged]) -> None:
    """Say what became of it, what to type next, and leave with the right exit code."""
    from pbisetup.model.errors import ExitCode
    from pbisetup.ui.summary import next_commands, result_json, summary_lines

    codes = [each.exit_code for each in done]
    order = (ExitCode.INTERRUPTED, ExitCode.PARTIAL, ExitCode.HANDOFF, ExitCode.WRONG, ExitCode.OK)
    code = next((c for c in order if c in codes), ExitCode.OK)
    if common.json:
        shown = [result_json(each) for each in done]
        terminal.result(json.dumps({"schema": "pbisetup/apply/v1", "environments": shown}, indent=2))
    else:
        terminal.say()
        for each in done:
            for line in summary_lines(each):
                terminal.wrapped_result(line)
        for line in next_commands(done, code):
            terminal.result(line)
    raise typer.Exit(code)
