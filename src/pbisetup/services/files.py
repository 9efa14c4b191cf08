"""Files that only their owner may read, written whole or not at all."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from pbisetup.model.errors import UsageError


def write_private(path: Path, text: str) -> None:
    """Replace the file's content atomically; on POSIX its mode is 0600, on Windows an access list of its owner alone.

    Raises OSError and leaves the old content where anything fails.
    """
    with PrivateFile(path) as file:
        file.commit(text)


def write_text(path: Path, text: str, *, executable: bool = False) -> None:
    """Write an ordinary file, one that may be run where it is `executable`. Raises UsageError where it cannot be written."""
    try:
        path.write_text(text, encoding="utf-8", newline="\n")
        if executable and sys.platform != "win32":
            mode = path.stat().st_mode
            path.chmod(mode | (mode & 0o444) >> 2)  # whoever may read it may run it
    except OSError as error:
        raise UsageError("PBI103", f"{path} cannot be written: {error.strerror or error}") from None


class PrivateFile:
    """A private file that is made beside its place first, so that a full disk or a read-only folder shows early.

    `reserve` fills it to a size before there is anything to lose; `commit` writes the content and moves it into place.
    What a process that was killed left beside this place is removed.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        _sweep(path)
        handle, self._temporary = _begun(path)
        self._file = os.fdopen(handle, "w", encoding="utf-8", newline="\n")
        self._done = False
        _only_owner(self._temporary)

    def __enter__(self) -> PrivateFile:
        return self

    def __exit__(self, *_: object) -> None:
        self.discard()

    def refuse_readers(self) -> None:
        """Raise OSError where the file system lets others read the file whatever its mode says."""
        if sys.platform != "win32" and self._temporary.stat().st_mode & 0o077:
            raise PermissionError("others can read every file in this folder, whatever its mode")

    def reserve(self, size: int) -> None:
        """Take this many bytes on the disk now."""
        self._file.write(" " * size)
        self._sync()

    def commit(self, text: str) -> None:
        """Write the content, on the disk and in place when this returns."""
        self._file.seek(0)
        self._file.write(text)
        self._file.truncate()
        self._sync()
        if sys.platform == "win32":
            self._file.close()  # an open file cannot be moved there
        self._temporary.replace(self.path)
        self._done = True
        self._file.close()

    def discard(self) -> None:
        """Leave nothing behind, unless it was committed."""
        if not self._done:
            # On a full disk closing writes once more, and fails once more.
            with contextlib.suppress(OSError):
                self._file.close()
            self._temporary.unlink(missing_ok=True)
            self._done = True

    def _sync(self) -> None:
        self._file.flush()
        os.fsync(self._file.fileno())


def _begun(path: Path) -> tuple[int, Path]:
    """A new file beside the path, open and held: nobody sweeps it."""
    while True:
        handle, name = tempfile.mkstemp(prefix=f"{path.name}.", suffix=".tmp", dir=path.parent)
        held = True
        with contextlib.suppress(OSError):  # a file system without locks: there nothing is swept, either
            held = _held(handle)
        if held and os.fstat(handle).st_nlink:
            return handle, Path(name)
        os.close(handle)  # swept before it was held


def _sweep(path: Path) -> None:
    """Remove what killed processes left of this file, or of a certificate that belongs to it; they may hold a secret."""
    left = re.compile(rf"{re.escape(path.name)}(\.[0-9a-f]{{12}}\.pem)?\.[a-z0-9_]{{8}}\.tmp")
    with contextlib.suppress(OSError):
        for each in path.parent.iterdir():
            if left.fullmatch(each.name) and not each.is_symlink():
                with contextlib.suppress(OSError):
                    _remove_abandoned(each)


def _remove_abandoned(path: Path) -> None:
    """Remove the file unless a process that lives holds it. Raises OSError; on Windows, too, where it is still open."""
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0))
    try:
        abandoned = _held(handle)
        if abandoned and sys.platform != "win32":
            path.unlink()
    finally:
        os.close(handle)
    if abandoned and sys.platform == "win32":
        path.unlink()


def _held(handle: int) -> bool:
    """Take the lock on a file that the system gives back when this process ends, however it does. False: another has it.

    Raises OSError where there are no locks.
    """
    if sys.platform == "win32":
        return True
    import fcntl

    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _only_owner(path: Path) -> None:
    """mkstemp makes the file 0600; on Windows modes do not protect, so its access list is cut to the owner (entra.md 12)."""
    if sys.platform == "win32":
        user = os.environ.get("USERNAME", "")
        domain = os.environ.get("USERDOMAIN", "")
        account = f"{domain}\\{user}" if domain else user
        command = ["icacls", str(path), "/inheritance:r", "/grant:r", f"{account}:F"]
        try:
            subprocess.run(command, capture_output=True, timeout=20, check=True)
        except subprocess.SubprocessError as error:
            raise PermissionError(f"its access list could not be cut to {account}") from error
