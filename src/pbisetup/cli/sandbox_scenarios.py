"""The scenarios on the command line: which one is meant, the list of all, one as it is written, and a command inside one."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from pbisetup.sandbox.runfile import Running
    from pbisetup.sandbox.scenarios import Scenario

NOT_FOUND = 127
NOT_RUNNABLE = 126


def chosen(given: str) -> Scenario:
    """The scenario of this name or in this file; ends the program with 2 and every mistake in it."""
    from pbisetup.sandbox.identity import Identity
    from pbisetup.sandbox.scenarios import ScenarioError, doubts, find
    from pbisetup.sandbox.seed import default_state

    try:
        scenario = find(given)
        state = default_state(Identity.new(), scenario)
    except ScenarioError as error:
        for problem in error.problems:
            typer.echo(problem, err=True)
        if not given.endswith(".toml"):
            typer.echo("All of them: pbisetup sandbox scenarios", err=True)
        raise typer.Exit(2) from None
    for each in doubts(scenario, state):
        typer.echo(f"warning: {each}", err=True)
    return scenario


def scenarios(
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="Print this one: what differs from its base.")
    ] = None,
) -> None:
    """List the states that a tenant can begin in, or print one."""
    if name is not None:
        scenario = chosen(name)
        typer.echo(scenario.text or f"# {scenario.where}: {scenario.description}", nl=not scenario.text.endswith("\n"))
        return
    import textwrap

    from pbisetup.sandbox.scenarios import DEFAULT, listing
    from pbisetup.sandbox.scenarios.library import GROUPS

    group = ""
    for each in listing():
        if each.group != group:
            typer.echo(f"{chr(10) if group else ''}{GROUPS[each.group]}")
            group = each.group
        base = f" (from {each.base})" if each.base not in (None, DEFAULT) else ""
        typer.echo(f"  {each.name}{base}")
        typer.echo(textwrap.fill(each.description, 80, initial_indent="    ", subsequent_indent="    "))


def run(
    scenario: Annotated[str, typer.Argument(metavar="NAME", help="A scenario, by name or as a file.")],
    command: Annotated[list[str], typer.Argument(metavar="-- COMMAND...", help="What is run inside it.")],
    proxy: Annotated[
        bool, typer.Option("--proxy", help="For clients with fixed addresses: through the CONNECT proxy.")
    ] = False,
) -> None:
    """Run a command inside a throw-away tenant, with the variables that `sandbox env` prints; the tenant ends with it.

    The exit code is the command's own.
    """
    from pbisetup.sandbox.embedded import EmbeddedStartError, EmbeddedTenant

    chosen(scenario)
    program = shutil.which(command[0])  # on Windows it finds NAME.cmd too
    if program is None:
        typer.echo(f"{command[0]}: there is no such command.", err=True)
        raise typer.Exit(NOT_FOUND)
    try:
        with EmbeddedTenant(scenario=scenario) as running:
            code = _child([program, *command[1:]], environment(running, proxy=proxy))
    except EmbeddedStartError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(3) from None
    raise typer.Exit(code)


def environment(running: Running, *, proxy: bool) -> dict[str, str]:
    """This process's variables with those of a tenant; nothing that names another app or another tenant stays."""
    from pbisetup.cli.sandbox import variables
    from pbisetup.sandbox.caller import cleared

    values = variables(running, proxy=proxy)
    gone = {*cleared(running.caller()), *(("AZURE_AUTHORITY_HOST",) if proxy else ())}
    kept = {name: value for name, value in os.environ.items() if name.upper() not in gone}
    return {**kept, **values}


def _child(command: list[str], env: dict[str, str]) -> int:
    """Run to the end; the exit code as a shell gives it."""
    try:
        child = subprocess.Popen(command, env=env)
    except OSError as error:
        typer.echo(f"{command[0]} cannot be run: {error.strerror or error}", err=True)
        return NOT_RUNNABLE
    with _handed_on(child):
        while True:
            try:
                code = child.wait()
            except KeyboardInterrupt:  # the terminal sent it to the child as well: what it means is the child's to say
                continue
            return 128 - code if code < 0 else code


@contextmanager
def _handed_on(child: subprocess.Popen[bytes]) -> Iterator[None]:
    """Meanwhile, whoever asks this process to end asks the child; what a terminal sends to both is the child's to answer.

    Not by an exception: one that comes right behind the child's end would lose its exit code.
    """
    if sys.platform == "win32":
        yield  # there nobody is asked
        return

    def end(_number: int, _frame: object) -> None:
        child.terminate()

    before = {number: signal.signal(number, end) for number in (signal.SIGTERM, signal.SIGHUP)}
    before[signal.SIGINT] = signal.signal(signal.SIGINT, lambda *_: None)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
