"""How `doctor` tells what it found: on standard output alone, in any of its formats, or beside another's."""

from __future__ import annotations

import json
import re
import shlex
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from pbisetup.cli.context import Common
from pbisetup.cli.question import Wanted

if TYPE_CHECKING:
    from pbisetup.cli.doctor_run import Run
    from pbisetup.execution.runner import Outcome
    from pbisetup.model.case import Case
    from pbisetup.model.cloud import Cloud
    from pbisetup.model.finding import Examination, Remedy
    from pbisetup.model.manifest import Manifest
    from pbisetup.ui.terminal import Terminal


@dataclass(frozen=True)
class Seen:
    """An examination with all that it rests on."""

    case: Case
    cloud: Cloud
    examination: Examination
    manifest: tuple[str, str] | None = None
    """Its path and text, for reports that point into it."""
    outcomes: tuple[Outcome, ...] = ()
    """What was done to mend it."""
    blind: bool = False
    """Whether somebody was to look who could not sign in."""


def replayed(path: Path) -> Seen:
    """The examination of a recording, as it was when it was made. Raises UsageError where it is none."""
    from pbisetup.catalog.clouds import clouds, sandbox_cloud
    from pbisetup.cli.question import text_of
    from pbisetup.diagnosis.rules import examine
    from pbisetup.model.errors import UsageError
    from pbisetup.model.recording import RecordingError, parse
    from pbisetup.observe.replay import replay

    raw = text_of(path)
    assert raw is not None
    try:
        recording = parse(raw)
        case = replay(recording)
    except RecordingError as error:
        listed = "\n".join(error.problems)
        name = "standard input" if str(path) == "-" else path
        raise UsageError("PBI101", f"{name} is no recording that can be read:\n{listed}") from None
    meant = case.asked.cloud if case.asked.cloud in clouds() else "public"
    cloud = clouds()[meant]
    if recording.cloud == "sandbox":
        cloud = sandbox_cloud("https://localhost", None, meant)
    return Seen(case, cloud, examine(case, cloud))


def told(
    common: Common,
    terminal: Terminal,
    seen: Seen,
    error: tuple[Path, bytes | None] | Path | None,
    other: str | None,
    run: Run | None = None,
) -> int:
    """Print the result, on standard output alone; the exit code."""
    from pbisetup.model.errors import ExitCode

    examination = seen.examination
    if isinstance(error, tuple) and error[1] is not None:
        from pbisetup.diagnosis.heard import with_error

        examination = with_error(examination, error[1], error[0].name)
    if run is not None and common.verbose:
        steps = " > ".join(f"{link.probe} ({link.requests}, {link.milliseconds} ms)" for link in run.ran.path)
        terminal.say(f"longest chain: {run.ran.round_trips} dependent round trips: {steps}", "dim")
    if seen.blind:
        from pbisetup.model.case import SIGNED_IN
        from pbisetup.model.facts import Unknown

        fact = seen.case.fact(SIGNED_IN, "graph")
        why = f"{fact.reason} ({fact.code})" if isinstance(fact, Unknown) and fact.code else "nobody could sign in"
        terminal.wrapped(f"examined without the operator's view: {why}", style="yellow")
    if other is not None:
        return _compared(common, terminal, replace(seen, examination=examination), other, run)
    _show(common, terminal, replace(seen, examination=examination))
    statuses = {outcome.status for outcome in seen.outcomes}
    if examination.healthy:
        # The app is well, but nobody looked as was asked.
        return ExitCode.NO_ACCESS if seen.blind else ExitCode.OK
    if "failed" in statuses:
        return ExitCode.PARTIAL
    return ExitCode.HANDOFF if "handed off" in statuses else ExitCode.WRONG


