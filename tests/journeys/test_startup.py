"""What a command loads: help and version nothing heavy, and the SDK's models never."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.journeys.test_init import INIT
from tests.support.cli import Cli

HEAVY = (
    "msgraph",
    "kiota",
    "azure",
    "msal",
    "httpx",
    "requests",
    "questionary",
    "prompt_toolkit",
    "rich",
    "jwt",
    "cryptography",
    "pydantic",
    "asyncio",
    "uvicorn",
    "tomlkit",
    "jinja2",
)


def imported(*arguments: str) -> set[str]:
    """Every module that a run of the command imports."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "pbisetup", *arguments], capture_output=True, text=True, check=True
    )
    return {line.rsplit("|", 1)[-1].strip() for line in done.stderr.splitlines() if line.startswith("import time:")}


@pytest.mark.parametrize(
    "arguments",
    [["--version"], ["-V"], ["--help"], ["init", "--help"], ["doctor", "--help"], ["sandbox", "start", "--help"]],
    ids=" ".join,
)
def test_help_and_version_load_nothing_heavy(arguments: list[str]) -> None:
    found = {module.split(".")[0] for module in imported(*arguments)}
    assert not found & set(HEAVY)


def test_the_version_needs_hardly_anything() -> None:
    assert not {m for m in imported("--version") if m.startswith(("typer", "click"))}


def test_the_models_of_msgraph_are_never_loaded(cli: Cli) -> None:
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "pbisetup", *INIT],
        cwd=cli.folder,
        env=cli.env,
        capture_output=True,
        text=True,
        check=True,
    )
    modules = [line.rsplit("|", 1)[-1].strip() for line in done.stderr.splitlines() if line.startswith("import time:")]
    assert any(m.startswith("msgraph.generated") for m in modules)
    assert not [m for m in modules if m.startswith("msgraph.generated.models.")]
