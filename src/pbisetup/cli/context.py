"""What every command starts from: the terminal, the manifest, the cloud, and one place where errors end."""

from __future__ import annotations

import contextlib
import logging
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from pbisetup.model.cloud import Cloud
    from pbisetup.model.manifest import Environment, Manifest
    from pbisetup.observe.session import Session
    from pbisetup.services.network import Network, Patience
    from pbisetup.ui.terminal import Terminal

FILENAME = "pbisetup.toml"


@dataclass(frozen=True)
class Common:
    """The options that every command has."""

    manifest: Path | None = None
    sandbox: bool = False
    scenario: str | None = None
    cloud: str | None = None
    tenant: str | None = None
    operator: str = "auto"
    operator_client_id: str | None = None
    format: str = "text"
    no_color: bool = False
    verbose: bool = False

    @property
    def manifest_path(self) -> Path:
        return (self.manifest or Path(FILENAME)).absolute()

    @property
    def json(self) -> bool:
        return self.format == "json"


@contextlib.contextmanager
def command(common: Common, formats: tuple[str, ...] = ("text", "json")) -> Iterator[Terminal]:
    """Runs a command's body: whatever it raises ends here, as words and an exit code."""
    from pbisetup.model.errors import ExitCode, PbisetupError, UsageError
    from pbisetup.ui.failure import show, show_unexpected
    from pbisetup.ui.terminal import Terminal

    # The SDKs log what they also raise; said once, in our words, is enough.
    logging.getLogger().addHandler(logging.NullHandler())
    terminal = Terminal(color=not common.no_color)
    try:
        if common.format not in formats:
            raise UsageError("PBI104", f"--format {common.format!r} is not one of {', '.join(formats)}")
        yield terminal
    except PbisetupError as error:
        raise typer.Exit(show(terminal, error, as_json=common.json)) from None
    except KeyboardInterrupt:
        terminal.say("stopped", "yellow")
        raise typer.Exit(ExitCode.INTERRUPTED) from None
    except (typer.Exit, SystemExit):
        raise
    except Exception as error:
        raise typer.Exit(show_unexpected(terminal, error)) from None


def load_manifest(common: Common) -> Manifest:
    from pbisetup.services.manifest_file import load

    return load(common.manifest_path)


@contextlib.contextmanager
def network(
    common: Common, terminal: Terminal, manifest: Manifest | None, patience: Patience | None = None
) -> Iterator[Network]:
    """The cloud that is meant, reachable; an embedded tenant lives as long as the block."""
    from pbisetup.services.network import Network, Patience, Trace
    from pbisetup.ui.progress import request_line

    trace = Trace(listener=(lambda r: terminal.say(request_line(r), "dim")) if common.verbose else None)
    with contextlib.ExitStack() as stack:
        yield Network(_cloud(common, terminal, manifest, stack), trace, patience or Patience())


def _cloud(common: Common, terminal: Terminal, manifest: Manifest | None, stack: contextlib.ExitStack) -> Cloud:
    from pbisetup.catalog.clouds import clouds, sandbox_cloud
    from pbisetup.model.errors import UsageError

    wanted = "sandbox" if common.sandbox or common.scenario else common.cloud
    if manifest is not None:
        if wanted is not None and wanted != manifest.cloud:
            asked = f"--cloud {common.cloud}" if common.cloud else "--sandbox"
            raise UsageError(
                "PBI106",
                f"the manifest is for the cloud {manifest.cloud!r}; {asked} does not go with it",
                remedy="Use another folder or another --manifest for another cloud.",
            )
        wanted = manifest.cloud
    wanted = wanted or "public"
    if wanted == "sandbox":
        url = os.environ.get("PBISETUP_SANDBOX_URL", "").strip()
        if url and not url.startswith("https://"):
            raise UsageError("PBI104", "PBISETUP_SANDBOX_URL must be an address that begins with https://")
        if url and not common.sandbox and not common.scenario:
            return sandbox_cloud(url, os.environ.get("PBISETUP_SANDBOX_CA", "").strip() or None, _lives_in(url))
        return _embedded(common, terminal, stack)
    if wanted not in clouds():
        raise UsageError("PBI104", f"--cloud {wanted!r} is not one of {', '.join((*clouds(), 'sandbox'))}")
    return clouds()[wanted]


def _lives_in(url: str) -> str:
    """The cloud whose names belong to the running tenant: what it says itself, where it runs on this machine."""
    from pbisetup.sandbox.runfile import ControlError, published

    running = published(url)
    try:
        return running.cloud() if running else "public"
    except (OSError, ValueError, KeyError, ControlError):
        return "public"


