"""`status`: all environments at a glance."""

from __future__ import annotations

import contextlib
import json
import re
import sys
from datetime import timedelta
from typing import Annotated

import typer

from pbisetup.cli import options as opt
from pbisetup.cli.context import Common, choose, command, load_manifest, network
from pbisetup.cli.places import places


def status(
    environments: opt.EnvironmentNames = None,
    fail_within: Annotated[
        str | None,
        typer.Option(
            "--fail-within", metavar="TIME", help="Exit 1 also where a credential ends within this time: 30d, 2w, 12h."
        ),
    ] = None,
    manifest: opt.ManifestPath = None,
    sandbox: opt.Sandbox = False,
    cloud: opt.CloudName = None,
    tenant: opt.Tenant = None,
    operator: opt.Operator = "auto",
    operator_client_id: opt.OperatorClientId = None,
    format: Annotated[
        str, typer.Option("--format", help="text, json, or ics: the days on which credentials end, for a calendar.")
    ] = "text",
    no_color: opt.NoColor = False,
    verbose: opt.Verbose = False,
) -> None:
    """All environments at a glance: ids, consent, credential days left, drift. Changes nothing."""
    common = Common(manifest, sandbox, None, cloud, tenant, operator, operator_client_id, format, no_color, verbose)
    with command(common, ("text", "json", "ics")) as terminal:
        from pbisetup.execution.looking import look_all
        from pbisetup.planning.standing import exit_code, standing, unreached
        from pbisetup.services.clock import ServiceClock
        from pbisetup.ui.status import status_json, status_lines

        within = duration(fail_within) if fail_within is not None else None
        loaded = load_manifest(common)
        chosen = choose(loaded, environments)
        with (
            network(common, terminal, loaded) as reach,
            places(common, terminal, reach, chosen, loaded.project_id, all_shut=True) as found,
        ):
            clock = ServiceClock(reach)
            terminal.transient(f"  … looking at {len(found.found)} environments")
            looked = {
                each.place.environment.name: each for each in look_all(found.found, loaded, clock, heed_refusals=True)
            }
            now = clock.now()
        shut = {environment.name: error for environment, error in found.shut}
        rows = []
        for environment in chosen:
            seen = looked.get(environment.name)
            error = seen.error if seen is not None else shut[environment.name]
            if seen is None or seen.snapshot is None or seen.plan is None:
                assert error is not None
                rows.append(unreached(environment, error))
            else:
                rows.append(standing(loaded, environment, seen.snapshot, seen.plan, now, within))
        terminal.clear()
        if format == "ics":
            from pbisetup.ui.calendar import calendar

            with contextlib.suppress(AttributeError):
                sys.stdout.reconfigure(newline="")  # type: ignore[union-attr]  # the lines have their own ends
            terminal.value(terminal.redact(calendar(rows, loaded.project_id, now)))
        elif common.json:
            terminal.result(json.dumps(status_json(rows), indent=2))
        else:
            for line, style in status_lines(rows, terminal.width):
                terminal.result(line, style)
        raise typer.Exit(exit_code(rows))


_TIME = re.compile(r"(\d{1,4})([hdw])")
_UNITS = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}


def duration(text: str) -> timedelta:
    """`12h`, `30d` or `2w`. Raises UsageError."""
    from pbisetup.model.errors import UsageError

    match = _TIME.fullmatch(text.strip())
    if match is None:
        raise UsageError("PBI104", f"--fail-within {text!r} is no time such as 30d, 2w or 12h")
    return int(match[1]) * _UNITS[match[2]]
