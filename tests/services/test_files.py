"""Private files: whole or not at all, and what a killed process left beside them goes with the next one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from pbisetup.services.files import PrivateFile, write_private

KILLED = """
import os, signal, sys
from pathlib import Path
from pbisetup.services.files import PrivateFile
file = PrivateFile(Path(sys.argv[1]))
file.reserve(10)
os.kill(os.getpid(), signal.SIGKILL)
"""


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.skipif(sys.platform == "win32", reason="there is no kill -9")
def test_what_a_killed_process_left_goes_with_the_next_file(tmp_path: Path) -> None:
    target, certificate = tmp_path / ".env.dev", tmp_path / ".env.dev.0123456789ab.pem"
    for path in (target, certificate):
        done = subprocess.run([sys.executable, "-c", KILLED, str(path)], check=False)
        assert done.returncode == -signal.SIGKILL
    assert len(names(tmp_path)) == 2
    write_private(target, "new")
    assert names(tmp_path) == [".env.dev"]


def test_a_file_that_is_being_written_stays(tmp_path: Path) -> None:
    target = tmp_path / ".env.dev"
    with PrivateFile(target) as first, PrivateFile(target) as second:
        second.commit("second")
        first.commit("first")
    assert target.read_text() == "first"
    assert names(tmp_path) == [".env.dev"]


def test_files_of_others_stay(tmp_path: Path) -> None:
    others = [".env.dev.tmp", ".env.dev.mine.tmp", ".env.test.abcdefgh.tmp", ".env.dev.x.abcdefgh.tmp", "abcdefgh.tmp"]
    for name in others:
        (tmp_path / name).write_text("theirs")
    outside = tmp_path / "outside"
    outside.write_text("theirs")
    (tmp_path / ".env.dev.abcdefgh.tmp").symlink_to(outside)
    write_private(tmp_path / ".env.dev", "new")
    assert set(names(tmp_path)) >= {*others, "outside"}
    assert outside.read_text() == "theirs"


def test_the_file_is_its_owners_alone(tmp_path: Path) -> None:
    write_private(tmp_path / "x", "secret")
    if os.name == "posix":
        assert (tmp_path / "x").stat().st_mode & 0o077 == 0
