"""`pbisetup sandbox import`: a local twin of what `doctor --record` saw."""

from __future__ import annotations

import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from pbisetup.model.recording import Recording
    from pbisetup.sandbox.twin import Twin

SUFFIX = ".tenant.json"


def import_(
    recording: Annotated[str, typer.Argument(metavar="FILE", help="A recording of `doctor --record`; - reads it.")],
    state: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help=f"Keep the twin here; default beside the recording, as NAME{SUFFIX}."),
    ] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Replace the twin that is there already.")] = False,
    start: Annotated[bool, typer.Option("--start", help="Run the twin at once, until Ctrl-C.")] = False,
) -> None:
    """Build a local twin of a recorded tenant, to be run by `sandbox start --state`.

    What nobody had recorded is healthy in the twin; it is listed.
    """
    if state is None and recording == "-":
        raise _refused("--state FILE is needed where the recording is read from standard input.")
    given = _read(recording)
    path = state or _beside(Path(recording))
    if state is None and path.name == SUFFIX:
        raise _refused(f"{recording}: name the file of the twin with --state.")
    twin = _built(recording, given)
    _keep(path, twin, replace=replace)
    _tell(given, twin)
    if not start:
        typer.echo(path)
        typer.echo(f"Run it: pbisetup sandbox start --state {path}", err=True)
        return
    from pbisetup.sandbox.process import Options, StartError, serve
    from pbisetup.sandbox.statefile import StateFileError

    try:
        serve(Options(state=path))
    except (StartError, StateFileError) as error:
        raise _refused(f"The sandbox cannot start: {error}") from None


def _beside(recording: Path) -> Path:
    return recording.with_name(recording.name.removesuffix(".json") + SUFFIX)


def _read(name: str) -> Recording:
    from pbisetup.model.recording import MAX_BYTES, RecordingError, parse

    try:
        if name == "-":
            content = sys.stdin.buffer.read(MAX_BYTES + 1)
        else:
            with Path(name).open("rb") as file:
                content = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        raise _refused(f"{name} cannot be read: {getattr(error, 'strerror', None) or error}") from None
    try:
        return parse(content)
    except RecordingError as error:
        raise _unusable(name, error.problems) from None


def _built(name: str, recording: Recording) -> Twin:
    from pbisetup.model.recording import RecordingError
    from pbisetup.sandbox.twin import build

    try:
        return build(recording)
    except RecordingError as error:
        raise _unusable(name, error.problems) from None


def _keep(path: Path, twin: Twin, *, replace: bool) -> None:
    """Write the state file, unless another tenant lives there."""
    import json

    from pbisetup.sandbox.keys import SigningKey
    from pbisetup.sandbox.statefile import StateFile, StateFileError

    file = StateFile(path)
    try:
        file.open(wait=0)
        try:
            if path.exists() and not replace:
                raise _refused(f"{path} is there already: name another file with --state, or add --replace.")
            if path.exists():
                file.load()  # what is no tenant's state is not replaced either
            file.save(json.dumps(twin.state, ensure_ascii=False, indent=1), SigningKey.generate())
        finally:
            file.close()
    except StateFileError as error:
        raise _refused(str(error)) from None
    except OSError as error:
        raise _refused(f"{path} cannot be written: {error.strerror or error}") from None


def _tell(recording: Recording, twin: Twin) -> None:
    where = f" of the environment {recording.environment!r}" if recording.environment else ""
    _say(f"A twin{where}, as it was on {recording.made:%Y-%m-%d at %H:%M} UTC.")
    for line in twin.assumed:
        _say(line)
    for line in twin.missing:
        _say(f"not in the twin: {line}")


def _say(line: str) -> None:
    typer.echo(textwrap.fill(line, 100, subsequent_indent="    ", break_long_words=False), err=True)


def _unusable(name: str, problems: tuple[str, ...]) -> typer.Exit:
    typer.echo(f"{'standard input' if name == '-' else name} cannot be imported:", err=True)
    for problem in problems:
        typer.echo(f"  {problem}", err=True)
    return typer.Exit(2)


def _refused(words: str) -> typer.Exit:
    typer.echo(words, err=True)
    return typer.Exit(2)
