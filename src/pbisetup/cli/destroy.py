"""`destroy`: take away what pbisetup made for one environment, and only that."""

from __future__ import annotations

import json
import signal
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from pbisetup.cli import options as opt
from pbisetup.cli.apply import need_consent
from pbisetup.cli.context import Common, choose_one, command, load_manifest, network, signed_in, tenant_of
from pbisetup.cli.places import store_for
from pbisetup.cli.talk import Talk

if TYPE_CHECKING:
    from pbisetup.execution.unmaking import Unmade
    from pbisetup.model.plan import Plan
    from pbisetup.ui.terminal import Terminal


def destroy(
    environment: Annotated[str, typer.Argument(metavar="ENV", help="The environment; never taken as read.")],
    purge: Annotated[
        bool, typer.Option("--purge", help="Remove the deleted app for good: nobody can bring it back then.")
    ] = False,
    forget: Annotated[
        bool, typer.Option("--forget", help="Take the environment out of the manifest, too, once all of it is gone.")
    ] = False,
    credential: Annotated[
        bool,
        typer.Option(
            "--credential",
            help="Take away only what the app signs in with: its credentials made here, and the stored one.",
        ),
    ] = False,
    yes: opt.Yes = False,
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
    """Take away what pbisetup made for an environment, and only that: shows it, and asks for the environment's name."""
    common = Common(manifest, sandbox, None, cloud, tenant, operator, operator_client_id, format, no_color, verbose)
    with command(common) as terminal:
        from pbisetup.execution.unmaking import unmake
        from pbisetup.model.errors import UsageError
        from pbisetup.services.clock import ServiceClock
        from pbisetup.services.lock import one_run

        need_consent(terminal, yes)
        if credential and (purge or forget):
            raise UsageError(
                "PBI104", f"--credential leaves the app, and so does not go with {'--purge' if purge else '--forget'}"
            )
        loaded = load_manifest(common)
        chosen = choose_one(loaded, environment)
        with (
            one_run(common.manifest_path),
            network(common, terminal, loaded) as reach,
            signed_in(common, terminal, reach, tenant_of(common, chosen)) as session,
        ):
            talk = _Talk(terminal, {chosen.name: session.tenant}, yes)
            store = store_for(common, chosen, terminal, reach, loaded.project_id, session.door.tokens)
            before = signal.getsignal(signal.SIGINT)
            try:
                ear = talk.of(chosen.name)
                done = unmake(
                    session,
                    loaded,
                    chosen,
                    store,
                    ServiceClock(reach),
                    talk,
                    ear,
                    purge=purge,
                    only_credential=credential,
                )
            finally:
                signal.signal(signal.SIGINT, before)
            terminal.clear()
            forgotten = forget and _forget(common, done)
        _finish(common, terminal, done, forget=forget, forgotten=forgotten, whole=not credential)


class _Talk(Talk):
    """Shows what goes and what stays, and has the environment's name typed."""

    def plan(self, plans: Sequence[Plan]) -> None:
        from pbisetup.ui.unmaking import removal_lines

        for plan in plans:
            for line, style in removal_lines(plan, self._tenants[plan.environment], self._terminal.width):
                self._terminal.say(line, style)

    def agreed(self, plans: Sequence[Plan]) -> bool:
        """From the name on, Ctrl-C is heard between steps instead of at once."""
        if not self._yes:
            from pbisetup.ui import prompts
            from pbisetup.ui.terminal import visible

            signal.signal(signal.SIGINT, signal.default_int_handler)
            [name] = (plan.environment for plan in plans)
            tenant = self._tenants[name]
            where = visible(f"{tenant.name} ({tenant.domain})")
            wrong = f"type {name} to go on, or nothing to leave everything as it is"
            answer = prompts.text(
                f"To remove this from {where}, type the environment's name:",
                check=lambda typed: None if typed in ("", name) else wrong,
            )
            if answer != name:
                return False
        signal.signal(signal.SIGINT, self.hear)
        return True


def _forget(common: Common, done: Unmade) -> bool:
    """Take the environment out of the manifest, where nothing of it is left that anybody would still have to remove."""
    from pbisetup.model.errors import ExitCode
    from pbisetup.services.manifest_file import remove_environment

    if done.declined or done.exit_code != ExitCode.OK:
        return False
    return remove_environment(common.manifest_path, done.environment.name)


def _finish(common: Common, terminal: Terminal, done: Unmade, *, forget: bool, forgotten: bool, whole: bool) -> None:
    from pbisetup.ui.unmaking import farewell_commands, farewell_lines, removal_json

    if common.json:
        terminal.result(json.dumps(removal_json(done, forgotten=forgotten), indent=2))
        raise typer.Exit(done.exit_code)
    terminal.say()
    for line in farewell_lines(done):
        terminal.wrapped_result(line)
    table = f"[environments.{done.environment.name}]"
    if forgotten:
        terminal.wrapped_result(f"{common.manifest_path.name}: {table} was taken out.")
    elif forget and not done.declined:
        why = "something is left to remove" if done.exit_code else "a manifest needs one environment"
        terminal.wrapped_result(f"{common.manifest_path.name}: {table} stays, because {why}.")
    elif not done.declined and whole:
        terminal.wrapped_result(f"{common.manifest_path.name}: {table} stays; --forget takes it out.")
    for line in farewell_commands(done):
        terminal.result(line)
    raise typer.Exit(done.exit_code)
