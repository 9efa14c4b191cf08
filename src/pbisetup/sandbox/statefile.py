"""The file that keeps a tenant: its state and its signing key together, held by one server at a time."""

from __future__ import annotations

import contextlib
import json
import os
import uuid
from pathlib import Path
from typing import Any

from pbisetup.sandbox.keys import SigningKey
from pbisetup.sandbox.paths import write_private

WAIT_SECONDS = 20.0


class StateFileError(Exception):
    """The state file cannot be used; the text says why and what would help."""


class StateFile:
    """A state file whose lock this process holds from `open` to `close`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._owner = path.with_name(path.name + ".owner")
        self._lock: Any = None

    def open(self, wait: float = WAIT_SECONDS) -> None:
        """Take the lock, waiting for a server that is just ending. Raises StateFileError."""
        from filelock import FileLock, Timeout

        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._lock = FileLock(self.path.with_name(self.path.name + ".lock"))
            self._lock.acquire(timeout=wait)
            self._owner.write_text(str(os.getpid()), encoding="utf-8")
        except Timeout:
            holder = "another process"
            with contextlib.suppress(OSError):
                holder = f"process {self._owner.read_text(encoding='utf-8')}"
            raise StateFileError(f"{self.path} is in use by the sandbox of {holder}; end that one first") from None
        except OSError as error:
            raise StateFileError(f"cannot use {self.path}: {error}") from error

    def load(self) -> tuple[dict[str, Any], SigningKey] | None:
        """The state and the key, or None where there is no file yet. Raises StateFileError."""
        try:
            text = self.path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return None
        except (OSError, UnicodeDecodeError) as error:
            raise StateFileError(f"cannot read {self.path}: {error}") from error
        try:
            content = json.loads(text)
            state = dict(content["state"])
            uuid.UUID(state["tenant"]["id"])
            return state, SigningKey.from_pem(content["signingKey"])
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise StateFileError(
                f"{self.path} is not the state of a sandbox ({error}); move it away to start with a new tenant"
            ) from error

    def save(self, state: str, keys: SigningKey) -> None:
        """Write the file as a whole; `state` is JSON text. Raises OSError."""
        write_private(self.path, f'{{"signingKey": {json.dumps(keys.to_pem())},\n"state": {state}}}\n')

    def close(self) -> None:
        """Give the lock back."""
        if self._lock is not None:
            with contextlib.suppress(OSError):
                self._owner.unlink(missing_ok=True)
            self._lock.release()
