"""`rotate`: a new credential in the place of the old, proved before it takes that place."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from pbisetup.cli import options as opt
from pbisetup.cli.apply import finish, need_consent
from pbisetup.cli.context import Common, choose_one, command, load_manifest, network
from pbisetup.cli.places import brought_for, places, store_for

if TYPE_CHECKING:
    from datetime import timedelta

    from pbisetup.execution.looking import Place
    from pbisetup.model.manifest import Environment, Manifest
    from pbisetup.services.network import Network
    from pbisetup.ui.terminal import Terminal


def rotate(
    environment: Annotated[
        str | None, typer.Argument(metavar="ENV", help="The environment; default: the only one.")
    ] = None,
    grace: Annotated[
        str | None,
        typer.Option(
            "--grace",
            metavar="TIME",
            help="How long the old credential still works: 0, 10m, 24h, 7d. Up to an hour is waited for. "
            "Default: until the next run of rotate or apply.",
        ),
    ] = None,
    yes: opt.Yes = False,
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
    """Replace the app's credential: a new one is made, proved with tokens and stored; then the old one is removed.

    At every instant the store holds one that works. With `--operator none` a certificate replaces itself: it proves that it
    is held, and nobody has to sign in.
    """
    common = Common(manifest, sandbox, None, cloud, tenant, operator, operator_client_id, format, no_color, verbose)
    with command(common) as terminal:
        from pbisetup.cli.proof import prove_all
        from pbisetup.cli.talk import Talk
        from pbisetup.execution.rolling import roll
        from pbisetup.execution.rotating import rotate_credential
        from pbisetup.model.errors import UsageError
        from pbisetup.services.clock import ServiceClock
        from pbisetup.services.lock import one_run

        need_consent(terminal, yes)
        lasts = grace_of(grace)
        loaded = load_manifest(common)
        chosen = choose_one(loaded, environment)
        if common.json and chosen.credential.store == "stdout":
            raise UsageError(
                "PBI104", "--format json does not go with the stdout store: the secret is never part of a report"
            )
        with (
            one_run(common.manifest_path),
            network(common, terminal, loaded) as reach,
            _place(common, terminal, reach, loaded, chosen) as place,
        ):
            clock = ServiceClock(reach)
            talk = Talk(terminal, {chosen.name: place.session.tenant}, yes)
            before = signal.getsignal(signal.SIGINT)
            try:
                replace_it = roll if operator == "none" else rotate_credential
                done = replace_it(place, loaded, clock, talk, lasts)
            finally:
                signal.signal(signal.SIGINT, before)
            if done.error is not None:
                raise done.error
            prove_all(terminal, [done], clock, talk, 0, only_problems=True)
        finish(common, terminal, [done], again="rotate")


@contextlib.contextmanager
def _place(
    common: Common, terminal: Terminal, reach: Network, manifest: Manifest, environment: Environment
) -> Iterator[Place]:
    """Where the credential is replaced: by whoever signs in, or, with the operator `none`, by the app itself."""
    from pbisetup.execution.looking import Place
    from pbisetup.execution.rolling import as_itself

    if common.operator != "none":
        with places(common, terminal, reach, [environment], manifest.project_id) as found:
            yield found.found[0]
        return
    store = store_for(common, environment, terminal, reach, manifest.project_id)
    with as_itself(reach, store) as session:
        yield Place(session, environment, store, brought_for(common, environment))


def grace_of(text: str | None) -> timedelta | None:
    """`0`, `90s`, `10m`, `24h` or `7d`. Raises UsageError."""
    import re
    from datetime import timedelta

    from pbisetup.model.errors import UsageError

    if text is None:
        return None
    match = re.fullmatch(r"([0-9]{1,5})([smhd]?)", text.strip())
    if match is None or (not match[2] and match[1] != "0"):
        raise UsageError("PBI104", f"--grace {text!r} is no time such as 0, 10m, 24h or 7d")
    return int(match[1]) * timedelta(seconds={"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}[match[2]])
