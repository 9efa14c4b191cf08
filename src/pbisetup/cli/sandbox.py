"""`pbisetup sandbox`: the local tenant as a foreground server, and what other terminals do with a running
one.
"""

from __future__ import annotations

import json
import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pbisetup.cli.sandbox_conformance import conformance
from pbisetup.cli.sandbox_import import import_
from pbisetup.cli.sandbox_scenarios import chosen, run, scenarios

if TYPE_CHECKING:
    from pbisetup.sandbox.runfile import Running

app = typer.Typer(
    help="A local tenant: Entra, Microsoft Graph, Power BI and Fabric on this machine.", no_args_is_help=True
)

SEVERAL = "PBISETUP_SANDBOX_TENANTS"
NOT_RUNNING = "No sandbox is running. Start one in another terminal: pbisetup sandbox start"


@app.command()
def start(
    port: Annotated[int, typer.Option(min=0, max=65535, help="HTTPS port; 0 takes a free one.")] = 0,
    proxy_port: Annotated[int, typer.Option(min=0, max=65535, help="CONNECT proxy port; 0 takes a free one.")] = 0,
    state: Annotated[Path | None, typer.Option(help="Keep the tenant in this file.", dir_okay=False)] = None,
    tenants: Annotated[
        int,
        typer.Option(
            min=1,
            max=9,
            metavar="N",
            help="How many tenants there are, each apart; --state keeps each in its own file.",
        ),
    ] = 1,
    scenario: Annotated[
        str | None, typer.Option(metavar="NAME", help="Begin in this state, of `sandbox scenarios` or a file.")
    ] = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="With --scenario: give up the tenant that --state FILE keeps already.")
    ] = False,
    latency: Annotated[float | None, typer.Option(min=0, max=600_000, metavar="MS", help="Delay every answer.")] = None,
    replication_lag: Annotated[
        float | None,
        typer.Option(min=0, max=86_400, metavar="SECONDS", help="How long new objects take to be seen everywhere."),
    ] = None,
    listen: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="Listen on this address too; needs --anyone-may-connect.")
    ] = None,
    name: Annotated[
        list[str] | None,
        typer.Option(metavar="HOST", help="A host name by which others reach it there; may be repeated."),
    ] = None,
    anyone_may_connect: Annotated[
        bool,
        typer.Option(
            "--anyone-may-connect",
            help="Whoever reaches --listen ADDRESS can sign in to this tenant as its administrator.",
        ),
    ] = False,
    embedded: Annotated[bool, typer.Option("--embedded", hidden=True)] = False,
) -> None:
    """Run a local tenant until Ctrl-C. Prints one line with `ready` when it answers."""
    from pbisetup.sandbox.process import Options, StartError, serve
    from pbisetup.sandbox.scenarios import ScenarioError, find
    from pbisetup.sandbox.statefile import StateFileError

    for option, number in (("--latency", latency), ("--replication-lag", replication_lag)):
        if number is not None and number != number:  # noqa: PLR0124 - only NaN differs from itself; it passes any range
            typer.echo(f"{option} {number}: give a number.", err=True)
            raise typer.Exit(2)
    problem = _beyond_loopback(listen, name or [], agreed=anyone_may_connect)
    if problem:
        typer.echo(problem, err=True)
        raise typer.Exit(2)
    if replace and (state is None or scenario is None):
        typer.echo("--replace says nothing without --state FILE and --scenario NAME.", err=True)
        raise typer.Exit(2)
    try:
        begin = find(scenario) if scenario is not None else None
    except ScenarioError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from None
    options = Options(
        listen=listen,
        names=tuple(name or ()),
        port=port,
        proxy_port=proxy_port,
        state=state,
        tenants=tenants,
        scenario=begin,
        replace=replace,
        latency_ms=latency,
        replication_lag=replication_lag,
        until_stdin_closes=embedded,
    )
    try:
        serve(options)
    except ScenarioError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from None
    except (StartError, StateFileError) as error:
        typer.echo(f"The sandbox cannot start: {error}", err=True)
        raise typer.Exit(2) from None


@app.command()
def env(
    proxy: Annotated[
        bool, typer.Option("--proxy", help="For clients with fixed addresses: through the CONNECT proxy.")
    ] = False,
    shell: Annotated[str, typer.Option(help="bash, pwsh, dotenv or json.")] = "bash",
) -> None:
    """Print the environment variables that point clients at the running tenant.

    In bash: eval "$(pbisetup sandbox env)"
    """
    from pbisetup.sandbox.caller import cleared

    if shell not in ("bash", "pwsh", "dotenv", "json"):
        typer.echo(f"--shell {shell}: choose bash, pwsh, dotenv or json.", err=True)
        raise typer.Exit(2)
    running = _running(another=True)
    values = variables(running, proxy=proxy)
    gone = cleared(running.caller())
    if shell == "json":
        typer.echo(json.dumps(values, indent=2))
        return
    if SEVERAL not in values and SEVERAL in os.environ:
        gone.append(SEVERAL)
    for name in gone:
        # What an earlier scenario left behind would be taken for a part of this one.
        if shell in ("bash", "pwsh"):
            typer.echo(f"unset {name}" if shell == "bash" else f"Remove-Item Env:{name} -ErrorAction Ignore")
    for name, value in values.items():
        if shell == "bash":
            typer.echo(f"export {name}={shlex.quote(value)}")
        elif shell == "pwsh":
            typer.echo(f"$env:{name} = '{value.replace(chr(39), chr(39) * 2)}'")
        else:
            # Single quotes keep backslashes and dollar signs as they are in every dotenv reader we know of.
            typer.echo(f"{name}='{value}'")


