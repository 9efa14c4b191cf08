"""How an environment stands, at a glance: snapshot and plan made into one row. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from pbisetup.model.errors import ExitCode, PbisetupError
from pbisetup.model.facts import Absent, Known, Unknown, value_of
from pbisetup.model.manifest import Environment, Manifest
from pbisetup.model.plan import Plan, Step
from pbisetup.model.snapshot import Snapshot
from pbisetup.model.tenant import AppRegistration, TenantInfo
from pbisetup.planning.credential_steps import wish
from pbisetup.planning.federated_steps import held_federated
from pbisetup.planning.held import AppKey, held_credential, key_of_stored, keys_of, kind_of, made_for, renewed_before
from pbisetup.planning.situation import Situation
from pbisetup.planning.wanted import is_service_app, wanted_scopes

Consent = Literal["granted", "missing", "each person", "not needed", "unknown"]
"""`each person`: people are asked, each by each, when they sign in."""
CredentialState = Literal["ok", "expiring", "expired", "refused", "missing", "elsewhere", "unknown", "not needed"]
Problem = Literal[
    "not_applied", "drift", "left_alone", "credential_expired", "credential_expiring", "unreachable", "failed"
]


@dataclass(frozen=True)
class CredentialStanding:
    """What the app signs in with."""

    state: CredentialState
    """`elsewhere`: the app has one that pbisetup made, but its value is not kept on this machine."""
    why: str
    kind: str | None = None
    ends: datetime | None = None
    days_left: int | None = None
    """Whole days; negative once it has expired."""
    where: str | None = None
    """Where its value is kept; None where it is not kept here."""


@dataclass(frozen=True)
class Standing:
    """One environment: what is there, and what of it is not as the manifest says."""

    environment: str
    tenant: TenantInfo | None = None
    client_id: str | None = None
    app_object_id: str | None = None
    sp_object_id: str | None = None
    applied: bool = False
    deleted: bool = False
    """Whether the app registration lies in the recycle bin."""
    consent: Consent = "unknown"
    credential: CredentialStanding = CredentialStanding("unknown", "it was not looked at")
    drift: tuple[Step, ...] = ()
    """What `apply` would change, by whomever; empty before there is an app."""
    undecided: tuple[Step, ...] = ()
    """What this operator cannot see: no drift."""
    notes: tuple[Step, ...] = ()
    """What is not as pbisetup would make it, and left alone on purpose: no drift."""
    error: PbisetupError | None = None
    """Why it could not be looked at."""

    @property
    def problems(self) -> tuple[Problem, ...]:
        if self.error is not None:
            return ("unreachable" if self.error.exit_code == ExitCode.NO_ACCESS else "failed",)
        if not self.applied:
            return ("not_applied",)
        found: list[Problem] = ["drift"] if self.drift else []
        if any(step.blocks for step in self.notes):
            found.append("left_alone")
        if self.credential.state == "expired":
            found.append("credential_expired")
        if self.credential.state == "expiring":
            found.append("credential_expiring")
        return tuple(found)

    @property
    def others(self) -> tuple[Step, ...]:
        """The drift that somebody else must mend."""
        return tuple(step for step in self.drift if step.allowed is False)


def unreached(environment: Environment, error: PbisetupError) -> Standing:
    """The row of an environment that could not be looked at."""
    return Standing(environment.name, error=error)


def standing(
    manifest: Manifest,
    environment: Environment,
    seen: Snapshot,
    plan: Plan,
    now: datetime,
    fail_within: timedelta | None = None,
) -> Standing:
    """The row of an environment. A credential that ends within `fail_within` counts as expiring."""
    app, sp = value_of(seen.app), value_of(seen.service_principal)
    credential = _credential(manifest, environment, seen, now, fail_within)
    unseen = tuple(step for step in plan.steps if step.deferred or _unseen(step, seen))
    drift = [s for s in plan.changes if s not in unseen and not s.tidies and not _only_not_here(s, credential)]
    return Standing(
        environment.name,
        tenant=seen.tenant,
        client_id=app.client_id if app else None,
        app_object_id=app.object_id if app else None,
        sp_object_id=sp.object_id if sp else None,
        applied=app is not None,
        deleted=isinstance(seen.deleted_app, Known),
        consent=_consent(environment, seen, plan),
        credential=credential,
        drift=tuple(drift) if app else (),
        undecided=unseen if app else (),
        notes=tuple(step for step in plan.steps if step.change == "leave" or step.tidies) if app else (),
    )


def exit_code(rows: Iterable[Standing]) -> ExitCode:
    """3 where a tenant could not be reached, else 1 where anything is not as it should be."""
    problems = {problem for row in rows for problem in row.problems}
    if "unreachable" in problems:
        return ExitCode.NO_ACCESS
    return ExitCode.WRONG if problems else ExitCode.OK


def _unseen(step: Step, seen: Snapshot) -> bool:
    """Whether a change is planned only because this operator could not look whether it is needed."""
    if step.action is None or step.action.kind != "set_workspace_role":
        return False
    keys = (step.action.params.get("workspace_name"), step.action.params.get("workspace_id"))
    return any(isinstance(seen.workspaces.get(str(key)), Unknown) for key in keys if key)


def _only_not_here(step: Step, credential: CredentialStanding) -> bool:
    """Whether a new credential is planned only because this machine, a fresh clone, does not keep the one there is."""
    if step.action is not None and step.action.kind == "keep_ids":
        return credential.state == "ok"
    made = step.action is not None and step.action.kind in ("add_secret", "make_certificate")
    return made and credential.where is None and credential.state in ("elsewhere", "expiring")


def _consent(environment: Environment, seen: Snapshot, plan: Plan) -> Consent:
    if not wanted_scopes(environment):
        return "not needed"
    if any(step.action is not None and step.action.kind == "grant_delegated" for step in plan.changes):
        return "missing"
    if isinstance(seen.delegated_grants, Unknown):
        return "unknown"
    return "granted" if environment.consent == "all" else "each person"


def _credential(
    manifest: Manifest, environment: Environment, seen: Snapshot, now: datetime, fail_within: timedelta | None
) -> CredentialStanding:
    if not is_service_app(environment):
        return CredentialStanding("not needed", "people sign in to the app")
    kind = wish(Situation(manifest, environment, seen, now)).kind
    app, stored = value_of(seen.app), value_of(seen.stored)
    where = stored.where if stored else None
    if app is None:
        return CredentialStanding("missing", "there is no app yet", kind)
    if kind == "federated":
        return _trusted(manifest, environment, app, seen, where)
    held, why = held_credential(manifest, environment, seen, now, kind)
    if held is None and stored is not None:
        mine = key_of_stored(app, stored) if stored.client_id.lower() == app.client_id.lower() else None
        if mine is None:
            return CredentialStanding("missing", why, kind)
        soon = mine.ends is not None and mine.ends - now < renewed_before(mine)
        state: CredentialState = "refused" if seen.token_refusals else "expiring" if soon else "missing"
        return _dated(state, why, kind_of(mine), mine, now, None, where)
    if held is None:
        made = [k for k in keys_of(app) if made_for(manifest, environment, k) and k.display_name not in seen.journalled]
        return _made_before(seen, made, why, kind, now, fail_within)
    return _dated("ok", why, kind, held, now, fail_within, where)


def _trusted(
    manifest: Manifest, environment: Environment, app: AppRegistration, seen: Snapshot, where: str | None
) -> CredentialStanding:
    """A federated credential, which never ends; where its ids are kept does not decide whether it opens the app."""
    if app.federated is None:
        return CredentialStanding("unknown", "the app's federated credentials could not be read", "federated")
    held = held_federated(manifest, environment, seen)
    if held is None:
        return CredentialStanding("missing", "the app trusts nobody whom the manifest names", "federated")
    return CredentialStanding("ok", f"{held.name!r} trusts {held.subject!r} of {held.issuer}", "federated", where=where)


def _made_before(
    seen: Snapshot, made: Sequence[AppKey], why: str, kind: str, now: datetime, fail_within: timedelta | None
) -> CredentialStanding:
    """A credential whose value this machine does not keep: by what pbisetup made earlier, the one that lives longest."""
    if not made:
        return CredentialStanding("unknown" if isinstance(seen.stored, Unknown) else "missing", why, kind)
    longest = max(made, key=lambda k: k.ends or datetime.max.replace(tzinfo=now.tzinfo))
    elsewhere: CredentialState = "elsewhere" if isinstance(seen.stored, Absent) else "unknown"
    return _dated(elsewhere, f"{longest.display_name!r}; {why}", kind_of(longest), longest, now, fail_within, None)


def _dated(
    state: CredentialState,
    why: str,
    kind: str,
    key: AppKey,
    now: datetime,
    fail_within: timedelta | None,
    where: str | None,
) -> CredentialStanding:
    if key.ends is None:
        return CredentialStanding(state, why, kind, where=where)
    left = key.ends - now
    if left <= timedelta(0):
        state = "expired"
    elif state != "refused" and fail_within is not None and left <= fail_within:
        state = "expiring"
    return CredentialStanding(state, why, kind, key.ends, left // timedelta(days=1), where)
