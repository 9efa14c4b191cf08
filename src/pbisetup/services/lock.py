"""One run at a time on one manifest: two that both find nothing would both make everything."""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

from pbisetup.model.errors import UsageError
from pbisetup.services.journal import state_directory

PATIENCE = 5.0
"""Seconds to wait for another run to end."""


@contextlib.contextmanager
def one_run(manifest: Path) -> Iterator[None]:
    """Hold the manifest for this run; released by the system where the process dies. Raises UsageError.

    A state directory that cannot be written costs the lock, not the run.
    """
    from filelock import FileLock, Timeout

    key = hashlib.sha256(os.path.normcase(manifest.resolve()).encode()).hexdigest()[:16]
    path = state_directory() / "locks" / f"{key}.lock"
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = FileLock(path)
        lock.acquire(timeout=PATIENCE)
    except Timeout:
        raise UsageError(
            "PBI110", f"another pbisetup run works on {manifest.name} here", remedy="Wait until it has ended."
        ) from None
    except OSError:
        yield
        return
    try:
        yield
    finally:
        lock.release()
