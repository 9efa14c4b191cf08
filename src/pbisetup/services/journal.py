"""What this machine was about to do when it was stopped: intent before, outcome after, for steps that cannot be repeated.

One JSON object a line, in the user's state directory; names and ids only, never a secret.
"""

from __future__ import annotations

import contextlib
import json
import os
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from pbisetup.model.errors import StoreError
from pbisetup.model.tenant import Retiring

_TURN = threading.Lock()
"""Several environments write to one journal."""


def state_directory() -> Path:
    """Where pbisetup keeps what belongs to this machine: PBISETUP_STATE_DIR, else the platform's place for state."""
    if chosen := os.environ.get("PBISETUP_STATE_DIR", "").strip():
        return Path(chosen)
    from platformdirs import user_state_path

    return user_state_path("pbisetup", appauthor=False)


_RECENT = timedelta(days=1)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


class Journal:
    """The journal of one project. A folder that cannot be written costs the journal, not the run."""

    def __init__(self, project_id: str) -> None:
        self._path = state_directory() / "journal" / f"{project_id}.jsonl"

    def prove(self) -> None:
        """Raise StoreError where nothing can be written down: what a killed run leaves could not be found again."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with open(self._path, "a+b", opener=_private):
                pass
        except OSError as error:
            raise StoreError(
                "PBI113",
                f"the journal {self._path} cannot be written: {error.strerror or error}",
                remedy="No credential was made: after a kill nobody could tell what is left of it. Name a folder of your "
                "own in PBISETUP_STATE_DIR.",
            ) from None

    def intend(self, environment: str, name: str, key_id: str = "") -> None:
        """Before a credential is made under this display name, and this key id, where it is chosen here."""
        self._add({"intend": name, "environment": environment, **({"key": key_id} if key_id else {})})

    def done(self, environment: str, name: str) -> None:
        """After its value is stored, or after it is certain that none was made or that it was removed."""
        self._add({"done": name, "environment": environment})

    def refused(self, environment: str, step: str) -> None:
        """After a service refused a step to this operator, so that `handoff` knows whose it is not."""
        self._add({"refused": step, "environment": environment})

    def granted(self, environment: str, step: str) -> None:
        """After a step went through."""
        self._add({"granted": step, "environment": environment})

    def begin_rotation(self, environment: str, key_id: str) -> None:
        """Before the credential with this key id is replaced; `none` where its key id is not known."""
        self._add({"rotates": key_id, "environment": environment})

    def end_rotation(self, environment: str) -> None:
        """After nothing of it is left to do."""
        for key_id in sorted(self._open(environment, "rotates", "rotated")):
            self._add({"rotated": key_id, "environment": environment})

    def rotation(self, environment: str) -> str | None:
        """Key id that an interrupted rotation set out to replace, or None; one of days ago is nobody's to finish."""
        open_ = self._open(environment, "rotates", "rotated")
        recent = datetime.now(UTC) - _RECENT
        found = None
        for entry in self._entries(environment):
            if entry.get("rotates") in open_ and _moment(entry.get("at")) >= recent:
                found = str(entry["rotates"])
        return found

    def retire(self, environment: str, old: Retiring) -> None:
        """After another credential took this one's place in a store that cannot say so itself."""
        self._add({"retires": old.key_id, "after": old.after.isoformat(timespec="seconds"), "environment": environment})

    def retiring(self, environment: str) -> tuple[Retiring, ...]:
        """What was replaced, with the newest word on how long it stays."""
        found: dict[str, Retiring] = {}
        for entry in self._entries(environment):
            if "retires" in entry:
                with contextlib.suppress(ValueError, KeyError, TypeError):
                    key_id = str(entry["retires"])
                    found[key_id] = Retiring(key_id, datetime.fromisoformat(entry["after"]))
        return tuple(found.values())

    def open_intents(self, environment: str) -> frozenset[str]:
        """Display names that were begun and never finished."""
        return self._open(environment, "intend", "done")

    def open_keys(self, environment: str) -> dict[str, str]:
        """Key ids that were begun and never finished, as far as they were chosen here, each with its display name."""
        names = self.open_intents(environment)
        told = (entry for entry in self._entries(environment) if entry.get("intend") in names and entry.get("key"))
        return {str(entry["key"]): str(entry["intend"]) for entry in told}

    def refused_steps(self, environment: str) -> frozenset[str]:
        """Ids of steps whose newest try was refused."""
        return self._open(environment, "refused", "granted")

    def close(self, environment: str) -> None:
        """After the environment's app is gone: whatever was begun or refused concerns nothing any more."""
        for name in sorted(self.open_intents(environment)):
            self.done(environment, name)
        for step in sorted(self.refused_steps(environment)):
            self.granted(environment, step)
        self.end_rotation(environment)

    def _open(self, environment: str, begin: str, end: str) -> frozenset[str]:
        found: set[str] = set()
        for entry in self._entries(environment):
            found |= {str(entry[begin])} if begin in entry else set()
            found -= {str(entry.get(end, ""))}
        return frozenset(found)

    def _entries(self, environment: str) -> Iterator[dict[str, Any]]:
        try:
            lines = self._path.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError):
            return
        for line in lines:
            try:
                entry = json.loads(line)
            except ValueError:
                continue  # a line that a crash cut short
            if isinstance(entry, dict) and entry.get("environment") == environment:
                yield entry

    def _add(self, entry: dict[str, str]) -> None:
        with _TURN:
            self._write(entry)

    def _write(self, entry: dict[str, str]) -> None:
        line = json.dumps({"at": datetime.now(UTC).isoformat(timespec="seconds"), **entry})
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with open(self._path, "a+b", opener=_private) as file:
                if file.tell():
                    file.seek(-1, os.SEEK_END)
                    # A crash may have cut the last line short: the new one must not be lost with it.
                    line = line if file.read(1) == b"\n" else "\n" + line
                file.write(line.encode() + b"\n")
                file.flush()
                os.fsync(file.fileno())
        except OSError:
            return


def _moment(text: Any) -> datetime:
    """A time as it was written here; long ago where it is none."""
    try:
        moment = datetime.fromisoformat(str(text))
    except ValueError:
        return datetime.min.replace(tzinfo=UTC)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
