"""`handoff`: what somebody else must do, ready to send, and who is still awaited."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, cast

import typer

from pbisetup.cli import options as opt
from pbisetup.cli.context import Common, choose, command, load_manifest, network, seconds
from pbisetup.cli.places import places

if TYPE_CHECKING:
    from pbisetup.execution.awaiting import Awaiting, Look
    from pbisetup.execution.looking import Looked, Place
    from pbisetup.model.errors import PbisetupError
    from pbisetup.model.manifest import Manifest
    from pbisetup.model.plan import Who
    from pbisetup.planning.handoff import Handoff, PublicCredential
    from pbisetup.services.network import Network
    from pbisetup.ui.handoff import Packet
    from pbisetup.ui.terminal import Terminal

FORMATS: Final = ("text", "markdown", "bash", "powershell", "json")
_SUFFIXES: Final = {".md": "markdown", ".sh": "bash", ".ps1": "powershell", ".json": "json"}
_PATIENCE: Final = "20m"

Form = Annotated[
    str | None,
    typer.Option("--format", help="markdown (text is the same), bash, powershell or json; default: as -o FILE ends."),
]


def handoff(
    environments: opt.EnvironmentNames = None,
    role: Annotated[
        str | None, typer.Option("--role", metavar="ROLE", help="Only what this role is asked for.")
    ] = None,
    format: Form = None,
    output: Annotated[
        str | None,
        typer.Option(
            "--output", "-o", metavar="FILE", help="Write it there instead of to stdout; a folder gets every form."
        ),
    ] = None,
    certificate: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Have this public certificate added to the app, so that it needs no secret."),
    ] = None,
    federated: Annotated[
        str | None,
        typer.Option(metavar="ISSUER=SUBJECT", help="Have the app trust this subject of an issuer, without a secret."),
    ] = None,
    verify: Annotated[
        bool, typer.Option("--verify", help="Look again until nobody is awaited; 5 where somebody still is.")
    ] = False,
    wait: Annotated[
        str | None,
        typer.Option(metavar="TIME", help=f"With --verify: for how long, such as 0 or 1h; default {_PATIENCE}."),
    ] = None,
    manifest: opt.ManifestPath = None,
    sandbox: opt.Sandbox = False,
    cloud: opt.CloudName = None,
    tenant: opt.Tenant = None,
    operator: opt.Operator = "auto",
    operator_client_id: opt.OperatorClientId = None,
    no_color: opt.NoColor = False,
    verbose: opt.Verbose = False,
) -> None:
    """Write what somebody else must do, for each role apart: a ticket, or scripts that check before they change."""
    form = format or _form_of(output)
    common = Common(manifest, sandbox, None, cloud, tenant, operator, operator_client_id, form, no_color, verbose)
    with command(common, FORMATS) as terminal:
        wanted, patience = _role(role), _patience(wait, verify, format)
        credential = _credential(certificate, federated)
        loaded = load_manifest(common)
        chosen = choose(loaded, environments)
        with (
            network(common, terminal, loaded) as reach,
            places(common, terminal, reach, chosen, loaded.project_id) as entered,
        ):
            look = _look(loaded, entered.found, reach, credential, wanted)
            names = [place.environment.name for place in entered.found]
            if verify:
                _verified(common, terminal, reach, look, names, patience)
            flags = _flags(certificate, federated)
            packets = _packets(loaded, entered.found, _all_or_error(look(names)), flags)
        terminal.clear()
        for environment, error in entered.shut:
            terminal.say(f"{environment.name}: {error.message}", "red")
        _send(terminal, packets, form, output, every=format is None and output is not None and _is_folder(output))
        missing = any(not task.check for packet in packets for handed in packet.handed for task in handed.order)
        raise typer.Exit(5 if missing else 3 if entered.shut else 0)


# -- what was asked for ----------------------------------------------------------------------------------------------


def _form_of(output: str | None) -> str:
    return _SUFFIXES.get(Path(output).suffix.lower(), "text") if output and not _is_folder(output) else "text"


def _is_folder(output: str) -> bool:
    return output.endswith(("/", os.sep)) or Path(output).is_dir()


def _role(role: str | None) -> Who | None:
    """The role that is meant, with blanks or hyphens. Raises UsageError."""
    from typing import get_args

    from pbisetup.model.errors import UsageError
    from pbisetup.model.plan import Who

    if role is None:
        return None
    meant = role.strip().lower().replace("-", " ")
    roles = [each for each in get_args(Who) if each != "you"]
    if meant not in roles:
        raise UsageError("PBI104", f"--role {role!r} is not one of {', '.join(roles)}")
    return cast("Who", meant)


def _patience(wait: str | None, verify: bool, format: str | None) -> int:
    from pbisetup.model.errors import UsageError

    if wait is not None and not verify:
        raise UsageError("PBI104", "--wait goes with --verify", remedy="Add --verify to look until nobody is awaited.")
    if verify and format in ("bash", "powershell"):
        raise UsageError("PBI104", f"--format {format} does not go with --verify, which writes no script")
    return seconds(wait or _PATIENCE)


def _credential(certificate: Path | None, federated: str | None) -> PublicCredential | None:
    """What the app is to sign in with. Raises UsageError."""
    from pbisetup.model.errors import UsageError

    if certificate is not None and federated is not None:
        raise UsageError("PBI104", "--certificate and --federated are two ways; choose one")
    if certificate is not None:
        from pbisetup.services.public_certificate import read_public_certificate

        return read_public_certificate(certificate)
    if federated is None:
        return None
    from pbisetup.model.tenant import TrustedSubject

    issuer, equals, subject = federated.partition("=")
    plain = federated.isprintable() and len(issuer) <= 600 and len(subject) <= 600
    if not (equals and subject and issuer.startswith("https://") and plain):
        raise UsageError(
            "PBI104",
            f"--federated {federated!r} is not ISSUER=SUBJECT",
            remedy="Such as https://token.actions.githubusercontent.com=repo:contoso/reports:environment:prod",
        )
    return TrustedSubject(issuer, subject)


def _flags(certificate: Path | None, federated: str | None) -> tuple[str, ...]:
    """The same, as it was typed."""
    if certificate is not None:
        return ("--certificate", str(certificate))
    return ("--federated", federated) if federated is not None else ()


# -- looking ---------------------------------------------------------------------------------------------------------


def _look(
    manifest: Manifest,
    found: Sequence[Place],
    reach: Network,
    credential: PublicCredential | None,
    role: Who | None,
) -> Look:
    """How environments are looked at, each time anew, side by side."""
    from pbisetup.execution.looking import look_all
    from pbisetup.services.clock import ServiceClock
    from pbisetup.services.side_by_side import side_by_side

    clock = ServiceClock(reach)

    def look(names: Sequence[str]) -> dict[str, Handoff | PbisetupError]:
        meant = [place for place in found if place.environment.name in names]
        looked = look_all(meant, manifest, clock, heed_refusals=True)
        handed = side_by_side(*(partial(_handed, each, manifest, credential, role) for each in looked))
        return {place.environment.name: each for place, each in zip(meant, handed, strict=True)}

    return look


def _handed(
    looked: Looked, manifest: Manifest, credential: PublicCredential | None, role: Who | None
) -> Handoff | PbisetupError:
    """What one look comes to."""
    from pbisetup.model.errors import PbisetupError
    from pbisetup.observe.whole_app import with_whole_app
    from pbisetup.planning.handoff import asks_for_consent, hand_off

    if looked.error is not None:
        return looked.error
    seen, plan, place = looked.snapshot, looked.plan, looked.place
    assert seen is not None
    assert plan is not None
    try:
        if credential is not None or asks_for_consent(plan):
            seen = with_whole_app(place.session, seen)
    except PbisetupError as error:
        return error
    cloud = place.session.network.cloud
    return hand_off(manifest, plan, cloud, seen, credential, role)


def _all_or_error(looked: Mapping[str, Handoff | PbisetupError]) -> dict[str, Handoff]:
    """Every hand-off. Raises the first error: a packet that lacks an environment would not be the whole of it."""
    from pbisetup.model.errors import PbisetupError

    handed: dict[str, Handoff] = {}
    for name, found in looked.items():
        if isinstance(found, PbisetupError):
            raise found
        handed[name] = found
    return handed


def _packets(
    manifest: Manifest, found: Sequence[Place], handed: Mapping[str, Handoff], flags: tuple[str, ...]
) -> list[Packet]:
    """One for each tenant, because a script runs in one."""
    from pbisetup.ui.handoff import Packet

    by_tenant: dict[str, list[Place]] = {}
    for place in found:
        by_tenant.setdefault(place.session.tenant.id, []).append(place)
    packets = []
    for own in by_tenant.values():
        session = own[0].session
        listed = tuple(handed[place.environment.name] for place in own)
        packets.append(Packet(manifest.name, session.tenant, session.operator, session.network.cloud, listed, flags))
    return packets


# -- sending ---------------------------------------------------------------------------------------------------------


def _send(terminal: Terminal, packets: Sequence[Packet], form: str, output: str | None, *, every: bool) -> None:
    from pbisetup.ui.handoff import handoff_json
    from pbisetup.ui.handoff_words import all_is_well, nobody_asked, what_else

    asking = [each for each in packets if each.asks]
    if form == "json" and (output is None or not _is_folder(output)):
        text = json.dumps(handoff_json(packets), indent=2)
        if output is None:
            terminal.result(text)
        else:
            _write(terminal, Path(output), text + "\n")
        return
    whole = [each for packet in packets for each in packet.handed]
    if all(all_is_well(each) for each in whole):
        terminal.say("Nobody else needs to do anything.", "green")
    for handed in whole:
        for line in (*nobody_asked(handed), *what_else(handed)):
            terminal.wrapped(line, "")
    if not asking:
        return
    for handed in (each for packet in asking for each in packet.asking):
        if any(task.after for task in handed.order):
            terminal.say(
                f"{handed.environment}: part of it waits for you: pbisetup apply {handed.environment}", "yellow"
            )
    if output is None:
        terminal.value(_text(asking, form))
        return
    if _is_folder(output):
        folder = Path(output)
        _make_folder(folder)
        for path, text in _files(asking, _SUFFIXES.items() if every else [(_suffix(form), form)]):
            _write(terminal, folder / path, text)
    else:
        _write(terminal, Path(output), _text(asking, form))


def _text(packets: Sequence[Packet], form: str) -> str:
    """One form of all of it. Raises UsageError where one script would have to serve several tenants."""
    from pbisetup.model.errors import UsageError
    from pbisetup.ui.handoff import WRITERS

    form = "markdown" if form == "text" else form
    if form != "markdown" and len(packets) > 1:
        names = ", ".join(each.environment for packet in packets for each in packet.asking)
        raise UsageError(
            "PBI107",
            f"a script runs in one tenant, and these environments are in {len(packets)}: {names}",
            remedy="Name environments of one tenant, or a folder: -o handoff/",
        )
    return "\n".join(WRITERS[form](packet) for packet in packets)


def _files(packets: Sequence[Packet], forms: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """(name, content) of the files in a folder; a tenant's id in the name where there are several."""
    from pbisetup.ui.handoff import WRITERS, handoff_json

    forms = list(forms)
    for packet in packets:
        stem = f"handoff-{packet.tenant.id}" if len(packets) > 1 else "handoff"
        for suffix, form in forms:
            if form == "json":
                yield f"{stem}.json", json.dumps(handoff_json([packet]), indent=2) + "\n"
            else:
                yield f"{stem}{suffix}", WRITERS[form](packet)


