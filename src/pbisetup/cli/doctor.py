"""`doctor`: examine an app, from its credential to what the API answers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pbisetup.cli import options as opt
from pbisetup.cli.context import Common, check_operator, command, network, signed_in, tenant_of
from pbisetup.cli.credential import Found, app_credential, asked_of_tenant, user_sign_in

if TYPE_CHECKING:
    from pbisetup.model.snapshot import Snapshot
    from pbisetup.observe.recorder import Examined
    from pbisetup.services.files import PrivateFile
    from pbisetup.services.network import Network
    from pbisetup.ui.terminal import Terminal


_NO_TENANT = frozenset(("", "common", "organizations", "consumers"))
"""What stands for no tenant of one's own in an authority."""


def doctor(
    environment: opt.EnvironmentName = None,
    client_id: Annotated[str | None, typer.Option("--client-id", help="The app, instead of the manifest's.")] = None,
    secret: Annotated[
        str | None, typer.Option("--secret", metavar="-", help="`-` reads the app's secret from standard input.")
    ] = None,
    workspace: Annotated[
        list[str] | None, typer.Option("--workspace", help="A workspace, by name or id, that the app should see.")
    ] = None,
    manifest: opt.ManifestPath = None,
    sandbox: opt.Sandbox = False,
    scenario: opt.Scenario = None,
    cloud: opt.CloudName = None,
    tenant: opt.Tenant = None,
    operator: Annotated[
        str,
        typer.Option(
            "--operator", help="none, or how you sign in so that directory and settings can be seen: auto, az, ..."
        ),
    ] = "none",
    operator_client_id: opt.OperatorClientId = None,
    record: Annotated[
        Path | None,
        typer.Option(
            "--record", metavar="FILE", help="Write what was seen to this file, without secrets, names and ids."
        ),
    ] = None,
    record_names: Annotated[
        bool, typer.Option("--record-names", help="Leave names and ids in the recording as they are.")
    ] = False,
    format: opt.Format = "text",
    no_color: opt.NoColor = False,
    verbose: opt.Verbose = False,
) -> None:
    """Say what works, what does not, why, and who can mend it. Changes nothing."""
    common = Common(manifest, sandbox, scenario, cloud, tenant, operator, operator_client_id, format, no_color, verbose)
    from pbisetup.services.recording_file import recording_file

    with command(common) as terminal, recording_file(record, names=record_names) as file:
        from pbisetup.diagnosis.rules import examine
        from pbisetup.model.errors import ExitCode
        from pbisetup.model.manifest import WorkspaceSpec
        from pbisetup.observe.app import missing_credential, probe, probe_token
        from pbisetup.observe.expectation import expected
        from pbisetup.planning.manifest import is_guid
        from pbisetup.services.clock import ServiceClock
        from pbisetup.ui.progress import examination_lines

        check_operator(common, optional=True)
        found = app_credential(common, environment, client_id, secret)
        specs = [WorkspaceSpec("Viewer", **({"id": w} if is_guid(w) else {"name": w})) for w in workspace or []]
        with network(common, terminal, found.manifest) as reach:
            found = asked_of_tenant(common, reach, found)
            specs = specs or list(found.workspaces)
            snapshot = _snapshot(common, terminal, reach, found)
            looked = reach.now()
            known = found.credential
            tenant_id = _tenant_id(reach, common, found)
            if found.signs_people_in:
                tried = probe_token(reach, user_sign_in(terminal, common, reach, found), specs)
                wanted = expected(reach.cloud, tenant_id, None, None, sign_in="user", scopes=found.scopes)
            elif known is None:
                tried = missing_credential(found.where)
                wanted = expected(reach.cloud, tenant_id, None, None)
            else:
                tried = probe(reach, known, specs, clock=ServiceClock(reach), waiting=lambda *_: None)
                wanted = expected(reach.cloud, tenant_id, known.client_id, _sp(snapshot))
            now = reach.now()
            examination = examine(found.environment.name if found.environment else None, tried, wanted, snapshot, now)
        terminal.clear()
        if file is not None:
            from pbisetup.observe.recorder import Examined

            seen = Examined(reach.cloud.name, found.manifest, found.environment, snapshot, tried, wanted, looked, now)
            _record(terminal, file, seen, names=record_names)
        if common.json:
            terminal.result(json.dumps({**examination.to_json(), "requests": reach.trace.count}, indent=2))
        else:
            for line, style in examination_lines(examination, terminal.width):
                terminal.result(line, style)
            terminal.result()
            terminal.result("Healthy." if examination.healthy else "Not healthy.")
        if not examination.healthy:
            raise typer.Exit(ExitCode.WRONG)
        if common.operator != "none" and snapshot is None and known is not None:
            raise typer.Exit(ExitCode.NO_ACCESS)  # the app is well, but nobody looked as was asked


