"""What somebody else must do: the missing steps of a plan, for each role apart, as data that every form is written from.

Pure. `operations` says what is read and changed, `writers` which operations an action is, `az`, `bash` and `powershell` how
they are spelled, `portal` and `consent` where a person does the same by hand.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pbisetup.model.cloud import Cloud
from pbisetup.model.facts import value_of
from pbisetup.model.manifest import Manifest
from pbisetup.model.plan import Action, Plan, Step, Who
from pbisetup.model.snapshot import Snapshot
from pbisetup.model.tenant import TrustedSubject
from pbisetup.planning.federated_steps import FEDERATED_KINDS
from pbisetup.planning.handoff.az import Az
from pbisetup.planning.handoff.consent import asks_for_consent, consent_page
from pbisetup.planning.handoff.credential import (
    PublicCredential,
    asked_of_others,
    credential_step,
    is_held,
)
from pbisetup.planning.handoff.model import Consent, Handoff, Portal, Section, Task
from pbisetup.planning.handoff.operations import Find, Operation, Written, makes
from pbisetup.planning.handoff.portal import portal
from pbisetup.planning.handoff.text import shown, variable, variables, with_variables
from pbisetup.planning.handoff.writers import Scope, application, group, service_principal, workspace_called, written

__all__ = ["Consent", "Handoff", "Portal", "PublicCredential", "Section", "Task", "asks_for_consent", "hand_off"]

_SECRET_STEPS = frozenset({"add_secret", "make_certificate", "add_owner"})
"""What a public credential stands in for: then nobody here needs a secret, or to own the app to make one."""


def hand_off(
    manifest: Manifest,
    plan: Plan,
    cloud: Cloud,
    snapshot: Snapshot | None = None,
    credential: PublicCredential | None = None,
    role: Who | None = None,
) -> Handoff:
    """The missing steps by role; with `role` only what that one is asked for.

    `snapshot`: what the plan was made from, without which no page for consent is offered. With a `credential` somebody who
    may is asked to add it to the app, and nobody needs a secret.
    """
    steps = [*plan.changes, *plan.unseen]
    if credential is not None:
        steps = [s for s in steps if s.action is not None and s.action.kind not in _SECRET_STEPS]
        steps = [asked_of_others(s) if _adds(s, credential) else s for s in steps]
        if not is_held(credential, snapshot) and not any(_adds(s, credential) for s in steps):
            steps.append(credential_step(credential, plan, cloud, _own_name(manifest, plan, snapshot)))
    missing = [s for s in steps if s.allowed is False and s.who != ("you",)]
    yours = tuple(s for s in steps if s not in missing)
    writer = _Writer(manifest, plan, cloud, snapshot)
    tasks = [writer.task(step, _before(step, steps, yours)) for step in missing if _concerns(step, role)]
    grouped: dict[tuple[Who, ...], list[Task]] = {}
    for task in tasks:
        grouped.setdefault(task.who, []).append(task)
    sections = tuple(Section(who, tuple(writer.lookups(asked)), tuple(asked)) for who, asked in grouped.items())
    needed = writer.finders_for(name for task in tasks for name in task.needs)
    return Handoff(
        plan.environment,
        sections,
        yours,
        plan.outputs,
        needed,
        tuple(tasks),
        role,
        asked=tuple(dict.fromkeys(step.who for step in missing)),
        undecided=tuple(s for s in plan.steps if s.deferred and s.allowed is None and _concerns(s, role)),
        in_the_way=plan.unmet,
    )


def _adds(step: Step, credential: PublicCredential) -> bool:
    """Whether the plan itself has the app trust that subject."""
    if not isinstance(credential, TrustedSubject) or step.action is None:
        return False
    pair = (step.action.params.get("issuer"), step.action.params.get("subject"))
    return step.action.kind in FEDERATED_KINDS and pair == (credential.issuer, credential.subject)


def _own_name(manifest: Manifest, plan: Plan, snapshot: Snapshot | None) -> str | None:
    """How plans will look for it afterwards, where the manifest wants a federated credential and there is none so far."""
    environment = manifest.environments.get(plan.environment)
    if environment is None or environment.credential.kind != "federated":
        return None
    name = manifest.federated_name(environment.name)
    app = value_of(snapshot.app) if snapshot else None
    listed = (app.federated if app else None) or ()
    return None if any(each.name.lower() == name.lower() for each in listed) else name


def _concerns(step: Step, role: Who | None) -> bool:
    return role is None or role in step.who


@dataclass
class _Writer:
    manifest: Manifest
    plan: Plan
    cloud: Cloud
    snapshot: Snapshot | None

    def __post_init__(self) -> None:
        self.client_id = self.plan.outputs.get("client_id", variable("client_id"))
        self.finders = self._finders()
        self.az = Az(self.cloud)

    def task(self, step: Step, after: tuple[Step, ...]) -> Task:
        action = step.action
        assert action is not None
        params = with_variables(action.params, self.plan.outputs)
        done = written(action.kind, params, Scope(self.cloud, self.finders))
        if not set(_needed(done)) <= set(self.finders):
            done = Written((), "An id that it takes is not known, and nothing in the plan hands it on.")
        return Task(
            id=step.id,
            kind=action.kind,
            who=step.who,
            title=f"To be checked: {step.title}" if step.deferred else step.title,
            why=step.why,
            commands=tuple(line for each in done.operations for line in self.az.commands(each)),
            note=done.note,
            warning=step.warning or "",
            portal=portal(action.kind, params, self.cloud, self.plan.outputs),
            consent=consent_page(action.kind, params, self.cloud, self.plan.outputs, self.snapshot),
            operations=done.operations,
            needs=tuple(_needed(done)),
            params=action.params,
            unseen=step.deferred or self._unseen(action),
            check=step.deferred,
            after=tuple(each.title for each in after),
        )

    def _unseen(self, action: Action) -> bool:
        """That a policy exempts the app now shows only when a secret is made; a role in a workspace where the operator has
        none shows only to the app.
        """
        if action.kind != "set_workspace_role" or self.snapshot is None:
            return action.kind == "add_secret"
        known = {ws.id for fact in self.snapshot.workspaces.values() if (ws := value_of(fact)) is not None}
        return not self.snapshot.app_looked and action.params.get("workspace_id") not in known

    def lookups(self, tasks: Iterable[Task]) -> Iterable[str]:
        """Commands that find what these tasks need and do not make themselves, each once."""
        made = set[str]()
        needed: list[str] = []
        for task in tasks:
            needed += [name for name in task.needs if name not in made]
            made |= {name for each in task.operations for name in makes(each)}
        for find in self.finders_for(needed).values():
            if find.sets not in made or find.sets in needed:
                yield from self.az.commands(find)

    def finders_for(self, names: Iterable[str]) -> dict[str, Find]:
        """How these variables are found, each behind those that it needs itself."""
        found: dict[str, Find] = {}
        for name in names:
            find = self.finders[name]
            found |= self.finders_for(variables(find.at.path))
            found[name] = find
        return found

    def _finders(self) -> dict[str, Find]:
        """Every id that steps of the plan hand on, by the key or the name that its object has."""
        app = application(self.manifest.unique_name(self.plan.environment))
        named = shown(self.manifest.display_name(self.plan.environment))
        registration = f"the app registration {named!r}"
        found = [
            Find("CLIENT_ID", app, "appId", registration),
            Find("APP_OBJECT_ID", app, "id", registration),
            Find("SP_OBJECT_ID", service_principal(self.client_id), "id", f"the service principal of {named!r}"),
            Find("GROUP_ID", group(self.manifest.group_unique_name("api")), "id", "the security group"),
        ]
        for step in self.plan.steps:
            if step.action is not None and step.action.kind in ("create_group", "create_workspace"):
                found.append(_made_by(step.action))
        return {each.sets: each for each in found}


def _before(step: Step, steps: Iterable[Step], yours: Iterable[Step]) -> tuple[Step, ...]:
    """What the asking person must do before somebody else can do this step."""
    by_id = {each.id: each for each in steps}
    found: dict[str, Step] = {}
    waiting = [*step.needs]
    while waiting:
        need = by_id.get(waiting.pop(0))
        if need is not None and need.id not in found:
            found[need.id] = need
            waiting += need.needs
    return tuple(each for each in found.values() if each in yours)


def _made_by(action: Action) -> Find:
    """How the object is found that such an action makes."""
    p: Mapping[str, str] = with_variables(action.params, {})
    if action.kind == "create_group":
        name = str(p.get("output") or "group_id").upper()
        return Find(name, group(p["unique_name"]), "id", f"the security group {p['display_name']!r}")
    name = str(p.get("output") or "workspace_id").upper()
    return Find(name, workspace_called(p["name"]), "id", f"the workspace {p['name']!r}", by_name=True)


def _needed(done: Written) -> list[str]:
    """Variables that must be known before the operations, in the order of their use."""
    made, needed = set[str](), list[str]()
    for operation in done.operations:
        needed += [name for name in _read(operation) if name not in made]
        made |= set(makes(operation))
    return list(dict.fromkeys(name for name in needed if name != "ROLE_ID"))


def _read(operation: Operation) -> list[str]:
    own = makes(operation)
    return [name for name in variables(operation) if name not in own]