@app.command()
def reset(
    scenario: Annotated[
        str | None, typer.Option(metavar="NAME", help="Into this state, of `sandbox scenarios` or a file.")
    ] = None,
    tenant: Annotated[
        str | None, typer.Option(metavar="ID", help="Which of several, by id or domain; else the first.")
    ] = None,
) -> None:
    """Put the running tenant back to its beginning. Its id, operator and password stay."""
    from urllib.parse import quote

    path = "/_sandbox/reset" + (f"?tenant={quote(tenant, safe='')}" if tenant else "")
    _control("POST", path, {"scenario": chosen(scenario).inline()} if scenario else {})
    typer.echo("The tenant is as it was at the beginning.", err=True)


@app.command()
def approve(
    code: Annotated[str, typer.Argument(help="The device code that a client shows.")],
    user: Annotated[str, typer.Option(help="Who signs in: admin, fabricadmin, developer, or a full name.")] = "admin",
) -> None:
    """Sign a user in where a client waits with a device code."""
    from urllib.parse import quote

    _control("POST", f"/_sandbox/devicecodes/{quote(code, safe='')}", {"user": user})
    typer.echo(f"{code} is approved as {user}.", err=True)


app.command()(scenarios)
app.command()(run)
app.command("import")(import_)
app.command()(conformance)


def _beyond_loopback(listen: str | None, names: list[str], *, agreed: bool) -> str | None:
    """Why the sandbox will not listen there, or None."""
    from ipaddress import ip_address

    if listen is None:
        if agreed or names:
            return "--name and --anyone-may-connect say nothing without --listen ADDRESS."
        return None
    try:
        loopback = ip_address(listen).is_loopback
    except ValueError:
        return f"--listen {listen}: give an IP address, such as 192.0.2.7, or 0.0.0.0 for all."
    wrong = [name for name in names if not (name.isascii() and name.replace("-", "").replace(".", "").isalnum())]
    if wrong:
        return f"--name {wrong[0]}: give a host name, such as sandbox or tenant.example.com."
    if loopback or agreed:
        return None
    return (
        f"--listen {listen} opens the tenant to the network: whoever reaches that address can sign in as its\n"
        "administrator, read its state through its APIs and change it. Add --anyone-may-connect if you mean that."
    )


def variables(running: Running, *, proxy: bool) -> dict[str, str]:
    """What points clients at a tenant, and what the state's caller had configured."""
    ids = [running.tenant, *(each["tenant"] for each in running.others)]
    values = {
        "PBISETUP_SANDBOX_URL": running.url,
        "PBISETUP_SANDBOX_CA": running.ca,
        "REQUESTS_CA_BUNDLE": running.ca,
        "SSL_CERT_FILE": running.ca,
        "NODE_EXTRA_CA_CERTS": running.ca,
    }
    if proxy:
        values["HTTPS_PROXY"] = running.proxy_url
    else:
        values["AZURE_AUTHORITY_HOST"] = running.url
    return {
        **values,
        "PBISETUP_SANDBOX_TENANT": running.tenant,
        "PBISETUP_SANDBOX_OPERATOR_ID": running.operator_id,
        "PBISETUP_SANDBOX_OPERATOR_SECRET": running.operator_secret,
        "PBISETUP_SANDBOX_PASSWORD": running.password,
        **({SEVERAL: ",".join(ids)} if len(ids) > 1 else {}),
        **running.caller(),
    }


def _running(*, another: bool = False) -> Running:
    """The sandbox that is meant. Where none runs any more at PBISETUP_SANDBOX_URL: the newest one if `another` will do,
    since who asks for its variables wants to leave the old one; never for a command that changes it.
    """
    from pbisetup.sandbox.runfile import find_running, live_runs

    running = find_running()
    if running is not None:
        return running
    gone = os.environ.get("PBISETUP_SANDBOX_URL", "").strip()
    newest = next(iter(live_runs()), None) if gone else None
    if newest is None:
        typer.echo(NOT_RUNNING, err=True)
        raise typer.Exit(3)
    typer.echo(f"PBISETUP_SANDBOX_URL is {gone}, where no sandbox runs any more.", err=True)
    if another:
        typer.echo(f"These are the variables of the newest one, {newest.url}.", err=True)
        return newest
    typer.echo(
        f'One runs at {newest.url}. To mean it from here on: eval "$(pbisetup sandbox env)", or set the variable.',
        err=True,
    )
    raise typer.Exit(3)


def _control(method: str, path: str, body: object) -> None:
    from pbisetup.sandbox.runfile import ControlError

    try:
        _running().control(method, path, body)
    except ControlError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from None
    except OSError as error:
        typer.echo(f"The sandbox does not answer: {error}", err=True)
        raise typer.Exit(3) from None
