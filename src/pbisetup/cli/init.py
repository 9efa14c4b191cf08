"""`init`: the wizard. Every question has a flag; answers go into the manifest, and from there on it is `apply`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pbisetup.cli import options as opt
from pbisetup.cli.context import Common, command, load_manifest, network, seconds, signed_in, tenant_of

if TYPE_CHECKING:
    from pbisetup.model.manifest import Manifest
    from pbisetup.observe.session import Session
    from pbisetup.ui.terminal import Terminal


@dataclass(frozen=True)
class Answers:
    """What the manifest is made from; None: not answered yet."""

    name: str | None = None
    environments: tuple[str, ...] | None = None
    purposes: tuple[str, ...] | None = None
    workspaces: Mapping[str, tuple[str, ...]] | None = None
    """Environment -> workspace names or ids."""
    role: str | None = None
    store: str | None = None
    lifetime: str | None = None
    group: str | None = None


def init(
    name: Annotated[
        str | None, typer.Option("--name", help="Name of the project; the apps are called NAME-ENV.")
    ] = None,
    env: Annotated[str | None, typer.Option("--env", help="Environments, with commas: dev,test,prod.")] = None,
    purpose: Annotated[str | None, typer.Option("--purpose", help="automation or user-sign-in.")] = None,
    workspace: Annotated[
        list[str] | None,
        typer.Option("--workspace", metavar="[ENV=]NAME", help="A workspace by name or id; may be repeated."),
    ] = None,
    role: Annotated[str | None, typer.Option("--role", help="Admin, Member, Contributor or Viewer.")] = None,
    store: Annotated[str | None, typer.Option("--store", help="Where the secret goes: env-file or stdout.")] = None,
    lifetime: Annotated[str | None, typer.Option("--lifetime", help="Life of the secret, such as 90d.")] = None,
    group: Annotated[
        str | None, typer.Option("--group", help="Security group for the tenant setting, by name or object id.")
    ] = None,
    yes: opt.Yes = False,
    wait: opt.Wait = "2m",
    deleted_app: opt.DeletedApp = None,
    manifest: opt.ManifestPath = None,
    sandbox: opt.Sandbox = False,
    scenario: opt.Scenario = None,
    cloud: opt.CloudName = None,
    tenant: opt.Tenant = None,
    operator: opt.Operator = "auto",
    operator_client_id: opt.OperatorClientId = None,
    format: opt.Format = "text",
    no_color: opt.NoColor = False,
    verbose: opt.Verbose = False,
) -> None:
    """From nothing to a token that works: app registration, secret, group, tenant setting, workspace role, proof.

    Run it again at any time: what is there already is found and kept.
    """
    common = Common(manifest, sandbox, scenario, cloud, tenant, operator, operator_client_id, format, no_color, verbose)
    with command(common) as terminal:
        from pbisetup.services.lock import one_run

        answers = _from_flags(name, env, purpose, workspace, role, store, lifetime, group)
        patience, path = seconds(wait), common.manifest_path
        with one_run(path):
            existing = load_manifest(common) if path.exists() else None
            if existing is not None:
                _check_against(existing, answers)
            _need_answers(terminal, answers, existing, yes)
            if existing is None:
                answers = _ask_first(terminal, common, answers, yes)
            _run(common, terminal, existing, answers, yes, patience, deleted_app)


def _run(
    common: Common,
    terminal: Terminal,
    existing: Manifest | None,
    answers: Answers,
    yes: bool,
    patience: int,
    deleted: str | None,
) -> None:
    from pbisetup.cli.apply import apply_all, finish

    with network(common, terminal, existing) as reach:
        first = next(iter(existing.environments.values()), None) if existing else None
        tenant = tenant_of(common, first) if first else common.tenant
        with signed_in(common, terminal, reach, tenant) as session:
            _introduce(terminal, session)
            _confirm_tenant(session, yes)
            manifest = _manifest(common, terminal, session, existing, answers, yes)
            wanted = answers.environments or tuple(manifest.environments)
            environments = [manifest.environments[each] for each in wanted]
            done = apply_all(common, terminal, session, manifest, environments, yes, patience, deleted)
    finish(common, terminal, done)


# -- answers -----------------------------------------------------------------------------------------------------


def _from_flags(
    name: str | None,
    env: str | None,
    purpose: str | None,
    workspace: list[str] | None,
    role: str | None,
    store: str | None,
    lifetime: str | None,
    group: str | None,
) -> Answers:
    """What the flags say, checked. Raises UsageError with every mistake at once."""
    from pbisetup.catalog.purposes import planned_purposes
    from pbisetup.model.errors import UsageError
    from pbisetup.model.tenant import WORKSPACE_ROLES
    from pbisetup.planning.manifest import environment_problem, name_problem, parse_lifetime

    problems = []
    if name is not None and (problem := name_problem(name)):
        problems.append(f"--name: {problem}")
    environments = _split(env)
    problems += [f"--env: {p}" for e in environments or () if (p := environment_problem(e))]
    if environments is not None and len(set(environments)) < len(environments):
        problems.append("--env names an environment twice")
    if environments == ():
        problems.append("--env is empty")
    chosen = _split(purpose)
    known = tuple(planned_purposes())
    for item in workspace or []:
        prefix, sign, _ = item.partition("=")
        if sign and environment_problem(prefix) is None and prefix not in (environments or ("dev",)):
            problems.append(f"--workspace: {item!r} names the environment {prefix!r}, which is not in --env")
    problems += [f"--purpose: {p!r} is not one of {', '.join(known)}" for p in chosen or () if p not in known]
    if role is not None and role not in WORKSPACE_ROLES:
        problems.append(f"--role: {role!r} is not one of {', '.join(WORKSPACE_ROLES)}")
    if store is not None and store not in ("env-file", "stdout"):
        problems.append(f"--store: {store!r} is not one of env-file, stdout")
    if lifetime is not None and parse_lifetime(lifetime) is None:
        problems.append("--lifetime must be days such as 90d, 1d to 730d")
    if problems:
        raise UsageError("PBI104", "\n".join(problems))
    return Answers(name, environments, chosen, _workspaces(workspace, environments), role, store, lifetime, group)


def _split(text: str | None) -> tuple[str, ...] | None:
    return None if text is None else tuple(part.strip() for part in text.split(",") if part.strip())


def _workspaces(given: list[str] | None, environments: tuple[str, ...] | None) -> Mapping[str, tuple[str, ...]] | None:
    """`ENV=NAME` for one environment, `NAME` for all; an empty name means none on purpose."""
    if given is None:
        return None
    names = environments or ("dev",)
    found: dict[str, tuple[str, ...]] = {each: () for each in names}
    for item in given:
        prefix, sign, rest = item.partition("=")
        targets, workspace = ((prefix,), rest) if sign and prefix in names else (names, item)
        for target in targets:
            if workspace.strip():
                found[target] = (*found[target], workspace.strip())
    return found


def _check_against(manifest: Manifest, answers: Answers) -> None:
    """Flags may add environments to a manifest, not contradict it."""
    from pbisetup.model.errors import UsageError

    if answers.name is not None and answers.name != manifest.name:
        raise UsageError(
            "PBI106",
            f"the manifest here is of the project {manifest.name!r}; --name says {answers.name!r}",
            remedy="Use another folder, or --manifest, for another project.",
        )


def _need_answers(terminal: Terminal, answers: Answers, existing: Manifest | None, yes: bool) -> None:
    from pbisetup.model.errors import UsageError

    if yes or terminal.interactive:
        return
    flags = {"--name": answers.name, "--env": answers.environments, "--purpose": answers.purposes}
    flags["--workspace"] = answers.workspaces  # type: ignore[assignment]
    missing = [] if existing else [flag for flag, value in flags.items() if value is None]
    raise UsageError(
        "PBI108",
        "there is no terminal to ask in" + (f"; not answered: {', '.join(missing)}" if missing else ""),
        remedy="Add --yes to take the defaults for what no flag says and to agree to the plan.",
        command="pbisetup init --yes",
    )


def _ask_first(terminal: Terminal, common: Common, answers: Answers, yes: bool) -> Answers:
    """The questions that need no sign-in."""
    from pbisetup.catalog.purposes import planned_purposes
    from pbisetup.planning.manifest import environment_problem, name_problem

    name = _folder_name(common)
    if yes:
        return replace(
            answers,
            name=answers.name or name,
            environments=answers.environments or ("dev",),
            purposes=answers.purposes or ("automation",),
        )
    from pbisetup.ui import prompts

    terminal.say("This sets up an app that can call the Power BI and Fabric APIs.", "bold")
    terminal.say("Nothing is changed before you have seen the plan and said yes.")
    if answers.name is None:
        answers = replace(answers, name=prompts.text("Name of the project:", name, name_problem))
    if answers.environments is None:

        def check(text: str) -> str | None:
            parts = _split(text) or ()
            if not parts:
                return "name at least one, such as dev"
            return next((p for e in parts if (p := environment_problem(e))), None)

        answers = replace(
            answers, environments=_split(prompts.text("Environments (with commas: dev,test,prod):", "dev", check))
        )
    if answers.purposes is None:
        options = [(p.name, p.title) for p in planned_purposes().values()]
        answers = replace(answers, purposes=(prompts.choose("What is it for?", options, "automation"),))
    if answers.store is None and answers.purposes == ("automation",):
        kept = [
            ("env-file", "in .env.<environment>, readable by you alone"),
            ("stdout", "printed once, I keep it myself"),
        ]
        answers = replace(answers, store=prompts.choose("Where shall the secret be kept?", kept, "env-file"))
    return answers


def _folder_name(common: Common) -> str:
    """The folder's name, made fit for a project's name."""
    from pbisetup.planning.manifest import MAX_NAME

    kept = "".join(c if c.isprintable() else "-" for c in common.manifest_path.parent.name).strip()
    return re.sub(r"\s+", " ", kept)[:MAX_NAME] or "pbisetup"


# -- after sign-in -----------------------------------------------------------------------------------------------


def _introduce(terminal: Terminal, session: Session) -> None:
    from pbisetup.planning import rights
    from pbisetup.ui.progress import operator_lines

    who = session.operator
    create = rights.create_app(who, session.may_create_apps)
    group = rights.create_group(who, session.may_create_groups)
    consent = rights.consent(who)
    setting = rights.change_setting(who, can_read=False)
    shown = [
        ("register the app and make its secret", create.allowed, create.because),
        ("make a security group", group.allowed, group.because),
        ("consent to permissions for everybody", consent.allowed, consent.because),
        ("change the tenant setting", setting.allowed, setting.because),
        ("give roles in workspaces", None, "where you are Admin or Member"),
    ]
    terminal.clear()
    terminal.say()
    for line, _ in operator_lines(session.tenant, who, shown, terminal.width):
        terminal.say(line)


def _confirm_tenant(session: Session, yes: bool) -> None:
    if yes:
        return
    from pbisetup.model.errors import Interrupted
    from pbisetup.ui import prompts

    tenant = session.tenant
    if not prompts.confirm(f"Work in the tenant {tenant.name} ({tenant.domain})?"):
        raise Interrupted("PBI130", "stopped: another tenant was meant", command="az login --tenant TENANT")


def _manifest(
    common: Common, terminal: Terminal, session: Session, existing: Manifest | None, answers: Answers, yes: bool
) -> Manifest:
    """The manifest on disk: a new one, or the one that is there with environments added."""
    from pbisetup.services import manifest_file

    path = common.manifest_path
    if existing is not None:
        added = [e for e in answers.environments or () if e not in existing.environments]
        if not added:
            return existing
        answers = _ask_workspaces(session, replace(answers, environments=tuple(added)), yes)
        manifest_file.add_environments(path, {e: _environment(answers, e) for e in added})
        terminal.say(f"  added {', '.join(added)} to {path.name}", "green")
        return manifest_file.load(path)
    answers = _ask_workspaces(session, answers, yes)
    project: dict[str, Any] = {
        "id": manifest_file.new_project_id(),
        "name": answers.name,
        "cloud": session.network.cloud.name,
        "tenant": session.tenant.domain,
    }
    defaults: dict[str, Any] = {
        "purposes": list(answers.purposes or ()),
        "credential": {
            "kind": "secret",
            "lifetime": answers.lifetime or "90d",
            "store": answers.store or "env-file",
        },
    }
    listed = {each: _environment(answers, each) for each in answers.environments or ()}
    manifest_file.write_new(path, project, defaults, listed)
    terminal.say(f"  wrote {path.name}", "green")
    return manifest_file.load(path)


def _environment(answers: Answers, environment: str) -> dict[str, Any]:
    """One environment's table."""
    from pbisetup.catalog.purposes import purposes
    from pbisetup.planning.manifest import is_guid

    chosen = answers.purposes or ("automation",)
    role = answers.role or purposes()[chosen[0]].role
    entry: dict[str, Any] = {}
    if answers.group:
        entry["groups"] = {"api": answers.group}
    entry["workspaces"] = [
        {"id" if is_guid(each) else "name": each, "role": role}
        for each in (answers.workspaces or {}).get(environment, ())
    ]
    return entry


def _ask_workspaces(session: Session, answers: Answers, yes: bool) -> Answers:
    """Which workspaces each environment should reach; only asked where no flag said so."""
    if answers.workspaces is not None:
        return answers
    from pbisetup.execution.converge import visible_workspaces

    listed = [name for _, name in visible_workspaces(session)]
    environments = answers.environments or ()
    guessed = {each: _guess(each, listed) for each in environments}
    if yes or not listed:
        return replace(answers, workspaces=guessed)
    from pbisetup.ui import prompts

    chosen = {
        each: tuple(prompts.choose_some(f"Workspaces for {each}:", [(w, w) for w in listed], guessed[each]))
        for each in environments
    }
    return replace(answers, workspaces=chosen)


def _guess(environment: str, listed: list[str]) -> tuple[str, ...]:
    """The one workspace whose name holds the environment's as a word, else the only one there is, else none."""
    fitting = [w for w in listed if environment in re.split(r"[^a-z0-9]+", w.lower())]
    if len(fitting) == 1:
        return (fitting[0],)
    return (listed[0],) if len(listed) == 1 else ()
