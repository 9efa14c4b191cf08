"""Where a sandbox keeps its files on this machine, and how it writes them."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path


def state_dir() -> Path:
    """The user's state directory for sandboxes; PBISETUP_STATE_DIR overrides it. Not made here."""
    override = os.environ.get("PBISETUP_STATE_DIR")
    if override:
        return Path(override) / "sandbox"
    from platformdirs import user_state_dir

    return Path(user_state_dir("pbisetup", appauthor=False)) / "sandbox"


def write_private(path: Path, text: str) -> None:
    """Write a file as a whole or not at all, readable by this user only (where the file system has modes)."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=path.name, suffix=".tmp")  # made with mode 0600
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
