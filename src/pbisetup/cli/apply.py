"""`plan` and `apply`, and what `init` shares with them: applying environments and proving them."""

from __future__ import annotations

import json
import signal
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from pbisetup.cli import options as opt
from pbisetup.cli.context import Common, choose, command, load_manifest, network, seconds
from pbisetup.cli.places import Places, places

if TYPE_CHECKING:
    from pbisetup.execution.converged import Converged
    from pbisetup.model.manifest import Manifest
    from pbisetup.ui.terminal import Terminal


CHANGES = 10
"""Exit code of `plan --detailed-exitcode` where something would change."""


def plan(
    environments: opt.EnvironmentNames = None,
    detailed_exitcode: bool = typer.Option(False, "--detailed-exitcode", help="Exit 10 where something would change."),
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
    """Show what would change. Changes nothing."""
    common = Common(manifest, sandbox, None, cloud, tenant, operator, operator_client_id, format, no_color, verbose)
    with command(common) as terminal:
        raise typer.Exit(_look(common, terminal, environments, changes=CHANGES if detailed_exitcode else 0, unmet=0))


def apply(
    environments: opt.EnvironmentNames = None,
    yes: opt.Yes = False,
    check: Annotated[
        bool, typer.Option("--check", help="Change nothing; exit 1 where something is not as the manifest says.")
    ] = False,
    wait: opt.Wait = "2m",
    deleted_app: opt.DeletedApp = None,
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
    """Make the environments as the manifest says, and prove it with a token. Safe to run again."""
    common = Common(manifest, sandbox, None, cloud, tenant, operator, operator_client_id, format, no_color, verbose)
    with command(common) as terminal:
        from pbisetup.model.errors import ExitCode
        from pbisetup.services.lock import one_run

        if check:
            raise typer.Exit(_look(common, terminal, environments, changes=ExitCode.WRONG, unmet=ExitCode.WRONG))
        need_consent(terminal, yes)
        patience = seconds(wait)
        check_deleted(deleted_app)
        loaded = load_manifest(common)
        chosen = choose(loaded, environments)
        with (
            one_run(common.manifest_path),
            network(common, terminal, loaded) as reach,
            places(common, terminal, reach, chosen, loaded.project_id) as found,
        ):
            done = apply_all(common, terminal, found, loaded, yes, patience, deleted_app)
        finish(common, terminal, done)


def _look(common: Common, terminal: Terminal, environments: list[str] | None, *, changes: int, unmet: int) -> int:
    """Show the plans; the exit code, which is `changes` where there are any, and `unmet` where something that the manifest
    asks for is left alone.
    """
    from pbisetup.execution.looking import look_all
    from pbisetup.services.clock import ServiceClock
    from pbisetup.ui.failure import error_json, tell
    from pbisetup.ui.progress import plans_lines
    from pbisetup.ui.summary import plan_json

    loaded = load_manifest(common)
    with (
        network(common, terminal, loaded) as reach,
        places(common, terminal, reach, choose(loaded, environments), loaded.project_id) as found,
    ):
        looked = look_all(found.found, loaded, ServiceClock(reach))
    terminal.clear()
    plans = [each.plan for each in looked if each.plan is not None]
    errors = [(each.place.environment.name, each.error) for each in looked if each.error is not None]
    errors += [(environment.name, error) for environment, error in found.shut]
    if errors and not plans:
        raise errors[0][1]
    if common.json:
        shown = [*map(plan_json, plans), *({"environment": name, "error": error_json(e)} for name, e in errors)]
        terminal.result(json.dumps({"schema": "pbisetup/plan/v1", "environments": shown}, indent=2))
    else:
        tenants = dict.fromkeys(id(each.place.session) for each in looked)
        by_tenant = [[e.plan for e in looked if e.plan and id(e.place.session) == tenant] for tenant in tenants]
        for line, style in plans_lines(by_tenant, terminal.width):
            terminal.result(line, style)
        for name, error in errors:
            terminal.say(f"\n{name}: could not be looked at", "red")
            tell(terminal, error)
    if errors:
        return max(error.exit_code for _, error in errors)
    # What only waits to be tidied up is a change, and nothing that is wrong.
    if any(made.changes if changes == CHANGES else made.wrong for made in plans):
        return changes
    return unmet if any(made.unmet for made in plans) else 0


def check_deleted(choice: str | None) -> None:
    """Raises UsageError where --deleted-app says nothing that there is."""
    from pbisetup.model.errors import UsageError

    if choice not in (None, "restore", "purge"):
        raise UsageError("PBI104", f"--deleted-app {choice!r} is not one of restore, purge")


def need_consent(terminal: Terminal, yes: bool) -> None:
    """Without a terminal nobody can agree: then --yes must have been said."""
    from pbisetup.model.errors import UsageError

    if not yes and not terminal.interactive:
        raise UsageError(
            "PBI108",
            "there is no terminal to ask in, and changes need a yes",
            remedy="Add --yes to agree beforehand; `pbisetup plan` shows what it would do.",
        )


def apply_all(
    common: Common,
    terminal: Terminal,
    places: Places,
    manifest: Manifest,
    yes: bool,
    patience: int,
    deleted: str | None,
) -> list[Converged]:
    """Apply and prove the environments side by side; what one lacks does not stop the others."""
    from pbisetup.cli.proof import prove_all
    from pbisetup.cli.talk import Talk
    from pbisetup.execution.converge import converge
    from pbisetup.execution.converged import Converged
    from pbisetup.model.errors import UsageError
    from pbisetup.model.plan import Plan
    from pbisetup.services.clock import ServiceClock

    found = places.found
    if common.json and any(each.environment.credential.store == "stdout" for each in found):
        raise UsageError(
            "PBI104", "--format json does not go with the stdout store: the secret is never part of a report"
        )
    if not found:
        raise places.shut[0][1]
    clock = ServiceClock(found[0].session.network)
    talk = Talk(terminal, {each.environment.name: each.session.tenant for each in found}, yes, deleted)
    before = signal.getsignal(signal.SIGINT)
    try:
        done = converge(found, manifest, clock, talk)
    finally:
        signal.signal(signal.SIGINT, before)
    if len(done) == 1 and done[0].error is not None:
        raise done[0].error
    prove_all(terminal, done, clock, talk, patience)
    shut = (Converged(each, Plan(each.name, ()), error=error) for each, error in places.shut)
    return [*done, *shut]


def finish(common: Common, terminal: Terminal, done: Sequence[Converged], again: str = "apply") -> None:
    """Say what became of it, what to type next, and leave with the right exit code. `again`: the command that goes on."""
    from pbisetup.model.errors import ExitCode
    from pbisetup.ui.failure import tell
    from pbisetup.ui.summary import next_commands, result_json, summary_lines

    worst = (
        ExitCode.INTERRUPTED,
        ExitCode.USAGE,
        ExitCode.NO_ACCESS,
        ExitCode.PARTIAL,
        ExitCode.HANDOFF,
        ExitCode.WRONG,
        ExitCode.OK,
    )
    code = min((each.exit_code for each in done), key=worst.index)
    if common.json:
        shown = [result_json(each) for each in done]
        terminal.result(json.dumps({"schema": "pbisetup/apply/v1", "environments": shown}, indent=2))
    else:
        terminal.say()
        for each in done:
            for line in summary_lines(each):
                terminal.wrapped_result(line)
            if each.error is not None:
                tell(terminal, each.error)
        for line in next_commands(done, code, again):
            terminal.result(line)
    raise typer.Exit(code)
