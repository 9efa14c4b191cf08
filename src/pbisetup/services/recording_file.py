"""Where a recording is kept: a private file, proved writable before anybody is asked anything."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from pbisetup.model.errors import UsageError
from pbisetup.model.recording import SCHEMA
from pbisetup.services.files import PrivateFile

_HEAD = 4096


@contextlib.contextmanager
def recording_file(path: Path | None, *, names: bool) -> Iterator[PrivateFile | None]:
    """The file to commit a recording to; an older recording of that name stays until then. None where none is wanted.

    Raises UsageError where it cannot be written, or where something else is kept under that name.
    """
    if path is None:
        if names:
            raise UsageError("PBI104", "--record-names says nothing without --record FILE")
        yield None
        return
    if str(path) == "-":
        raise UsageError("PBI104", "--record -: standard output carries the report; name a file")
    try:
        _check(path)
        file = PrivateFile(path)
    except OSError as error:
        raise UsageError("PBI103", f"{path} cannot be written: {error.strerror or error}") from None
    with file:
        yield file


def commit(file: PrivateFile, text: str) -> None:
    """Put the recording in its place. Raises UsageError."""
    try:
        file.commit(text)
    except OSError as error:
        raise UsageError("PBI103", f"{file.path} cannot be written: {error.strerror or error}") from None


def _check(path: Path) -> None:
    if path.is_dir():
        raise UsageError("PBI103", f"{path} is a folder; name a file")
    if path.exists() and path.stat().st_size and not _is_recording(path):
        raise UsageError(
            "PBI103",
            f"{path} is no recording, so it is not overwritten",
            remedy="Name another file, or move that one away.",
        )


def _is_recording(path: Path) -> bool:
    with path.open("rb") as file:
        return SCHEMA.rpartition("/")[0].encode() in file.read(_HEAD)
