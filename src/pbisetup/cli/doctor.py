"""`doctor`: examine an app, from its credential to what the API answers."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pbisetup.cli import options as opt
from pbisetup.cli.context import Common, check_operator, command, network, seconds
from pbisetup.cli.credential import app_credential, reached
from pbisetup.cli.question import Wanted, text_of, token_from

FORMATS = ("text", "json", "markdown", "junit", "sarif")


def doctor(
    environment: opt.EnvironmentName = None,
    client_id: Annotated[str | None, typer.Option("--client-id", help="The app, instead of the manifest's.")] = None,
    secret: Annotated[
        str | None, typer.Option("--secret", metavar="-", help="`-` reads the app's secret from standard input.")
    ] = None,
    token: Annotated[
        str | None, typer.Option("--token", metavar="-", help="`-` reads a token from standard input, and judges that.")
    ] = None,
    purpose: Annotated[
        list[str] | None, typer.Option("--purpose", help="What the app is for, instead of what the manifest says.")
    ] = None,
    workspace: Annotated[
        list[str] | None, typer.Option("--workspace", help="A workspace, by name or id, that the app should see.")
    ] = None,
    request: Annotated[
        str | None,
        typer.Option("--request", metavar="LINE", help='The call that fails: "GET https://...". A GET is sent.'),
    ] = None,
    body: Annotated[str | None, typer.Option("--body", metavar="JSON", help="What that call sends.")] = None,
    send: Annotated[bool, typer.Option("--send", help="Send it, whatever its method.")] = False,
    scope: Annotated[
        str | None, typer.Option("--scope", help="The scope that your program asks for, instead of Power BI's.")
    ] = None,
    redirect_uri: Annotated[
        list[str] | None, typer.Option("--redirect-uri", help="Where your program has people sent back to.")
    ] = None,
    error: Annotated[
        Path | None, typer.Option("--error", metavar="FILE", help="The error that you saw, as a file; - is stdin.")
    ] = None,
    fix: Annotated[bool, typer.Option("--fix", help="Mend what you may: shows it, asks, and examines again.")] = False,
    yes: opt.Yes = False,
    wait: Annotated[
        str | None,
        typer.Option("--wait", metavar="TIME", help="Examine again until it is well, for at most so long: 90s, 20m."),
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
    replay: Annotated[
        Path | None, typer.Option("--replay", metavar="FILE", help="Diagnose a recording, offline; - is stdin.")
    ] = None,
    compare: Annotated[
        str | None,
        typer.Option(
            "--compare", metavar="OTHER", help="Another environment or a recording: the first link that differs."
        ),
    ] = None,
    format: Annotated[str, typer.Option("--format", help="text, json, markdown, junit or sarif.")] = "text",
    no_color: opt.NoColor = False,
    verbose: opt.Verbose = False,
) -> None:
    """Say what works, what does not, why, and who can mend it. Changes nothing without --fix."""
    if fix and operator == "none":
        operator = "auto"  # somebody has to do it
    common = Common(manifest, sandbox, scenario, cloud, tenant, operator, operator_client_id, format, no_color, verbose)
    from pbisetup.services.recording_file import recording_file

    with command(common, FORMATS) as terminal, recording_file(record, names=record_names) as file:
        from pbisetup.cli.apply import need_consent
        from pbisetup.cli.doctor_report import check_other, replayed, told
        from pbisetup.cli.doctor_run import Run
        from pbisetup.model.errors import UsageError
        from pbisetup.services.network import Patience

        piped = [flag for flag, value in _readers(secret, token, error, replay) if value == "-"]
        if len(piped) > 1:
            raise UsageError("PBI104", f"only one of {' and '.join(piped)} can come from standard input")
        if compare is not None and format not in ("text", "json"):
            raise UsageError("PBI104", f"--compare is told as text or json, not as {format}")
        pasted = text_of(error)
        if replay is not None:
            if fix or wait or record:
                raise UsageError("PBI104", "--replay looks at a recording: nothing can be mended, awaited or recorded")
            asked = {
                "an environment": environment, "--client-id": client_id, "--secret": secret, "--token": token,
                "--purpose": purpose, "--workspace": workspace, "--request": request, "--body": body, "--send": send,
                "--scope": scope, "--redirect-uri": redirect_uri,
            }  # fmt: skip
            if given := [name for name, value in asked.items() if value]:
                raise UsageError(
                    "PBI104", f"--replay tells what was asked when the recording was made, not {', '.join(given)}"
                )
            check_other(compare, None)
            seen = replayed(replay)
            raise typer.Exit(told(common, terminal, seen, error and (error, pasted), compare))
        check_operator(common, optional=True)
        if environment is not None and scenario is not None:
            raise UsageError(
                "PBI104", "--scenario brings its own app; an environment of the manifest is examined without it"
            )
        if fix:
            need_consent(terminal, yes)
        wanted = Wanted(
            tuple(workspace or ()), _purposes(purpose), request, body, send, scope, tuple(redirect_uri or ()),
            token_from(token),
        )  # fmt: skip
        patience = seconds(wait) if wait is not None else 0
        found = app_credential(common, environment, client_id, secret, token=wanted.token is not None)
        check_other(compare, found.manifest)
        # Short time-outs: a host that hangs costs its own, and what it would have told is unknown.
        with network(common, terminal, found.manifest, Patience(10.0, 10.0, 15.0, 0)) as reach:
            found = reached(common, terminal, reach, found)
            with Run(common, terminal, reach, found, wanted) as run:
                run.examine()
                if fix:
                    run.mend(yes=yes)
                if patience:
                    run.wait(patience)
                if file is not None:
                    run.record(file, names=record_names)
                code = told(common, terminal, run.seen(), error and (error, pasted), compare, run)
        raise typer.Exit(code)


def _readers(
    secret: str | None, token: str | None, error: Path | None, replay: Path | None
) -> tuple[tuple[str, str], ...]:
    return ("--secret", str(secret)), ("--token", str(token)), ("--error", str(error)), ("--replay", str(replay))


def _purposes(named: list[str] | None) -> tuple[str, ...]:
    from pbisetup.catalog.purposes import purposes
    from pbisetup.model.errors import UsageError

    for each in named or ():
        if each not in purposes():
            raise UsageError("PBI104", f"--purpose {each!r} is not one of {', '.join(purposes())}")
    return tuple(dict.fromkeys(named or ()))