def _show(common: Common, terminal: Terminal, seen: Seen) -> None:
    from pbisetup import __version__
    from pbisetup.ui.report import redacted, render
    from pbisetup.ui.report.chain import chain_lines

    command = typed()
    examination = _as_typed(seen.examination, command)
    if common.format == "text":
        for line, style in chain_lines(redacted(examination, terminal.redact), terminal.width, command=command):
            terminal.result(line, style)
    elif common.json:
        shape = examination.to_json()
        if seen.outcomes:
            shape["mended"] = [
                {"id": each.step.id, "title": each.step.title, "status": each.status, "because": each.because}
                for each in seen.outcomes
            ]
        terminal.result(json.dumps(shape, indent=2))
    else:
        terminal.result(
            render(
                examination, common.format, manifest=seen.manifest, version=__version__, command=command,
                redact=terminal.redact,
            )
        )  # fmt: skip


def typed() -> str:
    """The command as it was typed, without what says what to do with the result; no argument ever holds a secret."""
    skipped, words = {"--fix", "--yes", "-y", "--verbose", "-v", "--no-color", "--record-names"}, []
    valued = {"--format", "--wait", "--record", "--replay", "--compare", "--error"}
    arguments = iter(sys.argv[1:])
    for word in arguments:
        if word in valued:
            next(arguments, None)
        elif word not in skipped and word.partition("=")[0] not in valued:
            words.append(word)
    return shlex.join(["pbisetup", *map(_without_keys, words)])


def _without_keys(word: str) -> str:
    """A word without what an address may hold: a name and password, or values of a query that are keys."""
    word = re.sub(r"//[^/\s]*@", "//", word)
    return re.sub(r"(?i)([?&](?:sig|code|key|\w*token|\w*secret|password|assertion)=)[^&\s]+", r"\1***", word)


def _as_typed(examination: Examination, command: str) -> Examination:
    """The same with commands that examine again as they were typed."""

    def shown(remedy: Remedy) -> Remedy:
        fix = remedy.command is not None and remedy.command.startswith("pbisetup doctor") and remedy.fixable
        return replace(remedy, command=f"{command} --fix") if fix else remedy

    findings = tuple(replace(each, remedies=tuple(map(shown, each.remedies))) for each in examination.findings)
    return replace(examination, findings=findings)


def _compared(common: Common, terminal: Terminal, left: Seen, other: str, run: Run | None) -> int:
    """The first link that differs from another environment's, or from a recording."""
    from pbisetup.diagnosis.compare import compare
    from pbisetup.model.errors import ExitCode
    from pbisetup.ui.report import redacted
    from pbisetup.ui.report.comparison import comparison_lines

    right = _other(common, terminal, other, run)
    names = (left.examination.environment or "this one", other)
    sides = (redacted(each, terminal.redact) for each in (left.examination, right))
    comparison = compare(*sides)
    if common.json:
        terminal.result(json.dumps(comparison.to_json(), indent=2))
    else:
        for line, style in comparison_lines(comparison, *names, terminal.width):
            terminal.result(line, style)
    return ExitCode.OK if comparison.same else ExitCode.WRONG


def check_other(other: str | None, manifest: Manifest | None) -> None:
    """Raises UsageError where --compare names nothing to compare with: before anything is asked, and anybody signs in."""
    from pbisetup.model.errors import UsageError

    if other is None or (manifest is not None and other in manifest.environments):
        return
    if Path(other).is_file():
        replayed(Path(other))
        return
    known = f"; the manifest has {', '.join(manifest.environments)}" if manifest else ""
    raise UsageError("PBI107", f"--compare {other}: neither an environment nor a recording{known}")


def _other(common: Common, terminal: Terminal, other: str, run: Run | None) -> Examination:
    """The other side: an environment of the manifest, else a recording in a file."""
    from pbisetup.cli.context import network
    from pbisetup.cli.credential import app_credential, reached
    from pbisetup.services.network import Patience

    manifest = run.found.manifest if run is not None else None
    if manifest is not None and other in manifest.environments:
        found = app_credential(replace(common, tenant=None), other, None, None)
        with network(common, terminal, manifest, Patience(10.0, 10.0, 15.0, 0)) as reach:
            found = reached(replace(common, tenant=None), terminal, reach, found)
            wanted = Wanted(purposes=run.wanted.purposes if run else ())
            from pbisetup.cli.doctor_run import Run

            with Run(replace(common, tenant=None), terminal, reach, found, wanted) as second:
                second.examine()
                return second.examination
    return replayed(Path(other)).examination
