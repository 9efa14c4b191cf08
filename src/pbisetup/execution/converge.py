"""Making one environment so: look, plan, ask, apply, and look again where only the app's own token shows what is left."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from pbisetup.catalog.wellknown import ADMISSION_CODE
from pbisetup.execution.runner import Reporter, Result, Status, run
from pbisetup.execution.steps import Workbench
from pbisetup.model.errors import Evidence, ExitCode, UsageError
from pbisetup.model.facts import Fact, Known, Unknown
from pbisetup.model.finding import Examination
from pbisetup.model.manifest import Environment, Manifest
from pbisetup.model.plan import Plan
from pbisetup.model.probe import Probe
from pbisetup.model.snapshot import Snapshot
from pbisetup.observe.app import probe, probe_token
from pbisetup.observe.environment import observe
from pbisetup.observe.session import Session
from pbisetup.planning.planner import DeletedChoice, plan_environment
from pbisetup.services.clock import Clock, Waits
from pbisetup.services.identity import user_tokens
from pbisetup.services.journal import Journal
from pbisetup.services.secret_store import AppCredential, Store

ROUNDS = 4


class Hooks(Reporter, Protocol):
    """What the person sees and is asked."""

    def plan(self, plan: Plan) -> None: ...
    def agreed(self, plan: Plan) -> bool: ...
    def waiting(self, what: str, seconds_left: int) -> None: ...
    def stopping(self) -> bool: ...
    def deleted_app(self, environment: str) -> DeletedChoice | None: ...


@dataclass
class Converged:
    """What became of one environment."""

    environment: Environment
    snapshot: Snapshot
    plan: Plan
    results: list[Result] = field(default_factory=list)
    credential: AppCredential | None = None
    declined: bool = False
    examination: Examination | None = None

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
        return bool(ids & {"member", "setting"}) or any(each.startswith("workspace-") for each in ids)

    @property
    def exit_code(self) -> ExitCode:
        """The worst that happened: stopped, failed in part, left to somebody else, unhealthy, fine."""
        if self.interrupted:
            return ExitCode.INTERRUPTED
        if self.outcomes("failed") or self.outcomes("not run"):
            return ExitCode.PARTIAL
        if self.outcomes("handed off"):
            return ExitCode.HANDOFF
        if self.examination is not None and not self.examination.healthy:
            return ExitCode.WRONG
        return ExitCode.OK


def look(
    session: Session,
    manifest: Manifest,
    environment: Environment,
    store: Store,
    clock: Clock,
    *,
    heed_refusals: bool = False,
) -> tuple[Snapshot, Plan]:
    """One look and the plan that follows from it; changes nothing.

    With `heed_refusals`, a step that was tried and refused before counts as somebody else's.
    """
    journal = Journal(manifest.project_id)
    snapshot = observe(session, manifest, environment, store, journal.open_intents(environment.name))
    if heed_refusals:
        snapshot = replace(snapshot, refused=journal.refused_steps(environment.name))
    return snapshot, plan_environment(manifest, environment, snapshot, clock.now())


def converge(
    session: Session, manifest: Manifest, environment: Environment, store: Store, clock: Clock, hooks: Hooks
) -> Converged:
    """Apply what this operator may, in rounds: what nobody signed in can see is decided once the app has a token.

    Raises StoreError before the first write where the secret could not be kept.
    """
    journal = Journal(manifest.project_id)
    deleted: DeletedChoice | None = None
    admitted: Fact[bool] | None = None
    done: Converged | None = None
    credential = store.credential()
    for _ in range(ROUNDS):
        snapshot = observe(session, manifest, environment, store, journal.open_intents(environment.name))
        if admitted is not None:
            snapshot = replace(snapshot, admitted=admitted)
        if isinstance(snapshot.deleted_app, Known) and deleted is None:
            deleted = _deleted_choice(hooks, environment.name)
        plan = plan_environment(manifest, environment, snapshot, clock.now(), deleted)
        if done is None:
            done = Converged(environment, snapshot, plan, credential=credential)
            hooks.plan(plan)
        else:
            done.snapshot, done.plan = snapshot, plan
            if not plan.changes:
                break
            hooks.plan(plan)
        if plan.own and not hooks.agreed(plan):
            done.declined = True
            break
        result, made = _apply(session, plan, store, journal, clock, hooks)
        done.results.append(result)
        if made is not None:
            credential = done.credential = made
        undecided = any(step.deferred for step in plan.steps)
        if result.interrupted or result.of("failed") or not (undecided or plan.again):
            break
        if undecided:
            admitted = _admission(session, credential, clock, hooks, just_made=made is not None)
            if not isinstance(admitted, Known):
                break
    assert done is not None
    return done


def _apply(
    session: Session, plan: Plan, store: Store, journal: Journal, clock: Clock, hooks: Hooks
) -> tuple[Result, AppCredential | None]:
    makes_secret = any(step.id == "secret" for step in plan.own)
    opened = store.open() if makes_secret else None
    bench = Workbench(session, plan.environment, journal, clock, hooks.waiting, opened)
    try:
        return run(plan, bench, hooks, hooks.stopping), bench.credential
    finally:
        if opened is not None:
            opened.close()


def _deleted_choice(hooks: Hooks, environment: str) -> DeletedChoice:
    choice = hooks.deleted_app(environment)
    if choice is None:
        raise UsageError(
            "PBI903",
            f"an app registration of {environment!r} was deleted less than 30 days ago and still holds its unique name",
            remedy="--deleted-app restore brings it back, --deleted-app purge removes it for good.",
        )
    return choice


def _admission(
    session: Session, credential: AppCredential | None, clock: Clock, hooks: Hooks, *, just_made: bool
) -> Fact[bool]:
    """Whether the API admits the app, asked with its own token."""
    if credential is None or credential.secret is None:
        return Unknown("the app has no credential yet")
    tried = probe(session.network, credential, (), clock=clock, waiting=hooks.waiting, just_changed=just_made)
    answer = tried.groups
    if answer is not None and answer.ok:
        return Known(True, answer.evidence)
    if answer is not None and answer.code == ADMISSION_CODE:
        return Known(False, answer.evidence)
    said = tried.token.message if tried.token and not tried.token.issued else "the API did not say"
    return Unknown(said, Evidence("Power BI API", "app", said))


def visible_workspaces(session: Session) -> Sequence[tuple[str, str]]:
    """(id, name) of the workspaces that the operator can see, in the API's order; empty where they cannot be read."""
    answer = session.powerbi.get("/v1.0/myorg/groups")
    listed = answer.objects if answer.ok else []
    return [(str(w.get("id")), str(w.get("name"))) for w in listed]


