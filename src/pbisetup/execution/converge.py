"""Making one environment so: look, plan, ask, apply, and look again where only the app's own token shows what is left."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, Protocol

from pbisetup.catalog.wellknown import ADMISSION_CODE
from pbisetup.execution.applying import Watcher, apply_plan
from pbisetup.execution.runner import Result, Status
from pbisetup.model.case import ANSWER, TOKEN, Asked
from pbisetup.model.errors import Evidence, ExitCode, UsageError
from pbisetup.model.facts import Fact, Known, Unknown
from pbisetup.model.finding import Examination
from pbisetup.model.manifest import Environment, Manifest
from pbisetup.model.plan import Plan
from pbisetup.model.snapshot import Snapshot
from pbisetup.observe.engine import Ran
from pbisetup.observe.environment import observe
from pbisetup.observe.examination import Question, examine_live
from pbisetup.observe.patience import GROUPS, TOKEN_PATIENCE, Patience, examine_patiently
from pbisetup.observe.session import Session
from pbisetup.planning.planner import DeletedChoice, plan_environment
from pbisetup.planning.wanted import wanted_scopes
from pbisetup.services.app_sign_in import Credential
from pbisetup.services.clock import Clock, Waits
from pbisetup.services.identity import user_tokens
from pbisetup.services.journal import Journal
from pbisetup.services.secret_store import AppCredential, Store

ROUNDS = 4


class Hooks(Watcher, Protocol):
    """What the person sees and is asked."""

    def plan(self, plan: Plan) -> None: ...
    def agreed(self, plan: Plan) -> bool: ...
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
        result = apply_plan(session, plan, store, journal, clock, hooks)
        done.results.append(result)
        if result.credential is not None:
            credential = done.credential = result.credential
        undecided = any(step.deferred for step in plan.steps)
        if result.interrupted or result.of("failed") or not (undecided or plan.again):
            break
        if undecided:
            admitted = _admission(session, credential, clock, hooks, just_made=result.credential is not None)
            if not isinstance(admitted, Known):
                break
    assert done is not None
    return done


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
    patience = Patience(TOKEN_PATIENCE if just_made else 0)
    case = prove_app(session, None, credential, clock, hooks.waiting, patience).case
    answer, attempt = case.value(ANSWER, GROUPS), case.value(TOKEN, "powerbi")
    if answer is not None and answer.ok:
        return Known(True, answer.evidence)
    if answer is not None and answer.code == ADMISSION_CODE:
        return Known(False, answer.evidence)
    said = attempt.message if attempt and not attempt.issued else "the API did not say"
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


def proof_patience(done: Converged, seconds: int) -> Patience:
    """How long a proof waits for what this run changed."""
    changed = bool(done.outcomes("done"))
    complete = not any(done.outcomes(status) for status in ("handed off", "failed", "not run"))
    # What somebody else must do, what failed, or what nobody touched does not come by waiting.
    return Patience(TOKEN_PATIENCE if changed else 0, seconds if complete and done.changed_access else 0)


def prove_app(
    session: Session,
    environment: Environment | None,
    credential: AppCredential,
    clock: Clock,
    waiting: Waits,
    patience: Patience,
    *,
    principal_id: str | None = None,
    with_operator: bool = False,
) -> Ran:
    """Try the app's credential for real; without an environment only whether the API lets it in."""
    kept = Credential(
        "secret" if credential.secret else "none",
        credential.tenant_id,
        credential.client_id,
        credential.where,
        secret=credential.secret,
    )
    question = _question(session, environment, kept, "app", principal_id)
    if with_operator:
        question.look_with(session)
    return examine_patiently(lambda: _look(question), patience, clock, waiting)


def prove_user(
    session: Session, environment: Environment, client_id: str, prompt: Callable[[str, str, str], None]
) -> Ran | None:
    """Sign the operator in to the new app, by the same route; None where the operator came without a person."""
    route = session.operator.route
    if route not in ("browser", "device"):
        return None
    network, tenant = session.network, session.tenant.id
    person = Credential(
        "sign-in",
        tenant,
        client_id,
        "the manifest",
        sign_in=lambda: user_tokens(network, route, tenant, client_id, prompt=prompt, patience=120, observer="app"),
    )
    return _look(_question(session, environment, person, "user"))


def _question(
    session: Session,
    environment: Environment | None,
    credential: Credential,
    sign_in: Literal["app", "user"],
    principal_id: str | None = None,
) -> Question:
    env = environment
    asked = Asked(
        environment=env.name if env else None,
        cloud=session.network.cloud.meant,
        sign_in=sign_in,
        purposes=env.purposes if env else ("automation",),
        tenant=session.tenant.id,
        client_id=credential.client_id,
        principal_id=principal_id,
        workspaces=env.workspaces if env else (),
        stated_roles=env is not None,
        scopes=frozenset(wanted_scopes(env)) if env and sign_in == "user" else frozenset(),
        groups=dict(env.groups) if env else {},
    )
    return Question(asked, session.network, credential)


def _look(question: Question) -> Ran:
    try:
        return examine_live(question)
    finally:
        question.close()
