"""Proving an app: its credential is tried for real, and the API asked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from pbisetup.execution.converged import Converged
from pbisetup.execution.looking import Place
from pbisetup.model.case import Asked
from pbisetup.model.facts import Known, value_of
from pbisetup.model.manifest import Environment
from pbisetup.model.snapshot import Snapshot
from pbisetup.observe.admission import AsSeen, as_the_app
from pbisetup.observe.engine import Ran
from pbisetup.observe.examination import Question, examine_live
from pbisetup.observe.patience import TOKEN_PATIENCE, Patience, examine_patiently
from pbisetup.observe.session import Session
from pbisetup.planning.wanted import uses_capacity_itself, wanted_scopes, wanted_settings
from pbisetup.services.app_assertion import fitting
from pbisetup.services.app_sign_in import Credential
from pbisetup.services.clock import Clock, Waits
from pbisetup.services.identity import user_tokens


def proof_with(place: Place, seen: Snapshot, held: Credential | None) -> Credential | None:
    """What the app is proved with. Of a federated credential the ids are enough, wherever they are kept; it comes with an
    assertion of whom the app trusts, or with the reason why there is none here.
    """
    if place.environment.credential.kind != "federated":
        return held
    app = value_of(seen.app)
    if held is None and app is not None and app.federated:
        held = Credential("federated", seen.tenant.id, app.client_id, "the manifest")
    return fitting(place.session.network, held, value_of(seen.trusted)) if held is not None else None


def admissions(
    place: Place, credential: Credential | None, clock: Clock, waiting: Waits, *, just_made: bool
) -> AsSeen | None:
    """What the app's own token tells of what nobody who is signed in can see; None where it tells nothing.

    A credential that was just made is waited for until the token endpoint knows it.
    """
    if credential is None or not credential.usable:
        return None
    session, environment = place.session, place.environment
    if just_made:
        prove_app(session, None, credential, clock, waiting, Patience(TOKEN_PATIENCE))
    seen = as_the_app(
        session.network,
        credential,
        wanted_settings(environment),
        admission=True,
        capacities=uses_capacity_itself(environment),
    )
    facts = (seen.admitted, seen.capacities, *seen.admitted_by.values())
    return seen if any(isinstance(fact, Known) for fact in facts) else None


def proof_patience(done: Converged, seconds: int) -> Patience:
    """How long a proof waits for what this run changed."""
    changed = bool(done.outcomes("done"))
    lacks = any(done.outcomes(status) for status in ("handed off", "failed", "not run"))
    lacks = lacks or any(
        step.change == "leave" and step.id.startswith(("setting", "workspace-")) for step in done.plan.steps
    )
    # What somebody else must do, what failed, or what nobody touched does not come by waiting.
    return Patience(TOKEN_PATIENCE if changed else 0, seconds if not lacks and done.changed_access else 0)


def prove_app(
    session: Session,
    environment: Environment | None,
    credential: Credential,
    clock: Clock,
    waiting: Waits,
    patience: Patience,
    *,
    principal_id: str | None = None,
    with_operator: bool = False,
) -> Ran:
    """Try the app's credential for real; without an environment only whether the API lets it in."""
    question = _question(session, environment, credential, "app", principal_id)
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