def _embedded(common: Common, terminal: Terminal, stack: contextlib.ExitStack) -> Cloud:
    from pbisetup.catalog.clouds import sandbox_cloud
    from pbisetup.model.errors import Unavailable
    from pbisetup.sandbox.embedded import EmbeddedStartError, EmbeddedTenant

    if common.scenario:
        _known(common.scenario, terminal)
    terminal.transient("  … starting the local tenant")
    tenant = EmbeddedTenant(common.manifest_path.parent, scenario=common.scenario)
    try:
        running = stack.enter_context(tenant)
    except EmbeddedStartError as error:
        raise Unavailable("PBI208", str(error)) from None
    finally:
        terminal.clear()
    return sandbox_cloud(running.url, running.ca, running.cloud())


def _known(scenario: str, terminal: Terminal) -> None:
    """Raises UsageError with every mistake of a scenario, before a tenant is started in it; says what is hardly meant."""
    from pbisetup.model.errors import UsageError
    from pbisetup.sandbox.identity import Identity
    from pbisetup.sandbox.scenarios import ScenarioError, doubts, find
    from pbisetup.sandbox.seed import default_state

    try:
        found = find(scenario)
        for each in doubts(found, default_state(Identity.new(), found)):
            terminal.say(f"warning: {each}")
    except ScenarioError as error:
        remedy = "`pbisetup sandbox scenarios` lists those there are."
        raise UsageError("PBI104", f"--scenario {scenario}: {error}", remedy=remedy) from None


_OWN_USERS = ("auto", "browser", "device")
"""How somebody signs in who is a user of a throw-away tenant; every other way belongs to another one."""


def check_operator(common: Common, *, optional: bool = False) -> None:
    """Raises UsageError where nobody signs in by the way that was asked for, whether or not somebody has to; `none` is one
    only where an operator is `optional`.
    """
    from pbisetup.model.errors import UsageError
    from pbisetup.observe.session import ROUTES

    if optional and common.operator == "none":
        return
    if common.operator not in ROUTES:
        raise UsageError("PBI104", f"--operator {common.operator!r} is not one of {', '.join(ROUTES)}")
    if common.scenario and common.operator not in _OWN_USERS:
        raise UsageError(
            "PBI104",
            f"--operator {common.operator} does not go with --scenario, whose tenant only its own users sign in to",
            remedy=f"Choose one of {', '.join(_OWN_USERS)}.",
        )


@contextlib.contextmanager
def signed_in(common: Common, terminal: Terminal, reach: Network, tenant: str | None) -> Iterator[Session]:
    """The operator, signed in to the tenant that is meant."""
    from pbisetup.observe.session import SignIn, sign_in

    check_operator(common)
    session = sign_in(
        reach,
        SignIn(
            route=common.operator,
            tenant=tenant,
            client_id=common.operator_client_id,
            terminal=terminal.interactive,
            prompt=lambda uri, code, _: terminal.wrapped(sign_in_text(uri, code, terminal), "", "bold"),
        ),
    )
    try:
        yield session
    finally:
        session.close()


def sign_in_text(uri: str, code: str, terminal: Terminal, to: str = "") -> str:
    """What a person is asked to do for a device code; without a terminal it is waited for a minute only."""
    limit = "" if terminal.interactive else " (waiting for 60 s)"
    return f"To sign in{to}, open {uri} and enter the code {code}{limit}"


def choose(manifest: Manifest, names: list[str] | None) -> list[Environment]:
    """The environments that are meant: those named, else all."""
    return [choose_one(manifest, name) for name in names] if names else list(manifest.environments.values())


def choose_one(manifest: Manifest, name: str | None) -> Environment:
    """The environment of this name, or the only one."""
    from pbisetup.model.errors import UsageError

    known = ", ".join(manifest.environments)
    if name is None:
        if len(manifest.environments) == 1:
            return next(iter(manifest.environments.values()))
        raise UsageError("PBI107", f"there are several environments: {known}", remedy="Name one of them.")
    if name not in manifest.environments:
        raise UsageError("PBI107", f"the manifest has no environment {name!r}; it has: {known}")
    return manifest.environments[name]


def tenant_of(common: Common, environment: Environment) -> str | None:
    """The tenant that is meant. Raises UsageError where --tenant contradicts the manifest."""
    from pbisetup.model.errors import UsageError

    if common.tenant and environment.tenant and common.tenant.lower() != environment.tenant.lower():
        raise UsageError(
            "PBI106",
            f"the manifest says tenant {environment.tenant} for {environment.name!r}; --tenant says {common.tenant}",
        )
    return common.tenant or environment.tenant


def seconds(text: str) -> int:
    """`90s`, `5m`, `1h` or plain seconds. Raises UsageError."""
    from pbisetup.model.errors import UsageError

    match = re.fullmatch(r"(\d{1,5})([smh]?)", text.strip())
    if match is None:
        raise UsageError("PBI104", f"--wait {text!r} is no time such as 0, 90s or 5m")
    return int(match[1]) * {"": 1, "s": 1, "m": 60, "h": 3600}[match[2]]