def _snapshot(common: Common, terminal: Terminal, reach: Network, found: Found) -> Snapshot | None:
    """What the operator sees, where there is an operator: of what the manifest says, else of the app by its client id."""
    if common.operator == "none":
        return None
    if found.manifest is None or found.environment is None:
        return _app_seen(common, terminal, reach, found)
    from pbisetup.cli.apply import store_for
    from pbisetup.execution.converge import look
    from pbisetup.services.clock import ServiceClock

    environment = found.environment
    with signed_in(common, terminal, reach, tenant_of(common, environment)) as session:
        store = store_for(common, environment, terminal)
        return look(session, found.manifest, environment, store, ServiceClock(reach))[0]


def _app_seen(common: Common, terminal: Terminal, reach: Network, found: Found) -> Snapshot | None:
    from pbisetup.catalog.purposes import purposes
    from pbisetup.model.errors import Refused, SignInFailed, Unreachable
    from pbisetup.model.manifest import Environment
    from pbisetup.observe.environment import observe_app

    known = found.credential
    if known is None:
        return None
    assumed = "user-sign-in" if found.person else "automation"
    purpose = found.purpose if found.purpose in purposes() else assumed
    # What a scenario's caller had configured may be no tenant at all; who looks is a user of the tenant that there is.
    own = found.in_tenant or known.tenant_id.lower() in _NO_TENANT
    tenant = common.tenant or (None if own else known.tenant_id)
    try:
        with signed_in(common, terminal, reach, tenant) as session:
            environment = Environment(known.client_id, tenant, (purpose or assumed,), workspaces=found.workspaces)
            return observe_app(session, environment, known.client_id)
    except (SignInFailed, Refused, Unreachable) as error:
        # What keeps the operator out can be the very mistake that is looked for: another tenant, another cloud.
        terminal.say(f"examined without the operator's view: {error.message} ({error.code})", "yellow")
        return None


def _record(terminal: Terminal, file: PrivateFile, seen: Examined, *, names: bool) -> None:
    from pbisetup import __version__
    from pbisetup.model.recording import dump
    from pbisetup.observe.recorder import record
    from pbisetup.services.recording_file import commit

    commit(file, dump(record(seen, __version__, names=names)))
    what = "with names and ids as they are" if names else "names and ids replaced; look it over before you pass it on"
    terminal.say(f"recorded in {file.path}: {what}", "dim")


def _tenant_id(reach: Network, common: Common, found: Found) -> str | None:
    """The tenant that the token should be of: what was asked for or the manifest says, else the credential's own."""
    from pbisetup.model.errors import Unreachable
    from pbisetup.planning.manifest import is_guid
    from pbisetup.services.authority import tenant_id

    named = tenant_of(common, found.environment) if found.environment else common.tenant
    name = named or (found.credential.tenant_id if found.credential else None)
    if not name or is_guid(name):
        return name
    try:
        return tenant_id(reach, name)
    except Unreachable:
        return None  # the probe meets the same and tells it


def _sp(snapshot: Snapshot | None) -> str | None:
    from pbisetup.model.facts import value_of

    principal = value_of(snapshot.service_principal) if snapshot else None
    return principal.object_id if principal else None
