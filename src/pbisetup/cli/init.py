"""`init`: the wizard. Every question has a flag; answers go into the manifest, and from there on it is `apply`."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pbisetup.cli import options as opt
from pbisetup.cli.context import Common, command, load_manifest, network, seconds
from pbisetup.cli.init_answers import (
    Answers,
    ask_first,
    ask_workspaces,
    check_against,
    credential_table,
    environment_table,
    from_flags,
    need_answers,
    subject_asked,
)
from pbisetup.cli.places import Places, brought_for, places, store_for

if TYPE_CHECKING:
    from pbisetup.model.manifest import Environment, Manifest
    from pbisetup.observe.session import Session
    from pbisetup.ui.terminal import Terminal


def init(
    name: Annotated[
        str | None, typer.Option("--name", help="Name of the project; the apps are called NAME-ENV.")
    ] = None,
    env: Annotated[str | None, typer.Option("--env", help="Environments, with commas: dev,test,prod.")] = None,
    purpose: Annotated[
        str | None,
        typer.Option(
            "--purpose",
            help="automation, admin-read, admin-write, embed-customers, embed-organization, deploy, user-sign-in or "
            "gateway; several with commas.",
        ),
    ] = None,
    adopt: Annotated[
        list[str] | None,
        typer.Option("--adopt", metavar="[ENV=]CLIENT_ID", help="Take over an app that exists; may be repeated."),
    ] = None,
    workspace: Annotated[
        list[str] | None,
        typer.Option("--workspace", metavar="[ENV=]NAME", help="A workspace by name or id; may be repeated."),
    ] = None,
    create_workspaces: Annotated[
        bool, typer.Option("--create-workspaces", help="Make those workspaces that do not exist.")
    ] = False,
    role: Annotated[
        str | None, typer.Option("--role", help="Admin, Member, Contributor or Viewer; default the least that serves.")
    ] = None,
    capacity: Annotated[
        str | None, typer.Option("--capacity", help="Capacity for the workspaces, by name or id.")
    ] = None,
    redirect_uri: Annotated[
        list[str] | None,
        typer.Option("--redirect-uri", metavar="URI", help="Where people come back to; may be repeated."),
    ] = None,
    consent: Annotated[
        str | None, typer.Option("--consent", help="Who delegated permissions are consented for: all or person.")
    ] = None,
    credential: Annotated[
        str | None, typer.Option("--credential", help="What the app signs in with: secret, certificate or federated.")
    ] = None,
    certificate: Annotated[
        str | None,
        typer.Option(
            "--certificate",
            metavar="FILE",
            help="A certificate with its private key, PEM or PFX, instead of a new one.",
        ),
    ] = None,
    federated: Annotated[
        str | None,
        typer.Option(
            "--federated",
            metavar="WHOM",
            help="Whose assertions the app takes: github:OWNER/NAME:environment:ENV (or branch:, tag:, pull_request), "
            "azure-devops:ORGANIZATION/PROJECT/CONNECTION, or ISSUER=SUBJECT.",
        ),
    ] = None,
    store: Annotated[
        str | None,
        typer.Option(
            "--store",
            help="Where the credential goes: env-file, keyring, key-vault:NAME, github:OWNER/REPO[/ENV], "
            "azure-devops:ORG/PROJECT/GROUP or stdout.",
        ),
    ] = None,
    lifetime: Annotated[str | None, typer.Option("--lifetime", help="Life of the credential, such as 90d.")] = None,
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
    tenant: Annotated[
        list[str] | None,
        typer.Option("--tenant", metavar="[ENV=]TENANT", help="Tenant id or domain; may be repeated for environments."),
    ] = None,
    operator: opt.Operator = "auto",
    operator_client_id: opt.OperatorClientId = None,
    format: opt.Format = "text",
    no_color: opt.NoColor = False,
    verbose: opt.Verbose = False,
) -> None:
    """From nothing to a token that works: app registration, secret, group, tenant setting, workspace role, proof.

    Run it again at any time: what is there already is found and kept.
    """
    common = Common(manifest, sandbox, scenario, cloud, None, operator, operator_client_id, format, no_color, verbose)
    with command(common) as terminal:
        from pbisetup.cli.apply import check_deleted
        from pbisetup.services.lock import one_run

        answers = from_flags(
            name=name,
            env=env,
            purpose=purpose,
            workspace=workspace,
            tenant=tenant,
            adopt=adopt,
            redirect_uri=redirect_uri,
            creates=create_workspaces,
            role=role,
            credential=credential,
            certificate=certificate,
            federated=federated,
            store=store,
            lifetime=lifetime,
            group=group,
            capacity=capacity,
            consent=consent,
        )
        check_deleted(deleted_app)
        patience, path = seconds(wait), common.manifest_path
        with one_run(path):
            existing = load_manifest(common) if path.exists() else None
            if existing is not None:
                check_against(existing, answers)
            need_answers(terminal, answers, existing, yes)
            if existing is None:
                answers = ask_first(terminal, common, answers, yes)
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
    from pbisetup.observe.environment import app_to_adopt

    wanted = _provisional(existing, answers)
    with (
        network(common, terminal, existing) as reach,
        places(common, terminal, reach, wanted, existing.project_id if existing else "") as entered,
    ):
        if entered.shut:
            raise entered.shut[0][1]
        sessions = {each.environment.name: each.session for each in entered.found}
        for session in {id(each): each for each in sessions.values()}.values():
            _introduce(terminal, session)
            _confirm_tenant(session, yes)
        for name, client_id in answers.adopt.items():
            app_to_adopt(sessions[name], client_id)  # before the manifest names one that cannot be taken over
        answers = subject_asked(terminal, reach, answers, yes)
        manifest = _manifest(common, terminal, sessions, existing, answers, yes)
        found = [replace(p, environment=manifest.environments[p.environment.name]) for p in entered.found]
        found = [
            replace(
                p,
                store=store_for(common, p.environment, terminal, reach, manifest.project_id, p.session.door.tokens),
                brought=brought_for(common, p.environment),
            )
            for p in found
        ]
        done = apply_all(common, terminal, Places(found), manifest, yes, patience, deleted)
    finish(common, terminal, done)


def _provisional(existing: Manifest | None, answers: Answers) -> list[Environment]:
    """The environments that are meant, as far as a sign-in needs them: those of the manifest, and those to be added."""
    from pbisetup.model.manifest import Environment

    there = existing.environments if existing else {}
    first = next(iter(there.values()), None)
    names = answers.environments or tuple(there)
    project = first.tenant if first else None
    return [
        there.get(name) or Environment(name, answers.tenants.get(name) or project, answers.purposes or ())
        for name in names
    ]


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
    from pbisetup.ui.terminal import visible

    tenant = session.tenant
    if not prompts.confirm(f"Work in the tenant {visible(tenant.name)} ({visible(tenant.domain)})?"):
        raise Interrupted("PBI130", "stopped: another tenant was meant", command="az login --tenant TENANT")


def _manifest(
    common: Common,
    terminal: Terminal,
    sessions: dict[str, Session],
    existing: Manifest | None,
    answers: Answers,
    yes: bool,
) -> Manifest:
    """The manifest on disk: a new one, or the one that is there with environments added."""
    from pbisetup.services import manifest_file

    path = common.manifest_path
    if existing is not None:
        added = {name: sessions[name] for name in answers.environments or () if name not in existing.environments}
        if not added:
            return existing
        answers = ask_workspaces(added, answers, yes)
        project = next((each.tenant for each in existing.environments.values()), None)
        manifest_file.add_environments(path, _tables(answers, added, project, added=True))
        terminal.say(f"  added {', '.join(added)} to {path.name}", "green")
        return manifest_file.load(path)
    answers = ask_workspaces(sessions, answers, yes)
    first = next(iter(sessions.values()))
    header: dict[str, Any] = {
        "id": manifest_file.new_project_id(),
        "name": answers.name,
        "cloud": first.network.cloud.name,
        "tenant": first.tenant.domain,
    }
    defaults: dict[str, Any] = {
        "purposes": list(answers.purposes or ()),
        "credential": credential_table(answers),
    }
    manifest_file.write_new(path, header, defaults, _tables(answers, sessions, first.tenant.domain))
    terminal.say(f"  wrote {path.name}", "green")
    return manifest_file.load(path)


def _tables(
    answers: Answers, sessions: dict[str, Session], project: str | None, *, added: bool = False
) -> dict[str, dict[str, Any]]:
    """The tables of these environments; each names its tenant where it is not the project's."""

    def tenant(session: Session) -> str | None:
        ours = (session.tenant.domain.lower(), session.tenant.id.lower())
        return None if project is not None and project.lower() in ours else session.tenant.domain

    return {name: environment_table(answers, name, tenant(session), added=added) for name, session in sessions.items()}