def outputs(done: Converged) -> dict[str, str]:
    """The ids that are known now: from the directory, and from what was just made."""
    known = dict(done.plan.outputs)
    for result in done.results:
        known.update(result.outputs)
    return known


def prove_app(
    session: Session, environment: Environment, done: Converged, clock: Clock, waiting: Waits, patience: int
) -> Probe | None:
    """Try the app's credential, with patience where something was just changed; None where none is held here."""
    credential = done.credential
    if credential is None or credential.secret is None:
        return None
    changed = bool(done.outcomes("done"))
    complete = not any(done.outcomes(status) for status in ("handed off", "failed", "not run"))
    return probe(
        session.network,
        credential,
        environment.workspaces,
        clock=clock,
        waiting=waiting,
        just_changed=changed,
        # What somebody else must do, what failed, or what nobody touched does not come by waiting.
        admission_patience=patience if complete and done.changed_access else 0,
    )


def prove_user(
    session: Session, environment: Environment, client_id: str, prompt: Callable[[str, str, str], None]
) -> Probe | None:
    """Sign the operator in to the new app, by the same route; None where the operator came without a person."""
    route = session.operator.route
    if route not in ("browser", "device"):
        return None
    tokens = user_tokens(
        session.network, route, session.tenant.id, client_id, prompt=prompt, patience=120, observer="app"
    )
    return probe_token(session.network, tokens, environment.workspaces)
