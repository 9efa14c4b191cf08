"""One run of `doctor`: a question that can be asked again, what mends its answer, and how it is told."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from pbisetup.cli.context import Common
from pbisetup.cli.credential import Found
from pbisetup.cli.doctor_report import Seen
from pbisetup.cli.question import Wanted, build

if TYPE_CHECKING:
    from pbisetup.cli.talk import Talk
    from pbisetup.execution.runner import Outcome
    from pbisetup.model.finding import Examination
    from pbisetup.model.manifest import Environment, Manifest
    from pbisetup.observe.engine import Ran
    from pbisetup.observe.session import Session
    from pbisetup.services.files import PrivateFile
    from pbisetup.services.network import Network
    from pbisetup.ui.terminal import Terminal

ROUNDS = 4
"""Layers of fault that are mended one after the other; two are normal."""


class Run:
    """The examination of one app, from the start as often as it is asked for."""

    def __init__(self, common: Common, terminal: Terminal, reach: Network, found: Found, wanted: Wanted) -> None:
        self.common, self.terminal, self.reach, self.found, self.wanted = common, terminal, reach, found, wanted
        self.question = build(common, terminal, reach, found, wanted)
        self.outcomes: dict[str, Outcome] = {}
        self.ran: Ran
        self.examination: Examination

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.question.close()

    def examine(self) -> None:
        """Look at everything, from the start and with new tokens."""
        from pbisetup.observe.examination import examine_live

        self.question.forget()
        self.terminal.transient("  … examining")
        try:
            self._keep(examine_live(self.question))
        finally:
            self.terminal.clear()

    def _keep(self, ran: Ran) -> None:
        from pbisetup.diagnosis.rules import examine

        self.ran, self.examination = ran, examine(ran.case, self.reach.cloud)

    def seen(self) -> Seen:
        """What there is to tell."""
        from pbisetup.model.case import SIGNED_IN
        from pbisetup.model.facts import Known

        blind = self.question.operator is not None and not isinstance(self.ran.case.fact(SIGNED_IN, "graph"), Known)
        manifest = None
        path = self.common.manifest_path
        if self.found.environment is not None and path.exists():
            manifest = (_relative(path), path.read_text(encoding="utf-8", errors="replace"))
        return Seen(self.ran.case, self.reach.cloud, self.examination, manifest, tuple(self.outcomes.values()), blind)

    def record(self, file: PrivateFile, *, names: bool) -> None:
        """Write what was seen."""
        from pbisetup import __version__
        from pbisetup.model.recording import dump
        from pbisetup.observe.expectation import expected_of
        from pbisetup.observe.recorder import record
        from pbisetup.services.recording_file import commit

        made = record(
            self.ran.case,
            __version__,
            manifest=self.found.manifest,
            environment=self.found.environment,
            expected=expected_of(self.ran.case, self.reach.cloud),
            names=names,
        )
        commit(file, dump(replace(made, cloud=self.reach.cloud.name)))
        what = (
            "with names and ids as they are" if names else "names and ids replaced; look it over before you pass it on"
        )
        self.terminal.say(f"recorded in {file.path}: {what}", "dim")

    # -- mending -------------------------------------------------------------------------------------------------

    def mend(self, *, yes: bool) -> None:
        """Do what the findings ask for, as far as this operator may; after each round everything is examined anew."""
        from pbisetup.cli.talk import Talk

        waited = True  # nothing was done that could take time to act
        for _ in range(2 * ROUNDS):
            session = self._session()
            if self.examination.healthy or session is None:
                return
            manifest, environment = self._place()
            plan = self._plan(session, manifest, environment)
            if not plan.steps or (self.outcomes and {step.id for step in plan.changes} <= set(self.outcomes)):
                if waited:
                    return
                self._examine_patiently()  # there is nothing else to do: what was done may not act yet
                waited = True
                continue
            talk = Talk(self.terminal, {plan.environment: session.tenant}, yes)
            talk.plan([plan])
            if not plan.changes:
                return
            result = self._apply(session, manifest, environment, plan, talk)
            if result is None:
                return
            if result.of("done"):
                self.examine()  # what lay behind shows at once, and is mended before anything is waited for
                waited = False

    def _apply(self, session: Session, manifest: Manifest, environment: Environment, plan: Any, talk: Talk) -> Any:
        """The result, or None where it was declined. Raises KeyboardInterrupt where somebody stopped it."""
        import signal

        from pbisetup.cli.places import store_for
        from pbisetup.execution.mending import apply_fixes
        from pbisetup.services.clock import ServiceClock

        before = signal.getsignal(signal.SIGINT)
        try:
            if plan.own and not talk.agreed([plan]):
                return None
            store = store_for(
                self.common, environment, self.terminal, self.reach, manifest.project_id, session.door.tokens
            )
            result = apply_fixes(session, manifest, plan, store, ServiceClock(self.reach), talk.of(plan.environment))
        finally:
            signal.signal(signal.SIGINT, before)
        self.outcomes |= {outcome.step.id: outcome for outcome in result.outcomes}
        if result.credential is not None:
            self._sign_in_with(result.credential)
        if result.interrupted or talk.stopping():
            done = len(result.of("done"))
            self.terminal.say(
                f"{done} of {len(plan.changes)} changes made; the same command goes on from here", "yellow"
            )
            raise KeyboardInterrupt
        return result

    def _session(self) -> Session | None:
        """The operator, as they signed in for this examination."""
        from pbisetup.model import case as keys
        from pbisetup.model.tenant import TenantInfo
        from pbisetup.observe.session import session

        case, door = self.ran.case, self.question.door
        operator = case.value(keys.OPERATOR)
        if door is None or operator is None:
            return None
        tenant = case.value(keys.TENANT) or TenantInfo(door.tenant_id, door.tenant_id, door.tenant_id)
        may = case.value(keys.MAY_CREATE_APPS), case.value(keys.MAY_CREATE_GROUPS)
        return session(door, tenant, operator, *may)

    def _place(self) -> tuple[Manifest, Environment]:
        """Manifest and environment; where the app is in none, ones for this run that are called after it."""
        from pbisetup.model.manifest import Environment, Manifest

        if self.found.manifest is not None and self.found.environment is not None:
            return self.found.manifest, self.found.environment
        asked = self.question.asked
        name = (asked.client_id or "app").lower()
        environment = Environment(name, asked.tenant, asked.purposes, workspaces=asked.workspaces, groups=asked.groups)
        return Manifest(name[:6], "doctor", asked.cloud, {name: environment}), environment

    def _plan(self, session: Session, manifest: Manifest, environment: Environment) -> Any:
        from pbisetup.model import case as keys
        from pbisetup.observe.members import in_words, who_else
        from pbisetup.planning.arranging import groups_let_in
        from pbisetup.planning.mending import mend

        case, examination, now = self.ran.case, self.examination, self.reach.now()
        plan = mend(examination, case, manifest, environment, now)
        principal = case.value(keys.SERVICE_PRINCIPAL)
        own = principal.object_id if principal else None
        words = {id_: in_words(who_else(session, id_, own)) for id_ in groups_let_in(plan)}
        return mend(examination, case, manifest, environment, now, words) if words else plan

    def _sign_in_with(self, credential: Any) -> None:
        """From now on the app signs in with the secret that was just made."""
        from pbisetup.services.app_sign_in import Credential

        made = Credential(
            "secret", credential.tenant_id, credential.client_id, credential.where, secret=credential.secret
        )
        self.found = replace(self.found, credential=made)
        self.question.credential = made

    def _examine_patiently(self) -> None:
        from pbisetup.observe.examination import examine_live
        from pbisetup.observe.patience import TOKEN_PATIENCE, Patience, examine_patiently
        from pbisetup.services.clock import ServiceClock
        from pbisetup.ui.progress import Progress

        def look() -> Ran:
            self.question.forget()
            return examine_live(self.question)

        waiting = Progress(self.terminal).waiting
        try:
            self._keep(examine_patiently(look, Patience(TOKEN_PATIENCE, 120), ServiceClock(self.reach), waiting))
        finally:
            self.terminal.clear()

    def wait(self, patience: int) -> None:
        """Examine again, with new tokens, until all is well or the time is up."""
        from pbisetup.catalog.waits import waits
        from pbisetup.services.clock import ServiceClock, count_down
        from pbisetup.ui.progress import Progress

        clock, waiting = ServiceClock(self.reach), Progress(self.terminal).waiting
        deadline = clock.monotonic() + patience
        pause, told = 5.0, ""
        while not self.examination.healthy and clock.monotonic() < deadline:
            errors = [each for each in self.examination.findings if each.severity == "error"]
            # What is only possible is not waited for where something likelier is the reason.
            ranked = [each for each in errors if each.certainty != "possible"] or errors
            known = next((waits()[each.cause] for each in ranked if each.cause in waits()), None)
            if known is None:
                self.terminal.say("not waited for: nothing that was found passes by itself", "yellow")
                return
            if known.usual != told:
                told = known.usual
                self.terminal.wrapped(f"waiting: {known.what}. It usually takes {known.usual}.")
            count_down(clock, waiting, known.what, pause, deadline)
            pause = min(pause * 1.5, 20.0)
            self.examine()


def _relative(path: Path) -> str:
    try:
        return path.relative_to(Path.cwd()).as_posix()
    except ValueError:
        return path.name
