"""`status`: all environments at a glance."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from pbisetup.cli import options as opt
from pbisetup.cli.apply import store_for
from pbisetup.cli.context import Common, choose, command, load_manifest, network, signed_in, tenant_of

if TYPE_CHECKING:
    from pbisetup.model.errors import PbisetupError
    from pbisetup.model.manifest import Environment, Manifest
    from pbisetup.model.plan import Plan
    from pbisetup.model.snapshot import Snapshot
    from pbisetup.services.clock import ServiceClock
    from pbisetup.services.network import Network
    from pbisetup.ui.terminal import Terminal

    Looked = tuple[Snapshot, Plan] | PbisetupError


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
    format: opt.Format = "text",
    no_color: opt.NoColor = False,
    verbose: opt.Verbose = False,
) -> None:
    """All environments at a glance: ids, consent, credential days left, drift. Changes nothing."""
    common = Common(manifest, sandbox, None, cloud, tenant, operator, operator_client_id, format, no_color, verbose)
    with command(common) as terminal:
        from pbisetup.model.errors import PbisetupError
        from pbisetup.planning.standing import exit_code, standing, unreached
        from pbisetup.services.clock import ServiceClock
        from pbisetup.ui.status import status_json, status_lines

        within = duration(fail_within) if fail_within is not None else None
        loaded = load_manifest(common)
        chosen = choose(loaded, environments)
        with network(common, terminal, loaded) as reach:
            clock = ServiceClock(reach)
            looked = dict(look_all(common, terminal, reach, loaded, chosen, clock))
            now = clock.now()
        rows = []
        for environment in chosen:
            found = looked[environment.name]
            if isinstance(found, PbisetupError):
                rows.append(unreached(environment, found))
            else:
                rows.append(standing(environment, *found, now, within))
        terminal.clear()
        if common.json:
            terminal.result(json.dumps(status_json(rows), indent=2))
        else:
            for line, style in status_lines(rows, terminal.width):
                terminal.result(line, style)
        raise typer.Exit(exit_code(rows))


def look_all(
    common: Common,
    terminal: Terminal,
    reach: Network,
    manifest: Manifest,
    chosen: Sequence[Environment],
    clock: ServiceClock,
) -> Iterator[tuple[str, Looked]]:
    """What each environment looks like, by its name; what keeps one from being seen does not keep the others.

    The operator signs in once a tenant. Raises UsageError.
    """
    from pbisetup.execution.converge import look
    from pbisetup.model.errors import PbisetupError, UsageError

    tenants: dict[str | None, list[Environment]] = {}
    for environment in chosen:
        tenants.setdefault(tenant_of(common, environment), []).append(environment)
    for tenant, there in tenants.items():
        left = list(there)
        try:
            with signed_in(common, terminal, reach, tenant) as session:
                while left:
                    environment = left[0]
                    terminal.transient(f"  … looking at {environment.name}")
                    try:
                        store = store_for(common, environment, terminal)
                        seen = look(session, manifest, environment, store, clock, heed_refusals=True)
                    except UsageError:
                        raise
                    except PbisetupError as error:
                        yield environment.name, error
                    else:
                        yield environment.name, seen
                    left.pop(0)
        except UsageError:
            raise
        except PbisetupError as error:
            yield from ((environment.name, error) for environment in left)


_TIME = re.compile(r"(\d{1,4})([hdw])")
_UNITS = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}


def duration(text: str) -> timedelta:
    """`12h`, `30d` or `2w`. Raises UsageError."""
    from pbisetup.model.errors import UsageError

    match = _TIME.fullmatch(text.strip())
    if match is None:
        raise UsageError("PBI104", f"--fail-within {text!r} is no time such as 30d, 2w or 12h")
    return int(match[1]) * _UNITS[match[2]]
