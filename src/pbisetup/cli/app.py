"""The command tree. Importing it brings typer and the standard library, nothing else."""

from __future__ import annotations

import typer

from pbisetup.cli import apply, destroy, doctor, explain, handoff, init, rotate, sandbox, status, token

app = typer.Typer(
    name="pbisetup",
    help="From nothing to a working token for the Power BI / Fabric REST API.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(init.init)
app.command()(apply.plan)
app.command()(apply.apply)
app.command()(status.status)
app.command()(doctor.doctor)
app.command()(explain.explain)
app.command()(token.token)
app.command()(rotate.rotate)
app.command()(handoff.handoff)
app.command()(destroy.destroy)
app.add_typer(sandbox.app, name="sandbox")


@app.callback()
def common(
    version: bool = typer.Option(False, "--version", "-V", help="Show the version and end."),
) -> None:
    """Options before the command."""
    if version:
        from pbisetup import __version__

        typer.echo(f"pbisetup {__version__}")
        raise typer.Exit


def run() -> None:
    """Run the command line."""
    app(prog_name="pbisetup")
