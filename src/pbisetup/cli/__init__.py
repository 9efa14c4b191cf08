"""The command line: one file a command, each parses, calls and renders. Heavy imports stand inside the commands."""

from __future__ import annotations

import sys


def main() -> None:
    """Entry point of the `pbisetup` command. `--version` is answered before anything else is imported."""
    if sys.argv[1:] in (["--version"], ["-V"]):
        from pbisetup import __version__

        print(f"pbisetup {__version__}")
        return
    try:
        from pbisetup.cli.app import run

        run()
    except KeyboardInterrupt:
        sys.exit(130)
