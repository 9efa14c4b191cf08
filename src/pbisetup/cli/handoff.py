"""`handoff`: what somebody else must do, ready to send."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from pbisetup.cli import options as opt
from pbisetup.cli.context import Common, choose_one, command, load_manifest, network, signed_in, tenant_of
from pbisetup.cli.places import store_for


def handoff(
    environment: opt.EnvironmentName = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write it there instead of to stdout.")
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
    """Write what somebody else must do: Markdown with `az rest` commands, for each role apart."""
    common = Common(manifest, sandbox, None, cloud, tenant, operator, operator_client_id, format, no_color, verbose)
    with command(common) as terminal:
        from pbisetup.execution.looking import look
        from pbisetup.planning.handoff import hand_off
        from pbisetup.services.clock import ServiceClock
        from pbisetup.services.files import write_text
        from pbisetup.ui.templates import render

        loaded = load_manifest(common)
        chosen = choose_one(loaded, environment)
        with (
            network(common, terminal, loaded) as reach,
            signed_in(common, terminal, reach, tenant_of(common, chosen)) as session,
        ):
            store = store_for(common, chosen, terminal)
            _, plan = look(session, loaded, chosen, store, ServiceClock(reach), heed_refusals=True)
            handed = hand_off(loaded, plan, reach.cloud)
            who, where = session.operator, session.tenant
        terminal.clear()
        if common.json:
            shown = {"environment": chosen.name, "sections": [asdict(s) for s in handed.sections]}
            terminal.result(json.dumps({"schema": "pbisetup/handoff/v1", **shown}, indent=2))
        elif not handed.sections:
            terminal.say("Nobody else needs to do anything.", "green")
            if handed.yours:
                terminal.say(f"{len(handed.yours)} changes are yours: pbisetup apply {chosen.name}")
        else:
            text = render(
                "handoff.md.j2",
                name=loaded.name,
                environment=chosen.name,
                tenant=where,
                operator=who,
                outputs={"client_id": "", "app_object_id": "", "sp_object_id": "", **handed.outputs},
                sections=handed.sections,
                yours=handed.yours,
            )
            if output is None:
                terminal.result(text.rstrip("\n"))
            else:
                write_text(output, text)
                terminal.say(f"written to {output}", "green")
        raise typer.Exit(5 if handed.sections else 0)
