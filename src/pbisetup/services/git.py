"""What git knows about a file that is about to hold a secret."""

from __future__ import annotations

import subprocess
from pathlib import Path


def _git(folder: Path, *arguments: str) -> int | None:
    """Exit status of git, or None where it is not installed or does not answer."""
    try:
        return subprocess.run(
            # A folder of another owner is asked about all the same; nothing of its configuration is run by these.
            ["git", "-c", "safe.directory=*", "-C", str(folder), *arguments],
            capture_output=True,
            timeout=20,
            stdin=subprocess.DEVNULL,
            check=False,
        ).returncode
    except (OSError, subprocess.TimeoutExpired):
        return None


def in_repository(folder: Path) -> bool:
    return _git(folder, "rev-parse", "--is-inside-work-tree") == 0


def is_tracked(file: Path) -> bool:
    """Whether a commit holds the file, or the next one will."""
    return _git(file.parent, "ls-files", "--error-unmatch", "--", file.name) == 0


def is_ignored(file: Path) -> bool:
    return _git(file.parent, "check-ignore", "-q", "--", file.name) == 0


def ignore(file: Path, pattern: str) -> bool:
    """Add a pattern to the .gitignore beside the file, where the file is in a repository and not ignored yet.

    True if it was added.
    """
    if not in_repository(file.parent) or is_ignored(file):
        return False
    target = file.parent / ".gitignore"
    before = target.read_text(encoding="utf-8") if target.exists() else ""
    glue = "" if not before or before.endswith("\n") else "\n"
    target.write_text(f"{before}{glue}{pattern}\n", encoding="utf-8")
    return True
