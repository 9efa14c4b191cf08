"""Options that several commands share, declared once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Sandbox = Annotated[bool, typer.Option("--sandbox", help="Use the embedded local tenant of this folder.")]
Scenario = Annotated[
    str | None,
    typer.Option(
        metavar="NAME", help="Use a throw-away embedded tenant in this state: a name of `sandbox scenarios`, or a file."
    ),
]
ManifestPath = Annotated[
    Path | None, typer.Option("--manifest", metavar="FILE", help="The manifest; default ./pbisetup.toml.")
]
CloudName = Annotated[str | None, typer.Option("--cloud", help="public, gcc, gcchigh, dod, china or sandbox.")]
Tenant = Annotated[str | None, typer.Option("--tenant", help="Tenant id or domain.")]
Operator = Annotated[
    str, typer.Option("--operator", help="How you sign in: auto, az, browser, device, env, workload, managed.")
]
OperatorClientId = Annotated[
    str | None,
    typer.Option("--operator-client-id", help="Sign in with this public client instead of the Azure CLI's."),
]
Format = Annotated[str, typer.Option("--format", help="text or json.")]
NoColor = Annotated[bool, typer.Option("--no-color", help="No colours; NO_COLOR does the same.")]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Show every request, without secrets.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Ask nothing; take the defaults.")]
Wait = Annotated[
    str,
    typer.Option("--wait", metavar="TIME", help="How long to wait for a changed setting or role to act: 0, 90s, 5m."),
]
DeletedApp = Annotated[
    str | None,
    typer.Option("--deleted-app", help="What to do with a deleted app of the same unique name: restore or purge."),
]
EnvironmentName = Annotated[str | None, typer.Argument(metavar="[ENV]", help="An environment of the manifest.")]
EnvironmentNames = Annotated[list[str] | None, typer.Argument(metavar="[ENV]...", help="Environments; default all.")]
