"""Keyrings for tests: real backends of the package keyring that keep their entries in a JSON file.

PYTHON_KEYRING_BACKEND=tests.support.ring.Ring selects one in a process; RING is its file, RING_MOOD how it behaves.
"""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

from keyring.backend import KeyringBackend
from keyring.backends.Windows import WinVaultKeyring
from keyring.errors import KeyringLocked, PasswordDeleteError, PasswordSetError


class Ring(KeyringBackend):
    """An ordinary one."""

    priority = 5

    @property
    def _file(self) -> Path:
        return Path(os.environ["RING"])

    @property
    def mood(self) -> str:
        return os.environ.get("RING_MOOD", "")

    def entries(self) -> dict[str, str]:
        return json.loads(self._file.read_text()) if self._file.exists() else {}

    def _write(self, entries: dict[str, str]) -> None:
        temporary = self._file.with_suffix(".new")
        temporary.write_text(json.dumps(entries))
        temporary.replace(self._file)

    def _meet(self) -> None:
        if self.mood == "locked":
            raise KeyringLocked("Failed to unlock the collection!")
        while self.mood == "waiting":  # for a person, who never comes
            time.sleep(0.02)
        if self.mood == "broken":
            raise RuntimeError("org.freedesktop.DBus.Error.NoReply aB3~very.secret_value-1")

    def get_password(self, service: str, username: str) -> str | None:
        self._meet()
        found = self.entries().get(f"{service}|{username}")
        return found[:100] if found and self.mood == "short" else found

    def set_password(self, service: str, username: str, password: str) -> None:
        self._meet()
        if self.mood == "denied":
            raise PasswordSetError("access denied by policy")
        self._write({**self.entries(), f"{service}|{username}": password})
        if self.mood == "failing late" and service == "pbisetup":
            raise PasswordSetError("no reply")

    def delete_password(self, service: str, username: str) -> None:
        self._meet()
        entries = self.entries()
        if entries.pop(f"{service}|{username}", None) is None:
            raise PasswordDeleteError("no such password")
        self._write(entries)


class Windows(WinVaultKeyring):
    """Credential Manager: 2,560 bytes of UTF-16 an entry; more is this error."""

    priority = 5
    get_password = Ring.get_password
    delete_password = Ring.delete_password
    _file, mood, entries, _write, _meet = Ring._file, Ring.mood, Ring.entries, Ring._write, Ring._meet

    def __init__(self) -> None:
        KeyringBackend.__init__(self)

    def set_password(self, service: str, username: str, password: str) -> None:
        if len(password.encode("utf-16-le")) > 2560:
            raise OSError(1783, "The stub received bad data.")
        Ring.set_password(self, service, username, password)  # type: ignore[arg-type]


class Feed(KeyringBackend):
    """One that only reads, as those that sign in to package feeds; it comes first."""

    priority = 9

    def get_password(self, service: str, username: str) -> str | None:  # noqa: ARG002 - it knows none of them
        return None

    def set_password(self, service: str, username: str, password: str) -> None:
        raise NotImplementedError