def _suffix(form: str) -> str:
    return next((suffix for suffix, each in _SUFFIXES.items() if each == form), ".md")


def _make_folder(folder: Path) -> None:
    from pbisetup.model.errors import UsageError

    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError("PBI103", f"{folder} cannot be made: {error.strerror or error}") from None


def _write(terminal: Terminal, path: Path, text: str) -> None:
    from pbisetup.services.files import write_text

    write_text(path, text, executable=path.suffix == ".sh" or text.startswith("#!"))
    terminal.say(f"written to {path}", "green")


# -- waiting ---------------------------------------------------------------------------------------------------------


def _verified(
    common: Common, terminal: Terminal, reach: Network, look: Look, names: Sequence[str], patience: int
) -> None:
    """Wait until nobody is awaited, say what is left, and leave with the code for it."""
    from pbisetup.execution.awaiting import await_others
    from pbisetup.model.errors import ExitCode
    from pbisetup.services.clock import ServiceClock
    from pbisetup.ui.awaiting import Watch, awaiting_json, awaiting_lines

    done: Awaiting = await_others(look, names, patience, ServiceClock(reach), Watch(terminal))
    terminal.clear()
    if common.json:
        terminal.result(json.dumps(awaiting_json(done), indent=2))
    else:
        for line in awaiting_lines(done):
            terminal.wrapped_result(line)
    if done.interrupted:
        raise typer.Exit(ExitCode.INTERRUPTED)
    raise typer.Exit(ExitCode.HANDOFF if done.anybody else ExitCode.OK)
